"""Training: the same as torch's, what can and cannot be learned, and what a run records."""

from __future__ import annotations

import io
import re
import sys
import warnings

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from threadpoolctl import threadpool_limits

from optimlab import clipping, progress, rules, schedules, training
from optimlab.averages import ewa
from optimlab.catalog import RULES
from optimlab.datasets import batches, cat_vs_dog, digits, four_points
from optimlab.network import LinearRegression, Network
from optimlab.rule import Rule
from optimlab.training import train

SMALL = cat_vs_dog(90, 20, test_samples=40, dtype=np.float64)
NETWORK = Network(20, 8, 2)
TRAINABLE = [rule for rule in RULES.values() if rule.inputs == ("g",) and "w" in rule.carried]


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    # Small matrices gain nothing from two threads, and lose much where another process wants the cores.
    with threadpool_limits(1, "blas"):
        yield


# The same as torch

PAIRS = {
    "adam": (rules.adam, {"lr": 0.01}, torch.optim.Adam, {"lr": 0.01}),
    "gradient_descent": (rules.gradient_descent, {"lr": 0.1}, torch.optim.SGD, {"lr": 0.1}),
    "momentum": (rules.momentum, {"lr": 0.05}, torch.optim.SGD, {"lr": 0.05, "momentum": 0.9}),
    "adamw": (rules.adamw, {"lr": 0.01}, torch.optim.AdamW, {"lr": 0.01}),
}


@pytest.mark.parametrize("pair", PAIRS)
@pytest.mark.parametrize("drop_last", [False, True])
def test_two_epochs_equal_torch_from_the_same_start_on_the_same_batches(pair, drop_last):
    rule, hyper, optimizer, torch_hyper = PAIRS[pair]
    history = train(NETWORK, SMALL, rule, epochs=2, batch_size=32, seed=3, drop_last=drop_last, **hyper)
    module = torch.nn.Sequential(torch.nn.Linear(20, 8), torch.nn.ReLU(), torch.nn.Linear(8, 2)).double()
    start = NETWORK.named(NETWORK.start(3, np.float64))
    for parameter, array in zip(module.parameters(), start.values(), strict=True):
        parameter.data = torch.tensor(array)
    step, losses = optimizer(module.parameters(), **torch_hyper), []
    for epoch in range(2):
        for x, y in batches(SMALL.train_x, SMALL.train_y, 32, seed=3, epoch=epoch, drop_last=drop_last):
            step.zero_grad()
            loss = torch.nn.functional.cross_entropy(module(torch.tensor(x)), torch.tensor(y))
            loss.backward()
            step.step()
            losses.append(loss.item())
    assert history.steps == len(losses) == (4 if drop_last else 6)
    assert_allclose(history.loss, losses, rtol=0, atol=1e-10)
    w = torch.nn.utils.parameters_to_vector(module.parameters()).detach()
    assert_allclose(history.w, w, rtol=0, atol=1e-10)
    scores = module(torch.tensor(SMALL.test_x))
    assert history.test_loss[-1] == pytest.approx(
        torch.nn.functional.cross_entropy(scores, torch.tensor(SMALL.test_y)).item(), abs=1e-10
    )
    assert history.test_accuracy[-1] == (scores.argmax(1).numpy() == SMALL.test_y).mean()


@pytest.mark.parametrize("rule", TRAINABLE, ids=lambda rule: rule.name)
def test_a_run_equals_the_trace_of_the_rule_on_the_same_gradients(rule):
    fed = list(batches(SMALL.train_x, SMALL.train_y, 40, seed=1))
    calls = iter(fed)
    trace = rule.trace(
        w=NETWORK.start(1, np.float64), g=lambda w: NETWORK.gradient(w, *next(calls))[1], steps=len(fed)
    )
    history = train(NETWORK, SMALL, rule, epochs=1, batch_size=40, seed=1)
    assert_allclose(history.w, trace["w"][-1], rtol=1e-9, atol=1e-12)
    for name in rule.state:
        assert_allclose(history.state[name], trace[name][-1], rtol=1e-9, atol=1e-12)


def test_there_are_rules_to_train_with_and_one_of_them_looks_ahead():
    assert len(TRAINABLE) >= 25
    assert any(rule.look_ahead for rule in TRAINABLE)


def test_the_pieces_in_which_a_step_is_made_do_not_show(monkeypatch):
    whole = train(NETWORK, SMALL, rules.adam, epochs=2, batch_size=30)
    monkeypatch.setattr(training, "PIECE", 7)
    assert (train(NETWORK, SMALL, rules.adam, epochs=2, batch_size=30).w == whole.w).all()


