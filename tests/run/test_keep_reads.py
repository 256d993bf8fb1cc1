"""What maintenance reads of its own deeds does not grow with them."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

from watchkeeper.core.action import Action, ActionKind, Outcome
from watchkeeper.core.query import Query
from watchkeeper.run.checkpoint import Checkpoint
from watchkeeper.store.memory import MemoryStore

from .invented import MODEL, START, day
from .test_keep import REFERENCE, TURNED, kept


class Counting(MemoryStore):
    """A store that counts the actions it hands out."""

    read = 0

    def recorded(self, model: str, kind: type[Any], query: Query | None = None) -> list[Any]:
        found = super().recorded(model, kind, query)
        self.read += len(found) if kind is Action else 0
        return found


def test_what_maintenance_reads_of_its_own_deeds_does_not_grow_with_them(tmp_path: Path) -> None:
    store = Counting()
    model = kept(tmp_path, TURNED, store)
    begun = Checkpoint.load(store, MODEL)
    store.record(MODEL, [], begun.judge(day(9), 0, filled=True).moves(begun))
    counts, keeper = [], model.keeper(MODEL)
    for first in (0, 400):
        deeds = [
            Action(f"{kind}{n}", MODEL, kind, outcome, "", "watchkeeper", START - timedelta(days=800 - n))
            for n in range(first, first + 400)
            for kind, outcome in ((ActionKind.HOLD, Outcome.DONE), (ActionKind.RETRAIN, Outcome.FAILED))
        ]
        proposal = Action(
            f"open{first}", MODEL, ActionKind.RETRAIN, Outcome.PROPOSED, "", "watchkeeper", day(8).end,
            facts={"mode": "auto"},
        )  # fmt: skip
        store.record(MODEL, [*deeds, proposal])
        store.read = 0
        assert keeper.propose(day(10).start) == []
        assert keeper.unfinished()[-1] == proposal
        counts.append(store.read)
    assert counts[0] == counts[1]
    assert 300 < counts[0] < 1_000
    version = keeper._memory(day(9).end).version
    assert version is not None
    assert (version.name, version.trained) == ("v1", REFERENCE)
