"""Make the students' copies of the homework: without solutions, without hidden tests, with a seed.

    python tools/homework.py make --seed 7 --to copies             # one copy per chapter, for a class
    python tools/homework.py make --seed 7 --students list.csv --to copies     # one per student
    python tools/homework.py nbgrader --seed 7 --to course         # a course folder for nbgrader
    python tools/homework.py site                                  # chapters/homework/, with the site's seed
    python tools/homework.py store                                 # bring the sources into their normal form
    python tools/homework.py check                                 # say what is wrong with the sources

The sources are ``homework/NN-name.ipynb``; ``homework/README.md`` says how they are written.
"""

from __future__ import annotations

import argparse
import copy
import csv
import hashlib
import io
import re
import sys
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
from cells import assigned, loaded
from nbformat import NotebookNode
from notebooks import FOLDED, METADATA, ROOT, check_first_cell, first_cell, is_first_cell

SOURCES = ROOT / "homework"
SITE = ROOT / "chapters" / "homework"
# The seed of the copies on the site, and the one that the sources hold.
SITE_SEED = 0

CODE_STUB = "# your code here"
TEXT_STUB = "*Your answer here.*"
REGIONS = {"SOLUTION", "HIDDEN TESTS"}
MARK = re.compile(r"^\s*### (BEGIN|END) (SOLUTION|HIDDEN TESTS)\s*$")
# A link to a page of the site, as the sources have it; a copy that is handed out lies elsewhere.
PAGE_LINK = re.compile(r"\[([^\]]+)\]\(\.\./([\w-]+)\.ipynb\)")
SEED_LINE = re.compile(r"^SEED = \d+$", re.MULTILINE)
KEPT_CELL_METADATA = ("tags", "nbgrader")
# What makes a task: the kinds that nbgrader knows, by their flags (grade, solution, locked).
KINDS = {
    (False, False, True): "given",  # text and set-up that students must not change
    (False, True, False): "answer",
    (True, False, True): "test",
    (True, True, False): "words",  # an answer that a person grades
}


class HomeworkError(Exception):
    """A source that cannot be made into a student's copy; the message names it and the cell."""


def sources(folder: Path = SOURCES) -> list[Path]:
    """Return every homework there is."""
    return sorted(folder.glob("[0-9]*.ipynb"))


def read(path: Path) -> NotebookNode:
    """Return a source notebook."""
    return nbformat.reads(path.read_text(encoding="utf-8"), as_version=4)


def kind(cell: NotebookNode) -> str | None:
    """Return what a cell is for: given, answer, test, words; None for one that grading does not know."""
    flags = cell.metadata.get("nbgrader")
    if not flags:
        return None
    return KINDS.get(tuple(bool(flags.get(name)) for name in ("grade", "solution", "locked")))


def name_of(cell: NotebookNode) -> str | None:
    """Return the cell's grade_id."""
    return cell.metadata.get("nbgrader", {}).get("grade_id")


# A student's copy -----------------------------------------------------------------------------


def clear(source: str, stub: str) -> str:
    """Return a cell's text with its solutions replaced by the stub and its hidden tests removed."""
    lines, inside = [], None
    for line in source.splitlines():
        mark = MARK.match(line)
        if mark and mark[1] == "BEGIN":
            inside = mark[2]
            if inside == "SOLUTION":
                lines.append(line[: len(line) - len(line.lstrip())] + stub)
        elif mark:
            inside = None
        elif inside is None:
            lines.append(line)
    return "\n".join(lines)


def secrets(cell: NotebookNode, regions: set[str] = REGIONS) -> list[str]:
    """Return the lines of a cell that no student may see."""
    found, inside = [], None
    for line in cell.source.splitlines():
        mark = MARK.match(line)
        if mark:
            inside = mark[2] if mark[1] == "BEGIN" else None
        elif inside in regions:
            found.append(line)
    return found


