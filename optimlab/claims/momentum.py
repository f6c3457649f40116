"""Checks of the claims about momentum and Nesterov's gradient; `momentum.yaml` names them.

In this order: the rule, the long example of N1, travel and overshoot, quadratics, Nesterov, noise, losses
that are not convex. The sum and the average are the two forms of momentum; a rate is a learning rate.
"""
# A docstring here states a finding, and one assert may state it in several parts.

from __future__ import annotations

import collections
import functools
import itertools

import numpy as np

from .. import landscapes, rules
from ..datasets import batches, cat_vs_dog
from ..descent import Descent, grid, run
from ..format import number
from ..network import Network
from ..rule import Rule
from ..training import History, train
from ._say import printed_in, say

TEN = (0.08, 0.09, 0.07, 0.1, -0.02, 0.08, 0.09, 0.08, 0.11, 0.07)  # the ten batches of N1
SIX = (0.0234, -0.0187, 0.0312, 0.0145, -0.0089, 0.0256)  # the first six of its cats and dogs


def _turns(values: np.ndarray) -> np.ndarray:
    """Count how often the sign changes along the first axis."""
    return np.sum(np.diff(np.sign(values), axis=0) != 0, axis=0)


def _steps(path: Descent) -> np.ndarray:
    """Count the steps until every weight stays within 0.001 of zero; infinity where none does."""
    far = np.abs(path["w"]).max(axis=1) >= 1e-3
    return np.where(far[-1], np.inf, len(far) - np.argmax(far[::-1], axis=0))


# The rule.


def boxes_and_table() -> str:
    """The six boxes average the gradients; the table after them adds the same ones up, at the same rate."""
    boxes, table = (printed_in(f"momentum-ten-batches-{name}") for name in ("ewa-boxes", "classical"))
    ratios = [table[f"batch {t}", "v"] / boxes[f"batch {t}", "v"] for t in range(1, 7)]
    average = rules.momentum_average.trace(w=0.5, g=TEN, lr=0.1)
    total = rules.momentum.trace(w=0.5, g=TEN, lr=0.1)
    assert np.allclose(ratios, 10, rtol=1e-3) and np.allclose(total["v"], 10 * average["v"])
    first = average["w"][1], total["w"][1]
    assert np.allclose((boxes["batch 1", "w"], table["batch 1", "w"]), first)
    return f"velocities {number(np.mean(ratios), 3)} to 1; first weights {say(first, 4)} (boxes, table)"


def ten_batches() -> str:
    """The sum gets four times as far as descent, as its rate grows up to tenfold; the average less far."""
    plain = rules.gradient_descent.trace(w=0.5, g=TEN, lr=0.1)["w"]
    total = rules.momentum.trace(w=0.5, g=TEN, lr=0.1)["w"]
    average = rules.momentum_average.trace(w=0.5, g=TEN, lr=0.1)["w"]
    faster = rules.gradient_descent.trace(w=0.5, g=TEN, lr=1.0)["w"]
    ways = [0.5 - w[-1] for w in (plain, total, average, faster)]
    assert 4 < ways[1] / ways[0] < 4.1 and ways[2] < 0.5 * ways[0] and ways[1] < ways[3]
    return f"ways of plain, sum, average, plain at ten times the rate: {say(ways)}"


def left_right_left() -> str:
    """After equal pulls left, right, left the velocity has turned once and is below a single pull."""
    v = rules.momentum.trace(w=0.0, g=[1, -1, 1])["v"][1:]
    average = rules.momentum_average.trace(w=0.0, g=[1, -1, 1])["v"][1:]
    assert v[1] < 0 and 0 < v[2] < v[0] and np.allclose(v, 10 * average)
    return f"velocities {say(v)} as a sum, {say(average)} as an average"


def velocity_levels_off() -> str:
    """Under a constant gradient every gain of velocity is 0.9 of the one before, and 10 is never passed."""
    v = rules.momentum.trace(w=0.0, g=np.ones(100))["v"]
    gains = np.diff(v)
    assert np.allclose(gains[1:] / gains[:-1], 0.9) and v.max() < 10 and v[-1] > 9.999
    return f"velocity after 1, 10, 100 steps: {say(v[[1, 10, 100]], 5)}"


def sum_is_no_average() -> str:
    """Under gradients between 0 and 1 the sum exceeds 1, as no average could; the average form does not."""
    g = np.random.default_rng(0).uniform(size=(100, 20))
    total = rules.momentum.trace(w=np.zeros(20), g=g)["v"].max(axis=0)
    average = rules.momentum_average.trace(w=np.zeros(20), g=g)["v"].max(axis=0)
    assert np.all(total > 1) and np.all(average < g.max(axis=0))
    largest = total.max(), average.max()
    return f"largest velocity in 20 random series: {say(largest)} (sum, average)"


def two_forms() -> str:
    """The two forms take the same path only if the rate of the sum is 1 - momentum times the average's."""
    average = run(rules.momentum_average, landscapes.ravine, lr=0.05)["w"]
    same = run(rules.momentum, landscapes.ravine, lr=0.05)["w"]
    scaled = run(rules.momentum, landscapes.ravine, lr=0.005)["w"]
    apart = np.abs(same - average).max()
    first = (same[1] - same[0]) / (average[1] - average[0])
    assert np.allclose(scaled, average) and apart > 1 and np.allclose(first, 10)
    return (
        f"ravine, same rate: first step {number(first[0], 3)} times as long, up to {number(apart, 2)} apart; "
        "the sum at a tenth of it: the same path"
    )


