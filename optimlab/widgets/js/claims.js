// All claims of the notes, with what became of them.

import "./claims.css";
import { h, places } from "./dom.js";
import { counts, listing } from "./listing.js";

const LABELS = { note: "Notes", chapter: "Chapter", status: "Status" };
const MARKS = { true: "✓", misleading: "≈", contradictory: "≠", false: "✗", empirical: "±" };
const LOOKS = { true: "agrees", misleading: "near", contradictory: "near", false: "wrong", empirical: "unchecked" };

/** A status with its sign and its word. */
const statusTag = (status, text = status) =>
  h("span", { class: `ol-verdict ol-${LOOKS[status]}`, "data-status": status }, `${MARKS[status]} ${text}`);

export function claims({ model, el, spec }) {
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
    one.text = [one.id, one.claim, one.why, one.undecided].join(" ");
  }

  function treated({ page, heading: part }) {
    const name = spec.pages[page];
    if (!pages[name]) return `In chapter ${Number.parseInt(name)}.`;
    const [href, title] = pages[name];
    return h("a", { href: part ? `${href}#${part}` : href }, title);
  }

  /** The papers, by the keys of the bibliography: `kingma2015adam` is Kingma 2015. */
  function sources(keys) {
    if (!keys) return null;
    const named = keys.replace(/([a-z])([a-z]*)(\d{4})\w*/g, (_, first, rest, year) => `${first.toUpperCase()}${rest} ${year}`);
    return [" Source: ", pages.references ? h("a", { href: pages.references[0] }, named) : named, "."];
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
        sources(one.reference),
      ),
    );
  }

  const list = h("ul", { class: "ol-claims", role: "list" });
  return listing({
    model,
    el,
    spec,
    rows: all,
    labels: LABELS,
    tally: (found) => [
      `${found.length} of ${all.length} claims`,
      counts(found, "status", spec.options.status, statusTag),
    ],
    body: list,
    clear: () => list.replaceChildren(),
    add: (rows) => list.append(...rows.map(row)),
  });
}
