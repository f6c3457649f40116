"""The decision tree: what it refuses, its facts as nested lists, and its questions in a real browser."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator
from xml.etree import ElementTree

import pytest
import traitlets
from conftest import THEMES
from playwright.sync_api import Locator, expect
from test_widgets_in_page import hold, settle

from optimlab.widgets import DecisionTree

WINDY = ("Is it windy?", {"a little": "Take the umbrella.", "yes": "Take the <coat> & a hat."})
TREE = (
    "Does it rain?",
    {"no": ("Will it rain?", {"no": "Leave it.", "perhaps": WINDY, "yes": WINDY}), "yes": WINDY},
)


def umbrella(**state) -> DecisionTree:
    return DecisionTree("The umbrella", TREE, **state)


def grown(seed: int) -> tuple[str, dict]:
    """Return a tree made by chance, six questions deep at most; no two questions are the same."""
    chance = random.Random(seed)
    count = 0

    def grow(depth: int):
        nonlocal count
        count += 1
        if depth and (depth == 6 or chance.random() < 0.3):
            return f"Advice {count}."
        return (
            f"Question {count}?",
            {f"answer {'abcd'[i]}": grow(depth + 1) for i in range(chance.randint(2, 4))},
        )

    return grow(0)


def ways(node, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str | None, str | None]]:
    """Yield every path through a tree, with the question or the advice to which it leads."""
    if isinstance(node, str):
        yield path, None, node
        return
    yield path, node[0], None
    for answer, follows in node[1].items():
        yield from ways(follows, (*path, answer))


@pytest.mark.parametrize("seed", range(5))
def test_every_way_through_a_tree_leads_where_it_says(seed):
    given = grown(seed)
    widget = DecisionTree("Grown", given)
    count = 0
    for path, question, advice in ways(given):
        widget.path = list(path)
        assert (widget.question, widget.advice) == (question, advice)
        count += 1
    assert count > 2


def test_a_path_can_be_given_at_the_beginning():
    assert umbrella(path=["no", "no"]).advice == "Leave it."
    assert umbrella(path=("no",)).question == "Will it rain?"
    assert umbrella().path == []


@pytest.mark.parametrize("given", [TREE, *map(grown, range(5))])
def test_text_and_html_hold_the_whole_tree(given):
    widget = DecisionTree("What < to & do", given)

    def from_html(question: str, answers: ElementTree.Element):
        found = {}
        for item in answers:
            answer, *below = item
            says = answer.tail.removeprefix(": ")
            found[answer.text] = from_html(says, below[0]) if below else says
        return question, found

    title, question, answers = ElementTree.fromstring(f"<div>{widget.html()}</div>")
    assert "".join(title.itertext()) == "What < to & do"
    assert from_html(question.text, answers) == given

    lines = widget.text().splitlines()
    assert lines[:3] == ["What < to & do", "", given[0]]
    told = [re.fullmatch(r"( *)- (.*?): (.*)", line).groups() for line in lines[3:]]
    expected = [
        (2 * (len(path) - 1) * " ", path[-1], question or advice)
        for path, question, advice in ways(given)
        if path
    ]
    assert told == expected


def test_it_shows_itself_live_as_text_and_as_html():
    widget = umbrella()
    shown = widget._repr_mimebundle_()[0]
    assert shown["text/plain"] == repr(widget) == widget.text()
    assert shown["text/html"] == widget.html()
    assert shown["application/vnd.jupyter.widget-view+json"]["model_id"] == widget.model_id


def test_what_the_page_gets_is_strict_json():
    spec = umbrella().spec
    assert json.loads(json.dumps(spec, allow_nan=False)) == spec


def test_a_question_may_stand_on_several_ways_but_only_once_on_each():
    assert umbrella(path=["yes"]).question == umbrella(path=["no", "yes"]).question
    with pytest.raises(ValueError, match=r"'Does it rain\?' is asked again after the answers 'no'"):
        DecisionTree("t", ("Does it rain?", {"no": ("Does it rain?", {"a": "b", "c": "d"}), "yes": "x"}))
    endless: dict = {"yes": "x"}
    endless["no"] = ("Does it rain?", endless)
    with pytest.raises(ValueError, match="asked again"):
        DecisionTree("t", ("Does it rain?", endless))


def tree_of(follows) -> DecisionTree:
    return DecisionTree("t", ("Why?", {"so": follows, "not so": "Advice."}))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: DecisionTree("", TREE), ["title=''", "not blank"]),
        (lambda: DecisionTree(3, TREE), ["title=3", "text"]),
        (lambda: DecisionTree("t", "Advice."), ["got 'Advice.'", "(question, {answer: what follows})"]),
        (lambda: DecisionTree("t", {"Why?": {}}), ["got {'Why?': {}}", "(question, {answer"]),
        (lambda: DecisionTree("t", ("Why?",)), ["got ('Why?',)", "(question, {answer"]),
        (lambda: DecisionTree("t", (3, {"a": "b", "c": "d"})), ["question 3", "text"]),
        (lambda: DecisionTree("t", (" ", {"a": "b", "c": "d"})), ["question ' '", "not blank"]),
        (lambda: DecisionTree("t", ("Why?", ["a", "b"])), ["['a', 'b']", "'Why?'", "{answer"]),
        (lambda: DecisionTree("t", ("Why?", {})), ["[]", "'Why?'", "at least two"]),
        (lambda: DecisionTree("t", ("Why?", {"so": "x"})), ["['so']", "'Why?'", "at least two"]),
        (lambda: DecisionTree("t", ("Why?", {"so": "x", "": "y"})), ["answer ''", "'Why?'", "not blank"]),
        (lambda: DecisionTree("t", ("Why?", {"so": "x", 3: "y"})), ["answer 3", "'Why?'", "text"]),
        (lambda: DecisionTree("t", ("Why?", {"so": "x", " So ": "y"})), ["'so'", "' So '", "read the same"]),
        (lambda: tree_of(3), ["got 3 after the answers 'so'", "advice as text", "(question, {answer"]),
        (lambda: tree_of(None), ["got None after the answers 'so'"]),
        (lambda: tree_of("  "), ["advice '  ' after the answers 'so'", "not blank"]),
        (lambda: tree_of({"How?": {}}), ["got {'How?': {}} after the answers 'so'"]),
        (
            lambda: tree_of(("How?", "then?", "what?")),
            ["got ('How?', 'then?', 'what?') after the answers 'so'"],
        ),
        (
            lambda: tree_of(("How?", {"x": ("When?", {"y": 7, "z": "w"}), "v": "u"})),
            ["'so', 'x', 'y'", "got 7"],
        ),
    ],
)
def test_what_is_no_tree_is_refused_by_the_place_where_it_is_none(make, words):
    with pytest.raises(ValueError, match=r"got|read the same") as caught:
        make()
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize(
    ("path", "words"),
    [
        (["yse"], ["'yse'", "'Does it rain?'", "did you mean 'yes'", "one of 'no', 'yes'"]),
        (["no", "parhaps"], ["'parhaps'", "'Will it rain?'", "did you mean 'perhaps'"]),
        (["no", "no", "yes"], ["'yes'", "after 'no'", "no more answers"]),
        ([3], ["path", "unicode", "3"]),
        (7, ["path", "list", "7"]),
    ],
)
def test_an_answer_that_there_is_not_is_refused_and_nothing_changes(path, words):
    widget = umbrella(path=["yes"])
    with pytest.raises(traitlets.TraitError) as caught:
        widget.path = path
    for word in words:
        assert word in str(caught.value)
    assert widget.path == ["yes"]
    with pytest.raises(traitlets.TraitError):
        umbrella(path=path)


def test_an_unknown_argument_is_refused_with_the_nearest():
    with pytest.raises(TypeError, match="did you mean 'path'"):
        umbrella(pat=["yes"])


# In the browser.


def check(widget: Locator, python: DecisionTree) -> None:
    """Compare the questions, the chosen answers and the advice on the page with Python's."""
    node, asked = python.spec["tree"], []
    for answer in [*python.path, None]:
        if isinstance(node, str):
            break
        asked.append([node["question"], [[one["text"], one["text"] == answer] for one in node["answers"]]])
        node = next((one["next"] for one in node["answers"] if one["text"] == answer), None)
    shown = widget.locator("fieldset").evaluate_all(
        """(all) => all.map((one) => [one.querySelector("legend").textContent,
            [...one.querySelectorAll("input")].map((one) => [one.labels[0].textContent, one.checked])])"""
    )
    assert shown == asked
    status = widget.get_by_role("status")
    if python.advice:
        expect(status.locator(".ol-tree-advice")).to_have_text(f"Advice{python.advice}")
    else:
        expect(status).to_have_text(f"Next question: {python.question}" if python.path else "")
    assert widget.get_by_role("button", name="Start again").is_visible() == bool(python.path)


