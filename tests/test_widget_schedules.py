"""The composer of schedules: what it shows is what Python computes, and its code is what PyTorch does."""

from __future__ import annotations

import gzip
import json
import random

import numpy as np
import pytest
import torch
import traitlets
from drawn import Curve, figures, look, read_cells
from playwright.sync_api import Locator, Page, expect
from test_widgets_in_page import act, act_at_random, settle

from optimlab.schedules import Schedule, cosine, one_cycle, polynomial, step, warmup
from optimlab.widgets import ScheduleComposer
from optimlab.widgets.schedule_composer import OFFERED, PRESETS, SLOTS

SPEC = ScheduleComposer().spec["schedules"]
LABELS = {label: name for one in SPEC.values() for name, (label, _) in one["sliders"].items()}


@Schedule
def inverse_sqrt(t, *, lr=0.1, every=10):
    """A schedule that the package does not have."""
    return lr * (every / (every + t - 1)) ** 0.5


def random_slot(chance: random.Random, name: str, steps: int) -> dict:
    """Return a slot whose numbers are stops of the sliders."""
    return {
        "on": chance.random() < 0.8,
        "schedule": name,
        "hyper": {key: chance.choice(values) for key, (_, values) in SPEC[name]["sliders"].items()},
        "warmup": chance.choice([0, 1, 5, steps // 2]),
        "warmup_start": chance.choice([0.0, 0.01, 0.3, 1.0]),
    }


def by_torch(program: str, steps: int) -> np.ndarray:
    """Run the program and return the rate that each step was made with."""
    names = {"parameters": [torch.nn.Parameter(torch.zeros(1))]}
    exec(program, names)
    rates = []
    for t in range(steps):
        rates.append(names["optimizer"].param_groups[0]["lr"])
        names["optimizer"].step()
        if t < steps - 1:
            names["scheduler"].step()
    return np.array(rates)


# In Python.


def test_every_schedule_is_offered_and_stands_on_its_own():
    for name, schedule in OFFERED.items():
        widget = ScheduleComposer(steps=80)
        slot = {"on": True, "schedule": name, "warmup": 0, "warmup_start": 0.1}
        hyper = {key: value for key, value in schedule.hyper.items() if key != "steps"}
        widget.slots = [slot | {"hyper": hyper}, *widget.slots[1:]]
        alone = schedule.using(steps=80) if "steps" in schedule.hyper else schedule
        np.testing.assert_array_equal(widget.rates["A"], alone(np.arange(1, 81)))


def test_a_warm_up_leaves_the_rest_of_the_steps_to_the_schedule():
    widget = ScheduleComposer(
        warmup(cosine.using(steps=180, lr=0.2), 20, 0.5), one_cycle.using(steps=200), step
    )
    assert widget.steps == 200
    rates = widget.rates["A"]
    assert rates[0] == pytest.approx(0.1)
    assert rates[20] == pytest.approx(0.2)
    assert rates[20 + 90] == pytest.approx(0.1)
    assert [slot["schedule"] for slot in widget.slots] == ["cosine", "one_cycle", "step"]
    assert all(slot["on"] for slot in widget.slots)


def test_the_table_says_what_can_be_counted_by_hand():
    constant_half = OFFERED["constant"].using(lr=0.5)
    widget = ScheduleComposer(constant_half, step.using(lr=1.0, gamma=0.1, every=25), step=26)
    (_, _, now, first, highest, last, total, share), (*_, at_26, _, _, end, spent, high) = widget.table
    assert (now, first, highest, last, total, share) == (0.5, 0.5, 0.5, 0.5, 50.0, 100.0)
    assert at_26 == pytest.approx(0.1)
    assert end == pytest.approx(0.001)
    assert spent == pytest.approx(25 * 1.111)
    assert high == 25.0


def test_a_schedule_of_the_readers_own_can_be_compared():
    widget = ScheduleComposer(warmup(inverse_sqrt, 10), cosine)
    assert widget.rates["A"][10] == pytest.approx(0.1)
    assert widget.rates["A"][40] == pytest.approx(0.05)
    assert widget.code.startswith("# No PyTorch code: inverse_sqrt has no twin")
    assert "inverse_sqrt" in widget.spec["schedules"]
    assert "inverse_sqrt" not in ScheduleComposer().spec["schedules"]


@pytest.mark.parametrize("name", OFFERED)
def test_the_code_of_any_slot_sets_the_same_rates_in_pytorch(name):
    chance = random.Random(name)
    made = 0
    for _ in range(12):
        steps = chance.choice([50, 100, 120])
        slot = random_slot(chance, name, steps) | {"on": True}
        widget = ScheduleComposer(steps=steps)
        widget.slots = [slot, *widget.slots[1:]]
        if widget.code.startswith("#"):
            assert slot["warmup"]
            assert slot["warmup_start"] == 0 or name == "linear"
            continue
        found = by_torch(widget.code, steps)
        np.testing.assert_allclose(widget.rates["A"], found, rtol=1e-12, atol=1e-12 * found.max())
        made += 1
    assert made >= 3


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("steps", 20, ["steps=20", "50 to 500"]),
        ("slot", "D", ["'D'", "A, B or C"]),
        ("step", 101, ["step=101", "steps=100"]),
        ("step", 0, ["step=0", "1 to"]),
        ("slots", [], ["0 slots", "three"]),
        ("slots", {"schedule": "cosin"}, ["slot B", "'cosin'", "cosine"]),
        ("slots", {"warmup": 51}, ["slot B", "warmup=51", "0 to 50"]),
        ("slots", {"warmup": 1.5}, ["warmup=1.5"]),
        ("slots", {"warmup_start": 2.0}, ["slot B", "start=2.0", "0 to 1"]),
        ("slots", {"hyper": {"gama": 0.5}}, ["slot B", "'gama'", "gamma"]),
        ("slots", {"hyper": {"gamma": 1.5}}, ["gamma=1.5", "0 to 1"]),
        ("slots", {"hyper": {"every": 2.5}}, ["every=2.5", "whole number"]),
        ("slots", {"schedule": "cosine", "hyper": {"steps": 7}}, ["slot B", "steps=100", "holds for all"]),
        ("slots", {"more": 1}, ["slot B", "more", "expected on, schedule"]),
    ],
)
def test_state_that_does_not_fit_is_refused_and_nothing_changes(name, value, words):
    widget = ScheduleComposer()
    if isinstance(value, dict):
        first, second, third = widget.slots
        value = [first, second | value, third]
    before = widget.get_state(["steps", "slots", "slot", "step"])
    with pytest.raises(traitlets.TraitError) as caught:
        setattr(widget, name, value)
    for word in words:
        assert word in str(caught.value)
    assert widget.get_state(["steps", "slots", "slot", "step"]) == before


