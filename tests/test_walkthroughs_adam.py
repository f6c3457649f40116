"""The worked examples on Adam: complete, without contradiction, equal to plain loops, counted by hand."""

from __future__ import annotations

import math
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from optimlab.walkthroughs import get, load

# From the notes: how many values each example prints. From the loops and quotients below, worked by hand:
# how many of them are near, wrong and unchecked.
EXAMPLES = {
    "adam-batch-1": (15, 0, 0, 0),
    "adam-batch-2": (22, 2, 0, 0),
    "adam-batch-3": (30, 8, 0, 0),
    "adam-table-w1": (72, 8, 22, 0),  # wrong: v 4, m_hat 3, v_hat 7, eff_lr 7 + 1
    "adam-table-w2": (65, 5, 29, 0),  # wrong: v 4, m_hat 7, v_hat 7, eff_lr 1, update 1, w 7 + 1, change 1
    "adam-oscillating-gradients": (15, 0, 0, 0),
    "adam-sec7-gd": (6, 0, 6, 0),
    "adam-sec7-momentum": (10, 0, 7, 0),
    "adam-sec7-rmsprop": (13, 0, 10, 0),
    "adam-sec7-adam": (19, 0, 10, 0),
    "adam-sec7-table": (12, 0, 11, 0),
    "adam-effective-lr-patterns": (10, 0, 0, 0),
    "adam-bias-correction-constant-gradient": (16, 0, 0, 0),
    "adam-beta1-window": (4, 0, 0, 0),
    "adam-beta2-window": (4, 0, 0, 0),
    "adam-step-size-bound": (2, 0, 2, 0),
    "adam-batch-size-lr": (2, 0, 0, 0),
    "adam-memory-example": (7, 0, 0, 0),
    "adam-epochs-to-accuracy": (7, 2, 2, 0),
    "adam-training-results-table": (80, 0, 0, 14),  # unchecked: RMSprop, epochs 2 to 8
    "adam-all-optimizers-table": (15, 0, 0, 3),  # unchecked: two times, AdamW in the middle
    "adam-expected-output": (22, 0, 22, 0),
    "adam-all-optimizers-output": (49, 0, 49, 0),
    "bias-correction-first-step-001": (4, 0, 0, 0),
    "four-points-adam-batch1": (88, 10, 0, 0),
    "minibatch2-adam": (28, 0, 6, 0),
    "adam-bias-factors": (17, 0, 0, 0),
    "adam-one-parameter": (10, 0, 0, 0),
}
STEADY = [0.002, 0.0018, 0.0021, 0.0019, 0.002, 0.0022, 0.0018, 0.0019, 0.0021, 0.002]
RARE = [0, 0, 2.5, 0, 0, 0, 3.1, 0, 0, 0]
STREAM = [0.023, -0.018, 0.031] + 7 * [0.02]
POINTS = [(2, 10), (1, 5), (3, 15), (0.5, 2.5)]


def adam(gradient, steps, w=0.5, lr=0.001, eps=1e-8, inside=False, corrected=True):
    """Adam as a plain loop: a dict per step; `gradient` is a list or a function of (step, weight)."""
    m = v = 0.0
    rows = []
    for t in range(1, steps + 1):
        g = gradient(t, w) if callable(gradient) else gradient[t - 1]
        m = 0.9 * m + 0.1 * g
        v = 0.999 * v + 0.001 * g * g
        m_hat, v_hat = (m / (1 - 0.9**t), v / (1 - 0.999**t)) if corrected else (m, v)
        root = math.sqrt(v_hat + eps) if inside else math.sqrt(v_hat) + eps
        update = lr * m_hat / root
        w -= update
        row = {"g": g, "m": m, "v": v, "m_hat": m_hat, "v_hat": v_hat, "root": root}
        rows.append({**row, "eff_lr": lr / root, "update": update, "w": w})
    return rows


def computed(identity):
    """Return (row, name) to the computed value; of several of one name the last."""
    return {(value.row, value.name): value.computed for value in get(identity).values}


def same(x):
    return pytest.approx(x, rel=1e-12, abs=1e-24)


# Complete and without contradiction ---------------------------------------------------------------


def test_every_example_of_the_notes_is_here_with_every_printed_value():
    assert len(EXAMPLES) == 28
    assert {name: len(load()[name].values) for name in EXAMPLES} == {n: c[0] for n, c in EXAMPLES.items()}
    assert sum(count[0] for count in EXAMPLES.values()) == 644


