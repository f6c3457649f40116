"""The Sphinx extension, on a small book of its own: what it writes, and what a reader then sees.

The fixture ``small_site`` builds a book of two pages with three widgets, one of which is broken on purpose.
"""

from __future__ import annotations

import json
import shutil
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import nbformat
import pytest
from book import BuildError, build, make_server
from bs4 import BeautifulSoup
from conftest import watch
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from playwright.sync_api import Page

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "site"))

WIDGETS = '''
import anywidget, traitlets

class Counter(anywidget.AnyWidget):
    _esm = """
    export default {
      initialize({ model }) { model.set("count", model.get("count") + 100); },
      render({ model, el }) {
        const field = Object.assign(document.createElement("input"), { type: "range", max: 1000 });
        field.ariaLabel = "count";
        const shown = document.createElement("output");
        const draw = () => { shown.textContent = field.value = model.get("count"); };
        field.oninput = () => { model.set("count", Number(field.value)); model.save_changes(); };
        model.on("change:count", draw);
        draw();
        el.append(field, shown);
      },
    };
    """
    _css = "output { color: rgb(1, 2, 3); }"
    count = traitlets.Int(0).tag(sync=True)
    min_height = traitlets.Unicode("123px").tag(sync=True)

    def _repr_mimebundle_(self, **kwargs):
        bundle, metadata = super()._repr_mimebundle_(**kwargs)
        table = f"<table><tr><th scope='row'>count</th><td>{self.count}</td></tr></table>"
        return {**bundle, "text/plain": f"count {self.count}", "text/html": table}, metadata

class Broken(Counter):
    _esm = "export default { render() { throw new Error('broken on purpose'); } };"
'''

FILLER = "\n\n".join(["Words that fill the page."] * 120)


