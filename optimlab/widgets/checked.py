"""Everything that the notes print, judged: one table to search and filter."""

from __future__ import annotations

from html import escape

import traitlets

from .. import walkthroughs
from ..format import table
from ..formula import closest
from ..walkthroughs._tables import computed as shown
from ._base import Widget

VERDICTS = ("agrees", "near", "wrong", "unchecked")
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
KEYS = ("note", "chapter", "origin", "verdict")


class CheckedNotes(Widget):
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

    query = traitlets.Unicode().tag(sync=True)
    note = traitlets.Unicode().tag(sync=True)
    chapter = traitlets.Unicode().tag(sync=True)
    origin = traitlets.Unicode().tag(sync=True)
    verdict = traitlets.Unicode().tag(sync=True)
    links = traitlets.Bool(True, read_only=True, help="rows lead to the widgets of other pages").tag(
        sync=True
    )

    def __init__(self, **state):
        order = {chapter: i for i, chapter in enumerate(CHAPTERS)}
        examples = sorted(walkthroughs.load().values(), key=lambda e: order.get(e.chapter, len(order)))
        self._values = [(example, value) for example in examples for value in example.values]
        options = {
            "note": sorted({example.note for example in examples}),
            "chapter": list(dict.fromkeys(example.chapter for example in examples)),
            "origin": list(dict.fromkeys(example.kind for example in examples)),
            "verdict": list(VERDICTS),
        }
        number = {example.id: i for i, example in enumerate(examples)}
        # One list per value instead of names repeated two thousand times.
        values = [
            [number[e.id], v.row, v.name, v.line, v.printed, shown(v), VERDICTS.index(v.verdict), v.why]
            for e, v in self._values
        ]
        spec = {
            "title": "Every printed value, judged",
            "examples": [[e.id, e.title, e.note, e.chapter, e.kind] for e in examples],
            "options": options,
            "values": values,
        }
        self._options = options
        # The state comes last: the check of a choice needs the options.
        super().__init__(kind="checked", spec=spec, min_height="48rem", **state)

    @traitlets.validate(*KEYS)
    def _check_choice(self, proposal):
        known, value = self._options[proposal["trait"].name], proposal["value"]
        if value and value not in known:
            raise traitlets.TraitError(
                f"there is no {proposal['trait'].name} {value!r}{closest(value, known)}; "
                f"known are {', '.join(known)}"
            )
        return value

    @property
    def selected(self) -> list[walkthroughs.Judged]:
        """The values that the filters let through, in the order of the notes."""
        words = self.query.casefold().split()

        def passes(example, value) -> bool:
            text = " ".join(
                [example.id, example.title, value.row, value.name, value.printed, shown(value), value.why]
            ).casefold()
            facts = {
                "note": example.note,
                "chapter": example.chapter,
                "origin": example.kind,
                "verdict": value.verdict,
            }
            return all(word in text for word in words) and all(
                getattr(self, key) in ("", fact) for key, fact in facts.items()
            )

        return [value for example, value in self._values if passes(example, value)]

    def totals(self, by: str = "chapter") -> list[list]:
        """Return the counts of values and verdicts, one row per note or chapter, and a row of sums."""
        if by not in ("note", "chapter"):
            raise ValueError(f"got by={by!r}; expected 'note' or 'chapter'")
        rows = []
        for group in [*self._options[by], None]:
            verdicts = [v.verdict for e, v in self._values if group is None or getattr(e, by) == group]
            rows.append([group or "all", len(verdicts), *(verdicts.count(verdict) for verdict in VERDICTS)])
        return rows

    def text(self) -> str:
        """Return the totals by chapter as a text table."""
        return table(["chapter", "values", *VERDICTS], self.totals())

    def html(self) -> str:
        """Return the totals by chapter and the counts of every worked example as HTML tables."""
        head = "".join(f'<th scope="col">{name}</th>' for name in ("values", *VERDICTS))

        def row(name: str, counts: list[int]) -> str:
            cells = "".join(f"<td>{count}</td>" for count in counts)
            return f'<tr><th scope="row">{escape(name)}</th>{cells}</tr>'

        totals = "".join(row(name, counts) for name, *counts in self.totals())
        examples = "".join(
            row(f"{e.title} ({e.note})", [len(e.values), *e.counts.values()])
            for e in dict.fromkeys(e for e, _ in self._values)
        )
        return "".join(
            f'<table><caption>{caption}</caption><thead><tr><th scope="col">{first}</th>{head}</tr></thead>'
            f"<tbody>{body}</tbody></table>"
            for caption, first, body in (
                ("Verdicts by chapter", "chapter", totals),
                ("Verdicts by worked example", "example", examples),
            )
        )
