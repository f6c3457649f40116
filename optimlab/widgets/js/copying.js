// The exact numbers behind the rounded ones: a table's values as text, to paste into a sheet or a program.

import { h, write } from "./dom.js";

/** Put a text on the clipboard; where that is not allowed, select what shows it. Return which it was. */
export async function toClipboard(text, shown) {
  try {
    await navigator.clipboard.writeText(text);
    return "Copied.";
  } catch {
    getSelection().selectAllChildren(shown);
    return "Selected: copy it with Ctrl+C or ⌘C.";
  }
}

/** The rows of a table with tabs between the cells, every number with all its digits. */
function exact(table) {
  const cell = (one) => one.dataset.value || one.innerText.trim().replace(/\s+/g, " ");
  return [...table.rows].map((row) => [...row.cells].map(cell).join("\t")).join("\n");
}

/** Give every folded box of a widget that has numbers a button that copies them. */
export function copying(el) {
  for (const box of el.querySelectorAll("details.ol-details")) {
    const tables = [...box.querySelectorAll("table")];
    if (!tables.some((table) => table.querySelector("td.ol-number"))) continue;
    const done = h("span", { role: "status" });
    const copy = async () => write(done, await toClipboard(tables.map(exact).join("\n\n"), box));
    box.append(h("p", { class: "ol-copy" }, h("button", { type: "button", click: copy }, "Copy with all digits"), done));
  }
}
