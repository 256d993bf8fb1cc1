"""From labelled rows to a promoted challenger, and a bad one refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from sklearn.linear_model import LogisticRegression

from watchkeeper.core.errors import TrainingError
from watchkeeper.core.schema import Schema
from watchkeeper.core.spec import Maintenance, Spec
from watchkeeper.core.window import Window
from watchkeeper.maintain.challenger import Champion, Occasion, make_challenger, prove, refit
from watchkeeper.maintain.gate import Decision
from watchkeeper.maintain.standard import Aim
from watchkeeper.maintain.train import Trainer, score_rows
from watchkeeper.words.actions import ground_sentence

Log = Callable[..., pl.DataFrame]
START = datetime(2024, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
CHANGE = START + 98 * DAY
NEWEST = START + 140 * DAY


def fitted(rows: pl.DataFrame) -> LogisticRegression:
    return LogisticRegression().fit(rows.select("x"), rows["label"])


TRAINER = Trainer("mod:train", fitted)


def known(model: LogisticRegression, spec: Spec, until: datetime | None = None) -> Champion:
    return Champion(lambda rows: score_rows(model, rows, spec.schema, TRAINER), until)


@pytest.fixture
def spec(binary: Schema) -> Spec:
    return Spec("m", binary, maintenance=Maintenance("mod:train", windows=("all", "since_change"), min_rows=100))


@pytest.fixture
def rows(log: Log) -> pl.DataFrame:
    """Twenty weeks; the effect of x turns round after week fourteen; a tenth has no label yet."""
    turned = pl.concat([log(5600, days=98, slope=1.5, seed=1), log(2400, days=42, start=CHANGE, slope=-1.0, seed=2)])
    late = pl.int_range(pl.len()) % 10 == 0
    return turned.with_columns(label=pl.when(late).then(None).otherwise(pl.col("label")))


def test_after_a_concept_change_the_challenger_is_made_of_new_rows_and_passes(rows: pl.DataFrame, spec: Spec) -> None:
    champion = fitted(rows.filter(pl.col("time") < CHANGE).drop_nulls("label"))
    challenger = make_challenger(rows, spec, TRAINER, NEWEST, Occasion(CHANGE))
    assert challenger.choice.candidate.name == "since_change"
    first = rows.filter(pl.col("time") >= CHANGE).drop_nulls("label")["time"][0]
    assert challenger.trained == Window(first, NEWEST - 8 * DAY)
    result = prove(known(champion, spec), challenger, rows, spec, TRAINER)
    assert result.decision is Decision.PASS
    assert result.n == rows.filter(pl.col("time") >= NEWEST - 7 * DAY)["label"].count()


def test_a_deliberately_bad_challenger_is_refused(rows: pl.DataFrame, spec: Spec) -> None:
    recent = rows.filter(pl.col("time") >= CHANGE)
    champion = fitted(recent.filter(pl.col("time") < NEWEST - 8 * DAY).drop_nulls("label"))
    upside_down = Trainer("mod:bad", lambda rows: fitted(rows.with_columns(label=1 - pl.col("label"))))
    challenger = make_challenger(recent, spec, upside_down, NEWEST)
    result = prove(known(champion, spec), challenger, recent, spec, upside_down)
    assert result.decision is Decision.REFUSED
    assert "not shown to be non-inferior" in ground_sentence(result.grounds[0])


def test_rows_of_a_faulty_window_are_neither_learned_from_nor_judged_on(rows: pl.DataFrame, spec: Spec) -> None:
    seen: list[pl.DataFrame] = []

    def watching(rows: pl.DataFrame) -> LogisticRegression:
        seen.append(rows)
        return fitted(rows)

    faulty = [Window(CHANGE + 7 * DAY, CHANGE + 14 * DAY), Window(NEWEST - DAY, NEWEST)]
    inside = pl.col("time").is_between(faulty[0].start, faulty[0].end, closed="left")
    faulty_x = set(rows.filter(inside)["x"])
    assert faulty_x
    trainer = Trainer("mod:watching", watching)
    challenger = make_challenger(rows, spec, trainer, NEWEST, Occasion(CHANGE, excluded=tuple(faulty)))
    for part in seen:
        assert part["label"].null_count() == 0
        assert part.columns == ["x", "colour", "label"]
        assert not faulty_x & set(part["x"])
    whole = prove(known(fitted(seen[0]), spec), challenger, rows, spec, trainer)
    without = prove(known(fitted(seen[0]), spec), challenger, rows, spec, trainer, Occasion(excluded=tuple(faulty)))
    assert whole.n - without.n == rows.filter(pl.col("time") >= NEWEST - DAY)["label"].count()


def test_a_champion_trained_on_the_gates_rows_is_not_judged_on_them(rows: pl.DataFrame, spec: Spec) -> None:
    challenger = make_challenger(rows, spec, TRAINER, NEWEST, Occasion(CHANGE))
    same = known(challenger.model, spec, NEWEST - 4 * DAY)
    result = prove(same, challenger, rows, spec, TRAINER)
    assert result.n == rows.filter(pl.col("time") >= NEWEST - 4 * DAY)["label"].count()


def test_a_model_that_answers_nothing_is_a_training_error(rows: pl.DataFrame, spec: Spec) -> None:
    silent = Trainer(
        "mod:silent", lambda rows: 0, lambda model, rows: rows.with_columns(score=pl.lit(None, pl.Float64))
    )
    with pytest.raises(TrainingError, match="no usable answer"):
        make_challenger(rows, spec, silent, NEWEST)


@pytest.mark.parametrize("days", [1, 2, 3])
def test_a_repair_is_proven_on_the_first_days_after_the_change(days: int, rows: pl.DataFrame, spec: Spec) -> None:
    """Blocks of a week, a label delay of a week, 58 rows a day: the repair need not wait for any of them."""
    patient = replace(spec, maintenance=replace(spec.maintenance, label_delay=7 * DAY, min_rows=500))
    champion = known(fitted(rows.filter(pl.col("time") < CHANGE - 30 * DAY).drop_nulls("label")), spec)
    newest, occasion = CHANGE + (1 + days) * DAY, Occasion(CHANGE)
    challenger = make_challenger(rows, patient, TRAINER, newest, occasion)
    assert challenger.choice is not None
    assert challenger.choice.candidate.name == "since_change"
    assert challenger.trained.end <= challenger.gate.start
    result = prove(champion, challenger, rows, patient, TRAINER, occasion)
    assert result.decision is Decision.PASS
    assert result.standard.correlation is not None


def test_what_has_passed_is_trained_again_up_to_the_newest_row(rows: pl.DataFrame, spec: Spec) -> None:
    occasion = Occasion(CHANGE)
    challenger = make_challenger(rows, spec, TRAINER, NEWEST, occasion)
    again = refit(challenger, rows, spec, TRAINER, occasion)
    assert (again.refitted, again.trained.end, again.choice) == (True, NEWEST, challenger.choice)
    assert again.rows == rows.filter(pl.col("time") >= CHANGE)["label"].count()


def test_a_refit_that_answers_what_it_has_learned_from_worse_is_not_taken(rows: pl.DataFrame, spec: Spec) -> None:
    calls: list[int] = []

    def failing_late(rows: pl.DataFrame) -> LogisticRegression:
        calls.append(rows.height)
        return fitted(rows if len(calls) < 4 else rows.with_columns(label=1 - pl.col("label")))

    trainer = Trainer("mod:late", failing_late)
    challenger = make_challenger(rows, spec, trainer, NEWEST, Occasion(CHANGE))
    calls.extend([0] * 4)
    assert refit(challenger, rows, spec, trainer, Occasion(CHANGE)) is challenger


def test_what_is_only_old_is_held_to_its_healthy_loss(rows: pl.DataFrame, spec: Spec) -> None:
    """With promotion on superiority alone, a champion that is only old was never followed by an equal one."""
    before = rows.filter(pl.col("time") < CHANGE)
    old = known(fitted(before.filter(pl.col("time") < START + 40 * DAY).drop_nulls("label")), spec, START + 40 * DAY)
    occasion = Occasion(aim=Aim.NON_INFERIOR)
    patient = replace(spec, maintenance=replace(spec.maintenance, holdout=28 * DAY))
    challenger = make_challenger(before, patient, TRAINER, CHANGE, occasion)
    result = prove(old, challenger, before, patient, TRAINER, occasion)
    assert result.standard.healthy is not None
    assert (result.decision, result.grounds[0].code) == (Decision.PASS, "not_worse")
    assert prove(old, challenger, before, patient, TRAINER).grounds[0].code == "not_better"
