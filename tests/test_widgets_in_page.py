"""The widgets of the built pages, in a real browser with the network cut: alive, and equal to Python."""

from __future__ import annotations

import gzip
import json
import math
import random
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from conftest import LABORATORY, THEMES, opening, out_of_reach
from drawn import Curve, figures, look, read_cells
from playwright.sync_api import Locator, Page, expect

from optimlab.averages import ewa, ewa_corrected, weights
from optimlab.catalog import RULES, find
from optimlab.rule import Rule
from optimlab.widgets import CheckedNotes, Quiz, Walkthrough

ROOT = Path(__file__).resolve().parents[1]
CHAPTER = "chapters/03-averages.html"
NOTEBOOKS = {
    file.stem: file.read_text(encoding="utf-8") for file in sorted((ROOT / "chapters").glob("*.ipynb"))
}
PAGES = [f"chapters/{name}.html" for name, text in NOTEBOOKS.items() if "optimlab.widgets" in text]
CHECKED = "chapters/a-checked.html"
EXACT = 1e-12


def wake(page: Page) -> None:
    """Unfold everything and bring every widget of the page to life."""
    unfold = "document.querySelectorAll('details').forEach((d) => (d.open = true))"
    page.evaluate(unfold)
    for place in page.locator(".ol-mount").all():
        place.evaluate("(place) => place.scrollIntoView({block: 'center'})")
        expect(place).to_have_attribute("data-state", "alive")
    page.evaluate(unfold)


def models(page: Page) -> dict:
    """Return the state that the page was built with, by the name of the model."""
    return json.loads(page.locator("#ol-models").text_content())


def of_kind(page: Page, kind: str) -> list[tuple[Locator, dict]]:
    """Return the living widgets of one kind, each with the state it was built with."""
    states = {name: model["state"] for name, model in models(page).items()}
    for state in states.values():
        state["spec"] = json.loads(state["spec"])  # it travels as text
    return [
        (page.locator(f'.ol-mount[data-model="{name}"] .ol'), state)
        for name, state in states.items()
        if state["kind"] == kind
    ]


def show_all(widget: Locator) -> None:
    """Press the button for more until nothing is left."""
    more = widget.get_by_role("button", name="more")
    more.evaluate("(more) => { while (!more.hidden) more.click(); }")


def settle(page: Page) -> None:
    """Wait until what was changed has been drawn."""
    page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


def data_values(cells: Locator) -> list[float | None]:
    """Return the full-precision numbers behind table cells; None for an empty one."""
    return cells.evaluate_all(
        "(cells) => cells.map((c) => (c.dataset.value === '' ? null : Number(c.dataset.value)))"
    )


def slider_values(widget: Locator) -> dict[str, float]:
    """Return what the horizontal sliders of a widget say, by label."""
    return widget.evaluate(
        """(widget) => Object.fromEntries(
            [...widget.querySelectorAll('.ol-control input[type=range]')].map((input) => [
                widget.querySelector(`label[for="${input.id}"]`).textContent,
                Number(input.dataset.value)]))"""
    )


def assert_equal(shown: list[float | None], computed: np.ndarray) -> None:
    """Fail unless a column shows what Python computes; an empty cell stands for no value."""
    assert len(shown) == len(computed)
    for on_page, right in zip(shown, computed, strict=True):
        if on_page is None:
            assert math.isnan(right)
        else:
            assert on_page == pytest.approx(right, rel=EXACT, abs=EXACT)


