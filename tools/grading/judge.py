"""Grade one submission: run the source's tests on what the student's process answers.

    python -I tools/grading/judge.py < job.json

Trusted: of the submission it sees only texts, which it hands on, and plain data, which it gets back. Every
result is written as soon as there is one, as a line of JSON: if the judge has to be stopped, none is lost.
"""

from __future__ import annotations

import ast
import builtins
import contextlib
import importlib.util
import io
import json
import linecache
import operator
import os
import re
import signal
import socket
import subprocess
import sys
import time
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

TOOLS = Path(__file__).resolve().parents[1]
if str(TOOLS) not in sys.path:
    sys.path.insert(0, str(TOOLS))

import numpy as np  # noqa: E402
from cells import assigned, execute, loaded  # noqa: E402

from grading.wire import Channel, ClosedError, LateError, WireError, decode, encode  # noqa: E402
from optimlab import formula  # noqa: E402

START = 60  # seconds in which the student's process has to be ready
PATIENCE = 4  # how many times as long as its processor time a cell may last
MUCH = 2**20  # characters of output that are worth a remark
REMARKS = 20
T = TypeVar("T")
# What calls machine code or starts programs while it is imported is imported before that is refused.
ALSO = ("torch", "numba", "matplotlib.pyplot")
SEED_LINE = re.compile(r"^SEED = \d+$", re.MULTILINE)


class ProcessEnded(Exception):  # noqa: N818 - it is what happened to the student's process
    """The student's process had to be stopped, or is gone; the message says why."""


# The student's process, seen from here --------------------------------------------------------


