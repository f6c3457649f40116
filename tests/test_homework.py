"""The homework of every chapter: its own solutions pass, typical mistakes don't, copies hold no secrets.

A homework is found by its source ``homework/NN-name.ipynb``; its right and wrong solutions are in
``tests/homework/NN-name.py``. ``pytest tests/test_homework.py -k 04-momentum`` tests one.
"""

from __future__ import annotations

import builtins
import functools
import re
import runpy
import textwrap
from pathlib import Path

import matplotlib.pyplot as plt
import nbformat
import numpy as np
import pytest
import torch
from cells import assigned, execute
from notebooks import is_first_cell

import homework as tool
from optimlab import homework
from optimlab.format import number
from optimlab.homework.tasks import AnswerError, Function, Search, Value, _leaves, call

SOURCES = {path.stem: path for path in tool.sources()}
SOLUTIONS = Path(__file__).parent / "homework"
SEEDS = range(25)

each_homework = pytest.mark.parametrize("name", SOURCES)


@functools.cache
def source(name: str) -> nbformat.NotebookNode:
    return tool.read(SOURCES[name])


@functools.cache
def solutions(name: str) -> dict:
    return runpy.run_path(str(SOLUTIONS / f"{name}.py"))


def graded(name: str) -> list[str]:
    return [tool.name_of(cell) for cell in source(name).cells if tool.kind(cell) == "test"]


def work(
    name: str, notebook: nbformat.NotebookNode, only: str | None = None, code: str | None = None
) -> dict:
    """Run a notebook's graded cells in this process and return each test's message, None where it passes.

    With `only` just that test, the answer cell above it, which `code` replaces, and the locked cells.
    """
    namespace: dict = {}
    cells = [cell for cell in notebook.cells if cell.cell_type == "code" and tool.kind(cell)]
    above = {}
    for cell in cells:
        if tool.kind(cell) == "answer":
            last = cell
        elif tool.kind(cell) == "test":
            above[tool.name_of(cell)] = last
    for cell in source(name).cells:  # what is missing in an answer is like what has not been filled in
        if cell.cell_type == "code" and tool.kind(cell) == "answer":
            namespace |= dict.fromkeys(assigned(tool.clear(cell.source, tool.CODE_STUB)), ...)
    outcome = {}
    for number_, cell in enumerate(cells):
        what, grade_id, text = tool.kind(cell), tool.name_of(cell), cell.source
        if only and ((what == "test" and grade_id != only) or (what == "answer" and cell is not above[only])):
            continue
        if what == "answer" and code is not None:
            text = textwrap.dedent(code).strip("\n")
        try:
            execute(text, f"{name}-{number_}.py", namespace)
        except Exception as error:
            if what != "test":
                if what == "given":
                    raise
                continue
            outcome[grade_id] = f"{type(error).__name__}: {error}"
        else:
            if what == "test":
                outcome[grade_id] = None
    return outcome


def of_all(table: str) -> list:
    """Return a parameter per solution of every homework."""
    return [
        pytest.param(name, test, code, id=f"{name}-{test}-{title}".replace(" ", "-"))
        for name in SOURCES
        if (SOLUTIONS / f"{name}.py").exists()
        for test, codes in solutions(name)[table].items()
        for title, code in codes.items()
    ]


# ------------------------------------------------------------------ the sources


def test_there_is_homework():
    assert SOURCES


@each_homework
def test_a_source_is_written_as_the_readme_says_and_stored_in_its_normal_form(name: str):
    assert list(tool.find_problems(source(name), name)) == []
    assert SOURCES[name].read_text() == tool.stored(source(name)), "run 'python tools/homework.py store'"


@each_homework
def test_a_source_has_five_to_eight_tasks_and_about_twenty_points_some_of_them_for_words(name: str):
    points = [
        cell.metadata.nbgrader.points
        for cell in source(name).cells
        if "points" in cell.metadata.get("nbgrader", {})
    ]
    headings = [
        line for cell in source(name).cells for line in cell.source.splitlines() if re.match(r"## \d", line)
    ]
    assert [int(line.split()[1]) for line in headings] == list(range(1, len(headings) + 1))
    assert 5 <= len(headings) <= 8
    assert 16 <= sum(points) <= 26
    assert "words" in map(tool.kind, source(name).cells)


@each_homework
def test_every_test_checks_a_task_of_its_name_and_every_task_is_checked(name: str):
    tasks = homework.load(name, 0).tasks
    assert sorted(graded(name)) == sorted(tasks)
    for cell in source(name).cells:
        if tool.kind(cell) == "test":
            assert f'hw.check("{tool.name_of(cell)}", ' in cell.source


