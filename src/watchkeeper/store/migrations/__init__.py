"""The history of the database's tables, one module a step in ``versions``."""
