"""Which worked examples a folder of pages shows: the ids in ``Walkthrough("...")`` and ``get("...")``."""

from __future__ import annotations

import json
import re
from pathlib import Path

from ._error import WalkthroughError

_SHOWN = re.compile(r"""(?:\bWalkthrough|\bwalkthroughs\.get|(?<![\w.])get)\(\s*["']([^"'\n]+)["']""")


def shown(folder: Path) -> list[tuple[str, str]]:
    """Return (file, id) for every example that a notebook of the folder shows.

    Parameters
    ----------
    folder : Path
        A folder of ``.ipynb`` files, or one such file.

    Returns
    -------
    list of (str, str)

    Raises
    ------
    WalkthroughError
        If the folder does not exist or a notebook cannot be read.
    """
    folder = Path(folder)
    if not folder.exists():
        raise WalkthroughError(f"{folder}: there is no such folder of notebooks")
    found = []
    for file in sorted(folder.glob("*.ipynb")) if folder.is_dir() else [folder]:
        try:
            cells = json.loads(file.read_text(encoding="utf-8"))["cells"]
            sources = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise WalkthroughError(f"{file}: not a notebook: {error!r}") from error
        found += [(str(file), identity) for source in sources for identity in _SHOWN.findall(source)]
    return found
