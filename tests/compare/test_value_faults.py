"""Silent defaults, other writings of levels, and units: found where they are, and nothing said of what moves on."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import polars as pl
import pytest

from watchkeeper.compare.assess import assess_column
from watchkeeper.core.measurement import Measurement
from watchkeeper.schema.inference import infer_schema
from watchkeeper.stats.summarise import summarise_rows

CITIES = ["São Paulo", "Zürich", "Bern"]


def measured(name: str, before: pl.Series, now: pl.Series, column: str = "x") -> Measurement:
    schema = infer_schema(pl.DataFrame({column: before}), features=[column])
    sides = [
        next(s for s in summarise_rows(pl.DataFrame({column: side}), schema) if s.key.column == column)
        for side in (before, now)
    ]
    return assess_column(*sides, [name])[0]


def cities(n: int, seed: int) -> pl.Series:
    return pl.Series(np.random.default_rng(seed).choice(CITIES, n, p=[0.5, 0.3, 0.2]))


WRITINGS: list[tuple[Callable[[str], str], str, float]] = [
    (lambda text: text.encode().decode("latin-1"), "decoding", 0.8),
    (lambda text: text.encode().decode("cp1252"), "decoding", 0.8),
    (lambda text: text.encode("ascii", "replace").decode(), "decoding", 0.8),
    (lambda text: text.encode("latin-1").decode("utf-8", "replace"), "decoding", 0.8),
    (str.upper, "writing", 1.0),
    (lambda text: f" {text} ", "writing", 1.0),
    (lambda text: {"São Paulo": "c1", "Zürich": "c2", "Bern": "c3"}[text], "relabelling", 1.0),
]


@pytest.mark.parametrize(("write", "by", "share"), WRITINGS)
def test_levels_in_another_writing_are_told_with_what_they_were(
    write: Callable[[str], str], by: str, share: float
) -> None:
    now = cities(4_000, 2)
    found = measured("encoding_change", cities(5_000, 1), pl.Series([write(text) for text in now]))
    assert found.value == pytest.approx(share, abs=0.03)
    assert found.evidence.details["by"] == by
    assert repr("Zürich") in str(found.evidence.details["levels"])


def test_yes_for_y_and_zeros_before_a_number_are_the_same_in_other_words() -> None:
    rng = np.random.default_rng(3)
    flags = pl.Series(rng.choice(["Y", "N"], 3_000, p=[0.7, 0.3]))
    found = measured("encoding_change", flags, flags.replace({"Y": "yes", "N": "no"}))
    assert (found.value, found.evidence.details["by"]) == (1.0, "wording")
    codes = pl.Series(rng.choice(["7", "12.5", "30"], 3_000))
    again = measured("encoding_change", codes, codes.replace({"7": "007", "12.5": "12.50", "30": "30.0"}))
    assert (again.value, again.evidence.details["by"]) == (1.0, "writing")


def test_new_levels_that_were_nothing_else_before_are_not_put_down_to_writing() -> None:
    before, now = cities(5_000, 1), cities(4_000, 2)
    assert measured("encoding_change", before, now).value == 0.0
    assert measured("encoding_change", before, now.replace("Bern", "Genf")).value == 0.0
    # All are new, as many as before, and of other sizes.
    others = pl.Series(np.random.default_rng(4).choice(["x", "y", "z"], 4_000))
    assert measured("encoding_change", before, others).value == 0.0


@pytest.mark.parametrize("value", [-999.0, 0.0, 21.5, 99_999.0])
def test_a_spike_at_a_value_that_the_reference_lacked_is_found(value: float) -> None:
    rng = np.random.default_rng(5)
    before, now = pl.Series(rng.lognormal(3, 0.5, 5_000)), rng.lognormal(3, 0.5, 4_000)
    now[rng.random(4_000) < 0.1] = value
    found = measured("silent_default", before, pl.Series(now))
    assert found.value == pytest.approx(0.1, abs=0.02)
    assert float(str(found.evidence.change.levels[0])) == value


def test_a_word_for_nothing_that_became_common_is_found_among_levels() -> None:
    rng = np.random.default_rng(6)
    before, now = (
        pl.Series(rng.choice(["ok", "bad", "N/A"], 4_000, p=p)) for p in ([0.7, 0.29, 0.01], [0.6, 0.2, 0.2])
    )
    found = measured("silent_default", before, now)
    assert found.value == pytest.approx(0.19, abs=0.03)
    assert found.evidence.change.levels[0] == "N/A"


def test_what_moves_on_by_nature_is_no_default() -> None:
    rng = np.random.default_rng(7)
    month = measured("silent_default", pl.Series(rng.integers(1, 7, 3_000)), pl.Series(np.full(800, 7)))
    counter = measured("silent_default", pl.Series(rng.integers(0, 200, 6_000)), pl.Series(np.full(500, 200)))
    price = measured("silent_default", pl.Series(rng.normal(50, 9, 3_000)), pl.Series(rng.choice([61.2, 61.4], 800)))
    zeros = np.where(rng.random(6_000) < 0.4, 0.0, rng.gamma(2.0, 3.0, 6_000))
    more = np.where(rng.random(6_000) < 0.6, 0.0, rng.gamma(2.0, 3.0, 6_000))
    drift = measured("silent_default", pl.Series(zeros), pl.Series(more))
    assert [m.value for m in (month, counter, price, drift)] == [0.0] * 4


def test_neither_speaks_of_unchanged_rows() -> None:
    # 100 pairs of each from one distribution, with heavy values and rare levels.
    rng = np.random.default_rng(8)
    spoken = 0.0
    for _ in range(100):
        x = [pl.Series(np.round(rng.lognormal(1, 1, 400)) * (rng.random(400) < 0.8)) for _ in range(2)]
        levels = [pl.Series(rng.choice(["a", "A", "N/A", "é", "?"], 400)) for _ in range(2)]
        spoken += abs(measured("silent_default", *x).value or 0.0)
        spoken += abs(measured("encoding_change", *levels).value or 0.0)
    assert spoken == 0.0


def test_a_change_of_units_is_found_and_growth_near_a_known_ratio_is_not() -> None:
    rng = np.random.default_rng(9)
    metres = pl.Series(rng.gamma(2.0, 10.0, 6_000))
    changed = measured("unit_change", metres, pl.Series(rng.gamma(2.0, 10.0, 4_000)) / 1_000, "trip_distance")
    assert changed.value == 0.001
    assert changed.evidence.transformation is not None
    assert changed.evidence.transformation.units == "units → thousands"
    # The median grows by 1.6 and the shape with it: Γ(3.05) has .03 of a distance from a scaled Γ(2).
    grown = measured(
        "unit_change",
        pl.Series(rng.gamma(2.0, 10.0, 60_000)),
        pl.Series(rng.gamma(3.05, 10.0, 60_000)),
        "trip_distance",
    )
    assert grown.value == 1.0
    codes = measured("unit_change", pl.Series([1, 2] * 500), pl.Series([2, 4] * 500))
    assert codes.value == 1.0
