"""What a notebook calls: reports on two tables and on what the runs have recorded."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import watchkeeper
from watchkeeper.api import check, report
from watchkeeper.core.alert import Cause
from watchkeeper.core.errors import ConfigError
from watchkeeper.run.project import Project
from watchkeeper.words.alerts import alert_sentence

from .run.invented import MODEL, day, deliver, rows, watch


@pytest.fixture
def kept(tmp_path: Path) -> Project:
    model = watch(tmp_path, train="''")
    whole = rows(0, 9, turn=7)
    deliver(tmp_path, "all", whole, whole)
    model.run(MODEL, day(9).start)
    return model


def test_a_report_names_each_measurement_once(kept: Project) -> None:
    found = report(kept, made=day(9).start).json()
    families = ("comparison", "metric", "estimate", "quality", "runtime")
    names = Counter(
        (next((f, m[f]) for f in families if f in m), m["column"], m["segment"], str(m["window"]))
        for m in found["measurements"]
    )
    assert {name: count for name, count in names.items() if count > 1} == {}
    assert len(found["signals"]) == len({(s["measurement"], s["chart"]) for s in found["signals"]})
    newest = [m for m in found["measurements"] if m["window"] and m["window"]["start"] == "2024-03-12T00:00:00Z"]
    assert {"auroc", "log_loss"} <= {m.get("metric") for m in newest}


def test_a_check_names_each_measurement_once() -> None:
    found = check(rows(2, 4), rows(0, 2), label="label", id="id", time="time").json()
    names = Counter(
        (str(sorted(m.keys() & {"comparison", "metric", "estimate", "quality"})), str(list(m.values())[:3]))
        for m in found["measurements"]
    )
    assert max(names.values()) == 1


def test_a_report_leads_with_what_is_firing(kept: Project) -> None:
    found = report(kept, made=day(9).start)
    assert found.verdict.value == "alert"
    assert found.headline.startswith("Window 2024-03-12: AUROC fell: ")


def test_where_the_newest_windows_are_empty_the_last_numbers_stay_with_their_age(kept: Project) -> None:
    before = report(kept, made=day(9).start)
    kept.run(MODEL, day(12).start)
    found = report(kept, made=day(12).start)
    assert found.verdict.value == "no_data"
    assert found.headline == (
        "No rows have arrived since 2024-03-13, 3 days ago. The numbers are those of 2024-03-12, the last window with "
        "rows."
    )
    assert [alert_sentence(a) for a in found.worst_alerts if a.cause is Cause.NO_DATA] == ["no rows arrived"]
    assert found.measurements == before.measurements
    assert found.current.keys() == before.current.keys() != set()


def test_an_alert_keeps_its_evidence_where_the_report_can_find_it(kept: Project) -> None:
    found = report(kept, made=day(9).start).json()
    (alert,) = found["alerts"]
    (place,) = [e["measurement"] for e in alert["evidence"]]
    assert found["measurements"][place]["metric"] == "auroc"


def test_a_report_on_a_model_that_is_not_there_gets_the_nearest_name(kept: Project) -> None:
    with pytest.raises(ConfigError, match="did you mean 'sales'"):
        report(kept, "sale")


def test_a_check_returns_a_report_that_shows_itself() -> None:
    before, now = rows(0, 2), rows(2, 4).with_columns(pl.col("x") + 2)
    found = check(now, before, label="label", prediction="prediction", score="score", id="id", time="time")
    assert found.verdict.value == "alert"
    assert found.alerts[0].columns
    assert "x" in found._repr_mimebundle_()["text/plain"]


def test_forecasts_rankings_and_groups_can_be_named_in_a_check() -> None:
    rng = np.random.default_rng(1)
    truth = rng.normal(50, 5, 400)
    sales = pl.DataFrame(
        {
            "x": truth + rng.normal(0, 1, 400),
            "low": truth - 8,
            "high": truth + 8,
            "prediction": truth,
            "label": truth + 1,
        }
    )
    told = check(sales, sales, quantiles={0.1: "low", 0.9: "high"}).json()
    assert {"interval_coverage", "pinball_loss"} <= {m.get("metric") for m in told["measurements"]}

    asked = pl.DataFrame({"query": np.arange(400) // 8, "score": rng.random(400), "label": rng.integers(0, 3, 400)})
    told = check(asked, asked, group="query").json()
    assert {"ndcg", "mrr"} <= {m.get("metric") for m in told["measurements"]}

    people = rows(0, 2)
    told = check(people, people, label="label", fairness=["plan"]).json()
    assert "selection_rate_gap" in {m.get("metric") for m in told["measurements"]}


def test_an_alert_says_what_it_is_about() -> None:
    before = pl.DataFrame({"age": range(1000)})
    alert = watchkeeper.check(before.with_columns(pl.col("age") + 600), before).alerts[0]
    assert alert.message == alert_sentence(alert)
    assert alert.message.startswith("age rose: mean 500 → 1,100 (KS 0.6")
    watched = watchkeeper.stream(before, budget=1_000)
    steps = [watched.update({"age": [1500] * 50}) for _ in range(10)]
    told = [one.message for step in steps for one in step.alerts]
    assert told
    assert all(words.startswith("age") for words in told)
    assert watched.resolve(watched.alerts[0]).message