def answer(widget: Locator, question: str, text: str) -> Locator:
    return widget.get_by_role("group", name=question, exact=True).get_by_role("radio", name=text, exact=True)


@pytest.mark.parametrize("seed", range(3))
def test_after_fifty_random_actions_the_page_still_equals_python(living, seed):
    given, chance = grown(seed), random.Random(seed)
    page, widget = living(lambda: DecisionTree("Grown", given))
    python = DecisionTree("Grown", given)
    check(widget, python)
    for _ in range(50):
        if python.path and chance.random() < 0.15:
            widget.get_by_role("button", name="Start again").click()
            python.path = []
        else:
            turn = chance.randrange(len(python.path) + (python.advice is None))
            node = python._end_of(python.path[:turn])
            text = chance.choice([one["text"] for one in node["answers"]])
            widget.locator("fieldset").nth(turn).get_by_label(text, exact=True).click()
            if python.path[turn : turn + 1] != [text]:
                python.path = [*python.path[:turn], text]
        settle(page)
        check(widget, python)


def test_another_answer_to_an_earlier_question_drops_what_followed_and_keeps_what_stood(living):
    page, widget = living(umbrella)
    for question, text in (("Does it rain?", "no"), ("Will it rain?", "perhaps"), ("Is it windy?", "yes")):
        answer(widget, question, text).check()
    check(widget, umbrella(path=["no", "perhaps", "yes"]))
    first = widget.locator("fieldset").first.element_handle()
    answer(widget, "Will it rain?", "no").check()
    expect(answer(widget, "Will it rain?", "no")).to_be_focused()
    check(widget, umbrella(path=["no", "no"]))
    assert first.evaluate("(one) => one.isConnected")
    # The same question on another way is asked anew.
    answer(widget, "Will it rain?", "perhaps").check()
    answer(widget, "Is it windy?", "yes").check()
    answer(widget, "Will it rain?", "yes").check()
    check(widget, umbrella(path=["no", "yes"]))
    # The answer that is chosen already, chosen again, changes nothing.
    answer(widget, "Is it windy?", "yes").check()
    answer(widget, "Does it rain?", "no").click()
    check(widget, umbrella(path=["no", "yes", "yes"]))
    settle(page)


