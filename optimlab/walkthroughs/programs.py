"""Our own short versions of the programs whose output the notes print.

A worked example of the kind ``code-output`` names one of these functions; another may, for what is
neither a rule nor an expression, such as a schedule. It is called with the
example's givens by name and returns its results by name: numbers, or lists with one entry per
step, which expressions read as ``name[1]``, ``name[2]``, ... A function that needs more than
NumPy imports it inside.
"""

from __future__ import annotations

from collections.abc import Sequence


def averager(theta: Sequence[float], beta: float) -> dict[str, list[float]]:
    """Run a running averager over a series, with and without bias correction.

    Parameters
    ----------
    theta : sequence of float
        The measurements.
    beta : float
        The share of the old average that is kept.

    Returns
    -------
    dict
        ``raw`` and ``corrected`` averages, the ``plain`` mean so far, and the distance ``error``
        of the corrected average from it.
    """
    v, total = 0.0, 0.0
    results: dict[str, list[float]] = {"raw": [], "corrected": [], "plain": [], "error": []}
    for t, measured in enumerate(theta, start=1):
        v = beta * v + (1 - beta) * measured
        total += measured
        results["raw"].append(v)
        results["corrected"].append(v / (1 - beta**t))
        results["plain"].append(total / t)
        results["error"].append(abs(v / (1 - beta**t) - total / t))
    return results


def cosine_decay(lr: float, lr_min: float, warmup: float, epochs: float) -> dict[str, list[float]]:
    """Return the ``rate`` of every epoch and of the one after the last: linear warm-up, then half a wave.

    Epoch ``warmup`` of the warm-up, counted from 1, has the full rate, and so has the first one after it.
    """
    from ..schedules import cosine, linear

    warmup, epochs = int(warmup), int(epochs)
    ramp = linear.using(lr=lr, start=1 / warmup, end=1.0, steps=warmup - 1) if warmup > 1 else None
    wave = cosine.using(lr=lr, lr_min=lr_min, steps=epochs - warmup)
    before = [float(ramp(t)) for t in range(1, warmup + 1)] if ramp else []
    return {"rate": before + [float(wave(t)) for t in range(1, epochs - warmup + 2)]}


def plateau(
    lr: float, factor: float, patience: float, improving: float, epochs: float
) -> dict[str, list[float]]:
    """Return the ``rate`` of every epoch where the loss falls for ``improving`` epochs and then no more.

    ``impatient`` are the rates with a patience that is less by one.
    """
    from ..schedules import ReduceOnPlateau

    losses = [1.0 / min(epoch, improving) for epoch in range(1, int(epochs) + 1)]

    def rates(patience: float) -> list[float]:
        return [float(rate) for rate in ReduceOnPlateau(lr, factor=factor, patience=patience).rates(losses)]

    return {"rate": rates(patience), "impatient": rates(patience - 1)}


def optimizer_memory(parameters: float, bytes_each: float) -> dict[str, list[float]]:
    """Count what gradient descent, momentum, RMSprop and Adam keep for every parameter.

    ``copies`` beside the parameters themselves, and the ``total`` in bytes, parameters included.
    """
    from ..rules import adam, gradient_descent, momentum, rmsprop

    copies = [float(len(rule.state)) for rule in (gradient_descent, momentum, rmsprop, adam)]
    return {"copies": copies, "total": [(1 + each) * parameters * bytes_each for each in copies]}


def accumulation(samples: float, batch: float, accumulate: float) -> dict[str, object]:
    """Go through one epoch of batches and step after every ``accumulate`` of them.

    ``stepped`` are the numbers of the batches after which there was a step, counted from 1, and
    ``per_step`` how many samples each step is made of.
    """
    stepped, per_step, waiting = [], [], 0
    for number, begin in enumerate(range(0, int(samples), int(batch)), start=1):
        waiting += min(int(batch), int(samples) - begin)
        if number % int(accumulate) == 0:
            stepped.append(float(number))
            per_step.append(float(waiting))
            waiting = 0
    return {"stepped": stepped, "per_step": per_step}


