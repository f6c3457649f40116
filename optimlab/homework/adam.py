"""Homework on Adam: steps by hand, its correction, a rule, a slip, batches, fingerprints, a search."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping

import numpy as np

from .. import walkthroughs
from ..descent import grid, run
from ..rules import adagrad, adam, adam_uncorrected, gradient_descent, momentum, rmsprop
from .tasks import Call, Function, Match, Mistake, Prediction, Search, Value, call

SLIP = "adam-sec7-adam"  # the worked example of the notes whose slip is to be found
NOISE_STEPS = 1000  # of the runs with batches
CURVE_STEPS = 400
SEARCH_STEPS, LAST = 200, 50  # of a search, and the steps at its end over which it measures


def numbers(rng: np.random.Generator) -> dict:
    """Draw the given numbers."""
    first, second, third = (float(g) for g in rng.choice([1, 2, 3, 4, 5], 3, replace=False))
    example = walkthroughs.get(SLIP)
    size = int(rng.choice([9, 16]))
    curves, order = _curves(rng)
    return {
        "w0": float(rng.integers(1, 5)),
        "lr": float(rng.choice([0.2, 0.4, 0.5])),
        "beta1": float(rng.choice([0.5, 0.6, 0.8])),
        "beta2": float(rng.choice([0.75, 0.9])),
        "g": [first, -second, third],
        "g_first": float(rng.integers(2, 9)) / 10,
        "rho": float(rng.choice([0.9, 0.95, 0.96, 0.99])),
        "beta1_first": float(rng.choice([0.8, 0.9, 0.95])),
        "beta2_first": float(rng.choice([0.98, 0.99, 0.995])),
        "g_stream": [float(g) for g in example.givens["first"]],
        **{f"printed_{name}": _printed(example, name) for name in ("m", "v", "m_hat", "v_hat", "w")},
        "g_fourth": -float(rng.integers(11, 40)) / 1000,
        "noise_to_mean": float(rng.choice([2.0, 2.5])),
        "batch": size,
        "noise": np.round(rng.normal(size=(NOISE_STEPS, size)), 2),
        "curves": curves,
        "_rules": order,
        # Far enough from fifty times 0.001, 0.1 and 1, for which the usual rates happen to be good.
        "_distance": float(rng.choice([0.012, 0.02, 0.12, 0.2, 0.5, 1.0, 2.0, 12.0, 20.0, 100.0])),
        "_start": np.round(rng.uniform(0.5, 1.5, 8) * rng.choice([-1, 1], 8), 2),
        "_curvature": np.round(10 ** rng.uniform(-2, 2, 8), 3),
        "_shocks": np.round(rng.normal(size=(SEARCH_STEPS, 8)), 2),
    }


# Three steps by hand --------------------------------------------------------------------------


def _betas(n: Mapping) -> dict[str, float]:
    return {"beta1": n["beta1"], "beta2": n["beta2"]}


def _hats(n: Mapping, g=None, **changed) -> dict[str, float]:
    """Return the corrected averages after the last step."""
    trace = adam.trace(w=0.0, g=n["g"] if g is None else g, **(_betas(n) | changed))
    return {name: float(trace[name][-1]) for name in ("m_hat", "v_hat")}


def _raw(n: Mapping) -> dict[str, float]:
    """Return the averages without their correction."""
    trace = adam.trace(w=0.0, g=n["g"], **_betas(n))
    return {"m_hat": float(trace["m"][-1]), "v_hat": float(trace["v"][-1])}


def _divided(n: Mapping, first: float, second: float) -> dict[str, float]:
    """Return the averages divided by something else than their corrections."""
    raw = _raw(n)
    return {"m_hat": raw["m_hat"] / first, "v_hat": raw["v_hat"] / second}


def _fed_back(n: Mapping) -> dict[str, float]:
    """Return what comes out when each step goes on with the corrected averages as if they were the state."""
    m = v = 0.0
    for t, g in enumerate(n["g"], 1):
        _, m, v = adam(0.0, g, t, m, v, **_betas(n))
        m, v = m / (1 - n["beta1"] ** t), v / (1 - n["beta2"] ** t)
    return {"m_hat": m, "v_hat": v}


HATS = Value(
    right=_hats,
    mistakes=[
        Mistake(_raw, "These are m₃ and v₃ themselves. The hats divide them by their corrections."),
        Mistake(
            lambda n: _divided(n, 1 - n["beta1"] ** 2, 1 - n["beta2"] ** 2),
            "This corrects with t = 2. The first step is t = 1, so the third is t = 3.",
        ),
        Mistake(
            lambda n: _divided(n, 1 - n["beta1"], 1 - n["beta2"]),
            "This divides by 1 − β. At step t the correction is 1 − βᵗ.",
        ),
        Mistake(
            lambda n: _divided(n, 1 - n["beta1"] ** 3, 1 - n["beta1"] ** 3),
            "Here v is divided by the correction of m. It has its own, with β₂.",
        ),
        Mistake(
            lambda n: _divided(n, 1 - n["beta1"] * 3, 1 - n["beta2"] * 3),
            "This takes β times t. It is β to the power t.",
        ),
        Mistake(
            _fed_back,
            "Here each step goes on with the corrected averages. The state is m and v alone.",
        ),
        Mistake(
            lambda n: _hats(n, g=np.abs(n["g"])),
            "One gradient is negative, and this counts it as positive in m.",
        ),
        Mistake(
            lambda n: _hats(n, beta1=1 - n["beta1"], beta2=1 - n["beta2"]),
            "β and 1 − β are swapped: the old average keeps the share β.",
        ),
        Mistake(
            lambda n: _hats(n, beta1=n["beta2"], beta2=n["beta1"]),
            "β₁ and β₂ are swapped: β₁ belongs to m.",
        ),
        Mistake(
            lambda n: {**_hats(n), "v_hat": _hats(n)["m_hat"] ** 2},
            "v averages the squares of the gradients. It is not the square of their average.",
        ),
        Mistake(
            lambda n: {**_hats(n), "v_hat": math.sqrt(_hats(n)["v_hat"])},
            "This is the root of v̂₃. Asked is v̂₃ itself.",
        ),
    ],
    hint="Make a table with a row for each t and the columns g, m, v, m̂, v̂. Only g, m and v go into "
    "the next row.",
)


def _weight(n: Mapping, rule=adam, **changed) -> float:
    given = {"w": n["w0"], "g": n["g"], "lr": n["lr"], "eps": 0.0} | _betas(n) | changed
    return float(rule.trace(**given)["w"][-1])


def _stepped(n: Mapping, step: Callable) -> float:
    """Return the weight when each step has another length, from the corrected averages."""
    trace = adam.trace(w=0.0, g=n["g"], **_betas(n))
    kept = ("m", "v", "m_hat", "v_hat")
    return n["w0"] - n["lr"] * sum(
        float(step({"g": n["g"][t - 1]} | {name: trace[name][t] for name in kept})) for t in (1, 2, 3)
    )


WEIGHT = Value(
    right=_weight,
    mistakes=[
        Mistake(
            lambda n: _weight(n, adam_uncorrected),
            "This is Adam without bias correction. Divide m and v by 1 − βᵗ first.",
        ),
        Mistake(
            lambda n: _stepped(n, lambda s: s["m_hat"] / s["v_hat"]),
            "The step is divided by v̂. It has to be the root of v̂.",
        ),
        Mistake(
            lambda n: _stepped(n, lambda s: s["m_hat"] / np.sqrt(s["v"])),
            "Here only m is corrected. v has to be, too.",
        ),
        Mistake(
            lambda n: _stepped(n, lambda s: s["m"] / np.sqrt(s["v_hat"])),
            "Here only v is corrected. m has to be, too.",
        ),
        Mistake(
            lambda n: _stepped(n, lambda s: s["g"] / np.sqrt(s["v_hat"])),
            "This goes along the gradient, as RMSprop does. Adam goes along its average, m̂.",
        ),
        Mistake(
            lambda n: _stepped(n, lambda s: np.sign(s["g"])),
            "Each of these steps is one learning rate long. That is right for the first step only.",
        ),
        Mistake(
            lambda n: _weight(n, lr=-n["lr"]),
            "This goes up the slope: a step takes its length off the weight.",
        ),
        Mistake(
            lambda n: n["w0"] - n["lr"] * _hats(n)["m_hat"] / math.sqrt(_hats(n)["v_hat"]),
            "This takes off only the third step. The two before it move the weight as well.",
        ),
        Mistake(
            lambda n: _weight(n, g=n["g"][:2]),
            "This is the weight after two steps. The last gradient makes a step, too.",
        ),
        Mistake(
            lambda n: _weight(n, g=np.abs(n["g"])),
            "One gradient is negative, and this counts it as positive.",
        ),
    ],
    hint="Write down all three steps, lr · m̂/√v̂ with their signs, and take them off w0 one by one.",
    digits=5,
)


# Who needs the correction ---------------------------------------------------------------------


def _first_step(rule, n: Mapping, **hyper) -> float:
    return -float(rule.trace(w=0.0, g=[n["g_first"]], lr=1.0, eps=0.0, **hyper)["w"][-1])


def _first(n: Mapping, **other: float) -> dict[str, float]:
    """Return the first steps in learning rates; `other` puts something else in their place."""
    betas = {"beta1": n["beta1_first"], "beta2": n["beta2_first"]}
    return {
        "rmsprop": _first_step(rmsprop, n, rho=n["rho"]),
        "adam": _first_step(adam, n, **betas),
        "uncorrected": _first_step(adam_uncorrected, n, **betas),
    } | other


FIRST = Value(
    right=_first,
    mistakes=[
        Mistake(
            lambda n: _first(n, rmsprop=1.0),
            "RMSprop's first step is not one learning rate. Its average of squares starts at 0, too, and "
            "nothing corrects it.",
        ),
        Mistake(
            lambda n: _first(n, rmsprop=math.sqrt(1 - n["rho"])),
            "RMSprop's step is upside down: what is too small stands below the fraction.",
        ),
        Mistake(
            lambda n: _first(n, rmsprop=1 / (1 - n["rho"])),
            "For RMSprop a root is missing: the gradient is divided by the root of the average of squares.",
        ),
        Mistake(
            lambda n: _first(n, uncorrected=1 - n["beta1_first"]),
            "Without the correction m is too small by 1 − β₁. But v is too small as well.",
        ),
        Mistake(
            lambda n: _first(n, uncorrected=1 / math.sqrt(1 - n["beta2_first"])),
            "Without the correction √v is too small by the root of 1 − β₂. But m is too small as well.",
        ),
        Mistake(
            lambda n: _first(n, uncorrected=(1 - n["beta1_first"]) / (1 - n["beta2_first"])),
            "For Adam without correction a root is missing: v stands under one.",
        ),
        Mistake(
            lambda n: (
                {name: x**2 if name == "rmsprop" else x for name, x in _first(n).items()}
                | {"uncorrected": (1 - n["beta1_first"]) / (1 - n["beta2_first"])}
            ),
            "Two roots are missing: the averages of squares stand under one.",
        ),
        Mistake(
            lambda n: _first(n, uncorrected=1.0),
            "Without the correction both averages are too small. Their errors do not cancel.",
        ),
        Mistake(
            lambda n: _first(n, adam=n["g_first"]),
            "Adam's first step does not depend on the size of the gradient.",
        ),
        Mistake(
            lambda n: {key: n["g_first"] * value for key, value in _first(n).items()},
            "These are multiplied by the gradient. It stands above the fraction and below, and cancels.",
        ),
    ],
    hint="Start m, v and s at 0, take in one gradient, and write down the step of each rule before you "
    "put in numbers.",
)


def _until(beta: float, left: float = 0.01) -> int:
    """Return the first step at which an average of constant gradients lacks at most this share."""
    return 1 + int(np.argmax(1 - beta ** np.arange(1.0, 5000) >= 1 - left))


def _fade(n: Mapping, until: Callable[[float], float] = _until) -> dict[str, float]:
    return {"m": until(n["beta1_first"]), "v": until(n["beta2_first"])}


FADE = Value(
    right=_fade,
    mistakes=[
        Mistake(
            lambda n: _fade(n, lambda beta: _until(beta) - 1),
            "One step too early: there the correction is still below 0.99.",
        ),
        Mistake(
            lambda n: _fade(n, lambda beta: math.log(0.01) / math.log(beta)),
            "That is where βᵗ is exactly 0.01, between two steps. Asked is the first step after it.",
        ),
        Mistake(
            lambda n: _fade(n, lambda beta: 1 / (1 - beta)),
            "1/(1 − β) is how far an average looks back, roughly. There βᵗ is still about a third.",
        ),
        Mistake(
            lambda n: _fade(n, lambda beta: _until(beta, 0.1)),
            "These are the steps at which the correction has reached 0.9. Asked is 0.99.",
        ),
        Mistake(
            lambda n: _fade(n, lambda beta: _until(1 - beta)),
            "β and 1 − β are swapped.",
        ),
        Mistake(
            lambda n: dict(zip("mv", list(_fade(n).values())[::-1], strict=True)),
            "m and v are swapped: β₁ belongs to m.",
        ),
        Mistake(
            lambda n: dict.fromkeys("mv", _fade(n)["m"]),
            "v has a β of its own, and a much longer memory.",
        ),
    ],
    hint="Solve 1 − βᵗ = 0.99 for t, and round up.",
    digits=6,
)


# A rule of one's own --------------------------------------------------------------------------


def _share(beta: float, t):
    return (1 - beta) / (1 - beta**t)


def _blended(first: Callable = _share, second: Callable = _share, step: Callable | None = None) -> Callable:
    """Return Adam on its corrected averages: with shares `first` and `second`, and a step of its own."""

    def rule(w, g, t, m_hat=0.0, v_hat=0.0, *, lr=0.001, beta1=0.9, beta2=0.999, eps=1e-8):
        # Plain lists stand for no arrays; a share may divide by zero where a mistake counts from 0.
        with np.errstate(all="ignore"):
            m_hat = m_hat + np.float64(first(beta1, np.float64(t))) * (g - m_hat)
            v_hat = v_hat + np.float64(second(beta2, np.float64(t))) * (g**2 - v_hat)
            ratio = m_hat / (np.sqrt(v_hat) + eps) if step is None else step(m_hat, v_hat, g, eps)
            return w - lr * ratio, m_hat, v_hat

    return rule


def _running(w, g, t, m_hat=0.0, v_hat=0.0, *, lr=0.001, beta1=0.9, beta2=0.999, eps=1e-8):
    """Make a step of Adam from the corrected averages of the step before."""
    before = (1 - beta1 ** (t - 1)), (1 - beta2 ** (t - 1))
    w, m, v = adam(w, g, t, m_hat * before[0], v_hat * before[1], lr=lr, beta1=beta1, beta2=beta2, eps=eps)
    return w, m / (1 - beta1**t), v / (1 - beta2**t)


def _uphill(w, g, t, m_hat=0.0, v_hat=0.0, **hyper):
    after, m_hat, v_hat = _running(w, g, t, m_hat, v_hat, **hyper)
    return w - (after - w), m_hat, v_hat


def _swapped(w, g, t, m_hat=0.0, v_hat=0.0, *, lr=0.001, beta1=0.9, beta2=0.999, eps=1e-8):
    return _running(w, g, t, m_hat, v_hat, lr=lr, beta1=beta2, beta2=beta1, eps=eps)


def _one_beta(w, g, t, m_hat=0.0, v_hat=0.0, *, lr=0.001, beta1=0.9, beta2=0.999, eps=1e-8):
    return _running(w, g, t, m_hat, v_hat, lr=lr, beta1=beta1, beta2=beta1, eps=eps)


def _other_beta(w, g, t, m_hat=0.0, v_hat=0.0, *, lr=0.001, beta1=0.9, beta2=0.999, eps=1e-8):
    return _running(w, g, t, m_hat, v_hat, lr=lr, beta1=beta2, beta2=beta2, eps=eps)


def _old(w, g, t, m_hat=0.0, v_hat=0.0, *, lr=0.001, beta1=0.9, beta2=0.999, eps=1e-8):
    _, m, v = _running(w, g, t, m_hat, v_hat, lr=lr, beta1=beta1, beta2=beta2, eps=eps)
    return w - lr * m_hat / (np.sqrt(v_hat) + eps), m, v


def _twice(w, g, t, m_hat=0.0, v_hat=0.0, *, lr=0.001, beta1=0.9, beta2=0.999, eps=1e-8):
    _, m, v = _running(w, g, t, m_hat, v_hat, lr=lr, beta1=beta1, beta2=beta2, eps=eps)
    return w - lr * (m / (1 - beta1**t)) / (np.sqrt(v / (1 - beta2**t)) + eps), m, v


def _state_of_adam(w, g, t, m=0.0, v=0.0, *, lr=0.001, beta1=0.9, beta2=0.999, eps=1e-8):
    return adam(w, g, t, m, v, lr=lr, beta1=beta1, beta2=beta2, eps=eps)


def _step_calls(n: Mapping) -> list[Call]:
    betas = _betas(n)
    given = {"lr": n["lr"], **betas}
    return [
        call(1.0, 2.0, 1.0, **given),
        call(1.0, -2.0, 2.0, 0.5, 3.0, **given),
        call(n["w0"], n["g"][2], 3.0, -1.0, 2.0, eps=0.5, **given),
        call(
            *map(np.array, [[1.0, -1.0], [2.0, 0.1]]), 4.0, *map(np.array, [[0.5, 0.2], [4.0, 0.01]]), **given
        ),
        call(0.5, 0.003, 10.0, 0.002, 0.00001, lr=0.1, beta1=0.9, beta2=0.99, eps=0.001),
    ]


STEP = Function(
    right=_running,
    calls=_step_calls,
    rule=True,
    mistakes=[
        Mistake(
            _blended(lambda beta, t: 1 - beta, lambda beta, t: 1 - beta),
            "The share is 1 − β at every step. That is the average without correction: what is a at t = 1?",
        ),
        Mistake(
            _state_of_adam,
            "The state is m and v, as in Adam itself. Here it has to be the corrected averages.",
        ),
        Mistake(
            _twice,
            "Here the corrected averages are corrected once more in the step.",
        ),
        Mistake(
            _blended(lambda beta, t: 1 / t, lambda beta, t: 1 / t),
            "The share is 1/t. That is the plain mean of all gradients so far, which forgets nothing.",
        ),
        Mistake(
            _blended(lambda beta, t: 1 - beta**t, lambda beta, t: 1 - beta**t),
            "The share is 1 − βᵗ, which grows. It has to fall, from 1 to 1 − β.",
        ),
        Mistake(
            _blended(
                lambda beta, t: (1 - beta) / (1 - beta ** (t + 1)),
                lambda beta, t: (1 - beta) / (1 - beta ** (t + 1)),
            ),
            "The share belongs to the step after this one: the first step has t = 1.",
        ),
        Mistake(
            _blended(
                lambda beta, t: (1 - beta) / (1 - beta ** (t - 1)),
                lambda beta, t: (1 - beta) / (1 - beta ** (t - 1)),
            ),
            "The share belongs to the step before this one, and at t = 1 it divides by zero.",
        ),
        Mistake(
            _blended(step=lambda m, v, g, eps: m / np.sqrt(v + eps)),
            "eps stands inside the root. It is added to the root.",
        ),
        Mistake(
            _blended(step=lambda m, v, g, eps: m / np.sqrt(v)),
            "eps makes no difference. It is added to the root.",
        ),
        Mistake(
            _blended(step=lambda m, v, g, eps: m / (v + eps)),
            "The step is divided by v̂; the root is missing.",
        ),
        Mistake(
            _blended(step=lambda m, v, g, eps: g / (np.sqrt(v) + eps)),
            "The step goes along the gradient. Adam goes along its average.",
        ),
        Mistake(_old, "The weight moves with the old averages. Make the new ones first, then the step."),
        Mistake(_swapped, "beta1 and beta2 are swapped: beta1 belongs to the average of gradients."),
        Mistake(_one_beta, "Both averages forget with beta1. The one of the squares forgets with beta2."),
        Mistake(_other_beta, "Both averages forget with beta2. The one of the gradients forgets with beta1."),
        Mistake(_uphill, "The weight moves up the slope: a step is taken off it."),
        Mistake(
            lambda *a, **k: (lambda r: (r[1], r[2], r[0]))(_running(*a, **k)),
            "The order is wrong: a rule returns the weight first, then its state.",
        ),
    ],
)


# The slip of the notes ------------------------------------------------------------------------


def _printed(example, name: str) -> list[str]:
    """Return what the notes print of a quantity in their first three iterations."""
    return [v.printed for v in example.values if v.name == name and v.row.startswith("iter")][:3]


def _ways(n: Mapping, rule=adam, sign: float = 1.0) -> dict[str, float]:
    """Return how far the weight has gone after three and four iterations, in learning rates."""
    g = np.array([*n["g_stream"], n["g_fourth"]])
    g[1] *= sign
    w = rule.trace(w=0.0, g=g, lr=1.0, eps=0.0)["w"]
    return {"way3": -float(w[3]), "way4": -float(w[4])}


def _slip(n: Mapping, **other: float) -> dict[str, float]:
    v = adam.trace(w=0.0, g=n["g_stream"])["v"]
    return {"iteration": 2, "value": float(v[2]), **_ways(n)} | other


def _late(n: Mapping) -> dict[str, float]:
    """Return the answer of somebody who found the weight of iteration 3 first."""
    w = adam.trace(w=0.5, g=n["g_stream"])["w"]
    return _slip(n, iteration=3, value=float(w[3]))


def _cut_off(n: Mapping, iteration: int) -> dict[str, float]:
    """Return the answer of somebody who takes a figure for wrong because it has one digit."""
    m = adam.trace(w=0.5, g=n["g_stream"])["m"]
    return _slip(n, iteration=iteration, value=float(m[iteration]))


def _from_printed(n: Mapping) -> dict[str, float]:
    """Return the ways of somebody who goes on with the printed average of squares."""
    v = float(n["printed_v"][1])
    m = adam.trace(w=0.0, g=[*n["g_stream"], n["g_fourth"]], lr=1.0)["m"]
    way = -float(adam.trace(w=0.0, g=n["g_stream"], lr=1.0)["w"][2])
    ways = {}
    for t, g in ((3, n["g_stream"][2]), (4, n["g_fourth"])):
        v = 0.999 * v + 0.001 * g**2
        way += float(m[t]) / (1 - 0.9**t) / math.sqrt(v / (1 - 0.999**t))
        ways[f"way{t}"] = way
    return ways


def _whole(n: Mapping) -> dict[str, float]:
    """Return the ways when iteration 3 moves the weight by the whole average, as printed."""
    trace = adam.trace(w=0.0, g=[*n["g_stream"], n["g_fourth"]], lr=1.0)
    way3 = -float(trace["w"][2]) + float(trace["m_hat"][3]) / 0.001
    return {"way3": way3, "way4": way3 + float(trace["w"][3] - trace["w"][4])}


SLIP_FOUND = Value(
    right=_slip,
    mistakes=[
        Mistake(
            _late,
            "The weight of iteration 3 is wrong indeed, but it is not the first. Look at the squares.",
        ),
        Mistake(
            lambda n: _cut_off(n, 1),
            "That m is only cut off after its first digit, and so counts as right. Go on.",
        ),
        Mistake(
            lambda n: _cut_off(n, 2),
            "That m is only cut off after its first digit, and so counts as right. Go on.",
        ),
        Mistake(
            lambda n: _slip(n, iteration=3),
            "Look at the iteration once more: counting starts at 1.",
        ),
        Mistake(
            lambda n: _slip(n, iteration=1),
            "Look at the iteration once more: counting starts at 1, and all of iteration 1 holds.",
        ),
        Mistake(
            lambda n: _slip(n, value=0.999 * 0.001 * n["g_stream"][0] ** 2 + 0.001 * n["g_stream"][0] ** 2),
            "This is the slip itself: the first gradient's square is taken in a second time.",
        ),
        Mistake(
            lambda n: _slip(n, value=float(n["printed_v"][1])),
            "Your value is the printed one.",
        ),
        Mistake(
            lambda n: _slip(n, **_from_printed(n)),
            "The ways go on with the printed average of squares, which is wrong.",
        ),
        Mistake(
            lambda n: _slip(n, **_whole(n)),
            "Iteration 3 moves the weight by the whole m̂, as the notes do: the learning rate and the root "
            "of v̂ are missing.",
        ),
        Mistake(
            lambda n: _slip(n, **_ways(n, adam_uncorrected)),
            "The ways are those of Adam without bias correction.",
        ),
        Mistake(
            lambda n: _slip(n, **_ways(n, sign=-1.0)),
            "The second gradient is negative, and the ways count it as positive.",
        ),
        Mistake(
            lambda n: _slip(n, **{name: 0.001 * way for name, way in _ways(n).items()}),
            "The ways are in the units of the weight. Divide them by the learning rate.",
        ),
        Mistake(
            lambda n: _slip(n, **{name: -way for name, way in _ways(n).items()}),
            "The ways have the wrong sign: a weight that has become smaller has gone a positive way.",
        ),
    ],
    hint="Work m and v row by row with β₁ = 0.9 and β₂ = 0.999, and compare each with what is printed "
    "before you go on to the hats.",
)


# Batches --------------------------------------------------------------------------------------


@functools.lru_cache(maxsize=64)
def _way(noise: bytes, shape: tuple[int, int], ratio: float, rule, how: str) -> float:
    """Return how far a rule goes on these gradients at a learning rate of 1."""
    samples = 1 + ratio * np.frombuffer(noise).reshape(shape)
    if how == "fewer":  # as many samples in all
        samples = samples[: len(samples) // shape[1]]
    g = {"one": lambda: samples[:, 0], "sum": lambda: samples.sum(axis=1)}.get(
        how, lambda: samples.mean(axis=1)
    )()
    w = run(rule, g[:, None], start=[0.0], lr=1.0, record=()).w
    return -float(w[0])


def _ratios(n: Mapping, above: str = "mean", below: str = "one", noise: float | None = None) -> dict:
    """Return how many times as far each rule goes with the large batch."""
    noise_to_mean = n["noise_to_mean"] if noise is None else noise
    given, shape = n["noise"].tobytes(), n["noise"].shape

    def ratio(rule) -> float:
        return _way(given, shape, noise_to_mean, rule, above) / _way(given, shape, noise_to_mean, rule, below)

    return {"descent": ratio(gradient_descent), "adam": ratio(adam)}


MEASURED = Value(
    right=_ratios,
    mistakes=[
        Mistake(
            lambda n: _ratios(n, above="sum"),
            "Here the gradients of a batch are added. Take their mean, so that both sizes have the same "
            "gradient on average.",
        ),
        Mistake(
            lambda n: _ratios(n, above="one", below="mean"),
            "These ratios are upside down: the large batch comes first.",
        ),
        Mistake(
            lambda n: dict(zip(("descent", "adam"), list(_ratios(n).values())[::-1], strict=True)),
            "The two are swapped.",
        ),
        Mistake(
            lambda n: _ratios(n, noise=1.0),
            "Here the noise is not multiplied by `noise_to_mean`.",
        ),
        Mistake(
            lambda n: _ratios(n, above="fewer"),
            "Here the large batch makes fewer steps. Both make one per row of the noise.",
        ),
        Mistake(
            lambda n: {"descent": 1.0, "adam": math.sqrt(n["batch"])},
            "That is a rule of thumb, not a measurement.",
        ),
    ],
    hint="Build the two streams of gradients, run each rule on both, and divide the way with the large "
    "batch by the way with one sample.",
    digits=3,
)


# Fingerprints ---------------------------------------------------------------------------------

RULES = {
    "momentum": "Momentum starts with a step as long as the gradient, and grows to ten times that.",
    "adagrad": "AdaGrad's first step is one learning rate long. Then its steps shrink, without end.",
    "rmsprop": "RMSprop's first step is 1/√(1 − ρ) learning rates long, and its steps only get shorter "
    "until they are about one.",
    "adam": "Adam's steps are about one learning rate long from the first to the last.",
    "adam without correction": "Adam without correction starts at about three learning rates, gets longer "
    "for a dozen steps, and then takes hundreds of steps to come down.",
}


def _curves(rng: np.random.Generator) -> tuple[dict[str, list[float]], dict[str, str]]:
    """Return the step lengths of four rules by letter, and which rule each is."""
    level = float(rng.choice([0.3, 0.4, 0.5]))
    g = level * (1 + 0.1 * rng.normal(size=CURVE_STEPS))
    rules = dict(zip(RULES, (momentum, adagrad, rmsprop, adam, adam_uncorrected), strict=True))
    order = dict(zip("ABCD", rng.permutation(list(RULES))[:4].tolist(), strict=True))
    curves = {}
    for letter, name in order.items():
        steps = -np.diff(rules[name].trace(w=0.0, g=g, lr=1.0)["w"])
        curves[letter] = [float(f"{step:.3g}") for step in steps]
    return curves, order


# A search -------------------------------------------------------------------------------------


def _left(n: Mapping, lr, beta1) -> np.ndarray:
    """Return which share of the distance is left on average over the last steps, per run."""
    curvature, shocks = n["_curvature"][:, None], n["_shocks"]
    hyper = grid(lr=np.atleast_1d(lr) / n["_distance"], beta1=np.atleast_1d(beta1))

    def gradient(w, t):
        return curvature * (w + shocks[t - 1][:, None])

    # In units of the distance: Adam does the same at every scale when the rate is scaled along.
    w = run(adam, gradient, start=n["_start"], steps=SEARCH_STEPS, record=("w",), eps=0.0, **hyper)["w"]
    away = np.sqrt(np.mean(w**2, axis=1))
    return hyper.fold(away[-LAST:].mean(axis=0) / away[0])


def _objective(n: Mapping):
    def left(lr: float, beta1: float) -> float:
        if not (0 <= lr < math.inf and 0 <= beta1 < 1):
            raise ValueError(f"got lr={lr}, beta1={beta1}; expected lr at least 0, beta1 from 0 to below 1")
        return float(_left(n, lr, beta1)[0, 0])

    return left


@functools.cache
def _least(distance: float, start: bytes, curvature: bytes, shocks: bytes) -> float:
    """Return what a thorough search finds."""
    given = {
        "_distance": distance,
        "_start": np.frombuffer(start),
        "_curvature": np.frombuffer(curvature),
        "_shocks": np.frombuffer(shocks).reshape(SEARCH_STEPS, -1),
    }
    rates = distance * np.geomspace(0.003, 0.3, 30)
    return float(_left(given, rates, [0.5, 0.8, 0.9, 0.95]).min())


def _good(n: Mapping) -> float:
    arrays = (n[name].tobytes() for name in ("_start", "_curvature", "_shocks"))
    return 1.4 * _least(n["_distance"], *arrays)


TUNE = Search(
    settings=("lr", "beta1"),
    objective=_objective,
    budget=25,
    good=_good,
    unit="of the distance",
    mistakes=[
        Mistake(
            lambda n: (0.001, 0.9),
            "These are the defaults. They know nothing of how far it is to the target.",
        ),
        Mistake(
            lambda n: (0.1, 0.9),
            "A rate of 0.1 knows nothing of how far it is to the target.",
        ),
        Mistake(
            lambda n: (1.0, 0.9),
            "A rate of 1 knows nothing of how far it is to the target.",
        ),
    ],
    hint="The rate is a length, and the distance may be anything from a hundredth to a hundred. Spread the "
    "first trials over powers of ten, then look closer around the best.",
)

TASKS = {
    "hats": HATS,
    "weight": WEIGHT,
    "first": FIRST,
    "fade": FADE,
    "step": STEP,
    "slip": SLIP_FOUND,
    "predicted": Prediction(("descent", "adam")),
    "measured": MEASURED,
    "rules": Match(right=lambda n: n["_rules"], options=RULES),
    "tune": TUNE,
}
