"""Checks of the claims about practice: minima, batches, comparisons, rules of thumb.

Two experiments on handwritten digits serve several checks and are run once: `_sweep`, four optimizers at
six rates each, and `_tuned`, each near the rate that suited it best in a longer sweep.
"""

from __future__ import annotations

import functools
import itertools

import numpy as np

from .. import rules
from ..clipping import by_norm
from ..datasets import Dataset, digits
from ..descent import run
from ..format import number
from ..landscapes import classify, plateau, rosenbrock
from ..landscapes import saddle as saddle_surface
from ..network import LinearRegression, Network
from ..schedules import range_test, read_range_test
from ..training import train
from ._say import say

FOUR = {  # with a rate near the best of eleven, from 0.0001 to 10, in 20 epochs with batches of 32
    rules.gradient_descent: 0.2,
    rules.momentum: 0.1,
    rules.rmsprop: 0.01,
    rules.adam: 0.01,
}
RATES = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3)
X = np.array([2, 1, 3, 0.5])  # the four points of N2, on the line y = 5 x


@functools.cache
def _sweep() -> np.ndarray:
    """Return test accuracies after 4 epochs in batches of 64: rule (as in `FOUR`), rate, seed."""
    few, network = {"epochs": 4, "batch_size": 64, "progress": False}, Network(64, 32, 10)
    data = [digits(seed=seed) for seed in range(5)]
    runs = [
        train(network, data[seed], rule, lr=lr, seed=seed, **few).test_accuracy[-1]
        for rule, lr, seed in itertools.product(FOUR, RATES, range(5))
    ]
    return np.reshape(runs, (4, 6, 5))


@functools.cache
def _tuned() -> tuple[np.ndarray, np.ndarray]:
    """Return accuracies on training and on test data at the tuned rates: rule, seed, epoch 0 to 10."""
    few, network, found = {"epochs": 10, "batch_size": 32, "progress": False}, Network(64, 32, 10), []
    for rule, lr in FOUR.items():
        runs = [train(network, digits(seed=seed), rule, lr=lr, seed=seed, **few) for seed in range(8)]
        found.append([[history.train_accuracy, history.test_accuracy] for history in runs])
    return np.array(found)[:, :, 0], np.array(found)[:, :, 1]


def _epochs(share: float) -> np.ndarray:
    """Return the median epochs until this share of the test images is right, for each of the `FOUR`."""
    reached = _tuned()[1] >= share
    return np.median(np.where(reached.any(axis=2), np.argmax(reached, axis=2), np.inf), axis=1)


def _through_points(rule, order, epochs: int, **hyper):
    """Pass through the four points one by one, from the weight 3, and return the run."""
    x = np.tile(X[list(order)], epochs)
    steps = 4 * epochs
    return run(rule, lambda w, t: 2 * (w - 5) * x[t - 1] ** 2, start=[3.0], steps=steps, **hyper)


def _factor_of_an_epoch(lr: float, momentum: float) -> float:
    """Return the factor by which an epoch of momentum on the four points multiplies its error at worst."""
    epoch = np.eye(2)
    for curvature in 2 * X**2:
        epoch = np.array([[1 - lr * curvature, -lr * momentum], [curvature, momentum]]) @ epoch
    return float(np.abs(np.linalg.eigvals(epoch)).max())


def _regression(seed: int, samples: int = 4096, least: float = 1.0) -> Dataset:
    """Return noisy linear data of 20 features of size `least` to 1; there is no test data."""
    random = np.random.default_rng(seed)
    x = random.normal(size=(samples, 20)) * np.linspace(least, 1, 20)
    y = x @ random.normal(size=20) + 0.5 * random.normal(size=samples)
    return Dataset("regression", x, y, x[:0], y[:0])


def _series(seed: int) -> Dataset:
    """Return windows of two values of an autoregressive series, with the next value as their target."""
    z, random = [0.0, 0.0], np.random.default_rng(seed)
    for noise in random.normal(size=1500):
        z.append(1.2 * z[-1] - 0.5 * z[-2] + noise)
    z = np.array(z)
    x, y = np.stack([z[1:-1], z[:-2]], axis=1), z[2:]
    return Dataset("series", x[:1000], y[:1000], x[1000:], y[1000:])


