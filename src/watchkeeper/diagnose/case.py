"""What is known when an alert is diagnosed, and what speaks for one cause."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import log, log1p, sqrt

from watchkeeper.charts.tolerance import Tolerance
from watchkeeper.compare.assess import assess_column
from watchkeeper.compare.rates import RATES
from watchkeeper.compare.usual_rates import UsualRates, with_usual
from watchkeeper.core.alert import Alert, Cause
from watchkeeper.core.diagnosis import HypothesisKind, Onset
from watchkeeper.core.measurement import Measurement, Status
from watchkeeper.core.schema import ALL, Column
from watchkeeper.core.spec import Spec
from watchkeeper.core.state import State
from watchkeeper.core.statement import Statement
from watchkeeper.core.window import Window
from watchkeeper.diagnose.sampled import States

__all__ = ["Case", "Finding", "compared", "dkw_half_width", "weight_of"]

_RUN_LENGTH = 1_000.0
_SURE = 0.05
_LARGEST = 100.0


@dataclass(frozen=True, slots=True)
class Case:
    """What is known when an alert is diagnosed.

    Attributes
    ----------
    reference, current
        States by (segment, column) of the reference, and of the windows since the change together.
    history
        Measurements of earlier and of these windows, in any order.
    versions
        Rows that each version answered, by window, from before the change on.
    effects
        Design effect by column.
    onset
        When the change began; None where that is not known.
    thorough
        Whether to look at answers and labels at equal features whatever the alert is about, which takes models.
    rates
        By column, how large the rates of faults get by themselves in the windows of the reference.
    """

    alert: Alert
    spec: Spec
    reference: States
    current: States
    history: tuple[Measurement, ...] = ()
    versions: Mapping[Window, Mapping[str, int]] = field(default_factory=dict)
    effects: Mapping[str, float] = field(default_factory=dict)
    onset: Onset | None = None
    thorough: bool = True
    rates: Mapping[str, UsualRates] = field(default_factory=dict)

    @property
    def harmful(self) -> bool:
        """Whether the alert is about performance."""
        return self.alert.cause is Cause.PERFORMANCE

    def both(self, column: str, segment: str = ALL) -> tuple[State, State] | None:
        """Return the states of a column on both sides; None where one is lacking or broken."""
        pair = self.reference.get((segment, column)), self.current.get((segment, column))
        if pair[0] is None or pair[1] is None or pair[0].problem or pair[1].problem:
            return None
        return pair[0], pair[1]


@dataclass(frozen=True, slots=True)
class Finding:
    """What speaks for one cause.

    Attributes
    ----------
    weight
        Log odds against not knowing the cause, up to the scale that calibration sets.
    touches
        Columns that it moves beside those it names.
    harm
        The largest share of a rise of the loss that it can make up, at 95 %; None where that is not known.
    left
        The largest share of that rise that it leaves to other causes, at 95 %; None where that is not known.
    """

    kind: HypothesisKind
    weight: float
    columns: tuple[str, ...] = ()
    segments: tuple[str, ...] = ()
    evidence: tuple[Statement, ...] = ()
    measurements: tuple[Measurement, ...] = ()
    touches: tuple[str, ...] = ()
    harm: float | None = None
    left: float | None = None


def weight_of(effect: float, tolerated: float) -> float:
    """Return 2·ln(1 + effect/tolerated): an effect as large as what is tolerated weighs 1.4, ten times as large 4.8.

    No effect weighs more than one 100 times as large as what is tolerated, 9.2, as an overflow would.
    """
    return 2 * log1p(min(max(effect, 0.0) / tolerated, _LARGEST))


def dkw_half_width(n_effective: float, among: int = 1, effect: float = 1.0) -> float:
    """Return √(ln(2·k/.05)·φ/(2·n_e)), what a distance of k columns reaches by chance in one of twenty cases.

    References
    ----------
    Massart (1990), The tight constant in the DKW inequality, doi:10.1214/aop/1176990746.
    """
    return sqrt(log(2 * among / _SURE) * max(effect, 1.0) / (2 * n_effective)) if n_effective > 0 else float("inf")


def compared(
    case: Case, column: Column, measure: str, *, always: float = 0.0, least: float = 0.0
) -> Measurement | None:
    """Return the comparison of a column if the window rule signals it at 1,000 windows to a false alarm, else None."""
    pair = case.both(column.name)
    if pair is None:
        return None
    found = assess_column(*pair, [measure])
    if not found or found[0].status is not Status.OK:
        return None
    columns = case.spec.schema.count_of(column.role)
    options = {"run_length": _RUN_LENGTH, "series": float(max(columns, 1)), "always": always, "least": least}
    rates = case.rates.get(column.name)
    if rates is None or measure not in RATES:
        options["design_effect"] = case.effects.get(column.name, 1.0)
    _, signal = Tolerance().step(None, with_usual(found[0], rates), options)
    return found[0] if signal.fired else None