def check_walkthrough(widget: Locator, state: dict) -> None:
    """Compare the steps that a walkthrough shows with Python's, for the sliders as they stand now."""
    choice = widget.get_by_label("Run", exact=True)
    name = choice.input_value() if choice.count() else state["run"]
    run = next(run for run in state["spec"]["runs"] if run["name"] == name)
    said = slider_values(widget)
    hyper = {key: said[slider["label"]] for key, slider in run["sliders"].items()}
    # An example whose gradients depend on where the run stands is computed by the example itself.
    anchor = widget.evaluate("(widget) => widget.closest('.ol-mount').id")
    python = Walkthrough(anchor.removeprefix("example-")) if anchor else None
    if python:
        python.run, python.hyper = name, hyper
        trace = python.table
        shown = read_cells(widget.locator(".ol-side-by-side tbody td"))
        for i, column in enumerate(python.beside.values() if shown else []):
            own = [value for value in shown[i :: len(python.beside)] if value is not None]
            assert_equal(own, column[~np.isnan(column)])
    elif run["rule"] in RULES:
        trace = find(run["rule"]).trace(**run["inputs"], **run["carried"], **hyper)
    else:
        return  # a rule that the page itself defines is known to its notebook only
    columns = run["columns"]
    shown = read_cells(widget.locator(".ol-steps tbody td"))
    # Of a long run the rows around the current step are shown.
    labels = [int(text) for text in widget.locator(".ol-steps tbody th").all_text_contents()]
    rows = slice(labels[0] - run["first"] + 1, labels[-1] - run["first"] + 2)
    for i, column in enumerate(columns):
        assert_equal(shown[i :: len(columns)], trace[column["name"]][rows])
    current = widget.locator(".ol-steps tr[aria-current=step] th")
    at = said["Step t"] + run["first"] - 1
    assert float(current.text_content()) == at
    # The chart that is chosen, with a large point on every curve at the current step.
    (chart,) = figures(widget)
    which = widget.get_by_label("Chart", exact=True)
    which = which.input_value() if which.count() else run["charts"][0][0]
    drawn = [next(c for c in columns if c["name"] == quantity) for quantity in dict(run["charts"])[which]]
    times = np.arange(len(trace[drawn[0]["name"]])) + run["first"] - 1
    now = times == at
    curves = [(look(tone=column["tone"]), trace[column["name"]], column) for column in drawn]
    chart.shows_curves(
        [
            *(
                Curve(one, times, y, column["label"], dots=column["name"] in run["inputs"])
                for one, y, column in curves
            ),
            *(Curve(one, times[now], y[now], dots=True) for one, y, _ in curves),
        ],
        mark=at,
    )


def check_explorer(widget: Locator) -> None:
    """Compare everything that the explorer of averages shows with Python's."""
    said = slider_values(widget)
    beta = said["β, the share that is kept"]
    day = int(said["Day whose average is taken apart"])
    start, *theta = [
        float(value)
        for value in widget.locator(".ol-vertical").evaluate_all("(all) => all.map((i) => i.value)")
    ]
    corrected = widget.get_by_label("Bias correction").is_checked()
    raw = ewa.trace(theta=theta, v=start, beta=beta)["v"]
    v_hat = ewa_corrected.trace(theta=theta, v=start, beta=beta)["v_hat"]
    shown = read_cells(widget.locator("details tbody td"))
    assert_equal(shown[0::4], np.array([np.nan, *theta]))
    share = weights(day, beta, start="corrected" if corrected else "zero")
    of_start = beta**day / (1 - beta**day if corrected else 1)
    assert_equal(shown[1::4], np.array([of_start, *share, *[np.nan] * (len(theta) - day)]))
    assert_equal(shown[2::4], raw)
    assert_equal(shown[3::4], v_hat)
    readout = widget.locator(".ol-readout")
    assert float(readout.get_attribute("data-value")) == pytest.approx(
        (v_hat if corrected else raw)[day], rel=EXACT
    )
    assert float(readout.get_attribute("data-weights")) == pytest.approx(share.sum(), rel=EXACT)
    # Both averages, dot by dot above the sliders, the band of the day, and the bars of the weights.
    drawn = widget.evaluate(EXPLORED)
    places, ticks = drawn["places"], np.array(drawn["ticks"], float)
    down = np.polyfit(*ticks.T, 1)
    for tone, average, ahead in ((1, raw, not corrected), (2, v_hat, corrected)):
        wanted = np.stack([places, np.polyval(down, average)], axis=1)[np.isfinite(average)]
        curve = drawn["curves"][tone - 1]
        np.testing.assert_allclose(curve["dots"], wanted, atol=0.6)
        np.testing.assert_allclose(path_points(curve["d"]), wanted, atol=0.6)
        assert curve["faint"] != ahead
    assert sum(drawn["band"]) / 2 == pytest.approx(places[day], abs=0.6)
    weighed = np.abs([of_start, *share])
    heights = np.array(drawn["bars"])
    np.testing.assert_allclose(heights[:, 0], places[: day + 1], atol=0.6)
    np.testing.assert_allclose(heights[:, 1], np.maximum(62 * weighed / weighed.max(), 0.5), atol=0.6)


