"""A process that appends in competition with others: python append_run.py FOLDER NUMBER COMMITS."""

from __future__ import annotations

import sys

from watchkeeper.core.action import Action, ActionKind, Outcome
from watchkeeper.core.state import State, StateKey
from watchkeeper.core.store import Table
from watchkeeper.core.window import WindowRule
from watchkeeper.stats.codec import decode_state, encode_state
from watchkeeper.store.open import open_store
from watchkeeper.testing.store import labels, predictions

if __name__ == "__main__":
    from tests.store.crash_run import SCHEMA, START

    folder, number, commits = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    store = open_store(folder, encode=encode_state, decode=decode_state)
    for commit in range(commits):
        name = number * commits + commit
        ids = [name * 10 + i for i in range(10)]
        rows = predictions(ids, [i % 3 for i in range(10)])
        assert store.append("m", Table.PREDICTIONS, rows, SCHEMA, source=f"mine {name}").rows == 10
        store.append("m", Table.PREDICTIONS, predictions([-1 - commit], [0]), SCHEMA, source=f"ours {commit}")
        store.append("m", Table.LABELS, labels(dict.fromkeys(ids, number)), SCHEMA)
        window = WindowRule().grain_of(START.replace(month=1 + name))
        store.put_states("m", {window: [State(StateKey("m", "", window, "all", "x"), problem=str(name))]})
        store.record("m", [Action(str(name), "m", ActionKind.HOLD, Outcome.DONE, "", "")])
    store.close()
