"""Faults: every registered one obeys the contract, and plants what it says."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import polars as pl
import polars.selectors as cs
import pytest

from watchkeeper.core.plugins import plugins
from watchkeeper.core.schema import Schema
from watchkeeper.faults.fault import Site
from watchkeeper.faults.nulls import Nulls
from watchkeeper.testing import check_fault
from watchkeeper.testing import fault as suite
from watchkeeper.testing.fault import fault_rows, fault_schema

ROWS = fault_rows(4_000, 1)
REFERENCE = fault_rows(4_000, 2)


def planted(
    name: str, column: str, size: float, rows: pl.DataFrame = ROWS, **site: pl.DataFrame
) -> pl.DataFrame | None:
    schema: Schema = fault_schema()
    where = Site(schema, schema[column], site.get("reference", REFERENCE), site.get("before", fault_rows(500, 3)))
    plant = plugins("fault")[name].plant(where, size, np.random.default_rng(0))
    return None if plant is None else plant(rows)


@pytest.mark.parametrize("name", sorted(plugins("fault")))
def test_every_fault_obeys_the_contract(name: str) -> None:
    check_fault(plugins("fault")[name])


@pytest.mark.parametrize("size", [0.02, 0.1, 1.0])
def test_as_many_values_are_null_as_the_size_says(size: float) -> None:
    after = planted("nulls", "plan", size)
    assert after is not None
    # Five standard errors of a share of 4,000.
    assert after["plan"].null_count() / 4_000 == pytest.approx(size, abs=5 * (size * (1 - size) / 4_000) ** 0.5)


@pytest.mark.parametrize("column", ["^amount$", "count", "temp", "score"])
def test_a_shift_moves_the_mean_by_so_many_standard_deviations(column: str) -> None:
    after = planted("shift", column, 0.5)
    assert after is not None
    moved = after.get_column(column).alias("v").mean() - ROWS.get_column(column).alias("v").mean()
    deviation = REFERENCE.get_column(column).alias("v").std()
    # Whole numbers are rounded by chance, so that the mean is right on average.
    assert moved / deviation == pytest.approx(0.5, abs=0.02)
    assert after.schema[column] == ROWS.schema[column]


def test_units_are_those_of_degrees() -> None:
    warm = pl.DataFrame({"temp": [0.0, 100.0, -40.0]})
    rows = ROWS.head(3).with_columns(warm["temp"])
    fahrenheit, kelvin = planted("unit_affine", "temp", 1.8, rows), planted("unit_affine", "temp", 1.0, rows)
    assert fahrenheit is not None
    assert kelvin is not None
    assert fahrenheit["temp"].to_list() == pytest.approx([32, 212, -40])
    assert kelvin["temp"].to_list() == pytest.approx([273.15, 373.15, 233.15])
    # Nobody measures amounts of millions in degrees.
    large = REFERENCE.with_columns(temp=pl.col("temp") * 1e6)
    assert planted("unit_affine", "temp", 1.0, reference=large) is None


def test_what_changes_nothing_by_its_nature_is_not_planted() -> None:
    still = REFERENCE.with_columns(temp=pl.lit(3.0), plan=pl.lit("basic"), label=pl.lit(1))
    for name, column, size in (
        ("shift", "temp", 1.0), ("scale", "temp", 3.0), ("unit_ratio", "temp", 0.1), ("lost_level", "plan", 1.0),
        ("mix_shift", "plan", 0.2), ("label_flip", "label", 1.0),
    ):  # fmt: skip
        assert planted(name, column, size, reference=still) is None, name
    missing = REFERENCE.with_columns(temp=pl.when(pl.col("temp") > 15).then(-999.0).otherwise("temp"))
    assert planted("sentinel", "temp", 0.1, reference=missing) is None


def test_a_mix_shift_keeps_the_number_of_rows_and_raises_one_share() -> None:
    after = planted("mix_shift", "plan", 0.2)
    assert after is not None
    assert after.height == ROWS.height
    shares = [dict(frame["plan"].value_counts(normalize=True).iter_rows()) for frame in (ROWS, after)]
    assert max(shares[1][level] - shares[0][level] for level in shares[0]) == pytest.approx(0.2, abs=0.001)


def test_another_truth_stays_inside_one_segment() -> None:
    after = planted("concept_shift", "plan", 1.0)
    assert after is not None
    changed = ROWS.filter(after["label"] != ROWS["label"])["plan"].unique().to_list()
    assert len(changed) == 1
    assert after["label"].sum() == ROWS["label"].sum()


def test_levels_and_codes_get_names_that_were_never_seen() -> None:
    for column in ("plan", "code"):
        after = planted("renamed_levels", column, 1.0)
        assert after is not None
        assert not set(after[column].to_list()) & set(ROWS[column].to_list())
        part = planted("renamed_levels", column, 0.3)
        assert part is not None
        kept = set(map(str, part[column].to_list())) & set(map(str, ROWS[column].to_list()))
        assert 0 < len(kept) < ROWS[column].n_unique()


class Loud(Nulls):
    """Changes columns that it does not name."""

    def plant(self, site, size, rng):
        return lambda rows: rows.with_columns(pl.col("count", "temp", "score") + 1)


class Silent(Nulls):
    """Says that it can be planted, and changes nothing."""

    def plant(self, site, size, rng):
        return lambda rows: rows


class Unseeded(Nulls):
    """Draws from a generator of its own."""

    def plant(self, site, size, rng):
        return super().plant(site, size, np.random.default_rng())


class Careless(Nulls):
    """Drops the column instead."""

    def plant(self, site, size, rng):
        return lambda rows: rows.drop(cs.by_name(site.column.name))


class Boastful(Nulls):
    """Has a quick size that is none of its sizes."""

    quick: ClassVar[tuple[float, ...]] = (0.7,)


BROKEN = {
    Loud: "it changes", Silent: "it changes nothing", Unseeded: "the same seed gives something else",
    Careless: "the columns are not what they were", Boastful: "not all are among",
}  # fmt: skip


@pytest.mark.parametrize("broken", BROKEN, ids=lambda cls: cls.__name__)
def test_a_broken_fault_is_told_what_is_wrong(broken: type[Nulls], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(suite, "plugins", lambda kind: {"nulls": broken()})
    with pytest.raises(AssertionError, match=BROKEN[broken]):
        check_fault(broken())
