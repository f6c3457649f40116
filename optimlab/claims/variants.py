"""Checks of the claims about Adam's variants: AdaMax, Nadam, AMSGrad and AdamW."""

from __future__ import annotations

import ast

import numpy as np
from numpy import sqrt

from .. import rules
from ..datasets import cat_vs_dog, digits
from ..descent import run
from ..format import number
from ..landscapes import ravine, reddi, sparse_dense_online
from ..network import LinearRegression, Network
from ..rule import Rule
from ..training import train
from ._say import say

START = [4.0, 1.0]  # where N4 starts its comparison of Adam and AdamW


def _moved(w) -> np.ndarray:
    """Return the gradient of the ravine with its minimum at (2, 2)."""
    return ravine.gradient(w - 2)


def _steps(rule: Rule, g, **hyper) -> np.ndarray:
    """Return the steps that a rule makes for these gradients of one weight, a step down being positive."""
    return -np.diff(rule.trace(w=0.0, g=g, **hyper)["w"])


def _torch_path(kind: str, slope, start, steps: int, **hyper) -> np.ndarray:
    """Return the weights that an optimizer of torch passes, given the gradient as a function of them."""
    import torch

    w = torch.nn.Parameter(torch.tensor(start, dtype=torch.float64))
    made, path = getattr(torch.optim, kind)([w], **hyper), [np.array(start)]
    for _ in range(steps):
        w.grad = torch.tensor(slope(path[-1]))
        made.step()
        path.append(w.detach().numpy().copy())
    return np.array(path)


def _torch_steps(kind: str, g, **hyper) -> np.ndarray:
    """Return the steps that an optimizer of torch makes for these gradients of one weight."""
    left = iter(g)
    return -np.diff(_torch_path(kind, lambda w: np.full(1, next(left)), [0.0], len(g), **hyper)[:, 0])


def _torch_state(kind: str) -> float:
    """Return how many numbers an optimizer of torch keeps per weight."""
    import torch

    w = torch.nn.Parameter(torch.ones(1000))
    made = getattr(torch.optim, kind)([w])
    w.grad = torch.ones(1000)
    made.step()
    kept = (value for value in made.state[w].values() if value is not None)
    return sum(value.numel() for value in kept if value.numel() > 1) / 1000


# AdaMax.


def powers_of_negative_gradients() -> str:
    """Without the absolute value, odd powers of negative gradients have a negative average and no root."""
    g, beta = np.full(50, -1.0), 0.999**3
    signed, absolute = (np.sum((1 - beta) * beta ** np.arange(50) * x**3) for x in (g, np.abs(g)))
    with np.errstate(invalid="ignore"):
        roots = np.power([signed, absolute], 1 / 3)
    assert signed < 0 and np.isnan(roots[0]) and 0 < roots[1] < 1
    return f"50 gradients of -1, p = 3: {number(signed, 3)}, with the absolute value {number(absolute, 3)}"


def maximum_from_powers() -> str:
    """With the p-th root the average tends to max(beta2 u, |g|); taken literally, it keeps nothing at all."""
    g, found = [10, 1, 1], []
    u = rules.adamax.trace(w=0.0, g=g, eps=0.0)["u"][1:]
    for p in (2, 20, 200):
        v, share = 0.0, 0.999**p
        for x in g:
            v = share * v + (1 - share) * x**p
        found.append(v ** (1 / p))
    kept = 0.999**1e6  # the share of the old value for a p that is as good as infinite
    assert np.allclose(u, [10, 9.99, 9.98001]) and abs(found[2] - u[2]) < 0.1 < 5 < abs(found[0] - u[2])
    assert kept == 0
    return f"after 10, 1, 1: {say(found)} for p = 2, 20, 200, and {number(u[2], 3)} in AdaMax; literally 1"


