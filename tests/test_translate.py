"""A rule as LaTeX, MathML and JavaScript says the same as in Python."""

from __future__ import annotations

import ast
import functools
import math
import operator
import re
import xml.etree.ElementTree as ElementTree

import mpmath
import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from writing import define

from optimlab.averages import ewa, ewa_corrected
from optimlab.catalog import RULES, find
from optimlab.formula import FUNCTIONS, POWER, read
from optimlab.rule import Rule
from optimlab.rules import adam
from optimlab.translate import javascript, latex_name, mathml, plain_name

# Random expressions of the language

NUMBERS = ["0", "1", "2", "3", "12", "0.5", "1.25", "1e6", "1048576.0"]
SMALL = ["1e-8", "2.5e-07", "0.1", "1234567.5"]
ARGUMENTS = ["x", "y", "beta1"]


def expressions(numbers: list[str]) -> st.SearchStrategy[str]:
    """Return expressions as text, with parentheses only where Python needs them."""

    def grow(inner):
        binary = st.builds(
            ast.BinOp,
            inner,
            st.sampled_from([ast.Add(), ast.Sub(), ast.Mult(), ast.Div(), ast.Pow()]),
            inner,
        )
        minus = st.builds(ast.UnaryOp, st.just(ast.USub()), inner)
        one = st.builds(
            lambda name, x: ast.Call(ast.Name(name), [x], []),
            st.sampled_from(["sqrt", "abs", "exp", "log", "sin", "cos", "sign"]),
            inner,
        )
        two = st.builds(
            lambda name, x, y: ast.Call(ast.Name(name), [x, y], []),
            st.sampled_from(["maximum", "minimum"]),
            inner,
            inner,
        )
        comparison = st.sampled_from([ast.Lt(), ast.LtE(), ast.Gt(), ast.GtE(), ast.Eq(), ast.NotEq()])
        where = st.builds(
            lambda op, a, b, x, y: ast.Call(ast.Name("where"), [ast.Compare(a, [op], [b]), x, y], []),
            comparison,
            inner,
            inner,
            inner,
            inner,
        )
        return st.one_of(binary, binary, binary, minus, minus, one, two, where)

    leaf = st.sampled_from([ast.parse(text, mode="eval").body for text in [*ARGUMENTS, "pi", *numbers]])
    return st.recursive(leaf, grow, max_leaves=12).map(ast.unparse)


def written(expression: str) -> Rule:
    return Rule(define(f"def f(w, x, y, *, beta1=0.5):\n    z = {expression}\n    return w, z"))


values = st.fixed_dictionaries(
    {name: st.floats(-4, 4) | st.sampled_from([-2.0, 1.0, 2.0]) for name in ARGUMENTS}
)
many = settings(deadline=None, max_examples=400, suppress_health_check=list(HealthCheck))


# JavaScript


@pytest.fixture(scope="module")
def engine(browser):
    """Return an empty page, to evaluate JavaScript in."""
    page = browser.new_page()
    yield page
    page.close()


def in_browser(engine, source: str, arguments: dict) -> dict:
    return engine.evaluate("([source, arguments]) => (0, eval)(source)(arguments)", [source, arguments])


def nudged(by: float) -> dict:
    """Return NumPy's functions with results off by some units in the last place."""

    def off(function):
        return lambda *arguments: function(*arguments) * (1 + by * 2.0**-52)

    inexact = {name: off(FUNCTIONS[name]) for name in ("exp", "log", "sin", "cos")}
    return {**FUNCTIONS, **inexact, POWER: off(power)}


def power(base, exponent):
    # Only here do the languages differ: 1**inf and 1**nan are 1 in Python, undefined in JavaScript.
    assume(abs(base) != 1 or np.isfinite(exponent))
    return np.power(base, exponent)


