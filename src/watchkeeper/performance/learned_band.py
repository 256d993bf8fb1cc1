"""The band of an estimate, as wide as the model's own labelled past asks for."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, inf, isfinite, sqrt

from watchkeeper.core.metric import bounds_of
from watchkeeper.core.plugins import plugins
from watchkeeper.stats.intervals import Z

__all__ = ["LearnedBand", "of_use"]

_RATES = (0.1, 0.3, 0.6)
"""λ of the moving averages that are tried for the shift of an estimate."""

_FORGET = 0.95
_WORTH_IT = 0.85
"""Share of the squared error without a shift below which a shift is taken."""

_STEP = 0.2
_MISSES = 0.05
_FARTHEST = 25.0
"""Mean squares beyond which a miss says no more of which shift is best."""

_PRIOR = 10.0
"""Windows that the band as it was computed is worth."""

_NARROWEST, _WIDEST = -3.0, 5.0
_LARGEST = 1e6

_USE = 0.25
"""Half width, as a share of what the metric can be, beyond which a band says nothing."""

_LONGEST_LAG = 60
"""Windows of labels up to which their delay is followed."""


@dataclass(frozen=True, slots=True)
class LearnedBand:
    """What realised values have shown of an estimate: by how much it is off, and how far it strays from that.

    With r = realised - estimated and e the standard error of the estimate as it was computed, the band of the next
    window is estimate + s ± z·c·√ρ·e. The shift s is a moving average of r whose λ was best of late, or 0 where none is
    better by far; ρ is the mean of ((r - s)/e)² of late, with ten windows of 1 before them; ln c moves by
    γ·(1[missed] - .05) with each window. So the share of misses over T windows is off .05 by at most
    (ln c_max - ln c_min)/(γT), whatever drifts, as long as a band of some width covers.

    Labels take a while, so a band that is shown rests on older windows than it would once all labels are in. A window
    is learnt from as the band would have been shown: by what was known ``lag`` windows of labels before.

    Attributes
    ----------
    windows
        Windows of labels that were learnt from.
    shifts
        The moving average of r for each λ.
    losses
        Squares of what was left of r, without a shift and by each λ, discounted.
    squares, weight
        Sum of ((r - s)/e)² and number of windows, discounted.
    log_width
        ln c.
    shown
        Of the last windows, oldest first: the averages, the shift that was taken and the factor of e before them.

    References
    ----------
    Gibbs and Candès (2021), Adaptive conformal inference under distribution shift, doi:10.48550/arXiv.2106.00170.
    Angelopoulos, Candès and Tibshirani (2023), Conformal PID control for time series prediction,
    doi:10.48550/arXiv.2307.16895: steps of the width instead of the level, and a forecast of the score.
    """

    windows: int = 0
    shifts: tuple[float, ...] = (0.0,) * len(_RATES)
    losses: tuple[float, ...] = (0.0,) * (len(_RATES) + 1)
    squares: float = _PRIOR
    weight: float = _PRIOR
    log_width: float = 0.0
    shown: tuple[tuple[float, ...], ...] = ()

    @property
    def shift(self) -> float:
        """What is added to an estimate."""
        best = min(range(len(_RATES)), key=lambda place: self.losses[place + 1])
        return self.shifts[best] if self.losses[best + 1] < _WORTH_IT * self.losses[0] else 0.0

    @property
    def factor(self) -> float:
        """What the standard error of an estimate is multiplied by."""
        return exp(self.log_width) * sqrt(self.squares / self.weight)

    def after(self, residual: float, error: float, lag: int = 0) -> LearnedBand:
        """Return what is known after the labels of a window are in.

        Parameters
        ----------
        residual
            Realised less estimated value, both as computed.
        error
            Standard error of the estimate as it was computed; without one nothing is learnt.
        lag
            Windows of labels that come later than the band of a window is shown.
        """
        if not (isfinite(residual) and isfinite(error) and error > 0):
            return self
        shown = (*self.shown, (*self.shifts, self.shift, self.factor))[-1 - min(max(lag, 0), _LONGEST_LAG) :]
        *shifts, shift, factor = shown[0]
        apart = min(abs(residual - shift) / error, _LARGEST)
        missed = apart > Z * factor
        most = _FARTHEST * self.squares / self.weight
        tried = (0.0, *shifts)
        return LearnedBand(
            self.windows + 1,
            tuple(s + rate * (residual - s) for s, rate in zip(self.shifts, _RATES, strict=True)),
            tuple(
                _FORGET * loss + min(((residual - s) / error) ** 2, most)
                for loss, s in zip(self.losses, tried, strict=True)
            ),
            _FORGET * self.squares + apart**2,
            _FORGET * self.weight + 1,
            min(max(self.log_width + _STEP * (missed - _MISSES), _NARROWEST), _WIDEST),
            shown,
        )


def of_use(metric: str, value: float, half_width: float) -> bool:
    """Return whether a band says anything: no wider to a side than a quarter of what the metric can be.

    For a metric without bounds, no wider to a side than the estimate is large.
    """
    lowest, highest = bounds_of(plugins("metric").get(metric))
    whole = highest - lowest
    return half_width <= (_USE * whole if whole < inf else abs(value))
