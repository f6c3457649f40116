"""Solutions of the homework on schedules, as students write them: wrong ones and right ones, per test.

Each replaces the whole answer cell above the test. It finds what the locked cells define: ``hw``, ``np``,
``floor``, ``maximum``, ``minimum``, ``where``, ``run``, ``gradient_descent``, ``ReduceOnPlateau``,
``cosine`` and ``warmup``.
"""

_RATES = """
    decay = cosine.using(lr=hw["lr"], steps=hw["down"], lr_min=hw["lr_min"])
    schedule, t = warmup(decay, hw["warm"], hw["start"]), np.array(hw["t"])
"""

_HEAD = """
    def trapezoid(t, *, lr=0.1, warm=10, down=30, steps=100):"""

_SLIP = """
    def first(patience, share):
        losses = [1 / (1 + min(epoch, 10)) for epoch in range(80)]
        rates = ReduceOnPlateau(1.0, factor=0.5, patience=patience).rates(losses)
        return int(np.argmax(rates <= share))
    slip = {"epoch": 16, "rate": 0.001, "quarter": first(hw["other_patience"], 0.25)}
"""

_FLOORS = """
    def losses(rate):
        noisy = lambda w, t: w + hw["noise"][t - 1]
        return run(gradient_descent, noisy, start=[hw["w0"]], steps=300, lr=rate)["w"][:, 0] ** 2 / 2
    lr = hw["lr_noise"]
    full, small = losses(lr), losses(0.01 * lr)
    falling = losses(cosine.using(lr=lr, steps=300))
"""

_CLIP = """
    g, limit = np.array(hw["g_weights"] + hw["g_bias"]), hw["limit"]
    by_norm, by_value = g * limit / np.linalg.norm(g), np.clip(g, -limit, limit)
"""

_TURNED = (
    _CLIP
    + """
    def angle(a, b):
        return np.degrees(np.arccos(a @ b / np.linalg.norm(a) / np.linalg.norm(b)))
"""
)

_TWIN = """
    warm = hw["warm_epochs"] * hw["batches"]
    twin = {"start_factor": hw["lr_first"] / hw["lr_full"], "total_iters": warm,
            "T_max": hw["epochs"] * hw["batches"] - warm, "milestone": warm}
"""

