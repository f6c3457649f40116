"""How quickly the widgets answer: from an input to the repaint, and frames dropped in ten-second drags.

    python benchmarks/frames.py                         every widget, every slider for ten seconds
    python benchmarks/frames.py Descent --seconds 3     one of them, for a first look
    python benchmarks/frames.py --bundle FOLDER         another bundle than the committed one

Each widget stands alone on a page in headless Chromium. Real mouse events drag each of its sliders to and
fro and the point on each of its maps around, about one event per frame; of a widget without sliders all other
controls are used in turn by mouse and keyboard. The time of an input is that of its handlers and, from the
beginning of the next frame to the first task after that frame has been painted, of the frame; what passes
between the two is the screen's. A frame is dropped when more than one and a half frames of 1/60 s pass
between two of them. The table of all widgets goes to ``frames.md``.
"""

from __future__ import annotations

import argparse
import itertools
import math
import sys
import tempfile
import threading
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "tools")]

import loose_page  # noqa: E402
import numpy as np  # noqa: E402
from book import make_server  # noqa: E402
from conftest import BROWSER_FLAGS  # noqa: E402
from playwright.sync_api import sync_playwright  # noqa: E402
from setup import find_browser  # noqa: E402

from optimlab import widgets  # noqa: E402

FRAME = 1000 / 60
WATCH = """() => {
    window.took = [];
    window.frames = [];
    const { port1, port2 } = new MessageChannel();
    let began = null;
    let handled = 0;
    let framed = 0;
    port1.onmessage = () => {
        window.took.push(handled - began + performance.now() - framed);
        began = null;
    };
    const counts = ({ type, target, buttons }) =>
        type === "input" || target.closest(type === "click" ? "button" : buttons ? ".ol-draggable" : "none");
    const start = (event) => {
        if (began !== null || !counts(event)) return;
        handled = began = performance.now();
        requestAnimationFrame(() => { framed = performance.now(); port2.postMessage(null); });
    };
    const end = (event) => { if (counts(event)) handled = performance.now(); };
    for (const kind of ["input", "click", "pointermove"]) {
        addEventListener(kind, start, { capture: true });
        addEventListener(kind, end);
    }
    const frame = (now) => { window.frames.push(now); requestAnimationFrame(frame); };
    requestAnimationFrame(frame);
}"""


PAGE = """# The widgets

Written by `python benchmarks/frames.py`: headless Chromium without a graphics card, on a machine with two
cores that did nothing else. Each slider and each map of a widget was dragged for {seconds:g} seconds; of a
widget without sliders the other controls were used for as long. A frame of 1/60 s is 16.7 ms; a frame
counts as dropped when the next one comes more than 25 ms after it.

{table}
"""


def drag(page, slider, seconds: float) -> None:
    """Drag a slider to and fro, twice per second at most."""
    slider.evaluate("(input) => input.scrollIntoView({block: 'center'})")
    box = slider.bounding_box()
    if box is None:
        return
    upright = box["height"] > box["width"]
    length, middle = (box["height"], box["width"] / 2) if upright else (box["width"], box["height"] / 2)

    def at(share: float) -> tuple[float, float]:
        along, across = 8 + share * (length - 16), middle
        return (box["x"] + across, box["y"] + along) if upright else (box["x"] + along, box["y"] + across)

    page.mouse.move(*at(0.5))
    page.mouse.down()
    begin = time.perf_counter()
    while (now := time.perf_counter() - begin) < seconds:
        page.mouse.move(*at(0.5 + 0.48 * math.sin(3 * now)))
        time.sleep(max(0.0, FRAME / 1000 - (time.perf_counter() - begin - now)))
    page.mouse.up()


def drag_around(page, chart, seconds: float) -> None:
    """Drag what a map lets be dragged around its middle."""
    chart.evaluate("(chart) => chart.scrollIntoView({block: 'center'})")
    box = chart.bounding_box()

    def at(turn: float) -> tuple[float, float]:
        across, up = 0.5 + 0.3 * math.cos(turn), 0.5 + 0.3 * math.sin(turn)
        return box["x"] + across * box["width"], box["y"] + up * box["height"]

    page.mouse.move(*at(0))
    page.mouse.down()
    begin = time.perf_counter()
    while (now := time.perf_counter() - begin) < seconds:
        page.mouse.move(*at(3 * now))
        time.sleep(max(0.0, FRAME / 1000 - (time.perf_counter() - begin - now)))
    page.mouse.up()


