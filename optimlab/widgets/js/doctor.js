// The loss-curve doctor: a run that is trained here, its losses, a diagnosis, and the run with its treatment.

import "./doctor.css";
import { h, id, oncePerFrame, toggle, write } from "./dom.js";
import { number } from "./format.js";
import { lines } from "./lines.js";
import { normal, picks } from "./random.js";
import { compile } from "./run.js";

const CLUES = {
  gradient: { label: "Examine the gradient", axis: "norm of the gradient" },
  update: { label: "Examine the updates", axis: "update / weights" },
};

const idle = (work) => (window.requestIdleCallback ?? setTimeout)(work);

function dot(a, b) {
  let sum = 0;
  for (let j = 0; j < a.length; j++) sum += a[j] * b[j];
  return sum;
}

/** Train as `train` in optimlab/widgets/doctor.py does; it says what everything is. */
function trainer(spec) {
  const losses = Object.fromEntries(Object.entries(spec.losses).map(([name, text]) => [name, compile(text)]));
  const rules = Object.fromEntries(Object.entries(spec.rules).map(([name, text]) => [name, compile(text)]));
  const known = new Map();

  function train(run) {
    const [n, d, m] = [run.samples, run.weights, spec.validation];
    const draws = normal(run.seed, (n + m + 2) * d + n + m);
    let at = 0;
    const take = (count) => draws.subarray(at, (at += count));
    const truth = take(d);
    const w = take(d).map((value) => value / 2);
    const rows = (count) => {
      const flat = take(count * d);
      return Array.from({ length: count }, (_, i) => flat.subarray(i * d, (i + 1) * d));
    };
    const sample = (features, noise) => {
      const target = dot(features, truth) + run.noise * noise;
      return { x: features, y: run.loss === "squared" ? target : Number(target > 0) };
    };
    const [held, heldNoise] = [rows(m), take(m)];
    const [features, noise] = [rows(n), take(n)];
    const validation = held.map((x, i) => sample(x, heldNoise[i]));
    const samples = features.map((x, i) => sample(x, noise[i]));
    if (!run.shuffled) samples.sort((a, b) => a.y - b.y);

    const loss = losses[run.loss];
    const rule = rules[run.rule];
    const state = Array.from({ length: d }, () => ({ ...spec.state[run.rule] }));
    const log = { train: [], validation: [], gradient: [], update: [] };
    const epoch = Math.floor(n / run.batch);
    let order = samples.map((_, i) => i);
    for (let i = 0; i < run.steps; i++) {
      const k = i % epoch;
      if (k === 0 && run.shuffled) order = picks(run.seed + 1 + i / epoch, n, n, 1);
      const moved = run.drift * i;
      const judge = ({ x, y }) => loss({ p: dot(x, w), y: y + moved * x[0] });
      const g = new Float64Array(d);
      let value = 0;
      for (let b = k * run.batch; b < (k + 1) * run.batch; b++) {
        const one = samples[order[b]];
        const [here, slope] = judge(one);
        value += here / run.batch;
        for (let j = 0; j < d; j++) g[j] += (slope * one.x[j]) / run.batch;
      }
      log.train.push(value);
      log.validation.push(validation.reduce((sum, one) => sum + judge(one)[0] / m, 0));
      log.gradient.push(Math.sqrt(dot(g, g)));
      const hyper = { ...run.hyper };
      if (run.drop && i >= run.drop) hyper.lr /= 100;
      let [step, size] = [0, 0];
      for (let j = 0; j < d; j++) {
        const found = rule({ ...hyper, ...state[j], w: w[j], g: g[j], t: i + 1 });
        step += (found.w - w[j]) ** 2;
        size += w[j] ** 2;
        w[j] = found.w;
        for (const name in state[j]) state[j][name] = found[name];
      }
      log.update.push(Math.sqrt(step / size));
    }
    return log;
  }

  /** Every run is trained once. */
  return (run) => {
    const key = JSON.stringify(run);
    if (!known.has(key)) known.set(key, train(run));
    return known.get(key);
  };
}