@each_homework
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_solutions_pass_the_tests_whatever_the_seed(name: str, seed: int):
    outcome = work(name, tool.with_seed(source(name), seed))
    assert outcome == dict.fromkeys(graded(name))


@each_homework
def test_two_seeds_give_different_numbers_and_one_always_the_same(name: str):
    def text(seed: int) -> str:
        homework.load.cache_clear()
        opened = homework.load(name, seed)
        return repr({key: _leaves(value) for key, value in opened._numbers.items()})

    assert text(1) == text(1)
    assert len({text(seed) for seed in range(5)}) == 5


@each_homework
def test_no_typical_mistake_gives_a_right_answer_by_chance_whatever_the_seed(name: str):
    for seed in SEEDS[::2]:
        opened = homework.load(name, seed)
        n = opened._numbers
        for key, task in opened.tasks.items():
            if isinstance(task, Value):
                assert task.problem(task.right(n), n) is None
                for mistake in task.mistakes:
                    assert task.problem(mistake.value(n), n), f"{key}, seed {seed}: {mistake.hint}"


@each_homework
def test_somebody_who_made_a_mistake_of_the_table_is_told_about_that_one(name: str):
    opened = homework.load(name, 0)
    n = opened._numbers
    for key, task in opened.tasks.items():
        assert not isinstance(task, Value | Function) or len(task.mistakes) >= 4, key
        for mistake in getattr(task, "mistakes", ()):
            if isinstance(task, Value):
                assert mistake.hint in task.problem(mistake.value(n), n), key


# ------------------------------------------------------------------ the given numbers


@each_homework
def test_everything_that_is_given_can_be_shown_and_nothing_else_can(name: str, capsys):
    opened = homework.load(name, 0)
    hidden = [key for key in opened._numbers if key.startswith("_")]
    opened.show()
    shown = capsys.readouterr().out
    assert [line.split()[0] for line in shown.splitlines()] == list(opened)
    assert max(map(len, shown.splitlines())) < 5000
    assert not any(key.startswith("_") for key in opened)
    assert len(opened) == len(list(opened)) == len(opened._numbers) - len(hidden)
    for key in [*hidden, "cruves"]:
        assert key not in opened
        for ask in (opened.__getitem__, opened.show):
            with pytest.raises(KeyError, match=f"gives no '{key}'") as caught:
                ask(key)
            told = str(caught.value).replace(f"'{key}'", "", 1)
            assert not re.search(r"\b_[a-z]", told), told


def test_what_is_given_by_name_is_shown_by_name(capsys):
    homework.load("04-momentum", 0).show("marks")
    assert re.fullmatch(r"marks = \{A: [-\d.]+, B: .*, E: [-\d.]+\}\n", capsys.readouterr().out)


# ------------------------------------------------------------------ what students hand in


@each_homework
def test_there_are_four_wrong_and_three_right_solutions_of_every_task(name: str):
    for test in graded(name):
        assert len(solutions(name)["WRONG"].get(test, ())) >= 4, test
        assert len(solutions(name)["RIGHT"].get(test, ())) >= 3, test


@pytest.mark.parametrize(("name", "test", "code"), of_all("WRONG"))
def test_a_wrong_solution_is_rejected_with_a_hint_that_does_not_tell_the_answer(
    name: str, test: str, code: str
):
    message = work(name, source(name), test, code)[test]
    assert message is not None
    assert message.startswith(f"AnswerError: {test}: ")
    opened = homework.load(name, tool.SITE_SEED)
    task = opened.tasks[test]
    if isinstance(task, Value):
        hint = re.sub(r"got .*?(\. (?=[A-Z])|$)", "", message)
        for leaf in _leaves(task.right(opened._numbers)).values():
            told = {number(leaf, digits) for digits in (4, 5, 6)}
            assert not any(
                re.search(rf"(?<![\d.]){re.escape(t)}(?![\d.])", hint) for t in told if len(t) > 2
            ), hint


