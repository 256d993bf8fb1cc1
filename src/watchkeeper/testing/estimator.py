"""What every estimator of performance must obey."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import reduce
from itertools import pairwise
from math import isclose, isfinite

import numpy as np
import polars as pl
from scipy.special import expit

from watchkeeper.core.measurement import Family, Measurement, Status
from watchkeeper.core.plugins import plugins
from watchkeeper.core.schema import Schema, Task
from watchkeeper.core.state import OUTCOME, State
from watchkeeper.performance.assess_estimates import assess_estimates
from watchkeeper.performance.estimator import Estimator
from watchkeeper.schema.inference import infer_schema
from watchkeeper.stats.codec import decode_state, encode_state, merge_states
from watchkeeper.stats.statistic import is_optional
from watchkeeper.stats.summarise import summarise_rows

__all__ = ["check_estimator"]

States = Mapping[str, State]

_REFERENCE, _CURRENT, _LABELS, _WINDOWS = 8_000, 2_000, 400, 6
_COVERED = 0.8
_CLASSES = np.array(["a", "b", "c"])


@dataclass(frozen=True, slots=True)
class _Log:
    """Rows of a model whose labels are all known."""

    task: Task
    rng: np.random.Generator

    def draw(self, n: int) -> pl.DataFrame:
        x, w = self.rng.normal(size=(2, n))
        features = {"id": self.rng.integers(0, 2**62, n), "x": x, "w": w, "side": np.where(x > 0, "left", "right")}
        if self.task is Task.BINARY:
            score = expit(1.5 * x + w)
            label = self.rng.random(n) < expit(1.2 * x + w - 0.2)
            return pl.DataFrame({**features, "score": score, "prediction": score > 0.5, "label": label})
        if self.task is Task.REGRESSION:
            label = 20 + 3 * x + (0.5 + np.abs(w)) * self.rng.normal(size=n)
            return pl.DataFrame({**features, "prediction": 20 + 3 * x, "label": label})
        odds = np.exp(np.column_stack([x, w, np.zeros(n)]))
        truth = odds / odds.sum(axis=1, keepdims=True)
        label = _CLASSES[(self.rng.random((n, 1)) > truth.cumsum(axis=1)).sum(axis=1).clip(0, 2)]
        told = {f"score_{name}": truth[:, k] for k, name in enumerate(_CLASSES)}
        return pl.DataFrame({**features, **told, "prediction": _CLASSES[truth.argmax(axis=1)], "label": label})


def check_estimator(estimator: Estimator, seed: int = 0) -> None:
    """Assert that an estimator obeys its contract on every task it is defined for.

    Checked: the protocol; measurements are of family ``estimate``, finite, inside their bands, and say their method and
    what they assume; states merged in any chunking and states that were stored give the estimates of the whole; with
    rows like the reference's the bands cover what is realised in four of five cases at least, as they should in 95 of
    100; a window without rows has no data; a reference without labels has none; a broken state is a failure, never a
    number.

    Raises
    ------
    AssertionError
        Naming the law that is broken.
    """
    assert isinstance(estimator, Estimator), "it lacks a member of the protocol Estimator"
    assert estimator.__doc__, "it has no docstring"
    assert type(plugins("estimator").get(estimator.name)) is type(estimator), f"{estimator.name!r} is not registered"
    tasks = [task for task in (Task.BINARY, Task.MULTICLASS, Task.REGRESSION) if task in estimator.tasks]
    assert tasks, "it is defined for no task"
    for task in tasks:
        _check_task(estimator, _Log(task, np.random.default_rng(seed)))


def _check_task(estimator: Estimator, log: _Log) -> None:
    first = log.draw(_REFERENCE)
    schema = infer_schema(first, task=log.task)
    if not estimator.applies(schema):
        return
    reference = _states(first, schema)
    hits: list[bool] = []
    for number in range(_WINDOWS):
        whole = log.draw(_CURRENT)
        frame = whole.with_columns(pl.when(pl.int_range(pl.len()) < _LABELS).then(pl.col("label")).alias("label"))
        current = _states(frame, schema)
        found = assess_estimates(reference, current, schema, [estimator.name])
        assert found, f"{log.task.value}: it estimates nothing"
        for one in found:
            _check_measurement(estimator, one, log.task)
        hits += list(_covered(found, whole, schema))
        if number == 0:
            _check_merging(estimator, reference, frame, schema, found)
            _check_holes(estimator, reference, current, frame, schema, log.task)
    assert np.mean(hits) >= _COVERED, f"{log.task.value}: bands of 95 % cover {np.mean(hits):.0%}"


def _states(frame: pl.DataFrame, schema: Schema) -> dict[str, State]:
    optional = [name for name, made in plugins("statistic").items() if is_optional(made)]
    return {state.key.column: state for state in summarise_rows(frame, schema, keep=optional)}


def _check_measurement(estimator: Estimator, one: Measurement, task: Task) -> None:
    told = f"{task.value}, {one.name}"
    assert one.status is Status.OK, f"{told}: {one.status.value}, {one.reason}"
    assert one.family is Family.ESTIMATE, f"{told}: its family is {one.family.value}"
    assert one.value is not None, f"{told}: no value"
    assert isfinite(one.value), f"{told}: {one.value} is not finite"
    assert one.interval is not None, f"{told}: it has no band"
    assert one.interval[0] <= one.value <= one.interval[1], f"{told}: {one.value} lies outside {one.interval}"
    made = one.evidence.estimate
    assert made is not None, f"{told}: it says nothing of how it was estimated"
    assert made.method == estimator.name, f"{told}: its method is {made.method!r}"
    assert made.assumes, f"{told}: it does not say what it assumes"
    assert one.n > 0, f"{told}: it reports no rows"


def _covered(found: list[Measurement], whole: pl.DataFrame, schema: Schema) -> Iterator[bool]:
    outcome = _states(whole, schema)[OUTCOME]
    for one in found:
        metric = plugins("metric").get(one.name)
        realised = metric.measure(outcome).value if metric is not None else None
        if realised is not None and one.interval is not None:
            yield one.interval[0] <= realised <= one.interval[1]


def _check_merging(
    estimator: Estimator, reference: States, frame: pl.DataFrame, schema: Schema, found: list[Measurement]
) -> None:
    places = (0, *range(300, frame.height, 700), frame.height)
    pieces = [_states(frame[a:b], schema) for a, b in pairwise(places)]
    merged = {column: reduce(merge_states, [piece[column] for piece in pieces]) for column in pieces[0]}
    stored = {column: decode_state(encode_state(state)) for column, state in _states(frame, schema).items()}
    kept = {column: decode_state(encode_state(state)) for column, state in reference.items()}
    for law, before, now in (("merged", reference, merged), ("stored", kept, stored)):
        again = assess_estimates(before, now, schema, [estimator.name])
        for one, other in zip(found, again, strict=True):
            assert one.name == other.name, f"{law} states give other metrics"
            assert other.value is not None, f"{one.name}: {law} states give no value: {other.reason}"
            assert one.value is not None
            alike = isclose(one.value, other.value, rel_tol=1e-6, abs_tol=1e-9)
            assert alike, f"{one.name}: {law} states give {other.value}, not {one.value}"


def _check_holes(
    estimator: Estimator, reference: States, current: States, frame: pl.DataFrame, schema: Schema, task: Task
) -> None:
    blank = frame.with_columns(frame["label"].clear(frame.height).alias("label"))
    for law, before, now in (
        ("a window without rows", reference, _states(frame.clear(), schema)),
        ("a reference without labels", _states(blank, schema), current),
    ):
        for one in assess_estimates(before, now, schema, [estimator.name]):
            told = f"{task.value}, {one.name}: {law} gives {one.status.value} {one.value}"
            assert one.status is Status.NO_DATA, told
    broken = {column: replace(state, parts={}, problem="broken on purpose") for column, state in current.items()}
    found = assess_estimates(reference, broken, schema, [estimator.name])
    assert found, f"{task.value}: a broken state gives nothing"
    for one in found:
        assert one.status is Status.FAILED, f"{task.value}, {one.name}: a broken state gives {one.status.value}"
        assert "broken on purpose" in one.reason, f"{task.value}, {one.name}: the reason of a failure is lost"
