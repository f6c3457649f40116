"""Optimizers of a whole layer: norms, factors and matrices, against torch and against exact results."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from optimlab.layerwise import adafactor, lamb, lars, muon, orthogonalize, shampoo
from optimlab.rules import adagrad, adam, adamw, momentum_lr_inside

STEPS = 200


def layer(seed: int, shape: tuple[int, ...] = (5, 3), steps: int = STEPS) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.standard_normal(shape), rng.standard_normal((steps, *shape))


def run(step, w, gradients, **hyper) -> list:
    """Make all steps and return what the last one returned."""
    state: list = []
    counted = step in (lamb, adafactor)
    for t, g in enumerate(gradients, start=1):
        w, *state = step(w, g, *([t] if counted else []), *state, **hyper)
    return [w, *state]


def run_torch(torch, make, w, gradients) -> np.ndarray:
    weight = torch.tensor(w, requires_grad=True)
    optimizer = make([weight])
    for g in gradients:
        weight.grad = torch.tensor(g)
        optimizer.step()
    return weight.detach().numpy()


def assert_same(mine, theirs, tolerance: float = 1e-12) -> None:
    assert np.abs(mine - theirs).max() <= tolerance * np.abs(theirs).max()


def singular_values(x) -> np.ndarray:
    return np.linalg.svd(x, compute_uv=False)


def with_singular_values(values, shape, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    (n, m), k = shape, len(values)
    left, _ = np.linalg.qr(rng.standard_normal((n, k)))
    right, _ = np.linalg.qr(rng.standard_normal((m, k)))
    return left * values @ right.T


# LARS


@settings(deadline=None)
@given(scale=st.floats(1e-6, 1e6))
def test_lars_does_not_see_the_scale_of_the_gradient(scale):
    w, gradients = layer(0, steps=20)
    assert_same(run(lars, w, scale * gradients)[0], run(lars, w, gradients)[0], 1e-11)


@settings(deadline=None)
@given(scale=st.floats(1e-6, 1e6))
def test_a_layer_of_larger_weights_makes_proportionally_larger_steps_in_lars(scale):
    w, gradients = layer(1, steps=20)
    assert_same(run(lars, scale * w, gradients)[0], scale * run(lars, w, gradients)[0], 1e-11)


def test_a_step_of_lars_is_the_trusted_share_of_the_weights():
    w, gradients = layer(2, steps=1)
    w_new, v = lars(w, gradients[0], lr=0.5, trust=0.01)
    assert np.linalg.norm(w_new - w) == pytest.approx(0.5 * 0.01 * np.linalg.norm(w), rel=1e-12)
    assert_same(v, w - w_new, 1e-12)


def test_lars_is_momentum_with_the_rate_inside_where_the_ratio_is_one():
    # With weights that are large beside all steps and gradients of their size, the ratio stays near 1.
    w, gradients = layer(3, steps=20)
    w = 1e9 * w / np.linalg.norm(w)
    gradients = 1e9 * gradients / np.linalg.norm(gradients, axis=(1, 2), keepdims=True)
    steps = run(lars, w, gradients, lr=1e-9, trust=1.0)[0] - w
    expected = momentum_lr_inside.trace(w=w, g=gradients, lr=1e-9)["w"][-1] - w
    assert_same(steps, expected, 1e-6)


def test_the_weight_decay_of_lars_counts_in_the_ratio_and_in_the_velocity():
    w, g = np.array([3.0, 4.0]), np.array([0.0, 2.0])
    rate = 0.1 * 0.001 * 5 / (2 + 0.5 * 5)
    _, v = lars(w, g, lr=0.1, weight_decay=0.5)
    assert v == pytest.approx(rate * np.array([1.5, 4.0]), rel=1e-13)


@pytest.mark.parametrize("step", [lars, lamb])
def test_a_layer_of_zeros_can_leave_zero(step):
    w = run(step, np.zeros(3), [np.ones(3)], lr=0.1)[0]
    assert np.all(w < 0)
    assert np.all(np.isfinite(run(step, np.ones(3), [np.zeros(3)] * 3)[0]))


# LAMB


@settings(deadline=None)
@given(seed=st.integers(0, 2**32 - 1), lr=st.floats(1e-4, 1), decay=st.floats(0, 1))
def test_every_step_of_lamb_has_the_length_of_the_learning_rate_times_the_weights(seed, lr, decay):
    w, gradients = layer(seed, steps=10)
    state = []
    for t, g in enumerate(gradients, start=1):
        w_new, *state = lamb(w, g, t, *state, lr=lr, weight_decay=decay)
        assert np.linalg.norm(w_new - w) == pytest.approx(lr * np.linalg.norm(w), rel=1e-10)
        w = w_new


def test_the_direction_of_lamb_is_that_of_adamw():
    w, gradients = layer(4, steps=1)
    mine = lamb(w, gradients[0], 1, lr=0.1, weight_decay=0.3)[0] - w
    adams = adamw.trace(w=w, g=gradients, lr=0.1, eps=1e-6, weight_decay=0.3)["w"][1] - w
    assert np.vdot(mine, adams) == pytest.approx(np.linalg.norm(mine) * np.linalg.norm(adams), rel=1e-12)


def test_the_state_of_lamb_is_that_of_adam():
    w, gradients = layer(5, steps=20)
    _, m, v = run(lamb, w, gradients)
    trace = adam.trace(w=w, g=gradients)
    assert_same(m, trace["m"][-1])
    assert_same(v, trace["v"][-1])


# Adafactor


@settings(deadline=None, max_examples=15, phases=[Phase.generate])
@given(
    seed=st.integers(0, 2**32 - 1),
    shape=st.sampled_from([(5, 3), (3, 5), (1, 4), (6,), (1, 1)]),
    lr=st.floats(1e-4, 1),
    decay=st.floats(0.1, 1),
    clip=st.floats(1, 3),
    weight_decay=st.floats(0, 0.3),
)
def test_adafactor_equals_torch_over_200_random_steps(seed, shape, lr, decay, clip, weight_decay):
    torch = pytest.importorskip("torch")
    if not hasattr(torch.optim, "Adafactor"):
        pytest.skip("this torch has no Adafactor")
    w, gradients = layer(seed, shape)
    theirs = run_torch(
        torch,
        lambda p: torch.optim.Adafactor(p, lr=lr, beta2_decay=-decay, d=clip, weight_decay=weight_decay),
        w,
        gradients,
    )
    mine = run(adafactor, w, gradients, lr=lr, decay=decay, clip=clip, weight_decay=weight_decay)[0]
    assert np.abs(mine - theirs).max() <= 1e-12 * max(np.abs(theirs).max(), np.abs(w).max())


def test_adafactor_restores_squares_that_are_a_product_of_row_and_column_exactly():
    rng = np.random.default_rng(6)
    g = rng.uniform(0.5, 2, (4, 1)) * rng.uniform(0.5, 2, (1, 3)) * rng.choice([-1, 1], (4, 3))
    w = rng.standard_normal((4, 3))
    w_new, rows, columns = adafactor(w, g, 1, lr=0.01, clip=10.0)
    assert rows.shape == (4, 1)
    assert columns.shape == (1, 3)
    # With the exact root mean square the first step is the gradient's sign.
    rate = 0.01 * np.sqrt((w**2).mean())
    assert_same(w_new - w, -rate * np.sign(g), 1e-11)


def test_adafactor_keeps_n_plus_m_numbers_for_a_matrix_and_n_for_a_vector():
    w, gradients = layer(7, (40, 30), steps=2)
    _, rows, columns = run(adafactor, w, gradients)
    assert rows.size + columns.size == 70
    _, rows, columns = run(adafactor, w[0], gradients[:, 0])
    assert rows.shape == (30,)
    assert columns.size == 1


# Shampoo


def test_shampoo_of_one_number_is_adagrad_with_eps_inside_the_root():
    _, gradients = layer(8, (1, 1))
    w = run(shampoo, np.array([[1.0]]), gradients, lr=0.1, eps=1e-4)[0]
    # A sum started at eps is eps inside the root.
    expected = adagrad.trace(w=1.0, g=gradients[:, 0, 0], s=1e-4, lr=0.1, eps=0.0)["w"][-1]
    assert w[0, 0] == pytest.approx(expected, rel=1e-11)


def test_the_first_step_of_shampoo_makes_all_singular_values_equal():
    g = with_singular_values([100.0, 10.0, 1.0], (5, 3))
    step = -shampoo(np.zeros((5, 3)), g, lr=1.0, eps=1e-12)[0]
    assert singular_values(step) == pytest.approx([1, 1, 1], rel=1e-5)
    exact = g @ np.linalg.inv(np.linalg.cholesky(g.T @ g)).T  # orthogonal, but another basis
    assert_same(step @ step.T, exact @ exact.T, 1e-5)


def test_shampoo_turns_with_the_layer():
    # Rotating rows and columns rotates the path; AdaGrad, element by element, has no such property.
    w, gradients = layer(9, (4, 3), steps=10)
    rng = np.random.default_rng(9)
    left, right = (np.linalg.qr(rng.standard_normal((n, n)))[0] for n in (4, 3))
    turned = run(shampoo, left @ w @ right, [left @ g @ right for g in gradients])[0]
    assert_same(turned, left @ run(shampoo, w, gradients)[0] @ right, 1e-9)


# Muon


@pytest.mark.parametrize("shape", [(6, 4), (4, 6), (4, 4)])
def test_the_update_of_muon_has_singular_values_near_one(shape):
    g = with_singular_values(np.geomspace(1, 30, 4), shape)
    values = singular_values(orthogonalize(g))
    assert 0.68 <= values.min() <= values.max() <= 1.14


def test_the_quintic_stays_between_068_and_114_from_the_fifth_step_on():
    # Of a diagonal matrix with norm 1; the first one is the smallest that the docstring names.
    values = np.array([0.01, 0.03, 0.1, 0.3, 0.0])
    values[-1] = np.sqrt(1 - values @ values)
    for steps in (5, 6, 7, 20):
        reached = singular_values(orthogonalize(np.diag(values), steps=steps))
        assert 0.68 <= reached.min() <= reached.max() <= 1.14


@pytest.mark.parametrize("shape", [(6, 4), (4, 6)])
def test_with_the_classical_coefficients_it_ends_at_the_polar_factor(shape):
    g = with_singular_values(np.geomspace(1, 30, 4), shape)
    left, _, right = np.linalg.svd(g, full_matrices=False)
    assert_same(orthogonalize(g, steps=40, coefficients=(1.5, -0.5, 0.0)), left @ right, 1e-12)


def test_the_quintic_leaves_the_singular_vectors_as_they_are():
    g = with_singular_values(np.geomspace(1, 30, 4), (6, 4))
    left, _, right = np.linalg.svd(g, full_matrices=False)
    core = left.T @ orthogonalize(g) @ right.T
    assert np.abs(core - np.diag(np.diag(core))).max() < 1e-13
    assert np.all(np.diag(core) > 0.68)


def muons(torch):
    if not hasattr(torch.optim, "Muon"):
        pytest.skip("this torch has no Muon")
    return torch.optim.Muon


@pytest.mark.parametrize("shape", [(6, 4), (4, 6)])
def test_muon_equals_torch_where_torch_does_not_round_to_bfloat16(shape, monkeypatch):
    torch = pytest.importorskip("torch")
    make = muons(torch)
    monkeypatch.setattr(torch.Tensor, "bfloat16", torch.Tensor.clone)
    w, gradients = layer(10, shape)
    theirs = run_torch(torch, lambda p: make(p, lr=0.02, momentum=0.9, weight_decay=0.05), w, gradients)
    assert_same(run(muon, w, gradients, lr=0.02, momentum=0.9, weight_decay=0.05)[0], theirs)


def test_torch_rounds_the_iteration_of_muon_so_that_steps_agree_to_a_few_percent_only():
    torch = pytest.importorskip("torch")
    make = muons(torch)
    w, gradients = layer(11, (6, 4), steps=1)
    theirs = run_torch(torch, lambda p: make(p, lr=0.02, weight_decay=0.0), w, gradients) - w
    difference = np.abs(muon(w, gradients[0], lr=0.02, weight_decay=0.0)[0] - w - theirs).max()
    assert 1e-3 < difference / np.abs(theirs).max() < 0.1


def test_muon_does_not_see_the_scale_of_the_gradients():
    w, gradients = layer(12, steps=20)
    assert_same(run(muon, w, 1000 * gradients)[0], run(muon, w, gradients)[0], 1e-9)


def test_a_high_matrix_moves_by_the_root_of_its_proportions():
    g = with_singular_values([2.0, 2.0], (8, 2))
    high = muon(np.zeros((8, 2)), g, lr=1.0)[0]
    wide = muon(np.zeros((2, 8)), g.T, lr=1.0)[0]
    assert_same(high, 2 * wide.T, 1e-12)


# All of them

STEP_OF = {
    "lars": lambda w, g: lars(w, g),
    "lamb": lambda w, g: lamb(w, g, 1),
    "adafactor": lambda w, g: adafactor(w, g, 1),
    "shampoo": lambda w, g: shampoo(w, g),
    "muon": lambda w, g: muon(w, g),
}


@pytest.mark.parametrize("name", STEP_OF)
def test_no_argument_is_changed(name):
    w, gradients = layer(13, steps=1)
    g = gradients[0]
    before = w.copy(), g.copy()
    results = STEP_OF[name](w, g)
    assert not any(np.shares_memory(result, x) for result in results for x in (w, g))
    np.testing.assert_array_equal(w, before[0])
    np.testing.assert_array_equal(g, before[1])


@pytest.mark.parametrize("step", [lars, lamb, adafactor, shampoo, muon])
def test_a_linear_layer_learns(step):
    rng = np.random.default_rng(14)
    x, target = rng.standard_normal((50, 4)), rng.standard_normal((4, 3))
    w, state = rng.standard_normal((4, 3)), []
    rates = {lars: 50.0, lamb: 0.03, adafactor: 0.3, shampoo: 0.5, muon: 0.02}
    more = {muon: {"weight_decay": 0.0}}.get(step, {})

    def loss(w):
        return ((x @ (w - target)) ** 2).mean()

    first = loss(w)
    for t in range(1, 301):
        g = 2 * x.T @ x @ (w - target) / 150
        w, *state = step(w, g, *([t] if step in (lamb, adafactor) else []), *state, lr=rates[step], **more)
    assert loss(w) < 0.05 * first


@pytest.mark.parametrize("name", STEP_OF)
def test_shapes_of_different_layers_are_refused_with_both(name):
    with pytest.raises(ValueError, match=r"w has the shape \(5, 3\) and g \(3, 5\)"):
        STEP_OF[name](np.ones((5, 3)), np.ones((3, 5)))


@pytest.mark.parametrize("name", ["shampoo", "muon"])
def test_optimizers_of_matrices_refuse_a_vector_with_what_to_do(name):
    with pytest.raises(ValueError, match=rf"{name} got w of shape \(5,\); it is for matrices: reshape"):
        STEP_OF[name](np.ones(5), np.ones(5))


def test_more_dimensions_than_two_are_refused_by_adafactor_and_orthogonalize():
    with pytest.raises(ValueError, match=r"adafactor got w of shape \(2, 2, 2\); expected a matrix or"):
        adafactor(np.ones((2, 2, 2)), np.ones((2, 2, 2)), 1)
    with pytest.raises(ValueError, match=r"orthogonalize got an array of shape \(3,\); expected a matrix"):
        orthogonalize(np.ones(3))


@pytest.mark.parametrize("step", [lamb, adafactor])
def test_steps_are_counted_from_one(step):
    with pytest.raises(ValueError, match="got t=0; steps are counted from 1"):
        step(np.ones(2), np.ones(2), 0)
