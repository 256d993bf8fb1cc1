"""The gate: its level, its power, and what it refuses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from scipy import stats

from watchkeeper.core.action import Action, ActionKind, Outcome
from watchkeeper.core.errors import SchemaError, UsageError
from watchkeeper.core.schema import Column, Kind, Role, Schema, Task
from watchkeeper.core.spec import Maintenance
from watchkeeper.maintain.gate import Decision, gate
from watchkeeper.maintain.paired import correlation_within, mean_difference
from watchkeeper.maintain.standard import (
    Aim,
    Healthy,
    Standard,
    healthy_loss,
    level_of_try,
    relative_margin,
    tries_since_promotion,
)
from watchkeeper.maintain.windows import split
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
    assert "log loss" in ground_sentence(result.grounds[0])
    assert "n = 4000" in ground_sentence(result.grounds[0])
    assert {c.metric for c in result.others} == {"brier", "accuracy", "auroc"}
    assert result.facts()["n"] == 4000


def test_equal_challengers_pass_at_most_at_the_level(binary: Schema, log: Log) -> None:
    rows = log(600)
    passed = [gate(answers(rows, 1, 2 * s), answers(rows, 1, 2 * s + 1), binary, RULE).passed for s in range(100)]
    # Nominal .03 in a first try; the standard deviation of the share over 100 trials is .0171.
    assert np.mean(passed) <= 0.03 + 3 * 0.0171


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
    level = level_of_try(0.05, 1)
    assert found / trials == pytest.approx(level, abs=3 * (level / trials) ** 0.5)


def test_an_improvement_the_size_of_the_stated_power_is_found_that_often(binary: Schema) -> None:
    rng = np.random.default_rng(8)
    schema = Schema(
        (Column("y", Role.LABEL, Kind.NUMERIC), Column("f", Role.PREDICTION, Kind.NUMERIC)), Task.REGRESSION
    )
    n, gain = 400, 0.15
    noise = np.sqrt(1 + (1 - gain) ** 2)
    power = stats.norm.cdf(gain * np.sqrt(n) / noise - stats.norm.ppf(1 - level_of_try(0.05, 1)))
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
        assert result.passed == (wanted < level_of_try(0.05, 1))


def test_a_worse_challenger_is_refused_with_numbers(binary: Schema, log: Log) -> None:
    rows = log(3000)
    result = gate(answers(rows, 0.3, 1), answers(rows, 2.0, 2), binary, RULE)
    assert result.decision is Decision.REFUSED
    assert "not shown to be non-inferior: log loss 0.6" in ground_sentence(result.grounds[0])


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


HEALTHY = Standard(healthy=Healthy(loss=0.55, error=0.01, constant=0.69, n=5000))


def test_less_than_half_the_healthy_loss_raises_the_leakage_alarm(binary: Schema, log: Log) -> None:
    rows = log(1000)
    knowing = rows.with_columns(score=0.05 + 0.9 * pl.col("label"))
    result = gate(answers(rows, 1, 1), knowing, binary, RULE, standard=HEALTHY)
    assert result.decision is Decision.LEAKAGE
    assert "less than half" in ground_sentence(result.grounds[0])


def test_without_a_healthy_loss_only_what_nearly_knows_the_label_raises_it(binary: Schema, log: Log) -> None:
    rows = log(1000)
    for spread, decision in ((0.99, Decision.LEAKAGE), (0.9, Decision.PASS)):
        knowing = rows.with_columns(score=(1 - spread) / 2 + spread * pl.col("label"))
        assert gate(answers(rows, 1, 1), knowing, binary, RULE).decision is decision


def test_a_feature_that_alone_knows_the_label_is_named_though_the_challenger_makes_little_of_it(
    binary: Schema, log: Log
) -> None:
    rows = log(2000).with_columns(settled=pl.col("label") + 0.01 * pl.col("x"))
    schema = Schema((*binary.columns, Column("settled", Role.FEATURE, Kind.NUMERIC)), Task.BINARY, ("0", "1"), "1")
    pair = answers(rows, 2, 1), answers(rows, 0.3, 2)
    named = gate(*pair, schema, RULE, standard=HEALTHY)
    assert (named.decision, named.grounds[0].columns) == (Decision.LEAKAGE, ("settled",))
    new = gate(*pair, schema, RULE, standard=Standard(new=("settled",)))
    assert (new.decision, new.grounds[0].columns) == (Decision.LEAKAGE, ("settled",))
    assert gate(*pair, binary, RULE, standard=HEALTHY).passed


def test_a_repair_of_a_concept_change_is_no_leak_however_much_better_it_is(binary: Schema, log: Log) -> None:
    """The old champion loses 1.6 and a constant answer .69: a repair of .29 was below half of both, and barred."""
    before, rows = log(3000, slope=4.0, seed=5), log(3000, slope=-4.0)
    champion, challenger = (rows.with_columns(score=1 / (1 + (-k * pl.col("x")).exp())) for k in (4.0, -4.0))
    healthy = healthy_loss(before.with_columns(score=1 / (1 + (-4.0 * pl.col("x")).exp())), binary, "log_loss")
    assert healthy is not None
    result = gate(champion, challenger, binary, RULE, standard=Standard(healthy=healthy))
    lost = result.checks[0]
    assert lost.challenger < min(lost.champion, healthy.constant) / 2
    assert result.decision is Decision.PASS


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


def test_what_is_old_needs_a_challenger_that_is_not_worse_and_what_harms_one_that_is_better(
    binary: Schema, log: Log
) -> None:
    rows = log(4000)
    champion = answers(rows, 0.5, 1)
    equal = champion.with_columns(score=pl.col("score") * (1 + 0.01 * (pl.int_range(pl.len()) % 2 * 2 - 1)))
    old = gate(champion, equal, binary, RULE, standard=Standard(Aim.NON_INFERIOR))
    assert (old.decision, old.grounds[0].code) == (Decision.PASS, "not_worse")
    assert "not worse by more than" in ground_sentence(old.grounds[0])
    assert gate(champion, equal, binary, RULE).grounds[0].code == "not_better"
    worse = answers(rows, 2.0, 3)
    assert not gate(champion, worse, binary, RULE, standard=Standard(Aim.NON_INFERIOR)).passed


def rare(n: int, share: float, seed: int) -> tuple[Schema, pl.DataFrame]:
    """Rows of which a share is positive, half of them known by x."""
    rng = np.random.default_rng(seed)
    label = (rng.random(n) < share).astype(int)
    known = (label == 1) & (rng.random(n) < 0.5)
    columns = (Column("s", Role.SCORE, Kind.NUMERIC), Column("y", Role.LABEL, Kind.CATEGORICAL))
    score = np.where(known, 0.5, share / 2)
    return Schema(columns, Task.BINARY, ("0", "1"), "1"), pl.DataFrame({"s": score, "y": label})


@pytest.mark.parametrize("n", [2_000, 20_000])
def test_at_rare_classes_a_constant_answer_is_not_called_non_inferior(n: int) -> None:
    """With an absolute margin of .01 it was, whatever the number of rows, since it loses .005 more."""
    passed = []
    schema, before = rare(50_000, 0.0019, 1_000)
    healthy = healthy_loss(before, schema, "log_loss")
    for seed in range(20):
        champion = rare(n, 0.0019, seed)[1]
        constant = champion.with_columns(s=pl.lit(0.0019))
        standard = Standard(Aim.NON_INFERIOR, healthy=healthy)
        passed.append(gate(champion, constant, schema, RULE, standard=standard).passed)
    assert sum(passed) <= 1


def test_a_margin_is_a_share_of_the_healthy_loss_or_its_error_and_below_half_the_skill() -> None:
    assert relative_margin("log_loss", Healthy(0.5, 0.001, 0.69, 10_000)) == pytest.approx(0.01)
    assert relative_margin("mae", Healthy(100.0, 5.0, 300.0, 400)) == pytest.approx(5.0)
    assert relative_margin("log_loss", Healthy(0.008, 0.004, 0.0137, 3_000)) == pytest.approx(0.00285)


def test_a_score_that_misses_the_share_of_positives_is_refused(binary: Schema, log: Log) -> None:
    rows = log(6000, slope=3.0)
    champion, good = answers(rows, 3.0, 1), answers(rows.with_columns(x=3 * pl.col("x")), 0.1, 2)
    shifted = good.with_columns(score=1 / (1 + (-(pl.col("score") / (1 - pl.col("score"))).log() - 0.6).exp()))
    result = gate(champion, shifted, binary, RULE)
    assert result.checks[0].p < 1e-6
    assert [g.code for g in result.grounds] == ["miscalibrated"]
    assert gate(champion, good, binary, RULE).passed
    assert 0 < (result.flips or 0) < 0.5


def judged_days(block: int, newest: int, k: int) -> int:
    """Days that try k is judged on, ``newest`` days after the champion's training."""
    start = datetime(2026, 1, 1, tzinfo=UTC)
    end = start + timedelta(days=newest)
    gate_block = split(end, timedelta(days=block), timedelta(0), unseen=start, tries=k).gate
    return round((gate_block.end - gate_block.start) / timedelta(days=1))


