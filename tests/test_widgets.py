"""The Python side of the widgets: state, refusals, and the facts as text and HTML."""

from __future__ import annotations

import json
from xml.etree import ElementTree

import numpy as np
import pytest
import traitlets

from optimlab import walkthroughs
from optimlab.averages import ewa, ewa_corrected
from optimlab.formula import FormulaError
from optimlab.rule import Rule
from optimlab.rules import adam
from optimlab.schedules import cosine, step
from optimlab.walkthroughs import WalkthroughError
from optimlab.widgets import (
    BiasCorrection,
    CheckedNotes,
    Descent,
    EWAExplorer,
    MinibatchNoise,
    MomentumPhase,
    Quiz,
    Walkthrough,
)
from optimlab.widgets._base import BETAS, stops

TEMPERATURES = "ewa-temperature-beta-0.9"
UNEVEN = "minibatch2-momentum"  # one of its runs has two steps, the others four


def bundle(widget) -> dict:
    """Return what a notebook shows of a widget, by MIME type."""
    return widget._repr_mimebundle_()[0]


@pytest.fixture(params=["example", "rule", "explorer", "quiz", "notes"])
def widget(request):
    return {
        "example": lambda: Walkthrough(TEMPERATURES),
        "rule": lambda: Walkthrough(adam, w=1.0, g=[0.1, -0.2, 3.0], lr=0.1),
        "explorer": EWAExplorer,
        "quiz": lambda: Quiz("Why?", right=("yes", "so"), wrong=[("no", "not so")]),
        "notes": CheckedNotes,
    }[request.param]()


def test_a_widget_shows_itself_live_as_text_and_as_html(widget):
    shown = bundle(widget)
    assert shown["text/plain"] == repr(widget)
    assert shown["application/vnd.jupyter.widget-view+json"]["model_id"] == widget.model_id
    # Well-formed: every tag is closed, every text escaped.
    ElementTree.fromstring(f"<div>{shown['text/html']}</div>".replace("&nbsp;", " "))


def test_the_state_of_a_widget_is_strict_json(widget):
    state = {name: value for name, value in widget.get_state().items() if widget.trait_metadata(name, "sync")}
    state = {name: value for name, value in state.items() if name == "_esm" or not name.startswith("_")}
    del state["layout"]
    assert json.loads(json.dumps(state, allow_nan=False)) == state


@pytest.mark.parametrize("identity", sorted(walkthroughs.load()))
def test_every_worked_example_has_a_widget(identity):
    shown = bundle(Walkthrough(identity))
    for value in walkthroughs.get(identity).values:
        assert value.printed in shown["text/plain"]
    json.dumps(Walkthrough(identity).spec, allow_nan=False)


def test_the_text_of_a_worked_example_is_not_cut():
    text = repr(Walkthrough(TEMPERATURES))
    assert "12.8638" in text
    assert "…" not in text


def test_the_table_follows_the_hyper_parameters():
    widget = Walkthrough(TEMPERATURES)
    widget.hyper = {"beta": 0.5}
    v = 0.0
    for theta in [18, 23, 19, 20, 17, 21, 19, 18, 22, 20]:
        v = 0.5 * v + 0.5 * theta
    assert widget.table["v"][-1] == pytest.approx(v, rel=1e-12)


def test_where_data_gives_the_gradients_they_follow_the_weight():
    widget = Walkthrough("minibatch2-sgd")
    x, y = np.array([2.0, 1.0, 3.0, 0.5]), np.array([10.0, 5.0, 15.0, 2.5])
    for lr in (0.1, 0.03):
        widget.hyper = {"lr": lr}
        w, weights = widget.table["w"][0], []
        for batch in (slice(0, 2), slice(2, 4)):
            w -= lr * np.mean(2 * (w * x[batch] - y[batch]) * x[batch])
            weights.append(w)
        np.testing.assert_allclose(widget.table["w"][1:3], weights, rtol=1e-12)
    assert "taken where the run stands" in widget.spec["source"]


