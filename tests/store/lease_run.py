"""A worker that does what it is told with a lease, one order after the other, until it is killed."""

from __future__ import annotations

import os
from datetime import timedelta
from multiprocessing.connection import Connection

from watchkeeper.core.action import Action, ActionKind, Outcome
from watchkeeper.core.errors import LeasedError, LeaseLostError, StoreError
from watchkeeper.core.lease import Lease
from watchkeeper.store.ledger import Ledger

MODEL = "m"
LONG = timedelta(hours=1)
HOST = "host"


def work(orders: Connection, url: str) -> None:
    """Answer each order with what came of it."""
    ledger = Ledger(url)
    lease: Lease | None = None
    done = 0
    while True:
        order = orders.recv()
        try:
            if order == "take":
                lease = ledger.lease(MODEL, LONG, host=HOST, process=os.getpid())
                answer = f"took {lease.number}"
            elif lease is None:
                answer = "no lease"
            elif order == "write":
                done += 1
                name = f"{lease.number:06d}/{os.getpid()}/{done}"
                at = ledger.pointer(MODEL, "at")
                action = Action(name, MODEL, ActionKind.HOLD, Outcome.DONE, "", "")
                ledger.record(MODEL, [action], {"at": (at, name)}, lease)
                answer = f"wrote {name}"
            elif order == "renew":
                lease = ledger.renew(lease, LONG)
                answer = "renewed"
            else:
                ledger.release(lease)
                answer, lease = "released", None
        except LeaseLostError:
            answer, lease = "lost", None
        except LeasedError as error:
            answer = f"taken {error}"
        except StoreError as error:
            answer = f"failed {error}"
        orders.send(answer)