EXPLORED = """(widget) => {
    const svg = widget.querySelector(".ol-plot > svg");
    const at = (one, ...names) => names.map((name) => Number(one.getAttribute(name)));
    const [x, width] = at(svg.querySelector(".ol-band"), "x", "width");
    return {
        places: [...widget.querySelectorAll(".ol-vertical")].map((input) => parseFloat(input.style.left)),
        ticks: [...svg.querySelectorAll(".ol-grid text")].map((t) => [t.textContent, ...at(t, "y")]),
        curves: [1, 2].map((tone) => {
            const group = svg.querySelector(`.ol-tone-${tone}`);
            const dots = [...group.querySelectorAll("circle:not([visibility=hidden])")];
            return {
                d: group.querySelector("path").getAttribute("d"),
                faint: group.classList.contains("ol-faint"),
                dots: dots.map((dot) => at(dot, "cx", "cy")),
            };
        }),
        band: [x, x + width],
        bars: [...widget.querySelectorAll(".ol-bar")].map((bar) => {
            const [left, wide, tall] = at(bar, "x", "width", "height");
            return [left + wide / 2, tall];
        }),
    };
}"""


def path_points(d: str) -> list[list[float]]:
    """Return the points that straight lines of a path go through."""
    return [[float(x) for x in point.split(",")] for point in re.split("[ML]", d)[1:]]


@pytest.fixture
def page(open_page) -> Page:
    """The page that has the explorer of averages, all alive."""
    page = open_page(CHAPTER)
    wake(page)
    return page


@pytest.fixture(scope="module", params=PAGES)
def each_page(request, browser, site_server) -> Iterator[Page]:
    """Every page that has widgets, all alive, for the tests that leave a page as good as they find it."""
    pages = opening(browser, site_server)
    page = next(pages)(request.param)
    wake(page)
    yield page
    next(pages, None)


def test_every_widget_mounts_without_an_error(each_page):
    alive = each_page.locator(".ol-mount[data-state=alive]")
    assert each_page.locator(".ol-mount").count() == alive.count() == len(models(each_page)) > 0


def test_the_laboratory_has_every_kind_of_widget_but_the_tables_of_the_notes(open_page):
    kinds = {model["state"]["kind"] for model in models(open_page(LABORATORY)).values()}
    source = (ROOT / "optimlab" / "widgets" / "js" / "index.js").read_text()
    known = set(re.search(r"KINDS = \{([^}]*)\}", source).group(1).replace(",", " ").split())
    assert known - kinds == {"checked", "claims"}


def test_the_notes_can_be_searched_and_filtered_as_python_does_it(open_page):
    page = open_page(CHECKED)
    wake(page)
    ((widget, state),) = of_kind(page, "checked")
    python = CheckedNotes()
    chance = random.Random(3)
    words = ["", "momentum", "V_HAT", "learning rate", "9.40701", "ewa-temperature 0.98", "no such thing"]
    for _ in range(25):
        python.query = chance.choice(words)
        widget.get_by_label("Search").fill(python.query)
        for key, label in (
            ("note", "Notes"),
            ("chapter", "Chapter"),
            ("origin", "Origin"),
            ("verdict", "Verdict"),
        ):
            value = chance.choice(["", "", *state["spec"]["options"][key]])
            setattr(python, key, value)
            widget.get_by_label(label, exact=True).select_option(value)
        settle(page)
        wanted = [[v.name, v.printed, v.verdict] for v in python.selected]
        expect(widget.get_by_role("status")).to_contain_text(
            f"{len(wanted)} of {len(state['spec']['values'])} "
        )
        shown = widget.locator("tbody tr:has(td)").evaluate_all(
            """(rows) => rows.map((row) => ['quantity', 'theirs', 'judgment'].map(
                (kind) => row.querySelector(`.ol-${kind}`).textContent))"""
        )
        assert [[name, printed, judgment.split(" ")[1]] for name, printed, judgment in shown] == wanted[:25]