@many
@given(expressions(NUMBERS + SMALL), values)
def test_the_browser_computes_what_python_computes(engine, expression, at):
    formula = written(expression).formula
    given = {"w": np.float64(0)} | {name: np.float64(value) for name, value in at.items()}
    with np.errstate(all="ignore"):
        try:
            expected = float(formula.bind()(**given)["z"])
            low, high = (float(formula.bind(nudged(by))(**given)["z"]) for by in (-4, 4))
        except ZeroDivisionError:  # of two numbers in the text: Python's own, not NumPy's
            assume(False)
    # Libraries of functions differ in the last bit. What magnifies that bit proves nothing.
    spread = sorted([low, expected, high])
    low, high = spread[0], spread[-1]
    assume(
        all(map(math.isnan, spread))
        or low == high == expected
        or high - low <= 1e-13 * abs(expected) < math.inf
    )
    found = in_browser(engine, javascript(formula), {"w": 0, **at})["z"]
    assert found == pytest.approx(expected, rel=1e-12, abs=0, nan_ok=True), javascript(formula)


@pytest.mark.parametrize("name", RULES)
def test_every_shipped_rule_makes_the_same_200_steps_in_the_browser(engine, name):
    shipped, rng = find(name), np.random.default_rng(11)
    inputs = {n: rng.standard_normal(200).tolist() for n in shipped.inputs}
    start = {n: float(rng.standard_normal()) for n in shipped.carried if n not in shipped.state}
    trace = shipped.trace(**inputs, **start)
    rows = engine.evaluate(
        """([source, carried, inputs]) => {
            const step = (0, eval)(source), rows = [];
            for (let t = 1; t <= 200; t++) {
                const fed = {};
                for (const name in inputs) fed[name] = inputs[name][t - 1];
                const row = step({ ...carried, ...fed, t });
                rows.push(row);
                for (const name in carried) if (name in row) carried[name] = row[name];
            }
            return rows;
        }""",
        [shipped.javascript(), {**shipped.state, **start}, inputs],
    )
    assert len(rows) == 200
    for quantity in shipped.quantities:
        found = [row[quantity] for row in rows]
        assert_allclose(found, trace[quantity][1:], rtol=1e-12, atol=1e-14, err_msg=quantity)


def test_names_that_javascript_reserves_work(engine):
    f = read(
        define(
            "def f(new, var, *, function=2.0, default=inf):\n    delete = new * function + var\n"
            "    const = minimum(delete, default)\n    Math = const + sqrt(4)\n    new_ = Math + 1\n"
            "    return delete, new_",
            inf=math.inf,
        )
    )
    assert in_browser(engine, javascript(f), {"new": 3, "var": 4}) == {
        "delete": 10,
        "const": 10,
        "Math": 12,
        "new_": 13,
    }


def test_defaults_may_be_left_out_and_given(engine):
    source = adam.javascript()
    assert in_browser(engine, source, {"w": 0, "g": 2, "t": 1})["w"] == pytest.approx(-0.001, rel=1e-8)
    assert in_browser(engine, source, {"w": 0, "g": 2, "t": 1, "lr": 1, "eps": 0})["w"] == pytest.approx(-1)


def test_what_is_returned_without_a_name_is_the_list_under_return(engine):
    f = read(define("def f(x, y):\n    s = x + y\n    return s**2, -s, x"))
    assert in_browser(engine, javascript(f), {"x": 1, "y": 2}) == {"s": 3, "return": [9, -3, 1]}


def test_nothing_given_to_the_javascript_is_changed(engine):
    given = engine.evaluate(f"() => {{ const a = {{theta: 1, v: 2}}; ({ewa.javascript()})(a); return a; }}")
    assert given == {"theta": 1, "v": 2}


# LaTeX, read back by the rules that a reader applies

TOKEN = re.compile(
    r"\s*(\\left\(|\\right\)|\\left\||\\right\||\\begin\{cases\}|\\end\{cases\}|\\text\{[a-z ]*\}"
    r"|\\operatorname\{sign\}|\\\\|\\,|\\[a-z]+|\d+\.?\d*|[a-z]|[-+^_{}()&,=<>])"
)
CALLS = {
    r"\exp": "exp",
    r"\log": "log",
    r"\sin": "sin",
    r"\cos": "cos",
    r"\max": "maximum",
    r"\min": "minimum",
}
CALLS[r"\operatorname{sign}"] = "sign"
COMPARE = {"<": "lt", r"\le": "le", ">": "gt", r"\ge": "ge", "=": "eq", r"\ne": "ne"}
DIGIT = re.compile(r"\d")