def _nearest_day(walk: np.ndarray, test: np.ndarray) -> float:
    """Return the mean squared error of predicting each day of a walk by the nearest day not tested."""
    known = np.setdiff1d(np.arange(len(walk)), test)
    nearest = known[np.abs(known[:, None] - test).argmin(axis=0)]
    return float(np.mean((walk[nearest] - walk[test]) ** 2))


# Minima, maxima and convexity.


def conditions_without_a_minimum() -> str:
    """Slope 0 and no negative curvature do not make a minimum: descent halts at 0 on x³, which is none."""
    start = [[0.5, -0.01]]
    path = run(rules.gradient_descent, lambda x: 3 * x**2, start=start, steps=3000, lr=0.1)
    stays = path["w"][:, 0, 0]
    assert 0 < stays[-1] < 0.002 and np.all(np.diff(stays) < 0) and path.diverged.tolist() == [False, True]
    inside = np.linspace(-0.9, 0.9, 7)  # of max(0, |x| - 1): no point beside it is lower, and none is higher
    assert np.ptp(np.maximum(0, np.abs(inside) - 1)) == 0
    return f"on x³ from 0.5 it comes to {number(stays[-1], 2)}, from -0.01 it falls without end"


def convex_without_a_minimum() -> str:
    """exp(x) is convex and has no minimum: descent walks left for ever, and its value only tends to 0."""
    a, b = np.random.default_rng(0).uniform(-5, 5, (2, 1000))
    assert np.all(np.exp((a + b) / 2) <= (np.exp(a) + np.exp(b)) / 2 + 1e-12)
    x = run(rules.gradient_descent, np.exp, start=[0.0], steps=10_000, lr=1.0)["w"][:, 0]
    assert np.all(np.diff(x) < 0) and x[1000] - x[10_000] > 2 and np.exp(x[-1]) > 0
    return f"after 100, 1000, 10,000 steps at {say(x[[100, 1000, 10_000]])}"


def many_minima_of_a_convex_function() -> str:
    """max(0, |x| - 1) is convex, and descent ends at different minima from different starts."""

    def slope(x):
        return np.sign(x) * (np.abs(x) > 1)

    start = [[-4.0, -0.5, 0.3, 2.0, 5.0]]
    x = run(rules.gradient_descent, slope, start=start, steps=300, lr=0.07).w[0]
    assert np.all(np.maximum(0, np.abs(x) - 1) < 1e-9) and np.ptp(x) > 1 and len(set(x.round(3))) >= 4
    return f"from {say(start[0])} it ends at {say(x)}, all with the value 0"


def one_valley_not_convex() -> str:
    """A function with a single valley can be non-convex: sqrt|x|, or a pit in a plane."""
    x = np.linspace(-3, 3, 601)
    for values in (np.sqrt(np.abs(x)), plateau.value(np.array([x, 0 * x]))):
        lowest = np.argmin(values)
        assert np.all(np.diff(values)[:lowest] < 0) and np.all(np.diff(values)[lowest:] > 0)  # one valley
        assert values[450] > (values[300] + values[600]) / 2 + 0.1  # 1.5 lies above the chord from 0 to 3
    kinds = [classify(plateau.hessian(np.array(w))) for w in ([0.0, 0.0], [2.0, 0.0])]
    assert kinds == ["minimum", "saddle"]
    return f"at 1.5 the pit has {number(values[450], 3)}, its chord from 0 to 3 {number(values[600] / 2, 3)}"


def leaving_a_maximum() -> str:
    """Descent stays on a maximum only from exactly there; a millionth beside it, it leaves."""
    start = [[0.0, 1e-6, -1e-6]]
    x = run(rules.gradient_descent, lambda x: 4 * x**3 - 2 * x, start=start, steps=300, lr=0.1).w[0]
    assert x[0] == 0 and np.allclose(np.abs(x[1:]), np.sqrt(0.5))
    return f"on x⁴ - x² from 0, 1e-06, -1e-06: {say(x)}"


def zero_gradients() -> str:
    """x², -x² and x² - y² all have gradient 0 at 0: a minimum, a maximum and a saddle."""
    assert np.all(saddle_surface.gradient(np.zeros(2)) == 0)
    found = [classify(hessian) for hessian in ([[2.0]], [[-2.0]], saddle_surface.hessian(np.zeros(2)))]
    assert found == ["minimum", "maximum", "saddle"]
    return ", ".join(found)


