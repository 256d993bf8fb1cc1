"""The conformance suite finds what is wrong with a notifier that another package brings, and says what it is."""

from __future__ import annotations

import pytest

from .installed import told_of

TOLD = {
    "sound": "",
    "lazy": "1 alerts that were handed over arrived 0 times",
    "twice": "1 alerts that were handed over arrived 2 times",
    "vague": "what arrives does not say 'firing'",
    "greedy": "it changes its options",
    "raw": "control characters of a name arrive as they are: 0x1b, 0x7, 0x9b",
    "split": "an alert with line breaks in its names arrives as 2",
    "endless": "an alert of many long names arrives as",
    "swallowing": "what cannot be sent raises nothing",
    "foreign": "what cannot be sent raises OSError, not DeliveryError",
    "telltale": "its error tells the secret of an address",
    "careless": "without options it raises KeyError, not UsageError",
    "hoarding": "after five alerts 5 files and 0 threads more are open",
    "restless": "after five alerts 0 files and 5 threads more are open",
}


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What the suite says of each notifier of an installed package."""
    return told_of("notifier", tmp_path_factory.mktemp("site"))


@pytest.mark.parametrize("name", list(TOLD))
def test_the_promise_that_is_broken_is_named(told: dict[str, str], name: str) -> None:
    assert TOLD[name] in told[name]
    assert bool(told[name]) is (name != "sound")


def test_every_notifier_of_the_package_was_found(told: dict[str, str]) -> None:
    assert told.keys() == TOLD.keys()
