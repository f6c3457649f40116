"""Homework: given numbers from a seed, and checks that answer with a hint.

    hw = homework.load("04-momentum", seed=7)
    hw.show("theta0", "lr")               # the given numbers, everybody's own
    hw["lr"]                              # one of them
    hw.check("theta_sum", 4.57)           # "right", or a sentence on what went wrong

The numbers come from the seed, so answers cannot be passed on. The right values are in no file: they are
computed from the numbers by the package's own rules. One module per chapter holds what it asks; `tasks`
holds the kinds of tasks. The homework itself, with the text and the solutions, is a notebook in the
repository's folder ``homework/``; its README says how to write one.
"""

from ._load import Homework, load
from .tasks import AnswerError

__all__ = ["AnswerError", "Homework", "load"]
