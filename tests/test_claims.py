"""The claims of the notes: data refused with a remedy, every finding asserted by a run that can fail."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest
from writing import define

from optimlab import averages, descent, rules, schedules
from optimlab._memory import remembered
from optimlab.claims import CHAPTERS, PLACES, STATUSES, Claim, ClaimError, checks, get, load
from optimlab.claims import _library as library
from optimlab.claims.__main__ import main
from optimlab.claims._files import read_claims
from optimlab.claims._library import run, together
from optimlab.claims._pages import address, misplaced, unknown_references
from optimlab.rule import Rule
from optimlab.schedules import Schedule

# How many statements of the notes each chapter has; together 485.
COUNTS = {
    "minibatch": 84,
    "ewa": 53,
    "momentum": 82,
    "adam": 91,
    "adaptive": 44,
    "rmsprop": 25,
    "variants": 44,
    "schedules": 20,
    "practice": 42,
}


@pytest.mark.parametrize("name", checks())
def test_the_finding_holds(name):
    # Once for all who ask, as for the page that shows it.
    assert remembered(f"finding {name}", lambda: run(name))


@pytest.mark.parametrize("chapter", COUNTS)
def test_every_claim_of_the_chapter_is_there(chapter):
    assert len(load(chapter)) == COUNTS[chapter]


def test_every_chapter_is_counted():
    assert set(COUNTS) == {claim.chapter for claim in load().values()}
    assert list(dict.fromkeys(claim.chapter for claim in load().values())) == [
        c for c in CHAPTERS if c in COUNTS
    ]


@pytest.mark.parametrize("claim", load().values(), ids=lambda claim: claim.id)
def test_a_claim_that_is_not_true_has_a_reason_and_what_decides_it(claim):
    first = claim.original
    assert claim.status == "true" or first.why
    assert claim.status == "true" or bool(first.undecided) != bool(claim.function)
    # A reader has no copy of the notes' lines, and no use for them in a reason.
    assert not re.search(r"\blines? \d", first.why + first.undecided)


# Loading ------------------------------------------------------------------------------------------

GOOD = """\
- id: up
  note: N1
  lines: [3, 5]
  chapter: ewa
  claim: It goes up.
  status: false
  why: It goes down.
  check: direction
  reference: kingma2015adam
  place: 03-averages#the-cold-start
- {id: also-up, note: N2, lines: [8, 8], chapter: ewa, claim: It rises., status: false, same_as: up,
   place: 03-averages}
