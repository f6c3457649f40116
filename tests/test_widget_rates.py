"""Rates for every weight: what the rules accumulate, and a widget that shows what Python computes."""

from __future__ import annotations

import functools
import random
import re
from xml.etree import ElementTree

import numpy as np
import pytest
import traitlets
from drawn import Curve, figures, look, read_cells
from playwright.sync_api import Locator
from test_widgets_in_page import act, hold, settle

from optimlab.format import number
from optimlab.plots import STYLE
from optimlab.widgets import AdaptiveRates
from optimlab.widgets._base import strokes
from optimlab.widgets.rates import BIG, BIG_STEP, EQUAL, KINDS, SITUATIONS, STEPS, STREAMS

ALL = list(KINDS)


def test_strokes_have_the_color_of_the_style_and_its_dash_in_pixels():
    found = strokes(["adam", "adadelta", "amsgrad"])
    assert found["adam"] == {"color": STYLE["adam"]["color"], "dash": ""}
    assert found["adadelta"]["dash"] == "10 4"
    assert found["amsgrad"]["dash"] == "12 4 2.4 4"
    assert set(strokes(STYLE)) == set(STYLE)
    with pytest.raises(ValueError, match="'adan'"):
        strokes(["adan"])


# In Python.


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("stream", STREAMS)
def test_the_rate_times_what_the_rule_goes_by_is_its_step(name, stream):
    widget = AdaptiveRates(stream=stream, share=30, seed=4, rare_size=5.0, lr=0.05, decay=0.9)
    trace = widget.trace(name)
    by = {"adam": "m_hat", "amsgrad": "m_hat", "amsgrad_paper": "m"}.get(name, "g")
    steps = -np.diff(trace["w"], axis=0)
    rates = widget.rates(name)[1:]
    there = np.isfinite(rates)
    assert there.sum() > 350
    assert np.all(steps[~there] == 0), "no rate before the first gradient, and no step either"
    np.testing.assert_allclose((rates * trace[by][1:])[there], steps[there], rtol=1e-9, atol=1e-13)


def test_a_regular_feature_appears_as_often_as_it_says_and_evenly():
    for share in (1, 5, 33, 100):
        rare = AdaptiveRates(share=share, seed=0).gradients[:, 1]
        assert np.count_nonzero(rare) == 2 * share
        gaps = np.diff(np.flatnonzero(rare))
        assert np.ptp(gaps) <= 1


def test_a_feature_that_comes_by_chance_comes_that_often_on_average():
    counts = [np.count_nonzero(AdaptiveRates(share=20, seed=s).gradients[:, 1]) for s in range(1, 10)]
    assert len(set(counts)) > 3
    assert np.mean(counts) == pytest.approx(40, abs=4 * np.sqrt(200 * 0.2 * 0.8 / 9))


def test_the_streams_are_what_they_are_called():
    steady, big, shrinking = (AdaptiveRates(stream=s, share=100, seed=0).gradients for s in STREAMS)
    assert np.all(steady == 1)
    assert np.all(big[BIG_STEP - 1] == BIG)
    assert np.all(np.delete(big, BIG_STEP - 1, axis=0) == 1)
    np.testing.assert_allclose(shrinking[:, 0] * np.arange(1, STEPS + 1), 1)
    lonely = AdaptiveRates(stream=STREAMS[1], share=1, seed=0).gradients[:, 1]
    assert np.flatnonzero(lonely).tolist() == [BIG_STEP - 1, 99, 199], (
        "the big one reaches the rare weight too"
    )


def test_adagrad_gives_the_rare_feature_the_root_of_the_ratio_of_counts():
    widget = AdaptiveRates(share=5, seed=0, shown=["adagrad"])
    (_, rare) = widget.table
    assert rare[5] == pytest.approx(np.sqrt(200 / 10), rel=1e-6)
    assert widget.distance("adagrad")[-1, 1] == pytest.approx(0.01 * np.sum(1 / np.sqrt(np.arange(1, 11))))


