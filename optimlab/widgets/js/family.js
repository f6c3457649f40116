// The family tree of the optimizers: a nested list of buttons, drawn as a tree where there is room.
//
// There is one set of buttons. The style sheet places them over the curves on a wide page, and leaves
// them in their list on a narrow one; only the panel is moved by hand, to what it belongs to.

import "./family.css";
import { h, id, oncePerFrame, places as site, svg, write } from "./dom.js";

const COLUMNS = 7;
const ROW = 58; // in pixels
const SIGNS = { added: "+", removed: "−", changed: "~", same: "" };
const WORDS = { added: "new", removed: "gone", changed: "changed", same: "same" };

/** A curve from one place to another as a path, and its middle; shares of the width, pixels of the height. */
function curve(a, c, b, d) {
  const [x, y] = [(a + b) / 2, (c + d) / 2];
  // It leaves downward; a far one leaves to the side, so that it stays clear of what stands in between.
  const far = Math.abs(b - a) > 0.5;
  const [first, second] = far ? [[x, c], [b, y]] : [[a, y], [b, y]];
  const at = (start, one, two, end) => (start + 3 * one + 3 * two + end) / 8;
  const place = (across, down) => `${1000 * across},${down}`;
  return {
    d: `M${place(a, c)}C${place(...first)} ${place(...second)} ${place(b, d)}`,
    middle: [at(a, first[0], second[0], b), at(c, first[1], second[1], d)],
  };
}

