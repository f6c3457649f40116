// A line chart of several series over a common axis, with linear or logarithmic scales and a marker.

import { scaleLinear, scaleLog } from "d3-scale";
import { line } from "d3-shape";
import { short } from "./format.js";
import { h, id, set, svg } from "./dom.js";

const MARGIN = { top: 10, right: 14, bottom: 24, left: 52 };
const NAMED = 16; // what the name of an axis adds
const LETTER = 6.6; // the width of a digit
const SLOP = 8; // a finger that moves by fewer pixels rests

/**
 * @param height in pixels
 * @param pick   called with a value of the x axis when the reader points at the chart, if given
 * @returns {{ element, draw }} where draw takes
 *   series  [{ name, y: [..], x: [..] or nothing for 0, 1, 2, ..., stroke: { color, dash } or tone: 0..5,
 *              dots: true, or their radius, for points instead of a line, faint }]
 *   x, y    { label, log, domain: [low, high], zero: true to include 0, whole: true for ticks at whole numbers,
 *           at: [..] where the ticks are }: everything may be left out
 *   marks   [{ x or y, name }]: straight lines, such as the current step or a bound
 *   label   what the picture shows, for those who cannot see it
 */
export function lines({ height = 210, pick }) {
  const root = svg("svg", { class: "ol-chart", height, role: "img" });
  const grid = svg("g", { class: "ol-grid" });
  const name = id("clip");
  const box = svg("rect", { y: 0 });
  const drawn = svg("g", { "clip-path": `url(#${name})` });
  const marked = svg("g");
  root.append(svg("clipPath", { id: name }, box), grid, marked, drawn);
  const legend = h("ul", { class: "ol-legend" });
  const element = h("div", { class: "ol-figure" }, root, legend);
  let width = 0;
  let left = MARGIN.left; // wider where the axis has a name of its own or long numbers
  let floor = height - MARGIN.bottom; // higher where the axis has a name
  let last = null;
  let axes = null; // what the grid was drawn for
  let x = scaleLinear();
  let y = scaleLinear();
  new ResizeObserver(() => {
    if (element.clientWidth === width) return;
    width = element.clientWidth;
    if (last) draw(last);
  }).observe(element);
  if (pick) pointing(root, (left) => pick(x.invert(left)), { scrolls: true });

  function draw(wanted) {
    last = wanted;
    width ||= element.clientWidth;
    if (!width) return;
    const { series, marks = [], label } = wanted;
    const [across, up] = [wanted.x ?? {}, wanted.y ?? {}];
    floor = height - MARGIN.bottom - (across.label ? NAMED : 0);
    const xs = ({ x: given, y: values }, i) => (given ? given[i] : i);
    const points = series.map((one) => one.y.map((value, i) => [xs(one, i), value]));
    y = scale(up, points.map((list) => list.map(([, value]) => value)), [floor, MARGIN.top], true);
    const widest = Math.max(0, ...few(y, height / 38, up).map((value) => short(value).length)) * LETTER + 8;
    left = Math.max(MARGIN.left, widest) + (up.label ? NAMED : 0);
    x = scale(across, points.map((list) => list.map(([value]) => value)), [left, width - MARGIN.right], false);
    set(box, { x: left - 4, width: Math.max(width - left - MARGIN.right + 8, 0), height: floor + 2 });
    set(root, { width, viewBox: `0 0 ${width} ${height}`, "aria-label": label });
    const key = JSON.stringify([width, x.domain(), y.domain(), across, up]);
    if (key !== axes) drawGrid(across, up);
    axes = key;

    const inside = ([a, b]) => Number.isFinite(x(a)) && Number.isFinite(y(b));
    const path = line().defined(inside).x(([a]) => x(a)).y(([, b]) => clamp(y(b), -height, 2 * height));
    drawn.replaceChildren(
      ...series.map((one, k) => {
        const group = stroked(one);
        if (one.dots) {
          const r = one.dots === true ? 3 : one.dots;
          for (const [a, b] of points[k].filter(inside)) group.append(svg("circle", { cx: x(a), cy: y(b), r }));
        } else group.append(svg("path", { d: path(points[k]) ?? "" }));
        return group;
      }),
    );
    marked.replaceChildren(
      ...marks.flatMap((mark) => {
        const at = "x" in mark ? x(mark.x) : y(mark.y);
        if (!Number.isFinite(at)) return [];
        const ends =
          "x" in mark
            ? { x1: at, x2: at, y1: MARGIN.top, y2: floor }
            : { x1: left, x2: width - MARGIN.right, y1: at, y2: at };
        const stick = svg("line", { class: "ol-marker", ...ends });
        if (!mark.name) return [stick];
        const place = "x" in mark ? { x: at + 4, y: MARGIN.top + 10 } : { x: width - MARGIN.right, y: at - 5, "text-anchor": "end" };
        return [stick, text(mark.name, { class: "ol-small", ...place })];
      }),
    );
    drawLegend(legend, series);
  }

  function drawGrid(across, up) {
    const parts = [];
    for (const value of few(y, height / 38, up)) {
      parts.push(svg("line", { x1: left, x2: width - MARGIN.right, y1: y(value), y2: y(value) }));
      parts.push(text(short(value), { x: left - 6, y: y(value), "text-anchor": "end", dy: "0.32em" }));
    }
    for (const value of few(x, (width - left) / 62, across)) {
      parts.push(text(short(value), { x: x(value), y: floor + 16, "text-anchor": "middle" }));
    }
    const middle = (left + width - MARGIN.right) / 2;
    if (across.label) parts.push(text(across.label, { x: middle, y: height - 6, "text-anchor": "middle" }));
    if (up.label) {
      const center = (MARGIN.top + floor) / 2;
      parts.push(text(up.label, { transform: `translate(12,${center}) rotate(-90)`, "text-anchor": "middle" }));
    }
    grid.replaceChildren(...parts);
  }
  return { element, draw };
}