def curvature_decides_nothing() -> str:
    """x⁴, -x⁴ and x³ have slope and curvature 0 at 0: a minimum, a maximum and neither."""
    h, shapes = 1e-3, {"x⁴": lambda x: x**4, "-x⁴": lambda x: -(x**4), "x³": lambda x: x**3}
    for f in shapes.values():
        assert abs(f(h) - f(-h)) / (2 * h) < 1e-5 and abs(f(h) - 2 * f(0) + f(-h)) / h**2 < 1e-5
    sides = {name: (int(np.sign(f(-h))), int(np.sign(f(h)))) for name, f in shapes.items()}
    assert sides == {"x⁴": (1, 1), "-x⁴": (-1, -1), "x³": (-1, 1)}
    return f"signs left and right of 0: {', '.join(f'{name} {signs}' for name, signs in sides.items())}"


def slopes_without_backprop() -> str:
    """Differences of the loss give the gradient without backprop, but take two losses for every weight."""
    network, data = Network(64, 4, 10), digits(dtype=float)
    x, y, w = data.train_x[:64], data.train_y[:64], network.start(0, float)
    by_backprop = network.gradient(w, x, y)[1]
    moves = 1e-6 * np.eye(network.size)
    by_differences = [(network.loss(w + d, x, y) - network.loss(w - d, x, y)) / 2e-6 for d in moves]
    off = np.abs(by_differences - by_backprop).max()
    assert off < 1e-7 < 1e-3 < np.abs(by_backprop).max()
    return f"equal within 1e-07; {2 * network.size} losses for {network.size} weights, or one pass back"


# Order, seeds, state and clipping.


def state_over_epochs() -> str:
    """Weights and state go on from epoch to epoch: a new optimizer after the first takes another path."""
    whole = _through_points(rules.momentum, range(4), 2, lr=0.02)["w"][:, 0]
    first = _through_points(rules.momentum, range(4), 1, lr=0.02)
    again = [first.w[0], 0.0]  # the velocity is lost
    for x in X:
        again = rules.momentum(again[0], 2 * (again[0] - 5) * x**2, again[1], lr=0.02)
    assert whole[4] == first.w[0] and abs(first.state["v"][0]) > 0.1 and abs(whole[8] - again[0]) > 0.1
    return f"the second epoch ends at {number(whole[8], 4)}, or at {number(again[0], 4)} without the velocity"


def windows_of_a_series() -> str:
    """Windows of a series are learned as well shuffled as in order; what deceives is a split at random."""
    errors, splits = [], []
    for seed in range(10):
        data, few = _series(seed), {"epochs": 3, "batch_size": 16, "lr": 0.01, "progress": False}
        for shuffle in (True, False):
            ends = train(LinearRegression(2), data, rules.gradient_descent, seed=seed, shuffle=shuffle, **few)
            errors.append(ends.test_loss[-1])
        random = np.random.default_rng(seed)
        walk, days = np.cumsum(random.normal(size=500)), random.permutation(500)
        splits.append([_nearest_day(walk, days[:100]), _nearest_day(walk, np.arange(400, 500))])
    errors, splits = np.reshape(errors, (10, 2)).mean(axis=0), np.mean(splits, axis=0)
    assert abs(errors[0] / errors[1] - 1) < 0.02 and splits[1] > 10 * splits[0]
    return (
        f"errors {say(errors)} shuffled and in order; the nearest known day is {say(splits, 2)} off on "
        "random and on later days"
    )


def tokens_stay_in_order() -> str:
    """Shuffling permutes the samples; the tokens inside each keep their order."""
    import torch
    from torch.utils.data import DataLoader

    sentences = torch.arange(32).reshape(8, 4)
    loader = DataLoader(sentences, batch_size=2, shuffle=True, generator=torch.Generator().manual_seed(0))
    rows = torch.cat(list(loader))
    assert not torch.equal(rows, sentences) and torch.all(rows.diff(dim=1) == 1)
    assert torch.equal(rows[rows[:, 0].argsort()], sentences)
    return f"8 sentences come in the order {', '.join(str(int(row[0]) // 4) for row in rows)}, each as it was"


