"""The command ``watchkeeper adopt``: a model that serves already becomes a version."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from watchkeeper.cli.configuration import FILE, AsJson, ConfigFile
from watchkeeper.cli.options import ModelName, Why
from watchkeeper.cli.output import print_out, show_json

if TYPE_CHECKING:
    from watchkeeper.cli.version_documents import AdoptDocument
    from watchkeeper.core.window import Window
    from watchkeeper.maintain.registry import Standing, Version

__all__ = ["adopt"]


def adopt(
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="[FILE]",
            help="The fitted model: skops, or a pickle where maintain.pickle allows it; left out, only its name.",
        ),
    ] = None,
    version: Annotated[
        str, typer.Option("--version", metavar="NAME", help="What the log calls it; the next number by default.")
    ] = "",
    trained: Annotated[
        str, typer.Option("--trained", metavar="FROM..TO", help="The time that its training rows are from.")
    ] = "",
    since: Annotated[
        str, typer.Option("--since", metavar="TIME", help="When it went into service; now by default.")
    ] = "",
    why: Why = "it serves already",
    config: ConfigFile = FILE,
    model: ModelName = None,
    json: AsJson = False,
) -> None:
    """Register a model that serves already.

    It is in charge where no other version is.
    """
    from datetime import UTC, datetime

    from watchkeeper.api import open_project
    from watchkeeper.cli.results import past_moment, user

    now = datetime.now(UTC)
    window = _window(trained, now) if trained else None
    at = past_moment("--since", since, now) if since else now
    with open_project(config) as project:
        name = project.only(model)
        keeper = project.keeper(name)
        called = keeper.adopt_file(file, at, name=version, trained=window, who=user(), why=why)
        found = keeper.registry.version(called)
    show_json(_document(name, found, user(), why)) if json else print_out(_words(name, found))


def _window(text: str, now: datetime) -> Window:
    from watchkeeper.cli.results import past_moment
    from watchkeeper.core.errors import UsageError
    from watchkeeper.core.window import Window

    start, dots, end = text.partition("..")
    if not (dots and start and end):
        raise UsageError(f"--trained {text!r} is not understood; write it as in --trained 2026-01-01..2026-03-01")
    first, last = past_moment("--trained", start, now), past_moment("--trained", end, now)
    if first >= last:
        raise UsageError(f"--trained {text!r} ends before it begins")
    return Window(first, last)


def _in_charge(standing: Standing) -> bool:
    from watchkeeper.maintain.registry import Standing

    return standing is Standing.CHAMPION


def _document(model: str, found: Version, who: str, why: str) -> AdoptDocument:
    from watchkeeper.cli.version_documents import AdoptDocument
    from watchkeeper.core.encode import SCHEMA_VERSION
    from watchkeeper.views.intervals import window_document

    trained = window_document(found.trained) if found.trained else None
    return AdoptDocument(SCHEMA_VERSION, model, found.name, found.standing, found.artefact, trained, who, why)


def _words(model: str, found: Version) -> str:
    where = "" if found.artefact else "; its model is kept elsewhere, so it is compared by its logged answers"
    if _in_charge(found.standing):
        return f"{found.name} is in charge of {model}{where}"
    return f"{found.name} of {model} is registered{where}. To put it in charge: watchkeeper promote {found.name}"
