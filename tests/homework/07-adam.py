"""Solutions of the homework on Adam, as students write them: wrong ones and right ones, per test.

Each replaces the whole answer cell above the test. It finds what the locked cells define: ``hw``, ``np``,
``sqrt``, ``run`` and the rules.
"""

_TRACE = """
    trace = adam.trace(w=hw["w0"], g=hw["g"], lr=hw["lr"], beta1=hw["beta1"], beta2=hw["beta2"], eps=0.0)
"""

_HEAD = """
    def step(w, g, t, m_hat=0.0, v_hat=0.0, *, lr=0.001, beta1=0.9, beta2=0.999, eps=1e-8):"""

_FIRST = """
    r, a, b = hw["rho"], hw["beta1_first"], hw["beta2_first"]
"""

_SLIP = """
    g = [*hw["g_stream"], hw["g_fourth"]]
    t = adam.trace(w=0.5, g=g, lr=0.001)
    slip = {"iteration": 2, "value": t["v"][2],
            "way3": (0.5 - t["w"][3]) / 0.001, "way4": (0.5 - t["w"][4]) / 0.001}
"""

_BATCHES = """
    g = 1 + hw["noise_to_mean"] * hw["noise"]
    def way(rule, g, **more):
        return run(rule, g[:, None], start=[0.0], lr=1.0, **more).w[0]
"""