def ranges_of_rates() -> str:
    """Rates of 0.1 to 1 for the average match 0.01 to 0.1 for the sum, ten times what is advised."""
    average = run(rules.momentum_average, [1.0] * 50, lr=np.array([0.1, 1.0])).w[0]
    matched = run(rules.momentum, [1.0] * 50, lr=np.array([0.01, 0.1])).w[0]
    advised = run(rules.momentum, [1.0] * 50, lr=np.array([0.001, 0.01])).w[0]
    assert np.allclose(matched, average) and np.allclose(average / advised, 10)
    return f"50 steps of gradient 1 end at {say(average, 2)}; at the advised rates at {say(advised, 2)}"


def three_conventions() -> str:
    """One section has three velocities: question 5 has two answers, the table follows neither formula."""
    forms = (rules.momentum_lr_inside, rules.momentum_average, rules.momentum)
    ends = [form.trace(w=5.0, g=[2, 2, -1], lr=0.1)["w"][3] for form in forms]
    second = [-np.diff(form.trace(w=0.0, g=[-2, -2], lr=0.1)["w"])[1] for form in forms]
    table = printed_in("velocity-table")["step 2", "update"]
    assert np.isclose(ends[2], ends[0]) and abs(ends[1] - ends[0]) > 0.5
    assert all(abs(table - step) > 3 for step in second)
    return (
        f"question 5: {number(ends[0], 4)} with the rate inside, {number(ends[1], 4)} with the average; "
        f"second update {say(second[:2])}, in the table {number(table)}"
    )


def against_the_gradient() -> str:
    """A step takes the velocity off: a positive gradient lowers the weight, a negative one raises it."""
    lowered = rules.gradient_descent.trace(w=0.0, g=np.full(100, 0.01), lr=1.0)["w"]
    raised = rules.momentum_lr_inside.trace(w=1.0, g=[-2] * 4, lr=0.1)["w"]
    assert np.isclose(lowered[-1], -1) and np.all(np.diff(raised) > 0)
    return f"100 gradients of 0.01: 0 to {number(lowered[-1])}; four of -2: 1 to {number(raised[-1])}"


def index_of_the_velocity() -> str:
    """With v(t) on both sides the formula has no memory: it says v = g / (1 - momentum) at every step."""
    v = rules.momentum.trace(w=0.0, g=TEN)["v"][1:]
    same = np.array(TEN) / (1 - 0.9)
    assert np.allclose(0.9 * same + TEN, same) and np.all(v > 0) and same[4] < 0
    return f"after the negative fifth gradient: {number(v[4], 3)}; with the same index {number(same[4], 3)}"


def velocity_of_torch() -> str:
    """PyTorch adds up; with dampening 0.9 it does not average, because the first gradient stays whole."""
    import torch

    buffers = {0.0: [], 0.9: []}
    for dampening, found in buffers.items():
        p = torch.zeros(1, dtype=torch.float64, requires_grad=True)
        steps = torch.optim.SGD([p], lr=0.1, momentum=0.9, dampening=dampening)
        for g in TEN:
            p.grad = torch.full_like(p, g)
            steps.step()
            found.append(steps.state[p]["momentum_buffer"].item())
    assert np.allclose(buffers[0.0], rules.momentum.trace(w=0.0, g=TEN)["v"][1:])
    assert abs(buffers[0.9][2] - rules.momentum_average.trace(w=0.0, g=TEN)["v"][3]) > 0.05
    return f"first buffers {say(buffers[0.0][:3], 4)}; with dampening 0.9 {say(buffers[0.9][:3])}"


@Rule
def _corrected(w, g, t, v=0.0, *, lr=0.01, momentum=0.9):
    """The sum with the bias correction of the average, which the claim proposes."""
    v = momentum * v + g
    v_hat = v / (1 - momentum**t)
    w = w - lr * v_hat
    return w, v


def corrected_sum() -> str:
    """Corrected for its start the sum is no momentum any more: its first step is ten times the gradient."""
    corrected, usual = (
        -np.diff(rule.trace(w=0.0, g=np.ones(50), lr=1.0)["w"]) for rule in (_corrected, rules.momentum)
    )
    paths = [run(rule, landscapes.ravine, lr=0.01)["w"] for rule in (_corrected, rules.momentum)]
    apart = np.abs(paths[0] - paths[1]).max()
    assert np.allclose(corrected, 10) and np.isclose(usual[0], 1) and apart > 0.5
    return (
        f"steps under a gradient of 1: all {number(corrected[0])}, without correction {number(usual[0])} to "
        f"{number(usual[-1], 3)}; in the ravine up to {number(apart, 2)} apart"
    )


def momentum_of_one() -> str:
    """With momentum 1 the speed grows without limit and a swing never dies; torch accepts it silently."""
    import torch

    v = rules.momentum.trace(w=0.0, g=np.ones(1000), momentum=1.0)["v"]
    kept = {"g": lambda w: w, "steps": 200, "lr": 0.1}
    swing = [
        np.abs(rules.momentum.trace(w=1.0, momentum=beta, **kept)["w"][-40:]).max() for beta in (0.9, 1.0)
    ]
    torch.optim.SGD([torch.zeros(1)], lr=0.1, momentum=1.0)
    assert np.isclose(v[-1], 1000) and swing[0] < 1e-3 and 0.99 < swing[1] < 1.05
    return (
        f"velocity after 1000 gradients of 1: {number(v[-1])}; swing in a bowl after 200 steps: "
        f"{number(swing[1], 3)}, with 0.9 {number(swing[0], 2)}"
    )


