"""Faults of the data: what no change of the world does to a column."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np
import polars as pl
from numpy.typing import NDArray

from watchkeeper.compare.assess import assess_column
from watchkeeper.compare.out_of_range import OutOfRange
from watchkeeper.compare.rates import RATES
from watchkeeper.compare.stretches import sole_value
from watchkeeper.core.alert import Cause
from watchkeeper.core.columns import callable_series, series_named
from watchkeeper.core.diagnosis import HypothesisKind
from watchkeeper.core.measurement import Measurement, Status
from watchkeeper.core.schema import ALL, Column, Kind, Role
from watchkeeper.core.state import ROWS, State
from watchkeeper.core.statement import Statement, StatementCode
from watchkeeper.diagnose.case import Case, Finding, compared, dkw_half_width
from watchkeeper.diagnose.value_steps import between_steps, value_step
from watchkeeper.stats.atoms import AtomsPart
from watchkeeper.stats.blocks import to_text
from watchkeeper.stats.levels import LevelsPart
from watchkeeper.stats.moments import MomentsPart
from watchkeeper.stats.row_sample import RowSamplePart

__all__ = ["Fault", "clean_rows", "data_faults", "faults_of", "feature_faults", "other_unit"]

_WATCHED = (Role.FEATURE, Role.SCORE, Role.PREDICTION)
_BASE = 5.0
_ANSWERS = 1.5
"""Weight lost by a fault of what the model answers: most often it follows from something else."""

_REPLAYED = 0.05
_TURNS = 8


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault of one column.

    Attributes
    ----------
    share
        Of the rows it is in; 1 where it is in all.
    what
        ``missing``, ``type``, ``unit_change``, ``constant``, ``null_rate``, ``silent_default``, ``encoding_change``,
        ``unseen_levels``, ``out_of_range``, ``repeated_value`` or ``other_steps``.
    statement
        The fault with its numbers.
    measurement
        What it was seen by.
    """

    column: str
    what: str
    share: float
    statement: Statement
    measurement: Measurement | None = None


def data_faults(case: Case) -> list[Finding]:
    """Return one finding for each column with a fault, and those about whole rows; of no rows only that."""
    rows, found = _rows(case), list[Finding]()
    if any(s.code is StatementCode.NO_ROWS for finding in rows for s in finding.evidence):
        return rows
    for column in case.spec.schema:
        if column.role not in _WATCHED:
            continue
        faults = faults_of(case, column)
        if faults:
            weight = _BASE + 3 * max(f.share for f in faults) - (0.0 if column.role is Role.FEATURE else _ANSWERS)
            measured = tuple(f.measurement for f in faults if f.measurement is not None)
            evidence = tuple(f.statement for f in faults)
            found.append(Finding(HypothesisKind.DATA_FAULT, weight, (column.name,), (), evidence, measured))
    return [*found, *rows]


def feature_faults(case: Case) -> list[Fault]:
    """Return the faults of all features; none where no rows came, of which nothing can be said."""
    rows = case.current.get((ALL, ROWS))
    part = rows.parts.get("row_sample") if rows is not None else None
    if rows is None or (isinstance(part, RowSamplePart) and not part.rows):
        return []
    return [fault for column in case.spec.schema.features for fault in faults_of(case, column)]


def faults_of(case: Case, column: Column) -> list[Fault]:
    """Return the faults of a column, the gravest first: a broken column has no others."""
    before, now = case.reference.get((ALL, column.name)), case.current.get((ALL, column.name))
    if before is None or before.problem:
        return []
    if now is None or now.problem:
        return [_broken(column, now)]
    found: list[Fault] = []
    moves = column.name in case.spec.schema.moving
    for look in () if moves else (_unit, _constant):
        fault = look(case, column)
        if fault:
            found.append(fault)
    if case.alert.cause is Cause.DATA_FAULT:
        found += _alerted(case, column)
    if column.kind is Kind.NUMERIC and not {f.what for f in found} & {"unit_change", "constant"}:
        found += _between_steps(case, column)
    if case.alert.cause is Cause.DRIFT and (far := _far_out(case, column)):
        found.append(far)
    for measure, options in _RATES.items():
        if measure in {fault.what for fault in found}:
            continue
        if moves and measure not in ("null_rate", "out_of_range"):
            continue
        m = compared(case, column, measure, **options)
        if m is not None and m.value is not None and m.value > 0:
            found.append(Fault(column.name, measure, float(m.value), _rate(column.name, m), m))
    names = {f.what for f in found}
    # What says more of the same rows stands for it: a unit, a default, a column that holds one value.
    doubled = {"out_of_range": {"unit_change", "silent_default"}, "repeated_value": {"constant", "silent_default"}}
    found = [f for f in found if not doubled.get(f.what, set()) & names]
    if any(f.what == "encoding_change" for f in found):
        # Levels in another writing are unseen levels too.
        found = [f for f in found if f.what != "unseen_levels"]
    return sorted(found, key=lambda f: -f.share)


