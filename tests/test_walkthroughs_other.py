"""The worked examples on adaptive rates, variants, practice and schedules: all there, judged, recomputed."""

from __future__ import annotations

import math

import pytest

from optimlab.walkthroughs import get, load

# Every example of these chapters, and how many figures the notes print for it.
PRINTED = {
    "adaptive": {
        "four-points-adagrad-batch1": 44,
        "four-points-rmsprop-batch1": 48,
        "averaging-before-squaring": 11,
        "minibatch2-adagrad": 13,
        "averaging-before-squaring-2": 7,
        "rmsprop-constant-gradient": 11,
        "rmsprop-spike": 4,
        "rmsprop-two-parameters": 9,
        "rmsprop-constants-004": 1,
    },
    "variants": {"adamw-step1-gradient": 1},
    "practice": {"four-points-scoreboard": 27, "optimizer-memory": 7, "linear-scaling-example": 1},
    "schedules": {
        "schedule-step-decay": 4,
        "schedule-cosine": 2,
        "schedule-plateau": 4,
        "schedule-warmup-cosine": 2,
        "linear-warmup-pytorch": 2,
        "step-decay": 3,
    },
}
# Counted by hand: agrees, near, wrong.
COUNTS = {"adaptive": (99, 21, 28), "variants": (1, 0, 0), "practice": (27, 4, 4), "schedules": (16, 0, 1)}
# The figures at which an error starts and is not put down to rounding.
SLIPS = {
    ("four-points-adagrad-batch1", "point 4", "w"),
    ("four-points-rmsprop-batch1", "point 2", "w"),
    ("minibatch2-adagrad", "batch 2", "g"),
    ("schedule-plateau", "epoch 16", "lr"),
}
POINTS = [(2, 10), (1, 5), (3, 15), (0.5, 2.5)]


def computed(identity: str) -> dict[tuple[str, str], list[float]]:
    """Return the computed values of an example by row and name, in order."""
    found: dict[tuple[str, str], list[float]] = {}
    for value in get(identity).values:
        found.setdefault((value.row, value.name), []).append(value.computed)
    return found


def close(x: float) -> object:
    return pytest.approx(x, rel=1e-12)


@pytest.mark.parametrize("chapter", PRINTED)
def test_all_examples_are_here_with_every_printed_figure(chapter):
    here = {e.id: e for e in load().values() if e.file.endswith(f"{chapter}.yaml")}
    assert {identity: len(example.values) for identity, example in here.items()} == PRINTED[chapter]
    assert {example.chapter for example in here.values()} == {chapter}


@pytest.mark.parametrize("identity", [identity for examples in PRINTED.values() for identity in examples])
def test_every_stated_verdict_and_reason_holds(identity):
    assert get(identity).problems == []


@pytest.mark.parametrize("chapter", PRINTED)
def test_the_verdicts_are_those_counted_by_hand(chapter):
    counts = [get(identity).counts for identity in PRINTED[chapter]]
    assert tuple(sum(c[name] for c in counts) for name in ("agrees", "near", "wrong")) == COUNTS[chapter]
    assert sum(COUNTS[chapter]) == sum(PRINTED[chapter].values())


def test_every_wrong_figure_is_a_slip_found_by_hand_or_carries_one_on():
    values = [v for examples in PRINTED.values() for identity in examples for v in get(identity).values]
    wrong = {(v.walkthrough, v.row, v.name): v.why for v in values if v.verdict == "wrong"}
    assert {key for key, why in wrong.items() if not why.startswith("Carries on from")} == SLIPS - {
        ("four-points-adagrad-batch1", "point 4", "w")  # rounded up, but within a unit
    }


def test_adagrad_on_the_four_points_is_what_a_plain_loop_gives():
    values, w, total = computed("four-points-adagrad-batch1"), 3.0, 0.0
    for number, (x, y) in enumerate(POINTS, start=1):
        g = 2 * (w * x - y) * x
        total += g * g
        row = f"point {number}"
        assert values[row, "gradient"] == [close(g)]
        assert values[row, "G"] == [close(total)]
        assert values[row, "effective lr"] == [close(0.1 / math.sqrt(total))]
        assert values[row, "step"] == [pytest.approx(-0.1 / math.sqrt(total) * g, rel=1e-11)]
        w -= 0.1 / math.sqrt(total) * g
        assert values[row, "w"] == [close(w)]


def test_rmsprop_on_the_four_points_is_what_a_plain_loop_gives():
    values, w, average = computed("four-points-rmsprop-batch1"), 3.0, 0.0
    for number, (x, y) in enumerate(POINTS, start=1):
        row = f"point {number}"
        assert values[row, "prediction"] == [close(w * x)]
        g = 2 * (w * x - y) * x
        average = 0.9 * average + 0.1 * g * g
        assert values[row, "gradient"] == [close(g)]
        assert values[row, "E"] == [close(average)]
        w -= 0.1 / math.sqrt(average) * g
        assert values[row, "w"] == [close(w)]


def test_adagrad_with_batches_of_two_is_what_a_plain_loop_gives():
    values, w, total = computed("minibatch2-adagrad"), 3.0, 0.0
    for number in (1, 2):
        g = sum(2 * (w * x - y) * x for x, y in POINTS[2 * number - 2 : 2 * number]) / 2
        total += g * g
        w -= 0.1 / math.sqrt(total) * g
        assert values[f"batch {number}", "g"] == [close(g)]
        assert values[f"batch {number}", "G"] == [close(total)]
        assert values[f"batch {number}", "w"] == [close(w)]
    assert values["batch 2", "g"] == [close(-17.575)]