- {id: one, note: N2, lines: [9, 9], chapter: ewa, claim: One is one., status: true, place: 03-averages}
"""
CHECK = '''\
def _one():
    """Help."""
    return 1


def direction() -> str:
    """It goes down."""
    assert _one() < 2
    return "it fell by 1"
'''


def read(folder: Path, data: str = GOOD, code: str = CHECK) -> dict[str, Claim]:
    """Read a chapter with this text."""
    (folder / "ewa.yaml").write_text(data)
    (folder / "ewa.py").write_text(code)
    return read_claims(folder / "ewa.yaml")


def test_a_file_is_read_as_it_stands(tmp_path):
    found = read(tmp_path)
    assert list(found) == ["up", "also-up", "one"]
    assert found["up"].reference == ("kingma2015adam",)
    assert (found["up"].lines, found["up"].status, found["one"].status) == ((3, 5), "false", "true")
    assert found["also-up"].same_as == "up"


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("why: It", "wy: It", ["'up'", "wy", "did you mean 'why'?"]),
        ("  why: It goes down.\n", "", ["'up'", "why", "false", "same_as"]),
        ("  check: direction\n", "", ["'up'", "check", "undecided"]),
        ("check: direction", "check: direktion", ["'up'", "'direktion'", "did you mean 'direction'?"]),
        ("check: direction", "check: _one", ["'_one'", "ewa.py has no function"]),
        ("claim: It goes up.", "claim: It goes up", ["'It goes up'", "a period"]),
        ("claim: It goes up.", "claim: ''", ["claim", "expected a text"]),
        ("claim: It goes up.", "claim: 3", ["claim", "3", "expected a text"]),
        ("id: one", "id: up", ["'up'", "stands twice"]),
        ("chapter: ewa", "chapter: eva", ["'eva'", "'ewa'", "the name of the file"]),
        ("status: false\n", "status: wrong\n", ["'wrong'", "misleading"]),
        ("status: false\n", "status: misleadin\n", ["did you mean 'misleading'?"]),
        ("status: false\n", "status: 1\n", ["status", "1", "misleading"]),
        ("note: N1", "note: N5", ["'N5'", "N1, N2, N3, N4"]),
        ("lines: [3, 5]", "lines: [5, 3]", ["[5, 3]", "[337, 351]"]),
        ("lines: [3, 5]", "lines: 3", ["3", "[337, 351]"]),
        ("place: 03-averages#", "place: 03-avrages#", ["did you mean '03-averages'?"]),
        ("#the-cold-start", "#The cold start", ["'The cold start'", "the-cold-start"]),
        ("reference: kingma2015adam", "reference: 3", ["reference", "3", "references.bib"]),
        ("  note: N1\n", "", ["'up'", "note: missing"]),
        ("same_as: up", "same_as: up, why: It does.", ["'also-up'", "why", "leave it out"]),
        (
            "  check: dir",
            "  undecided: It depends.\n  check: dir",
            ["undecided", "'direction'", "one of the two"],
        ),
        ("  note: N1\n", "  note: N1\n  note: N2\n", ["'note'", "stands twice"]),
        ("- id: up\n", "- - id: up\n", ["cannot be read"]),
        (GOOD, "", ["nothing", "a list of claims"]),
        (GOOD, "- 3\n", ["number 1", "3", "a mapping"]),
    ],
)
def test_a_claim_that_does_not_fit_is_refused_by_file_id_and_key(tmp_path, old, new, words):
    assert old in GOOD
    with pytest.raises(ClaimError) as caught:
        read(tmp_path, GOOD.replace(old, new, 1))
    for word in [str(tmp_path / "ewa.yaml"), *words]:
        assert word in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("_one() < 2", "_one() <", ["cannot be read"]),
        ("    assert _one() < 2\n", "", ["'direction'", "no assert", "could not fail"]),
        ('    """It goes down."""\n', "", ["'direction'", "docstring", "one sentence"]),
        ("direction()", "direction(seed=0)", ["'direction'", "takes arguments"]),
        ("def _one", "def one", ["'one'"]),
    ],
)
def test_a_check_that_does_not_fit_is_refused_by_name(tmp_path, old, new, words):
    with pytest.raises(ClaimError) as caught:
        read(tmp_path, code=CHECK.replace(old, new))
    for word in [str(tmp_path / "ewa.py"), *words]:
        assert word in str(caught.value)


def test_a_check_that_no_claim_uses_is_refused(tmp_path):
    other = dedent('''
        def other() -> str:
            """Nobody asks."""
            assert True
            return "x"
    ''')
    with pytest.raises(ClaimError, match=r"ewa\.py: no claim of ewa\.yaml uses the check 'other'; .* with _"):
        read(tmp_path, code=CHECK + other)


def test_an_id_that_stands_in_two_files_is_refused(tmp_path):
    found = read(tmp_path)
    with pytest.raises(ClaimError, match=r"momentum\.yaml: claim 'up': id: stands in ewa\.yaml too"):
        together({"ewa": found, "momentum": found})


@pytest.mark.parametrize("target", ["upp", "also-up", "third"])
def test_a_duplicate_of_nothing_or_of_a_duplicate_is_refused(tmp_path, target):
    more = GOOD.splitlines()[-1].replace("status: true", f"status: true, same_as: {target}")
    found = read(tmp_path, GOOD + more.replace("id: one", "id: third") + "\n")
    with pytest.raises(ClaimError, match=rf"claim 'third': same_as: got '{target}'.*no duplicate itself"):
        together({"ewa": found})


def test_what_does_not_exist_is_refused_with_the_nearest_name():
    with pytest.raises(ClaimError, match="did you mean 'ewa-late-negligible'"):
        get("ewa-late-neglible")
    with pytest.raises(ClaimError, match=r"did you mean 'schedules'.*known are .*ewa"):
        load("schedule")


def test_a_duplicate_has_the_check_of_what_it_repeats():
    duplicates = [claim for claim in load().values() if claim.same_as]
    assert duplicates
    for claim in duplicates:
        assert claim.function is get(claim.same_as).function
        assert claim.original is get(claim.same_as)


def test_a_claim_reads_well():
    text = repr(get("ewa-late-negligible"))
    for word in ("ewa-late-negligible", "N1", "lines 2521 to 2530", "false", "why: ", "check: ewa."):
        assert word in text


def test_reading_the_claims_imports_no_check_and_no_torch():
    program = (
        "import sys; from optimlab import claims; claims.load()\n"
        "assert not any(f'optimlab.claims.{c}' in sys.modules for c in claims.CHAPTERS)\n"
        "claims.checks(); assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


# A check can fail ---------------------------------------------------------------------------------


def replace(monkeypatch, original: Rule | Schedule, source: str) -> None:
    """Let a rule or schedule compute with another text, wherever it has been imported."""
    broken = type(original)(define(source))
    assert broken.formula.name == original.formula.name
    for rule in (original, broken):
        getattr(rule, "everything", None)  # cached in the rule: there before, so that it is put back after
    for name in set(vars(original)) | set(vars(broken)):
        if name in vars(broken):
            monkeypatch.setitem(vars(original), name, vars(broken)[name])
        else:
            monkeypatch.delitem(vars(original), name)
    # Plans that were made with the true rule are not used for the broken one, nor the other way round.
    monkeypatch.setattr(descent, "_plan", descent._plan.__wrapped__)


SWAPPED = """
def ewa(theta, v=0.0, *, beta=0.9):
    v = (1 - beta) * v + beta * theta
    return v