# The cats and dogs of N1.


def one_end_for_all() -> str:
    """Whatever the 32 gradients are, the printed sum and last velocity force another last weight."""
    plain, table = printed_in("momentum-catdog-plain-gd"), printed_in("momentum-catdog-classical-table")
    end, v32, w32 = plain["batch 32", "w"], table["batch 32", "v"], table["batch 32", "w"]
    shares = np.stack([np.ones(32), 0.9 ** np.arange(31, -1, -1)])  # in the sum; in the last velocity
    g = 0.02 * np.random.default_rng(0).standard_normal((32, 50))
    g += np.linalg.pinv(shares) @ (np.array([[(0.25 - end) / 0.1], [v32]]) - shares @ g)
    path = run(rules.momentum, g[:, None], start=[0.25], lr=0.1, record=("v",))
    assert np.allclose(run(rules.gradient_descent, g[:, None], start=[0.25], lr=0.1).w, end)
    assert np.allclose(path["v"][-1], v32) and np.ptp(path.w) < 1e-9 and np.all(path.w < w32 - 0.03)
    return f"50 random series with both figures end at {number(path.w[0, 0], 4)}; printed is {number(w32)}"


def average_step() -> str:
    """The printed average step is the distance between the ends over 32; the steps themselves are longer."""
    plain = printed_in("momentum-catdog-plain-gd")
    printed, over_32 = plain["statistics", "avg_step"], abs(plain["batch 32", "w"] - 0.25) / 32
    steps = np.diff(rules.gradient_descent.trace(w=0.25, g=SIX, lr=0.1)["w"])
    mean, net = np.abs(steps).mean(), abs(steps.sum()) / 6
    assert abs(over_32 - printed) < 5e-6 and mean > 1.5 * net and mean > 3 * printed
    return (
        f"six printed steps: mean length {number(mean, 3)}, net distance over six {number(net, 3)}; printed "
        f"average {number(printed)}"
    )


def order_of_batches() -> str:
    """In the printed order the velocity never turns; in two of five orders of the same batches it does."""
    orders = np.array(list(itertools.permutations(SIX))).T
    v = rules.momentum.trace(w=np.zeros(orders.shape[1]), g=orders, lr=0.1)["v"][1:]
    turned = np.any(v < 0, axis=0)
    assert not turned[0] and 0.3 < turned.mean() < 0.6
    return (
        f"smallest velocity in the printed order {number(v[:, 0].min(), 3)}; below zero at some batch in "
        f"{turned.sum()} of {turned.size} orders"
    )


def charts() -> str:
    """The charts do not show the tables: nothing there falls by 0.30, and the drawn ramp leads too far."""
    names = "plain-gd", "classical-table"
    falls = [0.25 - printed_in(f"momentum-catdog-{name}")["batch 32", "w"] for name in names]
    most = 0.25 - rules.gradient_descent.trace(w=0.25, g=[max(SIX)] * 30, lr=0.1)["w"][-1]
    v = rules.momentum.trace(w=0.25, g=SIX, lr=0.1)["v"][1:]
    ramp = 0.1 * np.linspace(0, 0.09, 31).sum()
    assert max(falls) < most < 0.1 and _turns(np.diff(v)) == 3 and ramp > 2 * max(falls)
    return (
        f"printed falls {say(falls)}, the largest gradient 30 times {number(most, 3)}, the ramp "
        f"{number(ramp, 3)}; velocities {say(v)}"
    )


NETWORK = Network(1000, 100, 2)


_images = functools.cache(cat_vs_dog)


@functools.cache
def _memorize(rule: Rule, seed: int, epochs: int, **hyper: float) -> History:
    """Train N1's network on 1024 images with random labels, from first weights as torch draws them."""
    random, w = np.random.default_rng(seed), np.empty(NETWORK.size, np.float32)
    for layer, inputs in ((1, 1000), (2, 100)):
        for part in (NETWORK.named(w)[f"W{layer}"], NETWORK.named(w)[f"b{layer}"]):
            part[:] = random.uniform(-1, 1, part.shape) / np.sqrt(inputs)
    data = _images(learnable=False, seed=seed)
    return train(NETWORK, data, rule, w=w, seed=seed, epochs=epochs, batch_size=32, progress=False, **hyper)


def _five(rule: Rule, lr: float, epochs: int = 5, **hyper: float) -> list[History]:
    """Return five such runs, with seeds 0 to 4."""
    return [_memorize(rule, seed, epochs, lr=lr, **hyper) for seed in range(5)]


def momentum_added() -> str:
    """Momentum 0.9 added to an unchanged rate of 0.1 makes training diverge, in each of 5 seeds."""
    plain, added = _five(rules.gradient_descent, 0.1), _five(rules.momentum, 0.1, epochs=3)
    assert all(each.train_loss[-1] < 0.03 for each in plain)
    assert all(each.train_loss[1] > each.train_loss[0] > 0.6 for each in added)
    assert all(each.train_loss[-1] > 10 for each in added)
    return "loss with momentum above 10 after 3 epochs in every run; without it below 0.03 after 5"


