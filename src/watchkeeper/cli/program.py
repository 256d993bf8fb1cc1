"""The program behind the command line, of which only what is asked for is built."""

from __future__ import annotations

import sys
from copy import copy

import typer

__all__ = ["Program"]


class Program(typer.Typer):
    """A program that builds the command which is asked for alone: to build all takes longer than most answers."""

    def __call__(self, *args: object, **kwargs: object) -> object:
        """Run the command that the words of the process name."""
        word = sys.argv[1] if len(sys.argv) > 1 else ""
        commands = {one.name or getattr(one.callback, "__name__", ""): one for one in self.registered_commands}
        groups = {one.name: one for one in self.registered_groups}
        asked = copy(self)
        if word in {*commands, *groups, "--version"}:
            asked.registered_commands = [commands[word]] if word in commands else []
            asked.registered_groups = [groups[word]] if word in groups else []
        return super(Program, asked).__call__(*args, **kwargs)