def use(page, controls, seconds: float) -> None:
    """Press, choose and type, a control at a time."""
    end = time.perf_counter() + seconds
    for turn in itertools.count():
        control = controls.nth(turn % controls.count())
        if time.perf_counter() > end:
            return
        if not (control.is_visible() and control.is_enabled()):
            continue
        kind = control.evaluate("(control) => control.type")
        if kind in ("search", "text"):
            control.focus()
            page.keyboard.press("Backspace" if control.input_value() else "a")
        elif kind == "select-one":
            control.focus()
            page.keyboard.press(("ArrowDown", "ArrowDown", "Home")[turn % 3])
        else:
            control.click()
        page.evaluate("new Promise((drawn) => requestAnimationFrame(() => setTimeout(drawn, 20)))")


def measure(browser, widget, seconds: float, bundle: Path | None) -> dict:
    """Drag every slider of a widget and return what was seen."""
    with tempfile.TemporaryDirectory() as name:
        path = loose_page.write(Path(name), [widget], bundle)
        with make_server(path.parent) as server:
            thread = threading.Thread(target=server.serve_forever, daemon=True)
            thread.start()
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            page.goto(f"http://127.0.0.1:{server.server_address[1]}/{path.name}")
            page.locator('.ol-mount[data-state="alive"]').wait_for()
            page.evaluate("document.querySelectorAll('.ol-live details').forEach((d) => (d.open = true))")
            page.evaluate(WATCH)
            sliders = [s for s in page.locator(".ol-live input[type=range]").all() if s.is_visible()]
            for slider in sliders:
                drag(page, slider, seconds)
            maps = page.locator(".ol-live .ol-draggable").all()
            for chart in maps:
                drag_around(page, chart, seconds)
            if not sliders:
                use(page, page.locator(".ol-live :is(button, select, input)"), seconds)
            took, frames = page.evaluate("[window.took, window.frames]")
            page.close()
            server.shutdown()
            thread.join()
    gaps = np.diff(frames)
    late = int(np.sum(gaps > 1.5 * FRAME))
    return {"drags": len(sliders) + len(maps), "took": np.array(took), "frames": len(gaps), "dropped": late}


def main() -> int:
    """Measure and print a table; 1 if a widget takes longer than a frame at the 95th percentile."""
    parser = argparse.ArgumentParser(description="Measure how quickly the widgets answer.")
    parser.add_argument("widgets", nargs="*", help="names in optimlab.widgets")
    parser.add_argument("--seconds", type=float, default=10, help="how long each slider is dragged")
    parser.add_argument("--bundle", type=Path, help="the folder of another bundle")
    options = parser.parse_args()
    examples = {
        "Walkthrough": lambda: widgets.Walkthrough("ewa-temperature-beta-0.9"),
        "DecisionTree": lambda: widgets.DecisionTree(
            "Umbrella", ("Rain?", {"yes": "Take it.", "no": "Leave it."})
        ),
        "Quiz": lambda: widgets.Quiz("Why?", right=("yes", "so"), wrong=[("no", "not so")]),
    }
    names = options.widgets or widgets.__all__
    made = [(name, examples.get(name, getattr(widgets, name))()) for name in names]
    late = False
    table = []
    columns = ["widget", "sliders and maps", "inputs", "median, ms", "95 %, ms", "frames", "dropped"]

    def say(row) -> None:
        table.append("| " + " | ".join(map(str, row)) + " |")
        print(table[-1], flush=True)

    say(columns)
    say(["---"] * len(columns))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_browser(), args=BROWSER_FLAGS)
        for name, widget in made:
            seen = measure(browser, widget, options.seconds, options.bundle)
            middle, high = np.percentile(seen["took"], [50, 95])
            late |= high > FRAME
            row = [name, seen["drags"], len(seen["took"]), f"{middle:.1f}", f"{high:.1f}", seen["frames"]]
            say([*row, seen["dropped"]])
        browser.close()
    if not options.widgets:
        (HERE / "frames.md").write_text(PAGE.format(seconds=options.seconds, table="\n".join(table)))
    return int(late)


if __name__ == "__main__":
    sys.exit(main())
