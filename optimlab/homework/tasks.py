"""The kinds of tasks that homework can ask, and what is said about an answer.

    Value        numbers: one, a list, or a dict of named ones, worked by hand or measured
    Function     a function, or with ``rule=True`` a rule in the small language of the course
    Match        which is which: a dict from label to one of several options
    Prediction   numbers that only have to be there: a guess that is written down before it is measured
    Search       a function that finds good settings with few trials

What a task needs to know is given as functions of the homework ``n``, so that ``n["lr"]`` is a given
number. A `Mistake` is a wrong way to the answer and the sentence for somebody who took it.
"""

from __future__ import annotations

import copy
import functools
import itertools
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np

from .. import walkthroughs
from ..format import number
from ..formula import FormulaError
from ..rule import Rule
from ..walkthroughs import Walkthrough

# How far a mistake has to lie from the right answer, in tolerances, so that it cannot pass.
APART = 10
# What the message shows of an answer, in characters.
SHOWN = 120


class AnswerError(AssertionError):
    """An answer that is not right; the message is all that a notebook shows of it."""

    def _render_traceback_(self) -> list[str]:
        # IPython asks for this: the reader's mistake is in the answer, not in the lines that checked it.
        return [str(self)]


class BudgetError(RuntimeError):
    """A search asked for more trials than it may make."""


class Task(Protocol):
    """What every kind of task can do."""

    def problem(self, answer, n: Mapping) -> str | None:
        """Return what is wrong with an answer, or None."""

    def separates(self, n: Mapping) -> bool:
        """Return whether no typical mistake gives the right answer with these numbers."""


class Mistake(NamedTuple):
    """A typical mistake.

    Attributes
    ----------
    value : callable
        What comes out, from the given numbers; for a `Function` the wrong function itself.
    hint : str
        What to say to somebody who made it: one or two sentences, without the right answer.
    """

    value: Callable
    hint: str


@functools.cache
def example(chapter: str, identity: str) -> Walkthrough:
    """Return a worked example of the notes, such as ``example("momentum", "momentum-ravine")``.

    The same as `walkthroughs.get`, which reads the examples of all chapters; this reads those of one.
    """
    return walkthroughs.load(Path(walkthroughs.__file__).with_name(f"{chapter}.yaml"))[identity]


# Numbers --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Value:
    """Numbers: one, a list of them, or a dict of named ones.

    Parameters
    ----------
    right : callable
        The right answer from the given numbers; its shape says what is asked for.
    mistakes : sequence of Mistake
        The first that gives what was answered is what the hint is about.
    hint : str
        What to say when none does.
    digits : int, default 4
        How many significant digits an answer needs, at least.
    """

    right: Callable[[Mapping], Any]
    mistakes: Sequence[Mistake] = ()
    hint: str = "Work it again, one step per line."
    digits: int = 4

    def problem(self, answer, n: Mapping) -> str | None:
        """Return what is wrong with an answer, or None."""
        right = self.right(n)
        if found := missing(answer) or _unlike(answer, right):
            return found
        if self._same(answer, right):
            return None
        for mistake in self.mistakes:
            wrong = mistake.value(n)
            if _unlike(answer, wrong) is None and self._same(answer, wrong):
                return f"got {_shown(answer)}. {mistake.hint}"
        return f"got {_shown(answer)}. {self.hint}"

    def separates(self, n: Mapping) -> bool:
        """Return whether no mistake is near the right answer."""
        right = self.right(n)
        wrong = [mistake.value(n) for mistake in self.mistakes]
        return not any(_unlike(w, right) is None and self._same(w, right, APART) for w in wrong)

    def _same(self, one, other, factor: float = 1) -> bool:
        if isinstance(other, Mapping):
            one = {key: one[key] for key in other}
        a, b = (np.array(list(_leaves(value).values()), dtype=float) for value in (one, other))
        # Half a unit of the last digit asked for, where the first digit is a one.
        room = factor * (0.51 * 10.0 ** (1 - self.digits) * np.abs(b) + 1e-9)
        return bool(np.all((np.abs(a - b) <= room) | (a == b)))


class ByHand(Value):
    """Numbers for which no two mistakes come to the same, so that the hint is about the one that was made."""

    def separates(self, n: Mapping) -> bool:
        """Return whether all mistakes differ from the right answer and from each other."""
        wrong = [np.array(mistake.value(n)) for mistake in self.mistakes]
        apart = not any(np.allclose(a, b, rtol=0.01, atol=0) for a, b in itertools.combinations(wrong, 2))
        return apart and super().separates(n)


