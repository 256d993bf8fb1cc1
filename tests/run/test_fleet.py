"""Several models at once give what one after the other gives; one that is killed costs itself."""

from __future__ import annotations

import json
import subprocess
import sys
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

from watchkeeper.core.alert import Alert
from watchkeeper.core.errors import InternalError, UsageError
from watchkeeper.core.query import Query
from watchkeeper.core.signal import Signal
from watchkeeper.run.fleet import ModelRuns, in_shard
from watchkeeper.run.project import RunReport, open_project

from .test_isolation import DAY, MODEL, START, rows

NAMES = ["a", "b", "c", "d"]
UNTIL = START + 4 * DAY
KILLER = """\
import os
import signal


def embed(texts):
    if texts:
        os.kill(os.getpid(), signal.SIGKILL)
"""


def fleet(folder: Path, killed: str = "") -> Path:
    """Write a project of several models, of which one may have a module that kills its process."""
    folder.mkdir(exist_ok=True)
    text = "store: {url: data}\nmodels:\n"
    for number, name in enumerate(NAMES):
        more, embed = (", note", ", embed: {note: killer:embed}") if name == killed else ("", "")
        text += MODEL.format(name=name, more=more, embed=embed)
        (folder / name).mkdir()
        for day in range(3):
            rows(10 * number + day).with_columns(at=rows(day)["at"]).write_parquet(folder / name / f"{day}.parquet")
    rows(-30, 600, 30).write_parquet(folder / "reference.parquet")
    (folder / "killer.py").write_text(KILLER, encoding="utf-8")
    (folder / "watchkeeper.yaml").write_text(text, encoding="utf-8")
    return folder / "watchkeeper.yaml"


def recorded(config: Path) -> dict[str, list[Any]]:
    """Return what each model's store holds."""
    project = open_project(config, {})
    found = {}
    for name in NAMES:
        signals = project.store.recorded(name, Signal, Query())
        found[name] = [project.store.recorded(name, Alert, Query()), sorted(map(repr, signals))]
    project.close()
    return found


def test_models_at_once_give_what_they_give_one_after_the_other(tmp_path: Path) -> None:
    one, many = fleet(tmp_path / "one"), fleet(tmp_path / "many")
    alone = open_project(one, {})
    for name in NAMES:
        alone.run(name, UNTIL, stepwise=True)
    alone.close()
    results = dict(ModelRuns(many, 2, UNTIL)(NAMES))
    assert sorted(results) == NAMES
    assert [len(result.ran.judged) for result in results.values() if isinstance(result, RunReport)] == [3] * 4
    assert recorded(many) == recorded(one)
    assert all(signals for _, signals in recorded(many).values())


def test_a_model_whose_process_is_killed_costs_itself(tmp_path: Path) -> None:
    results = dict(ModelRuns(fleet(tmp_path, "b"), 2, UNTIL)(NAMES))
    assert sorted(results) == NAMES
    assert isinstance(results["b"], InternalError)
    assert "the process that ran b was killed by signal 9" in str(results["b"])
    assert [name for name in NAMES if isinstance(results[name], RunReport)] == ["a", "c", "d"]


@pytest.mark.parametrize("n", [1, 2, 3, 7])
def test_each_model_falls_to_one_shard_and_stays_there_when_others_come(n: int) -> None:
    names = [f"model-{i}" for i in range(200)]
    shards = [in_shard(names, f"{i}/{n}") for i in range(1, n + 1)]
    assert sorted(chain(*shards)) == sorted(names)
    assert all(len(shard) > 100 / n for shard in shards)
    assert in_shard(names[:100], f"1/{n}") == [name for name in shards[0] if name in names[:100]]


@pytest.mark.parametrize("shard", ["", "3", "0/2", "3/2", "a/b", "1/", "-1/2", "1/2/3"])
def test_what_is_no_shard_is_refused(shard: str) -> None:
    with pytest.raises(UsageError, match=r"write i/n with 1 ≤ i ≤ n"):
        in_shard(NAMES, shard)


def test_the_command_runs_its_shard_with_several_workers(tmp_path: Path) -> None:
    config = fleet(tmp_path)
    program = str(Path(sys.executable).with_name("watchkeeper"))
    command = [program, "run", "--until", f"{UNTIL:%Y-%m-%d}", "--workers", "2", "--json", "--shard"]
    seen = []
    for shard in ("1/2", "2/2"):
        done = subprocess.run([*command, shard], cwd=config.parent, capture_output=True, text=True, check=True)
        seen.append(list(json.loads(done.stdout)["models"]))
        assert seen[-1] == in_shard(NAMES, shard)
    assert sorted(chain(*seen)) == NAMES
