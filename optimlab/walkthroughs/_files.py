"""Reading a data file: from YAML to examples whose every key, type and name has been checked.

Nothing is computed here. What a valid file looks like is told in the package's docstring.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ..catalog import find
from ..rule import Rule
from . import programs
from ._error import WalkthroughError, nearest, within
from ._expressions import CONSTANTS, FUNCTIONS, PRINTED, Expression, Reference
from ._figures import Figure, read_figure

KINDS = ("hand-worked", "code-output", "consistency")
VERDICTS = ("agrees", "near", "wrong", "unchecked")
_EXAMPLE = {"id", "title", "note", "lines", "kind", "chapter", "givens", "rows"}
_EXAMPLE_MAY = {"convention", "runs", "program", "compute", "not_checkable"}
_RUN = {"rule"}
_RUN_MAY = {"inputs", "start", "hyper", "first", "steps"}
_ROW = {"row", "values"}
_ROW_MAY = {"at", "run", "compute"}
_VALUE = {"name", "printed", "line"}
_VALUE_MAY = {"compute", "verdict", "why", "slip", "from_printed", "inherits", "missing"}


class Prose:
    """A written reason. ``{expression}`` stands for what it gives, ``{expression; 3}`` for 3 digits of it."""

    def __init__(self, text: str):
        self.text = " ".join(text.split())
        self.parts: list[str | tuple[Expression, int]] = []
        for i, part in enumerate(re.split(r"\{([^{}]*)\}", self.text)):
            if i % 2 == 0:
                self.parts.append(part)
                continue
            text, _, digits = part.partition(";")
            if digits and not digits.strip().isdecimal():
                raise WalkthroughError(
                    f"{{{part}}} has {digits.strip()!r} digits; expected such as {{v[3]; 4}}"
                )
            self.parts.append((Expression(text), int(digits or 6)))

    @property
    def expressions(self) -> list[Expression]:
        """The expressions in the text."""
        return [part[0] for part in self.parts if not isinstance(part, str)]


@dataclass(frozen=True)
class Run:
    """A run as the data file states it: a rule, and an expression for each of its arguments."""

    name: str
    rule: Rule
    inputs: dict[str, Expression]
    start: dict[str, Expression]
    hyper: dict[str, Expression]
    first: int = 1
    steps: int | None = None

    @property
    def quantities(self) -> set[str]:
        """The names of its trace."""
        return {*self.rule.inputs, *self.rule.carried, *self.rule.quantities}


@dataclass(frozen=True, eq=False)
class Value:
    """One printed value, as the data file states it. Compared by identity: no two are the same value."""

    position: int
    row: str
    name: str
    nth: int
    line: int
    figure: Figure
    compute: Expression | None
    inapplicable: Expression | None  # of an unchecked value: what its row or example computes by this name
    stated: str
    why: Prose | None
    slip: Expression | None
    from_printed: Expression | None
    inherits: Reference | None
    missing: Prose | None
    at: dict[str, float]
    run: str | None

    @property
    def place(self) -> str:
        """Where the value stands, for messages."""
        return f"row {self.row!r}, value {self.name!r}" + (f" (number {self.nth})" if self.nth > 1 else "")


@dataclass(frozen=True)
class Example:
    """One worked example, as the data file states it."""

    file: str
    id: str
    title: str
    note: str
    lines: tuple[int, int]
    kind: str
    chapter: str
    convention: str
    givens: dict[str, Expression | np.ndarray]
    runs: dict[str, Run]
    program: Callable | None
    values: tuple[Value, ...]
    not_checkable: tuple[str, ...] = field(default=())

    def find(self, reference: Reference, value: Value | None = None) -> Value:
        """Return the value that ``p[...]`` means in this example; `value` is where it is written.

        A name alone means the row where it is written, whatever else has the same label.
        """
        *words, nth = reference if isinstance(reference[-1], int) else (*reference, 1)
        label, name = words if len(words) == 2 else (value.row, words[0])
        row = [other for other in self.values if other.row == label]
        if len(words) == 1:
            row = [other for other in row if other.position == value.position]
        if not row:
            rows = {other.row for other in self.values}
            raise WalkthroughError(f"example {self.id!r} has no row {label!r}; {nearest(label, rows)}")
        found = [other for other in row if other.name == name]
        if not found:
            names = {other.name for other in row}
            raise WalkthroughError(
                f"example {self.id!r}, row {label!r} has no {name!r}; {nearest(name, names)}"
            )
        if not 1 <= nth <= len(found):
            raise WalkthroughError(
                f"example {self.id!r}, row {label!r}, {name!r}: there are {len(found)}, got {nth}"
            )
        return found[nth - 1]


def read_file(path: Path) -> list[Example]:
    """Read one data file.

    Parameters
    ----------
    path : Path
        A YAML file: a list of examples.

    Returns
    -------
    list of Example

    Raises
    ------
    WalkthroughError
        If the file is missing or invalid. The message names the file, the example, the place in
        it, what was got and what was expected.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise WalkthroughError(f"{path}: cannot be read: {error}") from error
    with within(str(path)):
        entries = _parse(text)
        if not isinstance(entries, list) or not entries:
            raise WalkthroughError(
                f"got {_kind(entries)}; expected a list of examples, each starting with `- id:`"
            )
        examples: dict[str, Example] = {}
        for number, entry in enumerate(entries, start=1):
            identity = entry.get("id") if isinstance(entry, dict) else None
            with within(f"example {identity!r}" if isinstance(identity, str) else f"example number {number}"):
                example = _example(entry, str(path))
                if example.id in examples:
                    raise WalkthroughError("id: stands twice in the file; give each example its own")
                examples[example.id] = example
    return list(examples.values())


