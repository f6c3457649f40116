"""The worked examples on momentum and Nesterov: all there, without contradiction, and right."""

from __future__ import annotations

from textwrap import dedent

import numpy as np
import pytest

from optimlab.walkthroughs import WalkthroughError, get, load

# Counted in the notes: the printed figures of each example.
COUNTS = {
    "momentum-ten-batches-plain-gd": 22,
    "momentum-ten-batches-ewa-boxes": 25,
    "momentum-ten-batches-classical": 33,
    "momentum-why-accelerates": 6,
    "momentum-catdog-size": 2,
    "momentum-catdog-plain-gd": 21,
    "momentum-catdog-classical": 14,
    "momentum-catdog-classical-table": 20,
    "momentum-ravine": 11,
    "momentum-nesterov-vs-standard": 9,
    "momentum-beta-window": 6,
    "momentum-expected-output-times": 3,
    "momentum-expected-output": 60,
    "four-points-momentum-batch1": 34,
    "minibatch2-momentum": 14,
    "velocity-constant-gradient": 11,
    "velocity-oscillating-gradient": 6,
    "velocity-table": 8,
    "ravine-learning-rates": 2,
    "ravine15-gradient": 2,
}
# By hand: (wrong, unchecked) where not everything agrees. No figure is near.
#   boxes      the subtraction of batch 5, and batch 6 after it
#   plain      the weight after batches that are not printed, the reversals among them, a loss
#   table      the last weight and four figures made of it; the last velocity, the reversals, a loss
#   ravine     0.7, the next velocity, 15.2 and its ratio; two distances across the ravine
#   Nesterov   all but the product of two wrong signs
#   output     all of it
HAND = {
    "momentum-ten-batches-ewa-boxes": (2, 0),
    "momentum-catdog-plain-gd": (0, 3),
    "momentum-catdog-classical-table": (5, 3),
    "momentum-ravine": (4, 2),
    "momentum-nesterov-vs-standard": (8, 0),
    "momentum-expected-output-times": (0, 1),
    "momentum-expected-output": (60, 0),
}
# Where an error starts, beside the printed output.
SLIPS = {
    ("momentum-ten-batches-ewa-boxes", "batch 5", "w"),
    ("momentum-catdog-classical-table", "batch 32", "w"),
    ("momentum-ravine", "batch 2", "v2"),
    ("momentum-ravine", "100 batches, momentum", "w1"),
    ("momentum-nesterov-vs-standard", "given", "v0"),
    ("momentum-nesterov-vs-standard", "nesterov", "g_lookahead"),
}
OUTPUT = "momentum-expected-output"
TEN = [0.08, 0.09, 0.07, 0.10, -0.02, 0.08, 0.09, 0.08, 0.11, 0.07]
FOUR = [(2, 10), (1, 5), (3, 15), (0.5, 2.5)]


def computed(identity: str) -> dict[tuple[str, str], float]:
    return {(value.row, value.name): value.computed for value in get(identity).values}


def exactly(expected: float):
    return pytest.approx(expected, rel=1e-12, abs=1e-15)


def test_all_309_figures_of_the_20_examples_are_here():
    assert {identity: len(get(identity).values) for identity in COUNTS} == COUNTS
    assert sum(COUNTS.values()) == 309


@pytest.mark.parametrize("identity", COUNTS)
def test_the_data_contradict_no_computation(identity):
    assert get(identity).problems == []


@pytest.mark.parametrize("identity", COUNTS)
def test_the_verdicts_are_those_counted_by_hand(identity):
    wrong, unchecked = HAND.get(identity, (0, 0))
    agrees = COUNTS[identity] - wrong - unchecked
    assert get(identity).counts == {"agrees": agrees, "near": 0, "wrong": wrong, "unchecked": unchecked}


def test_every_slip_says_why_and_every_other_wrong_figure_says_what_it_carries_on():
    for identity in COUNTS:
        for value in get(identity).values:
            if value.verdict == "wrong" and identity != OUTPUT:
                starts = (identity, value.row, value.name) in SLIPS
                assert value.why.startswith("Carries on from") != starts


