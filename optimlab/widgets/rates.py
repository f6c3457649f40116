"""A dense and a rare feature side by side: the rate that every weight gets, and how far it takes it."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

import numpy as np
import traitlets
from numpy import sqrt

from .. import rules
from ..format import number, table
from ..formula import closest, read
from ..rule import Rule, Trace
from ..translate import javascript_of_results
from ._base import BETAS, Widget, strokes
from ._random import uniform

# The effective rate: what a rule multiplies its numerator by (the gradient, or an average of gradients).
# `squares` is what it has accumulated, `steps` the squared steps of Adadelta before this one.


def constant(squares, steps, lr, eps):
    """Return the learning rate: nothing is accumulated."""
    return lr


def over_root(squares, steps, lr, eps):
    """Return the learning rate over the root of the squares."""
    return lr / (sqrt(squares) + eps)


def over_both_roots(squares, steps, lr, eps):
    """Return the root of the squared steps over that of the squared gradients, times the rate."""
    return lr * sqrt(steps + eps) / sqrt(squares + eps)


@dataclass(frozen=True)
class Kind:
    """How one rule is shown.

    Attributes
    ----------
    label : str
    rule : Rule
    squares : str
        What it accumulates and divides by, among the quantities of its step; empty for nothing.
    decay : str
        The hyper-parameter that the slider of the decay sets; empty for none.
    rate : callable
        The effective rate.
    steps : str
        The quantity that stands above the fraction, as it was before the step.
    lr : float or None
        A learning rate of its own, instead of the slider's.
    """

    label: str
    rule: Rule
    squares: str = ""
    decay: str = ""
    rate: object = over_root
    steps: str = ""
    lr: float | None = None

    def hyper(self, lr: float, decay: float) -> dict[str, float]:
        """Return all hyper-parameters for what the sliders say."""
        set_now = {"lr": lr if self.lr is None else self.lr}
        return self.rule.hyper | set_now | ({self.decay: decay} if self.decay else {})


KINDS = {
    kind.rule.name: kind
    for kind in (
        Kind("gradient descent", rules.gradient_descent, rate=constant),
        Kind("AdaGrad", rules.adagrad, "s"),
        Kind("RMSprop", rules.rmsprop, "s", "rho"),
        Kind("Adadelta", rules.adadelta, "s", "rho", over_both_roots, "d", lr=1.0),
        Kind("Adam", rules.adam, "v_hat", "beta2"),
        Kind("AMSGrad", rules.amsgrad, "v_hat", "beta2"),
        Kind("AMSGrad as published", rules.amsgrad_paper, "v_hat", "beta2"),
    )
}
STEPS = 200
BIG_STEP, BIG = 10, 50
STREAMS = ["steady", "one big at step 10", "shrinking like 1/t"]
SIZES = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0]
RATES = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0]
SEEDS = 10
FEATURES = ("dense", "rare")
SITUATIONS = {
    "a rare word": {
        "stream": STREAMS[0],
        "share": 5,
        "seed": 1,
        "decay": 0.99,
        "shown": ["adagrad", "rmsprop", "adam"],
        "rule": "adagrad",
    },
    "one big gradient at step 10": {
        "stream": STREAMS[1],
        "share": 20,
        "seed": 0,
        "decay": 0.97,
        "shown": ["adagrad", "rmsprop", "adam", "amsgrad", "amsgrad_paper"],
        "rule": "amsgrad_paper",
    },
    "gradients that shrink": {
        "stream": STREAMS[2],
        "share": 20,
        "seed": 0,
        "decay": 0.9,
        "shown": ["gradient_descent", "adagrad", "rmsprop"],
        "rule": "rmsprop",
    },
    "the same for both": {
        "stream": STREAMS[0],
        "share": 100,
        "seed": 0,
        "decay": 0.99,
        "shown": ["gradient_descent", "adagrad", "rmsprop", "adam"],
        "rule": "adagrad",
    },
}
# What every situation begins with.
EQUAL = {"dense_size": 1.0, "rare_size": 1.0, "lr": 0.01, "step": STEPS}


class AdaptiveRates(Widget):
    """The rates of two weights, one with a gradient in every step and one with a gradient now and then.

    Both start at zero. A rule that divides by what it has accumulated has no rate before the first
    gradient. Adadelta keeps its learning rate of 1, whatever the slider says.

    Parameters
    ----------
    **state
        Any of the attributes below.

    Attributes
    ----------
    stream : {"steady", "one big at step 10", "shrinking like 1/t"}
        The size of both gradients over time; the big one is 50 times as large and reaches both weights.
    share : int, default 5
        In how many percent of the steps the rare feature appears, 1 to 100.
    seed : int, default 1
        0 if it appears regularly, 1 to 9 if by chance.
    dense_size, rare_size : float, default 1
        The size of the gradients, above 0.
    lr : float, default 0.01
        The learning rate, above 0.
    decay : float, default 0.99
        The share of the squares that is kept: ``rho`` of RMSprop and Adadelta, ``beta2`` of Adam and AMSGrad.
    step : int, default 200
        The step looked at, 1 to 200.
    shown : list of str
        The names of the rules in the charts.
    rule : str, default "adagrad"
        The rule that is put into words.
    """

    stream = traitlets.Unicode(STREAMS[0]).tag(sync=True)
    share = traitlets.Int(5).tag(sync=True)
    seed = traitlets.Int(1).tag(sync=True)
    dense_size = traitlets.Float(1.0).tag(sync=True)
    rare_size = traitlets.Float(1.0).tag(sync=True)
    lr = traitlets.Float(0.01).tag(sync=True)
    decay = traitlets.Float(0.99).tag(sync=True)
    step = traitlets.Int(STEPS).tag(sync=True)
    shown = traitlets.List(traitlets.Unicode(), ["adagrad", "rmsprop", "adam"]).tag(sync=True)
    rule = traitlets.Unicode("adagrad").tag(sync=True)

    def __init__(self, **state):
        looks = strokes(KINDS)
        spec = {
            "title": "A rate for every weight",
            "rules": {name: _spec(kind) | {"stroke": looks[name]} for name, kind in KINDS.items()},
            "steps": STEPS,
            "streams": STREAMS,
            "big": {"step": BIG_STEP, "times": BIG},
            "sizes": SIZES,
            "rates": RATES,
            "decays": BETAS,
            "seeds": SEEDS,
            "situations": {name: EQUAL | found for name, found in SITUATIONS.items()},
        }
        super().__init__(kind="rates", spec=spec, min_height="76rem", **state)

    @traitlets.validate("stream")
    def _check_stream(self, proposal):
        name = proposal["value"]
        if name not in STREAMS:
            known = ", ".join(map(repr, STREAMS))
            raise traitlets.TraitError(
                f"got stream={name!r}{closest(name, STREAMS)}; expected one of {known}"
            )
        return name

    @traitlets.validate("share", "seed", "step")
    def _check_count(self, proposal):
        name, value = proposal["trait"].name, proposal["value"]
        low, high = {"share": (1, 100), "seed": (0, SEEDS - 1), "step": (1, STEPS)}[name]
        if not low <= value <= high:
            raise traitlets.TraitError(f"got {name}={value}; expected {low} to {high}")
        return value

    @traitlets.validate("dense_size", "rare_size", "lr")
    def _check_size(self, proposal):
        name, value = proposal["trait"].name, proposal["value"]
        if not 0 < value < np.inf:
            raise traitlets.TraitError(f"got {name}={value}; expected a finite number above 0")
        return value

    @traitlets.validate("decay")
    def _check_decay(self, proposal):
        if not 0 <= proposal["value"] < 1:
            raise traitlets.TraitError(f"got decay={proposal['value']}; expected 0 <= decay < 1")
        return proposal["value"]

    @traitlets.validate("shown")
    def _check_shown(self, proposal):
        for name in proposal["value"]:
            _check_name("shown", name)
        return [name for name in KINDS if name in proposal["value"]]

    @traitlets.validate("rule")
    def _check_rule(self, proposal):
        _check_name("rule", proposal["value"])
        return proposal["value"]

    @property
    def gradients(self) -> np.ndarray:
        """The gradients of the dense and the rare feature by step, shape (200, 2)."""
        t = np.arange(1, STEPS + 1)
        if self.seed:
            present = uniform(self.seed, STEPS) < self.share / 100
        else:
            present = np.floor(t * self.share / 100) > np.floor((t - 1) * self.share / 100)
        big = (t == BIG_STEP) & (self.stream == STREAMS[1])
        sizes = np.stack([np.full(STEPS, self.dense_size), self.rare_size * (present | big)], axis=1)
        if self.stream == STREAMS[2]:
            sizes /= t[:, None]
        return np.where(big[:, None], BIG * sizes, sizes)

    def trace(self, rule: str) -> Trace:
        """Return every quantity of a rule's run; column 0 is the dense feature, column 1 the rare one."""
        kind = KINDS[rule]
        return kind.rule.trace(w=0.0, g=self.gradients, **kind.hyper(self.lr, self.decay))

    def rates(self, rule: str) -> np.ndarray:
        """Return the effective rates of a rule by step, shape (201, 2); NaN where there is none."""
        kind, trace = KINDS[rule], self.trace(rule)
        squares = trace[kind.squares] if kind.squares else np.ones((STEPS + 1, 2))
        steps = np.roll(trace[kind.steps], 1, axis=0) if kind.steps else squares
        hyper = {"eps": 0.0} | kind.hyper(self.lr, self.decay)
        with np.errstate(divide="ignore", invalid="ignore"):
            found = kind.rate(squares, steps, hyper["lr"], hyper["eps"])
        found = np.where(squares == 0, np.nan, found)
        found[0] = np.nan
        return found

    def distance(self, rule: str) -> np.ndarray:
        """Return how far the weights have traveled by step, to and fro, shape (201, 2)."""
        moves = np.abs(np.diff(self.trace(rule)["w"], axis=0, prepend=np.zeros((1, 2))))
        return np.cumsum(moves, axis=0)

    @property
    def table(self) -> list[list]:
        """Two rows per rule that is shown.

        Its label, the feature, and at `step`: the gradient, what is accumulated, the rate, the rare
        feature's rate over the dense one's, the distance traveled. None where there is nothing.
        """
        rows = []
        for name in self.shown:
            kind, trace = KINDS[name], self.trace(name)
            rates, distance = self.rates(name)[self.step], self.distance(name)[self.step]
            squares = trace[kind.squares][self.step] if kind.squares else (None, None)
            for i, feature in enumerate(FEATURES):
                row = [trace["g"][self.step, i], squares[i], rates[i], rates[1] / rates[0] if i else None]
                rows.append([kind.label, feature, *map(_number, [*row, distance[i]])])
        return rows

    _head = (
        "optimizer",
        "feature",
        "gradient",
        "accumulated",
        "rate",
        "rare / dense",
        "distance",
    )

    def _caption(self) -> str:
        how = f"by chance (seed {self.seed})" if self.seed else "regularly"
        return (
            f"Rates at step {self.step}: gradients {self.stream}, of size {number(self.dense_size)} in every "
            f"step and {number(self.rare_size)} in {self.share} % of them, {how}; lr {number(self.lr)}, "
            f"decay {number(self.decay)}"
        )

    def text(self) -> str:
        """Return the rates at the step as a text table."""
        return f"{self._caption()}\n{table(self._head, self.table, 4)}"

    def html(self) -> str:
        """Return the same as an HTML table."""
        head = "".join(f'<th scope="col">{name}</th>' for name in self._head)
        body = "".join(
            f'<tr><th scope="row">{row[0]}</th><td>{row[1]}</td>'
            + "".join(f"<td>{'' if value is None else number(value, 4)}</td>" for value in row[2:])
            + "</tr>"
            for row in self.table
        )
        return (
            f"<table><caption>{escape(self._caption())}</caption><thead><tr>{head}</tr></thead>"
            f"<tbody>{body}</tbody></table>"
        )


def _number(value) -> float | None:
    return None if value is None or np.isnan(value) else float(value)


def _check_name(trait: str, name: str) -> None:
    if name not in KINDS:
        raise traitlets.TraitError(
            f"got {trait} with {name!r}{closest(name, KINDS)}; expected names out of {', '.join(KINDS)}"
        )


def _spec(kind: Kind) -> dict:
    return {
        "label": kind.label,
        "javascript": kind.rule.javascript(),
        "rate": javascript_of_results(read(kind.rate)),
        "squares": kind.squares,
        "steps": kind.steps,
        "decay": kind.decay,
        "hyper": {"eps": 0.0} | kind.rule.hyper | ({} if kind.lr is None else {"lr": kind.lr}),
        "own": kind.lr is not None,
        "state": {"w": 0.0, **kind.rule.state},
    }
