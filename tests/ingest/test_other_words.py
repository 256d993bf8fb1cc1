"""Words among numbers and dates, codes with zeros on one side alone, and categories that Parquet keeps as numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest

from watchkeeper.api import check
from watchkeeper.core.schema import Kind, Task
from watchkeeper.schema.declared import column_type
from watchkeeper.views.report import Report, Verdict


@pytest.fixture
def both(tmp_path: Path) -> tuple[Path, Path]:
    return tmp_path / "now.csv", tmp_path / "then.csv"


def numbers(seed: int, mean: float = 0.0) -> pl.Series:
    return pl.Series("x", np.random.default_rng(seed).normal(mean, 1, 900).round(3))


def spoiled(values: pl.Series, word: str, every: int) -> pl.Series:
    texts = values.cast(pl.String).to_list()
    return pl.Series(values.name, [word if i % every == 0 else text for i, text in enumerate(texts)])


def compared(both: tuple[Path, Path], now: pl.Series, then: pl.Series) -> Report:
    now.to_frame().write_csv(both[0])
    then.to_frame().write_csv(both[1])
    return check(*both)


@pytest.mark.parametrize("word", ["unknown", "#DIV/0!", "ERROR", "*", "out of order"])
def test_words_among_measurements_are_missing_whatever_they_are(both: tuple[Path, Path], word: str) -> None:
    report = compared(both, spoiled(numbers(2, 3), word, 50), spoiled(numbers(1), word, 50))
    assert [(a.cause.value, a.columns) for a in report.alerts] == [("drift", ("x",))]
    assert report.schema["x"].kind is Kind.NUMERIC
    assert sum(f"'{word}'" in note and "18 rows" in note for note in report.notes) == 2


def test_a_word_that_comes_up_is_a_rise_of_missing_values(both: tuple[Path, Path]) -> None:
    report = compared(both, spoiled(numbers(2), "unknown", 5), numbers(1))
    assert [a.message for a in report.alerts] == ["x without a value: 0.0% → 20.0%"]


def test_amounts_and_dates_with_a_word_are_no_identifiers(both: tuple[Path, Path]) -> None:
    amounts = pl.Series("x", [37 * i for i in range(1500)])
    assert compared(both, spoiled(amounts, "oops", 20), spoiled(amounts, "oops", 20)).schema["x"].kind is Kind.NUMERIC
    days = pl.Series("x", [f"2024-01-{i % 28 + 1:02}" for i in range(900)])
    assert compared(both, spoiled(days, "later", 20), spoiled(days, "later", 20)).schema["x"].kind is Kind.TIME


def test_numbers_among_other_identifiers_stay_identifiers(both: tuple[Path, Path]) -> None:
    keys = pl.Series("x", [str(i) if i % 20 else f"C{i}" for i in range(1500)])
    report = compared(both, keys, keys)
    assert report.schema["x"].kind is Kind.IDENTIFIER
    assert any("95% of its values are numbers" in note for note in report.notes)


def test_the_same_words_are_values_among_texts(both: tuple[Path, Path]) -> None:
    plans = pl.Series("x", ["low", "high", "unknown"] * 300)
    report = compared(both, plans, plans)
    assert report.schema["x"].kind is Kind.CATEGORICAL
    assert not any("missing" in note for note in report.notes)
    alone = pl.Series("x", ["unknown"] * 300)
    assert not any("missing" in note for note in compared(both, alone, alone).notes)


def labelled(n: int, seed: int) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    score = rng.random(n).round(4)
    return pl.DataFrame({"score": score, "prediction": (score > 0.5).astype(int)}).with_columns(
        label=pl.Series((rng.random(n) < score).astype(int))
    )


@pytest.mark.parametrize("word", ["pending", "TBD", "n.a."])
def test_a_label_that_is_said_to_be_pending_is_to_come(both: tuple[Path, Path], word: str) -> None:
    for path, seed in zip(both, (2, 1), strict=True):
        rows = labelled(800, seed)
        rows.with_columns(spoiled(rows["label"], word, 4)).write_csv(path)
    report = check(*both)
    assert report.schema.task is Task.BINARY
    metrics = {m.name: (m.n, m.value) for m in report.measurements if m.name in ("auroc", "label_coverage")}
    assert metrics["auroc"][0] == 600
    assert metrics["label_coverage"] == (800, 0.75)


def test_labels_that_are_all_to_come_change_no_type(both: tuple[Path, Path]) -> None:
    labelled(800, 2).with_columns(label=pl.lit("null")).write_csv(both[0])
    labelled(800, 1).write_csv(both[1])
    assert check(*both).verdict is Verdict.OK


@pytest.mark.parametrize("bare", [0, 1])
def test_codes_stay_text_where_one_side_alone_has_zeros(both: tuple[Path, Path], bare: int) -> None:
    rules = [{"rule": "has_length", "column": "zip", "lower": 5, "upper": 5}]
    for side, path in enumerate(both):
        codes = [f"{v:05d}" for v in np.random.default_rng(side).integers(500, 99_999, 900)]
        kept = [code for code in codes if side != bare or code[0] != "0"]
        pl.DataFrame({"zip": kept, "k": range(len(kept))}).write_csv(path)
    report = check(*both, rules=rules)
    assert report.schema["zip"].dtype == "String"
    assert report.verdict is Verdict.OK


def test_categories_of_numbers_stay_categories_in_parquet(tmp_path: Path) -> None:
    now, then, plain = (tmp_path / f"{name}.parquet" for name in ("now", "then", "plain"))
    pd.DataFrame({"store": pd.Categorical([1, 2, 40, 4] * 500)}).to_parquet(now)
    pd.DataFrame({"store": pd.Categorical([1, 2, 40] * 600)}).to_parquet(then)
    pd.DataFrame({"store": [1, 2, 40] * 600}).to_parquet(plain)
    assert [a.message for a in check(now, then).alerts] == ["store has new levels in 25.0% of rows: '4' (500)"]
    assert check(plain, then).verdict is Verdict.OK
    # Whoever has learnt numbers goes on with numbers.
    assert check(then, plain).verdict is Verdict.OK


def test_a_form_stands_after_a_blank_or_a_colon() -> None:
    assert column_type("time:%d.%m.%Y %H:%M") == column_type("time %d.%m.%Y %H:%M")
    assert column_type("numeric:1.234,5").form == "1.234,5"


def test_a_column_called_by_a_sign_for_numbers_is_a_saved_index() -> None:
    rows = pl.DataFrame({"#": range(4_000), "a": np.random.default_rng(1).normal(size=4_000)})
    report = check(rows.head(1_200), rows)
    assert (report.verdict, report.schema["#"].role.value) == (Verdict.OK, "ignored")
