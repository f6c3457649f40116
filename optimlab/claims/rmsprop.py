"""Checks of the claims about RMSprop; `rmsprop.yaml` names them.

In this order: the two weights of N1, the formula, what PyTorch does, noise and rare gradients, training.
"""
# A docstring here states a finding, and one assert may state it in several parts.

from __future__ import annotations

import functools
import inspect
from collections.abc import Iterable

import numpy as np
from numpy import sqrt

from .. import rules
from ..datasets import cat_vs_dog
from ..descent import run
from ..format import number
from ..network import Network
from ..rule import Rule
from ..training import History, train
from ._say import printed_in, say

# The gradients of the two weights in the ten batches of N1: one small and steady, one rare and large.
STEADY = (0.002, 0.0018, 0.0021, 0.0019, 0.002, 0.0022, 0.0018, 0.0019, 0.0021, 0.002)
RARE = (0, 0, 2.5, 0, 0, 0, 3.1, 0, 0, 0)
BOTH = np.column_stack([STEADY, RARE])


def _torch_path(gradients: Iterable[float], **hyper) -> np.ndarray:
    """Return the path of one weight from 0 that PyTorch's RMSprop takes for these gradients."""
    import torch

    w, path = torch.nn.Parameter(torch.zeros((), dtype=torch.float64)), [0.0]
    made = torch.optim.RMSprop([w], **hyper)
    for g in gradients:
        w.grad = torch.full_like(w, g)
        made.step()
        path.append(w.item())
    return np.array(path)


# The two weights of N1.


def batch_3() -> str:
    """In batch 3 the box corrects one weight and not the other; corrected, the rate of the first is 0.507."""
    corrected = rules.adam.trace(w=np.full(2, 0.5), g=BOTH[:3], lr=0.001, beta1=0.0)
    plain = rules.rmsprop.trace(w=np.full(2, 0.5), g=BOTH[:3], lr=0.001, rho=0.999)
    right, raw = 0.001 / sqrt(corrected["v_hat"][3]), 0.001 / sqrt(plain["s"][3])
    printed = printed_in("rmsprop-three-batches-beta0999")
    boxes = [printed[f"batch 3, w{i}", "eff_lr"] for i in (1, 2)]
    assert np.allclose(boxes, (raw[0], right[1]), rtol=2e-3) and raw[0] > 18 * right[0]
    return f"rates corrected {say(right)}, uncorrected {say(raw)}, printed {say(boxes)}"


def ten_batches() -> str:
    """The table shows AdaGrad: RMSprop's rate stays at 0.5 if corrected, and else falls from 15.8 to 5.05."""
    start = {"w": np.full(2, 0.5), "g": BOTH, "lr": 0.001}
    corrected = rules.adam.trace(**start, beta1=0.0)
    plain, summed = rules.rmsprop.trace(**start, rho=0.999), rules.adagrad.trace(**start)
    right, raw = (0.001 / sqrt(s[1:, 0]) for s in (corrected["v_hat"], plain["s"]))
    printed = printed_in("rmsprop-ten-batches-table")
    table = [printed[f"batch {t}", "w1"] for t in range(1, 11)]
    ends = [path["w"][10, 0] for path in (corrected, plain, summed)]
    assert 0.49 < right.min() < right.max() < 0.53 and raw[0] > 15 and 5 < raw[-1] < 5.1
    assert np.allclose(summed["w"][1:, 0], table, atol=1e-4) and ends[1] < ends[0] < table[-1] - 0.004
    return (
        f"corrected rates {say((right.min(), right.max()))}, uncorrected {say(raw[[0, 9]])}; w1 ends at "
        f"{say(ends, 4)} (corrected, uncorrected, AdaGrad), printed {number(table[-1])}"
    )


def jumps_of_w2() -> str:
    """Descent moves w2 by 0.006 in two steps, corrected RMSprop by 0.004 and uncorrected RMSprop by 0.06."""
    runs = {rules.gradient_descent: {}, rules.adam: {"beta1": 0.0}, rules.rmsprop: {"rho": 0.999}}
    paths = [rule.trace(w=np.full(2, 0.5), g=BOTH, lr=0.001, **hyper)["w"] for rule, hyper in runs.items()]
    moved = np.array([0.5 - path[10] for path in paths])
    steps = np.abs(np.diff(paths[0][:, 1]))
    assert np.sum(steps > 0) == 2 and steps.max() < 0.0032 and moved[1, 1] > 0.5 * moved[0, 1]
    assert moved[2, 1] > 9 * moved[0, 1] and moved[1, 0] > moved[0, 1]
    return (
        f"descent's steps {say(steps[steps > 0])}; ways of w1, w2: {say(moved[0])}, corrected "
        f"{say(moved[1])}, uncorrected {say(moved[2])}"
    )


