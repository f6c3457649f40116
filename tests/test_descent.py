"""Runs: equal to a plain loop, alone and among many; honest when they diverge; clear in what they refuse."""

from __future__ import annotations

import subprocess
import sys
import warnings

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from writing import define

from optimlab import clipping, descent
from optimlab.averages import ewa
from optimlab.catalog import RULES
from optimlab.descent import grid, run
from optimlab.landscapes import (
    LANDSCAPES,
    double_well,
    four_points,
    four_points_online,
    himmelblau,
    ravine,
    reddi,
    rosenbrock,
    saddle,
    sparse_dense_online,
)
from optimlab.rule import Rule
from optimlab.rules import (
    adagrad,
    adam,
    adam_uncorrected,
    adamw,
    amsgrad_paper,
    gradient_descent,
    momentum,
    momentum_lr_inside,
    nadam,
    nesterov,
    nesterov_lookahead,
)
from optimlab.schedules import cosine, exponential, one_cycle, step, warmup

OPTIMIZERS = {name: rule for name, rule in RULES.items() if "w" in rule.carried and rule.inputs == ("g",)}
each_rule = pytest.mark.parametrize("name", OPTIMIZERS)


def same(a, b):
    np.testing.assert_array_equal(np.asarray(a), np.asarray(b))


# A run is the rule, repeated


@each_rule
def test_a_run_equals_the_rules_own_trace_exactly(name):
    rule = OPTIMIZERS[name]
    numbers = {"lr": 1e-3} if "lr" in rule.hyper else {}
    ours = run(rule, rosenbrock, steps=50, record=(*rule.carried, "g"), **numbers)
    trace = rule.trace(w=np.array(rosenbrock.start), g=rosenbrock.gradient, steps=50, **numbers)
    for quantity in (*rule.carried, "g"):
        same(ours[quantity], np.broadcast_to(trace[quantity].T, ours[quantity].T.shape).T)


@each_rule
def test_everything_that_a_rule_computes_can_be_recorded(name):
    rule = OPTIMIZERS[name]
    numbers = {"lr": 1e-3} if "lr" in rule.hyper else {}
    trace = rule.trace(w=np.array([0.4, -1.0]), g=himmelblau.gradient, steps=9, **numbers)
    ours = run(rule, himmelblau, start=[0.4, -1.0], steps=9, record=rule.quantities, **numbers)
    for quantity in rule.quantities:
        expected = trace[quantity]
        same(ours[quantity], np.broadcast_to(expected.reshape(10, -1), (10, 2)))


