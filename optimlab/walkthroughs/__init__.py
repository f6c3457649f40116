"""The worked examples of the notes: data, computed and judged."""

from __future__ import annotations

from ._error import WalkthroughError
from ._judge import Cell, Judged, Walkthrough
from ._library import get, load

__all__ = ["Cell", "Judged", "Walkthrough", "WalkthroughError", "get", "load"]
