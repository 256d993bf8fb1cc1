"""Measurements and signals by window and series, and what judging remembers by window and series."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
import sqlalchemy as sa
from alembic import context, op

from watchkeeper.store.packed import pack

revision = "0003"
down_revision = "0005"
branch_labels = None
depends_on = None

_ROWS = 1_000
_ABOUT = ("version", "family", "name", "segment", "column_name", "against")
_ELSEWHERE = ("model", "version", "window", "family", "name", "segment", "column", "against", "status")
_EMPTY: Mapping[str, Any] = {
    "error": None, "floor": None, "interval": None, "reason": "", "revision": 0, "facts": {}, "curve": [],
    "centre": None, "lower": None, "upper": None, "zone": "not_judged", "rule": "", "score": 0.0, "p_value": None,
    "phase": 0, "since": None, "fired": False, "also": [], "basis": None,
}  # fmt: skip
"""What fields hold that need not be stored."""

_TIME = sa.DateTime(timezone=True)


def _table(name: str, *columns: str) -> Any:
    times = [sa.column("starts", _TIME), sa.column("ends", _TIME)]
    return sa.table(name, *map(sa.column, columns), *times)


_OLD_ABOUT = ("version", "family", "name", "segment", "column_name", "status")
_OLD = _table("measurements", "number", "model", "body", *_OLD_ABOUT)
_OLD_SIGNALS = _table("signals", "number", "model", "body", "chart", "rule", *_OLD_ABOUT)
_WINDOWS = _table("windows", "number", "model", "identity")
_SERIES = sa.table("series", *map(sa.column, ("number", "model", "identity", *_ABOUT)))
_NEW = sa.table("measurements_new", *map(sa.column, ("window", "series", "status", "body")))
_NEW_SIGNALS = sa.table("signals_new", *map(sa.column, ("window", "series", "chart", "fired", "status", "body")))
_MEMORIES = sa.table("memories", *map(sa.column, ("window", "series", "version", "body")))
_POINTERS = sa.table("pointers", *map(sa.column, ("model", "name", "value")))


def upgrade() -> None:
    """Make the tables, and move what is there into them."""
    _make()
    if not context.is_offline_mode():
        connection = op.get_bind()
        move = _Move(connection)
        move.measurements()
        move.signals()
        move.memories()
    for name in ("measurements", "signals"):
        op.drop_table(name)
        op.rename_table(f"{name}_new", name)
        op.create_index(f"{name}_by_series", name, ["series"])


def downgrade() -> None:
    """Make the old tables again, empty; a store that holds measurements is not taken back."""
    if op.get_bind().scalar(sa.select(sa.func.count()).select_from(_OLD)):
        raise NotImplementedError("an earlier version cannot read these rows; go on with a copy from before")
    for name in ("alerts_by_state", "alerts_by_change"):
        op.drop_index(name, "alerts")
    with op.batch_alter_table("alerts") as alerts:
        alerts.drop_column("changed")
    for name in ("memories", "signals", "measurements", "series", "windows"):
        op.drop_table(name)
    about = _OLD_ABOUT
    for name, columns in (("measurements", about), ("signals", (*about, "chart", "zone", "rule"))):
        op.create_table(
            name,
            sa.Column("number", sa.Integer, primary_key=True),
            sa.Column("model", sa.String(255), nullable=False),
            sa.Column("identity", sa.String(64), nullable=False),
            sa.Column("starts", _TIME),
            sa.Column("ends", _TIME),
            *(sa.Column(column, sa.Text, nullable=False) for column in columns),
            sa.Column("body", sa.Text, nullable=False),
            sa.UniqueConstraint("model", "identity", name=f"{name}_once"),
        )
        op.create_index(f"{name}_by_time", name, ["model", "starts"])


def _make() -> None:
    op.create_table(
        "windows",
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("model", sa.String(255), nullable=False),
        sa.Column("identity", sa.String(80), nullable=False),
        sa.Column("starts", _TIME),
        sa.Column("ends", _TIME),
        sa.UniqueConstraint("model", "identity", name="windows_once"),
    )
    op.create_index("windows_by_time", "windows", ["model", "starts"])
    op.create_table(
        "series",
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("model", sa.String(255), nullable=False),
        sa.Column("identity", sa.String(64), nullable=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in _ABOUT),
        sa.UniqueConstraint("model", "identity", name="series_once"),
    )
    chart: list[sa.Column[Any]] = [sa.Column("chart", sa.String(255), primary_key=True)]
    for name, more in (("measurements", []), ("signals", [*chart, sa.Column("fired", sa.Boolean, nullable=False)])):
        op.create_table(
            f"{name}_new",
            sa.Column("window", sa.Integer, primary_key=True, autoincrement=False),
            sa.Column("series", sa.Integer, primary_key=True, autoincrement=False),
            *more,
            sa.Column("status", sa.Text, nullable=False),
            sa.Column("body", sa.LargeBinary, nullable=False),
            sqlite_with_rowid=False,
        )
    op.create_table(
        "memories",
        sa.Column("window", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("series", sa.String(600), primary_key=True),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sqlite_with_rowid=False,
    )
    op.add_column("alerts", sa.Column("changed", sa.Integer, nullable=False, server_default="0"))
    op.create_index("alerts_by_state", "alerts", ["model", "state"])
    op.create_index("alerts_by_change", "alerts", ["model", "changed"])


class _Move:
    """Moves rows from the old tables into the new ones."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection
        self._numbers: dict[tuple[str, str, str], int] = {}

    def measurements(self) -> None:
        """Move the measurements."""
        for rows in self._batches(_OLD):
            made: dict[tuple[int, int], dict[str, Any]] = {}
            for row in rows:
                place, body = self._place(row), _decoded(row.body)
                text = row.body if body is None else _measured(body, row.model)
                made[place] = {"window": place[0], "series": place[1], "status": row.status, "body": pack(text)}
            self._connection.execute(sa.insert(_NEW), list(made.values()))

    def signals(self) -> None:
        """Move the signals; what one judged stands in it only where the measurement beside it says something else."""
        for rows in self._batches(_OLD_SIGNALS):
            places = [self._place(row) for row in rows]
            beside = self._measured(sorted({window for window, _ in places}))
            made = []
            for row, place in zip(rows, places, strict=True):
                body = _decoded(row.body)
                text = row.body if body is None else _judged(body, row.model, beside.get(place))
                fired = bool(body.get("fired", row.rule) if body else row.rule)
                made.append({"window": place[0], "series": place[1], "chart": row.chart, "fired": fired,
                             "status": row.status, "body": pack(text)})  # fmt: skip
            self._connection.execute(sa.insert(_NEW_SIGNALS), made)

    def memories(self) -> None:
        """Move what judging remembered: a text a window becomes a row a series."""
        remembered = sa.select(_POINTERS).where(_POINTERS.c.name.like("watch/%"))
        for row in self._connection.execute(remembered).all():
            starts = datetime.fromisoformat(row.name.removeprefix("watch/"))
            query = sa.select(_WINDOWS.c.number).where(_WINDOWS.c.model == row.model, _WINDOWS.c.starts == starts)
            window = self._connection.scalar(query.order_by(_WINDOWS.c.number.desc()).limit(1))
            if window is not None:
                parts = _remembered(_decoded(row.value))
                rows = [
                    {"window": window, "series": name, "version": 1, "body": pack(text)} for name, text in parts.items()
                ]
                self._connection.execute(sa.insert(_MEMORIES), rows)
            here = (_POINTERS.c.model == row.model) & (_POINTERS.c.name == row.name)
            self._connection.execute(sa.delete(_POINTERS).where(here))

    def _batches(self, table: Any) -> Iterator[list[Any]]:
        last = -1
        while rows := self._connection.execute(
            sa.select(table).where(table.c.number > last).order_by(table.c.number).limit(_ROWS)
        ).all():
            yield list(rows)
            last = rows[-1].number

    def _place(self, row: Any) -> tuple[int, int]:
        starts, ends = _utc(row.starts), _utc(row.ends)
        window = f"{starts.isoformat()}/{ends.isoformat()}" if starts and ends else ""
        about = {name: getattr(row, name) for name in _ABOUT[:-1]} | {"against": _against(row.body)}
        series = hashlib.sha256(msgspec.json.encode([about[name] for name in _ABOUT])).hexdigest()
        return (
            self._number(_WINDOWS, row.model, window, {"starts": starts, "ends": ends}),
            self._number(_SERIES, row.model, series, about),
        )

    def _number(self, table: Any, model: str, identity: str, fields: Mapping[str, Any]) -> int:
        key = (table.name, model, identity)
        if key not in self._numbers:
            self._connection.execute(sa.insert(table).values(model=model, identity=identity, **fields))
            here = (table.c.model == model) & (table.c.identity == identity)
            self._numbers[key] = self._connection.execute(sa.select(table.c.number).where(here)).scalar_one()
        return self._numbers[key]

    def _measured(self, windows: Sequence[int]) -> dict[tuple[int, int], tuple[str, bytes]]:
        rows = self._connection.execute(sa.select(_NEW).where(_NEW.c.window.in_(windows)))
        return {(row.window, row.series): (row.status, row.body) for row in rows}


