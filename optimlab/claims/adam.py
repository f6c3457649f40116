"""Checks of the claims about Adam; `adam.yaml` names them.

In this order: Adam by hand, bias correction, the size of a step, what the formulas mean, one stream for
four rules, random labels, other networks and losses, Adam's relatives, cost. A rate is a learning rate.
"""
# A docstring here states a finding, and one assert may state it in several parts.

from __future__ import annotations

import functools
import inspect
import math
import time

import numpy as np

from .. import averages, rules
from ..datasets import Dataset, cat_vs_dog, digits
from ..descent import run
from ..format import number
from ..landscapes import four_points_online, ravine, reddi
from ..network import Network
from ..rule import Rule
from ..training import History, train
from ._say import printed_in, say

# The gradients of ten batches in N1: of a weight that always gets one, and of one that seldom does.
STEADY = (0.002, 0.0018, 0.0021, 0.0019, 0.002, 0.0022, 0.0018, 0.0019, 0.0021, 0.002)
RARE = (0, 0, 2.5, 0, 0, 0, 3.1, 0, 0, 0)


def _steps(rule: Rule, gradients, **hyper) -> np.ndarray:
    """Return the steps that a rule makes for given gradients, as multiples of the rate."""
    gradients = np.asarray(gradients, float)
    path = rule.trace(w=np.zeros(gradients.shape[1:]), g=gradients, lr=1.0, **hyper)["w"]
    return -np.diff(path, axis=0)


# Adam by hand.


def spike_goes_on() -> str:
    """After a spike the weight moves on while its gradient is 0: in all over 8 times as far as at once."""
    path = rules.adam.trace(w=0.5, g=RARE)["w"]
    printed = printed_in("adam-table-w2")["batch 10", "w"]
    alone = _steps(rules.adam, [0, 0, 2.5, *[0] * 300])[2:]
    half = int(np.argmax(np.cumsum(alone) > alone.sum() / 2)) + 1
    assert np.all(np.diff(path)[2:] < -3e-4) and 0.5 - path[-1] > 3 * (0.5 - printed)
    assert alone.sum() > 8 * alone[0] and 5 <= half <= 12
    return (
        f"after 10 batches {number(path[-1], 6)}, printed {number(printed, 6)}; a spike moves "
        f"{number(alone.sum() / alone[0], 2)} times its first step, half in {half} steps"
    )


def rate_of_w1() -> str:
    """No average of squares leaves their range; the printed ones do from batch 6 on."""
    squares = np.square(STEADY)
    v_hat = rules.adam.trace(w=0.5, g=STEADY)["v_hat"][1:]
    figures = printed_in("adam-table-w1")
    printed = np.array([figures[f"batch {t}", "v_hat"] for t in range(1, 11)])
    rates = 0.001 / np.sqrt(v_hat)
    assert np.all((v_hat > 0.999 * squares.min()) & (v_hat < squares.max()))
    assert np.all(printed[5:] > squares.max()) and np.all(rates > 0.45) and abs(rates[9] - 0.504) < 0.001
    return (
        f"largest square {number(squares.max())}, printed average in batch 10 {number(printed[9])}, right "
        f"{number(v_hat[9], 3)}; lr / √v̂ is {number(rates[9], 3)}, printed {figures['batch 10', 'eff_lr']}"
    )


def rate_without_meaning() -> str:
    """With gradients 1000 times as large lr / √v̂ falls to a thousandth, and the steps stay the same."""
    one, large = (rules.adam.trace(w=0.5, g=np.multiply(RARE, c)) for c in (1, 1000))
    rates = [0.001 / np.sqrt(path["v_hat"][7]) for path in (one, large)]
    assert np.allclose(one["w"], large["w"], rtol=0, atol=1e-10) and rates[1] < 0.0011 * rates[0]
    plain, step = 0.001 * RARE[6], one["w"][6] - one["w"][7]
    assert step < 0.25 * plain
    return (
        f"{number(rates[0], 2)} and {number(rates[1], 2)}; the step of batch 7 is {number(step, 2)} in both, "
        f"in plain descent {number(plain, 2)}"
    )


def oscillating_gradients() -> str:
    """On +0.08, -0.06, +0.07, -0.05 Adam's steps shrink and grow; most of its way is the first step."""
    g = (0.08, -0.06, 0.07, -0.05)
    steps, plain = 0.001 * _steps(rules.adam, g), 0.001 * np.array(g)
    assert steps[0] > 0.6 * steps.sum() and steps[1] < 0.1 * steps[0] and steps[2] > 4 * steps[1]
    constant = _steps(rules.adam, [1e-6] * 4)
    assert np.allclose(constant, 1, rtol=0.02) and steps.sum() > 30 * plain.sum()
    return f"steps {say(steps, 2)}, together {number(steps.sum(), 2)}; plain descent {number(plain.sum(), 2)}"


def third_step() -> str:
    """Under the constant gradient 2 all three steps are 0.1, the rate; the notes give the first one only."""
    path = rules.adam.trace(w=0.0, g=[2, 2, 2], lr=0.1)
    steps, figures = -np.diff(path["w"]), printed_in("adam-one-parameter")
    assert ("step 1", "update") in figures and not {("step 2", "update"), ("step 3", "m_3")} & set(figures)
    assert np.allclose(path["m"][2], figures["step 2", "m_2"]) and np.allclose(steps, 0.1)
    return f"steps {say(steps)}; m {say(path['m'][1:])}; v {say(path['v'][1:], 4)}"


# Bias correction.


def correction_lasts() -> str:
    """Corrections end when t exceeds the memory: m is within a tenth after 22 steps, v after 2302."""
    m, v = (averages.average(np.ones(3000), beta, corrected=False) for beta in (0.9, 0.999))
    ends = [int(np.argmax(share >= 0.9)) + 1 for share in (m, v)]
    factors = 1 / m[9], 1 / v[9], 1 / v[99], 1 / v[999]
    assert ends == [22, 2302] and factors[0] > 1.5 and factors[1] > 100 and factors[3] > 1.5
    assert m[39] > 0.98 and v[39] < 0.04
    return (
        f"factors at t = 10: m {number(factors[0], 3)}, v {number(factors[1], 3)}, at 100, 1000 still "
        f"{say(factors[2:])}; at 40 they have {m[39]:.1%}, {v[39]:.1%} of their level"
    )


