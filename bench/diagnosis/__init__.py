"""Causes planted in the log of a fitted model, and how they are told apart."""
