"""Reading the claims of one chapter: from YAML to `Claim`, with every key, name and type verified.

The checks of the chapter are read as text: no module of theirs is imported here.
"""

from __future__ import annotations

import ast
import re
import textwrap
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import yaml

from ..formula import closest

# In the order of the course.
CHAPTERS = (
    "minibatch",
    "ewa",
    "momentum",
    "adaptive",
    "rmsprop",
    "adam",
    "variants",
    "schedules",
    "practice",
)
NOTES = ("N1", "N2", "N3", "N4")
STATUSES = ("true", "misleading", "contradictory", "false", "empirical")
# The pages of the course.
PLACES = (
    "00-start",
    "00b-conventions",
    "01-landscapes",
    "01b-curvature",
    "02-minibatch",
    "02b-minibatch-practice",
    "03-averages",
    "03b-averages-practice",
    "04-momentum",
    "04b-nesterov",
    "05-adagrad",
    "05b-adadelta",
    "06-rmsprop",
    "07-adam",
    "07b-adam-practice",
    "07c-adam-use",
    "08-variants",
    "08b-adamw",
    "09-schedules",
    "10-scaling",
    "11-race",
    "12-frontier",
)
_NEEDED = ("id", "note", "lines", "chapter", "claim", "status", "place")
_OPTIONAL = ("why", "check", "undecided", "same_as", "reference")


class ClaimError(ValueError):
    """A claim, an id or a check that is not valid; the message says where and what is expected."""


@dataclass(frozen=True, repr=False)
class Claim:
    """One claim of the notes.

    Attributes
    ----------
    id : str
        Its name.
    note : str
        The set of notes: N1 to N4.
    lines : tuple of int
        First and last line in the notes.
    chapter : str
        The chapter of the notes that it belongs to.
    claim : str
        What the notes say, in one sentence.
    status : {"true", "misleading", "contradictory", "false", "empirical"}
        What became of it.
    why : str
        The reason; empty if it needs none.
    check : str
        The name of the function that asserts the finding, or empty.
    reference : tuple of str
        Keys of the bibliography.
    place : str
        The page of the course that treats it, with or without ``#`` and the address of a heading.
    undecided : str
        Why no short run decides it; empty if one does.
    same_as : str
        The id of the claim that says the same; empty if it is the first.
    """

    id: str
    note: str
    lines: tuple[int, int]
    chapter: str
    claim: str
    status: str
    why: str
    check: str
    reference: tuple[str, ...]
    place: str
    undecided: str
    same_as: str

    @property
    def original(self) -> Claim:
        """The claim that this one repeats, or itself."""
        from ._library import get

        return get(self.same_as) if self.same_as else self

    @property
    def checked_by(self) -> str:
        """The name of its check among all, such as ``"ewa.late_correction"``, or of what it is `same_as`."""
        first = self.original
        return f"{first.chapter}.{first.check}" if first.check else ""

    @property
    def function(self) -> Callable[[], str] | None:
        """The check itself, or that of what it is `same_as`; None if there is none."""
        from ._library import find

        return find(self.checked_by) if self.checked_by else None

    def __repr__(self) -> str:
        first, last = self.lines
        lines = f"line {first}" if first == last else f"lines {first} to {last}"
        facts = {
            "why": self.original.why,
            "undecided": self.original.undecided,
            "same as": self.same_as,
            "check": self.checked_by,
            "reference": ", ".join(self.reference),
            "page": self.place,
        }
        told = [self.claim, *(f"{name}: {fact}" for name, fact in facts.items() if fact)]
        wrapped = [textwrap.fill(text, 72, initial_indent="  ", subsequent_indent="    ") for text in told]
        return "\n".join([f"{self.id} ({self.note}, {lines}): {self.status}", *wrapped])


def read_claims(path: Path) -> dict[str, Claim]:
    """Read the claims of one chapter and verify them against its checks.

    Parameters
    ----------
    path : Path
        A YAML file, beside it a module of the same name with the checks.

    Returns
    -------
    dict of str to Claim
        In the order of the file.

    Raises
    ------
    ClaimError
        If the file is missing or invalid. The message names the file, the claim, the key, what was got
        and what is expected.
    """
    path = Path(path)
    try:
        entries = yaml.load(path.read_text(encoding="utf-8"), _Loader)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ClaimError(f"{path}: cannot be read: {error}") from error
    if not isinstance(entries, list) or not entries:
        raise ClaimError(f"{path}: got {_kind(entries)}; expected a list of claims, each with `- id:`")
    known = read_checks(path.with_suffix(".py"))
    found: dict[str, Claim] = {}
    for number, entry in enumerate(entries, start=1):
        identity = entry.get("id") if isinstance(entry, dict) else None
        where = f"{path}: claim {repr(identity) if isinstance(identity, str) else f'number {number}'}"
        try:
            claim = _claim(entry, path.stem, known)
            if claim.id in found:
                raise ClaimError("id: stands twice; give each claim its own")
        except ClaimError as error:
            raise ClaimError(f"{where}: {error}") from error
        found[claim.id] = claim
    if unused := [name for name in known if name not in {claim.check for claim in found.values()}]:
        raise ClaimError(
            f"{path.with_suffix('.py')}: no claim of {path.name} uses the check {unused[0]!r}; "
            f"name it in a claim, start the name with _ if it is a helper, or delete it"
        )
    return found