def _broken(column: Column, now: State | None) -> Fault:
    if now is None:
        return Fault(column.name, "missing", 1.0, Statement(StatementCode.COLUMN_MISSING, (column.name,)))
    what = "missing" if now.column_missing else "type"
    return Fault(column.name, what, 1.0, Statement(StatementCode.COLUMN_UNUSABLE, (column.name,), (now.problem,)))


def _unit(case: Case, column: Column) -> Fault | None:
    return other_unit(case, column) if column.role is Role.FEATURE else None


def other_unit(case: Case, column: Column) -> Fault | None:
    """Return the fault that a column of numbers is in another unit, if it is.

    What the windows of the alert showed against the windows before them counts; else what the reference says.
    """
    if column.kind is not Kind.NUMERIC:
        return None
    m = _seen_in_windows(case, column.name) or _by_reference(case, column)
    does = m.evidence.transformation if m is not None else None
    if m is None or does is None:
        return None
    columns = (column.name, does.column) if does.column else (column.name,)
    statement = Statement(
        StatementCode.UNIT_CHANGE, columns, (does.units,) if does.units else (), does.factor, does.offset,
        at=does.since, kind=does.kind,
    )  # fmt: skip
    return Fault(column.name, "unit_change", 1.0, statement, m)


def _seen_in_windows(case: Case, column: str) -> Measurement | None:
    """Return the newest measurement of a change of units that was recorded since the alert began."""
    since = case.alert.since
    signals = [s.measurement for s in case.alert.evidence if s.fired]
    known = [
        m
        for m in (*case.history, *signals)
        if m.name == "unit_change" and m.column == column and m.segment == ALL and m.evidence.transformation is not None
        and (since is None or m.window is None or m.window.end > since)
    ]  # fmt: skip
    return max(known, key=lambda m: str(m.window), default=None)


def _by_reference(case: Case, column: Column) -> Measurement | None:
    pair = case.both(column.name)
    if pair is None or any(m.name == "unit_change" and m.column == column.name for m in case.history):
        return None
    m = next(iter(assess_column(*pair, ["unit_change"])), None)
    size, distance = (m.evidence.size.n_effective, m.evidence.distance) if m is not None else (None, None)
    if size is None or distance is None:
        return None
    effect = case.effects.get(column.name, 1.0)
    far = distance > 0.05 + dkw_half_width(size, len(case.spec.schema.columns), effect)
    return m if far else None


def _constant(case: Case, column: Column) -> Fault | None:
    pair = case.both(column.name)
    if pair is None or column.role is not Role.FEATURE:
        return None
    if column.kind is not Kind.NUMERIC:
        return _one_level(case, column, *pair)
    before, now = (side.parts.get("moments") for side in pair)
    if (
        not isinstance(before, MomentsPart)
        or not isinstance(now, MomentsPart)
        or now.n < _rows_of_constant(case, column, now)
    ):
        return None
    if before.smallest < before.largest and now.smallest == now.largest:
        statement = Statement(StatementCode.CONSTANT, (column.name,), value=float(now.smallest), n=int(now.n))
        return Fault(column.name, "constant", 1.0, statement)
    return None


def _one_level(case: Case, column: Column, before: State, now: State) -> Fault | None:
    """Return that all rows have one level, where no window of the reference had."""
    held, rates = (side.parts.get("levels") for side in (before, now)), case.rates.get(column.name)
    p, q = held
    if not isinstance(p, LevelsPart) or not isinstance(q, LevelsPart) or rates is None or q.n < _ROWS:
        return None
    level = sole_value(q.as_dict(), q.n)
    if level is None or sole_value(p.as_dict(), p.n) or rates.windows < _WINDOWS or rates.alone(level):
        return None
    usual = p.as_dict().get(level, 0) / p.n
    said = Statement(StatementCode.REPEATED_VALUE, (column.name,), (level,), before=usual, after=1.0)
    return Fault(column.name, "constant", 1.0, said)


