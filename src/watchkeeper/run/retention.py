"""Removing records that the configuration does not want any more."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from watchkeeper.config.model import Retention
from watchkeeper.core.alert import Alert
from watchkeeper.core.delivery import Delivery
from watchkeeper.core.measurement import Measurement
from watchkeeper.core.store import Forgets, Store
from watchkeeper.run.checkpoint import Checkpoint

__all__ = ["Removed", "apply_retention"]


_DELIVERIES = timedelta(days=90)
"""How long it is kept which messages were sent."""


@dataclass(frozen=True, slots=True)
class Removed:
    """How many records were removed; signals go with their measurements, and diagnoses with their alerts."""

    measurements: int = 0
    alerts: int = 0


def apply_retention(store: Store, model: str, retention: Retention) -> Removed:
    """Remove the records of a model that are older than the configuration keeps them.

    The age counts from the newest judged window and not from the clock, so that a log of years ago that is worked
    through today keeps its newest numbers.

    Raises
    ------
    StoreError
        When the store cannot be written.
    """
    newest = Checkpoint.load(store, model).newest(1)
    if newest is None or not isinstance(store, Forgets):
        return Removed()
    kept = {Measurement: retention.numbers, Alert: retention.alerts}
    store.forget(model, Delivery, newest.end - _DELIVERIES)
    removed = [store.forget(model, kind, newest.end - age) if age is not None else 0 for kind, age in kept.items()]
    return Removed(*removed)
