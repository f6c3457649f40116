"""One step of momentum beside one of Nesterov: by hand, and as the page draws it wherever it is dragged."""

from __future__ import annotations

import json
import random
from xml.etree import ElementTree

import numpy as np
import pytest
import traitlets
from drawn import figures, look, read_cells
from playwright.sync_api import Locator, Page, expect
from test_widgets_in_page import act, hold, settle

from optimlab import plots
from optimlab.format import number
from optimlab.widgets import Lookahead
from optimlab.widgets._base import strokes

NAMES = {"momentum": "Momentum", "nesterov_lookahead": "Nesterov"}


def by_hand(made: Lookahead) -> dict[str, np.ndarray]:
    """Return both next points from the gradient (2 x, 8 y), without any rule."""
    w, jump = np.array(made.w), np.array(made.jump)
    slope = np.array([2.0, 8.0])
    return {
        "momentum": w + jump - made.lr * slope * w,
        "nesterov_lookahead": w + jump - made.lr * slope * (w + jump),
    }


# In Python.


def test_a_step_worked_by_hand():
    made = Lookahead(w=[-2.0, 0.5], jump=[1.0, -1.0], lr=0.1)
    # Momentum: the gradient at (-2, 0.5) is (-4, 4); a tenth of it off the tip (-1, -0.5).
    assert made.next["momentum"] == pytest.approx([-0.6, -0.9])
    assert made.heights["momentum"] == pytest.approx(0.36 + 4 * 0.81)
    # Nesterov: the gradient at the tip (-1, -0.5) is (-2, -4).
    assert made.next["nesterov_lookahead"] == pytest.approx([-0.8, -0.1])
    assert made.heights["nesterov_lookahead"] == pytest.approx(0.64 + 4 * 0.01)
    assert made.lower == "nesterov_lookahead"
    rows = {name: values for name, *values in made.table}
    assert rows["gradient at the point"] == [-4.0, 4.0, None]
    assert rows["gradient at the look-ahead"][:2] == pytest.approx([-2.0, -4.0])
    assert rows["look-ahead, w + jump"] == pytest.approx([-1.0, -0.5, 2.0])
    assert rows["velocity v before the step"][:2] == pytest.approx([-1 / 0.09, 1 / 0.09])


def test_every_step_is_the_jump_and_the_gradient_that_belongs_to_it():
    chance = random.Random(3)
    for _ in range(300):
        made = Lookahead(
            w=[chance.uniform(-3, 3), chance.uniform(-2, 2)],
            jump=[chance.uniform(-3, 3), chance.uniform(-2, 2)],
            lr=chance.uniform(0.001, 1),
        )
        for name, right in by_hand(made).items():
            np.testing.assert_allclose(made.next[name], right, rtol=1e-11, atol=1e-12)


def test_which_is_lower_depends_on_the_jump():
    # Across the floor Nesterov brakes; along it the gradient of the start is larger and helps more.
    assert Lookahead().lower == "nesterov_lookahead"
    assert Lookahead(jump=[1.1, 0.0]).lower == "momentum"
    assert Lookahead(jump=[2.5, 0.0]).lower == "nesterov_lookahead"
    # Without a jump both take the same gradient.
    still = Lookahead(jump=[0.0, 0.0])
    assert still.lower is None
    np.testing.assert_array_equal(still.next["momentum"], still.next["nesterov_lookahead"])


def test_another_learning_rate_leaves_the_jump():
    ends = [Lookahead(lr=lr).table[4][1:3] for lr in (0.01, 0.1, 1.0)]
    np.testing.assert_allclose(ends, [[-0.8, -0.4]] * 3)


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ({"w": [1.0]}, ["w=[1.0]", "[x, y]", "-3 to 3", "-2 to 2"]),
        ({"w": [1.0, 2.5]}, ["w=[1.0, 2.5]", "-2 to 2"]),
        ({"w": [float("nan"), 0.0]}, ["w=[nan", "-3 to 3"]),
        ({"jump": [0.0, 0.0, 0.0]}, ["jump=[0.0, 0.0, 0.0]", "[x, y]"]),
        ({"jump": [-3.1, 0.0]}, ["jump=[-3.1", "-3 to 3"]),
        ({"w": ["a", 0.0]}, ["w", "float"]),
        ({"lr": 0.0}, ["lr=0.0", "more than 0"]),
        ({"lr": float("inf")}, ["lr=inf", "at most 1"]),
        ({"drag": "velocity"}, ["'velocity'", "'point' or 'jump'"]),
        ({"drag": "jumps"}, ["'jumps'", "did you mean 'jump'"]),
    ],
)
def test_a_state_that_does_not_fit_is_refused_and_nothing_changes(state, words):
    with pytest.raises(traitlets.TraitError) as caught:
        Lookahead(**state)
    for word in words:
        assert word in str(caught.value)
    made, ((name, value),) = Lookahead(), state.items()
    with pytest.raises(traitlets.TraitError):
        setattr(made, name, value)
    assert getattr(made, name) == getattr(Lookahead(), name)


