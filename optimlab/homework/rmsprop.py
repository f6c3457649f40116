"""Homework on RMSprop: by hand, a rule, a slip, a giant first step, noise, a schedule, averages."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping

import numpy as np
from numpy import sqrt

from ..descent import run
from ..rules import adagrad, adam, gradient_descent, rmsprop
from .tasks import Call, Function, Match, Mistake, Prediction, Search, Value, call, example

SLIP = "rmsprop-three-batches-beta0999"  # the worked example of the notes whose slip is to be found
STEPS, BURN_IN = 4000, 500  # of the runs with noise
TRIAL_STEPS, TRIAL_RUNS = 300, 20
CHANGE = 300  # in the figure of averages the gradients get small after so many steps, of twice as many


def numbers(rng: np.random.Generator) -> dict:
    """Draw the given numbers."""
    first, last = rng.choice([2, 3, 4, 5, 6], 2, replace=False)
    notes = example("rmsprop", SLIP)
    stream, roots, order = _averages(rng)
    return {
        "theta0": float(rng.integers(1, 5)) / 2,
        "lr": float(rng.choice([0.2, 0.4, 0.5])),
        "rho": float(rng.choice([0.6, 0.7, 0.8])),
        # The second gradient is zero: the average fades, and the weight stays.
        "g": [float(first), 0.0, -float(last)],
        "printed": [value.printed for value in notes.values if value.name == "eff_lr"][:3],
        "g_steady": [float(g) for g in notes.givens["g1"]],
        "g_fourth": float(rng.choice([0.0005, 0.0008, 0.0032, 0.0035, 0.004, 0.005])),
        "lr_giant": float(rng.choice([0.001, 0.002, 0.005, 0.01])),
        "rho_giant": float(rng.choice([0.95, 0.96, 0.97, 0.98, 0.99])),
        "lr_noise": float(rng.choice([0.02, 0.03, 0.04])),
        "rho_noise": float(rng.choice([0.9, 0.95])),
        "noise": np.round(rng.normal(size=STEPS), 2),
        "stream": stream,
        "roots": roots,
        "_averages": order,
        "_distance": float(10 ** rng.uniform(-2, 2)),
        "_seed": int(rng.integers(1000)),
    }


# Three steps by hand --------------------------------------------------------------------------


def _weight(n: Mapping, divisor, g=None, lr=1.0) -> float:
    """Return the weight after three steps that divide by what `divisor` gives for the squares."""
    g = np.array(n["g"] if g is None else g)
    return float(n["theta0"] - lr * n["lr"] * np.sum(g / divisor(g**2, n["rho"])))


def _fading(squares, rho):
    """Return the average after each step, from zero."""
    s, kept = 0.0, []
    for square in squares:
        s = rho * s + (1 - rho) * square
        kept.append(s)
    return np.array(kept)


def _correction(squares, rho, first=1):
    return 1 - rho ** np.arange(first, first + len(squares))


def _plain(n: Mapping) -> float:
    return float(rmsprop.trace(w=n["theta0"], g=n["g"], lr=n["lr"], rho=n["rho"])["w"][-1])


def _corrected(n: Mapping) -> float:
    given = {"w": n["theta0"], "g": n["g"], "lr": n["lr"], "beta2": n["rho"]}
    return float(adam.trace(**given, beta1=0.0)["w"][-1])


_SUMMED = Mistake(
    lambda n: _weight(n, lambda q, rho: np.sqrt(np.cumsum(q))),
    "This adds the squares up and forgets nothing: that is AdaGrad.",
)
_UNDIVIDED = Mistake(
    lambda n: _weight(n, lambda q, rho: np.ones(3)), "This is gradient descent: nothing is divided."
)

THETA = Value(
    right=_plain,
    mistakes=[
        Mistake(_corrected, "This divides s by 1 − ρᵗ. RMSprop doesn't correct; that is the other question."),
        _SUMMED,
        _UNDIVIDED,
        Mistake(
            lambda n: _weight(n, lambda q, rho: np.sqrt(_fading(q, 1 - rho))),
            "ρ and 1 − ρ are swapped: the average keeps the share ρ of itself.",
        ),
        Mistake(
            lambda n: _weight(n, lambda q, rho: np.sqrt(_fading(q / (1 - rho), rho))),
            "The factor 1 − ρ before the square is left out.",
        ),
        Mistake(lambda n: _weight(n, _fading), "The root is missing: a step is divided by √s, not by s."),
        Mistake(
            lambda n: _weight(n, lambda q, rho: np.sqrt(_fading(q, rho)), g=[n["g"][0], n["g"][2]]),
            "The gradient of zero is left out. It moves no weight, but s fades.",
        ),
        Mistake(
            lambda n: _weight(n, lambda q, rho: np.sqrt(_fading(q, rho)), lr=-1.0),
            "This goes up the slope: a step is taken off the weight.",
        ),
        Mistake(
            lambda n: _weight(n, lambda q, rho: np.sqrt(_fading(q, rho)), g=np.abs(n["g"])),
            "The last gradient is negative. Only its square has no sign.",
        ),
        Mistake(
            lambda n: _weight(n, lambda q, rho: np.sqrt(_fading(q, rho)), g=n["g"][:2]),
            "This is the weight after two steps. The last gradient makes a step, too.",
        ),
    ],
    hint="Write s₁, s₂, s₃ in a column, from s₀ = 0, the second with a gradient of zero; then the steps.",
)

THETA_CORRECTED = Value(
    right=_corrected,
    mistakes=[
        Mistake(_plain, "This is without correction: s is to be divided by 1 − ρᵗ before the root."),
        _SUMMED,
        _UNDIVIDED,
        Mistake(
            lambda n: _weight(n, lambda q, rho: np.sqrt(_fading(q, rho)) / _correction(q, rho)),
            "The root is corrected. Correct s, and then take the root.",
        ),
        Mistake(
            lambda n: _weight(n, lambda q, rho: np.sqrt(_fading(q, rho) / _correction(q, rho, 2))),
            "t is one too large: the first step has t = 1.",
        ),
        Mistake(
            lambda n: _weight(n, lambda q, rho: np.sqrt(_fading(q, rho) * _correction(q, rho))),
            "This multiplies by 1 − ρᵗ. The average is too small at first, so it is divided.",
        ),
        Mistake(
            lambda n: _weight(n, lambda q, rho: np.sqrt(_fading(q, rho) / (1 - rho))),
            "Every step is divided by 1 − ρ. That is right for the first only: the power t is missing.",
        ),
        Mistake(
            lambda n: _weight(n, lambda q, rho: _fading(q, rho) / _correction(q, rho)),
            "The root is missing: a step is divided by √ŝ, not by ŝ.",
        ),
        Mistake(
            lambda n: _weight(n, lambda q, rho: np.sqrt(_fading(q, 1 - rho) / _correction(q, 1 - rho))),
            "ρ and 1 − ρ are swapped: the average keeps the share ρ of itself.",
        ),
        Mistake(
            lambda n: _weight(
                n,
                lambda q, rho: np.sqrt(_fading(q, rho) / _correction(q, rho)),
                g=[n["g"][0], n["g"][2]],
            ),
            "The gradient of zero is left out. It moves no weight, but s fades, and t goes on.",
        ),
    ],
    hint="As before; only the root is taken of s/(1 − ρᵗ), with t = 1, 2, 3. The average itself stays.",
)


# A rule of one's own --------------------------------------------------------------------------


def _keras(w, g, s=0.0, v=0.0, *, lr=0.001, rho=0.9, momentum=0.0, eps=1e-7):
    s = rho * s + (1 - rho) * g**2
    v = momentum * v + lr * g / sqrt(s + eps)
    return w - v, s, v


def _wrong(average, velocity, step=lambda lr, s, v: v):
    """Return the rule with another average (s, g, rho), velocity (v, g, s, old s, lr, eps, mu) or step."""

    def rule(w, g, s=0.0, v=0.0, *, lr=0.001, rho=0.9, momentum=0.0, eps=1e-7):
        new = average(s, g, rho)
        v = velocity(v, g, new, s, lr, eps, momentum)
        return w - step(lr, new, v), new, v

    return rule


def _average(s, g, rho):
    return rho * s + (1 - rho) * g**2


def _velocity(v, g, s, old, lr, eps, mu):
    return mu * v + lr * g / sqrt(s + eps)


def _step_calls(n: Mapping) -> list[Call]:
    lr, rho = n["lr"], n["rho"]
    return [
        call(1.0, 2.0, lr=lr, rho=rho),
        call(1.0, 2.0, 3.0, lr=lr, rho=rho, eps=0.25),
        call(n["theta0"], -3.0, 4.0, 0.5, lr=lr, rho=rho, momentum=0.75, eps=0.1),
        call(
            *map(np.array, [[1.0, -1.0], [2.0, 0.5], [0.5, 4.0], [0.1, -0.2]]), lr=lr, rho=rho, momentum=0.5
        ),
    ]


STEP = Function(
    right=_keras,
    calls=_step_calls,
    rule=True,
    mistakes=[
        Mistake(
            _wrong(_average, lambda v, g, s, old, lr, eps, mu: mu * v + lr * g / (sqrt(s) + eps)),
            "ε stands outside the root, as in PyTorch. Here it is inside.",
        ),
        Mistake(
            _wrong(
                _average,
                lambda v, g, s, old, lr, eps, mu: mu * v + g / sqrt(s + eps),
                lambda lr, s, v: lr * v,
            ),
            "The learning rate is outside the velocity, as in PyTorch. Here it is inside.",
        ),
        Mistake(
            _wrong(
                _average,
                lambda v, g, s, old, lr, eps, mu: mu * v + lr * g,
                lambda lr, s, v: v / sqrt(s + 1e-7),
            ),
            "The velocity is divided last. Each gradient is divided first, and then goes into the velocity.",
        ),
        Mistake(
            _wrong(lambda s, g, rho: rho * s + g**2, _velocity),
            "The square comes in whole. It comes in with 1 − ρ.",
        ),
        Mistake(
            _wrong(lambda s, g, rho: (1 - rho) * s + rho * g**2, _velocity),
            "ρ and 1 − ρ are swapped: the average keeps the share ρ of itself.",
        ),
        Mistake(
            _wrong(
                _average, lambda v, g, s, old, lr, eps, mu: mu * v + lr * g / sqrt(np.maximum(old, 0) + eps)
            ),
            "The gradient is divided by the old average. Make the new one first.",
        ),
        Mistake(
            _wrong(_average, lambda v, g, s, old, lr, eps, mu: mu * v + (1 - mu) * lr * g / sqrt(s + eps)),
            "The quotient comes into the velocity with 1 − momentum. Here it comes in whole: a sum.",
        ),
        Mistake(
            _wrong(_average, lambda v, g, s, old, lr, eps, mu: lr * g / sqrt(s + eps)),
            "`momentum` makes no difference: the velocity keeps the share `momentum` of itself.",
        ),
        Mistake(
            _wrong(_average, lambda v, g, s, old, lr, eps, mu: mu * v + lr * g / (s + eps)),
            "The root is missing.",
        ),
        Mistake(
            _wrong(_average, _velocity, lambda lr, s, v: -v),
            "The weight moves up the slope: the velocity is taken off it.",
        ),
        Mistake(
            lambda w, g, s=0.0, v=0.0, **k: tuple(_keras(w, g, s, v, **k)[i] for i in (0, 2, 1)),
            "The order is wrong: first the weight, then s, then v.",
        ),
    ],
)


# The slip of the notes ------------------------------------------------------------------------


def _rates(n: Mapping, corrected=True, rule=rmsprop, shift=0) -> np.ndarray:
    """Return the effective rates of the four batches."""
    given = example("rmsprop", SLIP).givens
    rho = float(given["beta"])
    g = [*n["g_steady"], n["g_fourth"]]
    hyper = {} if rule is adagrad else {"rho": rho}
    s = rule.trace(w=0.0, g=g, **hyper)["s"][1:]
    factor = 1 - rho ** (np.arange(1, 5) + shift) if corrected else 1.0
    return float(given["lr"]) / np.sqrt(s / factor)


def _slip(n: Mapping, **changed) -> dict[str, float]:
    """Return the answer, some of it replaced."""
    rates = _rates(n)
    answer = {"batch": 3, "rate": rates[2], "fourth": rates[3], "plain": _rates(n, corrected=False)[3]}
    return {key: float(value) for key, value in (answer | changed).items()}


def _of_four(n: Mapping, **changed) -> dict[str, float]:
    rates = _rates(n, **changed)
    return _slip(n, rate=rates[2], fourth=rates[3])


SLIP_FOUND = Value(
    right=_slip,
    mistakes=[
        Mistake(
            lambda n: _of_four(n, corrected=False),
            "`rate` and `fourth` come from s itself. The boxes take the root of s/(1 − ρᵗ).",
        ),
        Mistake(
            lambda n: _slip(n, fourth=_rates(n, corrected=False)[3]),
            "`fourth` comes from s itself, as the slip does. Divide s by 1 − ρᵗ first.",
        ),
        Mistake(
            lambda n: _slip(n, plain=_rates(n)[3]),
            "`plain` is corrected, too. RMSprop as PyTorch has it takes the root of s itself.",
        ),
        Mistake(
            lambda n: _of_four(n, corrected=False, rule=adagrad),
            "The squares are added up. That is AdaGrad, and another slip of the same notes.",
        ),
        Mistake(
            lambda n: _slip(n, fourth=float(sqrt(_rates(n, False)[3] ** 2 * _third()))),
            "`fourth` is corrected with t = 3. It is the fourth batch.",
        ),
        Mistake(
            lambda n: _slip(n, batch=2),
            "Batch 2 is right to the digits printed. Which is the first that isn't?",
        ),
        Mistake(
            lambda n: _slip(n, rate=float(n["printed"][2])),
            "`rate` is the printed figure. Work batch 3 yourself.",
        ),
        Mistake(
            lambda n: _slip(n, rate=_rates(n)[2] * n["g_steady"][2], fourth=_rates(n)[3] * n["g_fourth"]),
            "These are steps. The effective rate is what the gradient is multiplied by.",
        ),
        Mistake(
            lambda n: _slip(n, rate=_rates(n)[2] ** 2 / _given_lr(), fourth=_rates(n)[3] ** 2 / _given_lr()),
            "The root is missing: the rate is η/√ŝ.",
        ),
    ],
    hint="Work s from s₀ = 0 with ρ = 0.999, divide it by 1 − ρᵗ, take the root, divide η by it.",
)


def _third() -> float:
    """Return the correction of the third batch."""
    return 1 - float(example("rmsprop", SLIP).givens["beta"]) ** 3


def _given_lr() -> float:
    return float(example("rmsprop", SLIP).givens["lr"])


# The giant first step -------------------------------------------------------------------------


def _giant(n: Mapping, **changed) -> dict[str, float]:
    """Return the answer: measured on the rule, with a constant gradient of 1."""
    lr, rho = n["lr_giant"], n["rho_giant"]
    steps = -np.diff(_constant(lr, rho))
    within = int(np.argmax(steps <= 1.1 * lr)) + 1
    return {"first": float(steps[0]), "tenth": float(steps[9]), "within": float(within)} | changed


@functools.lru_cache(maxsize=64)
def _constant(lr: float, rho: float) -> np.ndarray:
    return rmsprop.trace(w=0.0, g=np.ones(300), lr=lr, rho=rho, eps=0.0)["w"]


def _first_within(n: Mapping, limit: float) -> int:
    """Return the first t at which ρᵗ is at most this."""
    return math.ceil(math.log(limit) / math.log(n["rho_giant"]))


GIANT = Value(
    right=_giant,
    mistakes=[
        Mistake(
            lambda n: _giant(n, first=n["lr_giant"], tenth=n["lr_giant"], within=1.0),
            "These are the steps with bias correction. RMSprop has none: s starts at zero.",
        ),
        Mistake(
            lambda n: _giant(n, first=n["lr_giant"] / (1 - n["rho_giant"])),
            "`first`: the root of 1 − ρ is missing.",
        ),
        Mistake(
            lambda n: _giant(n, first=n["lr_giant"] / n["rho_giant"] ** 0.5),
            "`first`: the new square comes in with 1 − ρ, not with ρ.",
        ),
        Mistake(
            lambda n: _giant(n, first=n["lr_giant"] * (1 - n["rho_giant"]) ** 0.5),
            "`first`: an average that is too small makes the step longer, not shorter.",
        ),
        Mistake(
            lambda n: _giant(n, tenth=n["lr_giant"] / (1 - n["rho_giant"] ** 10)),
            "`tenth`: the root is missing.",
        ),
        Mistake(
            lambda n: _giant(n, tenth=n["lr_giant"] / (1 - n["rho_giant"] ** 9) ** 0.5),
            "`tenth`: this is step 9. Steps are counted from 1.",
        ),
        Mistake(
            lambda n: _giant(n, within=_giant(n)["within"] - 1),
            "`within` is one too small: steps are counted from 1.",
        ),
        Mistake(
            lambda n: _giant(n, within=float(_first_within(n, 0.1))),
            "`within` is where s has come within a tenth. The step has the root of it.",
        ),
        Mistake(
            lambda n: _giant(n, within=round(1 / (1 - n["rho_giant"]))),
            "`within` is the memory, 1/(1 − ρ) steps. By then the step is still longer.",
        ),
    ],
    hint="Under a constant gradient s is (1 − ρᵗ)·g². Divide by its root; for `within`, solve for t.",
)


# Noise ----------------------------------------------------------------------------------------


@functools.lru_cache(maxsize=32)
def _hovers(noise: bytes, rule, lr: float, **hyper) -> np.ndarray:
    """Return root mean squares of the weight: as given, with 4 and 2 times the rate, the same for noise.

    The last is with the whole gradient multiplied by 4.
    """
    e = np.frombuffer(noise)
    loud = np.array([1.0, 1.0, 1.0, 4.0, 2.0, 4.0])
    steep = np.array([1.0, 1.0, 1.0, 1.0, 1.0, 4.0])
    rates = lr * np.array([1.0, 4.0, 2.0, 1.0, 1.0, 1.0])

    def gradient(w, t):
        return steep * w + loud * e[t - 1]

    path = run(rule, gradient, start=np.zeros((1, 6)), steps=len(e), lr=rates, **hyper)
    return np.sqrt(np.mean(path["w"][BURN_IN + 1 :, 0] ** 2, axis=0))


def _factors(n: Mapping, rule=rmsprop, columns=(1, 3), power=1.0, **hyper) -> dict[str, float]:
    if rule is rmsprop:
        hyper = {"rho": n["rho_noise"]}
    found = _hovers(n["noise"].tobytes(), rule, n["lr_noise"], **hyper)
    rate, noise = (float((found[k] / found[0]) ** power) for k in columns)
    return {"rate": rate, "noise": noise}


MEASURED = Value(
    right=_factors,
    mistakes=[
        Mistake(
            lambda n: _factors(n, power=2),
            "These are ratios of mean squares. Asked are distances: take the root.",
        ),
        Mistake(
            lambda n: _factors(n, power=-1),
            "These ratios are upside down: the larger rate or noise comes first.",
        ),
        Mistake(
            lambda n: _factors(n, columns=(2, 4)),
            "Rate and noise are doubled here. Asked is four times as much.",
        ),
        Mistake(
            lambda n: _factors(n, columns=(1, 5)),
            "`noise`: the whole gradient is multiplied by 4, and such a factor cancels. Only the noise "
            "is louder.",
        ),
        Mistake(lambda n: _factors(n, gradient_descent), "This is gradient descent. Take `rmsprop`."),
        Mistake(lambda n: _factors(n, adagrad), "This is AdaGrad, whose rate falls. Take `rmsprop`."),
    ],
    hint=f"Three runs from 0, the same noise; leave out the first {BURN_IN} steps; root of the mean square.",
    digits=3,
)


# A schedule to be found -----------------------------------------------------------------------


def _left(n: Mapping, rates, powers) -> np.ndarray:
    """Return per setting which part of the distance is left after a trial: root mean square over runs."""
    rates, powers = np.broadcast_arrays(np.atleast_1d(rates), powers)
    return _trials(n["_distance"], n["_seed"], tuple(rates.tolist()), tuple(powers.tolist()))


@functools.lru_cache(maxsize=512)
def _trials(distance: float, seed: int, rates: tuple[float, ...], powers: tuple[float, ...]) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(size=(TRIAL_STEPS, 2, TRIAL_RUNS)) / 2
    noise = distance * np.tile(noise, len(rates))  # every setting meets the same noise
    curvature = np.array([[1.0], [0.1]])
    lr, power = np.repeat(rates, TRIAL_RUNS), np.repeat(powers, TRIAL_RUNS)
    start = np.full((2, TRIAL_RUNS * len(rates)), distance)

    def gradient(w, t):
        return curvature * (w + noise[t - 1])

    def falling(t):
        return lr / float(t) ** power

    w = run(rmsprop, gradient, start=start, steps=TRIAL_STEPS, record=(), rho=0.9, lr=falling).w
    return np.sqrt(np.mean(w.reshape(2, len(rates), TRIAL_RUNS) ** 2, axis=(0, 2))) / distance


def _good(n: Mapping) -> float:
    """Return 1.4 times what a thorough search finds."""
    rates, powers = np.meshgrid(n["_distance"] * np.geomspace(0.1, 1, 16), [0.6, 0.75, 0.9, 1.0])
    return 1.4 * float(_left(n, rates.ravel(), powers.ravel()).min())


def _best_constant(n: Mapping) -> float:
    rates = n["_distance"] * np.geomspace(0.003, 0.1, 12)
    return float(rates[_left(n, rates, 0.0).argmin()])


def _objective(n: Mapping):
    def left(lr: float, power: float) -> float:
        if not (0 <= lr < math.inf and 0 <= power < 100):
            raise ValueError(f"got lr={lr}, power={power}; expected lr at least 0 and power from 0 to 100")
        return float(_left(n, float(lr), float(power))[0])

    return left


TUNE = Search(
    settings=("lr", "power"),
    objective=_objective,
    budget=30,
    good=_good,
    unit="of the distance",
    mistakes=[
        Mistake(lambda n: (0.01, 0.0), "This is PyTorch's default, kept constant. Let it fall."),
        Mistake(
            lambda n: (0.001, 0.0),
            "This is the default of Keras, kept constant. Let it fall.",
        ),
        Mistake(lambda n: (0.1, 0.5), "This is the chapter's schedule. It doesn't know the distance."),
        Mistake(
            lambda n: (_best_constant(n), 0.0),
            "A constant rate hovers at best. Let it fall: a larger rate, and a power above zero.",
        ),
    ],
    hint="Fix a power, spread rates over the powers of ten, look closer; then the same with other powers.",
)


# Averages -------------------------------------------------------------------------------------

AVERAGES = {
    "rho 0.9": "With ρ = 0.9 the root is ragged, and soon after the change it is down.",
    "rho 0.99": "With ρ = 0.99 the root starts low, rises, and comes down slowly.",
    "rho 0.99, corrected": "With correction the root has the size of the gradients from the first step.",
    "rho 0.99, no factor": "Without the factor 1 − ρ the root is ten times as high, with the same shape.",
    "sum": "A sum never comes down.",
}


def _averages(rng: np.random.Generator) -> tuple[np.ndarray, dict[str, np.ndarray], dict[str, str]]:
    """Return gradients that get small, the roots of some averages of squares by letter, and which each is."""
    g = rng.normal(size=2 * CHANGE) * np.repeat([1.0, rng.choice([0.05, 0.1])], CHANGE)
    g = np.round(float(rng.choice([0.5, 1, 2, 4])) * g, 4)
    slow, steps = _fading(g**2, 0.99), np.arange(1, len(g) + 1)
    squares = {
        "rho 0.9": _fading(g**2, 0.9),
        "rho 0.99": slow,
        "rho 0.99, corrected": slow / (1 - 0.99**steps),
        "rho 0.99, no factor": slow / (1 - 0.99),
        "sum": np.cumsum(g**2),
    }
    order = dict(zip("ABCD", rng.permutation(list(AVERAGES))[:4].tolist(), strict=True))
    return g, {letter: np.sqrt(squares[name]) for letter, name in order.items()}, order


TASKS = {
    "theta": THETA,
    "theta_corrected": THETA_CORRECTED,
    "step": STEP,
    "slip": SLIP_FOUND,
    "giant": GIANT,
    "predicted": Prediction(("rate", "noise"), most=1000),
    "measured": MEASURED,
    "tune": TUNE,
    "averages": Match(right=lambda n: n["_averages"], options=AVERAGES),
}
