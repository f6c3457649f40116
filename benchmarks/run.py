"""Measure what the package promises of its speed, and write it to ``results.md`` beside this file.

    make bench

Each row compares pieces of the same work, in turns, in one process, on one core: the first, the second, the
first, the second, ... Times are processor times, which other programs on the machine hardly change, and the
ratio is the median of the rounds' ratios. What is compared with is optional (torch; jax with optax; numba
for our own compiled code): where one is missing, its rows say so.
"""

# ruff: noqa: E402 (libraries count their threads when they are imported)

from __future__ import annotations

import os

# Before anything reads them: every library computes with one thread, so that codes are compared, not cores.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[_name] = "1"
os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false"
if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})

import importlib.metadata
import importlib.util
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from optimlab import training
from optimlab.datasets import batches, cat_vs_dog
from optimlab.descent import run
from optimlab.fast import compile_rule, compile_sweep
from optimlab.landscapes import rosenbrock
from optimlab.network import Network
from optimlab.rules import adam
from optimlab.training import train

RATES = np.logspace(-4, -1, 10_000)
PEERS = ("numpy", "numba", "torch", "jax", "optax")


@dataclass
class Row:
    """One line of the table: how many times as fast `ours` is as `theirs`."""

    work: str
    ours: str
    theirs: str
    seconds: float | None = None
    peer_seconds: float | None = None
    ratio: float | None = None
    at_least: float | None = None
    note: str = ""


def has(*names: str) -> bool:
    """Return whether all of these can be imported."""
    return all(importlib.util.find_spec(name) for name in names)


def missing(*names: str) -> str:
    """Say which of these cannot be imported."""
    return "not measured for want of " + ", ".join(name for name in names if not has(name))


def in_turns(works: dict[str, Callable], rounds: int) -> dict[str, np.ndarray]:
    """Time each piece of work once per round; the first call of each is not counted."""
    seconds: dict[str, list[float]] = {name: [] for name in works}
    for work in works.values():
        work()
    for _ in range(rounds):
        for name, work in works.items():
            begin = time.process_time()
            work()
            seconds[name].append(time.process_time() - begin)
    return {name: np.array(times) for name, times in seconds.items()}


def compare(row: Row, times: dict[str, np.ndarray], ours: str, theirs: str, scale: float = 1.0) -> Row:
    """Fill a row; `scale` is how many times the peer's piece of work makes up the whole."""
    row.seconds = float(np.median(times[ours]))
    row.peer_seconds = float(np.median(times[theirs])) * scale
    row.ratio = float(np.median(times[theirs] * scale / times[ours]))
    return row


def repeat(work: Callable, times: int) -> Callable:
    """Return the work done so many times, for what is too short to time."""

    def repeated() -> None:
        for _ in range(times):
            work()

    return repeated


# Adam on big vectors


def compiled_adam(size: int) -> Callable:
    """Return one compiled step of Adam on float32 vectors."""
    rng = np.random.default_rng(0)
    w, g = (rng.standard_normal(size, dtype=np.float32) for _ in range(2))
    step = compile_rule(adam)
    state, clock = step.state(w), iter(range(1, 10**9))
    return lambda: step(w, g, next(clock), *state)


def torch_fused_adam(size: int) -> Callable:
    """Return one step of torch's fused Adam on a float32 vector."""
    import torch

    torch.manual_seed(0)
    weights = torch.nn.Parameter(torch.randn(size))
    weights.grad = torch.randn(size)
    return torch.optim.Adam([weights], lr=0.001, fused=True).step


def seven_streams(size: int) -> Callable:
    """Return a loop that reads four vectors and writes three, and computes next to nothing."""
    import numba

    @numba.njit
    def move(w, g, m, v):
        for i in range(w.size):
            w[i] += g[i]
            m[i] += g[i]
            v[i] += g[i]

    vectors = [np.ones(size, np.float32) for _ in range(4)]
    vectors[1][:] = 1e-6
    return lambda: move(*vectors)