def _rows_of_constant(case: Case, column: Column, now: MomentsPart) -> int:
    """Return from how many rows a single value is no chance: ten where windows of the reference hardly hold one."""
    rates, value = case.rates.get(column.name), f"{now.smallest:.15g}"
    if rates is None or rates.windows < _WINDOWS:
        return 30
    return _ROWS if rates.of_value(value) < _NEARLY or 0 < rates.stretch_of(value) <= _SELDOM_SO else 30


def _far_out(case: Case, column: Column) -> Fault | None:
    """Return that a few rows hold numbers far outside of all that was seen, such as -999."""
    pair = case.both(column.name)
    found = assess_column(*pair, ["out_of_range"]) if pair is not None and column.kind is Kind.NUMERIC else []
    if not found or found[0].status is not Status.OK or (found[0].value or 0.0) < _FEW:
        return None
    m = found[0]
    lower, upper, smallest, largest = OutOfRange.reach(m)
    if max(lower - smallest, largest - upper) < _WIDTHS * (upper - lower):
        return None
    return Fault(column.name, "out_of_range", float(m.value or 0.0), _rate(column.name, m), m)


def _alerted(case: Case, column: Column) -> list[Fault]:
    """Return the rates of faults by which the column is in an alert of the data: it judged them window by window."""
    seen = {
        s.measurement.name: s.measurement for s in case.alert.evidence
        if s.fired and s.measurement.column == column.name and s.measurement.name in RATES
    }  # fmt: skip
    return [Fault(column.name, what, float(m.value or 0.0), _rate(column.name, m), m) for what, m in seen.items()]


def _between_steps(case: Case, column: Column) -> list[Fault]:
    """Return that values lie between the steps in which the column counted."""
    pair = case.both(column.name)
    before, now = (side.parts.get("atoms") for side in pair) if pair is not None else (None, None)
    step = value_step(before) if isinstance(before, AtomsPart) else None
    share = between_steps(now, step) if step and isinstance(now, AtomsPart) and now.n >= _ROWS else 0.0
    if not step or share < _BETWEEN:
        return []
    return [
        Fault(
            column.name,
            "other_steps",
            share,
            Statement(StatementCode.OTHER_STEPS, (column.name,), value=step, after=share),
        )
    ]


_ROWS, _WINDOWS, _BETWEEN = 10, 20, 0.3
_FEW, _WIDTHS, _NEARLY, _SELDOM_SO = 0.03, 3.0, 0.8, 5

_RATES: dict[str, dict[str, float]] = {
    "null_rate": {"least": 0.015}, "silent_default": {"least": 0.015}, "encoding_change": {"always": 0.01},
    # The range of the reference alone grows old: what has grown beyond it is no fault.
    "unseen_levels": {"always": 0.01}, "out_of_range": {"least": 0.5}, "repeated_value": {"least": 0.5},
}  # fmt: skip
"""Comparisons that see faults in single rows, and from which share on they count."""


def _rate(name: str, m: Measurement) -> Statement:
    """Return what a comparison saw in a share of the rows."""
    value, change = float(m.value or 0.0), m.evidence.change
    if m.name == "null_rate":
        return Statement(StatementCode.NULL_RATE, (name,), before=change.before, after=change.after)
    if m.name == "silent_default":
        return Statement(StatementCode.SILENT_DEFAULT, (name,), change.levels, after=change.after)
    if m.name == "out_of_range":
        low, high, smallest, largest = OutOfRange.reach(m)
        names = (f"{low:.4g} to {high:.4g}", f"{smallest:.4g} to {largest:.4g}")
        kind = "dates" if OutOfRange.by_date(m) else ""
        return Statement(StatementCode.OUT_OF_RANGE, (name,), names, after=change.after, kind=kind)
    if m.name == "repeated_value":
        return Statement(StatementCode.REPEATED_VALUE, (name,), change.levels, before=change.before, after=change.after)
    if m.name == "encoding_change":
        return Statement(StatementCode.ENCODING_CHANGE, (name,), value=value)
    return Statement(StatementCode.UNSEEN_LEVELS, (name,), change.levels, value)