@dataclass(frozen=True)
class Prediction:
    """Numbers that only have to be there, by name; nobody compares them.

    Parameters
    ----------
    names : sequence of str
        What is predicted.
    least, most : float
        What a sensible guess lies between.
    """

    names: Sequence[str]
    least: float = 0.0
    most: float = math.inf

    def problem(self, answer, n: Mapping) -> str | None:
        """Return what is wrong with an answer, or None."""
        if found := missing(answer) or _unlike(answer, dict.fromkeys(self.names, 1.0)):
            return found
        for name, value in answer.items():
            if not self.least <= value <= self.most:
                most = "" if math.isinf(self.most) else f" and at most {self.most:g}"
                return f"got {value!r} for {name!r}; a guess is at least {self.least:g}{most}"
        return None

    def separates(self, n: Mapping) -> bool:
        """Nothing is compared."""
        return True


# Functions ------------------------------------------------------------------------------------


class Call(NamedTuple):
    """Arguments to call a function with; made by `call`."""

    arguments: tuple
    keywords: dict

    def __str__(self) -> str:
        given = [*map(_shown, self.arguments), *(f"{k}={_shown(v)}" for k, v in self.keywords.items())]
        return f"({', '.join(given)})"


def call(*arguments, **keywords) -> Call:
    """Return a call to make: ``call(1.0, 2.0, lr=0.1)``."""
    return Call(arguments, keywords)


@dataclass(frozen=True)
class Function:
    """A function that has to give what the right one gives.

    Parameters
    ----------
    right : callable
        The right function.
    calls : callable
        The calls to make, from the given numbers. They are small: when one goes wrong, the message shows
        it, with what was expected.
    mistakes : sequence of Mistake
        AnswerError functions. The first that gives what was given in every call is what the hint is about.
    rule : bool, default False
        Whether it has to be a rule, such as widgets run: written in the small language of the course.
    relative : float, default 1e-7
        How far a result may be off.
    """

    right: Callable
    calls: Callable[[Mapping], Sequence[Call]]
    mistakes: Sequence[Mistake] = ()
    rule: bool = False
    relative: float = 1e-7

    def problem(self, answer, n: Mapping) -> str | None:
        """Return what is wrong with an answer, or None."""
        if found := missing(answer):
            return found
        if not callable(answer):
            return f"got {_shown(answer)}; expected a function"
        if self.rule:
            try:
                answer = as_rule(answer)
            except FormulaError as error:
                if "nothing is returned" in str(error):
                    return "nothing here yet: the function returns nothing"
                return "this is no rule. " + re.sub(r"^.*?, (?=line \d)", "In ", str(error), flags=re.DOTALL)
        calls = self.calls(n)
        results = []
        for one in calls:
            given = copy.deepcopy(one)
            try:
                result = answer(*given.arguments, **given.keywords)
            except NotImplementedError:
                return "nothing here yet: the function raises NotImplementedError"
            except Exception as error:
                return f"the call {one} stopped with {type(error).__name__}: {_cut(str(error))}"
            if result is None or result is ...:
                return "nothing here yet: the function returns nothing"
            for number_, (before, after) in enumerate(zip(one.arguments, given.arguments, strict=True), 1):
                if not _equal(before, after, 0):
                    return (
                        f"the call {one} changes its argument number {number_} in place, to {_shown(after)}. "
                        "Somebody else still needs it: make a new value instead, as in `v = v + g`."
                    )
            results.append(copy.deepcopy(result))
        expected = [self.right(*one.arguments, **one.keywords) for one in calls]
        if all(_equal(r, e, self.relative) for r, e in zip(results, expected, strict=True)):
            return None
        for mistake in self.mistakes:
            wrong = self._results(mistake.value, calls)
            if all(_equal(r, w, self.relative) for r, w in zip(results, wrong, strict=True)):
                return mistake.hint
        for one, result, right in zip(calls, results, expected, strict=True):
            if found := _unlike(result, right):
                return f"the call {one} gives something else than asked for: {found}"
            if not _equal(result, right, self.relative):
                return f"the call {one} {_against(result, right)}"
        return None

    def separates(self, n: Mapping) -> bool:
        """Return whether every mistake shows in some call."""
        calls = self.calls(n)
        right = self._results(self.right, calls)
        return all(
            not all(
                _equal(w, r, APART * self.relative)
                for w, r in zip(self._results(m.value, calls), right, strict=True)
            )
            for m in self.mistakes
        )

    def _results(self, function: Callable, calls: Sequence[Call]) -> list:
        calls = copy.deepcopy(calls)
        return [function(*one.arguments, **one.keywords) for one in calls]


def as_rule(answer) -> Rule:
    """Return the answer as a rule; the grader's stand-in for a function knows how to become one."""
    if isinstance(answer, Rule):
        return answer
    return answer.made_into(Rule) if hasattr(answer, "made_into") else Rule(answer)


