"""Comparisons of a reference state with a current state, one file each; each gives one measurement."""
