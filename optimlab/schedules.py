"""Schedules: the learning rate, or any other hyper-parameter, as a function of the step.

A schedule is one plain function of the small language. Called with ``t = 1, 2, ...`` it returns the value
that step ``t`` is made with; an array of steps gives an array of values. Torch counts from 0: what a
scheduler of ``torch.optim.lr_scheduler`` sets at its epoch ``e``, a schedule returns for ``t = e + 1``.

    cosine(1)                                   the rate of the first step
    decay = cosine.using(lr=0.05, steps=200)    the same schedule with other numbers
    warmup(decay, 20)                           twenty steps of linear warm-up before it
    adam.trace(..., lr=decay)                   a schedule for a hyper-parameter of a rule
    decay.torch_code()                          the same in PyTorch, as text

`ReduceOnPlateau` is no function of the step: it looks at the losses, and is ordinary Python.
The learning-rate range test is a schedule (`range_test`) and what reads its losses (`read_range_test`).
"""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy import cos, floor, log, minimum, pi, where
from numpy.typing import ArrayLike

from .formula import FormulaError, closest, read
from .rule import Rule
from .translate import javascript_of_results, latex_of_results

_RATE = ast.Name("rate", ast.Load())
_LENGTH = {"steps": "length"}


class Schedule:
    """A function of the step ``t`` and of hyper-parameters, and everything derived from it.

    Parameters
    ----------
    function : callable
        A function of the small language of `optimlab.formula` with the one positional argument ``t`` and
        keyword-only hyper-parameters with defaults. It returns one value.

    Attributes
    ----------
    name : str
        The function's name.
    hyper : dict
        Hyper-parameters and their values.
    length : float or None
        How many steps it is made for (its ``steps``), or None if it has no end.

    Raises
    ------
    FormulaError
        If the function cannot be translated or its signature is another.
    """

    def __init__(self, function: Callable):
        formula = read(function)
        where_ = f"{formula.file}, line {formula.line}: {formula.name}"
        if list(formula.positional) != ["t"] or formula.positional["t"] is not None:
            raise FormulaError(
                f"{where_} takes {', '.join(formula.positional) or 'nothing'}; a schedule takes the step t, "
                "and its hyper-parameters as keywords"
            )
        if missing := [name for name, value in formula.keyword.items() if value is None]:
            raise FormulaError(f"{where_} gives {', '.join(missing)} no default; hyper-parameters need one")
        if len(formula.result) != 1:
            raise FormulaError(f"{where_} returns {len(formula.result)} values; a schedule returns one")
        self.formula = formula
        self.name = formula.name
        self.hyper = dict(formula.keyword)
        self._compiled: dict[str, Callable[..., tuple]] = {}  # shared with what `using` makes of it
        self._torch: Callable[..., str] | None = None
        self.__doc__ = function.__doc__

    def using(self, **hyper) -> Schedule:
        """Return the same schedule with other hyper-parameters.

        Parameters
        ----------
        **hyper
            Numbers, or arrays over runs.

        Raises
        ------
        FormulaError
            For an unknown hyper-parameter or one outside its range.
        """
        _check(self, hyper)
        other = object.__new__(Schedule)
        other.__dict__.update(self.__dict__)
        other.hyper = self.hyper | hyper
        return other

    def __call__(self, t: ArrayLike):
        """Return the value that step ``t`` is made with.

        Parameters
        ----------
        t : float or array_like
            The step, counted from 1; an array gives an array of the same shape. Where hyper-parameters are
            arrays over runs, the two broadcast: give many steps as ``t[:, None]``.

        Raises
        ------
        ValueError
            If a step is less than 1.
        """
        return self._at(_steps(self, t), self.hyper)

    def _at(self, t, hyper: dict):
        if not self._compiled:  # compiled at the first call: the import stays quick
            self._compiled["value"] = self.formula.bind_results()
        with np.errstate(all="ignore"):  # `where` computes both of its branches
            (value,) = self._compiled["value"](t, *(np.asarray(v, float)[()] for v in hyper.values()))
        return value if np.shape(value) or not np.shape(t) else np.full(np.shape(t), value)

    @property
    def length(self) -> float | None:
        """How many steps the schedule is made for, or None if it has no end."""
        return None if "steps" not in self.hyper else float(np.min(self.hyper["steps"]))

    def __repr__(self) -> str:
        return f"<Schedule {self.name}({', '.join(f'{n}={v!r}' for n, v in self.hyper.items())})>"

    def _repr_latex_(self) -> str:
        return f"$${self.latex()}$$"

    def as_rule(self) -> Rule:
        """Return the schedule as a rule that carries nothing and gives ``rate``, for its walkthrough.

        Its ``steps`` is called ``length`` there: a rule's own ``steps`` is how many it makes.
        """
        (result,) = self.formula.result
        body = [(name, _renamed(value)) for name, value in (*self.formula.body, ("rate", result))]
        keyword = {_LENGTH.get(name, name): _number(self, name) for name in self.hyper}
        return Rule.of_the_step(replace(self.formula, keyword=keyword, body=tuple(body), result=(_RATE,)))

    def latex(self) -> str:
        """Return the schedule as LaTeX: an ``aligned`` environment that ends with the rate of step t."""
        return latex_of_results(self.formula, [r"\eta_{t}"])

    def javascript(self) -> str:
        """Return the text of a JavaScript function ``(t, hyper) => value``.

        ``hyper`` is an object with other hyper-parameters, and may be left out.
        """
        values = ", ".join(f"{name}: {_number(self, name)!r}" for name in self.hyper)
        return f"(t, hyper = {{}}) => ({javascript_of_results(self.formula)})({{{values}, ...hyper, t}})[0]"

    def in_torch(self, function: Callable[..., str]) -> Callable[..., str]:
        """Declare the twin in PyTorch; a decorator.

        The function takes the hyper-parameters by name and returns the expression of the scheduler.
        """
        self._torch = function
        return function

    def torch_code(self) -> str:
        """Return PyTorch code that makes the same schedule, for the network's ``parameters``.

        Raises
        ------
        ValueError
            If PyTorch has no such scheduler, or the hyper-parameters are arrays.
        """
        return _torch_program([f"scheduler = {self._scheduler()}"], self._base())

    def _base(self) -> float:
        """Return the rate that torch's optimizer is made with."""
        return float({"linear": self.hyper.get("lr")}.get(self.name, self(1)))

    def _scheduler(self) -> str:
        if self._torch is None:
            raise ValueError(
                f"{self.name} has no twin in torch.optim.lr_scheduler; use LambdaLR and a function"
            )
        return self._torch(**{name: _number(self, name) for name in self.hyper})


