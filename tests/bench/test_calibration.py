import subprocess
import sys
from math import inf
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import chi2_contingency, ks_2samp

from bench.calibration import column_tests, real_data, stream_rule, window_rule
from bench.calibration.claims import claims
from bench.calibration.jobs import MILLION
from bench.calibration.report import render
from bench.calibration.streams import BY_NAME, CHANGE, CHANGES, CLEAN, COLUMNS, ROWS, column, reference, window
from bench.calibration.tally import Tally, poisson_limits, read, together, written

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT.parent / "shared" / "data"

on_real_data = [
    pytest.mark.validation,
    pytest.mark.slow,
    pytest.mark.skipif(not DATA.is_dir(), reason="the shared data sets are not here"),
]


def latent(stream: str, windows: range, name: str = "x0") -> np.ndarray:
    return np.stack([column(BY_NAME[stream], 3, i, name) for i in windows])


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.name)
def test_a_changing_stream_is_the_clean_one_but_for_its_column_after_the_change(change) -> None:
    before, after = (window(change, 1, number) for number in (CHANGE - 1, CHANGE))
    clean_before, clean_after = (window(CLEAN[0], 1, number) for number in (CHANGE - 1, CHANGE))
    assert all((before[name] == clean_before[name]).all() for name in COLUMNS)
    assert {name for name in COLUMNS if (after[name] != clean_after[name]).any()} == set(change.changed)


def test_repetitions_windows_and_the_reference_are_different_rows() -> None:
    first = column(CLEAN[0], 0, 0, "x0")
    others = [column(CLEAN[0], 1, 0, "x0"), column(CLEAN[0], 0, 1, "x0"), reference(CLEAN[0], 0, ("x0",))["x0"]]
    assert not any(np.isin(first, other).any() for other in others)


@pytest.mark.parametrize(
    ("name", "effect"), [("clusters of 10 equal rows", 10.0), ("clusters of 10 correlated rows", 5.5)]
)
def test_clusters_have_the_design_effect_of_kish(name: str, effect: float) -> None:
    # Kish (1965): 1 + (m - 1)·ρ with m = 10 rows and ρ = 1 or .5; 400 means know their variance to 7 %.
    means = latent(name, range(-50, 350)).mean(axis=1)
    assert ROWS * means.var() == pytest.approx(effect, rel=0.25)


def test_windows_with_noise_have_means_that_differ_by_three_hundredths() -> None:
    means = latent("window noise .03 σ", range(-50, 350)).mean(axis=1)
    assert means.var() == pytest.approx(0.03**2 + 1 / ROWS, rel=0.25)


def test_changes_are_as_large_as_they_say() -> None:
    after = range(CHANGE, CHANGE + 40)
    assert latent("shift .5 σ", after).mean() == pytest.approx(0.5, abs=0.02)
    assert latent("scale × 1.5", after).std() == pytest.approx(1.5, abs=0.03)
    assert (latent("a level appears, 5 % of rows", after, "c4") == "new").mean() == pytest.approx(0.05, abs=0.005)
    for r in (0.3, 0.8):
        name = f"correlation 0 → {r:g}".replace("0.", ".")
        x, y = latent(name, after, "x0").ravel(), latent(name, after, "x1").ravel()
        assert np.corrcoef(x, y)[0, 1] == pytest.approx(r, abs=0.02)
        assert y.std() == pytest.approx(1.0, abs=0.02)


@pytest.mark.parametrize("name", ["x0", "x15", "x18"])
def test_the_test_of_a_numeric_column_is_that_of_scipy(name: str) -> None:
    before, now = reference(CLEAN[0], 0, (name,))[name], column(BY_NAME["shift .1 σ"], 0, CHANGE, name)
    expected = ks_2samp(before, now, method="asymp").pvalue
    assert column_tests.Numeric(before).p_value(now) == pytest.approx(expected, rel=1e-9)


def test_the_test_of_a_categorical_column_is_that_of_scipy() -> None:
    before, now = reference(CLEAN[0], 0, ("c1",))["c1"], column(CLEAN[0], 0, 0, "c1")
    table = [[(side == level).sum() for level in np.unique(before)] for side in (before, now)]
    expected = chi2_contingency(table, correction=False).pvalue
    assert column_tests.Leveled(before).p_value(now) == pytest.approx(expected, rel=1e-9)


def test_psi_is_the_sum_over_levels() -> None:
    # By hand: (.75 - .5)·ln(1.5) + (.25 - .5)·ln(.5) = .27465.
    before, now = np.array(["a", "b"] * 50), np.array(["a"] * 75 + ["b"] * 25)
    assert column_tests.Leveled(before).psi(now) == pytest.approx(0.27465, abs=1e-5)