def test_runs_side_by_side_share_what_they_began_with():
    widget = Walkthrough("momentum-nesterov-vs-standard")
    before = widget.beside
    widget.hyper = {**widget.hyper, "lr": 0.2}
    assert all(widget.beside[name][-1] != column[-1] for name, column in before.items())
    alone = Walkthrough("momentum-nesterov-vs-standard")
    alone.run, alone.hyper = "nesterov", {**alone.hyper, "lr": 0.2}
    np.testing.assert_allclose(widget.beside["nesterov"], alone.table["w"])


def test_a_schedule_has_a_widget_and_its_counts_are_whole_numbers():
    widget = Walkthrough(cosine, steps=40, lr=0.2)
    np.testing.assert_allclose(widget.table["rate"][1:], cosine.using(lr=0.2, steps=40)(np.arange(1, 41)))
    widget.hyper = {**widget.hyper, "length": 20.0}
    assert widget.table["rate"][20] == cosine.using(lr=0.2, steps=20)(20)
    assert all(stop == int(stop) >= 1 for stop in widget.spec["runs"][0]["sliders"]["length"]["values"])
    with pytest.raises(FormulaError, match="say how many steps"):
        Walkthrough(step)


def test_a_rule_of_ones_own_has_a_widget():
    widget = Walkthrough(ewa_corrected, theta=[4.0, 8.0], beta=0.5)
    np.testing.assert_allclose(widget.table["v_hat"][1:], [4.0, (4 * 0.25 + 8 * 0.5) / 0.75])
    assert "v_hat" in repr(widget)


