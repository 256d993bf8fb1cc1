"""Budgets in words; expected run lengths by hand."""

from datetime import timedelta

import pytest

from watchkeeper.config.budget import parse_budget
from watchkeeper.core.errors import UsageError

DAY, WEEK, HOUR = timedelta(days=1), timedelta(weeks=1), timedelta(hours=1)


@pytest.mark.parametrize(
    ("words", "every", "windows"),
    [
        ("one false alert per model and year", DAY, 365.25),
        ("one false alert per model and year", WEEK, 365.25 / 7),
        ("Two false alerts per model and 5 years", DAY, 5 * 365.25 / 2),
        ("one false alarm a month", HOUR, 365.25 / 12 * 24),
        ("3 alerts per week", HOUR, 7 * 24 / 3),
        ("one false alert per model per decade", DAY, 3652.5),
        ("250", WEEK, 250.0),
        ("1e4", WEEK, 10_000.0),
    ],
)
def test_words_become_the_run_length_in_windows(words, every, windows):
    assert parse_budget(words, every) == pytest.approx(windows, rel=1e-12)


@pytest.mark.parametrize(
    "words", ["never", "", "one per", "zero false alerts per year", "0 alerts per year", "nan", "0.5"]
)
def test_a_budget_that_cannot_be_kept_or_understood_is_refused_with_what_is_valid(words):
    with pytest.raises(UsageError, match="budget"):
        parse_budget(words, DAY)


def test_more_alerts_than_windows_are_refused():
    with pytest.raises(UsageError, match="at least 1"):
        parse_budget("ten false alerts per week", DAY)