class Warmup:
    """Linear warm-up before a schedule: made by `warmup`, used like any `Schedule`.

    Attributes
    ----------
    schedule : Schedule or Warmup
        What follows.
    steps : int
        How many steps the warm-up takes.
    start : float
        The share of the schedule's first value that the first step is made with.
    length : float or None
        The warm-up and the schedule together, or None if the schedule has no end.
    """

    def __init__(self, schedule: Schedule | Warmup, steps: int, start: float):
        if not isinstance(schedule, Schedule | Warmup):
            raise TypeError(f"warmup got {schedule!r}; expected a schedule, such as cosine")
        if np.ndim(steps) or np.ndim(start):
            raise ValueError(f"warmup got steps={steps!r} and start={start!r}; expected one number each")
        _check(linear, {"steps": steps, "start": start})
        self.schedule, self.steps, self.start = schedule, int(steps), float(start)
        self.name = f"warmup_{schedule.name}"

    @property
    def hyper(self) -> dict:
        """The hyper-parameters of the schedule that follows, with ``warmup`` and ``warmup_start``."""
        return {**self.schedule.hyper, "warmup": self.steps, "warmup_start": self.start}

    @property
    def length(self) -> float | None:
        """How many steps the two are made for, or None if the schedule has no end."""
        return None if self.schedule.length is None else self.steps + self.schedule.length

    def _ramp(self) -> Schedule:
        return linear.using(lr=self.schedule(1), start=self.start, end=1.0, steps=self.steps)

    def __call__(self, t: ArrayLike):
        """Return the value that step ``t`` is made with; see `Schedule`."""
        t = _steps(self, t)
        # The schedule is asked for its own steps only.
        later = self.schedule(np.maximum(t - self.steps, 1))
        value = np.where(t <= self.steps, self._ramp()(t), later)
        return value[()]

    def __repr__(self) -> str:
        return f"<Warmup of {self.steps} steps from {self.start} before {self.schedule!r}>"

    def _repr_latex_(self) -> str:
        return f"$${self.latex()}$$"

    def latex(self) -> str:
        r"""Return warm-up and schedule as LaTeX; :math:`\eta(t)` is the schedule that follows."""
        n, start = f"{self.steps:g}", f"{self.start:g}"
        share = rf"{start} + (1 - {start}) \, \frac{{t - 1}}{{{n}}}"
        ramp = rf"\eta(1) \, \left({share}\right)"
        lines = self.schedule.latex().replace(r"\eta_{t} &=", r"\eta(t) &=")
        return lines.replace(
            "\n\\end{aligned}",
            " \\\\\n"
            rf"\eta_{{t}} &= \begin{{cases}} {ramp} & \text{{if }} t \le {n} \\ "
            rf"\eta(t - {n}) & \text{{otherwise}} \end{{cases}}"
            "\n\\end{aligned}",
        )

    def javascript(self) -> str:
        """Return the text of a JavaScript function ``(t, hyper) => value``.

        ``hyper`` may have ``warmup`` (steps) and ``warmup_start``; the rest is the schedule's.
        """
        return (
            f"(t, {{warmup = {self.steps!r}, warmup_start = {self.start!r}, ...hyper}} = {{}}) => {{\n"
            f"  const ramp = {linear.javascript()};\n"
            f"  const main = {self.schedule.javascript()};\n"
            "  return t <= warmup\n"
            "    ? ramp(t, {lr: main(1, hyper), start: warmup_start, end: 1.0, steps: warmup})\n"
            "    : main(t - warmup, hyper);\n"
            "}"
        )

    def torch_code(self) -> str:
        """Return PyTorch code that makes the same schedule, for the network's ``parameters``.

        Raises
        ------
        ValueError
            If PyTorch cannot, or not with these schedulers; the message says why.
        """
        if isinstance(self.schedule, Warmup):
            raise ValueError("torch_code writes one warm-up; this schedule has two")
        if self.schedule.name == "linear":
            raise ValueError("torch's LinearLR has no warm-up of its own: its base rate is not its first")
        if not self.start:
            raise ValueError("torch's LinearLR starts above 0; got start=0: give a small share instead")
        ramp = self._ramp()._torch(lr=1.0, start=self.start, end=1.0, steps=self.steps)
        main = self.schedule._scheduler()
        lines = [
            f"before = {ramp}",
            f"after = {main}",
            f"scheduler = SequentialLR(optimizer, [before, after], milestones=[{self.steps}])",
        ]
        return _torch_program(lines, float(self.schedule(1)))


