"""Run a rule: on a landscape, on a gradient of your own, or on gradients that are given.

    path = run(adam, rosenbrock, steps=200, lr=0.05)
    path["w"]                        every weight on the way, shape (201, 2)
    path.value, path.diverged        where it ended, and whether it got lost

    sweep = grid(lr=np.geomspace(1e-4, 1, 100), beta1=[0.0, 0.5, 0.9, 0.99])
    runs = run(adam, rosenbrock, steps=100, record=(), **sweep)
    sweep.fold(runs.value)           shape (100, 4)

One run and ten thousand are the same call: where a hyper-parameter is an array, or the start has columns,
every entry is a run. All runs advance together, on the last axis; each gives exactly what it gives alone.
"""

from __future__ import annotations

import ast
import copy
import functools
import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from . import clipping
from .formula import CONSTANTS, Formula, closest, compiled
from .landscapes import Landscape
from .schedules import check_length

if TYPE_CHECKING:
    from .rule import Rule

# A weight beyond this is lost: a landscape's value there is still a number, so that it can be drawn.
LIMIT = 1e12
# Runs advance in blocks whose arrays stay in the processor's cache and below the size from which
# the allocator asks the system for memory at every operation: numbers per array.
BLOCK = 8192


class Grid(Mapping):
    """Every combination of some hyper-parameters, one run each: made by `grid`.

    A mapping from the name to an array of shape (R,), so that ``run(..., **grid)`` takes it.

    Attributes
    ----------
    axes : dict of str to ndarray
        The values of each hyper-parameter, in the order of the axes.
    shape : tuple of int
        How many values each has.
    """

    def __init__(self, axes: dict[str, np.ndarray]):
        self.axes = axes
        self.shape = tuple(len(values) for values in axes.values())
        columns = np.meshgrid(*axes.values(), indexing="ij")
        self._columns = {name: column.ravel() for name, column in zip(axes, columns, strict=True)}

    def __getitem__(self, name: str) -> np.ndarray:
        return self._columns[name]

    def __iter__(self):
        return iter(self._columns)

    def __len__(self) -> int:
        return len(self._columns)

    def __repr__(self) -> str:
        return f"<Grid of {' × '.join(f'{len(v)} {n}' for n, v in self.axes.items())}>"

    def fold(self, values: ArrayLike) -> np.ndarray:
        """Give the last axis, one entry per run, the shape of the grid."""
        values = np.asarray(values)
        if values.shape[-1:] != (math.prod(self.shape),):
            raise ValueError(
                f"got values of shape {values.shape}; expected {math.prod(self.shape)} on the last axis"
            )
        return values.reshape(*values.shape[:-1], *self.shape)


def grid(**axes: ArrayLike) -> Grid:
    """Combine every value of each hyper-parameter with every value of the others.

    Parameters
    ----------
    **axes : array_like, shape (K,)
        The values of each hyper-parameter, by its name.

    Returns
    -------
    Grid

    Raises
    ------
    ValueError
        If nothing is given, or an axis is not a list of numbers.
    """
    if not axes:
        raise ValueError("grid got nothing; give each hyper-parameter its values, such as lr=[0.01, 0.1]")
    arrays = {}
    for name, values in axes.items():
        array = _numbers(f"grid got {name}", values)
        if array.ndim != 1 or not len(array):
            raise ValueError(
                f"grid got {name} of shape {array.shape}; expected a list of at least one number"
            )
        arrays[name] = array
    return Grid(arrays)


