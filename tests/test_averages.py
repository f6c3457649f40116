"""Exponentially weighted averages: the weights, the correction, the starts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from optimlab.averages import average, ewa, ewa_corrected, ewa_descent, weights

betas = st.floats(0.0, 0.999)
# Not so near to zero that float64 has few digits left.
numbers = st.floats(-1e6, 1e6).filter(lambda x: x == 0 or abs(x) > 1e-250)
series = st.lists(numbers, min_size=1, max_size=60)


@given(betas, st.integers(1, 200))
def test_the_weights_from_zero_sum_to_one_minus_beta_to_the_t(beta, t):
    assert weights(t, beta).sum() == pytest.approx(1 - beta**t, rel=1e-12)


@given(betas, st.integers(1, 200), st.sampled_from(["corrected", "first"]))
def test_the_weights_sum_to_one_when_corrected_or_started_at_the_first_value(beta, t, start):
    assert weights(t, beta, start=start).sum() == pytest.approx(1, rel=1e-12)


@given(betas, st.integers(2, 60))
def test_the_weights_are_the_expansion_of_the_recursion(beta, t):
    ages = np.arange(t - 1, -1, -1)  # of the values, oldest first
    expansion = (1 - beta) * beta**ages
    assert_allclose(weights(t, beta), expansion, rtol=1e-12, atol=1e-300)
    assert_allclose(weights(t, beta, start="corrected"), expansion / (1 - beta**t), rtol=1e-12, atol=1e-300)
    expansion[0] = beta ** (t - 1)
    assert_allclose(weights(t, beta, start="first"), expansion, rtol=1e-12, atol=1e-300)


def test_the_weights_of_beta_a_half_are_halves():
    assert weights(3, 0.5).tolist() == [0.125, 0.25, 0.5]
    assert weights(3, 0.5, start="corrected").tolist() == [0.125 / 0.875, 0.25 / 0.875, 0.5 / 0.875]
    assert weights(3, 0.5, start="first").tolist() == [0.25, 0.25, 0.5]
    assert weights(1, 0.5).tolist() == [0.5]
    assert weights(1, 0.5, start="first").tolist() == [1]


@given(betas, series)
def test_the_recursion_equals_the_weighted_sum(beta, values):
    t, largest = len(values), max(map(abs, values))
    assert average(values, beta, corrected=False)[-1] == pytest.approx(
        weights(t, beta) @ values, rel=1e-10, abs=1e-10 * largest
    )


@given(betas, series)
def test_average_equals_a_plain_loop(beta, values):
    v, plain, corrected = 0.0, [], []
    for t, value in enumerate(values, start=1):
        v = beta * v + (1 - beta) * value
        plain.append(v)
        corrected.append(v / (1 - beta**t))
    assert average(values, beta, corrected=False).tolist() == plain
    assert_allclose(average(values, beta), corrected, rtol=1e-12)


@given(betas, numbers, st.integers(1, 100))
def test_the_correction_is_exact_on_constants(beta, constant, t):
    assert_allclose(average([constant] * t, beta), constant, rtol=1e-12)


@given(betas, st.floats(1e-3, 1e6), st.integers(1, 50))
def test_without_correction_a_constant_comes_out_too_small_by_the_sum_of_the_weights(beta, constant, t):
    assert average([constant] * t, beta, corrected=False)[-1] == pytest.approx(
        constant * (1 - beta**t), rel=1e-12
    )


@given(betas, series, st.floats(-100, 100), st.data())
def test_the_average_is_linear(beta, values, factor, data):
    others = data.draw(st.lists(numbers, min_size=len(values), max_size=len(values)))
    a, b = np.array(values), np.array(others)
    scale = (abs(factor) + 1) * (np.abs(a).max() + np.abs(b).max())
    assert_allclose(
        average(factor * a + b, beta), factor * average(a, beta) + average(b, beta), atol=1e-9 * scale
    )


@given(betas, series)
def test_the_corrected_average_stays_between_the_smallest_and_the_largest_value(beta, values):
    slack = 1e-12 * max(map(abs, values))
    for t, value in enumerate(average(values, beta)):
        seen = values[: t + 1]
        assert min(seen) - slack <= value <= max(seen) + slack


@given(series, st.booleans())
def test_with_beta_zero_the_average_is_the_series(values, corrected):
    assert average(values, 0.0, corrected=corrected).tolist() == values


@given(betas, series, st.floats(-1e6, 1e6))
def test_a_start_counts_with_beta_to_the_t(beta, values, start):
    with_start = average(values, beta, corrected=False, start=start)
    without = average(values, beta, corrected=False)
    t = np.arange(1, len(values) + 1)
    assert_allclose(with_start - without, start * beta**t, atol=1e-9 * (abs(start) + max(map(abs, values))))


def test_correcting_a_start_other_than_zero_is_refused():
    with pytest.raises(ValueError, match=r"right only for start=0; got start=10.*use corrected=False"):
        average([1, 2], start=10)


def test_series_of_arrays_are_averaged_entry_by_entry():
    both = average([[1, 10], [2, 20], [3, 30]], 0.5)
    assert both[:, 0].tolist() == average([1, 2, 3], 0.5).tolist()
    assert both[:, 1].tolist() == average([10, 20, 30], 0.5).tolist()
    assert average([]).shape == (0,)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"t": 0}, "got t=0; an average has weights after at least 1 value"),
        ({"t": 3, "start": "last"}, "start='last'; expected 'zero', 'corrected' or 'first'"),
        ({"t": 1, "start": "last"}, "start='last'; expected 'zero', 'corrected' or 'first'"),
    ],
)
def test_weights_that_make_no_sense_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        weights(**arguments)


def test_the_corrected_rule_carries_the_uncorrected_average():
    trace = ewa_corrected.trace(theta=[4, 8], beta=0.5)
    assert trace["v"].tolist() == [0, 2, 5]
    assert trace["v_hat"][1:].tolist() == [4, 5 / 0.75]
    assert ewa.trace(theta=[4, 8], beta=0.5)["v"].tolist() == [0, 2, 5]


def test_descent_along_the_average_starts_with_a_full_step():
    trace = ewa_descent.trace(w=1.0, g=[2.0, 0.0], lr=0.5, beta=0.5)
    assert trace["w"].tolist() == [1, 0, -0.5 * (0.5 / 0.75)]