class Student:
    """The student's process: started when it is needed, and again when it is gone.

    Parameters
    ----------
    limits : dict
        ``cell`` (seconds of the processor for a cell or a call, and a quarter of what it may last), ``total``
        (seconds of the processor in all), ``memory`` (bytes).
    folder : str
        Where it may write.
    preload : list of str
        Modules that it imports before it is confined.
    remark : callable
        Takes each sentence that is worth reporting.
    """

    def __init__(self, limits: dict, folder: str, preload: list[str], remark):
        self.limits, self.folder, self.preload, self.remark = limits, folder, preload, remark
        self.process: subprocess.Popen | None = None
        self.channel: Channel | None = None
        self.generation = self.asked = 0
        self.ran: list[tuple[str, str]] = []  # what a new process has to run to be where the old one was
        self.containment: dict | None = None
        self.doing = ""  # what to name in a remark

    def start(self) -> None:
        """Start a process and let it run again what the one before it had run."""
        ours, theirs = socket.socketpair()
        settings = {
            "folder": self.folder,
            "memory": self.limits["memory"],
            "seconds": int(self.limits["total"]) + 60,
            "preload": self.preload,
            "socket": theirs.fileno(),
        }
        command = [sys.executable, "-I", "-B", str(TOOLS / "grading" / "student.py"), json.dumps(settings)]
        one = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
        environment = {
            **one,
            "PATH": "/usr/bin:/bin",
            "LANG": "C.UTF-8",
            **dict.fromkeys(("HOME", "TMPDIR", "MPLCONFIGDIR", "NUMBA_CACHE_DIR"), self.folder),
            "MPLBACKEND": "Agg",
        }
        with theirs:
            self.process = subprocess.Popen(
                command,
                cwd=self.folder,
                env=environment,
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        self.channel = Channel(ours)
        self.generation += 1
        try:
            ready = self.channel.receive(time.monotonic() + START)
        except WireError:
            self.stop()
            raise RuntimeError("the student's process does not start") from None
        self.containment = {"alone": bool(ready.get("alone")), "landlock": int(ready.get("landlock", 0))}
        again, self.ran = self.ran, []
        for source, file in again:
            with contextlib.suppress(ProcessEnded):
                self.run(source, file)

    def stop(self) -> str:
        """End the process and all that it started, and return how it ended by itself, if it did."""
        process, self.process = self.process, None
        if process is None:
            return ""
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.2)
        code = process.poll()
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        self.channel.end.close()
        if code is None:
            return ""
        number = -code if code < 0 else code - 128 if code > 128 else 0
        try:
            return f"the interpreter crashed ({signal.Signals(number).name})"
        except ValueError:
            return f"the interpreter was ended (exit status {code})"

    def request(self, message: dict, functions: dict | None = None, read=dict) -> Any:
        """Send a message and return what is read from the reply.

        Parameters
        ----------
        message : dict
            What to do.
        functions : dict, optional
            Functions of ours that the process may call meanwhile, by number.
        read : callable
            What to make of a reply that is well formed; a WireError says that it is not.

        Raises
        ------
        ProcessEnded
            If there is no reply, or none that can be read. The next request finds a new process.
        """
        if self.process is None:
            self.start()
        self.asked += 1
        message = {**message, "id": self.asked}
        begin, used = time.monotonic(), processor_time(self.process.pid)
        deadline = begin + self.limits["cell"]
        try:
            self.channel.send(message)
            most = begin + PATIENCE * self.limits["cell"]
            while True:
                if time.monotonic() >= most:  # also where messages come without end
                    raise LateError
                try:
                    reply = self.channel.receive(deadline)
                except LateError:
                    # On a busy machine much time passes and little of it is the process's own.
                    left = self.limits["cell"] - (processor_time(self.process.pid) - used)
                    if left <= 0 or time.monotonic() >= most:
                        raise
                    deadline = min(time.monotonic() + max(left, 0.1), most)
                    continue
                if "refused" in reply:
                    self.remark(f"refused: {str(reply['refused'])[:300]}")
                elif "ask" in reply:
                    self.channel.send(self._asked(reply, functions or {}))
                elif reply.get("id") == self.asked:
                    check(message, reply)
                    result = read(reply)
                    break
                elif not (isinstance(reply.get("id"), int) and 0 < reply["id"] < self.asked):
                    raise WireError("a reply to nothing that was asked")
                # What is left is a second reply to an earlier question: the first one counted.
        except WireError as error:
            ended = self.stop()
            if isinstance(error, LateError):
                why = f"it took more than {self.limits['cell']:g} seconds and was stopped"
            elif isinstance(error, ClosedError):
                why = ended or "the interpreter was ended"
            else:
                why = f"its answer cannot be read ({error})"
            self.remark(f"{self.doing}: {why}")
            raise ProcessEnded(why) from None
        if reply["printed"] > MUCH:
            self.remark("printed more than a megabyte, which was dropped")
        for name in reply["patched"]:
            self.remark(f"replaced {name[:100]} in its own process")
        if reply.get("error") == "MemoryError":
            self.remark(f"{self.doing}: it ran out of memory")
        elif reply.get("error") in ("ImportError", "ModuleNotFoundError"):
            self.remark(f"{self.doing}: {reply['text'][:100]}")
        return result

    def _asked(self, message: dict, functions: dict) -> dict:
        """Return the reply to a process that calls a function of ours."""
        try:
            function = functions[message["ask"]]
            arguments = decode(message["arguments"], self.function)
            value = function(*arguments, **decode(message["keywords"], self.function))
            return {"answer": encode(value, lambda one: {"opaque": "function", "text": ""})}
        except Exception as error:
            return {"error": str(error)[:500]}

    def run(self, source: str, file: str) -> str | None:
        """Run a cell and return the error that it stopped with, in words, or None.

        Raises
        ------
        ProcessEnded
            If it took the process with it. A new one will not run it again.
        """
        error = self.request({"run": source, "file": file}, read=_error)
        self.ran.append((source, file))
        return error

    def get(self, names: list[str]) -> dict:
        """Return the values of these names; an ellipsis for those that there are not."""
        values = self.request({"get": names}).get("values", {})
        result = {}
        for name in names:
            try:
                result[name] = decode(values.get(name), lambda m, name=name: self.function(m, name))
            except WireError:
                result[name] = ...
        return result

    def function(self, message: dict, name: str | None = None) -> StudentFunction:
        """Return a stand-in for a function of the process."""
        return StudentFunction(self, message, name)


def processor_time(session: int) -> float:
    """Return the seconds of the processor that a session has used; of the clock, where nobody knows."""
    try:
        total = 0
        for folder in Path("/proc").iterdir():
            if not folder.name.isdigit():
                continue
            with contextlib.suppress(OSError):
                # The name, in brackets, may hold anything; after it come state, parent, group, session.
                fields = (folder / "stat").read_text().rpartition(")")[2].split()
                if int(fields[3]) == session:
                    total += int(fields[11]) + int(fields[12])
        return total / os.sysconf("SC_CLK_TCK")
    except OSError:
        return time.monotonic()


# What answers which question, and of which type it is.
ANSWERS = {"run": ("done", bool), "get": ("values", dict), "call": ("value", object)}
ALWAYS = {"printed": int, "patched": list}
OF_AN_ERROR = {"error": str, "text": str, "line": int}


