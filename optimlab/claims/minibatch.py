"""Checks of what the notes say about mini-batches: each runs the experiment and asserts what it finds.

The data are those of the notes where these say enough (the four points; 128 or 1024 images of 1000
features), and smaller ones of the same kind where many runs are needed. Figures that the notes print
stand in the checks as literals: they are what is tested.
"""
# A docstring here states a finding, and one assert may state it in several parts.

from __future__ import annotations

import functools
import itertools
import math
import time

import numpy as np

from .. import rules
from ..datasets import Dataset, batches, cat_vs_dog, digits
from ..descent import run
from ..format import number
from ..landscapes import double_well, four_points, ravine, saddle
from ..network import LinearRegression, Network
from ..schedules import range_test
from ..training import History, train
from ..walkthroughs import programs
from ._say import say

X, Y = np.array([2, 1, 3, 0.5]), np.array([10, 5, 15, 2.5])  # the four points of N2


def _descend(network: Network, data: Dataset, batch_size: int, lr: float, **options) -> History:
    """Train with gradient descent, for one epoch unless told otherwise."""
    options = {"epochs": 1, "progress": False, **options}
    return train(network, data, rules.gradient_descent, batch_size=batch_size, lr=lr, **options)


def _gradients(network: Network, data: Dataset, size: int = 1) -> np.ndarray:
    """Return the gradient of every batch at the first weights, unshuffled, one row each."""
    w = network.start(0, data.train_x.dtype)
    cut = batches(data.train_x, data.train_y, size, shuffle=False)
    return np.array([network.gradient(w, x, y)[1] for x, y in cut])


def _seconds(*functions, rounds: int = 15) -> list[float]:
    """Return the least time that each call takes: what else the machine does can only add to it.

    The calls take turns, so that a busy moment slows all of them.
    """
    times = []
    for _ in range(rounds):
        ticks = [time.perf_counter()]
        for function in functions:
            function()
            ticks.append(time.perf_counter())
        times.append(np.diff(ticks))
    return np.min(times, axis=0).tolist()


def _refuses(error: type[Exception], function, *args) -> bool:
    """Return whether a call raises an error of this kind."""
    try:
        function(*args)
    except error:
        return True
    return False


# Counting: batches, weights, losses.


