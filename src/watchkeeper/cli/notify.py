"""The commands about notifiers: try them, see what has not arrived, send it again."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from watchkeeper.cli.configuration import FILE, AsJson, ConfigFile
from watchkeeper.cli.options import ModelName
from watchkeeper.cli.output import print_out, show_json

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from watchkeeper.core.delivery import Delivery
    from watchkeeper.run.records import Records

__all__ = ["notify_app"]

notify_app = typer.Typer(help="Try the receivers of alerts, and see what has not arrived.", no_args_is_help=True,
                         rich_markup_mode=None)  # fmt: skip


@notify_app.command("test")
def notify_test(
    config: ConfigFile = FILE,
    model: ModelName = None,
    to: Annotated[str, typer.Option(metavar="NAME", help="Only this notifier, such as slack.")] = "",
    json: AsJson = False,
) -> None:
    """Send each receiver a message that says that it is a test, and its end.

    Exit codes: 0 all took it, 2 usage or configuration, 3 one did not.
    """
    from watchkeeper.cli.notify_documents import TrialDocument, TrialsDocument
    from watchkeeper.core.encode import SCHEMA_VERSION
    from watchkeeper.core.errors import UsageError, near_miss
    from watchkeeper.run.told import try_receivers

    found: list[TrialDocument] = []
    with _opened(config) as records:
        routes = {name: records.routes(name) for name in _models(records, model)}
        known = {route.to for listed in routes.values() for route in listed}
        if to and to not in known:
            raise UsageError(f"no receiver {to!r} is configured; {near_miss(to, known)}")
        for name, listed in routes.items():
            wanted = [route for route in listed if not to or route.to == to]
            trials = try_receivers(name, wanted, datetime.now(UTC))
            found += [TrialDocument(name, one.to, one.problem or None) for one in trials]
    if json:
        show_json(TrialsDocument(SCHEMA_VERSION, tuple(found)))
    else:
        for one in found:
            print_out(f"{one.model}: {one.to} {f'failed: {one.problem}' if one.problem else 'took the message'}")
        if not found:
            print_out("No receiver is configured; name some under notify.")
    if any(one.problem for one in found):
        raise typer.Exit(3)


@notify_app.command("status")
def notify_status(config: ConfigFile = FILE, model: ModelName = None, json: AsJson = False) -> None:
    """Show the messages that have not arrived: those that wait, and those that were given up."""
    from watchkeeper.cli.notify_documents import outbox_document
    from watchkeeper.run.told import undelivered

    with _opened(config) as records:
        found = [(name, one) for name in _models(records, model) for one in undelivered(name, records.store)]
    if json:
        show_json(outbox_document(found))
        return
    for name, one in found:
        print_out(f"{name}: {_line(one)}")
    if not found:
        print_out("No message is waiting.")


@notify_app.command("retry")
def notify_retry(config: ConfigFile = FILE, model: ModelName = None, json: AsJson = False) -> None:
    """Send everything again that waits or was given up.

    Exit codes: 0 all arrived, 2 usage or configuration, 3 something did not.
    """
    from watchkeeper.api.pictures import picture_of
    from watchkeeper.cli.notify_documents import outbox_document
    from watchkeeper.run.outbox import Courier
    from watchkeeper.run.told import due_again, undelivered

    with _opened(config) as records:
        courier = Courier(records.store, draw=partial(picture_of, records.store))
        names, tried = _models(records, model), 0
        for name in names:
            tried += len(due_again(name, records.store, datetime.now(UTC)))
            courier.hand_over(name, records.routes(name))
        courier.collect()
        left = [(name, one) for name in names for one in undelivered(name, records.store)]
    if json:
        show_json(outbox_document(left))
    else:
        print_out(f"{tried - len(left)} of {tried} messages have arrived" if tried else "No message is waiting.")
        for name, one in left:
            print_out(f"{name}: {_line(one)}")
    if left:
        raise typer.Exit(3)


def _line(one: Delivery) -> str:
    from watchkeeper.core.delivery import DeliveryState

    tried = f"{one.attempts} {'try' if one.attempts == 1 else 'tries'} failed" if one.attempts else "not tried yet"
    why = f" ({one.problem})" if one.problem else ""
    after = f"goes out with the first run after {one.due:%Y-%m-%d %H:%M} UTC"
    follows = "given up; watchkeeper notify retry sends it" if one.state is DeliveryState.DEAD else after
    return f"alert {one.alert} to {one.notifier}: {tried}{why}; {follows}"


def _models(records: Records, model: str | None) -> list[str]:
    return list(records.config.models) if model is None else [records.only(model)]


@contextmanager
def _opened(config: Path) -> Iterator[Records]:
    from watchkeeper.api import open_records

    records = open_records(config)
    try:
        yield records
    finally:
        records.close()
