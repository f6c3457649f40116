"""The one error of this package: a worked example that cannot be used as it stands."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager


class WalkthroughError(ValueError):
    """A data file, an id or an expression that is not valid; the message says where and what to do."""


def nearest(name: str, known: Iterable[str]) -> str:
    """Return what is known, led by the nearest name: the second half of an error message."""
    known = sorted(known)
    close = difflib.get_close_matches(str(name), known, n=1, cutoff=0.5)
    meant = f"did you mean {close[0]!r}? " if close else ""
    listed = ", ".join(known) if len(known) <= 20 else ", ".join(known[:20]) + f" and {len(known) - 20} more"
    return f"{meant}known: {listed or 'none'}"


@contextmanager
def within(*places: str) -> Iterator[None]:
    """Put where we are before the message of any error raised inside.

    Errors of rules (`optimlab.formula.FormulaError`) become errors of the data that named them.
    """
    from ..formula import FormulaError

    try:
        yield
    except (WalkthroughError, FormulaError) as error:
        raise WalkthroughError(": ".join([*places, str(error)])) from error
