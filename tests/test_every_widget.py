"""What holds for every widget with controls: legible and within the screen, still, and a table on paper."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect
from test_widgets_in_page import settle

from optimlab import widgets
from optimlab.widgets import AdaptiveRates, DecisionTree, Descent, FamilyTree, LossDoctor, Quiz, Walkthrough

# In a state that shows as much as there is to show; the others as they come.
FULL = {
    "AdaptiveRates": lambda: AdaptiveRates(
        shown=["gradient_descent", "adagrad", "adadelta", "rmsprop", "adam", "amsgrad", "amsgrad_paper"]
    ),
    "DecisionTree": lambda: DecisionTree(
        "Umbrella",
        (
            "Does it rain?",
            {"no": "Leave it.", "yes": ("Is it windy?", {"yes": "Leave it.", "no": "Take it."})},
        ),
        path=["yes", "no"],
    ),
    "Descent": lambda: Descent("gradient_descent", "adam", "nesterov", on=["rosenbrock", "double_well"]),
    "FamilyTree": lambda: FamilyTree(chosen="adam_l2 > adamw"),
    "LossDoctor": lambda: LossDoctor(
        examined=["gradient", "update"], diagnoses={"15": "low"}, treated=True, case=15
    ),
    "Quiz": lambda: Quiz("Why?", right=("yes", "so"), wrong=[("no", "not so")]),
    "Walkthrough": lambda: Walkthrough("minibatch2-momentum"),
}
each_widget = pytest.mark.parametrize(
    "make", [pytest.param(FULL.get(name, getattr(widgets, name)), id=name) for name in widgets.__all__]
)


def width_of(page: Page) -> int:
    return page.evaluate("document.documentElement.scrollWidth")


def cut_off(page: Page) -> list[str]:
    """Return the lettering of charts that leaves the screen."""
    return page.evaluate(
        """() => [...document.querySelectorAll(".ol svg text")]
          .filter((text) => text.checkVisibility() && text.textContent)
          .map((text) => [text.textContent, text.getBoundingClientRect()])
          .filter(([, box]) => box.left < 0 || box.right > innerWidth)
          .map(([text, box]) => `${text} from ${box.left} to ${box.right}`)"""
    )


@each_widget
def test_it_is_accessible_in_both_themes_and_stays_within_the_screen(living, axe, make):
    page, _ = living(make)
    settle(page)
    assert axe(page) == []
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    assert axe(page, only="color-contrast") == []
    for width in (768, 320):
        page.set_viewport_size({"width": width, "height": 800})
        settle(page)
        assert width_of(page) <= width
    assert axe(page, but="color-contrast") == []


@each_widget
def test_on_a_narrow_screen_it_fits_whatever_is_chosen(living, make):
    page, widget = living(make, width=320)
    settle(page)
    assert cut_off(page) == []
    for i in range(widget.locator("select").count()):
        options = widget.locator("select").nth(i).locator("option").count()
        for option in range(options):
            widget.locator("select").nth(i).select_option(index=option)
            settle(page)
            assert width_of(page) <= 320
            assert cut_off(page) == []


@each_widget
def test_nothing_moves_by_itself(living, make):
    # The clock comes first: a timer that is set when the widget appears must not escape it.
    page, widget = living(make, reduced_motion="reduce", clock=True)
    settle(page)
    before = widget.inner_html()
    page.clock.run_for(5000)
    assert widget.inner_html() == before


@each_widget
def test_on_paper_its_facts_stand_in_its_place(living, make):
    page, widget = living(make)
    page.emulate_media(media="print")
    expect(widget).to_be_hidden()
    facts = page.locator(".ol-fallback > :is(table, ol, pre)")
    assert facts.count()
    for fact in facts.all():
        expect(fact).to_be_visible()


@each_widget
def test_beside_each_other_in_a_notebook_they_keep_to_themselves(living, make):
    """In JupyterLab every widget has the module for itself, so that a count in it begins again."""
    page, _ = living(make)
    page.evaluate(
        """async () => {
            const stored = JSON.parse(document.getElementById("ol-models").textContent);
            const [{ js, state }] = Object.values(stored);
            const model = { get: (name) => state[name], set() {}, on() {}, off() {}, save_changes() {} };
            for (const copy of ["one", "two"]) {
                const { default: widget } = await import(`${new URL(js, document.baseURI)}?${copy}`);
                const el = document.createElement("div");
                el.className = "copy";
                document.body.append(el);
                await widget.render({ model, el });
            }
        }"""
    )
    settle(page)
    assert page.locator(".copy .ol").count() == 2
    found = page.evaluate(
        """() => {
            const ids = [...document.querySelectorAll(".ol [id]")].map(({ id }) => id);
            const twice = ids.filter((id, i) => ids.indexOf(id) !== i);
            const strangers = [...document.querySelectorAll(".ol label")].filter(
                (label) => label.control && !label.closest(".ol").contains(label.control));
            const clips = [...document.querySelectorAll(".ol [clip-path]")].filter(
                (one) => !one.closest(".ol").querySelector(one.getAttribute("clip-path").slice(4, -1)));
            return [twice.length, strangers.length, clips.length];
        }"""
    )
    assert found == [0, 0, 0]
