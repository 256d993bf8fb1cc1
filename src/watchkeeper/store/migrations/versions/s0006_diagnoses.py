"""Diagnoses of alerts, recorded by the runs that make them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "diagnoses",
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("model", sa.String(255), nullable=False),
        sa.Column("identity", sa.String(64), nullable=False),
        sa.Column("starts", sa.DateTime(timezone=True)),
        sa.Column("ends", sa.DateTime(timezone=True)),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.UniqueConstraint("model", "identity", name="diagnoses_once"),
    )
    op.create_index("diagnoses_by_time", "diagnoses", ["model", "starts"])


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("diagnoses")
