"""Score charts and other detectors on labelled series: python -m bench.series FOLDER; writes bench/SERIES.md.

FOLDER holds series.parquet (series, timestamp, value) and windows.parquet (series, start, end).
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from bench.series.detectors import adwin, chart_signals, half_space_trees, windowed_gaussian
from bench.series.profile import Tally, tally

PAGE = Path("bench/SERIES.md")
CHARTS = ("records", "seasonal_residual", "quantile")
PEERS: dict[str, tuple[Callable[[NDArray[Any], NDArray[np.float64]], NDArray[np.float64]], str]] = {
    "windowed Gaussian": (windowed_gaussian, "best threshold for all"),
    "river HalfSpaceTrees": (half_space_trees, "best threshold for all"),
    "river ADWIN": (adwin, "defaults"),
}
_THRESHOLDS = 60

Labelled = list[tuple[str, NDArray[Any], NDArray[np.float64], list[tuple[int, int]]]]


def labelled(folder: Path) -> Labelled:
    """Return each series with its times, its values and the first and last point of its windows."""
    windows = pl.read_parquet(folder / "windows.parquet")
    found = []
    for (name,), part in pl.read_parquet(folder / "series.parquet").group_by("series", maintain_order=True):
        times, own = part["timestamp"].to_numpy(), windows.filter(pl.col("series") == name).sort("start")
        first = np.searchsorted(times, own["start"].to_numpy(), "left").tolist()
        last = (np.searchsorted(times, own["end"].to_numpy(), "right") - 1).tolist()
        found.append((str(name), times, part["value"].to_numpy(), list(zip(first, last, strict=True))))
    return found


def scored(series: Labelled, fired: dict[str, NDArray[np.bool_]]) -> Tally:
    """Return the tally of signals, by the name of the series."""
    total = Tally()
    for name, _, _, windows in series:
        tally(total, name, fired[name], windows)
    return total


def best(series: Labelled, scores: dict[str, NDArray[np.float64]]) -> Tally:
    """Return the tally at the one threshold for all series that scores best, chosen with the labels known."""
    levels = np.unique(np.quantile(np.concatenate(list(scores.values())), 1 - np.geomspace(1e-5, 0.2, _THRESHOLDS)))
    tallies = [scored(series, {name: found >= level for name, found in scores.items()}) for level in levels]
    return max(tallies, key=lambda total: total.standard)


def main(folder: Path) -> None:
    """Measure, print, and write the page."""
    series = labelled(folder)
    rows = []
    for chart in CHARTS:
        print(f"{chart} ...", file=sys.stderr)
        rows.append(
            (f"`{chart}`", "defaults", scored(series, {s[0]: chart_signals(chart, s[1], s[2]) for s in series}))
        )
    for name, (detector, how) in PEERS.items():
        print(f"{name} ...", file=sys.stderr)
        scores = {s[0]: detector(s[1], s[2]) for s in series}
        fired = {key: found > 0 for key, found in scores.items()}
        rows.append((name, how, scored(series, fired) if how == "defaults" else best(series, scores)))
    page = _page(series, rows)
    PAGE.write_text(page)
    print(page)


def _page(series: Labelled, rows: list[tuple[str, str, Tally]]) -> str:
    points = sum(len(values) for _, _, values, _ in series)
    lines = [
        "# Operational series", "",
        f"{len(series)} series of the Numenta Anomaly Benchmark with {points:,} points: metrics of a cloud's",
        "servers, and artificial ones. Standard profile: 0 for a detector that says nothing, 100 for one that",
        "signals at the first point of every labelled window; a signal elsewhere costs up to .11 of a window. Charts",
        "have their defaults, which promise one false signal in 1,000 points (`quantile`: those of three sigma); the",
        "threshold of peers is the one for all series that scores best, chosen with the labels known. Written by",
        "`make bench-series`.", "",
        "| detector | options | standard profile | windows found | signals outside, per 1,000 points |",
        "|---|---|--:|--:|--:|",
    ]  # fmt: skip
    for name, how, total in rows:
        outside = 1_000 * total.outside / total.points
        lines.append(f"| {name} | {how} | {total.standard:.1f} | {total.found} of {total.windows} | {outside:.2f} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main(Path(sys.argv[1]))
