"""Homework on Adam's variants: by hand, first steps, a convex problem, a rule, slips, curves, a race."""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from ..catalog import RULES
from ..descent import run
from ..formula import FormulaError
from ..landscapes import beale, ravine, rotated
from ..rule import Rule
from ..rules import (
    adam,
    adam_l2,
    adam_uncorrected,
    adamax,
    adamw,
    amsgrad,
    amsgrad_paper,
    momentum_average,
    nadam_constant,
)
from .tasks import Call, Function, Match, Mistake, Prediction, Value, as_rule, call, missing

PERIODS, LAST = 150, 10  # of the lines: how many are run, and how many of them the mean is over
RATE = 0.05  # on the lines
HORIZON = 300  # steps under a constant gradient
RATES = np.geomspace(0.001, 1, 40)  # of the race
RACE = 300  # steps of the race
SHARE = 0.75  # of Adam's steps: what wins the race


def numbers(rng: np.random.Generator) -> dict:
    """Draw the given numbers."""
    first = float(rng.integers(2, 5))
    second = float(rng.integers(5, 10))
    quiet = int(rng.integers(3, 7))
    loud = float(quiet + rng.integers(2, 4))
    tables, slips = _tables(rng)
    curves, rules = _curves(rng)
    return {
        "theta0": float(rng.integers(3, 7)),
        "lr": float(rng.choice([0.5, 1.0, 2.0])),
        "beta1": float(rng.choice([0.5, 0.6, 0.8])),
        "beta2": float(rng.choice([0.7, 0.8, 0.9])),
        # The largest stands second and is negative; the mark that it leaves outlasts the third.
        "g": [first, -second, float(rng.integers(1, 4))],
        "c": float(rng.integers(2, 10)),
        "beta1_c": float(rng.choice([0.8, 0.9, 0.95])),
        "beta2_c": float(rng.choice([0.995, 0.998, 0.999])),
        "C": loud,
        "n": quiet,
        "short": round(_balance(loud, quiet) * rng.uniform(0.3, 0.6), 2),
        "long": 0.999,
        **tables,
        "curves": curves,
        "kappa": float(rng.integers(15, 51)),
        "angle": float(rng.integers(2, 9)) / 10,
        "_slips": slips,
        "_rules": rules,
    }


# AdaMax by hand -------------------------------------------------------------------------------


def _marks(n: Mapping, keep: Callable = lambda u, g, b: max(b * u, abs(g))) -> list[float]:
    """Return the three divisors; `keep` makes the new one from the old one and the gradient."""
    u, found = 0.0, []
    for g in n["g"]:
        u = keep(u, g, n["beta2"])
        found.append(u)
    return found


def _adamax(n: Mapping) -> list[float]:
    given = {"w": n["theta0"], "g": n["g"], "lr": n["lr"], "eps": 0.0}
    return adamax.trace(**given, beta1=n["beta1"], beta2=n["beta2"])["u"][1:].tolist()


def _theta(n: Mapping, marks: list[float] | None = None, corrected: bool = True, sign: int = -1) -> float:
    """Return the weight after three steps of AdaMax, perhaps with other divisors."""
    marks = _adamax(n) if marks is None else marks
    m, w = 0.0, n["theta0"]
    for t, (g, u) in enumerate(zip(n["g"], marks, strict=True), 1):
        m = n["beta1"] * m + (1 - n["beta1"]) * g
        w += sign * n["lr"] * m / (1 - n["beta1"] ** t if corrected else 1) / u
    return float(w)


def _corrected_marks(n: Mapping) -> list[float]:
    return [u / (1 - n["beta2"] ** t) for t, u in enumerate(_adamax(n), 1)]


def _no_fading(n: Mapping) -> list[float]:
    return _marks(n, lambda u, g, b: max(u, abs(g)))


def _signed(n: Mapping) -> list[float]:
    return _marks(n, lambda u, g, b: max(b * u, g))


