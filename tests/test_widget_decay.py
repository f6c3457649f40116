"""Weight decay in two ways: the same steps as PyTorch's, a measure that holds, and a page equal to Python."""

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
from test_widgets_in_page import act, settle

from optimlab.rules import adam_l2
from optimlab.widgets import WeightDecay
from optimlab.widgets._base import strokes
from optimlab.widgets._random import normal
from optimlab.widgets.decay import BETA1, EPS, PRESETS, SLIDERS, STEPS, TITLES, bowl

TRAITS = {label: name for name, (label, _) in SLIDERS.items()} | {
    "Draw of the noise": "draw",
    "Read off after step": "step",
}
STATES = [
    {},
    {"scale": 0.1, "weight_decay": 1.0},
    {"pull": 0.7, "lr": 0.02, "beta2": 0.9, "draw": 5},
    {"scale": 100.0, "pull": 0.1, "beta2": 0.999, "draw": 13},
]


# In Python.


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize(("name", "made"), [("adamw", torch.optim.AdamW), ("adam_l2", torch.optim.Adam)])
def test_the_paths_are_those_of_pytorch(state, name, made):
    widget = WeightDecay(**state)
    w = torch.tensor([4.0, 1.0], dtype=torch.float64, requires_grad=True)
    hyper = {"lr": widget.lr, "betas": (BETA1, widget.beta2), "eps": EPS}
    optimizer = made([w], weight_decay=widget.weight_decay, **hyper)
    noise = torch.tensor(normal(widget.draw, 2 * STEPS).reshape(STEPS, 2))
    sizes = torch.tensor([widget.scale, 1.0], dtype=torch.float64)
    path = [w.detach().clone()]
    for t in range(STEPS):
        optimizer.zero_grad()
        bowl_ = widget.pull * (sizes * (w - torch.tensor([4.0, 1.0])) ** 2).sum() / 2
        (bowl_ + (sizes * noise[t] * w).sum()).backward()
        optimizer.step()
        path.append(w.detach().clone())
    np.testing.assert_allclose(widget.paths[name], torch.stack(path).numpy(), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("state", STATES)
def test_adamw_takes_lr_times_weight_decay_off_every_weight_at_every_step(state):
    widget = WeightDecay(**state)
    # The two steps are subtracted: what is left of 16 digits, as a share of the weight.
    error = 1e-15 * np.abs(widget.paths["adamw"]).max() / np.abs(widget.paths["adamw"][:-1])
    assert np.all(np.abs(widget.decays["adamw"] - widget.lr * widget.weight_decay) <= error)


@pytest.mark.parametrize("draw", range(1, 7))
@pytest.mark.parametrize("scale", [1.0, 10.0, 100.0])
def test_in_adam_with_l2_it_is_about_divided_by_the_root_of_the_average_of_squares(draw, scale):
    widget = WeightDecay(draw=draw, scale=scale)
    path = widget.paths["adam_l2"]
    g = normal(draw, 2 * STEPS).reshape(STEPS, 2) * [scale, 1.0]
    trace = adam_l2.trace(
        w=np.array([4.0, 1.0]), g=g, lr=0.01, beta1=BETA1, beta2=0.99, eps=EPS, weight_decay=0.3
    )
    np.testing.assert_allclose(path, trace["w"], rtol=1e-12)
    about = 0.01 * 0.3 / np.sqrt(trace["v_hat"][2:])
    share = np.median(widget.decays["adam_l2"][1:], axis=0) / np.median(about, axis=0)
    assert np.all((share > 0.9) & (share < 1.1))


@pytest.mark.parametrize("draw", range(1, 21))
def test_ten_times_the_gradients_are_decayed_about_ten_times_less(draw):
    rows = {(rule, what): values for rule, what, *values in WeightDecay(draw=draw).table}
    _, _, large, _ = rows["Adam with L2", "weight 1"]
    _, _, small, _ = rows["Adam with L2", "weight 2"]
    assert 7 < small / large < 13
    assert rows["AdamW", "weight 1"][2] == pytest.approx(rows["AdamW", "weight 2"][2])
    assert rows["AdamW", "norm"][3] < rows["Adam with L2", "norm"][3] / 2


@pytest.mark.parametrize("state", STATES)
def test_decay_in_the_first_gradient_does_nothing(state):
    decays = WeightDecay(**state).decays["adam_l2"]
    assert np.all(np.abs(decays[0]) < 1e-6 * np.median(decays[1:], axis=0))


def test_without_decay_the_two_are_the_same():
    widget = WeightDecay(weight_decay=0.0, pull=0.3)
    np.testing.assert_array_equal(widget.paths["adamw"], widget.paths["adam_l2"])
    assert not np.any(widget.decays["adam_l2"])


def test_the_bowl_has_the_gradient_that_it_says():
    ground, h = bowl.using(scale=7.0, pull=0.6), 1e-6
    for point in ([4.0, 1.0], [0.3, -0.2]):
        slope = [
            (ground.value(np.add(point, step)) - ground.value(np.subtract(point, step))) / (2 * h)
            for step in ([h, 0], [0, h])
        ]
        np.testing.assert_allclose(ground.gradient(point), slope, atol=1e-7)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("weight_decay", -0.1, ["weight_decay=-0.1", "at least 0"]),
        ("weight_decay", float("nan"), ["weight_decay=nan"]),
        ("lr", 0.0, ["lr=0.0", "above 0"]),
        ("beta2", 1.0, ["beta2=1.0", "less than 1"]),
        ("scale", 0.0, ["scale=0.0", "0.01 to 1000"]),
        ("pull", 2.0, ["pull=2.0", "0 to 1"]),
        ("draw", 0, ["draw=0", "1 to 20"]),
        ("step", 401, ["step=401", "1 to 400"]),
    ],
)
def test_state_that_does_not_fit_is_refused_and_nothing_changes(name, value, words):
    widget = WeightDecay()
    before = getattr(widget, name)
    with pytest.raises(traitlets.TraitError) as caught:
        setattr(widget, name, value)
    for word in words:
        assert word in str(caught.value)
    assert getattr(widget, name) == before


