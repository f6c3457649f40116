"""Run every chapter in a second environment: the lowest supported versions, the package from a git URL.

    python3 tools/lowest.py FOLDER [notebook ...]

What the package itself needs is installed at the lower bounds that pyproject.toml gives (ipywidgets 7.7 is
what Colab ships), everything else as requirements.txt pins it. The package comes from a ``git+file://``
address of this repository, at the last commit, as a reader on Colab installs it; the notebooks are copied
to a folder from which the checkout cannot be imported.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from setup import ROOT, make_environment, say

# What follows the generation of ipywidgets or of numpy has to be free, too.
FREE = {"widgetsnbextension", "jupyterlab-widgets", "scikit-learn", "scipy", "numba", "llvmlite", "contourpy"}
# What the chapters and nbval need beyond the package.
ALSO = ("nbval", "pytest", "ipykernel", "scikit-learn", "numba")


def lowest() -> dict[str, str]:
    """Return the lowest supported version of each direct dependency, by name."""
    text = (ROOT / "pyproject.toml").read_text()
    block = re.search(r"^dependencies = \[\n(.*?)^\]", text, re.MULTILINE | re.DOTALL).group(1)
    return dict(re.findall(r'"([\w-]+)>=([\d.]+)"', block))


def constraints() -> str:
    """Return pip's constraints: the lowest versions, and the pinned ones of all else."""
    versions = lowest()
    name = re.compile(r"[\w.-]+")
    pinned = [
        line
        for line in (ROOT / "requirements.txt").read_text().splitlines()
        if (found := name.match(line)) and found.group().lower() not in versions.keys() | FREE
    ]
    return "\n".join([*pinned, *(f"{name}=={version}" for name, version in versions.items())])


def install(folder: Path) -> None:
    """Make the environment anew when the constraints change, and install the last commit in any case."""
    python, stamp, wanted = folder / "bin" / "python", folder / "optimlab-lowest", constraints()
    pip = [str(python), "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    if not stamp.exists() or stamp.read_text() != wanted:
        shutil.rmtree(folder, ignore_errors=True)
        make_environment(folder)
        say("Installing the lowest supported versions ...")
        listed = folder / "constraints.txt"
        listed.write_text(wanted)
        needed = [f"{name}=={version}" for name, version in lowest().items()]
        torch = [line for line in wanted.splitlines() if line.startswith("torch==")]
        subprocess.run([*pip, "-c", str(listed), *needed, *torch, *ALSO], check=True)
        stamp.write_text(wanted)
    address = f"git+{ROOT.as_uri()}"
    subprocess.run([*pip, "--no-deps", "--force-reinstall", address], check=True)


def run(folder: Path, notebooks: list[Path]) -> int:
    """Run nbval on copies of the notebooks, away from the checkout."""
    python = str((folder / "bin" / "python").absolute())
    with tempfile.TemporaryDirectory() as name:
        there = Path(name)
        for file in [*notebooks, ROOT / "tests" / "nbval_plugin.py"]:
            shutil.copy(file, there)
        code = "import optimlab, numpy, matplotlib, ipywidgets; print(optimlab.__file__)\n"
        code += "print(numpy.__version__, matplotlib.__version__, ipywidgets.__version__)"
        asked = [python, "-c", code]
        told = subprocess.run(asked, cwd=there, check=True, capture_output=True, text=True).stdout
        say(told.strip())
        if str(ROOT / "optimlab") in told:
            sys.exit("the package comes from the checkout; it should come from the git address")
        command = [python, "-m", "pytest", "-p", "nbval_plugin", "-p", "no:cacheprovider", "-q"]
        command += ["--nbval", "--nbval-current-env", "--rootdir", str(there), "-c", os.devnull]
        return subprocess.run([*command, *(file.name for file in notebooks)], cwd=there).returncode


def main() -> int:
    """Run the command line; return the exit status of the tests."""
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    folder = Path(sys.argv[1])
    notebooks = [Path(name) for name in sys.argv[2:]] or sorted((ROOT / "chapters").glob("*.ipynb"))
    try:
        install(folder)
        return run(folder, notebooks)
    except subprocess.CalledProcessError as error:
        sys.exit(f"This command failed: {' '.join(map(str, error.cmd))}")


if __name__ == "__main__":
    sys.exit(main())