def warmup(schedule: Schedule | Warmup, steps: int, start: float = 0.1) -> Warmup:
    """Put a linear warm-up before a schedule.

    Step 1 is made with ``start`` times the schedule's first value. From there the rate rises by equal
    amounts, and step ``steps + 1`` is the schedule's first. Same as torch's ``LinearLR`` and then the
    schedule, in a ``SequentialLR``. For the often-seen ramp ``lr * t / steps``, whose step ``steps`` has
    the full rate already, take ``start=1 / steps`` and one step less of warm-up.

    Parameters
    ----------
    schedule : Schedule
        What follows.
    steps : int
        How many steps the warm-up takes, at least 1.
    start : float, default 0.1
        A share from 0 to 1.

    Returns
    -------
    Warmup
        A callable of the step with the methods of a `Schedule`.
    """
    return Warmup(schedule, steps, start)


# Without an end.


@Schedule
def constant(t, *, lr=0.1):
    """Keep the same rate at every step."""
    return lr


@constant.in_torch
def _(lr):
    return "ConstantLR(optimizer, factor=1.0)"


@Schedule
def step(t, *, lr=0.1, gamma=0.1, every=30):
    """Step decay: after every ``every`` steps the rate is multiplied by ``gamma``.

    Same as ``StepLR(step_size=every, gamma=gamma)``.
    """
    return lr * gamma ** floor((t - 1) / every)


@step.in_torch
def _(lr, gamma, every):
    return f"StepLR(optimizer, step_size={every!r}, gamma={gamma!r})"


@Schedule
def exponential(t, *, lr=0.1, gamma=0.95):
    """Exponential decay: every step multiplies the rate by ``gamma``.

    Same as ``ExponentialLR``.
    """
    return lr * gamma ** (t - 1)