def too_large_not_too_small() -> str:
    """Uncorrected steps are 3.16 to 6.57 times too large at first; with a short beta2 they are small."""
    ratio = _steps(rules.adam_uncorrected, np.ones(3000), eps=0)
    equal = _steps(rules.adam_uncorrected, np.ones(50), beta2=0.9, eps=0)
    below = int(np.argmax((ratio < 1.1) & (np.arange(3000) > 20))) + 1
    assert np.isclose(ratio[0], math.sqrt(10)) and 6.5 < ratio.max() < 6.6 and below > 1500
    assert np.all(ratio > 1) and np.isclose(equal[0], math.sqrt(0.1)) and np.all(equal < 1)
    return (
        f"{say(ratio[[0, 1]])} at t = 1, 2, at most {number(ratio.max(), 3)} at t = {ratio.argmax() + 1}, "
        f"below 1.1 at t = {below}; with both betas 0.9 it is {number(equal[0], 2)} at first"
    )


def steps_while_correction_fades() -> str:
    """Corrected steps are as long as the rate from the first one on; on the four points they get shorter."""
    constant = _steps(rules.adam, np.ones(5000))
    steps = np.abs(np.diff(run(rules.adam, four_points_online, steps=80, lr=0.1)["w"][:, 0]))
    weights = [run(rule, four_points_online, steps=20, lr=0.1).w[0] for rule in _BOTH]
    assert np.allclose(constant, 1) and steps[0] > 0.099 and steps[1:].max() < steps[0]
    assert steps[-4:].mean() < 0.3 * steps[:4].mean() and abs(weights[0] - 5) < 0.01 < abs(weights[1] - 5)
    return (
        f"four points: mean step {number(steps[:4].mean(), 2)} in epoch 1, {number(steps[-4:].mean(), 1)} in "
        f"epoch 20; after 5 epochs plain descent is at {number(weights[0], 4)}, Adam at "
        f"{number(weights[1], 3)}"
    )


_BOTH = rules.gradient_descent, rules.adam


def mean_over_runs() -> str:
    """Over many runs m falls short of the mean gradient by beta1^t of it: a bias; corrected it has none."""
    g = 1 + np.random.default_rng(0).normal(size=(20, 20_000))
    raw, corrected = (averages.average(g, 0.9, corrected=on).mean(axis=1) for on in (False, True))
    t = np.arange(1, 21)
    assert np.allclose(raw - 1, -(0.9**t), atol=0.03) and np.allclose(corrected, 1, atol=0.04)
    most = np.abs(corrected - 1).max()
    return (
        f"20,000 runs: m is off by {say((raw - 1)[[0, 4, 19]], 2)} at t = 1, 5, 20; corrected by at most "
        f"{number(most, 1)}"
    )


def early_rates_scatter() -> str:
    """Correction leaves 1/√v̂ noisy: at t = 1 it varies over 15 fold, at t = 1000 hardly at all."""
    g = 0.1 + np.random.default_rng(0).normal(size=(1000, 1, 1000))
    v_hat = run(rules.adam, g, record=("v_hat",))["v_hat"][:, 0]
    low, high = np.percentile(1 / np.sqrt(v_hat[[1, 10, 100, 1000]]), [5, 95], axis=1)
    assert high[0] > 15 * low[0] and high[1] > 1.7 * low[1] and high[3] < 1.15 * low[3]
    return f"95th over 5th percentile at t = 1, 10, 100, 1000: {say(high / low, 2)}"


def correction_and_training() -> str:
    """Without correction the network learns its random labels as well: the early steps do no harm here."""
    corrected, raw = (_quarter(rule) for rule in (rules.adam, rules.adam_uncorrected))
    first = _steps(rules.adam_uncorrected, [1.0], eps=0)[0]
    assert all(each.train_accuracy[-1] > 0.97 for each in corrected + raw) and 3 < first < 4
    losses = [np.mean([each.train_loss[-1] for each in five]) for five in (corrected, raw)]
    assert losses[1] < 2 * losses[0]
    return (
        f"5 seeds, mean loss after 6 epochs {_means(corrected)} with and {_means(raw)} without; the first "
        f"step is {number(first, 3)} times too large"
    )


# The size of a step.


def largest_step() -> str:
    """No step exceeds 7.27 times the rate; a lone spike gives 3.16 times, a steady gradient once."""
    bound = 0.1 / math.sqrt(0.001 * (1 - 0.81 / 0.999))
    spike = _steps(rules.adam, [*[0] * 6000, 1])[-1]
    worst = _steps(rules.adam, (0.999 / 0.9) ** np.arange(-3000.0, 3000), eps=0).max()
    heavy_tails = np.random.default_rng(0).standard_cauchy(size=(1000, 200))
    wild = np.abs(_steps(rules.adam, heavy_tails)).max()
    assert 7.2 < worst < bound + 1e-6 < 7.28 and wild < bound and 3.14 < spike < 3.163
    return (
        f"growing gradients {number(worst, 3)}, a spike {number(spike, 3)}, heavy tails {number(wild, 2)}; "
        f"the printed bound is {number(100 / 0.001)} times the rate"
    )


def step_ignores_scale() -> str:
    """Gradients of 0.0001 and of 10,000 make the same steps: none of 0.01, and none below 0.0009."""
    sizes = np.array([1e-4, 0.01, 1, 100, 1e4])
    steps = 0.001 * _steps(rules.adam, np.ones((100, 1)) * sizes)
    varied = np.random.default_rng(0).uniform(0.5, 1.5, size=(100, 1)) * sizes
    off = np.ptp(0.001 * _steps(rules.adam, varied), axis=1).max()
    assert np.abs(steps / 0.001 - 1).max() < 2e-4 and off < 1e-6
    return f"100 steps with gradients of {say(sizes)}: all {number(steps.mean(), 3)}"


def rates_of_three() -> str:
    """Rates of 0.1, 0.001 and 0.002 times gradients of 0.01, 1 and 0.5 are one step: 0.001 for all three."""
    figures = printed_in("adam-effective-lr-patterns")
    printed = [figures[name, "eff"] for name in "ABC"]
    path = rules.adam.trace(w=np.zeros(3), g=np.ones((100, 1)) * [0.01, 1, 0.5])
    rate, steps = 0.001 / np.sqrt(path["v_hat"][-1]), -np.diff(path["w"], axis=0)
    assert np.allclose(rate, printed) and np.allclose(steps, 0.001, rtol=1e-4) and rate[2] > 0.001
    return f"rates {say(rate)}, {rate[2] / 0.001:.0f} times the base for C; steps {say(steps[-1])}"


