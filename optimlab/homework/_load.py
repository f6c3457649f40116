"""Open the homework of a chapter: draw its numbers from a seed, show them, check answers."""

from __future__ import annotations

import functools
import importlib
import pkgutil
from collections.abc import Iterator, Mapping

import numpy as np

from .. import format
from ..formula import FormulaError, closest
from ..rule import Rule
from .tasks import AnswerError, Task, without_tensors

# The modules of this package that hold no chapter.
MACHINERY = {"_load", "tasks"}
# How often numbers are drawn anew until no typical mistake gives a right answer by chance.
DRAWS = 1000


# How many values of a long list are printed.
SHOWN = 20


class Numbers(Mapping):
    """All numbers that were drawn, also those that students are not shown, whose names begin with ``_``."""

    def __init__(self, numbers: dict):
        self._numbers = numbers

    def __getitem__(self, name: str):
        value = self._numbers[name]
        # A copy, so that changing it changes no other answer.
        return value.copy() if isinstance(value, np.ndarray | list | dict) else value

    def __iter__(self) -> Iterator[str]:
        return iter(self._numbers)

    def __len__(self) -> int:
        return len(self._numbers)


class Homework(Mapping):
    """The homework of one chapter with one seed: a mapping from the names of the given numbers.

    Made by `load`. What was drawn under a name that begins with ``_`` is not given: some of it is answers.

    Attributes
    ----------
    name : str
        Such as ``"04-momentum"``.
    seed : int
        Where the numbers come from.
    tasks : dict of str to Task
        What is asked, by the name that the answer has in the notebook.
    """

    def __init__(self, name: str, seed: int, numbers: dict, tasks: dict[str, Task]):
        self.name, self.seed, self.tasks = name, seed, tasks
        self._numbers = Numbers(numbers)  # what tasks are checked with

    def __getitem__(self, name: str):
        given = list(self)
        if name not in given:
            raise KeyError(
                f"{self.name} gives no {name!r}{closest(str(name), given)}; it gives {', '.join(given)}"
            ) from None
        return self._numbers[name]

    def __iter__(self) -> Iterator[str]:
        return (name for name in self._numbers if not name.startswith("_"))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __repr__(self) -> str:
        return f"<Homework {self.name} with seed {self.seed}: {', '.join(self.tasks)}>"

    def show(self, *names: str) -> None:
        """Print given numbers, one per line.

        Parameters
        ----------
        *names : str
            Which; all that are given by default.
        """
        names = names or tuple(self)
        width = max(map(len, names))
        for name in names:
            print(f"{name.ljust(width)} = {_text(self[name])}")

    def walkthrough(self, function, **given):
        """Show a rule of one's own as a widget, or say that it is no rule yet.

        Parameters
        ----------
        function : callable
            What `optimlab.rule.Rule` takes, or a rule.
        **given
            What `optimlab.widgets.Walkthrough` takes with a rule.

        Returns
        -------
        Walkthrough or None
        """
        from ..widgets import Walkthrough

        try:
            return Walkthrough(function if isinstance(function, Rule) else Rule(function), **given)
        except (FormulaError, TypeError):
            print("Nothing to show yet: first make the rule right.")
            return None

    def solved(self, task: str, answer) -> bool:
        """Return whether an answer is right, before something is shown of it; if not, say so in a line.

        Parameters
        ----------
        task : str
            The name of the task.
        answer
            What `check` takes.
        """
        right = self._problem(task, answer) is None
        if not right:
            print(f"Nothing to show yet: first make `{task}` right.")
        return right

    def check(self, task: str, answer) -> None:
        """Compare an answer with the right one.

        Parameters
        ----------
        task : str
            The name of the task.
        answer
            What the task asks for: a number, a list, a function.

        Raises
        ------
        AnswerError
            If the answer is not right, not there yet, or not what was asked for. The message says what was
            got and, where it is known, which mistake leads there.
        """
        problem = self._problem(task, answer)
        if problem is not None:
            raise AnswerError(f"{task}: {problem}")
        print(f"{task}: right.")

    def _problem(self, task: str, answer) -> str | None:
        """Return what is wrong with an answer, or None."""
        if task not in self.tasks:
            raise KeyError(f"{self.name} has no task {task!r}{closest(task, self.tasks)}")
        try:
            return self.tasks[task].problem(without_tensors(answer), self._numbers)
        except RecursionError:
            return "got something that is nested without end"


def _text(value) -> str:
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{_text(key)}: {_text(one)}' for key, one in value.items())}}}"
    if isinstance(value, list | tuple):
        texts = list(map(_text, value[:SHOWN]))
        if len(value) > SHOWN:
            texts.append(f"... {len(value)} in all")
        return f"[{', '.join(texts)}]"
    return value if isinstance(value, str) else format.number(value)


def names() -> list[str]:
    """Return the names of the chapters that have homework in this package, as modules are called."""
    return sorted(m.name for m in pkgutil.iter_modules(_folders()) if m.name not in MACHINERY)


def _folders() -> list[str]:
    return list(importlib.import_module(__package__).__path__)


@functools.lru_cache(maxsize=256)
def load(name: str, seed: int) -> Homework:
    """Open the homework of a chapter.

    Parameters
    ----------
    name : str
        The file's name without its ending, such as ``"04-momentum"``; the module is ``momentum``.
    seed : int
        At least 0. Equal seeds give equal numbers.

    Raises
    ------
    ValueError
        If there is no such homework, or the seed is not a number that can be one.
    """
    number, _, module = name.partition("-")
    module = module.replace("-", "_")
    if not number.isdigit() or module not in names():
        raise ValueError(f"there is no homework {name!r}; there is homework on {', '.join(names())}")
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise ValueError(f"got seed={seed!r}; expected a whole number, at least 0")
    chapter = importlib.import_module(f"{__package__}.{module}")
    for attempt in range(DRAWS):
        numbers = chapter.numbers(np.random.default_rng([int(seed), attempt]))
        homework = Homework(name, int(seed), numbers, chapter.TASKS)
        if all(task.separates(homework._numbers) for task in chapter.TASKS.values()):
            return homework
    blamed = [key for key, task in chapter.TASKS.items() if not task.separates(homework._numbers)]
    raise ValueError(
        f"{name}, seed {seed}: {DRAWS} draws and in each a mistake gives the right answer; "
        f"in the last one in {', '.join(blamed)}"
    )
