"""Checks of the claims about learning-rate schedules."""

from __future__ import annotations

import warnings

import numpy as np

from .. import rules
from ..format import number
from ..schedules import ReduceOnPlateau, constant, cosine, exponential, linear, polynomial, step, warmup
from ._say import say


def _torch_rates(make, epochs: int) -> np.ndarray:
    """Return the rate that each epoch is trained with under a torch scheduler, from 0.001."""
    import torch

    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(()))], lr=0.001)
    scheduler, rates = make(torch.optim.lr_scheduler, optimizer), []
    for _ in range(epochs):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return np.array(rates)


def _final_errors(rule, noise: float, **hyper) -> float:
    """Return the mean squared weight after 400 steps on w**2 / 2 with noisy gradients, over 2000 runs."""
    g, w = np.random.default_rng(0).normal(0, noise, (400, 2000)), np.full(2000, 3.0)
    state = {name: np.zeros(2000) for name in rule.state}
    for t in range(1, 401):
        now = {name: value(t) if callable(value) else value for name, value in hyper.items()}
        order = {"t": t} if rule.uses_t else {}
        w, *rest = np.atleast_2d(rule(w, w + g[t - 1], **order, **state, **now))
        state = dict(zip(state, rest, strict=True))
    return float(np.mean(w**2))


def step_decay() -> str:
    """Epochs 0, 30, 60 and 90 are the first with 1e-3, 1e-4, 1e-5 and 1e-6, in torch as by the formula."""
    rates = step.using(lr=1e-3, gamma=0.1, every=30)(np.arange(1, 101))
    torch_rates = _torch_rates(lambda kinds, optimizer: kinds.StepLR(optimizer, 30, gamma=0.1), 100)
    drops = np.flatnonzero(rates[1:] < 0.5 * rates[:-1]) + 1
    assert np.allclose(rates, torch_rates, rtol=1e-9) and drops.tolist() == [30, 60, 90]
    return f"epochs 29, 30, 60, 90: {say(rates[[29, 30, 60, 90]])}"


def cosine_end() -> str:
    """A cosine from 0.001 to 1e-6 over 100 epochs trains its last epoch with a little more than 1e-6."""
    schedule = cosine.using(lr=1e-3, lr_min=1e-6, steps=100)
    torch_rates = _torch_rates(lambda kinds, made: kinds.CosineAnnealingLR(made, 100, eta_min=1e-6), 101)
    assert np.allclose(torch_rates, schedule(np.arange(1, 102)), rtol=1e-6)
    assert schedule(100) > 1.2e-6 and np.isclose(schedule(101), 1e-6)
    return f"first {number(schedule(1))}, 51st {number(schedule(51))}, 100th {number(schedule(100), 3)}"


def cosine_is_flat_at_both_ends() -> str:
    """A cosine falls slowly at the start and at the end, and fastest in the middle."""
    rates = cosine.using(lr=1.0, steps=100)(np.arange(1, 102))
    fall = rates[:-10:45] - rates[10::45]  # over the first, the middle and the last ten steps
    exponentially = exponential.using(lr=1.0, gamma=0.95)(np.arange(1, 102))
    assert fall[1] > 5 * fall[0] and fall[1] > 5 * fall[2]
    assert exponentially[0] - exponentially[10] > exponentially[45] - exponentially[55]
    return f"share lost in the first, middle and last ten of 100 steps: {say(fall, 2)}"


def axis_of_the_plots() -> str:
    """The middle of an axis from 1e-6 to 0.001 is 0.0005, and the warm-up starts at a tenth, not at 1e-6."""
    first = linear.using(lr=1e-3, start=0.1, end=1.0, steps=9)(1)
    middle = cosine.using(lr=1e-3, lr_min=1e-6, steps=100)(51)
    assert abs(middle - 0.0005) < 1e-6 and first == 1e-4 and first > 50 * 1e-6
    return f"the middle is {number(middle)}, the first rate of the warm-up {number(first)}"


def verbose_plateau() -> str:
    """PyTorch has dropped the argument `verbose` of ReduceLROnPlateau, or warns that it will."""
    import torch

    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(()))], lr=0.001)
    objections = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, verbose=True)
        except TypeError as error:
            objections.append(error)
    objections += [warning.message for warning in caught]
    assert any("verbose" in str(objection) for objection in objections)
    return "it objects to verbose; get_last_lr() tells the rate"


def plateau_epoch() -> str:
    """A loss that improves up to epoch 10 halves the rate, with patience 5, from epoch 17 on."""
    import torch

    losses = [1 / (1 + min(epoch, 10)) for epoch in range(20)]
    ours = ReduceOnPlateau(0.001, factor=0.5, patience=5).rates(losses)
    optimizer, rates = torch.optim.SGD([torch.nn.Parameter(torch.zeros(()))], lr=0.001), []
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.5, patience=5)
    for loss in losses:
        rates.append(optimizer.param_groups[0]["lr"])
        scheduler.step(loss)
    assert np.allclose(ours, rates) and np.argmax(ours < 0.001) == 17
    return f"epochs 16 and 17 train with {say(ours[[16, 17]])}"


def warmup_then_cosine() -> str:
    """Ten epochs of warm-up reach 0.001 in epoch 9, and epoch 10, the first of the cosine, has it again."""
    before = linear.using(lr=1e-3, start=0.1, steps=9)(np.arange(1, 11))
    after = cosine.using(lr=1e-3, lr_min=1e-6, steps=90)(np.arange(1, 91))
    rates = np.append(before, after)
    assert (
        np.allclose(before, 1e-4 * np.arange(1, 11)) and np.isclose(rates[9], rates[10]) and rates[11] < 1e-3
    )
    return f"epochs 0, 9, 10, 55, 99: {say(rates[[0, 9, 10, 55, 99]], 4)}"