def check(message: dict, reply: dict) -> None:
    """Check that a reply is one that the student's process sends, as long as nobody else writes for it.

    Raises
    ------
    WireError
        If it is not.
    """
    name, type_ = next(ANSWERS[todo] for todo in ANSWERS if todo in message)
    expected = ALWAYS | (OF_AN_ERROR if "error" in reply else {name: type_})
    for key, what in expected.items():
        if not isinstance(reply.get(key), what) or key not in reply:
            raise WireError(f"{key!r} is missing or malformed")
    if not all(isinstance(one, str) for one in reply["patched"]):
        raise WireError("'patched' is malformed")


def _error(reply: dict) -> str | None:
    if "error" not in reply:
        return None
    line = f" in line {reply['line']}" if reply["line"] > 0 else ""
    return f"{reply['error'][:80]}{line}: {reply['text'][:300]}"


class StudentFunction:
    """A function of the student's process: calling it here calls it there."""

    def __init__(self, student: Student, message: dict, name: str | None):
        self.student, self.name = student, name
        self.number, self.generation = message["function"], student.generation
        self.__name__ = message["name"][:80]
        self.source, self.names, self.kind = message.get("source"), message.get("names"), message.get("kind")

    def __call__(self, *arguments, **keywords):
        """Call it there with copies of the arguments, and change ours as it has changed those."""
        if self.student.process is None:
            self.student.start()
        if self.generation != self.student.generation:
            if self.name is None:
                raise ProcessEnded("the function is gone with the process that it was in")
            again = self.student.get([self.name])[self.name]
            if not isinstance(again, StudentFunction):
                raise ProcessEnded("the function is not there in a new process")
            self.number, self.generation = again.number, again.generation
        ours: dict[int, object] = {}

        def offer(function) -> dict:
            ours[len(ours)] = function
            return {"function": len(ours) - 1, "name": getattr(function, "__name__", "function")}

        message = {
            "call": self.number,
            "arguments": encode(list(arguments), offer),
            "keywords": encode(keywords, offer),
        }

        def read(reply: dict) -> tuple[Any, dict[int, Any]]:
            if "error" in reply:
                return _exception(reply), {}
            changed = reply.get("changed")
            if not isinstance(changed, dict) or not changed.keys() <= set(map(str, range(len(arguments)))):
                raise WireError("'changed' is missing or malformed")
            now = {int(index): decode(new, self.student.function) for index, new in changed.items()}
            return decode(reply["value"], self.student.function), now

        value, changed = self.student.request(message, ours, read)
        if isinstance(value, Exception):
            raise value
        for index, new in changed.items():
            _change(arguments[index], new)
        return value

    def made_into(self, kind: Callable[[Callable], T]) -> T:
        """Return a `Rule` or a `Schedule` of the same text, made here: nothing but arithmetic gets through.

        Raises
        ------
        FormulaError
            If the text is none.
        """
        return made(kind, self.source, self.__name__, self.names)


def _exception(reply: dict) -> Exception:
    """Return what the student's function raised, as the exception of that name, if Python has it."""
    kind, text = getattr(builtins, reply["error"], None), reply["text"][:300]
    if isinstance(kind, type) and issubclass(kind, Exception):
        with contextlib.suppress(Exception):
            return kind(text)
    return RuntimeError(f"{reply['error'][:80]}: {text}")


def _change(ours, new) -> None:
    """Make an argument what the student's process has made of it."""
    if isinstance(ours, np.ndarray) and isinstance(new, np.ndarray) and ours.shape == new.shape:
        np.copyto(ours, new, casting="unsafe")
    elif isinstance(ours, list) and isinstance(new, list):
        ours[:] = new
    elif isinstance(ours, dict) and isinstance(new, dict):
        ours.clear()
        ours.update(new)