def test_batch_size_one_walks_the_four_points_as_the_notes_do():
    model, data = LinearRegression(bias=False), four_points()
    weights = [
        train(
            model, data, rules.gradient_descent, epochs=1, batch_size=size, shuffle=False, w=[3.0], lr=0.1
        ).w[0]
        for size in (1, 4)
    ]
    w = 3.0
    for x in (2, 1, 3, 0.5):
        w -= 0.1 * 2 * (w * x - 5 * x) * x
    assert weights[0] == pytest.approx(w)
    assert weights[1] == pytest.approx(3 + 0.1 * (16 + 4 + 36 + 1) / 4)


@pytest.mark.parametrize("name", ["adam", "nesterov_lookahead"])
def test_the_compiled_rule_trains_the_same_network(name):
    pytest.importorskip("numba")
    plain, compiled = (
        train(NETWORK, SMALL, RULES[name], epochs=2, batch_size=32, compiled=c) for c in (False, True)
    )
    assert_allclose(compiled.w, plain.w, rtol=0, atol=1e-12)


# What can be learned, and what cannot


@pytest.fixture(scope="module")
def runs() -> dict[bool, list]:
    def run(learnable: bool, seed: int):
        data = cat_vs_dog(512, 200, learnable=learnable, seed=seed)
        return train(Network(200, 32, 2), data, rules.adam, epochs=15, batch_size=32, seed=seed, lr=0.003)

    return {learnable: [run(learnable, seed) for seed in range(5)] for learnable in (True, False)}


def test_random_labels_are_memorized_but_test_accuracy_stays_at_chance(runs):
    for history in runs[False]:
        assert history.train_accuracy[0] < 0.6
        assert history.train_accuracy[-1] > 0.97
        # Half of 1024 right by chance has a standard error of 1.6 %.
        assert abs(history.test_accuracy[-1] - 0.5) < 0.065
        assert history.test_loss[-1] > history.test_loss[0]
    assert abs(np.mean([h.test_accuracy[-1] for h in runs[False]]) - 0.5) < 0.03


def test_a_learnable_signal_is_found_though_not_up_to_the_ceiling(runs):
    for history in runs[True]:
        assert 0.85 < history.test_accuracy[-1] < 0.99
        assert history.train_accuracy[-1] > 0.99


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_digits_are_read_with_more_than_95_percent_right(seed):
    data = digits(seed=seed)
    history = train(Network(64, 64, 10), data, rules.adam, epochs=25, batch_size=32, lr=0.003, seed=seed)
    assert history.test_accuracy[-1] > 0.95


@pytest.mark.parametrize("rule", TRAINABLE, ids=lambda rule: rule.name)
def test_every_rule_keeps_single_precision_and_does_not_diverge(rule):
    history = train(NETWORK, SMALL.astype(np.float32), rule, epochs=2, batch_size=30)
    assert history.w.dtype == np.float32
    assert {array.dtype for array in history.state.values()} <= {np.dtype(np.float32)}
    assert not history.diverged
    assert np.isfinite(history.w).all()


# What a run records


def test_the_same_seed_gives_the_same_run_and_another_seed_another():
    one, two, other = (train(NETWORK, SMALL, rules.adam, epochs=2, batch_size=32, seed=s) for s in (1, 1, 2))
    assert (one.w == two.w).all()
    assert (one.loss == two.loss).all()
    assert not np.allclose(one.w, other.w)


def test_neither_the_start_nor_the_data_nor_the_model_is_changed():
    w = NETWORK.start(0, np.float64)
    before, x = w.copy(), SMALL.train_x.copy()
    first = train(NETWORK, SMALL, rules.adam, epochs=1, batch_size=32, w=w)
    assert (w == before).all()
    assert (x == SMALL.train_x).all()
    assert (train(NETWORK, SMALL, rules.adam, epochs=1, batch_size=32, w=w).w == first.w).all()
    assert (train(NETWORK, SMALL, rules.adam, epochs=1, batch_size=32).w == first.w).all()


def test_losses_and_accuracies_are_measured_at_the_start_and_after_every_epoch():
    history = train(NETWORK, SMALL, rules.adam, epochs=3, batch_size=32)
    assert (history.epochs, history.steps_per_epoch, history.steps) == (3, 3, 9)
    start, end = NETWORK.start(0, np.float64), history.w
    for w, k in ((start, 0), (end, -1)):
        assert NETWORK.evaluate(w, SMALL.train_x, SMALL.train_y) == (
            history.train_loss[k],
            history.train_accuracy[k],
        )
        assert NETWORK.evaluate(w, SMALL.test_x, SMALL.test_y) == (
            history.test_loss[k],
            history.test_accuracy[k],
        )
    assert len(history.train_loss) == len(history.test_accuracy) == 4
    assert history.hyper == {"lr": 0.001, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8}


