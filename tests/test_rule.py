"""A rule: what its signature says, a step, a trace, and many runs at once."""

from __future__ import annotations

import inspect
import shutil
import subprocess
import sys
import warnings
from math import sqrt
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from writing import define

from optimlab.averages import ewa, ewa_corrected
from optimlab.catalog import RULES, find
from optimlab.formula import FormulaError
from optimlab.rule import Rule
from optimlab.rules import adam, gradient_descent

ROOT = Path(__file__).resolve().parents[1]


def rule(source: str) -> Rule:
    return Rule(define(source))


MOMENTUM = """
def momentum(w, g, v=0.0, *, lr=0.1, beta=0.9):
    v = beta * v + g
    w = w - lr * v
    return w, v
"""
# Every construct whose last bits NumPy might compute differently for one number and for an array.
EVERYTHING = """
def everything(w, g, t, v=0.0, *, lr=0.1, beta=0.9, p=1.7):
    v = beta * v + (1 - beta) * g**2
    u = abs(v) ** p / (1 - beta**t)
    s = sin(u) + cos(w) + exp(-u) + log(1 + u) + sqrt(u) + sign(g)
    w = where(s > w, minimum(w, s), maximum(w, v)) - lr * s / t**0.5
    return w, v
"""


# The signature


def test_the_signature_says_what_each_argument_is():
    assert adam.name == "adam"
    assert adam.carried == ("w", "m", "v")
    assert adam.state == {"m": 0.0, "v": 0.0}
    assert adam.inputs == ("g",)
    assert adam.hyper == {"lr": 0.001, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8}
    assert adam.quantities == ("m", "v", "m_hat", "v_hat", "w")
    assert adam.outputs == ()
    assert adam.uses_t


def test_what_is_returned_besides_is_an_output():
    assert ewa_corrected.carried == ("v",)
    assert ewa_corrected.outputs == ("v_hat",)
    assert ewa_corrected.inputs == ("theta",)
    assert ewa_corrected.uses_t
    assert not ewa.uses_t


def test_a_rule_looks_like_its_function():
    assert adam.__name__ == "adam"
    assert adam.__doc__.startswith("Adam: ")
    assert list(inspect.signature(adam).parameters)[:3] == ["w", "g", "t"]
    assert repr(adam) == "<Rule adam(w, g, t, m, v, lr, beta1, beta2, eps)>"


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("def f(w, g, v=0.0):\n    w = w - g\n    return w", "has the state v but does not return it"),
        ("def f(w, g):\n    v = w - g\n    return v", "returns none of its arguments"),
        ("def f(w, g):\n    return w - g", "returns an expression; assign it to a name"),
        ("def f(w, g, v=0.0):\n    v = v + g\n    return v, w", "in the order of the signature: w, v"),
        ("def f(w, g):\n    u = g\n    w = w - g\n    return u, w", "in the order of the signature: w, u"),
        ("def f(w, g):\n    w = w - g\n    return w, w", "returns w, w; .*in the order of the signature: w"),
        ("def f(w, g, *, lr):\n    w = w - lr * g\n    return w", "gives lr no default"),
        (
            "def f(w, *, lr=0.1):\n    w = w - lr\n    return w, lr",
            "returns lr, which a step does not change",
        ),
        ("def f(w):\n    w = pi * w\n    return w, pi", "returns pi, which a step does not change"),
        ("def f(w, t):\n    w = w - t\n    return w, t", "t is the number of the step"),
        (
            "def f(w):\n    t = 2 * w\n    w = t - w\n    return w",
            "t is the number of the step; a rule only reads it",
        ),
        ("def f(w, t=1):\n    w = w - t\n    return w", "t is the number of the step"),
    ],
)
def test_a_signature_that_does_not_say_what_is_carried_is_refused(source, message):
    with pytest.raises(FormulaError, match=rf"cell-\d+\.py, line 1: f.*{message}"):
        rule(source)


# One step


def test_a_step_is_the_function_itself():
    w, v = rule(MOMENTUM)(1.0, 2.0, 0.5, lr=0.1, beta=0.5)
    assert (w, v) == (1.0 - 0.1 * 2.25, 2.25)


def test_stepping_floats_equals_stepping_arrays_exactly():
    rng = np.random.default_rng(3)
    step = rule(
        "def f(w, g, v=0.0, *, b=0.9):\n    v = b * v + g / 3\n    w = w - sqrt(abs(v))\n    return w, v"
    )
    w, g, v = rng.standard_normal((3, 500))
    together = step(w, g, v)
    alone = [step(float(w[i]), float(g[i]), float(v[i])) for i in range(500)]
    assert_array_equal(np.transpose(alone), together)


