"""How often natural changes are called another unit, and how often another unit is."""
