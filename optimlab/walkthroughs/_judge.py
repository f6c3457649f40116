"""A worked example at work: its runs traced, every printed value computed, compared and explained."""

from __future__ import annotations

import contextlib
import functools
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from .._memory import remembered
from ..format import number
from ..rule import Rule, Trace
from . import _tables
from ._error import WalkthroughError, nearest, within
from ._expressions import Expression, Reference, Scope, Series
from ._figures import TOLERANCE
from ._files import VERDICTS, Example, Prose, Run, Value

FAR = 0.02
"""How far rounded figures may lead, relative to the right value, and still be `near`."""


@dataclass(frozen=True)
class Cell:
    """Where a printed value stands: the run, the quantity, and the step as the notes number it.

    In the trace that is ``runs[run].trace()[quantity][step - runs[run].first + 1]``.
    """

    run: str
    quantity: str
    step: int


@dataclass(frozen=True)
class Judged:
    """One printed value, computed and judged.

    Attributes
    ----------
    walkthrough, row, name : str
        Which value: the example's id, the row and the name of the quantity.
    note : str
        The set of notes.
    line : int
        The line in the notes.
    printed : str
        The figure as printed.
    computed : float
        The right value, in the printed unit; NaN where the notes do not give enough.
    verdict : {"agrees", "near", "wrong", "unchecked"}
        What the comparison gives, whatever the data file states.
    why : str
        For everything that does not agree: how the figure came about, as far as it is known.
    cell : Cell or None
        Where the value is exactly one traced quantity at one step: which.
    """

    walkthrough: str
    row: str
    name: str
    note: str
    line: int
    printed: str
    computed: float
    verdict: str
    why: str
    cell: Cell | None = field(default=None, compare=False)


@dataclass(frozen=True)
class TracedRun:
    """A run of a rule: what goes in as plain numbers, and the trace."""

    name: str
    rule: Rule
    inputs: dict[str, np.ndarray]
    start: dict[str, float]
    hyper: dict[str, float | np.ndarray]
    first: int
    _trace: Trace = field(repr=False)
    _run: Run = field(repr=False)
    _givens: dict[str, object] = field(repr=False)

    def trace(self, **hyper: float) -> Trace:
        """Return every quantity by step; index 0 is the start, index 1 the step numbered `first`.

        With other hyper-parameters, what goes in is worked out anew where it depends on where the run stands.
        """
        if not hyper:
            return self._trace
        givens = self._givens | {given: hyper[name] for given, name in self._meant().items() if name in hyper}
        changed = {name: Expression(value) for name, value in hyper.items()}
        return _trace(replace(self._run, hyper={**self._run.hyper, **changed}), givens).trace()

    @property
    def feeds(self) -> dict[str, list[str]]:
        """The inputs that depend on where the run stands: for each step, arithmetic in what is carried."""
        carried, meant = self.rule.carried, self._meant()
        free = {name: name for name in carried} | meant
        found = {}
        for name, expression in self._run.inputs.items():
            if expression.names & set(carried):
                steps = range(self.first, self.first + len(self.inputs[name]))
                scopes = [Scope({**self._givens, "t": t}, {}, _nothing_printed) for t in steps]
                found[name] = [expression.function_of(free, scope) for scope in scopes]
        return found

    def _meant(self) -> dict[str, str]:
        """Which given is a hyper-parameter by another name."""
        return {e.text: name for name, e in self._run.hyper.items() if e.text in self._givens}


