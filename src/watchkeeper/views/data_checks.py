"""The checks for faults of the data, one line each: how many columns, how many fail, and the worst of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from watchkeeper.core.measurement import Family
from watchkeeper.core.schema import ALL
from watchkeeper.views.lines import Line
from watchkeeper.views.series import Mark, Series
from watchkeeper.views.wording import shown
from watchkeeper.words.names import measure_words

__all__ = ["CheckLine", "check_lines", "is_data_check"]

CHECKS: Mapping[str, str] = {
    "null_rate": "missing values",
    "unseen_levels": "new levels",
    "level_rise": "rare levels that grew",
    "encoding_change": "levels written otherwise",
    "encoding_damage": "damaged letters",
    "silent_default": "a default in place of missing values",
    "out_of_range": "values out of range",
    "became_constant": "columns that became constant",
    "vector_spread": "spread of vectors",
    "repeated_value": "one value repeated",
    "unit_change": "another unit",
}
"""What the comparisons that look for faults look for."""


@dataclass(frozen=True)
class CheckLine:
    """One check: what it looks for, in how many columns, how many fail or have no data, and the worst one."""

    name: str
    columns: int
    failing: int
    blind: int
    worst: str
    change: str
    value: str
    limits: str
    mark: Mark


def is_data_check(series: Series) -> bool:
    """Return whether a series looks for a fault of the data rather than for drift."""
    m = series.newest.measurement
    return m.family is Family.QUALITY or (m.family is Family.COMPARISON and m.name in CHECKS)


def check_lines(series: Iterable[Series]) -> list[CheckLine]:
    """Return a line for each check over all rows, worst first; ``series`` come worst first."""
    grouped: dict[str, list[Series]] = {}
    for one in series:
        if is_data_check(one) and one.newest.measurement.segment == ALL:
            grouped.setdefault(one.newest.measurement.name, []).append(one)
    lines = [_line(name, members) for name, members in grouped.items()]
    return sorted(lines, key=lambda line: (line.mark.weight, -line.failing, line.name))


def _line(name: str, members: Sequence[Series]) -> CheckLine:
    worst, line = members[0], Line.of(members[0])
    moved = bool(worst.newest.measurement.value) or worst.mark.numberless
    return CheckLine(
        CHECKS.get(name) or measure_words(shown(name, 60)),
        len(members),
        sum(one.mark is Mark.SIGNAL for one in members),
        sum(one.mark.numberless for one in members),
        line.subject if moved else "",
        line.change if moved else "",
        line.value,
        line.limits,
        worst.mark,
    )
