"""The gate: its level, its power, and what it refuses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import numpy as np
import polars as pl
import pytest
from scipy import stats

from watchkeeper.core.errors import SchemaError, UsageError
from watchkeeper.core.schema import Column, Kind, Role, Schema, Task
from watchkeeper.core.spec import Maintenance
from watchkeeper.maintain.gate import Decision, gate
from watchkeeper.words.actions import ground_sentence

Log = Callable[..., pl.DataFrame]
RULE = Maintenance(min_rows=100)


def answers(rows: pl.DataFrame, noise: float, seed: int, shift: float = 0.0) -> pl.DataFrame:
    """Scores of a model that knows x up to noise."""
    rng = np.random.default_rng(seed)
    logit = rows["x"].to_numpy() + noise * rng.normal(size=rows.height) + shift
    return rows.with_columns(pl.Series("score", 1 / (1 + np.exp(-logit))))


def accuracy_pair(rows: pl.DataFrame, b: int, c: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Predictions where only the champion is wrong b times and only the challenger c times."""
    label = rows["label"].to_numpy()
    first, second = label.copy(), label.copy()
    first[:b] = 1 - first[:b]
    second[b : b + c] = 1 - second[b : b + c]
    return rows.with_columns(prediction=pl.Series(first)), rows.with_columns(prediction=pl.Series(second))


def test_a_truly_better_challenger_passes_and_the_reason_has_the_numbers(binary: Schema, log: Log) -> None:
    rows = log(4000)
    result = gate(answers(rows, 2.0, 1), answers(rows, 0.3, 2), binary, RULE)
    assert result.decision is Decision.PASS
    assert "log_loss" in ground_sentence(result.grounds[0])
    assert "n = 4000" in ground_sentence(result.grounds[0])
    assert {c.metric for c in result.others} == {"brier", "accuracy", "auroc"}
    assert result.facts()["n"] == 4000


def test_equal_challengers_pass_at_most_at_the_level(binary: Schema, log: Log) -> None:
    rows = log(600)
    passed = [gate(answers(rows, 1, 2 * s), answers(rows, 1, 2 * s + 1), binary, RULE).passed for s in range(200)]
    # Nominal .05; the standard deviation of the share over 200 trials is .0154.
    assert np.mean(passed) <= 0.05 + 3 * 0.0154


def test_a_challenger_exactly_at_the_margin_is_called_non_inferior_at_most_at_the_level(binary: Schema) -> None:
    rng = np.random.default_rng(7)
    schema = Schema(
        (Column("y", Role.LABEL, Kind.NUMERIC), Column("f", Role.PREDICTION, Kind.NUMERIC)), Task.REGRESSION
    )
    rule = replace(RULE, margin=0.1)
    found, trials = 0, 400
    for _ in range(trials):
        first, second = rng.exponential(1.0, 400), rng.exponential(1.1, 400)
        champion, challenger = (pl.DataFrame({"y": np.zeros(400), "f": f}) for f in (first, second))
        result = gate(champion, challenger, schema, rule)
        found += result.checks[0].non_inferior
        assert not (result.passed and not result.checks[0].non_inferior)
    assert found / trials == pytest.approx(0.05, abs=0.033)


def test_an_improvement_the_size_of_the_stated_power_is_found_that_often(binary: Schema) -> None:
    rng = np.random.default_rng(8)
    schema = Schema(
        (Column("y", Role.LABEL, Kind.NUMERIC), Column("f", Role.PREDICTION, Kind.NUMERIC)), Task.REGRESSION
    )
    n, gain = 400, 0.15
    noise = np.sqrt(1 + (1 - gain) ** 2)
    power = stats.norm.cdf(gain * np.sqrt(n) / noise - stats.norm.ppf(0.95))
    passed = []
    for _ in range(300):
        first, second = rng.exponential(1.0, n), rng.exponential(1 - gain, n)
        frames = [pl.DataFrame({"y": np.zeros(n), "f": f}) for f in (first, second)]
        passed.append(gate(frames[0], frames[1], schema, RULE).passed)
    assert np.mean(passed) == pytest.approx(power, abs=0.08)


def test_accuracy_needs_the_exact_mcnemar_test_of_scipy(binary: Schema, log: Log) -> None:
    rows = log(400).drop("time")
    rule = replace(RULE, metric="accuracy")
    for b, c in ((30, 15), (20, 15)):
        champion, challenger = accuracy_pair(rows, b, c)
        result = gate(champion, challenger, binary, rule)
        wanted = stats.binomtest(b, b + c, 0.5, alternative="greater").pvalue
        assert result.checks[0].p == pytest.approx(wanted, rel=0.5)
        assert result.checks[0].p >= wanted - 1e-12
        assert result.passed == (wanted < 0.05)


def test_a_worse_challenger_is_refused_with_numbers(binary: Schema, log: Log) -> None:
    rows = log(3000)
    result = gate(answers(rows, 0.3, 1), answers(rows, 2.0, 2), binary, RULE)
    assert result.decision is Decision.REFUSED
    assert "not shown to be non-inferior: log_loss 0.6" in ground_sentence(result.grounds[0])