WRONG = {
    "hats": {
        "not corrected": _TRACE
        + """
    hats = {"m_hat": trace["m"][3], "v_hat": trace["v"][3]}
        """,
        "t from 0": """
            m = v = 0
            for t, g in enumerate(hw["g"]):
                m = hw["beta1"] * m + (1 - hw["beta1"]) * g
                v = hw["beta2"] * v + (1 - hw["beta2"]) * g**2
                if t:
                    hats = {"m_hat": m / (1 - hw["beta1"]**t), "v_hat": v / (1 - hw["beta2"]**t)}
        """,
        "the hats fed back": """
            m = v = 0
            for t, g in enumerate(hw["g"], 1):
                m = (hw["beta1"] * m + (1 - hw["beta1"]) * g) / (1 - hw["beta1"]**t)
                v = (hw["beta2"] * v + (1 - hw["beta2"]) * g**2) / (1 - hw["beta2"]**t)
            hats = {"m_hat": m, "v_hat": v}
        """,
        "one correction for both": _TRACE
        + """
    c = 1 - hw["beta1"] ** 3
    hats = {"m_hat": trace["m"][3] / c, "v_hat": trace["v"][3] / c}
        """,
        "divided by 1 - beta": _TRACE
        + """
    hats = {"m_hat": trace["m"][3] / (1 - hw["beta1"]), "v_hat": trace["v"][3] / (1 - hw["beta2"])}
        """,
        "betas swapped": """
            trace = adam.trace(w=0.0, g=hw["g"], beta1=hw["beta2"], beta2=hw["beta1"])
            hats = {"m_hat": trace["m_hat"][3], "v_hat": trace["v_hat"][3]}
        """,
        "the square of the average": _TRACE
        + """
    hats = {"m_hat": trace["m_hat"][3], "v_hat": trace["m_hat"][3] ** 2}
        """,
        "rounded to two digits": _TRACE
        + """
    hats = {"m_hat": 1.1 * trace["m_hat"][3], "v_hat": float(f"{1.1 * trace['v_hat'][3]:.1g}")}
        """,
        "half of it": "hats = {'m_hat': 1.0, 'v_hat': ...}",
    },
    "weight": {
        "no correction": """
            weight = adam_uncorrected.trace(w=hw["w0"], g=hw["g"], lr=hw["lr"], beta1=hw["beta1"],
                                            beta2=hw["beta2"], eps=0.0)["w"][3]
        """,
        "no root": _TRACE
        + """
    weight = hw["w0"] - hw["lr"] * sum(trace["m_hat"][1:] / trace["v_hat"][1:])
        """,
        "steps of one rate": "weight = hw['w0'] - hw['lr'] * np.sum(np.sign(hw['g']))",
        "only the last step": _TRACE
        + """
    weight = hw["w0"] - hw["lr"] * trace["m_hat"][3] / sqrt(trace["v_hat"][3])
        """,
        "two steps": _TRACE + "    weight = trace['w'][2]",
        "up the slope": _TRACE + "    weight = 2 * hw['w0'] - trace['w'][3]",
        "along the gradient": _TRACE
        + """
    weight = hw["w0"] - hw["lr"] * sum(np.array(hw["g"]) / sqrt(trace["v_hat"][1:]))
        """,
        "the defaults": "weight = adam.trace(w=hw['w0'], g=hw['g'])['w'][3]",
        "the change": _TRACE + "    weight = trace['w'][3] - hw['w0']",
    },
    "first": {
        "the premise believed": _FIRST
        + """
    first = {"rmsprop": 1, "adam": 1, "uncorrected": (1 - a) / sqrt(1 - b)}
        """,
        "upside down": _FIRST
        + """
    first = {"rmsprop": sqrt(1 - r), "adam": 1, "uncorrected": (1 - a) / sqrt(1 - b)}
        """,
        "only m is small": _FIRST
        + """
    first = {"rmsprop": 1 / sqrt(1 - r), "adam": 1, "uncorrected": 1 - a}
        """,
        "no root": _FIRST
        + """
    first = {"rmsprop": 1 / (1 - r), "adam": 1, "uncorrected": (1 - a) / (1 - b)}
        """,
        "times the gradient": _FIRST
        + """
    first = {"rmsprop": 1 / sqrt(1 - r), "adam": 1, "uncorrected": (1 - a) / sqrt(1 - b)}
    first = {name: hw["g_first"] * x for name, x in first.items()}
        """,
        "Adam as long as the gradient": _FIRST
        + """
    first = {"rmsprop": 1 / sqrt(1 - r), "adam": hw["g_first"], "uncorrected": (1 - a) / sqrt(1 - b)}
        """,
    },
    "fade": {
        "one too early": """
            fade = {k: np.floor(np.log(0.01) / np.log(hw[b]))
                    for k, b in {"m": "beta1_first", "v": "beta2_first"}.items()}
        """,
        "not rounded": """
            fade = {k: np.log(0.01) / np.log(hw[b])
                    for k, b in {"m": "beta1_first", "v": "beta2_first"}.items()}
        """,
        "the memory": "fade = {'m': 1 / (1 - hw['beta1_first']), 'v': 1 / (1 - hw['beta2_first'])}",
        "swapped": """
            fade = {k: np.ceil(np.log(0.01) / np.log(hw[b]))
                    for k, b in {"v": "beta1_first", "m": "beta2_first"}.items()}
        """,
        "nine tenths": """
            fade = {k: np.ceil(np.log(0.1) / np.log(hw[b]))
                    for k, b in {"m": "beta1_first", "v": "beta2_first"}.items()}
        """,
    },
    "step": {
        "one beta for both": """
            def step(w, g, t, m_hat=0.0, v_hat=0.0, *, lr=0.001, beta1=0.9, beta2=0.999, eps=1e-8):
                a = (1 - beta1) / (1 - beta1**t)
                m_hat = m_hat + a * (g - m_hat)
                v_hat = v_hat + a * (g**2 - v_hat)
                w = w - lr * m_hat / (sqrt(v_hat) + eps)
                return w, m_hat, v_hat
        """,
        "no correction": _HEAD
        + """
        m_hat = m_hat + (1 - beta1) * (g - m_hat)
        v_hat = v_hat + (1 - beta2) * (g**2 - v_hat)
        w = w - lr * m_hat / (sqrt(v_hat) + eps)
        return w, m_hat, v_hat
        """,
        "Adam as in the chapter": """
            def step(w, g, t, m=0.0, v=0.0, *, lr=0.001, beta1=0.9, beta2=0.999, eps=1e-8):
                m = beta1 * m + (1 - beta1) * g
                v = beta2 * v + (1 - beta2) * g**2
                w = w - lr * (m / (1 - beta1**t)) / (sqrt(v / (1 - beta2**t)) + eps)
                return w, m, v
        """,
        "corrected twice": _HEAD
        + """
        m_hat = m_hat + (1 - beta1) / (1 - beta1**t) * (g - m_hat)
        v_hat = v_hat + (1 - beta2) / (1 - beta2**t) * (g**2 - v_hat)
        w = w - lr * (m_hat / (1 - beta1**t)) / (sqrt(v_hat / (1 - beta2**t)) + eps)
        return w, m_hat, v_hat
        """,
        "the plain mean": _HEAD
        + """
        m_hat = m_hat + (g - m_hat) / t
        v_hat = v_hat + (g**2 - v_hat) / t
        w = w - lr * m_hat / (sqrt(v_hat) + eps)
        return w, m_hat, v_hat
        """,
        "eps inside": _HEAD
        + """
        m_hat = m_hat + (1 - beta1) / (1 - beta1**t) * (g - m_hat)
        v_hat = v_hat + (1 - beta2) / (1 - beta2**t) * (g**2 - v_hat)
        w = w - lr * m_hat / sqrt(v_hat + eps)
        return w, m_hat, v_hat
        """,
        "t from 0": _HEAD
        + """
        m_hat = m_hat + (1 - beta1) / (1 - beta1**(t + 1)) * (g - m_hat)
        v_hat = v_hat + (1 - beta2) / (1 - beta2**(t + 1)) * (g**2 - v_hat)
        w = w - lr * m_hat / (sqrt(v_hat) + eps)
        return w, m_hat, v_hat
        """,
        "one share for both": _HEAD
        + """
        a = (1 - beta1) / (1 - beta1**t)
        m_hat = m_hat + a * (g - m_hat)
        v_hat = v_hat + a * (g**2 - v_hat)
        w = w - lr * m_hat / (sqrt(v_hat) + eps)
        return w, m_hat, v_hat
        """,
        "no square": _HEAD
        + """
        m_hat = m_hat + (1 - beta1) / (1 - beta1**t) * (g - m_hat)
        v_hat = v_hat + (1 - beta2) / (1 - beta2**t) * (abs(g) - v_hat)
        w = w - lr * m_hat / (sqrt(v_hat) + eps)
        return w, m_hat, v_hat
        """,
        "in place": _HEAD
        + """
        m_hat += (1 - beta1) / (1 - beta1**t) * (g - m_hat)
        v_hat += (1 - beta2) / (1 - beta2**t) * (g**2 - v_hat)
        w -= lr * m_hat / (sqrt(v_hat) + eps)
        return w, m_hat, v_hat
        """,
        "only the weight returned": _HEAD
        + """
        m_hat = m_hat + (1 - beta1) / (1 - beta1**t) * (g - m_hat)
        v_hat = v_hat + (1 - beta2) / (1 - beta2**t) * (g**2 - v_hat)
        w = w - lr * m_hat / (sqrt(v_hat) + eps)
        return w
        """,
    },
    "slip": {
        "the weight of iteration 3": _SLIP + '    slip = {**slip, "iteration": 3, "value": t["w"][3]}',
        "the slip made again": _SLIP + '    slip["value"] = 0.999 * 0.001 * g[0] ** 2 + 0.001 * g[0] ** 2',
        "on with the printed figures": _SLIP
        + """
    v, way = float(hw["printed_v"][1]), (0.5 - t["w"][2]) / 0.001
    for i in (3, 4):
        v = 0.999 * v + 0.001 * g[i - 1] ** 2
        way += t["m_hat"][i] / sqrt(v / (1 - 0.999 ** i))
        slip[f"way{i}"] = way
        """,
        "in units of the weight": _SLIP
        + """
    slip = {**slip, "way3": 0.5 - t["w"][3], "way4": 0.5 - t["w"][4]}
        """,
        "no correction": _SLIP
        + """
    u = adam_uncorrected.trace(w=0.5, g=g, lr=0.001)["w"]
    slip = {**slip, "way3": (0.5 - u[3]) / 0.001, "way4": (0.5 - u[4]) / 0.001}
        """,
        "counted from 0": _SLIP + '    slip["iteration"] = 1',
        "the weights": _SLIP + '    slip = {**slip, "way3": t["w"][3], "way4": t["w"][4]}',
    },
    "predicted": {
        "words": "predicted = {'descent': 'the same', 'adam': 'farther'}",
        "one of two": "predicted = {'descent': 1, 'adam': ...}",
        "negative": "predicted = {'descent': 1, 'adam': -2}",
        "another key": "predicted = {'sgd': 1, 'adam': 2}",
    },
    "measured": {
        "the sum of the batch": _BATCHES
        + """
    measured = {"descent": way(gradient_descent, g.sum(axis=1)) / way(gradient_descent, g[:, 0]),
                "adam": way(adam, g.sum(axis=1)) / way(adam, g[:, 0])}
        """,
        "upside down": _BATCHES
        + """
    measured = {"descent": way(gradient_descent, g[:, 0]) / way(gradient_descent, g.mean(axis=1)),
                "adam": way(adam, g[:, 0]) / way(adam, g.mean(axis=1))}
        """,
        "the noise not scaled": """
            g = 1 + hw["noise"]
            def way(rule, g):
                return run(rule, g[:, None], start=[0.0], lr=1.0).w[0]
            measured = {"descent": way(gradient_descent, g.mean(axis=1)) / way(gradient_descent, g[:, 0]),
                        "adam": way(adam, g.mean(axis=1)) / way(adam, g[:, 0])}
        """,
        "the square root of the batch": "measured = {'descent': 1, 'adam': sqrt(hw['batch'])}",
        "swapped": _BATCHES
        + """
    measured = {"adam": way(gradient_descent, g.mean(axis=1)) / way(gradient_descent, g[:, 0]),
                "descent": way(adam, g.mean(axis=1)) / way(adam, g[:, 0])}
        """,
        "the ways themselves": _BATCHES
        + """
    measured = {"descent": way(gradient_descent, g.mean(axis=1)), "adam": way(adam, g.mean(axis=1))}
        """,
    },
    "rules": {
        "all the same": "rules = dict.fromkeys('ABCD', 'adam')",
        "rotated": "rules = dict(zip('ABCD', [hw._numbers['_rules'][letter] for letter in 'BCDA']))",
        "one letter missing": "rules = {letter: hw._numbers['_rules'][letter] for letter in 'ABC'}",
        "names of one's own": "rules = {letter: name.title() for letter, name in hw._numbers['_rules'].items()}",
        "two swapped": """
            rules = dict(hw._numbers["_rules"])
            rules["A"], rules["B"] = rules["B"], rules["A"]
        """,
    },
    "tune": {
        "the defaults": "def tune(trial): return 0.001, 0.9",
        "powers of ten only": """
            def tune(trial):
                return min((10.0**k for k in range(-4, 3)), key=lambda lr: trial(lr, 0.0)) * 3, 0.0
        """,
        "over the budget": """
            def tune(trial):
                pairs = [(lr, b) for lr in np.geomspace(1e-4, 10, 20) for b in (0.8, 0.9)]
                return min(pairs, key=lambda pair: trial(*pair))
        """,
        "the worst instead of the best": """
            def tune(trial):
                return max(np.geomspace(1e-4, 10, 25), key=lambda lr: trial(lr, 0.9)), 0.9
        """,
        "around the default": """
            def tune(trial):
                return min(np.geomspace(3e-4, 3e-3, 25), key=lambda lr: trial(lr, 0.9)), 0.9
        """,
        "the order swapped": """
            def tune(trial):
                return 0.9, min(np.geomspace(1e-4, 1, 25), key=lambda lr: trial(lr, 0.9))
        """,
        "what is left returned": """
            def tune(trial):
                return min(trial(lr, 0.9) for lr in np.geomspace(1e-4, 10, 25))
        """,
    },
}