def _rows(case: Case) -> list[Finding]:
    """Return what is wrong with rows as a whole: none, doubled, or come before."""
    sides = [states.get((ALL, ROWS)) for states in (case.reference, case.current)]
    before, now = (s.parts.get("row_sample") if s is not None and not s.problem else None for s in sides)
    kind = HypothesisKind.DATA_FAULT
    if not isinstance(now, RowSamplePart) or not now.rows:
        return [Finding(kind, _BASE + 3, evidence=(Statement(StatementCode.NO_ROWS),))]
    found: list[Finding] = []
    if case.alert.cause is Cause.NO_DATA:
        seen = Statement(StatementCode.WINDOWS_WITHOUT_ROWS)
        found.append(Finding(kind, _BASE, case.alert.columns, (), (seen,)))
    if isinstance(before, RowSamplePart) and before.rows:
        doubled, usual = now.doubled / now.rows, before.doubled / before.rows
        if doubled > 2 * usual + 0.01:
            seen = Statement(StatementCode.ROWS_REPEATED, before=usual, after=doubled)
            found.append(Finding(kind, _BASE + 3 * doubled, evidence=(seen,)))
        again = _sent_again(case, before, now)
        if again > _REPLAYED:
            seen = Statement(StatementCode.ROWS_REPLAYED, after=again)
            found.append(Finding(kind, _BASE + 3 * again, evidence=(seen,)))
    return found


def _sent_again(case: Case, before: RowSamplePart, now: RowSamplePart) -> float:
    """Return the share of the sampled rows that the reference's sample holds too: the same row with the same features.

    An id alone says little: numbers that count rows begin anew with every table. What different rows have in common by
    chance, as pairs of another order show, is taken off, with three of its standard errors.
    """
    _, left, right = np.intersect1d(before.hashes, now.hashes, assume_unique=True, return_indices=True)
    known = set(before.frame.columns) & set(now.frame.columns)
    names = [c.name for c in case.spec.schema.features if c.name in known]
    if not len(left) or not names:
        return 0.0
    old, new = before.frame[left][names], now.frame[right][names]
    places, m = np.arange(len(left)), len(left)
    chance = float(np.mean([_alike(old, new[np.roll(places, turn)]) for turn in range(1, min(m, _TURNS + 1))] or [1.0]))
    surely = _alike(old, new) - chance - 3 * sqrt(chance * (1 - chance) / m)
    return max(0.0, surely / (1 - chance)) * m / len(now.hashes) if chance < 1 else 0.0


def _alike(a: pl.DataFrame, b: pl.DataFrame) -> float:
    """Return the share of rows that are equal, place by place; columns of unlike types are equal nowhere."""
    same = np.ones(a.height, bool)
    for one, other in zip(map(callable_series, a), b, strict=True):
        same &= one.eq_missing(other).to_numpy() if one.dtype == other.dtype else False
    return float(same.mean())


def clean_rows(frame: pl.DataFrame, reference: pl.DataFrame, faults: list[Fault]) -> NDArray[np.bool_]:
    """Return which rows are free of the faults that lie in single rows, shape (rows,)."""
    kept = np.ones(frame.height, bool)
    for fault in faults:
        if fault.column not in frame.columns:
            continue
        series = series_named(frame, fault.column)
        if fault.what == "null_rate":
            lost = series.is_null() | (series.is_nan().fill_null(False) if series.dtype.is_float() else False)
            kept &= ~lost.to_numpy()
        elif fault.what == "silent_default" and fault.measurement is not None:
            default = fault.measurement.evidence.change.levels[0]
            if series.dtype.is_numeric():
                kept &= ~(series.cast(pl.Float64) == float(default)).fill_null(False).to_numpy()
            else:
                kept &= ~(to_text(series) == default).fill_null(False).to_numpy()
        elif fault.what in ("unseen_levels", "encoding_change") and fault.column in reference.columns:
            known = to_text(series_named(reference, fault.column)).unique()
            kept &= (to_text(series).is_in(known.implode()) | series.is_null()).to_numpy()
    return kept