def first_step_of_adamax() -> str:
    """AdaMax's first step is its rate with u uncorrected; that of Adam without correction is 3.2 times it."""
    g = np.array([1e-3, -1.0, 50.0])
    first, uncorrected = (
        np.abs(rule.trace(w=np.zeros(3), g=[g], lr=0.002)["w"][1])
        for rule in (rules.adamax, rules.adam_uncorrected)
    )
    assert np.allclose(first, 0.002, rtol=1e-4) and np.all(uncorrected > 3 * 0.002)
    return f"gradients {say(g)}, rate 0.002: {say(first)}; Adam uncorrected {say(uncorrected)}"


def spike_of_100() -> str:
    """A spike makes Adam's step 2.7 times as long and AdaMax's 9 times shorter, then AdaMax crawls on."""
    g = np.ones(4000)
    g[1000] = 100
    adam, adamax = (_steps(rule, g, lr=1.0) for rule in (rules.adam, rules.adamax))
    ways = [steps[1000:].sum() for steps in (adam, adamax)]
    assert adam[1000] > 2.5 and adamax[1000] < 0.12 and adamax[2000] < 0.05 < 0.4 < adam[2000]
    assert ways[1] < 0.5 * ways[0]
    return (
        f"steps at the spike {say([adam[1000], adamax[1000]])}, 1000 later "
        f"{say([adam[2000], adamax[2000]], 2)} times lr; way of 3000 steps {say(ways, 2)}"
    )


def rare_feature() -> str:
    """AdaMax's u keeps nine tenths between rare gradients, so a rare weight goes a tenth of Adam's way."""
    g, rates, needed = np.zeros(5000), np.geomspace(0.01, 3, 20), []
    g[99::100] = 1
    u = rules.adamax.trace(w=0.0, g=g)["u"][1000:]
    ways = [_steps(rule, g, lr=1.0).sum() / 50 for rule in (rules.adam, rules.adamax)]
    assert u.min() > 0.9 and ways[0] > 8 * ways[1]
    for rule in (rules.adam, rules.adamax, rules.adagrad):
        path = run(rule, sparse_dense_online.using(period=100.0), steps=4000, lr=rates)["w"]
        far = np.abs(path - 1).max(axis=1) >= 0.05
        needed.append(np.where(far[-1], np.inf, len(far) - np.argmax(far[::-1], axis=0)).min())
    assert needed[2] < 0.5 * needed[0] and needed[0] < 0.9 * needed[1]
    return (
        f"way per gradient {say(ways, 2)} times lr (Adam, AdaMax); examples needed at the best rate: "
        f"{say(needed, 2)} (Adam, AdaMax, AdaGrad)"
    )


# Nadam.


@Rule
def _adam_looking_ahead(w, g, t, m=0.0, v=0.0, *, lr=0.001, beta1=0.9, beta2=0.999, eps=1e-8):
    """Adam whose gradient is taken where its average alone would lead."""
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    m_hat = m / (1 - beta1**t)
    v_hat = v / (1 - beta2**t)
    w = w - lr * m_hat / (sqrt(v_hat) + eps)
    return w, m, v


@_adam_looking_ahead.gradient_at
def _ahead(w, m, v, *, lr, beta1, eps):
    """Where the old average alone would lead."""
    return w - lr * beta1 * m / (sqrt(v) + eps)


def _three_means(g) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return what Adam, N4's box of Nadam and its program put above the root, from step 2 on."""
    t, beta = np.arange(1, len(g) + 1), 0.9
    m_hat = rules.adam.trace(w=0.0, g=g)["m_hat"][1:]
    newest = (1 - beta) * np.asarray(g) / (1 - beta**t)
    program = rules.nadam_same_step.trace(w=0.0, g=g)["m_bar"][1:]
    return m_hat[1:], (beta * m_hat[:-1] + newest[1:]), program[1:]


def third_form() -> str:
    """The sum with the rate outside takes the path of the rate inside, and ten times that of the average."""
    forms = (rules.momentum, rules.momentum_lr_inside, rules.momentum_average)
    v = [form.trace(w=0.0, g=np.ones(200), lr=0.1)["v"][-1] for form in forms]
    ways = [_steps(form, np.ones(200), lr=0.1).sum() for form in forms]
    assert np.allclose(v, [10, -1, 1], rtol=1e-6) and np.isclose(ways[0], ways[1])
    assert np.isclose(ways[0] / ways[2], 10)
    return f"final velocities {say(v)}; ways {say(ways)} (sum, rate inside, average)"


