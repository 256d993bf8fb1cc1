"""What a report says where nothing is known of performance."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from watchkeeper.api import check
from watchkeeper.core.measurement import Family, Measurement
from watchkeeper.core.signal import Signal
from watchkeeper.core.window import Window
from watchkeeper.views.findings import UNKNOWN
from watchkeeper.views.report import Report
from watchkeeper.views.terminal import plain


def rows(seed: int, n: int = 4_000) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    score = 1 / (1 + np.exp(-x))
    return pl.DataFrame({"x": x, "score": score, "prediction": score > 0.5, "label": rng.random(n) < score})


def checked(*dropped: str, label: bool = True) -> Report:
    before = rows(1) if label else rows(1).drop("label")
    return check(rows(2).drop(dropped, strict=False), before)


def test_rows_without_labels_on_either_side_are_fine_as_inputs_only() -> None:
    found = checked("label", label=False)
    assert found.verdict.value == "ok"
    text = " ".join(plain(found).split())
    assert text.startswith("✓ Inputs fine")
    assert UNKNOWN in text
    assert UNKNOWN in found.json()["headline"]
    page = found.html()
    assert "Inputs fine" in page
    assert UNKNOWN in page


@pytest.mark.parametrize("dropped", ["", "label"])
def test_realised_or_estimated_performance_is_performance_looked_at(dropped: str) -> None:
    found = checked(dropped)
    assert plain(found).startswith("✓ Fine")
    assert UNKNOWN not in found.html()


def test_a_table_without_a_model_has_no_performance_to_look_at() -> None:
    found = check(rows(2).select("x"), rows(1).select("x"))
    assert plain(found).startswith("✓ Fine")


@pytest.mark.parametrize(("labelled", "unknown"), [(0, True), (1, False)])
def test_labels_of_earlier_windows_say_nothing_of_the_newest(labelled: int, unknown: bool) -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    days = [Window(start + timedelta(days=n), start + timedelta(days=n + 1)) for n in range(2)]
    accuracy = Measurement(Family.METRIC, "accuracy", 0.9, 500, window=days[labelled])
    drift = Measurement(Family.COMPARISON, "ks", 0.01, 500, column="x", window=days[1])
    found = replace(checked(), measurements=(drift,), signals=(Signal(accuracy, "ewma"),))
    assert found.performance_unknown is unknown
    assert plain(found).startswith("✓ Inputs fine" if unknown else "✓ Fine")