def warmup_counted_from_zero() -> str:
    """Counted from 0, a warm-up t/T makes the first step with rate 0; t + 1 avoids that."""
    ramps = [np.minimum(np.arange(first, first + 600) / 500, 1) * 0.001 for first in (0, 1)]
    moved = [
        rules.adam.trace(w=1.0, g=np.ones(3), lr=lambda t, ramp=ramp: ramp[t - 1])["w"] for ramp in ramps
    ]
    assert moved[0][1] == 1 and moved[1][1] < 1 and ramps[1][499] == 0.001 == ramps[1][-1]
    return f"first two rates: {say(ramps[0][:2])} or {say(ramps[1][:2])}"


def warmup_snippet() -> str:
    """A linear warm-up from 0.0001 reaches 0.001 after 500 steps and stays there."""
    rates = linear.using(lr=1e-3, start=0.1, steps=500)(np.arange(1, 602))
    twin = _torch_rates(lambda kinds, made: kinds.LinearLR(made, 0.1, total_iters=500), 601)
    assert np.allclose(rates, twin, rtol=1e-9) and rates[499] < 0.001 and np.isclose(rates[500], 0.001)
    return f"steps 0, 250, 499, 500, 600: {say(rates[[0, 250, 499, 500, 600]], 4)}"


def warmup_lengths() -> str:
    """N2's two rules fit together for some lengths only, and N3's share begins where N2's ends."""
    lengths = np.array([2000, 10_000, 100_000, 1_000_000])
    shares = np.array([[0.01, 0.05], [0.05, 0.10]])  # N2, N3
    (low, high), (other, _) = shares[:, :, None] * lengths
    fits = (low <= 2000) & (high >= 500)  # N2's other rule: 500 to 2000 steps
    assert np.all(other >= high) and fits.tolist() == [False, True, True, False]
    return (
        f"1 to 5 % of 2000 steps are {low[0]:.0f} to {high[0]:.0f}, of 1,000,000 steps {low[3]:.0f} to "
        f"{high[3]:.0f}: neither is 500 to 2000"
    )


def warmup_helps_at_large_rates() -> str:
    """Warm-up helps Adam on digits at a rate that is too large without it, and costs at a smaller one."""
    from ..datasets import digits
    from ..network import Network
    from ..training import train

    data, network, better = digits(), Network(64, 32, 10), []
    few = {"epochs": 4, "batch_size": 256, "progress": False}
    for lr in (0.01, 0.1):
        ends = []
        for seed in range(10):
            for rate in (lr, warmup(constant.using(lr=lr), 5, start=1 / 6)):
                path = train(network, data, rules.adam, seed=seed, lr=rate, **few)
                ends.append(path.train_loss[-1])
        better.append(int(np.sum(np.diff(np.reshape(ends, (10, 2)))[:, 0] < 0)))
    assert better[0] <= 2 and better[1] >= 8
    return f"lower loss with warm-up in {better[0]} of 10 seeds at rate 0.01 and in {better[1]} of 10 at 0.1"


def decay_removes_noise() -> str:
    """A constant rate leaves a floor only where gradients are noisy; decay lowers it, for Adam as well."""
    falling = {lr: cosine.using(lr=lr, steps=400) for lr in (0.05, 0.1)}
    exact = _final_errors(rules.gradient_descent, 0.0, lr=0.1)
    plain = [_final_errors(rules.gradient_descent, 1.0, lr=lr) for lr in (0.1, falling[0.1])]
    adam = [_final_errors(rules.adam, 1.0, lr=lr) for lr in (0.05, falling[0.05])]
    assert exact < 1e-20 and plain[1] < 0.4 * plain[0] and adam[1] < 0.6 * adam[0]
    return (
        f"squared error, constant and cosine: descent {say(plain, 2)}, Adam {say(adam, 2)}; without noise "
        "and decay 0"
    )


def two_ways_to_write_a_decay() -> str:
    """exp(-lambda t) and gamma^t are one schedule, with gamma = exp(-lambda)."""
    t = np.arange(1, 101)
    rates = exponential.using(lr=0.1, gamma=float(np.exp(-0.05)))(t)
    assert np.allclose(rates, 0.1 * np.exp(-0.05 * (t - 1)), rtol=1e-12) and rates[-1] < 1e-3
    return f"both end at {number(rates[-1])} after 100 steps from 0.1"


def polynomial_powers() -> str:
    """With power 0.5 the last step loses ten times the average, with 1 the same, with 2 next to nothing."""
    t = np.arange(1, 102)
    last = [-np.diff(polynomial.using(lr=1.0, steps=100, power=power)(t))[-1] for power in (0.5, 1, 2)]
    assert last[0] > 9 * last[1] and np.isclose(last[1], 0.01) and last[2] < 0.02 * last[1]
    return f"lost in the last of 100 steps with power 0.5, 1, 2: {say(last)} of the first rate"


def one_rate_for_all() -> str:
    """A schedule multiplies the step of every parameter by the same factor."""
    g = np.tile([[0.1], [10.0]], (100, 1, 1))[..., 0]
    fixed, falling = (
        np.diff(rules.gradient_descent.trace(w=np.zeros(2), g=g, lr=lr)["w"], axis=0)
        for lr in (0.1, cosine.using(lr=0.1, steps=100))
    )
    share = falling / fixed
    assert np.allclose(share[:, 0], share[:, 1]) and share[-1, 0] < 0.01
    return f"both weights make {say(share[[0, 49, 99], 0], 3)} of the constant step at t = 1, 50, 100"