export function doctor({ model, el, spec }) {
  const train = trainer(spec);
  const heading = id("title");
  const count = spec.patients.length;
  const set = (changes) => {
    for (const [name, value] of Object.entries(changes)) model.set(name, value);
    model.save_changes();
  };
  const said = () => model.get("diagnoses")[model.get("case")];

  const next = h("button", { type: "button", click: () => set({ case: (model.get("case") + 1) % count, examined: [], treated: false }) }, "Next patient");
  const log = toggle({ label: "Logarithmic axis", change: (on) => set({ log: on }) });
  const clues = Object.entries(CLUES).map(([name, { label, axis }]) => {
    const chart = lines({ height: 150 });
    const control = toggle({
      label,
      change: (on) => {
        const others = model.get("examined").filter((one) => one !== name);
        set({ examined: on ? [...others, name] : others });
      },
    });
    return { name, axis, chart, control };
  });
  const figure = lines({ height: 260 });
  const readout = h("p", { class: "ol-readout", role: "status" });

  const group = id("diagnosis");
  const inputs = Object.keys(spec.symptoms).map((key) => h("input", { type: "radio", name: group, value: key, required: true }));
  const options = inputs.map((input) => h("label", { class: "ol-option" }, input, h("span", {}, spec.symptoms[input.value].name)));
  const check = h("button", { type: "submit" }, "Diagnose");
  const treat = h("button", { type: "button", click: () => set({ treated: !model.get("treated") }) });
  const again = h("button", { type: "button", click: () => set({ diagnoses: {}, treated: false }) }, "Forget all diagnoses");
  const score = h("p", { class: "ol-caption" });
  const answer = h("div", { class: "ol-answer", role: "status" });
  const fieldset = h("fieldset", {}, h("legend", {}, "What does this patient have?"), h("div", { class: "ol-options" }, options));
  const form = h(
    "form",
    {
      class: "ol-quiz",
      submit: (event) => {
        event.preventDefault();
        const chosen = inputs.find((input) => input.checked);
        if (chosen && !said()) set({ diagnoses: { ...model.get("diagnoses"), [model.get("case")]: chosen.value } });
      },
    },
    fieldset,
    h("div", { class: "ol-buttons" }, check, treat, next, again),
    answer,
  );

  const head = ["step", "training", "validation", "gradient", "update", "treated: training", "validation"];
  const cells = spec.steps.map((step) => ({ step, row: head.slice(1).map(() => h("td", { class: "ol-number" })) }));
  const table = h(
    "table",
    {},
    h("thead", {}, h("tr", {}, head.map((name, i) => h("th", { scope: "col", class: i > 0 && "ol-number" }, name)))),
    h("tbody", {}, cells.map(({ step, row }) => h("tr", {}, h("th", { scope: "row" }, String(step)), row))),
  );
  const root = h(
    "section",
    { class: "ol ol-doctor", "aria-labelledby": heading },
    h("p", { class: "ol-title", id: heading }, spec.title),
    h("div", { class: "ol-controls" }, log.element, clues.map(({ control }) => control.element)),
    readout,
    figure.element,
    clues.map(({ chart }) => chart.element),
    form,
    score,
    h(
      "details",
      { class: "ol-details" },
      h("summary", {}, "The numbers"),
      h("div", { class: "ol-scroll", role: "region", tabindex: 0, "aria-label": "The numbers" }, table),
    ),
  );

  function draw() {
    const now = model.get("case");
    const patient = spec.patients[now];
    const on = model.get("log");
    const diagnosis = said();
    const ran = train(patient.run);
    const treated = model.get("treated") && patient.treated ? train(patient.treated) : null;

    log.show(on);
    const steps = ran.train.map((_, i) => i + 1);
    const both = (name, one, two, tones) => [
      { name: one, x: steps, y: ran[name], tone: tones[0] },
      ...(treated ? [{ name: two, x: steps, y: treated[name], tone: tones[1] }] : []),
    ];
    figure.draw({
      series: [
        ...both("train", "training loss", "training loss, treated", [2, 4]),
        ...both("validation", "validation loss", "validation loss, treated", [1, 3]),
      ],
      x: { label: "step" },
      y: { log: on },
      label: "Line chart of the training and the validation loss by step; the numbers are in the table",
    });
    for (const { name, axis, chart, control } of clues) {
      const open = model.get("examined").includes(name);
      control.show(open);
      chart.element.hidden = !open;
      if (!open) continue;
      chart.draw({
        series: both(name, axis, `${axis}, treated`, [2, 4]),
        x: { label: "step" },
        y: { log: true },
        label: `Line chart of the ${axis} by step; the numbers are in the table`,
      });
    }

    write(readout, `Patient ${now + 1} of ${count}. ${summary(ran)}`);
    const key = JSON.stringify([now, diagnosis]);
    if (form.dataset.key !== key) {
      form.dataset.key = key;
      inputs.forEach((input) => (input.checked = input.value === diagnosis));
      fieldset.disabled = Boolean(diagnosis);
      tell(patient, diagnosis);
    }
    const focused = [check, treat, again].find((button) => button === root.getRootNode().activeElement);
    check.hidden = Boolean(diagnosis);
    treat.hidden = !diagnosis || !patient.treated;
    write(treat, treated ? "Hide the treated run" : "Treat it, and train again");
    const made = Object.entries(model.get("diagnoses"));
    const right = made.filter(([which, what]) => spec.patients[which].fault === what).length;
    again.hidden = !made.length;
    if (focused?.hidden) (treat.hidden ? next : treat).focus();
    write(score, made.length ? `Right so far: ${right} of ${made.length}.` : "");
    score.dataset.right = right;
    score.dataset.made = made.length;

    for (const { step, row } of cells) {
      const values = [ran.train, ran.validation, ran.gradient, ran.update, treated?.train, treated?.validation];
      values.forEach((list, i) => {
        const value = list?.[step - 1];
        write(row[i], value === undefined ? "" : number(value));
        row[i].dataset.value = value ?? "";
      });
    }
    prepare();
  }

  /** What the reader may ask for next is trained while nothing else is to do. */
  function prepare() {
    const now = model.get("case");
    const [here, following] = [spec.patients[now], spec.patients[(now + 1) % count]];
    for (const run of [following.run, here.treated]) if (run) idle(() => train(run));
  }

  function tell(patient, diagnosis) {
    if (!diagnosis) return answer.replaceChildren();
    const { name, sign, remedy } = spec.symptoms[patient.fault];
    const right = diagnosis === patient.fault;
    const other = spec.symptoms[diagnosis];
    answer.replaceChildren(
      h("p", { class: right ? "ol-verdict ol-agrees" : "ol-verdict ol-wrong" }, right ? "✓ Right." : "✗ Not so."),
      ...(right ? [] : [h("p", {}, h("b", {}, `You would see with “${other.name}”: `), other.sign)]),
      h("p", {}, h("b", {}, `${name}. `), sign),
      h("p", {}, h("b", {}, "Treatment: "), remedy, patient.treatment ? ` Here: ${patient.treatment}.` : ""),
    );
  }

  const soon = oncePerFrame(draw);
  const traits = ["case", "log", "examined", "diagnoses", "treated"];
  for (const name of traits) model.on(`change:${name}`, soon);
  el.replaceChildren(root);
  draw();
  return () => {
    for (const name of traits) model.off(`change:${name}`, soon);
  };
}

/** What the two curves say at their ends, and where the validation loss was lowest. */
function summary({ train, validation }) {
  const last = train.length - 1;
  let low = 0;
  validation.forEach((value, i) => value < validation[low] && (low = i));
  const ends = (list) =>
    Number.isFinite(list[last])
      ? `from ${number(list[0], 3)} to ${number(list[last], 3)}`
      : `from ${number(list[0], 3)} beyond all numbers, at step ${list.findIndex((value) => !Number.isFinite(value)) + 1}`;
  return `In ${train.length} steps the training loss goes ${ends(train)}, the validation loss ${ends(validation)}; its lowest value is ${number(validation[low], 3)}, at step ${low + 1}.`;
}
