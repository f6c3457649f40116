"""A formula in other languages: LaTeX for the page, MathML for widgets, JavaScript for the browser.

All three walk the same checked syntax tree, so none can say something else than the Python.
In mathematics, a carried quantity on the right-hand side before its new value is assigned is
the previous step's (``v_{t-1}``); everything else that changes carries the index ``t``.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .formula import CONSTANTS, Formula

if TYPE_CHECKING:
    from .rule import Rule

# One symbol per name: LaTeX and Unicode.
SYMBOLS = {
    "lr": (r"\eta", "η"),
    "eps": (r"\epsilon", "ϵ"),
    "epsilon": (r"\epsilon", "ϵ"),
    "weight_decay": (r"\lambda", "λ"),
    "momentum": (r"\beta", "β"),
    "alpha": (r"\alpha", "α"),
    "beta": (r"\beta", "β"),
    "gamma": (r"\gamma", "γ"),
    "delta": (r"\delta", "δ"),
    "eta": (r"\eta", "η"),
    "theta": (r"\theta", "θ"),
    "kappa": (r"\kappa", "κ"),
    "lam": (r"\lambda", "λ"),
    "lambda": (r"\lambda", "λ"),  # Python wants it spelled lambda_
    "mu": (r"\mu", "μ"),
    "nu": (r"\nu", "ν"),
    "rho": (r"\rho", "ρ"),
    "sigma": (r"\sigma", "σ"),
    "tau": (r"\tau", "τ"),
    "phi": (r"\phi", "ϕ"),
    "psi": (r"\psi", "ψ"),
    "omega": (r"\omega", "ω"),
    "pi": (r"\pi", "π"),
}
ACCENTS = {"hat": "^", "bar": "¯", "tilde": "~"}
OPERATORS = {ast.Add: "+", ast.Sub: "-"}
COMPARISONS = {
    ast.Lt: ("<", "<"),
    ast.LtE: (r"\le", "≤"),
    ast.Gt: (">", ">"),
    ast.GtE: (r"\ge", "≥"),
    ast.Eq: ("=", "="),
    ast.NotEq: (r"\ne", "≠"),
}


@dataclass(frozen=True)
class Symbol:
    """A name taken apart: ``m_hat`` is m under a hat, ``beta1`` is beta with subscript 1."""

    base: str
    subscript: str
    accent: str

    @property
    def latex(self) -> str:
        """The base with its accent, as LaTeX."""
        base = SYMBOLS[self.base][0] if self.base in SYMBOLS else self.base
        if len(self.base) > 1 and self.base not in SYMBOLS:
            base = rf"\mathrm{{{base}}}"
        return rf"\{self.accent}{{{base}}}" if self.accent else base

    @property
    def mathml(self) -> str:
        """The base with its accent, as MathML."""
        base = f"<mi>{SYMBOLS[self.base][1] if self.base in SYMBOLS else self.base}</mi>"
        return f'<mover accent="true">{base}<mo>{ACCENTS[self.accent]}</mo></mover>' if self.accent else base


def symbol(name: str) -> Symbol:
    """Take a name apart into base, subscript and accent."""
    accent = ""
    for word in ACCENTS:
        if name.endswith(f"_{word}"):
            name, accent = name.removesuffix(f"_{word}"), word
    if name in SYMBOLS:
        return Symbol(name, "", accent)
    base, _, rest = name.partition("_")
    if match := re.fullmatch(r"(.*?[^\d])(\d+)", base):
        base, digits = match.groups()
        rest = ",".join(part for part in (digits, rest) if part)
    return Symbol(base, rest, accent)


class _Writer:
    """Walks an expression and sets it as mathematics; the subclass knows the notation.

    Each expression comes back with how tightly it binds, so that its surroundings can add
    the parentheses which Python's text needs and the notation does not show by itself.
    """

    LOOSE, SUM, PRODUCT, POWER, ATOM = range(5)

    def __init__(self, index: dict[str, str]):
        self.index = index  # the time index of every name that changes

    def write(self, node: ast.expr, at_least: int = LOOSE) -> str:
        text, binding = self.visit(node)
        return self.parentheses(text) if binding < at_least else text

    def visit(self, node: ast.expr) -> tuple[str, int]:
        match node:
            case ast.Constant(value=value):
                return self.constant(value)
            case ast.Name(id=name):
                return self.name(name), self.ATOM
            case ast.UnaryOp():
                return self.row(self.operator("-"), self.write(node.operand, self.PRODUCT)), self.SUM
            case ast.BinOp(op=ast.Div()):
                return self.fraction(self.write(node.left), self.write(node.right)), self.PRODUCT
            case ast.BinOp(op=ast.Pow()):
                return self.power(self.write(node.left, self.ATOM), self.write(node.right)), self.POWER
            case ast.BinOp(op=ast.Mult()):
                # -a b needs no parentheses at its start: (-a) b and -(a b) are the same.
                minus = self.starts_with_minus(node)
                left = self.write(node.left, self.SUM if minus else self.PRODUCT)
                right = self.write(node.right, self.PRODUCT)
                text = self.row(left, self.times(self.starts_with_number(node.right)), right)
                return text, self.SUM if minus else self.PRODUCT
            case ast.BinOp(op=op):
                left = self.write(node.left, self.SUM)
                tight = isinstance(op, ast.Sub) or self.starts_with_minus(node.right)
                right = self.write(node.right, self.PRODUCT if tight else self.SUM)
                return self.row(left, self.operator(OPERATORS[type(op)]), right), self.SUM
            case ast.Compare(ops=[op], comparators=[right]):
                left, right = self.write(node.left, self.SUM), self.write(right, self.SUM)
                return self.row(left, self.comparison(type(op)), right), self.LOOSE
            case ast.Call(func=ast.Name(id="where")):
                # A brace that opens and does not close: nothing may follow it.
                return self.call("where", node.args), self.LOOSE
            case ast.Call(func=ast.Name(id=name)):
                # sin(x)^2 would leave open what is squared.
                fenced = name in ("sqrt", "abs", "floor")
                return self.call(name, node.args), self.ATOM if fenced else self.POWER
        raise AssertionError(f"formula.read lets no {type(node).__name__} through")

    def scientific(self, value: float) -> tuple[str, int | None]:
        """Take a number apart into its digits and a power of ten; None where it needs no power."""
        short = f"{value:g}"
        mantissa, _, exponent = (short if float(short) == value else repr(value)).partition("e")
        return mantissa, int(exponent) if exponent else None

    def starts_with_number(self, node: ast.expr) -> bool:
        """Say whether a dot is needed before it: 2 x needs none, but x 2 and 2 3/4 would be misread."""
        while isinstance(node, ast.BinOp) and not isinstance(node.op, ast.Add | ast.Sub):
            node = node.left
        return isinstance(node, ast.Constant)

    def starts_with_minus(self, node: ast.expr) -> bool:
        """Say whether it begins with a minus sign, which must not follow another operator."""
        match node:
            case ast.UnaryOp():
                return True
            case ast.BinOp(op=ast.Mult(), left=ast.UnaryOp() | ast.BinOp(op=ast.Mult())):
                return self.starts_with_minus(node.left)
            case ast.BinOp(op=ast.Add() | ast.Sub()):
                return self.starts_with_minus(node.left)
        return False


class _Latex(_Writer):
    def constant(self, value: float) -> tuple[str, int]:
        mantissa, power = self.scientific(value)
        if power is None:
            return mantissa, self.ATOM
        ten = f"10^{{{power}}}"
        return (ten if mantissa == "1" else rf"{mantissa} \cdot {ten}"), self.PRODUCT

    def name(self, name: str) -> str:
        taken = symbol(name)
        subscript = taken.subscript if taken.subscript.isdigit() else rf"\mathrm{{{taken.subscript}}}"
        parts = [subscript if taken.subscript else "", self.index.get(name, "")]
        below = ",".join(part for part in parts if part).replace("_", r"\_")
        return f"{taken.latex}_{{{below}}}" if below else taken.latex

    def row(self, *parts: str) -> str:
        return " ".join(part for part in parts if part)

    def operator(self, text: str) -> str:
        return text

    def times(self, dotted: bool) -> str:
        return r"\cdot" if dotted else r"\,"

    def comparison(self, op: type) -> str:
        return COMPARISONS[op][0]

    def parentheses(self, text: str) -> str:
        tall = r"\frac" in text or r"\begin" in text
        return rf"\left({text}\right)" if tall else f"({text})"

    def fraction(self, above: str, below: str) -> str:
        return rf"\frac{{{above}}}{{{below}}}"

    def power(self, base: str, exponent: str) -> str:
        return f"{base}^{{{exponent}}}"

    def call(self, name: str, arguments: list[ast.expr]) -> str:
        texts = [self.write(argument) for argument in arguments]
        match name:
            case "sqrt":
                return rf"\sqrt{{{texts[0]}}}"
            case "abs":
                return rf"\left|{texts[0]}\right|"
            case "floor":
                return rf"\left\lfloor {texts[0]} \right\rfloor"
            case "where":
                return (
                    rf"\begin{{cases}} {texts[1]} & \text{{if }} {texts[0]} \\ "
                    rf"{texts[2]} & \text{{otherwise}} \end{{cases}}"
                )
        word = {"maximum": r"\max", "minimum": r"\min", "sign": r"\operatorname{sign}"}.get(name, f"\\{name}")
        return rf"{word}\left({', '.join(texts)}\right)"


class _MathML(_Writer):
    """MathML whose symbols say which value they stand for, so that a widget can put the number there."""

    def constant(self, value: float) -> tuple[str, int]:
        mantissa, power = self.scientific(value)
        if power is None:
            return f"<mn>{mantissa}</mn>", self.ATOM
        sign, size = self.operator("-") if power < 0 else "", f"<mn>{abs(power)}</mn>"
        ten = self.power("<mn>10</mn>", f"<mrow>{sign}{size}</mrow>")
        return ten if mantissa == "1" else self.row(f"<mn>{mantissa}</mn>", "<mo>⋅</mo>", ten), self.PRODUCT

    def name(self, name: str) -> str:
        if name in CONSTANTS:  # stands for itself, not for a value of the run
            return symbol(name).mathml
        taken, index = symbol(name), self.index.get(name, "")
        inner = taken.mathml
        below = []
        if taken.subscript:
            kind = "mn" if taken.subscript.isdigit() else "mtext"
            below.append(f"<{kind}>{taken.subscript}</{kind}>")
        if index:
            below.append("<mi>t</mi>" if index == "t" else "<mi>t</mi><mo>−</mo><mn>1</mn>")
        if below:
            inner = f"<msub>{inner}<mrow>{'<mo>,</mo>'.join(below)}</mrow></msub>"
        when = "before" if index == "t-1" else "now"
        return f'<mrow data-name="{name}" data-when="{when}">{inner}</mrow>'

    def row(self, *parts: str) -> str:
        return f"<mrow>{''.join(parts)}</mrow>"

    def operator(self, text: str) -> str:
        return f"<mo>{'−' if text == '-' else text}</mo>"

    def times(self, dotted: bool) -> str:
        return '<mo data-times="">⋅</mo>' if dotted else '<mo data-times="">\u2062</mo>'

    def comparison(self, op: type) -> str:
        text = COMPARISONS[op][1]
        return f"<mo>{'&lt;' if text == '<' else text}</mo>"

    def parentheses(self, text: str) -> str:
        return f"<mrow><mo>(</mo>{text}<mo>)</mo></mrow>"

    def fraction(self, above: str, below: str) -> str:
        return f"<mfrac>{above}{below}</mfrac>"

    def power(self, base: str, exponent: str) -> str:
        return f"<msup>{base}{exponent}</msup>"

    def call(self, name: str, arguments: list[ast.expr]) -> str:
        texts = [self.write(argument) for argument in arguments]
        match name:
            case "sqrt":
                return f"<msqrt>{texts[0]}</msqrt>"
            case "abs":
                return f"<mrow><mo>|</mo>{texts[0]}<mo>|</mo></mrow>"
            case "floor":
                return f"<mrow><mo>⌊</mo>{texts[0]}<mo>⌋</mo></mrow>"
            case "where":
                lines = [
                    (texts[1], f"<mtext>if&#xA0;</mtext>{texts[0]}"),
                    (texts[2], "<mtext>otherwise</mtext>"),
                ]
                cells = "".join(f"<mtr><mtd>{a}</mtd><mtd>{b}</mtd></mtr>" for a, b in lines)
                return f"<mrow><mo>{{</mo><mtable>{cells}</mtable></mrow>"
        word = {"maximum": "max", "minimum": "min"}.get(name, name)
        return f"<mrow><mi>{word}</mi>{self.parentheses('<mo>,</mo>'.join(texts))}</mrow>"


def _lines(rule: Rule, writer: type[_Writer]):
    """Yield (name, left-hand side, right-hand side) of every assignment of a rule."""
    index = dict.fromkeys(rule.inputs, "t") | dict.fromkeys(rule.carried, "t-1")
    for name, value in rule.formula.body:
        right = writer(index).write(value)
        index[name] = "t"
        yield name, writer(index).name(name), right


def latex(rule: Rule) -> str:
    """Return a rule as LaTeX: an ``aligned`` environment with one line per assignment.

    A rule that takes its gradient elsewhere than at the weight says so in a line of its own.
    """
    lines = [f"{left} &= {right}" for _, left, right in _lines(rule, _Latex)]
    if rule.look_ahead:
        (point,) = rule.look_ahead.result
        at = _Latex(dict.fromkeys(rule.carried, "t-1")).write(point)
        lines.insert(0, rf"g_{{t}} &= \nabla f\left({at}\right)")
    return "\\begin{aligned}\n" + " \\\\\n".join(lines) + "\n\\end{aligned}"


def latex_of_results(formula: Formula, left: list[str]) -> str:
    """Return a formula that is no rule as LaTeX: its assignments, then one line per result.

    Parameters
    ----------
    formula : Formula
        A landscape, a schedule: nothing in it changes with time, so no name has a time index.
    left : list of str
        What stands on the left of each result, as LaTeX.
    """
    writer = _Latex({})
    lines = [f"{writer.name(name)} &= {writer.write(value)}" for name, value in formula.body]
    lines += [f"{name} &= {writer.write(value)}" for name, value in zip(left, formula.result, strict=True)]
    return "\\begin{aligned}\n" + " \\\\\n".join(lines) + "\n\\end{aligned}"


def mathml(rule: Rule) -> list[dict[str, str]]:
    """Return a rule as MathML, one entry ``{name, left, right}`` per assignment.

    Every symbol but pi is an ``mrow`` with ``data-name`` and ``data-when`` ("now", or "before" for the
    previous step's value), every product sign an ``mo`` with ``data-times``: a widget makes the line
    with this step's numbers by replacing them.
    """
    return [{"name": name, "left": left, "right": right} for name, left, right in _lines(rule, _MathML)]


def latex_name(name: str, index: str = "") -> str:
    r"""Return the symbol of one name as LaTeX, such as ``\hat{m}_{t}`` for ``m_hat`` with index ``t``."""
    return _Latex({name: index} if index else {}).name(name)


def mathml_name(name: str) -> str:
    """Return the symbol of one name as MathML, without a time index."""
    return _MathML({}).name(name)


def plain_name(name: str) -> str:
    """Return the symbol of a name in Unicode text: ``β₁``, ``v̂``, ``η``."""
    taken = symbol(name)
    base = SYMBOLS[taken.base][1] if taken.base in SYMBOLS else taken.base
    accent = {"hat": "\u0302", "bar": "\u0304", "tilde": "\u0303", "": ""}[taken.accent]
    below = taken.subscript
    if below.isdigit():
        return base + accent + below.translate(str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉"))
    return base + accent + (f"_{below}" if below else "")


_RESERVED = frozenset(
    """
    arguments await break case catch class const continue debugger default delete do else enum eval
    export extends false finally for function if implements import in instanceof interface let new null
    package private protected public return static super switch this throw true try typeof undefined var
    void while with yield NaN Infinity Math
    """.split()  # noqa: SIM905
)
_JAVASCRIPT = {
    "sqrt": "Math.sqrt",
    "abs": "Math.abs",
    "exp": "Math.exp",
    "log": "Math.log",
    "sin": "Math.sin",
    "cos": "Math.cos",
    "sign": "Math.sign",
    "floor": "Math.floor",
    "maximum": "Math.max",
    "minimum": "Math.min",
}


def javascript(formula: Formula) -> str:
    """Return a formula as the text of a JavaScript arrow function.

    It takes one object with every argument by name (arguments with a default may be left out)
    and returns one object with every assigned name; what the formula returns without naming it is
    the list under ``return``.
    """
    results = [name if name not in _RESERVED else f"{name}: {_local(name)}" for name in formula.assigned]
    if not all(isinstance(value, ast.Name) for value in formula.result):
        # No formula can assign a name that is a Python keyword, so this key is free.
        results.append(f"return: [{', '.join(_js(value) for value in formula.result)}]")
    return _arrow(formula, f"{{{', '.join(results)}}}")


def javascript_of_results(formula: Formula) -> str:
    """Return a formula as the text of a JavaScript arrow function that returns the list of its results.

    It takes one object, as `javascript` has it.
    """
    return _arrow(formula, f"[{', '.join(_js(value) for value in formula.result)}]")


def _arrow(formula: Formula, answer: str) -> str:
    """Return the arrow function that computes all that the formula assigns and returns this answer."""

    def argument(name: str, default: float | None) -> str:
        local = name if name not in _RESERVED else f"{name}: {_local(name)}"
        return local if default is None else f"{local} = {_js_number(float(default))}"

    arguments = ", ".join(argument(n, d) for n, d in [*formula.positional.items(), *formula.keyword.items()])
    known = {*formula.positional, *formula.keyword}
    lines = [
        f"  {'' if name in known else 'const '}{_local(name)} = {_js(value)};" for name, value in formula.body
    ]
    return "\n".join([f"({{{arguments}}}) => {{", *lines, f"  return {answer};", "}"])


def _local(name: str) -> str:
    # No Python name has a dollar in it, so this one is free.
    return f"${name}" if name in _RESERVED else name


def _js_number(value: float) -> str:
    return repr(value).replace("inf", "Infinity").replace("nan", "NaN")


def _is_power(node: ast.expr) -> bool:
    return isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow)


def _js(node: ast.expr) -> str:
    """Return one expression as JavaScript, with parentheses wherever operators meet."""

    def inner(child: ast.expr) -> str:
        text = _js(child)
        operator = isinstance(child, ast.BinOp | ast.UnaryOp | ast.Compare) and not _is_power(child)
        return f"({text})" if operator else text

    match node:
        case ast.Constant(value=value):
            return _js_number(value)
        case ast.Name(id="pi"):
            return "Math.PI"
        case ast.Name(id=name):
            return _local(name)
        case ast.UnaryOp():
            return f"-{inner(node.operand)}"
        case ast.BinOp(op=ast.Pow(), right=ast.Constant(value=2)):
            # NumPy squares by multiplying; Math.pow may differ in the last bit.
            base = _js(node.left)
            return f"({base} * {base})" if isinstance(node.left, ast.Name) else f"((x) => x * x)({base})"
        case ast.BinOp(op=ast.Pow()):
            return f"Math.pow({_js(node.left)}, {_js(node.right)})"
        case ast.BinOp(op=op):
            sign = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}[type(op)]
            return f"{inner(node.left)} {sign} {inner(node.right)}"
        case ast.Compare(ops=[op], comparators=[right]):
            sign = {ast.Eq: "===", ast.NotEq: "!=="}.get(type(op), COMPARISONS[type(op)][0])
            sign = {r"\le": "<=", r"\ge": ">="}.get(sign, sign)
            return f"{inner(node.left)} {sign} {inner(right)}"
        case ast.Call(func=ast.Name(id="where"), args=[condition, yes, no]):
            return f"({_js(condition)} ? {_js(yes)} : {_js(no)})"
        case ast.Call(func=ast.Name(id=name), args=arguments):
            return f"{_JAVASCRIPT[name]}({', '.join(map(_js, arguments))})"
    raise AssertionError(f"formula.read lets no {type(node).__name__} through")
