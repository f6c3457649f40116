// The phase diagram of momentum on a quadratic: a map of convergence rates over learning rate and β, and
// what happens at the point that the reader moves over it.

import "./phase.css";
import { choice, h, id, oncePerFrame, set, slider, svg, toggle, write } from "./dom.js";
import { number } from "./format.js";
import { drawLegend, lines, stroked } from "./lines.js";
import { plane } from "./plane.js";
import { compile } from "./run.js";
import { best, bestLr, critical, limit, rate, region, roots, steps } from "./quadratic.js";

const [COLUMNS, ROWS] = [112, 80]; // of the image; the browser smooths it
const SHADES = 256;
const STOPS = 200; // of the slider for the learning rate, whose end depends on the rest
const LOST = 1e12; // as in Python, a run stands still beyond it
const TICKS = [0.1, 0.5, 0.8, 0.9, 0.95, 0.99];
const FLAT = { tone: 2 };
const STEEP = { tone: 1 };

/** Where a rate stands on the color scale, 0 to 1: by the logarithm of the steps for a factor of 10. */
const position = (left) => Math.min(Math.max((Math.log10(-1 / Math.log10(left)) + 0.3) / 3, 0), 1);

export function phase({ model, el, spec }) {
  const rules = Object.fromEntries(Object.entries(spec.rules).map(([key, text]) => [key, compile(text)]));
  const landscape = compile(spec.landscape);
  const put = (changes) => {
    for (const name in changes) model.set(name, changes[name]);
    model.save_changes();
  };
  const round = (value) => Math.round(value * 1000) / 1000;

  /** The state, and what follows from it at once. */
  function state() {
    const names = ["kappa", "lr", "beta", "average", "nesterov", "mode", "log"];
    const now = Object.fromEntries(names.map((name) => [name, model.get(name)]));
    now.curvatures = [2, 2 * now.kappa];
    now.end = end(now);
    return now;
  }
  /** The largest learning rate on the map. */
  function end({ kappa, average, nesterov }) {
    if (average) return Math.max(4, 6.4 * Math.sqrt(kappa));
    return nesterov ? 2.2 : 4;
  }
  /** Change what the end of the map depends on, and keep the point on the map. */
  function change(changes) {
    const next = { ...state(), ...changes };
    put({ ...changes, lr: Math.min(next.lr, end(next)) });
  }
  const scaled = (lr, beta, { kappa, average }) => (lr * (2 * kappa)) / (average ? 1 - beta : 1);

  const kappa = slider({
    label: "κ, how much steeper y is than x",
    values: spec.kappas,
    text: (value) => number(value, 4),
    change: (value) => change({ kappa: value }),
  });
  const rates = Array.from({ length: STOPS }, (_, i) => i); // filled in by draw
  const lr = slider({
    label: "Learning rate × λₘₐₓ",
    values: rates,
    text: (value) => number(value, 4),
    change: (value) => put({ lr: value }),
  });
  const beta = slider({
    label: "β, the share of the velocity that is kept",
    values: Array.from({ length: 100 }, (_, i) => i / 100),
    text: (value) => number(value, 4),
    change: (value) => put({ beta: value }),
  });
  const mode = choice({ label: "The map shows", options: Object.entries(spec.modes), change: (value) => put({ mode: value }) });
  const average = toggle({
    label: "Average: v takes (1 − β) g",
    // The same path goes on, at the learning rate that it has in the other convention.
    change: (on) => {
      const now = state();
      change({ average: on, lr: on ? now.lr / (1 - now.beta) : now.lr * (1 - now.beta) });
    },
  });
  const nesterov = toggle({ label: "Nesterov", change: (on) => change({ nesterov: on }) });
  const logarithmic = toggle({ label: "Logarithmic axis", change: (on) => put({ log: on }) });
  const to = (text, where) => h("button", { type: "button", click: () => put(where(state())) }, text);
  const presets = h(
    "div",
    { class: "ol-phase-presets", role: "group", "aria-label": "Go to" },
    to("Best of all", (now) => {
      const found = best(now.curvatures, now.nesterov);
      return { lr: scaled(found.lr, found.beta, now), beta: found.beta };
    }),
    to("Best without momentum", (now) => ({ lr: scaled(bestLr(0, now.curvatures, now.nesterov), 0, now), beta: 0 })),
    to("Best rate at this β", (now) => ({ lr: scaled(bestLr(now.beta, now.curvatures, now.nesterov), now.beta, now) })),
    to("x² + 10 y² at 0.095 with β = 0.9", () => ({ kappa: 10, lr: 1.9, beta: 0.9, average: false, nesterov: false })),
  );

  // The map: an image below, then the plane with its axes, lines and points, then the regions' names.
  const canvas = h("canvas", { width: COLUMNS, height: ROWS, "aria-hidden": "true" });
  const map = plane({ drag: ([x, y]) => put({ lr: Math.max(round(x), 0.001), beta: Math.min(Math.max(round(y), 0), 0.999) }) });
  const names = h("div", { class: "ol-phase-names", "aria-hidden": "true" });
  const ground = h("div", { class: "ol-phase-map" }, canvas, map.element, names);
  const mapLegend = h("ul", { class: "ol-legend" });
  const scale = h("div", { class: "ol-phase-scale", role: "img" });
  set(scale, { "aria-label": `Color scale of the rate, from fast and light (${TICKS[0]}) to slow and dark (${TICKS.at(-1)})` });
  scale.append(h("div", { class: "ol-phase-bar", style: `background:linear-gradient(90deg,${spec.colors})` }));
  for (const tick of TICKS) scale.append(h("span", { style: `left:${100 * position(tick)}%` }, String(tick)));
  const palette = shades(spec.colors);
  const image = canvas.getContext("2d").createImageData(COLUMNS, ROWS);
  const pixels = new Uint32Array(image.data.buffer);

  // The eigenvalues.
  const circle = svg("svg", { class: "ol-chart ol-phase-circle", role: "img" });
  const circleMarks = svg("g", { class: "ol-grid" });
  const circleDots = svg("g");
  circle.append(circleMarks, circleDots);

  const errors = lines({ height: 230 });
  const errorsTitle = h("p", { class: "ol-caption" });
  const readout = h("p", { class: "ol-readout", role: "status" });
  const body = h("tbody");
  const cells = [];
  const heading = id("title");
  const head = ["quantity", "flat x", "steep y", "both"].map((text, i) =>
    h("th", { scope: "col", class: i > 0 && "ol-number" }, text),
  );
  const root = h(
    "section",
    { class: "ol ol-phase", "aria-labelledby": heading },
    h("p", { class: "ol-title", id: heading }, spec.title),
    h("div", { class: "ol-controls" }, lr.element, beta.element, kappa.element, mode.element, average.element, nesterov.element),
    presets,
    h(
      "div",
      { class: "ol-phase-top" },
      h("div", { class: "ol-phase-left" }, ground, h("p", { class: "ol-caption ol-phase-axis" }, "learning rate × λₘₐₓ"), h("p", { class: "ol-caption" }, "Rate: what a step leaves of the error, 0 to 1"), scale, mapLegend),
      h("div", { class: "ol-phase-right" }, circle, h("p", { class: "ol-caption" }, "The eigenvalues of a step: the one farthest out sets the rate; off the real axis the error swings")),
    ),
    readout,
    h("div", { class: "ol-phase-chart" }, errorsTitle, logarithmic.element),
    errors.element,
    h(
      "details",
      { class: "ol-details" },
      h("summary", {}, "The numbers"),
      h(
        "div",
        { class: "ol-scroll", role: "region", tabindex: 0, "aria-label": "The numbers" },
        h("table", {}, h("thead", {}, h("tr", {}, head)), body),
      ),
    ),
  );

  let painted = null; // what the image was painted for
  let borders = null; // the lines that go with it
  let labels = []; // and the names, in shares of the map

  /** Paint the map and find where its regions can be named; only when what it shows has changed. */
  function paint(now) {
    const key = JSON.stringify([now.kappa, now.average, now.nesterov, now.mode]);
    if (key === painted) return;
    painted = key;
    const shown = now.mode === "both" ? now.curvatures : [now.curvatures[now.mode === "flat" ? 0 : 1]];
    for (let j = 0; j < ROWS; j++) {
      const b = 1 - (j + 0.5) / ROWS;
      const share = (now.average ? 1 - b : 1) / (2 * now.kappa);
      for (let i = 0; i < COLUMNS; i++) {
        const sum = ((i + 0.5) / COLUMNS) * now.end * share;
        let left = 0;
        for (const curvature of shown) left = Math.max(left, rate(sum, b, curvature, now.nesterov));
        pixels[j * COLUMNS + i] = left < 1 ? palette[Math.round(position(left) * (SHADES - 1))] : 0;
      }
    }
    canvas.getContext("2d").putImageData(image, 0, 0);
    borders = outline(now, shown);
    labels = regions(now, shown);
  }

  /** The lines between regions: at which learning rates, for β from 0 to 1. */
  function outline(now, shown) {
    const betas = Array.from({ length: 121 }, (_, i) => Math.min(i / 120, 0.9999));
    const curve = (lrs) => betas.map((b) => [Math.min(scaled(lrs(b), b, now), 2 * now.end), b]);
    const series = [];
    now.curvatures.forEach((curvature, k) => {
      if (!shown.includes(curvature)) return;
      const name = `critically damped in the ${k ? "steep" : "flat"} direction: a double root`;
      const two = [0, 1].map((side) => curve((b) => critical(b, curvature, now.nesterov)[side]));
      series.push({ ...(k ? STEEP : FLAT), name, parts: two });
    });
    const steepest = Math.max(...shown);
    series.push({ tone: 0, name: "rate 1: beyond, it diverges", parts: [curve((b) => limit(b, steepest, now.nesterov))] });
    return series;
  }

  /** For every region the place where its name has most room, if it has enough; in shares of the map. */
  function regions(now, shown) {
    const [wide, tall] = [44, 32];
    const codes = [];
    for (let j = 0; j < tall; j++) {
      const b = 1 - (j + 0.5) / tall;
      for (let i = 0; i < wide; i++) {
        const sum = ((((i + 0.5) / wide) * now.end) / (2 * now.kappa)) * (now.average ? 1 - b : 1);
        const said = shown.map((curvature) => region(sum, b, curvature, now.nesterov));
        codes.push(said.includes(5) ? "5" : said.join(" "));
      }
    }
    const reach = (di, dj) => {
      const run = new Int16Array(codes.length);
      const step = dj * wide + di;
      for (let n = 0; n < codes.length; n++) {
        const k = di + dj < 0 ? n : codes.length - 1 - n;
        const [i, j] = [(k % wide) + di, Math.floor(k / wide) + dj];
        const inside = i >= 0 && j >= 0 && i < wide && j < tall;
        run[k] = inside && codes[k + step] === codes[k] ? run[k + step] + 1 : 0;
      }
      return run;
    };
    const [left, right, up, down] = [reach(-1, 0), reach(1, 0), reach(0, -1), reach(0, 1)];
    const found = {};
    codes.forEach((code, k) => {
      const room = [(2 * Math.min(left[k], right[k]) + 1) / wide, (2 * Math.min(up[k], down[k]) + 1) / tall];
      const score = Math.min(room[0], room[1] * 2.2);
      if (!found[code] || score > found[code].score) {
        found[code] = { score, room, at: [((k % wide) + 0.5) / wide, (Math.floor(k / wide) + 0.5) / tall] };
      }
    });
    return Object.entries(found).map(([code, place]) => ({ ...place, text: named(code.split(" ").map(Number)) }));
  }
  function named(code) {
    const words = code.map((k) => spec.regions[k]);
    if (words.length === 1) return [words[0]];
    if (words[0] === words[1]) return [`both ${words[0]}`];
    return [`flat ${words[0]}`, `steep ${words[1]}`];
  }

  /** Put the image and the names where the plane has drawn its frame. */
  function arrange() {
    const frame = map.element.querySelector(".ol-frame");
    if (!frame) return;
    const box = Object.fromEntries(["x", "y", "width", "height"].map((name) => [name, Number(frame.getAttribute(name))]));
    const key = JSON.stringify([painted, box]);
    if (names.dataset.key === key) return;
    names.dataset.key = key;
    for (const element of [canvas, names]) {
      Object.assign(element.style, { left: `${box.x}px`, top: `${box.y}px`, width: `${box.width}px`, height: `${box.height}px` });
    }
    const fits = ({ room, text }) =>
      room[0] * box.width > 6.4 * Math.max(...text.map((line) => line.length)) + 8 && room[1] * box.height > 16 * text.length + 4;
    names.replaceChildren(
      ...labels.filter(fits).map(({ at, text }) =>
        h("span", { style: `left:${100 * at[0]}%;top:${100 * at[1]}%` }, text.map((line) => h("span", {}, line))),
      ),
    );
  }

  /** The errors of a run from 1 along one direction, made by the rule. */
  function errorsOf(axis, now) {
    const rule = rules[`${Number(now.average)}${Number(now.nesterov)}`];
    const hyper = { lr: now.lr / (2 * now.kappa), momentum: now.beta, nu: now.beta };
    const place = { kappa: now.kappa };
    const path = new Float64Array(spec.steps + 1).fill(1);
    const at = [0, 0];
    let [w, v] = [1, 0];
    for (let t = 1; t <= spec.steps; t++) {
      at[axis] = w;
      const next = rule({ ...hyper, w, v, g: landscape.gradient(at, place)[axis] });
      if (!(Math.abs(next.w) <= LOST)) return path.fill(w, t);
      ({ w, v } = next);
      path[t] = w;
    }
    return path;
  }

  function counted(path) {
    let last = path.length - 1;
    while (Math.abs(path[last]) <= 1e-3) last -= 1;
    return last === spec.steps ? null : last + 1;
  }

  function draw() {
    const now = state();
    const sum = (now.lr / (2 * now.kappa)) * (now.average ? 1 - now.beta : 1);
    const both = (what) => now.curvatures.map((curvature) => what(sum, now.beta, curvature, now.nesterov));
    const left = both(rate);
    const said = both(region).map((k) => spec.regions[k]);
    const pairs = both(roots);
    const paths = [0, 1].map((axis) => errorsOf(axis, now));
    const counts = paths.map(counted);
    const top = best(now.curvatures, now.nesterov);
    const topLr = scaled(top.lr, top.beta, now);
    const hereLr = bestLr(now.beta, now.curvatures, now.nesterov);
    const here = Math.max(...now.curvatures.map((curvature) => rate(hereLr, now.beta, curvature, now.nesterov)));
    const slowest = Math.max(...left);

    for (let i = 0; i < STOPS; i++) rates[i] = Number((((i + 1) / STOPS) * now.end).toPrecision(4));
    kappa.show(now.kappa);
    lr.show(now.lr);
    beta.show(now.beta);
    mode.show(now.mode);
    average.show(now.average);
    nesterov.show(now.nesterov);
    logarithmic.show(now.log);

    paint(now);
    const at = [Math.min(now.lr, now.end), now.beta];
    const casing = { color: "var(--ol-back)" };
    map.draw({
      window: [[0, now.end], [0, 1]],
      names: ["", "β"],
      label: `Map of the convergence rate over learning rate and β; at the point it is ${number(slowest, 4)}, at best ${number(top.rate, 4)}`,
      paths: [
        ...borders.flatMap(({ parts }) => parts.map((points) => ({ points, stroke: casing }))),
        ...borders.flatMap(({ parts, tone }) => parts.map((points) => ({ points, tone }))),
      ],
      spots: [
        { at: [topLr, top.beta], shape: "cross", stroke: casing },
        { at: [topLr, top.beta], shape: "cross", tone: 0 },
        { at, shape: "ring", tone: 0 },
      ],
      handle: at,
    });
    drawLegend(mapLegend, borders);
    arrange();
    drawCircle(pairs, slowest);
    drawErrors(now, paths, slowest);

    const factor = steps(slowest);
    const speed =
      slowest < 1
        ? `a step leaves ${number(slowest, 4)} of the error in the end, ${Math.ceil(factor)} steps for a factor of 1000`
        : `a step makes ${number(slowest, 4)} times the error in the end: it does not converge`;
    write(
      readout,
      `x² + ${number(now.kappa)} y² at learning rate ${number(now.lr / (2 * now.kappa), 4)} and β = ${number(now.beta, 4)}: ${speed}. ` +
        `Flat direction ${said[0]}, steep direction ${said[1]}. ` +
        `Best at this β: ${number(here, 4)}. Best of all, at the cross: ${number(top.rate, 4)}, ${Math.ceil(steps(top.rate))} steps.`,
    );
    readout.dataset.value = slowest;

    const clean = (part) => (Math.abs(part) > 1e-12 ? part : 0);
    const long = Math.max(...counts);
    fill([
      ["curvature λ", ...now.curvatures, null],
      ["learning rate of the sum × λ", ...now.curvatures.map((curvature) => sum * curvature), null],
      ["region", ...said, null],
      ["first root, real part", ...pairs.map(([one]) => clean(one[0])), null],
      ["first root, imaginary part", ...pairs.map(([one]) => clean(one[1])), null],
      ["second root, real part", ...pairs.map(([, two]) => clean(two[0])), null],
      ["second root, imaginary part", ...pairs.map(([, two]) => clean(two[1])), null],
      ["rate: what a step leaves", ...left, slowest],
      ["steps for a factor of 1000, by the rate", ...left.map((one) => steps(one)), factor],
      ["the same, counted on the run", ...counts, counts.includes(null) ? null : long],
      ["error after 50 steps", paths[0][50], paths[1][50], null],
      ["best rate at this β", null, null, here],
      ["its learning rate × λₘₐₓ", null, null, scaled(hereLr, now.beta, now)],
      ["best rate of all", null, null, top.rate],
      ["its learning rate × λₘₐₓ", null, null, topLr],
      ["its β", null, null, top.beta],
    ]);
  }

  function drawCircle(pairs, slowest) {
    const far = Math.max(1.2, slowest * 1.1);
    const size = 200;
    const x = (value) => size / 2 + (value / far) * (size / 2);
    const y = (value) => size / 2 - (value / far) * (size / 2);
    const text = (content, left, top) => {
      const element = svg("text", { x: left, y: top, class: "ol-small" });
      element.textContent = content;
      return element;
    };
    const ring = (r, name) => svg("circle", { cx: x(0), cy: y(0), r: (r / far) * (size / 2), class: name });
    const label = pairs.map((pair, k) => `${k ? "steep" : "flat"} ${pair.map(([a, b]) => `${number(a, 3)} ${b < 0 ? "−" : "+"} ${number(Math.abs(b), 3)} i`).join(" and ")}`);
    set(circle, { viewBox: `0 0 ${size} ${size}`, "aria-label": `Eigenvalues in the complex plane: ${label.join("; ")}` });
    circleMarks.replaceChildren(
      svg("line", { x1: 0, x2: size, y1: y(0), y2: y(0) }),
      svg("line", { y1: 0, y2: size, x1: x(0), x2: x(0) }),
      ring(1, "ol-phase-unit"),
      ring(slowest, "ol-phase-radius"),
      text("1", x(1) + 3, y(0) - 4),
      text("i", x(0) + 4, y(1) - 3),
    );
    circleDots.replaceChildren(
      ...pairs.map((pair, k) => {
        const group = stroked(k ? STEEP : FLAT);
        for (const [a, b] of pair) {
          const [cx, cy] = [x(a), y(b)];
          group.append(k ? svg("path", { d: `M${cx - 5},${cy - 5}L${cx + 5},${cy + 5}M${cx - 5},${cy + 5}L${cx + 5},${cy - 5}`, style: "stroke-dasharray:none" }) : svg("circle", { cx, cy, r: 5 }));
        }
        return group;
      }),
    );
  }

  function drawErrors(now, paths, slowest) {
    const [low, high] = now.log ? [1e-6, 1e4] : [-2, 2];
    const size = Math.max(...paths.map((path) => path.subarray(0, spec.drawn + 1).reduce((most, w) => Math.max(most, Math.abs(w)), 1)));
    const roof = now.log ? Math.min(10 ** Math.ceil(Math.log10(size)), high) : Math.min(size, high);
    const floor = now.log ? low : -roof;
    // What leaves the picture is cut off by its edge; on a logarithmic axis 0 is below it.
    const seen = (value) => (now.log ? Math.max(Math.abs(value), floor / 10) : value);
    const drawn = (path) => Array.from(path.subarray(0, spec.drawn + 1), seen);
    const promise = Array.from({ length: spec.drawn + 1 }, (_, t) => seen(slowest ** t));
    write(errorsTitle, now.log ? "Size of the errors: two runs from 1, one along each direction" : "The errors: two runs from 1, one along each direction");
    errors.draw({
      label: `Line chart of the errors over ${spec.drawn} steps; the rate is in the table`,
      x: { label: "step" },
      y: { log: now.log, domain: now.log ? [floor, Math.max(roof, 1)] : [floor, roof] },
      series: [
        { name: `flat direction, λ = ${number(now.curvatures[0])}`, ...FLAT, y: drawn(paths[0]) },
        { name: `steep direction, λ = ${number(now.curvatures[1])}`, ...STEEP, y: drawn(paths[1]) },
        ...(now.log ? [{ name: "what the rate promises", tone: 0, faint: true, y: promise }] : []),
      ],
    });
  }

  function fill(rows) {
    rows.forEach(([name, ...values], i) => {
      if (!cells[i]) {
        cells[i] = values.map(() => h("td", { class: "ol-number" }));
        body.append(h("tr", {}, h("th", { scope: "row" }, name), cells[i]));
      }
      values.forEach((value, k) => {
        const said = value === Infinity ? "never" : number(value ?? 0);
        write(cells[i][k], typeof value === "string" ? value : value === null ? "" : said);
        cells[i][k].dataset.value = value ?? "";
      });
    });
  }

  const soon = oncePerFrame(draw);
  const traits = ["kappa", "lr", "beta", "average", "nesterov", "mode", "log"];
  for (const name of traits) model.on(`change:${name}`, soon);
  el.replaceChildren(root);
  const observer = new ResizeObserver(soon);
  observer.observe(ground);
  draw();
  return () => {
    observer.disconnect();
    for (const name of traits) model.off(`change:${name}`, soon);
  };
}

/** A palette of little-endian pixels between a few colors. */
function shades(colors) {
  const parts = colors.map((color) => [1, 3, 5].map((i) => Number.parseInt(color.slice(i, i + 2), 16)));
  return Uint32Array.from({ length: SHADES }, (_, k) => {
    const place = (k / (SHADES - 1)) * (parts.length - 1);
    const i = Math.min(Math.floor(place), parts.length - 2);
    const [r, g, b] = parts[i].map((from, c) => Math.round(from + (parts[i + 1][c] - from) * (place - i)));
    return ((255 << 24) | (b << 16) | (g << 8) | r) >>> 0;
  });
}
