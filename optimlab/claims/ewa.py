"""Checks of the claims about exponentially weighted averages."""

from __future__ import annotations

import inspect

import numpy as np

from .. import rules, walkthroughs
from ..averages import average, ewa_descent, weights
from ..format import number
from ..walkthroughs import programs
from ._say import printed_in, say

TEMPERATURES = np.array([18, 23, 19, 20, 17, 21, 19, 18, 22, 20])  # ten days, from N1
GRADIENTS = np.array([23, -18, 31, 12, -8, 25, 19, -5, 28, 15]) / 1000  # ten batches, from N1


def _turns(path: np.ndarray) -> int:
    """Count how often a path changes its direction."""
    return int(np.sum(np.diff(np.sign(np.diff(path))) != 0))


def _torch_steps(optimizer, gradients, **hyper) -> np.ndarray:
    """Return the steps that an optimizer of PyTorch makes for these gradients of one weight."""
    import torch

    w, path = torch.nn.Parameter(torch.zeros((), dtype=torch.float64)), [0.0]
    made = optimizer([w], **hyper)
    for g in gradients:
        w.grad = torch.tensor(float(g), dtype=torch.float64)
        made.step()
        path.append(w.item())
    return -np.diff(path)


def _regression(seed: int) -> np.ndarray:
    """Return how far the loss is above the lowest, for 300 noisy steps: plain, and along the average."""
    random = np.random.default_rng(seed)
    x = random.normal(size=(512, 20))
    y = x @ random.normal(size=20) + random.normal(size=512)
    (w, u, v), losses, best = np.zeros((3, 20)), [], np.linalg.lstsq(x, y, rcond=None)[0]
    for t in range(1, 301):
        i = random.integers(0, 512, 8)
        plain, other = (x[i].T @ (x[i] @ one - y[i]) / 8 for one in (w, u))
        w, (u, v) = w - 0.1 * plain, ewa_descent(u, other, t, v, lr=0.1)
        losses.append([np.sum((x @ (one - best)) ** 2) / 1024 for one in (w, u)])
    return np.array(losses).T


# What each value counts for -----------------------------------------------------------------------


def first_day_counts_most() -> str:
    """Started at the first value, the average still gives the oldest day the largest weight on day 10."""
    share = {day: weights(day, 0.9, start="first") for day in (5, 10)}
    zero = weights(10, 0.9)
    assert all(np.argmax(weight) == 0 and weight[0] > 3 * weight[-1] for weight in share.values())
    assert np.all(np.diff(zero) > 0)  # started at zero, recent days do count more
    return (
        f"the first day has {number(100 * share[5][0], 3)} % of the weight on day 5 and "
        f"{number(100 * share[10][0], 3)} % on day 10; today has {number(100 * share[10][-1], 3)} %"
    )


def window_is_no_count() -> str:
    """The newest 1/(1 - beta) values hold two thirds of the weight; in noise it is worth twice as many."""
    impulse = np.eye(10_000, 1) * np.ones(3)
    weight = average(impulse, np.array([0.9, 0.98, 0.999]), corrected=False)  # by age
    inside = [weight[:window, i].sum() for i, window in enumerate((10, 50, 1000))]
    worth = 1 / np.sum(weight**2, axis=0)
    noise = average(np.random.default_rng(0).normal(size=(300, 4000)), 0.9)[-1]
    assert np.all(np.abs(np.array(inside) - 0.64) < 0.015)
    assert np.allclose(worth, [19, 99, 1999], rtol=1e-3) and abs(19 * noise.var() - 1) < 0.1
    return (
        f"windows of 10, 50, 1000 hold {say(100 * np.array(inside))} % of the weight; in noise they are "
        f"worth means of {say(worth, 4)}"
    )


def influence_after_ten() -> str:
    """With 0.9 a value ten steps old counts for 35 % of the newest, and the newest ten hold 65 %."""
    weight = weights(500, 0.9)
    ratio, newest = weight[-11] / weight[-1], weight[-10:].sum()
    assert 0.34 < ratio < 0.35 and 0.65 < newest < 0.66
    return f"{number(100 * ratio, 3)} % and {number(100 * newest, 3)} %"


