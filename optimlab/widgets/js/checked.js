// All printed values of the notes: searched and filtered in the browser, drawn as far as one reads.

import { choice, h, id, oncePerFrame, places, write } from "./dom.js";
import { judgedTable, scrolling, verdictTag } from "./verdicts.js";

const PORTION = 25; // rows that are drawn at a time
const LABELS = { note: "Notes", chapter: "Chapter", origin: "Origin", verdict: "Verdict" };

export function checked({ model, el }) {
  const spec = model.get("spec");
  const heading = id("title");
  const put = (name, value) => {
    model.set(name, value);
    model.save_changes();
  };
  const verdicts = spec.options.verdict;
  const { anchors } = places();
  const rows = spec.values.map(([example, row, name, line, printed, shown, verdict, why]) => {
    const [key, title, note, chapter, origin] = spec.examples[example];
    return {
      group: `${title} (${note})`,
      href: anchors[`example-${key}`],
      row,
      name,
      printed,
      shown,
      verdict: verdicts[verdict],
      why: [`Line ${line}.`, why].filter(Boolean).join(" "),
      facts: { note, chapter, origin, verdict: verdicts[verdict] },
      text: [key, title, row, name, printed, shown, why].join(" ").toLowerCase(),
    };
  });

  const searchKey = id("search");
  const search = h("input", { type: "search", id: searchKey, input: () => put("query", search.value) });
  const choices = Object.entries(LABELS).map(([name, label]) => [
    name,
    choice({
      label,
      options: [["", "all"], ...spec.options[name].map((value) => [value, value])],
      change: (value) => put(name, value),
    }),
  ]);
  const count = h("p", { class: "ol-tally", role: "status" });
  const { table, show, add } = judgedTable();
  const more = h("button", { type: "button", click: () => extend() }, "");
  el.replaceChildren(
    h(
      "section",
      { class: "ol ol-checked", "aria-labelledby": heading },
      h("p", { class: "ol-title", id: heading }, spec.title),
      h(
        "div",
        { class: "ol-controls" },
        h("div", { class: "ol-control" }, h("label", { for: searchKey }, "Search"), search),
        choices.map(([, control]) => control.element),
      ),
      count,
      scrolling(spec.title, table),
      more,
    ),
  );

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
    const words = query.toLowerCase().split(/\s+/).filter(Boolean);
    const wanted = Object.keys(LABELS).filter((name) => model.get(name));
    if (search.value !== query) search.value = query;
    for (const [name, control] of choices) control.show(model.get(name));
    found = rows.filter(
      ({ text, facts }) =>
        wanted.every((name) => facts[name] === model.get(name)) && words.every((word) => text.includes(word)),
    );
    const tallies = verdicts.map((verdict) => [verdict, found.filter((row) => row.verdict === verdict).length]);
    count.replaceChildren(
      `${found.length} of ${rows.length} printed values: `,
      ...tallies.filter(([, n]) => n).map(([verdict, n]) => verdictTag(verdict, `${verdict}: ${n}`)),
    );
    drawn = 0;
    show([]);
    extend();
  }

  const soon = oncePerFrame(draw);
  const traits = ["query", ...Object.keys(LABELS)];
  for (const name of traits) model.on(`change:${name}`, soon);
  draw();
  return () => {
    for (const name of traits) model.off(`change:${name}`, soon);
  };
}
