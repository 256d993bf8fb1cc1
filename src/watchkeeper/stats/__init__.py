"""Mergeable statistics: one file each, one pass over the rows, any split, any order."""
