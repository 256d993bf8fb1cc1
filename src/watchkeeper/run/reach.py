"""What so many rows can show, in notes of a report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from math import inf, log, sqrt
from typing import TYPE_CHECKING

from watchkeeper.core.schema import ALL, Schema
from watchkeeper.core.signal import Signal
from watchkeeper.core.spec import Spec
from watchkeeper.core.state import JOINT, RANKS, ROWS, State
from watchkeeper.core.store import SetsAside, Store
from watchkeeper.steps.sight import blind_metrics, columns_seen

if TYPE_CHECKING:
    from watchkeeper.stats.row_sample import RowSamplePart

__all__ = [
    "against_note",
    "blind_metrics_note",
    "blind_note",
    "breaks_note",
    "effects_note",
    "listed",
    "moving_note",
    "quarantine_note",
    "reach",
    "room",
    "rows",
    "rows_moves",
    "rows_recorded",
    "rows_sampled",
]

_MOST = 6
_STRONG = 2.0

_POINTER = "rows"

Moves = Mapping[str, tuple[str | None, str | None]]
States = Mapping[tuple[str, str], State]


def rows_sampled(states: States) -> RowSamplePart | None:
    """Return the sample of whole rows, which knows how many there were; None where there is none."""
    from watchkeeper.stats.row_sample import RowSamplePart

    state = states.get((ALL, ROWS))
    part = state.parts.get("row_sample") if state else None
    return part if isinstance(part, RowSamplePart) else None


def rows_moves(store: Store, model: str, before: States, now: States) -> Moves:
    """Return the pointer move that records the rows of the reference and of the newest window that has any."""
    held, text = store.pointer(model, _POINTER), f"{rows(before)} {rows(now)}"
    return {_POINTER: (held, text)} if now and text != held else {}


def rows_recorded(store: Store, model: str) -> tuple[int, int] | None:
    """Return the rows of the reference and of the newest window; None in a store that no run has told them yet."""
    held = store.pointer(model, _POINTER)
    if held is None:
        return None
    before, _, now = held.partition(" ")
    return int(before), int(now)


def rows(states: States) -> int:
    """Return the number of rows the states were made of."""
    sample = rows_sampled(states)
    return sample.rows if sample else 0


def room(n0: int, n: int, spec: Spec) -> float:
    """Return by how much a distance must exceed the tolerance to be seen."""
    size = n0 * n / (n0 + n) if n0 and n else 0.0
    budgets = (float(m.options.get("series", 1.0)) * float(m.options.get("run_length", 1.0)) for m in spec.monitors)
    return sqrt(log(2 * max(budgets, default=spec.alerts.budget)) / (2 * size)) if size else inf


def reach(n0: int, n: int, spec: Spec) -> list[str]:
    """Say what change so many rows can show at the budget, and how many rows it takes to show twice the tolerance."""
    tolerance = next((float(m.options["tolerance"]) for m in spec.monitors if "tolerance" in m.options), None)
    if tolerance is None or not n0 or not n:
        return []
    needed = room(n0, n, spec)
    smallest = f"Smallest shift that {n:,} rows beside {n0:,} can show: KS {min(1.0, tolerance + needed):.2g}."
    if not tolerance:
        return [smallest]
    least = needed**2 * 2 * n0 * n / (n0 + n) / tolerance**2
    return [f"{smallest} Detecting {2 * tolerance:.2g} takes {least:,.0f} rows on each side."]


def effects_note(effects: Mapping[str, float]) -> list[str]:
    """Say where rows of the reference are not independent, and what that costs."""
    single = {column: effect for column, effect in effects.items() if column != JOINT and RANKS not in column}
    strong = sorted((column for column, effect in single.items() if effect > _STRONG), key=lambda c: -effects[c])
    if not strong and effects.get(JOINT, 0.0) <= _STRONG:
        return []
    joint = effects.get(JOINT, 0.0)
    # How columns go together may differ by more than any of them does.
    apart = [f"correlations ({joint:.1f})"] if joint > max(single.values(), default=_STRONG) else []
    shown = listed([*(f"{column} ({effects[column]:.1f})" for column in strong), *apart])
    return [
        f"More variation between windows than chance explains (design effect): {shown}; small shifts may be missed."
    ]


def quarantine_note(store: Store, model: str) -> list[str]:
    """Say how many rows are in quarantine."""
    count = store.quarantine_size(model) if isinstance(store, SetsAside) else 0
    if not count:
        return []
    rows = f"{count:,} row is" if count == 1 else f"{count:,} rows are"
    return [f"{rows} in quarantine and not counted: watchkeeper store quarantine list says why."]


def blind_note(signals: Sequence[Signal], covered: timedelta | None, *, windows: bool) -> list[str]:
    """Say which columns are blind, why, and what would help.

    Parameters
    ----------
    covered
        How long the reference is; None where that is not known.
    windows
        Whether the rows are judged in windows.
    """
    seen = columns_seen(signals)
    if not seen.blind:
        return []
    sizes = (s.measurement.evidence.size for s in signals if s.measurement.column in seen.blind)
    clustered = any((size.design_effect or 1.0) > _STRONG for size in sizes)
    years = covered / timedelta(days=365) if covered is not None else None
    longer = "longer windows" if windows else "more rows"
    short = years is not None and clustered and years < 1
    remedy = f"{longer} or a reference of a year" if short else longer
    why = "windows of the reference differ too much from one another" if clustered else "the rows are too few"
    length = f"the reference covers {years:.2g} of a year, and " if short else ""
    verb = "is" if len(seen.blind) == 1 else "are"
    told = (
        f"{seen.judged} of {len(seen.columns)} columns judged. {listed(seen.blind)} {verb} blind, so that drift there"
    )
    return [f"{told} would not be found: {length}{why}; {remedy} would show more."]


def blind_metrics_note(signals: Sequence[Signal], *, windows: bool) -> list[str]:
    """Say which metrics would not show a large change, which one they would show, and what would help."""
    told = []
    for signal in blind_metrics(signals):
        sight = signal.sight
        size = (sight.eight_windows if windows else sight.one_window) if sight is not None else None
        told.append(f"{signal.measurement.name} ({'none' if size is None else f'{size:.2g}'})")
    if not told:
        return []
    verb, whose = ("is", "it") if len(told) == 1 else ("are", "they")
    lasting = " that lasts for eight windows" if windows else ""
    least = f"the smallest change{lasting} that {whose} would show stands in brackets"
    return [f"{listed(told)} {verb} blind: {least}; more labelled rows{' or longer windows' if windows else ''} help."]


def breaks_note(signals: Sequence[Signal]) -> list[str]:
    """Say of which columns slow movements are not seen, because the reference is too short to know their season."""
    held = (s.measurement for s in signals if s.measurement.evidence.breaks_alone)
    names = list(dict.fromkeys(m.column for m in held))
    if not names:
        return []
    told = f"{listed(names)}: judged for breaks alone, as a reference of less than 330 days does not tell a season"
    return [f"{told}. A level that creeps is followed and not found; a reference of a year would show it."]


def moving_note(schema: Schema) -> list[str]:
    """Say which columns move by themselves, and what is judged of them."""
    parts = [f"{name} (the {part.replace('_', ' ')})" for name, part in schema.calendar]
    names = [*parts, *(f"{name} (counts on)" for name in schema.counters)]
    if not names:
        return []
    verb = "changes" if len(names) == 1 else "change"
    return [f"{listed(names)} {verb} with time: checked for missing values and values out of range, not for drift."]


def against_note(spec: Spec) -> list[str]:
    """Say what monitors that compare with earlier windows do not know."""
    named = sorted({monitor.measure for monitor in spec.monitors if monitor.against})
    if not named:
        return []
    told = "rows count as independent, as the design effect of those is unknown"
    return [f"{listed(named)} against earlier windows: {told}; clusters of rows alarm more often than the budget says."]


def listed(names: Sequence[str]) -> str:
    """Return the first names of a list, and how many more there are."""
    shown = ", ".join(name if len(name) <= 40 else f"{name[:39]}…" for name in names[:_MOST])
    return (shown or "none") + (f" and {len(names) - _MOST} more" if len(names) > _MOST else "")
