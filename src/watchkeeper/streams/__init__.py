"""Rows judged as they arrive."""
