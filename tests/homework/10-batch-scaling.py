"""Solutions of the homework on scaling the batch, as students write them: wrong and right ones, per test.

Each replaces the whole answer cell above the test. It finds what the locked cells define: ``hw``, ``np``,
``run``, ``by_norm`` and the rules.
"""

_POINTS = """
    x, y, w0 = np.array(hw["x"]), np.array(hw["y"]), hw["w0"]
    slope = lambda w: 2 * (w * x - y) * x
"""

_ACCUMULATE = """
    from numpy import floor, where
    def accumulate(w, g, t, s=0.0, *, lr=0.1, every=4.0):
        rest = t - every * floor(t / every)
"""

_NOISE = """
    S = (hw["square_small"] - hw["square_big"]) / (1 / hw["b_small"] - 1 / hw["b_big"])
    G = hw["square_big"] - S / hw["b_big"]
"""

_JITTER = """
    noise = np.random.default_rng(hw["noise_seed"]).normal(size=(800, 100))
    k = hw["k"]
    def rest(rule, lr, size):
        f = lambda w, t: w + size * noise[t - 1]
        return run(rule, f, start=np.zeros(100), steps=800, lr=lr)["w"]
    ways = {"same": 1, "root": k**0.5, "linear": k}
    both = {"sgd": (gradient_descent, 0.02), "adam": (adam, 0.08)}
"""

