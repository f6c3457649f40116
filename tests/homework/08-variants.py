"""Solutions of the homework on Adam's variants, as students write them: wrong ones and right ones, per test.

Each replaces the whole answer cell above the test. It finds what the locked cells define: ``hw``, ``np``,
``run``, ``race`` and the rules.
"""

_ADAMAXW = """
    from numpy import maximum
    def adamaxw(w, g, t, m=0.0, u=0.0, *, lr=0.002, beta1=0.9, beta2=0.999, eps=1e-8, weight_decay=0.01):
"""

_LINES = """
    period = hw["n"] + 1
    slope = lambda w, t: np.full_like(w, hw["C"] if t % period == 1 else -1.0)
    kinds = {"adam_short": (adam, "short"), "adam_long": (adam, "long"), "amsgrad_short": (amsgrad_paper, "short")}
    whole = dict(start=[0.0], steps=150 * period, lr=0.05, beta1=0.0, box=(-1, 1))
"""

_AMSGRAD = """
    paper = dict(w=0.0, g=np.full(300, hw["c"]), lr=1.0, eps=0.0, beta1=hw["beta1_c"], beta2=hw["beta2_c"])
"""

WRONG = {
    "adamax_u": {
        "no fading": "adamax_u = list(np.maximum.accumulate(np.abs(hw['g'])))",
        "with signs": """
            u, adamax_u = 0, []
            for g in hw["g"]:
                u = max(hw["beta2"] * u, g)
                adamax_u.append(u)
        """,
        "corrected": """
            u, adamax_u = 0, []
            for t, g in enumerate(hw["g"], 1):
                u = max(hw["beta2"] * u, abs(g))
                adamax_u.append(u / (1 - hw["beta2"] ** t))
        """,
        "Adam's roots": """
            v = adam.trace(w=0.0, g=hw["g"], beta1=hw["beta1"], beta2=hw["beta2"])["v_hat"]
            adamax_u = list(np.sqrt(v[1:]))
        """,
        "one number": "adamax_u = adamax.trace(w=0.0, g=hw['g'], beta2=hw['beta2'])['u'][-1]",
        "with the start": "adamax_u = adamax.trace(w=0.0, g=hw['g'], beta2=hw['beta2'])['u']",
    },
    "adamax_theta": {
        "m not corrected": """
            m, u, adamax_theta = 0, 0, hw["theta0"]
            for g in hw["g"]:
                m = hw["beta1"] * m + (1 - hw["beta1"]) * g
                u = max(hw["beta2"] * u, abs(g))
                adamax_theta -= hw["lr"] * m / u
        """,
        "u corrected as well": """
            m, u, adamax_theta = 0, 0, hw["theta0"]
            for t, g in enumerate(hw["g"], 1):
                m = hw["beta1"] * m + (1 - hw["beta1"]) * g
                u = max(hw["beta2"] * u, abs(g))
                adamax_theta -= hw["lr"] * m / (1 - hw["beta1"] ** t) / (u / (1 - hw["beta2"] ** t))
        """,
        "Adam": """
            adamax_theta = adam.trace(w=hw["theta0"], g=hw["g"], lr=hw["lr"], beta1=hw["beta1"],
                                      beta2=hw["beta2"])["w"][-1]
        """,
        "the gradient instead of its average": """
            u, adamax_theta = 0, hw["theta0"]
            for g in hw["g"]:
                u = max(hw["beta2"] * u, abs(g))
                adamax_theta -= hw["lr"] * g / u
        """,
        "up the slope": """
            adamax_theta = adamax.trace(w=hw["theta0"], g=[-g for g in hw["g"]], lr=hw["lr"], beta1=hw["beta1"],
                                        beta2=hw["beta2"])["w"][-1]
        """,
        "a text": "adamax_theta = 'about 3'",
    },
    "first": {
        "swapped": """
            m, v = 1 - hw["beta1_c"], 1 - hw["beta2_c"]
            first = {"only_m": m / np.sqrt(v), "paper": 1 / np.sqrt(v), "both": 1}
        """,
        "without the root": """
            m, v = 1 - hw["beta1_c"], 1 - hw["beta2_c"]
            first = {"paper": m / v, "only_m": 1 / v, "both": 1}
        """,
        "the maximum takes care of it": """
            first = {"paper": (1 - hw["beta1_c"]) / np.sqrt(1 - hw["beta2_c"]), "only_m": 1, "both": 1}
        """,
        "times the gradient": """
            m, v = 1 - hw["beta1_c"], 1 - hw["beta2_c"]
            first = {"paper": hw["c"] * m / np.sqrt(v), "only_m": hw["c"] / np.sqrt(v), "both": hw["c"]}
        """,
        "at the defaults of the chapter": "first = {'paper': 3.162, 'only_m': 31.62, 'both': 10.0}",
        "one missing": "first = {'paper': 3.162, 'only_m': 31.62}",
    },
    "longest": {
        "counted from zero": _AMSGRAD
        + """
    steps = -np.diff(amsgrad_paper.trace(**paper)["w"])
    longest = {"size": steps.max(), "t": steps.argmax()}
        """,
        "the first step": """
            longest = {"size": (1 - hw["beta1_c"]) / np.sqrt(1 - hw["beta2_c"]), "t": 1}
        """,
        "the form of the program": "longest = {'size': 1 / np.sqrt(1 - hw['beta2_c']), 't': 1}",
        "only v corrected": """
            t = np.arange(1, 301)
            longest = {"size": 1 - hw["beta1_c"] ** 300, "t": 300}
        """,
        "times the gradient": _AMSGRAD
        + """
    steps = -np.diff(amsgrad_paper.trace(**paper)["w"])
    longest = {"size": hw["c"] * steps.max(), "t": steps.argmax() + 1}
        """,
        "as a pair": "longest = (4.0, 10)",
    },
    "predicted": {
        "words": "predicted = {'adam_short': 'up', 'adam_long': 'down', 'amsgrad_short': 'down'}",
        "out of range": "predicted = {'adam_short': 2, 'adam_long': -1, 'amsgrad_short': -1}",
        "one missing": "predicted = {'adam_short': 1, 'adam_long': -1, 'amsgrad_short': ...}",
        "a list": "predicted = [1, -1, -1]",
        "another key": "predicted = {'adam_short': 1, 'adam_long': -1, 'amsgrad': -1}",
    },
    "ends": {
        "momentum left on": _LINES
        + """
    del whole["beta1"]
    ends = {k: run(rule, slope, beta2=hw[b], **whole)["w"][-10 * period:].mean() for k, (rule, b) in kinds.items()}
        """,
        "without the box": _LINES
        + """
    del whole["box"]
    ends = {k: run(rule, slope, beta2=hw[b], **whole)["w"][-10 * period:].mean() for k, (rule, b) in kinds.items()}
        """,
        "the last weight": _LINES
        + """
    ends = {k: run(rule, slope, beta2=hw[b], **whole).w[0] for k, (rule, b) in kinds.items()}
        """,
        "the whole run": _LINES
        + """
    ends = {k: run(rule, slope, beta2=hw[b], **whole)["w"][1:].mean() for k, (rule, b) in kinds.items()}
        """,
        "memories swapped": _LINES
        + """
    other = {"short": "long", "long": "short"}
    ends = {k: run(rule, slope, beta2=hw[other[b]], **whole)["w"][-10 * period:].mean()
            for k, (rule, b) in kinds.items()}
        """,
        "signs turned": _LINES
        + """
    turned = lambda w, t: -slope(w, t)
    ends = {k: run(rule, turned, beta2=hw[b], **whole)["w"][-10 * period:].mean() for k, (rule, b) in kinds.items()}
        """,
        "as expected in theory": "ends = {'adam_short': 1, 'adam_long': -1, 'amsgrad_short': -1}",
    },
    "threshold": {
        "the first period": """
            def way(b):
                return adam.trace(w=0.0, g=[hw["C"], *[-1.0] * hw["n"]], lr=1.0, beta1=0.0, beta2=b)["w"][-1]
            grid = np.linspace(0.01, 0.99, 981)
            threshold = grid[np.argmin([abs(way(b)) for b in grid])]
        """,
        "1 - beta": """
            def way(b):
                w = adam.trace(w=0.0, g=np.tile([hw["C"], *[-1.0] * hw["n"]], 60), lr=1.0, beta1=0.0, beta2=b)["w"]
                return w[-1] - w[-2 - hw["n"]]
            low, high = 0.01, 0.99
            for _ in range(14):
                middle = (low + high) / 2
                low, high = (middle, high) if way(middle) > 0 else (low, middle)
            threshold = 1 - middle
        """,
        "the short one": "threshold = hw['short']",
        "where the share of the loud one is a half": "threshold = 1 - 1 / hw['C'] ** 2 - 0.001",
        "by the length of the period": "threshold = 1 - 1 / (hw['n'] + 1)",
        "a pair": "threshold = [0.6, 0.7]",
    },
    "adamaxw": {
        "the penalty in the gradient and the decay": """
            def adamaxw(w, g, t, m=0.0, u=0.0, *, lr=0.002, beta1=0.9, beta2=0.999, eps=1e-8, weight_decay=0.01):
                slope = g + weight_decay * w
                m = beta1 * m + (1 - beta1) * slope
                u = np.maximum(beta2 * u, abs(slope) + eps)
                w = w - lr * weight_decay * w - lr * m / (1 - beta1**t) / u
                return w, m, u
        """,
        "the penalty in the average alone": """
            def adamaxw(w, g, t, m=0.0, u=0.0, *, lr=0.002, beta1=0.9, beta2=0.999, eps=1e-8, weight_decay=0.01):
                m = beta1 * m + (1 - beta1) * (g + weight_decay * w)
                u = np.maximum(beta2 * u, abs(g) + eps)
                w = w - lr * m / (1 - beta1**t) / u
                return w, m, u
        """,
        "the share without the rate": _ADAMAXW
        + """
        m = beta1 * m + (1 - beta1) * g
        u = maximum(beta2 * u, abs(g) + eps)
        w = w - weight_decay * w - lr * m / (1 - beta1**t) / u
        return w, m, u
        """,
        "a penalty": _ADAMAXW
        + """
        h = g + weight_decay * w
        m = beta1 * m + (1 - beta1) * h
        u = maximum(beta2 * u, abs(h) + eps)
        w = w - lr * m / (1 - beta1**t) / u
        return w, m, u
        """,
        "the box of N4": _ADAMAXW
        + """
        m = beta1 * m + (1 - beta1) * g
        u = maximum(beta2 * u, abs(g) + eps)
        stepped = w - lr * m / (1 - beta1**t) / u
        w = w - lr * weight_decay * w
        return w, m, u
        """,
        "u corrected": _ADAMAXW
        + """
        m = beta1 * m + (1 - beta1) * g
        u = maximum(beta2 * u, abs(g) + eps)
        w = w - lr * weight_decay * w - lr * m / (1 - beta1**t) / (u / (1 - beta2**t))
        return w, m, u
        """,
        "no absolute value": _ADAMAXW
        + """
        m = beta1 * m + (1 - beta1) * g
        u = maximum(beta2 * u, g + eps)
        w = w - lr * weight_decay * w - lr * m / (1 - beta1**t) / u
        return w, m, u
        """,
        "eps beside u": _ADAMAXW
        + """
        m = beta1 * m + (1 - beta1) * g
        u = maximum(beta2 * u, abs(g))
        w = w - lr * weight_decay * w - lr * m / (1 - beta1**t) / (u + eps)
        return w, m, u
        """,
        "t from zero": _ADAMAXW
        + """
        m = beta1 * m + (1 - beta1) * g
        u = maximum(beta2 * u, abs(g) + eps)
        w = w - lr * weight_decay * w - lr * m / (1 - beta1**(t + 1)) / u
        return w, m, u
        """,
        "in place": _ADAMAXW
        + """
        w *= 1 - lr * weight_decay
        m = beta1 * m + (1 - beta1) * g
        u = maximum(beta2 * u, abs(g) + eps)
        w -= lr * m / (1 - beta1**t) / u
        return w, m, u
        """,
    },
    "slips": {
        "all right": "slips = dict.fromkeys('ABCD', 'right')",
        "rotated": "slips = dict(zip('ABCD', [hw._numbers['_slips'][letter] for letter in 'BCDA']))",
        "two swapped": """
            slips = dict(hw._numbers["_slips"])
            slips["B"], slips["C"] = slips["C"], slips["B"]
        """,
        "one missing": "slips = {letter: hw._numbers['_slips'][letter] for letter in 'ABC'}",
        "names of one's own": "slips = {letter: name + ' slip' for letter, name in hw._numbers['_slips'].items()}",
    },
    "which": {
        "all Adam": "which = dict.fromkeys('ABCD', 'adam')",
        "rotated": "which = dict(zip('ABCD', [hw._numbers['_rules'][letter] for letter in 'BCDA']))",
        "a list": "which = list(hw._numbers['_rules'].values())",
        "capitals": "which = {letter: name.title() for letter, name in hw._numbers['_rules'].items()}",
        "by the highest peak": """
            order = sorted(hw["curves"], key=lambda letter: max(hw["curves"][letter]))
            which = dict(zip(order, ["adamax", "momentum", "adam", "nadam"]))
            which["A"], which["B"] = which["B"], which["A"]
        """,
    },
    "own": {
        "a rule of the course": "from optimlab.rules import nadam_constant as own",
        "gradient descent with decay": """
            def own(w, g, *, lr=0.1, decay=0.1):
                w = w - lr * (g + decay * w)
                return w
        """,
        "Adam with twice the rate": """
            from numpy import sqrt
            def own(w, g, t, m=0.0, v=0.0, *, lr=0.1, beta1=0.9, beta2=0.999, eps=1e-8):
                m = beta1 * m + (1 - beta1) * g
                v = beta2 * v + (1 - beta2) * g**2
                w = w - 2 * lr * m / (1 - beta1**t) / (sqrt(v / (1 - beta2**t)) + eps)
                return w, m, v
        """,
        "the sign alone": """
            from numpy import sign
            def own(w, g, m=0.0, *, lr=0.1):
                c = 0.5 * m + 0.5 * g
                m = 0.9 * m + 0.1 * g
                w = w - lr * sign(c)
                return w, m
        """,
        "no learning rate": """
            def own(w, g, v=0.0, *, eta=0.1):
                v = 0.8 * v + g
                w = w - eta * (g + 0.8 * v)
                return w, v
        """,
        "with a loop": """
            def own(w, g, *, lr=0.1):
                for _ in range(3):
                    w = w - lr * g
                return w
        """,
        "the weights themselves": "own = [0.0, 0.0]",
    },
}

