"""Confusion counts, score histograms, calibration bins, error sums and prediction sums."""

from dataclasses import fields
from itertools import pairwise
from math import inf, nan

import numpy as np
import pytest
import scipy.stats
import sklearn.calibration
import sklearn.metrics

from watchkeeper.core.errors import StateError
from watchkeeper.core.plugins import plugins
from watchkeeper.core.schema import Column, Kind, NumericMap, Role
from watchkeeper.core.state import OUTCOME, State, StateKey
from watchkeeper.stats.blocks import Outcomes
from watchkeeper.stats.calibration import Calibration
from watchkeeper.stats.codec import decode_state, encode_state, merge_states
from watchkeeper.stats.confusion import Confusion, ConfusionPart
from watchkeeper.stats.error_sums import ErrorSums
from watchkeeper.stats.prediction_sums import CentralSums, PredictionSums
from watchkeeper.stats.score_counts import BINS, DISTINCT, upper_edges
from watchkeeper.stats.score_histogram import ScoreHistogram, ScoreHistogramPart
from watchkeeper.stats.statistic import fold

STATISTICS = (Confusion(), ScoreHistogram(), Calibration(), ErrorSums(), PredictionSums())
SCORE = Column("s", Role.SCORE, Kind.NUMERIC)
LOGIT = Column("s", Role.SCORE, Kind.NUMERIC, map=NumericMap(-1.0, 2.5))
NO_SCORE = Column("", Role.SCORE, Kind.NUMERIC)