def test_a_run_equals_torch():
    weight = torch.tensor(rosenbrock.start, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.Adam([weight], lr=0.05)
    path = [weight.detach().numpy().copy()]
    for _ in range(200):
        optimizer.zero_grad()
        x, y = weight
        ((1 - x) ** 2 + 100 * (y - x**2) ** 2).backward()
        optimizer.step()
        path.append(weight.detach().numpy().copy())
    np.testing.assert_allclose(run(adam, rosenbrock, steps=200, lr=0.05)["w"], path, rtol=1e-12, atol=1e-12)


def test_gradients_may_come_from_a_landscape_a_function_or_a_list():
    of_landscape = run(adam, himmelblau, steps=30, lr=0.1, record=("w", "g"))
    of_function = run(adam, himmelblau.gradient, start=himmelblau.start, steps=30, lr=0.1)
    of_list = run(adam, of_landscape["g"][1:], start=himmelblau.start, lr=0.1)
    same(of_function["w"], of_landscape["w"])
    same(of_list["w"], of_landscape["w"])


def test_a_function_may_take_the_step():
    seen = []

    def gradient(w, t):
        seen.append(t)
        return w * 0 + t

    same(run(gradient_descent, gradient, start=[0.0], steps=3, lr=1.0).w, [-6])
    assert seen == [1, 2, 3]


def test_a_list_of_numbers_is_the_gradients_of_one_weight():
    path = run(momentum, [1.0, 1.0, 0.0], lr=1.0, momentum=0.5)
    same(path["w"], [[0], [-1], [-2.5], [-3.25]])


def test_a_function_that_changes_what_it_gets_or_reuses_its_array_changes_no_step():
    out = np.zeros(2)

    def gradient(w):
        out[:] = 2 * w
        w[:] = 99
        return out

    kind = run(momentum, lambda w: 2 * w, start=[1.0, -1.0], steps=5)
    rude = run(momentum, gradient, start=[1.0, -1.0], steps=5, record=("w", "g"))
    same(rude["w"], kind["w"])
    assert len(np.unique(rude["g"][1:, 0])) == 5


def test_the_callers_arrays_stay_as_they_are():
    start, rates = np.ones((2, 3)), np.array([0.1, 0.2, 0.3])
    path = run(adam, rosenbrock, start=start, lr=rates, steps=3)
    same(start, np.ones((2, 3)))
    same(rates, [0.1, 0.2, 0.3])
    path["w"][0] = 7
    same(start, np.ones((2, 3)))


def test_a_landscape_that_changes_with_the_step_is_asked_for_each_step():
    path = run(gradient_descent, four_points_online, lr=0.1, steps=4, record=("w", "g", "value"))
    # The first step of the notes: w = 3, gradient 2 (6 - 10) 2 = -16, w = 4.6.
    assert path["g"][1, 0] == -16
    assert path["w"][1, 0] == pytest.approx(4.6)
    assert path["value"][2] == four_points_online.value(path["w"][2], 2)


def test_look_ahead_takes_the_gradient_where_the_rule_says():
    seen = []

    def gradient(w):
        seen.append(w.copy())
        return 2 * w

    path = run(nesterov_lookahead, gradient, start=[1.0], steps=4, lr=0.1, record=("w", "v"))
    for t in range(4):
        assert seen[t] == path["w"][t] - 0.1 * 0.9 * path["v"][t]


# What is recorded


def test_only_what_is_asked_for_is_recorded():
    path = run(adam, rosenbrock, steps=20, record=("value", "m_hat"))
    assert path["value"].shape == (21,)
    assert path["m_hat"].shape == (21, 2)
    assert np.isnan(path["m_hat"][0]).all()
    with pytest.raises(KeyError, match=r"'w' was not recorded, but value, m_hat; give record=\('w',\)"):
        path["w"]


def test_without_records_the_end_is_left():
    full, bare = run(adam, rosenbrock, steps=20), run(adam, rosenbrock, steps=20, record=())
    same(bare.w, full["w"][-1])
    assert set(bare.state) == {"w", "m", "v"}
    assert bare.value == rosenbrock.value(bare.w)


@pytest.mark.parametrize("every", [1, 3, 7, 50])
def test_every_few_steps_are_those_of_the_full_record(every):
    names = ("w", "value", "g", "v_hat")
    full = run(adam, rosenbrock, steps=20, record=names)
    some = run(adam, rosenbrock, steps=20, record=names, every=every)
    same(some.t, np.arange(0, 21, every))
    for name in names:
        same(some[name], full[name][::every])
    same(some.w, full.w)


def test_no_steps_leave_the_start():
    path = run(adam, rosenbrock, steps=0)
    same(path["w"], [rosenbrock.start])
    assert not path.diverged


# Many runs at once


@each_rule
def test_a_grid_equals_its_runs_one_by_one_exactly(name):
    rule = OPTIMIZERS[name]
    rng = np.random.default_rng(len(name))
    shares = [other for other in rule.hyper if other.startswith(("beta", "momentum", "rho", "nu"))][:1]
    axes = {"lr": [1e-4, 0.01, 0.3, 100.0]} | {other: rng.uniform(0, 0.99, 3) for other in shares}
    combined = grid(**axes)
    record = tuple(dict.fromkeys([*rule.carried, *rule.quantities, "g", "value"]))
    together = run(rule, rosenbrock, steps=25, record=record, **combined)
    for r in range(len(combined["lr"])):
        alone = run(rule, rosenbrock, steps=25, record=record, **{k: v[r] for k, v in combined.items()})
        for quantity in record:
            same(together[quantity][..., r], alone[quantity])
        same(together.w[:, r], alone.w)
        assert together.diverged_at[r] == alone.diverged_at


@pytest.mark.parametrize("name", LANDSCAPES)
def test_runs_in_blocks_on_any_landscape_equal_runs_one_by_one_exactly(name, monkeypatch):
    shape = LANDSCAPES[name]
    monkeypatch.setattr(descent, "BLOCK", 3 * shape.dimension)
    rates = np.geomspace(1e-3, 5, 10)
    record = ("w", "v", "value")
    decay = exponential.using(lr=rates)
    together = run(nesterov_lookahead, shape, steps=30, lr=decay, record=record)
    for r, lr in enumerate(rates):
        alone = run(nesterov_lookahead, shape, steps=30, lr=exponential.using(lr=lr), record=record)
        same(together["value"][..., r], alone["value"])
        same(together["w"][..., r], alone["w"])
        same(together["v"][..., r], alone["v"])
        same(together.state["v"][:, r], alone.state["v"])
        assert together.diverged_at[r] == alone.diverged_at


@settings(deadline=None, max_examples=25)
@given(data=st.data())
def test_with_schedules_clipping_and_a_box_runs_together_equal_runs_alone(data):
    rates = np.array(data.draw(st.lists(st.floats(1e-4, 5), min_size=1, max_size=5)))
    starts = np.array([[data.draw(st.floats(-2, 2)) for _ in rates] for _ in range(2)])
    more = {
        "clip_norm": data.draw(st.none() | st.floats(0, 10)),
        "clip_value": data.draw(st.none() | st.floats(0, 10)),
        "box": data.draw(st.none() | st.just((-1.5, 2.5))),
        "every": data.draw(st.integers(1, 4)),
        "beta1": lambda t: 0.9 - 0.5 / t,
    }
    rule = data.draw(st.sampled_from([adam, nadam, adamw]))
    together = run(rule, rosenbrock, start=starts, steps=12, lr=cosine.using(lr=rates, steps=12), **more)
    for r, lr in enumerate(rates):
        decay = cosine.using(lr=lr, steps=12)
        alone = run(rule, rosenbrock, start=starts[:, r], steps=12, lr=decay, **more)
        same(together["w"][..., r], alone["w"])


@pytest.mark.parametrize("block", [2, 1000])
def test_runs_may_differ_in_start_gradients_or_the_landscape_itself(block, monkeypatch):
    monkeypatch.setattr(descent, "BLOCK", block)
    starts = np.array([[0.0, 1.0, -2.0], [0.5, 0.0, 1.0]])
    kappas = np.array([1.0, 5.0, 20.0])
    gradients = np.random.default_rng(0).normal(size=(8, 2, 3))
    of_landscape = run(momentum, ravine.using(kappa=kappas), start=starts, steps=8)
    of_list = run(momentum, gradients, start=starts)
    for r in range(3):
        same(
            of_landscape["w"][..., r],
            run(momentum, ravine.using(kappa=kappas[r]), start=starts[:, r], steps=8)["w"],
        )
        same(of_list["w"][..., r], run(momentum, gradients[..., r], start=starts[:, r])["w"])
    same(
        run(momentum, gradients[..., 0], lr=[0.1, 0.2])["w"][..., 1],
        run(momentum, gradients[..., 0], lr=0.2)["w"],
    )


def test_a_grid_is_every_combination_and_folds_back():
    combined = grid(lr=[0.1, 0.2, 0.3], beta1=[0.0, 0.9])
    assert combined.shape == (3, 2)
    assert list(zip(combined["lr"], combined["beta1"], strict=True)) == [
        (lr, beta1) for lr in (0.1, 0.2, 0.3) for beta1 in (0.0, 0.9)
    ]
    path = run(adam, rosenbrock, steps=5, **combined)
    folded = combined.fold(path["w"])
    assert folded.shape == (6, 2, 3, 2)
    same(folded[..., 2, 1], run(adam, rosenbrock, steps=5, lr=0.3, beta1=0.9)["w"])
    with pytest.raises(ValueError, match=r"got values of shape \(5,\); expected 6 on the last axis"):
        combined.fold(np.zeros(5))


# Schedules, clipping, boxes


@pytest.mark.parametrize(
    "schedule",
    [step, exponential, cosine.using(steps=30), warmup(cosine.using(steps=25), 5), one_cycle.using(steps=30)],
    ids=repr,
)
def test_a_schedule_in_a_run_is_the_schedule_in_a_trace(schedule):
    path = run(momentum, ravine, steps=30, lr=schedule, momentum=0.5)
    trace = momentum.trace(w=np.array(ravine.start), g=ravine.gradient, steps=30, lr=schedule, momentum=0.5)
    same(path["w"], trace["w"])


def test_any_hyper_parameter_may_follow_a_schedule():
    path = run(momentum, [1.0, 1.0, 1.0], lr=1.0, momentum=lambda t: 1 - 1 / t)
    trace = momentum.trace(w=np.zeros(1), g=[[1.0]] * 3, lr=1.0, momentum=lambda t: 1 - 1 / t)
    same(path["w"], trace["w"])


def test_gradients_are_clipped_by_norm_and_then_by_value():
    path = run(gradient_descent, ravine, steps=1, lr=1.0, record=("g",), clip_norm=2.0, clip_value=1.5)
    full = ravine.gradient(ravine.start)
    np.testing.assert_allclose(path["g"][1], clipping.by_value(clipping.by_norm(full, 2.0), 1.5), rtol=1e-15)


def test_a_box_holds_every_weight():
    path = run(gradient_descent, saddle, steps=200, lr=0.1, box=(-2, 1.8))
    assert path["w"].min() >= -2
    assert path["w"].max() <= 1.8
    assert path.w[1] == 1.8


def test_a_landscapes_own_box_holds_without_being_asked_for():
    assert run(gradient_descent, reddi, steps=3000, lr=0.01)["w"].min() >= -1
    assert run(gradient_descent, reddi, steps=3000, lr=0.01, box=(-5, 5)).w[0] < -5 + 0.1


# Divergence


def test_divergence_is_a_flag_and_a_step_and_no_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        path = run(gradient_descent, rosenbrock, steps=50, lr=[1e-3, 1.0], record=("w", "value", "g"))
    same(path.diverged, [False, True])
    assert path.diverged_at[0] == 0
    lost = path.diverged_at[1]
    assert 0 < lost < 10
    # From there on it stands still where it last was, and nothing more is computed.
    same(path["w"][lost - 1 :, :, 1], np.broadcast_to(path["w"][lost - 1, :, 1], (52 - lost, 2)))
    assert np.isfinite(path["w"]).all()
    assert np.isfinite(path["value"]).all()
    assert np.isnan(path["g"][lost:, :, 1]).all()
    assert np.isfinite(path["g"][1:, :, 0]).all()
    same(path.w[:, 1], path["w"][-1, :, 1])


def test_the_step_that_is_lost_is_the_one_that_a_trace_shows():
    path = run(gradient_descent, rosenbrock, steps=50, lr=1.0)
    trace = gradient_descent.trace(w=np.array(rosenbrock.start), g=rosenbrock.gradient, steps=50, lr=1.0)
    beyond = ~(np.abs(trace["w"]) <= descent.LIMIT).all(axis=1)
    assert path.diverged is True
    assert path.diverged_at == np.argmax(beyond)


def test_a_gradient_that_becomes_undefined_is_divergence():
    path = run(gradient_descent, lambda w, t: w * (np.nan if t == 3 else 1), start=[1.0], steps=9, lr=0.5)
    assert (path.diverged, path.diverged_at) == (True, 3)
    same(path.w, [0.25])


def test_a_run_leaves_numpys_warnings_as_they_were():
    before = np.geterr()
    run(gradient_descent, rosenbrock, steps=5, lr=1e9)
    assert np.geterr() == before


# Facts of the course


@settings(deadline=None)
@given(st.floats(1e-3, 0.12), st.floats(0.1, 20), st.floats(-3, 3), st.floats(-3, 3))
def test_on_a_ravine_plain_descent_multiplies_each_error_by_the_same_factor_at_every_step(lr, kappa, x, y):
    path = run(gradient_descent, ravine.using(kappa=kappa), start=[x, y], lr=lr, steps=20)
    t = np.arange(21)[:, None]
    expected = np.array([x, y]) * (1 - lr * np.array([2, 2 * kappa])) ** t
    np.testing.assert_allclose(path["w"], expected, rtol=1e-9, atol=1e-12)


@settings(deadline=None)
@given(st.integers(-40, 40), st.integers(0, 2**32 - 1))
def test_adam_takes_the_same_path_whatever_the_scale_of_the_gradients(power, seed):
    gradients = np.random.default_rng(seed).normal(size=(30, 3))
    path = run(adam, gradients, lr=0.1, eps=0.0)
    same(run(adam, gradients * 4.0**power, lr=0.1, eps=0.0)["w"], path["w"])


def test_on_the_ravine_momentum_is_no_free_lunch_at_a_rate_that_suits_plain_descent():
    def needs(rule, **more):
        path = run(rule, ravine, start=[1, 1], lr=0.095, steps=400, record=("value",), **more)
        return None if path.diverged else int(np.argmax(path["value"] < 1e-5))

    assert needs(gradient_descent) == 66
    assert needs(momentum, momentum=0.9) == 131
    assert needs(nesterov_lookahead, momentum=0.9) is None
    assert needs(nesterov, momentum=0.9) is None


@pytest.mark.parametrize(
    ("rule", "limit"),
    [
        # The largest curvature of the ravine is 20; the share of the velocity is 0.9.
        (gradient_descent, 2 / 20),
        (momentum, 2 * 1.9 / 20),
        (nesterov_lookahead, 2 * 1.9 / (1 + 2 * 0.9) / 20),
    ],
    ids=lambda value: getattr(value, "name", str(value)),
)
def test_the_stability_limits_on_the_ravine(rule, limit):
    rates = limit * np.array([0.99, 1.01])
    path = run(rule, ravine, start=[1, 1], lr=rates, steps=5000, record=())
    same(path.diverged, [False, True])
    assert path.value[0] < 1e-12


def test_without_correction_adams_first_step_is_too_large_and_the_twelfth_the_largest():
    path = run(adam_uncorrected, np.ones(100), lr=1.0)
    steps = -np.diff(path["w"][:, 0])
    assert steps[0] == pytest.approx(3.16, abs=0.005)
    assert steps.max() == pytest.approx(6.57, abs=0.005)
    assert np.argmax(steps) + 1 == 12


def test_adams_step_is_at_most_3_16_rates_for_a_lone_spike_and_7_27_at_worst():
    spike = np.zeros(20000)
    spike[-1] = 1.0
    # The worst case makes the inequality of Cauchy and Schwarz an equality.
    worst = (0.9 / 0.999) ** np.arange(20000)[::-1]
    for gradients, bound in ((spike, 3.16), (worst, 7.27)):
        path = run(adam, gradients, lr=1.0, eps=1e-30)
        assert abs(path["w"][-1] - path["w"][-2]) == pytest.approx(bound, abs=0.005)


def test_momentum_carries_one_gradient_ten_times_as_far_and_no_farther():
    path = run(momentum, [1.0] + [0.0] * 500, lr=1.0, momentum=0.9)
    assert path.w[0] == pytest.approx(-10)
    assert np.all(path["w"] >= -10 - 1e-12)


def test_on_the_four_points_momentum_diverges_and_adagrad_arrives():
    assert run(momentum, four_points_online, steps=400, lr=0.1, momentum=0.9).diverged
    path = run(adagrad, four_points_online, steps=800, lr=0.1)
    assert path["w"][4, 0] == pytest.approx(3.215, abs=0.001)
    assert path.w[0] == pytest.approx(4.97, abs=0.005)
    assert run(gradient_descent, four_points, steps=100, lr=0.1).w[0] == pytest.approx(5)


def test_on_the_counterexample_adam_goes_to_the_worst_point_and_amsgrad_to_the_best():
    C = 3.0  # noqa: N806 (the paper's letter)
    numbers = {"lr": lambda t: 0.5 / np.sqrt(t), "beta1": 0.0, "beta2": 1 / (1 + C**2), "eps": 0.0}
    assert run(adam_uncorrected, reddi, steps=5000, record=(), **numbers).w[0] > 0.99
    assert run(amsgrad_paper, reddi, steps=5000, record=(), **numbers).w[0] < -0.99


def test_adagrad_leaves_the_sparse_weight_more_of_its_rate_and_plain_descent_neglects_it():
    plain = run(gradient_descent, sparse_dense_online, steps=100, lr=0.05).w
    assert abs(plain[1] - 1) > 5 * abs(plain[0] - 1)
    adaptive = run(adagrad, sparse_dense_online, steps=100, lr=1.0)
    dense, sparse = 1 / np.sqrt(adaptive.state["s"])
    assert sparse > 1.5 * dense
    assert np.abs(adaptive.w - 1).max() < 1e-3


def test_where_the_learning_rate_stands_matters_once_it_drops():
    drop = step.using(lr=0.05, gamma=0.1, every=20)
    outside, inside = (run(rule, ravine, steps=40, lr=drop)["w"] for rule in (momentum, momentum_lr_inside))
    np.testing.assert_allclose(outside[:21], inside[:21], rtol=1e-9, atol=1e-12)
    assert np.abs(outside - inside).max() > 0.1


def test_from_the_right_well_momentum_can_reach_the_lower_left_one_and_plain_descent_cannot():
    plain = run(gradient_descent, double_well, steps=500, lr=0.02)
    heavy = run(momentum, double_well, steps=500, lr=0.02, momentum=0.9)
    left, right = double_well.minima
    np.testing.assert_allclose(plain.w, right.w, atol=1e-6)
    np.testing.assert_allclose(heavy.w, left.w, atol=1e-6)


# What is refused


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"beta": 0.9}, r"adam has no hyper-parameter 'beta' \(did you mean 'beta\d'\?\); it has lr"),
        ({"step": 9}, r"no hyper-parameter 'step' \(did you mean 'steps'\?\)"),
        ({"lr": -0.1}, "adam got lr=.*; expected a finite number, at least 0"),
        ({"lr": np.nan}, "adam got lr=nan"),
        ({"lr": [0.1, np.inf]}, "adam got lr=.*inf"),
        ({"lr": "fast"}, "adam got lr='fast'; expected numbers"),
        ({"lr": None}, "adam got lr="),
        ({"beta1": 1.0}, "a share: at least 0 and less than 1"),
        ({"beta2": [0.9, -0.1]}, "adam got beta2="),
        ({"lr": [[0.1, 0.2]]}, r"lr of shape \(1, 2\); expected a number or one entry per run"),
        ({"lr": [0.1, 0.2], "beta1": [0.1, 0.2, 0.3]}, "different numbers of runs: lr for 2, beta1 for 3"),
        ({"lr": []}, "got no value for lr; give at least one run"),
        ({"lr": lambda t: -t}, "adam got lr="),
        ({"lr": lambda t: [0.1] * t}, r"the schedule of lr gives values of shape \(1,\), \(2,\)"),
        ({"lr": lambda t: "x"}, "the schedule of lr gave for t=1 lr='x'"),
        (
            {"lr": cosine.using(steps=3)},
            "the schedule of lr is made for 3 steps but the run makes 5; give the schedule steps=5 "
            r"\(with a warm-up, both parts together\) or the run steps=3",
        ),
        ({"lr": warmup(cosine.using(steps=2), 2)}, "is made for 4 steps but the run makes 5"),
        ({"lr": cosine}, "is made for 100 steps but the run makes 5"),
        ({"start": [1, 2, 3]}, r"start of shape \(3,\); rosenbrock expects \(2,\), or \(2, R\)"),
        ({"start": [1, np.nan]}, "expected finite numbers"),
        ({"start": 3.0}, r"start of shape \(\)"),
        ({"start": np.zeros((2, 0))}, r"start of shape \(2, 0\)"),
        ({"steps": -1}, "got steps=-1; expected a whole number, at least 0"),
        ({"steps": 2.5}, "got steps=2.5"),
        ({"every": 0}, "got every=0; expected a whole number, at least 1"),
        ({"record": "w"}, r"got record='w'; expected several names, such as \('w',\)"),
        ({"record": ("mhat",)}, r"got record of 'mhat' \(did you mean 'm_hat'\?\); there is w, m, v, g"),
        ({"clip_norm": -1}, "got clip_norm=-1; expected one number, at least 0"),
        ({"clip_value": np.nan}, "got clip_value=nan"),
        ({"box": (1, -1)}, r"got box=\(1, -1\); expected \(low, high\)"),
        ({"box": 3}, "got box=3"),
    ],
)
def test_what_does_not_fit_a_run_is_refused_by_name(arguments, message):
    with pytest.raises(ValueError, match=message):
        run(adam, rosenbrock, **{"steps": 5, **arguments})