def test_several_runs_are_all_there_and_can_be_chosen():
    widget = Walkthrough("ewa-beta-comparison-table")
    names = [run["name"] for run in widget.spec["runs"]]
    assert len(names) >= 3
    assert len({run["label"] for run in widget.spec["runs"]}) == len(names)
    tables = []
    for name, run in zip(names, widget.spec["runs"], strict=True):
        widget.hyper = run["hyper"]
        widget.run = name
        tables.append(widget.table)
    assert len({table["v"][-1] for table in tables}) == len(names)


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: Walkthrough("ewa-temperature-beta-09"), WalkthroughError, [TEMPERATURES]),
        (lambda: Walkthrough(TEMPERATURES, beta=0.5), TypeError, ["beta", "fixed", "hyper"]),
        (lambda: Walkthrough(ewa), FormulaError, ["theta", "list of numbers"]),
        (lambda: Walkthrough(ewa, theta=[[1, 2]]), FormulaError, ["theta", "list of numbers"]),
        (lambda: Walkthrough(ewa, theta=[1], betta=0.5), FormulaError, ["betta", "beta"]),
        (lambda: Walkthrough(ewa, theta=[1], beta=[0.5, 0.9]), FormulaError, ["beta", "one number"]),
        (lambda: Walkthrough(3), TypeError, ["got 3", "worked example", "rule"]),
        (lambda: Walkthrough(adam, w=0.5, g=[float("nan"), 1]), FormulaError, ["g as", "finite", "nan"]),
        (lambda: Walkthrough(adam, w=0.5, g=["1"]), FormulaError, ["g as", "list of numbers", "['1']"]),
        (lambda: Walkthrough(adam, w=0.5, g=[[1], [1, 2]]), FormulaError, ["g as", "list of numbers"]),
        (lambda: Walkthrough(adam, w=0.5, g=[]), FormulaError, ["g as", "at least one", "[]"]),
        (lambda: Walkthrough(adam, w=float("inf"), g=[1.0]), FormulaError, ["w as one number", "inf"]),
        (lambda: Walkthrough(adam, w=0.5, g=[1.0], lr="0.1"), FormulaError, ["lr as one number", "'0.1'"]),
        (lambda: Walkthrough(adam, w=0.5, g=[1.0], lr=-1), FormulaError, ["lr=-1", "at least 0"]),
        (lambda: Walkthrough(adam, w=0.5, g=[1.0], beta1=1.5), FormulaError, ["beta1=1.5", "less than 1"]),
        (lambda: EWAExplorer(beat=0.5), TypeError, ["EWAExplorer", "'beat'", "mean 'beta'", "day, "]),
        (lambda: BiasCorrection(beta=0.5), TypeError, ["'beta'", "did you mean", "beta1, beta2"]),
        (lambda: MinibatchNoise(batch="x"), TypeError, ["MinibatchNoise", "'batch'"]),
        (lambda: Descent(star=[1.0, 1.0]), TypeError, ["'star'", "mean 'start'", "landscape"]),
        (lambda: CheckedNotes(nota="x"), TypeError, ["'nota'", "'note'"]),
        (lambda: EWAExplorer(beta=1.0), traitlets.TraitError, ["1.0", "beta < 1"]),
        (lambda: EWAExplorer(theta=[1, 2]), traitlets.TraitError, ["10 temperatures from 0 to 30"]),
        (
            lambda: EWAExplorer(theta=[float("nan")] * 10),
            traitlets.TraitError,
            ["10 temperatures from 0 to 30"],
        ),
        (
            lambda: EWAExplorer(theta=[20] * 9 + [31]),
            traitlets.TraitError,
            ["31", "0 to 30"],
        ),
        (lambda: EWAExplorer(start=-1), traitlets.TraitError, ["start=-1", "0 to 30"]),
        (lambda: EWAExplorer(day=0), traitlets.TraitError, ["day=0", "1 to 10"]),
        (lambda: CheckedNotes(verdict="rong"), traitlets.TraitError, ["'rong'", "'wrong'", "unchecked"]),
        (lambda: CheckedNotes().totals("kind"), ValueError, ["'kind'", "'chapter'"]),
        (lambda: Quiz("?", right=("a", "b"), wrong=[]), ValueError, ["at least one"]),
        (lambda: Quiz("?", right=("a", "b"), wrong=[("a", "c")]), ValueError, ["'a'", "twice"]),
        (lambda: Quiz("?", right=("a", ""), wrong=[("b", "c")]), ValueError, ["(answer, why)"]),
        (lambda: Quiz(3, right=("a", "b"), wrong=[("c", "d")]), ValueError, ["question=3", "text"]),
        (lambda: Quiz("?", right=("a", "b"), wrong=3), ValueError, ["wrong=3", "list of"]),
        (lambda: Quiz("?", right=3, wrong=[("c", "d")]), ValueError, ["answer 3", "(answer, why)"]),
        (lambda: Quiz("?", right="ab", wrong=[("b", "c")]), ValueError, ["(answer, why)"]),
    ],
)
def test_bad_input_is_refused_by_name_with_what_is_expected(make, error, words):
    with pytest.raises(error) as caught:
        make()
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("step", 11, ["0 to 10"]),
        ("run", "x", ["known are"]),
        ("hyper", {"bta": 0.1}, ["'beta'"]),
        ("hyper", {"beta": 1.5}, ["beta=1.5", "less than 1"]),
        ("hyper", {"beta": float("nan")}, ["beta=nan", "finite"]),
        ("hyper", {"beta": "0.5"}, ["beta='0.5'", "finite"]),
    ],
)
def test_state_that_does_not_fit_is_refused_and_nothing_changes(name, value, words):
    widget = Walkthrough(TEMPERATURES)
    before = getattr(widget, name)
    with pytest.raises(traitlets.TraitError) as caught:
        setattr(widget, name, value)
    assert all(word in str(caught.value) for word in words)
    assert getattr(widget, name) == before


def test_a_name_that_ipywidgets_has_too_is_listed_where_the_widget_defines_it():
    with pytest.raises(TypeError, match=r"it has average, beta, kappa, log, lr, mode, nesterov$"):
        MomentumPhase(logs=True)
    with pytest.raises(TypeError, match=r"it has chapter, note, origin, query, verdict$"):
        CheckedNotes(link=False)


def test_what_ipywidgets_itself_passes_is_taken():
    explorer = EWAExplorer(day=3, layout={"width": "10rem"}, model_id="abc")
    assert (explorer.day, explorer.layout.width, explorer.model_id) == (3, "10rem", "abc")


