"""What changes from one rule to the next: the lines, and within a changed line the terms.

    for line in difference(rmsprop, adam, s="v", rho="beta2"):
        print(line.kind, line.before, line.after)

Both rules are compared as syntax trees, so that only what computes something else counts as changed. A name
that the later rule calls otherwise is translated first: RMSprop's ``s`` is Adam's ``v``.
"""

from __future__ import annotations

import ast
import copy
import functools
import itertools
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ..formula import FormulaError
from ..rule import Rule
from ..translate import _MathML


@dataclass(frozen=True)
class Line:
    """One line of a comparison.

    Attributes
    ----------
    kind : str
        "same", "changed", "added" or "removed".
    name : str
        What the line assigns, as the later rule calls it.
    before, after : str or None
        The line in Python, without what it assigns; None where it does not exist. Both speak the later
        rule's language.
    before_math, after_math : str or None
        The same as MathML, with the left-hand side; what changed within a line has the class ``ol-changed``.
    """

    kind: str
    name: str
    before: str | None
    after: str | None
    before_math: str | None
    after_math: str | None


def difference(before: Rule, after: Rule, **renamed: str) -> list[Line]:
    """Compare two rules line by line.

    Parameters
    ----------
    before, after : Rule
        The earlier and the later rule.
    **renamed
        What a quantity or hyper-parameter of the earlier rule is called in the later one.

    Returns
    -------
    list of Line
        In the order of the later rule; a removed line stands before the one that it stood before. If either
        rule takes its gradient elsewhere than at the weight, the first line says where.

    Raises
    ------
    FormulaError
        If a name to be translated does not exist, or its translation already means something else.
    """
    names = {*before.formula.positional, *before.formula.keyword, *before.quantities}
    for old, new in renamed.items():
        if old not in names:
            raise FormulaError(f"{before.name} has no {old!r} to rename; it has {', '.join(sorted(names))}")
        if new in names:
            raise FormulaError(f"{before.name} already has a {new!r}; {old!r} cannot be called so")
    old, new = _lines(before, renamed), _lines(after)
    lines = []
    for name in _order(list(old), list(new)):
        first, second = old.get(name), new.get(name)
        if first is None or second is None:
            kind, marks = ("added" if first is None else "removed"), ([], [])
        else:
            kind, (_, *marks) = "changed", _compare(first.value, second.value)
        texts = [side and ast.unparse(side.value) for side in (first, second)]
        maths = [side and side.math(marked) for side, marked in zip((first, second), marks, strict=True)]
        if maths[0] == maths[1]:  # the same text may still mean the value of another step
            kind = "same"
        lines.append(Line(kind, name, *texts, *maths))
    return lines


def formula(rule: Rule) -> list[str]:
    """Return the lines of a rule as MathML, left-hand side included."""
    return [line.math() for line in _lines(rule).values()]


@dataclass(frozen=True)
class _Assignment:
    """A line of a rule, and the time indices that its names have there."""

    name: str
    value: ast.expr
    index: dict[str, str]
    left_index: dict[str, str]

    def math(self, marked: Iterable[ast.expr] = ()) -> str:
        left = _Marked(self.left_index).name(self.name)
        right = _Marked(self.index, marked).write(self.value)
        return f"<mrow>{left}<mo>=</mo>{right}</mrow>"


class _Marked(_MathML):
    """MathML in which some expressions are marked, and nothing else has an attribute."""

    def __init__(self, index: dict[str, str], marked: Iterable[ast.expr] = ()):
        super().__init__(index)
        self.marked = {id(node) for node in marked}

    def visit(self, node: ast.expr) -> tuple[str, int]:
        text, binding = super().visit(node)
        return f'<mrow class="ol-changed">{text}</mrow>' if id(node) in self.marked else text, binding

    def name(self, name: str) -> str:
        return re.sub(r' data-[a-z]+="[^"]*"', "", super().name(name))

    def times(self, dotted: bool) -> str:
        return "<mo>⋅</mo>" if dotted else "<mo>\u2062</mo>"

    def call(self, name: str, arguments: list[ast.expr]) -> str:
        if name != "gradient":
            return super().call(name, arguments)
        return f"<mrow><mo>∇</mo><mi>f</mi>{self.parentheses(self.write(arguments[0]))}</mrow>"


def _lines(rule: Rule, renamed: dict[str, str] | None = None) -> dict[str, _Assignment]:
    """Return the assignments of a rule by name, with its names translated."""
    rename = _Renaming(renamed or {})
    index = dict.fromkeys(rule.inputs, "t") | dict.fromkeys(rule.carried, "t-1")
    index = {rename.name(name): when for name, when in index.items()}
    lines = {}
    if rule.look_ahead:
        (point,) = rule.look_ahead.result
        gradient = ast.Call(ast.Name("gradient"), [rename.visit(copy.deepcopy(point))], [])
        lines["g"] = _Assignment("g", gradient, dict(index), dict(index))
    for name, value in rule.formula.body:
        name, now = rename.name(name), dict(index)
        index[name] = "t"
        lines[name] = _Assignment(name, rename.visit(copy.deepcopy(value)), now, dict(index))
    return lines


