"""The loss-curve doctor: every patient has what it is said to have, and the browser trains as Python does."""

from __future__ import annotations

import dataclasses
import functools
import random
from xml.etree import ElementTree

import numpy as np
import pytest
import traitlets
from drawn import Curve, figures, look, read_cells
from playwright.sync_api import Locator, Page, expect

from optimlab.formula import read
from optimlab.widgets import LossDoctor
from optimlab.widgets.doctor import LOSSES, PATIENTS, STEPS, SYMPTOMS, Patient, Run, train, treatment

measured = functools.cache(lambda i: train(PATIENTS[i].run))
cured = functools.cache(lambda i: train(PATIENTS[i].treated))


# The losses.


@pytest.mark.parametrize("name", LOSSES)
def test_the_slope_of_a_loss_is_its_derivative(name):
    loss = LOSSES[name].bind_results()
    p, h = np.linspace(-4, 4, 41) + 0.013, 1e-6
    for y in (0.0, 1.0) if name != "squared" else (-2.0, 0.5):
        numeric = (loss(p + h, y)[0] - loss(p - h, y)[0]) / (2 * h)
        np.testing.assert_allclose(loss(p, y)[1], numeric, rtol=1e-6, atol=1e-8)


def test_both_forms_of_the_cross_entropy_agree_until_one_of_them_is_not_defined():
    naive, stable = (LOSSES[name].bind_results() for name in ("cross_entropy", "cross_entropy_of_logits"))
    p = np.linspace(-15, 15, 61)
    for y in (0.0, 1.0):
        np.testing.assert_allclose(naive(p, y), stable(p, y), rtol=1e-6, atol=1e-9)
        with np.errstate(all="ignore"):
            assert not np.isfinite(naive(np.array([40.0]), y)[0]).any()
        assert np.isfinite(stable(np.array([40.0]), y)[0])


# The patients: what a reader is told to see must be there, and must not be there in a healthy run.


def tail(curve: np.ndarray, count: int = 50) -> float:
    return float(np.mean(curve[-count:]))


def smooth(curve: np.ndarray) -> bool:
    """Say whether the curve goes on in the direction that it had."""
    change = np.diff(curve)
    return np.corrcoef(change[:-1], change[1:])[0, 1] > 0.5


def jumps_about_at_a_high_level(log, run):
    after = log["validation"][30:]
    wide = np.percentile(after, 90) > 2 * np.percentile(after, 10) and not smooth(log["train"])
    return wide and np.isfinite(after).all() and after.max() < 1e3 and np.median(log["update"][-100:]) > 0.05


def climbs_straight_on_a_logarithmic_axis(log, run):
    y = np.log10(log["validation"][np.isfinite(log["validation"])])
    steady = np.corrcoef(np.arange(len(y)), y)[0, 1] > 0.98
    return steady and y[-1] > 20


def falls_all_the_time_by_tiny_updates(log, run):
    parts = [part.mean() for part in np.split(log["validation"], 4)]
    tiny = log["update"].max() < 0.02
    unchanged = np.median(log["gradient"][-50:]) > 0.5 * np.median(log["gradient"][:50])
    return all(np.diff(parts) < 0) and tiny and unchanged


def training_falls_while_validation_turns_and_rises(log, run):
    low = int(np.argmin(log["validation"]))
    rises = tail(log["validation"]) > 1.1 * log["validation"][low] and low < run.steps - 40
    falls = tail(log["train"]) < np.mean(log["train"][max(low - 5, 0) : low + 5])
    return rises and falls and tail(log["train"]) < 0.3 * tail(log["validation"])


def breaks_off_while_small(log, run):
    ill = np.flatnonzero(~np.isfinite(log["train"]))
    return (
        len(ill) > 0 and ill[0] >= 30 and np.mean(log["train"][ill[0] - 10 : ill[0]]) < 0.2 * log["train"][0]
    )


def falls_then_creeps_up_with_ever_smaller_updates(log, run):
    low = int(np.argmin(log["validation"]))
    up = tail(log["validation"], 20) > 5 * log["validation"][low] and low < 60
    grows = np.median(log["gradient"][-20:]) > 1.5 * np.median(log["gradient"][20:60])
    return up and grows and np.median(log["update"][-20:]) < 0.6 * np.median(log["update"][5:25])


