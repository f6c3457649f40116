// One small line chart: series over the steps, the current step marked. Width follows its box.

import { scaleLinear } from "d3-scale";
import { line } from "d3-shape";
import { number } from "./format.js";
import { h, set, svg } from "./dom.js";

const MARGIN = { top: 10, right: 12, bottom: 26, left: 46 };

/**
 * @param height in pixels
 * @param pick   called with a step when the reader points at the chart
 * @returns {{ element, draw({ series, mark, label, offset }) }} where series = [{ name, values, dots }]
 */
export function chart({ height = 210, pick }) {
  const root = svg("svg", { class: "ol-chart", height, role: "img" });
  const grid = svg("g", { class: "ol-grid" });
  const marker = svg("line", { class: "ol-marker" });
  const lines = svg("g");
  root.append(grid, marker, lines);
  const legend = h("ul", { class: "ol-legend" });
  const element = h("div", { class: "ol-figure" }, root, legend);

  let width = 0;
  let last = null;
  let x = scaleLinear();
  new ResizeObserver(() => {
    if (element.clientWidth === width) return;
    width = element.clientWidth;
    if (last) draw(last);
  }).observe(element);

  if (pick) {
    const at = (event) => {
      const box = root.getBoundingClientRect();
      pick(Math.round(x.invert(event.clientX - box.left)));
    };
    root.addEventListener("pointerdown", (event) => {
      root.setPointerCapture(event.pointerId);
      at(event);
    });
    root.addEventListener("pointermove", (event) => {
      if (root.hasPointerCapture(event.pointerId)) at(event);
    });
  }

  function ticks(y, steps, offset) {
    const marks = [];
    for (const value of y.ticks(5)) {
      marks.push(svg("line", { x1: MARGIN.left, x2: width - MARGIN.right, y1: y(value), y2: y(value) }));
      const text = svg("text", { x: MARGIN.left - 6, y: y(value), "text-anchor": "end", dy: "0.32em" });
      text.textContent = number(value, 4);
      marks.push(text);
    }
    for (const value of x.ticks(Math.min(steps, width / 44)).filter(Number.isInteger)) {
      const text = svg("text", { x: x(value), y: height - 8, "text-anchor": "middle" });
      text.textContent = value + offset;
      marks.push(text);
    }
    grid.replaceChildren(...marks);
  }

  function draw({ series, mark, label, offset = 0 }) {
    last = { series, mark, label, offset };
    width ||= element.clientWidth;
    if (!width) return;
    const steps = Math.max(...series.map(({ values }) => values.length)) - 1;
    const finite = series.flatMap(({ values }) => values).filter(Number.isFinite);
    const low = Math.min(...finite, 0);
    const high = Math.max(...finite, 0);
    x = scaleLinear([0, steps], [MARGIN.left + 6, width - MARGIN.right]);
    const y = scaleLinear([low, high === low ? low + 1 : high], [height - MARGIN.bottom, MARGIN.top]).nice(5);
    set(root, { width, viewBox: `0 0 ${width} ${height}`, "aria-label": label });
    ticks(y, steps, offset);
    set(marker, { x1: x(mark), x2: x(mark), y1: MARGIN.top, y2: height - MARGIN.bottom });
    const path = line()
      .defined(Number.isFinite)
      .x((_, i) => x(i))
      .y((value) => y(value));
    lines.replaceChildren(
      ...series.map(({ values, dots, tone }) => {
        const group = svg("g", { class: `ol-tone-${tone}` });
        if (!dots) group.append(svg("path", { d: path(values) ?? "" }));
        values.forEach((value, i) => {
          if (!Number.isFinite(value) || (!dots && i !== mark)) return;
          group.append(svg("circle", { cx: x(i), cy: y(value), r: i === mark ? 4.5 : 3 }));
        });
        return group;
      }),
    );
    const names = series.map(({ name }) => name).join("|");
    if (legend.dataset.names !== names) {
      legend.dataset.names = names;
      legend.replaceChildren(
        ...series.map(({ name, dots, tone }) => {
          const sample = svg("svg", { width: 26, height: 10, "aria-hidden": "true", class: `ol-tone-${tone}` });
          sample.append(dots ? svg("circle", { cx: 13, cy: 5, r: 3 }) : svg("path", { d: "M1,5H25" }));
          return h("li", {}, sample, name);
        }),
      );
    }
  }
  return { element, draw };
}
