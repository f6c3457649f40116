// Adam with and without its bias correction, on a stream of gradients: averages, squares and steps.

import "./bias.css";
import { choice, h, id, oncePerFrame, slider, toggle, write } from "./dom.js";
import { number } from "./format.js";
import { lines } from "./lines.js";
import { normal } from "./random.js";
import { compile } from "./run.js";

const DRAWN = 300; // points of a curve at most
const SHORT = 4; // digits

export function bias({ model, el, spec }) {
  const rules = Object.fromEntries(Object.entries(spec.rules).map(([name, text]) => [name, compile(text)]));
  const streams = Object.fromEntries(Object.entries(spec.streams).map(([name, { formula }]) => [name, compile(formula)]));
  const factor = compile(spec.factor);
  const put = (changes) => {
    for (const name in changes) model.set(name, changes[name]);
    model.save_changes();
  };

  const share = (name, label) =>
    slider({ label, values: spec.betas, text: (value) => number(value), change: (value) => put({ [name]: value }) });
  const beta1 = share("beta1", "β₁, the share of the average that is kept");
  const beta2 = share("beta2", "β₂, the share of the squares that is kept");
  const stream = choice({
    label: "Gradients",
    options: Object.entries(spec.streams).map(([name, { label }]) => [name, label]),
    change: (value) => put({ stream: value }),
  });
  const length = choice({
    label: "Steps",
    options: spec.lengths.map((count) => [count, `1 to ${count}`]),
    change: (value) => put({ steps: Number(value) }),
  });
  const logarithmic = toggle({ label: "Logarithmic axis of steps", change: (on) => put({ log: on }) });
  const button = (text, click) => h("button", { type: "button", click }, text);
  const other = button("Other noise", () => put({ seed: model.get("seed") + 1 }));
  const presets = h(
    "div",
    { class: "ol-bias-presets", role: "group", "aria-label": "Presets" },
    Object.entries(spec.presets).map(([name, state]) => button(name, () => put({ ...state }))),
    other,
  );

  const [m, v, sizes] = [lines({ height: 200 }), lines({ height: 200 }), lines({ height: 240 })];
  const caption = (text) => h("p", { class: "ol-caption" }, text);
  const readout = h("p", { class: "ol-readout", role: "status" });
  const summary = grid(["quantity", "corrected", "uncorrected"], "ol-bias-summary");
  const steps = grid(["t", "g", "m", "m̂", "v", "v̂", "step / lr", "uncorrected", "factor"], "ol-bias-steps");
  const heading = id("title");
  const root = h(
    "section",
    { class: "ol ol-bias", "aria-labelledby": heading },
    h("p", { class: "ol-title", id: heading }, spec.title),
    h("div", { class: "ol-controls" }, beta1.element, beta2.element, stream.element, length.element, logarithmic.element),
    presets,
    h(
      "div",
      { class: "ol-bias-averages" },
      h("div", {}, caption("Average of the gradients, m"), m.element),
      h("div", {}, caption("Average of their squares, v"), v.element),
    ),
    caption("Size of the step, in units of the learning rate"),
    sizes.element,
    readout,
    h(
      "details",
      { class: "ol-details" },
      h("summary", {}, "The numbers"),
      h("div", { class: "ol-scroll", role: "region", tabindex: 0, "aria-label": "The numbers" }, summary.table, steps.table),
    ),
  );

  /** Every step of a rule; the weight is put back to 0 after each, so that the step is known to the last digit. */
  function run(rule, gradients, hyper) {
    let now = { m: 0, v: 0 };
    return gradients.map((g, i) => {
      const row = rule({ ...hyper, w: 0, g, ...now, t: i + 1 });
      now = { m: row.m, v: row.v };
      return { ...row, size: Math.abs(row.w) };
    });
  }

  /** The step from which on the correction changes a step by less than 1 %; see Python's `settled`. */
  function settled(hyper) {
    const slowest = Math.max(hyper.beta1, hyper.beta2);
    let t = slowest ? Math.ceil(Math.log(0.001) / Math.log(slowest)) : 1;
    while (t > 0 && Math.abs(factor({ t, ...hyper })[0] - 1) < spec.small) t -= 1;
    return t + 1;
  }

  function draw() {
    const [name, count, log] = ["stream", "steps", "log"].map((key) => model.get(key));
    const hyper = { beta1: model.get("beta1"), beta2: model.get("beta2") };
    const z = normal(model.get("seed"), name === "noisy" ? count : 1);
    const g = Array.from({ length: count }, (_, i) => streams[name]({ t: i + 1, z: z[i] ?? 0 })[0]);
    const [with_, without] = ["adam", "adam_uncorrected"].map((key) => run(rules[key], g, { ...hyper, lr: 1 }));
    const ratio = g.map((_, i) => factor({ t: i + 1, ...hyper })[0]);

    beta1.show(hyper.beta1);
    beta2.show(hyper.beta2);
    stream.show(name);
    length.show(count);
    logarithmic.show(log);
    other.hidden = name !== "noisy";

    const shown = places(count, log);
    const pick = (list, key) => shown.map((i) => (key ? list[i][key] : list[i]));
    const x = shown.map((i) => i + 1);
    const across = { label: "step t", log, domain: [1, count] };
    const data = { tone: 0, faint: true, x };
    const raw = { stroke: spec.strokes["raw average"], x };
    const right = { stroke: spec.strokes["corrected average"], x };
    const label = (what) => `Line chart of ${what} over ${count} steps; the numbers are in the table`;
    m.draw({
      label: label("the gradients and their average, raw and corrected"),
      x: across,
      series: [
        { name: "gradient g", ...data, y: pick(g) },
        { name: "raw m", ...raw, y: pick(with_, "m") },
        { name: "corrected m̂", ...right, y: pick(with_, "m_hat") },
      ],
    });
    v.draw({
      label: label("the average of the squares, raw and corrected"),
      x: across,
      series: [
        ...(name === "noisy" ? [] : [{ name: "g²", ...data, y: pick(g).map((one) => one * one) }]),
        { name: "raw v", ...raw, y: pick(with_, "v") },
        { name: "corrected v̂", ...right, y: pick(with_, "v_hat") },
      ],
    });
    const largest = Math.max(...ratio, ...with_.map(({ size }) => size), ...without.map(({ size }) => size));
    sizes.draw({
      label: label("the sizes of the steps with and without correction"),
      x: across,
      y: { domain: [0, 1.05 * largest] },
      series: [
        { name: "(1 − β₁ᵗ) / √(1 − β₂ᵗ): uncorrected over corrected", ...data, y: pick(ratio) },
        { name: "Adam", stroke: spec.strokes.adam, x, y: pick(with_, "size") },
        { name: "without correction", stroke: spec.strokes.adam_uncorrected, x, y: pick(without, "size") },
      ],
    });

    const peaks = [with_, without].map((rows) => {
      const most = rows.reduce((found, { size }) => Math.max(found, size), 0);
      const at = rows.findIndex(({ size }) => size >= most * (1 - 1e-9));
      return { size: rows[at].size, t: at + 1 };
    });
    const late = settled(hyper);
    const text = (value) => number(value, SHORT);
    write(
      readout,
      `The first step is ${text(with_[0].size)} times the learning rate with the correction and ${text(without[0].size)} times without it; ` +
        `the largest is ${text(peaks[0].size)} times at t = ${peaks[0].t}, and ${text(peaks[1].size)} times at t = ${peaks[1].t}. ` +
        (late > 1 ? `From t = ${late} on the correction changes a step by less than 1 %.` : "The correction changes no step by 1 %."),
    );
    summary.fill([
      ["first step, in lr", with_[0].size, without[0].size],
      ["largest step, in lr", peaks[0].size, peaks[1].size],
      ["at step", peaks[0].t, peaks[1].t],
      ["change of a step below 1 % from step", null, late],
    ]);
    steps.fill(
      spec.at
        .filter((t) => t <= count)
        .map((t) => {
          const [a, b] = [with_[t - 1], without[t - 1]];
          return [String(t), g[t - 1], a.m, a.m_hat, a.v, a.v_hat, a.size, b.size, ratio[t - 1]];
        }),
    );
  }

  const soon = oncePerFrame(draw);
  const traits = ["beta1", "beta2", "stream", "seed", "steps", "log"];
  for (const name of traits) model.on(`change:${name}`, soon);
  el.replaceChildren(root);
  draw();
  return () => {
    for (const name of traits) model.off(`change:${name}`, soon);
  };
}

