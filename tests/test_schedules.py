"""Schedules: equal to torch's step by step, to their JavaScript, and clear about what they refuse."""

from __future__ import annotations

import doctest
import json
import re

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from writing import define

from optimlab import catalog, schedules
from optimlab.formula import FormulaError
from optimlab.rules import gradient_descent
from optimlab.schedules import (
    ReduceOnPlateau,
    Schedule,
    Warmup,
    constant,
    cosine,
    cyclic,
    exponential,
    linear,
    one_cycle,
    polynomial,
    range_test,
    read_range_test,
    step,
    warm_restarts,
    warmup,
)

ALL = {value.name: value for value in vars(schedules).values() if isinstance(value, Schedule)}
STEPS = 120
CASES = [
    constant,
    step,
    step.using(every=7, gamma=0.5, lr=2.0),
    exponential,
    exponential.using(gamma=1.0),
    warm_restarts,
    warm_restarts.using(factor=2),
    warm_restarts.using(period=3, factor=3, lr_min=0.01),
    cyclic,
    cyclic.using(up=3, down=11, lr=0.5),
    linear,
    linear.using(start=0.7, end=0.2, steps=33),
    polynomial,
    polynomial.using(power=2.5),
    polynomial.using(power=0.5, steps=37),
    cosine,
    cosine.using(steps=33, lr_min=0.02),
    one_cycle.using(steps=STEPS),
    one_cycle.using(steps=STEPS, rise=0.13, lr=3.0, div=10.0, final_div=50.0),
    range_test.using(steps=STEPS),
]
WARM = [schedule for schedule in CASES if schedule.name != "linear"]


def by_torch(program: str, steps: int, losses=None) -> np.ndarray:
    """Run the program and return the rate that each step was made with."""
    names = {"parameters": [torch.nn.Parameter(torch.zeros(1))]}
    exec(program, names)
    optimizer, scheduler = names["optimizer"], names["scheduler"]
    rates = []
    for t in range(steps):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        if t < steps - 1:  # one-cycle refuses one more
            scheduler.step(*([] if losses is None else [losses[t]]))
    return np.array(rates)


