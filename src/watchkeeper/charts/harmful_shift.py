"""Evidence that the loss of a model has become worse than it may."""

from __future__ import annotations

from math import log, sqrt
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp, stdtrit

from watchkeeper.charts.chart import ChartMemory, Choices, Options
from watchkeeper.charts.phase_one import TRIM, baseline
from watchkeeper.charts.phases import begun, released
from watchkeeper.core.errors import UsageError, near_miss
from watchkeeper.core.measurement import Measurement, Status
from watchkeeper.core.signal import Basis, Signal, Zone

__all__ = ["HarmfulShift", "log_bets"]

Floats = NDArray[np.float64]

BETS = np.array([0.01, 0.03, 0.1, 0.3])
"""λ of the bets, from a rise of the loss by a few percent to one by half."""

_BETTER = ("lower", "higher")
_UNITS = ("windows", "rows")
_NONE = -1e4
_HELD = 3.0
_SURE = 0.99
_SHARE = 0.02


class HarmfulShift:
    """Signals when an e-detector against "the mean loss is at most m0" reaches A: only harm alarms.

    m0 is the upper confidence bound (one-sided, 99 %) of the reference's loss plus ``tolerance``. The reference is
    ``risk`` with its standard error ``risk_error``, or the first ``min_samples`` windows. For each λ of a grid a window
    of n rows with mean loss ℓ̄ and variance s² multiplies the evidence by

    E = exp{n·[λ·(ℓ̄ - m0)/m0 - ψ(λ)·(s² + (ℓ̄ - m0)²)/m0²]}, ψ(λ) = -ln(1 - λ) - λ,

    or where the loss is an error rate p by the exact bet (1 + λ(1 - m0)/m0)^(n·p)·(1 - λ)^(n(1 - p)). The expectation
    of either is at most 1 while the loss is at most m0, for any loss that is not negative. M ← (M + credit)·E
    (Shiryaev–Roberts), averaged over λ, reaches A on average no sooner than after A ``unit`` (``windows`` or ``rows``)
    without harm. n is divided by the design effect (s_t² + τ²)/s_t² that the windows of the reference show.

    ``better`` = ``higher`` takes ``best`` less the value for the loss, as of accuracy. A value whose error is not known
    is not judged. As long as the harm lasts the chart signals.

    References
    ----------
    Shin, Ramdas and Rinaldo (2024), E-detectors, doi:10.51387/23-NEJSDS51. Fan, Grama and Liu (2015), Exponential
    inequalities for martingales with applications, doi:10.1214/EJP.v20-3496. Waudby-Smith and Ramdas (2024), Estimating
    means of bounded random variables by betting, doi:10.1093/jrsssb/qkad009.
    """

    plugin: ClassVar[str] = "chart"
    name: ClassVar[str] = "harmful_shift"
    defaults: ClassVar[Options] = {
        "tolerance": 0.02, "run_length": 1_000.0, "series": 1.0, "unit": "windows", "min_samples": 8.0, "risk": 0.0,
        "risk_error": 0.0, "better": "lower", "best": 1.0, "min_rows": 0.0, "rebase": "none", "confirm": 8.0,
    }  # fmt: skip
    choices: ClassVar[Choices] = {"better": _BETTER, "unit": _UNITS, "rebase": ("none", "release")}

    def step(
        self, memory: ChartMemory | None, measurement: Measurement, options: Options
    ) -> tuple[ChartMemory, Signal]:
        """Take a window in and judge the evidence so far."""
        chosen = {**self.defaults, **options}
        for name, valid in (("better", _BETTER), ("unit", _UNITS)):
            if chosen[name] not in valid:
                raise UsageError(f"there is no {name} {chosen[name]!r}; {near_miss(str(chosen[name]), valid)}")
        memory, m = memory or ChartMemory(), measurement
        if m.status is not Status.OK or m.value is None or m.error is None or m.n < max(1, float(chosen["min_rows"])):
            return memory, Signal(m, self.name, memory.numbers.get("centre"))
        memory = released(memory, m, chosen)
        worth = chosen["better"] == "higher"
        loss = float(chosen["best"]) - m.value if worth else m.value
        if loss < 0:
            raise UsageError(f"{m.name} is {m.value:g}, and a loss is not negative; set better to higher, or best")
        if float(chosen["risk"]) and "risk" not in memory.numbers:
            risk, error = float(chosen["risk"]), float(chosen["risk_error"])
            known = {"risk": risk, "upper": risk + 2.326 * error, "between": 0.0}
            memory = ChartMemory(known, phases=begun(memory, m))
        if "risk" not in memory.numbers:
            return self._learned(memory, m, loss, chosen)
        return self._judged(memory, m, loss, chosen)

    def _learned(self, memory: ChartMemory, m: Measurement, loss: float, chosen: Options) -> tuple[ChartMemory, Signal]:
        points, phases = (*memory.points, (loss, m.error or 0.0)), begun(memory, m)
        signal = Signal(m, self.name, zone=Zone.LEARNING, phase=1, since=phases[-1].start)
        if len(points) < max(2, int(float(chosen["min_samples"]))):
            return ChartMemory({}, points, phases=phases), signal
        base = baseline(points, TRIM)
        variances = np.array([error**2 + base.between for _, error in points])
        doubt = 1 / float((1 / variances).sum()) if (variances > 0).all() else base.between / max(base.used, 1)
        wide = float(stdtrit(max(base.used - 1, 1), _SURE)) * sqrt(doubt)
        numbers = {"risk": base.centre, "upper": base.centre + wide, "between": base.between}
        return ChartMemory(numbers, phases=phases), signal

    def _judged(self, memory: ChartMemory, m: Measurement, loss: float, chosen: Options) -> tuple[ChartMemory, Signal]:
        numbers, error = memory.numbers, m.error or 0.0
        most = numbers["upper"] + float(chosen["tolerance"])
        effect = (error**2 + numbers["between"]) / error**2 if error > 0 else 1.0
        before = np.array(memory.arrays.get("evidence") or np.full(len(BETS), _NONE))
        credit = log(m.n) if chosen["unit"] == "rows" else 0.0
        bets = log_bets(loss, error**2 * m.n, most)
        after = np.logaddexp(before, credit) + m.n / effect * bets
        needed = log(float(chosen["series"]) * float(chosen["run_length"]))
        together = float(logsumexp(after) - log(len(BETS)))
        beyond = together >= needed
        worth = chosen["better"] == "higher"
        shown = float(chosen["best"]) - most if worth else most
        rule = ("evidence_below" if worth else "evidence_above") if beyond else ""
        score = 3 * max(together, 0.0) / needed
        inside = Zone.WITHIN_1 if score <= 1 else Zone.WITHIN_2 if score <= 2 else Zone.WITHIN_3
        centre = float(chosen["best"]) - numbers["risk"] if worth else numbers["risk"]
        held = np.clip(after, _NONE, needed + _HELD)
        signal = Signal(
            m, self.name, centre, zone=Zone.BEYOND if beyond else inside, rule=rule, score=score,
            phase=2, since=memory.phases[-1].start if memory.phases else None, fired=beyond,
            basis=Basis(together, needed, shown) if beyond else None,
        )  # fmt: skip
        return ChartMemory(numbers, (), {"evidence": tuple(np.round(held, 9).tolist())}, memory.phases), signal


def log_bets(loss: float, variance: float, most: float) -> Floats:
    """Return ln E of one row for each bet: exactly for a share, by the empirical Bernstein inequality otherwise.

    Parameters
    ----------
    loss, variance
        Mean and variance of the loss over the rows of a window; not negative.
    most
        m0, the mean loss that is still no harm.
    """
    if 0 < loss < 1 and abs(variance / (loss * (1 - loss)) - 1) <= _SHARE and most < 1:
        return np.asarray(loss * np.log1p(BETS * (1 - most) / most) + (1 - loss) * np.log1p(-BETS))
    away = (loss - most) / most
    return np.asarray(BETS * away - (-np.log1p(-BETS) - BETS) * (variance / most**2 + away**2))
