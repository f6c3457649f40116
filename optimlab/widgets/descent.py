"""Several optimizers descend a landscape at once, from a start that the reader drags."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from numbers import Real

import numpy as np
import traitlets

from .. import landscapes, rules
from ..catalog import find
from ..descent import run
from ..format import number, table
from ..formula import closest
from ..landscapes import Landscape
from ..plots import STYLE
from ..rule import Rule
from ..translate import javascript_of_results, plain_name
from . import _random
from ._base import Widget, stops, strokes

DEFAULTS = ("gradient_descent", "momentum", "rmsprop", "adam")
NEAR = 1e-3  # how far above the minimum a value counts as arrived
TINY = 1e-9  # what is smaller depends on the machine's rounding
ARROWS = ("none", "step", "velocity", "rate")
NOISE = [0.0, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 1.5, 2.0, 3.0, 5.0, 7.0, 10.0]
RATES = [float(f"{figure}e{power}") for power in range(-6, 2) for figure in (1, 1.5, 2, 3, 4, 5, 6, 7, 8, 9)]
SLIDERS = 2  # a landscape with more numbers than this, such as the data of a fit, keeps them as they are
TONES = (3, 5, 4, 1, 2)  # for rules that have no color of their own
BEGIN = "as it began"


class Descent(Widget):
    """Optimizers side by side on a landscape: paths, values, steps, and effective learning rates.

    Parameters
    ----------
    *rules : str or Rule
        Names of `optimlab.rules` or rules of your own, with a weight ``w`` and a gradient ``g``. By default
        gradient descent, momentum, RMSprop and Adam.
    on : str or Landscape, or a list of them, default "ravine"
        Where they descend. The reader can choose among several.
    start : sequence of float, optional
        Where they start, on every landscape of that many weights; by default the landscape's ``start``.
    steps : int, default 100
        How many steps they make.
    lr : float, optional
        The learning rate of all of them. Without it, rules of the package get a rate that suits the
        landscape (see Notes), and rules of your own the one that they were written with.
    hyper : dict of str to dict, optional
        Hyper-parameters by rule and name, such as ``{"adam": {"beta1": 0.5}}``. They win over `lr`.
    **state
        Any of the attributes below.

    Attributes
    ----------
    landscape : str
        The name of the landscape that is shown.
    numbers : dict of str to dict
        The numbers of each landscape that have sliders, such as ``{"ravine": {"kappa": 10.0}}``; each is one
        of the slider's stops.
    starts : dict of str to list of float
        Where the runs start on each landscape.
    shown : list of str
        The names of the rules that run.
    tuned : str
        The rule whose hyper-parameters have the sliders.
    hyper : dict of str to dict
        The hyper-parameters of each rule. What is left out is as it was in the beginning.
    noise : float, default 0
        The standard deviation of normal noise in every gradient, the same draws for every rule.
    seed : int, default 1
        The seed of the noise.
    step : int
        The step whose point is marked, 0 to `steps`.
    arrows : {"step", "velocity", "rate", "none"}, default "step"
        What is drawn at the marked points: the step just made, the velocity (the first quantity of a rule's
        state that turns around with the gradients), each beside the negative gradient; the effective
        learning rate along each axis; or nothing.

    Raises
    ------
    ValueError
        If a rule or a landscape does not fit, or a name is not known.

    Notes
    -----
    The rate that suits: a rule whose step is proportional to the gradient gets 0.9 times the limit of
    gradient descent at the landscape's largest curvature (at the start and the minima), less by the root of
    how much the rule speeds up under a constant gradient. Any other rule, and every rule on a landscape
    without curvature, gets a first step of 5 % of the window. Choosing another landscape in the page
    brings that landscape's rates with it.
    """

    landscape = traitlets.Unicode().tag(sync=True)
    numbers = traitlets.Dict().tag(sync=True)
    starts = traitlets.Dict().tag(sync=True)
    shown = traitlets.List(traitlets.Unicode()).tag(sync=True)
    tuned = traitlets.Unicode().tag(sync=True)
    hyper = traitlets.Dict().tag(sync=True)
    noise = traitlets.Float(0.0).tag(sync=True)
    seed = traitlets.Int(1).tag(sync=True)
    step = traitlets.Int(0).tag(sync=True)
    arrows = traitlets.Unicode("step").tag(sync=True)

    def __init__(
        self,
        *rules: str | Rule,
        on: str | Landscape | Sequence[str | Landscape] = "ravine",
        start: Sequence[float] | None = None,
        steps: int = 100,
        lr: float | None = None,
        hyper: Mapping[str, Mapping[str, float]] | None = None,
        **state,
    ):
        self._rules = _rules(rules or DEFAULTS)
        self._landscapes = _landscapes(on)
        if isinstance(steps, bool) or not isinstance(steps, int) or not 1 <= steps <= 1000:
            raise ValueError(f"got steps={steps!r}; expected a whole number from 1 to 1000")
        self.steps = steps
        self._stops = {name: _stops(land) for name, land in self._landscapes.items()}
        first = next(iter(self._landscapes.values()))
        hyper = {} if hyper is None else hyper
        self._check_given(hyper)
        if lr is not None:
            if not _finite(lr):
                raise ValueError(f"got lr={lr!r}; expected a finite number, at least 0")
            for rule in self._rules.values():
                if "lr" in rule.hyper:
                    rule.check(lr=lr)
        rates = {name: self._rates(land, lr, hyper) for name, land in self._landscapes.items()}
        self._first_hyper = {
            name: {key: float(value) for key, value in rule.hyper.items()}
            for name, rule in self._rules.items()
        }
        for name, rate in rates[first.name].items():
            self._first_hyper[name]["lr"] = rate
        self._first_hyper = self._complete(hyper)
        self._first_numbers = {
            name: {key: float(self._landscapes[name].hyper[key]) for key in found}
            for name, found in self._stops.items()
        }
        size = len(start) if hasattr(start, "__len__") else None
        self._first_starts = {
            name: _start(land, start if size == land.dimension else land.start)
            for name, land in self._landscapes.items()
        }
        if start is not None and not any(size == land.dimension for land in self._landscapes.values()):
            raise ValueError(f"got start={start!r}; {first.name} expects {first.dimension} numbers")
        begin = {
            "landscape": first.name,
            "numbers": self._first_numbers,
            "starts": self._first_starts,
            "shown": list(self._rules),
            "tuned": next(iter(self._rules)),
            "hyper": self._first_hyper,
            "noise": 0.0,
            "seed": 1,
            "step": min(12, steps),
            **state,
        }
        curves = strokes(name for name in self._rules if name in STYLE)
        spec = {
            "title": "Drag the start, then follow the paths",
            "steps": steps,
            "near": NEAR,
            "noise": NOISE,
            "rules": {
                name: _rule(rule, curves.get(name), self._first_hyper[name], i)
                for i, (name, rule) in enumerate(self._rules.items())
            },
            "landscapes": {
                name: _landscape(land, self._stops[name], rates[name])
                for name, land in self._landscapes.items()
            },
        }
        height = 66 + (0 if len(self._rules) < 6 else 2 + len(self._rules) / 4)
        super().__init__(kind="descent", min_height=f"{height:.0f}rem", **begin)
        self._begin = {name: getattr(self, name) for name in begin}
        self._presets = _presets(self._rules, self._ground, self._begin, self._stops[first.name])
        self.spec = {**spec, "begin": self._begin, "presets": self._presets}

    def _rates(self, land: Landscape, lr: float | None, hyper: Mapping) -> dict[str, float]:
        """Return the learning rate of every rule that has one, on one landscape."""
        found = {}
        for name, rule in self._rules.items():
            if "lr" in rule.hyper:
                given = hyper.get(name, {}).get("lr", lr)
                own = rule.hyper["lr"] if STYLE.get(name) is None else suitable_rate(rule, land)
                found[name] = float(own if given is None else given)
        return found

    def _check_given(self, hyper: Mapping) -> None:
        """Refuse hyper-parameters that no rule has or that lie outside their range."""
        if not isinstance(hyper, Mapping):
            raise ValueError(f"got hyper={hyper!r}; expected a dict such as {{'adam': {{'lr': 0.1}}}}")
        for name, values in hyper.items():
            if name not in self._rules:
                raise ValueError(
                    f"there is no rule {name!r}{closest(name, self._rules)}; {self._known_rules()}"
                )
            if not isinstance(values, Mapping):
                raise ValueError(f"got hyper of {name}={values!r}; expected a dict such as {{'lr': 0.1}}")
            for key, value in values.items():
                if not _finite(value):
                    raise ValueError(f"{name} got {key}={value!r}; expected a finite number")
            self._rules[name].check(**values)

    def _complete(self, hyper: Mapping) -> dict[str, dict[str, float]]:
        """Return all hyper-parameters of all rules: those given, and the others from the beginning."""
        self._check_given(hyper)
        return {
            name: first | {key: float(value) for key, value in hyper.get(name, {}).items()}
            for name, first in self._first_hyper.items()
        }

    def _known_rules(self) -> str:
        return f"this widget has {', '.join(self._rules)}"

    @traitlets.validate("landscape")
    def _check_landscape(self, proposal):
        name = proposal["value"]
        if name not in self._landscapes:
            raise traitlets.TraitError(
                f"there is no landscape {name!r}{closest(name, self._landscapes)}; this widget has "
                f"{', '.join(self._landscapes)}"
            )
        return name

    @traitlets.validate("numbers")
    def _check_numbers(self, proposal):
        found = {name: dict(values) for name, values in self._first_numbers.items()}
        for name, values in proposal["value"].items():
            for key, value in values.items():
                known = self._stops.get(name, {})
                if key not in known:
                    raise traitlets.TraitError(
                        f"{name} has no slider for {key!r}; it has {', '.join(known) or 'none'}"
                    )
                if value not in known[key]:
                    raise traitlets.TraitError(
                        f"got {key}={value!r}; the slider stops at {', '.join(map(number, known[key]))}. "
                        f"For another value make the widget with {name}.using({key}={value!r})"
                    )
                found[name][key] = float(value)
        return found

    @traitlets.validate("starts")
    def _check_starts(self, proposal):
        found = dict(self._first_starts)
        for name, value in proposal["value"].items():
            if name not in self._landscapes:
                raise traitlets.TraitError(
                    f"there is no landscape {name!r}; this widget has {', '.join(self._landscapes)}"
                )
            try:
                found[name] = _start(self._landscapes[name], value)
            except ValueError as error:
                raise traitlets.TraitError(str(error)) from error
        return found

    @traitlets.validate("shown")
    def _check_shown(self, proposal):
        for name in proposal["value"]:
            self._check_name(name)
        return [name for name in self._rules if name in proposal["value"]]

    @traitlets.validate("tuned")
    def _check_tuned(self, proposal):
        return self._check_name(proposal["value"])

    def _check_name(self, name: str) -> str:
        if name not in self._rules:
            raise traitlets.TraitError(
                f"there is no rule {name!r}{closest(name, self._rules)}; {self._known_rules()}"
            )
        return name

    @traitlets.validate("hyper")
    def _check_hyper(self, proposal):
        try:
            return self._complete(proposal["value"])
        except ValueError as error:
            raise traitlets.TraitError(str(error)) from error

    @traitlets.validate("noise")
    def _check_noise(self, proposal):
        if not 0 <= proposal["value"] <= 1e6:
            raise traitlets.TraitError(f"got noise={proposal['value']}; expected 0 to 1e6")
        return proposal["value"]

    @traitlets.validate("arrows")
    def _check_arrows(self, proposal):
        if proposal["value"] not in ARROWS:
            raise traitlets.TraitError(
                f"got arrows={proposal['value']!r}{closest(proposal['value'], ARROWS)}; "
                f"expected one of {', '.join(ARROWS)}"
            )
        return proposal["value"]

    @traitlets.validate("seed")
    def _check_seed(self, proposal):
        if not 0 <= proposal["value"] < 2**32:
            raise traitlets.TraitError(f"got seed={proposal['value']}; expected 0 to 2**32 - 1")
        return proposal["value"]

    @traitlets.validate("step")
    def _check_step(self, proposal):
        if not 0 <= proposal["value"] <= self.steps:
            raise traitlets.TraitError(f"got step={proposal['value']}; expected 0 to {self.steps}")
        return proposal["value"]

    def choose(self, preset: str) -> None:
        """Go to one of the presets: the beginning, with what the preset changes.

        Raises
        ------
        ValueError
            If there is no such preset; the message lists those that there are.
        """
        if preset not in self._presets:
            raise ValueError(
                f"there is no preset {preset!r}{closest(preset, self._presets)}; there are "
                f"{', '.join(self._presets)}"
            )
        changes = self._presets[preset]
        with self.hold_trait_notifications():
            for name, value in self._begin.items():
                setattr(self, name, _merged(value, changes.get(name, value)))

    @property
    def start(self) -> list[float]:
        """Where the runs start now; it can be set."""
        return self.starts[self.landscape]

    @start.setter
    def start(self, value: Sequence[float]) -> None:
        self.starts = {**self.starts, self.landscape: value}

    @property
    def _ground(self) -> Landscape:
        return self._landscapes[self.landscape].using(**self.numbers[self.landscape])

    def _run(self, name: str):
        """Run one rule as the widget stands now, with its gradients recorded."""
        land = self._ground
        on = land
        if self.noise:
            size = self.noise * _random.normal(self.seed, self.steps * land.dimension)
            size = size.reshape(self.steps, land.dimension)

            def on(w, t):
                return land.gradient(w, *([t] if land.online else [])) + size[t - 1]

        return run(
            self._rules[name],
            on,
            start=self.start,
            steps=self.steps,
            record=("w", "g"),
            box=land.box,
            **self.hyper[name],
        )

    @property
    def paths(self) -> dict[str, np.ndarray]:
        """The weights of every shown rule, by step: shape (steps + 1, n); index 0 is the start."""
        return {name: self._run(name)["w"] for name in self.shown}

    def _value(self, w: np.ndarray, t: int) -> float:
        land = self._ground
        return land.value(w, *([t] if land.online else []))

    @property
    def now(self) -> list[list]:
        """One row per shown rule about the marked step; its head is ``now_head``.

        The weights, the value there, the gradient that the step used, the step itself, and the effective
        rate, step over negative gradient. None where a run has no such number: at the start, after it
        diverged, and for the rate where the gradient is zero.
        """
        rows = []
        t = self.step
        for name in self.shown:
            found = self._run(name)
            w, g = found["w"], found["g"]
            empty = [None] * w.shape[1]
            row = [name, *map(float, w[t]), self._value(w[t], t)]
            if t == 0 or np.isnan(g[t]).any():
                rows.append([*row, *empty, *empty, *empty])
                continue
            made = w[t] - w[t - 1]
            rates = [float(-d / x) if x != 0 else None for d, x in zip(made, g[t], strict=True)]
            rows.append([*row, *map(float, g[t]), *map(float, made), *rates])
        return rows

    @property
    def now_head(self) -> list[str]:
        """What the columns of `now` hold."""
        names = self._ground.coordinates
        words = ("gradient", "step", "rate")
        return ["optimizer", *names, "value", *(f"{word} {name}" for word in words for name in names)]

    @property
    def table(self) -> list[list]:
        """One row per shown rule about the whole run; its head is ``head``.

        The last weights, the value there, the distance to the nearest minimum, the first step at which the
        value is within 0.001 of the lowest minimum's, and the step at which the run diverged. None where
        there is no such number.
        """
        land = self._ground
        minima = [point.w for point in land.minima]
        lowest = land.value(minima[0]) if minima and not land.online else None
        rows = []
        for name in self.shown:
            found = self._run(name)
            w = found["w"]
            distance = min((math.dist(w[-1], point) for point in minima), default=None)
            arrived = None
            if lowest is not None:
                (steps,) = np.nonzero(land.value(w.T) - lowest <= NEAR)
                arrived = int(steps[0]) if len(steps) else None
            lost = int(found.diverged_at) or None
            rows.append([name, *map(float, w[-1]), self._value(w[-1], self.steps), distance, arrived, lost])
        return rows

    @property
    def head(self) -> list[str]:
        """What the columns of `table` hold."""
        names = self._ground.coordinates
        return ["optimizer", *names, "value", "distance", f"first within {NEAR:g}", "diverged at"]

    def _caption(self) -> str:
        numbers = ", ".join(f"{plain_name(k)} = {number(v)}" for k, v in self.numbers[self.landscape].items())
        place = _label(self.landscape) + (f" with {numbers}" if numbers else "")
        start = ", ".join(number(x, 4) for x in self.start)
        noise = f", noise {number(self.noise)} (seed {self.seed})" if self.noise else ""
        cut = any(0 < abs(x) < TINY for row in self.table for x in row[1:] if x is not None)
        small = f"; 0 stands for less than {TINY:g}" if cut else ""
        return f"After {self.steps} steps on the landscape {place}, from ({start}){noise}{small}"

    def _facts(self) -> list[list]:
        """Return the table with the hyper-parameters, to so few digits that every machine gives the same."""

        def few(x):
            return x if x is None else 0.0 if abs(x) < TINY else float(number(x, 4))

        rows = []
        for row in self.table:
            hyper = ", ".join(f"{plain_name(k)} {number(v)}" for k, v in self.hyper[row[0]].items())
            rows.append([row[0], hyper, *map(few, row[1:])])
        return rows

    @property
    def _facts_head(self) -> list[str]:
        return [self.head[0], "with", *self.head[1:]]

    def text(self) -> str:
        """Return where the runs end as a text table; what is very small is written as 0."""
        return f"{self._caption()}\n{table(self._facts_head, self._facts())}"

    def html(self) -> str:
        """Return where the runs end as an HTML table."""
        head = "".join(f'<th scope="col">{escape(name)}</th>' for name in self._facts_head)

        def cell(value) -> str:
            return "" if value is None else escape(value) if isinstance(value, str) else number(value)

        rows = "".join(
            f'<tr><th scope="row">{escape(_label(row[0]))}</th>'
            + "".join(f"<td>{cell(value)}</td>" for value in row[1:])
            + "</tr>"
            for row in self._facts()
        )
        return (
            f"<table><caption>{escape(self._caption())}</caption><thead><tr>{head}</tr></thead>"
            f"<tbody>{rows}</tbody></table>"
        )


def suitable_rate(rule: Rule, land: Landscape) -> float:
    """Return a learning rate with which a rule makes a good picture on a landscape; see `Descent`."""
    start = np.array(land.start)
    spans = np.array([high - low for low, high in land.window])
    minima = [np.array(point.w) for point in land.minima]
    clocks = range(1, 13) if land.online else [None]
    curvature = 0.0
    if "hessian" in land.formulas:
        found = [land.hessian(w, t) for w in (start, *minima) for t in clocks]
        curvature = max(float(np.max(np.abs(landscapes.eigenvalues(hessian)))) for hessian in found)
    # Under a constant gradient: the first step, and how much longer steps become.
    one, two = (-np.diff(rule.trace(w=0.0, g=np.full(200, g), lr=1.0)["w"]) for g in (1.0, 2.0))
    proportional = math.isclose(two[0], 2 * one[0], rel_tol=1e-6)
    slope = (
        max(float(np.max(np.abs(land.gradient(start, t)) / spans)) for t in clocks) if proportional else 1.0
    )
    if proportional and curvature:
        rate = 0.9 * 2 / curvature / math.sqrt(max(one[-1] / one[0], 1.0)) / one[0]
        # Where nothing stops a run, its first step is small.
        most = 0.75 if minima else 0.05
        rate = min(rate, most / (slope * one[0])) if slope else rate
    elif proportional:
        rate = 0.05 / (slope * one[0]) if slope else 1.0
    else:
        rate = 0.05 * float(np.min(spans)) / one[0]
    return max((value for value in RATES if value <= rate * (1 + 1e-9)), default=RATES[0])


def _rules(given: Sequence[str | Rule]) -> dict[str, Rule]:
    found: dict[str, Rule] = {}
    for entry in given:
        rule = find(entry) if isinstance(entry, str) else entry
        if not isinstance(rule, Rule):
            raise ValueError(f"got {entry!r}; expected the name of a rule or a Rule")
        if "w" not in rule.carried or rule.inputs != ("g",):
            known = ", ".join(name for name in vars(rules) if name in STYLE)
            raise ValueError(
                f"{rule.name} is not an optimizer: a descent needs a weight w and a gradient g, as in {known}"
            )
        if rule.name in found:
            raise ValueError(f"got two rules named {rule.name!r}; give one of them another name")
        found[rule.name] = rule
    return found


def _landscapes(on) -> dict[str, Landscape]:
    entries = [on] if isinstance(on, str | Landscape) or not isinstance(on, Iterable) else list(on)
    found: dict[str, Landscape] = {}
    for entry in entries:
        land = landscapes.find(entry) if isinstance(entry, str) else entry
        if not isinstance(land, Landscape):
            raise ValueError(f"got on={entry!r}; expected the name of a landscape or a Landscape")
        if land.dimension > 2:
            raise ValueError(f"{land.name} has {land.dimension} weights; a picture has room for one or two")
        if "gradient" not in land.formulas:
            raise ValueError(f"{land.name} declares no gradient; add it with @{land.name}.has_gradient")
        if land.name in found:
            raise ValueError(f"got two landscapes named {land.name!r}; give the sliders' first values only")
        found[land.name] = land
    if not found:
        raise ValueError("got on=[]; expected at least one landscape")
    return found


def _finite(value) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)


def _start(land: Landscape, value) -> list[float]:
    try:
        start = [float(x) for x in value]
    except (TypeError, ValueError):
        start = []
    if len(start) != land.dimension or not all(abs(x) <= 1e6 for x in start):
        raise ValueError(
            f"got start={value!r}; {land.name} expects {land.dimension} numbers, at most 1e6 in size"
        )
    return start


def _stops(land: Landscape) -> dict[str, list[float]]:
    """Return where the sliders for a landscape's numbers stop: up to a factor of ten from their values."""
    if len(land.hyper) > SLIDERS:
        return {}
    found = {}
    for name, value in land.hyper.items():
        if value:
            near = [x for x in stops(f"number {name}", value) if 0.1 <= x / value <= 10]
            found[name] = near
        else:
            found[name] = stops(f"number {name}", 0.0)
    return found