RIGHT = {
    "hats": {
        "with a trace": _TRACE
        + """
    hats = {name: trace[name][-1] for name in ("m_hat", "v_hat")}
        """,
        "as weighted means": """
            def mean(x, beta):
                return np.average(x, weights=[beta**2, beta, 1])
            g = np.array(hw["g"])
            hats = {"m_hat": mean(g, hw["beta1"]), "v_hat": mean(g**2, hw["beta2"])}
        """,
        "by hand, rounded": """
            a, b, (x, y, z) = hw["beta1"], hw["beta2"], hw["g"]
            m = (1 - a) * (a * a * x + a * y + z)
            v = (1 - b) * (b * b * x * x + b * y * y + z * z)
            hats = dict(m_hat=float(f"{m / (1 - a**3):.5g}"), v_hat=float(f"{v / (1 - b**3):.5g}"))
        """,
    },
    "weight": {
        "with a trace": _TRACE + "    weight = trace['w'][-1]",
        "with eps": """
            weight = adam.trace(w=hw["w0"], g=hw["g"], lr=hw["lr"],
                                beta1=hw["beta1"], beta2=hw["beta2"])["w"][3]
        """,
        "by weighted means, rounded": """
            w, g = hw["w0"], np.array(hw["g"])
            for t in (1, 2, 3):
                m = np.average(g[:t], weights=hw["beta1"] ** np.arange(t - 1, -1, -1))
                v = np.average(g[:t]**2, weights=hw["beta2"] ** np.arange(t - 1, -1, -1))
                w = w - hw["lr"] * m / v**0.5
            weight = round(w, 5)
        """,
    },
    "first": {
        "formulas": _FIRST
        + """
    first = {"rmsprop": (1 - r) ** -0.5, "adam": 1, "uncorrected": (1 - a) / sqrt(1 - b)}
        """,
        "with traces": _FIRST
        + """
    g = dict(w=0.0, g=[hw["g_first"]], lr=1.0, eps=0.0)
    first = {"rmsprop": -rmsprop.trace(rho=r, **g)["w"][1],
             "adam": -adam.trace(beta1=a, beta2=b, **g)["w"][1],
             "uncorrected": -adam_uncorrected.trace(beta1=a, beta2=b, **g)["w"][1]}
        """,
        "by the averages, rounded": _FIRST
        + """
    g = hw["g_first"]
    first = {"uncorrected": round((1 - a) * g / sqrt((1 - b) * g * g), 4), "adam": 1.0,
             "rmsprop": round(g / sqrt((1 - r) * g * g), 4)}
        """,
    },
    "fade": {
        "by a loop": """
            fade = {}
            for name, beta in (("m", hw["beta1_first"]), ("v", hw["beta2_first"])):
                t = 1
                while 1 - beta**t < 0.99:
                    t += 1
                fade[name] = t
        """,
        "by logarithms": """
            import math
            fade = {k: math.ceil(-2 / math.log10(hw[b]))
                    for k, b in {"v": "beta2_first", "m": "beta1_first"}.items()}
        """,
        "by looking": """
            t = np.arange(1, 3000)
            fade = dict(m=t[1 - hw["beta1_first"] ** t >= 0.99][0], v=t[1 - hw["beta2_first"] ** t >= 0.99][0])
        """,
    },
    "step": {
        "shares of old and new": _HEAD
        + """
        a = (1 - beta1) / (1 - beta1**t)
        b = (1 - beta2) / (1 - beta2**t)
        m_hat = (1 - a) * m_hat + a * g
        v_hat = (1 - b) * v_hat + b * g * g
        w = w - lr * m_hat / (eps + sqrt(v_hat))
        return w, m_hat, v_hat
        """,
        "there and back": _HEAD
        + """
        m = beta1 * (1 - beta1 ** (t - 1)) * m_hat + (1 - beta1) * g
        v = beta2 * (1 - beta2 ** (t - 1)) * v_hat + (1 - beta2) * g**2
        m_hat = m / (1 - beta1**t)
        v_hat = v / (1 - beta2**t)
        step = lr * m_hat / (sqrt(v_hat) + eps)
        w = w - step
        return w, m_hat, v_hat
        """,
        "as a rule already, with names of its own": """
            from optimlab.rule import Rule

            @Rule
            def step(w, g, t, a=0.0, b=0.0, *, lr=0.01, beta1=0.9, beta2=0.999, eps=1e-8):
                a = a - (1 - beta1) / (1 - beta1**t) * (a - g)
                b = b - (1 - beta2) / (1 - beta2**t) * (b - g**2)
                w = w - lr * a / (b**0.5 + eps)
                return w, a, b
        """,
    },
    "slip": {
        "with a trace": _SLIP,
        "in learning rates": """
            t = adam.trace(w=0.0, g=[*hw["g_stream"], hw["g_fourth"]], lr=1.0)
            slip = {"iteration": 2.0, "value": t["v"][2], "way3": -t["w"][3], "way4": -t["w"][4]}
        """,
        "by hand, rounded": """
            m = v = way = 0.0
            for t, g in enumerate(hw["g_stream"] + [hw["g_fourth"]], 1):
                m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
                way += m / (1 - 0.9**t) / (v / (1 - 0.999**t)) ** 0.5
                if t == 2:
                    value = v
                if t == 3:
                    way3 = way
            slip = dict(iteration=2, value=float(f"{value:.4g}"), way3=round(way3, 4), way4=round(way, 4))
        """,
    },
    "predicted": {
        "wrong, and worth the point": "predicted = {'descent': 3, 'adam': 1}",
        "computed": "predicted = dict(descent=1.0, adam=np.sqrt(hw['batch']))",
        "zero": "predicted = {'adam': 0, 'descent': 0}",
    },
    "measured": {
        "one after the other": _BATCHES
        + """
    measured = {"descent": way(gradient_descent, g.mean(axis=1)) / way(gradient_descent, g[:, 0]),
                "adam": way(adam, g.mean(axis=1)) / way(adam, g[:, 0])}
        """,
        "at another rate": _BATCHES
        + """
    both = np.stack([g[:, 0], g.mean(axis=1)], axis=1)
    ends = {name: run(rule, both, start=[0.0, 0.0], lr=0.01).w
            for name, rule in (("descent", gradient_descent), ("adam", adam))}
    measured = {name: w[1] / w[0] for name, w in ends.items()}
        """,
        "without the package, rounded": _BATCHES
        + """
    def walk(g):
        w = m = v = 0
        for t, x in enumerate(g, 1):
            m, v = 0.9 * m + 0.1 * x, 0.999 * v + 0.001 * x * x
            w += m / (1 - 0.9**t) / (v / (1 - 0.999**t)) ** 0.5
        return w
    measured = {"descent": round(g.mean() / g[:, 0].mean(), 4),
                "adam": round(walk(g.mean(axis=1)) / walk(g[:, 0]), 4)}
        """,
    },
    "rules": {
        "looked at": "rules = hw._numbers['_rules']",
        "in another order": "rules = dict(reversed(hw._numbers['_rules'].items()))",
        "by the slopes": """
            rules = {}
            for letter, lengths in hw["curves"].items():
                x = np.array(lengths)
                if x[50] > 5 * x[0]:
                    rules[letter] = "momentum"
                elif x[:30].argmax() > 5 and x.max() > 4:
                    rules[letter] = "adam without correction"
                elif x[0] > 5:
                    rules[letter] = "rmsprop"
                else:
                    rules[letter] = "adam" if x[-50:].mean() > 0.8 else "adagrad"
        """,
    },
    "tune": {
        "twice a grid": """
            def tune(trial):
                lr = min(np.geomspace(1e-4, 10, 16), key=lambda lr: trial(lr, 0.9))
                return min(lr * np.geomspace(0.6, 1.6, 7), key=lambda lr: trial(lr, 0.9)), 0.9
        """,
        "and beta1, as a dict": """
            def tune(trial):
                lr = min(np.geomspace(1e-4, 10, 14), key=lambda lr: trial(lr, 0.9))
                lr = min(lr * np.geomspace(0.6, 1.6, 6), key=lambda lr: trial(lr, beta1=0.9))
                beta1 = min((0.8, 0.9, 0.95), key=lambda b: trial(lr, b))
                return {"beta1": beta1, "lr": lr}
        """,
        "halving an interval": """
            def tune(trial):
                best = min((trial(lr, 0.95), lr) for lr in np.geomspace(1e-4, 10, 11))
                wide = 2.0
                for _ in range(7):
                    for lr in (best[1] / wide, best[1] * wide):
                        best = min(best, (trial(lr, 0.95), lr))
                    wide = wide**0.6
                return [best[1], 0.95]
        """,
    },
}
