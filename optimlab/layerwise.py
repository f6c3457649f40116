"""Optimizers that look at a whole layer at once: LARS, LAMB, Adafactor, Shampoo, Muon.

They take norms, means or matrix products over all weights of a layer, so the step of one weight depends
on all others. The language of formulas is element-wise and cannot say that: these are ordinary NumPy
functions and not Rules, with no trace, no LaTeX and no JavaScript. They are called like rules:
``w`` and ``g`` of one layer, the step count ``t = 1, 2, ...`` where it is used, the state with its initial
value, hyper-parameters by keyword; they return the new weight and state and change no argument.

    w, m, v = lamb(w, g, t, m, v, lr=0.01)
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

# The quintic of Newton and Schulz in Muon: steep at zero, so that small singular values rise fast, and
# for that it ends near 1 and not at 1.
QUINTIC = (3.4445, -4.7750, 2.0315)


def lars(
    w: ArrayLike,
    g: ArrayLike,
    v: ArrayLike = 0.0,
    *,
    lr: float = 0.1,
    momentum: float = 0.9,
    trust: float = 0.001,
    weight_decay: float = 0.0,
) -> tuple[np.ndarray, np.ndarray]:
    """LARS: momentum whose rate is, in every layer, a share of weight norm over gradient norm.

    ``rate = lr * trust * |w| / (|g| + weight_decay * |w|)``, then
    ``v = momentum * v + rate * (g + weight_decay * w)`` and ``w = w - v``.

    Parameters
    ----------
    w, g : array_like, any one shape
        Weights and gradient of one layer.
    v : array_like, default 0
        The velocity; it has the learning rate inside.
    lr, momentum, trust, weight_decay : float
        ``trust`` is the share of the weight norm that the layer moves by at ``lr=1``.

    Returns
    -------
    w, v : ndarray
        In the shape of `w`.

    Raises
    ------
    ValueError
        If `w` and `g` have different shapes.

    Notes
    -----
    Source: You, Gitman and Ginsburg (2017), algorithm 1. Without weight decay the same as ``optax.lars``,
    which otherwise divides by the norm of the sum ``g + weight_decay * w``. A layer whose weights or
    gradients are all zero has no ratio; as in optax its rate is then ``lr``.
    """
    w, g = _layer(w, g)
    size = np.linalg.norm(w)
    below = np.linalg.norm(g) + weight_decay * size
    rate = lr * (trust * size / below if size > 0 and below > 0 else 1.0)
    v = momentum * np.asarray(v, np.float64) + rate * (g + weight_decay * w)
    return w - v, v


def lamb(
    w: ArrayLike,
    g: ArrayLike,
    t: int,
    m: ArrayLike = 0.0,
    v: ArrayLike = 0.0,
    *,
    lr: float = 0.001,
    beta1: float = 0.9,
    beta2: float = 0.999,
    eps: float = 1e-6,
    weight_decay: float = 0.0,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """LAMB: the direction of AdamW, and the length of the layer's step is ``lr`` times its weight norm.

    ``u = m_hat / (sqrt(v_hat) + eps) + weight_decay * w``, then ``w = w - lr * |w| / |u| * u``.

    Parameters
    ----------
    w, g : array_like, any one shape
        Weights and gradient of one layer.
    t : int
        The step's number, from 1.
    m, v : array_like, default 0
        The averages of gradients and of their squares, as in Adam.
    lr, beta1, beta2, eps, weight_decay : float
        ``lr`` is the share of its norm by which the layer moves.

    Returns
    -------
    w, m, v : ndarray
        In the shape of `w`.

    Raises
    ------
    ValueError
        If `w` and `g` have different shapes, or `t` is less than 1.

    Notes
    -----
    Source: You et al. (2020), algorithm 2, with the identity for its function phi. Same as ``optax.lamb``.
    A layer whose weights or updates are all zero has no ratio; it is then 1.
    """
    w, g = _layer(w, g)
    _counted(t)
    m = beta1 * np.asarray(m, np.float64) + (1 - beta1) * g
    v = beta2 * np.asarray(v, np.float64) + (1 - beta2) * g**2
    u = m / (1 - beta1**t) / (np.sqrt(v / (1 - beta2**t)) + eps) + weight_decay * w
    above, below = np.linalg.norm(w), np.linalg.norm(u)
    ratio = above / below if above > 0 and below > 0 else 1.0
    return w - lr * ratio * u, m, v


def adafactor(
    w: ArrayLike,
    g: ArrayLike,
    t: int,
    rows: ArrayLike = 0.0,
    columns: ArrayLike = 0.0,
    *,
    lr: float = 0.01,
    decay: float = 0.8,
    eps1: float = float(np.finfo(np.float64).eps),
    eps2: float = 0.001,
    clip: float = 1.0,
    weight_decay: float = 0.0,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Adafactor: of the average of squares only the means of rows and columns are kept.

    A matrix of n by m squares is estimated from n + m numbers, ``v = rows @ columns / mean(rows)``. The
    step has no momentum, is relative to the size of the weights and is clipped where its root mean
    square exceeds `clip`.

    Parameters
    ----------
    w, g : array_like, shape (n, m) or (n,)
        Weights and gradient of one layer. A vector has nothing to factor.
    t : int
        The step's number, from 1. The share of the old averages is ``1 - t**-decay``: none at first.
    rows : array_like, default 0
        Average of the squares' means over each row, shape (n, 1); for a vector the average itself, (n,).
    columns : array_like, default 0
        The same for the columns, shape (1, m); for a vector it stays what it is.
    lr : float, default 0.01
        The largest relative step; from step ``1 / lr**2`` on it is ``1 / sqrt(t)``.
    decay : float, default 0.8
    eps1, eps2 : float
        The smallest root of an estimate, and the smallest size that weights are taken to have.
    clip : float, default 1
    weight_decay : float, default 0
        Beside the step; times `lr`.

    Returns
    -------
    w, rows, columns : ndarray

    Raises
    ------
    ValueError
        If `w` and `g` have different shapes or more than two dimensions, or `t` is less than 1.

    Notes
    -----
    Source: Shazeer and Stern (2018), algorithms 4 and 5. Same as ``torch.optim.Adafactor`` (whose
    ``beta2_decay`` is ``-decay`` and ``d`` is ``clip``); the paper adds ``eps1`` to the squares instead.
    """
    w, g = _layer(w, g)
    if w.ndim not in (1, 2):
        raise ValueError(f"adafactor got w of shape {w.shape}; expected a matrix or a vector")
    _counted(t)
    new = t**-decay
    rate = min(lr, 1 / np.sqrt(t)) * max(eps2, _rms(w))
    rows, columns = np.asarray(rows, np.float64), np.asarray(columns, np.float64)
    if w.ndim == 2:
        rows = rows + new * ((g**2).mean(axis=1, keepdims=True) - rows)
        columns = columns + new * ((g**2).mean(axis=0, keepdims=True) - columns)
        v = rows @ columns / max(rows.mean(), eps1)
    else:
        rows = rows + new * (g**2 - rows)
        v = rows
    u = g / np.sqrt(np.maximum(v, eps1**2))
    u = u / max(1.0, _rms(u) / clip)
    return (1 - lr * weight_decay) * w - rate * u, rows, columns


