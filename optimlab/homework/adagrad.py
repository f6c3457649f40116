"""Homework on AdaGrad and Adadelta: by hand, a rule, a slip, fading gradients, units, a rate, steps."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping

import numpy as np
from numpy import sqrt

from ..descent import run
from ..rule import Rule
from ..rules import adadelta, adagrad, gradient_descent, rmsprop
from .tasks import Call, Function, Match, Mistake, Prediction, Search, Value, call, example

SLIP = "minibatch2-adagrad"  # the worked example of the notes whose slip is to be found
STEPS = 200  # of the runs with growing and with shrinking gradients
SHOWN = 500  # steps in the figure of step lengths
NOISY_STEPS, NOISY_RUNS = 200, 20  # of a trial


def numbers(rng: np.random.Generator) -> dict:
    """Draw the given numbers."""
    first, second, third = rng.choice([1, 2, 3, 4, 5, 6], 3, replace=False)
    notes = example("adaptive", SLIP)
    printed = {(value.row, value.name): value.printed for value in notes.values}
    given, order, once = _lengths(rng)
    return {
        "theta0": float(rng.integers(1, 5)) / 2,
        "lr": float(rng.choice([0.4, 0.5, 0.8])),
        "g": [float(first), -float(second), float(third)],
        "rho": float(rng.choice([0.5, 0.6, 0.8])),
        "eps": float(rng.choice([0.01, 0.02, 0.04])),
        "g_delta": [float(rng.integers(2, 7)), -float(rng.integers(1, 4)) / 2],
        "printed": [printed[f"batch {k}", name] for k in (1, 2) for name in ("g", "G", "w")],
        "x_third": [float(x) / 2 for x in rng.choice([3, 4, 5, 7, 8], 2, replace=False)],
        "growth": float(rng.choice([1.02, 1.05, 1.1, 1.2, 1.25])),
        "lr_growth": float(rng.choice([0.2, 0.3, 0.4, 0.5])),
        "times_weight": float(rng.choice([10, 100, 1000])),
        "times_loss": float(rng.choice([0.05, 0.2, 20, 50])),
        "lr_descent": float(rng.integers(1, 10)) / 100,
        "lr_adagrad": float(rng.integers(1, 10)) / 10,
        "eps_adadelta": float(rng.choice([1e-6, 2e-6, 5e-6])),
        "lengths": given,
        "large_step": once["at"],
        "large_size": once["size"],
        "_rules": order,
        "_distance": float(10.0 ** rng.integers(-3, 4) * rng.uniform(0.8, 1.5)),
        "_flatter": float(rng.integers(5, 16)),
        "_noise": int(rng.integers(1000)),
    }


# By hand --------------------------------------------------------------------------------------


def _tally(n: Mapping, divisor=lambda squares: np.sqrt(np.cumsum(squares)), lr=1.0, g=None) -> dict:
    """Return the answer, or what comes out with another divisor, rate or gradients."""
    g = np.array(n["g"] if g is None else g)
    divisors = divisor(g**2)
    steps = lr * n["lr"] * g / divisors
    return {"theta": float(n["theta0"] - np.sum(steps)), "rate": float(abs(lr) * n["lr"] / divisors[-1])}


def _by_adagrad(n: Mapping) -> dict:
    path = adagrad.trace(w=n["theta0"], g=n["g"], lr=n["lr"])
    return {"theta": float(path["w"][-1]), "rate": float(n["lr"] / sqrt(path["s"][-1]))}


BY_HAND = Value(
    right=_by_adagrad,
    mistakes=[
        Mistake(lambda n: _tally(n, np.cumsum), "The root is missing: a step is divided by √s, not by s."),
        Mistake(
            lambda n: _tally(n, lambda q: np.cumsum(np.sqrt(q))),
            "This adds up the sizes of the gradients. Add up their squares, then take the root.",
        ),
        Mistake(
            lambda n: _tally(n, np.sqrt),
            "This divides each gradient by its own size and forgets the ones before: s is a sum.",
        ),
        Mistake(
            lambda n: _tally(n, lambda q: np.sqrt(np.cumsum(q) / np.arange(1, 4))),
            "This takes the mean of the squares. AdaGrad's s is their sum.",
        ),
        Mistake(
            lambda n: _tally(n, lambda q: np.full(3, np.sqrt(np.sum(q)))),
            "This divides all three steps by the root of the last sum. Each step has the sum up to its own "
            "gradient.",
        ),
        Mistake(lambda n: _tally(n, lambda q: np.ones(3)), "This is gradient descent: nothing is divided."),
        Mistake(lambda n: _tally(n, lr=-1), "This goes up the slope: a step is taken off the weight."),
        Mistake(
            lambda n: _tally(n, g=np.abs(n["g"])),
            "One gradient is negative, and this counts it as positive. Only its square has no sign.",
        ),
        Mistake(lambda n: _tally(n, g=n["g"][:2]), "This is what stands after two steps."),
        Mistake(
            lambda n: {**_by_adagrad(n), "rate": abs(n["g"][-1]) * _by_adagrad(n)["rate"]},
            "`theta` is right. `rate` is the length of the last step; asked is what the gradient is "
            "multiplied by.",
        ),
        Mistake(
            lambda n: {**_by_adagrad(n), "rate": _by_adagrad(n)["rate"] / n["lr"]},
            "`theta` is right. η is missing in `rate`.",
        ),
    ],
    hint="Write s₁, s₂, s₃ in a column, from s₀ = 0; beside each its root, the step, the weight.",
)


def _paced(n: Mapping, first=None, **changed) -> list[float]:
    """Return two steps of Adadelta, or of a rule that is like it."""
    given = {"g": n["g_delta"], "rho": n["rho"], "eps": n["eps"], "lr": 1.0} | changed
    if first is None:
        return (-np.diff(adadelta.trace(w=0.0, **given)["w"])).tolist()
    steps, s, d = [], 0.0, 0.0
    for g in given["g"]:
        s, step, d = first(g, s, d, given["rho"], given["eps"])
        steps.append(float(step))
    return steps


def _no_eps_above(g, s, d, rho, eps):
    s = rho * s + (1 - rho) * g**2
    step = sqrt(d) / sqrt(s + eps) * g
    return s, step, rho * d + (1 - rho) * step**2


def _eps_outside(g, s, d, rho, eps):
    s = rho * s + (1 - rho) * g**2
    step = (sqrt(d) + eps) / (sqrt(s) + eps) * g
    return s, step, rho * d + (1 - rho) * step**2


def _never_paced(g, s, d, rho, eps):
    s = rho * s + (1 - rho) * g**2
    return s, sqrt(eps) / sqrt(s + eps) * g, 0.0


def _summed(g, s, d, rho, eps):
    s = s + g**2
    step = sqrt(d + eps) / sqrt(s + eps) * g
    return s, step, d + step**2


def _old_s(g, s, d, rho, eps):
    step = sqrt(d + eps) / sqrt(s + eps) * g
    return rho * s + (1 - rho) * g**2, step, rho * d + (1 - rho) * step**2


def _unsquared(g, s, d, rho, eps):
    s = rho * s + (1 - rho) * g**2
    step = sqrt(d + eps) / sqrt(s + eps) * g
    return s, step, rho * d + (1 - rho) * abs(step)


def _no_roots(g, s, d, rho, eps):
    s = rho * s + (1 - rho) * g**2
    step = (d + eps) / (s + eps) * g
    return s, step, rho * d + (1 - rho) * step**2


def _corrected(n: Mapping) -> list[float]:
    steps, s, d = [], 0.0, 0.0
    for t, g in enumerate(n["g_delta"], 1):
        s = n["rho"] * s + (1 - n["rho"]) * g**2
        steps.append(float(sqrt(d + n["eps"]) / sqrt(s / (1 - n["rho"] ** t) + n["eps"]) * g))
        d = n["rho"] * d + (1 - n["rho"]) * steps[-1] ** 2
    return steps


DELTA = Value(
    right=_paced,
    mistakes=[
        Mistake(
            lambda n: _paced(n, _no_eps_above),
            "Without ε above the line the first step is zero, and so are all others.",
        ),
        Mistake(lambda n: _paced(n, _eps_outside), "Both ε stand inside the roots here."),
        Mistake(
            lambda n: _paced(n, _never_paced),
            "Both steps have √ε above the line. By the second step d has taken in the square of the first.",
        ),
        Mistake(
            lambda n: _paced(n, _summed),
            "This adds squares up, as AdaGrad does. Both averages keep ρ of the old and take in 1 − ρ of the "
            "new.",
        ),
        Mistake(
            lambda n: _paced(n, _old_s),
            "A step needs the new s, which has its own gradient in it. This took the one before.",
        ),
        Mistake(
            lambda n: _paced(n, _unsquared),
            "d averages the squares of the steps; this averages their lengths.",
        ),
        Mistake(lambda n: _paced(n, _no_roots), "The roots are missing, above the line and below."),
        Mistake(
            lambda n: _paced(n, rho=1 - n["rho"]),
            "ρ and 1 − ρ are swapped: the averages keep the share ρ of themselves.",
        ),
        Mistake(
            lambda n: _paced(n, lr=n["lr"]),
            "A learning rate has come in. Here it is 1, so that there is none.",
        ),
        Mistake(
            lambda n: np.abs(_paced(n)).tolist(),
            "The signs are lost: a step has the sign of its gradient.",
        ),
        Mistake(
            lambda n: _paced(n, lr=-1.0),
            "A step has the sign of its gradient; it is then taken off the weight.",
        ),
        Mistake(_corrected, "This divides s by 1 − ρᵗ. Bias correction belongs to Adam; Adadelta has none."),
    ],
    hint="Per step, in this order: s with the new gradient, the step with the old d, then d.",
)


# A rule of one's own --------------------------------------------------------------------------


def _decayed(w, g, t, s=0.0, *, lr=0.1, decay=0.0, eps=1e-10):
    s = s + g**2
    return w - lr / (1 + (t - 1) * decay) * g / (sqrt(s) + eps), s


def _wrong(step):
    """Return the rule whose step of (g, t, new s, old s, decay, eps) at a rate of one is another."""

    def rule(w, g, t, s=0.0, *, lr=0.1, decay=0.0, eps=1e-10):
        new = s + g**2
        return w - lr * step(g, t, new, s, decay, eps), new

    return rule


def _step_calls(n: Mapping) -> list[Call]:
    lr = n["lr"]
    return [
        call(1.0, 2.0, 1, lr=lr, eps=0.5),
        call(1.0, 2.0, 1, 5.0, lr=lr, decay=0.5),
        call(n["theta0"], -3.0, 5, 16.0, lr=lr, decay=0.25, eps=0.1),
        call(np.array([1.0, -1.0]), np.array([2.0, 0.5]), 3, np.array([0.5, 4.0]), lr=lr, decay=0.5),
    ]


STEP = Function(
    right=_decayed,
    calls=_step_calls,
    rule=True,
    mistakes=[
        Mistake(
            _wrong(lambda g, t, new, old, decay, eps: g / (sqrt(new) + eps)),
            "`decay` makes no difference: the rate is divided by 1 + (t − 1)·decay.",
        ),
        Mistake(
            _wrong(lambda g, t, new, old, decay, eps: g / (1 + t * decay) / (sqrt(new) + eps)),
            "The rate is lowered one step too early: t is counted from 1, and the first step has the whole "
            "rate.",
        ),
        Mistake(
            _wrong(lambda g, t, new, old, decay, eps: g / (1 + (t - 1) * decay) / sqrt(new + eps)),
            "ε stands inside the root. In PyTorch's AdaGrad it stands outside.",
        ),
        Mistake(
            _wrong(lambda g, t, new, old, decay, eps: g / (1 + (t - 1) * decay) / sqrt(new)),
            "`eps` makes no difference. It is added to the root.",
        ),
        Mistake(
            _wrong(lambda g, t, new, old, decay, eps: g / (1 + (t - 1) * decay) / (new + eps)),
            "The root of the sum is missing.",
        ),
        Mistake(
            _wrong(lambda g, t, new, old, decay, eps: g / (1 + (t - 1) * decay) / (sqrt(old) + eps)),
            "The weight moves with the old sum. Add the square first, then make the step.",
        ),
        Mistake(
            lambda w, g, t, s=0.0, *, lr=0.1, decay=0.0, eps=1e-10: (
                w - lr / (1 + (t - 1) * decay) * g / (abs(g) + eps),
                g**2,
            ),
            "The old sum is lost: s is the square of one gradient only.",
        ),
        Mistake(
            _wrong(lambda g, t, new, old, decay, eps: -g / (1 + (t - 1) * decay) / (sqrt(new) + eps)),
            "The weight moves up the slope: a step is taken off it.",
        ),
        Mistake(
            _wrong(lambda g, t, new, old, decay, eps: g * (1 - decay) ** (t - 1) / (sqrt(new) + eps)),
            "The rate falls by a fixed share at each step. Asked is a division by 1 + (t − 1)·decay.",
        ),
        Mistake(lambda *a, **k: _decayed(*a, **k)[::-1], "The order is wrong: first the weight, then s."),
    ],
)


# The slip of the notes ------------------------------------------------------------------------

BATCHES = (0, 2), (2, 4)  # which of the four points


def _slip(n: Mapping, *, foreign=None, s_printed=False, combine=np.mean, squares=None, root=True) -> dict:
    """Return the answer, or what comes out when something is done differently.

    `foreign` is what stands in place of the second gradient; `squares` what a batch adds to s.
    """
    given = example("adaptive", SLIP).givens
    w, lr, s = float(given["w0"]), float(given["lr"]), 0.0
    x = np.array(given["x"])
    sums, weights = [], []
    for k, batch in enumerate([*(x[a:b] for a, b in BATCHES), np.array(n["x_third"])]):
        each = 2 * (w - 5) * batch**2
        g = combine(each)
        if k == 1 and foreign is not None:
            g = foreign
        s = s + (g**2 if squares is None else squares(each))
        if k == 1 and s_printed:
            s = float(n["printed"][4])
        w = w - lr * g / (np.sqrt(s) if root else s)
        sums.append(s)
        weights.append(w)
    return {"figure": 4, "sum": float(sums[1]), "second": float(weights[1]), "third": float(weights[2])}


def _where_it_starts() -> float:
    """Return the gradient of batch 2 before any update."""
    given = example("adaptive", SLIP).givens
    return float(np.mean(2 * (float(given["w0"]) - 5) * np.array(given["x"])[2:] ** 2))


SLIP_FOUND = Value(
    right=_slip,
    mistakes=[
        Mistake(
            lambda n: _slip(n, foreign=float(n["printed"][3])),
            "This takes the printed gradient of batch 2. It is of another run: AdaGrad stands elsewhere.",
        ),
        Mistake(
            lambda n: _slip(n, foreign=_where_it_starts()),
            "The second gradient is taken at the start. Batch 1 has moved the weight.",
        ),
        Mistake(
            lambda n: _slip(n, s_printed=True),
            "The sum of batch 2 is the printed one, which inherits the slip.",
        ),
        Mistake(
            lambda n: _slip(n, combine=np.sum),
            "A batch's gradient is the mean of its two points. This adds them.",
        ),
        Mistake(
            lambda n: _slip(n, squares=lambda each: np.mean(each**2)),
            "This squares first and then takes the mean. The gradient of a batch is a mean, and s gets its "
            "square.",
        ),
        Mistake(lambda n: _slip(n, root=False), "The root is missing: a step is divided by √s."),
        Mistake(
            lambda n: {**_slip(n), "figure": 5},
            "Figure 5 only inherits the slip: it follows from a wrong figure. Which is the first?",
        ),
        Mistake(
            lambda n: {**_slip(n), "figure": 6},
            "Figure 6 only inherits the slip: it follows from wrong figures. Which is the first?",
        ),
        Mistake(lambda n: {**_slip(n), "figure": 3}, "Figures are counted from 1, not from 0."),
        Mistake(
            lambda n: {**_slip(n), "sum": _slip(n)["sum"] - float(n["printed"][1])},
            "`sum` is the square of the second gradient alone. s also holds that of the first.",
        ),
    ],
    hint="Batch by batch: the mean gradient at the weight where AdaGrad stands, the sum, the weight.",
)


# Growing and shrinking ------------------------------------------------------------------------


def _ways(n: Mapping, rule=adagrad, divide=True, **hyper) -> dict[str, float]:
    """Return the length of the last step and the way, per learning rate."""
    powers = n["growth"] ** np.arange(float(STEPS))
    lr = n["lr_growth"]
    grown, shrunk = (-np.diff(rule.trace(w=0.0, g=g, lr=lr, **hyper)["w"]) for g in (powers, 1 / powers))
    unit = lr if divide else 1.0
    return {"growing": float(grown[-1] / unit), "shrinking": float(np.sum(shrunk) / unit)}


def _swapped(n: Mapping) -> dict[str, float]:
    flipped = {"growth": 1 / n["growth"], "lr_growth": n["lr_growth"]}
    return _ways(flipped)


def _last_and_last(n: Mapping) -> dict[str, float]:
    powers = n["growth"] ** -np.arange(float(STEPS))
    steps = -np.diff(adagrad.trace(w=0.0, g=powers, lr=1.0)["w"])
    return {**_ways(n), "shrinking": float(steps[-1])}


def _way_and_way(n: Mapping) -> dict[str, float]:
    powers = n["growth"] ** np.arange(float(STEPS))
    return {**_ways(n), "growing": -float(adagrad.trace(w=0.0, g=powers, lr=1.0)["w"][-1])}


def _steady(n: Mapping) -> dict[str, float]:
    steps = -np.diff(adagrad.trace(w=0.0, g=np.ones(STEPS), lr=1.0)["w"])
    return {"growing": float(steps[-1]), "shrinking": float(np.sum(steps))}


def _without_root(n: Mapping) -> dict[str, float]:
    powers = n["growth"] ** np.arange(float(STEPS))
    grown, shrunk = (g / np.cumsum(g**2) for g in (powers, 1 / powers))
    return {"growing": float(grown[-1]), "shrinking": float(np.sum(shrunk))}


MEASURED = Value(
    right=_ways,
    mistakes=[
        Mistake(lambda n: _ways(n, divide=False), "Both are to be given in learning rates: divide by η."),
        Mistake(_swapped, "The two streams are swapped, or `growth` is below one in the growing one."),
        Mistake(_last_and_last, "For the shrinking gradients the whole way is asked, not the last step."),
        Mistake(_way_and_way, "For the growing gradients the last step is asked, not the whole way."),
        Mistake(_steady, "This is for a gradient that stays 1. Here each is a multiple of the one before."),
        Mistake(_without_root, "The root of the sum is missing."),
        Mistake(
            lambda n: _ways(n, rmsprop, rho=0.9),
            "This is an average of squares, which forgets. Take `adagrad`.",
        ),
        Mistake(lambda n: _ways(n, gradient_descent), "This is gradient descent. Take `adagrad`."),
    ],
    hint="Make the 200 gradients, trace `adagrad` with `lr_growth`, take the differences of the weight.",
    digits=3,
)


# Other units ----------------------------------------------------------------------------------


def _converted(n: Mapping, **changed) -> dict[str, float]:
    """Return the settings in the new units; `changed` are the factors that come out with a mistake."""
    c, k = n["times_weight"], n["times_loss"]
    factors = {"descent": c**2 / k, "adagrad": c, "adadelta": c**2}
    factors |= {name: factor(c, k) for name, factor in changed.items()}
    return {
        "descent": float(n["lr_descent"] * factors["descent"]),
        "adagrad": float(n["lr_adagrad"] * factors["adagrad"]),
        "adadelta": float(n["eps_adadelta"] * factors["adadelta"]),
    }


CONVERTED = Value(
    right=_converted,
    mistakes=[
        Mistake(
            lambda n: _converted(n, **dict.fromkeys(("descent", "adagrad", "adadelta"), lambda c, k: 1.0)),
            "Nothing is converted. Which of the settings carries a unit?",
        ),
        Mistake(
            lambda n: _converted(
                n, descent=lambda c, k: k / c**2, adagrad=lambda c, k: 1 / c, adadelta=lambda c, k: c**-2
            ),
            "All three are converted the wrong way round: from the new units to the old.",
        ),
        Mistake(
            lambda n: _converted(n, descent=lambda c, k: c**2),
            "`descent` leaves the loss out. A gradient is loss per weight, and descent feels both.",
        ),
        Mistake(
            lambda n: _converted(n, descent=lambda c, k: c**2 * k),
            "`descent` multiplies by the factor of the loss. A larger loss has larger gradients, so that the "
            "rate has to be smaller.",
        ),
        Mistake(
            lambda n: _converted(n, descent=lambda c, k: c / k),
            "`descent` has the factor of the weight once. It comes in twice: with the step, and with the "
            "gradient.",
        ),
        Mistake(
            lambda n: _converted(n, adagrad=lambda c, k: c**2 / k),
            "`adagrad` is converted as for gradient descent. Here the gradient is divided by its own size.",
        ),
        Mistake(
            lambda n: _converted(n, adagrad=lambda c, k: c / k),
            "`adagrad` takes the loss into account. A factor in the loss cancels.",
        ),
        Mistake(
            lambda n: _converted(n, adagrad=lambda c, k: 1.0),
            "`adagrad` is unchanged. Its quotient has no unit, so its rate has the one of a step.",
        ),
        Mistake(
            lambda n: _converted(n, adadelta=lambda c, k: 1.0),
            "`adadelta` is unchanged. It has no learning rate in its name, but ε above the line is one.",
        ),
        Mistake(
            lambda n: _converted(n, adadelta=lambda c, k: c),
            "`adadelta` has the factor once. ε stands beside an average of squared steps.",
        ),
        Mistake(
            lambda n: _converted(n, adadelta=lambda c, k: (k / c) ** 2),
            "`adadelta` is that of the ε below the line, beside squared gradients. Asked is the one above.",
        ),
    ],
    hint="Ask of each setting in which unit it is: a step is a weight, a gradient is loss per weight.",
)


# A rate to be found ---------------------------------------------------------------------------


def _left(n: Mapping, rates) -> np.ndarray:
    """Return per rate which part of the distance is left after a trial: root mean square over its runs."""
    return _trials(n["_distance"], n["_flatter"], n["_noise"], tuple(np.atleast_1d(rates).tolist()))


@functools.lru_cache(maxsize=512)
def _trials(distance: float, flatter: float, seed: int, rates: tuple[float, ...]) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(size=(NOISY_STEPS, 2, NOISY_RUNS))
    noise = np.tile(noise, len(rates))  # every rate meets the same noise
    curvature = np.array([[1.0], [1 / flatter]])

    def gradient(w, t):
        return curvature * (w + distance * noise[t - 1])

    start = np.full((2, NOISY_RUNS * len(rates)), distance)
    hyper = {"lr": np.repeat(rates, NOISY_RUNS)}
    w = run(adagrad, gradient, start=start, steps=NOISY_STEPS, record=(), **hyper).w
    return np.sqrt(np.mean(w.reshape(2, len(rates), NOISY_RUNS) ** 2, axis=(0, 2))) / distance


def _good(n: Mapping) -> float:
    """Return 1.2 times what a thorough search finds."""
    return 1.2 * float(_left(n, n["_distance"] * np.geomspace(0.1, 1, 24)).min())


def _objective(n: Mapping):
    def left(lr: float) -> float:
        if not 0 <= lr < math.inf:
            raise ValueError(f"got lr={lr}; expected a number, at least 0")
        return float(_left(n, float(lr))[0])

    return left


TUNE = Search(
    settings=("lr",),
    objective=_objective,
    budget=12,
    good=_good,
    unit="of the distance",
    mistakes=[
        Mistake(lambda n: (0.01,), "This is PyTorch's default. It knows nothing of the distance."),
        Mistake(lambda n: (0.001,), "This is a rate for Adam. It knows nothing of the distance."),
        Mistake(lambda n: (0.1,), "This rate is often recommended. It knows nothing of the distance."),
        Mistake(lambda n: (1.0,), "This suits weights that have to move by a few units. These don't."),
    ],
    hint="Spread eight trials over the powers of ten, then spend the rest near the best.",
)


# Step lengths ---------------------------------------------------------------------------------

RULES = {
    "gradient descent": "Under gradient descent a step follows its gradient: all are equal but one.",
    "AdaGrad": "AdaGrad's steps fall like 1/√t, by a factor of ten in a hundred steps.",
    "AdaGrad without the root": "Without the root the steps fall like 1/t: a hundred times shorter after a "
    "hundred steps.",
    "RMSprop": "RMSprop begins with a long step, settles on a level, and comes back to it after the "
    "large gradient.",
    "Adadelta": "Adadelta's steps grow under a constant gradient.",
}


@functools.lru_cache(maxsize=256)
def _steps(rule, at: int, size: float, **hyper) -> np.ndarray:
    """Return the lengths of a rule's steps: the gradient is 1, and once, in step `at`, it is `size`."""
    g = np.ones(SHOWN)
    g[at - 1] = size
    return -np.diff(rule.trace(w=0.0, g=g, **hyper)["w"])


