"""The section of docs/calibration.md on real data."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from bench.calibration.real_data import NAMED_WITHIN, SEEDS, Found
from bench.report import machine

TITLE = "## Real data"
_SHOWN = 6
_CASE = (
    "data", "change", "windows to the alert", "right columns named", "not named", "also named", "alerts before",
)  # fmt: skip
_NOTES = """
- bank_marketing is never at rest: the economy's figures have one value a month, and other people are called each
  month. Its alerts before the named change are on rows that do differ.
- electricity: prices and demand differ much from window to window of the reference, which the design effect allows
  for, so that nswprice, at a distance of .43 and .35 in the two windows before row 17,424, raises nothing.
- The faults of nannyml_car_loan, against a reference with 10 % nulls in two columns: 10 % and then, from block 6 on,
  22 %; and a level never seen before in .8 % of the rows, 2 % from block 6 on.
"""

Halves = tuple[str, int, list[list[tuple[str, ...]]]]


def render(found: Sequence[Found], halves: Sequence[Halves], version: str) -> str:
    """Return the section."""
    alerts = sum(len(alerts) for _, _, by_seed in halves for alerts in by_seed)
    kept = sum(one.kept for one in found)
    return f"""{TITLE}

Measured where the data are: {datetime.now(UTC):%Y-%m-%d}, {machine()}, watchkeeper {version}.
Every row is `watchkeeper check` with its defaults: tolerance .05, one false alert in 1,000 checks, no persistence.

One random half of a data set against the other, {SEEDS} times each: **{alerts} alerts** in {SEEDS * len(halves)}
checks; none is wanted.

{_table(("data", "rows", "alerts", "columns"), (_half(*one) for one in halves))}

Known changes: **{kept} of {len(found)}** raise an alert within {NAMED_WITHIN} windows that names every right column.
Where the source does not name the columns, the right ones are those that scipy finds to have moved by more than a
window of that size can show.

{_table(_CASE, (_case(one) for one in found))}

{_faint(found)}{_NOTES.lstrip()}"""


def _table(names: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    rows = [names, ["---"] * len(names), *lines]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _faint(found: Sequence[Found]) -> str:
    less = "moved by more than .05, but by less than one window can show"
    return "".join(f"- {one.case.name}: {less}: {_names(one.case.faint)}.\n" for one in found if one.case.faint)


def _half(name: str, rows: int, by_seed: list[list[tuple[str, ...]]]) -> tuple[str, ...]:
    columns = dict.fromkeys(c for alerts in by_seed for alert in alerts for c in alert)
    return name, f"{rows:,}", str(sum(map(len, by_seed))), _names(tuple(columns))


def _case(one: Found) -> tuple[str, ...]:
    right = one.case.right
    missed = tuple(c for c in right if c not in one.named)
    before = "; ".join(f"window {number}: {_names(columns)}" for number, columns in one.before)
    quiet = f"none in {one.case.change}" if one.case.change else "no window before"
    delay = "**none**" if one.delay is None else str(one.delay)
    named = f"{len(one.named)} of {len(right)}: {_names(one.named)}"
    return one.case.name, one.case.what, delay, named, _names(missed), _names(one.others), before or quiet


def _names(columns: Sequence[str]) -> str:
    if not columns:
        return "–"
    more = f" and {len(columns) - _SHOWN} more" if len(columns) > _SHOWN else ""
    return ", ".join(columns[:_SHOWN]) + more
