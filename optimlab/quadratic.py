"""Momentum on a quadratic, exactly: how fast the error shrinks, how it moves, and what is best.

On a quadratic every direction of curvature goes its own way. Momentum (the sum: ``v = beta * v + g``,
``w = w - lr * v``) makes of the last two errors the next one with the same 2×2 matrix at every step:

    rate(lr, beta, curvature)            the spectral radius: what a step leaves of the error in the end
    region(lr, beta, curvature)          "over-damped", "under-damped", "alternating", "divergent", ...
    best([2, 20])                        the fastest pair of lr and beta for these curvatures

All functions take arrays and follow NumPy's rules for shapes. ``nesterov=True`` is the rule `nesterov`, as
in PyTorch. For `momentum_average` multiply its learning rate by ``1 - beta`` first. Sources: Polyak (1964);
Nesterov (1983); the picture of the regions is that of Goh, "Why Momentum Really Works", Distill (2017).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

REGIONS = ("over-damped", "critical", "under-damped", "alternating", "marginal", "divergent")
# What rounding cannot tell apart: two roots of which the discriminant is this small are one, and a rate is 1.
SAME = 1e-14


def matrix(lr: ArrayLike, beta: ArrayLike, curvature: ArrayLike, nesterov: bool = False) -> np.ndarray:
    """Return the matrix that makes the errors ``(w[t], w[t-1])`` of a direction into ``(w[t+1], w[t])``.

    Parameters
    ----------
    lr, beta : array_like
        Learning rate and share of the velocity that is kept.
    curvature : array_like
        Second derivative of the quadratic in this direction, an eigenvalue of its Hessian.
    nesterov : bool, default False
        Whether the rule is `nesterov` instead of `momentum`.

    Returns
    -------
    ndarray, shape (2, 2, ...)
    """
    total, product = _sum_and_product(lr, beta, curvature, nesterov)
    return np.array([[total, -product], [np.ones_like(total), np.zeros_like(total)]])


def roots(lr: ArrayLike, beta: ArrayLike, curvature: ArrayLike, nesterov: bool = False) -> np.ndarray:
    """Return the two eigenvalues of `matrix`, the larger in size first; of a pair the one above.

    Returns
    -------
    ndarray of complex, shape (2, ...)
    """
    total, product = _sum_and_product(lr, beta, curvature, nesterov)
    gap = _discriminant(total, product)
    with np.errstate(invalid="ignore", divide="ignore"):
        large = np.where(total < 0, -1, 1) * (np.abs(total) + np.sqrt(np.maximum(gap, 0))) / 2
        # The product of the two is known; their difference would lose digits.
        small = np.where(large == 0, 0, product / large)
    height = np.sqrt(np.maximum(-gap, 0)) / 2
    first = np.where(gap < 0, total / 2 + 1j * height, large)
    second = np.where(gap < 0, total / 2 - 1j * height, small)
    return np.array([first, second])


def rate(lr: ArrayLike, beta: ArrayLike, curvature: ArrayLike, nesterov: bool = False):
    """Return what a step leaves of the error in the end, as a share: the spectral radius of `matrix`.

    Below 1 the run converges, above it diverges. For several curvatures the largest rate counts.

    Returns
    -------
    float or ndarray
    """
    total, product = _sum_and_product(lr, beta, curvature, nesterov)
    gap = _discriminant(total, product)
    real = (np.abs(total) + np.sqrt(np.maximum(gap, 0))) / 2
    return np.where(gap < 0, np.sqrt(np.maximum(product, 0)), real)[()]


def region(lr: ArrayLike, beta: ArrayLike, curvature: ArrayLike, nesterov: bool = False):
    """Return how the error of a direction moves, in one word.

    Returns
    -------
    str or ndarray of str
        "over-damped": it creeps towards zero from one side. "under-damped": it swings around zero, a
        complex pair of roots. "critical": the border between them, a double root. "alternating": it
        changes its sign at every step, the largest root is negative. "marginal": it does not shrink, the
        rate is 1. "divergent": it grows.
    """
    total, product = _sum_and_product(lr, beta, curvature, nesterov)
    gap, left = _discriminant(total, product), rate(lr, beta, curvature, nesterov)
    names = np.where(gap < 0, 2, np.where(total < 0, 3, 0))
    names = np.where(gap == 0, 1, names)
    names = np.where(left > 1, 5, names)
    names = np.where(np.abs(left - 1) <= SAME, 4, names)
    return np.array(REGIONS)[names] if np.ndim(names) else REGIONS[int(names)]


def critical(beta: ArrayLike, curvature: ArrayLike, nesterov: bool = False) -> tuple:
    """Return the two learning rates between which a direction is under-damped.

    Returns
    -------
    (float or ndarray, float or ndarray)
        At both the root is double: below the first the direction is over-damped, above the second its
        error alternates.
    """
    beta, curvature = np.asarray(beta, float), np.asarray(curvature, float)
    if nesterov:
        return ((1 - beta) / (1 + beta)) ** 2 / curvature, (1 / curvature + 0 * beta)[()]
    return (1 - np.sqrt(beta)) ** 2 / curvature, (1 + np.sqrt(beta)) ** 2 / curvature


def limit(beta: ArrayLike, curvature: ArrayLike, nesterov: bool = False):
    """Return the learning rate above which a direction diverges: ``2 (1 + beta) / curvature``.

    With ``nesterov`` it is that over ``1 + 2 beta``: looking ahead makes it smaller, not larger.
    """
    beta, curvature = np.asarray(beta, float), np.asarray(curvature, float)
    return 2 * (1 + beta) / (1 + 2 * beta if nesterov else 1) / curvature


class Best(NamedTuple):
    """The fastest hyper-parameters for a quadratic, and the rate that they give."""

    lr: float
    beta: float
    rate: float


def best(curvatures: ArrayLike, nesterov: bool = False) -> Best:
    """Return the learning rate and the share for which the slowest direction is fastest.

    With ``kappa``, the largest curvature over the smallest, the rate of momentum is
    ``(sqrt(kappa) - 1) / (sqrt(kappa) + 1)``, and its share is the square of that. Source: Polyak (1964).
    That of `nesterov` is ``1 - 2 / sqrt(3 kappa + 1)``. Source: Lessard, Recht and Packard (2016).

    Parameters
    ----------
    curvatures : array_like of float
        All curvatures, or the smallest and the largest: only these two count.

    Raises
    ------
    ValueError
        If one of them is not positive.
    """
    low, high = _ends(curvatures)
    if nesterov:
        root = np.sqrt(3 * (high / low) + 1)
        return Best(float(4 / (3 * high + low)), float((root - 2) / (root + 2)), float(1 - 2 / root))
    narrow, wide = np.sqrt(low), np.sqrt(high)
    left = (wide - narrow) / (wide + narrow)
    return Best(float(4 / ((narrow + wide) * (narrow + wide))), float(left * left), float(left))


def best_lr(beta: float, curvatures: ArrayLike, nesterov: bool = False) -> float:
    """Return the learning rate for which the slowest direction is fastest, for one share ``beta``.

    For momentum it is ``2 (1 + beta) / (smallest + largest curvature)``: the flattest and the steepest
    direction are then equally slow. For `nesterov` the rate of this balance is found by bisection.

    Raises
    ------
    ValueError
        If a curvature is not positive.
    """
    low, high = _ends(curvatures)
    if not nesterov:
        return float(2 * (1 + beta) / (low + high))
    # Between the two ends the flat direction becomes faster, and the steep one slower.
    left, right = 1 / high, 2 / high
    for _ in range(60):
        middle = (left + right) / 2
        if rate(middle, beta, low, True) > rate(middle, beta, high, True):
            left = middle
        else:
            right = middle
    return float((left + right) / 2)


def steps(rate: ArrayLike, factor: float = 1000.0):
    """Return how many steps shrink an error by a factor, at a rate; infinity where it does not shrink.

    That is the number in the long run. Near a double root the first steps are slower.
    """
    rate = np.asarray(rate, float)
    with np.errstate(divide="ignore"):
        return np.where(rate < 1, np.log(factor) / -np.log(np.minimum(rate, 1)), np.inf)[()]


def _sum_and_product(lr, beta, curvature, nesterov: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return sum and product of the two eigenvalues, of one shape."""
    lr, beta, curvature = np.broadcast_arrays(*(np.asarray(x, float) for x in (lr, beta, curvature)))
    if nesterov:
        shrunk = 1 - lr * curvature
        return (1 + beta) * shrunk, beta * shrunk
    return 1 + beta - lr * curvature, beta + 0.0


def _discriminant(total: np.ndarray, product: np.ndarray) -> np.ndarray:
    gap, size = total * total - 4 * product, total * total + 4 * np.abs(product)
    return np.where(np.abs(gap) <= SAME * size, 0.0, gap)


def _ends(curvatures: ArrayLike) -> tuple[np.float64, np.float64]:
    curvatures = np.asarray(curvatures, float)
    if not curvatures.size or not np.all(curvatures > 0) or not np.all(np.isfinite(curvatures)):
        raise ValueError(f"got curvatures {curvatures}; expected at least one, all positive and finite")
    return np.min(curvatures), np.max(curvatures)