def two_ways_to_clip() -> str:
    """PyTorch clips the norm of all gradients together; variable by variable the direction changes."""
    import torch

    weights = [torch.nn.Parameter(torch.zeros(2)), torch.nn.Parameter(torch.zeros(1))]
    weights[0].grad, weights[1].grad = torch.tensor([3.0, 4.0]), torch.tensor([12.0])
    norm = torch.nn.utils.clip_grad_norm_(weights, 1.0)
    together = np.concatenate([weight.grad.numpy() for weight in weights])
    alone = np.concatenate([by_norm(np.array(g), 1.0) for g in ([3.0, 4.0], [12.0])])
    assert norm == 13 and np.allclose(together, np.array([3, 4, 12]) / 13, atol=1e-5)
    assert np.allclose(alone, [0.6, 0.8, 1.0], atol=1e-5)
    return f"(3, 4) and (12) become {say(together, 2)} together, {say(alone, 2)} one by one"


def clipping_nan() -> str:
    """One NaN makes the norm NaN, and clipping by it spoils every gradient; before that, clipping helps."""
    import torch

    w = torch.nn.Parameter(torch.zeros(4))
    w.grad = torch.tensor([1.0, 2.0, float("nan"), 3.0])
    norm = torch.nn.utils.clip_grad_norm_([w], 1.0)
    assert norm.isnan() and w.grad.isnan().all() and np.isnan(by_norm(np.array([1.0, np.nan]), 1.0)).all()
    blown, clipped = (
        run(rules.gradient_descent, rosenbrock, steps=500, lr=0.01, clip_norm=limit) for limit in (None, 1.0)
    )
    assert blown.diverged and not clipped.diverged and clipped.value < rosenbrock.value(rosenbrock.start)
    return "4 of 4 gradients are NaN; a descent of Rosenbrock that diverges does not if clipped"


def rescaling_in_recurrent_networks() -> str:
    """Adam's step hardly holds what comes from 20 steps back, and after a burst it crawls unless clipped."""
    shares = []
    for seed in range(10):
        x, h = np.random.default_rng(seed).normal(size=50), [0.0]
        for value in x:
            h.append(np.tanh(0.9 * h[-1] + value))
        slopes = 1 - np.square(h[1:])
        back = np.append(1.0, np.cumprod(0.9 * slopes[:0:-1]))  # from the last step to the first
        parts = np.abs(back * slopes[::-1] * h[-2::-1])  # of the gradient of the recurrent weight
        shares.append(parts[20:].sum() / parts.sum())
    g = np.ones((1000, 1))
    g[100] = 1e4
    ways = [-run(rules.adam, g, lr=1.0, clip_norm=limit, record=()).w[0] for limit in (None, 1.0)]
    assert max(shares) < 1e-3 and ways[1] > 900 > 300 > ways[0]
    return f"way of 1000 steps with a burst at 100: {say(ways)} times lr, without and with clipping"


# Comparisons on the four points and on digits.


def scoreboard() -> str:
    """Momentum comes nearest to 5 in 3 of the 24 orders and diverges later on; descent wins the rest."""
    kinds = {rule: {"lr": 0.1} for rule in (*FOUR, rules.adagrad)}
    kinds[rules.rmsprop]["rho"] = 0.9

    def off(order, epochs):
        return [abs(_through_points(rule, order, epochs, **kinds[rule]).w[0] - 5) for rule in kinds]

    ends = np.array([off(order, 1) for order in itertools.permutations(range(4))])
    wins = np.bincount(ends.argmin(axis=1), minlength=5)
    later = off(range(4), 20)
    assert wins.tolist() == [21, 3, 0, 0, 0] and np.argmin(ends[0]) == 1
    assert later[0] < 1e-9 and later[1] > 100 and max(later[2:]) < 1
    return f"after 20 epochs off by {say(later, 2)}: descent, momentum, RMSprop, Adam, AdaGrad"


def fixes_of_a_divergence() -> str:
    """On the four points momentum 0.8 stops the divergence, barely; half the rate stops it for good."""
    found = [_factor_of_an_epoch(*pair) for pair in ((0.1, 0.9), (0.1, 0.82), (0.1, 0.8), (0.05, 0.9))]
    ends = [_through_points(rules.momentum, range(4), 20, lr=0.1, momentum=m).w[0] - 5 for m in (0.9, 0.8)]
    assert found[0] > 1.3 and found[1] > 1 > found[2] > 0.95 and found[3] < 0.85
    assert abs(ends[0]) > 100 and abs(ends[1]) < 5
    return f"factor per epoch {say(found)} for momentum 0.9, 0.82, 0.8, and 0.9 at the rate 0.05"


def _two_wells(w):
    """Return the gradient of x² - y² + y⁴, which has a saddle at 0."""
    return np.array([2 * w[0], 4 * w[1] ** 3 - 2 * w[1]])


