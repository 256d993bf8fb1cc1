"""Counts by score, prediction and label, against counting by hand with numpy."""

import numpy as np
import polars as pl
import pytest

from watchkeeper.core.errors import StateError
from watchkeeper.core.schema import Column, Kind, NumericMap, Role
from watchkeeper.stats.blocks import Outcomes
from watchkeeper.stats.score_cells import ScoreCells, score_of
from watchkeeper.stats.statistic import fold

SCORE = Column("score", Role.SCORE, Kind.NUMERIC)


def part_of(label, prediction, score, classes=("0", "1"), column=SCORE, **more):
    positive = 1 if len(classes) == 2 else None
    block = Outcomes(len(prediction), label, prediction, score, classes, positive, **more)
    return fold(ScoreCells(), column, [block])


def test_every_row_is_in_the_cell_of_its_prediction_and_label():
    rng = np.random.default_rng(0)
    label, prediction = rng.integers(-2, 2, 50_000), rng.integers(-2, 2, 50_000)
    score = rng.random(50_000)
    part = part_of(label, prediction, score)
    counts = part.table(0)[1].sum(axis=0)
    told = {"other": lambda codes: (codes == 0) | (codes == -2), "this": lambda c: c == 1, "none": lambda c: c == -1}
    for i, predicted in enumerate(("other", "this", "none")):
        assert counts[i, 0] == np.sum(told[predicted](prediction) & (label == 0))
        assert counts[i, 1] == np.sum(told[predicted](prediction) & (label == 1))
        assert counts[i, 2] == np.sum(told[predicted](prediction) & (label < 0))


def test_scores_are_known_to_within_half_a_bin():
    rng = np.random.default_rng(1)
    score = np.sort(rng.random(40_000))
    places, counts = part_of(None, np.zeros(40_000, np.int64), score).table(0)
    known = np.repeat(score_of(places), counts.sum(axis=(1, 2)))
    assert np.abs(known - score).max() <= 4.9e-4 / 2 * 1.01


def test_certain_scores_have_places_of_their_own():
    score = np.array([0.0, 1e-12, 1 - 1e-9, 1.0])
    places, _ = part_of(None, np.zeros(4, np.int64), score).table(0)
    found = score_of(places)
    assert len(found) == 4
    assert found[0] == 0.0
    assert found[-1] == 1.0
    assert 0 < found[1] < 1e-7
    assert 1 - 1e-7 < found[2] < 1


def test_rows_without_a_score_are_counted_apart():
    score = np.array([0.5, np.nan, np.inf, 0.2])
    part = part_of(np.array([1, 1, 0, -1]), np.array([1, 1, 0, 0]), score)
    assert part.unscored.tolist() == [2]
    assert part.labelled() == 1
    assert ScoreCells().result(part) == {"1": 2}


def test_a_log_without_predictions_and_labels_still_counts_scores():
    block = Outcomes(3, None, None, np.array([0.1, 0.2, 0.3]), ("no", "yes"), 1)
    part = fold(ScoreCells(), SCORE, [block])
    assert part.table(0)[1].sum(axis=0)[2, 2] == 3


def test_each_class_is_counted_by_its_own_score():
    rng = np.random.default_rng(2)
    scores = rng.dirichlet([1, 1, 1], 5_000)
    label, prediction = rng.integers(0, 3, 5_000), scores.argmax(axis=1)
    part = part_of(label, prediction, None, ("a", "b", "c"), class_scores=scores)
    assert part.classes == ("a", "b", "c")
    for code in range(3):
        places, counts = part.table(code)
        assert counts.sum() == 5_000
        assert counts.sum(axis=0)[1, 1] == np.sum((label == code) & (prediction == code))
        assert np.sum(score_of(places) * counts.sum(axis=(1, 2))) == pytest.approx(scores[:, code].sum(), rel=1e-3)


def test_states_of_other_maps_or_classes_do_not_merge():
    score = np.array([0.5])
    one = part_of(None, np.zeros(1, np.int64), score)
    mapped = Column("score", Role.SCORE, Kind.NUMERIC, map=NumericMap(1.0, 2.0))
    with pytest.raises(StateError, match="do not merge"):
        ScoreCells().merge(one, part_of(None, np.zeros(1, np.int64), score, column=mapped))
    with pytest.raises(StateError, match="yes"):
        ScoreCells().merge(one, part_of(None, np.zeros(1, np.int64), score, ("no", "yes")))


def test_frames_of_a_log_reach_the_cells():
    from watchkeeper.core.state import OUTCOME
    from watchkeeper.schema.inference import infer_schema
    from watchkeeper.stats.summarise import summarise_rows

    rng = np.random.default_rng(3)
    score = rng.random(500)
    frame = pl.DataFrame({"score": score, "prediction": (score > 0.5).astype(int), "label": rng.integers(0, 2, 500)})
    states = summarise_rows(frame, infer_schema(frame))
    part = next(s for s in states if s.key.column == OUTCOME).parts["score_cells"]
    assert part.labelled() == 500