def repeats_its_teeth_in_every_epoch(log, run):
    epoch = run.samples // run.batch
    if epoch < 2 or not np.isfinite(log["train"]).all():
        return False
    curve = np.log(log["train"][len(log["train"]) // 2 :])
    teeth = curve - np.convolve(curve, np.ones(epoch) / epoch, "same")  # without what is slower than an epoch
    teeth = teeth[epoch:-epoch]
    return np.ptp(teeth) > 0.5 and np.corrcoef(teeth[:-epoch], teeth[epoch:])[0, 1] > 0.9


def swings_in_slow_waves(log, run):
    curve = log["validation"]
    if not np.isfinite(curve).all() or curve.max() > 3 * curve[0]:
        return False
    waves, rising, turn = 0, False, curve[0]
    for value in curve:  # a wave is a rise by a third after a fall by as much
        turn = max(turn, value) if rising else min(turn, value)
        if rising and value < turn / 1.33:
            rising, turn = False, value
        elif not rising and value > turn * 1.33:
            waves, rising, turn = waves + 1, True, value
    together = np.corrcoef(log["train"], curve)[0, 1] > 0.9
    return smooth(curve) and waves >= 4 and together


def turns_flat_in_one_step(log, run):
    ratio = log["update"][:-1] / log["update"][1:]
    k = int(np.nanargmax(ratio)) + 1  # the first step with the lower rate
    early = k < 60 and ratio[k - 1] > 25
    flat = log["validation"][-1] > 0.6 * log["validation"][k] and np.all(log["update"][k:] < 0.01)
    return early and flat and np.median(log["gradient"][-50:]) > 0.5 * log["gradient"][k]


SIGNS = {
    "high": jumps_about_at_a_high_level,
    "exploding": climbs_straight_on_a_logarithmic_axis,
    "low": falls_all_the_time_by_tiny_updates,
    "overfitting": training_falls_while_validation_turns_and_rises,
    "undefined": breaks_off_while_small,
    "adagrad": falls_then_creeps_up_with_ever_smaller_updates,
    "sorted": repeats_its_teeth_in_every_epoch,
    "momentum": swings_in_slow_waves,
    "dropped": turns_flat_in_one_step,
}


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("i", range(len(PATIENTS)))
def test_a_patient_has_the_sign_of_its_fault_and_of_no_other(i):
    patient = PATIENTS[i]
    found = [fault for fault, sign in SIGNS.items() if sign(measured(i), patient.run)]
    assert found == ([] if patient.fault == "healthy" else [patient.fault])


@pytest.mark.parametrize("i", [i for i, patient in enumerate(PATIENTS) if patient.treated])
def test_the_treatment_takes_the_sign_away_and_does_no_harm(i):
    patient = PATIENTS[i]
    assert not SIGNS[patient.fault](cured(i), patient.treated)
    ill, well = measured(i), cured(i)
    if patient.fault == "undefined":
        assert np.isfinite(well["train"]).all()
        assert tail(well["train"]) < 0.2 * well["train"][0]
    elif patient.fault == "sorted":
        assert tail(well["validation"]) < 1.2 * tail(ill["validation"])
    else:
        assert tail(well["validation"]) < 0.8 * tail(ill["validation"]) or not np.isfinite(
            tail(ill["validation"])
        )


@pytest.mark.parametrize("i", [i for i, patient in enumerate(PATIENTS) if patient.fault == "healthy"])
def test_a_healthy_patient_settles_low(i):
    log = measured(i)
    assert tail(log["validation"]) < 1.2 * log["validation"].min() < 0.2 * log["validation"][0]
    assert PATIENTS[i].treated is None
    assert treatment(PATIENTS[i]) == ""


@pytest.mark.parametrize("i", [i for i, patient in enumerate(PATIENTS) if patient.treated])
def test_the_treatment_is_of_the_same_patient_and_says_what_it_changes(i):
    patient = PATIENTS[i]
    assert treatment(patient)
    assert patient.run.seed == patient.treated.seed
    assert measured(i)["validation"][0] == pytest.approx(cured(i)["validation"][0])


def test_ten_patients_in_a_row_have_ten_faults_and_the_rows_differ():
    rounds = [[patient.fault for patient in PATIENTS[k : k + 10]] for k in (0, 10, 20)]
    assert all(sorted(faults) == sorted(SYMPTOMS) for faults in rounds)
    assert len(set(map(tuple, rounds))) == 3
    assert len({patient.run.seed for patient in PATIENTS}) == len(PATIENTS)


def test_a_run_is_what_its_own_text_says_for_one_step_by_hand():
    run = Run(seed=3, samples=8, batch=8, weights=2, steps=2, noise=0.0, hyper={"lr": 0.1})
    from optimlab.widgets._random import normal

    z = normal(3, (8 + 64 + 2) * 2 + 8 + 64)
    truth, w, x = z[:2], z[2:4] / 2, z[4 + 128 + 64 : 4 + 128 + 64 + 16].reshape(8, 2)
    first = np.mean((x @ (w - truth)) ** 2) / 2
    g = x.T @ x @ (w - truth) / 8
    second = np.mean((x @ (w - 0.1 * g - truth)) ** 2) / 2
    log = train(run)
    np.testing.assert_allclose(log["train"], [first, second], rtol=1e-12)
    assert log["gradient"][0] == pytest.approx(np.linalg.norm(g), rel=1e-12)
    assert log["update"][0] == pytest.approx(0.1 * np.linalg.norm(g) / np.linalg.norm(w), rel=1e-12)


# The widget in Python.


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ({"case": 30}, "0 to 29"),
        ({"case": -1}, "0 to 29"),
        ({"examined": ["pulse"]}, "gradient, update"),
        ({"diagnoses": {"99": "high"}}, "'0' to '29'"),
        ({"diagnoses": {"0": "hihg"}}, "'high'"),
    ],
)
def test_state_that_cannot_be_is_refused_with_what_is_expected(state, words):
    with pytest.raises(traitlets.TraitError, match=words):
        LossDoctor(**state)