def updates_per_epoch() -> str:
    """N samples in batches of B are N/B updates rounded up; rounded down where the short one is dropped."""
    from torch.utils.data import DataLoader

    for size in (1, 7, 32, 300, 1000):
        kept = list(DataLoader(range(1000), batch_size=size))
        dropped = list(DataLoader(range(1000), batch_size=size, drop_last=True))
        assert (len(kept), len(dropped)) == (math.ceil(1000 / size), 1000 // size)
        if size == 32:
            found = len(kept), len(kept[-1]), len(dropped)
    assert found == (32, 8, 31)
    return "1000 samples by 32: {} batches, the last one of {}; {} if it is dropped".format(*found)


def two_layers() -> str:
    """The network needs two matrices and two biases, and a weight W[50,30] reaches hidden unit 50 alone."""
    network, data = Network(1000, 100, 2), cat_vs_dog(samples=8, test_samples=2, dtype=float)
    w = network.start(0, float)
    parts = network.named(w)
    hidden = data.train_x @ parts["W1"].T + parts["b1"]
    scores = network.scores(w, data.train_x)
    parts["W1"][50, 30] += 1
    moved = np.flatnonzero(np.any(data.train_x @ parts["W1"].T + parts["b1"] != hidden, axis=0))
    biases = sum(part.size for part in parts.values() if part.ndim == 1)
    assert hidden.shape == (8, 100) and scores.shape == (8, 2) and moved.tolist() == [50]
    assert network.size - biases == 100_200 and biases == 102
    return f"{network.size} numbers, {biases} of them biases; W x + b has {hidden.shape[1]} entries per image"


def loss_drop_of_a_step() -> str:
    """A small step lowers the loss by lr times the squared norm of the gradient, not by 1/190 of that."""
    network, shares = Network(1000, 100, 2), []
    for seed in range(5):
        data, w = cat_vs_dog(samples=128, test_samples=2, seed=seed, dtype=float), network.start(seed, float)
        loss, g = network.gradient(w, data.train_x, data.train_y)
        assert g @ g >= g.size * np.mean(np.abs(g)) ** 2
        after = [network.loss(w - lr * g, data.train_x, data.train_y) for lr in (0.001, 0.1)]
        shares.append([(loss - after[0]) / (0.001 * g @ g), (loss - after[1]) / (0.1 * g @ g)])
    least = np.min(shares, axis=0)
    printed = 0.1 * 100_200 * 0.0087**2  # lr, weights, mean of |gradient|
    assert least[0] > 0.98 and least[1] > 0.4 and printed > 0.566 and (0.566 - 0.562) / printed < 0.01
    found = f"at least {number(least[0], 3)} of it at 0.001 and {number(least[1], 1)} at 0.1"
    return f"{found}; by the notes' gradient it is {number(printed, 3)} or more, and they print 0.004"


def short_last_batch() -> str:
    """In the mean over batches, a sample of a last batch of 8 counts four times as much as one of 32."""
    network, data = Network(50, 10, 2), cat_vs_dog(samples=1000, features=50, dtype=float)
    w = network.start(0, float)
    cut = list(batches(data.train_x, data.train_y, 32, shuffle=False))
    losses, sizes = [network.loss(w, x, y) for x, y in cut], [len(y) for _, y in cut]
    whole = network.loss(w, data.train_x, data.train_y)
    assert abs(np.average(losses, weights=sizes) - whole) < 1e-12 < abs(np.mean(losses) - whole)
    ratio = (1 / sizes[-1]) / (1 / sizes[0])
    assert ratio == 4
    return (
        f"{number(np.mean(losses), 5)} by batches, {number(whole, 5)} by samples; weight {number(ratio)} to 1"
    )


def what_a_short_batch_does() -> str:
    """A short last batch costs no accuracy; only batch norm cannot train on a rest of one sample."""
    import torch

    right = []
    for seed in range(8):
        data, network = cat_vs_dog(samples=500, features=50, seed=seed), Network(50, 10, 2)
        options = {"epochs": 5, "seed": seed}
        runs = [_descend(network, data, 32, 0.1, drop_last=drop, **options) for drop in (False, True)]
        right.append([history.test_accuracy[-1] for history in runs])
    kept, dropped = np.mean(right, axis=0)
    assert abs(kept - dropped) < 0.015
    *full, rest = torch.zeros(33, 3).split(32)
    norm = torch.nn.BatchNorm1d(3)
    assert not _refuses(ValueError, norm, full[0]) and _refuses(ValueError, norm, rest)
    return f"with it {kept:.0%} right, without {dropped:.0%}, 8 seeds; batch norm refuses a batch of one row"


# The noise of a gradient.


def spread_over_weights_is_no_noise() -> str:
    """The full-batch gradient differs between weights, although no weight's gradient is noisy at all."""
    each = _gradients(Network(100, 10, 2), cat_vs_dog(samples=128, features=100, dtype=float))
    random = np.random.default_rng(0)
    over_weights, over_batches = [], []
    for size in (1, 32, 128):
        drawn = np.array([each[random.permutation(128)[:size]].mean(axis=0) for _ in range(200)])
        over_weights.append(np.mean(drawn.std(axis=1)))
        over_batches.append(np.mean(drawn.std(axis=0)))
    assert over_weights[2] > 0.3 * over_weights[1] and over_batches[2] < 1e-12 * over_batches[1]
    noise, spread = say(over_batches[:2]), say(over_weights)
    return f"batches of 1, 32, 128: noise {noise} and 0, spread over the weights {spread}"


def full_batch_has_no_noise() -> str:
    """At fixed weights single samples, equal batches and the full batch have the same mean gradient."""
    network, data = Network(1000, 100, 2), cat_vs_dog(samples=128, test_samples=2, dtype=float)
    full = _gradients(network, data, 128)[0]
    by_32, by_1 = _gradients(network, data, 32), _gradients(network, data, 1).mean(axis=0)
    order = np.random.default_rng(0).permutation(128)
    again = network.gradient(network.start(0, float), data.train_x[order], data.train_y[order])[1]
    errors = [np.abs(other - full).max() for other in (by_1, by_32.mean(axis=0), again)]
    assert max(errors) < 1e-14 < 0.1 * np.abs(by_32[0] - full).max()
    printed = np.mean([0.00616, 0.00682, 0.00591, 0.00658])  # the four batches of the notes
    assert abs(printed - 0.00634) < 5e-5 < abs(0.00616 - 0.00634)
    return f"equal to rounding, in any order; the four means of the notes average {number(printed, 3)}"


def average_over_all_batches() -> str:
    """The mean gradient over all 28 batches of two from eight samples is the full gradient."""
    data = cat_vs_dog(samples=8, features=10, dtype=float)
    order = np.argsort(data.train_y, kind="stable")
    x, y, network = data.train_x[order], data.train_y[order], Network(10, 5, 2)
    w = network.start(0, float)
    full = network.gradient(w, x, y)[1]
    pairs = [network.gradient(w, x[list(b)], y[list(b)])[1] for b in itertools.combinations(range(8), 2)]
    first = network.gradient(w, x[:4], y[:4])[1]  # of the sorted data: cats only
    off = np.linalg.norm(first - full) / np.linalg.norm(full)
    assert np.allclose(np.mean(pairs, axis=0), full, rtol=0, atol=1e-14) and off > 0.5
    return (
        f"equal to rounding; the first half of the sorted data is off by {off:.0%} of the gradient's length"
    )


def every_batch_of_six() -> str:
    """Drawn with replacement the variance is s²/B; without, it is (N - B)/(N - 1) times that, 0 at B = N."""
    values = np.random.default_rng(0).normal(size=6)
    s2, without, drawn_again = np.var(values), [], []
    for size in range(1, 7):
        without.append(np.var([np.mean(b) for b in itertools.combinations(values, size)]) / (s2 / size))
        grid = np.array(list(itertools.product(values, repeat=size)))
        drawn_again.append(np.var(grid.mean(axis=1)) / (s2 / size))
    assert np.allclose(drawn_again, 1) and np.allclose(without, [(6 - b) / 5 for b in range(1, 7)])
    for shares in (without, drawn_again):
        assert all(np.diff(np.divide(shares, range(1, 7))) < 0)  # a larger batch always varies less
    missing = 1 - (128 - 32) / (128 - 1)
    return f"of 6 values, all batches: factor {say(without, 2)}; for 32 of 128 it takes off {missing:.0%}"


def printed_spreads() -> str:
    """No way of drawing batches turns a spread of 0.0892 for one image into 0.0034 for all 128."""
    each = np.random.default_rng(0).normal(size=128)
    each *= 0.0892 / each.std()
    random = np.random.default_rng(1)
    rows = np.array([random.permutation(each) for _ in range(4000)])
    without = [rows[:, :size].mean(axis=1).std() for size in (32, 128)]
    again = [random.choice(each, (4000, size)).mean(axis=1).std() for size in (32, 128)]
    assert abs(again[0] / 0.0156 - 1) < 0.1 and abs(without[0] / 0.0156 - 1) > 0.07
    assert again[1] > 2 * 0.0034 and without[1] < 1e-12
    return f"128 drawn with replacement give {number(again[1], 2)}, without 0; the notes print 0.0034"


def variance_of_a_mean() -> str:
    """Averaging cannot raise the variance, but lowers it only where samples differ: alike, they are equal."""
    random = np.random.default_rng(0)
    g = random.normal(size=(100_000, 2))
    alike = g[:, [0, 0]]
    shares = [np.var(pair.mean(axis=1)) / pair.var(axis=0).mean() for pair in (g, alike)]
    squares = [np.mean(np.mean(pair, axis=1) ** 2 <= np.mean(pair**2, axis=1) + 1e-12) for pair in (g, alike)]
    assert abs(shares[0] - 0.5) < 0.02 and abs(shares[1] - 1) < 1e-12 and squares == [1, 1]
    return f"two independent gradients keep {shares[0]:.0%} of the variance, two equal ones {shares[1]:.0%}"


# One epoch with batches of different sizes.


def distance_of_an_epoch() -> str:
    """At one small rate 4 batches lead 4 times as far as the full batch, 128 images about 110 times."""
    network, ratios = Network(1000, 100, 2), []
    for seed in range(5):
        data, start = cat_vs_dog(samples=128, test_samples=2, seed=seed), network.start(seed)
        ends = [_descend(network, data, size, 0.001, seed=seed).w for size in (128, 32, 1)]
        full, mini, one = (np.linalg.norm(end - start) for end in ends)
        ratios.append([mini / full, one / full])
    (least_mini, least_one), (most_mini, most_one) = np.min(ratios, axis=0), np.max(ratios, axis=0)
    assert least_mini > 3.8 and most_mini < 4.1 and least_one > 80 and most_one < 130
    printed = 0.1 * 0.812 / (0.1 * 0.00634)  # the sum of the 128 gradients against their mean
    assert round(printed) == 128
    return f"batches of 32: {least_mini:.1f} times; images: over 80, and {printed:.0f} by the notes' own sums"


def losses_within_an_epoch() -> str:
    """One image at a time, later images already have a lower loss: their mean is not that of the start."""
    network, shares = Network(1000, 100, 2), []
    for seed in range(5):
        data = cat_vs_dog(samples=128, test_samples=2, seed=seed)
        history = _descend(network, data, 1, 0.01, seed=seed)
        shares.append(history.loss.mean() / history.train_loss[0])
        assert history.train_loss[1] < 0.1 * history.train_loss[0]
    assert max(shares) < 0.95
    return f"5 seeds: at most {max(shares):.0%} of the loss at the start, and less than 10% after the epoch"


def loss_of_the_last_image() -> str:
    """The last image's loss depends on which image is last; the loss of all images hardly does."""
    network, data, last, whole = Network(1000, 100, 2), cat_vs_dog(samples=128, test_samples=2), [], []
    w = network.start(0)
    for seed in range(10):
        history = _descend(network, data, 1, 0.003, seed=seed, w=w)
        last.append(history.loss[-1])
        whole.append(history.train_loss[-1])
    assert max(last) / min(last) > 10 and max(whole) / min(whole) < 2
    ratio = max(whole) / min(whole)
    return f"10 orders: the last losses differ more than 10 fold, the loss of all images {ratio:.1f} fold"


def updates_or_epochs() -> str:
    """After the same number of updates the full batch is ahead, after the same epochs the single image is."""
    network, losses = Network(1000, 100, 2), []
    for seed in range(5):
        data = cat_vs_dog(samples=128, test_samples=2, seed=seed)
        first_20 = Dataset("", data.train_x[:20], data.train_y[:20], data.train_x, data.train_y)
        one = _descend(network, data, 1, 0.01, seed=seed).train_loss[1]
        one_20 = _descend(network, first_20, 1, 0.01, seed=seed).test_loss[1]  # on all 128 images
        full = _descend(network, data, 128, 0.01, seed=seed, epochs=20).train_loss
        assert one < 0.1 * full[1] and full[20] < 0.7 * one_20
        losses.append([one, full[1], one_20, full[20]])
    one, full, one_20, full_20 = (number(loss, 2) for loss in np.mean(losses, axis=0))
    return (
        f"one by one and all at once: {one} and {full} after an epoch, {one_20} and {full_20} after 20 steps"
    )


def printed_times() -> str:
    """The times that the notes print for the same epoch differ by more than threefold from place to place."""
    one_by_one = 0.5 / 128, 2.8 / 128, 8.5 / 1024, 8.34 / 3 / 1024  # seconds over images
    by_32 = 1.2 / 128, 1.5 / 1024, 0.41 / 1024
    spreads = [max(times) / min(times) for times in (one_by_one, by_32)]
    assert min(spreads) > 3
    return f"per image up to {number(spreads[0], 2)} fold with batches of 1, {number(spreads[1], 2)} with 32"


def time_of_an_epoch() -> str:
    """On one CPU core too, an epoch of one batch takes less than half as long as one of single images."""
    network, data = Network(1000, 100, 2), cat_vs_dog(samples=128, test_samples=2)
    epochs = [functools.partial(_descend, network, data, size, 0.001) for size in (1, 32, 128)]
    one, mini, full = _seconds(*epochs)
    assert full < 0.5 * one and mini < 0.5 * one and full < 2.5 / 1.2 * mini
    return "one batch and batches of 32 take less than half the time; the one batch is not twice as slow"


def one_core_many_samples() -> str:
    """A single core multiplies 256 samples by a matrix in far less than 256 times the time of one sample."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        w = torch.ones(2000, 2000)
        x = {size: torch.ones(size, 2000) for size in (1, 256)}
        one, many = _seconds(lambda: x[1] @ w, lambda: x[256] @ w, rounds=6)
    finally:
        torch.set_num_threads(threads)
    assert many < 128 * one
    return "less than half of 256 times, with one core for both: samples and cores are not paired"


def shards_of_a_batch() -> str:
    """Parts of a full batch can be computed apart; single-sample steps cannot, each needs the one before."""
    network, data = Network(50, 10, 2), cat_vs_dog(samples=128, features=50, dtype=float)
    full = _gradients(network, data, 128)[0]
    shards = _gradients(network, data, 16)  # as eight machines would
    in_turn = _descend(network, data, 1, 0.05, shuffle=False)
    apart = network.start(0, float) - 0.05 * _gradients(network, data, 1).sum(axis=0)
    off = np.linalg.norm(apart - in_turn.w) / np.linalg.norm(in_turn.w - network.start(0, float))
    assert np.abs(shards.mean(axis=0) - full).max() < 1e-14 and off > 0.5
    return f"8 shards: equal to rounding; 128 steps computed apart miss the end by {off:.1f} times the way"


# Training with batches of different sizes.


def rate_or_batch() -> str:
    """At a fixed rate large batches are starved of updates; with the rate scaled all sizes learn alike."""
    sizes, found = (8, 32, 128, 512), {"fixed": [], "scaled": []}
    for seed in range(5):
        data = cat_vs_dog(samples=512, features=200, seed=seed)
        for way, accuracies in found.items():
            rates = [0.01 if way == "fixed" else 0.01 * size / 8 for size in sizes]
            pairs = zip(sizes, rates, strict=True)
            runs = [_descend(Network(200, 20, 2), data, *pair, epochs=5, seed=seed) for pair in pairs]
            accuracies.append([history.test_accuracy[-1] for history in runs])
    fixed, scaled = (np.mean(accuracies, axis=0) for accuracies in found.values())
    assert fixed[0] > fixed[3] + 0.2 and all(np.diff(fixed) < 0) and np.ptp(scaled) < 0.03
    text = ", ".join(f"{share:.0%}" for share in fixed)
    return f"batches of 8, 32, 128, 512: test accuracy {text} at 0.01, all about {scaled.mean():.0%} scaled"


def tuned_rates() -> str:
    """With a tuned rate no size between 8 and 256 is a sweet spot: all train this network equally well."""
    best = []
    for seed in range(5):
        data = cat_vs_dog(samples=512, features=200, seed=seed)

        def right(size, lr, data=data, seed=seed):
            return _descend(Network(200, 20, 2), data, size, lr, epochs=5, seed=seed).test_accuracy[-1]

        best.append([max(right(size, lr) for lr in (0.1, 0.3, 1.0)) for size in (8, 32, 128, 256)])
    mean = np.mean(best, axis=0)
    assert np.ptp(mean) < 0.025 and mean.min() > 0.9
    return f"5 seeds: all between {mean.min():.0%} and {mean.max():.0%} right for batches of 8, 32, 128, 256"


def equal_training_loss() -> str:
    """Compared at the same training loss, batches of 256 test as well as batches of 16."""
    differences = []
    for seed in range(6):
        data, found = cat_vs_dog(samples=512, features=200, seed=seed), []
        for size, epochs in ((16, 8), (256, 70)):
            history = _descend(Network(200, 20, 2), data, size, 0.04, epochs=epochs, seed=seed)
            assert history.train_loss[-1] < 0.1 < history.train_loss[0]
            found.append(np.interp(0.1, history.train_loss[::-1], history.test_accuracy[::-1]))
        differences.append(found[1] - found[0])
    assert np.max(np.abs(differences)) < 0.015
    return "6 seeds, at the training loss 0.1: the test accuracies differ by less than 1.5 points"


def table_of_accuracies() -> str:
    """The notes' own table has the largest gap at one image, and its test accuracy is best at 32."""
    test, gap = {8: 91, 16: 92, 32: 93}, {1: 10, 8: 6, 16: 4, 32: 2}  # percent, points
    assert max(test, key=test.get) == 32 and max(gap, key=gap.get) == 1 and min(gap, key=gap.get) == 32
    return f"test accuracy {say(test.values())}, gaps of {say(list(gap.values())[1:])} points, for 8, 16, 32"


def critical_batch() -> str:
    """With tuned rates the steps to a target first fall with the batch, then no more: the critical size."""
    sizes, rates = 4.0 ** np.arange(7), np.geomspace(0.01, 1.9, 30)
    size, lr = (column.ravel() for column in np.meshgrid(np.repeat(sizes, 60), rates, indexing="ij"))
    random, curvature = np.random.default_rng(0), np.array([[1.0], [0.1]])

    def noisy(w):
        return curvature * w + 2 / np.sqrt(size) * random.normal(size=w.shape)

    w = run(rules.gradient_descent, noisy, start=np.full((2, size.size), 5.0), steps=300, lr=lr)["w"]
    losses = np.sum(curvature * w**2, axis=1).reshape(301, 7, 60, 30).mean(axis=2) / 2
    assert np.all(losses[0] > 0.2)
    steps = np.where(np.any(losses < 0.2, axis=0), np.argmax(losses < 0.2, axis=0), np.inf).min(axis=1)
    assert steps[0] > 2.5 * steps[1] > 6 * steps[2] and steps[4] < 1.5 * steps[6]
    gains = steps[0] / steps[1], steps[4] / steps[5]
    return f"4 times the batch: {gains[0]:.0f} times fewer steps at 1, {gains[1]:.1f} times at 256"


# Rates for other batch sizes.


def scaling_without_noise() -> str:
    """Four steps at 0.1 are not one step at 0.4, even without noise: where it curves, that one diverges."""
    curvature = np.array([1.0, 2, 4, 6])
    ends = [
        run(rules.gradient_descent, lambda w: curvature * w, start=np.ones((1, 4)), steps=n, lr=lr).w[0]
        for n, lr in ((4, 0.1), (1, 0.4))
    ]
    assert np.allclose(ends[0], (1 - 0.1 * curvature) ** 4) and np.allclose(ends[1], 1 - 0.4 * curvature)
    assert abs(ends[1][0] - ends[0][0]) < 0.1 and abs(ends[1][3]) > 1 > 0.1 > abs(ends[0][3])
    return f"curvature 1: {say(e[0] for e in ends)}; curvature 6: {say(e[3] for e in ends)}"


def scaling_with_adam() -> str:
    """For a batch 16 times as large Adam needs 16 times the rate along a trend, but 4 times for its noise."""
    random, ratios = np.random.default_rng(0), []
    for scale in (4, 16):
        ends = []
        for steps, lr, size in ((1600, 0.001, 1), (100, 0.001 * scale, 16)):  # as many samples in both
            noise = random.normal(size=(steps, 1, 400)) / np.sqrt(size)
            spread = run(rules.adam, noise, lr=lr, record=()).w.std()
            ends.append([spread, run(rules.adam, np.ones(steps), lr=lr, record=()).w[0]])
        ratios.append(np.divide(ends[1], ends[0]))
    (noise_4, trend_4), (noise_16, trend_16) = ratios
    assert 0.8 < noise_4 < 1.25 and noise_16 > 3 and trend_4 < 0.3 and abs(trend_16 - 1) < 0.01
    return (
        f"rate times 4: {noise_4:.0f} times the noise, {number(trend_4, 2)} of the trend; "
        f"times 16: {noise_16:.0f} times the noise, {trend_16:.0f} of the trend"
    )


def rates_for_32() -> str:
    """The three rates that the notes give for batches of 32 train differently: one is ten times another."""
    losses = []
    for seed in range(5):
        data = cat_vs_dog(samples=1024, features=200, seed=seed)
        losses.append(
            [_descend(Network(200, 20, 2), data, 32, lr).train_loss[-1] for lr in (0.01, 0.02, 0.1)]
        )
    losses = np.array(losses)
    assert np.all(np.diff(losses, axis=1) < 0) and np.all(losses[:, 0] > 2 * losses[:, 2])
    return f"training loss after one epoch at 0.01, 0.02 and 0.1: {say(losses.mean(axis=0), 2)}, 5 seeds"


def range_test_in_an_epoch() -> str:
    """A range test of one epoch cannot tell 0.04 from 0.08: its steps are too few, and seeds disagree."""
    scattered, factors = [], []
    for size in (16, 32, 64, 128):
        steps, steepest = 1024 // size, []
        factors.append((10 / 1e-8) ** (1 / steps))
        for seed in range(5):
            data = cat_vs_dog(features=200, learnable=False, seed=seed)
            lr = range_test.using(lr_min=1e-8, lr=10 / factors[-1], steps=steps)
            history = _descend(Network(200, 20, 2), data, size, lr, seed=seed)
            steepest.append(history.lr[np.argmin(np.diff(history.loss))])
        scattered.append(max(steepest) / min(steepest))
    assert min(scattered) > 100 and factors[2] > 2
    return f"a step multiplies the rate by {say(factors)}; 5 seeds differ by factors of more than 100"


def end_of_the_range_test() -> str:
    """The last rate that a step is made with is the final one over gamma, which comes after it."""
    import torch

    ends = []
    for steps in (64, 32, 16, 8):
        optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1e-8)
        scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, (10 / 1e-8) ** (1 / steps))
        for _ in range(steps):
            ends.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            scheduler.step()
        assert abs(optimizer.param_groups[0]["lr"] - 10) < 1e-6 and ends[-1] < 8
    return f"batches of 16, 32, 64, 128: {say((ends[63], ends[95], ends[111], ends[119]), 2)} instead of 10"


