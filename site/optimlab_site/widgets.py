"""Widgets that are alive on the static page.

An executed notebook stores each widget's state, with the source of its front end repeated in every single
one, and myst-nb copies all of it into the page for the 4 MB stock widget manager. This module instead

* writes each distinct front end (``_esm``) and style sheet (``_css``) once, to ``_widgets/<hash>.js``
  and ``.css``, beside a host of a few dozen lines (``host.js``) that loads them when needed;
* leaves in the page only the models that are shown, with their own traits and nothing else;
* puts the widget's ``text/html``, a table with the same facts, into the page at the widget's place. It is
  what a reader sees without JavaScript, on paper, and until the widget has been mounted.

A widget of the course is an ``anywidget.AnyWidget`` whose output carries ``text/html``. Its traits are JSON.
A trait ``min_height``, a CSS length such as ``"34rem"``, reserves the height that the live widget will need.
A trait ``anchor`` names the widget's place. A page whose widget has the trait ``links`` set gets the
addresses of all pages and anchors of the site, so that the widget can lead to them.
"""

from __future__ import annotations

import hashlib
import json
from html import escape
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util import logging

logger = logging.getLogger(__name__)

VIEW = "application/vnd.jupyter.widget-view+json"
FOLDER = "_widgets"
HOST = Path(__file__).parent / "host.js"

# Traits of every ipywidget that mean nothing without its layout manager.
UNUSED_TRAITS = {"layout", "tabbable", "tooltip", "min_height", "anchor"}


def file_name(text: str, suffix: str) -> str:
    """Return a file name that changes exactly when the text does."""
    return hashlib.sha256(text.encode()).hexdigest()[:16] + suffix


