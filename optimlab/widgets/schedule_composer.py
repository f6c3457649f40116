"""Up to three schedules side by side, each with or without a warm-up, and the PyTorch code of each."""

from __future__ import annotations

import re
from html import escape

import numpy as np
import traitlets

from .. import schedules
from ..format import number, table
from ..formula import FormulaError, closest
from ..schedules import Schedule, Warmup, warmup
from ._base import Widget, stops

SLOTS = ("A", "B", "C")
STEPS = [50, 60, 80, 100, 120, 150, 200, 250, 300, 400, 500]
OFFERED = {value.name: value for value in vars(schedules).values() if isinstance(value, Schedule)}
TITLES = {
    "step": "step decay",
    "exponential": "exponential decay",
    "warm_restarts": "cosine with warm restarts",
    "cyclic": "triangular cycles",
    "polynomial": "polynomial decay",
    "one_cycle": "one-cycle",
    "range_test": "range test",
}
LABELS = {
    "lr": "lr, the full rate",
    "gamma": "γ, the factor of every decay",
    "every": "Steps between two decays",
    "period": "Steps of the first period",
    "factor": "Each period is longer, times",
    "lr_min": "lr_min, the lowest rate",
    "up": "Steps up",
    "down": "Steps down",
    "start": "First rate, as a share of lr",
    "end": "Last rate, as a share of lr",
    "power": "Power",
    "rise": "Share of the steps that rise",
    "div": "First rate: lr divided by",
    "final_div": "Last rate: the first divided by",
}
_COUNTS = [1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 25, 30, 40, 50, 60, 80, 100, 120, 150, 200, 250]
_SHARES = [0.0, 0.001, 0.01, 0.05, 0.1, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7, 0.75, 0.8, 0.9, 1.0]
STOPS = {
    "gamma": [0.1, 0.2, 0.3, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.97, 0.98, 0.99, 0.995, 0.999, 1.0],
    "factor": [1, 2, 3, 4],
    "lr_min": [0.0, *(float(f"{step}e{power}") for power in range(-7, 0) for step in (1, 2, 5))],
    "start": _SHARES,
    "end": _SHARES,
    "power": [0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0, 2.5, 3.0, 4.0],
    "rise": [0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95],
    "div": [1.0, 2.0, 4.0, 5.0, 10.0, 20.0, 25.0, 50.0, 100.0],
    "final_div": [1.0, 10.0, 100.0, 1e3, 1e4, 1e5, 1e6],
} | dict.fromkeys(("every", "period", "up", "down"), _COUNTS)


def _slot(schedule: str, warm: int = 0, on: bool = True, warmup_start: float = 0.1, **hyper) -> dict:
    """Return the state of a slot; hyper-parameters that are not given have their defaults."""
    known = _hyper(OFFERED[schedule])
    return {
        "on": on,
        "schedule": schedule,
        "hyper": known | hyper,
        "warmup": warm,
        "warmup_start": warmup_start,
    }


def _hyper(schedule: Schedule) -> dict:
    """Return what a slot holds of a schedule's hyper-parameters: its length is that of the whole run."""
    return {name: schedules._number(schedule, name) for name in schedule.hyper if name != "steps"}


PRESETS = {
    "three ways down": (
        100,
        [_slot("cosine", 10), _slot("step", gamma=0.3, every=30), _slot("one_cycle")],
    ),
    "with and without warm-up": (
        100,
        [_slot("cosine", 20, warmup_start=0.01), _slot("cosine"), _slot("linear", on=False)],
    ),
    "the same budget, spent differently": (
        100,
        [_slot("constant", lr=0.05), _slot("cosine"), _slot("polynomial")],
    ),
    "up and down again": (
        150,
        [_slot("warm_restarts", period=50), _slot("warm_restarts", factor=2), _slot("cyclic")],
    ),
    "how the power bends it": (
        100,
        [_slot("polynomial", power=0.5), _slot("polynomial"), _slot("polynomial", power=2.0)],
    ),
}