def test_the_sum_of_squares_and_the_square_of_the_mean_are_those_of_16_4_36_and_1():
    values = computed("averaging-before-squaring")
    assert values["square then sum", "G (square then sum)"] == [close(256 + 16 + 1296 + 1)]
    assert values["average then square", "G (average then square)"] == [close((57 / 4) ** 2)]
    assert values["ratio", "ratio"] == [close(1569 / (57 / 4) ** 2)]


def test_the_average_of_squares_is_what_a_plain_loop_gives():
    s = 0.0
    for step, g in enumerate([-2, -2, -2], start=1):
        s = 0.9 * s + 0.1 * g * g
        assert computed("rmsprop-constant-gradient")[f"step {step}", f"s_{step}"] == [close(s)]
    for _ in range(1000):
        s = 0.9 * s + 0.1 * 4
    assert computed("rmsprop-constant-gradient")["limit", "s_inf"] == [close(s)]
    assert computed("rmsprop-spike")["step 2", "s_2"] == [close(0.9 * 10 + 0.1 * 0.01)]


def test_the_scoreboard_is_what_five_plain_loops_give():
    w = dict.fromkeys(("sgd", "mom", "ada", "rms", "adam"), 3.0)
    velocity = total = average = m = v = 0.0
    for t, (x, y) in enumerate(POINTS, start=1):
        g = {name: 2 * (at * x - y) * x for name, at in w.items()}
        w["sgd"] -= 0.1 * g["sgd"]
        velocity = 0.9 * velocity + g["mom"]
        w["mom"] -= 0.1 * velocity
        total += g["ada"] ** 2
        w["ada"] -= 0.1 * g["ada"] / math.sqrt(total)
        average = 0.9 * average + 0.1 * g["rms"] ** 2
        w["rms"] -= 0.1 * g["rms"] / math.sqrt(average)
        m = 0.9 * m + 0.1 * g["adam"]
        v = 0.999 * v + 0.001 * g["adam"] ** 2
        w["adam"] -= 0.1 * (m / (1 - 0.9**t)) / math.sqrt(v / (1 - 0.999**t))
    values = computed("four-points-scoreboard")
    for name, at in w.items():
        assert values[name, "final w"] == [close(at)]
        assert values[name, "distance from 5"] == [close(abs(at - 5))]
    assert values["mom", "v"] == [close(velocity)]
    assert values["ada", "G"] == [close(total)]
    assert values["rms", "E"] == [close(average)]


def test_the_memory_is_two_copies_for_adam_and_one_for_momentum_and_rmsprop():
    values = computed("optimizer-memory")
    names = ("SGD", "momentum", "RMSprop", "Adam")
    assert [values["state", f"extra copies, {name}"] for name in names] == [[0], [1], [1], [2]]
    assert values["100M", "SGD, MB"] == [400]


def rates_of(identity: str) -> list[float]:
    """Return the rate of every epoch, from epoch 0 on: of the example's run, or of its program."""
    example = get(identity)
    runs = [list(run.trace()["rate"][1:]) for run in example.runs.values()]
    return runs[0] if runs else example._results["rate"]


def test_a_rate_said_of_a_range_of_epochs_holds_for_all_of_them():
    for identity in ("schedule-step-decay", "schedule-plateau"):
        rates = rates_of(identity)
        for row, value in computed(identity).items():
            begin, _, end = row[0].split()[1].partition("-")
            assert rates[int(begin) : int(end or begin) + 1] == pytest.approx(
                value * (int(end or begin) - int(begin) + 1), rel=1e-12
            )


def test_step_decay_multiplies_once_per_period():
    rate, values = 0.001, computed("schedule-step-decay")
    for row in ("epochs 0-29", "epochs 30-59", "epochs 60-89", "epochs 90-99"):
        assert values[row, "lr"] == [close(rate)]
        rate *= 0.1


def test_warm_up_and_cosine_follow_the_formula_of_the_notes_at_every_epoch():
    for identity, warmup in (("schedule-cosine", 0), ("schedule-warmup-cosine", 10)):
        wanted = [
            0.001 * (e + 1) / 10
            if e < warmup
            else 1e-6 + (0.001 - 1e-6) * (1 + math.cos(math.pi * (e - warmup) / (100 - warmup))) / 2
            for e in range(101)
        ]
        assert rates_of(identity) == pytest.approx(wanted, rel=1e-12)
    ramp = [0.001 * (0.1 + 0.9 * t / 500) for t in range(501)]
    assert rates_of("linear-warmup-pytorch") == pytest.approx(ramp, rel=1e-12)


def test_the_plateau_lowers_the_rate_after_the_sixth_epoch_without_improvement():
    best, bad, rate, rates = math.inf, 0, 0.001, []
    for epoch in range(18):
        rates.append(rate)
        loss = 1 / min(epoch + 1, 11)
        best, bad = (loss, 0) if loss < best else (best, bad + 1)
        if bad > 5:
            rate, bad = rate / 2, 0
    assert rates[16:] == [0.001, 0.0005]
    assert get("schedule-plateau")._results["rate"] == rates
