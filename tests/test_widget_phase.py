"""The phase diagram of momentum: what it shows is what Python computes, wherever the point is moved."""

from __future__ import annotations

import gzip
import json
import math
import random
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import traitlets
from drawn import Curve, figures, look, read_cells
from playwright.sync_api import Locator
from test_widgets_in_page import act, settle

from optimlab import quadratic
from optimlab.format import number
from optimlab.landscapes import ravine
from optimlab.rules import qhm
from optimlab.widgets import MomentumPhase
from optimlab.widgets.phase import COLORS, DRAWN, MODES, RULES

JS = Path(__file__).resolve().parents[1] / "optimlab" / "widgets" / "js"
NODE = Path(sys.executable).parent / "node"
CONVENTIONS = [(average, nesterov) for average in (False, True) for nesterov in (False, True)]
BUTTONS = ["Best of all", "Best without momentum", "Best rate at this β", "x² + 10 y² at 0.095 with β = 0.9"]


def somewhere(chance: random.Random) -> MomentumPhase:
    """Return a random state that converges or diverges."""
    average = chance.random() < 0.5
    beta = chance.uniform(0, 0.97)
    lr = chance.uniform(0.01, 4) / (1 - beta if average else 1)
    return MomentumPhase(
        kappa=chance.choice([1, 2, 10, 37.5, 400]),
        lr=lr,
        beta=beta,
        average=average,
        nesterov=chance.random() < 0.5,
    )


def row(widget: MomentumPhase, name: str) -> list:
    """Return what the table says of a quantity."""
    return next(values for key, *values in widget.table if key == name)


# In Python.


def test_the_rates_are_those_of_the_steps_that_the_rule_makes():
    chance = random.Random(1)
    for _ in range(40):
        widget = somewhere(chance)
        rule = RULES[widget.average, widget.nesterov]
        hyper = {"lr": widget.learning_rate, "momentum": widget.beta}
        hyper |= {"nu": widget.beta} if rule is qhm else {}
        slope = ravine.using(kappa=widget.kappa).gradient
        # The step is linear in weight and velocity: two steps from two states give its matrix.
        for axis in range(2):
            columns = []
            for w, v in ((1.0, 0.0), (0.0, 1.0)):
                at = np.zeros(2)
                at[axis] = w
                columns.append(rule(w, slope(at)[axis], v, **hyper))
            values = np.linalg.eigvals(np.array(columns).T)
            assert widget.rates[axis] == pytest.approx(np.abs(values).max(), rel=1e-6)


def test_what_is_counted_on_the_run_is_what_the_rate_says_far_from_a_double_root():
    widget = MomentumPhase(lr=0.3, beta=0.0)
    promised = row(widget, "steps for a factor of 1000, by the rate")
    assert widget.counted == [math.ceil(steps) for steps in promised[:2]]
    # At the double roots of the best pair the first steps are slower than the rate.
    best = MomentumPhase().best
    widget = MomentumPhase(lr=best.lr, beta=best.beta)
    assert widget.regions == ["critical", "critical"]
    assert min(widget.counted) > quadratic.steps(best.rate) + 3


def test_a_rate_tuned_for_gradient_descent_is_no_rate_for_momentum():
    plain, heavy = (MomentumPhase(lr=1.9, beta=beta) for beta in (0.0, 0.9))
    assert plain.learning_rate == pytest.approx(0.095)
    assert max(plain.counted) < max(heavy.counted)
    assert MomentumPhase(lr=1.9, beta=0.9, nesterov=True).regions[1] == "divergent"


@pytest.mark.parametrize(("average", "nesterov"), CONVENTIONS)
def test_no_state_is_faster_than_the_best(average, nesterov):
    chance = random.Random(2)
    for kappa in (1, 10, 300):
        widget = MomentumPhase(kappa=kappa, average=average, nesterov=nesterov)
        best = widget.best
        widget.lr, widget.beta = best.lr, best.beta
        assert max(widget.rates) == pytest.approx(best.rate, abs=1e-7)
        for _ in range(300):
            widget.beta = chance.uniform(0, 0.99)
            here = widget.best_here
            widget.lr = chance.uniform(0.01, 4) / (1 - widget.beta if average else 1)
            assert best.rate - 1e-7 <= here.rate <= max(widget.rates) + 1e-12
            widget.lr = here.lr
            assert max(widget.rates) == pytest.approx(here.rate, abs=1e-7)


