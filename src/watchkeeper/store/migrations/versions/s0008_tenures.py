"""Who served when, by the deeds: versions before this one kept the time at which the database heard of them."""

from __future__ import annotations

from datetime import datetime

import msgspec
import sqlalchemy as sa
from alembic import context, op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_ACTIONS = sa.table("actions", *map(sa.column, ("number", "model", "kind", "outcome", "version", "body")))
_TIME = sa.DateTime(timezone=True)
_TENURES = sa.table("tenures", *map(sa.column, ("number", "model", "role", "version")), sa.column("since", _TIME))


def upgrade() -> None:
    """Date the reigns of champions by the actions that began them; the other roles that moved with them too."""
    if context.is_offline_mode():
        return
    connection = op.get_bind()
    for (model,) in connection.execute(sa.select(_TENURES.c.model).distinct()).all():
        _dated(connection, model)


def _dated(connection: sa.Connection, model: str) -> None:
    moved = (_ACTIONS.c.model == model) & _ACTIONS.c.kind.in_(("promote", "roll_back")) & (_ACTIONS.c.outcome == "done")
    deeds = connection.execute(sa.select(_ACTIONS).where(moved).order_by(_ACTIONS.c.number)).all()
    held = (_TENURES.c.model == model) & (_TENURES.c.role == "champion")
    reigns = connection.execute(sa.select(_TENURES).where(held).order_by(_TENURES.c.number)).all()
    if [deed.version for deed in deeds] != [reign.version for reign in reigns]:
        # Somebody moved the pointer past the actions: nothing says which deed began which reign.
        return
    for deed, reign in zip(deeds, reigns, strict=True):
        at = msgspec.json.decode(deed.body).get("at")
        if at:
            together = (_TENURES.c.model == model) & (_TENURES.c.since == reign.since)
            since = datetime.fromisoformat(at)
            connection.execute(sa.update(_TENURES).where(together).values(since=since))


def downgrade() -> None:
    """Leave them: the columns are the same."""
