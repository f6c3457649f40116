"""Any rule as a PyTorch optimizer: equal to torch's own, and a good citizen of torch's machinery."""

from __future__ import annotations

import copy
import io
import pickle
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from writing import define

from optimlab import rules
from optimlab.catalog import RULES
from optimlab.formula import FormulaError
from optimlab.rule import Rule

torch = pytest.importorskip("torch")

from optimlab.torch import RuleOptimizer, optimizer  # noqa: E402  (needs torch)

ROOT = Path(__file__).resolve().parents[1]
TRAINABLE = [rule for rule in RULES.values() if "w" in rule.carried and rule.inputs == ("g",)]
RATES = {"adadelta": 30.0, "adagrad": 0.1, "qhm": 0.1, "signsgd": 0.01, "lion": 0.01}


def network(dtype=torch.float64, seed: int = 0) -> torch.nn.Module:
    torch.manual_seed(seed)
    layers = torch.nn.Sequential(torch.nn.Linear(5, 8), torch.nn.Tanh(), torch.nn.Linear(8, 1))
    return layers.to(dtype)


def batches(steps: int, dtype=torch.float64) -> list:
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(steps, 16, 5, generator=generator, dtype=torch.float64)
    y = torch.sin(x.sum(-1, keepdim=True))
    return list(zip(x.to(dtype), y.to(dtype), strict=True))


def train(net, steps_with, data, *, scheduler=None, use_closure=False) -> list[float]:
    losses = []
    for x, y in data:

        def closure(x=x, y=y):
            steps_with.zero_grad()
            loss = ((net(x) - y) ** 2).mean()
            loss.backward()
            return loss

        if use_closure:
            losses.append(steps_with.step(closure).item())
        else:
            losses.append(closure().item())
            steps_with.step()
        if scheduler is not None:
            scheduler.step()
    return losses


def weights(net: torch.nn.Module) -> torch.Tensor:
    return torch.cat([p.detach().flatten() for p in net.parameters()])


def assert_close(net, other, tolerance: float = 1e-12) -> None:
    theirs = weights(other)
    assert (weights(net) - theirs).abs().max() <= tolerance * theirs.abs().max()


def rule(source: str) -> Rule:
    return Rule(define(source))


# The same as torch's own

optim = torch.optim
SAME = {
    "gradient_descent": ({"lr": 0.1}, lambda p: optim.SGD(p, lr=0.1)),
    "momentum": ({"lr": 0.05}, lambda p: optim.SGD(p, lr=0.05, momentum=0.9)),
    "nesterov": ({"lr": 0.05}, lambda p: optim.SGD(p, lr=0.05, momentum=0.9, nesterov=True)),
    "adagrad": ({}, lambda p: optim.Adagrad(p)),
    "adadelta": ({}, lambda p: optim.Adadelta(p)),
    "rmsprop": ({}, lambda p: optim.RMSprop(p)),
    "rmsprop_centered": ({}, lambda p: optim.RMSprop(p, centered=True)),
    "rmsprop_momentum": ({"lr": 0.001}, lambda p: optim.RMSprop(p, lr=0.001, momentum=0.9)),
    "adam": ({}, lambda p: optim.Adam(p)),
    "amsgrad": ({}, lambda p: optim.Adam(p, amsgrad=True)),
    "adam_l2": ({"weight_decay": 0.1}, lambda p: optim.Adam(p, weight_decay=0.1)),
    "adamw": ({"weight_decay": 0.1}, lambda p: optim.AdamW(p, weight_decay=0.1)),
    "adamax": ({}, lambda p: optim.Adamax(p)),
    "nadam": ({}, lambda p: optim.NAdam(p)),
}


@pytest.fixture
def float64_default():
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(before)


@pytest.mark.usefixtures("float64_default")
@pytest.mark.parametrize("name", SAME)
def test_training_a_network_equals_torchs_optimizer_over_50_steps(name):
    hyper, make = SAME[name]
    mine, theirs = network(), network()
    train(mine, optimizer(RULES[name], mine.parameters(), **hyper), batches(50))
    train(theirs, make(theirs.parameters()), batches(50))
    assert_close(mine, theirs)


def test_float32_training_stays_as_near_to_torch_as_float32_is():
    mine, theirs = network(torch.float32), network(torch.float32)
    data = batches(50, torch.float32)
    train(mine, optimizer(rules.adam, mine.parameters(), lr=0.01), data)
    train(theirs, optim.Adam(theirs.parameters(), lr=0.01), data)
    assert weights(mine).dtype == torch.float32
    assert_close(mine, theirs, 1e-4)


