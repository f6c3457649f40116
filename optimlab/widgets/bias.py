"""What Adam's bias correction does to the averages and to the first steps, step by step."""

from __future__ import annotations

import math
from html import escape

import numpy as np
import traitlets
from numpy import sqrt, where

from ..format import number, table
from ..formula import read
from ..rule import Rule
from ..rules import adam, adam_uncorrected
from ..translate import javascript_of_results
from ._base import BETAS, Widget, strokes
from ._random import normal

# The gradient at step t; z is drawn by chance, of mean 0 and variance 1.


def constant(t, z):
    """Return the same gradient at every step."""
    return 1


def flip(t, z):
    """Return a gradient that turns around after ten steps."""
    return where(t <= 10, 1, -1)


def noisy(t, z):
    """Return a gradient of mean 1 with as much noise."""
    return 1 + z


def spike(t, z):
    """Return one gradient, and then nothing."""
    return where(t == 1, 1, 0)


def growing(t, z):
    """Return a gradient that grows with the step."""
    return t


STREAMS = {
    "constant": ("constant, 1", constant),
    "flip": ("1 for ten steps, then −1", flip),
    "noisy": ("1 and noise of variance 1", noisy),
    "spike": ("1 at the first step, then 0", spike),
    "growing": ("growing: 1, 2, 3, …", growing),
}


def factor(t, *, beta1=0.9, beta2=0.999):
    """Return what the uncorrected step is, in corrected ones, where eps does not count."""
    return (1 - beta1**t) / sqrt(1 - beta2**t)


_COMPUTE = {name: read(function).bind_results() for name, (_, function) in STREAMS.items()}
_FACTOR = read(factor).bind_results()
LENGTHS = [10, 100, 1000]
AT = [1, 2, 3, 5, 10, 12, 20, 50, 100, 200, 500, 1000]
SMALL = 0.01  # a change of a step that hardly counts
PRESETS = {
    "Adam’s defaults": {"beta1": 0.9, "beta2": 0.999},
    "β₁ = 0, β₂ = 0.9": {"beta1": 0.0, "beta2": 0.9},
    "β₁ = β₂ = 0.9": {"beta1": 0.9, "beta2": 0.9},
}