def two_plateaus() -> str:
    """A loss that stands still and then drops may have passed a saddle, or only a flat region."""
    w = run(rules.gradient_descent, _two_wells, start=[1.0, 1e-6], steps=120, lr=0.1)["w"].T
    saddle = (w[0] ** 2 - w[1] ** 2 + w[1] ** 4)[[15, 50, 90]]
    w = run(rules.gradient_descent, plateau, start=[3.2, 0.0], steps=120, lr=0.3)["w"].T
    pit = plateau.value(w)[[0, 40, 100]]
    for before, still, after in (saddle, pit):
        assert abs(before - still) < 0.02 and after < still - 0.2
    x = np.linspace(0.1, 3.2, 50)
    assert np.all(plateau.gradient(np.array([x, 0 * x]))[0] > 0)  # no stationary point on the way
    return f"losses before, on and after it: {say(saddle, 2)} at a saddle; {say(pit, 2)} into a pit"


def default_rates() -> str:
    """At the rate 0.001 four epochs on digits leave descent, momentum and Adam far below their best."""
    accuracy = _sweep().mean(axis=2)
    descent, momentum, rmsprop, adam = 100 * (accuracy.max(axis=1) - accuracy[:, 0])
    assert min(descent, momentum) > 40 and adam > 10
    return f"points behind: {say([descent, momentum, rmsprop, adam], 2)} (descent, momentum, RMSprop, Adam)"


def rates_that_work() -> str:
    """The order depends on the rates tried: from 0.001 to 0.01 RMSprop and Adam lead, above it momentum."""
    lower, upper = (_sweep()[:, half].mean(axis=(1, 2)) for half in (slice(3), slice(3, 6)))
    assert min(lower[2:]) > lower[1] + 0.1 > lower[0] + 0.2 and upper[1] > max(upper[[0, 2, 3]]) + 0.05
    low, high = (", ".join(f"{share:.0%}" for share in half) for half in (lower, upper))
    return f"right at 0.001 to 0.01: {low}; at 0.03 to 0.3: {high} (descent, momentum, RMSprop, Adam)"


def epochs_to_95() -> str:
    """At tuned rates all four reach 95 % on digits within 10 epochs, descent in under 3 times Adam's."""
    descent, momentum, rmsprop, adam = _epochs(0.95)
    assert max(descent, momentum, rmsprop, adam) < 10 and adam < descent < 3 * adam
    medians = say([descent, momentum, rmsprop, adam], 2)
    return f"medians of 6 seeds: {medians} epochs (descent, momentum, RMSprop, Adam)"


def final_accuracies() -> str:
    """At tuned rates momentum and Adam test alike on digits; optimizers differ by no more than seeds do."""
    training, test = (accuracies[:, :, -1] for accuracies in _tuned())
    means, spread = test.mean(axis=1), np.ptp(test, axis=1)
    gaps = (training - test).mean(axis=1)
    assert abs(means[3] - means[1]) < 0.015 and np.ptp(means) < spread.max() and np.ptp(gaps) < 0.02
    tests, gap = f"{means.min():.0%} to {means.max():.0%}", f"{gaps.min():.0%} to {gaps.max():.0%}"
    return f"6 seeds: test accuracies {tests}, training accuracies {gap} higher"


def sizes_of_the_state() -> str:
    """SGD keeps nothing, momentum and RMSprop one number per weight, Adam two: with gradients, twice SGD."""
    import torch

    kept = []
    for kind, hyper in (("SGD", {}), ("SGD", {"momentum": 0.9}), ("RMSprop", {}), ("Adam", {})):
        w = torch.nn.Parameter(torch.ones(1000))
        made = getattr(torch.optim, kind)([w], lr=0.01, **hyper)
        w.grad = torch.ones(1000)
        made.step()
        kept.append(sum(v.numel() for v in made.state[w].values() if v is not None and v.numel() > 1) / 1000)
    ratio = (2 + kept[3]) / (2 + kept[0])  # weights and gradients are there in any case
    assert kept == [0, 1, 1, 2] and ratio == 2
    return (
        f"{say(kept)} numbers per weight; with weights and gradients Adam needs {number(ratio)} times SGD's"
    )


