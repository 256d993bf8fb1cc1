"""The evidence of a measurement is typed; before, it was a mapping of some forty names."""

from __future__ import annotations

from collections.abc import Callable

import sqlalchemy as sa
from alembic import context, op

from watchkeeper.store.migrations.bodies import NOUNS, Body, bodies, rewrite_watch, text, write
from watchkeeper.store.migrations.evidence import (
    alert_of_facts,
    episodes_of_facts,
    measurement_of_facts,
    signal_of_facts,
)

revision = "0005"
down_revision = "0006"
branch_labels = None
depends_on = None

_CHANGES: tuple[tuple[str, Callable[[Body], Body]], ...] = (
    ("measurements", measurement_of_facts),
    ("signals", signal_of_facts),
    ("alerts", alert_of_facts),
)


def upgrade() -> None:
    """Give every name of old a field of its own."""
    if context.is_offline_mode():
        return  # as SQL text, the steps make the tables of a new database, which holds no facts
    connection = op.get_bind()
    for name, change in _CHANGES:
        for number, body in bodies(connection, NOUNS[name], sa.true()):
            write(connection, NOUNS[name], number, body=text(change(body)))
    rewrite_watch(connection, episodes_of_facts)


def downgrade() -> None:
    """Do nothing: an older version passes over fields that it does not know."""
