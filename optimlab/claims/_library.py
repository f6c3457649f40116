"""Finding claims and their checks, and running the checks."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable
from pathlib import Path

from .._memory import remembered
from ..formula import closest
from ._files import CHAPTERS, Claim, ClaimError, read_checks, read_claims

FOLDER = Path(__file__).parent


def load(chapter: str | None = None) -> dict[str, Claim]:
    """Return the claims of the notes by id.

    Parameters
    ----------
    chapter : str, optional
        Only those of one chapter, such as ``"ewa"``; without it, all in the order of the course.

    Returns
    -------
    dict of str to Claim

    Raises
    ------
    ClaimError
        If there is no such chapter, or a data file is invalid.
    """
    if chapter is None:
        return dict(_everything())
    if chapter not in _chapters():
        raise ClaimError(
            f"there are no claims of the chapter {chapter!r}{closest(chapter, _chapters())}; "
            f"known are {', '.join(_chapters())}"
        )
    found = _read(chapter)
    # The other files are read only if a claim here says the same as one there.
    alone = all(claim.same_as in ("", *found) for claim in found.values())
    together({chapter: found} if alone else {name: _read(name) for name in _chapters()})
    return dict(found)


def get(identity: str) -> Claim:
    """Return one claim.

    Parameters
    ----------
    identity : str
        Its id, such as ``"ewa-late-negligible"``.

    Raises
    ------
    ClaimError
        If there is none; the message gives the nearest id.
    """
    for chapter in _chapters():
        if identity in _read(chapter):
            return _read(chapter)[identity]
    raise ClaimError(f"there is no claim {identity!r}{closest(identity, _everything())}")


def checks(chapter: str | None = None) -> dict[str, Callable[[], str]]:
    """Return the checks: functions that assert a finding and return it as a sentence.

    Parameters
    ----------
    chapter : str, optional
        Only those of one chapter.

    Returns
    -------
    dict of str to callable
        By chapter and function, such as ``"ewa.late_correction"``.
    """
    load(chapter)
    chapters = _chapters() if chapter is None else (chapter,)
    names = [(name, key) for name in chapters for key in read_checks(FOLDER / f"{name}.py")]
    return {f"{name}.{key}": getattr(_module(name), key) for name, key in names}


def find(name: str) -> Callable[[], str]:
    """Return the check of a name such as ``"ewa.late_correction"``."""
    chapter, _, key = name.partition(".")
    return getattr(_module(chapter), key)


def findings(chapter: str | None = None) -> dict[str, str]:
    """Run the checks, each once, and return what they found.

    Parameters
    ----------
    chapter : str, optional
        Only those of one chapter.

    Returns
    -------
    dict of str to str
        The sentence of every check, by the names of `checks`.

    Raises
    ------
    AssertionError
        If a finding does not hold; the message starts with the name of the check.
    """
    return {name: remembered(f"finding {name}", lambda name=name: run(name)) for name in checks(chapter)}


def run(name: str) -> str:
    """Run one check and return its sentence; whatever goes wrong becomes an AssertionError with its name."""
    try:
        sentence = find(name)()
    except Exception as error:
        raise AssertionError(f"{name}: {type(error).__name__}: {error}".rstrip(": ")) from error
    if not isinstance(sentence, str) or not sentence.strip() or "\n" in sentence:
        raise AssertionError(f"{name}: returned {sentence!r}; expected one sentence with what it measured")
    return sentence


def _module(chapter: str):
    return importlib.import_module(f"{__package__}.{chapter}")


def _chapters() -> tuple[str, ...]:
    return tuple(chapter for chapter in CHAPTERS if (FOLDER / f"{chapter}.yaml").is_file())


@functools.cache
def _read(chapter: str) -> dict[str, Claim]:
    return read_claims(FOLDER / f"{chapter}.yaml")


@functools.cache
def _everything() -> dict[str, Claim]:
    return together({chapter: _read(chapter) for chapter in _chapters()})


def together(chapters: dict[str, dict[str, Claim]]) -> dict[str, Claim]:
    """Put chapters together; every id is there once, and every `same_as` names a first claim."""
    found: dict[str, Claim] = {}
    for chapter, claims in chapters.items():
        if twice := [identity for identity in claims if identity in found]:
            raise ClaimError(
                f"{chapter}.yaml: claim {twice[0]!r}: id: stands in {found[twice[0]].chapter}.yaml too; "
                "give each claim its own"
            )
        found |= claims
    for claim in found.values():
        if claim.same_as and (claim.same_as not in found or found[claim.same_as].same_as):
            first = [other.id for other in found.values() if not other.same_as]
            raise ClaimError(
                f"{claim.chapter}.yaml: claim {claim.id!r}: same_as: got {claim.same_as!r}"
                f"{closest(claim.same_as, first)}; expected the id of a claim that is no duplicate itself"
            )
    return found
