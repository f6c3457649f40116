"""The small language that every rule, average, schedule and landscape is written in.

A formula is an ordinary Python function made of straight-line assignments and one return.
It runs as it stands. Because its grammar is small, the same text can also be traced,
set as mathematics and run in a browser; what cannot be translated is refused here, with
the file, the line and what to write instead.

    expressions   + - * / **  unary minus  < <= > >= == !=
                  sqrt abs exp log sin cos sign maximum minimum where
                  numbers, pi, the function's arguments, the names it has assigned
    statements    name = expression          (each name once)
                  return expression, ...     (once, last)
"""

from __future__ import annotations

import ast
import builtins
import difflib
import inspect
import textwrap
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from types import ModuleType

import numpy as np

FUNCTIONS = {
    "sqrt": np.sqrt,
    "abs": np.abs,
    "exp": np.exp,
    "log": np.log,
    "sin": np.sin,
    "cos": np.cos,
    "sign": np.sign,
    "maximum": np.maximum,
    "minimum": np.minimum,
    "where": np.where,
}
ARGUMENTS = dict.fromkeys(FUNCTIONS, 1) | {"maximum": 2, "minimum": 2, "where": 3}
CONSTANTS = {"pi": np.pi}

_OPERATORS = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.Pow)
_COMPARISONS = (ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.Eq, ast.NotEq)
_INSTEAD = {
    ast.AugAssign: "write `x = x + ...`: changing x in place would also change the caller's array",
    ast.AnnAssign: "write `x = ...` without the annotation",
    ast.If: "write `x = where(condition, a, b)`",
    ast.IfExp: "write `where(condition, a, b)`",
    ast.For: "write out one step; `Rule.trace` repeats it",
    ast.While: "write out one step; `Rule.trace` repeats it",
    ast.BoolOp: "nest two `where(condition, a, b)`",
    ast.FloorDiv: "use `/`",
    ast.Mod: "use + - * / or **",
    ast.MatMult: "formulas are element-wise: use `*`",
    ast.Subscript: "formulas act on whole arrays: take the element before the call",
    ast.Lambda: "write the expression itself",
    ast.Expr: "assign the value to a name or delete the line",
}


class FormulaError(ValueError):
    """A function that the small language of formulas cannot express, or a call that does not fit it."""


def closest(name: str, known: Iterable[str]) -> str:
    """Return `` (did you mean 'x'?)`` for the nearest known name, or an empty string."""
    near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f" (did you mean {near[0]!r}?)" if near else ""


@dataclass(frozen=True, repr=False)
class Formula:
    """A function of the small language, read and checked.

    Attributes
    ----------
    function : callable
        The function as written.
    positional : dict
        Positional arguments in order; the default value, or None where there is none.
    keyword : dict
        Keyword-only arguments with their defaults.
    body : tuple of (str, ast.expr)
        The assignments in order.
    result : tuple of ast.expr
        The returned expressions.
    """

    function: Callable
    name: str
    doc: str
    positional: dict[str, float | None]
    keyword: dict[str, float | None]
    body: tuple[tuple[str, ast.expr], ...]
    result: tuple[ast.expr, ...]
    file: str
    line: int

    def __repr__(self) -> str:
        return f"<Formula {self.name}({', '.join([*self.positional, *self.keyword])})>"

    @property
    def assigned(self) -> tuple[str, ...]:
        """Every name that the function assigns, in order."""
        return tuple(name for name, _ in self.body)

    def bind(self, functions: dict | None = None) -> Callable[..., dict]:
        """Compile the same text so that it returns everything it computes, by name.

        Parameters
        ----------
        functions : dict, optional
            What ``sqrt``, ``abs``, ... stand for; NumPy's by default.

        Returns
        -------
        callable
            Takes the formula's arguments and returns a dict of all assigned names.
        """
        arguments = [*self.positional, *self.keyword]
        parameters = ast.arguments(
            posonlyargs=[],
            args=[ast.arg(name) for name in arguments],
            kwonlyargs=[],
            kw_defaults=[],
            defaults=[],
        )
        statements: list[ast.stmt] = [
            ast.copy_location(ast.Assign(targets=[ast.Name(name, ast.Store())], value=value), value)
            for name, value in self.body
        ]
        everything = ast.Dict(
            keys=[ast.Constant(name) for name in self.assigned],
            values=[ast.Name(name, ast.Load()) for name in self.assigned],
        )
        statements.append(ast.Return(everything))
        definition = ast.FunctionDef(name=self.name, args=parameters, body=statements, decorator_list=[])
        module = ast.fix_missing_locations(ast.Module([definition], type_ignores=[]))
        namespace = {**(functions or FUNCTIONS), **CONSTANTS}
        exec(compile(module, self.file, "exec"), namespace)
        return namespace[self.name]