@pytest.mark.parametrize("which", TRAINABLE, ids=lambda r: r.name)
def test_every_rule_that_takes_a_gradient_trains_least_squares_downwards(which):
    torch.manual_seed(0)
    x = torch.randn(64, 3, dtype=torch.float64)
    y = x @ torch.tensor([1.0, -2.0, 0.5], dtype=torch.float64)
    w = torch.zeros(3, dtype=torch.float64, requires_grad=True)
    steps = optimizer(which, [w], lr=RATES.get(which.name, 0.01))

    def closure():
        steps.zero_grad()
        loss = ((x @ w - y) ** 2).mean()
        loss.backward()
        return loss

    losses = [steps.step(closure).item() for _ in range(200)]
    assert losses[-1] < 0.5 * losses[0]


@pytest.mark.parametrize("which", TRAINABLE, ids=lambda r: r.name)
def test_stepping_tensors_equals_the_trace(which):
    rng = np.random.default_rng(4)
    start, gradients = rng.standard_normal(6), rng.standard_normal((20, 6))
    w = torch.tensor(start, requires_grad=True)
    steps = optimizer(which, [w])

    def closure_of(gradient):
        def closure():
            w.grad = torch.tensor(gradient)
            return 0.0

        return closure

    for gradient in gradients:
        steps.step(closure_of(gradient))
    np.testing.assert_allclose(
        w.detach().numpy(), which.trace(w=start, g=gradients)["w"][-1], rtol=1e-12, atol=1e-13
    )


# A rule of one's own


def test_a_rule_written_in_a_cell_trains():
    # Every construct, numbers and tensors mixed in every way that torch itself refuses.
    own = rule("""
        def own(w, g, t, v=0.0, u=1.0, *, lr=0.1, beta=0.9, bound=1.0):
            v = beta * v + (1 - beta) * g
            u = maximum(abs(v), minimum(u, 0.5))
            rate = lr * where(t < 3, 0.5, 1.0) / sqrt(maximum(t, 4)) * cos(0.0) * exp(sin(0.0)) * sign(bound)
            step = where(v > 0, 1.0, where(v < 0, -1.0, 0.0)) + where(u > 1, v, 0.1) + log(1.0) ** 2.0
            w = w - rate * maximum(-bound, minimum(step, bound)) / (1 + (-beta) ** 2.0)
            return w, v, u
    """)
    rng = np.random.default_rng(5)
    start, gradients = rng.standard_normal(6), rng.standard_normal((20, 6))
    w = torch.tensor(start, requires_grad=True)
    steps = optimizer(own, [w], beta=0.8)
    for gradient in gradients:
        w.grad = torch.tensor(gradient)
        steps.step()
    expected = own.trace(w=start, g=gradients, beta=0.8)
    np.testing.assert_allclose(w.detach().numpy(), expected["w"][-1], rtol=1e-13)
    for name in ("v", "u"):
        np.testing.assert_allclose(steps.state[w][name].numpy(), expected[name][-1], rtol=1e-13)


def test_a_state_that_is_the_gradient_or_the_weight_itself_keeps_its_value():
    own = rule("""
        def own(w, g, last=0.0, before=0.0, *, lr=0.1):
            last = g
            before = w
            w = w - lr * g
            return w, last, before
    """)
    w = torch.ones(2, requires_grad=True)
    steps = optimizer(own, [w])
    w.grad = torch.tensor([1.0, 2.0])
    steps.step()
    steps.zero_grad(set_to_none=False)
    assert steps.state[w]["last"].tolist() == [1, 2]
    assert steps.state[w]["before"].tolist() == [1, 1]
    assert not any(steps.state[w][name].requires_grad for name in ("last", "before"))


def test_a_state_that_is_one_number_is_kept_as_a_tensor_like_the_weight():
    own = rule("def own(w, g, t, k=0.0, *, lr=0.1):\n    k = 1 / t\n    w = w - lr * k * g\n    return w, k")
    w = torch.ones(3, requires_grad=True)
    w.grad = torch.ones(3)
    steps = optimizer(own, [w])
    steps.step()
    steps.step()
    assert steps.state[w]["k"].tolist() == [0.5] * 3


