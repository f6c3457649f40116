// Judged figures as a table, the same in every widget that shows them.

import { h } from "./dom.js";

export const MARKS = { agrees: "✓", near: "≈", wrong: "✗", unchecked: "?" };

/** A verdict with its sign and its word. */
export const verdictTag = (verdict, text = verdict) =>
  h("span", { class: `ol-verdict ol-${verdict}` }, `${MARKS[verdict]} ${text}`);

/** A box that scrolls sideways by itself, reachable by keyboard. */
export function scrolling(label, table) {
  return h("div", { class: "ol-scroll", role: "region", tabindex: 0, "aria-label": label }, table);
}

/**
 * A table of judged figures.
 * On a narrow screen every row becomes a small card; the roles keep it a table for screen readers.
 * @returns {{ table, show(values), add(values) }} with values = [{ row, name, printed, computed, shown, verdict, why }],
 * and with `group` where rows belong to different examples: its name stands once above them, and it and the
 * quantities lead to `href`
 */
export function judgedTable() {
  const column = (text, numbers) =>
    h("th", { scope: "col", role: "columnheader", class: numbers && "ol-number" }, text);
  const head = [
    column("row"),
    column("quantity"),
    column("printed", true),
    column("computed", true),
    column("verdict"),
    column("reason"),
  ];
  const table = h(
    "table",
    { class: "ol-judged", role: "table" },
    h("thead", { role: "rowgroup" }, h("tr", { role: "row" }, head)),
  );
  const cell = (kind, attributes, ...content) =>
    h("td", { role: "cell", ...attributes, class: `ol-${kind} ${attributes.class ?? ""}` }, ...content);
  let last = {};

  function add(values) {
    for (const { group, href, row, name, printed, computed, shown, verdict, why } of values) {
      // The label of a row stands once; every further figure of the row follows under it.
      const first = row !== last.row || group !== last.group;
      if (first) table.append(h("tbody", { role: "rowgroup" }));
      if (group !== last.group) {
        const heading = h("th", { scope: "rowgroup", role: "rowheader", colspan: 6, class: "ol-group" }, href ? h("a", { href }, group) : group);
        table.lastChild.append(h("tr", { role: "row" }, heading));
      }
      last = { group, row };
      const label = { scope: "row", role: "rowheader" };
      table.lastChild.append(
        h(
          "tr",
          { role: "row" },
          h("th", label, first ? row : h("span", { class: "ol-hidden" }, row)),
          cell("quantity", {}, href ? h("a", { href }, name) : name),
          cell("theirs", { class: "ol-number" }, printed),
          cell("ours", { class: "ol-number", "data-value": computed ?? "" }, shown),
          cell("judgment", {}, verdictTag(verdict)),
          cell("reason", {}, why ?? ""),
        ),
      );
    }
  }

  function show(values) {
    for (const body of [...table.tBodies]) body.remove();
    last = {};
    add(values);
  }
  return { table, show, add };
}
