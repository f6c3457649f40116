// Several optimizers descend a landscape from a start that the reader drags: paths, values, steps, rates.

import "./descent.css";
import { choice, h, id, oncePerFrame, slider, svg, toggle, write } from "./dom.js";
import { number } from "./format.js";
import { lines, stroked } from "./lines.js";
import { plane } from "./plane.js";
import { normal } from "./random.js";
import { compile } from "./run.js";

const LIMIT = 1e12; // as in optimlab/descent.py: a weight beyond this is lost
const DRAWN = 600; // longer paths are thinned for drawing
const ARROW = 0.16; // of the longest arrow of a kind, in widths of the map
const ARROWS = {
  none: { label: "none" },
  step: {
    label: "step and gradient",
    key: "the step just made (strong) and the negative gradient that it used (pale), each kind at one scale",
  },
  velocity: {
    label: "velocity and gradient",
    key: "the velocity, turned downhill (strong), and the negative gradient (pale), both at one scale; a rule without a velocity has the gradient only",
  },
  rate: {
    label: "effective learning rate",
    key: "the effective learning rate along each axis, the step over the negative gradient: right and up where the step goes downhill, left and down where it goes uphill",
  },
};

const last = (list) => list[list.length - 1];
const distance = (a, b) => Math.hypot(...a.map((x, i) => x - b[i]));

/**
 * Make the steps of a run on a landscape, as optimlab.descent.run does: a run that gets lost stands still.
 * @returns {{ w, g, v, value, lost }} by step; g is null where no gradient was used, v the velocity of a rule that
 *   has one, lost the step, or 0
 */
function descend(rule, hyper, land, numbers, start, steps, noise) {
  const size = start.length;
  const found = { w: [start], g: [null], v: [null], value: [land.value(start, numbers, 0)], lost: 0 };
  let now = start.map((w) => ({ ...rule.state, w }));
  for (let t = 1; t <= steps; t++) {
    if (!found.lost) {
      const at = now.map((one) => (rule.point ? rule.point({ ...hyper, ...one })[0] : one.w));
      const g = land.gradient(at, numbers, t).map((slope, i) => (noise ? slope + noise[(t - 1) * size + i] : slope));
      const next = now.map((one, i) => {
        const after = rule.step({ ...hyper, ...one, g: g[i], t });
        if (land.box) after.w = Math.min(Math.max(after.w, land.box[0]), land.box[1]);
        const carried = { w: after.w };
        for (const name in rule.state) carried[name] = after[name];
        return carried;
      });
      if (next.every(({ w }) => Math.abs(w) <= LIMIT)) {
        now = next;
        found.w.push(now.map(({ w }) => w));
        found.g.push(g);
        found.v.push(rule.velocity && now.map((one) => one[rule.velocity]));
        found.value.push(land.value(last(found.w), numbers, t));
        continue;
      }
      found.lost = t;
    }
    found.w.push(last(found.w));
    found.g.push(null);
    found.v.push(null);
    found.value.push(land.online ? land.value(last(found.w), numbers, t) : last(found.value));
  }
  return found;
}

/** A preset's changes on top of a value: objects entry by entry. */
function merged(old, changes) {
  if (changes === undefined) return old;
  if (typeof old !== "object" || Array.isArray(old)) return changes;
  return { ...old, ...Object.fromEntries(Object.keys(changes).map((key) => [key, merged(old[key], changes[key])])) };
}

