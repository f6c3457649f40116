"""The two models: their gradients, their losses, their weights in one flat array."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from threadpoolctl import threadpool_limits

from optimlab.network import LinearRegression, Network, softmax, softmax_cross_entropy


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    # Small matrices gain nothing from two threads, and lose much where another process wants the cores.
    with threadpool_limits(1, "blas"):
        yield


def samples(features: int, classes: int, n: int = 7, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    return random.normal(size=(n, features)), random.integers(0, classes, n)


def torch_loss_and_gradient(network: Network, w: np.ndarray, x, y) -> tuple[float, np.ndarray]:
    """What autograd makes of the same flat array of weights."""
    flat = torch.tensor(w, requires_grad=True)
    h, end = torch.tensor(np.asarray(x, w.dtype)), 0
    for layer, (before, after) in enumerate(zip(network.sizes, network.sizes[1:], strict=False)):
        matrix, end = flat[end : end + before * after].reshape(after, before), end + before * after
        bias, end = flat[end : end + after], end + after
        h = torch.nn.functional.linear(torch.relu(h) if layer else h, matrix, bias)
    loss = torch.nn.functional.cross_entropy(h, torch.tensor(y))
    loss.backward()
    return loss.item(), flat.grad.numpy()


def by_finite_differences(model, w: np.ndarray, x, y, step: float = 1e-6) -> np.ndarray:
    moves = step * np.eye(len(w))
    return np.array([(model.loss(w + d, x, y) - model.loss(w - d, x, y)) / (2 * step) for d in moves])


@pytest.mark.parametrize("sizes", [(1000, 100, 2), (64, 10), (20, 16, 8, 3), (5, 1, 2)])
def test_loss_and_gradient_equal_autograd(sizes):
    network = Network(*sizes)
    w = network.start(seed=1, dtype=np.float64)
    x, y = samples(sizes[0], sizes[-1], 32)
    loss, g = network.gradient(w, x, y)
    expected_loss, expected_g = torch_loss_and_gradient(network, w, x, y)
    assert loss == pytest.approx(expected_loss, abs=1e-12)
    assert_allclose(g, expected_g, rtol=0, atol=1e-12)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.integers(1, 9), min_size=1, max_size=4),
    st.integers(2, 5),
    st.integers(1, 9),
    st.integers(0, 99),
)
def test_the_gradient_equals_autograd_for_any_shape(sizes, classes, n, seed):
    network = Network(*sizes, classes)
    w = np.random.default_rng(seed).normal(size=network.size)
    x, y = samples(sizes[0], classes, n, seed)
    assert_allclose(network.gradient(w, x, y)[1], torch_loss_and_gradient(network, w, x, y)[1], atol=1e-12)


def test_the_gradient_is_the_slope_of_the_loss():
    network = Network(6, 5, 3)
    w = network.start(seed=2, dtype=np.float64) + 0.05
    x, y = samples(6, 3)
    assert_allclose(network.gradient(w, x, y)[1], by_finite_differences(network, w, x, y), atol=1e-8)


def test_single_precision_stays_single_and_agrees_with_double():
    network = Network(50, 20, 3)
    x, y = samples(50, 3)
    w = network.start(seed=0, dtype=np.float32)
    loss, g = network.gradient(w, x, y)
    assert w.dtype == g.dtype == network.scores(w, x).dtype == np.float32
    double_loss, double_g = network.gradient(network.start(seed=0, dtype=np.float64), x, y)
    assert loss == pytest.approx(double_loss, rel=1e-5)
    assert_allclose(g, double_g, atol=1e-5)


def test_the_loss_of_the_gradient_is_the_loss_and_w_is_left_alone():
    network = Network(6, 5, 3)
    w = network.start(seed=3, dtype=np.float64)
    before, (x, y) = w.copy(), samples(6, 3)
    assert network.gradient(w, x, y)[0] == network.loss(w, x, y)
    assert (w == before).all()


def test_the_1000_100_2_network_has_100302_weights_of_which_100200_are_in_matrices():
    network = Network(1000, 100, 2)
    assert network.size == 100_302
    assert sum(a.size for a in network.named(network.start()).values() if a.ndim == 2) == 100_200


def test_names_are_views_of_the_flat_array_in_the_layout_of_torch():
    network = Network(4, 3, 2)
    w = network.start(seed=0, dtype=np.float64)
    named = network.named(w)
    assert {name: a.shape for name, a in named.items()} == {
        "W1": (3, 4),
        "b1": (3,),
        "W2": (2, 3),
        "b2": (2,),
    }
    module = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.ReLU(), torch.nn.Linear(3, 2)).double()
    for parameter, array in zip(module.parameters(), named.values(), strict=True):
        parameter.data = torch.tensor(array)
    assert_allclose(torch.nn.utils.parameters_to_vector(module.parameters()).detach(), w)
    x, _ = samples(4, 2)
    assert_allclose(network.scores(w, x), module(torch.tensor(x)).detach(), atol=1e-14)
    named["W1"][2, 1] = 7
    assert w[2 * 4 + 1] == 7


def test_only_hidden_unit_50_hears_feature_30_through_w1_50_30():
    network = Network(60, 70, 2)
    w = network.start(seed=0, dtype=np.float64)
    network.named(w)["W1"][:, 30] = 0
    network.named(w)["W1"][50, 30] = 1
    x, y = np.eye(60)[[30]], np.array([0])
    assert np.flatnonzero(network.named(network.gradient(w, x, y)[1])["W2"][0]).tolist() == [50]


def test_start_is_reproducible_and_has_the_spread_of_he():
    network = Network(1000, 100, 2)
    w = network.start(seed=5)
    assert (w == network.start(seed=5)).all()
    assert not np.allclose(w, network.start(seed=6))
    named = network.named(w)
    assert named["W1"].std() == pytest.approx(np.sqrt(2 / 1000), rel=0.02)
    assert named["W2"].std() == pytest.approx(np.sqrt(2 / 100), rel=0.15)
    assert not named["b1"].any()
    assert not named["b2"].any()


@settings(deadline=None)
@given(st.lists(st.floats(-1e4, 1e4), min_size=2, max_size=6))
def test_probabilities_sum_to_one_and_a_common_shift_changes_nothing(scores):
    row = np.array([scores])
    assert softmax(row).sum() == pytest.approx(1, abs=1e-12)
    assert_allclose(softmax(row + 64), softmax(row), atol=1e-11)


def test_the_cross_entropy_of_huge_scores_is_finite_and_right():
    loss, gradient = softmax_cross_entropy(np.array([[1000.0, 0.0], [-1000.0, 1000.0]]), np.array([1, 1]))
    assert loss == 500
    assert gradient.tolist() == [[0.5, -0.5], [0, 0]]


def test_equal_scores_cost_the_logarithm_of_the_number_of_classes():
    assert softmax_cross_entropy(np.zeros((3, 10)), np.array([0, 4, 9]))[0] == pytest.approx(np.log(10))


def test_accuracy_is_the_share_that_predict_gets_right():
    network = Network(4, 3)
    w = np.zeros(network.size)
    network.named(w)["W1"][:] = np.eye(3, 4)
    x, y = np.eye(4)[[0, 1, 2, 2]], np.array([0, 1, 2, 0])
    assert network.predict(w, x).tolist() == [0, 1, 2, 2]
    assert network.accuracy(w, x, y) == 0.75
    assert network.evaluate(w, x, y) == (network.loss(w, x, y), 0.75)


@pytest.mark.parametrize("bias", [True, False])
def test_linear_regression_equals_autograd_and_finite_differences(bias):
    model = LinearRegression(3, bias=bias)
    random = np.random.default_rng(0)
    x, y, w = random.normal(size=(9, 3)), random.normal(size=9), random.normal(size=model.size)
    flat = torch.tensor(w, requires_grad=True)
    prediction = torch.tensor(x) @ flat[:3] + (flat[3] if bias else 0)
    loss = torch.nn.functional.mse_loss(prediction, torch.tensor(y))
    loss.backward()
    assert model.gradient(w, x, y)[0] == pytest.approx(loss.item(), abs=1e-12)
    assert_allclose(model.gradient(w, x, y)[1], flat.grad, atol=1e-12)
    assert_allclose(model.gradient(w, x, y)[1], by_finite_differences(model, w, x, y), atol=1e-7)
    assert model.loss(w, x, y) == model.gradient(w, x, y)[0]


def test_one_sample_pulls_with_twice_the_error_times_x():
    model = LinearRegression(bias=False)
    assert model.gradient(np.array([3.0]), [[2.0]], [10.0])[1].tolist() == [2 * (3 * 2 - 10) * 2]


def test_the_parts_of_a_regression_have_names():
    w = np.arange(4.0)
    assert {k: v.tolist() for k, v in LinearRegression(3).named(w).items()} == {"W": [0, 1, 2], "b": [3]}
    assert list(LinearRegression(4, bias=False).named(w)) == ["W"]
    assert LinearRegression(3).start().tolist() == [0, 0, 0, 0]


@pytest.mark.parametrize("sizes", [(), (3,), (3, 1), (0, 2), (3, -1, 2), (3.0, 2), ("3", 2)])
def test_sizes_that_make_no_network_are_refused(sizes):
    with pytest.raises(ValueError, match=r"got Network\(.*at least two layers.*Network\(1000, 100, 2\)"):
        Network(*sizes)


@pytest.mark.parametrize("features", [0, -1, 1.5, "x"])
def test_features_that_make_no_regression_are_refused(features):
    with pytest.raises(ValueError, match=r"features=.*expected a whole number"):
        LinearRegression(features)


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (np.zeros((2, 5)), [0, 1], r"x of shape \(2, 5\).*takes \(samples, 4\)"),
        (np.zeros(4), [0, 1, 0, 1], r"x of shape \(4,\)"),
        (np.zeros((2, 4)), [0], r"y of shape \(1,\) for 2 samples"),
        (np.zeros((0, 4)), np.zeros(0, int), "at least one"),
        (np.zeros((2, 4)), [0, 3], "labels of type int64 from 0 to 3; expected whole numbers from 0 to 2"),
        (np.zeros((2, 4)), [-1, 0], "from -1 to 0"),
        (np.zeros((2, 4)), [0.0, 1.0], "labels of type float64"),
    ],
)
def test_samples_and_labels_that_do_not_fit_a_network_are_refused(x, y, message):
    network = Network(4, 3)
    for call in (network.gradient, network.evaluate, network.loss, network.accuracy):
        with pytest.raises(ValueError, match=message):
            call(network.start(), x, y)


def test_weights_and_samples_of_the_wrong_shape_are_refused():
    with pytest.raises(ValueError, match=r"shape \(5,\).*\(4, 3\) has 15 weights"):
        Network(4, 3).gradient(np.zeros(5), np.zeros((1, 4)), [0])
    model = LinearRegression(2)
    with pytest.raises(ValueError, match=r"shape \(5,\).*has 3 weights"):
        model.gradient(np.zeros(5), np.zeros((1, 2)), [0])
    with pytest.raises(ValueError, match=r"x of shape \(1, 3\)"):
        model.gradient(np.zeros(3), np.zeros((1, 3)), [0])
    with pytest.raises(ValueError, match=r"y of shape \(2,\) for 1 samples"):
        model.gradient(np.zeros(3), np.zeros((1, 2)), [0, 1])
    with pytest.raises(ValueError, match="at least one"):
        model.gradient(np.zeros(3), np.zeros((0, 2)), [])


def test_models_say_what_they_are():
    assert repr(Network(1000, 100, 2)) == "<Network 1000-100-2, 100,302 weights>"
    assert repr(LinearRegression(1)) == "<LinearRegression of 1 feature, with a bias>"
