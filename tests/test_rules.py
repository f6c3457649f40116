"""The optimizers: equal to torch's where the convention is the same, and different where it says so."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from optimlab import rules
from optimlab.rule import Rule
from optimlab.rules import (
    adadelta,
    adagrad,
    adam,
    adam_eps_inside,
    adam_l2,
    adam_uncorrected,
    adamax,
    adamw,
    aggmo,
    amsgrad,
    amsgrad_paper,
    gradient_descent,
    lion,
    momentum,
    momentum_average,
    momentum_lr_inside,
    nadam,
    nadam_constant,
    nadam_same_step,
    nesterov,
    nesterov_lookahead,
    qhadam,
    qhm,
    rmsprop,
    rmsprop_centered,
    rmsprop_momentum,
    signsgd,
)

ALL = [value for value in vars(rules).values() if isinstance(value, Rule)]
STEPS = 200


def gradients_of(seed: int, steps: int = STEPS) -> tuple[np.ndarray, np.ndarray]:
    """Return a start and gradients of four weights, of sizes from a hundredth to a hundred."""
    rng = np.random.default_rng(seed)
    return rng.standard_normal(4), rng.standard_normal((steps, 4)) * 10 ** rng.uniform(-2, 2, 4)


def assert_same_path(path, expected, tolerance: float = 1e-12) -> None:
    """Compare two paths relative to how far the weights get from zero."""
    size = np.abs(expected).max()
    assert np.isfinite(size)
    assert np.abs(path - expected).max() <= tolerance * size


def step_sizes(trace) -> np.ndarray:
    return np.abs(np.diff(trace["w"], axis=0))


# The same as PyTorch's

# 200 steps twice are too much to shrink a failing example step by step.
parity = settings(deadline=None, max_examples=15, phases=[Phase.generate])
shares = st.floats(0, 0.999)
rates = st.floats(1e-5, 1.0)
tiny = st.floats(1e-12, 1e-3)
decays = st.floats(0, 0.5)

# The rule, its hyper-parameters, and torch's optimizer with the same.
PARITY = {
    "gradient_descent": (
        gradient_descent,
        {"lr": rates},
        lambda optim, p, h: optim.SGD(p, lr=h["lr"]),
    ),
    "momentum": (
        momentum,
        {"lr": rates, "momentum": shares},
        lambda optim, p, h: optim.SGD(p, **h),
    ),
    "nesterov": (
        nesterov,
        {"lr": rates, "momentum": st.floats(0.001, 0.999)},
        lambda optim, p, h: optim.SGD(p, nesterov=True, **h),
    ),
    "adagrad": (
        adagrad,
        {"lr": rates, "eps": tiny},
        lambda optim, p, h: optim.Adagrad(p, **h),
    ),
    "rmsprop": (
        rmsprop,
        {"lr": rates, "rho": shares, "eps": tiny},
        lambda optim, p, h: optim.RMSprop(p, lr=h["lr"], alpha=h["rho"], eps=h["eps"]),
    ),
    # Below 0.9 the difference of two nearly equal squares leaves too few digits to compare.
    "rmsprop_centered": (
        rmsprop_centered,
        {"lr": rates, "rho": st.floats(0.9, 0.999), "eps": tiny},
        lambda optim, p, h: optim.RMSprop(p, lr=h["lr"], alpha=h["rho"], eps=h["eps"], centered=True),
    ),
    "rmsprop_momentum": (
        rmsprop_momentum,
        {"lr": rates, "rho": shares, "momentum": st.floats(0.001, 0.999), "eps": tiny},
        lambda optim, p, h: optim.RMSprop(
            p, lr=h["lr"], alpha=h["rho"], eps=h["eps"], momentum=h["momentum"]
        ),
    ),
    "adam": (
        adam,
        {"lr": rates, "beta1": shares, "beta2": shares, "eps": tiny},
        lambda optim, p, h: optim.Adam(p, lr=h["lr"], betas=(h["beta1"], h["beta2"]), eps=h["eps"]),
    ),
    "amsgrad": (
        amsgrad,
        {"lr": rates, "beta1": shares, "beta2": shares, "eps": tiny},
        lambda optim, p, h: optim.Adam(
            p, lr=h["lr"], betas=(h["beta1"], h["beta2"]), eps=h["eps"], amsgrad=True
        ),
    ),
    # Its gradients depend on its weights; with large rates or short memories that amplifies rounding,
    # so those are compared step by step below.
    "adam_l2": (
        adam_l2,
        {
            "lr": st.floats(1e-5, 0.1),
            "beta1": shares,
            "beta2": st.floats(0.9, 0.999),
            "eps": tiny,
            "weight_decay": st.floats(0, 0.1),
        },
        lambda optim, p, h: optim.Adam(
            p, lr=h["lr"], betas=(h["beta1"], h["beta2"]), eps=h["eps"], weight_decay=h["weight_decay"]
        ),
    ),
    "adamw": (
        adamw,
        {"lr": rates, "beta1": shares, "beta2": shares, "eps": tiny, "weight_decay": decays},
        lambda optim, p, h: optim.AdamW(
            p, lr=h["lr"], betas=(h["beta1"], h["beta2"]), eps=h["eps"], weight_decay=h["weight_decay"]
        ),
    ),
    "adamax": (
        adamax,
        {"lr": rates, "beta1": shares, "beta2": shares, "eps": tiny},
        lambda optim, p, h: optim.Adamax(p, lr=h["lr"], betas=(h["beta1"], h["beta2"]), eps=h["eps"]),
    ),
    "nadam": (
        nadam,
        {"lr": rates, "beta1": shares, "beta2": shares, "eps": tiny, "psi": st.floats(0, 2)},
        lambda optim, p, h: optim.NAdam(
            p, lr=h["lr"], betas=(h["beta1"], h["beta2"]), eps=h["eps"], momentum_decay=h["psi"]
        ),
    ),
    # A very large psi makes torch's schedule constant from the first step.
    "nadam_constant": (
        nadam_constant,
        {"lr": rates, "beta1": shares, "beta2": shares, "eps": tiny},
        lambda optim, p, h: optim.NAdam(
            p, lr=h["lr"], betas=(h["beta1"], h["beta2"]), eps=h["eps"], momentum_decay=1e9
        ),
    ),
}


@pytest.fixture
def torch():
    """Torch with float64 as its default: the numbers that it keeps beside the weights follow the default."""
    module = pytest.importorskip("torch")
    before = module.get_default_dtype()
    module.set_default_dtype(module.float64)
    yield module
    module.set_default_dtype(before)


def torch_path(torch, make, start, gradients, *, lr=None) -> np.ndarray:
    """Step torch's optimizer; `gradients` is one per step or a function of w, `lr` a function of t."""
    weight = torch.tensor(start, dtype=torch.float64, requires_grad=True)
    optimizer = make(torch.optim, [weight])
    path = [weight.detach().numpy().copy()]
    for t in range(1, STEPS + 1):
        gradient = gradients(path[-1]) if callable(gradients) else gradients[t - 1]
        weight.grad = torch.tensor(gradient, dtype=torch.float64)
        if lr is not None:
            optimizer.param_groups[0]["lr"] = lr(t)
        optimizer.step()
        path.append(weight.detach().numpy().copy())
    return np.array(path)


