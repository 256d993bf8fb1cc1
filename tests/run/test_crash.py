"""A run that is killed at any point and started again ends where an undisturbed one does."""

from __future__ import annotations

import json
import random
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.lives import Lives
from watchkeeper.core.alert import Alert
from watchkeeper.core.store import Appended
from watchkeeper.run.project import Project, open_project
from watchkeeper.store.memory import MemoryStore

from . import crash_story, invented
from .crash_story import PARTS, bring, step
from .invented import MODEL, everything

KILLS = 50

_WRITES = 3
"""A process is killed at most so many writes on, so that every one gets somewhere."""


class Died(SystemExit):
    """Stands for SIGKILL where the process has to survive it: nothing in the project goes on after it."""


class Dying(MemoryStore):
    """A store whose process dies before, or right after, the write that uses up the allowance."""

    allowance, before = 10**9, False

    def _write(self, write: Callable[..., Any], *given: Any, **named: Any) -> Any:
        if self.allowance <= 0 and self.before:
            raise Died
        done = write(*given, **named)
        self.allowance -= 1
        if self.allowance <= 0 and not self.before:
            raise Died
        return done

    def append(self, *given: Any, **named: Any) -> Appended:
        return self._write(super().append, *given, **named)

    def put_states(self, *given: Any, **named: Any) -> None:
        self._write(super().put_states, *given, **named)

    def record(self, *given: Any, **named: Any) -> None:
        self._write(super().record, *given, **named)


def told(folder: Path) -> set[tuple[str, str, str]]:
    """Return what people were told, each once: a run that dies after telling tells again."""
    lines = (json.loads(line) for line in (folder / "alerts.jsonl").read_text().splitlines())
    return {(line["id"], line["state"], line["message"]) for line in lines}


def play(folder: Path, store: MemoryStore) -> Project:
    """Play the story undisturbed."""
    model = invented.watch(folder, store)
    for now, part in PARTS.items():
        bring(folder, part)
        step(model, now)
    return model


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, list[str]], set[tuple[str, str, str]]]:
    folder = tmp_path_factory.mktemp("undisturbed")
    return everything(play(folder, MemoryStore())), told(folder)


def test_the_story_has_all_that_a_crash_could_spoil(undisturbed: tuple[dict[str, list[str]], Any]) -> None:
    found, said = undisturbed
    actions = [(a["kind"], a["outcome"], a["version"]) for a in map(json.loads, found["Action"])]
    assert actions[:3] == [("register", "done", "v1"), ("promote", "done", "v1"), ("hold", "done", "")]
    assert {("retrain", "done", "v2"), ("promote", "done", "v2")} <= set(actions)
    assert "withdrawn" in {a["end"] for a in map(json.loads, found["Alert"])}
    assert {m.get("revision", 0) for m in map(json.loads, found["Measurement"])} == {0, 1}
    assert {state for _, state, _ in said} == {"firing", "ended"}


@pytest.mark.parametrize("before", [True, False])
def test_a_run_that_dies_at_every_write_ends_where_an_undisturbed_one_does(
    tmp_path: Path, undisturbed: tuple[dict[str, list[str]], set[tuple[str, str, str]]], before: bool
) -> None:
    store = Dying()
    store.before = before
    invented.watch(tmp_path)
    deaths = 0
    for now, part in PARTS.items():
        bring(tmp_path, part)
        for allowance in _allowances(store):
            store.allowance = allowance
            try:
                step(invented.project(tmp_path, store), now)
            except Died:
                deaths += 1
            else:
                break
    store.allowance = 10**9
    expected, said = undisturbed
    found = everything(invented.project(tmp_path, store))
    for kind in expected.keys() - {"notified"}:
        assert found[kind] == expected[kind], kind
    assert deaths > 50
    assert told(tmp_path) == said


def _allowances(store: Dying) -> Iterator[int]:
    """Return how many writes each process may make: one, and one more for as long as nothing has come of it."""
    allowance, last = 1, ""
    while allowance < 100:
        yield allowance
        now = _trace(store)
        allowance = allowance + 1 if now == last else 1
        last = now


def _trace(store: Dying) -> str:
    """Return what changes with every write that is not a repetition."""
    held = vars(store)
    sizes = [len(held["_states"]), *(len(nouns) for nouns in held["_nouns"].values())]
    return repr((sorted(held["_pointers"].items()), sizes, [len(pile.frames) for pile in held["_piles"].values()]))


@pytest.mark.soak
def test_a_run_killed_again_and_again_ends_where_an_undisturbed_one_does(
    tmp_path: Path,
    undisturbed: tuple[dict[str, list[str]], set[tuple[str, str, str]]],
    cases: Callable[[int, int], int],
) -> None:
    most, kills, stages = cases(KILLS, 10 * KILLS), 0, set[tuple[int, str]]()
    rng, expected, said = random.Random(20240304), *undisturbed
    while kills < most:
        folder = tmp_path / f"{kills}"
        kills += _killed_story(folder, rng, most - kills, stages)
        model = open_project(folder / "watchkeeper.yaml", {})
        found = everything(model)
        alerts = model.store.recorded(MODEL, Alert)
        model.close()
        for kind in expected.keys() - {"notified"}:
            assert sorted(found[kind]) == sorted(expected[kind]), kind
        assert told(folder) == said
        assert len(alerts) == len(expected["Alert"])
    assert len(stages) > kills / 2, "the run was not killed at different stages"


def _killed_story(folder: Path, rng: random.Random, most: int, stages: set[tuple[int, str]]) -> int:
    """Play the story with at most so many kills; return how many there were."""
    folder.mkdir()
    invented.write(folder)
    kills = 0
    with Lives(crash_story.__file__, folder) as lives:
        for number, (now, part) in enumerate(PARTS.items(), 1):
            bring(folder, part)
            ended, wanted = None, most * number // len(PARTS)
            while ended != 0:
                ended, writes = _life(lives, now, rng if kills < wanted else None)
                assert ended in (0, -9)
                if ended:
                    kills += 1
                    stages.add((writes, _stage(folder)))
                    invented.lapse(folder)
    return kills


def _life(lives: Lives, now: datetime, rng: random.Random | None) -> tuple[int | None, int]:
    """Start the run once, kill it after some writes or in the midst of one; return how it ended and its writes."""
    lives.begin(now.isoformat())
    writes, last = 0, rng.randint(1, _WRITES) if rng else None
    for line in lives.said():
        writes += line == "!"
        if rng and writes == last and line == "!":
            time.sleep(rng.uniform(0, 0.02))
            lives.kill()
    return lives.ended, writes


def _stage(folder: Path) -> str:
    """Return how much has been written."""
    with closing(sqlite3.connect(folder / "data/watchkeeper.db")) as database:
        tables = ("actions", "alerts", "signals", "pointers")
        sizes = [database.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables]
        pointers = database.execute("SELECT * FROM pointers ORDER BY 1, 2").fetchall()
    return repr((sizes, pointers, sum(1 for _ in folder.glob("data/**/_delta_log/*.json"))))
