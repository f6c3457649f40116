"""Optimizers on a landscape: what the widget computes, and that the browser shows the same."""

from __future__ import annotations

import gzip
import json
import math
import random
import re
from xml.etree import ElementTree

import numpy as np
import pytest
import traitlets
from drawn import Curve, figures, look, read_cells
from playwright.sync_api import Locator, expect
from test_widgets_in_page import act, settle, slider_values

from optimlab import rules
from optimlab.descent import run
from optimlab.landscapes import LANDSCAPES, landscape, ravine
from optimlab.plots import STYLE
from optimlab.rule import Rule
from optimlab.widgets import Descent, _random
from optimlab.widgets._base import strokes
from optimlab.widgets.descent import TONES, suitable_rate

OPTIMIZERS = [value for value in vars(rules).values() if isinstance(value, Rule)]


@Rule
def halved(w, g, m=0.0, *, lr=0.04, share=0.5):
    """A rule that nobody has a color for."""
    m = share * m + g
    w = w - lr * m / (1 + share)
    return w, m


@landscape(window=((-2.0, 2.0), (-2.0, 2.0)), start=(1.0, 1.5))
def own_bowl(x, y, *, shift=0.5, steep=4.0):
    """A bowl whose minimum moves with a number."""
    return (x - shift) ** 2 + steep * y**2


@own_bowl.has_gradient
def _(x, y, *, shift, steep):
    return 2 * (x - shift), 2 * steep * y


@own_bowl.has_hessian
def _(x, y, *, steep):
    return 2, 0, 2 * steep


@own_bowl.has_points
def _(shift, steep):
    return [(shift, 0)]


def many() -> Descent:
    """Return a widget with rules and landscapes of every sort."""
    return Descent(
        "gradient_descent",
        "nesterov_lookahead",
        "adam",
        "adagrad",
        halved,
        on=["rotated", "double_well", "reddi", "saddle", own_bowl],
        steps=60,
    )


# Python: what is computed


def test_gradient_descent_on_the_ravine_follows_its_closed_form():
    widget = Descent("gradient_descent", start=(-2.0, 1.0), steps=40, lr=0.08, step=7)
    t = np.arange(41)
    x, y = -2.0 * (1 - 0.16) ** t, (1 - 1.6) ** t
    np.testing.assert_allclose(widget.paths["gradient_descent"], np.stack([x, y], axis=1), rtol=1e-12)
    ((name, *end, value, distance, first, lost),) = widget.table
    assert (name, lost) == ("gradient_descent", None)
    np.testing.assert_allclose(end, [x[40], y[40]], rtol=1e-12)
    assert value == pytest.approx(x[40] ** 2 + 10 * y[40] ** 2, rel=1e-12)
    assert distance == pytest.approx(math.hypot(x[40], y[40]), rel=1e-12)
    assert first == np.argmax(x**2 + 10 * y**2 <= 1e-3)
    ((_, *at, _, gx, gy, dx, dy, rate_x, rate_y),) = widget.now
    np.testing.assert_allclose(at, [x[7], y[7]], rtol=1e-12)
    np.testing.assert_allclose([gx, gy], [2 * x[6], 20 * y[6]], rtol=1e-12)
    np.testing.assert_allclose([dx, dy], [x[7] - x[6], y[7] - y[6]], rtol=1e-12)
    np.testing.assert_allclose([rate_x, rate_y], 0.08, rtol=1e-12)


def test_the_paths_are_those_of_descent_run():
    widget = Descent(
        "momentum", "nesterov_lookahead", "adam", on="rosenbrock", start=(-1, 1), lr=1e-3, steps=30
    )
    for name, path in widget.paths.items():
        wanted = run(getattr(rules, name), LANDSCAPES["rosenbrock"], start=(-1, 1), steps=30, lr=1e-3)
        np.testing.assert_array_equal(path, wanted["w"])


def test_noise_is_added_to_every_gradient_and_its_seed_repeats_it():
    widget = Descent("gradient_descent", "adam", lr=0.05, steps=20, noise=2.0, seed=5)
    draws = 2.0 * _random.normal(5, 40).reshape(20, 2)
    w = np.array(widget.start)
    for t, path in enumerate(widget.paths["gradient_descent"][1:]):
        w = w - 0.05 * (ravine.gradient(w) + draws[t])
        np.testing.assert_allclose(path, w, rtol=1e-12)
    again = Descent("gradient_descent", "adam", lr=0.05, steps=20, noise=2.0, seed=5)
    assert again.table == widget.table
    again.seed = 6
    assert again.table != widget.table


