"""The values of a worked example as a table: in plain text, and as accessible HTML."""

from __future__ import annotations

import math
from html import escape
from itertools import groupby
from typing import TYPE_CHECKING

from .. import format
from ._figures import read_figure

if TYPE_CHECKING:
    from ._judge import Judged, Walkthrough


def computed(value: Judged) -> str:
    """Write the computed number with two digits more than are printed, and at least six."""
    if not math.isfinite(value.computed):
        return "" if value.verdict == "unchecked" else format.number(value.computed)
    return format.number(value.computed, min(15, max(6, read_figure(value.printed).digits + 2)))


def text(walkthrough: Walkthrough, only: str | None = None) -> str:
    """Write the values as an aligned table; reasons stand below it, numbered.

    Parameters
    ----------
    walkthrough : Walkthrough
        The example.
    only : str, optional
        The one verdict to show.

    Returns
    -------
    str
    """
    reasons: dict[str, int] = {}
    rows, last = [], None
    for value in walkthrough.values:
        if only and value.verdict != only:
            continue
        note = f" [{reasons.setdefault(value.why, len(reasons) + 1)}]" if value.why else ""
        row = value.row if value.row != last else ""
        rows.append([row, value.name, value.printed, computed(value), value.verdict + note])
        last = value.row
    lines = [caption(walkthrough)]
    if walkthrough.convention:
        lines.append(f"Convention: {walkthrough.convention}")
    if rows:
        lines += ["", format.table(["row", "value", "printed", "computed", "verdict"], rows)]
    if reasons:
        lines += ["", *(f"[{number}] {why}" for why, number in reasons.items())]
    return "\n".join(lines)


def caption(walkthrough: Walkthrough) -> str:
    """Write the example's title and where it stands."""
    first, last = walkthrough.lines
    return f"{walkthrough.title} ({walkthrough.id}; {walkthrough.note}, lines {first} to {last})"


def html(walkthrough: Walkthrough) -> str:
    """Write the values as an HTML table with a caption and scoped headers; verdicts are words."""
    lines = [
        '<table class="ol-walkthrough">',
        f"<caption>{escape(caption(walkthrough))}</caption>",
        "<thead><tr>",
    ]
    lines += [
        f'<th scope="col">{name}</th>' for name in ("Row", "Value", "Printed", "Computed", "Verdict", "Why")
    ]
    lines.append("</tr></thead>")
    for row, group in groupby(walkthrough.values, key=lambda value: value.row):
        values = list(group)
        lines.append("<tbody>")
        for i, value in enumerate(values):
            head = f'<th scope="rowgroup" rowspan="{len(values)}">{escape(row)}</th>' if i == 0 else ""
            lines.append(
                f'<tr>{head}<th scope="row">{escape(value.name)}</th><td>{escape(value.printed)}</td>'
                f"<td>{escape(computed(value))}</td>"
                f'<td><span class="ol-verdict ol-{value.verdict}">{value.verdict}</span></td>'
                f"<td>{escape(value.why)}</td></tr>"
            )
        lines.append("</tbody>")
    lines.append("</table>")
    return "\n".join(lines)
