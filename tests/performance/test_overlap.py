"""How much of a reference is left in weight, against densities that are known."""

import numpy as np
import pytest

from watchkeeper.core.errors import StateError
from watchkeeper.performance.overlap import overlap_of
from watchkeeper.performance.sampled import Sampled


def points(rng, n, shift=0.0):
    x = rng.normal(size=(n, 2)) + np.array([shift, 0.0])
    nothing = np.full(n, np.nan)
    return Sampled(x, np.zeros(2, bool), nothing, nothing, np.empty((n, 0)), np.zeros(n, np.int64), n)


def test_the_share_left_in_weight_and_the_area_are_those_of_two_normals():
    rng = np.random.default_rng(0)
    found = overlap_of(points(rng, 30_000), points(rng, 5_000, 1.0))
    # The density ratio of normals one deviation apart has E w = 1 and E w^2 = e: 1/e of the rows are left.
    assert found.ess == pytest.approx(np.exp(-1), abs=0.08)
    # Φ(1/√2), the probability that a row of one side lies beyond one of the other.
    assert found.auc == pytest.approx(0.7602, abs=0.015)
    assert len(found.weights) == len(found.rows.x) == 15_000


def test_rows_that_carry_weights_are_none_that_the_classifier_learnt_from():
    rng = np.random.default_rng(1)
    before = points(rng, 24_000)
    found = overlap_of(before, points(rng, 1_000, 0.5))
    assert np.array_equal(found.rows.x, before.x[5_000:20_000])


def test_a_small_reference_is_weighed_whole_each_half_by_the_other():
    rng = np.random.default_rng(4)
    found = overlap_of(points(rng, 4_000), points(rng, 2_000))
    assert len(found.weights) == 4_000
    # Without a shift nothing tells the sides apart; a classifier that had seen its rows would seem to.
    assert found.auc == pytest.approx(0.5, abs=0.03)
    assert found.weights.mean() == pytest.approx(1.0, abs=0.1)


def test_nothing_is_left_of_a_reference_that_does_not_reach_the_window():
    rng = np.random.default_rng(2)
    found = overlap_of(points(rng, 9_000), points(rng, 3_000, 12.0))
    assert found.auc > 0.999
    assert found.ess < 0.02
    assert "poor" in str(found.details["overlap"])


def test_sides_with_other_features_are_refused():
    rng = np.random.default_rng(3)
    wide = points(rng, 1_000)
    narrow = Sampled(wide.x[:, :1], wide.coded[:1], wide.label, wide.prediction, wide.scores, wide.fold, 1_000)
    with pytest.raises(StateError, match="other features"):
        overlap_of(wide, narrow)