@Rule
def no_root(w, g, s=0.0, *, lr=0.01):
    """AdaGrad with the root forgotten."""
    s = s + g**2
    w = w - lr * g / s
    return w, s


def _lengths(rng: np.random.Generator) -> tuple[dict[str, np.ndarray], dict[str, str], dict[str, float]]:
    """Return the lengths of steps by letter, the rule of each, and the one large gradient."""
    once = {"at": int(rng.choice([80, 100, 120, 150])), "size": float(rng.choice([10, 15, 20, 30]))}
    lr, rho = float(rng.choice([0.02, 0.05])), float(rng.choice([0.9, 0.95]))
    lengths = {
        "gradient descent": _steps(gradient_descent, lr=lr / 5, **once),
        "AdaGrad": _steps(adagrad, lr=lr * 4, **once),
        "AdaGrad without the root": _steps(no_root, lr=lr * 20, **once),
        "RMSprop": _steps(rmsprop, lr=lr / 4, rho=rho, **once),
        "Adadelta": _steps(adadelta, eps=float(rng.choice([1e-6, 1e-5])), **once),
    }
    order = dict(zip("ABCD", rng.permutation(list(RULES))[:4].tolist(), strict=True))
    return {letter: lengths[rule].copy() for letter, rule in order.items()}, order, once


TASKS = {
    "by_hand": BY_HAND,
    "steps_delta": DELTA,
    "step": STEP,
    "slip": SLIP_FOUND,
    "predicted": Prediction(("growing", "shrinking"), most=1000),
    "measured": MEASURED,
    "converted": CONVERTED,
    "tune": TUNE,
    "rules": Match(right=lambda n: n["_rules"], options=RULES),
}