def read_checks(path: Path) -> dict[str, str]:
    """Return the checks of a module, name to docstring, without running it.

    Parameters
    ----------
    path : Path
        The module; if there is none, it has no checks.

    Raises
    ------
    ClaimError
        If the module is not valid Python, or a check takes arguments, has no docstring or asserts nothing.
    """
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, SyntaxError, ValueError) as error:
        raise ClaimError(f"{path}: cannot be read: {error}") from error
    found = {}
    for node in tree.body:
        if not isinstance(node, ast.FunctionDef) or node.name.startswith("_"):
            continue
        where = f"{path}, line {node.lineno}: the check {node.name!r}"
        arguments = node.args
        if (
            arguments.posonlyargs
            or arguments.args
            or arguments.kwonlyargs
            or arguments.vararg
            or arguments.kwarg
        ):
            raise ClaimError(f"{where} takes arguments; expected none: it runs by itself")
        doc = " ".join((ast.get_docstring(node) or "").split())
        if not doc.endswith("."):
            raise ClaimError(f"{where} has the docstring {doc!r}; expected one sentence: the finding")
        if not any(isinstance(inside, ast.Assert) for inside in ast.walk(node)):
            raise ClaimError(f"{where} has no assert: it could not fail; assert the finding")
        found[node.name] = doc
    return found


def _claim(entry, chapter: str, known: Iterable[str]) -> Claim:
    if not isinstance(entry, dict):
        raise ClaimError(f"got {_kind(entry)}; expected a mapping with {', '.join(_NEEDED)}")
    for key in entry:
        if key not in (*_NEEDED, *_OPTIONAL):
            raise ClaimError(
                f"{key}: there is no such key{closest(str(key), _NEEDED + _OPTIONAL)}; "
                f"a claim has {', '.join(_NEEDED)} and may have {', '.join(_OPTIONAL)}"
            )
    if missing := [key for key in _NEEDED if key not in entry]:
        raise ClaimError(f"{', '.join(missing)}: missing; a claim needs {', '.join(_NEEDED)}")
    text = {key: _text(entry, key) for key in ("id", "claim", "why", "undecided", "same_as", "check")}
    for key in ("claim", "why", "undecided"):
        if text[key] and not text[key].endswith((".", "?")):
            raise ClaimError(f"{key}: got {text[key]!r}; expected whole sentences, with a period at the end")
    if entry["chapter"] != chapter:
        raise ClaimError(f"chapter: got {entry['chapter']!r}; expected {chapter!r}, the name of the file")
    status = entry["status"]
    if isinstance(status, bool):  # as YAML reads true and false
        status = str(status).lower()
    page, mark, heading = _text(entry, "place").partition("#")
    if mark and not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", heading):
        raise ClaimError(f"place: got the heading {heading!r}; expected its address, such as the-cold-start")
    claim = Claim(
        **text,
        note=_one_of("note", entry["note"], NOTES),
        lines=_lines(entry["lines"]),
        chapter=_one_of("chapter", chapter, CHAPTERS),
        status=_one_of("status", status, STATUSES),
        place=_one_of("place", page, PLACES) + mark + heading,
        reference=_references(entry.get("reference", [])),
    )
    if claim.check and claim.check not in known:
        listed = ", ".join(known) or "none"
        raise ClaimError(
            f"check: {chapter}.py has no function {claim.check!r}{closest(claim.check, known)}; "
            f"it has {listed}"
        )
    if claim.same_as:
        if told := [key for key in ("why", "check", "undecided") if getattr(claim, key)]:
            raise ClaimError(f"{', '.join(told)}: {claim.same_as!r} has that, by same_as; leave it out here")
        return claim
    if claim.check and claim.undecided:
        raise ClaimError(f"undecided: the check {claim.check!r} decides it; keep one of the two")
    if claim.status != "true":
        if not claim.why:
            raise ClaimError(f"why: missing; a claim that is {claim.status} needs a reason, or same_as")
        if not (claim.check or claim.undecided):
            raise ClaimError(
                f"check: missing; a claim that is {claim.status} needs a check, or undecided: and why no "
                "short run decides it"
            )
    return claim


def _text(entry: dict, key: str) -> str:
    value = entry.get(key, "" if key in _OPTIONAL else None)
    if not isinstance(value, str) or (key in entry and not value.strip()):
        raise ClaimError(f"{key}: got {_kind(value)}; expected a text")
    return " ".join(value.split())


def _one_of(key: str, value, known: tuple[str, ...]) -> str:
    if value not in known:
        hint = closest(value, known) if isinstance(value, str) else ""
        raise ClaimError(f"{key}: got {_kind(value)}{hint}; expected one of {', '.join(known)}")
    return value


def _lines(value) -> tuple[int, int]:
    whole = isinstance(value, list) and all(type(line) is int for line in value)
    if not whole or len(value) != 2 or not 1 <= value[0] <= value[1]:
        raise ClaimError(
            f"lines: got {value!r}; expected the first and the last line in the notes, such as [337, 351]"
        )
    return (value[0], value[1])


def _references(value) -> tuple[str, ...]:
    keys = [value] if isinstance(value, str) else value
    if not isinstance(keys, list) or not all(isinstance(key, str) and key.strip() for key in keys):
        raise ClaimError(
            f"reference: got {_kind(value)}; expected a key of references.bib, or a list of keys"
        )
    return tuple(keys)


def _kind(value) -> str:
    """Say what was got, in the words of YAML."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return f"the truth value {value!r}"
    if isinstance(value, list | dict):
        return f"a {'list' if isinstance(value, list) else 'mapping'} of {len(value)}"
    return repr(value)


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # ten times as fast, where it is built
    """YAML as usual, but a key that stands twice is refused instead of the first one being dropped."""

    def construct_mapping(self, node, deep=False):
        seen = set()
        for key, _ in node.value:
            if key.value in seen:
                raise yaml.YAMLError(
                    f"line {key.start_mark.line + 1}: the key {key.value!r} stands twice; keep one"
                )
            seen.add(key.value)
        return super().construct_mapping(node, deep)
