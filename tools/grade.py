"""Grade a folder of notebooks: a CSV file with the points, and feedback for every student.

    python tools/grade.py submitted --seed 7 --to graded
    python tools/grade.py submitted --seed 7 --students list.csv     # every student has numbers of their own

Notebooks are found wherever they lie in the folder: ``<student>/04-momentum.ipynb``, as nbgrader collects
them; ``04-momentum-<student>.ipynb``; or under any name, by the cells in them. Only answers are taken from a
submission. Tests come from the source in ``homework/``, and each submission runs in processes of its own.
What that keeps apart, and what it doesn't, is said on the page "For instructors".
"""

from __future__ import annotations

import argparse
import collections
import concurrent.futures
import csv
import html
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import homework as tool

ROOT = tool.ROOT
JUDGE = ROOT / "tools" / "grading" / "judge.py"
LARGEST = 20 * 2**20  # bytes of a notebook
UNKNOWN = "unknown"


@dataclass
class Submission:
    """One notebook that was handed in, and what became of it."""

    path: Path
    student: str
    assignment: str | None = None
    cells: list[dict] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    points: dict[str, tuple[int, int, str | None]] = field(default_factory=dict)  # got, of, message
    words: dict[str, tuple[str, int]] = field(default_factory=dict)  # text, of
    contained: dict | None = None


# What was handed in ---------------------------------------------------------------------------


