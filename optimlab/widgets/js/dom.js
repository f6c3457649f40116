// Small helpers: make elements, label controls, draw once per frame.

/** Make an element: h("p", { class: "note" }, "text", child). Attributes that are functions are listeners. */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value != null) element.setAttribute(name, value);
  }
  element.append(...children.flat().filter((child) => child != null));
  return element;
}

const SVG = "http://www.w3.org/2000/svg";

/** The same for SVG. */
export function svg(tag, attributes = {}, ...children) {
  const element = document.createElementNS(SVG, tag);
  set(element, attributes);
  element.append(...children);
  return element;
}

/** Set several attributes. */
export function set(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}

/** Change an element's text only when it differs: unchanged cells cost no layout. */
export function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** A function that calls `draw` once in the next frame, however often it is called before. */
export function oncePerFrame(draw) {
  let waiting = false;
  return () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      draw();
    });
  };
}

// In a notebook every widget may have this module for itself: the count alone would not be unique on the page.
const own = Math.random().toString(36).slice(2, 8);
let made = 0;
/** A new id, for labels, headings and clips. */
export const id = (word) => `ol-${word}-${own}-${++made}`;

/**
 * A slider over a list of values, as a native range input with label and visible value.
 * @returns {{ element, input, show(value) }}
 */
export function slider({ label, values, text = String, change }) {
  const key = id("slider");
  const input = h("input", { type: "range", id: key, min: 0, max: values.length - 1, step: 1 });
  const output = h("output", { for: key });
  input.addEventListener("input", () => change(values[Number(input.value)]));
  const show = (value) => {
    let nearest = 0;
    for (let i = 1; i < values.length; i++) {
      if (Math.abs(values[i] - value) < Math.abs(values[nearest] - value)) nearest = i;
    }
    if (input.value !== String(nearest)) input.value = nearest;
    write(output, text(value));
    input.setAttribute("aria-valuetext", text(value));
    input.dataset.value = value;
  };
  return { element: h("div", { class: "ol-control" }, h("label", { for: key }, label), output, input), input, show };
}

/** A labelled checkbox. */
export function toggle({ label, change }) {
  const input = h("input", { type: "checkbox" });
  input.addEventListener("change", () => change(input.checked));
  return {
    element: h("label", { class: "ol-toggle" }, input, h("span", {}, label)),
    input,
    show: (on) => (input.checked = on),
  };
}

/** A labelled choice among a few texts. */
export function choice({ label, options, change }) {
  const key = id("choice");
  const select = h(
    "select",
    { id: key },
    options.map(([value, text]) => h("option", { value }, text)),
  );
  select.addEventListener("change", () => change(select.value));
  return {
    element: h("div", { class: "ol-control" }, h("label", { for: key }, label), select),
    input: select,
    show: (value) => (select.value = value),
  };
}

/** Where a site has its pages, by name, and the places on them, by anchor; in a notebook there are none. */
export function places() {
  const found = document.getElementById("ol-places");
  return found ? JSON.parse(found.textContent) : { anchors: {}, pages: {} };
}
