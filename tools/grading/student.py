"""The process that runs a student's cells: `judge` starts it, and asks it over a socket.

    run    run a cell                               -> done, or an error
    get    the values of some names                 -> values
    call   a function that was among those values   -> a value, or an error

While a function runs it may ask back, where an argument was a function of the judge's.
"""

from __future__ import annotations

import json
import os
import socket
import sys
from pathlib import Path

TOOLS = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TOOLS))

from grading import sandbox  # noqa: E402 - before everything that starts threads

LONGEST_TEXT = 500


class Output:
    """What `print` writes to: it is counted and dropped, so that it fills neither memory nor disk."""

    encoding, errors = "utf-8", "replace"

    def __init__(self):
        self.count = 0

    def write(self, text: str) -> int:
        """Count the text."""
        self.count += len(text)
        return len(text)

    def writelines(self, lines) -> None:
        """Count the lines."""
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Do nothing."""

    def isatty(self) -> bool:
        """Nobody is looking."""
        return False


def readable() -> list[str]:
    """Return the files and folders that Python and the package are made of."""
    import optimlab

    system = ["/usr", "/lib", "/lib64", "/bin", "/dev/null", "/dev/urandom", "/proc/cpuinfo", "/proc/meminfo"]
    system += ["/sys/devices/system/cpu", "/etc/ld.so.cache", "/etc/localtime", "/etc/fonts"]
    python = [sys.prefix, sys.base_prefix, os.path.dirname(os.__file__)]
    packages = [path for path in sys.path if Path(path).name in ("site-packages", "dist-packages")]
    return [*system, *python, *packages, os.path.dirname(optimlab.__file__)]


class Watch:
    """Notices which functions of the package have been replaced."""

    def __init__(self):
        self.known: dict[str, object] = {}
        self.modules: set[str] = set()
        self.look()

    def look(self) -> list[str]:
        """Return what is not what it was, by its full name."""
        changed = []
        for name in [name for name in sys.modules if name.partition(".")[0] == "optimlab"]:
            module = sys.modules[name]
            now = {f"{name}.{key}": value for key, value in list(vars(module).items()) if callable(value)}
            for key, value in list(now.items()):
                if isinstance(value, type) and value.__module__ == name:
                    now |= {f"{key}.{k}": v for k, v in list(vars(value).items()) if callable(v)}
            if name in self.modules:
                old = {key for key in self.known if key.rpartition(".")[0] == name}
                keys = (now.keys() & self.known.keys()) | (old - now.keys())
                changed += [key for key in keys if now.get(key) is not self.known[key]]
            else:
                self.modules.add(name)
                self.known |= now
        return sorted(changed)[:5]


class Student:
    """Answers what the judge asks.

    Parameters
    ----------
    channel : Channel
        Its end of the socket.
    """

    def __init__(self, channel):
        self.channel, self.output, self.watch = channel, Output(), Watch()
        self.namespace: dict = {"__name__": "__main__"}
        self.functions: dict[int, object] = {}

    def offer(self, function) -> dict:
        """Return what to send for a function."""
        from grading.wire import source_of

        self.functions[len(self.functions)] = function
        name = str(getattr(function, "__name__", type(function).__name__))[:80]
        return {"function": len(self.functions) - 1, "name": name, "source": source_of(function)}

    def asking(self, message: dict):
        """Return a stand-in for a function of the judge's."""
        from grading.wire import decode, encode

        def ask(*arguments, **keywords):
            self.channel.send(
                {
                    "ask": message["function"],
                    "arguments": encode(list(arguments), self.offer),
                    "keywords": encode(keywords, self.offer),
                }
            )
            answer = self.channel.receive()
            if "error" in answer:
                raise RuntimeError(str(answer["error"]))
            return decode(answer["answer"], self.asking)

        ask.__name__ = message["name"]
        return ask

    def run(self, message: dict) -> dict:
        """Run a cell."""
        from cells import execute

        execute(message["run"], message["file"], self.namespace)
        return {"done": True}

    def get(self, message: dict) -> dict:
        """Return values by name."""
        from grading.wire import encode

        found = {name: self.namespace.get(name, ...) for name in message["get"]}
        return {"values": {name: encode(value, self.offer) for name, value in found.items()}}

    def call(self, message: dict) -> dict:
        """Call a function, and say which arguments it has changed in place."""
        from grading.wire import decode, encode

        arguments = decode(message["arguments"], self.asking)
        keywords = decode(message["keywords"], self.asking)
        before = [encode(one, self.asked_again) for one in arguments]
        value = self.functions[message["call"]](*arguments, **keywords)
        after = [encode(one, self.asked_again) for one in arguments]
        changed = {str(i): now for i, now in enumerate(after) if now != before[i]}
        return {"value": encode(value, self.offer), "changed": changed}

    @staticmethod
    def asked_again(function) -> dict:
        """Stand for a function of the judge's among the arguments."""
        return {"opaque": "function", "text": ""}

    def answer(self, message: dict) -> dict:
        """Return the reply to one message."""
        try:
            todo = next(todo for name, todo in self.kinds.items() if name in message)
            reply = todo(self, message)
        except BaseException as error:  # SystemExit and KeyboardInterrupt are errors of the cell, too
            try:
                text = str(error)[:LONGEST_TEXT]
            except Exception:
                text = ""
            reply = {"error": type(error).__name__, "text": text, "line": self.line(error)}
        return reply | {"printed": self.output.count, "patched": self.watch.look()}

    kinds = {"run": run, "get": get, "call": call}  # noqa: RUF012 - never changed

    @staticmethod
    def line(error: BaseException) -> int:
        """Return the line of the cell in which an error came up, or 0."""
        line, trace = getattr(error, "lineno", 0) or 0, error.__traceback__
        while trace is not None:
            if trace.tb_frame.f_code.co_filename.startswith("cell "):
                line = trace.tb_lineno
            trace = trace.tb_next
        return line


def main() -> None:
    """Give up what is not needed, then serve the judge until the socket closes."""
    settings = json.loads(sys.argv[1])
    sandbox.die_with_parent()
    sandbox.limits(settings["memory"], settings["seconds"])
    alone = sandbox.alone(settings["folder"])

    import builtins
    import importlib

    from grading.wire import Channel, ClosedError

    for name in settings["preload"]:
        importlib.import_module(name)
    import cells  # noqa: F401 - while its folder can be read

    paths, writable = readable(), [settings["folder"], "/dev/null"]
    channel = Channel(socket.socket(fileno=settings["socket"]))
    student = Student(channel)
    sys.path[:] = [path for path in sys.path if Path(path) not in (TOOLS, TOOLS.parent)]
    sys.stdout = sys.stderr = sys.__stdout__ = sys.__stderr__ = student.output
    sys.argv = [""]
    builtins.display = lambda *values, **options: None
    builtins.get_ipython = lambda: None
    version = sandbox.landlock(paths, writable)
    sandbox.audit(paths, writable, lambda what: channel.send({"refused": what}))
    channel.send({"ready": True, "alone": alone, "landlock": version})
    try:
        while True:
            channel.send(student.answer(channel.receive()))
    except ClosedError:
        os._exit(0)


if __name__ == "__main__":
    main()