def steps_of_two_wheels() -> str:
    """At rate 0.1 descent moves by 0.0001 or 0.25, as the gradient is; settled RMSprop moves by 0.1."""
    g = np.tile([0.001, 2.5], (2000, 1))
    plain, scaled = (
        -np.diff(rule.trace(w=np.zeros(2), g=g, lr=0.1)["w"], axis=0)[-1]
        for rule in (rules.gradient_descent, rules.rmsprop)
    )
    assert np.allclose(plain, (0.0001, 0.25)) and np.allclose(scaled, 0.1, rtol=1e-3)
    return f"steps of descent {say(plain)}, of RMSprop after 2000 steps {say(scaled)}"


# The formula.


def second_moment() -> str:
    """RMSprop divides by the mean square, not by the variance, which a steady gradient does not have."""
    noise = np.random.default_rng(0).standard_normal((3000, 20))
    constant = rules.rmsprop.trace(w=0.0, g=np.full(3000, 2.5))["s"][-1]
    steps = [
        -np.diff(rule.trace(w=np.zeros(20), g=10 + noise, lr=1.0)["w"], axis=0)[1000:].mean()
        for rule in (rules.rmsprop, rules.rmsprop_centered)
    ]
    assert np.isclose(constant, 6.25) and steps[0] < 1 < 9 < steps[1]
    return (
        f"gradient 2.5: s tends to {number(constant, 3)}; gradient 10, noise of 1: steps of {say(steps, 2)} "
        "times lr (mean square, variance)"
    )


def which_mean() -> str:
    """A plain mean of all squares does not forget: after a fall to a tenth its root is 7 times as high."""
    g = np.repeat([1.0, 0.1], 100)
    every, recent = sqrt(np.mean(g**2)), sqrt(rules.rmsprop.trace(w=0.0, g=g, rho=0.9)["s"][-1])
    s = rules.rmsprop.trace(w=0.0, g=STEADY, rho=0.999)["s"][-1]
    s_hat = rules.adam.trace(w=0.0, g=STEADY, beta1=0.0)["v_hat"][-1]
    shares = sqrt(np.array([s, s_hat]) / np.mean(np.square(STEADY)))
    assert np.isclose(recent, 0.1, rtol=0.01) and every > 7 * recent
    assert shares[0] < 0.11 and np.isclose(shares[1], 1, rtol=1e-3)
    return (
        f"roots {number(every, 3)} of all, {number(recent, 2)} of RMSprop; on the ten batches RMSprop's is "
        f"{number(shares[0], 2)} of that of all, corrected {number(shares[1], 3)}"
    )


@Rule
def _without_factor(w, g, s=0.0, *, lr=0.01, rho=0.999, eps=1e-8):
    """RMSprop without the factor 1 - rho, as the recap has it."""
    s = rho * s + g**2
    w = w - lr * g / (sqrt(s) + eps)
    return w, s


def missing_factor() -> str:
    """Without 1 - beta the sum tends to 1 / (1 - beta) times the mean square, and steps to 1/32 of lr."""
    given = {"w": 0.0, "g": np.ones(8000), "lr": 1.0, "rho": 0.999}
    traces = [rule.trace(**given) for rule in (_without_factor, rules.rmsprop)]
    steps = [-np.diff(each["w"])[[0, -1]] for each in traces]
    assert np.allclose([each["s"][-1] for each in traces], (1000, 1), rtol=1e-3)
    assert np.allclose(steps, [(1, sqrt(0.001)), (sqrt(1000), 1)], rtol=1e-3)
    return f"first and last steps: {say(steps[0])} without the factor, {say(steps[1])} with it"


@Rule
def _eps_beside(w, g, s=0.0, *, lr=0.1, rho=0.9, eps=1e-8):
    """RMSprop with the parenthesis of the summary: eps is added to the quotient."""
    s = rho * s + (1 - rho) * g**2
    w = w - (lr / sqrt(s) + eps) * g
    return w, s


def parenthesis() -> str:
    """With eps outside the quotient a first gradient of 0 gives an undefined weight; it guards nothing."""
    printed, right = (
        [rule.trace(w=0.5, g=[g], lr=0.1, rho=0.9)["w"][1] for g in (0.0, 1e-9)]
        for rule in (_eps_beside, rules.rmsprop)
    )
    assert np.isnan(printed[0]) and right[0] == 0.5 and printed[1] < 0.2 and right[1] > 0.48
    return f"w after a gradient of 0 and of 1e-9: {say(printed)}; with the right parenthesis {say(right)}"


