"""Checks of the claims about AdaGrad, Adadelta and a rate for every weight; `adaptive.yaml` names them.

In this order: the family, AdaGrad on the four points, batches, squared gradients, RMSprop's start, features,
Adadelta. A rate is a learning rate; G is AdaGrad's sum of squared gradients.
"""
# A docstring here states a finding, and one assert may state it in several parts.

from __future__ import annotations

import inspect
import itertools
from collections.abc import Iterable

import numpy as np
from numpy import sqrt

from .. import landscapes, rules
from ..descent import run
from ..format import number
from ..rule import Rule
from ._say import printed_in, say

X = np.array([2, 1, 3, 0.5])  # the four points of N2, on the line y = 5 x


def _torch_path(optimizer: str, gradients: Iterable[float], **hyper) -> np.ndarray:
    """Return the path of one weight from 0 that an optimizer of PyTorch takes for these gradients."""
    import torch

    w, path = torch.nn.Parameter(torch.zeros((), dtype=torch.float64)), [0.0]
    made = getattr(torch.optim, optimizer)([w], **hyper)
    for g in gradients:
        w.grad = torch.full_like(w, g)
        made.step()
        path.append(w.item())
    return np.array(path)


# The family.


def who_keeps_moving() -> str:
    """When the gradient vanishes, momentum and Adam move on; AdaGrad and RMSprop stop, without velocity."""
    family = (rules.momentum, rules.adam, rules.adagrad, rules.rmsprop)
    paths = [np.abs(rule.trace(w=0.0, g=[1, 1, 1, 0, 0, 0], lr=0.01)["w"]) for rule in family]
    later = [np.abs(w[6] - w[3]) / w[3] for w in paths]
    assert later[0] > 1 and later[1] > 0.5 and later[2:] == [0, 0]
    return f"way after the last gradient over the way before: {say(later)} (in this order)"


def defaults_of_torch() -> str:
    """PyTorch has three values of eps for four optimizers, and under tiny gradients eps decides the step."""
    import torch

    names = ("Adagrad", "Adadelta", "RMSprop", "Adam")
    known = {name: inspect.signature(getattr(torch.optim, name)).parameters for name in names}
    eps = [known[name]["eps"].default for name in names]
    alpha, lr = (known["RMSprop"][name].default for name in ("alpha", "lr"))
    ways = -run(rules.adam, [1e-7] * 100, lr=0.01, eps=np.array([1e-10, 1e-8, 1e-6])).w[0]
    assert eps == [1e-10, 1e-6, 1e-8, 1e-8] and (alpha, lr) == (0.99, 0.01)
    assert ways[0] > 0.99 and ways[2] < 0.1
    return (
        f"eps of {', '.join(names)}: {say(eps)}; RMSprop's alpha {alpha}, lr {lr}; Adam's way under 1e-7 for "
        f"eps 1e-10, 1e-8, 1e-6: {say(ways)}"
    )


# AdaGrad on the four points.


def adagrad_goes_on() -> str:
    """AdaGrad's rate falls like 1/sqrt(t) and never stops it: on the four points it arrives after all."""
    w = run(rules.adagrad, landscapes.four_points_online, steps=800, lr=0.1)["w"][::4, 0]
    way = -rules.adagrad.trace(w=0.0, g=np.ones(10_000), lr=1.0)["w"]
    assert w[2] - w[1] > 0.1 and 4.9 < w[200] < 5 and way[10_000] > 10 * way[100]
    return (
        f"weights after epochs 1, 2, 10, 200: {say(w[[1, 2, 10, 200]], 4)}; under a gradient of 1 in 100 and "
        f"10000 steps {say(way[[100, 10_000]])}"
    )


def scale_of_the_gradient() -> str:
    """Gradients 100 times larger or smaller leave AdaGrad's path as it is and change only lr / sqrt(G)."""
    scale = np.array([0.01, 1.0, 100.0])
    path = run(
        rules.adagrad,
        lambda w, t: scale * 2 * (w - 5) * X[(t - 1) % 4] ** 2,
        start=np.full((1, 3), 3.0),
        steps=40,
        lr=0.1,
        record=("w", "s"),
    )
    rates = 0.1 / sqrt(path["s"][1:3, 0])
    assert np.allclose(path["w"], path["w"][..., :1]) and np.allclose(path["w"][1] - 3, 0.1)
    assert np.allclose(rates[0] * scale, rates[0, 1]) and np.all(rates[1] > 0.95 * rates[0])
    return (
        f"first step 0.1 in all three; first rates {say(rates[0])}, "
        f"{number(100 * (1 - rates[1, 1] / rates[0, 1]), 2)} % less after point 2"
    )