def scaled_loss() -> str:
    """Multiplying the loss by 0.001 or 1000 leaves Adam's path as it is; the gradient's norm says nothing."""

    def path(c):
        return run(rules.adam, lambda w: c * ravine.gradient(w), start=[-8, 2], steps=300, lr=0.1)["w"]

    norm = np.linalg.norm(ravine.gradient([-8, 2]))
    off = [np.abs(path(c) - path(1)).max() for c in (0.001, 1000)]
    assert max(off) < 1e-3 and 0.001 * norm < 0.1 and 1000 * norm > 10_000
    return (
        f"norms at the start {say((0.001 * norm, norm, 1000 * norm), 2)}; the three paths differ by less "
        "than 0.001, of a way of 8"
    )


def steady_and_alternating() -> str:
    """A steady gradient makes steps of the whole rate, one that alternates steps of a nineteenth."""
    steady, alternating = (_steps(rules.adam, g)[-1] for g in (np.ones(1000), (-1.0) ** np.arange(1000)))
    assert abs(steady - 1) < 1e-6 and abs(abs(alternating) - 1 / 19) < 1e-4
    return f"{number(steady, 3)} and {number(abs(alternating), 3)} times the rate"


# What the formulas mean.


def eps_in_and_out() -> str:
    """At a gradient of 1e-6, eps inside the root cuts the first step to a hundredth, outside by 1 %."""
    outside, inside = (_steps(rule, [1e-6])[0] for rule in (rules.adam, rules.adam_eps_inside))
    matched = _steps(rules.adam, [1e-6], eps=1e-4)[0]
    alike = [_steps(rule, [1.0])[0] for rule in (rules.adam, rules.adam_eps_inside)]
    assert 0.98 < outside < 1 and 0.009 < inside < 0.011 and abs(matched / inside - 1) < 0.02
    assert np.allclose(alike, 1)
    return f"{say((outside, inside))} times the rate; outside with 1e-4: {number(matched, 3)}"


def gradient_of_zero() -> str:
    """Without eps a weight whose gradient has always been 0 becomes NaN; with it the weight stays."""
    none, some = (rules.adam.trace(w=1.0, g=[0.0, 0.0], eps=eps)["w"] for eps in (0.0, 1e-8))
    tiny = [_steps(rules.adam, [g])[0] for g in (1e-6, 1e-8, 1e-10)]
    assert np.isnan(none[1:]).all() and np.all(some == 1) and tiny[2] < 0.01 < 0.49 < tiny[1] < 0.51
    return f"NaN and {number(some[-1])}; gradients of 1e-6, 1e-8, 1e-10 make {say(tiny, 2)} of a step"


def parts_of_adam() -> str:
    """Uncorrected and with beta1 = 0 Adam is RMSprop; its m is averaged momentum, a tenth of the sum."""
    g = np.random.default_rng(0).normal(size=(200, 3))
    start = {"w": np.zeros(3), "g": g, "lr": 0.01}
    bare = rules.adam_uncorrected.trace(beta1=0.0, **start)["w"]
    assert np.allclose(bare, rules.rmsprop.trace(rho=0.999, **start)["w"], rtol=0, atol=1e-12)
    whole, m = rules.adam.trace(**start)["w"], rules.adam.trace(**start)["m"][1:]
    average, total = (rule.trace(**start)["v"][1:] for rule in (rules.momentum_average, rules.momentum))
    assert np.allclose(m, average) and np.allclose(total, 10 * m) and np.abs(whole - bare).max() > 0.1
    return "200 steps: equal to rounding; the velocity of the sum is 10 times m at every step"


def second_moment() -> str:
    """Under the constant gradient 2 the variance is 0, and v̂ is 4, the mean of the squares."""
    v_hat = rules.adam.trace(w=0.0, g=np.full(100, 2.0))["v_hat"][1:]
    noisy = 2 + np.random.default_rng(0).normal(size=(3000, 100))
    found = rules.adam.trace(w=np.zeros(100), g=noisy)["v_hat"][-1].mean()
    assert np.allclose(v_hat, 4) and 4.8 < found < 5.2
    return f"{number(v_hat[-1])}; with noise of variance 1 around 2 it is {number(found, 2)}"


def v_after_100() -> str:
    """After 100 equal gradients v has a tenth of their square; only the corrected v̂ has all of it."""
    path = rules.adam.trace(w=0.0, g=np.full(100, 0.01))
    v, v_hat = path["v"][-1] / 0.01**2, path["v_hat"][-1] / 0.01**2
    assert 0.095 < v < 0.096 and np.isclose(v_hat, 1)
    return f"v is {number(v, 3)} of the square, v̂ {number(v_hat, 3)}"


def v_by_batch() -> str:
    """Batches of 32 calm v where few samples stand out; in plain noise v is smaller, but as unsteady."""
    random, spread, level = np.random.default_rng(0), [], []
    noise, rare = random.normal(size=(2000, 32, 10)), random.random((2000, 32, 10)) < 0.02
    for samples in (noise, rare.astype(float)):
        for size in (1, 32):
            v = averages.average(samples[:, :size].mean(axis=1) ** 2, 0.99)[500:]
            spread.append((v.std(axis=0) / v.mean(axis=0)).mean())
            level.append(v.mean())
    assert 0.8 < spread[1] / spread[0] < 1.25 and spread[3] < 0.5 * spread[2] and level[1] < 0.05 * level[0]
    return (
        f"spread over mean of v, batches of 1 and 32: {say(spread[:2], 1)} for noise, "
        f"{say(spread[2:], 1)} for a rare feature"
    )


def turned_direction() -> str:
    """For the gradient (1, 100) Adam's first step goes along the diagonal: v turns the direction too."""
    step = _steps(rules.adam, [[1.0, 100.0]])[0]
    angles = [math.degrees(math.atan2(y, x)) for x, y in (step, (1.0, 100.0))]
    assert abs(angles[0] - 45) < 0.01 and angles[1] > 89
    return f"{number(angles[0], 3)} degrees, the gradient {number(angles[1], 3)}"


def formula_without_weight() -> str:
    """Without the old weight on its right side the formula replaces the weight by the step."""
    steps = _steps(rules.adam_uncorrected, np.ones(3))
    path = rules.adam_uncorrected.trace(w=5.0, g=np.ones(3), lr=0.01)["w"]
    as_printed = -0.01 * steps
    assert np.allclose(np.diff(path), as_printed) and np.all(path > 4.8) and np.all(np.abs(as_printed) < 0.1)
    return f"from 5: {say(path[1:])}; by the formula as it stands {say(as_printed, 2)}"


def counted_from_zero() -> str:
    """Counted from t = 0 the first correction divides by zero; counted from 1 the step is the rate."""
    with np.errstate(all="ignore"):
        w0, w1 = (float(rules.adam(np.float64(1), np.float64(1), np.float64(t))[0]) for t in (0, 1))
    assert not math.isfinite(w0) and math.isclose(w1, 1 - 0.001, rel_tol=1e-6)
    return f"weight after the first step: {number(w0)} from t = 0, {number(w1)} from t = 1"


