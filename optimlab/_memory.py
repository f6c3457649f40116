"""Results kept from one process to the next, for those who ask for it.

Some results take seconds, and the pages, their tests and the commands all need them. Where the environment
variable ``OPTIMLAB_MEMORY`` names a folder, each is computed once there. The name of a result holds a digest
of the whole package and of the versions of what it computes with, so nothing outlives the code that made it.
"""

from __future__ import annotations

import functools
import hashlib
import os
import pickle
import sys
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

PACKAGE = Path(__file__).parent


@functools.cache
def _code() -> str:
    digest = hashlib.sha256(sys.version.encode())
    for name in ("numpy", "torch", "scikit-learn"):
        try:
            digest.update(f"{name} {version(name)}".encode())
        except PackageNotFoundError:
            digest.update(f"no {name}".encode())
    for file in sorted([*PACKAGE.rglob("*.py"), *PACKAGE.rglob("*.yaml")]):
        digest.update(file.relative_to(PACKAGE).as_posix().encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()


def remembered(name: str, compute: Callable[[], Any]) -> Any:
    """Return what `compute` gives; from the folder, where there is one and an equal call left it there.

    Parameters
    ----------
    name : str
        What is computed, with all arguments: equal names have equal results.
    compute : callable
        Computes it. What it raises is not kept.
    """
    folder = os.environ.get("OPTIMLAB_MEMORY")
    if not folder:
        return compute()
    file = Path(folder) / (hashlib.sha256(f"{_code()} {name}".encode()).hexdigest()[:32] + ".pickle")
    try:
        return pickle.loads(file.read_bytes())
    except Exception:  # absent or damaged
        pass
    result = compute()
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_suffix(f".{os.getpid()}")
    part.write_bytes(pickle.dumps(result))
    part.replace(file)  # at once, so that no other process reads half of it
    return result
