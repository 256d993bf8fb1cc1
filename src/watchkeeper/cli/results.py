"""Results of commands as documents and as text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from watchkeeper.cli.output import print_err

if TYPE_CHECKING:
    from rich.table import Table

    from watchkeeper.cli.documents import RunDocument, RunsDocument
    from watchkeeper.cli.options import FailOn
    from watchkeeper.cli.version_documents import MoveDocument, VersionsDocument
    from watchkeeper.core.action import Action
    from watchkeeper.core.alert import Alert
    from watchkeeper.core.errors import WatchkeeperError
    from watchkeeper.core.provenance import Tenure
    from watchkeeper.maintain.registry import Version
    from watchkeeper.run.project import Project, RunReport

__all__ = [
    "action_text",
    "error_kind",
    "exit_code",
    "hints",
    "move_document",
    "past_moment",
    "problems_of",
    "run_text",
    "runs_document",
    "told_later",
    "user",
    "versions_document",
    "versions_table",
]


def error_kind(error: BaseException) -> str:
    """Return what kind of error it is in JSON, such as ``source`` or ``config``."""
    return type(error).__name__.removesuffix("Error").lower()


def past_moment(option: str, text: str, now: datetime) -> datetime:
    """Return the moment that an option names.

    Raises
    ------
    UsageError
        When the text is no moment, or one that is yet to come.
    """
    from watchkeeper.core.errors import UsageError

    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise UsageError(f"{option} {text!r} is no moment; valid: 2024-03-31, or 2024-03-31T06:00, in UTC") from None
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    if moment > now:
        raise UsageError(f"{option} {text!r} is yet to come; name a time before now, {now:%Y-%m-%d %H:%M} UTC")
    return moment


def exit_code(alerts: Iterable[Alert], least: FailOn, verdict: str = "ok") -> int:
    """Return 1 where an alert of at least a severity is firing, else 3 or 4 where the verdict says so."""
    from watchkeeper.cli.options import FailOn
    from watchkeeper.core.alert import AlertState, Severity

    firing = [alert.severity for alert in alerts if alert.state is AlertState.FIRING]
    if least is not FailOn.NEVER and any(severity >= Severity[least.name] for severity in firing):
        return 1
    return {"failed": 3, "no_data": 4, "blind": 4}.get(verdict, 0)


def user() -> str:
    """Return who asks, for the audit trail; in a container the number of a user may have no name."""
    import getpass
    import os

    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        return f"user {os.getuid()}" if hasattr(os, "getuid") else "unknown"


def move_document(action: Action) -> MoveDocument:
    """Return what was put in charge, for programs."""
    from watchkeeper.cli.version_documents import MoveDocument
    from watchkeeper.core.encode import SCHEMA_VERSION, in_utc
    from watchkeeper.words.actions import action_sentence

    return MoveDocument(
        schema_version=SCHEMA_VERSION,
        kind=action.kind,
        outcome=action.outcome,
        version=action.version,
        who=action.who,
        why=action_sentence(action),
        at=in_utc(action.at),
    )


def told_later(
    results: Mapping[str, RunReport | WatchkeeperError], problems: Mapping[str, Sequence[str]]
) -> dict[str, RunReport | WatchkeeperError]:
    """Say which messages could not be sent, and return the reports that know of them."""
    found: dict[str, RunReport | WatchkeeperError] = {}
    for name, words in problems.items():
        for problem in words:
            print_err(f"{name}: {problem}")
        report = results.get(name)
        if report is not None and not isinstance(report, Exception):
            found[name] = replace(report, problems=(*report.problems, *words))
    return found


def problems_of(result: RunReport | WatchkeeperError) -> list[str]:
    """Return what a person should know about a run beside its result."""
    return [str(result)] if isinstance(result, Exception) else [*result.intake, *result.problems]


def hints(project: Project, name: str) -> list[str]:
    """Return what is missing in the configuration of a model for a run to say much."""
    from watchkeeper.run.checkpoint import Checkpoint

    model, found = project.config.model(name), []
    if model.source is None and not Checkpoint.load(project.store, name).judged:
        found.append(f"nothing was logged by watchkeeper.log yet, and no table is named: set models.{name}.source")
    if model.reference is None:
        words = f"set models.{name}.reference, to a table or an interval of the log"
        found.append(f"there is nothing to compare with, so only performance is judged: {words}")
    return found


def runs_document(results: Mapping[str, RunReport | WatchkeeperError]) -> RunsDocument:
    """Return what runs came to, by model; of one that failed, its error."""
    from watchkeeper.cli.documents import RunsDocument
    from watchkeeper.core.encode import SCHEMA_VERSION

    return RunsDocument(SCHEMA_VERSION, {name: _run(result) for name, result in results.items()})


def _run(result: RunReport | WatchkeeperError) -> RunDocument:
    from msgspec import UNSET

    from watchkeeper.alerts.payload import payload
    from watchkeeper.cli.documents import ErrorDocument, RunDocument
    from watchkeeper.views.intervals import window_document
    from watchkeeper.views.report_json import action_document

    if isinstance(result, Exception):
        return RunDocument(error=ErrorDocument(error_kind(result), str(result)))
    return RunDocument(
        rows=sum(one.appended.rows for one in result.taken),
        summarised=tuple(window_document(w) for w in result.ran.summarised),
        judged=tuple(window_document(w) for w in result.ran.judged),
        revised=tuple(window_document(w) for w in result.ran.revised),
        alerts=tuple(payload(alert) for alert in result.ran.alerts),
        changed=tuple(payload(alert) for alert in result.ran.changed),
        actions=tuple(action_document(action, result.ran.alerts) for action in result.actions),
        orphans=result.ran.orphans,
        problems=tuple(problems_of(result)),
        dry_run=result.rehearsed or UNSET,
    )


def run_text(name: str, result: RunReport | WatchkeeperError) -> str:
    """Return what a run came to, in a few lines."""
    from watchkeeper.core.errors import LeasedError

    if isinstance(result, LeasedError):
        return f"{name}: another worker is at work on it"
    if isinstance(result, Exception):
        return f"{name}: could not run"
    ran = result.ran
    rows = sum(one.appended.rows for one in result.taken)
    lines = [f"{name}: a dry run: nothing was written, and nobody was told. A run would do this:"]
    lines = [
        *(lines if result.rehearsed else ()),
        f"{name}: {rows:,} rows taken in, {len(ran.judged)} windows judged"
        + (f", {len(ran.revised)} judged again after late data" if ran.revised else ""),
    ]
    lines += [f"  {_alert(alert)}" for alert in ran.alerts]
    lines += [f"  {action_text(a, ran.alerts)}" for a in result.actions]
    if not ran.alerts and ran.judged:
        lines.append("  no alerts")
    if result.rehearsed:
        news = ", ".join(f"{a.cause.value} ({a.state.value})" for a in ran.changed)
        lines += [f"  it would tell {', '.join(result.receivers) or 'nobody'} about {news or 'nothing new'}"]
    return "\n".join(lines)


def action_text(action: Action, alerts: Sequence[Alert] = ()) -> str:
    """Say what was done, to which version, and why."""
    from watchkeeper.words.actions import action_sentence

    said = f"{action.kind.value} {action.version}".rstrip()
    return f"{said} {action.outcome.value}: {action_sentence(action, alerts)}"


def _alert(alert: Alert) -> str:
    from watchkeeper.words.alerts import alert_sentence

    since = f" since {alert.since:%Y-%m-%d}" if alert.since else ""
    return f"{alert.severity} {alert.state.value} {alert.cause.value}{since}: {alert_sentence(alert)}"


def versions_document(
    model: str, versions: Sequence[Version], faults: Sequence[str], history: Sequence[Tenure], served: str | None
) -> VersionsDocument:
    """Return the versions of a model, for programs."""
    from watchkeeper.cli.version_documents import AuditDocument, TenureDocument, VersionDocument, VersionsDocument
    from watchkeeper.core.encode import SCHEMA_VERSION, in_utc
    from watchkeeper.views.intervals import window_document

    listed = tuple(
        VersionDocument(
            name=v.name,
            standing=v.standing,
            artefact=v.artefact,
            parent=v.parent,
            registered=in_utc(v.registered),
            trained=window_document(v.trained) if v.trained else None,
            metrics=dict(v.metrics),
        )
        for v in versions
    )
    audit = AuditDocument(not faults, tuple(faults))
    tenures = tuple(TenureDocument(one.role, one.version, one.since) for one in history)
    return VersionsDocument(SCHEMA_VERSION, model, audit, listed, tenures, served)


def versions_table(versions: Sequence[Version]) -> Table:
    """Return the versions of a model as a table."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("version", "standing", "trained on", "registered", "artefact"):
        table.add_column(name, no_wrap=True)
    table.add_column("metrics")
    for v in versions:
        metrics = ", ".join(f"{name} {value:.4g}" for name, value in v.metrics.items())
        registered = f"{v.registered:%Y-%m-%d}" if v.registered else ""
        trained = f"{v.trained.start:%Y-%m-%d} to {v.trained.end:%Y-%m-%d}" if v.trained else ""
        table.add_row(v.name, v.standing.value.replace("_", " "), trained, registered, v.artefact[:8], metrics)
    return table