def adam_with_a_real_look_ahead() -> str:
    """Adam can take its gradient at the look-ahead point: one gradient per step, and it converges."""
    asked = []

    def slope(w):
        asked.append(w.copy())
        return ravine.gradient(w)

    ahead = run(_adam_looking_ahead, slope, start=START, steps=300, lr=0.1)["w"]
    distance = np.linalg.norm(asked - ahead[:-1], axis=1)  # from the weight to where its gradient is taken
    assert len(asked) == 300 and distance[1] > 0.05 and np.abs(ahead[-1]).max() < 1e-4
    return (
        f"300 gradients in 300 steps, the second {number(distance[1], 2)} ahead of the weight; it ends at 0"
    )


def adam_rewritten() -> str:
    """With the right denominator the two terms are Adam's own average; with the box's they tend to it."""
    g = np.random.default_rng(0).normal(size=300)
    trace, t = rules.adam.trace(w=0.0, g=g), np.arange(1, 301)
    rewritten = (0.9 * trace["m"][:-1] + 0.1 * g) / (1 - 0.9**t)
    adam, box, program = _three_means(g)
    assert np.allclose(rewritten, trace["m_hat"][1:], rtol=0, atol=1e-12)
    late = [np.abs(other - adam)[200:].max() for other in (box, program)]
    assert late[0] < 1e-6 and late[1] > 0.1
    return (
        f"equal to rounding; after 200 random gradients Nadam differs from Adam by up to {number(late[1], 2)}"
    )


def box_and_program() -> str:
    """The box of N4 ends as plain Adam, its program as Nadam; the box's first step would be 0/0."""
    steady, alternating = _three_means(np.ones(4)), _three_means((-1.0) ** np.arange(200))
    adam, box, program = (mean[-1] for mean in alternating)
    assert np.allclose(steady[1], steady[2]) and np.all(steady[1] > steady[0] + 0.1)
    assert abs(box - adam) < 1e-8 and program / adam > 2.5
    first = 1 - 0.9**0  # what the box divides m_0 by
    assert first == 0
    return (
        f"steady gradient, step 2: {say(mean[0] for mean in steady)}; alternating, step 200: "
        f"{say([adam, box, program])} (Adam, box, program)"
    )


def denominators_at_10() -> str:
    """At t = 10 beta1^(t-1) is still 0.39 and the denominators differ by 6 %, at t = 2 by 90 %."""
    t = np.array([2, 10, 50])
    off = (1 - 0.9**t) / (1 - 0.9 ** (t - 1)) - 1
    assert np.allclose(1 - 0.9**t, (1 - 0.9 ** (t - 1)) + 0.9 ** (t - 1) * 0.1)
    assert 0.9**9 > 0.38 and off[0] > 0.85 and off[1] > 0.06 and off[2] < 0.001
    return f"0.9^9 = {0.9**9:.3f}; apart by {say(100 * off, 2)} % at t = 2, 10, 50"


def weights_of_the_box() -> str:
    """The box's two weights sum to more than 1: under a constant gradient of 1 its mean exceeds 1."""
    adam, box, _ = _three_means(np.ones(100))
    sums = 0.9 + 0.1 / (1 - 0.9 ** np.arange(2, 101))
    assert np.allclose(box, sums) and np.all(sums > 1) and np.allclose(adam, 1)
    return f"sums at t = 2, 3, 10: {say(sums[[0, 1, 8]])}; Adam's mean is 1"


def weight_of_the_newest() -> str:
    """In Nadam the newest gradient weighs 0.19 instead of 0.1: counting it twice is the look-ahead."""
    impulse = np.append(np.zeros(499), 1.0)
    adam, box, program = (mean[-1] for mean in _three_means(impulse))
    optax = rules.nadam_constant.trace(w=0.0, g=impulse)["m_bar"][-1]
    assert np.allclose([adam, box], 0.1) and np.allclose([program, optax], 0.19)
    return f"{say([adam, box, program])} in Adam, the box and the program"