def test_fewer_steps_are_refused_where_a_warm_up_would_take_more_than_half_of_them():
    widget = ScheduleComposer(warmup(cosine.using(steps=60), 40), step=90)
    with pytest.raises(traitlets.TraitError, match="warmup=40"):
        widget.steps = 60
    widget.steps = 80
    assert widget.step == 80


def test_a_page_changes_steps_and_slots_in_one_message():
    widget = ScheduleComposer(warmup(cosine.using(steps=250), 250), step=500)
    assert widget.steps == 500
    shorter = [{**slot, "warmup": min(slot["warmup"], 25)} for slot in widget.slots]
    widget.set_state({"steps": 50, "slots": shorter, "step": 50})
    assert len(widget.rates["A"]) == widget.step == 50
    widget.set_state({"slots": [{**slot, "warmup": 100} for slot in shorter], "steps": 300})
    assert len(widget.rates["A"]) == 300


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: ScheduleComposer(cosine, step, step, step), ValueError, "room for three"),
        (lambda: ScheduleComposer(cosine, polynomial.using(steps=60)), ValueError, "60 and 100 steps"),
        (lambda: ScheduleComposer(cosine, steps=200), ValueError, "100 and 200 steps"),
        (lambda: ScheduleComposer("cosine"), TypeError, "'cosine'"),
        (lambda: ScheduleComposer(warmup(warmup(cosine, 5), 5)), TypeError, "one warm-up"),
    ],
)
def test_what_cannot_be_composed_is_refused(make, error, words):
    with pytest.raises(error, match=words):
        make()


def test_text_and_html_hold_the_table_and_the_code():
    widget = ScheduleComposer()
    for shown in (widget.text(), widget.html()):
        assert "5.055" in shown
        assert "CosineAnnealingLR(optimizer, T_max=90, eta_min=0.0)" in shown
    assert "<caption>" in widget.html()


def test_the_data_of_the_widget_are_small():
    assert len(gzip.compress(json.dumps(ScheduleComposer().get_state(["spec", "slots"])).encode())) < 8000


# In the browser.


