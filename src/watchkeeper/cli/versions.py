"""The commands about the versions of a model, and which of them is in charge."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from watchkeeper.cli.configuration import FILE, AsJson, ConfigFile
from watchkeeper.cli.options import ModelName, Why
from watchkeeper.cli.output import print_err, print_out, progress_bar, show, show_json

if TYPE_CHECKING:
    from watchkeeper.core.action import Action
    from watchkeeper.run.keep import Maintainer

    Deed = Callable[[Maintainer, str, datetime], Action]

__all__ = ["compress", "gc", "promote", "retrain", "rollback", "versions"]

_UNSAID = "on request"


def versions(
    at: Annotated[
        str | None, typer.Option("--at", metavar="TIME", help="Only say which version was in charge at this time.")
    ] = None,
    config: ConfigFile = FILE,
    model: ModelName = None,
    json: AsJson = False,
) -> None:
    """List versions and who served when; check the audit trail."""
    from datetime import UTC, datetime

    from watchkeeper.api import open_project
    from watchkeeper.cli.results import past_moment, versions_document, versions_table
    from watchkeeper.run.audit import audit_faults

    moment = past_moment("--at", at, datetime.now(UTC)) if at else None
    with open_project(config) as project:
        name = project.only(model)
        keeper = project.keeper(name)
        found, faults = keeper.versions(), audit_faults(project.store, name)
        served, history = keeper.registry.served_at(moment) if moment else None, keeper.registry.history()
    if json:
        show_json(versions_document(name, found, faults, history, served))
    elif moment:
        print_out(f"{served or 'No version'} was in charge of {name} at {moment:%Y-%m-%d %H:%M} UTC")
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
    why: Why = _UNSAID,
    force: Annotated[bool, typer.Option("--force", help="Also one that the gate has refused; say --why.")] = False,
    instead_of: Annotated[
        str | None,
        typer.Option(metavar="VERSION", help="The champion you decided about; another one in charge is a conflict."),
    ] = None,
    config: ConfigFile = FILE,
    model: ModelName = None,
    json: AsJson = False,
) -> None:
    """Put a version in charge."""
    from watchkeeper.core.errors import UsageError

    if force and why == _UNSAID:
        raise UsageError(f"to force {version} in charge, say why: --why WORDS")

    def deed(keeper: Maintainer, who: str, now: datetime) -> Action:
        return keeper.promote(version, who=who, why=why, at=now, force=force, instead_of=instead_of)

    _move(config, model, json, deed)


def rollback(
    to: Annotated[
        str | None, typer.Option(metavar="VERSION", help="An earlier champion; the one just before by default.")
    ] = None,
    why: Why = _UNSAID,
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

    with open_project(config) as project:
        action = deed(project.keeper(project.only(model)), user(), datetime.now(UTC))
    if json:
        show_json(move_document(action))
    else:
        from watchkeeper.core.action import Outcome

        done = action.outcome is Outcome.DONE
        before = action.facts.get("from") or "none"
        print_out(f"{action.version} {f'is in charge (before: {before})' if done else 'waits for a second person'}")


def retrain(
    why: Why = _UNSAID,
    config: ConfigFile = FILE,
    model: ModelName = None,
    json: AsJson = False,
) -> None:
    """Train a challenger now, and let the gate judge it."""
    from datetime import UTC, datetime

    from watchkeeper.api import open_project
    from watchkeeper.cli.results import action_text, user
    from watchkeeper.cli.version_documents import RetrainDocument
    from watchkeeper.core.action import Outcome
    from watchkeeper.core.encode import SCHEMA_VERSION
    from watchkeeper.views.report_json import action_document

    with open_project(config) as project, progress_bar() as progress:
        actions = project.retrain(
            project.only(model), datetime.now(UTC), who=user(), why=why,
            progress=lambda words: progress(words, 0, None),
        )  # fmt: skip
    if json:
        show_json(RetrainDocument(SCHEMA_VERSION, tuple(action_document(action) for action in actions)))
    else:
        for action in actions:
            print_out(action_text(action))
    if any(action.outcome is Outcome.FAILED for action in actions):
        raise typer.Exit(3)


def compress(
    version: Annotated[str, typer.Argument(metavar="VERSION", help="The version to give another form.")],
    to: Annotated[str, typer.Option(metavar="FORM", help="onnx, int8, pruned or distilled.")],
    why: Why = _UNSAID,
    config: ConfigFile = FILE,
    model: ModelName = None,
    json: AsJson = False,
) -> None:
    """Make a version smaller or faster, and let the gate judge it."""
    from datetime import UTC, datetime

    from watchkeeper.api import open_project
    from watchkeeper.cli.results import action_text, user
    from watchkeeper.cli.version_documents import CompressDocument
    from watchkeeper.core.action import Outcome
    from watchkeeper.core.encode import SCHEMA_VERSION
    from watchkeeper.run.compressing import compress as made_of
    from watchkeeper.views.report_json import action_document

    project = open_project(config)
    try:
        keeper, said = project.keeper(project.only(model)), "" if why == _UNSAID else why
        actions = made_of(keeper, version, to, datetime.now(UTC), who=user(), why=said)
    finally:
        project.close()
    passed = actions[-1].outcome is Outcome.DONE
    if json:
        documents = tuple(action_document(action) for action in actions)
        show_json(CompressDocument(SCHEMA_VERSION, actions[-1].version, passed, documents))
    else:
        for action in actions:
            print_out(action_text(action))
    if not passed:
        raise typer.Exit(1)


def gc(
    hours: Annotated[
        int, typer.Option(min=1, help="Files of the last hours stay: they may be about to be registered.")
    ] = 1,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    config: ConfigFile = FILE,
    json: AsJson = False,
) -> None:
    """Remove model files that no version names."""
    from datetime import timedelta

    from watchkeeper.cli.version_documents import GcDocument
    from watchkeeper.core.encode import SCHEMA_VERSION
    from watchkeeper.run.artefacts import remove_unnamed_artefacts
    from watchkeeper.run.records import open_records

    with open_records(config) as records:
        gone = remove_unnamed_artefacts(records, timedelta(hours=hours), dry_run=dry_run)
    if json:
        show_json(GcDocument(SCHEMA_VERSION, dry_run, tuple(one.name for one in gone), sum(one.bytes for one in gone)))
        return
    size = sum(one.bytes for one in gone)
    print_out(f"{len(gone):,} model files that no version names {'would go' if dry_run else 'went'}, {size:,} bytes")
    for one in gone:
        print_out(f"  {one.name}")