@dataclass(frozen=True)
class Search:
    """A function ``answer(trial)`` that returns good settings after a limited number of trials.

    Parameters
    ----------
    settings : sequence of str
        What the settings are called; the function returns them in this order, or as a dict.
    objective : callable
        From the given numbers, the function of the settings that is to become small.
    budget : int
        How many trials it may make.
    good : callable
        From the given numbers, the largest value that is good enough.
    mistakes : sequence of Mistake
        Settings that people choose without a search.
    unit : str
        What the objective counts.
    """

    settings: Sequence[str]
    objective: Callable[[Mapping], Callable]
    budget: int
    good: Callable[[Mapping], float]
    mistakes: Sequence[Mistake] = ()
    unit: str = ""
    hint: str = "Spread the first trials over powers of ten, then look closer around the best."

    def problem(self, answer, n: Mapping) -> str | None:
        """Return what is wrong with an answer, or None."""
        if found := missing(answer):
            return found
        if not callable(answer):
            return f"got {_shown(answer)}; expected a function of `trial`"
        objective = self.objective(n)
        made = 0

        def trial(*values, **named):
            nonlocal made
            made += 1
            if made > self.budget:
                raise BudgetError(f"this is trial number {made}, and there are only {self.budget}")
            return float(objective(*values, **named))

        try:
            chosen = answer(trial)
        except NotImplementedError:
            return "nothing here yet: the function raises NotImplementedError"
        except Exception as error:
            if made > self.budget:
                return f"it asks for more than the {self.budget} trials that it has. {self.hint}"
            return f"the search stopped with {type(error).__name__}: {_cut(str(error))}"
        if made > self.budget:
            return f"it asks for more than the {self.budget} trials that it has. {self.hint}"
        names = ", ".join(self.settings)
        if len(self.settings) == 1 and isinstance(chosen, int | float | np.number):
            chosen = [chosen]
        if chosen is None or chosen is ...:
            return f"nothing here yet: the function returns nothing; expected {names}"
        if not isinstance(chosen, Mapping) and isinstance(chosen, Sequence | np.ndarray):
            if np.shape(chosen) != (len(self.settings),):
                return f"the function returns {_shown(chosen)}; expected the settings {names}"
            chosen = dict(zip(self.settings, chosen, strict=True))
        if found := _unlike(chosen, dict.fromkeys(self.settings, 1.0)):
            return f"the function returns something else than the settings {names}: {found}"
        chosen = {name: float(chosen[name]) for name in self.settings}
        text = ", ".join(f"{name}={number(value, 4)}" for name, value in chosen.items())
        try:
            score, good = float(objective(**chosen)), self.good(n)
        except ValueError as error:
            return f"{text} can't be run: {_cut(str(error))}"
        if score <= good:
            return None
        for mistake in self.mistakes:
            if np.allclose(list(chosen.values()), mistake.value(n), rtol=1e-6, atol=0):
                return f"{text}: {mistake.hint}"
        how = f"gives {number(score, 4)} {self.unit}" if math.isfinite(score) else "gives infinity"
        return f"{text} {how}; asked are at most {number(good, 4)} {self.unit}. {self.hint}"

    def separates(self, n: Mapping) -> bool:
        """Return whether what people choose without a search is not good enough."""
        objective, good = self.objective(n), self.good(n)
        return all(not float(objective(*m.value(n))) <= good for m in self.mistakes)


# Choices --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Match:
    """Which is which: a dict from each label to one of the options.

    Parameters
    ----------
    right : callable
        The right dict, from the given numbers.
    options : dict of str to str
        Every option, and what to say to somebody who chose it where it does not belong.
    """

    right: Callable[[Mapping], dict[str, str]]
    options: Mapping[str, str] = field(default_factory=dict)

    def problem(self, answer, n: Mapping) -> str | None:
        """Return what is wrong with an answer, or None."""
        right = self.right(n)
        if found := missing(answer):
            return found
        if not isinstance(answer, Mapping) or set(answer) != set(right):
            return f"got {_shown(answer)}; expected a dict with the keys {', '.join(map(repr, right))}"
        known = ", ".join(map(repr, self.options))
        for label, given in answer.items():
            if not isinstance(given, str) or given not in self.options:
                return f"got {_shown(given)} for {label!r}; expected one of {known}"
        for label, given in answer.items():
            if given != right[label]:
                return f"{label} is not {given!r}. {self.options[given]}"
        return None

    def separates(self, n: Mapping) -> bool:
        """Labels differ by what they are called."""
        return True


# What was given -------------------------------------------------------------------------------


def without_tensors(value):
    """Return a value with NumPy's arrays in the place of tensors, also within lists, tuples and dicts."""
    if hasattr(value, "detach") and hasattr(value, "cpu"):
        return value.detach().cpu().numpy()[()]
    if type(value) is dict:
        return {key: without_tensors(one) for key, one in value.items()}
    if type(value) in (list, tuple):
        return type(value)(map(without_tensors, value))
    return value


