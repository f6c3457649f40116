"""The small language: what it accepts, and how it refuses the rest."""

from __future__ import annotations

import ast
import re

import numpy as np
import pytest
from writing import define

from optimlab.formula import FUNCTIONS, FormulaError, read


def refusal(source: str, **names) -> str:
    with pytest.raises(FormulaError) as caught:
        read(define(source, **names))
    return str(caught.value)


def step(line: str, arguments: str = "w, g") -> str:
    return f"def f({arguments}):\n    {line}\n    return w\n"


# what stands in line 2, what the message says of it, what it tells to write instead
LINES = {
    "augmented assignment": ("w -= g", "AugAssign", "write `x = x + ...`"),
    "annotation": ("w: float = g", "AnnAssign", "without the annotation"),
    "conditional expression": ("w = g if g > 0 else w", "IfExp", "where(condition, a, b)"),
    "lambda": ("w = (lambda x: x)(g)", "not in the language", "use sqrt, abs"),
    "list comprehension": ("w = [x for x in g]", "ListComp", "use + - * / **"),
    "generator": ("w = (x for x in g)", "GeneratorExp", "use + - * / **"),
    "list": ("w = [g, g]", "List", "use + - * / **"),
    "floor division": ("w = w // g", "FloorDiv", "use `floor(a / b)`"),
    "remainder": ("w = w % g", "Mod", "use `a - b * floor(a / b)`"),
    "matrix product": ("w = w @ g", "MatMult", "use `*`"),
    "bits": ("w = w & g", "BitAnd", "use + - * / or **"),
    "subscript": ("w = g[0]", "Subscript", "take the element before the call"),
    "attribute": ("w = g.real", "Attribute", "use + - * / **"),
    "method call": ("w = g.sum()", "g.sum is not in the language", "use sqrt, abs"),
    "unknown function": ("w = np.tanh(g)", "tanh is not in the language", "use sqrt, abs"),
    "misspelled function": ("w = np.squrt(g)", "did you mean 'sqrt'?", "use sqrt, abs"),
    "maximum under another name": ("w = np.max(w, g)", "did you mean 'maximum'?", "use sqrt, abs"),
    "unknown name": ("w = w - q", "'q' is neither an argument", "keyword-only argument with a default"),
    "global constant": ("w = w - RATE * g", "'RATE' is neither an argument", "keyword-only argument"),
    "function as a value": ("w = sqrt", "'sqrt' is neither an argument", "keyword-only"),
    "math instead of NumPy": ("w = math.sqrt(g)", "sqrt is not NumPy's", "from numpy import sqrt"),
    "tuple assignment": ("w, v = g, g", "more than one name", "one `name = expression` per line"),
    "chained assignment": ("w = v = g", "more than one name", "one `name = expression` per line"),
    "element assignment": ("w[0] = g", "more than one name", "`name = expression`"),
    "double assignment": ("v = g; v = w", "'v' already has a value", "v_new"),
    "assignment to an input": ("g = 2 * g", "'g' already has a value", "g_new"),
    "function name assigned": ("exp = g", "'exp' is the name of a function", "another name"),
    "constant assigned": ("pi = g", "'pi' is the name of a function or constant", "another name"),
    "chained comparison": ("w = where(0 < g < 1, g, w)", "0 < g < 1", "nest two `where`"),
    "and": ("w = where(g > 0 and w > 0, g, w)", "g > 0 and w > 0", "nest two `where`"),
    "condition without comparison": ("w = where(g, w, g)", "condition of where is `g`", "where(a < b"),
    "comparison as a value": ("w = g * (g > 0)", "Compare", "condition of `where"),
    "not": ("w = not g", "UnaryOp", "unary minus only"),
    "unary plus": ("w = +g", "UnaryOp", "unary minus only"),
    "walrus": ("w = (v := g)", "NamedExpr", "use + - * / **"),
    "keyword argument": ("w = sqrt(g, out=w)", "sqrt takes 1 unnamed argument;", "write just those"),
    "too many arguments": ("w = maximum(g, w, 0)", "maximum takes 2 unnamed arguments;", "just those"),
    "starred argument": ("w = maximum(*g)", "maximum takes 2 unnamed arguments", "write just those"),
    "where without values": ("w = where(g > 0)", "where takes 3 unnamed arguments", "just those"),
    "text": ("w = 'g'", "Constant", "use + - * / **"),
    "truth value": ("w = True", "Constant", "use + - * / **"),
    "imaginary number": ("w = 1j * g", "Constant", "use + - * / **"),
    "bare expression": ("print(g)", "Expr", "assign the value to a name or delete the line"),
    "import": ("import numpy", "Import", "write `name = expression`"),
    "assertion": ("assert w", "Assert", "write `name = expression`"),
    "if": ("if g > 0: w = g", "If", "where(condition, a, b)"),
    "for": ("for x in g: w = x", "For", "write out one step"),
    "while": ("while g > 0: w = g", "While", "write out one step"),
    "early return": ("return g", "Return", "write `name = expression`"),
    "nested function": ("def h(x): return x", "FunctionDef", "write `name = expression`"),
    "with": ("with g: w = 1", "With", "write `name = expression`"),
}


