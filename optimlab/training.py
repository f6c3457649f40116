"""Train a model on data with any rule, and keep what happened.

    history = train(Network(1000, 100, 2), cat_vs_dog(), rules.adam, epochs=10, batch_size=32, lr=0.001)
    print(history)                  # loss and accuracy after every epoch
    history.loss                    # the loss of every step
    history.w, history.state["m"]   # where the weights and Adam's average ended

The loop is the whole of it: a mini-batch, its gradient, one step of the rule.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from . import format, inplace
from .datasets import Dataset, batches, count_batches
from .formula import FormulaError
from .network import LinearRegression, Network
from .progress import Progress
from .rule import Rule
from .schedules import check_length

# A rule is element-wise, so that it may take the weights piece by piece. Pieces of this length, with all
# that a step computes on the way, stay in the processor's cache: three times as fast for 100,000 weights.
PIECE = 25_000


@dataclass(frozen=True, eq=False, repr=False)
class History:
    """What happened in a training run.

    Attributes
    ----------
    rule : Rule
    hyper : dict
        Hyper-parameters as used, defaults included; a schedule as the function it is.
    batch_size, steps_per_epoch : int
    loss : ndarray, shape (steps,)
        Of every mini-batch, where its gradient was taken: before the step.
    lr : ndarray, shape (steps,)
        The learning rate of every step; NaN if the rule has none.
    train_loss, train_accuracy, test_loss, test_accuracy : ndarray, shape (epochs + 1,)
        On all training and all test samples; index 0 is the start, index k after epoch k. NaN where
        there is none: a regression has no accuracy, and some data have no test samples.
    w : ndarray, shape (size,)
        The weights at the end.
    state : dict
        What else the rule carries, at the end, by name.
    diverged_at : int or None
        If the loss ceased to be a finite number, the number of the step that led there (0: the start).
        The run ended there.
    """

    rule: Rule
    hyper: dict
    batch_size: int
    steps_per_epoch: int
    loss: np.ndarray
    lr: np.ndarray
    train_loss: np.ndarray
    train_accuracy: np.ndarray
    test_loss: np.ndarray
    test_accuracy: np.ndarray
    w: np.ndarray
    state: dict[str, np.ndarray] = field(default_factory=dict)
    diverged_at: int | None = None

    @property
    def steps(self) -> int:
        """How many steps were made."""
        return len(self.loss)

    @property
    def epochs(self) -> int:
        """How many epochs were completed."""
        return len(self.train_loss) - 1

    @property
    def diverged(self) -> bool:
        """Whether the loss ceased to be a finite number."""
        return self.diverged_at is not None

    def table(self, digits: int = 4) -> str:
        """Return the run as an aligned text table, one line per epoch, epoch 0 being the start.

        Parameters
        ----------
        digits : int, default 4
            Significant digits.
        """
        columns = {
            "train loss": self.train_loss,
            "train accuracy": self.train_accuracy,
            "test loss": self.test_loss,
            "test accuracy": self.test_accuracy,
        }
        measured = {name: column for name, column in columns.items() if not np.isnan(column[0])}
        rows = [[k, *(column[k] for column in measured.values())] for k in range(self.epochs + 1)]
        return format.table(["epoch", *measured], rows, digits)

    def __repr__(self) -> str:
        def value(x) -> str:
            return "a schedule" if callable(x) else format.number(x)

        hyper = ", ".join(f"{name}={value(x)}" for name, x in self.hyper.items())
        lines = [f"{self.rule.name}({hyper}), batches of {self.batch_size}, {self.steps} steps", self.table()]
        if self.diverged:
            epoch = max(self.diverged_at - 1, 0) // self.steps_per_epoch + 1
            lines.append(f"diverged at step {self.diverged_at}, in epoch {epoch}: the loss is not finite")
        return "\n".join(lines)


def train(
    model: Network | LinearRegression,
    data: Dataset,
    rule: Rule,
    *,
    epochs: int,
    batch_size: int,
    w: np.ndarray | None = None,
    seed: int = 0,
    shuffle: bool = True,
    drop_last: bool = False,
    clip: Callable[[np.ndarray], np.ndarray] | None = None,
    compiled: bool = False,
    progress: bool = True,
    **hyper: float | Callable[[int], float],
) -> History:
    """Train a model with a rule.

    The precision of the data is the precision of everything.

    Parameters
    ----------
    model : Network or LinearRegression
        Or anything with their ``start``, ``gradient`` and ``evaluate``. It is not changed.
    data : Dataset
    rule : Rule
        One that carries the weight ``w`` and takes the gradient ``g``. Its gradient is taken where it says,
        see `Rule.gradient_at`.
    epochs : int
        At least 1.
    batch_size : int
        From 1 to the number of training samples.
    w : ndarray, optional
        Where to start, unchanged by the run; ``model.start(seed)`` by default.
    seed : int, default 0
        Of the first weights and of the order of the samples.
    shuffle, drop_last : bool
        See `optimlab.datasets.batches`.
    clip : callable, optional
        Takes the gradient of a step and returns the one to use, of the same shape.
    compiled : bool, default False
        Make the steps with the compiled rule of `optimlab.fast`, which needs numba.
    progress : bool, default True
        Show a bar where somebody watches, see `optimlab.progress`.
    **hyper
        Hyper-parameters of the rule: a number, or a schedule, which is a function of the step
        ``t = 1, 2, ...`` that returns one.

    Returns
    -------
    History
        A loss that is not finite ends the run and is recorded; it raises nothing.

    Raises
    ------
    ValueError
        If an argument does not fit; the message names it. `FormulaError`, for a hyper-parameter that the
        rule does not have or that is out of range, is a ValueError.
    """
    _check(model, data, rule, epochs, clip)
    per_epoch = count_batches(len(data.train_y), batch_size, drop_last=drop_last)
    hyper = _hyper(rule, hyper, epochs * per_epoch)
    dtype = data.train_x.dtype
    start = model.start(seed, dtype) if w is None else np.array(w, dtype)
    if start.shape != (model.size,):
        raise ValueError(f"got w of shape {start.shape}; {model!r} has {model.size} weights")
    carried = {name: start if name == "w" else np.full_like(start, rule.state[name]) for name in rule.carried}

    def evaluate() -> list[float]:
        has_test = len(data.test_y) > 0
        tested = model.evaluate(carried["w"], data.test_x, data.test_y) if has_test else (np.nan, np.nan)
        return [*model.evaluate(carried["w"], data.train_x, data.train_y), *tested]

    step = (_compiled_stepper if compiled else _stepper)(rule, carried)
    losses, rates, diverged_at = [], [], None
    # Divergence is a result, so what overflows on the way there is no warning.
    with np.errstate(all="ignore"), Progress(epochs * per_epoch, show=progress) as show:
        measured = [evaluate()]
        for epoch in range(epochs):
            for x, y in batches(
                data.train_x,
                data.train_y,
                batch_size,
                seed=seed,
                shuffle=shuffle,
                drop_last=drop_last,
                epoch=epoch,
            ):
                t = len(losses) + 1
                now = _at(rule, hyper, t)
                loss, g = model.gradient(rule.point(carried, now), x, y)
                if not math.isfinite(loss):
                    diverged_at = t - 1
                    break
                if clip is not None:
                    g = _clipped(clip, g)
                step(g, t, now)
                del g  # so that the next gradient takes the same memory, which the cache still holds
                losses.append(loss)
                rates.append(now.get("lr", np.nan))
                show(t, f"epoch {epoch + 1}/{epochs}, loss {loss:.3g}")
            if diverged_at is None:
                measured.append(evaluate())
                if not np.isfinite(measured[-1][0]):
                    diverged_at = len(losses)
            if diverged_at is not None:
                break
    return History(
        rule,
        hyper,
        batch_size,
        per_epoch,
        np.array(losses),
        np.array(rates),
        *np.array(measured).T,
        w=carried["w"],
        state={name: carried[name] for name in rule.state},
        diverged_at=diverged_at,
    )


def _hyper(rule: Rule, given: Mapping, steps: int) -> dict[str, float | Callable]:
    """Return all hyper-parameters of a run: those given, after a check, and the rule's defaults."""
    rule.check(**given)
    hyper = {}
    for name, value in {**rule.hyper, **given}.items():
        if not callable(value) and np.ndim(value):
            raise FormulaError(
                f"{rule.name} got {name}={value!r}; a training run takes one number or a schedule"
            )
        check_length(name, value, steps)
        hyper[name] = value if callable(value) else float(value)
    return hyper


