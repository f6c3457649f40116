"""What the widgets share that list many things to search and filter."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import traitlets

from ..format import table
from ..formula import closest
from ._base import Widget

# The signs for minus, dashes and quotation marks of a keyboard, instead of those in print.
_TYPED = {**dict.fromkeys([*range(0x2010, 0x2016), 0x2212], "-"), **dict.fromkeys(map(ord, "‘’"), "'")}
_TYPED |= dict.fromkeys(map(ord, "“”"), '"')


def _plain(text: str) -> str:
    """Return text as one types it, in lower case."""
    return text.lower().translate(_TYPED)


class Choice(traitlets.Unicode):
    """One of the options that the widget lists under the name of the trait, or empty for all."""

    def validate(self, obj: Listing, value: Any) -> str:
        """Return the value; raise a TraitError that names the nearest option where there is none."""
        value = super().validate(obj, value)
        known = obj._options[self.name]
        if value and value not in known:
            raise traitlets.TraitError(
                f"there is no {self.name} {value!r}{closest(value, known)}; known are {', '.join(known)}"
            )
        return value


@dataclass(frozen=True)
class Row:
    """One thing of a list: what it is, the facts to filter by, and the text to search."""

    item: Any
    facts: Mapping[str, str]
    text: str


class Listing(Widget):
    """Rows to search by words and to filter by facts, and their counts; the page does the same.

    Subclasses add a `Choice` per further fact, and name the fact that is counted.
    """

    counted: str
    noun: str

    query = traitlets.Unicode().tag(sync=True)
    note = Choice().tag(sync=True)
    chapter = Choice().tag(sync=True)
    links = traitlets.Bool(True, read_only=True, help="rows lead to other pages").tag(sync=True)

    def __init__(self, rows: Iterable[Row], options: Mapping[str, Sequence[str]], spec: Mapping, **state):
        self._rows = list(rows)
        self._options = {name: list(known) for name, known in options.items()}
        # The state comes last: the check of a choice needs the options.
        super().__init__(spec={**spec, "options": self._options}, min_height="48rem", **state)

    @property
    def selected(self) -> list:
        """What the search and the filters let through, in the order of the list."""
        words = _plain(self.query).split()
        wanted = {name: getattr(self, name) for name in self._options if getattr(self, name)}
        return [
            row.item
            for row in self._rows
            if all(word in _plain(row.text) for word in words)
            and all(row.facts[name] == value for name, value in wanted.items())
        ]

    def totals(self, by: str = "chapter") -> list[list]:
        """Return how many there are and how many of each kind, a list per note or chapter and one of sums."""
        if by not in ("note", "chapter"):
            raise ValueError(f"got by={by!r}; expected 'note' or 'chapter'")
        groups = {group: [row for row in self._rows if row.facts[by] == group] for group in self._options[by]}
        return [self._count(group, rows) for group, rows in {**groups, "all": self._rows}.items()]

    def _count(self, name: str, rows: Sequence[Row]) -> list:
        found = [row.facts[self.counted] for row in rows]
        return [name, len(found), *(found.count(kind) for kind in self._options[self.counted])]

    def text(self) -> str:
        """Return the totals by chapter as a text table."""
        return table(["chapter", self.noun, *self._options[self.counted]], self.totals())

    def _tables(self, *tables: tuple[str, str, list[list]]) -> str:
        """Return tables of counts as HTML; each is a caption, what its rows are, and the rows."""
        head = "".join(f'<th scope="col">{name}</th>' for name in (self.noun, *self._options[self.counted]))

        def row(name: str, *counts: int) -> str:
            cells = "".join(f"<td>{count}</td>" for count in counts)
            return f'<tr><th scope="row">{escape(name)}</th>{cells}</tr>'

        return "".join(
            f'<table><caption>{caption}</caption><thead><tr><th scope="col">{first}</th>{head}</tr></thead>'
            f"<tbody>{''.join(row(*counts) for counts in rows)}</tbody></table>"
            for caption, first, rows in tables
        )
