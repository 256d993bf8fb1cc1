"""Whether a column has broken with its last windows, or moved away from its season."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from math import sin, sqrt
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri, stdtrit

from watchkeeper.charts.chart import ChartMemory, Options
from watchkeeper.charts.track import FAST, SPANS, VIEWS, Track
from watchkeeper.core.departure import Departure as Difference
from watchkeeper.core.errors import StateError
from watchkeeper.core.evidence import Sight, SightUnit
from watchkeeper.core.measurement import Measurement, Status
from watchkeeper.core.signal import Basis, Signal, Zone

__all__ = ["Departure"]

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

_USUAL_TOLERANCE = 0.05
_BEYOND = 1.05
"""How far beyond everything the reference's windows ever did a window must be, at least."""

_LEARNED = 1.25
"""How far beyond what windows since then did without a signal."""

_TAIL = 0.85
"""How much of the limit for normal residuals is stretched by how much further than normal ones the largest lay."""

_LEAST_DEGREES = 8.0
_LASTS = 0.5
"""Share of the change that was seen, above which it lasts."""

_CODES = ("broke_off", "broke_off_slowly", "broke_off_slowly", "left_season", "left_season_slowly")


class Departure:
    """Signals what lies further from its season, or from the last windows, than the reference's own windows ever did.

    Two questions are asked of every statistic of a column: has it broken (against the last windows: one window, and
    weighted means of about four and twelve, so that a small change that lasts adds up), and has it moved (against the
    season of the reference: one window and about twelve, only where the reference is long enough to know its season).
    See ``Track`` for these five views v. One signals where

    |v| > max(δ, s·t, m·max(1.05, .85·t/e)),

    with s and m the standard deviation and the largest |v| over the reference's own windows, each left out of what was
    expected of it; t the quantile of Student's distribution at 1/(2·5·p·A); and e how far the largest of as many normal
    numbers lies. So what exceeds everything ever seen by enough always signals, and the tails are taken to be as heavy
    as the reference shows. Windows that did not signal go on teaching how far
    a single one may be off. Against the season, what a
    slope of the reference may have led to by now is no departure. A mean is also judged against what the columns that
    go with it make of it.

    Since evidence is added up, one signal is enough for an alert. The signal lasts as long as half of the change does;
    what signalled is not carried into the next window. After ``confirm`` windows in a row that broke off the level is
    taken for the new one: one episode, and not an alert each window. What left its season goes on signalling until it
    is back.

    ``series`` is p, the number of statistics judged together, ``run_length`` is A in windows, and ``tolerance`` δ in
    the same unit as that of the window rule: .05 is an eighth of a standard deviation of a mean, .1 of a logarithm of
    a standard deviation.
    """

    plugin: ClassVar[str] = "chart"
    name: ClassVar[str] = "departure"
    memory_version: ClassVar[int] = 1
    defaults: ClassVar[Options] = {"tolerance": 0.05, "run_length": 1_000.0, "series": 1.0, "confirm": 8.0}

    def step(
        self, memory: ChartMemory | None, measurement: Measurement, options: Options
    ) -> tuple[ChartMemory, Signal]:
        """Judge the window.

        Raises
        ------
        StateError
            When the memory belongs to other statistics.
        """
        chosen = {**self.defaults, **options}
        memory = memory or ChartMemory()
        if measurement.status is not Status.OK or not measurement.departures:
            return memory, Signal(measurement, self.name)
        series = _Series.of(measurement.departures, chosen)
        standing = _Standing.recalled(memory, series, measurement)
        judged = _Judged.of(series, standing)
        standing = standing.after(series, judged, int(float(chosen["confirm"])))
        return standing.remembered(series, measurement), _signal(measurement, series, judged)


