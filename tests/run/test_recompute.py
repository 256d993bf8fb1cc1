"""An alarm of long ago is recomputed from stored states, without the rows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl

from watchkeeper.core.query import Query
from watchkeeper.core.schema import Role
from watchkeeper.core.signal import Signal
from watchkeeper.core.spec import AlertRule, Spec
from watchkeeper.core.store import Table
from watchkeeper.core.window import Window, WindowRule
from watchkeeper.run.checkpoint import Checkpoint
from watchkeeper.run.judging import Judging
from watchkeeper.run.once import run_once
from watchkeeper.schema.inference import infer_schema
from watchkeeper.stats.codec import merged
from watchkeeper.steps.assess import assess
from watchkeeper.steps.judge import judge
from watchkeeper.steps.lately import lately_before
from watchkeeper.steps.monitors import default_monitors, kept
from watchkeeper.steps.recent import recent_before
from watchkeeper.steps.stored_reference import reference_effects, reference_states
from watchkeeper.store.memory import MemoryStore
from watchkeeper.store.nouns import from_json, to_json

START = datetime(2024, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)


def log(days: int, seed: int) -> pl.DataFrame:
    """Users come in clusters of five; on the last three days x is higher and a town is new."""
    rng = np.random.default_rng(seed)
    frames = []
    for day in range(days):
        late = day >= days - 3
        moments = [START + day * DAY + timedelta(minutes=i) for i in range(1_000)]
        x = np.repeat(rng.normal(0.9 * late, 1, 200), 5)
        town = rng.choice(["Ulm", "Bonn", "Rom"] if late else ["Ulm", "Bonn"], 1_000)
        frames.append(pl.DataFrame({"id": [f"{day}-{i}" for i in range(1_000)], "at": moments, "x": x, "town": town}))
    return pl.concat(frames)


def test_the_signals_of_every_window_follow_from_the_states_alone() -> None:
    frame = log(33, 5)
    schema = infer_schema(frame.head(20_000), roles={Role.ID: "id", Role.TIME: "at"})
    rule = AlertRule(1, 1, 1, 365.0)
    monitors = default_monitors(schema, rule, history=True)
    spec = Spec("m", schema, WindowRule(), Window(START, START + 25 * DAY), monitors, rule, keep=kept(monitors))
    store = MemoryStore()
    store.append("m", Table.PREDICTIONS, frame, schema, source="all")
    run_once(spec, store, START + 33 * DAY)
    effects = reference_effects(spec, store)
    assert effects["x"] > 2
    reference = reference_states(spec, store)
    judging, place = Judging.of(spec, store, WindowRule()), Checkpoint.load(store, "m")
    fired = set()
    for day in range(25, 33):
        window = Window(START + day * DAY, START + (day + 1) * DAY)
        before = judging.memory_before(window, place)
        states = merged((s for _, s in sorted(store.states("m", window).items())), window, "m")
        recent = recent_before(before.recent, window, judging.rule.every)
        lately = lately_before(before.lately, window, judging.rule.every)
        measured = assess(
            states, reference, spec, effects=effects, rates=judging.rates, recent=recent, lately=lately, now=window.end,
            between=judging.between, season=judging.season,
        )  # fmt: skip
        again = judge(measured, spec, before, window)
        recorded = [s for s in store.recorded("m", Signal, Query(window=window)) if s.measurement.name != "stability"]
        # As a store gives them back: whole numbers of fields of floats are floats then.
        assert sorted(to_json(from_json(to_json(s), Signal)) for s in again.signals) == sorted(map(to_json, recorded))
        fired |= {(day, s.measurement.column) for s in again.signals if s.fired}
    assert {day for day, _ in fired} == {30, 31, 32}
    assert {column for _, column in fired} == {"x", "town"}