@pytest.mark.parametrize("identity", EXAMPLES)
def test_nothing_in_the_data_contradicts_the_computation(identity):
    assert get(identity).problems == []


@pytest.mark.parametrize("identity", EXAMPLES)
def test_the_verdicts_are_as_many_as_counted_by_hand(identity):
    total, near, wrong, unchecked = EXAMPLES[identity]
    counts = get(identity).counts
    assert counts == {
        "agrees": total - near - wrong - unchecked,
        "near": near,
        "wrong": wrong,
        "unchecked": unchecked,
    }


@pytest.mark.parametrize("identity", EXAMPLES)
def test_what_does_not_agree_is_explained_and_what_agrees_is_not(identity):
    assert [value for value in get(identity).values if bool(value.why) != (value.verdict != "agrees")] == []


@pytest.mark.parametrize("identity", ["adam-batch-1", "adam-batch-2", "adam-batch-3"])
def test_an_example_that_is_a_run_points_to_the_cells_of_its_runs(identity):
    cells = {(value.row, value.name): value.cell for value in get(identity).values}
    for weight in ("w1", "w2"):
        for name in ("m", "v", "m_hat", "v_hat", "w"):
            assert (cells[weight, name].run, cells[weight, name].quantity) == (weight, name)
            assert cells[weight, name].step == int(identity[-1])


# Equal to plain loops -----------------------------------------------------------------------------


@pytest.mark.parametrize("batch", [1, 2, 3])
def test_the_three_batches_are_what_a_plain_loop_gives(batch):
    values = computed(f"adam-batch-{batch}")
    for weight, gradients in (("w1", STEADY), ("w2", RARE)):
        *before, row = adam(gradients, batch)
        old = before[-1] if before else {"m": 0, "v": 0}
        expected = {
            **{name: row[name] for name in ("m", "v", "m_hat", "v_hat", "eff_lr", "w")},
            "denominator": row["root"],
            "step": row["update"],
            "b1m": 0.9 * old["m"],
            "g_part": 0.1 * row["g"],
            "b2v": 0.999 * old["v"],
            "g_sq": row["g"] ** 2,
            "v_part": 0.001 * row["g"] ** 2,
            "bc1": 1 - 0.9**batch,
            "bc2": 1 - 0.999**batch,
            "b1_sq": 0.81,
            "b2_sq": 0.998001,
            "b1_cu": 0.729,
            "b2_cu": 0.997002999,
        }
        found = {name: x for (label, name), x in values.items() if label == weight}
        assert len(found) >= 5
        for name, x in found.items():
            assert x == same(expected[name]), (weight, name)


@pytest.mark.parametrize(("identity", "gradients"), [("adam-table-w1", STEADY), ("adam-table-w2", RARE)])
def test_the_two_tables_of_ten_batches_are_what_a_plain_loop_gives(identity, gradients):
    values, rows = computed(identity), adam(gradients, 10)
    checked = 0
    for t, row in enumerate(rows, start=1):
        for name in ("m", "v", "m_hat", "v_hat", "eff_lr", "update", "w"):
            if (f"batch {t}", name) in values:
                assert values[f"batch {t}", name] == same(row[name]), (t, name)
                checked += 1
    assert checked == {"adam-table-w1": 70, "adam-table-w2": 62}[identity]
    assert values["analysis", "change"] == same(0.5 - rows[-1]["w"])


def test_the_second_weight_moves_between_its_spikes_though_the_notes_leave_it_in_place():
    weights = [row["w"] for row in adam(RARE, 10)]
    assert all(later < earlier for earlier, later in pairwise(weights[2:]))
    verdicts = {(v.row, v.name): v.verdict for v in get("adam-table-w2").values}
    assert {verdicts[f"batch {t}", "w"] for t in range(4, 11)} == {"wrong"}
    # A printed 0 claims whole units only, so that the small step it stands for agrees with it.
    assert {verdicts[f"batch {t}", "update"] for t in (4, 5, 8, 9, 10)} == {"agrees"}


def test_no_average_of_squares_exceeds_the_largest_square_but_the_printed_one_does():
    values = {(v.row, v.name): v for v in get("adam-table-w1").values}
    largest = max(g * g for g in STEADY)
    assert all(values[f"batch {t}", "v_hat"].computed <= largest for t in range(1, 11))
    above = [t for t in range(1, 11) if float(values[f"batch {t}", "v_hat"].printed) > largest]
    assert above == [6, 7, 8, 9, 10]