@exponential.in_torch
def _(lr, gamma):
    return f"ExponentialLR(optimizer, gamma={gamma!r})"


@Schedule
def warm_restarts(t, *, lr=0.1, period=10, factor=1, lr_min=0.0):
    """SGDR: cosine decay that starts again, each period ``factor`` times as long as the one before.

    Source: Loshchilov and Hutter (2017). Same as ``CosineAnnealingWarmRestarts``, with ``T_0=period`` and
    ``T_mult=factor``.
    """
    # With equal periods the sum of the periods so far is no geometric series; 2 only keeps it finite.
    growth = where(factor == 1, 2, factor)
    # The periods that are over. The logarithm must not fall short of a whole number by a rounding error.
    geometric = floor(log(1 + (t - 1) / period * (growth - 1)) / log(growth) + 1e-9)
    over = where(factor == 1, floor((t - 1) / period), geometric)
    begin = where(factor == 1, period * over, period * (growth**over - 1) / (growth - 1))
    share = (t - 1 - begin) / (period * factor**over)
    return lr_min + (lr - lr_min) * (1 + cos(pi * share)) / 2


@warm_restarts.in_torch
def _(lr, period, factor, lr_min):
    return f"CosineAnnealingWarmRestarts(optimizer, T_0={period!r}, T_mult={factor!r}, eta_min={lr_min!r})"


@Schedule
def cyclic(t, *, lr=0.1, lr_min=0.01, up=20, down=20):
    """Cyclic, triangular: the rate goes up to ``lr`` in ``up`` steps and back to ``lr_min`` in ``down``.

    Source: Smith (2017). Same as ``CyclicLR(mode="triangular", cycle_momentum=False)``.
    """
    place = t - 1 - (up + down) * floor((t - 1) / (up + down))
    height = minimum(place / up, (up + down - place) / down)
    return lr_min + (lr - lr_min) * height


@cyclic.in_torch
def _(lr, lr_min, up, down):
    return (
        f"CyclicLR(optimizer, base_lr={lr_min!r}, max_lr={lr!r}, step_size_up={up!r}, "
        f"step_size_down={down!r}, cycle_momentum=False)"
    )


# Made for a number of steps.


@Schedule
def linear(t, *, lr=0.1, start=0.1, end=1.0, steps=10):
    """From ``start * lr`` by equal amounts to ``end * lr``, which step ``steps + 1`` and all later ones have.

    Same as ``LinearLR`` with ``start_factor``, ``end_factor`` and ``total_iters``.
    """
    return lr * (start + (end - start) * minimum(t - 1, steps) / steps)


@linear.in_torch
def _(lr, start, end, steps):
    return f"LinearLR(optimizer, start_factor={start!r}, end_factor={end!r}, total_iters={steps!r})"


@Schedule
def polynomial(t, *, lr=0.1, steps=100, power=1.0):
    """Polynomial decay: the rate is a power of the share of steps that are left.

    Zero from step ``steps + 1`` on. Same as ``PolynomialLR`` with ``total_iters=steps``.
    """
    return lr * (1 - minimum(t - 1, steps) / steps) ** power


@polynomial.in_torch
def _(lr, steps, power):
    return f"PolynomialLR(optimizer, total_iters={steps!r}, power={power!r})"


@Schedule
def cosine(t, *, lr=0.1, steps=100, lr_min=0.0):
    """Cosine decay: half a wave from ``lr`` down to ``lr_min``, which step ``steps + 1`` would have.

    Called for later steps it rises again, as torch's does. Source: Loshchilov and Hutter (2017). Same as
    ``CosineAnnealingLR`` with ``T_max=steps`` and ``eta_min=lr_min``.
    """
    return lr_min + (lr - lr_min) * (1 + cos(pi * (t - 1) / steps)) / 2


@cosine.in_torch
def _(lr, steps, lr_min):
    return f"CosineAnnealingLR(optimizer, T_max={steps!r}, eta_min={lr_min!r})"


