"""What the checks share: the words for their numbers, and the figures that the notes print."""

from __future__ import annotations

from collections.abc import Iterable

from .. import walkthroughs
from ..format import number


def say(values: Iterable[float], digits: int = 3) -> str:
    """Write numbers in a row, rounded to so many significant digits."""
    return ", ".join(number(value, digits) for value in values)


def printed_in(example: str) -> dict[tuple[str, str], float]:
    """Return the figures that the notes print in a worked example, by row and name; nothing is computed."""
    return walkthroughs.get(example).figures
