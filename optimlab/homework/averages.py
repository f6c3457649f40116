"""Homework on averages: three starts by hand, a rule, two slips, β for a purpose, twice, a search, curves."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Mapping

import numpy as np

from .. import walkthroughs
from ..averages import average
from .tasks import ByHand, Call, Function, Match, Mistake, Prediction, Search, Value, call

SLIP = "ewa-temperature-beta-0.98"  # the worked example of the notes whose slips are to be found
LENGTH, BURN_IN = 1500, 300  # of the series that are averaged twice
SHOWN = 40  # values under the curves


def numbers(rng: np.random.Generator) -> dict:
    """Draw the given numbers."""
    example = walkthroughs.get(SLIP)
    series, curves, order = _curves(rng)
    return {
        "values": rng.permutation(np.arange(2.0, 20.0))[:3].tolist(),
        "beta": float(rng.choice([0.6, 0.7, 0.8, 0.9])),
        "temperatures": example.givens["theta"].tolist(),
        "printed": [value.printed for value in example.values if value.name == "v"],
        "day_11": float(rng.integers(10, 31)),
        "half_life": int(rng.integers(5, 31)),
        "window": int(rng.choice([4, 5, 8, 16, 20, 25, 40])),
        "worth": int(rng.integers(5, 40)),
        "delay": int(rng.integers(3, 10)),
        "delay_twice": int(rng.choice([8, 10, 12, 14, 16, 18, 20])),
        "noise": np.round(rng.normal(size=LENGTH), 3),
        "series": series,
        "curves": curves,
        "_order": order,
        "_drifts": [float(drift * rng.uniform(0.7, 1.4)) for drift in rng.permutation([0.006, 0.06, 0.9])],
        "_scale": float(rng.uniform(0.5, 3)),
        "_step_theta": [float(rng.integers(3, 12)), -float(rng.integers(3, 12))],
    }


# Three starts by hand -------------------------------------------------------------------------


def _raw(n: Mapping, beta: float | None = None, last: int = 3, start: float = 0.0) -> float:
    beta = n["beta"] if beta is None else beta
    return float(average(n["values"][:last], beta, corrected=False, start=start)[-1])


def _corrected(n: Mapping) -> float:
    return float(average(n["values"], n["beta"])[-1])


def _first(n: Mapping, beta: float | None = None) -> float:
    return _raw(n, beta, start=n["values"][0])


def _fed_back(n: Mapping) -> float:
    v = 0.0
    for t, value in enumerate(n["values"], start=1):
        v = (n["beta"] * v + (1 - n["beta"]) * value) / (1 - n["beta"] ** t)
    return v


def _sum(n: Mapping) -> float:
    return _raw(n) / (1 - n["beta"])


HINT_SWAPPED = "The shares are swapped: β belongs to the average so far, 1 − β to the new value."
HINT_MEAN = "This is the plain mean. Here newer values weigh more than older ones."

RAW = ByHand(
    right=_raw,
    mistakes=[
        Mistake(lambda n: _raw(n, beta=1 - n["beta"]), HINT_SWAPPED),
        Mistake(
            _sum, "The factor 1 − β before the new value is missing: this is a sum, as momentum makes it."
        ),
        Mistake(_first, "This starts at the first value. Here the average starts at zero."),
        Mistake(_corrected, "This is corrected already. Asked here is the average itself."),
        Mistake(lambda n: _raw(n, last=2), "This is the average after two values."),
        Mistake(lambda n: float(np.mean(n["values"])), HINT_MEAN),
    ],
    hint="Write v₁, v₂, v₃ in a column, from v₀ = 0: each is β times the one above plus 1 − β times its "
    "value.",
)

CORRECTED = ByHand(
    right=_corrected,
    mistakes=[
        Mistake(_raw, "This is not corrected: it is still drawn toward zero."),
        Mistake(
            _sum, "This divides by 1 − β, as after the first value. The factor changes from value to value."
        ),
        Mistake(
            lambda n: _raw(n) / (1 - n["beta"] ** 2),
            "This divides by 1 − β². After three values t is 3: count from 1.",
        ),
        Mistake(
            lambda n: _raw(n) / (1 - n["beta"] ** 4),
            "This divides by 1 − β⁴. After three values t is 3.",
        ),
        Mistake(
            _fed_back,
            "The corrected value went into the next average. Go on with the raw one; correct only what "
            "you read.",
        ),
        Mistake(
            lambda n: _raw(n) * (1 - n["beta"] ** 3),
            "This multiplies by the sum of the weights. Divide by it.",
        ),
        Mistake(lambda n: _raw(n) / n["beta"] ** 3, "This divides by βᵗ, the share that is still water."),
        Mistake(_first, "This starts at the first value. Corrected is the average that starts at zero."),
        Mistake(lambda n: float(np.mean(n["values"])), HINT_MEAN),
    ],
    hint="Divide the raw average after three values by the sum of its weights.",
)

FIRST = ByHand(
    right=_first,
    mistakes=[
        Mistake(_raw, "This starts at zero. Here the average after the first value is that value."),
        Mistake(_corrected, "This starts at zero and is corrected. That is another average."),
        Mistake(
            lambda n: _first(n) / (1 - n["beta"] ** 3),
            "This is corrected. Started at the first value its weights already sum to one.",
        ),
        Mistake(lambda n: _first(n, beta=1 - n["beta"]), HINT_SWAPPED),
        Mistake(
            lambda n: n["beta"] * n["values"][0] + (1 - n["beta"]) * n["values"][1],
            "This is the average after two values.",
        ),
        Mistake(lambda n: float(np.mean(n["values"])), HINT_MEAN),
    ],
    hint="v₁ is the first value. Then two steps of the same formula.",
)


# A rule of one's own --------------------------------------------------------------------------


def _one_state(theta, t, m=0.0, *, beta=0.9):
    return m + (1 - beta) / (1 - beta**t) * (theta - m)


def _with(k: Callable) -> Callable:
    """Return the rule with another share for the new value."""
    return lambda theta, t, m=0.0, *, beta=0.9: m + k(np.float64(t), beta) * (theta - m)


def _step_calls(n: Mapping) -> list[Call]:
    one, other = n["_step_theta"]
    return [
        call(one, 1, beta=n["beta"]),
        call(one, 2, 4.0, beta=n["beta"]),
        call(other, 5, 1.0, beta=n["beta"]),
        call(one, 1, -2.0, beta=0.5),
        call(np.array([1.0, other]), 3, np.array([2.0, -1.0]), beta=0.5),
    ]


STEP = Function(
    right=_one_state,
    calls=_step_calls,
    rule=True,
    mistakes=[
        Mistake(
            _with(lambda t, beta: 1 - beta),
            "This is the raw average: the new value always comes in with 1 − β. For the corrected one "
            "the share depends on t.",
        ),
        Mistake(
            lambda theta, t, m=0.0, *, beta=0.9: (beta * m + (1 - beta) * theta) / (1 - beta**t),
            "This puts the corrected average into the formula of the raw one, and corrects it again.",
        ),
        Mistake(
            _with(lambda t, beta: 1 / t), "This is the plain mean of all values: beta makes no difference."
        ),
        Mistake(
            _with(lambda t, beta: (1 - beta) / (1 - beta ** (t + 1))),
            "t is one too large: the first value, t = 1, has to come in whole.",
        ),
        Mistake(
            _with(lambda t, beta: 1 - beta**t),
            "The share of the new value grows with t here. It has to fall, from 1 to 1 − β.",
        ),
        Mistake(
            _with(lambda t, beta: 1 / (1 - beta**t)),
            "The factor 1 − β is missing in the share of the new value.",
        ),
        Mistake(
            _with(lambda t, beta: 1 - (1 - beta) / (1 - beta**t)),
            "The shares are swapped: the new value gets the share of the old average.",
        ),
        Mistake(
            lambda theta, t, m=0.0, *, beta=0.9: (1 - beta) / (1 - beta**t) * (theta - m),
            "The old average is missing: this returns only by how much it changes.",
        ),
    ],
)


# The slips of the notes -----------------------------------------------------------------------


@functools.cache
def _found() -> tuple[list[int], list[int]]:
    """Return the days whose printed average does not follow from the one before, and what was taken in."""
    example = walkthroughs.get(SLIP)
    beta, theta = float(example.givens["beta"]), example.givens["theta"]
    printed = [0.0, *(float(value.printed) for value in example.values if value.name == "v")]
    days, taken = [], []
    for day, (before, after) in enumerate(itertools.pairwise(printed), start=1):
        came_in = (after - beta * before) / (1 - beta)
        if abs(came_in - theta[day - 1]) > 0.5:
            days.append(day)
            taken.append(round(came_in))
    return days, taken


def _slips(n: Mapping, beta: float = 0.98, **changed) -> dict:
    (one, two), (first, second) = _found()
    days = [*n["temperatures"], n["day_11"]]
    right = {"day": one, "taken": first, "second_day": two, "second_taken": second}
    return {**right, "v11": float(average(days, beta, corrected=False)[-1]), **changed}


def _v11(n: Mapping, v10: float) -> float:
    return 0.98 * v10 + 0.02 * n["day_11"]


def _as_if(n: Mapping, *slips: int) -> float:
    """Return the average of day 11 with some slips left in."""
    days, taken = _found()
    theta = [*n["temperatures"], n["day_11"]]
    for k in slips:
        theta[days[k] - 1] = taken[k]
    return float(average(theta, 0.98, corrected=False)[-1])


SLIPS_FOUND = Value(
    right=_slips,
    mistakes=[
        Mistake(
            lambda n: _slips(n, v11=_v11(n, float(n["printed"][-1]))),
            "Day 11 starts from the printed day 10, which inherits both slips. Work all days from the "
            "temperatures.",
        ),
        Mistake(lambda n: _slips(n, v11=_as_if(n, 1)), "Day 11 still holds the second slip."),
        Mistake(lambda n: _slips(n, v11=_as_if(n, 0)), "Day 11 still holds the first slip."),
        Mistake(
            lambda n: _slips(n, day=_found()[0][0] - 1, second_day=_found()[0][1] - 1),
            "The days are counted from 0. Day 1 is the first.",
        ),
        Mistake(
            lambda n: _slips(
                n, second_day=_found()[0][0] + 1, second_taken=n["temperatures"][_found()[0][0]]
            ),
            "The day after the first slip only inherits it: it follows from the figure printed before "
            "it. Look for another day that does not.",
        ),
        Mistake(
            lambda n: _slips(
                n,
                taken=n["temperatures"][_found()[0][0] - 1],
                second_taken=n["temperatures"][_found()[0][1] - 1],
            ),
            "These are the temperatures of the table. Asked is what must have been taken instead, to get "
            "what is printed.",
        ),
        Mistake(
            lambda n: _slips(n, v11=_slips(n)["v11"] / (1 - 0.98**11)),
            "The average of day 11 is corrected. The table of the notes is not.",
        ),
        Mistake(
            lambda n: _slips(n, v11=float(average(n["temperatures"], 0.98, corrected=False)[-1])),
            "This is the average after day 10.",
        ),
    ],
    hint="Work each printed average from the one printed before it: 0.98 times that plus 0.02 times the "
    "temperature. On two days something else was taken in; solve for it.",
    digits=5,
)


# β for a purpose ------------------------------------------------------------------------------


def _betas(n: Mapping, **changed: Callable) -> dict[str, float]:
    right = {
        "half_life": 0.5 ** (1 / n["half_life"]),
        "window": 1 - 1 / n["window"],
        "worth": (n["worth"] - 1) / (n["worth"] + 1),
        "delay": n["delay"] / (n["delay"] + 1),
    }
    return right | {name: float(change(n[name])) for name, change in changed.items()}


BETAS = Value(
    right=_betas,
    mistakes=[
        Mistake(
            lambda n: _betas(n, half_life=lambda steps: 1 - 1 / steps),
            "The half-life is taken for the window 1/(1 − β). After so many steps a value has to count "
            "for half.",
        ),
        Mistake(
            lambda n: _betas(n, half_life=lambda steps: math.exp(-1 / steps)),
            "With this half_life a value counts for 1/e after so many steps, not for a half.",
        ),
        Mistake(
            lambda n: _betas(n, half_life=lambda steps: 0.5**steps),
            "The half-life is upside down: β to the power of so many steps is a half.",
        ),
        Mistake(
            lambda n: _betas(n, half_life=lambda steps: 1 - 0.5 ** (1 / steps)),
            "In half_life this is 1 − β.",
        ),
        Mistake(
            lambda n: _betas(n, window=lambda size: 1 / size),
            "In window this is 1 − β.",
        ),
        Mistake(
            lambda n: _betas(n, worth=lambda count: 1 - 1 / count),
            "In worth the count is taken for the window. Against noise the average is worth about twice its "
            "window.",
        ),
        Mistake(
            lambda n: _betas(n, worth=lambda count: (count**2 - 1) / (count**2 + 1)),
            "In worth the variance and the standard deviation are mixed up: a mean of N values has a "
            "variance N times smaller.",
        ),
        Mistake(
            lambda n: _betas(n, delay=lambda steps: 1 - 1 / steps),
            "In delay the steps are taken for the window. The delay is one step less than the window.",
        ),
        Mistake(
            lambda n: _betas(n, delay=lambda steps: (2 * steps - 1) / (2 * steps + 1)),
            "In delay this is the β whose plain mean of as many values is that late. The average holds older "
            "values, too.",
        ),
    ],
    hint="Write down the formula of the chapter for each of the four, put in what is given, and solve for β.",
)


# Twice ----------------------------------------------------------------------------------------


@functools.lru_cache(maxsize=256)
def _averaged(noise: bytes, beta: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the averages, made once and twice, of a ramp, of noise and of a sign flip at every step."""
    t = np.arange(1, LENGTH + 1)
    kinds = np.stack([t, np.frombuffer(noise), np.where(t % 2, 1.0, -1.0)], axis=1)
    once = average(kinds, beta, corrected=False)
    return once, average(once, beta, corrected=False)


