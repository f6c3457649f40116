"""The text that is compiled, and life without numba: neither needs it. See also test_fast_compiled.py."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from writing import define

from optimlab.fast import step_source
from optimlab.rule import Rule
from optimlab.rules import adam

ROOT = Path(__file__).resolve().parents[1]


# What is constant


HIDDEN = """
def hidden(w, g, t, v=0.0, *, lr=0.1, beta=0.9):
    share = exp(-beta) * t
    v = sin(share) + where(share > lr, share, log(lr))
    w = w - g * v * cos(lr * t)
    return w, v
"""


def loop(source: str) -> str:
    return source.split("for i in range(w.size):")[1]


def test_what_depends_on_hyper_parameters_and_t_alone_stands_before_the_loop():
    inside = loop(step_source(adam))
    assert "**" not in inside
    assert "power" not in inside
    assert "1.0" not in inside
    assert "/" in inside  # by the root, which differs between weights


def test_a_constant_part_is_found_behind_names_and_under_a_carried_name():
    inside = loop(step_source(Rule(define(HIDDEN))))
    for name in ("exp", "sin", "cos", "log", "where"):
        assert name not in inside


# Without numba


def test_without_numba_the_error_says_what_to_install():
    program = (
        "import sys; sys.modules['numba'] = None\n"
        "from optimlab.fast import compile_rule, compile_sweep, step_source\n"
        "from optimlab.landscapes import rosenbrock\n"
        "from optimlab.rules import adam\n"
        "assert 'for i in range(w.size)' in step_source(adam)\n"
        "for attempt in (lambda: compile_rule(adam), lambda: compile_sweep(adam, rosenbrock)):\n"
        "    try:\n"
        "        attempt()\n"
        "    except ImportError as error:\n"
        "        print(error)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True)
    assert done.stdout.count("pip install 'optimlab[fast]'") == 2, done.stderr
