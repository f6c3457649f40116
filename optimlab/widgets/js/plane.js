// A map of two weights: contours of a function, paths over it, arrows, and points that the reader drags.

import { contours } from "d3-contour";
import { scaleLinear } from "d3-scale";
import { line } from "d3-shape";
import { h, id, set, svg } from "./dom.js";
import { number } from "./format.js";
import { pointing, stroked } from "./lines.js";

const MARGIN = { top: 8, right: 8, bottom: 26, left: 44 };
const LEVELS = 14;
const FINE = [72, 56];
const COARSE = [36, 28]; // while a slider is dragged that changes the ground
const CALM = 150; // milliseconds without a change after which the ground is drawn finely

/**
 * @param drag called with [a, b] when the reader presses on or drags over the map, if given. A finger has
 *             to start on the handle, so that a page can still be scrolled over a map. A control that the
 *             keyboard reaches has to move the same thing.
 * @returns {{ element, draw }} where draw takes
 *   window  [[low, high], [low, high]]
 *   value   (a, b) => height of the ground, if it is to be drawn; key: a text that changes when it does
 *   paths   [{ points: [[a, b], ..], stroke or tone, dots: true to mark every point, faint }]
 *   arrows  [{ from: [a, b], to: [a, b], stroke or tone }]
 *   spots   [{ at: [a, b], tone or stroke, shape: "cross" | "ring" | "disc", name }]
 *   handle  [a, b], where a finger takes hold
 *   names   the two axes' names;  label: what the picture shows
 */
