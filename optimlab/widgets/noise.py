"""Mini-batch gradients around the true one, and where descents lead that follow them."""

from __future__ import annotations

import functools
from html import escape

import numpy as np
import traitlets

from .. import descent
from ..format import number, table
from ..formula import closest, read
from ..rules import gradient_descent
from ..translate import javascript_of_results
from ._base import Widget
from ._random import normal, picks, uniform


def loss(slope, intercept, x, y):
    """Return half the squared error of the line at one sample."""
    return (slope * x + intercept - y) ** 2 / 2


def gradient(slope, intercept, x, y):
    """Return its derivatives with respect to slope and intercept."""
    error = slope * x + intercept - y
    return error * x, error


SAMPLES = 64
X = np.round(4 * uniform(1, SAMPLES) - 1, 2)
ERRORS = normal(2, SAMPLES)
SIZES = [1, 2, 4, 8, 16, 32, 64]
BATCHES = 400  # mini-batches of each size, by which the spread is measured
RATES = [0.01, 0.015, 0.02, 0.03, 0.05, 0.07, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6]
SEEDS = 100
WINDOW = [[-1.5, 3.0], [-2.0, 4.0]]
SITUATIONS = {
    "in between": {"data": "much noise", "w": [-0.5, 3.0], "lr": 0.1, "batch_size": 8},
    "far away: mostly signal": {"data": "little noise", "w": [-1.5, -2.0], "lr": 0.1, "batch_size": 8},
    "at the minimum: only noise": {"data": "much noise", "w": [0.8, 1.3], "lr": 0.1, "batch_size": 8},
    "a small rate": {"data": "much noise", "w": [-0.5, 3.0], "lr": 0.01, "batch_size": 8},
    "too large a rate for one sample": {"data": "one outlier", "w": [-0.5, 3.0], "lr": 0.4, "batch_size": 8},
}


def _line(noise: float, outlier: float = 0.0) -> np.ndarray:
    """Return ``y = 0.8 x + 1`` with noise; the sample farthest to the right is moved up."""
    y = 0.8 * X + 1 + noise * ERRORS
    y[np.argmax(X)] += outlier
    return np.round(y, 2)


DATA = {"little noise": _line(0.4), "much noise": _line(1.5), "one outlier": _line(0.4, outlier=10.0)}


@functools.cache
def _bowl(data: str) -> dict:
    """Return the minimum of the mean loss, its value there, and the matrix of its second derivatives."""
    design = np.stack([X, np.ones(SAMPLES)], axis=1)
    minimum = np.linalg.lstsq(design, DATA[data], rcond=None)[0]
    lowest = np.mean(loss(*minimum, X, DATA[data]))
    return {"minimum": minimum, "lowest": lowest, "curvature": design.T @ design / SAMPLES}


