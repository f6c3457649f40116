"""Write requirements.txt: the exact version of everything that the site and the tests use.

    python tools/lock.py

The versions are those of the environment that runs it. To take a newer one, install it there
(``.venv/bin/pip install -U NAME``), run ``make lock``, then ``make test``.
"""

from __future__ import annotations

import tomllib
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]

HEADER = """\
# The exact versions of everything that the site and the tests use. Written by `make lock`
# from the loose ranges of pyproject.toml; do not edit by hand.
"""


def needed_by(requirements: list[Requirement], extras: set[str]) -> list[Requirement]:
    """Return the requirements that hold on this machine for the given extras."""
    environments = [{"extra": extra} for extra in (extras or {""})]
    return [
        requirement
        for requirement in requirements
        if requirement.marker is None or any(requirement.marker.evaluate(e) for e in environments)
    ]


def closure(direct: list[Requirement]) -> dict[str, str]:
    """Return name to version of the requirements and of everything that those need in turn."""
    versions: dict[str, str] = {}
    seen: set[tuple[str, frozenset[str]]] = set()
    waiting = list(direct)
    while waiting:
        requirement = waiting.pop()
        name = canonicalize_name(requirement.name)
        key = (name, frozenset(requirement.extras))
        if key in seen:
            continue
        seen.add(key)
        try:
            found = distribution(requirement.name)
        except PackageNotFoundError:
            raise SystemExit(
                f"{requirement} is not installed: run 'make setup' or install it first"
            ) from None
        if not requirement.specifier.contains(found.version, prereleases=True):
            raise SystemExit(f"{requirement} is asked for, but {found.version} is installed")
        versions[name] = found.version.partition("+")[0]  # torch's "+cpu" names a build, not a version
        declared = [Requirement(line) for line in found.requires or []]
        waiting += needed_by(declared, set(requirement.extras))
    return versions


def main() -> None:
    """Write the file."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    lines = [
        *project["build-system"]["requires"],
        "editables",  # what hatchling needs to install the checkout itself
        *project["project"]["dependencies"],
        *project["project"]["optional-dependencies"]["dev"],
    ]
    direct = [Requirement(line) for line in lines]
    versions = closure(direct)
    names = sorted({canonicalize_name(requirement.name) for requirement in direct})
    rest = sorted(set(versions) - set(names))
    text = HEADER
    text += "\n# asked for\n" + "".join(f"{name}=={versions[name]}\n" for name in names)
    text += "\n# needed by those\n" + "".join(f"{name}=={versions[name]}\n" for name in rest)
    (ROOT / "requirements.txt").write_text(text)
    print(f"requirements.txt: {len(names)} asked for, {len(rest)} needed by those")


if __name__ == "__main__":
    main()
