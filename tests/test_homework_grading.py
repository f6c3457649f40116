"""The grader: a class with hostile submissions is graded to the end, and every honest point is counted."""

from __future__ import annotations

import csv
import json
import os
import re
import runpy
import subprocess
import sys
import tempfile
import textwrap
import threading
from dataclasses import dataclass, field
from pathlib import Path

import grade
import nbformat
import pytest
from cells import execute
from grading import judge

import homework as tool
from optimlab.formula import FUNCTIONS
from optimlab.rule import Rule

NAME = "04-momentum"
SOURCE = tool.read(tool.SOURCES / f"{NAME}.ipynb")
SOLUTIONS = runpy.run_path(str(Path(__file__).parent / "homework" / f"{NAME}.py"))
SEED = 7
LIMITS = ["--cell", "2", "--total", "120"]

if sys.platform == "win32":  # pragma: no cover
    pytest.skip("the grader needs a POSIX system", allow_module_level=True)

POINTS = {
    tool.name_of(cell): cell.metadata.nbgrader.points for cell in SOURCE.cells if tool.kind(cell) == "test"
}
ANSWERS = {}  # the answer cell above each test
for _cell in SOURCE.cells:
    if tool.kind(_cell) == "answer":
        _last = tool.name_of(_cell)
    elif tool.kind(_cell) == "test":
        ANSWERS[tool.name_of(_cell)] = _last
# The quick tasks, which honest students differ in.
QUICK = ["theta_sum", "theta_average", "step", "slip", "predicted", "causes", "terrains"]


@dataclass
class Handed:
    """What a student hands in, and which tests have to pass."""

    cells: dict[str, str] = field(default_factory=dict)
    passes: set[str] = field(default_factory=set)
    remark: str = ""
    without: tuple[str, ...] = ()


def solution(grade_id: str) -> str:
    text = next(cell.source for cell in SOURCE.cells if tool.name_of(cell) == grade_id)
    return "\n".join(line for line in text.splitlines() if not tool.MARK.match(line))


def solved(*tests: str) -> Handed:
    """Return a submission in which just these tests' answers are filled in."""
    answers = {ANSWERS[test] for test in tests}
    passes = {test for test, answer in ANSWERS.items() if answer in answers}
    return Handed({answer: solution(answer) for answer in answers}, passes)


def notebook(handed: Handed, seed: int = SEED) -> dict:
    """Return a student's copy with these cells, and further ones at the end of the set-up."""
    copy = tool.release(SOURCE, seed)
    for cell in copy.cells:
        if tool.name_of(cell) in handed.cells:
            cell.source = textwrap.dedent(handed.cells[tool.name_of(cell)]).strip("\n")
    copy.cells = [cell for cell in copy.cells if tool.name_of(cell) not in handed.without]
    if "own" in handed.cells:
        at = next(i for i, cell in enumerate(copy.cells) if tool.name_of(cell) == "setup") + 1
        copy.cells.insert(at, nbformat.v4.new_code_cell(textwrap.dedent(handed.cells["own"]).strip("\n")))
    return json.loads(nbformat.writes(copy))


def hostile(remark: str, answer: str, code: str, *tests: str, without: tuple[str, ...] = ()) -> Handed:
    """Return a submission with some answers right and hostile code in another cell."""
    handed = solved(*tests)
    handed.cells[answer] = code
    handed.remark, handed.without = remark, without
    return handed


