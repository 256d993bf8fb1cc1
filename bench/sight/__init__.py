"""Sight on seasons: what windows of seasonal rows may hide, and what they show."""
