"""What numba computes is what NumPy computes: steps, sweeps, and what they refuse.

numba is optional; where it is not installed, this file is skipped as a whole.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from test_fast import HIDDEN
from writing import define

from optimlab.catalog import RULES, find
from optimlab.descent import run
from optimlab.fast import compile_rule, compile_sweep
from optimlab.formula import FormulaError
from optimlab.landscapes import LANDSCAPES, reddi, rosenbrock
from optimlab.rule import Rule
from optimlab.rules import adam, gradient_descent, nadam, nesterov_lookahead, rmsprop_centered
from optimlab.schedules import cosine

pytest.importorskip("numba", reason="numba is optional and not installed here")

ROOT = Path(__file__).resolve().parents[1]
ON_WEIGHTS = [rule.name for rule in RULES.values() if "w" in rule.carried and rule.inputs == ("g",)]
RATES = np.logspace(-4, 1, 300)  # the last ones diverge


@pytest.fixture(autouse=True, scope="module")
def _own_cache(tmp_path_factory):
    """Compile everything anew, and leave nothing behind."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OPTIMLAB_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


def rule(source: str) -> Rule:
    return Rule(define(source))


def both(rule: Rule, gradients: np.ndarray, *, start=None, exact: bool = False, **hyper):
    """Make the steps compiled and with NumPy; return what each carries at the end."""
    step = compile_rule(rule, exact=exact)
    first = np.ones_like(gradients[0]) if start is None else start
    compiled = {"w": first.copy(), **dict(zip(rule.state, step.state(first), strict=True))}
    plain = {name: array.copy() for name, array in compiled.items()}
    # The same rounding of constants on both sides: NumPy gets its hyper-parameters as numbers.
    for t, g in enumerate(gradients, start=1):
        kept = g.copy()
        step(*({**compiled, "g": g, "t": t}[name] for name in rule.formula.positional), **hyper)
        assert_array_equal(g, kept)
        with np.errstate(all="ignore"):
            given = {**plain, "g": g, "t": float(t)}
            new = rule(*(given[name] for name in rule.formula.positional), **hyper)
        plain = dict(zip(rule.carried, new if isinstance(new, tuple) else (new,), strict=True))
    return compiled, plain


# A step


@pytest.mark.parametrize("name", ON_WEIGHTS)
@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-12), (np.float32, 1e-5)])
def test_a_compiled_step_is_the_rule(name, dtype, tolerance):
    gradients = np.random.default_rng(1).standard_normal((50, 37)).astype(dtype)
    compiled, plain = both(find(name), gradients)
    for carried, array in compiled.items():
        assert array.dtype == dtype
        assert_allclose(array, plain[carried], rtol=tolerance, atol=tolerance * 1e-3)


@pytest.mark.parametrize("name", ON_WEIGHTS)
def test_an_exact_step_is_the_rule_to_the_last_bit(name):
    gradients = np.random.default_rng(2).standard_normal((50, 37))
    compiled, plain = both(find(name), gradients, exact=True)
    for carried, array in compiled.items():
        assert_array_equal(array, plain[carried])


def test_hyper_parameters_are_those_of_the_call():
    gradients = np.random.default_rng(3).standard_normal((20, 5))
    compiled, plain = both(adam, gradients, lr=0.5, beta1=0.0, beta2=0.25, eps=0.1)
    assert_allclose(compiled["w"], plain["w"], rtol=1e-12)


def test_everything_in_the_language_compiles():
    everything = rule("""
        def everything(w, g, t, v=0.0, *, lr=0.1, beta=0.9, p=1.7):
            v = beta * v + (1 - beta) * g**2
            u = abs(v) ** p / (1 - beta**t) + 1e-3 * pi
            cubes = g**3 + (w + g) ** -2 + 2**-1 + u**0.5 + (u + 1) ** 11
            s = sin(u) + cos(w) + exp(-u) + log(1 + u) + sqrt(u) + sign(g) + floor(w) + sign(lr)
            w = where(s > w, minimum(w, s), maximum(w, v)) - lr * s / t**0.5 + 1e-9 * cubes
            return w, v
    """)
    compiled, plain = both(everything, np.random.default_rng(4).standard_normal((30, 41)))
    assert_allclose(compiled["w"], plain["w"], rtol=1e-12)
    compiled, plain = both(everything, np.random.default_rng(4).standard_normal((30, 41)).astype(np.float32))
    assert compiled["w"].dtype == np.float32
    assert_allclose(compiled["w"], plain["w"], rtol=1e-4)