def said(widget: Locator) -> ScheduleComposer:
    """Return the Python twin of the slots that the controls have been put to, one after the other."""
    state = widget.evaluate(
        """async (widget) => {
            const frame = () => new Promise(requestAnimationFrame);
            const control = (text) => document.getElementById(
                [...widget.querySelectorAll('label')].find((label) => label.textContent === text).htmlFor);
            const choose = (value) => {
                control('Change slot').value = value;
                control('Change slot').dispatchEvent(new Event('change'));
                return frame().then(frame);
            };
            const before = control('Change slot').value;
            const slots = [];
            for (const letter of ['A', 'B', 'C']) {
                await choose(letter);
                const inputs = [...widget.querySelectorAll('.ol-schedule-slot input')];
                const said = Object.fromEntries(inputs.map((input) =>
                    [input.labels[0].textContent, Number(input.dataset.value)]));
                const box = [...widget.querySelectorAll('input[type=checkbox]')].find(
                    (one) => one.parentNode.textContent === letter);
                slots.push([control('Schedule').value, said, box.checked]);
            }
            await choose(before);
            return { slots, slot: before, steps: Number(control('Steps in all').dataset.value),
                     step: Number(control('Read off at step').dataset.value) };
        }"""
    )
    slots = []
    for schedule, numbers, on in state.pop("slots"):
        warm, start = (
            numbers.pop("Steps of warm-up before it"),
            numbers.pop("The warm-up starts at this share"),
        )
        hyper = {LABELS[label]: value for label, value in numbers.items()}
        slots.append(
            {"on": on, "schedule": schedule, "hyper": hyper, "warmup": int(warm), "warmup_start": start}
        )
    log = widget.get_by_label("Logarithmic").is_checked()
    return ScheduleComposer(slots=slots, log=log, **state)


def check(widget: Locator) -> ScheduleComposer:
    """Compare the table, the code and the chart with those of the Python twin, and return it."""
    twin = said(widget)
    shown = read_cells(widget.locator("details tbody tr:not([hidden]) td[data-value]"))
    expected = [value for row in twin.table for value in row[2:]]
    assert shown == pytest.approx(expected, rel=1e-9, abs=1e-12)
    assert widget.locator("details tbody tr:not([hidden]) th").all_text_contents() == list(twin.rates)
    assert widget.locator(".ol-torch").text_content() == twin.code
    (chart,) = figures(widget)
    tones = dict(zip(SLOTS, (2, 1, 3), strict=True))
    titles = {row[0]: f"{row[0]}: {row[1]}" for row in twin.table}
    chart.shows_curves(
        [
            Curve(look(tone=tones[slot]), range(1, twin.steps + 1), rates, titles[slot])
            for slot, rates in twin.rates.items()
        ],
        log_y=twin.log,
        mark=twin.step,
    )
    return twin


def control(widget: Locator, label: str) -> Locator:
    return widget.get_by_label(label, exact=True)


def test_it_shows_what_python_computes_for_every_example_and_every_slot(living):
    page, widget = living(ScheduleComposer)
    check(widget)
    for preset in PRESETS:
        control(widget, "Examples").select_option(preset)
        for letter in SLOTS:
            control(widget, "Change slot").select_option(letter)
            settle(page)
            twin = check(widget)
        assert twin.slots == PRESETS[preset][1]
        assert control(widget, "Examples").input_value() == preset


def test_the_code_of_every_schedule_equals_pythons_whatever_the_numbers(living):
    page, widget = living(ScheduleComposer)
    chance = random.Random(5)
    sliders = ".ol-schedule-slot input[type=range]"
    for name in OFFERED:
        control(widget, "Schedule").select_option(name)
        settle(page)
        for _ in range(5):
            act_at_random(widget, sliders, chance, times=12)
            check(widget)


def test_after_fifty_random_actions_it_still_equals_python(living):
    page, widget = living(ScheduleComposer)
    chance = random.Random(11)
    controls = widget.locator("input[type=range], input[type=checkbox], select")
    for i in range(50):
        act(controls.nth(chance.randrange(controls.count())), chance.random())
        if i % 5 == 4:
            check(widget)
    settle(page)
    check(widget)


def drag(page: Page, slider: Locator, share: float) -> None:
    slider.scroll_into_view_if_needed()
    box = slider.bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.4, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * share, box["y"] + box["height"] / 2, steps=4)
    page.mouse.up()
    settle(page)


