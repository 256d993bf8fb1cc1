"""Sentences of diagnoses, and that no diagnosis depends on one."""

from __future__ import annotations

import pkgutil
import sys
from dataclasses import replace
from datetime import UTC, datetime
from importlib import import_module
from string import Formatter

import polars as pl
import pytest

import watchkeeper.words
from tests.diagnose.logs import alert, log
from watchkeeper.config.check_options import CheckOptions
from watchkeeper.core.alert import Cause
from watchkeeper.core.diagnosis import Diagnosis, Incident
from watchkeeper.core.statement import Statement, StatementCode
from watchkeeper.run.check import check_tables
from watchkeeper.words import causes
from watchkeeper.words.alerts import alert_sentence
from watchkeeper.words.causes import incident_sentence, sentence

AT = datetime(2024, 5, 6, tzinfo=UTC)
OPTIONS = CheckOptions(id="id", score="score", label="label", segments=["region"])


@pytest.mark.parametrize(
    ("stated", "words"),
    [
        (
            Statement(StatementCode.NULL_RATE, ("{u}",), before=0.01, after=0.2),
            "missing values in '{u}': 1.0% → 20.0%",
        ),
        (
            Statement(StatementCode.UNIT_CHANGE, ("km",), ("miles to kilometres",), 1.609),
            "another unit: all quantiles of 'km' are 1.609 times those of the reference (miles to kilometres)",
        ),
        (
            Statement(StatementCode.PART_OF_LOSS, (), ("rank_loss", "traffic mix"), 0.03, 0.1, 0.15),
            "traffic mix accounts for +0.03 of the change of +0.05 in 1 - AUROC",
        ),
        (
            Statement(StatementCode.CORRELATION_IN_SEGMENTS, ("a", "b"), before=0.1, after=0.6),
            "the correlation of 'a' and 'b' changed: 0.10 → 0.60 within segments",
        ),
        (
            Statement(StatementCode.VERSION_SHARE, names=("v2",), before=0.0, after=0.97, at=AT),
            "version 'v2' answers 97% of the rows since 2024-05-06 00:00, up from 0%",
        ),
        (
            Statement(
                StatementCode.OTHER_CAUSE, names=("x", "north"), kind="data_fault",
                because=(Statement(StatementCode.CONSTANT, ("x",), value=3.0, n=120),),
            ),
            (
                "at the same time, but not the subject of this alert: data fault of 'x', 'north': "
                "'x' is stuck at 3 in all 120 rows"
            ),
        ),
    ],
)  # fmt: skip
def test_a_statement_is_said_with_its_numbers(stated: Statement, words: str) -> None:
    assert sentence(stated) == words


def test_every_code_has_a_sentence_of_its_own() -> None:
    assert set(causes._SENTENCES) == set(StatementCode)
    for code, words in causes._SENTENCES.items():
        fields = [name for _, name, _, _ in Formatter().parse(words) if name]
        assert sentence(Statement(code)) or fields == ["name"], code


def test_an_alert_that_nothing_else_explains_is_told_in_its_own_words() -> None:
    assert sentence(Statement(StatementCode.ALERT_ITSELF), alert(Cause.DRIFT)) == alert_sentence(alert(Cause.DRIFT))


def test_an_incident_is_told_with_what_its_alerts_share() -> None:
    one = Incident(("score", "u"), ("m",), ("a", "b"), AT, AT)
    assert incident_sentence(one) == "2 alerts of model m began together and share 'score', 'u'"


def _checked() -> list[Diagnosis]:
    lost = pl.when(pl.col("id") % 6 == 0).then(None).otherwise("u").alias("u")
    rules = [{"rule": "in_range", "column": "x", "lower": -1, "upper": 1}]
    frames = (
        log(2, 3_000, shift=0.6).with_columns(lost), log(2, 3_000, north=0.8),
        log(2, 3_000, turned=0.3, labelled=0.4), log(2, 3_000, turned=0.3),
    )  # fmt: skip
    return [
        one for frame in frames for one in check_tables(frame, log(1, 8_000), replace(OPTIONS, rules=rules)).diagnoses
    ]


def test_with_every_sentence_empty_diagnoses_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    usual = _checked()
    kinds = {h.kind.value for one in usual for h in one.hypotheses[:1]}
    assert len(kinds) >= 4
    said = set()
    for module in pkgutil.iter_modules(watchkeeper.words.__path__, "watchkeeper.words."):
        words = import_module(module.name)
        said |= {id(getattr(words, name)) for name in words.__all__ if callable(getattr(words, name))}
    for name, module in list(sys.modules.items()):
        for attribute, value in list(vars(module).items()) if name.startswith("watchkeeper") and module else []:
            if id(value) in said:
                monkeypatch.setattr(module, attribute, lambda *_, **__: "")
    assert causes.sentence(Statement(StatementCode.NO_ROWS)) == ""
    assert _checked() == usual
