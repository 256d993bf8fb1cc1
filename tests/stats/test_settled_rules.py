"""What states settle is what the rows say, and nothing else is settled."""

from __future__ import annotations

from itertools import product

import numpy as np
import polars as pl
import pytest

from watchkeeper.core.batch import Batch
from watchkeeper.core.rule import Rule
from watchkeeper.core.spec import Spec
from watchkeeper.core.state import RULES
from watchkeeper.schema.inference import infer_schema
from watchkeeper.stats.rule_counts import RuleCountsPart
from watchkeeper.stats.rule_fold import fold_rules
from watchkeeper.stats.settled_rules import settled_rules
from watchkeeper.stats.summarise import summarise

N = 3_000
RNG = np.random.default_rng(3)
FRAME = pl.DataFrame(
    {
        "x": RNG.normal(10.0, 2.0, N),
        "whole": RNG.integers(-5, 50, N),
        "city": RNG.choice(["Ulm", "Bonn", "Köln"], N),
        "many": [f"id {i}" for i in range(N)],
        "far": np.where(np.arange(N) == 7, np.inf, RNG.random(N)),
        "few": RNG.integers(0, 3, N),
        "flag": RNG.random(N) < 0.5,
        "nan": np.where(np.arange(N) % 5, 1.0, np.nan),
        "large": np.full(N, 2**53 + 1),
    }
).with_columns(
    x=pl.when(pl.int_range(pl.len()) % 11 == 0).then(None).otherwise(pl.col("x")),
    city=pl.when(pl.int_range(pl.len()) % 7 == 0).then(None).otherwise(pl.col("city")),
)


def rule(kind: str, column: str, **options: object) -> Rule:
    return Rule(kind, (column,), options)


RULES_ASKED = [
    rule("in_range", "x", lower=-1e3, upper=1e3),
    rule("in_range", "x", lower=10.0, upper=None),
    rule("in_range", "whole", lower=-5, upper=49),
    rule("in_range", "whole", lower=-5, upper=49, strictly=True),
    rule("in_range", "far", lower=0.0, upper=2.0),
    rule("in_range", "large", lower=0, upper=2**53),
    rule("in_set", "city", values=("Ulm", "Bonn", "Köln", "Rom")),
    rule("in_set", "city", values=("Ulm", "Bonn")),
    rule("not_in_set", "city", values=("Rom",)),
    rule("matches", "city", pattern="[A-Z].*"),
    rule("in_set", "few", values=("0", "1", "2")),
    rule("in_set", "few", values=("0", "1")),
    rule("in_set", "flag", values=("true", "false")),
    rule("not_null", "whole"),
    rule("not_null", "x"),
    rule("not_null", "city"),
    rule("not_null", "nan"),
    rule("has_type", "x", type="number"),
    rule("has_type", "x", type="text"),
    rule("has_type", "nan", type="integer"),
    rule("has_type", "city", type="text"),
    rule("matches", "many", pattern="id [0-9]+"),
]
SETTLED = [
    True, False, True, False, False, False, True, False, True, True,
    False, False, True, True, False, False, False, True, False, False, True,
    False,
]  # fmt: skip


def counted(rules: list[Rule], frame: pl.DataFrame, *, settle: bool) -> dict[str, tuple[int, int, int]]:
    schema = infer_schema(FRAME)
    spec = Spec("m", schema, rules=tuple(rules))
    states = list(summarise([Batch(frame, schema)], Spec("m", schema)).values()) if settle else []
    (state,) = (s for s in fold_rules(Batch(frame, schema), spec, 0, states) if s.key.column == RULES)
    part = state.part("rule_counts", RuleCountsPart)
    return {tally.rule: (tally.rows, tally.checked, tally.broken) for tally in part.tallies}


@pytest.mark.parametrize("size", [N, 500])
def test_settled_counts_are_those_of_the_rows(size: int) -> None:
    for start in range(0, N, size):
        piece = FRAME.slice(start, size)
        assert counted(RULES_ASKED, piece, settle=True) == counted(RULES_ASKED, piece, settle=False)


def test_a_rule_is_settled_only_where_states_show_that_no_row_breaks_it() -> None:
    schema = infer_schema(FRAME)
    states = summarise([Batch(FRAME, schema)], Spec("m", schema)).values()
    found = settled_rules(RULES_ASKED, states, FRAME)
    assert [asked.digest in found for asked in RULES_ASKED] == SETTLED


def test_a_rule_with_a_condition_or_a_column_that_is_gone_is_asked_of_the_rows() -> None:
    schema = infer_schema(FRAME)
    states = list(summarise([Batch(FRAME, schema)], Spec("m", schema)).values())
    held = RULES_ASKED[0]
    conditioned = Rule(held.kind, held.columns, held.options, when=(RULES_ASKED[6],))
    assert settled_rules([held], states, FRAME)
    assert not settled_rules([conditioned], states, FRAME)
    assert not settled_rules([held], states, FRAME.drop("x"))


def test_states_of_other_rows_settle_nothing() -> None:
    schema = infer_schema(FRAME)
    states = list(summarise([Batch(FRAME[:-1], schema)], Spec("m", schema)).values())
    assert settled_rules(RULES_ASKED, states, FRAME[:-1])
    assert not settled_rules(RULES_ASKED, states, FRAME)


def test_limits_at_the_extremes_are_settled_as_the_rows_are_counted() -> None:
    low, high = FRAME["whole"].min(), FRAME["whole"].max()
    asked = [
        rule("in_range", "whole", lower=low + a, upper=high + b, strictly=strict)
        for a, b, strict in product((-1, 0, 1), (-1, 0, 1), (False, True))
    ]
    assert counted(asked, FRAME, settle=True) == counted(asked, FRAME, settle=False)