def with_seed(notebook: NotebookNode, seed: int) -> NotebookNode:
    """Return a notebook whose given numbers come from this seed."""
    result = copy.deepcopy(notebook)
    for cell in result.cells:
        if name_of(cell) == "setup":
            cell.source = SEED_LINE.sub(f"SEED = {seed}", cell.source)
    return result


def release(notebook: NotebookNode, seed: int) -> NotebookNode:
    """Return a student's copy: without solutions and hidden tests, with the seed.

    Parameters
    ----------
    notebook : NotebookNode
        A source; it stays as it is.
    seed : int
        Of the class, or of one student (see `student_seed`).
    """
    result = with_seed(notebook, seed)
    for cell in result.cells:
        cell.source = clear(cell.source, CODE_STUB if cell.cell_type == "code" else TEXT_STUB)
    return result


def title(page: str) -> str:
    """Return the title of a page of the site."""
    for cell in read(SITE.parent / f"{page}.ipynb").cells:
        for line in cell.source.splitlines():
            if cell.cell_type == "markdown" and line.startswith("# "):
                return line.removeprefix("# ").strip()
    raise HomeworkError(f"chapters/{page}.ipynb has no title")


def without_links(notebook: NotebookNode) -> NotebookNode:
    """Return a notebook that says what the pages are called that it links to, and links to none.

    The site has the pages beside its copy; where else a copy lies, nobody knows.
    """
    result = copy.deepcopy(notebook)
    for cell in result.cells:
        if cell.cell_type == "markdown":
            cell.source = PAGE_LINK.sub(lambda link: f"{link[1]} (“{title(link[2])}”)", cell.source)
    return result


def student_seed(seed: int, student: str) -> int:
    """Return the seed of one student: the same on every machine, and another for every student.

    It keeps answers from being passed on. Who knows one student's seed can find a short seed of the class by
    trying, and with it all others; with 20 digits there are too many to try.
    """
    digest = hashlib.sha256(f"{seed}:{student.strip()}".encode()).digest()
    return int.from_bytes(digest[:4], "big")


def plain(path: Path, seed: int) -> list[dict]:
    """Return the cells of a source as plain data, with what students got: what the judge grades with."""
    source = with_seed(read(path), seed)
    return [
        {
            "what": kind(cell),
            "id": name_of(cell),
            "code": cell.cell_type == "code",
            "source": cell.source,
            "released": copied.source,
            "points": cell.metadata.get("nbgrader", {}).get("points", 0),
        }
        for cell, copied in zip(source.cells, release(source, seed).cells, strict=True)
    ]


def stored(notebook: NotebookNode, **metadata: Any) -> str:
    """Return the file that a notebook without outputs is stored as."""
    result = copy.deepcopy(notebook)
    result.nbformat, result.nbformat_minor = 4, 5
    result.metadata = nbformat.from_dict({**METADATA, **metadata})
    for number, cell in enumerate(result.cells):
        cell.id = f"cell-{number:03d}"
        cell.metadata = nbformat.from_dict(
            {name: cell.metadata[name] for name in KEPT_CELL_METADATA if name in cell.metadata}
        )
        cell.pop("attachments", None)
        cell.source = cell.source.strip("\n")
        if cell.cell_type != "code":
            continue
        cell.outputs, cell.execution_count = [], None
        if is_first_cell(cell.source):
            cell.source = first_cell()
            cell.metadata.update({"tags": ["remove-cell"], **copy.deepcopy(FOLDED)})
    return nbformat.writes(result).rstrip("\n") + "\n"


def site_copy(path: Path) -> str:
    """Return the file of a homework on the site; building the site does not run it."""
    return stored(release(read(path), SITE_SEED), mystnb={"execution_mode": "off"})


# What is wrong with a source ------------------------------------------------------------------


