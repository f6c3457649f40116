"""Set up what the commands need: the virtual environment, and for the tests a browser and a bundler.

    python3 tools/setup.py [--browser] [--bundler] FOLDER

Needs nothing but Python 3.11 or newer. Does nothing when nothing has changed since the last time.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BROWSERS = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)


def say(text: str) -> None:
    """Print a line at once."""
    print(text, flush=True)


def can_install() -> bool:
    """Return whether this is Debian, or a relative of it, and we may install packages."""
    return hasattr(os, "geteuid") and os.geteuid() == 0 and shutil.which("apt-get") is not None


def apt_install(*packages: str) -> None:
    """Install Debian packages."""
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run(["apt-get", "update", "-qq"], env=environment, check=True, stdout=subprocess.DEVNULL)
    command = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages]
    subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)


def find_browser() -> str | None:
    """Return the path of a Chromium: ``$CHROMIUM``, or the first one found."""
    candidates = (os.environ.get("CHROMIUM", ""), *BROWSERS)
    return next((found for name in candidates if name and (found := shutil.which(name))), None)


def ensure_browser() -> None:
    """Install Chromium where that is possible, or say in one line what to do."""
    if find_browser() is not None:
        return
    if not can_install():
        sys.exit("The tests need a browser: install Chromium or Chrome, or set CHROMIUM to its path.")
    say("Installing Chromium ...")
    apt_install("chromium")


def fingerprint() -> str:
    """Return a digest of everything that decides what the environment holds."""
    digest = hashlib.sha256(str(ROOT).encode())
    for name in ("requirements.txt", "pyproject.toml"):
        digest.update((ROOT / name).read_bytes())
    return digest.hexdigest()


def make_environment(folder: Path) -> None:
    """Create the virtual environment."""
    say(f"Creating {folder} ...")
    command = [sys.executable, "-m", "venv", "--clear", str(folder)]
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode == 0:
        return
    if "ensurepip" in result.stdout + result.stderr:
        shutil.rmtree(folder, ignore_errors=True)
        if not can_install():
            sys.exit("Python lacks the module venv: install the package python3-venv.")
        apt_install("python3-venv")
        subprocess.run(command, check=True)
        return
    sys.exit(result.stdout + result.stderr)


def ensure_environment(folder: Path) -> None:
    """Bring the virtual environment up to date with requirements.txt and this checkout."""
    stamp = folder / "optimlab-setup"
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if stamp.exists() and python.exists() and stamp.read_text() == fingerprint():
        return
    if not python.exists():
        make_environment(folder)
    pip = [str(python), "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--no-compile"]
    say("Installing the pinned requirements (the first time takes a few minutes) ...")
    subprocess.run([*pip, "-r", str(ROOT / "requirements.txt")], check=True)
    # The build tools are pinned too, so nothing is fetched for an isolated build.
    subprocess.run([*pip, "--no-deps", "--no-build-isolation", "-e", str(ROOT)], check=True)
    # On every core; what is no Python for this version stays as it is.
    compiling = "compileall.compile_dir(sysconfig.get_path('purelib'), quiet=2, workers=0)"
    subprocess.run([str(python), "-c", f"import compileall, sysconfig; {compiling}"], check=True)
    stamp.write_text(fingerprint())


def ensure_bundler(folder: Path) -> None:
    """Install what bundles the widgets' JavaScript, with the Node of the environment."""
    sources = ROOT / "optimlab" / "widgets" / "js"
    lock = sources / "package-lock.json"
    stamp = sources / "node_modules" / "optimlab-setup"
    if not lock.exists() or (stamp.exists() and stamp.read_text() == lock.read_text()):
        return
    say("Installing what bundles the widgets ...")
    programs = folder.absolute() / ("Scripts" if os.name == "nt" else "bin")
    environment = {**os.environ, "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"}
    command = [str(programs / "npm"), "ci", "--no-audit", "--no-fund", "--silent"]
    subprocess.run(command, cwd=sources, env=environment, check=True)
    stamp.write_text(lock.read_text())


def main() -> None:
    """Run the command line."""
    if sys.version_info < (3, 11):  # noqa: UP036 - this is the check
        sys.exit(f"optimlab needs Python 3.11 or newer; {sys.executable} is {sys.version.split()[0]}.")
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path, help="the virtual environment")
    parser.add_argument("--browser", action="store_true", help="make sure that there is a Chromium too")
    parser.add_argument("--bundler", action="store_true", help="install what bundles the widgets too")
    arguments = parser.parse_args()
    try:
        ensure_environment(arguments.folder)
        if arguments.bundler:
            ensure_bundler(arguments.folder)
        if arguments.browser:
            ensure_browser()
    except subprocess.CalledProcessError as error:
        sys.exit(f"This command failed: {' '.join(map(str, error.cmd))}")


if __name__ == "__main__":
    main()
