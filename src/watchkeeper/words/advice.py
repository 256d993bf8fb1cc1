"""What an alert asks of the person who reads it."""

from __future__ import annotations

from collections.abc import Sequence

from watchkeeper.core.alert import Alert, Cause
from watchkeeper.core.diagnosis import Hypothesis, HypothesisKind

__all__ = ["advice"]

_MOST = 3
_FAULTS = (Cause.DATA_FAULT, Cause.LABEL_FAULT, Cause.NO_DATA, Cause.RUNTIME)


def advice(alert: Alert, causes: Sequence[Hypothesis], *, harmed: bool | None) -> str:
    """Return what to do about an open alert, in one or two short sentences.

    Parameters
    ----------
    causes
        What it may come from, the likeliest first; empty where it was not diagnosed.
    harmed
        Whether the model is worse than it was; None where that is not known.
    """
    kind = causes[0].kind if causes else HypothesisKind.UNKNOWN
    names = _listed(causes[0].columns if causes and causes[0].columns else alert.columns)
    if alert.cause in _FAULTS:
        return _FAULT_ADVICE[alert.cause].format(names=names or "the feed")
    if kind is HypothesisKind.DATA_FAULT:
        return f"Mend {names or 'the feed'} where the data comes from; retraining would learn the fault."
    if kind is HypothesisKind.RELEASE:
        return "Roll the release back, or mend it: the change began with it."
    if kind is HypothesisKind.TRAFFIC_MIX:
        return "Check that the new mix of traffic is meant. The model answers each part as it did."
    if alert.cause is Cause.PERFORMANCE or harmed or kind is HypothesisKind.CONCEPT_SHIFT:
        return "Retrain on rows since the change; the gate promotes the new version only if it is better."
    of = f" of {names}" if names else ""
    if harmed is None:
        return f"Get labels for rows since the change{of}: without them nobody knows whether it does harm."
    return (
        f"Find out whether the change{of} is meant, and acknowledge the alert if it is. The model answers as well as "
        "it did, so nothing has to be repaired."
    )


_FAULT_ADVICE = {
    Cause.DATA_FAULT: "Mend {names} where the data comes from. Retraining is held back meanwhile.",
    Cause.LABEL_FAULT: "Check where the labels come from and how they are joined. Retraining is held back meanwhile.",
    Cause.NO_DATA: "Check the feed: predictions are no longer logged, or no longer read.",
    Cause.RUNTIME: "Check the service that answers: its load, its machine, its latest release.",
}


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MOST} more" if len(names) > _MOST else ""
    return ", ".join(names[:_MOST]) + more
