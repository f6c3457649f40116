"""A cache of executed chapters that knows about the package.

jupyter-cache runs a notebook again when its own code cells change. What a chapter prints also depends on
the package and on the versions of everything installed, so the cache lives in a folder that is named
after both: change a line of ``optimlab/`` or of ``requirements.txt`` and every chapter runs again.
"""

from __future__ import annotations

import hashlib
import shutil
import sys
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.config import Config

# What lies in the package folder without deciding what a chapter shows.
IGNORED_FOLDERS = {"__pycache__", "node_modules", "js"}


def package_key(root: Path) -> str:
    """Return a short key of everything beside a notebook's own code that decides its outputs.

    Parameters
    ----------
    root : Path
        The repository's root, which holds ``optimlab/`` and ``requirements.txt``.

    Returns
    -------
    str
        Sixteen hexadecimal digits.
    """
    digest = hashlib.sha256(f"python {sys.version_info[:2]}".encode())
    files = [root / "requirements.txt", *(root / "optimlab").rglob("*")]
    for path in sorted(files):
        parts = path.relative_to(root).parts
        if path.is_file() and not IGNORED_FOLDERS.intersection(parts):
            digest.update("/".join(parts).encode() + b"\0")
            digest.update(path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def cache_folder(root: Path) -> Path:
    """Return where the executed chapters of a repository are kept."""
    return root / "_build" / ".jupyter_cache" / package_key(root)


def choose_cache(app: Sphinx, config: Config) -> None:
    """Point jupyter-cache to the folder of the current key, and remove the folders of older keys.

    Sphinx compares this setting between builds, so a new key also makes it read every page again.
    """
    current = cache_folder(Path(app.srcdir))
    for old in current.parent.glob("*"):
        if old != current:
            shutil.rmtree(old) if old.is_dir() else old.unlink()
    config.nb_execution_cache_path = str(current)


def setup(app: Sphinx) -> None:
    """Register with Sphinx."""
    app.connect("config-inited", choose_cache)
