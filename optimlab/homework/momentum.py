"""Homework on momentum: three steps by hand, a rule, a slip, noise, a search, curves and terrains."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping

import numpy as np

from .. import quadratic
from ..descent import run
from ..rules import gradient_descent, momentum, momentum_average
from .tasks import Call, Function, Match, Mistake, Prediction, Search, Value, call, example

SLIP = "momentum-ravine"  # the worked example of the notes whose slip is to be found
STEPS, BURN_IN = 1000, 200  # of the runs with noise
FAR = 500  # a search gives up after so many steps


def numbers(rng: np.random.Generator) -> dict:
    """Draw the given numbers."""
    first, second, third = rng.choice([1, 2, 3, 4, 5], 3)
    notes = example("momentum", SLIP)
    given, order = _curves(rng)
    surfaces, terrains = _surfaces(rng)
    return {
        "theta0": float(rng.integers(3, 10)),
        "lr": float(rng.choice([0.05, 0.1, 0.2])),
        "beta": float(rng.choice([0.5, 0.6, 0.8, 0.9])),
        # The last gradient points the other way: the velocity does not.
        "g": [float(first), float(second), -float(third)],
        "printed": [value.printed for value in notes.values if value.name == "v2"][:3],
        "g_steep": [float(g) for g in notes.givens["g2"]],
        "g_fourth": -float(rng.integers(41, 60)) / 10,
        "lr_noise": float(rng.choice([0.04, 0.05, 0.08, 0.1])),
        "beta_noise": float(rng.choice([0.8, 0.9, 0.95])),
        "noise": np.round(rng.normal(size=STEPS), 3),
        "curves": given,
        "surfaces": surfaces,
        "_causes": order,
        "_terrains": terrains,
        "_steepness": float(rng.integers(20, 61)),
        "_scale": float(rng.choice([0.25, 0.5, 2.0, 4.0])),
        **_marked(rng),
    }


# Three steps by hand --------------------------------------------------------------------------


def _theta(rule, **changed):
    """Return a function of the given numbers: the weight after the three steps of a rule."""

    def after(n: Mapping) -> float:
        given = {"w": n["theta0"], "g": n["g"], "lr": n["lr"], "momentum": n["beta"]}
        given |= {name: change(n) for name, change in changed.items()}
        if rule is gradient_descent:
            del given["momentum"]
        return float(rule.trace(**given)["w"][-1])

    return after


_uphill = {"lr": lambda n: -n["lr"]}
_two_steps = {"g": lambda n: n["g"][:2]}
_no_sign = {"g": lambda n: np.abs(n["g"])}

HINT_PLAIN = "This is gradient descent: no step remembers the one before. Write v₁, v₂ and v₃ down first."
HINT_UPHILL = "This goes up the slope: a step takes lr · v off the weight."
HINT_SHORT = "This is the weight after two steps. The last gradient makes a step, too."
HINT_SIGN = "The last gradient is negative, and this counts it as positive."

THETA_SUM = Value(
    right=_theta(momentum),
    mistakes=[
        Mistake(
            _theta(momentum_average),
            "This is what comes out when each gradient comes in with 1 − β. That is the other convention.",
        ),
        Mistake(_theta(gradient_descent), HINT_PLAIN),
        Mistake(_theta(momentum, **_uphill), HINT_UPHILL),
        Mistake(_theta(momentum, **_two_steps), HINT_SHORT),
        Mistake(_theta(momentum, **_no_sign), HINT_SIGN),
        Mistake(
            lambda n: _last_step(n),
            "This takes off only the last step. Each of the three velocities moves the weight.",
        ),
    ],
    hint="Write v₁, v₂, v₃ in a column, from v₀ = 0, and beside each the weight after its step.",
)

THETA_AVERAGE = Value(
    right=_theta(momentum_average),
    mistakes=[
        Mistake(
            _theta(momentum),
            "This is what comes out when the factor 1 − β before the gradient is left out: the sum.",
        ),
        Mistake(_theta(gradient_descent), HINT_PLAIN),
        Mistake(_theta(momentum_average, **_uphill), HINT_UPHILL),
        Mistake(_theta(momentum_average, **_two_steps), HINT_SHORT),
        Mistake(_theta(momentum_average, **_no_sign), HINT_SIGN),
        Mistake(
            _theta(momentum_average, momentum=lambda n: 1 - n["beta"]),
            "β and 1 − β are swapped: the velocity keeps the share β of itself.",
        ),
        Mistake(
            lambda n: _corrected(n),
            "This divides the velocity by 1 − βᵗ. Bias correction belongs to Adam; here there is none.",
        ),
    ],
    hint="As before, with (1 − β) · g instead of g.",
)


def _last_step(n: Mapping) -> float:
    return n["theta0"] - n["lr"] * float(momentum.trace(w=0.0, g=n["g"], momentum=n["beta"])["v"][-1])


def _corrected(n: Mapping) -> float:
    v = momentum_average.trace(w=0.0, g=n["g"], momentum=n["beta"])["v"][1:]
    return n["theta0"] - n["lr"] * float(np.sum(v / (1 - n["beta"] ** np.arange(1, 4))))


# A rule of one's own --------------------------------------------------------------------------


def _damped(w, g, v=0.0, *, lr=0.1, beta=0.9, dampening=0.0):
    v = beta * v + (1 - dampening) * g
    return w - lr * v, v


def _undamped_first(w, g, v=0.0, *, lr=0.1, beta=0.9, dampening=0.0):
    v = np.where(v == 0, g, beta * v + (1 - dampening) * g)
    return w - lr * v, v


def _step_calls(n: Mapping) -> list[Call]:
    lr, beta = n["lr"], n["beta"]
    return [
        call(1.0, 2.0, lr=lr, beta=beta),
        call(1.0, 2.0, 3.0, lr=lr, beta=beta),
        call(1.0, 2.0, lr=lr, beta=beta, dampening=0.25),
        call(n["theta0"], n["g"][2], 0.5, lr=lr, beta=beta, dampening=0.25),
        call(*map(np.array, [[1.0, -1.0], [2.0, 0.5], [0.5, 4.0]]), lr=lr, beta=beta, dampening=0.5),
    ]


STEP = Function(
    right=_damped,
    calls=_step_calls,
    rule=True,
    mistakes=[
        Mistake(
            lambda w, g, v=0.0, *, lr=0.1, beta=0.9, dampening=0.0: _damped(w, g, v, lr=lr, beta=beta),
            "`dampening` makes no difference. The gradient comes into the velocity with 1 − dampening.",
        ),
        Mistake(
            _undamped_first,
            "From v = 0 the whole gradient comes in, as in PyTorch's very first step. Leave that aside: here "
            "the formula holds for every step, also for the first.",
        ),
        Mistake(
            lambda w, g, v=0.0, *, lr=0.1, beta=0.9, dampening=0.0: _damped(
                w, g, v, lr=lr, beta=beta, dampening=beta
            ),
            "The gradient comes in with 1 − β, whatever `dampening` is.",
        ),
        Mistake(
            lambda w, g, v=0.0, *, lr=0.1, beta=0.9, dampening=0.0: _damped(
                w, g, v, lr=lr, beta=beta, dampening=1 - dampening
            ),
            "The gradient comes in with `dampening`; it has to come in with 1 − dampening.",
        ),
        Mistake(
            lambda w, g, v=0.0, *, lr=0.1, beta=0.9, dampening=0.0: _damped(
                w, g, v, lr=-lr, beta=beta, dampening=dampening
            ),
            "The weight moves up the slope: a step takes lr · v off it.",
        ),
        Mistake(
            lambda w, g, v=0.0, *, lr=0.1, beta=0.9, dampening=0.0: (
                w - lr * v,
                beta * v + (1 - dampening) * g,
            ),
            "The weight moves with the old velocity. Make the new one first, then the step.",
        ),
        Mistake(
            lambda w, g, v=0.0, *, lr=0.1, beta=0.9, dampening=0.0: (
                w - (beta * v + lr * (1 - dampening) * g),
                beta * v + lr * (1 - dampening) * g,
            ),
            "The learning rate is inside the velocity. Here it stands outside, as in PyTorch.",
        ),
        Mistake(
            lambda w, g, v=0.0, *, lr=0.1, beta=0.9, dampening=0.0: (
                w - lr * (v + (1 - dampening) * g),
                v + (1 - dampening) * g,
            ),
            "Nothing of the velocity is forgotten: it has to keep the share beta of itself.",
        ),
        Mistake(
            lambda w, g, v=0.0, *, lr=0.1, beta=0.9, dampening=0.0: (
                w - lr * (1 - dampening) * (beta * v + g),
                (1 - dampening) * (beta * v + g),
            ),
            "1 − dampening multiplies the old velocity, too. It belongs to the gradient alone.",
        ),
        Mistake(
            lambda w, g, v=0.0, *, lr=0.1, beta=0.9, dampening=0.0: _damped(
                w, g, v, lr=lr, beta=beta, dampening=dampening
            )[::-1],
            "The order is wrong: a rule returns the weight first, then its state.",
        ),
    ],
)


# The slip of the notes ------------------------------------------------------------------------


def _slip(n: Mapping, second: float | None = None, batch: int = 2, factor: float = 1.0) -> dict:
    """Return the answer, or what comes out when the velocity after batch 2 is taken to be another."""
    beta = float(example("momentum", SLIP).givens["beta"])
    g = [*n["g_steep"], n["g_fourth"]]
    v = factor * g[0]
    v = beta * v + factor * g[1] if second is None else second
    fixed = v
    for gradient in g[2:]:
        v = beta * v + factor * gradient
    return {"batch": batch, "velocity": fixed, "fourth": v}


SLIP_FOUND = Value(
    right=_slip,
    mistakes=[
        Mistake(
            lambda n: _slip(n, second=float(n["printed"][1])),
            "This goes on with the figure that is wrong. Work batch 2 from batch 1 yourself.",
        ),
        Mistake(
            lambda n: {**_slip(n), "batch": 3},
            "Batch 3 only inherits the slip: it follows correctly from a wrong figure. Which is the first?",
        ),
        Mistake(
            lambda n: _slip(n, factor=0.1),
            "The example has no factor 1 − β: its first velocity is the whole first gradient.",
        ),
        Mistake(
            lambda n: _slip(n, second=0.9 * n["g_steep"][0] + abs(n["g_steep"][1])),
            "The second gradient is negative.",
        ),
        Mistake(
            lambda n: _slip(n, second=n["g_steep"][0] + n["g_steep"][1]),
            "Only the share β of the old velocity is kept.",
        ),
        Mistake(
            lambda n: {**_slip(n), "velocity": abs(_slip(n)["velocity"])},
            "Look at the sign of the velocity: has it turned around?",
        ),
        Mistake(
            lambda n: {
                **_slip(n),
                "fourth": 0.9 * float(n["printed"][2]) + n["g_fourth"],
            },
            "The fourth velocity starts from the printed third one, which inherits the slip.",
        ),
    ],
    hint="Work the velocities of the steep direction with β = 0.9 from v₀ = 0, and compare one by one.",
)


# Noise ----------------------------------------------------------------------------------------


@functools.lru_cache(maxsize=64)
def _noisy(noise: bytes, rule, lr: float, **hyper) -> dict[str, np.ndarray]:
    """Return what a run on the bowl records under this noise; kept, because mistakes share their runs."""
    g = np.frombuffer(noise)
    names = ("w", "g", "v") if "v" in rule.carried else ("w", "g")
    path = run(rule, lambda w, t: w + g[t - 1], start=[0.0], steps=len(g), lr=lr, record=names, **hyper)
    return {name: path[name][:, 0] for name in names}


def _spread(n: Mapping, rule=momentum_average, share=1.0, first=BURN_IN, measure=np.var) -> dict[str, float]:
    """Return how the spreads with momentum compare with those without."""
    noise = n["noise"].tobytes()
    plain = _noisy(noise, gradient_descent, n["lr_noise"])
    heavy = _noisy(noise, rule, n["lr_noise"] * share, momentum=n["beta_noise"])
    return {
        "velocity": float(measure(heavy["v"][first + 1 :]) / measure(heavy["g"][first + 1 :])),
        "weight": float(measure(heavy["w"][first + 1 :]) / measure(plain["w"][first + 1 :])),
    }


def _against_weights(n: Mapping) -> dict[str, float]:
    both = _spread(n)
    return {"velocity": both["weight"], "weight": both["velocity"]}


MEASURED = Value(
    right=_spread,
    mistakes=[
        Mistake(
            lambda n: _spread(n, rule=momentum),
            "This is the sum form, whose effective rate is larger by 1/(1 − β). Take `momentum_average`.",
        ),
        Mistake(
            lambda n: _spread(n, share=1 - n["beta_noise"]),
            "In the average form the learning rate already is the effective one: don't multiply it by 1 − β.",
        ),
        Mistake(
            lambda n: _spread(n, measure=np.std),
            "These are ratios of standard deviations; asked are ratios of variances.",
        ),
        Mistake(
            lambda n: {key: 1 / value for key, value in _spread(n).items()},
            "These ratios are upside down: with momentum comes first, without it second.",
        ),
        Mistake(_against_weights, "The two are swapped."),
        Mistake(
            lambda n: _spread(n, first=0),
            f"This counts the first {BURN_IN} steps, too, in which the weight is still on its way.",
        ),
    ],
    hint="Run both rules on the same noise, leave out the start and the first steps, then divide variances.",
    digits=3,
)


# A search -------------------------------------------------------------------------------------


def _steps_needed(steepness: float, scale: float, lr, beta) -> np.ndarray:
    """Return after how many steps the loss is below 1e-6 of its start, per run; infinity where it is not."""
    lr, beta = np.broadcast_arrays(np.asarray(lr, float), np.asarray(beta, float))
    curvatures = scale * np.array([2.0, 2 * steepness]).reshape(2, *[1] * lr.ndim)
    w, v = np.array([5.0, 1.0]).reshape(curvatures.shape) + 0 * lr, 0.0
    needed, start = np.full(lr.shape, math.inf), (curvatures * w**2).sum(axis=0)
    with np.errstate(all="ignore"):  # what diverges never gets there
        for t in range(1, FAR + 1):
            w, v = momentum(w, curvatures * w, v, lr=lr, momentum=beta)
            there = (curvatures * w**2).sum(axis=0) < 1e-6 * start
            needed = np.where(there & np.isinf(needed), t, needed)
    return needed


@functools.cache
def _fewest(steepness: float, scale: float) -> float:
    """Return what a thorough search finds."""
    top = 2 / (steepness * scale)
    rates, shares = np.geomspace(top / 30, 2 * top, 40), np.linspace(0, 0.9, 31)
    return float(_steps_needed(steepness, scale, rates[:, None], shares).min())


def _objective(n: Mapping):
    def steps(lr: float, beta: float) -> float:
        if not (0 <= lr < math.inf and 0 <= beta < 1):
            raise ValueError(f"got lr={lr}, beta={beta}; expected lr at least 0 and beta from 0 to below 1")
        return float(_steps_needed(n["_steepness"], n["_scale"], lr, beta))

    return steps


TUNE = Search(
    settings=("lr", "beta"),
    objective=_objective,
    budget=40,
    good=lambda n: 2 * _fewest(n["_steepness"], n["_scale"]),
    unit="steps",
    mistakes=[
        Mistake(lambda n: (0.01, 0.9), "These are the defaults. They know nothing of this surface."),
        Mistake(lambda n: (0.1, 0.9), "This pair is often recommended, and knows nothing of this surface."),
        Mistake(
            lambda n: (1 / ((1 + n["_steepness"]) * n["_scale"]), 0.0),
            "This is the best that gradient descent can do. Try larger beta, each with rates of its own.",
        ),
    ],
)


# Curves and terrains --------------------------------------------------------------------------

CAUSES = {
    "healthy": "A healthy run falls by the same factor at every step: a steep straight line, to the end.",
    "rate too large": "Under a rate that is too large the loss grows, faster and faster.",
    "too much momentum": "Too much momentum swings: the loss rises and falls in waves that die slowly.",
    "no momentum": "Without momentum the steep direction is done at once. Then comes a long straight tail "
    "with hardly any slope: the floor.",
    "noise": "Noisy gradients make the loss fall first, then jitter around a level that it does not leave.",
}


def _curves(rng: np.random.Generator) -> tuple[dict[str, list[float]], dict[str, str]]:
    """Return four curves by letter, and what each shows."""
    kappa = float(rng.integers(60, 140))
    curvatures = np.array([2, 2 * kappa])  # of x² + kappa·y²
    noise = rng.normal(size=(200, 2)) * rng.uniform(12, 20)
    top = 1 / kappa  # the largest rate of gradient descent

    def loss(rule, noisy: bool = False, **hyper) -> list[float]:
        def gradient(w, t):
            return curvatures * w + noisy * noise[t - 1]

        path = run(rule, gradient, start=[8.0, 1.0], steps=200, **hyper)
        return [float(f"{value:.4g}") for value in path["w"] ** 2 @ curvatures / 2]

    best = quadratic.best(curvatures)
    curves = {
        "healthy": loss(momentum, lr=best.lr, momentum=best.beta),
        "rate too large": loss(gradient_descent, lr=top * rng.uniform(1.01, 1.03)),
        "too much momentum": loss(momentum, lr=0.03 * top, momentum=rng.uniform(0.985, 0.995)),
        "no momentum": loss(gradient_descent, lr=top * rng.uniform(0.5, 0.6)),
        "noise": loss(gradient_descent, noisy=True, lr=top * rng.uniform(0.8, 0.9)),
    }
    order = dict(zip("ABCD", rng.permutation(list(CAUSES))[:4].tolist(), strict=True))
    return {letter: curves[cause] for letter, cause in order.items()}, order


TERRAINS = {
    "valley": "A valley is curved in both directions, one at most five times as much as the other.",
    "ravine": "A ravine is curved in both directions, one at least twenty times as much as the other.",
    "canal": "A canal is curved across, and along it has no curvature at all.",
    "flat": "Flat is where both curvatures and the slope are at most 0.01.",
    "saddle": "A saddle is curved up in one direction and down in another.",
}


def _surfaces(rng: np.random.Generator) -> tuple[dict[str, list[float]], dict[str, str]]:
    """Return (a, b, c) of four surfaces a·x² + b·y² + c·x by letter, and the terrain of each."""
    a = float(rng.integers(1, 6)) / 2
    pairs = {
        "valley": (a, a * float(rng.integers(2, 5))),
        "ravine": (a / 10, a * float(rng.integers(3, 9))),
        "canal": (0.0, float(rng.integers(3, 12))),
        "flat": (float(rng.integers(1, 5)) / 1000, float(rng.integers(1, 5)) / 1000),
        "saddle": (a, -a * float(rng.integers(2, 5))),
    }
    slopes = {"canal": float(rng.integers(1, 9)) / 10, "flat": 0.005}
    order = dict(zip("ABCD", rng.permutation(list(TERRAINS))[:4].tolist(), strict=True))
    surfaces = {}
    for letter, terrain in order.items():
        # Which direction is the steep one is chance, too, where there is no slope.
        turned = rng.integers(2) and terrain not in slopes
        surfaces[letter] = [*pairs[terrain][:: -1 if turned else 1], slopes.get(terrain, 0.0)]
    return surfaces, order


KINDS = {
    "global minimum": "The global minimum is the lower of the two minima: compare the values of f there.",
    "local minimum": "At a local minimum f' goes from minus to plus; the lowest one is called global.",
    "local maximum": "At a local maximum f' is zero and goes from plus to minus.",
    "global maximum": "This f has none: far out on both sides it grows without end.",
    "inflection": "At this kind of inflection f' is zero, and has the same sign on both sides.",
    "not critical": "A point is not critical where f' is not zero.",
}


def _marked(rng: np.random.Generator) -> dict:
    """Return a polynomial of degree six, five marked points on it, and what each is."""
    while True:
        roots = sorted(rng.choice(np.arange(-4, 5), 4, replace=False).tolist())
        flat = roots[rng.integers(4)]  # the double root, where the slope keeps its sign
        slope = np.poly([*roots, flat])
        # Sixty times the integral has whole coefficients.
        line = [float(round(60 * c / (6 - i))) for i, c in enumerate(slope)] + [0.0]
        first, _, last = turns = [root for root in roots if root != flat]
        gap = np.polyval(line, first) - np.polyval(line, last)
        if abs(gap) >= 1:
            break
    names = ["local minimum", "local maximum", "global minimum"]
    kinds = dict(zip(turns, names if gap > 0 else names[::-1], strict=True))
    kinds |= {flat: "inflection", float(rng.integers(-4, 4)) + 0.5: "not critical"}
    places = rng.permutation(list(kinds)).tolist()
    marks = dict(zip("ABCDE", map(float, places), strict=True))
    return {"line": line, "marks": marks, "_kinds": {mark: kinds[x] for mark, x in marks.items()}}


TASKS = {
    "theta_sum": THETA_SUM,
    "theta_average": THETA_AVERAGE,
    "step": STEP,
    "slip": SLIP_FOUND,
    "predicted": Prediction(("velocity", "weight"), most=1000),
    "measured": MEASURED,
    "tune": TUNE,
    "causes": Match(right=lambda n: n["_causes"], options=CAUSES),
    "terrains": Match(right=lambda n: n["_terrains"], options=TERRAINS),
    "kinds": Match(right=lambda n: n["_kinds"], options=KINDS),
}