def _stepper(rule: Rule, carried: Mapping[str, np.ndarray]) -> Callable:
    """Return a function of gradient, step number and hyper-parameters that makes a step in place."""
    return inplace.stepper(rule, carried, PIECE)


def _compiled_stepper(rule: Rule, carried: Mapping[str, np.ndarray]) -> Callable:
    """Return the same, compiled."""
    from .fast import compile_rule

    compiled = compile_rule(rule)

    def step(g: np.ndarray, t: int, hyper: Mapping) -> None:
        given = {**carried, "g": g, "t": t}
        compiled(*[given[name] for name in rule.formula.positional], **hyper)

    return step


def _at(rule: Rule, hyper: Mapping, t: int) -> dict[str, float]:
    """Return the hyper-parameters of step t."""
    now = {}
    for name, value in hyper.items():
        if callable(value):
            value = value(t)
            if np.ndim(value):
                raise FormulaError(
                    f"{rule.name} got {name}={value!r} from its schedule at step {t}; expected one number"
                )
            rule.check(**{name: value})
            value = float(value)
        now[name] = value
    return now


def _clipped(clip: Callable, g: np.ndarray) -> np.ndarray:
    clipped = np.asarray(clip(g), g.dtype)
    if clipped.shape != g.shape:
        raise ValueError(f"clip returned the shape {clipped.shape} for a gradient of shape {g.shape}")
    return clipped


def _check(model, data, rule, epochs, clip) -> None:
    if lost := [name for name in ("start", "gradient", "evaluate", "size") if not hasattr(model, name)]:
        raise ValueError(
            f"got the model {model!r}, which has no {lost[0]}; expected one such as Network(64, 10)"
        )
    if not isinstance(data, Dataset):
        raise ValueError(f"got the data {data!r}; expected a Dataset, such as optimlab.datasets.digits()")
    if not isinstance(rule, Rule):
        raise ValueError(f"got the rule {rule!r}; expected a Rule, such as optimlab.rules.adam")
    if "w" not in rule.carried or rule.inputs != ("g",):
        raise ValueError(
            f"{rule.name} carries {', '.join(rule.carried)} and takes {', '.join(rule.inputs) or 'nothing'}; "
            "training needs a rule that carries the weight w and takes the gradient g"
        )
    if lost := [name for name in rule.carried if name != "w" and name not in rule.state]:
        raise ValueError(
            f"{rule.name} gives {', '.join(lost)} no initial value; write one, such as {lost[0]}=0.0"
        )
    if isinstance(epochs, bool) or not isinstance(epochs, int | np.integer) or epochs < 1:
        raise ValueError(f"got epochs={epochs!r}; expected a whole number, at least 1")
    if clip is not None and not callable(clip):
        raise ValueError(
            f"got clip={clip!r}; expected a function of the gradient, such as lambda g: np.clip(g, -1, 1)"
        )
