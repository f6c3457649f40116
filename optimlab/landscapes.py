"""Landscapes to descend: value, gradient and Hessian, each written once as a plain formula.

    rosenbrock.value([-1.5, 2.0])            a point is an array of shape (n,),
    rosenbrock.gradient(points)              or (n, R) with one run per column
    ravine.using(kappa=100)                  the same landscape with other numbers
    himmelblau.minima                        where it is lowest, and every other stationary point it has
    rosenbrock.javascript()                  the same three formulas for the browser

The values come first, sorted from simple to hard; what the Hessian says about a point is at the end. Some
landscapes change with the step (``online``): their value and gradient also take ``t = 1, 2, ...``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy import cos, exp, floor, sin, where
from numpy.typing import ArrayLike

from .formula import Formula, FormulaError, closest, read
from .translate import javascript_of_results, latex_name, latex_of_results


@dataclass(frozen=True)
class Point:
    """A point of a landscape that is worth knowing.

    Attributes
    ----------
    w : tuple of float
        Where it is.
    value : float or None
        The value there; None where it changes with the step.
    kind : str
        "minimum", "maximum", "saddle" or "undecided", as `classify` says, or what is known beyond that.
    """

    w: tuple[float, ...]
    value: float | None
    kind: str


class Landscape:
    """A function of one or two weights with its first and second derivatives.

    Made by `landscape` from a function of the small language: positional arguments are the coordinates, and
    last ``t`` if it changes with the step; keyword-only arguments are its numbers, with defaults.

    Attributes
    ----------
    name : str
        The function's name.
    coordinates : tuple of str
        Their names; how many there are is the dimension ``n``.
    hyper : dict
        The numbers of the formula. They may be arrays over runs.
    online : bool
        Whether it changes with the step ``t``.
    window : tuple of (float, float)
        For each coordinate the range that is worth drawing.
    start : tuple of float
        A point that is worth starting from.
    box : (float, float) or None
        The range to which weights are confined, if that is part of the problem.
    formulas : dict
        The `Formula` of "value", "gradient" and "hessian". The Hessian's results are its upper triangle, row
        by row.
    """

    def __init__(self, function: Callable, window, start, box=None):
        formula = read(function)
        self.name = formula.name
        self.__doc__ = function.__doc__
        self.coordinates = tuple(name for name in formula.positional if name != "t")
        self.online = "t" in formula.positional
        self.hyper = dict(formula.keyword)
        self.window, self.start, self.box = window, start, box
        self.formulas: dict[str, Formula] = {}
        self._compute: dict[str, Callable[..., tuple]] = {}
        self._points: Callable[..., list] = lambda **hyper: []
        where_ = f"{formula.file}, line {formula.line}: {formula.name}"
        if missing := [name for name, value in self.hyper.items() if value is None]:
            raise FormulaError(f"{where_} gives {', '.join(missing)} no default; the numbers need one")
        if len(self.window) != self.dimension or len(self.start) != self.dimension:
            raise FormulaError(f"{where_} needs one range and one start for each of {self.coordinates}")
        self._add("value", formula, 1)

    def _add(self, what: str, formula: Formula, results: int) -> None:
        where_ = f"{formula.file}, line {formula.line}: the {what} of {self.name}"
        expected = [*self.coordinates, *(["t"] if self.online else [])]
        if list(formula.positional) != expected:
            raise FormulaError(
                f"{where_} takes {', '.join(formula.positional)}; expected {', '.join(expected)}"
            )
        if unknown := [name for name in formula.keyword if name not in self.hyper]:
            raise FormulaError(
                f"{where_} takes {', '.join(unknown)}; {self.name} has {', '.join(self.hyper)}"
            )
        if len(formula.result) != results:
            raise FormulaError(f"{where_} returns {len(formula.result)} values; expected {results}")
        self.formulas[what] = formula

    def _bound(self, what: str) -> Callable[..., tuple]:
        if what not in self._compute:  # compiled when it is first asked for: the import stays quick
            self._compute[what] = self.formulas[what].bind_results()
        return self._compute[what]

    def has_gradient(self, function: Callable) -> Callable:
        """Declare the gradient, one result per coordinate; a decorator."""
        self._add("gradient", read(function), self.dimension)
        return function

    def has_hessian(self, function: Callable) -> Callable:
        """Declare the Hessian, its upper triangle row by row; a decorator."""
        self._add("hessian", read(function), self.dimension * (self.dimension + 1) // 2)
        return function

    def has_points(self, function: Callable) -> Callable:
        """Declare the stationary points; a decorator.

        The function takes the numbers of the landscape and returns a list of points, each with what it is
        where the Hessian cannot say: ``[((0, 0), "saddle")]``.
        """
        self._points = function
        return function

    @property
    def dimension(self) -> int:
        """How many coordinates a point has."""
        return len(self.coordinates)

    def using(self, **hyper) -> Landscape:
        """Return the same landscape with other numbers.

        Raises
        ------
        FormulaError
            For a number that it does not have, or that is not finite.
        """
        for name, value in hyper.items():
            if name not in self.hyper:
                raise FormulaError(
                    f"{self.name} has no number {name!r}{closest(name, self.hyper)}; "
                    f"it has {', '.join(self.hyper) or 'none'}"
                )
            try:
                finite = np.all(np.isfinite(np.asarray(value, float)))
            except (TypeError, ValueError):
                finite = False
            if not finite:
                raise FormulaError(f"{self.name} got {name}={value!r}; expected finite numbers")
        other = object.__new__(Landscape)
        other.__dict__.update(self.__dict__)
        other.hyper = self.hyper | hyper
        return other

    def _numbers(self, what: str) -> list:
        return [
            value if isinstance(value, int | float) else np.asarray(value, float)
            for value in (self.hyper[name] for name in self.formulas[what].keyword)
        ]

    def _results(self, what: str, w: ArrayLike, t: float | None) -> tuple[np.ndarray, tuple]:
        if what not in self.formulas:
            raise ValueError(f"{self.name} declares no {what}; add it with @{self.name}.has_{what}")
        w = np.asarray(w, float)
        if w.ndim == 0 or len(w) != self.dimension:
            raise ValueError(
                f"{self.name} got a point of shape {w.shape}; expected ({self.dimension},), or "
                f"({self.dimension}, R) for R runs: coordinates first"
            )
        if self.online != (t is not None):
            raise ValueError(
                f"{self.name} changes with the step: give t=1, 2, ..."
                if self.online
                else f"{self.name} does not change with the step; leave out t={t!r}"
            )
        clock = [np.float64(t)] if self.online else []
        with np.errstate(all="ignore"):
            return w, self._bound(what)(*w, *clock, *self._numbers(what))

    def value(self, w: ArrayLike, t: float | None = None):
        """Return the value at a point.

        Parameters
        ----------
        w : array_like, shape (n,) or (n, ...)
            One point, or many with one per column.
        t : float, optional
            The step, for a landscape that changes with it.

        Returns
        -------
        float or ndarray, shape (...)

        Raises
        ------
        ValueError
            If the point has another number of coordinates, or ``t`` is missing or not wanted.
        """
        w, (result,) = self._results("value", w, t)
        shape = np.broadcast_shapes(w.shape[1:], np.shape(result))
        return np.broadcast_to(result, shape).copy() if shape else float(result)

    def gradient(self, w: ArrayLike, t: float | None = None) -> np.ndarray:
        """Return the gradient at a point, of the shape of the point; see `value`."""
        w, results = self._results("gradient", w, t)
        shape = np.broadcast_shapes(w.shape[1:], *map(np.shape, results))
        return np.array([np.broadcast_to(result, shape) for result in results], float)

    def hessian(self, w: ArrayLike, t: float | None = None) -> np.ndarray:
        """Return the Hessian at a point, of shape (n, n), or (n, n, ...) for many; see `value`."""
        w, results = self._results("hessian", w, t)
        n = self.dimension
        shape = np.broadcast_shapes(w.shape[1:], *map(np.shape, results))
        matrix = np.empty((n, n, *shape))
        for (i, j), result in zip(zip(*np.triu_indices(n), strict=True), results, strict=True):
            matrix[i, j] = matrix[j, i] = result
        return matrix

    def slope(self) -> Callable:
        """Return the gradient as a bare function of ``w`` and ``t``, for loops: it checks nothing."""
        compute, numbers, online = self._bound("gradient"), self._numbers("gradient"), self.online

        def gradient(w: np.ndarray, t) -> np.ndarray:
            clock = (t,) if online else ()
            out = np.empty_like(w)
            for i, result in enumerate(compute(*w, *clock, *numbers)):
                out[i] = result
            return out

        return gradient

    @property
    def points(self) -> list[Point]:
        """The points worth knowing: stationary ones, and for a confined problem the best."""
        if any(np.ndim(value) for value in self.hyper.values()):
            raise ValueError(f"{self.name} has an array of numbers; its points are those of many landscapes")
        found = []
        for entry in self._points(**self.hyper):
            w, kind = entry if isinstance(entry[0], tuple) else (entry, None)
            w = tuple(map(float, w))
            value = None if self.online else self.value(w)
            if kind is None:
                kind = classify(self.hessian(w, 1 if self.online else None))
            found.append(Point(w, value, kind))
        return found

    @property
    def minima(self) -> list[Point]:
        """Those of the points that are minima, the lowest first."""
        minima = [point for point in self.points if point.kind == "minimum"]
        return sorted(minima, key=lambda point: point.value or 0.0)

    def __repr__(self) -> str:
        arguments = [*self.coordinates, *(["t"] if self.online else [])]
        arguments += [f"{name}={value!r}" for name, value in self.hyper.items()]
        return f"<Landscape {self.name}({', '.join(arguments)})>"

    def _repr_latex_(self) -> str:
        return f"$${self.latex()}$$"

    def latex(self, what: str = "value") -> str:
        """Return one of the formulas as LaTeX.

        Parameters
        ----------
        what : {"value", "gradient", "hessian"}, default "value"
        """
        if what not in self.formulas:
            raise ValueError(
                f"{self.name} has no {what!r}{closest(what, self.formulas)}; "
                f"it has {', '.join(self.formulas)}"
            )
        names = [latex_name(name) for name in self.coordinates]
        function = "f_{t}" if self.online else "f"
        top = rf"\partial {function}"
        if what == "value":
            left = [rf"{function}({', '.join(names)})"]
        elif what == "gradient":
            left = [rf"\frac{{{top}}}{{\partial {name}}}" for name in names]
        else:
            top = rf"\partial^2 {function}"
            left = [
                rf"\frac{{{top}}}{{\partial {names[i]}^2}}"
                if i == j
                else rf"\frac{{{top}}}{{\partial {names[i]} \, \partial {names[j]}}}"
                for i, j in zip(*np.triu_indices(len(names)), strict=True)
            ]
        return latex_of_results(self.formulas[what], left)

    def javascript(self) -> str:
        """Return the text of a JavaScript object with ``value``, ``gradient`` and ``hessian``.

        Each is a function ``(w, hyper, t)`` of the list of coordinates, of an object with other numbers (may
        be left out), and of the step. The object also has ``name``, ``coordinates``, ``hyper``, ``window``,
        ``start``, ``box`` and ``online``. The text is an expression in parentheses.
        """
        if arrays := [name for name, value in self.hyper.items() if np.ndim(value)]:
            raise ValueError(f"{self.name} has arrays for {', '.join(arrays)}; JavaScript needs numbers")
        place = [f"{name}: w[{i}]" for i, name in enumerate(self.coordinates)]
        answers = {"value": "[0]", "gradient": "", "hessian": ""}
        numbers = ", ".join(f"{name}: {float(value)!r}" for name, value in self.hyper.items())
        lines = [
            f"name: {_text(self.name)}",
            f"coordinates: [{', '.join(map(_text, self.coordinates))}]",
            f"hyper: {{{numbers}}}",
            f"window: [{', '.join(f'[{low!r}, {high!r}]' for low, high in self.window)}]",
            f"start: [{', '.join(repr(float(x)) for x in self.start)}]",
            f"box: {'null' if self.box is None else list(self.box)}",
            f"online: {'true' if self.online else 'false'}",
        ]
        for what, formula in self.formulas.items():
            given = ", ".join([*place, *filter(None, [numbers]), "...hyper", "t"])
            call = f"({javascript_of_results(formula)})({{{given}}})"
            if what == "hessian":
                upper = {pair: k for k, pair in enumerate(zip(*np.triu_indices(self.dimension), strict=True))}
                rows = [
                    f"[{', '.join(f'h[{upper[min(i, j), max(i, j)]}]' for j in range(self.dimension))}]"
                    for i in range(self.dimension)
                ]
                call = f"((h) => [{', '.join(rows)}])({call})"
            lines.append(f"{what}: (w, hyper = {{}}, t = 1) => {call}{answers[what]}")
        return "({\n" + ",\n".join(lines) + "\n})"


def _text(text: str) -> str:
    return f'"{text}"'


def landscape(
    window: tuple[tuple[float, float], ...], start: tuple[float, ...], box: tuple[float, float] | None = None
) -> Callable[[Callable], Landscape]:
    """Make a landscape from a function of the small language; a decorator.

    Parameters
    ----------
    window : tuple of (float, float)
        For each coordinate the range that is worth drawing.
    start : tuple of float
        A point that is worth starting from.
    box : (float, float), optional
        The range to which weights are confined, if that is part of the problem.
    """
    return lambda function: Landscape(function, window, start, box)


# Quadratics.


@landscape(window=((-3.0, 3.0), (-2.0, 2.0)), start=(-2.5, 1.5))
def ravine(x, y, *, kappa=10.0):
    """Ravine: a quadratic that is ``kappa`` times as steep across as along; the condition number."""
    return x**2 + kappa * y**2


@ravine.has_gradient
def _(x, y, *, kappa):
    return 2 * x, 2 * kappa * y


@ravine.has_hessian
def _(x, y, *, kappa):
    return 2, 0, 2 * kappa


@ravine.has_points
def _(kappa):
    return [(0, 0)]


@landscape(window=((-3.0, 3.0), (-3.0, 3.0)), start=(-2.5, 0.5))
def rotated(x, y, *, kappa=10.0, angle=0.5):
    """Rotated ravine: turned by ``angle`` radians, so that the steep direction is no weight's own."""
    along = cos(angle) * x + sin(angle) * y
    across = cos(angle) * y - sin(angle) * x
    return along**2 + kappa * across**2


