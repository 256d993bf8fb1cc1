"""Opening the database and bringing its tables up to date."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path
from time import sleep
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, inspect, make_url, text
from sqlalchemy.exc import ArgumentError, IntegrityError, ProgrammingError

from watchkeeper.core.errors import StoreError
from watchkeeper.store.faults import reported

__all__ = ["REVISION", "WAIT", "migrate", "open_database", "place_of", "stored_revision"]

REVISION = "0009"
"""The newest step in ``migrations/versions``."""

WAIT = 30.0
"""Seconds to wait for another process to let go of a SQLite file."""

_ATTEMPTS = 3
_SWITCHES, _PAUSE = 100, 0.05

_ONE_AT_A_TIME = threading.Lock()
"""Alembic keeps what it works on in the module, so threads must take turns."""

_BEGIN = {True: "BEGIN IMMEDIATE", False: "BEGIN"}


def open_database(url: str | URL) -> Engine:
    """Return the engine for a database with up-to-date tables.

    Parameters
    ----------
    url
        A SQLAlchemy URL, such as ``sqlite:///watchkeeper.db`` or ``postgresql+psycopg://user@host/name``.

    Raises
    ------
    StoreError
        When the database cannot be opened, is damaged, or was made by a newer version.
    """
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise StoreError("the database URL is not understood; valid: postgresql+psycopg://user@host/name") from error
    with reported(place_of(parsed), "open"):
        try:
            engine = _sqlite(parsed) if parsed.get_backend_name() == "sqlite" else create_engine(parsed)
        except ModuleNotFoundError as error:
            raise StoreError(
                f"cannot open {place_of(parsed)}: the driver {error.name!r} is not installed; "
                f"install it, or name another one as in postgresql+psycopg://"
            ) from error
        try:
            migrate(engine)
        except BaseException:
            engine.dispose()
            raise
    return engine


def stored_revision(url: str | URL) -> str | None:
    """Return the step that the tables of a database are at; None where there are none, and nothing is made.

    Raises
    ------
    StoreError
        When the database is there and cannot be read.
    """
    parsed = make_url(url)
    local = parsed.get_backend_name() == "sqlite"
    if local and not (parsed.database and Path(parsed.database).exists()):
        return None
    with reported(place_of(parsed), "read"):
        engine = _sqlite(parsed) if local else create_engine(parsed)
        try:
            with engine.connect() as connection:
                return _revision(connection)
        finally:
            engine.dispose()


def place_of(url: URL) -> str:
    """Return what to call a database in a message: the file, or the URL without its password."""
    if url.get_backend_name() == "sqlite" and url.database:
        return url.database
    return url.render_as_string(hide_password=True)


def _sqlite(url: URL) -> Engine:
    wait = {} if "timeout" in url.query else {"timeout": WAIT}
    engine = create_engine(url, connect_args=wait)

    @event.listens_for(engine, "connect")
    def connected(connection: sqlite3.Connection, _: Any) -> None:
        connection.isolation_level = None
        _log_ahead(connection)

    # A reader that turns into a writer half-way cannot wait for another writer, so writers say so at the start.
    @event.listens_for(engine, "begin")
    def began(connection: Connection) -> None:
        connection.exec_driver_sql(_BEGIN[connection.get_execution_options().get("writes", False)])

    return engine


def _log_ahead(connection: sqlite3.Connection) -> None:
    """Switch to write-ahead logging; SQLite itself does not wait for a lock while it switches."""
    for attempt in range(_SWITCHES):
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or attempt == _SWITCHES - 1:
                raise
            sleep(_PAUSE)


def migrate(engine: Engine) -> None:
    """Bring the tables up to date in one transaction.

    Raises
    ------
    StoreError
        When they were made by a newer version.
    """
    for attempt in range(_ATTEMPTS):
        with engine.connect() as connection:
            if _revision(connection) == REVISION:
                return
        try:
            with _ONE_AT_A_TIME, engine.connect().execution_options(writes=True) as connection, connection.begin():
                now = _revision(connection)
                if now != REVISION:
                    _upgrade(connection, now, place_of(engine.url))
        except (IntegrityError, ProgrammingError):
            # Another process made the same tables first; its transaction was done before ours failed.
            if attempt == _ATTEMPTS - 1:
                raise


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def _upgrade(connection: Connection, now: str | None, place: str) -> None:
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    known = {step.revision for step in ScriptDirectory.from_config(config).walk_revisions()}
    if now is not None and now not in known:
        raise StoreError(
            f"{place} was made by a newer version of Watchkeeper (its tables are at {now}, this version knows "
            f"up to {REVISION}); upgrade Watchkeeper; nothing was changed"
        )
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
