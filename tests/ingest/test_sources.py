"""Tables from everywhere: the same rows whichever way they come, and a clear word when they cannot."""

import gzip
import json
import subprocess
import sys
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from deltalake import write_deltalake

from watchkeeper.core.errors import SchemaError, SourceError
from watchkeeper.ingest.door import Door
from watchkeeper.ingest.sources import normalise_time, open_table
from watchkeeper.schema.declared import Declared
from watchkeeper.schema.event_time import MOMENT


def table(n=1_000, start=0):
    ids = np.arange(start, start + n)
    return pl.DataFrame({"id": ids, "x": ids * 0.5, "s": [f"é{i % 7}" for i in ids], "b": ids % 2 == 0})


def rows(source, size=300):
    return pl.concat(list(open_table(source).batches(size)))


@pytest.fixture
def files(tmp_path):
    whole = table()
    whole.write_parquet(tmp_path / "a.parquet", row_group_size=100)
    whole.write_csv(tmp_path / "a.csv")
    with gzip.open(tmp_path / "a.csv.gz", "wt", encoding="utf-8") as stream:
        stream.write(whole.write_csv())
    whole.write_csv(tmp_path / "a.tsv", separator="\t")
    (tmp_path / "semicolon.csv").write_text(whole.write_csv(separator=";"), encoding="utf-8-sig")
    whole.write_ipc(tmp_path / "a.arrow")
    (tmp_path / "parts").mkdir()
    for i in range(4):
        table(250, 250 * i).write_parquet(tmp_path / "parts" / f"{i}.parquet")
    (tmp_path / "parts" / "_SUCCESS").write_text("")
    write_deltalake(str(tmp_path / "delta"), whole)
    return tmp_path


@pytest.mark.parametrize(
    "name",
    [
        "a.parquet",
        "a.csv",
        "a.csv.gz",
        "a.tsv",
        "semicolon.csv",
        "a.arrow",
        "parts",
        "parts/*.parquet",
        "**/[0-3].parquet",
        "delta",
    ],
)
def test_every_format_gives_the_same_rows(files, name):
    source = open_table(files / name)
    assert source.rows == 1_000
    assert source.columns == ["id", "x", "s", "b"]
    assert rows(str(files / name)).sort("id").equals(table())


def test_a_file_url_is_a_file(files):
    assert open_table(f"file://{files}/a.parquet").rows == 1_000


@pytest.mark.parametrize("size", [1, 7, 300, 1_000, 5_000])
def test_batches_are_as_long_as_asked_for_whatever_the_files_are(files, size):
    heights = [b.height for b in open_table(files / "parts").batches(size)]
    assert heights[:-1] == [size] * (len(heights) - 1)
    assert sum(heights) == 1_000
    assert rows(files / "parts", size).equals(table())


def test_only_the_columns_asked_for_are_read(files):
    for name in ("a.parquet", "a.csv", "parts"):
        assert next(open_table(files / name).batches(10, ["s", "id"])).columns == ["s", "id"]
    with pytest.raises(SchemaError, match="did you mean 'id'"):
        next(open_table(files / "a.csv").batches(10, ["idd"]))


def test_nul_is_written_out_in_the_names_of_columns_at_every_entrance(tmp_path):
    frame = pl.DataFrame({"a\0b": [1.5, 2.5], "a\\x00b": [3, 4], "a": [5, 6]})
    frame.write_parquet(tmp_path / "a.parquet")
    frame.write_csv(tmp_path / "a.csv")
    (tmp_path / "a.jsonl").write_text("\n".join(json.dumps(row) for row in frame.to_dicts()))
    given = [
        frame,
        frame.lazy(),
        pd.DataFrame(frame.to_dict(as_series=False)),
        pa.table(frame.to_dict(as_series=False)),
    ]
    for source in [*given, *(tmp_path / f"a.{kind}" for kind in ("parquet", "csv", "jsonl"))]:
        found = open_table(source).sample().to_dict(as_series=False)
        assert found == {"a\\x00b_": [1.5, 2.5], "a\\x00b": [3, 4], "a": [5, 6]}, source


