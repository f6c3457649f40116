"""The worked examples on RMSprop: all there, without contradiction, and right."""

from __future__ import annotations

from math import sqrt

import pytest

from optimlab.walkthroughs import get

# Counted in the notes: the printed figures of each example.
COUNTS = {
    "rmsprop-why-one-lr-fails": 2,
    "rmsprop-squares": 4,
    "rmsprop-batch1-beta09": 9,
    "rmsprop-three-batches-beta0999": 31,
    "rmsprop-plain-gd-table": 23,
    "rmsprop-ten-batches-table": 58,
    "rmsprop-results-table": 12,
}
# By hand: (near, wrong, unchecked) where not everything agrees.
#   first batch  the root rounded to three digits, and what is made of it
#   boxes        a step from a rounded rate and a corrected average one unit off; 0.9999 for β and the three
#                averages after it; the missing correction of batch 3 and the four figures after it
#   ten batches  seven figures agree: batch 1 and, as no second gradient has come yet, two of batch 2
#   results      one loss that no other place has; one time with nothing to compare it with
HAND = {
    "rmsprop-batch1-beta09": (3, 0, 0),
    "rmsprop-three-batches-beta0999": (2, 4 + 5, 0),
    "rmsprop-ten-batches-table": (0, 58 - 5 - 2, 0),
    "rmsprop-results-table": (0, 1, 1),
}
# Where an error starts.
SLIPS = {
    ("rmsprop-three-batches-beta0999", "batch 2", "beta_s"),
    ("rmsprop-three-batches-beta0999", "batch 3, w1", "sqrt"),
    ("rmsprop-ten-batches-table", "batch 2", "s1"),
    ("rmsprop-results-table", "RMSprop", "ep10_loss"),
}
G1 = [0.002, 0.0018, 0.0021, 0.0019, 0.0020, 0.0022, 0.0018, 0.0019, 0.0021, 0.0020]
G2 = [0.0, 0.0, 2.5, 0.0, 0.0, 0.0, 3.1, 0.0, 0.0, 0.0]


def computed(identity: str) -> dict[tuple[str, str], float]:
    return {(value.row, value.name): value.computed for value in get(identity).values}


def exactly(expected: float):
    return pytest.approx(expected, rel=1e-12, abs=1e-18)


def corrected(gradients: list[float]) -> list[tuple[float, float, float, float]]:
    """Average, corrected average, rate and weight after each batch, with plain floats."""
    w, s, steps = 0.5, 0.0, []
    for t, g in enumerate(gradients, start=1):
        s = 0.999 * s + 0.001 * g * g
        rate = 0.001 / (sqrt(s / (1 - 0.999**t)) + 1e-8)
        w -= rate * g
        steps.append((s, s / (1 - 0.999**t), rate, w))
    return steps


def test_all_139_figures_of_the_7_examples_are_here():
    assert {identity: len(get(identity).values) for identity in COUNTS} == COUNTS
    assert sum(COUNTS.values()) == 139


@pytest.mark.parametrize("identity", COUNTS)
def test_the_data_contradict_no_computation(identity):
    assert get(identity).problems == []


@pytest.mark.parametrize("identity", COUNTS)
def test_the_verdicts_are_those_counted_by_hand(identity):
    near, wrong, unchecked = HAND.get(identity, (0, 0, 0))
    agrees = COUNTS[identity] - near - wrong - unchecked
    assert get(identity).counts == {"agrees": agrees, "near": near, "wrong": wrong, "unchecked": unchecked}


def test_every_slip_says_why_and_every_other_wrong_figure_says_what_it_carries_on():
    for identity in COUNTS:
        for value in get(identity).values:
            if value.verdict == "wrong":
                starts = (identity, value.row, value.name) in SLIPS
                assert value.why.startswith(("Carries on from", "Makes the same slip as")) != starts


