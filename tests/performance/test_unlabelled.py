"""What is estimated with the labels taken away is what is estimated of rows that never had any."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from tests.performance.estimation_data import applicants
from watchkeeper.core.schema import Schema
from watchkeeper.performance.assess_estimates import default_estimates, estimators_for, kept_for, kept_now_for
from watchkeeper.performance.unlabelled import unlabelled
from watchkeeper.schema.inference import infer_schema
from watchkeeper.stats.summarise import summarise_rows


def numbers(rng: np.random.Generator, n: int) -> pl.DataFrame:
    x, z = rng.normal(size=(2, n))
    return pl.DataFrame({"x": x, "z": z, "prediction": 5 + x, "label": 5 + x + np.exp(0.5 * z) * rng.normal(size=n)})


def states(frame: pl.DataFrame, schema: Schema, keep: tuple[str, ...]) -> dict:
    return {s.key.column: s for s in summarise_rows(frame, schema, keep=keep)}


@pytest.mark.parametrize("draw", [applicants, numbers])
def test_estimates_are_those_of_rows_without_labels(draw) -> None:
    rng = np.random.default_rng(3)
    before, now = draw(rng, 3_000), draw(rng, 800)
    schema = infer_schema(before)
    names = estimators_for(schema)
    reference = states(before, schema, kept_for(names))
    bare = now.with_columns(pl.lit(None, now.schema["label"]).alias("label"))
    whole, without = (states(frame, schema, kept_now_for(names)) for frame in (now, bare))
    hidden = default_estimates(reference, unlabelled(whole), schema)
    told = [(m.name, m.value, m.error) for m in hidden]
    assert told == [(m.name, m.value, m.error) for m in default_estimates(reference, without, schema)]
    assert any(value is not None for _, value, _ in told)
