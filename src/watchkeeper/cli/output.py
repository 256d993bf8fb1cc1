"""Where the command line writes: results to standard output, progress and errors to standard error."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["progress_bar", "say", "show", "show_json"]


def show_json(value: Any) -> None:
    """Write JSON to standard output."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2) + "\n")


def show(renderable: Any) -> None:
    """Write a text or a table to standard output; nothing from outside is read as markup."""
    from rich.console import Console

    Console(markup=False, highlight=False).print(renderable)


def say(words: str) -> None:
    """Write a line to standard error; control characters are shown, not obeyed."""
    sys.stderr.write("".join(c if c.isprintable() or c == "\n" else repr(c)[1:-1] for c in words) + "\n")


def _silent(what: str, done: int, total: int | None) -> None:
    """Show nothing."""


@contextmanager
def progress_bar() -> Iterator[Callable[[str, int, int | None], None]]:
    """Give a function that shows (what, done, total) on standard error; silent where that is no terminal."""
    if not sys.stderr.isatty():
        yield _silent
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None)
        rows: dict[str, int] = {}

        def tell(what: str, done: int, total: int | None) -> None:
            # Reading reports the rows of each batch; steps report how far they are.
            if what in ("reference", "current"):
                done = rows[what] = rows.get(what, 0) + done
            bar.update(task, description=what, completed=done, total=total)

        yield tell
