"""Homework on schedules: rates by hand, a schedule of one's own, a slip, noise floors, clipping, PyTorch."""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import FunctionType

import numpy as np

from .. import clipping, walkthroughs
from ..descent import run
from ..formula import FormulaError
from ..rules import gradient_descent
from ..schedules import ReduceOnPlateau, Schedule, constant, cosine, exponential, step, warm_restarts, warmup
from .tasks import Call, Function, Match, Mistake, Prediction, Search, Value, call

SLIP = "schedule-plateau"  # the worked example of the notes whose slip is to be found
EPOCHS = 14  # of the plateau that is worked by hand
STEPS, LAST = 300, 50  # of the runs with noise, and the steps at their end over which losses are averaged
CURVE_STEPS, RUNS = 400, 200
# Three gradients whose norm is a whole number.
WHOLE = [(3, 4, 12), (2, 3, 6), (1, 4, 8), (2, 6, 9), (4, 4, 7), (2, 10, 11)]


def numbers(rng: np.random.Generator) -> dict:
    """Draw the given numbers."""
    example = walkthroughs.get(SLIP)
    warm, down = int(rng.choice([4, 5, 8, 10])), int(rng.choice([12, 24, 36]))
    g = rng.permutation(WHOLE[rng.integers(len(WHOLE))]) * rng.choice([-1, 1], 3)
    g = np.where(g == g.max(), -g, g)  # at least one is negative
    small, large = min(abs(g)), max(abs(g))
    epochs, batches = int(rng.choice([20, 30, 50])), int(rng.choice([40, 60, 125]))
    curves, order = _curves(rng)
    drawn = {
        "lr": float(rng.choice([0.2, 0.4, 0.8])),
        "start": float(rng.choice([0.1, 0.2, 0.25])),
        "warm": warm,
        "down": down,
        "lr_min": float(rng.choice([0.01, 0.02])),
        "t": [int(rng.integers(2, warm)), warm + 1 + down // 3, warm + 1 + 2 * down // 3, warm + down],
        "notes_patience": int(example.givens["patience"]),
        "printed_epochs": [v.row.removeprefix("epochs ").removeprefix("epoch ") for v in example.values],
        "printed_rates": [v.printed for v in example.values],
        "other_patience": int(rng.choice([2, 3, 4, 6, 7, 8])),
        "losses": _plateau_losses(rng),
        "patience": int(rng.choice([1, 2])),
        "first_rate": float(rng.choice([0.4, 0.8, 1.6])),
        "factor": float(rng.choice([0.1, 0.5])),
        "lr_noise": float(rng.choice([0.3, 0.4, 0.5])),
        "w0": float(rng.choice([10, 15, 20])),
        "noise": np.round(rng.normal(size=STEPS), 2),
        "g_weights": [float(x) for x in g[:2]],
        "g_bias": [float(g[2])],
        "limit": float(rng.integers(small + 1, large)),
        "lr_full": float(rng.choice([0.1, 0.2, 0.5])),
        "lr_first": float(rng.choice([0.01, 0.02, 0.05])),
        "epochs": epochs,
        "warm_epochs": int(rng.choice([2, 3, 5])),
        "batches": batches,
        "curves": curves,
        "_schedules": order,
    }
    while not _telling(drawn):
        drawn["losses"] = _plateau_losses(rng)
    return drawn | {
        "_curvature": float(10 ** rng.uniform(-1, 1.3)),
        "_spread": float(rng.integers(10, 31)),
        "_noise": float(rng.uniform(0.03, 0.15)),
    }


# Rates by hand --------------------------------------------------------------------------------


def _rates(n: Mapping, shift: int = 0, **other) -> list[float]:
    """Return the rates of the steps asked for, `shift` steps later, with other numbers."""
    given = {name: n[name] for name in ("lr", "start", "warm", "down", "lr_min")} | other
    decay = cosine.using(lr=given["lr"], steps=given["down"], lr_min=given["lr_min"])
    schedule = warmup(decay, given["warm"], given["start"])
    return [float(rate) for rate in schedule(np.maximum(np.array(n["t"]) + shift, 1))]


def _other_ramp(n: Mapping, share) -> list[float]:
    return [n["lr"] * share(n["t"][0]), *_rates(n)[1:]]


def _other_decay(n: Mapping, share) -> list[float]:
    """Return the rates with another decay: `share` of the way down is left after so much of it."""
    gone = (np.array(n["t"][1:]) - n["warm"] - 1) / n["down"]
    later = [n["lr_min"] + (n["lr"] - n["lr_min"]) * share(x) for x in gone]
    return [_rates(n)[0], *map(float, later)]


RATES = Value(
    right=_rates,
    mistakes=[
        Mistake(lambda n: _rates(n, shift=1), "Each is the rate of the step after. Steps count from 1."),
        Mistake(lambda n: _rates(n, shift=-1), "Each is the rate of the step before. Steps count from 1."),
        Mistake(
            lambda n: _other_ramp(n, lambda t: t / n["warm"]),
            "The warm-up is lr · t / warm here. This one starts at start · lr, and rises by equal amounts.",
        ),
        Mistake(
            lambda n: _other_ramp(n, lambda t: n["start"] + (1 - n["start"]) * (t - 1) / (n["warm"] - 1)),
            "The warm-up reaches the full rate one step too early: step warm + 1 is the first that has it.",
        ),
        Mistake(
            lambda n: _rates(n, start=0.0),
            "The warm-up starts at 0 here. It starts at start · lr.",
        ),
        Mistake(
            lambda n: [_rates(n)[0], *(float(cosine.using(**_decay(n))(t)) for t in n["t"][1:])],
            "The cosine counts the steps of the warm-up, too. It starts afresh after them.",
        ),
        Mistake(lambda n: _rates(n, lr_min=0.0), "The cosine ends at 0 here, not at lr_min."),
        Mistake(
            lambda n: [_rates(n)[0], *(r + n["lr_min"] for r in _rates(n, lr_min=0.0)[1:])],
            "lr_min is added on top: the cosine has to fall from lr to lr_min, by lr − lr_min in all.",
        ),
        Mistake(
            lambda n: _other_decay(n, lambda x: 1 - x),
            "The decay is a straight line here. A cosine is slower at both ends.",
        ),
        Mistake(
            lambda n: _other_decay(n, lambda x: math.cos(math.pi * x / 2)),
            "This is a quarter of a wave. The decay is half of one, (1 + cos(π x))/2.",
        ),
        Mistake(
            lambda n: _other_decay(n, lambda x: (1 + math.cos(math.radians(math.pi * x))) / 2),
            "The cosine was taken of degrees. π stands for half a turn in radians.",
        ),
    ],
    hint="To which part of the schedule does each step belong, and how many steps of it lie before?",
)


def _decay(n: Mapping) -> dict[str, float]:
    return {"lr": n["lr"], "steps": n["down"], "lr_min": n["lr_min"]}


# A schedule of one's own ----------------------------------------------------------------------


def _as_schedule(function: FunctionType) -> FunctionType:
    """Return a function that `Schedule` takes."""
    Schedule(function)
    return function


@dataclass(frozen=True)
class ScheduleFunction(Function):
    """A function that `Schedule` takes, and that gives what the right one gives."""

    def problem(self, answer, n: Mapping) -> str | None:
        """Return what is wrong with an answer, or None."""
        if isinstance(answer, Schedule) or getattr(answer, "kind", None) == "Schedule":
            return "this is a Schedule already; leave out `@Schedule`: the next cell makes it one"
        # The grader's stand-in for a function knows how to become one.
        remade = hasattr(answer, "made_into")
        if remade or isinstance(answer, FunctionType):
            try:
                answer = answer.made_into(_as_schedule) if remade else _as_schedule(answer)
            except FormulaError as error:
                if "nothing is returned" in str(error):
                    return "nothing here yet: the function returns nothing"
                where = re.sub(r"^.*?, (?=line \d)", "In ", str(error), flags=re.DOTALL)
                return f"this is no schedule. {where}"
        return super().problem(answer, n)


def _parts(t, warm: float, down: float, steps: float):
    t = np.asarray(t, float)
    return t / warm, (steps + 1 - t) / down


def _trapezoid(t, *, lr=0.1, warm=10, down=30, steps=100):
    rise, fall = _parts(t, warm, down, steps)
    return lr * np.maximum(np.minimum(np.minimum(rise, 1), fall), 0)


def _variant(value):
    """Return a wrong trapezoid: `value` of the step, the rising part, the falling part and the rest."""

    def wrong(t, *, lr=0.1, warm=10, down=30, steps=100):
        rise, fall = _parts(t, warm, down, steps)
        return value(np.asarray(t, float), rise, fall, lr, warm, down, steps)

    return wrong


def _clip(share):
    return np.clip(share, 0, 1)


def _trapezoid_calls(n: Mapping) -> list[Call]:
    given = {"lr": n["lr"], "warm": 4, "down": 5, "steps": 20}
    return [
        call(1.0, **given),
        call(4.0, **given),
        call(10.0, **given),
        call(20.0, **given),
        call(np.arange(1.0, 24.0), **given),
        call(25.0, **given),
        call(np.arange(1.0, 11.0), lr=1.0, warm=8, down=6, steps=10),
    ]


TRAPEZOID = ScheduleFunction(
    right=_trapezoid,
    calls=_trapezoid_calls,
    mistakes=[
        Mistake(
            _variant(lambda t, rise, fall, lr, *_: lr * np.minimum(np.minimum(rise, 1), fall)),
            "After the last step the rate becomes negative. It has to stay at 0.",
        ),
        Mistake(
            _variant(lambda t, rise, fall, lr, warm, *_: lr * _clip(np.minimum((t - 1) / warm, fall))),
            "The warm-up starts at 0: step 1 is trained with nothing. Its rate is lr / warm.",
        ),
        Mistake(
            _variant(
                lambda t, rise, fall, lr, warm, down, steps: lr * _clip(np.minimum(rise, (steps - t) / down))
            ),
            "The last step has the rate 0 here. It still has lr / down; the step after it has 0.",
        ),
        Mistake(
            _variant(
                lambda t, rise, fall, lr, warm, down, steps: (
                    lr * _clip(np.minimum((t - 1) / warm, (steps - t) / down))
                )
            ),
            "Here t counts from 0. In a schedule the first step is t = 1.",
        ),
        Mistake(
            _variant(lambda t, rise, fall, lr, *_: lr * _clip(fall)),
            "There is no warm-up here.",
        ),
        Mistake(
            _variant(lambda t, rise, fall, lr, *_: lr * _clip(rise)),
            "The rate never falls here.",
        ),
        Mistake(
            _variant(lambda t, rise, fall, lr, *_: _clip(np.minimum(rise, fall))),
            "This is the share of the full rate. Multiply it by lr.",
        ),
        Mistake(
            _variant(lambda t, rise, fall, lr, *_: lr * _clip(rise) * _clip(fall)),
            "Where warm-up and decay overlap, this multiplies the two shares. The smaller one holds.",
        ),
        Mistake(
            _variant(lambda t, rise, fall, lr, *_: lr * np.maximum(np.minimum(rise, fall), 0)),
            "The rate rises above lr: between the two slopes it stays at lr.",
        ),
        Mistake(
            _variant(
                lambda t, rise, fall, lr, warm, down, steps: (
                    lr * _clip(np.minimum(rise, 1 - (t - warm) / (steps - warm)))
                )
            ),
            "The decay begins right after the warm-up. Only the last `down` steps fall.",
        ),
    ],
)


# The slip of the notes ------------------------------------------------------------------------


def _dead_losses(improving: int, epochs: int) -> list[float]:
    """Return losses that fall for so many epochs and then stay."""
    return [1.0 / min(epoch, improving) for epoch in range(1, epochs + 1)]


def _first_epoch(n: Mapping, patience: int, share: float) -> int:
    """Return the first epoch, from 0, whose rate is at most this share of the first."""
    improving = int(walkthroughs.get(SLIP).givens["improving"])
    plateau = ReduceOnPlateau(1.0, factor=0.5, patience=patience)
    return int(np.argmax(plateau.rates(_dead_losses(improving, 100)) <= share))


def _slip(n: Mapping, **other: float) -> dict[str, float]:
    given = walkthroughs.get(SLIP).givens
    right = _first_epoch(n, n["notes_patience"], 0.5)
    return {
        "epoch": right - 1,
        "rate": float(given["lr"]),
        "quarter": _first_epoch(n, n["other_patience"], 0.25),
    } | other


SLIP_FOUND = Value(
    right=_slip,
    mistakes=[
        Mistake(
            lambda n: _slip(n, epoch=_slip(n)["epoch"] + 1),
            "One epoch too late: the epoch after the slip is printed right.",
        ),
        Mistake(
            lambda n: _slip(n, epoch=_slip(n)["epoch"] - 1),
            "One epoch too early. Epochs count from 0 here.",
        ),
        Mistake(
            lambda n: _slip(n, rate=0.5 * _slip(n)["rate"]),
            "The rate that you give is the printed one.",
        ),
        Mistake(
            lambda n: _slip(n, quarter=_slip(n)["quarter"] - 1),
            "The second reduction is one epoch too early: a loss is known only after its epoch was trained.",
        ),
        Mistake(
            lambda n: _slip(n, quarter=_slip(n)["quarter"] - 2),
            "A patience of p forgives p epochs. It is the one after them that reduces the rate, both times.",
        ),
        Mistake(
            lambda n: _slip(n, quarter=_first_epoch(n, n["other_patience"], 0.5)),
            "That is where the rate is halved for the first time. Asked is a quarter.",
        ),
        Mistake(
            lambda n: _slip(n, quarter=_first_epoch(n, n["other_patience"], 0.5) + 1),
            "After a reduction the count of bad epochs starts again from 0.",
        ),
        Mistake(
            lambda n: _slip(n, quarter=_first_epoch(n, n["notes_patience"], 0.25)),
            "That is with the patience of the notes. The last question has another.",
        ),
    ],
    hint="Write down for each epoch: its rate, whether its loss was better than the best so far, and the "
    "count of bad epochs after it.",
)


def _plateau_losses(rng: np.random.Generator) -> list[float]:
    best, losses = 6.0, [6.0]
    for _ in range(EPOCHS - 1):
        what = rng.choice(["better", "worse", "same"], p=[0.3, 0.5, 0.2])
        if what == "better":
            best = round(best - float(rng.integers(2, 9)) / 10, 1)
        worse = float(rng.integers(1, 8)) / 10 if what == "worse" else 0.0
        losses.append(round(best + worse, 1))
    return losses


def _plateau(n: Mapping, **other) -> list[float]:
    """Return the rate of each epoch."""
    given = {"factor": n["factor"], "patience": n["patience"]} | other
    return ReduceOnPlateau(n["first_rate"], **given).rates(n["losses"]).tolist()


def _wrong_plateau(n: Mapping, *, last=False, ties=False, keep=False, now=False, total=False) -> list[float]:
    """Return the rates under wrong ways to count, by name."""
    rate, best, bad, rates = n["first_rate"], math.inf, 0, []
    for loss in n["losses"]:
        before = rate
        good = loss <= best if ties else loss < best
        if good:
            best, bad = loss, bad if total else 0
        else:
            bad += 1
        if last:
            best = loss
        if bad > n["patience"]:
            rate *= n["factor"]
            bad = bad if keep else 0
        rates.append(rate if now else before)
    return rates


def _telling(n: Mapping) -> bool:
    """Return whether every way to count gives other rates, so that the hint names the right one."""
    rates = [tuple(np.round(way(n), 9)) for way in (PLATEAU.right, *(m.value for m in PLATEAU.mistakes))]
    return len(set(rates)) == len(rates)


PLATEAU = Value(
    right=_plateau,
    mistakes=[
        Mistake(
            lambda n: _plateau(n, patience=n["patience"] - 1),
            "Impatient: a patience of p forgives p bad epochs in a row, and the next one reduces the rate.",
        ),
        Mistake(
            lambda n: _plateau(n, patience=n["patience"] + 1),
            "Too patient by one: after p bad epochs in a row the next one reduces the rate.",
        ),
        Mistake(
            lambda n: _wrong_plateau(n, now=True),
            "The rate falls an epoch too early: the loss of an epoch decides the rate of the next.",
        ),
        Mistake(
            lambda n: _wrong_plateau(n, last=True),
            "Each loss is compared with the one before. It has to be better than the best so far.",
        ),
        Mistake(
            lambda n: _wrong_plateau(n, ties=True),
            "A loss equal to the best so far is not better: such an epoch is bad.",
        ),
        Mistake(
            lambda n: _wrong_plateau(n, keep=True),
            "After a reduction the count of bad epochs starts again from 0.",
        ),
        Mistake(
            lambda n: _wrong_plateau(n, total=True),
            "A better loss sets the count of bad epochs back to 0: they have to come in a row.",
        ),
        Mistake(
            lambda n: [n["first_rate"]] * EPOCHS,
            "The rate never falls here.",
        ),
    ],
    hint="Write down for each epoch: its rate, whether its loss was better than the best so far, and the "
    "count of bad epochs after it.",
)


# Noise floors ---------------------------------------------------------------------------------


@functools.lru_cache(maxsize=64)
def _losses(noise: bytes, w0: float, kind: str, lr: float) -> np.ndarray:
    """Return the losses on the bowl under this noise."""
    g = np.frombuffer(noise)
    rate = cosine.using(lr=lr, steps=STEPS) if kind == "cosine" else lr
    path = run(gradient_descent, lambda w, t: w + g[int(t) - 1], start=[w0], steps=STEPS, lr=rate)
    return path["w"][:, 0] ** 2 / 2


def _floors(n: Mapping, measure=None, small: float = 0.01) -> dict[str, float]:
    """Return the losses in the end, compared with that at the constant full rate."""
    measure = measure or (lambda losses: losses[-LAST:].mean())
    of = functools.partial(_losses, n["noise"].tobytes(), n["w0"])
    full = measure(of("constant", n["lr_noise"]))
    return {
        "small": float(measure(of("constant", small * n["lr_noise"])) / full),
        "cosine": float(measure(of("cosine", n["lr_noise"])) / full),
    }


MEASURED = Value(
    right=_floors,
    mistakes=[
        Mistake(
            lambda n: _floors(n, measure=lambda losses: losses[-1]),
            f"This compares the last losses alone, which are chance. Take the mean of the last {LAST}.",
        ),
        Mistake(
            lambda n: _floors(n, measure=np.mean),
            f"This takes in the whole run, with its start. Take the mean of the last {LAST} losses.",
        ),
        Mistake(
            lambda n: {key: 1 / value for key, value in _floors(n).items()},
            "These ratios are upside down: divide by the loss at the full rate.",
        ),
        Mistake(
            lambda n: dict(zip(("small", "cosine"), list(_floors(n).values())[::-1], strict=True)),
            "The two are swapped.",
        ),
        Mistake(
            lambda n: _floors(n, measure=lambda losses: np.sqrt(2 * losses[-LAST:]).mean()),
            "This compares distances |w|. Asked are losses, w²/2.",
        ),
        Mistake(
            lambda n: _floors(n, small=0.1),
            "The small rate is a tenth here. It is a hundredth of the full one.",
        ),
    ],
    hint=f"Three runs on the same noise; of each the mean of w²/2 over the last {LAST} weights; then divide.",
    digits=3,
)


# Clipping -------------------------------------------------------------------------------------


def _gradients(n: Mapping) -> np.ndarray:
    return np.array([*n["g_weights"], *n["g_bias"]])


def _clipped(n: Mapping, norm=None, value=None) -> dict[str, list[float]]:
    g = _gradients(n)
    by_norm = clipping.by_norm(g, n["limit"]) if norm is None else norm
    by_value = clipping.by_value(g, n["limit"]) if value is None else value
    return {"by_norm": [float(x) for x in by_norm], "by_value": [float(x) for x in by_value]}


def _separately(n: Mapping) -> np.ndarray:
    parts = (np.array(n["g_weights"]), np.array(n["g_bias"]))
    return np.concatenate([clipping.by_norm(part, n["limit"]) for part in parts])


CLIPPED = Value(
    right=_clipped,
    mistakes=[
        Mistake(
            lambda n: _clipped(n, norm=_separately(n)),
            "Each array is clipped by a norm of its own. The norm is that of all gradients together.",
        ),
        Mistake(
            lambda n: _clipped(n, norm=_gradients(n) * n["limit"] / np.sum(_gradients(n) ** 2)),
            "This divides by the square of the norm; the root is missing.",
        ),
        Mistake(
            lambda n: _clipped(n, norm=_gradients(n) * n["limit"] / np.abs(_gradients(n)).sum()),
            "This divides by the sum of the absolute values. The norm is the root of the sum of squares.",
        ),
        Mistake(
            lambda n: _clipped(n, norm=_gradients(n) * n["limit"] / np.abs(_gradients(n)).max()),
            "This divides by the largest gradient. The norm is the root of the sum of squares.",
        ),
        Mistake(
            lambda n: _clipped(n, norm=_gradients(n) / math.hypot(*_gradients(n))),
            "This scales the norm to 1. It has to become `limit`.",
        ),
        Mistake(
            lambda n: _clipped(n, value=np.minimum(_gradients(n), n["limit"])),
            "By value, this cuts large positive gradients only. Negative ones are cut at −limit.",
        ),
        Mistake(
            lambda n: _clipped(n, value=np.minimum(np.abs(_gradients(n)), n["limit"])),
            "By value, the signs are lost.",
        ),
        Mistake(
            lambda n: _clipped(n, value=np.sign(_gradients(n)) * n["limit"]),
            "By value, a gradient within the limits stays as it is.",
        ),
        Mistake(
            lambda n: _clipped(n, _clipped(n)["by_value"], _clipped(n)["by_norm"]),
            "The two are swapped.",
        ),
    ],
    hint="By norm, all three are multiplied by one factor. By value, each is cut for itself.",
)


def _turned(n: Mapping, clipped=None) -> float:
    """Return the angle between the gradient and the clipped one, in degrees."""
    g, c = _gradients(n), np.array(_clipped(n)["by_value"] if clipped is None else clipped)
    return math.degrees(math.acos(min(1.0, float(g @ c) / math.hypot(*g) / math.hypot(*c))))


TURNED = Value(
    right=_turned,
    mistakes=[
        Mistake(
            lambda n: 0.0,
            "No turn: that is clipping by norm. By value, large gradients are cut and small ones stay.",
        ),
        Mistake(lambda n: math.radians(_turned(n)), "This is in radians. Asked are degrees."),
        Mistake(
            lambda n: math.cos(math.radians(_turned(n))),
            "This is the cosine of the angle.",
        ),
        Mistake(
            lambda n: _turned(n, _separately(n)),
            "This is the angle for clipping each array by its own norm.",
        ),
        Mistake(
            lambda n: _turned(n, np.sign(_gradients(n))),
            "This is the angle when every gradient is cut to the limit. One that is smaller stays.",
        ),
    ],
    hint="The cosine of the angle is a · b / (|a| |b|).",
    digits=3,
)


# Curves ---------------------------------------------------------------------------------------

SCHEDULES = {
    "constant": "At a constant rate the loss comes down to its noise floor and stays there.",
    "step decay": "Step decay rests on a floor, falls quickly from there, and rests on a lower one.",
    "cosine": "Under a cosine the loss leaves its floor gradually, and rests on no other before the end.",
    "too early": "When the rate falls too early, the loss stops high above the floor of a constant rate.",
    "warm restarts": "At each warm restart the loss jumps up, back to the floor of the full rate.",
}


def _curves(rng: np.random.Generator) -> tuple[dict[str, list[float]], dict[str, str]]:
    """Return four curves by letter, and which schedule each has."""
    lr, start = float(rng.uniform(0.25, 0.35)), float(rng.uniform(8, 12))
    rates = {
        "constant": constant.using(lr=lr),
        "step decay": step.using(lr=lr, every=int(rng.integers(140, 201))),
        "cosine": cosine.using(lr=lr, steps=CURVE_STEPS),
        "too early": exponential.using(lr=lr, gamma=float(rng.uniform(0.76, 0.8))),
        "warm restarts": warm_restarts.using(lr=lr, period=int(rng.choice([80, 100]))),
    }
    order = dict(zip("ABCD", rng.permutation(list(SCHEDULES))[:4].tolist(), strict=True))
    curves = {}
    for letter, name in order.items():
        noise = rng.normal(size=(CURVE_STEPS, 1, RUNS))
        path = run(
            gradient_descent,
            lambda w, t, noise=noise: w + noise[int(t) - 1],
            start=np.full((1, RUNS), start),
            steps=CURVE_STEPS,
            lr=rates[name],
        )
        losses = (path["w"][:, 0] ** 2 / 2).mean(axis=1)
        curves[letter] = [float(f"{loss:.3g}") for loss in losses]
    return curves, order


# The twin in PyTorch --------------------------------------------------------------------------


def _twin(n: Mapping, **other: float) -> dict[str, float]:
    warm = n["warm_epochs"] * n["batches"]
    return {
        "start_factor": n["lr_first"] / n["lr_full"],
        "total_iters": warm,
        "T_max": n["epochs"] * n["batches"] - warm,
        "milestone": warm,
    } | other


TWIN = Value(
    right=_twin,
    mistakes=[
        Mistake(
            lambda n: _twin(
                n,
                total_iters=n["warm_epochs"],
                T_max=n["epochs"] - n["warm_epochs"],
                milestone=n["warm_epochs"],
            ),
            "These count epochs. The scheduler makes a step after every batch.",
        ),
        Mistake(
            lambda n: _twin(n, start_factor=n["lr_first"]),
            "`start_factor` is a share of the optimizer's rate, not a rate.",
        ),
        Mistake(
            lambda n: _twin(n, start_factor=n["lr_full"] / n["lr_first"]),
            "`start_factor` is upside down: the first rate is smaller than the full one.",
        ),
        Mistake(
            lambda n: _twin(n, T_max=n["epochs"] * n["batches"]),
            "With this `T_max` the decay is cut off: it has only the steps that the warm-up leaves.",
        ),
        Mistake(
            lambda n: _twin(n, milestone=n["warm_epochs"]),
            "The milestone counts steps of the scheduler, that is batches.",
        ),
        Mistake(
            lambda n: _twin(n, milestone=_twin(n)["milestone"] + 1),
            "PyTorch counts from 0: the milestone is the number of steps before the change.",
        ),
        Mistake(
            lambda n: _twin(n, total_iters=_twin(n)["total_iters"] - 1),
            "`total_iters` is the number of steps that the warm-up takes, all of them.",
        ),
    ],
    hint="How many steps does the scheduler make in the warm-up, and how many after it?",
    digits=6,
)

# A search -------------------------------------------------------------------------------------


def _left(curvature: float, spread: float, noise: float, lr, half) -> np.ndarray:
    """Return the mean loss after the last step under an exponential schedule, by the loss at the start.

    Both weights of the bowl start at 1; their curvatures are `curvature` and a `spread`-th of it. The
    gradient has noise of standard deviation `noise` times `curvature`, so that a weight's mean is multiplied
    by q = 1 − rate·c at a step, and its variance V becomes q² V + rate² · variance of the noise.
    """
    lr, half = np.broadcast_arrays(np.asarray(lr, float), np.asarray(half, float))
    curvatures = np.array([curvature, curvature / spread]).reshape(2, *[1] * lr.ndim)
    mean, variance = np.ones(1), np.zeros(1)
    with np.errstate(all="ignore"):  # what diverges becomes infinite
        for t in range(STEPS):
            rate = lr * 0.5 ** (t / half)
            mean = (1 - rate * curvatures) * mean
            variance = (1 - rate * curvatures) ** 2 * variance + (rate * noise * curvature) ** 2
        left = (curvatures * (mean**2 + variance)).sum(axis=0) / curvatures.sum()
    return np.where(np.isfinite(left), left, math.inf)


def _bowl(n: Mapping) -> tuple[float, float, float]:
    return n["_curvature"], n["_spread"], n["_noise"]


def _objective(n: Mapping):
    def loss(lr: float, half: float) -> float:
        if not (0 <= lr < math.inf and half > 0):
            raise ValueError(f"got lr={lr}, half={half}; expected lr at least 0 and half above 0")
        return float(_left(*_bowl(n), lr, half))

    return loss


@functools.cache
def _least(*bowl: float) -> tuple[float, float]:
    """Return the least loss that a thorough search finds, and the best constant rate."""
    rates, halves = np.geomspace(0.01, 2.2, 60) / bowl[0], np.append(np.geomspace(10, 1000, 25), math.inf)
    found = _left(*bowl, rates[:, None], halves)
    return float(found.min()), float(rates[found[:, -1].argmin()])


TUNE = Search(
    settings=("lr", "half"),
    objective=_objective,
    budget=30,
    good=lambda n: 1.5 * _least(*_bowl(n))[0],
    unit="of the loss at the start",
    mistakes=[
        Mistake(lambda n: (0.1, 100.0), "A rate of 0.1 is often recommended. It knows nothing of this bowl."),
        Mistake(lambda n: (0.1, 30.0), "A rate of 0.1 is often recommended. It knows nothing of this bowl."),
        Mistake(lambda n: (0.01, 100.0), "This rate is a usual default. It knows nothing of this bowl."),
        Mistake(lambda n: (1.0, 100.0), "A rate of 1 knows nothing of the curvatures of this bowl."),
        Mistake(
            lambda n: (_least(*_bowl(n))[1], 1e9),
            "This is the best constant rate. Its noise floor stays: begin with more, and let it fall.",
        ),
    ],
    hint="Fix `half` at some 50 steps, spread rates over the powers of ten, look closer around the best, "
    "then try other `half` there.",
)


TASKS = {
    "rates": RATES,
    "trapezoid": TRAPEZOID,
    "slip": SLIP_FOUND,
    "plateau": PLATEAU,
    "predicted": Prediction(("small", "cosine")),
    "measured": MEASURED,
    "tune": TUNE,
    "clipped": CLIPPED,
    "turned": TURNED,
    "schedules": Match(right=lambda n: n["_schedules"], options=SCHEDULES),
    "twin": TWIN,
}
