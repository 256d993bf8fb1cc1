"""A world that turns is learned anew as soon as labelled rows of it are there, by a classifier and a regressor."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression

from bench.maintenance.closed_loop import answered, play, row_losses
from bench.maintenance.streams import Stream, generated
from watchkeeper.core.action import ActionKind

CHANGE = 3
AFTER = 6
"""Windows that are played once labels of the first window after the change are there."""


def best_loss(stream: Stream, asked: slice) -> float:
    """Return what a model loses that has learned from the new world alone, and from all of it."""
    new = pl.concat(stream.days[stream.reference + CHANGE : asked.start])
    made = LogisticRegression() if stream.classes else LinearRegression()
    model = made.fit(new.select(stream.features), new["label"])
    rows = pl.concat(stream.days[asked])
    return float(row_losses(stream, rows["label"].to_numpy(), answered(stream, model, rows)).mean())


@pytest.mark.parametrize("classes", [True, False])
@pytest.mark.parametrize("delay", [1, 7])
def test_a_turned_world_is_mended_within_three_windows_of_its_first_labels(
    classes: bool, delay: int, tmp_path: Path
) -> None:
    stream = generated("concept", classes=classes, reference=14, windows=CHANGE + delay + AFTER, change=CHANGE)
    metric = "log_loss" if classes else "mae"
    monitors = f"monitors: {{only: [{{measure: {metric}, cause: performance}}]}}"
    played = play(stream, tmp_path, delay=delay, monitors=monitors)
    # The labels of window w are there when window w + delay has ended.
    first_labels = stream.reference + CHANGE + delay
    promotions = played.days(ActionKind.PROMOTE)
    assert 1 <= len(promotions) <= 3
    # The run after a window bears its end: the window itself is the one before.
    assert promotions[0] - 1 <= first_labels + 2
    last = slice(len(stream.days) - 4, len(stream.days))
    assert np.mean(played.losses[-4:]) <= 1.05 * best_loss(stream, last)