def moments_must_start_at_zero() -> str:
    """The correction is right only for moments that start at 0; from others the first step is spoiled."""
    w, g, steps = 0.0, 1.0, {}
    for m0, v0 in ((0.0, 0.0), (g, 0.0), (0.0, g**2)):
        steps[m0, v0] = -float(rules.adam(w, g, 1, m0, v0, lr=1.0)[0])
    assert np.isclose(steps[0, 0], 1) and np.isclose(steps[1, 0], 10) and steps[0, 1] < 0.04
    return f"first step {say(steps.values(), 2)} rates: from zero, from m = g, from v = g²"


def boxes_of_n4() -> str:
    """Dividing by an average of squares of its own, the AMSGrad box never uses its maximum; AMSGrad does."""
    g = np.random.default_rng(0).normal(size=(600, 5)) * np.where(np.arange(600) < 100, 10, 0.1)[:, None]
    start = {"w": np.zeros(5), "g": g, "lr": 0.01}
    plain, corrected = (rule.trace(beta2=0.99, **start) for rule in (rules.adam, rules.amsgrad))
    squares = rules.rmsprop.trace(rho=0.99, **start)["s"]  # E[g²], as the chapter on RMSprop has it
    box = -np.cumsum(0.01 * plain["m_hat"][1:] / np.sqrt(squares[1:] + 1e-8), axis=0)
    late = [np.abs(np.diff(path[400:], axis=0)).mean() for path in (box, plain["w"], corrected["w"])]
    assert np.allclose(squares, plain["v"]) and 0.8 < late[0] / late[1] < 1.2 and late[2] < 0.2 * late[0]
    return (
        f"mean step long after large gradients: {say(late, 1)} (box, Adam, AMSGrad); E[g²] is the "
        "uncorrected v"
    )


def equals_torch() -> str:
    """Adam and AdamW by the formula make the steps of torch.optim, to rounding; uncorrected Adam does not."""
    import torch

    g = np.random.default_rng(0).normal(size=(200, 4))
    off = []
    for rule, optimizer in zip(
        _FORMULAS, (torch.optim.Adam, torch.optim.AdamW, torch.optim.Adam), strict=True
    ):
        w = torch.ones(4, dtype=torch.float64, requires_grad=True)
        steps = optimizer([w], lr=0.01)
        for row in g:
            w.grad = torch.from_numpy(row)
            steps.step()
        off.append(np.abs(rule.trace(w=np.ones(4), g=g, lr=0.01)["w"][-1] - w.detach().numpy()).max())
    assert max(off[:2]) < 1e-12 and off[2] > 0.01
    return f"200 steps: off by less than 1e-12; without correction by {number(off[2], 1)}"


_FORMULAS = rules.adam, rules.adamw, rules.adam_uncorrected


def defaults_of_torch() -> str:
    """PyTorch's Adam has the defaults of the paper: 0.001, 0.9, 0.999, 1e-8, and AMSGrad off."""
    import torch

    defaults = {
        optimizer.__name__: {n: p.default for n, p in inspect.signature(optimizer).parameters.items()}
        for optimizer in (torch.optim.Adam, torch.optim.AdamW, torch.optim.RMSprop, torch.optim.NAdam)
    }
    adam = defaults["Adam"]
    assert (adam["lr"], adam["betas"], adam["eps"]) == (0.001, (0.9, 0.999), 1e-8)
    assert adam["amsgrad"] is False and adam["weight_decay"] == 0
    assert rules.adam.hyper == {"lr": 0.001, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8}
    rates = say(each["lr"] for each in defaults.values())
    return f"rates of {', '.join(defaults)}: {rates}; decay of AdamW {defaults['AdamW']['weight_decay']}"


# One stream of gradients for four rules, as in N1.


def rate_of_the_stream() -> str:
    """A gradient of 0.023 moves the weight by 0.000023 at the stated rate 0.001; ten times that is 0.01."""
    ends = [rules.gradient_descent.trace(w=0.5, g=[0.023], lr=lr)["w"][1] for lr in (0.001, 0.01)]
    printed = printed_in("adam-sec7-gd")["iter 1", "w"]
    assert np.isclose(ends[0], 0.499977, atol=1e-9) and np.isclose(ends[1], printed, atol=1e-9)
    return f"{number(ends[0])} at 0.001, {number(ends[1])} at 0.01; printed {number(printed)}"


def stream_for_four() -> str:
    """On the stream Adam takes over 300 iterations, not 7, as many as corrected RMSprop, no fewer."""
    g = np.random.default_rng(0).normal(0.02, 0.01, size=(16_000, 1, 20))
    ways = {
        "descent": (rules.gradient_descent, {}, 16_000),
        "average": (rules.momentum_average, {}, 16_000),
        "uncorrected RMSprop": (rules.rmsprop, {"rho": 0.999}, 100),
        "corrected RMSprop": (rules.adam, {"beta1": 0.0}, 500),
        "Adam": (rules.adam, {}, 500),
        "descent at 0.05": (rules.gradient_descent, {"lr": 0.05}, 500),
    }
    counts = {}
    for name, (rule, hyper, steps) in ways.items():
        w = run(rule, g, start=[0.5], steps=steps, **{"lr": 0.001, **hyper})["w"][:, 0]
        assert np.all(w[-1] < 0.2)
        counts[name] = np.argmax(w <= 0.2, axis=0).mean()
    assert min(counts["descent"], counts["average"]) > 14_000 and counts["uncorrected RMSprop"] < 60
    assert abs(counts["Adam"] / counts["corrected RMSprop"] - 1) < 0.05 < 0.5 < counts["Adam"] / 400
    assert abs(counts["descent at 0.05"] - 300) < 15
    return "iterations, 20 series: " + ", ".join(f"{name} {number(n, 2)}" for name, n in counts.items())


def spread_of_three() -> str:
    """Of three gradients with mean 0.02 and spread 0.01, -0.018 is one in 14,000: 3.8 spreads too low."""
    z = (0.02 - -0.018) / 0.01
    chance = math.erfc(z / math.sqrt(2)) / 2
    drawn = np.random.default_rng(0).normal(0.02, 0.01, 1_000_000)
    assert 3.79 < z < 3.81 and chance < 1e-4 and np.mean(drawn <= -0.018) < 2e-4
    return f"{number(z, 2)} spreads below the mean, probability {number(chance, 1)}"


