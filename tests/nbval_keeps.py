"""A run of nbval that holds is not wasted: the site is built from it.

Load it with ``pytest -p nbval_plugin -p nbval_keeps --executed FOLDER``. When all cells have passed, the run
is kept, with all pictures and widgets, in that folder of jupyter-cache, where the build of the site finds it
instead of running the notebook once more.
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


set_up = IPyNbFile.setup
execute = RunningKernel.execute_cell_input
get_message = RunningKernel.get_message


def _setup(self: IPyNbFile) -> None:
    set_up(self)
    self.recorder = self.kernel.recorder = Recorder(Path(self.path), self.nb)


def _execute_cell_input(self: RunningKernel, *arguments, **options) -> str:
    sent = execute(self, *arguments, **options)
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
