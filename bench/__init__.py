"""Speed and memory beside Evidently, whylogs and reading the file: ``python -m bench``."""