def _judged(body: dict[str, Any], model: str, beside: tuple[str, bytes] | None) -> str:
    """Return what a signal holds; what it judged only where the measurement beside it says something else."""
    judged = body.pop("measurement")
    status, text = judged.get("status", "ok"), _measured(judged, model)
    kept = _kept(body, ("chart",))
    if beside != (status, pack(text)):
        kept["measurement"] = {"status": status, **msgspec.json.decode(text)}
    return _text(kept)


def _decoded(text: str) -> dict[str, Any] | None:
    """Return the mapping of a text; None of a damaged one, which stays as it is."""
    try:
        found = msgspec.json.decode(text)
    except msgspec.DecodeError:
        return None
    return found if isinstance(found, dict) else None


def _against(body: str) -> str:
    found = _decoded(body) or {}
    return str((found.get("measurement") or found).get("against", ""))


def _measured(body: Mapping[str, Any], model: str) -> str:
    other = {} if body.get("model", model) == model else {"model": body["model"]}
    return _text(other | _kept(body, _ELSEWHERE))


def _kept(body: Mapping[str, Any], elsewhere: tuple[str, ...]) -> dict[str, Any]:
    return {
        name: value
        for name, value in body.items()
        if name not in elsewhere and not (name in _EMPTY and value == _EMPTY[name])
    }


def _remembered(watch: dict[str, Any] | None) -> dict[str, str]:
    """Return the text of each series; of what is damaged one that is empty, so that the next run says so."""
    if watch is None:
        return {"shared": ""}
    parts = {f"chart\x1f{key}": _text(memory) for key, memory in watch.get("charts", {}).items()}
    parts |= {f"episode\x1f{cause}": _text(episode) for cause, episode in watch.get("episodes", {}).items()}
    return parts | {"shared": _text({"steady": watch.get("steady", []), "versions": watch.get("versions", [])})}


def _utc(moment: datetime | None) -> datetime | None:
    return moment and (moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC))


def _text(body: Any) -> str:
    return msgspec.json.encode(body, order="deterministic").decode()
