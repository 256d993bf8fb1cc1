"""What Alembic runs: the steps, on the connection that was handed in or as SQL text."""

from __future__ import annotations

from alembic import context

connection = context.config.attributes.get("connection")
if connection is None:
    context.configure(dialect_name=context.config.get_main_option("dialect") or "sqlite")
else:
    context.configure(connection=connection, transaction_per_migration=False)
with context.begin_transaction():
    context.run_migrations()
