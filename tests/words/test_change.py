"""A change in words."""

from __future__ import annotations

import pytest

from watchkeeper.core.evidence import Change, Quantity
from watchkeeper.words.change import change_words


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (Change(Quantity.MEAN, 1.4, 2.3), "mean 1.4 → 2.3"),
        (Change(Quantity.MEAN, 1.4, 2.3, levels=("fare",)), "mean of fare 1.4 → 2.3"),
        (Change(Quantity.MEDIAN, 40, 90, unit="characters"), "median 40 characters → 90 characters"),
        (Change(Quantity.SHARE, 0.2, 0.31, levels=("mobile",)), "mobile 20.0% → 31.0%"),
        (Change(Quantity.SHARE, 0.2, 0.31, levels=("m" * 99,)), f"{'m' * 39}… 20.0% → 31.0%"),
        (Change(Quantity.NULL_SHARE, 0.0, 0.031), "null share 0.0% → 3.1%"),
        (Change(Quantity.METRIC, 0.91, 0.87), "0.91 → 0.87"),
        (Change(Quantity.METRIC, None, 0.87), ""),
        (Change(), ""),
    ],
)
def test_a_change_says_what_was_and_what_is(change: Change, words: str) -> None:
    assert change_words(change) == words
