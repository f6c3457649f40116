// The gradients of mini-batches around the true one, and the descents that follow them.

import "./pair.css";
import "./noise.css";
import { choice, h, id, oncePerFrame, slider, toggle, write } from "./dom.js";
import { number } from "./format.js";
import { drawLegend, lines } from "./lines.js";
import { plane } from "./plane.js";
import { picks } from "./random.js";
import { compile } from "./run.js";

const SNAP = 20; // a dragged weight is moved to a multiple of 1/20
const MOST = 600; // points that are drawn of a path
const GAP = [NaN, NaN];
const TONES = { batch: 2, "mini-batch": 1, "single samples": 3 };

export function noise({ model, el, spec }) {
  const gradient = compile(spec.formulas.gradient);
  const rule = compile(spec.formulas.rule);
  const { x, sizes, window } = spec;
  const samples = x.length;
  const heading = id("title");
  const put = (state) => {
    for (const name in state) model.set(name, state[name]);
    model.save_changes();
  };

  const situation = choice({
    label: "Situation",
    options: [...Object.keys(spec.situations), "your own"].map((name) => [name, name]),
    change: (name) => name in spec.situations && put(spec.situations[name]),
  });
  const data = choice({
    label: "Data",
    options: Object.keys(spec.data).map((name) => [name, name]),
    change: (name) => put({ data: name }),
  });
  const control = (label, name, values, text = number) =>
    slider({ label, values, text: (value) => text(value), change: (value) => put({ [name]: value }) });
  const batchSize = control("Batch size B", "batch_size", sizes, (value) => `${value} of ${samples}`);
  const lr = control("Learning rate", "lr", spec.rates);
  const epochs = control("Epochs", "epochs", range(1, 20));
  const seed = control("Shuffle (seed)", "seed", range(0, spec.seeds - 1));
  const move = (k, value) => put({ w: model.get("w").map((old, i) => (i === k ? value : old)) });
  const weights = ["Slope at the start", "Intercept at the start"].map((label, k) => {
    const [low, high] = window[k].map((end) => end * SNAP);
    const values = range(low, high).map((i) => i / SNAP);
    return slider({ label, values, text: (value) => number(value), change: (value) => move(k, value) });
  });
  const replace = toggle({ label: "Draw with replacement", change: (on) => put({ replace: on }) });

  const map = plane({ tallest: 330, drag: (at) => put({ w: at.map((value) => Math.round(value * SNAP) / SNAP) }) });
  const around = plane({ tallest: 330 });
  const mapLegend = h("ul", { class: "ol-legend" });
  const cloudLegend = h("ul", { class: "ol-legend" });
  const losses = lines({ height: 230 });
  const spread = lines({ height: 230 });
  const readout = h("p", { class: "ol-readout", role: "status" });
  const bySize = numbers(
    "Squared distance of mini-batch gradients from the true one",
    ["B", "updates per epoch", "measured", "σ²/B", "(N−B)/(N−1)·σ²/B", "signal to noise"],
    sizes.map(String),
  );
  const byDescent = numbers(
    "Where the descents end",
    ["descent", "batch size", "updates", "slope", "intercept", "loss", "above the minimum"],
    Object.keys(TONES),
  );
  const figure = (caption, ...parts) => h("div", {}, h("p", { class: "ol-caption" }, caption), parts);
  const root = h(
    "section",
    { class: "ol ol-noise", "aria-labelledby": heading },
    h("p", { class: "ol-title", id: heading }, spec.title),
    h(
      "div",
      { class: "ol-controls" },
      [situation, data, batchSize, lr, epochs, seed, ...weights, replace].map(({ element }) => element),
    ),
    readout,
    h(
      "div",
      { class: "ol-pair" },
      figure("The mean loss, lowest at the cross. Drag the start, where the gradients are taken.", map.element, mapLegend),
      h("div", { class: "ol-cloud" }, h("p", { class: "ol-caption" }, `${spec.batches} mini-batch gradients at the start`), around.element, cloudLegend),
      figure("How far above its minimum the loss is", losses.element),
      figure("Mean squared distance from the true gradient", spread.element),
    ),
    h("details", { class: "ol-details" }, h("summary", {}, "The numbers"), bySize.element, byDescent.element),
  );

  /** The sample numbers of all mini-batches of one size, one after the other; drawn once. */
  const drawn = new Map();
  function chosen(size) {
    const state = `${model.get("seed")} ${model.get("replace")}`;
    if (drawn.get("state") !== state) drawn.clear();
    drawn.set("state", state);
    if (!drawn.has(size)) {
      const start = spec.seeds * model.get("seed") + size;
      drawn.set(size, picks(start, samples, size, spec.batches, model.get("replace")));
    }
    return drawn.get(size);
  }

  /** What the cloud is made of: the true gradient and those of mini-batches, at the start. */
  function gradients(slope, intercept, y) {
    const each = x.map((value, i) => gradient({ slope, intercept, x: value, y: y[i] }));
    const mean = (list, from, size) => {
      let [a, b] = [0, 0];
      for (let k = from; k < from + size; k++) {
        const one = each[list ? list[k] : k];
        a += one[0];
        b += one[1];
      }
      return [a / size, b / size];
    };
    const truth = mean(null, 0, samples);
    const off = each.map(([a, b]) => [a - truth[0], b - truth[1]]);
    const sum = (value) => off.reduce((total, one) => total + value(one), 0) / samples;
    const covariance = [sum(([a]) => a * a), sum(([a, b]) => a * b), sum(([, b]) => b * b)];
    const variance = covariance[0] + covariance[2];
    const cloud = (size) => {
      // In another order, rounding would look like noise.
      if (size === samples && !model.get("replace")) return Array(spec.batches).fill(truth);
      const list = chosen(size);
      return Array.from({ length: spec.batches }, (_, j) => mean(list, j * size, size));
    };
    const measured = (points) =>
      points.reduce((total, [a, b]) => total + (a - truth[0]) ** 2 + (b - truth[1]) ** 2, 0) / points.length;
    return { each, truth, covariance, variance, cloud, measured };
  }

  /** The weights after every update, and whether the run was lost. */
  function descend(order, size, y, start, rate) {
    const path = [start];
    let [slope, intercept] = start;
    for (let from = 0; from < order.length; from += size) {
      let [a, b] = [0, 0];
      for (let k = from; k < from + size; k++) {
        const one = gradient({ slope, intercept, x: x[order[k]], y: y[order[k]] });
        a += one[0];
        b += one[1];
      }
      const next = [rule({ w: slope, g: a / size, lr: rate }).w, rule({ w: intercept, g: b / size, lr: rate }).w];
      if (!next.every((value) => Math.abs(value) <= spec.limit)) return { path, diverged: true };
      [slope, intercept] = next;
      path.push(next);
    }
    return { path, diverged: false };
  }

  function draw() {
    const state = Object.fromEntries(TRAITS.map((name) => [name, model.get(name)]));
    const { y, minimum, lowest, curvature } = spec.data[state.data];
    const size = state.batch_size;
    const above = ([a, b]) => {
      const [u, v] = [a - minimum[0], b - minimum[1]];
      return (u * (curvature[0][0] * u + curvature[0][1] * v) + v * (curvature[1][0] * u + curvature[1][1] * v)) / 2;
    };
    const named = Object.entries(spec.situations).find(([, found]) =>
      Object.keys(found).every((name) => String(found[name]) === String(state[name])),
    );
    situation.show(named ? named[0] : "your own");
    data.show(state.data);
    batchSize.show(size);
    lr.show(state.lr);
    epochs.show(state.epochs);
    seed.show(state.seed);
    replace.show(state.replace);
    weights.forEach((one, k) => one.show(state.w[k]));

    const found = gradients(...state.w, y);
    const length = Math.hypot(...found.truth);
    const rows = sizes.map((one) => {
      const plain = found.variance / one;
      const finite = (plain * (samples - one)) / (samples - 1);
      const ratio = length / Math.sqrt(state.replace ? plain : finite);
      return [samples / one, found.measured(found.cloud(one)), plain, finite, ratio];
    });
    const order = picks(spec.seeds * state.seed, samples, samples, state.epochs, state.replace);
    const whole = order.map((_, i) => i % samples);
    const runs = [
      [whole, samples],
      [order, size],
      [order, 1],
    ].map(([list, count]) => ({ count, ...descend(list, count, y, state.w, state.lr) }));
    const ends = runs.map(({ path, count, diverged }) => {
      const end = path[path.length - 1];
      const rest = diverged ? [null, null, null, null] : [...end, lowest + above(end), above(end)];
      return [count, (samples * state.epochs) / count, ...rest];
    });

    const names = [`all ${samples} samples`, `mini-batches of ${size}`, "single samples"];
    // The many updates of single samples below, the few of the whole above.
    const shown = runs.map((run, k) => ({ ...run, look: { name: names[k], tone: Object.values(TONES)[k] } })).reverse();
    map.draw({
      window,
      key: state.data,
      value: (a, b) => above([a, b]),
      names: ["slope", "intercept"],
      label: "Contours of the mean loss with the paths of the three descents; their ends are in the table",
      paths: shown.map(({ path, count, look }) => ({ points: thin(path), ...look, dots: count === samples })),
      spots: [
        { at: minimum, shape: "cross", tone: 0 },
        { at: state.w, shape: "ring", tone: 0 },
      ],
      handle: state.w,
    });
    drawLegend(mapLegend, shown.map(({ look }) => look));
    drawCloud(found, size, state.replace);
    losses.draw({
      series: shown.map(({ path, count, look }) => {
        const points = thin(path.map((point, i) => [i * count, above(point)]));
        return { ...look, x: points.map(([at]) => at), y: points.map(([, value]) => value) };
      }),
      x: { label: "samples seen", domain: [0, samples * state.epochs] },
      y: { log: true },
      label: "Line chart of the loss of the three descents above its minimum by samples seen",
    });
    const all = range(1, samples);
    spread.draw({
      series: [
        { name: "σ²/B, with replacement", tone: 4, x: all, y: all.map((b) => found.variance / b), faint: !state.replace },
        {
          name: "times (N−B)/(N−1), without",
          tone: 0,
          x: all,
          y: all.map((b) => ((found.variance / b) * (samples - b)) / (samples - 1)),
          faint: state.replace,
        },
        { name: "measured", tone: 1, dots: true, x: sizes, y: rows.map(([, value]) => value) },
      ],
      x: { label: "batch size B", log: true, domain: [1, samples], at: sizes },
      y: { log: true },
      marks: [{ x: size }],
      label: "Squared distance of mini-batch gradients by batch size, measured and in theory; the numbers are in the table",
    });

    bySize.show(rows, sizes.indexOf(size));
    byDescent.show(ends);
    const at = rows[sizes.indexOf(size)];
    const expected = Math.sqrt(state.replace ? at[2] : at[3]);
    const said = (k) => {
      const worth = ends[k][5] === null ? "lost: it diverged" : number(ends[k][5], 3);
      return `${worth} (${ends[k][1]} update${ends[k][1] === 1 ? "" : "s"})`;
    };
    const missed = expected
      ? `A mini-batch of ${size} misses the true gradient (length ${number(length, 3)}) by ${number(Math.sqrt(at[1]), 3)} ` +
        `(root mean square; in theory ${number(expected, 3)}): signal to noise ${number(at[4], 3)}. `
      : `A batch of all ${samples} samples has the true gradient (length ${number(length, 3)}): there is no noise. `;
    write(
      readout,
      missed +
        `After ${state.epochs} epoch${state.epochs === 1 ? "" : "s"} the loss is above its minimum by ` +
        `${said(0)} with all samples at once, ${said(1)} with mini-batches and ${said(2)} with single samples.`,
    );
  }

  function drawCloud({ each, truth, covariance, variance, cloud }, size, replacing) {
    const ends = [0, 1].map((k) => {
      const values = [0, ...each.map((one) => one[k])];
      const [low, high] = [Math.min(...values), Math.max(...values)];
      const room = 0.06 * (high - low);
      return [low - room, high + room];
    });
    // One standard deviation around the true gradient: the covariance's Cholesky factor turns a circle into it.
    const share = (1 / size) * (replacing ? 1 : (samples - size) / (samples - 1));
    const p = Math.sqrt(covariance[0]);
    const q = covariance[1] / p;
    const r = Math.sqrt(Math.max(covariance[2] - q * q, 0));
    const ellipse = range(0, 72).map((i) => {
      const [c, s] = [Math.cos((i * Math.PI) / 36), Math.sin((i * Math.PI) / 36)].map((one) => one * Math.sqrt(share));
      return [truth[0] + p * c, truth[1] + q * c + r * s];
    });
    around.draw({
      window: ends,
      names: ["along slope, g₁", "along intercept, g₂"],
      label: `The true gradient, ${spec.batches} mini-batch gradients around it and the ellipse of one standard deviation`,
      paths: [
        { points: cloud(size).flatMap((point) => [point, GAP]), tone: 1 },
        { points: ellipse, tone: 0 },
      ],
      arrows: [{ from: [0, 0], to: truth, tone: 2 }],
      spots: [{ at: [0, 0], shape: "cross", tone: 0 }],
    });
    drawLegend(cloudLegend, [
      { name: "true gradient", tone: 2 },
      { name: `of ${size} sample${size === 1 ? "" : "s"}`, tone: 1, dots: true },
      { name: "one standard deviation", tone: 0 },
    ]);
  }

  const soon = oncePerFrame(draw);
  for (const name of TRAITS) model.on(`change:${name}`, soon);
  el.replaceChildren(root);
  draw();
  return () => TRAITS.forEach((name) => model.off(`change:${name}`, soon));
}

