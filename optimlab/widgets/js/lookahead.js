// One step of momentum and one of Nesterov, as arrows: a point and a jump that the reader drags.

import "./lookahead.css";
import { h, id, oncePerFrame, slider, write } from "./dom.js";
import { number } from "./format.js";
import { drawLegend } from "./lines.js";
import { plane } from "./plane.js";
import { compile } from "./run.js";

const NEAR = 22; // pixels around a handle that belong to it
const JUMP = { tone: 0 };
const DRAGS = { point: "the point", jump: "the tip of the jump" };

const add = (a, b) => a.map((x, i) => x + b[i]);
const short = (x) => number(x, 4);
const pair = (at) => `(${at.map(short).join(", ")})`;
const capital = (text) => text[0].toUpperCase() + text.slice(1);

export function lookahead({ model, el, spec }) {
  const land = compile(spec.landscape);
  const { window } = land;
  const rules = Object.entries(spec.rules).map(([name, one]) => ({
    ...one,
    name,
    step: compile(one.step),
    point: one.point && compile(one.point),
    push: { stroke: one.push },
    look: { stroke: one.stroke },
  }));
  const put = (changes) => {
    model.set(changes);
    model.save_changes();
  };
  const replaced = (name, i, value) => put({ [name]: model.get(name).map((old, k) => (k === i ? value : old)) });
  const snap = (at) => at.map((x, i) => spec.stops[i].reduce((a, b) => (Math.abs(b - x) < Math.abs(a - x) ? b : a)));
  const tip = () => add(model.get("w"), model.get("jump"));

  const axes = (name, label) =>
    land.coordinates.map((axis, i) =>
      slider({ label: `${axis} of the ${label}`, values: spec.stops[i], text: short, change: (value) => replaced(name, i, value) }),
    );
  const sliders = { w: axes("w", "point"), jump: axes("jump", "jump") };
  const lr = slider({ label: "Learning rate η", values: spec.rates, text: short, change: (value) => put({ lr: value }) });

  const group = id("drag");
  const radios = Object.entries(DRAGS).map(([value, text]) => {
    const input = h("input", { type: "radio", name: group, value, change: () => put({ drag: value }) });
    return { input, element: h("label", { class: "ol-toggle" }, input, h("span", {}, text)) };
  });
  const drags = h("fieldset", { class: "ol-choices" }, h("legend", {}, "Drag on the map:"), radios.map(({ element }) => element));

  const map = plane({
    drag: (at) => {
      if (model.get("drag") === "point") put({ w: snap(at) });
      else put({ jump: snap(at.map((x, i) => x - model.get("w")[i])) });
    },
  });
  // A mouse takes the handle that it is put on, whatever was dragged before.
  map.element.addEventListener(
    "pointerdown",
    (event) => {
      if (event.pointerType === "touch" || !map.element.querySelector("svg").contains(event.target)) return;
      const box = map.element.querySelector(".ol-frame").getBoundingClientRect();
      const [[left, right], [low, high]] = window;
      const away = ([a, b]) =>
        Math.hypot(
          event.clientX - box.left - ((a - left) / (right - left)) * box.width,
          event.clientY - box.top - ((high - b) / (high - low)) * box.height,
        );
      const found = [["point", away(model.get("w"))], ["jump", away(tip())]].sort((a, b) => a[1] - b[1])[0];
      if (found[1] <= NEAR) put({ drag: found[0] });
    },
    true,
  );
  const legend = h("ul", { class: "ol-legend" });
  map.element.append(legend);

  const readout = h("p", { class: "ol-readout", role: "status" });
  const body = h("tbody");
  const cells = [];
  const caption = h("caption", { class: "ol-caption" });
  const head = ["quantity", "x", "y", "height"].map((name, i) => h("th", { scope: "col", class: i ? "ol-number" : "" }, name));
  const heading = id("title");
  const root = h(
    "section",
    { class: "ol ol-lookahead", "aria-labelledby": heading },
    h("p", { class: "ol-title", id: heading }, spec.title),
    drags,
    map.element,
    readout,
    h("div", { class: "ol-controls" }, sliders.w.map(({ element }) => element), sliders.jump.map(({ element }) => element), lr.element),
    h(
      "details",
      { class: "ol-details" },
      h("summary", {}, "The numbers"),
      h("div", { class: "ol-scroll", role: "region", tabindex: 0, "aria-label": "The numbers" }, h("table", {}, caption, h("thead", {}, h("tr", {}, head)), body)),
    ),
  );

  /** Make one step of a rule: where its gradient is taken, the gradient, the next point and its height. */
  function made(rule, w, v, lr) {
    const hyper = { lr, momentum: spec.beta };
    const at = w.map((x, i) => (rule.point ? rule.point({ ...hyper, w: x, v: v[i] })[0] : x));
    const g = land.gradient(at);
    const next = w.map((x, i) => rule.step({ ...hyper, w: x, v: v[i], g: g[i] }).w);
    return { ...rule, at, g, next, height: land.value(next) };
  }

  function draw() {
    const [w, jump, rate, drag] = ["w", "jump", "lr", "drag"].map((name) => model.get(name));
    for (const [name, value] of [["w", w], ["jump", jump]]) sliders[name].forEach((one, i) => one.show(value[i]));
    lr.show(rate);
    for (const { input } of radios) input.checked = input.value === drag;

    const v = jump.map((x) => -x / (rate * spec.beta));
    const steps = rules.map((rule) => made(rule, w, v, rate));
    const [heavy, ahead] = steps;
    const end = add(w, jump);
    const push = ({ g }) => g.map((x) => -rate * x);
    const names = ["−η × gradient at the point", "−η × gradient at the look-ahead"];

    map.draw({
      window,
      value: (x, y) => land.value([x, y]),
      key: "",
      arrows: [
        { from: w, to: add(w, push(heavy)), ...heavy.push, faint: true },
        { from: w, to: end, ...JUMP },
        ...steps.map((one) => ({ from: end, to: one.next, ...one.push })),
        ...steps.map((one) => ({ from: w, to: one.next, ...one.look })),
      ],
      spots: [
        { at: w, shape: drag === "point" ? "ring" : "disc", ...JUMP },
        { at: end, shape: drag === "jump" ? "ring" : "disc", ...JUMP },
        ...steps.map(({ next, label, look }) => ({ at: next, shape: "disc", name: label, ...look })),
      ],
      handle: drag === "point" ? w : end,
      names: land.coordinates,
      label: `Contour map with arrows: from the point ${pair(w)} the jump to ${pair(end)}, and the steps of momentum and Nesterov. The numbers are in the table`,
    });
    drawLegend(legend, [
      { name: "the jump that the velocity makes", ...JUMP },
      ...steps.map((one, i) => ({ name: names[i], ...one.push })),
      ...steps.map((one) => ({ name: `step of ${one.label}: both together`, ...one.look })),
    ]);

    const same = Math.abs(heavy.height - ahead.height) <= spec.same * Math.max(heavy.height, ahead.height);
    const lower = same ? null : heavy.height < ahead.height ? heavy : ahead;
    const told = steps.map(({ label, next, height }) => `${capital(label)}’s next point: ${pair(next)}, height ${short(height)}.`);
    write(readout, `${told.join(" ")} ${lower ? `${capital(lower.label)} is lower.` : "Both are equally high."}`);
    readout.dataset.lower = lower?.name ?? "";

    write(caption, `Learning rate η = ${number(rate)}, β = ${number(spec.beta)}; v is the velocity that makes this jump`);
    fill([
      ["point w", ...w, land.value(w)],
      ["jump −η β v", ...jump, null],
      ["velocity v before the step", ...v, null],
      ["gradient at the point", ...heavy.g, null],
      ["look-ahead, w + jump", ...ahead.at, land.value(ahead.at)],
      ["gradient at the look-ahead", ...ahead.g, null],
      ["next point, momentum", ...heavy.next, heavy.height],
      ["next point, Nesterov", ...ahead.next, ahead.height],
    ]);
  }

  function fill(rows) {
    rows.forEach(([name, ...values], i) => {
      if (!cells[i]) {
        cells[i] = values.map(() => h("td", { class: "ol-number" }));
        body.append(h("tr", {}, h("th", { scope: "row" }, name), cells[i]));
      }
      values.forEach((value, k) => {
        write(cells[i][k], value === null ? "" : number(value));
        cells[i][k].dataset.value = value ?? "";
      });
    });
  }

  const soon = oncePerFrame(draw);
  const traits = ["w", "jump", "lr", "drag"];
  for (const name of traits) model.on(`change:${name}`, soon);
  el.replaceChildren(root);
  draw();
  return () => {
    for (const name of traits) model.off(`change:${name}`, soon);
  };
}