def _label(name: str) -> str:
    return name.replace("_", " ")


def _rule(rule: Rule, stroke: dict | None, hyper: dict[str, float], place: int) -> dict:
    """Return one rule as the front end wants it."""
    return {
        "label": _label(rule.name),
        "step": rule.javascript(),
        "point": rule.look_ahead and javascript_of_results(rule.look_ahead),
        "state": {name: float(value) for name, value in rule.state.items()},
        "velocity": _velocity(rule),
        "sliders": {
            name: {"label": f"{plain_name(name)} ({name})", "values": stops(name, value)}
            for name, value in hyper.items()
        },
        "look": {"stroke": stroke} if stroke else {"tone": TONES[place % len(TONES)]},
    }


def _velocity(rule: Rule) -> str | None:
    """Return the first quantity of the state that turns around when the gradients do, if there is one."""
    there, back = (rule.trace(w=0.0, g=[sign, sign / 2]) for sign in (0.7, -0.7))
    turned = (name for name in rule.state if there[name][-1] == -back[name][-1] != 0)
    return next(turned, None)


def _landscape(land: Landscape, sliders: dict[str, list[float]], rates: dict[str, float]) -> dict:
    """Return one landscape as the front end wants it."""
    return {
        "label": _label(land.name),
        "formulas": land.javascript(),
        "sliders": {
            name: {"label": f"{plain_name(name)} of the landscape", "values": values}
            for name, values in sliders.items()
        },
        "starts": [_grid(*window) for window in land.window],
        "minima": _minima(land, sliders),
        "rates": rates,
    }


