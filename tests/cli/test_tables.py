"""Tables that are damaged, empty, small, odd or of every type: a clear message, the right code, nothing invented."""

from __future__ import annotations

import gzip
from datetime import date, time, timedelta
from decimal import Decimal
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from .conftest import Command, Run, parsed, table

ROWS = ["size,price,kind", *(f"{i % 7},{i * 0.5},k{i % 3}" for i in range(3_000))]


def write(path: Path, lines: list[str], encoding: str = "utf-8") -> Path:
    path.write_bytes("\n".join(lines).encode(encoding))
    return path


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    return write(tmp_path / "plain.csv", ROWS)


def told(done: Run) -> str:
    """Return the message of a run that failed: one line, without what only a programmer reads."""
    assert done.stdout == ""
    assert done.stderr.startswith("watchkeeper: ")
    assert done.stderr.count("\n") == 1
    assert not any(words in done.stderr for words in ("Errno", "Error:", "codec", "b'", "<class", "dtype("))
    return done.stderr


DAMAGED = {
    "noise.parquet": (np.random.default_rng(1).bytes(4_000), "noise.parquet cannot be read"),
    "noise.csv": (b"\xff\xfe\x00" + np.random.default_rng(1).bytes(4_000), "as its first bytes say, or is truncated"),
    "noise": (np.random.default_rng(1).bytes(4_000), "the format of noise is not known. Valid: .parquet"),
    "zero.csv": (b"", "zero.csv is empty (0 bytes)"),
    "zero.parquet": (b"", "zero.parquet is empty (0 bytes)"),
    "blank.csv": (b"\n\n\n", "blank.csv has no line that names the columns"),
    "wide.csv": ("\n".join(ROWS).encode("utf-16")[:-1], "wide.csv cannot be read as CSV: it is no UTF-16"),
    "ragged.csv": ("\n".join([*ROWS[:100], "1,2,k1,9", *ROWS[100:]]).encode(), "line 101 has 4 values"),
    "twice.csv": ("\n".join(["size,price,size", *ROWS[1:]]).encode(), "has the column 'size' twice"),
    "open.csv": ("\n".join([ROWS[0], '"1,2,x', *ROWS[1:]]).encode(), "open.csv cannot be read as CSV"),
    "no.csv.gz": (b"this was never compressed\n", "not compressed by gzip"),
    "half.csv.gz": (gzip.compress("\n".join(ROWS).encode())[:3_000], "half.csv.gz cannot be read"),
}


@pytest.mark.parametrize("name", DAMAGED)
@pytest.mark.parametrize("side", ["current", "reference"])
def test_a_damaged_file_is_named_with_its_fault_and_could_not_run(
    watchkeeper: Command, tmp_path: Path, plain: Path, name: str, side: str
) -> None:
    content, words = DAMAGED[name]
    (tmp_path / name).write_bytes(content)
    done = watchkeeper("check", *((name, "-r", plain) if side == "current" else (plain, "-r", name)))
    assert done.returncode == 3
    assert words in told(done)


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("plian.csv", "plian.csv does not exist; did you mean 'plain.csv'? Valid: hollow, plain.csv"),
        ("nowhere/x.csv", "neither does the folder nowhere"),
        ("hollow", "the folder hollow holds no table files; Valid: .parquet"),
        ("*.parquet", "no file matches *.parquet"),
        ("", "the path is empty"),
    ],
)
def test_a_place_without_a_table_says_what_is_there(
    watchkeeper: Command, tmp_path: Path, plain: Path, place: str, words: str
) -> None:
    (tmp_path / "hollow").mkdir()
    (tmp_path / "secrets.env").touch()
    done = watchkeeper("check", place, "-r", plain)
    assert done.returncode == 3
    assert words in told(done)
    assert "secrets.env" not in done.stderr


