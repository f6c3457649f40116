"""Solutions of the homework on RMSprop, as students write them: wrong ones and right ones, per test.

Each replaces the whole answer cell above the test. It finds what the locked cells define: ``hw``, ``np``,
``run``, ``adam`` and ``rmsprop``.
"""

_HEAD = """
            def step(w, g, s=0.0, v=0.0, *, lr=0.001, rho=0.9, momentum=0.0, eps=1e-7):
"""

_FOUR = """
            g = [*hw["g_steady"], hw["g_fourth"]]
            s, roots, raw = 0, [], []
            for t, x in enumerate(g, 1):
                s = 0.999 * s + 0.001 * x**2
                raw.append(0.001 / np.sqrt(s))
                roots.append(0.001 / np.sqrt(s / (1 - 0.999**t)))
"""

_FAR = """
            noise, setting = hw["noise"], dict(start=[0.0], steps=4000, rho=hw["rho_noise"])
            def far(rate, loud=1):
                path = run(rmsprop, lambda w, t: w + loud * noise[t - 1], lr=rate * hw["lr_noise"], **setting)
                return np.sqrt(np.mean(path["w"][501:] ** 2))
"""

WRONG = {
    "theta": {
        "corrected": """
            theta = adam.trace(w=hw["theta0"], g=hw["g"], lr=hw["lr"], beta1=0.0, beta2=hw["rho"])["w"][-1]
        """,
        "the squares summed": """
            s, theta = 0, hw["theta0"]
            for g in hw["g"]:
                s += g**2
                theta -= hw["lr"] * g / np.sqrt(s)
        """,
        "the factor dropped": """
            s, theta = 0, hw["theta0"]
            for g in hw["g"]:
                s = hw["rho"] * s + g**2
                theta -= hw["lr"] * g / np.sqrt(s)
        """,
        "the zero left out": """
            s, theta = 0, hw["theta0"]
            for g in hw["g"]:
                if g:
                    s = hw["rho"] * s + (1 - hw["rho"]) * g**2
                    theta -= hw["lr"] * g / np.sqrt(s)
        """,
        "no root": """
            s, theta = 0, hw["theta0"]
            for g in hw["g"]:
                s = hw["rho"] * s + (1 - hw["rho"]) * g**2
                theta -= hw["lr"] * g / s
        """,
        "the default of PyTorch": """
            theta = rmsprop.trace(w=hw["theta0"], g=hw["g"], lr=hw["lr"])["w"][-1]
        """,
        "the whole path": """
            theta = rmsprop.trace(w=hw["theta0"], g=hw["g"], lr=hw["lr"], rho=hw["rho"])["w"]
        """,
    },
    "theta_corrected": {
        "not corrected": """
            theta_corrected = rmsprop.trace(w=hw["theta0"], g=hw["g"], lr=hw["lr"], rho=hw["rho"])["w"][-1]
        """,
        "the root corrected": """
            s, theta_corrected = 0, hw["theta0"]
            for t, g in enumerate(hw["g"], 1):
                s = hw["rho"] * s + (1 - hw["rho"]) * g**2
                theta_corrected -= hw["lr"] * g / (np.sqrt(s) / (1 - hw["rho"] ** t))
        """,
        "t from two": """
            s, theta_corrected = 0, hw["theta0"]
            for t, g in enumerate(hw["g"], 2):
                s = hw["rho"] * s + (1 - hw["rho"]) * g**2
                theta_corrected -= hw["lr"] * g / np.sqrt(s / (1 - hw["rho"] ** t))
        """,
        "t from zero": """
            s, theta_corrected = 0, hw["theta0"]
            for t, g in enumerate(hw["g"]):
                s = hw["rho"] * s + (1 - hw["rho"]) * g**2
                with np.errstate(all="ignore"):
                    theta_corrected -= hw["lr"] * g / np.sqrt(s / np.float64(1 - hw["rho"] ** t))
        """,
        "the corrected average kept": """
            s, theta_corrected = 0, hw["theta0"]
            for t, g in enumerate(hw["g"], 1):
                s = (hw["rho"] * s + (1 - hw["rho"]) * g**2) / (1 - hw["rho"] ** t)
                theta_corrected -= hw["lr"] * g / np.sqrt(s)
        """,
        "multiplied": """
            s, theta_corrected = 0, hw["theta0"]
            for t, g in enumerate(hw["g"], 1):
                s = hw["rho"] * s + (1 - hw["rho"]) * g**2
                theta_corrected -= hw["lr"] * g / np.sqrt(s * (1 - hw["rho"] ** t))
        """,
    },
    "step": {
        "eps outside": _HEAD
        + """
                s = rho * s + (1 - rho) * g**2
                v = momentum * v + lr * g / (np.sqrt(s) + eps)
                w = w - v
                return w, s, v
        """,
        "the rate outside": _HEAD
        + """
                s = rho * s + (1 - rho) * g**2
                v = momentum * v + g / np.sqrt(s + eps)
                w = w - lr * v
                return w, s, v
        """,
        "the factor dropped": _HEAD
        + """
                s = rho * s + g**2
                v = momentum * v + lr * g / np.sqrt(s + eps)
                w = w - v
                return w, s, v
        """,
        "an average for the velocity": _HEAD
        + """
                s = rho * s + (1 - rho) * g**2
                v = momentum * v + (1 - momentum) * lr * g / np.sqrt(s + eps)
                w = w - v
                return w, s, v
        """,
        "the old average": _HEAD
        + """
                v = momentum * v + lr * g / np.sqrt(s + eps)
                s = rho * s + (1 - rho) * g**2
                w = w - v
                return w, s, v
        """,
        "the order": _HEAD
        + """
                s = rho * s + (1 - rho) * g**2
                v = momentum * v + lr * g / np.sqrt(s + eps)
                w = w - v
                return w, v, s
        """,
        "in place": _HEAD
        + """
                s *= rho
                s += (1 - rho) * g**2
                v = momentum * v + lr * g / np.sqrt(s + eps)
                w = w - v
                return w, s, v
        """,
        "the rate twice": _HEAD
        + """
                s = rho * s + (1 - rho) * g**2
                v = momentum * v + lr * g / np.sqrt(s + eps)
                w = w - lr * v
                return w, s, v
        """,
    },
    "slip": {
        "not corrected": _FOUR
        + """
            slip = {"batch": 3, "rate": raw[2], "fourth": raw[3], "plain": raw[3]}
        """,
        "all corrected": _FOUR
        + """
            slip = {"batch": 3, "rate": roots[2], "fourth": roots[3], "plain": roots[3]}
        """,
        "the squares summed": _FOUR
        + """
            rates = 0.001 / np.sqrt(np.cumsum(np.square(g)))
            slip = {"batch": 3, "rate": rates[2], "fourth": rates[3], "plain": raw[3]}
        """,
        "counted from zero": _FOUR
        + """
            slip = {"batch": 2, "rate": roots[2], "fourth": roots[3], "plain": raw[3]}
        """,
        "the steps": _FOUR
        + """
            slip = {"batch": 3, "rate": roots[2] * g[2], "fourth": roots[3] * g[3], "plain": raw[3]}
        """,
        "half of it": "slip = {'batch': 3, 'rate': 0.5074, 'fourth': ..., 'plain': ...}",
    },
    "giant": {
        "with correction": """
            giant = {"first": hw["lr_giant"], "tenth": hw["lr_giant"], "within": 1}
        """,
        "no root at first": """
            lr, rho = hw["lr_giant"], hw["rho_giant"]
            steps = -np.diff(rmsprop.trace(w=0.0, g=np.ones(500), lr=lr, rho=rho)["w"])
            giant = {"first": lr / (1 - rho), "tenth": steps[9], "within": int(np.argmax(steps <= 1.1 * lr)) + 1}
        """,
        "counted from zero": """
            lr, rho = hw["lr_giant"], hw["rho_giant"]
            steps = -np.diff(rmsprop.trace(w=0.0, g=np.ones(500), lr=lr, rho=rho)["w"])
            giant = {"first": steps[0], "tenth": steps[9], "within": int(np.argmax(steps <= 1.1 * lr))}
        """,
        "step eleven": """
            lr, rho = hw["lr_giant"], hw["rho_giant"]
            steps = -np.diff(rmsprop.trace(w=0.0, g=np.ones(500), lr=lr, rho=rho)["w"])
            giant = {"first": steps[0], "tenth": steps[10], "within": int(np.argmax(steps <= 1.1 * lr)) + 1}
        """,
        "the memory": """
            lr, rho = hw["lr_giant"], hw["rho_giant"]
            steps = lr / np.sqrt(1 - rho ** np.arange(1, 11))
            giant = {"first": steps[0], "tenth": steps[9], "within": round(1 / (1 - rho))}
        """,
        "in learning rates": """
            steps = 1 / np.sqrt(1 - hw["rho_giant"] ** np.arange(1, 500))
            giant = {"first": steps[0], "tenth": steps[9], "within": int(np.argmax(steps <= 1.1)) + 1}
        """,
    },
    "predicted": {
        "words": "predicted = {'rate': 'four', 'noise': 'one'}",
        "one of two": "predicted = {'rate': 4, 'noise': ...}",
        "another key": "predicted = {'rates': 4, 'noise': 1}",
        "negative": "predicted = {'rate': -4, 'noise': 1}",
    },
    "measured": {
        "mean squares": _FAR
        + """
            measured = {"rate": (far(4) / far(1)) ** 2, "noise": (far(1, 4) / far(1)) ** 2}
        """,
        "upside down": _FAR
        + """
            measured = {"rate": far(1) / far(4), "noise": far(1) / far(1, 4)}
        """,
        "the whole gradient louder": _FAR
        + """
            path = run(rmsprop, lambda w, t: 4 * (w + noise[t - 1]), lr=hw["lr_noise"], **setting)["w"]
            measured = {"rate": far(4) / far(1), "noise": np.sqrt(np.mean(path[501:] ** 2)) / far(1)}
        """,
        "both doubled": _FAR
        + """
            measured = {"rate": far(2) / far(1), "noise": far(1, 2) / far(1)}
        """,
        "the distances themselves": _FAR
        + """
            measured = {"rate": far(4), "noise": far(1, 4)}
        """,
    },
    "tune": {
        "the default": "def tune(trial): return 0.01, 0.0",
        "a constant rate": """
            def tune(trial):
                return min(np.geomspace(1e-4, 10, 30), key=lambda lr: trial(lr, 0)), 0
        """,
        "the default, falling": "def tune(trial): return 0.01, 0.5",
        "over the budget": """
            def tune(trial):
                pairs = [(lr, p) for lr in np.geomspace(1e-3, 1e2, 20) for p in (0.75, 1)]
                return min(pairs, key=lambda pair: trial(*pair))
        """,
        "the order swapped": """
            def tune(trial):
                return 0.9, min(np.geomspace(1e-3, 1e2, 28), key=lambda lr: trial(lr, 0.9))
        """,
        "the worst instead of the best": """
            def tune(trial):
                return max(np.geomspace(1e-3, 1e2, 28), key=lambda lr: trial(lr, 0.9)), 0.9
        """,
        "the rate alone": """
            def tune(trial):
                return min(np.geomspace(1e-3, 1e2, 28), key=lambda lr: trial(lr, 0.9))
        """,
    },
    "averages": {
        "all the same": "averages = dict.fromkeys('ABCD', 'rho 0.99')",
        "rotated": "averages = dict(zip('ABCD', [hw._numbers['_averages'][letter] for letter in 'BCDA']))",
        "the correction not seen": """
            averages = {}
            for letter, name in hw._numbers["_averages"].items():
                averages[letter] = {"rho 0.99, corrected": "rho 0.99", "rho 0.9": "rho 0.99, corrected"}.get(name, name)
        """,
        "words of one's own": "averages = {letter: name.upper() for letter, name in hw._numbers['_averages'].items()}",
        "one letter missing": "averages = {letter: hw._numbers['_averages'][letter] for letter in 'ABC'}",
    },
}

