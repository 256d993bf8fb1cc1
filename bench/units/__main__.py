"""Count what is called another unit, and write ``bench/UNITS.md``: ``make bench-units``."""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import combinations
from pathlib import Path

import numpy as np
import polars as pl

from bench.units.sets import DATA, UnitSet, every_set
from watchkeeper.compare.assess import assess_column
from watchkeeper.compare.transformations import KnownTransformation
from watchkeeper.compare.unit_step import unit_step
from watchkeeper.compare.window_shape import WindowShape, shape_of
from watchkeeper.core.batch import Batch
from watchkeeper.core.evidence import Transformation, TransformationKind
from watchkeeper.core.schema import ALL, Kind, Role, Schema
from watchkeeper.core.spec import Spec
from watchkeeper.core.state import State
from watchkeeper.core.window import Window, WindowRule
from watchkeeper.schema.inference import infer_schema
from watchkeeper.stats.codec import merged
from watchkeeper.stats.summarise import summarise

OUTPUT = Path(__file__).parents[1] / "UNITS.md"
Kinds = TransformationKind
States = Mapping[str, State]

PLANTED = {
    "× 1000": Transformation(Kinds.RATIO, "", 1000.0),
    "× 100": Transformation(Kinds.RATIO, "", 100.0),
    "÷ 10": Transformation(Kinds.RATIO, "", 0.1),
    "× 2.54": Transformation(Kinds.RATIO, "", 2.54),
    "× 1.609": Transformation(Kinds.RATIO, "", 1.609344),
    "°C → °F": Transformation(Kinds.AFFINE, "", 1.8, 32.0),
    "°C → K": Transformation(Kinds.AFFINE, "", 1.0, 273.15),
    "logarithm": Transformation(Kinds.LOGARITHM, "", float(np.e)),
}
_BLOCKS, _SEGMENT = 10, 200

_HEAD = """# Another unit, or a change by itself

*Natural* are pairs of stretches of one table (ten blocks of time, each against each later one; levels of a column of
few, each against each) and windows against the eight before: nothing in them changed its unit, so that what is called
one is false. *Planted* are windows that were turned, every column in a few windows of each length: called what they
are, called something else; the rest names no unit. What is found at all, by whatever alert, `make bench-sight` counts.
Limits were chosen on the generated tables alone.
"""


@dataclass
class Counts:
    """What came of one table."""

    pairs: int = 0
    steps: int = 0
    false: list[str] = field(default_factory=list)
    right: Counter[tuple[str, str]] = field(default_factory=Counter)
    wrong: Counter[tuple[str, str]] = field(default_factory=Counter)
    planted: Counter[tuple[str, str]] = field(default_factory=Counter)


def counted(one: UnitSet, turned: int = 3) -> Counts:
    """Return what is called another unit in one table."""
    schema = infer_schema(
        one.rows.head(20_000).select("at", *one.columns), roles={Role.TIME: "at"}, features=list(one.columns)
    )
    numbers = [c.name for c in schema.features if c.kind is Kind.NUMERIC and c.name not in schema.moving]
    found, days = Counts(), _windows(one.rows, schema, timedelta(days=1))
    for name, states in _stretches(one, schema, days):
        _pairs(found, f"{one.name}, {name}", states, numbers)
    for label, length in (("1d", timedelta(days=1)), ("1w", timedelta(days=7))):
        windows = days if label == "1d" else _windows(one.rows, schema, length)
        for column in numbers:
            _steps(found, one, schema, windows, column, label, turned)
    return found


def _windows(rows: pl.DataFrame, schema: Schema, every: timedelta) -> dict[Window, States]:
    spec = Spec("units", schema, WindowRule(every=every))
    kept = [c.name for c in schema]
    rule, pieces = spec.windows or WindowRule(), dict[Window, list[State]]()
    for key, state in summarise([Batch(rows.select(kept), schema)], spec).items():
        if key.window is not None and key.segment == ALL:
            pieces.setdefault(rule.window_of(key.window.start), []).append(state)
    return {w: _named(merged(pieces[w], w, "units")) for w in sorted(pieces)}


def _named(states: Mapping[tuple[str, str], State]) -> States:
    return {column: state for (segment, column), state in states.items() if segment == ALL}


