"""A progress bar for people: on a terminal or in an open notebook, and nowhere else.

Where nobody watches (tests, continuous integration, a notebook that is executed to be stored),
nothing is written. When the work ends, the bar is gone.
"""

from __future__ import annotations

import sys
import time


class Progress:
    """A bar on one line.

    Parameters
    ----------
    total : int
        How many steps there are to make.
    show : bool, default True
        With False nothing is ever shown.
    """

    def __init__(self, total: int, *, show: bool = True):
        self.total = total
        self._write = (_terminal() or _notebook()) if show else None
        self._last = 0.0
        self._shown = False

    def __call__(self, done: int, text: str = "") -> None:
        """Show how far the work is; at most ten times a second."""
        if self._write is None or (now := time.monotonic()) - self._last < 0.1:
            return
        self._last, self._shown = now, True
        filled = 30 * done // self.total
        self._write(f"[{'#' * filled}{'.' * (30 - filled)}] {done}/{self.total} {text}")

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_) -> None:
        if self._shown:
            self._write("")


def _terminal():
    """Return what writes one line over the last on the error stream, if that is a terminal."""
    if sys.stderr is None or not sys.stderr.isatty():
        return None

    def write(line: str) -> None:
        sys.stderr.write(f"\r\x1b[K{line}")  # back to the margin, and clear to the end of the line
        sys.stderr.flush()

    return write


def _notebook():
    """Return what writes one line over the last below the cell, if somebody is at the notebook."""
    if "IPython" not in sys.modules:
        return None
    shell = sys.modules["IPython"].get_ipython()
    # Who executes a notebook to store it (nbclient, nbval) says that it cannot answer questions.
    if not getattr(getattr(shell, "kernel", None), "_allow_stdin", False):
        return None
    from IPython.display import display

    handle = None

    def write(line: str) -> None:
        nonlocal handle
        if handle is None:
            handle = display({"text/plain": line}, raw=True, display_id=True)
        else:
            handle.update({"text/plain": line}, raw=True)

    return write