def made(kind: Callable[[Callable], T], source, name: str, names) -> T:
    """Return a rule or a schedule from its text, which nobody vouches for.

    Only a function definition is taken, without its decorators and annotations, and with numbers as defaults:
    running that computes nothing. `kind` then refuses every line that is no arithmetic.

    Parameters
    ----------
    kind : callable
        `Rule` or `Schedule`.
    source : str
        The text.
    name : str
        What the function is called.
    names : dict
        What names from outside stand for in it, as `student.meanings` says: so that what is refused in a
        notebook, such as ``math.sqrt``, is refused here, too.
    """
    text = source.expandtabs() if isinstance(source, str) else ""
    try:
        tree = ast.parse(text if not text[:1].isspace() else f"if True:\n{text}")
        definition = next(node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))
        # Whole numbers can grow until memory is full; floats become infinite.
        definition = _Plain().visit(definition)
    except (SyntaxError, ValueError, RecursionError, MemoryError, StopIteration):
        raise formula.FormulaError(f"in, line 1: {name} is no function whose text can be read") from None
    given = definition.args
    given.defaults = [_default(one) for one in given.defaults]
    given.kw_defaults = [one and _default(one) for one in given.kw_defaults]
    plain = ast.unparse(definition)
    file = f"rule {name}"
    linecache.cache[file] = (len(plain), None, plain.splitlines(keepends=True), file)
    names = names if isinstance(names, dict) else {}
    namespace = {one: _stand_in(what) for one, what in names.items() if not one.startswith("__")}
    exec(compile(plain, file, "exec"), namespace)
    return kind(namespace[definition.name])


def _stand_in(meaning) -> object:
    """Return what a name from outside stands for, or what is none of the language's where it is none."""
    if isinstance(meaning, dict):
        module = types.ModuleType("module")
        for name, what in meaning.items():
            setattr(module, name, _stand_in(what))
        return module
    known = {**formula.FUNCTIONS, **formula.CONSTANTS, "builtins.abs": abs}
    return known.get(meaning) if isinstance(meaning, str) else None


OPERATIONS = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}


def _default(node: ast.expr) -> ast.Constant:
    """Return the number that a default is, also one that is written as arithmetic of numbers.

    Raises
    ------
    FormulaError
        If it is anything else.
    """

    def value(one: ast.expr) -> float:
        match one:
            case ast.Constant(value=float() as number):
                return number
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return -value(operand)
            case ast.UnaryOp(op=ast.UAdd(), operand=operand):
                return value(operand)
            case ast.BinOp(left=left, op=op, right=right) if type(op) in OPERATIONS:
                return float(OPERATIONS[type(op)](value(left), value(right)))
            case ast.Call(func=ast.Name(id="float"), args=[inner], keywords=[]):
                return value(inner)
            case ast.Call(func=ast.Attribute(attr="float64" | "float32"), args=[inner], keywords=[]):
                return value(inner)
        raise TypeError

    try:
        return ast.copy_location(ast.Constant(value(node)), node)
    except (TypeError, ArithmeticError):
        raise formula.FormulaError(
            f"in, line {node.lineno}: `{ast.unparse(node)[:60]}` as a default; give a number"
        ) from None


class _Plain(ast.NodeTransformer):
    """Takes off decorators and annotations, and makes whole numbers floats."""

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        node.decorator_list, node.returns = [], None
        return self.generic_visit(node)

    def visit_arg(self, node: ast.arg) -> ast.arg:
        node.annotation = None
        return node

    def visit_Constant(self, node: ast.Constant) -> ast.Constant:
        return ast.Constant(float(node.value)) if type(node.value) is int else node


# One submission -------------------------------------------------------------------------------


def grade(job: dict, say) -> None:
    """Grade a submission.

    Parameters
    ----------
    job : dict
        ``assignment``; ``source``, its cells as `homework.plain` gives them; ``cells``, those of the
        submission: kind, id, source; ``limits``; ``folder``, where the student's process may write.
    say : callable
        Takes each result, a dict.
    """
    said: set[str] = set()

    def remark(text: str) -> None:
        if text not in said and len(said) < REMARKS:
            said.add(text)
            say({"remark": text})

    compare(job, remark)
    module = job["assignment"].partition("-")[2].replace("-", "_")
    preload = ["numpy", "optimlab.homework", f"optimlab.homework.{module}"]
    texts = "\n".join(cell["source"] for cell in [*job["source"], *job["cells"]])
    for name in ALSO:
        package = name.partition(".")[0]
        if re.search(rf"\b{package}\b", texts) and importlib.util.find_spec(package):
            preload.append(name)
    student = Student(job["limits"], job["folder"], preload, remark)
    try:
        _work(job["source"], job["cells"], student, remark, say)
    finally:
        student.stop()
    say({"contained": student.containment})