def test_the_name_of_an_example_leads_to_its_widget_in_the_chapter(open_page):
    page = open_page(CHECKED)
    wake(page)
    ((widget, state),) = of_kind(page, "checked")
    shown = {name for text in NOTEBOOKS.values() for name in re.findall(r'Walkthrough\(\\"([^\\"]+)', text)}
    titles = {f"{title} ({note})" for key, title, note, *_ in state["spec"]["examples"] if key in shown}
    assert len(shown) >= 25
    widget.get_by_label("Verdict", exact=True).select_option("")
    settle(page)
    show_all(widget)
    links = widget.locator(".ol-group a")
    assert set(links.all_text_contents()) == titles
    title = links.first.text_content().rpartition(" (")[0]
    links.first.click()
    page.wait_for_url("**#example-*")
    expect(page.locator(":target .ol-title")).to_have_text(title)


def test_every_claim_of_a_written_chapter_leads_to_a_heading_that_is_there(open_page, built_site):
    page = open_page("chapters/a2-claims.html")
    wake(page)
    ((widget, state),) = of_kind(page, "claims")
    show_all(widget)
    written = [name for name in state["spec"]["pages"] if f"chapters/{name}.html" in PAGES]
    links = widget.locator("li > .ol-source a").evaluate_all(
        "(all) => all.map((a) => a.getAttribute('href'))"
    )
    papers = [link for link in links if link == "references.html"]
    assert len(papers) == sum(map(bool, state["spec"]["claims"]["reference"])) > 50
    links = [link for link in links if link != "references.html"]
    named = state["spec"]["claims"]["page"]
    assert len(links) == sum(state["spec"]["pages"][i] in written for i in named) > 50
    broken = []
    for name in written:
        text = (built_site / "chapters" / f"{name}.html").read_text()
        for link in {link for link in links if link.startswith(f"{name}.html#")}:
            if f'id="{link.partition("#")[2]}"' not in text:
                broken.append(link)
    assert broken == []


def test_more_of_the_notes_is_drawn_when_asked_for(open_page):
    page = open_page(CHECKED)
    wake(page)
    ((widget, state),) = of_kind(page, "checked")
    widget.get_by_label("Verdict", exact=True).select_option("near")
    settle(page)
    rows = widget.locator("tbody tr:has(td)")
    drawn = 25
    assert rows.count() == drawn
    near = sum(
        value[6] == state["spec"]["options"]["verdict"].index("near") for value in state["spec"]["values"]
    )
    assert near > 2 * drawn
    while drawn < near:
        more = min(25, near - drawn)
        widget.get_by_role("button", name=f"Show {more} more").click()
        drawn += more
        assert rows.count() == drawn
    expect(widget.get_by_role("button", name="more")).to_be_hidden()


def test_every_walkthrough_shows_what_python_computes_for_every_run_and_key(each_page):
    page = each_page
    for widget, state in of_kind(page, "walkthrough"):
        if not state["spec"]["runs"]:
            continue
        choice = widget.get_by_label("Run", exact=True)
        for run in [run["name"] for run in state["spec"]["runs"]]:
            if choice.count():
                choice.select_option(run)
                settle(page)
            check_walkthrough(widget, state)
        sliders = widget.locator(".ol-control input[type=range]").all()
        assert len(sliders) >= 2
        for slider in sliders:
            before = slider.input_value()
            slider.focus()
            page.keyboard.press("ArrowLeft" if before == slider.get_attribute("max") else "ArrowRight")
            assert slider.input_value() != before
        settle(page)
        check_walkthrough(widget, state)


def test_the_sliders_of_a_walkthrough_follow_the_mouse(each_page):
    page = each_page
    for widget, state in of_kind(page, "walkthrough")[:1]:
        for slider in widget.locator(".ol-control input[type=range]").all():
            slider.scroll_into_view_if_needed()
            box = slider.bounding_box()
            page.mouse.move(box["x"] + box["width"] * 0.2, box["y"] + box["height"] / 2)
            page.mouse.down()
            page.mouse.move(box["x"] + box["width"] * 0.7, box["y"] + box["height"] / 2, steps=4)
            page.mouse.up()
            settle(page)
            share = int(slider.input_value()) / int(slider.get_attribute("max"))
            assert share == pytest.approx(0.7, abs=0.5 / int(slider.get_attribute("max")) + 0.05)
            check_walkthrough(widget, state)