@rotated.has_gradient
def _(x, y, *, kappa, angle):
    along = cos(angle) * x + sin(angle) * y
    across = cos(angle) * y - sin(angle) * x
    return (
        2 * cos(angle) * along - 2 * kappa * sin(angle) * across,
        2 * sin(angle) * along + 2 * kappa * cos(angle) * across,
    )


@rotated.has_hessian
def _(x, y, *, kappa, angle):
    c = cos(angle)
    s = sin(angle)
    return 2 * c**2 + 2 * kappa * s**2, 2 * (1 - kappa) * c * s, 2 * s**2 + 2 * kappa * c**2


@rotated.has_points
def _(kappa, angle):
    return [(0, 0)]


@landscape(window=((-10.0, 10.0), (-10.0, 10.0)), start=(-8.0, 4.0))
def matyas(x, y):
    """Matyas: a quadratic plate with condition number 25 along the diagonals."""
    return 0.26 * (x**2 + y**2) - 0.48 * x * y


@matyas.has_gradient
def _(x, y):
    return 0.52 * x - 0.48 * y, 0.52 * y - 0.48 * x


@matyas.has_hessian
def _(x, y):
    return 0.52, -0.48, 0.52


@matyas.has_points
def _():
    return [(0, 0)]


@landscape(window=((-10.0, 10.0), (-10.0, 10.0)), start=(-8.0, -6.0))
def booth(x, y):
    """Booth: a quadratic bowl away from the origin, with condition number 9."""
    return (x + 2 * y - 7) ** 2 + (2 * x + y - 5) ** 2


