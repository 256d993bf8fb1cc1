"""Print the table of docs/charts.md: python -m bench.charts [SERIES]."""

from __future__ import annotations

import sys

from bench.charts.situations import SITUATIONS, judged, low_weekday
from watchkeeper.core.plugins import plugin

RULES: dict[str, tuple[str, dict[str, float | str]]] = {
    "`seasonal_residual`": ("seasonal_residual", {"run_length": 370.4}),
    "`ewma`": ("ewma", {"run_length": 370.4}),
    "`cusum`": ("cusum", {"run_length": 370.4}),
    "`shewhart`, 30 windows": ("shewhart", {"min_samples": 30.0}),
}


def main(series: int) -> None:
    """Measure and print."""
    print("| situation | " + " | ".join(RULES) + " |")
    print("|---|" + "---|" * len(RULES))
    for situation in SITUATIONS:
        cells = []
        for name, options in RULES.values():
            tally = judged(plugin("chart", name), options, situation, series)
            cells.append(f"{1_000 * tally.alarms / tally.windows:.1f} ({1_000 * tally.signals / tally.windows:.1f})")
        print(f"| {situation} | " + " | ".join(cells) + " |", flush=True)
    for weeks in (9, 16):
        seen = [low_weekday(plugin("chart", name), options, 4 * series, weeks) for name, options in RULES.values()]
        print(
            f"| 4 sigma on a Sunday after {weeks - 1} weeks | " + " | ".join(f"{s:.0%}" for s in seen) + " |",
            flush=True,
        )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 50)