@pytest.mark.parametrize("schedule", CASES, ids=repr)
def test_the_torch_code_of_a_schedule_sets_the_same_rate_at_every_step(schedule):
    found = by_torch(schedule.torch_code(), STEPS)
    np.testing.assert_allclose(schedule(np.arange(1, STEPS + 1)), found, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("schedule", WARM, ids=repr)
@pytest.mark.parametrize(("steps", "start"), [(1, 0.5), (20, 0.1), (33, 1.0)])
def test_the_torch_code_of_a_warm_up_before_it_sets_the_same_rate_at_every_step(schedule, steps, start):
    warm = warmup(schedule, steps, start)
    found = by_torch(warm.torch_code(), STEPS)
    np.testing.assert_allclose(warm(np.arange(1, STEPS + 1)), found, rtol=1e-12, atol=1e-12)


rates = st.floats(1e-4, 10)
shares = st.floats(0.05, 1)
counts = st.integers(2, 60)
ANY = {
    "constant": st.builds(constant.using, lr=rates),
    "step": st.builds(step.using, lr=rates, gamma=shares, every=counts),
    "exponential": st.builds(exponential.using, lr=rates, gamma=shares),
    "warm_restarts": st.builds(
        warm_restarts.using, lr=rates, period=counts, factor=st.integers(1, 4), lr_min=st.floats(0, 5e-5)
    ),
    "cyclic": st.builds(cyclic.using, lr=rates, lr_min=st.floats(1e-5, 1e-4), up=counts, down=counts),
    "linear": st.builds(linear.using, lr=rates, start=shares, end=shares, steps=counts),
    "polynomial": st.builds(polynomial.using, lr=rates, steps=counts, power=st.floats(0.1, 4)),
    "cosine": st.builds(cosine.using, lr=rates, steps=counts, lr_min=st.floats(0, 5e-5)),
    "one_cycle": st.builds(
        one_cycle.using, lr=rates, steps=st.integers(20, 60), rise=st.floats(0.1, 0.9), div=st.floats(1, 50)
    ),
    "range_test": st.builds(range_test.using, lr=rates, lr_min=st.floats(1e-8, 1e-5), steps=counts),
}


@pytest.mark.parametrize("name", ALL)
@settings(deadline=None, max_examples=40)
@given(data=st.data())
def test_any_valid_schedule_equals_its_torch_code(name, data):
    schedule = data.draw(ANY[name])
    steps = STEPS if schedule.length is None else int(schedule.length)
    found = by_torch(schedule.torch_code(), steps)
    np.testing.assert_allclose(schedule(np.arange(1, steps + 1)), found, rtol=1e-12, atol=1e-12)


losses = st.lists(st.floats(0.1, 10) | st.sampled_from([1.0, 2.0]), min_size=1, max_size=60)


@settings(deadline=None)
@given(
    losses,
    st.builds(
        ReduceOnPlateau,
        lr=st.floats(1e-3, 1),
        factor=st.floats(0, 0.99),
        patience=st.integers(0, 4),
        cooldown=st.integers(0, 3),
        threshold=st.floats(0, 0.2),
        lr_min=st.floats(0, 1e-3),
        eps=st.sampled_from([0, 1e-8, 0.1]),
    ),
)
def test_the_torch_code_of_reduce_on_plateau_sets_the_same_rates(losses, plateau):
    found = by_torch(plateau.torch_code(), len(losses), losses)
    np.testing.assert_allclose(plateau.rates(losses), found, rtol=1e-12, atol=0)


def test_the_examples_in_the_docstrings_hold():
    assert doctest.testmod(schedules).failed == 0


def test_more_bad_losses_than_the_patience_are_needed_to_reduce_the_rate():
    # Losses fall up to epoch 11 and then stay: the sixth bad one ends epoch 17, so that 18 is the first
    # with half the rate (the notes count epochs from 0 and say 16).
    losses = [1 / epoch for epoch in range(1, 12)] + [1.0] * 9
    found = ReduceOnPlateau(lr=0.001, factor=0.5, patience=5).rates(losses)
    assert found.tolist() == [0.001] * 17 + [0.0005] * 3


def test_the_rates_of_a_whole_run_do_not_depend_on_what_was_stepped_before():
    plateau = ReduceOnPlateau(patience=0)
    plateau.step(1.0), plateau.step(1.0)
    assert plateau.lr == pytest.approx(0.01)
    assert plateau.rates([1.0, 1.0]).tolist() == [0.1, 0.1]
    assert plateau.rates([]).tolist() == []


# In the browser


@pytest.fixture(scope="module")
def engine(browser):
    page = browser.new_page()
    yield page
    page.close()


@pytest.mark.parametrize("schedule", [*CASES, *(warmup(s, 20, 0.1) for s in CASES)], ids=repr)
def test_the_browser_computes_the_same_rates(engine, schedule):
    steps = list(range(1, STEPS + 1))
    found = engine.evaluate(
        "([text, steps]) => { const f = (0, eval)(text); return steps.map((t) => f(t)); }",
        [schedule.javascript(), steps],
    )
    np.testing.assert_allclose(found, schedule(np.array(steps)), rtol=1e-12, atol=1e-15)


def test_the_browser_takes_other_hyper_parameters(engine):
    found = engine.evaluate(
        "(text) => (0, eval)(text)(7, {lr: 0.5, steps: 12})", cosine.using(lr_min=0.1).javascript()
    )
    assert found == pytest.approx(cosine.using(lr=0.5, steps=12, lr_min=0.1)(7), rel=1e-12)
    warm = warmup(cosine, 20).javascript()
    for t in (2, 9):
        found = engine.evaluate(
            f"(text) => (0, eval)(text)({t}, {{lr: 0.5, warmup: 4, warmup_start: 0.2}})", warm
        )
        assert found == pytest.approx(warmup(cosine.using(lr=0.5), 4, 0.2)(t), rel=1e-12)


def test_rounding_down_is_the_same_in_the_browser(engine):
    rounded = Schedule(define("def f(t, *, a=0.0):\n    return floor(t * a)"))
    values = np.array([-2.5, -1.0, -0.5, 0.0, 0.5, 0.999, 1.0, 7.5])
    found = engine.evaluate(
        "([text, values]) => values.map((a) => (0, eval)(text)(1, {a}))",
        [rounded.javascript(), values.tolist()],
    )
    np.testing.assert_array_equal(found, np.floor(values))


# As mathematics


@pytest.mark.parametrize("schedule", [*CASES, warmup(cosine, 20)], ids=repr)
def test_the_latex_of_a_schedule_ends_with_the_rate_and_its_braces_balance(schedule):
    latex = schedule.latex()
    assert r"\eta_{t} &=" in latex.splitlines()[-2]
    assert latex.count("{") == latex.count("}")
    assert latex.count(r"\left") == latex.count(r"\right")
    assert latex.count(r"\begin{") == latex.count(r"\end{")
    assert schedule._repr_latex_() == f"$${latex}$$"


def test_a_schedule_is_set_as_a_mathematician_writes_it():
    assert exponential.latex() == "\\begin{aligned}\n\\eta_{t} &= \\eta \\, \\gamma^{t - 1}\n\\end{aligned}"
    assert r"\left\lfloor \frac{t - 1}{\mathrm{every}} \right\rfloor" in step.latex()


# What schedules are


@pytest.mark.parametrize("schedule", [*CASES, warmup(cosine, 20)], ids=repr)
def test_an_array_of_steps_gives_an_array_of_rates(schedule):
    steps = np.array([[1, 2, 3], [17, 40, 90]])
    found = schedule(steps)
    assert found.shape == steps.shape
    assert np.ndim(schedule(3)) == 0
    np.testing.assert_allclose(found, [[float(schedule(t)) for t in row] for row in steps], rtol=1e-14)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.one_of(*(ANY[name] for name in ("step", "exponential", "polynomial", "cosine"))))