def test_the_table_holds_the_losses_of_the_run_and_of_the_treated_one_when_it_is_shown():
    doctor = LossDoctor(case=5)
    assert [row[0] for row in doctor.table] == list(map(str, STEPS))
    assert doctor.table[-1][1] == measured(5)["train"][199]
    assert doctor.table[-1][5] is None
    doctor.treated = True
    assert doctor.table[-1][5] == cured(5)["train"][199]


def test_the_score_counts_the_right_diagnoses():
    doctor = LossDoctor(diagnoses={"0": PATIENTS[0].fault, "1": "healthy", "2": "low"})
    assert doctor.score == (1, 3)


def test_text_and_html_hold_the_same_numbers_and_the_diagnosis():
    doctor = LossDoctor(case=3, treated=True)
    html = ElementTree.fromstring(f"<div>{doctor.html()}</div>")
    assert html.find("table/caption").text in doctor.text()
    rows = [[cell.text for cell in row] for row in html.iter("tr")][1:]
    assert [line.split() for line in doctor.text().splitlines()[3 : 3 + len(STEPS)]] == rows
    assert SYMPTOMS[doctor.patient.fault].sign in doctor.text()


# The widget in the browser.


def settle(page: Page) -> None:
    page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


def check(widget: Locator, doctor: LossDoctor) -> None:
    """Compare the table and the charts with Python's."""
    shown = read_cells(widget.locator("details td"))
    wanted = [value for row in doctor.table for value in row[1:]]
    assert len(shown) == len(wanted)
    for on_page, right in zip(shown, wanted, strict=True):
        if right is None:
            assert on_page is None
        else:
            assert on_page == pytest.approx(right, rel=1e-9, abs=1e-12, nan_ok=True)
    treated = doctor.treated and doctor.patient.treated
    logs = [measured(doctor.case), *([cured(doctor.case)] if treated else [])]

    def both(name: str, title: str, *tones: int) -> list[Curve]:
        titles = (title, f"{title}, treated")
        return [
            Curve(look(tone=tone), range(1, len(log[name]) + 1), log[name], words)
            for log, words, tone in zip(logs, titles, tones, strict=False)
        ]

    charts = figures(widget)
    losses = both("train", "training loss", 2, 4) + both("validation", "validation loss", 1, 3)
    charts[0].shows_curves(losses, log_y=doctor.log)
    axes = {"gradient": "norm of the gradient", "update": "update / weights"}
    opened = [name for name in axes if name in doctor.examined]
    for chart, name in zip(charts[1:], opened, strict=True):
        chart.shows_curves(both(name, axes[name], 2, 4), log_y=True)


def test_every_patient_and_its_treatment_are_trained_as_python_does_it(living):
    page, widget = living(lambda: LossDoctor(treated=True))
    for i in range(len(PATIENTS)):
        check(widget, LossDoctor(case=i, treated=True))
        widget.get_by_role("button", name="Next patient").click()
        settle(page)
        expect(widget).to_contain_text(f"Patient {(i + 1) % len(PATIENTS) + 1} of {len(PATIENTS)}")
        # The next patient comes untreated; diagnose and treat it.
        if PATIENTS[(i + 1) % len(PATIENTS)].treated:
            widget.locator("input[type=radio]").first.check()
            widget.get_by_role("button", name="Diagnose", exact=True).click()
            widget.get_by_role("button", name="Treat it").click()
            settle(page)


