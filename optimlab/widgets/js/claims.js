// All claims of the notes: searched and filtered in the browser, drawn as far as one reads.

import "./claims.css";
import { choice, h, id, oncePerFrame, places, write } from "./dom.js";

const PORTION = 25; // claims that are drawn at a time
const LABELS = { note: "Notes", chapter: "Chapter", status: "Status" };
const MARKS = { true: "✓", misleading: "≈", contradictory: "≠", false: "✗", empirical: "±" };
const LOOKS = { true: "agrees", misleading: "near", contradictory: "near", false: "wrong", empirical: "unchecked" };

/** A status with its sign and its word. */
const statusTag = (status, text = status) =>
  h("span", { class: `ol-verdict ol-${LOOKS[status]}`, "data-status": status }, `${MARKS[status]} ${text}`);

export function claims({ model, el }) {
  const spec = model.get("spec");
  const heading = id("title");
  const put = (name, value) => {
    model.set(name, value);
    model.save_changes();
  };
  const statuses = spec.options.status;
  const { pages } = places();
  const columns = Object.entries(spec.claims);
  const all = spec.claims.id.map((_, i) => Object.fromEntries(columns.map(([name, values]) => [name, values[i]])));
  // By the number of the check; each stands beside the first claim that it decides.
  const findings = Object.fromEntries(all.filter((one) => one.finding).map((one) => [one.check, one.finding]));
  for (const one of all) {
    // A claim that says the same as another has its reason from there.
    const first = one.same < 0 ? one : all[one.same];
    Object.assign(one, { why: first.why, undecided: first.undecided, first });
    one.facts = Object.fromEntries(Object.keys(LABELS).map((name) => [name, spec.options[name][one[name]]]));
    one.text = [one.id, one.claim, one.why, one.undecided].join(" ").toLowerCase();
  }

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
  const list = h("ul", { class: "ol-claims", role: "list" });
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
      list,
      more,
    ),
  );

  function treated({ page, heading: part }) {
    const name = spec.pages[page];
    if (!pages[name]) return `In chapter ${Number.parseInt(name)}.`;
    const [href, title] = pages[name];
    return h("a", { href: part ? `${href}#${part}` : href }, title);
  }

  function details({ id: key, check }) {
    const finding = findings[check];
    return h(
      "details",
      { class: "ol-details" },
      h("summary", {}, "What the check found"),
      h("p", {}, finding ? `Measured: ${finding}.` : "It was not run for this page."),
      h("p", {}, "Run it yourself and see its code: ", h("code", {}, `python -m optimlab.claims --check --code ${key}`)),
    );
  }

  function row(one) {
    const { facts, first } = one;
    return h(
      "li",
      { "data-claim": one.id },
      h("p", { class: "ol-claim" }, statusTag(facts.status), ` ${one.claim}`),
      first === one ? null : h("p", {}, `Says the same as: ${first.claim}`),
      one.why ? h("p", {}, one.why) : null,
      one.undecided ? h("p", {}, `Undecided: ${one.undecided}`) : null,
      one.check < 0 ? null : details(one),
      h(
        "p",
        { class: "ol-source" },
        `${facts.note}, ${facts.chapter}. `,
        treated(one),
        one.reference ? ` Source: ${one.reference}.` : "",
      ),
    );
  }

  let found = [];
  let drawn = 0;

  function extend() {
    list.append(...found.slice(drawn, drawn + PORTION).map(row));
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
    found = all.filter(
      ({ text, facts }) =>
        wanted.every((name) => facts[name] === model.get(name)) && words.every((word) => text.includes(word)),
    );
    const tallies = statuses.map((status) => [status, found.filter(({ facts }) => facts.status === status).length]);
    count.replaceChildren(
      `${found.length} of ${all.length} claims: `,
      ...tallies.filter(([, n]) => n).map(([status, n]) => statusTag(status, `${status}: ${n}`)),
    );
    list.replaceChildren();
    drawn = 0;
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
