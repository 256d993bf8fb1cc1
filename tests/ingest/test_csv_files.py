"""CSV files of every dialect, encoding and damage: read as they were written, or refused with file and line."""

import gzip
from itertools import pairwise

import polars as pl
import pytest

from tests.ingest.csv_files import make
from watchkeeper.core.errors import SourceError
from watchkeeper.ingest.door import Door
from watchkeeper.ingest.sources import open_table
from watchkeeper.schema.declared import Declared


def _read_or_refused(folder, seed):
    case = make(folder, seed)
    if case.damage in ("ragged-long", "truncated", "cut-compression"):
        with pytest.raises(SourceError) as refusal:
            open_table(case.path).sample()
        assert str(case.path) in str(refusal.value), seed
        assert not case.line or f"line {case.line} " in str(refusal.value), seed
        return
    source = open_table(case.path)
    found = source.sample()
    assert found.columns == case.names, seed
    assert found.height == len(case.rows), seed
    if case.damage == "ragged-short":
        assert any(f"line {case.line}" in problem for problem in source.problems), seed
        return
    for place, kind in enumerate(case.kinds):
        if kind in ("number", "whole"):
            assert found.to_series(place).to_list() == [row[place] for row in case.rows], (seed, case.names[place])


def test_generated_files_are_read_as_they_were_written_or_refused_by_line(tmp_path):
    for seed in range(40):
        _read_or_refused(tmp_path, seed)


@pytest.mark.fuzz
def test_every_generated_file_is_read_as_it_was_written_or_refused_by_line(tmp_path, cases):
    for seed in range(cases(50, 5_000)):
        _read_or_refused(tmp_path, 1_000 + seed)


def _of(tmp_path, content, name="a.csv"):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return open_table(path)


def test_a_separator_inside_quotes_separates_nothing(tmp_path):
    found = _of(tmp_path, '"Height, cm";"Weight, kg"\n180,5;70\n170,25;60\n').sample()
    assert found.to_dict(as_series=False) == {"Height, cm": [180.5, 170.25], "Weight, kg": [70, 60]}


def test_commas_within_numbers_separate_nothing_where_another_sign_does(tmp_path):
    found = _of(tmp_path, "a|b;Height, cm\n1,5;x\n2,25;y\n3,5;z\n").sample()
    assert found.to_dict(as_series=False) == {"a|b": [1.5, 2.25, 3.5], "Height, cm": ["x", "y", "z"]}
    short = _of(tmp_path, "a|b;Height, cm\n1,5;x\n2,25;y\n3,5\n4,5;z\n5,5;z\n")
    assert short.columns == ["a|b", "Height, cm"]
    assert "line 4" in short.problems[0]
    commas = _of(tmp_path, "a,b\n1,5;6\n2,7;8\n").sample()
    assert commas.to_dict(as_series=False) == {"a": [1, 2], "b": ["5;6", "7;8"]}


def test_a_fraction_after_any_number_of_whole_numbers_makes_all_of_them_numbers(tmp_path):
    source = _of(tmp_path, "x\n" + "5\n" * 30_000 + "7.5\n")
    assert source.schema["x"] == pl.Float64
    assert source.sample(100_000)["x"].sum() == 150_007.5


