"""The family tree: what is compared, what stands in it, and the tree in a real browser."""

from __future__ import annotations

import ast
import itertools
import random
import re
from functools import cache
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import torch
import traitlets
from conftest import WIDTHS
from playwright.sync_api import Locator, Page, expect

from optimlab import rules
from optimlab.formula import FormulaError
from optimlab.rule import Rule
from optimlab.widgets import FamilyTree
from optimlab.widgets._difference import difference, formula
from optimlab.widgets.family import BETWEEN, EDGES, MEMBERS, PAGES, _steps, state_per_weight

ROOT = Path(__file__).resolve().parents[1]
RULES = {value.name: value for value in vars(rules).values() if isinstance(value, Rule)}
STEPS = _steps()


# What is compared.


def kinds(before: str, after: str, **renamed: str) -> dict[str, str]:
    return {line.name: line.kind for line in difference(RULES[before], RULES[after], **renamed)}


def marked(math: str) -> list[str]:
    """Return the text of every marked expression."""
    tree = ElementTree.fromstring(math)
    return ["".join(node.itertext()) for node in tree.iter() if node.get("class") == "ol-changed"]


def test_rmsprop_changes_the_sum_of_adagrad_into_an_average_and_nothing_else():
    line, step = difference(rules.adagrad, rules.rmsprop)
    assert (line.name, line.kind, step.name, step.kind) == ("s", "changed", "w", "same")
    assert marked(line.before_math) == []
    assert marked(line.after_math) == ["ρ", "1−ρ"]


def test_adam_adds_three_lines_to_rmsprop_and_puts_hats_into_the_last():
    assert kinds("rmsprop", "adam", s="v", rho="beta2") == {
        "m": "added",
        "v": "same",
        "m_hat": "added",
        "v_hat": "added",
        "w": "changed",
    }
    *_, w = difference(rules.rmsprop, rules.adam, s="v", rho="beta2")
    assert marked(w.before_math) == ["gt", "vt"]
    assert marked(w.after_math) == ["m^t", "v^t"]


def test_adamw_takes_the_decay_out_of_the_gradient_and_adds_one_term_to_the_step():
    lines = {line.name: line for line in difference(rules.adam_l2, rules.adamw)}
    assert {name: line.kind for name, line in lines.items()} == {
        "g_l2": "removed",
        "m": "changed",
        "v": "changed",
        "m_hat": "same",
        "v_hat": "same",
        "w": "changed",
    }
    assert marked(lines["w"].before_math) == []
    assert marked(lines["w"].after_math) == ["η\u2062λ\u2062wt−1"]


def test_a_term_that_changes_its_sign_is_marked_whole():
    *_, w = difference(rules.momentum, rules.momentum_lr_inside)
    assert marked(w.before_math) == ["η\u2062vt"]
    assert marked(w.after_math) == ["vt"]


def test_factors_and_terms_may_change_places():
    @Rule
    def one(w, g, *, lr=0.1, k=2.0):
        w = w - lr * g * k + g
        return w

    @Rule
    def other(w, g, *, lr=0.1, k=2.0):
        w = g + w - k * g * lr
        return w

    (line,) = difference(one, other)
    assert marked(line.before_math) == marked(line.after_math) == []
    assert line.kind == "changed"  # it reads otherwise


def test_the_value_before_the_step_and_the_one_after_it_are_not_the_same():
    @Rule
    def early(w, g, v=0.0, *, lr=0.1):
        w = w - lr * v
        v = v + g
        return w, v

    @Rule
    def late(w, g, v=0.0, *, lr=0.1):
        v = v + g
        w = w - lr * v
        return w, v

    assert {line.name: line.kind for line in difference(early, late)} == {"v": "same", "w": "changed"}


def test_where_the_gradient_is_taken_is_a_line_of_its_own():
    first, *_ = difference(rules.nesterov, rules.nesterov_lookahead)
    assert (first.name, first.kind) == ("g", "added")
    assert "∇" in first.after_math


@pytest.mark.parametrize(("name", "renamed"), [("momentum", {"u": "m"}), ("adam", {"v": "m"})])
def test_a_translation_of_names_that_cannot_be_is_refused(name, renamed):
    with pytest.raises(FormulaError, match="has"):
        difference(RULES[name], rules.adamw, **renamed)


