"""How numbers are written: one rule for text, pages and widgets, the same on every machine."""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Context, Decimal


def number(x: float, digits: int = 6) -> str:
    """Write a number with a fixed count of significant digits.

    The rule, which the widgets follow in JavaScript too: round to `digits` significant digits, a tie
    away from zero; drop trailing zeros; fixed notation for 1e-5 <= |x| < 1e9, otherwise scientific
    (``3e-07``); zero has no sign; what is not finite is written ``nan``, ``inf``, ``-inf``.

    Parameters
    ----------
    x : float
        The number.
    digits : int, default 6
        Significant digits.

    Returns
    -------
    str
    """
    x = float(x)
    if math.isnan(x):
        return "nan"
    if math.isinf(x):
        return "inf" if x > 0 else "-inf"
    if x == 0:
        return "0"
    # The double is exact in decimal, and ties go away from zero, as in JavaScript's toExponential.
    rounded = Context(prec=digits, rounding=ROUND_HALF_UP).plus(Decimal(x))
    power = rounded.adjusted()
    if -5 <= power < 9:
        fixed = f"{rounded:f}"
        return fixed.rstrip("0").rstrip(".") if "." in fixed else fixed
    sign, figures, _ = rounded.as_tuple()
    mantissa = f"{'-' * sign}{figures[0]}.{''.join(map(str, figures[1:]))}"
    return f"{mantissa.rstrip('0').rstrip('.')}e{'-' if power < 0 else '+'}{abs(power):02d}"


def table(header: Sequence[str], rows: Sequence[Sequence], digits: int = 6) -> str:
    """Write rows as an aligned text table: numbers to the right, words to the left.

    Parameters
    ----------
    header : sequence of str
        One name per column.
    rows : sequence of sequences
        Numbers, strings, or None for an empty cell.
    digits : int, default 6
        Significant digits of a number.

    Returns
    -------
    str
    """

    def cell(value) -> str:
        if value is None:
            return ""
        return value if isinstance(value, str) else number(value, digits)

    cells = [list(header), *([cell(value) for value in row] for row in rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(header))]
    words = [any(isinstance(row[i], str) for row in rows) for i in range(len(header))]
    lines = [
        "  ".join(
            text.ljust(w) if left else text.rjust(w) for text, w, left in zip(row, widths, words, strict=True)
        )
        for row in cells
    ]
    rule = "  ".join("-" * w for w in widths)
    return "\n".join(line.rstrip() for line in [lines[0], rule, *lines[1:]])