def first_epochs() -> str:
    """The notes print two losses for the first epoch of the same network, and training gives neither."""
    names = {"Standard GD": "plain-gd", "Momentum 0.9": "classical-table"}
    output = printed_in("momentum-expected-output")
    later = [output[f"{name}, epoch 0", "loss"] for name in names]
    first = [printed_in(f"momentum-catdog-{name}")["statistics", "loss_end"] for name in names.values()]
    runs = _five(rules.gradient_descent, 0.1, epochs=1), _five(rules.momentum, 0.01, epochs=1)
    measured = [np.mean([each.loss for each in five]) for five in runs]
    assert first[0] + 0.05 < later[0] and first[1] + 0.1 < later[1] and min(measured) > max(later)
    return (
        f"plain {number(first[0])} and {number(later[0])}, momentum {number(first[1])} and "
        f"{number(later[1])}; measured {say(measured, 2)}, means of 5 seeds"
    )


def memorized_by_epoch_5() -> str:
    """Plain descent, momentum and Nesterov all know nearly all of the 1024 random labels after 5 epochs."""
    ways = {"Standard GD": rules.gradient_descent, "Momentum 0.9": rules.momentum, "Nesterov": rules.nesterov}
    output = printed_in("momentum-expected-output")
    printed = [output[f"{name}, epoch 9", "acc"] for name in ways]
    known = [_five(rule, lr) for rule, lr in zip(ways.values(), (0.1, 0.01, 0.01), strict=True)]
    least = min(each.train_accuracy[-1] for five in known for each in five)
    assert least > 0.995 and max(printed) < 95
    return f"at least 99.5 % in each of 15 runs; printed after 10 epochs: {say(printed, 4)} %"


def same_epochs() -> str:
    """Momentum 0.9 at a tenth of the rate is no faster than plain descent here: its loss falls later."""
    plain, heavy = _five(rules.gradient_descent, 0.1), _five(rules.momentum, 0.01)
    assert all(each.train_accuracy[2] > 0.92 for each in plain + heavy)
    losses = [np.mean([each.train_loss[1:4] for each in five], axis=0) for five in (plain, heavy)]
    assert np.all(losses[0] < losses[1])
    return (
        f"all runs above 92 % after 2 epochs; losses after 1, 2, 3: plain {say(losses[0], 2)}, momentum "
        f"{say(losses[1], 2)}"
    )


def nothing_to_learn() -> str:
    """Of random labels nothing carries over: with every momentum half of the test images are right."""
    runs = (
        _five(rules.gradient_descent, 0.1),
        _five(rules.momentum, 0.05, momentum=0.5),
        _five(rules.momentum, 0.01),
    )
    known = min(each.train_accuracy[-1] for five in runs for each in five)
    tested = np.array([np.mean([each.test_accuracy[-1] for each in five]) for five in runs])
    assert known > 0.99 and np.all(np.abs(tested - 0.5) < 0.03)
    return (
        f"momentum 0, 0.5, 0.9, means of 5 seeds: over 99 % of the training labels, {say(100 * tested, 2)} % "
        "of the test images"
    )


def nesterov_on_cats_and_dogs() -> str:
    """On the task of N1 Nesterov is a little ahead of momentum for five epochs and behind it after seven."""
    heavy, nesterov = (
        np.array([each.train_loss for each in _five(rule, 0.01, epochs=7)])
        for rule in (rules.momentum, rules.nesterov)
    )
    ratio = nesterov / heavy
    assert np.all(ratio[:, 1:6] < 1) and np.all((ratio[:, 7] > 1) & (ratio[:, 7] < 1.02))
    return f"loss over that of momentum after 3 and 7 epochs: {say(ratio.mean(axis=0)[[3, 7]])}, 5 seeds"


def shown_configurations() -> str:
    """Four configurations are run; the printed output has rows of three."""
    names = {row.split(",")[0] for row, _ in printed_in("momentum-expected-output")}
    assert len(names) == 3 and not any("0.5" in name for name in names)
    return f"printed are {', '.join(sorted(names))}; momentum 0.5 is not among them"


def counter_of_batches() -> str:
    """A loop over a loader counts nothing: a counter that is only read ends it with a NameError."""
    names = {"loader": [1, 2, 3]}
    try:
        exec("for batch in loader:\n    first = batch_idx == 0", names)
        missing = None
    except NameError as error:
        missing = error.name
    exec("for batch_idx, batch in enumerate(loader):\n    first = batch_idx == 0", names)
    assert missing == "batch_idx" and names["batch_idx"] == 2
    return f"without enumerate {missing} has no value; with it three batches end at {names['batch_idx']}"


# Travel and overshoot.


def farthest() -> str:
    """Under a constant gradient momentum 0.9 goes 9.1 times as far in 100 steps, and never 10 times."""
    ends = [rules.momentum.trace(w=0.0, g=np.ones(n), lr=1.0)["w"][-1] for n in (10, 100, 10_000)]
    ratios = np.array(ends) / (-10, -100, -10_000)
    assert abs(ratios[1] - 9.1) < 0.01 and ratios[2] < 10
    return f"times as far after 10, 100, 10000 steps: {say(ratios, 4)}"


def across_the_ravine() -> str:
    """The velocity turns at once; it halves, in time, what alternates exactly, and carries the rest far."""
    first = rules.momentum.trace(w=0.0, g=[5.0, -4.8, 4.9])["v"][1:]
    printed = [printed_in("momentum-ravine")[f"batch {t}", "v2"] for t in (1, 2, 3)]
    assert first[1] < 0 < printed[1] and first[2] < 4.9 < printed[2]
    v = np.abs(rules.momentum.trace(w=0.0, g=np.tile([5.0, -5.0], 50))["v"])[[5, 100]] / 5
    uneven = np.tile([4.9, -4.8], 50)
    plain = -rules.gradient_descent.trace(w=0.0, g=uneven, lr=1.0)["w"][-1]
    heavy = -rules.momentum.trace(w=0.0, g=uneven, lr=1.0)["w"][-1]
    assert v[0] > 0.8 and abs(v[1] - 1 / 1.9) < 1e-3 and heavy > 5 * plain
    return (
        f"velocities {say(first)}, printed {say(printed)}; of ±5 it keeps {say(v, 2)} after 5 and 100 "
        f"batches; 4.9 and -4.8 lead {say((plain, heavy), 2)} far (plain, momentum)"
    )


