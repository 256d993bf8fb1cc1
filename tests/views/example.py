"""A report as a model of flight delays might earn it: 30 columns, 40 weeks, three alerts, windows without data."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl

from watchkeeper.core.action import Action, ActionKind, Outcome
from watchkeeper.core.alert import Alert, AlertEnd, AlertState, Cause, Severity
from watchkeeper.core.evidence import Estimation, Evidence
from watchkeeper.core.measurement import Family, Measurement
from watchkeeper.core.schema import Column, Kind, NumericMap, Role, Schema, Task
from watchkeeper.core.signal import Basis, Signal, Zone
from watchkeeper.core.state import State, StateKey
from watchkeeper.core.window import Window
from watchkeeper.stats.summarise import summarise_rows
from watchkeeper.views.report import Report, Verdict

HOSTILE = "<script>alert(1)</script>"
START = datetime(2013, 3, 4, tzinfo=UTC)
WEEKS = 40
NUMERIC = (
    "distance", "hour", "temperature", "dew_point", "humidity", "wind_speed", "wind_gust", "pressure", "visibility",
    "precipitation", "month", "seats", "engines", "aircraft_age", "turnaround", "queue_length", "previous_delay",
    "taxi_out", "fuel_price", "load_factor", "crew_hours", "score",
)  # fmt: skip
TEXT = ("carrier", "origin", "destination", "weekday", "aircraft_type", "runway", "gate_area", HOSTILE)


def weeks(number: int = WEEKS) -> list[Window]:
    return [Window(START + timedelta(weeks=i), START + timedelta(weeks=i + 1)) for i in range(number)]


def rows(n: int, seed: int, *, broken: bool = False) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    data: dict[str, object] = {}
    for place, name in enumerate(NUMERIC):
        data[name] = rng.normal(50 + 10 * place, 5 + place, n)
    data["distance"] = rng.gamma(3, 350, n) * (1.609 if broken else 1.0)
    data["precipitation"] = np.where(rng.random(n) < 0.93, 0.0, rng.exponential(0.2, n))
    data["month"] = rng.integers(1, 13, n)
    data["hour"] = np.clip(rng.normal(14, 4.5, n).round(), 5, 23)
    data["score"] = rng.beta(2 + broken, 6, n)
    carriers = ["UA", "B6", "EV", "DL", "AA", "MQ", "US", "9E", "WN", "VX", "FL", "AS", "F9", "YV", "HA", "OO"]
    weight = 1 / np.arange(1, 17)
    data["carrier"] = rng.choice(carriers, n, p=weight / weight.sum())
    for name in TEXT[1:]:
        data[name] = rng.choice(
            ["EWR", "JFK", "LGA", "<b>bold</b> & a long name for a level"], n, p=[0.4, 0.3, 0.2, 0.1]
        )
    frame = pl.DataFrame(data)
    if broken:
        lost = pl.Series(rng.random(n) < 0.1)
        frame = frame.with_columns(
            origin=pl.when(lost).then(None).otherwise(pl.col("origin")), visibility=pl.lit(None, pl.Float64)
        )
    return frame


def schema(reference: pl.DataFrame) -> Schema:
    columns = []
    for name in reference.columns:
        role = Role.SCORE if name == "score" else Role.FEATURE
        if reference[name].dtype.is_numeric():
            quartiles = [float(reference[name].quantile(q) or 0.0) for q in (0.25, 0.5, 0.75)]
            scale = quartiles[2] - quartiles[0] or 1.0
            columns.append(
                Column(name, role, Kind.NUMERIC, "Float64", NumericMap(quartiles[1], scale), "holds numbers")
            )
        else:
            columns.append(Column(name, role, Kind.CATEGORICAL, "String", why="text with few values"))
    return Schema(tuple(columns), Task.BINARY, ("0", "1"), "1")


def states() -> tuple[Schema, dict[StateKey, State], dict[StateKey, State]]:
    before, now = rows(20_000, 1), rows(5_000, 2, broken=True)
    known = schema(before)
    return known, {s.key: s for s in summarise_rows(before, known)}, {s.key: s for s in summarise_rows(now, known)}


def metric_signals(name: str, level: float, spread: float, *, falls: float = 0.0, seed: int = 0) -> list[Signal]:
    rng = np.random.default_rng(seed)
    found = []
    for place, window in enumerate(weeks()):
        key = StateKey("delays", "v1" if place < 24 else "v2", window, column="@outcome")
        if place in (12, 13):
            found.append(Signal(Measurement.missing(key, Family.METRIC, name, "no labels have arrived"), "shewhart"))
            continue
        if place == 30:
            found.append(
                Signal(Measurement.failed(key, Family.METRIC, name, "labels hold an unknown class"), "shewhart")
            )
            continue
        value = level + spread * rng.normal() - (falls if 20 <= place < 24 else 0)
        measured = Measurement.of(
            key, Family.METRIC, name, value, 5_200, error=spread, interval=(value - 2 * spread, value + 2 * spread)
        )
        score = (value - level) / spread
        if place < 8:
            found.append(Signal(measured, "shewhart", zone=Zone.LEARNING))
        else:
            rule = "below_lower" if score < -3 else ""
            zone = Zone.BEYOND if rule else (Zone.WITHIN_1, Zone.WITHIN_2, Zone.WITHIN_3)[min(2, int(abs(score)))]
            limits = (level - 3 * spread, level + 3 * spread)
            found.append(Signal(measured, "shewhart", level, *limits, zone, rule, score, fired=bool(rule)))
    return found


def estimated_signals(name: str, level: float, spread: float, *, seed: int = 0) -> list[Signal]:
    """The same metric without labels: it is there where labels are not, and a change of concept is invisible to it."""
    rng = np.random.default_rng(seed)
    found = []
    for place, window in enumerate(weeks()):
        key = StateKey("delays", "v1" if place < 24 else "v2", window, column="@outcome")
        value = level + spread * rng.normal() / 2
        measured = Measurement.of(
            key, Family.ESTIMATE, name, value, 5_400, error=spread, interval=(value - 2 * spread, value + 2 * spread),
            evidence=Evidence(estimate=Estimation("cbpe")),
        )  # fmt: skip
        found.append(Signal(measured, "shewhart", level, level - 3 * spread, level + 3 * spread, Zone.WITHIN_1))
    return found


def column_signals(
    column: str, name: str, limit: float, *, breaks: float = 0.0, since: int = 37, seed: int = 0
) -> list[Signal]:
    rng = np.random.default_rng(seed)
    found = []
    for place, window in enumerate(weeks()):
        key = StateKey("delays", "v1", window, column=column)
        if column == "visibility" and place == WEEKS - 1:
            found.append(
                Signal(Measurement.missing(key, Family.COMPARISON, name, "the current data has no values"), "tolerance")
            )
            continue
        value = abs(limit * 0.35 * (1 + 0.4 * rng.normal())) + (breaks if place >= since else 0)
        measured = Measurement.of(
            key, Family.COMPARISON, name, value, 5_200, interval=(max(0, value - 0.02), value + 0.02)
        )
        score = 3 * value / limit
        fired = value > limit
        rule, basis = ("beyond_tolerance", Basis(value, limit, 0.05)) if fired else ("", None)
        zone = Zone.BEYOND if rule else (Zone.WITHIN_1, Zone.WITHIN_2, Zone.WITHIN_3)[min(2, int(score))]
        found.append(Signal(measured, "tolerance", 0.0, None, limit, zone, rule, score, fired=fired, basis=basis))
    return found


def signals() -> tuple[Signal, ...]:
    found = metric_signals("auroc", 0.672, 0.008, falls=0.05, seed=1)
    found += estimated_signals("auroc", 0.672, 0.008, seed=4)
    found += metric_signals("log_loss", 0.51, 0.012, seed=2)
    found += metric_signals("brier_score", 0.169, 0.004, seed=3)
    for place, column in enumerate((*NUMERIC, *TEXT)):
        distance = "ks" if column in NUMERIC else "l_infinity"
        breaks = {"distance": 0.31, "score": 0.1}.get(column, 0.0)
        found += column_signals(column, distance, 0.084, breaks=breaks, seed=10 + place)
        found += column_signals(
            column, "null_rate", 0.02, breaks=0.09 if column == "origin" else 0.0, since=39, seed=60 + place
        )
    return tuple(found)


def alerts(found: tuple[Signal, ...]) -> tuple[Alert, ...]:
    def newest(column: str, name: str) -> Signal:
        return [s for s in found if s.fired and (s.measurement.column, s.measurement.name) == (column, name)][-1]

    at = weeks()
    return (
        Alert(
            "a1", "delays", Cause.PERFORMANCE, Severity.PAGE, AlertState.ENDED,
            at[20].start, at[23].end, ("auroc",), (), (newest("@outcome", "auroc"),),
            AlertEnd.CLEARED,
        ),
        Alert(
            "a2", "delays", Cause.DATA_FAULT, Severity.PAGE, AlertState.FIRING,
            at[37].start, at[39].end, ("distance", "origin", HOSTILE), ("origin=null",),
            (
                newest("distance", "ks"), newest("origin", "null_rate"),
            ),
        ),
        Alert(
            "a3", "delays", Cause.DRIFT, Severity.WARNING, AlertState.FIRING,
            at[37].start, at[39].end, ("score",), (),
            (newest("score", "ks"),),
        ),
    )  # fmt: skip


def actions() -> tuple[Action, ...]:
    at = weeks()
    proof = {"difference": -0.0181, "lower": -0.0246, "upper": -0.0116}
    done = [
        (ActionKind.RETRAIN, Outcome.DONE, 22, "v2", "performance fell for two weeks", "a1", {"rows": 98_211.0}),
        (ActionKind.VALIDATE, Outcome.DONE, 23, "v2", "log loss lower by 0.018 on newer rows", "a1", proof),
        (ActionKind.PROMOTE, Outcome.DONE, 24, "v2", "the challenger is better on newer rows", "a1", {}),
        (ActionKind.VALIDATE, Outcome.REFUSED, 33, "v3", "the challenger is worse by 0.042", "", {"difference": 0.042}),
        (ActionKind.RETRAIN, Outcome.REFUSED, 39, "", "a data fault: distance changed its unit", "a2", {}),
    ]
    return tuple(
        Action(
            f"act-{i}",
            "delays",
            kind,
            outcome,
            why,
            "watchkeeper",
            at[week].start + timedelta(hours=30),
            version,
            alert,
            facts,
        )
        for i, (kind, outcome, week, version, why, alert, facts) in enumerate(done)
    )


def report() -> Report:
    found = signals()
    known, reference, current = states()
    return Report(
        title="Flight delays, December 2013",
        model="delays",
        verdict=Verdict.ALERT,
        made=datetime(2013, 12, 9, 6, 30, tzinfo=UTC),
        headline="A feed broke on 18 November: distance arrives in kilometres and a tenth of the origins is missing. "
        "Retraining is held until it is mended.",
        alerts=alerts(found),
        actions=actions(),
        signals=found,
        reference=reference,
        current=current,
        schema=known,
        notes=(
            "The broken feed was injected for the demonstration.",
            "The roles of 30 columns were inferred from the reference.",
        ),
    )


def checked() -> Report:
    """What a check of one file against another finds: no windows, no history."""
    known, reference, current = states()
    found = [
        replace(s, measurement=replace(s.measurement, window=None))
        for s in signals()
        if s.measurement.window == weeks()[-1]
    ]
    return Report(
        title="current.parquet against reference.parquet",
        model="check",
        verdict=Verdict.ALERT,
        made=datetime(2013, 12, 9, 6, 30, tzinfo=UTC),
        headline="3 of 30 columns changed.",
        alerts=alerts(signals())[1:],
        signals=tuple(found),
        reference=reference,
        current=current,
        schema=known,
    )