def big_vectors() -> list[Row]:
    """Compare one step on 10 million and on 100,000 numbers."""
    rows = []
    for size, rounds, times in ((10**7, 31, 1), (10**5, 301, 5)):
        work = f"one Adam step, {size:,} float32"
        against_torch = Row(work, "compiled", "torch fused", at_least=0.95 if size > 10**6 else 1.2)
        against_memory = Row(work, "compiled", "reading 4 and writing 3 vectors", at_least=0.85)
        if size < 10**6:
            against_memory.at_least = None
        rows += [against_torch, against_memory]
        if not has("numba"):
            against_torch.note = against_memory.note = missing("numba")
            continue
        works = {
            "compiled": repeat(compiled_adam(size), times),
            "memory": repeat(seven_streams(size), times),
        }
        if has("torch"):
            works["torch"] = repeat(torch_fused_adam(size), times)
        measured = {name: t / times for name, t in in_turns(works, rounds).items()}
        compare(against_memory, measured, "compiled", "memory")
        if has("torch"):
            compare(against_torch, measured, "compiled", "torch")
        else:
            against_torch.note = missing("torch")
    return rows


# Ten thousand runs


def torch_descent(lr: float, steps: int, autograd: bool) -> list:
    """Make one run of torch's Adam on Rosenbrock's valley and keep all points."""
    import torch

    w = torch.tensor(rosenbrock.start, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.Adam([w], lr=lr)
    path = [w.tolist()]
    w.grad = torch.zeros_like(w)
    for _ in range(steps):
        if autograd:
            optimizer.zero_grad()
            x, y = w
            ((1 - x) ** 2 + 100 * (y - x**2) ** 2).backward()
        else:
            x, y = path[-1]
            w.grad[0] = -2 * (1 - x) - 400 * x * (y - x**2)
            w.grad[1] = 200 * (y - x**2)
        optimizer.step()
        path.append(w.tolist())
    return path


def jax_sweep(dtype) -> Callable:
    """Return the sweep in jax: one compiled scan, mapped over the learning rates."""
    import jax
    import jax.numpy as jnp
    import optax

    jax.config.update("jax_enable_x64", True)
    start, rates = jnp.array(rosenbrock.start, dtype), jnp.array(RATES, dtype)

    def slope(w):
        x, y = w
        return jnp.stack([-2 * (1 - x) - 400 * x * (y - x**2), 200 * (y - x**2)])

    def one_run(lr):
        optimizer = optax.adam(lr)

        def step(carried, _):
            w, state = carried
            updates, state = optimizer.update(slope(w), state, w)
            return (optax.apply_updates(w, updates), state), None

        return jax.lax.scan(step, (start, optimizer.init(start)), None, length=100)[0][0]

    sweep = jax.jit(jax.vmap(one_run))
    return lambda: sweep(rates).block_until_ready()


def sweeps() -> list[Row]:
    """Compare 10,000 runs of 100 Adam steps on Rosenbrock's valley."""
    work = "10,000 runs × 100 Adam steps"
    loop, given = "a loop over torch.optim", "the same, the gradient given"
    rows = {
        ("numpy", "autograd"): Row(work, "NumPy", loop, at_least=2500),
        ("numpy", "given"): Row(work, "NumPy", given),
        ("float64", "autograd"): Row(work, "compiled", loop, at_least=10_000),
        ("float64", "given"): Row(work, "compiled", given),
        ("float64", "jax64"): Row(work, "compiled", "jax vmap + scan, optax", at_least=3),
        ("float32", "jax32"): Row(work + ", float32", "compiled", "jax vmap + scan, optax", at_least=3),
        ("exact", "jax64"): Row(work, "compiled, exact", "jax vmap + scan, optax"),
    }
    works: dict[str, Callable] = {"numpy": lambda: run(adam, rosenbrock, steps=100, record=(), lr=RATES)}
    if has("numba"):
        sweep, exact = compile_sweep(adam, rosenbrock), compile_sweep(adam, rosenbrock, exact=True)
        single = np.array(rosenbrock.start, np.float32)
        works["float64"] = lambda: sweep(steps=100, lr=RATES)
        works["exact"] = lambda: exact(steps=100, lr=RATES)
        works["float32"] = lambda: sweep(start=single, steps=100, lr=RATES)
    if has("jax", "optax"):
        works["jax64"], works["jax32"] = jax_sweep(np.float64), jax_sweep(np.float32)
    pieces = 2
    if has("torch"):
        some = RATES[:: len(RATES) // pieces]
        works["autograd"] = lambda: [torch_descent(float(lr), 100, autograd=True) for lr in some]
        works["given"] = lambda: [torch_descent(float(lr), 100, autograd=False) for lr in some]
    measured = in_turns(works, 101)
    for (ours, theirs), row in rows.items():
        if theirs.startswith("jax") and ours != "exact":
            row.note = "our loop waits for the divider: 2 divisions and 2 roots per step"
        if ours in measured and theirs in measured:
            scale = len(RATES) / pieces if theirs in ("autograd", "given") else 1.0
            compare(row, measured, ours, theirs, scale)
            if scale > 1:
                row.note = f"torch: {pieces} of the runs, times {scale:g}"
        else:
            peers = ("jax", "optax") if theirs.startswith("jax") else ("torch",)
            row.note = missing(*(() if ours == "numpy" else ("numba",)), *peers)
    return list(rows.values())


def one_path() -> list[Row]:
    """Compare one run of 200 steps of which every point is kept."""
    work = "one path of 200 Adam steps, all points kept"
    rows = [
        Row(work, "NumPy", "torch.optim", at_least=4),
        Row(work, "NumPy", "torch.optim, the gradient given"),
    ]
    if not has("torch"):
        for row in rows:
            row.note = missing("torch")
        return rows
    works = {
        "numpy": lambda: run(adam, rosenbrock, steps=200, lr=0.01),
        "autograd": lambda: torch_descent(0.01, 200, autograd=True),
        "given": lambda: torch_descent(0.01, 200, autograd=False),
    }
    measured = in_turns(works, 61)
    return [compare(rows[0], measured, "numpy", "autograd"), compare(rows[1], measured, "numpy", "given")]


# A network


def steps_alone(model: Network, data, epochs: int, compiled: bool) -> Callable:
    """Return the training steps alone, as `train` makes them: mini-batches, gradients, steps."""
    make_stepper = training._compiled_stepper if compiled else training._stepper

    def work() -> None:
        w, t = model.start(0), 0
        step = make_stepper(adam, {"w": w, "m": np.zeros_like(w), "v": np.zeros_like(w)})
        for epoch in range(epochs):
            for x, y in batches(data.train_x, data.train_y, 32, epoch=epoch):
                t += 1
                step(model.gradient(w, x, y)[1], t, adam.hyper)

    return work


def torch_steps(model: Network, data, epochs: int, evaluated: bool) -> Callable:
    """Return the training in torch as its tutorials write it, from the same weights, on the same batches."""
    import torch

    named = model.named(model.start(0))
    every_x, every_y = torch.from_numpy(data.train_x), torch.from_numpy(data.train_y).long()

    def work() -> None:
        layers = torch.nn.Sequential(torch.nn.Linear(1000, 100), torch.nn.ReLU(), torch.nn.Linear(100, 2))
        with torch.no_grad():
            for layer, number in ((layers[0], 1), (layers[2], 2)):
                layer.weight.copy_(torch.from_numpy(named[f"W{number}"].copy()))
                layer.bias.copy_(torch.from_numpy(named[f"b{number}"].copy()))
        optimizer, cost = torch.optim.Adam(layers.parameters(), lr=0.001), torch.nn.CrossEntropyLoss()

        @torch.no_grad()
        def evaluate() -> None:
            if evaluated:
                scores = layers(every_x)
                cost(scores, every_y).item()
                (scores.argmax(1) == every_y).float().mean().item()

        evaluate()
        for epoch in range(epochs):
            for x, y in batches(data.train_x, data.train_y, 32, epoch=epoch):
                optimizer.zero_grad()
                cost(layers(torch.from_numpy(x)), torch.from_numpy(y).long()).backward()
                optimizer.step()
            evaluate()

    return work


def network() -> list[Row]:
    """Compare ten epochs of a small network on 1024 samples."""
    work = "1000-100-2 network, 10 epochs of 1024, batch 32, float32"
    whole, torch_adam = f"{work}, evaluated after each", "torch, its default Adam"
    rows = {
        ("numpy", "torch"): Row(whole, "NumPy", torch_adam, at_least=1.5),
        ("compiled", "torch"): Row(whole, "compiled", torch_adam, at_least=2.5),
        ("numpy steps", "torch steps"): Row(f"{work}, steps alone", "NumPy", torch_adam, at_least=1.5),
        ("compiled steps", "torch steps"): Row(f"{work}, steps alone", "compiled", torch_adam, at_least=2.5),
    }
    model, data = Network(1000, 100, 2), cat_vs_dog(1024, test_samples=2)
    given = {"epochs": 10, "batch_size": 32, "progress": False}
    works: dict[str, Callable] = {
        "numpy": lambda: train(model, data, adam, **given),
        "numpy steps": steps_alone(model, data, 10, compiled=False),
    }
    if has("numba"):
        works["compiled"] = lambda: train(model, data, adam, compiled=True, **given)
        works["compiled steps"] = steps_alone(model, data, 10, compiled=True)
    if has("torch"):
        works["torch"] = torch_steps(model, data, 10, evaluated=True)
        works["torch steps"] = torch_steps(model, data, 10, evaluated=False)
    measured = in_turns(works, 15)
    for (ours, theirs), row in rows.items():
        if ours in measured and theirs in measured:
            compare(row, measured, ours, theirs)
        else:
            row.note = missing("torch", *(("numba",) if ours.startswith("compiled") else ()))
    return list(rows.values())


# The import


def import_time() -> float:
    """Return how many seconds ``import optimlab`` takes after ``import numpy``, in a fresh interpreter."""
    program = (
        "import time, numpy; begin = time.perf_counter(); import optimlab; print(time.perf_counter() - begin)"
    )
    environment = {**os.environ, "PYTHONPATH": str(HERE.parent)}
    seconds = [
        float(subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True).stdout)
        for _ in range(22)
    ]
    return statistics.median(seconds[1:])


# The page


def duration(seconds: float | None) -> str:
    """Write a duration with three digits and the unit that suits it."""
    if seconds is None:
        return ""
    unit, name = next((u, n) for u, n in ((1.0, "s"), (1e-3, "ms"), (0.0, "µs")) if seconds >= u)
    unit = unit or 1e-6
    return f"{seconds / unit:,.0f} {name}" if seconds >= 100 * unit else f"{seconds / unit:.3g} {name}"


def times(ratio: float | None) -> str:
    """Write a ratio with three digits."""
    return "" if ratio is None else f"{ratio:,.0f}" if ratio >= 100 else f"{ratio:.3g}"


def line(row: Row) -> str:
    """Write one row of the table."""
    reached = "" if None in (row.ratio, row.at_least) else "yes" if row.ratio >= row.at_least else "**no**"
    cells = [
        row.work,
        row.ours,
        row.theirs,
        duration(row.seconds),
        duration(row.peer_seconds),
        times(row.ratio),
        times(row.at_least),
        reached,
        row.note,
    ]
    return f"| {' | '.join(cells)} |"


def machine() -> str:
    """Name the processor and the versions."""
    cpu = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        found = [part.split(":")[1].strip() for part in info.read_text().splitlines() if "model name" in part]
        cpu = found[0] if found else cpu
    versions = [f"{name} {importlib.metadata.version(name)}" if has(name) else f"no {name}" for name in PEERS]
    return (
        f"{cpu}, {os.cpu_count()} cores, {platform.system()}; "
        f"Python {platform.python_version()}, {', '.join(versions)}"
    )


def main() -> None:
    """Measure everything and write the page."""
    if has("torch"):
        import torch

        torch.set_num_threads(1)
    rows = []
    for group in (big_vectors, sweeps, one_path, network):
        for row in group():
            rows.append(row)
            print(line(row), flush=True)
    seconds = import_time()
    reached = "yes" if seconds < 0.05 else "**no**"
    page = [
        "# Speed",
        "",
        "Written by `make bench`. Both sides of a row run in turns in one process on one core. Times are",
        "medians of processor time; the ratio (peer's time over ours) is the median of the rounds' ratios.",
        "",
        f"Measured on {machine()}.",
        "",
        "| work | ours | compared with | ours takes | it takes | ratio | at least | reached | remarks |",
        "|---|---|---|---|---|---|---|---|---|",
        *map(line, rows),
        "",
        f"`import optimlab` takes {seconds * 1e3:.3g} ms beyond `import numpy` (fresh interpreters,",
        f"median of 21); at most 50 ms: {reached}.",
        "",
    ]
    (HERE / "results.md").write_text("\n".join(page), encoding="utf-8")
    print("\n".join(page[-3:]))


if __name__ == "__main__":
    main()