def recursion_is_a_sum() -> str:
    """The recursion gives the weighted sum, and the weights sum to 1 - beta^t."""
    t, beta, start = np.arange(1, 101), 0.9, 7.0
    series = np.random.default_rng(0).normal(20, 5, 100)
    by_hand = [0.1 * sum(beta**i * series[n - 1 - i] for i in range(n)) + beta**n * start for n in t]
    assert np.allclose(average(series, beta, corrected=False, start=start), by_hand, rtol=1e-12)
    sums = np.array([weights(n, beta).sum() for n in t])
    assert np.allclose(sums, 1 - beta**t, rtol=1e-12) and sums[0] < 0.2
    return f"equal at all 100 steps; the weights sum to {say(sums[[0, 9, 99]])} at t = 1, 10, 100"


# The cold start -----------------------------------------------------------------------------------


def warming_up() -> str:
    """After ten days the average is a third short; the share it has is curved, no line."""
    short = 1 - average(np.ones(60), 0.9, corrected=False)
    raw = average(TEMPERATURES, 0.9, corrected=False)
    slower = average(np.ones(60), 0.98, corrected=False)
    within = [int(np.argmax(short <= share)) + 1 for share in (0.05, 0.01)]
    assert short[9] > 0.34 and within == [29, 44] and np.all(slower < 1 - short)
    assert raw[2] > 5 and raw[9] > 12  # it does not stay at 5
    half = 1 - short[:20]
    assert half[9] > 1.4 * half[19] / 2  # a line would have half of day 20 on day 10
    return (
        f"day 10: {number(raw[9], 4)} degrees, {number(100 * short[9], 3)} % short; within 5 and 1 % after "
        f"{within[0]} and {within[1]} days; share on days 5, 10, 20: {say(half[[4, 9, 19]], 2)}"
    )


def error_of_an_average() -> str:
    """Even an average that knows the true mean differs from the day's value by the day's noise."""
    days = np.random.default_rng(0).normal(20, 2, size=(10, 20_000))
    perfect = np.sqrt(np.mean((20 - days) ** 2))
    bias = average(days, 0.9, corrected=False).mean(axis=1) - 20
    assert 1.9 < perfect < 2.1 and np.allclose(bias, -20 * 0.9 ** np.arange(1, 11), atol=0.1)
    return (
        f"the true mean is off by {number(perfect, 2)} a day; the bias on days 1 and 10 is "
        f"{say(bias[[0, 9]], 2)}"
    )


def bias_is_toward_zero() -> str:
    """The raw average starts too near to zero: too high for negative values, right for zero-mean ones."""
    warm, cold = (average(TEMPERATURES - shift, 0.9, corrected=False)[0] for shift in (0, 40))
    around = average(np.random.default_rng(0).normal(0, 2, (10, 50_000)), 0.9, corrected=False).mean(axis=1)
    assert warm < TEMPERATURES[0] and cold > TEMPERATURES[0] - 40 and np.all(np.abs(around) < 0.03)
    return f"18 becomes {number(warm, 2)}, -22 becomes {number(cold, 2)}; around zero nothing is missing"


# The correction -----------------------------------------------------------------------------------


def unbiased_but_noisy() -> str:
    """The corrected average has no bias from the first day, but that day it is one raw measurement."""
    days = np.random.default_rng(0).normal(20, 2, size=(10, 20_000))
    corrected = average(days, 0.9)
    broken = average([40, *TEMPERATURES[1:]], 0.9)[0]
    spread = corrected.std(axis=1)
    assert np.allclose(corrected.mean(axis=1), 20, atol=0.06) and np.allclose(corrected[0], days[0])
    assert spread[0] > 2.8 * spread[9] and np.isclose(broken, 40)
    spreads = say(spread[[0, 1, 4, 9]], 2)
    return f"spread on days 1, 2, 5, 10: {spreads}; a first reading of 40 gives {number(broken)}"