@pytest.mark.parametrize("name", RULES)
def test_a_rule_compared_with_itself_has_no_difference(name):
    lines = difference(RULES[name], RULES[name])
    assert {line.kind for line in lines} == {"same"}
    assert [line.after_math for line in lines] == formula(RULES[name])


@pytest.mark.parametrize("before", RULES)
def test_what_is_called_the_same_computes_the_same_and_what_is_marked_does_not(before):
    # Random numbers are put in for the names of every line; s is large enough for every root.
    draw = np.random.default_rng(0)
    functions = {"sqrt": np.sqrt, "abs": np.abs, "sign": np.sign, "maximum": np.maximum}
    functions["gradient"] = lambda x: x**3
    for after in RULES.values():
        both = RULES[before].formula, after.formula
        names = {name for one in both for name in (*one.positional, *one.keyword, *one.assigned)}
        values = {name: draw.uniform(0.2, 0.9) for name in sorted(names)} | {"s": 1.5}
        for line in difference(RULES[before], after):
            if line.kind in ("added", "removed"):
                assert (line.before is None) != (line.after is None)
                continue
            old, new = (eval(text, functions, values) for text in (line.before, line.after))
            if line.kind == "same":
                assert old == new
            elif marked(line.before_math) or marked(line.after_math):
                assert old != pytest.approx(new, rel=1e-9)


# What stands in the tree.


def test_every_rule_is_a_node_or_a_variant_of_one_and_only_once():
    found = [*MEMBERS, *(variant for member in MEMBERS.values() for variant in member.variants)]
    assert sorted(found) == sorted(RULES)


def test_everything_but_the_root_comes_from_something_that_is_not_younger():
    assert {after for _, after in EDGES} == set(MEMBERS) - {"gradient_descent"}
    for before, after in EDGES:
        assert MEMBERS[before].year <= MEMBERS[after].year


def test_the_rows_of_the_tree_follow_the_years():
    rows = sorted(MEMBERS.values(), key=lambda member: member.place[1])
    for earlier, later in itertools.pairwise(rows):
        assert earlier.place[1] == later.place[1] or earlier.year < later.year


@pytest.mark.parametrize("name", MEMBERS)
def test_the_year_is_that_of_the_rules_own_source(name):
    member = MEMBERS[name]
    years = {int(year) for year in re.findall(r"\((\d{4})\)", RULES[name].function.__doc__)}
    # The text of a rule may name the paper of another form, or none.
    if name == "nesterov":
        years |= {int(y) for y in re.findall(r"\((\d{4})\)", rules.nesterov_lookahead.function.__doc__)}
    if name == "amsgrad":
        years |= {int(y) for y in re.findall(r"\((\d{4})\)", rules.amsgrad_paper.function.__doc__)}
    if name == "adam_l2":
        years = {MEMBERS["adamw"].year}
    assert member.year in years
    assert str(member.year) in member.paper


def test_papers_that_the_bibliography_has_are_of_the_same_year():
    text = (ROOT / "references.bib").read_text()
    entries = dict(re.findall(r"^@\w+\{([^,]+),(.*?)^\}", text, flags=re.M | re.S))
    known = {member.paper: member.year for member in MEMBERS.values() if member.paper in entries}
    assert "kingma2015adam" in known
    for key, year in known.items():
        assert re.search(r"year\s*=\s*\{(\d+)\}", entries[key])[1] == str(year)


@pytest.mark.parametrize("name", [name for name, member in MEMBERS.items() if member.torch])
def test_pytorch_has_what_the_tree_says(name):
    path, _, options = MEMBERS[name].torch.partition("(")
    optimizer = getattr(torch.optim, path.removeprefix("torch.optim."))
    options = options.rstrip(")").replace("...", "0.5") or "lr=0.1"
    optimizer([torch.zeros(1, requires_grad=True)], **eval(f"dict({options})"))


def test_what_is_kept_for_every_weight_is_told_from_what_is_kept_once():
    assert state_per_weight(rules.nadam) == (["m", "v"], ["p"])
    assert state_per_weight(rules.gradient_descent) == ([], [])
    # Two weights with different gradients: what is kept once comes out the same for both.
    for rule in RULES.values():
        trace = rule.trace(w=np.array([1.0, 1.0]), g=[np.array([0.5, -2.0])] * 3)
        for names, differ in zip(state_per_weight(rule), (True, False), strict=True):
            assert all((np.ptp(trace[name][-1]) > 0) == differ for name in names)