WRONG = {
    "tune": {
        "a usual pair": "def tune(trial): return 0.1, 32",
        "a usual default": "def tune(trial): return 0.01, 32",
        "the largest batch": """
            def tune(trial):
                return min(np.geomspace(0.01, 10, 40), key=lambda lr: trial(lr, 4096)), 4096
        """,
        "single samples": """
            def tune(trial):
                return min(np.geomspace(0.01, 10, 40), key=lambda lr: trial(lr, 1)), 1
        """,
        "over the budget": """
            def tune(trial):
                pairs = [(lr, size) for lr in np.geomspace(0.01, 10, 12) for size in (16, 64, 256, 1024)]
                return min(pairs, key=lambda pair: trial(*pair))
        """,
        "the order swapped": """
            def tune(trial):
                return 128, min(np.geomspace(0.01, 10, 40), key=lambda lr: trial(lr, 128))
        """,
        "half a sample": """
            def tune(trial):
                return min(np.geomspace(0.01, 10, 40), key=lambda lr: trial(lr, 128)), 128.5
        """,
    },
    "scaled": {
        "rules swapped": """
            k = hw["new_batch"] / hw["batch"]
            scaled = {"sgd": hw["lr_sgd"] * k**0.5, "adam": hw["lr_adam"] * k,
                      "updates": -(-hw["samples"] // hw["new_batch"])}
        """,
        "lowered": """
            k = hw["new_batch"] / hw["batch"]
            scaled = {"sgd": hw["lr_sgd"] / k, "adam": hw["lr_adam"] / k**0.5,
                      "updates": -(-hw["samples"] // hw["new_batch"])}
        """,
        "linear for both": """
            k = hw["new_batch"] / hw["batch"]
            scaled = {"sgd": hw["lr_sgd"] * k, "adam": hw["lr_adam"] * k,
                      "updates": -(-hw["samples"] // hw["new_batch"])}
        """,
        "the short batch dropped": """
            k = hw["new_batch"] / hw["batch"]
            scaled = {"sgd": hw["lr_sgd"] * k, "adam": hw["lr_adam"] * k**0.5,
                      "updates": hw["samples"] // hw["new_batch"]}
        """,
        "updates of the small batch": """
            k = hw["new_batch"] / hw["batch"]
            scaled = {"sgd": hw["lr_sgd"] * k, "adam": hw["lr_adam"] * k**0.5,
                      "updates": -(-hw["samples"] // hw["batch"])}
        """,
        "one missing": "scaled = {'sgd': 0.8, 'adam': 0.004}",
    },
    "slip": {
        "the printed figure taken on": _POINTS
        + """
    g = slope(w0)
    g[3] = -2
    w = w0 - hw["lr"] * g.mean()
    slip = {"point": 4, "gradient": -1, "w": w, "second": w - hw["lr_second"] * slope(w).mean()}
        """,
        "a sum": _POINTS
        + """
    w = w0 - hw["lr"] * slope(w0).sum()
    slip = {"point": 4, "gradient": -1, "w": w, "second": w - hw["lr_second"] * slope(w).sum()}
        """,
        "the old gradients again": _POINTS
        + """
    w = w0 - hw["lr"] * slope(w0).mean()
    slip = {"point": 4, "gradient": -1, "w": w, "second": w - hw["lr_second"] * slope(w0).mean()}
        """,
        "counted from zero": _POINTS
        + """
    w = w0 - hw["lr"] * slope(w0).mean()
    slip = {"point": 3, "gradient": -1, "w": w, "second": w - hw["lr_second"] * slope(w).mean()}
        """,
        "without the factor 2": _POINTS
        + """
    w = w0 - hw["lr"] * slope(w0).mean() / 2
    slip = {"point": 4, "gradient": -0.5, "w": w, "second": w - hw["lr_second"] * slope(w).mean() / 2}
        """,
        "half of it": "slip = {'point': 4, 'gradient': -1, 'w': ..., 'second': ...}",
    },
    "accumulate": {
        "summed": _ACCUMULATE
        + """
        total = s + g
        w = where(rest == 0, w - lr * total, w)
        s = where(rest == 0, 0, total)
        return w, s
        """,
        "never emptied": _ACCUMULATE
        + """
        s = s + g / every
        w = where(rest == 0, w - lr * s, w)
        return w, s
        """,
        "off by one": """
            from numpy import floor, where
            def accumulate(w, g, t, s=0.0, *, lr=0.1, every=4.0):
                rest = t - 1 - every * floor((t - 1) / every)
                total = s + g / every
                w = where(rest == 0, w - lr * total, w)
                s = where(rest == 0, 0, total)
                return w, s
        """,
        "the newest left out": _ACCUMULATE
        + """
        total = s + g / every
        w = where(rest == 0, w - lr * s, w)
        s = where(rest == 0, 0, total)
        return w, s
        """,
        "always moving": _ACCUMULATE
        + """
        total = s + g / every
        w = w - lr * total
        s = where(rest == 0, 0, total)
        return w, s
        """,
        "with if": """
            def accumulate(w, g, t, s=0.0, *, lr=0.1, every=4.0):
                s = s + g / every
                if t % every == 0:
                    return w - lr * s, 0.0
                return w, s
        """,
        "in place": """
            from numpy import floor, where
            def accumulate(w, g, t, s=0.0, *, lr=0.1, every=4.0):
                s += g / every
                w = where(t / every == floor(t / every), w - lr * s, w)
                return w, s
        """,
    },
    "combine": {
        "always scaled to the limit": """
            def combine(gradients, sizes, limit):
                g = np.average(gradients, axis=0, weights=sizes)
                return g * limit / np.linalg.norm(g)
        """,
        "all workers alike": """
            def combine(gradients, sizes, limit):
                return by_norm(np.mean(gradients, axis=0), limit)
        """,
        "a sum": """
            def combine(gradients, sizes, limit):
                return by_norm(np.sum(gradients, axis=0), limit)
        """,
        "clipped by each worker": """
            def combine(gradients, sizes, limit):
                return np.average([by_norm(g, limit) for g in gradients], axis=0, weights=sizes)
        """,
        "not clipped": """
            def combine(gradients, sizes, limit):
                return np.average(gradients, axis=0, weights=sizes)
        """,
        "clipped by value": """
            def combine(gradients, sizes, limit):
                return np.clip(np.average(gradients, axis=0, weights=sizes), -limit, limit)
        """,
        "over the wrong axis": """
            def combine(gradients, sizes, limit):
                return by_norm(np.mean(gradients, axis=1), limit)
        """,
        "in place": """
            def combine(gradients, sizes, limit):
                for row, size in zip(gradients, sizes):
                    row *= size / sum(sizes)
                return by_norm(gradients.sum(axis=0), limit)
        """,
    },
    "noise_scale": {
        "the large batch without noise": _NOISE
        + "    noise_scale = {'signal': hw['square_big'], 'trace': S, 'scale': S / hw['square_big']}\n",
        "upside down": _NOISE + "    noise_scale = {'signal': G, 'trace': S, 'scale': G / S}\n",
        "roots taken": """
            a, b = np.sqrt([hw["square_small"], hw["square_big"]])
            S = (a - b) / (1 / hw["b_small"] - 1 / hw["b_big"])
            G = b - S / hw["b_big"]
            noise_scale = {"signal": G, "trace": S, "scale": S / G}
        """,
        "batches swapped": """
            S = (hw["square_big"] - hw["square_small"]) / (1 / hw["b_small"] - 1 / hw["b_big"])
            G = hw["square_small"] - S / hw["b_big"]
            noise_scale = {"signal": G, "trace": S, "scale": S / G}
        """,
        "divided by the norm": _NOISE
        + "    noise_scale = {'signal': G, 'trace': S, 'scale': S / np.sqrt(G)}\n",
        "one missing": "noise_scale = {'signal': 0.5, 'trace': 30, 'scale': ...}",
    },
    "cost": {
        "upside down": _NOISE
        + """
    a, b = (1 + S / G / hw[name] for name in ("b_small", "b_big"))
    cost = {"steps": b / a, "samples": b * hw["b_big"] / a / hw["b_small"]}
        """,
        "as if both were small": "cost = {'steps': hw['b_big'] / hw['b_small'], 'samples': 1}",
        "swapped": _NOISE
        + """
    a, b = (1 + S / G / hw[name] for name in ("b_small", "b_big"))
    cost = {"samples": a / b, "steps": a * hw["b_small"] / b / hw["b_big"]}
        """,
        "steps for samples": _NOISE
        + """
    a, b = (1 + S / G / hw[name] for name in ("b_small", "b_big"))
    cost = {"steps": a / b, "samples": a / b}
        """,
        "scale upside down": _NOISE
        + """
    a, b = (1 + G / S / hw[name] for name in ("b_small", "b_big"))
    cost = {"steps": a / b, "samples": a * hw["b_small"] / b / hw["b_big"]}
        """,
    },
    "predicted": {
        "words": """
            predicted = dict.fromkeys(["sgd_same", "sgd_root", "sgd_linear", "adam_same", "adam_root"], "1")
        """,
        "one missing": """
            predicted = {"sgd_same": 1, "sgd_root": 1, "sgd_linear": 1, "adam_same": 1, "adam_root": 1}
        """,
        "negative": """
            predicted = {"sgd_same": -1, "sgd_root": 1, "sgd_linear": 1, "adam_same": 1, "adam_root": 1,
                         "adam_linear": 1}
        """,
        "a list": "predicted = [1, 1, 1, 1, 1, 1]",
        "half of it": """
            predicted = {"sgd_same": 1, "sgd_root": 1, "sgd_linear": 1, "adam_same": ..., "adam_root": ...,
                         "adam_linear": ...}
        """,
    },
    "measured": {
        "standard deviations": _JITTER
        + """
    measured = {f"{name}_{way}": rest(rule, lr * f, 10 / k**0.5)[401:].std() / rest(rule, lr, 10)[401:].std()
                for name, (rule, lr) in both.items() for way, f in ways.items()}
        """,
        "the whole run": _JITTER
        + """
    measured = {f"{name}_{way}": rest(rule, lr * f, 10 / k**0.5)[1:].var() / rest(rule, lr, 10)[1:].var()
                for name, (rule, lr) in both.items() for way, f in ways.items()}
        """,
        "noise divided by k": _JITTER
        + """
    measured = {f"{name}_{way}": rest(rule, lr * f, 10 / k)[401:].var() / rest(rule, lr, 10)[401:].var()
                for name, (rule, lr) in both.items() for way, f in ways.items()}
        """,
        "upside down": _JITTER
        + """
    measured = {f"{name}_{way}": rest(rule, lr, 10)[401:].var() / rest(rule, lr * f, 10 / k**0.5)[401:].var()
                for name, (rule, lr) in both.items() for way, f in ways.items()}
        """,
        "theory": """
            k = hw["k"]
            measured = {"sgd_same": 1 / k, "sgd_root": k**-0.5, "sgd_linear": 1,
                        "adam_same": k**-0.5, "adam_root": 1, "adam_linear": k**0.5}
        """,
    },
    "causes": {
        "all linear": "causes = dict.fromkeys('ABCD', 'linear')",
        "rotated": "causes = dict(zip('ABCD', [hw._numbers['_causes'][letter] for letter in 'BCDA']))",
        "two swapped": """
            causes = dict(hw._numbers["_causes"])
            causes["A"], causes["B"] = causes["B"], causes["A"]
        """,
        "one missing": "causes = {letter: hw._numbers['_causes'][letter] for letter in 'BCD'}",
        "a list": "causes = list(hw._numbers['_causes'].values())",
    },
}