def _roots_of_squares(n: Mapping) -> list[float]:
    trace = adam.trace(w=0.0, g=n["g"], beta1=n["beta1"], beta2=n["beta2"])
    return np.sqrt(trace["v_hat"][1:]).tolist()


HINT_FADE = "Here u never fades: before it is compared, the old u is multiplied by β₂."
HINT_SIGN = "This compares with g itself. A divisor is made of the absolute value."
HINT_CORRECTED = "This divides u by 1 − β₂ᵗ. The mark of AdaMax needs no correction."
HINT_ADAM = "These are the roots of Adam's average of squares. AdaMax takes a maximum."

ADAMAX_U = Value(
    right=_adamax,
    mistakes=[
        Mistake(_no_fading, HINT_FADE),
        Mistake(_signed, HINT_SIGN),
        Mistake(_corrected_marks, HINT_CORRECTED),
        Mistake(_roots_of_squares, HINT_ADAM),
        Mistake(
            lambda n: [abs(g) for g in n["g"]],
            "These are the gradients alone. The faded mark of the past may be larger.",
        ),
        Mistake(
            lambda n: _marks(n, lambda u, g, b: max(b * u, (1 - b) * abs(g))),
            "The gradient comes in whole: the factor 1 − β₂ belongs to an average, not to a maximum.",
        ),
        Mistake(
            lambda n: _marks(n, lambda u, g, b: max(b * u, g**2)),
            "The gradient is squared here. For infinite p the root undoes the power.",
        ),
    ],
    hint="Write β₂ times the old u and the size of the gradient side by side, and take the larger one.",
)

ADAMAX_THETA = Value(
    right=_theta,
    mistakes=[
        Mistake(
            lambda n: _theta(n, corrected=False),
            "m is not corrected. Only u is right from the first step on; m starts at zero.",
        ),
        Mistake(lambda n: _theta(n, _corrected_marks(n)), HINT_CORRECTED),
        Mistake(lambda n: _theta(n, _no_fading(n)), HINT_FADE),
        Mistake(lambda n: _theta(n, _roots_of_squares(n)), HINT_ADAM),
        Mistake(lambda n: _theta(n, sign=1), "This goes up the slope."),
        Mistake(
            lambda n: _theta({**n, "g": n["g"][:2]}, _adamax(n)[:2]),
            "This is the weight after two steps.",
        ),
        Mistake(
            lambda n: n["theta0"] - n["lr"] * sum(g / u for g, u in zip(n["g"], _adamax(n), strict=True)),
            "Above the fraction stands the gradient here. It has to be its average m, corrected.",
        ),
        Mistake(
            lambda n: _theta(n, [math.sqrt(u) for u in _adamax(n)]),
            "The step is divided by the root of u. In AdaMax it is u itself.",
        ),
    ],
    hint="One line per step: m, m divided by 1 − β₁ᵗ, u, and the weight. Check u with the test above.",
)


# AMSGrad without correction -------------------------------------------------------------------


def _ways(n: Mapping) -> dict[str, np.ndarray]:
    """Return the steps under a constant gradient, in learning rates, by what is corrected."""
    return _steps(n["c"], n["beta1_c"], n["beta2_c"])


@functools.lru_cache(maxsize=64)
def _steps(c: float, beta1: float, beta2: float) -> dict[str, np.ndarray]:
    given = {"w": 0.0, "g": np.full(HORIZON, c), "lr": 1.0, "eps": 0.0, "beta1": beta1, "beta2": beta2}
    paper, both = (-np.diff(rule.trace(**given)["w"]) for rule in (amsgrad_paper, amsgrad))
    t = np.arange(1, HORIZON + 1)
    m, v = 1 - beta1**t, 1 - beta2**t
    return {"paper": paper, "only_m": paper / m, "both": both, "only_v": both * m, "unrooted": m / v}


