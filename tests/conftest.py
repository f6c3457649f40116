"""What the tests of the site share: the built site, a server, a browser that can reach nothing else.

Fixtures
--------
``built_site``
    The folder of the built pages. Built once, with warnings as errors; an up-to-date build is reused.
``site_server``
    The address of a server of those pages, such as ``http://127.0.0.1:40123``.
``browser``
    One headless Chromium for the whole run.
``open_page``
    ``open_page(path, theme="light", width=1280, ...)`` opens a page of the site and returns Playwright's
    ``Page``. What the page asks of any other host is refused and recorded, and so are errors on its console.
    Either makes the test fail when it ends. Open as many as you like; all are closed for you.
``axe``
    ``axe(page)`` returns what axe-core finds serious or critical, one readable line each.
``living``
    ``page, widget = living(Descent, theme="light", width=1280, ...)`` shows one widget, alive, alone on a
    page made in a moment with the site's own host and style. ``pytest --bundle=FOLDER`` takes another
    bundle than the committed one: for work on a widget. The laboratory has all of them on a built page.
    With ``clock=True`` time is Playwright's from the beginning: ``page.clock.run_for(5000)``.

Use ``@pytest.mark.parametrize("theme", THEMES)`` and ``WIDTHS`` for the combinations that the site promises.
"""

from __future__ import annotations

import json
import os
import re
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import loose_page
import pytest
from axe_playwright_python.base import AXE_SCRIPT
from book import build, make_server
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect, sync_playwright
from setup import find_browser

ROOT = Path(__file__).resolve().parents[1]

# What takes seconds is computed once for all the processes that test; see optimlab/_memory.py.
os.environ.setdefault("OPTIMLAB_MEMORY", str(ROOT / "_build" / "memory"))

THEMES = ("light", "dark")
WIDTHS = (1280, 320)

BROWSER_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # The last list counts, so those of Playwright that matter here come again. Without the popups of the
    # address bar a new window starts in half the time.
    "--disable-features=HttpsUpgrades,MediaRouter,NetworkTimeServiceQuerying,OptimizationHints,PaintHolding,"
    "WebUIOmniboxAimPopup,WebUIOmniboxFullPopup,WebUIOmniboxPopup",
]


@dataclass
class Record:
    """What one page did that a page of the site must never do."""

    refused: list[str] = field(default_factory=list)
    """Addresses outside the site that the page asked for; none of them was reached."""

    errors: list[str] = field(default_factory=list)
    """Errors on the console, uncaught exceptions, and requests to the site itself that failed."""

    requests: list[str] = field(default_factory=list)
    """Every address that the page asked for."""

    def assert_clean(self) -> None:
        """Fail if the page asked anything of another host or reported an error."""
        assert not self.refused, f"the page asked other hosts: {self.refused}"
        assert not self.errors, f"the page reported errors: {self.errors}"


@pytest.fixture(scope="session")
def built_site() -> Path:
    """Build the site, every warning an error, and return the folder of its pages."""
    return build(ROOT)