def test_a_decay_never_rises_and_stays_between_its_ends(schedule):
    found = schedule(np.arange(1, (schedule.length or 100) + 1))
    assert found[0] == pytest.approx(schedule.hyper["lr"])
    assert np.all(np.diff(found) <= 1e-15 * found[0])
    assert np.all(found >= schedule.hyper.get("lr_min", 0) - 1e-15)


@settings(deadline=None)
@given(ANY["warm_restarts"])
def test_every_period_of_warm_restarts_begins_at_the_top(schedule):
    begin, length = 0, schedule.hyper["period"]
    while begin < 500:
        assert schedule(begin + 1) == pytest.approx(schedule.hyper["lr"], rel=1e-9)
        assert schedule(begin + length) < schedule.hyper["lr"]
        begin, length = begin + length, length * schedule.hyper["factor"]


def test_warm_restarts_find_the_right_period_after_a_million_steps():
    schedule = warm_restarts.using(period=1, factor=2)
    for power in range(1, 25):
        assert schedule(2**power) == pytest.approx(0.1)
        assert schedule(2**power - 1) < 0.1 or power == 1


def test_warm_up_ends_where_the_schedule_begins():
    warm = warmup(cosine, 10, 0.0)
    np.testing.assert_allclose(warm(np.arange(1, 12)), 0.1 * np.arange(11) / 10, rtol=1e-14)
    assert warm(10 + 37) == cosine(37)
    assert warm.length == 110
    assert warmup(step, 10).length is None
    assert isinstance(warmup(warm, 5), Warmup)


def test_the_ramp_of_the_notes_is_one_step_shorter():
    # Epochs counted from 0: 0.001 * (epoch + 1) / 10, then a cosine over 90 epochs.
    decay = cosine.using(lr=0.001, steps=90, lr_min=1e-6)
    warm = warmup(decay, 9, 1 / 10)
    epochs = np.arange(9)
    np.testing.assert_allclose(warm(epochs + 1), 0.001 * (epochs + 1) / 10, rtol=1e-14)
    # The full rate at epoch 9 is the cosine's own first step.
    assert warm(10) == 0.001


def test_step_decay_gives_the_rates_of_the_notes():
    decay = step.using(lr=0.001, every=30, gamma=0.1)
    # Epoch e of the notes is step e + 1.
    for epochs, rate in (((0, 29), 1e-3), ((30, 59), 1e-4), ((60, 89), 1e-5), ((90, 99), 1e-6)):
        assert [decay(e + 1) for e in epochs] == pytest.approx([rate, rate])