def _pair(n: Mapping, same: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Return the averages made once and made twice, each with its own β, or both with that of once."""
    delay, noise = n["delay_twice"], n["noise"].tobytes()
    beta = delay / (delay + 1)
    return _averaged(noise, beta)[0], _averaged(noise, beta if same else delay / (delay + 2))[1]


def _twice(n: Mapping, same: bool = False) -> dict[str, float]:
    once, twice = _pair(n, same)
    return {
        "late": float(LENGTH - twice[-1, 0]),
        "noise": float(twice[BURN_IN:, 1].var() / once[BURN_IN:, 1].var()),
        "flip": float(abs(twice[-1, 2] / once[-1, 2])),
    }


def _measured(**changed: Callable) -> Callable:
    """Return a function of the homework: the answer, with some of its numbers changed."""
    return lambda n: {key: changed.get(key, float)(value) for key, value in _twice(n).items()}


MEASURED = Value(
    right=_twice,
    mistakes=[
        Mistake(
            lambda n: _twice(n, same=True),
            "This averages twice with the β that belongs to averaging once. The delay comes out twice as "
            "large.",
        ),
        Mistake(
            _measured(noise=lambda ratio: 1 / ratio, flip=lambda ratio: 1 / ratio),
            "The ratios are upside down: twice comes first, once second.",
        ),
        Mistake(
            _measured(late=lambda late: LENGTH - late),
            "`late` is the last value of the average. Asked is how far it is behind the last value of "
            "the ramp.",
        ),
        Mistake(
            _measured(late=lambda late: late / 2),
            "`late` is the delay of averaging with this β once. The second time adds as much.",
        ),
        Mistake(
            _measured(flip=lambda ratio: ratio**2),
            "In flip the sizes are squared. Only noise is a ratio of variances.",
        ),
        Mistake(
            lambda n: {**_twice(n), "flip": abs(float(_pair(n)[1][-1, 2]))},
            "In flip this is what averaging twice leaves of a flip. Divide it by what averaging once leaves.",
        ),
    ],
    hint="Make both averages of each of the three series, with corrected=False, each with its own β.",
    digits=3,
)


# A search -------------------------------------------------------------------------------------


class AnyDrift(Search):
    """A search for β that has to succeed with every drift."""

    def problem(self, answer, n: Mapping) -> str | None:
        """Return what is wrong with an answer, or None."""
        for world in _worlds(n):
            if found := super().problem(answer, world):
                return found
        return None

    def separates(self, n: Mapping) -> bool:
        """Return whether what people choose without a search fails with some drift."""
        good = [{m for m in self.mistakes if self._is_good(m, world)} for world in _worlds(n)]
        return not set.intersection(*good)

    def _is_good(self, mistake: Mistake, world: Mapping) -> bool:
        return self.objective(world)(*mistake.value(world)) <= self.good(world)


def _worlds(n: Mapping) -> list[dict[str, float]]:
    return [{"drift": drift, "scale": n["_scale"]} for drift in n["_drifts"]]


def _error(drift: float, scale: float, beta) -> np.ndarray:
    """Return the mean squared distance from a random walk, in the long run.

    The distance is e = β (e − drift) + (1 − β) noise, with independent parts, so that its variance is
    V = β² (V + drift²) + (1 − β)² · noise².
    """
    return scale**2 * (beta**2 * drift**2 + (1 - beta) ** 2) / (1 - beta**2)


def _objective(n: Mapping):
    def error(beta: float) -> float:
        if not 0 <= beta < 1:
            raise ValueError(f"got beta={beta}; expected a number from 0 to below 1")
        return float(_error(n["drift"], n["scale"], beta))

    return error


@functools.cache
def _least(drift: float, scale: float) -> float:
    """Return what a thorough search finds."""
    return float(_error(drift, scale, 1 - np.geomspace(1e-4, 1, 4000)).min())


TUNE = AnyDrift(
    settings=("beta",),
    objective=_objective,
    budget=12,
    good=lambda n: 1.1 * _least(n["drift"], n["scale"]),
    unit="mean squared error",
    mistakes=[
        Mistake(lambda n: (0.9,), "This is the usual β. It knows nothing of this noise and this drift."),
        Mistake(
            lambda n: (0.99,), "This β is often recommended. It knows nothing of this noise and this drift."
        ),
        Mistake(
            lambda n: (0.999,), "This is Adam's second β. It knows nothing of this noise and this drift."
        ),
        Mistake(
            lambda n: (0.5,), "This β is a guess in the middle. Equal steps in β are not equal in memory."
        ),
        Mistake(lambda n: (0.0,), "With β = 0 nothing is averaged."),
    ],
    hint="Spread the first trials evenly over the logarithm of the window 1/(1 − β), then look closer.",
)


# Curves ---------------------------------------------------------------------------------------

CURVES = {
    "corrected": "The corrected average starts exactly at the first value and soon leaves it behind: the "
    "second value counts nearly as much.",
    "raw": "The raw average starts near zero and needs some twenty steps to come up.",
    "first value": "Started at the first value, the average stays near it for some ten steps.",
    "always 1 − β": "Divided by 1 − β at every step, the average starts at the first value and rises to ten "
    "times the level.",
    "first value, corrected": "Started at the first value *and* corrected it begins at ten times the "
    "level and comes down.",
    "fed back": "The corrected value, fed back, climbs higher and higher above the values, before it "
    "comes back.",
}


def _curves(rng: np.random.Generator) -> tuple[list[float], dict[str, list[float]], dict[str, str]]:
    """Return a series, four readings of its average by letter, and what each is."""
    series = np.round(rng.uniform(8, 30) + rng.normal(0, 1.5, SHOWN), 1)
    series[0] = np.round(series[0] * rng.choice([0.5, 1.5]), 1)
    beta, t = 0.9, np.arange(1, SHOWN + 1)
    raw = average(series, beta, corrected=False)
    first = average(series, beta, corrected=False, start=series[0])
    back, v = [], 0.0
    for step, value in enumerate(series, start=1):
        v = (beta * v + (1 - beta) * value) / (1 - beta**step)
        back.append(v)
    made = {
        "corrected": average(series, beta),
        "raw": raw,
        "first value": first,
        "always 1 − β": raw / (1 - beta),
        "first value, corrected": first / (1 - beta**t),
        "fed back": np.array(back),
    }
    order = dict(zip("ABCD", rng.permutation(list(CURVES))[:4].tolist(), strict=True))
    return series.tolist(), {k: [float(f"{v:.5g}") for v in made[what]] for k, what in order.items()}, order


TASKS = {
    "raw": RAW,
    "corrected": CORRECTED,
    "first": FIRST,
    "step": STEP,
    "slips": SLIPS_FOUND,
    "betas": BETAS,
    "predicted": Prediction(("noise", "flip"), most=1000),
    "measured": MEASURED,
    "tune": TUNE,
    "readings": Match(right=lambda n: n["_order"], options=CURVES),
}