def test_a_diverging_run_stands_still_and_says_when():
    widget = Descent("gradient_descent", "adam", lr=2.0, steps=50, step=40)
    (*_, lost), (*_, kept) = widget.table
    assert kept is None
    path = widget.paths["gradient_descent"]
    assert np.all(path[lost - 1 :] == path[lost - 1])
    assert np.abs(path[lost - 1]).max() <= 1e12 < np.abs(39 * path[lost - 1]).max()
    assert widget.now[0][4:] == [None] * 6
    assert None not in widget.now[1][4:]


def test_at_the_start_nothing_has_been_stepped():
    for row in Descent(step=0).now:
        assert row[1:4] == [-2.5, 1.5, 2.5**2 + 10 * 1.5**2]
        assert row[4:] == [None] * 6


def test_the_distance_is_that_to_the_nearest_minimum_and_the_goal_is_the_lowest():
    widget = Descent("gradient_descent", on="double_well", lr=0.02, steps=200)
    left, right = sorted(point.w[0] for point in LANDSCAPES["double_well"].minima)
    ((_, w, _, distance, first, _),) = widget.table
    assert w == pytest.approx(right, abs=1e-9)
    assert distance == pytest.approx(0, abs=1e-9)
    assert first is None
    widget.starts = {"double_well": [-1.6]}
    ((_, w, _, _, first, _),) = widget.table
    assert w == pytest.approx(left, abs=1e-9)
    assert first > 0


def test_a_landscape_without_a_minimum_has_no_distance_to_one():
    assert all(row[4:6] == [None, None] for row in Descent(on="saddle").table)


@pytest.mark.parametrize("name", [name for name, land in LANDSCAPES.items() if land.minima])
def test_no_rule_diverges_at_the_rate_that_suits_a_landscape_with_a_minimum(name):
    land = LANDSCAPES[name]
    for rule in OPTIMIZERS:
        found = run(rule, land, lr=suitable_rate(rule, land), steps=100)
        assert not found.diverged, rule.name
        assert np.ptp(found["w"], axis=0).max() > 0, rule.name


def test_a_rule_of_ones_own_keeps_its_rate():
    widget = Descent("adam", halved)
    assert widget.hyper["halved"] == {"lr": 0.04, "share": 0.5}
    assert widget.hyper["adam"]["lr"] != rules.adam.hyper["lr"]
    assert Descent("adam", halved, lr=0.3, hyper={"adam": {"lr": 0.2}}).hyper["halved"]["lr"] == 0.3


@pytest.mark.parametrize("name", [*LANDSCAPES, "own_bowl"])
def test_the_minima_that_the_page_looks_up_are_those_of_the_landscape(name):
    land = LANDSCAPES.get(name, own_bowl)
    spec = Descent("gradient_descent", on=land).spec["landscapes"][name]
    stops = {key: slider["values"] for key, slider in spec["sliders"].items()}
    assert all(land.hyper[key] in values for key, values in stops.items())
    chance = random.Random(1)
    for _ in range(25):
        numbers = {key: chance.choice(values) for key, values in stops.items()}
        key = ",".join(str(stops[name].index(numbers[name])) for name in spec["minima"]["by"])
        wanted = [list(point.w) for point in land.using(**numbers).minima]
        assert spec["minima"]["at"][key] == wanted


def test_every_preset_leads_where_its_name_says():
    widget = Descent()
    values = ravine.value(np.array(widget.start))

    def ends() -> dict[str, float]:
        return {row[0]: row[3] for row in widget.table}

    widget.choose("gradient descent just above its limit")
    assert ends()["gradient_descent"] > values
    widget.choose("gradient descent just below its limit")
    assert ends()["gradient_descent"] < values
    before = dict(widget.hyper)
    widget.choose("both at their best rates")
    best = ends()
    assert set(best) == {"gradient_descent", "momentum"}
    widget.choose("a ravine five times as narrow")
    assert widget.numbers == {"ravine": {"kappa": 50.0}}
    widget.choose("noise in every gradient")
    assert widget.noise > 0
    assert widget.numbers == {"ravine": {"kappa": 10.0}}
    widget.choose("as it began")
    assert widget.noise == 0
    assert widget.hyper != before
    assert widget.table == Descent().table
    # No other rate of a fine grid leads gradient descent much lower; tuned momentum does.
    others = run(rules.gradient_descent, ravine, steps=100, record=(), lr=np.linspace(0.05, 0.0999, 200))
    assert best["gradient_descent"] < 3 * others.value.min()
    assert best["momentum"] < 1e-6 * best["gradient_descent"]
    with pytest.raises(ValueError, match="did you mean 'as it began'"):
        widget.choose("as it begun")


