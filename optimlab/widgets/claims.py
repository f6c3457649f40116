"""Everything that the notes claim, tested: one list to search and filter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .. import claims
from ..claims import CHAPTERS, PLACES, STATUSES, Claim
from ..formula import closest
from ._listing import Choice, Listing, Row


class CheckedClaims(Listing):
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

    counted = "status"
    noun = "claims"

    status = Choice().tag(sync=True)

    def __init__(self, findings: Mapping[str, str] | None = None, **state):
        known = list(claims.load().values())
        checks = list(dict.fromkeys(claim.checked_by for claim in known if claim.checked_by))
        if findings is not None and not isinstance(findings, Mapping):
            raise ValueError(
                f"got findings={findings!r}; expected a dict from names of checks to what they found, as "
                "optimlab.claims.findings() returns"
            )
        for name in findings or {}:
            if name not in checks:
                raise ValueError(f"findings has {name!r}, which is no check{closest(name, checks)}")
        options = {
            "note": sorted({claim.note for claim in known}),
            "chapter": [name for name in CHAPTERS if any(claim.chapter == name for claim in known)],
            "status": STATUSES,
        }
        spec = {
            "title": "Every claim, tested",
            "pages": list(PLACES),
            "claims": _columns(known, options, checks, dict(findings or {})),
        }
        super().__init__(map(_row, known), options, spec, kind="claims", **state)

    def html(self) -> str:
        """Return the totals by chapter and by set of notes as HTML tables."""
        return self._tables(
            ("Claims by chapter", "chapter", self.totals()),
            ("Claims by set of notes", "notes", self.totals("note")),
        )


def _row(claim: Claim) -> Row:
    first = claim.original
    facts = {"note": claim.note, "chapter": claim.chapter, "status": claim.status}
    return Row(claim, facts, " ".join([claim.id, claim.claim, first.why, first.undecided]))


def _columns(
    known: list[Claim], options: Mapping[str, Sequence[str]], checks: list[str], findings: dict[str, str]
) -> dict[str, list]:
    # The page has to carry all of it. Packed, it is smallest with one list per column, numbers for what
    # repeats, and what a check found only beside the first claim that it decides.
    at = {claim.id: i for i, claim in enumerate(known)}
    columns: dict[str, list] = {}
    for claim in known:
        page, _, heading = claim.place.partition("#")
        values = {
            "id": claim.id,
            "claim": claim.claim,
            "why": claim.why,
            "undecided": claim.undecided,
            "finding": findings.pop(claim.checked_by, ""),
            **{key: options[key].index(getattr(claim, key)) for key in options},
            "same": at[claim.same_as] if claim.same_as else -1,
            "check": checks.index(claim.checked_by) if claim.checked_by else -1,
            "page": PLACES.index(page),
            "heading": heading,
            "reference": ", ".join(claim.reference),
        }
        for name, value in values.items():
            columns.setdefault(name, []).append(value)
    return columns