@pytest.mark.parametrize("step", STEPS, ids=BETWEEN.join)
def test_no_other_translation_of_one_name_finds_less_to_change(step):
    def cost(renamed):
        lines = difference(RULES[step[0]], RULES[step[1]], **renamed)
        return sum(2 if line.kind in ("added", "removed") else line.kind == "changed" for line in lines)

    given = STEPS[step].renamed
    before, after = RULES[step[0]], RULES[step[1]]
    free = [n for n in (*before.state, *before.hyper) if n not in (*after.state, *after.hyper)]
    for old in free:
        for new in (*after.state, *after.hyper):
            try:
                tried = cost({key: value for key, value in given.items() if value != new} | {old: new})
            except FormulaError:
                continue
            assert tried >= cost(given)


# The widget in Python.


def test_the_text_names_every_edge_and_the_lines_that_it_changes():
    text = FamilyTree().text()
    for (before, after), edge in EDGES.items():
        assert (
            f"{MEMBERS[before].title} → {MEMBERS[after].title} ({MEMBERS[after].year}): {edge.added}" in text
        )
    part = text.split("AdaGrad → RMSprop")[1].split("\n\n")[0].splitlines()[1:]
    assert part == ["  - s = s + g ** 2", "  + s = rho * s + (1 - rho) * g ** 2"]


def test_the_html_is_a_table_of_the_same_edges_and_lines():
    widget = FamilyTree()
    table = ElementTree.fromstring(widget.html())
    assert table.find("caption").text
    rows = table.findall("tbody/tr")
    assert len(rows) == len(EDGES) == len(widget.table)
    for row in rows:
        for line in row.iter("code"):
            assert f"  {line.text}\n" in widget.text() + "\n"


def test_the_table_counts_the_lines():
    rows = {(row[0], row[1]): row[2:] for row in FamilyTree().table}
    assert rows["RMSprop", "Adam"] == ["2015", EDGES["rmsprop", "adam"].added, 3, 1, 0]


def test_what_is_chosen_can_be_a_rule_a_step_or_a_variant():
    widget = FamilyTree(chosen="adam")
    assert [line.kind for line in widget.lines] == ["same"] * 5
    widget.chosen = "adam > adam_eps_inside"
    assert [line.name for line in widget.lines if line.kind == "changed"] == ["w"]


@pytest.mark.parametrize("chosen", ["adem", "adam > momentum", ""])
def test_what_is_not_in_the_tree_cannot_be_chosen(chosen):
    widget = FamilyTree()
    with pytest.raises(traitlets.TraitError, match="expected the name of a rule"):
        widget.chosen = chosen
    assert widget.chosen == "rmsprop > adam"


def test_an_optimizer_has_the_page_that_teaches_it():
    chapters = Path(__file__).resolve().parents[1] / "chapters"
    for name, page in PAGES.items():
        assert name in MEMBERS
        text = (chapters / f"{page}.ipynb").read_text(encoding="utf-8")
        assert re.search(rf"\b{name}\b", text), (name, page)


# The widget in the browser.


def settle(page: Page) -> None:
    page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


def pressed(widget: Locator) -> list[str]:
    return widget.locator("[aria-pressed=true]").evaluate_all(
        "(all) => all.map((b) => b.ariaLabel ?? b.innerText)"
    )


def shown(widget: Locator) -> list[list[list]]:
    """Return the blocks of the panel: for every line its sign, its text, and what is marked in it."""
    return widget.locator(".ol-panel .ol-formula").evaluate_all(
        """(blocks) => blocks.map((block) => [...block.children].map((line) => [
            line.className.match(/ol-line-(\\w+)/)[1],
            line.querySelector('math').textContent,
            [...line.querySelectorAll('.ol-changed')].map((part) => part.textContent)]))"""
    )


def text_of(math: str) -> str:
    return "".join(ElementTree.fromstring(math).itertext())


