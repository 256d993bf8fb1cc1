"""The segments in which the model does worst, beside the reference and beside all rows."""

from __future__ import annotations

from dataclasses import dataclass

from watchkeeper.core.measurement import Family, Measurement, Status
from watchkeeper.core.rounding import pair
from watchkeeper.core.schema import ALL
from watchkeeper.core.signal import Signal
from watchkeeper.views.direction import direction_words, harm
from watchkeeper.views.findings import Findings
from watchkeeper.views.series import Mark, mark_of
from watchkeeper.views.wording import measure, number, shown
from watchkeeper.words.change import from_to

__all__ = ["SegmentLine", "SegmentTable", "segment_table"]

_MOST = 12


@dataclass(frozen=True)
class SegmentLine:
    """One segment: its rows, the metric reference → now, by how much it is worse, and how it was judged."""

    segment: str
    n: str
    change: str
    worse: str
    way: str
    mark: Mark


@dataclass(frozen=True)
class SegmentTable:
    """The segments by one metric, those that are most worse than in the reference first; all rows for comparison."""

    metric: str
    better: str
    whole: SegmentLine | None
    lines: tuple[SegmentLine, ...]
    more: int


def segment_table(findings: Findings, preferred: str = "") -> SegmentTable | None:
    """Return the segments of the newest window by the ``preferred`` metric, or by the one that the task names first."""
    newest = _newest(findings)
    harmful = findings.schema.task.spec.harm if findings.schema else ()
    names = [m.name for m, _ in newest if m.segment != ALL]
    metric = next((name for name in (preferred, *harmful, *names) if name in names), None)
    if metric is None:
        return None
    chosen = [(m, s) for m, s in newest if m.name == metric]
    parts = [one for one in chosen if one[0].segment != ALL]
    parts.sort(key=lambda one: (not (one[1] and one[1].fired), -(harm(one[0]) or 0.0), one[0].segment))
    whole = next((_line(m, s) for m, s in chosen if m.segment == ALL), None)
    lines = tuple(_line(m, s) for m, s in parts[:_MOST])
    return SegmentTable(measure(parts[0][0]), direction_words(metric), whole, lines, max(0, len(parts) - _MOST))


def _newest(findings: Findings) -> list[tuple[Measurement, Signal | None]]:
    """Return the realised metrics of the newest window that have a number, each once, with what judged them."""
    found: dict[tuple[str, ...], tuple[Measurement, Signal | None]] = {}
    numbers = [(m, None) for m in findings.measurements] + [(s.measurement, s) for s in findings.signals]
    last = max((m.window for m, _ in numbers if m.window is not None), default=None)
    for m, signal in numbers:
        if m.family is Family.METRIC and m.status is Status.OK and m.window in (None, last):
            found[m.series] = (m, signal)
    return list(found.values())


def _line(m: Measurement, signal: Signal | None) -> SegmentLine:
    mark = mark_of(signal) if signal is not None else Mark.NOT_JUDGED
    worse, change = harm(m), m.evidence.change
    told, way = "–", ""
    if worse is not None and change.before is not None and change.after is not None:
        told = number(abs(change.after - change.before), 2)
        margin = f" ± {number(1.96 * m.error, 1)}" if m.error else ""
        way = "worse" if worse > 0 else "better"
        told = "as before" if not worse else f"{told}{margin} {way}"
    name = "all rows" if m.segment == ALL else shown(m.segment, 120)
    words = from_to(change) or pair(m.value or 0.0, m.value or 0.0)[1]
    return SegmentLine(name, f"{m.n:,}", words, told, way, mark)
