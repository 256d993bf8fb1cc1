"""A model that is kept day by day, on streams that change and on some that do not."""