WRONG = {
    "tune": {
        "a usual rate": "def tune(trial): return 0.1, 100.0",
        "a usual default": "def tune(trial): return 0.01, 100.0",
        "the best constant rate": """
            def tune(trial):
                return min(np.geomspace(0.01, 100, 30), key=lambda lr: trial(lr, 1e9)), 1e9
        """,
        "over the budget": """
            def tune(trial):
                pairs = [(lr, half) for lr in np.geomspace(0.01, 100, 12) for half in (25, 50, 100)]
                return min(pairs, key=lambda pair: trial(*pair))
        """,
        "the order swapped": """
            def tune(trial):
                return 50.0, min(np.geomspace(0.01, 100, 30), key=lambda lr: trial(lr, 50.0))
        """,
        "the worst instead of the best": """
            def tune(trial):
                return max(np.geomspace(0.01, 100, 30), key=lambda lr: trial(lr, 50.0)), 50.0
        """,
        "the rate alone": """
            def tune(trial):
                return min(np.geomspace(0.01, 100, 30), key=lambda lr: trial(lr, 50.0))
        """,
    },
    "rates": {
        "t from 0": _RATES + "    rates = list(schedule(t + 1))",
        "the other ramp": _RATES
        + """
    rates = [hw["lr"] * t[0] / hw["warm"], *schedule(t[1:])]
        """,
        "the cosine from step 1": _RATES + "    rates = [schedule(t[0]), *decay(t[1:])]",
        "down to 0": """
            schedule = warmup(cosine.using(lr=hw["lr"], steps=hw["down"]), hw["warm"], hw["start"])
            rates = [schedule(t) for t in hw["t"]]
        """,
        "from 0": _RATES + "    rates = list(warmup(decay, hw['warm'], 0.0)(t))",
        "a straight line": _RATES
        + """
    x = (t[1:] - hw["warm"] - 1) / hw["down"]
    rates = [schedule(t[0]), *(hw["lr"] + (hw["lr_min"] - hw["lr"]) * x)]
        """,
        "degrees": _RATES
        + """
    x = np.radians(np.pi * (t[1:] - hw["warm"] - 1) / hw["down"])
    rates = [schedule(t[0]), *(hw["lr_min"] + (hw["lr"] - hw["lr_min"]) * (1 + np.cos(x)) / 2)]
        """,
        "three of four": _RATES + "    rates = list(schedule(t[1:]))",
        "with an if": _RATES + "    rates = [schedule(s) if s < 3 else ... for s in hw['t']]",
    },
    "trapezoid": {
        "t from 0": _HEAD
        + """
        share = minimum((t - 1) / warm, (steps - t) / down)
        return lr * maximum(minimum(share, 1), 0)
        """,
        "negative after the end": _HEAD
        + """
        return lr * minimum(minimum(t / warm, 1), (steps + 1 - t) / down)
        """,
        "without lr": _HEAD
        + """
        share = minimum(t / warm, (steps + 1 - t) / down)
        return maximum(minimum(share, 1), 0)
        """,
        "never held": _HEAD
        + """
        return lr * maximum(minimum(t / warm, (steps + 1 - t) / down), 0)
        """,
        "no decay": _HEAD
        + """
        return lr * minimum(t / warm, 1)
        """,
        "the last step at 0": _HEAD
        + """
        share = minimum(t / warm, (steps - t) / down)
        return lr * maximum(minimum(share, 1), 0)
        """,
        "multiplied": _HEAD
        + """
        return lr * minimum(t / warm, 1) * maximum(minimum((steps + 1 - t) / down, 1), 0)
        """,
        "with an if": _HEAD
        + """
        if t <= warm:
            return lr * t / warm
        if t > steps - down:
            return max(0, lr * (steps + 1 - t) / down)
        return lr
        """,
        "decorated": """
            from optimlab.schedules import Schedule

            @Schedule
            def trapezoid(t, *, lr=0.1, warm=10, down=30, steps=100):
                return lr * maximum(minimum(minimum(t / warm, (steps + 1 - t) / down), 1), 0)
        """,
        "the defaults built in": """
            def trapezoid(t, *, lr=0.1, warm=10, down=30, steps=100):
                return lr * maximum(minimum(minimum(t / 10, (101 - t) / 30), 1), 0)
        """,
    },
    "slip": {
        "the epoch after": _SLIP + '    slip["epoch"] = 17',
        "counted from 1": _SLIP + '    slip["epoch"] = 15',
        "the printed rate": _SLIP + '    slip["rate"] = 0.0005',
        "one too early": _SLIP + '    slip["quarter"] -= 1',
        "impatient": _SLIP + '    slip["quarter"] = first(hw["other_patience"] - 1, 0.25)',
        "the first reduction": _SLIP + '    slip["quarter"] = first(hw["other_patience"], 0.5)',
        "the old patience": _SLIP + '    slip["quarter"] = first(5, 0.25)',
        "text": "slip = {'epoch': '16', 'rate': 0.001, 'quarter': 20}",
    },
    "plateau": {
        "impatient": """
            plateau = ReduceOnPlateau(hw["first_rate"], factor=hw["factor"],
                                      patience=hw["patience"] - 1).rates(hw["losses"])
        """,
        "the same epoch": """
            judge = ReduceOnPlateau(hw["first_rate"], factor=hw["factor"], patience=hw["patience"])
            plateau = [judge.step(loss) for loss in hw["losses"]]
        """,
        "never reset": """
            rate, best, bad, plateau = hw["first_rate"], 100, 0, []
            for loss in hw["losses"]:
                plateau.append(rate)
                if loss < best:
                    best, bad = loss, 0
                else:
                    bad += 1
                if bad > hw["patience"]:
                    rate *= hw["factor"]
        """,
        "against the loss before": """
            rate, before, bad, plateau = hw["first_rate"], 100, 0, []
            for loss in hw["losses"]:
                plateau.append(rate)
                bad = 0 if loss < before else bad + 1
                before = loss
                if bad > hw["patience"]:
                    rate, bad = rate * hw["factor"], 0
        """,
        "ties are better": """
            rate, best, bad, plateau = hw["first_rate"], 100, 0, []
            for loss in hw["losses"]:
                plateau.append(rate)
                if loss <= best:
                    best, bad = loss, 0
                else:
                    bad += 1
                if bad > hw["patience"]:
                    rate, bad = rate * hw["factor"], 0
        """,
        "one rate": "plateau = hw['first_rate']",
        "too short": "plateau = [hw['first_rate']] * 3",
    },
    "predicted": {
        "words": "predicted = {'small': 'larger', 'cosine': 'smaller'}",
        "one of two": "predicted = {'small': 10, 'cosine': ...}",
        "negative": "predicted = {'small': 10, 'cosine': -1}",
        "a list": "predicted = [10, 0.1]",
    },
    "measured": {
        "the last losses": _FLOORS
        + """
    measured = {"small": small[-1] / full[-1], "cosine": falling[-1] / full[-1]}
        """,
        "the whole run": _FLOORS
        + """
    measured = {"small": small.mean() / full.mean(), "cosine": falling.mean() / full.mean()}
        """,
        "upside down": _FLOORS
        + """
    measured = {"small": full[-50:].mean() / small[-50:].mean(),
                "cosine": full[-50:].mean() / falling[-50:].mean()}
        """,
        "distances": _FLOORS
        + """
    end = lambda x: np.sqrt(x[-50:]).mean()
    measured = {"small": end(small) / end(full), "cosine": end(falling) / end(full)}
        """,
        "a tenth": _FLOORS
        + """
    end = lambda x: x[-50:].mean()
    measured = {"small": end(losses(0.1 * lr)) / end(full), "cosine": end(falling) / end(full)}
        """,
        "the losses themselves": _FLOORS
        + """
    measured = {"small": small[-50:].mean(), "cosine": falling[-50:].mean()}
        """,
    },
    "clipped": {
        "each array by its own norm": _CLIP
        + """
    w = g[:2] * min(1, limit / np.linalg.norm(g[:2]))
    clipped = {"by_norm": [*w, np.clip(g[2], -limit, limit)], "by_value": list(by_value)}
        """,
        "no root": _CLIP
        + """
    clipped = {"by_norm": g * limit / np.sum(g**2), "by_value": by_value}
        """,
        "to norm 1": _CLIP
        + """
    clipped = {"by_norm": g / np.linalg.norm(g), "by_value": by_value}
        """,
        "negative ones kept": _CLIP
        + """
    clipped = {"by_norm": by_norm, "by_value": np.minimum(g, limit)}
        """,
        "all to the limit": _CLIP
        + """
    clipped = {"by_norm": by_norm, "by_value": np.sign(g) * limit}
        """,
        "swapped": _CLIP + "    clipped = {'by_norm': by_value, 'by_value': by_norm}",
        "only the weights": _CLIP + "    clipped = {'by_norm': by_norm[:2], 'by_value': by_value[:2]}",
    },
    "turned": {
        "radians": _TURNED + "    turned = np.radians(angle(g, by_value))",
        "the cosine": _TURNED + "    turned = np.cos(np.radians(angle(g, by_value)))",
        "by norm": _TURNED + "    turned = 0",
        "all cut": _TURNED + "    turned = angle(g, np.sign(g))",
        "each array by its own norm": _TURNED
        + """
    w = g[:2] * min(1, limit / np.linalg.norm(g[:2]))
    turned = angle(g, np.array([*w, np.clip(g[2], -limit, limit)]))
        """,
        "from the other side": _TURNED + "    turned = 90 - angle(g, by_value)",
    },
    "schedules": {
        "all the same": "schedules = dict.fromkeys('ABCD', 'cosine')",
        "rotated": "schedules = dict(zip('ABCD', [hw._numbers['_schedules'][letter] for letter in 'BCDA']))",
        "one letter missing": "schedules = {letter: hw._numbers['_schedules'][letter] for letter in 'ABC'}",
        "names of PyTorch": "schedules = dict.fromkeys('ABCD', 'StepLR')",
        "two swapped": """
            schedules = dict(hw._numbers["_schedules"])
            schedules["A"], schedules["D"] = schedules["D"], schedules["A"]
        """,
    },
    "twin": {
        "epochs": """
            twin = {"start_factor": hw["lr_first"] / hw["lr_full"], "total_iters": hw["warm_epochs"],
                    "T_max": hw["epochs"] - hw["warm_epochs"], "milestone": hw["warm_epochs"]}
        """,
        "a rate for a factor": _TWIN + '    twin["start_factor"] = hw["lr_first"]',
        "the whole run": _TWIN + '    twin["T_max"] += warm',
        "a milestone in epochs": _TWIN + '    twin["milestone"] = hw["warm_epochs"]',
        "one more": _TWIN + '    twin["milestone"] += 1',
        "upside down": _TWIN + '    twin["start_factor"] = hw["lr_full"] / hw["lr_first"]',
        "from 0": _TWIN + '    twin["start_factor"] = 0',
    },
}