class ScheduleComposer(Widget):
    """Schedules composed of a warm-up and a decay, compared step by step.

    Parameters
    ----------
    *given : Schedule or Warmup
        Up to three, for the slots A, B and C; such as ``warmup(cosine.using(lr=0.05), 20)``, or a schedule
        of your own. Those that are made for a number of steps set `steps`. Without any, three examples.
    **state
        Any of the attributes below.

    Attributes
    ----------
    steps : int, default 100
        Steps of every slot, 50 to 500. A schedule that has a length gets what its warm-up leaves.
    slots : list of dict
        For A, B and C: ``on``, the name of the ``schedule``, its ``hyper`` without ``steps``, the steps of
        its ``warmup`` (0 for none, at most half of `steps`), and ``warmup_start``.
    slot : {"A", "B", "C"}
        The slot whose controls and whose PyTorch code are shown.
    step : int, default 30
        The step whose rates are read off.
    log : bool, default False
        Whether the chart's axis of rates is logarithmic.

    Raises
    ------
    ValueError
        If more than three schedules are given, or schedules of different lengths.
    TypeError
        If something else than a schedule is given.

    Examples
    --------
    >>> from optimlab.schedules import cosine
    >>> widget = ScheduleComposer(cosine.using(lr=1.0, steps=200))
    >>> widget.rates["A"][[0, 100]]
    array([1. , 0.5])
    """

    steps = traitlets.Int(100).tag(sync=True)
    slots = traitlets.List(traitlets.Dict()).tag(sync=True)
    slot = traitlets.Unicode("A").tag(sync=True)
    step = traitlets.Int(30).tag(sync=True)
    log = traitlets.Bool(False).tag(sync=True)

    def __init__(self, *given: Schedule | Warmup, **state):
        plain = [_main(schedule) for schedule in given]
        # A schedule of the reader's own stands beside ours, or in the place of one with the same name.
        ours = [schedule.formula for schedule in OFFERED.values()]
        self._offered = OFFERED | {main.name: main for main in plain if main.formula not in ours}
        if given:
            state = _given(given, plain, state) | state
        else:
            state = {"slots": PRESETS["three ways down"][1]} | state
        spec = {
            "title": "Compose a schedule",
            "schedules": {name: _spec(schedule) for name, schedule in self._offered.items()},
            "steps": STEPS,
            "warmups": [0, *_COUNTS],
            "starts": _SHARES,
            "presets": {name: {"steps": steps, "slots": slots} for name, (steps, slots) in PRESETS.items()},
        }
        super().__init__(kind="schedules", spec=spec, min_height="66rem", **state)

    @traitlets.validate("steps")
    def _check_steps(self, proposal):
        if not STEPS[0] <= proposal["value"] <= STEPS[-1]:
            raise traitlets.TraitError(f"got steps={proposal['value']}; expected {STEPS[0]} to {STEPS[-1]}")
        self._check(self.slots, proposal["value"])
        return proposal["value"]

    @traitlets.validate("slots")
    def _check_slots(self, proposal):
        self._check(proposal["value"], self.steps)
        return proposal["value"]

    @traitlets.validate("slot")
    def _check_slot(self, proposal):
        if proposal["value"] not in SLOTS:
            raise traitlets.TraitError(f"got slot={proposal['value']!r}; expected A, B or C")
        return proposal["value"]

    @traitlets.validate("step")
    def _check_step(self, proposal):
        if not 1 <= proposal["value"] <= self.steps:
            raise traitlets.TraitError(f"got step={proposal['value']}; expected 1 to steps={self.steps}")
        return proposal["value"]

    @traitlets.observe("steps")
    def _keep_step(self, change):
        self.step = min(self.step, change["new"])

    def _check(self, slots: list, steps: int) -> None:
        """Refuse slots that make no schedule of this many steps."""
        if len(slots) != len(SLOTS):
            raise traitlets.TraitError(f"got {len(slots)} slots; expected three, for A, B and C")
        for letter, slot in zip(SLOTS, slots, strict=True):
            if set(slot) != {"on", "schedule", "hyper", "warmup", "warmup_start"}:
                raise traitlets.TraitError(
                    f"slot {letter} has {', '.join(slot) or 'nothing'}; "
                    "expected on, schedule, hyper, warmup, warmup_start"
                )
            name, warm = slot["schedule"], slot["warmup"]
            if name not in self._offered:
                raise traitlets.TraitError(
                    f"slot {letter} got the schedule {name!r}{closest(name, self._offered)}; "
                    f"there is {', '.join(self._offered)}"
                )
            if isinstance(warm, bool) or not isinstance(warm, int) or not 0 <= warm <= steps // 2:
                raise traitlets.TraitError(
                    f"slot {letter} got warmup={warm!r}; expected 0 to {steps // 2}, half of steps={steps}"
                )
            if "steps" in slot["hyper"]:
                raise traitlets.TraitError(
                    f"slot {letter} got steps among its hyper; the widget's own steps={steps} holds for all"
                )
            try:
                self._make(slot, steps)
            except (FormulaError, TypeError, ValueError) as error:
                raise traitlets.TraitError(f"slot {letter}: {error}") from None

    def _make(self, slot: dict, steps: int) -> Schedule | Warmup:
        schedule = self._offered[slot["schedule"]]
        hyper = schedule.hyper | slot["hyper"]
        if "steps" in schedule.hyper:
            hyper["steps"] = steps - slot["warmup"]
        schedule.using(**hyper)  # refuses what is unknown or out of range before it is rounded
        hyper = {name: _typed(schedule, name, value) for name, value in hyper.items()}
        made = schedule.using(**hyper)
        # Checked also where there is no warm-up: a slider may bring it back.
        before = warmup(made, slot["warmup"] or 1, float(slot["warmup_start"]))
        return before if slot["warmup"] else made

    def schedule(self, slot: str | None = None) -> Schedule | Warmup:
        """Return what a slot holds; that of `slot` if none is named."""
        return self._make(self.slots[SLOTS.index(slot or self.slot)], self.steps)

    @property
    def rates(self) -> dict[str, np.ndarray]:
        """The rates of every slot that is on; index 0 is step 1."""
        t = np.arange(1, self.steps + 1)
        on = [letter for letter, slot in zip(SLOTS, self.slots, strict=True) if slot["on"]]
        return {letter: self.schedule(letter)(t) for letter in on}

    @property
    def code(self) -> str:
        """The PyTorch code of the slot that is shown, or a comment that says why there is none."""
        return _code(self.schedule())

    @property
    def table(self) -> list[list]:
        """One row per slot that is on: slot, schedule, the rate of `step`, then facts about all steps.

        They are the first, the highest and the last rate, the sum, and the share of the steps whose rate is
        at least half of the highest, in percent.
        """
        rows = []
        for letter, rates in self.rates.items():
            # A rate that is half of the highest but for rounding counts.
            high = rates >= rates.max() / 2 * (1 - 1e-9)
            facts = [rates[self.step - 1], rates[0], rates.max(), rates[-1], rates.sum(), 100 * high.mean()]
            rows.append([letter, self._title(letter), *map(float, facts)])
        return rows

    def _title(self, letter: str) -> str:
        slot = self.slots[SLOTS.index(letter)]
        title = _title(slot["schedule"])
        return f"warm-up of {slot['warmup']}, {title}" if slot["warmup"] else title

    def _head(self) -> list[str]:
        at = f"rate of step {self.step}"
        return ["slot", "schedule", at, "first", "highest", "last", "sum", "at half or more, %"]

    def _caption(self) -> str:
        return f"Learning rates over {self.steps} steps"

    def text(self) -> str:
        """Return the slots as a text table, and the PyTorch code of the one that is shown."""
        facts = f"{self._caption()}\n{table(self._head(), self.table)}"
        return f"{facts}\n\nSlot {self.slot} in PyTorch\n{self.code}"

    def html(self) -> str:
        """Return the slots as an HTML table, and the PyTorch code of the one that is shown."""
        head = "".join(f'<th scope="col">{name}</th>' for name in self._head())
        rows = "".join(
            f'<tr><th scope="row">{letter}</th><td>{escape(title)}</td>'
            + "".join(f"<td>{number(value)}</td>" for value in values)
            + "</tr>"
            for letter, title, *values in self.table
        )
        return (
            f"<table><caption>{self._caption()}</caption><thead><tr>{head}</tr></thead>"
            f"<tbody>{rows}</tbody></table><p>Slot {self.slot} in PyTorch:</p><pre>{escape(self.code)}</pre>"
        )


