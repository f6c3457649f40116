"""One look for all figures of the course.

`use` sets matplotlib up: a transparent background and mid-gray text, so that a figure reads on white,
on a dark page, and when the page inverts it. `style` gives every optimizer and every quantity its own
color *and* dash, the same in every chapter, so that nobody has to tell curves apart by color alone.
"""

from __future__ import annotations

from typing import Any

import matplotlib as mpl

from .formula import closest

GRAY = "#6b6b6b"

# Okabe and Ito's palette, its light members darkened to stand out on white (at least 3:1).
BLUE, VERMILION, GREEN, PURPLE = "#0072B2", "#D55E00", "#00875F", "#B5588F"
OCHRE, SKY = "#B07A00", "#2E86C1"
NAVY = "#0B3C6F"

SOLID, DASHED, DOTTED, DASHDOT = "-", (0, (5, 2)), (0, (1.2, 1.6)), (0, (6, 2, 1.2, 2))
LONG, DOUBLE = (0, (9, 2.5)), (0, (5, 1.5, 1.2, 1.5, 1.2, 1.5))
SHORT, SPARSE, WIDE = (0, (2.5, 1.5)), (0, (1.2, 3.5)), (0, (9, 2, 3, 2))

STYLE: dict[str, dict[str, Any]] = {
    # the optimizers: one color per family, one dash per member
    "gradient_descent": {"color": GRAY, "linestyle": SOLID},
    "signsgd": {"color": GRAY, "linestyle": LONG},
    "momentum": {"color": BLUE, "linestyle": SOLID},
    "momentum_average": {"color": BLUE, "linestyle": LONG},
    "momentum_lr_inside": {"color": BLUE, "linestyle": DOUBLE},
    "nesterov": {"color": BLUE, "linestyle": DASHED},
    "nesterov_lookahead": {"color": BLUE, "linestyle": DOTTED},
    "adagrad": {"color": OCHRE, "linestyle": SOLID},
    "adadelta": {"color": OCHRE, "linestyle": DASHED},
    "rmsprop": {"color": GREEN, "linestyle": SOLID},
    "rmsprop_centered": {"color": GREEN, "linestyle": DASHED},
    "rmsprop_momentum": {"color": GREEN, "linestyle": DOTTED},
    "adam": {"color": VERMILION, "linestyle": SOLID},
    "adam_eps_inside": {"color": VERMILION, "linestyle": SHORT},
    "adam_uncorrected": {"color": VERMILION, "linestyle": DOUBLE},
    "adamax": {"color": VERMILION, "linestyle": DOTTED},
    "nadam": {"color": VERMILION, "linestyle": LONG},
    "nadam_constant": {"color": NAVY, "linestyle": WIDE},
    "nadam_same_step": {"color": GREEN, "linestyle": SPARSE},
    "amsgrad": {"color": VERMILION, "linestyle": DASHDOT},
    "amsgrad_paper": {"color": OCHRE, "linestyle": LONG},
    "adamw": {"color": PURPLE, "linestyle": SOLID},
    "adam_l2": {"color": PURPLE, "linestyle": DOTTED},
    "lion": {"color": PURPLE, "linestyle": DASHED},
    "qhm": {"color": SKY, "linestyle": SOLID},
    "qhadam": {"color": SKY, "linestyle": DASHDOT},
    "aggmo": {"color": SKY, "linestyle": DASHED},
    "ewa_descent": {"color": SKY, "linestyle": LONG},
    # what an average is made of
    "data": {"color": GRAY, "linestyle": DOTTED},
    "truth": {"color": GRAY, "linestyle": DASHED},
    "plain mean": {"color": OCHRE, "linestyle": DOTTED},
    "raw average": {"color": VERMILION, "linestyle": DASHED},
    "corrected average": {"color": NAVY, "linestyle": SOLID},
    "averaged weights": {"color": PURPLE, "linestyle": DASHDOT},
    "started at the first value": {"color": GREEN, "linestyle": DOUBLE},
    # values of beta that are drawn side by side, from short to long memory
    "beta 0.5": {"color": OCHRE, "linestyle": DASHDOT},
    "beta 0.9": {"color": GREEN, "linestyle": LONG},
    "beta 0.98": {"color": SKY, "linestyle": DOTTED},
    "beta 0.99": {"color": NAVY, "linestyle": DASHDOT},
    "beta 0.999": {"color": PURPLE, "linestyle": DOUBLE},
    # how many samples a gradient is made from
    "full batch": {"color": NAVY, "linestyle": DASHED},
    "mini-batch": {"color": PURPLE, "linestyle": LONG},
    "single samples": {"color": OCHRE, "linestyle": SHORT},
}


def use() -> None:
    """Set matplotlib's defaults to the look of the course."""
    mpl.rcParams.update(
        {
            "figure.figsize": (6, 3.2),
            "figure.dpi": 120,
            "figure.facecolor": "none",
            "figure.constrained_layout.use": True,
            "axes.facecolor": "none",
            "savefig.facecolor": "none",
            "font.size": 12,
            "axes.titlesize": 12,
            "legend.fontsize": 11,
            "legend.frameon": False,
            "legend.handlelength": 2.6,
            "lines.linewidth": 2.0,
            "lines.markersize": 5,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.axisbelow": True,
            "grid.color": GRAY,
            "grid.alpha": 0.25,
            "hatch.color": GRAY,
            "hatch.linewidth": 1.0,
            **dict.fromkeys(
                [
                    "text.color",
                    "axes.labelcolor",
                    "axes.edgecolor",
                    "axes.titlecolor",
                    "xtick.color",
                    "ytick.color",
                ],
                GRAY,
            ),
        }
    )


def style(name: str) -> dict[str, Any]:
    """Return the color and the dash of an optimizer or a quantity, to pass on to ``plot``.

    Parameters
    ----------
    name : str
        A key of `STYLE`: the name of a rule, such as ``"adam"``, or of a quantity.

    Returns
    -------
    dict
        ``color`` and ``linestyle``.

    Raises
    ------
    ValueError
        If no curve has that name; the message gives the nearest and all known names.
    """
    if name not in STYLE:
        raise ValueError(f"no curve is called {name!r}{closest(name, STYLE)}; known are {', '.join(STYLE)}")
    return dict(STYLE[name])
