"""The same rules, compiled: one loop over big vectors, and whole sweeps in one call.

Needs numba: ``pip install 'optimlab[fast]'``. Everything else of the package works without it.

    step = compile_rule(adam)
    m, v = step.state(w)
    step(w, g, 1, m, v, lr=0.01)             changes w, m and v in place

    sweep = compile_sweep(adam, rosenbrock)
    sweep(steps=100, lr=np.logspace(-4, 0, 10_000)).value

The text of the rule becomes scalar code inside one loop, so that a vector is read and written once
per step instead of once per operation. What is the same for every element, such as
``1 - beta1**t``, is found in the syntax tree and computed once, in float64, before the loop.

The results are NumPy's. Every operation is made in the order written, and none is fused or
re-associated: numba's ``fastmath`` is off. A step of Adam on 10 million numbers already takes as long as
reading and writing them, and with ``fastmath`` NaN, infinity and ``sqrt(s - a**2)`` would no longer be
what NumPy makes of them. One thing is changed: dividing by a constant becomes multiplying by its
reciprocal, which is several times faster and rounds once more; it would go wrong only for a constant
below 1e-308, whose reciprocal is no longer a number. With ``exact=True`` it stays a division. Then float64
results are equal to NumPy's to the last bit wherever the formula keeps to ``+ - * /``, ``sqrt``, comparisons
and squares of names, as every rule of the catalog does. ``exp``, ``log``, ``sin``, ``cos`` and other powers
come from another library and may differ in the last digits.

Where runs are chaotic, as most are beyond some learning rate, the last bit decides where they end: compare
such runs with ``exact=True``.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import itertools
import keyword
import os
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import numpy as np
from numpy.typing import ArrayLike

from . import descent
from .descent import LIMIT, Descent
from .formula import CONSTANTS, FUNCTIONS, Formula, FormulaError, closest, read
from .landscapes import Landscape
from .rule import Rule

OPERATORS = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}
COMPARISONS = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!="}
# Integer powers up to this are written as products; x**-2 as 1 / (x * x).
LONGEST_PRODUCT = 8
# How many runs go through all steps together: enough to fill vector registers, few enough for the
# fastest cache.
BLOCK = 128
# Functions that machine code has no instruction for, as NumPy defines them for NaN. Both arms of
# `where` are computed, as in NumPy, so that the compiler can choose without a branch.
HELPERS = {
    "maximum": "def maximum(a, b):\n    return a if a >= b or a != a else b\n",
    "minimum": "def minimum(a, b):\n    return a if a <= b or a != a else b\n",
    "sign": (
        "def sign(a, one=1.0):\n    zero = one - one\n"
        "    return one if a > zero else (-one if a < zero else a)\n"
    ),
    "where": "def where(condition, a, b):\n    return a if condition else b\n",
    "power": "def power(a, b):\n    return a**b\n",
}
_RESERVED = ("float32", "float64", "inf", "nan", "njit", "prange", "range")


# From a formula to scalar code


@dataclass(frozen=True)
class _Value:
    """A piece of scalar code; `varies` if it differs from element to element."""

    text: str
    varies: bool


class _Names:
    """Hands out names that nothing else in the generated code has."""

    def __init__(self, reserved: Iterable[str] = ()):
        self.taken = {*FUNCTIONS, *HELPERS, *CONSTANTS, *keyword.kwlist, *_RESERVED, *reserved}

    def new(self, wish: str) -> str:
        wishes = itertools.chain([wish], (f"{wish}_{i}" for i in itertools.count(1)))
        name = next(name for name in wishes if name not in self.taken)
        self.taken.add(name)
        return name


class _Writer:
    """Writes formulas as scalar code, and keeps apart what is the same for all elements.

    Attributes
    ----------
    lines : list of str
        What is computed for every element.
    constants : list of str
        What is computed once, in order.
    hoisted : dict
        Expressions over the constants that the elements use, each with its name there.
    """

    def __init__(self, names: _Names, exact: bool):
        self.names, self.exact = names, exact
        self.lines: list[str] = []
        self.constants: list[str] = []
        self.hoisted: dict[str, str] = {}

    def formula(self, formula: Formula, known: Mapping[str, _Value]) -> tuple[dict, list[_Value]]:
        """Write all assignments; return what every name stands for at the end, and the results."""
        known = dict(known)
        for name, node in formula.body:
            known[name] = self.assign(name, self.expression(node, known))
        return known, [self.expression(node, known) for node in formula.result]

    def assign(self, name: str, value: _Value) -> _Value:
        """Write an assignment; return the value by its new name."""
        target = self.names.new(name)
        (self.lines if value.varies else self.constants).append(f"{target} = {value.text}")
        return _Value(target, value.varies)

    def text(self, value: _Value) -> str:
        """Return the value as elements use it: a constant by the name that it has outside the loop."""
        if value.varies:
            return value.text
        if value.text not in self.hoisted:
            self.hoisted[value.text] = self.names.new(value.text if value.text.isidentifier() else "c")
        return self.hoisted[value.text]

    def join(self, pattern: str, *values: _Value) -> _Value:
        """Fill values into a pattern; constant if all of them are."""
        varies = any(value.varies for value in values)
        return _Value(pattern.format(*(self.text(v) if varies else v.text for v in values)), varies)

    def expression(self, node: ast.expr, known: Mapping[str, _Value]) -> _Value:
        match node:
            case ast.Constant(value=value):
                return _Value(repr(float(value)), False)
            case ast.Name(id=name):
                return _Value(name, False) if name in CONSTANTS else known[name]
            case ast.UnaryOp():
                return self.join("(-{})", self.expression(node.operand, known))
            case ast.Compare():
                left, right = node.left, node.comparators[0]
                pattern = f"({{}} {COMPARISONS[type(node.ops[0])]} {{}})"
                return self.join(pattern, self.expression(left, known), self.expression(right, known))
            case ast.Call():
                arguments = [self.expression(argument, known) for argument in node.args]
                if node.func.id == "sign" and arguments[0].varies:
                    arguments.append(_Value("1.0", False))  # a one of the elements' type
                pattern = f"{node.func.id}({', '.join(['{}'] * len(arguments))})"
                return self.join(pattern, *arguments)
            case ast.BinOp(op=ast.Pow()):
                return self.power(node, known)
            case ast.BinOp():
                left, right = self.expression(node.left, known), self.expression(node.right, known)
                if isinstance(node.op, ast.Div) and left.varies and not right.varies and not self.exact:
                    return self.join("({} * {})", left, _Value(f"(1.0 / {right.text})", False))
                return self.join(f"({{}} {OPERATORS[type(node.op)]} {{}})", left, right)
        raise AssertionError(f"the reader let {ast.dump(node)} pass")

    def power(self, node: ast.BinOp, known: Mapping[str, _Value]) -> _Value:
        base, exponent = self.expression(node.left, known), self.expression(node.right, known)
        count = _integer(node.right)
        if not base.varies and not (count == 2 and isinstance(node.left, ast.Name)):
            return self.join("power({}, {})", base, exponent)
        if count is None or not 1 <= abs(count) <= LONGEST_PRODUCT:
            return self.join("power({}, {})", base, exponent)
        if not base.text.isidentifier():
            base = self.assign("base", base)
        product = self.join(f"({' * '.join(['{}'] * abs(count))})", *[base] * abs(count))
        return product if count > 0 else self.join("({} / {})", _Value("1.0", False), product)


def _integer(node: ast.expr) -> int | None:
    """Return the whole number that is written there, if one is."""
    match node:
        case ast.UnaryOp(operand=ast.Constant(value=value)) if value == int(value):
            return -int(value)
        case ast.Constant(value=value) if value == int(value):
            return int(value)
    return None


def _helpers(text: str) -> str:
    """Return the definitions of those helpers that the text calls."""
    return "".join(
        f'@njit(error_model="numpy")\n{code}\n\n' for name, code in HELPERS.items() if f"{name}(" in text
    )


def _indent(lines: Iterable[str], levels: int) -> str:
    return "".join("    " * levels + line + "\n" for line in lines)


# A step on big vectors


class CompiledRule:
    """A rule that changes flat arrays in place; made by `compile_rule`.

    Call it like the rule itself, with the arguments in the rule's order and hyper-parameters by name:
    ``step(w, g, t, m, v, lr=0.01)``. Arrays are all float32 or all float64, of one shape, contiguous, and
    share no memory. A step on float32 arrays is computed in float32, with constants rounded once.

    Attributes
    ----------
    rule : Rule
    parallel : bool
        Whether a step uses all cores.
    """

    def __init__(self, rule: Rule, exact: bool = False, parallel: bool = False):
        self.rule, self.exact, self.parallel = rule, exact, parallel
        self.arguments = tuple(rule.formula.positional)
        self._arrays = [i for i, name in enumerate(self.arguments) if name != "t"]
        self._kernels: dict[np.dtype, Callable] = {}

    def __repr__(self) -> str:
        return f"<CompiledRule {self.rule.name}({', '.join([*self.arguments, *self.rule.hyper])})>"

    def source(self, dtype=np.float64) -> str:
        """Return the Python text that numba compiles for arrays of this type."""
        return step_source(self.rule, np.dtype(dtype).name, self.exact, self.parallel)

    def state(self, w: np.ndarray) -> list[np.ndarray]:
        """Return new arrays for the rule's state, with its initial values, in the rule's order."""
        return [np.full(np.shape(w), value, dtype=w.dtype) for value in self.rule.state.values()]

    def __call__(self, *args, **hyper) -> None:
        """Make one step in place.

        Parameters
        ----------
        *args
            The rule's positional arguments: arrays, and the number of the step for ``t``.
        **hyper
            Hyper-parameters that differ from the rule's defaults; numbers.

        Raises
        ------
        FormulaError
            For a missing or unknown argument, or arrays that do not fit together.
        """
        if len(args) != len(self.arguments):
            raise FormulaError(
                f"{self.rule.name} got {len(args)} arguments; a compiled step takes all of "
                f"{', '.join(self.arguments)}"
            )
        if hyper and (unknown := hyper.keys() - self.rule.hyper.keys()):
            name = min(unknown)
            raise FormulaError(
                f"{self.rule.name} has no hyper-parameter {name!r}{closest(name, self.rule.hyper)}; "
                f"it has {', '.join(self.rule.hyper)}"
            )
        dtype = getattr(args[0], "dtype", None)
        kernel = self._kernels.get(dtype) or self._compile(dtype)
        self._check(args, dtype)
        given = [
            x.reshape(-1) if name != "t" else float(x) for name, x in zip(self.arguments, args, strict=True)
        ]
        kernel(*given, *(float(hyper.get(name, default)) for name, default in self.rule.hyper.items()))

    def _compile(self, dtype) -> Callable:
        if dtype not in (np.float32, np.float64):
            raise FormulaError(
                f"{self.rule.name} got {self.arguments[0]} of type {dtype}; "
                "expected an array of float32 or float64"
            )
        self._kernels[dtype] = _compile(self.source(dtype), "step", self.parallel)
        return self._kernels[dtype]

    def _check(self, args, dtype) -> None:
        arrays = [args[i] for i in self._arrays]
        shape = arrays[0].shape
        for i in self._arrays:
            array = args[i]
            if getattr(array, "dtype", None) != dtype or array.shape != shape or not array.flags.c_contiguous:
                kind = getattr(array, "dtype", type(array).__name__)
                raise FormulaError(
                    f"{self.rule.name} got {self.arguments[i]} of type {kind} and shape {np.shape(array)}; "
                    f"expected contiguous arrays, all {dtype} of shape {shape}"
                )
        for a, b in itertools.combinations(self._arrays, 2):
            if np.may_share_memory(args[a], args[b]):
                raise FormulaError(
                    f"{self.rule.name}: {self.arguments[a]} and {self.arguments[b]} share memory; "
                    "give each its own array"
                )


def compile_rule(rule: Rule, *, exact: bool = False, parallel: bool = False) -> CompiledRule:
    """Compile a rule for big vectors: one loop that reads and writes every array once.

    Parameters
    ----------
    rule : Rule
        Any rule; what it returns besides the carried quantities is not computed.
    exact : bool, default False
        Divide by constants as written, for results equal to NumPy's to the last bit.
    parallel : bool, default False
        Use all cores. Worth it from about a million numbers on.

    Returns
    -------
    CompiledRule
        Compiles at the first call for a type of numbers, which takes about a second, or reads what an
        earlier session left in the cache folder (`cache_folder`).

    Raises
    ------
    ImportError
        If numba is not installed.
    """
    _numba()
    return CompiledRule(rule, exact, parallel)


def step_source(rule: Rule, dtype: str = "float64", exact: bool = False, parallel: bool = False) -> str:
    """Return the text of a step over flat arrays: constants first, then one loop."""
    names = _Names(["step"])
    writer, formula = _Writer(names, exact), rule.formula
    arguments = {name: names.new(name) for name in (*formula.positional, *formula.keyword)}
    index = names.new("i")
    known = {name: _Value(text, False) for name, text in arguments.items()}
    read = {name for _, node in formula.body for name in _read(node)}
    for name in formula.positional:
        if name != "t" and name in read:
            element = names.new(f"{name}_now")
            writer.lines.append(f"{element} = {arguments[name]}[{index}]")
            known[name] = _Value(element, True)
    known, _ = writer.formula(formula, known)
    stores = [f"{arguments[name]}[{index}] = {writer.text(known[name])}" for name in rule.carried]
    casts = [f"{name} = {dtype}({text})" for text, name in writer.hoisted.items()]
    code = (
        f"def step({', '.join(arguments.values())}):\n"
        + _indent([*writer.constants, *casts], 1)
        + f"    for {index} in {'prange' if parallel else 'range'}({arguments[rule.carried[0]]}.size):\n"
        + _indent([*writer.lines, *stores], 2)
    )
    return f"# The rule `{rule.name}` for {dtype}, written by optimlab.fast.\n\n\n{_helpers(code)}{code}"


def _read(node: ast.expr) -> set[str]:
    return {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}


# A sweep: many runs of a rule on a landscape


class CompiledSweep:
    """A rule and a landscape in one loop over runs; made by `compile_sweep`."""

    def __init__(self, rule: Rule, landscape: Landscape | Formula, exact: bool, parallel: bool):
        self.rule, self.landscape, self.exact, self.parallel = rule, landscape, exact, parallel
        bare = isinstance(landscape, Formula)
        self.gradient = landscape if bare else landscape.formulas["gradient"]
        self.box = None if bare else landscape.box
        self.numbers = self.gradient.keyword if bare else landscape.hyper
        self._kernels: dict[tuple[str, tuple[str, ...]], tuple[Callable, Callable]] = {}

    def __repr__(self) -> str:
        return f"<CompiledSweep {self.rule.name} on {self.landscape!r}>"

    def source(self, over_runs: Iterable[str] = (), dtype=np.float64) -> tuple[str, str]:
        """Return the two texts for hyper-parameters that differ between runs: constants and loop.

        The numbers of the landscape are called ``landscape.b``.
        """
        name = np.dtype(dtype).name
        return sweep_source(
            self.rule, self.gradient, tuple(over_runs), name, self.box, self.exact, self.parallel
        )

    def __call__(self, *, start: ArrayLike | None = None, steps: int = 100, **hyper) -> Descent:
        """Make all steps of all runs: `optimlab.descent.run` with ``record=()``, which says more.

        Parameters
        ----------
        start : array_like, shape (n,) or (n, R), optional
            Where the runs begin; the landscape's ``start`` by default. A float32 array makes the whole sweep
            float32.
        steps : int, default 100
            How many steps each run makes.
        **hyper
            Hyper-parameters of the rule: a number; an array, shape (R,), with one entry per run; or a
            function of the step ``t = 1, 2, ...`` that returns a number, such as a schedule.

        Returns
        -------
        Descent
            With the end of every run, and nothing recorded.

        Raises
        ------
        ValueError
            As `optimlab.descent.run`.
        """
        rule, n = self.rule, len(self.gradient.result)
        dtype = np.dtype(np.float32 if getattr(start, "dtype", None) == np.float32 else np.float64)
        steps = descent._count("steps", steps, 0)
        start = descent._start(self.landscape, None, start)
        if len(start) != n:
            raise FormulaError(
                f"{self.gradient.name} got a start of shape {start.shape}; expected ({n},) or ({n}, R)"
            )
        found = descent._hyper(rule, hyper, steps)
        runs = descent._runs(start, None, found, self.landscape)
        values = {name: np.array(value) for name, (value, _) in found.items()}
        values |= {f"landscape.{n}": np.array(self.numbers[n], float) for n in self.gradient.keyword}
        moving = {name for name, (_, is_series) in found.items() if is_series}
        if wide := [name for name in moving if values[name].ndim > 1]:
            raise FormulaError(
                f"the schedule of {wide[0]} gives one number per run; a compiled sweep takes one for all runs"
            )
        over_runs = tuple(name for name, value in values.items() if value.ndim and name not in moving)
        shape = (n, 1 if runs is None else runs)
        state = {name: np.full(shape, rule.state.get(name, 0.0), dtype) for name in rule.carried}
        state["w"][:] = start.reshape(n, -1)
        made = np.zeros(shape[1], dtype)  # how many steps a run has made before it diverged
        if (dtype.name, over_runs) not in self._kernels:
            self._kernels[dtype.name, over_runs] = self._compile(over_runs, dtype)
        constants, kernel = self._kernels[dtype.name, over_runs]
        once = {name: value for name, value in values.items() if name not in over_runs}
        fixed = [value[()] for value in once.values()]
        moves = [(i, once[name]) for i, name in enumerate(once) if name in moving]
        with np.errstate(all="ignore"):
            # One step at a time, as a run makes them: NumPy's power of many numbers at once may differ from
            # its power of one in the last bit.
            rows = []
            for t in np.arange(1.0, steps + 1):
                for i, series in moves:
                    fixed[i] = series[int(t) - 1]
                rows.append(constants(t, *fixed))
            table = np.array(rows, dtype).reshape(steps, -1)
            kernel(table, *state.values(), *(values[name].astype(dtype) for name in over_runs), made)
        diverged_at = np.where(made < steps, made + 1, 0).astype(int)
        if runs is None:
            state, diverged_at = {name: array[:, 0] for name, array in state.items()}, int(diverged_at[0])
        return Descent(rule, self.landscape, np.arange(steps + 1), {}, state, diverged_at)

    def _compile(self, over_runs: tuple[str, ...], dtype: np.dtype) -> tuple[Callable, Callable]:
        constants, loop = self.source(over_runs, dtype)
        namespace = {**FUNCTIONS, **CONSTANTS, "power": np.power, "inf": np.inf, "nan": np.nan}
        exec(compile(constants, f"<constants of {self.rule.name}>", "exec"), namespace)
        return namespace["constants"], _compile(loop, "sweep", self.parallel)


def compile_sweep(
    rule: Rule, landscape: Landscape | Callable, *, exact: bool = False, parallel: bool = False
) -> CompiledSweep:
    """Compile a rule together with a landscape: all steps of all runs in one call.

    Parameters
    ----------
    rule : Rule
        A rule that carries ``w`` and takes the gradient ``g``. It is taken where the rule says.
    landscape : Landscape, or a function of the small language
        The function is a gradient: it takes one argument per coordinate, then perhaps ``t``, and returns one
        derivative per coordinate.
    exact : bool, default False
        Divide by constants as written: every run is then NumPy's to the last bit, also where the smallest
        difference grows, at up to three times the time.
    parallel : bool, default False
        Spread the runs over all cores.

    Returns
    -------
    CompiledSweep

    Raises
    ------
    FormulaError
        If rule and gradient do not fit.
    ImportError
        If numba is not installed.
    """
    _numba()
    if rule.inputs != ("g",) or "w" not in rule.carried:
        raise FormulaError(f"{rule.name} takes {', '.join(rule.inputs)}; a sweep needs a rule of w and g")
    if not isinstance(landscape, Landscape):
        landscape = landscape if isinstance(landscape, Formula) else read(landscape)
        if len(landscape.result) != len(_coordinates(landscape)):
            raise FormulaError(
                f"{landscape.name} returns {len(landscape.result)} values for "
                f"{len(_coordinates(landscape))} coordinates; return one derivative per coordinate"
            )
    return CompiledSweep(rule, landscape, exact, parallel)


def _coordinates(gradient: Formula) -> list[str]:
    return [name for name in gradient.positional if name != "t"]


def sweep_source(
    rule: Rule,
    gradient: Formula,
    over_runs: tuple[str, ...] = (),
    dtype: str = "float64",
    box: tuple[float, float] | None = None,
    exact: bool = False,
    parallel: bool = False,
) -> tuple[str, str]:
    """Return the texts of what is computed once per step, by NumPy, and of the compiled loop over runs."""
    names = _Names(["sweep", "constants", "min"])
    clock, table, step, block, first, last, run, now, one, zero, goes_on = (
        names.new(name)
        for name in ("t", "table", "step", "block", "first", "last", "r", "now", "one", "zero", "goes_on")
    )
    settings = {name: names.new(name) for name in rule.hyper}
    settings |= {f"landscape.{name}": names.new(name) for name in gradient.keyword}
    whole = {name: names.new(f"all_{name.split('.')[-1]}") for name in (*rule.carried, *over_runs, "made")}
    writer = _Writer(names, exact)
    views: list[str] = []  # one block's rows: only with an index that starts at 0 is the loop vectorized

    def view(name: str, *row: int) -> str:
        target = names.new("_".join([name.split(".")[-1], "block", *map(str, row)]))
        views.append(f"{target} = {whole[name]}[{', '.join([*map(str, row), f'{first}:{last}'])}]")
        return f"{target}[{run}]"

    known = {name: _Value(text, False) for name, text in settings.items()} | {"t": _Value(clock, False)}
    for name in over_runs:
        known[name] = _Value(settings[name], True)
        writer.lines.append(f"{settings[name]} = {view(name)}")
    coordinates, places = [], []
    for i in range(len(gradient.result)):
        places.append({name: view(name, i) for name in rule.carried})
        coordinates.append(
            known | {name: writer.assign(name, _Value(text, True)) for name, text in places[i].items()}
        )
    points = [
        here["w"]
        if rule.look_ahead is None
        else writer.assign("point", writer.expression(rule.look_ahead.result[0], here))
        for here in coordinates
    ]
    given = {name: known[f"landscape.{name}"] for name in gradient.keyword} | {"t": known["t"]}
    given |= zip(_coordinates(gradient), points, strict=True)
    _, slopes = writer.formula(gradient, given)
    slopes = [writer.assign("g", slope) for slope in slopes]
    count, limit = view("made"), writer.text(_Value(repr(LIMIT), False))
    stores, conditions = [], [f"({count} == {now})"]
    for here, place, slope in zip(coordinates, places, slopes, strict=True):
        after, _ = writer.formula(rule.formula, here | {"g": slope})
        if box is not None:
            low, high = (writer.text(_Value(repr(float(edge)), False)) for edge in box)
            after["w"] = _Value(f"minimum(maximum({writer.text(after['w'])}, {low}), {high})", True)
        after["w"] = writer.assign("w", _Value(writer.text(after["w"]), True))
        conditions.append(f"(abs({after['w'].text}) <= {limit})")
        for name in rule.carried:
            new, old = writer.text(after[name]), here[name].text
            stores.append(f"{place[name]} = where({goes_on}, {new}, {old})")
    # A run that would leave the range stands still. Choosing between two values, and counting in the type of
    # the elements, keeps the loop in vector registers.
    stores.insert(0, f"{goes_on} = {' & '.join(conditions)}")
    stores.append(f"{count} += where({goes_on}, {one}, {zero})")
    once = [text for name, text in settings.items() if name not in over_runs]
    constants = (
        f"def constants({', '.join([clock, *once])}):\n"
        + _indent(writer.constants, 1)
        + f"    return [{', '.join(writer.hoisted)}]\n"
    )
    runs = f"{whole['w']}.shape[1]"
    columns = [f"{name} = {table}[{step}, {i}]" for i, name in enumerate(writer.hoisted.values())]
    loop = (
        f"def sweep({', '.join([table, *whole.values()])}):\n"
        f"    {zero}, {one} = {dtype}(0.0), {dtype}(1.0)\n"
        f"    for {block} in {'prange' if parallel else 'range'}(({runs} + {BLOCK - 1}) // {BLOCK}):\n"
        f"        {first} = {block} * {BLOCK}\n"
        f"        {last} = min({first} + {BLOCK}, {runs})\n"
        + _indent(views, 2)
        + f"        for {step} in range({table}.shape[0]):\n"
        + _indent([f"{now} = {dtype}({step})", *columns], 3)
        + f"            for {run} in range({last} - {first}):\n"
        + _indent([*writer.lines, *stores], 4)
    )
    title = f"# A sweep of the rule `{rule.name}`, written by optimlab.fast.\n\n\n"
    return title + constants, title + _helpers(loop) + loop


# From text to machine code


def _numba():
    try:
        import numba
    except ImportError as error:
        raise ImportError(
            "optimlab.fast needs numba; install it with: pip install 'optimlab[fast]'", name="numba"
        ) from error
    return numba


def cache_folder() -> Path | None:
    """Return the folder for compiled code: ``OPTIMLAB_CACHE``, or the user's own; None if unwritable.

    It may be deleted at any time. Without it everything is compiled anew in each session.
    """
    if given := os.environ.get("OPTIMLAB_CACHE"):
        folder = Path(given)
    elif sys.platform == "win32":
        folder = (
            Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local")) / "optimlab" / "Cache"
        )
    elif sys.platform == "darwin":
        folder = Path.home() / "Library" / "Caches" / "optimlab"
    else:
        folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "optimlab"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except OSError:
        return None


@functools.cache
def _compile(source: str, name: str, parallel: bool) -> Callable:
    """Compile the function of that name, and keep text and machine code in the cache folder."""
    numba = _numba()
    versions = f"{sys.version}, NumPy {np.__version__}, numba {numba.__version__}, parallel={parallel}"
    digest = hashlib.sha256(f"{versions}\n{source}".encode()).hexdigest()[:20]
    folder = cache_folder()
    file = _store(folder, f"{digest}.py", source)
    module = ModuleType(f"{__name__}_{digest}")
    sys.modules[module.__name__] = module  # where numba looks for what it finds in the cache
    vars(module).update({name: FUNCTIONS[name] for name in FUNCTIONS.keys() - HELPERS.keys()})
    vars(module).update({name: getattr(numba, name) for name in ("float32", "float64", "njit", "prange")})
    vars(module).update(CONSTANTS, inf=np.inf, nan=np.nan)
    exec(compile(source, str(file or f"<optimlab {digest}>"), "exec"), vars(module))
    options = {"error_model": "numpy", "parallel": parallel}
    if file:
        try:
            return numba.njit(cache=True, **options)(vars(module)[name])
        except (RuntimeError, OSError):  # numba cannot write there after all
            pass
    return numba.njit(**options)(vars(module)[name])


def _store(folder: Path | None, name: str, text: str) -> Path | None:
    """Write a file at once or not at all, so that sessions at the same time do not disturb each other."""
    if folder is None:
        return None
    file = folder / name
    try:
        if not file.exists() or file.read_text(encoding="utf-8") != text:
            with tempfile.NamedTemporaryFile("w", dir=folder, delete=False, encoding="utf-8") as new:
                new.write(text)
            os.replace(new.name, file)
    except OSError:
        return None
    return file