@pytest.mark.parametrize("name", PARITY)
def test_the_rule_equals_torchs_optimizer_over_200_random_steps(name, torch):
    rule, strategies, make = PARITY[name]

    @parity
    @given(seed=st.integers(0, 2**32 - 1), hyper=st.fixed_dictionaries(strategies))
    def compare(seed, hyper):
        start, gradients = gradients_of(seed)
        rule.check(**hyper)
        expected = torch_path(torch, lambda optim, p: make(optim, p, hyper), start, gradients)
        assert_same_path(rule.trace(w=start, g=gradients, **hyper)["w"], expected)

    compare()


@parity
@given(
    seed=st.integers(0, 2**32 - 1),
    hyper=st.fixed_dictionaries({"lr": rates, "rho": shares, "eps": tiny}),
)
def test_adadelta_equals_torch_step_by_step(seed, hyper):
    torch = pytest.importorskip("torch")
    start, gradients = gradients_of(seed)
    weight = torch.tensor(start, requires_grad=True)
    assert_same_steps(
        adadelta,
        hyper,
        gradients,
        weight,
        torch.optim.Adadelta([weight], **hyper),
        ["square_avg", "acc_delta"],
    )


@parity
@given(
    seed=st.integers(0, 2**32 - 1),
    hyper=st.fixed_dictionaries(
        {"lr": rates, "beta1": shares, "beta2": shares, "eps": tiny, "weight_decay": decays}
    ),
)
def test_adam_with_l2_equals_torch_step_by_step(seed, hyper):
    torch = pytest.importorskip("torch")
    start, gradients = gradients_of(seed)
    weight = torch.tensor(start, requires_grad=True)
    optimizer = torch.optim.Adam(
        [weight],
        lr=hyper["lr"],
        betas=(hyper["beta1"], hyper["beta2"]),
        eps=hyper["eps"],
        weight_decay=hyper["weight_decay"],
    )
    assert_same_steps(adam_l2, hyper, gradients, weight, optimizer, ["exp_avg", "exp_avg_sq"])