@booth.has_gradient
def _(x, y):
    return 10 * x + 8 * y - 34, 8 * x + 10 * y - 38


@booth.has_hessian
def _(x, y):
    return 10, 8, 10


@booth.has_points
def _():
    return [(1, 3)]


# Least squares.


@landscape(window=((0.0, 10.0),), start=(3.0,))
def four_points(w, *, x1=2.0, x2=1.0, x3=3.0, x4=0.5, y1=10.0, y2=5.0, y3=15.0, y4=2.5):
    """Mean squared error of the line ``w * x`` at the four points of the notes, which lie on ``5 * x``."""
    return ((w * x1 - y1) ** 2 + (w * x2 - y2) ** 2 + (w * x3 - y3) ** 2 + (w * x4 - y4) ** 2) / 4


@four_points.has_gradient
def _(w, *, x1, x2, x3, x4, y1, y2, y3, y4):
    return ((w * x1 - y1) * x1 + (w * x2 - y2) * x2 + (w * x3 - y3) * x3 + (w * x4 - y4) * x4) / 2


@four_points.has_hessian
def _(w, *, x1, x2, x3, x4):
    return (x1**2 + x2**2 + x3**2 + x4**2) / 2


@four_points.has_points
def _(x1, x2, x3, x4, y1, y2, y3, y4):
    return [((x1 * y1 + x2 * y2 + x3 * y3 + x4 * y4) / (x1**2 + x2**2 + x3**2 + x4**2),)]


