"""Signals and alerts say by codes that they fired, why, and how they ended; before, sentences did."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from typing import Any

import msgspec
import sqlalchemy as sa
from alembic import context, op

from watchkeeper.store.migrations.decisions import CAUSES, alert_of_0_1, episodes_of_0_1, signal_of_0_1

revision = "0004"
down_revision = "0002"
branch_labels = None
depends_on = None

_ROWS = 1_000

_SIGNALS = sa.table("signals", sa.column("number"), sa.column("rule"), sa.column("body"))
_ALERTS = sa.table("alerts", sa.column("number"), sa.column("cause"), sa.column("state"), sa.column("body"))
_SPECS = sa.table("specs", sa.column("number"), sa.column("identity"), sa.column("body"))
_POINTERS = sa.table("pointers", sa.column("model"), sa.column("name"), sa.column("value"))


def upgrade() -> None:
    """Read the sentences once and for all."""
    if context.is_offline_mode():
        return  # as SQL text, the steps make the tables of a new database, which holds no sentence
    connection = op.get_bind()
    for number, body in _bodies(connection, _SIGNALS, _SIGNALS.c.rule != ""):
        new = signal_of_0_1(body)
        _write(connection, _SIGNALS, number, rule=new["rule"], body=_text(new))
    for number, body in _bodies(connection, _ALERTS, sa.true()):
        new = alert_of_0_1(body)
        _write(connection, _ALERTS, number, cause=new["cause"], state=new["state"], body=_text(new))
    for number, body in _bodies(connection, _SPECS, _SPECS.c.body.like('%"cause":"blind"%')):
        monitors = [{**one, "cause": CAUSES.get(one["cause"], one["cause"])} for one in body["monitors"]]
        text = _text({**body, "monitors": monitors})
        _write(connection, _SPECS, number, identity=sha256(msgspec.json.encode([text])).hexdigest(), body=text)
    remembered = sa.select(_POINTERS).where(_POINTERS.c.name.like("watch/%"))
    for row in connection.execute(remembered).all():
        value = _of_watch(row.value)
        if value != row.value:
            here = (_POINTERS.c.model == row.model) & (_POINTERS.c.name == row.name)
            connection.execute(sa.update(_POINTERS).where(here).values(value=value))


def downgrade() -> None:
    """Do nothing: what a code says, a sentence of another version cannot be made to say."""


def _bodies(connection: sa.Connection, table: Any, which: Any) -> Iterator[tuple[int, dict[str, Any]]]:
    """Return the numbers and bodies of rows, a thousand at a time."""
    last = -1
    while True:
        query = sa.select(table.c.number, table.c.body).where(table.c.number > last, which)
        rows = connection.execute(query.order_by(table.c.number).limit(_ROWS)).all()
        for row in rows:
            yield row.number, msgspec.json.decode(row.body)
        if not rows:
            return
        last = rows[-1].number


def _write(connection: sa.Connection, table: Any, number: int, **values: Any) -> None:
    connection.execute(sa.update(table).where(table.c.number == number).values(**values))


def _of_watch(text: str) -> str:
    """Return what judging remembered, with the open alerts in its episodes as they are stored now."""
    try:
        watch = msgspec.json.decode(text)
    except msgspec.DecodeError:
        # What is damaged stays so: the next run says it, and makes it anew.
        return text
    if not isinstance(watch, dict) or not isinstance(watch.get("episodes"), dict) or not watch["episodes"]:
        return text
    watch["episodes"] = episodes_of_0_1(watch["episodes"])
    return msgspec.json.encode(watch).decode()


def _text(body: dict[str, Any]) -> str:
    return msgspec.json.encode(body, order="deterministic").decode()
