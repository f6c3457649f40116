"""Weight decay in Adam, two ways: as part of the gradient (L2) or beside it (AdamW)."""

from __future__ import annotations

import functools
from html import escape

import numpy as np
import traitlets

from ..format import number, table
from ..landscapes import landscape
from ..rules import adam_l2, adamw
from ._base import Widget, strokes
from ._random import normal

RULES = {"adamw": adamw, "adam_l2": adam_l2}
TITLES = {"adamw": "AdamW", "adam_l2": "Adam with L2"}
STEPS = 400
BETA1, EPS = 0.9, 1e-8
SLIDERS = {
    "weight_decay": ("Weight decay", [0.0, 0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.7, 1.0]),
    "lr": ("Learning rate", [0.001, 0.002, 0.003, 0.005, 0.007, 0.01, 0.012, 0.015, 0.02]),
    "beta2": ("β₂", [0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999]),
    "scale": ("Gradients of weight 1, times", [0.1, 0.2, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 20.0, 50.0, 100.0]),
    "pull": ("Pull of the data to (4, 1)", [0.0, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 0.7, 1.0]),
}
DEFAULT = {"weight_decay": 0.3, "lr": 0.01, "beta2": 0.99, "scale": 10.0, "pull": 0.0}
PRESETS = {
    "gradients 10 times as large": DEFAULT,
    "gradients 100 times as large": DEFAULT | {"scale": 100.0},
    "gradients of one size": DEFAULT | {"scale": 1.0},
    "data that pull back": DEFAULT | {"pull": 0.3},
    "no decay": DEFAULT | {"weight_decay": 0.0},
}


@landscape(window=((-0.4, 4.6), (-0.5, 1.5)), start=(4.0, 1.0))
def bowl(x, y, *, scale=10.0, pull=0.0):
    """Bowl around the start, ``scale`` times as steep along the first weight: what the data say."""
    return pull * (scale * (x - 4) ** 2 + (y - 1) ** 2) / 2


@bowl.has_gradient
def _(x, y, *, scale, pull):
    return pull * scale * (x - 4), pull * (y - 1)