def test_presets_that_fit_other_landscapes_lead_where_their_names_say():
    widget = Descent(on=["saddle", "rosenbrock"], step=0)
    widget.choose("start exactly on the ridge")
    for name, path in widget.paths.items():
        assert np.all(path[:, 1] == 0), name
        assert path[0, 0] == 1.5
    widget.choose("the same learning rate for all")
    assert len({hyper["lr"] for hyper in widget.hyper.values()}) == 1
    assert "start exactly on the ridge" not in Descent().spec["presets"]


def test_text_and_html_hold_the_same_numbers():
    widget = many()
    cells = [re.split(r"\s{2,}", line.strip()) for line in widget.text().splitlines()[3:]]
    html = ElementTree.fromstring(f"<div>{widget.html()}</div>")
    assert html.find(".//caption").text in widget.text()
    rows = [[cell.text for cell in row if cell.text] for row in html.findall(".//tbody/tr")]
    assert [row[1:] for row in rows] == [row[1:] for row in cells]
    assert len(rows) == 5
    widget.noise = 0.3
    assert "noise 0.3" in widget.text()


def test_the_state_is_strict_json_and_small():
    for widget in (Descent(), many()):
        state = {name: value for name, value in widget.get_state().items() if not name.startswith("_")}
        del state["layout"]
        assert json.loads(json.dumps(state, allow_nan=False)) == state
        assert len(gzip.compress(json.dumps(state).encode())) < 8000


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("landscape", "ravin", ["'ravin'", "'ravine'"]),
        ("numbers", {"ravine": {"kapa": 1.0}}, ["'kapa'", "kappa"]),
        ("numbers", {"ravine": {"kappa": 10.1}}, ["kappa=10.1", "stops at", "using(kappa=10.1)"]),
        ("numbers", {"rosenbrock": {"a": 1.0}}, ["'a'", "none"]),
        ("starts", {"ravine": [1.0]}, ["[1.0]", "2 numbers"]),
        ("starts", {"ravine": [1.0, float("nan")]}, ["2 numbers"]),
        ("starts", {"saddle": [1.0, 1.0]}, ["'saddle'", "ravine"]),
        ("shown", ["adm"], ["'adm'", "'adam'"]),
        ("tuned", "lion", ["'lion'", "momentum"]),
        ("hyper", {"adm": {}}, ["'adm'", "'adam'"]),
        ("hyper", {"adam": {"beta": 0.5}}, ["'beta'", "beta1"]),
        ("hyper", {"adam": {"beta1": 1.0}}, ["beta1=1.0", "less than 1"]),
        ("hyper", {"adam": {"lr": float("inf")}}, ["lr=inf", "finite"]),
        ("hyper", {"adam": 0.1}, ["adam=0.1", "dict"]),
        ("noise", -1.0, ["noise=-1.0", "0 to"]),
        ("noise", float("nan"), ["noise=nan"]),
        ("seed", -1, ["seed=-1"]),
        ("step", 101, ["step=101", "0 to 100"]),
    ],
)
def test_state_that_does_not_fit_is_refused_and_nothing_changes(name, value, words):
    widget = Descent()
    before = getattr(widget, name)
    with pytest.raises(traitlets.TraitError) as caught:
        setattr(widget, name, value)
    assert all(word in str(caught.value) for word in words)
    assert getattr(widget, name) == before


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Descent("adm"), ["'adm'", "'adam'"]),
        (lambda: Descent("ewa"), ["ewa", "not an optimizer"]),
        (lambda: Descent(3), ["3", "name of a rule"]),
        (lambda: Descent("adam", "adam"), ["two rules", "'adam'"]),
        (lambda: Descent(on="ravin"), ["'ravin'", "'ravine'"]),
        (lambda: Descent(on=[]), ["at least one landscape"]),
        (lambda: Descent(on=[ravine, ravine.using(kappa=3)]), ["two landscapes", "'ravine'"]),
        (lambda: Descent(start=[1.0]), ["[1.0]", "2 numbers"]),
        (lambda: Descent(steps=0), ["steps=0", "1 to 1000"]),
        (lambda: Descent(hyper={"adam": {"lr": -1.0}}), ["lr=-1.0"]),
        (lambda: Descent(hyper={"lion": {"lr": 1.0}}), ["'lion'"]),
        (lambda: Descent(hyper=3), ["hyper=3", "dict"]),
        (lambda: Descent(hyper={"adam": 3}), ["adam=3", "dict"]),
        (lambda: Descent(lr=float("nan")), ["lr=nan", "finite"]),
        (lambda: Descent(lr=float("inf")), ["lr=inf", "finite"]),
        (lambda: Descent(lr="0.1"), ["lr='0.1'", "finite number"]),
        (lambda: Descent(lr=-1), ["lr=-1", "at least 0"]),
        (lambda: Descent(start=5), ["start=5", "2 numbers"]),
        (lambda: Descent(on=3), ["on=3", "name of a landscape"]),
    ],
)
def test_what_cannot_be_shown_is_refused_with_what_is_expected(make, words):
    with pytest.raises(ValueError, match=".*".join(map(re.escape, words))):
        make()