def test_a_rule_may_use_the_names_of_the_generated_code():
    awkward = rule("""
        def step(w, g, t, i=0.0, *, njit=0.1, float64=0.9, lr_1=2.0, w_now=0.5, range=1.0):
            c = float64 * i + (1 - float64) * g
            c_1 = c / (1 - float64**t)
            i = c * range
            w = w - njit * c_1 * lr_1 * w_now
            return w, i
    """)
    compiled, plain = both(awkward, np.random.default_rng(5).standard_normal((10, 3)), exact=True)
    assert_array_equal(compiled["w"], plain["w"])


@pytest.mark.parametrize("exact", [True, False])
def test_nan_and_infinity_pass_as_in_numpy(exact):
    special = np.array([0.0, -0.0, 1.0, -1.0, np.nan, np.inf, -np.inf, 1e308, 5e-324])
    choosing = rule("""
        def choosing(w, g, v=0.0, *, lr=0.0):
            v = maximum(v, g) + minimum(v, g)
            w = where(g < w, w, g) + sign(g) + sqrt(v) - g / lr
            return w, v
    """)
    gradients = np.array([special, special[::-1], np.roll(special, 3)])
    for this in [choosing, *(find(name) for name in ON_WEIGHTS)]:
        compiled, plain = both(this, gradients, start=np.roll(special, 1), exact=exact)
        for carried, array in compiled.items():
            assert_array_equal(np.isnan(array), np.isnan(plain[carried]), err_msg=this.name)
            assert_allclose(array, plain[carried], rtol=1e-12, err_msg=this.name)


def test_a_difference_of_squares_is_rounded_as_written():
    # Fused into one operation, s - a**2 would not be zero, and its root not what NumPy finds.
    gradients = np.full((40, 8), np.linspace(0.1, 0.9, 8))
    compiled, plain = both(rmsprop_centered, gradients, rho=0.5)
    assert_array_equal(compiled["w"], plain["w"])


def test_a_parallel_step_is_the_same_step():
    g = np.random.default_rng(6).standard_normal(10_001)
    ends = []
    for parallel in (False, True):
        step, w = compile_rule(nadam, parallel=parallel), np.ones_like(g)
        state = step.state(w)
        for t in (1, 2, 3):
            step(w, g, t, *state)
        ends.append(w)
    assert_array_equal(*ends)


def test_arrays_of_any_shape_are_changed_in_place():
    w, g = np.ones((3, 4, 5)), np.full((3, 4, 5), 2.0)
    compile_rule(gradient_descent)(w, g, lr=0.25)
    assert_array_equal(w, np.full((3, 4, 5), 0.5))


# What is constant


def test_a_constant_part_computed_once_gives_the_same():
    compiled, plain = both(rule(HIDDEN), np.random.default_rng(7).standard_normal((9, 4)))
    assert_allclose(compiled["w"], plain["w"], rtol=1e-12)
    assert_allclose(compiled["v"], np.full(4, plain["v"]), rtol=1e-12)


def test_what_looks_constant_but_differs_between_weights_stays_in_the_loop():
    # v is a constant only after its assignment; before it, it is last step's.
    variable = rule("""
        def variable(w, g, v=1.0, *, lr=0.1):
            old = v * lr
            v = lr + g - g + w
            w = w - old * g
            return w, v
    """)
    compiled, plain = both(variable, np.random.default_rng(8).standard_normal((9, 4)), exact=True)
    assert_array_equal(compiled["w"], plain["w"])