def test_the_four_rules_on_one_stream_are_what_plain_loops_give():
    def walk(name, gradients):
        w, state, rows = 0.5, 0.0, []
        for g in gradients:
            if name == "gd":
                step = 0.001 * g
            elif name == "momentum":
                state = 0.9 * state + 0.1 * g
                step = 0.001 * state
            else:
                state = 0.999 * state + 0.001 * g * g
                step = 0.001 * g / (math.sqrt(state) + 1e-8)
            w -= step
            rows.append((state, w))
        return rows

    rows = {name: walk(name, STREAM) for name in ("gd", "momentum", "rmsprop")}
    whole = adam(STREAM, 10)
    rows["adam"] = [(row["v"], row["w"]) for row in whole]
    change = {name: 0.5 - walked[-1][1] for name, walked in rows.items()}
    labels = {"gd": "Standard GD", "momentum": "Momentum", "rmsprop": "RMSprop", "adam": "Adam"}
    table = computed("adam-sec7-table")
    for name, walked in rows.items():
        values = computed(f"adam-sec7-{name}")
        for t in (1, 2, 3, 10):
            assert values[f"iter {t}", "w"] == same(walked[t - 1][1])
        state = {"momentum": "m", "rmsprop": "s", "adam": "v"}.get(name)
        for t in (1, 2, 3) if state else ():
            assert values[f"iter {t}", state] == same(walked[t - 1][0])
        assert values["iter 10", "change"] == same(change[name])
        assert table[labels[name], "change"] == same(change[name])
        assert table[labels[name], "speed"] == same(change[name] / change["gd"])
    for t in (1, 2, 3):
        for quantity in ("m", "m_hat", "v_hat"):
            assert computed("adam-sec7-adam")[f"iter {t}", quantity] == same(whole[t - 1][quantity])


def test_how_long_each_rule_takes_to_the_target_is_what_counting_gives():
    def count(step):
        w, t = 0.5, 0
        while w > 0.2:
            t += 1
            w -= step(t, STREAM[t - 1] if t <= 3 else 0.02)
        return t

    state = dict.fromkeys("vsmq", 0.0)

    def momentum(t, g):
        state["v"] = 0.9 * state["v"] + 0.1 * g
        return 0.001 * state["v"]

    def rmsprop(t, g):
        state["s"] = 0.999 * state["s"] + 0.001 * g * g
        return 0.001 * g / (math.sqrt(state["s"]) + 1e-8)

    def moments(t, g):
        state["m"], state["q"] = 0.9 * state["m"] + 0.1 * g, 0.999 * state["q"] + 0.001 * g * g
        return 0.001 * state["m"] / (1 - 0.9**t) / (math.sqrt(state["q"] / (1 - 0.999**t)) + 1e-8)

    steps = {"gd": lambda t, g: 0.001 * g, "momentum": momentum, "rmsprop": rmsprop, "adam": moments}
    counted = {name: count(step) for name, step in steps.items()}
    assert counted == {"gd": 15002, "momentum": 15011, "rmsprop": 40, "adam": 306}
    found = {name: computed(f"adam-sec7-{name}")["iterations to 0.200", "n"] for name in steps}
    assert found == counted


@pytest.mark.parametrize("inside", [True, False])
def test_the_four_points_are_what_a_plain_loop_gives_wherever_epsilon_stands(inside):
    def gradient(t, w):
        x, y = POINTS[t - 1]
        return 2 * (w * x - y) * x

    rows = adam(gradient, 4, w=3.0, lr=0.1, inside=inside)
    run = get("four-points-adam-batch1").runs["inside" if inside else "outside"].trace()
    for t, row in enumerate(rows, start=1):
        for name in ("g", "m", "v", "m_hat", "v_hat", "w"):
            assert run[name][t] == same(row[name])
    values, w = computed("four-points-adam-batch1"), 3.0
    for t, row in enumerate(rows, start=1):
        x, y = POINTS[t - 1]
        # Where epsilon stands changes the weights by less than 1e-9; so both loops fit.
        expected = {"prediction": w * x, "error": w * x - y, "gradient": row["g"], "w": row["w"]}
        for name, right in expected.items():
            assert values[f"point {t}", name] == pytest.approx(right, rel=1e-8)
        w = row["w"]