def simulated_mean() -> str:
    """Simulated, the mean is mu (1 - beta^t) raw and mu corrected; behind a trend the average lags."""
    runs = np.random.default_rng(1).normal(20, 2, size=(10, 50_000))
    raw, corrected = (average(runs, 0.9, corrected=on).mean(axis=1) for on in (False, True))
    t = np.arange(1, 11)
    lag = 3000 - average(np.arange(1, 3001), 0.9)[-1]
    assert np.allclose(raw, 20 * (1 - 0.9**t), atol=0.03) and np.allclose(corrected, 20, atol=0.05)
    assert np.isclose(lag, 9)
    return f"raw {say(raw[[0, 1, 9]], 2)} at t = 1, 2, 10, corrected 20; {number(lag)} steps behind a trend"


def plain_mean_is_no_target() -> str:
    """The corrected average differs from the plain mean by right, and the notes' sums are off from day 6."""
    plain, corrected = np.cumsum(TEMPERATURES) / np.arange(1, 11), average(TEMPERATURES, 0.9)
    table = printed_in("ewa-bias-correction-table")
    printed = np.array([table[f"day {t}", "true avg"] for t in range(1, 11)])
    off = np.abs(printed - plain) > 0.05
    assert not off[:5].any() and off[5:].all()
    assert np.abs(corrected - plain).max() > 0.1 and not np.allclose(weights(5, 0.9, start="corrected"), 0.2)
    return (
        f"right plain means on days 6 to 10: {say(plain[5:], 4)}; the weighted one differs by up to "
        f"{number(np.abs(corrected - plain).max(), 2)}"
    )


def two_values_for_one() -> str:
    """The notes print two different corrected averages for day 5, and two for day 8."""
    right = average(TEMPERATURES, 0.9)
    table = [printed_in("ewa-bias-correction-table")[f"day {day}", "vhat"] for day in (5, 8)]
    output = [printed_in("ewa-code-output")[f"with correction, day {day}", "EWA"] for day in (5, 8)]
    assert all(a != b for a, b in zip(table, output, strict=True)) and abs(table[1] - right[7]) > 0.2
    return (
        f"day 5: {table[0]} and {output[0]}, right {right[4]:.2f}; "
        f"day 8: {table[1]} and {output[1]}, right {right[7]:.2f}"
    )


def one_convention() -> str:
    """Corrected like the others, beta 0.5 has another value on day 2 than the notes' column."""
    printed = [printed_in("ewa-beta-comparison-table")[f"day {t}", "beta 0.5"] for t in range(1, 11)]
    first = average(TEMPERATURES[1:], 0.5, corrected=False, start=18)
    corrected = average(TEMPERATURES, 0.5)
    assert np.allclose(printed[1:], first, atol=0.06)  # it starts at the first value
    assert corrected[1] - printed[1] > 0.8
    return f"day 2 with beta 0.5: printed {printed[1]}, corrected {number(corrected[1], 3)}"


def everyone_notices_day_2() -> str:
    """Corrected, all three averages jump on day 2; only later do they differ by beta."""
    rise = {beta: np.diff(average(TEMPERATURES, beta)) for beta in (0.5, 0.9, 0.98)}
    second, ninth = np.array([[one[0], one[7]] for one in rise.values()]).T
    assert min(second) > 0.7 * max(second) and ninth[2] < 0.25 * ninth[0]
    return f"beta 0.5, 0.9, 0.98 rise by {say(second)} degrees on day 2 and by {say(ninth, 2)} on day 9"


def three_starts() -> str:
    """A start at the first value is unbiased and noisier; it is wrong only together with the correction."""
    runs = np.random.default_rng(0).normal(20, 2, size=(5, 20_000))
    first = np.array([runs[0], *average(runs[1:], 0.9, corrected=False, start=runs[0])])
    both = first[1] / (1 - 0.9**2)
    spread = first[4].std(), average(runs, 0.9)[4].std()
    assert abs(first[4].mean() - 20) < 0.05 and spread[0] > 1.4 * spread[1] and both.mean() > 100
    return (
        f"day 5: mean {number(first[4].mean(), 2)}, spread {number(spread[0], 2)} against "
        f"{number(spread[1], 2)} of the corrected one; corrected as well, day 2 has {number(both.mean(), 3)}"
    )