@landscape(window=((0.0, 10.0),), start=(3.0,))
def four_points_online(w, t, *, x1=2.0, x2=1.0, x3=3.0, x4=0.5, y1=10.0, y2=5.0, y3=15.0, y4=2.5):
    """Squared error at one of the four points, one after the other: batches of size 1, in order."""
    i = t - 1 - 4 * floor((t - 1) / 4)
    x = where(i == 0, x1, where(i == 1, x2, where(i == 2, x3, x4)))
    y = where(i == 0, y1, where(i == 1, y2, where(i == 2, y3, y4)))
    return (w * x - y) ** 2


@four_points_online.has_gradient
def _(w, t, *, x1, x2, x3, x4, y1, y2, y3, y4):
    i = t - 1 - 4 * floor((t - 1) / 4)
    x = where(i == 0, x1, where(i == 1, x2, where(i == 2, x3, x4)))
    y = where(i == 0, y1, where(i == 1, y2, where(i == 2, y3, y4)))
    return 2 * (w * x - y) * x


@four_points_online.has_hessian
def _(w, t, *, x1, x2, x3, x4):
    i = t - 1 - 4 * floor((t - 1) / 4)
    x = where(i == 0, x1, where(i == 1, x2, where(i == 2, x3, x4)))
    return 2 * x**2


