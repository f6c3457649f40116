"""The built site: it asks nothing of anyone, its links lead somewhere, and everybody can read it."""

from __future__ import annotations

import copy
import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

import pytest
from bs4 import BeautifulSoup
from conftest import LABORATORY, THEMES, WIDTHS, out_of_reach, site_pages
from notebooks import first_cell, repository_url

from optimlab.widgets import LossDoctor

ROOT = Path(__file__).resolve().parents[1]
PAGES = site_pages()


def has_widgets(page: str) -> bool:
    """Return whether a page of the site is made from a notebook that shows widgets; homework is not run."""
    source = ROOT / page.replace(".html", ".ipynb")
    return (
        "homework/" not in page
        and source.exists()
        and "optimlab.widgets" in source.read_text(encoding="utf-8")
    )


ARTICLES = [page for page in PAGES if page.startswith("chapters/")]

# Pages with living widgets are looked at with all of them awake, in test_widgets_in_page.py.
plain_page = pytest.mark.parametrize("path", [page for page in PAGES if not has_widgets(page)])
each_theme = pytest.mark.parametrize("theme", THEMES)

UNWANTED = re.compile(
    r"fontawesome|mathjax|require(\.min)?\.js|html-manager|embed-amd|cdn\.|unpkg|jsdelivr|googleapis|gstatic"
    r"|google-analytics|gtag|plausible|mybinder|thebe|shields\.io|badge",
    re.IGNORECASE,
)


@pytest.fixture(scope="session")
def documents(built_site: Path) -> dict[str, BeautifulSoup]:
    """Return every built HTML file, parsed, by its path within the site."""
    return {
        file.relative_to(built_site).as_posix(): BeautifulSoup(file.read_text(), "html.parser")
        for file in sorted(built_site.rglob("*.html"))
    }


# ------------------------------------------------------------------ the site as files


def test_every_page_of_the_table_of_contents_is_built(documents):
    assert set(PAGES) <= set(documents)


def test_every_internal_link_and_anchor_leads_somewhere(built_site: Path, documents):
    broken = []
    anchors = {
        path: {tag["id"] for tag in soup.find_all(id=True)}
        | {tag["name"] for tag in soup.find_all("a", {"name": True})}
        for path, soup in documents.items()
    }
    for path, soup in documents.items():
        for tag in soup.find_all(["a", "link", "script", "img", "source", "iframe", "form"]):
            address = tag.get("href") or tag.get("src") or tag.get("action")
            if not address or urlsplit(address).scheme or address.startswith("//"):
                continue
            parts = urlsplit(urljoin(f"/{path}", address))
            target = unquote(parts.path).lstrip("/") or "index.html"
            if not (built_site / target).is_file():
                broken.append(f"{path}: {address}")
            elif parts.fragment and target in anchors:
                fragment = unquote(parts.fragment)
                # "#" and "#top" lead to the top of the page by definition.
                if fragment not in anchors[target] | {"", "top"}:
                    broken.append(f"{path}: {address}")
    assert broken == []


def test_every_figure_opens_by_itself(documents):
    figures = [image for soup in documents.values() for image in soup.select("article .cell_output img")]
    assert len(figures) > 100
    for image in figures:
        assert image.parent.name == "a"
        assert image.parent["href"] == image["src"]


def test_what_a_widget_lists_keeps_its_order_on_the_way_to_the_page(documents):
    stored = json.loads(documents[LABORATORY].select_one("#ol-models").string)
    ((found,),) = [[model["state"] for model in stored.values() if model["state"]["kind"] == "doctor"]]
    spec = LossDoctor().spec
    on_page = json.loads(found["spec"])
    assert list(on_page) == list(spec)
    assert list(on_page["symptoms"]) == list(spec["symptoms"]) != sorted(spec["symptoms"])


def test_every_style_sheet_names_only_files_that_are_there(built_site: Path):
    missing = [
        f"{sheet.relative_to(built_site)}: {address}"
        for sheet in built_site.rglob("*.css")
        for address in re.findall(r"url\(\s*['\"]?([^'\")]+)", sheet.read_text())
        if not address.startswith(("data:", "#")) and not (sheet.parent / address.split("?")[0]).is_file()
    ]
    assert missing == []


def test_no_page_names_a_library_or_a_host_that_it_does_not_need(documents):
    found = []
    for path, soup in documents.items():
        for tag in soup.find_all(["script", "link", "img", "iframe", "source"]):
            address = tag.get("src") or (tag.get("href") if tag.name == "link" else None) or ""
            if UNWANTED.search(address) or urlsplit(address).netloc:
                found.append(f"{path}: {address}")
            if tag.name == "script" and tag.get("type") != "application/json" and UNWANTED.search(tag.text):
                found.append(f"{path}: {tag.text[:80]}")
    assert found == []


