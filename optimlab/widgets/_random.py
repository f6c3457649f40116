"""Chance that is the same in Python and in the browser: what `js/random.js` draws, number by number.

Everything starts from a seed, a whole number from 0 to 2**32 - 1, and is made of whole numbers of 32 bits
by the generator mulberry32 (Tommy Ettinger, 2017; public domain). Good enough for pictures, not for science.
"""

from __future__ import annotations

import numpy as np


def integers(seed: int, count: int) -> np.ndarray:
    """Return the first draws of a seed: whole numbers from 0 to 2**32 - 1, all equally likely."""
    # The state only counts up, so that all draws can be made at once. Everything is taken modulo 2**32.
    state = np.uint64(seed) + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x6D2B79F5)
    z = state.astype(np.uint32)
    z = (z ^ (z >> np.uint32(15))) * (z | np.uint32(1))
    z = z ^ (z + (z ^ (z >> np.uint32(7))) * (z | np.uint32(61)))
    return z ^ (z >> np.uint32(14))


def uniform(seed: int, count: int) -> np.ndarray:
    """Return numbers from 0 to just below 1."""
    return integers(seed, count) / 2.0**32


def normal(seed: int, count: int) -> np.ndarray:
    """Return normal numbers of mean 0 and variance 1, each from two draws (Box and Muller, 1958)."""
    radius, angle = uniform(seed, 2 * count).reshape(count, 2).T
    return np.sqrt(-2 * np.log(1 - radius)) * np.cos(2 * np.pi * angle)


def picks(seed: int, samples: int, size: int, count: int, replace: bool = False) -> np.ndarray:
    """Return the numbers of the samples in random batches.

    Parameters
    ----------
    seed : int
    samples : int
        How many there are to choose from.
    size : int
        Of a batch.
    count : int
        How many batches; each is chosen anew from all samples.
    replace : bool, default False
        Whether a batch may hold a sample more than once.

    Returns
    -------
    ndarray of int, shape (count, size)
        In the order of drawing: with ``size=samples`` and without replacement, each row is a shuffle.
    """
    draws = uniform(seed, count * size).reshape(count, size)
    if replace:
        return np.floor(draws * samples).astype(int)
    deck = np.tile(np.arange(samples), (count, 1))
    rows = np.arange(count)
    for i in range(size):  # Fisher and Yates: draw one of those that are left, put it in front
        j = i + np.floor(draws[:, i] * (samples - i)).astype(int)
        deck[rows, i], deck[rows, j] = deck[rows, j], deck[rows, i]
    return deck[:, :size]
