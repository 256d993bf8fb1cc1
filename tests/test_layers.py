"""The import graph: layers, no cycles, and proof that an import inside a function is seen."""

from __future__ import annotations

import re
import sys
import tomllib
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph("watchkeeper", exclude_type_checking_imports=True, cache_dir=None)


def order(graph: grimp.ImportGraph) -> list[str]:
    """Modules, imported ones first; CycleError when there is no such order."""
    return list(
        TopologicalSorter({m: graph.find_modules_directly_imported_by(m) for m in graph.modules}).static_order()
    )


def contract(name: str) -> dict[str, list[str]]:
    rules = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    return next(rule for rule in rules if rule["id"] == name)


def rows() -> list[tuple[str, ...]]:
    """Layers from the top down; each the folders that may not see one another."""
    return [tuple(name.strip(" ()") for name in line.split("|")) for line in contract("layers")["layers"]]


def test_no_module_imports_itself_through_others(graph: grimp.ImportGraph) -> None:
    assert len(order(graph)) > 50


def test_no_folder_imports_one_above_or_beside_it(graph: grimp.ImportGraph) -> None:
    layers = [
        grimp.Layer(*present, independent=True)
        for row in rows()
        if (present := [name for name in row if f"watchkeeper.{name}" in graph.modules])
    ]
    found = graph.find_illegal_dependencies_for_layers(layers, containers={"watchkeeper"})
    assert not found, "\n".join(f"{d.importer} -> {d.imported}" for d in found)


def test_every_folder_has_a_layer(graph: grimp.ImportGraph) -> None:
    placed = {name for row in rows() for name in row} | {"integrations", "testing"}
    assert {child.rsplit(".", 1)[1] for child in graph.find_children("watchkeeper")} <= placed


def test_the_layers_in_the_docs_are_the_enforced_ones() -> None:
    block = re.search(r"```text\n(cli\n.*?core)\n```", (ROOT / "docs" / "architecture.md").read_text(), re.DOTALL)
    assert block, "docs/architecture.md shows the layers in a block that starts with cli and ends with core"
    assert [tuple(name.strip() for name in line.split("|")) for line in block[1].splitlines()] == rows()


def test_nobody_imports_the_conformance_suites_or_an_integration(graph: grimp.ImportGraph) -> None:
    for outside in ("watchkeeper.testing", "watchkeeper.integrations"):
        if outside not in graph.modules:
            continue
        inside = {outside, *graph.find_descendants(outside)}
        importers = {i for m in inside for i in graph.find_modules_that_directly_import(m)} - inside
        assert not importers, f"{outside} is imported by {sorted(importers)}"


def test_an_import_inside_a_function_counts_and_closes_a_cycle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "planted_cycle"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "low.py").write_text("def f():\n    from planted_cycle import high\n    return high\n")
    (package / "high.py").write_text("import planted_cycle.low\n")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    planted = grimp.build_graph("planted_cycle", exclude_type_checking_imports=True, cache_dir=None)
    with pytest.raises(CycleError):
        order(planted)