def _first(n: Mapping) -> dict[str, float]:
    return {name: float(_ways(n)[name][0]) for name in ("paper", "only_m", "both")}


def _unrooted(n: Mapping) -> dict[str, float]:
    m, v = 1 - n["beta1_c"], 1 - n["beta2_c"]
    return {"paper": m / v, "only_m": 1 / v, "both": 1.0}


def _longest(steps: np.ndarray, first: int = 1) -> dict[str, float]:
    return {"size": float(steps.max()), "t": int(steps.argmax()) + first}


FIRST = Value(
    right=_first,
    mistakes=[
        Mistake(
            lambda n: dict(zip(("only_m", "paper", "both"), _first(n).values(), strict=True)),
            "The first two are swapped: without any correction m is small, too.",
        ),
        Mistake(_unrooted, "Divide by the root of the average of squares, not by the average."),
        Mistake(
            lambda n: {**_first(n), "only_m": 1.0},
            "The maximum does not take care of it: at the first step the largest v so far is v₁ itself.",
        ),
        Mistake(
            lambda n: {name: value * n["c"] for name, value in _first(n).items()},
            "The size of the gradient cancels. It stands above and, as a root of a square, below.",
        ),
        Mistake(
            lambda n: dict.fromkeys(("paper", "only_m", "both"), 1.0),
            "Corrected on both sides, the first step is the learning rate. The other two lack a correction.",
        ),
        Mistake(
            lambda n: {**_first(n), "paper": float(_ways(n)["only_v"][0])},
            "In the paper's form v is as uncorrected as m.",
        ),
    ],
    hint="At t = 1, m is (1 − β₁)c and v is (1 − β₂)c². Divide, and correct what the form corrects.",
)

LONGEST = Value(
    right=lambda n: _longest(_ways(n)["paper"]),
    mistakes=[
        Mistake(lambda n: _longest(_ways(n)["paper"], 0), "Steps are counted from 1."),
        Mistake(lambda n: _longest(_ways(n)["only_m"]), "Here m is corrected. The paper corrects nothing."),
        Mistake(
            lambda n: {**_longest(_ways(n)["paper"]), "size": n["c"] * _longest(_ways(n)["paper"])["size"]},
            "The size of the gradient cancels. Is your rate 1?",
        ),
        Mistake(
            lambda n: _longest(_ways(n)["paper"][:1]),
            "The first step is not the longest: m grows faster than the root of v does.",
        ),
        Mistake(
            lambda n: _longest(_ways(n)["unrooted"]),
            "Divide by the root of the average of squares, not by the average.",
        ),
    ],
    hint="Let `amsgrad_paper.trace` make the steps, and look for the largest difference between two weights.",
)


# Adam on lines --------------------------------------------------------------------------------


@functools.lru_cache(maxsize=256)
def _walk(rule: Rule, loud: float, quiet: int, beta2: float, beta1: float = 0.0, box: float = 1.0) -> tuple:
    """Return the weights of a run on the lines; kept, because mistakes share their runs."""
    state, w, path = [rule.state[name] for name in rule.carried if name != "w"], 0.0, []
    for t in range(1, PERIODS * (quiet + 1) + 1):
        g = loud if t % (quiet + 1) == 1 else -1.0
        steps = (t,) if rule is adam else ()
        w, *state = rule(w, g, *steps, *state, lr=RATE, beta1=beta1, beta2=beta2)
        w = min(max(float(w), -box), box)
        path.append(w)
    return tuple(path)


def _ends(n: Mapping, sign: int = 1, whole: bool = False, last: bool = False, **changed) -> dict[str, float]:
    """Return where the three runs end: the mean of the last periods."""
    found = {}
    for name, rule, memory in (
        ("adam_short", adam, "short"),
        ("adam_long", adam, "long"),
        ("amsgrad_short", amsgrad_paper, "short"),
    ):
        path = sign * np.array(_walk(rule, n["C"], n["n"], n[memory], **changed))
        part = path if whole else path[-1:] if last else path[-LAST * (n["n"] + 1) :]
        found[name] = float(part.mean())
    return found


