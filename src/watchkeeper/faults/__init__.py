"""Faults that a proof plants into rows to see whether they are found: one per file, each a plug-in."""
