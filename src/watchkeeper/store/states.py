"""The states of one model in a Delta table: one partition for each stored window, replaced as a whole."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import polars as pl

from watchkeeper.core.errors import LeaseLostError, StateError
from watchkeeper.core.lease import Lease
from watchkeeper.core.state import State, StateKey
from watchkeeper.core.window import Window
from watchkeeper.store.columns import UTC_TIME
from watchkeeper.store.delta import Delta
from watchkeeper.store.faults import reported
from watchkeeper.store.leases import lost

__all__ = ["StateTable", "check_windows"]

_REFERENCE = "reference"
_SCHEMA = {
    "window": pl.String(),
    "window_start": UTC_TIME,
    "window_end": UTC_TIME,
    "version": pl.String(),
    "segment": pl.String(),
    "column": pl.String(),
    "blob": pl.Binary(),
}


class StateTable:
    """The states of one model.

    Parameters
    ----------
    uri, options
        Where the table lies.
    encode, decode
        Turn a state into bytes and back.
    """

    def __init__(
        self, uri: str, options: Mapping[str, str], encode: Callable[[State], bytes], decode: Callable[[bytes], State]
    ) -> None:
        self.table = Delta(uri, options, "window")
        self._encode, self._decode = encode, decode

    def put(self, states: Mapping[Window | None, Iterable[State]], lease: Lease | None = None) -> None:
        """Replace all states of each stored window given (None: the reference) in one commit.

        The commit bears the number of the lease, and is refused after one with a higher number: the holder of an older
        lease would put states of fewer rows in the place of newer ones.
        """
        rows: list[tuple[Any, ...]] = []
        for window, found in states.items():
            place, (start, end) = _place(window), (window.start, window.end) if window else (None, None)
            kept = sorted(check_windows(window, found), key=_order)
            rows += [(place, start, end, s.key.version, s.key.segment, s.key.column, self._encode(s)) for s in kept]
        places = ", ".join(f"'{_place(window)}'" for window in states)
        if places:
            replaced = pl.DataFrame(rows, schema=_SCHEMA, orient="row"), f'"window" IN ({places})'
            if not self.table.replace(*replaced, fence=("lease", lease.number) if lease else None) and lease:
                raise LeaseLostError(lost(lease))

    def get(self, window: Window | None, columns: Sequence[str]) -> dict[StateKey, State]:
        """Return the states whose window lies in ``window`` (None: the reference), of all or some columns."""
        within = (_moment(window.start), _moment(window.end)) if window else (_REFERENCE, _REFERENCE)
        rows = self.table.scan({"window": within})
        if rows is None:
            return {}
        with reported(self.table.uri, "read"):
            if window is not None:
                rows = rows.filter(pl.col("window_end") <= window.end)
            if columns:
                rows = rows.filter(pl.col("column").is_in(list(columns)))
            order = ("window_start", "window_end", "column", "segment", "version")
            ordered = rows.select(*order, "blob").collect().sort(*order)
        states = [self._decode(blob) for blob in ordered["blob"]]
        return {state.key: state for state in states}


def check_windows(window: Window | None, states: Iterable[State]) -> list[State]:
    """Return the states as a list.

    Raises
    ------
    StateError
        When two states have the same key, or one is about another window than the one it is to be kept for.
    """
    kept = list(states)
    seen: set[StateKey] = set()
    for state in kept:
        if window is not None and state.key.window != window:
            raise StateError(
                f"a state of column {state.key.column!r} is about {state.key.window}, not about {window}; "
                f"nothing was written"
            )
        if state.key in seen:
            raise StateError(f"two states have the same key {state.key}; merge them first; nothing was written")
        seen.add(state.key)
    return kept


def _order(state: State) -> tuple[str, str, str]:
    return (state.key.column, state.key.segment, state.key.version)


def _place(window: Window | None) -> str:
    """Return the name of the partition of a window: names sort as their windows start, and are safe in any path."""
    return _REFERENCE if window is None else f"{_moment(window.start)}_{_moment(window.end)}"


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds").translate(_SAFE)


_SAFE = str.maketrans("", "", "-:.")
