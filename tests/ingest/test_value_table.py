"""Every kind of value through every entrance: the same state, whichever way it came."""

from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest

import watchkeeper
from tests.ingest.value_table import ENTRANCES, NUMBER, VALUES, schema_of, table_text
from watchkeeper.core.batch import Batch
from watchkeeper.core.measurement import Status
from watchkeeper.core.schema import Kind
from watchkeeper.core.spec import Spec
from watchkeeper.ingest.door import OPEN
from watchkeeper.ingest.sources import open_table
from watchkeeper.schema.event_time import to_utc
from watchkeeper.stats.blocks import to_float, to_text
from watchkeeper.stats.codec import encode_state
from watchkeeper.stats.piece import problem_of
from watchkeeper.stats.summarise import summarise


def _plainly(series, column):
    if column.kind.value == "time":
        return to_utc(series).to_list()
    if column.kind.value == "numeric":
        return to_float(series).to_list()
    return to_text(series).to_list()


def _state(series, schema):
    states = summarise([Batch(pl.DataFrame([series.alias("x")]), schema)], Spec("m", schema))
    (state,) = [state for key, state in states.items() if key.column == "x"]
    return encode_state(state)


@pytest.mark.parametrize("entrance", ENTRANCES)
@pytest.mark.parametrize("name", VALUES)
def test_a_value_is_the_same_whichever_way_it_comes(tmp_path, name, entrance):
    column, values, expected = VALUES[name]
    schema = schema_of(column)
    found = ENTRANCES[entrance](tmp_path, values, schema)["x"]
    assert _plainly(found, column) == expected
    assert _state(found, schema) == _state(ENTRANCES["stream"](tmp_path, values, schema)["x"], schema)


def test_the_documentation_has_the_whole_table():
    page = Path(__file__).parents[2] / "docs" / "values.md"
    assert table_text() in page.read_text(encoding="utf-8")


@pytest.mark.parametrize("value", [1 + 2j, object(), pd.Interval(0, 1)], ids=["complex", "object", "interval"])
def test_a_value_that_nothing_can_be_made_of_costs_its_column_by_the_same_name_at_every_entrance(value):
    schema = schema_of(NUMBER)
    frames = [
        open_table(pd.DataFrame({"x": pd.Series([value, value], dtype=object)}), door=OPEN.expecting(schema)).sample(),
        ENTRANCES["stream"](Path(), [value, value], schema),
    ]
    said = {problem_of(frame, NUMBER) for frame in frames}
    assert len(said) == 1
    assert type(value).__name__ in said.pop()


def test_an_array_of_no_numbers_and_an_extension_type_cost_their_column_alone():
    frame = pl.DataFrame({"x": pl.Series([[], []], dtype=pl.Array(pl.Float64, 0)), "k": [1.0, 2.0]})
    assert [note.unusable for note in open_table(frame).value_notes] == ["arrays of no numbers"]
    # Polars panics over such an array of Arrow.
    arrow = open_table(frame.to_arrow())
    assert [note.unusable for note in arrow.value_notes] == ["fixed_size_list<item: double>[0]"]
    assert arrow.sample()["k"].to_list() == [1.0, 2.0]
    banded = pd.DataFrame({"band": pd.cut(np.arange(20.0, 320.0), [0, 100, 200, 400]), "k": np.arange(300.0)})
    banded["plain"] = pd.arrays.IntervalArray.from_breaks(np.arange(301.0))
    report = watchkeeper.check(banded, banded)
    assert report.schema is not None
    assert report.schema["plain"].kind is Kind.UNUSABLE
    assert any("'plain'" in note and "pandas.interval" in note for note in report.notes)
    assert {m.column for m in report.measurements if m.status is Status.OK} >= {"k"}
