"""Every formula of the package can be set by the KaTeX that the site is built with."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from optimlab import schedules
from optimlab.catalog import RULES
from optimlab.landscapes import LANDSCAPES

NODE = Path(sys.executable).parent / "node"
KATEX = Path(find_spec("sphinxcontrib.katex").origin).parent / "katex.min.js"
RENDER = """
const katex = require(process.argv[1]);
const texts = JSON.parse(require("fs").readFileSync(0, "utf8"));
const options = { displayMode: true, throwOnError: true, strict: "error" };
const problems = {};
for (const [name, text] of Object.entries(texts)) {
  try { katex.renderToString(text, options); } catch (error) { problems[name] = error.message; }
}
console.log(JSON.stringify(problems));
"""


def problems(texts: dict[str, str]) -> dict[str, str]:
    """Return what KaTeX says against LaTeX texts, by name."""
    done = subprocess.run(
        [NODE, "-e", RENDER, KATEX], input=json.dumps(texts), capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


def formulas() -> dict[str, str]:
    """Return the LaTeX of everything that has a formula."""
    found = {f"rule {name}": rule.latex() for name, rule in RULES.items()}
    for name, landscape in LANDSCAPES.items():
        found |= {f"landscape {name}: {what}": landscape.latex(what) for what in landscape.formulas}
    for name, value in vars(schedules).items():
        if isinstance(value, schedules.Schedule):
            found[f"schedule {name}"] = value.latex()
    return found


def test_every_formula_is_set_without_an_objection():
    texts = formulas()
    assert len(texts) > 50
    assert problems(texts) == {}


@pytest.mark.parametrize("broken", [r"\frac{1}{", r"\unknown{x}", "x^{2}^{3}"])
def test_the_check_objects_to_broken_latex(broken):
    assert problems({"broken": broken})
