"""Adam's bias correction: what the widget shows is what the rules do, for every stream and every share."""

from __future__ import annotations

import gzip
import json
import math
import random
from xml.etree import ElementTree

import numpy as np
import pytest
import traitlets
from drawn import Curve, figures, look, read_cells
from playwright.sync_api import Locator, expect
from test_widgets_in_page import act, settle

from optimlab.format import number
from optimlab.rules import adam, adam_uncorrected
from optimlab.widgets import BiasCorrection
from optimlab.widgets._base import strokes
from optimlab.widgets.bias import LENGTHS, PRESETS, STREAMS

# In Python.


@pytest.mark.parametrize("stream", STREAMS)
def test_the_steps_are_those_of_a_run_of_the_rules(stream):
    widget = BiasCorrection(stream=stream, beta1=0.8, beta2=0.97)
    g = widget.gradients
    for rule, found in ((adam, widget.corrected), (adam_uncorrected, widget.uncorrected)):
        trace = rule.trace(w=0.0, g=g, lr=1.0, beta1=0.8, beta2=0.97)
        np.testing.assert_allclose(found["size"], np.abs(np.diff(trace["w"])), rtol=1e-9, atol=1e-12)
        for name in ("m", "v"):
            np.testing.assert_array_equal(found[name], trace[name][1:])
    np.testing.assert_array_equal(widget.corrected["m_hat"], adam.trace(w=0.0, g=g, beta1=0.8)["m_hat"][1:])


@pytest.mark.parametrize("stream", STREAMS)
def test_the_factor_is_what_lies_between_both_steps(stream):
    widget = BiasCorrection(stream=stream)
    moved = widget.corrected["size"] > 1e-6
    ratio = widget.uncorrected["size"][moved] / widget.corrected["size"][moved]
    np.testing.assert_allclose(ratio, widget.factor[moved], rtol=1e-6)


def test_without_correction_the_first_steps_are_too_large():
    (first, with_it, without), (largest, high, peak), (_, at, when), _ = BiasCorrection().summary
    assert (first, largest) == ("first step, in lr", "largest step, in lr")
    assert with_it == pytest.approx(1)
    assert without == pytest.approx(0.1 / math.sqrt(0.001))
    assert (high, at) == (pytest.approx(1), 1)
    assert peak > 2 * without
    assert peak == pytest.approx(max((1 - 0.9**t) / math.sqrt(1 - 0.999**t) for t in range(1, 100)), rel=1e-6)
    assert when == max(range(1, 100), key=lambda t: (1 - 0.9**t) / math.sqrt(1 - 0.999**t))


@pytest.mark.parametrize(("beta1", "beta2"), [(0.9, 0.999), (0.0, 0.9), (0.9, 0.9), (0.99, 0.5), (0.0, 0.0)])
def test_it_is_settled_when_the_factor_stays_within_one_percent(beta1, beta2):
    settled = BiasCorrection(beta1=beta1, beta2=beta2).settled
    factors = [(1 - beta1**t) / math.sqrt(1 - beta2**t) for t in range(1, 20_001)]
    assert all(abs(factor - 1) < 0.01 for factor in factors[settled - 1 :])
    assert settled == 1 or abs(factors[settled - 2] - 1) >= 0.01


def test_a_step_does_not_depend_on_the_size_of_the_gradients_but_on_their_history():
    growing, constant = BiasCorrection(stream="growing"), BiasCorrection()
    assert growing.corrected["size"][0] == pytest.approx(constant.corrected["size"][0])
    assert growing.corrected["size"].max() > 1.2
    spike = BiasCorrection(stream="spike").corrected["size"]
    assert np.all(np.diff(spike) < 0)


def test_the_noise_is_that_of_its_seed():
    one, two = BiasCorrection(stream="noisy", steps=1000), BiasCorrection(stream="noisy", steps=1000, seed=2)
    assert one.gradients.mean() == pytest.approx(1, abs=0.1)
    assert one.gradients.std() == pytest.approx(1, abs=0.1)
    assert abs(np.corrcoef(one.gradients, two.gradients)[0, 1]) < 0.1
    np.testing.assert_array_equal(BiasCorrection(stream="noisy", steps=10).gradients, one.gradients[:10])


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ({"beta1": 1.0}, ["beta1=1.0", "0 to 0.999"]),
        ({"beta2": -0.5}, ["beta2=-0.5", "0 to 0.999"]),
        ({"beta2": float("nan")}, ["beta2=nan"]),
        ({"stream": "spiky"}, ["'spiky'", "constant, flip, noisy, spike, growing"]),
        ({"steps": 50}, ["steps=50", "10, 100, 1000"]),
        ({"seed": -1}, ["seed=-1", "0 to"]),
    ],
)
def test_a_state_that_does_not_fit_is_refused(state, words):
    with pytest.raises(traitlets.TraitError) as caught:
        BiasCorrection(**state)
    for word in words:
        assert word in str(caught.value)