def overshoot() -> str:
    """At a fixed rate more momentum means more overshoot, with no noise at all."""
    betas, valley = np.array([0.0, 0.5, 0.8, 0.9, 0.95, 0.99]), landscapes.ravine.using(kappa=100.0)
    x = run(rules.momentum, valley, start=[1.0, 1.0], steps=300, lr=0.005, momentum=betas)["w"][:, 0]
    beyond, turns = np.maximum(0, -x.min(axis=0)), _turns(x)
    assert np.all(beyond[:3] == 0) and np.all(np.diff(beyond[2:]) > 0.1) and np.all(turns[3:] > 5)
    return (
        f"momentum {say(betas)}, flat axis: {say(turns)} sign changes, overshoot {say(beyond, 2)} of the way"
    )


def velocity_levels() -> str:
    """For momentum 0.5, 0.9, 0.99 velocities are as 1 to 5 to 50 when steady, as 1 to 2 to 6 under noise."""
    betas = np.array([0.5, 0.9, 0.99])
    steady = np.abs(run(rules.momentum, [1.0] * 2000, momentum=betas, record=("v",))["v"][-1, 0])
    noise = np.random.default_rng(0).standard_normal((4000, 20, 1)) * np.ones(3)
    v = run(rules.momentum, noise, momentum=betas, record=("v",))["v"][1000:]
    spread = np.sqrt(np.mean(v**2, axis=(0, 1)))
    assert np.allclose(steady, 1 / (1 - betas)) and np.allclose(spread, 1 / np.sqrt(1 - betas**2), rtol=0.15)
    return f"steady gradient of 1: {say(steady)}; noise of size 1, 20 series: {say(spread, 2)}"


def contributions() -> str:
    """The first push is negative to the end; the last velocity is positive because of the third gradient."""
    path = run(rules.momentum, landscapes.four_points_online, steps=4, lr=0.1, record=("g", "v"))
    left = path["g"][1:, 0] * 0.9 ** np.arange(3, -1, -1)
    assert left[0] < -10 and left[2] > 18 and np.isclose(left.sum(), path["v"][4, 0])
    return f"{number(left.sum(), 3)} is the sum of what is left of four gradients: {say(left)}"


def batches_of_two() -> str:
    """On the four points momentum settles with batches of two and diverges with batches of one."""
    x = np.array([[2.0, 1.0], [3.0, 0.5]])
    pairs = run(
        rules.momentum,
        lambda w, t: np.mean(2 * (w - 5) * x[(t - 1) % 2] ** 2, keepdims=True),
        start=[3.0],
        steps=200,
        lr=0.1,
    )["w"][::2, 0]
    single = run(rules.momentum, landscapes.four_points_online, steps=400, lr=0.1)["w"][::4, 0]
    assert abs(pairs[-1] - 5) < 0.01 and abs(single[-1] - 5) > 1000
    shown = [1, 2, 3, 20]
    return f"weights after epochs {say(shown)}: {say(pairs[shown])} of two, {say(single[shown])} of one"


# Quadratics.


def overstepping() -> str:
    """Descent flips across a valley only at rates above 1 / (largest curvature), here 0.05."""
    rates = np.array([0.04, 0.049, 0.051, 0.06, 0.095])
    path = run(rules.gradient_descent, landscapes.ravine, start=[1.0, 1.0], steps=60, lr=rates)["w"]
    flips = _turns(path[:, 1])
    assert flips.tolist() == [0, 0, 60, 60, 60] and np.all(_turns(path[:, 0]) == 0)
    return f"sign changes in 60 steps at {say(rates)}: {say(flips)}"


def ravine_at_0_095() -> str:
    """At 0.095 the flat direction is the faster one and nothing stops; the best single rate is near."""
    rates = np.append(np.linspace(0.001, 0.0999, 990), 0.095)
    path = run(rules.gradient_descent, landscapes.ravine, start=[1.0, 1.0], lr=rates)
    shrink, steps = path["w"][1, :, -1], _steps(path)
    best = landscapes.best_rate(landscapes.ravine.hessian([0, 0]))
    assert np.allclose(shrink, [0.81, -0.9]) and steps[-1] < 100
    assert steps[np.abs(rates - best).argmin()] == steps.min() and abs(best - 1 / 11) < 1e-9
    return (
        f"per step x times {number(shrink[0])}, y times {number(shrink[1])}; both within 0.001 after "
        f"{number(steps[-1])} steps; best rate {number(best, 3)} with {number(steps.min())} steps"
    )


def zigzag() -> str:
    """Where descent zigzags at 0.095, momentum 0.9 takes twice as many steps; about 0.3 is what helps."""
    betas = np.array([0.0, 0.3, 0.5, 0.9])
    path = run(rules.momentum, landscapes.ravine, start=[1.0, 1.0], steps=400, lr=0.095, momentum=betas)
    steps, turns = _steps(path), _turns(path["w"][:60, 1])
    assert steps[3] > 1.8 * steps[0] and steps[1] < 0.4 * steps[0] and turns[3] > 20
    return f"momentum {say(betas)}: {say(steps)} steps to 0.001, {say(turns)} sign changes across in 60 steps"