def test_the_start_of_the_landscape_in_front_can_be_set():
    widget = Descent(on=["ravine", "double_well"])
    before = dict(widget.starts)
    widget.start = [-1.0, 2]
    assert widget.start == [-1.0, 2.0]
    assert widget.starts == before | {"ravine": [-1.0, 2.0]}
    with pytest.raises(traitlets.TraitError, match="start=5; ravine expects 2 numbers"):
        widget.start = 5


def test_hyper_parameters_that_are_left_out_are_as_in_the_beginning():
    widget = Descent()
    begin = widget.hyper
    widget.hyper = {"adam": {"beta1": 0.5}}
    assert widget.hyper == begin | {"adam": begin["adam"] | {"beta1": 0.5}}


# The page shows the same


def read(widget: Locator, made: Descent) -> Descent:
    """Set a widget of Python's to the state that the controls on the page say."""
    said = slider_values(widget)
    grounds = widget.get_by_label("Landscape", exact=True)
    options = {one["label"]: name for name, one in made.spec["landscapes"].items()}
    if grounds.count():
        made.landscape = options[grounds.locator("option:checked").text_content()]
    spec = made.spec["landscapes"][made.landscape]
    made.numbers = {made.landscape: {name: said[slider["label"]] for name, slider in spec["sliders"].items()}}
    made.starts = {made.landscape: [value for label, value in said.items() if label.startswith("Start ")]}
    boxes = widget.locator("fieldset input").evaluate_all("(all) => all.map((box) => box.checked)")
    made.shown = [name for name, on in zip(made.spec["rules"], boxes, strict=True) if on]
    made.noise = said["Noise in the gradients, σ"]
    made.seed = int(re.search(r"seed (\d+)", widget.locator(".ol-beside button").text_content())[1])
    made.step = int(said["Step"])
    made.arrows = widget.get_by_label("Arrows", exact=True).input_value()
    hyper = {}
    tuned = widget.get_by_label("Sliders for")
    before = tuned.input_value()
    for name, rule in made.spec["rules"].items():
        tuned.select_option(name)
        settle(widget.page)
        said = slider_values(widget)
        hyper[name] = {key: said[slider["label"]] for key, slider in rule["sliders"].items()}
    tuned.select_option(before)
    settle(widget.page)
    made.hyper = hyper
    return made


def rows(widget: Locator, table: str) -> dict[str, list[float | None]]:
    """Return the numbers of a table by rule."""
    found = widget.locator(f".{table} tbody tr").all()
    return {row.get_attribute("data-rule"): read_cells(row.locator("td"), 5) for row in found}


def check(widget: Locator, made: Descent) -> int:
    """Compare tables and pictures with Python's; return how many numbers agreed to nine figures.

    The browser's power and cosine may differ from NumPy's in the last bit. What that may change is bounded
    by what moving the start by 1e-13 changes in Python; steps and rates are differences of weights.
    """
    python = read(widget, made)
    exact = {"ol-now": python.now, "ol-end": python.table}
    there = Scene(python)
    starts = python.starts
    python.starts = {name: [x + 1e-13 for x in start] for name, start in starts.items()}
    moved = {"ol-now": python.now, "ol-end": python.table}
    there.compare(*figures(widget), Scene(python))
    python.starts = starts
    n, same = len(python.start), 0
    for table in exact:
        shown = rows(widget, table)
        assert list(shown) == python.shown
        for (name, *wanted), (_, *near) in zip(exact[table], moved[table], strict=True):
            for i, (on_page, right, other) in enumerate(zip(shown[name], wanted, near, strict=True)):
                if right is None or on_page is None or other is None:
                    assert on_page == right or other != right, (table, name, i)
                    continue
                scale = max(map(abs, wanted[:n]))
                if table == "ol-now" and i > 3 * n:  # a rate: a difference of weights over a gradient
                    scale /= abs(wanted[n + 1 + (i - 1) % n])
                bound = 1e-9 * abs(right) + 3 * abs(other - right) + 1e-12 * scale
                assert abs(on_page - right) <= bound, (table, name, i, on_page, right, bound)
                same += on_page == pytest.approx(right, rel=1e-9, abs=1e-12 * scale)
    return same