def find_problems(notebook: NotebookNode, name: str) -> Iterator[str]:
    """Yield what is wrong with a source, one line each, naming the homework and the cell."""
    yield from check_first_cell(notebook, name)
    seen: dict[str, str] = {}
    answers: set[str] = set()
    for number, cell in enumerate(notebook.cells):
        flags = cell.metadata.get("nbgrader")
        if not flags:
            if secrets(cell):
                yield f"{name}: cell {number}: secrets in a cell without nbgrader's metadata"
            continue
        grade_id, what = name_of(cell), kind(cell)
        where = f"{name}: cell {number} ({grade_id})"
        if what is None or flags.get("schema_version") != 3 or flags.get("task"):
            yield f"{where}: its metadata are none of {', '.join(KINDS.values())}, with schema_version 3"
            continue
        if not re.fullmatch(r"[A-Za-z]\w*(-\w+)*", grade_id or ""):
            yield f"{where}: a grade_id is a name, such as theta_sum or theta-text"
        if grade_id in seen:
            yield f"{where}: the grade_id is taken"
        seen[grade_id] = what
        points = flags.get("points")
        if flags.get("grade") and not (isinstance(points, int) and points > 0):
            yield f"{where}: points={points!r}; expected a whole number above 0"
        marks = [" ".join(m.groups()) for line in cell.source.splitlines() if (m := MARK.match(line))]
        if [f"END {mark.removeprefix('BEGIN ')}" for mark in marks[::2]] != marks[1::2]:
            yield f"{where}: the marks of its regions do not pair up: {', '.join(marks)}"
        if what in ("answer", "words") and marks != ["BEGIN SOLUTION", "END SOLUTION"]:
            yield f"{where}: expected one solution, between ### BEGIN SOLUTION and ### END SOLUTION"
        if PAGE_LINK.search(cell.source):
            yield f"{where}: a link to a page; put it into a cell without nbgrader's metadata"
        if what in ("given", "test") and "BEGIN SOLUTION" in marks:
            yield f"{where}: a solution in a cell that is locked"
        if what == "answer":
            answers |= assigned(cell.source)
            try:
                open_names = assigned(clear(cell.source, CODE_STUB))
            except SyntaxError as error:
                yield f"{where}: without its solution it does not parse ({error.msg}); add a docstring"
                continue
            if not open_names:
                yield f"{where}: without its solution it assigns no name; write `x = ...` above the solution"
        if what == "given" and cell.cell_type == "code" and (used := loaded(cell.source) & answers):
            yield f"{where}: a locked cell uses {', '.join(used)}, an answer; leave out its metadata"
        if what == "test" and cell.source.count("hw.check(") < 1:
            yield f"{where}: a test has at least one hw.check(...) that students see"
    if seen.get("setup") != "given":
        yield f"{name}: expected a locked cell with the grade_id 'setup'"
    elif len(SEED_LINE.findall("\n".join(c.source for c in notebook.cells if name_of(c) == "setup"))) != 1:
        yield f"{name}: expected one line `SEED = {SITE_SEED}` in the cell 'setup'"


# The commands ---------------------------------------------------------------------------------


def checked(path: Path) -> NotebookNode:
    """Return a source that nothing is wrong with.

    Raises
    ------
    HomeworkError
        Naming everything that is.
    """
    notebook = read(path)
    if problems := list(find_problems(notebook, path.name)):
        raise HomeworkError("\n".join(problems))
    return notebook


def students_in(path: Path) -> list[str]:
    """Return the students of a list: the first column of a CSV file, with or without a heading ``student``.

    Raises
    ------
    HomeworkError
        If it cannot be read, or there is nobody, one twice (also in other capitals), or one whose name
        cannot be a folder.
    """
    try:
        text = unicodedata.normalize("NFC", path.read_bytes().decode("utf-8-sig"))
        found = [
            row[0].strip() for row in csv.reader(io.StringIO(text, newline="")) if row and row[0].strip()
        ]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        why = "not UTF-8" if isinstance(error, UnicodeDecodeError) else getattr(error, "strerror", error)
        raise HomeworkError(
            f"{path}: {why}; expected a CSV file, saved as UTF-8, with a student per line"
        ) from None
    if found and found[0].lower() in {"student", "students", "student id", "student_id", "id", "name"}:
        found = found[1:]
    if bad := [one for one in found if not re.fullmatch(r"[\w@+-][\w@+. -]*", one)]:
        raise HomeworkError(f"{path}: {bad[0]!r} cannot be a folder's name; use letters, digits and . - _ @")
    if twice := {one for one in found if found.count(one) > 1}:
        raise HomeworkError(f"{path}: {', '.join(sorted(twice))} more than once")
    folders = {}
    for one in found:
        if (other := folders.setdefault(one.casefold(), one)) != one:
            raise HomeworkError(
                f"{path}: {other!r} and {one!r} differ in capital letters only; "
                "many disks keep one folder for both"
            )
    if not found:
        raise HomeworkError(f"{path}: nobody stands in the first column")
    return found


