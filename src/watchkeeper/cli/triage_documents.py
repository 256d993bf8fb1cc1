"""What the commands about single alerts write with ``--json``."""

from __future__ import annotations

from dataclasses import dataclass

from watchkeeper.alerts.payload import SchemaVersion
from watchkeeper.core.action import ActionKind
from watchkeeper.core.encode import Moment

__all__ = ["TriageDocument"]


@dataclass(frozen=True, slots=True)
class TriageDocument:
    """What a person said of an alert, as the audit trail holds it.

    Attributes
    ----------
    until
        The end of the mute; null where none was asked for.
    """

    schema_version: SchemaVersion
    model: str
    alert: str
    kind: ActionKind
    at: Moment | None
    until: Moment | None
    who: str
    why: str
