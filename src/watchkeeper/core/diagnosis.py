"""Why an alert was raised: ranked causes, where a loss of performance comes from, and alerts that belong together."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from watchkeeper.core.measurement import Measurement
from watchkeeper.core.statement import Statement, StatementCode
from watchkeeper.core.window import Window

__all__ = [
    "Attribution",
    "Contribution",
    "Diagnosis",
    "DiagnosisBasis",
    "Hypothesis",
    "HypothesisKind",
    "Incident",
    "Onset",
    "WorstSegment",
]


class HypothesisKind(StrEnum):
    """What may have caused an alert, in the order in which the causes are looked for."""

    DATA_FAULT = "data_fault"
    TRAFFIC_MIX = "traffic_mix"
    COVARIATE_SHIFT = "covariate_shift"
    CONCEPT_SHIFT = "concept_shift"
    LABEL_FAULT = "label_fault"
    RELEASE = "release"
    RUNTIME = "runtime"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Onset:
    """When a change began.

    Parameters
    ----------
    at
        Start of the first window after the change.
    earliest, latest
        Starts of the first and the last window that the change may as well have begun with, at 95 %.
    gain
        Twice the gain in log-likelihood over no change; 0 where the moment was not estimated but told by the alert.
    windows
        Windows it was estimated from.
    """

    at: datetime
    earliest: datetime
    latest: datetime
    gain: float = 0.0
    windows: int = 0


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """One possible cause with what speaks for it.

    Parameters
    ----------
    kind
        What kind of cause it is.
    confidence
        Probability that this is the cause, calibrated on planted causes; those of one diagnosis add up to 1.
    columns, segments
        Where it is, worst first.
    since
        When it began, as far as that can be told.
    evidence
        What speaks for it, the weightiest first.
    measurements
        What the evidence rests on.
    """

    kind: HypothesisKind
    confidence: float
    columns: tuple[str, ...] = ()
    segments: tuple[str, ...] = ()
    since: datetime | None = None
    evidence: tuple[Statement, ...] = ()
    measurements: tuple[Measurement, ...] = ()


@dataclass(frozen=True, slots=True)
class Contribution:
    """One part of a change of performance, in the unit of the loss; positive where it made the model worse."""

    name: str
    value: float
    error: float | None = None


@dataclass(frozen=True, slots=True)
class Attribution:
    """A change of the mean loss and the parts it is made of; the parts add up to ``total``.

    Parameters
    ----------
    loss
        What was averaged over labelled rows: brier, log_loss, error (wrong class), absolute_error or squared_error; or
        rank_loss, which is 1 - AUROC.
    over
        What the parts are: ``causes``, ``features`` or ``segments``.
    before, after
        Mean loss of the reference and of the current rows.
    error
        Standard error of after - before.
    parts
        The parts, in the order in which they were replaced or the largest first.
    n_reference, n
        Labelled rows of both sides.
    effective
        Effective number of reference rows after weighting; as ``n_reference`` where nothing was weighted.
    permutations
        Orders of replacement that were drawn; 0 where all were gone through.
    """

    loss: str
    over: str
    before: float
    after: float
    error: float | None
    parts: tuple[Contribution, ...]
    n_reference: int
    n: int
    effective: float = 0.0
    permutations: int = 0

    @property
    def total(self) -> float:
        """The change of the mean loss."""
        return self.after - self.before


@dataclass(frozen=True, slots=True)
class WorstSegment:
    """Rows, chosen by a search, on which the loss is higher than elsewhere.

    Parameters
    ----------
    rule
        One or two conditions in words, such as ``region = north``.
    columns
        The columns of the conditions.
    effect
        Mean loss of its rows minus that of the other rows, beyond what the reference had at equal features where there
        is one.
    n
        Labelled rows of the sample in it.
    interval
        At 95 % for all segments that were tried together.
    p_value
        Adjusted for all of them.
    """

    rule: str
    columns: tuple[str, ...]
    effect: float
    n: int
    interval: tuple[float, float]
    p_value: float


@dataclass(frozen=True, slots=True)
class DiagnosisBasis:
    """What a recorded diagnosis rests on; it is made again when there is twice as much, or something else.

    Parameters
    ----------
    window
        From the beginning of the alert to the end of the newest window that showed it then.
    judged
        How often the windows in it had been judged by then, all together: late rows and labels bring one up again.
    about
        Columns and segments that the alert had named by then.
    reference
        What the reference was made of.
    """

    window: Window
    judged: int = 0
    about: tuple[str, ...] = ()
    reference: str = ""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What an alert comes from.

    Parameters
    ----------
    alert
        Its id.
    hypotheses
        Ranked, the likeliest first; never empty.
    onset
        When the change began; None where there is no history.
    attributions
        The change of the mean loss by causes, by segments and by features, as far as labels allow.
    worst
        Segments found by search on which the loss rose most, or is highest.
    notes
        What could not be looked at, and what belongs to another alert of the same windows.
    basis
        What it rests on, of one that a run recorded.
    """

    alert: str
    model: str
    hypotheses: tuple[Hypothesis, ...]
    onset: Onset | None = None
    attributions: tuple[Attribution, ...] = ()
    worst: tuple[WorstSegment, ...] = ()
    notes: tuple[Statement, ...] = ()
    basis: DiagnosisBasis | None = None

    @property
    def failed(self) -> bool:
        """Whether the alert could not be diagnosed."""
        return any(note.code is StatementCode.FAILED for note in self.notes)


@dataclass(frozen=True, slots=True)
class Incident:
    """Alerts of several models or measurements that began together and share a column.

    Parameters
    ----------
    columns
        What they share, the column that most of them name first.
    models
        The models they are about, in alphabetical order.
    alerts
        Ids of the alerts, in the order in which they began.
    earliest, latest
        The interval that the onsets of all of them have in common.
    """

    columns: tuple[str, ...]
    models: tuple[str, ...]
    alerts: tuple[str, ...]
    earliest: datetime
    latest: datetime
