// Two weights under Adam with L2 and under AdamW: their paths, their norm, and what decay alone takes off.

import "./decay.css";
import { choice, h, id, oncePerFrame, slider, write } from "./dom.js";
import { number } from "./format.js";
import { drawLegend, lines } from "./lines.js";
import { plane } from "./plane.js";
import { normal } from "./random.js";
import { compile } from "./run.js";

const START = [4, 1];
const HEAD = ["rule", "", "", "decay of this step", "decay, median", ""];

export function decay({ model, el, spec }) {
  const { steps, titles, strokes, fixed } = spec;
  const names = Object.keys(spec.rules);
  const rules = Object.fromEntries(names.map((name) => [name, compile(spec.rules[name])]));
  const bowl = compile(spec.landscape);
  const heading = id("title");
  const put = (changes) => {
    model.set(changes);
    model.save_changes();
  };

  const preset = choice({
    label: "Examples",
    options: [...Object.keys(spec.presets).map((name) => [name, name]), ["", "your own"]],
    change: (name) => name && put({ ...spec.presets[name] }),
  });
  const sliders = Object.fromEntries(
    Object.entries(spec.sliders).map(([name, [label, values]]) => [
      name,
      slider({ label, values, text: (value) => number(value), change: (value) => put({ [name]: value }) }),
    ]),
  );
  const draws = slider({
    label: "Draw of the noise",
    values: Array.from({ length: 20 }, (_, i) => i + 1),
    change: (value) => put({ draw: value }),
  });
  const step = slider({
    label: "Read off after step",
    values: Array.from({ length: steps }, (_, i) => i + 1),
    text: (value) => `${value} of ${steps}`,
    change: (value) => put({ step: value }),
  });
  const pick = (x) => put({ step: Math.min(Math.max(Math.round(x), 1), steps) });
  const map = plane({ tallest: 420 });
  const ground = h("p", { class: "ol-caption" });
  const norms = lines({ height: 165, pick });
  const shares = lines({ height: 200, pick });
  const legend = h("ul", { class: "ol-legend" });
  const readout = h("p", { class: "ol-readout", role: "status" });
  const columns = HEAD.map((text, i) => h("th", { scope: "col", class: i > 1 && "ol-number" }, text));
  const cells = [];
  const rows = names.flatMap((name) =>
    ["weight 1", "weight 2", "norm"].map((what) => {
      const row = HEAD.slice(2).map(() => h("td", { class: "ol-number" }));
      cells.push(row);
      const named = h("th", { scope: "row", class: "ol-decay-name" }, titles[name]);
      return h("tr", {}, named, h("td", { class: "ol-decay-name" }, what), row);
    }),
  );
  const root = h(
    "section",
    { class: "ol", "aria-labelledby": heading },
    h("p", { class: "ol-title", id: heading }, spec.title),
    h("div", { class: "ol-controls" }, preset.element, ...Object.values(sliders).map((one) => one.element), draws.element),
    legend,
    h(
      "div",
      { class: "ol-decay" },
      h("div", {}, ground, map.element, h("div", { class: "ol-controls" }, step.element), readout),
      h(
        "div",
        {},
        h("p", { class: "ol-caption" }, "Norm of the two weights"),
        norms.element,
        h("p", { class: "ol-caption" }, "Effective decay: the share of a weight that decay alone takes off"),
        shares.element,
      ),
    ),
    h(
      "details",
      { class: "ol-details" },
      h("summary", {}, "The numbers"),
      h(
        "div",
        { class: "ol-scroll", role: "region", tabindex: 0, "aria-label": "The numbers" },
        h("table", {}, h("thead", {}, h("tr", {}, columns)), h("tbody", {}, rows)),
      ),
    ),
  );

  let noise = [];
  let drawn = null; // the seed that the noise was made with
  let made = null;
  let key = null; // what the runs were made with

  function draw() {
    const state = {};
    for (const name in sliders) sliders[name].show((state[name] = model.get(name)));
    const seed = model.get("draw");
    const t = model.get("step");
    draws.show(seed);
    step.show(t);
    const same = Object.entries(spec.presets).find(([, one]) => Object.keys(one).every((name) => one[name] === state[name]));
    preset.show(same ? same[0] : "");
    if (drawn !== seed) noise = normal(seed, 2 * steps);
    drawn = seed;
    const now = JSON.stringify([state, seed]);
    if (now !== key) made = Object.fromEntries(names.map((name) => [name, run(rules[name], state)]));
    key = now;

    const curves = names.map((name) => ({ name: titles[name], stroke: strokes[name] }));
    drawLegend(legend, curves);
    const { pull, scale } = state;
    write(ground, pull ? "Paths from (4, 1); contours of the data’s loss" : "Paths from (4, 1); contours of the norm");
    map.draw({
      window: bowl.window,
      value: pull ? (a, b) => bowl.value([a, b], { scale, pull }) : Math.hypot,
      key: pull ? `bowl ${scale}` : "norm",
      paths: curves.map((one, i) => ({ ...one, points: made[names[i]].path })),
      spots: [
        ...names.map((name) => ({ at: made[name].path[t], stroke: { color: strokes[name].color } })),
        { at: [0, 0], tone: 0, shape: "cross" },
      ],
      names: ["weight 1", "weight 2"],
      label: `Paths of two weights from (4, 1) under ${names.map((name) => titles[name]).join(" and ")}`,
    });
    norms.draw({
      series: names.map((name) => ({ y: made[name].norm, stroke: strokes[name] })),
      x: { label: "step", domain: [0, steps] },
      marks: [{ x: t }],
      label: "Norm of the two weights by step; the numbers are in the table",
    });
    drawShares(state, t);

    write(columns[2], `step ${t}`);
    write(columns[5], `step ${steps}`);
    const table = names.flatMap((name) => facts(made[name], t));
    cells.forEach((row, i) => row.forEach((cell, k) => fill(cell, table[i][k])));
    write(readout, said(state));
  }

  /** Make all steps, and measure in each what the decay terms take off. */
  function run(rule, { weight_decay, lr, beta2, scale, pull }) {
    const given = { ...fixed, lr, beta2 }; // one object for all steps: making thousands takes time
    const sizes = [scale, 1];
    let w = START;
    let [m, v, bare] = [[0, 0], [0, 0], [0, 0]]; // `bare` is what m would be without any decay term
    const path = [w];
    const decays = [];
    for (let t = 1; t <= steps; t++) {
      const slope = bowl.gradient(w, { scale, pull });
      const both = w.map((_, i) => {
        const g = slope[i] + sizes[i] * noise[2 * (t - 1) + i];
        Object.assign(given, { w: w[i], v: v[i], t, g, m: m[i], weight_decay });
        const after = rule(given);
        Object.assign(given, { m: bare[i], weight_decay: 0 });
        return [after, rule(given)];
      });
      decays.push(both.map(([after, without], i) => (without.w - after.w) / w[i]));
      bare = both.map(([, without]) => without.m);
      [w, m, v] = ["w", "m", "v"].map((name) => both.map(([after]) => after[name]));
      path.push(w);
    }
    return {
      path,
      decays,
      norm: path.map(([a, b]) => Math.sqrt(a * a + b * b)),
      // Adam's first step has the size of lr whatever the gradient: decay in it does nothing.
      middle: [0, 1].map((i) => median(decays.slice(1).map((pair) => pair[i]))),
    };
  }

  function drawShares({ weight_decay }, t) {
    const of = (name, i) => made[name].decays.map((pair) => pair[i]);
    const { color } = strokes.adamw;
    const series = [
      { name: "AdamW, both", y: of("adamw", 0), stroke: { color } },
      { name: "L2, weight 1", y: of("adam_l2", 0), tone: 1 },
      { name: "L2, weight 2", y: of("adam_l2", 1), tone: 4 },
    ];
    // From step 2 on; where a weight is near 0, a share of it says little, and leaves the chart.
    const middles = names.flatMap((name) => made[name].middle).filter((value) => value > 0);
    const [low, high] = [Math.min(...middles) / 4, Math.max(...middles) * 4];
    const at = Array.from({ length: steps }, (_, i) => i + 1);
    for (const one of series) {
      one.x = at;
      one.y = one.y.map((value, i) => (i && value >= low && value <= high ? value : NaN));
    }
    shares.draw({
      series: weight_decay ? series : [],
      x: { label: "step", domain: [1, steps] },
      y: { log: true, ...(middles.length ? { domain: [low, high] } : {}) },
      marks: [{ x: t }],
      label: "Effective decay of each weight by step; the numbers are in the table",
    });
  }

  function said({ weight_decay }) {
    const end = names.map((name) => `${number(made[name].norm[steps], 3)} (${titles[name]})`).join(" and ");
    const after = `After ${steps} steps the norm has gone from ${number(Math.hypot(...START), 3)} to ${end}.`;
    if (!weight_decay) return `Without decay both are Adam. ${after}`;
    const percent = (value) => `${number(100 * value, 3)}\u00a0%`;
    const [a, b] = made.adam_l2.middle;
    const first = `In a step, AdamW’s decay takes ${percent(made.adamw.middle[0])} off either weight.`;
    const second = `In Adam with L2 it takes ${percent(a)} off weight 1 and ${percent(b)} off weight 2`;
    const times = b >= a ? `${number(b / a, 3)} times less off weight 1` : `${number(a / b, 3)} times less off weight 2`;
    return a > 0 && b > 0 ? `${first} ${second}: ${times}. ${after}` : `${first} ${second}. ${after}`;
  }

  const soon = oncePerFrame(draw);
  const traits = [...Object.keys(sliders), "draw", "step"];
  for (const name of traits) model.on(`change:${name}`, soon);
  el.replaceChildren(root);
  draw();
  return () => {
    for (const name of traits) model.off(`change:${name}`, soon);
  };
}

/** A row for each weight and one for the norm: at step t, the decay there, its median, at the end. */
function facts({ path, decays, norm, middle }, t) {
  const last = path.length - 1;
  return [
    ...[0, 1].map((i) => [path[t][i], decays[t - 1][i], middle[i], path[last][i]]),
    [norm[t], undefined, undefined, norm[last]],
  ];
}

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

function fill(cell, value) {
  write(cell, value === undefined ? "" : number(value));
  cell.dataset.value = value ?? "";
}
