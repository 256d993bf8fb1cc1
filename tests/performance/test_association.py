"""Labels that turned: the sign tells, whatever decay came before, and a model that only grew worse does not."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from scipy.special import expit

from watchkeeper.core.schema import ALL, Task
from watchkeeper.faults.fault import Site
from watchkeeper.faults.label_flip import LabelFlip
from watchkeeper.performance.association import turned_labels
from watchkeeper.schema.inference import infer_schema
from watchkeeper.stats.summarise import summarise_rows

KINDS = ("two classes", "two classes without scores", "four classes", "numbers")


def log(kind: str, n: int, seed: int, signal: float = 1.0) -> pl.DataFrame:
    """Return rows; with less ``signal`` labels follow the features less, which is decay."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 3))
    columns = {f"x{k}": x[:, k] for k in range(3)}
    if kind == "numbers":
        truth = 20 + 3 * x[:, 0] + 2 * x[:, 1]
        label = 20 + signal * (truth - 20) + rng.standard_t(4, n) * 2
        return pl.DataFrame({**columns, "prediction": truth, "label": label})
    if kind == "four classes":
        weights = np.random.default_rng(7).normal(size=(3, 4)) * 1.5
        z, names = x @ weights, np.array(list("abcd"))
        share = np.exp(signal * z)
        share /= share.sum(axis=1, keepdims=True)
        label = names[(rng.random((n, 1)) > share.cumsum(axis=1)).sum(axis=1).clip(0, 3)]
        return pl.DataFrame({**columns, "prediction": names[z.argmax(axis=1)], "label": label})
    odds = 1.5 * x[:, 0] + x[:, 1] - 0.8
    label = (rng.random(n) < expit(signal * odds)).astype(int)
    score = {} if kind.endswith("scores") else {"score": expit(odds)}
    return pl.DataFrame({**columns, **score, "prediction": (odds > 0).astype(int), "label": label})


def states(frame: pl.DataFrame, schema) -> dict:
    return {(ALL, s.key.column): s for s in summarise_rows(frame, schema)}


@pytest.mark.parametrize("kind", KINDS)
def test_labels_that_turned_are_told_by_their_sign_after_decay_too(kind: str) -> None:
    before = log(kind, 4_000, 1)
    schema = infer_schema(before, task=Task.REGRESSION if kind == "numbers" else None)
    reference = states(before, schema)
    site = Site(schema, schema["label"], before, before)
    turn = LabelFlip().plant(site, 1.0, np.random.default_rng(0))
    assert turn is not None
    found, false = [], []
    for seed in range(10):
        for signal in (1.0, 0.5):
            rows = log(kind, 400, 100 + seed, signal)
            found.append(turned_labels(reference, states(turn(rows), schema), schema))
            false.append(turned_labels(reference, states(rows, schema), schema))
        noise = log(kind, 400, 200 + seed, 0.0)
        false.append(turned_labels(reference, states(noise, schema), schema))
    assert sum(one is not None for one in found) >= 0.9 * len(found)
    assert not any(false)
    told = next(one for one in found if one is not None)
    assert told.column == "label"
    if kind in ("two classes", "numbers"):
        assert told.value < 0 < told.evidence.change.before
    if kind == "four classes":
        assert len(told.evidence.change.levels) == 4