SECRET = tool.SOURCES / f"{NAME}.ipynb"
# What finds the channel to the judge, and the question that it is waiting for an answer to.
FORGER = """
import sys

def judge():
    frame = sys._getframe()
    while type(frame.f_locals.get("self")).__name__ != "Student":
        frame = frame.f_back
    return frame.f_locals["self"].channel, frame.f_locals["message"]

channel, message = judge()
"""
HOSTILE = {
    "loops": hostile(
        "causes-answer: it took more than 2 seconds", "causes-answer", "while True: pass", "step"
    ),
    "loops-in-a-call": hostile(
        "tune: it took more than 2 seconds",
        "tune-answer",
        "def tune(trial):\n    while True: pass",
        "slip",
        "step",
    ),
    "ends-the-interpreter": hostile(
        "theta-answer: the interpreter was ended (exit status 3)",
        "theta-answer",
        "import os\nos._exit(3)",
        "slip",
        "step",
    ),
    "segfault": hostile(
        "theta-answer: the interpreter crashed (SIGSEGV)",
        "theta-answer",
        "import faulthandler\nfaulthandler._read_null()",
        "slip",
        "step",
    ),
    "aborts": hostile(
        "theta-answer: the interpreter crashed (SIGABRT)",
        "theta-answer",
        "import os\nos.abort()",
        "slip",
        "step",
    ),
    "forges-a-reply": hostile(
        "theta-answer: its answer cannot be read ('patched' is missing or malformed)",
        "theta-answer",
        FORGER + "channel.send({'done': True, 'id': message['id'], 'printed': 0, 'patched': 5})",
        "slip",
        "step",
        "tune",
    ),
    "forges-a-reply-to-a-test": hostile(
        "tune: its answer cannot be read ('changed' is missing or malformed)",
        "tune-answer",
        FORGER
        + """
def tune(trial):
    channel, message = judge()
    always = {'id': message['id'], 'printed': 0, 'patched': []}
    channel.send({'value': {'list': [0.1, 0.9]}, 'changed': {'7': 1}} | always)
    return 0.1, 0.9
""",
        "slip",
        "causes",
    ),
    "answers-twice": hostile(
        "",
        "theta-answer",
        FORGER
        + """
always = {'id': message['id'], 'printed': 0, 'patched': []}
for value in (1, 2, 3):
    channel.send({'done': True} | always)
""",
        "slip",
        "step",
        "kinds",
    ),
    "answers-what-nobody-asked": hostile(
        "theta-answer: its answer cannot be read (a reply to nothing that was asked)",
        "theta-answer",
        FORGER + "channel.send({'done': True, 'id': message['id'] + 1, 'printed': 0, 'patched': []})",
        "slip",
        "step",
    ),
    "floods-the-judge": hostile(
        "theta-answer: it took more than 2 seconds",
        "theta-answer",
        FORGER + "while True:\n    channel.send({'refused': 'nothing'})",
        "slip",
        "step",
    ),
    "prints-a-gigabyte": hostile(
        "printed more than a megabyte",
        "own",
        "for _ in range(1024):\n    print('x' * 2**20)",
        "theta_sum",
        "slip",
    ),
    "edits-tests": hostile(
        "the test theta_sum was changed", "theta_sum", "print('theta_sum: right.')", "step"
    ),
    "deletes-tests": hostile(
        "the test step is missing",
        "slip-answer",
        "slip = 1",
        "theta_sum",
        without=("step", "slip", "theta_average"),
    ),
    "patches-optimlab": hostile(
        "replaced optimlab.homework._load.Homework.check",
        "own",
        """
        from optimlab import homework, rules
        from optimlab.homework import tasks

        homework.Homework.check = lambda self, name, value: None
        tasks.Value.problem = lambda *a: None
        rules.momentum.function = None
        """,
        "terrains",
    ),
    "patches-code-in-place": hostile(
        "replaced optimlab.homework.tasks.Value.problem",
        "own",
        """
        from optimlab.homework import tasks

        tasks.Value.problem.__code__ = (lambda self, answer, n: None).__code__
        """,
        "terrains",
    ),
    "patches-data": hostile(
        "replaced numpy.all in its own process; "
        "replaced optimlab.homework.momentum.TASKS in its own process; "
        "replaced optimlab.homework.tasks.APART",
        "own",
        """
        import numpy
        from optimlab.homework import tasks

        tasks.APART = 0
        hw.tasks.clear()
        numpy.all = lambda *given, **named: True
        """,
        "terrains",
    ),
    "reads-the-solutions": hostile(
        f"refused: reading {SECRET}",
        "slip-answer",
        f"""
        text = open({str(SECRET)!r}).read()
        slip = eval(text)
        """,
        "theta_sum",
        "terrains",
    ),
    "network-and-fork": hostile(
        "refused: the network",
        "own",
        """
        import os
        try:
            os.fork()
        except PermissionError:
            pass
        import socket
        socket.create_connection(("127.0.0.1", 80))
        """,
        "theta_sum",
    ),
    "fills-the-memory": hostile(
        "causes-answer: it ran out of memory",
        "causes-answer",
        "causes = [0] * 10**11",
        "predicted",
        "theta_sum",
    ),
    "fills-the-memory-with-arrays": hostile(
        "causes-answer: it ran out of memory",
        "causes-answer",
        "causes = []\nwhile True:\n    causes.append(np.empty(10**7))",
        "predicted",
        "theta_sum",
    ),
}


