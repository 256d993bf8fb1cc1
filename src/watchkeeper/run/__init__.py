"""The runner: the only place with a clock, a loop and retries."""
