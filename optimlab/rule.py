"""What a rule is: one plain function that makes one step, and everything derived from it.

    @Rule
    def momentum(w, g, v=0.0, *, lr=0.01, beta=0.9):
        v = beta * v + g
        w = w - lr * v
        return w, v

The signature says what each argument is:

    carried      returned by the step and handed to the next one: the weight ``w``, and the
                 state, which has its initial value as default (``v=0.0``)
    inputs       handed in anew at every step, such as the gradient ``g``
    t            the number of the step, counted from 1, where the rule uses it
    hyper        keyword-only, with defaults: ``lr``, ``beta``

``momentum(w, g, v)`` makes a step on floats, arrays or tensors. ``momentum.trace(w=1.0, g=[...])``
makes many and keeps every quantity that the function names. ``momentum.latex()`` and
``momentum.javascript()`` are the same text as mathematics and for the browser.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping

import numpy as np

from . import format
from .formula import Formula, FormulaError, closest, read


class Rule:
    """An update rule: one plain function, and everything derived from it.

    Parameters
    ----------
    function : callable
        A function of the small language of `optimlab.formula`. Positional arguments come
        first (carried quantities, inputs, ``t``), hyper-parameters are keyword-only, and it
        returns the carried quantities in the order of the signature, then any outputs.

    Attributes
    ----------
    name : str
        The function's name.
    carried : tuple of str
        What a step hands to the next one, in order.
    outputs : tuple of str
        What a step returns besides, such as a corrected average; the next step does not see it.
    state : dict
        The carried quantities that have an initial value, with that value.
    inputs : tuple of str
        What is handed in at every step.
    hyper : dict
        Hyper-parameters and their defaults.
    quantities : tuple of str
        Every name that the step assigns, in order.
    uses_t : bool
        Whether the rule reads the number of the step.
    look_ahead : Formula or None
        Where the gradient is taken, if not at the weight (see `gradient_at`).

    Raises
    ------
    FormulaError
        If the function cannot be translated or its signature does not say what is carried.
    """

    def __init__(self, function: Callable):
        functools.update_wrapper(self, function)
        self._take(function, read(function))
        if not self.carried:
            raise FormulaError(
                f"{self.formula.file}, line {self.formula.line}: {self.name} returns none of its arguments; "
                "return what the next step starts from, under the argument's name: w = ..., then return w"
            )

    @classmethod
    def of_the_step(cls, formula: Formula) -> Rule:
        """Return a rule that carries nothing: what it returns depends on the number of the step alone."""
        rule = cls.__new__(cls)
        rule.__doc__, rule.__qualname__ = formula.doc, formula.name
        rule._take(formula.function, formula)
        return rule

    def _take(self, function: Callable, formula: Formula) -> None:
        self.function = function
        self.formula = formula
        self.name = formula.name
        where = f"{formula.file}, line {formula.line}: {formula.name}"
        returned = [getattr(node, "id", None) for node in formula.result]
        if None in returned:
            raise FormulaError(f"{where} returns an expression; assign it to a name and return the name")
        if "t" in (*returned, *formula.assigned) or formula.positional.get("t") is not None:
            raise FormulaError(f"{where}: t is the number of the step; a rule only reads it")
        if lost := [name for name in returned if name not in (*formula.positional, *formula.assigned)]:
            raise FormulaError(
                f"{where} returns {', '.join(lost)}, which a step does not change; leave it out"
            )
        self.carried = tuple(name for name in formula.positional if name in returned)
        self.outputs = tuple(name for name in returned if name not in formula.positional)
        self.state = {name: value for name, value in formula.positional.items() if value is not None}
        self.uses_t = "t" in formula.positional
        self.inputs = tuple(n for n in formula.positional if n not in (*returned, "t", *self.state))
        self.hyper = dict(formula.keyword)
        self.quantities = formula.assigned
        self.look_ahead: Formula | None = None
        if lost := [name for name in self.state if name not in returned]:
            raise FormulaError(
                f"{where} has the state {', '.join(lost)} but does not return it; add it to the return"
            )
        if tuple(returned) != (*self.carried, *self.outputs):
            raise FormulaError(
                f"{where} returns {', '.join(returned)}; return what is carried first, in the order of the "
                f"signature: {', '.join((*self.carried, *self.outputs))}"
            )
        if missing := [name for name, value in self.hyper.items() if value is None]:
            raise FormulaError(f"{where} gives {', '.join(missing)} no default; hyper-parameters need one")

    def gradient_at(self, function: Callable) -> Callable:
        """Declare where the gradient is taken, for rules that look ahead; a decorator.

        Parameters
        ----------
        function : callable
            Takes carried quantities by their names and hyper-parameters as keywords, and returns the
            point as one expression.

        Raises
        ------
        FormulaError
            If it takes anything else, or returns more than the point.
        """
        formula = read(function)
        where = f"{formula.file}, line {formula.line}: {formula.name}"
        if foreign := [name for name in formula.positional if name not in self.carried]:
            raise FormulaError(
                f"{where} takes {', '.join(foreign)}; {self.name} carries {', '.join(self.carried)}"
            )
        if foreign := [name for name in formula.keyword if name not in self.hyper]:
            raise FormulaError(f"{where} takes {', '.join(foreign)}; {self.name} has {', '.join(self.hyper)}")
        if formula.body or len(formula.result) != 1:
            raise FormulaError(f"{where} must be one `return` of one expression, the point")
        self.look_ahead = formula
        return function

    def point(self, carried: Mapping, hyper: Mapping):
        """Return where the next gradient is taken: at the weight ``w``, or where `gradient_at` says."""
        if self.look_ahead is None:
            return carried["w"]
        here = {name: carried[name] for name in self.look_ahead.positional}
        return self.look_ahead.function(**here, **{name: hyper[name] for name in self.look_ahead.keyword})

    def check(self, **hyper) -> None:
        """Refuse hyper-parameters that the rule does not have or that lie outside their range.

        The plain call and `trace` compute with whatever they get: they show what goes wrong. What trains
        with a rule checks first.

        Raises
        ------
        FormulaError
            Naming the hyper-parameter, what was given and what is expected.
        """
        for name, value in hyper.items():
            if name not in self.hyper:
                raise FormulaError(
                    f"{self.name} has no hyper-parameter {name!r}{closest(name, self.hyper)}; "
                    f"it has {', '.join(self.hyper)}"
                )
            within, expected = _range(name)
            if not callable(value) and not np.all(within(_numbers(self, name, value))):
                raise FormulaError(f"{self.name} got {name}={value!r}; expected {expected}")

    def __call__(self, *args, **kwargs):
        """Make one step: the function itself."""
        return self.function(*args, **kwargs)

    def __repr__(self) -> str:
        return f"<Rule {self.name}({', '.join([*self.formula.positional, *self.formula.keyword])})>"

    def __reduce__(self) -> str:
        return self.__qualname__  # pickled and copied by name, like the function that it is

    def _repr_latex_(self) -> str:
        return f"$${self.latex()}$$"

    def latex(self) -> str:
        """Return the rule as LaTeX, one aligned line per assignment, with time indices and hats."""
        from .translate import latex

        return latex(self)

    def javascript(self) -> str:
        """Return the rule as the text of a JavaScript function of one object, returning one object."""
        from .translate import javascript

        return javascript(self.formula)

    @functools.cached_property
    def everything(self) -> Callable[..., dict]:
        """The step as a function that returns every assigned name in a dict."""
        return self.formula.bind()

    def trace(self, *, steps: int | None = None, **given) -> Trace:
        """Make steps and keep every quantity of every one.

        Parameters
        ----------
        steps : int, optional
            How many steps; needed only where no input is a sequence.
        **given
            Every argument of the rule by its name. An input: a sequence with one entry per
            step (entries may be arrays), or a function of the weight ``w`` (a gradient; it is
            taken where the rule says, see `gradient_at`). A carried quantity: its starting value,
            which the state has already.
            A hyper-parameter: a number, an array over runs (runs on the last axis), or a
            function of the step number ``t = 1, 2, ...`` (a schedule).

        Returns
        -------
        Trace
            One float64 array per name, indexed by the step; index 0 is the start.

        Raises
        ------
        FormulaError
            For an unknown or missing argument, for what is not numbers, or for inputs of different
            lengths.
        """
        known = [name for name in (*self.formula.positional, *self.hyper) if name != "t"]
        for name in given:
            if name not in known:
                raise FormulaError(
                    f"{self.name} has no argument {name!r}{closest(name, known)}; it has {', '.join(known)}"
                )
        if lost := [n for n in (*self.carried, *self.inputs) if n not in given and n not in self.state]:
            raise FormulaError(
                f"{self.name} needs {', '.join(lost)}; pass each by name, such as {lost[0]}=..."
            )
        fed = {name: given[name] for name in self.inputs}
        series = {}
        for name, value in fed.items():
            if callable(value) and "w" not in self.carried:
                raise FormulaError(
                    f"{self.name} carries no w that {name} could be a function of; pass {name} as a sequence"
                )
            if not callable(value):
                series[name] = _numbers(self, name, value)
                if np.ndim(series[name]) == 0:
                    raise FormulaError(
                        f"{self.name} got {name}={value!r}; an input is a sequence with one entry per step"
                    )
        lengths = {name: len(value) for name, value in series.items()}
        if len(set(lengths.values())) > 1:
            raise FormulaError(
                f"the inputs of {self.name} differ in length: {lengths}; give one entry per step"
            )
        if steps is not None and steps < 0:
            raise FormulaError(f"{self.name} got steps={steps}; expected 0 or more")
        if lengths and steps is not None and steps > min(lengths.values()):
            raise FormulaError(f"{self.name} got steps={steps} but inputs of length {lengths}")
        if steps is None:
            if not lengths:
                raise FormulaError(f"{self.name} cannot tell how many steps to make; pass steps=...")
            steps = min(lengths.values())
        now = {name: _numbers(self, name, given.get(name, self.state.get(name))) for name in self.carried}
        hyper = {}
        for name, default in self.hyper.items():
            value = given.get(name, default)
            hyper[name] = value if callable(value) else _numbers(self, name, value)

        rows = [dict(now)]
        with np.errstate(all="ignore"):
            for t in range(1, steps + 1):
                clock = {"t": np.float64(t)} if self.uses_t else {}
                set_now = {
                    name: _numbers(self, name, value(t)) if callable(value) else value
                    for name, value in hyper.items()
                }
                step = {
                    name: _numbers(self, name, value(np.copy(self.point(now, set_now))[()]))
                    if callable(value)
                    else series[name][t - 1]
                    for name, value in fed.items()
                }
                row = self.everything(**now, **step, **clock, **set_now)
                now = {name: row.get(name, now[name]) for name in self.carried}
                rows.append({**step, **row, **now})
        names = [*self.inputs, *(n for n in self.carried if n not in self.quantities), *self.quantities]
        return Trace(self, {name: _stack([row.get(name) for row in rows]) for name in names})


def _range(name: str) -> tuple[Callable, str]:
    """Return a test for the values that a hyper-parameter may take, by its name, and the range in words."""
    if name in {"rho", "momentum"} or name.startswith("beta"):
        return lambda x: (x >= 0) & (x < 1), "a share: at least 0 and less than 1"
    if name.startswith("nu"):
        return lambda x: (x >= 0) & (x <= 1), "a share from 0 to 1"
    return lambda x: (x >= 0) & np.isfinite(x), "a finite number, at least 0"


def _numbers(rule: Rule, name: str, value) -> np.ndarray:
    """Return a copy of the value as float64, or say which argument is not numbers."""
    try:
        # A copy, because a gradient may hand out the same array at every step.
        array = np.array(value, dtype=np.float64)
    except (TypeError, ValueError):
        array = None
    if value is None or array is None:
        raise FormulaError(f"{rule.name} got {name}={value!r}; expected a number or an array of numbers")
    return array[()]


def _stack(values: list) -> np.ndarray:
    """Stack one quantity's values over the steps; NaN where it has no value (at the start)."""
    shape = np.broadcast_shapes(*(np.shape(value) for value in values if value is not None))
    filled = [np.full(shape, np.nan) if value is None else np.broadcast_to(value, shape) for value in values]
    return np.array(filled, dtype=np.float64)