def cat_or_dog(seed: float, images: float, batch: float, rate_32: float, epochs: float, seeds: float) -> dict:
    """Train the 1000-100-2 network on random images with random labels, as the program of N1 does.

    That program trains one network after another, with batches of 1, 8, 32, 128 and 1024 images, all
    from one stream of random numbers. Images, labels, first weights and orders are drawn here exactly as
    PyTorch draws them there. The arithmetic is in double precision, so that the result is the same on
    every machine.

    Parameters
    ----------
    seed : int
        Where the random numbers start.
    images, batch, epochs : int
        Training images, how many of them make a batch, and how often all are seen.
    rate_32 : float
        The learning rate for batches of 32; it is proportional to the batch.
    seeds : int
        With how many more seeds, the next ones, the same is done.

    Returns
    -------
    dict
        ``batch_loss`` and ``batch_right`` (percent) of the first batches, ``epoch_loss`` and
        ``epoch_right`` of the epochs, counted while the weights change, the ``test_right`` of 256 other
        images, ``updates`` per epoch and in ``total``. With ``least_`` or ``most_`` before the name: the
        least or most that the further seeds give.
    """
    sizes = (1, 8, 32, 128, 1024)
    seed, images, batch, epochs = int(seed), int(images), int(batch), int(epochs)
    before = sizes[: sizes.index(batch) + 1]
    result, *others = (
        _train_cat_or_dog(seed + k, images, before, rate_32, epochs) for k in range(int(seeds) + 1)
    )
    for name in list(result):
        for word, extreme in (("least", min), ("most", max)):
            values = [other[name] for other in others]
            result[f"{word}_{name}"] = (
                [extreme(each) for each in zip(*values, strict=True)]
                if isinstance(result[name], list)
                else extreme(values)
            )
    return result


