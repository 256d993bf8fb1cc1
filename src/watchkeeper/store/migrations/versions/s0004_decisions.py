"""Signals and alerts say by codes that they fired, why, and how they ended; before, sentences did."""

from __future__ import annotations

from hashlib import sha256

import msgspec
import sqlalchemy as sa
from alembic import context, op

from watchkeeper.store.migrations.bodies import NOUNS, bodies, rewrite_watch, text, write
from watchkeeper.store.migrations.decisions import CAUSES, alert_of_0_1, episodes_of_0_1, signal_of_0_1

revision = "0004"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Read the sentences once and for all."""
    if context.is_offline_mode():
        return  # as SQL text, the steps make the tables of a new database, which holds no sentence
    connection, signals, alerts = op.get_bind(), NOUNS["signals"], NOUNS["alerts"]
    for number, body in bodies(connection, signals, signals.c.rule != ""):
        new = signal_of_0_1(body)
        write(connection, signals, number, rule=new["rule"], body=text(new))
    for number, body in bodies(connection, alerts, sa.true()):
        new = alert_of_0_1(body)
        write(connection, alerts, number, cause=new["cause"], state=new["state"], body=text(new))
    specs = NOUNS["specs"]
    for number, body in bodies(connection, specs, specs.c.body.like('%"cause":"blind"%')):
        monitors = [{**one, "cause": CAUSES.get(one["cause"], one["cause"])} for one in body["monitors"]]
        held = text({**body, "monitors": monitors})
        write(connection, specs, number, identity=sha256(msgspec.json.encode([held])).hexdigest(), body=held)
    rewrite_watch(connection, episodes_of_0_1)


def downgrade() -> None:
    """Do nothing: what a code says, a sentence of another version cannot be made to say."""