def smallest_step() -> str:
    """Point 4 gives every method its smallest step; AdaGrad's next one, at point 1, is 15 times as long."""
    methods = {rules.gradient_descent: {}, rules.adagrad: {}, rules.rmsprop: {"rho": 0.9}}
    steps = []
    for rule, hyper in methods.items():
        w = run(rule, landscapes.four_points_online, steps=5, lr=0.1, **hyper)["w"][:, 0]
        steps.append(np.abs(np.diff(w)))
        assert steps[-1].argmin() == 3 and steps[-1][2] > 30 * steps[-1][3]
    adagrad = steps[1]
    assert 14 < adagrad[4] / adagrad[3] < 16
    return (
        f"steps at point 4: {say(each[3] for each in steps)} (descent, AdaGrad, RMSprop); AdaGrad's: "
        f"{say(adagrad)}"
    )


def shares_of_the_sum() -> str:
    """Four fifths of G come from point 3, not from the first gradient, without which the rate is alike."""
    path = run(rules.adagrad, landscapes.four_points_online, steps=4, lr=0.1, record=("g", "s"))
    g, total = path["g"][1:, 0], path["s"][4, 0]
    shares, faster = g**2 / total, sqrt(total / (total - g[0] ** 2))
    assert shares[0] < 0.2 and shares[2] > 0.8 and faster < 1.11
    return f"shares {say(100 * shares, 2)} %; without the first the rate is {number(faster, 3)} times as high"


def rate_still_matters() -> str:
    """AdaGrad's base rate decides: in ten epochs 0.01 goes 4 % of the way and 1 all of it."""
    rates = np.array([0.01, 0.1, 1.0, 10.0])
    w = run(rules.adagrad, landscapes.four_points_online, steps=40, lr=rates)["w"][:, 0]
    done = 1 - np.abs(w[40] - 5) / 2
    assert done[0] < 0.05 and 0.3 < done[1] < 0.45 and done[2] > 0.999 and w[1:].max(axis=0)[3] > 10
    return f"share of the way in ten epochs, rates {say(rates)}: {say(done)}; 10 jumps to {number(w[1, 3])}"


def adagrad_converges() -> str:
    """AdaGrad converges on x^2 + 10 y^2, and under noise its error keeps falling, as descent's does not."""
    exact = np.abs(run(rules.adagrad, landscapes.ravine, start=[1.0, 1.0], steps=1000, lr=0.1).w).max()
    noise = np.random.default_rng(0).standard_normal((10_000, 1, 100))
    path = run(rules.adagrad, lambda w, t: w + noise[t - 1], start=np.ones((1, 100)), steps=10_000, lr=1.0)
    plain = run(
        rules.gradient_descent, lambda w, t: w + noise[t - 1], start=np.ones((1, 100)), steps=10_000, lr=0.1
    )
    error, floor = (np.mean(each["w"][[100, 10_000], 0] ** 2, axis=1) for each in (path, plain))
    assert exact < 1e-12 and error[1] < 0.2 * error[0] and floor[1] > 0.5 * floor[0]
    return (
        f"ravine: below 1e-12; squared error after 100 and 10000 noisy steps: {say(error, 2)}, descent "
        f"{say(floor, 2)}"
    )


# Batches.


def squares_of_means() -> str:
    """Of the ratio 7.73 a factor 4 is four additions against one; squaring a mean accounts for 1.93."""
    g = 2 * (3 - 5) * X**2
    total, mean = np.sum(g**2), np.mean(g) ** 2
    ratios = total / mean, np.mean(g**2) / mean
    samples = np.random.default_rng(0).normal(1, 2, (50, 1000))
    gap = np.mean(samples**2, axis=1) - np.mean(samples, axis=1) ** 2
    assert np.allclose(g, [-16, -4, -36, -1]) and (total, g[2] ** 2, (g[2] / 4) ** 2) == (1569, 1296, 81)
    assert np.allclose(ratios, (7.727, 1.932), atol=1e-3) and np.allclose(gap, samples.var(axis=1))
    return f"{number(total)} over {number(mean)}: {say(ratios)}; alone -36 gives 1296, in the mean 81"