def steps_of_accumulation() -> str:
    """One step per four batches: one batch makes none, and what is left of 30 leaks into the next epoch."""
    import torch

    def epoch(batch_count):
        w, steps = torch.zeros(1, requires_grad=True), 0
        for batch in range(1, batch_count + 1):
            ((w - 1) ** 2 / 4).sum().backward()
            if batch % 4 == 0:
                w.data -= 0.1 * w.grad
                w.grad, steps = None, steps + 1
        return steps, w.grad is not None

    assert [epoch(n) for n in (1, 32, 30)] == [(0, True), (8, False), (7, True)]
    return "1, 32 and 30 batches: 0, 8 and 7 steps; after 1 and after 30 a gradient is left over"


def accumulated_gradient() -> str:
    """Four batches of 32 give the gradient of 128; with a short last batch or batch norm they do not."""
    from torch import arange, manual_seed, nn, randn

    def gradient(middle, sizes):
        manual_seed(0)
        x, y = randn(sum(sizes), 20).double().split(sizes), (arange(sum(sizes)) % 2).split(sizes)
        model = nn.Sequential(nn.Linear(20, 8), middle, nn.Linear(8, 2)).double()
        for inputs, labels in zip(x, y, strict=True):
            (nn.functional.cross_entropy(model(inputs), labels) / len(sizes)).backward()
        return model[0].weight.grad

    off = []
    for middle, last in ((nn.ReLU(), 32), (nn.ReLU(), 4), (nn.BatchNorm1d(8), 32)):
        whole, parts = (gradient(middle, sizes) for sizes in ([96 + last], [32, 32, 32, last]))
        off.append(float((parts - whole).abs().max() / whole.abs().max()))
    assert off[0] < 1e-12 and off[1] > 0.1 and off[2] > 0.02
    return f"equal to rounding; off by {off[1]:.0%} with a last batch of 4, by {off[2]:.0%} with batch norm"


