"""A reference is summarised in pieces, of which each holds no more than its blocks are read for."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from watchkeeper.core.batch import Batch
from watchkeeper.core.schema import Task
from watchkeeper.core.spec import Spec
from watchkeeper.core.state import JOINT, OUTCOME
from watchkeeper.core.window import WindowRule
from watchkeeper.schema.inference import infer_schema
from watchkeeper.stats.codec import encode_state, merged
from watchkeeper.stats.summarise import summarise
from watchkeeper.steps.embedding import Embedding
from watchkeeper.steps.estimates import kept_for_estimates
from watchkeeper.steps.reference import reference_blocks, reference_pieces, summarise_reference
from watchkeeper.steps.stored_reference import reference_states
from watchkeeper.store.memory import MemoryStore

DAYS = 12


def answers(task: Task) -> tuple[list[pl.DataFrame], Spec]:
    """Return 100 rows of each day as frames of their own, and what they are."""
    rng = np.random.default_rng(4)
    n = 100 * DAYS
    x, z = rng.normal(size=(2, n))
    score = 1 / (1 + np.exp(-x))
    told = {"score": score, "prediction": (score > 0.5).astype(int), "label": (rng.random(n) < score).astype(int)}
    if task is Task.REGRESSION:
        told = {"prediction": 2 * x, "label": 2 * x + rng.normal(size=n)}
    time = [datetime(2026, 1, 1, tzinfo=UTC) + DAYS * timedelta(days=1) * i / n for i in range(n)]
    frame = pl.DataFrame({"id": np.arange(n), "time": time, "x": x, "z": z, **told})
    schema = infer_schema(frame, task=task)
    now, learnt_from = kept_for_estimates(schema, "auto")
    day = timedelta(days=1)
    spec = Spec("m", schema, windows=WindowRule(day, day), keep=now, reference_keep=learnt_from)
    return [frame.slice(start, 100) for start in range(0, n, 100)], spec


@pytest.mark.parametrize(("task", "samples"), [(Task.BINARY, 1), (Task.REGRESSION, DAYS)])
def test_rows_are_sampled_by_window_only_where_blocks_are_estimated_from_them(task: Task, samples: int) -> None:
    frames, spec = answers(task)
    learning = replace(spec, keep=(*spec.keep, *spec.reference_keep))
    # Batches of other columns are folded one by one, as those of a large table are.
    batches = [Batch(frame.with_columns(pl.lit(0).alias(f"f{n}")), spec.schema) for n, frame in enumerate(frames)]
    found = reference_pieces(iter(batches), learning, Embedding())
    assert sum(key.column == JOINT for key in found) == samples
    assert sum(key.column == OUTCOME for key in found) == DAYS
    plain = merged(summarise(batches, learning).values(), None, "m")
    whole = merged(found.values(), None, "m")
    assert {k: encode_state(s) for k, s in whole.items()} == {k: encode_state(s) for k, s in plain.items()}
    assert whole["all", JOINT].parts["answer_sample"].rows == 100 * DAYS


@pytest.mark.parametrize("task", [Task.BINARY, Task.REGRESSION])
def test_rows_of_a_reference_that_lack_their_time_are_in_it_and_in_no_block(task: Task) -> None:
    frames, spec = answers(task)
    lost = [
        Batch(f.with_columns(time=pl.when(pl.int_range(pl.len()) % 9 > 0).then("time")), spec.schema) for f in frames
    ]
    store = MemoryStore()
    summarise_reference(spec, store, lost, "table")
    assert reference_states(spec, store)["all", JOINT].parts["answer_sample"].rows == 100 * DAYS
    blocks = reference_blocks(spec, store)["all"]
    assert (blocks.blocks, blocks.unknown) == (DAYS if task is Task.REGRESSION else DAYS - 1, "")