def test_text_and_html_hold_the_table():
    widget = WeightDecay()
    end = widget.paths["adam_l2"][-1, 0]
    for shown in (widget.text(), widget.html()):
        assert f"{end:.3f}" in shown
        assert "weight decay 0.3" in shown
    assert "<caption>" in widget.html()


def test_the_data_of_the_widget_are_small():
    assert len(gzip.compress(json.dumps(WeightDecay().spec).encode())) < 8000


# In the browser.


def check(widget: Locator) -> WeightDecay:
    """Compare what the widget shows with its Python twin in the state that the controls say; return it."""
    said = widget.evaluate(
        """(widget) => Object.fromEntries([...widget.querySelectorAll('input[type=range]')].map((input) =>
            [input.labels[0].textContent, Number(input.dataset.value)]))"""
    )
    state = {TRAITS[label]: value for label, value in said.items()}
    twin = WeightDecay(**state | {"draw": int(state["draw"]), "step": int(state["step"])})
    cells = widget.locator("details tbody td[data-value]")
    shown = np.array(read_cells(cells), float).reshape(6, 4)
    computed = np.array([row[2:] for row in twin.table], float)
    # A decay is a difference of two weights as a share of the weight: where that is near 0, digits are lost.
    lost = 1e-14 / np.abs(np.nan_to_num(computed[:, :1], nan=1.0))
    assert np.all(np.isnan(shown) == np.isnan(computed))
    close = np.abs(shown - computed) <= 1e-9 * np.abs(computed) + np.maximum(1e-13, lost)
    assert np.all(close | np.isnan(computed)), (state, shown, computed)
    check_pictures(widget, twin)
    return twin


def check_pictures(widget: Locator, twin: WeightDecay) -> None:
    """Compare the map and both charts with what Python computes."""
    plane, norms, shares = figures(widget)
    looks = {name: look(stroke) for name, stroke in strokes(TITLES).items()}
    plane.shows_map(
        paths=[(looks[name], path, False) for name, path in twin.paths.items()],
        spots=[
            *(((looks[name][0], "", False), "disc", path[twin.step]) for name, path in twin.paths.items()),
            (look(), "cross", [0, 0]),
        ],
    )
    norms.shows_curves(
        [Curve(looks[name], range(STEPS + 1), np.hypot(*path.T)) for name, path in twin.paths.items()],
        mark=twin.step,
    )
    t = np.arange(1, STEPS + 1)
    middles = np.array([np.median(decays[1:], axis=0) for decays in twin.decays.values()])
    low, high = min(middles[middles > 0], default=0) / 4, 4 * max(middles[middles > 0], default=0)

    def share(name: str, i: int, look: tuple, title: str) -> Curve:
        y = twin.decays[name][:, i]
        return Curve(look, t, np.where((t > 1) & (low <= y) & (y <= high), y, np.nan), title)

    series = [
        share("adamw", 0, (looks["adamw"][0], "", False), "AdamW, both"),
        share("adam_l2", 0, look(tone=1), "L2, weight 1"),
        share("adam_l2", 1, look(tone=4), "L2, weight 2"),
    ]
    # Without decay the chart is empty.
    shares.shows_curves(series if twin.weight_decay else [], log_y=True, mark=twin.step)


