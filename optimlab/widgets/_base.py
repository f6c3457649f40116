"""What all widgets share: one front end, and their facts as text and as a plain HTML table."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterable
from pathlib import Path

import anywidget
import traitlets

from ..formula import closest
from ..plots import style

HERE = Path(__file__).parent


class Widget(anywidget.AnyWidget):
    """A widget whose front end is the bundle beside this file.

    `kind` tells the bundle what to draw and `spec` holds what never changes. It travels as text: a stored
    notebook sorts the keys of its JSON, and their order is what a reader sees. `min_height` is about how
    much room it takes, so that a page need not jump when it comes alive. Every other trait is state,
    synchronized both ways. Subclasses provide `text` and `html`: the facts for readers
    without JavaScript, for print, and for the outputs that a notebook stores.
    """

    _esm = HERE / "optimlab.js"
    _css = HERE / "optimlab.css"
    kind = traitlets.Unicode().tag(sync=True)
    spec = traitlets.Dict().tag(
        sync=True,
        to_json=lambda spec, _: json.dumps(spec, ensure_ascii=False, allow_nan=False, separators=(",", ":")),
        from_json=lambda text, _: json.loads(text),
    )
    min_height = traitlets.Unicode().tag(sync=True)
    anchor = traitlets.Unicode().tag(sync=True)

    # ipywidgets 7 displays through this method and cuts the text; the bundle below is used instead.
    _ipython_display_ = None

    def __init__(self, **state):
        for name in state:
            # ipywidgets itself passes the id of the model, which is no trait.
            if name != "model_id" and not self.has_trait(name):
                known = self._arguments()
                raise TypeError(
                    f"{type(self).__name__} has no argument {name!r}{closest(name, known)}; it has "
                    f"{', '.join(known) or 'none'}"
                )
        super().__init__(**state)

    def _arguments(self) -> list[str]:
        """Return what readers can give: the named parameters and the state of this very widget."""
        parameters = inspect.signature(type(self)).parameters.values()
        named = [one.name for one in parameters if one.kind not in (one.VAR_POSITIONAL, one.VAR_KEYWORD)]
        if not any(one.kind == one.VAR_KEYWORD for one in parameters):
            return named
        # What a class above has too, such as ipywidgets' own `log`, counts where this widget defines it.
        state = [
            name
            for name, trait in self.traits(sync=True).items()
            if name[0] != "_" and not (trait.read_only or issubclass(Widget, trait.this_class))
        ]
        return list(dict.fromkeys([*named, *state]))

    def text(self) -> str:
        """Return the widget's facts as plain text."""
        raise NotImplementedError

    def html(self) -> str:
        """Return the widget's facts as accessible HTML."""
        raise NotImplementedError

    def __repr__(self) -> str:
        return self.text()

    def _repr_mimebundle_(self, **kwargs):
        bundle, metadata = super()._repr_mimebundle_(**kwargs)
        return {**bundle, "text/plain": self.text(), "text/html": self.html()}, metadata


# The shares 1 - beta that a slider for beta stops at, per factor of ten: evenly spread, and round numbers.
_SHARES = (10, 9, 8, 7, 6, 5, 4, 3, 2.5, 2, 1.5, 1.2)
BETAS = [round(1 - share * 10.0**-decade, 6) for decade in (1, 2, 3) for share in _SHARES] + [0.999]
# Counts have whole numbers only.
_COUNTS = {"length", "steps", "every", "period", "up", "down", "factor"}
_STEPS = (1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 7, 8, 9)


def stops(name: str, value: float) -> list[float]:
    """Return the values that a slider for a hyper-parameter stops at, `value` among them.

    Names that start with ``beta``, ``rho``, ``gamma``, ``momentum`` or ``nu`` are shares: they go from 0
    to 0.999, closer and closer to 1. Counts are whole numbers. Everything else is spread evenly on a
    logarithmic scale around the value, or from 0 to 1 if the value is zero.
    """
    if name.startswith(("beta", "rho", "gamma", "momentum", "nu")) and 0 <= value < 1:
        found = BETAS
    elif value == 0:
        found = [i / 20 for i in range(21)]
    else:
        size = abs(value)
        decade = len(f"{int(size)}") - 1 if size >= 1 else int(f"{size:e}".split("e")[1])
        powers = range(decade - 2, decade + 3)
        found = [float(f"{step}e{power}") * (1 if value > 0 else -1) for power in powers for step in _STEPS]
    if name in _COUNTS:
        found = [float(max(1, round(stop))) for stop in found]
    return sorted({*found, float(value)})


def strokes(names: Iterable[str]) -> dict[str, dict[str, str]]:
    """Return the color and the dash of curves, as the charts of the front end take them.

    Parameters
    ----------
    names : iterable of str
        Keys of `optimlab.plots.STYLE`, such as the names of rules.

    Returns
    -------
    dict
        By name: ``color``, and ``dash`` as SVG's ``stroke-dasharray``; empty for a solid line.
    """
    width = 2  # matplotlib counts a dash in widths of the line, SVG in pixels
    found = {}
    for name in names:
        look = style(name)
        _, dash = (0, ()) if look["linestyle"] == "-" else look["linestyle"]
        found[name] = {"color": look["color"], "dash": " ".join(f"{width * part:g}" for part in dash)}
    return found