def compare(job: dict, remark) -> None:
    """Remark on what of the given cells and the tests was changed, removed or doubled."""
    handed_in: dict[str, list[str]] = {}
    for cell in job["cells"]:
        if cell["id"]:
            handed_in.setdefault(cell["id"], []).append(cell["source"])
    for cell in job["source"]:
        what, name = cell["what"], cell["id"]
        if what is None:
            continue
        there = handed_in.get(name, [])
        word = {"test": "test", "given": "given cell"}.get(what, "answer")
        if not there:
            remark(f"the {word} {name} is missing")
        if len(there) > 1:
            remark(f"the {word} {name} is there {len(there)} times; the last one counts")
        if what in ("test", "given") and there and _text(there[-1]) != _text(cell["released"]):
            seeds = [SEED_LINE.findall(text) for text in (there[-1], cell["released"])]
            if name == "setup" and seeds[0] != seeds[1]:
                remark(f"it has the numbers of {' '.join(seeds[0]) or 'no seed'}; graded with {seeds[1][0]}")
            else:
                remark(f"the {word} {name} was changed; graded with the original")


def _text(source: str) -> str:
    return "\n".join(line.rstrip() for line in source.strip().splitlines())


def _work(source: list[dict], handed_in: list[dict], student: Student, remark, say) -> None:
    """Run the answers in the student's process and the tests here, in the order of the notebook."""
    namespace: dict = {}
    answers: set[str] = set()
    for cell in source:
        if cell["what"] == "answer":
            answers |= assigned(cell["released"])
        elif cell["what"] == "given" and cell["code"]:
            student.doing = cell["id"]
            _quietly(cell["source"], f"given {cell['id']}", namespace)
            with contextlib.suppress(ProcessEnded):
                student.run(cell["source"], f"given {cell['id']}")
    shown = {_text(cell["source"]) for cell in source if cell["what"] is None}
    known = {cell["id"] for cell in source if cell["what"]}
    own = [cell["kind"] == "code" and cell["id"] not in known for cell in handed_in]
    place = {cell["id"]: i for i, cell in enumerate(handed_in) if cell["id"] in known}
    done = 0
    failed: str | None = None

    def run(number: int) -> str | None:
        student.doing = handed_in[number]["id"] or f"cell {number + 1}"
        try:
            return student.run(handed_in[number]["source"], f"cell {number}")
        except ProcessEnded as error:
            return str(error)

    def run_own_until(number: int) -> None:
        """Run the cells that the student has added before this one."""
        nonlocal done
        for i in range(done, number):
            if own[i] and _text(handed_in[i]["source"]) not in shown:
                run(i)
        done = max(done, number)

    for cell in source:
        what, name = cell["what"], cell["id"]
        if what not in ("answer", "test", "words"):
            continue
        here = place.get(name)
        if here is not None:
            run_own_until(here)
        if what == "answer":
            failed = run(here) if here is not None else None
        elif what == "words":
            text = handed_in[here]["source"] if here is not None else ""
            say({"words": name, "of": cell["points"], "text": text})
        else:
            student.doing = name
            message = _test(cell, namespace, answers, student)
            if message is not None and failed is not None:
                # What is not there because of an error is not what nobody has written.
                empty = message.startswith(f"{name}: nothing here yet")
                stopped = f"the answer above it stopped: {failed}"
                message = f"{name}: {stopped}" if empty else f"{message}\nT{stopped[1:]}"
            points = cell["points"]
            say({"task": name, "points": points if message is None else 0, "of": points, "message": message})


def _test(cell: dict, namespace: dict, answers: set[str], student: Student) -> str | None:
    """Run a test on the answers that it names; return what it says, or None if it passes."""
    name = cell["id"]
    try:
        namespace |= student.get(sorted(loaded(cell["source"]) & answers))
        _quietly(cell["source"], f"test {name}", namespace)
    except ProcessEnded as error:
        return f"{name}: {error}"
    except AssertionError as error:
        return str(error) or f"{name}: a test that you do not see has failed."
    except Exception as error:
        return f"{name}: the test stopped with {type(error).__name__}: {str(error)[:300]}"
    return None


def _quietly(source: str, file: str, namespace: dict) -> None:
    with contextlib.redirect_stdout(io.StringIO()):
        execute(source, file, namespace)


def main() -> None:
    """Read the job from standard input and write results to standard output."""
    job = json.load(sys.stdin)
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")

    def say(result: dict) -> None:
        out.write(json.dumps(result) + "\n")
        out.flush()

    grade(job, say)
    say({"end": True})


if __name__ == "__main__":
    main()