def test_an_unknown_argument_is_refused_with_the_nearest():
    with pytest.raises(TypeError, match="did you mean 'jump'"):
        Lookahead(jumps=[1.0, 0.0])


def test_the_text_and_the_html_say_the_same_numbers():
    made = Lookahead(w=[-1.25, 1.7], jump=[2.05, -0.35], lr=0.145)
    tree = ElementTree.fromstring(f"<div>{made.html()}</div>")
    assert tree.find(".//caption").text == made.text().splitlines()[0]
    rows = [[cell.text or "" for cell in line] for line in tree.iterfind(".//tbody/tr")]
    assert len(rows) == len(made.table) == 8
    for cells, line in zip(rows, made.text().splitlines()[3:], strict=True):
        assert " ".join(filter(None, cells)).split() == line.split()
    shown = made._repr_mimebundle_()[0]
    assert shown["text/plain"] == repr(made) == made.text()
    assert shown["text/html"] == made.html()


def test_the_data_of_the_widget_are_strict_json_and_small():
    spec = Lookahead().spec
    text = json.dumps(spec, allow_nan=False)
    assert json.loads(text) == spec
    assert len(text) < 8000


# In the browser.


def said(widget: Locator) -> Lookahead:
    """Return Python's widget in the state that the controls say."""
    values = widget.evaluate(
        """(widget) => Object.fromEntries([...widget.querySelectorAll("input[type=range]")].map(
            (input) => [input.labels[0].textContent, Number(input.dataset.value)]))"""
    )
    return Lookahead(
        w=[values["x of the point"], values["y of the point"]],
        jump=[values["x of the jump"], values["y of the jump"]],
        lr=values["Learning rate η"],
        drag=widget.locator("input[type=radio]:checked").get_attribute("value"),
    )


def readout(made: Lookahead) -> str:
    def short(x) -> str:
        return number(x, 4)

    parts = [
        f"{NAMES[name]}’s next point: ({short(at[0])}, {short(at[1])}), height {short(made.heights[name])}."
        for name, at in made.next.items()
    ]
    lower = made.lower
    return " ".join([*parts, f"{NAMES[lower]} is lower." if lower else "Both are equally high."])


def check(widget: Locator, made: Lookahead | None = None) -> Lookahead:
    """Compare the words, the numbers and the drawn arrows with Python's, which is returned."""
    shown = said(widget)
    made = shown if made is None else made
    for name in ("w", "jump", "lr", "drag"):
        assert getattr(shown, name) == getattr(made, name)
    outputs = widget.locator("output").all_text_contents()
    assert outputs == [number(x, 4) for x in (*made.w, *made.jump, made.lr)]
    status = widget.locator(".ol-readout[role=status]")
    expect(status).to_have_text(readout(made))
    assert status.get_attribute("data-lower") == (made.lower or "")
    assert f"η = {number(made.lr)}, β = 0.9" in widget.locator("caption").text_content()
    assert widget.locator("tbody th").all_text_contents() == [row[0] for row in made.table]
    found = read_cells(widget.locator("tbody td"))
    expected = [value for row in made.table for value in row[1:]]
    assert [x is None for x in found] == [x is None for x in expected]
    np.testing.assert_allclose(
        [x for x in found if x is not None], [x for x in expected if x is not None], rtol=1e-12, atol=1e-14
    )
    check_map(widget, made)
    return made