def newest_square() -> str:
    """The average of squares of a step depends on that step's gradient, so it is not known before it."""
    small, large = (rules.adam.trace(w=0.0, g=[1, 1, last])["v"][-1] for last in (1, 5))
    assert large > 5 * small > 0
    return f"last gradient 1 or 5: {say([small, large])}"


def cost_of_nadam() -> str:
    """Nadam takes one gradient per step and has as much state as Adam; it adds operations per weight."""
    counts, calls = [], []
    for rule in (rules.adam, rules.nadam_constant):
        nodes = [node for _, value in rule.formula.body for node in ast.walk(value)]
        counts.append(sum(isinstance(node, ast.BinOp | ast.Call) for node in nodes))
        asked = []
        run(rule, lambda w, asked=asked: asked.append(1) or 2 * w, start=[1.0], steps=50)
        calls.append(len(asked))
    assert calls == [50, 50] and 0 < counts[1] - counts[0] <= 8
    assert _torch_state("Adam") == _torch_state("NAdam") == 2
    return f"operations in the formula: {counts[0]} in Adam, {counts[1]} in Nadam; state 2 per weight in both"


def nadam_of_torch() -> str:
    """The listing's first step is 1.9 times the rate, that of torch 1.06, whose momentum starts at half."""
    listing, torch_steps = (
        _steps(rules.nadam_same_step, np.ones(10), lr=1.0),
        _torch_steps("NAdam", np.ones(10), lr=1.0),
    )
    ours = _steps(rules.nadam, np.ones(10), lr=1.0)
    assert np.allclose(torch_steps, ours, atol=1e-6) and listing[0] > 1.85 and torch_steps[0] < 1.1
    assert np.all(listing > 1) and np.all(torch_steps[1:] < 0.9)
    return f"steps 1, 2, 10: {say(listing[[0, 1, 9]])} listing, {say(torch_steps[[0, 1, 9]])} torch"


# AMSGrad.


def adam_goes_the_wrong_way() -> str:
    """On straight lines with the optimum -1 Adam ends at +1, on the very losses that it is trained on."""
    ends = []
    for C in (3.0, 4.0, 6.0):  # noqa: N806 (the paper's letter)
        hyper = {"beta1": 0.0, "beta2": 1 / (1 + C**2), "lr": lambda t: 0.1 / np.sqrt(t)}
        kinds = (rules.adam, rules.amsgrad_paper)
        ends.append([run(rule, reddi.using(C=C), steps=3000, **hyper).w[0] for rule in kinds])
    long = run(rules.adam, reddi, steps=3000, lr=0.01).w[0]  # beta2 = 0.999
    adam, amsgrad = np.transpose(ends)
    assert np.all(adam > 0.99) and np.all(amsgrad < -0.99) and long < -0.99
    return (
        f"C = 3, 4, 6: Adam ends at {say(adam, 2)}, AMSGrad at {say(amsgrad, 2)}; with beta2 0.999 Adam "
        f"ends at {number(long, 2)}"
    )


def maximum_or_previous() -> str:
    """The larger of the last two averages falls after a spike; AMSGrad's maximum of all does not."""
    trace = rules.amsgrad_paper.trace(w=0.0, g=np.append(10, np.ones(60)), beta2=0.9)
    v, kept = trace["v"], trace["v_hat"]
    previous = np.maximum(v[1:], v[:-1])
    assert np.all(kept[1:] == kept[1]) and previous[-1] < 0.15 * kept[-1]
    return f"60 steps after a gradient of 10: {number(previous[-1], 3)} and {number(kept[-1], 3)}"