def test_epsilon_inside_or_outside_changes_no_verdict_of_the_four_points():
    example = get("four-points-adam-batch1")
    inside, outside = example.runs["inside"].trace(), example.runs["outside"].trace()
    for name in ("g", "m", "v", "m_hat", "v_hat", "w"):
        assert np.allclose(inside[name][1:], outside[name][1:], rtol=1e-8, atol=0)


def test_two_points_at_a_time_are_what_a_plain_loop_gives():
    def gradient(t, w):
        pair = POINTS[2 * t - 2 : 2 * t]
        return sum(2 * (w * x - y) * x for x, y in pair) / 2

    values = computed("minibatch2-adam")
    for t, row in enumerate(adam(gradient, 2, w=3.0, lr=0.1, eps=0), start=1):
        for name in ("g", "m", "v", "m_hat", "v_hat", "w"):
            assert values[f"batch {t}", name] == same(row[name])
        assert values[f"batch {t}", "step"] == pytest.approx(-row["update"], rel=1e-12)
    assert values["batch 2", "g"] == same(-17.575)


def test_a_constant_gradient_is_what_a_plain_loop_gives_with_and_without_correction():
    values = computed("adam-bias-correction-constant-gradient")
    corrected, raw = adam([0.02, 0.02], 2), adam([0.02], 1, corrected=False)
    for t in (1, 2):
        assert values[f"m, batch {t}", "m"] == same(corrected[t - 1]["m"])
        assert values[f"m, batch {t}", "m_hat"] == same(corrected[t - 1]["m_hat"])
        assert values[f"v, batch {t}", "v"] == same(corrected[t - 1]["v"])
        assert values[f"v, batch {t}", "v_hat"] == same(corrected[t - 1]["v_hat"])
    for label, row in (("uncorrected", raw[0]), ("corrected", corrected[0])):
        assert values[f"iteration 1, {label}", "update"] == same(row["update"])
        assert values[f"iteration 1, {label}", "ratio"] == same(row["eff_lr"])
    # Too large, not too small: the root of 10.
    assert raw[0]["update"] / 0.001 == pytest.approx(math.sqrt(10), rel=1e-4)


def test_other_short_examples_are_what_a_plain_loop_gives():
    values = computed("adam-oscillating-gradients")
    for t, row in enumerate(adam([0.08, -0.06, 0.07, -0.05], 4), start=1):
        assert values[f"m{t}", "m"] == same(row["m"])
    values = computed("adam-one-parameter")
    first, second = adam([2, 2], 2, lr=0.1)
    assert (values["step 1", "update"], values["step 2", "m_2"]) == (same(first["update"]), same(second["m"]))
    assert values["step 2", "v_2"] == same(second["v"])
    values = computed("adam-effective-lr-patterns")
    assert [values[kind, "eff"] for kind in "ABC"] == [
        pytest.approx(0.001 / (root + 1e-8), rel=1e-9) for root in (0.01, 1, 0.5)
    ]


def test_no_sequence_of_gradients_makes_a_longer_step_than_the_bound():
    bound = computed("adam-step-size-bound")["bound", "value"] / 0.001
    # After a long silence, growing gradients come as close to the bound as one likes; a spike does not.
    growth = 0.999 / 0.9
    steps = 20_000
    growing = [0.0] * (steps - 200) + [growth ** (t - 200) for t in range(200)]
    spike = [0.0] * (steps - 1) + [1.0]
    assert abs(adam(growing, steps, lr=1, eps=1e-300)[-1]["update"]) == pytest.approx(bound, rel=1e-6)
    assert abs(adam(spike, steps, lr=1, eps=1e-300)[-1]["update"]) == pytest.approx(0.1 / math.sqrt(0.001))
    random = np.random.default_rng(0)
    for _ in range(20):
        gradients = random.standard_cauchy(200)
        assert all(abs(row["update"]) < bound for row in adam(list(gradients), 200, lr=1))


# Printed figures against each other ---------------------------------------------------------------


