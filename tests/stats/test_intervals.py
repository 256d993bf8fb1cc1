import pytest

from watchkeeper.stats.intervals import (
    logit_interval,
    mean_interval,
    proportion_error,
    sample_error,
    wilson,
)


# Newcombe (1998), doi:10.1002/(SICI)1097-0258(19980430)17:8<857::AID-SIM777>3.0.CO;2-E, table I, method 3.
@pytest.mark.parametrize(
    ("k", "n", "lower", "upper"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilsons_interval_equals_the_published_table(k, n, lower, upper):
    assert wilson(k, n) == (pytest.approx(lower, abs=5e-5), pytest.approx(upper, abs=5e-5))


def test_wilsons_interval_without_trials_knows_nothing():
    assert wilson(0, 0) == (0.0, 1.0)


def test_a_proportion_of_all_or_nothing_is_not_certain():
    assert proportion_error(50, 100) == pytest.approx(0.05)
    assert 0 < proportion_error(0, 100) < 0.02
    assert proportion_error(100, 100) == pytest.approx(proportion_error(0, 100))


def test_the_sample_error_is_the_textbook_one_and_one_row_has_none():
    # 1, 2, 3, 4: s² = 5/3, s/√n = √(5/12).
    assert sample_error(4, 10.0, 30.0) == pytest.approx((5 / 12) ** 0.5)
    assert sample_error(1, 1.0, 1.0) is None


def test_students_interval_uses_the_published_quantile_and_stays_in_range():
    # t(0.975; 4) = 2.776 in every table.
    assert mean_interval(10.0, 1.0, 5) == (pytest.approx(7.224, abs=5e-4), pytest.approx(12.776, abs=5e-4))
    assert mean_interval(0.1, 1.0, 5, lowest=0.0, highest=1.0) == (0.0, 1.0)
    assert mean_interval(0.1, None, 5) is None


def test_the_logit_interval_stays_inside_zero_and_one_however_large_the_error():
    lower, upper = logit_interval(0.999, 0.5)
    assert 0 <= lower < 0.999 < upper <= 1