def control(widget: Locator, label: str) -> Locator:
    return widget.get_by_label(label, exact=True)


def test_it_shows_what_python_computes_for_every_example(living):
    page, widget = living(WeightDecay)
    check(widget)
    for name, state in PRESETS.items():
        control(widget, "Examples").select_option(name)
        settle(page)
        twin = check(widget)
        assert {key: getattr(twin, key) for key in state} == state
        assert control(widget, "Examples").input_value() == name
    expect(widget.locator(".ol-readout")).to_contain_text("Without decay")


def test_after_fifty_random_actions_it_still_equals_python(living):
    page, widget = living(WeightDecay)
    chance = random.Random(3)
    controls = widget.locator("input[type=range], select")
    for _ in range(50):
        act(controls.nth(chance.randrange(controls.count())), chance.random())
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
    page, widget = living(WeightDecay)
    sliders = widget.locator("input[type=range]").all()
    assert len(sliders) == len(TRAITS)
    for slider in sliders:
        drag(page, slider, 0.7)
        most = int(slider.get_attribute("max"))
        assert int(slider.input_value()) / most == pytest.approx(0.7, abs=0.5 / most + 0.05)
        check(widget)
        slider.focus()
        before = int(slider.input_value())
        page.keyboard.press("ArrowLeft")
        settle(page)
        assert int(slider.input_value()) == before - 1
        assert slider.get_attribute("aria-valuetext")
        check(widget)


def test_a_finger_on_a_chart_reads_off_that_step(living):
    page, widget = living(WeightDecay, width=360, height=740, touch=True)
    session = page.context.new_cdp_session(page)

    def touch(kind: str, *points) -> None:
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": list(points)})

    # From three tenths of the norm's chart to seven, then on the chart of decays beyond its right end.
    for chart, share, wanted in ((1, 0.7, 280), (2, 1.02, STEPS)):
        picture = widget.locator("svg.ol-chart").nth(chart)
        picture.evaluate("(chart) => chart.scrollIntoView({block: 'center'})")
        box = picture.bounding_box()
        left, right = box["x"] + 52, box["x"] + box["width"] - 14
        for k in range(9):
            at = left + (0.3 + (share - 0.3) * k / 8) * (right - left)
            touch("touchMove" if k else "touchStart", {"x": at, "y": box["y"] + 70})
        touch("touchEnd")
        settle(page)
        assert check(widget).step == pytest.approx(wanted, abs=4)


def test_a_finger_that_scrolls_over_a_chart_leaves_the_step_and_a_tap_moves_it(living):
    page, widget = living(WeightDecay, width=360, height=500, touch=True)
    session = page.context.new_cdp_session(page)
    picture = widget.locator("svg.ol-chart").nth(1)
    picture.evaluate("(chart) => chart.scrollIntoView({block: 'center'})")
    settle(page)
    box = picture.bounding_box()
    at = {"x": box["x"] + 52 + 0.4 * (box["width"] - 66), "y": box["y"] + 90}
    before = (check(widget).step, page.evaluate("scrollY"))

    def touch(kind: str, *points) -> None:
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": list(points)})

    touch("touchStart", at)
    for k in range(1, 9):
        touch("touchMove", {"x": at["x"] + k, "y": at["y"] - 10 * k})
    touch("touchEnd")
    settle(page)
    assert check(widget).step == before[0]
    assert page.evaluate("scrollY") > before[1] + 30
    picture.evaluate("(chart) => chart.scrollIntoView({block: 'center'})")
    settle(page)
    page.touchscreen.tap(at["x"], picture.bounding_box()["y"] + 90)
    settle(page)
    assert check(widget).step == pytest.approx(160, abs=4)


def test_every_control_is_reached_by_tab(living):
    page, widget = living(WeightDecay)
    wanted = widget.locator("input, select").count()
    control(widget, "Examples").focus()
    seen = 1
    for _ in range(wanted + 2):
        page.keyboard.press("Tab")
        seen += page.evaluate("document.activeElement.matches('.ol :is(input, select)')")
    assert seen == wanted
