"""The command ``prove``, and the lines that ``init`` ends with."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from .conftest import Command, parsed, table

START = datetime(2024, 1, 1, tzinfo=UTC)


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    """Return the path of 40 days of rows, 60 a day."""
    times = pl.Series("at", [START + timedelta(minutes=24 * n) for n in range(40 * 60)])
    path = tmp_path / "then.parquet"
    table(40 * 60, 5).with_columns(times).write_parquet(path)
    return path


ROLES = ("--time", "at", "--id", "id", "--label", "label", "--score", "score")
ASKED = (*ROLES, "--seeds", "1", "--within", "3", "--column", "amount")


def test_a_proof_is_told_as_text_as_a_page_and_as_json(watchkeeper: Command, rows: Path) -> None:
    done = watchkeeper("prove", rows, *ASKED, "--fault", "nulls@1", "--fault", "shift@0.2", "--html", "p.html")
    assert done.returncode == 0, done.stderr
    assert "100 % nulls" in done.stdout
    assert "1 of 1" in done.stdout
    assert "0 false alarms in 12 windows" in done.stdout
    page = (rows.parent / "p.html").read_text("utf-8")
    assert "100 % nulls" in page
    assert "what this set-up sees" in page
    assert "<script>" in page
    shown = parsed(watchkeeper("prove", rows, *ASKED, "--fault", "nulls@1", "--json"))["models"]["table"]
    assert shown["faults"]["nulls@1"]["share"] == 1.0
    assert shown["trials"][0]["outcome"] == "found"


@pytest.mark.parametrize(("required", "code"), [("nulls@1=1", 0), ("shift=.5", 1)])
def test_what_is_required_decides_the_exit_code(watchkeeper: Command, rows: Path, required: str, code: int) -> None:
    done = watchkeeper("prove", rows, *ASKED, "--fault", "nulls@1", "--fault", "shift@0.2", "--require", required)
    assert done.returncode == code, (done.stdout, done.stderr)
    assert ("✓" if code == 0 else "✗") in done.stdout


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--require", "nuls=.9"), "did you mean 'nulls'"),
        (("--require", "nulls=2"), "the share lies between 0 and 1"),
        (("--fault", "nuls"), "there is no fault 'nuls'; did you mean 'nulls'"),
        (("--every", "soon"), "duration 'soon' is not understood"),
    ],
)
def test_what_is_asked_wrongly_is_told(watchkeeper: Command, rows: Path, words: tuple[str, ...], told: str) -> None:
    done = watchkeeper("prove", rows, *ROLES, *words)
    assert done.returncode == 2
    assert told in done.stderr


def test_too_few_windows_end_with_4(watchkeeper: Command, rows: Path) -> None:
    done = watchkeeper("prove", rows, *ROLES, "--every", "1w")
    assert done.returncode == 4
    assert "windows can be replayed, and 9 are needed" in " ".join(done.stdout.split())


def test_init_says_in_three_lines_what_the_set_up_sees(watchkeeper: Command, rows: Path) -> None:
    done = watchkeeper("init", rows, *ROLES)
    assert done.returncode == 0
    told = [line for line in done.stderr.splitlines() if "this set-up sees" in line or "it does not see" in line]
    assert "100 % nulls" in told[0]
    assert len(told) == 2
    assert "without faults: 0 false alarms in 12 windows" in done.stderr
    assert not (rows.parent / "watchkeeper-data").exists()
    quiet = watchkeeper("init", rows, *ROLES, "--force", "--no-prove")
    assert "this set-up" not in quiet.stderr