def _grid(low: float, high: float) -> dict:
    """Return the round numbers between two ends, about 200 of them, as first, step and count."""
    rough = (high - low) / 200
    power = 10.0 ** math.floor(math.log10(rough) + 1e-9)
    step = max(figure * power for figure in (1, 2, 5) if figure * power <= rough * (1 + 1e-9))
    return {
        "first": math.ceil(low / step - 1e-9),
        "count": math.floor((high - low) / step + 1e-9) + 1,
        "step": step,
    }


def _minima(land: Landscape, sliders: dict[str, list[float]]) -> dict:
    """Return the minima for every stop of the sliders that move them: the browser only looks them up."""

    def at(**numbers):
        return [list(point.w) for point in land.using(**numbers).minima]

    by = [name for name in sliders if any(at(**{name: value}) != at() for value in sliders[name])]
    places = itertools.product(*(range(len(sliders[name])) for name in by))
    return {
        "by": by,
        "at": {
            ",".join(map(str, place)): at(**{n: sliders[n][i] for n, i in zip(by, place, strict=True)})
            for place in places
        },
    }


def _merged(old, new):
    """Return a value with the changes of a preset: dicts of dicts entry by entry."""
    if isinstance(old, dict) and isinstance(new, dict):
        return old | {name: _merged(old.get(name), value) for name, value in new.items()}
    return new