WRITTEN = {
    "byte order mark": ("\ufeff" + "\n".join(ROWS)).encode(),
    "carriage returns": "\r\n".join(ROWS).encode(),
    "semicolons": "\n".join(ROWS).replace(",", ";").encode(),
    "decimal commas": "\n".join(ROWS).replace(",", ";").replace(".", ",").encode(),
    "tabs": "\n".join(ROWS).replace(",", "\t").encode(),
    "gzip": gzip.compress("\n".join(ROWS).encode()),
}


@pytest.mark.parametrize("how", WRITTEN)
def test_the_same_rows_are_the_same_however_the_csv_is_written(
    watchkeeper: Command, tmp_path: Path, plain: Path, how: str
) -> None:
    name = "other.csv.gz" if how == "gzip" else "other.csv"
    (tmp_path / name).write_bytes(WRITTEN[how])
    done = watchkeeper("check", name, "-r", plain, "--json")
    assert done.returncode == 0, done.stderr
    found = [m for m in parsed(done)["measurements"] if m.get("comparison") in ("ks", "l_infinity")]
    assert {m["column"]: (m["value"], m["n"]) for m in found} == dict.fromkeys(("size", "price", "kind"), (0.0, 3_000))


@pytest.mark.parametrize("side", ["current", "reference"])
@pytest.mark.parametrize("name", ["none.csv", "none.parquet"])
def test_a_table_without_rows_is_too_little_data_in_words_and_in_json(
    watchkeeper: Command, tmp_path: Path, plain: Path, side: str, name: str
) -> None:
    write(tmp_path / "none.csv", ROWS[:1])
    pl.read_csv(plain).clear().write_parquet(tmp_path / "none.parquet")
    words = ("check", name, "-r", plain) if side == "current" else ("check", plain, "-r", name)
    done = watchkeeper(*words, "--html", "page.html")
    assert done.returncode == 4
    assert f"{name} has no rows" in done.stdout
    assert (tmp_path / "page.html").is_file()
    assert parsed(watchkeeper(*words, "--json"))["verdict"] == "no_data"


def test_a_check_that_could_see_next_to_nothing_is_blind_and_exits_with_4(watchkeeper: Command, tmp_path: Path) -> None:
    """Of 80 rows no change of a share by less than a quarter can be told; of 3,000 one can."""
    levels = np.random.default_rng(0).choice(["a", "b", "c"], (6_000, 3))
    lines = ["one,two,three", *(",".join(row) for row in levels.tolist())]
    for name, first, last in (("few", 0, 80), ("before", 80, 160), ("many", 0, 3_000), ("long", 3_000, 6_000)):
        write(tmp_path / f"{name}.csv", [lines[0], *lines[1 + first : 1 + last]])
    done = watchkeeper("check", "few.csv", "-r", "before.csv")
    assert done.returncode == 4
    assert "0 of 3 columns judged" in done.stdout
    assert parsed(watchkeeper("check", "few.csv", "-r", "before.csv", "--json"))["verdict"] == "blind"
    assert watchkeeper("check", "many.csv", "-r", "long.csv").returncode == 0


@pytest.mark.parametrize(("n0", "n"), [(1, 1), (2, 2), (3_000, 1), (1, 3_000), (3_000, 4)])
def test_a_few_rows_are_too_little_data_and_never_an_alert(
    watchkeeper: Command, tmp_path: Path, n0: int, n: int
) -> None:
    table(n0, 1).write_csv(tmp_path / "then.csv")
    # A few rows of another order of magnitude tell of no other unit.
    table(n, 2, shift=-5.0).write_csv(tmp_path / "now.csv")
    done = watchkeeper("check", "now.csv", "-r", "then.csv", "--json")
    assert done.returncode == 4, done.stdout[:500]
    assert parsed(done)["alerts"] == []


