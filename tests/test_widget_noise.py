"""Mini-batch gradients: the draws, the theory, and a widget that shows what Python computes."""

from __future__ import annotations

import itertools
import json
import random
import re
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import traitlets
from drawn import Curve, figures, look, read_cells
from playwright.sync_api import Locator, Page, expect
from test_widgets_in_page import act, hold, settle

from optimlab.widgets import MinibatchNoise
from optimlab.widgets import _random as chance
from optimlab.widgets.noise import DATA, SAMPLES, SITUATIONS, SIZES, WINDOW, X, _bowl, gradient, loss

RANDOM_JS = Path(chance.__file__).parent / "js" / "random.js"

# Chance.


def mulberry32(seed: int):
    """The generator as it is usually written: one number after the other."""
    state = seed
    while True:
        state = (state + 0x6D2B79F5) % 2**32
        z = state
        z = ((z ^ (z >> 15)) * (z | 1)) % 2**32
        z ^= (z + ((z ^ (z >> 7)) * (z | 61)) % 2**32) % 2**32
        yield z ^ (z >> 14)


@pytest.mark.parametrize("seed", [0, 1, 12345, 2**32 - 1])
def test_all_draws_at_once_are_the_draws_one_by_one(seed):
    assert chance.integers(seed, 1000).tolist() == list(itertools.islice(mulberry32(seed), 1000))


def test_draws_are_spread_as_they_should_be():
    u = chance.uniform(3, 100_000)
    assert u.min() >= 0
    assert u.max() < 1
    counts = np.histogram(u, 20, (0, 1))[0]
    assert np.sum((counts - 5000) ** 2 / 5000) < 43.8  # chi-squared, 19 degrees, 1 in 1000
    z = chance.normal(3, 100_000)
    assert abs(z.mean()) < 4 / np.sqrt(100_000)
    assert z.var() == pytest.approx(1, abs=4 * np.sqrt(2 / 100_000))
    assert np.mean(z**4) == pytest.approx(3, abs=4 * np.sqrt(96 / 100_000))


def test_a_batch_without_replacement_holds_no_sample_twice_and_every_order_is_equally_likely():
    batches = chance.picks(1, 64, 32, 400)
    assert all(len(set(batch)) == 32 for batch in batches.tolist())
    shuffles = chance.picks(5, 3, 3, 6000)
    counts = [np.sum(np.all(shuffles == order, axis=1)) for order in itertools.permutations(range(3))]
    assert np.sum((np.array(counts) - 1000) ** 2 / 1000) < 20.5  # chi-squared, 5 degrees, 1 in 1000
    again = chance.picks(2, 64, 64, 100, replace=True)
    distinct = np.mean([len(set(batch)) for batch in again.tolist()])
    assert distinct == pytest.approx(64 * (1 - (63 / 64) ** 64), abs=1)


def test_the_browser_draws_the_same_numbers(browser):
    page = browser.new_page()
    page.add_script_tag(
        type="module",
        content=f"{RANDOM_JS.read_text()}\nwindow.drawn = {{ integers, uniform, normal, picks }};",
    )
    page.wait_for_function("window.drawn")
    for seed in (0, 7, 2**31, 2**32 - 1):
        drawn = page.evaluate(
            """(seed) => {
                const { integers, uniform, normal, picks } = window.drawn;
                const next = integers(seed);
                return [Array.from({ length: 50 }, next), [...uniform(seed, 50)], [...normal(seed, 50)],
                        [...picks(seed, 64, 8, 20)], [...picks(seed, 64, 64, 3, true)]];
            }""",
            seed,
        )
        assert drawn[0] == chance.integers(seed, 50).tolist()
        assert drawn[1] == chance.uniform(seed, 50).tolist()
        np.testing.assert_allclose(drawn[2], chance.normal(seed, 50), rtol=1e-12, atol=1e-13)
        assert drawn[3] == chance.picks(seed, 64, 8, 20).ravel().tolist()
        assert drawn[4] == chance.picks(seed, 64, 64, 3, True).ravel().tolist()
    page.close()


