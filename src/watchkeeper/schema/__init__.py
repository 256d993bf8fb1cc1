"""Kinds and roles of columns: what the values of a table mean."""
