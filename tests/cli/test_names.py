"""Column names that somebody chose to do harm: on the terminal, in messages, in JSON and on the page."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
import yaml

from .conftest import Command, parsed

HOSTILE = {
    "markup of a page": "<img src=x onerror=alert(1)>",
    "markup of the terminal": "[bold red]x[/]",
    "colours": "\x1b[31mred\x1b[0m",
    "title of the window": "\x1b]0;owned\x07",
    "line break": "one\ntwo",
    "other direction": "\u202egnp.exe",
    "ten thousand characters": "x" * 10_000,
    "no name": "",
    "blanks": "  ",
    "quotes": "'\"",
    "template": "{{ 7 * 7 }}",
    "path": "../../etc/passwd",
    "separator": "a\x1fb",
    "accents and signs": "größe 漢字 😀",
    "comma": "a,b",
    "segment": "plan=pro",
    "word for everything": "all",
}


@pytest.fixture
def named(tmp_path: Path) -> tuple[Path, Path]:
    paths = tmp_path / "now.parquet", tmp_path / "then.parquet"
    for shift, path in zip((1.0, 0.0), paths, strict=True):
        rng = np.random.default_rng(int(shift))
        pl.DataFrame({name: rng.normal(shift, 1, 1_500) for name in HOSTILE.values()}).write_parquet(path)
    return paths


def is_calm(text: str) -> bool:
    """Whether a terminal would show the text and do nothing else."""
    return all(c.isprintable() or c == "\n" for c in text) and "\u202e" not in text


def test_names_are_shown_and_never_obeyed(watchkeeper: Command, named: tuple[Path, Path], tmp_path: Path) -> None:
    done = watchkeeper("check", named[0], "-r", named[1], "--html", "page.html")
    assert done.returncode == 1
    assert is_calm(done.stdout)
    assert max(map(len, done.stdout.splitlines())) <= 80
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "<img src=x" not in page
    assert "\x1b" not in page
    assert len(page) < 2_000_000


def test_json_holds_every_name_as_it_is(watchkeeper: Command, named: tuple[Path, Path]) -> None:
    found = parsed(watchkeeper("check", named[0], "-r", named[1], "--json"))
    watched = {name for name in HOSTILE.values() if name.strip()}
    assert {m["column"] for m in found["measurements"] if m.get("comparison") == "ks"} == watched
    assert set(found["alerts"][0]["columns"]) == watched


@pytest.mark.parametrize("option", ["--label", "--feature", "--ignore", "--segment"])
def test_a_message_about_names_stays_on_a_few_lines(
    watchkeeper: Command, named: tuple[Path, Path], option: str
) -> None:
    done = watchkeeper("check", named[0], "-r", named[1], option, "\x1b[31mrde")
    assert done.returncode == 2
    assert is_calm(done.stderr)
    assert "did you mean" in done.stderr
    assert done.stderr.count("\n") == 1
    assert len(done.stderr) < 1_000


@pytest.mark.parametrize("how", [how for how in HOSTILE if HOSTILE[how].strip()])
def test_every_name_may_be_chosen(watchkeeper: Command, named: tuple[Path, Path], how: str) -> None:
    done = watchkeeper("check", named[0], "-r", named[1], "--feature", HOSTILE[how], "--json")
    assert done.returncode == 1, done.stderr
    assert parsed(done)["alerts"][0]["columns"] == [HOSTILE[how]]


@pytest.mark.parametrize("how", ["no name", "blanks"])
def test_a_column_without_a_name_is_left_alone_and_cannot_be_chosen(
    watchkeeper: Command, named: tuple[Path, Path], how: str
) -> None:
    done = watchkeeper("check", named[0], "-r", named[1], "--feature", HOSTILE[how])
    assert done.returncode == 2
    assert "a column without a name cannot be the feature" in done.stderr


@pytest.mark.parametrize("name", ["@outcome", "@rows", "__watchkeeper_x"])
def test_a_name_kept_for_internal_use_is_refused(watchkeeper: Command, tmp_path: Path, name: str) -> None:
    pl.DataFrame({name: range(100), "x": range(100)}).write_parquet(tmp_path / "t.parquet")
    done = watchkeeper("check", "t.parquet", "-r", "t.parquet")
    assert done.returncode == 2
    assert name in done.stderr
    assert "rename it" in done.stderr


def test_init_writes_names_that_read_back_and_shows_them_calmly(watchkeeper: Command, named: tuple[Path, Path]) -> None:
    done = watchkeeper("init", named[1])
    assert done.returncode == 0, done.stderr
    assert is_calm(done.stdout)
    shown = watchkeeper("config", "show", "--json")
    values = {v["path"]: yaml.safe_load(v["value"]) for v in parsed(shown)["values"]}
    assert values["models.model.columns.features"] == [name for name in HOSTILE.values() if name.strip()]
