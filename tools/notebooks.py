"""Run every chapter again and store it in its normal form; or check that it is stored so.

    python tools/notebooks.py                   # run and store all of chapters/
    python tools/notebooks.py chapters/03*.ipynb
    python tools/notebooks.py --check           # change nothing, say what is wrong

The normal form keeps what a test can compare and a reader of a diff can read: text. Pictures, HTML and the
state of widgets are made again whenever the site is built, so they are not stored. Whatever depends on the
moment or on the machine goes too: timings, random cell ids, the name of the kernel, absolute paths.
"""

from __future__ import annotations

import argparse
import copy
import re
import sys
from pathlib import Path
from typing import Any

import nbformat
import yaml
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbformat import NotebookNode

ROOT = Path(__file__).resolve().parents[1]

# What an output may carry, and what becomes of it. Everything else is refused.
KEPT = {"text/plain", "text/markdown", "text/latex", "application/json"}
DROPPED = {
    "image/png",
    "image/jpeg",
    "image/svg+xml",
    "text/html",
    "application/vnd.jupyter.widget-view+json",
}

# A text that shows nothing: the facts are in the HTML, or it holds an address in memory.
EMPTY_TEXT = re.compile(r"^<IPython\.core\.display\.\w+ object>$|\bat 0x[0-9a-f]+>")

# Marks that make nbval look away.
LAX_TAGS = {"nbval-ignore-output", "nbval-skip", "pytest-validate-ignore-output", "raises-exception"}
LAX_COMMENTS = re.compile(
    r"^\s*#\s*(NBVAL_IGNORE_OUTPUT|NBVAL_SKIP|NBVAL_RAISES_EXCEPTION|PYTEST_VALIDATE_IGNORE_OUTPUT)\b",
    re.MULTILINE,
)

METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
KEPT_CELL_METADATA = {"tags", "mystnb", "nbgrader"}
FOLDED = {"cellView": "form", "jupyter": {"source_hidden": True}}

FIRST_CELL = """\
# On Colab, or wherever optimlab is not installed yet, install it first.
import importlib.util
if importlib.util.find_spec("optimlab") is None:
    %pip install -q "optimlab @ git+{url}\""""
HIDING_TAGS = {"remove-cell", "hide-input", "hide-cell", "remove-input"}


class NotebookError(Exception):
    """A notebook that must not be stored as it is; the message names it and the cell."""


def repository_url(root: Path = ROOT) -> str:
    """Return the repository's address, which is written in ``_config.yml`` and nowhere else."""
    return yaml.safe_load((root / "_config.yml").read_text())["repository"]["url"]


def first_cell(root: Path = ROOT) -> str:
    """Return the source of the cell that every chapter starts with."""
    return FIRST_CELL.format(url=repository_url(root))


def find_errors(notebook: NotebookNode, name: str) -> list[str]:
    """Return what forbids storing a notebook, one line each, naming the notebook and the cell.

    Parameters
    ----------
    notebook : NotebookNode
        The notebook.
    name : str
        What to call it.
    """
    problems = []
    for number, cell in enumerate(notebook.cells):
        where = f"{name}: cell {number}"
        if LAX_TAGS.intersection(cell.metadata.get("tags", [])) or (
            cell.cell_type == "code" and LAX_COMMENTS.search(cell.source)
        ):
            problems.append(f"{where}: a mark that keeps its output from being compared")
        for output in cell.get("outputs", []):
            if output.output_type == "error":
                problems.append(f"{where}: error output {output.ename}: {output.evalue}")
            if output.output_type == "stream" and output.name == "stderr":
                problems.append(f"{where}: text on stderr: {output.text.strip()[:200]}")
            for kind in output.get("data", {}):
                if kind not in KEPT | DROPPED:
                    problems.append(f"{where}: output of the unknown type {kind}")
            text = "".join(output.get("data", {}).get("text/plain", ""))
            if output.output_type in ("execute_result", "display_data") and (
                not KEPT.intersection(output.data)
                or (EMPTY_TEXT.search(text) and not {"text/markdown", "text/latex"}.intersection(output.data))
            ):
                problems.append(f"{where}: an output without a text that can be compared: {text[:80]!r}")
    if not any(cell.cell_type == "code" for cell in notebook.cells):
        problems.append(f"{name}: no code cell; a chapter starts with the one that installs optimlab")
    return problems


def merge_streams(outputs: list[NotebookNode]) -> list[NotebookNode]:
    """Return the outputs with adjacent writes to one stream joined, as they were printed."""
    merged: list[NotebookNode] = []
    for output in outputs:
        last = merged[-1] if merged else None
        if (
            last is not None
            and output.output_type == last.output_type == "stream"
            and output.name == last.name
        ):
            last.text += output.text
        else:
            merged.append(output)
    return merged


def normal_output(output: NotebookNode) -> NotebookNode | None:
    """Return an output without what is not stored, or None when nothing is left."""
    if output.output_type == "stream":
        return output
    output.metadata = NotebookNode()
    output.data = NotebookNode({kind: data for kind, data in output.data.items() if kind in KEPT})
    return output if output.data else None


