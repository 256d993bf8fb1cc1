"""Write bench/MAINTENANCE.md: ``python -m bench.maintenance [FOLDER OF THE PUBLIC DATA]``."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from statistics import mean
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import polars as pl
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from bench.maintenance.kept import Kept, keep
from bench.maintenance.rivals import RIVALS, rivals
from bench.maintenance.sets import PUBLIC, REFERENCE, WINDOWS, all_generated, faulty, public
from bench.maintenance.streams import Stream
from bench.report import machine

_OURS = "Watchkeeper's default"
_PAGE = Path(__file__).parent.parent / "MAINTENANCE.md"
_ABOUT = f"""\
# What keeping a model earns

Written by `make bench-maintenance`. A stream has {REFERENCE} windows (of a week) that the first model learns from and
{WINDOWS} over which it is kept; labels are there when their window has ended. Watchkeeper's default is `maintain` as it
stands with `promote: auto`: the very functions that propose, wait, choose the window, train, judge and refit, with the
chart that watches the loss by default. Its trainings go through the gate; those of the others serve untested at once.
Unless it says otherwise a rival learns from all rows so far. The best in hindsight is the least loss of any rival, or
of training after every window on all rows or on the last 1, 2, 4, 8, 16 or 32 windows, chosen for each stream after the
fact. All numbers are one run; generated streams (400 rows a window, logistic regression) come with two seeds, and
options were chosen on them alone. Public streams are cut into windows of equally many rows in their own order and
learned by 40 small trees of gradient boosting; rows of the gas sensors are mixed within a batch, since the file sorts
them by gas.
"""


def linear(rows: pl.DataFrame) -> Any:
    """Return the model of the generated streams."""
    model = make_pipeline(StandardScaler(), LogisticRegression())
    return model.fit(rows.drop("label", "id", "time", strict=False), rows["label"])


def trees(rows: pl.DataFrame) -> Any:
    """Return the model of the public streams."""
    kind = HistGradientBoostingRegressor if rows["label"].dtype == pl.Float64 else HistGradientBoostingClassifier
    return kind(max_iter=40, max_leaf_nodes=15).fit(rows.drop("label", "id", "time", strict=False), rows["label"])


def played(streams: Iterable[Stream], fit: Any) -> Iterator[tuple[str, dict[str, Kept], float]]:
    """Yield each stream's name, what became of it by each policy, and the best in hindsight."""
    for stream in streams:
        found, best = rivals(stream, fit)
        found[_OURS] = keep(stream, fit)
        yield stream.name, found, best
        print(f"{stream.name}: {excess(found[_OURS], best):+.1f} %", file=sys.stderr, flush=True)


def excess(kept: Kept, best: float) -> float:
    """Return by how much more than the best was lost, in percent."""
    return 100 * (kept.total / best - 1)


def tables(told: list[tuple[str, dict[str, Kept], float]]) -> Iterator[str]:
    """Yield a table by policy, and one by stream."""
    yield "| policy | mean excess over the best in hindsight, % | worst | windows with a training, % | most | fits |"
    yield "|---|--:|--:|--:|--:|--:|"
    for policy in (*RIVALS, _OURS):
        over = [excess(found[policy], best) for _, found, best in told]
        share = [100 * len(found[policy].trained) / len(found[policy].losses) for _, found, _ in told]
        fits = mean(found[policy].fits for _, found, _ in told)
        yield (f"| {policy} | {mean(over):.1f} | {max(over):.1f} | {mean(share):.0f} | {max(share):.0f} | {fits:.0f} |")
    yield ""
    yield "| stream | best loss a row | never, % | every window, % | default, % | its trainings | promotions | fits |"
    yield "|---|--:|--:|--:|--:|--:|--:|--:|"
    for name, found, best in told:
        own = found[_OURS]
        over = " | ".join(f"{excess(found[p], best):.1f}" for p in ("never", "every window", _OURS))
        yield (
            f"| {name} | {best / sum(own.rows):.4f} | {over} | {len(own.trained)} | {len(own.promoted)} | {own.fits} |"
        )


def main(folder: Path) -> None:
    """Play all streams and write the page."""
    made = list(played(all_generated(), linear))
    real = list(played((public(name, folder) for name in PUBLIC), trees)) if folder.is_dir() else []
    broken = range(REFERENCE + 20, REFERENCE + 25)
    fault = keep(faulty(), linear, broken)
    during = sum(number + REFERENCE in broken for number in fault.trained)
    lines = [_ABOUT, "## Generated streams", "", *tables(made), "", "## Public streams", ""]
    lines += [*tables(real), ""] if real else [f"There was no data in {folder.name}.", ""]
    said = (
        f"While one feature came a thousand times as large for five windows, and the alert about it was open, {during} "
        f"trainings were made; {len(fault.trained)} in all."
    )
    lines += ["## A data fault", "", said, "", f"Measured on {machine()}."]
    _PAGE.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"wrote {_PAGE.name}", file=sys.stderr)


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "../shared/data"))