@pytest.mark.parametrize("name", ["a.parquet", "a.csv", "a.arrow", "parts", "delta"])
def test_a_sample_is_spread_over_the_table_and_the_same_each_time(files, name):
    source = open_table(files / name)
    sample = source.sample(100)
    assert 90 <= sample.height <= 100
    assert sample["id"].n_unique() == sample.height
    counts = np.histogram(sample["id"], bins=4, range=(0, 1_000))[0]
    assert counts.min() >= 15
    assert source.sample(100).equals(sample)


def test_a_sample_larger_than_the_table_is_the_table(files):
    assert open_table(files / "a.parquet").sample(5_000).equals(table())


def frames():
    whole = table(5)
    yield whole
    yield whole.lazy()
    yield whole.to_pandas()
    yield whole.to_pandas().set_index(pd.Index([9, 8, 7, 6, 5]))
    yield whole.to_arrow()
    yield pa.RecordBatchReader.from_batches(whole.to_arrow().schema, whole.to_arrow().to_batches())


@pytest.mark.parametrize("frame", list(frames()), ids=["polars", "lazy", "pandas", "index", "arrow", "reader"])
def test_every_frame_gives_the_same_rows(frame):
    source = open_table(frame)
    assert source.rows == 5
    found = source.sample()
    assert found.with_columns(pl.col("s").cast(pl.String)).equals(table(5))


def test_pandas_columns_of_every_kind_keep_their_meaning():
    frame = pd.DataFrame(
        {
            "float": [1.5, np.nan],
            "nullable": pd.array([1, None], dtype="Int64"),
            "truth": pd.array([True, None], dtype="boolean"),
            "category": pd.Categorical(["a", None]),
            "object": np.array(["é", None], dtype=object),
            "mixed": np.array([1, "b"], dtype=object),
            "time": pd.to_datetime(["2013-01-01T02:00:00+02:00", None]),
            7: [1, 2],
        }
    )
    source = open_table(frame, time="time")
    found = source.sample()
    assert found.with_columns(pl.col("category").cast(pl.String)).to_dicts() == [
        {
            "float": 1.5, "nullable": 1, "truth": True, "category": "a", "object": "é", "mixed": "1",
            "time": datetime(2013, 1, 1, tzinfo=UTC), "7": 1,
        },
        {
            "float": None, "nullable": None, "truth": None, "category": None, "object": None, "mixed": "b",
            "time": None, "7": 2,
        },
    ]  # fmt: skip
    assert source.problems == ["column 'mixed' mixes int, str and was read as text"]


def test_an_index_of_pandas_that_has_a_name_is_a_column_like_others():
    whole = pd.DataFrame({"x": [1.0, 2.0]}, index=pd.Index(["a", "b"], name="id"))
    assert open_table(whole).sample().to_dict(as_series=False) == {"id": ["a", "b"], "x": [1.0, 2.0]}
    times = pd.DatetimeIndex(["2026-01-01", "2026-01-02"], tz="UTC", name="at")
    levels = pd.MultiIndex.from_arrays([times, [7, 8], [0, 1]], names=["at", "id", None])
    assert open_table(whole.set_axis(levels)).sample().columns == ["at", "id", "x"]
    taken = whole.assign(id=["c", "d"])
    assert open_table(taken).sample()["id"].to_list() == ["c", "d"]
    unnamed = open_table(whole.set_axis(times.rename(None)))
    assert unnamed.columns == ["x"]
    assert "index of times has no name" in unnamed.problems[0]


def test_a_pandas_frame_with_a_doubled_column_is_refused():
    with pytest.raises(SourceError, match="'a' twice"):
        open_table(pd.DataFrame([[1, 2]], columns=["a", "a"]))


