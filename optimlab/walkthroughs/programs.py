"""Our own short versions of the programs whose output the notes print.

A worked example of the kind ``code-output`` names one of these functions. It is called with the
example's givens by name and returns its results by name: numbers, or lists with one entry per
step, which expressions read as ``name[1]``, ``name[2]``, ... A function that needs more than
NumPy imports it inside.
"""

from __future__ import annotations

from collections.abc import Sequence


def averager(theta: Sequence[float], beta: float) -> dict[str, list[float]]:
    """Run a running averager over a series, with and without bias correction.

    Parameters
    ----------
    theta : sequence of float
        The measurements.
    beta : float
        The share of the old average that is kept.

    Returns
    -------
    dict
        ``raw`` and ``corrected`` averages, the ``plain`` mean so far, and the distance ``error``
        of the corrected average from it.
    """
    v, total = 0.0, 0.0
    results: dict[str, list[float]] = {"raw": [], "corrected": [], "plain": [], "error": []}
    for t, measured in enumerate(theta, start=1):
        v = beta * v + (1 - beta) * measured
        total += measured
        results["raw"].append(v)
        results["corrected"].append(v / (1 - beta**t))
        results["plain"].append(total / t)
        results["error"].append(abs(v / (1 - beta**t) - total / t))
    return results
