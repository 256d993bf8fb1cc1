"""The page docs/calibration.md."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from importlib.metadata import PackageNotFoundError, version
from math import inf

from bench.calibration import stream_rule, window_rule
from bench.calibration.claims import Claim
from bench.calibration.jobs import MILLION, evidently_version
from bench.calibration.streams import CHANGES, CLEAN, REFERENCE_WINDOWS, ROWS, WINDOWS
from bench.calibration.tally import Tally
from bench.report import machine

KINDS = {"windows": "30 features in windows of 1,000 rows", "rows": "One feature, row by row"}

_HEAD = f"""# Calibration: false alarms and delays

Written by `make calibrate`; do not edit. Every number and every verdict is computed from that run, on streams that are
the same for every system and follow from their seeds.

A reference of {REFERENCE_WINDOWS * ROWS:,} rows, then {WINDOWS} windows of {ROWS:,} rows. The 30 features are 20
numeric ones (normal, lognormal, uniform, exponential, counts, whole amounts, 70 % zeros) and 10 categorical ones with
3 to 50 levels. In the first half of a drifting stream nothing changes, in the second half one feature does; a delay
counts the rows from the change to the first alarm that names that feature. Window noise moves every feature of every
window by .03 σ at random; clusters are ten rows that arrive together, equal or correlated by .5.

Watchkeeper's window rule runs with its default monitors and the budget "{window_rule.BUDGET}" on windows
of a day, through states, measurements, signals and alerts (two windows of three; data faults at once). "Single windows"
is the same without persistence. The stream rule sees batches of {stream_rule.BATCH} rows and promises a run length of
A = {stream_rule.RUN_LENGTH:,.0f} rows."""

_NOTES = {
    "windows": "A false alarm is an alert that begins to fire (Watchkeeper's alerts), or a window in which any column "
    "is called drifted (all others). In brackets: the share of windows that show an alarm. A system that alarms all "
    "the time also finds every change at once: read a delay beside the false alarms. The design effect is unknown "
    "where the reference has no times, from which one could learn how its rows cluster.",
    "rows": "A detector that alarms starts anew. KSWIN, which takes a millisecond for each value, is given a tenth of "
    "each stream; the others all of it, and the 50,000 rows of the reference first. The stream rule waits for a change "
    f"for {stream_rule.HORIZON * ROWS:,} rows. The level appears in a categorical feature; river's detectors read "
    "numbers alone.",
}


def render(
    tallies: Sequence[Tally], promises: Sequence[Claim], failures: Iterable[str], seconds: float, real: str
) -> str:
    """Return the whole page; ``real`` is the section on real data."""
    kept = sum(one.kept for one in promises)
    lines = [
        _HEAD,
        "",
        f"Machine: {machine()}; {seconds / 60:.0f} minutes. Versions: {_versions(tallies)}.",
        "",
        f"## What is promised: {kept} of {len(promises)} kept",
        "",
        "| promise | wanted | measured | kept |",
        "|---|--:|--:|---|",
        *(f"| {c.words} | {c.wanted} | {c.measured} | {'yes' if c.kept else '**no**'} |" for c in promises),
    ]
    for kind, title in KINDS.items():
        some = [one for one in tallies if one.kind == kind and one.stream != MILLION]
        if some:
            lines += ["", f"## {title}", "", *_tables(some), "", _NOTES[kind]]
    lines += ["", "## Where others are quicker", "", *_losses(tallies)]
    lines += [f"- Did not run: {words}" for words in failures]
    return "\n".join([*lines, "", real.strip()]).rstrip() + "\n"


def _tables(tallies: Sequence[Tally]) -> list[str]:
    found = {(one.system, one.stream): one for one in tallies}
    systems = list(dict.fromkeys(one.system for one in tallies))
    clean = [s.name for s in CLEAN if any(one.stream == s.name for one in tallies)]
    changes = [s.name for s in CHANGES if any(one.stream == s.name for one in tallies)]
    lines = ["False alarms per 100,000 rows.", "", *_header(clean)]
    lines += [f"| {one} | {' | '.join(_false(found.get((one, s))) for s in clean)} |" for one in systems]
    late = [one for one in systems if any((one, s) in found for s in changes)]
    lines += ["", "Median delay in rows, and the share of changes found.", "", *_header(changes)]
    lines += [f"| {one} | {' | '.join(_late(found.get((one, s))) for s in changes)} |" for one in late]
    return [*lines, "", f"Repetitions: {_repetitions(found, systems, clean, changes)}."]


def _header(names: Sequence[str]) -> list[str]:
    return [f"| system | {' | '.join(names)} |", "|---|" + "--:|" * len(names)]


def _false(tally: Tally | None) -> str:
    if tally is None:
        return "–"
    rate = f"{tally.rate:.3g}" if tally.alarms else "0"
    return rate if tally.kind == "rows" else f"{rate} ({1e5 * tally.red / tally.rows:.3g} %)"


def _late(tally: Tally | None) -> str:
    if tally is None:
        return "–"
    delay = f"{tally.delay:,.0f}" if tally.delay < inf else "not found"
    return f"{delay} ({tally.found:.0%})".replace("%", " %")


def _repetitions(
    found: dict[tuple[str, str], Tally], systems: Sequence[str], clean: Sequence[str], changes: Sequence[str]
) -> str:
    """Say how much every system was given; systems that were given the same are told together."""
    told: dict[str, list[str]] = {}
    for system in systems:
        quiet = [found[system, s] for s in clean if (system, s) in found]
        moved = [found[system, s] for s in changes if (system, s) in found]
        rows = sorted({(one.repetitions, one.rows) for one in quiet}, reverse=True)
        parts = " or ".join(f"{times} ({count:,} rows)" for times, count in rows)
        times = " or ".join(str(count) for count in sorted({one.repetitions for one in moved}))
        told.setdefault(f"{parts} of a clean stream" + (f", {times} of a change" if times else ""), []).append(system)
    return "; ".join(f"{words}: {', '.join(names)}" for words, names in told.items())


def _losses(tallies: Sequence[Tally]) -> list[str]:
    """Return, for each change, the systems that find it sooner than ours, with their false alarms on clean rows."""
    ours = {"windows": window_rule.ALERTS, "rows": next(iter(stream_rule.RULES))}
    rates = {(t.kind, t.system, t.stream): f"{t.rate:.3g}" for t in tallies}
    lines = ["In brackets: false alarms per 100,000 rows of the clean stream, and of the one with window noise.", ""]
    for kind, mine in ours.items():
        for change in CHANGES:
            some = sorted((t for t in tallies if t.kind == kind and t.stream == change.name), key=lambda t: t.delay)
            best = next((t.delay for t in some if t.system == mine), None)
            sooner = [t for t in some if best is not None and t.delay < best and not t.system.startswith("Watchkeeper")]
            told = [
                f"{t.system} {t.delay:,.0f} ({', '.join(rates.get((kind, t.system, s.name), '–') for s in CLEAN[:2])})"
                for t in sooner
            ]
            if told and best is not None:
                delay = f"{best:,.0f} rows" if best < inf else "not found"
                lines.append(f"- {KINDS[kind]}, {change.name}, {mine}: {delay}; {'; '.join(told)}.")
    return lines


def _versions(tallies: Sequence[Tally]) -> str:
    names = ["watchkeeper", "numpy", "scipy", "polars", "river"]
    found = []
    for name in names:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    if any(one.system.startswith("Evidently") for one in tallies):
        found.append(f"evidently {evidently_version().strip()}")
    return ", ".join(found)
