"""Gradient clipping: by the norm of all gradients together, and value by value.

Both return new arrays and leave the given ones as they are. A NaN in a gradient stays: clipping hides no
fault.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

# What torch adds to the norm before it divides by it.
EPS = 1e-6


def global_norm(gradients: ArrayLike | Sequence[ArrayLike]) -> float:
    """Return the norm of all gradients taken as one long vector.

    Parameters
    ----------
    gradients : array_like or list of ndarray
        One array, or a list of arrays of any shapes, one per parameter.
    """
    arrays, _ = _arrays(gradients)
    with np.errstate(over="ignore", invalid="ignore"):
        return float(np.sqrt(sum(np.sum(array * array) for array in arrays)))


def by_norm(gradients: ArrayLike | Sequence[ArrayLike], limit: float):
    """Scale all gradients by one factor so that their global norm is at most the limit.

    Their direction stays. The factor is ``limit / (norm + 1e-6)`` where that is less than 1, so that a
    clipped norm ends a little below the limit: same as ``torch.nn.utils.clip_grad_norm_``. Source: Pascanu,
    Mikolov and Bengio (2013).

    Parameters
    ----------
    gradients : array_like or list of ndarray
        One array, or a list of arrays of any shapes, one per parameter.
    limit : float
        The largest norm, at least 0; infinity clips nothing.

    Returns
    -------
    ndarray or list of ndarray
        Of the shapes given.

    Raises
    ------
    ValueError
        If the limit is negative, NaN or not a number.
    """
    _check(limit)
    arrays, one = _arrays(gradients)
    factor = _factor(global_norm(arrays), limit)
    with np.errstate(invalid="ignore"):
        clipped = [array * factor for array in arrays]
    return clipped[0] if one else clipped


def by_value(gradients: ArrayLike | Sequence[ArrayLike], limit: float):
    """Move every entry of the gradients that lies outside ``[-limit, limit]`` to its nearer end.

    The direction may change. Same as ``torch.nn.utils.clip_grad_value_``.

    Parameters
    ----------
    gradients : array_like or list of ndarray
        One array, or a list of arrays of any shapes, one per parameter.
    limit : float
        The largest absolute value, at least 0.

    Returns
    -------
    ndarray or list of ndarray
        Of the shapes given.

    Raises
    ------
    ValueError
        If the limit is negative, NaN or not a number.
    """
    _check(limit)
    arrays, one = _arrays(gradients)
    clipped = [np.clip(array, -limit, limit) for array in arrays]
    return clipped[0] if one else clipped


def columns_by_norm(gradients: np.ndarray, limit: ArrayLike) -> np.ndarray:
    """Clip many runs at once, each by its own norm: `by_norm` for every column.

    Parameters
    ----------
    gradients : ndarray, shape (n,) or (n, R)
        Runs on the last axis.
    limit : float or array_like, shape (R,)
        The largest norm of each run.

    Returns
    -------
    ndarray, shape of gradients
    """
    # Row after row, so that one run gives the same alone and among others; np.sum would add in blocks.
    total = gradients[0] * gradients[0]
    for row in gradients[1:]:
        total = total + row * row
    return gradients * _factor(np.sqrt(total), limit)


def _factor(norm, limit):
    # A limit and a norm that are both infinite leave the quotient undefined; torch then gives NaN as well.
    with np.errstate(invalid="ignore"):
        return np.minimum(np.divide(limit, norm + EPS), 1.0)


def _check(limit: float) -> None:
    try:
        good = np.ndim(limit) == 0 and float(limit) >= 0  # NaN is not
    except (TypeError, ValueError):
        good = False
    if not good:
        raise ValueError(f"got the limit {limit!r}; expected one number, at least 0")


def _arrays(gradients) -> tuple[list[np.ndarray], bool]:
    """Return the gradients as a list of arrays, and whether they were given as one array."""
    # A list of numbers is one array; a list of arrays is one array per parameter.
    if isinstance(gradients, list | tuple) and any(isinstance(g, np.ndarray) for g in gradients):
        return [np.asarray(g) for g in gradients], False
    return [np.asarray(gradients, dtype=None if isinstance(gradients, np.ndarray) else float)], True
