"""Two columns in each other's place: x now looks as y did, and y as x."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from watchkeeper.compare.unit_step import LEAST_WINDOWS, StepTest
from watchkeeper.compare.window_shape import Lately
from watchkeeper.core.evidence import Transformation, TransformationKind
from watchkeeper.core.state import State

__all__ = ["swapped"]


@np.errstate(over="ignore", invalid="ignore", divide="ignore")
def swapped(current: Mapping[str, State], lately: Mapping[str, Lately]) -> dict[str, Transformation]:
    """Return the columns of numbers that changed places, each with the other one.

    Both are farther from the windows before than these ever are from each other, one of them four times; and each is
    like the windows before of the other. Where several could have changed places, the pair that fits best has.
    """
    moved: dict[str, StepTest] = {}
    for column, state in current.items():
        known = lately.get(column)
        test = StepTest.of(state, known.shapes) if known and len(known.shapes) >= LEAST_WINDOWS else None
        if test is not None and test.away > 1:
            moved[column] = test
    names, fits = sorted(moved), list[tuple[float, str, str]]()
    for at, first in enumerate(names):
        for second in names[at + 1 :]:
            a, b = moved[first], moved[second]
            away = max(a.away_from(b), b.away_from(a))
            if away <= 1 and (a.sudden or b.sudden):
                fits.append((away, first, second))
    found: dict[str, Transformation] = {}
    for _, first, second in sorted(fits):
        if first not in found and second not in found:
            for one, other in ((first, second), (second, first)):
                start = moved[one].start
                found[one] = Transformation(TransformationKind.SWAP, column=other, since=start)
    return found