def test_the_explorer_shows_what_python_computes_after_every_drag_and_key(page):
    ((widget, _),) = of_kind(page, "averages")
    check_explorer(widget)
    handles = widget.locator(".ol-vertical").all()
    assert len(handles) == 11
    for i, handle in enumerate(handles):
        handle.focus()
        before = float(handle.input_value())
        page.keyboard.press("ArrowUp")
        settle(page)
        assert float(handle.input_value()) == before + 1
        check_explorer(widget)
        box = handle.bounding_box()
        x, bottom = box["x"] + box["width"] / 2, box["y"] + box["height"]
        grip = bottom - 11 - (box["height"] - 22) * (before + 1) / 30
        page.mouse.move(x, grip)
        page.mouse.down()
        page.mouse.move(x, bottom - 11 - (box["height"] - 22) * (5 + i) / 30, steps=5)
        page.mouse.up()
        settle(page)
        assert float(handle.input_value()) == pytest.approx(5 + i, abs=1)
        check_explorer(widget)
    for label in ("Bias correction", "Bias correction"):
        widget.get_by_label(label).click()
        settle(page)
        check_explorer(widget)
    for slider in widget.locator(".ol-control input[type=range]").all():
        for key in ("Home", "ArrowRight", "PageUp", "End"):
            slider.focus()
            page.keyboard.press(key)
            settle(page)
            check_explorer(widget)
    data = widget.get_by_label("Temperatures", exact=True)
    for option in data.locator("option").all()[:-1]:
        data.select_option(option.get_attribute("value"))
        settle(page)
        check_explorer(widget)


def test_the_explorer_can_be_dragged_by_touch(browser, site_server):
    context = browser.new_context(viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True)
    page = context.new_page()
    page.goto(f"{site_server}/{CHAPTER}")
    wake(page)
    ((widget, _),) = of_kind(page, "averages")
    handle = widget.locator(".ol-vertical").nth(4)
    handle.evaluate("(h) => h.scrollIntoView({block: 'center'})")
    box = handle.bounding_box()
    x, bottom = box["x"] + box["width"] / 2, box["y"] + box["height"]
    y = bottom - 11 - (box["height"] - 22) * float(handle.input_value()) / 30
    session = context.new_cdp_session(page)
    scrolled = page.evaluate("scrollY")
    session.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]})
    for step in range(1, 9):
        point = {"x": x, "y": y + step * 8}
        session.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [point]})
    session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    settle(page)
    assert float(handle.input_value()) < 15
    assert page.evaluate("scrollY") == scrolled, "dragging a value must not scroll the page"
    check_explorer(widget)
    # Beside the thumbs a finger scrolls.
    value = float(handle.input_value())
    far = box["y"] + (20 if value < 15 else box["height"] - 20)
    session.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": far}]})
    for step in range(1, 9):
        point = {"x": x, "y": far - step * 10}
        session.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [point]})
    session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    settle(page)
    assert float(handle.input_value()) == value
    assert page.evaluate("scrollY") > scrolled + 30
    context.close()


def test_after_fifty_random_actions_the_page_still_equals_python(each_page):
    page, chance = each_page, random.Random(7)
    walkthroughs = [one for one in of_kind(page, "walkthrough") if one[1]["spec"]["runs"]]
    some = chance.sample(walkthroughs, min(4, len(walkthroughs)))
    for widget, state in [*of_kind(page, "averages"), *some]:
        act_at_random(
            widget,
            "input[type=range], input[type=checkbox], select, .ol-controls button:not(.ol-play)",
            chance,
        )
        if state["kind"] == "averages":
            check_explorer(widget)
        else:
            check_walkthrough(widget, state)