def _swapped(n: Mapping) -> dict[str, float]:
    return _ends({**n, "short": n["long"], "long": n["short"]})


ENDS = Value(
    right=_ends,
    mistakes=[
        Mistake(
            lambda n: _ends(n, beta1=0.9),
            "Momentum is on: β₁ is 0.9 unless you set it. Here it has to be 0.",
        ),
        Mistake(lambda n: _ends(n, box=math.inf), "The weight leaves its range. Give `box=(-1, 1)`."),
        Mistake(lambda n: _ends(n, last=True), "These are the last weights. Asked is a mean over periods."),
        Mistake(lambda n: _ends(n, whole=True), "This is the mean of the whole run, the way there included."),
        Mistake(lambda n: _ends(n, sign=-1), "The signs are turned around: which gradient is negative?"),
        Mistake(_swapped, "The short and the long memory are swapped."),
        Mistake(
            lambda n: {"adam_short": 1.0, "adam_long": -1.0, "amsgrad_short": -1.0},
            "These are the edges of the range. At an edge the weight is pushed away again in every period.",
        ),
    ],
    hint=f"Compare your settings: start 0, lr {RATE}, β₁ = 0, {PERIODS} periods, the loud gradient first.",
)


def _drift(beta2: float, loud: float, quiet: int, power: float = 0.5, square: float = 2.0) -> float:
    """Return the way of Adam in one period long after the start, in learning rates, without momentum."""
    around = beta2 ** (quiet + 1)
    after_loud = (beta2 * (1 - beta2**quiet) + (1 - beta2) * loud**square) / (1 - around)
    v = 1 + (after_loud - 1) * beta2 ** np.arange(quiet + 1)
    return float(np.sum(v[1:] ** -power) - loud * v[0] ** -power)


def _balance(loud: float, quiet: int, **options) -> float:
    """Return the memory at which a period leads nowhere; NaN if it always leads to one side."""
    low, high = 1e-6, 1 - 1e-6
    if not _drift(low, loud, quiet, **options) > 0 > _drift(high, loud, quiet, **options):
        return math.nan
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if _drift(middle, loud, quiet, **options) > 0 else (low, middle)
    return low


THRESHOLD = Value(
    right=lambda n: _balance(n["C"], n["n"]),
    mistakes=[
        Mistake(
            lambda n: _balance(n["C"], n["n"], square=1.0),
            "Here v averages the sizes of the gradients. It averages their squares.",
        ),
        Mistake(
            lambda n: _balance(n["C"], n["n"], power=1.0),
            "Each gradient is divided by v here; take the root.",
        ),
        Mistake(
            lambda n: _balance(n["C"], n["n"] + 1),
            "There is one quiet gradient too many in your period: it has n + 1 steps.",
        ),
        Mistake(
            lambda n: _balance(n["C"], n["n"] - 1),
            "There is one quiet gradient too few in your period: it has n + 1 steps.",
        ),
        Mistake(lambda n: 1 - _balance(n["C"], n["n"]), "This is 1 − β₂."),
        Mistake(lambda n: 1 / (1 - _balance(n["C"], n["n"])), "This is the memory in steps. Asked is β₂."),
    ],
    hint="Trace 200 periods with lr 1, take the way of the last one, and halve the range of β₂ by its sign.",
    digits=3,
)


# A rule of one's own --------------------------------------------------------------------------


def _right(w, g, t, m=0.0, u=0.0, *, lr=0.002, beta1=0.9, beta2=0.999, eps=1e-8, weight_decay=0.01):
    m = beta1 * m + (1 - beta1) * g
    u = np.maximum(beta2 * u, abs(g) + eps)
    w = w - lr * weight_decay * w - lr * m / (1 - beta1**t) / u
    return w, m, u


