"""One step of momentum and one of Nesterov from the same point, as arrows that the reader drags."""

from __future__ import annotations

import math
from html import escape
from numbers import Real

import numpy as np
import traitlets

from .. import plots
from ..format import number, table
from ..formula import closest
from ..landscapes import ravine
from ..rule import Rule
from ..rules import momentum, nesterov_lookahead
from ..translate import javascript_of_results
from ._base import Widget, strokes

KAPPA = 4.0
BETA = 0.9
DRAGS = ("point", "jump")
LABELS = {"momentum": "momentum", "nesterov_lookahead": "Nesterov"}
RULES: dict[str, Rule] = {"momentum": momentum, "nesterov_lookahead": nesterov_lookahead}
SAME = 1e-12  # heights that differ by a smaller share count as equal: the rest is rounding
PER_UNIT = 20  # stops of the sliders
RATES = [round(0.005 * i, 3) for i in range(1, 61)]


class Lookahead(Widget):
    """One step of momentum beside one of Nesterov on ``x**2 + 4 * y**2``, from the same point and velocity.

    Both make the same jump, which the velocity does alone. Then momentum subtracts the learning rate times
    the gradient of the point from where the jump began, and Nesterov the same of where it leads.

    Parameters
    ----------
    **state
        Any of the attributes below.

    Attributes
    ----------
    w : list of float, default [-1.9, 0.7]
        The point, x from -3 to 3 and y from -2 to 2.
    jump : list of float, default [1.1, -1.1]
        What the velocity does, ``-lr * 0.9 * v``, in the same ranges.
    lr : float, default 0.1
        The learning rate, more than 0 and at most 1. Another one leaves the jump as it is.
    drag : {"point", "jump"}, default "point"
        What a drag over the map moves: the point with all its arrows, or the tip of the jump.

    Examples
    --------
    >>> widget = Lookahead()
    >>> widget.lower
    'nesterov_lookahead'
    >>> widget.jump = [1.1, 0.0]
    >>> widget.lower
    'momentum'
    """

    w = traitlets.List(traitlets.Float(), [-1.9, 0.7]).tag(sync=True)
    jump = traitlets.List(traitlets.Float(), [1.1, -1.1]).tag(sync=True)
    lr = traitlets.Float(0.1).tag(sync=True)
    drag = traitlets.Unicode("point").tag(sync=True)

    def __init__(self, **state):
        looks = strokes(RULES)
        spec = {
            "title": f"One step on x² + {number(KAPPA)} y²: where is the gradient taken?",
            "rules": {
                name: {
                    "label": LABELS[name],
                    "step": rule.javascript(),
                    "point": rule.look_ahead and javascript_of_results(rule.look_ahead),
                    "stroke": looks[name],
                    # The color says which part of a step an arrow is, the dash whose step.
                    "push": {"color": plots.VERMILION, "dash": looks[name]["dash"]},
                }
                for name, rule in RULES.items()
            },
            "landscape": ravine.using(kappa=KAPPA).javascript(),
            "beta": BETA,
            "same": SAME,
            "stops": [
                [i / PER_UNIT for i in range(round(low * PER_UNIT), round(high * PER_UNIT) + 1)]
                for low, high in ravine.window
            ],
            "rates": RATES,
        }
        super().__init__(kind="lookahead", spec=spec, min_height="48rem", **state)

    @traitlets.validate("w", "jump")
    def _check_pair(self, proposal):
        name, value = proposal["trait"].name, proposal["value"]
        inside = len(value) == 2 and all(
            isinstance(x, Real) and low <= x <= high
            for x, (low, high) in zip(value, ravine.window, strict=True)
        )
        if not inside:
            (left, right), (low, high) = ravine.window
            raise traitlets.TraitError(
                f"got {name}={value}; expected [x, y] with x from {left:g} to {right:g} "
                f"and y from {low:g} to {high:g}"
            )
        return [float(x) for x in value]

    @traitlets.validate("lr")
    def _check_lr(self, proposal):
        if not 0 < proposal["value"] <= 1:
            raise traitlets.TraitError(f"got lr={proposal['value']}; expected more than 0 and at most 1")
        return proposal["value"]

    @traitlets.validate("drag")
    def _check_drag(self, proposal):
        if proposal["value"] not in DRAGS:
            raise traitlets.TraitError(
                f"got drag={proposal['value']!r}{closest(proposal['value'], DRAGS)}; "
                f"expected {' or '.join(map(repr, DRAGS))}"
            )
        return proposal["value"]

    @property
    def velocity(self) -> np.ndarray:
        """The velocity before the step: the one that makes this jump at this learning rate."""
        return -np.array(self.jump) / (self.lr * BETA)

    def _step(self, name: str) -> dict[str, np.ndarray]:
        """Make one step of a rule; where its gradient is taken, the gradient, and the next point."""
        rule, land = RULES[name], ravine.using(kappa=KAPPA)
        w, hyper = np.array(self.w), {"lr": self.lr, "momentum": BETA}
        made = rule.trace(w=w, v=self.velocity, g=land.gradient, steps=1, **hyper)
        at = rule.point({"w": w, "v": self.velocity}, hyper)
        return {"at": at, "g": made["g"][1], "next": made["w"][1]}

    @property
    def next(self) -> dict[str, np.ndarray]:
        """The next point by the name of the rule."""
        return {name: self._step(name)["next"] for name in RULES}

    @property
    def heights(self) -> dict[str, float]:
        """The height at the next point by the name of the rule."""
        land = ravine.using(kappa=KAPPA)
        return {name: float(land.value(at)) for name, at in self.next.items()}

    @property
    def lower(self) -> str | None:
        """The rule whose next point is lower; None if both are equally high."""
        (one, first), (two, second) = self.heights.items()
        if math.isclose(first, second, rel_tol=SAME):
            return None
        return one if first < second else two

    @property
    def table(self) -> list[list]:
        """One row per quantity: its name, x, y, and the height there; None where it is no place."""
        land = ravine.using(kappa=KAPPA)
        heavy, ahead = (self._step(name) for name in RULES)

        def place(name: str, at) -> list:
            return [name, *map(float, at), float(land.value(at))]

        return [
            place("point w", self.w),
            ["jump −η β v", *self.jump, None],
            ["velocity v before the step", *map(float, self.velocity), None],
            ["gradient at the point", *map(float, heavy["g"]), None],
            place("look-ahead, w + jump", ahead["at"]),
            ["gradient at the look-ahead", *map(float, ahead["g"]), None],
            place("next point, momentum", heavy["next"]),
            place("next point, Nesterov", ahead["next"]),
        ]

    _head = ("quantity", "x", "y", "height")

    def _caption(self) -> str:
        return f"One step on x² + {number(KAPPA)} y², learning rate η = {number(self.lr)}, β = {number(BETA)}"

    def text(self) -> str:
        """Return points, gradients and heights as a text table."""
        return f"{self._caption()}\n{table(self._head, self.table)}"

    def html(self) -> str:
        """Return points, gradients and heights as an HTML table."""
        head = "".join(f'<th scope="col">{name}</th>' for name in self._head)
        rows = "".join(
            f'<tr><th scope="row">{escape(name)}</th>'
            + "".join(f"<td>{'' if value is None else number(value)}</td>" for value in values)
            + "</tr>"
            for name, *values in self.table
        )
        return (
            f"<table><caption>{escape(self._caption())}</caption><thead><tr>{head}</tr></thead>"
            f"<tbody>{rows}</tbody></table>"
        )
