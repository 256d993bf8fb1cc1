"""Faults of the labels of windows: those that should have come and have not, and those that say the opposite."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from watchkeeper.core.alert import Cause
from watchkeeper.core.evidence import Change, Evidence, Labels, Quantity
from watchkeeper.core.measurement import Family, Measurement
from watchkeeper.core.schema import ALL
from watchkeeper.core.signal import Signal, Zone
from watchkeeper.core.window import Window
from watchkeeper.performance.arrivals import Overdue

__all__ = ["LABELS_OVERDUE", "judge_overdue", "labels_overdue", "settled_turn"]

LABELS_OVERDUE = "labels_overdue"


def labels_overdue(model: str, window: Window, label: str, late: Overdue) -> Measurement:
    """Measure by how much an earlier window falls short of the labels that are usual of one as old.

    Parameters
    ----------
    window
        The one that is judged.
    late
        The earlier one.
    """
    due = datetime.fromtimestamp(late.due, UTC)
    labels = Labels(late.share, 1.0, late.usual - late.share, False, late.usual, due)
    change = Change(Quantity.SHARE, late.usual, late.share, levels=("labelled rows",))
    evidence = Evidence(change, labels=labels)
    lacking = late.usual - late.share
    return Measurement(
        Family.QUALITY, LABELS_OVERDUE, lacking, late.rows, model=model, window=window, column=label, evidence=evidence
    )


def judge_overdue(measurements: Iterable[Measurement]) -> list[tuple[Cause, Signal]]:
    """Return a signal where labels are overdue: it is only measured where they are."""
    return [
        (Cause.LABEL_FAULT, Signal(m, "without a chart", zone=Zone.BEYOND, rule=m.name, score=100.0, fired=True))
        for m in measurements
        if m.name == LABELS_OVERDUE and m.value is not None
    ]


def settled_turn(turned: Measurement | None, measurements: Iterable[Measurement]) -> list[Measurement]:
    """Return what was seen of labels that turned, unless more labels of the window are to come than there are.

    Those that come first may be the ones that the model got wrong.
    """
    known = [m.evidence.labels for m in measurements if m.segment == ALL and m.evidence.labels is not None]
    waits = any(labels.waits for labels in known)
    return [turned] if turned is not None and not waits else []