def test_nan_in_a_gradient_is_not_hidden_by_the_sign():
    w = torch.ones(2, requires_grad=True)
    steps = optimizer(rules.signsgd, [w], lr=0.1)
    w.grad = torch.tensor([float("nan"), 2.0])
    steps.step()
    assert w.isnan().tolist() == [True, False]


def test_a_number_divided_by_zero_is_reported_with_the_step():
    own = rule("def own(w, g, t, *, lr=0.1):\n    w = w - lr / (t - 2) * g\n    return w")
    w = torch.ones(1, requires_grad=True)
    w.grad = torch.ones(1)
    steps = optimizer(own, [w])
    steps.step()
    with pytest.raises(FormulaError, match="own divides a number by zero in step 2"):
        steps.step()


# Parameter groups


def test_every_group_has_its_own_hyper_parameters():
    a, b = (torch.ones(2, requires_grad=True) for _ in range(2))
    steps = optimizer(rules.gradient_descent, [{"params": [a], "lr": 0.5}, {"params": [b]}], lr=0.1)
    a.grad, b.grad = torch.ones(2), torch.ones(2)
    steps.step()
    assert a.tolist() == [0.5, 0.5]
    assert b.tolist() == pytest.approx([0.9, 0.9])


def test_a_group_added_later_starts_its_own_count():
    a, b = (torch.zeros(1, dtype=torch.float64, requires_grad=True) for _ in range(2))
    steps = optimizer(rules.adam, [a], lr=0.1)
    a.grad = torch.ones_like(a)
    steps.step()
    steps.add_param_group({"params": [b], "lr": 0.01})
    b.grad = torch.ones_like(b)
    steps.step()
    # Bias-corrected from its own first step, Adam moves by one learning rate.
    assert b.item() == pytest.approx(-0.01, rel=1e-6)
    assert [steps.state[p]["t"] for p in (a, b)] == [2, 1]


def test_a_parameter_without_a_gradient_is_skipped_and_keeps_its_count():
    a, b = (torch.ones(1, requires_grad=True) for _ in range(2))
    steps = optimizer(rules.adam, [a, b])
    a.grad = torch.ones(1)
    steps.step()
    assert b.item() == 1
    assert b not in steps.state
    assert steps.state[a]["t"] == 1


def test_parameters_may_be_named():
    net = network()
    steps = optimizer(rules.adam, net.named_parameters())
    assert steps.param_groups[0]["param_names"][0] == "0.weight"
    train(net, steps, batches(1))


def test_two_optimizers_side_by_side_do_not_touch_each_other():
    alone = network(seed=3)
    train(alone, optimizer(rules.adam, alone.parameters(), lr=0.02), batches(20))
    first, second = network(seed=3), network(seed=4)
    one, two = optimizer(rules.adam, first.parameters(), lr=0.02), optimizer(rules.lion, second.parameters())
    for batch in batches(20):
        train(first, one, [batch])
        train(second, two, [batch])
    assert torch.equal(weights(first), weights(alone))


# Saving and copying


def through_a_file(state: dict) -> dict:
    buffer = io.BytesIO()
    torch.save(state, buffer)
    buffer.seek(0)
    return torch.load(buffer)  # weights only, torch's default: nothing but tensors and numbers is in it


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16], ids=str)
@pytest.mark.parametrize("name", ["momentum", "adam", "nadam", "adadelta", "aggmo"])
def test_saved_and_loaded_in_the_middle_a_run_goes_on_bitwise_the_same(name, dtype):
    data = batches(30, dtype)
    net = network(dtype)
    steps = optimizer(RULES[name], net.parameters(), lr=0.02)
    train(net, steps, data[:15])
    saved = through_a_file({"net": net.state_dict(), "steps": steps.state_dict()})
    train(net, steps, data[15:])

    other = network(dtype, seed=9)
    other.load_state_dict(saved["net"])
    again = optimizer(RULES[name], other.parameters(), lr=0.9)
    again.load_state_dict(saved["steps"])
    assert again.param_groups[0]["lr"] == 0.02
    train(other, again, data[15:])
    assert torch.equal(weights(other), weights(net))


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_a_copy_goes_on_by_itself(copied):
    net = network()
    steps = optimizer(rules.nesterov_lookahead, net.parameters(), lr=0.02)
    train(net, steps, batches(5), use_closure=True)
    other, again = copied((net, steps))
    assert again.rule is rules.nesterov_lookahead
    before = weights(net)
    train(other, again, batches(10)[5:], use_closure=True)
    assert torch.equal(weights(net), before)
    train(net, steps, batches(10)[5:], use_closure=True)
    assert torch.equal(weights(net), weights(other))