def _slipped(where: str) -> Callable:
    """Return AdaMax with decoupled decay and one slip."""

    def step(w, g, t, m=0.0, u=0.0, *, lr=0.002, beta1=0.9, beta2=0.999, eps=1e-8, weight_decay=0.01):
        size = g
        if "penalty" in where:
            g = g + (lr if where == "penalty at the rate" else 1.0) * weight_decay * w
        if where != "penalty in m":
            size = g
        old_m = m
        m = beta1 * m + (1 - beta1) * g
        size = size if where == "signed" else abs(size)
        if where == "eps beside":
            u = np.maximum(beta2 * u, size)
        else:
            u = np.maximum(u if where == "no fading" else beta2 * u, size + eps)
        above = old_m if where == "old average" else m
        if where != "m uncorrected":
            above = above / (1 - beta1 ** (t + 1 if where == "late" else t))
        below = u / (1 - beta2**t) if where == "u corrected" else u + eps * (where == "eps beside")
        move = lr * above / below
        share = weight_decay if where == "no rate" else lr * weight_decay
        if "penalty" in where and where != "penalty, too":
            share = 0.0
        if where == "overwritten":
            move = 0.0
        w = (1 - share) * (w - move) if where == "after" else w - share * w - move
        return w, m, u

    return step


def _adamaxw_calls(n: Mapping) -> list[Call]:
    hyper = {"lr": 0.1, "beta1": n["beta1"], "beta2": n["beta2"], "weight_decay": 0.5}
    first, second, third = n["g"]
    return [
        call(n["theta0"], first, 1, **hyper, eps=1e-8),
        call(n["theta0"], second, 2, 0.5, first, **hyper, eps=0.25),
        call(n["theta0"], third, 3, -1.0, -second, **hyper, eps=0.5),
        call(
            np.array([2.0, -4.0]),
            np.array([1.0, -0.5]),
            4,
            np.array([0.5, 1.0]),
            np.array([2.0, 0.25]),
            **hyper,
            eps=1e-8,
        ),
    ]


ADAMAXW = Function(
    right=_right,
    calls=_adamaxw_calls,
    rule=True,
    mistakes=[
        Mistake(_slipped(where), hint)
        for where, hint in {
            "no rate": "The weight loses the share `weight_decay`. It should be lr · weight_decay.",
            "penalty": "The decay goes into the gradient: that is an L2 penalty. It belongs beside the step.",
            "penalty at the rate": "The decay goes into the gradient: that is an L2 penalty. It belongs "
            "beside the step.",
            "penalty in m": "The decay goes into the gradient that is averaged. It belongs beside the step.",
            "penalty, too": "The decay is there twice, in the gradient and beside the step. It belongs "
            "beside the step alone.",
            "overwritten": "Only the decay is left: the step of AdaMax has been overwritten, as in N4's box.",
            "after": "The decay takes its share of the weight after the step. Here it is of the old weight.",
            "u corrected": "u is divided by 1 − β₂ᵗ. It needs no correction.",
            "no fading": "u never fades: before it is compared, it is multiplied by beta2.",
            "signed": "The sign of the gradient gets into u. It is made of absolute values.",
            "m uncorrected": "m is not divided by 1 − β₁ᵗ.",
            "late": "m is corrected for the step after this one. `t` is 1 at the first step.",
            "old average": "The average of the step before is used. Make the new m first.",
            "eps beside": "`eps` is added to u. Add it to the size of the gradient, inside the maximum.",
        }.items()
    ],
)


# Slips in tables ------------------------------------------------------------------------------