RIGHT = {
    "theta": {
        "with a trace": """
            theta = rmsprop.trace(w=hw["theta0"], g=hw["g"], lr=hw["lr"], rho=hw["rho"])["w"][-1]
        """,
        "line by line, rounded": """
            (a, _, c), r = hw["g"], hw["rho"]
            s1 = (1 - r) * a**2
            s3 = r * r * s1 + (1 - r) * c**2
            theta = round(hw["theta0"] - hw["lr"] * (a / s1**0.5 + c / s3**0.5), 5)
        """,
        "with a loop": """
            s, theta = 0, hw["theta0"]
            for g in hw["g"]:
                s += (1 - hw["rho"]) * (g * g - s)
                theta = theta - hw["lr"] / np.sqrt(s) * g
        """,
    },
    "theta_corrected": {
        "with Adam": """
            theta_corrected = adam.trace(w=hw["theta0"], g=hw["g"], lr=hw["lr"], beta1=0.0, beta2=hw["rho"])["w"][3]
        """,
        "by weights": """
            g, r = np.array(hw["g"]), hw["rho"]
            means = [np.average(g[:t] ** 2, weights=r ** np.arange(t - 1, -1, -1.0)) for t in (1, 2, 3)]
            theta_corrected = hw["theta0"] - hw["lr"] * np.sum(g / np.sqrt(means))
        """,
        "by growing rates, rounded": """
            s, theta_corrected = 0, hw["theta0"]
            for t in (1, 2, 3):
                g = hw["g"][t - 1]
                s = hw["rho"] * s + (1 - hw["rho"]) * g**2
                theta_corrected -= hw["lr"] * (1 - hw["rho"] ** t) ** 0.5 * g / s**0.5
            theta_corrected = np.round(theta_corrected, 5)
        """,
    },
    "step": {
        "with a name for the quotient": _HEAD
        + """
                square = rho * s + (1 - rho) * g * g
                push = g / np.sqrt(eps + square)
                velocity = push * lr + v * momentum
                w = w - velocity
                s = square
                v = velocity
                return w, s, v
        """,
        "as a rule already": """
            from numpy import sqrt

            from optimlab.rule import Rule

            @Rule
            def step(w, g, s=0.0, v=0.0, *, lr=0.001, rho=0.9, momentum=0.0, eps=1e-7):
                s = g**2 - rho * (g**2 - s)
                v = momentum * v + lr * g / sqrt(s + eps)
                w = w - v
                return w, s, v
        """,
        "with other defaults and a docstring": '''
            def step(w, g, s=0, v=0, *, lr=1, rho=0, momentum=0, eps=1e-7):
                """My own."""
                s = (1 - rho) * g**2 + s * rho
                v = lr * g / np.sqrt(s + eps) + v * momentum
                w = -v + w
                return w, s, v
        ''',
    },
    "slip": {
        "with a loop": _FOUR
        + """
            slip = {"batch": 3, "rate": roots[2], "fourth": roots[3], "plain": raw[3]}
        """,
        "with the rules": """
            g = [*hw["g_steady"], hw["g_fourth"]]
            hat = adam.trace(w=0.0, g=g, beta1=0.0, beta2=0.999)["v_hat"]
            s = rmsprop.trace(w=0.0, g=g, rho=0.999)["s"]
            slip = dict(batch=3.0, rate=0.001 / hat[3] ** 0.5, fourth=0.001 / hat[4] ** 0.5, plain=0.001 / s[4] ** 0.5)
        """,
        "by weights, rounded": """
            g = np.array([*hw["g_steady"], hw["g_fourth"]])
            def rate(t):
                return 0.001 / np.sqrt(np.average(g[:t] ** 2, weights=0.999 ** np.arange(t - 1, -1, -1.0)))
            slip = {"plain": round(rate(4) / np.sqrt(1 - 0.999**4), 3), "fourth": round(rate(4), 5),
                    "rate": round(rate(3), 5), "batch": 3}
        """,
    },
    "giant": {
        "measured": """
            lr, rho = hw["lr_giant"], hw["rho_giant"]
            steps = -np.diff(rmsprop.trace(w=0.0, g=np.ones(500), lr=lr, rho=rho)["w"])
            giant = {"first": steps[0], "tenth": steps[9], "within": np.argmax(steps <= 1.1 * lr) + 1}
        """,
        "solved for t": """
            lr, rho = hw["lr_giant"], hw["rho_giant"]
            within = np.ceil(np.log(1 - 1 / 1.21) / np.log(rho))
            giant = {"first": lr / (1 - rho) ** 0.5, "tenth": lr / (1 - rho**10) ** 0.5, "within": within}
        """,
        "counted up, rounded": """
            lr, rho, t = hw["lr_giant"], hw["rho_giant"], 1
            while (1 - rho**t) ** -0.5 > 1.1:
                t += 1
            giant = dict(within=t, first=float(f"{lr * (1 - rho) ** -0.5:.5g}"), tenth=lr * (1 - rho**10) ** -0.5)
        """,
    },
    "predicted": {
        "wrong, and worth the point": "predicted = {'rate': 4, 'noise': 1}",
        "computed": "predicted = dict(rate=np.sqrt(4), noise=np.float64(2))",
        "zero": "predicted = {'noise': 0, 'rate': 0.0}",
    },
    "measured": {
        "with a function": _FAR
        + """
            measured = {"rate": far(4) / far(1), "noise": far(1, 4) / far(1)}
        """,
        "three runs at once, rounded": """
            loud = np.array([[1.0, 1.0, 4.0]])
            path = run(rmsprop, lambda w, t: w + loud * hw["noise"][t - 1], start=np.zeros((1, 3)), steps=4000,
                       lr=hw["lr_noise"] * np.array([1.0, 4.0, 1.0]), rho=hw["rho_noise"])
            one, fast, noisy = np.linalg.norm(path["w"][501:, 0], axis=0)
            measured = {"rate": round(fast / one, 4), "noise": round(noisy / one, 4)}
        """,
        "without the package": """
            def walk(rate, loud):
                w = s = total = 0.0
                for t, e in enumerate(hw["noise"].tolist(), 1):
                    g = w + loud * e
                    s = hw["rho_noise"] * s + (1 - hw["rho_noise"]) * g * g
                    w -= rate * hw["lr_noise"] * g / (s**0.5 + 1e-8)
                    total += (t > 500) * w * w
                return total**0.5
            measured = {"rate": walk(4, 1) / walk(1, 1), "noise": walk(1, 4) / walk(1, 1)}
        """,
    },
    "tune": {
        "one power, many rates": """
            def tune(trial):
                return min(np.geomspace(1e-3, 1e2, 28), key=lambda lr: trial(lr, 1.0)), 1.0
        """,
        "rates first, then powers, as a dict": """
            def tune(trial):
                tried = {(lr, 0.75): trial(lr, 0.75) for lr in np.geomspace(1e-3, 1e2, 14)}
                near = min(tried, key=tried.get)[0]
                for lr in near * np.array([0.6, 0.8, 1.3, 1.8]):
                    tried[lr, 0.75] = trial(lr, power=0.75)
                near = min(tried, key=tried.get)[0]
                for power, more in ((0.85, 1.3), (0.85, 1.8), (1.0, 1.8), (1.0, 2.6)):
                    tried[near * more, power] = trial(near * more, power)
                lr, power = min(tried, key=tried.get)
                return {"power": power, "lr": lr}
        """,
        "a search that narrows": """
            def tune(trial):
                best = min((trial(lr, 0.8), lr, 0.8) for lr in np.geomspace(1e-3, 1e2, 14))
                rng = np.random.default_rng(1)
                for _ in range(16):
                    lr = best[1] * rng.uniform(0.6, 1.7)
                    power = np.clip(best[2] + rng.uniform(-0.15, 0.15), 0, 1.2)
                    best = min(best, (trial(lr, power), lr, power))
                return [best[1], best[2]]
        """,
    },
    "averages": {
        "looked at": "averages = hw._numbers['_averages']",
        "in another order": "averages = dict(reversed(hw._numbers['_averages'].items()))",
        "computed again": """
            def fading(rho):
                s, all_ = 0.0, []
                for g in hw["stream"]:
                    s = rho * s + (1 - rho) * g**2
                    all_.append(s)
                return np.array(all_)
            slow = fading(0.99)
            known = {"rho 0.9": fading(0.9), "rho 0.99": slow, "rho 0.99, no factor": 100 * slow,
                     "rho 0.99, corrected": slow / (1 - 0.99 ** np.arange(1, 601)),
                     "sum": np.cumsum(hw["stream"] ** 2)}
            averages = {letter: min(known, key=lambda name: np.abs(known[name] - root**2).max())
                        for letter, root in hw["roots"].items()}
        """,
    },
}
