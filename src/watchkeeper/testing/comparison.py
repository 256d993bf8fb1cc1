"""What every comparison must obey."""

from __future__ import annotations

from dataclasses import replace
from functools import reduce
from itertools import pairwise
from math import isfinite

import numpy as np
import polars as pl

from watchkeeper.compare.assess import assess_column
from watchkeeper.compare.comparison import Comparison, Narrow, needs_of
from watchkeeper.core.evidence import Change, Quantity
from watchkeeper.core.measurement import Measurement, Status
from watchkeeper.core.schema import Kind, NumericMap, Schema
from watchkeeper.core.state import State
from watchkeeper.stats.codec import decode_state, encode_state, merge_states
from watchkeeper.stats.levels import LevelsPart
from watchkeeper.stats.moments import MomentsPart
from watchkeeper.testing.chance import check_chance
from watchkeeper.testing.populations import POPULATIONS, Population, schema_of, state_of

__all__ = ["check_comparison"]

_ROWS = {Kind.TEXT: (600, 400), Kind.VECTOR: (1_000, 700), Kind.JOINT: (1_000, 700)}
_NEARLY_ALWAYS = 0.95


def check_comparison(comparison: Comparison, seed: int = 0) -> None:
    """Assert that a comparison obeys its contract on every kind of column it applies to.

    Checked on one reference: the protocol; equal states give ``identical``; a gross change gives another value; before
    and after are stated, and are the mean or the share that the states hold; states merged in any order and any
    chunking give the value of the whole; states that were stored and read back too, also half-way; numbers do not
    depend on the unit of the column; a constant against itself is ``identical``, against another constant it is not,
    unless the comparison sees no values at all; empty and all-null columns are ``no_data``, never a number; a broken
    state is ``failed``.

    Checked on simulated pairs: what ``check_chance`` promises; and on at least one kind of column a gross change is
    farther from ``identical`` than no change nearly always, which no comparison that always fires can show. One that
    looks for a single kind of fault, which those changes do not have, says so in a class attribute ``narrow``; its own
    test shows that it finds it.

    Raises
    ------
    AssertionError
        Naming the law that is broken.
    """
    assert isinstance(comparison, Comparison), "it lacks a member of the protocol Comparison"
    assert comparison.__doc__, "it has no docstring"
    applied = [population for population in POPULATIONS if comparison.applies(population.column)]
    assert applied, f"it applies to none of {', '.join(sorted({p.kind.value for p in POPULATIONS}))} columns"
    best = 0.0
    for population in applied:
        if not population.tied:
            _Trial(comparison, population, seed).check()
        best = max(best, check_chance(comparison, population, seed))
    if isinstance(comparison, Narrow) and comparison.narrow:
        return
    assert best >= _NEARLY_ALWAYS, f"a gross change is farther than none in {best:.0%} of the pairs only"