def assert_same_steps(rule, hyper, gradients, weight, optimizer, names) -> None:
    """Make every step from where torch stands, and compare the weight and the state after it."""
    before = (weight.detach().numpy().copy(), *(0.0 for _ in names))
    for t, gradient in enumerate(gradients, start=1):
        weight.grad = weight.new_tensor(gradient)
        optimizer.step()
        state = optimizer.state[weight]
        after = [x.detach().numpy().copy() for x in (weight, *(state[name] for name in names))]
        clock = (t,) if rule.uses_t else ()
        for mine, theirs in zip(rule(before[0], gradient, *clock, *before[1:], **hyper), after, strict=True):
            assert_same_path(mine, theirs)
        before = after


@pytest.mark.parametrize("name", ["adagrad", "adam", "nadam", "rmsprop_momentum"])
def test_the_rule_equals_torchs_optimizer_under_a_falling_learning_rate(name, torch):
    rule, _, make = PARITY[name]
    start, gradients = gradients_of(8)
    expected = torch_path(
        torch, lambda optim, p: make(optim, p, rule.hyper), start, gradients, lr=lambda t: 0.1 / t
    )
    assert_same_path(rule.trace(w=start, g=gradients, lr=lambda t: 0.1 / t)["w"], expected)


def test_without_float64_as_its_default_torch_rounds_the_product_of_nadam():
    torch = pytest.importorskip("torch")
    assert torch.get_default_dtype() == torch.float32
    start, gradients = gradients_of(3)
    expected = torch_path(torch, lambda optim, p: optim.NAdam(p, lr=0.1), start, gradients)
    difference = np.abs(nadam.trace(w=start, g=gradients, lr=0.1)["w"] - expected).max()
    assert 1e-12 < difference < 1e-5


def test_adadelta_on_a_landscape_amplifies_rounding_so_that_no_two_programs_agree_on_the_path():
    def gradient(w):
        x, y = w
        return np.array([-2 * (1 - x) - 400 * x * (y - x**2), 200 * (y - x**2)])

    def run(start):
        return adadelta.trace(w=start, g=gradient, steps=5000)["w"]

    exact, nudged = run([-1.5, 1.5]), run([-1.5 + 1e-14, 1.5])
    assert np.abs(exact - nudged)[:10].max() < 1e-13
    assert np.abs(exact - nudged).max() > 1e-6


def test_the_defaults_of_every_rule_lie_in_their_range():
    assert len(ALL) == 27
    for rule in ALL:
        rule.check(**rule.hyper)


# Momentum


def test_under_a_constant_gradient_the_velocity_grows_to_the_gradient_over_one_minus_momentum():
    velocity = momentum.trace(w=0.0, g=[3.0] * 2000, momentum=0.99)["v"][1:]
    assert np.all(np.diff(velocity) >= 0)
    assert velocity[-1] == pytest.approx(300, rel=1e-8)


def test_one_gradient_carries_the_weight_ten_steps_far_at_momentum_09_and_no_farther():
    path = momentum.trace(w=0.0, g=[1.0] + [0.0] * 500, lr=0.1, momentum=0.9)["w"]
    assert np.abs(path).max() <= 1.0 + 1e-12
    assert path[-1] == pytest.approx(-1.0, rel=1e-12)


def test_the_three_momenta_make_one_path_while_the_learning_rate_is_constant():
    start, gradients = gradients_of(1)
    path = momentum.trace(w=start, g=gradients, lr=0.05)["w"]
    assert_same_path(momentum_average.trace(w=start, g=gradients, lr=0.05 / (1 - 0.9))["w"], path)
    assert_same_path(momentum_lr_inside.trace(w=start, g=gradients, lr=0.05)["w"], path)


def test_when_the_learning_rate_drops_a_velocity_with_the_rate_inside_still_carries_the_old_one():
    # One gradient, then only the velocity: outside, its rest is scaled by the new rate.
    given = {"w": 0.0, "g": [1.0] + [0.0] * 9, "lr": lambda t: 0.05 if t == 1 else 0.005}
    rest = sum(0.9**k for k in range(1, 10))
    assert momentum.trace(**given)["w"][-1] == pytest.approx(-0.05 - 0.005 * rest, rel=1e-12)
    assert momentum_lr_inside.trace(**given)["w"][-1] == pytest.approx(-0.05 - 0.05 * rest, rel=1e-12)