@pytest.mark.parametrize("nesterov", [False, True])
def test_both_conventions_go_the_same_way_at_rates_that_differ_by_the_share(nesterov):
    summed = MomentumPhase(lr=0.7, beta=0.8, nesterov=nesterov)
    averaged = MomentumPhase(lr=0.7 / (1 - 0.8), beta=0.8, nesterov=nesterov, average=True)
    np.testing.assert_allclose(summed.paths, averaged.paths, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(summed.rates, averaged.rates, rtol=1e-12)
    # The best rate of the average is the geometric mean of both curvatures' inverses.
    if not nesterov:
        assert averaged.best.lr == pytest.approx(math.sqrt(averaged.kappa))


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ({"kappa": 0.5}, ["kappa=0.5", "1 to 1000"]),
        ({"kappa": float("nan")}, ["kappa=nan", "1 to 1000"]),
        ({"lr": 0.0}, ["lr=0.0", "more than 0", "diverges above 2"]),
        ({"lr": float("inf")}, ["lr=inf", "at most 1000"]),
        ({"beta": 1.0}, ["beta=1.0", "beta < 1"]),
        ({"beta": -0.1}, ["beta=-0.1", "0 <= beta"]),
        ({"mode": "slow"}, ["'slow'", "both, flat, steep"]),
    ],
)
def test_a_state_that_does_not_fit_is_refused(state, words):
    with pytest.raises(traitlets.TraitError) as caught:
        MomentumPhase(**state)
    for word in words:
        assert word in str(caught.value)


def test_the_text_and_the_html_say_the_same_numbers():
    widget = MomentumPhase(kappa=30, lr=1.3, beta=0.55)
    tree = ElementTree.fromstring(f"<div>{widget.html()}</div>")
    assert tree.find(".//caption").text == widget.text().splitlines()[0]
    rows = [[cell.text or "" for cell in line] for line in tree.iterfind(".//tbody/tr")]
    assert len(rows) == len(widget.table)
    for cells, line in zip(rows, widget.text().splitlines()[3:], strict=True):
        assert " ".join(filter(None, cells)).split() == line.split()


def test_what_does_not_converge_never_gets_there():
    html = MomentumPhase(lr=3.9, beta=0.0).html()
    assert "<td>never</td>" in html
    assert "inf" not in html


def test_the_colors_get_evenly_darker_so_that_their_order_survives_without_hue():
    def lightness(color: str) -> float:
        shares = np.array([int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)])
        linear = np.where(shares <= 0.04045, shares / 12.92, ((shares + 0.055) / 1.055) ** 2.4)
        return 116 * float(linear @ [0.2126, 0.7152, 0.0722]) ** (1 / 3) - 16

    steps = np.diff([lightness(color) for color in COLORS])
    assert np.all((steps < -9) & (steps > -19))


def test_the_data_of_the_widget_are_small():
    assert len(gzip.compress(json.dumps(MomentumPhase().spec).encode())) < 4000


def test_the_browsers_formulas_give_the_same_as_pythons_to_the_last_bit():
    """The logarithm in `steps` is the browser's own, and may differ in the last."""
    chance = np.random.default_rng(3)
    curvature = 10 ** chance.uniform(-1, 3, 3000)
    given = np.array([chance.uniform(0, 4.5, 3000) / curvature, chance.uniform(0, 1, 3000), curvature])
    given[:2, 0] = quadratic.best([2, 20])[:2]
    given[2, 0] = 20
    program = (
        "import * as q from './quadratic.js';"
        "const [ahead, points] = JSON.parse(await new Response(process.stdin).text());"
        "console.log(JSON.stringify(points.map(([lr, b, c]) => [q.rate(lr, b, c, ahead),"
        "q.roots(lr, b, c, ahead).flat(), q.region(lr, b, c, ahead), q.critical(b, c, ahead),"
        "q.limit(b, c, ahead), Object.values(q.best([c, 7 * c], ahead)), q.bestLr(b, [c, 9 * c], ahead),"
        "q.steps(q.rate(lr, b, c, ahead))])));"
    )
    for ahead in (False, True):
        ran = subprocess.run(
            [NODE, "--input-type=module", "-e", program],
            input=json.dumps([ahead, given.T.tolist()]),
            cwd=JS,
            capture_output=True,
            text=True,
            check=True,
        )
        found = json.loads(ran.stdout)
        assert [one[0] for one in found] == quadratic.rate(*given, ahead).tolist()
        pairs = quadratic.roots(*given, ahead)
        parts = np.stack([pairs[0].real, pairs[0].imag, pairs[1].real, pairs[1].imag], axis=1)
        np.testing.assert_array_equal([one[1] for one in found], parts)
        names = [quadratic.REGIONS[one[2]] for one in found]
        assert names == quadratic.region(*given, ahead).tolist()
        assert len(set(names)) >= 4
        np.testing.assert_array_equal(
            [one[3] for one in found], np.transpose(quadratic.critical(*given[1:], ahead))
        )
        np.testing.assert_array_equal([one[4] for one in found], quadratic.limit(*given[1:], ahead))
        for k in range(0, 3000, 50):
            c = given[2, k]
            assert found[k][5] == list(quadratic.best([c, 7 * c], ahead))
            assert found[k][6] == quadratic.best_lr(given[1, k], [c, 9 * c], ahead)
        shown = [math.inf if one[7] is None else one[7] for one in found]  # JSON has no infinity
        np.testing.assert_allclose(shown, quadratic.steps(quadratic.rate(*given, ahead)), rtol=1e-12)


