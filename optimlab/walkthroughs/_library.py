"""Finding worked examples: all that ship with the package, or those of a file of one's own."""

from __future__ import annotations

import functools
from collections import ChainMap
from collections.abc import Mapping
from pathlib import Path

from ._error import WalkthroughError, nearest
from ._files import read_file
from ._judge import Walkthrough

FOLDER = Path(__file__).parent


def load(path: str | Path | None = None) -> Mapping[str, Walkthrough]:
    """Return worked examples by id.

    Parameters
    ----------
    path : str or Path, optional
        A data file of one's own, whose expressions may also refer to the examples of the
        package; without it, all examples of the package.

    Returns
    -------
    dict of str to Walkthrough
        In the order of the file names and of the files.

    Raises
    ------
    WalkthroughError
        If a file is missing or invalid.
    """
    if path is None:
        return dict(_shipped())
    own: dict[str, Walkthrough] = {}
    library = ChainMap(own, _Lazy())
    for example in read_file(Path(path)):
        own[example.id] = Walkthrough(example, library)
    return own


def get(identity: str) -> Walkthrough:
    """Return one worked example of the package.

    Parameters
    ----------
    identity : str
        Its id, such as ``"ewa-temperature-beta-0.9"``.

    Returns
    -------
    Walkthrough

    Raises
    ------
    WalkthroughError
        If there is none; the message gives the nearest id.
    """
    known = _shipped()
    if identity not in known:
        raise WalkthroughError(f"there is no example {identity!r}; {nearest(identity, known)}")
    return known[identity]


@functools.cache
def _shipped() -> dict[str, Walkthrough]:
    found: dict[str, Walkthrough] = {}
    for file in sorted(FOLDER.glob("*.yaml")):
        for example in read_file(file):
            if example.id in found:
                other = found[example.id].file
                raise WalkthroughError(
                    f"{file}: example {example.id!r} is in {other} too; give each its own id"
                )
            found[example.id] = Walkthrough(example, found)
    return found


class _Lazy(Mapping):
    """The package's examples, read only when a file of one's own refers to one."""

    def __getitem__(self, identity):
        return _shipped()[identity]

    def __iter__(self):
        return iter(_shipped())

    def __len__(self):
        return len(_shipped())
