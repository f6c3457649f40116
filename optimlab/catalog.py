"""Every rule that ships with the package, by name: what data files and widgets look rules up in."""

from __future__ import annotations

from . import averages, rules, schedules
from .formula import FormulaError, closest
from .rule import Rule

RULES: dict[str, Rule] = {
    value.name: value
    for module in (rules, averages)
    for value in vars(module).values()
    if isinstance(value, Rule)
}


def find(name: str) -> Rule:
    """Return the rule of that name; a schedule is a rule that carries nothing.

    Raises
    ------
    FormulaError
        If no rule has that name; the message gives the nearest and all known names.
    """
    if name in RULES:
        return RULES[name]
    known = {key: value for key, value in vars(schedules).items() if isinstance(value, schedules.Schedule)}
    if name in known:
        return known[name].as_rule()
    names = [*RULES, *known]
    raise FormulaError(f"there is no rule {name!r}{closest(name, names)}; known are {', '.join(names)}")