def test_after_one_big_gradient_adagrad_and_the_published_amsgrad_stay_low_and_the_others_come_back():
    widget = AdaptiveRates(stream=STREAMS[1], share=100, seed=0, decay=0.97)
    since = {name: widget.rates(name)[-1, 0] / widget.rates(name)[BIG_STEP, 0] for name in ALL}
    assert 0.9 < since["adagrad"] < 1
    assert since["amsgrad_paper"] == 1
    # What libraries have comes back by what the correction of the average was worth at the spike, no more.
    assert since["amsgrad"] == pytest.approx(1 / np.sqrt(1 - 0.97**BIG_STEP), rel=0.01)
    assert since["rmsprop"] > 5
    assert since["adam"] > 10


def test_a_rule_has_no_rate_before_the_first_gradient():
    widget = AdaptiveRates(share=1, seed=0, step=99, shown=ALL)
    rare = {row[0]: row for row in widget.table if row[1] == "rare"}
    for name, kind in KINDS.items():
        expected = None if kind.squares else widget.lr
        assert rare[kind.label][4] == expected, name
    widget.step = 100
    assert all(row[4] > 0 for row in widget.table)


def test_two_weights_with_the_same_gradients_go_the_same_way():
    widget = AdaptiveRates(
        **EQUAL | SITUATIONS["the same for both"],
    )
    for dense, rare in zip(widget.table[::2], widget.table[1::2], strict=True):
        assert rare[5] == 1
        assert dense[2:5] == rare[2:5]


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ({"stream": "stedy"}, ["'stedy'", "did you mean 'steady'"]),
        ({"share": 0}, ["share=0", "1 to 100"]),
        ({"seed": 10}, ["seed=10", "0 to 9"]),
        ({"step": 0}, ["step=0", "1 to 200"]),
        ({"dense_size": 0.0}, ["dense_size=0.0", "above 0"]),
        ({"rare_size": float("inf")}, ["rare_size=inf", "finite"]),
        ({"lr": -1.0}, ["lr=-1.0", "above 0"]),
        ({"decay": 1.0}, ["decay=1.0", "decay < 1"]),
        ({"shown": ["adam", "adagard"]}, ["'adagard'", "did you mean 'adagrad'"]),
        ({"rule": "sgd"}, ["'sgd'", "gradient_descent"]),
    ],
)
def test_state_that_does_not_fit_is_refused_with_what_is_expected(state, words):
    with pytest.raises(traitlets.TraitError) as caught:
        AdaptiveRates(**state)
    assert all(word in str(caught.value) for word in words)
    widget = AdaptiveRates()
    ((name, value),) = state.items()
    before = getattr(widget, name)
    with pytest.raises(traitlets.TraitError):
        setattr(widget, name, value)
    assert getattr(widget, name) == before


def test_the_rules_that_are_shown_stand_in_one_order_and_once():
    assert AdaptiveRates(shown=["adam", "adagrad", "adam"]).shown == ["adagrad", "adam"]


def test_the_html_has_the_numbers_of_the_text():
    for widget in (AdaptiveRates(shown=ALL), AdaptiveRates(share=1, seed=0, step=50)):
        (table,) = ElementTree.fromstring(f"<div>{widget.html()}</div>").findall("table")
        cells = [cell.text for row in table.find("tbody") for cell in row if cell.text]
        lines = widget.text().splitlines()[3:]
        assert " ".join(cells).split() == " ".join(lines).split()


# In the browser.


def said(widget: Locator) -> dict:
    """Return the state that the controls say."""
    sliders = widget.evaluate(
        """(widget) => Object.fromEntries(
            [...widget.querySelectorAll('.ol-control input[type=range]')].map((input) => [
                widget.querySelector(`label[for="${input.id}"]`).textContent,
                Number(input.dataset.value)]))"""
    )
    boxes = {name: widget.get_by_label(kind.label, exact=True).is_checked() for name, kind in KINDS.items()}
    return {
        "stream": widget.get_by_label("Gradients", exact=True).input_value(),
        "share": int(sliders["Rare feature appears in"]),
        "seed": int(widget.get_by_label("It appears").input_value()),
        "dense_size": sliders["Gradient of the dense feature"],
        "rare_size": sliders["Gradient of the rare feature"],
        "lr": sliders["Learning rate"],
        "decay": sliders["Decay (ρ or β₂)"],
        "rule": widget.get_by_label("In words").input_value(),
        "step": int(sliders["Step"]),
        "shown": [name for name, on in boxes.items() if on],
    }


