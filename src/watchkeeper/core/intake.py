"""Why a row may not enter the log, and which times can be."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

__all__ = ["Refusal", "TimeLimits"]


class Refusal(StrEnum):
    """Why a row is set aside."""

    ID = "id"
    TIME = "time"
    EARLY = "early"
    AHEAD = "ahead"
    APART = "apart"
    DOUBLED = "doubled"

    @property
    def readable(self) -> bool:
        """Whether the row could be stored as it is, if somebody says that it is right."""
        return self in (Refusal.EARLY, Refusal.AHEAD, Refusal.APART)


@dataclass(frozen=True, slots=True)
class TimeLimits:
    """Which times of predictions can be.

    Attributes
    ----------
    earliest
        No row is older. 100 million seconds after 1970, by default: what lies before is an empty clock, or one that
        counts since its start.
    latest
        No row is newer; None where nobody knows what time it is now.
    apart
        Rows that lie farther than this from all others, and are fewer, are not of this log; None for any distance.
    """

    earliest: datetime = datetime(1973, 3, 3, 9, 46, 40, tzinfo=UTC)
    latest: datetime | None = None
    apart: timedelta | None = timedelta(days=3_653)
