"""What every metric must obey."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache, reduce
from itertools import pairwise
from math import isclose, isfinite, sqrt

import numpy as np
import polars as pl

from watchkeeper.core.measurement import Family, Measurement, Status
from watchkeeper.core.metric import Bounded, Charted, Estimated, Metric, OfAllRows, RowLoss, bounds_of, side_of
from watchkeeper.core.plugins import plugins
from watchkeeper.core.schema import Role
from watchkeeper.core.state import State
from watchkeeper.core.tasks import Labels
from watchkeeper.performance.expectation import Expectation, ExpectedMetric
from watchkeeper.stats.codec import decode_state, encode_state, merge_states
from watchkeeper.testing.answered_rows import MODELS, Answering, drawn_states, state_of_rows

__all__ = ["check_metric"]

_ROWS, _WINDOWS, _MANY = 600, 120, 20_000
_COVERED = 0.88
_NO_ROWS, _NO_LABEL, _NO_ANSWER = "no rows", "rows without a label", "rows without any answer"
_BROKEN = "a broken state"
_ANSWERS = (Role.LABEL, Role.PREDICTION, Role.SCORE, Role.CLASS_SCORE, Role.QUANTILE, Role.LABEL_TIME)


def check_metric(metric: Metric, seed: int = 0) -> None:
    """Assert that a metric obeys its contract for a model of every task it is defined for.

    Checked: the protocol; without rows, and without a label, there is no number, unless the metric is
    one ``OfAllRows``; a broken state is a failure, with its reason;
    states merged in any chunking, states that were stored, and rows in another order give the value of the whole; value
    and interval lie within ``bounds``, the value in its interval, and no error is negative. Of a model that is planted
    worse the metric is worse on average, on the side of ``larger_is_better``.

    Checked on 120 simulated windows: 95 % intervals contain the value of 20,000 rows in 88 % of them at least, and the
    standard error is at least three quarters of the spread of the values, and at most three times as much.

    What it says of itself besides is checked as well: the chart and the estimators it names exist; the losses of rows
    are not negative, are unknown where a label is, have the metric as their mean, and ``constant`` costs no more than
    any percentile of the labels; what is expected where labels are certain is what comes.

    Raises
    ------
    AssertionError
        Naming the law that is broken.
    """
    _check_protocol(metric)
    asked = [model for model in MODELS if model.schema.task in metric.tasks and metric.applies(model.schema)]
    assert asked, f"it applies to no log of the tasks {', '.join(sorted(task.value for task in metric.tasks))}"
    for model in asked:
        _check_holes(metric, model, seed)
        _check_merging(metric, model, seed)
        _check_harm(metric, model, seed)
        _check_chance(metric, model, seed)
        if isinstance(metric, RowLoss):
            _check_losses(metric, model, seed)
        if isinstance(metric, ExpectedMetric) and model.schema.task.spec.two_classes:
            _check_expected(metric, model, seed)


def _check_protocol(metric: Metric) -> None:
    assert isinstance(metric, Metric), "it lacks a member of the protocol Metric"
    assert metric.plugin == "metric", f"plugin is {metric.plugin!r}"
    assert metric.__doc__, "it has no docstring"
    assert type(plugins("metric").get(metric.name)) is type(metric), f"{metric.name!r} is not registered"
    assert metric.larger_is_better in (True, False, None), f"larger_is_better is {metric.larger_is_better!r}"
    if isinstance(metric, Bounded):
        assert metric.bounds[0] < metric.bounds[1], f"its bounds are {metric.bounds}"
    if isinstance(metric, Charted):
        assert metric.chart in plugins("chart"), f"there is no chart {metric.chart!r}"
    for name in metric.estimators if isinstance(metric, Estimated) else ():
        assert name in plugins("estimator"), f"there is no estimator {name!r}"
    for ability, member in ((RowLoss, "row_losses"), (ExpectedMetric, "expected")):
        lacks = hasattr(metric, member) and not isinstance(metric, ability)
        assert not lacks, f"it has {member} and lacks something else of the protocol {ability.__name__}"


def _rows(model: Answering, seed: int, harm: float = 0.3) -> pl.DataFrame:
    return model.draw(np.random.default_rng([seed, 7]), _ROWS, harm)


def _model(name: str) -> Answering:
    return next(model for model in MODELS if model.name == name)


@lru_cache(maxsize=len(MODELS))
def _hole_states(name: str, seed: int) -> dict[str, State]:
    """Return the states of rows that lack something; every metric is asked of the same ones."""
    model = _model(name)
    frame = _rows(model, seed)
    blank = [c.name for c in model.schema if c.role in (Role.LABEL, Role.LABEL_TIME)]
    unanswered = [c.name for c in model.schema if c.role in _ANSWERS]
    rows = {
        _NO_ROWS: frame.clear(), _NO_LABEL: _emptied(frame, blank), _NO_ANSWER: _emptied(frame, unanswered)
    }  # fmt: skip
    broken = replace(state_of_rows(frame, model.schema), parts={}, problem="broken on purpose")
    return {**{lack: state_of_rows(held, model.schema) for lack, held in rows.items()}, _BROKEN: broken}


def _check_holes(metric: Metric, model: Answering, seed: int) -> None:
    states = _hole_states(model.name, seed)
    for law in (_NO_ROWS,) if isinstance(metric, OfAllRows) else (_NO_ROWS, _NO_LABEL):
        found = metric.measure(states[law])
        told = f"{model.name}: {law} give {found.status.value} {found.value}"
        assert found.status is Status.NO_DATA and found.value is None and found.reason, told
    nothing = metric.measure(states[_NO_ANSWER])
    if model.schema.of(Role.LABEL) is None or not isinstance(metric, OfAllRows):
        assert nothing.value is None, f"{model.name}: {_NO_ANSWER} give {nothing.value}"
    found = metric.measure(states[_BROKEN])
    told = f"{model.name}: {_BROKEN} gives {found.status.value} {found.value}"
    assert found.status is Status.FAILED and found.value is None, told
    assert "broken on purpose" in found.reason, f"{model.name}: the reason of a failure is lost"


def _emptied(frame: pl.DataFrame, names: list[str]) -> pl.DataFrame:
    return frame.with_columns(pl.lit(None, frame.schema[name]).alias(name) for name in names)


@lru_cache(maxsize=len(MODELS))
def _same_states(name: str, seed: int) -> dict[str, State]:
    """Return the state of a model's rows, and those that have to tell the same; every metric is asked of them."""
    model = _model(name)
    frame = _rows(model, seed)
    whole = state_of_rows(frame, model.schema)
    shuffled = frame.sample(fraction=1.0, shuffle=True, seed=seed + 1)
    cuts = (0, *sorted(np.random.default_rng(seed).integers(0, frame.height, 6).tolist()), frame.height)
    pieces = [state_of_rows(frame[a:b], model.schema) for a, b in pairwise(cuts)]
    return {
        "the same state, asked again,": whole,
        "merged states": reduce(merge_states, pieces),
        "a stored state": decode_state(encode_state(whole)),
        "rows in another order": state_of_rows(shuffled, model.schema),
    }


