"""The conformance suite finds what is wrong with a trigger that another package brings, and says what it is."""

from __future__ import annotations

import pytest

from .installed import told_of

TOLD = {
    "sound": "",
    "tried": "",
    "mistried": "it proposes nothing on any of: its trial",
    "eager": "it proposes without a cause, with no alert and a young champion: Proposal(ground=Ground(",
    "ended": "it proposes without a cause, with alerts that are pending",
    "deaf": "it proposes nothing on any of: a champion that is too old",
    "mute": "its proposal does not say why",
    "lengthy": "takes more than a line",
    "stranger": "it names the alert 'another', which does not fire",
    "once": "asked again it proposes None",
    "numbered": "a fresh trigger proposes",
    "arbitrary": "with the alerts in another order it proposes",
    "meddling": "it changes what it was given",
}


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What the suite says of each trigger of an installed package."""
    return told_of("trigger", tmp_path_factory.mktemp("site"))


@pytest.mark.parametrize("name", list(TOLD))
def test_the_promise_that_is_broken_is_named(told: dict[str, str], name: str) -> None:
    assert TOLD[name] in told[name]
    assert bool(told[name]) is (name not in ("sound", "tried"))


def test_every_trigger_of_the_package_was_found(told: dict[str, str]) -> None:
    assert told.keys() == TOLD.keys()