def test_dampening_in_torch_spares_the_first_gradient_so_that_its_velocity_starts_larger(torch):
    start, gradients = gradients_of(2)
    expected = torch_path(
        torch, lambda optim, p: optim.SGD(p, lr=0.05, momentum=0.9, dampening=0.9), start, gradients
    )
    zero_start = momentum_average.trace(w=start, g=gradients, lr=0.05)["w"]
    # A velocity of m**t times the first gradient is what torch has more after step t.
    more = -0.05 * gradients[0] * np.cumsum(0.9 ** np.arange(1, STEPS + 1))[:, None]
    assert_same_path(zero_start[1:] + more, expected[1:])
    # The average started at the first gradient instead of zero is torch's.
    assert_same_path(momentum_average.trace(w=start, g=gradients, lr=0.05, v=gradients[0])["w"], expected)


# Nesterov


def bowl(w):
    return np.array([1.0, 10.0]) * w


def torch_nesterov(torch, lr):
    return torch_path(
        torch,
        lambda optim, p: optim.SGD(p, lr=0.01, momentum=0.9, nesterov=True),
        [1.0, 2.0],
        bowl,
        lr=lr,
    )


def look_ahead_points(lr):
    trace = nesterov_lookahead.trace(w=[1.0, 2.0], g=bowl, steps=STEPS, lr=lr)
    next_lr = np.array([lr(t) for t in range(1, STEPS + 2)])[:, None]
    return trace["w"], trace["w"] - next_lr * 0.9 * trace["v"]


def test_the_look_ahead_points_equal_torchs_weights_while_the_learning_rate_is_constant(torch):
    def constant(t):
        return 0.02

    weights, points = look_ahead_points(constant)
    assert_same_path(points, torch_nesterov(torch, constant))
    assert_same_path(points, nesterov.trace(w=[1.0, 2.0], g=bowl, steps=STEPS, lr=0.02)["w"])
    assert np.abs(weights - points).max() > 0.1


def test_the_look_ahead_points_leave_torchs_weights_when_the_learning_rate_changes(torch):
    def dropped(t):
        return 0.02 if t <= 10 else 0.002

    _, points = look_ahead_points(dropped)
    expected = torch_nesterov(torch, dropped)
    assert_same_path(points[:10], expected[:10])
    assert np.abs(points - expected)[10:].max() > 0.05


def test_the_gradient_of_a_look_ahead_is_the_one_at_the_look_ahead_point():
    trace = nesterov_lookahead.trace(w=[1.0, 2.0], g=bowl, steps=5, lr=0.02)
    for t in range(1, 6):
        point = trace["w"][t - 1] - 0.02 * 0.9 * trace["v"][t - 1]
        np.testing.assert_allclose(trace["g"][t], bowl(point), rtol=1e-14)


# AdaGrad, Adadelta, RMSprop


@settings(deadline=None)
@given(st.lists(st.floats(-1e3, 1e3).filter(lambda g: abs(g) > 1e-3), min_size=2, max_size=50))
def test_the_rates_of_adagrad_never_rise(gradients):
    trace = adagrad.trace(w=0.0, g=gradients, lr=1.0)
    rates = 1 / (np.sqrt(trace["s"][1:]) + 1e-10)
    assert np.all(np.diff(rates) <= 0)
    # They are the rates that the weight really moves with.
    assert -np.cumsum(rates * gradients) == pytest.approx(trace["w"][1:], rel=1e-9, abs=1e-9)


def test_adagrad_under_a_constant_gradient_goes_as_the_root_of_the_step_count():
    path = adagrad.trace(w=0.0, g=[5.0] * 100, lr=0.1)["w"]
    assert path[1:] == pytest.approx(-0.1 * np.cumsum(1 / np.sqrt(np.arange(1, 101))), rel=1e-9)


def test_a_sum_started_at_a_tenth_as_in_keras_and_optax_shortens_the_first_step_of_adagrad():
    assert adagrad.trace(w=0.0, g=[0.1], lr=1.0)["w"][1] == pytest.approx(-1.0, rel=1e-8)
    assert adagrad.trace(w=0.0, g=[0.1], lr=1.0, s=0.1)["w"][1] == pytest.approx(
        -0.1 / np.sqrt(0.11), rel=1e-8
    )


def test_the_first_step_of_adadelta_has_a_size_that_eps_sets():
    for gradient in (1.0, 1000.0):
        step = adadelta.trace(w=0.0, g=[gradient], rho=0.9, eps=1e-6)["w"][1]
        assert step == pytest.approx(-np.sqrt(1e-6 / 0.1), rel=1e-5)


