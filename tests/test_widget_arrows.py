"""The arrows of the landscape widget: step, velocity and effective rate, each kind at one scale."""

from __future__ import annotations

import numpy as np
import pytest
import traitlets
from playwright.sync_api import Page
from test_widgets_in_page import settle

from optimlab import descent, landscapes, rules
from optimlab.widgets import Descent
from optimlab.widgets.descent import ARROWS, _velocity

VELOCITY = {"momentum": "v", "adam": "m", "rmsprop": None}
STEP = 7


def vectors(page: Page, window: np.ndarray) -> np.ndarray:
    """Return what each arrow reaches across and up, in units of the map."""
    found = page.locator(".ol-plane g:has(> .ol-head)").evaluate_all(
        """(groups) => groups.map(({ firstChild, lastChild }) => {
            const ends = (path) => path.getAttribute("d").slice(1).split(/[,L]/);
            const [from, to] = [ends(firstChild), ends(lastChild)];
            return [to[0] - from[0], from[1] - to[1]];
        })"""
    )
    frame = page.locator(".ol-plane .ol-frame").bounding_box()
    return np.array(found) / [frame["width"], frame["height"]] * (window[:, 1] - window[:, 0])


def expected(made: Descent, kind: str) -> list[np.ndarray]:
    """Return what arrows of one scale stand for, one array per scale."""
    gradient, step, rate = (np.array([row[i : i + 2] for row in made.now]) for i in (4, 6, 8))
    if kind == "step":
        return [-gradient, step]
    if kind == "rate":
        return [np.array([one for x, y in rate for one in ([x, 0], [0, y])])]
    found = []
    for (name, state), downhill in zip(VELOCITY.items(), -gradient, strict=True):
        found.append(downhill)
        if state:
            run = descent.run(
                getattr(rules, name),
                landscapes.ravine,
                start=made.start,
                steps=STEP,
                record=(state,),
                **made.hyper[name],
            )
            found.append(-run[state][STEP])
    return [np.array(found)]


@pytest.mark.parametrize("kind", ["step", "velocity", "rate"])
def test_arrows_point_as_they_should_and_have_their_lengths_at_one_scale(living, kind):
    made = Descent(*VELOCITY, on="ravine", start=(-2.0, 1.5), steps=20)
    made.step, made.arrows = STEP, kind
    page, widget = living(lambda: made)
    settle(page)
    assert widget.get_by_label("Arrows").input_value() == kind
    drawn, window = list(vectors(page, np.array(made._ground.window))), made._ground.window
    spans = np.array([b - a for a, b in window])
    for group in expected(made, kind):
        scale = 0.16 / max(np.linalg.norm(group / spans, axis=1))
        visible = group[np.linalg.norm(group / spans, axis=1) * scale > 0.004]  # shorter ones are not drawn
        assert len(visible) >= 3
        for right in visible:
            np.testing.assert_allclose(drawn.pop(0) / spans, right * scale / spans, rtol=5e-3, atol=1e-5)
    assert not drawn


def test_a_velocity_is_what_turns_around_with_the_gradients():
    for name in ("momentum", "momentum_average", "nesterov", "nesterov_lookahead"):
        assert _velocity(getattr(rules, name)) == "v"
    for name in ("adam", "adamax", "nadam", "amsgrad", "adamw"):
        assert _velocity(getattr(rules, name)) == "m"
    for name in ("gradient_descent", "adagrad", "adadelta", "rmsprop"):
        assert _velocity(getattr(rules, name)) is None


def test_arrows_that_there_are_not_are_refused():
    with pytest.raises(traitlets.TraitError, match=r"arrows='steps'.*'step'.*velocity"):
        Descent(arrows="steps")
    assert [Descent(arrows=kind).arrows for kind in ARROWS] == list(ARROWS)