def test_adam_steps_torch_tensors():
    torch = pytest.importorskip("torch")
    w, g = torch.tensor([1.0, -2.0], dtype=torch.float64), torch.tensor([3.0, 0.5], dtype=torch.float64)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # NumPy's, of how torch wraps np.sqrt's result
        w1, m1, v1 = adam(w, g, 1)
    assert isinstance(w1, torch.Tensor)
    # At the first step Adam moves by lr * g / (|g| + eps).
    assert w1.tolist() == pytest.approx(
        [1.0 - 1e-3 * 3 / (3 + 1e-8), -2.0 - 1e-3 * 0.5 / (0.5 + 1e-8)], rel=1e-12
    )
    assert m1.tolist() == pytest.approx([0.3, 0.05], rel=1e-12)
    assert v1.tolist() == pytest.approx([0.009, 0.00025], rel=1e-12)
    assert w.tolist() == [1.0, -2.0]


# A trace


def test_a_trace_equals_a_plain_loop():
    gradients = np.random.default_rng(0).standard_normal(50).tolist()
    trace = adam.trace(w=0.5, g=gradients, lr=0.01, beta2=0.99)
    w, m, v = 0.5, 0.0, 0.0
    for t, g in enumerate(gradients, start=1):
        m = 0.9 * m + (1 - 0.9) * g
        v = 0.99 * v + (1 - 0.99) * g * g
        m_hat, v_hat = m / (1 - 0.9**t), v / (1 - 0.99**t)
        w = w - 0.01 * m_hat / (sqrt(v_hat) + 1e-8)
        row = {name: trace[name][t] for name in trace}
        assert row == pytest.approx(
            {"g": g, "m": m, "v": v, "m_hat": m_hat, "v_hat": v_hat, "w": w}, rel=1e-13, abs=1e-15
        )
    assert trace.steps == 50


def test_a_trace_starts_with_what_is_carried_and_nothing_else():
    trace = adam.trace(w=2.0, m=0.25, g=[1.0])
    assert {name: column[0] for name, column in trace.items() if not np.isnan(column[0])} == {
        "w": 2.0,
        "m": 0.25,
        "v": 0.0,
    }
    assert list(trace) == ["g", "m", "v", "m_hat", "v_hat", "w"]


def test_a_trace_without_steps_is_the_start():
    for trace in (gradient_descent.trace(w=2.0, g=[]), gradient_descent.trace(w=2.0, g=[1, 2], steps=0)):
        assert trace.steps == 0
        assert trace["w"].tolist() == [2.0]
        assert_array_equal(trace["g"], [np.nan])


def test_fewer_steps_than_inputs_take_the_first():
    assert gradient_descent.trace(w=0.0, g=[1, 2, 4], steps=2, lr=1)["w"].tolist() == [0, -1, -3]


def test_a_trace_is_float64_whatever_is_given():
    trace = gradient_descent.trace(w=np.float32(1), g=np.array([1, 2], dtype=np.int8), lr=1)
    assert {column.dtype for column in trace.values()} == {np.dtype(np.float64)}
    assert trace["w"].tolist() == [1, 0, -2]


def test_entries_may_be_arrays():
    trace = gradient_descent.trace(w=[1.0, 2.0], g=[[1, 0], [0, 1], [1, 1]], lr=1)
    assert trace["w"].tolist() == [[1, 2], [0, 2], [0, 1], [-1, 0]]
    assert trace["g"][1:].tolist() == [[1, 0], [0, 1], [1, 1]]


def test_a_scalar_start_is_the_start_of_every_entry():
    assert ewa.trace(theta=[[1, 2], [3, 4]], beta=0.5)["v"].tolist() == [[0, 0], [0.5, 1], [1.75, 2.5]]


def test_a_gradient_may_be_a_function_of_w():
    trace = gradient_descent.trace(w=1.0, g=lambda w: 2 * w, steps=3, lr=0.25)
    assert trace["w"].tolist() == [1, 0.5, 0.25, 0.125]
    assert trace["g"][1:].tolist() == [2, 1, 0.5]