def find(
    folder: Path, assignments: dict[str, set[str]], listed: Collection[str] | None = None
) -> list[Submission]:
    """Return every notebook in a folder, read as far as it can be read.

    Parameters
    ----------
    folder : Path
        What was collected.
    assignments : dict of str to set of str
        The grade_ids of each homework, by its name.
    listed : collection of str, optional
        The students, where there is a list of them.
    """
    found = []
    for path in sorted(folder.rglob("*.ipynb")):
        inner = path.relative_to(folder)
        if any(part.startswith(".") for part in inner.parts):
            continue
        named, student = _by_name(inner, assignments, listed)
        one = Submission(path, student)
        found.append(one)
        if path.is_symlink() or not path.is_file():
            one.remarks.append("not a file of its own; not graded")
            continue
        try:
            one.cells = read(path)
        except ValueError as error:
            one.assignment = named
            one.remarks.append(f"{error}; not graded")
            continue
        ids = {cell["id"] for cell in one.cells if cell["id"]}
        counts = {name: len(ids & known) for name, known in assignments.items()}
        # A few grade_ids, such as "setup" and "words", are in every homework.
        best = max(counts, key=counts.get, default=None)
        if best is not None and counts[best] <= max(2, len(assignments[best]) // 4):
            best = None
        one.assignment = named if named and counts[named] >= counts.get(best, 0) else best or named
        if named and best and one.assignment != named:
            one.remarks.append(f"called {named}, but its cells are those of {best}")
        if one.assignment is None:
            one.remarks.append("no homework that we know; not graded")
        elif not counts[one.assignment]:
            one.remarks.append(f"none of its cells belongs to {one.assignment}")
    together = collections.Counter((one.student, one.assignment) for one in found)
    for one in found:
        if together[one.student, one.assignment] > 1 and one.assignment:
            one.remarks.append("handed in more than once")
    return found


def _by_name(
    path: Path, assignments: dict[str, set[str]], listed: Collection[str] | None
) -> tuple[str | None, str]:
    """Return which homework and whose a path within the folder says that it is.

    The student is one of the list, if there is one; otherwise the outermost folder that is not called like
    a homework, and without such a folder what the file's name says.
    """
    # "04-momentum (1)" and "04-momentum-Copy1" are what browsers and Jupyter make of a name that is taken.
    stem = unicodedata.normalize("NFC", re.sub(r"(?: ?\(\d+\)|-Copy\d+)+$", "", path.stem))
    persons = [unicodedata.normalize("NFC", part) for part in path.parts[:-1] if part not in assignments]
    for name in sorted(assignments, key=len, reverse=True):
        if stem == name:
            break
        if match := re.fullmatch(rf"(?:{name}[-_ ]+(.+)|(.+?)[-_ ]+{name})", stem):
            persons.append(match[1] or match[2])
            break
    else:
        name = None
        persons.append(stem)
    known = [one for one in persons if one in (listed or ())]
    return name, [*known, *persons, UNKNOWN][0]


def read(path: Path) -> list[dict]:
    """Return a notebook's cells as plain texts: kind, id and source. Nothing else in it is looked at.

    Raises
    ------
    ValueError
        Naming what keeps it from being read.
    """
    if path.stat().st_size > LARGEST:
        raise ValueError(f"larger than {LARGEST // 2**20} megabytes")
    try:
        notebook = json.loads(path.read_bytes())
    except (ValueError, RecursionError, OSError):
        raise ValueError("cannot be read as a notebook") from None
    cells = notebook.get("cells") if isinstance(notebook, dict) else None
    if not isinstance(cells, list):
        raise ValueError("not a notebook of version 4")
    result = []
    for cell in cells:
        if not isinstance(cell, dict):
            continue
        source = cell.get("source", "")
        source = "".join(map(str, source)) if isinstance(source, list) else str(source)
        metadata = cell.get("metadata")
        flags = metadata.get("nbgrader") if isinstance(metadata, dict) else None
        grade_id = flags.get("grade_id") if isinstance(flags, dict) else None
        kind = "code" if cell.get("cell_type") == "code" else "markdown"
        result.append({"kind": kind, "id": grade_id if isinstance(grade_id, str) else None, "source": source})
    return result


# Grading --------------------------------------------------------------------------------------


def judge(one: Submission, source: Path, seed: int, limits: dict) -> None:
    """Let a judge grade a submission, and write down what it says.

    Parameters
    ----------
    one : Submission
        It takes the results.
    source : Path
        The homework with its solutions and tests.
    seed : int
        The seed that the submission has to have.
    limits : dict
        ``cell`` and ``total`` in seconds, ``memory`` in bytes.
    """
    cells = tool.plain(source, seed)
    for cell in cells:  # what is not heard of stays at zero
        if cell["what"] == "test":
            one.points[cell["id"]] = (0, cell["points"], "not reached")
    with tempfile.TemporaryDirectory(prefix="grading-", ignore_cleanup_errors=True) as folder:
        job = {"assignment": source.stem, "source": cells, "cells": one.cells}
        job |= {"limits": limits, "folder": folder}
        process = subprocess.Popen(
            [sys.executable, "-I", str(JUDGE)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        )
        late = threading.Timer(limits["total"], lambda: os.killpg(process.pid, signal.SIGKILL))
        late.start()
        try:
            output, errors = process.communicate(json.dumps(job).encode())
        finally:
            late.cancel()
    ended = False
    for line in output.decode(errors="replace").splitlines():
        try:
            said = json.loads(line)
        except ValueError:
            continue  # cut off in the middle
        if "task" in said:
            one.points[said["task"]] = (said["points"], said["of"], said["message"])
        elif "words" in said:
            one.words[said["words"]] = (said["text"], said["of"])
        elif "remark" in said:
            one.remarks.append(said["remark"])
        elif "contained" in said:
            one.contained = said["contained"]
        ended = ended or "end" in said
    if not ended:
        if process.returncode == -signal.SIGKILL:
            one.remarks.append(f"stopped after {limits['total']:g} seconds in all")
        else:
            last = errors.decode(errors="replace").strip().splitlines()[-1:]
            one.remarks.append(f"the grader itself failed: {' '.join(last)[:300]}")


class Bar:
    """A progress bar on the error stream: one line, written over, on a terminal; nothing elsewhere."""

    def __init__(self, total: int):
        self.total, self.done = total, 0
        self.show = sys.stderr.isatty()

    def step(self, text: str) -> None:
        """Count one more and say which."""
        self.done += 1
        if self.show:
            filled = 30 * self.done // self.total
            bar = f"[{'#' * filled}{'.' * (30 - filled)}] {self.done}/{self.total} {text[:40]}"
            print(f"\r\x1b[K{bar}", end="" if self.done < self.total else "\n", file=sys.stderr, flush=True)


def grade(
    folder: Path, to: Path, seed: int, students: Path | None, limits: dict, jobs: int
) -> list[Submission]:
    """Grade every notebook in a folder and write the results.

    Parameters
    ----------
    folder, to : Path
        What was collected, and where the results go.
    seed : int
        Of the class.
    students : Path, optional
        The list of students, if each has a seed of their own.
    limits : dict
        See `judge`.
    jobs : int
        How many submissions are graded at a time.
    """
    sources = {path.stem: path for path in tool.sources()}
    ids = {name: {tool.name_of(c) for c in tool.read(p).cells if tool.kind(c)} for name, p in sources.items()}
    listed = tool.students_in(students) if students else None
    found = find(folder, ids, listed)
    if not found:
        raise tool.HomeworkError(
            f"{folder} holds no notebook; expected files such as {folder / 'ann' / '04-momentum.ipynb'}"
        )
    todo = [one for one in found if one.assignment and one.cells]
    bar = Bar(len(todo))

    def work(one: Submission) -> None:
        its_seed = seed
        if listed is not None:
            its_seed = tool.student_seed(seed, one.student)
            if one.student not in listed:
                one.remarks.append("not in the list of students")
        try:
            judge(one, sources[one.assignment], its_seed, limits)
        except Exception as error:  # one submission must not end the others
            one.remarks.append(f"the grader itself failed: {type(error).__name__}: {error}")
        bar.step(one.student)

    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        list(pool.map(work, todo))
    if listed is not None:
        there = {(one.student, one.assignment) for one in found}
        handed_in = {one.assignment for one in found if one.assignment}
        found += [
            Submission(Path(), student, name, remarks=["nothing handed in"])
            for name in sorted(handed_in)
            for student in listed
            if (student, name) not in there
        ]
    write(found, to, folder)
    return found


# Results --------------------------------------------------------------------------------------


def write(found: list[Submission], to: Path, folder: Path) -> None:
    """Write the CSV file, the feedback and the sheets for what a person grades."""
    to.mkdir(parents=True, exist_ok=True)
    columns: dict[str, None] = {}
    for one in sorted(found, key=lambda one: one.assignment or ""):
        columns |= dict.fromkeys(f"{one.assignment}/{task}" for task in one.points)
        columns |= dict.fromkeys(f"{one.assignment}/{name} (by hand)" for name in one.words)
    head = ["student", "assignment", "total", "of", "by hand", *columns, "remarks", "file"]
    # Names of files and texts may hold what no encoding has.
    with (to / "grades.csv").open("w", newline="", encoding="utf-8", errors="replace") as file:
        writer = csv.DictWriter(file, head, restval="")
        writer.writeheader()
        for one in found:
            row = {f"{one.assignment}/{task}": got for task, (got, _, _) in one.points.items()}
            total = sum(got for got, _, _ in one.points.values()) if one.points else ""
            row |= {"student": one.student, "assignment": one.assignment or "", "total": total}
            row |= {"of": sum(of for _, of, _ in one.points.values()) or ""}
            row |= {"by hand": sum(of for _, of in one.words.values()) or ""}
            row |= {"remarks": "; ".join(one.remarks), "file": _inner(one, folder)}
            writer.writerow({key: _harmless(value) for key, value in row.items()})
    taken = collections.Counter()
    for one in found:
        name = one.assignment or one.path.stem
        person = _file_name(one.student)
        taken[person, name] += 1
        nth = taken[person, name]
        page = to / "feedback" / person / f"{_file_name(name)}{f'-{nth}' if nth > 1 else ''}.html"
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(feedback(one), encoding="utf-8", errors="replace")
    for name in sorted({one.assignment for one in found if one.words}):
        sheet = to / "by-hand" / f"{name}.html"
        sheet.parent.mkdir(parents=True, exist_ok=True)
        answers = by_hand(name, [one for one in found if one.assignment == name])
        sheet.write_text(answers, encoding="utf-8", errors="replace")


def _inner(one: Submission, folder: Path) -> str:
    return one.path.relative_to(folder).as_posix() if one.path.name else ""


def _harmless(value: object) -> object:
    """Return a cell that a spreadsheet does not take for a formula."""
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t") else value


def _file_name(text: str) -> str:
    return re.sub(r"[^\w@+. -]", "_", text).strip(". ") or UNKNOWN


PAGE = """\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>
  body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 46rem; margin: 2rem auto; padding: 0 1rem }}
  pre {{ white-space: pre-wrap; overflow-wrap: anywhere; margin: 0; font: inherit }}
  td, th {{ text-align: left; vertical-align: top; padding: .4rem .8rem .4rem 0 }}
</style>
<h1>{title}</h1>
{body}
"""


def feedback(one: Submission) -> str:
    """Return the page for a student."""
    rows = []
    for task, (got, of, message) in one.points.items():
        said = html.escape(message or "right")
        rows.append(f"<tr><td>{html.escape(task)}<td>{got}/{of}<td><pre>{said}</pre>")
    for name, (_, of) in one.words.items():
        rows.append(f"<tr><td>{html.escape(name)}<td>–/{of}<td>to be graded by hand")
    got, of = (sum(value[i] for value in one.points.values()) for i in (0, 1))
    body = f"<p>{html.escape(one.student)}: {got} of {of} points by the tests.</p>\n"
    if rows:
        body += f"<table>\n<tr><th>task<th>points<th>what the test says\n{chr(10).join(rows)}\n</table>\n"
    if one.remarks:
        body += "<h2>Remarks</h2>\n<ul>\n"
        body += "".join(f"<li>{html.escape(remark)}\n" for remark in one.remarks) + "</ul>\n"
    return PAGE.format(title=html.escape(f"Homework {one.assignment or one.path.name}"), body=body)


def by_hand(name: str, found: list[Submission]) -> str:
    """Return the page for graders: the rubric, then every answer in words."""
    body = ""
    for cell in tool.read(tool.SOURCES / f"{name}.ipynb").cells:
        if tool.kind(cell) != "words":
            continue
        grade_id = tool.name_of(cell)
        rubric = "\n".join(tool.secrets(cell)).strip()
        body += (
            f"<h2>{grade_id}: {cell.metadata.nbgrader.points} points</h2>\n<pre>{html.escape(rubric)}</pre>\n"
        )
        for one in found:
            text = one.words.get(grade_id, ("", 0))[0].strip()
            empty = text in ("", tool.TEXT_STUB)
            body += f"<h3>{html.escape(one.student)}</h3>\n"
            body += f"<pre>{'(no answer)' if empty else html.escape(text)}</pre>\n"
    return PAGE.format(title=f"Homework {name}: to be graded by hand", body=body)


def containment(found: list[Submission]) -> str:
    """Return a sentence on what the kernel kept apart, as far as the student's processes reported it."""
    said = [one.contained for one in found if one.contained]
    if not said:
        return "Nothing was run."
    alone, version = all(one["alone"] for one in said), min(one["landlock"] for one in said)
    if alone and version:
        return f"The kernel kept them from the network, other processes and files (Landlock {version})."
    missing = [*([] if alone else ["the network and other processes"]), *([] if version else ["files"])]
    return (
        f"The kernel did not keep them from {' and '.join(missing)}; only Python's audit hook did. "
        "Grade in a container: see 'For instructors'."
    )


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("submitted", help="the folder with the notebooks")
    parser.add_argument(
        "--seed", type=int, default=tool.SITE_SEED, help="of the class (default: %(default)s)"
    )
    parser.add_argument("--students", type=Path, help="the CSV file with which the copies were made")
    parser.add_argument(
        "--to", type=Path, default=ROOT / "_build" / "graded", help="the folder for the results"
    )
    parser.add_argument("--cell", type=float, default=20, help="seconds for a cell or a call (default: 20)")
    parser.add_argument("--total", type=float, default=300, help="seconds for a submission (default: 300)")
    parser.add_argument("--memory", type=int, default=2048, help="megabytes for a submission (default: 2048)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="submissions at a time")
    options: Any = parser.parse_args(arguments)
    if not options.submitted or not Path(options.submitted).is_dir():
        print(
            f"got {options.submitted!r}; expected a folder of notebooks: make grade SUBMITTED=folder",
            file=sys.stderr,
        )
        return 1
    for name, least in {"seed": 0, "cell": 0.1, "total": 1, "memory": 256, "jobs": 1}.items():
        if not getattr(options, name) >= least:
            print(f"got --{name} {getattr(options, name)}; expected at least {least}", file=sys.stderr)
            return 1
    limits = {"cell": options.cell, "total": options.total, "memory": options.memory * 2**20}
    try:
        found = grade(
            Path(options.submitted), options.to, options.seed, options.students, limits, options.jobs
        )
    except (tool.HomeworkError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{len(found)} submissions graded: {options.to / 'grades.csv'}")
    remarked = sum(bool(one.remarks) for one in found)
    print(f"{remarked} with remarks. {containment(found)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