# The widget in Python.


def test_the_gradient_of_a_sample_is_the_slope_of_its_loss():
    y = DATA["much noise"]
    a, b, step = 0.3, -1.2, 1e-4
    along_slope = (loss(a + step, b, X, y) - loss(a - step, b, X, y)) / (2 * step)
    along_intercept = (loss(a, b + step, X, y) - loss(a, b - step, X, y)) / (2 * step)
    np.testing.assert_allclose(gradient(a, b, X, y), (along_slope, along_intercept), atol=1e-8)


@pytest.mark.parametrize("replace", [False, True])
def test_the_measured_spread_follows_the_theory_of_its_way_to_draw(replace):
    ratios = []
    for seed in range(20):
        rows = MinibatchNoise(data="little noise", seed=seed, replace=replace).table
        # From 400 batches; the last size without replacement has nothing to divide by.
        ratios.append([row[2] / row[3 if replace else 4] for row in rows if replace or row[0] != "64"])
    np.testing.assert_allclose(np.mean(ratios, axis=0), 1, atol=0.05)


def test_the_mean_of_all_batches_of_two_is_the_true_gradient_and_their_spread_the_finite_population_theory():
    widget = MinibatchNoise()
    pairs = np.array(list(itertools.combinations(range(SAMPLES), 2)))
    means = widget.gradients[pairs].mean(axis=1)
    np.testing.assert_allclose(means.mean(axis=0), widget.gradient, rtol=1e-12)
    exact = np.mean(np.sum((means - widget.gradient) ** 2, axis=1))
    assert widget.table[1][4] == pytest.approx(exact, rel=1e-12)
    with_replacement = widget.gradients[list(itertools.product(range(SAMPLES), repeat=2))].mean(axis=1)
    exact = np.mean(np.sum((with_replacement - widget.gradient) ** 2, axis=1))
    assert widget.table[1][3] == pytest.approx(exact, rel=1e-12)


def test_a_batch_of_all_samples_has_no_noise_unless_it_is_drawn_with_replacement():
    assert MinibatchNoise().table[-1][2] == 0
    assert MinibatchNoise().table[-1][5] == np.inf
    assert MinibatchNoise(replace=True).table[-1][2] > 0


@pytest.mark.parametrize("data", DATA)
def test_batch_descent_is_the_power_of_a_matrix(data):
    widget = MinibatchNoise(data=data, lr=0.2, epochs=7)
    design = np.stack([X, np.ones(SAMPLES)], axis=1)
    curvature = design.T @ design / SAMPLES
    best = np.linalg.solve(curvature, design.T @ DATA[data] / SAMPLES)
    end = best + np.linalg.matrix_power(np.eye(2) - 0.2 * curvature, 7) @ (widget.w - best)
    np.testing.assert_allclose(widget.paths["batch"][-1], end, rtol=1e-12)
    loss_there = np.mean((design @ end - DATA[data]) ** 2) / 2
    lowest = np.mean((design @ best - DATA[data]) ** 2) / 2
    assert widget.descents[0][5:] == pytest.approx([loss_there, loss_there - lowest], rel=1e-9)


def test_mini_batch_descent_lies_between_its_two_extremes():
    whole = MinibatchNoise(batch_size=64).paths
    np.testing.assert_allclose(whole["mini-batch"], whole["batch"], rtol=1e-12)
    single = MinibatchNoise(batch_size=1).paths
    np.testing.assert_array_equal(single["mini-batch"], single["single samples"])
    assert len(MinibatchNoise(batch_size=8, epochs=3).paths["mini-batch"]) == 3 * 8 + 1


