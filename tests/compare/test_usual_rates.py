"""Rates of faults, held to what they do by themselves in the windows of a reference."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from math import asin, sin, sqrt

import numpy as np
import polars as pl
import pytest

from watchkeeper.charts.tolerance import Tolerance
from watchkeeper.compare.assess import assess_column
from watchkeeper.compare.recent import Seen, newly_seen
from watchkeeper.compare.usual_rates import UsualRates, highest_usual, unused, usual_rates, with_usual
from watchkeeper.compare.value_range import ValueRange, value_range
from watchkeeper.core.evidence import Change, Evidence, Quantity, Size
from watchkeeper.core.measurement import Family, Measurement, Status
from watchkeeper.core.schema import Schema
from watchkeeper.core.signal import Signal
from watchkeeper.core.state import State
from watchkeeper.core.window import Window
from watchkeeper.schema.inference import infer_schema
from watchkeeper.stats.codec import merge_states
from watchkeeper.stats.histogram import HistogramPart
from watchkeeper.stats.summarise import summarise_rows

START = datetime(2025, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
OPTIONS = {"run_length": 730.0, "series": 40.0, "least": 0.03}


def schema_of(values: pl.Series) -> Schema:
    return infer_schema(pl.DataFrame({"x": values}), features=["x"])


def state_of(values: pl.Series, schema: Schema, window: Window | None = None) -> State:
    states = summarise_rows(pl.DataFrame({"x": values}), schema, window=window)
    return next(s for s in states if s.key.column == "x")


class Reference:
    """A reference of daily windows, as states."""

    def __init__(self, days: list[pl.Series]) -> None:
        self.schema = schema_of(pl.concat(days))
        starts = [START + i * DAY for i in range(len(days))]
        self.windows = [state_of(d, self.schema, Window(s, s + DAY)) for d, s in zip(days, starts, strict=True)]
        self.whole = merge_states(*self.windows)
        rates = usual_rates(self.whole, self.windows)
        assert rates is not None
        self.rates: UsualRates = rates

    def measured(
        self, name: str, now: pl.Series, recent: tuple[Seen, ...] = (), window: Window | None = None
    ) -> Measurement:
        return with_usual(assess_column(self.whole, state_of(now, self.schema, window), [name], recent)[0], self.rates)

    def signal(self, name: str, now: pl.Series, recent: tuple[Seen, ...] = (), window: Window | None = None) -> Signal:
        return Tolerance().step(None, self.measured(name, now, recent, window), OPTIONS)[1]


def weather(seed: int, days: int = 120, rows: int = 24) -> list[pl.Series]:
    """Days far from one another, rows of a day near each other: a design effect of about 20."""
    rng = np.random.default_rng(seed)
    return [pl.Series(rng.normal(15 + 10 * np.sin(i / 58), 1, rows).round(1)) for i in range(days)]


@pytest.fixture(scope="module")
def reference() -> Reference:
    return Reference(weather(0))


def test_a_rate_may_go_as_far_as_it_surely_went() -> None:
    # Clopper and Pearson's lower limit of 40 in 168 at 1/52, by scipy.stats.binomtest(40, 168, alternative="greater").
    surely, centre = 0.17284, asin(sqrt((2 * 51 + 40) / (52 * 168)))
    by_hand = sin(centre + 1.25 * (asin(sqrt(surely)) - centre)) ** 2
    assert highest_usual([2] * 51 + [40], [168] * 52) == pytest.approx(by_hand, rel=0.02)
    assert highest_usual([0] * 52, [168] * 52) == 0.0
    assert highest_usual([], []) == 0.0


def test_few_windows_that_are_wholly_so_are_incidents_and_more_of_them_are_usual() -> None:
    """Four days of a stuck station in 400 are no reason to overlook the next one; 24 are how it is."""
    for centred in (True, False):
        assert highest_usual([6] * 396 + [24] * 4, [24] * 400, centred=centred) < 0.5
        assert highest_usual([6] * 396 + [20] + [24] * 3, [24] * 400, centred=centred) < 0.5
        assert highest_usual([6] * 376 + [24] * 24, [24] * 400, centred=centred) > 0.9
        assert highest_usual([6] * 392 + [20] * 4 + [24] * 4, [24] * 400, centred=centred) > 0.8


def test_windows_before_a_column_was_in_use_tell_nothing() -> None:
    """A price that was .0034 for a year, until its market opened, is stuck when it is .0034 for a day again."""
    rng = np.random.default_rng(5)
    before, own = [pl.Series([0.0034] * 48)] * 60, [pl.Series(rng.normal(0.003, 0.001, 48)) for _ in range(60)]
    schema = schema_of(pl.concat([*before, *own]))
    opened, never, short = (
        [state_of(day, schema) for day in days] for days in ([*before, *own], before, [*before[:14], *own])
    )
    assert [unused(one) for one in (opened, never, short)] == [60, 0, 0]
    rates = usual_rates(merge_states(*opened), opened)
    assert rates is not None
    assert rates.of_value("0.0034") < 0.2


def test_independent_rows_allow_their_own_rate_little_more() -> None:
    rng = np.random.default_rng(1)
    for share in (0.01, 0.1, 0.5):
        counts = rng.binomial(168, share, 52)
        assert share * 0.9 < highest_usual(counts, [168] * 52) < share + 2.5 * sqrt(share * (1 - share) / 168)


def test_what_no_change_of_the_world_does_is_seen_in_one_day_whatever_the_season(reference: Reference) -> None:
    day = weather(3, 1)[0]
    faults = {
        "null_rate": pl.Series([None] * 24, dtype=pl.Float64),
        "out_of_range": day + 273.15,
        "repeated_value": pl.Series([15.5] * 24),
    }
    for name, now in faults.items():
        assert reference.signal(name, now).fired, name
        assert not reference.signal(name, day).fired, name
    minus = pl.Series([-999.0] * 24)
    assert reference.signal("out_of_range", minus).fired
    assert reference.signal("silent_default", minus).fired
    few = pl.Series([None] * 4 + day[4:].to_list())
    assert reference.signal("null_rate", few).fired


def test_a_column_with_gaps_of_its_own_does_not_signal_at_the_next_one() -> None:
    rng = np.random.default_rng(5)
    days = weather(1)
    for at in rng.choice(120, 10, replace=False):
        lost = int(rng.integers(6, 20))
        days[at] = pl.Series([None] * lost + days[at][lost:].to_list())
    own = Reference(days)
    gap = pl.Series([None] * 15 + days[0][15:].to_list(), dtype=pl.Float64)
    assert not own.signal("null_rate", gap).fired
    assert own.rates.null > 0.5


def test_the_range_runs_with_growth_and_never_with_a_fault(reference: Reference) -> None:
    state, recent = reference.whole, ()
    for step in range(12):
        now = pl.Series(np.linspace(20.0 + 3 * step, 30.0 + 3 * step, 24))
        assert not reference.signal("out_of_range", now, recent).fired, step
        seen = newly_seen(state, state_of(now, reference.schema), recent, START, trusted=True)
        recent = (*recent, seen)[-8:]
    assert reference.signal("out_of_range", now).fired
    fault = state_of(pl.Series([-999.0] * 3 + [14.0] * 21), reference.schema)
    for _ in range(20):
        assert newly_seen(state, fault, (), START, trusted=True) == Seen(START)


def test_a_code_of_the_reference_is_no_part_of_its_range() -> None:
    days = [pl.Series([-999.0, *day[1:].to_list()]) for day in weather(2)]
    own = Reference(days)
    part = own.whole.part("histogram", HistogramPart)
    assert value_range(part) == ValueRange(pytest.approx(13, abs=1.5), pytest.approx(28, abs=1.5))
    assert not own.signal("out_of_range", days[3]).fired
    assert own.signal("out_of_range", pl.Series([-999.0] * 20 + [10.0] * 4)).fired


def test_a_constant_reference_has_no_range_and_nothing_to_take_over_from() -> None:
    own = Reference([pl.Series([1.0] * 24)] * 20)
    for name in ("out_of_range", "repeated_value"):
        assert own.measured(name, pl.Series([2.0] * 24)).status is Status.NO_DATA


def agents(rng: np.random.Generator, day: int, rows: int = 60) -> pl.Series:
    """An open set: some 4 % of the rows come from agents that began a few days ago."""
    regular = rng.choice([f"a{i}" for i in range(30)], rows)
    new = rng.random(rows) < 0.04
    return pl.Series(np.where(new, [f"n{max(0, day - int(d))}" for d in rng.integers(0, 3, rows)], regular))


def test_new_levels_of_an_open_set_are_judged_by_their_rate_and_a_renamed_column_is_seen() -> None:
    rng = np.random.default_rng(7)
    own = Reference([agents(rng, day) for day in range(120)])
    assert 0.03 < own.rates.unseen < 0.2
    assert not any(own.signal("unseen_levels", agents(rng, 200 + 5 * i)).fired for i in range(40))
    renamed = agents(rng, 300).map_elements(lambda name: f"agent {name}", pl.String)
    assert own.signal("unseen_levels", renamed).fired


def test_levels_of_the_last_windows_are_known_unless_they_were_a_fault(reference: Reference) -> None:
    days = [pl.Series(np.random.default_rng(i).choice(["a", "b", "c"], 60)) for i in range(30)]
    own = Reference(days)
    now = state_of(pl.Series(["d"] * 6 + ["a"] * 54), own.schema)
    assert newly_seen(own.whole, now, (), START, trusted=False) == Seen(START)
    seen = newly_seen(own.whole, now, (), START, trusted=True)
    assert seen.levels == ("d",)
    measured = assess_column(own.whole, now, ["unseen_levels"], (seen,))[0]
    assert measured.value == 0.0


def test_few_nulls_a_day_are_seen_after_some_days_and_the_end_ends_it() -> None:
    own = Reference(weather(4))
    day = weather(9, 1)[0]
    two = pl.Series([None, None, *day[2:].to_list()])
    memory, fired = None, []
    for now in [two] * 4 + [day] * 3:
        memory, signal = Tolerance().step(memory, own.measured("null_rate", now), {**OPTIONS, "pooled": 8.0})
        fired.append((signal.fired, signal.rule, signal.basis.count if signal.basis else 0))
    assert fired[0] == (False, "", 0)
    assert (True, "rate_over_windows", 2) in fired[:3]
    assert not any(one for one, _, _ in fired[4:])


def test_lasting_rates_keep_the_budget_where_rows_are_as_before() -> None:
    """40 series of 730 windows each: at most one false signal in 730 windows of all 40 together, some 1 in all."""
    rng, fired = np.random.default_rng(11), 0
    for _ in range(40):
        counts = rng.binomial(24, 0.02, 365)
        usual = highest_usual(counts, [24] * 365)
        memory = None
        for lost in rng.binomial(24, 0.02, 730):
            before, now = float(counts.sum()) / (365 * 24), float(lost) / 24
            change = Change(Quantity.NULL_SHARE, before, now, max(usual, before))
            point = Measurement(Family.COMPARISON, "null_rate", now - before, 24, evidence=Evidence(change, Size(1, 1)))
            memory, signal = Tolerance().step(memory, point, {**OPTIONS, "pooled": 8.0})
            fired += signal.fired
    assert fired <= 2
