"""Every rule that ships with the package, by name: what data files and widgets look rules up in."""

from __future__ import annotations

from . import averages, rules
from .formula import FormulaError, closest
from .rule import Rule

RULES: dict[str, Rule] = {
    value.name: value
    for module in (rules, averages)
    for value in vars(module).values()
    if isinstance(value, Rule)
}


def find(name: str) -> Rule:
    """Return the rule of that name.

    Raises
    ------
    FormulaError
        If no rule has that name; the message gives the nearest and all known names.
    """
    if name not in RULES:
        raise FormulaError(f"there is no rule {name!r}{closest(name, RULES)}; known are {', '.join(RULES)}")
    return RULES[name]