def shampoo(
    w: ArrayLike,
    g: ArrayLike,
    left: ArrayLike = 0.0,
    right: ArrayLike = 0.0,
    *,
    lr: float = 0.1,
    eps: float = 1e-4,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Shampoo for a matrix: AdaGrad with one small matrix per side in place of one huge one.

    ``left += g @ g.T`` and ``right += g.T @ g``, then
    ``w = w - lr * (left + eps * I)**(-1/4) @ g @ (right + eps * I)**(-1/4)``.

    Parameters
    ----------
    w, g : array_like, shape (n, m)
        Weights and gradient of one layer.
    left, right : array_like, shapes (n, n) and (m, m), default 0
        The sums.
    lr, eps : float
        With ``eps`` on their diagonals the sums have a root from the first step on.

    Returns
    -------
    w, left, right : ndarray

    Raises
    ------
    ValueError
        If `w` is not a matrix or `g` has another shape.

    Notes
    -----
    Source: Gupta, Koren and Singer (2018), algorithm 1, whose sums start at ``eps * I``. The roots are
    computed at every step from the eigenvalues; implementations for large layers do so rarely.
    For a matrix of one number it is AdaGrad with ``eps`` inside the root.
    """
    w, g = _matrix("shampoo", w, g)
    left = np.asarray(left, np.float64) + g @ g.T
    right = np.asarray(right, np.float64) + g.T @ g
    return w - lr * _inverse_fourth_root(left, eps) @ g @ _inverse_fourth_root(right, eps), left, right


def muon(
    w: ArrayLike,
    g: ArrayLike,
    v: ArrayLike = 0.0,
    *,
    lr: float = 0.001,
    momentum: float = 0.95,
    weight_decay: float = 0.1,
    steps: int = 5,
) -> tuple[np.ndarray, np.ndarray]:
    """Muon for a matrix: momentum, of whose matrix every singular value is brought near 1.

    ``v = momentum * v + (1 - momentum) * g``, looked ahead as Nesterov does, then `orthogonalize`. A matrix
    that is higher than wide moves by ``sqrt(n / m)`` times as much.

    Parameters
    ----------
    w, g : array_like, shape (n, m)
        Weights and gradient of one hidden layer; biases and the first and last layer are left to AdamW.
    v : array_like, shape (n, m), default 0
        The average of the gradients.
    lr, momentum, weight_decay : float
        The decay stands beside the step and is multiplied by `lr`.
    steps : int, default 5
        Steps of the iteration.

    Returns
    -------
    w, v : ndarray

    Raises
    ------
    ValueError
        If `w` is not a matrix or `g` has another shape.

    Notes
    -----
    Source: Jordan et al. (2024). Same as ``torch.optim.Muon``, but for the precision: torch runs the
    iteration in bfloat16, so that its steps agree with these to a few percent only.
    """
    w, g = _matrix("muon", w, g)
    v = momentum * np.asarray(v, np.float64) + (1 - momentum) * g
    u = orthogonalize((1 - momentum) * g + momentum * v, steps=steps)
    n, m = w.shape
    return (1 - lr * weight_decay) * w - lr * np.sqrt(max(1.0, n / m)) * u, v


def orthogonalize(
    g: ArrayLike,
    *,
    steps: int = 5,
    coefficients: tuple[float, float, float] = QUINTIC,
    eps: float = 1e-7,
) -> np.ndarray:
    """Bring every singular value of a matrix near 1 and leave its singular vectors as they are.

    The iteration of Newton and Schulz, ``x = a x + b (x x') x + c (x x')**2 x``, from ``x = g / |g|``: it
    needs products only, no decomposition.

    Parameters
    ----------
    g : array_like, shape (n, m)
    steps : int, default 5
    coefficients : (float, float, float)
        ``a, b, c``. Muon's by default: from the fifth step on, singular values that were 0.01 to 1 times
        the norm lie between 0.68 and 1.14. With ``(1.5, -0.5, 0)`` they go to 1 itself, more slowly; the
        limit is the orthogonal factor of the polar decomposition.
    eps : float, default 1e-7
        The smallest norm that is divided by.

    Returns
    -------
    ndarray, shape (n, m)

    Raises
    ------
    ValueError
        If `g` is not a matrix.
    """
    x = np.asarray(g, np.float64)
    if x.ndim != 2:
        raise ValueError(f"orthogonalize got an array of shape {x.shape}; expected a matrix")
    a, b, c = coefficients
    wide = x.shape[0] <= x.shape[1]
    x = (x if wide else x.T) / max(np.linalg.norm(x), eps)
    for _ in range(steps):
        square = x @ x.T
        x = a * x + (b * square + c * square @ square) @ x
    return x if wide else x.T


def _inverse_fourth_root(a: np.ndarray, eps: float) -> np.ndarray:
    values, vectors = np.linalg.eigh(a)
    # Rounding may leave eigenvalues just below zero.
    return vectors * (np.maximum(values, 0) + eps) ** -0.25 @ vectors.T


def _rms(x: np.ndarray) -> float:
    return float(np.linalg.norm(x) / np.sqrt(x.size))


def _layer(w: ArrayLike, g: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    w, g = np.asarray(w, np.float64), np.asarray(g, np.float64)
    if w.shape != g.shape:
        raise ValueError(f"w has the shape {w.shape} and g {g.shape}; they must be those of one layer")
    return w, g


def _matrix(name: str, w: ArrayLike, g: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    w, g = _layer(w, g)
    if w.ndim != 2:
        raise ValueError(
            f"{name} got w of shape {w.shape}; it is for matrices: reshape to two dimensions, or use adamw"
        )
    return w, g


def _counted(t: int) -> None:
    if t < 1:
        raise ValueError(f"got t={t}; steps are counted from 1")
