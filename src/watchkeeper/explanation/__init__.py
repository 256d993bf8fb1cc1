"""What a model does with its features."""