class Reader:
    """Reads LaTeX as a mathematician would, and computes.

    A product ends where a sign stands; a sign stands only at the start or between two terms; a number
    follows another factor only after a dot; nothing follows an open brace of cases.
    """

    def __init__(self, text: str, names: dict, functions: dict):
        self.names, self.functions = names, functions
        self.tokens, at = [], 0
        while at < len(text):
            match = TOKEN.match(text, at)
            assert match, f"cannot read {text[at:]!r}"
            self.tokens.append(match[1])
            at = match.end()
        self.tokens.append("end")

    @property
    def next(self) -> str:
        return self.tokens[0]

    def take(self, *expected: str) -> str:
        assert not expected or self.next in expected, f"got {self.tokens[:5]}, expected {expected}"
        return self.tokens.pop(0)

    def everything(self):
        value = self.whole()
        self.take("end")
        return value

    def whole(self):
        """Read cases or a sum, up to whatever closes it."""
        if self.next != r"\begin{cases}":
            return self.sum()
        self.take()
        yes = self.whole()
        self.take("&")
        self.take(r"\text{if }")
        left, compare, right = self.sum(), self.take(*COMPARE), self.sum()
        self.take(r"\\")
        no = self.whole()
        self.take("&")
        self.take(r"\text{otherwise}")
        self.take(r"\end{cases}")
        assert self.next in ("end", "}", ")", r"\right)", r"\right|", ",", "&"), "something follows the cases"
        return yes if getattr(operator, COMPARE[compare])(left, right) else no

    def sum(self):
        minus = self.next == "-" and self.take()
        total = -self.product() if minus else self.product()
        while self.next in "+-":
            total = total + self.product() if self.take() == "+" else total - self.product()
        return total

    def product(self):
        total = self.factor()
        while self.next in (r"\,", r"\cdot"):
            if self.take() == r"\,":
                number = DIGIT.match(self.next) or (self.next == r"\frac" and DIGIT.match(self.tokens[2]))
                assert not number, "a number follows another factor without a dot"
            total = total * self.factor()
        return total

    def factor(self):
        base = self.atom()
        if self.next != "^":
            return base
        self.take()
        exponent = self.group()
        assert self.next != "^", "a power of a power without parentheses"
        return self.functions[POWER](base, exponent)

    def group(self):
        self.take("{")
        value = self.whole()
        self.take("}")
        return value

    def atom(self):
        token = self.take()
        if DIGIT.match(token):
            return self.functions["number"](token)
        if token in ("(", r"\left("):
            value = self.whole()
            self.take({"(": ")", r"\left(": r"\right)"}[token])
            return value
        if token == r"\left|":
            value = self.whole()
            self.take(r"\right|")
            return self.functions["abs"](value)
        if token == r"\sqrt":
            return self.functions["sqrt"](self.group())
        if token == r"\frac":
            above = self.group()
            return self.functions["/"](above, self.group())
        if token in CALLS:
            opening = self.take("(", r"\left(")
            arguments = [self.whole()]
            while self.next == ",":
                self.take()
                arguments.append(self.whole())
            self.take({"(": ")", r"\left(": r"\right)"}[opening])
            assert self.next != "^", f"what is raised to the power, {token} or its argument?"
            return self.functions[CALLS[token]](*arguments)
        if self.next == "_":
            token += self.take() + self.take("{")
            while self.next != "}":
                token += self.take()
            token += self.take()
        return self.names[token]


def real(function):
    """Let a function through where it is real and not too large to be computed."""

    @functools.wraps(function)
    def checked(*arguments):
        arguments = [mpmath.mpmathify(argument) for argument in arguments]
        assume(all(isinstance(a, mpmath.mpf) and abs(a) < 1e6 for a in arguments))
        try:
            value = function(*arguments)
        except (ZeroDivisionError, ValueError):
            assume(False)
        assume(isinstance(value, mpmath.mpf) and mpmath.isfinite(value))
        return value

    return checked


# Forty digits, so that moving a pair of parentheses that do not matter changes nothing visible.
PRECISE = {
    POWER: real(lambda x, y: x**y),
    "sqrt": real(mpmath.sqrt),
    "abs": real(abs),
    "exp": real(mpmath.exp),
    "log": real(mpmath.log),
    "sin": real(mpmath.sin),
    "cos": real(mpmath.cos),
    "sign": real(mpmath.sign),
    "maximum": real(max),
    "minimum": real(min),
    "/": real(operator.truediv),
    "where": lambda condition, yes, no: yes if condition else no,
    "number": mpmath.mpf,
}
SHORT = {"x": "x_{t}", "y": "y_{t}", "beta1": r"\beta_{1}", "pi": r"\pi"}