def test_the_site_ships_no_file_of_those_libraries_either(built_site: Path):
    names = [file.relative_to(built_site).as_posix() for file in built_site.rglob("*")]
    assert [name for name in names if UNWANTED.search(name)] == []


def test_the_icon_font_is_gone_from_the_theme_and_the_rest_of_its_style_sheet_is_not(built_site: Path):
    sheet = (built_site / "_static" / "styles" / "pydata-sphinx-theme.css").read_text()
    assert "@font-face" not in sheet
    assert ".fa-rocket" not in sheet
    assert sheet.count("{") == sheet.count("}")
    for selector in (".admonition", ".bd-sidebar-primary", ".navbar-nav", ".dropdown-menu", "blockquote"):
        assert selector in sheet


@pytest.mark.parametrize("path", [*PAGES, "index.html"])
def test_every_page_has_a_language_a_title_and_an_icon(documents, built_site: Path, path: str):
    soup = documents[path]
    assert soup.html["lang"] == "en"
    assert soup.title.text.strip()
    icon = soup.find("link", rel="icon")["href"]
    assert (built_site / path).parent.joinpath(icon).resolve().suffix == ".svg"
    assert (built_site / path).parent.joinpath(icon).is_file()


@pytest.mark.parametrize("path", [page for page in ARTICLES if "references" not in page])
def test_every_chapter_has_one_title_and_a_description_of_its_own(documents, path: str):
    soup = documents[path]
    assert len(soup.article.find_all("h1")) == 1
    (description,) = soup.find_all("meta", {"name": "description"})
    assert 60 <= len(description["content"]) <= 220


def test_titles_and_descriptions_differ_from_page_to_page(documents):
    for values in (
        [documents[path].title.text for path in PAGES],
        [
            tag["content"]
            for path in PAGES
            for tag in documents[path].find_all("meta", {"name": "description"})
        ],
    ):
        assert len(values) == len(set(values))


@pytest.mark.parametrize("path", ARTICLES)
def test_formulas_are_rendered_when_the_site_is_built_and_readable_by_screen_readers(documents, path: str):
    article = copy.copy(documents[path].article)
    formulas = article.select(".math")
    for formula in formulas:
        assert formula.select_one(".katex .katex-mathml math annotation"), formula.text[:80]
        assert formula.select_one('.katex-html[aria-hidden="true"]')
    assert article.select(".katex-error") == []
    for skipped in article.select("pre, code, script, .katex, .ol-fallback"):
        skipped.extract()
    assert not re.search(r"\\[(\[]|\$[^\s$][^$]*\$", article.text)


def test_some_page_has_formulas(documents):
    assert any(documents[path].select(".katex") for path in ARTICLES)


def test_the_address_of_the_repository_is_written_in_one_place_by_hand():
    """The notebooks' first cells have it too; ``make notebooks`` writes them from that one place."""
    url = repository_url()
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    files = [ROOT / name for name in listed.stdout.split("\0") if name]
    holders = [
        path.relative_to(ROOT) for path in files if path.is_file() and url.encode() in path.read_bytes()
    ]
    by_hand = [path for path in holders if path.suffix != ".ipynb"]
    assert by_hand == [Path("_config.yml")]
    assert (ROOT / "_config.yml").read_text().count(url) == 1
    assert url in first_cell()
    for path in set(holders) - set(by_hand):
        assert (ROOT / path).read_text().count(url) == 1, (
            f"{path} names the repository outside its first cell"
        )


def test_every_chapter_can_be_opened_on_colab_from_that_address(documents):
    owner_and_name = urlsplit(repository_url()).path.strip("/")
    for path in ARTICLES:
        source = ROOT / path.replace(".html", ".ipynb")
        links = [tag["href"] for tag in documents[path].find_all("a", href=re.compile("colab"))]
        expected = (
            f"https://colab.research.google.com/github/{owner_and_name}/blob/main/{source.relative_to(ROOT)}"
        )
        assert links == ([expected] if source.exists() else [])


def test_the_code_keeps_to_the_style_and_the_format_that_ruff_checks():
    for command in (["check"], ["format", "--check"]):
        outcome = subprocess.run(
            [sys.executable, "-m", "ruff", *command, "."], cwd=ROOT, capture_output=True, text=True
        )
        assert outcome.returncode == 0, outcome.stdout


# ------------------------------------------------------------------ the site in a browser