class Walkthrough:
    """A worked example of the notes: its givens, its runs, and its printed values, judged.

    Made by `optimlab.walkthroughs.load`. Nothing is computed before it is asked for.

    Attributes
    ----------
    id, title, note, chapter, kind, convention : str
        Which example it is, and the convention it follows where there are several.
    lines : tuple of int
        First and last line in the notes.
    """

    def __init__(self, example: Example, library: Mapping[str, Walkthrough]):
        self._example, self._library = example, library
        self._judging: set[Value] = set()
        self.id, self.title, self.note, self.lines = example.id, example.title, example.note, example.lines
        self.kind, self.chapter, self.convention = example.kind, example.chapter, example.convention
        self.file = example.file

    # What goes in ---------------------------------------------------------------------------

    @functools.cached_property
    def givens(self) -> dict[str, float | np.ndarray]:
        """The numbers that the notes start from; a series has its first entry at index 0 here."""
        found: dict[str, float | np.ndarray] = {}
        for name, given in self._example.givens.items():
            if isinstance(given, Expression):
                with within(self.file, f"example {self.id!r}", "givens", name):
                    found[name] = given.number(Scope(_series(found), {}, _nothing_printed))
            else:
                found[name] = given
        return found

    @functools.cached_property
    def runs(self) -> dict[str, TracedRun]:
        """The runs by name: rule, inputs, start, hyper-parameters and trace."""
        found = {}
        for name, run in self._example.runs.items():
            with within(self.file, f"example {self.id!r}", f"runs: {name}"):
                found[name] = _trace(run, _series(self.givens))
        return found

    @functools.cached_property
    def _results(self) -> dict[str, object]:
        """What the program returned, for examples that are judged by running one."""
        if self._example.program is None:
            return {}
        code = self._example.program.__code__
        wanted = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
        with within(self.file, f"example {self.id!r}", f"program: {code.co_name}"):
            for name in wanted:
                if name not in self.givens:
                    raise WalkthroughError(f"needs the given {name!r}; {nearest(name, self.givens)}")
            given = {name: self.givens[name] for name in wanted}
            call = f"{code.co_name} {code.co_code.hex()} {given!r}"
            return remembered(call, lambda: self._example.program(**given))

    @property
    def figures(self) -> dict[tuple[str, str], float]:
        """The printed figures as numbers, by row and name; reading them computes nothing.

        They are in the printed unit: ``10%`` is 10. A name that stands twice in a row means the first.
        """
        found: dict[tuple[str, str], float] = {}
        for value in self._example.values:
            found.setdefault((value.row, value.name), float(value.figure.value))
        return found

    # What comes out -------------------------------------------------------------------------

    @functools.cached_property
    def values(self) -> list[Judged]:
        """Every printed value, judged, in the order of the notes."""
        return [
            Judged(
                walkthrough=self.id,
                row=value.row,
                name=value.name,
                note=self.note,
                line=value.line,
                printed=value.figure.printed,
                computed=self._computed[value],
                verdict=self._verdict(value),
                why=self._explain(value),
                cell=self._cell(value),
            )
            for value in self._example.values
        ]

    @property
    def counts(self) -> dict[str, int]:
        """How many values have each verdict."""
        return {verdict: sum(value.verdict == verdict for value in self.values) for verdict in VERDICTS}

    @property
    def problems(self) -> list[str]:
        """Where the data file contradicts the computation, one line each; empty if it stands."""
        found = []
        for value in self._example.values:
            place = f"{self.file}: example {self.id!r}: {value.place}: "
            try:
                found += [place + problem for problem in self._contradictions(value)]
                self._explain(value)
            except WalkthroughError as error:
                found.append(str(error))
        return list(dict.fromkeys(found))

    def table(self) -> str:
        """Return the values as a text table with the reasons below it."""
        return _tables.text(self)

    def __repr__(self) -> str:
        return self.table()

    def _repr_html_(self) -> str:
        return _tables.html(self)

    # How it is judged -----------------------------------------------------------------------

    @functools.cached_property
    def _given(self) -> dict[str, object]:
        """The givens and what the program returned, as names of expressions."""
        return {**_series(self.givens), **_series(self._results)}

    @functools.cached_property
    def _traced(self) -> dict[str, dict[str, Series]]:
        """The quantities of each run, as names of expressions."""
        return {
            name: {q: Series(q, column, run.first - 1, traced=True) for q, column in run.trace().items()}
            for name, run in self.runs.items()
        }

    def _scope(self, value: Value, right: bool = False) -> Scope:
        """Say what names mean at a value; with `right`, ``p[...]`` is the right value instead."""
        # A given hides the input of the same name: it is the same series, and whole.
        names = {**self._traced.get(value.run, {}), **self._given, **value.at}

        def printed(reference: Reference) -> float:
            owner, other = self._find(reference, value)
            return owner._computed[other] if right else float(other.figure.value)

        return Scope(names, self._traced, printed)

    def _find(self, reference: Reference, value: Value) -> tuple[Walkthrough, Value]:
        words = [word for word in reference if isinstance(word, str)]
        if len(words) < 3:
            return self, self._example.find(reference, value)
        if words[0] not in self._library:
            raise WalkthroughError(f"there is no example {words[0]!r}; {nearest(words[0], self._library)}")
        owner = self._library[words[0]]
        return owner, owner._example.find(reference[1:])

    def _place(self, value: Value, key: str):
        return within(self.file, f"example {self.id!r}", value.place, key)

    @functools.cached_property
    def _computed(self) -> dict[Value, float]:
        found = {}
        for value in self._example.values:
            with self._place(value, "compute"):
                if value.compute is None:
                    found[value] = math.nan
                    continue
                scope = self._scope(value)
                value.compute.check_names(scope.names, scope.runs)
                found[value] = value.compute.number(scope)
        return found

    def _verdict(self, value: Value) -> str:
        """Return the verdict that the computation gives."""
        if value.compute is None:
            return "unchecked"
        right = self._computed[value]
        if value.figure.reproduced_by(right):
            return "agrees"
        if value.figure.within_a_unit_of(right):
            return "near"
        if value.from_printed and not value.inherits and not self._no_excuse(value):
            return "near"
        return "wrong"

    def _no_excuse(self, value: Value) -> str:
        """Say why `from_printed` does not make a value near; empty if it does."""
        if self._example.kind == "code-output":
            return "a program computes in full precision, so rounded figures excuse nothing"
        if problem := self._misses(value, "from_printed"):
            return problem
        if not value.from_printed.references:
            return "from_printed: reads no printed figure"
        if value in self._judging:
            return "from_printed: leads back to this figure"
        self._judging.add(value)
        try:
            for reference in value.from_printed.references:
                owner, other = self._find(reference, value)
                if other is value:
                    return "from_printed: reads the figure that it explains"
                if owner._verdict(other) == "wrong":
                    return f"from_printed: {_name(reference)} is itself wrong: this value inherits the error"
        finally:
            self._judging.discard(value)
        off = value.figure.off_by(self._computed[value])
        if off > FAR * (1 + float(TOLERANCE)):
            return f"from_printed: the figure is {number(100 * off, 3)} % off; rounding excuses 2 %"
        return ""

    def _misses(self, value: Value, key: str) -> str:
        """Say how an expression that should reproduce the printed figure fails to; empty if it does."""
        expression: Expression = getattr(value, key)
        with self._place(value, key):
            given = expression.number(self._scope(value))
            if not value.figure.reproduced_by(given):
                return f"{key}: {expression.text} gives {number(given, 9)}, not {value.figure.printed}"
            if key == "slip":
                return ""
            # The same operation on right figures must lead to the right value; else there is another slip.
            right, computed = expression.number(self._scope(value, right=True)), self._computed[value]
            slack = 1e-9 * max(abs(computed), float(value.figure.unit))
            if math.isfinite(right) and not abs(right - computed) <= slack:
                return (
                    f"{key}: {expression.text} is not the operation asked for: from right figures it gives "
                    f"{number(right, 9)}, not {number(computed, 9)}"
                )
            return ""

    def _contradictions(self, value: Value) -> list[str]:
        """Everything that the data file says of a value and the computation denies."""
        verdict, stated = self._verdict(value), value.stated
        found = []
        if value.inapplicable:
            with contextlib.suppress(WalkthroughError):
                scope = self._scope(value)
                value.inapplicable.check_names(scope.names, scope.runs)
                computed = number(value.inapplicable.number(scope), 9)
                found.append(
                    f"verdict: states unchecked, but {value.inapplicable.text} computes {computed}; "
                    "compare it, or give the row an expression of its own"
                )
        for key in ("slip", "from_printed"):
            if getattr(value, key) and (problem := self._misses(value, key)):
                found.append(problem)
        if verdict != stated:
            figures = f"printed {value.figure.printed}, computed {number(self._computed[value], 9)}"
            reason = self._no_excuse(value) if value.from_printed and not value.inherits else ""
            why_not = f"; {reason}" if reason else ""
            found.append(f"verdict: states {stated}; the computation gives {verdict} ({figures}){why_not}")
        if verdict == "wrong" and not (value.why or value.inherits):
            found.append(
                "why: missing; say what went wrong, or name the figure that the error comes from (inherits)"
            )
        if value.inherits:
            with self._place(value, "inherits"):
                owner, origin = self._find(value.inherits, value)
                if origin is value:
                    found.append("inherits: a value cannot inherit from itself")
                elif owner._verdict(origin) in ("agrees", "unchecked"):
                    found.append(
                        f"inherits: {_name(value.inherits)} is not in error; there is nothing to inherit"
                    )
                if not (value.from_printed or value.slip or value.why):
                    found.append(
                        "inherits: needs from_printed, which reproduces the figure from the wrong one; "
                        "if none does, a second error was made: say which with slip or why"
                    )
                read = (
                    [self._find(r, value) for r in value.from_printed.references]
                    if value.from_printed
                    else []
                )
                if value.from_printed and (owner, origin) not in read:
                    found.append(
                        f"from_printed: does not read {_name(value.inherits)}, which the value inherits from"
                    )
        elif value.from_printed and stated == "wrong":
            found.append(
                "from_printed: with the verdict wrong it needs `inherits`; an error made here is a `slip`"
            )
        return found

    # How it is explained --------------------------------------------------------------------

    def _explain(self, value: Value) -> str:
        verdict = self._verdict(value)
        if verdict == "agrees":
            return ""
        with self._place(value, "why"):
            scope = self._scope(value)
            if verdict == "unchecked":
                return self._write(value.missing, scope) if value.missing else ""
            sentences = []
            if value.inherits:
                owner, origin = self._find(value.inherits, value)
                start = "Makes the same slip as" if value.slip else "Carries on from"
                where = "" if owner is self else f" of “{owner.title}”"
                sentences.append(f"{start} {origin.name} in {origin.row}{where} ({origin.figure.printed}).")
            if value.why:
                sentences.append(self._write(value.why, scope))
            for expression in (value.slip, value.from_printed):
                if expression and not expression.is_reference:
                    rounded = verdict == "near" and expression is value.from_printed and not value.inherits
                    begin = "From the rounded figures printed before it: " if rounded else ""
                    sentences.append(f"{begin}{expression.spelled(scope)} gives {value.figure.printed}.")
            if not sentences and value.from_printed:
                owner, other = self._find(value.from_printed.references[0], value)
                where = "" if owner is self else f" of “{owner.title}”"
                sentences.append(f"Repeats {other.name} in {other.row}{where} ({other.figure.printed}).")
            elif not sentences and verdict == "near":
                sentences.append("One unit off in the last printed digit.")
            return " ".join(sentences)

    @staticmethod
    def _write(prose: Prose, scope: Scope) -> str:
        return "".join(
            part if isinstance(part, str) else number(part[0].number(scope), part[1]) for part in prose.parts
        )

    def _cell(self, value: Value) -> Cell | None:
        if value.compute is None:
            return None
        found = value.compute.cell(self._scope(value))
        return found and Cell(found[0] or value.run, found[1], found[2])