def sharpness_of_a_scale() -> str:
    """The same function can be made sharper at will: scale one layer up and the next one down."""
    network, data = Network(50, 10, 2), cat_vs_dog(samples=256, features=50, dtype=float)
    w = _descend(network, data, 32, 0.1, epochs=5).w
    scaled, shifts = w.copy(), 0.02 * np.random.default_rng(0).normal(size=(50, w.size))
    for name, part in network.named(scaled).items():
        part *= {"W1": 20, "b1": 20, "W2": 1 / 20, "b2": 1}[name]
    assert np.allclose(network.scores(w, data.test_x), network.scores(scaled, data.test_x), atol=1e-9)
    rises = []
    for each in (w, scaled):
        losses = [network.loss(each + shift, data.train_x, data.train_y) for shift in shifts]
        rises.append(np.mean(losses) - network.loss(each, data.train_x, data.train_y))
    assert rises[1] > 10 * rises[0] > 0
    return "equal scores, yet the same random shifts of the weights raise the loss over 10 times as much"


# Batch norm and its relatives.


def one_image_in_batch_norm() -> str:
    """One row has spread 0, a fine number, and normalizes to 0; an image of 8 by 8 pixels is no problem."""
    import torch

    row, image = torch.tensor([[1.0, -2.0, 3.0]]), torch.randn(1, 3, 8, 8)
    spread = row.var(dim=0, unbiased=False)
    by_hand = (row - row.mean(dim=0)) / (spread + 1e-5).sqrt()
    assert spread.tolist() == [0, 0, 0] == by_hand[0].tolist()
    spread_of_image = torch.nn.BatchNorm2d(3)(image).std(dim=(0, 2, 3), unbiased=False)
    assert (spread_of_image - 1).abs().max() < 1e-3 and _refuses(ValueError, torch.nn.BatchNorm1d(3), row)
    return "spread 0 and output 0 for a row, which torch refuses to train on; spread 1 for an image"


