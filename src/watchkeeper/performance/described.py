"""What a measure of performance says of itself, whether one state is enough for it or not."""

from __future__ import annotations

from watchkeeper.core.plugins import plugins
from watchkeeper.core.spec import BUSINESS_VALUE, FAIRNESS
from watchkeeper.performance.business_value import BusinessValue
from watchkeeper.performance.fairness import Gap

__all__ = ["described"]


def described(measure: str) -> object:
    """Return what knows harm, bounds and chart of a measure: a registered metric, or what is made of several states.

    None for functions of the user's own, of which nothing is known.
    """
    if measure in FAIRNESS:
        return Gap
    return BusinessValue if measure == BUSINESS_VALUE else plugins("metric").get(measure)
