"""The conformance suite finds what is wrong with a way to explain that another package brings, and says what it is."""

from __future__ import annotations

import pytest

from .installed import told_of

TOLD = {
    "fair_values": "",
    "doubled": "base and values miss the score",
    "even_shares": "a feature that is not used adds",
    "unseeded": "the same seed gives other values",
    "first_comes_first": "values are not those of its coefficients",
    "boundless": "errors are not finite",
}


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What the suite says of each way to explain of an installed package."""
    return told_of("explainer", tmp_path_factory.mktemp("site"))


@pytest.mark.parametrize("name", list(TOLD))
def test_the_promise_that_is_broken_is_named(told: dict[str, str], name: str) -> None:
    assert TOLD[name] in told[name]
    assert bool(told[name]) is (name != "fair_values")