def statistics_of_small_batches() -> str:
    """The error of a batch's mean falls like one over the root of its size, without a step at 16 or 32."""
    sizes = 2 ** np.arange(1, 8)
    random, sds, spreads = np.random.default_rng(0), [], []
    for size in sizes:
        drawn = random.normal(size=(20_000, size))
        sds.append(drawn.mean(axis=1).std())
        spreads.append(drawn.std(axis=1).mean())
    assert np.allclose(sds * np.sqrt(sizes), 1, atol=0.03) and spreads[0] < 0.6 and 0.96 < spreads[4] < 1
    pairs = drawn[:, :2] - drawn[:, :2].mean(axis=1, keepdims=True)
    assert np.allclose(np.abs(pairs / pairs.std(axis=1, keepdims=True)), 1)  # nothing is left but a sign
    means, spreads = say([sds[0], sds[4]], 1), say([spreads[0], spreads[4]], 2)
    return f"batches of 2 and 32: the mean is off by {means}, the spread is {spreads}, not 1"


def norms_without_a_batch() -> str:
    """Layer norm and group norm take one sample, unless a group holds a single value."""
    import torch

    torch.manual_seed(0)
    row, image = torch.randn(1, 100), torch.randn(1, 32, 8, 8)
    normed = torch.nn.LayerNorm(100)(row)
    groups = torch.nn.GroupNorm(8, 32)(image).reshape(8, -1)
    assert abs(normed.mean()) < 1e-6 and abs(normed.std(unbiased=False) - 1) < 1e-4
    assert groups.mean(dim=1).abs().max() < 1e-6 and torch.nn.GroupNorm(8, 32)(row[:, :32]).isfinite().all()
    assert _refuses(ValueError, torch.nn.GroupNorm(32, 32), row[:, :32])
    return "a row of 100 and 8 groups of channels come out with mean 0; one value per group is refused"