def test_a_rule_of_a_cell_is_copied_with_its_optimizer():
    own = rule("def own(w, g, *, lr=0.1):\n    w = w - lr * g\n    return w")
    w = torch.ones(1, requires_grad=True)
    assert copy.deepcopy(optimizer(own, [w])).rule is own


def test_the_state_of_another_rule_is_refused():
    nets = [network() for _ in range(3)]
    makers = [
        lambda p: optimizer(rules.adam, p),
        lambda p: optimizer(rules.momentum, p),
        lambda p: optim.Adam(p),
    ]
    adam, momentum, torchs = (make(net.parameters()) for make, net in zip(makers, nets, strict=True))
    for net, steps in zip(nets, (adam, momentum, torchs), strict=True):
        train(net, steps, batches(1))
    with pytest.raises(FormulaError, match="has no momentum; it was not saved by an optimizer of momentum"):
        momentum.load_state_dict(adam.state_dict())
    with pytest.raises(FormulaError, match="has no beta1, beta2; it was not saved by an optimizer of adam"):
        adam.load_state_dict(torchs.state_dict())
    nadam = optimizer(rules.adam_uncorrected, network().parameters())
    broken = adam.state_dict()
    del broken["state"][0]["v"]
    with pytest.raises(FormulaError, match="holds t, m; adam_uncorrected keeps t, m, v"):
        nadam.load_state_dict(broken)


# Schedules and closures


@pytest.mark.usefixtures("float64_default")
@pytest.mark.parametrize(
    "schedule",
    [
        lambda o: torch.optim.lr_scheduler.StepLR(o, step_size=7, gamma=0.3),
        lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, T_max=50),
        lambda o: torch.optim.lr_scheduler.LambdaLR(o, lambda t: np.float64(1 / (t + 1))),
        lambda o: torch.optim.lr_scheduler.OneCycleLR(o, max_lr=0.1, total_steps=60, cycle_momentum=False),
    ],
    ids=["step", "cosine", "lambda", "one-cycle"],
)
def test_torchs_schedules_drive_the_learning_rate(schedule):
    mine, theirs = network(), network()
    steps, expected = (
        optimizer(rules.adam, mine.parameters(), lr=0.05),
        optim.Adam(theirs.parameters(), lr=0.05),
    )
    train(mine, steps, batches(50), scheduler=schedule(steps))
    train(theirs, expected, batches(50), scheduler=schedule(expected))
    assert steps.param_groups[0]["lr"] != 0.05
    assert_close(mine, theirs)


def test_one_cycle_cycles_the_momentum_of_a_rule_that_has_one():
    net = network()
    steps = optimizer(rules.momentum, net.parameters())
    torch.optim.lr_scheduler.OneCycleLR(steps, max_lr=0.1, total_steps=60)
    assert steps.param_groups[0]["momentum"] == 0.95


def test_a_learning_rate_may_be_a_tensor():
    net, other = network(), network()
    train(net, optimizer(rules.adam, net.parameters(), lr=torch.tensor(0.03125)), batches(5))
    train(other, optimizer(rules.adam, other.parameters(), lr=0.03125), batches(5))
    assert_close(net, other)


def test_with_a_closure_the_loss_is_returned_and_the_steps_are_the_same():
    plain, closed = network(), network()
    losses = train(plain, optimizer(rules.adam, plain.parameters()), batches(10))
    with torch.no_grad():  # the closure computes gradients all the same
        again = train(closed, optimizer(rules.adam, closed.parameters()), batches(10), use_closure=True)
    assert again == losses
    assert torch.equal(weights(plain), weights(closed))


def test_a_step_leaves_numpys_warnings_to_the_closure():
    w = torch.ones(1, requires_grad=True)
    seen = []

    def closure():
        seen.append(np.geterr())
        w.grad = torch.ones(1)
        return 0.0

    optimizer(rules.adam, [w]).step(closure)
    assert seen == [np.geterr()]


# Looking ahead


