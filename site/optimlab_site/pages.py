"""What a page loads, and the look of it.

Jupyter Book gives every page the scripts of every feature, an icon library of half a megabyte and the whole
search index. Here a page loads what its own text uses. The icons are a few small masks in ``icons.css``.
"""

from __future__ import annotations

import hashlib
import re
from html import escape
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.environment import BuildEnvironment

SITE = Path(__file__).parents[1]
HERE = Path(__file__).parent

# File name -> what must stand in a page's text for the page to need it; None for never.
NEEDED_FOR: dict[str, str | None] = {
    "sphinx-thebe.js": None,
    "sphinx-thebe.css": None,
    "thebe.css": None,
    "togglebutton.js": r'class="[^"]*\b(toggle|dropdown)\b',
    "togglebutton.css": r'class="[^"]*\b(toggle|dropdown)\b',
    "design-tabs.js": r'class="[^"]*\bsd-tab-',
    "sphinx-design.min.css": r'class="[^"]*\bsd-',
    "katex.min.css": r'class="katex',
    "katex-math.css": None,  # optimlab.css says how formulas scroll
    "copybutton.js": r'class="highlight',
    "copybutton.css": r'class="highlight',
    "clipboard.min.js": r'class="highlight',
    "mystnb.css": r'class="cell\b',
}

# Scripts of sphinx-thebe and sphinx-togglebutton that stand in the page itself.
INLINE_NEEDED_FOR = {"thebe": None, "let toggle": NEEDED_FOR["togglebutton.js"]}

# Left in the output folder by the theme, read by no page.
UNUSED_FILES = (
    "scripts/fontawesome.js*",
    "scripts/bootstrap.js*",
    "scripts/*.map",
    "styles/*.map",
    "styles/theme.css",
    "vendor",
    "sphinx-thebe.js",
    "thebe.css",
    "sphinx-thebe.css",
    "katex-math.css",
    "webpack-macros.html",
    "sbt-webpack-macros.html",
    "locales",
    "images/logo_binder.svg",
    "images/logo_deepnote.svg",
    "images/logo_jupyterhub.svg",
    "images/logo_jupyterlite.svg",
    "images/logo_colab.png",
)


def configure(app: Sphinx, config: Config) -> None:
    """Add the templates and style sheets, and let Sphinx notice when this extension changes."""
    config.templates_path.insert(0, str(HERE / "templates"))
    config.html_static_path.append(str(HERE / "static"))
    files = [path for path in sorted(SITE.rglob("*")) if path.is_file() and "__pycache__" not in path.parts]
    files += [Path(app.srcdir) / "_toc.yml", Path(app.srcdir) / "references.bib"]
    config.optimlab_site_key = hashlib.sha256(b"\0".join(path.read_bytes() for path in files)).hexdigest()


def is_needed(asset: Any, text: str) -> bool:
    """Return whether a page with this text needs a script or a style sheet."""
    name = str(getattr(asset, "filename", asset) or "").rpartition("/")[2]
    if name:
        pattern = NEEDED_FOR.get(name, "")
        return pattern is not None and (pattern == "" or re.search(pattern, text) is not None)
    body = getattr(asset, "attributes", {}).get("body") or ""
    for word, pattern in INLINE_NEEDED_FOR.items():
        if word in body.lower():
            return pattern is not None and re.search(pattern, text) is not None
    return True


