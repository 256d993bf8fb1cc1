"""A unit that changes is named on the day it does, held until it is as it was, and never named of what grows."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl

from watchkeeper.compare.window_shape import Lately
from watchkeeper.core.alert import Alert, Cause, Severity
from watchkeeper.core.batch import Batch
from watchkeeper.core.schema import Role
from watchkeeper.core.spec import AlertRule, Spec
from watchkeeper.core.window import WindowRule
from watchkeeper.schema.inference import infer_schema
from watchkeeper.stats.codec import merged
from watchkeeper.stats.summarise import summarise
from watchkeeper.steps.assess import assess
from watchkeeper.steps.judge import JudgeMemory, judge
from watchkeeper.steps.lately import lately_before, lately_with
from watchkeeper.steps.monitors import default_monitors
from watchkeeper.words.alerts import alert_sentence

DAY = timedelta(days=1)
BEGIN = datetime(2024, 3, 1, tzinfo=UTC)
Turn = Callable[[pl.DataFrame, int], pl.DataFrame]


def log(turn: Turn, days: int = 24, rows: int = 400) -> pl.DataFrame:
    rng, parts = np.random.default_rng(11), []
    for day in range(days):
        at = [BEGIN + day * DAY + timedelta(seconds=40 * k) for k in range(rows)]
        values = {
            "distance": rng.lognormal(6, 0.2, rows),
            "weight": rng.normal(70, 9, rows),
            "price": rng.lognormal(3, 0.6, rows),
        }
        parts.append(turn(pl.DataFrame({"at": at, **values}), day))
    return pl.concat(parts)


def judged(rows: pl.DataFrame) -> tuple[list[list[Alert]], dict[str, Lately]]:
    schema = infer_schema(rows, roles={Role.TIME: "at"})
    spec = Spec("trips", schema, WindowRule(every=DAY))
    rule = AlertRule()
    spec = replace(spec, alerts=rule, monitors=default_monitors(schema, rule, history=True))
    pieces = summarise([Batch(rows, schema)], spec)
    reference = merged([s for k, s in pieces.items() if k.window and k.window.start < BEGIN + 9 * DAY], None, "trips")
    memory, lately, found = JudgeMemory(), dict[str, Lately](), list[list[Alert]]()
    for window in sorted({k.window for k in pieces if k.window}):
        states = merged([s for k, s in pieces.items() if k.window == window], window, "trips")
        lately = lately_before(lately, window, DAY)
        measured = [replace(m, window=window) for m in assess(states, reference, spec, lately=lately)]
        result = judge(measured, spec, memory, window)
        lately, memory = lately_with(lately, states, measured, result.signals, spec.schema, window), result.watch
        found.append([alert for alert in result.alerts if alert.cause in (Cause.DATA_FAULT, Cause.DRIFT)])
    return found, lately


def in_kilometres(rows: pl.DataFrame, day: int) -> pl.DataFrame:
    return rows.with_columns(pl.col("distance") * 1.609344) if 9 <= day < 20 else rows


def test_another_unit_is_named_on_its_day_and_held_until_it_is_over() -> None:
    found, lately = judged(log(in_kilometres))
    faults = [[a for a in alerts if a.cause is Cause.DATA_FAULT and a.evidence] for alerts in found]
    assert not any(found[:9])
    assert [bool(alerts) for alerts in faults[9:20]] == [True] * 11
    first = faults[9][0]
    assert first.columns == ("distance",)
    assert "distance is 1.609 times what it was (miles → kilometres) since 10 March" in alert_sentence(first)
    assert {alerts[0].evidence[0].measurement.evidence.transformation.since for alerts in faults[9:20]} == {
        BEGIN + 9 * DAY
    }
    assert lately["distance"].turned is None
    assert abs(np.log(lately["distance"].shapes[-1].mean / lately["distance"].shapes[0].mean)) < 0.1


def changed_places(rows: pl.DataFrame, day: int) -> pl.DataFrame:
    names = {"distance": "weight", "weight": "distance"}
    return rows.rename(names).select(rows.columns) if day >= 12 else rows


def grown(rows: pl.DataFrame, day: int) -> pl.DataFrame:
    return rows.with_columns(pl.col("price") * 1.75) if day >= 12 else rows


def test_columns_that_changed_places_are_named_with_each_other() -> None:
    found, _ = judged(log(changed_places, 14))
    words = alert_sentence(next(a for a in found[12] if a.cause is Cause.DATA_FAULT))
    assert "distance looks as weight did, and weight as it did: they changed places since 13 March" in words


def test_values_that_grow_by_another_factor_are_a_warning_of_drift() -> None:
    found, _ = judged(log(grown, 15, 2_000))
    alerts = [alert for alerts in found[12:] for alert in alerts]
    assert {(alert.cause, alert.severity) for alert in alerts if alert.columns} == {(Cause.DRIFT, Severity.WARNING)}
    assert re.search(r"price is 1\.[78]\d? times what it was, small and large values alike", alert_sentence(alerts[-1]))
