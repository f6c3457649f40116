"""One multiple-choice item, for predictions and for self-checks; every answer is explained."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from html import escape

import traitlets

from ._base import Widget


class Quiz(Widget):
    """A question with one right answer; right and wrong answers all say why.

    Parameters
    ----------
    question : str
        The question, as plain text.
    right : (str, str)
        The right answer and why it is right.
    wrong : sequence of (str, str)
        The other answers, and for each what went wrong.
    label : str, default "Quiz"
        What stands above the question, such as "Predict".

    Attributes
    ----------
    answer : str
        The text of the answer that was checked last; empty before.

    Raises
    ------
    ValueError
        If the question is no text, an answer lacks its reason, or two answers read the same.

    Notes
    -----
    `jupyterquiz` was looked at first. Its options are labels with click handlers beside radio buttons that
    are not displayed, so the keyboard does not reach them; its formulas need MathJax, its code stands in
    every output, and an answer is gone when the page is loaded again.

    The order of the answers is shuffled by the question's text: it is the same for everybody and
    does not give the right one away. On a page the reader's answer is kept in the browser only.
    """

    answer = traitlets.Unicode().tag(sync=True)

    def __init__(
        self,
        question: str,
        *,
        right: tuple[str, str],
        wrong: Sequence[tuple[str, str]],
        label: str = "Quiz",
    ):
        for name, value in (("question", question), ("label", label)):
            if not isinstance(value, str):
                raise ValueError(f"got {name}={value!r}; expected text")
        if isinstance(wrong, str) or not isinstance(wrong, Iterable):
            raise ValueError(f"got wrong={wrong!r}; expected a list of (answer, why)")
        wrong = list(wrong)
        for pair in (right, *wrong):
            if (
                not isinstance(pair, Sequence)
                or isinstance(pair, str)
                or len(pair) != 2
                or not all(isinstance(p, str) and p.strip() for p in pair)
            ):
                raise ValueError(f"got the answer {pair!r}; expected (answer, why), both as text")
        texts = [text for text, _ in (right, *wrong)]
        if twice := {text for text in texts if texts.count(text) > 1}:
            raise ValueError(
                f"the answers {sorted(twice)} stand there twice; every answer must read differently"
            )
        if not wrong:
            raise ValueError("a question needs at least one wrong answer")
        options = [
            {"text": text, "why": why, "right": (text, why) == tuple(right)} for text, why in (right, *wrong)
        ]
        random.Random(question).shuffle(options)
        spec = {"label": label, "question": question, "options": options}
        super().__init__(kind="quiz", spec=spec, min_height=f"{9 + 2.2 * len(options):.0f}rem")

    @property
    def correct(self) -> bool:
        """Whether the answer checked last is the right one."""
        return any(option["right"] and option["text"] == self.answer for option in self.spec["options"])

    def text(self) -> str:
        """Return the question, its answers, and below them why each is right or wrong."""
        options = list(zip("abcdefgh", self.spec["options"], strict=False))
        lines = [f"{self.spec['label']}: {self.spec['question']}", ""]
        lines += [f"  {letter}) {option['text']}" for letter, option in options]
        lines.append("")
        lines += [f"  {letter} is {'right' if o['right'] else 'wrong'}: {o['why']}" for letter, o in options]
        return "\n".join(lines)

    def html(self) -> str:
        """Return the same as HTML, the answers folded away."""
        options = self.spec["options"]
        asked = "".join(f"<li>{escape(option['text'])}</li>" for option in options)
        told = "".join(
            f"<li>{'Right' if option['right'] else 'Wrong'}: {escape(option['why'])}</li>"
            for option in options
        )
        return (
            f"<p><strong>{escape(self.spec['label'])}.</strong> {escape(self.spec['question'])}</p>"
            f'<ol type="a">{asked}</ol>'
            f'<details><summary>Answers</summary><ol type="a">{told}</ol></details>'
        )