def check(widget: Locator) -> None:
    """Compare the table, the pictures and the words with what Python computes from what the controls say."""
    twin = AdaptiveRates(**said(widget))
    twin.trace = functools.cache(twin.trace)
    rows = widget.locator("details tbody tr")
    assert rows.count() == len(twin.table)
    names = widget.locator("details tbody").evaluate(
        "(body) => [...body.rows].map((row) => [row.cells[0].textContent, row.cells[1].textContent])"
    )
    assert names == [row[:2] for row in twin.table]
    shown = read_cells(widget.locator("details tbody td.ol-number"), 4)
    right = [value for row in twin.table for value in row[2:]]
    assert [value is None for value in shown] == [value is None for value in right]
    for on_page, computed in zip(shown, right, strict=True):
        if computed is not None:
            assert on_page == pytest.approx(computed, rel=1e-9, abs=1e-14)
    check_pictures(widget, twin)
    words = widget.locator(".ol-readout").text_content()
    assert words.startswith(f"{KINDS[twin.rule].label} at step {twin.step}: ")
    distances = re.search(r"rare weight has traveled (\S+), the dense one (\S+)\.", words)
    dense, rare = twin.distance(twin.rule)[twin.step]
    assert [float(x) for x in distances.groups()] == pytest.approx([rare, dense], rel=0.01)


def check_pictures(widget: Locator, twin: AdaptiveRates) -> None:
    """Compare the charts, the gradients above them and the bars below with what Python computes."""
    looks = {name: look(stroke) for name, stroke in strokes(KINDS).items()}
    t = np.arange(STEPS + 1)
    rates, distances = ({name: what(name) for name in twin.shown} for what in (twin.rates, twin.distance))
    charts = figures(widget)
    gradients = twin.gradients
    strips = widget.locator(".ol-stems path").evaluate_all("(all) => all.map((one) => one.getAttribute('d'))")
    for i in range(2):
        rate, distance = charts[2 * i : 2 * i + 2]
        curves = [Curve(looks[name], t, found[:, i]) for name, found in rates.items()]
        rate.shows_curves(curves, log_y=True, mark=twin.step)
        curves = [Curve(looks[name], t, found[:, i]) for name, found in distances.items()]
        distance.shows_curves(curves, mark=twin.step)
        stems = np.array(re.findall(r"M([\d.]+),40v-([\d.]+)", strips[i]), float)
        there = np.flatnonzero(gradients[:, i])
        places = distance.places(np.stack([there + 1, 0 * there], axis=1))[:, 0]
        heights = np.maximum(2, 38 * gradients[there, i] / gradients.max())
        np.testing.assert_allclose(stems, np.stack([places, heights], axis=1), atol=0.2)
    roots = [np.sqrt(row[3]) for row in twin.table if row[3] is not None]
    bars = widget.locator(".ol-bars div").evaluate_all(
        """(all) => all.map((bar) => [bar.textContent, bar.style.getPropertyValue("--ol-own"),
            bar.style.getPropertyValue("--ol-fill"), bar.style.getPropertyValue("--ol-share")])"""
    )
    kept = [name for name in twin.shown if KINDS[name].squares]
    assert [text for text, *_ in bars] == [number(root, 3) for root in roots]
    assert [color for _, color, *_ in bars] == [STYLE[name]["color"] for name in kept for _ in range(2)]
    assert [fill for _, _, fill, _ in bars] == ["currentColor", ""] * len(kept)
    shares = np.array(roots) / max([*roots, 1e-300])
    np.testing.assert_allclose([float(share) for *_, share in bars], shares, atol=1e-3)


def test_after_fifty_random_actions_the_page_equals_python(living):
    page, widget = living(AdaptiveRates)
    check(widget)
    dice = random.Random(5)
    controls = widget.locator("input[type=range], input[type=checkbox], select")
    for i in range(50):
        act(controls.nth(dice.randrange(controls.count())), dice.random())
        settle(page)
        if i % 5 == 4:
            check(widget)


def test_every_situation_can_be_chosen_and_is_recognized(living):
    page, widget = living(AdaptiveRates)
    choice = widget.get_by_label("Situation")
    assert choice.input_value() == "a rare word"
    for name, state in SITUATIONS.items():
        choice.select_option(name)
        settle(page)
        assert (EQUAL | state).items() <= said(widget).items()
        assert choice.input_value() == name
        check(widget)
    act(widget.get_by_label("Learning rate"), 1.0)
    settle(page)
    assert choice.input_value() == "your own"