@pytest.mark.parametrize(
    ("on", "arguments", "message"),
    [
        ([], {}, "got an empty list of gradients"),
        (np.zeros((3, 0)), {}, "got an empty list of gradients"),
        ([1.0, np.nan, 2.0], {}, r"the gradient of step 2 is \[nan\]; expected finite numbers"),
        ([[1.0, 2.0], [3.0]], {}, "expected numbers, in rows of one length"),
        ("abc", {}, "got the gradients='abc'"),
        (np.zeros((1, 1, 1, 1)), {}, r"gradients of shape \(1, 1, 1, 1\); expected \(T,\), \(T, n\) or"),
        (np.ones((4, 2)), {"steps": 5}, "got steps=5 but 4 gradients"),
        (np.ones((4, 2)), {"start": [1, 2, 3]}, r"the gradient expects \(2,\)"),
        (np.ones((4, 2, 3)), {"lr": [0.1, 0.2]}, "the gradients for 3, lr for 2"),
        (np.ones((4, 2)), {"record": ("value",)}, "only a landscape has a value"),
        (lambda w: w, {}, "a gradient of your own needs a start"),
        (
            lambda w: w[0],
            {"start": [1, 2]},
            r"the gradient at step 1 has shape \(\); expected that of w, \(2,\)",
        ),
        (
            lambda w: None,
            {"start": [1, 2]},
            r"the gradient at step 1 has shape|the gradient at step 1 gave g=None",
        ),
    ],
)
def test_gradients_that_do_not_fit_are_refused_by_name(on, arguments, message):
    with pytest.raises(ValueError, match=message):
        run(gradient_descent, on, **arguments)


