"""Solutions of the homework on averages, as students write them: wrong ones and right ones, per test.

Each replaces the whole answer cell above the test. It finds what the locked cells define: ``hw``, ``np``,
``average``, ``ramp``, ``noise`` and ``flips``.
"""

_VALUES = """
    b, (x1, x2, x3) = hw["beta"], hw["values"]
    v1 = (1 - b) * x1
    v2 = b * v1 + (1 - b) * x2
    v3 = b * v2 + (1 - b) * x3
"""
_SLIPS = """
    days = hw["temperatures"] + [hw["day_11"]]
    v = average(days, 0.98, corrected=False)
"""
_TWICE = """
    D = hw["delay_twice"]

    def once(x, b=D / (D + 1)):
        return average(x, b, corrected=False)

    def twice(x, b=D / (D + 2)):
        return average(average(x, b, corrected=False), b, corrected=False)
"""
_READINGS = """
    x = np.array(hw["series"])
    raw = average(x, 0.9, corrected=False)
    first = average(x, 0.9, corrected=False, start=x[0])
    fade = 1 - 0.9 ** np.arange(1, len(x) + 1)
    readings = {}
"""

WRONG = {
    "raw": {
        "the shares swapped": """
            v = 0
            for x in hw["values"]:
                v = (1 - hw["beta"]) * v + hw["beta"] * x
            raw = v
        """,
        "a sum": """
            v = 0
            for x in hw["values"]:
                v = hw["beta"] * v + x
            raw = v
        """,
        "from the first value": "raw = average(hw['values'], hw['beta'], corrected=False, start=hw['values'][0])[-1]",
        "corrected": "raw = average(hw['values'], hw['beta'])[-1]",
        "after two values": _VALUES + "    raw = v2",
        "all three": "raw = average(hw['values'], hw['beta'], corrected=False)",
        "the plain mean": "raw = np.mean(hw['values'])",
    },
    "corrected": {
        "not corrected": _VALUES + "    corrected = v3",
        "divided by 1 - beta": _VALUES + "    corrected = v3 / (1 - b)",
        "t counted from zero": _VALUES + "    corrected = v3 / (1 - b**2)",
        "fed back": """
            v = 0
            for t, x in enumerate(hw["values"], 1):
                v = (hw["beta"] * v + (1 - hw["beta"]) * x) / (1 - hw["beta"] ** t)
            corrected = v
        """,
        "multiplied": _VALUES + "    corrected = v3 * (1 - b**3)",
        "divided by beta to the t": _VALUES + "    corrected = v3 / b**3",
        "one minus beta, to the t": _VALUES + "    corrected = v3 / (1 - b) ** 3",
    },
    "first": {
        "from zero": _VALUES + "    first = v3",
        "from zero and corrected": _VALUES + "    first = v3 / (1 - b**3)",
        "corrected as well": _VALUES
        + "    first = (b * (b * x1 + (1 - b) * x2) + (1 - b) * x3) / (1 - b**3)",
        "the shares swapped": _VALUES + "    first = (1 - b) * ((1 - b) * x1 + b * x2) + b * x3",
        "after two values": _VALUES + "    first = b * x1 + (1 - b) * x2",
        "the first value": _VALUES + "    first = x1",
    },
    "step": {
        "the raw average": """
            def step(theta, t, m=0.0, *, beta=0.9):
                m = beta * m + (1 - beta) * theta
                return m
        """,
        "corrected again": """
            def step(theta, t, m=0.0, *, beta=0.9):
                v = beta * m + (1 - beta) * theta
                m = v / (1 - beta**t)
                return m
        """,
        "the plain mean": """
            def step(theta, t, m=0.0, *, beta=0.9):
                m = m + (theta - m) / t
                return m
        """,
        "t from two": """
            def step(theta, t, m=0.0, *, beta=0.9):
                k = (1 - beta) / (1 - beta ** (t + 1))
                m = m + k * (theta - m)
                return m
        """,
        "t from zero": """
            def step(theta, t, m=0.0, *, beta=0.9):
                k = (1 - beta) / (1 - beta ** (t - 1))
                m = m + k * (theta - m)
                return m
        """,
        "the share that grows": """
            def step(theta, t, m=0.0, *, beta=0.9):
                k = 1 - beta**t
                m = m + k * (theta - m)
                return m
        """,
        "the wrong way around": """
            def step(theta, t, m=0.0, *, beta=0.9):
                k = (1 - beta) / (1 - beta**t)
                m = theta + k * (m - theta)
                return m
        """,
        "in place": """
            def step(theta, t, m=0.0, *, beta=0.9):
                m += (1 - beta) / (1 - beta**t) * (theta - m)
                return m
        """,
        "right for beta 0.9 alone": """
            def step(theta, t, m=0.0, *, beta=0.9):
                m = m + 0.1 / (1 - 0.9**t) * (theta - m)
                return m
        """,
    },
    "slips": {
        "day 11 from the printed day 10": """
            v11 = 0.98 * 3.5851 + 0.02 * hw["day_11"]
            slips = {"day": 6, "taken": 22, "second_day": 8, "second_taken": 16, "v11": v11}
        """,
        "the day that inherits": _SLIPS
        + "    slips = {'day': 6, 'taken': 22, 'second_day': 7, 'second_taken': 19, 'v11': v[-1]}",
        "days from zero": _SLIPS
        + "    slips = {'day': 5, 'taken': 22, 'second_day': 7, 'second_taken': 16, 'v11': v[-1]}",
        "the temperatures of the table": _SLIPS
        + "    slips = {'day': 6, 'taken': 21, 'second_day': 8, 'second_taken': 18, 'v11': v[-1]}",
        "corrected": _SLIPS
        + """
    v11 = v[-1] / (1 - 0.98**11)
    slips = {"day": 6, "taken": 22, "second_day": 8, "second_taken": 16, "v11": v11}
        """,
        "day 10": _SLIPS
        + "    slips = {'day': 6, 'taken': 22, 'second_day': 8, 'second_taken': 16, 'v11': v[-2]}",
        "one slip mended": """
            days = [18, 23, 19, 20, 17, 21, 19, 16, 22, 20, hw["day_11"]]
            v11 = average(days, 0.98, corrected=False)[-1]
            slips = {"day": 6, "taken": 22, "second_day": 8, "second_taken": 16, "v11": v11}
        """,
    },
    "betas": {
        "the half-life for the window": """
            b = lambda n: 1 - 1 / n
            betas = {"half_life": b(hw["half_life"]), "window": b(hw["window"]),
                     "worth": (hw["worth"] - 1) / (hw["worth"] + 1), "delay": hw["delay"] / (hw["delay"] + 1)}
        """,
        "one e-th instead of a half": """
            betas = {"half_life": np.exp(-1 / hw["half_life"]), "window": 1 - 1 / hw["window"],
                     "worth": (hw["worth"] - 1) / (hw["worth"] + 1), "delay": hw["delay"] / (hw["delay"] + 1)}
        """,
        "worth for the window": """
            betas = {"half_life": 0.5 ** (1 / hw["half_life"]), "window": 1 - 1 / hw["window"],
                     "worth": 1 - 1 / hw["worth"], "delay": hw["delay"] / (hw["delay"] + 1)}
        """,
        "the delay for the window": """
            betas = {"half_life": 0.5 ** (1 / hw["half_life"]), "window": 1 - 1 / hw["window"],
                     "worth": (hw["worth"] - 1) / (hw["worth"] + 1), "delay": 1 - 1 / hw["delay"]}
        """,
        "one minus beta": """
            betas = {"half_life": 0.5 ** (1 / hw["half_life"]), "window": 1 / hw["window"],
                     "worth": (hw["worth"] - 1) / (hw["worth"] + 1), "delay": hw["delay"] / (hw["delay"] + 1)}
        """,
        "a list": "betas = [0.9, 0.9, 0.9, 0.9]",
    },
    "predicted": {
        "words": "predicted = {'noise': 'equal', 'flip': 'smaller'}",
        "one of two": "predicted = {'noise': 1, 'flip': ...}",
        "another key": "predicted = {'noise': 1, 'flips': 1}",
        "negative": "predicted = {'noise': 1, 'flip': -1}",
    },
    "measured": {
        "one beta for both": _TWICE
        + """
    b = D / (D + 1)
    measured = {"late": ramp[-1] - twice(ramp, b)[-1],
                "noise": twice(noise, b)[300:].var() / once(noise)[300:].var(),
                "flip": abs(twice(flips, b)[-1] / once(flips)[-1])}
        """,
        "upside down": _TWICE
        + """
    measured = {"late": ramp[-1] - twice(ramp)[-1],
                "noise": once(noise)[300:].var() / twice(noise)[300:].var(),
                "flip": abs(once(flips)[-1] / twice(flips)[-1])}
        """,
        "the value instead of the delay": _TWICE
        + """
    measured = {"late": twice(ramp)[-1], "noise": twice(noise)[300:].var() / once(noise)[300:].var(),
                "flip": abs(twice(flips)[-1] / once(flips)[-1])}
        """,
        "a signed delay": _TWICE
        + """
    measured = {"late": twice(ramp)[-1] - ramp[-1],
                "noise": twice(noise)[300:].var() / once(noise)[300:].var(),
                "flip": abs(twice(flips)[-1] / once(flips)[-1])}
        """,
        "sizes squared": _TWICE
        + """
    measured = {"late": ramp[-1] - twice(ramp)[-1],
                "noise": twice(noise)[300:].var() / once(noise)[300:].var(),
                "flip": twice(flips)[300:].var() / once(flips)[300:].var()}
        """,
        "not divided": _TWICE
        + """
    measured = {"late": ramp[-1] - twice(ramp)[-1], "noise": twice(noise)[300:].var(),
                "flip": abs(twice(flips)[-1])}
        """,
    },
    "tune": {
        "the usual": "def tune(trial): return 0.9",
        "equal steps in beta": """
            def tune(trial):
                return min(np.linspace(0, 0.99, 12), key=trial)
        """,
        "over the budget": """
            def tune(trial):
                return min(1 - np.geomspace(1e-3, 1, 40), key=trial)
        """,
        "the worst": """
            def tune(trial):
                return max(1 - np.geomspace(1e-3, 1, 12), key=trial)
        """,
        "the error returned": """
            def tune(trial):
                return min(trial(beta) for beta in 1 - np.geomspace(1e-3, 1, 12))
        """,
        "a beta of one": "def tune(trial): return 1.0",
        "nothing": "def tune(trial): trial(0.9)",
    },
    "readings": {
        "all the same": "readings = dict.fromkeys('ABCD', 'raw')",
        "rotated": "readings = dict(zip('ABCD', [hw._numbers['_order'][letter] for letter in 'BCDA']))",
        "one letter missing": "readings = {letter: hw._numbers['_order'][letter] for letter in 'ABC'}",
        "words of one's own": "readings = {letter: 'average: ' + name for letter, name in hw._numbers['_order'].items()}",
        "two swapped": """
            readings = dict(hw._numbers["_order"])
            readings["B"], readings["C"] = readings["C"], readings["B"]
        """,
    },
}