ACT = """async (control, dice) => {
    if (control.disabled) return;
    if (control.type === 'checkbox' || control.tagName === 'BUTTON') control.click();
    else if (control.tagName === 'SELECT') {
        control.selectedIndex = Math.floor(dice * control.options.length);
        control.dispatchEvent(new Event('change', {bubbles: true}));
    } else {
        const [low, high] = [Number(control.min), Number(control.max)];
        control.value = Math.round(low + dice * (high - low));
        control.dispatchEvent(new Event('input', {bubbles: true}));
    }
}"""
DRAWN = "new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))"


def act(control: Locator, dice: float) -> None:
    """Move or press a control, and wait for the picture; the dice, from 0 to 1, say where to."""
    control.evaluate(f"async (control, dice) => {{ await ({ACT})(control, dice); return {DRAWN}; }}", dice)


HELD = """async ([id, changes]) => {
    const [{ js, state }] = Object.values(JSON.parse(document.getElementById("ol-models").textContent));
    const { default: widget } = await import(new URL(js, document.baseURI));
    Object.assign(state, changes);
    const listeners = {};
    window.model = {
        get: (name) => state[name],
        // One name and its value, or several in an object; only a value that is another one is told of.
        set(given, value) {
            const changes = typeof given === "string" ? { [given]: value } : given;
            const same = (name) => JSON.stringify(state[name]) === JSON.stringify(changes[name]);
            const others = Object.keys(changes).filter((name) => !same(name));
            Object.assign(state, changes);
            for (const name of others) (listeners[name] ?? []).forEach((call) => call());
        },
        on: (name, call) => (listeners[name.slice(7)] ??= []).push(call),
        off: (name, call) => listeners[name.slice(7)].splice(listeners[name.slice(7)].indexOf(call), 1),
        save_changes() { window.saved = { ...state }; },
        listeners,
        state,
    };
    const el = document.createElement("div");
    el.id = id;
    document.body.append(el);
    window.stop = await widget.render({ model, el });
}"""


def hold(page: Page, as_: str = "held", **state) -> None:
    """Render the first widget once more, as ``#held``, with a `model` that the test sets as a kernel does.

    It begins in the state that the page was built with, but for what is given.
    """
    page.evaluate(HELD, [as_, state])


def act_at_random(widget: Locator, controls: str, chance: random.Random, times: int = 50) -> None:
    """Move or press controls of a widget one after another, without waiting between moves of sliders."""
    widget.evaluate(
        f"""async (widget, [controls, dice]) => {{
            for (const [which, where] of dice) {{
                // Looked up anew every time: choosing another run replaces the sliders.
                const all = widget.querySelectorAll(controls);
                const control = all[Math.floor(which * all.length)];
                await ({ACT})(control, where);
                if (control.type !== 'range') await {DRAWN};
            }}
            return {DRAWN};
        }}""",
        [controls, [[chance.random(), chance.random()] for _ in range(times)]],
    )


def test_the_notes_figures_stand_beside_ours_with_their_verdict(page):
    widget, state = next(
        (widget, state)
        for widget, state in of_kind(page, "walkthrough")
        if state["spec"]["title"].startswith("Ten days of temperature, β = 0.9")
    )
    assert not widget.locator(".ol-printed > span").count()
    widget.get_by_label("Show the notes’ figures").check()
    settle(page)
    printed = state["spec"]["runs"][0]["printed"]
    assert widget.locator(".ol-printed > span").count() == sum(map(len, printed.values()))
    for key, given in printed.items():
        step, quantity = key.split(" ")
        column = [c["name"] for c in state["spec"]["runs"][0]["columns"]].index(quantity)
        cell = widget.locator(".ol-steps tbody tr").nth(int(step)).locator("td").nth(column)
        for figure in given:
            expect(cell.locator(".ol-printed")).to_contain_text(figure["printed"])
            expect(cell.locator(".ol-printed")).to_contain_text(figure["verdict"])
    # Other values than the notes': the figures stay, but are not judged.
    slider = widget.locator(".ol-control input[type=range]").nth(1)
    slider.focus()
    page.keyboard.press("Home")
    settle(page)
    assert not widget.locator(".ol-printed .ol-verdict").count()
    expect(widget.locator(".ol-notice")).to_contain_text("not judged")
    widget.get_by_role("button", name="Back to the notes’ values").click()
    settle(page)
    assert widget.locator(".ol-printed .ol-verdict").count()