const TRAITS = ["data", "batch_size", "lr", "epochs", "replace", "seed", "w"];

const range = (low, high) => Array.from({ length: high - low + 1 }, (_, i) => low + i);

/** Every so many points of a long path, and its end. */
function thin(points) {
  const stride = Math.ceil(points.length / MOST);
  return stride === 1 ? points : points.filter((_, i) => i % stride === 0 || i === points.length - 1);
}

/** A table with one row per name; `show` fills in the numbers and marks a row. */
function numbers(caption, head, names) {
  const rows = names.map((name) => {
    const cells = head.slice(1).map(() => h("td", { class: "ol-number" }));
    return { cells, row: h("tr", {}, h("th", { scope: "row" }, name), cells) };
  });
  const table = h(
    "table",
    {},
    h("caption", { class: "ol-caption" }, caption),
    h("thead", {}, h("tr", {}, head.map((text, i) => h("th", { scope: "col", class: i > 0 && "ol-number" }, text)))),
    h("tbody", {}, rows.map(({ row }) => row)),
  );
  const element = h("div", { class: "ol-scroll", role: "region", tabindex: 0, "aria-label": caption }, table);
  const show = (values, current) =>
    rows.forEach(({ row, cells }, i) => {
      row.classList.toggle("ol-noise-current", i === current);
      cells.forEach((cell, k) => {
        const value = values[i][k];
        write(cell, value === null ? "" : value === Infinity ? "no noise" : number(value, 4));
        cell.dataset.value = value ?? "";
      });
    });
  return { element, show };
}