export function family({ model, el, spec }) {
  const { pages } = site();
  const heading = id("title");
  const nodes = new Map(spec.nodes.map((node) => [node.name, node]));
  const steps = new Map(spec.steps.map((step) => [step.name, step]));
  const drawn = spec.steps.filter((step) => nodes.has(step.to));
  const buttons = new Map();
  const choose = (name) => {
    model.set("chosen", name);
    model.save_changes();
  };
  const title = (name) => nodes.get(name)?.title ?? name;
  const across = (name) => (nodes.get(name).place[0] + 0.5) / COLUMNS;
  const down = (name) => (nodes.get(name).place[1] + 0.5) * ROW;

  /** A button that opens a node or a step, put where the tree wants it. */
  function opens(name, x, y, kind, ...content) {
    const button = h("button", { type: "button", class: kind, click: () => choose(name) }, content);
    button.style.setProperty("--x", x);
    button.style.setProperty("--y", `${y}px`);
    buttons.set(name, button);
    return button;
  }

  // Every node stands below the first step that leads to it; its other steps stand with it.
  const places = new Map();
  const list = h("ul");
  const height = spec.rows.length * ROW;
  const curves = svg("svg", { viewBox: `0 0 1000 ${height}`, preserveAspectRatio: "none", "aria-hidden": "true" });
  const paths = new Map();
  for (const node of [...spec.nodes].sort((a, b) => a.place[1] - b.place[1] || a.place[0] - b.place[0])) {
    const leading = drawn.filter((step) => step.to === node.name);
    const item = h("li");
    for (const step of leading) {
      const { d, middle } = curve(across(step.from), down(step.from), across(step.to), down(step.to));
      const label = `${title(step.from)} to ${title(step.to)}: ${step.added}`;
      const button = opens(step.name, ...middle, "ol-edge", h("span", { "aria-hidden": "true" }, "+"), h("span", {}, step.added));
      button.setAttribute("aria-label", label);
      button.title = label;
      item.append(button);
      const path = svg("path", { d });
      paths.set(step.name, path);
      curves.append(path);
    }
    const button = opens(node.name, across(node.name), down(node.name), "ol-node", node.title);
    button.append(h("span", { class: "ol-year" }, ` ${node.year}`));
    const below = h("ul");
    item.append(button, below);
    places.set(node.name, { item, below });
    (leading.length ? places.get(leading[0].from).below : list).append(item);
  }
  for (const { below } of places.values()) if (!below.childNodes.length) below.remove();

  const years = spec.rows.map((text, row) => {
    const year = h("span", { class: "ol-row", "aria-hidden": "true" }, text);
    year.style.setProperty("--y", `${(row + 0.5) * ROW}px`);
    return year;
  });
  const tree = h("div", { class: "ol-family" }, curves, years, list);
  tree.style.setProperty("--height", `${height}px`);
  const readout = h("p", { class: "ol-readout", role: "status" });
  const panel = h("div", { class: "ol-panel", role: "region", tabindex: -1 });
  const root = h(
    "section",
    { class: "ol", "aria-labelledby": heading },
    h("p", { class: "ol-title", id: heading }, spec.title),
    h("p", { class: "ol-caption" }, "Choose an optimizer for its rule, or a + between two for what the later one changed in the formula."),
    readout,
    tree,
    panel,
  );

  const math = (k) => `<math displaystyle="true">${spec.math[k]}</math>`;

  /** One side of a comparison, or a whole rule. */
  function block(caption, lines) {
    const rows = lines.map(([kind, k]) => {
      const line = h("div", { class: `ol-formula-line ol-line-${kind}` });
      line.innerHTML = math(k);
      if (kind !== "rule") {
        const words = h("span", { class: "ol-hidden" }, WORDS[kind]);
        line.prepend(h("span", { class: "ol-sign" }, h("span", { "aria-hidden": "true" }, SIGNS[kind]), words));
      }
      return line;
    });
    const box = { class: "ol-scroll", role: "region", tabindex: 0, "aria-label": caption };
    return [h("p", { class: "ol-caption" }, caption), h("div", box, h("div", { class: "ol-formula" }, rows))];
  }

  const open = (name, text) => h("button", { type: "button", "data-opens": name, click: () => choose(name) }, text);
  const row = (name, ...content) => (content.length ? h("tr", {}, h("th", { scope: "row" }, name), h("td", {}, content)) : null);

  function showStep(step) {
    const [before, after] = [title(step.from), title(step.to)];
    const count = (kind) => step.lines.filter(([one]) => one === kind).length;
    const counts = ["added", "changed", "removed"].map((kind) => `${count(kind)} ${WORDS[kind]}`);
    write(readout, `${before} → ${after}: ${step.added}. Lines: ${counts.join(", ")}.`);
    const side = (place) => step.lines.filter((line) => line[place] !== null).map((line) => [line[0], line[place]]);
    const letters = step.letters && `, in the letters of ${after} (${step.letters})`;
    panel.replaceChildren(...block(`${before}${letters}`, side(1)), ...block(after, side(2)));
  }

  function showNode(node) {
    const [own, shared] = node.state;
    write(readout, `${node.title} (${node.year}). ${node.about}.`);
    const memory = own.length ? `${own.length} ${own.length > 1 ? "numbers" : "number"} per weight: ${own.join(", ")}` : "nothing per weight";
    const once = shared.length ? `; once for all: ${shared.join(", ")}` : "";
    const to = drawn.filter((step) => step.from === node.name);
    const from = drawn.filter((step) => step.to === node.name);
    panel.replaceChildren(
      ...block(`${node.title}: the rule`, node.lines.map((k) => ["rule", k])),
      h(
        "table",
        {},
        h("caption", { class: "ol-hidden" }, `${node.title}: facts`),
        h(
          "tbody",
          {},
          row("source", `${node.year}: ${node.source}`),
          row("defaults here", node.hyper.map(([name, value]) => `${name} = ${value}`).join(", ")),
          row("keeps", memory + once),
          row("in PyTorch", node.torch ? h("code", {}, node.torch) : "not there"),
          row("chapter", ...(pages[node.page] ? [h("a", { href: pages[node.page][0] }, `read about ${node.title}`)] : [])),
          row("came from", ...from.map((step) => open(step.name, title(step.from)))),
          row("led to", ...to.map((step) => open(step.name, title(step.to)))),
          row("variants", ...node.variants.map((name) => open(steps.get(`${node.name} > ${name}`).name, name))),
        ),
      ),
    );
  }

  function draw() {
    const chosen = model.get("chosen");
    const step = steps.get(chosen);
    const inside = panel.contains(root.getRootNode().activeElement);
    if (step) showStep(step);
    else showNode(nodes.get(chosen));
    panel.setAttribute("aria-label", step ? `${title(step.from)} and ${title(step.to)} compared` : title(chosen));
    for (const [name, button] of buttons) {
      const near = name === chosen || (step && (name === step.from || name === step.to));
      button.classList.toggle("ol-near-chosen", Boolean(near));
      button.setAttribute("aria-pressed", name === chosen);
    }
    for (const [name, path] of paths) path.classList.toggle("ol-chosen", name === chosen);
    put();
    if (inside) panel.focus(); // the button that was pressed is gone
  }

  /** On a narrow page the panel opens where its button stands. */
  let narrow = null;
  function put() {
    const chosen = model.get("chosen");
    const button = buttons.get(chosen) ?? buttons.get(steps.get(chosen).from);
    if (narrow && button.nextSibling !== panel) button.after(panel);
    else if (!narrow && panel.parentNode !== root) root.append(panel);
  }

  const soon = oncePerFrame(draw);
  model.on("change:chosen", soon);
  el.replaceChildren(root);
  const observer = new ResizeObserver(() => {
    const now = getComputedStyle(list).display !== "contents";
    if (now === narrow) return;
    narrow = now;
    put();
  });
  observer.observe(tree);
  draw();
  return () => {
    observer.disconnect();
    model.off("change:chosen", soon);
  };
}
