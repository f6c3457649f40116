"""Every learning rate and every beta at once: the phase diagram of momentum on a quadratic."""

from __future__ import annotations

from html import escape

import numpy as np
import traitlets

from .. import quadratic
from ..descent import run
from ..format import number, table
from ..landscapes import ravine
from ..rules import momentum, momentum_average, nesterov, qhm
from ._base import Widget

KAPPAS = [1, 1.5, 2, 3, 4, 5, 7, 10, 15, 20, 30, 50, 70, 100, 150, 200, 300, 500, 700, 1000]
MODES = {
    "both": "the slower direction",
    "flat": "the flat direction",
    "steep": "the steep direction",
}
# By (average, nesterov). Quasi-hyperbolic momentum with nu = momentum is Nesterov's with an average.
RULES = {
    (False, False): momentum,
    (True, False): momentum_average,
    (False, True): nesterov,
    (True, True): qhm,
}
STEPS = 500
DRAWN = 120
# From fast to slow; lightness falls evenly, so that the order survives without color.
COLORS = ["#fff5c2", "#c5e0a0", "#7cc49a", "#3d9f9c", "#2d7595", "#2c4c82", "#241f56"]


def _clean(part: float) -> float:
    """Return a part of a root, or zero where it is nothing but rounding."""
    return float(part) if abs(part) > 1e-12 else 0.0