def test_a_challenger_that_fails_one_segment_is_refused_and_the_segment_named(by_colour: Schema, log: Log) -> None:
    rows = log(6000)
    better = answers(rows, 0.2, 2)
    broken = better.with_columns(
        score=pl.when(pl.col("colour") == "blue").then(1 - pl.col("score")).otherwise(pl.col("score"))
    )
    champion = answers(rows, 1.2, 1)
    assert gate(champion, better, by_colour, RULE).passed
    result = gate(champion, broken, by_colour, RULE)
    assert result.decision is Decision.REFUSED
    assert [g for g in result.grounds if g.segment] == [result.grounds[-1]]
    assert "segment colour=blue is not shown to be non-inferior" in ground_sentence(result.grounds[-1])


def test_small_segments_are_skipped_and_told(by_colour: Schema, log: Log) -> None:
    rows = log(2000).with_columns(
        colour=pl.when(pl.int_range(pl.len()) < 50).then(pl.lit("violet")).otherwise(pl.lit("red"))
    )
    result = gate(answers(rows, 2.5, 1), answers(rows, 0.2, 2), by_colour, RULE)
    assert result.skipped == ("colour=violet",)
    assert [c.segment for c in result.checks] == ["all", "colour=red"]


def test_too_few_rows_are_said_in_numbers(binary: Schema, log: Log) -> None:
    rows = log(80)
    result = gate(answers(rows, 1, 1), answers(rows, 1, 2), binary, RULE)
    assert result.decision is Decision.TOO_FEW
    assert [ground_sentence(g) for g in result.grounds] == ["needs 100 rows, has 80"]


def test_rows_without_a_label_do_not_count(binary: Schema, log: Log) -> None:
    rows = log(300).with_columns(label=pl.when(pl.int_range(pl.len()) < 250).then(None).otherwise(pl.col("label")))
    few = gate(answers(rows, 1, 1), answers(rows, 1, 2), binary, RULE)
    assert [(g.code, g.needed, g.n) for g in few.grounds] == [("too_few_rows", 100, 50)]


def test_less_than_half_the_loss_raises_the_leakage_alarm(binary: Schema, log: Log) -> None:
    rows = log(1000)
    knowing = rows.with_columns(score=0.05 + 0.9 * pl.col("label"))
    result = gate(answers(rows, 1, 1), knowing, binary, RULE)
    assert result.decision is Decision.LEAKAGE
    assert "less than half" in ground_sentence(result.grounds[0])


def test_rows_the_models_were_trained_on_and_the_label_delay_after_them_are_left_out(binary: Schema, log: Log) -> None:
    rows = log(700, days=7)
    until = rows["time"][0] + timedelta(days=2)
    result = gate(answers(rows, 1, 1), answers(rows, 1, 2), binary, RULE, until)
    assert result.n == 400
    naive = rows.with_columns(pl.col("time").dt.replace_time_zone(None))
    assert gate(answers(naive, 1, 1), answers(naive, 1, 2), binary, RULE, until).n == 400


def test_a_challenger_that_does_not_answer_is_refused(binary: Schema, log: Log) -> None:
    rows = log(500)
    silent = answers(rows, 0.1, 2).with_columns(score=pl.when(pl.col("x") > 1).then(None).otherwise(pl.col("score")))
    result = gate(answers(rows, 1, 1), silent, binary, RULE)
    assert result.decision is Decision.REFUSED
    assert f"no usable answer on {(rows['x'] > 1).sum()} of 500" in ground_sentence(result.grounds[0])


def test_other_rows_in_one_frame_are_a_usage_error(binary: Schema, log: Log) -> None:
    rows = log(300)
    with pytest.raises(UsageError, match="same rows"):
        gate(answers(rows, 1, 1), answers(rows.reverse(), 1, 2), binary, RULE)
    with pytest.raises(UsageError, match="300 of the champion"):
        gate(answers(rows, 1, 1), answers(rows.head(200), 1, 2), binary, RULE)


def test_auroc_without_a_score_column_says_which_column_is_needed(binary: Schema, log: Log) -> None:
    rows = log(300)
    with pytest.raises(SchemaError, match="auroc needs the score column 'score'"):
        gate(rows, rows, binary, replace(RULE, metric="auroc"))


def test_days_that_go_up_and_down_together_are_no_proof(binary: Schema, log: Log) -> None:
    """The challenger is better on four days and worse on three by as much: rows alone would call it proven."""
    rows = log(7000, days=7)
    day = rows["time"].dt.ordinal_day().to_numpy()
    lean = np.where(day % 2 == 1, 0.1, -0.1)
    label = rows["label"].to_numpy()
    champion = rows.with_columns(score=pl.lit(0.5))
    challenger = rows.with_columns(score=pl.Series(0.5 + lean * (2 * label - 1)))
    alone = gate(champion.drop("time"), challenger.drop("time"), binary, RULE)
    assert alone.passed
    assert gate(champion, challenger, binary, RULE).decision is Decision.REFUSED


def test_a_champion_worse_than_a_constant_answer_raises_no_leakage_alarm(binary: Schema, log: Log) -> None:
    """After the effect of x turned round, any sound challenger has less than half the old champion's loss."""
    rows = log(2000, slope=-2.0)
    champion, challenger = (rows.with_columns(score=1 / (1 + (-k * pl.col("x")).exp())) for k in (3.0, -2.0))
    result = gate(champion, challenger, binary, RULE)
    assert result.checks[0].challenger < result.checks[0].champion / 2
    assert result.decision is Decision.PASS
