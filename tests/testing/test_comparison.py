"""The conformance suite finds what is wrong with a comparison that another package brings, and says what it is."""

from __future__ import annotations

import pytest

from .installed import told_of

TOLD = {
    "sound": "",
    "low_floor": "its floor is",
    "narrow_interval": "its 95 % intervals contain 0 in 0.0% of unchanged samples",
    "loose_level": "a test at 0.05 rejects",
    "no_power": "of the pairs only",
    "wrong_way": "is nearer",
    "not_mergeable": "merged states",
    "in_its_unit": "another unit",
    "number_from_nothing": "0 rows without a value give ok 0.0",
    "blind_to_constants": "a constant against another one gives ok 0.0",
    "never_applies": "it applies to none of boolean, categorical, identifier, joint, numeric, text, vector columns",
}


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What the suite says of each comparison of an installed package."""
    return told_of("comparison", tmp_path_factory.mktemp("site"))


@pytest.mark.parametrize("name", list(TOLD))
def test_the_promise_that_is_broken_is_named(told: dict[str, str], name: str) -> None:
    assert TOLD[name] in told[name]
    assert bool(told[name]) is (name != "sound")


def test_every_comparison_of_the_package_was_found(told: dict[str, str]) -> None:
    assert told.keys() == TOLD.keys()