def honest() -> dict[str, Handed]:
    """Return submissions of students who have some answers right, some wrong and some not at all."""
    students = {"all-right": solved(*POINTS), "nothing": Handed(), "only-hard": solved("measured", "tune")}
    for number in range(19):
        handed = Handed()
        for place, test in enumerate(QUICK):
            if ANSWERS[test] == "theta-answer" and test != "theta_sum":
                continue
            kind = (number * (place + 3) + place) % 4
            if kind == 0:
                continue
            right = list(SOLUTIONS["RIGHT"][test].values())
            wrong = [code for code in SOLUTIONS["WRONG"][test].values() if "_causes" not in code]
            chosen = right if kind < 3 else wrong
            handed.cells[ANSWERS[test]] = chosen[number % len(chosen)]
            if kind < 3:
                handed.passes.add(test)
        students[f"student-{number:02d}"] = handed
    return students


CLASS = honest() | HOSTILE


@pytest.fixture(scope="session")
def graded(tmp_path_factory) -> Path:
    """Grade a class and return the folder with the results."""
    folder, to = tmp_path_factory.mktemp("submitted"), tmp_path_factory.mktemp("graded")
    for number, (student, handed) in enumerate(CLASS.items()):
        # The layouts in which notebooks are collected.
        path = [
            folder / student / f"{NAME}.ipynb",
            folder / student / NAME / f"{NAME}.ipynb",
            folder / f"{NAME}-{student}.ipynb",
        ][number % 3]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(notebook(handed)))
    command = [sys.executable, str(tool.ROOT / "tools" / "grade.py"), str(folder), "--to", str(to)]
    outcome = subprocess.run(
        [*command, "--seed", str(SEED), *LIMITS], capture_output=True, text=True, timeout=600
    )
    assert outcome.returncode == 0, outcome.stderr
    assert f"{len(CLASS)} submissions graded" in outcome.stdout
    return to


def rows(to: Path) -> dict[str, dict[str, str]]:
    with (to / "grades.csv").open(newline="") as file:
        return {row["student"]: row for row in csv.DictReader(file)}


def test_the_class_has_thirty_students_and_eight_of_them_are_hostile():
    assert len(CLASS) >= 30
    assert len(HOSTILE) >= 8


def test_everybody_gets_a_line_and_a_page(graded: Path):
    assert sorted(rows(graded)) == sorted(CLASS)
    for student in CLASS:
        assert (graded / "feedback" / student / f"{NAME}.html").is_file()


@pytest.mark.parametrize("student", CLASS)
def test_a_submission_gets_its_points_for_what_is_right_and_for_nothing_else(graded: Path, student: str):
    row = rows(graded)[student]
    got = {task: int(row[f"{NAME}/{task}"]) for task in POINTS}
    assert got == {task: of if task in CLASS[student].passes else 0 for task, of in POINTS.items()}
    assert int(row["total"]) == sum(got.values())