@pytest.mark.parametrize(("count", "lower", "upper"), [(0, 0.0, 3.689), (3, 0.619, 8.767), (10, 4.795, 18.390)])
def test_limits_of_a_count_are_those_of_garwood(count: int, lower: float, upper: float) -> None:
    # Garwood (1936), doi:10.1093/biomet/28.3-4.437, as in the usual table of exact Poisson limits.
    assert poisson_limits(count) == pytest.approx((lower, upper), abs=5e-4)


def test_a_delay_counts_what_was_not_found_as_endless() -> None:
    found = together([Tally("rows", "a", "s", 1, delays=[100.0]), Tally("rows", "a", "s", 2, delays=[inf, 300.0])])
    assert [(one.repetitions, one.delay, one.found) for one in found] == [(3, 300.0, pytest.approx(2 / 3))]
    assert Tally("rows", "a", "s", 2, delays=[inf, inf]).delay == inf


def test_tallies_come_back_from_another_process() -> None:
    tallies = [Tally("rows", "a", "σ", 2, 1_000, 3, delays=[inf, 5.0])]
    assert read(written(tallies)) == tallies


@pytest.mark.parametrize(("alarms", "kept"), [(8, True), (9, False)])
def test_a_budget_is_kept_up_to_its_own_count(alarms: int, kept: bool) -> None:
    # One a year of daily windows: 3,000 / 365.25 = 8.2.
    made = claims([Tally("windows", window_rule.ALERTS, "clean", 30, 3_000_000, alarms)])
    assert [claim.kept for claim in made] == [kept]


def test_a_promise_that_is_broken_is_shown_as_broken() -> None:
    fine, default = stream_rule.RULES
    tallies = [
        Tally("rows", fine, "clean", 30, 3_000_000, 0),
        Tally("rows", fine, "shift .5 σ", 3, delays=[150.0, 250.0, 400.0]),
        Tally("rows", default, MILLION, 1, 1_000_000, 1),
    ]
    made = claims(tallies)
    page = render(tallies, made, [], 60.0, "")
    assert [claim.kept for claim in made] == [True, True, False, False]
    assert "2 of 4 kept" in page
    assert page.count("**no**") == 2


@pytest.mark.slow
@pytest.mark.parametrize("name", ["shift 1 σ", "a level appears, 5 % of rows", "correlation 0 → .8"])
def test_a_large_change_of_any_kind_is_found_in_its_first_windows(name: str) -> None:
    tallies = window_rule.clean(CLEAN[0], 0, (BY_NAME[name],), range(CHANGE - 2, CHANGE + 3))
    delays = {one.system: one.delay for one in tallies if one.stream == name}
    assert delays[window_rule.SINGLE] == ROWS
    assert delays[window_rule.ALERTS] in (ROWS, 2 * ROWS)


@pytest.mark.slow
def test_the_quick_run_prints_a_page_and_writes_none() -> None:
    page = ROOT / "docs" / "calibration.md"
    before = page.stat().st_mtime_ns
    given = [sys.executable, "-m", "bench.calibration", "--quick", "--jobs", "1"]
    done = subprocess.run(given, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert "Watchkeeper, window rule: alerts | 0 (0 %)" in done.stdout
    assert "Watchkeeper, window rule: alerts | 1,000 (100 %)" in done.stdout
    assert page.stat().st_mtime_ns == before


def test_columns_that_moved_are_told_from_those_that_moved_too_little_to_be_seen() -> None:
    import polars as pl

    rng = np.random.default_rng(0)
    before = pl.DataFrame({name: rng.normal(size=20_000) for name in ("still", "little", "far")})
    # A shift of s sigma moves the distribution function by 2Φ(s/2) - 1: .08 and .38.
    after = before + pl.DataFrame({"still": [0.0], "little": [0.2], "far": [1.0]}).select(
        pl.all().repeat_by(20_000).explode()
    )
    assert real_data._moved(before, after, before.columns, 1_000) == [("far",), ("little",)]


@pytest.mark.parametrize("number", [0, 2], ids=["electricity", "gas_sensor_drift"])
@pytest.mark.parametrize("marked", [pytest.param(None, marks=on_real_data, id="real")])
def test_a_known_change_is_found_in_two_windows_with_its_columns(number: int, marked: None) -> None:
    found = real_data.found_in(number, DATA)
    assert found
    assert all(one.kept and not one.before for one in found)