def printed_speeds() -> str:
    """The notes give momentum, RMSprop and Adam speeds that differ by 5 to 10 times from page to page."""
    table = printed_in("adam-sec7-table")
    early = {"Momentum": (2, 3), "RMSprop": (2, 4), "Adam": (3, 5)}
    late = {name: table[name, "speed"] for name in early}
    factors = [(late[name] / high, late[name] / low) for name, (low, high) in early.items()]
    assert all(low > 4.5 for low, _ in factors) and max(high for _, high in factors) >= 10
    return "; ".join(
        f"{name} {low} to {high} and {number(late[name])}" for name, (low, high) in early.items()
    )


# Random labels: the network of N1, and one of a quarter of its size for sweeps.

WHOLE, QUARTER = Network(1000, 100, 2), Network(250, 25, 2)


def _start(network: Network, seed: int) -> np.ndarray:
    """Return first weights as torch draws them: uniform, within one over the root of a layer's inputs."""
    random, w = np.random.default_rng(seed), np.empty(network.size, np.float32)
    for layer, inputs in enumerate(network.sizes[:-1], start=1):
        for part in (network.named(w)[f"W{layer}"], network.named(w)[f"b{layer}"]):
            part[:] = random.uniform(-1, 1, part.shape) / np.sqrt(inputs)
    return w


