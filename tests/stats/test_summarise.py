"""Rows in, states out: the same for any batching, and nothing lost on the way."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from watchkeeper.core.batch import Batch
from watchkeeper.core.errors import SchemaError
from watchkeeper.core.schema import ALL, Column, Kind, Role, SegmentRule
from watchkeeper.core.spec import Spec
from watchkeeper.core.state import OUTCOME, ROWS
from watchkeeper.core.window import WindowRule
from watchkeeper.schema.inference import infer_schema
from watchkeeper.stats import level_index
from watchkeeper.stats.codec import encode_state
from watchkeeper.stats.count import CountPart
from watchkeeper.stats.histogram import HistogramPart
from watchkeeper.stats.levels import LevelsPart
from watchkeeper.stats.moments import MomentsPart
from watchkeeper.stats.outcomes import outcomes
from watchkeeper.stats.row_sample import RowSamplePart
from watchkeeper.stats.summarise import summarise, summarise_rows

START = datetime(2013, 1, 1, tzinfo=UTC)
DAYS = WindowRule(timedelta(days=1), timedelta(days=1))


def table(n=4_000, seed=0):
    rng = np.random.default_rng(seed)
    return pl.DataFrame(
        {
            "id": np.arange(n),
            "time": [START + timedelta(minutes=7 * i) for i in range(n)],
            "x": rng.normal(size=n),
            "city": rng.choice(["Ulm", "Bonn", None], n),
            "version": rng.choice(["1", "2"], n),
            "score": rng.random(n),
            "prediction": rng.integers(0, 2, n),
            "label": rng.integers(0, 2, n),
        }
    ).with_columns(pl.col("time").cast(pl.Datetime("us", "UTC")))


def summarised(frames, schema, windows=DAYS):
    return summarise([Batch(f, schema) for f in frames], Spec("m", schema, windows))


def test_each_day_version_and_segment_has_the_rows_polars_finds():
    frame = table()
    states = summarised([frame], infer_schema(frame, segments=["city"]))
    expected = frame.group_by(pl.col("time").dt.date(), "version", "city").len()
    found = {
        (k.window.start.date(), k.version, k.segment): s.part("count", CountPart).rows
        for k, s in states.items()
        if k.column == "x" and k.segment != ALL
    }
    assert found == {(day, version, f"city={city or 'null'}"): n for day, version, city, n in expected.iter_rows()}


@pytest.mark.parametrize("size", [1_000, 333])
def test_any_batching_gives_the_same_states(size):
    frame = table()
    schema = infer_schema(frame, segments=["city"])
    whole, pieces = summarised([frame], schema), summarised(frame.iter_slices(size), schema)
    assert whole.keys() == pieces.keys()
    for key, state in whole.items():
        assert state.problem == pieces[key].problem
        if "histogram" in state.parts:
            a, b = (s.part("histogram", HistogramPart) for s in (state, pieces[key]))
            assert np.array_equal(a.counts, b.counts)
        if "levels" in state.parts:
            assert state.part("levels", LevelsPart).as_dict() == pieces[key].part("levels", LevelsPart).as_dict()


def test_the_segments_of_a_column_add_up_to_all_rows():
    frame = table()
    states = summarised([frame], infer_schema(frame, segments=["city"]), windows=None)
    rows = {
        k.segment: s.part("count", CountPart).rows for k, s in states.items() if k.column == "x" and k.version == "1"
    }
    assert rows.pop(ALL) == sum(rows.values()) == frame.filter(version="1").height


def test_whole_windows_are_the_same_with_and_without_segments():
    frame = table()
    cut = summarised([frame], infer_schema(frame, segments=["city"]))
    plain = summarised([frame], infer_schema(frame))
    for key, state in plain.items():
        assert cut[key].parts.keys() == state.parts.keys()
        if key.column == "x":
            assert np.array_equal(cut[key].parts["distinct"].registers, state.parts["distinct"].registers)
            assert np.array_equal(cut[key].parts["histogram"].counts, state.parts["histogram"].counts)


def test_statistics_of_whole_windows_are_not_kept_of_segments():
    frame = table()
    states = summarised([frame], infer_schema(frame, segments=["city"]))
    kept = {k.segment == ALL: s.parts.keys() for k, s in states.items() if k.column == "x"}
    assert kept[True] - kept[False] == {"atoms", "distinct"}


def test_the_state_of_a_segment_is_that_of_its_rows_alone():
    frame = table().with_columns(
        note=pl.col("city").fill_null("nothing") + " " + pl.col("id").cast(pl.String),
        point=pl.concat_list("x", "score"),
        x=pl.when(pl.col("id") % 9 == 0).then(None).otherwise("x"),
    )
    frame = pl.concat([frame] * 10).with_columns(id=pl.int_range(pl.len()))  # more rows than a block
    texts, points = Column("note", Role.FEATURE, Kind.TEXT), Column("point", Role.FEATURE, Kind.VECTOR)
    inferred = infer_schema(frame.drop("note", "point"), segments=["city", "version"])
    schema = replace(inferred, columns=(*inferred.columns, texts, points))
    states = {s.key: s for s in summarise_rows(frame, schema) if s.key.segment != ALL}
    assert {key.column for key in states} >= {"x", "city", "note", "point", OUTCOME, ROWS}
    plain = replace(schema, segments=())
    for segment in {key.segment for key in states}:
        column, value = segment.split("=")
        rows = frame.filter(pl.col(column).eq_missing(None if value == "null" else value)).rechunk()
        for alone in summarise_rows(rows, plain):
            state = states.pop(replace(alone.key, segment=segment))
            kept = {name: part for name, part in alone.parts.items() if name not in ("atoms", "distinct")}
            assert encode_state(state) == encode_state(replace(alone, key=state.key, parts=kept)), state.key
    assert not states


def test_levels_of_segments_are_counted_the_same_in_one_table_and_by_sorting(monkeypatch):
    frame = table(50_000)
    schema = infer_schema(frame, segments=["city"])
    plain = {s.key: encode_state(s) for s in summarise_rows(frame, schema)}
    monkeypatch.setattr(level_index, "_MOST_CELLS", 0)
    assert {s.key: encode_state(s) for s in summarise_rows(frame, schema)} == plain


def test_a_segment_column_that_became_nested_costs_its_segments_and_nothing_else():
    frame = table()
    schema = infer_schema(frame, segments=["city"])
    states = summarised([frame.with_columns(city=pl.concat_list("x", "score"))], schema, windows=None)
    assert {key.segment for key in states} == {ALL, "city=null"}
    assert {key.column for key, state in states.items() if state.problem} == {"city"}
    assert (
        sum(s.part("count", CountPart).rows for k, s in states.items() if (k.segment, k.column) == (ALL, "x")) == 4_000
    )


@pytest.mark.parametrize("repeats", [1, 40])
def test_segments_of_numbers_are_named_as_their_levels_are(repeats):
    values = [1.0, 2.5, float("nan"), None, -0.0, 0.0] * 200 * repeats
    frame = pl.DataFrame({"x": np.arange(len(values)), "g": values})
    schema = replace(infer_schema(frame), segments=(SegmentRule("g"),))
    rows = {
        s.key.segment: s.part("count", CountPart).rows for s in summarise_rows(frame, schema) if s.key.column == "x"
    }
    n = len(values) // 6
    assert rows == {ALL: 6 * n, "g=1": n, "g=2.5": n, "g=NaN": n, "g=null": n, "g=0": 2 * n}


def test_values_outside_the_listed_segments_form_the_segment_other():
    frame = table()
    schema = infer_schema(frame, segments=["city"])
    new = frame.with_columns(city=pl.lit("Rome"))
    assert {k.segment for k in summarised([new], schema)} == {ALL, "city=other"}


def test_a_missing_column_is_a_state_with_a_problem_and_the_others_go_on():
    frame = table()
    states = summarised([frame.drop("x")], infer_schema(frame), windows=None)
    broken = [s for k, s in states.items() if k.column == "x"]
    assert broken
    assert all("missing" in s.problem for s in broken)
    assert all(not s.problem for k, s in states.items() if k.column in ("city", "score", OUTCOME, ROWS))


def test_a_column_whose_type_changed_is_a_state_with_a_problem():
    frame = table()
    changed = frame.with_columns(x=pl.col("x").cast(pl.String))
    states = summarised([changed], infer_schema(frame), windows=None)
    assert {s.problem for k, s in states.items() if k.column == "x"} == {
        "column 'x' changed its type: the reference holds Float64, this holds String"
    }


def test_whole_numbers_in_place_of_floats_are_no_change_of_type():
    frame = table()
    states = summarised([frame.with_columns(x=pl.lit(3))], infer_schema(frame), windows=None)
    (part,) = (s.part("moments", MomentsPart) for k, s in states.items() if k.column == "x" and k.version == "1")
    assert part.mean == 3.0


def test_doubled_ids_are_counted():
    frame = pl.concat([table(10), table(3)])
    states = summarised([frame.drop("version")], infer_schema(frame.drop("version"), roles={Role.ID: "id"}), None)
    (part,) = (s.part("row_sample", RowSamplePart) for k, s in states.items() if k.column == ROWS)
    assert (part.rows, part.doubled) == (13, 3)


def test_no_rows_give_no_states_and_no_error():
    frame = table()
    assert summarised([frame.head(0)], infer_schema(frame)) == {}


def test_a_thousand_columns_are_summarised():
    rng = np.random.default_rng(1)
    frame = pl.DataFrame({f"c{i}": rng.normal(size=50) for i in range(1_000)})
    states = summarised([frame], infer_schema(frame), windows=None)
    assert sum(s.part("moments", MomentsPart).n == 50 for s in states.values() if "moments" in s.parts) == 1_000


def test_a_column_named_like_markup_is_a_column_like_any_other():
    name = "<img src=x onerror=alert(1)>"
    frame = pl.DataFrame({name: [1.0, 2.0, 3.0]})
    assert name in {k.column for k in summarised([frame], infer_schema(frame), windows=None)}


def test_a_time_column_of_text_is_refused_by_name():
    frame = table().with_columns(time=pl.lit("yesterday"))
    with pytest.raises(SchemaError, match="'time'"):
        summarised([frame], infer_schema(table()))


def test_a_null_label_and_an_unseen_class_have_codes_of_their_own():
    frame = table(4).with_columns(label=pl.Series([0, 1, None, 7]))
    assert outcomes(frame, infer_schema(table())).label.tolist() == [0, 1, -1, -2]


def test_a_null_label_of_a_regression_is_nan():
    frame = pl.DataFrame({"prediction": [1.5, 2.25, 3.1], "label": [1.0, None, 3.3]})
    schema = infer_schema(frame)
    assert outcomes(frame, schema).labelled.tolist() == [True, False, True]


def test_progress_is_told_after_each_batch():
    frame, seen = table(300), []
    schema = infer_schema(frame)
    summarise((Batch(f, schema) for f in frame.iter_slices(100)), Spec("m", schema), progress=seen.append)
    assert seen == [100, 100, 100]


def test_names_of_segments_and_versions_hold_no_nul():
    columns = (Column("plan", Role.FEATURE, Kind.CATEGORICAL), Column("v", Role.VERSION, Kind.CATEGORICAL))
    schema = replace(infer_schema(pl.DataFrame({"plan": ["a", "b"]})), columns=columns, segments=(SegmentRule("plan"),))
    rows = pl.DataFrame({"plan": ["a\0b", "c"] * 3, "v": ["1\0"] * 6})
    states = summarise([Batch(rows, schema)], Spec("m", schema))
    assert {key.segment for key in states} >= {r"plan=a\x00b", "plan=c"}
    assert {key.version for key in states} == {r"1\x00"}
