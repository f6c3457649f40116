"""Solutions of the homework on AdaGrad and Adadelta, as students write them: wrong ones and right ones.

Each replaces the whole answer cell above the test. It finds what the locked cells define: ``hw``, ``np``,
``adagrad`` and ``adadelta``.
"""

_HEAD = """
            def step(w, g, t, s=0.0, *, lr=0.1, decay=0.0, eps=1e-10):
"""

_STREAMS = """
            up = hw["growth"] ** np.arange(200.0)
            def way(g):
                return -np.diff(adagrad.trace(w=0.0, g=g, lr=hw["lr_growth"])["w"])
"""

_BATCHES = """
            batches = [np.array(x) for x in ([2, 1], [3, 0.5], hw["x_third"])]
            w, s, sums, weights = 3.0, 0.0, [], []
"""

WRONG = {
    "by_hand": {
        "no root": """
            w, s = hw["theta0"], 0
            for g in hw["g"]:
                s = s + g**2
                w = w - hw["lr"] * g / s
            by_hand = {"theta": w, "rate": hw["lr"] / s}
        """,
        "sizes added": """
            w, s = hw["theta0"], 0
            for g in hw["g"]:
                s = s + abs(g)
                w = w - hw["lr"] * g / s
            by_hand = {"theta": w, "rate": hw["lr"] / s}
        """,
        "a mean for the sum": """
            w, s = hw["theta0"], 0
            for t, g in enumerate(hw["g"], 1):
                s = s + g**2
                w = w - hw["lr"] * g / np.sqrt(s / t)
            by_hand = {"theta": w, "rate": hw["lr"] / np.sqrt(s / t)}
        """,
        "only two steps": """
            path = adagrad.trace(w=hw["theta0"], g=hw["g"], lr=hw["lr"])
            by_hand = {"theta": path["w"][2], "rate": hw["lr"] / path["s"][2] ** 0.5}
        """,
        "the step instead of its rate": """
            path = adagrad.trace(w=hw["theta0"], g=hw["g"], lr=hw["lr"])
            by_hand = {"theta": path["w"][3], "rate": hw["lr"] * hw["g"][2] / path["s"][3] ** 0.5}
        """,
        "a number alone": "by_hand = 2.74",
        "the default rate": """
            path = adagrad.trace(w=hw["theta0"], g=hw["g"])
            by_hand = {"theta": path["w"][3], "rate": 0.01 / path["s"][3] ** 0.5}
        """,
    },
    "steps_delta": {
        "no eps above the line": """
            steps_delta, s, d, r, e = [], 0, 0, hw["rho"], hw["eps"]
            for g in hw["g_delta"]:
                s = r * s + (1 - r) * g**2
                steps_delta.append(np.sqrt(d) / np.sqrt(s + e) * g)
                d = r * d + (1 - r) * steps_delta[-1] ** 2
        """,
        "eps outside the roots": """
            steps_delta, s, d, r, e = [], 0, 0, hw["rho"], hw["eps"]
            for g in hw["g_delta"]:
                s = r * s + (1 - r) * g**2
                steps_delta.append((np.sqrt(d) + e) / (np.sqrt(s) + e) * g)
                d = r * d + (1 - r) * steps_delta[-1] ** 2
        """,
        "the shares swapped": """
            w = adadelta.trace(w=0.0, g=hw["g_delta"], rho=1 - hw["rho"], eps=hw["eps"])["w"]
            steps_delta = -np.diff(w)
        """,
        "the old s": """
            steps_delta, s, d, r, e = [], 0, 0, hw["rho"], hw["eps"]
            for g in hw["g_delta"]:
                steps_delta.append(np.sqrt(d + e) / np.sqrt(s + e) * g)
                s = r * s + (1 - r) * g**2
                d = r * d + (1 - r) * steps_delta[-1] ** 2
        """,
        "the differences of the weight": """
            w = adadelta.trace(w=0.0, g=hw["g_delta"], rho=hw["rho"], eps=hw["eps"])["w"]
            steps_delta = np.diff(w)
        """,
        "one step": "steps_delta = [0.2, ...]",
    },
    "step": {
        "decay ignored": _HEAD
        + """
                s = s + g**2
                w = w - lr * g / (np.sqrt(s) + eps)
                return w, s
        """,
        "one step too early": _HEAD
        + """
                s = s + g**2
                w = w - lr / (1 + t * decay) * g / (np.sqrt(s) + eps)
                return w, s
        """,
        "eps inside the root": _HEAD
        + """
                s = s + g**2
                w = w - lr / (1 + (t - 1) * decay) * g / np.sqrt(s + eps)
                return w, s
        """,
        "no eps": _HEAD
        + """
                s = s + g**2
                w = w - lr / (1 + (t - 1) * decay) * g / np.sqrt(s)
                return w, s
        """,
        "the old sum": _HEAD
        + """
                w = w - lr / (1 + (t - 1) * decay) * g / (np.sqrt(s) + eps)
                s = s + g**2
                return w, s
        """,
        "in place": _HEAD
        + """
                s += g**2
                w -= lr / (1 + (t - 1) * decay) * g / (np.sqrt(s) + eps)
                return w, s
        """,
        "the parenthesis": _HEAD
        + """
                s = s + g**2
                w = w - lr / (1 + (t - 1) * decay) * g / np.sqrt(s) + eps
                return w, s
        """,
        "only the weight returned": _HEAD
        + """
                s = s + g**2
                w = w - lr / (1 + (t - 1) * decay) * g / (np.sqrt(s) + eps)
                return w
        """,
    },
    "slip": {
        "the printed gradient taken on": _BATCHES
        + """
            for k, x in enumerate(batches):
                g = -9.25 if k == 1 else np.mean(2 * (w - 5) * x**2)
                s = s + g**2
                w = w - 0.1 * g / np.sqrt(s)
                sums.append(s), weights.append(w)
            slip = {"figure": 4, "sum": sums[1], "second": weights[1], "third": weights[2]}
        """,
        "gradients added": _BATCHES
        + """
            for x in batches:
                g = np.sum(2 * (w - 5) * x**2)
                s = s + g**2
                w = w - 0.1 * g / np.sqrt(s)
                sums.append(s), weights.append(w)
            slip = {"figure": 4, "sum": sums[1], "second": weights[1], "third": weights[2]}
        """,
        "squared before the mean": _BATCHES
        + """
            for x in batches:
                each = 2 * (w - 5) * x**2
                s = s + np.mean(each**2)
                w = w - 0.1 * np.mean(each) / np.sqrt(s)
                sums.append(s), weights.append(w)
            slip = {"figure": 4, "sum": sums[1], "second": weights[1], "third": weights[2]}
        """,
        "counted from zero": _BATCHES
        + """
            for x in batches:
                g = np.mean(2 * (w - 5) * x**2)
                s = s + g**2
                w = w - 0.1 * g / np.sqrt(s)
                sums.append(s), weights.append(w)
            slip = {"figure": 3, "sum": sums[1], "second": weights[1], "third": weights[2]}
        """,
        "no third batch": "slip = {'figure': 4, 'sum': 408.88, 'second': 3.187, 'third': ...}",
        "the sum as printed": "slip = {'figure': 6, 'sum': 185.6, 'second': 3.187, 'third': 3.266}",
    },
    "predicted": {
        "words": "predicted = {'growing': 'tiny', 'shrinking': 'far'}",
        "one of two": "predicted = {'growing': 0.1, 'shrinking': ...}",
        "negative": "predicted = {'growing': -0.1, 'shrinking': 1}",
        "without end": "predicted = {'growing': 1, 'shrinking': float('inf')}",
    },
    "measured": {
        "not in learning rates": _STREAMS
        + """
            measured = {"growing": way(up)[-1], "shrinking": way(1 / up).sum()}
        """,
        "the streams swapped": _STREAMS
        + """
            lr = hw["lr_growth"]
            measured = {"growing": way(1 / up)[-1] / lr, "shrinking": way(up).sum() / lr}
        """,
        "two ways": _STREAMS
        + """
            lr = hw["lr_growth"]
            measured = {"growing": way(up).sum() / lr, "shrinking": way(1 / up).sum() / lr}
        """,
        "no root": """
            up = hw["growth"] ** np.arange(200.0)
            measured = {"growing": up[-1] / np.sum(up**2), "shrinking": np.sum(1 / up / np.cumsum(up**-2))}
        """,
        "the signs of the weight": _STREAMS
        + """
            lr = hw["lr_growth"]
            measured = {"growing": -way(up)[-1] / lr, "shrinking": -way(1 / up).sum() / lr}
        """,
    },
    "converted": {
        "nothing to do": """
            converted = {"descent": hw["lr_descent"], "adagrad": hw["lr_adagrad"], "adadelta": hw["eps_adadelta"]}
        """,
        "the loss left out": """
            c = hw["times_weight"]
            converted = {"descent": hw["lr_descent"] * c**2, "adagrad": hw["lr_adagrad"] * c,
                         "adadelta": hw["eps_adadelta"] * c**2}
        """,
        "Adadelta has no rate": """
            c, k = hw["times_weight"], hw["times_loss"]
            converted = {"descent": hw["lr_descent"] * c**2 / k, "adagrad": hw["lr_adagrad"] * c,
                         "adadelta": hw["eps_adadelta"]}
        """,
        "all by the same factor": """
            c = hw["times_weight"]
            converted = {"descent": hw["lr_descent"] * c, "adagrad": hw["lr_adagrad"] * c,
                         "adadelta": hw["eps_adadelta"] * c}
        """,
        "AdaGrad like descent": """
            c, k = hw["times_weight"], hw["times_loss"]
            converted = {"descent": hw["lr_descent"] * c**2 / k, "adagrad": hw["lr_adagrad"] * c**2 / k,
                         "adadelta": hw["eps_adadelta"] * c**2}
        """,
        "the wrong way round": """
            c, k = hw["times_weight"], hw["times_loss"]
            converted = {"descent": hw["lr_descent"] / c**2 * k, "adagrad": hw["lr_adagrad"] / c,
                         "adadelta": hw["eps_adadelta"] / c**2}
        """,
    },
    "tune": {
        "the default": "def tune(trial): return 0.01",
        "powers of ten alone, around one": """
            def tune(trial):
                return min([0.1, 1.0, 10.0], key=trial)
        """,
        "over the budget": """
            def tune(trial):
                return min(np.geomspace(1e-4, 1e3, 60), key=trial)
        """,
        "the worst instead of the best": """
            def tune(trial):
                return max(np.geomspace(1e-4, 1e3, 12), key=trial)
        """,
        "the least instead of its place": """
            def tune(trial):
                return min(trial(lr) for lr in np.geomspace(1e-4, 1e3, 12))
        """,
        "two settings": """
            def tune(trial):
                return min(np.geomspace(1e-4, 1e3, 12), key=trial), 1e-8
        """,
    },
    "rules": {
        "all the same": "rules = dict.fromkeys('ABCD', 'AdaGrad')",
        "rotated": "rules = dict(zip('ABCD', [hw._numbers['_rules'][letter] for letter in 'BCDA']))",
        "whatever falls is AdaGrad": """
            rules = {}
            for letter, name in hw._numbers["_rules"].items():
                rules[letter] = {"AdaGrad without the root": "AdaGrad", "RMSprop": "AdaGrad"}.get(name, name)
        """,
        "words of one's own": "rules = {letter: name.lower() for letter, name in hw._numbers['_rules'].items()}",
        "a list": "rules = list(hw._numbers['_rules'].values())",
    },
}