def test_the_text_and_the_html_say_the_same_numbers():
    widget = BiasCorrection(stream="noisy", beta1=0.95)
    tree = ElementTree.fromstring(f"<div>{widget.html()}</div>")
    assert tree.find(".//caption").text == widget.text().splitlines()[0]
    rows = [
        " ".join(filter(None, (cell.text for cell in line))).split() for line in tree.iterfind(".//tbody/tr")
    ]
    lines = [line.split() for line in widget.text().splitlines()]
    assert rows == [*lines[3:7], *lines[10:]]
    assert len(rows) == 4 + len(widget.table)


def test_the_data_of_the_widget_are_small():
    assert len(gzip.compress(json.dumps(BiasCorrection().spec).encode())) < 3000


# In the browser.


def said(widget: Locator) -> BiasCorrection:
    """Return Python's widget in the state that the controls say; the seed is that of no more than a click."""
    shares = widget.locator(".ol-controls input[type=range]").evaluate_all(
        "(inputs) => inputs.map((input) => Number(input.dataset.value))"
    )
    return BiasCorrection(
        beta1=shares[0],
        beta2=shares[1],
        stream=widget.get_by_label("Gradients", exact=True).input_value(),
        steps=int(widget.get_by_label("Steps", exact=True).input_value()),
        log=widget.get_by_label("Logarithmic").is_checked(),
    )


def check(widget: Locator, seed: int = 1) -> BiasCorrection:
    """Compare both tables and the three charts with Python's."""
    python = said(widget)
    python.seed = seed
    for name, expected in (("summary", python.summary), ("steps", python.table)):
        rows = widget.locator(f".ol-bias-{name} tbody tr:not([hidden])")
        assert rows.locator("th").all_text_contents() == [title for title, *_ in expected]
        right = [value for _, *values in expected for value in values]
        for shown, value in zip(read_cells(rows.locator("td"), 4), right, strict=True):
            # Sums of noise that nearly cancel keep the rounding of their parts.
            assert (shown is None) == (value is None)
            assert value is None or shown == pytest.approx(value, rel=1e-9, abs=1e-12)
    check_pictures(widget, python)
    return python


def check_pictures(widget: Locator, python: BiasCorrection) -> None:
    """Compare the charts with what Python computes."""
    t = np.arange(1, python.steps + 1)
    looks = {
        name: look(stroke)
        for name, stroke in strokes(("raw average", "corrected average", "adam", "adam_uncorrected")).items()
    }

    def curve(name: str, y: np.ndarray, title: str) -> Curve:
        return Curve(looks.get(name, look(faint=True)), t, y, title, thinned=python.steps > 300)

    corrected, g = python.corrected, python.gradients
    squares = [] if python.stream == "noisy" else [curve("", g**2, "g²")]
    series = (
        [
            curve("", g, "gradient g"),
            curve("raw average", corrected["m"], "raw m"),
            curve("corrected average", corrected["m_hat"], "corrected m̂"),
        ],
        [
            *squares,
            curve("raw average", corrected["v"], "raw v"),
            curve("corrected average", corrected["v_hat"], "corrected v̂"),
        ],
        [
            curve("", python.factor, "(1 − β₁ᵗ) / √(1 − β₂ᵗ): uncorrected over corrected"),
            curve("adam", corrected["size"], "Adam"),
            curve("adam_uncorrected", python.uncorrected["size"], "without correction"),
        ],
    )
    for chart, curves in zip(figures(widget), series, strict=True):
        chart.shows_curves(curves, log_x=python.log)


def test_after_fifty_random_actions_the_page_still_equals_python(living):
    page, widget = living(BiasCorrection)
    chance = random.Random(11)
    check(widget)
    controls = widget.locator("input, select, button:visible:not(.ol-copy > button)")
    assert controls.count() == 2 + 2 + 1 + len(PRESETS)
    seed = 1
    for _ in range(50):
        control = controls.nth(chance.randrange(controls.count()))
        seed += control.inner_text() == "Other noise"
        act(control, chance.random())
        settle(page)
        check(widget, seed)