RIGHT = {
    "adamax_u": {
        "with a trace": "adamax_u = adamax.trace(w=0.0, g=hw['g'], beta2=hw['beta2'], eps=0.0)['u'][1:]",
        "by ages": """
            g, b = np.abs(hw["g"]), hw["beta2"]
            adamax_u = (g[0], max(b * g[0], g[1]), max(b**2 * g[0], b * g[1], g[2]))
        """,
        "in a loop": """
            adamax_u = [abs(hw["g"][0])]
            for g in hw["g"][1:]:
                adamax_u += [max(adamax_u[-1] * hw["beta2"], g, -g)]
        """,
    },
    "adamax_theta": {
        "with a trace": """
            adamax_theta = adamax.trace(w=hw["theta0"], g=hw["g"], lr=hw["lr"], beta1=hw["beta1"],
                                        beta2=hw["beta2"])["w"][-1]
        """,
        "by hand, rounded": """
            a, b, c = hw["g"]
            B, q = hw["beta1"], hw["beta2"]
            m2 = (B * (1 - B) * a + (1 - B) * b) / (1 - B**2)
            m3 = (B**2 * (1 - B) * a + B * (1 - B) * b + (1 - B) * c) / (1 - B**3)
            u2 = max(q * abs(a), abs(b))
            u3 = max(q * u2, abs(c))
            adamax_theta = round(hw["theta0"] - hw["lr"] * (1 + m2 / u2 + m3 / u3), 5)
        """,
        "with run": """
            adamax_theta = run(adamax, hw["g"], start=[hw["theta0"]], lr=hw["lr"], beta1=hw["beta1"],
                               beta2=hw["beta2"], eps=0.0).w[0]
        """,
    },
    "first": {
        "by formula": """
            root = np.sqrt(1 - hw["beta2_c"])
            first = dict(both=1, only_m=root**-1, paper=(1 - hw["beta1_c"]) / root)
        """,
        "measured": _AMSGRAD
        + """
    a = -amsgrad_paper.trace(**paper)["w"][1]
    first = {"paper": a, "only_m": a / (1 - hw["beta1_c"]), "both": -amsgrad.trace(**paper)["w"][1]}
        """,
        "rounded": """
            root = (1 - hw["beta2_c"]) ** 0.5
            first = {"paper": round((1 - hw["beta1_c"]) / root, 4), "only_m": round(1 / root, 3), "both": 1.0}
        """,
    },
    "longest": {
        "by formula": """
            t = np.arange(1, 301)
            size = (1 - hw["beta1_c"] ** t) / np.sqrt(1 - hw["beta2_c"] ** t)
            longest = {"t": t[size.argmax()], "size": size.max()}
        """,
        "measured": _AMSGRAD
        + """
    w = amsgrad_paper.trace(**paper)["w"]
    steps = [w[k] - w[k + 1] for k in range(300)]
    longest = {"size": max(steps), "t": 1 + steps.index(max(steps))}
        """,
        "a loop by hand": """
            m = v = top = 0.0
            longest = {"size": 0.0, "t": 0}
            for t in range(1, 301):
                m = hw["beta1_c"] * m + (1 - hw["beta1_c"]) * hw["c"]
                v = hw["beta2_c"] * v + (1 - hw["beta2_c"]) * hw["c"] ** 2
                top = max(top, v)
                if m / top**0.5 > longest["size"]:
                    longest = {"size": m / top**0.5, "t": float(t)}
        """,
    },
    "predicted": {
        "wrong, and worth the point": "predicted = {'adam_short': -1, 'adam_long': -1, 'amsgrad_short': 0.5}",
        "all zero": "predicted = dict.fromkeys(('adam_short', 'adam_long', 'amsgrad_short'), 0)",
        "computed": "predicted = dict(adam_short=np.float64(0.9), adam_long=-1, amsgrad_short=-1.0)",
    },
    "ends": {
        "with run": _LINES
        + """
    ends = {k: run(rule, slope, beta2=hw[b], **whole)["w"][-10 * period:].mean() for k, (rule, b) in kinds.items()}
        """,
        "without the package": """
            def walk(b, largest, corrected):
                w, v, top, path = 0.0, 0.0, 0.0, []
                for k in range(150 * (hw["n"] + 1)):
                    g = hw["C"] if k % (hw["n"] + 1) == 0 else -1
                    v = b * v + (1 - b) * g * g
                    top = max(top, v) if largest else v
                    root = (top / (1 - b ** (k + 1) if corrected else 1)) ** 0.5 + 1e-8
                    w = min(1, max(-1, w - 0.05 * g / root))
                    path.append(w)
                return sum(path[-10 * (hw["n"] + 1):]) / (10 * (hw["n"] + 1))
            ends = {"amsgrad_short": walk(hw["short"], True, False), "adam_short": walk(hw["short"], False, True),
                    "adam_long": walk(hw["long"], False, True)}
        """,
        "rounded": _LINES
        + """
    ends = {k: round(run(rule, slope, beta2=hw[b], **whole)["w"][-10 * period:].mean(), 5)
            for k, (rule, b) in kinds.items()}
        """,
    },
    "threshold": {
        "by formula for v": """
            C, n = hw["C"], hw["n"]
            def way(b):
                v = [(b * (1 - b**n) + (1 - b) * C**2) / (1 - b ** (n + 1))]
                for _ in range(n):
                    v.append(b * v[-1] + 1 - b)
                return sum(1 / np.sqrt(v[1:])) - C / np.sqrt(v[0])
            grid = np.linspace(0.05, 0.98, 9301)
            threshold = grid[np.argmin([abs(way(b)) for b in grid])]
        """,
        "by bisection on a loop": """
            def way(b, v=1.0, moved=0.0):
                for period in range(200):
                    moved = 0.0
                    for g in [hw["C"]] + [-1] * hw["n"]:
                        v = b * v + (1 - b) * g**2
                        moved -= g / v**0.5
                return moved
            low, high = 0.0, 0.999
            for _ in range(20):
                threshold = (low + high) / 2
                if way(threshold) > 0:
                    low = threshold
                else:
                    high = threshold
        """,
        "rounded to three digits": """
            def way(b):
                w = adam.trace(w=0.0, g=np.tile([hw["C"], *[-1.0] * hw["n"]], 80), lr=1.0, beta1=0.0, beta2=b)["w"]
                return w[-1] - w[-2 - hw["n"]]
            low, high = 0.1, 0.95
            while high - low > 1e-4:
                middle = (low + high) / 2
                low, high = (middle, high) if way(middle) > 0 else (low, middle)
            threshold = round(middle, 3)
        """,
    },
    "adamaxw": {
        "with one factor for the decay": _ADAMAXW
        + """
        m = m + (1 - beta1) * (g - m)
        u = maximum(abs(g) + eps, u * beta2)
        w = (1 - lr * weight_decay) * w - (lr / (1 - beta1**t)) * m / u
        return w, m, u
        """,
        "as a rule already, with where": """
            from numpy import where
            from optimlab.rule import Rule

            @Rule
            def adamaxw(w, g, t, m=0.0, u=0.0, *, lr=0.002, beta1=0.9, beta2=0.999, eps=1e-8, weight_decay=0.01):
                m = beta1 * m + (1 - beta1) * g
                size = abs(g) + eps
                faded = beta2 * u
                u = where(faded > size, faded, size)
                w = w - lr * (weight_decay * w + m / (1 - beta1**t) / u)
                return w, m, u
        """,
        "with other defaults": """
            from numpy import maximum
            def adamaxw(w, g, t, m=0, u=0, *, lr=1, beta1=0, beta2=0, eps=1e-6, weight_decay=0):
                m = m * beta1 + g * (1 - beta1)
                u = maximum(u * beta2, eps + abs(g))
                shrunk = w - w * lr * weight_decay
                w = shrunk - lr * m / (u * (1 - beta1**t))
                return w, m, u
        """,
    },
    "slips": {
        "looked at": "slips = hw._numbers['_slips']",
        "in another order": "slips = dict(reversed(hw._numbers['_slips'].items()))",
        "by the first two steps": """
            w0, lr, d, first, second = hw["w0"], hw["lr_w"], hw["decay"], hw["g_w"][0], hw["g_w"][1]
            slips = {}
            for letter, (w1, w2, *_) in hw["tables"].items():
                lost = (w0 - w1 - lr) / w0
                if abs(w0 - w1 - lr) < 1e-3:
                    slips[letter] = "penalty"
                elif abs(w0 - w1 - lr * d * w0) < 1e-3:
                    slips[letter] = "overwritten"
                elif abs(lost - d) < 1e-3:
                    slips[letter] = "no rate"
                elif abs(w1 - (w0 - lr * d * w0 - lr)) < 6e-5:
                    slips[letter] = "right"
                elif abs(w1 - (w0 - lr) * (1 - lr * d)) < 6e-5:
                    slips[letter] = "after"
                else:
                    slips[letter] = "uncorrected"
        """,
    },
    "which": {
        "looked at": "which = hw._numbers['_rules']",
        "in another order": "which = {letter: hw._numbers['_rules'][letter] for letter in 'DCBA'}",
        "by start, spike and end": """
            which = {}
            for letter, steps in hw["curves"].items():
                if abs(steps[0] - 1) > 0.1:
                    which[letter] = "nadam" if steps[0] > 1 else "momentum"
                elif min(steps[:200]) < 0.5:
                    which[letter] = "adamax"
                else:
                    which[letter] = "amsgrad" if steps[400] < 0.9 else "adam"
        """,
    },
    "own": {
        "Adam with less momentum": """
            from numpy import sqrt
            def own(w, g, t, m=0.0, v=0.0, *, lr=0.1, beta1=0.7, beta2=0.999, eps=1e-8):
                m = beta1 * m + (1 - beta1) * g
                v = beta2 * v + (1 - beta2) * g**2
                w = w - lr * m / (1 - beta1**t) / (sqrt(v / (1 - beta2**t)) + eps)
                return w, m, v
        """,
        "Nesterov with less momentum": """
            def own(w, g, v=0.0, *, lr=0.1, beta=0.8):
                v = beta * v + g
                w = w - lr * (g + beta * v)
                return w, v
        """,
        "the rate inside, as a rule": """
            from optimlab.rule import Rule

            @Rule
            def own(w, g, v=0.0, *, lr=0.1, beta=0.85):
                v = beta * v + lr * g
                w = w - beta * v - lr * g
                return w, v
        """,
    },
}
