"""Clipping equals torch's, keeps what it promises to keep, and refuses limits that make no sense."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from optimlab import clipping

entries = st.floats(-1e6, 1e6)
lists = st.lists(
    st.sampled_from([(1,), (3,), (2, 2), ()]).flatmap(lambda shape: arrays(float, shape, elements=entries)),
    min_size=1,
    max_size=4,
)
limits = st.floats(0, 1e6) | st.just(np.inf)


def parameters(gradients):
    found = []
    for gradient in gradients:
        found.append(torch.nn.Parameter(torch.zeros(gradient.shape, dtype=torch.float64)))
        found[-1].grad = torch.tensor(gradient)
    return found


@settings(deadline=None)
@given(lists, limits)
def test_clipping_by_norm_equals_torch(gradients, limit):
    theirs = parameters(gradients)
    norm = torch.nn.utils.clip_grad_norm_(theirs, limit)
    assert clipping.global_norm(gradients) == pytest.approx(norm.item(), rel=1e-12)
    for ours, parameter in zip(clipping.by_norm(gradients, limit), theirs, strict=True):
        np.testing.assert_allclose(ours, parameter.grad.numpy(), rtol=1e-12, atol=1e-300)


@settings(deadline=None)
@given(lists, limits)
def test_clipping_by_value_equals_torch(gradients, limit):
    theirs = parameters(gradients)
    torch.nn.utils.clip_grad_value_(theirs, limit)
    for ours, parameter in zip(clipping.by_value(gradients, limit), theirs, strict=True):
        np.testing.assert_array_equal(ours, parameter.grad.numpy())


@given(lists, limits)
def test_a_norm_within_the_limit_stays_and_a_larger_one_ends_at_most_there(gradients, limit):
    norm = clipping.global_norm(gradients)
    clipped = clipping.by_norm(gradients, limit)
    assert clipping.global_norm(clipped) <= limit * (1 + 1e-12)
    if norm + clipping.EPS <= limit:
        for new, old in zip(clipped, gradients, strict=True):
            np.testing.assert_array_equal(new, old)


@given(arrays(float, 3, elements=entries), st.floats(1e-3, 1e3))
def test_clipping_by_norm_keeps_the_direction_and_by_value_need_not(gradient, limit):
    clipped = clipping.by_norm(gradient, limit)
    np.testing.assert_allclose(np.cross(clipped, gradient), 0, atol=1e-9 * (1 + gradient @ gradient))
    assert clipped @ gradient >= 0


def test_clipping_by_value_turns_a_gradient():
    np.testing.assert_array_equal(clipping.by_value(np.array([1.0, 10.0]), 1.0), [1.0, 1.0])


def test_the_arrays_of_the_caller_stay_as_they_are():
    gradients = [np.array([3.0, 4.0]), np.array(12.0)]
    clipping.by_norm(gradients, 1.0)
    clipping.by_value(gradients, 1.0)
    assert gradients[0].tolist() == [3, 4]
    assert gradients[1] == 12


def test_a_list_of_numbers_is_one_array_and_a_list_of_arrays_is_many():
    assert isinstance(clipping.by_value([1, 2, 3], 2), np.ndarray)
    assert isinstance(clipping.by_value([np.ones(2), np.ones(3)], 2), list)
    assert clipping.global_norm([3, 4]) == 5


@settings(deadline=None)
@given(arrays(float, (9, 4), elements=entries), st.floats(0, 1e3))
def test_many_runs_are_clipped_each_by_its_own_norm_exactly_as_alone(gradients, limit):
    together = clipping.columns_by_norm(gradients, limit)
    for run in range(4):
        np.testing.assert_array_equal(together[:, run], clipping.columns_by_norm(gradients[:, run], limit))
        np.testing.assert_allclose(
            together[:, run], clipping.by_norm(gradients[:, run], limit), rtol=1e-12, atol=1e-300
        )


def test_nan_in_a_gradient_stays_visible():
    assert np.isnan(clipping.by_norm(np.array([1.0, np.nan]), 1.0)).all()
    assert np.isnan(clipping.by_value(np.array([5.0, np.nan]), 1.0)).tolist() == [False, True]


@pytest.mark.parametrize("limit", [-1, -1e-300, np.nan, "much", None, [1.0, 2.0]])
@pytest.mark.parametrize("clip", [clipping.by_norm, clipping.by_value])
def test_a_limit_that_is_negative_or_no_number_is_refused_by_name(clip, limit):
    with pytest.raises(ValueError, match=r"got the limit .*; expected one number, at least 0"):
        clip(np.ones(2), limit)
