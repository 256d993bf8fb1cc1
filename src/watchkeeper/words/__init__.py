"""From typed evidence to sentences: the only room where messages are made."""