# What is refused


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda w, g: (w[::2], g[::2]), "contiguous"),
        (lambda w, g: (w, g.astype(np.float32)), "float32.*all float64"),
        (lambda w, g: (w, g[:3]), r"shape \(3,\)"),
        (lambda w, g: (w, w), "w and g share memory"),
        (lambda w, g: (w.astype(int), g), "expected an array of float32 or float64"),
        (lambda w, g: ([1.0], g), "expected an array"),
        (lambda w, g: (w,), "takes all of w, g"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(change, message):
    with pytest.raises(FormulaError, match=message):
        compile_rule(gradient_descent)(*change(np.ones(8), np.ones(8)))


def test_an_unknown_hyper_parameter_is_refused_with_the_nearest_name():
    w = np.ones(3)
    with pytest.raises(FormulaError, match=r"'beta'.*did you mean 'beta"):
        compile_rule(adam)(w, np.ones(3), 1, np.zeros(3), np.zeros(3), beta=0.5)
    with pytest.raises(ValueError, match="did you mean 'lr'"):
        compile_sweep(adam, rosenbrock)(l_r=0.5)


def test_a_sweep_refuses_what_does_not_fit():
    with pytest.raises(FormulaError, match="needs a rule of w and g"):
        compile_sweep(find("ewa"), rosenbrock)
    with pytest.raises(FormulaError, match="one derivative per coordinate"):
        compile_sweep(adam, define("def half(x, y):\n    return x"))
    with pytest.raises(ValueError, match="different numbers of runs"):
        compile_sweep(adam, rosenbrock)(lr=[0.1, 0.2], beta1=[0.1, 0.2, 0.3])
    with pytest.raises(FormulaError, match="one for all runs"):
        compile_sweep(adam, rosenbrock)(lr=lambda t: np.array([0.1, 0.2]))


# A sweep


def assert_same_descent(compiled, plain):
    assert_array_equal(compiled.diverged_at, plain.diverged_at)
    assert compiled.state.keys() == plain.state.keys()
    for name, array in plain.state.items():
        assert_array_equal(compiled.state[name], array, err_msg=name)


@pytest.mark.parametrize("name", ON_WEIGHTS)
def test_an_exact_sweep_is_the_run_to_the_last_bit(name):
    compiled = compile_sweep(find(name), rosenbrock, exact=True)(steps=60, lr=RATES)
    plain = run(find(name), rosenbrock, steps=60, lr=RATES, record=())
    assert_same_descent(compiled, plain)
    assert_array_equal(compiled.value, plain.value)


@pytest.mark.parametrize("name", ON_WEIGHTS)
def test_a_sweep_is_the_run_where_small_differences_stay_small(name):
    rates = np.logspace(-5, -3, 50)
    compiled = compile_sweep(find(name), rosenbrock)(steps=60, lr=rates)
    plain = run(find(name), rosenbrock, steps=60, lr=rates, record=())
    assert_array_equal(compiled.diverged_at, plain.diverged_at)
    assert_allclose(compiled.w, plain.w, rtol=1e-12)


@pytest.mark.parametrize("name", LANDSCAPES)
@pytest.mark.parametrize("rule", [adam, nesterov_lookahead], ids=lambda rule: rule.name)
def test_every_landscape_can_be_swept(name, rule):
    rates = np.logspace(-5, -3, 20)
    compiled = compile_sweep(rule, LANDSCAPES[name], exact=True)(steps=30, lr=rates)
    plain = run(rule, LANDSCAPES[name], steps=30, lr=rates, record=())
    assert_allclose(compiled.w, plain.w, rtol=1e-12)


def test_a_sweep_looks_ahead_where_the_rule_does():
    compiled = compile_sweep(nesterov_lookahead, rosenbrock, exact=True)(lr=RATES, momentum=0.95)
    assert_same_descent(compiled, run(nesterov_lookahead, rosenbrock, lr=RATES, momentum=0.95, record=()))


def test_every_hyper_parameter_start_and_number_may_differ_between_runs():
    rng = np.random.default_rng(9)
    here = rosenbrock.using(b=rng.uniform(1, 100, 300), a=2.0)
    hyper = {"lr": RATES[::-1], "beta1": rng.uniform(0, 0.99, 300), "eps": rng.uniform(0, 1, 300)}
    start = rng.standard_normal((2, 300))
    compiled = compile_sweep(adam, here)(start=start, steps=1, **hyper)
    plain = run(adam, here, start=start, steps=1, record=(), **hyper)
    assert_allclose(compiled.w, plain.w, rtol=1e-12)
    compiled = compile_sweep(adam, here)(start=start, steps=20, **(hyper | {"lr": RATES[:300] * 1e-3}))
    plain = run(adam, here, start=start, steps=20, record=(), **(hyper | {"lr": RATES[:300] * 1e-3}))
    assert_allclose(compiled.w, plain.w, rtol=1e-9)


def test_a_schedule_is_followed():
    schedule = cosine.using(lr=0.1, steps=40)
    compiled = compile_sweep(adam, rosenbrock, exact=True)(steps=40, lr=schedule, eps=[1e-8, 1e-2])
    assert_same_descent(compiled, run(adam, rosenbrock, steps=40, lr=schedule, eps=[1e-8, 1e-2], record=()))


def test_a_box_holds_the_weights():
    compiled = compile_sweep(adam, reddi, exact=True)(steps=500, lr=RATES)
    assert np.all(np.abs(compiled.w) <= 1)
    assert_same_descent(compiled, run(adam, reddi, steps=500, lr=RATES, record=()))


def test_a_gradient_of_the_readers_own_can_be_swept():
    gradient = define("""
        def slope(x, y, t, *, kappa=10.0):
            return x / t, kappa * y
    """)
    compiled = compile_sweep(gradient_descent, gradient, exact=True)(start=[1.0, 2.0], steps=9, lr=[0.1, 0.2])
    plain = run(
        gradient_descent, lambda w, t: np.array(gradient(*w, t)), start=[1, 2], steps=9, lr=[0.1, 0.2]
    )
    assert_array_equal(compiled.w, plain.w)


def test_one_run_has_no_axis_of_runs():
    compiled = compile_sweep(adam, rosenbrock, exact=True)(lr=0.01)
    plain = run(adam, rosenbrock, lr=0.01, record=())
    assert_same_descent(compiled, plain)
    assert compiled.w.shape == (2,)
    assert compiled.diverged is False


def test_a_parallel_sweep_is_the_same_sweep():
    one = compile_sweep(adam, rosenbrock)(lr=RATES)
    many = compile_sweep(adam, rosenbrock, parallel=True)(lr=RATES)
    assert_array_equal(one.w, many.w)


def test_a_float32_start_makes_a_float32_sweep():
    start = np.array(rosenbrock.start, np.float32)
    single = compile_sweep(adam, rosenbrock)(start=start, steps=30, lr=np.logspace(-4, -2, 20))
    double = compile_sweep(adam, rosenbrock)(steps=30, lr=np.logspace(-4, -2, 20))
    assert single.w.dtype == np.float32
    assert_allclose(single.w, double.w, rtol=1e-4)


# The cache

PROGRAM = """
import numpy as np
from optimlab.fast import cache_folder, compile_rule
from optimlab.rules import adam
step = compile_rule(adam)
w = np.ones(3)
step(w, np.ones(3), 1, *step.state(w), lr=0.25)
print(w, sum(step._kernels[w.dtype].stats.cache_hits.values()), cache_folder())
"""


def python(program: str, **environment) -> subprocess.CompletedProcess:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    return subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=300
    )


def test_the_next_session_finds_the_compiled_code_in_the_cache_folder(tmp_path):
    first, second = (python(PROGRAM, OPTIMLAB_CACHE=str(tmp_path / "new")) for _ in range(2))
    assert first.stdout.split("]") == ["[0.75 0.75 0.75", f" 0 {tmp_path / 'new'}\n"], first.stderr
    assert second.stdout.split("]") == ["[0.75 0.75 0.75", f" 1 {tmp_path / 'new'}\n"], second.stderr
    assert "def step(w, g, t, m, v" in next((tmp_path / "new").glob("*.py")).read_text()


def test_without_a_folder_to_write_to_everything_is_compiled_anew(tmp_path):
    (tmp_path / "file").touch()
    done = python(PROGRAM, OPTIMLAB_CACHE=str(tmp_path / "file" / "below"))
    assert done.stdout == "[0.75 0.75 0.75] 0 None\n", done.stderr