def test_digits_with_leading_zeros_are_text_in_every_file_of_a_table(tmp_path):
    (tmp_path / "1.csv").write_text("zip,k\n01234,1\n00001,2\n")
    (tmp_path / "2.csv").write_text("zip,k\n12345,3\n98765,4\n")
    assert open_table(tmp_path).sample()["zip"].to_list() == ["01234", "00001", "12345", "98765"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"])
def test_text_is_the_same_in_every_encoding_and_the_odd_ones_are_told(tmp_path, encoding):
    source = _of(tmp_path, "größe,wort\n1,süß\n2,weiß\n".encode(encoding))
    assert source.sample().to_dict(as_series=False) == {"größe": [1, 2], "wort": ["süß", "weiß"]}
    assert bool(source.problems) == (encoding not in ("utf-8", "utf-8-sig"))


def test_a_byte_that_is_no_utf_8_is_named_by_its_line_and_costs_itself(tmp_path):
    content = "wort\nsüß\n".encode() * 10 + b"wei\xdf\n"
    source = _of(tmp_path, content)
    assert source.sample()["wort"].to_list()[-1] == "wei\ufffd"
    assert "the first in line 21" in source.problems[0]


def test_a_byte_beyond_the_first_chunk_tells_the_encoding_too(tmp_path):
    content = b"n,wort\n" + b"1,abc\n" * 200_000 + "1,süß\n".encode("cp1252")
    assert _of(tmp_path, content).sample(300_000)["wort"][-1] == "süß"


def test_lines_that_end_in_carriage_returns_are_lines(tmp_path):
    assert _of(tmp_path, "a;b\r1;2\r3;4\r").sample().to_dict(as_series=False) == {"a": [1, 3], "b": [2, 4]}


def test_a_first_line_that_announces_the_separator_names_no_column(tmp_path):
    assert _of(tmp_path, "sep=;\na;b\n1;2\n").sample().to_dict(as_series=False) == {"a": [1], "b": [2]}


def test_blank_lines_are_no_rows(tmp_path):
    assert _of(tmp_path, "a,b\n1,2\n\n3,4\n\n").sample()["a"].to_list() == [1, 3]


def test_a_compressed_file_is_known_by_its_bytes(tmp_path):
    assert _of(tmp_path, gzip.compress(b"a,b\n1,2\n"), "plain.csv").sample()["b"].to_list() == [2]
    with pytest.raises(SourceError, match=r"plain\.csv\.zst cannot be read as CSV: it is not compressed by zstd"):
        _of(tmp_path, b"a,b\n1,2\n", "plain.csv.zst")


def test_a_line_that_breaks_off_is_named_as_the_end_of_a_truncated_file(tmp_path):
    source = _of(tmp_path, "a,b,c\n1,2,3\n4,5")
    assert source.problems == [f"{tmp_path / 'a.csv'} ends in the middle of its last line (3): it may be truncated"]


def test_a_quote_within_a_value_is_a_character(tmp_path):
    assert _of(tmp_path, 'size,n\n5" disk,1\n3.5" disk,2\n').sample()["n"].to_list() == [1, 2]


def test_lines_are_counted_alike_whatever_the_size_of_the_pieces_they_are_read_in(tmp_path, monkeypatch):
    case = make(tmp_path, 3, damage="ragged-short")
    shapes = []
    for size in (1 << 22, 64, 7):
        monkeypatch.setattr("watchkeeper.ingest.csv_shape._CHUNK", size)
        shapes.append(open_table(case.path).pieces[0].csv.shape)
    assert all(a == b for a, b in pairwise(shapes))


def test_ten_thousand_columns_are_read(tmp_path):
    names = [f"x{i}" for i in range(10_000)]
    source = _of(tmp_path, ",".join(names) + "\n" + ",".join(["1"] * 10_000) + "\n")
    assert source.columns == names


@pytest.mark.parametrize(
    ("written", "numbers"),
    [
        (["1,234.5", "12", "-3,000"], [1234.5, 12, -3000]),
        (["1.234,5", "0,5", "-7"], [1234.5, 0.5, -7]),
        (["1 234,5", "7", "8"], [1234.5, 7, 8]),
        (["1'234.50", "7", "8"], [1234.5, 7, 8]),
        (["$5", "-$1,200.50", "($3)"], [5, -1200.5, -3]),
        (["5 €", "1.200,50 €", "-3 €"], [5, 1200.5, -3]),
        (["12%", "3.5 %", "-1%"], [0.12, 0.035, -0.01]),
        (["1e3", "-2.5E-1", "inf"], [1000, -0.25, float("inf")]),
    ],
)
def test_numbers_are_read_in_the_form_in_which_a_column_agrees_and_the_form_is_told(tmp_path, written, numbers):
    source = _of(tmp_path, "x;k\n" + "".join(f"{text};{i}\n" for i, text in enumerate(written)))
    assert source.sample()["x"].to_list() == pytest.approx(numbers)
    assert len(source.value_notes) == (written[0] != "1e3")


@pytest.mark.parametrize("written", [["12%", "3.5", "1%"], ["$5", "€6", "$7"], ["1.234,5", "1,234.5", "7"]])
def test_a_column_that_does_not_agree_stays_text(tmp_path, written):
    source = _of(tmp_path, "x|k\n" + "".join(f"{text}|{i}\n" for i, text in enumerate(written)))
    assert source.sample()["x"].to_list() == written


def test_a_thirteen_in_one_row_proves_the_order_of_day_and_month_for_all(tmp_path):
    proven = _of(tmp_path, "d,k\n11/04/2026,1\n12/05/2026,2\n11/13/2026,3\n").sample()
    assert [str(day) for day in proven["d"]] == ["2026-11-04", "2026-12-05", "2026-11-13"]
    open_ended = _of(tmp_path, "d,k\n11/04/2026,1\n12/05/2026,2\n")
    assert open_ended.value_notes[0].unusable.startswith("dates that may be written as %d/%m/%Y or as %m/%d/%Y")
    both = _of(tmp_path, "d,k\n13/04/2026,1\n11/13/2026,2\n")
    assert both.value_notes[0].unusable == "dates of which some have the day first and some the month"


def test_the_files_of_a_table_prove_the_order_for_each_other(tmp_path):
    (tmp_path / "1.csv").write_text("d\n11/04/2026\n")
    (tmp_path / "2.csv").write_text("d\n11/14/2026\n")
    assert [str(day) for day in open_table(tmp_path).sample()["d"]] == ["2026-11-04", "2026-11-14"]


def test_a_declared_form_is_the_form(tmp_path):
    (tmp_path / "a.csv").write_text('d,n\n11/04/2026,"1.234"\n12/05/2026,"1.500"\n')
    door = Door(Declared.of({"d": "time %d/%m/%Y", "n": "numeric 1.234,5"}))
    found = open_table(tmp_path / "a.csv", door=door).sample()
    assert [str(day) for day in found["d"]] == ["2026-04-11", "2026-05-12"]
    assert found["n"].to_list() == [1234.0, 1500.0]
