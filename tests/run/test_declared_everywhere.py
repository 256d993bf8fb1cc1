"""What is declared of values, and how a reference was read, holds wherever rows are looked at."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

import watchkeeper
from watchkeeper.config.check_options import CheckOptions
from watchkeeper.core.rule import Rule
from watchkeeper.core.schema import Kind
from watchkeeper.run.anomalies import find_anomalies
from watchkeeper.run.offending import offending_rows
from watchkeeper.run.proof_ground import ground_of_table
from watchkeeper.run.suggest import suggest_rules
from watchkeeper.schema.declared import Declared
from watchkeeper.streams.stream import Stream

ROWS = 400
DECLARED = Declared.of({"on": "time %d/%m/%Y", "price": "numeric 1.234,5"}, ["-999"])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of two CSV files whose values only a declaration tells: dates, prices and a word for missing."""
    made = tmp_path_factory.mktemp("declared")
    for name, seed in (("then", 0), ("now", 1)):
        g = np.random.default_rng(seed)
        days, prices = g.integers(1, 13, ROWS), g.integers(1_000, 9_000, ROWS)
        lines = ["on;price;plan;x"]
        for row, (day, price) in enumerate(zip(days, prices, strict=True)):
            written = "-999" if row % 40 == 7 else f"{price // 1000}.{price % 1000:03d}"
            lines.append(f"{day:02d}/{1 + row % 12:02d}/2026;{written};{'abc'[row % 3]};{g.normal():.4f}")
        (made / f"{name}.csv").write_text("\n".join(lines))
    return made


def test_rules_are_suggested_from_values_as_they_are_declared(folder):
    told = {(r.kind, r.column): r.options for r in suggest_rules(folder / "then.csv", declared=DECLARED)}
    low, high = (float(told["in_range", "price"][end]) for end in ("lower", "upper"))
    assert 0 <= low < 1_500
    assert 8_500 < high < 15_000


def test_rows_that_break_rules_are_read_as_declared_or_as_the_reference_is(folder):
    rule = Rule("in_range", ("price",), {"lower": 2_000})
    prices = pl.read_csv(folder / "now.csv", separator=";", infer_schema=False)["price"]
    below = sum(int(text.replace(".", "")) < 2_000 for text in prices if text != "-999")
    (declared,) = offending_rows(folder / "now.csv", [rule], declared=DECLARED)
    (alike,) = offending_rows(folder / "now.csv", [rule], declared=DECLARED, reference=folder / "then.csv")
    assert (declared.broken, alike.broken) == (below, below)
    assert below > 10
    (by_itself,) = offending_rows(folder / "now.csv", [rule])
    assert by_itself.broken != below


def test_rows_are_read_as_the_reference_is_where_they_leave_it_open(tmp_path):
    (tmp_path / "then.csv").write_text("on,k\n" + "".join(f"{day:02d}/02/2026,1\n" for day in range(1, 29)))
    (tmp_path / "now.csv").write_text("on,k\n03/02/2026,1\n01/02/2026,1\n02/02/2026,1\n")
    rule = Rule("ordered", ("on",))
    (alone,) = offending_rows(tmp_path / "now.csv", [rule])
    assert alone.problem
    (found,) = offending_rows(tmp_path / "now.csv", [rule], reference=tmp_path / "then.csv")
    assert (found.problem, found.broken) == ("", 1)


def test_strange_rows_are_sought_among_values_as_they_are_declared(folder):
    found = find_anomalies(folder / "now.csv", folder / "then.csv", declared=DECLARED, ignore=["on"])
    prices = [values["price"] for values in found.values]
    assert None in prices
    assert all(price is None or 1_000 <= price < 9_000 for price in prices)


def test_a_stream_reads_rows_as_its_reference_and_goes_on_so_when_it_was_restored(folder):
    types = {"price": "numeric 1.234,5", "on": "time %d/%m/%Y"}
    first = watchkeeper.stream(folder / "then.csv", types=types, missing=["-999"], every=1)
    rows = {"price": ["1.500", "2.500", "-999"] * 100, "plan": ["a", "b", "c"] * 100}
    for stream in (first, Stream.restore(first.save())):
        step = stream.update({**rows, "x": [0.1, 0.2, 0.3] * 100, "on": ["03/04/2026"] * 300})
        assert step.failed == ()
        price = next(m for m in stream.measurements if m.column == "price")
        assert price.value is not None


def test_a_ground_of_proof_is_read_as_declared(tmp_path):
    g = np.random.default_rng(0)
    hours = pl.datetime_range(pl.datetime(2026, 1, 1), pl.datetime(2026, 2, 20), "1h", eager=True)
    written = [f"{int(n) // 1000}.{int(n) % 1000:03d}" for n in g.integers(1_000, 9_000, len(hours))]
    frame = pl.DataFrame({"at": hours, "price": written})
    frame.write_csv(tmp_path / "then.csv", separator=";")
    ground = ground_of_table(tmp_path / "then.csv", CheckOptions(types={"price": "numeric 1.234,5"}))
    assert ground.logged["price"].kind is Kind.NUMERIC
    assert ground.logged["price"].map.anchor > 1_000
