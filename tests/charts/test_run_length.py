"""Run lengths and limits against published tables."""

from __future__ import annotations

import csv
from math import log
from pathlib import Path

import pytest

from watchkeeper.charts.run_length import (
    binomial_ewma_limit,
    binomial_ewma_run_length,
    cusum_limit,
    cusum_run_length,
    ewma_limit,
    ewma_run_length,
    mewma_limit,
    mewma_run_length,
    shewhart_factor,
    shiryaev_roberts_limit,
    shiryaev_roberts_run_length,
)
from watchkeeper.core.errors import UsageError

REFERENCE = Path(__file__).resolve().parents[3] / "shared" / "data" / "spc_reference" / "arl_reference.csv"
SAMPLED_ONLY = ("shewhart_run_rules", "ewma_runlength_quantile")
NOT_OURS = ("s2_ewma_upper", "poisson_cusum_upper")


def numbers(params: str) -> dict[str, float]:
    pairs = (part.split("=") for part in params.split(",") if "mode" not in part and "log" not in part)
    return {name: float(value) for name, value in pairs}


def computed(family: str, params: str, mu: float, source: str) -> float | None:
    """The value of a row by our own functions; None where there is none but simulation."""
    p = numbers(params) if family not in (*SAMPLED_ONLY, *NOT_OURS) else {}
    match family:
        case "ewma_two_sided":
            return ewma_run_length(p["lambda"], p["L"], mu)
        case "cusum_two_sided" | "cusum_two_sided_fir":
            return cusum_run_length(p["k"], p["h"], mu, head=p.get("hs", 0.0))
        case "cusum_one_sided":
            return cusum_run_length(p["k"], p["h"], mu, "upper")
        case "shiryaev_roberts":
            return shiryaev_roberts_run_length(p["k"], log(390), mu)
        case "mewma" if not mu:
            limit = p["h4"] if "h4" in p else float(source.split("h4=")[1])
            return mewma_run_length(p["r"], limit, int(p["p"]))
        case "binomial_ewma":
            return binomial_ewma_run_length(p["lambda"], int(p["hu"]), int(p["n"]), mu, int(p["n"] * p["p0"]))
        case "ewma_crit_two_sided":
            return ewma_limit(p["lambda"], p["L0"])
        case "cusum_crit_one_sided" | "cusum_crit_two_sided":
            return cusum_limit(p["k"], p["L0"], "both" if "two" in family else "upper")
    return None


@pytest.mark.validation
def test_every_run_length_and_every_limit_is_that_of_the_reference_file() -> None:
    """Run lengths are equal to 7 digits; rows of run rules and of quantiles are simulated elsewhere."""
    if not REFERENCE.exists():
        pytest.skip(f"there is no {REFERENCE}")
    told, left = 0, set()
    for row in csv.DictReader(REFERENCE.read_text(encoding="utf-8").splitlines()):
        found = computed(row["family"], row["params"], float(row["mu"]), row["source"])
        if found is None:
            left.add(row["family"])
            continue
        assert found == pytest.approx(float(row["arl"]), rel=1e-7), row
        told += 1
    assert told == 239
    # MEWMA out of control has no equation in one variable, so it is simulated.
    assert left == {*SAMPLED_ONLY, *NOT_OURS, "mewma"}


@pytest.mark.parametrize(
    ("weight", "factor", "shift", "published"),
    [(0.5, 2.0, 0.0, 26.45), (0.05, 2.0, 1.0, 8.38), (0.03, 2.437, 0.0, 500), (0.5, 3.071, 4.0, 1.34)],
)
def test_ewma_run_lengths_are_the_published_ones(weight: float, factor: float, shift: float, published: float) -> None:
    """Crowder 1987, table 1; Lucas and Saccucci 1990, table 3."""
    assert ewma_run_length(weight, factor, shift) == pytest.approx(published, rel=3e-3)


@pytest.mark.parametrize(
    ("limit", "shift", "head", "published"),
    [(4.0, 0.0, 0.0, 168), (4.0, 1.0, 0.0, 8.38), (4.0, 0.0, 2.0, 149), (4.0, 1.0, 2.0, 5.29), (5.0, 0.0, 0.0, 465)],
)
def test_cusum_run_lengths_are_the_published_ones(limit: float, shift: float, head: float, published: float) -> None:
    """Lucas and Crosier 1982, table 1; Montgomery, table 9.3."""
    assert cusum_run_length(0.5, limit, shift, head=head) == pytest.approx(published, rel=3e-3)


def test_a_falling_series_has_the_run_length_of_a_rising_one() -> None:
    assert cusum_run_length(0.5, 4.0, -1.0, "lower") == pytest.approx(cusum_run_length(0.5, 4.0, 1.0, "upper"))


def test_other_run_lengths_are_the_published_ones() -> None:
    """Knoth 2006, table 2: 697 and 10.4; Molnau 2001: 199.78 by simulation at h4 = 12.73 of four series."""
    assert shiryaev_roberts_run_length(0.5, log(390)) == pytest.approx(697, rel=1e-3)
    assert shiryaev_roberts_run_length(0.5, log(390), 1.0) == pytest.approx(10.4, rel=5e-3)
    assert mewma_run_length(0.1, 12.73, 4) == pytest.approx(199.78, rel=5e-3)


def test_at_weight_one_an_ewma_is_shewharts_chart() -> None:
    """1/(2Φ(-3)) = 370.398."""
    assert ewma_run_length(1.0, 3.0) == pytest.approx(370.398, rel=1e-4)
    assert shewhart_factor(370.398) == pytest.approx(3.0, abs=1e-6)


@pytest.mark.parametrize("run_length", [20.0, 500.0, 1e6])
def test_a_limit_gives_the_run_length_it_was_solved_from(run_length: float) -> None:
    assert ewma_run_length(0.2, ewma_limit(0.2, run_length)) == pytest.approx(run_length, rel=1e-5)
    assert cusum_run_length(0.5, cusum_limit(0.5, run_length)) == pytest.approx(run_length, rel=1e-5)
    limit = shiryaev_roberts_limit(0.5, run_length)
    assert shiryaev_roberts_run_length(0.5, limit) == pytest.approx(run_length, rel=1e-5)
    assert mewma_run_length(0.2, mewma_limit(0.2, run_length, 3), 3) == pytest.approx(run_length, rel=1e-5)


def test_the_limit_of_counts_is_the_smallest_that_keeps_the_run_length() -> None:
    limit = binomial_ewma_limit(0.165, 500.0, 150, 0.1)
    lengths = [binomial_ewma_run_length(0.165, at, 150, 0.1, 15) for at in (limit - 1, limit)]
    assert lengths[0] < 500 <= lengths[1]


def test_a_run_length_of_one_window_is_refused() -> None:
    with pytest.raises(UsageError, match="more than 1 window"):
        ewma_limit(0.1, 1.0)
