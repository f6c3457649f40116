"""Printed figures: what a printed string says, and how close a computed number comes to it.

A figure is judged at its own precision. ``9.407`` claims three decimals and no more, so its
unit is 0.001. Comparisons are made in exact fractions: only the computed number is a float.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from fractions import Fraction

from ._error import WalkthroughError

TOLERANCE = Fraction(1, 10**9)
"""What float arithmetic may cost, relative to the computed number."""

_NUMBER = re.compile(
    r"""\s*(?:[×≈~$€]\s*)?                        # ×2.4, ≈3
        (?P<sign>[-+]?)\s*
        (?P<whole>\d{1,3}(?:,\d{3})+|\d+|(?=\.\d)) # 1,234 or 1234, or nothing before .5
        (?:\.(?P<decimals>\d*))?
        (?:e(?P<power>[-+]?\d+))?                  # 4e-9
        (?:/(?P<of>[1-9]\d*))?                     # 12/32
        \s*(?:%|×|x|[°µμ]?[A-Za-z]+(?:/[A-Za-z]+)?|°)?\s*""",
    re.VERBOSE | re.IGNORECASE,
)


@dataclass(frozen=True)
class Figure:
    """A printed figure.

    Attributes
    ----------
    printed : str
        The string as printed.
    value : Fraction
        Its value, in the printed unit: ``10%`` is 10.
    unit : Fraction
        What one more in the last printed digit adds.
    """

    printed: str
    value: Fraction
    unit: Fraction

    @property
    def digits(self) -> int:
        """How many significant digits are printed."""
        return len(str(abs(int(self.value / self.unit))))

    def reproduced_by(self, x: float) -> bool:
        """Whether `x`, rounded (either way at a tie) or cut off, is printed like this."""
        if not math.isfinite(x):
            return False
        exact = Fraction(x)
        slack = abs(exact) * TOLERANCE
        rounded = abs(exact - self.value) <= self.unit / 2 + slack
        # Cut off means toward zero. Where float error alone keeps x below the next figure, it is not a cut.
        size, shown = abs(exact), abs(self.value)
        cut = exact * self.value >= 0 and shown <= size + slack and size < shown + self.unit - slack
        return rounded or cut

    def within_a_unit_of(self, x: float) -> bool:
        """Whether `x` is at most one unit of the last printed digit away."""
        return math.isfinite(x) and abs(Fraction(x) - self.value) <= self.unit + abs(Fraction(x)) * TOLERANCE

    def off_by(self, x: float) -> float:
        """How far the figure is from `x`, relative to `x`; infinite where that makes no sense."""
        if not math.isfinite(x):
            return math.inf
        distance = abs(Fraction(x) - self.value)
        return float(distance / abs(Fraction(x))) if x else (0.0 if distance == 0 else math.inf)


def read_figure(printed: str) -> Figure:
    """Read a printed string: its value and the unit of its last digit.

    Parameters
    ----------
    printed : str
        Such as ``9.407``, ``-6.870``, ``10%``, ``×2.4``, ``1e-8``, ``1,234``, ``12/32`` or ``1.80°C``.
        The minus sign may be a hyphen or U+2212.

    Returns
    -------
    Figure

    Raises
    ------
    WalkthroughError
        If the string is not one number with an optional sign, multiplication sign and unit.
    """
    match = _NUMBER.fullmatch(printed.replace("\N{MINUS SIGN}", "-"))
    if not match:
        raise WalkthroughError(
            f"the printed figure {printed!r} is not one number; expected such as '9.407', '-6.870', '10%', "
            "'×2.4', '1e-8', '1,234', '12/32' or '1.80°C'"
        )
    whole, decimals = match["whole"].replace(",", ""), match["decimals"] or ""
    scale = Fraction(10) ** int(match["power"] or 0) / int(match["of"] or 1)
    unit = scale / 10 ** len(decimals)
    value = int((whole + decimals) or 0) * unit
    return Figure(printed, -value if match["sign"] == "-" else value, unit)
