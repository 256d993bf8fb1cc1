"""Whether enough labels of a window have come to trust what is measured from them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from math import sqrt

import numpy as np

from watchkeeper.core.evidence import Labels
from watchkeeper.core.measurement import Family, Measurement
from watchkeeper.core.metric import UNLABELLED
from watchkeeper.core.schema import ALL
from watchkeeper.core.state import OUTCOME, State
from watchkeeper.core.window import Window
from watchkeeper.performance.arrivals import LabelRegime, coverage_of
from watchkeeper.stats.intervals import Z
from watchkeeper.stats.label_delay import LabelDelayPart

__all__ = ["COMPLETE", "Maturity", "maturity", "with_maturity"]

COMPLETE = 0.95
"""Share of the labels to be expected in the end that must be expected by now for a window to be mature."""

_NEAR = 0.9
"""Share of the reference's coverage that makes a window mature where nothing is known of delays."""

_LEAST = 30
_POINTS = 64

States = Mapping[tuple[str, str], State]


@dataclass(frozen=True, slots=True)
class Maturity:
    """How much of a window's labels is in.

    Attributes
    ----------
    coverage
        Share of the window's rows with a label.
    due
        Share of the labels that ever come which should have come by now; None where nothing is known of delays.
    usual
        Share of rows that get a label in the end, from the reference; None where there is none.
    overdue
        Share of the window's rows whose label should have come and has not, beyond what sampling explains; else 0.
    rows
        Rows of the window, for how much coverage differs by chance; 0 where that does not count.
    """

    coverage: float
    due: float | None = None
    usual: float | None = None
    overdue: float = 0.0
    rows: int = 0

    @property
    def mature(self) -> bool:
        """Whether nearly all labels that will come have come, or should have.

        With known delays: 95 % are due, and no more than a twentieth of the rows is overdue. Without: coverage has
        reached nine tenths of what is usual, less what sampling makes of it.
        """
        if self.due is not None:
            return self.due >= COMPLETE and self.overdue <= 1 - COMPLETE
        usual = 1.0 if self.usual is None else self.usual
        chance = Z * sqrt(max(0.0, usual * (1 - usual)) / self.rows) if self.rows else 0.0
        return self.coverage >= _NEAR * usual - chance

    @property
    def labels(self) -> Labels:
        """What a measurement should say of it."""
        return Labels(self.coverage, self.due, self.overdue, self.mature)


def maturity(current: State, reference: State | None = None, now: datetime | None = None) -> Maturity | None:
    """Return how much of a window's labels is in; None where the log has no rows or no labels to wait for.

    Rows are taken to be spread evenly over the window, so that with the distribution function F of delays the share of
    labels that is due at ``now`` is the mean of F(now - t) over t in the window.

    Parameters
    ----------
    current, reference
        Outcome states; delays are read off the reference, in which late labels have come, if it has 30 of them.
    now
        The moment of judgement; without it, or without the window's times, delays say nothing.
    """
    counted, usual = coverage_of(current), None if reference is None else coverage_of(reference)
    if counted is None:
        return None
    rows, coverage = counted
    share = None if usual is None or not usual[1] else usual[1]
    due = _due(reference, current.key.window, now)
    if due is None:
        return Maturity(coverage, None, share)
    expected = due * (1.0 if share is None else share)
    missing = expected - coverage
    noise = Z * sqrt(max(0.0, expected * (1 - expected)) / rows)
    return Maturity(coverage, due, share, missing if missing > noise else 0.0)


def _due(reference: State | None, window: Window | None, now: datetime | None) -> float | None:
    delays = None if reference is None else reference.parts.get("label_delay")
    if now is None or window is None or not isinstance(delays, LabelDelayPart) or delays.n < _LEAST:
        return None
    oldest, youngest = (now - window.start).total_seconds(), (now - window.end).total_seconds()
    ages = np.linspace(oldest, youngest, 2 * _POINTS + 1)[1::2]
    return float(delays.share_within(np.maximum(ages, 0.0)).mean())


def with_maturity(
    measurements: Iterable[Measurement],
    current: States,
    reference: States,
    now: datetime | None = None,
    regime: LabelRegime | None = None,
) -> list[Measurement]:
    """Return measurements in which those that rest on labels say how many are in, and whether they are provisional.

    Parameters
    ----------
    measurements
        Of one window; what does not rest on labels comes back as it was.
    current, reference
        States by (segment, column), as they were measured.
    now
        The moment of judgement.
    regime
        What the windows before show of labels. A segment is then as mature as all rows are: its labels come by the same
        ways, and what it has when the others are in is what it will have.

    Returns
    -------
    list
        In the same order; those that rest on labels say in their evidence how many are in.
    """
    known: dict[str, Labels | None] = {}
    whole = current.get((ALL, OUTCOME)) if regime is not None else None
    shared = None if whole is None or regime is None else _in_regime(whole, regime)
    for (segment, column), state in current.items():
        if column == OUTCOME and shared is not None:
            own = coverage_of(state)
            known[segment] = None if own is None else replace(shared, coverage=own[1])
        elif column == OUTCOME:
            found = maturity(state, reference.get((segment, OUTCOME)) or reference.get((ALL, OUTCOME)), now)
            known[segment] = None if found is None else found.labels
    return [
        replace(m, evidence=replace(m.evidence, labels=known.get(m.segment))) if _rests_on_labels(m) else m
        for m in measurements
    ]


def _in_regime(outcome: State, regime: LabelRegime) -> Labels | None:
    counted = coverage_of(outcome)
    if counted is None:
        return None
    rows, coverage = counted
    usual = 1.0 if regime.share is None else regime.share
    labels = Maturity(coverage, usual=usual, rows=rows).labels
    if not labels.mature and _is_old(outcome, regime):
        labels = replace(labels, mature=True)
    return replace(labels, usual=usual, until=None if labels.mature else regime.until(outcome.key.window))


def _is_old(outcome: State, regime: LabelRegime) -> bool:
    """Return whether the labels that came show that nearly all others have been waited for as long as labels take."""
    delays, window = outcome.parts.get("label_delay"), outcome.key.window
    if not isinstance(delays, LabelDelayPart) or delays.n < _LEAST or window is None or regime.wait is None:
        return False
    longest = delays.edges(delays.n - 1)[0]
    return longest - (window.end - window.start).total_seconds() >= regime.wait


def _rests_on_labels(measurement: Measurement) -> bool:
    return measurement.family is Family.METRIC and measurement.name not in UNLABELLED