def _parse(text: str):
    import yaml

    class Loader(
        getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    ):  # the same, ten times as fast, where it is built
        """YAML as usual, but a key that stands twice is refused instead of the first one being dropped."""

    def mapping(loader, node, deep=False):
        loader.flatten_mapping(node)
        found = {}
        for key_node, value_node in node.value:
            key = loader.construct_object(key_node, deep=True)
            if not isinstance(key, str | int | float | bool | None):
                raise WalkthroughError(f"line {key_node.start_mark.line + 1}: a key must be a word; quote it")
            if key in found:
                raise WalkthroughError(
                    f"line {key_node.start_mark.line + 1}: the key {key!r} stands twice; keep one"
                )
            found[key] = loader.construct_object(value_node, deep=True)
        return found

    Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, mapping)
    try:
        return yaml.load(text, Loader)
    except yaml.YAMLError as error:
        raise WalkthroughError(f"not valid YAML: {error}") from error


def _kind(value) -> str:
    """Say what was got, in the words of YAML, with the cure for the usual accident."""
    if value is None:
        return "nothing"
    if isinstance(value, bool | int | float):
        return f"the {'truth value' if isinstance(value, bool) else 'number'} {value!r}"
    if isinstance(value, list | dict):
        return f"a {'list' if isinstance(value, list) else 'mapping'} of {len(value)}"
    return repr(value)


def _keys(entry, needed: set[str], optional: set[str], what: str) -> None:
    if not isinstance(entry, dict):
        raise WalkthroughError(
            f"got {_kind(entry)}; expected {what}: a mapping with {', '.join(sorted(needed))}"
        )
    for key in entry:
        if key not in needed | optional:
            raise WalkthroughError(f"{key}: {what} has no such key; {nearest(key, needed | optional)}")
    if missing := sorted(needed - set(entry)):
        raise WalkthroughError(f"{', '.join(missing)}: missing; {what} needs {', '.join(sorted(needed))}")


def _text(entry: Mapping, key: str, default: str | None = None) -> str:
    value = entry.get(key, default)
    if not isinstance(value, str) or (not value.strip() and key not in ("convention",)):
        number = isinstance(value, bool | int | float)
        cure = f"; quote it as it is printed, such as {key}: '{value}'" if number else ""
        raise WalkthroughError(f"{key}: got {_kind(value)}; expected a text{cure}")
    return value


