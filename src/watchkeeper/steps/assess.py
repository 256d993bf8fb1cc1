"""The second of the four steps, over everything a model is watched for: from states to measurements."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime

from watchkeeper.compare.assess import assess_column
from watchkeeper.compare.recent import Recent
from watchkeeper.compare.season_model import SeasonModel
from watchkeeper.compare.swapped import swapped
from watchkeeper.compare.unit_change import times_of
from watchkeeper.compare.usual_rates import UsualRates, with_usual
from watchkeeper.compare.window_shape import Lately
from watchkeeper.core.evidence import Change, Evidence, Labels, Quantity, Size
from watchkeeper.core.measurement import Family, Measurement, Status
from watchkeeper.core.plugins import plugins
from watchkeeper.core.schema import ALL, Role
from watchkeeper.core.spec import DEPARTURE, Spec
from watchkeeper.core.state import OUTCOME, RANKS, ROWS, RULES, State
from watchkeeper.performance.arrivals import LabelRegime
from watchkeeper.performance.assess import assess_performance
from watchkeeper.performance.before import with_before
from watchkeeper.performance.between_blocks import BetweenBlocks
from watchkeeper.performance.fairness import fairness
from watchkeeper.performance.maturity import with_maturity
from watchkeeper.quality.assess import assess_rules
from watchkeeper.stats.count import CountPart
from watchkeeper.stats.row_sample import RowSamplePart
from watchkeeper.steps.estimates import estimates, settled, uncharted
from watchkeeper.steps.monitors import MEASURED, installed
from watchkeeper.steps.recent import of_calendar
from watchkeeper.steps.season import departures_of

__all__ = ["assess"]

States = Mapping[tuple[str, str], State]


def assess(
    current: Mapping[tuple[str, str], State],
    reference: Mapping[tuple[str, str], State],
    spec: Spec,
    *,
    only: Collection[str] | None = None,
    effects: Mapping[str, float] | None = None,
    rates: Mapping[str, UsualRates] | None = None,
    recent: Mapping[str, Recent] | None = None,
    lately: Mapping[str, Lately] | None = None,
    earlier: Mapping[str, States] | None = None,
    now: datetime | None = None,
    between: Mapping[str, BetweenBlocks] | None = None,
    learns: bool = True,
    season: SeasonModel | None = None,
    regime: LabelRegime | None = None,
) -> list[Measurement]:
    """Measure one window: every column against the reference, every metric in every segment, and the rows themselves.

    A column that the reference has and the current data lacks is a failed measurement.

    Parameters
    ----------
    only
        Comparisons to make; None for the usual ones, those that monitors name, and those that other packages bring.
    effects
        Design effect by column, from the windows of the reference.
    rates
        By column, how large the rates of faults get by themselves in the windows of the reference.
    recent
        By column, what the last windows held beyond the reference.
    lately
        By column, the shapes it had in the last windows.
    earlier
        States of earlier windows by what monitors call them (``previous``), for monitors that compare with those.
    now
        The moment the window is judged at, for rules about freshness.
    between
        By segment how much performance moves between the blocks of the reference, for the bands of estimates.
    learns
        Whether charts learn from the window. If not, nothing is estimated where labels are in.
    season
        What each season expects of the columns, where the reference has windows to tell it from.
    regime
        What the windows before show of labels; without it the reference tells, and estimates use every label.
    """
    found: list[Measurement] = []
    label = spec.schema.name_of(Role.LABEL)
    roles = {column.name: column.role for column in spec.schema}
    moving = spec.schema.moving
    named = {monitor.measure for monitor in spec.monitors if not monitor.against}
    wanted = {*MEASURED, *named, *installed()} if only is None else only
    comparisons = [name for name in plugins("comparison") if name in wanted]
    asked = {(s, column) for m in spec.monitors for s in m.segments if s != ALL for column in m.columns}
    calendar = of_calendar(spec.schema, reference, current, rates or {})
    for (segment, column), state in current.items():
        if column == OUTCOME:
            found.extend(assess_performance(state, spec.schema, value=spec.value))
        elif column == ROWS:
            found.extend(_rows(state, reference.get((segment, column))))
        elif column == RULES or roles.get(column) in (Role.TIME, Role.ID):
            continue
        elif segment == ALL or (segment.split("=", 1)[0], column) in asked:
            seen = (*calendar.get(column, ()), *(recent or {}).get(column, ())) if segment == ALL else ()
            before = (lately or {}).get(column) if segment == ALL else None
            made = assess_column(reference.get((segment, column)), state, comparisons, seen, before)
            if column in moving:
                made = [m for m in made if m.name != "unit_change"]
            worth = [_with_worth(m, state, effects or {}, late=column == label) for m in made]
            own = (rates or {}).get(column) if segment == ALL else None
            found.extend(_unjudged(with_usual(m, own), own) for m in worth)
    if lately and "unit_change" in comparisons:
        found = _with_swaps(found, current, reference, lately)
    if season is not None and (only is None or DEPARTURE in only):
        found.extend(departures_of(season, current, spec))
    outcomes = {segment: state for (segment, column), state in current.items() if column == OUTCOME}
    for column in spec.fairness:
        found.extend(fairness(outcomes, column))
    # Without the clock, so that a window that is judged again from the same rows gives the same.
    found = with_maturity(found, current, reference, regime=regime)
    if only is None:
        labelled = uncharted(found, spec) if learns else {segment for _, segment in settled(found)}
        hidden = () if regime is None else [segment for segment, column in current if column == OUTCOME]
        found.extend(estimates(reference, current, spec, between, labelled, hidden))
    found = with_before(found, reference, spec.schema, spec.value, spec.fairness)
    for against, states in (earlier or {}).items():
        found.extend(_against(against, states, current, spec))
    if spec.rules and only is None:
        whole = {column: state for (segment, column), state in current.items() if segment == ALL}
        found.extend(assess_rules(spec.rules, whole, spec.schema, now))
    return found


def _with_swaps(
    measurements: list[Measurement], current: States, reference: States, lately: Mapping[str, Lately]
) -> list[Measurement]:
    """Say of columns that changed places that they did."""
    whole = {column: state for (segment, column), state in current.items() if segment == ALL and not state.problem}
    swaps = swapped(whole, lately)
    found = []
    for m in measurements:
        does = swaps.get(m.column) if m.name == "unit_change" and m.segment == ALL else None
        if does is not None and m.status is Status.OK:
            times = times_of(reference[ALL, m.column], whole[m.column])
            found.append(replace(m, value=times, evidence=replace(m.evidence, transformation=does)))
        else:
            found.append(m)
    return found


def _with_worth(measurement: Measurement, state: State, effects: Mapping[str, float], *, late: bool) -> Measurement:
    """Add what charts need to know beyond the comparison: the design effect, and how much of a late label is in."""
    evidence = measurement.evidence
    if measurement.column in effects and measurement.segment == ALL:
        size = replace(evidence.size, design_effect=effects[measurement.column])
        if size.rank_effect is not None:
            size = replace(size, rank_effect=effects.get(RANKS + measurement.column, 1.0))
        evidence = replace(evidence, size=size)
    count = state.parts.get("count")
    if late and isinstance(count, CountPart) and count.rows:
        evidence = replace(evidence, labels=Labels(count.valid / count.rows))
    return replace(measurement, evidence=evidence)


def _unjudged(measurement: Measurement, rates: UsualRates | None) -> Measurement:
    """Take from a repeated value what it could be judged by, where no windows tell how values repeat by themselves."""
    if measurement.name != "repeated_value" or rates is not None:
        return measurement
    return replace(measurement, evidence=replace(measurement.evidence, size=Size()))


def _against(name: str, earlier: States, current: States, spec: Spec) -> list[Measurement]:
    """Measure what monitors compare with earlier windows."""
    found: list[Measurement] = []
    for monitor in (m for m in spec.monitors if m.against == name):
        for (segment, column), state in current.items():
            watched = column in monitor.columns if monitor.columns else column in spec.schema
            if watched and monitor.covers(segment):
                made = assess_column(earlier.get((segment, column)), state, [monitor.measure])
                found.extend(replace(m, against=name, evidence=_assumed(m.evidence)) for m in made)
    return found


def _assumed(evidence: Evidence) -> Evidence:
    return replace(evidence, details={**evidence.details, "rows": _ASSUMED})


_ASSUMED = "taken as independent: the design effect of earlier windows is unknown"


def _rows(state: State, reference: State | None) -> list[Measurement]:
    sample = state.parts.get("row_sample")
    if state.problem or not isinstance(sample, RowSamplePart):
        return [Measurement.failed(state.key, Family.QUALITY, "rows", state.problem or "rows were not counted")]
    found = [Measurement.of(state.key, Family.QUALITY, "rows", float(sample.rows), sample.rows)]
    if sample.rows:
        share = sample.doubled / sample.rows
        known = None if reference is None or reference.problem else reference.parts.get("row_sample")
        usual = known.doubled / known.rows if isinstance(known, RowSamplePart) and known.rows else None
        evidence = Evidence(Change(Quantity.SHARE, usual, share, levels=("doubled ids",)))
        found.append(Measurement.of(state.key, Family.QUALITY, "doubled_ids", share, sample.rows, evidence=evidence))
    return found
