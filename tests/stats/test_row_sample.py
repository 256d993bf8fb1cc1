"""The bottom-k sample: uniform (chi-square), unchanged by order and replays."""

import numpy as np
import polars as pl
import scipy.stats

from watchkeeper.core.schema import Column, Kind, Role
from watchkeeper.stats.blocks import Rows
from watchkeeper.stats.hashing import hash_numbers, hash_texts
from watchkeeper.stats.row_sample import RowSample
from watchkeeper.stats.statistic import fold, fold_each

COLUMN = Column("", Role.ID, Kind.IDENTIFIER)


def sample_of(*batches):
    return fold(RowSample(), COLUMN, [Rows(b, hash_numbers(b["id"].to_numpy())) for b in batches])


def table(n):
    return pl.DataFrame({"id": np.arange(n), "x": np.arange(n) * 0.5})


def test_a_thousand_rows_are_kept_and_all_are_counted():
    part = sample_of(table(50_000))
    assert part.frame.height == 1_000
    assert part.rows == 50_000


def test_few_rows_are_all_kept():
    assert sample_of(table(7)).frame.sort("id").equals(table(7))


def test_the_order_of_the_rows_does_not_matter():
    whole = table(20_000)
    shuffled = whole.sample(fraction=1.0, shuffle=True, seed=1)
    assert sample_of(whole).frame.equals(sample_of(shuffled).frame)


def test_a_replayed_batch_changes_no_sampled_row():
    whole = table(20_000)
    assert sample_of(whole, whole).frame.equals(sample_of(whole).frame)


def test_every_stretch_of_ids_is_sampled_alike():
    ids = sample_of(table(100_000)).frame["id"].to_numpy()
    counts = np.histogram(ids, bins=20, range=(0, 100_000))[0]
    assert scipy.stats.chisquare(counts).pvalue > 0.001


def test_rows_stay_whole():
    frame = sample_of(table(30_000)).frame
    assert (frame["x"] == frame["id"] * 0.5).all()


def test_hashes_of_texts_do_not_depend_on_their_neighbours():
    texts = pl.Series(["", "a", "é", "long" * 200, "b"])
    alone = [int(hash_texts(texts[i : i + 1])[0]) for i in range(len(texts))]
    assert hash_texts(texts).tolist() == alone
    assert len(set(alone)) == 5


def test_segments_of_one_table_are_sampled_together_as_each_alone():
    whole = pl.concat([table(9_000), table(9_000).with_columns(id=pl.col("id") + 9_000)], rechunk=False)
    hashes, places = hash_numbers(whole["id"].to_numpy()), np.arange(whole.height)
    segments = [places[places % 3 == 0], places[places < 5], places[:0], places[::-1]]
    blocks = [Rows(whole, hashes[segment], 2, segment) for segment in segments]
    for part, segment in zip(fold_each(RowSample(), COLUMN, blocks), segments, strict=True):
        alone = sample_of(whole[segment])
        assert part.frame.equals(alone.frame)
        assert part.hashes.tolist() == alone.hashes.tolist()
        assert (part.rows, part.doubled) == (len(segment), 2)