def _stretches(one: UnitSet, schema: Schema, days: Mapping[Window, States]) -> Iterator[tuple[str, list[States]]]:
    """Yield stretches that are held against each other: blocks of time, and the levels of a column."""
    order = list(days)
    cut = [order[i * len(order) // _BLOCKS : (i + 1) * len(order) // _BLOCKS] for i in range(_BLOCKS)]
    held = [[s for w in block for s in days[w].values()] for block in cut]
    yield "time", [_named(merged(states, None, "units")) for states in held if states]
    spec, kept = Spec("units", schema), [c.name for c in schema]
    for column in one.segments:
        levels = [rows for (_,), rows in one.rows.group_by(column, maintain_order=True) if rows.height >= _SEGMENT]
        states = [summarise([Batch(rows.select(kept), schema)], spec).values() for rows in levels]
        yield column, [_named(merged(list(own), None, "units")) for own in states]


def _pairs(found: Counts, name: str, stretches: list[States], numbers: list[str]) -> None:
    for first, second in combinations(stretches, 2):
        for column in numbers:
            if column in name.split(", ")[1:] or not {column} <= first.keys() & second.keys():
                continue
            made = assess_column(first[column], second[column], ["unit_change"])
            does = made[0].evidence.transformation if made else None
            found.pairs += 1
            found.false += [f"{name}: {column} {does.units}"] if does else []


def _steps(
    found: Counts, one: UnitSet, schema: Schema, windows: Mapping[Window, States], column: str, label: str, turned: int
) -> None:
    order = [w for w in windows if column in windows[w] and not windows[w][column].problem]
    shapes = [shape_of(windows[w][column], w.start) for w in order]

    def before(at: int) -> list[WindowShape]:
        return [shape for shape in shapes[at - 8 : at] if shape is not None]

    for at in range(8, len(order)):
        does = unit_step(windows[order[at]][column], before(at))
        found.steps += 1
        found.false += [f"{one.name}, {label} {order[at].start:%Y-%m-%d}: {column} {does.units}"] if does else []
    if len(order) <= 10 or not turned:
        return
    rng = np.random.default_rng(7)
    chosen = sorted(rng.choice(np.arange(8, len(order)), min(turned, len(order) - 8), replace=False).tolist())
    for kind, planted in PLANTED.items():
        for at in chosen:
            w = order[at]
            rows = one.rows.filter((pl.col("at") >= w.start) & (pl.col("at") < w.end)).select(c.name for c in schema)
            values = rows[column].cast(pl.Float64).to_numpy()
            after = KnownTransformation(planted).apply(values)
            if not _makes_sense(kind, values) or not np.isfinite(after[np.isfinite(values)]).all():
                continue
            state = _windows(rows.with_columns(pl.Series(column, after)), schema, w.end - w.start)[w][column]
            does = unit_step(state, before(at))
            found.planted[kind, label] += 1
            if does is not None:
                exact = bool(np.isclose(does.factor, planted.factor) and np.isclose(does.offset, planted.offset))
                (found.right if exact and does.kind is planted.kind else found.wrong)[kind, label] += 1


def _makes_sense(kind: str, values: np.ndarray) -> bool:
    """Return whether a column may be turned so: temperatures are no millions, and a share is no length."""
    known = values[np.isfinite(values)]
    if len(known) < 5 or known.std() == 0 or (known.min() >= 0 and known.max() <= 1):
        return False
    if "°" in kind:
        shift = 32 + 0.8 * np.median(known) if "F" in kind else 273.15
        return bool(known.min() >= -95 and known.max() <= 135 and abs(shift) > 0.5 * known.std())
    return kind != "logarithm" or bool(known.min() > 0)


def render(counts: Mapping[str, Counts]) -> str:
    """Return the page."""
    lines = ["| table | pairs | windows after eight | called another unit |", "|---|--:|--:|--:|"]
    lines += [f"| {name} | {c.pairs:,} | {c.steps:,} | {len(c.false)} |" for name, c in counts.items()]
    pairs, steps = (sum(getattr(c, what) for c in counts.values()) for what in ("pairs", "steps"))
    false = [words for c in counts.values() for words in c.false]
    lines += [f"| **all** | {pairs:,} | {steps:,} | **{len(false)}** |", ""]
    lines += [f"- {words}" for words in false]
    lines += ["", "| planted | windows | called what it is | called something else | of |", "|---|---|--:|--:|--:|"]
    for kind in PLANTED:
        for label in ("1d", "1w"):
            n, right, wrong = (
                sum(getattr(c, what)[kind, label] for c in counts.values()) for what in ("planted", "right", "wrong")
            )
            if n:
                lines.append(f"| {kind} | {label} | {right / n:.0%} | {wrong / n:.1%} | {n} |")
    return "\n".join([_HEAD, *lines]).rstrip() + "\n"


def main() -> None:
    """Count what is asked for and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA, help="where real data sets are")
    parser.add_argument("--sets", nargs="*", default=(), help="words that the name of a set holds; all where none")
    parser.add_argument("--turned", type=int, default=3, help="windows of each column and length that are turned")
    parser.add_argument("--output", type=Path, default=OUTPUT)
    asked = parser.parse_args()
    counts: dict[str, Counts] = {}
    for one in every_set(asked.data):
        if asked.sets and not any(word in one.name for word in asked.sets):
            continue
        began = time.process_time()
        counts[one.name] = counted(one, asked.turned)
        sys.stderr.write(f"{one.name}: {time.process_time() - began:.0f} s, {counts[one.name].false}\n")
        asked.output.write_text(render(counts), encoding="utf-8")


if __name__ == "__main__":
    main()