def late_correction() -> str:
    """How long the correction matters depends on beta: with 0.999 it still multiplies by 1.58 at t = 1000."""
    factor = {beta: 1 / average(np.ones(5000), beta, corrected=False) for beta in (0.5, 0.9, 0.98, 0.999)}
    late = factor[0.999][[99, 499, 999]]
    one_percent = int(np.argmax(factor[0.999] <= 1.01)) + 1
    at_20 = [factor[beta][19] for beta in (0.9, 0.98, 0.999)]
    assert late[0] > 10 and late[2] > 1.5 and one_percent > 4000 and min(at_20) > 1.1 and at_20[2] > 50
    assert factor[0.9][0] > 9.9 and factor[0.5][9] < 1.001
    return (
        f"0.999: {say(late)} at t = 100, 500, 1000, below 1.01 at {one_percent}; t = 20: {say(at_20)} for "
        f"0.9, 0.98, 0.999; day 1 with 0.9: {number(factor[0.9][0], 3)}"
    )


def starts_at_one_percent() -> str:
    """With beta 0.99 the raw average begins at 1 % and is still a third short after 100 steps."""
    share = average(np.ones(100), 0.99, corrected=False)
    assert share[0] < 0.011 and share[4] < 0.05 and share[99] < 0.64
    return f"{say(100 * share[[0, 4, 99]])} % after 1, 5 and 100 steps"


# Mistakes -----------------------------------------------------------------------------------------


def beta_of_one_and_more() -> str:
    """With beta 1 the average never moves; above 1 it runs away from the data."""
    frozen, runaway = (average(np.full(1000, 20.0), beta, corrected=False) for beta in (1.0, 1.01))
    assert not frozen.any() and runaway[-1] < -4e5 and abs(runaway[9]) > 2
    return f"constant 20, 1000 steps: {number(frozen[-1])} with 1, {number(runaway[-1], 3)} with 1.01"


def noise_that_is_left() -> str:
    """Noise falls smoothly as beta grows, by the factor sqrt((1 - beta)/(1 + beta)); 0.3 smooths as well."""
    noise = np.random.default_rng(0).normal(size=(300, 4000))
    betas = np.array([0.1, 0.3, 0.5, 0.9, 0.98])
    left = np.array([average(noise, beta)[-1].std() for beta in betas])
    assert np.allclose(left, np.sqrt((1 - betas) / (1 + betas)), rtol=0.05)
    assert np.all(np.diff(left) < -0.1) and left[1] < 0.8
    return f"spread that is left for beta {say(betas)}: {', '.join(f'{x:.1f}' for x in left)}"


def always_dividing_by_one_step() -> str:
    """Dividing by 1 - beta at every step leaves the average ten times too large."""
    raw = average(np.full(200, 20.0), 0.9, corrected=False)[-1]
    right = average(np.full(200, 20.0), 0.9)[-1]
    assert np.isclose(raw / (1 - 0.9**1), 10 * right)
    return f"constant 20: {number(raw / 0.1, 4)} instead of {number(right)}"


# Averaged gradients -------------------------------------------------------------------------------


def ten_gradients() -> str:
    """Averaging removes the reversals, not a lack of progress: plain descent gets as far."""
    plain = rules.gradient_descent.trace(w=0.25, g=GRADIENTS, lr=0.1)["w"]
    averaged = ewa_descent.trace(w=0.25, g=GRADIENTS, lr=0.1, beta=0.9)["w"]
    moved = 0.25 - plain[-1], 0.25 - averaged[-1]
    assert np.sum(GRADIENTS > 0) == 7 and moved[0] > moved[1] > 0
    assert _turns(plain) == 6 and _turns(averaged) == 0
    return f"moved {say(moved)}; {_turns(plain)} changes of direction against {_turns(averaged)}"