VELOCITIES = {"momentum": "v", "nesterov_lookahead": "v", "adam": "m", "halved": "m"}


class Scene:
    """What the map and the chart of a widget ought to show, as computed here from the runs of Python."""

    def __init__(self, python: Descent):
        self.python, self.land, self.t = python, python._ground, python.step
        self.runs = {name: python._run(name) for name in python.shown}
        self.flat = self.land.dimension == 1  # a curve instead of a map
        curves = strokes(name for name in python.shown if name in STYLE)
        order = list(python.spec["rules"])
        self.looks = {
            name: look(curves[name]) if name in curves else look(tone=TONES[order.index(name) % len(TONES)])
            for name in python.shown
        }
        self.window = [list(ends) for ends in self.land.window]
        if self.flat:
            self.ground = np.linspace(*self.window[0], 241)[:, None]
            heights = self.value(self.ground, max(self.t, 1))
            pad = 0.06 * np.ptp(heights)
            self.window.append([heights.min() - pad, heights.max() + pad])
        self.spans = np.ptp(self.window, axis=1)

    def value(self, w: np.ndarray, t: int | None) -> np.ndarray:
        """Return the values at points, of shape (m, n)."""
        with np.errstate(all="ignore"):
            return np.asarray(self.land.value(np.asarray(w).T, *([t] if self.land.online else [])))

    def place(self, w: np.ndarray) -> np.ndarray:
        """Return where points, of shape (m, n), are on the map."""
        w = np.asarray(w, float).reshape(-1, self.land.dimension)
        return np.column_stack([w, self.value(w, max(self.t, 1))]) if self.flat else w

    @property
    def paths(self) -> list[tuple]:
        found = [(look({"color": "var(--ol-accent)"}), self.place(self.ground), False)] if self.flat else []
        for name, ran in self.runs.items():
            points, wanted = self.place(ran["w"]), self.looks[name]
            found += [((*wanted[:2], True), points, False), (wanted, points[: self.t + 1], True)]
        return found

    @property
    def arrows(self) -> list[tuple]:
        t, kind = self.t, self.python.arrows
        groups: list[list[tuple]] = [[], []]
        for name, ran in self.runs.items():
            w, g = ran["w"], ran["g"]
            here, strong = self.place(w[t])[0], self.looks[name]
            inside = all(low <= x <= high for x, (low, high) in zip(here, self.window, strict=True))
            if kind == "none" or t == 0 or np.isnan(g[t]).any() or not inside:
                continue
            made, pale = w[t] - w[t - 1], (*strong[:2], True)
            if kind == "rate":
                for i in range(len(made)):
                    by = np.zeros(2)
                    by[i] = -made[i] / g[t, i] if g[t, i] else 0
                    groups[0].append((strong, here, by))
                continue
            downhill = -g[t]
            if self.flat:  # beside a step the gradient points along the tangent
                downhill = np.array([-g[t, 0], -(g[t, 0] ** 2) if kind == "step" else 0])
            groups[0].append((pale, here, downhill))
            if kind == "step":
                groups[1].append((strong, here, np.append(made, 0) if self.flat else made))
            elif name in VELOCITIES:
                rule = self.python._rules[name]
                v = rule.trace(w=w[0], g=g[1 : t + 1], **self.python.hyper[name])[VELOCITIES[name]][-1]
                groups[0].append((strong, here, np.append(-v, 0) if self.flat else -v))
        found = []
        for group in groups:
            size = max((np.hypot(*(by / self.spans)) for *_, by in group), default=1)
            found += [(wanted, here, here + 0.16 * by / max(size, 1e-300)) for wanted, here, by in group]
        return found

    @property
    def spots(self) -> list[tuple]:
        minima = [(look(), "cross", self.place(point.w)[0]) for point in self.land.minima]
        marked = [
            (self.looks[name], "disc", self.place(ran["w"][self.t])[0]) for name, ran in self.runs.items()
        ]
        return [*minima, (look(), "ring", self.place(self.python.start)[0]), *marked]

    def curves(self) -> tuple[list[np.ndarray], bool]:
        """Return what the runs are compared by, for each run by step, and whether the axis is logarithmic."""
        minima = [point.w for point in self.land.minima]
        found = []
        for ran in self.runs.values():
            w = ran["w"]
            if minima and not self.land.online:
                least = self.value(np.array(minima[:1]), None)[0]
                found.append(np.maximum(self.value(w, None) - least, 0))
            elif minima:
                found.append(np.min([np.linalg.norm(w - point, axis=1) for point in minima], axis=0))
            else:
                found.append(np.array([self.value(w[t : t + 1], t)[0] for t in range(len(w))]))
        if not minima or not found:
            return found, bool(minima)
        # A logarithmic axis has no place for what is below it.
        near = [y[(y <= 100 * max(found[0][0], 1e-9)) & (y >= 1e-10)] for y in found]
        low = min(map(np.min, filter(len, near)), default=0.1)
        return [np.maximum(y, 10 ** math.floor(math.log10(low)) / 10) for y in found], True

    def compare(self, plane, chart, near: Scene) -> None:
        """Fail unless both pictures are these, but for what a start next to this one would change."""

        def slack(a, b) -> np.ndarray:
            with np.errstate(all="ignore"):
                return np.nan_to_num(3 * np.abs(np.array(a) - np.array(b)), nan=np.inf)

        plane.shows_map(
            paths=[
                (*one, slack(one[1], other[1])) for one, other in zip(self.paths, near.paths, strict=True)
            ],
            arrows=[
                (*one, slack(one[1:], other[1:])) for one, other in zip(self.arrows, near.arrows, strict=True)
            ],
            spots=[
                (*one, slack(one[2], other[2])) for one, other in zip(self.spots, near.spots, strict=True)
            ],
        )
        (curves, log), (others, _) = self.curves(), near.curves()
        steps = range(self.python.steps + 1)
        chart.shows_curves(
            [
                Curve(wanted, steps, y, slack=slack(y, other))
                for wanted, y, other in zip(self.looks.values(), curves, others, strict=True)
            ],
            log_y=log,
            mark=self.t,
        )