def test_every_judged_figure_is_in_its_widget(each_page):
    page = each_page
    for widget, state in of_kind(page, "walkthrough"):
        judged = state["spec"]["judged"]
        only = widget.locator(".ol-details input[type=checkbox]")
        if only.count():
            only.uncheck()
        rows = widget.locator(".ol-judged tbody tr")
        assert rows.count() == len(judged)
        assert_equal(
            data_values(widget.locator(".ol-judged td[data-value]")),
            np.array([np.nan if value["computed"] is None else value["computed"] for value in judged]),
        )


def test_playing_goes_through_the_steps_and_stops_at_the_last(page):
    page.clock.install()
    widget, state = next((w, s) for w, s in of_kind(page, "walkthrough") if s["spec"]["runs"])
    play = widget.get_by_role("button", name="Play")
    play.click()
    expect(widget.get_by_role("button", name="Pause")).to_be_visible()
    steps = len(next(iter(state["spec"]["runs"][0]["inputs"].values())))
    for _ in range(steps):
        page.clock.run_for(1000)
    expect(widget.get_by_role("button", name="Play")).to_be_visible()
    assert int(widget.locator(".ol-control input[type=range]").first.input_value()) == steps


def test_a_question_explains_right_and_wrong_and_remembers_the_answer(page):
    (widget, state), *_ = of_kind(page, "quiz")
    options = state["spec"]["options"]
    right = next(i for i, option in enumerate(options) if option["right"])
    wrong = next(i for i, option in enumerate(options) if not option["right"])
    for chosen, verdict in ((wrong, "Not so"), (right, "Right")):
        widget.locator("input[type=radio]").nth(chosen).focus()
        page.keyboard.press("Space")
        widget.get_by_role("button", name="Check").focus()
        page.keyboard.press("Enter")
        answer = widget.locator(".ol-answer")
        expect(answer).to_contain_text(verdict)
        expect(answer).to_contain_text(options[chosen]["why"])
    page.reload()
    wake(page)
    (widget, _), *_ = of_kind(page, "quiz")
    expect(widget.locator(".ol-answer")).to_contain_text("Right")
    widget.get_by_role("button", name="Try again").click()
    expect(widget.locator(".ol-answer")).to_be_empty()


def test_an_answer_that_the_browser_kept_is_told_to_the_kernel(living):
    page, widget = living(lambda: Quiz("Why?", right=("yes", "so"), wrong=[("no", "not so")]))
    widget.get_by_label("yes").check()
    widget.get_by_role("button", name="Check").click()
    hold(page)
    expect(page.locator("#held .ol-answer")).to_contain_text("Right")
    assert page.evaluate("saved.answer") == "yes"


def test_on_paper_a_table_stands_where_the_widget_was(each_page):
    page = each_page
    place = page.locator(".ol-mount:has(table)").first
    expect(place.locator(".ol-live")).to_be_visible()
    expect(place.locator(".ol-fallback")).to_be_hidden()
    page.emulate_media(media="print")
    expect(place.locator(".ol-live")).to_be_hidden()
    expect(place.locator(".ol-fallback table").first).to_be_visible()
    page.emulate_media(media="screen")


def test_the_data_and_the_code_of_the_widgets_are_small(each_page, built_site):
    page = each_page
    code = sum(len(gzip.compress(file.read_bytes())) for file in (built_site / "_widgets").iterdir())
    assert code < 100_000
    assert len(gzip.compress(page.locator("#ol-models").text_content().encode())) < 50_000