def test_the_first_batch_is_what_plain_arithmetic_gives():
    values = computed("rmsprop-batch1-beta09")
    root = sqrt(0.1 * 0.002**2)
    assert values["w1 effective lr", "sqrt_s"] == exactly(root)
    assert values["w1 effective lr", "eff_lr"] == exactly(0.1 / (root + 1e-8))
    assert values["w1 update", "w"] == exactly(0.5 - 0.1 / (root + 1e-8) * 0.002)
    assert values["w2", "eff_lr"] == exactly(0.1 / 1e-8)
    assert values["w2", "w"] == 0.5


def test_the_three_boxes_are_what_a_plain_loop_gives():
    values = computed("rmsprop-three-batches-beta0999")
    first, second = corrected(G1[:3]), corrected(G2[:3])
    for t, row in ((1, "batch 1"), (2, "batch 2")):
        s, s_hat, rate, w = first[t - 1]
        assert values[row, "s1"] == exactly(s)
        assert values[row, "s1_hat"] == exactly(s_hat)
        assert values[row, "sqrt"] == exactly(sqrt(s_hat))
        assert values[row, "eff_lr"] == exactly(rate)
        assert values[row, "w1"] == exactly(w)
    assert values["batch 2", "beta_s"] == exactly(0.999 * first[0][0])
    assert values["batch 3, s", "beta_s"] == exactly(0.999 * first[1][0])
    assert values["batch 3, s", "s1"] == exactly(first[2][0])
    assert values["batch 3, s", "s2_hat"] == exactly(second[2][1])
    assert values["batch 3, w1", "sqrt"] == exactly(sqrt(first[2][1]))
    assert values["batch 3, w1", "w1"] == exactly(first[2][3])
    assert values["batch 3, w2", "step"] == exactly(second[2][2] * 2.5)
    assert values["batch 3, w2", "w2"] == exactly(second[2][3])
    assert values["key observation", "eff1"] == exactly(first[2][2])
    assert values["key observation", "eff2"] == exactly(second[2][2])


def test_ten_batches_are_what_plain_loops_give():
    values, plain = computed("rmsprop-ten-batches-table"), computed("rmsprop-plain-gd-table")
    first, second = corrected(G1), corrected(G2)
    for t in range(1, 11):
        row = f"batch {t}"
        assert values[row, "s1"] == exactly(first[t - 1][1])
        assert values[row, "s2"] == exactly(second[t - 1][1])
        assert values[row, "eff1"] == exactly(first[t - 1][2])
        assert values[row, "w1"] == exactly(first[t - 1][3])
        assert values[row, "w2"] == exactly(second[t - 1][3])
        assert plain[row, "w1"] == pytest.approx(0.5 - 0.001 * sum(G1[:t]), rel=1e-12)
        assert plain[row, "w2"] == pytest.approx(0.5 - 0.001 * sum(G2[:t]), rel=1e-12)
    assert values["batch 7", "eff2"] == exactly(second[6][2])
    assert values["result w1", "change"] == pytest.approx(0.5 - first[9][3], rel=1e-12)
    assert values["result w2", "change"] == pytest.approx(0.5 - second[9][3], rel=1e-12)


def test_squares_added_up_without_their_factor_are_the_printed_column():
    printed = {(value.row, value.name): value.printed for value in get("rmsprop-ten-batches-table").values}
    total = 0.0
    for t, g in enumerate(G2, start=1):
        total = 0.999 * total + g * g
        assert float(printed[f"batch {t}", "s2"]) == pytest.approx(total, abs=0.01)


def test_without_correction_the_rate_falls_and_with_it_it_stays():
    runs = get("rmsprop-ten-batches-table").runs
    raw, v_hat = runs["first_raw"].trace()["s"][1:], runs["first"].trace()["v_hat"][1:]
    assert 0.001 / sqrt(raw[0]) == pytest.approx(15.8, abs=0.05)
    assert 0.001 / sqrt(raw[-1]) == pytest.approx(5.05, abs=0.01)
    assert all(0.49 < 0.001 / sqrt(each) < 0.53 for each in v_hat)