def _adagrad_by(size: int, updates: int) -> np.ndarray:
    """Return AdaGrad's weights on the four points in batches of this size, one column per order of them."""
    x = np.array(list(itertools.permutations(X))).T

    def gradient(w, t):
        first = (t - 1) * size % 4
        return np.mean(2 * (w - 5) * x[first : first + size] ** 2, axis=0, keepdims=True)

    return run(rules.adagrad, gradient, start=np.full((1, 24), 3.0), steps=updates, lr=0.1)["w"][:, 0]


def sizes_of_batches() -> str:
    """After equal epochs AdaGrad is farther with smaller batches; after equal updates with larger ones."""
    one, two, four = (_adagrad_by(size, 80) for size in (1, 2, 4))
    epochs = [5 - w.mean() for w in (one[80], two[40], four[20])]
    updates = [5 - w.mean() for w in (one[80], two[80], four[80])]
    assert np.all(one[80] > four[20] + 0.1) and np.all(one[80] < four[80]) and np.all(two[40] > four[20])
    assert epochs == sorted(epochs) and updates == sorted(updates, reverse=True)
    return (
        f"distance to 5, batches of 1, 2, 4, 24 orders: {say(epochs)} after 20 epochs, {say(updates)} after "
        "80 updates"
    )


def batches_of_two() -> str:
    """At AdaGrad's and Adam's own weight the second gradient is -17.6, not -9.25; G is 409, not 186."""
    x = X.reshape(2, 2)
    given = {"w": 3.0, "steps": 2, "lr": 0.1}
    printed, second = printed_in("minibatch2-adagrad"), []
    for rule in (rules.gradient_descent, rules.adam, rules.adagrad):
        turn = iter(x)
        path = rule.trace(g=lambda w, turn=turn: np.mean(2 * (w - 5) * next(turn) ** 2), **given)
        second.append(path["g"][2])
    single = run(rules.adagrad, landscapes.four_points_online, steps=4, lr=0.1).w[0]
    assert np.allclose(second, [printed["batch 2", "g"], -17.575, -17.575]) and path["w"][2] < single
    assert path["s"][2] > 2 * printed["batch 2", "G"]
    assert printed_in("minibatch2-adam")["batch 2", "g"] == second[0]
    return (
        f"second gradients {say(second, 5)} (descent, Adam, AdaGrad), G {number(path['s'][2], 4)}; AdaGrad "
        f"ends at {number(path['w'][2], 4)}, by single points at {number(single, 4)}"
    )


# Squared gradients.


def rms_is_no_deviation() -> str:
    """The mean square is variance plus squared mean: a root of it equals the deviation only at mean zero."""
    means = np.array([0.0, 1.0, 3.0])
    noise = np.random.default_rng(0).standard_normal((4000, 20, 1))
    path = run(rules.rmsprop, means + noise, rho=0.999, record=("s",))
    rms = sqrt(path["s"][-1].mean(axis=0) / (1 - 0.999**4000))
    constant = sqrt(rules.rmsprop.trace(w=0.0, g=np.full(1000, -2.0), rho=0.9)["s"][-1])
    assert np.allclose(rms, sqrt(1 + means**2), rtol=0.05) and np.isclose(constant, 2)
    return f"deviation 1, means {say(means)}: {say(rms, 2)}; constant gradient of -2: {number(constant)}"


@Rule
def _adagrad_inside(w, g, s=0.0, *, lr=0.01, eps=1e-8):
    """AdaGrad with eps inside the root."""
    s = s + g**2
    w = w - lr * g / sqrt(s + eps)
    return w, s


@Rule
def _rmsprop_inside(w, g, s=0.0, *, lr=0.01, rho=0.9, eps=1e-8):
    """RMSprop with eps inside the root."""
    s = rho * s + (1 - rho) * g**2
    w = w - lr * g / sqrt(s + eps)
    return w, s


def eps_inside_or_outside() -> str:
    """Under a gradient of 1e-6 an eps of 1e-8 shortens the step 100-fold inside the root, hardly outside."""
    pairs = {
        rules.adagrad: (_adagrad_inside, {}),
        rules.rmsprop: (_rmsprop_inside, {"rho": 0.9}),
        rules.adam: (rules.adam_eps_inside, {}),
    }
    g, ratios = np.array([1e-6, 1.0]), []
    for rule, (inside, more) in pairs.items():
        steps = [-each.trace(w=0.0, g=[g], lr=1.0, eps=1e-8, **more)["w"][1] for each in (rule, inside)]
        ratios.append(steps[0] / steps[1])
        assert ratios[-1][0] > 90 and np.isclose(ratios[-1][1], 1) and np.isclose(*steps[0], rtol=0.04)
    small, large = np.transpose(ratios)
    return f"first step, outside over inside: {say(small)} (AdaGrad, RMSprop, Adam); at 1 {say(large)}"


