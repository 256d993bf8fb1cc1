"""Hotelling's chart of several series together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import sqrt
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtri, fdtri

from watchkeeper.charts.chart import ChartMemory, Choices, Options
from watchkeeper.charts.level_chart import zone_of
from watchkeeper.charts.phase_one import TRIM, baseline
from watchkeeper.charts.phases import REBASE, begun, confirmed, released
from watchkeeper.charts.run_length import mewma_limit
from watchkeeper.core.errors import StateError, UsageError
from watchkeeper.core.evidence import Evidence
from watchkeeper.core.measurement import Family, Measurement, Status
from watchkeeper.core.signal import Basis, Signal, Zone

__all__ = ["TSquared", "joined"]

Floats = NDArray[np.float64]

_JOINED = "metrics"
"""The word of the memory that names the metrics that are joined."""


def joined(measurements: Sequence[Measurement], name: str = "together") -> Measurement:
    """Return several measurements of one window as one, for the charts ``t_squared`` and ``mewma``.

    Its ``curve`` holds (value, standard error) of each part in the order of their series, its value is their number
    until a chart puts T² in its place. If one of them has no number, neither has the whole.

    Raises
    ------
    UsageError
        When there is none, or two are of one series.
    """
    parts = sorted(measurements, key=lambda m: m.series)
    if not parts or len({m.series for m in parts}) < len(parts):
        raise UsageError(f"{len(parts)} measurements of {len({m.series for m in parts})} series cannot be joined")
    first, rows = parts[0], min(m.n for m in parts)
    names = tuple(" of ".join(filter(None, (m.name, m.column))) for m in parts)
    whole = replace(
        first, family=Family.METRIC, name=name, value=float(len(parts)), n=rows, error=None, floor=None, interval=None,
        column="", evidence=Evidence(about=names), curve=tuple((m.value or 0.0, m.error or 0.0) for m in parts),
    )  # fmt: skip
    lacking = [m for m in parts if m.status is not Status.OK or m.value is None]
    if lacking:
        reason = f"{lacking[0].name} has no number: {lacking[0].reason}"
        return replace(whole, value=None, status=Status.NO_DATA, reason=reason, curve=())
    return whole


class TSquared:
    """Signals when T² = (z - z̄)'S⁻¹(z - z̄) of several metrics together exceeds its prediction limit.

    It judges what ``joined`` makes of the metrics of one window. z holds each metric less its centre over √(s_t² + τ²);
    centre and τ² of each and the covariance S of all come from phase I, trimmed robustly. Metrics that always move
    together and now do not are found, though each lies within its own limits. The limit of m windows of phase I is
    p(m + 1)(m - 1)/(m(m - p))·F_{p, m-p}, at the level of one in ``run_length`` · ``series`` windows.

    With ``lambda`` below 1 a moving average of z is judged (MEWMA). The signal carries T² as its value, and its basis
    names the metric that is farthest from its centre.

    References
    ----------
    Hotelling (1947), Multivariate quality control. Tracy, Young and Mason (1992), Multivariate control charts for
    individual observations, doi:10.1080/00224065.1992.12015232.
    """

    plugin: ClassVar[str] = "chart"
    name: ClassVar[str] = "t_squared"
    defaults: ClassVar[Options] = {
        "lambda": 1.0, "min_samples": 30.0, "phase_one": 100.0, "run_length": 500.0, "series": 1.0, "min_rows": 0.0,
        "rebase": "none", "confirm": 8.0,
    }  # fmt: skip
    choices: ClassVar[Choices] = {"rebase": REBASE}

    def step(
        self, memory: ChartMemory | None, measurement: Measurement, options: Options
    ) -> tuple[ChartMemory, Signal]:
        """Judge the next window; the first ``min_samples`` are learned from and never signal.

        Raises
        ------
        StateError
            When other metrics are joined than before.
        """
        chosen = {**self.defaults, **options}
        memory, m = memory or ChartMemory(), measurement
        if m.status is not Status.OK or m.value is None or m.n < float(chosen["min_rows"]):
            return memory, Signal(m, self.name)
        memory = released(memory, m, chosen)
        pairs = np.array(m.curve if m.evidence.about else [(m.value, m.error or 0.0)])
        size = len(pairs)
        if memory.numbers.get("size", size) != size:
            raise StateError(f"{size} metrics are joined, and {memory.numbers['size']:.0f} before; learn anew")
        metrics = ", ".join(m.evidence.about or (m.name,))
        if memory.words.get(_JOINED, metrics) != metrics:
            raise StateError(f"{metrics} are joined, and {memory.words[_JOINED]} before; learn anew")
        memory = replace(memory, words={_JOINED: metrics})
        phases = begun(memory, m)
        if "used" not in memory.numbers:
            after = _learned(memory, pairs, chosen)
            return replace(after, phases=phases), Signal(
                m, self.name, zone=Zone.LEARNING, phase=1, since=phases[-1].start
            )
        return self._judged(memory, m, pairs, chosen)

    def _judged(
        self, memory: ChartMemory, m: Measurement, pairs: Floats, chosen: Options
    ) -> tuple[ChartMemory, Signal]:
        numbers, arrays, size, weight = memory.numbers, memory.arrays, len(pairs), float(chosen["lambda"])
        sigma = np.sqrt(pairs[:, 1] ** 2 + np.array(arrays["between"]))
        z = np.where(sigma > 0, (pairs[:, 0] - np.array(arrays["centre"])) / np.where(sigma > 0, sigma, 1.0), 0.0)
        z = z - np.array(arrays["offset"])
        before = np.array(arrays.get("average") or np.zeros(size))
        average = (1 - weight) * before + weight * z
        inverse = np.array(arrays["inverse"]).reshape(size, size)
        found = float(average @ inverse @ average) * (2 - weight) / weight
        limit = _limit(weight, float(chosen["run_length"]) * float(chosen["series"]), size, numbers["used"])
        most = int(np.argmax(np.abs(average)))
        name = (m.evidence.about or (m.name,))[most]
        fired, since = found > limit, memory.phases[-1].start if memory.phases else None
        score = 3 * sqrt(found / limit)
        signal = Signal(
            replace(m, value=found), self.name, 0.0, None, limit, zone_of(score, fired), "t_squared" if fired else "",
            score, phase=1 if "values" in arrays else 2, since=since, fired=fired,
            basis=Basis(found, limit, shift=float(average[most]), part=name) if fired else None,
        )  # fmt: skip
        after, streak = confirmed(memory, high=True, fired=fired, chosen=chosen)
        if after is not memory:
            return after, signal
        if not fired and "values" in arrays:
            after = _learned(memory, pairs, chosen)
        held = average * min(1.0, sqrt(1.25 * limit / found)) if found > 0 else average
        kept = {**after.arrays, "average": tuple(held.tolist())} if weight < 1 else after.arrays
        return replace(after, numbers={**after.numbers, "streak": streak}, arrays=kept, phases=memory.phases), signal


def _learned(memory: ChartMemory, pairs: Floats, chosen: Options) -> ChartMemory:
    """Return the memory with a window more in phase I, and centre and covariance from ``min_samples`` windows on."""
    size = len(pairs)
    values = (*memory.arrays.get("values", ()), *pairs[:, 0].tolist())
    errors = (*memory.arrays.get("errors", ()), *pairs[:, 1].tolist())
    arrays = {**memory.arrays, "values": values, "errors": errors}
    numbers = {**memory.numbers, "size": float(size)}
    count = len(values) // size
    if count < max(float(chosen["min_samples"]), 2 * size + 2):
        return replace(memory, numbers=numbers, points=(), arrays=arrays)
    y, s = np.array(values).reshape(-1, size), np.array(errors).reshape(-1, size)
    bases = [baseline(tuple(zip(y[:, j].tolist(), s[:, j].tolist(), strict=True))) for j in range(size)]
    centre, between = np.array([b.centre for b in bases]), np.array([b.between for b in bases])
    sigma = np.sqrt((s * (s > 0).all(0)) ** 2 + between)
    z = (y - centre) / np.where(sigma > 0, sigma, 1.0)
    z = z[(np.abs(z) <= TRIM).all(1)]
    spread = np.atleast_2d(np.cov(z, rowvar=False)) if len(z) > size + 1 else np.eye(size)
    # A metric that never moved has no variance; the unit that stands in for it lets a change count in full.
    spread[np.diag_indices(size)] = np.where(np.diag(spread) > 0, np.diag(spread), 1.0)
    arrays |= {
        "centre": tuple(centre.tolist()), "between": tuple(between.tolist()),
        "offset": tuple(z.mean(0).tolist() if len(z) else [0.0] * size),
        "inverse": tuple(np.linalg.pinv(spread).ravel().tolist()),
    }  # fmt: skip
    if count >= float(chosen["phase_one"]):
        arrays = {name: held for name, held in arrays.items() if name not in ("values", "errors")}
    return replace(memory, numbers={**numbers, "used": float(len(z))}, points=(), arrays=arrays)


def _limit(weight: float, run_length: float, size: int, used: float) -> float:
    """Return the limit of T²: that of known parameters, widened by what phase I leaves uncertain."""
    alpha, m = 1 / run_length, max(used, size + 2.0)
    predicted = size * (m + 1) * (m - 1) / (m * (m - size)) * float(fdtri(size, m - size, 1 - alpha))
    if weight >= 1:
        return predicted
    # The error of the centre is in every window alike, and counts (2 - r)/r times as much beside an average.
    centre = (1 + (2 - weight) / (weight * m)) / (1 + 1 / m)
    return mewma_limit(weight, run_length, size) * predicted / float(chdtri(size, alpha)) * centre
