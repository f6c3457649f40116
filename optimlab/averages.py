"""Exponentially weighted averages, as rules: one step takes in one new value.

`average` runs one over a series. `weights` says what each value counts for in the result.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from .rule import Rule


@Rule
def ewa(theta, v=0.0, *, beta=0.9):
    """Exponentially weighted average: keep the share beta, take in the share 1 - beta.

    Started at ``v = 0`` it is biased toward zero by the factor ``1 - beta**t``.
    """
    v = beta * v + (1 - beta) * theta
    return v


@Rule
def ewa_corrected(theta, t, v=0.0, *, beta=0.9):
    """Exponentially weighted average with bias correction: ``v_hat`` divides by the sum of the weights.

    The state ``v`` stays uncorrected; the average to read is ``v_hat``. The correction belongs to
    the start ``v = 0`` and to no other. Source: Kingma and Ba (2015), section 3.
    """
    v = beta * v + (1 - beta) * theta
    v_hat = v / (1 - beta**t)
    return v, v_hat


@Rule
def ewa_descent(w, g, t, v=0.0, *, lr=0.1, beta=0.9):
    """Gradient descent along the bias-corrected average of the gradients.

    This is Adam's numerator alone. It is not what libraries call momentum: ``torch.optim.SGD``
    sums (``v = beta * v + g``) and never corrects.
    """
    v = beta * v + (1 - beta) * g
    v_hat = v / (1 - beta**t)
    w = w - lr * v_hat
    return w, v


def average(
    series: ArrayLike, beta: float = 0.9, *, corrected: bool = True, start: float = 0.0
) -> np.ndarray:
    """Return the exponentially weighted average of a series after each of its values.

    Parameters
    ----------
    series : array_like, shape (T,) or (T, ...)
        The values in order.
    beta : float, default 0.9
        The share of the old average that is kept.
    corrected : bool, default True
        Divide by ``1 - beta**t``. Needs ``start=0``.
    start : float, default 0.0
        The average before the first value.

    Returns
    -------
    ndarray, shape of series

    Raises
    ------
    ValueError
        If a start other than zero is to be corrected: the correction would count it twice.
    """
    if corrected and np.any(start):
        raise ValueError(
            f"bias correction divides by 1 - beta**t, which is right only for start=0; got start={start!r}: "
            "use corrected=False with it"
        )
    rule, quantity = (ewa_corrected, "v_hat") if corrected else (ewa, "v")
    return rule.trace(theta=series, v=start, beta=beta)[quantity][1:]


def weights(t: int, beta: float = 0.9, *, start: str = "zero") -> np.ndarray:
    """Return what each of the values 1, ..., t counts for in the average after step t.

    Parameters
    ----------
    t : int
        How many values the average has seen, at least 1.
    beta : float, default 0.9
        The share of the old average that is kept.
    start : {"zero", "corrected", "first"}, default "zero"
        Started at zero; the same, bias-corrected; or started at the first value.

    Returns
    -------
    ndarray, shape (t,)
        Oldest first. The sum is ``1 - beta**t`` for "zero" and 1 otherwise.
    """
    if t < 1:
        raise ValueError(f"got t={t}; an average has weights after at least 1 value")
    # The average is linear, so the weight of a value is the average of its unit impulse.
    impulses = np.eye(t)
    if start == "first":
        return ewa.trace(theta=impulses[1:], v=impulses[0], beta=beta)["v"][-1] if t > 1 else np.ones(1)
    if start not in ("zero", "corrected"):
        raise ValueError(f"got start={start!r}; expected 'zero', 'corrected' or 'first'")
    return average(impulses, beta, corrected=start == "corrected")[-1]