def range_test_on_digits() -> str:
    """A tenth of the rate with the lowest loss trains well; that of the steepest fall often does not."""
    network, found = Network(64, 32, 10), []
    for seed in range(12):
        data, few = digits(seed=seed), {"batch_size": 32, "seed": seed, "progress": False}
        rates = range_test.using(lr_min=1e-3, lr=10.0, steps=129)
        test = train(network, data, rules.gradient_descent, epochs=3, lr=rates, **few)
        read = read_range_test(test.lr, test.loss)
        falling = read.smoothed[: np.argmin(read.smoothed) + 1]  # after the lowest loss it only jumps about
        steepest = test.lr[np.argmin(np.diff(falling))]
        for lr in (read.lowest / 10, steepest):
            end = train(network, data, rules.gradient_descent, epochs=5, lr=lr, **few)
            found.append(end.test_accuracy[-1] > 0.8)
    tenth, steep = np.sum(np.reshape(found, (12, 2)), axis=0)
    assert tenth >= 10 and steep <= 8
    return f"of 12 seeds {tenth} get over 80 % with a tenth of the lowest, {steep} with the steepest"


# Batches.


def rates_for_larger_batches() -> str:
    """With batches of 256 for 32, eight times the rate trains alike; the same or a lower one lags."""
    ends, few = [], {"epochs": 1, "progress": False}
    for seed in range(5):
        data, model = _regression(seed), LinearRegression(20)
        for size, lr in ((32, 0.01), (256, 0.08), (256, 0.01), (256, 0.01 / 8)):
            history = train(model, data, rules.gradient_descent, batch_size=size, lr=lr, seed=seed, **few)
            ends.append(history.train_loss[-1])
    small, scaled, same, lower = np.reshape(ends, (5, 4)).T
    assert np.all(scaled < 1.1 * small) and np.all(same > 10 * small) and np.all(lower > same)
    means = [np.mean(losses) for losses in (small, scaled, same, lower)]
    return f"loss {number(means[0], 2)} with 32; {say(means[1:], 2)} with 256 at 8, 1 and 1/8 times the rate"


def largest_batch() -> str:
    """From batches of 128 to all 1024 samples hardly fewer steps are needed, and several times the passes."""
    found, few = [], {"epochs": 20, "progress": False}
    for seed in range(5):
        data, model = _regression(seed, 1024, least=0.2), LinearRegression(20)
        for size, lr in itertools.product((32, 128, 1024), (0.1, 0.3, 0.6)):
            loss = train(
                model, data, rules.gradient_descent, batch_size=size, lr=lr, seed=seed, **few
            ).train_loss
            found.append(np.argmax(loss < 0.3) if np.any(loss < 0.3) else np.inf)
    passes = np.reshape(found, (5, 3, 3)).min(axis=2).mean(axis=0)
    steps = passes * [32, 8, 1]
    assert steps[0] > 2 * steps[1] and steps[1] < 2.5 * steps[2] and passes[2] > 3 * passes[1]
    return f"batches of 32, 128, 1024: {say(steps, 2)} steps, {say(passes, 2)} passes over the data"


def full_batch_on_small_data() -> str:
    """On 200 samples the full batch finds the least squares solution; batches of 32 at that rate do not."""
    off, few = [], {"epochs": 200, "lr": 0.1, "progress": False}
    for seed in range(5):
        data = _regression(seed, 200)
        best = np.linalg.lstsq(np.c_[data.train_x, np.ones(200)], data.train_y, rcond=None)[0]
        for size in (200, 32):
            end = train(LinearRegression(20), data, rules.gradient_descent, batch_size=size, seed=seed, **few)
            off.append(np.linalg.norm(end.w - best))
    full, mini = np.reshape(off, (5, 2)).T
    assert np.all(full < 1e-6) and np.all(mini > 0.03)
    return f"5 seeds: off by less than 1e-06 with all 200, by {number(mini.mean(), 1)} with 32"


def speedup() -> str:
    """The notes' own table makes Adam 20 times as fast as descent at most; tuned, it is twice as fast."""
    (least, most), (least_adam, most_adam) = (50, 200), (10, 30)  # epochs, as N3 prints them
    descent, _, _, adam = _epochs(0.9)
    assert most / least_adam == 20 and max(least / least_adam, most / most_adam) < 10
    assert 1 < descent / adam < 5
    ratios = least / least_adam, most / most_adam
    return f"{say(ratios, 2)} times by the ranges of the table; {number(descent / adam, 1)} times on digits"