def prune_assets(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Drop the scripts and style sheets that a page does not use."""
    text = context.get("body") or ""
    # docutils calls the bibliography a list, but not its entries list items.
    context["body"] = text.replace('<div role="list" class="citation-list">', '<div class="citation-list">')
    for kind in ("script_files", "css_files"):
        context[kind][:] = [asset for asset in context.get(kind, []) if is_needed(asset, text)]


def describe(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Give a page without a description of its own its first paragraph as one."""
    if doctree is None or 'name="description"' in (context.get("metatags") or ""):
        return
    for paragraph in doctree.findall(nodes.paragraph):
        text = " ".join(paragraph.astext().split())
        if len(text) > 60:
            short = text if len(text) <= 200 else text[:200].rsplit(" ", 1)[0] + " ..."
            context["metatags"] = (context.get("metatags") or "") + (
                f'\n<meta name="description" content="{escape(short)}"/>'
            )
            return


def without_icon_font(css: str) -> str:
    """Return the theme's style sheet without the rules of Font Awesome.

    Parameters
    ----------
    css : str
        The minified sheet.

    Returns
    -------
    str
        The sheet without ``@font-face`` rules of that font and without rules that select its classes only.
    """
    icon = r"\.fa[srb]?(?:-[\w-]+)?(?:::?(?:before|after))?"
    css = re.sub(r"/\*!?.*?\*/", "", css, flags=re.S)
    css = re.sub(r"@font-face\{[^{}]*Font Awesome[^{}]*\}", "", css.replace("Awesome\\ ", "Awesome "))
    css = re.sub(rf"(?<=[}}{{])(?:{icon},?)+\{{[^{{}}]*\}}", "", css)
    return re.sub(r"/\*#.*?\*/", "", css)


def tidy_output(app: Sphinx, error: Exception | None) -> None:
    """Remove files that no page reads, shrink the theme's style sheet, and write the root page."""
    if error is not None or app.builder.format != "html":
        return
    static = Path(app.outdir) / "_static"
    for pattern in UNUSED_FILES:
        for path in static.glob(pattern):
            remove(path)
    sheet = static / "styles" / "pydata-sphinx-theme.css"
    before = sheet.read_text()
    after = without_icon_font(before)
    if after != before:
        sheet.write_text(after)
    write_root(app)


def remove(path: Path) -> None:
    """Remove a file, or a folder with everything in it."""
    if path.is_dir():
        for child in path.iterdir():
            remove(child)
        path.rmdir()
    else:
        path.unlink()


def png_size(path: Path) -> tuple[int, int] | None:
    """Return the width and height that a PNG states in its header, or None for another file."""
    header = path.read_bytes()[:24]
    if header[:8] != b"\x89PNG\r\n\x1a\n":
        return None
    return int.from_bytes(header[16:20], "big"), int.from_bytes(header[20:24], "big")


def reserve_images(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Load figures when they come near, keep their place until then, and let them open by themselves.

    On a telephone a figure is a third as wide as it was drawn; alone it can be enlarged.
    """
    sources = {name: Path(app.srcdir) / source for source, name in getattr(app.builder, "images", {}).items()}

    def add(match: re.Match[str]) -> str:
        source = sources.get(match["name"])
        size = png_size(source) if source is not None and source.exists() else None
        place = f' width="{size[0]}" height="{size[1]}"' if size and "width" not in match[0] else ""
        image = f'{match[0].rstrip("/> ")}{place} loading="lazy" decoding="async" />'
        return f'<a class="ol-enlarge" href="{match["source"]}">{image}</a>'

    context["body"] = re.sub(
        r'<img [^>]*src="(?P<source>[^"]*_images/(?P<name>[^"/]+))"[^>]*>', add, context.get("body") or ""
    )


def replace_logo(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Give Colab's entry in the launch menu one of our icons, not a picture that every page would load."""
    for group in context.get("header_buttons", []):
        for button in group.get("buttons", []):
            if str(button.get("icon")).endswith("logo_colab.png"):
                button["icon"] = "fas fa-rocket"


def name_toggles(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Give the toggles in the side bar, which show an icon only, a name for screen readers."""
    original = context.get("generate_toctree_html")
    if original is None:
        return

    def generate(*args: Any, **options: Any) -> str:
        return str(original(*args, **options)).replace("<summary>", '<summary aria-label="Show its pages">')

    context["generate_toctree_html"] = generate


def note_changes(app: Sphinx, env: BuildEnvironment, docnames: list[str]) -> None:
    """Remember whether this build reads any page."""
    env.optimlab_changed = bool(docnames)


def write_all(app: Sphinx, env: BuildEnvironment) -> list[str]:
    """Write every page again when one was read: its title stands in the side bar of all the others."""
    return sorted(env.found_docs) if env.optimlab_changed else []


def write_root(app: Sphinx) -> None:
    """Write ``index.html``, which sends the reader to the landing page."""
    target = app.builder.get_target_uri(app.config.root_doc)
    (Path(app.outdir) / "index.html").write_text(
        "<!DOCTYPE html>\n"
        f'<html lang="{app.config.language}">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta http-equiv="refresh" content="0; url={target}">\n'
        '<link rel="icon" href="_static/favicon.svg">\n'
        f"<title>{escape(app.config.html_title)}</title>\n</head>\n"
        f"<body><main><h1>{escape(app.config.html_title)}</h1>"
        f'<p><a href="{target}">Go to the first page</a></p></main></body>\n</html>\n'
    )


def setup(app: Sphinx) -> None:
    """Register with Sphinx."""
    app.add_config_value("optimlab_site_key", "", "env", str)
    app.connect("config-inited", configure)
    app.connect("env-before-read-docs", note_changes)
    app.connect("env-updated", write_all)
    app.connect("html-page-context", describe, priority=900)
    app.connect("html-page-context", prune_assets, priority=950)
    app.connect("html-page-context", reserve_images, priority=950)
    app.connect("html-page-context", replace_logo, priority=950)
    app.connect("html-page-context", name_toggles, priority=950)
    app.connect("build-finished", tidy_output, priority=950)
    for sheet in ("optimlab.css", "icons.css"):
        app.add_css_file(sheet, priority=900)
    app.add_js_file("optimlab.js", loading_method="defer")
