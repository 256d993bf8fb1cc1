"""Three ways to run the command line: in this process, which is quick, in a fork, and as the installed command."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import warnings
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from datetime import UTC, datetime, timedelta
from pathlib import Path
from shutil import copytree
from typing import Any

import numpy as np
import polars as pl
import pytest

from tests.forked import run_forked
from watchkeeper.cli.app import main
from watchkeeper.run.project import open_project

Run = subprocess.CompletedProcess[str]
Command = Callable[..., Run]

STARTS = "import sys; sys.argv[0] = 'watchkeeper'; from watchkeeper.cli.app import main; main()"
SCRIPT = str(Path(sys.executable).with_name("watchkeeper"))


@pytest.fixture
def process(tmp_path: Path) -> Command:
    """Run the entry point as a process of its own in an empty folder, forked from one where the imports are done."""

    def run(*words: object, folder: Path = tmp_path, **environ: str) -> Run:
        done = run_forked("-c", STARTS, *map(str, words), folder=folder, environ=environment(**environ))
        assert "Traceback" not in done.stderr, done.stderr
        return done

    return run


@pytest.fixture
def installed(tmp_path: Path) -> Command:
    """Run the installed command, which an interpreter of its own starts, in an empty folder."""

    def run(*words: object, folder: Path = tmp_path, **environ: str) -> Run:
        command, variables = [SCRIPT, *map(str, words)], environment(**environ)
        done = subprocess.run(
            command, cwd=folder, env=variables, capture_output=True, encoding="utf-8", errors="backslashreplace",
            check=False,
        )  # fmt: skip
        assert "Traceback" not in done.stderr, done.stderr
        return done

    return run


@pytest.fixture
def watchkeeper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Run the same entry point in this process: the same words, output and exit code in a tenth of the time."""
    monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)

    def run(*words: object, folder: Path = tmp_path) -> Run:
        out, err, code = io.StringIO(), io.StringIO(), 0
        monkeypatch.chdir(folder)
        monkeypatch.setattr(sys, "argv", ["watchkeeper", *map(str, words)])
        with redirect_stdout(out), redirect_stderr(err):
            try:
                main()
            except SystemExit as stop:
                code = stop.code if isinstance(stop.code, int) else 1
        assert "Traceback" not in err.getvalue(), err.getvalue()
        return subprocess.CompletedProcess(list(map(str, words)), code, out.getvalue(), err.getvalue())

    return run


def environment(**changes: str) -> dict[str, str]:
    """Return a small environment, so that tests do not depend on who runs them."""
    return {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "LANG": "C.UTF-8", **changes}


START = datetime(2024, 1, 1, tzinfo=UTC)
FAULTY = """\
models:
  churn:
    source: in/*.parquet
    reference: then.parquet
    columns: {id: id, time: at, score: score, prediction: prediction, label: label}
    monitors: {only: [{measure: null_rate, chart: tolerance, cause: data_fault, options: {always: 0.03}}]}
"""


def write_faulty(folder: Path) -> Path:
    """Write a model whose score is lost in half of the rows of the last days."""
    (folder / "in").mkdir()
    times = [START + timedelta(minutes=20 * i) for i in range(2_000)]
    before = table(2_000, 1).with_columns(at=pl.Series(times))
    now = table(600, 2).with_columns(
        at=pl.Series(times[-1:] * 600) + pl.Series([timedelta(minutes=5 * i) for i in range(600)])
    )
    broken = now.with_columns(score=pl.when(pl.int_range(pl.len()) % 2 == 0).then(None).otherwise("score"))
    before.write_parquet(folder / "then.parquet")
    broken.drop("label").write_parquet(folder / "in" / "a.parquet")
    (folder / "watchkeeper.yaml").write_text(FAULTY, encoding="utf-8")
    return folder


def table(n: int, seed: int, shift: float = 0.0) -> pl.DataFrame:
    """Return a log of a classifier; ``shift`` moves the logarithm of the amount by as many halves of its deviation."""
    rng = np.random.default_rng(seed)
    score = rng.beta(2, 3, n)
    return pl.DataFrame(
        {
            "id": [f"r{seed}-{i}" for i in range(n)],
            "amount": rng.lognormal(3 + shift, 0.5, n),
            "age": rng.integers(18, 80, n),
            "plan": rng.choice(["basic", "plus", "pro"], n, p=[0.5, 0.3, 0.2]),
            "score": score,
            "prediction": (score > 0.5).astype(int),
            "label": (rng.random(n) < score).astype(int),
        }
    )


@pytest.fixture
def faulty(tmp_path: Path) -> Path:
    """Return the folder of a model whose score is lost in half of the rows of the last days; nothing has run yet."""
    return write_faulty(tmp_path)


@pytest.fixture(scope="session")
def judged_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return such a folder after a run; it is there for all, to be read and left as it is."""
    folder = write_faulty(tmp_path_factory.mktemp("judged"))
    project = open_project(folder / "watchkeeper.yaml", {})
    project.run("churn", datetime.now(UTC))
    project.close()
    return folder


@pytest.fixture
def judged(judged_once: Path, tmp_path: Path) -> Path:
    """Return a copy of the folder after its run."""
    return copytree(judged_once, tmp_path / "judged")


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    """Return the paths of current rows and of reference rows from the same distribution."""
    current, reference = tmp_path / "now.parquet", tmp_path / "then.parquet"
    table(3_000, 1).write_parquet(current)
    table(6_000, 2).write_parquet(reference)
    return current, reference


def parsed(done: Run) -> dict[str, Any]:
    """Return the JSON of standard output: one object with the version of its schema."""
    found: dict[str, Any] = json.loads(done.stdout)
    assert found["schema_version"] == 1
    return found
