// Exponentially weighted average of ten values that the reader drags.
//
// Every value is a native vertical range input laid over the chart, so that mouse, touch and
// keyboard move it alike. The weights are the averages of unit impulses: the rule is linear.

import { scaleLinear } from "d3-scale";
import { line } from "d3-shape";
import { choice, h, id, oncePerFrame, set, slider, svg, toggle, write } from "./dom.js";
import { number } from "./format.js";
import { compile, trace } from "./run.js";

const HEIGHT = 230; // of the chart, in pixels
const THUMB = 22; // of a slider's thumb; its center runs from half a thumb to the other end less half
const BARS = 96;
const AXIS = 30;

export function averages({ model, el, spec }) {
  const raw = compile(spec.rules.raw);
  const corrected = compile(spec.rules.corrected);
  const count = model.get("theta").length;
  const heading = id("title");
  const put = (name, value) => {
    model.set(name, value);
    model.save_changes();
  };

  const beta = slider({
    label: "β, the share that is kept",
    values: spec.betas,
    text: (value) => number(value),
    change: (value) => put("beta", value),
  });
  const days = Array.from({ length: count }, (_, i) => i + 1);
  const day = slider({
    label: "Day whose average is taken apart",
    values: days,
    text: (value) => `${value} of ${count}`,
    change: (value) => put("day", value),
  });
  const correct = toggle({ label: "Bias correction", change: (on) => put("corrected", on) });
  const data = choice({
    label: "Temperatures",
    options: [...Object.keys(spec.data).map((name) => [name, name]), ["your own", "your own"]],
    change: (name) => name in spec.data && put("theta", [...spec.data[name]]),
  });

  // The chart: drawing below, sliders above.
  const drawing = svg("svg", { class: "ol-chart", height: HEIGHT, "aria-hidden": "true" });
  const clip = id("clip");
  const clipBox = svg("rect", { x: 0, y: 0, height: HEIGHT });
  const grid = svg("g", { class: "ol-grid" });
  const marker = svg("rect", { class: "ol-band", y: 0, height: HEIGHT });
  const rawPath = svg("path");
  const rawDots = svg("g");
  const correctedPath = svg("path");
  const correctedDots = svg("g");
  const curves = svg(
    "g",
    { "clip-path": `url(#${clip})` },
    svg("g", { class: "ol-tone-1" }, rawPath, rawDots),
    svg("g", { class: "ol-tone-2" }, correctedPath, correctedDots),
  );
  drawing.append(svg("clipPath", { id: clip }, clipBox), marker, grid, curves);

  const handle = (label, show) => {
    const input = h("input", {
      type: "range",
      class: "ol-vertical",
      min: spec.range[0],
      max: spec.range[1],
      step: 1,
      "aria-label": label,
    });
    input.addEventListener("input", () => show(Number(input.value)));
    return input;
  };
  const startInput = handle("Start value v₀, in °C", (value) => put("start", value));
  startInput.classList.add("ol-start");
  const inputs = days.map((d) =>
    handle(`Temperature of day ${d}, in °C`, (value) => {
      const theta = [...model.get("theta")];
      theta[d - 1] = value;
      put("theta", theta);
    }),
  );
  const plot = h("div", { class: "ol-plot" }, drawing, startInput, inputs);
  const bars = svg("svg", { class: "ol-chart", height: BARS, role: "img" });
  const readout = h("p", { class: "ol-readout", role: "status" });
  const legend = h("ul", { class: "ol-legend" });
  legend.append(
    h("li", {}, h("span", { class: "ol-thumb", "aria-hidden": "true" }), "temperature: drag it"),
    h("li", {}, h("span", { class: "ol-thumb ol-start", "aria-hidden": "true" }), "start value v₀"),
    key(1, "raw average v"),
    key(2, "corrected average v̂"),
  );
  const body = h("tbody");
  const cells = [0, ...days].map((d) => {
    const row = [h("td"), h("td"), h("td"), h("td")].map((cell) => set(cell, { class: "ol-number" }));
    body.append(h("tr", {}, h("th", { scope: "row" }, d === 0 ? "start" : String(d)), row));
    return row;
  });
  const head = ["day", "θ", "weight", "v", "v̂"].map((text, i) =>
    h("th", { scope: "col", class: i > 0 && "ol-number" }, text),
  );
  const root = h(
    "section",
    { class: "ol", "aria-labelledby": heading },
    h("p", { class: "ol-title", id: heading }, spec.title),
    h("div", { class: "ol-controls" }, beta.element, day.element, correct.element, data.element),
    h("div", { class: "ol-figure" }, plot, legend),
    h("p", { class: "ol-caption" }, "What each value counts for in the average of the chosen day"),
    bars,
    readout,
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

  let width = 0;
  const y = scaleLinear(spec.range, [HEIGHT - THUMB / 2, THUMB / 2]);
  const column = (i) => AXIS + ((i + 0.5) * (width - AXIS)) / (count + 1);

  /** What depends on the width only. */
  function layout() {
    set(drawing, { width, viewBox: `0 0 ${width} ${HEIGHT}` });
    set(bars, { width, viewBox: `0 0 ${width} ${BARS}` });
    set(clipBox, { width });
    [startInput, ...inputs].forEach((input, i) => (input.style.left = `${column(i)}px`));
    grid.replaceChildren(
      ...y.ticks(6).flatMap((value) => {
        const text = svg("text", { x: AXIS - 6, y: y(value), "text-anchor": "end", dy: "0.32em" });
        text.textContent = value;
        return [svg("line", { x1: AXIS, x2: width, y1: y(value), y2: y(value) }), text];
      }),
    );
  }

  /** The weights of the start and of every day in the average of day `t`. */
  function weights(rule, quantity, hyper, t) {
    const days = Array.from({ length: t + 1 }, (_, k) => {
      const impulse = Array.from({ length: t }, (_, i) => (i + 1 === k ? 1 : 0));
      return trace(rule, { v: k === 0 ? 1 : 0 }, { theta: impulse }, hyper)[t][quantity];
    });
    return days;
  }

  function draw() {
    const theta = model.get("theta");
    const start = model.get("start");
    const hyper = { beta: model.get("beta") };
    const t = Math.min(Math.max(model.get("day"), 1), count);
    const on = model.get("corrected");
    const rows = trace(corrected, { v: start }, { theta }, hyper);
    const rawRows = trace(raw, { v: start }, { theta }, hyper);

    beta.show(hyper.beta);
    day.show(t);
    correct.show(on);
    const named = Object.entries(spec.data).find(([, list]) => list.every((value, i) => value === theta[i]));
    data.show(named ? named[0] : "your own");
    [startInput, ...inputs].forEach((input, i) => {
      const value = i === 0 ? start : theta[i - 1];
      if (Number(input.value) !== value) input.value = value;
      input.setAttribute("aria-valuetext", `${number(value)} °C`);
    });

    if (width) {
      const path = line()
        .x((_, i) => column(i))
        .y((value) => y(value));
      const v = rawRows.map((row) => row.v);
      const vHat = rows.map((row) => row.v_hat);
      set(rawPath, { d: path(v) });
      // The corrected average exists from day 1 on.
      set(correctedPath, { d: path.defined((value) => Number.isFinite(value))(vHat) ?? "" });
      dots(rawDots, v.map((value, i) => [column(i), y(value)]));
      dots(correctedDots, vHat.slice(1).map((value, i) => [column(i + 1), y(value)]));
      rawPath.parentNode.classList.toggle("ol-faint", on);
      correctedPath.parentNode.classList.toggle("ol-faint", !on);
      const half = (width - AXIS) / (count + 1) / 2;
      set(marker, { x: column(t) - half, width: 2 * half });
    }

    const share = on ? weights(corrected, "v_hat", hyper, t) : weights(raw, "v", hyper, t);
    const total = share.slice(1).reduce((sum, w) => sum + w, 0);
    drawBars(share, t);
    const symbol = on ? `v̂ on day ${t}` : `v on day ${t}`;
    const result = on ? rows[t].v_hat : rawRows[t].v;
    const begin = `${symbol} = ${number(result)} °C. The days’ weights sum to ${number(total, 4)}`;
    const extra = number(share[0], 4);
    let end = `, the start has ${extra}.`;
    if (on && start === 0) end = `; a start other than 0 would count ${extra} on top.`;
    if (on && start !== 0) end = `, and the start counts ${extra} on top: the correction is made for v₀ = 0 only.`;
    write(readout, begin + end);
    readout.dataset.value = result;
    readout.dataset.weights = total;
    cells.forEach(([a, b, c, d], i) => {
      fill(a, i === 0 ? undefined : theta[i - 1]);
      fill(b, share[i]);
      fill(c, rawRows[i].v);
      fill(d, i === 0 ? undefined : rows[i].v_hat);
    });
  }

  function drawBars(share, t) {
    if (!width) return;
    const height = scaleLinear([0, Math.max(...share.map(Math.abs))], [0, BARS - 34]);
    const wide = Math.min(((width - AXIS) / (count + 1)) * 0.7, 34);
    const parts = share.flatMap((w, i) => {
      const tall = Math.max(height(Math.abs(w)), 0.5);
      const bar = svg("rect", {
        x: column(i) - wide / 2,
        y: BARS - 16 - tall,
        width: wide,
        height: tall,
        class: i === 0 ? "ol-bar ol-start" : "ol-bar",
      });
      const text = svg("text", { x: column(i), y: BARS - 20 - tall, "text-anchor": "middle", class: "ol-small" });
      // On a narrow screen only the two ends have room for their number.
      const room = wide > 22 || i === 0 || i === t;
      text.textContent = room ? number(w, 2).replace(/^0\./, ".") : "";
      const name = svg("text", { x: column(i), y: BARS - 3, "text-anchor": "middle", class: "ol-small" });
      name.textContent = i === 0 ? "v₀" : i;
      return [bar, text, name];
    });
    set(bars, { "aria-label": `Bar chart of the weights in the average of day ${t}; the numbers are in the table` });
    bars.replaceChildren(...parts);
  }

  const soon = oncePerFrame(draw);
  const traits = ["theta", "start", "beta", "corrected", "day"];
  for (const name of traits) model.on(`change:${name}`, soon);
  el.replaceChildren(root);
  const observer = new ResizeObserver(() => {
    if (plot.clientWidth === width) return;
    width = plot.clientWidth;
    layout();
    draw();
  });
  observer.observe(plot);
  draw();
  return () => {
    observer.disconnect();
    for (const name of traits) model.off(`change:${name}`, soon);
  };
}

function key(tone, text) {
  const sample = svg("svg", { width: 26, height: 10, "aria-hidden": "true", class: `ol-tone-${tone}` });
  sample.append(svg("path", { d: "M1,5H25" }));
  return h("li", {}, sample, text);
}

function dots(group, points) {
  while (group.childNodes.length < points.length) group.append(svg("circle", { r: 3 }));
  while (group.childNodes.length > points.length) group.lastChild.remove();
  points.forEach(([x, y], i) => {
    const finite = Number.isFinite(y);
    set(group.childNodes[i], { cx: x, cy: finite ? y : 0, visibility: finite ? "visible" : "hidden" });
  });
}

function fill(cell, value) {
  write(cell, value === undefined ? "" : number(value));
  cell.dataset.value = value ?? "";
}