def test_a_later_try_is_judged_on_more_days() -> None:
    assert [judged_days(1, 28 + k, k) for k in (1, 2, 3, 20)] == [1, 2, 3, 16]
    assert [judged_days(7, 34 + k, k) for k in (1, 2, 3, 20)] == [7, 12, 12, 18]


def passes(rng: np.random.Generator, block: int, days: float, weekly: float, gain: float = 0.0) -> bool:
    """Whether one of twenty tries, each a day later than the one before, calls an equal challenger better."""
    history, per, tries = 28, 60, 20
    count = history + block + tries
    effect = rng.normal(0, days, count) + weekly * np.where(np.arange(count) % 7 >= 5, 5 / 7, -2 / 7) + gain
    shared = rng.normal(size=(count, per))
    number = np.repeat(np.arange(count), per).reshape(count, per)
    for k in range(1, tries + 1):
        d = 0.2 * (shared + rng.normal(size=(count, per))) + effect[:, None]
        end = history + block + k - 1
        length = judged_days(block, end, k)
        old, now = slice(max(0, end - length - history), end - length), slice(end - length, end)
        correlation = correlation_within(d[old].ravel(), number[old].ravel(), length)
        found = mean_difference(d[now].ravel(), np.zeros(length * per), number[now].ravel(), correlation)
        if found.p < level_of_try(0.05, k):
            return True
    return False