def check_map(widget: Locator, made: Lookahead) -> None:
    """Compare the ends of the arrows and the points with what is worked out by hand."""
    (plane,) = figures(widget)
    looks = strokes(NAMES)
    step = {name: look(one) for name, one in looks.items()}
    push = {name: look({**one, "color": plots.VERMILION}) for name, one in looks.items()}
    pale = look({**looks["momentum"], "color": plots.VERMILION}, faint=True)
    w, tip, ends = np.array(made.w), np.array(made.w) + made.jump, by_hand(made)
    rings = {"point": ("ring", "disc"), "jump": ("disc", "ring")}[made.drag]
    plane.shows_map(
        arrows=[
            (pale, w, w - made.lr * np.array([2.0, 8.0]) * w),
            (look(), w, tip),
            *((push[name], tip, end) for name, end in ends.items()),
            *((step[name], w, end) for name, end in ends.items()),
        ],
        spots=[
            (look(), rings[0], w),
            (look(), rings[1], tip),
            *((step[name], "disc", end) for name, end in ends.items()),
        ],
    )
    assert {name: tuple(found) for name, found in plane.legend} == {
        "the jump that the velocity makes": look(),
        "−η × gradient at the point": push["momentum"],
        "−η × gradient at the look-ahead": push["nesterov_lookahead"],
        "step of momentum: both together": step["momentum"],
        "step of Nesterov: both together": step["nesterov_lookahead"],
    }


def at(widget: Locator, x: float, y: float) -> tuple[float, float]:
    """Return where on the screen a point of the map is."""
    frame = widget.locator(".ol-frame")
    frame.evaluate("(frame) => frame.scrollIntoView({block: 'center'})")
    box = frame.bounding_box()
    return box["x"] + (x + 3) / 6 * box["width"], box["y"] + (2 - y) / 4 * box["height"]


def pull(page: Page, widget: Locator, start, end) -> None:
    """Drag with the mouse from one point of the map to another."""
    page.mouse.move(*at(widget, *start))
    page.mouse.down()
    page.mouse.move(*at(widget, *end), steps=4)
    page.mouse.up()
    settle(page)


@pytest.mark.parametrize("seed", range(2))
def test_after_fifty_random_actions_the_page_still_equals_python(living, seed):
    page, widget = living(Lookahead)
    chance = random.Random(seed)
    controls = widget.locator("input")
    assert controls.count() == 2 + 5
    check(widget, Lookahead())
    for i in range(50):
        if i % 4 == 3:
            ends = [(chance.uniform(-3.2, 3.2), chance.uniform(-2.2, 2.2)) for _ in range(2)]
            pull(page, widget, *ends)
        else:
            control = controls.nth(chance.randrange(controls.count()))
            if control.get_attribute("type") == "radio":
                control.check()
            else:
                act(control, chance.random())
        settle(page)
        check(widget)


def test_the_mouse_takes_the_handle_it_is_put_on_and_elsewhere_the_chosen_one(living):
    page, widget = living(Lookahead)
    made = Lookahead()
    pull(page, widget, (-1.9, 0.7), (1.5, 1.2))
    made.w = [1.5, 1.2]
    check(widget, made)
    tip = np.add(made.w, made.jump)
    pull(page, widget, tip, (0.4, -1.0))
    made.drag, made.jump = "jump", [-1.1, -2.0]  # (0.4, -1) - (1.5, 1.2), and no jump is longer than 2 in y
    check(widget, made)
    # Far from both, the tip goes on to be dragged; with the other choice, the point is.
    pull(page, widget, (-2.0, 1.5), (-0.5, 1.0))
    made.jump = [-2.0, -0.2]
    check(widget, made)
    widget.get_by_role("radio", name="the point").check()
    pull(page, widget, (2.5, -1.8), (9.0, -1.5))
    made.drag, made.w = "point", [3.0, -1.5]
    check(widget, made)