@functools.cache
def _memorize(network: Network, rule: Rule, epochs: int, **hyper: float) -> list[History]:
    """Train on as many random labels as features, 32 batches an epoch, with the seeds 0 to 4."""
    features, runs = network.sizes[0], []
    for seed in range(5):
        samples = 1024 * features // 1000
        data = cat_vs_dog(samples, features, learnable=False, seed=seed)
        options = {"w": _start(network, seed), "seed": seed, "batch_size": samples // 32, "progress": False}
        runs.append(train(network, data, rule, epochs=epochs, **options, **hyper))
    return runs


def _quarter(rule: Rule, epochs: int = 6, lr: float = 0.004, **hyper: float) -> list[History]:
    """Train the small network; at 0.004 it learns as fast as the large one does at 0.001."""
    return _memorize(QUARTER, rule, epochs, lr=lr, **hyper)


def _means(runs: list[History]) -> str:
    """Write the mean of the last training losses."""
    return number(np.mean([each.train_loss[-1] for each in runs]), 1)


def random_labels() -> str:
    """Adam and plain descent know 95 % of the random labels within 3 epochs; new images they only guess."""
    adam = _memorize(WHOLE, rules.adam, 3, lr=0.001)
    plain = _memorize(WHOLE, rules.gradient_descent, 3, lr=0.1)
    figures = printed_in("adam-all-optimizers-output")
    printed = figures["SGD, epoch 9", "acc"], figures["Adam, epoch 3", "acc"]
    known = [min(each.train_accuracy[-1] for each in five) for five in (adam, plain)]
    guessed = [each.test_accuracy[-1] for each in adam + plain]
    assert min(known) > 0.95 > max(printed) / 100 and min(guessed) > 0.44 and max(guessed) < 0.56
    return (
        f"5 seeds, after 3 epochs: all above 95 % (printed: Adam {printed[1]} % after 4, descent "
        f"{printed[0]} % after 10); new images {np.mean(guessed):.0%}"
    )


def decay_on_random_labels() -> str:
    """AdamW and Adam end at the same loss and guess alike on new images: no regularization shows here."""
    adam, adamw = (_quarter(rule) for rule in (rules.adam, rules.adamw))
    ratios = [b.train_loss[-1] / a.train_loss[-1] for a, b in zip(adam, adamw, strict=True)]
    guessed = [np.mean([each.test_accuracy[-1] for each in five]) for five in (adam, adamw)]
    assert max(np.abs(np.log(ratios))) < 0.1 and abs(guessed[0] - guessed[1]) < 0.02
    assert all(each.train_accuracy[-1] > 0.98 for each in adam + adamw) and max(guessed) < 0.56
    shares = " and ".join(f"{share:.0%}" for share in guessed)
    return f"5 seeds: losses within 10 %, over 98 % of the labels known; new images {shares}"


def untrained() -> str:
    """An untrained network is right on half of the random labels: no curve starts at 75 %."""
    right = [each.train_accuracy[0] for each in _memorize(WHOLE, rules.adam, 3, lr=0.001)]
    table = printed_in("adam-training-results-table")
    firsts = [table["epoch 0", f"{name}_acc"] for name in ("standard", "momentum", "rmsprop", "adam")]
    assert 0.46 < np.mean(right) < 0.54 and max(right) < 0.6 and max(firsts) < 75
    return f"5 seeds: {np.mean(right):.0%} right; the table of the same run starts at {say(firsts)} %"


def printed_epochs() -> str:
    """In the printed outputs momentum and RMSprop never reach 95 %: both runs end below it."""
    figures = printed_in("adam-all-optimizers-output")
    ends = [figures[f"final {name}", "acc"] for name in ("SGD + Momentum", "RMSprop", "Adam")]
    table = printed_in("adam-epochs-to-accuracy")
    assert table["95% momentum", "epoch"] == table["95% RMSprop", "epoch"] == 9
    assert max(ends[:2]) < 95 < ends[2] and figures["Adam, epoch 6", "acc"] < 95
    return f"last accuracies {say(ends, 4)} % (momentum, RMSprop, Adam)"


def sweep_of_beta1() -> str:
    """Every beta1 from 0 to 0.99 learns all labels; the loss is lowest at 0.99, not at 0.9."""
    runs = {beta: _quarter(rules.adam, beta1=beta) for beta in (0.0, 0.9, 0.99)}
    assert all(each.train_accuracy[-1] > 0.99 for five in runs.values() for each in five)
    losses = np.mean([[each.train_loss[-1] for each in five] for five in runs.values()], axis=1)
    assert losses[2] < 0.9 * losses[1] and abs(losses[1] / losses[0] - 1) < 0.3
    return f"5 seeds, 6 epochs, losses for 0, 0.9, 0.99: {', '.join(_means(five) for five in runs.values())}"


def sweep_of_beta2() -> str:
    """Every beta2 from 0.9 to 0.9999 learns all labels, 0.9 with the lowest loss; only 0.5 is too low."""
    runs = {beta: _quarter(rules.adam, beta2=beta) for beta in (0.5, 0.9, 0.99, 0.999, 0.9999)}
    losses = np.mean([[each.train_loss[-1] for each in five] for five in runs.values()], axis=1)
    right = [min(each.train_accuracy[-1] for each in five) for five in runs.values()]
    assert min(right[1:]) > 0.99 and losses[1] < 0.5 * losses[3] and losses[2] < losses[3] < 0.6 * losses[0]
    return f"5 seeds, 6 epochs, losses for {say(runs, 4)}: {', '.join(map(_means, runs.values()))}"


def betas_in_any_order() -> str:
    """With equal betas, or beta2 the lower one, the labels are learned, with (0.999, 0.9) less so."""
    pairs = (0.9, 0.999), (0.95, 0.95), (0.95, 0.9), (0.999, 0.9)
    runs = [_quarter(rules.adam, beta1=beta1, beta2=beta2) for beta1, beta2 in pairs]
    least = [min(each.train_accuracy[-1] for each in five) for five in runs]
    losses = np.mean([[each.train_loss[-1] for each in five] for five in runs], axis=1)
    assert min(least[:3]) > 0.99 and least[3] > 0.85 and max(losses[1:3]) < losses[0]
    assert losses[3] > 3 * losses[1]
    return f"5 seeds, 6 epochs, losses for {', '.join(map(str, pairs))}: {', '.join(map(_means, runs))}"


def sweep_of_rates() -> str:
    """From 0.001 to 0.03 all rates learn over 97 % of the labels, and at 0.1 it is over 85 %, no chance."""
    rates = 0.001, 0.004, 0.03, 0.1
    runs = [_quarter(rules.adam, lr=rate) for rate in rates]
    right = np.array([[each.train_accuracy[-1] for each in five] for five in runs])
    assert np.all(right[:3].mean(axis=1) > 0.97) and np.all(right[3] > 0.85)
    return f"5 seeds, 6 epochs: {', '.join(f'{share:.0%}' for share in right.mean(axis=1))} for {say(rates)}"


def huge_rates() -> str:
    """At rates of 1 and 10 Adam's loss is huge but stays a number, and most labels are known."""
    runs = [_quarter(rules.adam, lr=rate) for rate in (0.1, 1.0, 10.0)]
    losses = np.array([[each.train_loss[-1] for each in five] for five in runs])
    plain = _quarter(rules.gradient_descent, lr=10.0)
    lost = sum(each.train_accuracy[-1] < 0.7 for each in plain)
    assert np.isfinite(losses).all() and np.all(losses[1] > 1) and np.all(losses[2] > 100)
    assert all(each.train_accuracy[-1] > 0.8 for five in runs for each in five) and lost == 5
    return (
        "5 seeds: losses above 1 at a rate of 1 and above 100 at 10, over 80 % known; descent at 10 guesses"
    )


# Other networks and losses.

SMALL = Network(64, 16, 10)


@functools.cache
def _classify(rule: Rule, rates: tuple[float, ...], steps: int = 300) -> np.ndarray:
    """Train on the digits with every rate from 5 starts: all runs at once, batches of 32.

    Returns accuracy on the test digits, loss on the training digits and loss at the start, by rate and seed.
    """
    data, random, k = digits(dtype=float), np.random.default_rng(0), len(rates)
    start = np.tile(np.array([SMALL.start(seed, float) for seed in range(5)]).T, k)

    def gradient(w):
        rows = np.tile(random.integers(0, len(data.train_y), (5, 32)), (k, 1))
        parts = [SMALL.named(one) for one in w.T]
        w1, b1, w2, b2 = (np.array([part[name] for part in parts]) for name in parts[0])
        x = data.train_x[rows]
        hidden = np.maximum(x @ w1.swapaxes(1, 2) + b1[:, None], 0)
        scores = hidden @ w2.swapaxes(1, 2) + b2[:, None]
        p = np.exp(scores - scores.max(axis=2, keepdims=True))
        p /= p.sum(axis=2, keepdims=True)
        delta = (p - np.eye(10)[data.train_y[rows]]) / 32
        back = (delta @ w2) * (hidden > 0)
        slopes = back.swapaxes(1, 2) @ x, back.sum(axis=1), delta.swapaxes(1, 2) @ hidden, delta.sum(axis=1)
        return np.concatenate([slope.reshape(5 * k, -1) for slope in slopes], axis=1).T

    ends = run(rule, gradient, start=start, steps=steps, record=(), lr=np.repeat(rates, 5)).w

    def measure(w, first):
        right = SMALL.accuracy(w, data.test_x, data.test_y)
        return right, *(SMALL.loss(each, data.train_x, data.train_y) for each in (w, first))

    return np.reshape([measure(*pair) for pair in zip(ends.T, start.T, strict=True)], (k, 5, 3))


def tuned_optimizers() -> str:
    """With the best of three rates each, descent, momentum, Adam and Nadam come within 3 points on digits."""
    best, worst = {}, {}
    for rule, top in (
        (rules.gradient_descent, 1),
        (rules.momentum, 0.1),
        (rules.adam, 0.03),
        (rules.nadam, 0.03),
    ):
        right = _classify(rule, (top, 0.3 * top, 0.03 * top))[:, :, 0].mean(axis=1)
        best[rule.name.replace("_", " ")], worst[rule.name] = right.max(), right.min()
    found = list(best.values())
    assert np.ptp(found) < 0.03 and abs(best["adam"] - best["nadam"]) < 0.025
    assert worst["adam"] < min(found) - 0.05
    shares = ", ".join(f"{name} {share:.0%}" for name, share in best.items())
    return f"5 starts, test digits: {shares}; Adam at the worst of its rates {worst['adam']:.0%}"


def knobs() -> str:
    """Adam has four hyper-parameters, descent one; the range of rates that work is not much wider for it."""
    counts, widths = [], []
    for rule, top in ((rules.gradient_descent, 3.0), (rules.adam, 0.3)):
        counts.append(len(rule.hyper))
        right = _classify(rule, tuple(top * 10 ** (-k / 4) for k in range(9)))[:, :, 0].mean(axis=1)
        widths.append(np.sum(right > 0.88) / 4)
    assert counts == [1, 4] and abs(widths[1] - widths[0]) < 0.8 and min(widths) > 0.5
    return f"rates with over 88 % on the digits span {say(widths)} powers of ten (descent, Adam)"


def same_symptom() -> str:
    """A loss that does not fall has two causes with opposite remedies: a rate too low, and one too high."""
    low, good, high = _classify(rules.adam, (1e-6, 0.01, 3.0))
    falls = [np.mean(each[:, 1]) / np.mean(each[:, 2]) for each in (low, good, high)]
    assert falls[0] > 0.95 and falls[2] > 0.8 and falls[1] < 0.1
    return f"loss after 300 steps over the first one: {say(falls, 1)} at 1e-6, 0.01, 3"


def small_data() -> str:
    """On 500 digits 0.001 tests better than 0.0003 after 25 epochs, and as well at equal training loss."""
    network, later, equal = Network(64, 64, 10), [], []
    for seed in range(5):
        whole = digits(seed=seed)
        data = Dataset("", whole.train_x[:500], whole.train_y[:500], whole.test_x, whole.test_y)
        options = {"batch_size": 32, "seed": seed, "progress": False}
        runs = [
            train(network, data, rules.adam, lr=lr, epochs=n, **options) for lr, n in ((3e-4, 60), (1e-3, 25))
        ]
        later.append(runs[1].test_accuracy[25] - runs[0].test_accuracy[25])
        assert max(each.train_loss[-1] for each in runs) < 0.5
        low, high = (np.interp(0.5, h.train_loss[::-1], h.test_accuracy[::-1]) for h in runs)
        equal.append(high - low)
    assert min(later) > 0 and abs(np.mean(equal)) < 0.02
    return f"5 seeds, test accuracy with 0.001 less 0.0003 after 25 epochs: {100 * np.mean(later):.0f} points"


def flat_or_sharp() -> str:
    """At equal training loss descent and Adam end equally sharp; what makes either flatter is its rate."""
    ways, found = [(rules.gradient_descent, (0.1, 0.5)), (rules.adam, (0.003, 0.03))], []
    for seed in range(5):
        data = digits(seed=seed, dtype=float)
        options = {"batch_size": 32, "seed": seed, "epochs": 1, "progress": False}
        for rule, lr in [(rule, lr) for rule, rates in ways for lr in rates]:
            w = SMALL.start(seed, float)
            for _ in range(60):
                history = train(SMALL, data, rule, w=w, lr=lr, **options)
                w = history.w
                if history.train_loss[-1] < 0.25:
                    break
            assert 0.15 < history.train_loss[-1] < 0.25
            found.append(_curvature(data, w))
    slow, fast, slow_adam, fast_adam = np.median(np.reshape(found, (5, 4)), axis=0)
    assert fast < 0.85 * slow and fast_adam < 0.85 * slow_adam and fast_adam < slow and fast < slow_adam
    curvatures = say((slow, fast, slow_adam, fast_adam), 2)
    return f"largest curvature, medians of 5: {curvatures} (descent at 0.1, 0.5; Adam at 0.003, 0.03)"


def _curvature(data: Dataset, w: np.ndarray) -> float:
    """Return the largest eigenvalue of the Hessian on the training data, by power iteration."""
    v = np.random.default_rng(0).normal(size=w.shape)
    for _ in range(20):
        v *= 1e-4 / np.linalg.norm(v)
        up, down = (SMALL.gradient(each, data.train_x, data.train_y)[1] for each in (w + v, w - v))
        v = up - down
    return float(np.linalg.norm(v) / 2e-4)


def rare_words() -> str:
    """Without any sequences Adam is far ahead where some words are rare; else descent is as good."""
    words, found = 40, []
    goal = 0.3 / words + 0.7 * np.eye(words)  # how often each word follows a word
    ways = (rules.gradient_descent, np.geomspace(10, 1000, 32)), (rules.adam, np.geomspace(0.1, 3, 32))
    for share in (1 / np.arange(1, words + 1), np.ones(words)):
        share /= share.sum()
        for rule, lr in ways:
            slope = functools.partial(_next_word, goal=goal, share=share)
            w = run(rule, slope, start=np.zeros((words**2, 32)), steps=20, record=(), lr=lr).w
            scores = w.reshape(words, words, -1)
            logs = scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))
            excess = np.sum(goal[:, :, None] * (np.log(goal)[:, :, None] - logs), axis=1)
            found.append(np.nanmin(share @ excess))
    assert found[0] > 0.01 and max(found[1:]) < 1e-4
    return (
        f"loss above the least after 20 steps, tuned: descent {number(found[0], 1)}, Adam below 0.0001; "
        "equal shares: both below it"
    )


