"""Limits and signals of charts in print."""

from __future__ import annotations

import csv
from math import sqrt
from pathlib import Path

import numpy as np
import pytest

from tests.charts.points import KNOWN, point, run
from watchkeeper.charts.chart import ChartMemory
from watchkeeper.charts.cusum import Cusum
from watchkeeper.charts.shewhart import Shewhart
from watchkeeper.core.measurement import Measurement

FOLDER = Path(__file__).resolve().parents[3] / "shared" / "data" / "spc_reference"
TEXTBOOK = {"trim": 0.0, "between": "none"}


def rows(name: str) -> list[dict[str, str]]:
    if not (FOLDER / name).exists():
        pytest.skip(f"there is no {FOLDER / name}")
    return list(csv.DictReader((FOLDER / name).read_text(encoding="utf-8").splitlines()))


@pytest.mark.validation
def test_piston_rings_have_the_published_limits_and_samples_out() -> None:
    """Montgomery, example 6.3, as the R package qcc charts it: 73.988048, 74.001176, 74.014304; 37 to 39 are out."""
    samples: dict[int, list[float]] = {}
    for row in rows("pistonrings.csv"):
        samples.setdefault(int(row["sample"]), []).append(float(row["diameter"]))
    trial = [values for number, values in samples.items() if number <= 25]
    # d2 of five values is 2.325929: the mean range of a normal sample in standard deviations.
    sigma = np.mean([max(values) - min(values) for values in trial]) / 2.325929
    points = [point(float(np.mean(values)), float(sigma) / sqrt(5), 5) for values in samples.values()]
    _, signals = run(Shewhart(), None, points, {**TEXTBOOK, "min_samples": 25.0})
    last = signals[-1]
    assert last.centre == pytest.approx(74.001176, abs=5e-7)
    assert (last.lower, last.upper) == pytest.approx((73.988048, 74.014304), abs=5e-7)
    assert [number for number, signal in enumerate(signals, 1) if signal.fired] == [37, 38, 39]


def charted(points: list[Measurement], sampling: str) -> ChartMemory:
    options = {**TEXTBOOK, "sampling": sampling, "min_samples": float(len(points))}
    return run(Shewhart(), None, points, options)[0] or ChartMemory()


@pytest.mark.validation
def test_orange_juice_has_the_published_p_chart() -> None:
    """Montgomery, example 7.1: centre .2313, limits .0524 and .4102; samples 15 and 23 are out."""
    trial = [row for row in rows("orangejuice.csv") if row["trial"] == "TRUE"]
    points = [point(int(r["D"]) / int(r["size"]), None, int(r["size"])) for r in trial]
    memory = charted(points, "binomial")
    _, signals = run(Shewhart(), memory, points, {})
    assert signals[0].centre == pytest.approx(0.231333, abs=5e-7)
    assert (signals[0].lower, signals[0].upper) == pytest.approx((0.0524, 0.4102), abs=5e-5)
    assert [number for number, signal in enumerate(signals, 1) if signal.fired] == [15, 23]


@pytest.mark.validation
def test_circuits_have_the_published_c_chart() -> None:
    """Montgomery, example 7.3: centre 19.85, limits 6.48 and 33.22; samples 6 and 20 are out."""
    trial = [row for row in rows("circuit.csv") if row["trial"] == "TRUE"]
    points = [point(int(r["x"]) / int(r["size"]), None, int(r["size"])) for r in trial]
    memory = charted(points, "poisson")
    _, signals = run(Shewhart(), memory, points, {})
    shown = [100 * (limit or 0.0) for limit in (signals[0].lower, signals[0].centre, signals[0].upper)]
    assert shown == pytest.approx([6.48, 19.85, 33.21], abs=0.011)
    assert [number for number, signal in enumerate(signals, 1) if signal.fired] == [6, 20]


def test_the_cusum_of_the_nist_handbook_signals_first_at_14() -> None:
    """NIST/SEMATECH e-Handbook, section 6.3.2.3: mean 325, h = 4.1959, k = .3175, in the unit of the data."""
    weights = [
        324.925, 324.675, 324.725, 324.350, 325.350, 325.225, 324.125, 324.525, 325.225, 324.600, 324.625, 325.150,
        328.325, 327.250, 327.825, 328.500, 326.675, 327.775, 326.875, 328.350,
    ]  # fmt: skip
    known = ChartMemory({**KNOWN.numbers, "centre": 325.0})
    _, signals = run(Cusum(), known, [point(w) for w in weights], {"h": 4.1959, "k": 0.3175})
    assert [s.fired for s in signals].index(True) + 1 == 14
    assert signals[13].rule == "sum_high"
