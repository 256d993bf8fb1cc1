"""Learned bands: coverage in the long run under drifts of many kinds, by seeded simulation; widths by hand."""

from __future__ import annotations

from math import exp, inf, nan

import numpy as np
import pytest

from watchkeeper.performance.learned_band import LearnedBand, of_use

WINDOWS, REPLICATES, BEFORE = 200, 12, 20
FIRST = BEFORE + 10
"""Blocks of the reference, and ten windows of labels."""


def residuals(kind: str, rng: np.random.Generator) -> np.ndarray:
    """Realised less estimated, in standard errors of the estimate."""
    t, noise = np.arange(WINDOWS), rng.normal(size=WINDOWS)
    if kind == "as computed":
        return noise
    if kind == "too wide":
        return 0.4 * noise
    if kind == "too narrow":
        return 3 * noise
    if kind == "heavy tails":
        return rng.standard_t(3, WINDOWS)
    if kind == "off for good":
        return noise - 8 * (t >= 60)
    if kind == "drifting":
        return noise + 0.05 * np.maximum(0, t - BEFORE)
    if kind == "walking":
        return np.cumsum(0.7 * noise) + rng.normal(size=WINDOWS)
    jumps = np.where(rng.random(WINDOWS) < 0.02, 6 * rng.normal(size=WINDOWS), 0.0)
    return noise + np.cumsum(jumps)


def covered(kind: str, lag: int, learns: bool = True) -> tuple[float, float]:
    """Return the share of windows whose band, shown ``lag`` windows of labels before, covers; and the median factor."""
    rng = np.random.default_rng(sum(map(ord, kind)))
    hits, wide = [], []
    for _ in range(REPLICATES):
        bands = [LearnedBand()]
        for t, r in enumerate(residuals(kind, rng).tolist()):
            known = bands[max(t - lag, min(t, BEFORE))] if learns else bands[0]
            if t >= FIRST + lag:
                hits.append(abs(r - known.shift) <= 1.959964 * known.factor)
                wide.append(known.factor)
            bands.append(bands[-1].after(r, 1.0, lag))
    return float(np.mean(hits)), float(np.median(wide))


KINDS = ("as computed", "too wide", "too narrow", "heavy tails", "off for good", "drifting", "walking", "jumping")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("lag", [0, 3])
def test_in_the_long_run_as_many_windows_are_covered_as_is_stated_whatever_drifts(kind: str, lag: int) -> None:
    share, _ = covered(kind, lag)
    # The standard error of the share of some 2,000 windows that hang together is below .01.
    assert 0.93 <= share <= 0.97, share


def test_without_learning_the_same_windows_are_not_covered() -> None:
    shares = {kind: covered(kind, 0, learns=False)[0] for kind in KINDS}
    assert shares["as computed"] == pytest.approx(0.95, abs=0.02)
    assert shares["too wide"] > 0.99
    assert max(shares[kind] for kind in ("too narrow", "off for good", "drifting", "walking", "jumping")) < 0.8


def test_a_band_is_no_wider_than_it_must_be() -> None:
    wide = {kind: covered(kind, 0)[1] for kind in KINDS}
    assert wide["as computed"] == pytest.approx(1, abs=0.12)
    assert wide["too wide"] == pytest.approx(0.4, abs=0.1)
    assert wide["too narrow"] == pytest.approx(3, abs=0.5)
    # What an estimate is off for good moves it, and widens nothing.
    assert wide["off for good"] < 1.5


def test_an_estimate_that_is_right_on_average_is_not_moved() -> None:
    rng, band = np.random.default_rng(1), LearnedBand()
    shifts = []
    for r in rng.normal(size=300).tolist():
        band = band.after(r, 1.0)
        shifts.append(band.shift)
    assert np.mean(np.array(shifts) != 0) < 0.05


def test_one_step_is_what_the_formula_gives() -> None:
    band = LearnedBand().after(3.0, 1.0)
    assert band.windows == 1
    assert band.log_width == pytest.approx(0.2 * 0.95)
    assert band.factor == pytest.approx(exp(0.19) * ((0.95 * 10 + 9) / (0.95 * 10 + 1)) ** 0.5)
    assert band.after(0.0, 1.0).log_width == pytest.approx(0.19 - 0.2 * 0.05)


@pytest.mark.parametrize(("residual", "error"), [(nan, 1.0), (inf, 1.0), (0.1, 0.0), (0.1, nan)])
def test_what_cannot_be_compared_teaches_nothing(residual: float, error: float) -> None:
    assert LearnedBand().after(residual, error) == LearnedBand()


def test_a_band_over_a_quarter_of_what_is_possible_says_nothing() -> None:
    assert of_use("auroc", 0.7, 0.2)
    assert not of_use("auroc", 0.7, 0.3)
    assert of_use("mae", 4.0, 3.0)
    assert not of_use("mae", 4.0, 5.0)