class Descent:
    """What a run left behind: its last state, and what was recorded on the way.

    ``descent["w"]`` is what was recorded under that name, an array with the recorded steps on the first
    axis. The attributes hold the end, also where nothing was recorded.

    Attributes
    ----------
    rule : Rule
        What was run.
    t : ndarray of int, shape (K,)
        The recorded steps; 0 is the start.
    w : ndarray, shape (n,) or (n, R)
        The last weights. Those of a diverged run are the last before it was lost.
    state : dict of str to ndarray
        Everything that the rule carries, at the end.
    diverged : bool or ndarray of bool, shape (R,)
        Whether a weight became infinite, undefined or larger than 1e12.
    diverged_at : int or ndarray of int, shape (R,)
        The step that would have done so, which was not made: from there on the run stands still. 0 for a run
        that did not diverge.
    """

    def __init__(self, rule, on, t, records, state, diverged_at):
        self.rule, self.t, self.state = rule, t, state
        self.w = state["w"]
        self.diverged_at = diverged_at
        self.diverged = diverged_at > 0
        self._on, self._records = on, records

    @property
    def value(self):
        """The landscape's value at the end, one per run.

        Raises
        ------
        ValueError
            If the rule was not run on a landscape, or on one that changes with the step.
        """
        if not isinstance(self._on, Landscape) or self._on.online:
            raise ValueError("only a run on a landscape that does not change has a value; compute it from w")
        return self._on.value(self.w)

    def __getitem__(self, name: str) -> np.ndarray:
        try:
            return self._records[name]
        except KeyError:
            kept = ", ".join(self._records) or "nothing"
            raise KeyError(f"{name!r} was not recorded, but {kept}; give record=({name!r},)") from None

    def __repr__(self) -> str:
        runs = self.w.shape[1] if self.w.ndim == 2 else 1
        lost = int(np.sum(self.diverged))
        name = self._on.name if isinstance(self._on, Landscape) else "given gradients"
        return f"<Descent of {self.rule.name} on {name}: {runs} run{'s' * (runs > 1)}, {lost} diverged>"