def momentum_by_condition() -> str:
    """At its best rate momentum 0.5 beats 0.9 at condition number 10 and loses to it at 1000."""
    best = {}
    for kappa in (10, 1000):
        runs = grid(lr=np.geomspace(0.02, 2.0, 60) / kappa, momentum=[0.5, 0.9])
        valley = landscapes.ravine.using(kappa=float(kappa))
        path = run(rules.momentum, valley, start=[1.0, 1.0], steps=1500, **runs)
        best[kappa] = runs.fold(_steps(path)).min(axis=0)
    assert best[10][0] < 0.5 * best[10][1] and best[1000][0] > 2 * best[1000][1]
    return f"steps to 0.001: {say(best[10], 4)} at condition number 10, {say(best[1000], 4)} at 1000"


def gain_by_condition() -> str:
    """The gain of tuned momentum grows like the root of the condition number; Newton needs one step."""
    found = {}
    for kappa in (10, 100, 1000):
        valley, root, start = landscapes.ravine.using(kappa=float(kappa)), np.sqrt(kappa), np.ones(2)
        newton = start - np.linalg.solve(valley.hessian(start), valley.gradient(start))
        assert np.allclose(newton, 0)
        plain = run(rules.gradient_descent, valley, start=start, steps=4000, lr=1 / (1 + kappa))
        tuned = {"lr": 2 / (1 + root) ** 2, "momentum": ((root - 1) / (root + 1)) ** 2}
        found[kappa] = plain, run(rules.momentum, valley, start=start, steps=400, **tuned)
    counts = {kappa: [float(_steps(path)) for path in paths] for kappa, paths in found.items()}
    gains = [plain / heavy / np.sqrt(kappa) for kappa, (plain, heavy) in counts.items()]
    assert all(0.4 < gain < 0.8 for gain in gains)
    return "steps of descent and momentum: " + "; ".join(f"{k}: {say(n, 4)}" for k, n in counts.items())


def two_rates_in_turn() -> str:
    """On x^2 + 15 y^2 no constant rate leaves less than 0.875 per step; 1/2 and then 1/30 leave nothing."""
    valley, start = landscapes.ravine.using(kappa=15.0), [1.0, 1.0]
    rates = np.linspace(0.0005, 0.0665, 661)
    left = np.abs(run(rules.gradient_descent, valley, start=start, steps=1, lr=rates).w).max(axis=0)
    best = rates[left.argmin()]
    end = run(rules.gradient_descent, valley, start=start, steps=2, lr=lambda t: (1 / 2, 1 / 30)[t - 1]).w
    assert abs(left.min() - 0.875) < 1e-3 and abs(best - 1 / 16) < 1e-3
    assert np.allclose(end, 0, atol=1e-12)
    return f"the best constant rate, {number(best, 3)}, leaves {number(left.min(), 3)}; two in turn leave 0"


def floor_of_the_valley() -> str:
    """The gradient points at the walls only at first; on the floor it points along the valley."""
    path = run(rules.gradient_descent, landscapes.ravine, start=[1.0, 1.0], steps=5, lr=0.04)["w"]
    x, y = np.abs([landscapes.ravine.gradient(w) for w in path]).T
    angle = np.degrees(np.arctan2(y, x))
    assert angle[0] > 80 and angle[-1] < 1
    return f"angle to the valley after 0, 1, 2, 3, 4, 5 steps: {say(angle, 2)} degrees"


def conditions_of_ravines() -> str:
    """The curvatures of the two ravines differ 10 and 15 times, not by orders of magnitude."""
    ravines = [landscapes.ravine.using(kappa=kappa).hessian([0, 0]) for kappa in (10.0, 15.0)]
    ratios = [landscapes.condition_number(h) for h in (*ravines, landscapes.rosenbrock.hessian([1, 1]))]
    assert np.allclose(ratios[:2], [10, 15]) and ratios[2] > 1000
    return f"condition numbers {say(ratios[:2])}; that of Rosenbrock's valley is {number(ratios[2], 3)}"


# Nesterov.


def nesterov_redone() -> str:
    """A velocity of +0.08 moves the weight left under both methods; one of -0.08 moves it right."""
    pair = rules.momentum, rules.nesterov_lookahead
    given = {"w": 0.1, "g": lambda w: 0.5 * w, "steps": 1, "lr": 0.1}
    left, right = ([rule.trace(v=v, **given)["w"][1] for rule in pair] for v in (0.08, -0.08))
    assert max(left) < 0.1 < min(right)
    return f"from 0.1 to {say(left, 4)} with +0.08, to {say(right, 4)} with -0.08 (standard, Nesterov)"


def gradient_farther_out() -> str:
    """Farther from the minimum the gradient of a convex loss is no smaller: it cannot have turned."""
    losses = (lambda w: 0.25 * w**2, np.cosh, lambda w: w**4, lambda w: abs(w) ** 1.5, abs)
    slopes = [[(f(w + 1e-6) - f(w - 1e-6)) / 2e-6 for w in (0.1, 0.1072)] for f in losses]
    printed = printed_in("momentum-nesterov-vs-standard")["nesterov", "g_lookahead"]
    assert all(0 < near < far + 1e-8 for near, far in slopes) and printed < 0
    return f"example at 0.1 and 0.1072: {say(slopes[0])}, printed {number(printed)}; five losses agree"


