"""A rule's step on large arrays, written into the arrays themselves.

The plain function makes a new array for every operation. Here the same operations, in the same order,
write into the carried arrays and a few scratch arrays that are made once. The numbers are the same to
the last bit; only memory is saved, and with it time.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping

import numpy as np

from .formula import CONSTANTS, FUNCTIONS
from .rule import Rule

_UFUNCS = {ast.Add: "add", ast.Sub: "subtract", ast.Mult: "multiply", ast.Div: "divide", ast.Pow: "power"}
_COMPARISONS = {
    ast.Lt: "less",
    ast.LtE: "less_equal",
    ast.Gt: "greater",
    ast.GtE: "greater_equal",
    ast.Eq: "equal",
    ast.NotEq: "not_equal",
}


class _Writer:
    """Writes the operations of a rule as NumPy calls with an `out` array each."""

    def __init__(self, rule: Rule):
        self.arrays = {name: name for name in (*rule.carried, *rule.inputs)}
        self.lines: list[str] = []
        self.made = 0
        self.free: list[str] = []
        for name, value in rule.formula.body:
            self.assign(name, value, name in rule.carried)

    def scratch(self) -> str:
        """Return the name of a scratch array that nothing uses."""
        if self.free:
            return self.free.pop()
        self.made += 1
        return f"_s{self.made - 1}"

    def release(self, *names: str) -> None:
        """Let the scratch arrays among the names be used again."""
        self.free += [name for name in names if name.startswith("_s")]

    def is_array(self, node: ast.expr) -> bool:
        """Return whether a node's value is an array; what is made of hyper-parameters and t is a number."""
        return any(isinstance(part, ast.Name) and part.id in self.arrays for part in ast.walk(node))

    def assign(self, name: str, value: ast.expr, carried: bool) -> None:
        """Write one assignment of the rule."""
        if not self.is_array(value):
            self.lines.append(f"{name}{'[...]' if carried else ''} = {ast.unparse(value)}")
            return
        # A local quantity keeps its own array; under its own name nothing releases it.
        target = name if carried else f"_q_{name}"
        self.write(value, target)
        self.arrays[name] = target

    def write(self, node: ast.expr, out: str | None = None) -> str:
        """Write what computes a node and return the name of its array, or the text of a number."""
        if not self.is_array(node):
            return f"({ast.unparse(node)})"
        match node:
            case ast.Name(id=name):
                if out is None or out == self.arrays[name]:
                    return self.arrays[name]
                return self.emit("positive", [self.arrays[name]], out)
            case ast.UnaryOp():
                return self.emit("negative", [self.write(node.operand)], out)
            case ast.BinOp(op=ast.Pow(), right=ast.Constant(value=2)):
                base = self.write(node.left)
                return self.emit("multiply", [base, base], out)
            case ast.BinOp(op=op):
                return self.emit(_UFUNCS[type(op)], [self.write(node.left), self.write(node.right)], out)
            case ast.Call(func=ast.Name(id="where"), args=[condition, yes, no]):
                return self.choose(condition, yes, no, out)
            case ast.Call(func=ast.Name(id=name), args=arguments):
                return self.emit(name, [self.write(argument) for argument in arguments], out)
        raise AssertionError(f"formula.read lets no {type(node).__name__} through")

    def emit(self, function: str, operands: list[str], out: str | None) -> str:
        """Write one call; its result may take the place of an operand."""
        self.release(*dict.fromkeys(operands))
        if out is None:
            out = self.scratch()
        self.lines.append(f"{function}({', '.join(operands)}, out={out})")
        return out

    def choose(self, condition: ast.expr, yes: ast.expr, no: ast.expr, out: str | None) -> str:
        """Write a `where`; NumPy's has no `out`."""
        left, right = self.write(condition.left), self.write(condition.comparators[0])
        a, b = self.write(yes), self.write(no)
        chosen = self.scratch()
        compare = _COMPARISONS[type(condition.ops[0])]
        self.lines.append(f"{chosen}[...] = where({compare}({left}, {right}), {a}, {b})")
        self.release(left, right, a, b)
        if out is None:
            return chosen
        return self.emit("positive", [chosen], out)


def source(rule: Rule) -> tuple[str, list[str]]:
    """Return the step as Python text, and the names of the scratch arrays that it takes."""
    writer = _Writer(rule)
    extra = [f"_s{i}" for i in range(writer.made)]
    extra += [array for array in dict.fromkeys(writer.arrays.values()) if array.startswith("_q_")]
    arguments = [*rule.carried, *rule.inputs, *(["t"] if rule.uses_t else []), *rule.hyper, *extra]
    body = "\n".join(f"    {line}" for line in writer.lines)
    return f"def step({', '.join(arguments)}):\n{body}\n", extra


def stepper(rule: Rule, carried: Mapping[str, np.ndarray], piece: int) -> Callable:
    """Return a function that makes a step in the carried arrays.

    Parameters
    ----------
    rule : Rule
        The rule; it has the one input ``g``.
    carried : mapping of str to ndarray, shape (n,)
        The weight and the state, of one floating-point type; changed by every step.
    piece : int
        How many elements are taken through the whole step at a time, so that they stay in the cache.

    Returns
    -------
    callable
        ``step(g, t, hyper)`` with the gradient, shape (n,), the step's number and a mapping of
        hyper-parameters.
    """
    text, extra = source(rule)
    names = {
        name: getattr(np, name)
        for name in (*_UFUNCS.values(), *_COMPARISONS.values(), "negative", "positive")
    }
    namespace = {**names, **FUNCTIONS, **CONSTANTS}
    exec(compile(text, f"<{rule.name} in place>", "exec"), namespace)
    make, size, dtype = namespace["step"], len(carried["w"]), carried["w"].dtype
    room = {name: np.empty(min(piece, size), dtype) for name in extra}
    parts = []
    for begin in range(0, size, piece):
        here = slice(begin, min(begin + piece, size))
        arrays = [carried[name][here] for name in rule.carried]
        parts.append((here, arrays, [array[: here.stop - begin] for array in room.values()]))

    def step(g: np.ndarray, t: int, hyper: Mapping) -> None:
        clock = [t] if rule.uses_t else []
        values = [hyper[name] for name in rule.hyper]
        for here, arrays, scratch in parts:
            make(*arrays, g[here], *clock, *values, *scratch)

    return step