/**
 * Call `at(left, top)` in pixels of the element while a pointer is pressed on it, if it `may` be.
 * Where a finger also `scrolls` the page, up and down, it counts once it has moved sideways or was a tap.
 */
export function pointing(element, at, { may = () => true, scrolls = false } = {}) {
  const place = (event) => {
    const box = element.getBoundingClientRect();
    at(event.clientX - box.left, event.clientY - box.top);
  };
  // The pointer pressed here. To ask for its capture is not enough: every touch is captured, also where it may not be.
  let held = null;
  let from = null; // where a finger was put down that may yet scroll
  element.addEventListener("pointerdown", (event) => {
    if (!may(event)) return;
    held = event.pointerId;
    element.setPointerCapture(event.pointerId);
    from = scrolls && event.pointerType === "touch" ? [event.clientX, event.clientY] : null;
    if (!from) place(event);
  });
  element.addEventListener("pointermove", (event) => {
    if (event.pointerId !== held) return;
    if (from) {
      const [across, along] = [event.clientX - from[0], event.clientY - from[1]].map(Math.abs);
      if (across < SLOP || across < along) return;
      from = null;
    }
    place(event);
  });
  element.addEventListener("pointerup", (event) => {
    const tapped = event.pointerId === held && from;
    if (tapped && Math.hypot(event.clientX - from[0], event.clientY - from[1]) < SLOP) place(event);
  });
  const letGo = (event) => {
    if (event.pointerId === held) held = null;
  };
  element.addEventListener("pointerup", letGo);
  element.addEventListener("pointercancel", letGo);
  // What a part of the element loses, the element itself has taken over.
  element.addEventListener("lostpointercapture", (event) => event.target === element && letGo(event));
}

/** A group in the color and the dash of a series: its own, or those of a tone. */
export function stroked({ stroke, tone, faint }) {
  const names = [stroke ? "ol-stroke" : `ol-tone-${tone ?? 0}`, faint ? "ol-faint" : ""];
  const group = svg("g", { class: names.join(" ").trim() });
  if (stroke) {
    group.style.setProperty("--ol-own", stroke.color);
    if (stroke.dash) group.style.strokeDasharray = stroke.dash;
  }
  return group;
}

/** List the series with their color and dash; redrawn only when they change. */
export function drawLegend(legend, series) {
  const named = series.filter(({ name }) => name);
  const key = JSON.stringify(named.map(({ name, stroke, tone, dots, faint }) => [name, stroke, tone, dots, faint]));
  if (legend.dataset.key === key) return;
  legend.dataset.key = key;
  legend.replaceChildren(
    ...named.map((one) => {
      const group = stroked(one);
      group.append(one.dots ? svg("circle", { cx: 15, cy: 5, r: 3 }) : svg("path", { d: "M1,5H29" }));
      const sample = svg("svg", { width: 30, height: 10, "aria-hidden": "true" });
      sample.append(group);
      return h("li", {}, sample, one.name);
    }),
  );
}

const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

function scale({ log, domain, zero }, lists, range, nice) {
  const usable = (value) => Number.isFinite(value) && (!log || value > 0);
  let low = zero ? 0 : Infinity;
  let high = zero ? 0 : -Infinity;
  for (const value of lists.flat()) {
    if (!usable(value)) continue;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  if (!(low <= high)) [low, high] = log ? [0.1, 1] : [0, 1];
  if (low === high) [low, high] = log ? [low / 2, high * 2] : [low - 0.5, high + 0.5];
  const made = (log ? scaleLog() : scaleLinear()).domain(domain ?? [low, high]).range(range);
  return nice && !domain ? made.nice() : made;
}

/** A few ticks; on a logarithmic axis powers of ten where there are enough. */
function few(scale, count, { whole, at } = {}) {
  if (at) return at.filter((_, i) => i % Math.ceil(at.length / Math.max(count, 2)) === 0);
  if (!scale.base) return scale.ticks(Math.max(count, 2)).filter((value) => !whole || Number.isInteger(value));
  const powers = scale.ticks(20).filter((value) => Math.abs(Math.log10(value) - Math.round(Math.log10(value))) < 1e-9);
  const shown = powers.length >= 2 ? powers : scale.ticks(4);
  const stride = Math.ceil(shown.length / Math.max(count, 2));
  return shown.filter((_, i) => i % stride === 0);
}

function text(content, attributes) {
  const element = svg("text", attributes);
  element.textContent = content;
  return element;
}
