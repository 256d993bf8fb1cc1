"""Parts of a table know where in it they begin, and the law of cuts finds those that do not."""

from __future__ import annotations

import polars as pl
import pytest

from watchkeeper.core.batch import Batch
from watchkeeper.core.plugins import plugins
from watchkeeper.core.schema import ALL
from watchkeeper.core.spec import Spec
from watchkeeper.core.state import ROWS, RULES, StateKey
from watchkeeper.stats.codec import merge_states
from watchkeeper.stats.row_sample import RowSamplePart
from watchkeeper.stats.rule_counts import RuleCountsPart
from watchkeeper.stats.summarise import summarise
from watchkeeper.testing import cuts
from watchkeeper.testing.statistic import check_statistic

SUMMARISE = summarise


def from_zero(batches, spec, **others):
    """As if each part were a table of its own."""
    return SUMMARISE((Batch(b.frame, b.schema, b.window) for b in batches), spec, **others)


@pytest.mark.parametrize("name", ["rule_counts", "row_sample"])
def test_the_law_of_cuts_catches_parts_that_count_from_zero(name, monkeypatch):
    cuts.states_apart.cache_clear()
    monkeypatch.setattr(cuts, "summarise", from_zero)
    with pytest.raises(AssertionError, match="merged equal the whole"):
        check_statistic(plugins("statistic")[name])
    cuts.states_apart.cache_clear()


def test_the_tables_that_are_cut_hold_every_statistic():
    kept = {
        name for table in cuts.cut_tables() for s in cuts.states_apart(table, (0, 1_500)).values() for name in s.parts
    }
    # These see labels or latencies of kinds that a table of one binary classifier cannot have.
    assert set(plugins("statistic")) - kept == set()


def test_a_break_of_order_between_two_parts_is_counted_once_whatever_the_cut():
    frame, spec = cuts.cut_tables()["a table with ids"]
    rising = frame.with_columns(falls=pl.Series(range(1_500)).shuffle(seed=1).sort()).with_columns(
        falls=pl.when(pl.int_range(1_500) < 700).then(pl.col("falls") + 5_000).otherwise("falls")
    )
    key = StateKey("m", "", None, ALL, RULES)
    for ends in ((0, 1_500), (0, 700, 1_500), (0, 300, 699, 1_500)):
        part = cuts.summarised_apart(rising, spec, ends)[key].part("rule_counts", RuleCountsPart)
        tally = part.of(spec.rules[0])
        assert tally is not None
        assert (len(tally.runs), tally.runs[0].falls, tally.runs[0].rises) == (1, 1, 1_498)


def test_batches_that_do_not_follow_one_another_are_not_taken_for_one():
    frame, spec = cuts.cut_tables()["a table without ids"]
    parts = [Batch(frame[start:stop], spec.schema, first_row=start) for start, stop in ((700, 1_500), (0, 700))]
    whole, backwards = summarise([Batch(frame, spec.schema)], spec), summarise(parts, spec)
    assert sample_of(backwards, spec).equals(sample_of(whole, spec))


def sample_of(states, spec: Spec) -> pl.DataFrame:
    return states[StateKey("m", "", None, ALL, ROWS)].part("row_sample", RowSamplePart).frame


def test_rows_without_ids_are_sampled_from_all_of_a_table_and_not_from_its_first_batch():
    # One column of few values: a position within the batch makes rows of later batches equal to earlier ones.
    frame = pl.DataFrame({"x": [float(i // 3 % 2) for i in range(6_000)]}).with_row_index("at")
    schema = cuts.cut_tables()["a table without ids"][1].schema
    spec = Spec("m", schema.with_columns(tuple(c for c in schema.columns if c.name == "x")))
    batches = [Batch(frame[i : i + 1_000], spec.schema, first_row=i) for i in range(0, 6_000, 1_000)]
    merged = summarise(batches[:1], spec)
    for batch in batches[1:]:
        more = summarise([batch], spec)
        merged = {key: merge_states(state, more[key]) for key, state in merged.items()}
    sizes = (sample_of(merged, spec)["at"] // 1_000).value_counts()["count"].to_list()
    # 1,000 of 6,000 rows: 167 from each batch, standard deviation 12.
    assert len(sizes) == 6
    assert all(120 < size < 215 for size in sizes)
