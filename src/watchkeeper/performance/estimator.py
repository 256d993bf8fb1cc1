"""The protocol of an estimator of performance, and what estimates have in common."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from math import isfinite, sqrt
from typing import ClassVar, Protocol, runtime_checkable

from watchkeeper.core.evidence import Estimation, Evidence, Size
from watchkeeper.core.measurement import Family, Measurement
from watchkeeper.core.metric import bounds_of
from watchkeeper.core.plugins import plugins
from watchkeeper.core.schema import Schema, Task
from watchkeeper.core.state import State, StateKey
from watchkeeper.stats.intervals import Z

__all__ = ["ASSUMES", "Estimator", "NeedsNow", "band_of", "estimated"]

ASSUMES = "the relation of features to labels is that of the reference: concept shift is invisible"
"""What every estimate without labels rests on; it is printed wherever one is shown."""


@runtime_checkable
class Estimator(Protocol):
    """Says how well a model answers where labels are missing, from the states of reference and current.

    Attributes
    ----------
    plugin
        Always ``"estimator"``.
    name
        Registry key, and the ``method`` of the evidence of its measurements.
    tasks
        The tasks it is defined for.
    needs
        Optional statistics it rests on; of the rows that are judged too, unless it ``NeedsNow`` others.
    """

    plugin: ClassVar[str]
    name: ClassVar[str]
    tasks: ClassVar[frozenset[Task]]
    needs: ClassVar[tuple[str, ...]]

    def applies(self, schema: Schema) -> bool:
        """Return whether the log has the columns the estimator needs; its task is looked at elsewhere."""

    def estimate(
        self, reference: Mapping[str, State], current: Mapping[str, State], schema: Schema
    ) -> list[Measurement]:
        """Return one measurement per metric, under the metric's name.

        Parameters
        ----------
        reference, current
            The states of one segment by column.
        schema
            Gives task, roles and classes.
        """


@runtime_checkable
class NeedsNow(Protocol):
    """An estimator that rests on other statistics of the rows that are judged, such as smaller samples."""

    needs_now: ClassVar[tuple[str, ...]]


def estimated(
    key: StateKey,
    metric: str,
    value: float,
    n: int,
    sampling: float,
    calibration: float,
    estimation: Estimation,
    *,
    n_reference: int | None = None,
    details: Mapping[str, float | str] | None = None,
) -> Measurement:
    """Return the measurement of an estimate with the band in which the realised value is to be expected.

    The band is value ± 1.96·√(sampling + calibration), cut to what is possible.

    Parameters
    ----------
    sampling
        Variance of the realised value, given the rows of the window: its labels are chance.
    calibration
        Variance of the estimate: what it was learnt from is a sample.
    estimation
        Method and assumption; the errors are filled in.
    n_reference
        Rows the method learned from.
    details
        What else a reader may want to see.
    """
    error = sqrt(max(0.0, sampling) + max(0.0, calibration))
    if not isfinite(value) or not isfinite(error):
        return Measurement.failed(key, Family.ESTIMATE, metric, f"the estimate is {value} ± {error}", n=n)
    parts = replace(estimation, sampling=sqrt(max(0.0, sampling)), calibration=sqrt(max(0.0, calibration)))
    evidence = Evidence(size=Size(n_reference), estimate=parts, details=details or {})
    return Measurement.of(
        key, Family.ESTIMATE, metric, value, n,
        error=error, interval=band_of(metric, value, error), evidence=evidence,
    )  # fmt: skip


def band_of(metric: str, value: float, error: float) -> tuple[float, float]:
    """Return value ± 1.96·error, cut to what is possible."""
    lowest, highest = bounds_of(plugins("metric").get(metric))
    return max(lowest, value - Z * error), min(highest, value + Z * error)