def test_a_descent_that_is_lost_says_so_and_has_no_end():
    widget = MinibatchNoise(lr=0.6, epochs=20, data="one outlier")
    (lost,) = (row for row in widget.descents if row[0] == "single samples")
    assert lost[3:] == [None] * 4
    assert np.isfinite(widget.paths["single samples"]).all()


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ({"data": "much nois"}, ["'much nois'", "did you mean 'much noise'"]),
        ({"batch_size": 3}, ["batch_size=3", "1, 2, 4, 8"]),
        ({"lr": 0.0}, ["lr=0.0", "0 < lr <= 1"]),
        ({"lr": float("nan")}, ["lr=nan"]),
        ({"epochs": 21}, ["epochs=21", "1 to 20"]),
        ({"seed": -1}, ["seed=-1", "0 to 99"]),
        ({"w": [1.0]}, ["w=[1.0]", "slope", "intercept"]),
        ({"w": [0.0, float("nan")]}, ["nan", "-2.0 to 4.0"]),
        ({"w": [9.0, 0.0]}, ["9.0", "-1.5 to 3.0"]),
    ],
)
def test_state_that_does_not_fit_is_refused_with_what_is_expected(state, words):
    with pytest.raises(traitlets.TraitError) as caught:
        MinibatchNoise(**state)
    assert all(word in str(caught.value) for word in words)
    widget = MinibatchNoise()
    ((name, value),) = state.items()
    before = getattr(widget, name)
    with pytest.raises(traitlets.TraitError):
        setattr(widget, name, value)
    assert getattr(widget, name) == before


def test_the_html_has_the_numbers_of_the_text():
    for widget in (MinibatchNoise(), MinibatchNoise(lr=0.6, epochs=20, data="one outlier", replace=True)):
        tables = ElementTree.fromstring(f"<div>{widget.html()}</div>").findall("table")
        assert len(tables) == 2
        cells = [cell.text for table in tables for row in table.find("tbody") for cell in row if cell.text]
        lines = [line for line in widget.text().splitlines() if re.match(r"\d|batch |mini|single", line)]
        lines = [line.replace("  inf", "  no noise") for line in lines if "size" not in line]
        assert " ".join(cells).split() == " ".join(lines).split()


# The widget in the browser.


def said(widget: Locator) -> dict:
    """Return the state that the controls say."""
    sliders = widget.evaluate(
        """(widget) => Object.fromEntries(
            [...widget.querySelectorAll('.ol-control input[type=range]')].map((input) => [
                widget.querySelector(`label[for="${input.id}"]`).textContent,
                Number(input.dataset.value)]))"""
    )
    return {
        "data": widget.get_by_label("Data", exact=True).input_value(),
        "replace": widget.get_by_label("Draw with replacement").is_checked(),
        "batch_size": int(sliders["Batch size B"]),
        "lr": sliders["Learning rate"],
        "epochs": int(sliders["Epochs"]),
        "seed": int(sliders["Shuffle (seed)"]),
        "w": [sliders["Slope at the start"], sliders["Intercept at the start"]],
    }


def check(widget: Locator) -> None:
    """Compare tables and pictures with what Python computes from the state that the controls say."""
    twin = MinibatchNoise(**said(widget))
    tables = widget.locator("details table")
    for table, rows in zip(tables.all(), (twin.table, twin.descents), strict=True):
        shown = read_cells(table.locator("tbody td"), 4, "no noise")
        right = [value for row in rows for value in row[1:]]
        assert [value is None for value in shown] == [value is None for value in right]
        pairs = [pair for pair in zip(shown, right, strict=True) if pair[1] is not None]
        for on_page, computed in pairs:
            assert on_page == pytest.approx(computed, rel=1e-9, abs=1e-12)
    marked = widget.locator(".ol-noise-current th").text_content()
    assert int(marked) == twin.batch_size
    quiet = twin.batch_size == SAMPLES and not twin.replace
    said_so = "there is no noise" if quiet else f"mini-batch of {twin.batch_size} "
    expect(widget.locator(".ol-readout")).to_contain_text(said_so)
    assert widget.locator("details").get_by_text("no noise", exact=True).count() == (not twin.replace)
    assert "inf" not in widget.locator("details").text_content()
    check_pictures(widget, twin)


