"""The window rule: a distance must exceed a tolerance by more than sampling explains."""

from __future__ import annotations

from dataclasses import replace
from math import exp, log, sqrt
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from watchkeeper.charts.chart import ChartMemory, Options
from watchkeeper.charts.sight import findable
from watchkeeper.core.evidence import SightUnit
from watchkeeper.core.measurement import Measurement, Status
from watchkeeper.core.signal import Basis, Signal, Zone

__all__ = ["Tolerance", "window_limit"]

Grid = NDArray[np.float64]


class Tolerance:
    """Signals D > δ + √(ln(2·p·A) / (2·n_e)); for a rate, when its likelihood ratio against the tolerated rate does.

    D is a distance between distribution functions or shares, δ the tolerance below which a change does not matter,
    p the number of series judged together and A the run length to a false alarm in windows. n_e is the effective
    sample size of the measurement over the design effect φ. By the inequality of Dvoretzky, Kiefer, Wolfowitz and
    Massart the average run length over all p series is at least A as long as no distance truly exceeds δ.

    A measurement whose evidence states ``before_upper`` is a rate q against a reference rate p0: the tolerated rate is
    u = max(min(p0 + δ, 2·p0), before_upper, ``always``), and the rule is n·KL(q ‖ u) > ln(p·A), the Chernoff bound,
    which finds a small rate rising where the bound above is blind. A rate that was chosen among several, such as the
    level that rose most, says ``among`` how many, which multiplies p. A rate below ``least`` does not matter, and does
    not signal, however sure its rise; where ``always`` is a rate that may be there, ``least`` is one that few rows may
    show, so that 4 nulls in 24 rows of a column without any are told.

    Where ``pooled`` is above 1, the rate of a window that reaches ``least`` is also judged together with those of the
    windows before it that did not signal, the last 2, 4, ... up to ``pooled`` in all, each at a chance as many times
    smaller: two nulls a day are seen after a few days. A window whose own rate has gone back ends it.

    φ is the larger of the option ``design_effect`` and the one in the evidence, which is measured on the windows of the
    reference. A measurement whose label coverage is below ``min_coverage``, such as labels that are still to come,
    is not judged. The p-value of a point is min(1, 2·exp(-2·n_e·(D - δ)²)), or exp(-n·KL(q ‖ u)) for a rate.

    References
    ----------
    Massart (1990), doi:10.1214/aop/1176990746. Chernoff (1952), doi:10.1214/aoms/1177729330.
    """

    plugin: ClassVar[str] = "chart"
    name: ClassVar[str] = "tolerance"
    defaults: ClassVar[Options] = {
        "tolerance": 0.05, "run_length": 1_000.0, "series": 1.0, "design_effect": 1.0, "always": 0.0,
        "least": 0.0, "pooled": 1.0, "min_coverage": 0.0,
    }  # fmt: skip

    def step(
        self, memory: ChartMemory | None, measurement: Measurement, options: Options
    ) -> tuple[ChartMemory, Signal]:
        """Judge the point; only rates that are pooled need a memory."""
        memory = memory or ChartMemory()
        chosen = {**self.defaults, **options}
        evidence = measurement.evidence
        size = evidence.size.n_effective
        if measurement.status is not Status.OK or measurement.value is None or size is None:
            return memory, Signal(measurement, self.name)
        if evidence.change.before_upper is not None:
            return _rate(self.name, memory, measurement, chosen)
        if evidence.labels is not None and evidence.labels.coverage < float(chosen["min_coverage"]):
            return memory, Signal(measurement, self.name)
        delta, limit = float(chosen["tolerance"]), window_limit(measurement, chosen, size)
        size = size / _effect(measurement, chosen)
        beyond = measurement.value > limit
        basis = Basis(measurement.value, limit, delta) if beyond else None
        p_value = min(1.0, 2 * exp(-2 * size * max(0.0, measurement.value - delta) ** 2))
        signal = _signal(self.name, measurement, measurement.value, limit, "beyond_tolerance", basis, p_value)
        # The share at any one point has at most this standard deviation.
        return memory, replace(signal, sight=findable(limit, 0.5 / sqrt(size), SightUnit.SHARE, most=1.0))


def window_limit(measurement: Measurement, chosen: Options, size: float) -> float:
    """Return δ + √(ln(2·p·A)·φ/(2·size)), the distance beyond which the window rule signals."""
    needed = log(2 * float(chosen["series"]) * float(chosen["run_length"]))
    return float(chosen["tolerance"]) + sqrt(needed * _effect(measurement, chosen) / (2 * size))


def _effect(measurement: Measurement, chosen: Options) -> float:
    """Return the larger of the design effect that was asked for and the one measured on the reference."""
    return max(1.0, float(chosen["design_effect"]), measurement.evidence.size.design_effect or 1.0)