def normalize(notebook: NotebookNode, url_cell: str) -> NotebookNode:
    """Return a notebook in its normal form; the one given stays as it is.

    Parameters
    ----------
    notebook : NotebookNode
        A notebook that has been run.
    url_cell : str
        The source of the first code cell, see `first_cell`.
    """
    result = copy.deepcopy(notebook)
    result.nbformat, result.nbformat_minor = 4, 5
    result.metadata = nbformat.from_dict(METADATA)
    count = 0
    for number, cell in enumerate(result.cells):
        cell.id = f"cell-{number:03d}"
        cell.metadata = NotebookNode(
            {key: value for key, value in cell.metadata.items() if key in KEPT_CELL_METADATA}
        )
        cell.pop("attachments", None)
        cell.source = cell.source.strip("\n")
        if cell.cell_type != "code":
            continue
        count += 1
        if count == 1 and is_first_cell(cell.source):
            cell.source = url_cell
            if not HIDING_TAGS.intersection(cell.metadata.get("tags", [])):
                cell.metadata["tags"] = [*cell.metadata.get("tags", []), "remove-cell"]
        if HIDING_TAGS.intersection(cell.metadata.get("tags", [])):
            # What the site hides is folded in JupyterLab and on Colab too: the code may hold the answer.
            cell.metadata.update(FOLDED)
        cell.execution_count = count
        outputs = [kept for output in cell.outputs if (kept := normal_output(output)) is not None]
        cell.outputs = merge_streams(outputs)
        for output in cell.outputs:
            if output.output_type == "execute_result":
                output.execution_count = count
    return result


def is_first_cell(source: str) -> bool:
    """Return whether a cell is the one that installs optimlab, whatever address it names."""
    return re.sub(r"git\+[^\"]*", "git+{url}", source).strip() == FIRST_CELL.strip()


def text_of(notebook: NotebookNode) -> str:
    """Return the file that a notebook is stored as, with one newline at its end."""
    return nbformat.writes(notebook).rstrip("\n") + "\n"


def execute(notebook: NotebookNode, folder: Path) -> NotebookNode:
    """Return a notebook after running all of it in a new kernel.

    Parameters
    ----------
    notebook : NotebookNode
        The notebook; it stays as it is.
    folder : Path
        The kernel's working directory.
    """
    result = copy.deepcopy(notebook)
    for cell in result.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    client = NotebookClient(
        result,
        timeout=600,
        kernel_name=METADATA["kernelspec"]["name"],
        resources={"metadata": {"path": str(folder)}},
        store_widget_state=False,
        record_timing=False,
    )
    return client.execute()


def check_first_cell(notebook: NotebookNode, name: str) -> list[str]:
    """Return a line if the first code cell is not the one that every chapter starts with."""
    for cell in notebook.cells:
        if cell.cell_type == "code":
            if is_first_cell(cell.source):
                return []
            break
    return [f"{name}: the first code cell must be\n{FIRST_CELL}"]


def store(path: Path, root: Path = ROOT) -> bool:
    """Run a notebook and store its normal form.

    Returns
    -------
    bool
        Whether the file has changed.

    Raises
    ------
    NotebookError
        If a cell raises an error or writes to stderr. The file stays as it was.
    """
    before = path.read_text()
    notebook = nbformat.reads(before, as_version=4)
    problems = check_first_cell(notebook, path.name)
    if problems:
        raise NotebookError("\n".join(problems))
    # Normalized first, so that what runs is what is stored.
    notebook = normalize(notebook, first_cell(root))
    try:
        notebook = execute(notebook, path.parent)
    except CellExecutionError as error:
        number = next(
            number
            for number, cell in enumerate(notebook.cells)
            if cell.source.strip() and cell.source.strip() in str(error)
        )
        raise NotebookError(f"{path.name}: cell {number}: {error}") from None
    if problems := find_errors(notebook, path.name):
        raise NotebookError("\n".join(problems))
    after = text_of(normalize(notebook, first_cell(root)))
    if after != before:
        path.write_text(after)
    return after != before


def check(path: Path, root: Path = ROOT) -> list[str]:
    """Return what is wrong with a stored notebook, one line each; an empty list if nothing is.

    Parameters
    ----------
    path : Path
        The notebook.
    root : Path
        The repository's root, for the address in its first cell.
    """
    text = path.read_text()
    notebook = nbformat.reads(text, as_version=4)
    problems = find_errors(notebook, path.name) + check_first_cell(notebook, path.name)
    if "widgets" in notebook.metadata:
        problems.append(f"{path.name}: widget state in its metadata")
    for number, cell in enumerate(notebook.cells):
        for output in cell.get("outputs", []):
            for kind in sorted(DROPPED.intersection(output.get("data", {}))):
                problems.append(f"{path.name}: cell {number}: stored {kind}")
        if cell.cell_type == "code" and cell.source.strip() and cell.execution_count is None:
            problems.append(f"{path.name}: cell {number}: has not been run")
    if not problems and text != text_of(normalize(notebook, first_cell(root))):
        problems.append(f"{path.name}: not in its normal form; run 'make notebooks'")
    return problems


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("notebooks", nargs="*", type=Path, help="default: every chapter")
    parser.add_argument("--check", action="store_true", help="change nothing, say what is wrong")
    options: Any = parser.parse_args(arguments)
    paths = options.notebooks or sorted((ROOT / "chapters").glob("*.ipynb"))
    failed = False
    for path in paths:
        try:
            if options.check:
                problems = check(path)
                print("\n".join(problems) or f"{path.name}: ok")
            else:
                problems = []
                print(f"{path.name}: {'stored' if store(path) else 'unchanged'}", flush=True)
        except NotebookError as error:
            problems = [str(error)]
            print(error, file=sys.stderr)
        failed = failed or bool(problems)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
