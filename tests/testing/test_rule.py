"""The conformance suite finds what is wrong with a kind of rule that another package brings, and says what it is."""

from __future__ import annotations

import pytest

from .installed import told_of

TOLD = {
    "sound": "",
    "untried": "it gives no trial",
    "blind": "rows that break it are not reported",
    "strict": "rows that keep it are reported",
    "codeless": "it does not say by a code how it is broken",
    "moody": "the same measurement is judged in two ways",
    "from_nothing": "no rows give ok 0.0",
    "healthy": "and count as kept",
    "hasty": "broken rows cut at",
    "deaf": "it speaks of rows that its condition leaves out",
    "unreadable": "its trial cannot be read",
    "changing": "written and read again it is",
    "speechless": "its parameter 'step' is not explained",
    "silent": "without its column it gives no_data",
    "nameless": "which does not name it",
    "chunked": "kept rows cut at",
}


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What the suite says of each kind of rule of an installed package."""
    return told_of("rule", tmp_path_factory.mktemp("site"), "statistic")


@pytest.mark.parametrize("name", list(TOLD))
def test_the_promise_that_is_broken_is_named(told: dict[str, str], name: str) -> None:
    assert TOLD[name] in told[name]
    assert bool(told[name]) is (name != "sound")


def test_every_kind_of_rule_of_the_package_was_found(told: dict[str, str]) -> None:
    assert told.keys() == TOLD.keys()