def _name(reference: Reference) -> str:
    """Write a reference as it stands in a data file."""
    return "p[" + ", ".join(f'"{part}"' if isinstance(part, str) else str(part) for part in reference) + "]"


def _series(values: Mapping[str, object]) -> dict[str, object]:
    """Turn sequences into series that count from 1."""
    return {
        name: Series(name, np.asarray(v, dtype=np.float64)) if np.ndim(v) else v for name, v in values.items()
    }


def _nothing_printed(reference: Reference) -> float:
    raise WalkthroughError(f"reads {_name(reference)}; what goes into a run is given, not printed")


def _trace(run: Run, givens: dict[str, object]) -> TracedRun:
    """Make the steps of a run; an input that depends on where the run stands is worked out on the way."""
    fixed = Scope(givens, {}, _nothing_printed)
    start = {name: expression.number(fixed) for name, expression in run.start.items()}

    def each(expression: Expression, t: int, so_far: Mapping[str, np.ndarray]) -> float:
        carried = {n: Series(n, column, run.first - 1, traced=True) for n, column in so_far.items()}
        return expression.number(Scope({**givens, **carried, "t": t}, {}, _nothing_printed))

    whole, stepwise = {}, {}
    for name, expression in run.inputs.items():
        if expression.names & {"t", *run.rule.carried}:
            stepwise[name] = expression
        else:
            column = np.atleast_1d(expression.value(fixed))
            whole[name] = np.repeat(column, run.steps) if run.steps and len(column) == 1 else column
    if run.steps is None and not whole:
        raise WalkthroughError("steps: missing; no input is a series, so say how many steps to make")
    steps = run.steps or min(len(column) for column in whole.values())
    hyper: dict[str, float | np.ndarray] = {}
    for name, expression in run.hyper.items():
        scheduled = "t" in expression.names
        numbers = [each(expression, t, {}) for t in range(run.first, run.first + steps)] if scheduled else []
        hyper[name] = np.array(numbers) if scheduled else expression.number(fixed)
    # A rule asks a schedule for step 1, 2, ...; ours may count from `first`.
    rates = {n: (lambda t, v=v: v[int(t) - 1]) if np.ndim(v) else v for n, v in hyper.items()}

    inputs = {name: list(column[:steps]) for name, column in whole.items()} | {name: [] for name in stepwise}
    known = {n: np.array([v], dtype=np.float64) for n, v in ({**run.rule.state, **start}).items()}
    if stepwise:
        for done in range(steps):
            for name, expression in stepwise.items():
                inputs[name].append(each(expression, run.first + done, known))
            trace = run.rule.trace(
                **{name: column[: done + 1] for name, column in inputs.items()}, **start, **rates
            )
            known = {name: trace[name] for name in run.rule.carried}
    trace = run.rule.trace(**({} if inputs else {"steps": steps}), **inputs, **start, **rates)
    arrays = {name: np.array(column, dtype=np.float64) for name, column in inputs.items()}
    state = {**run.rule.state, **start}
    return TracedRun(run.name, run.rule, arrays, state, hyper, run.first, trace, run, givens)
