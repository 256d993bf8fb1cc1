"""A concept shift without covariate shift: what each method says of it."""

from __future__ import annotations

import numpy as np
import polars as pl
from scipy.special import expit

from bench.estimation.ours import states_of
from watchkeeper.core.plugins import plugins
from watchkeeper.core.state import OUTCOME
from watchkeeper.performance.assess_estimates import assess_estimates
from watchkeeper.schema.inference import infer_schema

LABELS = 200
WINDOWS = 40
METHODS = ("cbpe", "pape", "multicalibrated", "prediction_powered")


def concept_shift() -> dict[str, dict[str, float]]:
    """Return by method the mean estimate, the mean realised accuracy, the mean absolute error and the coverage.

    In every window the log odds of the label fall by 2.5 where a feature is positive. The features stay as they are.
    ``prediction_powered`` has the labels of 200 of 5,000 rows, the others of none.
    """
    rng = np.random.default_rng(40)

    def draw(n: int, concept: float) -> pl.DataFrame:
        x, w = rng.normal(size=(2, n))
        score = expit(1.8 * x + 1.2 * w)
        label = rng.random(n) < expit(1.6 * x + w - 0.3 + concept * (x > 0))
        return pl.DataFrame(
            {"x": x, "w": w, "score": score, "prediction": (score > 0.5).astype(int), "label": label.astype(int)}
        )

    reference = draw(20_000, 0.0)
    schema = infer_schema(reference)
    before = states_of(reference, schema, ("answer_sample",))
    told: dict[str, list[tuple[float, float, bool]]] = {method: [] for method in METHODS}
    for _ in range(WINDOWS):
        frame = draw(5_000, -2.5)
        known = pl.int_range(pl.len()) < LABELS
        part = frame.with_columns(pl.when(known).then(pl.col("label")).alias("label"))
        now = states_of(part, schema, ("answer_sample",))
        truth = plugins("metric")["accuracy"].measure(states_of(frame, schema, ())[OUTCOME]).value
        for method in METHODS:
            found = next(m for m in assess_estimates(before, now, schema, [method]) if m.name == "accuracy")
            told[method].append((found.value, truth, found.interval[0] <= truth <= found.interval[1]))
    return {
        method: {
            "estimate": float(np.mean([row[0] for row in rows])),
            "realised": float(np.mean([row[1] for row in rows])),
            "error": float(np.mean([abs(row[0] - row[1]) for row in rows])),
            "covered": float(np.mean([row[2] for row in rows])),
        }
        for method, rows in told.items()
    }