@pytest.mark.parametrize("what", ["point", "jump"])
def test_a_finger_drags_the_chosen_handle_and_does_not_scroll_the_page(living, what):
    page, widget = living(Lookahead, width=360, height=740, touch=True)
    made = Lookahead()
    widget.get_by_text({"point": "the point", "jump": "the tip of the jump"}[what], exact=True).tap()
    settle(page)
    start = np.array(made.w) + (made.jump if what == "jump" else [0, 0])
    end = np.add(start, [1.0, 0.5])
    session = page.context.new_cdp_session(page)
    (x, y), (u, v) = at(widget, *start), at(widget, *end)
    scrolled = page.evaluate("scrollY")
    session.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]})
    for share in (0.25, 0.5, 0.75, 1.0):
        point = {"x": x + share * (u - x), "y": y + share * (v - y)}
        session.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [point]})
        settle(page)
    session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    settle(page)
    after = check(widget)
    assert page.evaluate("scrollY") == scrolled
    assert after.drag == what
    moved, kept = (after.w, after.jump) if what == "point" else (after.jump, after.w)
    before, still = (made.w, made.jump) if what == "point" else (made.jump, made.w)
    np.testing.assert_allclose(moved, np.add(before, [1.0, 0.5]), atol=0.06)
    assert kept == still


def test_a_finger_beside_the_handle_moves_nothing(living):
    page, widget = living(Lookahead, width=360, height=740, touch=True)
    session = page.context.new_cdp_session(page)
    x, y = at(widget, 2.0, -1.5)
    session.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]})
    for step in range(1, 6):
        session.send(
            "Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [{"x": x - 8 * step, "y": y}]}
        )
    session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    settle(page)
    check(widget, Lookahead())


def test_the_keyboard_reaches_and_moves_everything(living):
    page, widget = living(Lookahead)
    made = Lookahead()
    page.keyboard.press("Tab")
    expect(widget.get_by_role("radio", name="the point")).to_be_focused()
    page.keyboard.press("ArrowDown")
    made.drag = "jump"
    settle(page)
    check(widget, made)
    for name, place, label in (
        ("w", 0, "x of the point"),
        ("w", 1, "y of the point"),
        ("jump", 0, "x of the jump"),
        ("jump", 1, "y of the jump"),
        ("lr", None, "Learning rate η"),
    ):
        page.keyboard.press("Tab")
        slider = widget.get_by_label(label)
        expect(slider).to_be_focused()
        page.keyboard.press("ArrowRight")
        settle(page)
        if place is None:
            made.lr = 0.105
        else:
            pair = list(getattr(made, name))
            pair[place] = round(pair[place] + 0.05, 2)
            setattr(made, name, pair)
        check(widget, made)
        assert slider.get_attribute("aria-valuetext") in widget.locator("output").all_text_contents()
        page.keyboard.press("Home")
        settle(page)
        check(widget)
        page.keyboard.press("End")
        settle(page)
        made = check(widget)


def test_what_the_kernel_sets_is_drawn_and_what_the_reader_sets_is_told_to_it(living):
    page, widget = living(Lookahead)
    hold(page)
    held = page.locator("#held .ol")
    held.locator("details").evaluate("(one) => (one.open = true)")
    made = Lookahead()
    # Also what no slider stops at.
    for name, value in (
        ("w", [0.123, -1.777]),
        ("jump", [0.0, 0.0]),
        ("lr", 0.7),
        ("drag", "jump"),
        ("jump", [-2.345, 1.5]),
    ):
        page.evaluate("([name, value]) => model.set(name, value)", [name, value])
        setattr(made, name, value)
        settle(page)
        check(held, made)
    act(held.get_by_label("y of the jump"), 0.0)
    settle(page)
    assert page.evaluate("[saved.w, saved.jump, saved.lr, saved.drag]") == [
        [0.123, -1.777],
        [-2.345, -2.0],
        0.7,
        "jump",
    ]
    # Two of them on one page do not take each other's choice away.
    check(widget, Lookahead())
    page.evaluate("stop()")
    assert page.evaluate("Object.values(model.listeners).flat().length") == 0


def test_arrows_of_nesterov_are_dotted_and_those_of_momentum_are_not(living):
    page, widget = living(Lookahead)
    settle(page)
    dashes = widget.locator(".ol-plane g:has(> .ol-head)").evaluate_all(
        "(groups) => groups.map((group) => getComputedStyle(group.firstChild).strokeDasharray)"
    )
    assert [dash == "none" for dash in dashes] == [True, True, True, False, True, False]


def test_as_much_room_is_kept_as_it_takes(living):
    page, widget = living(Lookahead)
    widget.locator("details").evaluate("(one) => (one.open = false)")
    settle(page)
    kept = float(Lookahead().min_height.removesuffix("rem")) * 16
    assert widget.bounding_box()["height"] == pytest.approx(kept, abs=12)
