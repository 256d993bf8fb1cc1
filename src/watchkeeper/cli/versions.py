"""The commands about the versions of a model, and which of them is in charge."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from watchkeeper.cli.configuration import FILE, AsJson, ConfigFile
from watchkeeper.cli.options import ModelName, Why
from watchkeeper.cli.output import print_err, print_out, show, show_json

if TYPE_CHECKING:
    from watchkeeper.core.action import Action
    from watchkeeper.run.keep import Maintainer

    Deed = Callable[[Maintainer, str, datetime], Action]

__all__ = ["promote", "rollback", "versions"]


def versions(config: ConfigFile = FILE, model: ModelName = None, json: AsJson = False) -> None:
    """List the versions of a model, and check its audit trail."""
    from watchkeeper.api import open_project
    from watchkeeper.cli.results import versions_document, versions_table
    from watchkeeper.run.audit import audit_faults

    project = open_project(config)
    try:
        name = project.only(model)
        found, faults = project.keeper(name).versions(), audit_faults(project.store, name)
    finally:
        project.close()
    if json:
        show_json(versions_document(name, found, faults))
    elif found:
        show(versions_table(found))
    else:
        print_out(f"No version of {name} is registered yet.")
    for fault in faults:
        print_err(f"watchkeeper: {fault}")
    if faults:
        print_err("Somebody changed or removed records by hand; compare them with a copy of the store.")
        raise typer.Exit(3)


def promote(
    version: Annotated[str, typer.Argument(metavar="VERSION", help="The version to put in charge.")],
    why: Why = "on request",
    config: ConfigFile = FILE,
    model: ModelName = None,
    json: AsJson = False,
) -> None:
    """Put a version in charge."""
    _move(config, model, json, lambda keeper, who, now: keeper.promote(version, who=who, why=why, at=now))


def rollback(
    to: Annotated[
        str | None, typer.Option(metavar="VERSION", help="An earlier champion; the one just before by default.")
    ] = None,
    why: Why = "on request",
    config: ConfigFile = FILE,
    model: ModelName = None,
    json: AsJson = False,
) -> None:
    """Put an earlier champion in charge again."""
    _move(config, model, json, lambda keeper, who, now: keeper.roll_back(to, who=who, why=why, at=now))


def _move(config: Path, model: str | None, json: bool, deed: Deed) -> None:
    from datetime import UTC, datetime

    from watchkeeper.api import open_project
    from watchkeeper.cli.results import move_document, user

    project = open_project(config)
    try:
        action = deed(project.keeper(project.only(model)), user(), datetime.now(UTC))
    finally:
        project.close()
    if json:
        show_json(move_document(action))
    else:
        print_out(f"{action.version} is in charge (before: {action.facts.get('from') or 'none'})")