def _one_of(entry: Mapping, key: str, known: Iterable[str], default: str | None = None) -> str:
    value = _text(entry, key, default)
    if value not in known:
        raise WalkthroughError(f"{key}: got {value!r}; {nearest(value, known)}")
    return value


def _mapping(entry: Mapping, key: str) -> dict:
    value = entry.get(key)
    if value is None:
        value = {}
    if not isinstance(value, dict) or not all(isinstance(name, str) for name in value):
        raise WalkthroughError(f"{key}: got {_kind(value)}; expected a mapping from names (quote numbers)")
    return value


def _whole(entry: Mapping, key: str, default: int | None = None) -> int | None:
    value = entry.get(key, default)
    if value is not default and (isinstance(value, bool) or not isinstance(value, int) or value < 0):
        raise WalkthroughError(f"{key}: got {_kind(value)}; expected a whole number, such as {key}: 1")
    return value


def _expression(entry: Mapping, key: str) -> Expression | None:
    value = entry.get(key)
    if value is None:
        if key in entry:
            raise WalkthroughError(f"{key}: got nothing; expected an expression, or leave the key out")
        return None
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise WalkthroughError(
            f"{key}: got {_kind(value)}; expected an expression, such as {key}: v[t] - theta[t]"
        )
    with within(key):
        return Expression(value)


def _expressions(entry: Mapping, key: str) -> dict[str, Expression]:
    found = _mapping(entry, key)
    with within(key):
        return {name: _expression(found, name) for name in found}


def _prose(entry: Mapping, key: str) -> Prose | None:
    if key not in entry:
        return None
    with within(key):
        return Prose(_text(entry, key))


def _free(names: Iterable[str], taken: Iterable[str], what: str) -> None:
    for name in names:
        if not name.isidentifier():
            raise WalkthroughError(
                f"{what} {name!r} cannot be used in expressions; use letters, digits and _"
            )
        if name == PRINTED or name in FUNCTIONS or name in CONSTANTS or name in taken:
            raise WalkthroughError(f"{what} {name!r} has a meaning already; choose another name")


def _givens(entry: Mapping) -> dict[str, Expression | np.ndarray]:
    found: dict[str, Expression | np.ndarray] = {}
    for name, value in _mapping(entry, "givens").items():
        with within("givens"):
            _free([name], found, "the given")
            if isinstance(value, list):
                numbers = all(isinstance(x, int | float) and not isinstance(x, bool) for x in value)
                if not value or not numbers:
                    raise WalkthroughError(
                        f"{name}: got {value!r}; expected a list of numbers (write 1.0e-8, not 1e-8)"
                    )
                found[name] = np.array(value, dtype=np.float64)
            else:
                with within(name):
                    expression = _expression({"": value}, "")
                    expression.check_names(set(found), {})
                found[name] = expression
    return found


def _run(name: str, entry, givens: Iterable[str]) -> Run:
    _keys(entry, _RUN, _RUN_MAY, "a run")
    with within("rule"):
        rule = find(_text(entry, "rule"))
    parts = {key: _expressions(entry, key) for key in ("inputs", "start", "hyper")}
    known = {"inputs": rule.inputs, "start": rule.carried, "hyper": tuple(rule.hyper)}
    for key, expressions in parts.items():
        for argument in expressions:
            if argument not in known[key]:
                raise WalkthroughError(
                    f"{key}: {rule.name} has no {argument!r} there; {nearest(argument, known[key])}"
                )
    if lost := [n for n in rule.inputs if n not in parts["inputs"]]:
        raise WalkthroughError(
            f"inputs: {rule.name} needs {', '.join(lost)}; give a series or an expression in t"
        )
    if lost := [n for n in rule.carried if n not in parts["start"] and n not in rule.state]:
        raise WalkthroughError(
            f"start: {rule.name} needs {', '.join(lost)}; give the value before the first step"
        )
    run = Run(name, rule, **parts, first=_whole(entry, "first", 1), steps=_whole(entry, "steps"))
    # An input or a rate may change with the step, and an input with where the run has got to.
    for argument, expression in run.inputs.items():
        with within("inputs", argument):
            expression.check_names({*givens, "t", *run.rule.carried}, {})
    for argument, expression in run.hyper.items():
        with within("hyper", argument):
            expression.check_names({*givens, "t"}, {})
    for argument, expression in run.start.items():
        with within("start", argument):
            expression.check_names(set(givens), {})
    return run


