"""The process that runs a student's cells: `judge` starts it, and asks it over a socket.

    run    run a cell                               -> done, or an error
    get    the values of some names                 -> values
    call   a function that was among those values   -> a value, or an error

While a function runs it may ask back, where an argument was a function of the judge's.
"""

from __future__ import annotations

import builtins
import contextlib
import functools
import inspect
import json
import os
import socket
import sys
import types
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


def parts(value) -> tuple:
    """Return what a value is made of, as far as somebody may exchange it in place: `is` compares it."""
    if isinstance(value, types.FunctionType):
        return (value, value.__code__, value.__defaults__, value.__kwdefaults__)
    if isinstance(value, classmethod | staticmethod):
        return (value, *parts(value.__func__))
    if isinstance(value, property):
        return (value, *parts(value.fget))
    if isinstance(value, functools._lru_cache_wrapper):
        return (value, *parts(value.__wrapped__))
    if isinstance(value, list):
        return (value, *value)
    return (value,)


class Watch:
    """Notices what of the package has been replaced: functions, their code and defaults, and data.

    What is added to a dict or an object is a memory of something, not a change.
    """

    def __init__(self):
        self.known: dict[str, dict[str, tuple]] = {}  # by module, then by name
        self.look()

    @staticmethod
    def members(module: str, seen: set[int]) -> dict[str, object]:
        """Return everything in a module that is watched, by its full name; what was seen is left out."""
        found = {}
        for key, value in list(vars(sys.modules[module]).items()):
            if key.startswith("__"):
                continue
            name = f"{module}.{key}"
            found[name] = value
            if module == "numpy" or id(value) in seen:
                continue
            seen.add(id(value))
            if isinstance(value, type):
                inner = dict(vars(value)) if value.__module__ == module else {}
                found |= {f"{name}.{k}": one for k, one in inner.items() if callable(one) or k[:2] != "__"}
            elif isinstance(value, dict) and key[0] != "_":
                found |= {f"{name}[{k!r}]": one for k, one in list(value.items()) if isinstance(k, str)}
            elif type(value).__module__.partition(".")[0] == "optimlab":
                inner = dict(getattr(value, "__dict__", {}))
                found |= {f"{name}.{k}": one for k, one in inner.items() if k[0] != "_"}
        return found

    def look(self) -> list[str]:
        """Return what is not what it was, by its full name."""
        changed, seen = set(), set()
        modules = [name for name in sys.modules if name == "numpy" or name.partition(".")[0] == "optimlab"]
        for module in modules:
            now = {name: parts(value) for name, value in self.members(module, seen).items()}
            known = self.known.setdefault(module, now)
            for name, old in known.items():
                new = now.get(name, ())
                if len(new) != len(old) or any(a is not b for a, b in zip(new, old, strict=True)):
                    changed.add(name.partition("[")[0])
        return sorted(changed)[:5]


def meanings(function) -> dict:
    """Return what the names from outside stand for in a function: names of the small language, or nothing.

    A module is a dict from such names to what it has under them.
    """
    from optimlab import formula

    function = inspect.unwrap(function)
    if not isinstance(function, types.FunctionType):
        return {}
    code, found = function.__code__, dict(function.__globals__)
    for name, cell in zip(code.co_freevars, function.__closure__ or (), strict=True):
        with contextlib.suppress(ValueError):  # not assigned yet
            found[name] = cell.cell_contents

    def meaning(value) -> str | None:
        if value is builtins.abs:
            return "builtins.abs"
        known = (name for name, one in formula.FUNCTIONS.items() if value is one)
        if type(value) is float:
            known = (name for name, one in formula.CONSTANTS.items() if value == one)
        return next(known, None)

    result = {}
    for name in (*code.co_names, *code.co_freevars):
        if name in found:
            value = found[name]
            if isinstance(value, types.ModuleType):
                names = (*formula.FUNCTIONS, *formula.CONSTANTS)
                result[name] = {one: meaning(getattr(value, one, None)) for one in names}
            else:
                result[name] = meaning(value)
    return result


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
        names = {}
        with contextlib.suppress(Exception):
            names = meanings(function)
        told = {"source": source_of(function), "names": names, "kind": type(function).__name__}
        return {"function": len(self.functions) - 1, "name": name, **told}

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
            kind = MemoryError if isinstance(error, MemoryError) else type(error)  # NumPy has one of its own
            reply = {"error": kind.__name__, "text": text, "line": self.line(error)}
        always = {"id": message["id"], "printed": self.output.count, "patched": self.watch.look()}
        return reply | always

    kinds = {"run": run, "get": get, "call": call}  # noqa: RUF012 - never changed

    @staticmethod
    def line(error: BaseException) -> int:
        """Return the line of the cell in which an error came up, or 0."""
        line = error.lineno or 0 if type(error) in (SyntaxError, IndentationError, TabError) else 0
        trace = error.__traceback__
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