class BiasCorrection(Widget):
    """Adam with and without its correction, on a stream of gradients: averages, squares and steps.

    Parameters
    ----------
    **state
        Any of the attributes below.

    Attributes
    ----------
    beta1, beta2 : float, default 0.9 and 0.999
        The shares of the old averages that are kept.
    stream : {"constant", "flip", "noisy", "spike", "growing"}, default "constant"
        The gradients.
    seed : int, default 1
        What the noise of "noisy" is drawn from.
    steps : {10, 100, 1000}, default 100
        How many steps are made.
    log : bool, default False
        Whether the axis of the steps is logarithmic.
    """

    beta1 = traitlets.Float(0.9).tag(sync=True)
    beta2 = traitlets.Float(0.999).tag(sync=True)
    stream = traitlets.Unicode("constant").tag(sync=True)
    seed = traitlets.Int(1).tag(sync=True)
    steps = traitlets.Int(100).tag(sync=True)
    log = traitlets.Bool(False).tag(sync=True)

    def __init__(self, **state):
        names = ["raw average", "corrected average", "adam", "adam_uncorrected"]
        spec = {
            "title": "Adam with and without its bias correction",
            "rules": {rule.name: rule.javascript() for rule in (adam, adam_uncorrected)},
            "streams": {
                name: {"label": label, "formula": javascript_of_results(read(function))}
                for name, (label, function) in STREAMS.items()
            },
            "factor": javascript_of_results(read(factor)),
            "betas": BETAS,
            "lengths": LENGTHS,
            "at": AT,
            "small": SMALL,
            "presets": PRESETS,
            "strokes": strokes(names),
        }
        super().__init__(kind="bias", spec=spec, min_height="61rem", **state)

    @traitlets.validate("beta1", "beta2")
    def _check_share(self, proposal):
        if not 0 <= proposal["value"] <= BETAS[-1]:
            name = proposal["trait"].name
            raise traitlets.TraitError(f"got {name}={proposal['value']}; expected 0 to {BETAS[-1]}")
        return proposal["value"]

    @traitlets.validate("stream")
    def _check_stream(self, proposal):
        if proposal["value"] not in STREAMS:
            raise traitlets.TraitError(f"got stream={proposal['value']!r}; expected {', '.join(STREAMS)}")
        return proposal["value"]

    @traitlets.validate("seed")
    def _check_seed(self, proposal):
        if not 0 <= proposal["value"] < 2**32:
            raise traitlets.TraitError(f"got seed={proposal['value']}; expected 0 to 2**32 - 1")
        return proposal["value"]

    @traitlets.validate("steps")
    def _check_steps(self, proposal):
        if proposal["value"] not in LENGTHS:
            expected = ", ".join(map(str, LENGTHS))
            raise traitlets.TraitError(f"got steps={proposal['value']}; expected {expected}")
        return proposal["value"]

    @property
    def gradients(self) -> np.ndarray:
        """The gradient of every step, shape (steps,)."""
        t = np.arange(1.0, self.steps + 1)
        (found,) = _COMPUTE[self.stream](t, normal(self.seed, self.steps))
        return np.broadcast_to(np.asarray(found, float), t.shape).copy()

    def _run(self, rule: Rule) -> dict[str, np.ndarray]:
        """Return every quantity of every step, and its size in units of the learning rate."""
        # The weight is put back to 0 after every step, so that the step is known to the last digit.
        now, rows = {"m": 0.0, "v": 0.0}, []
        for t, g in enumerate(self.gradients, start=1):
            clock = {"t": float(t)} if rule.uses_t else {}
            hyper = {"lr": 1.0, "beta1": self.beta1, "beta2": self.beta2, "eps": rule.hyper["eps"]}
            row = rule.everything(w=0.0, g=g, **now, **clock, **hyper)
            now = {name: row[name] for name in now}
            rows.append({**row, "size": abs(row["w"])})
        return {name: np.array([float(row[name]) for row in rows]) for name in rows[0]}

    @property
    def corrected(self) -> dict[str, np.ndarray]:
        """Adam's ``m``, ``v``, ``m_hat``, ``v_hat`` and step ``size`` in units of lr, shape (steps,) each."""
        return self._run(adam)

    @property
    def uncorrected(self) -> dict[str, np.ndarray]:
        """The same of Adam without the correction: ``m``, ``v`` and ``size``."""
        return self._run(adam_uncorrected)

    @property
    def factor(self) -> np.ndarray:
        """What the uncorrected step is in corrected ones, ``(1 - beta1**t) / sqrt(1 - beta2**t)``."""
        return _FACTOR(np.arange(1.0, self.steps + 1), beta1=self.beta1, beta2=self.beta2)[0]

    @property
    def settled(self) -> int:
        """The step from which on the correction changes a step by less than 1 %, also beyond `steps`."""
        slowest = max(self.beta1, self.beta2)
        # From there on what is left of the start is below a thousandth, and the change far below 1 %.
        end = math.ceil(math.log(0.001) / math.log(slowest)) if slowest else 1
        t = np.arange(1.0, end + 1)
        (ratio,) = _FACTOR(t, beta1=self.beta1, beta2=self.beta2)
        late = np.flatnonzero(np.abs(ratio - 1) >= SMALL)
        return int(late[-1]) + 2 if len(late) else 1

    @property
    def summary(self) -> list[list]:
        """What the correction does: name, with it, without it."""
        sizes = [self.corrected["size"], self.uncorrected["size"]]
        # Steps that differ by rounding only are equally large: the first of them is named.
        peaks = [int(np.flatnonzero(size >= size.max() * (1 - 1e-9))[0]) for size in sizes]
        return [
            ["first step, in lr", *(float(size[0]) for size in sizes)],
            ["largest step, in lr", *(float(size[at]) for size, at in zip(sizes, peaks, strict=True))],
            ["at step", *(at + 1 for at in peaks)],
            ["change of a step below 1 % from step", None, self.settled],
        ]

    @property
    def table(self) -> list[list]:
        """One row for some steps: t, g, both averages raw and corrected, the size of both steps, factor."""
        with_it, without, g, ratio = self.corrected, self.uncorrected, self.gradients, self.factor
        columns = [g, with_it["m"], with_it["m_hat"], with_it["v"], with_it["v_hat"]]
        columns += [with_it["size"], without["size"], ratio]
        return [[str(t), *(float(column[t - 1]) for column in columns)] for t in AT if t <= self.steps]

    _head = ("t", "g", "m", "m_hat", "v", "v_hat", "step / lr", "uncorrected", "factor")
    _summary_head = ("quantity", "corrected", "uncorrected")

    def _caption(self) -> str:
        return (
            f"Adam, β₁ = {number(self.beta1)}, β₂ = {number(self.beta2)}, {self.steps} steps, "
            f"gradients: {STREAMS[self.stream][0]}"
        )

    def text(self) -> str:
        """Return the summary and the steps as text tables."""
        summary = table(self._summary_head, self.summary, 4)
        return f"{self._caption()}\n{summary}\n\n{table(self._head, self.table, 4)}"

    def html(self) -> str:
        """Return the summary and the steps as HTML tables."""

        def one(caption: str, head: tuple, rows: list[list]) -> str:
            above = "".join(f'<th scope="col">{name}</th>' for name in head)
            below = "".join(
                f'<tr><th scope="row">{name}</th>'
                + "".join(f"<td>{'' if value is None else number(value, 4)}</td>" for value in values)
                + "</tr>"
                for name, *values in rows
            )
            return (
                f"<table><caption>{escape(caption)}</caption><thead><tr>{above}</tr></thead>"
                f"<tbody>{below}</tbody></table>"
            )

        summary = one(self._caption(), self._summary_head, self.summary)
        return summary + one("The same, step by step", self._head, self.table)
