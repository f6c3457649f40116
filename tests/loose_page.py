"""A page that holds a few widgets and nothing else, made in a moment, without building the site.

    python tests/loose_page.py "Descent()" "Quiz('Why?', right=('yes', 'so'), wrong=[('no', 'not so')])"

serves it on this machine and prints the address; ``--folder`` only writes it. The front end is the
committed bundle, or with ``--bundle`` the folder into which ``node build.mjs`` was told to write.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "site"), str(ROOT / "tools")]

from optimlab_site.widgets import HOST, PageWidgets, script_json  # noqa: E402

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Widgets</title><link rel="icon" href="data:,">
<style>
body {{ margin: 1rem auto; max-width: 50rem; padding: 0 0.75rem; font: 1rem/1.5 system-ui, sans-serif }}
[data-theme=dark] body {{ background: #121619; color: #e4e9ee }}
</style>
<link rel="stylesheet" href="page.css">
<script>
const dark = matchMedia("(prefers-color-scheme: dark)").matches;
document.documentElement.dataset.theme = dark ? "dark" : "light";
</script></head>
<body class="bd-article"><main><h1>Widgets</h1>
{mounts}
</main>
<script type="application/json" id="ol-models">{models}</script>
<script type="module" src="host.js"></script></body></html>
"""


def write(folder: Path, widgets: Sequence, bundle: Path | None = None) -> Path:
    """Write the page and what it needs, and return its path.

    Parameters
    ----------
    folder : Path
        Where to; made if it does not exist.
    widgets : sequence of optimlab.widgets._base.Widget
        What the page holds, in this order.
    bundle : Path, optional
        The folder of another ``optimlab.js`` and ``optimlab.css`` than the committed ones.
    """
    folder.mkdir(parents=True, exist_ok=True)
    page, mounts = PageWidgets(), []
    for i, widget in enumerate(widgets, start=1):
        state = widget.get_state()
        if bundle:
            state |= {
                "_esm": (bundle / "optimlab.js").read_text(),
                "_css": (bundle / "optimlab.css").read_text(),
            }
        page.add(f"w{i}", state)
        mounts.append(
            f'<div class="ol-mount" data-model="w{i}" style="--ol-height:{widget.min_height}">'
            f'<div class="ol-fallback">{widget.html()}</div></div>'
        )
    for name, text in page.files.items():
        (folder / name).write_text(text)
    (folder / "host.js").write_text(HOST.read_text())
    (folder / "page.css").write_text((HOST.parent / "static" / "optimlab.css").read_text())
    path = folder / "index.html"
    path.write_text(PAGE.format(mounts="\n".join(mounts), models=script_json(page.models)))
    return path


def main() -> None:
    """Make a page of the widgets that are given as Python expressions."""
    parser = argparse.ArgumentParser(description="Show widgets on a page of their own.")
    parser.add_argument("widgets", nargs="+", help="expressions over what optimlab.widgets holds")
    parser.add_argument("--folder", type=Path, help="write the page here and serve nothing")
    parser.add_argument("--bundle", type=Path, help="the folder of another bundle")
    options = parser.parse_args()
    from book import make_server

    import optimlab.widgets

    folder = options.folder or Path(tempfile.mkdtemp())
    made = [eval(text, vars(optimlab.widgets).copy()) for text in options.widgets]
    print(write(folder, made, options.bundle))
    if not options.folder:
        with make_server(folder) as server:
            print(f"http://127.0.0.1:{server.server_address[1]}/index.html", flush=True)
            server.serve_forever()


if __name__ == "__main__":
    main()