def run(
    rule: Rule,
    on: Landscape | Callable | Sequence | np.ndarray,
    *,
    start: ArrayLike | None = None,
    steps: int | None = None,
    record: Sequence[str] = ("w",),
    every: int = 1,
    clip_norm: float | None = None,
    clip_value: float | None = None,
    box: tuple[float, float] | None = None,
    **hyper,
) -> Descent:
    """Run a rule and return where it went.

    Parameters
    ----------
    rule : Rule
        A rule that carries a weight ``w`` and takes one gradient ``g``.
    on : Landscape, callable, or array_like of shape (T, n) or (T, n, R)
        What gives the gradients: a landscape; a function of ``w``, or of ``w`` and an argument ``t`` without
        default, that returns an array of the shape of ``w``; or one gradient for each step. Numbers in a
        list, shape (T,), are gradients of one weight.
    start : array_like, shape (n,) or (n, R), optional
        Where to start; the landscape's ``start`` by default, and zero for given gradients.
    steps : int, optional
        How many steps to make; 100 by default, or as many as there are gradients.
    record : sequence of str, default ("w",)
        What to keep: anything that the rule carries, is given (``"g"``) or computes, and ``"value"`` for the
        landscape's value (that of the step, where it changes; the start has that of step 0). ``()`` keeps
        the end only.
    every : int, default 1
        Keep every so many steps, counted from the start, step 0. What has no value at the start is NaN there.
    clip_norm, clip_value : float, optional
        Clip every gradient, by its norm first, then by value; each run by its own norm.
    box : (float, float), optional
        After every step move each weight into this range; the landscape's ``box`` by default.
    **hyper
        The rule's hyper-parameters: a number; an array of shape (R,), one entry per run (see `grid`); or a
        function of ``t = 1, 2, ...``, such as a schedule, that returns either.

    Returns
    -------
    Descent

    Raises
    ------
    ValueError
        For an unknown or impossible hyper-parameter, for what does not fit in shape, for a given gradient
        that is not finite, for a schedule that ends before the run does. The message says what was
        given, what is expected and what to do.

    Notes
    -----
    A run diverges when a weight becomes infinite, undefined or larger than 1e12. That is a result, not an
    error, and no warning is shown.
    """
    if not ("w" in rule.carried and rule.inputs == ("g",)):
        raise ValueError(
            f"{rule.name} carries {', '.join(rule.carried)} and takes {', '.join(rule.inputs) or 'nothing'}; "
            "a descent needs a rule with a weight w and a gradient g"
        )
    given = None if isinstance(on, Landscape) or callable(on) else _given_gradients(on)
    steps = _count("steps", (100 if given is None else len(given)) if steps is None else steps, 0)
    every = _count("every", every, 1)
    if given is not None and steps > len(given):
        raise ValueError(f"got steps={steps} but {len(given)} gradients; give one gradient for each step")
    if isinstance(on, Landscape) and box is None:
        box = on.box
    for name, limit in (("clip_norm", clip_norm), ("clip_value", clip_value)):
        if limit is not None and not (np.ndim(limit) == 0 and limit >= 0):
            raise ValueError(f"got {name}={limit!r}; expected one number, at least 0, or None")
    start = _start(on, given, start)
    hyper = _hyper(rule, hyper, steps)
    runs = _runs(start, given, hyper, on)
    shape = start.shape[:1] if runs is None else (start.shape[0], runs)
    if runs is not None:
        start = np.broadcast_to(start if start.ndim == 2 else start[:, None], shape)

    records = _names(rule, on, record)
    kept = np.arange(0, steps + 1, every)
    state = {
        name: np.array(np.broadcast_to(rule.state.get(name, 0.0), shape), float) for name in rule.carried
    }
    state["w"] = np.array(start, float)
    books = {
        name: np.full((len(kept), *(shape[1:] if name == "value" else shape)), np.nan) for name in records
    }
    diverged_at = np.zeros(shape[1:], int)

    loop = _Loop(rule, hyper, tuple(name for name in records if name != "value"))
    loop.steps, loop.every = steps, every
    loop.clip_norm, loop.clip_value = clip_norm, clip_value
    loop.box = None if box is None else _box(box)
    # What a function of the caller's does with the runs is not known, so it sees all of them at once.
    whole = runs is None or callable(on)
    width = max(1, BLOCK // shape[0])
    blocks = [...] if whole or runs <= width else [slice(i, i + width) for i in range(0, runs, width)]
    with np.errstate(all="ignore"):
        for block in blocks:
            here = {name: _cut(array, block) for name, array in state.items()}
            pages = {name: _cut(array, block) for name, array in books.items()}
            if isinstance(on, Landscape):
                loop.descend(on.using(**{name: _cut(value, block) for name, value in on.hyper.items()}))
            elif given is not None:
                loop.given = _cut(given, block) if given.ndim == 3 else given
            else:
                loop.gradient = _checked(on, shape)
            diverged_at[block] = loop.run(here, pages, block)
            for name, array in here.items():
                if block is ...:
                    state[name] = array
                else:
                    state[name][:, block] = array
    return Descent(rule, on, kept, books, state, diverged_at if runs is not None else int(diverged_at))


class _Plan:
    """One rule's step, compiled for runs in which the same hyper-parameters move and the same is wanted.

    The step returns what is carried and what is to be recorded, no more. Whatever depends on
    hyper-parameters alone is computed once per run; whatever depends on them and on ``t``, once per step,
    on single numbers where the hyper-parameters are.
    """

    def __init__(self, rule: Rule, moving: tuple[str, ...], wanted: tuple[str, ...]):
        formula = rule.formula
        fixed = [name for name in rule.hyper if name not in moving]
        changing = [*moving, *(("t",) if rule.uses_t else ())]
        # What is recorded stays in the step, and so does everything that is carried.
        stay = {*rule.carried, *wanted}
        once, body = _hoist(formula.body, {*fixed}, stay, "_once")
        known = [*fixed, *(name for name, _ in once)]
        each, body = _hoist(body, {*known, *changing}, stay, "_each")
        self.once = _compile(formula, fixed, once)
        self.each = _compile(formula, [*known, *changing], each) if each else None
        # Only what the remaining lines use is handed over.
        used = {node.id for _, value in body for node in ast.walk(value) if isinstance(node, ast.Name)}
        named = [*known, *changing, *(name for name, _ in each)]
        self.use = [i for i, name in enumerate(named) if name in used]
        self.extra = tuple(n for n in wanted if n in formula.assigned and n not in rule.carried)
        self.step = compiled(
            formula,
            [*rule.carried, "g", *(named[i] for i in self.use)],
            body,
            _tuple([*rule.carried, *self.extra]),
        )
        self.named = named


_plan = functools.lru_cache(maxsize=256)(_Plan)  # compiling takes as long as a hundred steps


class _Loop:
    """A plan and what its steps need besides: numbers, gradients, limits."""

    given: np.ndarray | None = None
    gradient: Callable | None = None
    value: Callable | None = None

    def __init__(self, rule: Rule, hyper: dict, wanted: tuple[str, ...]):
        self.names, self.uses_t = rule.carried, rule.uses_t
        self.series = {name: value for name, (value, moves) in hyper.items() if moves}
        self.fixed = {name: value for name, (value, moves) in hyper.items() if not moves}
        self.plan = _plan(rule, tuple(self.series), wanted)
        self.look = None
        if rule.look_ahead is not None:
            self.look = rule.look_ahead.bind_results()
            self.look_at = [rule.carried.index(name) for name in rule.look_ahead.positional]
            self.look_with = [self.plan.named.index(name) for name in rule.look_ahead.keyword]

    def descend(self, on: Landscape) -> None:
        """Take gradients and values from a landscape."""
        self.gradient = on.slope()
        self.value = on.value if on.online else lambda w, t: on.value(w)

    def run(self, state: dict, pages: dict, block) -> np.ndarray:
        """Make one block's steps: change ``state``, fill ``pages``, return when each run was lost."""
        names, every, plan = self.names, self.every, self.plan
        place = names.index("w")
        now = tuple(state.values())
        shape = now[place].shape
        lost = np.zeros(shape[1:], int)
        dead = None  # which runs stand still, once there are any
        fixed = tuple(_cut(value, block) for value in self.fixed.values())
        once = fixed + tuple(map(_small, plan.once(*fixed)))
        nearly = 0.99 * LIMIT**2  # one sum over all runs is enough to see that none is near the limit
        self.write(pages, 0, now, None, None, dead)
        for t in range(1, self.steps + 1):
            numbers = once + tuple([_cut(values[t - 1], block) for values in self.series.values()])
            if self.uses_t:
                numbers += (np.float64(t),)
            if plan.each:
                numbers += tuple(map(_small, plan.each(*numbers)))
            g = self.slope(t, now, numbers, shape, place)
            after = plan.step(*now, g, *[numbers[i] for i in plan.use])
            new, extras = after[: len(names)], after[len(names) :]
            w = new[place]
            if self.box is not None:
                w = np.minimum(np.maximum(w, self.box[0]), self.box[1])
                new = (*new[:place], w, *new[place + 1 :])
            flat = w.ravel()
            if dead is not None or not flat.dot(flat) <= nearly:
                fresh = ~np.all(np.abs(w) <= LIMIT, axis=0)  # NaN is not
                if dead is not None:
                    fresh &= ~dead
                if fresh.any() or dead is not None:
                    lost = np.where(fresh, t, lost)
                    dead = fresh if dead is None else dead | fresh
                    new = tuple(np.where(dead, old, fine) for old, fine in zip(now, new, strict=True))
            now = new
            if pages and t % every == 0:
                self.write(pages, t // every, now, g, extras, dead)
            if dead is not None and dead.all():
                for row in range(t // every + 1, self.steps // every + 1):
                    self.write(pages, row, now, g, extras, dead)
                break
        for name, array in zip(names, now, strict=True):
            state[name] = np.array(np.broadcast_to(array, shape))
        return lost

    def slope(self, t: int, now: tuple, numbers: tuple, shape: tuple, place: int) -> np.ndarray:
        """Return the gradient of step t, clipped."""
        if self.gradient is None:
            g = self.given[t - 1]
            if g.shape != shape:
                g = np.array(np.broadcast_to(g[:, None], shape))
        elif self.look is None:
            g = self.gradient(now[place], t)
        else:
            carried = [now[i] for i in self.look_at]
            (at,) = self.look(*carried, *[numbers[i] for i in self.look_with])
            g = self.gradient(at, t)
        if self.clip_norm is not None:
            g = clipping.columns_by_norm(g, self.clip_norm)
        if self.clip_value is not None:
            g = np.clip(g, -self.clip_value, self.clip_value)
        return g

    def write(self, pages: dict, row: int, now: tuple, g, extras, dead) -> None:
        """Record one step. At the start, and where a run stands still, nothing is computed: that is NaN."""
        for name, page in pages.items():
            if name in self.names:
                page[row] = now[self.names.index(name)]
            elif name == "value":
                page[row] = self.value(now[self.names.index("w")], row * self.every)
            elif g is not None:
                found = g if name == "g" else extras[self.plan.extra.index(name)]
                page[row] = found if dead is None else np.where(dead, np.nan, found)


def _compile(formula: Formula, parameters: Sequence[str], body: list) -> Callable[..., tuple]:
    return compiled(formula, list(parameters), body, _tuple([name for name, _ in body]))


def _tuple(names: Sequence[str]) -> ast.Tuple:
    return ast.Tuple([ast.Name(name, ast.Load()) for name in names], ast.Load())


def _hoist(body, known: set[str], stay: set[str], prefix: str):
    """Split lines in two: what depends on the known names alone, and the rest, which uses the former.

    No operation is changed or moved within its expression, so that the results are the same to the last bit.
    """
    before: list[tuple[str, ast.expr]] = []
    known = set(known)

    def is_known(node: ast.expr) -> bool:
        return all(child.id in known or child.id in CONSTANTS for child in _variables(node))

    def lift(node: ast.expr) -> ast.expr:
        if isinstance(node, ast.Constant | ast.Name):
            return node
        if not isinstance(node, ast.Compare) and is_known(node):
            name = f"{prefix}{len(before)}"
            before.append((name, node))
            known.add(name)
            return ast.Name(name, ast.Load())
        node = copy.copy(node)
        for field, child in ast.iter_fields(node):
            if field == "func":
                continue
            if isinstance(child, ast.expr):
                setattr(node, field, lift(child))
            elif isinstance(child, list):
                setattr(node, field, [lift(c) if isinstance(c, ast.expr) else c for c in child])
        return node

    rest = []
    for name, value in body:
        if name not in stay and is_known(value):
            before.append((name, value))
            known.add(name)
        else:
            rest.append((name, lift(value)))
    return before, rest


def _variables(node: ast.expr):
    """Yield the names in an expression, without those of the functions that it calls."""
    called = {id(child.func) for child in ast.walk(node) if isinstance(child, ast.Call)}
    return (child for child in ast.walk(node) if isinstance(child, ast.Name) and id(child) not in called)


def _small(value):
    """Return a number as an array without axes: with a small array NumPy computes three times as fast."""
    return value if isinstance(value, np.ndarray) else np.asarray(value)


def _cut(value, block):
    """Return what belongs to a block of runs: a number belongs to all of them."""
    return value if block is ... or np.ndim(value) == 0 else np.asarray(value)[..., block]


# What `run` may be given.


def _numbers(what: str, value) -> np.ndarray:
    """Return a copy as float64, or say what is not numbers."""
    try:
        return np.array(value, float)
    except (TypeError, ValueError):
        pass
    raise ValueError(f"{what}={value!r}; expected numbers, in rows of one length")


def _count(name: str, value, least: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
        raise ValueError(f"got {name}={value!r}; expected a whole number, at least {least}")
    return int(value)


def _box(box) -> tuple[float, float]:
    try:
        low, high = map(float, box)
    except (TypeError, ValueError):
        low = high = np.nan
    if not low < high:
        raise ValueError(f"got box={box!r}; expected (low, high) with low less than high")
    return low, high


def _given_gradients(on) -> np.ndarray:
    gradients = _numbers("got the gradients", on)
    if gradients.ndim == 1:
        gradients = gradients[:, None]
    if gradients.ndim not in (2, 3):
        raise ValueError(
            f"got gradients of shape {gradients.shape}; expected (T,), (T, n) or (T, n, R): "
            "one gradient for each step, runs last"
        )
    if not gradients.size:
        raise ValueError("got an empty list of gradients; give one gradient for each step")
    finite = np.isfinite(gradients).reshape(len(gradients), -1).all(axis=1)
    if not finite.all():
        step = int(np.argmin(finite)) + 1
        raise ValueError(
            f"the gradient of step {step} is {gradients[step - 1]}; expected finite numbers: "
            "find what made it before you go on"
        )
    return gradients


def _start(on, given: np.ndarray | None, start: ArrayLike | None) -> np.ndarray:
    if start is None:
        if isinstance(on, Landscape):
            start = on.start
        elif given is not None:
            start = np.zeros(given.shape[1])
        else:
            raise ValueError("a gradient of your own needs a start; give start=..., of shape (n,) or (n, R)")
    start = _numbers("got start", start)
    size = on.dimension if isinstance(on, Landscape) else None if given is None else given.shape[1]
    name = on.name if isinstance(on, Landscape) else "the gradient"
    if start.ndim == 0 and size in (1, None):
        start = start[None]
    if start.ndim not in (1, 2) or (size is not None and len(start) != size) or not start.size:
        n = "n" if size is None else size
        raise ValueError(
            f"got a start of shape {start.shape}; {name} expects ({n},), or ({n}, R) for R runs: "
            "coordinates first, runs last"
        )
    if not np.all(np.abs(start) <= LIMIT):  # NaN is not
        raise ValueError(f"got start={start!r}; expected finite numbers, at most {LIMIT:g} in size")
    return start


def _hyper(rule: Rule, hyper: dict, steps: int) -> dict[str, tuple]:
    """Return for every hyper-parameter its value or a list of one per step, and whether it is a list."""
    known = [*rule.hyper, "start", "steps", "record", "every", "clip_norm", "clip_value", "box"]
    for name in hyper:
        if name not in rule.hyper:
            raise ValueError(
                f"{rule.name} has no hyper-parameter {name!r}{closest(name, known)}; "
                f"it has {', '.join(rule.hyper)}"
            )
    found = {}
    for name, default in rule.hyper.items():
        value = hyper.get(name, default)
        if not callable(value):
            value = _numbers(f"{rule.name} got {name}", value)
            if value.ndim > 1:
                raise ValueError(
                    f"{rule.name} got {name} of shape {value.shape}; expected a number or one entry per run, "
                    "shape (R,): grid(...) makes all combinations"
                )
            rule.check(**{name: value if value.ndim else value.item()})
            found[name] = (value, False)
            continue
        check_length(name, value, steps)
        series = [
            _numbers(f"the schedule of {name} gave for t={t} {name}", value(t)) for t in range(1, steps + 1)
        ]
        shapes = {entry.shape for entry in series}
        if len(shapes) > 1 or any(len(shape) > 1 for shape in shapes):
            raise ValueError(
                f"the schedule of {name} gives values of shape {', '.join(map(str, sorted(shapes)))}; "
                "expected a number, or always one entry per run, shape (R,)"
            )
        if series:
            rule.check(**{name: np.array(series)})
        found[name] = (series, True)
    return found


def _runs(start, given, hyper: dict, on) -> int | None:
    """Return how many runs there are, or None for one run without an axis of its own."""
    sizes = {}
    if start.ndim == 2:
        sizes["start"] = start.shape[1]
    if given is not None and given.ndim == 3:
        sizes["the gradients"] = given.shape[2]
    for name, (value, moves) in hyper.items():
        shape = np.shape(value[0]) if moves and value else () if moves else value.shape
        if shape:
            sizes[name] = shape[0]
    if isinstance(on, Landscape):
        for name, value in on.hyper.items():
            if np.ndim(value) == 1:
                sizes[f"{on.name}'s {name}"] = len(value)
    if len(set(sizes.values())) > 1:
        counts = ", ".join(f"{name} for {count}" for name, count in sizes.items())
        raise ValueError(
            f"got values for different numbers of runs: {counts}; grid(...) makes all combinations"
        )
    if sizes and 0 in sizes.values():
        raise ValueError(f"got no value for {next(iter(sizes))}; give at least one run")
    return next(iter(sizes.values()), None)


def _names(rule: Rule, on, record) -> tuple[str, ...]:
    """Return what is to be recorded, or refuse what there is not."""
    if isinstance(record, str):
        raise ValueError(f"got record={record!r}; expected several names, such as ({record!r},)")
    known = list(dict.fromkeys([*rule.carried, "g", *rule.quantities]))
    if isinstance(on, Landscape):
        known.append("value")
    for name in record:
        if name not in known:
            hint = "; only a landscape has a value" if name == "value" else closest(name, known)
            raise ValueError(f"got record of {name!r}{hint}; there is {', '.join(known)}")
    return tuple(dict.fromkeys(record))


def _checked(function: Callable, shape: tuple[int, ...]) -> Callable:
    """Return the caller's gradient as a function of ``w`` and ``t`` whose answers are checked."""
    try:
        t = inspect.signature(function).parameters.get("t")
        takes_t = t is not None and t.default is t.empty
    except (TypeError, ValueError):  # a built-in function may not tell
        takes_t = False

    def gradient(w: np.ndarray, t: int) -> np.ndarray:
        # Copies both ways: the function may change what it gets, or hand out the same array again.
        w = np.array(w)
        g = _numbers(f"the gradient at step {t} gave g", function(w, t=t) if takes_t else function(w))
        if g.shape != shape:
            raise ValueError(
                f"the gradient at step {t} has shape {g.shape}; expected that of w, {shape}: return one "
                "number per coordinate and run"
            )
        return g

    return gradient
