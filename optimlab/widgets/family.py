"""The family tree of the optimizers: who came when, and what each step changed in the formula."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape

import traitlets

from .. import rules
from ..format import number
from ..formula import closest
from ..rule import Rule
from ..translate import plain_name
from ._base import Widget
from ._difference import Line, difference, formula


@dataclass(frozen=True)
class Member:
    """One optimizer of the tree.

    Attributes
    ----------
    title : str
        What people call it.
    year : int
        When it was published.
    source : str
        By whom, and in what.
    paper : str
        The key of that source in a bibliography.
    torch : str
        What PyTorch has of it, if anything.
    place : (float, int)
        Where it stands: the column, 0 to 6, and the row.
    variants : dict
        Other rules of the same optimizer, and what its names are called there.
    """

    title: str
    year: int
    source: str
    paper: str
    torch: str
    place: tuple[float, int]
    variants: dict[str, dict[str, str]] = field(default_factory=dict)


MEMBERS = {
    "gradient_descent": Member(
        "SGD",
        1951,
        "Robbins and Monro, A Stochastic Approximation Method; Cauchy (1847) with the whole gradient",
        "robbins1951stochastic",
        "torch.optim.SGD",
        (0.8, 0),
    ),
    "momentum": Member(
        "Momentum",
        1964,
        "Polyak, Some Methods of Speeding up the Convergence of Iteration Methods",
        "polyak1964some",
        "torch.optim.SGD(momentum=...)",
        (2, 1),
        {"momentum_average": {}, "momentum_lr_inside": {}},
    ),
    "nesterov": Member(
        "Nesterov",
        1983,
        "Nesterov, A Method for Solving the Convex Programming Problem with Convergence Rate O(1/k²); "
        "this form is that of Bengio, Boulanger-Lewandowski and Pascanu (2013)",
        "nesterov1983method",
        "torch.optim.SGD(momentum=..., nesterov=True)",
        (2.95, 2),
        {"nesterov_lookahead": {}},
    ),
    "adagrad": Member(
        "AdaGrad",
        2011,
        "Duchi, Hazan and Singer, Adaptive Subgradient Methods for Online Learning and Stochastic "
        "Optimization",
        "duchi2011adaptive",
        "torch.optim.Adagrad",
        (4.9, 3),
    ),
    "rmsprop": Member(
        "RMSprop",
        2012,
        "Tieleman and Hinton, lecture 6.5 of the course Neural Networks for Machine Learning",
        "tieleman2012lecture",
        "torch.optim.RMSprop",
        (3.75, 4),
        {"rmsprop_momentum": {}},
    ),
    "adadelta": Member(
        "Adadelta",
        2012,
        "Zeiler, ADADELTA: An Adaptive Learning Rate Method",
        "zeiler2012adadelta",
        "torch.optim.Adadelta",
        (6.1, 4),
    ),
    "rmsprop_centered": Member(
        "RMSprop, centered",
        2013,
        "Graves, Generating Sequences with Recurrent Neural Networks",
        "graves2013generating",
        "torch.optim.RMSprop(centered=True)",
        (5, 4),
    ),
    "adam": Member(
        "Adam",
        2015,
        "Kingma and Ba, Adam: A Method for Stochastic Optimization, algorithm 1",
        "kingma2015adam",
        "torch.optim.Adam",
        (3.2, 5),
        {"adam_eps_inside": {}, "adam_uncorrected": {}},
    ),
    "adamax": Member(
        "AdaMax",
        2015,
        "Kingma and Ba, Adam: A Method for Stochastic Optimization, section 7.1",
        "kingma2015adam",
        "torch.optim.Adamax",
        (4.9, 5),
    ),
    "nadam": Member(
        "Nadam",
        2016,
        "Dozat, Incorporating Nesterov Momentum into Adam",
        "dozat2016incorporating",
        "torch.optim.NAdam",
        (2.4, 6),
        {"nadam_constant": {}, "nadam_same_step": {}},
    ),
    "signsgd": Member(
        "SignSGD",
        2018,
        "Bernstein, Wang, Azizzadenesheli and Anandkumar, signSGD: Compressed Optimisation for Non-Convex "
        "Problems",
        "bernstein2018signsgd",
        "",
        (0, 6),
    ),
    "amsgrad": Member(
        "AMSGrad",
        2018,
        "Reddi, Kale and Kumar, On the Convergence of Adam and Beyond",
        "reddi2018convergence",
        "torch.optim.Adam(amsgrad=True)",
        (4.9, 6),
        {"amsgrad_paper": {}},
    ),
    "aggmo": Member(
        "AggMo",
        2019,
        "Lucas, Sun, Zemel and Grosse, Aggregated Momentum: Stability Through Passive Damping",
        "lucas2019aggregated",
        "",
        (0.8, 7),
    ),
    "qhm": Member(
        "QHM",
        2019,
        "Ma and Yarats, Quasi-Hyperbolic Momentum and Adam for Deep Learning",
        "ma2019quasi",
        "",
        (1.9, 7),
    ),
    "qhadam": Member(
        "QHAdam",
        2019,
        "Ma and Yarats, Quasi-Hyperbolic Momentum and Adam for Deep Learning",
        "ma2019quasi",
        "",
        (3.15, 7),
    ),
    "adam_l2": Member(
        "Adam with L2",
        2019,
        "what weight_decay did in the libraries' Adam; set against AdamW by Loshchilov and Hutter, "
        "Decoupled Weight Decay Regularization",
        "loshchilov2019decoupled",
        "torch.optim.Adam(weight_decay=...)",
        (4.5, 7),
    ),
    "adamw": Member(
        "AdamW",
        2019,
        "Loshchilov and Hutter, Decoupled Weight Decay Regularization",
        "loshchilov2019decoupled",
        "torch.optim.AdamW",
        (5.9, 7),
    ),
    "lion": Member(
        "Lion",
        2023,
        "Chen and others, Symbolic Discovery of Optimization Algorithms",
        "chen2023symbolic",
        "",
        (0, 8),
    ),
}


@dataclass(frozen=True)
class Edge:
    """What led from one optimizer to the next: in words, and which names have other names there."""

    added: str
    renamed: dict[str, str] = field(default_factory=dict)


EDGES = {
    ("gradient_descent", "momentum"): Edge("a velocity that adds up past gradients and forgets them slowly"),
    ("gradient_descent", "adagrad"): Edge(
        "a rate for every weight: divided by the root of the sum of its squared gradients"
    ),
    ("gradient_descent", "signsgd"): Edge("only the sign of the gradient counts, not its size"),
    ("momentum", "nesterov"): Edge("the newest gradient counts once more, which is a look ahead"),
    ("momentum", "aggmo"): Edge(
        "three velocities with different memories instead of one", {"v": "v1", "momentum": "beta1"}
    ),
    ("momentum", "qhm"): Edge("an average as the velocity, mixed with the plain gradient"),
    ("adagrad", "rmsprop"): Edge("an average of squared gradients instead of their sum"),
    ("adagrad", "adadelta"): Edge(
        "an average instead of the sum, and the size of recent steps in place of a hand-set rate"
    ),
    ("rmsprop", "rmsprop_centered"): Edge("the variance of the gradient instead of its mean square"),
    ("rmsprop", "adam"): Edge(
        "an average of gradients in place of the gradient, and both averages bias-corrected",
        {"s": "v", "rho": "beta2"},
    ),
    ("momentum", "adam"): Edge(
        "the velocity as a bias-corrected average, divided by the root of an average of squares",
        {"v": "m", "momentum": "beta1"},
    ),
    ("adam", "adamax"): Edge("the largest recent gradient instead of the root mean square", {"v": "u"}),
    ("adam", "nadam"): Edge(
        "a look ahead as in Nesterov's momentum, with a share that changes with the step"
    ),
    ("nesterov", "nadam"): Edge(
        "the look ahead from a bias-corrected average, divided by the root of an average of squares",
        {"v": "m", "momentum": "beta1"},
    ),
    ("adam", "amsgrad"): Edge("the largest average of squares so far instead of the newest"),
    ("adam", "qhadam"): Edge("both averages mixed with their newest value"),
    ("qhm", "qhadam"): Edge(
        "divided by the root of squares that are mixed in the same way",
        {"v": "m", "momentum": "beta1", "nu": "nu1"},
    ),
    ("adam", "adam_l2"): Edge("a pull toward zero, added to the gradient and divided like it"),
    ("adam_l2", "adamw"): Edge("the pull toward zero taken out of the gradient and put beside the step"),
    ("signsgd", "lion"): Edge("the sign of an average instead of the gradient's, and a pull toward zero"),
}

# A name of two rules, as in "rmsprop > adam".
BETWEEN = " > "


# The page of the course that teaches each; the last ones are taught together, at the frontier.
PAGES = {
    "gradient_descent": "01-landscapes",
    "momentum": "04-momentum",
    "nesterov": "04b-nesterov",
    "adagrad": "05-adagrad",
    "adadelta": "05b-adadelta",
    "rmsprop": "06-rmsprop",
    "rmsprop_centered": "06-rmsprop",
    "adam": "07-adam",
    "adamax": "08-variants",
    "nadam": "08-variants",
    "amsgrad": "08-variants",
    "adam_l2": "08b-adamw",
    "adamw": "08b-adamw",
}


class FamilyTree(Widget):
    """The optimizers as a tree to click on: a node opens a rule, an edge what was changed in it.

    What changed is not written down anywhere: the two rules are compared as syntax trees.

    Parameters
    ----------
    **state
        Any of the attributes below.

    Attributes
    ----------
    chosen : str, default "rmsprop > adam"
        What is open: the name of a rule, or two of them with ``" > "`` between them for the step from one to
        the other.

    On the site an optimizer leads to its chapter; the site says where that is.

    Examples
    --------
    >>> widget = FamilyTree(chosen="adagrad > rmsprop")
    >>> [(line.kind, line.name) for line in widget.lines]
    [('changed', 's'), ('same', 'w')]
    """

    chosen = traitlets.Unicode(f"rmsprop{BETWEEN}adam").tag(sync=True)
    links = traitlets.Bool(True, read_only=True, help="optimizers lead to their chapters").tag(sync=True)

    def __init__(self, **state):
        super().__init__(kind="family", spec=_spec(), min_height="62rem", **state)

    @traitlets.validate("chosen")
    def _check_chosen(self, proposal):
        known = [*MEMBERS, *map(BETWEEN.join, _steps())]
        if proposal["value"] not in known:
            raise traitlets.TraitError(
                f"got chosen={proposal['value']!r}{closest(proposal['value'], known)}; "
                f"expected the name of a rule, or of a step of the tree such as 'rmsprop > adam'"
            )
        return proposal["value"]

    @property
    def lines(self) -> list[Line]:
        """What the chosen step changes, line by line; for a rule its lines, all of them the same."""
        before, _, after = self.chosen.partition(BETWEEN)
        renamed = _steps()[before, after].renamed if after else {}
        return difference(_rule(before), _rule(after or before), **renamed)

    @property
    def table(self) -> list[list]:
        """One row per edge: from, to, year, what was added, and how many lines are new, changed and gone."""
        rows = []
        for (before, after), edge in EDGES.items():
            kinds = [line.kind for line in difference(_rule(before), _rule(after), **edge.renamed)]
            counts = [kinds.count(kind) for kind in ("added", "changed", "removed")]
            titles = MEMBERS[before].title, MEMBERS[after].title
            rows.append([*titles, str(MEMBERS[after].year), edge.added, *counts])
        return rows

    def text(self) -> str:
        """Return every edge with what was added, and the lines that it changed as a diff."""
        parts = ["The family tree of the optimizers"]
        for (before, after), edge in EDGES.items():
            member = MEMBERS[after]
            parts.append(f"{MEMBERS[before].title} → {member.title} ({member.year}): {edge.added}")
            if edge.renamed:
                parts[-1] += f"\n  ({_letters(edge.renamed, str)})"
            parts[-1] += "".join(f"\n  {line}" for line in _diff(before, after, edge))
        return "\n\n".join(parts)

    def html(self) -> str:
        """Return the same as an HTML table."""
        rows = []
        for (before, after), edge in EDGES.items():
            member = MEMBERS[after]
            code = "<br/>".join(f"<code>{escape(line)}</code>" for line in _diff(before, after, edge))
            note = f"<br/>({escape(_letters(edge.renamed, str))})" if edge.renamed else ""
            rows.append(
                f'<tr><th scope="row">{escape(MEMBERS[before].title)} → {escape(member.title)}</th>'
                f"<td>{member.year}</td><td>{escape(edge.added)}{note}</td><td>{code}</td></tr>"
            )
        head = "".join(
            f'<th scope="col">{name}</th>' for name in ("step", "year", "what was added", "changed lines")
        )
        caption = "The family tree of the optimizers: what every step added, and the lines that changed"
        return (
            f"<table><caption>{caption}</caption><thead><tr>{head}</tr></thead>"
            f"<tbody>{''.join(rows)}</tbody></table>"
        )


def state_per_weight(rule: Rule) -> tuple[list[str], list[str]]:
    """Return the state that a rule keeps for every weight, and what it keeps once for all of them."""
    own = {"w", *rule.inputs}  # what differs from weight to weight
    changed = True
    while changed:  # a name may be used before the line that assigns it, in the next step
        found = {
            name
            for name, value in rule.formula.body
            if any(isinstance(part, ast.Name) and part.id in own for part in ast.walk(value))
        }
        changed = not found <= own
        own |= found
    return [name for name in rule.state if name in own], [name for name in rule.state if name not in own]


def _rule(name: str) -> Rule:
    return getattr(rules, name)


def _steps() -> dict[tuple[str, str], Edge]:
    """Return the edges, and the steps from every member to its variants."""
    steps = dict(EDGES)
    for name, member in MEMBERS.items():
        for variant, renamed in member.variants.items():
            steps[name, variant] = Edge(_summary(_rule(variant)), renamed)
    return steps


def _summary(rule: Rule) -> str:
    """Return the first sentence of a rule's text, without marks and without the full stop."""
    return re.sub(r"`+", "", rule.function.__doc__.splitlines()[0]).rstrip(".")