def everything(seed: int, n: int = 1_500) -> pl.DataFrame:
    """Return a column of every type that Parquet can hold, at the ends of its range."""
    rng = np.random.default_rng(seed)
    whole = [int(v) for v in rng.integers(0, 9_000, n)]
    return pl.DataFrame(
        {
            "huge": rng.integers(2**62, 2**63 - 1, n),
            "unsigned": pl.Series(rng.integers(2**63, 2**64 - 1, n, dtype=np.uint64)),
            "decimal": pl.Series([Decimal(v) / 100 for v in whole]),
            "list": pl.Series([[1, 2]] * n),
            "array": pl.Series([[1.0, 2.0]] * n, dtype=pl.Array(pl.Float64, 2)),
            "record": pl.Series([{"a": 1}] * n),
            "category": pl.Series(rng.choice(["a", "b"], n)).cast(pl.Categorical),
            "enum": pl.Series(rng.choice(["a", "b"], n)).cast(pl.Enum(["a", "b", "c"])),
            "old": [date(1850, 1, 1) + timedelta(days=v) for v in whole],
            "bytes": pl.Series([b"ab\xff"] * n),
            "length": [timedelta(seconds=v) for v in whole],
            "clock": [time(v % 24) for v in whole],
            "constant": 1.0,
            "word": "same",
            "flag": rng.random(n) > 0.5,
            "nan": float("nan"),
            "edge": rng.choice([1e308, -1e308, 1.0], n),
            "tiny": rng.normal(size=n) * 1e-310,
            "empty": "",
            "zoned": pl.Series(np.arange(n) * 10**12).cast(pl.Datetime("ns", "Europe/Berlin")),
        }
    )


TYPES = everything(0, 2).columns


@pytest.fixture
def typed(tmp_path: Path) -> tuple[Path, Path]:
    paths = tmp_path / "now.parquet", tmp_path / "then.parquet"
    for seed, path in enumerate(paths):
        everything(seed).write_parquet(path)
    return paths


def test_a_column_of_any_type_is_compared_or_said_to_be_unusable(
    watchkeeper: Command, typed: tuple[Path, Path]
) -> None:
    done = watchkeeper("check", typed[0], "-r", typed[1], "--json")
    assert done.returncode == 0, done.stderr + done.stdout[:500]
    found = parsed(done)
    kinds = {c["name"]: c["kind"] for c in found["columns"]}
    assert {name for name, kind in kinds.items() if kind == "unusable"} == {"record"}
    assert {kinds["list"], kinds["array"]} == {"vector"}
    compared = {m["column"] for m in found["measurements"] if m["status"] == "ok"}
    assert compared >= set(TYPES) - {"record"} - {n for n, c in kinds.items() if c == "time"}
    assert done.stderr == ""


@pytest.mark.parametrize("role", ["label", "prediction", "score", "time", "id", "segment"])
@pytest.mark.parametrize("column", TYPES)
def test_a_column_of_any_type_may_be_given_any_role_or_is_refused_in_words(
    watchkeeper: Command, tmp_path: Path, column: str, role: str
) -> None:
    for seed, name in enumerate(("now.parquet", "then.parquet")):
        everything(seed, 150).select("flag", pl.col(column).alias("chosen")).write_parquet(tmp_path / name)
    done = watchkeeper("check", "now.parquet", "-r", "then.parquet", f"--{role}", "chosen")
    if done.returncode == 2:
        assert "'chosen'" in told(done)
    else:
        assert done.returncode in (0, 1, 4), done.stderr
        assert done.stderr == ""


def test_with_every_column_left_alone_there_is_nothing_to_compare(watchkeeper: Command, plain: Path) -> None:
    done = watchkeeper("check", plain, "-r", plain, "--ignore", "size", "--ignore", "price", "--ignore", "kind")
    assert done.returncode == 4
    assert "No column is left to compare" in done.stdout


def test_tables_that_share_no_column_are_a_usage_error_that_shows_both(
    watchkeeper: Command, tmp_path: Path, plain: Path
) -> None:
    done = watchkeeper("check", write(tmp_path / "headless.csv", ROWS[1:]), "-r", plain)
    assert done.returncode == 2
    assert "current has '0', '0.0', 'k0' and the reference has 'size', 'price', 'kind'" in told(done)


