"""One look at two tables: what changed, since when, how sure, and never a crash or a false alarm too many."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial

import numpy as np
import polars as pl
import pytest
from scipy import stats

from tests.counting import calls_of
from watchkeeper.config.check_options import CheckOptions
from watchkeeper.core.alert import AlertState, Cause, Severity
from watchkeeper.core.errors import SchemaError, UsageError
from watchkeeper.core.measurement import Family, Measurement, Status
from watchkeeper.core.state import JOINT
from watchkeeper.run.check import CheckResult, check_tables
from watchkeeper.words.alerts import alert_sentence

ROLES = {name: name for name in ("label", "score", "prediction")}
START = datetime(2024, 1, 1, tzinfo=UTC)


def rows(seed: int, n: int = 2_000) -> pl.DataFrame:
    """Return rows of a model that knows what it is talking about."""
    rng = np.random.default_rng(seed)
    x, amount = rng.normal(size=n), np.round(rng.lognormal(3, 1, n), 2)
    score = 1 / (1 + np.exp(-2 * x))
    columns = {
        "x": x,
        "amount": amount,
        "visits": rng.poisson(0.4, n),
        "age": np.where(rng.random(n) < 0.1, np.nan, rng.integers(18, 90, n)),
        "plan": rng.choice(["basic", "plus", "pro"], n, p=[0.6, 0.3, 0.1]),
        "city": rng.choice([f"c{i:02d}" for i in range(40)], n),
        "score": score,
        "prediction": (score >= 0.5).astype(np.int64),
        "label": (rng.random(n) < score).astype(np.int64),
    }
    return pl.DataFrame(columns)


def dated(frame: pl.DataFrame, days: int = 20) -> pl.DataFrame:
    step = timedelta(days=days) / frame.height
    return frame.with_columns(at=pl.Series([START + n * step for n in range(frame.height)]))


def check(current: pl.DataFrame, reference: pl.DataFrame | None = None, **given: object) -> CheckResult:
    options = CheckOptions(**{**ROLES, **given})
    return check_tables(current, rows(1) if reference is None else reference, options)


def found(result: CheckResult) -> list[tuple[Cause, tuple[str, ...]]]:
    return [(alert.cause, alert.columns) for alert in result.alerts]


def measurement(result: CheckResult, name: str, column: str = "@outcome") -> Measurement:
    return next(m for m in result.measurements if (m.name, m.column, m.segment) == (name, column, "all"))


SAME = rows(2)


def test_rows_from_the_same_source_are_fine() -> None:
    result = check(SAME)
    assert (result.verdict, result.alerts, result.rows) == ("ok", (), (2_000, 2_000))


def test_of_a_hundred_random_halves_at_most_one_alarms() -> None:
    # The budget is one false alarm in a thousand checks: two in a hundred have a chance of one in two hundred.
    alarms = []
    for seed in range(100):
        whole = rows(1_000 + seed, 1_200).sample(fraction=1.0, shuffle=True, seed=seed)
        result = check(whole[:600], whole[600:])
        alarms += [(seed, result.verdict, found(result))] if result.verdict != "ok" else []
    assert len(alarms) <= 1, alarms


def test_a_shifted_column_is_drift_and_named_first() -> None:
    result = check(SAME.with_columns(pl.col("amount") * 1.0 + pl.col("amount").median()))
    assert found(result)[0][1][0] == "amount"
    drift = next(a for a in result.alerts if a.cause is Cause.DRIFT)
    assert (drift.severity, drift.state) == (Severity.WARNING, AlertState.FIRING)
    assert result.verdict == "alert"


def test_harm_pages_and_a_gain_does_not() -> None:
    worse = check(SAME.with_columns(label=1 - pl.col("label")))
    assert found(worse) == [(Cause.PERFORMANCE, ())]
    assert worse.alerts[0].severity is Severity.PAGE
    assert alert_sentence(worse.alerts[0]).startswith("AUROC fell: ")
    perfect = check(SAME.with_columns(label="prediction"))
    assert (Cause.PERFORMANCE, ()) not in found(perfect)


def test_a_regression_that_got_worse_pages() -> None:
    def forecast(seed: int, noise: float) -> pl.DataFrame:
        rng = np.random.default_rng(seed)
        x = rng.normal(size=1_500)
        return pl.DataFrame({"x": x, "prediction": 3 * x, "label": 3 * x + noise * rng.normal(size=1_500)})

    assert check(forecast(2, 1.0), forecast(1, 1.0), score=None).verdict == "ok"
    result = check(forecast(2, 1.5), forecast(1, 1.0), score=None)
    assert found(result) == [(Cause.PERFORMANCE, ())]
    # The mean absolute error of normal noise is σ·√(2/π).
    assert measurement(result, "mae").value == pytest.approx(1.5 * np.sqrt(2 / np.pi), rel=0.06)


def test_an_alert_is_dated_by_the_first_window_that_shows_it() -> None:
    current = dated(rows(2, 6_000))
    late = pl.col("at") >= START + timedelta(days=12)
    result = check(current.with_columns(x=pl.when(late).then(pl.col("x") + 1).otherwise("x")), dated(rows(1)))
    (drift,) = [a for a in result.alerts if a.cause is Cause.DRIFT]
    assert drift.columns == ("x",)
    assert drift.since is not None
    assert abs(drift.since - (START + timedelta(days=12))) <= timedelta(hours=12)
    assert drift.last is not None
    assert drift.last >= START + timedelta(days=19)


def test_one_row_of_1970_does_not_spoil_the_dates() -> None:
    current = dated(rows(2, 6_000))
    late = pl.col("at") >= START + timedelta(days=12)
    current = current.with_columns(x=pl.when(late).then(pl.col("x") + 1).otherwise("x"))
    strange = current.head(1).with_columns(at=pl.lit(datetime(1970, 1, 1, tzinfo=UTC)).cast(current.schema["at"]))
    result = check(pl.concat([current, strange]), dated(rows(1)))
    (drift,) = [a for a in result.alerts if a.cause is Cause.DRIFT]
    assert any("1 row was set aside: 1 with at before 1973-03-03" in note for note in result.notes)
    assert drift.since is not None
    assert abs(drift.since - (START + timedelta(days=12))) <= timedelta(hours=12)


def test_a_missing_column_is_an_alert_and_no_crash() -> None:
    result = check(SAME.drop("amount"))
    assert found(result) == [(Cause.DATA_FAULT, ("amount",))]
    assert alert_sentence(result.alerts[0]) == "column 'amount' is missing"
    assert {m.status for m in result.measurements if m.column == "amount"} == {Status.FAILED}


def test_a_column_that_the_reference_lacks_is_named() -> None:
    result = check(SAME.with_columns(campaign=pl.lit("spring")))
    assert result.verdict == "ok"
    assert any("campaign is not in the reference and not looked at" in note for note in result.notes)


def test_a_missing_label_is_late_and_no_fault() -> None:
    result = check(SAME.drop("label"))
    assert (result.verdict, result.alerts) == ("ok", ())
    assert measurement(result, "auroc").status is Status.NO_DATA
    assert any("no labels (label) yet" in note for note in result.notes)


@pytest.mark.parametrize(
    ("column", "values", "words"),
    [
        ("x", pl.lit(None, dtype=pl.Float64), "x without a value: 0.0% → 100.0%"),
        ("x", pl.lit(None), "x without a value: 0.0% → 100.0%"),
        ("x", pl.lit(float("inf")), "x infinite: 0.0% → 100.0%"),
        ("plan", pl.lit(None, dtype=pl.String), "plan without a value: 0.0% → 100.0%"),
        (
            "x",
            pl.col("x").cast(pl.String),
            "column 'x' changed its type: the reference holds Float64, this holds String",
        ),
        ("plan", pl.lit(3), "column 'plan' changed its type"),
        ("amount", pl.col("amount") * 1_000, "amount is 1000 times what it was"),
        ("plan", pl.lit("gold"), "plan has new levels in 100.0% of rows: 'gold' (2000)"),
        ("x", pl.concat_list("x", "x"), "column 'x' holds List"),
    ],
)
def test_a_broken_column_is_a_data_fault_that_says_what_happened(column: str, values: pl.Expr, words: str) -> None:
    result = check(SAME.with_columns(values.alias(column)))
    fault = next(a for a in result.alerts if a.cause is Cause.DATA_FAULT)
    assert fault.columns == (column,)
    assert words in alert_sentence(fault)
    assert fault.severity is Severity.PAGE
    assert (Cause.DRIFT, (column,)) not in found(result)


def test_a_tenth_of_infinities_is_a_data_fault_and_the_rest_is_still_compared() -> None:
    some = pl.int_range(pl.len()) % 10 == 0
    result = check(SAME.with_columns(x=pl.when(some).then(-float("inf")).otherwise("x")))
    assert found(result) == [(Cause.DATA_FAULT, ("x",))]
    assert "0.0% → 10.0%" in alert_sentence(result.alerts[0])
    assert measurement(result, "ks", "x").status is Status.OK
    assert measurement(result, "null_rate", "x").evidence.details["infinities"] == 200


def test_a_label_with_unseen_classes_is_a_label_fault() -> None:
    some = pl.int_range(pl.len()) % 10 == 0
    result = check(SAME.with_columns(label=pl.when(some).then(2).otherwise("label")))
    assert found(result) == [(Cause.LABEL_FAULT, ("label",))]
    assert alert_sentence(result.alerts[0]) == "label has new levels in 10.0% of rows: '2' (200)"


@pytest.mark.parametrize("n", [1, 5, 20])
def test_few_rows_are_too_little_data_and_never_fine(n: int) -> None:
    assert check(SAME.head(n)).verdict == "no_data"
    assert check(SAME, rows(1, n)).verdict in ("no_data", "alert")


def test_no_rows_are_no_data() -> None:
    result = check(SAME.clear())
    assert (result.verdict, result.alerts) == ("no_data", ())


def test_tables_that_share_no_column_are_refused_with_both_lists() -> None:
    with pytest.raises(SchemaError, match=r"share no column.*'a'.*'x'"):
        check(pl.DataFrame({"a": [1, 2, 3]}))


def test_a_named_column_that_does_not_exist_is_refused_with_the_nearest() -> None:
    with pytest.raises(SchemaError, match="did you mean 'label'"):
        check(SAME, label="lable")


def test_segments_are_measured_one_by_one() -> None:
    pro = pl.col("plan") == "pro"
    current = rows(2, 8_000).with_columns(label=pl.when(pro).then(1 - pl.col("label")).otherwise("label"))
    result = check(current, rows(1, 8_000), segments=["plan"])
    auroc = {m.segment: m.value for m in result.measurements if m.name == "auroc"}
    assert set(auroc) == {"all", "plan=basic", "plan=plus", "plan=pro"}
    assert auroc["plan=pro"] is not None
    assert auroc["plan=pro"] < 0.2


def test_a_tolerated_change_is_silent_at_any_number_of_rows() -> None:
    # A shift of a tenth of sigma moves a distribution function by at most .1·φ(0) = .04, below the tolerance of .05.
    rng = np.random.default_rng(5)
    before, now = (pl.DataFrame({"x": rng.normal(size=400_000) + shift}) for shift in (0.0, 0.1))
    assert check_tables(now, before).verdict == "ok"
    assert check_tables(now, before, CheckOptions(tolerance=0.01)).verdict == "alert"


def test_measurements_say_how_many_rows_they_rest_on() -> None:
    result = check(SAME.with_columns(label=pl.when(pl.int_range(pl.len()) < 700).then("label")))
    assert measurement(result, "auroc").n == 700
    assert measurement(result, "ks", "age").n == SAME["age"].is_not_nan().sum()


def wide(columns: int, n: int, seed: int) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    return pl.DataFrame({f"c{i:04d}": rng.normal(size=n) for i in range(columns)})


def test_a_thousand_columns_cost_about_ten_times_a_hundred() -> None:
    check_tables(wide(5, 300, 1), wide(5, 300, 2))
    calls = {}
    for columns in (100, 1_000):
        before, now = wide(columns, 300, 1), wide(columns, 300, 2)
        calls[columns], result = calls_of(partial(check_tables, now, before))
        assert result.verdict == "ok"
        compared = {m.column for m in result.measurements if m.family is Family.COMPARISON} - {JOINT}
        assert len(compared) == columns
    assert calls[1_000] < 12 * calls[100], calls


def test_a_column_name_may_be_anything() -> None:
    names = {"x": "<b>x</b>", "amount": "a\x1fb", "plan": "=1+1", "city": "naïve col=umn"}
    before, now = (frame.rename(names) for frame in (rows(1), SAME.with_columns(pl.col("amount") * 1_000)))
    result = check(now, before)
    assert (Cause.DATA_FAULT, ("a\x1fb",)) in found(result)


def test_comparisons_that_are_asked_for_are_made_and_not_judged() -> None:
    rng = np.random.default_rng(12)
    before, now = (pl.DataFrame({"a": rng.normal(size=800), "b": rng.normal(size=800)}) for _ in range(2))
    found = check_tables(now, before, CheckOptions(measures=["ks_test", "mmd"]))
    made = {(m.name, m.column): m for m in found.measurements}
    expected = stats.ks_2samp(before["a"].to_numpy(), now["a"].to_numpy(), method="asymp").pvalue
    assert made["ks_test", "a"].value == pytest.approx(expected, rel=0.1)
    assert made["mmd", JOINT].status is Status.OK
    assert not any(s.measurement.name in ("ks_test", "mmd") for s in found.signals)


def test_a_comparison_that_does_not_exist_is_refused_with_a_near_miss() -> None:
    frame = pl.DataFrame({"x": [1.0, 2.0]})
    with pytest.raises(UsageError, match="there is no comparison 'ks_tst'; did you mean 'ks_test'"):
        check_tables(frame, frame, CheckOptions(measures=["ks_tst"]))


def test_rankings_whose_groups_are_lost_are_a_data_fault_and_never_fine() -> None:
    rng = np.random.default_rng(3)
    asked = pl.DataFrame(
        {"query": [f"q{i // 8}" for i in range(800)], "score": rng.random(800), "label": rng.integers(0, 3, 800)}
    )
    lost = check_tables(asked.with_columns(query=pl.lit(None, pl.String)), asked, CheckOptions(group="query"))
    (fault,) = lost.alerts
    assert (lost.verdict, fault.cause) == ("alert", Cause.DATA_FAULT)
    assert "none of 800 rows has a group and a score" in alert_sentence(fault)
    assert check_tables(asked, asked, CheckOptions(group="query")).verdict == "ok"