def test_by_keyboard_alone_a_reader_gets_to_the_advice_and_back(living):
    page, widget = living(umbrella)
    page.keyboard.press("Tab")
    expect(answer(widget, "Does it rain?", "no")).to_be_focused()
    page.keyboard.press("Space")
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowDown")
    check(widget, umbrella(path=["no", "perhaps"]))
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    check(widget, umbrella(path=["no", "yes", "a little"]))
    page.keyboard.press("Tab")
    expect(widget.get_by_role("button", name="Start again")).to_be_focused()
    page.keyboard.press("Enter")
    check(widget, umbrella())
    expect(answer(widget, "Does it rain?", "no")).to_be_focused()


def test_answers_can_be_tapped_and_are_large_enough_for_a_finger(living):
    _, widget = living(umbrella, width=320, touch=True)
    for text in ("no", "perhaps", "yes"):
        widget.locator("fieldset").last.get_by_text(text, exact=True).tap()
    check(widget, umbrella(path=["no", "perhaps", "yes"]))
    for label in widget.locator("fieldset label").all():
        box = label.bounding_box()
        assert min(box["width"], box["height"]) >= 32
    widget.get_by_role("button", name="Start again").tap()
    check(widget, umbrella())


def test_a_path_given_in_python_is_shown_at_once(living):
    _, widget = living(lambda: umbrella(path=["no", "yes"]))
    check(widget, umbrella(path=["no", "yes"]))


def test_what_the_kernel_sets_is_drawn_and_what_the_reader_chooses_is_told_to_it(living):
    page, widget = living(umbrella)
    answer(widget, "Does it rain?", "yes").check()
    hold(page)
    held = page.locator("#held .ol")
    check(held, umbrella())
    for path in (["no", "perhaps", "yes"], ["no", "perhaps"], ["yes", "yes"], []):
        page.evaluate("(path) => model.set('path', path)", path)
        check(held, umbrella(path=path))
    answer(held, "Does it rain?", "no").check()
    answer(held, "Will it rain?", "perhaps").check()
    assert page.evaluate("saved.path") == ["no", "perhaps"]
    # Two of them on one page do not take each other's choice away.
    check(widget, umbrella(path=["yes"]))
    page.evaluate("stop()")
    assert page.evaluate("Object.values(model.listeners).flat().length") == 0


@pytest.mark.parametrize("theme", THEMES)
def test_where_colors_are_forced_the_chosen_answer_and_the_advice_still_stand_out(living, theme):
    page, widget = living(lambda: umbrella(path=["no", "no"]), theme=theme, forced_colors="active")
    settle(page)
    border = "(label) => getComputedStyle(label).borderTopColor"
    chosen, other = (widget.locator("label").nth(i).evaluate(border) for i in (0, 1))
    assert chosen != other
    assert (
        widget.locator(".ol-tree-advice").evaluate("(box) => getComputedStyle(box).borderLeftWidth") == "6px"
    )


def test_long_words_do_not_widen_a_narrow_page(living):
    long = "derivative_" * 9
    given = (long, {long + "1": (long + "?", {long: long, "no": "x"}), "no": "x"})
    page, _ = living(lambda: DecisionTree(long, given, path=[long + "1", long]), width=320)
    settle(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 320


def test_as_much_room_is_kept_as_the_first_question_takes(living):
    for title, given in (("The umbrella", TREE), ("Grown", grown(1))):
        _, widget = living(lambda title=title, given=given: DecisionTree(title, given))
        kept = float(DecisionTree(title, given).min_height.removesuffix("rem")) * 16
        assert widget.bounding_box()["height"] == pytest.approx(kept, abs=8)
