"""The small language that every rule, average, schedule and landscape is written in.

A formula is an ordinary Python function made of straight-line assignments and one return.
It runs as it stands. Because its grammar is small, the same text can also be traced,
set as mathematics and run in a browser; what cannot be translated is refused here, with
the file, the line and what to write instead.

    expressions   + - * / **  unary minus
                  sqrt abs exp log sin cos sign floor maximum minimum
                  where(a < b, x, y), and the same with <= > >= == !=
                  numbers, pi, the function's arguments, the names it has assigned
    statements    name = expression          (each name once)
                  return expression, ...     (once, last)
"""

from __future__ import annotations

import ast
import builtins
import copy
import difflib
import inspect
import operator
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
    "floor": np.floor,
    "maximum": np.maximum,
    "minimum": np.minimum,
    "where": np.where,
}
ARGUMENTS = dict.fromkeys(FUNCTIONS, 1) | {"maximum": 2, "minimum": 2, "where": 3}
CONSTANTS = {"pi": np.pi}
# How `bind` raises to a power. Python's ** on one number goes another way than NumPy's on an array,
# and the last bit may differ; np.power goes the array's way for both. No formula can use this name.
POWER = "**"

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
    ast.Compare: "compare two values, as the condition of `where(a < b, x, y)`",
    ast.UnaryOp: "use unary minus only",
    ast.FloorDiv: "use `floor(a / b)`",
    ast.Mod: "use `a - b * floor(a / b)`",
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
            What ``sqrt``, ``abs``, ... stand for; NumPy's by default. Give all that the formula calls.

        Returns
        -------
        callable
            Takes the formula's arguments and returns a dict of all assigned names.
        """
        everything = ast.Dict(
            keys=[ast.Constant(name) for name in self.assigned],
            values=[ast.Name(name, ast.Load()) for name in self.assigned],
        )
        return compiled(self, [*self.positional, *self.keyword], self.body, everything, functions)

    def bind_results(self, functions: dict | None = None) -> Callable[..., tuple]:
        """Compile the same text so that it returns what the function returns, always as a tuple.

        Parameters
        ----------
        functions : dict, optional
            As for `bind`.

        Returns
        -------
        callable
            Takes the formula's arguments, also by position, and returns a tuple.
        """
        results = ast.Tuple(list(self.result), ast.Load())
        return compiled(self, [*self.positional, *self.keyword], self.body, results, functions)


def compiled(
    formula: Formula,
    arguments: list[str],
    body: Iterable[tuple[str, ast.expr]],
    answer: ast.expr,
    functions: dict | None = None,
) -> Callable:
    """Compile lines of a formula as a function of these arguments that returns this answer.

    One number and an array of numbers give the same, to the last bit.
    """
    parameters = ast.arguments(
        posonlyargs=[],
        args=[ast.arg(name) for name in arguments],
        kwonlyargs=[],
        kw_defaults=[],
        defaults=[],
    )
    statements: list[ast.stmt] = [
        ast.copy_location(
            ast.Assign(targets=[ast.Name(name, ast.Store())], value=_Powers().visit(copy.deepcopy(value))),
            value,
        )
        for name, value in body
    ]
    statements.append(ast.Return(_Powers().visit(copy.deepcopy(answer))))
    definition = ast.FunctionDef(name=formula.name, args=parameters, body=statements, decorator_list=[])
    module = ast.fix_missing_locations(ast.Module([definition], type_ignores=[]))
    table = {POWER: np.power, **FUNCTIONS} if functions is None else {POWER: operator.pow, **functions}
    namespace = {**table, **CONSTANTS}
    exec(compile(module, formula.file, "exec"), namespace)
    return namespace[formula.name]


class _Powers(ast.NodeTransformer):
    """Writes every power so that one number and an array of numbers give the same, to the last bit."""

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        node = self.generic_visit(node)
        match node:
            case ast.BinOp(left=ast.Name(), op=ast.Pow(), right=ast.Constant(value=2.0)):
                new = ast.BinOp(node.left, ast.Mult(), node.left)  # as NumPy squares arrays
            case ast.BinOp(op=ast.Pow()):
                new = ast.Call(ast.Name(POWER, ast.Load()), [node.left, node.right], [])
            case _:
                return node
        return ast.fix_missing_locations(ast.copy_location(new, node))

    def visit_Constant(self, node: ast.Constant) -> ast.expr:
        if isinstance(node.value, str):  # a name that `bind` returns
            return node
        # np.power refuses the integers of 2**-1.
        return ast.copy_location(ast.Constant(float(node.value)), node)


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
    name = getattr(function, "__name__", repr(function))
    if not inspect.isfunction(function) or hasattr(function, "__wrapped__"):
        raise FormulaError(
            f"{name} is not a plain function: its type is {type(function).__name__}; a formula is a function "
            "written with `def`, outside a class and without other decorators"
        )
    file, first = function.__code__.co_filename, function.__code__.co_firstlineno
    try:
        source = textwrap.dedent(inspect.getsource(function))
    except (OSError, TypeError) as error:
        raise FormulaError(
            f"the source of {name!r} is not available: "
            "a formula must be a function defined in a file or in a notebook cell"
        ) from error
    try:
        tree = ast.parse(source).body[0]
    except SyntaxError:  # what stands in the middle of another statement, such as a lambda
        tree = None
    lines = source.splitlines()
    if not isinstance(tree, ast.FunctionDef):
        line = getattr(tree, "lineno", 1)
        raise FormulaError(
            f"{file}, line {first + line - 1}: `{lines[line - 1].strip()}`: "
            "expected a function; write it with `def name(...)`"
        )
    ast.increment_lineno(tree, first - 1)
    return _Reader(function, tree, file, lines, first).read()


class _Reader:
    """Checks one function against the language while walking through it."""

    def __init__(self, function: Callable, tree: ast.FunctionDef, file: str, lines: list[str], first: int):
        self.function, self.tree, self.file = function, tree, file
        self.lines, self.first = lines, first
        self.known: set[str] = set()
        names = [a.arg for a in tree.args.posonlyargs + tree.args.args]
        last = tree.body[-1].value if isinstance(tree.body[-1], ast.Return) else None
        returned = last.elts if isinstance(last, ast.Tuple) else [last]
        # A carried quantity is an argument that is returned: it takes its new value under its own name.
        self.carried = set(names) & {node.id for node in returned if isinstance(node, ast.Name)}
        # What has a first value and is not returned could only be meant for the next step.
        self.lost = set(names[len(names) - len(tree.args.defaults) :]) - self.carried

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
        given = dict(zip(names[len(names) - len(defaults) :], defaults, strict=True))
        given |= self.function.__kwdefaults__ or {}
        positional = {name: given.get(name) for name in names}
        keyword = {a.arg: given.get(a.arg) for a in arguments.kwonlyargs}
        for name in (*positional, *keyword):
            self.check_new(tree, name)
            if name in given and (isinstance(given[name], bool) or not isinstance(given[name], int | float)):
                self.refuse(tree, f"the default of {name} is {given[name]!r}", "give a number")
            self.known.add(name)

        statements = list(tree.body)
        doc = ast.get_docstring(tree)
        if doc is not None:
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
            self.function,
            tree.name,
            doc or "",
            positional,
            keyword,
            tuple(body),
            result,
            self.file,
            self.first,
        )

    def check_new(self, node: ast.AST, name: str) -> None:
        if name in FUNCTIONS or name in CONSTANTS:
            self.refuse(node, f"{name!r} is the name of a function or constant", "use another name")
        if name in self.lost and name in self.known:
            self.refuse(
                node,
                f"the new value of {name!r} is lost",
                f"return it too, so that the next step begins with it, or call it something like {name}_new",
            )
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
            case ast.Attribute(value=ast.Name(id=module), attr=name) if name in CONSTANTS:
                self.check_constant(node, getattr(self.lookup(module), name, None), name)
                return ast.copy_location(ast.Name(name, ast.Load()), node)
            case ast.Name(id=name) if name in CONSTANTS:
                self.check_constant(node, self.lookup(name), name)
                return node
            case ast.Name(id=name):
                if name not in self.known:
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
            case ast.Call():
                return self.call(node)
            case _:
                what = type(node).__name__
                instead = _INSTEAD.get(type(node), "use " + ", ".join(["+ - * / **", *FUNCTIONS]))
                self.refuse(node, f"{what} cannot be translated", instead)

    def check_constant(self, node: ast.expr, found, name: str) -> None:
        if found != CONSTANTS[name]:
            self.refuse(
                node,
                f"{name} is not NumPy's here but {found!r}",
                f"import it with `from numpy import {name}`",
            )

    def condition(self, node: ast.expr) -> ast.expr:
        """Accept one comparison; elsewhere than in ``where`` the languages disagree on what it is worth."""
        match node:
            case ast.Compare(ops=[op], comparators=[right]) if isinstance(op, _COMPARISONS):
                compare = ast.Compare(self.expression(node.left), [op], [self.expression(right)])
                return ast.copy_location(compare, node)
        self.refuse(
            node,
            f"the condition of where is `{ast.unparse(node)}`",
            "write one comparison there, such as `where(a < b, x, y)`; for two conditions nest two `where`",
        )

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
        first = self.condition if name == "where" else self.expression
        arguments = [first(node.args[0]), *(self.expression(a) for a in node.args[1:])]
        call = ast.Call(ast.Name(name, ast.Load()), arguments, [])
        return ast.fix_missing_locations(ast.copy_location(call, node))

    def lookup(self, name: str):
        """Return what a name from outside stands for where the function was defined."""
        outer = dict(zip(self.function.__code__.co_freevars, self.function.__closure__ or (), strict=True))
        if name in outer:
            try:
                return outer[name].cell_contents
            except ValueError:  # not assigned yet
                return None
        return self.function.__globals__.get(name, getattr(builtins, name, None))
