"""Landscapes: derivatives against autograd and finite differences, points, curvature, the browser."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from writing import define

from optimlab import landscapes
from optimlab.formula import FormulaError
from optimlab.landscapes import (
    LANDSCAPES,
    Landscape,
    best_rate,
    booth,
    classify,
    condition_number,
    double_well,
    eigenvalues,
    four_points,
    four_points_line,
    four_points_online,
    himmelblau,
    landscape,
    matyas,
    monkey_saddle,
    plateau,
    ravine,
    reddi,
    rosenbrock,
    rotated,
    saddle,
    sparse_dense,
    sparse_dense_online,
    stability_limit,
)

TORCH = {
    "sqrt": torch.sqrt,
    "exp": torch.exp,
    "sin": lambda x: torch.sin(torch.as_tensor(x, dtype=torch.float64)),
    "cos": lambda x: torch.cos(torch.as_tensor(x, dtype=torch.float64)),
    "floor": lambda x: torch.floor(torch.as_tensor(x, dtype=torch.float64)),
    "where": lambda c, a, b: torch.where(
        torch.as_tensor(c), *(torch.as_tensor(x, dtype=torch.float64) for x in (a, b))
    ),
}
NUMBERS = {name: st.floats(0.5, 4) for name in ("kappa", "sigma", "steep", "slope", "a", "b", "C", "tilt")}
NUMBERS |= {"share": st.floats(0.05, 0.95), "angle": st.floats(-3, 3), "period": st.integers(1, 7)}
STILL = [name for name, shape in LANDSCAPES.items() if not shape.online]
each = pytest.mark.parametrize("name", LANDSCAPES)


@st.composite
def anywhere(draw, shape):
    """A point in the window of a landscape with any numbers, and a step if it needs one."""
    hyper = {name: draw(NUMBERS[name]) for name in shape.hyper if name in NUMBERS}
    w = np.array([draw(st.floats(low, high)) for low, high in shape.window])
    return shape.using(**hyper), w, (draw(st.integers(1, 30)),) if shape.online else ()


def autograd(shape: Landscape):
    """Return the value as a function of a torch tensor, from the same text."""
    compute = shape.formulas["value"].bind_results(TORCH)

    def value(w, *t):
        (result,) = compute(*w, *t, *shape.hyper.values())
        return result

    return value


def central(function, w, step=1e-5):
    moves = np.eye(len(w)) * step
    return np.array([(function(w + move) - function(w - move)) / (2 * step) for move in moves])


@each
@settings(deadline=None, max_examples=40)
@given(data=st.data())
def test_gradient_and_hessian_equal_autograd_of_the_value(name, data):
    shape, w, t = data.draw(anywhere(LANDSCAPES[name]))
    value = autograd(shape)
    point = torch.tensor(w, requires_grad=True)
    assert value(point, *t).item() == pytest.approx(shape.value(w, *t), rel=1e-12, abs=1e-12)
    gradient = torch.autograd.functional.jacobian(lambda p: value(p, *t), point).numpy()
    hessian = torch.autograd.functional.hessian(lambda p: value(p, *t), point).numpy()
    size = 1 + np.abs(hessian).max() + np.abs(gradient).max()
    np.testing.assert_allclose(shape.gradient(w, *t), gradient, rtol=1e-12, atol=1e-13 * size)
    np.testing.assert_allclose(shape.hessian(w, *t), hessian, rtol=1e-12, atol=1e-13 * size)


@each
@settings(deadline=None, max_examples=40)
@given(data=st.data())
def test_gradient_and_hessian_equal_finite_differences(name, data):
    shape, w, t = data.draw(anywhere(LANDSCAPES[name]))
    size = 1 + np.abs(shape.hessian(w, *t)).max() + np.abs(shape.value(w, *t))
    slope, curvature = (
        central(lambda p: shape.value(p, *t), w),
        central(lambda p: shape.gradient(p, *t), w),
    )
    np.testing.assert_allclose(shape.gradient(w, *t), slope, rtol=1e-6, atol=1e-6 * size)
    np.testing.assert_allclose(shape.hessian(w, *t), curvature, rtol=1e-6, atol=1e-6 * size)


@each
@settings(deadline=None, max_examples=20)
@given(data=st.data())
def test_many_points_give_exactly_what_each_gives_alone(name, data):
    shape = LANDSCAPES[name]
    points = [data.draw(anywhere(shape))[1] for _ in range(5)]
    t = (data.draw(st.integers(1, 30)),) if shape.online else ()
    together = np.stack(points, axis=-1)
    n = shape.dimension
    assert shape.value(together, *t).shape == (5,)
    assert shape.gradient(together, *t).shape == (n, 5)
    assert shape.hessian(together, *t).shape == (n, n, 5)
    for r, w in enumerate(points):
        assert shape.value(w, *t) == shape.value(together, *t)[r]
        np.testing.assert_array_equal(shape.gradient(w, *t), shape.gradient(together, *t)[:, r])
        np.testing.assert_array_equal(shape.hessian(w, *t), shape.hessian(together, *t)[..., r])
        np.testing.assert_array_equal(shape.slope()(w, *(t or (1,))), shape.gradient(w, *t))


@each
def test_the_gradient_is_zero_at_every_point_that_is_known(name):
    shape = LANDSCAPES[name]
    t = (1,) if shape.online else ()
    assert shape.points
    for point in shape.points if shape.box is None else []:
        # Only the rounding of the point itself is left.
        rounding = 1e-15 * np.abs(shape.hessian(point.w, *t)).sum() * max(1, *map(abs, point.w))
        assert np.abs(shape.gradient(point.w, *t)).max() <= rounding


KINDS = {
    "himmelblau": ["minimum"] * 4 + ["saddle"] * 4 + ["maximum"],
    "beale": ["minimum", "saddle"],
    "double_well": ["minimum", "maximum", "minimum"],
    "saddle": ["saddle"],
    "monkey_saddle": ["saddle"],
}


@each
def test_a_landscape_says_of_each_of_its_points_what_it_is(name):
    assert [point.kind for point in LANDSCAPES[name].points] == KINDS.get(name, ["minimum"])


@pytest.mark.parametrize("name", STILL)
def test_around_a_minimum_the_landscape_rises_around_a_saddle_it_does_both(name):
    shape = LANDSCAPES[name]
    directions = np.array([[1.0, -1.0]]) if shape.dimension == 1 else None
    if directions is None:
        angles = np.linspace(0, 2 * np.pi, 60, endpoint=False)
        directions = np.array([np.cos(angles), np.sin(angles)])
    for point in shape.points:
        around = shape.value(np.array(point.w)[:, None] + 1e-3 * directions) - point.value
        rises, falls = (around > 0).any(), (around < 0).any()
        assert (rises, falls) == {
            "minimum": (True, False),
            "maximum": (False, True),
            "saddle": (True, True),
        }[point.kind]


@pytest.mark.parametrize("name", [name for name in STILL if LANDSCAPES[name].minima])
def test_no_point_of_the_window_is_lower_than_the_lowest_minimum(name):
    shape = LANDSCAPES[name]
    axes = [np.linspace(low, high, 201) for low, high in shape.window]
    assert shape.value(np.array(np.meshgrid(*axes))).min() >= shape.minima[0].value - 1e-12


@each
def test_start_and_minima_lie_in_the_window(name):
    shape = LANDSCAPES[name]
    for point in [shape.start, *(point.w for point in shape.minima)]:
        assert all(low <= x <= high for x, (low, high) in zip(point, shape.window, strict=True))


# The browser and the page


@pytest.fixture(scope="module")
def engine(browser):
    page = browser.new_page()
    yield page
    page.close()


@each
def test_the_browser_computes_the_same_value_gradient_and_hessian(engine, name):
    shape = LANDSCAPES[name]
    rng = np.random.default_rng(len(name))
    points = np.array([rng.uniform(low, high, 40) for low, high in shape.window])
    steps = np.arange(1, 41)
    found = engine.evaluate(
        "([text, points]) => { const f = (0, eval)(text);"
        "const all = ['value', 'gradient', 'hessian'];"
        "return points.map((w, i) => all.map((what) => f[what](w, {}, i + 1)));}",
        [shape.javascript(), points.T.tolist()],
    )
    for w, t, (value, gradient, hessian) in zip(points.T, steps, found, strict=True):
        clock = (t,) if shape.online else ()
        np.testing.assert_allclose(value, shape.value(w, *clock), rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(gradient, shape.gradient(w, *clock), rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(hessian, shape.hessian(w, *clock), rtol=1e-12, atol=1e-12)


@each
def test_the_browser_knows_the_window_the_start_and_the_numbers(engine, name):
    shape = LANDSCAPES[name]
    found = json.loads(
        engine.evaluate("(text) => JSON.stringify((0, eval)(text))", shape.javascript())
    )  # functions are left out
    assert found == {
        "name": name,
        "coordinates": list(shape.coordinates),
        "hyper": shape.hyper,
        "window": [list(ends) for ends in shape.window],
        "start": list(shape.start),
        "box": None if shape.box is None else list(shape.box),
        "online": shape.online,
    }


def test_the_browser_takes_other_numbers(engine):
    found = engine.evaluate("(text) => (0, eval)(text).gradient([1, 2], {kappa: 3})", ravine.javascript())
    assert found == [2, 12]


@each
@pytest.mark.parametrize("what", ["value", "gradient", "hessian"])
def test_the_latex_of_a_landscape_has_one_line_per_result_and_its_braces_balance(name, what):
    shape = LANDSCAPES[name]
    latex = shape.latex(what)
    formula = shape.formulas[what]
    assert latex.count(" &= ") == len(formula.body) + len(formula.result)
    assert latex.count("{") == latex.count("}")
    assert latex.count(r"\left") == latex.count(r"\right")
    assert latex.count(r"\begin{") == latex.count(r"\end{")


def test_a_landscape_is_set_as_a_mathematician_writes_it():
    assert rosenbrock.latex().splitlines()[1] == r"f(x, y) &= (a - x)^{2} + b \, (y - x^{2})^{2}"
    assert r"\frac{\partial f}{\partial y} &= 2 \, b" in rosenbrock.latex("gradient")
    assert r"\frac{\partial^2 f}{\partial x \, \partial y} &= -" in rosenbrock.latex("hessian")
    assert reddi.latex().splitlines()[1].startswith("f_{t}(x) &=")
    assert rosenbrock._repr_latex_() == f"$${rosenbrock.latex()}$$"


# Known facts


@given(st.floats(1, 1e6), st.floats(-3, 3))
def test_turning_a_ravine_changes_no_curvature(kappa, angle):
    flat, turned = ravine.using(kappa=kappa), rotated.using(kappa=kappa, angle=angle)
    at = np.zeros(2)
    np.testing.assert_allclose(
        eigenvalues(turned.hessian(at)), eigenvalues(flat.hessian(at)), rtol=1e-9 * kappa**0.5
    )
    assert condition_number(flat.hessian(at)) == pytest.approx(kappa)


def test_condition_numbers_of_the_known_quadratics():
    at = np.zeros(2)
    assert condition_number(booth.hessian(at)) == pytest.approx(9)
    assert condition_number(matyas.hessian(at)) == pytest.approx(25)
    assert condition_number(rosenbrock.hessian([1, 1])) == pytest.approx(2508, rel=1e-3)


def test_on_the_ravine_gradient_descent_is_stable_below_a_tenth():
    hessian = ravine.hessian(np.zeros(2))
    assert stability_limit(hessian) == pytest.approx(0.1)
    assert best_rate(hessian) == pytest.approx(1 / 11)


@given(st.floats(0.01, 100), st.floats(0.01, 100))
def test_below_the_limit_every_mode_shrinks_and_the_best_rate_shrinks_the_slowest_most(a, b):
    hessian = np.diag([a, b])

    def slowest(rate):
        return max(abs(1 - rate * a), abs(1 - rate * b))

    limit, best = stability_limit(hessian), best_rate(hessian)
    assert slowest(0.999 * limit) < 1 < slowest(1.001 * limit)
    kappa = condition_number(hessian)
    assert slowest(best) == pytest.approx((kappa - 1) / (kappa + 1), abs=1e-12)
    assert slowest(best) <= min(slowest(0.99 * best), slowest(1.01 * best)) + 1e-12


def test_a_landscape_without_positive_curvature_has_no_limit_and_no_best_rate():
    assert stability_limit(np.diag([-1.0, -2.0])) == np.inf
    with pytest.raises(ValueError, match="needs all of them positive"):
        best_rate(saddle.hessian([0, 0]))


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ((1, 2), "minimum"),
        ((-1, -2), "maximum"),
        ((-1, 2), "saddle"),
        ((0, 2), "undecided"),
        ((0, -2), "undecided"),
        ((0, 0), "undecided"),
        ((1e-12, 1), "undecided"),
        ((-1e-12, 1, -1), "saddle"),
    ],
)
def test_the_signs_of_the_eigenvalues_say_what_a_point_is(values, kind):
    rng = np.random.default_rng(0)
    turn, _ = np.linalg.qr(rng.normal(size=(len(values), len(values))))
    hessian = turn @ np.diag(np.array(values, float)) @ turn.T
    assert classify((hessian + hessian.T) / 2) == kind


def test_the_monkey_saddle_is_flat_to_second_order():
    assert classify(monkey_saddle.hessian([0, 0])) == "undecided"


def test_many_hessians_have_many_eigenvalues():
    points = np.random.default_rng(0).normal(size=(2, 6))
    found = eigenvalues(rosenbrock.hessian(points))
    assert found.shape == (2, 6)
    for r in range(6):
        np.testing.assert_allclose(found[:, r], np.linalg.eigvalsh(rosenbrock.hessian(points[:, r])))
    assert condition_number(rosenbrock.hessian(points)).shape == (6,)
    assert stability_limit(rosenbrock.hessian(points)).shape == (6,)


def test_the_left_well_is_the_lower_and_a_strong_tilt_leaves_one():
    left, right = double_well.minima
    assert left.w[0] == pytest.approx(-1.035579, abs=1e-6)
    assert right.w[0] == pytest.approx(0.960149, abs=1e-6)
    assert left.value < right.value
    assert len(double_well.using(tilt=2.0).points) == 1


def test_the_four_points_of_the_notes_lie_on_a_line_of_slope_5():
    assert four_points.minima[0].w == (5,)
    assert four_points_line.minima[0].w == (5, 0)
    # At w = 3 the notes compute the gradients -16, -4, -36, -1, with 2 (w x - y) x.
    alone = [four_points_online.gradient([3], t)[0] for t in (1, 2, 3, 4, 5)]
    assert alone == [-16, -4, -36, -1, -16]
    assert four_points.gradient([3])[0] == np.mean(alone[:4])


def test_one_example_at_a_time_is_on_average_the_whole():
    w = np.array([0.3, -0.8])
    steps = range(1, 11)
    mean = np.mean([sparse_dense_online.gradient(w, t) for t in steps], axis=0)
    np.testing.assert_allclose(mean, sparse_dense.gradient(w), rtol=1e-13)
    assert np.mean([sparse_dense_online.value(w, t) for t in steps]) == pytest.approx(sparse_dense.value(w))
    assert [sparse_dense_online.gradient(w, t)[1] != 0 for t in steps] == [False] * 9 + [True]


def test_three_steps_of_the_counterexample_together_slope_up():
    slopes = [reddi.gradient([0.2], t)[0] for t in range(1, 7)]
    assert slopes == [3, -1, -1, 3, -1, -1]
    assert sum(slopes) > 0
    assert reddi.minima[0].w == (-1,)


def test_far_out_on_the_plateau_hardly_any_gradient_is_left():
    assert np.abs(plateau.gradient([4, 4])).max() < 1e-6
    assert plateau.value([4, 4]) == pytest.approx(1, abs=1e-6)


def test_himmelblau_is_zero_at_four_points():
    assert [round(point.value, 12) for point in himmelblau.minima] == [0] * 4


# What is refused


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: rosenbrock.value([1, 2, 3]),
            r"rosenbrock got a point of shape \(3,\); expected \(2,\), or \(2, R\)",
        ),
        (lambda: rosenbrock.value(1.0), r"got a point of shape \(\)"),
        (lambda: rosenbrock.value([1, 2], 3), "does not change with the step; leave out t=3"),
        (lambda: reddi.value([1]), "changes with the step: give t=1, 2"),
        (lambda: rosenbrock.using(c=1), r"rosenbrock has no number 'c'.*; it has a, b"),
        (lambda: ravine.using(kapa=1), r"did you mean 'kappa'"),
        (lambda: ravine.using(kappa=np.inf), "ravine got kappa=inf; expected finite numbers"),
        (lambda: ravine.using(kappa="x"), "expected finite numbers"),
        (lambda: rosenbrock.latex("slope"), "rosenbrock has no 'slope'.*; it has value, gradient, hessian"),
        (lambda: landscapes.find("rosenbrok"), r"did you mean 'rosenbrock'"),
        (lambda: ravine.using(kappa=[1, 2]).javascript(), "has arrays for kappa"),
        (lambda: ravine.using(kappa=[1, 2]).points, "points are those of many landscapes"),
        (lambda: eigenvalues(np.ones((2, 3))), r"shape \(2, 3\); expected \(n, n\)"),
        (lambda: eigenvalues([[1, 2], [3, 4]]), "not symmetric"),
        (lambda: eigenvalues([[np.nan, 2], [2, 4]]), "not finite"),
    ],
)
def test_what_does_not_fit_is_refused_with_what_was_given_and_what_is_expected(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_a_landscape_of_ones_own_has_everything(engine):
    own = landscape(window=((-1, 1),), start=(1,))(define("def bowl(x, *, a=1.0):\n    return a * x**2"))
    own.has_gradient(define("def g(x, *, a):\n    return 2 * a * x"))
    assert own.value([3]) == 9
    assert own.using(a=2).gradient([3]).tolist() == [12]
    assert own.points == []
    assert own.minima == []
    assert engine.evaluate("(text) => (0, eval)(text).value([3])", own.javascript()) == 9
    with pytest.raises(ValueError, match=r"bowl declares no hessian; add it with @bowl\.has_hessian"):
        own.hessian([3])


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("def g(y):\n    return y", "the gradient of bowl takes y; expected x"),
        ("def g(x, *, b):\n    return b * x", "takes b; bowl has a"),
        ("def g(x):\n    return x, x", "returns 2 values; expected 1"),
    ],
)
def test_a_gradient_that_does_not_belong_to_the_value_is_refused(source, message):
    own = landscape(window=((-1, 1),), start=(1,))(define("def bowl(x, *, a=1.0):\n    return a * x**2"))
    with pytest.raises(FormulaError, match=message):
        own.has_gradient(define(source))


def test_a_landscape_needs_a_window_and_a_start_for_every_coordinate():
    with pytest.raises(FormulaError, match="one range and one start"):
        landscape(window=((-1, 1),), start=(1, 2))(define("def f(x, y):\n    return x * y"))
    with pytest.raises(FormulaError, match="gives a no default"):
        landscape(window=((-1, 1),), start=(1,))(define("def f(x, *, a):\n    return x * a"))


def test_every_landscape_is_found_by_its_name():
    for name, shape in LANDSCAPES.items():
        assert landscapes.find(name) is shape
        assert name in repr(shape)
        assert shape.__doc__
