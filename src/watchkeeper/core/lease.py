"""The right to work on one model, which one worker has at a time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol, runtime_checkable

__all__ = ["Lease", "Leases"]


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to work on one model until a moment.

    Parameters
    ----------
    number
        Grows each time the model changes hands. Writes that name a lease are refused once the number has grown, so that
        a worker that was thought dead, and wakes up, spoils nothing.
    host, process
        Who holds it.
    since, until
        When it was taken and when it lapses, by the clock of the store.
    """

    model: str
    number: int
    host: str
    process: int
    since: datetime
    until: datetime

    def __str__(self) -> str:
        span = f"{self.since:%Y-%m-%d %H:%M:%S} and until {self.until:%H:%M:%S} UTC"
        return f"process {self.process} on {self.host} since {span} unless it is renewed"


@runtime_checkable
class Leases(Protocol):
    """A store that lets one worker at a time work on a model; ``record`` and ``put_states`` of it take a lease."""

    def lease(self, model: str, length: timedelta, *, host: str, process: int) -> Lease:
        """Take the model, for as long as ``length`` unless it is renewed; LeasedError where another worker has it."""

    def renew(self, lease: Lease, length: timedelta) -> Lease:
        """Return the lease with ``length`` to go from now on; LeaseLostError where it was taken over or released."""

    def release(self, lease: Lease) -> None:
        """Let the next worker have the model at once; nothing happens where it was taken over."""
