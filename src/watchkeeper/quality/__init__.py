"""Schema and data rules, one kind each in a file: (rule, states) → measurement."""
