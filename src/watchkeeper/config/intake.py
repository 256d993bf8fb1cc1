"""What the configuration says of the rows that may come in."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal

from watchkeeper.config.fields import Duration, Moment, Part
from watchkeeper.core.intake import TimeLimits

__all__ = ["Intake"]

_USUAL = TimeLimits()


class Intake(Part):
    """Which times of predictions can be; rows of another time are set aside in quarantine.

    Attributes
    ----------
    ahead
        How far after the clock of this machine a row may lie, such as the flights of next week.
    earliest
        No row is older.
    apart
        How far rows may lie from all others that are more; null for any distance.
    on_change
        What becomes of the rows of a file that was replaced by another: ``tell`` leaves them and says so, ``replace``
        puts the new ones in their place.
    """

    ahead: Duration = timedelta(days=1)
    earliest: Moment = _USUAL.earliest
    apart: Duration | None = _USUAL.apart
    on_change: Literal["tell", "replace"] = "tell"

    def limits(self, now: datetime) -> TimeLimits:
        """Return which times can be at a moment."""
        return TimeLimits(self.earliest, now + self.ahead, self.apart)
