"""Realised performance: one metric per class, measured from the state of the outcomes alone."""