def _train_cat_or_dog(seed: int, images: int, sizes: Sequence[int], rate_32: float, epochs: int) -> dict:
    """Go through the batch sizes in this order, and return what the last one's network prints."""
    import torch

    def number():
        return torch.empty((), dtype=torch.int64).random_()

    single, double = torch.float32, torch.float64
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # the matrices are small: more threads only wait for each other
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            x = torch.randn(images, 1000, dtype=single).to(double)
            y = torch.randint(0, 2, (images,))
            x_test = torch.randn(256, 1000, dtype=single).to(double)
            y_test = torch.randint(0, 2, (256,))
            truth = torch.eye(2, dtype=double)[y]
            for size in sizes:
                layers = torch.nn.Linear(1000, 100, dtype=single), torch.nn.Linear(100, 2, dtype=single)
                w1, b1, w2, b2 = (p.detach().to(double) for each in layers for p in each.parameters())
                rate = rate_32 * size / 32
                losses, right = [], []
                for _ in range(epochs):
                    number()  # a DataLoader draws two numbers per epoch: one for its workers, one to shuffle
                    shuffled = torch.Generator()
                    shuffled.manual_seed(int(number()))
                    if size != sizes[-1]:
                        continue  # only its random numbers matter for the networks after it
                    for chosen in torch.randperm(images, generator=shuffled).split(size):
                        inputs, wanted = x[chosen], truth[chosen]
                        hidden = torch.relu(inputs @ w1.T + b1)
                        scores = hidden @ w2.T + b2
                        logs = torch.log_softmax(scores, dim=1)
                        losses.append(-float((logs * wanted).sum()) / len(chosen))
                        right.append(100 * float((scores.argmax(1) == y[chosen]).sum()) / len(chosen))
                        back2 = (logs.exp() - wanted) / len(chosen)
                        back1 = (back2 @ w2) * (hidden > 0)
                        w2 -= rate * back2.T @ hidden
                        b2 -= rate * back2.sum(0)
                        w1.addmm_(back1.T, inputs, alpha=-rate)
                        b1 -= rate * back1.sum(0)
                number()  # and one for the test images
            scores = torch.relu(x_test @ w1.T + b1) @ w2.T + b2
            test_right = 100 * float((scores.argmax(1) == y_test).sum()) / len(y_test)
    finally:
        torch.set_num_threads(threads)
    updates = -(-images // sizes[-1])
    of_epochs = [slice(e * updates, (e + 1) * updates) for e in range(epochs)]
    return {
        "batch_loss": losses[:3],
        "batch_right": right[:3],
        "epoch_loss": [sum(losses[e]) / updates for e in of_epochs],
        "epoch_right": [sum(right[e]) / updates for e in of_epochs],
        "test_right": test_right,
        "updates": float(updates),
        "total": float(len(losses)),
    }


def adam_on_random_labels(seed: float, lr: float) -> dict:
    """Train the 1000-100-2 network on random labels with Adam, as the Adam sample of N1 does.

    Parameters
    ----------
    seed : int
        Where the random numbers start.
    lr : float
        Adam's learning rate.

    Returns
    -------
    dict
        ``loss`` and ``right`` (percent) of each of ten epochs, counted while the weights change;
        ``first_loss`` and ``first_right`` of the first batch; with ``least_`` or ``most_`` before the
        name: the least or most that this seed and two others give.
    """
    from torch.optim import Adam

    runs = [_train_in_turn([lambda p: Adam(p, lr=lr)], s)[0] for s in (int(seed), 0, 1)]
    return {**runs[0], **_least_and_most(runs)}


def five_optimizers(
    seed: float, lr_sgd: float, lr_momentum: float, momentum: float, lr: float, alpha: float, decay: float
) -> dict:
    """Train five networks on the same random labels, one after another, as the comparison of N1 does.

    Data, first weights and orders all come from one stream of random numbers.

    Parameters
    ----------
    seed : int
        Where the random numbers start.
    lr_sgd, lr_momentum, lr : float
        The learning rates of SGD, of SGD with momentum, and of the other three.
    momentum, alpha, decay : float
        The share of the velocity that is kept, that of RMSprop's squares, and AdamW's weight decay.

    Returns
    -------
    dict
        ``loss`` and ``right`` (percent) of each of ten epochs, after the name of the optimizer: ``sgd_``,
        ``momentum_``, ``rmsprop_``, ``adam_``, ``adamw_``. With ``least_`` or ``most_`` in between: the
        least or most that this seed and two others give.
    """
    from torch.optim import SGD, Adam, AdamW, RMSprop

    optimizers = {
        "sgd": lambda p: SGD(p, lr=lr_sgd),
        "momentum": lambda p: SGD(p, lr=lr_momentum, momentum=momentum),
        "rmsprop": lambda p: RMSprop(p, lr=lr, alpha=alpha),
        "adam": lambda p: Adam(p, lr=lr),
        "adamw": lambda p: AdamW(p, lr=lr, weight_decay=decay),
    }
    by_seed = [_train_in_turn(list(optimizers.values()), s) for s in (int(seed), 0, 1)]
    result = {}
    for name, *runs in zip(optimizers, *by_seed, strict=True):
        found = {**runs[0], **_least_and_most(runs)}
        result.update({f"{name}_{quantity}": value for quantity, value in found.items()})
    return result


def _least_and_most(runs: list[dict]) -> dict:
    """Return the least and the most of every quantity over runs."""
    found = {}
    for name, value in runs[0].items():
        for word, extreme in (("least", min), ("most", max)):
            values = [run[name] for run in runs]
            several = isinstance(value, list)
            found[f"{word}_{name}"] = (
                [extreme(each) for each in zip(*values, strict=True)] if several else extreme(values)
            )
    return found


def _train_in_turn(optimizers: list, seed: int) -> list[dict]:
    """Train one network per optimizer from one stream of random numbers.

    Everything random is drawn as a program of PyTorch draws it. The arithmetic is in double precision,
    so that the result is the same on every machine.
    """
    import torch
    from torch import nn
    from torch.utils.data import DataLoader

    runs = []
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # the matrices are small: more threads only wait for each other
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            x = torch.randn(1024, 1000, dtype=torch.float32).double()
            y = torch.randint(0, 2, (1024,))
            for optimizer in optimizers:
                layers = nn.Linear(1000, 100, dtype=torch.float32), nn.Linear(100, 2, dtype=torch.float32)
                model = nn.Sequential(layers[0], nn.ReLU(), layers[1]).double()
                stepper = optimizer(model.parameters())
                losses, right = [], []
                for _ in range(10):
                    for batch in DataLoader(range(1024), batch_size=32, shuffle=True):
                        scores = model(x[batch])
                        loss = nn.functional.cross_entropy(scores, y[batch])
                        stepper.zero_grad()
                        loss.backward()
                        stepper.step()
                        losses.append(loss.item())
                        right.append(100 * (scores.argmax(1) == y[batch]).double().mean().item())
                epochs = [slice(32 * e, 32 * e + 32) for e in range(10)]
                runs.append(
                    {
                        "loss": [sum(losses[e]) / 32 for e in epochs],
                        "right": [sum(right[e]) / 32 for e in epochs],
                        "first_loss": losses[0],
                        "first_right": right[0],
                    }
                )
    finally:
        torch.set_num_threads(threads)
    return runs


def noisy_stream(
    first: Sequence[float],
    level: float,
    spread: float,
    w0: float,
    target: float,
    lr: float,
    beta1: float,
    beta2: float,
    eps: float,
) -> dict:
    """Let four rules walk along a stream of gradients of which only the first few are known.

    The further gradients are normally distributed; twenty streams are drawn.

    Parameters
    ----------
    first : sequence of float
        The gradients that are known.
    level, spread : float
        Mean and standard deviation of the further ones.
    w0, target : float
        Where the weight starts and where it is to get.
    lr, beta1, beta2, eps : float
        Hyper-parameters.

    Returns
    -------
    dict
        After the name of the rule (``gd_``, ``momentum_``, ``rmsprop_``, ``adam_``): the ``least`` and
        ``most`` weight after ten steps, and the number of ``steps`` to the target if every further
        gradient is the mean. ``fast_least`` and ``fast_most`` are those of gradient descent at ten times
        the rate.
    """
    import numpy as np

    from ..rules import adam, gradient_descent, momentum_average, rmsprop

    first = np.asarray(first, dtype=float)
    random = np.random.default_rng(0)
    drawn = level + spread * random.standard_normal((10 - len(first), 20))
    streams = np.concatenate([np.repeat(first[:, None], 20, axis=1), drawn])
    rules = {
        "gd": (gradient_descent, {"lr": lr}),
        "fast": (gradient_descent, {"lr": 10 * lr}),
        "momentum": (momentum_average, {"lr": lr, "momentum": beta1}),
        "rmsprop": (rmsprop, {"lr": lr, "rho": beta2, "eps": eps}),
        "adam": (adam, {"lr": lr, "beta1": beta1, "beta2": beta2, "eps": eps}),
    }
    result = {}
    for name, (rule, hyper) in rules.items():
        ends = rule.trace(g=streams, w=np.full(20, w0), **hyper)["w"][-1]
        result[f"{name}_least"], result[f"{name}_most"] = float(ends.min()), float(ends.max())
        steps, length = 0, 500
        while not steps:
            stream = np.concatenate([first, np.full(length, level)])
            steps = int(np.argmax(rule.trace(g=stream, w=w0, **hyper)["w"] <= target))
            length *= 6
        result[f"{name}_steps"] = float(steps)
    return result


def momentum_on_random_labels(seed: float, seeds: float) -> dict[str, list[float]]:
    """Compare plain gradient descent, momentum and Nesterov on cats and dogs with random labels.

    1024 images of 1000 random features, a 1000-100-2 network, mini-batches of 32, ten epochs. One
    generator feeds everything: the data once, then for each optimizer in turn the start and the order of
    the images. Momentum 0.5 takes its turn too, but no output of it is printed: only its random numbers
    matter here. They are drawn in single precision, as the program does; the sums are in double
    precision, so that every machine gets the same digits.

    Parameters
    ----------
    seed : float
        The seed of the program.
    seeds : float
        How many seeds in all, counted on from the first one.

    Returns
    -------
    dict
        For ``plain``, ``momentum`` and ``nesterov`` the ``_loss`` and the ``_acc`` (in percent) on the
        training images of each epoch, and the smallest (``_low``) and largest (``_high``) over the seeds.
    """
    import torch
    from torch.nn.functional import cross_entropy
    from torch.utils.data import DataLoader

    optimizers = {
        "plain": {"lr": 0.1},
        "half": {},
        "momentum": {"lr": 0.01, "momentum": 0.9},
        "nesterov": {"lr": 0.01, "momentum": 0.9, "nesterov": True},
    }
    histories: dict[str, list[list[float]]] = {}
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # the matrices are small: more threads only wait for each other
    try:
        with torch.random.fork_rng(devices=[]):
            for each in range(int(seed), int(seed + seeds)):
                torch.manual_seed(each)
                x, y = torch.randn(1024, 1000).double(), torch.randint(0, 2, (1024,))
                batches = DataLoader(range(len(x)), batch_size=32, shuffle=True, collate_fn=torch.tensor)
                for name, options in optimizers.items():
                    layers = torch.nn.Linear(1000, 100), torch.nn.ReLU(), torch.nn.Linear(100, 2)
                    network = torch.nn.Sequential(*layers).double()
                    optimizer = torch.optim.SGD(network.parameters(), **options)
                    for quantity in ("loss", "acc"):
                        histories.setdefault(f"{name}_{quantity}", []).append([])
                    for _ in range(10):
                        losses, right = 0.0, 0
                        for batch in batches:
                            if name == "half":
                                continue
                            scores = network(x[batch])
                            loss = cross_entropy(scores, y[batch])
                            optimizer.zero_grad()
                            loss.backward()
                            optimizer.step()
                            losses += loss.item()
                            right += int((scores.argmax(1) == y[batch]).sum())
                        histories[f"{name}_loss"][-1].append(losses / len(batches))
                        histories[f"{name}_acc"][-1].append(100 * right / len(x))
    finally:
        torch.set_num_threads(threads)
    del histories["half_loss"], histories["half_acc"]
    results = {}
    for name, history in histories.items():
        results[name] = history[0]
        results[f"{name}_low"] = [min(epoch) for epoch in zip(*history, strict=True)]
        results[f"{name}_high"] = [max(epoch) for epoch in zip(*history, strict=True)]
    return results
