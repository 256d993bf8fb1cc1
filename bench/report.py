"""The page of results."""

from __future__ import annotations

import os
import platform
import re
from pathlib import Path
from statistics import median
from typing import Any

Report = dict[str, Any]

DOES = {
    "read_parquet": "Polars reads both Parquet files and does nothing with them",
    "watchkeeper_check": "Watchkeeper from files to verdict: reads in batches, infers the schema, summarises both "
    "sides, all default comparisons and performance metrics with errors and intervals, charts, alerts",
    "evidently_presets": "Evidently's data drift, data summary and classification presets with their defaults, from "
    "files to a dictionary",
    "whylogs_profiles": "whylogs profiles both tables, from files to summaries; it compares nothing",
}
_OURS = ("read_parquet", "watchkeeper_steps", "watchkeeper_segments", "watchkeeper_check")
NAMES = {
    "read_parquet": "Polars, reading only",
    "watchkeeper_check": "Watchkeeper",
    "evidently_presets": "Evidently",
    "whylogs_profiles": "whylogs",
}


def total(report: Report) -> float:
    """Median over runs of all phases together, in seconds."""
    return median(sum(run) for run in zip(*report["times"].values(), strict=True))


def phase(report: Report, name: str) -> float:
    """Median time of one phase, in seconds."""
    return median(report["times"][name])


def machine() -> str:
    """Processor, cores, memory and Python."""
    model = platform.processor() or platform.machine()
    cpus = Path("/proc/cpuinfo")
    if cpus.exists() and (found := re.search(r"^model name\s*: (.*)$", cpus.read_text(), re.MULTILINE)):
        model = found[1]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{model}, {os.cpu_count()} cores, {memory:.0f} GiB; Python {platform.python_version()} on {platform.system()}"
    )


def _spread(report: Report) -> str:
    runs = [sum(run) for run in zip(*report["times"].values(), strict=True)]
    return "one run" if len(runs) == 1 else f"{len(runs)} runs, {min(runs):.3g} to {max(runs):.3g}"


def _systems(found: dict[str, Report]) -> list[str]:
    ours = found["watchkeeper_check"]
    lines = ["| system | seconds | runs | peak memory, MB | times Watchkeeper |", "|---|--:|---|--:|--:|"]
    for script, name in NAMES.items():
        report = found[script]
        if "failed" in report:
            lines.append(f"| {name} | – | did not run: {report['failed']} | – | – |")
            continue
        ratio = "–" if "failed" in ours else f"{total(report) / total(ours):.3g}"
        lines.append(f"| {name} | {total(report):.3g} | {_spread(report)} | {report['peak_mb']:,.0f} | {ratio} |")
    return lines


def _steps(report: Report) -> list[str]:
    if "failed" in report:
        return [f"The steps did not run: {report['failed']}"]
    read, summarise, compare = (phase(report, name) for name in ("read", "summarise", "compare"))
    busy = report["facts"]["busy"]

    def pairs(found: dict[str, list[float]]) -> str:
        ratios = [s / r for r, s in zip(found["read"], found["summarise"], strict=True)]
        return f"**{median(ratios):.2f} times** ({min(ratios):.2f} to {max(ratios):.2f})"

    return [
        "Step by step on frames in memory, reading and summarising in turns, both tables:",
        "",
        "| step | seconds | processor seconds |",
        "|---|--:|--:|",
        f"| read the Parquet files with Polars | {read:.3f} | {median(busy['read']):.3f} |",
        f"| summarise | {summarise:.3f} | {median(busy['summarise']):.3f} |",
        f"| compare: {report['facts']['measurements']} measurements | {compare:.3f} | {median(busy['compare']):.3f} |",
        "",
        f"Summarising costs {pairs(report['times'])} reading in wall time and {pairs(busy)} in processor time.",
    ]