@pytest.mark.parametrize("student", [name for name, handed in HOSTILE.items() if handed.remark])
def test_what_is_hostile_is_reported(graded: Path, student: str):
    assert HOSTILE[student].remark in rows(graded)[student]["remarks"]


def test_nothing_is_remarked_where_there_is_nothing(graded: Path):
    table = rows(graded)
    assert {student: table[student]["remarks"] for student in honest()} == dict.fromkeys(honest(), "")


def test_a_page_says_what_each_test_says_and_shows_no_markup_of_the_student(graded: Path):
    page = (graded / "feedback" / "nothing" / f"{NAME}.html").read_text()
    assert page.count("nothing here yet") == len(POINTS)
    assert "to be graded by hand" in page
    assert "BEGIN" not in page
    assert "refused" in (graded / "feedback" / "reads-the-solutions" / f"{NAME}.html").read_text()


def test_the_sheet_for_graders_has_the_rubric_and_every_answer(graded: Path):
    sheet = (graded / "by-hand" / f"{NAME}.html").read_text()
    assert "Rubric" in sheet
    assert all(f"<h3>{student}</h3>" in sheet for student in CLASS)


# ------------------------------------------------------------------ what cannot be graded, and lists


def run(folder: Path, to: Path, *options: str) -> dict[str, dict[str, str]]:
    assert grade.main([str(folder), "--to", str(to), *options, *LIMITS]) == 0
    return rows(to)


