"""How much a model loses under ways to keep it, on streams that change and on some that do not."""