# In the browser.


def said(widget: Locator) -> MomentumPhase:
    """Return Python's widget in the state that the controls say."""
    values = widget.evaluate(
        """(widget) => [...widget.querySelectorAll('.ol-controls input[type=range]')].map(
            (input) => Number(input.dataset.value))"""
    )
    return MomentumPhase(
        **dict(zip(("lr", "beta", "kappa"), values, strict=True)),
        average=widget.get_by_label("Average").is_checked(),
        nesterov=widget.get_by_label("Nesterov").is_checked(),
        mode=widget.get_by_label("The map shows").input_value(),
        log=widget.get_by_label("Logarithmic").is_checked(),
    )


def check(widget: Locator) -> MomentumPhase:
    """Compare the numbers and the pictures that are shown with Python's."""
    python = said(widget)
    regions = widget.locator("tbody tr").nth(2).locator("td")
    assert regions.all_text_contents() == [*python.regions, ""]
    shown = read_cells(widget.locator("tbody tr:not(:nth-child(3)) td"), infinite="never")
    expected = [value for name, *values in python.table if name != "region" for value in values]
    for value, right in zip(shown, expected, strict=True):
        assert (value is None) == (right is None)
        assert right is None or value == pytest.approx(right, rel=1e-12, abs=1e-300)
    readout = widget.locator(".ol-readout")
    assert float(readout.get_attribute("data-value")) == max(python.rates)
    check_pictures(widget, python)
    return python


def check_pictures(widget: Locator, python: MomentumPhase) -> None:
    """Compare the lines and points of the map, the eigenvalues and the errors with what Python computes."""
    plane, errors = figures(widget)
    flat, steep = look(tone=2), look(tone=1)
    casing = look({"color": "var(--ol-back)"})
    end = 2.2 if python.nesterov else 4
    end = max(4, 6.4 * math.sqrt(python.kappa)) if python.average else end
    betas = np.minimum(np.arange(121) / 120, 0.9999)

    def border(lr: np.ndarray) -> np.ndarray:
        scaled = lr * 2 * python.kappa / (1 - betas if python.average else 1)
        return np.stack([np.minimum(scaled, 2 * end), betas], axis=1)

    borders = []
    for mode, wanted, curvature in zip(("flat", "steep"), (flat, steep), python.curvatures, strict=True):
        if python.mode in (mode, "both"):
            pair = quadratic.critical(betas, curvature, python.nesterov)
            borders += [(wanted, border(lr), False) for lr in pair]
    steepest = python.curvatures[0 if python.mode == "flat" else 1]
    borders.append((look(), border(quadratic.limit(betas, steepest, python.nesterov)), False))
    best, at = (python.best.lr, python.best.beta), (min(python.lr, end), python.beta)
    plane.shows_map(
        paths=[*((casing, points, False) for _, points, _ in borders), *borders],
        spots=[(casing, "cross", best), (look(), "cross", best), (look(), "ring", at)],
    )

    unit, radius, flats, steeps = widget.locator(".ol-phase-circle").evaluate(
        """(svg) => {
            const circle = (one) => ["cx", "cy", "r"].map((name) => Number(one.getAttribute(name)));
            return [...[".ol-phase-unit", ".ol-phase-radius"].map((name) => circle(svg.querySelector(name))),
                [...svg.querySelectorAll(".ol-tone-2 circle")].map(circle),
                [...svg.querySelectorAll(".ol-tone-1 path")].map((path) => path.getAttribute("d"))];
        }"""
    )
    assert radius == pytest.approx([*unit[:2], unit[2] * max(python.rates)], abs=0.1)
    crosses = [
        np.array(re.findall(r"-?[\d.]+(?:e-?\d+)?", d), float).reshape(4, 2).mean(axis=0) for d in steeps
    ]
    for k, shown in enumerate(([one[:2] for one in flats], crosses)):
        found = (np.array(shown) - unit[:2]) / unit[2] * [1, -1]
        roots = np.stack([python.roots[:, k].real, python.roots[:, k].imag], axis=1)
        np.testing.assert_allclose(found, roots, atol=0.01 * max(1.0, np.abs(roots).max()))

    t = np.arange(DRAWN + 1)
    paths = python.paths[: DRAWN + 1].T

    def curve(wanted: tuple, y: np.ndarray, name: str) -> Curve:
        # On a logarithmic axis from 1e-6 up, what is smaller is below the edge.
        return Curve(wanted, t, np.maximum(np.abs(y), 1e-7) if python.log else y, name)

    names = [
        f"{name} direction, λ = {number(x)}"
        for name, x in zip(("flat", "steep"), python.curvatures, strict=True)
    ]
    curves = [
        curve(wanted, path, name) for wanted, path, name in zip((flat, steep), paths, names, strict=True)
    ]
    if python.log:
        curves.append(curve(look(faint=True), max(python.rates) ** t, "what the rate promises"))
    errors.shows_curves(curves, log_y=python.log)


