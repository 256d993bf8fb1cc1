"""Streams of labelled rows, by day, of which everything is known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl

__all__ = ["GENERATED", "START", "Stream", "generated"]

START = datetime(2024, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
FEATURES = ("x0", "x1", "x2", "x3")


@dataclass(frozen=True, slots=True)
class Stream:
    """Rows in the order of time.

    Parameters
    ----------
    days
        One frame a window, with ``id``, ``time``, features and ``label``.
    reference
        Windows that the first model learns from.
    classes
        Whether the label is one of two classes, else a number.
    """

    name: str
    days: tuple[pl.DataFrame, ...]
    reference: int
    classes: bool = True

    @property
    def features(self) -> list[str]:
        """Names of the features."""
        return [name for name in self.days[0].columns if name not in ("id", "time", "label")]


def _turned(angle: float) -> np.ndarray:
    return 2 * np.array([np.cos(angle), np.sin(angle), 0.3, 0.0])


def _weights(name: str, day: int, change: int) -> np.ndarray:
    after = max(0, day)
    turn = {
        "mild": np.pi / 3 * after / 60,
        "concept": np.pi * 0.75 * (after >= change),
        "recurring": np.pi * 0.5 * (after // 15 % 2),
    }
    return _turned(float(turn.get(name, 0.0)))


GENERATED: Mapping[str, float] = {"none": 0.0, "mild": 0.0, "concept": 0.0, "recurring": 0.0, "label noise": 0.25}
"""Streams, and which share of their labels is a coin."""


def generated(
    name: str, *, classes: bool = True, rows: int = 200, reference: int = 28, windows: int = 60, seed: int = 0,
    day_effect: float = 0.1, change: int = 20,
) -> Stream:  # fmt: skip
    """Return a stream: the label depends on two of four features, by an angle that turns as the name says.

    Parameters
    ----------
    day_effect
        Standard deviation of what all rows of a day have in common, in logits or in the unit of the label.
    change
        Window after the reference at which the world of ``concept`` turns.
    """
    rng = np.random.default_rng([seed, len(name), ord(name[0])])
    days = []
    for number in range(reference + windows):
        x = rng.normal(size=(rows, len(FEATURES)))
        known = x @ _weights(name, number - reference, change) + rng.normal(0, day_effect)
        label = rng.random(rows) < 1 / (1 + np.exp(-known)) if classes else known + rng.normal(size=rows)
        if classes:
            coin = rng.random(rows) < GENERATED[name]
            label = np.where(coin, rng.random(rows) < 0.5, label).astype(np.int64)
        seconds = np.sort(rng.integers(0, 86_400, rows))
        columns = {"id": [f"{number:03d}-{i:05d}" for i in range(rows)]}
        frame = pl.DataFrame(
            {
                **columns,
                "time": [START + number * DAY + timedelta(seconds=int(s)) for s in seconds],
                **{feature: x[:, i] for i, feature in enumerate(FEATURES)},
                "label": label,
            }
        )
        days.append(frame)
    return Stream(name, tuple(days), reference, classes)