def test_every_stream_and_length_equals_python(living):
    page, widget = living(BiasCorrection)
    for stream in STREAMS:
        widget.get_by_label("Gradients", exact=True).select_option(stream)
        for steps in LENGTHS:
            widget.get_by_label("Steps", exact=True).select_option(str(steps))
            settle(page)
            assert (check(widget).stream, check(widget).steps) == (stream, steps)


def test_the_sliders_move_by_mouse_and_by_keyboard(living):
    page, widget = living(BiasCorrection)
    for i, slider in enumerate(widget.locator("input[type=range]").all()):
        box = slider.bounding_box()
        page.mouse.move(box["x"] + box["width"] * 0.3, box["y"] + box["height"] / 2)
        page.mouse.down()
        page.mouse.move(box["x"] + box["width"] * 0.6, box["y"] + box["height"] / 2, steps=4)
        page.mouse.up()
        settle(page)
        share = int(slider.input_value()) / int(slider.get_attribute("max"))
        assert share == pytest.approx(0.6, abs=0.05)
        check(widget)
        for key in ("ArrowRight", "PageUp", "End", "Home"):
            slider.focus()
            page.keyboard.press(key)
            settle(page)
            python = check(widget)
            assert slider.get_attribute("aria-valuetext") == number((python.beta1, python.beta2)[i])
        assert (python.beta1, python.beta2)[i] == 0


def test_the_keyboard_reaches_every_control_in_order(living):
    page, widget = living(BiasCorrection)
    controls = widget.locator("input, select, button:visible:not(.ol-copy > button)")
    controls.first.focus()
    for i in range(controls.count()):
        assert controls.nth(i).evaluate("(control) => control === document.activeElement")
        page.keyboard.press("Tab")


def test_the_presets_set_both_shares_and_other_noise_is_offered_for_noise_only(living):
    page, widget = living(BiasCorrection)
    other = widget.get_by_role("button", name="Other noise")
    expect(other).to_be_hidden()
    for name, state in reversed(PRESETS.items()):
        widget.get_by_role("button", name=name).click()
        settle(page)
        python = check(widget)
        assert {"beta1": python.beta1, "beta2": python.beta2} == state
    widget.get_by_label("Gradients", exact=True).select_option("noisy")
    expect(other).to_be_visible()
    settle(page)
    check(widget, seed=1)
    other.click()
    settle(page)
    check(widget, seed=2)


def test_the_readout_names_the_first_and_the_largest_step(living):
    page, widget = living(BiasCorrection)
    _, largest, at, settled = BiasCorrection().summary
    readout = widget.locator(".ol-readout[role=status]")
    expect(readout).to_contain_text("The first step is 1 times")
    expect(readout).to_contain_text(f"{number(largest[2], 4)} times at t = {at[2]}.")
    expect(readout).to_contain_text(f"From t = {settled[2]} on")
    for slider in widget.locator("input[type=range]").all():
        act(slider, 0.0)
    settle(page)
    expect(readout).to_contain_text("changes no step")


def test_the_curves_go_through_the_numbers(living):
    page, widget = living(BiasCorrection)
    for log in (False, True):
        widget.get_by_label("Logarithmic").set_checked(log)
        widget.get_by_label("Steps", exact=True).select_option("1000")
        settle(page)
        python = check(widget)
        paths = (
            widget.locator("svg.ol-chart[role=img]")
            .last.locator("g.ol-stroke path")
            .evaluate_all("(paths) => paths.map((path) => path.getAttribute('d'))")
        )
        assert len(paths) == 2
        corrected, uncorrected = (
            np.array([point.split(",") for point in path[1:].split("L")], float) for path in paths
        )
        assert len(uncorrected) <= 300
        # Two points fix the scale; all others have to lie on it.
        x = np.interp(uncorrected[:, 0], uncorrected[[0, -1], 0], np.log([1, 1000]) if log else [1, 1000])
        t = np.rint(np.exp(x) if log else x).astype(int)
        sizes = python.uncorrected["size"][t - 1]
        slope, base = np.polyfit(sizes, uncorrected[:, 1], 1)
        assert slope < 0
        np.testing.assert_allclose(base + slope * sizes, uncorrected[:, 1], atol=0.01)
        np.testing.assert_allclose(base + slope * python.corrected["size"][t - 1], corrected[:, 1], atol=0.01)