def map_box(widget: Locator) -> dict:
    drawing = widget.locator(".ol-plane")
    drawing.evaluate("(map) => map.scrollIntoView({block: 'center'})")
    return drawing.bounding_box()


@pytest.mark.parametrize("make", [Descent, many], ids=["as it comes", "many"])
def test_after_fifty_random_actions_the_page_equals_python(living, make):
    page, widget = living(make)
    made, chance = make(), random.Random(11)
    controls = widget.locator("input, select, button:not(.ol-play)")
    numbers = same = 0
    for i in range(50):
        if chance.random() < 0.15:
            box = map_box(widget)
            page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + box["height"] * 0.5)
            page.mouse.down()
            share = chance.random(), chance.random()
            page.mouse.move(box["x"] + box["width"] * share[0], box["y"] + box["height"] * share[1], steps=3)
            page.mouse.up()
        else:
            act(controls.nth(chance.randrange(controls.count())), chance.random())
        if i % 5 == 4:
            settle(page)
            same += check(widget, made)
            numbers += sum(len(row) - 1 for row in [*made.now, *made.table])
    # The bound is not what makes it pass: most are equal to nine figures.
    assert same > 0.6 * numbers > 100


def test_the_start_is_dragged_on_the_map_and_moved_by_its_sliders(living):
    page, widget = living(Descent)
    made = Descent()
    box = map_box(widget)
    left, right, top, bottom = (
        box["x"] + 44,
        box["x"] + box["width"] - 8,
        box["y"] + 8,
        box["y"] + box["height"] - 26,
    )

    def at(x, y):
        return left + (x + 3) / 6 * (right - left), bottom - (y + 2) / 4 * (bottom - top)

    page.mouse.move(*at(-2.5, 1.5))
    page.mouse.down()
    page.mouse.move(*at(1.5, -1.2), steps=5)
    page.mouse.up()
    settle(page)
    assert check(widget, made)
    np.testing.assert_allclose(made.start, [1.5, -1.2], atol=0.03)
    for label, place in (("Start x", 0), ("Start y", 1)):
        before = made.start[place]
        widget.get_by_label(label).focus()
        page.keyboard.press("ArrowRight")
        settle(page)
        assert check(widget, made)
        assert made.start[place] > before


def test_every_slider_moves_by_keys_and_says_its_value(living):
    page, widget = living(Descent)
    made = Descent()
    for slider in widget.locator("input[type=range]").all():
        before = slider.input_value()
        slider.focus()
        page.keyboard.press("ArrowLeft" if before == slider.get_attribute("max") else "ArrowRight")
        settle(page)
        assert slider.input_value() != before
        assert slider.get_attribute("aria-valuetext")
        assert check(widget, made)


