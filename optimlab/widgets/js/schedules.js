// Three schedules to compose and compare: a warm-up, what follows it, and the PyTorch code of both.

import "./schedules.css";
import { toClipboard } from "./copying.js";
import { choice, h, id, oncePerFrame, set, slider, toggle, write } from "./dom.js";
import { number } from "./format.js";
import { lines } from "./lines.js";
import { compile } from "./run.js";

const SLOTS = ["A", "B", "C"];
const TONES = [2, 1, 3];
const HEAD = ["slot", "schedule", "rate of step", "first", "highest", "last", "sum", "at half or more, %"];

/** Write a number as Python does: a whole one, or a float, which always shows that it is one. */
export function python(x, whole = false) {
  if (whole) return String(x);
  const [figures, exponent] = x.toExponential().split("e");
  const power = Number(exponent);
  if (power < -4 || power >= 16) return `${figures}e${power < 0 ? "-" : "+"}${String(Math.abs(power)).padStart(2, "0")}`;
  const text = x.toFixed(Math.max(figures.replace(/[-.]/g, "").length - 1 - power, 0));
  return text.includes(".") ? text : `${text}.0`;
}

export function schedules({ model, el, spec }) {
  const known = {};
  for (const [name, { plain, warm }] of Object.entries(spec.schedules)) {
    known[name] = { plain: compile(plain), warm: compile(warm) };
  }
  const heading = id("title");
  const put = (changes) => {
    model.set(changes);
    model.save_changes();
  };
  const place = () => SLOTS.indexOf(model.get("slot"));
  /** Change one slot; the one whose controls are shown, if none is named. */
  const change = (changes, at = place()) =>
    put({ slots: model.get("slots").map((slot, i) => (i === at ? { ...slot, ...changes } : slot)) });
  const title = ({ schedule, warmup }) => {
    const name = spec.schedules[schedule].title;
    return warmup ? `warm-up of ${warmup}, ${name}` : name;
  };
  const most = spec.steps.at(-1);

  const preset = choice({
    label: "Examples",
    options: [...Object.keys(spec.presets).map((name) => [name, name]), ["", "your own"]],
    change: (name) => {
      if (!name) return;
      const { steps, slots } = spec.presets[name];
      put({ steps, slots, step: Math.min(model.get("step"), steps) });
    },
  });
  const steps = slider({
    label: "Steps in all",
    values: spec.steps,
    change: (value) =>
      put({
        steps: value,
        step: Math.min(model.get("step"), value),
        slots: model.get("slots").map((slot) => ({ ...slot, warmup: Math.min(slot.warmup, Math.floor(value / 2)) })),
      }),
  });
  const step = slider({
    label: "Read off at step",
    values: Array.from({ length: most }, (_, i) => i + 1),
    change: (value) => put({ step: value }),
  });
  const log = toggle({ label: "Logarithmic rates", change: (on) => put({ log: on }) });
  const shown = SLOTS.map((letter, i) => toggle({ label: letter, change: (on) => change({ on }, i) }));
  const slot = choice({
    label: "Change slot",
    options: SLOTS.map((letter) => [letter, letter]),
    change: (letter) => put({ slot: letter }),
  });
  const schedule = choice({
    label: "Schedule",
    options: Object.entries(spec.schedules).map(([name, one]) => [name, one.title]),
    change: (name) => {
      const { lr } = model.get("slots")[place()].hyper;
      const { hyper } = spec.schedules[name];
      change({ schedule: name, hyper: "lr" in hyper && lr !== undefined ? { ...hyper, lr } : { ...hyper } });
    },
  });
  const warmup = slider({
    label: "Steps of warm-up before it",
    values: spec.warmups,
    text: (value) => (value ? String(value) : "none"),
    change: (value) => change({ warmup: value }),
  });
  const start = slider({
    label: "The warm-up starts at this share",
    values: spec.starts,
    text: (value) => number(value),
    change: (value) => change({ warmup_start: value }),
  });
  const own = {}; // the sliders of each schedule, made when it is first chosen
  const sliders = (name) =>
    (own[name] ??= Object.entries(spec.schedules[name].sliders).map(([key, [label, values]]) => ({
      key,
      ...slider({
        label,
        values,
        text: (value) => number(value),
        change: (value) => change({ hyper: { ...model.get("slots")[place()].hyper, [key]: value } }),
      }),
    })));
  const controls = h("div", { class: "ol-controls" });

  const chart = lines({
    height: 260,
    pick: (x) => put({ step: Math.min(Math.max(Math.round(x), 1), model.get("steps")) }),
  });
  const readout = h("p", { class: "ol-readout", role: "status" });
  const codeTitle = h("span", { id: id("code") });
  const code = h("pre", { class: "ol-torch", tabindex: 0, role: "region", "aria-labelledby": codeTitle.id });
  const copied = h("span", { role: "status" });
  const take = async () => write(copied, await toClipboard(code.textContent, code));
  const copy = h("button", { type: "button", click: take }, "Copy the PyTorch code");
  const columns = HEAD.map((text, i) => h("th", { scope: "col", class: i > 1 && "ol-number" }, text));
  const rows = SLOTS.map((letter) => {
    const cells = HEAD.slice(2).map(() => h("td", { class: "ol-number" }));
    const name = h("td", { class: "ol-schedule-name" });
    return { name, cells, row: h("tr", {}, h("th", { scope: "row" }, letter), name, cells) };
  });
  const panel = h(
    "div",
    { class: "ol-schedule-slot" },
    h("div", { class: "ol-controls" }, slot.element, schedule.element),
    controls,
    h("div", { class: "ol-controls" }, warmup.element, start.element),
    h("div", { class: "ol-inline" }, codeTitle, copy, copied),
    code,
  );
  const root = h(
    "section",
    { class: "ol", "aria-labelledby": heading },
    h("p", { class: "ol-title", id: heading }, spec.title),
    h("div", { class: "ol-controls" }, preset.element, steps.element),
    h(
      "div",
      { class: "ol-inline" },
      h("div", { class: "ol-inline", role: "group", "aria-label": "Slots that are shown" }, "Show", shown.map((one) => one.element)),
      log.element,
    ),
    h("p", { class: "ol-caption" }, "Learning rate by step"),
    chart.element,
    h("div", { class: "ol-controls" }, step.element),
    readout,
    panel,
    h(
      "details",
      { class: "ol-details" },
      h("summary", {}, "The numbers"),
      h(
        "div",
        { class: "ol-scroll", role: "region", tabindex: 0, "aria-label": "The numbers" },
        h("table", {}, h("thead", {}, h("tr", {}, columns)), h("tbody", {}, rows.map(({ row }) => row))),
      ),
    ),
  );

  /** The hyper-parameters of a slot, with the length of what follows the warm-up. */
  const numbers = ({ hyper, warmup, warmup_start }, total) => ({ ...hyper, steps: total - warmup, warmup, warmup_start });

  function rates(one, total) {
    const { plain, warm } = known[one.schedule];
    const hyper = numbers(one, total);
    const rate = one.warmup ? warm : plain;
    return Array.from({ length: total }, (_, i) => rate(i + 1, hyper));
  }

  function torch(one, total) {
    const { code, whole } = spec.schedules[one.schedule];
    const values = numbers(one, total);
    values.first = known[one.schedule].plain(1, values);
    const template = code[one.warmup ? (one.warmup_start ? 1 : 2) : 0];
    return template.replace(/\{(\w+)(-1)?\}/g, (_, name, less) =>
      python(less ? values[name] - 1 : values[name], name === "warmup" || whole.includes(name)),
    );
  }

  function draw() {
    const total = model.get("steps");
    const slots = model.get("slots");
    const at = place();
    const t = model.get("step");
    const now = slots[at];
    showControls(total, slots, at, t);

    const found = slots.map((one) => (one.on ? rates(one, total) : null));
    const highest = Math.max(0, ...found.flatMap((list) => list ?? []));
    const rising = model.get("log") || !highest ? {} : { domain: [0, highest * 1.04] };
    const time = Array.from({ length: total }, (_, i) => i + 1);
    chart.draw({
      series: slots.flatMap((one, i) =>
        one.on ? [{ name: `${SLOTS[i]}: ${title(one)}`, x: time, y: found[i], tone: TONES[i] }] : [],
      ),
      x: { label: "step t", domain: [1, total] },
      y: { log: model.get("log"), ...rising },
      marks: [{ x: t }],
      label: `Learning rates of the slots that are shown over ${total} steps; the numbers are in the table`,
    });

    write(columns[2], `rate of step ${t}`);
    const facts = found.map((list) => list && summary(list, t));
    rows.forEach(({ row, name, cells }, i) => {
      row.hidden = !facts[i];
      write(name, title(slots[i]));
      cells.forEach((cell, k) => fill(cell, facts[i]?.[k]));
    });
    write(readout, said(facts, t, total));

    write(codeTitle, `Slot ${SLOTS[at]} in PyTorch`);
    const text = torch(now, total);
    if (code.textContent !== text) write(copied, "");
    write(code, text);
  }

  function showControls(total, slots, at, t) {
    const now = slots[at];
    steps.show(total);
    step.input.max = total - 1;
    step.show(t);
    log.show(model.get("log"));
    shown.forEach((one, i) => one.show(slots[i].on));
    [...slot.input.options].forEach((option, i) => write(option, `${SLOTS[i]}: ${title(slots[i])}`));
    slot.show(SLOTS[at]);
    set(panel, { class: `ol-schedule-slot ol-tone-${TONES[at]}` });
    schedule.show(now.schedule);
    const wanted = sliders(now.schedule);
    if (controls.firstChild !== wanted[0].element) controls.replaceChildren(...wanted.map((one) => one.element));
    for (const one of wanted) one.show(now.hyper[one.key]);
    warmup.input.max = spec.warmups.findLastIndex((value) => value <= total / 2);
    warmup.show(now.warmup);
    start.show(now.warmup_start);
    start.input.disabled = !now.warmup;
    const text = JSON.stringify([total, slots]);
    const same = Object.entries(spec.presets).find(([, one]) => JSON.stringify([one.steps, one.slots]) === text);
    preset.show(same ? same[0] : "");
  }

  const soon = oncePerFrame(draw);
  const traits = ["steps", "slots", "slot", "step", "log"];
  for (const name of traits) model.on(`change:${name}`, soon);
  el.replaceChildren(root);
  draw();
  return () => {
    for (const name of traits) model.off(`change:${name}`, soon);
  };
}