def test_a_rule_that_looks_ahead_gets_the_gradient_at_its_point():
    w = torch.tensor([1.0, 2.0], dtype=torch.float64, requires_grad=True)
    bowl = torch.tensor([1.0, 10.0], dtype=torch.float64)
    steps = optimizer(rules.nesterov_lookahead, [w], lr=0.02)
    seen = []

    def closure():
        steps.zero_grad()
        seen.append(w.detach().numpy().copy())
        loss = (bowl * w**2).sum() / 2
        loss.backward()
        return loss

    path = [w.detach().numpy().copy()]
    for _ in range(30):
        steps.step(closure)
        path.append(w.detach().numpy().copy())
    trace = rules.nesterov_lookahead.trace(w=[1.0, 2.0], g=lambda w: bowl.numpy() * w, steps=30, lr=0.02)
    np.testing.assert_allclose(path, trace["w"], rtol=1e-12, atol=1e-14)
    points = trace["w"] - 0.02 * 0.9 * trace["v"]
    np.testing.assert_allclose(seen, points[:-1], rtol=1e-12, atol=1e-14)


def test_a_rule_that_looks_ahead_refuses_a_step_without_a_closure():
    w = torch.ones(1, requires_grad=True)
    with pytest.raises(
        FormulaError, match=r"nesterov_lookahead takes its gradient ahead.*pass step\(closure\)"
    ):
        optimizer(rules.nesterov_lookahead, [w]).step()


def test_when_the_closure_fails_the_weights_are_back_where_they_were():
    w = torch.ones(1, requires_grad=True)
    steps = optimizer(rules.nesterov_lookahead, [w])

    def closure():
        w.grad = torch.ones(1)
        return 0.0

    steps.step(closure)
    before = w.detach().clone()

    def failing():
        assert not torch.equal(w, before)
        raise RuntimeError("no data")

    with pytest.raises(RuntimeError, match="no data"):
        steps.step(failing)
    assert torch.equal(w, before)


def test_frozen_parameters_stay_where_they_are_while_others_look_ahead():
    w, frozen = torch.ones(1, requires_grad=True), torch.ones(1)
    steps = optimizer(rules.nesterov_lookahead, [w, frozen])

    def closure():
        w.grad = torch.ones(1)
        return 0.0

    for _ in range(3):
        steps.step(closure)
    assert frozen.item() == 1
    assert w.item() < 1


# Precision


def test_parameters_of_half_precision_keep_a_state_of_float32_that_moves():
    w = torch.ones(4, dtype=torch.bfloat16, requires_grad=True)
    steps = optimizer(rules.adam, [w], lr=0.01)
    gradients = [torch.full((4,), size, dtype=torch.bfloat16) for size in [1.0] * 100 + [0.125] * 100]
    for gradient in gradients:
        w.grad = gradient
        steps.step()
    expected = rules.adam.trace(w=np.ones(4), g=[g.float().numpy() for g in gradients])["v"][-1]
    assert steps.state[w]["v"].dtype == torch.float32
    np.testing.assert_allclose(steps.state[w]["v"].numpy(), expected, rtol=1e-4)
    assert w.dtype == torch.bfloat16


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_the_state_has_the_dtype_of_its_parameter(dtype):
    w = torch.ones(2, dtype=dtype, requires_grad=True)
    w.grad = torch.ones_like(w)
    steps = optimizer(rules.nadam, [w])
    steps.step()
    assert {steps.state[w][name].dtype for name in ("m", "v", "p")} == {dtype}


@pytest.mark.parametrize("which", TRAINABLE, ids=lambda r: r.name)
def test_a_step_stays_on_the_device_of_its_parameter(which):
    # The meta device computes shapes only, and like a GPU refuses tensors of another device.
    w = torch.ones(3, device="meta", requires_grad=True)
    w.grad = torch.ones(3, device="meta")
    steps = optimizer(which, [w])
    steps.step(lambda: 0.0)
    steps.step(lambda: 0.0)
    assert {steps.state[w][name].device.type for name in which.state} <= {"meta"}


# Bad input