@pytest.mark.parametrize("tolerance", ["0", "1"])
def test_the_ends_of_the_tolerance_are_valid(watchkeeper: Command, plain: Path, tolerance: str) -> None:
    done = watchkeeper("check", plain, "-r", plain, "--tolerance", tolerance)
    # No distance exceeds a tolerance of 1, so that nothing is judged.
    assert done.returncode == (4 if tolerance == "1" else 0), done.stderr


def odd_times(frame: pl.DataFrame, how: str) -> pl.DataFrame:
    if how == "mixed":
        offsets = pl.when(pl.int_range(pl.len()) % 2 == 0).then(pl.lit("+02:00")).otherwise(pl.lit("Z"))
        return frame.with_columns(pl.concat_str(pl.col("at").dt.strftime("%Y-%m-%dT%H:%M:%S"), offsets).alias("at"))
    if how == "unreadable":
        texts = pl.when(pl.int_range(pl.len()) < 40).then(pl.lit("soon")).otherwise(pl.col("at").cast(pl.String))
        return frame.with_columns(texts.alias("at"))
    return frame.drop("at") if how == "gone" else frame.with_columns(at=pl.lit(None, dtype=pl.Datetime("us")))


@pytest.mark.parametrize(
    ("how", "code", "words"),
    [
        ("mixed", 0, "the time column 'at' mixes UTC offsets (+02:00, Z); all were converted to UTC."),
        ("unreadable", 1, "40 of 3,000 rows have no time in at that can be read."),
        ("null", 1, "3,000 of 3,000 rows have no time in at that can be read."),
        ("gone", 0, "has no time column at, so nothing in it is dated."),
    ],
)
def test_odd_times_are_told(watchkeeper: Command, tmp_path: Path, how: str, code: int, words: str) -> None:
    moments = pl.datetime_range(date(2024, 1, 1), date(2024, 2, 1), "10m", eager=True)[:3_000]
    for seed, name in enumerate(("now.parquet", "then.parquet")):
        frame = table(3_000, seed).with_columns(moments.alias("at"))
        (odd_times(frame, how) if name == "now.parquet" else frame).write_parquet(tmp_path / name)
    done = watchkeeper("check", "now.parquet", "-r", "then.parquet", "--json")
    assert done.returncode == code, done.stderr
    assert any(words in note for note in parsed(done)["notes"]), parsed(done)["notes"]


def test_repeated_ids_and_a_reference_without_values_are_told(
    watchkeeper: Command, tmp_path: Path, pair: tuple[Path, Path]
) -> None:
    now, then = (pl.read_parquet(path) for path in pair)
    pl.concat([now, now.head(200)]).write_parquet(pair[0])
    then.with_columns(age=pl.lit(None, dtype=pl.Int64)).write_parquet(pair[1])
    done = watchkeeper("check", *pair[:1], "-r", pair[1])
    assert done.returncode == 0, done.stderr
    words = " ".join(done.stdout.split())
    assert "200 of 3,200 rows repeat an id that came before" in words
    assert "The reference has no values of age" in words


def test_infinities_are_called_infinite(watchkeeper: Command, tmp_path: Path, pair: tuple[Path, Path]) -> None:
    third = pl.int_range(pl.len()) % 3 == 0
    now = pl.read_parquet(pair[0]).with_columns(amount=pl.when(third).then(float("-inf")).otherwise("amount"))
    now.write_parquet(tmp_path / "odd.parquet")
    done = watchkeeper("check", "odd.parquet", "-r", pair[1])
    assert done.returncode == 1
    assert "amount infinite: 0.0% → 33.3%" in done.stdout


def test_labels_that_are_not_there_yet_are_no_fault(
    watchkeeper: Command, tmp_path: Path, pair: tuple[Path, Path]
) -> None:
    pl.read_parquet(pair[0]).drop("label").write_parquet(tmp_path / "early.parquet")
    done = watchkeeper("check", "early.parquet", "-r", pair[1], "--label", "label")
    assert done.returncode == 0, done.stdout
    assert "early.parquet has no labels (label) yet" in " ".join(done.stdout.split())
