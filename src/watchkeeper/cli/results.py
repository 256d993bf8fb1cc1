"""Results of commands as JSON and as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.table import Table

    from watchkeeper.core.action import Action
    from watchkeeper.core.alert import Alert
    from watchkeeper.core.window import Window
    from watchkeeper.maintain.registry import Version
    from watchkeeper.run.project import Outcome

__all__ = ["action_json", "run_json", "run_text", "versions_json", "versions_table"]


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


def run_json(results: Mapping[str, Outcome]) -> dict[str, Any]:
    """Return what runs came to, by model."""
    return {"schema_version": 1, "models": {name: _run(result) for name, result in results.items()}}


def _run(result: Outcome) -> dict[str, Any]:
    from watchkeeper.alerts.payload import payload

    return {
        "rows": sum(one.appended.rows for one in result.taken),
        "summarised": [_window(w) for w in result.ran.summarised],
        "judged": [_window(w) for w in result.ran.judged],
        "revised": [_window(w) for w in result.ran.revised],
        "alerts": [payload(alert) for alert in result.ran.alerts],
        "changed": [payload(alert) for alert in result.ran.changed],
        "actions": [action_json(action) for action in result.actions],
        "orphans": result.ran.orphans,
        "problems": [*result.intake, *result.problems],
    }


def _window(window: Window) -> dict[str, str]:
    return {"start": window.start.isoformat(), "end": window.end.isoformat()}


def run_text(name: str, result: Outcome) -> str:
    """Return what a run came to, in a few lines."""
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
    since = f" since {alert.since:%Y-%m-%d}" if alert.since else ""
    return f"{alert.severity} {alert.state.value} {alert.cause.value}{since}: {alert.message}"


def versions_json(model: str, versions: Sequence[Version], breaks: Sequence[int]) -> dict[str, Any]:
    """Return the versions of a model as JSON values."""
    return {
        "schema_version": 1,
        "model": model,
        "audit": {"whole": not breaks, "breaks": list(breaks)},
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
    for name in ("version", "standing", "trained on", "registered", "artefact", "metrics"):
        table.add_column(name)
    for v in versions:
        metrics = ", ".join(f"{name} {value:.4g}" for name, value in v.metrics.items())
        registered = f"{v.registered:%Y-%m-%d}" if v.registered else ""
        table.add_row(v.name, v.standing.value, str(v.trained or ""), registered, v.artefact[:12], metrics)
    return table
