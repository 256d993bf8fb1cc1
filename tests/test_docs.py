"""The docs: examples run, links lead somewhere, and lists in prose are the lists in the code."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from docs.write_reference import render, schemas

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted(
    path
    for path in [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "changelog.d").glob("*.md"),
                 *(ROOT / "bench").glob("*.md"), *(ROOT / "examples").glob("**/*.md")]
)  # fmt: skip
FENCE = re.compile(r"^(`{3,})(\w*)[^\n]*\n(.*?)^\1\s*$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def blocks(path: Path, language: str) -> list[tuple[int, str]]:
    """Line number and text of the fenced blocks in one language."""
    text = path.read_text(encoding="utf-8")
    return [(text.count("\n", 0, m.start(3)), m[3]) for m in FENCE.finditer(text) if m[2] == language]


def anchors(path: Path) -> set[str]:
    """The fragments that headings of a page can be reached by."""
    prose = FENCE.sub("", path.read_text(encoding="utf-8"))
    headings = re.findall(r"^#+ (.*)$", prose, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", [p for p in PAGES if blocks(p, "python")], ids=name_of)
def test_every_python_example_runs(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {"__name__": "__example__"}
    for line, text in blocks(path, "python"):
        exec(compile("\n" * line + text, str(path), "exec"), names)


def test_every_example_is_of_the_kind_that_is_run() -> None:
    consoles = {name_of(path) for path in PAGES if blocks(path, "pycon") or ">>> " in path.read_text(encoding="utf-8")}
    assert consoles <= {"docs/reference.md"}, "write examples as python blocks; those of docs/reference.md are doctests"


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_every_link_inside_the_project_leads_somewhere(path: Path) -> None:
    lost = []
    for target in LINK.findall(FENCE.sub("", path.read_text(encoding="utf-8"))):
        if re.match(r"[a-z]+:", target):
            continue
        file, _, fragment = target.partition("#")
        place = (path.parent / file).resolve() if file else path
        if not place.exists() or (fragment and fragment not in anchors(place)):
            lost.append(target)
    assert not lost


def test_every_page_of_the_docs_is_in_the_index() -> None:
    listed = {t.partition("#")[0] for t in LINK.findall((ROOT / "docs" / "index.md").read_text(encoding="utf-8"))}
    assert {path.name for path in (ROOT / "docs").glob("*.md")} - {"index.md"} <= listed


def test_the_reference_is_what_the_registry_says() -> None:
    written = (ROOT / "docs" / "reference.md").read_text(encoding="utf-8")
    assert written == render(), "docs/reference.md is out of date: run `make docs`"


def test_the_schemas_are_what_the_code_generates() -> None:
    docs = ROOT / "docs"
    kept = {f"schemas/{path.name}" for path in (docs / "schemas").iterdir()} | {"watchkeeper.schema.json"}
    stale = [path for path, text in schemas().items() if path not in kept or (docs / path).read_text("utf-8") != text]
    assert (stale, kept - set(schemas())) == ([], set()), "schemas under docs/ are out of date: run `make docs`"


def test_the_page_on_results_links_the_schema_of_every_command() -> None:
    listed = set(LINK.findall((ROOT / "docs" / "json.md").read_text(encoding="utf-8")))
    assert {path for path in schemas() if path.startswith("schemas/")} <= listed


def test_every_dependency_is_explained_and_every_explained_one_is_a_dependency() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    declared = {("", Requirement(line).name) for line in project["project"]["dependencies"]}
    for groups in (project["project"]["optional-dependencies"], project["dependency-groups"]):
        declared |= {(group, Requirement(line).name) for group, lines in groups.items() for line in lines}
    page = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
    plain = {("", name) for name in re.findall(r"^\| `([^`]+)` \| [^`|]", page, re.MULTILINE)}
    grouped = set(re.findall(r"^\| `([^`]+)` \| `([^`]+)` \|", page, re.MULTILINE))
    assert plain | grouped == declared


def test_every_requirement_has_a_lower_bound_and_no_upper_one_without_a_reason() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    lines = [*project["project"]["dependencies"]]
    for groups in (project["project"]["optional-dependencies"], project["dependency-groups"]):
        lines += [line for members in groups.values() for line in members]
    bounded = {line for line in lines if {s.operator for s in Requirement(line).specifier} != {">="}}
    assert bounded == {"protobuf>=6.31.1,<7"}
    page = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
    assert "below 7, with which `skl2onnx` breaks" in page


def test_every_changelog_fragment_has_a_valid_name_and_a_text() -> None:
    kinds = "added|changed|fixed|removed"
    fragments = [path for path in (ROOT / "changelog.d").glob("*.md") if path.name != "README.md"]
    assert not [path.name for path in fragments if not re.fullmatch(rf"[a-z0-9-]+\.({kinds})\.md", path.name)]
    assert not [path.name for path in fragments if not path.read_text(encoding="utf-8").strip()]