def _letters(renamed: Mapping[str, str], write) -> str:
    """Say which names the earlier rule has for what is written with the later one's."""
    return "; ".join(f"{write(new)} is {write(old)} there" for old, new in renamed.items())


def _diff(before: str, after: str, edge: Edge) -> list[str]:
    """Return the lines that differ as Python, those that go with a minus and those that come with a plus."""
    found = []
    for line in difference(_rule(before), _rule(after), **edge.renamed):
        if line.kind != "same":
            sides = (("-", line.before), ("+", line.after))
            found += [f"{sign} {line.name} = {value}" for sign, value in sides if value is not None]
    return found


def _spec() -> dict:
    """Return what the front end shows; every line of mathematics stands there once."""
    store: dict[str, int] = {}

    def kept(text: str | None) -> int | None:
        return None if text is None else store.setdefault(text, len(store))

    steps = [
        {
            "name": BETWEEN.join(pair),
            "from": pair[0],
            "to": pair[1],
            "added": edge.added,
            "letters": _letters(edge.renamed, plain_name),
            "lines": [
                [line.kind, kept(line.before_math), kept(line.after_math)]
                for line in difference(_rule(pair[0]), _rule(pair[1]), **edge.renamed)
            ],
        }
        for pair, edge in _steps().items()
    ]
    nodes = [
        {
            "name": name,
            "title": member.title,
            "year": member.year,
            "place": member.place,
            "source": member.source,
            "torch": member.torch,
            "page": PAGES.get(name, ""),
            "about": _summary(_rule(name)),
            "lines": [kept(line) for line in formula(_rule(name))],
            "hyper": [[plain_name(key), number(value)] for key, value in _rule(name).hyper.items()],
            "state": [[plain_name(key) for key in keys] for keys in state_per_weight(_rule(name))],
            "variants": list(member.variants),
        }
        for name, member in MEMBERS.items()
    ]
    rows = sorted({member.place[1] for member in MEMBERS.values()})
    years = [[member.year for member in MEMBERS.values() if member.place[1] == row] for row in rows]
    return {
        "title": "The family tree of the optimizers",
        "rows": [str(min(row)) if min(row) == max(row) else f"{min(row)}–{max(row) % 100}" for row in years],
        "nodes": nodes,
        "steps": steps,
        "math": list(store),
    }
