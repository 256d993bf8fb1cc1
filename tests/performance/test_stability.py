from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from watchkeeper.core.errors import UsageError
from watchkeeper.core.measurement import Family, Measurement, Status
from watchkeeper.core.state import OUTCOME, StateKey
from watchkeeper.core.window import Window
from watchkeeper.performance.stability import stability

START = datetime(2024, 1, 1, tzinfo=UTC)


def window(k):
    return Window(START + timedelta(days=k), START + timedelta(days=k + 1))


def series(values, errors, n=100):
    return [
        Measurement.of(StateKey("m", "1", window(k), "all", OUTCOME), Family.METRIC, "prediction_mean", v, n, error=e)
        for k, (v, e) in enumerate(zip(values, errors, strict=True))
    ]


def bcg():
    """The 13 trials of Colditz et al. (1994), doi:10.1001/jama.1994.03510330076038, as log risk ratios."""
    rows = """4 119 11 128;6 300 29 274;3 228 11 209;62 13536 248 12619;33 5036 47 5761;180 1361 372 1079;8 2537 10 619;
    505 87886 499 87892;29 7470 45 7232;17 1699 65 1600;186 50448 141 27197;5 2493 3 2338;27 16886 29 17825"""
    a, b, c, d = np.array([row.split() for row in rows.split(";")], float).T
    return np.log(a / (a + b) / (c / (c + d))), np.sqrt(1 / a - 1 / (a + b) + 1 / c - 1 / (c + d))


def test_the_spread_equals_the_published_analysis_of_the_bcg_trials():
    # Viechtbauer (2010), doi:10.18637/jss.v036.i03, and metafor: DerSimonian-Laird τ² = 0.3088, Q-profile 0.1197 to
    # 1.1115.
    found = stability(series(*bcg()))
    assert found.value**2 == pytest.approx(0.3088, abs=5e-5)
    assert [limit**2 for limit in found.interval] == [pytest.approx(0.1197, abs=5e-5), pytest.approx(1.1115, abs=5e-5)]
    # metafor prints the standard error of τ² as 0.2299; that of τ is it over 2τ.
    assert found.error * 2 * found.value == pytest.approx(0.2299, abs=5e-5)
    assert found.evidence.details["windows"] == 13


def test_the_spread_has_the_unit_of_the_predictions():
    values, errors = bcg()
    plain, scaled = stability(series(values, errors)), stability(series(values * 1e-150, errors * 1e-150))
    assert scaled.value * 1e150 == pytest.approx(plain.value, rel=1e-9)
    assert scaled.error * 1e150 == pytest.approx(plain.error, rel=1e-9)


def test_windows_that_differ_by_chance_alone_have_no_spread_on_average_and_the_interval_holds_the_truth():
    rng = np.random.default_rng(5)
    for between in (0.0, 0.02):
        covered, squares = 0, []
        for _ in range(300):
            errors = rng.uniform(0.005, 0.02, 20)
            found = stability(series(0.4 + between * rng.normal(size=20) + errors * rng.normal(size=20), errors))
            covered += found.interval[0] <= between <= found.interval[1]
            squares.append(found.value**2)
        # 300 runs at 95 % have a standard deviation of 1.3 %.
        assert 0.91 <= covered / 300 <= 0.99
        assert np.mean(squares) == pytest.approx(between**2, abs=2.5e-5)


def test_the_error_of_the_spread_agrees_with_simulation():
    rng = np.random.default_rng(6)
    errors = rng.uniform(0.005, 0.02, 40)
    runs = [stability(series(0.03 * rng.normal(size=40) + errors * rng.normal(size=40), errors)) for _ in range(300)]
    assert np.mean([run.error for run in runs]) == pytest.approx(np.std([run.value for run in runs]), rel=0.15)


def test_constant_predictions_weigh_the_same_instead_of_infinitely():
    found = stability(series([0.2, 0.4], [0.0, 0.0]))
    assert found.value == pytest.approx(0.02**0.5)
    still = stability(series([0.2, 0.2, 0.2], [0.0, 0.0, 0.0]))
    assert [still.value, *still.interval] == pytest.approx([0.0, 0.0, 0.0], abs=1e-12)


@pytest.mark.parametrize("error", [0.0, 1e-17, 5e-324])
def test_one_window_of_equal_predictions_weighs_as_the_others(error):
    values = [0.50, 0.52, 0.48, 0.51, 0.93]
    found = stability(series(values, [0.01, 0.012, 0.011, 0.01, error]))
    assert found.status is Status.OK
    assert 0.1 < found.value < 0.25


def test_windows_without_data_are_left_out_and_counted():
    some = series([0.1, 0.2, 0.3], [0.01, 0.01, 0.01])
    none = Measurement.missing(StateKey("m", "1", window(9), "all", OUTCOME), Family.METRIC, "prediction_mean", "none")
    found = stability([*some, none])
    assert (found.value, found.n, found.evidence.details["left_out"]) == (stability(some).value, 300, 1)
    assert found.window == Window(START, START + timedelta(days=10))


def test_one_window_has_no_spread():
    found = stability(series([0.1], [0.01]))
    assert (found.status, found.value, found.n) == (Status.NO_DATA, None, 100)


def test_two_series_are_refused_by_name():
    one, other = series([0.1, 0.2], [0.01, 0.01])
    moved = Measurement.of(
        StateKey("m", "1", window(1), "carrier=AA", OUTCOME), Family.METRIC, "prediction_mean", 0.2, 9, error=0.1
    )
    with pytest.raises(UsageError, match=r"these are 2: .*carrier=AA"):
        stability([one, other, moved])
    with pytest.raises(UsageError, match="at least one window"):
        stability([])
