"""The loss-curve doctor: a curve that was really trained, a hidden fault, a diagnosis and its treatment."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from html import escape

import numpy as np
import traitlets
from numpy import abs, exp, log, maximum

from .. import rules
from ..format import number, table
from ..formula import closest, read
from ..translate import javascript_of_results
from ._base import Widget
from ._random import normal, picks


def squared(p, y):
    """Half the squared error of a prediction, and its slope."""
    error = p - y
    return error**2 / 2, error


def cross_entropy(p, y):
    """Cross-entropy as its definition has it: log(0) once the probability rounds to one or zero."""
    s = 1 / (1 + exp(-p))
    return -y * log(s) - (1 - y) * log(1 - s), ((1 - y) / (1 - s) - y / s) * s * (1 - s)


def cross_entropy_of_logits(p, y):
    """Cross-entropy from the logit itself, defined for every one."""
    return log(1 + exp(-abs(p))) + maximum(p, 0) - p * y, 1 / (1 + exp(-p)) - y


LOSSES = {function.__name__: read(function) for function in (squared, cross_entropy, cross_entropy_of_logits)}


@dataclass(frozen=True)
class Run:
    """Everything that decides a training run of a linear model.

    Attributes
    ----------
    seed : int
        Of the data, the first weights and the order of the samples.
    rule, hyper
        The optimizer and its hyper-parameters.
    loss : str
        A key of `LOSSES`.
    samples, weights, batch : int
        How many of each; the validation set has 64 samples.
    noise : float
        The standard deviation of what the targets have beside the truth.
    shuffled : bool
        Whether every epoch has its own order. Otherwise the samples come sorted by their target.
    drop : int
        The step after which the learning rate is a hundredth; 0 for never.
    drift : float
        How far the first of the true weights moves in every step.
    steps : int
    """

    seed: int
    rule: str = "gradient_descent"
    hyper: dict[str, float] = field(default_factory=lambda: {"lr": 0.05})
    loss: str = "squared"
    samples: int = 64
    weights: int = 8
    batch: int = 16
    noise: float = 0.5
    shuffled: bool = True
    drop: int = 0
    drift: float = 0.0
    steps: int = 200


VALIDATION = 64


def train(run: Run) -> dict[str, np.ndarray]:
    """Train and return what a log would hold, one entry per step.

    Returns
    -------
    dict
        ``train``: the loss of the step's batch before the step; ``validation``: the loss of the validation
        set then; ``gradient``: the norm of the batch's gradient; ``update``: the length of the step over
        that of the weights.
    """
    n, d, m = run.samples, run.weights, VALIDATION
    draws = iter(np.split(normal(run.seed, (n + m + 2) * d + n + m), np.cumsum([d, d, m * d, m, n * d])))
    truth, w = next(draws), next(draws) / 2
    x_new, noise_new, x, noise = (
        next(draws).reshape(m, d),
        next(draws),
        next(draws).reshape(n, d),
        next(draws),
    )
    y, y_new = x @ truth + run.noise * noise, x_new @ truth + run.noise * noise_new
    if run.loss != "squared":
        y, y_new = np.where(y > 0, 1.0, 0.0), np.where(y_new > 0, 1.0, 0.0)
    if not run.shuffled:
        order = np.argsort(y, kind="stable")
        x, y = x[order], y[order]
    loss = LOSSES[run.loss].bind_results()
    rule = getattr(rules, run.rule)
    state = {name: np.full(d, float(value)) for name, value in rule.state.items()}
    log = {name: np.empty(run.steps) for name in ("train", "validation", "gradient", "update")}
    per_epoch = n // run.batch
    with np.errstate(all="ignore"):
        for i in range(run.steps):
            epoch, k = divmod(i, per_epoch)
            if k == 0:
                order = picks(run.seed + 1 + epoch, n, n, 1)[0] if run.shuffled else np.arange(n)
            chosen, moved = order[k * run.batch : (k + 1) * run.batch], run.drift * i
            value, slope = loss(x[chosen] @ w, y[chosen] + moved * x[chosen, 0])
            value_new, _ = loss(x_new @ w, y_new + moved * x_new[:, 0])
            g = slope @ x[chosen] / run.batch
            clock = {"t": i + 1} if rule.uses_t else {}
            hyper = rule.hyper | run.hyper
            if run.drop and i >= run.drop:
                hyper["lr"] /= 100
            found = rule.everything(w=w, g=g, **clock, **state, **hyper)
            log["train"][i], log["validation"][i] = value.mean(), value_new.mean()
            log["gradient"][i] = np.sqrt((g**2).sum())
            log["update"][i] = np.sqrt(((found["w"] - w) ** 2).sum() / (w**2).sum())
            w, state = found["w"], {name: found[name] for name in state}
    return log


@dataclass(frozen=True)
class Symptom:
    """A fault: what people call it, what of the curve tells it, and what is done about it."""

    name: str
    sign: str
    remedy: str


SYMPTOMS = {
    "healthy": Symptom(
        "Healthy",
        "Both losses fall together and settle on one low level; what jitter is left is that of the batches.",
        "Leave it as it is.",
    ),
    "high": Symptom(
        "Learning rate too high",
        "The loss falls at once and then jumps about far above what it could reach. Most updates still "
        "change the weights by more than a twentieth in the end.",
        "Take a smaller learning rate, or let it decay.",
    ),
    "exploding": Symptom(
        "Learning rate beyond the stable limit: it explodes",
        "On the logarithmic axis the loss climbs along a straight line from the first steps on: every step "
        "multiplies the error. If it ends in inf or NaN, it has been huge before.",
        "Divide the learning rate until the loss falls from the start; clip the gradient if it "
        "happens rarely.",
    ),
    "low": Symptom(
        "Learning rate too low",
        "The loss is still falling at the last step, and always was. The gradient hardly shrinks, and "
        "the updates are tiny from the first step on.",
        "Take a larger learning rate.",
    ),
    "overfitting": Symptom(
        "Overfitting",
        "The training loss goes on falling while the validation loss turns and rises.",
        "Stop where the validation loss is lowest, decay the weights, or get more data.",
    ),
    "undefined": Symptom(
        "A number that is not defined, such as log(0)",
        "A loss that was falling and small breaks off from one step to the next. Nothing grew before it.",
        "Write the loss so that it is defined: the cross-entropy from the logit, not from the probability.",
    ),
    "adagrad": Symptom(
        "A learning rate that can only fall, on a problem that moves (AdaGrad)",
        "The loss falls, then creeps up and does not return. The gradient grows while the updates shrink all "
        "the time: the problem moves away, and the steps can no longer follow.",
        "Forget old gradients: an average of their squares, as in RMSprop, instead of the sum.",
    ),
    "sorted": Symptom(
        "Samples in the same sorted order in every epoch",
        "The training loss is a sawtooth: the same teeth again in every epoch.",
        "Shuffle the samples anew in every epoch.",
    ),
    "momentum": Symptom(
        "Momentum too large",
        "The loss swings in slow, smooth waves, training and validation alike; the gradient swings with it.",
        "Take 0.9 instead of 0.99, or warm it up.",
    ),
    "dropped": Symptom(
        "Learning rate dropped too early",
        "The loss falls quickly and then, at one step, turns into a flat line far too high. The updates "
        "fall to about a hundredth in that step while the gradient stays large.",
        "Drop the rate only when the loss has stopped falling.",
    ),
}


@dataclass(frozen=True)
class Patient:
    """A run with a fault, and the same run treated; None for one that needs no treatment."""

    fault: str
    run: Run
    treated: Run | None


def _patients() -> list[Patient]:
    """Return all patients, in an order that does not give them away."""

    def sgd(lr):
        return {"rule": "gradient_descent", "hyper": {"lr": lr}}

    def with_momentum(lr, momentum=0.9):
        return {"rule": "momentum", "hyper": {"lr": lr, "momentum": momentum}}

    def by(rule, lr, **more):
        return {"rule": rule, "hyper": {"lr": lr, **more}}

    naive, stable = {"loss": "cross_entropy"}, {"loss": "cross_entropy_of_logits"}
    online, few = {"steps": 240}, {"weights": 16, "noise": 2.0}
    in_order = {"shuffled": False, "noise": 1.5, **stable}
    # What is wrong, the run that has it, and what the treatment changes.
    known = [
        ("healthy", sgd(0.05), None),
        ("healthy", with_momentum(0.01), None),
        ("healthy", by("adam", 0.1), None),
        ("high", sgd(0.5) | {"batch": 4}, sgd(0.03)),
        ("high", with_momentum(0.07) | {"batch": 4}, with_momentum(0.004)),
        ("high", by("adam", 1.0) | {"batch": 8}, by("adam", 0.1)),
        ("exploding", sgd(1.8), sgd(0.1)),
        ("exploding", with_momentum(20.0, 0.5) | {"batch": 32}, with_momentum(0.05, 0.5)),
        ("exploding", sgd(1.5) | {"batch": 8}, sgd(0.05)),
        ("low", sgd(0.001), sgd(0.1)),
        ("low", with_momentum(0.0001), with_momentum(0.01)),
        ("low", by("adam", 0.001), by("adam", 0.1)),
        ("overfitting", by("adam", 0.05) | few | {"samples": 17, "batch": 17}, {"samples": 120}),
        ("overfitting", with_momentum(0.03) | few | {"samples": 18, "batch": 18}, {"samples": 120}),
        ("overfitting", by("adam", 0.06) | few | {"samples": 18, "batch": 9}, {"samples": 120}),
        ("undefined", sgd(8.0) | naive | {"noise": 0.0}, stable),
        ("undefined", with_momentum(0.7) | naive | {"noise": 0.0, "seed": 42000}, stable),
        ("undefined", by("adam", 0.5) | naive | {"noise": 0.0, "seed": 45000}, stable),
        ("adagrad", by("adagrad", 0.4) | online | {"drift": 0.05}, by("rmsprop", 0.08, rho=0.9)),
        ("adagrad", by("adagrad", 0.3) | online | {"drift": -0.05}, by("rmsprop", 0.08, rho=0.9)),
        ("adagrad", by("adagrad", 0.4) | online | {"drift": 0.06, "batch": 32}, by("rmsprop", 0.08, rho=0.9)),
        ("sorted", sgd(2.0) | in_order | {"batch": 8}, {"shuffled": True}),
        ("sorted", sgd(1.0) | in_order | {"batch": 8, "weights": 6}, {"shuffled": True}),
        ("sorted", sgd(1.5) | in_order | {"batch": 4, "weights": 4}, {"shuffled": True}),
        ("momentum", with_momentum(0.02, 0.99) | {"batch": 64}, with_momentum(0.02)),
        ("momentum", with_momentum(0.01, 0.99) | {"batch": 32}, with_momentum(0.02)),
        ("momentum", with_momentum(0.05, 0.985) | {"batch": 64}, with_momentum(0.02)),
        ("dropped", sgd(0.05) | {"drop": 15}, {"drop": 140}),
        ("dropped", with_momentum(0.006) | {"drop": 12}, {"drop": 140}),
        ("dropped", sgd(0.08) | {"drop": 10, "batch": 32}, {"drop": 140}),
    ]
    patients = []
    # Three rounds, each with every fault once.
    for kind, turn in (
        (kind, turn) for turn, row in enumerate(picks(41, len(SYMPTOMS), len(SYMPTOMS), 3)) for kind in row
    ):
        i = 3 * int(kind) + turn
        fault, given, changed = known[i]
        run = Run(**{"seed": 1000 * (i + 1)} | given)
        patients.append(Patient(fault, run, changed and dataclasses.replace(run, **changed)))
    return patients


PATIENTS = _patients()

STEPS = (1, 2, 5, 10, 20, 50, 100, 150, 200)
CLUES = ("gradient", "update")


class LossDoctor(Widget):
    """A patient is a training run with a hidden fault; the reader sees its losses and says what it has.

    The browser really trains: a linear model on samples that chance made, with the translated rule. So it
    does with the treatment.

    Parameters
    ----------
    **state
        Any of the attributes below.

    Attributes
    ----------
    case : int, default 0
        The number of the patient, counted from 0. Ten in a row have ten different faults.
    log : bool, default False
        Whether the axis of the losses is logarithmic.
    examined : list of str
        Which further curves are open: "gradient" for its norm, "update" for the length of the step over that
        of the weights.
    diagnoses : dict
        What the reader said about each patient, a key of `SYMPTOMS` by the number of the patient as text.
    treated : bool, default False
        Whether the run with the treatment is drawn too, if there is one.

    Examples
    --------
    >>> doctor = LossDoctor(case=1)
    >>> doctor.diagnoses = {"1": doctor.patient.fault}
    >>> doctor.score
    (1, 1)
    """

    case = traitlets.Int(0).tag(sync=True)
    log = traitlets.Bool(False).tag(sync=True)
    examined = traitlets.List(traitlets.Unicode()).tag(sync=True)
    diagnoses = traitlets.Dict().tag(sync=True)
    treated = traitlets.Bool(False).tag(sync=True)

    def __init__(self, **state):
        used = {run.rule for patient in PATIENTS for run in (patient.run, patient.treated) if run}
        spec = {
            "title": "The loss-curve doctor",
            "losses": {name: javascript_of_results(formula) for name, formula in LOSSES.items()},
            "rules": {name: getattr(rules, name).javascript() for name in sorted(used)},
            "state": {name: getattr(rules, name).state for name in sorted(used)},
            "validation": VALIDATION,
            "symptoms": {key: dataclasses.asdict(symptom) for key, symptom in SYMPTOMS.items()},
            "patients": [
                {
                    "fault": patient.fault,
                    "run": dataclasses.asdict(patient.run),
                    "treated": patient.treated and dataclasses.asdict(patient.treated),
                    "treatment": treatment(patient),
                }
                for patient in PATIENTS
            ],
            "steps": STEPS,
        }
        super().__init__(kind="doctor", spec=spec, min_height="49rem", **state)

    @traitlets.validate("case")
    def _check_case(self, proposal):
        if not 0 <= proposal["value"] < len(PATIENTS):
            raise traitlets.TraitError(f"got case={proposal['value']}; expected 0 to {len(PATIENTS) - 1}")
        return proposal["value"]

    @traitlets.validate("examined")
    def _check_examined(self, proposal):
        for name in proposal["value"]:
            if name not in CLUES:
                raise traitlets.TraitError(f"got {name!r} in examined; expected some of {', '.join(CLUES)}")
        return proposal["value"]

    @traitlets.validate("diagnoses")
    def _check_diagnoses(self, proposal):
        for case, key in proposal["value"].items():
            if case not in map(str, range(len(PATIENTS))):
                raise traitlets.TraitError(
                    f"got a diagnosis of the patient {case!r}; expected '0' to '{len(PATIENTS) - 1}'"
                )
            if key not in SYMPTOMS:
                raise traitlets.TraitError(
                    f"got the diagnosis {key!r}{closest(str(key), SYMPTOMS)}; "
                    f"expected one of {', '.join(SYMPTOMS)}"
                )
        return proposal["value"]

    @property
    def patient(self) -> Patient:
        """The patient whose curves are shown."""
        return PATIENTS[self.case]

    @property
    def curves(self) -> dict[str, dict[str, np.ndarray]]:
        """What was measured, as `train` returns it: under ``run``, and ``treated`` where that is shown."""
        runs = {"run": self.patient.run}
        if self.treated and self.patient.treated:
            runs["treated"] = self.patient.treated
        return {name: train(run) for name, run in runs.items()}

    @property
    def score(self) -> tuple[int, int]:
        """How many diagnoses were right, and how many were made."""
        right = sum(PATIENTS[int(case)].fault == key for case, key in self.diagnoses.items())
        return right, len(self.diagnoses)

    @property
    def table(self) -> list[list]:
        """Some steps, one row each: the step, both losses, gradient, update, and both losses if treated."""
        curves = self.curves
        run, treated = curves["run"], curves.get("treated")
        return [
            [
                str(step),
                *(run[name][step - 1] for name in ("train", "validation", *CLUES)),
                *(treated[name][step - 1] if treated else None for name in ("train", "validation")),
            ]
            for step in STEPS
        ]

    _head = ("step", "training", "validation", "gradient", "update", "treated: training", "validation")

    def _facts(self) -> tuple[str, list[str], list[list]]:
        columns = len(self._head) if self.treated and self.patient.treated else len(self._head) - 2
        caption = f"Patient {self.case + 1} of {len(PATIENTS)}: losses, norm of the gradient, relative update"
        return caption, list(self._head[:columns]), [row[:columns] for row in self.table]

    def text(self) -> str:
        """Return some steps of the run as a text table, and the diagnosis."""
        caption, head, rows = self._facts()
        symptom = SYMPTOMS[self.patient.fault]
        return (
            f"{caption}\n{table(head, rows, 4)}\n\nDiagnosis: {symptom.name}. {symptom.sign} {symptom.remedy}"
        )

    def html(self) -> str:
        """Return the same as an HTML table, the diagnosis folded away."""
        caption, head, rows = self._facts()
        columns = "".join(f'<th scope="col">{escape(name)}</th>' for name in head)
        body = "".join(
            f'<tr><th scope="row">{row[0]}</th>'
            + "".join(f"<td>{number(value, 4)}</td>" for value in row[1:])
            + "</tr>"
            for row in rows
        )
        symptom = SYMPTOMS[self.patient.fault]
        return (
            f"<table><caption>{escape(caption)}</caption><thead><tr>{columns}</tr></thead>"
            f"<tbody>{body}</tbody></table><details><summary>Diagnosis</summary>"
            f"<p>{escape(symptom.name)}. {escape(symptom.sign)} {escape(symptom.remedy)}</p></details>"
        )


def treatment(patient: Patient) -> str:
    """Say in what a patient's treated run differs from the run."""
    if patient.treated is None:
        return ""
    run, treated = patient.run, patient.treated
    words = [f"{run.rule} becomes {treated.rule}"] if run.rule != treated.rule else []
    before, after = (getattr(rules, one.rule).hyper | one.hyper for one in (run, treated))
    words += [
        f"{name} from {number(before[name])} to {number(value)}"
        for name, value in after.items()
        if name != "eps" and before.get(name, value) != value
    ]
    words += [f"{name} = {number(value)}" for name, value in after.items() if name not in before]
    if run.samples != treated.samples:
        words.append(f"{treated.samples} samples instead of {run.samples}")
    if run.shuffled != treated.shuffled:
        words.append("every epoch in an order of its own")
    if run.drop != treated.drop:
        words.append(f"the rate drops after step {treated.drop} instead of {run.drop}")
    if run.loss != treated.loss:
        words.append("the cross-entropy is computed from the logit")
    return ", ".join(words)