@four_points_online.has_points
def _(x1, x2, x3, x4, y1, y2, y3, y4):
    return [((x1 * y1 + x2 * y2 + x3 * y3 + x4 * y4) / (x1**2 + x2**2 + x3**2 + x4**2),)]


@landscape(window=((0.0, 10.0), (-5.0, 5.0)), start=(3.0, 3.0))
def four_points_line(w, b, *, x1=2.0, x2=1.0, x3=3.0, x4=0.5, y1=10.0, y2=5.0, y3=15.0, y4=2.5):
    """Mean squared error of the line ``w * x + b`` at the four points: the same with an intercept."""
    e1 = w * x1 + b - y1
    e2 = w * x2 + b - y2
    e3 = w * x3 + b - y3
    e4 = w * x4 + b - y4
    return (e1**2 + e2**2 + e3**2 + e4**2) / 4


@four_points_line.has_gradient
def _(w, b, *, x1, x2, x3, x4, y1, y2, y3, y4):
    e1 = w * x1 + b - y1
    e2 = w * x2 + b - y2
    e3 = w * x3 + b - y3
    e4 = w * x4 + b - y4
    return (e1 * x1 + e2 * x2 + e3 * x3 + e4 * x4) / 2, (e1 + e2 + e3 + e4) / 2


@four_points_line.has_hessian
def _(w, b, *, x1, x2, x3, x4):
    return (x1**2 + x2**2 + x3**2 + x4**2) / 2, (x1 + x2 + x3 + x4) / 2, 2


@four_points_line.has_points
def _(x1, x2, x3, x4, y1, y2, y3, y4):
    x, y = (x1 + x2 + x3 + x4) / 4, (y1 + y2 + y3 + y4) / 4
    above = (x1 - x) * (y1 - y) + (x2 - x) * (y2 - y) + (x3 - x) * (y3 - y) + (x4 - x) * (y4 - y)
    w = above / ((x1 - x) ** 2 + (x2 - x) ** 2 + (x3 - x) ** 2 + (x4 - x) ** 2)
    return [(w, y - w * x)]


@landscape(window=((-1.0, 3.0), (-1.0, 3.0)), start=(-0.5, -0.5))
def sparse_dense(x, y, *, share=0.1):
    """Least squares with a dense and a sparse feature: ``y`` counts in the given share of examples only.

    Every example has the dense feature. The target is the sum of the features that it has.
    """
    return (1 - share) * (x - 1) ** 2 + share * (x + y - 2) ** 2


@sparse_dense.has_gradient
def _(x, y, *, share):
    return 2 * (1 - share) * (x - 1) + 2 * share * (x + y - 2), 2 * share * (x + y - 2)


@sparse_dense.has_hessian
def _(x, y, *, share):
    return 2, 2 * share, 2 * share


@sparse_dense.has_points
def _(share):
    return [(1, 1)]