/** The rate of step t, the first, the highest, the last, the sum, the percentage at half or more. */
function summary(rates, t) {
  const highest = Math.max(...rates);
  // A rate that is half of the highest but for rounding counts.
  const many = rates.filter((rate) => rate >= (highest / 2) * (1 - 1e-9)).length;
  const sum = rates.reduce((total, rate) => total + rate, 0);
  return [rates[t - 1], rates[0], highest, rates.at(-1), sum, (100 * many) / rates.length];
}

function said(facts, t, total) {
  const on = SLOTS.map((letter, i) => ({ letter, facts: facts[i] })).filter((one) => one.facts);
  if (!on.length) return "No slot is shown.";
  const list = (k) => on.map(({ letter, facts }) => `${letter}\u00a0${number(facts[k], 3)}`).join(", ");
  const budget = `Step ${t} is made with: ${list(0)}. Over all ${total} steps the rates add up to: ${list(4)}.`;
  const sorted = [...on].sort((a, b) => b.facts[4] - a.facts[4]);
  const [far, near] = [sorted[0], sorted.at(-1)];
  if (far === near || !near.facts[4]) return budget;
  const times = number(far.facts[4] / near.facts[4], 3);
  if (times === "1") return `${budget} All have the same distance to spend.`;
  return `${budget} With gradients of one size, ${far.letter} could go ${times} times as far as ${near.letter}.`;
}

function fill(cell, value) {
  write(cell, value === undefined ? "" : number(value));
  cell.dataset.value = value ?? "";
}
