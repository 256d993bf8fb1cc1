"""What versions are made of, and who served when."""

from __future__ import annotations

from datetime import datetime

import msgspec
import sqlalchemy as sa
from alembic import context, op

revision = "0007"
down_revision = "0003"
branch_labels = None
depends_on = None

_ACTIONS = sa.table("actions", *map(sa.column, ("number", "model", "kind", "outcome", "version", "body")))
_TIME = sa.DateTime(timezone=True)
_TENURES = sa.table("tenures", *map(sa.column, ("model", "role", "version")), sa.column("since", _TIME))
_MOVES = ("promote", "roll_back")


def upgrade() -> None:
    """Make the tables, and read off the actions who served when so far."""
    op.create_table(
        "provenances",
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("model", sa.String(255), nullable=False),
        sa.Column("identity", sa.String(64), nullable=False),
        sa.Column("starts", _TIME),
        sa.Column("ends", _TIME),
        sa.Column("version", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.UniqueConstraint("model", "identity", name="provenances_once"),
    )
    op.create_index("provenances_by_time", "provenances", ["model", "starts"])
    op.create_table(
        "tenures",
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("model", sa.String(255), nullable=False),
        sa.Column("role", sa.String(255), nullable=False),
        sa.Column("version", sa.Text, nullable=False),
        sa.Column("since", _TIME, nullable=False),
    )
    op.create_index("tenures_by_time", "tenures", ["model", "since"])
    if not context.is_offline_mode():
        _read_off(op.get_bind())


def _read_off(connection: sa.Connection) -> None:
    """Take the moment that an action belongs to, which is the end of a window: no other was recorded."""
    done = (_ACTIONS.c.kind.in_(_MOVES)) & (_ACTIONS.c.outcome == "done")
    for row in connection.execute(sa.select(_ACTIONS).where(done).order_by(_ACTIONS.c.number)).all():
        at = msgspec.json.decode(row.body).get("at")
        if at:
            since = datetime.fromisoformat(at)
            values = {"model": row.model, "role": "champion", "version": row.version, "since": since}
            connection.execute(sa.insert(_TENURES), values)


def downgrade() -> None:
    """Drop the tables."""
    op.drop_table("tenures")
    op.drop_table("provenances")