@landscape(window=((-1.0, 3.0), (-1.0, 3.0)), start=(-0.5, -0.5))
def sparse_dense_online(x, y, t, *, period=10.0):
    """Examples of `sparse_dense` one by one: every ``period``-th has the sparse feature."""
    sparse = where(t == period * floor(t / period), 1, 0)
    return (x - 1 + sparse * (y - 1)) ** 2


@sparse_dense_online.has_gradient
def _(x, y, t, *, period):
    sparse = where(t == period * floor(t / period), 1, 0)
    error = x - 1 + sparse * (y - 1)
    return 2 * error, 2 * error * sparse


@sparse_dense_online.has_hessian
def _(x, y, t, *, period):
    sparse = where(t == period * floor(t / period), 1, 0)
    return 2, 2 * sparse, 2 * sparse


@sparse_dense_online.has_points
def _(period):
    return [((1, 1), "minimum")]  # of the mean; one example alone leaves a line of them


# One weight.


@landscape(window=((-1.8, 1.8),), start=(1.6,))
def double_well(x, *, tilt=0.3):
    """Double well: two minima with a hill between them; the tilt makes the left one the lower."""
    return x**4 - 2 * x**2 + tilt * x


@double_well.has_gradient
def _(x, *, tilt):
    return 4 * x**3 - 4 * x + tilt


@double_well.has_hessian
def _(x):
    return 12 * x**2 - 4


@double_well.has_points
def _(tilt):
    roots = np.roots([4, 0, -4, tilt])
    return [(float(root),) for root in np.sort(roots.real[np.abs(roots.imag) < 1e-9])]


@landscape(window=((-1.0, 1.0),), start=(0.0,), box=(-1.0, 1.0))
def reddi(x, t, *, C=3.0):  # noqa: N803 (the paper's letter)
    """Lines on which Adam goes the wrong way: steep up at every third step, gently down at the others.

    Three steps together rise by ``(C - 2) * x``, so that -1 is the best point between -1 and 1. Adam
    without a memory of squares longer than the period goes to +1. Source: Reddi, Kale and Kumar (2018),
    theorem 1.
    """
    return where(t - 3 * floor(t / 3) == 1, C * x, -x)


@reddi.has_gradient
def _(x, t, *, C):  # noqa: N803
    return where(t - 3 * floor(t / 3) == 1, C, -1)


@reddi.has_hessian
def _(x, t):
    return 0


@reddi.has_points
def _(C):  # noqa: N803
    return [((-1,), "minimum")] if C > 2 else []  # at the edge of the box


# Curved and flat.


@landscape(window=((-4.0, 4.0), (-4.0, 4.0)), start=(2.0, 1.0))
def plateau(x, y, *, sigma=1.0):
    """Plateau: a pit of width ``sigma`` in a plane on which the gradient vanishes."""
    return 1 - exp(-(x**2 + y**2) / (2 * sigma**2))


@plateau.has_gradient
def _(x, y, *, sigma):
    depth = exp(-(x**2 + y**2) / (2 * sigma**2))
    return x * depth / sigma**2, y * depth / sigma**2


@plateau.has_hessian
def _(x, y, *, sigma):
    depth = exp(-(x**2 + y**2) / (2 * sigma**2))
    return (
        (1 - x**2 / sigma**2) * depth / sigma**2,
        -x * y * depth / sigma**4,
        (1 - y**2 / sigma**2) * depth / sigma**2,
    )


@plateau.has_points
def _(sigma):
    return [(0, 0)]


@landscape(window=((-4.0, 4.0), (-2.0, 2.0)), start=(-3.5, 1.0))
def canal(x, y, *, steep=10.0, slope=0.05):
    """Canal: a winding bed along a sine, with steep banks and hardly any fall."""
    return steep * (y - sin(x)) ** 2 + slope * x**2


@canal.has_gradient
def _(x, y, *, steep, slope):
    off = y - sin(x)
    return 2 * slope * x - 2 * steep * off * cos(x), 2 * steep * off


@canal.has_hessian
def _(x, y, *, steep, slope):
    off = y - sin(x)
    return 2 * slope + 2 * steep * (cos(x) ** 2 + off * sin(x)), -2 * steep * cos(x), 2 * steep


@canal.has_points
def _(steep, slope):
    return [(0, 0)]