def test_a_gradient_of_one_weight_gets_a_number_and_not_an_array():
    kinds = []
    gradient_descent.trace(w=1, g=lambda w: kinds.append(isinstance(w, float)) or w, steps=3)
    assert kinds == [True, True, True]


def test_a_hyper_parameter_may_be_a_function_of_the_step():
    seen = []
    trace = gradient_descent.trace(w=0.0, g=[1, 1, 1], lr=lambda t: seen.append(t) or 1 / t)
    assert trace["w"][1:] == pytest.approx([-1, -1.5, -1.5 - 1 / 3], rel=1e-15)
    assert seen == [1, 2, 3]


def test_a_gradient_that_reuses_or_changes_its_arrays_changes_no_step():
    buffer = np.empty(2)

    def gradient(w):
        buffer[:] = 2 * w
        w *= 0
        return buffer

    trace = gradient_descent.trace(w=[1.0, 2.0], g=gradient, steps=2, lr=0.25)
    assert trace["w"].tolist() == [[1, 2], [0.5, 1], [0.25, 0.5]]
    assert trace["g"][1:].tolist() == [[2, 4], [1, 2]]


def test_no_array_of_the_caller_is_changed_or_shared():
    given = {
        "w": np.array([1.0, 2.0]),
        "g": np.array([[1.0, 1.0], [2.0, 2.0]]),
        "v": np.array([0.5, 0.5]),
        "lr": np.array([0.1, 0.2]),
    }
    copies = {name: value.copy() for name, value in given.items()}
    trace = rule(MOMENTUM).trace(**given)
    for name in trace:
        assert not any(np.shares_memory(trace[name], value) for value in given.values())
        trace[name][...] = -1
    for name, value in given.items():
        assert_array_equal(value, copies[name])


def test_overflow_and_division_by_zero_are_results_and_not_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        overflow = rule("def f(w):\n    w = w**2\n    return w").trace(w=1e200, steps=2)
        division = rule("def f(w, g):\n    u = w / g\n    v = u - u\n    return w, u, v").trace(
            w=1.0, g=[0.0]
        )
        root = rule("def f(w):\n    u = sqrt(w) + log(w)\n    return w, u").trace(w=-1.0, steps=1)
    assert overflow["w"].tolist() == [1e200, np.inf, np.inf]
    assert division["u"][1] == np.inf
    assert np.isnan(division["v"][1])
    assert np.isnan(root["u"][1])


def test_a_trace_leaves_numpys_warnings_as_they_were():
    before = np.geterr()
    gradient_descent.trace(w=1e308, g=lambda w: -10 * w, steps=3, lr=10)
    assert np.geterr() == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"w": 1, "g": [1], "beta3": 0.9},
            r"adam has no argument 'beta3' \(did you mean 'beta\d'\?\); it has w, g",
        ),
        ({"w": 1, "g": [1], "learning_rate": 1}, "no argument 'learning_rate'.*lr, beta1, beta2, eps"),
        ({"w": 1, "g": [1], "t": 1}, "no argument 't'"),
        ({"g": [1]}, r"adam needs w; pass each by name, such as w=\.\.\."),
        ({}, "adam needs w, g"),
        ({"w": 1, "g": 2.0}, "g=2.0; an input is a sequence with one entry per step"),
        ({"w": 1, "g": ["a"]}, r"g=\['a'\]; expected a number or an array of numbers"),
        ({"w": 1, "g": [[1], [1, 2]]}, "g=.*expected a number or an array of numbers"),
        ({"w": None, "g": [1]}, "w=None; expected a number"),
        ({"w": 1, "g": [1], "lr": None}, "lr=None; expected a number"),
        ({"w": 1j, "g": [1]}, "w=1j; expected a number"),
        ({"w": 1, "g": lambda w: w}, r"cannot tell how many steps to make; pass steps=\.\.\."),
        ({"w": 1, "g": lambda w: None, "steps": 1}, "g=None; expected a number"),
        ({"w": 1, "g": [1], "lr": lambda t: "fast"}, "lr='fast'; expected a number"),
        ({"w": 1, "g": [1], "steps": 2}, "steps=2 but inputs of length.*1"),
        ({"w": 1, "g": [1], "steps": -1}, "steps=-1; expected 0 or more"),
    ],
)
def test_arguments_that_do_not_fit_are_refused_by_name(arguments, message):
    with pytest.raises(FormulaError, match=message):
        adam.trace(**arguments)