def second_average_cancels() -> str:
    """The second average is small because two gradients cancel; the correction explains a smaller part."""
    raw, corrected = average(GRADIENTS, 0.9, corrected=False), average(GRADIENTS, 0.9)
    cancel, bias = corrected[0] / corrected[1], corrected[1] / raw[1]
    assert cancel > 15 and bias < 6
    return (
        f"cancellation makes it {number(cancel, 2)} times smaller, the missing correction "
        f"{number(bias, 2)} times"
    )


def same_endpoint() -> str:
    """After four batches the two runs stand at different weights, and after ten they are farther apart."""
    plain = rules.gradient_descent.trace(w=0.25, g=GRADIENTS, lr=0.1)["w"]
    averaged = ewa_descent.trace(w=0.25, g=GRADIENTS, lr=0.1, beta=0.9)["w"]
    printed = [printed_in(f"ewa-{name}")["batch 4", "vhat"] for name in ("effect-ewa", "gradient-table")]
    apart = np.abs(plain - averaged)
    assert apart[4] > 8e-5 and apart[10] > 6 * apart[4] and printed[0] != printed[1]
    return (
        f"{plain[4]:.5f} and {averaged[4]:.5f}, then {plain[10]:.5f} and {averaged[10]:.5f}; the average of "
        f"batch 4 is printed as {printed[0]} and as {printed[1]}"
    )


def gradients_of_single_images() -> str:
    """The first three gradients are those of single images; batches of 32 scatter far less."""
    single = walkthroughs.get("mb-sgd-three-updates").givens["gradients"]
    of_32 = walkthroughs.get("mb-minibatches-2-4").givens["gradients"]
    assert np.allclose(GRADIENTS[:3], single) and single.std() > 20 * of_32.std()
    return f"spread {number(single.std(), 2)} for single images, {number(of_32.std(), 2)} for batches of 32"


def training_along_the_average() -> str:
    """In noisy regression the averaged run is smoother but hardly lower, and its losses are others."""
    plain, averaged = np.moveaxis([_regression(seed)[:, -100:] for seed in range(10)], 1, 0)
    level = averaged.mean() / plain.mean()
    rough = np.abs(np.diff(averaged)).mean() / np.abs(np.diff(plain)).mean()
    assert 0.8 < level < 1.05 and rough < 0.5
    assert np.isclose(plain, averaged, rtol=1e-6).mean() < 0.01
    return f"10 seeds, rate 0.1: level {number(level, 2)}, roughness {number(rough, 2)} of plain descent's"


# Programs and libraries ---------------------------------------------------------------------------


def printed_output() -> str:
    """Our run of the averager prints other numbers than the notes from day 6 on."""
    values = walkthroughs.get("ewa-code-output").values
    output = programs.averager(TEMPERATURES, 0.9)["raw"]
    differ = [value for value in values if value.verdict != "agrees"]
    late = [value for value in differ if int(value.row.split()[-1]) >= 6]
    assert np.allclose(output, average(TEMPERATURES, 0.9, corrected=False)) and len(late) >= 20
    return (
        f"{len(differ)} of {len(values)} printed numbers differ; day 6 is {number(output[5], 3)}, "
        f"printed {late[0].printed}"
    )


def hundred_outputs() -> str:
    """A network with 100 outputs for two classes starts at a loss near ln 100, not near ln 2."""
    import torch

    def start(outputs: int) -> float:
        losses = []
        for seed in range(5):
            torch.manual_seed(seed)
            x, y = torch.randn(320, 1000), torch.randint(0, 2, (320,))
            hidden, last = torch.nn.Linear(1000, 100), torch.nn.Linear(100, outputs)
            losses.append(torch.nn.functional.cross_entropy(last(hidden(x).relu()), y).item())
        return float(np.mean(losses))

    many, two = start(100), start(2)
    assert abs(many - np.log(100)) < 0.2 and abs(two - np.log(2)) < 0.2
    return f"5 seeds: {number(many, 2)} with 100 outputs, {number(two, 1)} with 2"


