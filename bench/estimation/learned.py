"""How often learned bands cover what labels show afterwards, over long logs."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import polars as pl

from bench.estimation.ours import learnt_from, states_of
from bench.estimation.sets import LogSet
from bench.report import machine
from watchkeeper.core.evidence import Evidence, Labels
from watchkeeper.core.measurement import Measurement, Status
from watchkeeper.core.state import OUTCOME
from watchkeeper.performance.assess import assess_performance
from watchkeeper.performance.assess_estimates import default_estimates, estimators_for, kept_for, kept_now_for
from watchkeeper.performance.learned_band import LearnedBand
from watchkeeper.steps.bands import with_learned_bands

LAGS = (0, 1, 5)
"""Blocks whose labels are still to come when a band is shown."""

FIRST = 10
"""Blocks with labels before which nothing is counted."""


@dataclass
class Covered:
    """One metric of one log.

    Attributes
    ----------
    alone
        Covered by the band as it was computed, for each block that counts.
    learned
        The same of learned bands by lag; None where there was no band.
    wide, learned_wide
        Widths of both, the latter by lag.
    """

    alone: list[bool] = field(default_factory=list)
    learned: dict[int, list[bool | None]] = field(default_factory=lambda: {lag: [] for lag in LAGS})
    wide: list[float] = field(default_factory=list)
    learned_wide: dict[int, list[float]] = field(default_factory=lambda: {lag: [] for lag in LAGS})


def learned_bands(log: LogSet) -> dict[str, Covered]:
    """Return by metric how bands covered, block by block."""
    keep = kept_now_for(estimators_for(log.schema))
    reference, between = learnt_from(log.reference, log.schema, kept_for(estimators_for(log.schema)))
    known = {"": between}
    bands: dict[int, dict[str, LearnedBand]] = {lag: {} for lag in LAGS}
    waiting: dict[int, list[list[Measurement]]] = {lag: [] for lag in LAGS}
    found: dict[str, Covered] = {}
    for number, block in enumerate(log.blocks):
        hidden = block.with_columns(pl.lit(None, block.schema[log.label]).alias(log.label))
        estimates = default_estimates(reference, states_of(hidden, log.schema, keep), log.schema, between)
        came = _realised(states_of(block, log.schema, ())[OUTCOME], log)
        truth = {m.name: m.value for m in came}
        for lag in LAGS:
            shown, _ = with_learned_bands(estimates, bands[lag], known)
            if number >= FIRST + lag:
                for before, one in zip(estimates, shown, strict=True):
                    value = truth.get(one.name)
                    if value is not None and before.interval is not None:
                        _count(found.setdefault(one.name, Covered()), before, one, value, lag)
            waiting[lag].append([*estimates, *came])
            if len(waiting[lag]) > lag:
                _, bands[lag] = with_learned_bands(waiting[lag].pop(0), bands[lag], known, lag=lag)
    return found


def _count(covered: Covered, before: Measurement, one: Measurement, value: float, lag: int) -> None:
    inside = None if one.interval is None else one.interval[0] <= value <= one.interval[1]
    covered.learned[lag].append(inside)
    if one.interval is not None:
        covered.learned_wide[lag].append(one.interval[1] - one.interval[0])
    if lag == LAGS[0] and before.interval is not None:
        covered.alone.append(before.interval[0] <= value <= before.interval[1])
        covered.wide.append(before.interval[1] - before.interval[0])


def _realised(outcome: object, log: LogSet) -> list[Measurement]:
    measured = assess_performance(outcome, log.schema)
    full = Evidence(labels=Labels(1.0))
    return [replace(m, evidence=full) for m in measured if m.status is Status.OK]


def page(
    results: dict[str, dict[str, Covered]],
    peer: dict[str, dict[str, list[tuple[float, float, float]]]],
    version: str,
    seconds: float,
) -> str:
    """Return the page.

    Parameters
    ----------
    results
        By log, by metric.
    peer
        NannyML's rows by log and metric, one a block.
    """
    lines = [
        "# Bands that learn",
        "",
        "Written by `make bench-estimation`; do not edit. Every number is computed from that run; the logs follow from",
        f"their seeds, or are those in ../shared/data. NannyML {version or 'could not be installed'} runs with its",
        f"defaults. Machine: {machine()}; {seconds / 60:.0f} minutes.",
        "",
        "Long logs in blocks of 250 to 1,000 rows: generated ones of two classes, of three and of numbers, each",
        "without drift and with a concept that drifts away, breaks, jumps, has a season or wavers; electricity, bank",
        "marketing, credit default and bicycles in the order of their rows; those published with NannyML. The band as",
        f"`computed` knows no label. The others learn, and are counted once the labels of {FIRST} blocks are",
        "in; those of a block come when the bands of the next 0, 1 or 5 have been shown. Widths are medians over the",
        "blocks of a log, of lag 0, as multiples of the computed band's and of NannyML's; their median over logs is",
        "shown. `none` is the share of blocks without a band, because none that covers would be of use (lag 0).",
        "",
        "| metric | logs | blocks | computed | lag 0 | lag 1 | lag 5 | worst log | none | width | NannyML's |",
        "|---|--:|--:|--:|--:|--:|--:|---|--:|--:|--:|",
    ]
    metrics = dict.fromkeys(name for found in results.values() for name in found)
    lines += [
        _line(name, {log: found[name] for log, found in results.items() if name in found}, peer) for name in metrics
    ]
    lines += ["", "## By log, lag 0, over all its metrics", "", "| log | blocks | computed | learned | none |"]
    lines.append("|---|--:|--:|--:|--:|")
    for log, found in results.items():
        learned = [hit for one in found.values() for hit in one.learned[0]]
        alone = [hit for one in found.values() for hit in one.alone]
        blocks = max((len(one.alone) for one in found.values()), default=0)
        lines.append(f"| {log} | {blocks} | {_share(alone)} | {_share(_banded(learned))} | {_none(learned)} |")
    return "\n".join(lines) + "\n"


def _line(metric: str, by_log: dict[str, Covered], peer: dict[str, dict[str, list[tuple[float, float, float]]]]) -> str:
    alone = [hit for one in by_log.values() for hit in one.alone]
    learned = {lag: [hit for one in by_log.values() for hit in one.learned[lag]] for lag in LAGS}
    shares = {log: float(np.mean(hits)) for log, one in by_log.items() if (hits := _banded(one.learned[0]))}
    worst = min(shares, key=lambda log: shares[log]) if shares else ""
    ratios, theirs = [], []
    for log, one in by_log.items():
        if one.wide and one.learned_wide[0]:
            ratios.append(float(np.median(one.learned_wide[0]) / np.median(one.wide)))
            rows = peer.get(log, {}).get(metric, [])
            widths = [row[2] - row[1] for row in rows if None not in row and np.isfinite(row[2] - row[1])]
            if widths and np.median(widths) > 0:
                theirs.append(float(np.median(one.learned_wide[0]) / np.median(widths)))
    cells = [
        str(len(by_log)), str(len(alone)), _share(alone), *(_share(_banded(learned[lag])) for lag in LAGS),
        f"{shares[worst]:.0%} ({worst})" if worst else "–", _none(learned[0]), _median(ratios), _median(theirs),
    ]  # fmt: skip
    return f"| {metric} | {' | '.join(cells)} |"


def _banded(hits: list[bool | None]) -> list[bool]:
    return [hit for hit in hits if hit is not None]


def _share(hits: list[bool]) -> str:
    return f"{np.mean(hits):.1%}" if hits else "–"


def _none(hits: list[bool | None]) -> str:
    return f"{np.mean([hit is None for hit in hits]):.1%}" if hits else "–"


def _median(ratios: list[float]) -> str:
    return f"{np.median(ratios):.2f}" if ratios else "–"
