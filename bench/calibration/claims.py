"""What Watchkeeper promises, beside what was measured."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench.calibration import stream_rule, window_rule
from bench.calibration.jobs import MILLION
from bench.calibration.streams import CLEAN, ROWS
from bench.calibration.tally import Tally, poisson_limits

FINE, DEFAULT = stream_rule.RULES
DELAYS = {"shift .5 σ": 200, "shift .2 σ": 700, "scale × 1.5": 250}
"""Median delays in rows that the stream rule must keep at δ = .006."""


@dataclass(frozen=True)
class Claim:
    """A promise, the number that was measured, and whether it was kept."""

    words: str
    wanted: str
    measured: str
    kept: bool


def claims(tallies: Sequence[Tally]) -> list[Claim]:
    """Return every promise for which there are numbers."""
    found = {(one.system, one.stream): one for one in tallies}
    wanted: list[tuple[str, str, Callable[[Tally], Claim]]] = [
        *((system, stream.name, _budget) for stream in CLEAN for system in (window_rule.ALERTS, window_rule.SINGLE)),
        (FINE, CLEAN[0].name, _silent),
        *((system, stream.name, _run_length) for stream in CLEAN for system in (FINE, DEFAULT)),
        *((FINE, name, _prompt) for name in DELAYS),
        *((system, MILLION, _silent) for system in (window_rule.SINGLE, DEFAULT)),
    ]
    return [judge(found[system, stream]) for system, stream, judge in wanted if (system, stream) in found]


def _budget(tally: Tally) -> Claim:
    words = "alerts" if tally.system == window_rule.ALERTS else "windows that signal"
    windows = tally.rows // ROWS
    allowed = windows / window_rule.RUN_LENGTH
    lower, upper = poisson_limits(tally.alarms)
    return Claim(
        f"Window rule, 30 features, {tally.stream}: {words} in {windows:,} windows",
        f"at most {allowed:.1f}",
        f"{tally.alarms} (95 % limits {lower:.1f} to {upper:.1f})",
        tally.alarms <= allowed,
    )


def _run_length(tally: Tally) -> Claim:
    allowed = tally.rows / stream_rule.RUN_LENGTH
    lower, upper = poisson_limits(tally.alarms)
    return Claim(
        f"{_rule(tally)}, {tally.stream}: false alarms in {tally.rows:,} rows at A = 100,000",
        f"at most {allowed:.0f}",
        f"{tally.alarms} (95 % limits {lower:.1f} to {upper:.1f})",
        tally.alarms <= allowed,
    )


def _silent(tally: Tally) -> Claim:
    return Claim(
        f"{_rule(tally)}, {tally.stream}: alarms in {tally.rows:,} rows", "0", str(tally.alarms), tally.alarms == 0
    )


def _prompt(tally: Tally) -> Claim:
    most = DELAYS[tally.stream]
    words = f"{_rule(tally)}, {tally.stream}: median delay in rows"
    return Claim(words, f"at most {most:,}", f"{tally.delay:,.0f}", tally.delay <= most)


def _rule(tally: Tally) -> str:
    return tally.system.removeprefix("Watchkeeper, ").capitalize()