def who_corrects() -> str:
    """Adam always corrects its averages; torch's momentum and RMSprop never do."""
    import torch

    sgd = _torch_steps(torch.optim.SGD, np.ones(300), lr=1, momentum=0.9)
    rms = _torch_steps(torch.optim.RMSprop, np.ones(300), lr=1, alpha=0.9)
    adam = _torch_steps(torch.optim.Adam, np.ones(300), lr=1)
    by_hand = -rules.adam.trace(w=0.0, g=np.ones(1), lr=1.0)["w"][1]
    without = -rules.adam_uncorrected.trace(w=0.0, g=np.ones(1), lr=1.0)["w"][1]
    assert np.allclose(adam, 1, atol=1e-6) and np.isclose(by_hand, 1) and without > 3
    assert sgd[-1] > 9.9 * sgd[0] and rms[0] > 3 * rms[-1]
    assert not [name for name in inspect.signature(torch.optim.Adam).parameters if "bias" in name]
    return (
        f"first and last step for a gradient of 1: momentum {say(sgd[[0, -1]], 2)}, RMSprop "
        f"{say(rms[[0, -1]], 2)}, Adam {say(adam[[0, -1]], 2)}, first uncorrected {number(without, 3)}"
    )


def library_defaults() -> str:
    """RMSprop has 0.99 in torch, Adam 0.9 and 0.999."""
    import torch

    alpha = inspect.signature(torch.optim.RMSprop).parameters["alpha"].default
    betas = inspect.signature(torch.optim.Adam).parameters["betas"].default
    assert alpha == 0.99 and betas == (0.9, 0.999)
    return f"RMSprop {alpha}, Adam {betas[0]} and {betas[1]}"


def sum_is_no_average() -> str:
    """Momentum's velocity is a sum: for a constant gradient it settles at ten times the average."""
    import torch

    along = 0.25 - _torch_steps(torch.optim.SGD, GRADIENTS, lr=0.1, momentum=0.9).sum()
    total = rules.momentum.trace(w=0.0, g=np.ones(200), momentum=0.9)["v"]
    mean = rules.momentum_average.trace(w=0.0, g=np.ones(200), momentum=0.9)["v"]
    averaged = ewa_descent.trace(w=0.25, g=GRADIENTS, lr=0.1, beta=0.9)["w"][-1]
    assert np.allclose(total, 10 * mean) and total[-1] > 9.99 and mean[1] < 0.11
    assert 0.25 - along > 3.9 * (0.25 - averaged)
    return (
        f"a constant gradient of 1 gives {number(total[-1], 4)} and {number(mean[-1], 4)}; the ten gradients "
        f"lead to {along:.4f} and {averaged:.4f} (sum, corrected average)"
    )


def relaxation_is_no_decay() -> str:
    """ExponentialLR multiplies by a factor and tends to zero; an average toward a target tends to it."""
    import torch

    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(()))], lr=0.1)
    schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.95)
    for _ in range(200):
        optimizer.step()
        schedule.step()
    falling = schedule.get_last_lr()[0]
    toward = average(np.full(200, 0.01), 0.95, corrected=False, start=0.1)[-1]
    assert falling < 1e-5 and toward > 0.01
    return f"after 200 steps from 0.1: {number(falling, 2)} by the schedule, {number(toward, 3)} toward 0.01"


def noise_against_delay() -> str:
    """The best beta depends on how fast the truth drifts: no value fits a purpose in general."""
    betas, best = np.array([0, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995]), []
    for drift in (0.5, 0.1, 0.02):
        random = np.random.default_rng(0)
        truth = np.cumsum(drift * random.normal(size=(400, 250)), axis=0)
        seen = truth + random.normal(size=truth.shape)
        errors = [np.mean((average(seen, beta) - truth)[100:] ** 2) for beta in betas]
        best.append(betas[np.argmin(errors)])
    assert best[0] < best[1] < best[2]
    return f"drift of 0.5, 0.1, 0.02 of the noise per step: nearest with {say(best)}"


def average_of_squares() -> str:
    """For a constant gradient the average of its squares tends to its square."""
    s = average(np.full(200, 0.5) ** 2, 0.9, corrected=False)
    assert s[0] < 0.03 and np.isclose(s[-1], 0.25)
    return f"gradient 0.5: {number(s[0])} at first, {number(s[-1])} at last"