# RMSprop.


def first_step_of_rmsprop() -> str:
    """RMSprop's average starts too low like Adam's, uncorrected: its first step is lr / sqrt(1 - rho)."""
    decays = np.array([0.9, 0.99, 0.999])
    first = -run(rules.rmsprop, [5.0], lr=1.0, rho=decays).w[0]
    in_torch = [-_torch_path("RMSprop", [5.0], lr=1.0, alpha=rho)[1] for rho in decays]
    corrected = -rules.adam.trace(w=0.0, g=[5.0], lr=1.0, beta1=0.0)["w"][1]
    adagrad = -rules.adagrad.trace(w=0.0, g=[5.0], lr=1.0)["w"][1]
    assert np.allclose(first, 1 / sqrt(1 - decays)) and np.allclose(in_torch, first)
    assert np.allclose((corrected, adagrad), 1)
    return f"first step over lr: {say(first)}, also in torch; AdaGrad and the corrected average: 1"


def steady_state() -> str:
    """Gradients of 10 and 0.1 get the same steps: 3.16 lr at first, and lr once the average has settled."""
    w = rules.rmsprop.trace(w=np.zeros(2), g=np.tile([10, 0.1], (200, 1)), lr=0.1, rho=0.9)["w"]
    first, last = -np.diff(w, axis=0)[[0, -1]]
    assert np.allclose(first, 0.1 / sqrt(0.1)) and np.allclose(last, 0.1)
    return f"first steps {say(first)}, last steps {say(last)}"


def recovers_and_hovers() -> str:
    """RMSprop's average falls with the gradients and its rate recovers; so it hovers and never settles."""
    path = run(rules.rmsprop, landscapes.four_points_online, steps=4000, lr=0.1, rho=0.9, record=("w", "s"))
    w, s = path["w"][:, 0], path["s"][:, 0]
    adagrad = run(rules.adagrad, landscapes.four_points_online, steps=4000, lr=0.1).w[0]
    late = np.abs(w[-400:] - 5).max()
    assert s[2] < s[1] and s[-400:].max() < 0.1 * s[1:5].max() and late > 0.05 and abs(adagrad - 5) < 1e-3
    return (
        f"average after points 1 and 2: {say(s[1:3], 4)}; late up to {number(late, 2)} from 5, AdaGrad "
        "within 0.001"
    )


def state_of_rmsprop() -> str:
    """RMSprop keeps an average of squared gradients and none of squared steps; Adadelta keeps both."""
    import torch

    kept = []
    for optimizer in (torch.optim.RMSprop, torch.optim.Adadelta):
        p = torch.nn.Parameter(torch.zeros(1))
        p.grad = torch.ones(1)
        made = optimizer([p])
        made.step()
        kept.append(sorted(set(made.state[p]) - {"step"}))
    assert kept == [["square_avg"], ["acc_delta", "square_avg"]] and list(rules.rmsprop.state) == ["s"]
    return f"RMSprop: {', '.join(kept[0])}; Adadelta: {', '.join(kept[1])}"


# Features.


def rare_when_present() -> str:
    """A rare feature's gradient is as large as any when the feature is there; only its mean is small."""
    ratios = []
    for seed in range(10):
        random = np.random.default_rng(seed)
        x = (random.random((4000, 2)) < (0.95, 0.01)).astype(float)
        y = 3 + random.standard_normal(4000)
        g = np.abs(-2 * y[:, None] * x)  # of each row's squared error, where both weights are zero
        frequent, rare = (g[x[:, j] > 0, j].mean() for j in (0, 1))
        ratios.append((rare / frequent, g[:, 1].mean() / g[:, 0].mean()))
    present, overall = np.mean(ratios, axis=0)
    assert 0.9 < present < 1.1 and overall < 0.02
    return f"rare over frequent, 10 seeds: {number(present, 2)} when present, {number(overall, 1)} on average"