def test_what_is_no_table_is_refused_with_what_is():
    with pytest.raises(SourceError, match=r"int is no table\. Valid: a path"):
        open_table(5)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("gone.parquet", None, "gone.parquet does not exist; did you mean 'gone.parquett'"),
        ("zero.parquet", b"", r"zero\.parquet is empty \(0 bytes\)"),
        ("zero.csv", b"", r"zero\.csv is empty \(0 bytes\)"),
        ("head.csv", b"id,x\n", r"head\.csv has no rows"),
        ("noise.parquet", b"noise" * 100, r"noise\.parquet cannot be read: .*truncated"),
        ("cut.arrow", b"ARROW1\x00\x00" + b"x" * 50, r"cut\.arrow cannot be read: .*truncated"),
        ("wide.csv", b"id,x\n1,2\n3,4,5\n", r"wide\.csv cannot be read as CSV: line 3 has 3 values"),
        ("quote.csv", b'id,x\n1,"abc\n2,d\n', r"quote\.csv cannot be read as CSV: line 2 opens a quote that is never"),
        ("twice.csv", b"id,id\n1,2\n", r"twice\.csv has the column 'id' twice"),
        ("table.xlsx", b"PK\x03\x04abcd", r"the format of .*table\.xlsx is not known\. Valid: \.parquet"),
        ("none-*.csv", None, r"no file matches .*none-\*\.csv"),
    ],
)
def test_what_cannot_be_read_is_named_with_a_remedy(tmp_path, name, content, words):
    (tmp_path / "gone.parquett").write_bytes(b"x")
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(SourceError, match=words):
        list(open_table(tmp_path / name).batches())