def read(function: Callable) -> Formula:
    """Read a Python function as a formula.

    Parameters
    ----------
    function : callable
        A plain function of the small language (see the module's text).

    Returns
    -------
    Formula

    Raises
    ------
    FormulaError
        If the source is not available, or a line is outside the language. The message names
        the file, the line, what stands there and what to write instead.
    """
    try:
        source = textwrap.dedent(inspect.getsource(function))
    except (OSError, TypeError) as error:
        raise FormulaError(
            f"the source of {getattr(function, '__name__', function)!r} is not available: "
            "a formula must be a function defined in a file or in a notebook cell"
        ) from error
    tree = ast.parse(source).body[0]
    file, first = inspect.getsourcefile(function) or "<unknown>", function.__code__.co_firstlineno
    if not isinstance(tree, ast.FunctionDef):
        raise FormulaError(f"{file}, line {first}: expected `def name(...)`, got {source.splitlines()[0]!r}")
    ast.increment_lineno(tree, first - 1)
    return _Reader(function, tree, file, source.splitlines(), first).read()


class _Reader:
    """Checks one function against the language while walking through it."""

    def __init__(self, function: Callable, tree: ast.FunctionDef, file: str, lines: list[str], first: int):
        self.function, self.tree, self.file = function, tree, file
        self.lines, self.first = lines, first
        self.known: set[str] = set()
        arguments = {a.arg for a in tree.args.posonlyargs + tree.args.args}
        last = tree.body[-1].value if isinstance(tree.body[-1], ast.Return) else None
        returned = last.elts if isinstance(last, ast.Tuple) else [last]
        # A carried quantity is an argument that is returned: it takes its new value under its own name.
        self.carried = arguments & {node.id for node in returned if isinstance(node, ast.Name)}

    def refuse(self, node: ast.AST, what: str, instead: str):
        line = getattr(node, "lineno", self.first)
        text = self.lines[line - self.first].strip() if line - self.first < len(self.lines) else ""
        raise FormulaError(f"{self.file}, line {line}: `{text}`: {what}; {instead}")

    def read(self) -> Formula:
        tree, arguments = self.tree, self.tree.args
        if arguments.vararg or arguments.kwarg:
            self.refuse(tree, "*args and **kwargs cannot be translated", "name every argument")
        names = [a.arg for a in arguments.posonlyargs + arguments.args]
        defaults = self.function.__defaults__ or ()
        positional = dict.fromkeys(names[: len(names) - len(defaults)]) | dict(
            zip(names[len(names) - len(defaults) :], defaults, strict=True)
        )
        given = self.function.__kwdefaults__ or {}
        keyword = {a.arg: given.get(a.arg) for a in arguments.kwonlyargs}
        for name, default in [*positional.items(), *keyword.items()]:
            self.check_new(tree, name)
            if default is not None and (isinstance(default, bool) or not isinstance(default, int | float)):
                self.refuse(tree, f"the default of {name} is {default!r}", "give a number")
            self.known.add(name)

        statements = list(tree.body)
        doc = ast.get_docstring(tree) or ""
        if doc:
            statements.pop(0)
        if not statements or not isinstance(statements[-1], ast.Return) or statements[-1].value is None:
            self.refuse(
                statements[-1] if statements else tree, "nothing is returned", "end with `return ...`"
            )
        body = [self.assignment(statement) for statement in statements[:-1]]
        value = statements[-1].value
        values = value.elts if isinstance(value, ast.Tuple) else [value]
        result = tuple(self.expression(v) for v in values)
        return Formula(
            self.function, tree.name, doc, positional, keyword, tuple(body), result, self.file, self.first
        )

    def check_new(self, node: ast.AST, name: str) -> None:
        if name in FUNCTIONS or name in CONSTANTS:
            self.refuse(node, f"{name!r} is the name of a function or constant", "use another name")
        if name in self.known:
            self.refuse(
                node,
                f"{name!r} already has a value in this step",
                f"give the second value its own name, such as {name}_new",
            )

    def assignment(self, node: ast.stmt) -> tuple[str, ast.expr]:
        if not isinstance(node, ast.Assign):
            what = type(node).__name__
            self.refuse(
                node, f"{what} cannot be translated", _INSTEAD.get(type(node), "write `name = expression`")
            )
        if len(node.targets) != 1 or not isinstance(node.targets[0], ast.Name):
            self.refuse(
                node, "more than one name is assigned at once", "write one `name = expression` per line"
            )
        name, value = node.targets[0].id, self.expression(node.value)
        if name in self.carried:
            self.carried.remove(name)
        else:
            self.check_new(node, name)
        self.known.add(name)
        return name, value

    def expression(self, node: ast.expr) -> ast.expr:
        match node:
            case ast.Constant(value=value) if isinstance(value, int | float) and not isinstance(value, bool):
                return node
            case ast.Name(id=name):
                if name not in self.known and name not in CONSTANTS:
                    self.refuse(
                        node,
                        f"{name!r} is neither an argument nor assigned above{closest(name, self.known)}",
                        "a constant becomes a keyword-only argument with a default",
                    )
                return node
            case ast.UnaryOp(op=ast.USub()):
                operand = self.expression(node.operand)
                return ast.copy_location(ast.UnaryOp(ast.USub(), operand), node)
            case ast.BinOp(op=op):
                if not isinstance(op, _OPERATORS):
                    what = type(op).__name__
                    self.refuse(
                        node, f"{what} cannot be translated", _INSTEAD.get(type(op), "use + - * / or **")
                    )
                return ast.copy_location(
                    ast.BinOp(self.expression(node.left), op, self.expression(node.right)), node
                )
            case ast.Compare(ops=[op], comparators=[right]) if isinstance(op, _COMPARISONS):
                compare = ast.Compare(self.expression(node.left), [op], [self.expression(right)])
                return ast.copy_location(compare, node)
            case ast.Call():
                return self.call(node)
            case _:
                what = type(node).__name__
                instead = _INSTEAD.get(type(node), "use " + ", ".join(["+ - * / **", *FUNCTIONS]))
                self.refuse(node, f"{what} cannot be translated", instead)

    def call(self, node: ast.Call) -> ast.expr:
        """Accept ``sqrt(x)`` and ``np.sqrt(x)``, and make both the former."""
        match node.func:
            case ast.Name(id=name):
                found = self.lookup(name)
            case ast.Attribute(value=ast.Name(id=module), attr=name) if isinstance(
                self.lookup(module), ModuleType
            ):
                found = getattr(self.lookup(module), name, None)
            case _:
                name, found = ast.unparse(node.func), None
        if name not in FUNCTIONS:
            self.refuse(
                node,
                f"{name} is not in the language{closest(name, FUNCTIONS)}",
                "use " + ", ".join(FUNCTIONS),
            )
        if found is not FUNCTIONS[name] and not (name == "abs" and found in (builtins.abs, np.abs)):
            self.refuse(
                node,
                f"{name} is not NumPy's here",
                f"import it with `from numpy import {name}`, so that it also works on arrays",
            )
        if node.keywords or len(node.args) != ARGUMENTS[name]:
            count = ARGUMENTS[name]
            self.refuse(node, f"{name} takes {count} unnamed argument{'s' * (count > 1)}", "write just those")
        call = ast.Call(ast.Name(name, ast.Load()), [self.expression(a) for a in node.args], [])
        return ast.fix_missing_locations(ast.copy_location(call, node))

    def lookup(self, name: str):
        """Return what a global name stands for where the function was defined."""
        return self.function.__globals__.get(name, getattr(builtins, name, None))
