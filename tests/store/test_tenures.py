"""Who served when: dated by the deed, also in a database that an earlier version has written."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

from watchkeeper.core.action import Action, ActionKind, Outcome
from watchkeeper.core.provenance import Tenure, VersionRole, reigns, served_at
from watchkeeper.store.ledger import Ledger

START = datetime(2013, 3, 4, tzinfo=UTC)


def moved(version: str, days: int) -> Action:
    at = START + timedelta(days=days)
    return Action(f"{version} {days}", "m", ActionKind.PROMOTE, Outcome.DONE, "", "me", at, version)


def test_a_database_that_knew_only_its_own_clock_is_dated_by_its_deeds(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'a.db'}"
    ledger = Ledger(url)
    ledger.record("m", [moved("v1", 0)], {"champion": (None, "v1")})
    ledger.record("m", [moved("v2", 9)], {"champion": ("v1", "v2"), "previous": (None, "v1")})
    ledger.record("other", [], {"champion": (None, "v7")})
    ledger.close()
    with sqlite3.connect(tmp_path / "a.db") as connection:
        for number in range(3):
            clock = f"2026-01-0{number + 1} 00:00:00.000000"
            version = ("v1", "v2", "v7")[number]
            connection.execute("UPDATE tenures SET since = ? WHERE version = ? AND role = 'champion'", (clock, version))
        connection.execute("UPDATE tenures SET since = '2026-01-02 00:00:00.000000' WHERE role = 'previous'")
        connection.execute("DROP TABLE deliveries")
        connection.execute("UPDATE alembic_version SET version_num = '0007'")
    connection.close()
    again = Ledger(url)
    found = [(one.role.value, one.version, one.since) for one in _history(again, "m")]
    assert found == [
        ("champion", "v1", START),
        ("champion", "v2", START + timedelta(days=9)),
        ("previous", "v1", START + timedelta(days=9)),
    ]
    # Nothing says what began this one.
    assert [one.since.year for one in _history(again, "other")] == [2026]
    again.close()


def _history(ledger: Ledger, model: str) -> list[Tenure]:
    from watchkeeper.core.query import Query

    return ledger.recorded(model, Tenure, Query())


def test_of_deeds_at_one_moment_the_last_one_counts() -> None:
    history = [Tenure(VersionRole.CHAMPION, name, START + timedelta(days=days)) for name, days in
               (("v1", 0), ("v2", 5), ("v1", 5), ("v3", 9))]  # fmt: skip
    assert [one.version for one in reigns(history)] == ["v1", "v1", "v3"]
    assert served_at(history, START - timedelta(days=1)) == ""
    assert served_at(history, START + timedelta(days=6)) == "v1"