def _presets(known: dict[str, Rule], land: Landscape, begin: dict, sliders: dict[str, list[float]]) -> dict:
    """Return what each preset changes in the beginning; only those that suit the rules and the landscape."""
    found: dict[str, dict] = {BEGIN: {}}
    quadratic = land.minima and "hessian" in land.formulas and not land.online
    if quadratic:
        values = landscapes.eigenvalues(land.hessian(land.minima[0].w))
        here = landscapes.eigenvalues(land.hessian(begin["starts"][land.name]))
        low, high = float(values[0]), float(values[-1])
        quadratic = land.dimension == 2 and np.allclose(values, here) and low > 0
    if quadratic:
        limit = 2 / high

        def rates(**lr):
            return {"hyper": {name: value for name, value in lr.items() if name in known}}

        if "gradient_descent" in known:
            found["gradient descent just below its limit"] = rates(
                gradient_descent={"lr": _rounded(0.98 * limit)}
            )
            found["gradient descent just above its limit"] = rates(
                gradient_descent={"lr": _rounded(1.02 * limit)}
            )
        if {"gradient_descent", "momentum"} <= set(known):
            root_low, root_high = math.sqrt(low), math.sqrt(high)
            share = ((root_high - root_low) / (root_high + root_low)) ** 2
            found["both at their best rates"] = rates(
                gradient_descent={"lr": _rounded(2 / (low + high))},
                momentum={"lr": _rounded(4 / (root_low + root_high) ** 2), "momentum": _rounded(share)},
            ) | {"shown": ["gradient_descent", "momentum"]}
    if "kappa" in sliders:
        kappa = begin["numbers"][land.name]["kappa"]
        wider = max(value for value in sliders["kappa"] if value <= 5 * kappa * (1 + 1e-9))
        found["a ravine five times as narrow"] = {"numbers": {land.name: {"kappa": wider}}}
    with_rate = [name for name in known if "lr" in begin["hyper"][name]]
    if len(with_rate) > 1:
        rate = begin["hyper"][with_rate[0]]["lr"]
        found["the same learning rate for all"] = {"hyper": {name: {"lr": rate} for name in with_rate}}
    if ridge := _ridge(land, begin["starts"][land.name]):
        found["start exactly on the ridge"] = {"starts": {land.name: ridge}}
    if len(known) > 1:
        slope = float(np.max(np.abs(land.gradient(begin["starts"][land.name], 1 if land.online else None))))
        noise = max((value for value in NOISE if value <= 0.1 * slope), default=0.1)
        found["noise in every gradient"] = {"noise": noise}
    return found


def _ridge(land: Landscape, start: list[float]) -> list[float] | None:
    """Return a start level with a saddle, from which the gradient leads straight to it, if there is one."""
    if land.online or land.dimension != 2:
        return None
    for point in land.points:
        for i in range(2):
            level = [point.w[i] if j == i else x for j, x in enumerate(start)]
            g = land.gradient(level)
            toward = g[1 - i] * (start[1 - i] - point.w[1 - i]) > 0
            if point.kind == "saddle" and level != start and g[i] == 0 and toward:
                return level
    return None


def _rounded(x: float) -> float:
    return float(number(x, 3))