@dataclass(frozen=True, slots=True)
class _Series:
    """The statistics of one window side by side, with their limits."""

    items: tuple[Difference, ...]
    residual: Floats
    inflation: Floats
    tolerance: Floats
    rho: Floats
    gain: Floats
    scales: Floats
    limits: Floats
    lower: Floats
    upper: Floats

    @classmethod
    def of(cls, items: tuple[Difference, ...], chosen: dict[str, float | str]) -> _Series:
        scales, largest = np.full((VIEWS, len(items)), np.inf), np.full((VIEWS, len(items)), np.inf)
        for i, one in enumerate(items):
            judged = 1 if one.alone else VIEWS if one.seasonal else FAST
            scales[:judged, i], largest[:judged, i] = one.scales[:judged], one.largest[:judged]
        limits = np.maximum(_limits(scales, largest, items[0].windows, chosen), 1e-9)

        def each(name: str) -> Floats:
            return np.array([getattr(one, name) for one in items])

        tolerance = each("tolerance") * float(chosen["tolerance"]) / _USUAL_TOLERANCE
        allowed = np.array([one.allowed for one in items])
        return cls(
            items, each("residual"), each("inflation"), tolerance, each("rho"), each("gain"), scales, limits,
            allowed[:, 0], allowed[:, 1],
        )  # fmt: skip


def _limits(scales: Floats, largest: Floats, windows: int, chosen: dict[str, float | str]) -> Floats:
    """Return the limits without the tolerance, shape (5, k); infinite where nothing is judged."""
    chance = 1 / (2 * VIEWS * float(chosen["series"]) * float(chosen["run_length"]))
    worth = np.maximum(windows / SPANS, 1.0)
    degrees = np.maximum(windows / np.sqrt(SPANS), _LEAST_DEGREES)
    t = -stdtrit(degrees, chance)[:, None]
    furthest = -ndtri(0.5 / (worth + 1))[:, None]
    judged = np.isfinite(scales)
    s, m = np.where(judged, scales, 0.0), np.where(judged, largest, 0.0)
    return np.where(judged, np.maximum(np.maximum(_BEYOND, _TAIL * t / furthest) * m, s * t), np.inf)


@dataclass(frozen=True, slots=True)
class _Standing:
    """Where a column stands between two windows.

    Attributes
    ----------
    latched, latched_season
        The change that signalled and lasts, 0 where none does, shape (k,).
    learned
        The largest single window since the reference that did not signal, shape (k,).
    run
        Windows in a row that broke off.
    """

    track: Track
    latched: Floats
    latched_season: Floats
    learned: Floats
    run: int

    @classmethod
    def recalled(cls, memory: ChartMemory, series: _Series, measurement: Measurement) -> _Standing:
        k = len(series.items)
        level, previous = (np.array([getattr(one, name) for one in series.items]) for name in ("level", "previous"))
        if not memory.arrays:
            zero = np.zeros(k)
            return cls(Track.start(level, previous), zero, zero, zero, 0)
        held = {name: np.array(values) for name, values in memory.arrays.items()}
        if memory.words.get("statistics") != _named(series) or any(len(values) != k for values in held.values()):
            raise StateError("the statistics of this series have changed; what was added up of it cannot be continued")
        known = bool(memory.numbers.get("known")) and _follows(memory, measurement)
        before = held["previous"] if known else np.full(k, np.nan)
        track = Track(held["level"], before, held["quick"], held["steady"], held["season"])
        run = int(memory.numbers.get("run", 0.0))
        return cls(track, held["latched"], held["latched_season"], held["learned"], run)

    def after(self, series: _Series, judged: _Judged, confirm: int) -> _Standing:
        """Return where the column stands after the window."""
        if not judged.fired.any():
            track = self.track.follow(series.residual, series.inflation, series.gain, judged.views)
            size = np.where(np.isfinite(judged.views[0]), np.abs(judged.views[0]), 0.0)
            return _Standing(track, judged.latched, judged.latched_season, np.maximum(self.learned, size), 0)
        reach = np.where(np.isfinite(judged.limits), judged.limits, 0.0)
        run = self.run + 1 if judged.broke.any() else 0
        track = self.track.hold(series.residual, series.inflation, reach[0], reach[FAST])
        if run < confirm:
            return _Standing(track, judged.latched, judged.latched_season, self.learned, run)
        track = track.moved_to(series.residual, np.ones(len(series.items), bool))
        return _Standing(track, np.zeros(len(series.items)), judged.latched_season, self.learned, 0)

    def remembered(self, series: _Series, measurement: Measurement) -> ChartMemory:
        known = np.isfinite(self.track.previous).all()
        arrays = {
            "level": self.track.level, "quick": self.track.quick, "steady": self.track.steady,
            "season": self.track.season, "latched": self.latched, "latched_season": self.latched_season,
            "previous": self.track.previous if known else np.zeros(len(series.items)),
            "learned": self.learned,
        }  # fmt: skip
        numbers = {"run": float(self.run), "known": float(known)}
        if measurement.window is not None:
            numbers["end"] = measurement.window.end.timestamp()
        return ChartMemory(
            numbers,
            arrays={name: tuple(float(f"{v:.6g}") for v in values.tolist()) for name, values in arrays.items()},
            words={"statistics": _named(series)},
            version=Departure.memory_version,
        )