@pytest.mark.parametrize("switch", [True, False])
def test_all_optimizers_can_be_shown_and_none(living, switch):
    page, widget = living(AdaptiveRates)
    for box in widget.locator("fieldset input").all():
        box.set_checked(switch)
        settle(page)
    assert len(said(widget)["shown"]) == (len(ALL) if switch else 0)
    check(widget)


def place(widget: Locator, chart: int, step: float) -> tuple[float, float]:
    """Return where a step is on the screen, in the middle of a chart."""
    box = widget.locator(".ol-figure > .ol-chart").nth(chart).bounding_box()
    return box["x"] + 52 + (box["width"] - 66) * step / STEPS, box["y"] + box["height"] / 2


def test_the_step_follows_the_mouse_on_every_chart(living):
    page, widget = living(AdaptiveRates)
    for chart, step in enumerate((20, 77, 140, 180)):
        page.mouse.move(*place(widget, chart, 100))
        page.mouse.down()
        page.mouse.move(*place(widget, chart, step), steps=5)
        page.mouse.up()
        settle(page)
        assert said(widget)["step"] == pytest.approx(step, abs=1)
        check(widget)


def test_the_step_follows_a_finger(living):
    page, widget = living(AdaptiveRates, width=360, height=740, touch=True)
    widget.locator(".ol-figure").first.evaluate("(chart) => chart.scrollIntoView({block: 'center'})")
    settle(page)
    session = page.context.new_cdp_session(page)

    def touch(kind: str, *steps: float) -> None:
        points = [dict(zip("xy", place(widget, 0, step), strict=True)) for step in steps]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    touch("touchStart", 180)
    for step in np.linspace(180, 60, 8):
        touch("touchMove", step)
    touch("touchEnd")
    settle(page)
    assert said(widget)["step"] == pytest.approx(60, abs=2)
    check(widget)


def test_every_control_has_a_name_is_reached_by_tab_and_moves_by_keyboard(living):
    page, widget = living(AdaptiveRates)
    controls = widget.locator("input, select, button:not(.ol-copy > button)").all()
    assert len(controls) == 17
    controls[0].focus()
    for control in controls:
        assert control.evaluate("(c) => c === document.activeElement")
        assert control.evaluate("(c) => c.labels.length === 1 && c.labels[0].textContent.trim() !== ''")
        before = control.evaluate("(c) => (c.type === 'checkbox' ? String(c.checked) : c.value)")
        kind = control.get_attribute("type")
        # At the end of its range a control can only go back.
        last = control.evaluate("(c) => c.value === (c.max || c.lastElementChild?.value)")
        keys = {"checkbox": "Space", "range": "ArrowLeft" if last else "ArrowRight"}
        page.keyboard.press(keys.get(kind, "ArrowUp" if last else "ArrowDown"))
        settle(page)
        assert control.evaluate("(c) => (c.type === 'checkbox' ? String(c.checked) : c.value)") != before
        if kind == "range":
            text = control.evaluate("(c) => [c.getAttribute('aria-valuetext'), c.dataset.value]")
            assert text[0].startswith(f"{float(text[1]):g}")
        check(widget)
        page.keyboard.press("Tab")


def test_what_python_sets_is_drawn_until_the_widget_is_taken_down(living):
    page, _ = living(AdaptiveRates)
    hold(page)
    held = page.locator("#held .ol")
    held.evaluate("(widget) => (widget.querySelector('details').open = true)")
    new = {
        "stream": STREAMS[2],
        "share": 40,
        "seed": 3,
        "dense_size": 0.5,
        "rare_size": 20.0,
        "lr": 0.1,
        "decay": 0.9,
        "step": 120,
        "shown": ["rmsprop", "adadelta"],
        "rule": "adam",
    }
    for name, value in new.items():
        page.evaluate("([name, value]) => model.set(name, value)", [name, value])
        settle(page)
        assert said(held)[name] == value
        check(held)
    page.evaluate("stop()")
    assert page.evaluate("Object.values(model.listeners).flat().length") == 0