@pytest.mark.parametrize("construct", LINES)
def test_a_refusal_names_the_file_the_line_the_text_and_the_remedy(construct):
    line, what, instead = LINES[construct]
    message = refusal(step(line))
    assert re.match(r"cell-\d+\.py, line 2: `", message)
    assert f"`{line}`" in message
    assert what in message
    assert instead in message


# whole texts whose first line with a fault is not line 2
TEXTS = {
    "any number of arguments": ("def f(w, *g):\n    return w", 1, "name every argument"),
    "any keywords": ("def f(w, **g):\n    return w", 1, "name every argument"),
    "a state that is not returned": (
        "def f(w, g, v=0.0):\n    v = v + g\n    w = w - v\n    return w",
        2,
        "the new value of 'v' is lost; return it too",
    ),
    "default that is text": (
        "def f(w, *, lr='0.1'):\n    return w",
        1,
        "default of lr is '0.1'; give a number",
    ),
    "default that is a truth value": ("def f(w, *, on=True):\n    return w", 1, "on is True; give a number"),
    "default None": ("def f(w, v=None):\n    return w, v", 1, "default of v is None; give a number"),
    "keyword default None": ("def f(w, *, lr=None):\n    return w", 1, "lr is None; give a number"),
    "default that is an array": ("def f(w, v=np.zeros(2)):\n    return w, v", 1, "give a number"),
    "argument named like a function": ("def f(w, exp):\n    return w", 1, "'exp' is the name of a function"),
    "no return": ("def f(w, g):\n    w = w - g", 2, "nothing is returned; end with `return ...`"),
    "return without a value": ("def f(w, g):\n    w = w - g\n    return", 3, "end with `return ...`"),
    "only a docstring": ("def f(w):\n    '''Nothing.'''", 1, "end with `return ...`"),
    "unknown name in the return": ("def f(w):\n    v = w\n    return u", 3, "'u' is neither an argument"),
    "starred return": ("def f(w):\n    return *w, w", 2, "Starred cannot be translated"),
    "yield": ("def f(w):\n    v = w\n    yield v", 3, "nothing is returned"),
    "later line": ("def f(w, g):\n    v = w\n\n    u = v // g\n    return u", 4, "use `floor(a / b)`"),
    "line of several": (
        "def f(w, g):\n    v = (w +\n         g % 2)\n    return v",
        3,
        "use `a - b * floor(a / b)`",
    ),
    "asynchronous": ("async def f(w):\n    return w", 1, "write it with `def name(...)`"),
    "lambda": ("f = lambda w: w", 1, "write it with `def name(...)`"),
    "lambda within brackets": ("f = (\n    lambda w:\n    w\n)", 2, "write it with `def name(...)`"),
}


@pytest.mark.parametrize("text", TEXTS)
def test_a_refusal_of_a_whole_function_names_file_line_and_remedy(text):
    source, line, instead = TEXTS[text]
    message = refusal(source)
    assert re.match(
        rf"cell-\d+\.py, line {line}: `{re.escape(source.splitlines()[line - 1].strip())}`: ", message
    )
    assert instead in message


def test_the_line_counts_from_the_top_of_the_file():
    source = "# a comment\n\ndef g(w):\n    return w\n\ndef f(w):\n    v = w // 2\n    return v\n"
    assert ", line 7: `v = w // 2`" in refusal(source)