def test_adadelta_takes_the_root_of_squared_steps_before_this_step_joins_them():
    trace = adadelta.trace(w=0.0, g=[2.0, 1.0], rho=0.5, eps=1e-6)
    ratio = np.sqrt(trace["d"][1] + 1e-6) / np.sqrt(trace["s"][2] + 1e-6)
    assert trace["step"][2] == pytest.approx(ratio * 1.0, rel=1e-14)


def test_the_first_step_of_rmsprop_is_the_learning_rate_over_the_root_of_one_minus_rho():
    for gradient in (0.01, 100.0):
        assert rmsprop.trace(w=0.0, g=[gradient], lr=0.01, rho=0.99)["w"][1] == pytest.approx(-0.1, rel=1e-4)


def test_rmsprop_with_momentum_scales_what_the_velocity_carries_by_the_new_rate():
    # With a second gradient of zero only the velocity moves the weight.
    path = rmsprop_momentum.trace(w=0.0, g=[1.0, 0.0], lr=lambda t: 0.1 if t == 1 else 0.001, eps=0.0)["w"]
    assert path[1] == pytest.approx(-1.0, rel=1e-12)
    assert path[2] - path[1] == pytest.approx(-0.001 * 0.9 * 10, rel=1e-12)


def test_centered_rmsprop_can_lose_the_variance_of_a_constant_gradient_to_rounding_as_torchs_does(torch):
    constants = np.random.default_rng(0).uniform(0.1, 10, 64)
    gradients = np.tile(constants, (STEPS, 1))
    expected = torch_path(
        torch,
        lambda optim, p: optim.RMSprop(p, lr=0.01, alpha=0.5, centered=True),
        np.zeros(64),
        gradients,
    )
    mine = rmsprop_centered.trace(w=np.zeros(64), g=gradients, lr=0.01, rho=0.5)["w"]
    assert np.isnan(expected[-1]).any()
    assert np.isnan(mine[-1]).any()
    assert not np.isnan(rmsprop.trace(w=np.zeros(64), g=gradients, lr=0.01, rho=0.5)["w"]).any()


# Adam


def test_the_first_step_of_adam_is_the_learning_rate_whatever_the_gradient():
    for gradient in (-1e-3, 1.0, 1e6):
        step = adam.trace(w=0.0, g=[gradient], lr=0.1)["w"][1]
        assert step == pytest.approx(-0.1 * np.sign(gradient), rel=1e-4)


@settings(deadline=None)
@given(seed=st.integers(0, 2**32 - 1), scale=st.floats(1e-6, 1e6))
def test_the_path_of_adam_does_not_depend_on_the_scale_of_the_gradients_when_eps_is_zero(seed, scale):
    start, gradients = gradients_of(seed, 50)
    path = adam.trace(w=start, g=gradients, lr=0.1, eps=0.0)["w"]
    assert_same_path(adam.trace(w=start, g=scale * gradients, lr=0.1, eps=0.0)["w"], path)


def adam_bound(t, beta1=0.9, beta2=0.999):
    """How many learning rates step t can be: Cauchy and Schwarz, on the weights of the two averages."""
    ratio = beta1**2 / beta2
    longest = (1 - beta1) / np.sqrt(1 - beta2) * np.sqrt((1 - ratio**t) / (1 - ratio))
    return longest * np.sqrt(1 - beta2**t) / (1 - beta1**t)


@settings(deadline=None)
@given(st.lists(st.floats(-1e3, 1e3).filter(lambda g: abs(g) > 1e-3), min_size=1, max_size=60))
def test_a_step_of_adam_stays_within_its_bound(gradients):
    steps = step_sizes(adam.trace(w=0.0, g=gradients, lr=1.0, eps=0.0))
    bounds = adam_bound(np.arange(1, len(gradients) + 1))
    assert np.all(steps <= bounds * (1 + 1e-9))
    assert bounds.max() < 7.27


def test_gradients_that_grow_by_beta2_over_beta1_reach_the_bound_of_adam():
    assert adam_bound(1e6) == pytest.approx(7.27, abs=0.005)
    gradients = np.concatenate([np.zeros(8000), (0.999 / 0.9) ** np.arange(-200.0, 0.0)])
    steps = step_sizes(adam.trace(w=0.0, g=gradients, lr=1.0, eps=1e-300))
    assert steps[-1] == pytest.approx(7.27, abs=0.005)