def rate_and_step_of_amsgrad() -> str:
    """AMSGrad's rate per weight never rises, its step can; as torch corrects it, the rate does rise."""
    late, early = (np.concatenate([np.ones(n), [100], np.ones(300)]) for n in (20, 0))
    paper = rules.amsgrad_paper.trace(w=0.0, g=late)
    rate, step = 1 / np.sqrt(paper["v_hat"][1:]), np.abs(np.diff(paper["w"]))
    kinds = (rules.adam, rules.amsgrad)
    adam, in_torch = (1 / np.sqrt(rule.trace(w=0.0, g=early)["v_hat"][1:]) for rule in kinds)
    assert np.all(np.diff(rate) <= 0) and np.any(np.diff(1 / np.sqrt(paper["v"][1:])) > 0)
    assert step[11] > 2 * step[0] and min(adam[-1] / adam[0], in_torch[-1] / in_torch[0]) > 2
    return (
        f"the paper's step 12 is {number(step[11] / step[0], 2)} times its first; 300 steps after a spike "
        f"at the start torch's rate is {number(in_torch[-1] / in_torch[0], 2)} times what it was"
    )


def correcting_one_of_two() -> str:
    """With only the first average corrected the first step is 32 times the rate, and still 3 at t = 100."""
    g, t = np.ones(100), np.arange(1, 101)
    neither = _steps(rules.amsgrad_paper, g, lr=1.0)
    one = neither / (1 - 0.9**t)  # the listing divides the corrected average by the same root
    both = _torch_steps("Adam", g, lr=1.0, amsgrad=True)
    assert abs(one[0] - 31.6) < 0.1 and abs(one[99] - 3.24) < 0.02 and np.allclose(both, 1, rtol=1e-4)
    assert abs(neither[0] - 3.16) < 0.01 and neither.max() > 6
    return f"first step {say([neither[0], one[0], both[0]])} times lr: neither, the first, both corrected"


def amsgrad_on_digits() -> str:
    """On handwritten digits AMSGrad and Adam are equally good, at the rate that suits Adam best."""
    few, ends = {"epochs": 4, "batch_size": 64, "lr": 0.01, "progress": False}, []
    for seed in range(10):
        data = digits(seed=seed)
        for rule in (rules.adam, rules.amsgrad):
            ends.append(train(Network(64, 32, 10), data, rule, seed=seed, **few).test_accuracy[-1])
    adam, amsgrad = np.reshape(ends, (10, 2)).T
    assert abs(np.mean(amsgrad - adam)) < 0.01 < 0.9 < adam.min()
    return "10 seeds, 4 epochs at 0.01: the mean test accuracies differ by less than a point"


def no_nesterov_in_amsgrad() -> str:
    """In torch AMSGrad divides the plain corrected average; with Nadam's moment its steps would differ."""
    g = np.random.default_rng(0).normal(size=50)
    trace = rules.amsgrad.trace(w=0.0, g=g, lr=1.0)
    root, moment = np.sqrt(trace["v_hat"][1:]), rules.nadam_same_step.trace(w=0.0, g=g)["m_bar"][1:]
    torch_steps = _torch_steps("Adam", g, lr=1.0, amsgrad=True)
    assert np.allclose(torch_steps, trace["m_hat"][1:] / root, atol=1e-6)
    off = np.abs(moment / root - torch_steps).max()
    assert off > 0.5
    return f"plain: equal to rounding; with the box's step 8 up to {number(off, 2)} times lr apart"


# AdamW.


@Rule
def _decay_after(w, g, t, m=0.0, v=0.0, *, lr=0.001, beta1=0.9, beta2=0.999, eps=1e-8, weight_decay=0.01):
    """AdamW as N4's program has it: it decays the weight that Adam has moved."""
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    m_hat = m / (1 - beta1**t)
    v_hat = v / (1 - beta2**t)
    w = (1 - lr * weight_decay) * (w - lr * m_hat / (sqrt(v_hat) + eps))
    return w, m, v