def test_the_line_is_right_below_decorators():
    source = "def same(f):\n    return f\n\n@same\n@same\ndef f(w):\n    v = w // 2\n    return v\n"
    assert ", line 7: `v = w // 2`" in refusal(source)


@pytest.mark.parametrize(
    ("thing", "kind"),
    [
        ("class Thing:\n    pass\n", "type"),
        ("class Thing:\n    def step(self, w):\n        return w\nf = Thing().step\n", "method"),
        ("import functools\ndef g(w):\n    return w\nf = functools.partial(g, 1)\n", "partial"),
        (
            "import functools\ndef g(w):\n    return w\n"
            "@functools.wraps(g)\ndef f(*args):\n    return g(*args) + 1\n",
            "other decorators",
        ),
        ("f = len\n", "builtin_function"),
        ("@np.vectorize\ndef f(w):\n    return w\n", "vectorize"),
    ],
)
def test_what_is_not_a_plain_function_is_refused(thing, kind):
    message = refusal(thing)
    assert "is not a plain function" in message
    assert kind in message
    assert "written with `def`" in message


def test_a_function_without_source_is_refused():
    namespace = {}
    exec("def f(w):\n    return w\n", namespace)
    with pytest.raises(
        FormulaError, match=r"source of 'f' is not available.*in a file or in a notebook cell"
    ):
        read(namespace["f"])


def test_a_global_that_hides_numpys_function_is_refused():
    assert "sqrt is not NumPy's here" in refusal(step("w = sqrt(g)"), sqrt=lambda x: x)


def test_a_global_that_hides_pi_is_refused():
    assert "pi is not NumPy's here but 3; import it with `from numpy import pi`" in refusal(
        step("w = pi * g"), pi=3
    )


def test_a_function_of_a_notebook_cell_is_read():
    interactive = pytest.importorskip("IPython.core.interactiveshell")
    shell = interactive.InteractiveShell.instance()
    try:
        cell = "from numpy import sqrt\n\ndef f(w, g, *, lr=0.5):\n    w = w - lr * sqrt(g)\n    return w\n"
        shell.run_cell(cell).raise_error()
        formula = read(shell.user_ns["f"])
        assert formula.bind()(w=1.0, g=4.0, lr=0.25) == {"w": 0.5}
        shell.run_cell("def f(w):\n    w = w // 2\n    return w\n").raise_error()
        with pytest.raises(FormulaError, match=r", line 2: `w = w // 2`"):
            read(shell.user_ns["f"])
    finally:
        interactive.InteractiveShell.clear_instance()


def test_numpys_name_before_a_function_or_constant_makes_no_difference():
    long = read(define("def f(w):\n    w = np.sqrt(np.maximum(w, 2)) + np.pi\n    return w"))
    short = read(define("def f(w):\n    w = sqrt(maximum(w, 2)) + pi\n    return w"))
    assert ast.dump(long.body[0][1]) == ast.dump(short.body[0][1])
    assert long.bind()(w=9.0)["w"] == 3 + np.pi


def test_pythons_abs_is_numpys():
    assert read(define("def f(w):\n    w = abs(w)\n    return w", abs=abs)).bind()(w=-2.0) == {"w": 2.0}


def test_functions_imported_around_a_nested_function_are_found():
    from numpy import sqrt as root  # noqa: F401
    from numpy import where

    def f(w):
        w = where(w < 0, -w, w)
        return w

    assert read(f).bind()(w=-3.0)["w"] == 3


def test_a_formula_knows_its_signature_its_text_and_its_place():
    source = '''
    def f(w, g, v=0, *, lr=1e-3, big=float("inf")):
        """Say what it does."""
        v = v + g
        u = lr * v
        w = w - u
        return w, v, u
    '''
    formula = read(define(source))
    assert formula.name == "f"
    assert formula.doc == "Say what it does."
    assert formula.positional == {"w": None, "g": None, "v": 0}
    assert formula.keyword == {"lr": 1e-3, "big": np.inf}
    assert formula.assigned == ("v", "u", "w")
    assert [node.id for node in formula.result] == ["w", "v", "u"]
    assert formula.line == 1
    assert re.fullmatch(r"cell-\d+\.py", formula.file)


