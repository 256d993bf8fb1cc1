"""Print the tables of docs/charts.md: python -m bench.charts [SERIES]."""

from __future__ import annotations

import sys
from datetime import timedelta

from bench.charts.situations import SITUATIONS, delays, judged, low_weekday
from watchkeeper.core.plugins import plugin
from watchkeeper.core.spec import AlertRule
from watchkeeper.steps.monitors import harm_options

_YEARLY = AlertRule(budget=365.25)
"""One false alert per model and year, of daily windows."""

DEFAULT = ("seasonal_residual", {**harm_options(_YEARLY, 2, timedelta(days=1)), "side": "lower"})
"""What metrics are judged by where nobody names a chart."""

RULES: dict[str, tuple[str, dict[str, float | str]]] = {
    "the default": DEFAULT,
    "`seasonal_residual`": ("seasonal_residual", {"run_length": 370.4}),
    "`ewma`": ("ewma", {"run_length": 370.4}),
    "`cusum`": ("cusum", {"run_length": 370.4}),
    "`shewhart`, 30 windows": ("shewhart", {"min_samples": 30.0}),
    "`shewhart`, 8 windows": ("shewhart", {}),
}
_DEFAULT_TIMES = 4
"""The default is measured on so many times as many series."""

SHIFTS = (1.0, 2.0, 4.0)
_SHIFTED = ("2,000 rows a window", "varies between windows", "AR(1), φ = .4")


def main(series: int) -> None:
    """Measure and print."""
    _head("situation")
    alerts = {}
    for situation in SITUATIONS:
        cells = []
        for name, (chart, options) in RULES.items():
            times = _DEFAULT_TIMES if options is DEFAULT[1] else 1
            tally = judged(plugin("chart", chart), options, situation, times * series)
            cells.append(f"{1_000 * tally.alarms / tally.windows:.1f} ({1_000 * tally.signals / tally.windows:.1f})")
            alerts[name, situation] = f"{1_000 * tally.alerts / tally.windows:.2f}"
        _row(situation, cells)
    for weeks in (9, 16):
        _row(
            f"a rise of 4 sigma on a Sunday after {weeks - 1} weeks, seen",
            [f"{low_weekday(plugin('chart', c), _rising(o), 4 * series, weeks):.0%}" for c, o in RULES.values()],
        )
    print("\nAlerts, which take 2 of 3 windows:\n")
    _head("situation")
    for situation in SITUATIONS:
        _row(situation, [alerts[name, situation] for name in RULES])
    print("\nWindows to a signal / to an alert after a lasting fall (medians):\n")
    _head("fall")
    for situation in _SHIFTED:
        for shift in SHIFTS:
            found = [
                delays(plugin("chart", c), {**o, "side": "lower"}, situation, shift, series) for c, o in RULES.values()
            ]
            _row(f"{shift:g} sigma, {situation}", [f"{signal:g} / {alert:g}" for signal, alert in found])


def _rising(options: dict[str, float | str]) -> dict[str, float | str]:
    """Return the options for a metric whose rise is the harm, where one side alone is judged."""
    return {**options, "side": "upper"} if "side" in options else options


def _head(first: str) -> None:
    print(f"| {first} | " + " | ".join(RULES) + " |\n|---|" + "---|" * len(RULES))


def _row(name: str, cells: list[str]) -> None:
    print(f"| {name} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 50)