def order_of_decay() -> str:
    """Decay before the step, as in torch, and beside it are the same; after it, lr² apart in a step."""
    apart = []
    for lr in (0.1, 0.01):
        hyper = {"lr": lr, "weight_decay": 0.1}
        beside, after = (
            run(rule, ravine, start=START, steps=10, **hyper)["w"] for rule in (rules.adamw, _decay_after)
        )
        before = _torch_path("AdamW", ravine.gradient, START, 10, **hyper)
        assert np.allclose(before, beside, rtol=0, atol=1e-12)
        apart.append(np.abs(after - beside).max(axis=1)[[1, 10]])
    (first, tenth), (first_small, _) = apart
    assert np.isclose(first, 0.1**2 * 0.1) and np.isclose(first / first_small, 100) and tenth < 0.02
    return f"decay after it: {say([first, first_small])} apart after a step at lr 0.1 and 0.01"


def _right(rule: Rule, lr: float, decay: float) -> float:
    """Return the test accuracy on cats and dogs after 20 epochs on 128 samples, the mean of 5 seeds."""
    data = [cat_vs_dog(samples=128, features=200, seed=seed) for seed in range(5)]
    few = {"epochs": 20, "batch_size": 32, "lr": lr, "weight_decay": decay, "progress": False}
    runs = [train(Network(200, 2), data[seed], rule, seed=seed, **few) for seed in range(5)]
    return float(np.mean([history.test_accuracy[-1] for history in runs]))


def tuned_decay() -> str:
    """With rate and decay tuned, Adam with L2 tests as well as AdamW on cats and dogs; both beat no decay."""
    grids = ((rules.adam_l2, (0.0,)), (rules.adam_l2, (0.03, 0.1, 0.3)), (rules.adamw, (1.0, 3.0, 10.0)))
    best = [max(_right(rule, lr, decay) for lr in (0.01, 0.03) for decay in decays) for rule, decays in grids]
    none, l2, decoupled = best
    assert min(l2, decoupled) > none + 0.005 and decoupled < l2 + 0.01
    return f"5 seeds: {none:.0%} right without decay, {l2:.0%} with L2, {decoupled:.0%} with AdamW"


def minimum_of_the_penalized_loss() -> str:
    """Adam with L2 ends at the minimum of loss plus penalty, for every strength: it solves that problem."""
    decay = np.array([0.1, 0.5, 2.0])
    w = run(rules.adam_l2, lambda w: 2 * (w - 3), start=[1.0], steps=3000, lr=0.01, weight_decay=decay).w[0]
    minimum = 6 / (2 + decay)  # of (w - 3)² + decay / 2 · w²
    assert np.allclose(w, minimum, atol=1e-4)
    return f"ends at {say(w)}, the minima are at {say(minimum)}"


def decay_under_noise() -> str:
    """With L2 in Adam, weights with noisy gradients decay less; in AdamW and in SGD all decay alike."""
    g = np.array([[0.01], [1.0], [10.0]]) * np.random.default_rng(0).normal(size=(2000, 3, 50))
    start, ends = np.full((3, 50), 10.0), []
    for rule in (rules.adam_l2, rules.adamw):
        ends.append(run(rule, g, start=start, lr=0.001, weight_decay=0.1, record=()).w.mean(axis=1))
    w = start
    for step in g:
        w = w - 0.001 * (step + 0.1 * w)
    (quiet, middle, noisy), decoupled, sgd = *ends, w.mean(axis=1)
    assert quiet < middle - 0.3 < noisy - 1 and np.ptp(decoupled) < 0.05 and np.ptp(sgd) < 0.3
    return (
        f"10 decays to {say(ends[0])} with L2 in Adam, to {say(decoupled, 2)} in AdamW, for gradients of "
        "size 0.01, 1, 10"
    )


def decay_alone() -> str:
    """Without gradients AdamW multiplies every weight by the same factor at every step."""
    w = run(rules.adamw, np.zeros((50, 3)), start=[100.0, 1.0, -0.01], lr=0.1, weight_decay=0.2)["w"]
    factors = w[1:] / w[:-1]
    assert np.allclose(factors, 1 - 0.1 * 0.2)
    return f"factor {number(factors[0, 0], 4)} for weights of 100, 1 and -0.01"