class Precise(ast.NodeTransformer):
    """Lets Python compute an expression with forty digits: its numbers, its powers, its quotients."""

    def visit_Constant(self, node: ast.Constant) -> ast.expr:
        return ast.Call(ast.Name("number", ast.Load()), [node], [])

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        node = self.generic_visit(node)
        name = {ast.Pow: POWER, ast.Div: "/"}.get(type(node.op))
        return ast.Call(ast.Name(name, ast.Load()), [node.left, node.right], []) if name else node


def precisely(expression: str, at: dict):
    """Return what Python computes, and the names for `Reader`, with forty digits."""
    numbers = {name: mpmath.mpf(value) for name, value in {**at, "pi": math.pi}.items()}
    tree = ast.fix_missing_locations(Precise().visit(ast.parse(expression, mode="eval")))
    value = eval(compile(tree, "expression", "eval"), {**PRECISE, **numbers})
    return value, {SHORT[name]: number for name, number in numbers.items()}


def assert_same(found, expected, text: str) -> None:
    assert mpmath.almosteq(found, expected, rel_eps=mpmath.mpf(10) ** -25, abs_eps=mpmath.mpf(10) ** -25), (
        text
    )


@many
@given(expressions(NUMBERS), values)
def test_the_latex_means_what_python_computes(expression, at):
    rule = written(expression)
    with mpmath.workdps(40):
        expected, names = precisely(expression, at)
        line = rule.latex().splitlines()[1]
        assert line.startswith("z_{t} &= ")
        assert_same(Reader(line.removeprefix("z_{t} &= "), names, PRECISE).everything(), expected, line)


@pytest.mark.parametrize(
    ("expression", "latex"),
    [
        ("-x**2", "- x_{t}^{2}"),
        ("(-x)**2", "(- x_{t})^{2}"),
        ("-(x**2)", "- x_{t}^{2}"),
        ("x - (y - x)", "x_{t} - (y_{t} - x_{t})"),
        ("x - (y + x)", "x_{t} - (y_{t} + x_{t})"),
        ("x - y + x", "x_{t} - y_{t} + x_{t}"),
        ("x + (y - x)", "x_{t} + y_{t} - x_{t}"),
        ("x / (y * x)", r"\frac{x_{t}}{y_{t} \, x_{t}}"),
        ("x / y * x", r"\frac{x_{t}}{y_{t}} \, x_{t}"),
        ("x / y / x", r"\frac{\frac{x_{t}}{y_{t}}}{x_{t}}"),
        ("2 * 3 * x", r"2 \cdot 3 \, x_{t}"),
        ("x * 2", r"x_{t} \cdot 2"),
        ("x * 2**y", r"x_{t} \cdot 2^{y_{t}}"),
        ("2 * (3 / 4)", r"2 \cdot \frac{3}{4}"),
        ("x * -y", r"x_{t} \, (- y_{t})"),
        ("-x * y", r"- x_{t} \, y_{t}"),
        ("-(x * y)", r"- x_{t} \, y_{t}"),
        ("-(x + y)", "- (x_{t} + y_{t})"),
        ("(-x + y) * x", r"(- x_{t} + y_{t}) \, x_{t}"),
        ("x + (-y + x)", "x_{t} + (- y_{t} + x_{t})"),
        ("x + -y", "x_{t} + (- y_{t})"),
        ("-(-x)", "- (- x_{t})"),
        ("(x / y)**2", r"\left(\frac{x_{t}}{y_{t}}\right)^{2}"),
        ("x**(1 / 2)", r"x_{t}^{\frac{1}{2}}"),
        ("(x**y)**2", "(x_{t}^{y_{t}})^{2}"),
        ("x**y**2", "x_{t}^{y_{t}^{2}}"),
        ("x**-y", "x_{t}^{- y_{t}}"),
        ("1e-8**2", "(10^{-8})^{2}"),
        ("2.5e-7 * x", r"2.5 \cdot 10^{-7} \, x_{t}"),
        ("x + 1e6", "x_{t} + 10^{6}"),
        ("0.1 * x", r"0.1 \, x_{t}"),
        ("1234567.5 * x", r"1234567.5 \, x_{t}"),
        ("2 * pi * x", r"2 \, \pi \, x_{t}"),
        ("sqrt(x * y)**2", r"\sqrt{x_{t} \, y_{t}}^{2}"),
        ("abs(-x)", r"\left|- x_{t}\right|"),
        ("floor(x / y)**2", r"\left\lfloor \frac{x_{t}}{y_{t}} \right\rfloor^{2}"),
        ("exp(-x)", r"\exp\left(- x_{t}\right)"),
        ("sin(x * y)**2", r"(\sin\left(x_{t} \, y_{t}\right))^{2}"),
        (
            "sign(x) * maximum(x, y)",
            r"\operatorname{sign}\left(x_{t}\right) \, \max\left(x_{t}, y_{t}\right)",
        ),
        (
            "where(x <= 0, 0, x) + 1",
            r"\left(\begin{cases} 0 & \text{if } x_{t} \le 0 \\ "
            r"x_{t} & \text{otherwise} \end{cases}\right) + 1",
        ),
    ],
)
def test_an_expression_is_set_as_a_mathematician_writes_it(expression, latex):
    assert written(expression).latex().splitlines()[1] == f"z_{{t}} &= {latex}"


