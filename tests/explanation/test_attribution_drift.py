"""Attribution drift: hand arithmetic, level, coverage and power."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from watchkeeper.charts.significance import Significance
from watchkeeper.core.errors import UsageError
from watchkeeper.core.measurement import Family, Status
from watchkeeper.core.state import JOINT, StateKey
from watchkeeper.explanation.attribution_drift import attribution_drift

NAMES = ("a", "b", "c")
KEY = StateKey("m")


def draw(rng: np.random.Generator, n: int, beta: tuple[float, ...] = (2.0, 1.0, 0.5)) -> np.ndarray:
    # One common factor, so that attributions of a row go together; heavier tails than the normal.
    return np.array(beta) * rng.standard_t(6, size=(n, 3)) * rng.lognormal(0, 0.4, size=(n, 1))


def test_shares_and_their_distance_are_worked_by_hand():
    before = np.tile([3.0, -1.0, 0.0], (20, 1))
    now = np.tile([-1.0, 1.0, 2.0], (20, 1))
    *each, whole = attribution_drift(NAMES, before, now, KEY)
    # Shares .75, .25, 0 become .25, .25, .5.
    assert [m.value for m in each] == pytest.approx([0.5, 0.0, 0.5])
    changes = [m.evidence.change for m in each]
    assert [(one.before, one.after) for one in changes] == [
        (0.75, 0.25),
        (0.25, 0.25),
        (0.0, 0.5),
    ]
    assert [m.evidence.p_value for m in each] == [0.0, 1.0, 0.0]
    assert whole.value == pytest.approx(0.5)
    assert whole.column == JOINT
    assert {m.family for m in (*each, whole)} == {Family.COMPARISON}
    assert [m.column for m in each] == list(NAMES)


def test_the_level_holds_and_the_errors_are_those_of_repeated_draws():
    rng = np.random.default_rng(1)
    runs = [attribution_drift(NAMES, draw(rng, 400), draw(rng, 250), KEY) for _ in range(200)]
    for j in range(3):
        p_values = np.array([float(run[j].evidence.p_value) for run in runs])
        for alpha in (0.05, 0.01):
            rejected = int((p_values <= alpha).sum())
            assert stats.binomtest(rejected, 200, alpha, alternative="greater").pvalue > 0.005, (j, alpha, rejected)
        moved = [float(run[j].evidence.change.after) - float(run[j].evidence.change.before) for run in runs]
        assert np.mean([run[j].error for run in runs]) == pytest.approx(np.std(moved), rel=0.2)
        assert np.mean([run[j].floor for run in runs]) == pytest.approx(np.mean(np.abs(moved)), rel=0.2)
    together = np.array([float(run[3].evidence.p_value) for run in runs])
    assert stats.kstest(together, "uniform").pvalue > 0.005


def test_intervals_cover_a_change():
    rng = np.random.default_rng(2)
    other = (1.5, 1.5, 0.5)
    # E|t| is the same for all, so that shares are those of the coefficients: 2/3.5 and 1.5/3.5.
    truth = abs(1.5 / 3.5 - 2 / 3.5)
    inside = 0
    for _ in range(150):
        low, high = attribution_drift(NAMES, draw(rng, 400), draw(rng, 300, other), KEY)[0].interval
        inside += low <= truth <= high
    assert stats.binomtest(inside, 150, 0.95, alternative="less").pvalue > 0.005


def test_a_model_that_leans_on_another_feature_signals_and_one_that_does_not_is_quiet():
    rng = np.random.default_rng(3)
    options = {"tolerance": 0.05, "run_length": 365.0, "series": 3.0}
    changed = attribution_drift(NAMES, draw(rng, 1_000), draw(rng, 600, (1.0, 2.0, 0.5)), KEY)
    same = attribution_drift(NAMES, draw(rng, 1_000), draw(rng, 600), KEY)
    fired = {m.column for m in changed if Significance().step(None, m, options)[1].fired}
    assert fired >= {"a", "b"}
    assert "c" not in fired
    assert str(changed[-1].evidence.details["largest"]).startswith(("a (-0.", "b (+0."))
    assert changed[-1].evidence.p_value == 1 / 500
    assert not any(Significance().step(None, m, options)[1].fired for m in same)


def test_the_scale_of_all_attributions_together_is_no_drift():
    rng = np.random.default_rng(4)
    before, now = draw(rng, 300), draw(rng, 300)
    once, tenfold = (attribution_drift(NAMES, before, k * now, KEY) for k in (1.0, 10.0))
    assert [m.value for m in once] == pytest.approx([m.value for m in tenfold])


def test_few_rows_empty_attributions_and_other_features_are_told():
    rng = np.random.default_rng(5)
    few = attribution_drift(NAMES, draw(rng, 19), draw(rng, 300), KEY)
    assert {m.status for m in few} == {Status.NO_DATA}
    assert "19 and 300 rows" in few[0].reason
    assert len(few) == 4
    nothing = attribution_drift(NAMES, draw(rng, 30), np.zeros((30, 3)), KEY)
    assert "no feature adds anything" in nothing[0].reason
    with pytest.raises(UsageError, match=r"shape \(30, 2\) do not belong to 3 features"):
        attribution_drift(NAMES, draw(rng, 30), np.zeros((30, 2)), KEY)
