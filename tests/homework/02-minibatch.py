"""Solutions of the homework on mini-batches, as students write them: wrong ones and right ones, per test.

Each replaces the whole answer cell above the test. It finds what the locked cells define: ``hw``, ``np``,
``run``, the double well, ``hill``, ``shallow`` and ``noise``.
"""

_POINTS = """
    x, y, w, lr = np.array(hw["x"]), np.array(hw["y"]), hw["w0"], hw["lr"]
"""
_WELL = """
    def left(rate, steps, loud, at=shallow):
        path = run(gradient_descent, lambda w, t: double_well.gradient(w) + loud * noise[t - 1],
                   start=np.full((1, 200), at), steps=steps, lr=rate, box=(-3, 3))
        return path["w"][:, 0] < hill

    lr, s = hw["lr_well"], hw["noise_well"]
    cases = {"first": (lr, 200, s), "half": (lr / 2, 200, s), "longer": (lr / 2, 400, s),
             "louder": (lr / 2, 400, s * np.sqrt(2))}
"""

WRONG = {
    "tune": {
        "a usual pair": "def tune(trial): return 0.1, 32",
        "a usual default": "def tune(trial): return 0.01, 32",
        "the full batch": """
            def tune(trial):
                return min(np.geomspace(1e-4, 10, 25), key=lambda lr: trial(lr, 256)), 256
        """,
        "over the budget": """
            def tune(trial):
                pairs = [(lr, size) for lr in np.geomspace(1e-4, 10, 10) for size in (1, 4, 16)]
                return min(pairs, key=lambda pair: trial(*pair))
        """,
        "the order swapped": """
            def tune(trial):
                return 8, min(np.geomspace(1e-4, 10, 25), key=lambda lr: trial(lr, 8))
        """,
        "the rate of another batch": """
            def tune(trial):
                return min(np.geomspace(1e-4, 10, 25), key=lambda lr: trial(lr, 128)), 1
        """,
        "half a sample": """
            def tune(trial):
                return min(np.geomspace(1e-4, 10, 25), key=lambda lr: trial(lr, 8)), 7.5
        """,
    },
    "epoch_short": {
        "added up": _POINTS
        + """
    g = 2 * (w * x[:2] - y[:2]) * x[:2]
    w1 = w - lr * g.sum()
    epoch_short = [w1, w1 - lr * 2 * (w1 * x[2] - y[2]) * x[2]]
        """,
        "the short batch divided by two": _POINTS
        + """
    g = 2 * (w * x[:2] - y[:2]) * x[:2]
    w1 = w - lr * g.sum() / 2
    epoch_short = [w1, w1 - lr * 2 * (w1 * x[2] - y[2]) * x[2] / 2]
        """,
        "all gradients at the start": _POINTS
        + """
    g = 2 * (w * x - y) * x
    w1 = w - lr * g[:2].mean()
    epoch_short = [w1, w1 - lr * g[2]]
        """,
        "without the factor two": _POINTS
        + """
    w1 = w - lr * np.mean((w * x[:2] - y[:2]) * x[:2])
    epoch_short = [w1, w1 - lr * (w1 * x[2] - y[2]) * x[2]]
        """,
        "up the slope": _POINTS
        + """
    w1 = w + lr * np.mean(2 * (w * x[:2] - y[:2]) * x[:2])
    epoch_short = [w1, w1 + lr * 2 * (w1 * x[2] - y[2]) * x[2]]
        """,
        "only the last weight": _POINTS
        + """
    w1 = w - lr * np.mean(2 * (w * x[:2] - y[:2]) * x[:2])
    epoch_short = w1 - lr * 2 * (w1 * x[2] - y[2]) * x[2]
        """,
        "the start as well": _POINTS
        + """
    w1 = w - lr * np.mean(2 * (w * x[:2] - y[:2]) * x[:2])
    epoch_short = [w, w1, w1 - lr * 2 * (w1 * x[2] - y[2]) * x[2]]
        """,
    },
    "epoch_full": {
        "added up": _POINTS + "    epoch_full = w - lr * np.sum(2 * (w * x - y) * x)",
        "divided by two": _POINTS + "    epoch_full = w - lr * np.sum(2 * (w * x - y) * x) / 2",
        "without the last factor": _POINTS + "    epoch_full = w - lr * np.mean(2 * (w * x - y))",
        "single points": _POINTS
        + """
    for a, b in zip(x, y):
        w = w - lr * 2 * (w * a - b) * a
    epoch_full = w
        """,
        "the gradient instead of the weight": _POINTS + "    epoch_full = np.mean(2 * (w * x - y) * x)",
        "a list": _POINTS + "    epoch_full = [w - lr * np.mean(2 * (w * x - y) * x)]",
    },
    "step": {
        "t counted from zero": """
            def step(w, g, t, *, lr=0.1, tau=50.0):
                w = w - lr / (1 + t / tau) * g
                return w
        """,
        "constant": """
            def step(w, g, t, *, lr=0.1, tau=50.0):
                w = w - lr * g
                return w
        """,
        "growing": """
            def step(w, g, t, *, lr=0.1, tau=50.0):
                rate = lr * (1 + (t - 1) / tau)
                w = w - rate * g
                return w
        """,
        "halved every tau steps": """
            def step(w, g, t, *, lr=0.1, tau=50.0):
                rate = lr * 0.5 ** ((t - 1) / tau)
                w = w - rate * g
                return w
        """,
        "brackets forgotten": """
            def step(w, g, t, *, lr=0.1, tau=50.0):
                rate = lr / 1 + (t - 1) / tau
                w = w - rate * g
                return w
        """,
        "in place": """
            def step(w, g, t, *, lr=0.1, tau=50.0):
                w -= lr / (1 + (t - 1) / tau) * g
                return w
        """,
        "up the slope": """
            def step(w, g, t, *, lr=0.1, tau=50.0):
                w = w + lr / (1 + (t - 1) / tau) * g
                return w
        """,
        "a step of its own for t = 1": """
            def step(w, g, t, *, lr=0.1, tau=50.0):
                if t == 1:
                    return w - lr * g
                w = w - lr / (1 + t / tau) * g
                return w
        """,
    },
    "slip": {
        "the printed figure taken on": """
            w = float(hw["printed"][3])
            slip = {"image": 128, "w": w, "w_batches": 0.25 - 0.1 * hw["gradient_sum"] / hw["B_slip"]}
        """,
        "one step along the mean": """
            w = 0.25 - 0.1 * hw["gradient_sum"] / 128
            slip = {"image": 128, "w": w, "w_batches": w}
        """,
        "batches as far as single images": """
            w = 0.25 - 0.1 * hw["gradient_sum"]
            slip = {"image": 128, "w": w, "w_batches": w}
        """,
        "batches in one step": """
            S = hw["gradient_sum"]
            slip = {"image": 128, "w": 0.25 - 0.1 * S, "w_batches": 0.25 - 0.1 * S / 128}
        """,
        "image 3": """
            S = hw["gradient_sum"]
            slip = {"image": 3, "w": 0.25 - 0.1 * S, "w_batches": 0.25 - 0.1 * S / hw["B_slip"]}
        """,
        "upward": """
            S = hw["gradient_sum"]
            slip = {"image": 128, "w": 0.25 + 0.1 * S, "w_batches": 0.25 + 0.1 * S / hw["B_slip"]}
        """,
        "half of it": "slip = {'image': 128, 'w': 0.1688, 'w_batches': ...}",
    },
    "variance": {
        "of the gradient": """
            def variance(g, B, lr, replace):
                N = len(g)
                return np.var(g) / B * (1 if replace else (N - B) / (N - 1))
        """,
        "lr not squared": """
            def variance(g, B, lr, replace):
                N = len(g)
                return lr * np.var(g) / B * (1 if replace else (N - B) / (N - 1))
        """,
        "N - 1 in the variance": """
            def variance(g, B, lr, replace):
                N = len(g)
                return lr**2 * np.var(g, ddof=1) / B * (1 if replace else (N - B) / (N - 1))
        """,
        "always with replacement": """
            def variance(g, B, lr, replace):
                return lr**2 * np.var(g) / B
        """,
        "reduced by 1/B": """
            def variance(g, B, lr, replace):
                N = len(g)
                return lr**2 * np.var(g) * (1 - 1 / B) * (1 if replace else (N - B) / (N - 1))
        """,
        "another finite-population factor": """
            def variance(g, B, lr, replace):
                N = len(g)
                return lr**2 * np.var(g) / B * (1 if replace else (N - B) / N)
        """,
        "standard deviation": """
            def variance(g, B, lr, replace):
                N = len(g)
                return np.sqrt(lr**2 * np.var(g) / B * (1 if replace else (N - B) / (N - 1)))
        """,
        "pairs only": """
            from itertools import combinations, product

            def variance(g, B, lr, replace):
                batches = product(g, repeat=2) if replace else combinations(g, 2)
                return np.var([lr * np.mean(batch) for batch in batches])
        """,
        "simulated": """
            def variance(g, B, lr, replace):
                rng = np.random.default_rng(0)
                return np.var([lr * rng.choice(g, B, replace=replace).mean() for _ in range(1000)])
        """,
    },
    "predicted": {
        "words": "predicted = dict.fromkeys(['first', 'half', 'longer', 'louder'], 'most')",
        "percent": "predicted = {'first': 60, 'half': 5, 'longer': 10, 'louder': 60}",
        "three of four": "predicted = {'first': 0.6, 'half': 0.1, 'longer': 0.1, 'louder': ...}",
        "a list": "predicted = [0.6, 0.1, 0.1, 0.6]",
        "negative": "predicted = {'first': 0.6, 'half': -0.1, 'longer': 0.1, 'louder': 0.6}",
    },
    "measured": {
        "at the end": _WELL
        + "    measured = {name: np.mean(left(*case)[-1]) for name, case in cases.items()}",
        "who stayed": _WELL
        + "    measured = {name: 1 - np.mean(left(*case).any(axis=0)) for name, case in cases.items()}",
        "all steps counted": _WELL
        + "    measured = {name: np.mean(left(*case)) for name, case in cases.items()}",
        "counts": _WELL
        + "    measured = {name: np.sum(left(*case).any(axis=0)) for name, case in cases.items()}",
        "twice as loud": _WELL
        + """
    cases["louder"] = lr / 2, 400, 2 * s
    measured = {name: np.mean(left(*case).any(axis=0)) for name, case in cases.items()}
        """,
        "not longer": _WELL
        + """
    cases["louder"] = lr / 2, 200, s * np.sqrt(2)
    measured = {name: np.mean(left(*case).any(axis=0)) for name, case in cases.items()}
        """,
        "from the deep well": _WELL
        + """
    deep = double_well.points[0].w[0]
    measured = {name: np.mean((~left(*case, deep)).any(axis=0)) for name, case in cases.items()}
        """,
        "no noise": _WELL
        + "    measured = {name: np.mean(left(*case[:2], 0).any(axis=0)) for name, case in cases.items()}",
    },
    "descend": {
        "the short batch dropped": """
            def descend(gradient, w, x, y, lr=0.1, batch_size=2, epochs=1):
                for _ in range(epochs):
                    for k in range(len(x) // batch_size):
                        rows = slice(k * batch_size, (k + 1) * batch_size)
                        w = w - lr * gradient(w, x[rows], y[rows])
                return w
        """,
        "averaged again": """
            def descend(gradient, w, x, y, lr=0.1, batch_size=2, epochs=1):
                for _ in range(epochs):
                    for k in range(0, len(x), batch_size):
                        xs, ys = x[k : k + batch_size], y[k : k + batch_size]
                        w = w - lr * gradient(w, xs, ys) / len(xs)
                return w
        """,
        "in equal parts": """
            def descend(gradient, w, x, y, lr=0.1, batch_size=2, epochs=1):
                parts = int(np.ceil(len(x) / batch_size))
                for _ in range(epochs):
                    for a, b in zip(np.array_split(x, parts), np.array_split(y, parts)):
                        w = w - lr * gradient(w, a, b)
                return w
        """,
        "one epoch": """
            def descend(gradient, w, x, y, lr=0.1, batch_size=2, epochs=1):
                for k in range(0, len(x), batch_size):
                    w = w - lr * gradient(w, x[k : k + batch_size], y[k : k + batch_size])
                return w
        """,
        "the line built in": """
            def descend(gradient, w, x, y, lr=0.1, batch_size=2, epochs=1):
                for _ in range(epochs):
                    for k in range(0, len(x), batch_size):
                        w = w - lr * slope_of_a_line(w, x[k : k + batch_size], y[k : k + batch_size])
                return w
        """,
        "in place": """
            def descend(gradient, w, x, y, lr=0.1, batch_size=2, epochs=1):
                for _ in range(epochs):
                    for k in range(0, len(x), batch_size):
                        w -= lr * gradient(w, x[k : k + batch_size], y[k : k + batch_size])
                return w
        """,
        "returned after the first epoch": """
            def descend(gradient, w, x, y, lr=0.1, batch_size=2, epochs=1):
                for _ in range(epochs):
                    for k in range(0, len(x), batch_size):
                        w = w - lr * gradient(w, x[k : k + batch_size], y[k : k + batch_size])
                    return w
        """,
        "the full batch": """
            def descend(gradient, w, x, y, lr=0.1, batch_size=2, epochs=1):
                for _ in range(epochs):
                    w = w - lr * gradient(w, x, y)
                return w
        """,
        "shuffled": """
            def descend(gradient, w, x, y, lr=0.1, batch_size=2, epochs=1):
                rng = np.random.default_rng(0)
                for _ in range(epochs):
                    order = rng.permutation(len(x))
                    for k in range(0, len(x), batch_size):
                        rows = order[k : k + batch_size]
                        w = w - lr * gradient(w, x[rows], y[rows])
                return w
        """,
        "nothing returned": """
            def descend(gradient, w, x, y, lr=0.1, batch_size=2, epochs=1):
                w = w - lr * gradient(w, x, y)
        """,
    },
    "causes": {
        "all the same": "causes = dict.fromkeys('ABCD', 'small batches')",
        "rotated": "causes = dict(zip('ABCD', [hw._numbers['_causes'][letter] for letter in 'BCDA']))",
        "one letter missing": "causes = {letter: hw._numbers['_causes'][letter] for letter in 'ABC'}",
        "words of one's own": "causes = {letter: name.upper() for letter, name in hw._numbers['_causes'].items()}",
        "two swapped": """
            causes = dict(hw._numbers["_causes"])
            causes["A"], causes["D"] = causes["D"], causes["A"]
        """,
    },
}

