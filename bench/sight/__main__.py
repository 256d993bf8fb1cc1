"""Prove default set-ups on tables with seasons and write ``bench/SIGHT.md``: ``make bench-sight``."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import watchkeeper
from bench.sight.sets import DATA, every_set
from watchkeeper.core.proof import ProofResult, Tally, Trial

__all__ = ["FAULTS", "GROUPS", "Proved", "render"]

OUTPUT = Path(__file__).parents[1] / "SIGHT.md"

GROUPS: dict[str, tuple[str, ...]] = {
    "at once": ("nulls@1", "default@1", "sentinel@1", "another_type@1", "renamed_levels@1"),
    "units": ("unit_ratio@1000", "unit_ratio@0.1", "unit_ratio@2.54", "unit_affine@1.8", "unit_affine@1"),
    "swaps": ("swapped@1",),
    "constants": ("stuck@1",),
    "15 % nulls": ("nulls@0.15",),
    "−999 in 10 %": ("sentinel@0.1",),
    "shift .5 σ": ("shift@0.5",),
    "shift 1 σ": ("shift@1",),
    "spread × 1.5": ("scale@1.5",),
    "label flip": ("label_flip@1",),
}
"""Columns of the table, and the faults in each."""

FAULTS = tuple(fault for faults in GROUPS.values() for fault in faults)

_HEAD = """# Power on real seasons

Default set-ups, as `watchkeeper init` writes them, on tables from when all was well: the last third of each is replayed
against the rest, and faults are planted in each column in turn ([what counts](../docs/prove.md)). Numbers are the share
of the planted faults that an alert found within {within} windows, in brackets how many were planted; seeds: {seeds}.
*Kind first* and *column first* are shares of what was found; of the label flip the kind is that of its own alert. False
alarms are alerts of the replay without faults, in 1,000 windows; growth, trends and years that differ count among them,
since nothing was wrong. Generated data have daily, weekly and yearly seasons, growth and holidays.
"""


@dataclass(frozen=True)
class Proved:
    """What came of one set, in windows of one length."""

    name: str
    length: str
    result: ProofResult
    seconds: float


def render(proved: Sequence[Proved], *, within: int, seeds: int) -> str:
    """Return the page."""
    heads = ["set", "windows", *GROUPS, "kind first", "column first", "label flip: kind", "false in 1,000"]
    lines = [f"| {' | '.join(heads)} |", f"|---|---{'|--:' * (len(heads) - 2)}|"]
    lines += [f"| {one.name} | {_length(one)} | {' | '.join(_cells(one.result))} |" for one in proved]
    failed = [f"{p.name}, {p.length}: {t.says} in {t.column}: {t.reason}" for p in proved for t in _failed(p.result)]
    told = [f"- {p.name}, {p.length}: {p.result.why}" for p in proved if p.result.why]
    told += [f"- {p.name}, {p.length}: {p.result.untried} trials were left out." for p in proved if p.result.untried]
    told += [f"- failed: {words}" for words in failed[:10]]
    return "\n".join([_HEAD.format(within=within, seeds=seeds), *lines, "", *told]).rstrip() + "\n"


def _length(one: Proved) -> str:
    return f"{len(one.result.replayed)} of {one.length}"


def _cells(result: ProofResult) -> list[str]:
    cells = [_share(_of(result.trials, faults)) for faults in GROUPS.values()]
    features = [t for t in result.trials if t.fault != "label_flip"]
    found, flips = Tally.of(features), Tally.of(t for t in result.trials if t.fault == "label_flip")
    windows = len(result.replayed)
    false = f"{1000 * len(result.false_alarms) / windows:.0f}" if windows else "–"
    return [*cells, _percent(found.kind_first), _percent(found.column_first), _percent(flips.kind_first), false]


def _of(trials: Iterable[Trial], faults: Sequence[str]) -> Tally:
    return Tally.of(t for t in trials if f"{t.fault}@{t.size:g}" in faults)


def _share(tally: Tally) -> str:
    return f"{_percent(tally.share)} ({tally.planted})" if tally.planted else "–"


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.0f} %"


def _failed(result: ProofResult) -> list[Trial]:
    return [t for t in result.trials if t.outcome.value == "failed"]


def main() -> None:
    """Prove what is asked for and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA, help="where real data sets are")
    parser.add_argument("--sets", nargs="*", default=(), help="words that the name of a set holds; all where none")
    parser.add_argument("--lengths", nargs="*", default=(), help="lengths of windows, such as 1d")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--within", type=int, default=4, help="windows after which a fault counts as missed")
    parser.add_argument("--windows", type=int, default=60, help="windows to replay at most")
    parser.add_argument("--limit", type=int, default=None, help="trials of each set at most")
    parser.add_argument("--output", type=Path, default=OUTPUT)
    given = parser.parse_args()
    proved = []
    for one in every_set(given.data, given.seeds):
        if given.sets and not any(word in one.name for word in given.sets):
            continue
        for length in (x for x in one.lengths if not given.lengths or x in given.lengths):
            began = time.process_time()
            result = watchkeeper.prove(
                one.rows, faults=FAULTS, seeds=given.seeds, within=given.within, windows=given.windows,
                limit=given.limit, every=length, **one.roles,
            ).result  # fmt: skip
            proved.append(Proved(one.name, length, result, time.process_time() - began))
            sys.stderr.write(f"{one.name}, {length}: {len(result.trials)} trials, {proved[-1].seconds:.0f} s\n")
            given.output.write_text(render(proved, within=given.within, seeds=given.seeds), encoding="utf-8")


if __name__ == "__main__":
    main()