@pytest.fixture(scope="session")
def site_server(built_site: Path) -> Iterator[str]:
    """Serve the built site on this machine and return its address, without a slash at the end."""
    with make_server(built_site) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Start one headless Chromium. ``make test`` installs it where it can."""
    path = find_browser()
    if path is None:
        pytest.fail("no Chromium found: install it, or set CHROMIUM to its path")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, headless=True, args=BROWSER_FLAGS)
        yield chromium
        chromium.close()


def watch(page: Page, own: str) -> Record:
    """Record what a page does, and refuse whatever it asks of a host other than its own.

    Parameters
    ----------
    page : Page
        A page that has not been navigated yet.
    own : str
        The address of the site.
    """
    record = Record()

    def refuse(route) -> None:
        record.refused.append(route.request.url)
        route.abort()

    def note_console(message) -> None:
        if message.type == "error":
            record.errors.append(message.text)

    def note_response(response) -> None:
        if response.status >= 400:
            record.errors.append(f"{response.status} {response.url}")

    page.route(re.compile(rf"^(?!{re.escape(own)}/|data:|blob:)"), refuse)
    page.on("request", lambda request: record.requests.append(request.url))
    page.on("console", note_console)
    page.on("pageerror", lambda error: record.errors.append(str(error)))
    page.on("response", note_response)
    return record


@pytest.fixture
def open_page(browser: Browser, site_server: str) -> Iterator[Callable[..., Page]]:
    """Open pages of the built site; fail in the end if one of them was not clean."""
    yield from opening(browser, site_server)


def opening(browser: Browser, site_server: str) -> Iterator[Callable[..., Page]]:
    """Give a function that opens pages; when it is no longer needed, close them and ask for their records.

    The function has these parameters:

    path : str
        The page, relative to the site: ``"chapters/index.html"``, with ``#anchor`` if wanted.
    theme : {"light", "dark"}
        The color theme, set as a reader's system sets it.
    width, height : int
        The viewport, in CSS pixels.
    javascript : bool
        False to see what a reader without JavaScript sees.
    reduced_motion : bool
        True for a reader who asks for less motion.
    allow_errors : bool
        True if the test provokes an error on purpose and looks at ``page.record.errors`` itself.

    The page it returns is Playwright's, with one more attribute: ``page.record``, a `Record`.
    """
    contexts: list[BrowserContext] = []
    strict: list[Record] = []

    def open_one(
        path: str,
        *,
        theme: str = "light",
        width: int = 1280,
        height: int = 900,
        javascript: bool = True,
        reduced_motion: bool = False,
        allow_errors: bool = False,
    ) -> Page:
        context = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme=theme,
            java_script_enabled=javascript,
            reduced_motion="reduce" if reduced_motion else "no-preference",
        )
        context.set_default_timeout(60_000)  # for a busy machine; nothing waits for it
        contexts.append(context)
        page = context.new_page()
        page.record = watch(page, site_server)
        if not allow_errors:
            strict.append(page.record)
        page.goto(f"{site_server}/{path}", wait_until="load")
        return page

    yield open_one
    for context in contexts:
        context.close()
    for record in strict:
        record.assert_clean()


ONE_OF_EACH_LOOK = """() => {
    document.querySelectorAll("[data-look]").forEach((one) => one.removeAttribute("data-look"));
    const seen = new Set();
    const clear = /^rgba\\(.*, 0\\)$|^transparent$/;
    const look = (one) => {
        const { color, fill, fontSize, fontWeight } = getComputedStyle(one);
        const key = [color, one.ownerSVGElement ? fill : "", fontSize, fontWeight];
        for (let at = one; at; at = at.parentElement) {
            const { backgroundColor, backgroundImage, opacity } = getComputedStyle(at);
            if (opacity !== "1") key.push(opacity);
            if (backgroundImage !== "none") key.push(backgroundImage);
            if (clear.test(backgroundColor)) continue;
            key.push(backgroundColor);
            if (backgroundColor.startsWith("rgb(")) break;
        }
        return key.join();
    };
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
        const one = texts.currentNode.parentElement;
        if (!texts.currentNode.data.trim() || !one.checkVisibility()) continue;
        const key = look(one);
        if (!seen.has(key)) one.setAttribute("data-look", "");
        seen.add(key);
    }
    return seen.size;
}"""


AXE_WITHOUT = """async ([context, options, aside]) => {
    const drawn = aside ? [...document.querySelectorAll(aside)].map((one) => [one, [...one.childNodes]]) : [];
    for (const [one] of drawn) one.replaceChildren();
    try {
        return await axe.run(context, options);
    } finally {
        for (const [one, nodes] of drawn) one.replaceChildren(...nodes);
    }
}"""


@pytest.fixture(scope="session")
def axe() -> Callable[..., list[str]]:
    """Return a function that runs axe-core on a page and returns its serious and critical findings.

    ``only`` and ``but`` name rules. With ``looks`` it looks at one text of each combination of colors and
    size that the page has: the rule about contrast takes minutes for the thousands of texts of a chapter.
    ``briefly`` leaves out the inside of formulas, programs and the widgets' tables. Both take what is drawn
    of the formulas off the page for as long: it is half of what a page consists of, and alike everywhere.
    """

    def run(
        page: Page,
        *,
        only: str = "",
        but: str = "",
        looks: bool = False,
        briefly: bool = False,
        within: str = "html",
    ) -> list[str]:
        options: dict = {"resultTypes": ["violations"]}
        if only:
            options["runOnly"] = {"type": "rule", "values": [only]}
        if but:
            options["rules"] = {but: {"enabled": False}}
        alike = [[".katex"], ["pre"], ["math"], [".ol-live tbody"]]
        context = {"include": [[within]], "exclude": alike if briefly else []}
        if looks:
            assert page.evaluate(ONE_OF_EACH_LOOK) > 5
            context = {"include": [["[data-look]"]]}
        if not page.evaluate("'axe' in window"):
            page.evaluate(AXE_SCRIPT)
        aside = ".katex-html" if looks or briefly else ""
        result = page.evaluate(AXE_WITHOUT, [context, options, aside])
        return [
            f"{violation['impact']}: {violation['id']} at {' '.join(map(str, node['target']))}: "
            f"{json.dumps(node['html'])[:200]}"
            for violation in result["violations"]
            if violation["impact"] in ("serious", "critical")
            for node in violation["nodes"]
        ]

    return run


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with running the chapters and building the site from that, and end with what needs the site."""
    first = (
        "test_every_stored_output_is_what_the_chapter_computes",
        "test_every_page_of_the_table_of_contents_is_built",
    )

    def turn(item: pytest.Item) -> int:
        name = item.name.partition("[")[0]
        if name in first:
            return first.index(name)
        return 3 if "built_site" in getattr(item, "fixturenames", ()) else 2

    items.sort(key=turn)