def size_of_validation_batches() -> str:
    """In eval mode the size of validation batches changes nothing; in train mode equal sizes do not help."""
    import torch

    torch.manual_seed(0)
    x, order, layer = torch.randn(256, 10), torch.randperm(256), torch.nn.BatchNorm1d(10)
    layer(2 * torch.randn(1000, 10) + 1)
    off = []
    for training in (False, True):
        layer.train(training)
        by_32, by_256 = (torch.cat([layer(part) for part in x.split(size)]) for size in (32, 256))
        regrouped = torch.cat([layer(part) for part in x[order].split(32)])[order.argsort()]
        off.append([(other - by_32).abs().max().item() for other in (by_256, regrouped)])
    assert max(off[0]) < 1e-6 and min(off[1]) > 0.1
    return "eval mode: no difference; train mode: another size and other batches of the same size both differ"


# Order of the samples.


def sorted_and_unshuffled() -> str:
    """In order and unshuffled, ten digits are hardly learned, two classes are; mixed once, both are."""
    found = []
    for seed in range(5):
        pets = cat_vs_dog(samples=512, features=200, seed=seed)
        for given, network in ((digits(seed=seed), Network(64, 32, 10)), (pets, Network(200, 20, 2))):
            mixed = np.random.default_rng(seed).permutation(len(given.train_y))
            in_order = np.argsort(given.train_y, kind="stable")
            for rows, shuffle in ((in_order, False), (mixed, False), (mixed, True)):
                data = Dataset("", given.train_x[rows], given.train_y[rows], given.test_x, given.test_y)
                history = _descend(network, data, 32, 0.05, epochs=5, seed=seed, shuffle=shuffle)
                found.append(history.test_accuracy[-1])
    of_ten, of_two = np.mean(np.reshape(found, (5, 2, 3)), axis=0)
    assert (
        of_ten[0] < 0.5 and min(of_ten[1:]) > 0.8 and of_ten[1] > of_ten[2] - 0.03 and np.ptp(of_two) < 0.02
    )
    ten, two = (f"{right[0]:.0%} in order, {right[1]:.0%} mixed" for right in (of_ten, of_two))
    return f"digits: {ten}; cats and dogs: {two}"


def orders_of_a_loader() -> str:
    """A shuffled DataLoader has a new order every epoch, and a seeded generator the same ones every run."""
    import torch
    from torch.utils.data import DataLoader

    def two_epochs():
        generator = torch.Generator().manual_seed(42)
        loader = DataLoader(range(100), batch_size=10, shuffle=True, generator=generator)
        return [torch.cat(list(loader)).tolist() for _ in range(2)]

    first, second = two_epochs()
    assert first != second and sorted(first) == sorted(second) == list(range(100))
    assert two_epochs() == [first, second]
    return "two epochs in two orders of the same 100 samples, both repeated in a second run"


def order_of_the_points() -> str:
    """One at a time, the four points end an epoch of gradient descent at the same weight in all 24 orders."""
    ends = []
    for order in itertools.permutations(range(4)):
        data = Dataset("four points", X[list(order), None], Y[list(order)], X[:0, None], Y[:0])
        history = _descend(LinearRegression(bias=False), data, 1, 0.1, w=np.array([3.0]), shuffle=False)
        ends.append(history.w[0])
    curvature = four_points.hessian([3.0])[0, 0]
    assert len(ends) == 24 and np.ptp(ends) < 1e-12 and curvature > 0
    return f"24 orders: all end at {number(ends[0], 5)}; the curvature is {number(curvature, 4)} everywhere"


# The four points.


def batches_of_the_points() -> str:
    """On the four points batches of 2 come nearest in an epoch, and the full batch covers most of the way."""
    data, ends = Dataset("four points", X[:, None], Y, X[:0, None], Y[:0]), []
    for size in (1, 2, 4):
        history = _descend(LinearRegression(bias=False), data, size, 0.1, w=np.array([3.0]), shuffle=False)
        ends.append(abs(history.w[0] - 5))
    assert ends[1] < ends[0] < ends[2] and (2 - ends[2]) / 2 > 0.7
    return f"batches of 1, 2 and 4 end {say(ends)} from 5; they start 2 away"


def points_that_agree() -> str:
    """All four points pull the weight the same way; signs flip only where the rate is large for a point."""
    for w in (3.0, 4.9, 5.0, 5.1, 7.0):
        assert set(np.sign(2 * (w * X - Y) * X)) == {np.sign(w - 5)}
    flips = []
    for lr in (0.05, 0.1):  # x = 3 jumps over the goal from lr = 1 / (2 x²) = 0.056 on
        w, signs = 3.0, []
        for x, y in zip(np.tile(X, 3), np.tile(Y, 3), strict=True):
            g = 2 * (w * x - y) * x
            w, signs = w - lr * g, [*signs, np.sign(g)]
        flips.append(int(np.sum(np.diff(signs) != 0)))
    assert flips[0] == 0 < flips[1]
    return (
        f"below 5 all pull up, above it down; three epochs flip {flips[0]} times at 0.05, {flips[1]} at 0.1"
    )


