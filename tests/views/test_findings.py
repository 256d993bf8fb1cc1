"""What a report says where nothing is known of performance."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from watchkeeper.api import check
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
