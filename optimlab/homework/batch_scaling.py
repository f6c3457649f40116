"""Homework on scaling the batch: rates, a slip, accumulation, workers, the noise scale, two rules, curves."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping

import numpy as np

from .. import walkthroughs
from ..clipping import by_norm
from ..descent import run
from ..rules import adam, gradient_descent
from .minibatch import checked_settings, left_after
from .tasks import Call, Function, Match, Mistake, Prediction, Search, Value, call

SLIP = "full-batch-sgd"  # the worked example of the notes whose slip is to be found
STEPS, WEIGHTS, NOISE = 800, 100, 10.0  # of the runs with noise: how many, and its standard deviation
RATES = {"sgd": 0.02, "adam": 0.08}  # of the small batch there
EPOCHS, LARGER = 40, 16  # of the curves, and how many times larger the batch is
EXPLODED = 1000.0  # a run ends when its loss is above this


def numbers(rng: np.random.Generator) -> dict:
    """Draw the given numbers."""
    example = walkthroughs.get(SLIP)
    signal, trace = float(rng.integers(2, 9)) / 10, float(rng.integers(20, 90))
    small, big = float(rng.choice([4, 8, 16])), float(rng.choice([64, 128, 256]))
    small_curve, curves, causes = _curves(rng)
    return {
        "samples": int(rng.integers(5, 20)) * 1000 + int(rng.integers(100, 900)),
        "batch": int(rng.choice([32, 64])),
        "new_batch": int(rng.choice([256, 512, 1024])),
        "lr_sgd": float(rng.choice([0.02, 0.05, 0.1])),
        "lr_adam": float(rng.choice([0.001, 0.002, 0.003])),
        "x": [float(x) for x in example.givens["x"]],
        "y": [float(y) for y in example.givens["y"]],
        "w0": float(example.givens["w0"]),
        "lr": float(example.givens["lr"]),
        "printed": [value.printed for value in example.values if value.row.startswith("point")],
        "lr_second": float(rng.integers(20, 90)) / 1000,
        "g": [float(g) for g in rng.permutation([1, 2, 3, -4, 5, 6, -2])[:6]],
        "b_small": small,
        "b_big": big,
        "square_small": round(signal + trace / small, 3),
        "square_big": round(signal + trace / big, 3),
        "k": int(rng.choice([4, 9])),
        "noise_seed": int(rng.integers(1000)),
        "small_batch": small_curve,
        "curves": curves,
        "_causes": causes,
        "_curvature": float(10 ** rng.uniform(-0.3, 1.0)),
        "_spread": float(rng.integers(10, 31)),
        "_noise": float(rng.uniform(0.3, 1.0)),
        "_overhead": float(rng.choice([0.005, 0.02, 0.08])),
    }


# Rates for a larger batch ---------------------------------------------------------------------


def _rates(n: Mapping, sgd: Callable = lambda k: k, root: Callable = math.sqrt, whole=math.ceil) -> dict:
    k = n["new_batch"] / n["batch"]
    return {
        "sgd": n["lr_sgd"] * sgd(k),
        "adam": n["lr_adam"] * root(k),
        "updates": whole(n["samples"] / n["new_batch"]),
    }


SCALED = Value(
    right=_rates,
    mistakes=[
        Mistake(lambda n: _rates(n, math.sqrt, lambda k: k), "The two rules are swapped."),
        Mistake(
            lambda n: _rates(n, lambda k: 1 / k, lambda k: 1 / math.sqrt(k)),
            "These rates are lower than before. A larger batch has less noise and makes fewer steps.",
        ),
        Mistake(lambda n: _rates(n, root=lambda k: k), "Adam gets the linear rule here. It divides by √v."),
        Mistake(lambda n: _rates(n, sgd=math.sqrt), "SGD gets the square-root rule here."),
        Mistake(
            lambda n: _rates(n, whole=math.floor),
            "The last batch of an epoch is short, and it makes a step, too.",
        ),
        Mistake(
            lambda n: {**_rates(n), "updates": math.ceil(n["samples"] / n["batch"])},
            "These are the updates with the small batch.",
        ),
        Mistake(
            lambda n: _rates(n, whole=float),
            "The number of updates is whole: how many batches does the loader give?",
        ),
    ],
    hint="Begin with k, the new batch divided by the old one. The two rules use k and its root.",
)


# The slip of the notes ------------------------------------------------------------------------


def _gradients(n: Mapping, w: float, factor: float = 2.0) -> np.ndarray:
    x, y = np.array(n["x"]), np.array(n["y"])
    return factor * (w * x - y) * x


def _slip(n: Mapping, point: int = 4, mean=np.mean, factor: float = 2.0, wrong: bool = False) -> dict:
    """Return the answer, or what comes out with another mean, another slope, or the printed figure."""
    g = _gradients(n, n["w0"], factor)
    right = float(g[3])
    if wrong:
        g[3] = float(n["printed"][3].replace("−", "-"))
    w = n["w0"] - n["lr"] * mean(g)
    return {
        "point": point,
        "gradient": right,
        "w": float(w),
        "second": float(w - n["lr_second"] * mean(_gradients(n, w, factor))),
    }


def _one_by_one(n: Mapping) -> dict:
    w, found = n["w0"], []
    for lr in (n["lr"], n["lr_second"]):
        for x, y in zip(n["x"], n["y"], strict=True):
            w -= lr * 2 * (w * x - y) * x
        found.append(w)
    return {**_slip(n), "w": found[0], "second": found[1]}


def _stale(n: Mapping) -> dict:
    found = _slip(n)
    return {**found, "second": found["w"] - n["lr_second"] * float(np.mean(_gradients(n, n["w0"])))}


SLIP_FOUND = Value(
    right=_slip,
    mistakes=[
        Mistake(
            lambda n: _slip(n, wrong=True),
            "The weights still come from the printed figure. Average again with the right gradient.",
        ),
        Mistake(lambda n: _slip(n, mean=np.sum), "The gradients are added up and not averaged."),
        Mistake(
            _one_by_one,
            "Every point makes a step here. The full batch makes one, with all gradients at one weight.",
        ),
        Mistake(
            _stale,
            "The second step uses the gradients of the first. They have to be taken at the new weight.",
        ),
        Mistake(lambda n: _slip(n, factor=1.0), "The derivative of a square has a factor 2."),
        Mistake(lambda n: _slip(n, point=3), "Points are counted from 1."),
    ],
    hint="Work 2(wx − y)x for each of the four points at w0, and compare one by one.",
)


# Accumulation ---------------------------------------------------------------------------------


def _accumulate(w, g, t, s=0.0, *, lr=0.1, every=4.0):
    s = s + g / every
    full = t % every == 0
    return np.where(full, w - lr * s, w), np.where(full, 0 * s, s)


def _slipped(where: str) -> Callable:
    """Return accumulation with one slip."""

    def step(w, g, t, s=0.0, *, lr=0.1, every=4.0):
        old = s
        s = s + (g if where == "summed" else g / every)
        full = (t - 1 if where == "early" else t) % every == 0
        move = old if where == "last left out" else s
        sign = -1 if where == "uphill" else 1
        if where == "always":
            return w - lr * s, np.where(full, 0 * s, s)
        kept = s if where == "never emptied" else np.where(full, 0 * s, s)
        if where == "only the last":
            move = g / every
        return np.where(full, w - sign * lr * move, w), kept

    return step


def _accumulate_calls(n: Mapping) -> list[Call]:
    lr, first = n["lr_second"], n["g"]
    return [
        call(1.0, first[0], 1, lr=lr, every=2.0),
        call(1.0, first[1], 2, 0.5, lr=lr, every=2.0),
        call(2.0, first[2], 6, -1.5, lr=lr, every=3.0),
        call(2.0, first[3], 7, 0.25, lr=lr, every=3.0),
        call(*map(np.array, [[1.0, -1.0], [4.0, 8.0]]), 4, np.array([0.5, -2.0]), lr=lr, every=4.0),
        call(*map(np.array, [[1.0, -1.0], [4.0, 8.0]]), 5, np.array([0.5, -2.0]), lr=lr, every=4.0),
    ]


ACCUMULATE = Function(
    right=_accumulate,
    calls=_accumulate_calls,
    rule=True,
    mistakes=[
        Mistake(_slipped(where), hint)
        for where, hint in {
            "summed": "The gradients are added up whole. Each comes in by its share 1/every: s is a mean.",
            "early": "The weight moves at the wrong step: it moves at t = every, 2·every, …",
            "always": "The weight moves at every step. It has to stand still until the batch is full.",
            "never emptied": "s is never emptied: after a move it has to be zero.",
            "last left out": "The weight moves along the old s. The newest gradient belongs in it, too.",
            "only the last": "The weight moves along the newest gradient alone.",
            "uphill": "The weight moves up the slope.",
        }.items()
    ],
)


# Workers --------------------------------------------------------------------------------------


def _combine(gradients, sizes, limit):
    return by_norm(np.average(gradients, axis=0, weights=sizes), limit)


def _clipped(g, limit, always=False):
    norm = float(np.sqrt(np.sum(np.square(g))))
    return np.asarray(g, float) * (limit / norm if always else min(1.0, limit / norm))


def _combine_calls(n: Mapping) -> list[Call]:
    a, b, c = np.abs(n["g"][:3])
    rows = np.array([[a, -b], [b, c], [2 * c, 1.0]])
    return [
        call(rows, [4, 4, 2], 100.0),
        call(rows, [8, 1, 1], 100.0),
        call(rows, [6, 3, 3], 1.0),
        call(np.array([[3.0, 0.0], [-3.0, 4.0]]), [1, 3], 2.0),
    ]


COMBINE = Function(
    right=_combine,
    calls=_combine_calls,
    mistakes=[
        Mistake(
            lambda gradients, sizes, limit: _clipped(np.mean(gradients, axis=0), limit),
            "Every worker counts the same here. A worker with fewer samples has to count less.",
        ),
        Mistake(
            lambda gradients, sizes, limit: _clipped(np.sum(gradients, axis=0), limit),
            "The workers' gradients are added up and not averaged.",
        ),
        Mistake(
            lambda gradients, sizes, limit: np.average(
                [_clipped(g, limit) for g in gradients], axis=0, weights=sizes
            ),
            "Each worker clips before the average. That gives another gradient: clip the average.",
        ),
        Mistake(
            lambda gradients, sizes, limit: np.average(gradients, axis=0, weights=sizes),
            "`limit` makes no difference.",
        ),
        Mistake(
            lambda gradients, sizes, limit: _clipped(
                np.average(gradients, axis=0, weights=sizes), limit, always=True
            ),
            "The gradient always gets the norm `limit`, also where its own is smaller. Clipping leaves a "
            "small gradient as it is.",
        ),
        Mistake(
            lambda gradients, sizes, limit: np.clip(
                np.average(gradients, axis=0, weights=sizes), -limit, limit
            ),
            "Each entry is clipped by itself. Here the norm is clipped, and the direction stays.",
        ),
        Mistake(
            lambda gradients, sizes, limit: _clipped(
                np.average(gradients, axis=0, weights=sizes) * len(sizes), limit
            ),
            "It is too large by the number of workers.",
        ),
        Mistake(
            lambda gradients, sizes, limit: _clipped(np.dot(sizes, gradients), limit),
            "It is weighted by the sizes, and the division by all samples is missing.",
        ),
    ],
    relative=1e-5,  # `by_norm` stays a millionth below the limit, as PyTorch does
)


# The noise scale ------------------------------------------------------------------------------


def _scale(n: Mapping, root: bool = False, swapped: bool = False, per: Callable = lambda b: 1 / b) -> dict:
    """Return the squared gradient, the trace of the covariance, and their ratio, from two batch sizes."""
    small, big = n["b_small"], n["b_big"]
    a, b = n["square_small"], n["square_big"]
    if root:
        a, b = math.sqrt(a), math.sqrt(b)
    if swapped:
        a, b = b, a
    trace = (a - b) / (per(small) - per(big))
    signal = b - trace * per(big)
    return {"signal": signal, "trace": trace, "scale": trace / signal}


def _naive(n: Mapping) -> dict:
    found = _scale(n)
    return {**found, "signal": n["square_big"], "scale": found["trace"] / n["square_big"]}


NOISE_SCALE = Value(
    right=_scale,
    mistakes=[
        Mistake(
            _naive,
            "The large batch is taken for the whole truth. Its squared norm holds noise, too: trace / b_big.",
        ),
        Mistake(
            lambda n: _scale(n, root=True), "The given numbers are squared norms already. Take no roots."
        ),
        Mistake(lambda n: _scale(n, swapped=True), "The two batches are swapped."),
        Mistake(
            lambda n: _scale(n, per=lambda b: 1 / math.sqrt(b)),
            "The squared norm falls with 1/B. It is the standard deviation that falls with 1/√B.",
        ),
        Mistake(
            lambda n: {**_scale(n), "scale": 1 / _scale(n)["scale"]},
            "The ratio is upside down: noise comes above, signal below.",
        ),
        Mistake(
            lambda n: {**_scale(n), "scale": _scale(n)["trace"] / math.sqrt(_scale(n)["signal"])},
            "Divide the trace by the squared norm of the gradient, which is `signal` itself.",
        ),
    ],
    hint="Two equations, two unknowns: subtract them first, then `signal` is gone.",
)


def _cost(n: Mapping, **changed) -> dict:
    scale = changed.get("scale", _scale(n)["scale"])
    steps = [1 + scale / b for b in (n["b_small"], n["b_big"])]
    return {"steps": steps[0] / steps[1], "samples": n["b_small"] * steps[0] / (n["b_big"] * steps[1])}


COST = Value(
    right=_cost,
    mistakes=[
        Mistake(
            lambda n: {"steps": 1 / _cost(n)["steps"], "samples": 1 / _cost(n)["samples"]},
            "These ratios are upside down: the small batch comes above.",
        ),
        Mistake(
            lambda n: {"steps": n["b_big"] / n["b_small"], "samples": 1.0},
            "This holds for batches far below the noise scale. The large one here is not.",
        ),
        Mistake(
            lambda n: dict(zip(("samples", "steps"), _cost(n).values(), strict=True)), "They are swapped."
        ),
        Mistake(
            lambda n: _cost(n, scale=1 / _scale(n)["scale"]),
            "The noise scale comes in upside down.",
        ),
        Mistake(
            lambda n: {**_cost(n), "samples": _cost(n)["steps"]},
            "A step of the small batch sees fewer samples: multiply each count by its batch.",
        ),
    ],
    hint="Put both batch sizes into the formula and divide; S_min drops out.",
)


# Two scaling rules ----------------------------------------------------------------------------

NAMES = [f"{rule}_{way}" for rule in ("sgd", "adam") for way in ("same", "root", "linear")]


@functools.lru_cache(maxsize=64)
def _rest(rule: str, k: int, smaller: float, seed: int) -> np.ndarray:
    """Return the weights with the small batch and with three rates of the large one, four columns.

    They are kept, because mistakes share their runs.
    """
    noise = np.random.default_rng(seed).normal(size=(STEPS, WEIGHTS, 1))
    size = NOISE * np.array([1.0, *[1 / smaller] * 3])
    lr = RATES[rule] * np.array([1.0, 1.0, math.sqrt(k), k])
    made, start = adam if rule == "adam" else gradient_descent, np.zeros((WEIGHTS, 4))
    return run(made, lambda w, t: w + size * noise[t - 1], start=start, steps=STEPS, lr=lr)["w"]


def _ratios(n: Mapping, first: int = STEPS // 2, measure=np.var, fall: Callable = math.sqrt) -> dict:
    """Return by how much the variance of the weights changes with the batch, per rule and scaling."""
    found = []
    for rule in RATES:
        path = _rest(rule, n["k"], fall(n["k"]), n["noise_seed"])
        small, *large = measure(path[first + 1 :], axis=(0, 1)).tolist()
        found += [one / small for one in large]
    return dict(zip(NAMES, found, strict=True))


def _exchanged(n: Mapping) -> dict:
    found = _ratios(n)
    return {
        name: found[("adam" if name.startswith("sgd") else "sgd") + name[name.index("_") :]] for name in NAMES
    }


MEASURED = Value(
    right=_ratios,
    mistakes=[
        Mistake(
            lambda n: _ratios(n, measure=np.std),
            "These are ratios of standard deviations; asked are ratios of variances.",
        ),
        Mistake(
            lambda n: {name: 1 / value for name, value in _ratios(n).items()},
            "These ratios are upside down: the large batch comes above.",
        ),
        Mistake(
            lambda n: _ratios(n, first=0),
            "This counts the first half of the run, too, in which the weights still spread.",
        ),
        Mistake(
            lambda n: _ratios(n, fall=float),
            "The noise is divided by k. Its variance falls by k, so its standard deviation by the root.",
        ),
        Mistake(_exchanged, "The two rules are swapped."),
        Mistake(
            lambda n: dict(zip(NAMES, [n["k"] ** -p for p in (1, 0.5, 0, 0.5, 0, -0.5)], strict=True)),
            "This is what a formula predicts. Asked is what comes out of the runs.",
        ),
    ],
    hint="Eight runs on the same noise; the variance is over all weights and the second half of the steps.",
)


# Curves ---------------------------------------------------------------------------------------

CAUSES = {
    "linear": "The linear rule makes as much way per epoch as the small batch, and ends on the same level.",
    "root": "The square-root rule falls clearly slower than the small batch, and clearly faster than one "
    "whose rate was left alone.",
    "same": "With the old rate an epoch makes a sixteenth of the small batch's way.",
    "lowered": "With a lowered rate hardly anything happens in these epochs.",
    "summed": "A sum over the accumulated batches is sixteen times too large: the loss explodes.",
}


def _curves(rng: np.random.Generator) -> tuple[list[float], dict[str, list[float]], dict[str, str]]:
    """Return the curve of the small batch, four of the large one by letter, and how each was made."""
    curvature = np.repeat([1.0, 4.0], 20)
    start = rng.choice([-1.0, 1.0], 40) * rng.uniform(0.8, 1.2)
    lr, size = 0.004 * rng.uniform(0.85, 1.15), rng.uniform(0.8, 1.2)

    def loss(rate: float, larger: int = LARGER, gain: float = 1.0) -> list[float]:
        """Return the loss after each epoch, until it explodes."""
        steps = 128 // larger
        noise = size / math.sqrt(larger) * rng.normal(size=(EPOCHS * steps, 40))
        w, found = start, [np.mean(curvature * start**2) / 2]
        for t in range(EPOCHS * steps):
            w = w - rate * gain * (curvature * w + noise[t])
            if (t + 1) % steps == 0:
                found.append(np.mean(curvature * w**2) / 2)
                if found[-1] > EXPLODED:
                    break
        return [float(f"{value:.4g}") for value in found]

    curves = {
        "linear": loss(lr * LARGER),
        "root": loss(lr * math.sqrt(LARGER)),
        "same": loss(lr),
        "lowered": loss(lr / LARGER),
        "summed": loss(lr * LARGER, gain=LARGER),
    }
    order = dict(zip("ABCD", rng.permutation(list(CAUSES))[:4].tolist(), strict=True))
    return loss(lr, larger=1), {letter: curves[cause] for letter, cause in order.items()}, order


# A search -------------------------------------------------------------------------------------

FAR, LARGEST = 4000, 4096  # the last step of a trial, and the largest batch
NEAR = 0.001  # the loss at which a training is over, by the loss at its start
PER_SAMPLE = 0.001  # seconds


def _seconds(bowl: tuple[float, float, float], overhead: float, lr, batch_size) -> np.ndarray:
    """Return how long it takes until the mean loss is near; infinity where it never is."""
    lr, batch_size = np.broadcast_arrays(np.asarray(lr, float), np.asarray(batch_size, float))
    left = left_after(np.arange(1, FAR + 1), *bowl, lr[..., None], batch_size[..., None])
    there = left <= NEAR
    steps = np.where(there.any(axis=-1), there.argmax(axis=-1) + 1, math.inf)
    return steps * (overhead + PER_SAMPLE * batch_size)


def _bowl(n: Mapping) -> tuple[float, float, float]:
    return n["_curvature"], n["_spread"], n["_noise"]


def _objective(n: Mapping) -> Callable:
    def seconds(lr: float, batch_size: float) -> float:
        checked_settings(lr, batch_size, LARGEST)
        return float(_seconds(_bowl(n), n["_overhead"], lr, batch_size))

    return seconds


@functools.cache
def _fastest(bowl: tuple[float, float, float], overhead: float) -> tuple[float, float]:
    """Return the least time that a thorough search finds, and the best rate of the largest batch."""
    rates, sizes = np.geomspace(0.02, 2.2, 24) / bowl[0], 2.0 ** np.arange(4, 13)
    found = _seconds(bowl, overhead, rates[:, None], sizes)
    return float(found.min()), float(rates[found[:, -1].argmin()])


TUNE = Search(
    settings=("lr", "batch_size"),
    objective=_objective,
    budget=40,
    good=lambda n: 1.5 * _fastest(_bowl(n), n["_overhead"])[0],
    unit="seconds",
    mistakes=[
        Mistake(lambda n: (0.1, 32), "This pair is often recommended. It knows nothing of this training."),
        Mistake(lambda n: (0.1, 256), "This rate is often recommended. It knows nothing of this training."),
        Mistake(lambda n: (0.01, 32), "These are usual defaults. They know nothing of this training."),
        Mistake(lambda n: (1.0, 1024), "A large batch with a large rate. Neither knows this training."),
        Mistake(
            lambda n: (_fastest(_bowl(n), n["_overhead"])[1], LARGEST),
            "This is the best rate of the largest batch. Most of its samples are wasted.",
        ),
    ],
    hint="Spread the first trials over powers of ten of the rate, for a small, a middle and a large batch; "
    "then look closer around the best, in both.",
)


TASKS = {
    "scaled": SCALED,
    "slip": SLIP_FOUND,
    "accumulate": ACCUMULATE,
    "combine": COMBINE,
    "noise_scale": NOISE_SCALE,
    "cost": COST,
    "tune": TUNE,
    "predicted": Prediction(NAMES, most=1000),
    "measured": MEASURED,
    "causes": Match(right=lambda n: n["_causes"], options=CAUSES),
}