def test_inputs_of_different_lengths_are_refused_with_their_lengths():
    two = rule("def f(w, g, h):\n    w = w - g * h\n    return w")
    with pytest.raises(FormulaError, match=r"inputs of f differ in length: \{'g': 2, 'h': 3\}"):
        two.trace(w=0, g=[1, 2], h=[1, 2, 3])


def test_an_input_of_a_rule_without_w_cannot_be_a_function():
    with pytest.raises(FormulaError, match="ewa carries no w that theta could be a function of"):
        ewa.trace(theta=lambda w: w, steps=2)


def test_an_unknown_quantity_is_answered_with_the_nearest():
    trace = adam.trace(w=1, g=[1])
    with pytest.raises(
        KeyError, match=r"adam has no quantity 'mhat' \(did you mean 'm_hat'\?\); it has g, m"
    ):
        trace["mhat"]
    assert "mhat" not in trace


def test_the_table_of_a_trace_is_its_text():
    trace = rule(MOMENTUM).trace(w=1, g=[1, -0.5], lr=0.1, beta=0.5)
    assert repr(trace).splitlines() == [
        "t     g  v    w",
        "-  ----  -  ---",
        "0        0    1",
        "1     1  1  0.9",
        "2  -0.5  0  0.9",
    ]


def test_the_table_has_a_column_for_every_entry():
    header = gradient_descent.trace(w=[1, 2], g=[[1, 1]]).table().splitlines()[0]
    assert header.split() == ["t", "g[0]", "g[1]", "w[0]", "w[1]"]


# Many runs at once


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 2**32 - 1), runs=st.integers(1, 40))
def test_runs_together_equal_the_runs_one_by_one_exactly(seed, runs):
    rng = np.random.default_rng(seed)
    every = rule(EVERYTHING)
    hyper = {
        "lr": 10 ** rng.uniform(-3, 1, runs),
        "beta": rng.uniform(0, 0.999, runs),
        "p": rng.uniform(0.2, 3, runs),
    }
    w = rng.standard_normal((2, runs))
    gradients = rng.standard_normal((30, 2, 1))
    together = every.trace(w=w, g=gradients, **hyper)
    for run in range(runs):
        alone = every.trace(
            w=w[:, run], g=gradients[:, :, 0], **{name: value[run] for name, value in hyper.items()}
        )
        for name in ("v", "u", "s", "w"):
            assert_array_equal(together[name][1:, :, run], alone[name][1:], err_msg=name)


@pytest.mark.parametrize("name", RULES)
def test_runs_of_every_shipped_rule_equal_the_runs_of_plain_numbers_exactly(name):
    shipped, rng, runs = find(name), np.random.default_rng(7), 33
    inputs = {n: rng.standard_normal(60) for n in shipped.inputs}
    start = {n: rng.standard_normal(runs) for n in shipped.carried if n not in shipped.state}
    hyper = {n: value * rng.uniform(0.5, 1.001, runs) for n, value in shipped.hyper.items()}
    together = shipped.trace(**inputs, **start, **hyper)
    for run in range(runs):
        alone = shipped.trace(**inputs, **{n: value[run] for n, value in {**start, **hyper}.items()})
        for quantity in shipped.quantities:
            column = together[quantity][1:]  # one column for all where no hyper-parameter reaches it
            column = column[:, run] if column.ndim == 2 else column
            assert_array_equal(column, alone[quantity][1:], err_msg=quantity)


def test_a_gradient_function_gets_all_runs_with_the_runs_last():
    shapes = []

    def gradient(w):
        shapes.append(w.shape)
        return np.array([2.0, 20.0])[:, None] * w

    trace = gradient_descent.trace(w=np.ones((2, 3)), g=gradient, steps=2, lr=[0.0, 0.05, 0.1])
    assert shapes == [(2, 3), (2, 3)]
    assert trace["w"][-1] == pytest.approx(np.array([[1, 0.81, 0.64], [1, 0, 1]]), abs=1e-12)


# The same as PyTorch's


