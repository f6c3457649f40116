"""Ten temperatures to drag: what an exponentially weighted average makes of them, and why."""

from __future__ import annotations

from html import escape

import numpy as np
import traitlets

from ..averages import ewa, ewa_corrected, weights
from ..format import number, table
from ._base import BETAS, Widget

TEMPERATURES = [18, 23, 19, 20, 17, 21, 19, 18, 22, 20]
DATA = {
    "ten days": TEMPERATURES,
    "constant": [20] * 10,
    "one spike": [20, 20, 20, 28, 20, 20, 20, 20, 20, 20],
    "a step": [12] * 5 + [24] * 5,
    "a slope": list(range(8, 28, 2)),
    "alternating": [16, 24] * 5,
}
RANGE = [0, 30]


class EWAExplorer(Widget):
    """The exponentially weighted average of ten temperatures that the reader drags.

    Parameters
    ----------
    **state
        Any of the attributes below.

    Attributes
    ----------
    theta : list of float
        The ten temperatures, 0 to 30 degrees.
    beta : float, default 0.9
        The share of the old average that is kept.
    start : float, default 0
        The average before day 1, 0 to 30 degrees.
    corrected : bool, default False
        Whether the bias-corrected average is in front.
    day : int, default 10
        The day whose average is taken apart into weights.
    """

    theta = traitlets.List(traitlets.Float(), default_value=TEMPERATURES).tag(sync=True)
    beta = traitlets.Float(0.9).tag(sync=True)
    start = traitlets.Float(0.0).tag(sync=True)
    corrected = traitlets.Bool(False).tag(sync=True)
    day = traitlets.Int(len(TEMPERATURES)).tag(sync=True)

    def __init__(self, **state):
        spec = {
            "title": "Drag the temperatures",
            "rules": {"raw": ewa.javascript(), "corrected": ewa_corrected.javascript()},
            "betas": BETAS,
            "data": DATA,
            "range": RANGE,
        }
        super().__init__(kind="averages", spec=spec, min_height="41rem", **state)

    @traitlets.validate("theta")
    def _check_theta(self, proposal):
        values = proposal["value"]
        low, high = RANGE
        if len(values) != len(TEMPERATURES) or not all(low <= value <= high for value in values):
            raise traitlets.TraitError(
                f"got theta={values}; expected {len(TEMPERATURES)} temperatures from {low} to {high} degrees"
            )
        return values

    @traitlets.validate("start")
    def _check_start(self, proposal):
        low, high = RANGE
        if not low <= proposal["value"] <= high:
            raise traitlets.TraitError(f"got start={proposal['value']}; expected {low} to {high} degrees")
        return proposal["value"]

    @traitlets.validate("beta")
    def _check_beta(self, proposal):
        if not 0 <= proposal["value"] < 1:
            raise traitlets.TraitError(f"got beta={proposal['value']}; expected 0 <= beta < 1")
        return proposal["value"]

    @traitlets.validate("day")
    def _check_day(self, proposal):
        if not 1 <= proposal["value"] <= len(TEMPERATURES):
            raise traitlets.TraitError(f"got day={proposal['value']}; expected 1 to {len(TEMPERATURES)}")
        return proposal["value"]

    @property
    def raw(self) -> np.ndarray:
        """The raw average by day; index 0 is the start."""
        return ewa.trace(theta=self.theta, v=self.start, beta=self.beta)["v"]

    @property
    def averages(self) -> np.ndarray:
        """The average in front (raw or corrected) by day; index 0 is the start, NaN if corrected."""
        if not self.corrected:
            return self.raw
        return ewa_corrected.trace(theta=self.theta, v=self.start, beta=self.beta)["v_hat"]

    @property
    def weights(self) -> np.ndarray:
        """What days 1 to `day` count for in the average of that day, oldest first."""
        return weights(self.day, self.beta, start="corrected" if self.corrected else "zero")

    @property
    def table(self) -> list[list]:
        """One row per day: day, temperature, weight in the average of `day`, raw and corrected average."""
        shares = [*self.weights, *[None] * (len(self.theta) - self.day)]
        corrected = ewa_corrected.trace(theta=self.theta, v=self.start, beta=self.beta)["v_hat"]
        raw = self.raw
        return [
            [str(d), self.theta[d - 1], shares[d - 1], raw[d], corrected[d]]
            for d in range(1, len(self.theta) + 1)
        ]

    _head = ("day", "θ", "weight", "v", "v_hat")

    def _caption(self) -> str:
        beta, start = number(self.beta), number(self.start)
        return f"Average of ten temperatures, β = {beta}, v₀ = {start}; weights of day {self.day}"

    def text(self) -> str:
        """Return the ten days as a text table."""
        return f"{self._caption()}\n{table(self._head, self.table)}"

    def html(self) -> str:
        """Return the ten days as an HTML table."""
        head = "".join(f'<th scope="col">{name}</th>' for name in self._head)
        rows = "".join(
            f'<tr><th scope="row">{row[0]}</th>'
            + "".join(f"<td>{'' if value is None else number(value)}</td>" for value in row[1:])
            + "</tr>"
            for row in self.table
        )
        return (
            f"<table><caption>{escape(self._caption())}</caption><thead><tr>{head}</tr></thead>"
            f"<tbody>{rows}</tbody></table>"
        )
