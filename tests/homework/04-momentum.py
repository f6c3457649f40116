"""Solutions of the homework on momentum, as students write them: wrong ones and right ones, per test.

Each replaces the whole answer cell above the test. It finds what the locked cells define: ``hw``, ``np``,
``run`` and the rules.
"""

WRONG = {
    "theta_sum": {
        "the average form": """
            v, theta_sum = 0, hw["theta0"]
            for g in hw["g"]:
                v = hw["beta"] * v + (1 - hw["beta"]) * g
                theta_sum -= hw["lr"] * v
        """,
        "no memory": "theta_sum = hw['theta0'] - hw['lr'] * sum(hw['g'])",
        "up the slope": """
            v, theta_sum = 0, hw["theta0"]
            for g in hw["g"]:
                v = hw["beta"] * v + g
                theta_sum += hw["lr"] * v
        """,
        "only two steps": "theta_sum = momentum.trace(w=hw['theta0'], g=hw['g'], lr=hw['lr'], momentum=hw['beta'])['w'][2]",
        "the whole path": "theta_sum = momentum.trace(w=hw['theta0'], g=hw['g'], lr=hw['lr'], momentum=hw['beta'])['w']",
        "a text": "theta_sum = '3.1'",
        "rounded to one digit": "theta_sum = round(momentum.trace(w=hw['theta0'], g=hw['g'], lr=hw['lr'], momentum=hw['beta'])['w'][3], 0) + 0.5",
    },
    "theta_average": {
        "the factor dropped": """
            v, theta_average = 0, hw["theta0"]
            for g in hw["g"]:
                v = hw["beta"] * v + g
                theta_average -= hw["lr"] * v
        """,
        "the shares swapped": """
            v, theta_average = 0, hw["theta0"]
            for g in hw["g"]:
                v = (1 - hw["beta"]) * v + hw["beta"] * g
                theta_average -= hw["lr"] * v
        """,
        "bias correction added": """
            v, theta_average = 0, hw["theta0"]
            for t, g in enumerate(hw["g"], 1):
                v = hw["beta"] * v + (1 - hw["beta"]) * g
                theta_average -= hw["lr"] * v / (1 - hw["beta"] ** t)
        """,
        "the sign of the last gradient": """
            v, theta_average = 0, hw["theta0"]
            for g in hw["g"]:
                v = hw["beta"] * v + (1 - hw["beta"]) * abs(g)
                theta_average -= hw["lr"] * v
        """,
        "not a number": "theta_average = float('nan')",
    },
    "step": {
        "dampening ignored": """
            def step(w, g, v=0.0, *, lr=0.1, beta=0.9, dampening=0.0):
                v = beta * v + g
                w = w - lr * v
                return w, v
        """,
        "PyTorch's first step": """
            def step(w, g, v=0.0, *, lr=0.1, beta=0.9, dampening=0.0):
                v = np.where(v == 0, g, beta * v + (1 - dampening) * g)
                w = w - lr * v
                return w, v
        """,
        "1 - beta instead of 1 - dampening": """
            def step(w, g, v=0.0, *, lr=0.1, beta=0.9, dampening=0.0):
                v = beta * v + (1 - beta) * g
                w = w - lr * v
                return w, v
        """,
        "dampening itself": """
            def step(w, g, v=0.0, *, lr=0.1, beta=0.9, dampening=0.0):
                v = beta * v + dampening * g
                w = w - lr * v
                return w, v
        """,
        "the old velocity moves the weight": """
            def step(w, g, v=0.0, *, lr=0.1, beta=0.9, dampening=0.0):
                w = w - lr * v
                v = beta * v + (1 - dampening) * g
                return w, v
        """,
        "the rate inside": """
            def step(w, g, v=0.0, *, lr=0.1, beta=0.9, dampening=0.0):
                v = beta * v + lr * (1 - dampening) * g
                w = w - v
                return w, v
        """,
        "in place": """
            def step(w, g, v=0.0, *, lr=0.1, beta=0.9, dampening=0.0):
                v *= beta
                v += (1 - dampening) * g
                w -= lr * v
                return w, v
        """,
        "only the weight returned": """
            def step(w, g, v=0.0, *, lr=0.1, beta=0.9, dampening=0.0):
                v = beta * v + (1 - dampening) * g
                w = w - lr * v
                return w
        """,
        "right for beta 0.9 alone": """
            def step(w, g, v=0.0, *, lr=0.1, beta=0.9, dampening=0.0):
                v = 0.9 * v + (1 - dampening) * g
                w = w - lr * v
                return w, v
        """,
    },
    "slip": {
        "the inherited figure": """
            v = 0.9 * float(hw["printed"][1]) + hw["g_steep"][2]
            slip = {"batch": 3, "velocity": v, "fourth": 0.9 * v + hw["g_fourth"]}
        """,
        "the printed figures taken on": """
            v = -0.3
            slip = {"batch": 2, "velocity": v, "fourth": 0.9 * float(hw["printed"][2]) + hw["g_fourth"]}
        """,
        "the average form": """
            v = momentum_average.trace(w=0.0, g=[*hw["g_steep"], hw["g_fourth"]], momentum=0.9)["v"]
            slip = {"batch": 2, "velocity": v[2], "fourth": v[4]}
        """,
        "the sign lost": """
            v = momentum.trace(w=0.0, g=[*hw["g_steep"], hw["g_fourth"]], momentum=0.9)["v"]
            slip = {"batch": 2, "velocity": abs(v[2]), "fourth": v[4]}
        """,
        "counted from zero": """
            v = momentum.trace(w=0.0, g=[*hw["g_steep"], hw["g_fourth"]], momentum=0.9)["v"]
            slip = {"batch": 1, "velocity": v[2], "fourth": v[4]}
        """,
        "half of it": "slip = {'batch': 2, 'velocity': -0.3, 'fourth': ...}",
    },
    "predicted": {
        "words": "predicted = {'velocity': 'smaller', 'weight': 'the same'}",
        "one of two": "predicted = {'velocity': 0.1, 'weight': ...}",
        "another key": "predicted = {'velocity': 0.1, 'weights': 1}",
        "negative": "predicted = {'velocity': -0.1, 'weight': 1}",
        "a list": "predicted = [0.1, 1]",
    },
    "measured": {
        "the sum form": """
            noise, setting = hw["noise"], dict(start=[0.0], steps=1000, lr=hw["lr_noise"])
            f = lambda w, t: w + noise[t - 1]
            a = run(gradient_descent, f, **setting)
            b = run(momentum, f, momentum=hw["beta_noise"], record=("w", "g", "v"), **setting)
            measured = {"velocity": b["v"][201:].var() / b["g"][201:].var(),
                        "weight": b["w"][201:].var() / a["w"][201:].var()}
        """,
        "standard deviations": """
            noise, setting = hw["noise"], dict(start=[0.0], steps=1000, lr=hw["lr_noise"])
            f = lambda w, t: w + noise[t - 1]
            a = run(gradient_descent, f, **setting)
            b = run(momentum_average, f, momentum=hw["beta_noise"], record=("w", "g", "v"), **setting)
            measured = {"velocity": b["v"][201:].std() / b["g"][201:].std(),
                        "weight": b["w"][201:].std() / a["w"][201:].std()}
        """,
        "the whole run": """
            noise, setting = hw["noise"], dict(start=[0.0], steps=1000, lr=hw["lr_noise"])
            f = lambda w, t: w + noise[t - 1]
            a = run(gradient_descent, f, **setting)
            b = run(momentum_average, f, momentum=hw["beta_noise"], record=("w", "g", "v"), **setting)
            measured = {"velocity": np.nanvar(b["v"]) / np.nanvar(b["g"]), "weight": b["w"].var() / a["w"].var()}
        """,
        "the rate multiplied by 1 - beta": """
            noise, setting = hw["noise"], dict(start=[0.0], steps=1000)
            f = lambda w, t: w + noise[t - 1]
            a = run(gradient_descent, f, lr=hw["lr_noise"], **setting)
            b = run(momentum_average, f, lr=hw["lr_noise"] * (1 - hw["beta_noise"]), momentum=hw["beta_noise"],
                    record=("w", "g", "v"), **setting)
            measured = {"velocity": b["v"][201:].var() / b["g"][201:].var(),
                        "weight": b["w"][201:].var() / a["w"][201:].var()}
        """,
        "upside down": """
            noise, setting = hw["noise"], dict(start=[0.0], steps=1000, lr=hw["lr_noise"])
            f = lambda w, t: w + noise[t - 1]
            a = run(gradient_descent, f, **setting)
            b = run(momentum_average, f, momentum=hw["beta_noise"], record=("w", "g", "v"), **setting)
            measured = {"velocity": b["g"][201:].var() / b["v"][201:].var(),
                        "weight": a["w"][201:].var() / b["w"][201:].var()}
        """,
    },
    "tune": {
        "the defaults": "def tune(trial): return 0.01, 0.9",
        "without momentum": """
            def tune(trial):
                rates = np.geomspace(1e-3, 1, 40)
                return min(rates, key=lambda lr: trial(lr, 0)), 0.0
        """,
        "over the budget": """
            def tune(trial):
                pairs = [(lr, b) for lr in np.geomspace(1e-3, 1, 30) for b in (0.4, 0.5, 0.6)]
                return min(pairs, key=lambda pair: trial(*pair))
        """,
        "the worst instead of the best": """
            def tune(trial):
                pairs = [(lr, b) for lr in np.geomspace(1e-3, 1, 13) for b in (0.4, 0.5, 0.6)]
                return max(pairs, key=lambda pair: trial(*pair))
        """,
        "the order swapped": """
            def tune(trial):
                pairs = [(lr, b) for lr in np.geomspace(1e-3, 1, 13) for b in (0.4, 0.5, 0.6)]
                return min(pairs, key=lambda pair: trial(*pair))[::-1]
        """,
        "the steps returned": """
            def tune(trial):
                return min(trial(lr, b) for lr in np.geomspace(1e-3, 1, 13) for b in (0.4, 0.5, 0.6))
        """,
        "the budget's end caught": """
            def tune(trial):
                pairs, best = [(lr, b) for lr in np.geomspace(1e-3, 1, 100) for b in (0.5, 0.6)], {}
                for pair in pairs:
                    try:
                        best[pair] = trial(*pair)
                    except Exception:
                        pass
                return min(best, key=best.get)
        """,
    },
    "causes": {
        "all the same": "causes = dict.fromkeys('ABCD', 'noise')",
        "rotated": """
            causes = dict(zip("ABCD", [hw._numbers["_causes"][letter] for letter in "BCDA"]))
        """,
        "one letter missing": "causes = {letter: hw._numbers['_causes'][letter] for letter in 'ABC'}",
        "words of one's own": "causes = {letter: name.upper() for letter, name in hw._numbers['_causes'].items()}",
        "two swapped": """
            causes = dict(hw._numbers["_causes"])
            causes["A"], causes["D"] = causes["D"], causes["A"]
        """,
    },
    "terrains": {
        "coefficients for curvatures of the wrong sign": """
            terrains = {letter: "valley" if b > 0 else "saddle" for letter, (a, b, c) in hw["surfaces"].items()}
        """,
        "whatever is long is a canal": """
            terrains = {}
            for letter, name in hw._numbers["_terrains"].items():
                terrains[letter] = {"ravine": "canal", "valley": "ravine"}.get(name, name)
        """,
        "rotated": """
            terrains = dict(zip("ABCD", [hw._numbers["_terrains"][letter] for letter in "BCDA"]))
        """,
        "a list": "terrains = list(hw._numbers['_terrains'].values())",
    },
    "kinds": {
        "every minimum is global": """
            kinds = {}
            for mark, kind in hw._numbers["_kinds"].items():
                kinds[mark] = "global minimum" if kind == "local minimum" else kind
        """,
        "the highest maximum called global": """
            kinds = {}
            for mark, kind in hw._numbers["_kinds"].items():
                kinds[mark] = "global maximum" if kind == "local maximum" else kind
        """,
        "only the second derivative": """
            bend = np.polyder(hw["line"], 2)
            kinds = {}
            for mark, x in hw["marks"].items():
                value = np.polyval(bend, x)
                kinds[mark] = "inflection" if value == 0 else "local minimum" if value > 0 else "local maximum"
        """,
        "the sign of f instead of f'": """
            kinds = {}
            for mark, x in hw["marks"].items():
                kinds[mark] = "local minimum" if np.polyval(hw["line"], x) < 0 else "local maximum"
        """,
        "an inflection taken for no critical point": """
            kinds = {}
            for mark, kind in hw._numbers["_kinds"].items():
                kinds[mark] = "not critical" if kind == "inflection" else kind
        """,
    },
}

