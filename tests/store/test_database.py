from __future__ import annotations

import io
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, inspect, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateTable

import watchkeeper.store
from watchkeeper.store.database import REVISION, _log_ahead, open_database
from watchkeeper.store.tables import METADATA

SCRIPTS = Path(watchkeeper.store.__file__).with_name("migrations")


def _config(**options: object) -> Config:
    config = Config(**options)
    config.set_main_option("script_location", str(SCRIPTS))
    config.set_main_option("path_separator", "os")
    return config


def test_the_revision_the_code_knows_is_the_newest_step() -> None:
    assert ScriptDirectory.from_config(_config()).get_current_head() == REVISION


def test_the_steps_lead_to_the_tables_the_code_uses(tmp_path: Path) -> None:
    engine = open_database(f"sqlite:///{tmp_path / 'a.db'}")
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, METADATA) == []
    engine.dispose()


def test_opening_again_does_not_load_the_migration_tool(tmp_path: Path) -> None:
    import subprocess
    import sys

    code = (
        "import sys; from watchkeeper.store.database import open_database; "
        f"open_database('sqlite:///{tmp_path / 'a.db'}').dispose(); print('alembic' in sys.modules)"
    )
    said = [
        subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.strip()
        for _ in range(2)
    ]
    assert said == ["True", "False"]


def test_the_database_writes_ahead_and_waits_half_a_minute(tmp_path: Path) -> None:
    engine = open_database(f"sqlite:///{tmp_path / 'a.db'}")
    with engine.connect() as connection:
        assert connection.execute(text("PRAGMA journal_mode")).scalar() == "wal"
        assert connection.execute(text("PRAGMA busy_timeout")).scalar() == 30_000
    engine.dispose()


def test_the_steps_are_valid_for_postgresql_too() -> None:
    written = io.StringIO()
    config = _config(output_buffer=written)
    config.set_main_option("dialect", "postgresql")
    command.upgrade(config, "head", sql=True)
    script = written.getvalue()
    for table in METADATA.sorted_tables:
        assert f"CREATE TABLE {table.name} " in script
        assert "TIMESTAMP WITH TIME ZONE" in script
        CreateTable(table).compile(dialect=postgresql.dialect())


def test_steps_can_be_undone(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path / 'a.db'}")
    with engine.begin() as connection:
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        command.downgrade(config, "base")
        assert inspect(connection).get_table_names() == ["alembic_version"]
    engine.dispose()


@pytest.mark.parametrize("folder", ["per%cent", "a?b#c"])
def test_a_database_may_lie_in_a_folder_of_any_name(tmp_path: Path, folder: str) -> None:
    from sqlalchemy import URL

    (tmp_path / folder).mkdir()
    engine = open_database(URL.create("sqlite", database=str(tmp_path / folder / "a.db")))
    engine.dispose()
    assert (tmp_path / folder / "a.db").exists()


def _switch(path: Path, start: Barrier) -> str:
    start.wait()
    connection = sqlite3.connect(path, timeout=30, isolation_level=None)
    _log_ahead(connection)
    mode: str = connection.execute("PRAGMA journal_mode").fetchone()[0]
    connection.close()
    return mode


def test_many_may_open_a_new_database_at_once(tmp_path: Path) -> None:
    """Switching to write-ahead logging at once fails for some 1 in 150 without waiting, whatever the timeout."""
    with ThreadPoolExecutor(6) as threads:
        for number in range(120):
            start = Barrier(6)
            ends = [threads.submit(_switch, tmp_path / f"{number}.db", start) for _ in range(6)]
            assert {end.result() for end in ends} == {"wal"}