def test_an_empty_docstring_is_a_docstring():
    assert read(define('def f(w):\n    """"""\n    return w')).doc == ""


def test_annotations_of_arguments_are_allowed():
    formula = read(define("def f(w: float, /, *, lr: float = 1.0) -> float:\n    w = w - lr\n    return w"))
    assert formula.bind()(w=3.0, lr=1.0) == {"w": 2.0}


def test_results_come_as_a_tuple_and_the_same_for_a_number_as_for_an_array():
    formula = read(define("def f(x, *, a=1.7):\n    y = x**a\n    return y, x**3 - 1"))
    points = np.random.default_rng(0).uniform(0, 2, 50)
    results = formula.bind_results()
    together = results(points, 1.7)
    for i, x in enumerate(points):
        assert results(x, 1.7) == (together[0][i], together[1][i])
    assert read(define("def f(x):\n    return x")).bind_results()(3.0) == (3.0,)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_of_the_language_computes_what_numpy_computes(name):
    calls = {"where": "where(x < y, x, y)", "maximum": "maximum(x, y)", "minimum": "minimum(x, y)"}
    formula = read(define(f"def f(x, y):\n    z = {calls.get(name, f'{name}(x)')}\n    return z"))
    expected = {
        "sqrt": 0.7**0.5,
        "abs": 0.7,
        "exp": np.e**0.7,
        "log": -0.35667494393873245,
        "sin": 0.644217687237691,
        "cos": 0.7648421872844885,
        "sign": 1,
        "floor": 0,
        "maximum": 1.5,
        "minimum": 0.7,
        "where": 0.7,
    }
    assert formula.bind()(x=0.7, y=1.5)["z"] == pytest.approx(expected[name], rel=1e-14)


@pytest.mark.parametrize(
    ("comparison", "expected"),
    [
        ("<", [1, 0, 0]),
        ("<=", [1, 1, 0]),
        (">", [0, 0, 1]),
        (">=", [0, 1, 1]),
        ("==", [0, 1, 0]),
        ("!=", [1, 0, 1]),
    ],
)
def test_every_comparison_chooses_in_where(comparison, expected):
    formula = read(define(f"def f(x):\n    y = where(x {comparison} 2, 1, 0)\n    return y"))
    assert formula.bind()(x=np.array([1.0, 2.0, 3.0]))["y"].tolist() == expected


def test_the_bound_function_returns_everything_by_name_and_changes_nothing_given():
    formula = read(
        define("def f(w, g, v=0.0):\n    v = v + g\n    u = 2 * v\n    w = w - u\n    return w, v")
    )
    w, g, v = np.array([1.0, 2.0]), np.array([3.0, 4.0]), np.array([0.0, 1.0])
    row = formula.bind()(w, g, v)
    assert {name: value.tolist() for name, value in row.items()} == {
        "v": [3, 5],
        "u": [6, 10],
        "w": [-5, -8],
    }
    assert (w.tolist(), g.tolist(), v.tolist()) == ([1, 2], [3, 4], [0, 1])


def test_functions_can_be_given_to_bind():
    formula = read(define("def f(w):\n    w = sqrt(w) ** 3\n    return w"))
    assert formula.bind({"sqrt": lambda x: x + 1})(w=1) == {"w": 8}


@pytest.mark.parametrize(
    "power", ["x**2", "x**0.5", "x**3", "x**-1", "x**y", "0.9**x", "(x + 1)**2", "x**2.5"]
)
def test_a_number_and_an_array_are_raised_to_a_power_alike_to_the_last_bit(power):
    bound = read(define(f"def f(x, y):\n    z = {power}\n    return z")).bind()
    x = np.random.default_rng(1).uniform(0.1, 30, 2000)
    y = np.float64(7.3)
    assert [bound(value, y)["z"] for value in x] == bound(x, y)["z"].tolist()


def test_a_whole_number_may_be_raised_to_a_negative_power():
    assert read(define("def f(x):\n    y = x * 2**-1\n    return y")).bind()(x=3.0) == {"y": 1.5}


def test_a_misspelled_name_is_answered_with_the_nearest_known():
    assert "'momentun' is neither an argument nor assigned above (did you mean 'momentum'?)" in refusal(
        step("w = momentun * g", "w, g, *, momentum=0.9")
    )
