"""What the charts that learn the level of a series have in common: phase I, holes, seasons and phases."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import ClassVar

from watchkeeper.charts.chart import ChartMemory, Choices, Options
from watchkeeper.charts.in_control import CHOICES, Expected, expected, is_learning, learned
from watchkeeper.charts.phases import confirmed, released
from watchkeeper.charts.sight import findable_step
from watchkeeper.core.errors import UsageError
from watchkeeper.core.evidence import Sight
from watchkeeper.core.measurement import Family, Measurement, Status
from watchkeeper.core.signal import Basis, Signal, Zone

__all__ = ["LevelChart", "LevelJudgement", "zone_of"]

_FARTHEST = 1e6
"""Standard deviations beyond which scores are not told apart."""


@dataclass(frozen=True, slots=True)
class LevelJudgement:
    """What a chart makes of one point.

    Parameters
    ----------
    lower, upper
        The values beyond which this very point would have signalled, given the points before.
    rule
        Code of the rule that fires; empty when none does.
    high
        Whether it signals because the series is high rather than low.
    numbers, arrays
        What the chart remembers of the point.
    fired
        Whether a rule fires.
    also
        Codes of further rules that the point breaks.
    basis
        The numbers the rule judged by.
    """

    lower: float | None
    upper: float | None
    rule: str
    score: float
    high: bool = True
    p_value: float | None = None
    numbers: Mapping[str, float] = field(default_factory=dict)
    arrays: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    fired: bool = False
    also: tuple[str, ...] = ()
    basis: Basis | None = None


class LevelChart:
    """A chart that learns what is usual of a series and judges each further point by it."""

    name: ClassVar[str]
    defaults: ClassVar[Options]
    choices: ClassVar[Choices] = CHOICES
    stated: ClassVar[str] = ""
    """The option that states the limit instead of a run length; empty where there is none."""

    def check(self, options: Options) -> None:
        """Raise UsageError where the run length cannot be kept."""
        budget = float(options["run_length"]) * float(options["series"])
        stated = self.stated and float(options[self.stated])
        # A chart whose run length is 0 by default takes its limits from elsewhere then.
        if self.defaults["run_length"] and not stated and not budget > 1:
            raise UsageError(f"a run length of {budget:g} cannot be kept; valid: more than 1 window")

    def step(
        self, memory: ChartMemory | None, measurement: Measurement, options: Options
    ) -> tuple[ChartMemory, Signal]:
        """Judge the next point; the first ``min_samples`` points are learned from and never signal."""
        chosen = {**self.defaults, **options}
        memory = memory or ChartMemory()
        if measurement.status is not Status.OK or measurement.value is None:
            return memory, self._told(memory, Signal(measurement, self.name))
        if measurement.n < float(chosen["min_rows"]):
            return memory, self._told(memory, Signal(measurement, self.name, memory.numbers.get("centre")))
        memory = released(memory, measurement, chosen)
        if "centre" not in memory.numbers:
            after = learned(memory, measurement, chosen, None)
            centre = after.numbers.get("centre")
            return after, self._told(after, Signal(measurement, self.name, centre, zone=Zone.LEARNING))
        found = expected(memory, measurement, chosen)
        if found is None:
            return memory, self._told(memory, Signal(measurement, self.name, memory.numbers["centre"]))
        verdict = self._judged(memory, found, chosen)
        fired = verdict.fired
        # A series that never varied has no sigma, and a number that no JSON holds says nothing more than a large one.
        verdict = replace(verdict, score=min(max(verdict.score, -_FARTHEST), _FARTHEST))
        signal = Signal(
            measurement, self.name, found.centre, verdict.lower, verdict.upper, zone_of(verdict.score, fired),
            verdict.rule, verdict.score, verdict.p_value, fired=fired, also=verdict.also, basis=verdict.basis,
            sight=_sight(memory, measurement, found, verdict),
        )  # fmt: skip
        signal = self._told(memory, signal)
        after, streak = confirmed(memory, verdict.high, fired, chosen)
        if "centre" not in after.numbers:
            return after, signal
        after = learned(after, measurement, chosen, found, fired=fired)
        numbers = {**after.numbers, **verdict.numbers}
        if streak or "streak" in numbers:
            numbers["streak"] = streak
        return replace(after, numbers=numbers, arrays={**after.arrays, **verdict.arrays}), signal

    def _judged(self, memory: ChartMemory, found: Expected, chosen: dict[str, float | str]) -> LevelJudgement:
        raise NotImplementedError

    def _told(self, memory: ChartMemory, signal: Signal) -> Signal:
        """Say in which phase the chart is and since when."""
        since = memory.phases[-1].start if memory.phases else None
        return replace(signal, phase=1 if is_learning(memory) else 2, since=since)


def _sight(memory: ChartMemory, measurement: Measurement, found: Expected, verdict: LevelJudgement) -> Sight | None:
    """Return the smallest step of a metric that the limits of this window would show, on the side that is harder."""
    ends = [abs(end - found.centre) for end in (verdict.lower, verdict.upper) if end is not None]
    if measurement.family is not Family.METRIC or not ends:
        return None
    return findable_step(max(ends), found.wide, memory.numbers.get("phi", 0.0))


def zone_of(score: float, fired: bool) -> Zone:
    """Return the zone of a score in standard deviations."""
    if fired:
        return Zone.BEYOND
    z = abs(score)
    return Zone.WITHIN_1 if z <= 1 else Zone.WITHIN_2 if z <= 2 else Zone.WITHIN_3
