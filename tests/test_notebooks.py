"""The chapters' stored outputs: compared strictly, and stored in their normal form."""

from __future__ import annotations

import copy
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import nbclient
import nbformat
import pytest
from jupyter_cache import get_cache
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from notebooks import NotebookError, check, first_cell, main, normalize, repository_url, store, text_of

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "site"))

from optimlab_site.execution import cache_folder  # noqa: E402

CHAPTERS = sorted((ROOT / "chapters").glob("*.ipynb"))
WIDGETS = "application/vnd.jupyter.widget-state+json"
each_chapter = pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda path: path.stem)


def run_nbval(notebook: Path, folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run nbval strictly on one notebook, in a process of its own."""
    command = [
        *(sys.executable, "-m", "pytest", "-p", "nbval.plugin", "-p", "nbval_plugin"),
        *("-p", "nbval_keeps", "-p", "no:cacheprovider", "--color=no", "--nbval", "--nbval-current-env"),
        *("--rootdir", str(folder), "-c", os.devnull, str(notebook), *options),
    ]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "tests"), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


def example(*cells: NotebookNode) -> NotebookNode:
    """Return a notebook that starts as every chapter does, in its normal form."""
    first = new_code_cell(first_cell(), metadata={"tags": ["remove-cell"]})
    return normalize(new_notebook(cells=[new_markdown_cell("# Title"), first, *cells]), first_cell())


def code(source: str, *outputs: NotebookNode) -> NotebookNode:
    return new_code_cell(source, outputs=list(outputs))


def result(text: str, **others: str) -> NotebookNode:
    data = {"text/plain": text, **{kind.replace("_", "/"): value for kind, value in others.items()}}
    return new_output("execute_result", data=data, execution_count=2)


@pytest.fixture
def write(tmp_path: Path) -> Callable[[NotebookNode], Path]:
    def write_one(notebook: NotebookNode) -> Path:
        path = tmp_path / "example.ipynb"
        path.write_text(text_of(notebook))
        return path

    return write_one


# ------------------------------------------------------------------ the chapters


def test_there_is_a_chapter_to_check():
    assert CHAPTERS


@each_chapter
def test_every_stored_output_is_what_the_chapter_computes(chapter: Path):
    outcome = run_nbval(chapter, chapter.parent, "--executed", str(cache_folder(ROOT)))
    assert outcome.returncode == 0, outcome.stdout[-8000:]
    assert re.search(r"\d+ passed", outcome.stdout)
    assert "skipped" not in outcome.stdout.splitlines()[-1]


@each_chapter
def test_every_chapter_is_stored_in_its_normal_form(chapter: Path):
    assert check(chapter) == []


def test_what_is_kept_of_a_run_is_what_running_it_for_the_site_gives(tmp_path: Path):
    """With its figures and widgets: the site is built from runs that are kept."""
    chapter = tmp_path / "example.ipynb"
    nbformat.write(
        example(
            code("print('a'); print('b')"),
            code("import matplotlib.pyplot as plt\nplt.plot([1, 4, 9]);"),
            code("from IPython.display import Math\nMath('x^2')"),
            code("from optimlab.widgets import Walkthrough\nWalkthrough('momentum-nesterov-vs-standard')"),
        ),
        chapter,
    )
    store(chapter)
    stored = nbformat.read(chapter, as_version=4)
    assert run_nbval(chapter, tmp_path, "--executed", str(tmp_path / "cache")).returncode == 0
    _, kept = get_cache(tmp_path / "cache").merge_match_into_notebook(stored)
    run = nbclient.execute(copy.deepcopy(stored), record_timing=False)
    kinds = {
        kind for cell in run.cells for output in cell.get("outputs", []) for kind in output.get("data", {})
    }
    assert {"image/png", "text/latex", "text/html"} <= kinds

    def without_ids(part) -> str:
        return re.sub(r"[0-9a-f]{32}", "", json.dumps(part, sort_keys=True))

    for one, other in zip(kept.cells, run.cells, strict=True):
        assert without_ids(one.get("outputs")) == without_ids(other.get("outputs"))
    # The models have random names.
    models = [
        sorted(map(without_ids, notebook.metadata.widgets[WIDGETS]["state"].values()))
        for notebook in (kept, run)
    ]
    assert models[0] == models[1]
    assert len(models[0]) > 1


def test_changing_one_digit_of_any_stored_output_is_noticed(tmp_path: Path):
    """Alter one digit in each output of a chapter at once: every such cell has to fail, and no other."""
    chapter = ROOT / "chapters" / "03b-averages-practice.ipynb"
    notebook = nbformat.read(chapter, as_version=4)
    altered = set()
    number = -1
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        number += 1
        for output in cell.outputs:
            if output.output_type == "stream" and (changed := alter_digit(output.text)) != output.text:
                output.text = changed
                altered.add(number)
            for kind, text in output.get("data", {}).items():
                if isinstance(text, str) and (changed := alter_digit(text)) != text:
                    output.data[kind] = changed
                    altered.add(number)
    assert altered, "the chapter stores no number"
    copied = tmp_path / chapter.name
    copied.write_text(text_of(notebook))
    outcome = run_nbval(copied, tmp_path)
    failed = {int(found) for found in re.findall(r"^FAILED .*::Cell (\d+)", outcome.stdout, re.MULTILINE)}
    assert failed == altered


def alter_digit(text: str) -> str:
    """Return a text with its last digit replaced by the next one; without a digit, the text itself."""
    return re.sub(
        r"\d(?=\D*\Z)", lambda match: str((int(match.group()) + 1) % 10), text, count=1, flags=re.DOTALL
    )


# ------------------------------------------------------------------ nbval bites, whatever the chapters hold


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Store an example that prints, returns, draws and shows HTML."""
    path = tmp_path_factory.mktemp("stored") / "example.ipynb"
    figure = "import matplotlib.pyplot as plt\nfig, ax = plt.subplots()\nax.set_xlabel('step');"
    table = (
        "class Table:\n"
        "    def __repr__(self): return 'v 3.25'\n"
        "    def _repr_html_(self): return '<b id=%d>3.25</b>' % id(self)\n"
        "Table()"
    )
    cells = [code("print('v', 0.5)\nprint('w', 0.25)"), code("2.125 * 2"), code(figure), code(table)]
    path.write_text(text_of(example(*cells)))
    assert store(path)
    return path


def test_nbval_passes_an_unaltered_notebook_with_prints_figures_and_html(stored: Path):
    outcome = run_nbval(stored, stored.parent)
    assert outcome.returncode == 0, outcome.stdout[-4000:]


@pytest.mark.parametrize(
    ("right", "wrong"), [("w 0.25", "w 0.26"), ("4.25", "4.35"), ("v 3.25", "v 3.24")], ids=str
)
def test_nbval_fails_a_notebook_with_one_altered_digit(stored: Path, tmp_path: Path, right: str, wrong: str):
    notebook = nbformat.read(stored, as_version=4)
    changes = 0
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if right in output.get("text", ""):
                output.text = output.text.replace(right, wrong)
                changes += 1
            elif output.get("data", {}).get("text/plain") == right:
                output.data["text/plain"] = wrong
                changes += 1
    assert changes == 1
    altered = tmp_path / "altered.ipynb"
    altered.write_text(text_of(notebook))
    outcome = run_nbval(altered, tmp_path)
    assert outcome.returncode == 1
    assert outcome.stdout.count("FAILED") == 1, outcome.stdout[-4000:]


# ------------------------------------------------------------------ what is refused


def test_a_notebook_stored_in_its_normal_form_is_accepted(write):
    assert check(write(example(code("1 + 1", result("2"))))) == []


def with_change(change: Callable[[NotebookNode], object]) -> NotebookNode:
    notebook = example(code("1 + 1", result("2")))
    change(notebook)
    return notebook


def add_data(kind: str) -> Callable[[NotebookNode], object]:
    return lambda notebook: notebook.cells[2].outputs[0].data.update({kind: "AAAA"})


REFUSED = {
    "an error": lambda notebook: notebook.cells[2].outputs.append(
        new_output("error", ename="ValueError", evalue="bad", traceback=[])
    ),
    "a PNG": add_data("image/png"),
    "a JPEG": add_data("image/jpeg"),
    "an SVG": add_data("image/svg+xml"),
    "HTML": add_data("text/html"),
    "a widget's view": add_data("application/vnd.jupyter.widget-view+json"),
    "an unknown type": add_data("application/x-unknown"),
    "widget state": lambda notebook: notebook.metadata.update(
        {"widgets": {"application/vnd.jupyter.widget-state+json": {"state": {}}}}
    ),
    "text on stderr": lambda notebook: notebook.cells[2].outputs.append(
        new_output("stream", name="stderr", text="careful")
    ),
    "an output with HTML only": lambda notebook: (
        notebook.cells[2].outputs[0].data.update({"text/plain": "<IPython.core.display.HTML object>"})
    ),
    "an address in memory": lambda notebook: (
        notebook.cells[2].outputs[0].data.update({"text/plain": "<function f at 0x7f00deadbeef>"})
    ),
    "a mark that makes nbval look away": lambda notebook: notebook.cells[2].metadata.update(
        {"tags": ["nbval-ignore-output"]}
    ),
    "a comment that makes nbval look away": lambda notebook: notebook.cells[2].update(
        {"source": "# NBVAL_IGNORE_OUTPUT\n1 + 1"}
    ),
    "a cell that was not run": lambda notebook: notebook.cells[2].update({"execution_count": None}),
    "a random cell id": lambda notebook: notebook.cells[2].update({"id": "5f3a9c"}),
    "a kernel of one machine": lambda notebook: notebook.metadata.kernelspec.update({"name": "my-env"}),
    "timings": lambda notebook: notebook.cells[2].metadata.update({"execution": {"iopub.status.busy": "1"}}),
    "another first cell": lambda notebook: notebook.cells[1].update({"source": "import optimlab"}),
    "another repository in its first cell": lambda notebook: notebook.cells[1].update(
        {"source": notebook.cells[1].source.replace(repository_url(), "https://example.org/fork")}
    ),
}


@pytest.mark.parametrize("change", REFUSED.values(), ids=REFUSED.keys())
def test_the_check_refuses_a_notebook_stored_with(write, capsys, change):
    path = write(with_change(change))
    assert main(["--check", str(path)]) == 1
    assert "example.ipynb" in capsys.readouterr().out


def test_two_blank_lines_at_the_end_of_the_file_are_refused(write):
    path = write(example(code("1 + 1", result("2"))))
    path.write_text(path.read_text() + "\n")
    assert check(path) == ["example.ipynb: not in its normal form; run 'make notebooks'"]


def test_a_chapter_that_raises_is_not_stored_and_the_message_names_the_cell(write, capsys):
    path = write(example(code("x = 1"), code("x / 0")))
    before = path.read_text()
    assert main([str(path)]) == 1
    assert path.read_text() == before
    message = capsys.readouterr().err
    assert "example.ipynb: cell 3" in message
    assert "ZeroDivisionError" in message


def test_a_chapter_that_writes_to_stderr_is_not_stored(write):
    path = write(example(code("import sys\nprint('careful', file=sys.stderr)")))
    before = path.read_text()
    with pytest.raises(NotebookError, match="cell 2: text on stderr: careful"):
        store(path)
    assert path.read_text() == before


# ------------------------------------------------------------------ normalizing


def test_storing_a_notebook_twice_gives_the_same_bytes(stored: Path):
    first = stored.read_bytes()
    assert not store(stored)
    assert stored.read_bytes() == first
    assert check(stored) == []


def test_normalizing_a_normal_notebook_changes_nothing(stored: Path):
    notebook = nbformat.read(stored, as_version=4)
    assert text_of(normalize(notebook, first_cell())) == stored.read_text()


def test_normalizing_leaves_the_notebook_it_was_given_as_it_was():
    notebook = with_change(add_data("image/png"))
    before = copy.deepcopy(notebook)
    normalize(notebook, first_cell())
    assert notebook == before


def test_adjacent_writes_to_one_stream_are_joined_and_others_keep_their_order():
    def stream(text: str) -> NotebookNode:
        return new_output("stream", name="stdout", text=text)

    notebook = example(code("...", stream("a\n"), stream("b\n"), result("1"), stream("c\n")))
    outputs = notebook.cells[2].outputs
    assert [output.get("text", output.get("data")) for output in outputs] == [
        "a\nb\n",
        {"text/plain": "1"},
        "c\n",
    ]


def test_the_first_cell_gets_the_address_of_the_configuration(write):
    notebook = example()
    notebook.cells[1].source = notebook.cells[1].source.replace(repository_url(), "https://example.org/old")
    path = write(notebook)
    store(path)
    assert nbformat.read(path, as_version=4).cells[1].source == first_cell()
    assert f"git+{repository_url()}" in first_cell()
