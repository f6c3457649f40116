"""What the chapters owe the notes: every worked example once, and no wrong figure typed by hand."""

from __future__ import annotations

import ast
import re
from collections import Counter
from pathlib import Path

import nbformat
import pytest

from optimlab import walkthroughs

CHAPTERS = Path(__file__).resolve().parents[1] / "chapters"
# The page that starts each chapter of the notes' examples. Schedules and practice are for later chapters.
FIRST = {
    "landscapes": "01-",
    "minibatch": "02-",
    "ewa": "03-",
    "momentum": "04-",
    "adaptive": "05-",
    "rmsprop": "06-",
    "adam": "07-",
    "variants": "08-",
}
NUMBER = re.compile(r"(?<![\w.])(?:\d+\.\d+(?:e[+-]?\d+)?|\d{2,})(?![\w.])")


def sources(pattern: str) -> dict[str, list[str]]:
    """Return the text of every cell of the notebooks, by page."""
    return {
        path.stem: [cell.source for cell in nbformat.read(path, as_version=4).cells]
        for path in sorted(CHAPTERS.glob(pattern))
    }


def shown() -> Counter[str]:
    """Count how often each worked example is shown as a widget."""
    text = "\n".join(cell for cells in sources("*.ipynb").values() for cell in cells)
    return Counter(re.findall(r"Walkthrough\(\s*[\"']([^\"']+)[\"']", text))


def test_no_worked_example_is_shown_twice_and_none_that_there_is_not():
    assert [name for name, count in shown().items() if count > 1] == []
    assert set(shown()) <= set(walkthroughs.load())


@pytest.mark.parametrize("chapter", FIRST)
def test_every_worked_example_of_a_chapter_that_is_written_is_shown(chapter):
    if not list(CHAPTERS.glob(f"{FIRST[chapter]}*.ipynb")):
        pytest.skip("the chapter is not written yet")
    owed = {name for name, example in walkthroughs.load().items() if example.chapter == chapter}
    assert owed - set(shown()) == set()


def tokens(printed: str) -> list[str]:
    """Return the numbers of a printed figure that are a fraction or have at least three digits."""
    found = NUMBER.findall(printed.replace(",", ""))
    return [
        number
        for number in found
        if len(number.partition("e")[0].replace(".", "").lstrip("0")) >= 3 - ("." in number)
    ]


def prose(cell: nbformat.NotebookNode) -> str:
    """Return what a reader reads of a cell: its text, or the texts within its code."""
    if cell.cell_type != "code":
        return cell.source
    code = re.sub(r"^(\s*)%.*", r"\1pass", cell.source, flags=re.MULTILINE)
    return "\n".join(
        node.value
        for node in ast.walk(ast.parse(code))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )


def test_no_wrong_figure_of_the_notes_is_typed_into_a_page():
    """Left out are shorter numbers, and those that are right somewhere else: alone they mean nothing."""
    values = [value for example in walkthroughs.load().values() for value in example.values]
    wrong = {number for value in values if value.verdict == "wrong" for number in tokens(value.printed)}
    wrong -= {number for value in values if value.verdict != "wrong" for number in tokens(value.printed)}
    assert len(wrong) > 250
    texts = [
        (path.stem, prose(cell))
        for path in sorted(CHAPTERS.glob("*.ipynb"))
        for cell in nbformat.read(path, as_version=4).cells
    ]
    texts += [(path.stem, path.read_text()) for path in CHAPTERS.glob("*.md")]
    assert [
        (page, number, text[:60])
        for page, text in texts
        for number in NUMBER.findall(text)
        if number in wrong
    ] == []
