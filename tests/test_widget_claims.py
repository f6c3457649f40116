"""The widget of the claims: the same list in Python and in the page, links only to pages that there are."""

from __future__ import annotations

import gzip
import json
import random
import threading
from collections.abc import Iterator
from pathlib import Path

import loose_page
import pytest
import traitlets
from book import make_server
from conftest import opening
from playwright.sync_api import Page, expect
from test_widgets_in_page import settle

from optimlab import claims
from optimlab.widgets import CheckedClaims

PAGES = {"03-averages": "Exponentially weighted averages", "09-schedules": "Schedules"}
FINDINGS = {name: f"It measured {name}." for name in claims.checks()}
TYPED = ["program's", "program’s", "-1", "−1"]
WORDS = ["", *TYPED, "momentum", "BETA 0.9", "warm-up rate", "ewa-late-negligible", "no such thing"]
KEYS = {"note": "Notes", "chapter": "Chapter", "status": "Status"}


def test_the_totals_count_every_claim_once():
    widget = CheckedClaims()
    known = claims.load().values()
    for by in ("note", "chapter"):
        *groups, everything = widget.totals(by)
        assert everything == ["all", *(sum(row[i] for row in groups) for i in range(1, 7))]
        assert everything[1] == len(known) == sum(everything[2:])
    late = next(row for row in widget.totals() if row[0] == "schedules")
    statuses = [claim.status for claim in claims.load("schedules").values()]
    assert late[2:] == [statuses.count(status) for status in claims.STATUSES]


def test_claims_are_found_by_words_and_choices():
    widget = CheckedClaims(query="1.58 CORRECTION", status="false")
    assert [claim.id for claim in widget.selected] == ["ewa-late-negligible"]
    widget.status = "true"
    assert widget.selected == []
    widget.query, widget.status, widget.chapter = "", "", "schedules"
    assert widget.selected == list(claims.load("schedules").values())
    for one, other in (("−1", "-1"), ("program’s", "program's")):
        assert CheckedClaims(query=one).selected == CheckedClaims(query=other).selected != []


def test_a_duplicate_is_found_by_the_reason_of_what_it_repeats():
    duplicate = next(claim for claim in claims.load().values() if claim.same_as)
    assert duplicate in CheckedClaims(query=duplicate.original.why).selected


def test_text_and_html_hold_the_totals():
    widget = CheckedClaims()
    for shown in (widget.text(), widget.html()):
        for row in widget.totals():
            assert row[0] in shown
            assert str(row[1]) in shown
    assert widget.html().count("<caption>") == 2


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: CheckedClaims(status="flase"), traitlets.TraitError, ["'flase'", "'false'", "empirical"]),
        (lambda: CheckedClaims(chapter="eva"), traitlets.TraitError, ["'eva'", "'ewa'"]),
        (lambda: CheckedClaims(note="N5"), traitlets.TraitError, ["'N5'", "N4"]),
        (lambda: CheckedClaims(findings={"ewa.later": "x"}), ValueError, ["findings", "'ewa.late"]),
        (lambda: CheckedClaims(findings=3), ValueError, ["findings=3", "dict"]),
        (lambda: CheckedClaims().totals("status"), ValueError, ["'status'", "'chapter'"]),
    ],
)
def test_what_there_is_not_is_refused_with_the_nearest_name(make, error, words):
    with pytest.raises(error) as caught:
        make()
    for word in words:
        assert word in str(caught.value)


