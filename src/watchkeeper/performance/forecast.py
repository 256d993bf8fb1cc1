"""How good the quantiles of a forecast are."""

from __future__ import annotations

from math import inf, sqrt
from typing import ClassVar, Literal

from watchkeeper.core.measurement import Measurement
from watchkeeper.core.schema import Role, Schema, Task
from watchkeeper.core.state import State
from watchkeeper.performance.metric import MetricValue, NoValue, has_roles, measured
from watchkeeper.stats.intervals import mean_interval, proportion_error, wilson
from watchkeeper.stats.prediction_sums import CentralSums
from watchkeeper.stats.quantile_sums import QuantileSumsPart

__all__ = ["IntervalCoverage", "IntervalWidth", "PinballLoss"]

_REGRESSION = frozenset({Task.REGRESSION})
_NONE_LABELLED = NoValue("no row has both a label and every quantile")


def _mean(sums: CentralSums, details: dict[str, float | str], lowest: float = 0.0) -> MetricValue:
    n = sums.n
    error = sqrt(max(0.0, sums.second / (n - 1)) / n) if n > 1 else None
    return MetricValue(sums.mean, n, error, mean_interval(sums.mean, error, n, lowest), details=details)


def _crossed(part: QuantileSumsPart) -> dict[str, float | str]:
    return {"crossed": part.crossed} if part.crossed else {}


class IntervalCoverage:
    """Share of labels between the predicted quantiles of the lowest and the highest level, with Wilson's interval.

    It should be the fact ``nominal``, the distance of these levels: less says that the forecast is too sure, more that
    it is not sure enough. ``below <level>`` is the share of labels at or below each quantile. Exact; errors of
    neighbouring forecasts are dependent more often than not, which no interval of one window knows.

    References
    ----------
    Gneiting, Raftery (2007), Strictly proper scoring rules, prediction, and estimation,
    doi:10.1198/016214506000001437.
    """

    plugin: ClassVar[str] = "metric"
    name: ClassVar[str] = "interval_coverage"
    tasks: ClassVar[frozenset[Task]] = _REGRESSION
    larger_is_better: ClassVar[bool | None] = None
    bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)

    def applies(self, schema: Schema) -> bool:
        """Return whether the log has labels and at least two quantiles."""
        return has_roles(schema, Role.LABEL) and len(schema.quantiles) > 1

    def measure(self, state: State) -> Measurement:
        """Return the share."""
        return measured(self.name, state, "quantile_sums", QuantileSumsPart, self._estimate)

    @staticmethod
    def _estimate(part: QuantileSumsPart) -> MetricValue | NoValue:
        k, n = part.covered, part.n
        if not n:
            return _NONE_LABELLED
        details: dict[str, float | str] = {"nominal": part.levels[-1] - part.levels[0]}
        details |= {f"below {a:g}": int(count) / n for a, count in zip(part.levels, part.below, strict=True)}
        return MetricValue(k / n, n, proportion_error(k, n), wilson(k, n), details=details | _crossed(part))


class PinballLoss:
    """Mean over rows and levels a of max(a(y - q), (a - 1)(y - q)), as in scikit-learn for each level. Exact.

    Smallest, on average, for the true quantiles. ``at <level>`` is the loss of each; sample standard error over rows,
    Student's interval.

    References
    ----------
    Koenker, Bassett (1978), Regression quantiles, doi:10.2307/1913643.
    """

    plugin: ClassVar[str] = "metric"
    name: ClassVar[str] = "pinball_loss"
    tasks: ClassVar[frozenset[Task]] = _REGRESSION
    larger_is_better: ClassVar[bool | None] = False
    bounds: ClassVar[tuple[float, float]] = (0.0, inf)

    def applies(self, schema: Schema) -> bool:
        """Return whether the log has labels and quantiles."""
        return has_roles(schema, Role.LABEL) and bool(schema.quantiles)

    def measure(self, state: State) -> Measurement:
        """Return the mean loss."""
        return measured(self.name, state, "quantile_sums", QuantileSumsPart, self._estimate)

    @staticmethod
    def _estimate(part: QuantileSumsPart) -> MetricValue | NoValue:
        if not part.n:
            return _NONE_LABELLED
        details: dict[str, float | str] = {
            f"at {a:g}": float(total) / part.n for a, total in zip(part.levels, part.losses, strict=True)
        }
        return _mean(part.loss, details | _crossed(part))


class IntervalWidth:
    """Mean distance between the quantiles of the lowest and the highest level, of all rows, labelled or not.

    Exact; sample standard error, Student's interval. ``crossed`` counts rows whose quantiles are not in order.
    """

    plugin: ClassVar[str] = "metric"
    name: ClassVar[str] = "interval_width"
    tasks: ClassVar[frozenset[Task]] = _REGRESSION
    larger_is_better: ClassVar[bool | None] = None
    of_all_rows: ClassVar[Literal[True]] = True

    def applies(self, schema: Schema) -> bool:
        """Return whether the log has at least two quantiles."""
        return len(schema.quantiles) > 1

    def measure(self, state: State) -> Measurement:
        """Return the mean distance."""
        return measured(self.name, state, "quantile_sums", QuantileSumsPart, self._estimate)

    @staticmethod
    def _estimate(part: QuantileSumsPart) -> MetricValue | NoValue:
        if not part.width.n:
            return NoValue(f"none of {part.rows} rows has every quantile")
        return _mean(part.width, _crossed(part), -float("inf"))