export function plane({ drag, tallest = 380 }) {
  const root = svg("svg", { class: "ol-chart ol-plane", role: "img" });
  const ground = svg("g", { class: "ol-ground" });
  const grid = svg("g", { class: "ol-grid" });
  const above = svg("g");
  const box = svg("rect");
  const name = id("clip");
  const grip = svg("circle", { class: "ol-grip", r: 24 });
  root.append(svg("clipPath", { id: name }, box), ground, grid, above);
  if (drag) root.append(grip);
  ground.setAttribute("clip-path", `url(#${name})`);
  above.setAttribute("clip-path", `url(#${name})`);
  const element = h("div", { class: "ol-figure" }, root);
  let width = 0;
  let height = 0;
  let last = null;
  let known = null; // what the ground was drawn for
  let drawn = -Infinity;
  let refining;
  const x = scaleLinear();
  const y = scaleLinear();
  new ResizeObserver(() => {
    if (element.clientWidth === width) return;
    width = element.clientWidth;
    if (last) draw(last);
  }).observe(element);
  if (drag) {
    root.classList.add("ol-draggable");
    const within = (value, [low, high]) => Math.min(Math.max(value, low), high);
    const moved = (left, top) => {
      if (last) drag([within(x.invert(left), last.window[0]), within(y.invert(top), last.window[1])]);
    };
    pointing(root, moved, { may: (event) => event.pointerType !== "touch" || event.target === grip });
  }

  function draw(wanted) {
    last = wanted;
    width ||= element.clientWidth;
    if (!width) return;
    height = Math.min(Math.round(width * 0.78), tallest);
    const { window, value, key, paths = [], arrows = [], spots = [], handle, names = ["", ""], label } = wanted;
    x.domain(window[0]).range([MARGIN.left, width - MARGIN.right]);
    y.domain(window[1]).range([height - MARGIN.bottom, MARGIN.top]);
    set(root, { width, height, viewBox: `0 0 ${width} ${height}`, "aria-label": label });
    const now = JSON.stringify([width, window, key, names]);
    if (now !== known) {
      const dragged = performance.now() - drawn < CALM;
      drawGround(value, dragged ? COARSE : FINE);
      drawGrid(names);
      clearTimeout(refining);
      if (dragged) refining = setTimeout(() => drawGround(last.value, FINE), CALM);
      drawn = performance.now();
    }
    known = now;
    if (handle) set(grip, { cx: x(handle[0]), cy: y(handle[1]) });
    above.replaceChildren(...paths.map(drawPath), ...arrows.map(drawArrow), ...spots.map(drawSpot));
  }

  const far = (value) => Math.min(Math.max(value, -4000), 4000);
  const place = ([a, b]) => [far(x(a)), far(y(b))];
  const finite = ([a, b]) => Number.isFinite(a) && Number.isFinite(b);

  function drawPath(one) {
    const group = stroked(one);
    const path = line().defined(finite).x((point) => place(point)[0]).y((point) => place(point)[1]);
    group.append(svg("path", { d: path(one.points) ?? "" }));
    if (one.dots) {
      for (const point of one.points.filter(finite)) {
        const [cx, cy] = place(point);
        group.append(svg("circle", { cx, cy, r: 2 }));
      }
    }
    return group;
  }

  function drawArrow(one) {
    const group = stroked(one);
    if (!finite(one.from) || !finite(one.to)) return group;
    const [[a, b], [c, d]] = [place(one.from), place(one.to)];
    const length = Math.hypot(c - a, d - b);
    if (length < 1) return group;
    const [u, v] = [(c - a) / length, (d - b) / length];
    const head = Math.min(9, length);
    const side = head * 0.45;
    const [e, f] = [c - u * head, d - v * head];
    group.append(svg("path", { d: `M${a},${b}L${e},${f}`, style: "stroke-dasharray:none" }));
    group.append(svg("path", { class: "ol-head", d: `M${c},${d}L${e - v * side},${f + u * side}L${e + v * side},${f - u * side}Z` }));
    return group;
  }

  function drawSpot(one) {
    const group = stroked(one);
    if (!finite(one.at)) return group;
    const [cx, cy] = place(one.at);
    if (one.shape === "cross") group.append(svg("path", { d: `M${cx - 6},${cy}H${cx + 6}M${cx},${cy - 6}V${cy + 6}`, style: "stroke-dasharray:none" }));
    else if (one.shape === "ring") group.append(svg("circle", { class: "ol-ring", cx, cy, r: 9 }), svg("circle", { cx, cy, r: 3 }));
    else group.append(svg("circle", { cx, cy, r: 4.5 }));
    if (one.name) {
      const text = svg("text", { x: cx + 8, y: cy - 7, class: "ol-small" });
      text.textContent = one.name;
      group.append(text);
    }
    return group;
  }

  /** Contours at levels that have about equally much area between them. */
  function drawGround(value, [columns, rows]) {
    if (!value) return ground.replaceChildren();
    const [[left, right], [low, high]] = last.window;
    const heights = new Float64Array(columns * rows);
    for (let j = 0; j < rows; j++) {
      for (let i = 0; i < columns; i++) {
        const found = value(left + ((right - left) * (i + 0.5)) / columns, high - ((high - low) * (j + 0.5)) / rows);
        heights[j * columns + i] = Number.isFinite(found) ? found : 1e30;
      }
    }
    const sorted = Float64Array.from(heights).sort();
    const levels = Array.from({ length: LEVELS }, (_, k) => sorted[Math.floor(((k + 0.5) / LEVELS) * sorted.length)]);
    const made = contours().size([columns, rows]).thresholds([...new Set(levels)])(heights);
    const wide = (width - MARGIN.left - MARGIN.right) / columns;
    const tall = (height - MARGIN.top - MARGIN.bottom) / rows;
    const tenth = (pixels) => Math.round(10 * pixels) / 10;
    const at = ([i, j]) => `${tenth(MARGIN.left + i * wide)},${tenth(MARGIN.top + j * tall)}`;
    ground.replaceChildren(
      ...made.map(({ coordinates }) => svg("path", { d: coordinates.flat().map((ring) => `M${ring.map(at).join("L")}Z`).join("") })),
    );
  }

  function drawGrid([across, up]) {
    set(box, { x: MARGIN.left, y: MARGIN.top, width: width - MARGIN.left - MARGIN.right, height: height - MARGIN.top - MARGIN.bottom });
    const parts = [svg("rect", { class: "ol-frame", x: MARGIN.left, y: MARGIN.top, width: width - MARGIN.left - MARGIN.right, height: height - MARGIN.top - MARGIN.bottom })];
    const text = (content, attributes) => {
      const made = svg("text", attributes);
      made.textContent = content;
      parts.push(made);
    };
    for (const value of y.ticks(5)) text(number(value, 4), { x: MARGIN.left - 6, y: y(value), "text-anchor": "end", dy: "0.32em" });
    for (const value of x.ticks(Math.max(width / 90, 3))) text(number(value, 4), { x: x(value), y: height - 9, "text-anchor": "middle" });
    text(across, { x: width - MARGIN.right - 4, y: height - MARGIN.bottom - 6, "text-anchor": "end" });
    text(up, { x: MARGIN.left + 6, y: MARGIN.top + 14 });
    grid.replaceChildren(...parts);
  }
  return { element, draw };
}
