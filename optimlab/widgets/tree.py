"""A decision tree: one question after the other, and at the end of every way some advice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import TypeAlias

import traitlets

from ..formula import closest
from ._base import Widget

Tree: TypeAlias = "tuple[str, Mapping[str, Tree | str]]"


class DecisionTree(Widget):
    """Questions that the reader answers one by one; the answers lead to advice.

    The whole way stays visible. Another answer to an earlier question drops what followed it.

    Parameters
    ----------
    title : str
        What is decided, as plain text.
    tree : (str, dict)
        The first question and its answers, at least two. What follows an answer is advice, as text, or
        the next question with its answers, again as ``(question, {answer: what follows})``.
    **state
        The attribute below.

    Attributes
    ----------
    path : list of str
        The answers given so far, one per question; empty at the beginning.

    Raises
    ------
    ValueError
        If a text is blank or no text, a question has fewer than two answers or two that read the same,
        a question is asked twice on one way, or something else stands where a question or advice belongs.
    traitlets.TraitError
        For an answer that there is not.

    Examples
    --------
    >>> tree = DecisionTree("Umbrella", ("Does it rain?", {"yes": "Take it.", "no": "Leave it."}))
    >>> tree.question
    'Does it rain?'
    >>> tree.path = ["no"]
    >>> tree.advice
    'Leave it.'
    """

    path = traitlets.List(traitlets.Unicode()).tag(sync=True)

    def __init__(self, title: str, tree: Tree, **state):
        if not _says_something(title):
            raise ValueError(f"got title={title!r}; expected text that is not blank")
        spec = {"title": title, "tree": _question(tree)}
        rows = 1 + sum(len(one["text"]) for one in spec["tree"]["answers"]) // 60
        super().__init__(kind="tree", spec=spec, min_height=f"{6.5 + 2.6 * rows:.1f}rem", **state)

    @traitlets.validate("path")
    def _check_path(self, proposal):
        self._end_of(proposal["value"])
        return proposal["value"]

    def _end_of(self, path: Sequence[str]) -> dict | str:
        """Return where some answers lead: a question, or advice."""
        here = self.spec["tree"]
        for i, answer in enumerate(path):
            if isinstance(here, str):
                raise traitlets.TraitError(
                    f"got {answer!r} in path after {path[i - 1]!r}; expected no more answers, for the advice "
                    "comes there"
                )
            follows = {one["text"]: one["next"] for one in here["answers"]}
            if answer not in follows:
                raise traitlets.TraitError(
                    f"got {answer!r} in path as the answer to {here['question']!r}"
                    f"{closest(answer, follows)}; expected one of {', '.join(map(repr, follows))}"
                )
            here = follows[answer]
        return here

    @property
    def question(self) -> str | None:
        """The question that waits for an answer; None at the end of a way."""
        end = self._end_of(self.path)
        return None if isinstance(end, str) else end["question"]

    @property
    def advice(self) -> str | None:
        """The advice to which the answers have led; None while a question is open."""
        end = self._end_of(self.path)
        return end if isinstance(end, str) else None

    def text(self) -> str:
        """Return every question, answer and advice as a nested list."""
        return "\n".join([self.spec["title"], "", *_lines(self.spec["tree"])])

    def html(self) -> str:
        """Return the same as nested HTML lists."""
        first = self.spec["tree"]
        return (
            f"<p><strong>{escape(self.spec['title'])}</strong></p>"
            f"<p>{escape(first['question'])}</p>{_list(first)}"
        )


def _says_something(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _question(given: object, way: tuple[str, ...] = (), asked: tuple[str, ...] = ()) -> dict:
    """Return a question with its answers, and all that follows, as the front end takes them.

    `way` holds the answers that lead there and `asked` their questions.
    """
    after = f" after the answers {', '.join(map(repr, way))}" if way else ""
    if not isinstance(given, Sequence) or isinstance(given, str) or len(given) != 2:
        advice = "advice as text, or " if way else ""
        raise ValueError(f"got {given!r}{after}; expected {advice}(question, {{answer: what follows}})")
    question, answers = given
    if not _says_something(question):
        raise ValueError(f"got the question {question!r}{after}; expected text that is not blank")
    if question in asked:
        raise ValueError(f"the question {question!r} is asked again{after}; ask it once on every way")
    if not isinstance(answers, Mapping):
        raise ValueError(f"got {answers!r} as the answers to {question!r}; expected {{answer: what follows}}")
    for answer in answers:
        if not _says_something(answer):
            raise ValueError(f"got the answer {answer!r} to {question!r}; expected text that is not blank")
    if len(answers) < 2:
        raise ValueError(f"got the answers {list(answers)} to {question!r}; expected at least two")
    read: dict[str, str] = {}
    for answer in answers:
        other = read.setdefault(" ".join(answer.casefold().split()), answer)
        if other != answer:
            raise ValueError(f"the answers {other!r} and {answer!r} to {question!r} read the same")
    found = []
    for answer, follows in answers.items():
        on = (*way, answer)
        if isinstance(follows, str):
            if not follows.strip():
                raise ValueError(
                    f"got the advice {follows!r} after the answers {', '.join(map(repr, on))}; "
                    "expected text that is not blank"
                )
            found.append({"text": answer, "next": follows})
        else:
            found.append({"text": answer, "next": _question(follows, on, (*asked, question))})
    return {"question": question, "answers": found}


def _lines(node: dict, depth: int = 0) -> Iterator[str]:
    if not depth:
        yield node["question"]
    for answer in node["answers"]:
        follows = answer["next"]
        deeper = not isinstance(follows, str)
        yield f"{'  ' * depth}- {answer['text']}: {follows['question'] if deeper else follows}"
        if deeper:
            yield from _lines(follows, depth + 1)


def _list(node: dict) -> str:
    items = []
    for answer in node["answers"]:
        follows = answer["next"]
        told = escape(follows) if isinstance(follows, str) else escape(follows["question"]) + _list(follows)
        items.append(f"<li><strong>{escape(answer['text'])}</strong>: {told}</li>")
    return f'<ol type="a">{"".join(items)}</ol>'