def test_what_cannot_be_read_is_named_and_the_others_are_graded(tmp_path: Path):
    folder = tmp_path / "in"
    folder.mkdir()
    good = json.dumps(notebook(solved("theta_sum")))
    (folder / f"{NAME}-broken.ipynb").write_text(good[: len(good) // 2])
    (folder / f"{NAME}-list.ipynb").write_text("[1, 2]")
    (folder / f"{NAME}-deep.ipynb").write_text("[" * 10**6)
    (folder / f"{NAME}-old.ipynb").write_text(json.dumps({"nbformat": 3, "worksheets": []}))
    (folder / f"{NAME}-empty.ipynb").write_text(json.dumps({"nbformat": 4, "cells": []}))
    (folder / f"{NAME}-strange.ipynb").write_text(json.dumps({"cells": [1, {"source": 3, "metadata": []}]}))
    (folder / "shopping.ipynb").write_text(json.dumps({"nbformat": 4, "cells": [{"source": "milk"}]}))
    (folder / "renamed by somebody.ipynb").write_text(good)
    table = run(folder, tmp_path / "out", "--seed", str(SEED))
    for student in ("broken", "list", "deep", "old"):
        assert "not graded" in table[student]["remarks"], student
    for student in ("strange", "empty"):
        assert f"none of its cells belongs to {NAME}" in table[student]["remarks"], student
    assert "no homework that we know" in table["shopping"]["remarks"]
    assert table["renamed by somebody"]["total"] == str(POINTS["theta_sum"] + POINTS["theta_average"])
    assert all((tmp_path / "out" / "feedback" / student).is_dir() for student in table)


def test_every_student_of_a_list_has_numbers_of_their_own_and_those_who_are_missing_are_named(tmp_path: Path):
    students = tmp_path / "list.csv"
    students.write_text("student,group\nann,1\nbob,1\ncara,2\n")
    made = tmp_path / "copies"
    assert tool.main(["make", "--seed", "7", "--students", str(students), "--to", str(made)]) == 0
    seeds = {
        line
        for one in made.rglob("*.ipynb")
        for line in tool.SEED_LINE.findall(
            one.read_text().replace("\\n", "\n").replace('"', "\n").replace(",", "\n")
        )
    }
    assert len(seeds) == 3
    folder = tmp_path / "in"
    for student, seed_of in {"ann": "ann", "bob": "ann", "dora": "dora"}.items():
        (folder / student).mkdir(parents=True)
        handed = Handed(
            {"theta-answer": "theta_sum = 1.0"} | {"terrains-answer": solution("terrains-answer")}
        )
        path = folder / student / f"{NAME}.ipynb"
        path.write_text(json.dumps(notebook(handed, tool.student_seed(7, seed_of))))
    table = run(folder, tmp_path / "out", "--seed", "7", "--students", str(students))
    assert table["ann"]["remarks"] == ""
    assert "it has the numbers of SEED" in table["bob"]["remarks"]
    assert "not in the list" in table["dora"]["remarks"]
    assert table["cara"]["remarks"] == "nothing handed in"


def test_without_a_folder_nothing_is_graded_and_the_command_says_what_it_needs(tmp_path: Path, capsys):
    for folder in ("", str(tmp_path / "nowhere")):
        assert grade.main([folder, "--to", str(tmp_path / "out")]) == 1
        assert "expected a folder of notebooks" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_answers_that_were_passed_on_are_wrong_for_another_student(tmp_path: Path):
    from optimlab import homework

    numbers = {seed: homework.load(NAME, seed) for seed in (1, 2)}
    task = numbers[1].tasks["theta_sum"]
    copied = Handed({"theta-answer": f"theta_sum = {task.right(numbers[1])}"})
    for student, seed in {"one": 1, "two": 2}.items():
        path = tmp_path / "in" / student / f"{NAME}.ipynb"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(notebook(copied, seed)))
    assert run(tmp_path / "in", tmp_path / "out", "--seed", "1")["one"]["total"] == "1"
    table = run(tmp_path / "in", tmp_path / "out", "--seed", "2")
    assert table["two"]["total"] == "0"


def test_the_solutions_of_every_homework_get_all_points_and_empty_copies_none(tmp_path: Path):
    """All answers cross from one process to the other, whatever a chapter asks for."""
    points = {}
    for path in tool.sources():
        source = tool.with_seed(tool.read(path), SEED)
        points[path.stem] = sum(
            cell.metadata.nbgrader.points for cell in source.cells if tool.kind(cell) == "test"
        )
        for student, copy in {"solved": source, "empty": tool.release(source, SEED)}.items():
            file = tmp_path / "in" / student / path.name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(nbformat.writes(copy))
    assert grade.main([str(tmp_path / "in"), "--to", str(tmp_path / "out"), "--seed", str(SEED)]) == 0
    with (tmp_path / "out" / "grades.csv").open(newline="") as file:
        totals = {(row["student"], row["assignment"]): int(row["total"]) for row in csv.DictReader(file)}
    for name, of in points.items():
        assert totals["solved", name] == of
        assert totals["empty", name] == 0


def test_what_is_right_in_a_notebook_is_right_for_the_grader(tmp_path: Path):
    """Tensors, fractions, magics, other names for NumPy: in one submission, after honest imports."""
    imports = "import torch\nimport matplotlib.pyplot as plt\nfrom fractions import Fraction\nplt.plot([1])\n"
    changes = """
theta_sum = Fraction(float(theta_sum))
%time theta_average = torch.tensor(float(theta_average), dtype=torch.float64)
files = !ls
"""
    answers = {
        "theta-answer": imports + solution("theta-answer") + changes,
        "step-answer": solution("step-answer").replace("lr=0.1", "lr=10**-1"),
    }
    assert "10**-1" in answers["step-answer"]
    path = tmp_path / "in" / "ann" / f"{NAME}.ipynb"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(notebook(Handed(answers))))
    row = run(tmp_path / "in", tmp_path / "out", "--seed", str(SEED))["ann"]
    assert row["remarks"] == ""
    for task in ("theta_sum", "theta_average", "step"):
        assert row[f"{NAME}/{task}"] == str(POINTS[task]), task


