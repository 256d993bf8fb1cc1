"""What an alert says first: what changed, from what to what, since when, and what it does to the model."""

from __future__ import annotations

from collections.abc import Sequence

from watchkeeper.core.alert import Alert
from watchkeeper.core.evidence import Quantity
from watchkeeper.core.measurement import Status
from watchkeeper.core.signal import Signal
from watchkeeper.words.alerts import alert_sentence, describe_signal, end_words
from watchkeeper.words.change import change_words
from watchkeeper.words.transformations import day_words

__all__ = ["alert_headline"]

_MOST = 3


def alert_headline(alert: Alert, *, effect: Sequence[str] = (), cause: str = "") -> str:
    """Return an alert in one sentence; of several columns their number, the three worst, and what they share.

    Parameters
    ----------
    effect
        Clauses that say what it does to the model.
    cause
        What it likely comes from, in a few words.
    """
    fired = _one_a_column(alert.evidence)
    since = f" since {day_words(alert.since)}" if alert.since else ""
    if len(fired) < 2:
        told = alert_sentence(alert)
        told += "" if any(_says_since(signal) for signal in fired) else since
    else:
        named = [_changed(signal) for signal in fired[:_MOST]]
        more = f" and {len(fired) - _MOST} more" if len(fired) > _MOST else ""
        told = f"{end_words(alert)}{len(fired)} {_noun(fired)} changed{since}: {', '.join(named)}{more}"
    return "; ".join(filter(None, (told, *effect, f"likely cause: {cause}" if cause else "")))


def _one_a_column(evidence: Sequence[Signal]) -> list[Signal]:
    """Return the worst signal that fired of each column and segment, worst first."""
    found: dict[tuple[str, ...], Signal] = {}
    for signal in evidence:
        m = signal.measurement
        if signal.fired:
            about = m.name if m.column.startswith("@") or not m.column else m.column
            found.setdefault((about, m.segment), signal)
    return list(found.values())


def _noun(fired: Sequence[Signal]) -> str:
    about_columns = [bool(s.measurement.column) and not s.measurement.column.startswith("@") for s in fired]
    return "columns" if all(about_columns) else "metrics" if not any(about_columns) else "numbers"


def _says_since(signal: Signal) -> bool:
    does = signal.measurement.evidence.transformation
    told = does is not None and (signal.measurement.name == "unit_change" or not does.fault)
    return told and does is not None and does.since is not None


def _changed(signal: Signal) -> str:
    """Return a column with both its numbers in brackets, or the clause that tells what happened to it."""
    m = signal.measurement
    change = m.evidence.change
    words = change_words(change)
    plain = m.status is Status.OK and m.evidence.transformation is None and m.evidence.rule is None
    if not words or not plain or m.column.startswith("@") or change.quantity in (Quantity.METRIC, Quantity.LIMIT):
        return describe_signal(signal)
    where = f" in {m.segment}" if m.segment != "all" else ""
    return f"{m.column}{where} ({words})"
