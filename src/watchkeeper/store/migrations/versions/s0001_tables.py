"""The first tables: nouns, audit chain and pointers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_ABOUT = ("version", "family", "name", "segment", "column_name", "status")
_NOUNS = {
    "specs": (),
    "measurements": _ABOUT,
    "signals": (*_ABOUT, "chart", "zone", "rule"),
    "alerts": ("id", "cause", "severity", "state"),
    "actions": ("id", "kind", "outcome", "version", "who"),
}


def upgrade() -> None:
    """Make the tables."""
    for name, columns in _NOUNS.items():
        op.create_table(
            name,
            sa.Column("number", sa.Integer, primary_key=True),
            sa.Column("model", sa.String(255), nullable=False),
            sa.Column("identity", sa.String(64), nullable=False),
            sa.Column("starts", sa.DateTime(timezone=True)),
            sa.Column("ends", sa.DateTime(timezone=True)),
            *(sa.Column(column, sa.Text, nullable=False) for column in columns),
            sa.Column("body", sa.Text, nullable=False),
            sa.UniqueConstraint("model", "identity", name=f"{name}_once"),
        )
        op.create_index(f"{name}_by_time", name, ["model", "starts"])
    op.create_table(
        "audit",
        sa.Column("model", sa.String(255), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("content", sa.String(64), nullable=False),
        sa.Column("starts", sa.DateTime(timezone=True)),
        sa.Column("previous", sa.String(64), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.UniqueConstraint("model", "content", name="audit_once"),
    )
    op.create_table(
        "pointers",
        sa.Column("model", sa.String(255), primary_key=True),
        sa.Column("name", sa.String(255), primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
    )


def downgrade() -> None:
    """Drop the tables and all they hold."""
    for name in ("pointers", "audit", *_NOUNS):
        op.drop_table(name)
