"""What the texts of a column are is the same whatever stands beside it."""

from __future__ import annotations

import polars as pl
import pytest

from watchkeeper.schema.text_evidence import of_frame

COLUMNS = {
    "whole": ["1", "2", "30", "NA", "-"],
    "numbers": ["1.5", " 2", "", None, "x"],
    "commas": ["1.234,5", "0,5", "7", "?", None],
    "days": ["13/04/2026", "01/02/2026", "11/12/2026", "N/A", "N/A"],
    "moments": ["2026-01-02T03:04:05Z", "2026-01-02", None, None, "NULL"],
    "words": ["a", "b", "b", "NA", ""],
    "zeros": ["007", "042", "1", "2", "3"],
    "nothing": [None] * 5,
    "*": ["12%", "3 %", "1%", "2%", "."],
}


@pytest.mark.parametrize("together", [1, 7, 1_000_000])
def test_a_column_among_others_has_the_evidence_that_it_has_alone(together, monkeypatch):
    monkeypatch.setattr("watchkeeper.schema.text_evidence._VALUES", together)
    frame = pl.DataFrame(COLUMNS, schema=dict.fromkeys(COLUMNS, pl.String))
    forms = {"words": ("%d/%m/%Y",)}
    for name, evidence in of_frame(frame, forms=forms).items():
        assert evidence == of_frame(frame[[name]], forms=forms)[name]
        assert evidence["rows"] == 5


def test_texts_are_counted_by_what_they_are():
    evidence = of_frame(pl.DataFrame(COLUMNS, schema=dict.fromkeys(COLUMNS, pl.String)))
    counts = {name: (one.known, one["numbers"], one["whole"], one["zeros"]) for name, one in evidence.items()}
    assert counts["whole"] == (3, 3, 3, 0)
    assert counts["numbers"] == (3, 2, 1, 0)
    assert counts["zeros"] == (5, 5, 5, 2)
    assert counts["nothing"] == (0, 0, 0, 0)
    assert evidence["days"].tokens == {"N/A": 2}
    assert evidence["days"]["only %d/%m/%Y"] == 1
    assert evidence["numbers"].odd == "x"
    assert evidence["commas"]["style1"] == 3


def test_no_rows_are_no_evidence():
    evidence = of_frame(pl.DataFrame({"a": []}, schema={"a": pl.String}))
    assert (evidence["a"].known, evidence["a"]["numbers"]) == (0, 0)