@pytest.mark.parametrize("on", ["ravine", "double_well"])
def test_a_finger_drags_the_start_and_does_not_scroll_the_page(living, on):
    page, widget = living(lambda: Descent(on=on), width=360, height=740, touch=True)
    made = Descent(on=on)
    map_box(widget)
    grip = widget.locator(".ol-grip").bounding_box()
    x, y = grip["x"] + grip["width"] / 2, grip["y"] + grip["height"] / 2
    sign = 1 if on == "ravine" else -1
    session = page.context.new_cdp_session(page)
    scrolled = page.evaluate("scrollY")
    session.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]})
    for step in range(1, 9):
        point = {"x": x + sign * 8 * step, "y": y + 5 * step}
        session.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [point]})
    session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    settle(page)
    assert page.evaluate("scrollY") == scrolled
    first = made.start[0]
    assert check(widget, made)
    assert (made.start[0] - first) * sign > 0.2


def test_a_finger_beside_the_start_moves_nothing(living):
    page, widget = living(Descent, width=360, height=740, touch=True)
    made = Descent()
    box = map_box(widget)
    x, y = box["x"] + 30, box["y"] + box["height"] - 12  # below the map, where nothing lies over the picture
    session = page.context.new_cdp_session(page)
    session.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]})
    for step in range(1, 9):
        point = {"x": x + 8 * step, "y": y}
        session.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [point]})
    session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    settle(page)
    check(widget, made)
    assert made.start == Descent().start


def test_every_control_has_a_name_and_is_reached_by_tab(living):
    page, widget = living(many)
    widget.get_by_label("Noise in the gradients, σ").focus()
    page.keyboard.press("ArrowRight")
    settle(page)
    controls = widget.locator("input, select, button")
    for control in controls.all():
        expect(control).to_have_accessible_name(re.compile(r"\w"))
    widget.locator("select").first.focus()
    reached = set()
    for _ in range(controls.count() + 5):
        reached.add(
            page.evaluate(
                "[...document.querySelectorAll('.ol :is(input, select, button)')]"
                ".indexOf(document.activeElement)"
            )
        )
        page.keyboard.press("Tab")
    assert reached >= set(range(controls.count()))


def test_nothing_moves_until_play_is_pressed_and_play_ends_at_the_last_step(living):
    page, widget = living(lambda: Descent("adam", steps=20), clock=True)
    step = widget.get_by_label("Step", exact=True)
    before = widget.inner_html()
    page.clock.run_for(5000)
    assert widget.inner_html() == before
    widget.get_by_role("button", name="Play").click()
    expect(widget.get_by_role("button", name="Pause")).to_be_visible()
    page.clock.run_for(500)
    assert 12 < int(step.input_value()) < 20
    page.clock.run_for(20 * 250)
    assert step.input_value() == "20"
    widget.get_by_role("button", name="Play").click()
    page.clock.run_for(600)
    assert 0 < int(step.input_value()) < 5
    widget.get_by_role("button", name="Pause").click()
    held = step.input_value()
    page.clock.run_for(3000)
    assert step.input_value() == held
    widget.get_by_role("button", name="Next step").click()
    page.clock.run_for(50)  # the next frame
    assert int(step.input_value()) == int(held) + 1
    widget.get_by_role("button", name="Previous step").click()
    page.clock.run_for(50)
    assert step.input_value() == held


def test_who_asks_for_less_motion_sees_slower_steps(living):
    page, widget = living(lambda: Descent("adam", step=0), reduced_motion="reduce")
    page.clock.install()
    widget.get_by_role("button", name="Play").click()
    page.clock.run_for(1700)
    assert widget.get_by_label("Step", exact=True).input_value() == "2"


def test_a_preset_on_the_page_is_the_one_of_python(living):
    page, widget = living(Descent)
    made, python = Descent(), Descent()
    presets = widget.get_by_label("Try")
    for name in python.spec["presets"]:
        presets.select_option(name)
        settle(page)
        python.choose(name)
        assert check(widget, made)
        assert made.table == python.table
        assert presets.input_value() == name
    widget.get_by_label("Step", exact=True).press("ArrowRight")
    settle(page)
    assert presets.input_value() == name, "a step is no other state"
    widget.get_by_label("Start x").press("ArrowRight")
    settle(page)
    assert presets.input_value() == ""