def test_a_regression_has_no_accuracy_and_four_points_no_test_data():
    history = train(LinearRegression(bias=False), four_points(), rules.momentum, epochs=1, batch_size=2)
    assert np.isnan([history.train_accuracy, history.test_accuracy, history.test_loss]).all()
    assert history.table().splitlines()[0].split() == ["epoch", "train", "loss"]


def test_a_schedule_sets_the_rate_of_every_step_from_1_on():
    decay = schedules.cosine.using(lr=0.05, steps=6)
    history = train(NETWORK, SMALL, rules.gradient_descent, epochs=2, batch_size=32, lr=decay)
    assert_allclose(history.lr, [decay(t) for t in range(1, 7)])
    same = train(
        NETWORK, SMALL, rules.gradient_descent, epochs=2, batch_size=32, lr=lambda t: float(decay(t))
    )
    assert (history.w == same.w).all()
    single = train(
        NETWORK, SMALL.astype(np.float32), rules.adam, epochs=1, batch_size=32, lr=decay.using(steps=3)
    )
    assert single.w.dtype == np.float32


def test_a_constant_rate_is_recorded_too_and_any_hyper_parameter_may_follow_a_schedule():
    history = train(
        NETWORK,
        SMALL,
        rules.momentum,
        epochs=1,
        batch_size=32,
        lr=0.02,
        momentum=lambda t: 0.5 if t < 2 else 0.9,
    )
    assert history.lr.tolist() == [0.02] * 3
    assert "momentum=a schedule" in repr(history)


def test_clipping_changes_the_gradient_that_the_rule_sees():
    def run(clip):
        return train(NETWORK, SMALL, rules.gradient_descent, epochs=1, batch_size=90, lr=1.0, clip=clip)

    start = NETWORK.start(0, np.float64)
    assert np.linalg.norm(run(None).w - start) > 0.1
    clipped = run(lambda g: clipping.by_norm(g, 0.1)).w - start
    assert np.linalg.norm(clipped) == pytest.approx(0.1, rel=1e-4)
    assert_allclose(clipped / 0.1, (run(None).w - start) / np.linalg.norm(run(None).w - start), atol=1e-4)
    assert np.abs(run(lambda g: clipping.by_value(g, 1e-3)).w - start).max() == pytest.approx(1e-3)


def test_divergence_is_a_result_that_names_its_step_and_warns_nobody():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        history = train(
            LinearRegression(bias=False),
            four_points(),
            rules.gradient_descent,
            epochs=500,
            batch_size=1,
            lr=10,
        )
    assert history.diverged
    assert history.diverged_at == history.steps < 500 * 4
    assert np.isfinite(history.loss).all()
    assert f"diverged at step {history.diverged_at}, in epoch {-(-history.diverged_at // 4)}" in repr(history)
    assert history.epochs <= history.diverged_at // 4


def test_a_start_with_a_loss_that_is_not_finite_has_diverged_before_the_first_step():
    history = train(NETWORK, SMALL, rules.adam, epochs=2, batch_size=32, w=np.full(NETWORK.size, np.nan))
    assert (history.diverged_at, history.steps, history.epochs) == (0, 0, 0)
    assert "diverged at step 0, in epoch 1" in repr(history)


def test_a_divergence_in_the_very_last_step_is_seen():
    history = train(
        LinearRegression(bias=False), four_points(), rules.gradient_descent, epochs=1, batch_size=4, lr=1e200
    )
    assert (history.diverged_at, history.steps) == (1, 1)


def test_a_run_that_is_well_has_not_diverged():
    history = train(NETWORK, SMALL, rules.adam, epochs=1, batch_size=32)
    assert history.diverged_at is None
    assert not history.diverged
    assert "diverged" not in repr(history)


def test_a_history_prints_as_a_table_of_epochs():
    lines = repr(train(NETWORK, SMALL, rules.adam, epochs=2, batch_size=32, lr=0.01)).splitlines()
    assert lines[0] == "adam(lr=0.01, beta1=0.9, beta2=0.999, eps=1e-08), batches of 32, 6 steps"
    assert re.split(r"\s{2,}", lines[1]) == [
        "epoch",
        "train loss",
        "train accuracy",
        "test loss",
        "test accuracy",
    ]
    assert [line.split()[0] for line in lines[3:]] == ["0", "1", "2"]