def test_a_lone_spike_moves_adam_by_at_most_316_learning_rates():
    steps = step_sizes(adam.trace(w=0.0, g=[0.0] * 10000 + [5.0] + [0.0] * 50, lr=1.0, eps=1e-12))
    assert steps.max() == pytest.approx(0.1 / np.sqrt(0.001), rel=1e-3)
    assert steps.argmax() == 10000


def test_eps_outside_the_root_is_compared_with_the_gradient_and_inside_with_its_square():
    gradient = 1e-5
    outside = adam.trace(w=0.0, g=[gradient], lr=1.0, eps=1e-8)["w"][1]
    inside = adam_eps_inside.trace(w=0.0, g=[gradient], lr=1.0, eps=1e-8)["w"][1]
    assert outside == pytest.approx(-1 / (1 + 1e-3), rel=1e-9)
    assert inside == pytest.approx(-1 / np.sqrt(1 + 100), rel=1e-9)


def test_eps_is_added_to_the_root_that_each_rule_divides_by():
    given = {"w": 0.0, "g": [2.0], "lr": 1.0, "eps": 0.5}
    uncorrected = -(0.1 * 2) / (np.sqrt(0.001) * 2 + 0.5)
    assert adam_uncorrected.trace(**given)["w"][1] == pytest.approx(uncorrected, rel=1e-12)
    assert amsgrad_paper.trace(**given)["w"][1] == pytest.approx(uncorrected, rel=1e-12)
    assert nadam_same_step.trace(**given)["w"][1] == pytest.approx(-1.9 * 2 / (2 + 0.5), rel=1e-12)


def test_the_eps_of_keras_is_that_of_adam_divided_by_the_root_of_the_correction():
    start, gradients = gradients_of(4)
    lr, beta1, beta2, eps = 0.01, 0.9, 0.999, 1e-3
    w, m, v, path = start, 0.0, 0.0, [start]
    for t, g in enumerate(gradients, start=1):
        m = m + (g - m) * (1 - beta1)
        v = v + (g**2 - v) * (1 - beta2)
        w = w - m * (lr * np.sqrt(1 - beta2**t) / (1 - beta1**t)) / (np.sqrt(v) + eps)
        path.append(w)
    larger = adam.trace(w=start, g=gradients, lr=lr, eps=lambda t: eps / np.sqrt(1 - beta2**t))["w"]
    assert_same_path(larger, np.array(path))
    assert np.abs(adam.trace(w=start, g=gradients, lr=lr, eps=eps)["w"] - path).max() > 1e-4
    assert 1 / np.sqrt(1 - beta2) == pytest.approx(31.6, abs=0.05)


def test_uncorrected_adam_starts_with_316_learning_rates_and_peaks_at_657_in_step_12():
    steps = step_sizes(adam_uncorrected.trace(w=0.0, g=[2.0] * 5000, lr=1.0))
    assert steps[0] == pytest.approx(3.16, abs=0.005)
    assert steps.max() == pytest.approx(6.57, abs=0.005)
    assert steps.argmax() + 1 == 12
    assert np.all(steps > 1)  # too large at every step, not too small
    assert step_sizes(adam.trace(w=0.0, g=[2.0] * 50, lr=1.0)) == pytest.approx(1, rel=1e-7)


def test_the_maximum_of_adamax_is_at_least_the_gradient_from_the_first_step():
    _, gradients = gradients_of(5)
    assert np.all(adamax.trace(w=np.zeros(4), g=gradients)["u"][1:] >= np.abs(gradients))


def test_adamax_stands_still_on_gradients_of_zero():
    assert adamax.trace(w=1.0, g=[0.0] * 5)["w"].tolist() == [1.0] * 6


# Nadam


def test_the_first_steps_of_the_three_nadams_differ_as_their_corrections_do():
    given = {"w": 0.0, "g": [3.0], "lr": 1.0, "eps": 0.0}
    assert nadam_same_step.trace(**given)["w"][1] == pytest.approx(-(1 + 0.9), rel=1e-12)
    assert nadam_constant.trace(**given)["w"][1] == pytest.approx(-(1 + 0.9 / (1 + 0.9)), rel=1e-12)
    mu, mu_next = (0.9 * (1 - 0.5 * 0.96 ** (t * 0.004)) for t in (1, 2))
    expected = mu_next * 0.1 / (1 - mu * mu_next) + 1  # the gradient's part: (1 - mu) / (1 - mu)
    assert nadam.trace(**given)["w"][1] == pytest.approx(-expected, rel=1e-12)


