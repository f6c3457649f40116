"""The homework in nbgrader itself: its release is ours, and it gives the points that ours gives."""

from __future__ import annotations

import copy
import csv
import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbgrader.preprocessors import CheckCellMetadata, ClearHiddenTests, ClearSolutions, LockCells
from traitlets.config import Config

import homework as tool

NAME = "04-momentum"
SEED = 7
each_homework = pytest.mark.parametrize("path", tool.sources(), ids=lambda path: path.stem)


def settings() -> Config:
    """Return the settings of nbgrader that a course folder is made with."""
    config = Config()
    exec(tool.NBGRADER_CONFIG, {"get_config": lambda: config})
    return config


@each_homework
def test_nbgrader_takes_the_source_and_releases_what_we_release(path: Path):
    notebook, resources = copy.deepcopy(tool.read(path)), {}
    for step in (CheckCellMetadata, ClearSolutions, ClearHiddenTests, LockCells):
        notebook, resources = step(config=settings()).preprocess(notebook, resources)
    ours = tool.release(tool.read(path), tool.SITE_SEED)
    assert [cell.source for cell in notebook.cells] == [cell.source for cell in ours.cells]
    locked = [tool.kind(cell) for cell in notebook.cells if cell.metadata.get("editable") is False]
    assert set(locked) == {"given", "test"}


@each_homework
def test_every_cell_passes_nbgraders_own_schema(path: Path):
    from nbgrader.nbgraderformat import MetadataValidator

    MetadataValidator().validate_nb(tool.read(path))


def nbgrader(folder: Path, *arguments: str) -> None:
    """Run nbgrader in a course folder."""
    programs = str(Path(sys.executable).parent)  # it calls alembic by its name
    environment = {**os.environ, "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"}
    command = [sys.executable, "-m", "nbgrader", *arguments]
    outcome = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr


def test_nbgrader_gives_the_solution_all_points_of_the_tests_and_an_empty_copy_none(tmp_path: Path):
    assert tool.main(["nbgrader", "--seed", str(SEED), "--to", str(tmp_path)]) == 0
    for other in (tmp_path / "source").iterdir():
        if other.name != NAME:
            shutil.rmtree(other)
    nbgrader(tmp_path, "generate_assignment", NAME)
    released = tmp_path / "release" / NAME / f"{NAME}.ipynb"
    text = "\n".join(cell.source for cell in nbformat.read(released, as_version=4).cells)
    assert f"SEED = {SEED}" in text
    assert "BEGIN" not in text
    handed_in = {"right": tmp_path / "source" / NAME / f"{NAME}.ipynb", "empty": released}
    for student, path in handed_in.items():
        folder = tmp_path / "submitted" / student / NAME
        folder.mkdir(parents=True)
        shutil.copy(path, folder / f"{NAME}.ipynb")
    nbgrader(tmp_path, "autograde", NAME)
    nbgrader(tmp_path, "export", "--to", "grades.csv")
    with (tmp_path / "grades.csv").open(newline="") as file:
        scores = {row["student_id"]: float(row["score"]) for row in csv.DictReader(file)}
    points = {"test": 0, "words": 0}
    for cell in tool.read(tool.SOURCES / f"{NAME}.ipynb").cells:
        if tool.kind(cell) in points:
            points[tool.kind(cell)] += cell.metadata.nbgrader.points
    assert scores == {"right": points["test"], "empty": 0}
    assert points["words"] > 0