def sgd_with_a_penalty() -> str:
    """For plain SGD an L2 penalty and weight decay are one path; with momentum they are two."""
    lr, decay, apart = 0.05, 0.1, []
    for momentum in (0.0, 0.9):
        penalized = rules.momentum.trace(
            w=0.0, g=lambda w: 2 * (w - 3) + decay * w, steps=20, lr=lr, momentum=momentum
        )
        w, v, path = 0.0, 0.0, [0.0]
        for _ in range(20):
            v = momentum * v + 2 * (w - 3)
            w = (1 - lr * decay) * w - lr * v
            path.append(w)
        apart.append(np.abs(penalized["w"] - path).max())
    assert apart[0] < 1e-12 and apart[1] > 0.2
    return f"20 steps: equal to rounding, and up to {number(apart[1], 2)} apart with momentum 0.9"


def fixed_points() -> str:
    """AdamW ends at 1 / weight_decay whether the loss is scaled or not, as with no fixed penalty."""
    scale, hyper = np.array([1.0, 100.0]), {"lr": 0.01, "beta2": 0.9, "weight_decay": 0.5}
    ends = [
        run(rule, lambda w: scale * 2 * (w - 3), start=np.ones((1, 2)), steps=3000, **hyper).w[0]
        for rule in (rules.adam_l2, rules.adamw)
    ]
    assert np.allclose(ends[0], 6 * scale / (2 * scale + 0.5), atol=0.01)
    assert np.allclose(ends[1], 2, atol=0.01)
    return f"(w - 3)² and 100 times it, decay 0.5: {say(ends[0])} with L2, {say(ends[1], 2)} in AdamW"


def decay_and_the_minimum() -> str:
    """With decay AdamW first meets a minimum at zero sooner; one at (2, 2) it meets late or not at all."""
    met, decays = [], (0.0, 0.1, 0.5)
    for slope, minimum in ((ravine.gradient, 0), (_moved, 2)):
        for decay in decays:
            path = run(rules.adamw, slope, start=START, steps=4000, lr=0.1, weight_decay=decay)["w"]
            near = np.linalg.norm(path - minimum, axis=1) < 0.01
            met.append(float(near.argmax()) if near.any() else np.inf)
    zero, moved = met[:3], met[3:]
    assert zero[0] > zero[1] > zero[2] and moved[1] > 20 * moved[0] and np.isinf(moved[2])
    return (
        f"decay {say(decays)}: first within 0.01 of (0, 0) after {say(zero)} steps; of (2, 2) after "
        f"{say(moved[:2], 2)} steps, and with 0.5 not in 4000"
    )


def norms_from_4_1() -> str:
    """From (4, 1) the norm of the weights rises at a fifth of the steps, with Adam and L2 and with AdamW."""
    rises = []
    for rule in (rules.adam_l2, rules.adamw):
        path = run(rule, ravine, start=START, steps=200, lr=0.1, weight_decay=0.1)["w"]
        rises.append(int(np.sum(np.diff(np.linalg.norm(path, axis=1)) > 0)))
    assert min(rises) > 30
    return f"the norm rises at {rises[0]} of 200 steps with L2, at {rises[1]} with AdamW"


def paths_from_4_1() -> str:
    """With the minimum at zero Adam cancels the L2 penalty: the path is that of no decay; not elsewhere."""

    def apart(rule, slope):
        paths = [run(rule, slope, start=START, steps=200, lr=0.1, weight_decay=d)["w"] for d in (0, 0.5)]
        return np.abs(paths[0] - paths[1]).max()

    l2, l2_moved = apart(rules.adam_l2, ravine.gradient), apart(rules.adam_l2, _moved)
    decoupled = apart(rules.adamw, ravine.gradient)
    assert l2 < 1e-6 < 0.3 < l2_moved and decoupled > 1
    return (
        f"decay 0.5 moves the path by up to {number(decoupled, 2)} in AdamW, not with L2, which moves it "
        f"by {number(l2_moved, 2)} where the minimum is at (2, 2)"
    )


