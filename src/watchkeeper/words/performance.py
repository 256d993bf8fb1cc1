"""What performance waits for, and what the bands of estimates rest on, in sentences."""

from __future__ import annotations

from collections.abc import Iterable

from watchkeeper.core.measurement import Family, Measurement
from watchkeeper.core.metric import UNLABELLED
from watchkeeper.core.schema import ALL

__all__ = ["band_sentences", "waiting_sentence"]

_LISTED = 4


def waiting_sentence(measurements: Iterable[Measurement]) -> str:
    """Say which windows wait for their labels, how many are in, and when the rest is to be expected."""
    waits = {}
    for m in measurements:
        labels = m.evidence.labels
        metric = m.family is Family.METRIC and m.segment == ALL and m.name not in UNLABELLED
        if metric and labels is not None and labels.waits and m.window is not None:
            waits[m.window] = labels
    if not waits:
        return ""
    oldest = waits[min(waits)]
    since = f"{min(waits).start:%Y-%m-%d %H:%M}"
    several = f"{len(waits)} windows from {since} on wait" if len(waits) > 1 else f"The window from {since} waits"
    until = f", expected by {oldest.until:%Y-%m-%d %H:%M}" if oldest.until else ""
    usual = oldest.usual or 0.0
    return f"{several} for labels: {oldest.coverage:.0%} of its rows have one, {usual:.0%} usually do{until}."


def band_sentences(measurements: Iterable[Measurement]) -> list[str]:
    """Say what the labels so far made of the bands of the newest estimates, and which have none for that."""
    made = [m for m in measurements if m.family is Family.ESTIMATE and m.segment == ALL and m.value is not None]
    newest = max((m.window for m in made if m.window is not None), default=None)
    now = {m.name: m.evidence.estimate for m in made if m.window == newest}
    learned = {name: one for name, one in now.items() if one is not None and one.widened is not None}
    without = [name.replace("_", " ") for name, one in learned.items() if one.needed is not None]
    found = []
    if learned:
        windows = max(one.learned_from for one in learned.values())
        found.append(f"Bands are as wide as {windows} windows of labels ask for.")
    if without:
        more = f" and {len(without) - _LISTED} more" if len(without) > _LISTED else ""
        found.append(f"No band of use would cover {', '.join(without[:_LISTED])}{more}: not judged without labels.")
    return found
