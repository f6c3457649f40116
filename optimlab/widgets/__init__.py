"""Widgets: alive in a notebook, and on a static page with no kernel.

Each is an `anywidget` whose front end computes with the translated rule. The sources of the front
end are in ``js/``; ``optimlab.js`` and ``optimlab.css`` are built from them (``make bundle``) and
committed, so that installing needs no Node.
"""

from .averages import EWAExplorer
from .bias import BiasCorrection
from .checked import CheckedNotes
from .claims import CheckedClaims
from .decay import WeightDecay
from .descent import Descent
from .doctor import LossDoctor
from .family import FamilyTree
from .lookahead import Lookahead
from .noise import MinibatchNoise
from .phase import MomentumPhase
from .quiz import Quiz
from .rates import AdaptiveRates
from .schedule_composer import ScheduleComposer
from .tree import DecisionTree
from .walkthrough import Walkthrough

__all__ = [
    "AdaptiveRates",
    "BiasCorrection",
    "CheckedClaims",
    "CheckedNotes",
    "DecisionTree",
    "Descent",
    "EWAExplorer",
    "FamilyTree",
    "Lookahead",
    "LossDoctor",
    "MinibatchNoise",
    "MomentumPhase",
    "Quiz",
    "ScheduleComposer",
    "Walkthrough",
    "WeightDecay",
]
