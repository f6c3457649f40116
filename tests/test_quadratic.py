"""Momentum on a quadratic: closed forms against NumPy's eigenvalues, the rules that run, and search."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optimlab.descent import run
from optimlab.landscapes import best_rate, ravine, stability_limit
from optimlab.quadratic import REGIONS, best, best_lr, critical, limit, matrix, rate, region, roots, steps
from optimlab.rules import momentum, momentum_average, nesterov

RULES = {False: momentum, True: nesterov}
looking = pytest.mark.parametrize("ahead", [False, True], ids=["momentum", "nesterov"])


def situations(seed: int, count: int = 5000) -> tuple[np.ndarray, ...]:
    """Return random learning rates, shares and curvatures, in every region."""
    chance = np.random.default_rng(seed)
    curvature = 10 ** chance.uniform(-2, 3, count)
    return chance.uniform(0, 5, count) / curvature, chance.uniform(0, 1, count), curvature


@looking
def test_roots_and_rate_are_the_eigenvalues_of_the_matrix(ahead):
    given_ = situations(1)
    found = np.linalg.eigvals(np.moveaxis(matrix(*given_, ahead), -1, 0))
    found = np.take_along_axis(found, np.argsort(-np.abs(found) - 1e-9 * found.imag, axis=1), axis=1).T
    np.testing.assert_allclose(rate(*given_, ahead), np.abs(found).max(axis=0), rtol=1e-7)
    # A double root is known to half the digits only, so its neighborhood is left out.
    apart = np.abs(found[0] - found[1]) > 1e-3
    assert apart.sum() > 4000
    np.testing.assert_allclose(roots(*given_, ahead)[:, apart], found[:, apart], rtol=1e-9, atol=1e-12)


@looking
def test_the_matrix_makes_exactly_the_steps_of_the_rule(ahead):
    chance = np.random.default_rng(2)
    for _ in range(50):
        kappa, beta, scaled = chance.uniform(1, 50), chance.uniform(0, 0.95), chance.uniform(0.1, 2.2)
        lr = scaled / (2 * kappa)
        path = run(RULES[ahead], ravine.using(kappa=kappa), start=(1.0, -1.0), steps=40, lr=lr, momentum=beta)
        for axis, curvature in enumerate((2, 2 * kappa)):
            w = path["w"][:, axis]
            step = matrix(lr, beta, curvature, ahead)
            for t in range(1, 40):
                expected = step @ [w[t], w[t - 1]]
                scale = np.abs(w[: t + 2]).max()
                np.testing.assert_allclose([w[t + 1], w[t]], expected, atol=1e-12 * scale)


@looking
def test_runs_shrink_at_the_rate_in_the_long_run(ahead):
    chance = np.random.default_rng(3)
    beta, scaled = chance.uniform(0.05, 0.95, 200), chance.uniform(0.02, 2 if ahead else 4, 200)
    path = run(
        RULES[ahead], ravine.using(kappa=1.0), start=(1.0, 1.0), steps=4000, lr=scaled / 2, momentum=beta
    )
    promised = rate(scaled / 2, beta, 2, ahead)
    np.testing.assert_array_equal(path.diverged, promised > 1.005)
    near = ~path.diverged & (promised > 0.5) & (promised < 0.995)
    assert near.sum() > 60
    # An under-damped error swings, so the largest of 60 steps is taken; a slow swing still leaves its mark.
    size = np.abs(path["w"][:, 0, near])
    first, later, between = size[100:160].max(axis=0), size[200:260].max(axis=0), 100
    seen = (later / first) ** (1 / between)
    np.testing.assert_allclose(seen, promised[near], rtol=0.03)


def test_the_average_goes_the_same_way_with_its_rate_times_the_share_of_the_gradient():
    one = run(momentum, ravine, steps=60, lr=0.05, momentum=0.8)
    other = run(momentum_average, ravine, steps=60, lr=0.05 / (1 - 0.8), momentum=0.8)
    np.testing.assert_allclose(one["w"], other["w"], rtol=1e-9, atol=1e-12)


@looking
def test_a_region_says_what_the_eigenvalues_do(ahead):
    given_ = situations(4)
    names = region(*given_, ahead)
    values = np.linalg.eigvals(np.moveaxis(matrix(*given_, ahead), -1, 0))
    largest = np.take_along_axis(values, np.abs(values).argmax(axis=1)[:, None], axis=1)[:, 0]
    complex_, size = np.abs(values.imag).max(axis=1) > 0, np.abs(largest)
    clear = (np.abs(size - 1) > 1e-9) & (np.abs(values[:, 0] - values[:, 1]) > 1e-5)
    expected = np.where(complex_, "under-damped", np.where(largest.real < 0, "alternating", "over-damped"))
    expected = np.where(size > 1, "divergent", expected)
    assert set(names[clear]) == {"over-damped", "under-damped", "alternating", "divergent"}
    np.testing.assert_array_equal(names[clear], expected[clear])


@looking
def test_every_word_for_a_region_is_said_somewhere(ahead):
    lr, beta = np.linspace(0, 5, 41), 0.25
    borders = [*critical(beta, 1.0, ahead), limit(beta, 1.0, ahead)]
    assert set(region(np.array([*lr, *borders]), beta, 1.0, ahead)) == set(REGIONS)
    assert isinstance(region(0.5, 0.5, 1.0, ahead), str)


@looking
@settings(max_examples=200, deadline=None)
@given(beta=st.floats(0.001, 0.999), curvature=st.floats(0.01, 1000))
def test_the_borders_of_the_regions_are_where_the_region_changes(ahead, beta, curvature):
    low, high = critical(beta, curvature, ahead)
    edge = limit(beta, curvature, ahead)
    assert region(low * 0.999, beta, curvature, ahead) == "over-damped"
    assert region(low + 1e-3 * (high - low), beta, curvature, ahead) == "under-damped"
    assert region(high - 1e-3 * (high - low), beta, curvature, ahead) == "under-damped"
    assert region(edge * 1.001, beta, curvature, ahead) == "divergent"
    assert rate(edge, beta, curvature, ahead) == pytest.approx(1, abs=1e-7)
    assert rate(edge * 0.999, beta, curvature, ahead) < 1


@looking
@pytest.mark.parametrize("kappa", [1.0, 1.5, 10.0, 300.0])
def test_nothing_found_by_search_is_faster_than_the_best(ahead, kappa):
    chance = np.random.default_rng(5)
    lr, beta = chance.uniform(0, 4 / kappa, 400_000), chance.uniform(0, 1, 400_000)
    worst = np.maximum(rate(lr, beta, 1.0, ahead), rate(lr, beta, kappa, ahead))
    fastest = best([1.0, 0.7 * kappa + 0.3, kappa], ahead)
    assert worst.min() >= fastest.rate
    assert worst.min() == pytest.approx(fastest.rate, abs=0.03)
    # At a double root the eigenvalue moves with the square root of rounding.
    reached = rate(fastest.lr, fastest.beta, np.array([1.0, kappa]), ahead).max()
    assert reached == pytest.approx(fastest.rate, abs=1e-7)


@looking
@pytest.mark.parametrize("beta", [0.0, 0.3, 0.9, 0.99])
def test_no_learning_rate_is_faster_than_the_best_at_a_share(ahead, beta):
    lr = np.linspace(1e-6, 4, 200_001) / 20
    found = np.maximum(rate(lr, beta, 2.0, ahead), rate(lr, beta, 20.0, ahead))
    at = best_lr(beta, [20, 2], ahead)
    reached = rate(at, beta, np.array([2.0, 20.0]), ahead).max()
    assert reached <= found.min() + 1e-12
    assert reached == pytest.approx(found.min(), abs=1e-4)


def test_without_momentum_it_is_gradient_descent():
    hessian = ravine.using(kappa=10.0).hessian((0.0, 0.0))
    assert limit(0.0, 20.0) == limit(0.0, 20.0, True) == pytest.approx(stability_limit(hessian))
    for ahead in (False, True):
        at = best_lr(0.0, [2, 20], ahead)
        assert at == pytest.approx(best_rate(hessian))
        assert rate(at, 0.0, 20.0, ahead) == pytest.approx(9 / 11)
    np.testing.assert_allclose(rate(np.array([0.1, 0.7, 1.6]), 0.0, 1.0), [0.9, 0.3, 0.6])


def test_the_best_momentum_has_the_rate_of_the_root_of_the_condition_number():
    fastest = best([3.0, 3.0 * 49])
    assert fastest.rate == pytest.approx(6 / 8)
    assert fastest.beta == pytest.approx(36 / 64)
    assert list(region(fastest.lr, fastest.beta, np.array([3.0, 147.0]))) == ["critical", "critical"]


def test_steps_shrink_by_the_factor():
    assert steps(0.5, 8) == pytest.approx(3)
    assert 0.9 ** steps(0.9) == pytest.approx(1 / 1000)
    np.testing.assert_array_equal(steps([0.0, 1.0, 1.3]), [0, np.inf, np.inf])


@pytest.mark.parametrize("curvatures", [[], [1, -2], [0.0, 1.0], [np.inf, 1]])
@pytest.mark.parametrize("function", [best, lambda c: best_lr(0.9, c)])
def test_what_has_no_minimum_is_refused(function, curvatures):
    with pytest.raises(ValueError, match="all positive"):
        function(curvatures)
