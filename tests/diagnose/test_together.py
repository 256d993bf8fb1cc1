"""Pairs of columns that go together otherwise, against SciPy and by simulation."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from scipy.stats import spearmanr

from tests.diagnose.logs import log, states
from watchkeeper.core.alert import Alert, AlertState, Cause, Severity
from watchkeeper.core.schema import Column, Kind, NumericMap, Role, Schema, Task
from watchkeeper.core.spec import Spec
from watchkeeper.diagnose.diagnose import diagnose
from watchkeeper.diagnose.sampled import Sampled
from watchkeeper.diagnose.together import moved_together
from watchkeeper.words.causes import sentence

COLUMNS = tuple(Column(name, Role.FEATURE, Kind.NUMERIC, "Float64", NumericMap(0.0, 1.35)) for name in "abc")


def side(seed: int, n: int, correlation: float, apart: float = 0.0) -> Sampled:
    """Normal columns of which a and b go together; ``apart`` moves both in every other row, a segment of its own."""
    rng = np.random.default_rng(seed)
    z = rng.normal(size=(n, 3))
    second = np.arange(n) % 2 == 1
    b = correlation * z[:, 0] + np.sqrt(1 - correlation**2) * z[:, 1]
    frame = pl.DataFrame({"a": z[:, 0] + apart * second, "b": np.exp(b + apart * second), "c": z[:, 2]})
    return Sampled(frame, np.full(n, 1 / n), np.where(second, "g=2", "g=1"), np.zeros(n))


def test_correlations_are_those_of_scipy_and_a_change_is_named() -> None:
    before, now = side(1, 3_000, 0.1), side(2, 2_000, 0.6)
    whole = Sampled(before.frame, before.weights, np.full(3_000, "all"), before.losses)
    (found,) = moved_together(COLUMNS, whole, Sampled(now.frame, now.weights, np.full(2_000, "all"), now.losses))
    assert found.columns == ("a", "b")
    for frame, ours in ((before.frame, found.before), (now.frame, found.now)):
        assert ours == pytest.approx(float(spearmanr(frame["a"], frame["b"]).statistic), abs=1e-9)
    assert 0 < found.lower < found.now - found.before


def test_two_sides_alike_differ_in_at_most_one_of_twenty_cases() -> None:
    # Of 200 cases at .05 each more than 18 are seen less than once in 100 times.
    named = [bool(moved_together(COLUMNS, side(k, 300, 0.4), side(5_000 + k, 250, 0.4))) for k in range(200)]
    assert sum(named) <= 18


def test_other_segments_make_no_correlation() -> None:
    assert moved_together(COLUMNS, side(1, 3_000, 0.3), side(2, 3_000, 0.3, apart=2.0)) == []


SCHEMA = Schema(
    (
        *COLUMNS[:2],
        Column("prediction", Role.PREDICTION, Kind.NUMERIC, "Float64", NumericMap(0.0, 1.35)),
        Column("label", Role.LABEL, Kind.NUMERIC, "Float64", NumericMap(0.0, 1.7)),
    ),
    Task.REGRESSION,
)


def multiplied(seed: int, n: int, correlation: float) -> pl.DataFrame:
    """Rows of a model that knows nothing of the product of its features, which its label holds."""
    rng = np.random.default_rng(seed)
    a, e = rng.normal(size=n), rng.normal(size=n)
    b = correlation * a + np.sqrt(1 - correlation**2) * e
    return pl.DataFrame({"a": a, "b": b, "prediction": a + b, "label": a + b + a * b + 0.3 * rng.normal(size=n)})


def test_a_loss_that_rose_because_features_go_together_is_no_concept_shift() -> None:
    before, now = (states(multiplied(*given), SCHEMA) for given in ((1, 12_000, 0.0), (2, 6_000, 0.6)))
    alert = Alert("a", "m", Cause.PERFORMANCE, Severity.PAGE, AlertState.FIRING)
    first = diagnose(alert, Spec("m", SCHEMA), before, now, attributed=False).hypotheses[0]
    assert first.kind == "covariate_shift"
    assert first.columns == ("a", "b")
    assert "the correlation of" in sentence(first.evidence[0])
    assert "covariate shift accounts for" in sentence(first.evidence[1])


def test_rows_of_a_log_that_is_as_before_have_no_such_pair() -> None:
    from watchkeeper.diagnose.sampled import sampled

    sides = [sampled(states(log(seed, 3_000)), SCHEMA) for seed in (1, 2)]
    features = [Column(name, Role.FEATURE, Kind.NUMERIC) for name in ("x", "u")]
    assert moved_together(features, *sides) == []
