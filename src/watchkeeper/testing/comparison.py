"""What every comparison must obey."""

from __future__ import annotations

from dataclasses import replace
from math import isfinite

import numpy as np
import polars as pl

from watchkeeper.compare.assess import assess_column
from watchkeeper.compare.comparison import Comparison
from watchkeeper.core.kinds import map_of
from watchkeeper.core.measurement import Measurement, Status
from watchkeeper.core.plugins import plugins
from watchkeeper.core.schema import Column, Kind, NumericMap, Role, Schema
from watchkeeper.core.state import State
from watchkeeper.stats.codec import decode_state, encode_state, merge_states
from watchkeeper.stats.summarise import summarise_rows

__all__ = ["check_comparison"]

_KINDS = (Kind.NUMERIC, Kind.CATEGORICAL, Kind.BOOLEAN, Kind.TEXT)
_DTYPES = {
    Kind.NUMERIC: pl.Float64, Kind.CATEGORICAL: pl.String, Kind.BOOLEAN: pl.Boolean, Kind.TEXT: pl.String,
}  # fmt: skip
_WORDS = ("parcel", "late", "thank", "you", "wet", "box", "12", "ok!", "the", "a")


def check_comparison(comparison: Comparison, seed: int = 0) -> None:
    """Assert that a comparison obeys its contract on every kind of column it applies to.

    Checked: the protocol; equal states give ``identical``; a gross change gives another value; merged states give the
    same value as whole ones; states that were stored and read back too; numbers do not depend on the unit of the
    column; empty and all-null columns are ``no_data``, never a number; a broken state is ``failed``.

    Raises
    ------
    AssertionError
        Naming the law that is broken.
    """
    assert isinstance(comparison, Comparison), "it lacks a member of the protocol Comparison"
    assert comparison.__doc__, "it has no docstring"
    applied = [kind for kind in _KINDS if comparison.applies(Column("x", Role.FEATURE, kind))]
    assert applied, "it applies to no kind of column"
    rng = np.random.default_rng(seed)
    for kind in applied:
        _check_kind(comparison, kind, rng)


def _values(kind: Kind, n: int, rng: np.random.Generator, changed: bool) -> pl.Series:
    if kind is Kind.NUMERIC:
        x = rng.lognormal(2.0, 0.5, n) * (1_000.0 if changed else 1.0)
        # Ties, nulls and NaN belong to the contract.
        x[::5] = np.round(x[::5])
        series = pl.Series("x", x)
        return series.set(pl.Series(np.arange(n) < (n // 3 if changed else n // 50)), None)
    if kind is Kind.TEXT:
        texts = [" ".join(rng.choice(_WORDS, length)) for length in rng.poisson(12 if changed else 6, n)]
        series = pl.Series("x", [text.upper() + " Ã©" for text in texts] if changed else texts)
        return series.set(pl.Series(np.arange(n) < (n // 3 if changed else n // 50)), None)
    names = np.array(["false", "true"] if kind is Kind.BOOLEAN else ["a", "b", "c", "d"])
    weights = np.arange(1, len(names) + 1, dtype=float)
    drawn = rng.choice(names, n, p=(weights[::-1] if changed else weights) / weights.sum())
    lost = np.arange(n) < (n // 3 if changed else n // 50)
    if kind is Kind.BOOLEAN:
        return pl.Series("x", drawn == "true").set(pl.Series(lost), None)
    if changed:
        drawn[drawn == "a"] = "new"
    return pl.Series("x", drawn).set(pl.Series(lost), None)


def _state(series: pl.Series, kind: Kind, map: NumericMap) -> State:
    schema = Schema((Column("x", Role.FEATURE, kind, str(_DTYPES[kind]), map),))
    states = summarise_rows(series.to_frame(), schema, keep=tuple(plugins("statistic")))
    return next(s for s in states if s.key.column == "x")


def _measure(comparison: Comparison, reference: State, current: State) -> Measurement:
    return assess_column(reference, current, [comparison.name])[0]


def _check_kind(comparison: Comparison, kind: Kind, rng: np.random.Generator) -> None:
    first, second = _values(kind, 4_000, rng, False), _values(kind, 3_000, rng, True)
    bins = map_of(first) if kind is Kind.NUMERIC else NumericMap()
    reference, changed = _state(first, kind, bins), _state(second, kind, bins)

    equal = _measure(comparison, reference, reference)
    assert equal.status is Status.OK, f"{kind}: equal states give {equal.status}: {equal.reason}"
    assert equal.value == comparison.identical, f"{kind}: equal states give {equal.value}, not {comparison.identical}"
    moved = _measure(comparison, reference, changed)
    assert moved.status is Status.OK, f"{kind}: changed states give {moved.status}: {moved.reason}"
    assert moved.value is not None and isfinite(moved.value), f"{kind}: {moved.value} is not a finite number"
    assert moved.n > 0, f"{kind}: it reports no sample size"

    halves = merge_states(_state(second[:1_200], kind, bins), _state(second[1_200:], kind, bins))
    _same(_measure(comparison, reference, halves), moved, f"{kind}: merged states")
    stored = decode_state(encode_state(changed))
    _same(_measure(comparison, reference, stored), moved, f"{kind}: stored states")
    if kind is Kind.NUMERIC:
        scaled = NumericMap(bins.anchor * 1_024, bins.scale * 1_024)
        other = _measure(comparison, _state(first * 1_024, kind, scaled), _state(second * 1_024, kind, scaled))
        _same(other, moved, "numeric: another unit", tolerance=1e-6)

    nothing = second.clear()
    for empty in (nothing, pl.Series("x", [None] * 10, dtype=second.dtype)):
        found = _measure(comparison, reference, _state(empty, kind, bins))
        told = len(empty) > 0 and found.status is Status.OK and found.value != comparison.identical
        fine = found.status is Status.NO_DATA or told
        assert fine, f"{kind}: {len(empty)} empty rows give {found.status} {found.value}"
    broken = replace(changed, parts={}, problem="broken on purpose")
    found = _measure(comparison, reference, broken)
    assert found.status is Status.FAILED and found.value is None, f"{kind}: a broken state gives {found.status}"
    assert "broken on purpose" in found.reason, f"{kind}: the reason of a failure is lost"


def _same(found: Measurement, expected: Measurement, law: str, tolerance: float = 1e-9) -> None:
    assert found.status is expected.status, f"{law} give {found.status}, whole ones {expected.status}"
    assert found.value is not None and expected.value is not None
    close = abs(found.value - expected.value) <= tolerance * max(1.0, abs(expected.value))
    assert close, f"{law} give {found.value}, whole ones {expected.value}"
