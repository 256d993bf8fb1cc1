"""Public names keep to docs/glossary.md."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules, walk_packages

import pytest

import watchkeeper

ROOT = Path(__file__).resolve().parent.parent

FOLDERS = sorted(found.name for found in iter_modules(watchkeeper.__path__) if found.ispkg)


def replaced_words() -> dict[str, str]:
    """Word that is not used → the word to use."""
    page = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
    table = [line.strip("| \n").split(" | ") for line in page.splitlines() if line.startswith("| ")]
    return {old: row[0] for row in table[1:] for old in re.findall(r"`(\w+)`", row[2])}


def public_callables(folder: str) -> Iterator[tuple[str, object]]:
    """Every class, function and method that the ``__all__`` of a folder's modules makes public."""
    package = import_module(f"watchkeeper.{folder}")
    for found in walk_packages(package.__path__, f"{package.__name__}."):
        if ".migrations." in found.name:
            # Alembic runs these files in an environment of its own; they are not imported.
            continue
        module = import_module(found.name)
        for name in getattr(module, "__all__", ()):
            made = getattr(module, name)
            if inspect.isclass(made) and made.__module__ == module.__name__:
                yield f"{found.name}.{name}", made
                for method, function in vars(made).items():
                    if inspect.isfunction(function) and not method.startswith("_"):
                        yield f"{found.name}.{name}.{method}", function
            elif inspect.isfunction(made) and made.__module__ == module.__name__:
                yield f"{found.name}.{name}", made


def parameters(made: object) -> list[str]:
    try:
        return list(inspect.signature(made).parameters)
    except ValueError:
        return []


def test_the_glossary_and_the_public_names_are_found() -> None:
    assert replaced_words()["target"] == "label"
    assert "actual" in replaced_words()
    names = dict(public_callables("stats"))
    assert "watchkeeper.stats.summarise.summarise" in names
    assert "batches" in parameters(names["watchkeeper.stats.summarise.summarise"])


@pytest.mark.parametrize("folder", FOLDERS)
def test_public_parameters_use_the_words_of_the_glossary(folder: str) -> None:
    words = replaced_words()
    wrong = [
        f"{name}({parameter}): say {words[parameter]}"
        for name, made in public_callables(folder)
        for parameter in parameters(made)
        if parameter in words
    ]
    assert not wrong


@pytest.mark.parametrize("folder", FOLDERS)
def test_public_names_use_no_rooms_for_everything(folder: str) -> None:
    banned = re.compile(r"(Manager|Handler|Helper|Service|Factory)$|(^|\.)(utils|common|helpers|misc)(\.|$)")
    assert not [name for name, _ in public_callables(folder) if banned.search(name)]