def _example(entry, file: str) -> Example:
    _keys(entry, _EXAMPLE, _EXAMPLE_MAY, "an example")
    lines = entry["lines"]
    if not (
        isinstance(lines, list)
        and len(lines) == 2
        and all(type(n) is int for n in lines)
        and lines[0] <= lines[1]
    ):
        raise WalkthroughError(
            f"lines: got {lines!r}; expected the first and the last line, such as [1964, 2024]"
        )
    kind = _one_of(entry, "kind", KINDS)
    givens = _givens(entry)
    runs: dict[str, Run] = {}
    for name, stated in _mapping(entry, "runs").items():
        with within(f"runs: {name}"):
            _free([name], {*givens, *runs}, "the run")
            runs[name] = run = _run(name, stated, givens)
            if taken := sorted(set(givens) & {*run.rule.carried, *run.rule.quantities}):
                raise WalkthroughError(
                    f"the given {taken[0]!r} is also a quantity of {run.rule.name}; rename the given, "
                    f"such as {taken[0]}0 for a start"
                )
    program = None
    if "program" in entry:
        known = {
            name: f for name, f in vars(programs).items() if callable(f) and f.__module__ == programs.__name__
        }
        program = known[_one_of(entry, "program", known)]
    elif kind == "code-output":
        raise WalkthroughError(
            "program: missing; a code-output is judged by running a function of programs.py"
        )
    unchecked = entry.get("not_checkable", [])
    if not isinstance(unchecked, list) or not all(isinstance(line, str) for line in unchecked):
        raise WalkthroughError(f"not_checkable: got {_kind(unchecked)}; expected a list of texts")

    compute = _expressions(entry, "compute")
    rows = entry["rows"]
    if not isinstance(rows, list) or not rows:
        raise WalkthroughError(f"rows: got {_kind(rows)}; expected a list of rows")
    values: list[Value] = []
    for number, row in enumerate(rows, start=1):
        label = row.get("row") if isinstance(row, dict) else None
        with within(f"row {label!r}" if isinstance(label, str) else f"row number {number}"):
            values += _row(row, number, values, compute, givens, runs, program, kind)
    names = {value.name for value in values}
    for name in compute:
        if name not in names:
            raise WalkthroughError(f"compute: no value is named {name!r}; {nearest(name, names)}")
    example = Example(
        file=file,
        id=_text(entry, "id"),
        title=_text(entry, "title"),
        note=_text(entry, "note"),
        lines=(lines[0], lines[1]),
        kind=kind,
        chapter=_text(entry, "chapter"),
        convention=_text(entry, "convention", ""),
        givens=givens,
        runs=runs,
        program=program,
        values=tuple(values),
        not_checkable=tuple(unchecked),
    )
    for value in values:
        for expression in expressions_of(value):
            for reference in expression.references:
                words = [word for word in reference if isinstance(word, str)]
                if len(words) < 3:
                    with within(value.place):
                        example.find(reference, value)
        if value.inherits and len([word for word in value.inherits if isinstance(word, str)]) < 3:
            with within(value.place, "inherits"):
                example.find(value.inherits)
    return example


def expressions_of(value: Value) -> list[Expression]:
    """Every expression that a value states."""
    prose = [e for text in (value.why, value.missing) if text for e in text.expressions]
    return [e for e in (value.compute, value.slip, value.from_printed) if e] + prose