def test_a_living_page_is_accessible_in_both_themes_and_stays_within_the_screen(each_page, axe):
    page = each_page
    page.evaluate(
        """() => {
            for (const { textContent, control } of document.querySelectorAll(".ol-toggle"))
                if (textContent === "Show the notes’ figures" && !control.checked) control.click();
            for (const form of document.querySelectorAll(".ol-quiz:has(button[type=submit])")) {
                form.querySelector("input").click();
                form.requestSubmit();
            }
        }"""
    )
    settle(page)
    assert page.locator(".ol-quiz .ol-verdict").count() >= page.locator("form.ol.ol-quiz").count()
    # The theme lets colors change over a moment.
    still = page.add_style_tag(content="* { transition: none !important; }")
    settle(page)
    for theme in reversed(THEMES):
        page.evaluate("(theme) => (document.documentElement.dataset.theme = theme)", theme)
        page.wait_for_timeout(50)
        assert axe(page, only="color-contrast", looks=True) == []
    size = page.viewport_size
    page.set_viewport_size({"width": 320, "height": 700})
    page.wait_for_timeout(600)  # the theme lets tables take the focus a moment after a change of width
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    assert page.evaluate("document.body.scrollWidth") <= 320
    assert out_of_reach(page) == []
    # What is around the text is the same on the pages without widgets.
    assert axe(page, but="color-contrast", briefly=True, within="article") == []
    page.set_viewport_size(size)
    still.evaluate("(style) => style.remove()")


def test_a_color_that_cannot_be_read_is_found_among_the_looks_of_a_page(open_page, axe):
    page = open_page(CHAPTER)
    assert axe(page, only="color-contrast", looks=True) == []
    page.evaluate("[...document.querySelectorAll('article p')].at(-1).style.color = '#bbb'")
    assert "color-contrast" in " ".join(axe(page, only="color-contrast", looks=True))


def test_formulas_and_programs_are_accessible(open_page, axe):
    page = open_page("chapters/00b-conventions.html")
    assert page.locator(".katex").count() > 5
    assert page.locator("pre").count() > 5
    assert axe(page) == []
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    page.wait_for_timeout(600)  # the theme lets colors change over a moment
    assert axe(page, only="color-contrast") == []


def test_another_run_keeps_the_focus_and_its_steps_end_where_it_ends(living):
    page, widget = living(lambda: Walkthrough("minibatch2-momentum"))
    runs = {run["name"]: run["steps"] for run in Walkthrough("minibatch2-momentum").spec["runs"]}
    longest, shortest = max(runs, key=runs.get), min(runs, key=runs.get)
    choice = widget.get_by_label("Run", exact=True)
    choice.select_option(longest)
    settle(page)
    widget.get_by_label("Step t").press("End")
    choice.focus()
    choice.select_option(shortest)
    settle(page)
    expect(choice).to_be_focused()
    step = widget.get_by_label("Step t")
    assert int(step.input_value()) == runs[shortest]
    widget.get_by_role("button", name="Previous step").click()
    settle(page)
    assert int(step.input_value()) == runs[shortest] - 1


def test_another_choice_takes_the_verdict_on_the_old_one_away(living):
    _, widget = living(lambda: Quiz("2 + 2?", right=("4", "count"), wrong=[("5", "no")]))
    answer = widget.get_by_role("status")
    for right, verdict in ((False, "✗"), (True, "✓"), (True, "✓")):
        widget.get_by_label("4" if right else "5", exact=True).check()
        widget.get_by_role("button", name="Check").click()
        expect(answer).to_contain_text(verdict)
        widget.get_by_label("5" if right else "4", exact=True).check()
        expect(answer).to_be_empty()


def test_long_words_do_not_widen_a_narrow_page(living):
    long = "derivative_" * 9
    page, _ = living(lambda: Quiz(long, right=(long + "1", long), wrong=[(long + "2", long)]), width=320)
    page.get_by_role("radio").first.check()
    page.get_by_role("button", name="Check").click()
    settle(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 320

    @Rule
    def wordy(w, g, *, a_number_whose_name_is_longer_than_a_telephone_is_wide=0.1):
        w = w - a_number_whose_name_is_longer_than_a_telephone_is_wide * g
        return w

    page, widget = living(lambda: Walkthrough(wordy, w=1.0, g=[1.0]), width=320)
    controls = widget.locator(".ol-controls")
    assert controls.evaluate("(box) => box.scrollWidth <= box.clientWidth")


def test_a_box_to_tick_keeps_its_size_beside_a_long_label(living):
    _, widget = living(lambda: Walkthrough("minibatch2-momentum"), width=320)
    widget.locator(".ol-toggle span").first.evaluate(
        "(label) => (label.textContent = 'all of it '.repeat(20))"
    )
    assert widget.locator(".ol-toggle input").first.bounding_box()["width"] == 18