def test_texts_and_names_that_no_encoding_has_end_nothing(tmp_path: Path):
    for student, cells in {
        "ann": {"theta-answer": "raise ValueError('\\ud800')"},
        "bob": {"words": "\ud800"},
        "zoe": {"theta-answer": solution("theta-answer")},
    }.items():
        path = tmp_path / "in" / student / f"{NAME}.ipynb"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(notebook(Handed(cells))))
    strange = os.fsencode(tmp_path / "in") + b"/J\xfcrgen"
    os.mkdir(strange)
    Path(os.fsdecode(strange + f"/{NAME}.ipynb".encode())).write_text(json.dumps(notebook(Handed())))
    table = run(tmp_path / "in", tmp_path / "out", "--seed", str(SEED))
    assert set(table) == {"ann", "bob", "zoe", "J?rgen"}
    assert table["zoe"]["total"] == str(POINTS["theta_sum"] + POINTS["theta_average"])
    pages = list((tmp_path / "out").rglob("*.html"))
    assert len(pages) == 5
    assert all(page.stat().st_size for page in pages)


def test_an_array_that_is_empty_far_inside_costs_its_own_answer_only(tmp_path: Path):
    path = tmp_path / "in" / "ann" / f"{NAME}.ipynb"
    path.parent.mkdir(parents=True)
    cells = {
        "theta-answer": "import numpy as np\ntheta_sum = theta_average = np.zeros((10**9, 0))",
        "terrains-answer": solution("terrains-answer"),
    }
    path.write_text(json.dumps(notebook(Handed(cells))))
    row = run(tmp_path / "in", tmp_path / "out", "--seed", str(SEED))["ann"]
    assert row["total"] == str(POINTS["terrains"])


@pytest.mark.parametrize(
    ("path", "student"),
    [
        (f"ann/{NAME}.ipynb", "ann"),
        (f"ann/{NAME} (1).ipynb", "ann"),
        (f"ann/{NAME}-Copy1.ipynb", "ann"),
        (f"ann/{NAME}_final.ipynb", "ann"),
        (f"ann/{NAME}/{NAME}.ipynb", "ann"),
        (f"{NAME}/ann/{NAME}.ipynb", "ann"),
        (f"{NAME}-ann.ipynb", "ann"),
        (f"{NAME}-ann (2).ipynb", "ann"),
        (f"ann_{NAME}.ipynb", "ann"),
        (f"section 1/{NAME}-bob.ipynb", "bob"),  # who is in the list
        (f"{NAME}.ipynb", grade.UNKNOWN),
        ("Zoe\u0308/x.ipynb", "Zo\u00eb"),
    ],
)
def test_a_student_is_told_by_the_folder_or_else_by_the_name_of_the_file(path: str, student: str):
    assert grade._by_name(Path(path), {NAME: set()}, ["bob"])[1] == student


@pytest.mark.parametrize("option", ["--seed=-3", "--jobs=0", "--memory=0", "--cell=-1", "--total=0"])
def test_a_limit_that_cannot_be_is_refused_before_anything_is_graded(tmp_path: Path, capsys, option: str):
    assert grade.main([str(tmp_path), "--to", str(tmp_path / "out"), option]) == 1
    assert f"got {option.replace('=', ' ')}" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_folder_without_notebooks_and_a_list_that_cannot_be_read_are_named(tmp_path: Path, capsys):
    assert grade.main([str(tmp_path), "--to", str(tmp_path / "out")]) == 1
    assert "holds no notebook" in capsys.readouterr().err
    students = tmp_path / "list.csv"
    for data, why in ((None, "No such file"), ("Jürgen".encode("latin-1"), "not UTF-8")):
        if data:
            students.write_bytes(data)
        assert tool.main(["make", "--students", str(students), "--to", str(tmp_path / "copies")]) == 1
        said = capsys.readouterr().err
        assert why in said
        assert "saved as UTF-8" in said


def test_names_that_a_disk_may_take_for_one_are_refused(tmp_path: Path, capsys):
    students = tmp_path / "list.csv"
    students.write_text("Ann\nBob\nann\n")
    assert tool.main(["make", "--students", str(students), "--to", str(tmp_path / "copies")]) == 1
    assert "'Ann' and 'ann' differ in capital letters only" in capsys.readouterr().err
    assert not (tmp_path / "copies").exists()


