"""Packages that are loaded once something of them is asked for."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

import pytest

from watchkeeper.cli.lazily import import_when_used


@pytest.fixture
def slow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a package that cannot hide that it was loaded."""
    package = tmp_path / "slow"
    package.mkdir()
    counts = f"import pathlib\npath = pathlib.Path({str(tmp_path / 'loaded')!r})"
    loads = 'path.write_text((path.read_text() if path.exists() else "") + "x")'
    (package / "__init__.py").write_text(f"{counts}\n{loads}\nfrom slow import below\nNUMBER = below.NUMBER + 1\n")
    (package / "below.py").write_text("import slow\nNUMBER = 6\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    for name in ("slow", "slow.below"):
        monkeypatch.delitem(sys.modules, name, raising=False)
        monkeypatch.setitem(sys.modules, name, None)
        del sys.modules[name]
    return tmp_path


def test_a_package_loads_once_when_something_of_it_is_asked_for(slow: Path) -> None:
    import_when_used("slow")
    one, other = import_module("slow"), import_module("slow")
    assert one is other is sys.modules["slow"]
    assert not (slow / "loaded").exists()
    assert (one.NUMBER, other.NUMBER, one.__name__) == (7, 7, "slow")
    assert (slow / "loaded").read_text() == "x"
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = one.nothing


def test_a_module_below_it_finds_it_loaded(slow: Path) -> None:
    import_when_used("slow")
    assert import_module("slow.below").NUMBER == 6
    assert (slow / "loaded").read_text() == "x"
    assert sys.modules["slow"].NUMBER == 7


def test_a_package_that_is_loaded_or_missing_is_left_alone(slow: Path) -> None:
    loaded = import_module("slow")
    import_when_used("slow")
    assert import_module("slow") is loaded
    import_when_used("there_is_no_such_package")
    assert "there_is_no_such_package" not in sys.modules