def test_the_average_as_latex():
    assert ewa.latex() == (
        "\\begin{aligned}\n"
        r"v_{t} &= \beta \, v_{t-1} + (1 - \beta) \, \theta_{t}"
        "\n\\end{aligned}"
    )


def test_the_corrected_average_as_latex():
    assert ewa_corrected.latex().splitlines() == [
        r"\begin{aligned}",
        r"v_{t} &= \beta \, v_{t-1} + (1 - \beta) \, \theta_{t} \\",
        r"\hat{v}_{t} &= \frac{v_{t}}{1 - \beta^{t}}",
        r"\end{aligned}",
    ]


def test_adam_as_latex():
    assert adam.latex().splitlines() == [
        r"\begin{aligned}",
        r"m_{t} &= \beta_{1} \, m_{t-1} + (1 - \beta_{1}) \, g_{t} \\",
        r"v_{t} &= \beta_{2} \, v_{t-1} + (1 - \beta_{2}) \, g_{t}^{2} \\",
        r"\hat{m}_{t} &= \frac{m_{t}}{1 - \beta_{1}^{t}} \\",
        r"\hat{v}_{t} &= \frac{v_{t}}{1 - \beta_{2}^{t}} \\",
        r"w_{t} &= w_{t-1} - \frac{\eta \, \hat{m}_{t}}{\sqrt{\hat{v}_{t}} + \epsilon}",
        r"\end{aligned}",
    ]


def test_what_is_carried_is_the_previous_steps_until_it_is_assigned():
    f = Rule(define("def f(w, v=0.0):\n    a = w + v\n    v = a + v\n    w = w + v\n    return w, v"))
    assert f.latex().splitlines()[1:-1] == [
        r"a_{t} &= w_{t-1} + v_{t-1} \\",
        r"v_{t} &= a_{t} + v_{t-1} \\",
        "w_{t} &= w_{t-1} + v_{t}",
    ]


@pytest.mark.parametrize(
    ("name", "index", "latex", "plain"),
    [
        ("beta1", "", r"\beta_{1}", "β₁"),
        ("beta_1", "", r"\beta_{1}", "β₁"),
        ("lr", "", r"\eta", "η"),
        ("eps", "", r"\epsilon", "ϵ"),
        ("weight_decay", "", r"\lambda", "λ"),
        ("lambda_", "", r"\lambda", "λ"),
        ("theta", "t", r"\theta_{t}", "θ"),
        ("m_hat", "t", r"\hat{m}_{t}", "m\u0302"),
        ("g_bar", "t-1", r"\bar{g}_{t-1}", "g\u0304"),
        ("w_tilde", "", r"\tilde{w}", "w\u0303"),
        ("v_max_hat", "t", r"\hat{v}_{\mathrm{max},t}", "v\u0302_max"),
        ("v_max", "t", r"v_{\mathrm{max},t}", "v_max"),
        ("w_new", "", r"w_{\mathrm{new}}", "w_new"),
        ("x12", "t", "x_{12,t}", "x₁₂"),
        ("g_l2", "t", r"g_{\mathrm{l2},t}", "g_l2"),
        ("rate", "", r"\mathrm{rate}", "rate"),
        ("decay_rate", "t", r"\mathrm{decay}_{\mathrm{rate},t}", "decay_rate"),
        ("pi", "", r"\pi", "π"),
        ("t", "", "t", "t"),
    ],
)
def test_a_name_is_set_as_its_symbol(name, index, latex, plain):
    assert latex_name(name, index) == latex
    assert plain_name(name) == plain