RIGHT = {
    "raw": {
        "by hand": _VALUES + "    raw = v3",
        "by weights": """
            b = hw["beta"]
            raw = (1 - b) * np.dot(hw["values"], [b**2, b, 1])
        """,
        "with the package, rounded": "raw = np.round(average(hw['values'], hw['beta'], corrected=False)[-1], 4)",
    },
    "corrected": {
        "by hand": _VALUES + "    corrected = v3 / (1 - b**3)",
        "by weights that sum to one": """
            w = hw["beta"] ** np.array([2, 1, 0])
            corrected = np.average(hw["values"], weights=w)
        """,
        "with the package": "corrected = float(average(hw['values'], hw['beta'])[2])",
    },
    "first": {
        "by hand": _VALUES + "    first = b * (b * x1 + (1 - b) * x2) + (1 - b) * x3",
        "by its changes, rounded": _VALUES
        + """
    v = x1
    for x in (x2, x3):
        v += (1 - b) * (x - v)
    first = round(v, 4)
        """,
        "with the package": """
            x = hw["values"]
            first = average(x[1:], hw["beta"], corrected=False, start=x[0])[-1]
        """,
    },
    "step": {
        "by shares": """
            def step(theta, t, m=0.0, *, beta=0.9):
                new = (1 - beta) / (1 - beta**t)
                m = (1 - new) * m + new * theta
                return m
        """,
        "by way of the raw average": """
            def step(theta, t, m=0.0, *, beta=0.9):
                before = m * (1 - beta ** (t - 1))
                raw = beta * before + (1 - beta) * theta
                m = raw / (1 - beta**t)
                return m
        """,
        "as a rule already": """
            from optimlab.rule import Rule

            @Rule
            def step(theta, t, m=0, *, beta=0.5):
                gap = m - theta
                m = m - gap * (1 - beta) / (1 - beta**t)
                return m
        """,
    },
    "slips": {
        "by hand": _SLIPS
        + "    slips = {'day': 6, 'taken': 22, 'second_day': 8, 'second_taken': 16, 'v11': v[-1]}",
        "with a loop, rounded": """
            v = 0
            for x in [*hw["temperatures"], hw["day_11"]]:
                v = 0.98 * v + 0.02 * x
            slips = dict(v11=round(v, 4), day=6.0, taken=22.0, second_day=8.0, second_taken=16.0)
        """,
        "solved for the temperatures": _SLIPS
        + """
    p = [0, *map(float, hw["printed"])]
    took = [(b - 0.98 * a) / 0.02 for a, b in zip(p, p[1:])]
    odd = [k for k in range(10) if abs(took[k] - days[k]) > 0.1]
    slips = {"day": odd[0] + 1, "taken": np.rint(took[odd[0]]), "second_day": odd[1] + 1,
             "second_taken": np.rint(took[odd[1]]), "v11": v[10]}
        """,
    },
    "betas": {
        "by the formulas": """
            betas = {"half_life": np.exp(np.log(0.5) / hw["half_life"]), "window": 1 - 1 / hw["window"],
                     "worth": 1 - 2 / (hw["worth"] + 1), "delay": 1 - 1 / (hw["delay"] + 1)}
        """,
        "by a search": """
            b = np.linspace(0.5, 0.999, 499_001)

            def where(values, goal):
                return b[np.argmin(np.abs(values - goal))]

            betas = {"half_life": where(b ** hw["half_life"], 0.5), "window": where(1 / (1 - b), hw["window"]),
                     "worth": where((1 + b) / (1 - b), hw["worth"]), "delay": where(b / (1 - b), hw["delay"])}
        """,
        "rounded": """
            h, w, n, d = (hw[name] for name in ("half_life", "window", "worth", "delay"))
            betas = dict(delay=round(d / (d + 1), 4), worth=round((n - 1) / (n + 1), 4),
                         window=round((w - 1) / w, 4), half_life=round(2 ** (-1 / h), 4))
        """,
    },
    "predicted": {
        "wrong, and worth the point": "predicted = {'noise': 10, 'flip': 10}",
        "computed": "predicted = dict(noise=np.float64(1), flip=1 / 9)",
        "zero": "predicted = {'flip': 0, 'noise': 0}",
    },
    "measured": {
        "with the package": _TWICE
        + """
    measured = {"late": ramp[-1] - twice(ramp)[-1],
                "noise": np.var(twice(noise)[300:]) / np.var(once(noise)[300:]),
                "flip": np.abs(twice(flips))[-1] / np.abs(once(flips))[-1]}
        """,
        "without the package": """
            def run(series, b, times):
                state, out = [0.0] * times, []
                for x in series:
                    for k in range(times):
                        state[k] = x = b * state[k] + (1 - b) * x
                    out.append(x)
                return np.array(out)

            D = hw["delay_twice"]
            p, q = D / (D + 1), D / (D + 2)
            measured = {"late": 1500 - run(ramp, q, 2)[-1],
                        "noise": run(noise, q, 2)[300:].var() / run(noise, p, 1)[300:].var(),
                        "flip": abs(run(flips, q, 2)[-1] / run(flips, p, 1)[-1])}
        """,
        "all series at once, rounded": """
            D = hw["delay_twice"]
            x = np.stack([ramp, noise, flips], axis=1)
            a = average(x, D / (D + 1), corrected=False)
            b = average(average(x, D / (D + 2), corrected=False), D / (D + 2), corrected=False)
            spread = b[300:, 1].var() / a[300:, 1].var()
            measured = {"late": round(1500 - b[-1, 0], 3), "noise": round(spread, 4),
                        "flip": round(abs(b[-1, 2] / a[-1, 2]), 5)}
        """,
    },
    "tune": {
        "an even grid over the logarithm of the window": """
            def tune(trial):
                return min(1 - 1 / np.geomspace(1, 500, 12), key=trial)
        """,
        "windows in equal ratios, then closer": """
            def tune(trial):
                error = lambda w: trial(1 - 1 / w)
                best = min((error(w), w) for w in np.geomspace(1, 500, 7))
                nearer = np.maximum(best[1] * np.array([0.5, 0.71, 1.41, 2]), 1)
                return 1 - 1 / min(best, *((error(w), w) for w in nearer))[1]
        """,
        "golden section": """
            def tune(trial):
                low, high, share = 0.0, 6.5, (5**0.5 - 1) / 2
                f = lambda z: trial(1 - np.exp(-z))
                a, b = high - share * (high - low), low + share * (high - low)
                fa, fb = f(a), f(b)
                for _ in range(9):
                    if fa < fb:
                        high, b, fb = b, a, fa
                        a = high - share * (high - low)
                        fa = f(a)
                    else:
                        low, a, fa = a, b, fb
                        b = low + share * (high - low)
                        fb = f(b)
                return {"beta": 1 - np.exp(-(low + high) / 2)}
        """,
        "two trials and algebra": """
            def tune(trial):
                # The error is (b² d + (1 - b)² s) / (1 - b²): two trials tell d and s.
                s = trial(0.0)
                d = 3 * trial(0.5) - s
                b = np.linspace(0, 1, 100_000, endpoint=False)
                return [b[np.argmin((b**2 * d + (1 - b) ** 2 * s) / (1 - b**2))]]
        """,
    },
    "readings": {
        "looked at": "readings = hw._numbers['_order']",
        "by the whole curve": _READINGS
        + """
    ways = {"corrected": raw / fade, "raw": raw, "first value": first, "always 1 − β": raw / 0.1,
            "first value, corrected": first / fade}
    for letter, curve in hw["curves"].items():
        fits = [name for name, way in ways.items() if np.allclose(way, curve, rtol=1e-3)]
        readings[letter] = fits[0] if fits else "fed back"
        """,
        "by a few values": _READINGS
        + """
    for letter, c in hw["curves"].items():
        if c[0] < 0.5 * x[0]:
            readings[letter] = "raw"
        elif c[0] > 2 * x[0]:
            readings[letter] = "first value, corrected"
        elif max(c) > 100 * x.max():
            readings[letter] = "fed back"
        elif c[-1] > 5 * x.mean():
            readings[letter] = "always 1 − β"
        else:
            readings[letter] = "corrected" if abs(c[1] - x[:2].mean()) < abs(c[1] - x[0]) else "first value"
        """,
    },
}
