"""The Sphinx extension of the course's site.

Jupyter Book turns the chapters into pages; this extension changes four things about that, one module each:

``execution``
    Stored results are dropped when the package or the pinned requirements change.
``widgets``
    Widgets are alive on the static page, without a kernel and without the stock widget manager.
``math``
    Formulas are rendered while the site is built.
``pages``
    A page loads only what it uses: no icon library, no search index, no script of a feature it lacks.
"""

from __future__ import annotations

from typing import Any

from sphinx.application import Sphinx

from . import execution, math, pages, widgets


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the extension with Sphinx."""
    for part in (execution, math, widgets, pages):
        part.setup(app)
    # Chapters hand their widgets over through the environment, which is not merged between processes.
    return {"version": "1", "parallel_read_safe": False, "parallel_write_safe": True}