def _main(schedule: Schedule | Warmup) -> Schedule:
    """Return the schedule that follows the warm-up, if there is one."""
    main = schedule.schedule if isinstance(schedule, Warmup) else schedule
    if not isinstance(main, Schedule):
        raise TypeError(f"got {schedule!r}; expected a schedule, such as cosine, or one warm-up before one")
    return main


def _given(given, plain, state: dict) -> dict:
    """Return the state in which the slots hold what is given; the rest are examples, switched off."""
    if len(given) > len(SLOTS):
        raise ValueError(f"got {len(given)} schedules; there is room for three")
    lengths = {int(schedule.length) for schedule in given if schedule.length is not None}
    lengths |= {state["steps"]} if "steps" in state else set()
    if len(lengths) > 1:
        raise ValueError(
            f"got schedules for {' and '.join(map(str, sorted(lengths)))} steps; all slots have the same: "
            "give each steps=... so that warm-up and schedule together have as many"
        )
    slots = [slot | {"on": False} for slot in PRESETS["three ways down"][1]]
    for i, (schedule, main) in enumerate(zip(given, plain, strict=True)):
        warm = isinstance(schedule, Warmup)
        slots[i] = {
            "on": True,
            "schedule": main.name,
            "hyper": _hyper(main),
            "warmup": schedule.steps if warm else 0,
            "warmup_start": schedule.start if warm else 0.1,
        }
    return {"slots": slots} | ({"steps": lengths.pop()} if lengths else {})