def write_book(folder: Path, cells: list[str]) -> None:
    """Write a small book that uses the extension of this repository, with one chapter of these cells."""
    shutil.copytree(ROOT / "site", folder / "site", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("_config.yml", "references.bib", "requirements.txt"):
        shutil.copy(ROOT / name, folder / name)
    (folder / "optimlab").mkdir()
    (folder / "optimlab" / "__init__.py").write_text("")
    (folder / "chapters").mkdir()
    (folder / "chapters" / "index.md").write_text("# Small book\n\nIt has $x^2$.\n")
    (folder / "_toc.yml").write_text(
        "format: jb-book\nroot: chapters/index\nchapters:\n- file: chapters/one\n"
    )
    write_chapter(folder, cells)


def write_chapter(folder: Path, cells: list[str]) -> None:
    parts = [new_markdown_cell("# One")]
    for source in cells:
        parts.append(new_markdown_cell(source[1:]) if source.startswith("%") else new_code_cell(source))
    notebook = new_notebook(
        cells=parts, metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    )
    nbformat.write(notebook, folder / "chapters" / "one.ipynb")


@pytest.fixture(scope="module")
def small_book(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("small book")  # with a space in its name
    cells = [
        WIDGETS,
        "one = Counter(count=1)\none",
        "one",
        f"%{FILLER}",
        "Counter(count=3)",
        "Broken(count=5)",
    ]
    write_book(folder, cells)
    return folder


@pytest.fixture(scope="module")
def small_site(small_book: Path) -> Path:
    return build(small_book)


@pytest.fixture(scope="module")
def article(small_site: Path) -> BeautifulSoup:
    return BeautifulSoup((small_site / "chapters" / "one.html").read_text(), "html.parser")


@pytest.fixture(scope="module")
def small_server(small_site: Path) -> Iterator[str]:
    with make_server(small_site.parent) as server:  # not at the root: the site works under any path
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


@pytest.fixture
def visit(browser, small_server: str) -> Iterator[Callable[..., Page]]:
    contexts = []

    def open_one(path: str = "html/chapters/one.html", **options) -> Page:
        context = browser.new_context(viewport={"width": 1000, "height": 600}, **options)
        contexts.append(context)
        page = context.new_page()
        page.record = watch(page, small_server)
        page.goto(f"{small_server}/{path}", wait_until="load")
        return page

    yield open_one
    for context in contexts:
        context.close()


def models_of(soup: BeautifulSoup) -> dict:
    return json.loads(soup.find("script", id="ol-models").text)


# ------------------------------------------------------------------ what is written


def test_the_page_keeps_each_shown_widgets_own_traits_and_nothing_else(article):
    models = models_of(article)
    assert {key: model["state"] for key, model in models.items()} == {
        "w1": {"count": 1},
        "w2": {"count": 3},
        "w3": {"count": 5},
    }


def test_each_distinct_module_and_style_sheet_is_written_once(small_site: Path, article):
    models = models_of(article)
    assert models["w1"]["js"] == models["w2"]["js"] != models["w3"]["js"]
    assert models["w1"]["css"] == models["w3"]["css"]
    host = Path(article.find("script", type="module")["src"]).name
    named = {model[kind] for model in models.values() for kind in ("js", "css")}
    assert {file.name for file in (small_site / "_widgets").iterdir()} == named | {host}


def test_a_widget_that_is_shown_twice_has_one_model(article):
    assert [place["data-model"] for place in article.select(".ol-mount")] == ["w1", "w1", "w2", "w3"]


def test_a_page_without_widgets_loads_no_host(small_site: Path):
    text = (small_site / "chapters" / "index.html").read_text()
    assert "_widgets" not in text
    assert 'type="module"' not in text


def test_nothing_of_the_stock_widget_manager_is_left_in_the_page(small_site: Path):
    text = (small_site / "chapters" / "one.html").read_text()
    for word in ("vnd.jupyter.widget", "LayoutModel", "require.js"):
        assert word not in text


def test_the_widgets_min_height_is_reserved(article):
    assert article.select_one(".ol-mount")["style"] == "--ol-height:123px"


def test_a_second_build_runs_nothing_again_and_changes_no_byte(small_book: Path, small_site: Path, capsys):
    def contents() -> dict[Path, bytes]:
        return {file: file.read_bytes() for file in small_site.rglob("*") if file.is_file()}

    before = contents()
    build(small_book)
    assert "Executing" not in capsys.readouterr().out
    assert contents() == before


# ------------------------------------------------------------------ what a reader sees


def test_a_widget_near_the_top_is_alive_at_once_and_one_far_below_when_it_comes_near(visit):
    page = visit()
    first, _, far, _ = page.locator(".ol-mount").all()
    first.locator("output").wait_for()
    assert far.get_attribute("data-state") is None
    far.scroll_into_view_if_needed()
    far.locator("output").wait_for()
    assert far.locator("output").inner_text() == "103"
    assert page.record.refused == []


def test_initialize_runs_once_per_model_and_two_views_show_the_same_value(visit):
    page = visit()
    shown = page.locator(".ol-mount[data-model=w1] output")
    shown.nth(1).wait_for()
    assert shown.all_inner_texts() == ["101", "101"]
    field = page.locator(".ol-mount[data-model=w1] input").first
    field.focus()
    page.keyboard.press("ArrowRight")
    assert shown.all_inner_texts() == ["102", "102"]


def test_the_table_gives_way_to_the_live_widget_and_comes_back_on_paper(visit):
    page = visit()
    place = page.locator(".ol-mount").first
    place.locator("output").wait_for()
    assert not place.locator("table").is_visible()
    page.emulate_media(media="print")
    assert place.locator("table").is_visible()
    assert not place.locator("output").is_visible()


def test_the_widgets_style_sheet_is_loaded_once_and_applies(visit):
    page = visit()
    shown = page.locator(".ol-mount output")
    shown.nth(1).wait_for()
    assert shown.first.evaluate("(one) => getComputedStyle(one).color") == "rgb(1, 2, 3)"
    assert page.evaluate("document.querySelectorAll('link[href*=\"_widgets\"]').length") == 1


def test_a_widget_that_fails_is_logged_and_its_table_stays(visit):
    page = visit()
    place = page.locator(".ol-mount[data-model=w3]")
    place.scroll_into_view_if_needed()
    page.wait_for_function("document.querySelector('[data-model=w3]').dataset.state === 'failed'")
    assert place.locator("table").is_visible()
    assert any("broken on purpose" in error for error in page.record.errors)


def test_without_javascript_every_widget_is_its_table(visit):
    page = visit(java_script_enabled=False)
    assert all(table.is_visible() for table in page.locator(".ol-mount table").all())
    assert page.locator(".ol-mount td").all_inner_texts() == ["1", "1", "3", "5"]


def test_the_tab_key_reaches_a_widget_that_was_not_mounted_yet(visit):
    page = visit()
    page.locator(".ol-mount output").nth(1).wait_for()
    page.locator(".ol-mount[data-model=w1] input").nth(1).focus()
    for _ in range(10):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.closest('[data-model=w2]') !== null"):
            break
    page.wait_for_function("document.activeElement.matches('[data-model=w2] input')")


def test_what_a_page_asks_of_another_host_is_refused_and_recorded(visit):
    page = visit()
    outcome = page.evaluate("fetch('http://example.org/x').then(() => 'reached', () => 'refused')")
    assert outcome == "refused"
    assert page.record.refused == ["http://example.org/x"]
    with pytest.raises(AssertionError, match=r"example\.org"):
        page.record.assert_clean()


# ------------------------------------------------------------------ what is refused


FAULTS = [  # what a cell holds, and what is said of it
    ("import ipywidgets\nipywidgets.IntSlider()", "only anywidgets work on the static page"),
    (
        "import anywidget\nclass Bare(anywidget.AnyWidget):\n    _esm = 'export default {}'\nBare()",
        "no text/html",
    ),
    ("%A formula that is none: $\\frac{1}{$.", "KaTeX cannot read the formula"),
    ("%See [nothing](nowhere.md).", "nowhere"),
]


def test_the_build_fails_on_everything_that_is_wrong_and_names_all_of_it(tmp_path: Path):
    write_book(tmp_path, [cell for cell, _ in FAULTS])
    # Nor does it pass at the second try, with everything that was read the first time.
    for _ in range(2):
        with pytest.raises(BuildError) as caught:
            build(tmp_path)
        for _, message in FAULTS:
            assert message in str(caught.value)


@pytest.mark.parametrize(
    ("cell", "message"),
    [("1 / 0", "ZeroDivisionError"), FAULTS[-1]],
    ids=["an error in a cell", "one warning"],
)
def test_the_build_fails_on(tmp_path: Path, cell: str, message: str):
    write_book(tmp_path, [cell])
    for _ in range(2):
        with pytest.raises(BuildError, match=message):
            build(tmp_path)


def test_changing_the_package_or_the_requirements_runs_the_chapters_again(tmp_path: Path, capsys):
    write_book(tmp_path, ["print(6 * 7)"])

    def runs() -> bool:
        build(tmp_path)
        return "Executing" in capsys.readouterr().out

    assert runs()
    assert not runs()
    (tmp_path / "optimlab" / "__init__.py").write_text("x = 1\n")
    assert runs()
    (tmp_path / "requirements.txt").write_text("")
    assert runs()
    (tmp_path / "optimlab" / "__pycache__").mkdir()
    (tmp_path / "optimlab" / "__pycache__" / "x.pyc").write_text("")
    (tmp_path / "chapters" / "index.md").write_text("# Another title\n")
    assert not runs()
    assert "Another title" in (tmp_path / "_build" / "html" / "chapters" / "one.html").read_text()
