"""Every registered metric as a function: ``metrics.log_loss(y, p)`` gives the number that a monitor gives."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from watchkeeper.core.errors import near_miss
from watchkeeper.core.plugins import plugins
from watchkeeper.performance.callables import MetricCallable

__all__ = ["MetricCallables", "metrics"]

_OF_A_LOG = ("label_coverage", "label_delay", "prediction_mean", "prediction_variance", "interval_width")
"""Numbers about a log rather than about answers and their truth."""


class MetricCallables:
    """The registered metrics by name, those of other packages too.

    Examples
    --------
    >>> round(metrics.rmse([1.0, 2.0, 4.0], [1.0, 2.5, 3.0]), 3)
    0.645
    >>> round(metrics.auroc.measure([0, 1, 0, 1] * 50, [0.1, 0.8, 0.4, 0.3] * 50).error, 3)
    0.036
    """

    def __getattr__(self, name: str) -> MetricCallable:
        if name.startswith("_"):
            raise AttributeError(name)
        known = _names()
        if name not in known:
            raise AttributeError(f"there is no metric {name!r}; {near_miss(name, known, most=40)}")
        return _called(name)

    def __dir__(self) -> list[str]:
        return list(_names())


def _names() -> Mapping[str, object]:
    return {name: one for name, one in plugins("metric").items() if name not in _OF_A_LOG}


@cache
def _called(name: str) -> MetricCallable:
    return MetricCallable(name)


metrics = MetricCallables()
"""The registered metrics by name."""