def thin(points: np.ndarray) -> np.ndarray:
    """Return every so many points and the last, 600 or a few more."""
    stride = -(-len(points) // 600)
    return np.concatenate([points[:-1:stride], points[-1:]])


def check_pictures(widget: Locator, twin: MinibatchNoise) -> None:
    """Compare both maps and both charts with what Python computes."""
    field, cloud, losses, spread = figures(widget)
    bowl = _bowl(twin.data)
    sizes = {"batch": SAMPLES, "mini-batch": twin.batch_size, "single samples": 1}
    names = (f"all {SAMPLES} samples", f"mini-batches of {twin.batch_size}", "single samples")
    paths, curves = [], []
    for (descent, size), tone, name in zip(sizes.items(), (2, 1, 3), names, strict=True):
        path = twin.paths[descent]
        lost = dict(zip(sizes, twin.descents, strict=True))[descent][3] is None
        if lost:  # it stands still, and is drawn up to there
            path = path[: np.flatnonzero(np.any(np.diff(path, axis=0), axis=1))[-1] + 2]
        off = path - bowl["minimum"]
        above = np.einsum("ti,ij,tj->t", off, bowl["curvature"], off) / 2
        seen = thin(np.stack([size * np.arange(len(path)), above], axis=1))
        paths.insert(0, (look(tone=tone), thin(path), size == SAMPLES))
        # Close to the minimum the loss above it is lost in rounding.
        curves.insert(0, Curve(look(tone=tone), *seen.T, name, slack=1e-9 * seen[:, 1] + 1e-28))
    field.shows_map(paths=paths, spots=[(look(), "cross", bowl["minimum"]), (look(), "ring", twin.w)])
    losses.shows_curves(curves, log_y=True)
    off = twin.gradients - twin.gradient
    share = 1 / twin.batch_size * (1 if twin.replace else (SAMPLES - twin.batch_size) / (SAMPLES - 1))
    angles = np.linspace(0, 2 * np.pi, 73)
    root = (
        np.linalg.cholesky(off.T @ off / SAMPLES * share + 1e-300 * np.eye(2)) if share else np.zeros((2, 2))
    )
    ellipse = twin.gradient + np.stack([np.cos(angles), np.sin(angles)], axis=1) @ root.T
    cloud.shows_map(
        paths=[(look(tone=1), twin.cloud(), False), (look(), ellipse, False)],
        arrows=[(look(tone=2), [0, 0], twin.gradient)],
        spots=[(look(), "cross", [0, 0])],
    )
    b = np.arange(1, SAMPLES + 1)
    plain = twin.variance / b
    spread.shows_curves(
        [
            Curve(look(tone=4, faint=not twin.replace), b, plain, "σ²/B, with replacement"),
            Curve(
                look(faint=twin.replace),
                b,
                plain * (SAMPLES - b) / (SAMPLES - 1),
                "times (N−B)/(N−1), without",
            ),
            Curve(look(tone=1), SIZES, [row[2] for row in twin.table], "measured", dots=True),
        ],
        log_x=True,
        log_y=True,
        mark=twin.batch_size,
    )


def on_map(widget: Locator, w: list[float]) -> tuple[float, float]:
    """Return where a point of the first map is on the screen."""
    frame = widget.locator(".ol-plane .ol-frame").first.bounding_box()
    (left, right), (low, high) = WINDOW
    return (
        frame["x"] + frame["width"] * (w[0] - left) / (right - left),
        frame["y"] + frame["height"] * (high - w[1]) / (high - low),
    )


def test_after_fifty_random_actions_the_page_equals_python(living):
    page, widget = living(MinibatchNoise)
    check(widget)
    dice = random.Random(2)
    controls = widget.locator("input[type=range], input[type=checkbox], select")
    for i in range(50):
        if dice.random() < 0.2:
            page.mouse.click(*on_map(widget, [dice.uniform(-1.4, 2.9), dice.uniform(-1.9, 3.9)]))
        else:
            act(controls.nth(dice.randrange(controls.count())), dice.random())
        settle(page)
        if i % 5 == 4:
            check(widget)


def test_every_situation_can_be_chosen_and_is_recognized(living):
    page, widget = living(MinibatchNoise)
    choice = widget.get_by_label("Situation")
    for name, state in SITUATIONS.items():
        choice.select_option(name)
        settle(page)
        assert state.items() <= said(widget).items()
        assert choice.input_value() == name
        check(widget)
    act(widget.get_by_label("Batch size B"), 1.0)
    settle(page)
    assert choice.input_value() == "your own"


def test_the_start_can_be_dragged_with_the_mouse(living):
    page, widget = living(MinibatchNoise)
    page.mouse.move(*on_map(widget, [-0.5, 3.0]))
    page.mouse.down()
    page.mouse.move(*on_map(widget, [0.5, 0.4]), steps=5)
    page.mouse.move(*on_map(widget, [2.0, -1.0]), steps=5)
    page.mouse.up()
    settle(page)
    assert said(widget)["w"] == pytest.approx([2.0, -1.0], abs=0.05)
    check(widget)
    page.mouse.move(*on_map(widget, [0.0, 0.0]))
    settle(page)
    assert said(widget)["w"] == pytest.approx([2.0, -1.0], abs=0.05), "the button is up"


def test_the_start_can_be_dragged_by_touch_and_the_page_does_not_scroll(living):
    page, widget = living(MinibatchNoise, width=360, height=740, touch=True)
    widget.locator(".ol-plane").first.evaluate("(map) => map.scrollIntoView({block: 'center'})")
    settle(page)
    session = page.context.new_cdp_session(page)
    scrolled = page.evaluate("scrollY")

    def touch(kind: str, *points: list[float]) -> None:
        places = [dict(zip("xy", on_map(widget, w), strict=True)) for w in points]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": places})

    touch("touchStart", [-0.5, 3.0])
    for share in np.linspace(0, 1, 8):
        touch("touchMove", [-0.5 + 2 * share, 3.0 - 4 * share])
    touch("touchEnd")
    settle(page)
    assert said(widget)["w"] == pytest.approx([1.5, -1.0], abs=0.05)
    assert page.evaluate("scrollY") == scrolled
    check(widget)


def test_every_control_has_a_name_is_reached_by_tab_and_moves_by_keyboard(living):
    page, widget = living(MinibatchNoise)
    controls = widget.locator("input, select, button:not(.ol-copy > button)").all()
    assert len(controls) == 9
    controls[0].focus()
    for control in controls:
        assert control.evaluate("(c) => c === document.activeElement")
        assert control.evaluate("(c) => c.labels.length === 1 && c.labels[0].textContent.trim() !== ''")
        before = control.evaluate("(c) => (c.type === 'checkbox' ? String(c.checked) : c.value)")
        kind = control.get_attribute("type")
        page.keyboard.press(
            "Space" if kind == "checkbox" else "ArrowRight" if kind == "range" else "ArrowDown"
        )
        settle(page)
        assert control.evaluate("(c) => (c.type === 'checkbox' ? String(c.checked) : c.value)") != before
        if kind == "range":
            text = control.evaluate("(c) => [c.getAttribute('aria-valuetext'), c.dataset.value]")
            assert text[0].startswith(f"{float(text[1]):g}")
        check(widget)
        page.keyboard.press("Tab")


def test_what_python_sets_is_drawn_until_the_widget_is_taken_down(living):
    page, _ = living(MinibatchNoise)
    hold(page)
    held = page.locator("#held .ol")
    new = {
        "data": "one outlier",
        "batch_size": 32,
        "lr": 0.03,
        "epochs": 4,
        "replace": True,
        "seed": 8,
        "w": [1.5, -0.5],
    }
    for name, value in new.items():
        page.evaluate(f"model.set({json.dumps(name)}, {json.dumps(value)})")
        settle(page)
        assert said(held)[name] == value
        check(held)
    page.evaluate("stop()")
    assert page.evaluate("Object.values(model.listeners).flat().length") == 0


def test_batches_of_every_size_are_offered(living):
    page: Page
    page, widget = living(MinibatchNoise)
    slider = widget.get_by_label("Batch size B")
    seen = []
    for place in range(len(SIZES)):
        slider.fill(str(place))
        settle(page)
        seen.append(said(widget)["batch_size"])
        check(widget)
    assert seen == SIZES