"""
CORRECTED_LATE = """
def ewa_corrected(theta, t, v=0.0, *, beta=0.9):
    v = beta * v + (1 - beta) * theta
    v_hat = v / (1 - beta ** (t + 1))
    return v, v_hat
"""
NEVER_CORRECTED = """
def adam(w, g, t, m=0.0, v=0.0, *, lr=0.001, beta1=0.9, beta2=0.999, eps=1e-8):
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    w = w - lr * m / (sqrt(v) + eps)
    return w, m, v
"""
SHIFTED = """
def cosine(t, *, lr=0.1, steps=100, lr_min=0.0):
    return lr_min + (lr - lr_min) * (1 + cos(pi * t / steps)) / 2
"""


@pytest.mark.parametrize(
    ("original", "source", "chapter"),
    [
        (averages.ewa, SWAPPED, "ewa"),
        (averages.ewa_corrected, CORRECTED_LATE, "ewa"),
        (rules.adam, NEVER_CORRECTED, "ewa"),
        (schedules.cosine, SHIFTED, "schedules"),
    ],
    ids=["shares swapped", "corrected one step late", "Adam without correction", "cosine shifted by one"],
)
def test_a_check_fails_when_the_rule_is_broken(monkeypatch, original, source, chapter):
    def holds(name: str) -> bool:
        try:
            run(name)
        except AssertionError:
            return False
        return True

    replace(monkeypatch, original, source)
    assert not all(holds(name) for name in checks(chapter))


def test_what_goes_wrong_in_a_check_names_it(monkeypatch):
    def none() -> None:
        return None

    def wrong() -> str:
        raise ZeroDivisionError("by 0")

    monkeypatch.setattr(library, "find", {"ewa.none": none, "ewa.wrong": wrong}.get)
    with pytest.raises(AssertionError, match=r"ewa\.none: returned None; expected one sentence"):
        run("ewa.none")
    with pytest.raises(AssertionError, match=r"ewa\.wrong: ZeroDivisionError: by 0"):
        run("ewa.wrong")


# The pages and the bibliography -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("heading", "expected"),
    [
        ("How long is its memory?", "how-long-is-its-memory"),
        ("Four values of β, one convention", "four-values-of-one-convention"),
        ("3 · Correcting an average", "correcting-an-average"),
        ("A `Rule` for *you*", "a-rule-for-you"),
        ("See [the course](https://example.org)", "see-the-course"),
    ],
)
def test_a_heading_has_the_address_that_sphinx_gives_it(heading, expected):
    assert address(heading) == expected


def page(folder: Path, *headings: str) -> None:
    cells = [{"cell_type": "markdown", "source": [f"## {heading}\n", "\n", "Text."]} for heading in headings]
    (folder / "03-averages.ipynb").write_text(json.dumps({"cells": cells}))


def test_a_heading_that_a_page_lacks_is_reported_and_a_missing_page_is_not(tmp_path):
    claims = read(tmp_path).values()
    assert misplaced(claims, tmp_path) == []
    page(tmp_path, "The cold start")
    assert misplaced(claims, tmp_path) == []
    page(tmp_path, "The warm start")
    (problem,) = misplaced(claims, tmp_path)
    assert "'up'" in problem
    assert "did you mean 'the-warm-start'?" in problem


def test_a_reference_that_the_bibliography_lacks_is_reported(tmp_path):
    claims = read(tmp_path).values()
    bibliography = tmp_path / "references.bib"
    bibliography.write_text("@article{kingma2015adam,\n  title = {Adam}}\n")
    assert unknown_references(claims, bibliography) == []
    bibliography.write_text("@article{kingma2015adams,\n  title = {Adam}}\n")
    (problem,) = unknown_references(claims, bibliography)
    assert "'kingma2015adam' (did you mean 'kingma2015adams'?)" in problem


def test_the_pages_that_exist_have_the_headings_named():
    assert misplaced(load().values(), Path(__file__).parents[1] / "chapters") == []


def test_the_bibliography_has_every_reference():
    assert unknown_references(load().values(), Path(__file__).parents[1] / "references.bib") == []


# The command --------------------------------------------------------------------------------------


def test_the_command_lists_what_was_asked_for(capsys):
    assert main(["--chapter", "schedules", "--status", "true"]) == 0
    out = capsys.readouterr().out
    wanted = [claim for claim in load("schedules").values() if claim.status == "true"]
    assert all(f"{claim.id} (" in out for claim in wanted)
    assert out.count("): ") == len(wanted)
    assert f"{len(wanted)} claims: {len(wanted)} true, 0 misleading" in out


def test_the_command_writes_json(capsys):
    assert main(["ewa-late-negligible", "--json"]) == 0
    (entry,) = json.loads(capsys.readouterr().out)
    assert entry["status"] == "false"
    assert entry["lines"] == [2521, 2530]
    assert entry["checked_by"].startswith("ewa.")


def test_the_command_runs_each_check_once(capsys):
    claims = [claim for claim in load("schedules").values() if claim.checked_by]
    shared = max((claim.checked_by for claim in claims), key=[c.checked_by for c in claims].count)
    ids = [claim.id for claim in claims if claim.checked_by == shared]
    assert main([*ids, "--check"]) == 0
    out, progress = capsys.readouterr()
    assert out.count(f"{shared}: ") == 1
    assert f"1/1 {shared}" in progress
    assert f"1 of 1 checks hold, for {len(ids)} claims; 0 problems" in out


def test_the_command_reports_a_check_that_fails_and_the_claims_it_decides(monkeypatch, capsys):
    replace(monkeypatch, averages.ewa, SWAPPED)
    assert main(["--chapter", "ewa", "--check"]) == 1
    out = capsys.readouterr().out
    assert re.search(r"PROBLEM ewa\.\w+: AssertionError.* \(it decides ewa-", out)


def test_the_command_reports_a_missing_heading_and_a_missing_reference(tmp_path, capsys):
    placed = next(
        claim for claim in load().values() if "#" in claim.place and claim.place.startswith("03-averages#")
    )
    cited = next(claim for claim in load().values() if claim.reference)
    page(tmp_path, "Nothing")
    (tmp_path / "empty.bib").write_text("")
    folder = ["--chapters", str(tmp_path), "--references", str(tmp_path / "empty.bib")]
    assert main([placed.id, cited.id, "--check", *folder]) == 1
    out = capsys.readouterr().out
    assert f"claim '{placed.id}': place" in out
    assert f"claim '{cited.id}': reference" in out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["ewa-late-neglible"], "did you mean 'ewa-late-negligible'?"),
        (["ewa-late-negligible", "--chapter", "schedules"], "is a claim of ewa, not of schedules"),
    ],
)
def test_a_wrong_call_is_told_what_there_is(arguments, words, capsys):
    assert main(arguments) == 2
    assert words in capsys.readouterr().err


def test_the_statuses_and_the_pages_are_those_of_the_docstring():
    from optimlab import claims

    listed = re.findall(r"^(\w+)  +\w", claims.__doc__.split("----------")[1], re.MULTILINE)
    assert tuple(listed) == STATUSES
    assert len(set(PLACES)) == len(PLACES)


def test_the_command_prints_the_code_of_a_check(capsys):
    assert main(["ewa-simple-average-equal-weights", "ewa-late-negligible", "--check", "--code"]) == 0
    out = capsys.readouterr().out
    assert "def late_correction() -> str:" in out
    assert get("ewa-late-negligible").function.__doc__ in out
