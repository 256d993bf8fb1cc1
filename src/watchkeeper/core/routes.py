"""Which receiver is told of which alerts, how soon, and how often."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from fnmatch import fnmatchcase
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from watchkeeper.core.alert import Alert, Cause, Severity
from watchkeeper.core.errors import UsageError

__all__ = ["QuietHours", "Route", "parse_quiet"]

_QUIET = re.compile(r"(\d{1,2}):(\d\d)\s*-\s*(\d{1,2}):(\d\d)(?:\s+(\S+))?")


@dataclass(frozen=True, slots=True)
class QuietHours:
    """A time of the day in which only pages are sent; it may pass midnight."""

    start: time
    end: time
    zone: str = "UTC"

    def until(self, now: datetime) -> datetime | None:
        """Return when the quiet time ends that ``now`` lies in; None where it lies in none."""
        here = now.astimezone(ZoneInfo(self.zone))
        for days in (-1, 0):
            day = here.date() + timedelta(days=days)
            start = datetime.combine(day, self.start, here.tzinfo)
            end = datetime.combine(day + timedelta(days=self.end <= self.start), self.end, here.tzinfo)
            if start <= here < end:
                return end.astimezone(UTC)
        return None


def parse_quiet(text: str) -> QuietHours:
    """Return what a text such as ``22:00-07:00 Europe/Berlin`` says; without a zone it is UTC.

    Raises
    ------
    UsageError
        When it cannot be understood.

    Examples
    --------
    >>> parse_quiet("22:00-07:00").until(datetime(2024, 3, 4, 23, tzinfo=UTC))
    datetime.datetime(2024, 3, 5, 7, 0, tzinfo=datetime.timezone.utc)
    """
    found = _QUIET.fullmatch(text.strip())
    try:
        if found is None:
            raise ValueError
        hours = [time(int(found[n]), int(found[n + 1])) for n in (1, 3)]
        zone = found[5] or "UTC"
        ZoneInfo(zone)
    except (ValueError, ZoneInfoNotFoundError, OSError):
        raise UsageError("should be a time of the day such as 22:00-07:00 or 22:00-07:00 Europe/Berlin") from None
    return QuietHours(hours[0], hours[1], zone)


@dataclass(frozen=True, slots=True)
class Route:
    """A receiver, and what it wants to be told.

    Parameters
    ----------
    to, options
        The registry key of the notifier, and what it needs to know.
    models
        Patterns of names of models, with ``*`` and ``?``; without any it is told of all.
    tags
        A model has at least one of them; without any the tags do not matter.
    severity
        The least severity.
    causes
        The causes; without any it is told of all.
    repeat
        After how long it is told again that an alert still fires; None for never.
    quiet
        When it is sent pages only.
    digest
        How long notices are collected to be sent in one message; None to send them at once.
    """

    to: str
    options: Mapping[str, str] = field(default_factory=dict)
    models: Collection[str] = ()
    tags: Collection[str] = ()
    severity: Severity = Severity.NOTICE
    causes: Collection[Cause] = ()
    repeat: timedelta | None = None
    quiet: QuietHours | None = None
    digest: timedelta | None = None

    def serves(self, model: str, tags: Collection[str]) -> bool:
        """Return whether the receiver is one of this model's."""
        named = not self.models or any(fnmatchcase(model, pattern) for pattern in self.models)
        return named and (not self.tags or bool(set(self.tags) & set(tags)))

    def wants(self, alert: Alert) -> bool:
        """Return whether the receiver is to be told of this alert."""
        return alert.severity >= self.severity and (not self.causes or alert.cause in self.causes)