/** Which of the steps 0, 1, ..., count - 1 are drawn: evenly spread over the axis. */
function places(count, log) {
  if (count <= DRAWN) return Array.from({ length: count }, (_, i) => i);
  const at = (k) => (log ? count ** (k / (DRAWN - 1)) : 1 + (k * (count - 1)) / (DRAWN - 1));
  return [...new Set(Array.from({ length: DRAWN }, (_, k) => Math.round(at(k)) - 1))];
}

/** A table whose rows are made when they are first filled, and reused. */
function grid(head, name) {
  const body = h("tbody");
  const rows = [];
  const cells = head.map((text, i) => h("th", { scope: "col", class: i > 0 && "ol-number" }, text));
  const fill = (wanted) => {
    while (rows.length < wanted.length) {
      rows.push([h("th", { scope: "row" }), ...head.slice(1).map(() => h("td", { class: "ol-number" }))]);
      body.append(h("tr", {}, rows.at(-1)));
    }
    rows.forEach(([first, ...rest], i) => {
      first.parentNode.hidden = i >= wanted.length;
      if (i >= wanted.length) return;
      write(first, wanted[i][0]);
      rest.forEach((cell, k) => {
        const value = wanted[i][k + 1];
        write(cell, value === null ? "" : number(value, SHORT));
        cell.dataset.value = value ?? "";
      });
    });
  };
  return { table: h("table", { class: name }, h("thead", {}, h("tr", {}, cells)), body), fill };
}
