"""The outbox of messages about alerts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "deliveries",
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("model", sa.String(255), nullable=False),
        sa.Column("identity", sa.String(64), nullable=False),
        sa.Column("starts", _TIME),
        sa.Column("ends", _TIME),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.UniqueConstraint("model", "identity", name="deliveries_once"),
    )
    op.create_index("deliveries_by_time", "deliveries", ["model", "starts"])
    op.create_index("deliveries_by_state", "deliveries", ["model", "state"])


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("deliveries")