class _Renaming(ast.NodeTransformer):
    def __init__(self, names: dict[str, str]):
        self.names = names

    def name(self, name: str) -> str:
        return self.names.get(name, name)

    def visit_Name(self, node: ast.Name) -> ast.Name:
        return ast.Name(self.name(node.id), ast.Load())


def _order(old: list[str], new: list[str]) -> Iterator[str]:
    """Yield the names of both lists: those of the later one in its order, a lost one where it stood."""
    waiting = iter(old)
    told = set()
    for name in new:
        if name in old and name not in told:
            for lost in itertools.takewhile(lambda one, here=name: one != here, waiting):
                if lost not in new:
                    told.add(lost)
                    yield lost
        told.add(name)
        yield name
    yield from (name for name in old if name not in told)


def _compare(a: ast.expr, b: ast.expr) -> tuple[int, list[ast.expr], list[ast.expr]]:
    """Return how many names and numbers differ between two expressions, and what to mark in each.

    Of all ways to lay one tree over the other, the one that marks least is taken. Terms of a sum and factors
    of a product may change places; a term that changes its sign is another term.
    """
    if ast.dump(a) == ast.dump(b):
        return 0, [], []
    ways = [(_size(a) + _size(b), [a], [b])]
    for parts in (_terms, _factors):
        first, second = parts(a), parts(b)
        if len(first) > 1 or len(second) > 1:
            ways.append(_match(first, second))
    match a, b:
        case ast.BinOp(op=ast.Pow()), ast.BinOp(op=ast.Pow()):
            ways.append(_both([(a.left, b.left), (a.right, b.right)]))
        case ast.UnaryOp(), ast.UnaryOp():
            ways.append(_compare(a.operand, b.operand))
        case ast.Call(), ast.Call() if a.func.id == b.func.id and a.func.id != "where":
            ways.append(_both(list(zip(a.args, b.args, strict=True))))
    return min(ways, key=lambda way: way[0])


def _both(pairs: list[tuple[ast.expr, ast.expr]]) -> tuple[int, list[ast.expr], list[ast.expr]]:
    """Compare pair by pair and add up."""
    found = [_compare(a, b) for a, b in pairs]
    return (
        sum(cost for cost, _, _ in found),
        [node for _, nodes, _ in found for node in nodes],
        [node for _, _, nodes in found for node in nodes],
    )


def _match(first: list, second: list) -> tuple[int, list[ast.expr], list[ast.expr]]:
    """Lay the parts of one expression over those of another so that least is marked."""

    @functools.cache
    def best(i: int, free: frozenset) -> tuple[int, tuple, tuple]:
        if i == len(first):
            rest = tuple(second[j][1] for j in sorted(free))
            return sum(map(_size, rest)), (), rest
        kind, node = first[i]
        cost, lost, rest = best(i + 1, free)
        ways = [(cost + _size(node), (node, *lost), rest)]  # without a partner
        for j in sorted(free):
            if second[j][0] == kind:
                here, of_first, of_second = _compare(node, second[j][1])
                cost, lost, rest = best(i + 1, free - {j})
                ways.append((cost + here, (*of_first, *lost), (*of_second, *rest)))
        return min(ways, key=lambda way: way[0])

    cost, lost, rest = best(0, frozenset(range(len(second))))
    return cost, list(lost), list(rest)


def _terms(node: ast.expr, sign: int = 1) -> list[tuple[int, ast.expr]]:
    """Take a sum apart into its terms and their signs."""
    match node:
        case ast.BinOp(op=ast.Add() | ast.Sub() as op):
            right = sign if isinstance(op, ast.Add) else -sign
            return _terms(node.left, sign) + _terms(node.right, right)
        case ast.UnaryOp():
            return _terms(node.operand, -sign)
    return [(sign, node)]


def _factors(node: ast.expr, power: int = 1) -> list[tuple[int, ast.expr]]:
    """Take a product or a quotient apart: 1 for what stands above the line, -1 for what stands below."""
    match node:
        case ast.BinOp(op=ast.Mult()):
            return _factors(node.left, power) + _factors(node.right, power)
        case ast.BinOp(op=ast.Div()):
            return _factors(node.left, power) + _factors(node.right, -power)
    return [(power, node)]


def _size(node: ast.expr) -> int:
    """Count the names and the numbers of an expression."""
    return sum(isinstance(part, ast.Name | ast.Constant) for part in ast.walk(node))