def _leaves(value, path: str = "") -> dict[str, Any]:
    """Return every single value within lists, tuples, dicts and arrays, by where it stands."""
    if isinstance(value, Mapping):
        items = ((f"{path}[{key!r}]", one) for key, one in value.items())
    elif isinstance(value, list | tuple) or (isinstance(value, np.ndarray) and value.ndim):
        items = ((f"{path}[{i}]", one) for i, one in enumerate(value))
    else:
        return {path: value}
    return {where: leaf for key, one in items for where, leaf in _leaves(one, key).items()}


def missing(answer) -> str | None:
    """Return a sentence where nothing has been filled in, or not all of it."""
    if answer is None or answer is ... or (isinstance(answer, str | list | tuple | dict) and not answer):
        return "nothing here yet"
    empty = [where for where, leaf in _leaves(answer).items() if leaf is ... or leaf is None]
    return f"nothing here yet at {_cut(', '.join(empty[:100]))}" if empty else None


def _is_number(value) -> bool:
    if isinstance(value, bool | np.bool_ | str):
        return False
    try:
        return np.ndim(value) == 0 and isinstance(float(value), float)
    except (TypeError, ValueError, OverflowError):
        return False


def _unlike(answer, right) -> str | None:
    """Return how an answer differs in kind and shape from the right one, or None."""
    if isinstance(right, Mapping):
        keys = ", ".join(map(repr, right))
        if not isinstance(answer, Mapping) or set(answer) != set(right):
            return f"got {_shown(answer)}; expected a dict with the keys {keys}"
        return next((f for key in right if (f := _unlike(answer[key], right[key]))), None)
    shape = np.shape(right)
    what = "a number" if not shape else f"{' by '.join(map(str, shape))} numbers"
    several = isinstance(answer, list | tuple) or (isinstance(answer, np.ndarray) and answer.ndim > 0)
    if not several:
        if shape or not _is_number(answer):
            return f"got {_shown(answer)}; expected {what}"
        return None if math.isfinite(float(answer)) else f"got {float(answer)}; expected a finite number"
    leaves = list(_leaves(answer).values())
    if bad := [leaf for leaf in leaves if not _is_number(leaf)]:
        return f"got {_shown(bad[0])} in {_shown(answer)}; expected {what}"
    if bad := [leaf for leaf in leaves if not math.isfinite(float(leaf))]:
        return f"got {float(bad[0])} in {_shown(answer)}; expected finite numbers"
    try:
        got = np.shape(np.asarray(answer, dtype=float))
    except (TypeError, ValueError):
        return f"got {_shown(answer)}; expected {what}"
    if got != shape:
        return f"got {' by '.join(map(str, got))} numbers, {_shown(answer)}; expected {what}"
    return None


def _equal(one, other, relative: float) -> bool:
    """Return whether two results, numbers within lists or dicts, are the same but for rounding."""
    a, b = _leaves(without_tensors(one)), _leaves(other)
    if set(a) != set(b):  # where the values stand tells a number from a list of one
        return False
    b = {key: b[key] for key in a}
    try:
        x, y = (np.array([float(leaf) for leaf in leaves.values()]) for leaves in (a, b))
    except (TypeError, ValueError, OverflowError):
        return list(a.values()) == list(b.values())
    same = (x == y) | (np.isnan(x) & np.isnan(y)) | (np.abs(x - y) <= relative * np.maximum(np.abs(y), 1e-6))
    return bool(np.all(same))


def _shown(value, digits: int = 6) -> str:
    """Return a short text of any value."""
    if isinstance(value, str):
        return f"the text {_cut(value)!r}"
    if isinstance(value, Mapping):
        return _cut("{" + ", ".join(f"{k!r}: {_shown(v, digits)}" for k, v in list(value.items())[:20]) + "}")
    if isinstance(value, np.ndarray) and value.ndim:
        value = value[:20].tolist()
    if isinstance(value, list | tuple):
        return _cut(f"[{', '.join(_shown(one, digits) for one in value[:20])}{', ...' * (len(value) > 20)}]")
    if _is_number(value):
        return number(value, digits)
    return "a function" if callable(value) else _cut(repr(value))


def _against(result, right) -> str:
    """Return a sentence of what came out and what should have, with as many digits as it takes."""
    for digits in (6, 9, 12, 17):
        got, expected = _shown(result, digits), _shown(right, digits)
        if got != expected:
            break
    near = "" if digits == 6 else " That is as near as single precision (float32) gets; work in float64."
    return f"gives {got}; expected {expected}{'.' if near else ''}{near}"


def _cut(text: str) -> str:
    return text if len(text) <= SHOWN else text[: SHOWN - 4] + " ..."
