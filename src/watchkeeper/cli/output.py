"""Where the command line writes: results to standard output, progress and errors to standard error."""

from __future__ import annotations

import io
import os
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from watchkeeper.core.errors import UsageError, WatchkeeperError
from watchkeeper.core.secrets import without_secrets

__all__ = [
    "check_page",
    "prepare",
    "print_err",
    "print_out",
    "progress_bar",
    "show",
    "show_failure",
    "show_json",
    "write_page",
]


def prepare() -> None:
    """Make the streams able to write anything, and warnings one line each; leave the cores to others while waiting."""
    # Threads of OpenMP that wait for each other in a loop make fits several times slower where the cores are busy.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    if not sys.warnoptions:
        warnings.showwarning = lambda message, *_, **__: print_err(f"warning: {str(message).strip().splitlines()[0]}")


def print_out(words: str) -> None:
    """Write a line to standard output; control characters are shown, not obeyed."""
    _write(_visible(words) + "\n")


def show_json(document: Any) -> None:
    """Write a document to standard output as JSON."""
    from watchkeeper.core.encode import as_json

    encoding = str(getattr(sys.stdout, "encoding", None) or "utf-8")
    ascii_only = encoding.lower().replace("-", "") not in ("utf8", "utf8sig")
    _write(as_json(document, indent=2, ascii_only=ascii_only) + "\n")


def show_failure(kind: str, message: str) -> None:
    """Write the one shape in which every command with ``--json`` says that it could not run."""
    from watchkeeper.cli.documents import failure

    show_json(failure(kind, without_secrets(message)))


def show(renderable: Any) -> None:
    """Write a text or a table to standard output; nothing from outside is read as markup."""
    from rich.console import Console

    out, text = Console(), io.StringIO()
    # Rich leaves with code 1, which means alerts, when the reader has gone away; so it writes to memory.
    Console(
        file=text, width=out.width, force_terminal=out.is_terminal, no_color=out.no_color, markup=False, highlight=False
    ).print(renderable)
    # It pads every line to the width of its table, which a narrower window then breaks.
    _write("\n".join(line.rstrip(" ") for line in text.getvalue().split("\n")))


def print_err(words: str) -> None:
    """Write a line to standard error; control characters are shown, not obeyed, and secrets are masked."""
    if sys.stderr is not None:
        sys.stderr.write(_visible(without_secrets(words)) + "\n")


def check_page(path: Path | None) -> None:
    """Refuse a place where no page can be written, before any work is done.

    Raises
    ------
    UsageError
        When the path is a folder, or lies in none.
    """
    if path is None:
        return
    if path.is_dir():
        raise UsageError(f"{path} is a folder; name a file in it, such as {path / 'report.html'}")
    if not path.parent.is_dir():
        raise UsageError(f"{path} cannot be written: the folder {path.parent} does not exist")


def write_page(path: Path, text: str) -> None:
    """Write a file whole or not at all: what was there before stays until the new one is complete.

    Raises
    ------
    UsageError
        When the folder is not there.
    WatchkeeperError
        When the disk is full or the folder may not be written to.
    """
    check_page(path)
    special = path.exists() and not path.is_file()
    beside = path if special else path.with_name(f".{path.name[:100]}.{os.getpid()}.part")
    try:
        beside.write_text(text, encoding="utf-8", errors="backslashreplace")
        if not special:
            beside.replace(path)
    except OSError as error:
        if not special:
            with suppress(OSError):
                beside.unlink()
        raise WatchkeeperError(
            f"{path} cannot be written: {error.strerror or error}. What was there before is untouched"
        ) from error


def _write(text: str) -> None:
    """Write and flush; a reader that has gone away is no error, a disk that is full is one."""
    if sys.stdout is None:
        return
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        _give_up()
    except OSError as error:
        _give_up()
        raise WatchkeeperError(f"standard output cannot be written: {error.strerror or error}") from error


def _give_up() -> None:
    # What is left in the buffer would fail again when the interpreter closes the stream, and change the exit code.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _visible(text: str) -> str:
    return "".join(c if c.isprintable() or c == "\n" else repr(c)[1:-1] for c in text)


def _silent(what: str, done: int, total: int | None) -> None:
    """Show nothing."""


@contextmanager
def progress_bar() -> Iterator[Callable[[str, int, int | None], None]]:
    """Give a function that shows (what, done, total) on standard error; silent where that is no terminal."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield _silent
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("reading", total=None)
        rows: dict[str, int] = {}

        def tell(what: str, done: int, total: int | None) -> None:
            # Reading reports the rows of each batch; steps report how far they are.
            if what in ("reference", "current"):
                done = rows[what] = rows.get(what, 0) + done
            bar.update(task, description=what, completed=done, total=total)

        yield tell
