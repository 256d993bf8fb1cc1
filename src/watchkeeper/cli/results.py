"""Results of commands as JSON and as text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.table import Table

    from watchkeeper.core.action import Action
    from watchkeeper.core.alert import Alert
    from watchkeeper.core.diagnosis import Incident
    from watchkeeper.core.errors import WatchkeeperError
    from watchkeeper.core.window import Window
    from watchkeeper.maintain.registry import Version
    from watchkeeper.run.project import Project, RunReport

__all__ = [
    "action_json",
    "any_firing",
    "error_kind",
    "hints",
    "incident_json",
    "problems_of",
    "run_json",
    "run_text",
    "user",
    "versions_json",
    "versions_table",
]


def error_kind(error: BaseException) -> str:
    """Return what kind of error it is in JSON, such as ``source`` or ``config``."""
    return type(error).__name__.removesuffix("Error").lower()


def any_firing(alerts: Iterable[Alert], least: str) -> bool:
    """Return whether an alert of at least a severity, named in capitals, is firing."""
    from watchkeeper.core.alert import AlertState, Severity

    return any(alert.state is AlertState.FIRING and alert.severity >= Severity[least] for alert in alerts)


def user() -> str:
    """Return who asks, for the audit trail; in a container the number of a user may have no name."""
    import getpass
    import os

    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        return f"user {os.getuid()}" if hasattr(os, "getuid") else "unknown"


def action_json(action: Action) -> dict[str, Any]:
    """Return an action as JSON values."""
    return {
        "schema_version": 1,
        "kind": action.kind.value,
        "outcome": action.outcome.value,
        "version": action.version,
        "who": action.who,
        "why": action.why,
        "at": action.at.isoformat() if action.at else None,
    }


def incident_json(incident: Incident) -> dict[str, Any]:
    """Return an incident as JSON values."""
    from watchkeeper.words.causes import incident_sentence

    return {
        "message": incident_sentence(incident),
        "columns": list(incident.columns),
        "models": list(incident.models),
        "alerts": list(incident.alerts),
        "earliest": incident.earliest.isoformat(),
        "latest": incident.latest.isoformat(),
    }


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


def run_json(results: Mapping[str, RunReport | WatchkeeperError]) -> dict[str, Any]:
    """Return what runs came to, by model; of one that failed, its error."""
    return {"schema_version": 1, "models": {name: _run(result) for name, result in results.items()}}


def _run(result: RunReport | WatchkeeperError) -> dict[str, Any]:
    from watchkeeper.alerts.payload import payload

    if isinstance(result, Exception):
        return {"error": {"kind": error_kind(result), "message": str(result)}}
    return {
        "rows": sum(one.appended.rows for one in result.taken),
        "summarised": [_window(w) for w in result.ran.summarised],
        "judged": [_window(w) for w in result.ran.judged],
        "revised": [_window(w) for w in result.ran.revised],
        "alerts": [payload(alert) for alert in result.ran.alerts],
        "changed": [payload(alert) for alert in result.ran.changed],
        "actions": [action_json(action) for action in result.actions],
        "orphans": result.ran.orphans,
        "problems": problems_of(result),
    }


def _window(window: Window) -> dict[str, str]:
    return {"start": window.start.isoformat(), "end": window.end.isoformat()}


def run_text(name: str, result: RunReport | WatchkeeperError) -> str:
    """Return what a run came to, in a few lines."""
    from watchkeeper.core.errors import LeasedError

    if isinstance(result, LeasedError):
        return f"{name}: another worker is at work on it"
    if isinstance(result, Exception):
        return f"{name}: could not run"
    ran = result.ran
    rows = sum(one.appended.rows for one in result.taken)
    lines = [
        f"{name}: {rows:,} rows taken in, {len(ran.judged)} windows judged"
        + (f", {len(ran.revised)} judged again after late data" if ran.revised else "")
    ]
    lines += [f"  {_alert(alert)}" for alert in ran.alerts]
    lines += [f"  {a.kind.value} {a.version}".rstrip() + f" {a.outcome.value}: {a.why}" for a in result.actions]
    if not ran.alerts and ran.judged:
        lines.append("  no alerts")
    return "\n".join(lines)


def _alert(alert: Alert) -> str:
    from watchkeeper.words.alerts import alert_sentence

    since = f" since {alert.since:%Y-%m-%d}" if alert.since else ""
    return f"{alert.severity} {alert.state.value} {alert.cause.value}{since}: {alert_sentence(alert)}"


def versions_json(model: str, versions: Sequence[Version], faults: Sequence[str]) -> dict[str, Any]:
    """Return the versions of a model as JSON values."""
    return {
        "schema_version": 1,
        "model": model,
        "audit": {"whole": not faults, "faults": list(faults)},
        "versions": [
            {
                "name": v.name,
                "standing": v.standing.value,
                "artefact": v.artefact,
                "parent": v.parent,
                "registered": v.registered.isoformat() if v.registered else None,
                "trained": _window(v.trained) if v.trained else None,
                "metrics": dict(v.metrics),
            }
            for v in versions
        ],
    }


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