def decay_without_gradient() -> str:
    """Without gradients Adam with L2 goes to zero at lr per step for any decay, far faster than AdamW."""
    decay = np.array([0.01, 0.1, 1.0])
    l2, decoupled = (
        run(rule, np.zeros((100, 1)), start=[1.0], lr=0.01, weight_decay=decay)["w"][:, 0]
        for rule in (rules.adam_l2, rules.adamw)
    )
    assert np.all(l2[100] < 0.3) and np.ptp(l2[100]) < 0.01 and np.all(decoupled[100] > l2[100] + 0.1)
    assert np.allclose(np.diff(np.log(decoupled), axis=0), np.log(1 - 0.01 * decay))
    ends = f"{say(l2[100], 2)} with L2, {say(decoupled[100], 2)} in AdamW"
    return f"100 steps from 1, decay 0.01, 0.1, 1: {ends}"


def box_run_literally() -> str:
    """Run as the box stands, the decay overwrites Adam's update: the weight goes to 0 for every loss."""
    slope, lr, decay = (lambda w: 2 * (w - 3)), 0.01, 0.1
    right = _decay_after.trace(w=1.0, g=slope, steps=2000, lr=lr, weight_decay=decay)["w"]
    w, m, v = 1.0, 0.0, 0.0
    for t in range(1, 2001):
        half, m, v = rules.adam(w, slope(w), t, m, v, lr=lr)  # step 7, which step 8 assigns again
        half = w - lr * decay * w
        w = half
    assert w < 0.2 and np.isclose(w, (1 - lr * decay) ** 2000) and abs(right[-1] - 3) < 0.2
    return f"from 1 toward the minimum at 3: {number(w, 3)} by the box, {number(right[-1], 3)} by the program"


# All of them.

_PAIRS = [  # a rule, torch's name for it, the constants, and what only torch is told
    (rules.momentum, "SGD", {"lr": 0.02, "momentum": 0.9}, {}),
    (rules.adagrad, "Adagrad", {"lr": 0.1}, {}),
    (rules.adadelta, "Adadelta", {"lr": 1.0, "rho": 0.9}, {}),
    (rules.rmsprop, "RMSprop", {"lr": 0.01}, {"alpha": 0.99}),
    (rules.adam, "Adam", {"lr": 0.1}, {}),
    (rules.adamax, "Adamax", {"lr": 0.1}, {}),
    (rules.adamw, "AdamW", {"lr": 0.1, "weight_decay": 0.1}, {}),
    (rules.nesterov, "SGD", {"lr": 0.02, "momentum": 0.9}, {"nesterov": True}),
]


def listings_and_torch() -> str:
    """Eight rules take the path of torch in ten full-batch steps, where the constants are the same."""
    x, model, worst = np.array([[2.0], [1.0], [3.0], [0.5]]), LinearRegression(), 0.0

    def slope(w):
        return model.gradient(w, x, 5 * x[:, 0] + 1)[1]

    for rule, kind, hyper, names in _PAIRS:
        path = run(rule, slope, start=[0.0, 0.0], steps=10, **hyper)["w"]
        twin = _torch_path(kind, slope, [0.0, 0.0], 10, **hyper, **names)
        assert np.abs(path[10]).max() > 0.01
        worst = max(worst, np.abs(path - twin).max())
    ahead = run(rules.nesterov_lookahead, slope, start=[0.0, 0.0], steps=10, record=("w", "v"), **hyper)
    points = ahead["w"] - hyper["lr"] * hyper["momentum"] * ahead["v"]
    assert worst < 1e-9 and np.allclose(points, path, atol=1e-9) and np.abs(ahead["w"] - path).max() > 0.1
    return f"all {len(_PAIRS)} within 1e-9; torch's Nesterov has the look-ahead points of the listing's"


def state_of_adamw() -> str:
    """AdamW keeps as much state as Adam, two numbers per weight; plain SGD keeps none."""
    adam, adamw, sgd = (_torch_state(kind) for kind in ("Adam", "AdamW", "SGD"))
    assert adam == adamw == 2 and sgd == 0 and list(rules.adamw.state) == list(rules.adam.state)
    return f"numbers per weight: {adam:.0f} and {adamw:.0f}"
