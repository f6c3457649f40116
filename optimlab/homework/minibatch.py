"""Homework on mini-batches: an epoch by hand, a falling rate, a slip, noise, any gradient, curves."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping

import numpy as np

from .. import walkthroughs
from ..descent import run
from ..landscapes import double_well
from ..rules import gradient_descent
from .tasks import ByHand, Call, Function, Match, Mistake, Prediction, Search, Value, call

SLIP = "mb-sgd-three-updates"  # the worked example of the notes whose slip is to be found
PRINTED = ("w after image 1", "w after image 2", "w after image 3", "w after image 128")
RUNS, STEPS = 200, 200  # in the double well
HEAT = 0.65  # lr times the variance of the noise there: more than half of the runs leave


def numbers(rng: np.random.Generator) -> dict:
    """Draw the given numbers."""
    example = walkthroughs.get(SLIP)
    printed = {value.name: value.printed for value in example.values if value.row == "epoch summary"}
    lr_well = float(rng.choice([0.03, 0.04, 0.05]))
    given, order = _curves(rng)
    return {
        "x": rng.permutation([1.0, 2.0, 3.0]).tolist(),
        "y": rng.permutation(np.arange(2.0, 10.0))[:3].tolist(),
        "w0": float(rng.integers(-1, 2)),
        "lr": float(rng.choice([0.02, 0.05])),
        "printed": [printed[name] for name in PRINTED],
        "gradient_sum": float(example.givens["sum_of_gradients"]),
        "B_slip": int(rng.choice([2, 4, 8, 16])),
        "lr_well": lr_well,
        "noise_well": round(math.sqrt(HEAT / lr_well), 1),
        "noise_seed": int(rng.integers(1000)),
        "curves": given,
        "per_epoch": PER_EPOCH,
        "_causes": order,
        "_gradients": rng.permutation(np.arange(-9, 10))[:5].astype(float),
        "_tau": float(rng.integers(5, 50)),
        "_points": rng.integers(1, 5, (5, 2)).astype(float),
        "_curvature": float(10 ** rng.uniform(-0.5, 1.3)),
        "_spread": float(rng.integers(10, 31)),
        "_noise": float(rng.uniform(0.3, 1.2)),
    }


# An epoch by hand -----------------------------------------------------------------------------


def _slope(w, x, y):
    return 2 * (w * x - y) * x


def _epoch(n: Mapping, batches=((0, 1), (2,)), slope=_slope, mean=np.mean, stale=False, up=False) -> list:
    """Return the weight after each update of an epoch, or what comes out when something is done otherwise."""
    x, y = np.array(n["x"]), np.array(n["y"])
    w, path = n["w0"], []
    for batch in batches:
        batch = list(batch)
        g = mean(slope(n["w0"] if stale else w, x[batch], y[batch]))
        w = w - (-n["lr"] if up else n["lr"]) * g
        path.append(float(w))
    return path


def _full(n: Mapping, **changed) -> float:
    return _epoch(n, batches=((0, 1, 2),), **changed)[0]


HINT_SUM = "This adds the gradients of a batch up. Average them."
HINT_TWO = "The factor 2 is missing: the gradient of (w·x − y)² is 2 (w·x − y) x."
HINT_X = "The last factor is missing: the gradient of (w·x − y)² is 2 (w·x − y) x."
HINT_UP = "This goes up the slope: a step takes lr · g off the weight."

EPOCH_SHORT = ByHand(
    right=_epoch,
    mistakes=[
        Mistake(lambda n: _epoch(n, mean=np.sum), HINT_SUM),
        Mistake(
            lambda n: _epoch(n, mean=lambda g: np.sum(g) / 2),
            "The short batch has one point, so its mean is that gradient itself: divide by the number of "
            "points that the batch has.",
        ),
        Mistake(
            lambda n: _epoch(n, stale=True),
            "The second gradient is taken at the weight of the start. Take it where the first update led.",
        ),
        Mistake(lambda n: _epoch(n, slope=lambda w, x, y: (w * x - y) * x), HINT_TWO),
        Mistake(lambda n: _epoch(n, slope=lambda w, x, y: 2 * (w * x - y)), HINT_X),
        Mistake(lambda n: _epoch(n, up=True), HINT_UP),
        Mistake(
            lambda n: _epoch(n, batches=((0,), (1, 2))),
            "Here the first batch is the short one. The batches are filled in order; the last gets the rest.",
        ),
    ],
    hint="Write down the gradient of each point at the present weight, then their mean, then the step.",
)

EPOCH_FULL = ByHand(
    right=_full,
    mistakes=[
        Mistake(lambda n: _full(n, mean=np.sum), HINT_SUM),
        Mistake(
            lambda n: _epoch(n)[-1],
            "This is where batches of 2 end. The full batch takes all three gradients at the start.",
        ),
        Mistake(
            lambda n: _full(n, mean=lambda g: np.sum(g) / 2),
            "This divides by 2. The full batch has three points.",
        ),
        Mistake(lambda n: _full(n, slope=lambda w, x, y: (w * x - y) * x), HINT_TWO),
        Mistake(lambda n: _full(n, slope=lambda w, x, y: 2 * (w * x - y)), HINT_X),
        Mistake(lambda n: _full(n, up=True), HINT_UP),
        Mistake(
            lambda n: _epoch(n, batches=((0,), (1,), (2,)))[-1],
            "This is where single points end: three updates. The full batch makes one.",
        ),
    ],
    hint="Three gradients at the same weight, their mean, one step.",
)


# A rule of one's own --------------------------------------------------------------------------


def _falling(w, g, t, *, lr=0.1, tau=50.0):
    return w - lr / (1 + (t - 1) / tau) * g


def _step_calls(n: Mapping) -> list[Call]:
    lr, tau = n["lr"], n["_tau"]
    return [
        call(1.0, 2.0, 1, lr=lr, tau=tau),
        call(1.0, 2.0, 3, lr=lr, tau=tau),
        call(n["w0"], -3.0, int(tau) + 1, lr=lr, tau=tau),
        call(np.array([1.0, -1.0]), np.array([0.5, 4.0]), 10, lr=lr, tau=tau),
    ]


STEP = Function(
    right=_falling,
    calls=_step_calls,
    rule=True,
    mistakes=[
        Mistake(
            lambda w, g, t, *, lr=0.1, tau=50.0: w - lr / (1 + t / tau) * g,
            "The first step is already smaller than lr · g. Steps count from t = 1, not from 0.",
        ),
        Mistake(
            lambda w, g, t, *, lr=0.1, tau=50.0: w - lr * g, "The rate does not fall: t makes no difference."
        ),
        Mistake(
            lambda w, g, t, *, lr=0.1, tau=50.0: w - lr * (1 + (t - 1) / tau) * g,
            "The rate grows from step to step. Divide lr, don't multiply it.",
        ),
        Mistake(
            lambda w, g, t, *, lr=0.1, tau=50.0: w + lr / (1 + (t - 1) / tau) * g,
            "The weight moves up the slope: a step takes rate · g off it.",
        ),
        Mistake(
            lambda w, g, t, *, lr=0.1, tau=50.0: w - lr / t * g,
            "This is lr / t: `tau` makes no difference.",
        ),
        Mistake(
            lambda w, g, t, *, lr=0.1, tau=50.0: w - lr / (1 + (t - 1) * tau) * g,
            "The rate falls far too fast: t − 1 is divided by tau, not multiplied with it.",
        ),
        Mistake(
            lambda w, g, t, *, lr=0.1, tau=50.0: w - lr / (t / tau) * g,
            "The 1 + is missing: with it the first step is no larger than lr · g.",
        ),
        Mistake(
            lambda w, g, t, *, lr=0.1, tau=50.0: w - lr / 2 ** ((t - 1) / tau) * g,
            "This halves the rate every tau steps. The formula of the task falls more slowly.",
        ),
    ],
)


# The slip of the notes ------------------------------------------------------------------------


def _slip(n: Mapping, image: int = 128, steps: float = 1, batch_steps: float | None = None) -> dict:
    """Return the answer, or what comes out when the sum of the gradients is taken times something else."""
    givens = walkthroughs.get(SLIP).givens
    w, way = float(givens["w0"]), float(givens["alpha"]) * n["gradient_sum"]
    batch_steps = 1 / n["B_slip"] if batch_steps is None else batch_steps
    return {"image": image, "w": w - steps * way, "w_batches": w - batch_steps * way}


SLIP_FOUND = Value(
    right=_slip,
    mistakes=[
        Mistake(
            lambda n: {**_slip(n), "w": float(n["printed"][-1])},
            "This is the figure as it is printed: the weight after *one* step along the mean, as the full "
            "batch makes it. Here every image makes a step.",
        ),
        Mistake(
            lambda n: _slip(n, batch_steps=1 / 128),
            "With batches the weight moves once per batch, along a mean. Here it has moved only once.",
        ),
        Mistake(
            lambda n: _slip(n, batch_steps=1),
            "The batches end where the single images end. An update of a batch is a mean, not a sum.",
        ),
        Mistake(
            lambda n: _slip(n, batch_steps=n["B_slip"] / 128),
            "This makes as many steps as a batch has images. It is as many as there are batches.",
        ),
        Mistake(
            lambda n: _slip(n, steps=-1, batch_steps=-1 / n["B_slip"]),
            "The sum of the gradients is positive: the weight falls.",
        ),
        Mistake(
            lambda n: _slip(n, image=3),
            "Image 3 is right: each of the first three weights follows from the one before and its own step.",
        ),
        Mistake(
            lambda n: _slip(n, steps=10, batch_steps=10 / n["B_slip"]),
            "The learning rate, 0.1, is missing.",
        ),
    ],
    hint="Each update takes 0.1 times its gradient off. How many updates are there, and what do their "
    "gradients add up to?",
)


# How much noise is left in an update ----------------------------------------------------------


def _update_variance(g, batch_size, lr, replace):
    left = 1.0 if replace else (len(g) - batch_size) / (len(g) - 1)
    return float(lr**2 * np.var(g) / batch_size * left)


def _variance_calls(n: Mapping) -> list[Call]:
    g, lr = n["_gradients"], n["lr"]
    return [
        call(g, 2, lr, True),
        call(g, 2, lr, False),
        call(g[:4], 3, 0.1, True),
        call(g[:4], 3, 0.1, False),
        call(g, 5, lr, False),
    ]


def _scaled(factor: Callable) -> Callable:
    """Return a function that is off by a factor of (lr, batch_size)."""
    return lambda g, size, lr, replace: _update_variance(g, size, lr, replace) * factor(lr, size)


VARIANCE = Function(
    right=_update_variance,
    calls=_variance_calls,
    mistakes=[
        Mistake(
            _scaled(lambda lr, size: 1 / lr),
            "The update is lr times the gradient, so its variance has lr squared.",
        ),
        Mistake(
            _scaled(lambda lr, size: 1 / lr**2),
            "This is the variance of the gradient. The update is lr times as large.",
        ),
        Mistake(
            lambda g, size, lr, replace: _update_variance(g, size, lr, replace) * len(g) / (len(g) - 1),
            "This divides by N − 1. The N gradients are all there are, not a sample of more: the variance of "
            "a single one is the mean of the N squared distances.",
        ),
        Mistake(
            lambda g, size, lr, replace: _update_variance(g, size, lr, True), "`replace` makes no difference."
        ),
        Mistake(
            lambda g, size, lr, replace: _update_variance(g, size, lr, False),
            "`replace` makes no difference: with replacement there is no finite-population factor.",
        ),
        Mistake(
            lambda g, size, lr, replace: _update_variance(g, size, lr, not replace),
            "With and without replacement are swapped.",
        ),
        Mistake(
            lambda g, size, lr, replace: float(
                lr**2 * np.var(g) / size * (1 if replace else (len(g) - size) / len(g))
            ),
            "The finite-population factor is off. Try it with batches of 1: there it changes nothing.",
        ),
        Mistake(
            _scaled(lambda lr, size: size),
            "The batch size is missing in the first factor: this starts from the variance of single samples.",
        ),
        Mistake(
            _scaled(lambda lr, size: size - 1),
            "A batch of B does not lower the variance *by* the share 1/B. It lowers it *to* that share.",
        ),
        Mistake(
            _scaled(lambda lr, size: size**2),
            "This is the variance of a sum. The gradient of a batch is a mean.",
        ),
        Mistake(
            _scaled(lambda lr, size: 1 / size),
            "Too small: B gradients add their variances up before the sum is divided by B.",
        ),
        Mistake(
            lambda g, size, lr, replace: math.sqrt(_update_variance(g, size, lr, replace)),
            "This is the standard deviation. Asked is its square.",
        ),
    ],
)


# The double well ------------------------------------------------------------------------------

HILL, RIGHT = (point.w[0] for point in double_well.points[1:])
# The runs, by their rate and their noise, in multiples of what is given.
KINDS = {(1, 1): 0, (0.5, 1): 1, (0.5, math.sqrt(2)): 2, (0.5, 2): 3}
# The rate, the noise and the number of steps in each case, and in what people run instead.
CASES = {"first": (1, 1, 1), "half": (0.5, 1, 1), "longer": (0.5, 1, 2), "louder": (0.5, math.sqrt(2), 2)}
ALSO = {**CASES, "twice as loud": (0.5, 2, 2), "louder, not longer": (0.5, math.sqrt(2), 1)}


@functools.lru_cache(maxsize=256)
def _left(seed: int, lr: float, noise: float) -> dict[str, tuple[float, float]]:
    """Return the share of runs that were beyond the hill at some step, and at the last one, by case."""
    drawn = np.tile(np.random.default_rng(seed).normal(size=(2 * STEPS, 1, RUNS)), len(KINDS))
    rates, noises = np.repeat(np.array(list(KINDS)).T, RUNS, axis=1)
    path = run(
        gradient_descent,
        lambda w, t: double_well.gradient(w) + noise * noises * drawn[t - 1],
        start=np.full((1, drawn.shape[2]), RIGHT),
        steps=2 * STEPS,
        lr=lr * rates,
        box=(-3, 3),
    )
    beyond = (path["w"][:, 0] < HILL).reshape(2 * STEPS + 1, len(KINDS), RUNS)
    shares = {}
    for case, (*kind, times) in ALSO.items():
        until = beyond[: STEPS * times + 1, KINDS[tuple(kind)]]
        shares[case] = float(until.any(axis=0).mean()), float(until[-1].mean())
    return shares


def _shares(n: Mapping, last: bool = False, **instead: str) -> dict[str, float]:
    """Return the share that left in each case, or in the one that was run instead."""
    found = _left(n["noise_seed"], n["lr_well"], n["noise_well"])
    return {case: found[instead.get(case, case)][last] for case in CASES}


MEASURED = Value(
    right=_shares,
    mistakes=[
        Mistake(
            lambda n: _shares(n, last=True),
            "These are the runs beyond the hill at the end. Some have left and come back: count who was "
            "there at any step.",
        ),
        Mistake(
            lambda n: {case: 1 - share for case, share in _shares(n).items()},
            "These are the shares that stayed.",
        ),
        Mistake(
            lambda n: {case: 100 * share for case, share in _shares(n).items()},
            "These are percent. A share lies between 0 and 1.",
        ),
        Mistake(
            lambda n: _shares(n, louder="twice as loud"),
            "In the last case the noise is twice as large. It is √2 times as large: twice in variance.",
        ),
        Mistake(
            lambda n: _shares(n, louder="louder, not longer"),
            "The last case has twice the steps, too, like the one before.",
        ),
        Mistake(
            lambda n: _shares(n, half="longer", longer="half"),
            '"half" and "longer" are swapped: the second of them makes twice the steps.',
        ),
        Mistake(
            lambda n: _shares(n, louder="longer"),
            "In the last case the noise is as large as before. It is √2 times as large.",
        ),
        Mistake(
            lambda n: dict.fromkeys(CASES, 0.0),
            "Nobody leaves without noise. Was it added to the gradient?",
        ),
    ],
    hint='Begin with "first". A run has left if its weight was below `hill` at any step.',
    digits=3,
)


# Descent on any gradient ----------------------------------------------------------------------


def line(w, x, y):
    """Return the mean gradient of (w·x − y)²."""
    return np.mean(2 * (w * x - y) * x)


def absolute(w, x, y):
    """Return the mean gradient of |w·x − y|."""
    return np.mean(np.sign(w * x - y) * x)


def plane(w, x, y):
    """Return the mean gradient of (w₀·x + w₁ − y)²: one number for each of the two weights."""
    error = 2 * (w[0] * x + w[1] - y)
    return np.array([np.mean(error * x), np.mean(error)])


def _descend(gradient, w, x, y, lr=0.1, batch_size=2, epochs=1):
    for _ in range(epochs):
        for k in range(0, len(x), batch_size):
            w = w - lr * gradient(w, x[k : k + batch_size], y[k : k + batch_size])
    return w


def _descend_calls(n: Mapping) -> list[Call]:
    points = n["_points"]
    x, y = points[:, 0], 3 * points[:, 1]
    return [
        call(line, n["w0"], x[:4], y[:4], lr=0.01, batch_size=2),
        call(line, n["w0"], x, y, lr=0.01, batch_size=2, epochs=2),
        call(line, n["w0"], x[:4], y[:4], lr=0.01, batch_size=3),
        call(absolute, 1.25, x, y, lr=0.03, batch_size=3, epochs=3),
        call(plane, np.array([0.5, -1.0]), x, y, lr=0.02, batch_size=2, epochs=2),
    ]


def _steps_times(factor: Callable) -> Callable:
    """Return a descent whose steps are off by a factor of (size of this batch, batch_size)."""

    def descend(gradient, w, x, y, lr=0.1, batch_size=2, epochs=1):
        def scaled(w, xs, ys):
            return factor(len(xs), batch_size) * gradient(w, xs, ys)

        return _descend(scaled, w, x, y, lr, batch_size, epochs)

    return descend


def _dropping(gradient, w, x, y, lr=0.1, batch_size=2, epochs=1):
    whole = len(x) - len(x) % batch_size
    return _descend(gradient, w, x[:whole], y[:whole], lr, batch_size, epochs)


def _in_equal_parts(gradient, w, x, y, lr=0.1, batch_size=2, epochs=1):
    for _ in range(epochs):
        for rows in np.array_split(np.arange(len(x)), math.ceil(len(x) / batch_size)):
            w = w - lr * gradient(w, x[rows], y[rows])
    return w


def _stale(gradient, w, x, y, lr=0.1, batch_size=2, epochs=1):
    for _ in range(epochs):
        start = w
        w = _descend(lambda _, xs, ys, start=start: gradient(start, xs, ys), w, x, y, lr, batch_size)
    return w


def _once(gradient, w, x, y, lr=0.1, batch_size=2, epochs=1):
    return _descend(gradient, w, x, y, lr, batch_size)


def _whole(gradient, w, x, y, lr=0.1, batch_size=2, epochs=1):
    return _descend(gradient, w, x, y, lr, len(x), epochs)


def _of_a_line(gradient, w, x, y, lr=0.1, batch_size=2, epochs=1):
    return _descend(line, w, x, y, lr, batch_size, epochs)


DESCEND = Function(
    right=_descend,
    calls=_descend_calls,
    mistakes=[
        Mistake(_dropping, "The short last batch is dropped. It makes an update, too."),
        Mistake(
            _in_equal_parts,
            "The samples are split into parts of about the same size. Every batch is full but the last, "
            "which gets what is left.",
        ),
        Mistake(
            _stale,
            "All gradients of an epoch are taken at the weight of its start. Take each at the present one.",
        ),
        Mistake(
            _steps_times(lambda size, batch_size: 1 / size),
            "The gradient function has averaged already; this divides by the size of the batch once more.",
        ),
        Mistake(
            _steps_times(lambda size, batch_size: 1 / batch_size),
            "The gradient function has averaged already; this divides by the batch size once more.",
        ),
        Mistake(
            _steps_times(lambda size, batch_size: size),
            "This multiplies by the size of the batch: a step along the sum. Step along the mean.",
        ),
        Mistake(
            _steps_times(lambda size, batch_size: size / batch_size),
            "The short batch makes a shorter step. Here every batch makes a whole one.",
        ),
        Mistake(_steps_times(lambda size, batch_size: -1), HINT_UP),
        Mistake(_once, "Only one epoch is made, whatever `epochs` is."),
        Mistake(_whole, "This is the full batch, whatever `batch_size` is."),
        Mistake(
            _of_a_line,
            "This works for the line alone. All it may know of the model is what `gradient` returns.",
        ),
    ],
)


# A search -------------------------------------------------------------------------------------

SPENT, LARGEST = 2048, 256  # samples that a run may see, and the full batch


def left_after(steps, curvature: float, spread: float, noise: float, lr, batch_size):
    """Return the mean loss after so many steps on a bowl of two weights, by the loss at the start.

    Both weights start at 1; their curvatures are `curvature` and a `spread`-th of it. The gradient of a
    sample is that of the loss plus independent noise of standard deviation `noise` times `curvature`. So a
    weight's mean is multiplied by q = 1 − lr·c at every step, and its variance V becomes
    q² V + lr² · variance / batch_size: a geometric sum.
    """
    lr, total, variance = np.asarray(lr, float), 0.0, (noise * curvature) ** 2
    with np.errstate(all="ignore"):  # what diverges becomes infinite
        for c in (curvature, curvature / spread):
            square = (1 - lr * c) ** 2
            kept = square**steps
            grown = np.where(square == 1, steps, (1 - kept) / np.where(square == 1, 1, 1 - square))
            total = total + c * (kept + lr**2 * variance / batch_size * grown)
    left = total / (curvature + curvature / spread)
    return np.where(np.isfinite(left), left, math.inf)


def checked_settings(lr: float, batch_size: float, largest: int) -> None:
    """Raise a ValueError that names what is wrong with a rate and a batch size."""
    if not 0 <= lr < math.inf:
        raise ValueError(f"got lr={lr}; expected a number, at least 0")
    if not (1 <= batch_size <= largest and float(batch_size).is_integer()):
        raise ValueError(f"got batch_size={batch_size}; expected a whole number from 1 to {largest}")


def _bowl(n: Mapping) -> tuple[float, float, float]:
    return n["_curvature"], n["_spread"], n["_noise"]


def _objective(n: Mapping) -> Callable:
    def loss(lr: float, batch_size: float) -> float:
        checked_settings(lr, batch_size, LARGEST)
        return float(left_after(SPENT // batch_size, *_bowl(n), lr, batch_size))

    return loss


@functools.cache
def _least(*bowl: float) -> tuple[float, float]:
    """Return the least loss that a thorough search finds, and the best rate of the full batch."""
    rates, sizes = np.geomspace(5e-4, 2.2, 150) / bowl[0], 2.0 ** np.arange(9)
    found = left_after(SPENT // sizes, *bowl, rates[:, None], sizes)
    return float(found.min()), float(rates[found[:, -1].argmin()])


TUNE = Search(
    settings=("lr", "batch_size"),
    objective=_objective,
    budget=25,
    good=lambda n: 1.3 * _least(*_bowl(n))[0],
    unit="of the loss at the start",
    mistakes=[
        Mistake(lambda n: (0.1, 32), "This pair is often recommended. It knows nothing of this bowl."),
        Mistake(lambda n: (0.01, 32), "These are usual defaults. They know nothing of this bowl."),
        Mistake(lambda n: (0.01, 1), "A single sample at a usual rate. It knows nothing of this bowl."),
        Mistake(lambda n: (1.0, LARGEST), "The full batch makes 8 updates of these samples, at any rate."),
        Mistake(
            lambda n: (_least(*_bowl(n))[1], LARGEST),
            "This is the best rate of the full batch, which makes 8 updates of these samples.",
        ),
    ],
    hint="Each batch size has a rate of its own. Fix a batch that makes many updates, spread rates over the "
    "powers of ten, look closer around the best, then try other batches there.",
)


# Curves ---------------------------------------------------------------------------------------

UPDATES, PER_EPOCH, SAMPLES, WEIGHTS = 300, 12, 240, 20
LOST = 1e3  # a curve ends where it is above

CAUSES = {
    "full batch": "A full batch at a sensible rate falls smoothly, on this axis along a straight line.",
    "small batches": "Small batches at a constant rate fall first, then jitter around a level, never the "
    "same twice.",
    "falling rate": "Under a falling rate the jitter gets smaller and the level goes on sinking.",
    "sum": "Added up instead of averaged, a gradient is many times too large: the loss grows and grows.",
    "sorted": "An unshuffled, sorted file brings the same batches in the same order: late in the run every "
    "epoch looks like the one before.",
}


def _curves(rng: np.random.Generator) -> tuple[dict[str, list[float]], dict[str, str]]:
    """Return four curves by letter, and what each shows."""
    x = rng.normal(size=(SAMPLES, WEIGHTS))
    y = x @ rng.normal(size=WEIGHTS) + rng.normal(size=SAMPLES)
    best = np.linalg.lstsq(x, y, rcond=None)[0]
    size = SAMPLES // PER_EPOCH

    def loss(order: Callable, lr: Callable, total: bool = False) -> list[float]:
        w, path = best + 1, []
        for t in range(UPDATES):
            path.append(w)
            a, b = x[order(t)], y[order(t)]
            g = 2 * (a @ w - b) @ a
            w = w - lr(t) * (g if total else g / len(b))
        above = np.mean(((np.array(path) - best) @ x.T) ** 2, axis=1)
        lost = np.append(np.flatnonzero(above > LOST), UPDATES)[0]
        return [float(f"{value:.4g}") for value in above[:lost]]

    shuffled = rng.integers(0, SAMPLES, (UPDATES, size))
    by_error = np.argsort(y - x @ best).reshape(PER_EPOCH, size)
    curves = {
        "full batch": lambda: loss(lambda t: slice(None), lambda t: 0.04),
        "small batches": lambda: loss(lambda t: shuffled[t], lambda t: 0.06),
        "falling rate": lambda: loss(lambda t: shuffled[t], lambda t: 0.1 / (1 + t / 20)),
        "sum": lambda: loss(lambda t: slice(None), lambda t: 0.0032, total=True),
        "sorted": lambda: loss(lambda t: by_error[t % PER_EPOCH], lambda t: 0.06),
    }
    order = dict(zip("ABCD", rng.permutation(list(CAUSES))[:4].tolist(), strict=True))
    return {letter: curves[cause]() for letter, cause in order.items()}, order


TASKS = {
    "epoch_short": EPOCH_SHORT,
    "epoch_full": EPOCH_FULL,
    "step": STEP,
    "slip": SLIP_FOUND,
    "variance": VARIANCE,
    "predicted": Prediction(tuple(CASES), most=1),
    "measured": MEASURED,
    "descend": DESCEND,
    "tune": TUNE,
    "causes": Match(right=lambda n: n["_causes"], options=CAUSES),
}