@cache
def wanted(chosen: str) -> list[list[list]]:
    """Return the same as Python has it."""
    python = FamilyTree(chosen=chosen)
    if BETWEEN not in chosen:
        return [[["rule", text_of(line.after_math), []] for line in python.lines]]
    sides = [
        [(line.kind, line.before_math) for line in python.lines if line.before_math],
        [(line.kind, line.after_math) for line in python.lines if line.after_math],
    ]
    return [[[kind, text_of(math), marked(math)] for kind, math in side] for side in sides]


def check_picture(widget: Locator, chosen: str) -> None:
    """Compare the curves of the tree, and what is marked, with the edges that Python has."""
    found = widget.evaluate(
        """(widget) => {
            const drawing = widget.querySelector(".ol-family > svg");
            const [box, wide] = [drawing.getBoundingClientRect(), drawing.viewBox.baseVal];
            const middle = (one) => {
                const { left, right, top, bottom } = one.getBoundingClientRect();
                return [(left + right) / 2, (top + bottom) / 2];
            };
            const nodes = [...widget.querySelectorAll(".ol-node")].map((one) =>
                [one.firstChild.data, middle(one), one.classList.contains("ol-near-chosen")]);
            const edges = [...drawing.querySelectorAll("path")].map((path) => {
                const end = (at) => {
                    const { x, y } = path.getPointAtLength(at);
                    const [across, down] = [x / wide.width, y / wide.height];
                    return [box.left + across * box.width, box.top + down * box.height];
                };
                return [end(0), end(path.getTotalLength()), path.classList.contains("ol-chosen")];
            });
            return { nodes, edges };
        }"""
    )
    places = {title: place for title, place, _ in found["nodes"]}
    assert sorted(places) == sorted(member.title for member in MEMBERS.values())
    ends = chosen.split(BETWEEN)
    near = {MEMBERS[name].title for name in ends if name in MEMBERS}
    assert {title for title, _, marked in found["nodes"] if marked} == near

    def named(place: list[float]) -> str:
        (title,) = [title for title, at in places.items() if np.allclose(at, place, atol=2)]
        return title

    drawn = {(named(start), named(end)): marked for start, end, marked in found["edges"]}
    wanted = {tuple(MEMBERS[name].title for name in pair): list(pair) == ends for pair in EDGES}
    assert drawn == wanted


def test_it_opens_with_the_step_from_rmsprop_to_adam(living):
    _, widget = living(FamilyTree)
    check_picture(widget, "rmsprop > adam")
    expect(widget.get_by_role("status")).to_contain_text("RMSprop → Adam")
    assert shown(widget) == wanted("rmsprop > adam")


def test_every_node_and_every_edge_opens_what_python_has(living):
    page, widget = living(FamilyTree)
    for name, member in MEMBERS.items():
        widget.get_by_role("button", name=re.compile(rf"^{member.title}(\s*{member.year})?$")).first.click()
        settle(page)
        assert shown(widget) == wanted(name)
        check_picture(widget, name)
        panel = widget.locator(".ol-panel")
        expect(panel).to_contain_text(member.torch or "not there")
        expect(panel).to_contain_text(str(member.year))
        assert panel.locator("[data-opens]").count() == len(
            [pair for pair in STEPS if name in pair and (pair in EDGES or pair[0] == name)]
        )
    for (before, after), edge in EDGES.items():
        label = f"{MEMBERS[before].title} to {MEMBERS[after].title}: {edge.added}"
        widget.get_by_role("button", name=label, exact=True).click()
        settle(page)
        assert pressed(widget) == [label]
        assert shown(widget) == wanted(f"{before}{BETWEEN}{after}")
        check_picture(widget, f"{before}{BETWEEN}{after}")


def test_after_fifty_random_clicks_the_panel_still_equals_python(living):
    page, widget = living(FamilyTree)
    chance = random.Random(5)
    buttons = widget.locator("button")
    for i in range(50):
        pick = buttons.nth(chance.randrange(buttons.count()))
        opens = pick.get_attribute("data-opens")
        label = pick.get_attribute("aria-label")
        title = (pick.text_content() or "").rsplit(" ", 1)[0]
        pick.evaluate("(button) => button.click()")
        settle(page)
        if opens:
            chosen = opens
        elif label:
            chosen = next(
                BETWEEN.join(pair)
                for pair in EDGES
                if label.startswith(f"{MEMBERS[pair[0]].title} to {MEMBERS[pair[1]].title}: ")
            )
        else:
            chosen = next(name for name, member in MEMBERS.items() if member.title == title)
        assert shown(widget) == wanted(chosen)
        if i % 5 == 4:
            check_picture(widget, chosen)