SLIPS = {
    "right": "That is AdamW without a slip.",
    "overwritten": "In N4's box nothing but the decay reaches the weight: it shrinks by one factor per step.",
    "penalty": "With an L2 penalty the first step is the learning rate, whatever the decay.",
    "no rate": "Without the rate the share is ten times larger and more: look at the first step.",
    "after": "Decay after the step differs from AdamW by about lr²λ per step: look at the last digits.",
    "uncorrected": "Without corrections the first step is not the learning rate plus the decay.",
}


def _slipping(slip: str, n: Mapping) -> list[float]:
    """Return the weights that AdamW with a slip gives, to four decimals."""
    lr, decay = n["lr_w"], n["decay"]
    hyper = {"lr": lr, "beta1": 0.5, "beta2": 0.8}
    w, m, v, path = n["w0"], 0.0, 0.0, []
    for t, g in enumerate(n["g_w"], 1):
        if slip == "penalty":
            w, m, v = adam_l2(w, g, t, m, v, **hyper, weight_decay=decay)
        elif slip == "uncorrected":
            stepped, m, v = adam_uncorrected(w, g, m, v, **hyper)
            w = stepped - lr * decay * w
        elif slip == "right":
            w, m, v = adamw(w, g, t, m, v, **hyper, weight_decay=decay)
        else:
            stepped, m, v = adam(w, g, t, m, v, **hyper)
            w = {
                "overwritten": w - lr * decay * w,
                "no rate": stepped - decay * w,
                "after": stepped - lr * decay * stepped,
            }[slip]
        path.append(round(float(w), 4))
    return path


def _tables(rng: np.random.Generator) -> tuple[dict, dict[str, str]]:
    """Return the given numbers of the tables, and the slip of each."""
    sizes = rng.permutation([1.0, 2.0, 3.0, 4.0])
    given = {
        "w0": float(rng.integers(4, 9)),
        "g_w": (sizes * [1, 1, -1, 1]).tolist(),
        "lr_w": float(rng.choice([0.05, 0.1])),
        "decay": float(rng.choice([0.4, 0.5, 0.6])),
    }
    slips = dict(zip("ABCD", rng.permutation(list(SLIPS))[:4].tolist(), strict=True))
    return {**given, "tables": {letter: _slipping(slip, given) for letter, slip in slips.items()}}, slips


# Curves ---------------------------------------------------------------------------------------

CURVES = {
    "adam": "Adam starts with the learning rate, jumps at the spike, is slow after it, and recovers.",
    "adamax": "AdaMax does not jump at the spike: there it is suddenly slow.",
    "amsgrad": "AMSGrad jumps as Adam does, and then never gets back to where it was.",
    "nadam": "Nadam's very first step is longer than the learning rate, and it answers the flips strongly.",
    "momentum": "Momentum divides by nothing: it starts slowly, and the spike has left no trace soon after.",
}


def _curves(rng: np.random.Generator) -> tuple[dict[str, list[float]], dict[str, str]]:
    """Return the steps of four rules by letter, in learning rates, and which rule each is."""
    g = np.ones(480)
    g[420:] = (-1.0) ** np.arange(60)
    g[int(rng.integers(120, 160))] = float(rng.integers(10, 15))
    rules = {
        "adam": (adam, {"beta2": 0.99}),
        "adamax": (adamax, {"beta2": 0.99}),
        "amsgrad": (amsgrad, {"beta2": 0.99}),
        "nadam": (nadam_constant, {"beta2": 0.99}),
        "momentum": (momentum_average, {}),
    }
    order = dict(zip("ABCD", rng.permutation(list(rules))[:4].tolist(), strict=True))
    curves = {}
    for letter, name in order.items():
        rule, hyper = rules[name]
        steps = -np.diff(rule.trace(w=0.0, g=g, lr=1.0, **hyper)["w"])
        curves[letter] = [round(float(step), 4) for step in steps]
    return curves, order


# The race -------------------------------------------------------------------------------------