def test_a_schedule_is_a_hyper_parameter_of_a_trace():
    decay = step.using(lr=1.0, gamma=0.5, every=1)
    trace = gradient_descent.trace(w=0.0, g=[-1, -1, -1], lr=decay)
    assert trace["w"].tolist() == [0, 1, 1.5, 1.75]


def test_other_numbers_make_another_schedule_and_leave_the_first_alone():
    other = cosine.using(lr=5.0)
    assert other(1) == 5
    assert cosine(1) == 0.1
    assert repr(other) == "<Schedule cosine(lr=5.0, steps=100, lr_min=0.0)>"


def test_numbers_may_be_numpys_own():
    plain = warmup(cosine.using(lr=0.5, steps=7), 3, 0.5)
    numpys = warmup(cosine.using(lr=np.float64(0.5), steps=np.int64(7)), np.int64(3), np.float64(0.5))
    assert numpys.javascript() == plain.javascript()
    assert numpys.torch_code() == plain.torch_code()


def test_hyper_parameters_may_be_arrays_over_runs():
    many = cosine.using(lr=[0.1, 0.2, 0.3])
    assert many(1).tolist() == pytest.approx([0.1, 0.2, 0.3])
    assert many(np.arange(1, 5)[:, None]).shape == (4, 3)
    with pytest.raises(ValueError, match="has an array for lr; code in another language needs a number"):
        many.torch_code()


# The range test


def test_the_range_test_rises_by_equal_factors_from_end_to_end():
    found = range_test.using(lr_min=1e-4, lr=1.0, steps=9)(np.arange(1, 10))
    assert found[[0, -1]] == pytest.approx([1e-4, 1.0])
    np.testing.assert_allclose(found[1:] / found[:-1], 10**0.5, rtol=1e-12)


def test_reading_a_range_test_finds_where_the_loss_falls_fastest_and_where_it_blows_up():
    lr = range_test.using(lr_min=1e-5, lr=10.0, steps=121)(np.arange(1, 122))
    # Falls along a smooth step around 1e-2, and explodes near 1.
    losses = 2 - 1 / (1 + (1e-2 / lr) ** 2) + (lr / 0.8) ** 4
    found = read_range_test(lr, losses, beta=0)
    assert found.steepest == pytest.approx(1e-2, rel=0.15)
    assert 0.05 < found.lowest < 0.4
    assert found.lowest < found.diverged < 1.5
    np.testing.assert_array_equal(found.smoothed, losses)


def test_a_range_test_that_stays_finite_has_not_diverged():
    assert read_range_test([1, 2, 3, 4], [4, 3, 2, 1], beta=0).diverged is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([1, 2], [1, 2]), "expected two of the same length, at least 3"),
        (([1, 2, 3], [1, 2]), "expected two of the same length, at least 3"),
        (([1, 3, 2], [1, 2, 3]), "are positive and rise"),
        (([1, 2, 3], [1, np.nan, 3]), "had diverged by step 2, at the rate 2; start lower"),
    ],
)
def test_a_range_test_that_cannot_be_read_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        read_range_test(*arguments, beta=0)


# What is refused


@pytest.mark.parametrize(
    ("schedule", "hyper", "message"),
    [
        (
            cosine,
            {"stepz": 3},
            r"cosine has no hyper-parameter 'stepz' \(did you mean 'steps'\?\); it has lr",
        ),
        (cosine, {"steps": 0}, "cosine got steps=0; expected a whole number, at least 1"),
        (cosine, {"steps": 2.5}, "expected a whole number"),
        (cosine, {"lr": -1}, "cosine got lr=-1; expected a finite number, at least 0"),
        (cosine, {"lr": np.nan}, "cosine got lr=nan"),
        (cosine, {"lr": "big"}, "cosine got lr='big'"),
        (step, {"gamma": 1.5}, "step got gamma=1.5; expected a share from 0 to 1"),
        (warm_restarts, {"factor": 0}, "how many times as long the next period is"),
        (one_cycle, {"div": 0}, "one_cycle got div=0; expected a positive number"),
        (one_cycle, {"steps": 3}, "the rise must take more than one step"),
        (one_cycle, {"rise": 1.0}, "leave one for the way down"),
        (range_test, {"lr_min": 0}, "a positive lowest rate"),
        (range_test, {"steps": 1}, "at least 2 steps"),
    ],
)
def test_hyper_parameters_outside_their_range_are_refused_by_name(schedule, hyper, message):
    with pytest.raises(FormulaError, match=message):
        schedule.using(**hyper)


