"""The commands ``watchkeeper ack``, ``mute`` and ``unmute``: what a person says of an alert."""

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
    from watchkeeper.cli.triage_documents import TriageDocument
    from watchkeeper.core.action import Action
    from watchkeeper.core.store import Store

    Deed = Callable[[Store, str, str, datetime], Action]

__all__ = ["ack", "mute", "unmute"]

AlertId = Annotated[
    str, typer.Argument(metavar="[ALERT]", help="Its id, or the beginning of it; left out, the worst that fires.")
]

MutedId = Annotated[
    str, typer.Argument(metavar="[ALERT]", help="Its id, or the beginning of it; left out, the worst that is muted.")
]


def ack(
    alert: AlertId = "",
    why: Why = "on request",
    config: ConfigFile = FILE,
    model: ModelName = None,
    json: AsJson = False,
) -> None:
    """Acknowledge an alert: you take care of it."""
    from watchkeeper.run.triage import acknowledge

    _say(config, model, json, lambda store, name, who, at: acknowledge(store, name, alert, who=who, why=why, at=at))


def mute(
    alert: AlertId = "",
    lasts: Annotated[
        str, typer.Option("--for", metavar="TIME", help="How long, such as 6h, 2d or 1w; a year at most.")
    ] = "1d",
    why: Why = "on request",
    config: ConfigFile = FILE,
    model: ModelName = None,
    json: AsJson = False,
) -> None:
    """Tell nobody of an alert for a time.

    It is watched on, and told again where it still fires afterwards.
    """
    from watchkeeper.core.window import parse_duration
    from watchkeeper.run.triage import mute as mute_alert

    time = parse_duration(lasts)
    _say(
        config, model, json,
        lambda store, name, who, at: mute_alert(store, name, alert, lasts=time, who=who, why=why, at=at),
    )  # fmt: skip


def unmute(
    alert: MutedId = "",
    why: Why = "on request",
    config: ConfigFile = FILE,
    model: ModelName = None,
    json: AsJson = False,
) -> None:
    """Let a muted alert be told again from the next run on."""
    from watchkeeper.run.triage import unmute as unmute_alert

    _say(config, model, json, lambda store, name, who, at: unmute_alert(store, name, alert, who=who, why=why, at=at))


def _say(config: Path, model: str | None, json: bool, deed: Deed) -> None:
    from datetime import UTC, datetime

    from watchkeeper.api import open_records
    from watchkeeper.cli.results import user

    records = open_records(config)
    try:
        action = deed(records.store, records.only(model), user(), datetime.now(UTC))
    finally:
        records.close()
    if json:
        show_json(_document(action))
    else:
        print_out(_words(action))


def _document(action: Action) -> TriageDocument:
    from watchkeeper.cli.triage_documents import TriageDocument
    from watchkeeper.core.encode import SCHEMA_VERSION, in_utc

    at, until = in_utc(action.at), in_utc(next((ground.until for ground in action.because), None))
    return TriageDocument(SCHEMA_VERSION, action.model, action.alert, action.kind, at, until, action.who, action.why)


def _words(action: Action) -> str:
    from watchkeeper.core.action import ActionKind

    if action.kind is ActionKind.MUTE:
        return f"alert {action.alert} is muted until {action.because[0].until:%Y-%m-%d %H:%M} UTC"
    said = "is acknowledged" if action.kind is ActionKind.ACKNOWLEDGE else "is told again from the next run on"
    return f"alert {action.alert} {said}"