# The progress bar


def test_nothing_is_written_where_nobody_watches(capfd):
    train(NETWORK, SMALL, rules.adam, epochs=2, batch_size=1)
    assert capfd.readouterr() == ("", "")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_on_a_terminal_a_bar_moves_and_is_gone_in_the_end(monkeypatch):
    clock = iter(range(1, 10_000))
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    train(NETWORK, SMALL, rules.adam, epochs=2, batch_size=30)
    frames = terminal.getvalue().split("\r\x1b[K")
    assert frames[1].startswith("[#####.........................] 1/6 epoch 1/2, loss ")
    assert frames[-2].startswith(f"[{'#' * 30}] 6/6 epoch 2/2")
    assert frames[-1] == ""


def test_a_bar_that_is_not_wanted_is_not_shown(monkeypatch):
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    train(NETWORK, SMALL, rules.adam, epochs=1, batch_size=30, progress=False)
    assert terminal.getvalue() == ""


def test_in_a_notebook_only_who_can_answer_sees_a_bar():
    from jupyter_client.manager import start_new_kernel

    manager, client = start_new_kernel(kernel_name="python3")
    code = (
        "import time\nfrom optimlab.progress import Progress\n"
        "with Progress(3) as show:\n    for i in (1, 2, 3):\n        show(i, 'step'); time.sleep(0.15)"
    )

    def outputs(somebody: bool) -> list[tuple[str, str]]:
        seen = []

        def keep(message):
            if message["msg_type"] not in ("status", "execute_input"):
                seen.append((message["msg_type"], message["content"]["data"]["text/plain"]))

        reply = client.execute_interactive(code, allow_stdin=somebody, output_hook=keep, timeout=60)
        assert reply["content"]["status"] == "ok"
        return seen

    try:
        assert outputs(False) == []
        first, *_, last = outputs(True)
        assert first == ("display_data", "[##########....................] 1/3 step")
        assert last == ("update_display_data", "")
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


# Bad input


@Rule
def unstarted(w, g, v, *, lr=0.1):
    v = v + g
    w = w - lr * v
    return w, v


GOOD = {"model": NETWORK, "data": SMALL, "rule": rules.adam, "epochs": 1, "batch_size": 32}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model": "network"}, "model 'network', which has no start.*Network"),
        ({"data": (1, 2)}, r"data \(1, 2\); expected a Dataset"),
        ({"rule": "adam"}, "rule 'adam'; expected a Rule, such as optimlab.rules.adam"),
        ({"rule": ewa}, "ewa carries v and takes theta.*weight w.*gradient g"),
        ({"rule": unstarted}, "unstarted gives v no initial value; write one, such as v=0.0"),
        ({"epochs": 0}, "epochs=0; expected a whole number, at least 1"),
        ({"epochs": 1.5}, "epochs=1.5"),
        ({"batch_size": 0}, "batch size 0"),
        ({"batch_size": 91}, r"batch size 91; expected a whole number from 1 .* to 90"),
        ({"clip": 1.0}, "clip=1.0; expected a function of the gradient"),
        ({"clip": lambda g: g[1:]}, r"clip returned the shape \(185,\) for a gradient of shape \(186,\)"),
        ({"w": np.zeros(3)}, r"w of shape \(3,\); <Network 20-8-2, 186 weights> has 186"),
        ({"model": Network(21, 8, 2)}, r"a network \(21, 8, 2\) takes \(samples, 21\)"),
        ({"lr": -0.1}, "adam got lr=-0.1; expected a finite number, at least 0"),
        ({"lr": float("nan")}, "adam got lr=nan"),
        ({"lr": "fast"}, "adam got lr='fast'"),
        ({"lr": None}, "adam got lr=None"),
        ({"lr": [0.1, 0.2]}, r"lr=\[0.1, 0.2\]; a training run takes one number or a schedule"),
        ({"beta1": 1.0}, "beta1=1.0; expected a share"),
        ({"beta": 0.9}, "no hyper-parameter 'beta'.*did you mean 'beta"),
        ({"lr": lambda t: -t}, "adam got lr=-1; expected a finite number"),
        ({"lr": lambda t: [t, t]}, r"lr=\[1, 1\] from its schedule at step 1; expected one number"),
        ({"lr": schedules.cosine}, "is made for 100 steps but the run makes 3"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(change, message):
    with pytest.raises(ValueError, match=message):
        train(**GOOD | change)
