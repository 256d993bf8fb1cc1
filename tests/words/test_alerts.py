"""What an alert says of a measurement: in words of the comparison's own, or in general."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

import pytest

from watchkeeper.core.evidence import Change, Evidence, Quantity, Size
from watchkeeper.core.measurement import Describes, Family, Measurement
from watchkeeper.core.signal import Signal, Zone
from watchkeeper.words import alerts
from watchkeeper.words.alerts import describe_signal

CHANGE = Change(Quantity.MEAN, 1.4, 2.3)
MEASURED = Measurement(
    Family.COMPARISON, "ks", 0.257, 900, column="support_calls", evidence=Evidence(CHANGE, Size(1_000, 500))
)
FIRED = Signal(MEASURED, "tolerance", upper=0.0926, zone=Zone.BEYOND, rule="beyond_tolerance", fired=True)


class Odd:
    """A comparison from elsewhere with words of its own."""

    plugin: ClassVar[str] = "comparison"
    name: ClassVar[str] = "odd"

    def describe(self, measurement: Measurement) -> str:
        return f"went odd by {measurement.evidence.details['by']}"


@pytest.fixture
def odd(monkeypatch: pytest.MonkeyPatch) -> None:
    known = alerts.plugin_if_any
    monkeypatch.setattr(alerts, "plugin_if_any", lambda kind, name: Odd() if name == "odd" else known(kind, name))
    monkeypatch.setattr(alerts, "may_have", lambda kind, name, method: True)


def test_the_general_sentence_says_from_what_to_what_and_by_which_number_it_was_seen() -> None:
    assert describe_signal(FIRED) == "support_calls rose: mean 1.4 → 2.3 (KS 0.257, limit 0.0926)"


def test_without_a_change_it_says_the_number() -> None:
    bare = replace(FIRED, measurement=replace(MEASURED, evidence=Evidence()))
    assert describe_signal(bare) == "KS of support_calls is 0.257, limit 0.0926"


@pytest.mark.usefixtures("odd")
def test_a_comparison_from_elsewhere_says_it_in_its_own_words() -> None:
    measured = replace(MEASURED, name="odd", evidence=Evidence(CHANGE, details={"by": 3.0}))
    assert isinstance(Odd(), Describes)
    assert describe_signal(replace(FIRED, measurement=measured)) == "support_calls went odd by 3.0"


@pytest.mark.usefixtures("odd")
def test_words_that_fail_leave_the_general_sentence() -> None:
    measured = replace(MEASURED, name="odd")
    assert describe_signal(replace(FIRED, measurement=measured)).startswith(
        "support_calls rose: mean 1.4 → 2.3 (odd 0.257"
    )