def exact_batch_gradient() -> str:
    """The gradient of a mini-batch is that of its loss at the current weights: none of it is out of date."""
    network, data = Network(10, 5, 2), cat_vs_dog(samples=32, features=10, dtype=float)
    w, random, off = network.start(0, float), np.random.default_rng(0), []
    for x, y in batches(data.train_x, data.train_y, 8):
        _, g = network.gradient(w, x, y)
        d = random.normal(size=w.shape)
        slope = (network.loss(w + 1e-6 * d, x, y) - network.loss(w - 1e-6 * d, x, y)) / 2e-6
        off.append(abs(slope - g @ d))
        w = w - 0.1 * g
        assert abs(slope - network.gradient(w, x, y)[1] @ d) > 1e-4  # a gradient of other weights is not it
    assert max(off) < 1e-7
    return "4 batches, slopes along random directions: off by less than 1e-7"


# Guarantees, noise and escapes.


def no_guarantee() -> str:
    """Full-batch descent diverges on a convex bowl at lr above 2/L, and can end on a saddle point."""
    below, above = (run(rules.gradient_descent, ravine, steps=2000, lr=lr) for lr in (0.099, 0.101))
    on_saddle = run(rules.gradient_descent, saddle, start=[1.0, 0.0], steps=1000, lr=0.1)
    assert below.value < 1e-9 and above.diverged
    assert np.allclose(on_saddle.w, 0, atol=1e-9) and saddle.value([0.0, 0.1]) < saddle.value(on_saddle.w)
    return "x² + 10y²: lost at 0.101, found at 0.099; x² - y² from (1, 0): ends at (0, 0), no minimum"


def zigzag_without_noise() -> str:
    """Without any noise, below the stability limit, y changes sign at every step; a lower rate ends that."""
    fast, slow = (run(rules.gradient_descent, ravine, steps=30, lr=lr)["w"] for lr in (0.095, 0.045))
    flips = [np.mean(path[1:, 1] * path[:-1, 1] < 0) for path in (fast, slow)]
    steps = np.diff(fast[:6], axis=0)
    cosines = [a @ b / np.linalg.norm(a) / np.linalg.norm(b) for a, b in itertools.pairwise(steps)]
    assert flips == [1, 0] and max(cosines) < -0.9
    return f"0.095: y flips at every step, with cosines below {max(cosines):.2f} at first; 0.045: never"


def noise_in_two_wells() -> str:
    """Enough noise carries most runs over the hill of a double well, and many out of the better well too."""
    left, hill, right = (point.w[0] for point in double_well.points)
    start = np.repeat([[right, left]], 500, axis=1)  # 500 runs in the higher well, 500 in the lower one
    random, shares = np.random.default_rng(0), []
    for size in (64, 16, 4):  # one sample has noise of standard deviation 12

        def noisy(w, size=size):
            return double_well.gradient(w) + 12 / math.sqrt(size) * random.normal(size=w.shape)

        x = run(rules.gradient_descent, noisy, start=start, steps=500, lr=0.03, box=(-3, 3)).w[0]
        shares.append([np.mean(x[:500] < hill), np.mean(x[500:] > hill)])
    (none, _), (few, _), (most, lost) = shares
    assert none < 0.01 < few < 0.2 and most > 0.5 and lost > 0.15
    text = f"{none:.0%}, {few:.0%} and {most:.0%}"
    return f"batches of 64, 16, 4: {text} escape, and at 4 {lost:.0%} leave the lower well"


def leaving_a_saddle() -> str:
    """Full-batch descent stays on a saddle only from exactly on its ridge: 1e-9 beside it, it leaves."""
    random = np.random.default_rng(0)

    def slope(w):
        return np.array([2 * w[0], -2 * w[1] + 4 * w[1] ** 3])  # of x² - y² + y⁴

    def noisy(w):
        return slope(w) + 0.01 * random.normal(size=w.shape)

    start = np.array([[1.0] * 20, [0.0, 1e-9] * 10])
    options = {"start": start, "steps": 300, "lr": 0.1}
    exact, random_y = (run(rules.gradient_descent, g, **options).w[1] for g in (slope, noisy))
    assert np.all(exact[::2] == 0) and np.allclose(exact[1::2], math.sqrt(0.5), atol=1e-6)
    assert np.all(np.abs(np.abs(random_y) - math.sqrt(0.5)) < 0.05)
    return f"from (1, 0): y = 0; from (1, 1e-9): {number(exact[1], 3)}, a minimum, as all 20 runs with noise"


def noise_ball() -> str:
    """At a constant rate mini-batches hover around a convex loss's minimum; a falling rate closes in."""
    found = []
    for seed in range(6):
        random = np.random.default_rng(seed)
        x = random.normal(size=(256, 3))
        y = x @ np.array([1.0, -2, 0.5]) + random.normal(size=256)
        best = np.linalg.lstsq(x, y, rcond=None)[0]
        data, model = Dataset("noisy line", x, y, x[:0], y[:0]), LinearRegression(3, bias=False)
        rates = (0.1, lambda t: 0.1 / (1 + t / 50))
        ends = [_descend(model, data, 8, lr, epochs=40, seed=seed).w for lr in rates]
        found.append([np.linalg.norm(w - best) for w in ends])
    constant, _ = np.mean(found, axis=0)
    assert np.all(np.divide(*np.transpose(found)) > 5) and constant > 0.1
    return f"6 seeds: {number(constant, 1)} away at 0.1, less than a fifth of that with a falling rate"


# Programs of the notes.


def random_labels() -> str:
    """Nobody can tell coin flips: with random labels test accuracy stays at 50%, and 71.48% has no chance."""
    result = programs.cat_or_dog(42, 1024, 32, 0.01, 3, 9)
    low, high = result["least_test_right"], result["most_test_right"]
    chance = [sum(math.comb(256, k) for k in range(right, 257)) / 2**256 for right in (153, 183)]
    assert 40 < low <= result["test_right"] <= high < 60 and chance[0] < 0.002 and chance[1] < 1e-11
    found = f"10 seeds: {number(low, 3)}% to {number(high, 3)}%"
    return f"{found}; chance of 59.77%: {number(chance[0], 1)}, of 71.48%: {number(chance[1], 1)}"