def _pairs(steps: Iterable[np.ndarray]) -> str:
    """Write the steps of descent, momentum and AdaGrad in a row."""
    names = ("descent", "momentum", "AdaGrad")
    return ", ".join(f"{name} {number(a)} and {number(b)}" for name, (a, b) in zip(names, steps, strict=True))


def sparse_line() -> str:
    """With x = 1 in 2.5 % of rows a shared rate makes AdaGrad the slowest, and its own best the fastest."""

    def gradient(w):
        rare, usual = w[0] + w[1] - 5, w[1] - 2
        return 2 * np.array([0.025 * rare, 0.025 * rare + 0.975 * usual])

    shared, best, rates = [], [], np.append(np.geomspace(0.01, 10, 40), 0.1)
    for rule in (rules.gradient_descent, rules.momentum, rules.adagrad):
        path = run(rule, gradient, start=np.zeros((2, 41)), steps=1500, lr=rates)["w"]
        far = np.abs(path - [[3.0], [2.0]]) > 0.05
        steps = np.where(far[-1], np.inf, len(far) - np.argmax(far[::-1], axis=0))
        shared.append(steps[:, -1])
        best.append(steps[:, steps.max(axis=0).argmin()])
    (plain, heavy, adagrad), tuned = np.max(shared, axis=1), np.max(best, axis=1)
    assert plain > 8 * shared[0][1] and adagrad > plain > 5 * heavy and 5 * tuned[2] < tuned[:2].min()
    return f"steps for slope and intercept, at 0.1: {_pairs(shared)}; at the best rates: {_pairs(best)}"


def feature_scale() -> str:
    """Features of size 1000 and 0.01 make curvatures differ 1e10 times; standardized they are alike."""
    random = np.random.default_rng(0)
    x = random.standard_normal((500, 2)) * [1000, 0.01]
    scaled = (x - x.mean(axis=0)) / x.std(axis=0)
    raw, even = (2 * each.T @ each / 500 for each in (x, scaled))
    conditions = [landscapes.condition_number(hessian) for hessian in (raw, even)]
    limit, slowest = landscapes.stability_limit(raw), landscapes.eigenvalues(raw).min()
    assert 5e9 < conditions[0] < 2e10 and conditions[1] < 1.2 and limit * slowest < 1e-9
    return (
        f"ratios {number(conditions[0], 1)} and {number(conditions[1], 2)}; highest rate {number(limit, 1)}"
    )


# Adadelta.


@Rule
def _boxed(w, g, s=0.0, d=0.0, *, gamma=0.9, eps=1e-6):
    """Adadelta as it stands in the box of the notes: no eps above the line."""
    s = gamma * s + (1 - gamma) * g**2
    step = sqrt(d) / sqrt(s + eps) * g
    d = gamma * d + (1 - gamma) * step**2
    w = w - step
    return w, s, d


@Rule
def _two_decays(w, g, s=0.0, d=0.0, *, gamma=0.9, rho=0.9, eps=1e-6):
    """Adadelta with a decay of its own for each of the two averages."""
    s = gamma * s + (1 - gamma) * g**2
    step = sqrt(d + eps) / sqrt(s + eps) * g
    d = rho * d + (1 - rho) * step**2
    w = w - step
    return w, s, d


def boxed_adadelta() -> str:
    """The boxed Adadelta never moves, because its first step is zero; with eps above the line it moves."""
    boxed = run(_boxed, landscapes.ravine, start=[1.0, 1.0], steps=500)["w"]
    coded = run(rules.adadelta, landscapes.ravine, start=[1.0, 1.0], steps=500).w
    assert np.all(boxed == 1) and np.abs(coded).max() < 0.1
    return f"from (1, 1) in 500 steps: the box to ({say(boxed[-1])}), with eps to within 0.1 of the minimum"


def two_names() -> str:
    """Gamma and rho must be one number, the only one that PyTorch has: two numbers are another method."""
    import torch

    known = inspect.signature(torch.optim.Adadelta).parameters
    usual, same, other = (
        run(rule, landscapes.ravine, start=[1.0, 1.0], steps=100, **hyper).w[0]
        for rule, hyper in ((rules.adadelta, {}), (_two_decays, {}), (_two_decays, {"rho": 0.99}))
    )
    assert "rho" in known and "gamma" not in known and same == usual and abs(other - usual) > 0.05
    return f"x after 100 steps: {number(usual)} with 0.9 twice, {number(other)} with rho 0.99"


