"""A user's own metrics, one function each; expected values from NumPy on the rows."""

import numpy as np
import polars as pl
import pytest

from watchkeeper.core.batch import Batch
from watchkeeper.core.measurement import Family, Status
from watchkeeper.core.schema import Column, Kind, Role, Schema, SegmentRule, Task
from watchkeeper.core.spec import Spec
from watchkeeper.core.state import OUTCOME
from watchkeeper.performance.assess import assess_performance
from watchkeeper.stats.summarise import summarise


def asymmetric(label, prediction, score):
    """Late is worse than early."""
    return np.where(prediction < label, 3.0 * (label - prediction), prediction - label)


def stake(label, prediction, score):
    return np.where(label == "yes", score, np.nan)


def short(label, prediction, score):
    return [1.0]


def broken(label, prediction, score):
    raise KeyError("no such thing")


def schema(*functions, task=Task.REGRESSION):
    kind = Kind.NUMERIC if task is Task.REGRESSION else Kind.CATEGORICAL
    columns = (
        Column("y", Role.LABEL, kind), Column("p", Role.PREDICTION, kind), Column("s", Role.SCORE, Kind.NUMERIC),
        Column("where", Role.SEGMENT, Kind.CATEGORICAL),
    )  # fmt: skip
    known = {"classes": ("no", "yes"), "positive": "yes"} if task is Task.BINARY else {}
    places = tuple(f"{__name__}:{name}" if ":" not in name else name for name in functions)
    return Schema(columns, task, segments=(SegmentRule("where"),), metrics=places, **known)


def measured(frame, known, size=300):
    batches = [Batch(frame[start : start + size], known) for start in range(0, frame.height, size)]
    states = summarise(batches, Spec("m", known))
    by_segment = {k.segment: s for k, s in states.items() if k.column == OUTCOME}
    return {segment: {m.name: m for m in assess_performance(s, known)} for segment, s in by_segment.items()}


@pytest.fixture
def rows():
    rng = np.random.default_rng(0)
    label = rng.normal(50, 10, 1_000)
    where = rng.choice(["north", "south"], 1_000)
    return pl.DataFrame({"y": label, "p": label + rng.normal(0, 2, 1_000), "s": rng.random(1_000), "where": where})


def test_one_function_is_a_metric_with_error_and_interval_in_every_segment(rows):
    found = measured(rows, schema("asymmetric"))
    for segment, own in found.items():
        part = rows if segment == "all" else rows.filter(pl.col("where") == segment.split("=")[1])
        values = asymmetric(part["y"].to_numpy(), part["p"].to_numpy(), None)
        m = own["asymmetric"]
        assert m.value == pytest.approx(values.mean(), rel=1e-12)
        assert m.error == pytest.approx(values.std(ddof=1) / np.sqrt(len(values)), rel=1e-9)
        assert m.interval[0] < m.value < m.interval[1]
        assert (m.family, m.n, m.column) == (Family.METRIC, len(part), OUTCOME)
    assert set(found) == {"all", "where=north", "where=south"}


def test_a_function_sees_labelled_rows_as_they_were_logged_and_may_leave_rows_out():
    frame = pl.DataFrame(
        {
            "y": ["yes", None, "no", "yes"],
            "p": ["yes", "yes", "yes", None],
            "s": [0.5, 0.1, 0.2, 0.9],
            "where": ["x"] * 4,
        }
    )
    m = measured(frame, schema("stake", task=Task.BINARY))["all"]["stake"]
    assert (m.value, m.n) == (0.5, 1)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("short", "returned (1,) numbers for"),
        ("broken", "raised KeyError"),
        ("asymetric", "did you mean 'asymmetric'"),
        ("no_such_module:f", "raised ModuleNotFoundError"),
    ],
)
def test_a_function_that_fails_costs_its_own_metric_and_no_other(name, words, rows):
    found = measured(rows, schema(name, "asymmetric"))["all"]
    lost = found[name.partition(":")[2] or name]
    assert (lost.status, lost.value) == (Status.FAILED, None)
    assert words in lost.reason
    assert found["asymmetric"].status is Status.OK
    assert found["mae"].status is Status.OK


def test_without_labels_there_is_no_data(rows):
    frame = rows.with_columns(y=pl.lit(None, pl.Float64))
    assert measured(frame, schema("asymmetric"))["all"]["asymmetric"].status is Status.NO_DATA


def test_a_log_without_functions_keeps_nothing_of_them(rows):
    states = summarise([Batch(rows, schema())], Spec("m", schema()))
    part = next(s for k, s in states.items() if k.column == OUTCOME).parts["row_metrics"]
    assert part.names == ()