def test_a_rule_that_does_not_descend_is_refused():
    with pytest.raises(ValueError, match="a descent needs a rule with a weight w and a gradient g"):
        run(ewa, rosenbrock)


def test_a_run_without_a_landscape_has_no_value():
    with pytest.raises(ValueError, match="compute it from w"):
        run(adam, [1.0]).value  # noqa: B018


@pytest.mark.parametrize(
    ("axes", "message"),
    [
        ({}, "grid got nothing"),
        ({"lr": 0.1}, r"grid got lr of shape \(\); expected a list"),
        ({"lr": []}, "expected a list of at least one number"),
        ({"lr": ["a"]}, "grid got lr="),
    ],
)
def test_a_grid_of_nothing_is_refused(axes, message):
    with pytest.raises(ValueError, match=message):
        grid(**axes)


# What is derived from a rule of one's own


def test_a_rule_of_ones_own_runs_with_everything_it_computes():
    own = Rule(
        define(
            """
            def odd(w, g, t, v=1.0, *, lr=0.1, beta=0.5):
                decay = lr / sqrt(t)
                v = where(beta < 0.4, v, beta * v) + (1 - beta) ** 2 * g
                half = beta / 2
                w = w - decay * v * half
                return w, v
            """
        )
    )
    record = ("decay", "half", "v", "w")
    path = run(own, rosenbrock, steps=6, lr=[1e-3, 2e-3], beta=[0.3, 0.5], record=record)
    for r, (lr, beta) in enumerate([(1e-3, 0.3), (2e-3, 0.5)]):
        trace = own.trace(w=np.array(rosenbrock.start), g=rosenbrock.gradient, steps=6, lr=lr, beta=beta)
        for name in record:
            same(path[name][..., r], np.broadcast_to(trace[name].reshape(7, -1), (7, 2)))


def test_the_module_needs_numpy_only():
    program = (
        "import sys, optimlab.descent, optimlab.schedules, optimlab.landscapes, optimlab.clipping\n"
        "heavy = {'torch', 'matplotlib', 'ipywidgets', 'anywidget', 'yaml', 'numba'} & set(sys.modules)\n"
        "sys.exit(', '.join(heavy) or 0)"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


def test_a_run_says_what_it_was():
    path = run(adam, rosenbrock, steps=5, lr=[0.1, 1e13])
    assert repr(path) == "<Descent of adam on rosenbrock: 2 runs, 1 diverged>"
    assert repr(grid(lr=[1, 2], eps=[1])) == "<Grid of 2 lr × 1 eps>"
