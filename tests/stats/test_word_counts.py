"""Shortcuts of the fold give what the plain way gives: counting by hash bits, values just seen, batches grouped."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from watchkeeper.core.batch import Batch
from watchkeeper.core.schema import Column, Kind, NumericMap, Role, Schema
from watchkeeper.core.spec import Spec
from watchkeeper.stats.atoms import Atoms
from watchkeeper.stats.blocks import BLOCK, NumberSource
from watchkeeper.stats.distinct import Distinct
from watchkeeper.stats.level_index import count_levels
from watchkeeper.stats.statistic import fold
from watchkeeper.stats.summarise import summarise
from watchkeeper.stats.word_counts import WordCounts

COLUMN = Column("x", Role.FEATURE, Kind.NUMERIC, "Float64", NumericMap(0.0, 1.0))


@pytest.mark.parametrize("levels", [1, 3, 200, 900, 5_000])
def test_levels_counted_by_hash_are_those_of_value_counts(levels: int) -> None:
    draw = np.random.default_rng(levels)
    series = pl.Series("c", [f"level {i}" for i in range(levels)]).gather(draw.integers(0, levels, 3 * BLOCK + 7))
    series = series.set(pl.Series(draw.random(len(series)) < 0.1), None)
    found = count_levels(series.to_frame(), ["c"])["c"]
    expected = dict(series.drop_nulls().value_counts().iter_rows())
    assert dict(zip(found.names.to_list(), found.counts.tolist(), strict=True)) == expected
    assert found.nulls == series.null_count()


def test_a_place_taken_by_another_word_is_refused_in_the_same_and_in_a_later_block() -> None:
    words = np.array([5, 7], np.uint64)
    assert not WordCounts().add(words, np.array([1, 1]))
    counts = WordCounts()
    assert counts.add(words[:1], np.array([1]))
    assert counts.add(words[:1], np.array([1]))
    assert not counts.add(words[1:], np.array([1]))


def test_the_word_zero_keeps_its_place() -> None:
    counts = WordCounts()
    assert counts.add(np.zeros(3, np.uint64), np.array([4, 4, 4]))
    assert not counts.add(np.array([9], np.uint64), np.array([4]))
    assert counts.counts[4] == 3


@pytest.mark.parametrize("value", [0.0, -0.0, 1.0, 1e300])
def test_a_value_that_comes_after_many_others_is_counted_as_distinct(value: float) -> None:
    few = np.resize(np.array([2.0, 3.0, 4.0]), 2 * BLOCK)
    late = np.concatenate([few, np.full(10, value)])
    one = fold(Distinct(), COLUMN, NumberSource(pl.Series("x", few), COLUMN).blocks())
    two = fold(Distinct(), COLUMN, NumberSource(pl.Series("x", late), COLUMN).blocks())
    alone = fold(Distinct(), COLUMN, NumberSource(pl.Series("x", [value]), COLUMN).blocks())
    assert np.array_equal(np.maximum(one.registers, alone.registers), two.registers)


def test_a_column_that_turns_continuous_keeps_its_heavy_values() -> None:
    draw = np.random.default_rng(5)
    x = np.concatenate([np.resize([0.0, 7.0], 2 * BLOCK), draw.normal(0.0, 1.0, 2 * BLOCK)])
    part = fold(Atoms(), COLUMN, NumberSource(pl.Series("x", x), COLUMN).blocks())
    assert Atoms().result(part) == {0.0: BLOCK, 7.0: BLOCK}


def test_many_small_batches_give_the_states_of_one() -> None:
    draw = np.random.default_rng(6)
    frame = pl.DataFrame({"x": draw.normal(size=3_000), "c": draw.choice(["a", "b"], 3_000)})
    schema = Schema((COLUMN, Column("c", Role.FEATURE, Kind.CATEGORICAL, "String")))
    spec = Spec("m", schema)
    told: list[int] = []
    whole = summarise([Batch(frame, schema)], spec)
    pieces = summarise((Batch(f, schema) for f in frame.iter_slices(70)), spec, progress=told.append)
    assert sum(told) == 3_000
    assert len(told) == 43
    assert whole.keys() == pieces.keys()
    for key, state in whole.items():
        for name in ("count", "histogram", "levels", "distinct"):
            if name in state.parts:
                assert repr(state.parts[name]) == repr(pieces[key].parts[name])


def test_a_batch_of_other_columns_is_not_joined_with_the_one_before() -> None:
    schema = Schema((COLUMN,))
    frames = [pl.DataFrame({"x": [1.0, 2.0]}), pl.DataFrame({"x": [3], "more": ["a"]}), pl.DataFrame({"x": [4.0]})]
    states = summarise((Batch(frame, schema) for frame in frames), Spec("m", schema))
    assert {key.column: s.parts["moments"].mean for key, s in states.items() if key.column == "x"} == {"x": 2.5}