@pytest.mark.parametrize("t", [0, -1, 0.5, np.nan, [1, 2, 0]])
@pytest.mark.parametrize("schedule", [cosine, warmup(cosine, 5)], ids=repr)
def test_steps_before_the_first_are_refused(schedule, t):
    with pytest.raises(ValueError, match="steps are counted from 1"):
        schedule(t)


def test_a_warm_up_needs_a_schedule_and_a_share():
    with pytest.raises(TypeError, match="expected a schedule, such as cosine"):
        warmup(0.1, 10)
    with pytest.raises(FormulaError, match="expected a whole number"):
        warmup(cosine, 0)
    with pytest.raises(FormulaError, match="expected a share"):
        warmup(cosine, 10, -0.1)
    with pytest.raises(ValueError, match="expected one number each"):
        warmup(cosine, [5, 10])


@pytest.mark.parametrize(
    ("warm", "message"),
    [
        (warmup(cosine, 5, 0.0), "LinearLR starts above 0"),
        (warmup(warmup(cosine, 5), 5), "one warm-up"),
        (warmup(linear, 5), "its base rate is not its first"),
    ],
)
def test_what_torch_cannot_do_is_said(warm, message):
    with pytest.raises(ValueError, match=message):
        warm.torch_code()


def test_a_schedule_of_ones_own_has_everything_but_torch_code(engine):
    own = Schedule(define("def inverse(t, *, lr=0.1):\n    return lr / sqrt(t)"))
    assert own(4) == 0.05
    assert engine.evaluate("(text) => (0, eval)(text)(4)", own.javascript()) == 0.05
    assert r"\frac{\eta}{\sqrt{t}}" in own.latex()
    with pytest.raises(ValueError, match="inverse has no twin"):
        own.torch_code()


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("def f(x, *, lr=0.1):\n    return lr", "takes x; a schedule takes the step t"),
        ("def f(t=1, *, lr=0.1):\n    return lr", "a schedule takes the step t"),
        ("def f(t, *, lr):\n    return lr", "gives lr no default"),
        ("def f(t, *, lr=0.1):\n    return lr, t", "returns 2 values; a schedule returns one"),
        ("def f(t, *, lr=0.1):\n    return lr // t", "cannot be translated"),
    ],
)
def test_a_function_that_is_no_schedule_is_refused(source, message):
    with pytest.raises(FormulaError, match=message):
        Schedule(define(source))


@pytest.mark.parametrize(
    "hyper",
    [{"lr": -1}, {"factor": 1.0}, {"factor": np.nan}, {"patience": -1}, {"lr_min": np.inf}, {"eps": -1e-9}],
)
def test_a_plateau_refuses_what_makes_no_sense(hyper):
    (name,) = hyper
    with pytest.raises(ValueError, match=f"ReduceOnPlateau got {name}="):
        ReduceOnPlateau(**hyper)


def test_the_text_of_a_schedule_holds_no_number_that_json_could_not():
    for schedule in CASES:
        numbers = re.findall(r"\{(.*?), \.\.\.hyper, t\}", schedule.javascript())[-1]
        assert json.loads("{" + re.sub(r"(\w+):", r'"\1":', numbers) + "}") == schedule.hyper


@pytest.mark.parametrize("name", sorted(n for n, s in vars(schedules).items() if isinstance(s, Schedule)))
def test_a_schedule_is_a_rule_that_carries_nothing(name):
    schedule = vars(schedules)[name]
    rule = catalog.find(name)
    assert rule.carried == rule.inputs == ()
    np.testing.assert_allclose(rule.trace(steps=30)["rate"][1:], schedule(np.arange(1, 31)), rtol=1e-15)
    assert "rate" in rule.latex()
