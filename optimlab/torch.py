"""Any rule as a PyTorch optimizer, so that it can train a real network. Nothing else here needs torch.

    from optimlab.rules import adam
    from optimlab.torch import optimizer

    steps = optimizer(adam, network.parameters(), lr=0.01)

The step runs the rule's own text, with torch's functions in the place of NumPy's.
"""

from __future__ import annotations

if __name__ == "torch":
    raise ImportError(
        f"{__file__} was found in the place of PyTorch, because Python was started in optimlab's own folder; "
        "start it in another one"
    )

import dataclasses
import operator
from collections.abc import Callable, Iterable

import numpy as np

try:
    import torch
except ModuleNotFoundError as error:
    if error.name != "torch":
        raise
    raise ModuleNotFoundError(
        "optimlab.torch needs PyTorch; install it with: pip install 'optimlab[torch]'", name="torch"
    ) from None
from torch import Tensor

from .formula import FUNCTIONS, POWER, FormulaError
from .rule import Rule

# What a parameter group may hold beside hyper-parameters; a schedule that is taken up again wants initial_lr.
OF_THE_GROUP = {"params", "param_names", "initial_lr"}


# The functions of the language, on tensors, on numbers, and on both.


def _of_one(name: str) -> Callable:
    on_tensors, on_numbers = getattr(torch, name), FUNCTIONS[name]
    return lambda x: on_tensors(x) if isinstance(x, Tensor) else float(on_numbers(x))


def _sign(x):
    """Keep NaN, as NumPy does; torch.sign makes it zero, and a step would hide it."""
    return torch.where(x.isnan(), x, x.sign()) if isinstance(x, Tensor) else float(np.sign(x))


def _power(x, y):
    # Python's own power of two numbers raises, or turns complex, where arrays hold inf or NaN.
    return operator.pow(x, y) if isinstance(x, Tensor) or isinstance(y, Tensor) else float(np.power(x, y))


def _tensors(x, y) -> tuple[Tensor, Tensor]:
    """Make a tensor of the one that is a number, which torch.maximum and torch.where need."""
    if not isinstance(x, Tensor):
        x = torch.tensor(x, dtype=y.dtype, device=y.device)
    elif not isinstance(y, Tensor):
        y = torch.tensor(y, dtype=x.dtype, device=x.device)
    return x, y


def _of_two(name: str) -> Callable:
    on_tensors, on_numbers = getattr(torch, name), FUNCTIONS[name]

    def call(x, y):
        if isinstance(x, Tensor) or isinstance(y, Tensor):
            return on_tensors(*_tensors(x, y))
        return float(on_numbers(x, y))

    return call


def _where(condition, x, y):
    if not isinstance(condition, Tensor):
        return x if condition else y
    if not isinstance(x, Tensor) and not isinstance(y, Tensor):
        # Two numbers would become float32. Without dimensions float64 yields to the dtype of what it meets.
        x = torch.tensor(x, dtype=torch.float64, device=condition.device)
    return torch.where(condition, *_tensors(x, y))


_FUNCTIONS = {
    **{name: _of_one(name) for name in ("sqrt", "abs", "exp", "log", "sin", "cos")},
    **{name: _of_two(name) for name in ("maximum", "minimum")},
    "sign": _sign,
    "where": _where,
    POWER: _power,
}


# From a rule to an optimizer


def optimizer(
    rule: Rule, params: Iterable[Tensor] | Iterable[dict] | Iterable[tuple[str, Tensor]], /, **hyper
) -> RuleOptimizer:
    """Return a `torch.optim.Optimizer` that steps with the rule.

    Parameters
    ----------
    rule : Rule
        A rule that carries ``w`` and takes ``g``: one that ships with the package or your own.
    params : iterable of Tensor, of dict or of (str, Tensor)
        The parameters, or parameter groups ``{"params": ..., "lr": ...}`` with their own hyper-parameters.
    **hyper : float
        Hyper-parameters by the rule's names; the others keep the rule's defaults.

    Returns
    -------
    RuleOptimizer
        It works with ``zero_grad``, ``state_dict``, ``add_param_group``, closures, ``copy.deepcopy``, pickle
        and the schedules of ``torch.optim.lr_scheduler``. Those that also cycle the momentum
        need ``cycle_momentum=False`` unless the rule has a hyper-parameter ``momentum``.

    Raises
    ------
    FormulaError
        If the rule needs more than a gradient, a hyper-parameter is unknown (the nearest is named) or out
        of range, or a parameter is complex.

    Notes
    -----
    A parameter without a gradient is skipped, and its own step count stands still. The state has
    the parameter's dtype, but float32 for parameters of half precision: with 8 bits an average with
    ``beta2=0.999`` would not move.
    """
    return RuleOptimizer(rule, params, hyper)