class Trace(Mapping):
    """Every quantity of a run, step by step: a mapping from name to an array indexed by the step.

    Index 0 is the start: the initial value of what is carried, NaN for everything else.
    """

    def __init__(self, rule: Rule, columns: dict[str, np.ndarray]):
        self.rule, self._columns = rule, columns

    def __getitem__(self, name: str) -> np.ndarray:
        try:
            return self._columns[name]
        except KeyError:
            known = ", ".join(self._columns)
            raise KeyError(
                f"{self.rule.name} has no quantity {name!r}{closest(name, self)}; it has {known}"
            ) from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns)

    def __len__(self) -> int:
        return len(self._columns)

    @property
    def steps(self) -> int:
        """How many steps were made."""
        return len(next(iter(self._columns.values()))) - 1

    def table(self, digits: int = 6, first: int = 1) -> str:
        """Return the run as an aligned text table, one line per step.

        Parameters
        ----------
        digits : int, default 6
            Significant digits.
        first : int, default 1
            The number that the first step has in the example it belongs to.
        """
        columns = {
            name + (f"[{','.join(map(str, index))}]" if index else ""): column[(slice(None), *index)]
            for name, column in self._columns.items()
            for index in np.ndindex(column.shape[1:])
        }
        rows = [[t + first - 1, *(column[t] for column in columns.values())] for t in range(self.steps + 1)]
        # What has no value before the first step leaves its cell empty.
        rows[0] = [None if np.isnan(value) else value for value in rows[0]]
        return format.table(["t", *columns], rows, digits)

    def __repr__(self) -> str:
        return self.table()