def surfaces(n: Mapping) -> dict:
    """Return what is raced on: a ravine, a turned ravine, and Beale's function."""
    return {
        "ravine": ravine.using(kappa=n["kappa"]),
        "rotated": rotated.using(kappa=n["kappa"], angle=n["angle"]),
        "beale": beale,
    }


def race(n: Mapping, rule: Rule | Callable) -> dict[str, float]:
    """Return how many steps a rule needs on each surface, at the best of 40 learning rates.

    Parameters
    ----------
    n : Homework
        Whose given numbers say how steep the surfaces are.
    rule : Rule or function
        With a hyper-parameter ``lr``; it keeps the defaults of the others.

    Returns
    -------
    dict of str to float
        Steps until the loss is below 0.001 and stays there to the end of 300; infinity if it does not.
    """
    rule = as_rule(rule)
    found = {}
    for name, surface in surfaces(n).items():
        value = run(rule, surface, steps=RACE, lr=RATES, record=("value",))["value"]
        high = ~(value < 1e-3)
        last = len(high) - np.argmax(high[::-1], axis=0)
        found[name] = float(np.where(high[-1], math.inf, last).min())
    return found


@functools.lru_cache(maxsize=16)
def _adams(kappa: float, angle: float) -> dict[str, float]:
    return race({"kappa": kappa, "angle": angle}, adam)


def _twin(rule: Rule) -> str | None:
    """Return the rule of the course that makes the same steps."""
    rng = np.random.default_rng(0)
    given = {"w": 1.0, "g": rng.normal(size=60), "lr": 0.1}
    path = rule.trace(**given)["w"]
    for name, known in RULES.items():
        if known.inputs != ("g",) or "w" not in known.carried:
            continue
        if np.allclose(known.trace(**given)["w"], path, rtol=1e-6, atol=1e-9):
            return name
    return None


@dataclass(frozen=True)
class Race:
    """A rule that has to be faster than Adam on every surface, and must not be one of the course."""

    def problem(self, answer, n: Mapping) -> str | None:
        """Return what is wrong with an answer, or None."""
        if found := missing(answer):
            return found
        if not callable(answer):
            return "expected a function: a rule that takes w, g and perhaps t"
        try:
            rule = as_rule(answer)
        except FormulaError as error:
            if "nothing is returned" in str(error):
                return "nothing here yet: the function returns nothing"
            return "this is no rule. " + re.sub(r"^.*?, (?=line \d)", "In ", str(error), flags=re.DOTALL)
        if not ("w" in rule.carried and rule.inputs == ("g",)):
            return "expected a rule that takes w and g, and t where it needs the step, and returns w first"
        if "lr" not in rule.hyper:
            return "the rule has no hyper-parameter `lr`. The race tries 40 rates, so write `*, lr=0.1`"
        if twin := _twin(rule):
            return f"it makes the steps of the course's {twin}. Change something, if only a default"
        own, adams = race(n, rule), _adams(n["kappa"], n["angle"])
        slow = [name for name in own if not own[name] <= SHARE * adams[name]]
        if not slow:
            return None
        told = [f"{name}: {own[name]:g} steps, Adam {adams[name]:g}" for name in slow]
        how = "What swings needs damping: less momentum, or a look ahead. What creeps needs more of both."
        return f"not fast enough at its best rate. {'; '.join(told)}. {how}"

    def separates(self, n: Mapping) -> bool:
        """There is no answer to come to by chance."""
        return True


TASKS = {
    "adamax_u": ADAMAX_U,
    "adamax_theta": ADAMAX_THETA,
    "first": FIRST,
    "longest": LONGEST,
    "predicted": Prediction(("adam_short", "adam_long", "amsgrad_short"), least=-1, most=1),
    "ends": ENDS,
    "threshold": THRESHOLD,
    "adamaxw": ADAMAXW,
    "slips": Match(right=lambda n: n["_slips"], options=SLIPS),
    "which": Match(right=lambda n: n["_rules"], options=CURVES),
    "own": Race(),
}