# ------------------------------------------------------------------ the judge's side


XP = {"xp": dict(zip(FUNCTIONS, FUNCTIONS, strict=True))}  # what the student's process says of NumPy


@pytest.mark.parametrize("default", ["10**-1", "1/10", "+0.1", "np.float64(0.1)", "float(1) / 10"])
def test_a_default_may_be_arithmetic_of_numbers(default: str):
    text = f"def step(w, g, *, lr={default}):\n    w = w - lr * xp.sqrt(g)\n    return w\n"
    assert judge.made(Rule, text, "step", XP)(1.0, 4.0) == pytest.approx(0.8)


@pytest.mark.parametrize(
    "default",
    ["__import__('os').getcwd()", "[].append(1)", "(lambda: 1)()", "x := 3", "'text'", "-(2 if 1 else 3)"],
)
def test_the_text_of_a_rule_computes_nothing_before_it_is_refused(default: str):
    text = f"def step(w, g, *, lr=({default})):\n    w = w - lr * g\n    return w\n"
    with pytest.raises(ValueError, match="as a default"):
        judge.made(Rule, text, "step", {})


@pytest.mark.parametrize(
    "line", ["w = w - open('/etc/passwd').read()", "w = w.__class__", "w = [w for w in w]", "import os"]
)
def test_a_rule_holds_arithmetic_and_nothing_else(line: str):
    with pytest.raises(ValueError, match="line"):
        judge.made(Rule, f"def step(w, g, *, lr=0.1):\n    {line}\n    return w\n", "step", {})


HEAD = "def step(w, g, t, m_hat=0.0, v_hat=0.0, *, lr=0.001, beta1=0.9, beta2=0.999, eps=1e-8):"
BODY = """
    m_hat = m_hat + (1 - beta1) / (1 - beta1**t) * (g - m_hat)
    v_hat = v_hat + (1 - beta2) / (1 - beta2**t) * (g**2 - v_hat)
    w = w - lr * m_hat / ({root}(v_hat) + eps)
    return w, m_hat, v_hat
"""


@pytest.mark.parametrize(
    ("imports", "root", "right"),
    [
        ("import numpy as np", "np.sqrt", True),
        ("import numpy as xp", "xp.sqrt", True),
        ("from numpy import sqrt", "sqrt", True),
        ("import math", "math.sqrt", False),
        ("import torch", "torch.sqrt", False),
        ("from math import sqrt", "sqrt", False),
        ("sqrt = abs", "sqrt", False),
        ("", "sqrt", False),
    ],
)
def test_what_a_notebook_says_of_a_rule_the_grader_says_too(tmp_path: Path, imports, root: str, right: bool):
    from optimlab import homework

    cell = f"{imports}\n{HEAD}{BODY.format(root=root)}"
    opened, namespace, said = homework.load("07-adam", 0), {}, []
    execute(cell, f"rule with {imports}.py", namespace)
    limits = {"cell": 10, "total": 60, "memory": 2**33}
    student = judge.Student(limits, str(tmp_path), ["numpy", "optimlab.homework", "torch"], print)
    try:
        assert student.run(cell, "cell 0") is None
        for step in (namespace["step"], student.get(["step"])["step"]):
            try:
                opened.check("step", step)
                said.append(None)
            except homework.AnswerError as error:
                said.append(re.sub(r"line \d+", "line", str(error)))
    finally:
        student.stop()
    assert said[0] == said[1]
    assert (said[0] is None) == right
    assert right or "not NumPy's here" in said[0]


