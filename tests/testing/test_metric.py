"""The conformance suite finds what is wrong with a metric that another package brings, and says what it is."""

from __future__ import annotations

import pytest

from .installed import told_of

TOLD = {
    "sound": "",
    "from_nothing": "no rows give ok 0.0",
    "wrong_way": "and harm is said to lie on the lower side",
    "unbounded": "lies outside of its bounds 0 to 1",
    "narrow": "its 95 % intervals contain",
    "sure": "its standard error is",
    "negative": "its standard error is -",
    "forgetful": "the same state, asked again, give ok",
    "hopeful": "a broken state gives no_data None",
    "misnamed": "there is no chart 'seasonal_residue'",
    "unserved": "there is no estimator 'dlé'",
    "other_losses": "on average, and the metric is",
    "known_losses": "are known where the label is not",
    "dear_constant": "the constant answer 0 costs",
    "homeless": "it applies to no log of the tasks regression",
    "half_able": "it has row_losses and lacks something else of the protocol RowLoss",
    "expecting": "where labels are certain",
    "steep": "its gradient is 0",
    "lossy": "merged states give ok",
    "ordered_rows": "in another order give ok",
}


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What the suite says of each metric of an installed package."""
    return told_of("metric", tmp_path_factory.mktemp("site"), "statistic")


@pytest.mark.parametrize("name", list(TOLD))
def test_the_promise_that_is_broken_is_named(told: dict[str, str], name: str) -> None:
    assert TOLD[name] in told[name]
    assert bool(told[name]) is (name != "sound")


def test_every_metric_of_the_package_was_found(told: dict[str, str]) -> None:
    assert told.keys() == TOLD.keys()