@settings(deadline=None, max_examples=25)
@example(seed=1463, lr=1.0, beta1=3.8e-6, beta2=0.0, eps=2.4e-5)
@given(
    seed=st.integers(0, 2**32 - 1),
    lr=st.floats(1e-5, 1.0),
    beta1=st.floats(0.0, 0.999),
    beta2=st.floats(0.0, 0.9999),
    eps=st.floats(1e-12, 1e-3),
)
def test_adam_equals_torch_over_200_random_steps(seed, lr, beta1, beta2, eps):
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(seed)
    start, gradients = rng.standard_normal(4), rng.standard_normal((200, 4))
    parameter = torch.tensor(start, requires_grad=True)
    optimizer = torch.optim.Adam([parameter], lr=lr, betas=(beta1, beta2), eps=eps)
    steps = []
    for gradient in gradients:
        parameter.grad = torch.tensor(gradient)
        optimizer.step()
        steps.append(parameter.detach().numpy().copy())
    trace = adam.trace(w=start, g=gradients, lr=lr, beta1=beta1, beta2=beta2, eps=eps)
    # PyTorch averages as m + (1 - beta1)(g - m): that rounds otherwise, and a small root multiplies it.
    rounding = 1e-15 * lr * np.abs(gradients).max() / (np.sqrt(trace["v_hat"][-200:]) + eps)
    off = np.abs(trace["w"][1:] - steps)
    assert np.all(off <= 1e-12 * (1 + np.abs(steps)) + np.cumsum(rounding, axis=0))


def test_gradient_descent_equals_torch():
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(5)
    start, gradients = rng.standard_normal(4), rng.standard_normal((200, 4))
    parameter = torch.tensor(start, requires_grad=True)
    optimizer = torch.optim.SGD([parameter], lr=0.07)
    for gradient in gradients:
        parameter.grad = torch.tensor(gradient)
        optimizer.step()
    trace = gradient_descent.trace(w=start, g=gradients, lr=0.07)
    np.testing.assert_allclose(trace["w"][-1], parameter.detach().numpy(), rtol=1e-12, atol=1e-12)


# The catalog


def test_the_catalog_finds_every_rule_by_its_name_and_answers_others_with_the_nearest():
    assert find("adam") is adam
    assert find("ewa") is ewa
    with pytest.raises(
        FormulaError, match=r"no rule 'adm' \(did you mean 'adam'\?\); known are gradient_descent"
    ):
        find("adm")


# The package


def test_the_core_imports_nothing_but_numpy_and_the_standard_library():
    code = (
        "import sys, optimlab\n"
        "from optimlab import formula, rule, rules, averages, translate, format, catalog\n"
        "rules.adam.latex(), rules.adam.javascript(), rules.adam.trace(w=1, g=[1])\n"
        "print(*{name.partition('.')[0] for name, m in sys.modules.items() if m})\n"
    )
    plain = subprocess.run(
        [sys.executable, "-c", "import sys, numpy; print(*{n.partition('.')[0] for n in sys.modules})"],
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    more = set(loaded.stdout.split()) - set(plain.stdout.split()) - set(sys.stdlib_module_names)
    assert more == {"optimlab"}


def test_the_package_installs_from_git_without_node(tmp_path):
    def run(*command, **more):
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, **more)
        assert done.returncode == 0, done.stderr
        return done.stdout

    # A repository of its own with what the last commit holds: pip cannot clone from a shallow checkout.
    source, tools, target = tmp_path / "source", tmp_path / "tools", tmp_path / "target"
    run("git", "archive", "--output", tmp_path / "head.tar", "HEAD", cwd=ROOT)
    shutil.unpack_archive(tmp_path / "head.tar", source, filter="data")
    run("git", "init", "--quiet", cwd=source)
    run("git", "add", "--all", "--force", cwd=source)
    run("git", "-c", "user.name=A", "-c", "user.email=a@b.c", "commit", "--quiet", "-m", "Copy", cwd=source)

    tools.mkdir()
    (tools / "git").symlink_to(shutil.which("git"))  # git alone is on the path: no Node, no npm
    pip = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-build-isolation",
        "--no-deps",
        "--no-index",
    ]
    environment = {"PATH": str(tools), "HOME": str(tmp_path)}
    run(*pip, f"--target={target}", f"git+{source.as_uri()}", env=environment)
    assert len(list(target.glob("optimlab-*.dist-info"))) == 1
    assert (target / "optimlab/widgets/optimlab.js").stat().st_size > 0
    assert (target / "optimlab/walkthroughs/ewa.yaml").stat().st_size > 0

    code = "import optimlab; from optimlab.catalog import find; print(optimlab.__file__, find('ewa'))"
    printed = run(sys.executable, "-c", code, cwd=tmp_path, env={"PYTHONPATH": str(target)})
    assert printed == f"{target}/optimlab/__init__.py <Rule ewa(theta, v, beta)>\n"