LABORATORY = "chapters/laboratory.html"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--bundle``."""
    parser.addoption("--bundle", type=Path, metavar="FOLDER", help="another bundle of the widgets")


@pytest.fixture
def living(request, browser: Browser, tmp_path: Path) -> Iterator[Callable[..., tuple[Page, Locator]]]:
    """Show one widget, alive; fail in the end if its page was not clean."""
    with ExitStack() as after:
        strict: list[Record] = []

        def show(widget: type, *, theme="light", width=1280, height=900, touch=False, clock=False, **context):
            instance = widget()
            path = loose_page.write(tmp_path / "site", [instance], request.config.getoption("--bundle"))
            server = after.enter_context(make_server(path.parent))
            thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
            thread.start()
            after.callback(thread.join)
            after.callback(server.shutdown)
            own = f"http://127.0.0.1:{server.server_address[1]}"
            opened = browser.new_context(
                viewport={"width": width, "height": height},
                color_scheme=theme,
                has_touch=touch,
                is_mobile=touch,
                **context,
            )
            after.callback(opened.close)
            opened.set_default_timeout(60_000)
            page = opened.new_page()
            page.record = watch(page, own)
            strict.append(page.record)
            if clock:
                page.clock.install()
            page.goto(f"{own}/{path.name}", wait_until="load")
            place = page.locator(".ol-mount")
            place.evaluate("(place) => place.scrollIntoView({block: 'center'})")
            expect(place).to_have_attribute("data-state", "alive")
            page.evaluate("document.querySelectorAll('.ol-live details').forEach((d) => (d.open = true))")
            return page, place.locator(".ol")

        yield show
        for record in strict:
            record.assert_clean()


def out_of_reach(page: Page) -> list[str]:
    """Return what overflows its box on a page and cannot be scrolled by keyboard."""
    return page.evaluate(
        """() => [...document.querySelectorAll("article *")]
          .filter((one) => /auto|scroll/.test(getComputedStyle(one).overflowX))
          .filter((one) => one.scrollWidth > one.clientWidth + 1 && one.tabIndex < 0)
          .filter((one) => !one.querySelector("a[href], button, input, select, [tabindex='0']"))
          .map((one) => one.outerHTML.slice(0, 120))"""
    )


def site_pages() -> list[str]:
    """Return the pages of the site that tests are parametrized with, from the table of contents."""
    import yaml

    def files(entry: dict) -> Iterator[str]:
        yield entry["file"]
        for below in entry.get("sections", []):
            yield from files(below)

    toc = yaml.safe_load((ROOT / "_toc.yml").read_text())
    names = [toc["root"], *(name for entry in toc["chapters"] for name in files(entry))]
    return [f"{name}.html" for name in names] + ["search.html"]


if sys.platform == "win32":  # pragma: no cover
    pytest.skip("the tests of the site need a POSIX system", allow_module_level=True)
