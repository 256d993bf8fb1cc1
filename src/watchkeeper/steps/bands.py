"""The bands of estimates from window to window: as wide as the labels that came ask for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from watchkeeper.core.evidence import Estimation
from watchkeeper.core.measurement import Family, Measurement, Status
from watchkeeper.core.metric import bounds_of
from watchkeeper.core.plugins import plugins
from watchkeeper.performance.between_blocks import BetweenBlocks
from watchkeeper.performance.estimator import band_of
from watchkeeper.performance.learned_band import LearnedBand, of_use
from watchkeeper.stats.intervals import Z

__all__ = ["band_key", "with_learned_bands"]

Bands = Mapping[str, LearnedBand]

_LABELS_USED = "prediction_powered"


def with_learned_bands(
    measurements: Iterable[Measurement],
    bands: Bands,
    between: Mapping[str, BetweenBlocks],
    *,
    lag: int = 0,
    learning: bool = False,
) -> tuple[list[Measurement], dict[str, LearnedBand]]:
    """Return measurements whose estimates have the bands that labels so far ask for, and what is known afterwards.

    An estimate that already rests on labels of its window keeps its own band. Where no band of use would cover the
    estimate has none, and says what half width would be needed.

    Parameters
    ----------
    measurements
        Of one window, with estimates that none of its labels went into.
    bands
        What the windows before showed, by series; where nothing is there, the blocks of the reference are gone through.
    between
        By segment, what the blocks of the reference show.
    lag
        Windows of labels that come later than the band of a window is shown.
    learning
        Whether the window belongs to the reference, on which estimates were learned: it shows nothing of later ones.
    """
    listed = list(measurements)
    realised = {
        (m.name, m.segment): m.value
        for m in listed
        if m.family is Family.METRIC and m.status is Status.OK and m.evidence.labels and m.evidence.labels.mature
    }
    after, found = dict(bands), []
    for m in listed:
        made = m.evidence.estimate
        if m.family is not Family.ESTIMATE or m.value is None or not m.error or made is None:
            found.append(m)
            continue
        if made.method == _LABELS_USED:
            found.append(m)
            continue
        key, blocks = band_key(m), between.get(m.segment)
        band = after[key] if key in after else blocks.learned(m.name) if blocks else LearnedBand()
        found.append(_with_band(m, m.value, m.error, made, band))
        came = realised.get((m.name, m.segment))
        if came is not None and not learning:
            after[key] = band.after(came - m.value, m.error, lag)
    return found, after


def band_key(measurement: Measurement) -> str:
    """Return the name under which the band of a series is kept."""
    return f"{measurement.name}\x1f{measurement.segment}"


def _with_band(m: Measurement, estimate: float, error: float, made: Estimation, band: LearnedBand) -> Measurement:
    if not band.windows:
        return m
    lowest, highest = bounds_of(plugins("metric").get(m.name))
    value = min(max(estimate + band.shift, lowest), highest)
    wide = error * band.factor
    made = replace(made, learned_from=band.windows, shift=value - estimate, widened=band.factor)
    change = m.evidence.change
    change = replace(change, after=value) if change.after is not None else change
    if not of_use(m.name, value, Z * wide):
        evidence = replace(m.evidence, change=change, estimate=replace(made, needed=Z * wide))
        return replace(m, value=value, error=None, interval=None, evidence=evidence)
    evidence = replace(m.evidence, change=change, estimate=made)
    return replace(m, value=value, error=wide, interval=band_of(m.name, value, wide), evidence=evidence)
