// Formulas: MathML from Python, with this step's numbers put in place of the symbols.

import { number } from "./format.js";

const NAMESPACE = "http://www.w3.org/1998/Math/MathML";

function node(tag, ...children) {
  const element = document.createElementNS(NAMESPACE, tag);
  element.append(...children);
  return element;
}

/** A number as MathML: a true minus sign, powers of ten instead of "e-07". */
function numeral(x) {
  const text = number(x);
  if (text.endsWith("nan")) return node("mtext", "undefined");
  if (text.endsWith("inf")) return node("mrow", ...(x < 0 ? [node("mo", "−")] : []), node("mi", "∞"));
  const [mantissa, exponent] = text.replace("-", x < 0 ? "" : "-").split("e");
  const parts = x < 0 ? [node("mo", "−")] : [];
  if (mantissa !== "1" || !exponent) parts.push(node("mn", mantissa));
  if (exponent) {
    if (mantissa !== "1") parts.push(node("mo", "⋅"));
    const power = Number(exponent);
    const above = power < 0 ? node("mrow", node("mo", "−"), node("mn", String(-power))) : node("mn", String(power));
    parts.push(node("msup", node("mn", "10"), above));
  }
  return node("mrow", ...parts);
}

/** The number with parentheses where a bare sign or product would be misread. */
function operand(x, alone) {
  const plain = numeral(x);
  const bare = !number(x).includes("e") && x >= 0;
  return bare || alone ? plain : node("mrow", node("mo", "("), plain, node("mo", ")"));
}

/**
 * The lines of a rule. `show(t, before, now)` rewrites them for a step.
 * @param lines  [{ name, left, right }] as MathML text
 */
export function formula(lines) {
  const element = document.createElement("div");
  element.className = "ol-formula";
  const rows = lines.map(({ name, left, right }) => {
    const row = document.createElement("div");
    row.className = "ol-formula-line";
    element.append(row);
    return { name, left, right, row };
  });

  function math(...parts) {
    const box = document.createElement("span");
    const markup = parts.map((part) => (typeof part === "string" ? part : "")).join("");
    box.innerHTML = `<math displaystyle="true"><mrow>${markup}</mrow></math>`;
    const inner = box.firstChild.firstChild;
    for (const part of parts) if (typeof part !== "string") inner.append(part);
    return box;
  }

  function substitute(markup, before, now) {
    const box = math(markup).firstChild;
    for (const place of [...box.querySelectorAll("[data-name]")]) {
      const values = place.dataset.when === "before" ? before : now;
      const x = values[place.dataset.name];
      const parent = place.parentNode;
      // As a whole numerator, root or first term a negative number needs no parentheses.
      const alone = ["mfrac", "msqrt"].includes(parent.localName);
      place.replaceWith(operand(x, alone));
    }
    for (const times of box.querySelectorAll("[data-times]")) times.textContent = "⋅";
    return box.firstChild;
  }

  /** Draw the lines for step t; at the start there are only symbols. */
  function show(t, before, now) {
    for (const { name, left, right, row } of rows) {
      const symbols = math(`${left}<mo>=</mo>${right}`);
      if (t === 0) {
        row.replaceChildren(symbols);
        continue;
      }
      const numbers = math("<mo>=</mo>", substitute(right, before, now), node("mo", "="), numeral(now[name]));
      numbers.className = "ol-formula-numbers";
      row.replaceChildren(symbols, numbers);
    }
  }
  return { element, show };
}
