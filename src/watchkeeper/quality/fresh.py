"""The newest time is not too long ago."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import ClassVar

from watchkeeper.core.evidence import Evidence, RuleCheck
from watchkeeper.core.measurement import Family, Measurement
from watchkeeper.core.rule import Parameter, Rule, RuleTrial, RuleVerdict
from watchkeeper.core.state import State
from watchkeeper.quality.parameters import as_duration, as_moment
from watchkeeper.quality.row_rule import key_of
from watchkeeper.quality.state_rule import StateRule
from watchkeeper.stats.moments import MomentsPart

__all__ = ["Fresh"]


class Fresh(StateRule):
    """The newest time of the column lies at most ``within`` before the moment of judging.

    That moment is ``at`` where it is given, else the end of the window, or the time of the check; the measurement is
    the age in seconds, negative for times that are still to come. Exact.
    """

    plugin: ClassVar[str] = "rule"
    name: ClassVar[str] = "fresh"
    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter("within", as_duration, "how old the newest time may be, such as 6h", required=True),
        Parameter("at", as_moment, "the moment to count from"),
    )
    trial: ClassVar[RuleTrial] = RuleTrial(
        {"column": "x", "within": "6h", "at": "2013-01-31T12:00:00Z"},
        {"x": [datetime(2013, 1, 30, tzinfo=UTC), datetime(2013, 1, 31, 9, tzinfo=UTC)]},
        {"x": [datetime(2013, 1, 30, tzinfo=UTC), datetime(2013, 1, 31, 3, tzinfo=UTC)]},
    )

    def check(self, rule: Rule) -> str:
        """Find nothing wrong."""
        return ""

    def judge(self, rule: Rule, measurement: Measurement) -> RuleVerdict:
        """Return whether the newest time is young enough."""
        most = rule.options["within"].total_seconds()
        kept = (measurement.value or 0.0) <= most
        return RuleVerdict(kept, "" if kept else "too_old", upper=most)

    def measure(self, rule: Rule, states: Mapping[str, State], now: datetime | None) -> Measurement:
        """Return the age of the newest time in seconds."""
        key = key_of(rule, states)
        part = self.state(rule, states).part("moments", MomentsPart)
        moment = rule.options.get("at") or now
        if not part.n or moment is None:
            words = "no times" if not part.n else "there is no moment to count from; give at"
            return Measurement.missing(key, Family.QUALITY, rule.name, words, n=part.n)
        age = moment.timestamp() - part.largest
        newest = datetime.fromtimestamp(part.largest, UTC).isoformat() if abs(part.largest) < 2e11 else "out of range"
        evidence = Evidence(rule=RuleCheck(observed=newest))
        return Measurement.of(key, Family.QUALITY, rule.name, age, part.n, evidence=evidence)