def _rate(
    name: str, memory: ChartMemory, measurement: Measurement, chosen: dict[str, float | str]
) -> tuple[ChartMemory, Signal]:
    change = measurement.evidence.change
    before, now, ceiling = (value or 0.0 for value in (change.before, change.after, change.before_upper))
    delta, least = float(chosen["tolerance"]), float(chosen["least"])
    tolerated = min(max(min(before + delta, 2 * before), ceiling, float(chosen["always"])), 1.0)
    n = measurement.n / _effect(measurement, chosen)
    among = max(1.0, float(measurement.evidence.among))
    spans = _spans(int(chosen["pooled"]))
    needed = log(float(chosen["series"]) * float(chosen["run_length"]) * among * len(spans))
    limit = max(_upper(tolerated, needed / n), least) - before if n else 1.0
    basis = Basis(now, before + limit, tolerated) if now - before > limit else None
    p_value = min(1.0, among * exp(-n * _divergence(now, tolerated))) if now > max(tolerated, least) else 1.0
    if len(spans) > 1:
        hits, rows = (np.array([*memory.arrays.get(of, ()), own]) for of, own in (("hits", now * n), ("rows", n)))
        if basis is None and now >= least and now > tolerated:
            basis = _together(hits, rows, spans, tolerated, max(least, tolerated), needed)
        memory = _with_rates(memory, hits, rows, spans[-1]) if basis is None else memory
    code = "rate_over_windows" if basis is not None and basis.count > 1 else "rate_beyond_tolerance"
    signal = _signal(name, measurement, now - before, limit, code, basis, p_value)
    rate, spread = min(before + limit, 1.0), 0.0
    if n:
        spread = sqrt(rate * (1 - rate) / n)
    sight = findable(limit, spread, SightUnit.SHARE, most=1.0 - before)
    if len(spans) > 1 and n:
        together = _pooled_sight(before, tolerated, least, needed, n * spans[-1])
        lasting = [size for size in (sight.eight_windows, together) if size is not None]
        sight = replace(sight, eight_windows=min(lasting, default=None))
    return memory, replace(signal, sight=sight)


def _spans(pooled: int) -> tuple[int, ...]:
    return tuple(2**k for k in range(max(1, pooled).bit_length()) if 2**k <= max(1, pooled))


def _together(
    hits: Grid, rows: Grid, spans: tuple[int, ...], tolerated: float, least: float, needed: float
) -> Basis | None:
    """Return what the rule judged by where the rate of several windows together is too high; None where none is."""
    for count in spans[1:]:
        n, k = float(rows[-count:].sum()), float(hits[-count:].sum())
        rate = min(k / n, 1.0) if n else 0.0
        if len(rows) >= count and rate > least and n * _divergence(rate, tolerated) > needed:
            return Basis(rate, max(_upper(tolerated, needed / n), least), tolerated, count=count)
    return None


def _with_rates(memory: ChartMemory, hits: Grid, rows: Grid, most: int) -> ChartMemory:
    """Return the memory with the window; nothing as long as nothing was hit."""
    kept = max(1, most - 1)
    arrays = {"hits": tuple(hits[-kept:].tolist()), "rows": tuple(rows[-kept:].tolist())}
    return replace(memory, arrays=arrays if hits[-kept:].any() else {})


def _pooled_sight(before: float, tolerated: float, least: float, needed: float, n: float) -> float | None:
    """Return the rise that is found with 90 % power in the rows of all windows that are judged together."""
    limit = max(_upper(tolerated, needed / n), least)
    found = findable(limit - before, sqrt(limit * (1 - limit) / n), SightUnit.SHARE, most=1.0 - before)
    return found.one_window


def _signal(
    name: str, measurement: Measurement, value: float, limit: float, rule: str, basis: Basis | None, p_value: float
) -> Signal:
    """Return the signal; it fired where there are numbers that the rule judged by."""
    share = value / limit if limit > 0 else 0.0
    inside = Zone.WITHIN_1 if share <= 1 / 3 else Zone.WITHIN_2 if share <= 2 / 3 else Zone.WITHIN_3
    fired = basis is not None
    zone, code = (Zone.BEYOND, rule) if fired else (inside, "")
    return Signal(measurement, name, 0.0, None, limit, zone, code, 3 * share, p_value, fired=fired, basis=basis)


def _divergence(q: float, u: float) -> float:
    left = q * log(q / u) if q > 0 else 0.0
    return left + ((1 - q) * log((1 - q) / (1 - u)) if q < 1 else 0.0)


def _upper(u: float, level: float) -> float:
    """Return the smallest q > u with KL(q ‖ u) ≥ level, or 1."""
    if u >= 1 or u <= 0 or _divergence(1.0, u) <= level:
        return 1.0
    low, high = u, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if _divergence(middle, u) < level else (low, middle)
    return high