RIGHT = {
    "by_hand": {
        "with a trace": """
            path = adagrad.trace(w=hw["theta0"], g=hw["g"], lr=hw["lr"])
            by_hand = {"theta": path["w"][-1], "rate": hw["lr"] / np.sqrt(path["s"][-1])}
        """,
        "with arrays": """
            g = np.array(hw["g"])
            rates = hw["lr"] / np.sqrt(np.cumsum(g**2))
            by_hand = {"rate": rates[2], "theta": hw["theta0"] - rates @ g}
        """,
        "line by line, rounded": """
            a, b, c = hw["g"]
            s1 = a * a
            s2 = s1 + b * b
            s3 = s2 + c * c
            w = hw["theta0"] - hw["lr"] * (a / s1**0.5 + b / s2**0.5 + c / s3**0.5)
            by_hand = dict(theta=round(w, 5), rate=round(hw["lr"] / s3**0.5, 6))
        """,
    },
    "steps_delta": {
        "with a trace": """
            w = adadelta.trace(w=0.0, g=hw["g_delta"], rho=hw["rho"], eps=hw["eps"])["w"]
            steps_delta = w[:-1] - w[1:]
        """,
        "line by line": """
            (a, b), r, e = hw["g_delta"], hw["rho"], hw["eps"]
            first = (e / ((1 - r) * a**2 + e)) ** 0.5 * a
            s = r * (1 - r) * a**2 + (1 - r) * b**2
            steps_delta = (first, (((1 - r) * first**2 + e) / (s + e)) ** 0.5 * b)
        """,
        "with a loop, rounded": """
            s = d = 0
            steps_delta = []
            for g in hw["g_delta"]:
                s += (1 - hw["rho"]) * (g * g - s)
                step = g * np.sqrt((d + hw["eps"]) / (s + hw["eps"]))
                d += (1 - hw["rho"]) * (step * step - d)
                steps_delta.append(float(f"{step:.5g}"))
        """,
    },
    "step": {
        "with names for the parts": _HEAD
        + """
                total = g * g + s
                brake = 1 + decay * (t - 1)
                w = w - lr * g / (brake * (np.sqrt(total) + eps))
                s = total
                return w, s
        """,
        "as a rule already": """
            from numpy import sqrt

            from optimlab.rule import Rule

            @Rule
            def step(w, g, t, s=0.0, *, lr=0.1, decay=0.0, eps=1e-10):
                s = s + g**2
                w = w - lr / (1 - decay + decay * t) * g / (eps + sqrt(s))
                return w, s
        """,
        "with other defaults and a docstring": '''
            def step(w, g, t, s=0, *, lr=1, decay=0, eps=0):
                """My own."""
                s = g**2 + s
                w = w + -lr * g / (np.sqrt(s) + eps) / (1 + (t - 1) * decay)
                return w, s
        ''',
    },
    "slip": {
        "with a loop": _BATCHES
        + """
            for x in batches:
                g = np.mean(2 * (w - 5) * x**2)
                s = s + g**2
                w = w - 0.1 * g / np.sqrt(s)
                sums.append(s), weights.append(w)
            slip = {"figure": 4, "sum": sums[1], "second": weights[1], "third": weights[2]}
        """,
        "with the rule": """
            from optimlab.descent import run

            x = np.array([[2, 1], [3, 0.5], hw["x_third"]])
            slope = lambda w, t: 2 * (w - 5) * np.mean(x[t - 1] ** 2)
            path = run(adagrad, slope, start=[3.0], steps=3, lr=0.1, record=("w", "s"))
            slip = dict(figure=4.0, sum=path["s"][2, 0], second=path["w"][2, 0], third=path["w"][3, 0])
        """,
        "by hand, rounded": """
            g2 = (3.1 - 5) * (9 + 0.25)
            s2 = 100 + g2**2
            w2 = 3.1 - 0.1 * g2 / s2**0.5
            a, b = hw["x_third"]
            g3 = (w2 - 5) * (a * a + b * b)
            slip = {"figure": 4, "sum": round(s2, 2), "second": w2, "third": w2 - 0.1 * g3 / (s2 + g3**2) ** 0.5}
        """,
    },
    "predicted": {
        "wrong, and worth the point": "predicted = {'growing': 0, 'shrinking': 28}",
        "computed": "predicted = dict(growing=np.sqrt(1 - hw['growth'] ** -2), shrinking=np.float64(5))",
        "whole numbers": "predicted = {'shrinking': 200, 'growing': 1}",
    },
    "measured": {
        "with differences": _STREAMS
        + """
            lr = hw["lr_growth"]
            measured = {"growing": way(up)[-1] / lr, "shrinking": way(1 / up).sum() / lr}
        """,
        "with sums of squares": """
            up = hw["growth"] ** np.arange(200.0)
            measured = {"growing": up[-1] / np.sqrt(np.sum(up**2)),
                        "shrinking": np.sum(1 / up / np.sqrt(np.cumsum(up**-2)))}
        """,
        "without the package, rounded": """
            def walk(factor):
                g, s, way, step = 1.0, 0.0, 0.0, 0.0
                for _ in range(200):
                    s += g * g
                    step = g / s**0.5
                    way, g = way + step, g * factor
                return step, way
            measured = {"growing": round(walk(hw["growth"])[0], 4),
                        "shrinking": round(walk(1 / hw["growth"])[1], 3)}
        """,
    },
    "converted": {
        "by the units": """
            c, k = hw["times_weight"], hw["times_loss"]
            converted = {"descent": hw["lr_descent"] * c**2 / k, "adagrad": hw["lr_adagrad"] * c,
                         "adadelta": hw["eps_adadelta"] * c**2}
        """,
        "by first steps": """
            c, k = hw["times_weight"], hw["times_loss"]
            step, gradient = c, k / c
            converted = dict(descent=hw["lr_descent"] / gradient * step, adagrad=step * hw["lr_adagrad"],
                             adadelta=(step * hw["eps_adadelta"] ** 0.5) ** 2)
        """,
        "with NumPy, rounded": """
            c, k = hw["times_weight"], hw["times_loss"]
            a, b, d = np.array([hw["lr_descent"], hw["lr_adagrad"], hw["eps_adadelta"]]) * [c * c / k, c, c * c]
            converted = {"adadelta": float(f"{d:.4g}"), "adagrad": np.round(b, 3), "descent": float(f"{a:.5g}")}
        """,
    },
    "tune": {
        "coarse, then fine": """
            def tune(trial):
                coarse = np.geomspace(1e-4, 1e3, 8)
                left = [trial(lr) for lr in coarse]
                tried = dict(zip(coarse, left))
                for factor in (0.25, 0.4, 1.8, 3):
                    lr = coarse[np.argmin(left)] * factor
                    tried[lr] = trial(lr)
                return min(tried, key=tried.get)
        """,
        "with steps that shrink, as a dict": """
            def tune(trial):
                powers = np.linspace(-4, 3, 7)
                left, best, step = min((trial(10.0**p), p) for p in powers), None, 0.6
                for _ in range(2):
                    for way in (-step, step):
                        left = min(left, (trial(lr=10.0 ** (left[1] + way)), left[1] + way))
                    step /= 2.2
                return {"lr": 10.0 ** left[1]}
        """,
        "by the way of one step, as a list": """
            def tune(trial):
                lrs = 0.3 * 10.0 ** np.arange(-4, 4)
                near = min(lrs, key=trial)
                return [min(near * np.array([0.6, 1, 1.6]), key=trial)]
        """,
    },
    "rules": {
        "looked at": "rules = hw._numbers['_rules']",
        "in another order": "rules = dict(reversed(hw._numbers['_rules'].items()))",
        "by three ratios": """
            rules = {}
            for letter, a in hw["lengths"].items():
                if np.isclose(a[60], a[0]):
                    rules[letter] = "gradient descent"
                elif a[60] > a[0]:
                    rules[letter] = "Adadelta"
                elif a[69] > 0.8 * a[39]:
                    rules[letter] = "RMSprop"
                else:
                    rules[letter] = "AdaGrad" if a[63] > 0.1 * a[0] else "AdaGrad without the root"
        """,
    },
}
