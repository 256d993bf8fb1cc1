"""The last run of a model that failed: remembered until one succeeds, so that no old verdict passes for the present."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import wraps
from pathlib import Path
from traceback import extract_tb
from typing import Any, Protocol, TypeVar

import msgspec

from watchkeeper.core.errors import STOPS, InternalError, LeasedError, LeaseLostError, WatchkeeperError, in_short
from watchkeeper.core.store import Store
from watchkeeper.store.nouns import from_json

__all__ = ["FailedRun", "as_error", "failed_run", "remembers_failures"]

_POINTER = "failed_run"


@dataclass(frozen=True)
class FailedRun:
    """A run that came to nothing.

    Attributes
    ----------
    at
        The moment of the run.
    message
        What went wrong, and what to do about it.
    """

    at: datetime
    message: str


class _Runs(Protocol):
    @property
    def store(self) -> Store: ...


R = TypeVar("R")
P = TypeVar("P", bound=_Runs)


def remembers_failures(run: Callable[..., R]) -> Callable[..., R]:
    """Make the run of a model remember that it failed, and forget it once it does not.

    Whatever is raised, a panic of a library included, is raised as one of our errors.
    """

    @wraps(run)
    def remembering(self: _Runs, name: str, now: datetime, **more: Any) -> R:
        try:
            result = run(self, name, now, **more)
        except (*STOPS, LeasedError, LeaseLostError):
            raise
        except BaseException as error:
            known = as_error(error)
            with suppress(WatchkeeperError):
                _remember(self.store, name, FailedRun(now.astimezone(UTC), str(known)))
            raise known from error
        _remember(self.store, name, None)
        return result

    return remembering


def failed_run(store: Store, model: str) -> FailedRun | None:
    """Return the last run of a model if it failed."""
    text = store.pointer(model, _POINTER)
    return from_json(text, FailedRun) if text else None


def as_error(error: BaseException) -> WatchkeeperError:
    """Return an error as one of ours, which names where it came from."""
    if isinstance(error, WatchkeeperError):
        return error
    if isinstance(error, OSError):
        return InternalError(f"{f'{error.filename}: ' if error.filename else ''}{error.strerror or error}")
    frames = extract_tb(error.__traceback__)
    place = f" ({Path(frames[-1].filename).name}, line {frames[-1].lineno})" if frames else ""
    return InternalError(
        f"{in_short(error)}{place}. This is a fault of Watchkeeper itself, please report it; the other models go on"
    )


def _remember(store: Store, model: str, failed: FailedRun | None) -> None:
    before = store.pointer(model, _POINTER)
    after = msgspec.json.encode(failed).decode() if failed else None
    if before != after:
        store.record(model, [], {_POINTER: (before, after)})
