"""Every widget and a kernel: what Python sets is drawn, and what the reader sets is saved."""

from __future__ import annotations

import time

import pytest
from playwright.sync_api import Page
from test_every_widget import FULL
from test_widgets_in_page import hold, settle

from optimlab import widgets
from optimlab.widgets import Descent
from optimlab.widgets._base import Widget

MAKE = {name: FULL.get(name, getattr(widgets, name)) for name in widgets.__all__} | {
    "Descent": lambda: Descent("gradient_descent", "adam", "nesterov", on=["ravine", "double_well"])
}


def second(widget: Widget, name: str) -> str:
    """Return the second of what a list can be filtered by."""
    return widget.spec["options"][name][1]


# Python goes through these one after the other: every name of a widget's state, with another value.
STATES = {
    "AdaptiveRates": {
        "stream": "shrinking like 1/t",
        "share": 40,
        "seed": 3,
        "dense_size": 0.5,
        "rare_size": 20.0,
        "lr": 0.1,
        "decay": 0.9,
        "step": 120,
        "shown": ["rmsprop", "adadelta"],
        "rule": "adam",
    },
    "BiasCorrection": {
        "beta1": 0.5,
        "beta2": 0.95,
        "stream": "noisy",
        "seed": 4,
        "steps": 10,
        "log": True,
    },
    "CheckedClaims": {"query": "adam", "note": second, "chapter": second, "status": second},
    "CheckedNotes": {"query": "9", "note": second, "chapter": second, "origin": second, "verdict": second},
    "DecisionTree": {"path": ["no"]},
    "Descent": {
        "numbers": {"ravine": {"kappa": 20.0}},
        "starts": {"ravine": [0.5, 0.5], "double_well": [-1.0]},
        "shown": ["adam", "nesterov"],
        "tuned": "adam",
        "hyper": {"adam": {"lr": 0.3}},
        "noise": 0.5,
        "seed": 9,
        "step": 30,
        "arrows": "velocity",
        "landscape": "double_well",
    },
    "EWAExplorer": {
        "theta": [float(day) for day in range(1, 11)],
        "beta": 0.5,
        "start": 7.0,
        "corrected": True,
        "day": 4,
    },
    "FamilyTree": {"chosen": "adam"},
    "Lookahead": {"w": [0.5, -1.0], "jump": [-0.5, 0.5], "lr": 0.2, "drag": "jump"},
    "LossDoctor": {
        "case": 3,
        "diagnoses": {"3": "low"},
        "treated": False,
        "log": True,
        "examined": ["update"],
    },
    "MinibatchNoise": {
        "data": "one outlier",
        "batch_size": 32,
        "lr": 0.03,
        "epochs": 4,
        "replace": True,
        "seed": 8,
        "w": [1.5, -0.5],
    },
    "MomentumPhase": {
        "kappa": 50.0,
        "lr": 1.2,
        "beta": 0.4,
        "average": True,
        "nesterov": True,
        "mode": "flat",
        "log": False,
    },
    "Quiz": {"answer": "no"},
    "ScheduleComposer": {
        "slots": lambda widget, _: list(widget.spec["presets"].values())[1]["slots"],
        "slot": "C",
        "steps": 80,
        "step": 17,
        "log": True,
    },
    "Walkthrough": {
        "run": lambda widget, _: widget.spec["runs"][1]["name"],
        "hyper": lambda widget, _: {
            name: value / 2 for name, value in widget.spec["runs"][1]["hyper"].items()
        },
        "step": 2,
        "show_printed": True,
    },
    "WeightDecay": {
        "weight_decay": 0.1,
        "lr": 0.02,
        "beta2": 0.9,
        "scale": 3.0,
        "pull": 0.5,
        "draw": 7,
        "step": 100,
    },
}

LOOKS = """(id) => {
    const root = document.getElementById(id);
    const controls = [...root.querySelectorAll("input, select")];
    const states = controls.map((one) => [one.value, one.checked, one.disabled]);
    const seen = root.cloneNode(true);
    for (const one of seen.querySelectorAll("[hidden]")) one.remove();
    // Every widget numbers its own ids, and a class that was taken away leaves its attribute.
    const html = seen.innerHTML.replaceAll(/ol-[a-z]+-\\w+-\\d+/g, "id").replaceAll(' class=""', "");
    return JSON.stringify(states) + html;
}"""

# Every control once in a row, the first row backward, and three rows: some appear only with others.
USED = """async (names) => {
    const root = document.getElementById("held");
    const touched = new Set();
    const some = (state) => Object.fromEntries(names.map((name) => [name, state[name]]));
    const copy = (state) => JSON.parse(JSON.stringify(some(state)));
    let before = copy(first.state);
    const usable = "input, select, button:not(.ol-play):not(.ol-copy > button)";
    const controls = () => [...root.querySelectorAll(usable)];
    for (let row = 0; row < 3; row++) {
        const count = controls().length;
        for (let i = 0; i < count; i++) {
            const one = controls()[row ? i : count - 1 - i];
            if (!one || one.disabled || !one.checkVisibility()) continue;
            if (one.tagName === "BUTTON" || ["checkbox", "radio"].includes(one.type)) one.click();
            else if (one.tagName === "SELECT") {
                one.selectedIndex = (one.selectedIndex + 1) % one.options.length;
                one.dispatchEvent(new Event("change", { bubbles: true }));
            } else {
                if (one.type === "range") one.value = Number(one.value) + (one.value === one.max ? -1 : 1);
                else one.value = "rate";
                one.dispatchEvent(new Event("input", { bubbles: true }));
            }
            await new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)));
            const saved = window.saved ? copy(window.saved) : before;
            for (const name of names) {
                if (JSON.stringify(saved[name]) !== JSON.stringify(before[name])) touched.add(name);
            }
            before = saved;
        }
    }
    return [[...touched], before];
}"""


def state_of(widget: Widget) -> dict:
    """Return what of a widget can change."""
    traits = widget.traits(sync=True)
    fixed = {*Widget.class_traits(sync=True), *(name for name, trait in traits.items() if trait.read_only)}
    return widget.get_state([name for name in traits if name not in fixed and name[0] != "_"])


def looks(page: Page, name: str = "held") -> str:
    """Return how a held widget looks: what it consists of, and where its controls stand."""
    settle(page)
    return page.evaluate(LOOKS, name)


@pytest.mark.parametrize("name", widgets.__all__)
def test_what_python_sets_is_drawn_and_what_the_reader_sets_is_saved(living, name):
    page, _ = living(MAKE[name])
    hold(page)
    python = MAKE[name]()
    assert set(STATES[name]) == set(state_of(python))
    before = looks(page)
    for key, value in STATES[name].items():
        setattr(python, key, value(python, key) if callable(value) else value)
        page.evaluate("([key, value]) => model.set(key, value)", [key, state_of(python)[key]])
        after = looks(page)
        assert after != before, f"{key} changes nothing"
        before = after
    page.evaluate("window.first = model")
    hold(page, "fresh", **state_of(python))
    end = time.monotonic() + 10  # a map is drawn finely once nothing has moved for a moment
    while looks(page) != looks(page, "fresh") and time.monotonic() < end:
        page.wait_for_timeout(50)
    assert looks(page) == looks(page, "fresh")
    page.evaluate("document.getElementById('fresh').remove()")

    touched, saved = page.evaluate(USED, list(STATES[name]))
    assert set(touched) == set(STATES[name])
    python.set_state(saved)
    assert state_of(python) == saved