class _Trial:
    """One reference and one gross change of it."""

    def __init__(self, comparison: Comparison, population: Population, seed: int) -> None:
        self.comparison, self.population = comparison, population
        self.needs = needs_of(comparison)
        rng = np.random.default_rng(seed)
        n0, n = _ROWS.get(population.kind, (4_000, 3_000))
        self.first = _with_strange_values(population.draw(rng, n0, 0.0), population.kind)
        self.second = _with_strange_values(population.draw(rng, n, 1.0), population.kind)
        self.schema = schema_of(self.first, population.kind)
        self.reference, self.changed = self._state(self.first), self._state(self.second)

    def check(self) -> None:
        """Assert every law."""
        equal = self._measure(self.reference, self.reference)
        identical = self.comparison.identical
        assert equal.status is Status.OK, self._told(f"equal states give {equal.status}: {equal.reason}")
        assert equal.value == identical, self._told(f"equal states give {equal.value}, not {identical}")
        moved = self._measure(self.reference, self.changed)
        assert moved.status is Status.OK, self._told(f"changed states give {moved.status}: {moved.reason}")
        assert moved.value is not None and isfinite(moved.value), self._told(f"{moved.value} is not a finite number")
        assert moved.n > 0, self._told("it reports no sample size")
        self._check_change(moved)
        self._check_merging(moved)
        if self.population.kind in (Kind.NUMERIC, Kind.JOINT):
            self._check_units(moved)
        self._check_constants()
        self._check_holes()

    def _state(self, frame: pl.DataFrame, schema: Schema | None = None) -> State:
        return state_of(frame, schema or self.schema, self.population.column.name, self.needs)

    def _measure(self, reference: State, current: State) -> Measurement:
        return assess_column(reference, current, [self.comparison.name])[0]

    def _told(self, law: str) -> str:
        return f"{self.population.name}: {law}"

    def _check_change(self, moved: Measurement) -> None:
        """Assert that what was and what is are stated, and are those of the states."""
        change = moved.evidence.change
        stated = change.before is not None and change.after is not None and change.quantity is not Quantity.NONE
        assert stated, self._told("it does not say what was and what is")
        for state, value in ((self.reference, change.before), (self.changed, change.after)):
            own = _own(state, change)
            right = own is None or abs(own - (value or 0.0)) <= 1e-9 * max(1.0, abs(own))
            assert right, self._told(f"it states the {change.quantity} {value}, the state holds {own}")

    def _check_merging(self, moved: Measurement) -> None:
        height = self.second.height
        for cuts in ((height // 3,), tuple(range(height // 7, height, height // 7))):
            places = (0, *cuts, height)
            parts = [self._state(self.second[a:b]) for a, b in pairwise(places)]
            law = f"{len(parts)} merged states"
            self._same(self._measure(self.reference, reduce(merge_states, parts)), moved, law)
            self._same(self._measure(self.reference, reduce(merge_states, parts[::-1])), moved, f"{law} backwards")
        stored = decode_state(encode_state(self.changed))
        self._same(self._measure(decode_state(encode_state(self.reference)), stored), moved, "stored states")
        resumed = merge_states(decode_state(encode_state(parts[0])), reduce(merge_states, parts[1:]))
        self._same(self._measure(self.reference, resumed), moved, "states stored half-way")

    def _check_units(self, moved: Measurement) -> None:
        maps = [NumericMap(c.map.anchor * 1_024, c.map.scale * 1_024) for c in self.schema]
        schema = Schema(tuple(replace(c, map=m) for c, m in zip(self.schema, maps, strict=True)))
        reference, changed = (self._state(frame * 1_024, schema) for frame in (self.first, self.second))
        self._same(self._measure(reference, changed), moved, "another unit", tolerance=1e-6)

    def _check_constants(self) -> None:
        clean, moved_clean = (_without_holes(frame) for frame in (self.first, self.second))
        row = moved_clean.filter([not alike for alike in _alike(moved_clean, clean[0])])[0]
        one, other = pl.concat([clean[0]] * 300), pl.concat([row] * 300)
        schema = schema_of(one, self.population.kind)
        reference, moved = self._state(one, schema), self._state(other, schema)
        found, identical = self._measure(reference, reference), self.comparison.identical
        told = self._told(
            f"a constant against itself gives {found.status} {found.value}, not {identical}: {found.reason}"
        )
        assert found.status is Status.NO_DATA or (found.status is Status.OK and found.value == identical), told
        if self._measure(self._state(clean), self._state(moved_clean)).value == identical:
            return
        found = self._measure(reference, moved)
        told = self._told(f"a constant against another one gives {found.status} {found.value}: {found.reason}")
        assert found.status is not Status.FAILED and found.value != identical, told

    def _check_holes(self) -> None:
        nothing = self.second.clear()
        nulls = pl.concat([nothing, pl.DataFrame({name: [None] * 10 for name in nothing.columns}, nothing.schema)])
        for empty in (nothing, nulls):
            if self.population.kind is Kind.JOINT and empty.height:
                continue
            found = self._measure(self.reference, self._state(empty))
            seen = empty.height > 0 and found.status is Status.OK and found.value != self.comparison.identical
            told = self._told(f"{empty.height} rows without a value give {found.status} {found.value}")
            assert found.status is Status.NO_DATA or seen, told
        broken = replace(self.changed, parts={}, problem="broken on purpose")
        found = self._measure(self.reference, broken)
        told = self._told(f"a broken state gives {found.status}")
        assert found.status is Status.FAILED and found.value is None, told
        assert "broken on purpose" in found.reason, self._told("the reason of a failure is lost")

    def _same(self, found: Measurement, expected: Measurement, law: str, tolerance: float = 1e-9) -> None:
        told = self._told(f"{law} give {found.status} {found.value}, whole ones {expected.status} {expected.value}")
        assert found.status is expected.status, told
        assert found.value is not None and expected.value is not None, told
        assert abs(found.value - expected.value) <= tolerance * max(1.0, abs(expected.value)), told


def _own(state: State, change: Change) -> float | None:
    """Return the stated quantity as the state holds it; None where it is of another kind, or not listed whole."""
    moments, levels = state.parts.get("moments"), state.parts.get("levels")
    if change.quantity is Quantity.MEAN and isinstance(moments, MomentsPart):
        return moments.mean
    if change.quantity is not Quantity.SHARE or not isinstance(levels, LevelsPart) or len(change.levels) != 1:
        return None
    name = change.levels[0]
    return levels.as_dict()[name] / levels.n if name in levels.names else None


def _without_holes(frame: pl.DataFrame) -> pl.DataFrame:
    known = frame.drop_nulls()
    for name, dtype in frame.schema.items():
        known = known.filter(pl.col(name).is_finite()) if dtype.is_numeric() else known
    return known


def _alike(frame: pl.DataFrame, row: pl.DataFrame) -> list[bool]:
    """Return which rows equal ``row``."""
    return [other == row.row(0) for other in frame.iter_rows()]


def _with_strange_values(frame: pl.DataFrame, kind: Kind) -> pl.DataFrame:
    """Round every fifth number and make some NaN or infinite: ties and broken values belong to the contract."""
    if kind not in (Kind.NUMERIC, Kind.JOINT):
        return frame
    row = pl.int_range(pl.len())
    strange = pl.when(row % 97 == 5).then(float("nan")).when(row % 97 == 6).then(float("inf"))
    return frame.with_columns(strange.when(row % 5 == 0).then(pl.all().round()).otherwise(pl.all()).name.keep())
