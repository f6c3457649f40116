"""A step written into the arrays is the plain step, to the last bit."""

from __future__ import annotations

import numpy as np
import pytest
from numpy import abs, maximum, sqrt, where
from writing import define

from optimlab import inplace
from optimlab.catalog import RULES
from optimlab.rule import Rule

TRAINING = {name: rule for name, rule in RULES.items() if rule.inputs == ("g",)}


@Rule
def every_construct(w, g, t, v=1.0, u=0.5, *, lr=0.01, share=0.9):
    """A rule that has everything the language has, in awkward places."""
    rate = lr / t**0.5
    turned = -g - (-v) + 0 * sqrt(abs(g))
    v = v
    picked = where(abs(turned) > share, maximum(turned, u), share * g**2 + turned**3)
    u = lr + share
    same = picked
    w = w - rate * (same - (v - (w - picked)))
    return w, v, u


def both(rule: Rule, dtype, piece: int, steps: int = 25) -> tuple[dict, dict]:
    """Return what is carried after the same steps, in place and by the plain function."""
    rng = np.random.default_rng(5)
    w = rng.normal(size=101).astype(dtype)
    ours = {name: w.copy() if name == "w" else np.full_like(w, rule.state[name]) for name in rule.carried}
    plain = {name: array.copy() for name, array in ours.items()}
    step = inplace.stepper(rule, ours, piece)
    for t in range(1, steps + 1):
        g = rng.normal(size=101).astype(dtype)
        before = g.copy()
        with np.errstate(all="ignore"):
            step(g, t, rule.hyper)
            given = {**plain, "g": before, "t": t}
            new = rule.function(*[given[name] for name in rule.formula.positional], **rule.hyper)
        new = new if isinstance(new, tuple) else (new,)
        plain = {
            name: np.broadcast_to(np.asarray(value, dtype), 101)
            for name, value in zip(rule.carried, new, strict=True)
        }
        np.testing.assert_array_equal(g, before, err_msg="the gradient belongs to the caller")
    return ours, plain


@pytest.mark.parametrize("piece", [7, 101, 500])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("rule", [*TRAINING.values(), every_construct], ids=lambda rule: rule.name)
def test_a_step_in_place_is_the_plain_step_to_the_last_bit(rule, dtype, piece):
    ours, plain = both(rule, dtype, piece)
    for name, array in ours.items():
        assert array.dtype == dtype
        np.testing.assert_array_equal(array, plain[name], err_msg=name)


def test_a_rule_of_a_notebook_cell_steps_in_place_too():
    rule = Rule(define("def halve(w, g, *, lr=0.5):\n    w = w - lr * g\n    return w\n"))
    w = np.array([4.0, 8.0])
    step = inplace.stepper(rule, {"w": w}, 1)
    step(np.array([2.0, 4.0]), 1, {"lr": 0.5})
    assert w.tolist() == [3.0, 6.0]


def test_a_step_makes_no_array_of_its_own():
    text, scratch = inplace.source(TRAINING["adam"])
    assert len(scratch) <= 4
    for line in text.splitlines()[1:]:
        assert "out=" in line or "=" not in line
