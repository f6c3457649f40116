"""The small language in which a data file says how a number comes about.

    numbers        0.9  1e-8
    names          givens, traced quantities, a row's own numbers (``t``), ``pi``
    arithmetic     + - * / **  unary minus  parentheses
    functions      sqrt abs exp log sin cos floor ceil, of one number or of a slice
                   sum mean of a slice, min max of a slice or of several numbers
                   reach(theta, 20): where a series is first at least 20, counted from 1; else infinite
    steps          v[3]  v[t-1]  theta[1:t]     both ends belong to the slice, as in mathematics
    one of several runs      raw.v[t]
    a printed figure         p["v"]  p["day 2", "v"]  p["other-example", "day 2", "v"]

An expression is parsed by Python's own parser, checked node by node and computed in float64.
Nothing is ever handed to ``eval``.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from ..format import number
from ._error import WalkthroughError, nearest


def _reach(pair) -> float:
    """Return where a series is first at least a level, counted from 1; infinite if it never is."""
    series, level = pair
    reached = np.flatnonzero(np.atleast_1d(series) >= level)
    return np.float64(reached[0] + 1 if len(reached) else np.inf)


PRINTED = "p"
CONSTANTS = {"pi": np.pi}
FUNCTIONS: dict[str, Callable] = {
    "sqrt": np.sqrt,
    "abs": np.abs,
    "exp": np.exp,
    "log": np.log,
    "sin": np.sin,
    "cos": np.cos,
    "floor": np.floor,
    "ceil": np.ceil,
    "sum": np.sum,
    "mean": np.mean,
    "min": np.min,
    "max": np.max,
    "reach": _reach,
}
_ARGUMENTS = {"reach": 2}

_OPERATORS: dict[type, Callable] = {
    ast.Add: np.add,
    ast.Sub: np.subtract,
    ast.Mult: np.multiply,
    ast.Div: np.divide,
    ast.Pow: np.float_power,
}
_LANGUAGE = (
    "use numbers, names, + - * / **, "
    + ", ".join(FUNCTIONS)
    + ', v[t], theta[1:t], run.v[t] and p["row", "name"]'
)

Reference = tuple[str | int, ...]
"""What stands between the brackets of ``p[...]``."""


@dataclass(frozen=True)
class Series:
    """A quantity over steps: its values, the step that the first one belongs to, and its name.

    A traced quantity also holds its start, one step before the first; it has to be said whether
    that is meant, so a traced quantity is never used whole.
    """

    name: str
    values: np.ndarray
    first: int = 1
    traced: bool = False

    @property
    def last(self) -> int:
        """The last step."""
        return self.first + len(self.values) - 1

    def at(self, step: int) -> np.float64:
        """Return the value at a step."""
        return self.values[self.position(step)]

    def position(self, step: int) -> int:
        """Return where a step stands in the values, or refuse a step that there is not."""
        if not self.first <= step <= self.last:
            raise WalkthroughError(
                f"{self.name}[{step}] does not exist; {self.name} has {self.first} to {self.last}"
            )
        return step - self.first


@dataclass(frozen=True)
class Scope:
    """What the names of an expression stand for.

    Attributes
    ----------
    names : mapping
        Name to number, array or Series.
    runs : mapping
        Run to its own names.
    printed : callable
        Reference to the number that ``p[...]`` stands for.
    """

    names: Mapping[str, object]
    runs: Mapping[str, Mapping[str, object]]
    printed: Callable[[Reference], float]


class Expression:
    """A parsed expression.

    Parameters
    ----------
    text : str or number
        The expression as written in the data file.

    Attributes
    ----------
    names : set of str
        The plain names it reads.
    fields : set of (str, str)
        The quantities of named runs it reads, as (run, quantity).
    references : list of tuple
        The printed figures it reads, in order.

    Raises
    ------
    WalkthroughError
        If the text is not an expression of the language.
    """

    def __init__(self, text: str | float):
        self.text = str(text).strip()
        try:
            self.node = ast.parse(self.text, mode="eval").body
        except (SyntaxError, ValueError, RecursionError) as error:
            raise WalkthroughError(f"{self.text!r} is not an expression; {_LANGUAGE}") from error
        self.names: set[str] = set()
        self.fields: set[tuple[str, str]] = set()
        self.references: list[Reference] = []
        self._check(self.node)

    def __repr__(self) -> str:
        return f"<Expression {self.text}>"

    def _check(self, node: ast.expr) -> None:
        match node:
            case ast.Constant(value=value) if isinstance(value, int | float) and not isinstance(value, bool):
                pass
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
                self._check(left)
                self._check(right)
            case ast.UnaryOp(op=ast.USub() | ast.UAdd(), operand=operand):
                self._check(operand)
            case ast.Call(func=ast.Name(id=name), args=args, keywords=[]):
                if name not in FUNCTIONS:
                    raise WalkthroughError(f"{self.text!r} calls {name!r}; {nearest(name, FUNCTIONS)}")
                expected = _ARGUMENTS.get(name, 1)
                if name in ("min", "max"):
                    expected = max(1, len(args))
                if len(args) != expected:
                    raise WalkthroughError(
                        f"{self.text!r} gives {name} {len(args)} arguments; expected {expected}"
                    )
                for argument in args:
                    self._check(argument)
            case ast.Subscript(value=ast.Name(id="p"), slice=key):
                self.references.append(self._reference(key))
            case ast.Subscript(value=ast.Name() | ast.Attribute() as series, slice=index):
                self._check(series)
                if isinstance(index, ast.Slice):
                    if index.lower is None or index.upper is None or index.step is not None:
                        raise WalkthroughError(
                            f"{self.text!r} has an open slice; write both ends, such as theta[1:5]"
                        )
                    self._check(index.lower)
                    self._check(index.upper)
                else:
                    self._check(index)
            case ast.Name(id="p"):
                raise WalkthroughError(
                    f'{self.text!r} uses p alone; write the figure meant, such as p["day 2", "v"]'
                )
            case ast.Name(id=name):
                self.names.add(name)
            case ast.Attribute(value=ast.Name(id=run), attr=quantity) if not quantity.startswith("_"):
                self.fields.add((run, quantity))
            case _:
                part = ast.unparse(node)
                raise WalkthroughError(
                    f"{self.text!r} holds `{part}`, which is not in the language; {_LANGUAGE}"
                )

    def _reference(self, key: ast.expr) -> Reference:
        parts = key.elts if isinstance(key, ast.Tuple) else [key]
        values = tuple(part.value if isinstance(part, ast.Constant) else None for part in parts)
        words = values[:-1] if len(values) > 1 and type(values[-1]) is int else values
        if not 1 <= len(words) <= 3 or not all(isinstance(word, str) for word in words):
            raise WalkthroughError(
                f'{self.text!r} holds p[{ast.unparse(key)}]; expected p["name"], p["row", "name"] or '
                'p["example", "row", "name"], with a number at the end where a name stands twice in a row'
            )
        return values

    @property
    def is_reference(self) -> bool:
        """Whether it is a printed figure and nothing more."""
        return isinstance(self.node, ast.Subscript) and bool(self.references)

    def check_names(self, names: Mapping | set, runs: Mapping[str, set]) -> None:
        """Refuse names that the scope will not have."""
        for name in sorted(self.names - set(names) - set(CONSTANTS)):
            hint = "; say which step is meant with `at: {t: ...}` in the row" if name == "t" else ""
            raise WalkthroughError(
                f"{self.text!r} reads {name!r}, which has no value{hint}; {nearest(name, names)}"
            )
        for run, quantity in sorted(self.fields):
            if run not in runs:
                raise WalkthroughError(f"{self.text!r} reads the run {run!r}; {nearest(run, runs)}")
            if quantity not in runs[run]:
                raise WalkthroughError(
                    f"{self.text!r} reads {quantity!r} of the run {run!r}; {nearest(quantity, runs[run])}"
                )

    def value(self, scope: Scope) -> np.float64 | np.ndarray:
        """Return what the expression gives: a number, or an array where slices stay unsummed."""
        with np.errstate(all="ignore"):
            return self._value(self.node, scope)

    def number(self, scope: Scope) -> float:
        """Return the one number that the expression gives."""
        value = self.value(scope)
        if np.ndim(value) != 0:
            raise WalkthroughError(
                f"{self.text!r} gives {np.size(value)} numbers; expected one: pick a step or sum them"
            )
        return float(value)

    def _value(self, node: ast.expr, scope: Scope):
        match node:
            case ast.Constant(value=value):
                return np.float64(value)
            case ast.BinOp(left=left, op=op, right=right):
                return _OPERATORS[type(op)](self._value(left, scope), self._value(right, scope))
            case ast.UnaryOp(op=op, operand=operand):
                value = self._value(operand, scope)
                return -value if isinstance(op, ast.USub) else value
            case ast.Call(func=ast.Name(id=name), args=args):
                values = [self._value(argument, scope) for argument in args]
                return FUNCTIONS[name](values[0] if len(values) == 1 else values)
            case ast.Subscript(value=ast.Name(id="p"), slice=key):
                return np.float64(scope.printed(self._reference(key)))
            case ast.Subscript(value=series, slice=ast.Slice(lower=lower, upper=upper)):
                found = self._series(series, scope)
                low, high = self._step(lower, scope), self._step(upper, scope)
                return found.values[found.position(low) : found.position(high) + 1]
            case ast.Subscript(value=series, slice=index):
                return self._series(series, scope).at(self._step(index, scope))
            case _:
                found = self._lookup(node, scope)
                if not isinstance(found, Series):
                    return np.asarray(found, dtype=np.float64)[()]
                if found.traced:
                    raise WalkthroughError(
                        f"{self.text!r} uses all of {found.name}; say which steps: "
                        f"{found.name}[{found.first + 1}:{found.last}], or from {found.first} with the start"
                    )
                return found.values

    def _lookup(self, node: ast.expr, scope: Scope):
        if isinstance(node, ast.Attribute):
            return scope.runs[node.value.id][node.attr]
        return CONSTANTS[node.id] if node.id in CONSTANTS else scope.names[node.id]

    def _series(self, node: ast.expr, scope: Scope) -> Series:
        found = self._lookup(node, scope)
        if not isinstance(found, Series):
            raise WalkthroughError(
                f"{self.text!r} picks a step of {ast.unparse(node)}, which is a single number"
            )
        return found

    def _step(self, node: ast.expr, scope: Scope) -> int:
        step = self._value(node, scope)
        if np.ndim(step) or not float(step).is_integer():
            raise WalkthroughError(f"{self.text!r} picks the step {step}; expected a whole number")
        return int(step)

    def cell(self, scope: Scope) -> tuple[str | None, str, int] | None:
        """Return (run, quantity, step) where this is one traced quantity at one step, else None.

        The run is None where the quantity goes by its plain name; steps are numbered as in expressions.
        """
        match self.node:
            case ast.Subscript(value=ast.Name(id=name)) if name == PRINTED:
                return None
            case ast.Subscript(slice=ast.Slice()):
                return None
            case ast.Subscript(value=ast.Name() | ast.Attribute() as node, slice=index):
                series = self._series(node, scope)
                if not series.traced:
                    return None
                run, quantity = (
                    (node.value.id, node.attr) if isinstance(node, ast.Attribute) else (None, node.id)
                )
                return run, quantity, self._step(index, scope)
        return None

    def function_of(self, free: Mapping[str, str], scope: Scope) -> str:
        """Return the expression as arithmetic text in a few free names, all else worked out.

        Parameters
        ----------
        free : mapping of str to str
            A name of the expression, with or without a step, to the name that stands for it in the text.
        scope : Scope
            What all other names mean.

        Returns
        -------
        str
            Numbers, the free names, ``+ - * / **`` and parentheses: the same in Python and in JavaScript.
        """

        def each(make: Callable[..., str], *parts: str | list[str]) -> str | list[str]:
            if not any(isinstance(part, list) for part in parts):
                return make(*parts)
            count = max(len(part) for part in parts if isinstance(part, list))
            columns = [part if isinstance(part, list) else [part] * count for part in parts]
            return [make(*row) for row in zip(*columns, strict=True)]

        def write(node: ast.expr) -> str | list[str]:
            if not any(isinstance(part, ast.Name) and part.id in free for part in ast.walk(node)):
                value = self._value(node, scope)
                return [repr(float(v)) for v in value] if np.ndim(value) else repr(float(value))
            match node:
                case ast.Name(id=name) | ast.Subscript(value=ast.Name(id=name)):
                    return free[name]
                case ast.BinOp(left=left, op=op, right=right):
                    sign = ast.unparse(ast.BinOp(ast.Name("a"), op, ast.Name("b"))).split(" ")[1]
                    return each(lambda a, b: f"({a} {sign} {b})", write(left), write(right))
                case ast.UnaryOp(op=ast.USub(), operand=operand):
                    return each(lambda a: f"(-{a})", write(operand))
                case ast.Call(func=ast.Name(id="mean" | "sum" as name), args=[argument]):
                    terms = write(argument)
                    total = f"({' + '.join(terms)})"
                    return f"({total} / {len(terms)})" if name == "mean" else total
            raise WalkthroughError(
                f"{self.text!r} uses {ast.unparse(node)} of what changes with the run; "
                "use + - * / **, sum and mean"
            )

        return write(self.node)

    def spelled(self, scope: Scope, digits: int = 12) -> str:
        """Return the expression with a number in place of every name, as a reader would check it."""

        def spell(node: ast.expr) -> ast.expr:
            match node:
                case ast.BinOp(left=left, op=op, right=right):
                    left = spell(left)
                    if isinstance(op, ast.Pow) and isinstance(left, ast.Name) and left.id.startswith("-"):
                        left = ast.Name(f"({left.id})")  # -2 ** 2 would be read as -4
                    return ast.BinOp(left, op, spell(right))
                case ast.UnaryOp(op=op, operand=operand):
                    return ast.UnaryOp(op, spell(operand))
                case ast.Call(func=func, args=args) if not any(_holds_slice(a, scope) for a in args):
                    return ast.Call(func, [spell(a) for a in args], [])
                case _:
                    return ast.Name(number(self._value(node, scope), digits))

        return ast.unparse(ast.fix_missing_locations(ast.Expression(spell(self.node))))


def _holds_slice(node: ast.expr, scope: Scope) -> bool:
    """Whether an argument is over many steps, so that only its sum or mean is one number."""
    whole = (n.id for n in ast.walk(node) if isinstance(n, ast.Name))
    return any(isinstance(n, ast.Slice) for n in ast.walk(node)) or any(
        isinstance(scope.names.get(name), Series) for name in whole if name not in CONSTANTS
    )