_NOISY = """
    noise, setting = hw["noise"], dict(start=[0.0], steps=1000, lr=hw["lr_noise"])
    f = lambda w, t: w + noise[t - 1]
    a = run(gradient_descent, f, **setting)
    b = run(momentum_average, f, momentum=hw["beta_noise"], record=("w", "g", "v"), **setting)
"""

RIGHT = {
    "theta_sum": {
        "with a trace": "theta_sum = momentum.trace(w=hw['theta0'], g=hw['g'], lr=hw['lr'], momentum=hw['beta'])['w'][-1]",
        "by weights": """
            b = hw["beta"]
            theta_sum = hw["theta0"] - hw["lr"] * np.dot(hw["g"], [1 + b + b**2, 1 + b, 1])
        """,
        "rounded, as a NumPy number": """
            v1 = hw["g"][0]
            v2 = hw["beta"] * v1 + hw["g"][1]
            v3 = hw["beta"] * v2 + hw["g"][2]
            theta_sum = np.round(hw["theta0"] - hw["lr"] * (v1 + v2 + v3), 4)
        """,
    },
    "theta_average": {
        "with a trace": "theta_average = momentum_average.trace(w=hw['theta0'], g=hw['g'], lr=hw['lr'], momentum=hw['beta'])['w'][-1]",
        "the sum at a smaller rate": """
            lr = hw["lr"] * (1 - hw["beta"])
            theta_average = momentum.trace(w=hw["theta0"], g=hw["g"], lr=lr, momentum=hw["beta"])["w"][-1]
        """,
        "by weights": """
            b = hw["beta"]
            theta_average = hw["theta0"] - hw["lr"] * (1 - b) * np.dot(hw["g"], [1 + b + b**2, 1 + b, 1])
        """,
    },
    "step": {
        "with a name for the push": """
            def step(w, g, v=0.0, *, lr=0.1, beta=0.9, dampening=0.0):
                push = g - dampening * g
                v = push + v * beta
                w = w - v * lr
                return w, v
        """,
        "as a rule already": """
            from optimlab.rule import Rule

            @Rule
            def step(w, g, v=0.0, *, lr=0.1, beta=0.9, dampening=0.0):
                v = beta * v + (1 - dampening) * g
                w = w - lr * v
                return w, v
        """,
        "with other defaults and a docstring": '''
            def step(w, g, v=0, *, lr=1, beta=0, dampening=0):
                """My own."""
                v = v * beta - (dampening - 1) * g
                w = -lr * v + w
                return w, v
        ''',
    },
    "slip": {
        "by hand": """
            slip = {"batch": 2, "velocity": -0.3, "fourth": 0.9 * (0.9 * -0.3 + 4.9) + hw["g_fourth"]}
        """,
        "with a loop": """
            v, vs = 0, []
            for g in hw["g_steep"] + [hw["g_fourth"]]:
                v = 0.9 * v + g
                vs.append(v)
            slip = {"fourth": vs[3], "velocity": vs[1], "batch": 2.0}
        """,
        "by weights": """
            g = np.array([*hw["g_steep"], hw["g_fourth"]])
            slip = dict(batch=2, velocity=g[1] + 0.9 * g[0], fourth=g @ 0.9 ** np.arange(3, -1, -1))
        """,
    },
    "predicted": {
        "wrong, and worth the point": "predicted = {'velocity': 10, 'weight': 0.1}",
        "computed": "predicted = dict(velocity=1 / 3, weight=np.float64(1))",
        "zero": "predicted = {'weight': 0, 'velocity': 0}",
    },
    "measured": {
        "by variances": _NOISY
        + """
    measured = {"velocity": np.var(b["v"][201:]) / np.var(b["g"][201:]),
                "weight": np.var(b["w"][201:]) / np.var(a["w"][201:])}
        """,
        "by squares of deviations, rounded": _NOISY
        + """
    def spread(x):
        x = x[201:, 0]
        return np.mean((x - x.mean()) ** 2)
    measured = {"velocity": round(spread(b["v"]) / spread(b["g"]), 5),
                "weight": round(spread(b["w"]) / spread(a["w"]), 4)}
        """,
        "without the package": """
            def walk(beta):
                w, v, rows = 0.0, 0.0, []
                for e in hw["noise"]:
                    g = w + e
                    v = beta * v + (1 - beta) * g
                    w = w - hw["lr_noise"] * v
                    rows.append((w, v, g))
                return np.array(rows)[200:].var(axis=0)
            plain, heavy = walk(0), walk(hw["beta_noise"])
            measured = {"velocity": heavy[1] / heavy[2], "weight": heavy[0] / plain[0]}
        """,
    },
    "tune": {
        "a grid in both, then a finer one": """
            def tune(trial):
                tried = {}
                for lr in np.geomspace(1e-3, 1, 6):
                    for beta in (0.2, 0.5, 0.7, 0.9):
                        tried[lr, beta] = trial(lr, beta)
                lr, beta = min(tried, key=tried.get)
                for factor in (0.5, 0.75, 1.33, 2):
                    for more in (-0.1, 0, 0.05, 0.09):
                        tried[lr * factor, beta + more] = trial(lr * factor, beta + more)
                return min(tried, key=tried.get)
        """,
        "at random, then near the best": """
            def tune(trial):
                rng, tried = np.random.default_rng(0), {}
                for _ in range(25):
                    pair = 10 ** rng.uniform(-3, 0), rng.uniform(0, 0.95)
                    tried[pair] = trial(*pair)
                for _ in range(15):
                    lr, beta = min(tried, key=tried.get)
                    pair = lr * 10 ** rng.normal(0, 0.12), min(max(beta + rng.normal(0, 0.08), 0), 0.99)
                    tried[pair] = trial(*pair)
                return min(tried, key=tried.get)
        """,
        "a grid": """
            def tune(trial):
                pairs = [(lr, b) for lr in np.geomspace(2e-3, 0.3, 20) for b in (0.55, 0.65)]
                return min(pairs, key=lambda pair: trial(*pair))
        """,
        "one after the other, as a dict": """
            def tune(trial):
                lr = min(np.geomspace(1e-3, 0.5, 24), key=lambda lr: trial(lr, 0.6))
                beta = min(np.linspace(0.3, 0.8, 8), key=lambda beta: trial(lr, beta))
                lr = min(lr * np.geomspace(0.7, 1.4, 8), key=lambda lr: trial(lr, beta))
                return {"beta": beta, "lr": lr}
        """,
        "a random search that narrows": """
            def tune(trial):
                rng, best = np.random.default_rng(1), (np.inf, 0.01, 0.6)
                rates = np.geomspace(1e-3, 0.6, 20)
                for lr in rates:
                    best = min(best, (trial(lr, beta=0.6), lr, 0.6))
                for _ in range(20):
                    lr, beta = best[1] * rng.uniform(0.7, 1.4), np.clip(best[2] + rng.uniform(-0.2, 0.2), 0, 0.9)
                    best = min(best, (trial(lr, beta), lr, beta))
                return [best[1], best[2]]
        """,
    },
    "causes": {
        "looked at": "causes = hw._numbers['_causes']",
        "in another order": "causes = dict(reversed(hw._numbers['_causes'].items()))",
        "by the last values": """
            causes = {}
            for letter, losses in hw["curves"].items():
                last = np.log10(losses[-60:])
                if losses[-1] > losses[0]:
                    causes[letter] = "rate too large"
                elif last[-1] < -9:
                    causes[letter] = "healthy"
                elif np.all(np.diff(last) < 0):
                    causes[letter] = "no momentum"
                elif np.count_nonzero(np.diff(np.sign(np.diff(last)))) > 15:
                    causes[letter] = "noise"
                else:
                    causes[letter] = "too much momentum"
        """,
    },
    "terrains": {
        "looked at": "terrains = dict(hw._numbers['_terrains'])",
        "one by one": """
            terrains = {}
            for letter in "DCBA":
                terrains[letter] = hw._numbers["_terrains"][letter]
        """,
        "by the ratio": """
            terrains = {}
            for letter, (a, b, c) in hw["surfaces"].items():
                small, large = sorted([a, b], key=abs)
                if abs(large) < 0.1:
                    terrains[letter] = "flat"
                elif small == 0:
                    terrains[letter] = "canal"
                elif small * large < 0:
                    terrains[letter] = "saddle"
                else:
                    terrains[letter] = "valley" if large / small <= 5 else "ravine"
        """,
    },
    "kinds": {
        "by the second derivative": """
            line = np.poly1d(hw["line"])
            critical = {mark: x for mark, x in hw["marks"].items() if line.deriv()(x) == 0}
            kinds = {mark: "not critical" for mark in hw["marks"] if mark not in critical}
            minima = []
            for mark, x in critical.items():
                bend = line.deriv(2)(x)
                if bend > 0:
                    minima.append(mark)
                else:
                    kinds[mark] = "local maximum" if bend < 0 else "inflection"
            minima.sort(key=lambda mark: line(critical[mark]))
            kinds |= {minima[0]: "global minimum", minima[1]: "local minimum"}
        """,
        "by neighbors": """
            f = lambda x: np.polyval(hw["line"], x)
            bottom = min(f(x) for x in np.linspace(-5, 5, 1001))
            kinds = {}
            for mark, x in hw["marks"].items():
                left, right = f(x - 1e-3) - f(x), f(x + 1e-3) - f(x)
                slope = abs(np.polyval(np.polyder(hw["line"]), x))
                if slope > 1e-9:
                    kinds[mark] = "not critical"
                elif left > 0 and right > 0:
                    kinds[mark] = "global minimum" if f(x) <= bottom + 1e-9 else "local minimum"
                elif left < 0 and right < 0:
                    kinds[mark] = "local maximum"
                else:
                    kinds[mark] = "inflection"
        """,
        "looked at": "kinds = dict(hw._numbers['_kinds'])",
    },
}