@Rule
def _eps_inside(w, g, s=0.0, *, lr=0.001, rho=0.999, eps=1e-8):
    """RMSprop with eps inside the root."""
    s = rho * s + (1 - rho) * g**2
    w = w - lr * g / sqrt(s + eps)
    return w, s


def eps_in_two_places() -> str:
    """For the box's s of 4e-6 the place of eps changes 0.2 %, under a gradient of 1e-6 it changes all."""
    roots = sqrt(4e-6 + 1e-8), sqrt(4e-6) + 1e-8
    g = np.array([1e-3, 1e-6])
    outside, inside = (
        -rule.trace(w=np.zeros(2), g=[g], lr=1.0, rho=0.9)["w"][1] for rule in (rules.rmsprop, _eps_inside)
    )
    ratios = outside / inside
    assert 1.001 < roots[0] / roots[1] < 1.002 and ratios[0] < 1.06 and ratios[1] > 300
    return f"roots {say(roots, 5)}; first step outside over inside, gradients {say(g)}: {say(ratios)}"


# PyTorch.


def correction() -> str:
    """PyTorch corrects nothing: its first step is lr / sqrt(1 - alpha), far from the corrected rule's."""
    g = np.random.default_rng(0).standard_normal(50)
    ours, corrected = (
        rule.trace(w=0.0, g=g, lr=0.01, **hyper)["w"]
        for rule, hyper in ((rules.rmsprop, {"rho": 0.999}), (rules.adam, {"beta1": 0.0}))
    )
    path = _torch_path(g, lr=0.01, alpha=0.999)
    first = [_torch_path([size], lr=0.01)[1] / -0.01 for size in (1.0, 1e-3)]
    apart = np.abs(path - corrected).max()
    assert np.allclose(path, ours, atol=1e-12) and apart > 0.3 and np.allclose(first, 10, rtol=1e-3)
    return (
        f"first steps over lr for gradients 1 and 0.001: {say(first)}; alpha 0.999: up to "
        f"{number(apart, 2)} from the corrected rule, 0 from the uncorrected"
    )


def signature_of_torch() -> str:
    """In PyTorch RMSprop's decay is called alpha, with the default 0.99, and the default of lr is 0.01."""
    import torch

    known = inspect.signature(torch.optim.RMSprop).parameters
    found = {name: known[name].default for name in ("lr", "alpha", "eps")}
    assert found == {"lr": 0.01, "alpha": 0.99, "eps": 1e-8}
    return f"defaults: {', '.join(f'{name} {number(value)}' for name, value in found.items())}"


def centered() -> str:
    """The centered equations of the notes take the path of PyTorch's centered=True."""
    g = np.random.default_rng(0).standard_normal(50)
    ours = rules.rmsprop_centered.trace(w=0.0, g=g)["w"]
    path, plain = _torch_path(g, centered=True), _torch_path(g)
    assert np.allclose(path, ours, atol=1e-12) and np.abs(path - plain).max() > 1e-3
    return f"50 steps: 0 apart; from the uncentered path up to {number(np.abs(path - plain).max(), 1)}"


@Rule
def _momentum_first(w, g, s=0.0, v=0.0, *, lr=0.01, rho=0.99, momentum=0.9, eps=1e-8):
    """RMSprop with momentum as the notes write it: the velocity as a whole is divided."""
    s = rho * s + (1 - rho) * g**2
    v = momentum * v + g
    w = w - lr * v / (sqrt(s) + eps)
    return w, s, v


def divided_first() -> str:
    """PyTorch divides each gradient and then adds up; dividing the velocity, as printed, leads elsewhere."""
    g = 0.5 + np.random.default_rng(0).standard_normal((50, 10))
    path = np.transpose([_torch_path(column, momentum=0.9) for column in g.T])
    ours, printed = (
        rule.trace(w=np.zeros(10), g=g)["w"] for rule in (rules.rmsprop_momentum, _momentum_first)
    )
    apart = np.abs(path - printed)[-1]
    assert np.allclose(path, ours, atol=1e-12) and apart.min() > 0.05
    return f"50 steps of 10 noisy series: 0 apart; as printed at least {number(apart.min(), 2)} apart"