def test_ten_batches_are_what_plain_loops_give():
    plain, boxes, table = (
        computed(f"momentum-ten-batches-{name}") for name in ("plain-gd", "ewa-boxes", "classical")
    )
    down = averaged = summed = 0.5
    average = total = 0.0
    for t, g in enumerate(TEN, start=1):
        row = f"batch {t}"
        down -= 0.1 * g
        assert plain[row, "step"] == exactly(0.1 * g)
        assert plain[row, "w"] == exactly(down)
        average = 0.9 * average + 0.1 * g
        averaged -= 0.1 * average
        if t <= 6:
            assert boxes[row, "v"] == exactly(average)
            assert boxes[row, "w"] == exactly(averaged)
        total = 0.9 * total + g
        summed -= 0.1 * total
        assert table[row, "v"] == exactly(total)
        assert table[row, "step"] == exactly(0.1 * total)
        assert table[row, "w"] == exactly(summed)
    assert plain["final", "change"] == exactly(down - 0.5)
    assert table["final", "change"] == exactly(summed - 0.5)
    assert table["ratio to plain GD", "ratio"] == exactly((summed - 0.5) / (down - 0.5))


def test_both_conventions_are_runs_of_the_table_and_differ_by_a_factor_of_ten():
    runs = get("momentum-ten-batches-classical").runs
    v_sum, v_average = runs["sum_of_gradients"].trace()["v"], runs["average"].trace()["v"]
    np.testing.assert_allclose(v_sum, 10 * v_average, rtol=1e-12)


def test_the_cat_and_dog_weight_is_what_plain_loops_give():
    plain, table = computed("momentum-catdog-plain-gd"), computed("momentum-catdog-classical-table")
    boxes = computed("momentum-catdog-classical")
    down = w = 0.25
    v = 0.0
    for t, g in enumerate([0.0234, -0.0187, 0.0312, 0.0145, -0.0089, 0.0256], start=1):
        row = f"batch {t}"
        down -= 0.1 * g
        assert plain[row, "w"] == exactly(down)
        assert plain[row, "change"] == exactly(-0.1 * g)
        if 1 < t < 6:
            assert boxes[row, "beta_v"] == exactly(0.9 * v)
        v = 0.9 * v + g
        w -= 0.1 * v
        for values in (table, boxes) if t < 6 else (table,):
            assert values[row, "v"] == exactly(v)
            assert values[row, "w"] == exactly(w)


def test_the_last_velocity_and_the_sum_of_the_gradients_fix_the_last_weight():
    # Whatever the 32 gradients are: any that have this sum and this last velocity end at the same weight.
    last = computed("momentum-catdog-classical-table")["batch 32", "w"]
    weights = np.array([0.9 ** (32 - t) for t in range(1, 33)])
    for seed in range(3):
        free = np.random.default_rng(seed).normal(0.01, 0.02, 30)
        missing = [(0.25 - 0.23215) / 0.1 - free.sum(), 0.0823 - weights[:30] @ free]
        rest = np.linalg.solve(np.array([[1.0, 1.0], weights[30:]]), missing)
        w, v = 0.25, 0.0
        for g in [*free, *rest]:
            v = 0.9 * v + g
            w -= 0.1 * v
        assert v == pytest.approx(0.0823, rel=1e-9)
        assert w == pytest.approx(last, rel=1e-9)


def test_momentum_carries_nine_times_as_far_in_a_hundred_steps():
    values = computed("momentum-ravine")
    v = far = plain = 0.0
    for _ in range(100):
        v = 0.9 * v + 0.01
        far += v
        plain += 0.01
    assert values["100 batches, momentum", "w1"] == exactly(far)
    assert values["100 batches, momentum", "ratio"] == exactly(far / plain)
    assert values["100 batches, plain", "w1"] == exactly(plain)
    assert values["batch 2", "v2"] == exactly(0.9 * 5 - 4.8)
    assert values["batch 3", "v2"] == exactly(0.9 * (0.9 * 5 - 4.8) + 4.9)


def test_with_the_right_sign_both_steps_go_toward_the_minimum():
    values = computed("momentum-nesterov-vs-standard")
    v = 0.9 * 0.08 + 0.5 * 0.1
    assert values["standard", "w"] == exactly(0.1 - 0.1 * v)
    ahead = 0.1 - 0.1 * 0.9 * 0.08
    assert values["nesterov", "w_lookahead"] == exactly(ahead)
    assert values["nesterov", "g_lookahead"] == exactly(0.5 * ahead)
    v = 0.9 * 0.08 + 0.5 * ahead
    assert values["nesterov", "v"] == exactly(v)
    assert values["nesterov", "w"] == exactly(0.1 - 0.1 * v)
    assert 0 < values["standard", "w"] < values["nesterov", "w"] < 0.1


