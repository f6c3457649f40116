"""The text of a notebook's cell: what it names, and how to run it."""

from __future__ import annotations

import ast
import linecache
import re


def python(source: str) -> str:
    """Return a cell's text without what only a notebook understands: ``%magic``, ``!shell``, ``x?``.

    What ``%time`` measures is run, and what a magic or a shell would give is None.
    """
    try:
        ast.parse(source)
    except SyntaxError:
        lines = []
        for line in source.splitlines():
            line = re.sub(r"^(\s*)%time +(?=\S)", r"\1", line)
            line = re.sub(r"^(\s*[\w, ]+= *)[%!].*$", r"\1None", line)
            lines.append(re.sub(r"^(\s*)([%!?].*|[\w.]+\?+)$", r"\1pass", line))
        return "\n".join(lines)
    return source


def assigned(source: str) -> set[str]:
    """Return the names that a cell binds, functions and classes included."""
    names = set()
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
            continue
        for part in ast.walk(node):
            if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store):
                names.add(part.id)
    return names


def loaded(source: str) -> set[str]:
    """Return the names that a cell reads."""
    return {
        node.id
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
    }


def execute(source: str, file: str, namespace: dict) -> None:
    """Run a cell; what it defines can be asked for its source afterwards, as in a notebook.

    Parameters
    ----------
    source : str
        The cell's text.
    file : str
        What tracebacks call it; another one for every cell.
    namespace : dict
        What the cell finds, and where it leaves what it defines.
    """
    source = python(source)
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    namespace.setdefault("__name__", "__main__")
    exec(compile(source, file, "exec"), namespace)