def test_after_fifty_random_actions_the_page_still_equals_python(living):
    page, widget = living(LossDoctor)
    doctor, chance = LossDoctor(), random.Random(11)
    for _ in range(50):
        kind = chance.choice(["next", "log", "gradient", "update", "diagnose", "treat", "forget"])
        if kind == "next":
            widget.get_by_role("button", name="Next patient").click()
            doctor.case, doctor.treated, doctor.examined = (doctor.case + 1) % len(PATIENTS), False, []
        elif kind == "log":
            widget.get_by_label("Logarithmic axis").click()
            doctor.log = not doctor.log
        elif kind in ("gradient", "update"):
            label = {"gradient": "Examine the gradient", "update": "Examine the updates"}[kind]
            widget.get_by_label(label, exact=True).click()
            doctor.examined = (
                [one for one in doctor.examined if one != kind]
                if kind in doctor.examined
                else [*doctor.examined, kind]
            )
        elif kind == "diagnose" and str(doctor.case) not in doctor.diagnoses:
            key = chance.choice([*SYMPTOMS, doctor.patient.fault, doctor.patient.fault])
            widget.get_by_label(SYMPTOMS[key].name, exact=True).check()
            widget.get_by_role("button", name="Diagnose", exact=True).click()
            doctor.diagnoses = {**doctor.diagnoses, str(doctor.case): key}
        elif kind == "treat" and str(doctor.case) in doctor.diagnoses and doctor.patient.treated:
            widget.get_by_role("button", name="treated run" if doctor.treated else "Treat it").click()
            doctor.treated = not doctor.treated
        elif kind == "forget" and doctor.diagnoses and chance.random() < 0.2:
            widget.get_by_role("button", name="Forget").click()
            doctor.diagnoses, doctor.treated = {}, False
        settle(page)
        check(widget, doctor)
        assert widget.locator(".ol-figure").evaluate_all(
            "(all) => all.filter((f) => !f.hidden).length"
        ) == 1 + len(doctor.examined)
        score = widget.locator("[data-made]")
        assert (score.get_attribute("data-right"), score.get_attribute("data-made")) == tuple(
            map(str, doctor.score)
        )
        assert widget.get_by_label("Logarithmic axis").is_checked() == doctor.log
        if str(doctor.case) in doctor.diagnoses:
            right = doctor.diagnoses[str(doctor.case)] == doctor.patient.fault
            expect(widget.locator(".ol-answer")).to_contain_text("Right." if right else "Not so.")
            expect(widget.locator(".ol-answer")).to_contain_text(SYMPTOMS[doctor.patient.fault].sign)
            expect(widget.locator(".ol-answer")).to_contain_text(treatment(doctor.patient))
        else:
            expect(widget.locator(".ol-answer")).to_be_empty()


def test_a_patient_is_diagnosed_and_treated_by_keyboard_alone(living):
    page, widget = living(LossDoctor)
    widget.locator("input[type=checkbox]").first.focus()
    for _ in range(3):
        page.keyboard.press("Space")
        page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.type") == "radio"
    page.keyboard.press("Space")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    settle(page)
    expect(widget.locator(".ol-answer")).to_contain_text(SYMPTOMS[PATIENTS[0].fault].sign)
    assert page.evaluate("document.activeElement.textContent") == "Treat it, and train again"
    page.keyboard.press("Enter")
    settle(page)
    check(widget, LossDoctor(treated=True, log=True, examined=["gradient", "update"]))
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    settle(page)
    expect(widget.get_by_role("status").first).to_contain_text("Patient 2 of 30")


def test_the_fault_is_not_told_before_the_diagnosis(living):
    page, widget = living(LossDoctor)
    for i in range(10):
        text = widget.inner_text()
        assert SYMPTOMS[PATIENTS[i].fault].sign not in text
        assert not widget.get_by_role("button", name="Treat").is_visible()
        widget.get_by_role("button", name="Next patient").click()
        settle(page)


def test_every_control_has_a_name(living):
    _, widget = living(LossDoctor)
    assert (
        widget.locator("input, button").evaluate_all(
            "(all) => all.filter((one) => !(one.labels?.[0]?.textContent ?? one.textContent)).length"
        )
        == 0
    )


def test_a_linear_axis_copes_with_a_loss_that_overflows(living):
    case = next(
        i
        for i, patient in enumerate(PATIENTS)
        if patient.fault == "exploding" and np.isinf(measured(i)["train"]).any()
    )
    _, widget = living(lambda: LossDoctor(case=case))
    drawn = widget.locator(".ol-figure path").evaluate_all(
        "(all) => all.map((path) => path.getAttribute('d') ?? '')"
    )
    assert any(len(d) > 100 for d in drawn)
    assert not any("NaN" in d or "Infinity" in d for d in drawn)
    first = int(np.flatnonzero(~np.isfinite(measured(case)["train"]))[0]) + 1
    expect(widget.locator(".ol-readout")).to_contain_text(f"beyond all numbers, at step {first}")


def test_the_losses_and_the_fields_of_a_run_are_what_the_front_end_reads():
    spec = LossDoctor().spec
    assert set(spec["losses"]) == {read(function.function).name for function in LOSSES.values()}
    assert all(set(entry["run"]) == {f.name for f in dataclasses.fields(Run)} for entry in spec["patients"])
    assert all(isinstance(patient, Patient) for patient in PATIENTS)
