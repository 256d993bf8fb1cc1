"""Working on a model under a lease, which is renewed for as long as the work takes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from os import getpid
from socket import gethostname
from threading import Event, Thread
from typing import TypeVar

from watchkeeper.core.errors import LeaseLostError, StoreError
from watchkeeper.core.lease import Lease, Leases
from watchkeeper.core.store import Store
from watchkeeper.store.leases import LeasedStore

__all__ = ["LENGTH", "leased"]

S = TypeVar("S", bound=Store)

LENGTH = timedelta(minutes=2)
"""How long a model stays with a worker that has died; one that lives renews its lease when a third of it is over."""


@contextmanager
def leased(store: S, model: str, length: timedelta = LENGTH) -> Iterator[S | LeasedStore]:
    """Take a model for the work inside, and give the store that writes only while the lease holds.

    Where the work is done under a lease already, or the store knows none, the store is given as it is.

    Raises
    ------
    LeasedError
        When another worker is at work on the model; the message says who.
    """
    if isinstance(store, LeasedStore) or not isinstance(store, Leases):
        yield store
        return
    lease = store.lease(model, length, host=gethostname(), process=getpid())
    done = Event()
    renewing = Thread(target=_renew, args=(store, lease, length, done), name=f"lease of {model}", daemon=True)
    renewing.start()
    try:
        yield LeasedStore(store, lease)
    finally:
        done.set()
        renewing.join()
        with suppress(StoreError):
            store.release(lease)


def _renew(store: Leases, lease: Lease, length: timedelta, done: Event) -> None:
    while not done.wait(length.total_seconds() / 3):
        try:
            store.renew(lease, length)
        except LeaseLostError:
            return  # the next write says so
        except StoreError:
            continue