@landscape(window=((-2.0, 2.0), (-1.0, 3.0)), start=(-1.5, 2.0))
def rosenbrock(x, y, *, a=1.0, b=100.0):
    """Rosenbrock: a bent valley along a parabola; its bed is found at once, its lowest point is not.

    Source: Rosenbrock (1960).
    """
    return (a - x) ** 2 + b * (y - x**2) ** 2


@rosenbrock.has_gradient
def _(x, y, *, a, b):
    off = y - x**2
    return -2 * (a - x) - 4 * b * x * off, 2 * b * off


@rosenbrock.has_hessian
def _(x, y, *, b):
    return 2 - 4 * b * (y - 3 * x**2), -4 * b * x, 2 * b


@rosenbrock.has_points
def _(a, b):
    return [(a, a**2)]


@landscape(window=((-1.0, 4.5), (-1.5, 1.5)), start=(1.0, 1.0))
def beale(x, y):
    """Beale: a flat valley with one minimum, between walls that rise with the sixth power.

    Source: Beale (1958).
    """
    return (1.5 - x + x * y) ** 2 + (2.25 - x + x * y**2) ** 2 + (2.625 - x + x * y**3) ** 2


@beale.has_gradient
def _(x, y):
    a = 1.5 - x + x * y
    b = 2.25 - x + x * y**2
    c = 2.625 - x + x * y**3
    return (
        2 * a * (y - 1) + 2 * b * (y**2 - 1) + 2 * c * (y**3 - 1),
        2 * a * x + 4 * b * x * y + 6 * c * x * y**2,
    )


@beale.has_hessian
def _(x, y):
    a = 1.5 - x + x * y
    b = 2.25 - x + x * y**2
    c = 2.625 - x + x * y**3
    mixed = 2 * x * (y - 1) + 4 * x * y * (y**2 - 1) + 6 * x * y**2 * (y**3 - 1)
    return (
        2 * (y - 1) ** 2 + 2 * (y**2 - 1) ** 2 + 2 * (y**3 - 1) ** 2,
        2 * a + 4 * b * y + 6 * c * y**2 + mixed,
        2 * x**2 + 4 * b * x + 8 * x**2 * y**2 + 12 * c * x * y + 18 * x**2 * y**4,
    )


@beale.has_points
def _():
    return [(3, 0.5), (0, 1)]


@landscape(window=((-5.0, 5.0), (-5.0, 5.0)), start=(0.0, 0.0))
def himmelblau(x, y):
    """Himmelblau: four minima of value 0, four saddles and a hill: where a run ends depends on its start.

    Source: Himmelblau (1972).
    """
    return (x**2 + y - 11) ** 2 + (x + y**2 - 7) ** 2


@himmelblau.has_gradient
def _(x, y):
    a = x**2 + y - 11
    b = x + y**2 - 7
    return 4 * a * x + 2 * b, 2 * a + 4 * b * y


@himmelblau.has_hessian
def _(x, y):
    a = x**2 + y - 11
    b = x + y**2 - 7
    return 4 * a + 8 * x**2 + 2, 4 * x + 4 * y, 4 * b + 8 * y**2 + 2


@himmelblau.has_points
def _():
    # Found by Newton's method: minima, saddles, the hill.
    return [
        (3.0, 2.0),
        (3.5844283403304917, -1.8481265269644036),
        (-3.779310253377747, -3.2831859912861696),
        (-2.805118086952745, 3.131312518250573),
        (3.385154183607021, 0.07385187983774928),
        (0.08667750455539634, 2.884254701174776),
        (-3.0730257507643897, -0.08135304428796751),
        (-0.12796134673068005, -1.9537149802445766),
        (-0.2708445906673476, -0.9230385564799815),
    ]


# No minimum.


@landscape(window=((-2.0, 2.0), (-2.0, 2.0)), start=(1.5, 0.001))
def saddle(x, y):
    """Saddle: a minimum along one axis, a maximum along the other; it falls without end."""
    return x**2 - y**2


@saddle.has_gradient
def _(x, y):
    return 2 * x, -2 * y


@saddle.has_hessian
def _(x, y):
    return 2, 0, -2


@saddle.has_points
def _():
    return [(0, 0)]


@landscape(window=((-1.5, 1.5), (-1.5, 1.5)), start=(1.0, 0.01))
def monkey_saddle(x, y):
    """Monkey saddle: three valleys meet at a point where gradient and Hessian are both zero."""
    return x**3 - 3 * x * y**2