def three_decays() -> str:
    """The values 0.9, 0.99 and 0.999 are three methods: each forgets ten times as slowly as the last."""
    decays, g = np.array([0.9, 0.99, 0.999]), np.repeat([1.0, 0.01], [10_000, 10_000])
    first = -run(rules.rmsprop, [1.0], lr=1.0, rho=decays).w[0]
    s = run(rules.rmsprop, g, rho=decays, record=("s",))["s"][10_000:, 0]
    steps = np.argmax(s < 0.01 * s[0], axis=0)
    assert np.allclose(first, 1 / sqrt(1 - decays)) and np.all(steps[1:] > 9 * steps[:-1])
    return f"first steps over lr {say(first)}; steps from gradient 1 to a tenfold rate: {say(steps, 4)}"


# Rare and noisy gradients.


def _with_rare_feature(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return a feature of every row, one of 2 % of the rows, and labels with true weights 1 and -2."""
    random = np.random.default_rng(seed)
    x = np.column_stack([random.choice([-1.0, 1.0], 4000), random.random(4000) < 0.02])
    return x, random.random((4000, 1)) < 1 / (1 + np.exp(-x @ [[1.0], [-2.0]]))


def rare_feature() -> str:
    """A rare feature's gradients are as large but few: ten times the rate helps it, a tenth hurts it."""
    rates = np.array([[1.0, 1.0, 1.0], [0.1, 1.0, 10.0]])  # of the usual and the rare weight, three runs
    learned, ratios = [], []
    for x, y in map(_with_rare_feature, range(10)):
        path = rules.gradient_descent.trace(
            w=np.zeros((2, 3)),
            g=lambda w, x=x, y=y: rates * (x.T @ (1 / (1 + np.exp(-x @ w)) - y)) / 4000,
            steps=300,
            lr=1.0,
        )
        learned.append(path["w"][-1, 1])
        usual, rare = np.abs((0.5 - y) * x).T  # the gradient of each row, where both weights are 0
        ratios.append((rare.max() / usual.max(), sqrt(np.mean(usual**2) / np.mean(rare**2))))
    found, (size, faster) = np.mean(learned, axis=0), np.mean(ratios, axis=0)
    assert size == 1 and faster > 5 and found[0] > -0.4 and -1.7 < found[1] < -0.8 and found[2] < -1.8
    return (
        f"rare weight (truly -2) with a tenth of the rate, the same, ten times: {say(found, 2)}; RMSprop "
        f"gives it {number(faster, 1)} times the rate"
    )


def spikes() -> str:
    """A gradient that is zero but for a spike every 1000 steps gets 10 lr per spike, whatever its height."""
    g = np.zeros((5000, 2))
    g[::1000] = 0.001, 1.0
    ours, adagrad = (
        -np.diff(rule.trace(w=np.zeros(2), g=g, lr=1.0)["w"], axis=0)[::1000]
        for rule in (rules.rmsprop, rules.adagrad)
    )
    assert np.allclose(ours, 10, rtol=1e-3) and np.allclose(adagrad[-1], 1 / sqrt(5))
    return f"fifth spikes of 0.001 and 1: steps {say(ours[-1])} times lr; AdaGrad's {say(adagrad[-1])}"


def noise_in_a_bowl() -> str:
    """At equal speed RMSprop strays farther than momentum under normal noise, less under heavy tails."""
    random, found = np.random.default_rng(0), []
    for noise in (random.standard_normal((3000, 1, 200)), random.standard_t(1.5, (3000, 1, 200))):
        for rule, lr in ((rules.momentum, 0.01), (rules.rmsprop, 0.2)):
            far = np.full((1, 200), 10.0)
            w = run(rule, lambda w, t, n=noise: w + n[t - 1], start=far, steps=3000, lr=lr)["w"][:, 0]
            found.append((np.argmax(np.median(w, axis=1) < 1), sqrt(np.mean(w[1500:] ** 2))))
    steps, spread = np.transpose(found)
    assert np.all((steps > 14) & (steps < 26))
    assert spread[1] > 1.2 * spread[0] and spread[3] < 0.5 * spread[2]
    return (
        f"steps from 10 to 1: {say(steps)}; spread at the end: {say(spread, 1)} (momentum, RMSprop; normal "
        "noise, then heavy tails)"
    )


# Training.

NETWORK, SMALL = Network(1000, 100, 2), Network(100, 20, 2)


@functools.cache
def _images(seed: int):
    """Return 256 images with 100 features that can be learned."""
    return cat_vs_dog(256, 100, test_samples=256, seed=seed)


def _small(rule: Rule, lr: float, epochs: int = 10, **hyper) -> list[History]:
    """Train the small network with seeds 0 to 4."""
    options = {"epochs": epochs, "batch_size": 32, "progress": False, "lr": lr, **hyper}
    return [train(SMALL, _images(seed), rule, seed=seed, **options) for seed in range(5)]


def _memorize(epochs: int, **hyper) -> list[History]:
    """Train N1's network with RMSprop on 1024 images with random labels, with seeds 0 to 4."""
    options = {"epochs": epochs, "batch_size": 32, "progress": False, **hyper}
    images = [cat_vs_dog(learnable=False, test_samples=2, seed=seed) for seed in range(5)]
    return [train(NETWORK, each, rules.rmsprop, seed=seed, **options) for seed, each in enumerate(images)]


def decays_in_training() -> str:
    """Each at its best of four rates, 0.9 trains no worse than 0.99 and 0.999: all images are learned."""
    losses = []
    for rho in (0.9, 0.99, 0.999):
        runs = [_small(rules.rmsprop, lr, rho=rho) for lr in (0.003, 0.01, 0.03, 0.1)]
        best = min(runs, key=lambda five: np.mean([each.train_loss[-1] for each in five]))
        losses.append(np.mean([each.train_loss[-1] for each in best]))
        assert all(each.train_accuracy[-1] == 1 for each in best)
        assert np.mean([each.test_accuracy[-1] for each in best]) > 0.9
    assert losses[0] < losses[1] and losses[0] < losses[2]
    return f"loss after ten epochs for 0.9, 0.99, 0.999, means of 5 seeds: {say(losses, 1)}"


def tuned_rates() -> str:
    """Descent, momentum and RMSprop, each at its best of three rates, learn about equally fast."""
    rates = {
        rules.gradient_descent: (0.1, 0.3, 1.0),
        rules.momentum: (0.03, 0.1, 0.3),
        rules.rmsprop: (0.003, 0.01, 0.03),
    }
    epochs = []  # until the loss is below 0.02, 6 if never: a row for each rule, a column for each rate
    for rule, three in rates.items():
        losses = np.array([[each.train_loss for each in _small(rule, lr, epochs=5)] for lr in three])
        reached = losses < 0.02
        epochs.append(np.where(reached.any(axis=2), np.argmax(reached, axis=2), 6).mean(axis=1))
    best = np.min(epochs, axis=1)
    assert best.max() <= 3 and best.max() < 1.5 * best.min() and epochs[0][0] > 5
    return f"epochs to a loss of 0.02, means of 5 seeds: {say(best, 2)}; descent at 0.1 more than 5"


def printed_losses() -> str:
    """Two places print two final losses of one run; training gives less than a fifth of either."""
    table = printed_in("rmsprop-results-table")["RMSprop", "ep10_loss"]
    output = printed_in("adam-all-optimizers-output")["RMSprop, epoch 9", "loss"]
    losses = [each.train_loss[-1] for each in _memorize(6, lr=0.001)]
    assert output > table + 0.01 and max(losses) < 0.2 * table
    return f"printed {say((table, output), 4)}; measured below 0.04 after six epochs in each of 5 seeds"


def rate_of_01() -> str:
    """At 0.1 the first step moves every weight by 1, and the first epoch's loss is in the hundreds."""
    first = _torch_path([0.3], lr=0.1)[1]
    high, usual = ([each.loss.mean() for each in _memorize(1, lr=lr)] for lr in (0.1, 0.001))
    assert np.isclose(first, -1) and min(high) > 100 and max(usual) < 2
    return f"first step {number(first, 3)}; loss above 100 in each of 5 seeds, at a rate of 0.001 below 2"


def eps_in_training() -> str:
    """An eps of 1e-12 trains as 1e-8 does; 1e-3 is slower, and in half precision 1e-8 is zero."""
    losses = [
        np.mean([each.train_loss[1:] for each in _small(rules.rmsprop, 0.001, eps=eps)], axis=0)
        for eps in (1e-12, 1e-8, 1e-3)
    ]
    assert np.allclose(losses[0], losses[1], rtol=1e-3) and losses[2][-1] > 1.2 * losses[1][-1]
    assert np.float16(1e-8) == 0 < np.float16(1e-7)
    ends = [loss[-1] for loss in losses]
    return f"loss after ten epochs for eps 1e-12, 1e-8, 1e-3: {say(ends, 2)}, means of 5 seeds"


def same_seed() -> str:
    """Descent, RMSprop and Adam are equally deterministic: one seed gives one result, bit by bit."""
    equal = []
    for rule in (rules.gradient_descent, rules.rmsprop, rules.adam):
        one, two = (_small(rule, 0.01, epochs=2) for _ in range(2))
        equal.append(sum(np.array_equal(a.w, b.w) for a, b in zip(one, two, strict=True)))
        assert not np.array_equal(one[0].w, one[1].w)
    assert equal == [5, 5, 5]
    return f"equal pairs of runs, of 5: {say(equal)} (descent, RMSprop, Adam)"
