"""Build the site and serve it.

    python tools/book.py build            # _build/html, warnings are errors
    python tools/book.py serve            # http://localhost:8000, or the next free port

Run it with the Python of the virtual environment; ``make book`` does.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import itertools
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
JUPYTER_BOOK = "from jupyter_book.cli.main import main; main()"


class BuildError(Exception):
    """The site could not be built without warnings."""


@contextlib.contextmanager
def only_one(lock: Path) -> Iterator[None]:
    """Let one build at a time work in a folder; a second one waits."""
    try:
        import fcntl
    except ImportError:  # not on Windows
        yield
        return
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def plain(output: str) -> str:
    """Return a program's output without the codes that color it."""
    return re.sub(r"\x1b\[[\d;]*m", "", output)


def complaints(output: str) -> str:
    """Return the warnings and errors of a build's output, or its end if nothing looks like one."""
    lines = output.splitlines()
    found = []
    for number, line in enumerate(lines):
        if re.search(r"\b(WARNING|ERROR|CRITICAL|Exception|Error):", line) and "[IPKernelApp]" not in line:
            found += [line, *itertools.takewhile(lambda after: after[:1].isspace(), lines[number + 1 :])]
    return "\n".join(found or lines[-40:])


def run_logged(command: list[str], folder: Path, log: Path) -> int:
    """Run a command with its output in a file, say when it runs a notebook, and return its exit code.

    The command gets a process group of its own, which is ended with it: should the build be killed, its
    kernels and its formula server must not live on.
    """
    with log.open("w") as writer, log.open(errors="replace") as reader:
        process = subprocess.Popen(
            command, cwd=folder, stdout=writer, stderr=subprocess.STDOUT, start_new_session=True
        )
        try:
            running = True
            while running:
                running = process.poll() is None
                for line in reader:
                    if "Executing notebook" in line or "Executed notebook" in line:
                        text = plain(line).strip().replace(f"{folder}/", "").removesuffix(" [mystnb]")
                        print(f"  {text}", flush=True)
                time.sleep(0.1)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            process.wait()
    return process.returncode


def build(root: Path = ROOT) -> Path:
    """Build the site with every warning an error.

    What has not changed is not built again: chapters run again when their code, the package or the pinned
    requirements change, and pages are written again when one of them is read.

    Parameters
    ----------
    root : Path
        The repository's root, or a copy of it.

    Returns
    -------
    Path
        The folder of the built pages.

    Raises
    ------
    BuildError
        If there was a warning or an error; the message holds all of them.
    """
    command = [sys.executable, "-c", JUPYTER_BOOK, "build", "-W", "-n", "--keep-going", str(root)]
    log = root / "_build" / "build.log"
    with only_one(root / "_build" / ".lock"):
        shutil.rmtree(root / "_build" / "html" / "reports", ignore_errors=True)
        code = run_logged(command, root, log)
        output = plain(log.read_text(errors="replace"))
        if code != 0:
            # Sphinx reports a page's warnings when it reads the page: let the next build read all.
            shutil.rmtree(root / "_build" / ".doctrees", ignore_errors=True)
            reports = (root / "_build" / "html" / "reports").rglob("*.err.log")
            tracebacks = "".join(f"\n{report.stem}: {plain(report.read_text())}" for report in reports)
            raise BuildError(f"{complaints(output)}{tracebacks}\n\nThe whole output is in {log}")
    return root / "_build" / "html"


class _Handler(SimpleHTTPRequestHandler):
    """Serves files silently, with the types that browsers insist on."""

    extensions_map = {  # noqa: RUF012 - the base class declares it so
        **SimpleHTTPRequestHandler.extensions_map,
        ".js": "text/javascript",
        ".svg": "image/svg+xml",
        ".woff2": "font/woff2",
    }

    def log_message(self, format: str, *args: object) -> None:
        pass

    def end_headers(self) -> None:
        self.send_header("Cache-Control", "no-cache")
        super().end_headers()


def make_server(folder: Path, port: int = 0) -> ThreadingHTTPServer:
    """Return a server of the folder on this machine alone, not started yet.

    Parameters
    ----------
    folder : Path
        What to serve.
    port : int
        The port to use, or the next free one of the ten after it; 0 for any free port.
    """
    handler = functools.partial(_Handler, directory=str(folder))
    for candidate in range(port, port + 10) if port else [0]:
        try:
            return ThreadingHTTPServer(("127.0.0.1", candidate), handler)
        except OSError:
            continue
    return ThreadingHTTPServer(("127.0.0.1", 0), handler)


def serve(folder: Path, port: int) -> None:
    """Serve the folder until interrupted, and say where."""
    if not (folder / "index.html").exists():
        sys.exit(f"{folder} holds no site yet: run 'make book'")
    with make_server(folder, port) as server:
        print(
            f"The course is at http://localhost:{server.server_address[1]}/   (Ctrl-C stops it)", flush=True
        )
        with contextlib.suppress(KeyboardInterrupt):
            server.serve_forever()


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("command", choices=["build", "serve"])
    parser.add_argument("--port", type=int, default=8000)
    arguments = parser.parse_args()
    if arguments.command == "build":
        print("Building the site ...", flush=True)
        try:
            folder = build()
        except BuildError as error:
            sys.exit(f"{error}\nThe site was not built: see the warnings above.")
        print(f"Built {folder.relative_to(ROOT)}/index.html")
    else:
        serve(ROOT / "_build" / "html", arguments.port)


if __name__ == "__main__":
    main()