def test_nadams_share_starts_at_half_of_beta1_and_rises_to_beta1():
    mu = nadam.trace(w=0.0, g=[1.0] * 5000, psi=0.04)["mu"][1:]
    assert mu[0] == pytest.approx(0.45, rel=2e-3)
    assert np.all(np.diff(mu) > 0)
    assert mu[-1] == pytest.approx(0.9, rel=1e-3)
    assert nadam.trace(w=0.0, g=[1.0] * 3, psi=0.0)["mu"][1:].tolist() == [0.45] * 3


# AMSGrad


@settings(deadline=None)
@given(st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=50))
def test_the_divisor_of_the_published_amsgrad_never_falls(gradients):
    assert np.all(np.diff(amsgrad_paper.trace(w=0.0, g=gradients)["v_hat"]) >= 0)


def test_the_rate_of_the_libraries_amsgrad_can_rise_again_after_an_early_spike():
    trace = amsgrad.trace(w=0.0, g=[1.0] + [0.0] * 2000)
    assert np.all(trace["v_max"][1:] == trace["v_max"][1])
    assert np.all(np.diff(trace["v_hat"][1:]) < 0)
    # From the square of the spike down to what is left of it without correction.
    assert trace["v_hat"][1] == pytest.approx(1, rel=1e-12)
    assert trace["v_hat"][-1] == pytest.approx(0.001, rel=0.2)


def test_correcting_before_the_maximum_as_optax_does_keeps_the_spike_for_good():
    gradients = [1.0] + [0.0] * 2000
    v_hat = adam.trace(w=0.0, g=gradients)["v_hat"][1:]
    assert np.maximum.accumulate(v_hat)[-1] == pytest.approx(1, rel=1e-12)
    assert amsgrad.trace(w=0.0, g=gradients)["v_hat"][-1] < 0.002


def test_the_first_step_of_amsgrad_is_one_learning_rate_in_libraries_and_316_as_published():
    assert amsgrad.trace(w=0.0, g=[7.0], lr=1.0)["w"][1] == pytest.approx(-1, rel=1e-6)
    assert amsgrad_paper.trace(w=0.0, g=[7.0], lr=1.0)["w"][1] == pytest.approx(-3.1623, rel=1e-4)


def test_amsgrad_is_adam_while_squares_only_grow():
    gradients = np.linspace(1, 5, 50)
    path = adam.trace(w=0.0, g=gradients)["w"]
    assert amsgrad.trace(w=0.0, g=gradients)["w"].tolist() == path.tolist()
    # When they fall, it keeps the smaller steps.
    given = {"w": 0.0, "g": [5.0] * 5 + [0.1] * 50, "beta2": 0.9}
    assert step_sizes(amsgrad.trace(**given))[-1] < 0.1 * step_sizes(adam.trace(**given))[-1]


# Weight decay


def test_decay_inside_adam_spares_weights_with_large_gradients_and_beside_it_none():
    # Gradients of alternating sign; what decay adds is the difference to the path without it.
    sizes = np.array([1.0, 100.0])
    gradients = sizes * np.resize([1.0, -1.0], 400)[:, None]

    def added(rule):
        given = {"w": np.ones(2), "g": gradients, "lr": 0.001}
        return rule.trace(weight_decay=0.1, **given)["w"][-1] - rule.trace(weight_decay=0.0, **given)["w"][-1]

    inside, beside = added(adam_l2), added(adamw)
    assert np.all(inside < 0)
    assert inside[0] / inside[1] == pytest.approx(100, rel=0.2)
    assert beside[0] == pytest.approx(beside[1], rel=1e-3)


def test_adamw_and_adam_with_l2_are_adam_without_decay():
    start, gradients = gradients_of(6)
    path = adam.trace(w=start, g=gradients)["w"]
    assert_same_path(adamw.trace(w=start, g=gradients, weight_decay=0.0)["w"], path)
    assert_same_path(adam_l2.trace(w=start, g=gradients, weight_decay=0.0)["w"], path)


def test_without_a_gradient_adamw_shrinks_a_weight_by_the_learning_rate_times_the_decay():
    path = adamw.trace(w=2.0, g=[0.0] * 10, lr=0.1, weight_decay=0.5)["w"]
    assert path == pytest.approx(2 * 0.95 ** np.arange(11), rel=1e-13)


# Signs and mixtures


def test_signsgd_is_adam_without_memory():
    start, gradients = gradients_of(9)
    path = signsgd.trace(w=start, g=gradients, lr=0.1)["w"]
    assert_same_path(adam.trace(w=start, g=gradients, lr=0.1, beta1=0.0, beta2=0.0, eps=0.0)["w"], path)