RIGHT = {
    "tune": {
        "a grid, then a finer one, as a dict": """
            def tune(trial):
                tried = {}
                for lr in np.geomspace(0.02, 8, 8):
                    for size in (64, 256, 1024):
                        tried[lr, size] = trial(lr, batch_size=size)
                for sizes in ((0.5, 2), (0.7, 1.4)):
                    near, kept = min(tried, key=tried.get)
                    for lr in near * np.array([0.65, 0.8, 1.25, 1.55]):
                        for size in sizes:
                            tried[lr, int(kept * size)] = trial(lr, int(kept * size))
                lr, size = min(tried, key=tried.get)
                return {"batch_size": size, "lr": lr}
        """,
        "rates first, then batches, then rates": """
            def tune(trial):
                tried = {(lr, 128): trial(lr, 128) for lr in np.geomspace(0.01, 10, 16)}
                for _ in range(2):
                    near = min(tried, key=tried.get)
                    for size in (0.4, 0.65, 1.5, 2.5):
                        tried[near[0], round(near[1] * size)] = trial(near[0], round(near[1] * size))
                    near = min(tried, key=tried.get)
                    for factor in (0.55, 0.75, 0.87, 1.15, 1.33, 1.8):
                        tried[near[0] * factor, near[1]] = trial(near[0] * factor, near[1])
                return min(tried, key=tried.get)
        """,
        "at random, then near the best": """
            def tune(trial):
                rng = np.random.default_rng(2)
                best = np.inf, 0.1, 32
                for number in range(40):
                    if number < 24:
                        lr, size = 10 ** rng.uniform(-2, 1), int(2 ** rng.uniform(4, 11))
                    else:
                        lr = best[1] * 10 ** rng.normal(0, 0.15)
                        size = int(np.clip(best[2] * 2 ** rng.normal(0, 0.6), 1, 4096))
                    best = min(best, (trial(lr, size), lr, size))
                return best[1:]
        """,
    },
    "scaled": {
        "by formula": """
            k = hw["new_batch"] / hw["batch"]
            scaled = dict(updates=float(-(-hw["samples"] // hw["new_batch"])), sgd=k * hw["lr_sgd"],
                          adam=hw["lr_adam"] * k**0.5)
        """,
        "with a loader's count": """
            from optimlab.datasets import count_batches
            k = hw["new_batch"] // hw["batch"]
            scaled = {"sgd": hw["lr_sgd"] * k, "adam": hw["lr_adam"] * np.sqrt(k),
                      "updates": count_batches(hw["samples"], hw["new_batch"])}
        """,
        "counted, and rounded": """
            k = hw["new_batch"] / hw["batch"]
            scaled = {"sgd": round(hw["lr_sgd"] * k, 6), "adam": float(f"{hw['lr_adam'] * k**0.5:.4g}"),
                      "updates": len(range(0, hw["samples"], hw["new_batch"]))}
        """,
    },
    "slip": {
        "by hand": """
            w = 3 + 0.1 * (16 + 4 + 36 + 1) / 4
            g = sum(2 * (w * x - y) * x for x, y in zip(hw["x"], hw["y"])) / 4
            slip = {"second": w - hw["lr_second"] * g, "w": w, "gradient": -1, "point": 4.0}
        """,
        "toward five": """
            q = 2 * np.mean(np.square(hw["x"]))
            w = 5 + (hw["w0"] - 5) * (1 - hw["lr"] * q)
            slip = dict(point=4, gradient=-1.0, w=w, second=5 + (w - 5) * (1 - hw["lr_second"] * q))
        """,
        "with run": _POINTS
        + """
    f = lambda w: np.full_like(w, slope(w[0]).mean())
    w = run(gradient_descent, f, start=[w0], steps=1, lr=hw["lr"]).w[0]
    second = run(gradient_descent, f, start=[w], steps=1, lr=hw["lr_second"]).w[0]
    slip = {"point": 4, "gradient": slope(w0)[3], "w": w, "second": second}
        """,
    },
    "accumulate": {
        "with a factor of zero or one": _ACCUMULATE
        + """
        full = where(rest == 0, 1, 0)
        total = s + g / every
        w = w - lr * full * total
        s = (1 - full) * total
        return w, s
        """,
        "as a rule already": """
            from numpy import floor, where
            from optimlab.rule import Rule

            @Rule
            def accumulate(w, g, t, s=0.0, *, lr=0.1, every=4.0):
                turn = t / every
                total = g / every + s
                w = where(floor(turn) != turn, w, w - total * lr)
                s = where(floor(turn) != turn, total, 0)
                return w, s
        """,
        "with the rate first": _ACCUMULATE
        + """
        total = (every * s + g) / every
        step = where(rest > 0, 0, lr * total)
        w = w - step
        s = where(rest > 0, total, 0)
        return w, s
        """,
    },
    "combine": {
        "with np.average": """
            def combine(gradients, sizes, limit):
                return by_norm(np.average(gradients, axis=0, weights=sizes), limit)
        """,
        "with a loop, and the norm by hand": """
            def combine(gradients, sizes, limit):
                total = np.zeros(len(gradients[0]))
                for g, size in zip(gradients, sizes):
                    total = total + size * g
                mean = total / sum(sizes)
                norm = np.sqrt((mean**2).sum())
                return mean * limit / norm if norm > limit else mean
        """,
        "as a list": """
            def combine(gradients, sizes, limit):
                n = sum(sizes)
                mean = [sum(size * g for size, g in zip(sizes, column)) / n for column in gradients.T]
                return list(by_norm(np.array(mean), limit))
        """,
    },
    "noise_scale": {
        "by elimination": _NOISE + "    noise_scale = {'scale': S / G, 'trace': S, 'signal': G}\n",
        "as a linear system": """
            A = [[1, 1 / hw["b_small"]], [1, 1 / hw["b_big"]]]
            G, S = np.linalg.solve(A, [hw["square_small"], hw["square_big"]])
            noise_scale = dict(signal=G, trace=S, scale=S / G)
        """,
        "by the published formula": """
            s, b = hw["b_small"], hw["b_big"]
            G = (b * hw["square_big"] - s * hw["square_small"]) / (b - s)
            S = (hw["square_small"] - hw["square_big"]) * s * b / (b - s)
            noise_scale = {"signal": round(G, 5), "trace": round(S, 3), "scale": S / G}
        """,
    },
    "cost": {
        "by formula": _NOISE
        + """
    a, b = (1 + S / G / hw[name] for name in ("b_small", "b_big"))
    cost = {"samples": a / b * hw["b_small"] / hw["b_big"], "steps": a / b}
        """,
        "by squared norms": """
            a = hw["square_small"] / hw["square_big"]
            cost = {"steps": a, "samples": a * hw["b_small"] / hw["b_big"]}
        """,
        "by B plus scale": _NOISE
        + """
    few, many = hw["b_small"] + S / G, hw["b_big"] + S / G
    cost = {"samples": round(few / many, 5), "steps": few / many * hw["b_big"] / hw["b_small"]}
        """,
    },
    "predicted": {
        "wrong, and worth the point": """
            predicted = {"sgd_same": 1, "sgd_root": 2, "sgd_linear": 4, "adam_same": 1, "adam_root": 2,
                         "adam_linear": 4}
        """,
        "all alike": """
            predicted = {f"{a}_{b}": 1 for a in ("sgd", "adam") for b in ("same", "root", "linear")}
        """,
        "computed": """
            k = np.float64(hw["k"])
            predicted = dict(adam_linear=np.sqrt(k), adam_root=1, adam_same=1 / np.sqrt(k), sgd_same=1 / k,
                             sgd_root=1 / np.sqrt(k), sgd_linear=1)
        """,
    },
    "measured": {
        "in one line": _JITTER
        + """
    measured = {f"{name}_{way}": rest(rule, lr * f, 10 / k**0.5)[401:].var() / rest(rule, lr, 10)[401:].var()
                for name, (rule, lr) in both.items() for way, f in ways.items()}
        """,
        "without the package": """
            noise = np.random.default_rng(hw["noise_seed"]).normal(size=(800, 100))
            def spread(lr, size, adaptive):
                w = m = v = np.zeros(100)
                rows = []
                for t in range(1, 801):
                    g = w + size * noise[t - 1]
                    m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
                    adams = m / (1 - 0.9**t) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
                    w = w - lr * (adams if adaptive else g)
                    rows.append(w)
                return np.var(rows[400:])
            measured = {}
            for name, lr in (("sgd", 0.02), ("adam", 0.08)):
                small = spread(lr, 10, name == "adam")
                for way, f in (("same", 1), ("root", hw["k"] ** 0.5), ("linear", hw["k"])):
                    measured[name + "_" + way] = spread(lr * f, 10 / hw["k"] ** 0.5, name == "adam") / small
        """,
        "many rates at once, rounded": """
            noise = np.random.default_rng(hw["noise_seed"]).normal(size=(800, 100))
            k, measured = hw["k"], {}
            size = np.array([10, *[10 / np.sqrt(k)] * 3])
            for name, rule, lr in (("sgd", gradient_descent, 0.02), ("adam", adam, 0.08)):
                rates = lr * np.array([1, 1, np.sqrt(k), k])
                path = run(rule, lambda w, t: w + size * noise[t - 1][:, None], start=np.zeros((100, 4)),
                           steps=800, lr=rates)["w"]
                small, *large = path[401:].var(axis=(0, 1))
                for way, one in zip(("same", "root", "linear"), large):
                    measured[f"{name}_{way}"] = round(one / small, 5)
        """,
    },
    "causes": {
        "looked at": "causes = hw._numbers['_causes']",
        "in another order": "causes = {letter: hw._numbers['_causes'][letter] for letter in 'DCBA'}",
        "by the third epoch": """
            causes = {}
            for letter, losses in hw["curves"].items():
                if losses[-1] > losses[0]:
                    causes[letter] = "summed"
                elif losses[20] > 0.5 * losses[0]:
                    causes[letter] = "lowered"
                elif losses[20] > 20 * hw["small_batch"][-1]:
                    causes[letter] = "same"
                else:
                    causes[letter] = "root" if losses[6] > 10 * losses[-1] else "linear"
        """,
    },
}
