"""The commands about single rows of a store: what was set aside, and rows that are to go."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from watchkeeper.cli.configuration import FILE, AsJson, ConfigFile
from watchkeeper.cli.options import ModelName, Why
from watchkeeper.cli.output import print_err, print_out, show_json

if TYPE_CHECKING:
    from watchkeeper.core.action import Action
    from watchkeeper.run.forget import Selection
    from watchkeeper.run.project import Project

    Deed = Callable[..., Action]

__all__ = ["quarantine_app", "store_forget"]

quarantine_app = typer.Typer(help="Rows that were set aside.", no_args_is_help=True, rich_markup_mode=None)

Keys = Annotated[list[str] | None, typer.Argument(metavar="[KEY]...", help="Rows by their keys, as show lists them.")]
Source = Annotated[str, typer.Option(metavar="NAME", help="Only rows of this source, as list names it.")]
Code = Annotated[str, typer.Option("--reason", metavar="CODE", help="Only rows set aside for this reason.")]
All = Annotated[bool, typer.Option("--all", help="All rows in quarantine.")]


@quarantine_app.command("list")
def quarantine_list(config: ConfigFile = FILE, model: ModelName = None, json: AsJson = False) -> None:
    """Count the rows that were set aside, by source and reason."""
    from watchkeeper.cli.quarantine_documents import QuarantineDocument, SetAsideDocument
    from watchkeeper.core.encode import SCHEMA_VERSION
    from watchkeeper.run.forget import Selection, quarantined_rows

    by = ["table", "source", "code", "reason"]
    found = []
    with _project(config) as project:
        for name in [model] if model is not None else project.config.models:
            rows = quarantined_rows(project, project.only(name), Selection())
            counted = rows.group_by(by, maintain_order=True).len()
            for table, came, kind, reason, count in counted.iter_rows():
                found.append(SetAsideDocument(name, table, came or "", kind or "", reason, count))
    if json:
        show_json(QuarantineDocument(SCHEMA_VERSION, tuple(found)))
        return
    for one in found:
        code = f" ({one.code})" if one.code else ""
        source = f", from {one.source}" if one.source else ""
        print_out(
            f"{one.model}/{one.table}: {one.rows:,} row{'' if one.rows == 1 else 's'}{code}: {one.reason}{source}"
        )
    if not found:
        print_out("No row is in quarantine.")


@quarantine_app.command("show")
def quarantine_show(
    keys: Keys = None,
    source: Source = "",
    code: Code = "",
    limit: Annotated[int, typer.Option(min=1, help="Rows to show at most.")] = 20,
    config: ConfigFile = FILE,
    model: ModelName = None,
    json: AsJson = False,
) -> None:
    """Show rows that were set aside, each with its key and as it came."""
    from json import loads

    from watchkeeper.cli.quarantine_documents import QuarantinedRowDocument, QuarantinedRowsDocument
    from watchkeeper.core.encode import SCHEMA_VERSION, in_utc
    from watchkeeper.run.forget import quarantined_rows

    with _project(config) as project:
        name = project.only(model)
        rows = quarantined_rows(project, name, _selection(keys, source, code))
    shown = [
        QuarantinedRowDocument(
            row["key"], row["table"], row["source"], row["code"] or "", row["reason"], in_utc(row["filed"]),
            loads(row["row"]),
        )
        for row in rows.head(limit).iter_rows(named=True)
    ]  # fmt: skip
    left = rows.height - len(shown)
    if json:
        show_json(QuarantinedRowsDocument(SCHEMA_VERSION, name, tuple(shown), left))
        return
    for one, text in zip(shown, rows["row"], strict=False):
        print_out(f"{one.key}  {one.reason}  {text}")
    if left:
        print_err(f"{left:,} more rows are left out; show them with --limit")


@quarantine_app.command("release")
def quarantine_release(
    keys: Keys = None,
    source: Source = "",
    code: Code = "",
    everything: All = False,
    why: Why = "on request",
    config: ConfigFile = FILE,
    model: ModelName = None,
    json: AsJson = False,
) -> None:
    """Take rows in after all, whatever their times; those without an id or a readable time stay in quarantine."""
    from watchkeeper.run.forget import release_rows

    selection = _named(keys, source, code, everything)
    words = "{rows} rows were taken in, {refused} stay in quarantine; watchkeeper run judges them"
    _do(partial(release_rows, selection=selection), words, config, model, why, json)


@quarantine_app.command("drop")
def quarantine_drop(
    keys: Keys = None,
    source: Source = "",
    code: Code = "",
    everything: All = False,
    why: Why = "on request",
    config: ConfigFile = FILE,
    model: ModelName = None,
    json: AsJson = False,
) -> None:
    """Remove rows from quarantine for good."""
    from watchkeeper.run.forget import drop_rows

    selection = _named(keys, source, code, everything)
    _do(partial(drop_rows, selection=selection), "{rows} rows were removed", config, model, why, json)


def store_forget(
    ids: Annotated[Path, typer.Option(metavar="FILE", help="Ids of the rows to remove, one a line.")],
    why: Why = "on request",
    config: ConfigFile = FILE,
    model: ModelName = None,
    json: AsJson = False,
) -> None:
    """Remove rows for good: from the log, from quarantine and from what was derived of them."""
    from watchkeeper.core.errors import UsageError
    from watchkeeper.run.forget import forget_rows

    try:
        wanted = {line.strip() for line in ids.read_text(encoding="utf-8-sig").splitlines() if line.strip()}
    except UnicodeDecodeError as error:
        raise UsageError(f"{ids} is no text in UTF-8; write the ids into a text file, one a line") from error
    if not wanted:
        raise UsageError(f"{ids} names no id; write the ids into it, one a line")
    words = "{predictions} predictions, {labels} labels and {quarantine} rows in quarantine were removed"
    _do(partial(forget_rows, ids=wanted), words, config, model, why, json)
    print_err("The files they came from hold them still: remove them there too, or they come again when one changes.")


def _selection(keys: list[str] | None, source: str, code: str) -> Selection:
    from watchkeeper.core.errors import UsageError, near_miss
    from watchkeeper.core.intake import Refusal
    from watchkeeper.run.forget import Selection

    known = [refusal.value for refusal in Refusal]
    if code and code not in known:
        raise UsageError(f"--reason {code!r}: {near_miss(code, known)}")
    return Selection(tuple(keys or ()), source, code)


def _named(keys: list[str] | None, source: str, code: str, everything: bool) -> Selection:
    from watchkeeper.core.errors import UsageError

    if not (keys or source or code or everything):
        raise UsageError("say which rows: their keys, --source, --reason, or --all")
    return _selection(keys, source, code)


def _do(deed: Deed, words: str, config: Path, model: str | None, why: str, json: bool) -> None:
    """Do something to rows of a model, and show the record of it."""
    from datetime import UTC, datetime

    from watchkeeper.cli.quarantine_documents import RemovalDocument
    from watchkeeper.cli.results import user
    from watchkeeper.core.encode import SCHEMA_VERSION, in_utc

    with _project(config) as project:
        action = deed(project, project.only(model), who=user(), why=why, at=datetime.now(UTC))
    if json:
        facts = dict(action.facts)
        show_json(RemovalDocument(SCHEMA_VERSION, action.kind, in_utc(action.at), action.who, action.why, facts))
    else:
        print_out(words.format(**action.facts))


@contextmanager
def _project(config: Path) -> Iterator[Project]:
    from watchkeeper.api import open_project

    project = open_project(config)
    try:
        yield project
    finally:
        project.close()