@monkey_saddle.has_gradient
def _(x, y):
    return 3 * x**2 - 3 * y**2, -6 * x * y


@monkey_saddle.has_hessian
def _(x, y):
    return 6 * x, -6 * y, -6 * x


@monkey_saddle.has_points
def _():
    return [((0, 0), "saddle")]  # the Hessian is zero and decides nothing


LANDSCAPES: dict[str, Landscape] = {
    value.name: value for value in list(vars().values()) if isinstance(value, Landscape)
}


def find(name: str) -> Landscape:
    """Return the landscape of that name.

    Raises
    ------
    FormulaError
        If no landscape has that name; the message gives the nearest and all known names.
    """
    if name not in LANDSCAPES:
        raise FormulaError(
            f"there is no landscape {name!r}{closest(name, LANDSCAPES)}; known are {', '.join(LANDSCAPES)}"
        )
    return LANDSCAPES[name]


# What the Hessian says.


def eigenvalues(hessian: ArrayLike) -> np.ndarray:
    """Return the eigenvalues of a Hessian in rising order: the curvatures along its own axes.

    Parameters
    ----------
    hessian : array_like, shape (n, n) or (n, n, ...)
        Symmetric; many are stacked on the last axes, as `Landscape.hessian` gives them.

    Returns
    -------
    ndarray, shape (n,) or (n, ...)

    Raises
    ------
    ValueError
        If it is not square, not symmetric or not finite.
    """
    hessian = np.asarray(hessian, float)
    if hessian.ndim < 2 or hessian.shape[0] != hessian.shape[1]:
        raise ValueError(f"got a Hessian of shape {hessian.shape}; expected (n, n), or (n, n, R) for R runs")
    if not np.all(np.isfinite(hessian)):
        raise ValueError("got a Hessian that is not finite; look at the point that it was taken at")
    # Relative to the largest entry: a product such as X.T @ X is symmetric to rounding only.
    slack = 1e-9 * np.max(np.abs(hessian), initial=0)
    if not np.allclose(hessian, np.swapaxes(hessian, 0, 1), rtol=0, atol=slack):
        raise ValueError("got a Hessian that is not symmetric; it is a matrix of second derivatives")
    last = np.moveaxis(hessian, (0, 1), (-2, -1))
    return np.moveaxis(np.linalg.eigvalsh(last), -1, 0)


def classify(hessian: ArrayLike) -> str:
    """Say what a stationary point is, from the signs of the Hessian's eigenvalues.

    Parameters
    ----------
    hessian : array_like, shape (n, n)
        At a point where the gradient is zero.

    Returns
    -------
    str
        "minimum" (all positive), "maximum" (all negative), "saddle" (both signs), or "undecided": no sign
        change, but an eigenvalue that is zero within 1e-9 of the largest.
    """
    values = eigenvalues(hessian)
    zero = 1e-9 * np.max(np.abs(values))
    up, down = np.any(values > zero), np.any(values < -zero)
    if up and down:
        return "saddle"
    if np.any(np.abs(values) <= zero):
        return "undecided"
    return "minimum" if up else "maximum"


def condition_number(hessian: ArrayLike):
    """Return the largest curvature over the smallest, both without sign; infinity if one is zero."""
    values = np.sort(np.abs(eigenvalues(hessian)), axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        return (values[-1] / values[0])[()]


def stability_limit(hessian: ArrayLike):
    """Return ``2 / largest eigenvalue``: on a quadratic, gradient descent shrinks its error below this rate.

    At the limit itself the run jumps to and fro; above it, it diverges. Infinity where no curvature is
    positive.
    """
    largest = eigenvalues(hessian)[-1]
    with np.errstate(divide="ignore"):
        return np.where(largest > 0, 2 / largest, np.inf)[()]


def best_rate(hessian: ArrayLike):
    """Return ``2 / (smallest + largest eigenvalue)``: on a quadratic, the fastest rate of gradient descent.

    The error then shrinks by ``(kappa - 1) / (kappa + 1)`` per step at worst.

    Raises
    ------
    ValueError
        If a curvature is not positive: there is then no minimum to go to.
    """
    values = eigenvalues(hessian)
    if not np.all(values[0] > 0):
        raise ValueError(f"the smallest eigenvalue is {values[0]}; a best rate needs all of them positive")
    return (2 / (values[0] + values[-1]))[()]
