"""A worked example as a widget: every step, every intermediate number, and what the notes print."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

import numpy as np
import traitlets

from .. import walkthroughs
from ..format import number
from ..formula import FormulaError, closest
from ..rule import Rule, Trace
from ..schedules import Schedule
from ..translate import mathml, mathml_name, plain_name
from ..walkthroughs._tables import computed as shown
from ._base import Widget, stops


class Walkthrough(Widget):
    """A worked example, step by step.

    Parameters
    ----------
    example : str or optimlab.walkthroughs.Walkthrough or Rule or Schedule
        The id of a worked example of the notes, the example itself, a rule of your own, or a schedule.
    **given
        With a rule: its inputs as sequences, starting values and hyper-parameters, by name, as
        `Rule.trace` takes them. With a schedule: ``steps``, if it has no end of its own, and numbers.

    Attributes
    ----------
    run : str
        The run shown, for examples that have several.
    step : int
        The step marked; 0 is the start.
    hyper : dict
        The hyper-parameters that the run is computed with.
    show_printed : bool
        Whether the notes' figures stand under ours.

    Raises
    ------
    WalkthroughError
        If there is no example of that id.
    FormulaError
        If the rule cannot run with what is given.
    TypeError
        If `example` is none of these, or something is given beside a worked example.

    Examples
    --------
    >>> from optimlab.averages import ewa
    >>> widget = Walkthrough(ewa, theta=[18, 23, 19], beta=0.5)
    >>> widget.table["v"][-1]
    np.float64(17.5)
    """

    run = traitlets.Unicode().tag(sync=True)
    step = traitlets.Int(0).tag(sync=True)
    hyper = traitlets.Dict().tag(sync=True)
    show_printed = traitlets.Bool(False).tag(sync=True)

    def __init__(self, example: str | walkthroughs.Walkthrough | Rule, **given):
        if isinstance(example, str):
            example = walkthroughs.get(example)
        if isinstance(example, Schedule):
            example, given = _of_schedule(example, given)
        if not isinstance(example, Rule | walkthroughs.Walkthrough):
            raise TypeError(
                f"got {example!r}; expected the id of a worked example, such as 'adam-batch-1', or a rule or "
                "a schedule with its numbers"
            )
        if isinstance(example, Rule):
            self._example = None
            runs = [_own_run(example, given)]
        else:
            if given:
                raise TypeError(
                    f"got {', '.join(given)} beside the worked example {example.id!r}, whose givens are "
                    "fixed; change `hyper` afterwards, or pass a rule"
                )
            self._example = example
            runs = [_example_run(example, run) for run in example.runs.values() if _translatable(run)]
        self._rules = {name: rule for rule, name, _ in runs}
        self._runs = {name: run for _, name, run in runs}
        first = runs[0][2] if runs else {"name": "", "hyper": {}}
        super().__init__(
            kind="walkthrough",
            spec={
                "title": example.title if self._example else f"{example.name}, step by step",
                "source": _source(self._example),
                "counts": self._example.counts if self._example else {},
                "runs": [run for _, _, run in runs],
                "judged": [_judged(value) for value in self._example.values] if self._example else [],
            },
            min_height=_min_height(first if runs else None, self._example),
            anchor=f"example-{self._example.id}" if self._example else "",
            run=first["name"],
            hyper=dict(first["hyper"]),
            step=1 if runs else 0,
        )

    @traitlets.validate("step")
    def _check_step(self, proposal):
        last = self._runs[self.run]["steps"] if self._runs else 0
        if not 0 <= proposal["value"] <= last:
            raise traitlets.TraitError(f"got step={proposal['value']}; this run has the steps 0 to {last}")
        return proposal["value"]

    @traitlets.validate("run")
    def _check_run(self, proposal):
        name = proposal["value"]
        if self._runs and name not in self._runs:
            known = ", ".join(self._runs)
            raise traitlets.TraitError(
                f"there is no run {name!r}{closest(name, self._runs)}; known are {known}"
            )
        return name

    @traitlets.observe("run")
    def _stay_within(self, change):
        if self._runs:
            self.step = min(self.step, self._runs[self.run]["steps"])

    @traitlets.validate("hyper")
    def _check_hyper(self, proposal):
        # A change of run brings its own hyper-parameters with it, in one message or in two.
        known = {name: run for run in self._runs.values() for name in run["hyper"]}
        for name, value in proposal["value"].items():
            if name not in known:
                raise traitlets.TraitError(
                    f"there is no hyper-parameter {name!r}{closest(name, known)}; known are "
                    f"{', '.join(sorted(known)) or 'none'}"
                )
            try:
                _check_number(self._rules[known[name]["name"]], name, value, known[name]["hyper"][name])
            except FormulaError as error:
                raise traitlets.TraitError(str(error)) from error
        return {name: float(value) for name, value in proposal["value"].items()}

    @property
    def beside(self) -> dict[str, np.ndarray]:
        """The main quantity of every run by step, as the widget shows them side by side.

        A hyper-parameter that a run began with at the same value as the run in front follows it.
        """
        front = self._runs[self.run]["hyper"] if self._runs else {}
        found = {}
        for name, run in self._runs.items():
            shared = {n for n, value in run["hyper"].items() if name == self.run or front.get(n) == value}
            hyper = {
                n: self.hyper.get(n, value) if n in shared else value for n, value in run["hyper"].items()
            }
            found[name] = self._traced(name, hyper)[run["main"]["name"]]
        return found

    def _traced(self, name: str, hyper: dict[str, float]) -> Trace:
        run = self._runs[name]
        if run["feeds"]:
            return self._example.runs[name].trace(**hyper)
        return self._rules[name].trace(steps=run["steps"], **run["inputs"], **run["carried"], **hyper)

    @property
    def table(self) -> Trace | None:
        """The run as the widget shows it now: every quantity by step. None for a table of arithmetic."""
        if not self._runs:
            return None
        run = self._runs[self.run]
        hyper = {**run["hyper"], **{k: v for k, v in self.hyper.items() if k in run["hyper"]}}
        return self._traced(self.run, hyper)

    def text(self) -> str:
        """Return the run as a text table and, for a worked example, every printed figure judged."""
        if self._example is None:
            return self.table.table()
        parts = [self._example.table()]
        for name, run in self._runs.items():
            trace = self._traced(name, run["hyper"])
            parts.append(f"{run['label']}\n{trace.table(first=run['first'])}")
        return "\n\n".join(parts)

    def html(self) -> str:
        """Return the same facts as HTML tables."""
        parts = [self._example._repr_html_()] if self._example else []
        for name, run in self._runs.items():
            trace = self._traced(name, run["hyper"])
            parts.append(_html_table(run, trace))
        return "\n".join(parts)


def _min_height(run: dict | None, example: walkthroughs.Walkthrough | None) -> str:
    """Return about the height of the widget on a wide page."""
    height = 6 if example else 4
    if run:
        height += 10 + 3 * len(run["formula"]) + 16 + 1.8 * (min(run["steps"], 40) + 2)
    elif example:
        height += 1.8 * len(example.values)
    return f"{height:.0f}rem"


def _source(example: walkthroughs.Walkthrough | None) -> str:
    if example is None:
        return "computed in this page"
    first, last = example.lines
    parts = [f"{example.note}, " + (f"lines {first} to {last}" if first != last else f"line {first}")]
    if example.convention:
        parts.append(f"Convention: {example.convention.strip().rstrip('.')}")
    if any(run.feeds for run in example.runs.values()):
        parts.append("At each step the gradient is taken where the run stands")
    return ". ".join(parts) + ("." if len(parts) > 1 else "")


def _judged(value: walkthroughs.Judged) -> dict:
    return {
        "row": value.row,
        "name": value.name,
        "printed": value.printed,
        "computed": value.computed if np.isfinite(value.computed) else None,
        "shown": shown(value),
        "verdict": value.verdict,
        "why": value.why,
        "cell": value.cell is not None,
    }


def _translatable(run: walkthroughs.TracedRun) -> bool:
    """Whether the browser can make this run: numbers only, no hyper-parameter that changes on the way."""
    return all(np.ndim(value) == 0 for value in run.hyper.values()) and all(
        np.ndim(values) == 1 for values in run.inputs.values()
    )


def _example_run(example: walkthroughs.Walkthrough, run: walkthroughs.TracedRun) -> tuple[Rule, str, dict]:
    printed: dict[str, list] = {}
    for value in example.values:
        if value.cell and value.cell.run == run.name:
            figure = {"printed": value.printed, "verdict": value.verdict, "why": value.why}
            figures = printed.setdefault(f"{value.cell.step - run.first + 1} {value.cell.quantity}", [])
            # A figure that the notes print twice for the same cell is shown once.
            if figure not in figures:
                figures.append(figure)
    hyper = {name: float(run.hyper.get(name, default)) for name, default in run.rule.hyper.items()}
    start = {name: float(run.start.get(name, run.rule.state.get(name))) for name in run.rule.carried}
    spec = _run(run.rule, run.name, run.trace().steps, run.inputs, start, hyper, printed, run.first)
    return run.rule, run.name, {**spec, "feeds": run.feeds}


def _of_schedule(schedule: Schedule, given: Mapping) -> tuple[Rule, dict]:
    steps = given.get("steps", schedule.length)
    if steps is None:
        raise FormulaError(f"{schedule.name} has no end; say how many steps to show, such as steps=100")
    numbers = {name: value for name, value in given.items() if name != "steps"}
    if schedule.length is not None:
        numbers["steps"] = steps
    return schedule.using(**numbers).as_rule(), {"steps": int(steps)}


def _own_run(rule: Rule, given: Mapping) -> tuple[Rule, str, dict]:
    for name in rule.inputs:
        if name not in given or not _finite(given[name], 1) or not len(given[name]):
            got = f"; got {given[name]!r}" if name in given else ""
            raise FormulaError(
                f"a walkthrough of {rule.name} needs {name} as a list of numbers, one per step, at least one "
                f"and all finite{got}"
            )
    for name in (*rule.carried, *rule.hyper):
        if name in given and not _finite(given[name], 0):
            raise FormulaError(
                f"a walkthrough of {rule.name} needs {name} as one number, and a finite one; got "
                f"{given[name]!r}"
            )
    rule.check(**{name: given[name] for name in rule.hyper if name in given})
    made = rule.trace(**given)  # says what is missing or unknown
    inputs = {name: np.asarray(given[name], dtype=float) for name in rule.inputs}
    start = {name: float(given.get(name, rule.state.get(name))) for name in rule.carried}
    hyper = {name: float(given.get(name, default)) for name, default in rule.hyper.items()}
    return rule, rule.name, _run(rule, rule.name, made.steps, inputs, start, hyper, {})


def _finite(value, dimension: int) -> bool:
    """Whether a value is one number or a list of them, neither text nor NaN nor infinite."""
    try:
        array = np.asarray(value)
    except (TypeError, ValueError):  # lists of different lengths
        return False
    return array.ndim == dimension and (
        array.size == 0 or (array.dtype.kind in "iuf" and bool(np.isfinite(array).all()))
    )


def _check_number(rule: Rule, name: str, value, begin: float) -> None:
    """Refuse a hyper-parameter that is no finite number or has left its range."""
    if not _finite(value, 0):
        raise FormulaError(f"{rule.name} got {name}={value!r}; expected a finite number")
    try:
        rule.check(**{name: begin})
    except FormulaError:
        return  # a rule of one's own may have begun outside
    rule.check(**{name: value})


def _run(rule: Rule, name: str, steps: int, inputs, start, hyper, printed, first: int = 1) -> dict:
    """Return one run as the front end wants it."""
    names = [*rule.inputs, *(n for n in rule.carried if n not in rule.quantities), *rule.quantities]
    weights = [n for n in names if n in rule.carried and n not in rule.state]
    others = [n for n in names if n not in weights]
    # Weights have another scale than gradients and averages: each gets its own chart.
    charts = [[", ".join(plain_name(n) for n in group), group] for group in (others, weights) if group]
    main = (weights or [n for n in names if n in rule.quantities])[-1]
    return {
        "name": name,
        "steps": steps,
        "main": {"name": main, "label": plain_name(main)},
        "last": first + steps - 1,
        "rule": rule.name,
        "label": ", ".join(
            [rule.name, *(f"{plain_name(n)} = {number(value)}" for n, value in hyper.items())]
        ),
        "first": first,
        "javascript": rule.javascript(),
        "formula": mathml(rule),
        "inputs": {n: [float(x) for x in values] for n, values in inputs.items()},
        "feeds": {},
        "carried": start,
        "hyper": hyper,
        "sliders": {n: {"label": plain_name(n), "values": stops(n, value)} for n, value in hyper.items()},
        "columns": [
            {"name": n, "label": plain_name(n), "math": f"<math>{mathml_name(n)}</math>", "tone": tone}
            for tone, n in enumerate(names)
        ],
        "charts": charts,
        "printed": printed,
    }


def _html_table(run: dict, trace: Trace) -> str:
    """Return a trace as an HTML table."""
    labels = {column["name"]: column["label"] for column in run["columns"]}
    head = "".join(
        f'<th scope="col">{escape(text)}</th>' for text in ["t", *(labels[name] for name in trace)]
    )
    rows = []
    for t in range(trace.steps + 1):
        cells = "".join(
            f"<td>{'' if t == 0 and np.isnan(column[t]) else number(column[t])}</td>"
            for column in trace.values()
        )
        rows.append(f'<tr><th scope="row">{t + run["first"] - 1}</th>{cells}</tr>')
    caption = escape(f"{run['label']}: every step")
    return (
        f'<table class="ol-trace"><caption>{caption}</caption><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table>"
    )
