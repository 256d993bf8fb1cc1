"""Rows of a window that were set aside: how many, and when that is a fault."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from watchkeeper.core.alert import Cause
from watchkeeper.core.evidence import Change, Evidence, Quantity
from watchkeeper.core.measurement import Family, Measurement
from watchkeeper.core.signal import Signal, Zone
from watchkeeper.core.state import ROWS
from watchkeeper.core.window import Window

__all__ = ["SET_ASIDE", "judge_set_aside", "set_aside"]

SET_ASIDE = "rows_set_aside"

_FEW = 3
_SHARE = 0.01
"""More than a few rows, and more than this share of a window, are a fault of whatever sends them."""


def set_aside(model: str, window: Window | None, codes: Mapping[str, int], rows: int) -> Measurement:
    """Measure the share of a window's rows that were set aside.

    Parameters
    ----------
    codes
        How many, by reason.
    rows
        Rows of the window that were taken in.
    """
    aside = sum(codes.values())
    reasons = tuple(sorted(codes, key=lambda code: (-codes[code], code)))
    share = aside / (aside + rows)
    evidence = Evidence(Change(Quantity.SHARE, 0.0, share, levels=reasons))
    return Measurement(
        Family.QUALITY, SET_ASIDE, share, aside + rows, model=model, window=window, column=ROWS, evidence=evidence
    )


def judge_set_aside(measurements: Iterable[Measurement]) -> list[tuple[Cause, Signal]]:
    """Return a signal where more than a few rows of the window were set aside."""
    found = []
    for m in measurements:
        if m.name == SET_ASIDE and m.value is not None:
            fired = m.value > _SHARE and round(m.value * m.n) > _FEW
            zone = Zone.BEYOND if fired else Zone.WITHIN_1
            rule, score = (SET_ASIDE, 100.0) if fired else ("", 0.0)
            signal = Signal(m, "without a chart", None, None, _SHARE, zone, rule, score, fired=fired)
            found.append((Cause.DATA_FAULT, signal))
    return found