def _check_merging(metric: Metric, model: Answering, seed: int) -> None:
    again = _same_states(model.name, seed)
    found = metric.measure(next(iter(again.values())))
    _check_measurement(metric, model, found, _ROWS)
    for law, state in again.items():
        other = metric.measure(state)
        told = f"{model.name}: {law} give {other.status.value} {other.value}, the whole {found.value}"
        assert other.value is not None and _near(other.value, found.value), told
        assert other.n == found.n, f"{model.name}: {law} give n = {other.n}, the whole {found.n}"
        assert _near(other.error, found.error), f"{model.name}: {law} give error {other.error}, not {found.error}"


def _near(a: float | None, b: float | None) -> bool:
    return a == b if a is None or b is None else isclose(a, b, rel_tol=1e-7, abs_tol=1e-9)


def _check_measurement(metric: Metric, model: Answering, found: Measurement, rows: int) -> None:
    about = f"{model.name}: "
    assert found.status is Status.OK, f"{about}answered rows give {found.status.value}: {found.reason}"
    assert (found.family, found.name) == (Family.METRIC, metric.name), f"{about}it is filed as {found.series}"
    assert found.value is not None and isfinite(found.value), f"{about}{found.value} is not a finite number"
    assert 0 < found.n <= rows, f"{about}n is {found.n} of {rows} rows"
    assert found.error is None or found.error >= 0, f"{about}its standard error is {found.error}"
    lower, upper = bounds_of(metric)
    inside = lower <= found.value <= upper
    assert inside, f"{about}{found.value} lies outside of its bounds {lower:g} to {upper:g}"
    if found.interval is not None:
        low, high = found.interval
        assert low <= found.value <= high, f"{about}{found.value} lies outside of its interval {low:g} to {high:g}"
        inside = lower <= low and high <= upper
        assert inside, f"{about}its interval {low:g} to {high:g} lies outside of its bounds {lower:g} to {upper:g}"