def _row(row, position, before, example_compute, givens, runs, program, kind) -> list[Value]:
    _keys(row, _ROW, _ROW_MAY, "a row")
    label = _text(row, "row")
    at: dict[str, float] = {}
    for name, number in _mapping(row, "at").items():
        with within("at"):
            _free([name], runs, "the number")
            if isinstance(number, bool) or not isinstance(number, int | float):
                raise WalkthroughError(
                    f"{name}: got {_kind(number)}; expected a number, such as at: {{t: 3}}"
                )
            at[name] = number
    run = _one_of(row, "run", runs) if "run" in row else (next(iter(runs)) if len(runs) == 1 else None)
    compute = {**example_compute, **_expressions(row, "compute")}
    # A program's results are known only once it has run, so their names cannot be checked here.
    names = None if program else {*givens, *at, *(runs[run].quantities if run else ())}
    entries = row["values"]
    if not isinstance(entries, list) or not entries:
        raise WalkthroughError(f"values: got {_kind(entries)}; expected a list of printed values")
    values: list[Value] = []
    for number, entry in enumerate(entries, start=1):
        name = entry.get("name") if isinstance(entry, dict) else None
        with within(f"value {name!r}" if isinstance(name, str) else f"value number {number}"):
            nth = 1 + sum((value.row, value.name) == (label, name) for value in [*before, *values])
            value = _value(entry, position, label, nth, compute, at, run, kind)
            for expression in expressions_of(value):
                if names is not None:
                    expression.check_names(names, {run: runs[run].quantities for run in runs})
            values.append(value)
    unused = [name for name in _mapping(row, "compute") if name not in {value.name for value in values}]
    if unused:
        raise WalkthroughError(
            f"compute: the row has no {unused[0]!r}; {nearest(unused[0], {v.name for v in values})}"
        )
    return values


def _value(entry, position, row, nth, compute, at, run, kind) -> Value:
    _keys(entry, _VALUE, _VALUE_MAY, "a value")
    name = _text(entry, "name")
    with within("printed"):
        figure = read_figure(_text(entry, "printed").strip()) if isinstance(entry["printed"], str) else None
    if figure is None:
        _text(entry, "printed")
    stated = _one_of(entry, "verdict", VERDICTS, "agrees")
    allowed = {
        "agrees": {"compute"},
        "near": {"compute", "why", "slip", "from_printed", "inherits"},
        "wrong": {"compute", "why", "slip", "from_printed", "inherits"},
        "unchecked": {"missing"},
    }[stated]
    for key in entry:
        if key not in allowed | _VALUE | {"verdict"}:
            explained = {
                "agrees": "an agreeing value explains nothing",
                "unchecked": "it says only what is missing",
            }
            remedy = explained.get(stated, "`missing` belongs to an unchecked value")
            raise WalkthroughError(
                f"{key}: not allowed with the verdict {stated!r}: {remedy}; remove it, or the verdict"
            )
    own = _expression(entry, "compute") or compute.get(name)
    if stated == "unchecked":
        if "missing" not in entry:
            raise WalkthroughError("missing: an unchecked value needs it; say what the notes do not give")
    elif own is None:
        raise WalkthroughError(
            f"compute: missing; give an expression here, or one for {name!r} in the row or the example, "
            "or state `verdict: unchecked` and what is missing"
        )
    elif own.references and kind != "consistency":
        raise WalkthroughError(
            f"compute: {own.text!r} reads a printed figure; the right value comes from the givens "
            "(only an example of the kind 'consistency' compares printed figures)"
        )
    return Value(
        position=position,
        row=row,
        name=name,
        nth=nth,
        line=_whole(entry, "line"),
        figure=figure,
        compute=None if stated == "unchecked" else own,
        inapplicable=own if stated == "unchecked" else None,
        stated=stated,
        why=_prose(entry, "why"),
        slip=_expression(entry, "slip"),
        from_printed=_expression(entry, "from_printed"),
        inherits=_inherits(entry),
        missing=_prose(entry, "missing"),
        at=at,
        run=run,
    )


def _inherits(entry: Mapping) -> Reference | None:
    if "inherits" not in entry:
        return None
    stated = entry["inherits"]
    with within("inherits"):
        _keys(stated, {"row", "name"}, {"example", "nth"}, "the origin of an error")
        words = [_text(stated, key) for key in ("example", "row", "name") if key in stated]
        return (*words, _whole(stated, "nth")) if "nth" in stated else tuple(words)