@Schedule
def one_cycle(t, *, lr=0.1, steps=100, rise=0.3, div=25.0, final_div=10000.0):
    """One-cycle: half a wave from ``lr / div`` up to ``lr``, another down to ``lr / div / final_div``.

    The share ``rise`` of the steps goes up. Source: Smith and Topin (2019). Same as ``OneCycleLR`` with
    ``max_lr=lr``, ``pct_start=rise`` and ``cycle_momentum=False``; torch refuses steps after the last,
    here the last rate stays.
    """
    low = lr / div
    top = rise * steps - 1
    up = low + (lr - low) * (1 - cos(pi * (t - 1) / top)) / 2
    share = minimum((t - 1 - top) / (steps - 1 - top), 1)
    down = low / final_div + (lr - low / final_div) * (1 + cos(pi * share)) / 2
    return where(t - 1 <= top, up, down)


@one_cycle.in_torch
def _(lr, steps, rise, div, final_div):
    return (
        f"OneCycleLR(optimizer, max_lr={lr!r}, total_steps={steps!r}, pct_start={rise!r}, "
        f"div_factor={div!r}, final_div_factor={final_div!r}, cycle_momentum=False)"
    )


# By what the losses do.


class ReduceOnPlateau:
    """Reduce the rate when the loss no longer falls: ordinary Python, because it is no function of the step.

    More than ``patience`` losses in a row that are not better than the best so far, by a share of more
    than ``threshold``, multiply the rate by ``factor``. The next ``cooldown`` losses then do not count as
    bad. Same as torch's ``ReduceLROnPlateau`` with its defaults ``mode="min"``, ``threshold_mode="rel"``.

    Parameters
    ----------
    lr : float, default 0.1
        The first rate.
    factor : float, default 0.1
        At least 0 and less than 1.
    patience, cooldown : int, defaults 10 and 0
        Numbers of losses.
    threshold : float, default 1e-4
        A share of the best loss.
    lr_min : float, default 0.0
        The rate never falls below it.
    eps : float, default 1e-8
        A change of the rate that is not larger than this is not made.

    Attributes
    ----------
    lr : float
        The rate to use now.

    Examples
    --------
    >>> plateau = ReduceOnPlateau(lr=1.0, factor=0.5, patience=1)
    >>> [plateau.step(loss) for loss in [3, 2, 2, 2, 2]]
    [1.0, 1.0, 1.0, 0.5, 0.5]
    """

    def __init__(
        self,
        lr: float = 0.1,
        *,
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        cooldown: int = 0,
        lr_min: float = 0.0,
        eps: float = 1e-8,
    ):
        positive = {"lr": lr, "patience": patience, "threshold": threshold, "cooldown": cooldown}
        for name, value in (positive | {"lr_min": lr_min, "eps": eps}).items():
            if not (value >= 0 and math.isfinite(value)):
                raise ValueError(
                    f"ReduceOnPlateau got {name}={value!r}; expected a finite number, at least 0"
                )
        if not 0 <= factor < 1:
            raise ValueError(f"ReduceOnPlateau got factor={factor!r}; expected at least 0 and less than 1")
        self.hyper = {
            "lr": lr,
            "factor": factor,
            "patience": patience,
            "threshold": threshold,
            "cooldown": cooldown,
            "lr_min": lr_min,
            "eps": eps,
        }
        self.lr = float(lr)
        self._best, self._bad, self._cooling = math.inf, 0, 0

    def step(self, loss: float) -> float:
        """Take in the loss of one epoch and return the rate for the next."""
        hyper = self.hyper
        if loss < self._best * (1 - hyper["threshold"]):
            self._best, self._bad = float(loss), 0
        else:
            self._bad += 1
        if self._cooling:
            self._cooling -= 1
            self._bad = 0
        if self._bad > hyper["patience"]:
            reduced = max(self.lr * hyper["factor"], hyper["lr_min"])
            if self.lr - reduced > hyper["eps"]:
                self.lr = reduced
            self._cooling, self._bad = hyper["cooldown"], 0
        return self.lr

    def rates(self, losses: ArrayLike) -> np.ndarray:
        """Return the rate that each epoch of a whole run was trained with.

        Parameters
        ----------
        losses : array_like, shape (T,)
            The loss after each epoch. It starts afresh: what `step` has seen does not count.

        Returns
        -------
        ndarray, shape (T,)
            The rate of epoch ``t``; the loss of epoch ``t`` decides that of ``t + 1``.
        """
        losses = np.asarray(losses, float)
        again = ReduceOnPlateau(**self.hyper)
        return np.array([again.lr, *(again.step(loss) for loss in losses[:-1])][: len(losses)])

    def __repr__(self) -> str:
        return f"<ReduceOnPlateau at {self.lr!r}: {', '.join(f'{n}={v!r}' for n, v in self.hyper.items())}>"

    def torch_code(self) -> str:
        """Return PyTorch code that does the same, for the network's ``parameters``."""
        h = self.hyper
        scheduler = (
            f"ReduceLROnPlateau(optimizer, factor={h['factor']!r}, patience={h['patience']!r}, "
            f"threshold={h['threshold']!r}, cooldown={h['cooldown']!r}, min_lr={h['lr_min']!r}, "
            f"eps={h['eps']!r})"
        )
        return _torch_program([f"scheduler = {scheduler}"], h["lr"], step="scheduler.step(loss)")


