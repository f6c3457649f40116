"""Everything that the notes claim, tested: one list to search and filter."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

import traitlets

from .. import claims
from ..claims import CHAPTERS, PLACES, STATUSES, Claim
from ..format import table
from ..formula import closest
from ._base import Widget

KEYS = ("note", "chapter", "status")


class CheckedClaims(Widget):
    """All claims of the notes with what became of them, the reason, and what the checks found.

    Parameters
    ----------
    findings : mapping of str to str, optional
        What the checks found, by the name of the check: what `optimlab.claims.findings` returns. The widget
        runs none of them itself.
    **state
        Any of the attributes below.

    Attributes
    ----------
    query : str
        Words that a claim, its reason or its id must contain, in any order, upper or lower case.
    note, chapter, status : str
        What a claim must be; empty for all.

    Raises
    ------
    ValueError
        For a finding of a check that there is not.
    traitlets.TraitError
        For a note, chapter or status that there is not.
    """

    query = traitlets.Unicode().tag(sync=True)
    note = traitlets.Unicode().tag(sync=True)
    chapter = traitlets.Unicode().tag(sync=True)
    status = traitlets.Unicode().tag(sync=True)
    links = traitlets.Bool(True, read_only=True, help="rows lead to other pages").tag(sync=True)

    def __init__(self, findings: Mapping[str, str] | None = None, **state):
        self._claims = list(claims.load().values())
        names = list(dict.fromkeys(claim.checked_by for claim in self._claims if claim.checked_by))
        for name in findings or {}:
            if name not in names:
                raise ValueError(f"findings has {name!r}, which is no check{closest(name, names)}")
        self._options = {
            "note": sorted({claim.note for claim in self._claims}),
            "chapter": [name for name in CHAPTERS if any(c.chapter == name for c in self._claims)],
            "status": list(STATUSES),
        }
        spec = {
            "title": "Every claim, tested",
            "options": self._options,
            "pages": list(PLACES),
            "claims": self._columns(names, dict(findings or {})),
        }
        # The state comes last: the check of a choice needs the options.
        super().__init__(kind="claims", spec=spec, min_height="48rem", **state)

    def _columns(self, names: list[str], findings: dict[str, str]) -> dict[str, list]:
        # The page has to carry all of it. Packed, it is smallest with one list per column, numbers for what
        # repeats, and what a check found only beside the first claim that it decides.
        at = {claim.id: i for i, claim in enumerate(self._claims)}
        columns: dict[str, list] = {}
        for claim in self._claims:
            page, _, heading = claim.place.partition("#")
            values = {
                "id": claim.id,
                "claim": claim.claim,
                "why": claim.why,
                "undecided": claim.undecided,
                "finding": findings.pop(claim.checked_by, ""),
                **{key: self._options[key].index(getattr(claim, key)) for key in KEYS},
                "same": at[claim.same_as] if claim.same_as else -1,
                "check": names.index(claim.checked_by) if claim.checked_by else -1,
                "page": PLACES.index(page),
                "heading": heading,
                "reference": ", ".join(claim.reference),
            }
            for name, value in values.items():
                columns.setdefault(name, []).append(value)
        return columns

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
    def selected(self) -> list[Claim]:
        """The claims that the filters let through, in the order of the course."""
        words = self.query.casefold().split()

        def passes(claim: Claim) -> bool:
            first = claim.original
            text = " ".join([claim.id, claim.claim, first.why, first.undecided]).casefold()
            return all(word in text for word in words) and all(
                getattr(self, key) in ("", getattr(claim, key)) for key in KEYS
            )

        return [claim for claim in self._claims if passes(claim)]

    def totals(self, by: str = "chapter") -> list[list]:
        """Return the counts of claims and of each status, one row per note or chapter, and a row of sums."""
        if by not in ("note", "chapter"):
            raise ValueError(f"got by={by!r}; expected 'note' or 'chapter'")
        rows = []
        for group in [*self._options[by], None]:
            found = [c.status for c in self._claims if group is None or getattr(c, by) == group]
            rows.append([group or "all", len(found), *(found.count(status) for status in STATUSES)])
        return rows

    def text(self) -> str:
        """Return the totals by chapter as a text table."""
        return table(["chapter", "claims", *STATUSES], self.totals())

    def html(self) -> str:
        """Return the totals by chapter and by set of notes as HTML tables."""
        head = "".join(f'<th scope="col">{name}</th>' for name in ("claims", *STATUSES))

        def row(name: str, counts: list[int]) -> str:
            cells = "".join(f"<td>{count}</td>" for count in counts)
            return f'<tr><th scope="row">{escape(name)}</th>{cells}</tr>'

        return "".join(
            f'<table><caption>{caption}</caption><thead><tr><th scope="col">{first}</th>{head}</tr></thead>'
            f"<tbody>{''.join(row(name, counts) for name, *counts in self.totals(by))}</tbody></table>"
            for caption, first, by in (
                ("Claims by chapter", "chapter", "chapter"),
                ("Claims by set of notes", "notes", "note"),
            )
        )