class MomentumPhase(Widget):
    """The convergence rate of momentum on ``x**2 + kappa * y**2`` over learning rate and beta.

    The two directions have the curvatures 2 and ``2 * kappa``. The reader moves a point over the map of all
    pairs; two runs, one along each direction, show what happens there.

    Parameters
    ----------
    **state
        Any of the attributes below.

    Attributes
    ----------
    kappa : float, default 10
        Condition number, 1 to 1000.
    lr : float, default 1.9
        Learning rate in units of one over the larger curvature: gradient descent diverges above 2.
    beta : float, default 0.9
        The share of the velocity that is kept.
    average : bool, default False
        Whether the velocity is an average, with ``1 - beta`` before the gradient, instead of a sum.
    nesterov : bool, default False
        Whether the rule looks ahead.
    mode : {"both", "flat", "steep"}, default "both"
        Which rate the map shows.
    log : bool, default True
        Whether the errors are drawn by size on a logarithmic axis.
    """

    kappa = traitlets.Float(10.0).tag(sync=True)
    lr = traitlets.Float(1.9).tag(sync=True)
    beta = traitlets.Float(0.9).tag(sync=True)
    average = traitlets.Bool(False).tag(sync=True)
    nesterov = traitlets.Bool(False).tag(sync=True)
    mode = traitlets.Unicode("both").tag(sync=True)
    log = traitlets.Bool(True).tag(sync=True)

    def __init__(self, **state):
        spec = {
            "title": "Momentum on x² + κ y²: every learning rate and every β",
            "rules": {"".join("01"[on] for on in key): rule.javascript() for key, rule in RULES.items()},
            "landscape": ravine.javascript(),
            "kappas": KAPPAS,
            "modes": MODES,
            "regions": list(quadratic.REGIONS),
            "colors": COLORS,
            "steps": STEPS,
            "drawn": DRAWN,
        }
        super().__init__(kind="phase", spec=spec, min_height="70rem", **state)

    @traitlets.validate("kappa")
    def _check_kappa(self, proposal):
        if not 1 <= proposal["value"] <= 1000:
            raise traitlets.TraitError(f"got kappa={proposal['value']}; expected 1 to 1000")
        return proposal["value"]

    @traitlets.validate("lr")
    def _check_lr(self, proposal):
        if not 0 < proposal["value"] <= 1000:
            raise traitlets.TraitError(
                f"got lr={proposal['value']}; expected more than 0 and at most 1000: it counts in units of "
                "1 / (2 * kappa), so that gradient descent diverges above 2"
            )
        return proposal["value"]

    @traitlets.validate("beta")
    def _check_beta(self, proposal):
        if not 0 <= proposal["value"] < 1:
            raise traitlets.TraitError(f"got beta={proposal['value']}; expected 0 <= beta < 1")
        return proposal["value"]

    @traitlets.validate("mode")
    def _check_mode(self, proposal):
        if proposal["value"] not in MODES:
            raise traitlets.TraitError(f"got mode={proposal['value']!r}; expected {', '.join(MODES)}")
        return proposal["value"]

    @property
    def curvatures(self) -> np.ndarray:
        """The second derivatives along the flat and the steep direction."""
        return np.array([2.0, 2.0 * self.kappa])

    @property
    def learning_rate(self) -> float:
        """The learning rate that the rule is given."""
        return self.lr / (2 * self.kappa)

    def _summed(self) -> tuple[float, float, np.ndarray, bool]:
        """Return the arguments of `optimlab.quadratic`: the learning rate is that of the sum."""
        lr = self.learning_rate * (1 - self.beta) if self.average else self.learning_rate
        return lr, self.beta, self.curvatures, self.nesterov

    @property
    def rates(self) -> np.ndarray:
        """What a step leaves of the error in the end, along the flat and the steep direction."""
        return quadratic.rate(*self._summed())

    @property
    def regions(self) -> list[str]:
        """How the errors move along the flat and the steep direction."""
        return [str(name) for name in quadratic.region(*self._summed())]

    @property
    def roots(self) -> np.ndarray:
        """The eigenvalues of the steps, shape (2, 2): of the flat and of the steep direction in columns."""
        return quadratic.roots(*self._summed())

    @property
    def best(self) -> quadratic.Best:
        """The fastest pair for both directions, `lr` in the units and the convention of the widget."""
        found = quadratic.best(self.curvatures, self.nesterov)
        return found._replace(lr=self._scaled(found.lr, found.beta))

    @property
    def best_here(self) -> quadratic.Best:
        """The fastest `lr` for both directions at this `beta`."""
        lr = quadratic.best_lr(self.beta, self.curvatures, self.nesterov)
        rates = quadratic.rate(lr, self.beta, self.curvatures, self.nesterov)
        return quadratic.Best(self._scaled(lr, self.beta), self.beta, float(np.max(rates)))

    def _scaled(self, lr: float, beta: float) -> float:
        return lr * (2 * self.kappa) / (1 - beta if self.average else 1)

    @property
    def paths(self) -> np.ndarray:
        """The errors of two runs of 500 steps from 1, shape (501, 2): along the flat and the steep direction.

        A run that gets beyond 1e12 stands still.
        """
        hyper = {"lr": self.learning_rate, "momentum": self.beta}
        rule = RULES[self.average, self.nesterov]
        if rule is qhm:
            hyper["nu"] = self.beta
        went = run(rule, ravine.using(kappa=self.kappa), start=np.eye(2), steps=STEPS, **hyper)
        return np.stack([went["w"][:, 0, 0], went["w"][:, 1, 1]], axis=1)

    @property
    def counted(self) -> list[int | None]:
        """After how many steps each error stays below a thousandth; None if not within 500."""
        found = []
        for path in np.abs(self.paths).T:
            last = int(np.flatnonzero(path > 1e-3)[-1])
            found.append(None if last == STEPS else last + 1)
        return found

    @property
    def table(self) -> list[list]:
        """One row per quantity: its name, along the flat and the steep direction, and for both together."""
        rates, roots, counted, paths = self.rates, self.roots, self.counted, self.paths
        lr, _, curvatures, _ = self._summed()
        promised = [float(quadratic.steps(rate)) for rate in (*rates, max(rates))]
        best, here = self.best, self.best_here
        return [
            ["curvature λ", *map(float, curvatures), None],
            ["learning rate of the sum × λ", *(float(lr * x) for x in curvatures), None],
            ["region", *self.regions, None],
            ["first root, real part", *map(_clean, roots[0].real), None],
            ["first root, imaginary part", *map(_clean, roots[0].imag), None],
            ["second root, real part", *map(_clean, roots[1].real), None],
            ["second root, imaginary part", *map(_clean, roots[1].imag), None],
            ["rate: what a step leaves", *map(float, rates), float(max(rates))],
            ["steps for a factor of 1000, by the rate", *promised],
            ["the same, counted on the run", *counted, None if None in counted else max(counted)],
            ["error after 50 steps", *map(float, paths[50]), None],
            ["best rate at this β", None, None, here.rate],
            ["its learning rate × λₘₐₓ", None, None, here.lr],
            ["best rate of all", None, None, best.rate],
            ["its learning rate × λₘₐₓ", None, None, best.lr],
            ["its β", None, None, best.beta],
        ]

    _head = ("quantity", "flat x", "steep y", "both")

    def _caption(self) -> str:
        rule = "Nesterov’s momentum" if self.nesterov else "Momentum"
        kept = "an average" if self.average else "a sum"
        return (
            f"{rule} ({kept}) on x² + {number(self.kappa)} y², learning rate {number(self.learning_rate)} "
            f"= {number(self.lr)} / λₘₐₓ, β = {number(self.beta)}"
        )

    def text(self) -> str:
        """Return rates, regions, roots and the optimum as a text table."""
        return f"{self._caption()}\n{table(self._head, self.table)}"

    def html(self) -> str:
        """Return rates, regions, roots and the optimum as an HTML table."""
        head = "".join(f'<th scope="col">{name}</th>' for name in self._head)

        def cell(value) -> str:
            if value is None or isinstance(value, str):
                return value or ""
            return "never" if value == np.inf else number(value)

        rows = "".join(
            f'<tr><th scope="row">{row[0]}</th>{"".join(f"<td>{cell(value)}</td>" for value in row[1:])}</tr>'
            for row in self.table
        )
        return (
            f"<table><caption>{escape(self._caption())}</caption><thead><tr>{head}</tr></thead>"
            f"<tbody>{rows}</tbody></table>"
        )
