"""What default set-ups see on real seasons: ``python -m bench.sight`` writes the table."""