@pytest.mark.parametrize(("name", "test", "code"), of_all("RIGHT"))
def test_a_right_solution_is_accepted_however_it_is_written(name: str, test: str, code: str):
    assert work(name, source(name), test, code)[test] is None


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ([1, [2, 3]], "got [1, [2, 3]]; expected 2 numbers"),
        ([[1, 2], [3]], "expected 2 numbers"),
        ([...] * 100_000, "nothing here yet at [0], [1]"),
    ],
)
def test_answers_of_a_strange_shape_are_told_so_in_a_sentence(answer, said: str, capsys):
    opened = homework.load("02-minibatch", 0)
    with pytest.raises(homework.AnswerError, match=re.escape(said)) as caught:
        opened.check("epoch_short", answer)
    assert len(str(caught.value)) < 300
    endless = []
    endless.append(endless)
    with pytest.raises(homework.AnswerError, match="nested without end"):
        opened.check("epoch_short", endless)


@pytest.mark.parametrize("name", [name for name in SOURCES if "tune" in graded(name)])
def test_an_honest_search_finds_what_is_good_enough_with_nearly_every_seed(name: str):
    seeds = SEEDS[::3]
    for title, code in solutions(name)["RIGHT"]["tune"].items():
        namespace = {"np": np}
        execute(textwrap.dedent(code).strip("\n"), f"{name}-{title}.py", namespace)
        problems = {}
        for seed in seeds:
            try:
                homework.load(name, seed).check("tune", namespace["tune"])
            except AnswerError as error:
                problems[seed] = str(error)
        assert len(problems) <= 1, f"{title}: {problems}"


def test_tensors_are_as_good_as_arrays():
    opened = homework.load("02-minibatch", 0)
    right = opened.tasks["epoch_short"].right(opened._numbers)
    opened.check("epoch_short", torch.tensor(right, dtype=torch.float64, requires_grad=True))


@each_homework
def test_a_list_of_a_right_result_is_no_right_result(name: str):
    opened = homework.load(name, 0)
    for key, task in opened.tasks.items():
        if type(task) is not Function or task.rule:
            continue

        def nested(*arguments, right=task.right, **keywords):
            return [right(*arguments, **keywords)]

        with pytest.raises(homework.AnswerError, match=r"expected (a|[0-9])"):
            opened.check(key, nested)


# ------------------------------------------------------------------ the students' copies


def run_all(
    notebook: nbformat.NotebookNode, name: str, monkeypatch: pytest.MonkeyPatch
) -> dict[int, Exception]:
    """Run every code cell but the one that installs, as "Run all" does; return what was raised, by cell."""
    monkeypatch.setattr(builtins, "display", lambda *values: None, raising=False)
    monkeypatch.setattr(plt, "show", lambda: None)
    namespace, raised = {}, {}
    for number_, cell in enumerate(notebook.cells):
        if cell.cell_type == "code" and not is_first_cell(cell.source):
            try:
                execute(cell.source, f"{name}-all-{number_}.py", namespace)
            except Exception as error:
                raised[number_] = error
    plt.close("all")
    return raised


@each_homework
def test_every_cell_of_the_solved_notebook_runs_also_those_that_nobody_grades(name: str, monkeypatch, capsys):
    assert run_all(tool.with_seed(source(name), 3), name, monkeypatch) == {}
    assert "Nothing to show yet" not in capsys.readouterr().out


@each_homework
def test_in_a_copy_as_released_tests_alone_fail_and_a_reward_says_that_there_is_none_yet(
    name: str, monkeypatch, capsys
):
    notebook = tool.release(source(name), 3)
    for number_, error in run_all(notebook, name, monkeypatch).items():
        assert isinstance(error, AnswerError), f"cell {number_}: {type(error).__name__}: {error}"
        assert tool.kind(notebook.cells[number_]) == "test"
        assert "\n" not in str(error)
    shown = [cell for cell in notebook.cells if cell.cell_type == "code" and not tool.kind(cell)]
    rewards = sum(bool(re.search(r"walkthrough|solved", cell.source)) for cell in shown)
    assert capsys.readouterr().out.count("Nothing to show yet: first make ") == rewards >= 1


@each_homework
def test_a_copy_as_released_scores_nothing_and_says_that_nothing_is_there_yet(name: str):
    outcome = work(name, tool.release(source(name), 3))
    assert list(outcome) == graded(name)
    for test, message in outcome.items():
        assert message.startswith(f"AnswerError: {test}: nothing here yet"), message


@each_homework
@pytest.mark.parametrize("seed", [0, 12345])
def test_a_copy_holds_no_line_of_a_solution_and_no_hidden_test(name: str, seed: int):
    text = "\n".join(cell.source for cell in tool.release(source(name), seed).cells)
    assert "BEGIN" not in text
    assert "END" not in text
    lines = {line.strip() for line in text.splitlines()}
    assert f"SEED = {seed}" in lines
    for cell in source(name).cells:
        for secret in tool.secrets(cell):
            assert len(secret.strip()) < 8 or secret.strip() not in lines, secret
        for secret in tool.secrets(cell, {"HIDDEN TESTS"}):
            assert len(secret.strip()) < 8 or secret.strip() not in text, secret