def test_the_four_points_are_what_a_plain_loop_gives():
    values = computed("four-points-momentum-batch1")
    w, v = 3.0, 0.0
    for t, (x, y) in enumerate(FOUR, start=1):
        row = f"point {t}"
        error = w * x - y
        assert values[row, "prediction"] == exactly(w * x)
        assert values[row, "error"] == exactly(error)
        assert values[row, "gradient"] == exactly(2 * error * x)
        v = 0.9 * v + 2 * error * x
        w -= 0.1 * v
        assert values[row, "v"] == exactly(v)
        assert values[row, "w"] == exactly(w)
    assert computed("minibatch2-momentum")["table", "final w, batch 1"] == exactly(w)


def test_batches_of_two_are_what_a_plain_loop_gives():
    values = computed("minibatch2-momentum")
    w, v = 3.0, 0.0
    for t in (1, 2):
        gradients = [2 * (w * x - y) * x for x, y in FOUR[2 * t - 2 : 2 * t]]
        assert [values[f"batch {t}", f"gradient {i}"] for i in (1, 2)] == [exactly(g) for g in gradients]
        v = 0.9 * v + sum(gradients) / 2
        w -= 0.1 * v
        assert values[f"batch {t}", "v"] == exactly(v)
        assert values[f"batch {t}", "w"] == exactly(w)
    assert values["table", "final v, batch 2"] == exactly(v)


def test_the_velocities_of_the_third_notes_are_what_plain_loops_give():
    inside, table = computed("velocity-constant-gradient"), computed("velocity-table")
    v = total = 0.0
    for t in range(1, 5):
        v = 0.9 * v + 0.1 * -2
        total = 0.9 * total - 2
        assert inside[f"step {t}", f"v_{t}"] == exactly(v)
        assert table[f"step {t}", "velocity"] == exactly(total)
        assert table[f"step {t}", "update"] == exactly(total)
    for _ in range(500):
        v = 0.9 * v + 0.1 * -2
    assert inside["limit", "terminal velocity"] == exactly(v)
    turning = computed("velocity-oscillating-gradient")
    v = 0.0
    for t, g in enumerate([-2, 1.5, -2], start=1):
        v = 0.9 * v + 0.1 * g
        assert turning[f"step {t}", f"v_{t}"] == exactly(v)


def test_random_labels_are_learned_by_heart_long_before_the_printed_output_ends():
    pytest.importorskip("torch")
    for name in ("Standard GD", "Momentum 0.9", "Nesterov"):
        values = computed(OUTPUT)
        losses = [values[f"{name}, epoch {epoch}", "loss"] for epoch in range(10)]
        right = [values[f"{name}, epoch {epoch}", "acc"] for epoch in range(10)]
        assert losses == sorted(losses, reverse=True)
        assert losses[9] < 0.01
        assert 40 < right[0] < 60  # as good as a coin
        assert min(right[4:]) == 100


def test_a_program_run_again_gives_the_same_numbers_and_leaves_torch_as_it_was():
    torch = pytest.importorskip("torch")
    from optimlab.walkthroughs.programs import momentum_on_random_labels

    torch.manual_seed(7)
    before, threads = torch.get_rng_state(), torch.get_num_threads()
    again = momentum_on_random_labels(42, 1)
    assert again["nesterov_loss"] == again["nesterov_loss_low"] == again["nesterov_loss_high"]
    values = computed(OUTPUT)
    for epoch in range(10):
        assert again["nesterov_loss"][epoch] == pytest.approx(
            values[f"Nesterov, epoch {epoch}", "loss"], rel=1e-9
        )
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.get_num_threads() == threads


def constant(tmp_path, run: str):
    path = tmp_path / "constant.yaml"
    path.write_text(
        dedent(f"""
        - id: constant
          title: A constant gradient
          note: N1
          lines: [1, 2]
          kind: hand-worked
          chapter: momentum
          givens: {{slope: 2, start: 0.1}}
          runs:
            down: {{rule: gradient_descent, inputs: {{g: slope}}, start: {{w: start}}{run}}}
          rows:
          - {{row: last, values: [{{name: w, printed: '0.0', line: 1, compute: 'w[5]'}}]}}
        """)
    )
    return load(path)["constant"]


def test_an_input_of_one_number_is_the_same_at_every_step(tmp_path):
    example = constant(tmp_path, ", steps: 5")
    assert example.problems == []
    assert list(example.runs["down"].inputs["g"]) == [2.0] * 5
    with pytest.raises(WalkthroughError, match=r"w\[5\] does not exist"):
        _ = constant(tmp_path, "").values
