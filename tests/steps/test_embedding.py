"""Vectors made of texts: what an embedder returns is watched, and what it does wrong costs its own column."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from watchkeeper.config.check_options import CheckOptions
from watchkeeper.core.alert import AlertState
from watchkeeper.core.errors import SchemaError
from watchkeeper.core.measurement import Measurement, Status
from watchkeeper.core.schema import Kind
from watchkeeper.core.state import State
from watchkeeper.run.check import CheckResult, check_tables
from watchkeeper.run.project import open_project
from watchkeeper.stats.count import CountPart
from watchkeeper.stats.row_sample import RowSamplePart

WORDS = ["parcel", "late", "wet", "box", "thank", "you", "refund", "please", "the", "my", "was", "never"]
NAME = "review@embedding"


def reviews(n: int, seed: int, favourite: str = "") -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    texts = [" ".join([*rng.choice(WORDS, 9), favourite, str(rng.integers(0, 10**6))]) for _ in range(n)]
    return pl.DataFrame({"review": texts, "stars": rng.integers(1, 6, n)})


def counted(texts: list[str]) -> np.ndarray:
    """Return how often each word is in each text."""
    return np.array([[text.split().count(word) for word in WORDS] for text in texts], float)


def of(found: CheckResult, column: str) -> list[Measurement]:
    return [m for m in found.measurements if m.column == column]


def state(found: dict, column: str) -> State:
    return next(s for s in found.values() if s.key.column == column)


def columns_of(found: CheckResult) -> set[str]:
    return {name for alert in found.alerts for name in alert.columns}


def test_the_vectors_of_a_text_are_a_column_that_is_watched():
    found = check_tables(reviews(800, 1), reviews(2_000, 0), CheckOptions(embed={"review": counted}))
    assert found.spec.schema[NAME].kind is Kind.VECTOR
    assert "made of 'review' by counted" in found.spec.schema[NAME].why
    assert found.verdict == "ok"
    assert {m.name for m in of(found, NAME)} >= {"null_rate", "mean_shift"}
    moved = check_tables(reviews(800, 1, "refund"), reviews(2_000, 0), CheckOptions(embed={"review": counted}))
    assert NAME in columns_of(moved)


def test_the_mean_shift_of_vectors_is_that_of_numpy():
    before, now = reviews(2_000, 0), reviews(800, 1, "refund")
    x, y = (counted(frame["review"].to_list()) for frame in (before, now))
    (shift,) = [
        m
        for m in of(check_tables(now, before, CheckOptions(embed={"review": counted})), NAME)
        if m.name == "mean_shift"
    ]
    distance = ((x.mean(axis=0) - y.mean(axis=0)) ** 2).sum()
    # What is taken off for sampling is near tr C·(1/n0 + 1/n), which is .0018 of the variance.
    assert shift.value == pytest.approx(distance / x.var(axis=0, ddof=1).sum(), abs=0.003)


def test_an_embedder_is_given_texts_only_and_a_row_without_one_has_no_vector():
    given: list[str] = []

    def embedder(texts: list[str]) -> np.ndarray:
        given.extend(texts)
        return counted(texts)

    frame = reviews(300, 2)
    holed = frame.with_columns(review=pl.when(pl.int_range(pl.len()) % 3 == 0).then(None).otherwise(pl.col("review")))
    found = check_tables(holed, frame, CheckOptions(embed={"review": embedder}))
    assert len(given) == 300 + 200
    assert all(type(text) is str for text in given)
    assert state(found.current, NAME).part("count", CountPart).nulls == 100
    (rate,) = [m for m in of(found, NAME) if m.name == "null_rate"]
    assert rate.value == pytest.approx(1 / 3)


def test_long_tables_are_embedded_in_pieces():
    sizes: list[int] = []

    def embedder(texts: list[str]) -> np.ndarray:
        sizes.append(len(texts))
        return np.array([[len(text)] for text in texts])

    frame = reviews(9_000, 3)
    check_tables(frame, frame, CheckOptions(embed={"review": embedder}))
    assert sum(sizes) == 18_000
    assert max(sizes) <= 4_096


def broken(texts: list[str]) -> np.ndarray:
    raise RuntimeError("no weights here: " + "".join(texts))


@pytest.mark.parametrize(
    ("embedder", "reason"),
    [
        (broken, "the embedder broken raised RuntimeError: no weights here: "),
        (lambda texts: np.zeros((len(texts) - 1, 3)), "returned an array of shape (999, 3), not (1000, 3)"),
        (lambda texts: np.zeros(len(texts)), "returned an array of shape (1000,), not (1000, d)"),
        (lambda texts: np.zeros((len(texts), 0)), "returned an array of shape (1000, 0), not (1000, d)"),
        (lambda texts: [["a", "b"]] * len(texts), "raised ValueError"),
        (lambda texts: None, "returned an array of shape (), not (1000, d)"),
        ("no_such_module:embed", "raised ModuleNotFoundError"),
        ("json:no_such_function", "json has no function 'no_such_function'"),
        ("json", "'json' is not understood. Valid: module:function, such as model:embed"),
    ],
    ids=["raises", "too few", "flat", "empty", "words", "nothing", "no module", "no function", "no colon"],
)
def test_an_embedder_that_fails_costs_its_own_column(embedder, reason):
    found = check_tables(reviews(1_000, 1), reviews(1_000, 0), CheckOptions(embed={"review": embedder}))
    assert {m.status for m in of(found, NAME)} == {Status.FAILED}
    assert all(reason in m.reason for m in of(found, NAME))
    assert {m.status for m in (*of(found, "review"), *of(found, "stars"))} == {Status.OK}
    assert found.verdict == "alert"
    assert columns_of(found) == {NAME}
    # A message may hold all the texts that the embedder was given; they are nobody's to read.
    assert max(len(m.reason) for m in of(found, NAME)) < 300


def test_vectors_of_another_length_than_the_reference_has_are_told():
    def embedder(texts: list[str]) -> np.ndarray:
        return np.zeros((len(texts), 3 if len(texts) == 1_000 else 4))

    found = check_tables(reviews(600, 1), reviews(1_000, 0), CheckOptions(embed={"review": embedder}))
    assert {m.reason for m in of(found, NAME)} == {
        "the embedder embedder returned an array of shape (600, 4), not (600, 3)"
    }


def test_a_text_that_became_numbers_is_told():
    numbers = pl.DataFrame({"review": np.arange(500), "stars": [1] * 500})
    found = check_tables(numbers, reviews(1_000, 0), CheckOptions(embed={"review": counted}))
    assert {m.reason for m in of(found, NAME)} == {"column 'review' holds Int64, where texts were expected"}


def test_a_text_that_does_not_exist_is_refused_with_the_nearest_name():
    with pytest.raises(SchemaError, match="there is no column 'revew'; did you mean 'review'"):
        check_tables(reviews(100, 1), reviews(100, 0), CheckOptions(embed={"revew": counted}))


CONFIG = """\
store: {url: ./data}
models:
  reviews:
    source: incoming/*.parquet
    reference: {from: 2024-03-04, to: 2024-03-08}
    columns: {id: id, time: time, features: [review, stars], embed: {review: "own_words:counted"}}
    windows: {every: 1d, grain: 1d}
"""

MODULE = """\
import numpy as np

def counted(texts):
    return np.array([[text.split().count(word) for word in %r] for text in texts], float)
"""


def test_a_run_embeds_what_arrives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "path", list(sys.path))
    start = datetime(2024, 3, 4, tzinfo=UTC)
    (tmp_path / "incoming").mkdir()
    (tmp_path / "watchkeeper.yaml").write_text(CONFIG, encoding="utf-8")
    (tmp_path / "own_words.py").write_text(MODULE % WORDS, encoding="utf-8")
    for number in range(8):
        day = reviews(400, 10 + number, "refund" if number > 5 else "")
        times = [start + timedelta(days=number, minutes=2 * i) for i in range(day.height)]
        ids = [f"{number}-{i}" for i in range(day.height)]
        day = day.with_columns(id=pl.Series(ids), time=pl.Series(times, dtype=pl.Datetime("us", "UTC")))
        day.write_parquet(tmp_path / f"incoming/{number}.parquet")
    project = open_project(tmp_path / "watchkeeper.yaml", {})
    outcome = project.run("reviews", start + timedelta(days=8))
    found = [m for m in project.store.recorded("reviews", Measurement) if m.column == NAME and m.name == "mean_shift"]
    project.close()
    sys.modules.pop("own_words", None)
    assert not outcome.problems
    assert [m.status for m in found] == [Status.OK] * 8
    assert max(m.value for m in found[:6]) < 0.01 < min(m.value for m in found[6:])
    firing = [alert for alert in outcome.ran.alerts if alert.state is AlertState.FIRING]
    assert any(NAME in alert.columns for alert in firing)


def test_vectors_that_were_logged_are_watched_in_a_run(tmp_path: Path):
    start, rng = datetime(2024, 3, 4, tzinfo=UTC), np.random.default_rng(4)
    (tmp_path / "incoming").mkdir()
    without = CONFIG.replace('features: [review, stars], embed: {review: "own_words:counted"}', "features: [e]")
    (tmp_path / "watchkeeper.yaml").write_text(without, encoding="utf-8")
    for number in range(6):
        times = [start + timedelta(days=number, minutes=4 * i) for i in range(300)]
        pl.DataFrame(
            {
                "id": [f"{number}-{i}" for i in range(300)],
                "time": pl.Series(times, dtype=pl.Datetime("us", "UTC")),
                "e": pl.Series(rng.normal(number == 5, 1, (300, 4)), dtype=pl.Array(pl.Float64, 4)),
            }
        ).write_parquet(tmp_path / f"incoming/{number}.parquet")
    project = open_project(tmp_path / "watchkeeper.yaml", {})
    project.run("reviews", start + timedelta(days=6))
    found = [m for m in project.store.recorded("reviews", Measurement) if m.name == "mean_shift" and m.column == "e"]
    project.close()
    assert [m.status for m in found] == [Status.OK] * 6
    # A shift of one standard deviation in each of four directions is once the variance.
    assert max(m.value for m in found[:5]) < 0.02
    assert found[5].value == pytest.approx(1.0, abs=0.15)


def test_the_sample_of_rows_holds_no_vectors():
    found = check_tables(reviews(300, 1), reviews(300, 0), CheckOptions(embed={"review": counted}))
    sample = state(found.current, "@rows").part("row_sample", RowSamplePart)
    assert sample.frame.columns == ["review", "stars"]
    only = pl.DataFrame({"e": np.random.default_rng(0).normal(size=(60, 3))})
    assert check_tables(only, only).rows == (60, 60)