class WeightDecay(Widget):
    """Two weights under Adam with an L2 penalty and under AdamW, and what decay alone takes off each.

    Both start at (4, 1) and see the same gradients: the slope of `bowl`, and normal noise of standard
    deviation `scale` for weight 1 and of 1 for weight 2. Without a pull the gradients are noise alone, so
    that nothing but the decay moves the weights in the long run.

    The effective decay of a step is the share of the weight that its decay terms take off: the step that
    was made, against the same step from the same weight and the same average of squares ``v`` without
    decay terms, neither in this gradient nor in those that the average ``m`` still remembers. For AdamW it
    is ``lr * weight_decay``; for Adam with L2 about ``lr * weight_decay / (sqrt(v_hat) + eps)``.

    Parameters
    ----------
    **state
        Any of the attributes below.

    Attributes
    ----------
    weight_decay : float, default 0.3
        At least 0, less than 10.
    lr : float, default 0.01
        The learning rate, above 0 and at most 0.1.
    beta2 : float, default 0.99
        The share of the average of squares that is kept.
    scale : float, default 10
        How many times as large the gradients of weight 1 are; 0.01 to 1000.
    pull : float, default 0
        How steep the bowl around the start is, 0 to 1.
    draw : int, default 1
        The seed of the noise, 1 to 20.
    step : int, default 400
        The step that is read off.

    Examples
    --------
    >>> widget = WeightDecay(weight_decay=0.2)
    >>> widget.decays["adamw"][99].round(12)
    array([0.002, 0.002])
    """

    weight_decay = traitlets.Float(DEFAULT["weight_decay"]).tag(sync=True)
    lr = traitlets.Float(DEFAULT["lr"]).tag(sync=True)
    beta2 = traitlets.Float(DEFAULT["beta2"]).tag(sync=True)
    scale = traitlets.Float(DEFAULT["scale"]).tag(sync=True)
    pull = traitlets.Float(DEFAULT["pull"]).tag(sync=True)
    draw = traitlets.Int(1).tag(sync=True)
    step = traitlets.Int(STEPS).tag(sync=True)

    def __init__(self, **state):
        spec = {
            "title": "Weight decay: in the gradient, or beside it",
            "rules": {name: rule.javascript() for name, rule in RULES.items()},
            "titles": TITLES,
            "strokes": strokes(RULES),
            "landscape": bowl.javascript(),
            "fixed": {"beta1": BETA1, "eps": EPS},
            "steps": STEPS,
            "sliders": SLIDERS,
            "presets": PRESETS,
        }
        super().__init__(kind="decay", spec=spec, min_height="53rem", **state)

    @traitlets.validate("weight_decay", "lr", "beta2", "scale", "pull", "draw", "step")
    def _check(self, proposal):
        name, value = proposal["trait"].name, proposal["value"]
        good, expected = {
            "weight_decay": (0 <= value < 10, "at least 0, less than 10"),
            "lr": (0 < value <= 0.1, "above 0, at most 0.1"),
            "beta2": (0 <= value < 1, "at least 0, less than 1"),
            "scale": (0.01 <= value <= 1000, "0.01 to 1000"),
            "pull": (0 <= value <= 1, "0 to 1"),
            "draw": (1 <= value <= 20, "1 to 20"),
            "step": (1 <= value <= STEPS, f"1 to {STEPS}"),
        }[name]
        if not good:
            raise traitlets.TraitError(f"got {name}={value}; expected {expected}")
        return value

    @property
    def paths(self) -> dict[str, np.ndarray]:
        """Both weights by step, of shape (401, 2), for each rule; index 0 is the start."""
        return {name: run[0] for name, run in self._runs.items()}

    @property
    def decays(self) -> dict[str, np.ndarray]:
        """The effective decay of both weights by step, of shape (400, 2); index 0 is step 1."""
        return {name: run[1] for name, run in self._runs.items()}

    @property
    def _runs(self) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        state = (self.weight_decay, self.lr, self.beta2, self.scale, self.pull, self.draw)
        return {name: _run(name, *state) for name in RULES}

    @property
    def table(self) -> list[list]:
        """Three rows per rule: each weight, and the norm of both.

        A row has the rule, what it is about, its value at `step`, the effective decay of that step, the
        median of the effective decay over steps 2 to 400, and the value at the end. The first step of Adam
        has the size of the learning rate whatever the gradient, so that decay in the gradient does nothing.
        """
        rows = []
        for name, (path, decays) in self._runs.items():
            middle = np.median(decays[1:], axis=0)
            for i in (0, 1):
                now = [path[self.step, i], decays[self.step - 1, i], middle[i], path[-1, i]]
                rows.append([TITLES[name], f"weight {i + 1}", *map(float, now)])
            norm = np.sqrt((path**2).sum(axis=1))
            rows.append([TITLES[name], "norm", float(norm[self.step]), None, None, float(norm[-1])])
        return rows

    def _head(self) -> list[str]:
        return ["rule", "", f"step {self.step}", "decay of this step", "decay, median", f"step {STEPS}"]

    def _caption(self) -> str:
        pull = f", pull of the data {number(self.pull)}" if self.pull else ""
        return (
            f"Two weights from (4, 1), weight decay {number(self.weight_decay)}, lr = {number(self.lr)}, "
            f"β₂ = {number(self.beta2)}, gradients of weight 1 {number(self.scale)} times as large{pull}; "
            f"noise {self.draw}"
        )

    def text(self) -> str:
        """Return the two rules' numbers as a text table."""
        return f"{self._caption()}\n{table(self._head(), self.table, digits=4)}"

    def html(self) -> str:
        """Return the two rules' numbers as an HTML table."""
        head = "".join(f'<th scope="col">{name}</th>' for name in self._head())
        rows = "".join(
            f'<tr><th scope="row">{rule}</th><td>{what}</td>'
            + "".join(f"<td>{'' if value is None else number(value, 4)}</td>" for value in values)
            + "</tr>"
            for rule, what, *values in self.table
        )
        return (
            f"<table><caption>{escape(self._caption())}</caption><thead><tr>{head}</tr></thead>"
            f"<tbody>{rows}</tbody></table>"
        )


@functools.lru_cache(maxsize=8)
def _run(
    name: str, weight_decay: float, lr: float, beta2: float, scale: float, pull: float, draw: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the path and the effective decay of every step."""
    rule = RULES[name]
    hyper = {"lr": lr, "beta1": BETA1, "beta2": beta2, "eps": EPS}
    ground = bowl.using(scale=scale, pull=pull)
    noise = normal(draw, 2 * STEPS).reshape(STEPS, 2) * [scale, 1.0]
    w = np.array(bowl.start)
    m = v = bare = np.zeros(2)  # `bare` is what the average m would be without any decay term
    path, decays = [w], []
    for t in range(1, STEPS + 1):
        g = ground.gradient(w) + noise[t - 1]
        without, bare, _ = rule(w, g, t, bare, v, **hyper, weight_decay=0.0)
        after, m, v = rule(w, g, t, m, v, **hyper, weight_decay=weight_decay)
        decays.append((without - after) / w)
        w = after
        path.append(w)
    return np.array(path), np.array(decays)