def at(widget: Locator, lr: float, beta: float, end: float = 4.0) -> tuple[float, float]:
    """Return where on the screen a point of the map is."""
    canvas = widget.locator(".ol-phase-map canvas")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    return box["x"] + lr / end * box["width"], box["y"] + (1 - beta) * box["height"]


def test_after_fifty_random_actions_the_page_still_equals_python(living):
    page, widget = living(MomentumPhase)
    chance = random.Random(7)
    controls = widget.locator("input, select, button:not(.ol-copy > button)")
    assert controls.count() == 3 + 1 + 3 + len(BUTTONS)
    check(widget)
    for i in range(50):
        if i % 5 == 4:
            page.mouse.move(*at(widget, chance.uniform(0, 4), chance.random()))
            page.mouse.down()
            page.mouse.move(*at(widget, chance.uniform(0, 4), chance.random()), steps=3)
            page.mouse.up()
        else:
            act(controls.nth(chance.randrange(controls.count())), chance.random())
        settle(page)
        check(widget)


def test_every_button_leads_where_it_says(living):
    page, widget = living(MomentumPhase)
    for convention in (["Average"], ["Nesterov"], ["Average"], ["Nesterov"]):
        for label in convention:
            widget.get_by_label(label).click()
        widget.get_by_role("button", name="Best of all").click()
        settle(page)
        python = check(widget)
        assert max(python.rates) == pytest.approx(python.best.rate, abs=1e-7)
        widget.get_by_role("button", name="Best without momentum").click()
        settle(page)
        python = check(widget)
        assert python.beta == 0
        assert max(python.rates) == pytest.approx((python.kappa - 1) / (python.kappa + 1))
        act(widget.get_by_label("β, the share"), 0.6)
        widget.get_by_role("button", name="Best rate at this β").click()
        settle(page)
        python = check(widget)
        assert python.beta > 0.5
        assert max(python.rates) == pytest.approx(python.best_here.rate, abs=1e-7)
    widget.get_by_role("button", name=BUTTONS[-1]).click()
    settle(page)
    python = check(widget)
    assert (python.kappa, python.learning_rate, python.beta) == (10, pytest.approx(0.095), 0.9)


def test_the_point_is_dragged_by_mouse_and_goes_where_the_mouse_goes(living):
    page, widget = living(MomentumPhase)
    page.mouse.move(*at(widget, 1.9, 0.9))
    page.mouse.down()
    page.mouse.move(*at(widget, 1.0, 0.25), steps=6)
    page.mouse.up()
    settle(page)
    python = check(widget)
    assert (python.lr, python.beta) == (pytest.approx(1.0, abs=0.02), pytest.approx(0.25, abs=0.01))
    page.mouse.move(*at(widget, 3.0, 0.5))
    page.mouse.down()
    page.mouse.move(*at(widget, 4.3, 1.01), steps=3)
    page.mouse.up()
    settle(page)
    python = check(widget)
    assert (python.lr, python.beta) == (4.0, 0.999), "beyond the edge the point stays at the edge"


def test_the_point_is_dragged_by_finger_without_scrolling_the_page(living):
    page, widget = living(MomentumPhase, width=360, height=740, touch=True)
    widget.locator(".ol-phase-map").evaluate("(map) => map.scrollIntoView({block: 'center'})")
    session = page.context.new_cdp_session(page)
    scrolled = page.evaluate("scrollY")
    x, y = at(widget, 1.9, 0.9)
    session.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]})
    for share in (0.25, 0.5, 0.75, 1.0):
        x, y = at(widget, 1.9 - 1.0 * share, 0.9 - 0.6 * share)
        session.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [{"x": x, "y": y}]})
        settle(page)
    session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    settle(page)
    python = check(widget)
    assert (python.lr, python.beta) == (pytest.approx(0.9, abs=0.05), pytest.approx(0.3, abs=0.02))
    assert page.evaluate("scrollY") == scrolled