# The learning-rate range test.


@Schedule
def range_test(t, *, lr_min=1e-7, lr=10.0, steps=100):
    """Range test: equal factors from ``lr_min`` at step 1 to ``lr`` at step ``steps``.

    Source: Smith (2017), who raised the rate by equal amounts. Same as ``ExponentialLR`` started at
    ``lr_min``.
    """
    return lr_min * (lr / lr_min) ** ((t - 1) / (steps - 1))


@range_test.in_torch
def _(lr_min, lr, steps):
    return f"ExponentialLR(optimizer, gamma=({lr!r} / {lr_min!r}) ** (1 / {steps - 1!r}))"


@dataclass(frozen=True)
class RangeTest:
    """What a range test found.

    Attributes
    ----------
    steepest : float
        The rate at which the smoothed loss fell fastest on its way to the lowest, per factor of the rate.
    lowest : float
        The rate at which the smoothed loss was lowest: the largest to try is below it.
    diverged : float or None
        The first rate whose smoothed loss is not finite or above `stop` times the lowest so far.
    smoothed : ndarray, shape (T,)
        The losses as they were read.
    """

    steepest: float
    lowest: float
    diverged: float | None
    smoothed: np.ndarray


def read_range_test(
    rates: ArrayLike, losses: ArrayLike, *, beta: float = 0.9, stop: float = 4.0
) -> RangeTest:
    """Read a range test: where the loss falls fastest, where it is lowest, where it blows up.

    Parameters
    ----------
    rates, losses : array_like, shape (T,)
        What each step was made with, and the loss that it was made on. Rates rise.
    beta : float, default 0.9
        The share that the average of the losses keeps, with bias correction; 0 reads them as they are. A
        single batch's loss is too noisy for its slope to mean anything.
    stop : float, default 4.0
        How many times the lowest loss counts as diverged; what comes after it is not read.

    Returns
    -------
    RangeTest

    Raises
    ------
    ValueError
        If the shapes differ, fewer than three losses are given, the rates do not rise, or the run diverged
        before the third loss.
    """
    from .averages import average

    rates, losses = np.asarray(rates, float), np.asarray(losses, float)
    if rates.ndim != 1 or rates.shape != losses.shape or len(rates) < 3:
        raise ValueError(
            f"got rates of shape {rates.shape} and losses of shape {losses.shape}; "
            "expected two of the same length, at least 3"
        )
    if not (np.all(rates > 0) and np.all(np.diff(rates) > 0)):
        raise ValueError("the rates of a range test are positive and rise; sort them, or use range_test")
    if not 0 <= beta < 1:
        raise ValueError(f"got beta={beta!r}; expected a share: at least 0 and less than 1")
    with np.errstate(all="ignore"):
        smoothed = average(losses, beta)
        best = np.fmin.accumulate(smoothed)
        # The margin is measured from the lowest loss by its size, so that losses may also be negative.
        bad = ~np.isfinite(smoothed) | (smoothed > best + (stop - 1) * np.abs(best))
    end = int(np.argmax(bad)) if bad.any() else len(rates)
    if end < 3:
        raise ValueError(f"the loss had diverged by step {end + 1}, at the rate {rates[end]:g}; start lower")
    slope = np.gradient(smoothed[:end], np.log(rates[:end]))
    lowest = int(np.argmin(smoothed[:end]))
    # Beyond the lowest loss the run is being ruined, and a fall there is noise.
    steepest = int(np.argmin(slope[: lowest + 1]))
    return RangeTest(
        steepest=float(rates[steepest]),
        lowest=float(rates[lowest]),
        diverged=float(rates[end]) if bad.any() else None,
        smoothed=smoothed,
    )


