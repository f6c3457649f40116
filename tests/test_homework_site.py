"""The homework on the built site: it is there, it was not run, and nothing secret is with it."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
import yaml
from bs4 import BeautifulSoup

import homework as tool

PAGES = [path.stem for path in tool.sources()]
TEXTS = {".html", ".ipynb", ".txt", ".js", ".json", ".md"}


def test_every_homework_stands_under_its_chapter_or_where_that_will_come():
    toc = yaml.safe_load((tool.ROOT / "_toc.yml").read_text())
    chapters = [entry["file"].removeprefix("chapters/") for entry in toc["chapters"]]
    listed = {
        below["file"]: entry["file"] for entry in toc["chapters"] for below in entry.get("sections", [])
    } | {entry["file"]: entry["file"] for entry in toc["chapters"]}
    for name in PAGES:
        number = f"{name.partition('-')[0]}-"
        page = listed.get(f"chapters/homework/{name}")
        assert page is not None, f"add chapters/homework/{name} to _toc.yml"
        if any(chapter.startswith(number) for chapter in chapters):
            assert page.startswith(f"chapters/{number}")


@pytest.mark.parametrize("name", PAGES)
def test_a_homework_is_shown_and_building_the_site_has_not_run_it(built_site: Path, name: str):
    page = BeautifulSoup((built_site / "chapters" / "homework" / f"{name}.html").read_text(), "html.parser")
    assert page.select(".cell_input")
    assert page.select(".cell_output") == []
    assert tool.CODE_STUB in page.text


def lines(file: Path) -> set[str]:
    """Return the lines that a reader of a file sees: markup and quotes stand between the words of a line."""
    text = file.read_text(errors="replace")
    if file.suffix == ".html":
        text = BeautifulSoup(text, "html.parser").get_text()
    elif file.suffix == ".ipynb":
        text = "\n".join(cell.source for cell in nbformat.reads(text, as_version=4).cells)
    return {line.strip() for line in text.splitlines()}


def test_no_solution_is_on_a_page_of_homework_and_no_hidden_test_anywhere_on_the_site(built_site: Path):
    files = [file for file in built_site.rglob("*") if file.suffix in TEXTS and "_static" not in file.parts]
    seen = {file: lines(file) for file in files}
    assert len({file for file in files if "homework" in file.parts}) >= 2 * len(PAGES)  # pages and sources
    found = []
    for path in tool.sources():
        for cell in tool.read(path).cells:
            hidden = set(tool.secrets(cell, {"HIDDEN TESTS"}))
            for line in tool.secrets(cell):
                where = [f for f in files if line in hidden or "homework" in f.parts]
                if len(line.strip()) >= 12:
                    found += [
                        f"{f.relative_to(built_site)}: {line}" for f in where if line.strip() in seen[f]
                    ]
    assert found == []
