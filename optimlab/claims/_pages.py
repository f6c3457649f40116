"""Whether what the claims refer to exists: headings of the pages, keys of the bibliography."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable
from pathlib import Path

from ..formula import closest
from ._files import Claim, ClaimError


def address(heading: str) -> str:
    """Return the address of a heading within its page, as Sphinx makes it.

    >>> address("Four values of β, one convention")
    'four-values-of-one-convention'
    """
    text = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading)  # a link counts with its text
    text = unicodedata.normalize("NFKD", text.lower()).encode("ascii", "ignore").decode()
    text = re.sub(r"[`*$]", "", text)  # marks of code, emphasis and mathematics
    return re.sub(r"^[-0-9]+|-+$", "", re.sub(r"[^a-z0-9]+", "-", text))


def headings(notebook: Path) -> list[str]:
    """Return the addresses of a page's headings.

    Raises
    ------
    ClaimError
        If the file is not a notebook.
    """
    try:
        cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
        texts = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ClaimError(f"{notebook}: not a notebook: {error!r}") from error
    return [address(found) for text in texts for found in re.findall(r"^#{1,6} +(.*)$", text, re.MULTILINE)]


def misplaced(claims: Iterable[Claim], folder: Path) -> list[str]:
    """Return one message per claim whose page is there but lacks the heading."""
    known: dict[str, list[str]] = {}
    problems = []
    for claim in claims:
        page, _, heading = claim.place.partition("#")
        file = folder / f"{page}.ipynb"
        if not heading or not file.is_file():
            continue
        if page not in known:
            known[page] = headings(file)
        if heading not in known[page]:
            problems.append(
                f"{claim.chapter}.yaml: claim {claim.id!r}: place: {file} has no heading {heading!r}"
                f"{closest(heading, known[page])}; it has {', '.join(known[page])}"
            )
    return problems


def unknown_references(claims: Iterable[Claim], bibliography: Path) -> list[str]:
    """Return one message per reference that the bibliography does not have."""
    known = re.findall(r"^\s*@\w+\s*\{\s*([^\s,]+)", bibliography.read_text(encoding="utf-8"), re.MULTILINE)
    return [
        f"{claim.chapter}.yaml: claim {claim.id!r}: reference: {bibliography} has no {key!r}"
        f"{closest(key, known)}"
        for claim in claims
        for key in claim.reference
        if key not in known
    ]