def test_every_slider_is_moved_by_mouse_and_keys_and_says_its_value(living):
    page, widget = living(ScheduleComposer)
    count = widget.locator("input[type=range]").count()
    for i in range(count):
        slider = widget.locator("input[type=range]").nth(i)
        drag(page, slider, 0.7)
        most = int(slider.get_attribute("max"))
        assert int(slider.input_value()) / most == pytest.approx(0.7, abs=0.5 / most + 0.05)
        slider.focus()
        before = int(slider.input_value())
        page.keyboard.press("ArrowLeft")
        settle(page)
        assert int(slider.input_value()) == before - 1
        assert slider.get_attribute("aria-valuetext")
        check(widget)


def test_pressing_on_the_chart_reads_off_that_step_by_mouse_and_by_touch(living):
    page, widget = living(ScheduleComposer, width=360, height=740, touch=True)
    chart = widget.locator(".ol-figure svg.ol-chart")
    chart.evaluate("(chart) => chart.scrollIntoView({block: 'center'})")
    box = chart.bounding_box()
    session = page.context.new_cdp_session(page)
    left, right = box["x"] + 52, box["x"] + box["width"] - 14

    def touch(kind: str, *points) -> None:
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": list(points)})

    at = {"x": left + 0.25 * (right - left), "y": box["y"] + 100}
    touch("touchStart", at)
    for _ in range(8):
        at = at | {"x": at["x"] + (right - left) / 16}
        touch("touchMove", at)
    touch("touchEnd")
    settle(page)
    assert check(widget).step == pytest.approx(75, abs=2)
    page.mouse.move(left + 0.5 * (right - left), box["y"] + 60)
    page.mouse.down()
    page.mouse.up()
    settle(page)
    assert check(widget).step == pytest.approx(50, abs=2)


def test_fewer_steps_shorten_the_warm_ups_and_move_the_step(living):
    page, widget = living(ScheduleComposer)
    for label, key in (
        ("Steps in all", "End"),
        ("Steps of warm-up before it", "End"),
        ("Read off at step", "End"),
    ):
        control(widget, label).focus()
        page.keyboard.press(key)
        settle(page)
    twin = check(widget)
    assert (twin.steps, twin.step, twin.slots[0]["warmup"]) == (500, 500, 250)
    control(widget, "Steps in all").focus()
    page.keyboard.press("Home")
    settle(page)
    twin = check(widget)
    assert (twin.steps, twin.step, twin.slots[0]["warmup"]) == (50, 50, 25)


def test_the_copied_code_is_the_code_that_is_shown_and_says_so(living):
    page, widget = living(ScheduleComposer, permissions=["clipboard-read", "clipboard-write"])
    widget.get_by_role("button", name="Copy the PyTorch code").click()
    expect(widget.get_by_text("Copied.")).to_be_visible()
    code = widget.locator(".ol-torch").text_content()
    assert page.evaluate("navigator.clipboard.readText()") == code
    drag(page, control(widget, "lr, the full rate"), 0.8)
    assert widget.locator(".ol-torch").text_content() != code
    expect(widget.get_by_text("Copied.")).to_have_count(0)


def test_without_a_clipboard_the_code_is_selected(living):
    page, widget = living(ScheduleComposer)
    page.evaluate("Object.defineProperty(navigator, 'clipboard', {value: undefined})")
    button = widget.get_by_role("button", name="Copy the PyTorch code")
    button.focus()
    page.keyboard.press("Enter")
    expect(widget.get_by_text("Ctrl+C")).to_be_visible()
    assert page.evaluate("getSelection().toString()").strip() == widget.locator(".ol-torch").text_content()


def test_with_every_slot_off_it_says_so(living):
    _, widget = living(ScheduleComposer)
    for letter in SLOTS:
        control(widget, letter).uncheck()
    expect(widget.locator(".ol-readout")).to_have_text("No slot is shown.")
    check(widget)


def test_every_control_is_reached_by_tab(living):
    page, widget = living(ScheduleComposer)
    wanted = widget.locator("input:not([disabled]), select, button").count()
    control(widget, "Examples").focus()
    seen = 1
    for _ in range(wanted + 2):
        page.keyboard.press("Tab")
        seen += page.evaluate("document.activeElement.matches('.ol :is(input, select, button)')")
    assert seen == wanted


def test_on_paper_the_table_and_the_code_stand_in_its_place(living):
    page, widget = living(ScheduleComposer)
    page.emulate_media(media="print")
    expect(widget).to_be_hidden()
    place = page.locator(".ol-fallback")
    expect(place.locator("table")).to_be_visible()
    expect(place.locator("pre")).to_contain_text("CosineAnnealingLR")