def script_json(data: Any) -> str:
    """Return JSON that is safe inside a ``<script>`` element."""
    text = json.dumps(data, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.replace("<", "\\u003c")


class PageWidgets:
    """The widgets of one page.

    Attributes
    ----------
    models : dict
        For each widget that is shown: the file names of its front end and style sheet, and its traits.
    files : dict
        File name to text, for everything that the models name.
    anchors : list
        The names of places on this page.
    """

    def __init__(self) -> None:
        self.models: dict[str, dict[str, Any]] = {}
        self.files: dict[str, str] = {}
        self.anchors: list[str] = []

    @property
    def links(self) -> bool:
        """Whether a widget of the page leads to places on other pages."""
        return any(model["state"].get("links") for model in self.models.values())

    def add(self, key: str, state: dict[str, Any]) -> None:
        """Add a model under the name that the page uses for it."""
        model: dict[str, Any] = {}
        for trait, suffix in (("_esm", ".js"), ("_css", ".css")):
            if text := state.get(trait):
                name = file_name(text, suffix)
                self.files[name] = text
                model[suffix[1:]] = name
        model["state"] = {
            trait: value
            for trait, value in state.items()
            if not trait.startswith("_") and trait not in UNUSED_TRAITS
        }
        self.models[key] = model


def stored_state(env: BuildEnvironment) -> dict[str, dict[str, Any]]:
    """Take the state that myst-nb was about to copy into the page being read.

    Returns
    -------
    dict
        Model id to ``{"state": ..., "buffers": ...}``; empty for a page without widgets.
    """
    files = getattr(env, "nb_metadata", {}).get(env.docname, {}).get("js_files", {})
    for key in [key for key in files if key.startswith("ipywidgets_") and key != "ipywidgets_state"]:
        del files[key]
    if "ipywidgets_state" not in files:
        return {}
    return json.loads(files.pop("ipywidgets_state")[1]["body"])["state"]


def view_of(bundle: nodes.container) -> str | None:
    """Return the model id that an output shows, or None if the output is not a widget."""
    for child in bundle.children:
        if child.get("mime_type") == VIEW:
            script = child.astext()
            return json.loads(script[script.index("{") : script.rindex("}") + 1])["model_id"]
    return None


def html_of(bundle: nodes.container) -> str | None:
    """Return an output's ``text/html``."""
    for child in bundle.children:
        if child.get("mime_type") == "text/html":
            return child.astext()
    return None


def replace_widgets(app: Sphinx, doctree: nodes.document) -> None:
    """Replace every widget output of the page just read by the place where its widget will be mounted."""
    env = app.env
    page = PageWidgets()
    states = stored_state(env)
    names: dict[str, str] = {}  # ids are random; w1, w2, ... make two builds equal

    for bundle in list(doctree.findall(nodes.container)):
        if bundle.get("nb_element") != "mime_bundle" or (model_id := view_of(bundle)) is None:
            continue
        fallback = html_of(bundle)
        if fallback is None:
            logger.warning(
                "a widget's output has no text/html, the table for readers without JavaScript",
                location=bundle,
            )
            fallback = ""
        stored = states.get(model_id, {})
        state = stored.get("state", {})
        if "_esm" not in state:
            logger.warning(
                "the widget %s has no front end of its own; only anywidgets work on the static page",
                state.get("_model_name", model_id),
                location=bundle,
            )
            bundle.replace_self(nodes.raw("", fallback, format="html"))
            continue
        if stored.get("buffers"):
            logger.warning("a widget has binary traits; use lists of numbers", location=bundle)
        if model_id not in names:
            names[model_id] = f"w{len(names) + 1}"
            page.add(names[model_id], state)
        height, anchor = state.get("min_height"), state.get("anchor")
        name = ""
        if anchor and anchor not in page.anchors:
            page.anchors.append(anchor)
            name = f' id="{escape(anchor)}"'
        style = f' style="--ol-height:{escape(str(height))}"' if height else ""
        mount = (
            f'<div class="ol-mount" data-model="{names[model_id]}"{name}{style}>\n'
            f'<div class="ol-fallback">{fallback}</div>\n</div>'
        )
        bundle.replace_self(nodes.raw("", mount, format="html"))

    collected(env).pop(env.docname, None)
    if page.models:
        collected(env)[env.docname] = page


def collected(env: BuildEnvironment) -> dict[str, PageWidgets]:
    """Return the widgets of all pages, by page."""
    if not hasattr(env, "optimlab_widgets"):
        env.optimlab_widgets = {}
    return env.optimlab_widgets


def forget(app: Sphinx, env: BuildEnvironment, docname: str) -> None:
    """Forget the widgets of a page that is removed or read again."""
    collected(env).pop(docname, None)


def leading_pages(app: Sphinx, env: BuildEnvironment) -> list[str]:
    """Return the pages to be written again because places may have moved."""
    return [name for name, page in collected(env).items() if page.links]


def add_models(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Add the page's models and the host at the end of its text."""
    page = collected(app.env).get(pagename)
    if page is None or "body" not in context:
        return
    host = context["pathto"](f"{FOLDER}/{file_name(HOST.read_text(), '.js')}", 1)
    if page.links:
        to, env = context["pathto"], app.env
        folder = f"{pagename.rpartition('/')[0]}/"
        places = {
            "anchors": {
                anchor: f"{to(name)}#{anchor}"
                for name, other in sorted(collected(env).items())
                for anchor in other.anchors
            },
            "pages": {
                # A page in a folder below, such as homework, may have the name of a chapter.
                name.removeprefix(folder): [to(name), env.titles[name].astext()]
                for name in sorted(env.titles)
            },
        }
        context["body"] += f'\n<script type="application/json" id="ol-places">{script_json(places)}</script>'
    context["body"] += (
        f'\n<script type="application/json" id="ol-models">{script_json(page.models)}</script>'
        f'\n<script type="module" src="{host}"></script>\n'
    )


def write_files(app: Sphinx, error: Exception | None) -> None:
    """Write the front ends that pages name, once each, and remove those that no page names any more."""
    if error is not None or app.builder.format != "html":
        return
    host = HOST.read_text()
    files = {file_name(host, ".js"): host}
    for page in collected(app.env).values():
        files.update(page.files)
    folder = Path(app.outdir) / FOLDER
    folder.mkdir(exist_ok=True)
    for old in folder.iterdir():
        if old.name not in files:
            old.unlink()
    for name, text in files.items():
        if not (folder / name).exists():
            (folder / name).write_text(text)


def setup(app: Sphinx) -> None:
    """Register with Sphinx."""
    app.connect("env-purge-doc", forget)
    app.connect("doctree-read", replace_widgets)
    app.connect("env-updated", leading_pages)
    app.connect("html-page-context", add_models)
    app.connect("build-finished", write_files)