def accuracy_of_one_image() -> str:
    """One image is right or wrong, 100% or 0%, and with a loss above ln 2 it is wrong."""
    network, data, w = Network(50, 10, 2), cat_vs_dog(samples=200, features=50), Network(50, 10, 2).start(0)
    single = [network.evaluate(w, x, y) for x, y in batches(data.train_x, data.train_y, 1)]
    assert {accuracy for _, accuracy in single} == {0, 1} and math.log(2) < 0.7234
    assert all((loss > math.log(2)) == (accuracy == 0) for loss, accuracy in single)
    return (
        f"{len(single)} images: each 0% or 100%, and 0% wherever the loss is above {number(math.log(2), 4)}"
    )


def printed_program() -> str:
    """With random labels no batch size is best: all train alike, and no loss comes out as printed."""
    printed, trained, tested = {32: (0.7123, 0.6945, 0.6834), 1024: (0.6932, 0.6931, 0.6929)}, {}, []
    for size in (8, 32, 128, 1024):
        result = programs.cat_or_dog(42, 1024, size, 0.01, 3, 1)
        trained[size] = result["epoch_right"][-1]
        tested += [result["test_right"], result["least_test_right"]]
        if size in printed:
            assert np.all(np.abs(np.subtract(result["batch_loss"], printed[size])) > 5e-4)
    assert max(trained, key=trained.get) == 1024 and min(tested) > 45 and max(tested) < 57
    shares = ", ".join(f"{share:.0f}%" for share in trained.values())
    return f"8 to 1024: {shares} of the training labels, {min(tested):.0f}% to {max(tested):.0f}% in tests"


def loss_at_the_start() -> str:
    """A network just made is not undecided: its first loss is above ln 2, 0.6932, for nearly every seed."""
    import torch

    torch.manual_seed(0)
    x, y, losses = torch.randn(1024, 1000), torch.randint(0, 2, (1024,)), []
    for _ in range(40):
        model = torch.nn.Sequential(torch.nn.Linear(1000, 100), torch.nn.ReLU(), torch.nn.Linear(100, 2))
        losses.append(torch.nn.functional.cross_entropy(model(x), y).item())
    assert np.mean(np.array(losses) > 0.6932) > 0.9 and 0.70 < np.mean(losses) < 0.72
    return f"{len(losses)} seeds: {number(np.mean(losses), 2)} on average, at least 90% of them above 0.6932"


def full_batch_of_the_program() -> str:
    """Three updates at the rate of the program, 0.32, fit a good part of the coin flips; at 0.01 none."""
    scaled, unscaled = (programs.cat_or_dog(42, 1024, 1024, lr, 3, 4) for lr in (0.01, 0.01 / 32))
    least, most = scaled["least_epoch_right"][-1], unscaled["most_epoch_right"][-1]
    assert least > 60 and most < 57
    return f"4 seeds: at 0.32 at least {least:.0f}% of the training labels, at 0.01 at most {most:.0f}%"


def running_accuracy() -> str:
    """Counted while the weights change, the last epoch's accuracy is below that of the final weights."""
    network, found = Network(1000, 100, 2), []
    for seed in range(5):
        data = cat_vs_dog(learnable=False, test_samples=2, seed=seed)
        w, right = _descend(network, data, 32, 0.01, epochs=2, seed=seed).w, 0
        for x, y in batches(data.train_x, data.train_y, 32, seed=seed, epoch=2):
            right += np.sum(network.predict(w, x) == y)
            w = w - np.float32(0.01) * network.gradient(w, x, y)[1]
        found.append([right / len(data.train_y), network.accuracy(w, data.train_x, data.train_y)])
    running, final = np.mean(found, axis=0)
    assert all(after > before + 0.02 for before, after in found)
    return f"5 seeds: {running:.0%} counted on the way, {final:.0%} with the final weights"


def bytes_of_a_batch() -> str:
    """Memory depends on the model: 1000-100-2 keeps 4.4 kB per sample, so that 4 GB hold 900,000 of them."""
    import torch

    layers, found = [torch.nn.Linear(1000, 100), torch.nn.ReLU(), torch.nn.Linear(100, 2)], {}
    model = torch.nn.Sequential(*layers)
    for size in (256, 512):
        kept = {}  # by address: what several operations need is kept once

        def pack(tensor, kept=kept):
            return kept.setdefault(tensor.data_ptr(), tensor)

        with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
            torch.nn.functional.cross_entropy(model(torch.zeros(size, 1000)), torch.zeros(size).long())
        found[size] = sum(tensor.nbytes for tensor in kept.values())
    each = (found[512] - found[256]) / 256
    assert 4 * 1102 <= each < 5000 and 4e9 / each > 800_000
    return f"{number(each)} bytes per sample; 1024 of them take {1024 * each / 1e6:.1f} MB"


# Arithmetic of N4's listings.


def shapes_of_a_prediction() -> str:
    """A batch of B rows and n features is multiplied by the weights as X θ; X transposed does not fit."""
    x, theta = np.ones((8, 3)), np.ones((3, 1))
    assert (x @ theta).shape == (8, 1) and _refuses(ValueError, np.matmul, x.T, theta)
    return "8 rows of 3 features: X θ has 8 predictions, Xᵀ θ raises an error"


def weights_of_the_caller() -> str:
    """A step with -= on a reshaped array changes the caller's weights, and raises for whole numbers."""
    x, y = np.ones((4, 3)), np.ones((4, 1))

    def fit(theta):
        theta = theta.reshape(-1, 1)  # a view, as in the listings
        theta -= 0.1 * 2 / 4 * x.T @ (x @ theta - y)
        return theta

    mine = np.zeros(3)
    assert fit(mine).shape == (3, 1) and np.allclose(mine, 0.2)
    assert _refuses(TypeError, fit, np.zeros(3, int))
    return "weights of shape (3,) come back as (3, 1), the caller's zeros are 0.2; integers raise an error"
