"""Gan's chart of counts: an EWMA that stays a whole number, with an exact run length."""

from __future__ import annotations

from typing import ClassVar

from watchkeeper.charts.chart import ChartMemory, Choices, Options
from watchkeeper.charts.level_chart import zone_of
from watchkeeper.charts.phases import begun, released
from watchkeeper.charts.run_length import binomial_ewma_limit
from watchkeeper.core.errors import StateError
from watchkeeper.core.measurement import Measurement, Status
from watchkeeper.core.signal import Basis, Signal, Zone

__all__ = ["BinomialEwma"]

_HELD = 1
_MOST = 5_000
"""Rows up to which the Markov chain over counts is quickly solved."""


class BinomialEwma:
    """Signals when Q = round((1 - λ)·Q + λ·X) exceeds a limit: for a rare share of windows of equal size that rises.

    X is the number of rows that count, value times rows; Q starts at n·p0. p0 is ``share``, or the share of the first
    ``min_samples`` windows together. The limit is the smallest whole number that keeps the run length ``run_length``
    over ``series``, exactly by a Markov chain, unless ``limit`` states it. Windows of unequal size cannot share this
    chart; the chart ``ewma`` takes them.

    References
    ----------
    Gan (1990), Monitoring observations generated from a binomial distribution using modified exponentially weighted
    moving average control chart, doi:10.1080/00949659008811293.
    """

    plugin: ClassVar[str] = "chart"
    name: ClassVar[str] = "binomial_ewma"
    patience: ClassVar[int] = 3
    has_unit: ClassVar[bool] = False
    defaults: ClassVar[Options] = {
        "lambda": 0.165, "share": 0.0, "limit": 0.0, "min_samples": 8.0, "run_length": 500.0, "series": 1.0,
        "rebase": "none",
    }  # fmt: skip
    choices: ClassVar[Choices] = {"rebase": ("none", "release")}

    def step(
        self, memory: ChartMemory | None, measurement: Measurement, options: Options
    ) -> tuple[ChartMemory, Signal]:
        """Judge the next window.

        Raises
        ------
        StateError
            When the value is no share, or the window has another number of rows than the first.
        """
        chosen = {**self.defaults, **options}
        memory, m = memory or ChartMemory(), measurement
        if m.status is not Status.OK or m.value is None or not m.n:
            return memory, Signal(m, self.name)
        memory = released(memory, m, chosen)
        if not 0 <= m.value <= 1:
            raise StateError(f"{m.name} is {m.value:g}; valid for this chart: shares between 0 and 1")
        numbers, phases = dict(memory.numbers), begun(memory, m)
        if numbers.setdefault("n", float(m.n)) != m.n:
            raise StateError(f"windows of {m.n} and {numbers['n']:.0f} rows cannot share this chart; ewma takes them")
        if m.n > _MOST:
            raise StateError(f"a window of {m.n} rows is too large for this chart, at most {_MOST}; ewma takes it")
        count, weight, share = round(m.value * m.n), float(chosen["lambda"]), float(chosen["share"])
        if "share" not in numbers and not share:
            points = (*memory.points, (m.value, 0.0))
            signal = Signal(m, self.name, zone=Zone.LEARNING, phase=1, since=phases[-1].start)
            if len(points) >= max(1, int(float(chosen["min_samples"]))):
                numbers["share"] = sum(value for value, _ in points) / len(points)
                points = ()
            return ChartMemory(numbers, points, phases=phases), signal
        share = numbers.setdefault("share", share)
        budget = float(chosen["run_length"]) * float(chosen["series"])
        limit = int(float(chosen["limit"])) or binomial_ewma_limit(weight, budget, m.n, share)
        before = int(numbers.get("average", round(m.n * share)))
        average = round((1 - weight) * before + weight * count)
        fired = average > limit
        away = limit + 1 - m.n * share
        score = 3 * (average - m.n * share) / away if away > 0 else 0.0
        upper = (limit + 0.5 - (1 - weight) * before) / weight / m.n
        numbers["average"] = float(min(average, limit + _HELD))
        signal = Signal(
            m, self.name, share, None, upper if upper < 1 else None, zone_of(score, fired),
            "average_above" if fired else "", score, phase=2, since=phases[-1].start, fired=fired,
            basis=Basis(average, limit, weight=weight) if fired else None,
        )  # fmt: skip
        return ChartMemory(numbers, memory.points, phases=phases), signal