def write(path: Path, text: str) -> None:
    """Write a file and the folders above it, if it is not there already."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


def make(to: Path, seed: int, students: Path | None = None) -> int:
    """Write the copies of a class or, with a list, of every student; return how many."""
    count = 0
    for path in sources():
        notebook = checked(path)
        if students is None:
            copies = {to / path.name: seed}
        else:
            copies = {to / one / path.name: student_seed(seed, one) for one in students_in(students)}
        for file, its_seed in copies.items():
            write(file, stored(without_links(release(notebook, its_seed))))
            count += 1
    return count


NBGRADER_CONFIG = f'''\
# What nbgrader needs to know of this course. See "For instructors" on the site.
c = get_config()
c.CourseDirectory.course_id = "optimlab"
c.ClearSolutions.code_stub = {{"python": "{CODE_STUB}"}}
c.ClearSolutions.text_stub = "{TEXT_STUB}"
c.ExecutePreprocessor.timeout = 60
'''


def make_nbgrader(to: Path, seed: int) -> int:
    """Write a course folder for nbgrader: the sources with the seed of the class, and its settings."""
    for path in sources():
        copied = without_links(with_seed(checked(path), seed))
        write(to / "source" / path.stem / path.name, stored(copied))
    write(to / "nbgrader_config.py", NBGRADER_CONFIG)
    return len(sources())


def stale(folder: Path = SITE) -> list[str]:
    """Return which copies of the site are not what their source gives, or have none."""
    made = {path.name: site_copy(path) for path in sources()}
    there = {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.ipynb")}
    return sorted(name for name in made.keys() | there.keys() if made.get(name) != there.get(name))


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    for command, what in {"make": "the students' copies", "nbgrader": "a course folder for nbgrader"}.items():
        one = commands.add_parser(command, help=f"write {what}")
        one.add_argument("--seed", type=int, default=SITE_SEED, help="of the class (default: %(default)s)")
        one.add_argument("--to", type=Path, default=ROOT / "_build" / "homework", help="the folder")
        if command == "make":
            one.add_argument("--students", type=Path, help="a CSV file: every student gets another seed")
    commands.add_parser("site", help="write the copies of the site")
    commands.add_parser("store", help="bring the sources into their normal form")
    commands.add_parser("check", help="say what is wrong with the sources, and change nothing")
    options: Any = parser.parse_args(arguments)
    try:
        if options.command in ("make", "nbgrader") and options.seed < 0:
            raise HomeworkError(f"got seed {options.seed}; expected a whole number, at least 0")
        if options.command == "make":
            print(f"{options.to}: {make(options.to, options.seed, options.students)} copies")
        elif options.command == "nbgrader":
            print(f"{options.to}: {make_nbgrader(options.to, options.seed)} homework notebooks for nbgrader")
        elif options.command == "site":
            for path in sources():
                checked(path)
                write(SITE / path.name, site_copy(path))
            for old in SITE.glob("*.ipynb"):
                if not (SOURCES / old.name).exists():
                    old.unlink()
        elif options.command == "store":
            for path in sources():
                write(path, stored(read(path)))
        else:
            for path in sources():
                checked(path)
            if names := stale():
                raise HomeworkError(f"chapters/homework: {', '.join(names)} stale; run 'make homework'")
    except (HomeworkError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
