"""The widgets' bundle, which is committed, is what its sources give."""

from __future__ import annotations

import gzip
import subprocess
import sys
from pathlib import Path

import pytest

WIDGETS = Path(__file__).resolve().parents[1] / "optimlab" / "widgets"
NODE = Path(sys.executable).parent / "node"


@pytest.fixture(scope="module")
def fresh(tmp_path_factory) -> Path:
    """Bundle the sources as they are now."""
    folder = tmp_path_factory.mktemp("bundle")
    subprocess.run(
        [NODE, "build.mjs", folder], cwd=WIDGETS / "js", check=True, capture_output=True, text=True
    )
    return folder


@pytest.mark.parametrize("name", ["optimlab.js", "optimlab.css"])
def test_the_committed_bundle_is_built_from_the_sources_beside_it(fresh, name):
    same = (WIDGETS / name).read_bytes() == (fresh / name).read_bytes()
    assert same, f"optimlab/widgets/{name} is stale: run `make bundle` and commit it"


def test_the_bundle_is_small_and_asks_nobody_for_anything():
    code = (WIDGETS / "optimlab.js").read_text()
    style = (WIDGETS / "optimlab.css").read_text()
    assert len(gzip.compress(code.encode())) + len(gzip.compress(style.encode())) < 100_000
    # Namespaces are names, not addresses that are fetched.
    allowed = {
        "http://www.w3.org/2000/svg",
        "http://www.w3.org/1998/Math/MathML",
        "http://www.w3.org/1999/xhtml",
    }
    allowed |= {
        "http://www.w3.org/1999/xlink",
        "http://www.w3.org/XML/1998/namespace",
        "http://www.w3.org/2000/xmlns/",
    }
    found = {"http" + part.split('"')[0].split("'")[0].split("`")[0] for part in code.split("http")[1:]}
    assert {address for address in found if "://" in address} <= allowed
    assert "fetch(" not in code
    assert "url(" not in style