def test_a_choice_keeps_the_focus_while_its_sliders_change(living):
    page, widget = living(many)
    for label in ("Try", "Sliders for", "Landscape"):
        choice = widget.get_by_label(label, exact=True)
        choice.focus()
        page.keyboard.press("ArrowDown")
        settle(page)
        expect(choice).to_be_focused()
        assert choice.evaluate("(select) => select.selectedIndex") == 1


def test_another_landscape_brings_its_rates(living):
    page, widget = living(many)
    made = many()
    widget.get_by_label("Landscape", exact=True).select_option("double_well")
    settle(page)
    assert check(widget, made)
    assert {name: hyper["lr"] for name, hyper in made.hyper.items()} == made.spec["landscapes"][
        "double_well"
    ]["rates"]


def test_what_python_sets_is_drawn(living):
    page, widget = living(Descent)
    made = Descent()
    # The page has no kernel: a model like the notebook's is made here, and changed as Python changes it.
    page.evaluate(
        """async () => {
            const models = JSON.parse(document.getElementById("ol-models").textContent);
            const { js, state } = Object.values(models).find((model) => model.state.kind === "descent");
            const { default: front } = await import(`./${js}`);
            const listeners = {};
            const change = (name, value) => { state[name] = value; listeners[`change:${name}`](); };
            const model = {
                get: (name) => state[name],
                set: (changes) => Object.entries(changes).forEach((one) => change(...one)),
                save_changes: () => {},
                on: (name, listener) => (listeners[name] = listener),
                off: () => {},
            };
            const el = document.querySelector(".ol-live");
            await front.render({ model, el });
            document.querySelectorAll("details").forEach((one) => (one.open = true));
            window.fromPython = change;
        }"""
    )
    made.hyper = {"adam": {"lr": 0.3}}
    made.starts = {"ravine": [1.0, -1.0]}
    made.numbers = {"ravine": {"kappa": 20.0}}
    made.shown = ["adam", "momentum"]
    made.tuned = "adam"
    made.noise, made.seed, made.step = 0.5, 9, 30
    for name in ("hyper", "starts", "numbers", "shown", "tuned", "noise", "seed", "step"):
        page.evaluate("([name, value]) => window.fromPython(name, value)", [name, getattr(made, name)])
    settle(page)
    wanted = made.table
    assert check(widget, Descent())
    shown = rows(widget, "ol-end")
    for name, *values in wanted:
        assert shown[name][:4] == pytest.approx(values[:4], rel=1e-9)
    arrows = widget.locator(".ol-head").count()
    assert arrows == 4
    page.evaluate("window.fromPython('arrows', 'none')")
    settle(page)
    assert widget.locator(".ol-head").count() == 0


def test_the_readout_names_the_lowest_and_who_diverged(living):
    page, widget = living(
        lambda: Descent("gradient_descent", "adam", hyper={"gradient_descent": {"lr": 0.3}})
    )
    readout = widget.locator(".ol-readout[role=status]")
    expect(readout).to_contain_text("After step 12 adam is lowest, ")
    expect(readout).not_to_contain_text("diverged")
    widget.get_by_label("Step", exact=True).press("End")
    settle(page)
    expect(readout).to_contain_text("Gradient descent diverged at step")
    widget.get_by_role("checkbox", name="adam").uncheck()
    widget.get_by_role("checkbox", name="gradient descent").uncheck()
    settle(page)
    expect(readout).to_have_text("No optimizer is switched on.")


def test_on_a_landscape_that_changes_runs_are_compared_by_their_distance(living):
    _, widget = living(lambda: Descent("gradient_descent", "amsgrad_paper", on="reddi", steps=300, step=300))
    rows = sorted(
        Descent("gradient_descent", "amsgrad_paper", on="reddi", steps=300).table, key=lambda r: r[3]
    )
    first, second = (row[0].replace("_", " ") for row in rows)
    expect(widget.locator(".ol-readout")).to_contain_text(f"After step 300 {first} is nearest, ")
    expect(widget.locator(".ol-readout")).to_contain_text(f"from the minimum; then {second} ")


def test_every_rule_has_its_own_color_and_dash_on_the_page(living):
    _, widget = living(lambda: Descent(*OPTIMIZERS, steps=10))
    samples = widget.locator("fieldset svg g").evaluate_all(
        "(all) => all.map((g) => g.style.getPropertyValue('--ol-own') + g.style.strokeDasharray)"
    )
    assert len(set(samples)) == len(OPTIMIZERS)
    assert [sample[:7] for sample in samples] == [STYLE[rule.name]["color"] for rule in OPTIMIZERS]