def test_the_keyboard_reaches_and_moves_everything(living):
    page, widget = living(MomentumPhase)
    widget.get_by_label("Learning rate × λₘₐₓ").focus()
    reached = []
    for _ in range(11):
        reached.append(
            page.evaluate("document.activeElement.closest('.ol') && document.activeElement.tagName")
        )
        page.keyboard.press("Tab")
    assert reached == ["INPUT"] * 3 + ["SELECT"] + ["INPUT"] * 2 + ["BUTTON"] * 4 + ["INPUT"]
    for slider in widget.locator("input[type=range]").all():
        before = said(widget)
        slider.focus()
        for key in ("ArrowRight", "PageUp", "Home", "ArrowRight"):
            page.keyboard.press(key)
            settle(page)
            after = check(widget)
            assert slider.get_attribute("aria-valuetext") in widget.locator("output").all_inner_texts()
        assert (before.lr, before.beta, before.kappa) != (after.lr, after.beta, after.kappa)
    widget.get_by_label("Nesterov").focus()
    page.keyboard.press("Space")
    settle(page)
    assert check(widget).nesterov


@pytest.mark.parametrize(("average", "nesterov"), CONVENTIONS)
def test_the_map_has_the_color_of_the_rate_and_none_where_it_diverges(living, average, nesterov):
    page, widget = living(MomentumPhase)
    if average:
        widget.get_by_label("Average").check()
    if nesterov:
        widget.get_by_label("Nesterov").check()
    end = 6.4 * math.sqrt(10) if average else 2.2 if nesterov else 4
    stops = np.array([[int(color[i : i + 2], 16) for i in (1, 3, 5)] for color in COLORS])
    for mode in MODES:
        widget.get_by_label("The map shows").select_option(mode)
        settle(page)
        image = page.evaluate(
            """() => {
                const canvas = document.querySelector('.ol-phase-map canvas');
                const { width, height } = canvas;
                return [width, height, [...canvas.getContext('2d').getImageData(0, 0, width, height).data]];
            }"""
        )
        width, height = image[:2]
        pixels = np.array(image[2]).reshape(height, width, 4)
        beta, scaled = 1 - (np.arange(height)[:, None] + 0.5) / height, end * (np.arange(width) + 0.5) / width
        lr = scaled * np.where(average, 1 - beta, 1) / 20
        shown = {"both": [2, 20], "flat": [2], "steep": [20]}[mode]
        left = np.max([quadratic.rate(lr, beta, curvature, nesterov) for curvature in shown], axis=0)
        clear = np.abs(left - 1) > 1e-12
        np.testing.assert_array_equal(pixels[clear][:, 3], np.where(left[clear] < 1, 255, 0))
        fine = left < 1 - 1e-12
        place = np.clip((np.log10(-1 / np.log10(left[fine])) + 0.3) / 3, 0, 1) * (len(COLORS) - 1)
        for channel in range(3):
            expected = np.interp(place, np.arange(len(COLORS)), stops[:, channel])
            assert np.abs(pixels[fine][:, channel] - expected).max() < 2


def test_the_names_on_the_map_are_the_regions_where_they_stand(living):
    page, widget = living(MomentumPhase)
    seen = set()
    for mode in MODES:
        widget.get_by_label("The map shows").select_option(mode)
        settle(page)
        for name in widget.locator(".ol-phase-names > span").all():
            share = name.evaluate(
                "(e) => [parseFloat(e.style.left) / 100, 1 - parseFloat(e.style.top) / 100]"
            )
            python = MomentumPhase(lr=4 * share[0], beta=share[1])
            here = dict(zip(("flat", "steep"), python.regions, strict=True))
            text = name.inner_text().split("\n")
            seen |= {(mode, *text)}
            if mode != "both":
                assert text == [here[mode]]
            elif text == ["divergent"]:
                assert "divergent" in here.values()
            elif len(text) == 1:
                assert set(here.values()) == {text[0].removeprefix("both ")}
            else:
                assert text == [f"flat {here['flat']}", f"steep {here['steep']}"]
    assert ("both", "both under-damped") in seen
    assert {("flat", "over-damped"), ("flat", "under-damped"), ("steep", "divergent")} <= seen