def _segments(report: Report) -> list[str]:
    if "failed" in report:
        return [f"Segments and rules did not run: {report['failed']}"]
    facts = report["facts"]

    def ratio(found: dict[str, list[float]], *also: str) -> str:
        """Return the whole over the plain summary, both with the steps in ``also``, run by run."""
        every = zip(*(found[name] for name in ("plain", "summarise", "compare", *also)), strict=True)
        ratios = [(cut + compare + sum(more)) / (plain + sum(more)) for plain, cut, compare, *more in every]
        return f"**{median(ratios):.2f} times** ({min(ratios):.2f} to {max(ratios):.2f})"

    times, busy = report["times"], facts["busy"]
    return [
        (
            f"{facts['columns']} columns with 20 segments, {facts['rules']} rules and all default comparisons "
            f"({facts['measurements']} measurements), one table, in turns with the plain summary:"
        ),
        "",
        "| step | seconds | processor seconds |",
        "|---|--:|--:|",
        *(
            f"| {told} | {median(times[name]):.3f} | {median(busy[name]):.3f} |"
            for name, told in (
                ("read", "read the Parquet file with Polars"),
                ("plain", "summarise plainly"),
                ("summarise", "summarise with segments and rules"),
                ("compare", "compare"),
            )
        ),
        "",
        (
            f"All of it costs {ratio(busy)} the plain summary in processor time, {ratio(busy, 'read')} with the "
            "reading that both need."
        ),
    ]


def _against(found: dict[str, Report]) -> list[str]:
    peer, steps, check = (found[name] for name in ("evidently_presets", "watchkeeper_steps", "watchkeeper_check"))
    if any("failed" in report for report in (peer, steps, check)):
        return []
    frames = phase(peer, "presets") / (phase(steps, "summarise") + phase(steps, "compare"))
    return [
        "",
        (
            f"Evidently takes **{total(peer) / total(check):.0f} times** as long from files to results, and "
            f"**{frames:.0f} times** from frames in memory to results."
        ),
    ]


def _memory(peaks: dict[int, Report]) -> list[str]:
    lines = ["| rows | peak memory, MB | seconds |", "|--:|--:|--:|"]
    good = {rows: report for rows, report in peaks.items() if "failed" not in report}
    for rows, report in peaks.items():
        lines.append(
            f"| {rows:,} | did not run: {report['failed']} | – |"
            if "failed" in report
            else f"| {rows:,} | {report['peak_mb']:,.0f} | {total(report):.3g} |"
        )
    if len(good) > 1:
        least, most = good[min(good)], good[max(good)]
        lines += ["", f"Ratio of the peaks, largest to smallest file: **{most['peak_mb'] / least['peak_mb']:.2f}**."]
    return lines


def _versions(results: dict[int, dict[str, Report]]) -> str:
    found: dict[str, str] = {}
    for reports in results.values():
        for script, report in reports.items():
            for package, version in report.get("versions", {}).items():
                place = "" if script in _OURS else f" ({NAMES[script]})"
                found.setdefault(package + place, version)
    return ", ".join(f"{name} {version}" for name, version in found.items())


def render(results: dict[int, dict[str, Report]], peaks: dict[int, Report]) -> str:
    """Return the whole page."""
    lines = [
        "# Benchmark results",
        "",
        (
            "Written by `make bench`; every number is from that one run. Generated tables: 20 numeric columns (normal, "
            "lognormal, uniform, exponential, whole numbers, mostly zero, cents; three with nulls), 5 categorical "
            "columns with 3, 10, 50, 100 and 200 levels, score, prediction and label; a reference and a current table "
            "of the given size each. Every system runs in a process of its own and times itself; times are medians of "
            "wall time, peak memory is the process's largest resident set."
        ),
        "",
        f"Machine: {machine()}.",
        "",
        f"Versions: {_versions(results)}.",
        "",
        *(f"- {NAMES[script]}: {text}." for script, text in DOES.items()),
    ]
    for rows, found in results.items():
        lines += [
            "",
            f"## {rows:,} rows",
            "",
            *_systems(found),
            *_against(found),
            "",
            *_steps(found["watchkeeper_steps"]),
            "",
            *_segments(found["watchkeeper_segments"]),
        ]
    lines += ["", "## Peak memory", "", "Watchkeeper summarises one file in batches.", "", *_memory(peaks)]
    return "\n".join(lines) + "\n"
