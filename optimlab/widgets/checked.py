"""Everything that the notes print, judged: one table to search and filter."""

from __future__ import annotations

from .. import walkthroughs
from ..walkthroughs._files import VERDICTS
from ..walkthroughs._tables import computed as shown
from ._listing import Choice, Listing, Row

# In the order of the course.
CHAPTERS = (
    "landscapes",
    "minibatch",
    "ewa",
    "momentum",
    "adaptive",
    "rmsprop",
    "adam",
    "variants",
    "schedules",
    "practice",
)


class CheckedNotes(Listing):
    """All printed values of the notes with the computed value, the verdict and the reason.

    Parameters
    ----------
    **state
        Any of the attributes below.

    Attributes
    ----------
    query : str
        Words that a row must contain, in any order, upper or lower case.
    note, chapter, origin, verdict : str
        What a row must be; empty for all. The origin says how the figure came into the notes:
        hand-worked, the output of a program, or a comparison of figures.

    Raises
    ------
    traitlets.TraitError
        For a note, chapter, origin or verdict that there is not.
    """

    counted = "verdict"
    noun = "values"

    origin = Choice().tag(sync=True)
    verdict = Choice().tag(sync=True)

    def __init__(self, **state):
        order = {chapter: i for i, chapter in enumerate(CHAPTERS)}
        self._examples = sorted(walkthroughs.load().values(), key=lambda e: order.get(e.chapter, len(order)))
        options = {
            "note": sorted({example.note for example in self._examples}),
            "chapter": list(dict.fromkeys(example.chapter for example in self._examples)),
            "origin": list(dict.fromkeys(example.kind for example in self._examples)),
            "verdict": VERDICTS,
        }
        # One list per value instead of names repeated two thousand times.
        values = [
            [i, v.row, v.name, v.line, v.printed, shown(v), VERDICTS.index(v.verdict), v.why]
            for i, example in enumerate(self._examples)
            for v in example.values
        ]
        spec = {
            "title": "Every printed value, judged",
            "examples": [[e.id, e.title, e.note, e.chapter, e.kind] for e in self._examples],
            "values": values,
        }
        rows = [_row(example, value) for example in self._examples for value in example.values]
        super().__init__(rows, options, spec, kind="checked", **state)

    def html(self) -> str:
        """Return the totals by chapter and the counts of every worked example as HTML tables."""
        examples = [
            [f"{e.title} ({e.note})", len(e.values), *(e.counts[name] for name in VERDICTS)]
            for e in self._examples
        ]
        return self._tables(
            ("Verdicts by chapter", "chapter", self.totals()),
            ("Verdicts by worked example", "example", examples),
        )


def _row(example: walkthroughs.Walkthrough, value: walkthroughs.Judged) -> Row:
    words = [example.id, example.title, value.row, value.name, value.printed, shown(value), value.why]
    facts = {
        "note": example.note,
        "chapter": example.chapter,
        "origin": example.kind,
        "verdict": value.verdict,
    }
    return Row(value, facts, " ".join(words))
