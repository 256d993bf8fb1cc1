"""Rows held against rules."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import polars as pl

from watchkeeper.core.batch import Batch
from watchkeeper.core.schema import Role, Schema
from watchkeeper.core.signal import Signal
from watchkeeper.core.spec import Spec
from watchkeeper.quality.assess import assess_rules, judge_rules
from watchkeeper.quality.rule_set import rules_from
from watchkeeper.schema.inference import infer_schema
from watchkeeper.stats.codec import merged
from watchkeeper.stats.summarise import summarise


def judged(
    frame: pl.DataFrame,
    *rules: dict[str, Any],
    pieces: int = 1,
    roles: dict[Role, str] | None = None,
    now: datetime | None = None,
) -> list[Signal]:
    """The signals of rules over a frame that arrives in some pieces, in the order of the rules."""
    schema = infer_schema(frame, roles=roles or {})
    spec = Spec("m", schema, rules=rules_from(list(rules)))
    # Each piece in a summary of its own, so that states are merged and not only blocks.
    step = max(1, -(-frame.height // pieces))
    found: list[Any] = []
    for start in range(0, frame.height, step):
        found.extend(fold(frame.slice(start, step), schema, spec, start))
    states = {column: state for (_, column), state in merged(found, None, "m").items()}
    signals = [s for _, s in judge_rules(assess_rules(spec.rules, states, schema, now), spec.rules, schema)]
    assert len(signals) == len(rules)
    return signals


def fold(frame: pl.DataFrame, schema: Schema, spec: Spec, before: int) -> Sequence[Any]:
    from dataclasses import replace

    from watchkeeper.stats.rule_fold import fold_rules

    batch = Batch(frame, schema)
    plain = summarise([batch], replace(spec, rules=()))
    return [*plain.values(), *fold_rules(batch, spec, before)]


def counts(signal: Signal) -> tuple[float, float]:
    """Offending and checked rows."""
    check = signal.measurement.evidence.rule
    return float(check.offending), float(check.checked)