def nesterov_of_torch() -> str:
    """The weights of torch's Nesterov are the look-ahead points of the formula, not its weights."""
    import torch

    p = torch.ones(1, dtype=torch.float64, requires_grad=True)
    steps, weights = torch.optim.SGD([p], lr=0.1, momentum=0.9, nesterov=True), []
    for _ in range(50):
        p.grad = 0.5 * p.detach()
        steps.step()
        weights.append(p.item())
    path = rules.nesterov_lookahead.trace(w=1.0, g=lambda w: 0.5 * w, steps=50, lr=0.1)
    apart = np.abs(path["w"][1:] - weights).max()
    assert np.allclose(weights, (path["w"] - 0.1 * 0.9 * path["v"])[1:], atol=1e-12) and apart > 0.1
    return f"50 steps: up to {number(apart, 3)} from the formula's weights, 0 from its look-ahead points"


def gradients_per_step() -> str:
    """Nesterov takes one gradient per step, as momentum does, in both forms and in torch."""
    import torch

    calls, p = [], torch.ones(1, requires_grad=True)
    p.grad = torch.ones(1)
    for rule in (rules.momentum, rules.nesterov_lookahead, rules.nesterov):
        run(rule, lambda w, name=rule.name: calls.append(name) or w, start=[1.0], steps=40)
    steps = torch.optim.SGD([p], lr=0.01, momentum=0.9, nesterov=True)
    for _ in range(40):
        steps.step(lambda: calls.append("torch"))
    counts = collections.Counter(calls)
    assert len(counts) == 4 and set(counts.values()) == {40}
    return f"gradients in 40 steps: {', '.join(f'{name} {count}' for name, count in counts.items())}"


def limits_of_the_rate() -> str:
    """On x^2 + 10 y^2 the rate must stay below 0.1 for descent, 0.19 for momentum 0.9, 0.068 for Nesterov."""
    limits = {
        rules.gradient_descent: 2 / 20,
        rules.momentum: 2 * (1 + 0.9) / 20,
        rules.nesterov_lookahead: 2 * (1 + 0.9) / ((1 + 2 * 0.9) * 20),
        rules.nesterov: 2 * (1 + 0.9) / ((1 + 2 * 0.9) * 20),
    }
    for rule, limit in limits.items():
        rates = limit * np.array([0.98, 1.02])
        lost = run(rule, landscapes.ravine, steps=2000, record=(), lr=rates).diverged
        assert lost.tolist() == [False, True]
    assert limits[rules.nesterov] < 0.095 < limits[rules.gradient_descent]
    return f"2 % below they converge and 2 % above they diverge: {say(limits.values())} (torch's form last)"


def nesterov_on_four_points() -> str:
    """On the four points Nesterov overshoots less at point 2, ends the epoch farther off and diverges."""
    heavy, ahead, torch_like = (
        run(rule, landscapes.four_points_online, steps=80, lr=0.1)["w"][:, 0]
        for rule in (rules.momentum, rules.nesterov_lookahead, rules.nesterov)
    )
    assert 5 < ahead[2] < heavy[2] and abs(ahead[4] - 5) > 10 * abs(heavy[4] - 5)
    assert np.abs(ahead[-4:]).max() > 100 and abs(torch_like[4] - ahead[4]) > 1
    return (
        f"momentum {say(heavy[[2, 4]], 4)} after points 2 and 4; Nesterov {say(ahead[[2, 4]], 4)}, as "
        f"torch has it {say(torch_like[[2, 4]], 4)}"
    )


# Noise.


def spread_of_weights() -> str:
    """Averaged gradients do not calm the weight; the sum at the same rate spreads it ten times as much."""
    noise = np.random.default_rng(0).standard_normal((1500, 1, 400))
    start = np.zeros((1, 400))
    plain, average, total = (
        run(rule, lambda w, t: w + noise[t - 1], start=start, steps=1500, lr=0.05)["w"][500:].var()
        for rule in (rules.gradient_descent, rules.momentum_average, rules.momentum)
    )
    assert 0.9 < average / plain < 1.1 and 8 < total / plain < 12
    return f"variance in a bowl, 400 runs: {say((plain, average, total), 2)} (descent, average, sum)"


def nesterov_under_noise() -> str:
    """Without noise Nesterov beats plain descent by far; with noise it ends several times as high."""
    scale, start, ends = np.array([[2.0], [200.0]]), np.ones((2, 200)), []
    for size in (0.0, 1.0):
        noise = size * np.random.default_rng(0).standard_normal((600, 1, 200))
        for rule in (rules.gradient_descent, rules.nesterov):
            path = run(rule, lambda w, t, n=noise: scale * w + n[t - 1], start=start, steps=600, lr=0.004)
            ends.append(np.mean(np.sum(scale / 2 * path["w"][400:] ** 2, axis=1)))
    assert ends[1] < 1e-6 * ends[0] and ends[3] > 3 * ends[2]
    return f"loss over descent's: below a millionth without noise, with noise {number(ends[3] / ends[2], 2)}"


def small_batches_are_noisy() -> str:
    """Small batches are the noisy case: a gradient of 8 images strays four times as far as one of 128."""
    data, w, spread = cat_vs_dog(), NETWORK.start(0), []
    mean = NETWORK.gradient(w, data.train_x, data.train_y)[1]
    for size in (8, 128):
        drawn = itertools.islice(batches(data.train_x, data.train_y, size), 8 if size == 128 else 64)
        spread.append(np.sqrt(np.mean([np.sum((NETWORK.gradient(w, *b)[1] - mean) ** 2) for b in drawn])))
    assert 3 < spread[0] / spread[1] < 5.5
    return f"mean distance from the gradient of all images: {number(spread[0] / spread[1], 2)} to 1"


