"""What a stored notebook promises, told to nbval: text, compared strictly.

Load it with ``pytest -p nbval_plugin --nbval``. Two things differ from plain nbval:

* Pictures and HTML are not stored, so they are not compared. nbval leaves out PNG and JPEG by itself. Every
  output with HTML has the same facts as text beside it, or ``tools/notebooks.py`` refuses the notebook.
* Cells run with their history stored, as in every notebook front end. Without it IPython does not see the
  semicolon at the end of a cell that keeps the last value from being shown.
"""

from __future__ import annotations

import pytest
from nbval.kernel import RunningKernel
from nbval.plugin import IPyNbFile

NOT_STORED = ("text/html", "image/svg+xml")


def pytest_collectstart(collector: pytest.Collector) -> None:
    if isinstance(collector, IPyNbFile):
        collector.skip_compare += NOT_STORED


def _execute_cell_input(self: RunningKernel, cell_input: str, allow_stdin: bool | None = None) -> str:
    return self.kc.execute(cell_input, store_history=True, allow_stdin=allow_stdin, stop_on_error=False)


RunningKernel.execute_cell_input = _execute_cell_input
