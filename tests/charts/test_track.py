"""What a series of residuals is followed by, against values reckoned by hand."""

from __future__ import annotations

import numpy as np

from watchkeeper.charts.track import Track

ONE, HALF, NO_GAIN = np.array([1.0]), np.array([0.5]), np.array([0.0])


def test_the_views_are_the_formulas() -> None:
    track = Track(np.array([2.0]), np.array([4.0]), np.array([1.0]), np.array([1.0]), np.array([1.0]))
    views = track.views(np.array([6.0]), ONE, HALF)[:, 0]
    # 6 - 2 - .5·(4 - 2); .6·1 + .4·4; .85·1 + .15·4; 6; .85·1 + .15·6
    assert np.allclose(views, [3.0, 2.2, 1.45, 6.0, 1.75])


def test_a_window_of_fewer_rows_counts_for_less() -> None:
    track = Track.start(np.array([2.0]), np.array([2.0]))
    assert np.allclose(track.views(np.array([6.0]), np.array([2.0]), HALF)[:, 0], [2.0, 0.8, 0.3, 3.0, 0.45])


def test_a_missing_window_moves_nothing_and_its_successor_is_judged_without_it() -> None:
    track = Track(np.array([2.0]), np.array([4.0]), ONE, ONE, ONE)
    missing = np.array([np.nan])
    after = track.follow(missing, ONE, HALF, track.views(missing, ONE, HALF))
    assert (after.level, after.quick, after.steady, after.season) == (2.0, 1.0, 1.0, 1.0)
    assert np.isnan(after.previous[0])
    assert after.views(np.array([6.0]), ONE, HALF)[0, 0] == 4.0


def test_what_signalled_is_not_carried_on() -> None:
    track = Track.start(np.array([0.0]), np.array([1.0]))
    after = track.hold(np.array([1e6]), ONE, np.array([2.0]), np.array([3.0]))
    assert np.isnan(after.previous[0])
    assert np.allclose([after.level[0], after.quick[0], after.steady[0], after.season[0]], [0.3, 0.0, 0.0, 0.45])


def test_a_series_that_stays_where_it_went_is_followed_there() -> None:
    track, there = Track.start(np.array([0.0]), np.array([0.0])), np.array([1.0])
    for _ in range(200):
        track = track.follow(there, ONE, np.array([0.1]), track.views(there, ONE, HALF))
    assert np.allclose(track.views(there, ONE, HALF)[:, 0], [0, 0, 0, 1, 1], atol=1e-6)