def depth() -> str:
    """Momentum leaves a vanishing gradient as small as it is: the first of 21 layers hardly moves."""
    network, random, moved = Network(20, *[20] * 20, 2), np.random.default_rng(0), []
    x, y = random.standard_normal((64, 20)), random.integers(0, 2, 64)
    start = network.start(0, np.float64) / 2  # at half the usual size the signal dies out on the way
    for beta, lr in ((0.0, 0.1), (0.9, 0.01), (0.99, 0.001)):
        path = run(rules.momentum, lambda w: network.gradient(w, x, y)[1], start=start, lr=lr, momentum=beta)
        change = network.named(path.w - start)
        moved.append(np.linalg.norm(change["W1"]) / np.linalg.norm(change["b21"]))
    assert max(moved) < 1e-3 and max(moved[1:]) < 1.5 * moved[0]
    return f"first layer's way over the last one's, momentum 0, 0.9, 0.99: {say(moved, 1)}"


# Losses that are not convex.


def _saddle(w: np.ndarray) -> np.ndarray:
    """Return the gradient of x^2 - y^2 + y^4: a saddle at 0, minima at y = 0.707 and -0.707."""
    return np.array([2 * w[0], 4 * w[1] ** 3 - 2 * w[1]])


def leaving_a_saddle() -> str:
    """Descent leaves a saddle from every random start; the closer to the ridge, the longer it lingers."""
    start = np.random.default_rng(0).uniform(-1, 1, (2, 1000))
    end = run(rules.gradient_descent, _saddle, start=start, steps=300, lr=0.05).w
    close = np.array([[1.0] * 5, [1e-2, 1e-4, 1e-6, 1e-8, 0.0]])
    y = np.abs(run(rules.gradient_descent, _saddle, start=close, steps=1000, lr=0.05)["w"][:, 1])
    steps = np.argmax(y > 0.5, axis=0)[:4]
    assert np.allclose(np.abs(end[1]), np.sqrt(0.5)) and np.all(np.diff(steps) > 30) and y[-1, 4] == 0
    return f"1000 of 1000 starts; steps from 0.01, 1e-4, 1e-6, 1e-8 off: {say(steps)}; from 0 never"


def momentum_at_a_saddle() -> str:
    """Momentum leaves a saddle sooner at the same rate, later at a tenth of it, and never from rest on it."""
    starts, steps = np.array([[0.0, 0.0], [1e-6, 0.0]]), []
    for rule, lr in ((rules.gradient_descent, 0.05), (rules.momentum, 0.05), (rules.momentum, 0.005)):
        y = np.abs(run(rule, _saddle, start=starts, steps=1000, lr=lr)["w"][:, 1])
        assert y[-1, 1] == 0
        steps.append(np.argmax(y[:, 0] > 0.5))
    assert steps[1] < 0.5 * steps[0] and steps[2] > 1.3 * steps[0]
    return f"steps from 1e-6 off: {say(steps)} (descent, momentum 0.9, momentum at a tenth of the rate)"


def saddles_without_curvature() -> str:
    """The monkey saddle is one although its Hessian is zero: it rises on some sides and falls on others."""
    monkey, angles = landscapes.monkey_saddle, np.linspace(0, 2 * np.pi, 360, endpoint=False)
    around = monkey.value(0.1 * np.array([np.cos(angles), np.sin(angles)]))
    assert not np.any(monkey.gradient([0, 0])) and not np.any(monkey.hessian([0, 0]))
    assert landscapes.classify(monkey.hessian([0, 0])) == "undecided"
    up, down = np.sum(around > 1e-12), np.sum(around < -1e-12)
    assert up > 100 and down > 100
    return f"gradient and Hessian are 0; of 360 directions {up} lead up and {down} down"


def random_curvatures() -> str:
    """Random symmetric matrices without a negative eigenvalue get rare fast as the dimension grows."""
    random, shares = np.random.default_rng(0), []
    for n in (1, 2, 4, 8):
        matrices = random.standard_normal((5000, n, n))
        smallest = np.linalg.eigvalsh(matrices + matrices.transpose(0, 2, 1))[:, 0]
        shares.append(np.mean(smallest > 0))
    assert shares[0] > 0.45 and 0.1 < shares[1] < 0.2 and shares[2] < 0.01 and shares[3] == 0
    return f"in 1, 2, 4, 8 dimensions, 5000 matrices each: {say(100 * np.array(shares), 2)} %"


def over_the_hill() -> str:
    """From 1.5 momentum reaches the lower minimum at some rates only; at others it stays or swings back."""
    runs = grid(lr=np.linspace(0.005, 0.1, 40), momentum=[0.0, 0.5, 0.9, 0.98])
    path = run(rules.momentum, landscapes.double_well, start=[1.5], steps=1500, **runs)
    low, near = (minimum.w[0] for minimum in landscapes.double_well.minima)
    reached = runs.fold(np.abs(path.w[0] - low) < 0.05).mean(axis=0)
    back = np.sum(np.any(path["w"][:, 0] < -0.5, axis=0) & (np.abs(path.w[0] - near) < 0.05))
    assert reached[0] == 0 and 0.5 < reached[2] < 0.95 and back > 5
    return f"share of 40 rates, momentum 0, 0.5, 0.9, 0.98: {say(100 * reached, 2)} %; {back} runs swung back"