def binary(n, seed=0, *, unlabelled=0.1, hostile=True):
    rng = np.random.default_rng(seed)
    score = rng.beta(2, 5, n)
    label = (rng.random(n) < score).astype(np.int64)
    prediction = (score > 0.4).astype(np.int64)
    label[rng.random(n) < unlabelled] = -1
    if hostile and n:
        label[rng.integers(0, n, n // 50)] = -2
        prediction[rng.integers(0, n, n // 50)] = -2
        prediction[rng.integers(0, n, n // 50)] = -1
        score[rng.integers(0, n, n // 50)] = nan
        score[rng.integers(0, n, n // 100)] = inf
        score[rng.integers(0, n, n // 100)] = -inf
        score[rng.integers(0, n, n // 100)] = 1.5
        score[rng.integers(0, n, n // 20)] = 0.0
    return Outcomes(n, label, prediction, score, ("no", "yes"), 1)


def multiclass(n, seed=0):
    rng = np.random.default_rng(seed)
    return Outcomes(n, rng.integers(-2, 4, n), rng.integers(-2, 4, n), rng.random(n), ("a", "b", "c", "d"))


def regression(n, seed=0):
    rng = np.random.default_rng(seed)
    label = 1e6 + 10 * rng.normal(size=n)
    prediction = label + rng.normal(size=n)
    if n:
        label[rng.integers(0, n, n // 20)] = nan
        label[rng.integers(0, n, n // 100)] = inf
        prediction[rng.integers(0, n, n // 50)] = nan
        prediction[rng.integers(0, n, n // 100)] = -inf
        label[rng.integers(0, n, n // 50)] = 0.0
    return Outcomes(n, label, prediction, None)


BLOCKS = {"binary": binary, "multiclass": multiclass, "regression": regression}


def cut(block, places):
    """Split outcomes at row numbers."""
    ends = [0, *places, block.rows]
    return [
        Outcomes(
            b - a,
            *(None if x is None else x[a:b] for x in (block.label, block.prediction, block.score)),
            block.classes,
            block.positive,
        )
        for a, b in pairwise(ends)
    ]


def assert_same(a, b, scale=None):
    """Counts are equal to the last row, sums up to rounding."""
    assert type(a) is type(b)
    for f in fields(a):
        x, y = getattr(a, f.name), getattr(b, f.name)
        if isinstance(x, CentralSums):
            assert_same(x, y)
        elif isinstance(x, np.ndarray) and x.dtype.kind != "f":
            assert x.dtype == y.dtype
            np.testing.assert_array_equal(x, y)
        elif isinstance(x, (float, np.ndarray)):
            # Sums that cancel (a third moment) are compared in the size of what was summed.
            size = float(np.abs(x).max(initial=0.0)) if isinstance(x, np.ndarray) else _size(a, f.name)
            np.testing.assert_allclose(x, y, rtol=1e-11, atol=1e-11 * size)
        else:
            assert x == y


def _size(part, name):
    if isinstance(part, CentralSums):
        return {"third": part.second**1.5, "fourth": part.fourth}.get(name, abs(part.mean))
    if name == "cross":
        return (part.cross_squares * part.squared) ** 0.5
    return abs(getattr(part, name))


cases = pytest.mark.parametrize("column", [SCORE, LOGIT, NO_SCORE], ids=["probability", "logit", "no_score"])
kinds = pytest.mark.parametrize("kind", sorted(BLOCKS))
statistics = pytest.mark.parametrize("statistic", STATISTICS, ids=lambda s: s.name)


@statistics
def test_every_outcome_statistic_is_registered_and_reads_outcomes_only(statistic):
    registered = plugins("statistic")[statistic.name]
    assert type(registered) is type(statistic)
    assert registered.reads == (Outcomes,)
    assert not registered.applies(SCORE)


@statistics
@kinds
@cases
def test_the_part_of_no_rows_is_the_identity_of_merge(statistic, kind, column):
    part = fold(statistic, column, [BLOCKS[kind](3_000)])
    for nothing in (fold(statistic, column, []), fold(statistic, column, [BLOCKS[kind](0)])):
        assert_same(statistic.merge(part, nothing), part)
        assert_same(statistic.merge(nothing, part), part)
        assert_same(statistic.merge(nothing, nothing), nothing)


@statistics
@kinds
@cases
@pytest.mark.parametrize("n", [900, 2_600, 40_000])
def test_any_split_and_any_bracketing_give_the_part_of_the_whole(statistic, kind, column, n):
    block = BLOCKS[kind](n)
    whole = fold(statistic, column, [block])
    pieces = cut(block, [1, 1, n // 3, n // 2])
    a, b, c, d, e = (fold(statistic, column, [piece]) for piece in pieces)
    merge = statistic.merge
    assert_same(merge(merge(merge(merge(a, b), c), d), e), whole)
    assert_same(merge(a, merge(b, merge(c, merge(d, e)))), whole)
    assert_same(merge(merge(e, c), merge(d, merge(b, a))), whole)
    assert_same(fold(statistic, column, pieces), whole)


@statistics
@kinds
@pytest.mark.parametrize("n", [0, 500, 5_000])
def test_a_part_survives_being_written_and_read(statistic, kind, n):
    part = fold(statistic, SCORE, [BLOCKS[kind](n)])
    state = State(StateKey(column=OUTCOME), None, {statistic.name: part})
    read = decode_state(encode_state(state))
    assert_same(read.parts[statistic.name], part)
    assert_same(merge_states(read, state).parts[statistic.name], statistic.merge(part, part))


@statistics
@cases
def test_rows_without_any_column_of_their_own_are_counted_and_never_raise(statistic, column):
    part = fold(statistic, column, [Outcomes(7, None, None, None, ("no", "yes"), 1), Outcomes(3, None, None, None)])
    assert getattr(part, "n", 0) == 0
    statistic.result(part)


def test_confusion_counts_equal_scikit_learn_and_hold_null_and_unseen_values_apart():
    block = binary(4_000)
    part = fold(Confusion(), SCORE, [block])
    both = (block.label >= 0) & (block.prediction >= 0)
    expected = sklearn.metrics.confusion_matrix(block.label[both], block.prediction[both])
    np.testing.assert_array_equal(part.matrix()[:, :2], expected)
    np.testing.assert_array_equal(
        part.matrix()[:, 2], [((block.label == k) & (block.prediction == -2)).sum() for k in (0, 1)]
    )
    assert part.rows == 4_000
    assert part.arrived == (block.label != -1).sum()
    assert part.unseen_labels == (block.label == -2).sum()
    assert part.unpredicted == ((block.label >= 0) & (block.prediction == -1)).sum()


def test_a_confusion_of_very_many_classes_is_kept_sparse_and_equal():
    classes = tuple(str(k) for k in range(2_000))
    rng = np.random.default_rng(3)
    label, prediction = rng.integers(0, 2_000, 5_000), rng.integers(0, 2_000, 5_000)
    part = fold(Confusion(), SCORE, cut(Outcomes(5_000, label, prediction, None, classes), [100, 2_000]))
    expected = sklearn.metrics.confusion_matrix(label, prediction, labels=np.arange(2_000))
    np.testing.assert_array_equal(part.matrix()[:, :-1], expected)
    assert len(part.cells) <= 5_000


def test_confusions_of_other_classes_refuse_to_merge():
    with pytest.raises(StateError, match="the classes a, b and a, c do not merge"):
        Confusion().merge(ConfusionPart(("a", "b")), ConfusionPart(("a", "c")))


def test_score_histograms_of_other_maps_refuse_to_merge():
    with pytest.raises(StateError, match="do not merge"):
        ScoreHistogram().merge(ScoreHistogramPart(), ScoreHistogramPart(0.0, 2.0))


def test_scores_are_counted_one_by_one_up_to_the_cap_and_in_bins_beyond():
    block = binary(DISTINCT, unlabelled=0, hostile=False)
    kept = fold(ScoreHistogram(), SCORE, [block])
    assert kept.exact
    np.testing.assert_array_equal(kept.scores, np.sort(block.score))
    again, new = (
        fold(ScoreHistogram(), SCORE, [Outcomes(1, np.ones(1, np.int64), None, np.array([s]), ("no", "yes"), 1)])
        for s in (block.score[7], 0.123456789)
    )
    assert ScoreHistogram().merge(kept, again).exact
    binned = ScoreHistogram().merge(kept, new)
    assert not binned.exact
    assert binned.n == DISTINCT + 1
    assert not len(binned.scores)


@pytest.mark.parametrize("distinct", [1, 100, DISTINCT, DISTINCT + 1])
def test_many_rows_of_few_scores_stay_exact_however_they_are_cut(distinct):
    rng = np.random.default_rng(distinct)
    values = np.sort(rng.random(distinct))
    picked = np.r_[np.arange(distinct), rng.integers(0, distinct, 60_000)]
    score, label = values[picked], rng.integers(0, 2, len(picked))
    score[score == values[0]] = np.where(rng.random((picked == 0).sum()) < 0.5, 0.0, -0.0)
    block = Outcomes(len(score), label, None, score, ("n", "y"), 1)
    whole = fold(ScoreHistogram(), SCORE, [block])
    assert whole.exact == (distinct <= DISTINCT)
    for places in ([1_500, 1_700], [2_001, 2_002, 40_000]):
        pieces = cut(block, places)
        assert_same(fold(ScoreHistogram(), SCORE, pieces), whole)
        merged = fold(ScoreHistogram(), SCORE, [])
        for piece in pieces:
            merged = ScoreHistogram().merge(fold(ScoreHistogram(), SCORE, [piece]), merged)
        assert_same(merged, whole)
    if whole.exact:
        # The same counts by sorting.
        np.testing.assert_array_equal(whole.positives, np.bincount(picked[label == 1], minlength=distinct))
        np.testing.assert_array_equal(whole.negatives, np.bincount(picked[label == 0], minlength=distinct))


def test_each_score_lies_in_a_bin_whose_edges_enclose_it():
    rng = np.random.default_rng(1)
    scores = np.concatenate([rng.random(3_000), rng.random(3_000) * 1e-6, 1 - rng.random(3_000) * 1e-6, [0, 0.5, 1]])
    edges = np.concatenate([[0.0], upper_edges(np.arange(BINS, dtype=np.uint16), NumericMap())])
    assert (np.diff(edges) > 0).all()
    assert np.diff(edges).max() <= 2 / BINS
    assert edges[1] <= 1.2e-7
    part = fold(
        ScoreHistogram(), SCORE, [Outcomes(len(scores), np.ones(len(scores), np.int64), None, scores, ("n", "y"), 1)]
    )
    # The same count by searching the edges; a score within rounding of an edge may fall to either side.
    expected = np.histogram(scores, edges)[0]
    found = np.zeros(BINS, np.int64)
    found[part.bins] = part.positives
    assert np.abs(found - expected).sum() <= 4
    assert found.sum() == len(scores)


def test_bins_keep_the_order_of_scores_whatever_their_map():
    x = np.sort(np.random.default_rng(5).normal(-1, 4, 9_000))
    halves = np.repeat([0, 1], [4_500, 4_500])
    for column, scores in ((LOGIT, x), (SCORE, 1 / (1 + np.exp(-x)))):
        _, positives, negatives = fold(
            ScoreHistogram(), column, [Outcomes(9_000, halves, None, scores, ("n", "y"), 1)]
        ).ties()
        mixed = (positives > 0) & (negatives > 0)
        # Only the bin at the border between the halves can hold both.
        assert mixed.sum() <= 1
        assert negatives[np.flatnonzero(positives)[0] + 1 :].sum() == 0


def test_reliability_bins_equal_scikit_learns_even_on_their_edges():
    rng = np.random.default_rng(2)
    scores = np.concatenate([rng.random(5_000), np.arange(16) / 15, np.round(rng.random(3_000), 2)])
    label = (rng.random(len(scores)) < scores).astype(np.int64)
    part = fold(Calibration(), SCORE, [Outcomes(len(scores), label, None, scores, ("n", "y"), 1)])
    share, mean = sklearn.calibration.calibration_curve(label, scores, n_bins=15, strategy="uniform")
    found = Calibration().result(part)
    np.testing.assert_allclose([mean for mean, _, _ in found], mean, rtol=1e-12)
    np.testing.assert_allclose([share for _, share, _ in found], share, rtol=1e-12)


def test_scores_that_are_no_probabilities_are_counted_and_enter_no_sum():
    label = np.array([1, 0, 1, 0, -1])
    score = np.array([0.5, -0.1, nan, inf, 2.0])
    part = fold(Calibration(), SCORE, [Outcomes(5, label, None, score, ("n", "y"), 1)])
    assert (part.n, part.outside, part.unscored) == (1, 1, 2)
    assert part.squared == 0.25
    assert not fold(Calibration(), LOGIT, [Outcomes(5, label, None, score, ("n", "y"), 1)]).probability


def test_central_sums_equal_scipy_far_from_zero_however_they_are_merged():
    x = 1e8 + np.random.default_rng(4).gamma(2.0, size=10_000)
    merged = CentralSums()
    for piece in np.split(x, [3, 100, 5_000]):
        merged = merged.merged(CentralSums.of(piece))
    assert merged.mean == pytest.approx(x.mean(), rel=1e-14)
    for order, total in ((2, merged.second), (3, merged.third), (4, merged.fourth)):
        assert total / 10_000 == pytest.approx(scipy.stats.moment(x, order), rel=1e-6)


def test_predictions_are_summed_as_scores_else_as_classes_else_as_numbers():
    block = Outcomes(4, None, np.array([1, 0, 1, -1]), np.array([0.1, 0.2, nan, 0.6]), ("n", "y"), 1)
    scored, counted = (fold(PredictionSums(), column, [block]) for column in (SCORE, NO_SCORE))
    assert (scored.of, scored.sums.n, scored.sums.mean) == ("score", 3, pytest.approx(0.3))
    assert (counted.of, counted.sums.n, counted.sums.mean) == ("class", 3, pytest.approx(2 / 3))
    number = fold(PredictionSums(), SCORE, [Outcomes(3, None, np.array([1.0, 4.0, inf]), np.ones(3))])
    assert (number.of, number.rows, number.sums.n, number.sums.mean) == ("prediction", 3, 2, 2.5)


def test_a_batch_that_lost_its_score_column_adds_nothing_instead_of_classes():
    whole = fold(PredictionSums(), SCORE, [Outcomes(2, None, np.array([1, 1]), None, ("n", "y"), 1)])
    assert (whole.rows, whole.sums.n, whole.of) == (2, 0, "score")


def test_error_sums_leave_rows_out_that_lack_a_finite_label_or_prediction():
    label, prediction = np.array([1.0, nan, 3.0, inf, 0.0]), np.array([2.0, 2.0, nan, 1.0, 0.0])
    part = fold(ErrorSums(), NO_SCORE, [Outcomes(5, label, prediction, None)])
    assert (part.rows, part.labelled, part.n, part.zeros) == (5, 3, 2, 1)
    assert (part.absolute, part.squared, part.relative, part.symmetric) == (1.0, 1.0, 1.0, pytest.approx(2 / 3))


def test_classes_leave_the_error_sums_empty_and_numbers_leave_the_confusion_empty():
    assert fold(ErrorSums(), SCORE, [binary(100)]).rows == 0
    assert fold(Confusion(), SCORE, [regression(100)]).rows == 0