@pytest.mark.parametrize("block", [1, 3, 7])
@pytest.mark.parametrize(("days", "weekly"), [(0.0, 0.0), (0.05, 0.0), (0.03, 0.1)])
def test_twenty_tries_pass_an_equal_challenger_at_most_at_the_level(block: int, days: float, weekly: float) -> None:
    rng = np.random.default_rng([20, block, int(100 * days)])
    wrong = np.mean([passes(rng, block, days, weekly) for _ in range(100)])
    # Nominal .05; the standard deviation of the share over 100 trials is .022.
    assert wrong <= 0.05 + 2.5 * 0.022
    found = np.mean([passes(rng, block, days, weekly, gain=0.3) for _ in range(20)])
    assert found >= 0.95


def test_one_day_with_nothing_before_it_cannot_be_judged(binary: Schema, log: Log) -> None:
    rows = log(1000, days=1)
    pair = answers(rows, 2, 1), answers(rows, 0.2, 2)
    alone = gate(*pair, binary, RULE)
    assert (alone.decision, [g.code for g in alone.grounds]) == (Decision.TOO_FEW, ["one_day"])
    assert gate(*pair, binary, RULE, standard=Standard(correlation=0.0)).passed


def test_later_tries_are_held_to_less_and_a_promotion_begins_anew() -> None:
    def done(kind: ActionKind, decision: str = "refused", outcome: Outcome = Outcome.DONE) -> Action:
        return Action("x", "m", kind, outcome, "", "watchkeeper", None, "v2", facts={"decision": decision})

    refused = done(ActionKind.VALIDATE, outcome=Outcome.REFUSED)
    few = done(ActionKind.VALIDATE, "too_few", Outcome.REFUSED)
    assert tries_since_promotion([refused, few, refused], Aim.SUPERIOR) == 2
    assert tries_since_promotion([refused, refused, done(ActionKind.PROMOTE), refused], Aim.SUPERIOR) == 1
    scheduled = replace(refused, facts={"aim": "non_inferior"})
    assert tries_since_promotion([scheduled, refused, scheduled], Aim.NON_INFERIOR) == 3
    assert tries_since_promotion([scheduled, replace(refused, facts={"aim": "superior"})], Aim.SUPERIOR) == 1
    assert sum(level_of_try(0.05, k) for k in range(1, 10_000)) < 0.05