def test_a_module_that_the_grader_lacks_is_named_and_the_answer_is_not_called_empty(tmp_path: Path):
    path = tmp_path / "in" / "ann" / f"{NAME}.ipynb"
    path.parent.mkdir(parents=True)
    path.write_text(
        json.dumps(notebook(Handed({"slip-answer": f"import no_such_module\n{solution('slip-answer')}"})))
    )
    row = run(tmp_path / "in", tmp_path / "out", "--seed", str(SEED))["ann"]
    assert row["remarks"] == "slip-answer: No module named 'no_such_module'"
    page = (tmp_path / "out" / "feedback" / "ann" / f"{NAME}.html").read_text()
    why = "slip: the answer above it stopped: ModuleNotFoundError in line 1: No module named"
    assert why in page
    assert "slip: nothing here yet" not in page


def test_the_container_has_every_module_that_answers_may_import():
    """What is loaded before a submission is confined is what the sources and students use."""
    text = (tool.ROOT / "tools" / "grading" / "Dockerfile").read_text()
    extras = set(re.search(r'pip install .*"\.\[([a-z,]+)\]"', text)[1].split(","))
    assert {"torch": "torch", "numba": "fast"}.keys() == {one for one in judge.ALSO if "." not in one}
    assert extras >= {"torch", "fast"}


def test_a_rule_keeps_its_meaning_on_the_way_and_its_whole_numbers_cannot_grow_for_ever():
    text = "@Rule\ndef step(w: float, g, v=0, *, lr=1) -> tuple:\n"
    text += "    v = v + g**2\n    w = w - lr * v\n    return w, v\n"
    assert judge.made(Rule, text, "step", {})(1.0, 2.0, 3.0, lr=0.5) == (-2.5, 7.0)
    large = judge.made(Rule, "def f(w, *, lr=1):\n    w = w * 9**9**9**9\n    return w\n", "f", {})
    with pytest.raises(OverflowError):
        large(1.0)


PAST_THE_FENCE = """
    import os, _posixsubprocess

    # A way to start a program that Python's audit hook does not see.
    (r, w), (e1, e2) = os.pipe(), os.pipe()
    keep, program = tuple(sorted((e2, w))), [b"/bin/cat", SECRET.encode()]
    _posixsubprocess.fork_exec(
        program, program[:1], True, keep, None, None,
        -1, -1, -1, w, -1, w, e1, e2, False, False, -1, None, None, None, -1, None, False,
    )
    os.close(w)
    said = b"".join(iter(lambda: os.read(r, 10**6), b"")).decode()  # cat writes its message in parts
"""


@pytest.mark.skipif(sys.version_info[:2] != (3, 11), reason="the private call has other arguments elsewhere")
def test_what_gets_past_the_fence_meets_the_kernel_where_the_kernel_helps(tmp_path: Path):
    limits = {"cell": 10, "total": 60, "memory": 2**31}
    student = judge.Student(limits, str(tmp_path), ["numpy"], print)
    try:
        student.run(f"SECRET = {str(SECRET)!r}\n{textwrap.dedent(PAST_THE_FENCE)}", "cell 0")
        said = student.get(["said"])["said"]
    finally:
        student.stop()
    if not student.containment["landlock"]:
        pytest.skip("this kernel has no Landlock")
    assert "Permission denied" in said


def test_no_process_of_a_submission_is_left_when_it_has_been_graded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    code = "import threading, time\nthreading.Thread(target=time.sleep, args=(300,)).start()"
    path = tmp_path / "in" / "ann" / f"{NAME}.ipynb"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(notebook(hostile("", "own", code, "theta_sum"))))
    seen, done = set(), threading.Event()

    def watch() -> None:
        while not done.wait(0.2):
            seen.update(processes_in(tmp_path))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        assert run(tmp_path / "in", tmp_path / "out", "--seed", str(SEED))["ann"]["total"] == "2"
    finally:
        done.set()
        watcher.join()
    assert seen
    assert processes_in(tmp_path) == set()


def processes_in(folder: Path) -> set[str]:
    """Return every process of the grader on this machine that works in a folder."""
    listed = subprocess.run(["ps", "-ewwo", "pid,args"], capture_output=True, text=True, check=True).stdout
    return {line for line in listed.splitlines() if "grading/student.py" in line and str(folder) in line}