def test_a_truncated_parquet_file_is_named(files):
    data = (files / "a.parquet").read_bytes()
    (files / "parts" / "4.parquet").write_bytes(data[: len(data) // 2])
    with pytest.raises(SourceError, match=r"4\.parquet cannot be read: .*truncated"):
        open_table(files / "parts")


def test_a_parquet_file_damaged_in_the_middle_is_named_when_it_is_read(files):
    data = bytearray((files / "a.parquet").read_bytes())
    data[10 : len(data) // 2] = b"\x00" * (len(data) // 2 - 10)
    (files / "a.parquet").write_bytes(bytes(data))
    with pytest.raises(SourceError, match=r"a\.parquet cannot be read"):
        list(open_table(files / "a.parquet").batches())


def test_a_folder_without_tables_says_what_it_looked_for(tmp_path):
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(SourceError, match=r"holds no table files; Valid: \.parquet"):
        open_table(tmp_path)


def test_a_folder_of_several_formats_is_refused(files):
    with pytest.raises(SourceError, match=r"several formats: .*name one of them with a glob"):
        open_table(files)


def test_a_text_among_numbers_is_named_with_the_way_to_declare_it(tmp_path):
    (tmp_path / "a.csv").write_text("id,x\n" + "".join(f"{i},{i}\n" for i in range(20_000)) + "7,abc\n")
    source = open_table(tmp_path / "a.csv")
    assert dict(source.schema) == {"id": pl.Int64, "x": pl.String}
    (note,) = source.value_notes
    assert (note.column, note.nearly, note.example) == ("x", "numbers", "abc")
    declared = open_table(tmp_path / "a.csv", door=Door(Declared.of({"x": "numeric"})))
    assert declared.schema["x"] == pl.Float64
    assert declared.sample()["x"].null_count() == declared.value_notes[0].unread == 1


def test_na_is_a_null_among_numbers_and_a_text_among_texts(tmp_path):
    (tmp_path / "a.csv").write_text("n,country,t\n1,NA,2013-01-01\nNA,DE,NA\n")
    found = rows(tmp_path / "a.csv")
    assert found["n"].to_list() == [1, None]
    assert found["country"].to_list() == ["NA", "DE"]
    assert found["t"].dtype == pl.Date


def test_numbers_of_different_width_are_widened_over_the_files(tmp_path):
    pl.DataFrame({"x": [1, 2]}, schema={"x": pl.Int32}).write_parquet(tmp_path / "a.parquet")
    pl.DataFrame({"x": [0.5]}).write_parquet(tmp_path / "b.parquet")
    pl.DataFrame({"x": [None]}).write_parquet(tmp_path / "c.parquet")
    assert rows(tmp_path)["x"].to_list() == [1.0, 2.0, 0.5, None]


def test_a_type_that_does_not_fit_names_file_and_column(tmp_path):
    pl.DataFrame({"x": [1]}).write_parquet(tmp_path / "a.parquet")
    pl.DataFrame({"x": ["one"]}).write_parquet(tmp_path / "b.parquet")
    with pytest.raises(SourceError, match=r"b\.parquet: column 'x' holds String, but Int64 in .*a\.parquet"):
        open_table(tmp_path)


def test_a_column_that_some_files_lack_is_null_there_and_told(tmp_path):
    pl.DataFrame({"x": [1]}).write_parquet(tmp_path / "a.parquet")
    pl.DataFrame({"x": [2], "y": ["new"]}).write_parquet(tmp_path / "b.parquet")
    source = open_table(tmp_path)
    assert source.sample().to_dicts() == [{"x": 1, "y": None}, {"x": 2, "y": "new"}]
    assert ["'y' is missing from 1 of 2 files" in p for p in source.problems] == [True]


def test_times_of_different_zones_over_the_files_are_one_time_in_utc(tmp_path):
    noon = datetime(2013, 6, 1, 12, tzinfo=UTC)
    zones = {"a": pl.Datetime("us"), "b": pl.Datetime("ms", "UTC"), "c": pl.Datetime("ns", "America/New_York")}
    for name, dtype in zones.items():
        zone = dtype.time_zone or "UTC"
        aware = pl.Series("t", [noon], dtype=pl.Datetime("us", "UTC")).dt.convert_time_zone(zone)
        series = aware if dtype.time_zone else aware.dt.replace_time_zone(None)
        series.cast(dtype).to_frame().write_parquet(tmp_path / f"{name}.parquet")
    assert open_table(tmp_path, time="t").sample()["t"].to_list() == [noon] * 3


def test_the_columns_of_a_partitioned_folder_are_columns(tmp_path):
    for year in (2012, 2013):
        (tmp_path / f"year={year}").mkdir()
        pl.DataFrame({"x": [year / 2]}).write_parquet(tmp_path / f"year={year}" / "0.parquet")
    assert rows(tmp_path).sort("x")["year"].to_list() == [2012, 2013]


def test_the_time_column_is_read_as_utc_and_problems_are_told():
    frame = pl.DataFrame({"t": ["2013-01-01T00:00:00+01:00", "2013-01-01T00:00:00Z", "soon", None]})
    source = open_table(frame, time="t")
    found = source.sample()["t"]
    assert found.dtype == MOMENT
    assert found.to_list() == [datetime(2012, 12, 31, 23, tzinfo=UTC), datetime(2013, 1, 1, tzinfo=UTC), None, None]
    assert source.problems == [
        "1 values of the time column 't' cannot be read as times, such as 'soon'",
        "the time column 't' mixes UTC offsets (+01:00, Z); all were converted to UTC",
    ]


def test_a_time_column_that_does_not_exist_is_refused_with_the_nearest():
    for read in (lambda f: open_table(f, time="tiem"), lambda f: normalise_time(f, "tiem")):
        with pytest.raises(SchemaError, match="did you mean 'time'"):
            read(pl.DataFrame({"time": ["2013-01-01"]}))


MEASURE = """
import sys, resource
from watchkeeper.ingest.sources import open_table
n = 0
for batch in open_table(sys.argv[1]).batches():
    n += batch.height
print(n, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the unit of peak memory differs elsewhere")
def test_peak_memory_does_not_grow_with_the_file(tmp_path):
    piece = pl.DataFrame({f"x{i}": np.random.default_rng(i).normal(size=250_000) for i in range(8)})
    peaks = {}
    for pieces in (4, 16):
        path = tmp_path / f"{pieces}.parquet"
        pl.concat([piece] * pieces).write_parquet(path, row_group_size=125_000, compression="uncompressed")
        out = subprocess.run([sys.executable, "-c", MEASURE, str(path)], capture_output=True, text=True, check=True)
        count, peaks[pieces] = map(int, out.stdout.split())
        assert count == 250_000 * pieces
        path.unlink()
    # The larger file holds 256 MB, 192 MB more than the smaller one; peaks are in kB.
    assert peaks[16] - peaks[4] < 100_000