def test_the_data_of_the_widget_are_strict_json_and_fit_in_50_kilobytes():
    # A finding is about as long as the docstring of its check.
    findings = {name: " ".join(check.__doc__.split()) for name, check in claims.checks().items()}
    spec = CheckedClaims(findings=findings).spec
    text = json.dumps(spec, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
    assert json.loads(text) == spec
    assert len(gzip.compress(text.encode())) < 50_000


# In the browser.


@pytest.fixture
def page(request, browser, tmp_path: Path) -> Iterator[Page]:
    """Show the widget alone on a page, with some findings and two pages to lead to."""
    folder = loose_page.write(
        tmp_path / "site", [CheckedClaims(FINDINGS)], request.config.getoption("--bundle")
    ).parent
    places = {"anchors": {}, "pages": {name: [f"{name}.html", title] for name, title in PAGES.items()}}
    index = folder / "index.html"
    script = f'<script type="application/json" id="ol-places">{json.dumps(places)}</script>'
    index.write_text(index.read_text().replace("</main>", f"{script}</main>"))
    with make_server(folder) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        pages = opening(browser, f"http://127.0.0.1:{server.server_address[1]}")
        page = next(pages)("index.html")
        expect(page.locator(".ol-mount")).to_have_attribute("data-state", "alive")
        yield page
        next(pages, None)
        server.shutdown()
        thread.join()


def shown(page: Page) -> list[list[str]]:
    return page.locator(".ol-claims > li").evaluate_all(
        "(rows) => rows.map((row) => [row.dataset.claim, row.querySelector('[data-status]').dataset.status])"
    )


def test_the_claims_can_be_searched_and_filtered_as_python_does_it(page):
    python, chance = CheckedClaims(), random.Random(3)
    for _ in range(25):
        python.query = chance.choice(WORDS)
        page.get_by_label("Search").fill(python.query)
        for key, label in KEYS.items():
            options = ["", "", *python.spec["options"][key]]
            setattr(python, key, chance.choice(options))
            page.get_by_label(label, exact=True).select_option(getattr(python, key))
        settle(page)
        wanted = python.selected
        expect(page.get_by_role("status")).to_contain_text(
            f"{len(wanted)} of {len(python.spec['claims']['id'])} claims"
        )
        assert shown(page) == [[claim.id, claim.status] for claim in wanted[:25]]


def test_a_status_is_counted_and_is_told_by_a_sign_and_a_word(page):
    page.get_by_label("Chapter", exact=True).select_option("ewa")
    settle(page)
    counted = page.get_by_role("status").locator(".ol-verdict").all_text_contents()
    statuses = [claim.status for claim in claims.load("ewa").values()]
    assert [text.split(" ", 1)[1] for text in counted] == [
        f"{status}: {statuses.count(status)}" for status in claims.STATUSES if status in statuses
    ]
    signs = {text.split(" ")[0] for text in counted}
    assert len(signs) == len(counted)


def test_where_nothing_is_found_it_says_so(page):
    page.get_by_label("Search").fill("no such words")
    settle(page)
    expect(page.get_by_role("status")).to_have_text(
        f"0 of {len(claims.load())} claims. Nothing has all these words and choices."
    )


def test_more_are_drawn_when_asked_for(page):
    total = len(claims.load())
    for drawn in range(25, total, 25):
        assert len(shown(page)) == drawn
        page.get_by_role("button", name=f"Show {min(25, total - drawn)} more").click()
    assert [key for key, _ in shown(page)] == list(claims.load())
    expect(page.get_by_role("button", name="more")).to_be_hidden()


def test_a_row_tells_the_reason_the_finding_and_how_to_run_it(page):
    claim = claims.get("ewa-late-negligible")
    page.get_by_label("Search").fill(claim.id)
    settle(page)
    row = page.locator(".ol-claims > li")
    expect(row).to_contain_text(claim.claim)
    expect(row).to_contain_text(claim.why)
    expect(row.get_by_text(FINDINGS[claim.checked_by])).to_be_hidden()
    row.locator("summary").click()
    expect(row.get_by_text(FINDINGS[claim.checked_by])).to_be_visible()
    expect(row.locator("code")).to_have_text(f"python -m optimlab.claims --check --code {claim.id}")
    link = row.get_by_role("link", name=PAGES["03-averages"])
    expect(link).to_have_attribute("href", f"{claim.place.replace('#', '.html#')}")


def test_a_row_leads_to_pages_that_there_are_and_to_no_other(page):
    page.get_by_label("Chapter", exact=True).select_option("ewa")
    settle(page)
    rows = page.locator(".ol-claims > li").evaluate_all(
        """(rows) => rows.map((row) => [row.dataset.claim,
            row.querySelector('a')?.getAttribute('href') ?? null, row.textContent])"""
    )
    assert {bool(href) for _, href, _ in rows} == {True, False}
    for key, href, text in rows:
        stem, _, heading = claims.get(key).place.partition("#")
        if stem in PAGES:
            assert href == f"{stem}.html" + (f"#{heading}" if heading else "")
        else:
            assert href is None
            assert f"In chapter {int(stem[:2])}." in text


def test_what_is_undecided_says_why(page):
    undecided = next(claim for claim in claims.load().values() if claim.undecided)
    page.get_by_label("Search").fill(undecided.id)
    settle(page)
    row = page.locator(f'[data-claim="{undecided.id}"]')
    expect(row).to_contain_text(f"Undecided: {undecided.undecided}")
    assert row.locator("details").count() == 0


@pytest.mark.parametrize("width", [1280, 320])
def test_nothing_is_wider_than_the_page_and_nothing_bars_a_reader(page, axe, width):
    page.set_viewport_size({"width": width, "height": 900})
    page.evaluate("document.querySelectorAll('details').forEach((one) => (one.open = true))")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert axe(page) == []