# What a schedule may be given.

_COUNTS = {"every", "period", "up", "down", "steps"}


def check_length(name: str, value, steps: int) -> None:
    """Refuse a schedule that is made for another number of steps than the run makes.

    Parameters
    ----------
    name : str
        The hyper-parameter that follows the schedule.
    value : object
        What was given for it; only what has a `length` can be refused.
    steps : int
        How many steps the run makes.

    Raises
    ------
    FormulaError
        Saying both numbers. A longer schedule would be cut off before its end, a shorter one would
        leave the rest of the run at its last value: both go unnoticed otherwise.
    """
    length = getattr(value, "length", None)
    if length is not None and length != steps:
        raise FormulaError(
            f"the schedule of {name} is made for {length:g} steps but the run makes {steps}; "
            f"give the schedule steps={steps} (with a warm-up, both parts together) "
            f"or the run steps={length:g}"
        )


def _steps(schedule: Schedule | Warmup, t: ArrayLike):
    t = np.asarray(t, float)[()]
    if not np.all(t >= 1):
        raise ValueError(f"{schedule.name} got the step t={t}; steps are counted from 1")
    return t


def _renamed(expression: ast.expr) -> ast.expr:
    """Return a copy in which ``steps`` is called ``length``."""
    copy = ast.parse(ast.unparse(expression), mode="eval").body
    for node in ast.walk(copy):
        if isinstance(node, ast.Name):
            node.id = _LENGTH.get(node.id, node.id)
    return copy


def _number(schedule: Schedule, name: str):
    value = schedule.hyper[name]
    if np.ndim(value):
        raise ValueError(f"{schedule.name} has an array for {name}; code in another language needs a number")
    return value.item() if isinstance(value, np.generic | np.ndarray) else value


def _check(schedule: Schedule, hyper: dict) -> None:
    """Refuse hyper-parameters that the schedule does not have or that lie outside their range."""
    for name, value in hyper.items():
        if name not in schedule.hyper:
            raise FormulaError(
                f"{schedule.name} has no hyper-parameter {name!r}{closest(name, schedule.hyper)}; "
                f"it has {', '.join(schedule.hyper)}"
            )
        try:
            numbers = np.asarray(value, float)
        except (TypeError, ValueError):
            numbers = np.array(np.nan)
        if name in _COUNTS:
            good, expected = (numbers >= 1) & (numbers == np.floor(numbers)), "a whole number, at least 1"
        elif name == "factor":
            good = (numbers >= 1) & (numbers == np.floor(numbers))
            expected = "a whole number, at least 1: how many times as long the next period is"
        elif name in {"gamma", "start", "end", "rise"}:
            good, expected = (numbers >= 0) & (numbers <= 1), "a share from 0 to 1"
        elif name in {"div", "final_div"}:
            good, expected = numbers > 0, "a positive number"
        else:
            good, expected = numbers >= 0, "a finite number, at least 0"
        if not np.all(good & np.isfinite(numbers)):
            raise FormulaError(f"{schedule.name} got {name}={value!r}; expected {expected}")
    now = schedule.hyper | hyper
    if schedule.name == "one_cycle":
        top = np.asarray(now["rise"], float) * now["steps"]
        if not np.all((top > 1) & (top < now["steps"])):
            raise FormulaError(
                f"one_cycle got rise={now['rise']!r} of steps={now['steps']!r}; "
                "the rise must take more than one step and leave one for the way down"
            )
    if schedule.name == "range_test" and not (np.all(np.greater(now["steps"], 1)) and np.all(now["lr_min"])):
        raise FormulaError(
            f"range_test got steps={now['steps']!r} and lr_min={now['lr_min']!r}; "
            "expected at least 2 steps and a positive lowest rate"
        )


def _torch_program(lines: list[str], lr: float, step: str = "scheduler.step()") -> str:
    """Return a program that imports what the lines call, makes an optimizer and then runs them."""
    names = sorted(set(re.findall(r"\b([A-Z]\w+)\(", "\n".join(lines))))
    return "\n".join(
        [
            "import torch",
            f"from torch.optim.lr_scheduler import {', '.join(names)}",
            "",
            f"optimizer = torch.optim.SGD(parameters, lr={lr!r})",
            *lines,
            f"# after optimizer.step(), every time: {step}",
        ]
    )
