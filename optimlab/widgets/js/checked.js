// All printed values of the notes, judged.

import { places } from "./dom.js";
import { counts, listing } from "./listing.js";
import { judgedTable, scrolling, verdictTag } from "./verdicts.js";

export function checked({ model, el, spec }) {
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
      text: [key, title, row, name, printed, shown, why].join(" "),
    };
  });
  const { table, show, add } = judgedTable();
  return listing({
    model,
    el,
    spec,
    rows,
    labels: { note: "Notes", chapter: "Chapter", origin: "Origin", verdict: "Verdict" },
    tally: (found) => [
      `${found.length} of ${rows.length} printed values`,
      counts(found, "verdict", verdicts, verdictTag),
    ],
    body: scrolling(spec.title, table),
    clear: () => show([]),
    add,
  });
}
