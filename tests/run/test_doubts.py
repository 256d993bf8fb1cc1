"""Labels and scores that were probably meant in another way are told first, with how to declare them."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from watchkeeper import check
from watchkeeper.config.check_options import CheckOptions
from watchkeeper.core.role_gaps import Doubt
from watchkeeper.run.check import CheckResult, check_tables
from watchkeeper.views.report_json import report_document
from watchkeeper.words.roles import configured, doubt_sentence

N = 600


def rows(seed: int) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=N)
    score = 1 / (1 + np.exp(-x))
    return pl.DataFrame({"x": x, "score": score, "label": (rng.random(N) < score).astype(np.int64)})


BEFORE, NOW = rows(1), rows(2)


def both(**columns: pl.Expr) -> tuple[pl.DataFrame, pl.DataFrame]:
    return NOW.with_columns(**columns), BEFORE.with_columns(**columns)


def looked(sides: tuple[pl.DataFrame, pl.DataFrame], **options: object) -> CheckResult:
    return check_tables(*sides, CheckOptions(**options))  # type: ignore[arg-type]


def every(n: int, value: object) -> pl.Expr:
    return pl.when(pl.int_range(pl.len()) % n == 0).then(pl.lit(value)).otherwise(pl.col("label"))


@pytest.mark.parametrize("token", [-1, 9, 99])
def test_a_third_class_that_is_rare_is_told_with_how_to_declare_it(token: int) -> None:
    sides = both(label=every(50, token))
    (doubt,) = looked(sides).doubts
    assert (doubt.kind, doubt.values, doubt.beside, doubt.rows, doubt.of) == (
        Doubt.STRAY_CLASS, (str(token),), ("0", "1"), 12, N,
    )  # fmt: skip
    declared = looked(sides, missing=(str(token),))
    assert declared.doubts == ()
    assert declared.spec.schema.task.value == "binary"


@pytest.mark.parametrize("words", [("no", "yes", "in review"), ("False", "True", "pending")])
def test_words_beside_a_pair_of_words_are_told(words: tuple[str, str, str]) -> None:
    label = pl.col("label").replace_strict({0: words[0], 1: words[1]})
    sides = both(label=pl.when(pl.int_range(pl.len()) % 50 == 0).then(pl.lit(words[2])).otherwise(label))
    assert [d.values for d in looked(sides, label="label").doubts] == [(words[2],)]


def test_a_code_in_half_of_the_labels_is_told_where_one_score_tells_two_classes() -> None:
    (doubt,) = looked(both(label=every(2, -1))).doubts
    assert doubt.kind is Doubt.STRAY_CLASS


def test_three_classes_that_a_model_predicts_are_three_classes() -> None:
    now, before = both(label=every(50, -1), prediction=every(50, -1))
    assert looked((now.drop("score"), before.drop("score"))).doubts == ()


def test_three_common_classes_are_three_classes() -> None:
    sides = both(label=pl.int_range(pl.len()) % 3 - 1)
    assert looked((sides[0].drop("score"), sides[1].drop("score"))).doubts == ()


def test_an_infinite_class_is_told() -> None:
    (doubt,) = looked(both(label=every(50, float("inf")))).doubts
    assert (doubt.kind, doubt.values) == (Doubt.STRAY_CLASS, ("inf",))


def test_infinite_labels_of_a_regression_are_counted() -> None:
    number = pl.when(pl.int_range(pl.len()) % 50 == 0).then(float("inf")).otherwise(pl.col("x") + pl.col("score"))
    (doubt,) = looked(both(label=number, prediction=pl.col("x") + 0.5)).doubts
    assert (doubt.kind, doubt.rows, doubt.of) == (Doubt.INFINITE, 12, N)


def test_labels_that_are_all_infinite_are_not_called_absent() -> None:
    sides = both(label=pl.lit(float("inf")), prediction=pl.col("x"))
    found = looked(sides, label="label")
    assert found.verdict == "no_data"
    assert [(u.rows, u.reason) for u in found.unjudged] == [(N, "no row has both a label and a prediction")]
    assert "no labels are in" not in check(*sides).heading


@pytest.mark.parametrize(
    ("score", "kind"),
    [(pl.col("score") * 100, Doubt.PERCENT), (pl.col("x"), Doubt.NO_PROBABILITY), (pl.col("score"), None)],
)
def test_a_score_that_is_no_probability_is_told(score: pl.Expr, kind: Doubt | None) -> None:
    sides = both(score=score)
    assert [d.kind for d in looked(sides).doubts] == ([kind] if kind else [])
    assert [d.kind for d in looked(sides, score="score").doubts] == ([kind] if kind else [])


def test_a_named_score_of_per_cents_is_judged_by_how_it_ranks() -> None:
    found = looked(both(score=pl.col("score") * 100), score="score")
    assert any(m.name == "auroc" and m.value is not None for m in found.measurements)


def test_numbers_beside_a_label_of_0_and_1_are_told_not_to_be_classes() -> None:
    sides = both(prediction=pl.col("score") * 100)
    (doubt,) = looked((sides[0].drop("score"), sides[1].drop("score"))).doubts
    assert (doubt.kind, doubt.column, doubt.label) == (Doubt.NUMBERS_FOR_CLASSES, "prediction", "label")


def test_the_first_sentence_and_the_json_say_it_and_exit_codes_do() -> None:
    sides = both(label=every(50, -1))
    told = "if that is no class, declare it missing (--missing -1)"
    assert told in check(*sides).heading
    assert told in report_document(check(*sides)).headline
    named = check(*sides, label="label")
    assert named.verdict.value == "no_data"
    assert told in named.heading
    assert "600 labels are in, and no answer that can be held against them" in named.heading


def test_a_project_is_told_the_key_of_its_configuration() -> None:
    found = doubt_sentence(looked(both(label=every(50, -1))).doubts, configured)
    assert "columns.missing: ['-1']" in found