def where_the_rate_is() -> str:
    """The formula with eta is RMSprop; Adadelta has none, and PyTorch's lr of 1 multiplies its step."""
    import torch

    g = np.random.default_rng(0).standard_normal(50)
    default = inspect.signature(torch.optim.Adadelta).parameters["lr"].default
    whole, half = (_torch_path("Adadelta", g, lr=lr) for lr in (default, 0.5))
    with_eta = _rmsprop_inside.trace(w=0.0, g=g, lr=0.01, eps=1e-6)["w"]
    without = _two_decays.trace(w=0.0, g=g)["w"]
    assert default == 1 and np.allclose(whole, without) and np.allclose(half, without / 2)
    assert np.abs(with_eta - without).max() > 0.02
    ends = with_eta[1], without[1], half[1]
    return f"first weights: {say(ends)} (formula with eta 0.01, Adadelta, PyTorch with lr 0.5)"


def units() -> str:
    """With weights counted in thousandths a step of RMSprop gets 1000 times shorter, one of descent 1e6."""
    curvature, ratios = np.array([2.0, 20.0]), []
    for rule in (rules.gradient_descent, rules.rmsprop, rules.adagrad):
        steps = [
            (run(rule, lambda u, c=c: curvature * u / c**2, start=[c, c], steps=1, lr=0.01).w - c) / c
            for c in (1.0, 1000.0)
        ]
        ratios.append(np.mean(steps[0] / steps[1]))
    assert np.allclose(ratios, [1e6, 1e3, 1e3], rtol=1e-3)
    return f"first step, in the same unit, before over after: {say(ratios)} (descent, RMSprop, AdaGrad)"


def eps_is_the_step() -> str:
    """Adadelta's first step is sqrt(eps / (1 - rho)) whatever the unit of the weight: eps sets the pace."""
    eps = np.array([1e-4, 1e-6, 1e-8])
    first = [-run(rules.adadelta, [g], eps=eps).w[0] for g in (1.0, 1000.0)]
    path = run(rules.adadelta, landscapes.ravine, start=[1.0, 1.0], steps=2000, eps=eps)["w"]
    steps = np.argmax(np.abs(path).max(axis=1) < 0.1, axis=0)
    unit, slope = 1e-3, lambda u: np.array([[2.0], [20.0]]) * u / 1e-6  # weights in thousands
    scaled = {"start": np.full((2, 2), unit), "steps": 100, "eps": np.array([1e-6, 1e-6 * unit**2])}
    ends = run(rules.adadelta, slope, **scaled).w[0] / unit
    same = run(rules.adadelta, landscapes.ravine, start=[1.0, 1.0], steps=100).w[0]
    assert np.allclose(first, sqrt(eps / 0.1), rtol=0.01) and np.all(steps[1:] > 4 * steps[:-1])
    assert np.isclose(ends[1], same, rtol=1e-3) and abs(ends[0] - same) > 1
    return (
        f"eps {say(eps)}: first steps {say(first[0])}, {say(steps, 4)} steps to the minimum; x after 100 "
        f"{number(same, 2)}, counted in thousands {number(ends[0], 2)}"
    )


def slows_down_and_grows() -> str:
    """Adadelta's steps shrink near the minimum and then grow again, unless the curvature is below 2 / lr."""
    start = np.random.default_rng(0).uniform(-2, 2, (2, 20))
    path = run(rules.adadelta, landscapes.ravine, start=start, steps=10_000, every=10, record=("w", "d"))
    size = sqrt(path["d"]).max(axis=1)
    far = np.abs(path["w"]).max(axis=1)
    spans = [far[first:last].max(axis=0) for first, last in ((80, 100), (180, 200), (980, 1000))]
    assert np.all(size[1000] > 10 * size[1:101].min(axis=0)) and np.all(np.diff(spans, axis=0) > 0)
    curvature = np.array([0.5, 1.9, 2.1, 20.0])
    ends = run(rules.adadelta, lambda w: curvature * w, start=np.ones((1, 4)), steps=10_000)["w"][-500:]
    assert np.array_equal(np.abs(ends).max(axis=(0, 1)) < 1e-9, curvature < 2)
    return (
        "farthest from the minimum around steps 1000, 2000, 10000, mean of 20 starts: "
        f"{say((span.mean() for span in spans), 2)}; on parabolas with a curvature of 0.5 and 1.9 it settles"
    )
