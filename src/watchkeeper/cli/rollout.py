"""The commands about rollouts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from watchkeeper.cli.configuration import FILE, AsJson, ConfigFile
from watchkeeper.cli.options import ModelName, Why
from watchkeeper.cli.output import print_out, show_json

if TYPE_CHECKING:
    from watchkeeper.maintain.rollout import Rollout
    from watchkeeper.run.rollouts import Rollouts

    Deed = Callable[[Rollouts, str, datetime], Rollout]

__all__ = ["rollout_app"]

rollout_app = typer.Typer(help="Let a challenger take over step by step.", no_args_is_help=True, rich_markup_mode=None)

_UNSAID = "on request"


@rollout_app.command("start")
def rollout_start(
    version: Annotated[str, typer.Argument(metavar="VERSION", help="The challenger.")],
    why: Why = _UNSAID,
    config: ConfigFile = FILE,
    model: ModelName = None,
    json: AsJson = False,
) -> None:
    """Begin to roll a version out."""
    _done(config, model, json, lambda rollouts, who, now: rollouts.start(version, who=who, why=why, at=now))


@rollout_app.command("pause")
def rollout_pause(why: Why = _UNSAID, config: ConfigFile = FILE, model: ModelName = None, json: AsJson = False) -> None:
    """Hold the open rollout at its stage."""
    _done(config, model, json, lambda rollouts, who, now: rollouts.pause(who=who, why=why, at=now))


@rollout_app.command("resume")
def rollout_resume(
    why: Why = _UNSAID, config: ConfigFile = FILE, model: ModelName = None, json: AsJson = False
) -> None:
    """Let the paused rollout go on."""
    _done(config, model, json, lambda rollouts, who, now: rollouts.resume(who=who, why=why, at=now))


@rollout_app.command("abort")
def rollout_abort(why: Why = _UNSAID, config: ConfigFile = FILE, model: ModelName = None, json: AsJson = False) -> None:
    """End the open rollout; the champion stays."""
    _done(config, model, json, lambda rollouts, who, now: rollouts.abort(who=who, why=why, at=now))


def _done(config: Path, model: str | None, json: bool, deed: Deed) -> None:
    from datetime import UTC, datetime

    from watchkeeper.api import open_project
    from watchkeeper.cli.results import user

    with open_project(config) as project:
        name = project.only(model)
        found = deed(project.rollouts(name), user(), datetime.now(UTC))
    _show(name, found, json)


def _show(model: str, rollout: Rollout | None, json: bool) -> None:
    from watchkeeper.views.rollout import rollout_lines, rollout_status

    if json:
        show_json(rollout_status(model, rollout))
    else:
        for line in rollout_lines(model, rollout):
            print_out(line)


@rollout_app.command("status")
def rollout_show(config: ConfigFile = FILE, model: ModelName = None, json: AsJson = False) -> None:
    """Show how the newest rollout stands."""
    from watchkeeper.maintain.rollout import ROLLOUT, read_rollout
    from watchkeeper.run.records import open_records

    with open_records(config) as records:
        name = records.only(model)
        found = read_rollout(records.store.pointer(name, ROLLOUT))
    _show(name, found, json)


@rollout_app.command("verdict")
def rollout_verdict(config: ConfigFile = FILE, model: ModelName = None, json: AsJson = False) -> None:
    """Say what a deployment should do with the challenger.

    Exit codes: 0 promote or wait, 1 roll back, 2 usage or configuration, 3 could not be read.
    """
    from watchkeeper.maintain.registry import CHAMPION
    from watchkeeper.maintain.rollout import ROLLOUT, read_rollout
    from watchkeeper.run.records import open_records
    from watchkeeper.views.rollout import verdict_document

    with open_records(config) as records:
        name = records.only(model)
        held = records.store.pointer(name, ROLLOUT)
        found = verdict_document(name, read_rollout(held), records.store.pointer(name, CHAMPION))
    if json:
        show_json(found)
    else:
        print_out(f"{found.verdict}: {found.reason}")
    if found.roll_back:
        raise typer.Exit(1)