def test_everything_is_reached_by_tab_and_opened_by_enter_and_shows_its_focus(living):
    page, widget = living(FamilyTree)
    reached = []
    widget.locator("button").first.focus()
    for _ in range(len(MEMBERS) + len(EDGES)):
        name = page.evaluate("document.activeElement.ariaLabel ?? document.activeElement.innerText")
        reached.append(name)
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
        page.keyboard.press("Enter")
        settle(page)
        assert pressed(widget) == [name]
        page.keyboard.press("Tab")
    assert len(set(reached)) == len(MEMBERS) + len(EDGES)


@pytest.mark.parametrize("width", WIDTHS)
def test_a_button_in_the_panel_hands_the_focus_to_the_panel_that_it_opens(living, width):
    page, widget = living(FamilyTree, width=width)
    widget.get_by_role("button", name=re.compile("^Adam 2015|^Adam$")).first.click()
    settle(page)
    button = widget.get_by_role("button", name="adam_eps_inside")
    button.focus()
    page.keyboard.press("Enter")
    settle(page)
    assert shown(widget) == wanted("adam > adam_eps_inside")
    assert page.evaluate("document.activeElement.className") == "ol-panel"


@pytest.mark.parametrize("width", [1280, 768, 720])
def test_nothing_of_the_tree_lies_over_anything_else(living, width):
    _, widget = living(FamilyTree, width=width)
    boxes = widget.locator(".ol-family :is(button, .ol-row)").evaluate_all(
        """(all) => all.map((one) => {
            const { left, right, top, bottom } = one.getBoundingClientRect();
            return [one.ariaLabel ?? one.innerText, left, right, top, bottom];
        })"""
    )
    assert len(boxes) == len(MEMBERS) + len(EDGES) + len({member.place[1] for member in MEMBERS.values()})
    slack = 1.5
    for (one, a, b, c, d), (other, e, f, g, h) in itertools.combinations(boxes, 2):
        apart = b <= e + slack or f <= a + slack or d <= g + slack or h <= c + slack
        assert apart, f"{one} lies over {other}"
    overflowing = widget.locator(".ol-node").evaluate_all(
        "(all) => all.filter((one) => one.scrollWidth > one.clientWidth + 1).map((one) => one.innerText)"
    )
    assert overflowing == []


def test_on_a_narrow_page_the_same_buttons_are_a_nested_list_and_the_panel_opens_among_them(living):
    page, widget = living(FamilyTree, width=320)
    assert not widget.locator(".ol-family > svg").is_visible()
    button = widget.get_by_role("button", name=re.compile("^SignSGD *2018$"))
    button.click()
    settle(page)
    assert button.evaluate("(button) => button.nextSibling.className") == "ol-panel"
    lefts = [
        widget.locator(".ol-node", has_text=title).first.bounding_box()["x"]
        for title in ("SGD", "AdaGrad", "RMSprop")
    ]
    assert lefts == sorted(set(lefts))


def test_it_is_redrawn_when_python_chooses(living):
    page, _ = living(FamilyTree)
    page.evaluate(
        """async () => {
            const { default: front } = await import(document.querySelector('#ol-models').textContent.match(
                /"js": *"([^"]+)"/)[1].replace(/^(?!\\.)/, './'));
            const state = Object.values(JSON.parse(document.querySelector('#ol-models').textContent))
                .find((model) => model.state.kind === 'family').state;
            const heard = {};
            window.chosen = (value) => { state.chosen = value; heard['change:chosen'](); };
            const el = document.createElement('div');
            el.id = 'second';
            document.body.append(el);
            front.render({ el, model: { get: (name) => state[name], set() {}, save_changes() {}, off() {},
                on: (name, listener) => (heard[name] = listener) } });
            window.chosen('qhm > qhadam');
        }"""
    )
    settle(page)
    assert shown(page.locator("#second")) == wanted("qhm > qhadam")


def test_python_sources_of_lines_can_be_read_back():
    for pair, edge in STEPS.items():
        for line in difference(RULES[pair[0]], RULES[pair[1]], **edge.renamed):
            for text in filter(None, (line.before, line.after)):
                ast.parse(text, mode="eval")
