"""Results kept between processes: computed once, never past the code that made them."""

from __future__ import annotations

import pytest

from optimlab import _memory
from optimlab._memory import remembered


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("OPTIMLAB_MEMORY", str(tmp_path))
    return tmp_path


def counter():
    calls = []

    def compute():
        calls.append(1)
        return {"calls": len(calls)}

    return compute


def test_an_equal_name_is_computed_once(folder):
    compute = counter()
    assert remembered("a", compute) == remembered("a", compute) == {"calls": 1}
    assert remembered("b", compute) == {"calls": 2}


def test_nothing_is_kept_where_no_folder_is_named(monkeypatch):
    monkeypatch.delenv("OPTIMLAB_MEMORY", raising=False)
    compute = counter()
    assert [remembered("a", compute)["calls"] for _ in range(2)] == [1, 2]


def test_a_change_of_the_package_makes_everything_new(folder, monkeypatch, tmp_path_factory):
    package = tmp_path_factory.mktemp("package")
    monkeypatch.setattr(_memory, "PACKAGE", package)
    found = []
    compute = counter()
    for text in ("a = 1", "a = 2", "a = 1"):
        (package / "rules.py").write_text(text)
        _memory._code.cache_clear()
        found.append(remembered("a", compute)["calls"])
    _memory._code.cache_clear()
    assert found == [1, 2, 1]


def test_what_fails_and_what_is_damaged_is_computed_again(folder):
    def fail():
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        remembered("a", fail)
    compute = counter()
    assert remembered("a", compute) == {"calls": 1}
    (file,) = folder.iterdir()
    file.write_bytes(file.read_bytes()[:5])
    assert remembered("a", compute) == {"calls": 2}