def _title(name: str) -> str:
    return TITLES.get(name, name.replace("_", " "))


def _typed(schedule: Schedule, name: str, value: float) -> int | float:
    """Return the number as whole or not, as the default is: code in Python shows the difference."""
    return int(value) if isinstance(schedule.hyper[name], int) else float(value)


def _code(schedule: Schedule | Warmup) -> str:
    try:
        return schedule.torch_code()
    except ValueError as error:
        return f"# No PyTorch code: {error}"


def _spec(schedule: Schedule) -> dict:
    """Return a schedule as the front end wants it."""
    hyper = _hyper(schedule)
    return {
        "title": _title(schedule.name),
        "plain": schedule.javascript(),
        "warm": warmup(schedule, 1).javascript(),
        "hyper": hyper,
        "sliders": {name: [LABELS.get(name, name), _stops(schedule, name)] for name in hyper},
        "whole": [name for name, value in schedule.hyper.items() if isinstance(value, int)],
        "code": [_template(schedule), _template(schedule, 0.625), _template(schedule, 0.0)],
    }


def _stops(schedule: Schedule, name: str) -> list:
    """Return the values that the slider of a hyper-parameter stops at: those that the schedule accepts."""
    value = schedule.hyper[name]
    good = []
    for candidate in sorted({*STOPS.get(name, stops(name, value)), value}):
        try:
            schedule.using(**{name: candidate})
        except FormulaError:
            continue
        good.append(candidate)
    return good


def _template(schedule: Schedule, start: float | None = None) -> str:
    """Return PyTorch code with places for the numbers, such as ``{lr}``, ``{first}`` or ``{steps-1}``.

    It is written with numbers that cannot be mistaken for one another; then each is looked for. With a
    `start` there is a warm-up of ``{warmup}`` steps from ``{warmup_start}``.
    """
    marks = {
        name: 71_000 + 1000 * i if isinstance(value, int) else 0.40703 + i / 64
        for i, (name, value) in enumerate(schedule.hyper.items())
    }
    made = schedule.using(**marks)
    first = float(made(1))
    if start is not None:
        made = warmup(made, 70_000, start)
        marks |= {"warmup": 70_000, "warmup_start": start}
    places = {repr(mark): f"{{{name}}}" for name, mark in marks.items()}
    places |= {repr(mark - 1): f"{{{name}-1}}" for name, mark in marks.items() if isinstance(mark, int)}
    number_ = re.compile(r"(?<![\w.])\d+(\.\d+)?(e[+-]\d+)?")

    def put(line: str) -> str:
        if line.startswith("#"):
            return line
        # The optimizer is made with the schedule's first rate, which need not be a hyper-parameter.
        here = places | {repr(first): "{first}"} if line.startswith("optimizer") else places
        return number_.sub(lambda found: here.get(found[0], found[0]), line)

    return "\n".join(map(put, _code(made).split("\n")))