RIGHT = {
    "tune": {
        "one half-life, many rates": """
            def tune(trial):
                return min(np.geomspace(0.01, 100, 30), key=lambda lr: trial(lr, 60.0)), 60.0
        """,
        "coarse, then fine, as a dict": """
            def tune(trial):
                tried = {(lr, 60.0): trial(lr, half=60.0) for lr in np.geomspace(0.01, 100, 11)}
                near = min(tried, key=tried.get)[0]
                for lr in near * np.array([0.4, 0.6, 1, 1.5, 2.2]):
                    for half in (40.0, 90.0, 150.0):
                        tried[lr, half] = trial(lr, half)
                lr, half = min(tried, key=tried.get)
                return {"half": half, "lr": lr}
        """,
        "at random, then near the best": """
            def tune(trial):
                rng = np.random.default_rng(0)
                best = min((trial(lr, 10.0**p), lr, 10.0**p) for lr, p in zip(np.geomspace(0.01, 100, 16), rng.uniform(1.5, 2.2, 16)))
                for _ in range(14):
                    lr, half = best[1] * 10 ** rng.normal(0, 0.15), best[2] * 10 ** rng.normal(0, 0.15)
                    best = min(best, (trial(lr, half), lr, half))
                return [best[1], best[2]]
        """,
    },
    "rates": {
        "with the package": _RATES + "    rates = schedule(t)",
        "by hand": """
            a, b, n = hw["lr"], hw["lr_min"], hw["warm"]
            first = a * hw["start"] + a * (1 - hw["start"]) / n * (hw["t"][0] - 1)
            last = b + (a - b) * (1 + np.cos(np.pi * (1 - 1 / hw["down"]))) / 2
            rates = [first, b + 0.75 * (a - b), b + 0.25 * (a - b), float(last)]
        """,
        "by a function, rounded": """
            def rate(t):
                if t <= hw["warm"]:
                    return hw["lr"] * np.interp(t, [1, hw["warm"] + 1], [hw["start"], 1])
                x = (t - 1 - hw["warm"]) / hw["down"]
                return hw["lr"] - (hw["lr"] - hw["lr_min"]) * np.sin(np.pi * x / 2) ** 2
            rates = tuple(float(f"{rate(t):.5g}") for t in hw["t"])
        """,
    },
    "trapezoid": {
        "in one line": _HEAD
        + """
        return lr * maximum(0, minimum(1, minimum(t / warm, (1 + steps - t) / down)))
        """,
        "with where": _HEAD
        + """
        rise = where(t < warm, t / warm, 1)
        left = steps + 1 - t
        fall = where(left < down, left / down, 1)
        return where(left > 0, lr * minimum(rise, fall), 0)
        """,
        "in rates, with other defaults": '''
            def trapezoid(t, *, warm=1, steps=1, down=1, lr=1):
                """My own."""
                up = lr * t / warm
                down_again = lr * (steps + 1 - t) / down
                rate = minimum(minimum(up, lr), down_again)
                return maximum(rate, 0)
        ''',
    },
    "slip": {
        "with the package": _SLIP,
        "by counting": """
            p = hw["other_patience"]
            slip = {"quarter": 11 + 2 * (p + 1), "epoch": 16, "rate": 1e-3}
        """,
        "by a loop": """
            rate, bad, epoch = 1.0, 0, 0
            while rate > 0.25:
                bad = bad + 1 if epoch > 10 else 0
                if bad > hw["other_patience"]:
                    rate, bad = rate / 2, 0
                epoch += 1
            slip = dict(epoch=16.0, rate=0.001, quarter=epoch)
        """,
    },
    "plateau": {
        "with the package": """
            judge = ReduceOnPlateau(hw["first_rate"], factor=hw["factor"], patience=hw["patience"])
            plateau = judge.rates(hw["losses"])
        """,
        "step by step": """
            judge = ReduceOnPlateau(hw["first_rate"], factor=hw["factor"], patience=hw["patience"])
            plateau = [judge.lr]
            for loss in hw["losses"][:-1]:
                plateau.append(judge.step(loss))
        """,
        "by a loop, rounded": """
            rate, best, bad, plateau = hw["first_rate"], float("inf"), 0, []
            for loss in hw["losses"]:
                plateau.append(round(rate, 8))
                bad = 0 if loss < best else bad + 1
                best = min(best, loss)
                if bad == hw["patience"] + 1:
                    rate, bad = rate * hw["factor"], 0
        """,
    },
    "predicted": {
        "wrong, and worth the point": "predicted = {'small': 0.1, 'cosine': 10}",
        "rough": "predicted = dict(small=1e3, cosine=np.float64(0.01))",
        "zero": "predicted = {'cosine': 0, 'small': 0}",
    },
    "measured": {
        "by means": _FLOORS
        + """
    measured = {"small": small[-50:].mean() / full[-50:].mean(),
                "cosine": falling[-50:].mean() / full[-50:].mean()}
        """,
        "by sums of squares": _FLOORS
        + """
    end = lambda x: sum(2 * x[251:])
    measured = {"cosine": end(falling) / end(full), "small": end(small) / end(full)}
        """,
        "without the package, rounded": """
            def end(rates):
                w, kept = hw["w0"], []
                for rate, e in zip(rates, hw["noise"]):
                    w = w - rate * (w + e)
                    kept.append(w * w)
                return np.mean(kept[-50:])
            lr = hw["lr_noise"]
            full = end([lr] * 300)
            wave = lr * (1 + np.cos(np.pi * np.arange(300) / 300)) / 2
            measured = {"small": float(f"{end([lr / 100] * 300) / full:.4g}"),
                        "cosine": float(f"{end(wave) / full:.4g}")}
        """,
    },
    "clipped": {
        "with NumPy": _CLIP + "    clipped = {'by_norm': by_norm, 'by_value': by_value}",
        "with the package": """
            from optimlab import clipping
            g = hw["g_weights"] + hw["g_bias"]
            clipped = {"by_value": list(clipping.by_value(g, hw["limit"])),
                       "by_norm": list(clipping.by_norm(g, hw["limit"]))}
        """,
        "by hand, rounded": """
            g = [*hw["g_weights"], *hw["g_bias"]]
            norm = sum(x * x for x in g) ** 0.5
            clipped = dict(by_norm=[round(x / norm * hw["limit"], 5) for x in g],
                           by_value=[max(-hw["limit"], min(hw["limit"], x)) for x in g])
        """,
    },
    "turned": {
        "by the cosine": _TURNED + "    turned = angle(g, by_value)",
        "by the cross product": _CLIP
        + """
    turned = np.degrees(np.arctan2(np.linalg.norm(np.cross(g, by_value)), g @ by_value))
        """,
        "by unit vectors, rounded": _CLIP
        + """
    import math
    u, v = g / np.linalg.norm(g), by_value / np.linalg.norm(by_value)
    turned = round(math.degrees(2 * math.asin(np.linalg.norm(u - v) / 2)), 3)
        """,
    },
    "schedules": {
        "looked at": "schedules = hw._numbers['_schedules']",
        "in another order": "schedules = dict(reversed(hw._numbers['_schedules'].items()))",
        "one by one": """
            schedules = {}
            for letter in "DCBA":
                schedules[letter] = str(hw._numbers["_schedules"][letter])
        """,
    },
    "twin": {
        "in steps": _TWIN,
        "as floats": """
            n = float(hw["batches"])
            twin = {"milestone": n * hw["warm_epochs"], "total_iters": n * hw["warm_epochs"],
                    "T_max": n * (hw["epochs"] - hw["warm_epochs"]),
                    "start_factor": hw["lr_first"] / hw["lr_full"]}
        """,
        "counted": """
            batches = [e for e in range(hw["epochs"]) for _ in range(hw["batches"])]
            warm = sum(e < hw["warm_epochs"] for e in batches)
            twin = dict(start_factor=round(hw["lr_first"] / hw["lr_full"], 6), total_iters=warm,
                        T_max=len(batches) - warm, milestone=warm)
        """,
    },
}