RIGHT = {
    "tune": {
        "one batch, many rates": """
            def tune(trial):
                return min(np.geomspace(1e-4, 10, 25), key=lambda lr: trial(lr, 4)), 4
        """,
        "coarse, then fine, as a dict": """
            def tune(trial):
                rates = np.geomspace(1e-4, 10, 11)
                tried = {(lr, 8): trial(lr, batch_size=8) for lr in rates}
                near = min(tried, key=tried.get)[0]
                for lr in near * np.array([0.35, 0.5, 0.7, 1.4, 2, 2.8]):
                    for size in (2, 8):
                        tried[lr, size] = trial(lr, size)
                lr, size = min(tried, key=tried.get)
                return {"batch_size": size, "lr": lr}
        """,
        "with steps that shrink": """
            def tune(trial):
                left, power = min((trial(10.0**p, 2), p) for p in np.linspace(-4, 1, 11))
                step = 0.25
                while step > 0.02:
                    for way in (-step, step):
                        left, power = min((left, power), (trial(10.0 ** (power + way), 2), power + way))
                    step /= 2
                return [10.0**power, 2]
        """,
    },
    "epoch_short": {
        "by hand": _POINTS
        + """
    g1, g2 = (2 * (w * x[i] - y[i]) * x[i] for i in (0, 1))
    w1 = w - lr * (g1 + g2) / 2
    g3 = 2 * (w1 * x[2] - y[2]) * x[2]
    epoch_short = [w1, w1 - lr * g3]
        """,
        "with the package, as an array": """
            from optimlab.datasets import batches

            w, path = hw["w0"], []
            for a, b in batches(np.array(hw["x"]), np.array(hw["y"]), 2, shuffle=False):
                w = w - hw["lr"] * np.mean(2 * a * (a * w - b))
                path.append(w)
            epoch_short = np.array(path)
        """,
        "by moments, rounded": _POINTS
        + """
    path = []
    for rows in ([0, 1], [2]):
        w = w - 2 * lr * (w * np.mean(x[rows] ** 2) - np.mean(x[rows] * y[rows]))
        path.append(round(w, 5))
    epoch_short = tuple(path)
        """,
    },
    "epoch_full": {
        "by hand": _POINTS
        + """
    g = [2 * (w * a - b) * a for a, b in zip(x, y)]
    epoch_full = w - lr * sum(g) / 3
        """,
        "by moments": _POINTS + "    epoch_full = w - 2 * lr * (w * np.mean(x * x) - np.mean(x * y))",
        "with a trace, rounded": _POINTS
        + """
    g = np.mean(2 * (w * x - y) * x)
    epoch_full = np.round(gradient_descent.trace(w=w, g=[g], lr=lr)["w"][-1], 5)
        """,
    },
    "step": {
        "in two lines": """
            def step(w, g, t, *, lr=0.1, tau=50.0):
                w = w - lr / (1 + (t - 1) / tau) * g
                return w
        """,
        "without a double fraction": """
            def step(w, g, t, *, lr=1.0, tau=1.0):
                move = lr * tau * g / (tau + t - 1)
                w = w - move
                return w
        """,
        "as a rule already": """
            from optimlab.rule import Rule

            @Rule
            def step(w, g, t, *, lr=0.1, tau=50.0):
                before = t - 1
                w = w + g * -lr / (before / tau + 1)
                return w
        """,
    },
    "slip": {
        "by hand": """
            S = hw["gradient_sum"]
            slip = {"image": 128, "w": 0.25 - 0.1 * S, "w_batches": 0.25 - 0.1 * S / hw["B_slip"]}
        """,
        "by the number of updates": """
            mean = hw["gradient_sum"] / 128
            slip = dict(w_batches=0.25 - 128 // hw["B_slip"] * 0.1 * mean, w=0.25 - 128 * 0.1 * mean, image=128.0)
        """,
        "with a trace, rounded": """
            def end(updates):
                g = [hw["gradient_sum"] / 128] * updates
                return round(gradient_descent.trace(w=0.25, g=g, lr=0.1)["w"][-1], 6)

            slip = {"image": 128, "w": end(128), "w_batches": end(128 // hw["B_slip"])}
        """,
    },
    "variance": {
        "by the formulas": """
            def variance(g, batch_size, lr, replace):
                N, B = len(g), batch_size
                single = np.mean(g**2) - np.mean(g) ** 2
                return lr**2 * single * (1 / B if replace else (N - B) / (N - 1) / B)
        """,
        "by all batches": """
            from itertools import combinations, product

            def variance(g, batch_size, lr, replace):
                batches = product(g, repeat=batch_size) if replace else combinations(g, batch_size)
                return np.var([-lr * np.mean(batch) for batch in batches])
        """,
        "by covariances": """
            def variance(g, batch_size, lr, replace):
                spread = sum((one - sum(g) / len(g)) ** 2 for one in g) / len(g)
                together = 0 if replace else -spread / (len(g) - 1)
                total = batch_size * spread + batch_size * (batch_size - 1) * together
                return lr * lr * total / batch_size**2
        """,
    },
    "predicted": {
        "wrong, and worth the point": "predicted = {'first': 0, 'half': 1, 'longer': 1, 'louder': 0}",
        "computed": "predicted = dict(zip(['first', 'half', 'longer', 'louder'], np.linspace(0, 1, 4)))",
        "in another order": "predicted = {'louder': 1 / 2, 'half': 1 / 3, 'first': 1 / 2, 'longer': 1 / 4}",
    },
    "measured": {
        "with the package": _WELL
        + "    measured = {name: np.mean(left(*case).any(axis=0)) for name, case in cases.items()}",
        "by the lowest weight, all cases at once": """
            lr, s = hw["lr_well"], hw["noise_well"]
            rates = np.repeat([lr, lr / 2, lr / 2], 200)
            loud = np.repeat([s, s, s * 2**0.5], 200)
            z = np.concatenate([noise] * 3, axis=2)
            w = run(gradient_descent, lambda w, t: double_well.gradient(w) + loud * z[t - 1],
                    start=np.full((1, 600), shallow), steps=400, lr=rates, box=(-3, 3))["w"][:, 0]
            def gone(part, steps):
                return float(np.mean(w[: steps + 1, 200 * part : 200 * part + 200].min(axis=0) < hill))
            measured = {"first": gone(0, 200), "half": gone(1, 200), "longer": gone(1, 400), "louder": gone(2, 400)}
        """,
        "without the package": """
            def share(lr, steps, s):
                w, gone = np.full(200, shallow), np.zeros(200, bool)
                for t in range(steps):
                    g = 4 * w**3 - 4 * w + 0.3 + s * noise[t, 0]
                    w = np.clip(w - lr * g, -3, 3)
                    gone |= w < hill
                return gone.sum() / 200

            lr, s = hw["lr_well"], hw["noise_well"]
            measured = {"first": share(lr, 200, s), "half": share(lr / 2, 200, s),
                        "longer": share(lr / 2, 400, s), "louder": share(lr / 2, 400, s * np.sqrt(2))}
        """,
    },
    "descend": {
        "with while": """
            def descend(gradient, w, x, y, lr=0.1, batch_size=2, epochs=1):
                seen = 0
                while seen < epochs * len(x):
                    first = seen % len(x)
                    last = min(first + batch_size, len(x))
                    g = gradient(w, x[first:last], y[first:last])
                    w = w - lr * g
                    seen += last - first
                return w
        """,
        "with the package's batches": """
            from optimlab.datasets import batches

            def descend(gradient, w, x, y, lr=1, batch_size=1, epochs=1):
                for epoch in range(epochs):
                    for a, b in batches(x, y, batch_size, shuffle=False):
                        w = w + -lr * gradient(w, a, b)
                return w
        """,
        "on a copy": """
            def descend(gradient, w, x, y, lr=0.1, batch_size=2, epochs=1):
                w = np.array(w, dtype=float)
                cuts = list(range(batch_size, len(x), batch_size))
                for xs, ys in epochs * list(zip(np.split(x, cuts), np.split(y, cuts))):
                    w -= lr * gradient(w.copy(), xs, ys)
                return w
        """,
    },
    "causes": {
        "looked at": "causes = hw._numbers['_causes']",
        "in another order": "causes = dict(reversed(hw._numbers['_causes'].items()))",
        "by the last epochs": """
            causes = {}
            for letter, losses in hw["curves"].items():
                one, two = np.log(losses[-12:]), np.log(losses[-24:-12])
                if losses[-1] > losses[0]:
                    causes[letter] = "sum"
                elif losses[-1] < 1e-8:
                    causes[letter] = "full batch"
                elif np.abs(one - two).max() < 0.01:
                    causes[letter] = "sorted"
                elif np.abs(np.diff(np.log(losses[-100:]))).mean() > 0.12:
                    causes[letter] = "small batches"
                else:
                    causes[letter] = "falling rate"
        """,
    },
}