@pytest.mark.parametrize(
    ("which", "hyper", "message"),
    [
        (rules.adam, {"beta": 0.5}, r"adam has no hyper-parameter 'beta' \(did you mean 'beta\d'\?\)"),
        (rules.adam, {"learning_rate": 0.5}, "no hyper-parameter 'learning_rate'.*it has lr, beta1"),
        (rules.adam, {"lr": -1.0}, r"adam got lr=-1\.0; expected a finite number, at least 0"),
        (rules.adam, {"lr": float("nan")}, "lr=nan; expected a finite number"),
        (rules.adam, {"beta1": 1.0}, r"beta1=1\.0; expected a share: at least 0 and less than 1"),
        (rules.adam, {"lr": [0.1, 0.2]}, r"lr=\[0\.1, 0\.2\]; expected one number"),
        (rules.adam, {"lr": torch.ones(2)}, r"lr=tensor\(\[1\., 1\.\]\); expected one number"),
        (rules.adam, {"lr": "fast"}, "lr='fast'; expected a number"),
        (rules.adam, {"lr": lambda t: 1 / t}, "a function for lr; give a number and use torch.optim.lr_sch"),
        (RULES["ewa"], {}, r"ewa\(theta, v\) cannot train a network: it must carry the weight w and take"),
        (rules.adam.function, {}, "made from a Rule, not from <function adam.*write @Rule above"),
        (
            rule("def own(w, g, v):\n    v = v + g\n    w = w - v\n    return w, v"),
            {},
            r"own\(w, g, v\) gives v no initial value",
        ),
        (
            rule("def own(w, g, *, params=1.0):\n    w = w - params * g\n    return w"),
            {},
            "own: torch uses the name params for its own; rename it",
        ),
    ],
)
def test_what_does_not_fit_is_refused_by_name(which, hyper, message):
    with pytest.raises(FormulaError, match=message):
        optimizer(which, [torch.ones(1, requires_grad=True)], **hyper)


def test_a_group_with_an_unknown_or_bad_hyper_parameter_is_refused():
    a, b = (torch.ones(1, requires_grad=True) for _ in range(2))
    with pytest.raises(FormulaError, match=r"momentum has no hyper-parameter 'momentun' \(did you mean 'mom"):
        optimizer(rules.momentum, [{"params": [a], "momentun": 0.5}])
    steps = optimizer(rules.momentum, [a])
    with pytest.raises(FormulaError, match="momentum=2; expected a share"):
        steps.add_param_group({"params": [b], "momentum": 2})
    assert len(steps.param_groups) == 1


def test_a_sparse_gradient_is_refused_before_any_weight_moves():
    dense = torch.ones(2, requires_grad=True)
    table = torch.nn.Embedding(4, 2, sparse=True)
    (table(torch.tensor([1])).sum() + dense.sum()).backward()
    with pytest.raises(FormulaError, match=r"adam got a sparse gradient.*sparse=False"):
        optimizer(rules.adam, [dense, table.weight]).step()
    assert dense.tolist() == [1, 1]


def test_a_complex_parameter_is_refused():
    with pytest.raises(FormulaError, match="complex parameter; pass its real view"):
        optimizer(rules.adam, [torch.ones(1, dtype=torch.complex64, requires_grad=True)])


def test_no_parameters_are_refused_as_torch_refuses_them():
    with pytest.raises(ValueError, match="empty parameter list"):
        optimizer(rules.adam, [])


def test_it_is_an_optimizer_of_torch_and_says_of_which_rule():
    steps = optimizer(rules.adam, [torch.ones(1, requires_grad=True)], lr=0.25)
    assert isinstance(steps, torch.optim.Optimizer)
    assert isinstance(steps, RuleOptimizer)
    assert repr(steps).startswith("RuleOptimizer of adam (\nParameter Group 0")
    assert "lr: 0.25" in repr(steps)


def test_stepping_raises_no_warnings():
    net = network()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for which in TRAINABLE:
            train(net, optimizer(which, net.parameters()), batches(2), use_closure=True)


# The import


def python(code: str, **more) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, **more)


def test_the_package_imports_no_torch_until_it_is_asked_to():
    code = (
        "import sys, optimlab, optimlab.catalog, optimlab.layerwise; print('torch' in sys.modules);"
        "import optimlab.torch, torch; print(torch.optim.SGD.__name__)"
    )
    assert python(code, cwd=ROOT, check=True).stdout.split() == ["False", "SGD"]


def test_without_torch_the_error_says_how_to_install_it():
    code = "import sys; sys.modules['torch'] = None; import optimlab.torch"
    message = python(code, cwd=ROOT).stderr.splitlines()[-1]
    assert message == (
        "ModuleNotFoundError: optimlab.torch needs PyTorch; install it with: pip install 'optimlab[torch]'"
    )


def test_started_in_the_packages_own_folder_it_says_that_it_stands_in_torchs_place():
    done = python("import torch", cwd=ROOT / "optimlab")
    assert "found in the place of PyTorch" in done.stderr.splitlines()[-1]