@plain_page
def test_a_page_asks_nothing_of_any_other_host_and_reports_no_error(open_page: Callable, path: str):
    """Scrolled through from end to end, with every widget mounted, printed, and in both themes."""
    page = open_page(path)
    page.evaluate("document.querySelectorAll('details').forEach((box) => (box.open = true))")
    page.evaluate(
        """async () => {
          const frame = () => new Promise(requestAnimationFrame);
          for (let at = 0; at < document.scrollingElement.scrollHeight; at += 700) {
            scrollTo(0, at);
            await frame();
          }
        }"""
    )
    page.emulate_media(media="print", color_scheme="dark")
    page.wait_for_load_state("networkidle")
    page.record.assert_clean()
    assert page.record.requests


@plain_page
@each_theme
def test_axe_finds_nothing_serious(open_page, axe, path: str, theme: str):
    page = open_page(path, theme=theme)
    assert page.evaluate("document.documentElement.dataset.theme") == theme
    assert axe(page, only="color-contrast", looks=True) == []
    if theme == THEMES[0]:
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            page.wait_for_timeout(
                600
            )  # the theme lets tables take the focus a moment after a change of width
            assert axe(page, but="color-contrast", briefly=True) == []


@pytest.mark.parametrize("path", ARTICLES)
def test_without_javascript_every_widget_shows_its_table(open_page, path: str):
    page = open_page(path, javascript=False)
    assert page.locator("article h1").is_visible()
    tables = page.locator(".ol-fallback:not(details:not([open]) *)")
    assert tables.evaluate_all("(all) => all.filter((one) => !one.checkVisibility()).length") == 0
    assert tables.count() >= has_widgets(path)


@plain_page
def test_a_page_is_no_wider_than_a_window_of_320_pixels(open_page, path: str):
    page = open_page(path, width=320, height=700)
    assert page.evaluate("document.scrollingElement.scrollWidth") <= 320
    assert page.evaluate("document.body.scrollWidth") <= 320


@plain_page
def test_what_overflows_its_box_can_be_reached_by_keyboard_at_320_pixels(open_page, path: str):
    assert out_of_reach(open_page(path, width=320)) == []


# The frame is the same around all pages.
@pytest.mark.parametrize("path", ["chapters/index.html", LABORATORY, "search.html"])
def test_every_control_has_a_name_and_every_icon_in_it_a_shape(open_page, path: str):
    page = open_page(path)
    unnamed = page.evaluate(
        """() => [...document.querySelectorAll("button, a[href]")]
          .filter((one) => one.checkVisibility() && !one.closest("article"))
          .filter((one) => !(one.innerText.trim() || one.ariaLabel || one.title))
          .map((one) => one.outerHTML.slice(0, 120))"""
    )
    assert unnamed == []
    shapeless = page.evaluate(
        """() => [...document.querySelectorAll('i[class*="fa-"], span[class*="fa-"]')]
          .filter((one) => one.checkVisibility())
          .filter((one) => {
            const look = getComputedStyle(one, "::before");
            return !look.maskImage.includes("svg") || parseFloat(look.width) < 8;
          })
          .map((one) => one.outerHTML)"""
    )
    assert shapeless == []


def test_the_theme_switch_changes_the_theme_and_the_choice_stays(open_page):
    page = open_page("chapters/index.html", theme="light")
    theme = "document.documentElement.dataset.theme"
    assert page.evaluate(theme) == "light"
    switch = page.get_by_role("button", name="Color mode").first
    for _ in range(3):
        switch.click()
        if page.evaluate(theme) == "dark":
            break
    assert page.evaluate(theme) == "dark"
    page.reload()
    assert page.evaluate(theme) == "dark"


def test_the_menus_open_and_close_by_keyboard_and_pointer(open_page):
    page = open_page("chapters/index.html")
    button = page.get_by_role("button", name="Download this page")
    menu = page.locator(".dropdown-download-buttons .dropdown-menu")
    assert not menu.is_visible()
    button.focus()
    page.keyboard.press("Enter")
    assert menu.is_visible()
    assert button.get_attribute("aria-expanded") == "true"
    page.keyboard.press("Escape")
    assert not menu.is_visible()
    button.click()
    assert menu.is_visible()
    page.locator("article h1").click()
    assert not menu.is_visible()


def test_the_search_finds_a_word_of_a_chapter_without_a_server_behind_it(open_page, documents):
    chapter = next(path for path in ARTICLES if (ROOT / path.replace(".html", ".ipynb")).exists())
    title = documents[chapter].article.h1.find(string=True)
    word = max(re.findall(r"[A-Za-z]+", title), key=len)
    page = open_page(f"search.html?q={word}")
    results = page.locator("#search-results a", has_text=title)
    results.first.wait_for()
    assert chapter.split("/")[-1] in results.first.get_attribute("href")


def test_the_search_field_of_a_page_leads_to_the_results(open_page):
    page = open_page("chapters/index.html")
    page.keyboard.press("Control+k")
    page.locator("#pst-search-dialog input[type=search]").fill("average")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search.html?q=average")
    page.locator("#search-results li a").first.wait_for()