def _follows(memory: ChartMemory, measurement: Measurement) -> bool:
    end, window = memory.numbers.get("end"), measurement.window
    return window is None or end is None or abs(window.start.timestamp() - end) < 1.0


def _named(series: _Series) -> str:
    return "\x1f".join(one.statistic for one in series.items)


@dataclass(frozen=True, slots=True)
class _Judged:
    """What is said of one window.

    Attributes
    ----------
    views, limits
        Shape (5, k); views against the season less what may be by now.
    latched, latched_season
        As in ``_Standing``, after the window.
    fired, broke
        Whether a statistic signals, and whether it does against the last windows, shape (k,).
    """

    views: Floats
    judged: Floats
    limits: Floats
    latched: Floats
    latched_season: Floats
    fired: Flags
    broke: Flags

    @classmethod
    def of(cls, series: _Series, standing: _Standing) -> _Judged:
        views = standing.track.views(series.residual, series.inflation, series.rho)
        judged = views.copy()
        judged[FAST:] -= np.clip(judged[FAST:], series.lower, series.upper)
        limits = series.limits.copy()
        # Sums of windows are not learned from: evidence that adds up would put off what it is evidence of.
        limits[0] = np.maximum(limits[0], _LEARNED * standing.learned)
        limits = np.maximum(limits, series.tolerance)
        beyond = np.where(np.isfinite(judged), np.abs(judged) > limits, False)
        away, own = series.residual - standing.track.level, judged[FAST]
        latched, broke = _latch(standing.latched, beyond[:FAST], judged[:FAST], away)
        latched_season, left = _latch(standing.latched_season, beyond[FAST:], judged[FAST:], own)
        return cls(views, judged, limits, latched, latched_season, broke | left, broke)


def _latch(before: Floats, beyond: Flags, views: Floats, away: Floats) -> tuple[Floats, Flags]:
    """Return the changes that last, and where there is one."""
    hit = beyond.any(axis=0)
    size = np.where(beyond, views, 0.0)
    change = size[np.abs(size).argmax(axis=0), np.arange(size.shape[1])]
    lasts = (before != 0) & (away * np.sign(before) > _LASTS * np.abs(before))
    return np.where(hit & ((before == 0) | ~lasts), change, np.where(hit | lasts, before, 0.0)), hit | lasts