export function descent({ model, el, spec }) {
  const names = Object.keys(spec.rules);
  const rules = {};
  for (const [name, { step, point, state, velocity }] of Object.entries(spec.rules)) {
    rules[name] = { step: compile(step), point: point && compile(point), state, velocity };
  }
  const lands = {};
  for (const [name, { formulas }] of Object.entries(spec.landscapes)) lands[name] = compile(formulas);
  const several = Object.keys(lands).length > 1;
  const put = (changes) => {
    model.set(changes);
    model.save_changes();
  };
  const inside = (trait, key, value) => put({ [trait]: { ...model.get(trait), [key]: value } });
  const clamp = (t) => Math.min(Math.max(Math.round(t), 0), spec.steps);
  const goto = (t) => put({ step: clamp(t) });
  const label = (name) => spec.rules[name].label;

  // Where to go, and on what.
  const preset = choice({
    label: "Try",
    options: [...Object.keys(spec.presets).map((name) => [name, name]), ["", "your own"]],
    change: (name) => {
      if (!name) return;
      pause();
      put(atPreset(name));
    },
  });
  const atPreset = (name) =>
    Object.fromEntries(Object.entries(spec.begin).map(([key, old]) => [key, merged(old, spec.presets[name][key])]));
  /** A state as text, without the step: to see which preset it is, if any. */
  const stamp = (state) => JSON.stringify(Object.keys(spec.begin).map((name) => name !== "step" && state[name]));
  const stamps = Object.fromEntries(Object.keys(spec.presets).map((name) => [name, stamp(atPreset(name))]));
  const ground = choice({
    label: "Landscape",
    options: Object.entries(spec.landscapes).map(([name, one]) => [name, one.label]),
    change: (name) => {
      const hyper = { ...model.get("hyper") };
      for (const [rule, lr] of Object.entries(spec.landscapes[name].rates)) hyper[rule] = { ...hyper[rule], lr };
      put({ landscape: name, hyper });
    },
  });
  const tuned = choice({
    label: "Sliders for",
    options: names.map((name) => [name, label(name)]),
    change: (name) => put({ tuned: name }),
  });
  const where = h("div", { class: "ol-controls" }, preset.element, several ? ground.element : null);
  const knobs = h("div", { class: "ol-controls" }, names.length > 1 ? tuned.element : null);
  const froms = h("div", { class: "ol-controls" });

  // Who runs: checkboxes that are the legend.
  const boxes = names.map((name) => {
    const box = toggle({
      label: label(name),
      change: (on) => put({ shown: names.filter((other) => (other === name ? on : model.get("shown").includes(other))) }),
    });
    const line = stroked(spec.rules[name].look);
    line.append(svg("path", { d: "M1,5H29" }));
    box.element.append(svg("svg", { width: 30, height: 10, "aria-hidden": "true" }, line));
    return [name, box];
  });
  const who = h("fieldset", { class: "ol-choices" }, h("legend", {}, "Optimizers"), boxes.map(([, { element }]) => element));

  const map = plane({ drag: (at) => inside("starts", model.get("landscape"), snapped(at)) });
  const loss = lines({ height: 190, pick: goto });

  // The step, with its buttons.
  const ticks = Array.from({ length: spec.steps + 1 }, (_, t) => t);
  const step = slider({ label: "Step", values: ticks, text: (t) => `${t} of ${spec.steps}`, change: goto });
  const press = (name, change, sign) =>
    h("button", { type: "button", "aria-label": name, click: () => goto(model.get("step") + change) }, sign);
  const back = press("Previous step", -1, "◀");
  const next = press("Next step", 1, "▶");
  const play = h("button", { type: "button", class: "ol-play", click: () => (timer ? pause() : begin()) }, "Play");
  step.element.append(h("span", { class: "ol-buttons" }, back, play, next));
  step.element.classList.add("ol-wide");
  let timer = null;
  function begin() {
    if (model.get("step") >= spec.steps) goto(0);
    write(play, "Pause");
    readout.setAttribute("aria-live", "off"); // not a sentence per step
    const slow = matchMedia("(prefers-reduced-motion: reduce)").matches;
    const pace = slow ? 800 : Math.min(Math.max(10000 / spec.steps, 34), 250);
    timer = setInterval(() => {
      const t = model.get("step");
      goto(t + 1);
      if (t + 1 >= spec.steps) pause();
    }, pace);
  }
  function pause() {
    clearInterval(timer);
    timer = null;
    write(play, "Play");
    readout.removeAttribute("aria-live");
  }

  const noise = slider({
    label: "Noise in the gradients, σ",
    values: spec.noise,
    text: (value) => number(value),
    change: (value) => put({ noise: value }),
  });
  const other = h("button", { type: "button", click: () => put({ seed: (model.get("seed") + 1) % 2 ** 32 }) });
  const arrows = choice({
    label: "Arrows",
    options: Object.entries(ARROWS).map(([name, { label: text }]) => [name, text]),
    change: (name) => put({ arrows: name }),
  });
  const key = h("p", { class: "ol-caption" });
  const readout = h("p", { class: "ol-readout", role: "status" });
  const lossTitle = h("p", { class: "ol-caption" });
  const nowTable = h("table", { class: "ol-now" });
  const endTable = h("table", { class: "ol-end" });
  const scroll = (name, table) => h("div", { class: "ol-scroll", role: "region", tabindex: 0, "aria-label": name }, table);
  const heading = id("title");
  const root = h(
    "section",
    { class: "ol ol-descent", "aria-labelledby": heading },
    h("p", { class: "ol-title", id: heading }, spec.title),
    where,
    knobs,
    who,
    map.element,
    key,
    h("div", { class: "ol-controls" }, step.element),
    readout,
    lossTitle,
    loss.element,
    froms,
    h(
      "details",
      { class: "ol-details" },
      h("summary", {}, "The numbers"),
      scroll("The marked step", nowTable),
      scroll("The whole run", endTable),
    ),
  );

  // What depends on the landscape: its sliders, and those of the start.
  let built = null;
  let numberSliders = [];
  let startSliders = [];
  const spread = ({ first, step: width, count }) =>
    Array.from({ length: count }, (_, i) => Number(((first + i) * width).toPrecision(12)));
  function snapped(at) {
    return startSliders.map(({ values }, i) => values.reduce((a, b) => (Math.abs(b - at[i]) < Math.abs(a - at[i]) ? b : a)));
  }
  function build(name) {
    built = name;
    const land = lands[name];
    const { sliders, starts } = spec.landscapes[name];
    numberSliders = Object.entries(sliders).map(([one, { label: text, values }]) => [
      one,
      slider({
        label: text,
        values,
        text: (value) => number(value),
        change: (value) => inside("numbers", name, { ...model.get("numbers")[name], [one]: value }),
      }),
    ]);
    startSliders = starts.map((grid, i) => {
      const values = spread(grid);
      const control = slider({
        label: `Start ${land.coordinates[i]}`,
        values,
        text: (value) => number(value, 4),
        change: (value) => inside("starts", name, model.get("starts")[name].map((old, j) => (j === i ? value : old))),
      });
      return { ...control, values };
    });
    refill(where, several ? 2 : 1, numberSliders.map(([, { element }]) => element));
    froms.replaceChildren(...startSliders.map(({ element }) => element), noise.element, arrows.element, h("div", { class: "ol-beside" }, other));
  }

  // What depends on the rule that is tuned.
  let builtFor = null;
  let hyperSliders = [];
  function buildKnobs(name) {
    builtFor = name;
    hyperSliders = Object.entries(spec.rules[name].sliders).map(([one, { label: text, values }]) => [
      one,
      slider({
        label: text,
        values,
        text: (value) => number(value),
        change: (value) => inside("hyper", name, { ...model.get("hyper")[name], [one]: value }),
      }),
    ]);
    refill(knobs, names.length > 1 ? 1 : 0, hyperSliders.map(([, { element }]) => element));
  }

  /** The landscape's minima, looked up by where its sliders stand. */
  function minima(name, numbers) {
    const { minima: { by, at }, sliders } = spec.landscapes[name];
    return at[by.map((one) => sliders[one].values.indexOf(numbers[one])).join(",")] ?? [];
  }

  const runs = new Map(); // by rule: what it was run with, and the run
  function runOf(name, hyper, land, numbers, start, noises, common) {
    const wanted = `${common}${JSON.stringify(hyper)}`;
    if (runs.get(name)?.wanted !== wanted) {
      runs.set(name, { wanted, ...descend(rules[name], hyper, land, numbers, start, spec.steps, noises) });
    }
    return runs.get(name);
  }

  let reach = { key: null }; // the values in the window
  function heights(name, numbers, t) {
    const land = lands[name];
    const online = land.online ? t : 0;
    const wanted = JSON.stringify([name, numbers, online]);
    if (reach.key === wanted) return reach;
    const [[left, right], up = [0, 0]] = land.window;
    const count = land.window.length === 1 ? 241 : 31;
    const line = Array.from({ length: count }, (_, i) => left + ((right - left) * i) / (count - 1));
    const rows = land.window.length === 1 ? [[]] : Array.from({ length: count }, (_, j) => [up[0] + ((up[1] - up[0]) * j) / (count - 1)]);
    const values = rows.flatMap((rest) => line.map((x) => land.value([x, ...rest], numbers, online)));
    reach = { key: wanted, curve: line.map((x, i) => [x, values[i]]), low: Math.min(...values), high: Math.max(...values) };
    return reach;
  }

  let noises = null;
  let noisesFor = "";

  function draw() {
    const state = {};
    for (const name of traits) state[name] = model.get(name);
    const { landscape, hyper } = state;
    if (built !== landscape) build(landscape);
    if (builtFor !== state.tuned) buildKnobs(state.tuned);
    const land = lands[landscape];
    const numbers = state.numbers[landscape];
    const start = state.starts[landscape];
    const t = clamp(state.step);
    const common = JSON.stringify([landscape, numbers, start, state.noise, state.noise && state.seed]);
    const wanted = `${state.noise} ${state.seed} ${start.length}`;
    if (noisesFor !== wanted) {
      noises = state.noise ? normal(state.seed, spec.steps * start.length).map((z) => state.noise * z) : null;
      noisesFor = wanted;
    }
    const shown = names.filter((name) => state.shown.includes(name));
    const found = shown.map((name) => ({
      name,
      look: spec.rules[name].look,
      ...runOf(name, hyper[name], land, numbers, start, noises, common),
    }));
    const lowest = minima(landscape, numbers);
    const least = lowest.length && !land.online ? land.value(lowest[0], numbers) : null;

    // Controls.
    const same = stamp(state);
    const here = Object.keys(stamps).find((name) => stamps[name] === same);
    preset.show(here ?? "");
    ground.show(landscape);
    for (const [name, control] of numberSliders) control.show(numbers[name]);
    startSliders.forEach((control, i) => control.show(start[i]));
    for (const [name, box] of boxes) box.show(shown.includes(name));
    tuned.show(state.tuned);
    for (const [name, control] of hyperSliders) control.show(hyper[state.tuned][name]);
    noise.show(state.noise);
    other.disabled = state.noise === 0;
    write(other, `Other noise (seed ${state.seed})`);
    arrows.show(state.arrows);
    step.show(t);
    back.disabled = t === 0;
    next.disabled = t === spec.steps;

    drawMap(found, land, landscape, numbers, start, lowest, t, state.arrows);
    const measure = compared(found, land, lowest, least);
    drawLoss(found, land, landscape, numbers, measure, t);
    drawTables(found, land, lowest, least, t);
    write(readout, words(found, measure, start, least, t));
  }

  function drawMap(found, land, landscape, numbers, start, lowest, t, kind) {
    const line = land.window.length === 1;
    const { curve, low, high } = line ? heights(landscape, numbers, Math.max(t, 1)) : {};
    const height = (w) => land.value(w, numbers, Math.max(t, 1));
    const place = (w) => (line ? [w[0], height(w)] : w);
    const pad = line ? 0.06 * (high - low) : 0;
    const window = line ? [land.window[0], [low - pad, high + pad]] : land.window;
    const spans = window.map(([a, b]) => b - a);
    const thin = (points) => {
      const every = Math.ceil(points.length / DRAWN);
      return every === 1 ? points : points.filter((_, i) => i % every === 0 || i === points.length - 1);
    };
    const near = ([a, b]) => a >= window[0][0] && a <= window[0][1] && b >= window[1][0] && b <= window[1][1];
    const paths = line ? [{ points: curve, stroke: { color: "var(--ol-accent)" } }] : [];
    const pointed = []; // lists of arrows that have one scale
    for (const { look, w, g, v } of found) {
      const points = w.map(place);
      const done = points.slice(0, t + 1);
      paths.push({ points: thin(points), ...look, faint: true }, { points: thin(done), ...look, dots: t <= 150 });
      if (kind === "none" || !g[t] || !near(points[t])) continue;
      const made = w[t].map((x, i) => x - w[t - 1][i]);
      const point = (group, by, faint) => (pointed[group] ??= []).push({ from: points[t], by, look: faint ? { ...look, faint } : look });
      const along = (values) => (line ? [values[0], 0] : values);
      if (kind === "rate") {
        made.forEach((x, i) => {
          const rate = g[t][i] === 0 ? 0 : -x / g[t][i];
          point(0, i ? [0, rate] : [rate, 0]);
        });
        continue;
      }
      // Beside a step on a curve the gradient points along the tangent.
      const slope = line && kind === "step" ? [-g[t][0], -(g[t][0] ** 2)] : along(g[t].map((x) => -x));
      point(0, slope, true);
      if (kind === "step") point(1, along(made));
      else if (v[t]) point(0, along(v[t].map((x) => -x)));
    }
    const drawn = pointed.flatMap((list) => {
      const size = Math.max(...list.map(({ by }) => Math.hypot(...by.map((x, i) => x / spans[i]))), 1e-300);
      return list.map(({ from, by, look }) => ({ from, to: from.map((x, i) => x + (by[i] * ARROW) / size), ...look }));
    });
    const spots = lowest.map((w) => ({ at: place(w), tone: 0, shape: "cross" }));
    spots.push({ at: place(start), tone: 0, shape: "ring", name: "start" });
    for (const { w, look } of found) spots.push({ at: place(w[t]), ...look });
    map.draw({
      window,
      value: line ? null : (a, b) => height([a, b]),
      key: JSON.stringify([landscape, numbers, land.online && t]),
      paths,
      arrows: drawn,
      spots,
      handle: place(start),
      names: line ? [land.coordinates[0], "value"] : land.coordinates,
      label: `${line ? "Curve" : "Contour map"} of the landscape ${spec.landscapes[landscape].label} with the paths of ${list(found.map(({ name }) => label(name)))}; the numbers are in the table`,
    });
    write(
      key,
      `Ring: the start, to be dragged. Crosses: minima.${kind === "none" ? "" : ` At each marked point: ${ARROWS[kind].key}.`}`,
    );
  }

  /** What the runs are compared by: the height above the lowest minimum, the distance to one, or the value. */
  function compared(found, land, lowest, least) {
    if (least !== null) for (const run of found) run.by = run.value.map((x) => Math.max(x - least, 0));
    else if (!lowest.length) for (const run of found) run.by = run.value;
    else for (const run of found) run.by = run.w.map((w) => Math.min(...lowest.map((point) => distance(w, point))));
    if (least !== null) return { log: true, title: "The value above the minimum", word: "lowest", where: (x) => `${x} above the minimum` };
    if (!lowest.length) return { title: "The value", word: "lowest", where: (x) => `at the value ${x}` };
    // A value that changes with the step says little about how far a run has come.
    return { log: true, title: "The distance to the nearest minimum", word: "nearest", where: (x) => `${x} from the minimum` };
  }

  function drawLoss(found, land, landscape, numbers, { log, title }, t) {
    const first = found[0]?.by[0] ?? 1;
    let [low, high] = [Infinity, -Infinity];
    // What has left the picture by far must not flatten what is in it.
    const ground = log || land.online ? {} : heights(landscape, numbers, 1);
    const most = log ? 100 * Math.max(first, 1e-9) : (ground.high ?? 1e3 * (Math.abs(first) + 1));
    const floor = log ? 1e-10 : (ground.low ?? -most);
    for (const { by } of found) {
      for (const x of by) {
        if (!(x <= most && x >= floor)) continue;
        low = Math.min(low, x);
        high = Math.max(high, x);
      }
    }
    if (!(low <= high)) [low, high] = log ? [0.1, 1] : [0, 1];
    if (log) [low, high] = [10 ** Math.floor(Math.log10(low)), 10 ** Math.ceil(Math.log10(high * 1.0001))];
    else if (low === high) [low, high] = [low - 1, high + 1];
    const every = Math.ceil(ticks.length / DRAWN);
    const kept = ticks.filter((i) => i % every === 0 || i === spec.steps);
    write(lossTitle, `${title}, step by step`);
    loss.draw({
      // What leaves the picture is cut off by its edge; on a logarithmic axis 0 is below it.
      series: found.map(({ look, by }) => ({ x: kept, y: kept.map((i) => (log ? Math.max(by[i], low / 10) : by[i])), ...look })),
      x: { label: "step", domain: [0, spec.steps] },
      y: { log, domain: [low, high] },
      marks: [{ x: t }],
      label: `Line chart. ${title} by step; the numbers are in the table`,
    });
  }

  let laid = null;
  const cells = { now: new Map(), end: new Map() };
  function layTables(found, land) {
    const wanted = JSON.stringify([found.map(({ name }) => name), land.coordinates]);
    if (wanted === laid) return;
    laid = wanted;
    const each = (word) => land.coordinates.map((name) => `${word} ${name}`);
    const heads = {
      now: [...land.coordinates, "value", ...each("gradient"), ...each("step"), ...each("rate")],
      end: [...land.coordinates, "value", "distance", `first within ${spec.near}`, "diverged at"],
    };
    for (const [kind, table] of [["now", nowTable], ["end", endTable]]) {
      cells[kind].clear();
      const rows = found.map(({ name }) => {
        const row = heads[kind].map(() => h("td", { class: "ol-number" }));
        cells[kind].set(name, row);
        return h("tr", { "data-rule": name }, h("th", { scope: "row" }, label(name)), row);
      });
      const head = heads[kind].map((text) => h("th", { scope: "col", class: "ol-number" }, text));
      table.replaceChildren(
        h("caption", {}),
        h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "optimizer"), head)),
        h("tbody", {}, rows),
      );
    }
    write(endTable.caption, `After ${spec.steps} steps; the distance is that to the nearest minimum`);
  }

  function drawTables(found, land, lowest, least, t) {
    layTables(found, land);
    write(nowTable.caption, `Step ${t}; rate: the effective learning rate, the step over the negative gradient`);
    const nothing = land.coordinates.map(() => null);
    for (const run of found) {
      const { name, w, g, value, lost } = run;
      const made = g[t] ? w[t].map((x, i) => x - w[t - 1][i]) : nothing;
      const rates = g[t] ? made.map((x, i) => (g[t][i] === 0 ? null : -x / g[t][i])) : nothing;
      const first = least === null ? -1 : value.findIndex((x) => x - least <= spec.near);
      run.first = first < 0 ? null : first;
      const end = last(w);
      const away = lowest.length ? Math.min(...lowest.map((point) => distance(end, point))) : null;
      fill(cells.now.get(name), [...w[t], value[t], ...(g[t] ?? nothing), ...made, ...rates]);
      fill(cells.end.get(name), [...end, last(value), away, run.first, lost || null]);
    }
  }

  /** What the picture says, in a few sentences. */
  function words(found, { word, where }, start, least, t) {
    if (!found.length) return "No optimizer is switched on.";
    const point = start.map((x) => number(x, 4)).join(", ");
    const short = (x) => number(x, 3);
    if (t === 0) {
      return `All start at (${point}), where the value is ${short(found[0].value[0])}. Press Play, or move the step.`;
    }
    const alive = found.filter(({ lost }) => !lost || t < lost).sort((a, b) => a.by[t] - b.by[t]);
    const lost = found.filter((run) => run.lost && t >= run.lost);
    const [best, ...rest] = alive;
    const parts = [];
    if (best) {
      const others = rest.length ? `; then ${rest.map(({ name, by }) => `${label(name)} ${short(by[t])}`).join(", ")}` : "";
      parts.push(`After step ${t} ${label(best.name)} is ${rest.length ? `${word}, ` : ""}${where(short(best.by[t]))}${others}.`);
    }
    if (lost.length) parts.push(`${list(lost.map((run) => `${label(run.name)} diverged at step ${run.lost}`))}.`);
    if (least !== null) {
      const came = found.filter(({ first }) => first !== null).sort((a, b) => a.first - b.first);
      if (came.length) {
        parts.push(`First within ${spec.near} of the minimum: ${came.map((run) => `${label(run.name)} at step ${run.first}`).join(", ")}.`);
      } else parts.push(`None comes within ${spec.near} of the minimum in ${spec.steps} steps.`);
    }
    return parts.map((text) => text[0].toUpperCase() + text.slice(1)).join(" ");
  }

  const traits = [...Object.keys(spec.begin), "arrows"];
  const soon = oncePerFrame(draw);
  for (const name of traits) model.on(`change:${name}`, soon);
  el.replaceChildren(root);
  draw();
  return () => {
    pause();
    for (const name of traits) model.off(`change:${name}`, soon);
  };
}

/** Replace what stands after the first few children, which keep the focus that they may have. */
function refill(box, kept, elements) {
  while (box.children.length > kept) box.lastChild.remove();
  box.append(...elements);
}

const list = (texts) => (texts.length < 2 ? texts.join("") : `${texts.slice(0, -1).join(", ")} and ${last(texts)}`);

function fill(row, values) {
  row.forEach((cell, i) => {
    const value = values[i];
    write(cell, value === null ? "" : number(value, 5));
    cell.dataset.value = value ?? "";
  });
}