def _next_word(w: np.ndarray, goal: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Return the gradient of a table of scores that predicts the next word from the last one."""
    scores = w.reshape(*goal.shape, -1)
    p = np.exp(scores - scores.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    return (share[:, None, None] * (p - goal[:, :, None])).reshape(w.shape)


def rate_for_large_batches() -> str:
    """With 8 times the batch the root rule keeps the noise; the linear rule keeps the pace, at more noise."""
    random, spread, way = np.random.default_rng(0), [], []
    for size, lr in ((1, 0.01), (8, 0.01 * 8**0.5), (8, 0.08)):

        def noisy(w, size=size):
            return w + 3 / size**0.5 * random.normal(size=w.shape)

        bowl = {"start": np.zeros((1, 400)), "steps": 3000}
        spread.append(run(rules.adam, noisy, lr=lr, record=(), **bowl).w.std())
        way.append(run(rules.adam, np.ones(800 // size), lr=lr, record=()).w[0])
    noise, pace = np.divide(spread, spread[0]), np.divide(way, way[0])
    assert 0.85 < noise[1] < 1.15 and noise[2] > 1.4 and abs(pace[2] - 1) < 0.01 and pace[1] < 0.4
    return f"noise {say(noise, 2)}; way after as many samples {say(pace, 2)} (small batch, root, linear)"


def clipped_spike() -> str:
    """A gradient 1000 times as large makes no huge step but 1000 short ones; clipped, it does not."""
    g = np.ones((3000, 1)) + 0.1 * np.random.default_rng(0).normal(size=(3000, 1))
    g[500] *= 1000
    paths = [run(rules.adam, g, lr=0.001, clip_norm=limit)["w"][:, 0] for limit in (None, 1.0)]
    ways = [abs(w[1600] - w[520]) for w in paths]
    jump = np.abs(np.diff(paths[0])).max()
    assert ways[0] < 0.2 * ways[1] and jump < 0.0073 and np.ptp(np.abs(np.diff(paths[1]))) < 1e-3
    tight = [run(rules.adam, c * g, lr=0.001, clip_norm=c)["w"] for c in (1.0, 0.01)]
    assert np.abs(tight[0] - tight[1]).max() < 1e-3
    return (
        f"steps 520 to 1600: {number(ways[0], 1)} instead of {number(ways[1], 2)}; the longest step is "
        f"{number(jump / 0.001, 2)} rates"
    )


def worst_point() -> str:
    """On a convex loss with bounded gradients Adam goes to the worst point, +1; AMSGrad goes to -1."""
    options = {"start": np.linspace(-1, 1, 5)[None], "steps": 3000, "record": (), "beta1": 0.0}
    options["lr"] = lambda t: 1 / math.sqrt(t)
    ways = (rules.adam, 1 / 10), (rules.amsgrad_paper, 1 / 10), (rules.adam, 0.999)
    short, amsgrad, long = (run(rule, reddi, beta2=beta2, **options).w[0] for rule, beta2 in ways)
    assert np.all(short > 0.9) and np.all(amsgrad < -0.9) and np.all(long < -0.9)
    ends = say((short.min(), amsgrad.max(), long.max()), 2)
    return f"5 starts end at {ends} (Adam with beta2 0.1, AMSGrad, Adam with 0.999)"


# Adam's relatives.


def rate_after_an_early_spike() -> str:
    """As PyTorch has it, AMSGrad's rate rises nearly 30 fold after an early spike; in the paper it cannot."""
    import torch

    g = np.array([1.0, *[0.01] * 1999])
    w = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    steps, rates = torch.optim.Adam([w], amsgrad=True), []
    for t, each in enumerate(g, start=1):
        w.grad = torch.full_like(w, each)
        steps.step()
        largest = steps.state[w]["max_exp_avg_sq"].item()
        rates.append(0.001 / math.sqrt(largest / (1 - 0.999**t)))
    ours = 0.001 / np.sqrt(rules.amsgrad.trace(w=0.0, g=g)["v_hat"][1:])
    paper = 0.001 / np.sqrt(rules.amsgrad_paper.trace(w=0.0, g=g)["v_hat"][1:])
    assert np.allclose(ours, rates) and np.all(np.diff(rates) > 0) and rates[-1] > 25 * rates[0]
    assert np.all(np.diff(paper) <= 0)
    return f"lr / √v̂ at t = 1, 100, 2000: {say(ours[[0, 99, 1999]], 2)}; in the paper it stays"


def decay_by_noise() -> str:
    """L2 inside Adam shrinks a quiet weight many times as much as a noisy one; AdamW shrinks both alike."""
    g = np.random.default_rng(0).normal(size=(2000, 2, 200)) * [[0.1], [10]]
    shrunk = []
    for rule in (rules.adam_l2, rules.adamw):
        ends = [
            run(rule, g, start=np.ones((2, 200)), lr=0.001, record=(), weight_decay=d).w for d in (0.0, 0.1)
        ]
        shrunk.append(np.mean(ends[0] - ends[1], axis=1))
    (quiet, noisy), alike = shrunk
    assert quiet > 10 * noisy and abs(alike[0] - alike[1]) < 0.01 and alike[0] > 0.1
    return (
        f"gradients of spread 0.1 and 10 shrink 1 by {say((quiet, noisy), 2)} with L2, by "
        f"{say(alike, 2)} with AdamW"
    )


def evaluations_of_nadam() -> str:
    """Nadam takes one gradient per step, at the weight itself; the look-ahead form of Nesterov does not."""
    import torch

    def points(rule):
        at = []
        path = run(rule, lambda w: at.append(w.copy()) or w, start=[1.0], steps=20, lr=0.1)["w"]
        return len(at), np.allclose(at, path[:-1])

    found = {rule.name: points(rule) for rule in (rules.nadam, rules.nesterov_lookahead)}
    w, calls = torch.ones(1, requires_grad=True), []
    w.grad = torch.ones(1)
    steps = torch.optim.NAdam([w])
    for _ in range(20):
        steps.step(lambda: calls.append(w.item()) or 0.0)
    assert found == {"nadam": (20, True), "nesterov_lookahead": (20, False)} and len(calls) == 20
    return (
        "20 gradients in 20 steps in both, Nadam's all at the weights of the path; torch asks for 20 as well"
    )


# Cost.


def times_of_a_run() -> str:
    """A run gives the same losses every time and takes a different time: a time is not a property of it."""
    data, losses, times = cat_vs_dog(256, 250, learnable=False), [], []
    for _ in range(2):
        begin = time.perf_counter()
        history = train(QUARTER, data, rules.momentum, epochs=2, batch_size=32, progress=False)
        times.append(time.perf_counter() - begin)
        losses.append(history.loss)
    printed = 2.34, 2.1, 2.12  # seconds that the notes print for one run of plain descent
    assert np.array_equal(*losses) and times[0] != times[1] and max(printed) / min(printed) > 1.1
    return f"16 losses equal to the last digit, two times; the notes print {say(printed)} seconds"


def share_of_the_step() -> str:
    """Adam's step takes over 5 % of the time of this network, and over twice as long as SGD's."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        layers = torch.nn.Linear(1000, 100), torch.nn.ReLU(), torch.nn.Linear(100, 2)
        model, x, y = torch.nn.Sequential(*layers), torch.randn(32, 1000), torch.zeros(32).long()

        def passes():
            model.zero_grad(set_to_none=False)
            torch.nn.functional.cross_entropy(model(x), y).backward()

        passes()
        optim, weights = torch.optim, list(model.parameters())
        ways = optim.SGD(weights, lr=0.0), optim.RMSprop(weights, lr=0.0), optim.Adam(weights, lr=0.0)
        training, sgd, rmsprop, adam = _seconds(passes, *(way.step for way in ways))
    finally:
        torch.set_num_threads(threads)
    assert adam > 2 * sgd and rmsprop > 1.3 * sgd and adam / (adam + training) > 0.05
    return "a step of RMSprop takes over 1.3 times as long as one of SGD, one of Adam over twice as long"


def _seconds(*functions, rounds: int = 30) -> list[float]:
    """Return the least time that each call takes; the calls take turns, so that a busy moment slows all."""
    times = []
    for _ in range(rounds):
        ticks = [time.perf_counter()]
        for function in functions:
            function()
            ticks.append(time.perf_counter())
        times.append(np.diff(ticks))
    return np.min(times, axis=0).tolist()


def bytes_of_training() -> str:
    """Weights, gradients and state take 2, 3, 3, 4 times the weights; Adam's state alone is twice them."""
    from torch import optim, zeros

    found = []
    heavy = {"momentum": 0.9}
    for made, options in ((optim.SGD, {}), (optim.SGD, heavy), (optim.RMSprop, {}), (optim.Adam, {})):
        w = zeros(100_000, requires_grad=True)
        w.grad = zeros(100_000)
        steps = made([w], lr=0.001, **options)
        steps.step()
        state = [tensor for tensor in steps.state[w].values() if tensor is not None and tensor.numel() > 1]
        found.append((w.nbytes + w.grad.nbytes + sum(tensor.nbytes for tensor in state)) / w.nbytes)
    gigabytes = (found[3] - 2) * 4 * 100e6 / 1e9
    assert found == [2, 3, 3, 4] and abs(gigabytes - 0.8) < 1e-9
    ratios = say(found)
    return f"{ratios} (SGD, momentum, RMSprop, Adam); state of 100 million weights: {number(gigabytes)} GB"
