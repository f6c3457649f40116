"""What a stored notebook promises, told to nbval: text, compared strictly.

Load it with ``pytest -p nbval_plugin --nbval``. Two things differ from plain nbval:

* Pictures and HTML are not stored, so they are not compared. nbval leaves out PNG and JPEG by itself. Every
  output with HTML has the same facts as text beside it, or ``tools/notebooks.py`` refuses the notebook.
* Cells run with their history stored, as in every notebook front end. Without it IPython does not see the
  semicolon at the end of a cell that keeps the last value from being shown.

A run that holds is not wasted: with ``--executed FOLDER`` it is kept, with all pictures and widgets, in that
folder of jupyter-cache, where the build of the site finds it instead of running the notebook once more.
"""

from __future__ import annotations

import copy
import time
from contextlib import suppress
from pathlib import Path

import pytest
from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionComplete
from nbformat import NotebookNode
from nbval.kernel import RunningKernel
from nbval.plugin import IPyNbFile

NOT_STORED = ("text/html", "image/svg+xml")


class Recorder:
    """What a front end would hold of a run: all outputs, and the state of the widgets."""

    def __init__(self, path: Path, notebook: NotebookNode):
        self.path, self.start = path, time.monotonic()
        self.client = NotebookClient(copy.deepcopy(notebook), record_timing=False)
        self.client.reset_execution_trackers()
        self.client.clear_before_next_output = False
        self.cells = [(i, cell) for i, cell in enumerate(self.client.nb.cells) if cell.cell_type == "code"]
        for _, cell in self.cells:
            cell.outputs, cell.execution_count = [], None
        self.sent: list[str] = []  # the message that ran each of the cells

    def take(self, message: dict) -> None:
        """Take note of what the kernel says about a cell."""
        asked = message["parent_header"].get("msg_id")
        if asked not in self.sent:
            return
        place, cell = self.cells[self.sent.index(asked)]
        with suppress(CellExecutionComplete):
            self.client.process_message(message, cell, place)

    def keep(self, folder: Path) -> None:
        """Put the notebook into the cache, as one that was executed for the site."""
        self.client.set_widgets_metadata()
        bundle = CacheBundleIn(
            self.client.nb, str(self.path), data={"execution_seconds": time.monotonic() - self.start}
        )
        get_cache(folder).cache_notebook_bundle(bundle, check_validity=False, overwrite=True)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--executed", type=Path, metavar="FOLDER", help="keep the runs that hold for the site")


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    folder = session.config.getoption("--executed")
    if folder and exitstatus == 0:
        for file in {item.parent for item in session.items}:
            file.recorder.keep(folder)


def pytest_collectstart(collector: pytest.Collector) -> None:
    if isinstance(collector, IPyNbFile):
        collector.skip_compare += NOT_STORED


set_up = IPyNbFile.setup
get_message = RunningKernel.get_message


def _setup(self: IPyNbFile) -> None:
    set_up(self)
    self.recorder = self.kernel.recorder = Recorder(Path(self.path), self.nb)


def _execute_cell_input(self: RunningKernel, cell_input: str, allow_stdin: bool | None = None) -> str:
    sent = self.kc.execute(cell_input, store_history=True, allow_stdin=allow_stdin, stop_on_error=False)
    self.recorder.sent.append(sent)
    return sent


def _get_message(self: RunningKernel, stream: str, timeout: float | None = None) -> dict:
    message = get_message(self, stream, timeout)
    if stream == "iopub" and hasattr(self, "recorder"):
        self.recorder.take(message)
    return message


IPyNbFile.setup = _setup
RunningKernel.execute_cell_input = _execute_cell_input
RunningKernel.get_message = _get_message