def test_a_copy_that_is_handed_out_names_pages_and_links_to_none(tmp_path: Path):
    assert tool.main(["make", "--to", str(tmp_path / "copies")]) == 0
    assert tool.main(["nbgrader", "--to", str(tmp_path / "course")]) == 0
    made = sorted(tmp_path.rglob("*.ipynb"))
    assert len(made) == 2 * len(SOURCES)
    for path in made:
        text = "\n".join(cell.source for cell in tool.read(path).cells)
        assert re.findall(r"\]\((?!https?://)[^)]*\)", text) == [], path
    text = tool.read(tmp_path / "copies" / "04-momentum.ipynb").cells[0].source
    assert "You need the chapter on momentum (“Momentum”)" in text
    assert "](../04-momentum.ipynb)" in tool.read(tool.SITE / "04-momentum.ipynb").cells[0].source


def test_a_seed_of_twenty_digits_serves_a_class_and_its_students(tmp_path: Path):
    students = tmp_path / "list.csv"
    students.write_text("ann\nbob\n")
    seed = "31415926535897932384"
    for more in ([], ["--students", str(students)]):
        assert tool.main(["make", "--seed", seed, *more, "--to", str(tmp_path / "copies")]) == 0
    texts = {path.parent.name: path.read_text() for path in tmp_path.rglob("04-momentum.ipynb")}
    assert f"SEED = {seed}" in texts["copies"]
    seeds = {name: re.search(r"SEED = (\d+)", text)[1] for name, text in texts.items()}
    assert len(set(seeds.values())) == 3
    assert all(len(seeds[one]) <= 10 for one in ("ann", "bob"))
    assert len(homework.load("04-momentum", int(seed))) == len(homework.load("04-momentum", 0))


def test_the_copies_of_the_site_are_what_the_sources_give():
    assert tool.stale() == [], "run 'make homework'"


def test_a_failed_check_shows_its_message_and_no_lines_of_the_package():
    assert AnswerError("theta: got 1.")._render_traceback_() == ["theta: got 1."]


def test_what_differs_in_the_eighth_digit_is_shown_with_nine_and_the_precision_is_named():
    task = Function(right=lambda x: x / 3, calls=lambda n: [call(0.127)])
    assert task.problem(lambda x: x / 3 * (1 + 5e-8), {}) is None
    message = task.problem(lambda x: x / 3 * (1 + 3e-7), {})
    assert "gives 0.042333346; expected 0.0423333333. That is as near as single precision" in message
    assert task.problem(lambda x: x / 4, {}).endswith("gives 0.03175; expected 0.0423333")


@pytest.mark.parametrize(
    ("name", "test", "title", "said"),
    [
        ("02-minibatch", "descend", "in equal parts", "split into parts of about the same size"),
        ("04-momentum", "step", "PyTorch's first step", "From v = 0 the whole gradient comes in"),
        ("07-adam", "step", "one beta for both", "Both averages forget with beta1"),
        ("08-variants", "adamaxw", "the penalty in the gradient and the decay", "The decay is there twice"),
        ("08-variants", "adamaxw", "the penalty in the average alone", "into the gradient that is averaged"),
        ("10-batch-scaling", "combine", "always scaled to the limit", "also where its own is smaller"),
    ],
)
def test_a_mistake_that_students_make_has_a_hint_of_its_own(name: str, test: str, title: str, said: str):
    assert said in work(name, source(name), test, solutions(name)["WRONG"][test][title])[test]


def one_setting(n):
    def objective(lr):
        if lr < 0:
            raise ValueError(f"got lr={lr}; expected a number, at least 0")
        return abs(lr - 1.0)

    return objective


SEARCH = Search(settings=("lr",), objective=one_setting, budget=3, good=lambda n: 0.1)


def test_a_single_setting_may_be_returned_bare_in_a_list_or_by_name():
    for chosen in (1.0, [1.0], np.array([1.0]), {"lr": 1.0}):
        assert SEARCH.problem(lambda trial, chosen=chosen: chosen, {}) is None
    assert "asked are at most" in SEARCH.problem(lambda trial: 2.0, {})


def test_settings_that_cannot_be_run_are_named_and_not_raised():
    assert SEARCH.problem(lambda trial: -1.0, {}).startswith("lr=-1 can't be run: got lr=-1.0")