def test_the_series_that_figures_are_compared_with_are_the_printed_ones():
    printed = Counter()
    results, epochs = get("adam-training-results-table").givens, get("adam-epochs-to-accuracy").givens
    overview = get("adam-all-optimizers-table").givens
    series = {
        ("adam-expected-output", "Adam", "loss"): [results["adam_loss_out"]],
        ("adam-expected-output", "Adam", "acc"): [
            results["adam_acc_out"],
            epochs["adam"],
            overview["adam_acc"],
        ],
        ("momentum-expected-output", "Standard GD", "loss"): [results["standard_loss_out"]],
        ("momentum-expected-output", "Standard GD", "acc"): [
            results["standard_acc_out"],
            overview["standard_acc"],
        ],
        ("momentum-expected-output", "Momentum 0.9", "loss"): [results["momentum_loss_out"]],
        ("momentum-expected-output", "Momentum 0.9", "acc"): [
            results["momentum_acc_out"],
            epochs["momentum"],
            overview["momentum_acc"],
        ],
    }
    for (identity, who, name), copies in series.items():
        for value in get(identity).values:
            if value.name == name and value.row.startswith(f"{who}, epoch "):
                epoch = int(value.row.split()[-1])
                assert [copy[epoch] for copy in copies] == [float(value.printed)] * len(copies)
                printed[who] += 1
    assert printed == {"Adam": 20, "Standard GD": 20, "Momentum 0.9": 20}


def test_the_series_of_rmsprop_is_the_printed_one_with_decimals_where_it_has_them():
    series = list(get("adam-epochs-to-accuracy").givens["rmsprop"])
    table = {v.row: v.printed for v in get("adam-training-results-table").values if v.name == "rmsprop_acc"}
    output = {v.row: v.printed for v in get("adam-all-optimizers-output").values if v.name == "acc"}
    expected = [float(table[f"epoch {epoch}"]) for epoch in range(10)]
    for epoch in (0, 1, 9):
        expected[epoch] = float(output[f"RMSprop, epoch {epoch}"])
    assert series == expected


def test_ninety_percent_and_ninety_five_are_reached_where_a_plain_search_finds_them():
    givens, values = get("adam-epochs-to-accuracy").givens, computed("adam-epochs-to-accuracy")
    for (label, _), x in values.items():
        level, who = (91, "momentum") if "91%" in label else (int(label[:2]), label[4:].lower())
        reached = [epoch for epoch, right in enumerate(givens[who]) if right >= level]
        assert x == (reached[0] if reached else math.inf)


# Printed outputs ----------------------------------------------------------------------------------


@pytest.fixture
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def test_the_sample_written_as_usual_and_in_single_precision_gives_the_same_output(one_thread):
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc1, self.fc2 = nn.Linear(1000, 100), nn.Linear(100, 2)

        def forward(self, x):
            return self.fc2(torch.relu(self.fc1(x)))

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(42)
        x, y = torch.randn(1024, 1000), torch.randint(0, 2, (1024,))
        model = Net()
        loader = DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True)
        optimizer, criterion = torch.optim.Adam(model.parameters(), lr=0.001), nn.CrossEntropyLoss()
        for epoch in range(3):
            loss_sum, right = 0.0, 0
            for inputs, labels in loader:
                optimizer.zero_grad()
                scores = model(inputs)
                loss = criterion(scores, labels)
                loss.backward()
                optimizer.step()
                loss_sum += loss.item()
                right += int((scores.argmax(1) == labels).sum())
            values = computed("adam-expected-output")
            assert values[f"Adam, epoch {epoch}", "loss"] == pytest.approx(loss_sum / 32, rel=1e-4)
            assert values[f"Adam, epoch {epoch}", "acc"] == pytest.approx(right / 10.24, abs=0.2)


def test_every_optimizer_learns_the_random_labels_by_heart_and_no_output_is_the_printed_one():
    values = {(v.row, v.name): v for v in get("adam-all-optimizers-output").values}
    for who in ("SGD", "SGD + Momentum", "RMSprop", "Adam", "AdamW"):
        assert values[f"final {who}", "acc"].computed == 100
        assert values[f"{who}, epoch 9", "loss"].computed < 0.01
        # The first epoch is chance: 1024 coins have a standard deviation of 1.6 percent.
        assert abs(values[f"{who}, epoch 0", "acc"].computed - 50) < 6
    assert {value.verdict for value in values.values()} == {"wrong"}


def test_a_program_leaves_the_random_numbers_of_others_alone():
    from optimlab.walkthroughs import programs

    torch.manual_seed(7)
    before = torch.random.get_rng_state()
    threads = torch.get_num_threads()
    programs._train_in_turn([lambda p: torch.optim.SGD(p, lr=0.1)], 3)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert torch.get_num_threads() == threads
