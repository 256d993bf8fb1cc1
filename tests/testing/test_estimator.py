"""The conformance suite finds what is wrong with an estimator that another package brings, and says what it is."""

from __future__ import annotations

import pytest

from .installed import told_of

TOLD = {
    "plain": "",
    "narrow_band": "bands of 95 % cover",
    "silent": "it does not say what it assumes",
    "chance_from_nothing": "a window without rows gives ok 0.5",
    "unbroken": "a broken state gives no_data",
}


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What the suite says of each estimator of an installed package."""
    return told_of("estimator", tmp_path_factory.mktemp("site"))


@pytest.mark.parametrize("name", list(TOLD))
def test_the_promise_that_is_broken_is_named(told: dict[str, str], name: str) -> None:
    assert TOLD[name] in told[name]
    assert bool(told[name]) is (name != "plain")