def test_signsgd_does_not_move_a_weight_whose_gradient_is_zero():
    assert signsgd.trace(w=[1.0, 1.0], g=[[0.0, 1e-30]], lr=0.1)["w"][1].tolist() == [1.0, 0.9]


def test_every_step_of_lion_is_one_learning_rate():
    start, gradients = gradients_of(10)
    assert step_sizes(lion.trace(w=start, g=gradients, lr=0.1)) == pytest.approx(0.1, rel=1e-12)


def test_lion_without_memory_is_signsgd_and_its_decay_is_beside_the_sign():
    start, gradients = gradients_of(11)
    path = signsgd.trace(w=start, g=gradients, lr=0.1)["w"]
    assert_same_path(lion.trace(w=start, g=gradients, lr=0.1, beta1=0.0)["w"], path)
    shrunk = lion.trace(w=2.0, g=[0.0] * 3, lr=0.1, weight_decay=0.5)["w"]
    assert shrunk == pytest.approx(2 * 0.95 ** np.arange(4), rel=1e-14)


def test_lion_steps_with_one_share_and_remembers_with_the_other():
    # After one gradient of 1 the memory is 0.01, of which 0.009 counts against a tenth of the next gradient.
    for second, expected in ((-0.05, -2.0), (-0.15, 0.0)):
        trace = lion.trace(w=0.0, g=[1.0, second], lr=1.0)
        assert trace["m"][1:] == pytest.approx([0.01, 0.99 * 0.01 + 0.01 * second], rel=1e-12)
        assert trace["w"].tolist() == [0.0, -1.0, expected]


def test_qhm_holds_gradient_descent_averaged_momentum_and_nesterov():
    start, gradients = gradients_of(12)

    def run(nu):
        return qhm.trace(w=start, g=gradients, lr=0.1, momentum=0.9, nu=nu)["w"]

    assert_same_path(run(0.0), gradient_descent.trace(w=start, g=gradients, lr=0.1)["w"])
    assert_same_path(run(1.0), momentum_average.trace(w=start, g=gradients, lr=0.1)["w"])
    assert_same_path(run(0.9), nesterov.trace(w=start, g=gradients, lr=0.1 * (1 - 0.9))["w"])


def test_qhadam_with_both_nus_at_one_is_adam_and_at_zero_signsgd():
    start, gradients = gradients_of(13)
    adams = adam.trace(w=start, g=gradients, lr=0.1, beta1=0.995)["w"]
    assert_same_path(qhadam.trace(w=start, g=gradients, lr=0.1, nu1=1.0, nu2=1.0)["w"], adams)
    signs = signsgd.trace(w=start, g=gradients, lr=0.1)["w"]
    assert_same_path(qhadam.trace(w=start, g=gradients, lr=0.1, nu1=0.0, nu2=0.0, eps=0.0)["w"], signs)


def test_qhadam_mixes_gradients_with_nu1_and_squares_with_nu2():
    g1, g2, nu1, nu2 = 1.0, 3.0, 0.7, 0.4
    m_hat = (0.995 * 0.005 * g1 + 0.005 * g2) / (1 - 0.995**2)
    v_hat = (0.999 * 0.001 * g1**2 + 0.001 * g2**2) / (1 - 0.999**2)
    step = (0.3 * g2 + 0.7 * m_hat) / np.sqrt(0.6 * g2**2 + 0.4 * v_hat)
    path = qhadam.trace(w=0.0, g=[g1, g2], lr=1.0, nu1=nu1, nu2=nu2, eps=0.0)["w"]
    assert path[1:] == pytest.approx([-1, -1 - step], rel=1e-9)


def test_on_given_gradients_aggmo_is_the_mean_of_three_momentum_paths():
    start, gradients = gradients_of(14)
    paths = [momentum.trace(w=start, g=gradients, momentum=beta)["w"] for beta in (0.0, 0.9, 0.99)]
    assert_same_path(aggmo.trace(w=start, g=gradients)["w"], np.mean(paths, axis=0))


def test_on_a_narrow_bowl_aggmo_damps_what_momentum_099_swings():
    def ravine(w):
        return np.array([1.0, 100.0]) * w

    given = {"w": [1.0, 1.0], "g": ravine, "steps": 300, "lr": 0.005}
    swings = momentum.trace(momentum=0.99, **given)["w"]
    damped = aggmo.trace(**given)["w"]
    assert np.abs(damped[100:]).max() < 0.5 * np.abs(swings[100:]).max()
