// A dense and a rare feature: what every rule accumulates for each, the rate that follows, and where it leads.

import "./pair.css";
import "./rates.css";
import { choice, h, id, oncePerFrame, set, slider, svg, toggle, write } from "./dom.js";
import { number } from "./format.js";
import { drawLegend, lines } from "./lines.js";
import { uniform } from "./random.js";
import { compile, trace } from "./run.js";

const FEATURES = ["dense", "rare"];
const [LEFT, RIGHT, STRIP] = [52, 14, 40]; // as wide as the charts below: their margins

export function rates({ model, el, spec }) {
  const rules = Object.entries(spec.rules).map(([name, rule]) => ({
    ...rule,
    name,
    step: compile(rule.javascript),
    rate: compile(rule.rate),
  }));
  const heading = id("title");
  const put = (state) => {
    for (const name in state) model.set(name, state[name]);
    model.save_changes();
  };

  const control = (label, name, values, text = number) =>
    slider({ label, values, text: (value) => text(value), change: (value) => put({ [name]: value }) });
  const pick = (label, name, options) =>
    choice({ label, options, change: (value) => put({ [name]: typeof model.get(name) === "number" ? Number(value) : value }) });
  const situation = choice({
    label: "Situation",
    options: [...Object.keys(spec.situations), "your own"].map((name) => [name, name]),
    change: (name) => name in spec.situations && put(spec.situations[name]),
  });
  const seeds = Array.from({ length: spec.seeds }, (_, i) => [i, i ? `by chance (seed ${i})` : "regularly"]);
  const controls = {
    stream: pick("Gradients", "stream", spec.streams.map((name) => [name, name])),
    share: control("Rare feature appears in", "share", range(1, 100), (value) => `${value} %`),
    seed: pick("It appears", "seed", seeds),
    dense_size: control("Gradient of the dense feature", "dense_size", spec.sizes),
    rare_size: control("Gradient of the rare feature", "rare_size", spec.sizes),
    lr: control("Learning rate", "lr", spec.rates),
    decay: control("Decay (ρ or β₂)", "decay", spec.decays),
    rule: pick("In words", "rule", rules.map(({ name, label }) => [name, label])),
    step: control("Step", "step", range(1, spec.steps), (value) => `${value} of ${spec.steps}`),
  };
  controls.step.element.classList.add("ol-wide");
  const boxes = rules.map(({ name, label }) =>
    toggle({
      label,
      change: (on) => {
        const shown = model.get("shown");
        put({ shown: rules.map((rule) => rule.name).filter((one) => (one === name ? on : shown.includes(one))) });
      },
    }),
  );

  const readout = h("p", { class: "ol-readout", role: "status" });
  const legend = h("ul", { class: "ol-legend" });
  const scrub = (x) => put({ step: Math.min(Math.max(Math.round(x), 1), spec.steps) });
  const panels = FEATURES.map((feature) => ({
    feature,
    title: h("p", { class: "ol-caption" }),
    stems: svg("path"),
    strip: svg("svg", { class: "ol-chart ol-stems", height: STRIP, role: "img" }),
    rate: lines({ height: 220, pick: scrub }),
    distance: lines({ height: 180, pick: scrub }),
    caption: (text) => h("p", { class: "ol-caption" }, text),
  }));
  for (const { strip, stems } of panels) strip.append(stems);
  const bars = h("div", { class: "ol-bars", role: "img" });
  const body = h("tbody");
  const head = ["optimizer", "feature", "gradient", "accumulated", "rate", "rare / dense", "distance"];
  const table = h(
    "table",
    {},
    h("thead", {}, h("tr", {}, head.map((text, i) => h("th", { scope: "col", class: i > 1 && "ol-number" }, text)))),
    body,
  );
  const root = h(
    "section",
    { class: "ol ol-rates", "aria-labelledby": heading },
    h("p", { class: "ol-title", id: heading }, spec.title),
    h("div", { class: "ol-controls" }, situation.element, Object.values(controls).map(({ element }) => element)),
    h("fieldset", {}, h("legend", {}, "Optimizers"), boxes.map(({ element }) => element)),
    readout,
    legend,
    h(
      "div",
      { class: "ol-pair" },
      panels.map(({ title, strip, rate, distance, caption }) =>
        h(
          "div",
          {},
          title,
          strip,
          caption("Effective rate: step ÷ (averaged) gradient"),
          rate.element,
          caption("Distance traveled"),
          distance.element,
        ),
      ),
    ),
    h("p", { class: "ol-caption" }, "Root of what is accumulated at the step: dense feature full, rare feature hollow"),
    bars,
    h(
      "details",
      { class: "ol-details" },
      h("summary", {}, "The numbers"),
      h("div", { class: "ol-scroll", role: "region", tabindex: 0, "aria-label": "The numbers" }, table),
    ),
  );

  /** The gradients of one feature, one per step. */
  function gradients(feature, state) {
    const chance = state.seed ? uniform(state.seed, spec.steps) : null;
    return range(1, spec.steps).map((t) => {
      const big = state.stream === spec.streams[1] && t === spec.big.step;
      const turn = (at) => Math.floor((at * state.share) / 100);
      const there = feature === "dense" || big || (chance ? chance[t - 1] < state.share / 100 : turn(t) > turn(t - 1));
      const size = there ? state[`${feature}_size`] : 0;
      if (big) return spec.big.times * size;
      return state.stream === spec.streams[2] ? size / t : size;
    });
  }

  /** What a rule does with the gradients of one feature: rate, distance and what is accumulated, by step. */
  function run(rule, g, state) {
    const hyper = { ...rule.hyper };
    if (!rule.own) hyper.lr = state.lr;
    if (rule.decay) hyper[rule.decay] = state.decay;
    const rows = trace(rule.step, rule.state, { g }, hyper);
    let way = 0;
    const distance = rows.map(({ w }, t) => (way += t ? Math.abs(w - rows[t - 1].w) : 0));
    const squares = rows.map((row) => (rule.squares ? row[rule.squares] : NaN));
    const rate = rows.map((row, t) => {
      // Nothing accumulated: no gradient has come yet.
      if (t === 0 || squares[t] === 0) return NaN;
      const steps = rule.steps ? rows[t - 1][rule.steps] : 0;
      return rule.rate({ squares: squares[t], steps, lr: hyper.lr, eps: hyper.eps })[0];
    });
    return { rate, distance, squares };
  }

  let width = 0; // of a panel

  // Scrubbing over the steps runs nothing again.
  let known = {};
  function results(state) {
    const { stream, share, seed, dense_size, rare_size, lr, decay } = state;
    const key = JSON.stringify([stream, share, seed, dense_size, rare_size, lr, decay]);
    if (known.key !== key) known = { key, runs: {}, g: FEATURES.map((feature) => gradients(feature, state)) };
    for (const rule of rules) {
      if (rule.name !== state.rule && !state.shown.includes(rule.name)) continue;
      known.runs[rule.name] ??= known.g.map((g) => run(rule, g, state));
    }
    return known;
  }

  function draw() {
    const state = Object.fromEntries(TRAITS.map((name) => [name, model.get(name)]));
    const t = state.step;
    const named = Object.entries(spec.situations).find(([, found]) =>
      Object.keys(found).every((name) => String(found[name]) === String(state[name])),
    );
    situation.show(named ? named[0] : "your own");
    for (const name in controls) controls[name].show(state[name]);
    boxes.forEach((box, i) => box.show(state.shown.includes(rules[i].name)));
    const { g, runs } = results(state);
    const shown = rules.filter(({ name }) => state.shown.includes(name));
    const look = ({ label, stroke }) => ({ name: label, stroke });
    drawLegend(legend, shown.map(look));

    const all = (what) => shown.flatMap(({ name }) => runs[name].flatMap((one) => one[what])).filter(Number.isFinite);
    const rateDomain = decades(all("rate"));
    const farthest = Math.max(...all("distance"), 1e-12);
    const tallest = Math.max(...g.flat());
    panels.forEach(({ feature, title, strip, stems, rate, distance }, i) => {
      const there = g[i].filter((value) => value !== 0).length;
      write(title, `${feature === "dense" ? "Dense" : "Rare"} feature: its gradient, in ${there} of ${spec.steps} steps`);
      drawStems(strip, stems, g[i], tallest, `Gradients of the ${feature} feature, in ${there} of ${spec.steps} steps`);
      const series = (what) => shown.map(({ name, stroke }) => ({ stroke, y: runs[name][i][what] }));
      rate.draw({
        series: series("rate"),
        x: { domain: [0, spec.steps] },
        y: { log: true, domain: rateDomain },
        marks: [{ x: t }],
        label: `Line chart of the effective rates for the ${feature} feature; those of the step are in the table`,
      });
      distance.draw({
        series: series("distance"),
        x: { label: "step", domain: [0, spec.steps] },
        y: { domain: [0, farthest] },
        marks: [{ x: t }],
        label: `Line chart of the distance that the weight of the ${feature} feature has traveled`,
      });
    });
    drawBars(shown.filter(({ squares }) => squares), runs, t);

    const rows = shown.flatMap(({ label, name }) =>
      FEATURES.map((feature, i) => {
        const one = runs[name][i];
        const ratio = i ? one.rate[t] / runs[name][0].rate[t] : NaN;
        return [label, feature, g[i][t - 1], one.squares[t], one.rate[t], ratio, one.distance[t]];
      }),
    );
    drawTable(rows);
    write(readout, words(rules.find(({ name }) => name === state.rule), runs[state.rule], state, t));
  }

  function words({ label }, [dense, rare], { stream }, t) {
    const [a, b] = [dense.rate[t], rare.rate[t]];
    const said = [`${label} at step ${t}: `];
    if (Number.isFinite(b)) {
      said.push(`the rate is ${number(b, 3)} for the rare feature and ${number(a, 3)} for the dense one, a ratio of ${number(b / a, 3)}. `);
    } else said.push(`the rate is ${number(a, 3)} for the dense feature; the rare one has not come yet. `);
    said.push(`The rare weight has traveled ${number(rare.distance[t], 3)}, the dense one ${number(dense.distance[t], 3)}.`);
    const { step } = spec.big;
    if (stream === spec.streams[1] && t > step) {
      const [before, after] = [dense.rate[step - 1], dense.rate[step]];
      const since = a / after;
      said.push(
        ` The big gradient took the dense rate from ${number(before, 3)} to ${number(after, 3)}; since then it has ` +
          (Math.abs(since - 1) < 0.005 ? "stayed there." : `changed by a factor of ${number(since, 3)}.`),
      );
    } else if (t > 1) {
      said.push(` The dense rate was ${number(dense.rate[1], 3)} at step 1.`);
    }
    return said.join("");
  }

  function drawStems(strip, stems, g, tallest, label) {
    if (!width) return;
    set(strip, { width, viewBox: `0 0 ${width} ${STRIP}`, "aria-label": label });
    const x = (t) => LEFT + ((width - LEFT - RIGHT) * t) / spec.steps;
    const stem = (value, i) =>
      value ? `M${x(i + 1).toFixed(1)},${STRIP}v${-Math.max(2, (STRIP - 2) * (value / tallest)).toFixed(1)}` : "";
    set(stems, { d: g.map(stem).join("") || "M0,0" });
  }

  let barred = "";
  function drawBars(shown, runs, t) {
    const names = shown.map(({ name }) => name).join();
    if (barred !== names || !bars.dataset.made) {
      barred = names;
      bars.dataset.made = "yes";
      bars.replaceChildren(
        ...shown.flatMap(({ label, stroke }) => [
          h("span", {}, label),
          ...FEATURES.flatMap((feature) => {
            const bar = h("div", { class: "ol-stroke" }, h("span"));
            bar.style.setProperty("--ol-own", stroke.color);
            if (feature === "dense") bar.style.setProperty("--ol-fill", "currentColor");
            return [h("span", {}, feature), bar];
          }),
        ]),
      );
    }
    const roots = shown.flatMap(({ name }) => runs[name].map((one) => Math.sqrt(one.squares[t])));
    const most = Math.max(...roots, 1e-300);
    bars.querySelectorAll("div").forEach((bar, k) => {
      bar.style.setProperty("--ol-share", (roots[k] / most).toFixed(4));
      write(bar.firstChild, number(roots[k], 3));
    });
    set(bars, { "aria-label": `Bars of the roots of what is accumulated at step ${t}; the numbers are in the table` });
    bars.hidden = !shown.length;
  }

  function drawTable(rows) {
    while (body.childNodes.length > rows.length) body.lastChild.remove();
    while (body.childNodes.length < rows.length) {
      const cells = head.slice(2).map(() => h("td", { class: "ol-number" }));
      body.append(h("tr", {}, h("th", { scope: "row" }), h("td"), cells));
    }
    rows.forEach(([label, feature, ...values], i) => {
      const [first, second, ...cells] = body.childNodes[i].childNodes;
      write(first, label);
      write(second, feature);
      cells.forEach((cell, k) => {
        const none = Number.isNaN(values[k]);
        write(cell, none ? "" : number(values[k], 4));
        cell.dataset.value = none ? "" : values[k];
      });
    });
  }

  const soon = oncePerFrame(draw);
  for (const name of TRAITS) model.on(`change:${name}`, soon);
  el.replaceChildren(root);
  const observer = new ResizeObserver(() => {
    const now = panels[0].strip.parentNode.clientWidth;
    if (now === width) return;
    width = now;
    draw();
  });
  observer.observe(panels[0].strip.parentNode);
  draw();
  return () => {
    observer.disconnect();
    TRAITS.forEach((name) => model.off(`change:${name}`, soon));
  };
}

const TRAITS = ["stream", "share", "seed", "dense_size", "rare_size", "lr", "decay", "step", "shown", "rule"];

const range = (low, high) => Array.from({ length: high - low + 1 }, (_, i) => low + i);

/** The range of positive values, out to the next half power of ten, so that it stands still for small changes. */
function decades(values) {
  const powers = values.filter((value) => value > 0).map(Math.log10);
  if (!powers.length) return [0.1, 1];
  const [low, high] = [Math.floor(2 * Math.min(...powers) - 0.1), Math.ceil(2 * Math.max(...powers) + 0.1)];
  return [10 ** (low / 2), 10 ** (high / 2)];
}
