"""Read back what a widget has drawn: the curves of its charts and the points of its maps, against Python's.

A picture is read with the lettering of its own axes, so that a curve in the wrong place is found as well as a
wrong tick. Everything is compared in pixels, to about half of one.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from playwright.sync_api import Locator

from optimlab.format import number

CLOSE = 0.6  # pixels; where they are written down they are rounded to a thousandth
FAR = 4000  # how far beyond its edges a map draws
NOTHING = np.zeros((0, 2))

# --------------------------------------------------------------------------------------------------- cells

CELLS = """(cells) => cells.map((cell) =>
    [cell.dataset.value, (cell.querySelector(":scope > span") ?? cell).textContent])"""


def read_cells(cells: Locator, digits: int = 6, infinite: str = "inf") -> list[float | None]:
    """Return the full-precision numbers behind table cells; None for an empty one.

    Fail unless each is written as `number` writes it with so many digits; `infinite` is how infinity is.
    """
    found: list[float | None] = []
    for value, text in cells.evaluate_all(CELLS):
        assert value is not None, f"the cell with {text!r} has no number behind it"
        meant = float(value.replace("Infinity", "inf")) if value else None
        wanted = "" if meant is None else infinite if meant == math.inf else number(meant, digits)
        assert text == wanted, f"the cell says {text!r}; the number behind it is {value!r}"
        found.append(meant)
    return found


# --------------------------------------------------------------------------------------- charts and maps

READ = """(root) => [...root.querySelectorAll(".ol-figure > svg.ol-chart")]
    .filter((svg) => svg.checkVisibility())
    .map((svg) => {
        const tone = (group) => Number(group.getAttribute("class").match(/ol-tone-(\\d)/)[1]);
        const look = (group) => [
            group.style.getPropertyValue("--ol-own") || tone(group),
            group.style.strokeDasharray.replaceAll(/[,px]+/g, ""),
            group.classList.contains("ol-faint"),
        ];
        const texts = [...svg.querySelectorAll(":scope > .ol-grid > text:not([transform])")];
        const ticks = (wanted, place) =>
            texts.filter(wanted).map((t) => [t.textContent, Number(t.getAttribute(place))]);
        const shapes = (group, wanted) =>
            [...group.querySelectorAll(wanted)].map((path) => path.getAttribute("d"));
        const drawn = [...svg.querySelectorAll(":scope > g[clip-path]")].at(-1);
        return {
            plane: svg.classList.contains("ol-plane"),
            height: Number(svg.getAttribute("height")),
            across: ticks((t) => t.getAttribute("text-anchor") === "middle", "x"),
            up: ticks((t) => t.getAttribute("text-anchor") === "end" && t.hasAttribute("dy"), "y"),
            groups: [...drawn.children].map((group) => ({
                look: look(group),
                paths: shapes(group, "path:not(.ol-head)"),
                heads: shapes(group, "path.ol-head"),
                circles: [...group.querySelectorAll("circle")].map((circle) =>
                    ["cx", "cy", "r"].map((name) => Number(circle.getAttribute(name)))),
            })),
            marks: [...svg.querySelectorAll(".ol-marker")].map((line) =>
                ["x1", "x2"].map((name) => Number(line.getAttribute(name)))),
            legend: [...svg.parentNode.querySelectorAll(":scope > .ol-legend > li")].map((entry) =>
                [entry.textContent, look(entry.querySelector("g"))]),
        };
    })"""

Look = tuple[Any, str, bool]


def look(stroke: dict[str, str] | None = None, *, tone: int = 0, faint: bool = False) -> Look:
    """Return how a curve looks: its color, or the number of its tone, its dash, and whether it is pale."""
    return (stroke["color"], stroke.get("dash", ""), faint) if stroke else (tone, "", faint)


@dataclass(frozen=True)
class Curve:
    """What a chart ought to show as one series.

    Of the points those are drawn that have a place on the axes. A curve is `thinned` if it may leave out
    points between its ends. `slack` is by how much, in y, each may be off.
    """

    look: Look
    x: Any
    y: Any
    name: str = ""
    dots: bool = False
    thinned: bool = False
    slack: Any = 0.0


def figures(widget: Locator) -> list[Figure]:
    """Return the charts and the maps of a widget that can be seen, in the order of the page."""
    return [Figure(**one) for one in widget.evaluate(READ)]


@dataclass(frozen=True)
class Figure:
    """One chart or map as it is drawn: places are in pixels."""

    plane: bool
    height: float
    across: list
    up: list
    groups: list[dict]
    marks: list[list[float]]
    legend: list

    def places(self, points: Any, *, log_x: bool = False, log_y: bool = False) -> np.ndarray:
        """Return where points, of shape (n, 2), are; NaN or infinity where they have no place."""
        x, y = np.asarray(points, float).reshape(-1, 2).T
        return np.stack([_scale(self.across, log_x)(x), _scale(self.up, log_y)(y)], axis=1)

    def shows_curves(
        self, curves: Sequence[Curve], *, log_x: bool = False, log_y: bool = False, mark: float | None = None
    ) -> None:
        """Fail unless the chart shows these series and no other, and the marker stands where it ought to."""
        assert [tuple(group["look"]) for group in self.groups] == [curve.look for curve in curves]
        named = {curve.name: curve.look for curve in curves if curve.name}
        if named or self.legend:
            assert {name: tuple(found) for name, found in self.legend} == named
        for group, curve in zip(self.groups, curves, strict=True):
            points = np.stack([np.asarray(curve.x, float), np.asarray(curve.y, float)], axis=1)
            slack = np.broadcast_to(np.asarray(curve.slack, float), len(points))
            places = self.places(points, log_x=log_x, log_y=log_y)
            with np.errstate(invalid="ignore"):
                moved = self.places(points + np.stack([0 * slack, slack], axis=1), log_x=log_x, log_y=log_y)
                room = CLOSE + np.nan_to_num(np.abs(moved - places)[:, 1], nan=math.inf)
            if not curve.dots:
                places[:, 1] = np.where(
                    np.isfinite(places[:, 1]), np.clip(places[:, 1], -self.height, 2 * self.height), math.nan
                )
            there = np.isfinite(places).all(axis=1)
            places, room = places[there], room[there]
            found = np.array(group["circles"])[:, :2] if group["circles"] else NOTHING
            found = found if curve.dots else _vertices("".join(group["paths"]))
            if curve.thinned and len(places):
                nearest = np.abs(places[:, 0] - found[:, :1]).argmin(axis=1)
                assert nearest[0] == 0
                assert nearest[-1] == len(places) - 1
                places, room = places[nearest], room[nearest]
            _same(found, places, room, f"the curve {curve.name or curve.look}")
        if mark is not None:
            at = self.places([[mark, math.nan]], log_x=log_x, log_y=log_y)[0, 0]
            assert np.allclose(self.marks, [[at, at]], atol=CLOSE), (self.marks, at)

    def shows_map(
        self,
        *,
        paths: Sequence[tuple] = (),
        arrows: Sequence[tuple] = (),
        spots: Sequence[tuple] = (),
    ) -> None:
        """Fail unless the map shows these things and no other.

        Parameters
        ----------
        paths : sequence of (look, points, dotted) or (look, points, dotted, slack)
        arrows : sequence of (look, start, end) or (look, start, end, slack)
        spots : sequence of (look, "cross", "ring" or "disc", point) or the same with a slack
            A slack is how far each point may be off, in data.
        """
        groups = list(self.groups)
        assert len(groups) == len(paths) + len(arrows) + len(spots)
        for wanted, points, dotted, *slack in paths:
            group = groups.pop(0)
            assert tuple(group["look"]) == wanted
            places, room = self._with_room(points, slack)
            _same(_vertices("".join(group["paths"])), places, room, f"the path {wanted}")
            dots = np.array(group["circles"])[:, :2] if group["circles"] else NOTHING
            _same(dots, places if dotted else NOTHING, room if dotted else NOTHING[:, 0], f"dots of {wanted}")
        for wanted, start, end, *slack in arrows:
            group = groups.pop(0)
            assert tuple(group["look"]) == wanted
            places, room = self._with_room([start, end], slack)
            if len(places) < 2 or np.hypot(*(places[1] - places[0])) < 1 - CLOSE:
                assert not group["heads"]
            elif group["heads"] or np.hypot(*(places[1] - places[0])) > 1 + CLOSE:
                tail, tip = _vertices(group["paths"][0])[0], _vertices(group["heads"][0])[0]
                _same(np.array([tail, tip]), places, room, f"the arrow {wanted}")
        for wanted, shape, point, *slack in spots:
            group = groups.pop(0)
            assert tuple(group["look"]) == wanted
            found = _spot(group)
            places, room = self._with_room([point], slack)
            assert found[0] == (shape if len(places) else "nothing"), (wanted, found)
            _same(found[1], places, room, f"the {shape} {wanted}")

    def _with_room(self, points: Any, slack: Sequence) -> tuple[np.ndarray, np.ndarray]:
        """Return the places that a map has for points, and how far each may be off."""
        points = np.asarray(points, float).reshape(-1, 2)
        places = self.places(points).clip(-FAR, FAR)
        room = np.full(len(points), CLOSE)
        if slack:
            off = np.broadcast_to(np.asarray(slack[0], float), points.shape)
            moved = np.abs(self.places(points + off).clip(-FAR, FAR) - places)
            room = room + np.nan_to_num(moved, nan=math.inf).max(axis=1)
        there = np.isfinite(places).all(axis=1)
        return places[there], room[there]


def _scale(ticks: list, log: bool):
    """Return the scale of an axis, from values to pixels, that its ticks say."""
    said = [(float(text), place) for text, place in ticks if re.fullmatch(r"-?[\d.]+(e[-+]?\d+)?", text)]
    assert len(said) >= 2, f"an axis with the lettering {ticks}"
    values, places = np.array(said).T
    values = np.log10(values) if log else values
    first, last = values.argmin(), values.argmax()
    slope = (places[last] - places[first]) / (values[last] - values[first])
    assert np.allclose(places[first] + slope * (values - values[first]), places, atol=CLOSE), ticks

    def place(x: np.ndarray) -> np.ndarray:
        with np.errstate(divide="ignore", invalid="ignore"):
            return places[first] + slope * ((np.log10(x) if log else x) - values[first])

    return place


def _vertices(d: str) -> np.ndarray:
    """Return the points that straight lines of a path go through."""
    assert not re.search(r"[^MLZ\d.,e+-]", d), d[:80]
    return np.array(re.findall(r"-?[\d.]+(?:e-?\d+)?", d), float).reshape(-1, 2)


def _spot(group: dict) -> tuple[str, np.ndarray]:
    """Return the shape of a spot and where it is, of shape (1, 2)."""
    circles = group["circles"]
    if len(circles) == 2:
        assert circles[0][:2] == circles[1][:2]
        return "ring", np.array(circles[:1])[:, :2]
    if circles:
        return "disc", np.array(circles)[:, :2]
    if not group["paths"]:
        return "nothing", NOTHING
    left, middle, right, x, top, bottom = map(
        float, re.fullmatch(r"M(.+),(.+)H(.+)M(.+),(.+)V(.+)", group["paths"][0]).groups()
    )
    assert np.allclose([(left + right) / 2, (top + bottom) / 2], [x, middle])
    return "cross", np.array([[x, middle]])


def _same(found: np.ndarray, wanted: np.ndarray, room: np.ndarray, what: str) -> None:
    assert len(found) == len(wanted), f"{what} has {len(found)} points; expected {len(wanted)}"
    off = np.abs(found - wanted).max(axis=1, initial=0)
    if np.any(off > room):
        k = int(np.argmax(off - room))
        raise AssertionError(f"{what}, point {k}: drawn at {found[k]}, expected at {wanted[k]}")