# MathML


def parsed(markup: str) -> ElementTree.Element:
    return ElementTree.fromstring(f"<math>{markup}</math>")


def as_latex(element: ElementTree.Element) -> str:
    """Write MathML as the LaTeX that a reader would read it as."""
    if name := element.get("data-name"):
        return SHORT[name]
    inside = [as_latex(child) for child in element]
    match element.tag, element.text:
        case "mfrac", _:
            return r"\frac{{{}}}{{{}}}".format(*inside)
        case "msup", _:
            return "{}^{{{}}}".format(*inside)
        case "msqrt", _:
            return r"\sqrt{{{}}}".format(" ".join(inside))
        case "mtable", _:
            return r" \\ ".join(inside) + r" \end{cases}"
        case "mtr", _:
            return " & ".join(inside)
        case "mtext", text:
            return rf"\text{{{text}}}".replace("\xa0", " ")
        case "mi", text:
            return {"sign": r"\operatorname{sign}", "π": r"\pi"}.get(text, f"\\{text}")
        case "mo", text:
            signs = {"−": "-", "\u2062": r"\,", "⋅": r"\cdot", "≤": r"\le", "≥": r"\ge", "≠": r"\ne"}
            return signs.get(text, r"\begin{cases}" if text == "{" else text)
        case "mn", text:
            return text
    if [child.text for child in (element[0], element[-1])] == ["|", "|"]:
        return rf"\left|{' '.join(inside[1:-1])}\right|"
    return " ".join(inside)


@many
@given(expressions(NUMBERS), values)
def test_the_mathml_means_what_python_computes(expression, at):
    rule = written(expression)
    with mpmath.workdps(40):
        expected, names = precisely(expression, at)
        text = as_latex(parsed(mathml(rule)[0]["right"]))
        assert_same(Reader(text, names, PRECISE).everything(), expected, text)


@many
@given(expressions(NUMBERS + SMALL))
def test_the_mathml_of_every_expression_is_well_formed_and_names_its_symbols(expression):
    right = parsed(mathml(written(expression))[0]["right"])
    assert len(right) == 1
    assert all(len(e) == 2 for e in right.iter() if e.tag in ("mfrac", "msup", "msub", "mover"))
    symbols = [node.id for node in ast.walk(ast.parse(expression)) if isinstance(node, ast.Name)]
    used = [name for name in symbols if name not in FUNCTIONS and name != "pi"]
    assert sorted(e.get("data-name") for e in right.iter() if e.get("data-name")) == sorted(used)


@pytest.mark.parametrize("name", RULES)
def test_the_mathml_of_every_shipped_rule_says_which_value_each_symbol_stands_for(name):
    shipped = find(name)
    changed = set(shipped.inputs)
    lines = mathml(shipped)
    assert [line["name"] for line in lines] == list(shipped.quantities)
    for line, (assigned, value) in zip(lines, shipped.formula.body, strict=True):
        left, right = parsed(line["left"]), parsed(line["right"])
        assert [e.attrib for e in left.iter("mrow") if e.attrib] == [
            {"data-name": assigned, "data-when": "now"}
        ]
        named = {(e.get("data-name"), e.get("data-when")) for e in right.iter() if e.get("data-name")}
        used = {node.id for node in ast.walk(value) if isinstance(node, ast.Name)} - {*FUNCTIONS, "pi"}
        assert named == {(n, "before" if n in shipped.carried and n not in changed else "now") for n in used}
        changed.add(assigned)


def test_numbers_in_mathml_have_powers_of_ten_and_true_minus_signs():
    right = parsed(mathml(written("2.5e-07 * x - 1"))[0]["right"])
    assert "".join(right.itertext()) == "2.5⋅10−7\u2062xt−1"