def _signal(measurement: Measurement, series: _Series, judged: _Judged) -> Signal:
    share = np.where(np.isfinite(judged.judged), np.abs(judged.judged), 0.0) / judged.limits
    # What lasts within its limits is shown after what is beyond them.
    rank = share + 1e3 * judged.fired
    view, at = np.unravel_index(int(rank.argmax()), rank.shape)
    one, score = series.items[at], 3 * float(share[view, at])
    fired = bool(judged.fired.any())
    told = replace(measurement, evidence=replace(measurement.evidence, change=one.change)) if fired else measurement
    sight = _sight(series, judged)
    if not fired:
        zone = Zone.WITHIN_1 if score <= 1 else Zone.WITHIN_2 if score <= 2 else Zone.WITHIN_3
        return Signal(told, Departure.name, 0.0, zone=zone, score=score, sight=sight)
    lasts = score <= 3
    rule = "lasts" if lasts else "off_the_others" if one.alone else _CODES[view]
    basis = Basis(
        abs(float(judged.judged[view, at])), float(judged.limits[view, at]), float(series.tolerance[at]),
        float(series.residual[at]) / max(float(series.scales[0, at]), 1e-12), part=one.statistic,
    )  # fmt: skip
    return Signal(
        told, Departure.name, 0.0, zone=Zone.BEYOND, rule=rule, score=max(score, 3.0), fired=True, basis=basis,
        sight=sight, alone=True,
    )  # fmt: skip


def _sight(series: _Series, judged: _Judged) -> Sight | None:
    """Return the smallest change of the mean, or of the commonest level's share, that would be found."""
    one = series.items[0]
    seasonal = one.seasonal
    tight = judged.limits[:, 0] / max(one.scales[0], 1e-300)
    wide = series.scales[:, 0] / max(one.scales[0], 1e-300)
    key = tuple(float(f"{v:.2g}") for v in (*tight.tolist(), *(wide.tolist())))
    sizes = _smallest(key, round(one.rho, 2), round(one.gain, 2), seasonal)
    unit = max(one.scales[0], 1e-300) * float(series.inflation[0])
    share = one.statistic.startswith("level:")
    found = [_in_shares(one, size * unit) if share else size * unit for size in sizes]
    return Sight(found[0], found[1], SightUnit.SHARE if share else SightUnit.IQR)


def _in_shares(one: Difference, size: float) -> float | None:
    """Return by how much a share changes when its angle does by ``size``."""
    before = one.change.before or 0.0
    angle = float(np.arcsin(sqrt(min(max(before, 0.0), 1.0))))
    ups = [sin(angle + size) ** 2 - before] if angle + size < np.pi / 2 else []
    downs = [before - sin(angle - size) ** 2] if angle - size > 0 else []
    return min(ups + downs, default=None)


@lru_cache(maxsize=4_096)
def _smallest(key: tuple[float, ...], rho: float, gain: float, seasonal: bool) -> tuple[float, float]:
    """Return the change found in nine of ten simulated stretches, in one window and in eight, in sigmas.

    A window's noise is normal and carried on as the series' own is; a path finds the change d as soon as one of its
    views does, whose noise plus d times its response to a step of 1 passes the limit.
    """
    paths, warm, windows = 400, 24, 8
    limits, wide = np.array(key[:VIEWS])[:, None], np.array(key[VIEWS:])[:, None]
    rng = np.random.default_rng(0)
    one, rhos, gains = np.ones(paths), np.full(paths, rho), np.full(paths, gain)
    noise, step = Track.start(np.zeros(paths), np.zeros(paths)), Track.start(np.zeros(1), np.zeros(1))
    carried, found = np.zeros(paths), np.full(paths, np.inf)
    first = found
    for window in range(warm + windows):
        carried = rho * carried + rng.standard_normal(paths)
        seen = noise.views(carried, one, rhos)
        noise = noise.follow(carried, one, gains, seen)
        if window < warm:
            continue
        answer = step.views(one[:1], one[:1], rhos[:1])
        step = step.follow(one[:1], one[:1], gains[:1], answer)
        if seasonal:
            # Against the season the noise is as wide as the reference's was, whatever is carried on.
            seen[FAST:] *= wide[FAST] * sqrt(1 - rho**2)
        with np.errstate(divide="ignore", invalid="ignore"):
            needed = np.where(answer > 1e-6, (limits - seen) / answer, np.inf)
        found = np.minimum(found, np.where(np.isfinite(limits), needed, np.inf).min(axis=0))
        first = found if window == warm else first
    return float(np.quantile(np.maximum(first, 0), 0.9)), float(np.quantile(np.maximum(found, 0), 0.9))