class RuleOptimizer(torch.optim.Optimizer):
    """A `torch.optim.Optimizer` that steps with a rule; made by `optimizer`.

    ``state[parameter]`` holds the step count ``"t"`` and the rule's state by the rule's names.
    """

    def __init__(self, rule: Rule, params, hyper: dict):
        _check_fits(rule)
        self.rule = rule
        self._bind()
        super().__init__(
            params, {name: _number(rule, name, v) for name, v in {**rule.hyper, **hyper}.items()}
        )

    def _bind(self) -> None:
        """Compile the rule, and the point where it takes its gradient, on torch's functions."""
        self._formula = self.rule.formula.bind(_FUNCTIONS)
        if ahead := self.rule.look_ahead:
            (point,) = ahead.result
            self._point = dataclasses.replace(ahead, body=(("point", point),)).bind(_FUNCTIONS)

    def __getstate__(self) -> dict:
        return {**super().__getstate__(), "rule": self.rule}

    def __setstate__(self, state: dict) -> None:
        super().__setstate__(state)
        self._bind()

    def __repr__(self) -> str:
        return super().__repr__().replace(" (", f" of {self.rule.name} (", 1)

    def add_param_group(self, param_group: dict) -> None:
        """Add parameters, with the hyper-parameters that the dict names; the others are the optimizer's.

        Raises
        ------
        FormulaError
            As `optimizer` does.
        """
        given = [name for name in param_group if name not in OF_THE_GROUP]
        numbers = {name: _number(self.rule, name, param_group[name]) for name in given}
        super().add_param_group(param_group)
        group = self.param_groups[-1]
        group.update(numbers)
        if any(p.is_complex() for p in group["params"]):
            self.param_groups.pop()
            raise FormulaError(
                f"{self.rule.name} got a complex parameter; pass its real view, torch.view_as_real(...)"
            )

    def load_state_dict(self, state_dict: dict) -> None:
        """Take over the state and hyper-parameters of another optimizer of the same rule.

        Raises
        ------
        FormulaError
            If the names in it are not the rule's.
        """
        for group in state_dict["param_groups"]:
            if lost := [name for name in self.rule.hyper if name not in group]:
                raise FormulaError(
                    f"the state to load has no {', '.join(lost)}; "
                    f"it was not saved by an optimizer of {self.rule.name}"
                )
        for state in state_dict["state"].values():
            if set(state) != {"t", *self.rule.state}:
                raise FormulaError(
                    f"the state to load holds {', '.join(map(str, state))}; "
                    f"{self.rule.name} keeps {', '.join(['t', *self.rule.state])}"
                )
        super().load_state_dict(state_dict)
        # torch has cast the state to the parameters' dtype; where ours is finer, take it as it was saved.
        saved = [number for group in state_dict["param_groups"] for number in group["params"]]
        own = [p for group in self.param_groups for p in group["params"]]
        for number, p in zip(saved, own, strict=True):
            if number in state_dict["state"] and _dtype(p) != p.dtype:
                for name in self.rule.state:
                    value = state_dict["state"][number][name]
                    self.state[p][name] = value.to(dtype=_dtype(p), device=p.device)

    @torch.no_grad()
    def step(self, closure: Callable[[], Tensor | float] | None = None):
        """Make one step on every parameter that has a gradient.

        Parameters
        ----------
        closure : callable, optional
            Clears the gradients, computes the loss, calls ``backward`` and returns the loss. A rule that
            looks ahead needs it: the closure is then evaluated at the point that the rule declares.

        Returns
        -------
        The loss that the closure returned, or None.

        Raises
        ------
        FormulaError
            If a rule that looks ahead gets no closure, a gradient is sparse, or the rule divides one
            number by zero.
        """
        loss = None
        if self.rule.look_ahead:
            if closure is None:
                raise FormulaError(
                    f"{self.rule.name} takes its gradient ahead of the weights and must compute it itself: "
                    "pass step(closure), where closure clears the gradients, computes the loss, "
                    "calls backward() and returns the loss"
                )
            loss = self._at_the_point(closure)
        elif closure is not None:
            with torch.enable_grad():
                loss = closure()
        ready = [(p, group) for group in self.param_groups for p in group["params"] if p.grad is not None]
        if any(p.grad.layout != torch.strided for p, _ in ready):
            raise FormulaError(
                f"{self.rule.name} got a sparse gradient; rules are for dense ones: "
                "use an embedding with sparse=False"
            )
        for p, group in ready:
            self._advance(p, self._hyper(group))
        return loss

    def _hyper(self, group: dict) -> dict:
        # A schedule may have left one of NumPy's numbers, whose product with a tensor is an array.
        values = {name: group[name] for name in self.rule.hyper}
        return {name: v if isinstance(v, Tensor) else float(v) for name, v in values.items()}

    def _carried(self, p: Tensor) -> dict:
        """Return what the rule carries of this parameter, in the dtype that it computes in."""
        state = self.state.get(p)  # looking must not make an empty entry
        dtype = _dtype(p)
        if not state:
            start = {name: torch.full_like(p, value, dtype=dtype) for name, value in self.rule.state.items()}
            return {"w": p.to(dtype), **start}
        return {"w": p.to(dtype), **{name: state[name] for name in self.rule.state}}

    def _at_the_point(self, closure: Callable):
        """Evaluate the closure where the rule takes its gradient, and put every weight back."""
        ahead = self.rule.look_ahead
        weights = []
        try:
            for group in self.param_groups:
                hyper = self._hyper(group)
                for p in group["params"]:
                    if p.requires_grad:
                        carried = self._carried(p)
                        here = {name: carried[name] for name in ahead.positional}
                        now = {name: hyper[name] for name in ahead.keyword}
                        weights.append((p, p.clone()))
                        p.copy_(self._point(**here, **now)["point"])
            with torch.enable_grad():
                return closure()
        finally:
            for p, weight in weights:
                p.copy_(weight)

    def _advance(self, p: Tensor, hyper: dict) -> None:
        t = self.state[p]["t"] + 1 if self.state.get(p) else 1
        now, g = self._carried(p), p.grad.to(_dtype(p))
        clock = {"t": float(t)} if self.rule.uses_t else {}
        try:
            with np.errstate(all="ignore"):  # inf and NaN are results, of numbers as of tensors
                row = self._formula(**now, g=g, **clock, **hyper)
        except ZeroDivisionError:
            raise FormulaError(f"{self.rule.name} divides a number by zero in step {t}") from None
        new = {name: row.get(name, now[name]) for name in self.rule.carried}
        # What is the gradient or the weight itself would change with it.
        kept = {name: _kept(new[name], now["w"], g) for name in self.rule.state}
        p.copy_(new["w"] if isinstance(new["w"], Tensor) else torch.full_like(p, new["w"]))
        self.state[p] = {"t": t, **kept}


