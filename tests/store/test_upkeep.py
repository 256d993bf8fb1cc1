"""Tables are compacted and vacuumed beside a run that writes, in SQLite and in PostgreSQL."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.lives import Lives
from tests.store import crash_run
from tests.store.postgres import programs
from watchkeeper.store.lake import LakeStore

BEFORE, STEPS = 3, 7
HOUR = 3_600_000

_MISSING = pytest.mark.skipif(programs() is None, reason="PostgreSQL is not installed")


@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgresql", marks=_MISSING)])
def test_upkeep_beside_a_run_takes_old_files_away_and_no_row(
    kind: str, opened: Callable[..., LakeStore], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    undisturbed = opened("undisturbed")
    crash_run.run(undisturbed, STEPS)
    database = [request.getfixturevalue("database")] if kind == "postgresql" else []
    store = opened("beside", sql_url=next(iter(database), None))
    crash_run.run(store, BEFORE)
    old = age(tmp_path / "beside/log/m/states")
    assert old
    upkeep, rounds, gone = store.upkeep("m"), 0, set[str]()
    with Lives(crash_run.__file__, tmp_path / "beside", STEPS, *database) as lives:
        lives.begin()
        while lives.alive:
            removed = dict(upkeep.vacuum(1, dry_run=False))
            gone |= {Path(file).name for file in removed["states"]}
            list(upkeep.compact())
            upkeep.vacuum_database()
            rounds += 1
        assert lives.end() == 0, "the run failed"
    assert rounds > 1
    assert gone == old, "what two hours ago was no longer needed goes, and nothing else"
    assert list(upkeep.faults()) == []
    found, expected = map(crash_run.everything, (opened("beside", sql_url=next(iter(database), None)), undisturbed))
    # The cursor counts the versions of the tables, of which upkeep makes some.
    assert {**found, "cursor": ""} == {**expected, "cursor": ""}


def age(table: Path) -> set[str]:
    """Let all files that were replaced so far have been replaced two hours ago; return their names."""
    names = set()
    for log in (table / "_delta_log").glob("*.json"):
        actions = [json.loads(line) for line in log.read_text().splitlines()]
        for action in actions:
            if "remove" in action:
                action["remove"]["deletionTimestamp"] -= 2 * HOUR
                names.add(Path(action["remove"]["path"]).name)
        log.write_text("".join(f"{json.dumps(action)}\n" for action in actions))
    return names
