// A long list to search and filter, drawn as far as one reads.

import { choice, h, id, oncePerFrame, write } from "./dom.js";

const PORTION = 25; // rows that are drawn at a time

/**
 * Show `rows`, each with its `facts` by name and its `text` to search.
 * `labels` are the choices by the name of the fact, `tally(found)` says what was found and its counts, `body` is what
 * `clear()` empties and `add(rows)` extends. Returns what stops it.
 */
export function listing({ model, el, spec, rows, labels, tally, body, clear, add }) {
  const heading = id("title");
  const put = (name, value) => {
    model.set(name, value);
    model.save_changes();
  };
  const searchKey = id("search");
  const search = h("input", { type: "search", id: searchKey, input: () => put("query", search.value) });
  const choices = Object.entries(labels).map(([name, label]) => [
    name,
    choice({
      label,
      options: [["", "all"], ...spec.options[name].map((value) => [value, value])],
      change: (value) => put(name, value),
    }),
  ]);
  const count = h("p", { class: "ol-tally", role: "status" });
  const more = h("button", { type: "button", click: () => extend() }, "");
  el.replaceChildren(
    h(
      "section",
      { class: "ol", "aria-labelledby": heading },
      h("p", { class: "ol-title", id: heading }, spec.title),
      h(
        "div",
        { class: "ol-controls" },
        h("div", { class: "ol-control" }, h("label", { for: searchKey }, "Search"), search),
        choices.map(([, control]) => control.element),
      ),
      count,
      body,
      more,
    ),
  );

  const texts = new Map(rows.map((row) => [row, plain(row.text)]));
  let found = [];
  let drawn = 0;

  function extend() {
    add(found.slice(drawn, drawn + PORTION));
    drawn = Math.min(drawn + PORTION, found.length);
    more.hidden = drawn >= found.length;
    write(more, `Show ${Math.min(PORTION, found.length - drawn)} more`);
  }

  function draw() {
    const query = model.get("query");
    const words = plain(query).split(/\s+/).filter(Boolean);
    const wanted = Object.keys(labels).filter((name) => model.get(name));
    if (search.value !== query) search.value = query;
    for (const [name, control] of choices) control.show(model.get(name));
    found = rows.filter(
      (row) =>
        wanted.every((name) => row.facts[name] === model.get(name)) &&
        words.every((word) => texts.get(row).includes(word)),
    );
    const [summary, parts] = tally(found);
    count.replaceChildren(
      ...(found.length ? [`${summary}: `, ...parts] : [`${summary}. Nothing has all these words and choices.`]),
    );
    clear();
    drawn = 0;
    extend();
  }

  const soon = oncePerFrame(draw);
  const traits = ["query", ...Object.keys(labels)];
  for (const name of traits) model.on(`change:${name}`, soon);
  draw();
  return () => {
    for (const name of traits) model.off(`change:${name}`, soon);
  };
}

/** Text as one types it: in lower case, with the signs for minus, dashes and quotation marks of a keyboard. */
const plain = (text) =>
  text
    .toLowerCase()
    .replace(/[‐-―−]/g, "-")
    .replace(/[‘’]/g, "'")
    .replace(/[“”]/g, '"');

/** Each of `kinds` that is among the facts called `name` of the rows, as `tag(kind, text)` with its number. */
export const counts = (rows, name, kinds, tag) =>
  kinds
    .map((kind) => [kind, rows.filter(({ facts }) => facts[name] === kind).length])
    .filter(([, n]) => n)
    .map(([kind, n]) => tag(kind, `${kind}: ${n}`));