def _kept(value, w: Tensor, g: Tensor) -> Tensor:
    """Return a value as the next step may find it: a tensor like the weight that nobody else changes."""
    if not isinstance(value, Tensor):
        return torch.full_like(w, value)
    if value is w or value is g or value.shape != w.shape:
        return value.expand_as(w).to(w.dtype, copy=True)
    return value.to(w.dtype)


def _dtype(p: Tensor) -> torch.dtype:
    """Return the dtype that a rule computes in for this parameter, which its state has too."""
    return torch.promote_types(p.dtype, torch.float32)


def _number(rule: Rule, name: str, value):
    """Return a hyper-parameter as a checked number; a tensor of one number stays what it is."""
    if callable(value) and not isinstance(value, Tensor):
        raise FormulaError(
            f"{rule.name} got a function for {name}; give a number and use torch.optim.lr_scheduler"
        )
    if name in rule.hyper and np.ndim(value.detach().cpu() if isinstance(value, Tensor) else value):
        raise FormulaError(f"{rule.name} got {name}={value!r}; expected one number")
    plain = value.item() if isinstance(value, Tensor) else value
    rule.check(**{name: plain})
    return value if isinstance(value, Tensor) else float(value)


def _check_fits(rule: Rule) -> None:
    if not isinstance(rule, Rule):
        raise FormulaError(
            f"an optimizer is made from a Rule, not from {rule!r}; write @Rule above its function"
        )
    takes = ", ".join(rule.formula.positional)
    if "w" not in rule.carried or rule.inputs != ("g",):
        raise FormulaError(
            f"{rule.name}({takes}) cannot train a network: "
            "it must carry the weight w and take the gradient g, and nothing else"
        )
    if lost := [name for name in rule.carried if name != "w" and name not in rule.state]:
        raise FormulaError(f"{rule.name}({takes}) gives {', '.join(lost)} no initial value")
    if taken := OF_THE_GROUP & set(rule.hyper):
        raise FormulaError(f"{rule.name}: torch uses the name {', '.join(taken)} for its own; rename it")