def test_a_number_that_a_rule_of_ones_own_began_with_may_stay_outside_the_usual_range():
    @Rule
    def shifted(w, g, *, lr=0.1, shift=-1.0):
        w = w - lr * (g + shift)
        return w

    widget = Walkthrough(shifted, w=0.0, g=[1.0, 2.0])
    widget.hyper = {"lr": 0.2, "shift": -2.0}
    np.testing.assert_allclose(widget.table["w"], [0.0, 0.2, 0.2])
    with pytest.raises(traitlets.TraitError, match=r"lr=-0\.2"):
        widget.hyper = {"lr": -0.2, "shift": -2.0}


def test_a_shorter_run_takes_the_step_to_its_own_end():
    widget = Walkthrough(UNEVEN)
    runs = sorted(widget.spec["runs"], key=lambda run: run["steps"])
    widget.run = runs[-1]["name"]
    widget.step = runs[-1]["steps"]
    widget.run = runs[0]["name"]
    assert widget.step == runs[0]["steps"] < runs[-1]["steps"]
    with pytest.raises(traitlets.TraitError, match="0 to"):
        widget.step += 1


def test_the_explorer_computes_what_it_shows():
    explorer = EWAExplorer(beta=0.98, day=7)
    v = 0.0
    for theta in explorer.theta:
        v = 0.98 * v + 0.02 * theta
    assert explorer.raw[10] == pytest.approx(v, rel=1e-12)
    assert explorer.weights.sum() == pytest.approx(1 - 0.98**7)
    explorer.corrected = True
    assert explorer.weights.sum() == pytest.approx(1)
    assert explorer.averages[1] == pytest.approx(18)
    assert [row[0] for row in explorer.table] == [str(day) for day in range(1, 11)]


def test_the_order_of_answers_does_not_tell_which_is_right():
    places = set()
    for i in range(40):
        quiz = Quiz(f"Question {i}?", right=("a", "x"), wrong=[("b", "x"), ("c", "x"), ("d", "x")])
        places.add([option["right"] for option in quiz.spec["options"]].index(True))
    assert places == {0, 1, 2, 3}


def test_a_quiz_knows_whether_the_answer_is_right():
    quiz = Quiz("2 + 2?", right=("4", "count"), wrong=[("5", "no")])
    assert not quiz.correct
    quiz.answer = "5"
    assert not quiz.correct
    quiz.answer = "4"
    assert quiz.correct


@pytest.mark.parametrize("value", [0.9, 0.95, 0.98, 0.99, 0.999, 0.5, 0.87])
@pytest.mark.parametrize("name", ["beta", "beta2", "momentum", "rho"])
def test_a_slider_for_a_share_stops_at_round_values_below_one_and_at_the_given_one(name, value):
    found = stops(name, value)
    assert max(found) < 1
    assert value in found
    assert found == sorted(set(found))
    assert {0.0, 0.5, 0.9, 0.98, 0.99, 0.999} <= set(found)
    assert set(BETAS) <= set(found)


@pytest.mark.parametrize("value", [0.001, 0.1, 1e-8, 3.7, 250.0, -2.0])
def test_a_slider_spreads_around_its_value(value):
    found = stops("lr", value)
    assert value in found
    assert min(map(abs, found)) <= abs(value) / 50
    assert max(map(abs, found)) >= abs(value) * 50
    assert all(x * value > 0 for x in found)


def test_the_notes_are_counted_once_and_found_by_words_and_choices():
    notes = CheckedNotes()
    values = [value for example in walkthroughs.load().values() for value in example.values]
    for by in ("note", "chapter"):
        *groups, everything = notes.totals(by)
        assert everything == ["all", *np.sum([row[1:] for row in groups], axis=0)]
        assert everything[1] == len(values) == sum(everything[2:])
    notes.verdict, notes.query = "wrong", "day 6 9.40701 TEMPERATURE-beta-0.9"
    assert {value.walkthrough for value in notes.selected} == {TEMPERATURES}
    assert ("table day 6", "v") in {(value.row, value.name) for value in notes.selected}
    assert all(value.verdict == "wrong" for value in notes.selected)