def _values(metric: Metric, model: Answering, harm: float, seed: int) -> Iterator[Measurement]:
    for state in drawn_states(model.name, harm, _ROWS, _WINDOWS if not harm else _WINDOWS // 4, seed):
        found = metric.measure(state)
        _check_measurement(metric, model, found, _ROWS)
        yield found


def _check_harm(metric: Metric, model: Answering, seed: int) -> None:
    well, badly = (np.array([m.value for m in _values(metric, model, harm, seed)], float) for harm in (0.0, 1.0))
    side, away = side_of(metric), float(badly.mean() - well.mean())
    if side == "both":
        return
    error = sqrt(float(well.var()) / len(well) + float(badly.var()) / len(badly))
    told = f"{model.name}: a model that is worse has {badly.mean():.4g} instead of {well.mean():.4g}"
    assert (-away if side == "lower" else away) > 3 * error, f"{told}, and harm is said to lie on the {side} side"


def _check_chance(metric: Metric, model: Answering, seed: int) -> None:
    found = list(_values(metric, model, 0.0, seed))
    truth = metric.measure(drawn_states(model.name, 0.0, _MANY, 1, seed)[0]).value
    assert truth is not None, f"{model.name}: many rows give no value"
    intervals = [m.interval for m in found if m.interval is not None]
    if intervals:
        covered = float(np.mean([low <= truth <= high for low, high in intervals]))
        told = f"{model.name}: its 95 % intervals contain {truth:.4g}, the value of many rows, in {covered:.1%}"
        assert covered >= _COVERED, f"{told} of the windows"
    errors = np.array([m.error for m in found if m.error is not None])
    if len(errors):
        spread, error = float(np.std([m.value or 0.0 for m in found])), float(errors.mean())
        told = f"{model.name}: its standard error is {error:.3g}, and its values spread by {spread:.3g}"
        # Values that are all alike, as shares of one, do not mean that the next one will be.
        assert 0.75 * spread <= error and (error <= 3 * spread or not spread), told


def _check_losses(metric: RowLoss, model: Answering, seed: int) -> None:
    spec = model.schema.task.spec
    if model.schema.of(metric.held_against) is None or (metric.held_against is Role.SCORE and not spec.two_classes):
        return
    frame = _rows(model, seed).drop_nulls()
    label, answer = _numbers(frame, model, Role.LABEL), _numbers(frame, model, metric.held_against)
    losses = metric.row_losses(label, answer)
    about = f"{model.name}: the losses of rows"
    assert losses.shape == label.shape, f"{about} have the shape {losses.shape}, and not {label.shape}"
    assert losses.min() >= 0, f"{about} go down to {losses.min():.4g}"
    lost = metric.row_losses(np.where(np.arange(len(label)) == 1, np.nan, label), answer)
    assert np.isnan(lost[1]), f"{about} are known where the label is not"
    value, mean = metric.measure(state_of_rows(frame, model.schema)).value, float(losses.mean())
    expected = bounds_of(metric)[1] - mean if side_of(metric) == "lower" else mean
    assert _near(value, expected), f"{about} make {expected:.6g} on average, and the metric is {value}"
    best = metric.row_losses(label, np.full(len(label), metric.constant(label))).mean()
    tried = np.quantile(label, np.arange(21) / 20)
    least = min((float(metric.row_losses(label, np.full(len(label), c)).mean()), float(c)) for c in tried)
    told = f"{model.name}: the constant answer {metric.constant(label):.4g} costs {best:.6g}"
    assert best <= least[0] + 1e-9, f"{told}, and {least[1]:.4g} costs {least[0]:.6g}"
    assert metric.margin > 0, f"its margin is {metric.margin}"


def _numbers(frame: pl.DataFrame, model: Answering, role: Role) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    series = frame[model.schema.name_of(role) or ""]
    if model.schema.task.spec.labels is Labels.CLASS and role is not Role.SCORE:
        codes = {name: float(code) for code, name in enumerate(model.schema.classes)}
        series = series.cast(pl.String).replace_strict(codes, return_dtype=pl.Float64)
    return series.cast(pl.Float64).to_numpy()


def _check_expected(metric: ExpectedMetric, model: Answering, seed: int) -> None:
    """Let the labels be certain: what is expected is then what comes; and let one cell have a little more of them."""
    frame = _rows(model, seed).drop_nulls()
    label, score, answer = (_numbers(frame, model, role) for role in (Role.LABEL, Role.SCORE, Role.PREDICTION))
    scores, place = np.unique(score, return_inverse=True)
    rows, positives = np.zeros((len(scores), 3)), np.zeros((len(scores), 3))
    np.add.at(rows, (place, answer.astype(int)), 1.0)
    np.add.at(positives, (place, answer.astype(int)), label)
    e = Expectation(scores, rows, positives, np.zeros_like(rows))
    found = metric.expected(e)
    value = metric.measure(state_of_rows(frame, model.schema)).value
    told = f"{model.name}: where labels are certain {found[0] if found else None} is expected, and {value} comes"
    assert found is not None and _near(found[0], value), told
    cell = np.unravel_index(int(rows.argmax()), rows.shape)
    step = np.zeros_like(rows)
    step[cell] = 1e-5
    sides = [metric.expected(replace(e, positives=positives + sign * step)) for sign in (1, -1)]
    up, down = (side[0] if side else np.nan for side in sides)
    told = f"{model.name}: its gradient is {found[1][cell]:.6g}, its difference quotient {(up - down) / 2e-5:.6g}"
    assert isclose(float(found[1][cell]), (up - down) / 2e-5, rel_tol=1e-4, abs_tol=1e-6), told