class MinibatchNoise(Widget):
    """The gradients of mini-batches at one point, and the paths of descents that start there.

    A line is fitted to 64 points by least squares; the weights are its slope and intercept. Each
    spread is measured on 400 mini-batches drawn by chance from the seed, the same in the browser.

    Parameters
    ----------
    **state
        Any of the attributes below.

    Attributes
    ----------
    data : {"little noise", "much noise", "one outlier"}
    batch_size : int, default 8
        1, 2, 4, 8, 16, 32 or 64.
    lr : float, default 0.1
        Above 0, at most 1.
    epochs : int, default 10
        How often each descent sees every sample, 1 to 20.
    replace : bool, default False
        Whether a mini-batch is drawn with replacement. Without, an epoch is a shuffle of all samples.
    seed : int, default 1
        Of the shuffles, 0 to 99.
    w : list of float
        Slope and intercept: where the gradients are taken, and where the descents start.
    """

    data = traitlets.Unicode("much noise").tag(sync=True)
    batch_size = traitlets.Int(8).tag(sync=True)
    lr = traitlets.Float(0.1).tag(sync=True)
    epochs = traitlets.Int(10).tag(sync=True)
    replace = traitlets.Bool(False).tag(sync=True)
    seed = traitlets.Int(1).tag(sync=True)
    w = traitlets.List(traitlets.Float(), default_value=[-0.5, 3.0]).tag(sync=True)

    def __init__(self, **state):
        spec = {
            "title": "How noisy is the gradient of a mini-batch?",
            "formulas": {
                "gradient": javascript_of_results(read(gradient)),
                "rule": gradient_descent.javascript(),
            },
            "x": X.tolist(),
            "data": {
                name: {"y": y.tolist(), **{key: np.asarray(v).tolist() for key, v in _bowl(name).items()}}
                for name, y in DATA.items()
            },
            "sizes": SIZES,
            "batches": BATCHES,
            "rates": RATES,
            "seeds": SEEDS,
            "situations": SITUATIONS,
            "window": WINDOW,
            "limit": descent.LIMIT,
        }
        super().__init__(kind="noise", spec=spec, min_height="67rem", **state)

    @traitlets.validate("data")
    def _check_data(self, proposal):
        name = proposal["value"]
        if name not in DATA:
            known = ", ".join(map(repr, DATA))
            raise traitlets.TraitError(f"got data={name!r}{closest(name, DATA)}; expected one of {known}")
        return name

    @traitlets.validate("batch_size")
    def _check_batch_size(self, proposal):
        if proposal["value"] not in SIZES:
            known = ", ".join(map(str, SIZES))
            raise traitlets.TraitError(f"got batch_size={proposal['value']}; expected one of {known}")
        return proposal["value"]

    @traitlets.validate("lr")
    def _check_lr(self, proposal):
        if not 0 < proposal["value"] <= 1:
            raise traitlets.TraitError(f"got lr={proposal['value']}; expected 0 < lr <= 1")
        return proposal["value"]

    @traitlets.validate("epochs")
    def _check_epochs(self, proposal):
        if not 1 <= proposal["value"] <= 20:
            raise traitlets.TraitError(f"got epochs={proposal['value']}; expected 1 to 20")
        return proposal["value"]

    @traitlets.validate("seed")
    def _check_seed(self, proposal):
        if not 0 <= proposal["value"] < SEEDS:
            raise traitlets.TraitError(f"got seed={proposal['value']}; expected 0 to {SEEDS - 1}")
        return proposal["value"]

    @traitlets.validate("w")
    def _check_w(self, proposal):
        w = proposal["value"]
        if len(w) != 2 or not all(low <= x <= high for x, (low, high) in zip(w, WINDOW, strict=True)):
            ranges = " and ".join(f"{low} to {high}" for low, high in WINDOW)
            raise traitlets.TraitError(f"got w={w}; expected a slope and an intercept, {ranges}")
        return w

    @property
    def gradients(self) -> np.ndarray:
        """The gradient of every sample at `w`, shape (64, 2)."""
        return np.stack(gradient(*self.w, X, DATA[self.data]), axis=1)

    @property
    def gradient(self) -> np.ndarray:
        """The true gradient at `w`: the mean over all samples, shape (2,)."""
        return _mean(self.gradients)

    def cloud(self, batch_size: int | None = None) -> np.ndarray:
        """Return 400 mini-batch gradients at `w`, shape (400, 2)."""
        size = self.batch_size if batch_size is None else batch_size
        if size == SAMPLES and not self.replace:  # in another order, rounding would look like noise
            return np.tile(self.gradient, (BATCHES, 1))
        chosen = picks(SEEDS * self.seed + size, SAMPLES, size, BATCHES, self.replace)
        return _mean(self.gradients[chosen].swapaxes(0, 1))

    @property
    def variance(self) -> float:
        """The mean squared distance of one sample's gradient from the true one, sigma squared."""
        return float(np.mean(np.sum((self.gradients - self.gradient) ** 2, axis=1)))

    def _theory(self, size: int) -> tuple[float, float]:
        """Return the expected squared distance of a batch's gradient, with and without replacement."""
        plain = self.variance / size
        return plain, plain * (SAMPLES - size) / (SAMPLES - 1)

    @property
    def table(self) -> list[list]:
        """One row per batch size.

        The size, updates per epoch, mean squared distance from the true gradient as measured and in
        theory, with and without replacement, and the signal-to-noise ratio: the length of the true
        gradient over the root of the theory that belongs to `replace`.
        """
        rows = []
        length = np.linalg.norm(self.gradient)
        for size in SIZES:
            measured = np.mean(np.sum((self.cloud(size) - self.gradient) ** 2, axis=1))
            theory = self._theory(size)
            expected = theory[0 if self.replace else 1]
            ratio = length / np.sqrt(expected) if expected else np.inf
            rows.append([str(size), SAMPLES // size, float(measured), *theory, float(ratio)])
        return rows

    @property
    def paths(self) -> dict[str, np.ndarray]:
        """The weights of the three descents, start first, shape (updates + 1, 2) each."""
        return {name: run["w"] for name, run in self._runs().items()}

    def _runs(self) -> dict[str, descent.Descent]:
        order = picks(SEEDS * self.seed, SAMPLES, SAMPLES, self.epochs, self.replace).ravel()
        whole = np.tile(np.arange(SAMPLES), self.epochs)
        y = DATA[self.data]

        def run(order: np.ndarray, size: int) -> descent.Descent:
            batches = order.reshape(-1, size)

            def slope(w, t):
                chosen = batches[t - 1]
                return _mean(np.stack(gradient(*w, X[chosen], y[chosen]), axis=1))

            return descent.run(gradient_descent, slope, start=self.w, steps=len(batches), lr=self.lr)

        return {
            "batch": run(whole, SAMPLES),
            "mini-batch": run(order, self.batch_size),
            "single samples": run(order, 1),
        }

    @property
    def descents(self) -> list[list]:
        """One row per descent.

        Its name, batch size and updates, where it ended, the mean loss there and by how much it is above
        the minimum; None from there on if it diverged.
        """
        bowl = _bowl(self.data)
        rows = []
        for (name, run), size in zip(self._runs().items(), (SAMPLES, self.batch_size, 1), strict=True):
            row = [name, size, SAMPLES * self.epochs // size]
            if run.diverged:
                rows.append([*row, None, None, None, None])
                continue
            mean = np.mean(loss(*run.w, X, DATA[self.data]))
            off = run.w - bowl["minimum"]
            rows.append([*row, *map(float, (*run.w, mean, off @ bowl["curvature"] @ off / 2))])
        return rows

    _heads = (
        ("batch size", "updates per epoch", "measured", "σ²/B", "(N−B)/(N−1)·σ²/B", "signal to noise"),
        ("descent", "batch size", "updates", "slope", "intercept", "loss", "above the minimum"),
    )

    def _captions(self) -> tuple[str, str]:
        at = f"slope {number(self.w[0])} and intercept {number(self.w[1])}"
        drawn = "with" if self.replace else "without"
        return (
            f"Squared distance of mini-batch gradients from the true one ({self.data}, at {at}, "
            f"{drawn} replacement, {BATCHES} batches of each size, shuffle {self.seed})",
            f"Where the descents end that start there (lr {number(self.lr)}, {self.epochs} "
            f"epoch{'s' * (self.epochs > 1)})",
        )

    def text(self) -> str:
        """Return the spreads and the descents as text tables."""
        parts = zip(self._captions(), self._heads, (self.table, self.descents), strict=True)
        return "\n\n".join(f"{caption}\n{table(head, rows, 4)}" for caption, head, rows in parts)

    def html(self) -> str:
        """Return the same as HTML tables."""
        parts = zip(self._captions(), self._heads, (self.table, self.descents), strict=True)
        return "".join(_html(caption, head, rows) for caption, head, rows in parts)


def _mean(values: np.ndarray) -> np.ndarray:
    """Return the mean over the first axis, added one by one as the browser does, not in NumPy's pairs."""
    return np.add.accumulate(values, axis=0)[-1] / len(values)


def _html(caption: str, head: tuple[str, ...], rows: list[list]) -> str:
    columns = "".join(f'<th scope="col">{escape(name)}</th>' for name in head)

    def cell(value: float | None) -> str:
        if value is None:
            return ""
        return "no noise" if value == np.inf else number(value, 4)

    body = "".join(
        f'<tr><th scope="row">{row[0]}</th>{"".join(f"<td>{cell(value)}</td>" for value in row[1:])}</tr>'
        for row in rows
    )
    return (
        f"<table><caption>{escape(caption)}</caption><thead><tr>{columns}</tr></thead>"
        f"<tbody>{body}</tbody></table>"
    )
