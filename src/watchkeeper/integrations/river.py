"""The drift detectors of river as charts, so that they can be compared with the stream rule on one's own data.

They need the extra ``river``; without it the charts are listed, and using one says what to install. river's detectors
promise no run length to a false alarm, so no budget is kept by them: they are for comparison.
"""

from __future__ import annotations

from collections import OrderedDict
from math import isfinite
from typing import Any, ClassVar

from watchkeeper.charts.chart import ChartMemory, Options
from watchkeeper.core.errors import PluginError, StateError
from watchkeeper.core.measurement import Measurement, Status
from watchkeeper.core.signal import Basis, Signal, Zone

__all__ = ["MOST", "Adwin", "Ddm", "Eddm", "HddmA", "HddmW", "Kswin", "PageHinkley"]

MOST = 2_000
"""Values since the last signal that a chart remembers; beyond them it forgets the older half."""

_AT_REST = 512
"""Detectors that are kept between two points, so that their values need not be replayed."""


class _Detector:
    """A detector of river as a chart: what it remembers is the values since its last signal, which are replayed."""

    name: ClassVar[str]
    defaults: ClassVar[Options]
    where: ClassVar[tuple[str, ...]]
    """The names that river has given the class, newest first."""
    binary: ClassVar[bool] = False
    whole: ClassVar[tuple[str, ...]] = ()
    """Options that are whole numbers."""
    unit: ClassVar[bool] = False
    """Whether values must lie between 0 and 1."""

    def __init__(self) -> None:
        self._at_rest: OrderedDict[tuple[Any, ...], Any] = OrderedDict()

    def step(
        self, memory: ChartMemory | None, measurement: Measurement, options: Options
    ) -> tuple[ChartMemory, Signal]:
        """Hand the next value to the detector; after a signal it starts anew.

        Raises
        ------
        StateError
            When the value is not finite, or not between 0 and 1 where the detector needs that.
        PluginError
            When river is not installed.
        """
        memory = memory or ChartMemory()
        value = measurement.value
        if measurement.status is not Status.OK or value is None:
            return memory, Signal(measurement, self.name)
        if not isfinite(value) or (self.unit and not 0 <= value <= 1):
            wanted = "values between 0 and 1, such as the share of errors" if self.unit else "finite values"
            raise StateError(f"{measurement.name} of {measurement.column!r} is {value:g}; {self.name} takes {wanted}")
        chosen = {**self.defaults, **options}
        values = memory.arrays.get("values", ())
        marks = tuple(sorted(chosen.items()))
        detector = self._at_rest.pop((marks, values), None) or self._replayed(chosen, values)
        detector.update(self._given(value, chosen))
        if detector.drift_detected:
            basis = Basis(count=len(values) + 1)
            return ChartMemory(), Signal(
                measurement, self.name, zone=Zone.BEYOND, rule="change_seen", score=3.0, fired=True, basis=basis
            )
        values = (*values, value)
        if len(values) >= MOST:
            values = values[-MOST // 2 :]
        else:
            self._at_rest[marks, values] = detector
            while len(self._at_rest) > _AT_REST:
                self._at_rest.popitem(last=False)
        warned = bool(getattr(detector, "warning_detected", False))
        zone = Zone.WITHIN_3 if warned else Zone.WITHIN_1
        return ChartMemory(arrays={"values": values}), Signal(measurement, self.name, zone=zone, score=2.0 * warned)

    def _given(self, value: float, chosen: dict[str, float | str]) -> float | bool:
        return value

    def _replayed(self, chosen: dict[str, float | str], values: tuple[float, ...]) -> Any:
        detector = self._started(chosen)
        for value in values:
            detector.update(self._given(value, chosen))
        return detector

    def _started(self, chosen: dict[str, float | str]) -> Any:
        try:
            from river import drift
        except ImportError as error:
            raise PluginError(
                f"the chart {self.name} needs river: pip install 'watchkeeper[river]' ({error})"
            ) from error
        place = drift.binary if self.binary else drift
        made = next((getattr(place, name) for name in self.where if hasattr(place, name)), None)
        if made is None:
            raise PluginError(f"this version of river has no {self.where[0]}, which the chart {self.name} is made of")
        known = {key: value for key, value in chosen.items() if key in self.defaults and key != "error_above"}
        return made(**{key: int(value) if key in self.whole else value for key, value in known.items()})


class Adwin(_Detector):
    """river's ADWIN: signals when the means of two parts of an adaptive window differ.

    Options are river's, by river's names and with its defaults. One value of a series counts as one, whatever the rows
    behind it. The chart remembers the values since its last signal and replays them, at most 2,000: beyond that it
    forgets the older half, and the detector goes on as if it had begun there. It promises no run length.

    References
    ----------
    Bifet and Gavaldà (2007), Learning from time-changing data with adaptive windowing, doi:10.1137/1.9781611972771.42.
    """

    plugin: ClassVar[str] = "chart"
    name: ClassVar[str] = "adwin"
    patience: ClassVar[int] = 64
    where: ClassVar[tuple[str, ...]] = ("ADWIN",)
    defaults: ClassVar[Options] = {
        "delta": 0.002, "clock": 32.0, "max_buckets": 5.0, "min_window_length": 5.0, "grace_period": 10.0,
    }  # fmt: skip
    whole: ClassVar[tuple[str, ...]] = ("clock", "max_buckets", "min_window_length", "grace_period")


class PageHinkley(_Detector):
    """river's Page–Hinkley test: signals when values stay away from their running mean for long.

    Options are river's, by river's names and with its defaults. ``threshold`` is in the unit of the values, so 50 suits
    sums of errors and is far too high for shares that move by a few hundredths. The chart remembers the values since
    its last signal and replays them, at most 2,000: beyond that it forgets the older half. It promises no run length.

    References
    ----------
    Page (1954), Continuous inspection schemes, doi:10.1093/biomet/41.1-2.100.
    """

    plugin: ClassVar[str] = "chart"
    name: ClassVar[str] = "page_hinkley"
    patience: ClassVar[int] = 300
    where: ClassVar[tuple[str, ...]] = ("PageHinkley",)
    defaults: ClassVar[Options] = {
        "min_instances": 30.0, "delta": 0.005, "threshold": 50.0, "alpha": 1 - 0.0001, "mode": "both",
    }  # fmt: skip
    whole: ClassVar[tuple[str, ...]] = ("min_instances",)


class Kswin(_Detector):
    """river's KSWIN: signals when the newest values of a window differ from the others by a Kolmogorov–Smirnov test.

    Options are river's, by river's names and with its defaults, but for ``seed``, which is fixed so that the same
    values give the same signals. The chart remembers the values since its last signal and replays them, at most 2,000:
    beyond that it forgets the older half, and the draws begin again. It tests at every value, so it promises no run
    length.

    References
    ----------
    Raab, Heusinger and Schleif (2020), Reactive soft prototype computing for concept drift streams,
    doi:10.1016/j.neucom.2019.11.111.
    """

    plugin: ClassVar[str] = "chart"
    name: ClassVar[str] = "kswin"
    patience: ClassVar[int] = 100
    where: ClassVar[tuple[str, ...]] = ("KSWIN",)
    defaults: ClassVar[Options] = {"alpha": 0.005, "window_size": 100.0, "stat_size": 30.0, "seed": 0.0}
    whole: ClassVar[tuple[str, ...]] = ("window_size", "stat_size", "seed")


class Ddm(_Detector):
    """river's DDM: signals when an error rate exceeds its smallest value so far by three standard deviations.

    Values are errors, 0 or 1, or shares of errors between 0 and 1. Options are river's, by river's names and with its
    defaults. The chart remembers the values since its last signal and replays them, at most 2,000: beyond that it
    forgets the older half. It promises no run length.

    References
    ----------
    Gama, Medas, Castillo and Rodrigues (2004), Learning with drift detection, doi:10.1007/978-3-540-28645-5_29.
    """

    plugin: ClassVar[str] = "chart"
    name: ClassVar[str] = "ddm"
    patience: ClassVar[int] = 30
    binary: ClassVar[bool] = True
    unit: ClassVar[bool] = True
    where: ClassVar[tuple[str, ...]] = ("DDM",)
    defaults: ClassVar[Options] = {"warm_start": 30.0, "warning_threshold": 2.0, "drift_threshold": 3.0}
    whole: ClassVar[tuple[str, ...]] = ("warm_start",)


class Eddm(_Detector):
    """river's EDDM: signals when errors come at shorter distances than they used to.

    It knows errors only as yes or no: a value above ``error_above`` is one. The other options are river's, by river's
    names and with its defaults. The chart remembers the values since its last signal and replays them, at most 2,000:
    beyond that it forgets the older half. It promises no run length.

    References
    ----------
    Baena-García et al. (2006), Early drift detection method, International workshop on knowledge discovery from data
    streams.
    """

    plugin: ClassVar[str] = "chart"
    name: ClassVar[str] = "eddm"
    patience: ClassVar[int] = 60
    binary: ClassVar[bool] = True
    unit: ClassVar[bool] = True
    where: ClassVar[tuple[str, ...]] = ("EDDM",)
    defaults: ClassVar[Options] = {"warm_start": 30.0, "alpha": 0.95, "beta": 0.9, "error_above": 0.5}
    whole: ClassVar[tuple[str, ...]] = ("warm_start",)

    def _given(self, value: float, chosen: dict[str, float | str]) -> bool:
        return value > float(chosen["error_above"])


class HddmA(_Detector):
    """river's HDDM_A: signals when the mean of bounded values has risen, by Hoeffding's inequality.

    Values lie between 0 and 1. Options are river's, by river's names and with its defaults. The chart remembers the
    values since its last signal and replays them, at most 2,000: beyond that it forgets the older half. It promises no
    run length.

    References
    ----------
    Frías-Blanco et al. (2015), Online and non-parametric drift detection methods based on Hoeffding's bounds,
    doi:10.1109/TKDE.2014.2345382.
    """

    plugin: ClassVar[str] = "chart"
    name: ClassVar[str] = "hddm_a"
    patience: ClassVar[int] = 30
    binary: ClassVar[bool] = True
    unit: ClassVar[bool] = True
    where: ClassVar[tuple[str, ...]] = ("HDDMA", "HDDM_A")
    defaults: ClassVar[Options] = {"drift_confidence": 0.001, "warning_confidence": 0.005, "two_sided_test": 0.0}


class HddmW(_Detector):
    """river's HDDM_W: signals when the weighted mean of bounded values has risen, by McDiarmid's inequality.

    Values lie between 0 and 1. Options are river's, by river's names and with its defaults. The chart remembers the
    values since its last signal and replays them, at most 2,000: beyond that it forgets the older half. It promises no
    run length.

    References
    ----------
    Frías-Blanco et al. (2015), Online and non-parametric drift detection methods based on Hoeffding's bounds,
    doi:10.1109/TKDE.2014.2345382.
    """

    plugin: ClassVar[str] = "chart"
    name: ClassVar[str] = "hddm_w"
    patience: ClassVar[int] = 30
    binary: ClassVar[bool] = True
    unit: ClassVar[bool] = True
    where: ClassVar[tuple[str, ...]] = ("HDDMW", "HDDM_W")
    defaults: ClassVar[Options] = {
        "drift_confidence": 0.001, "warning_confidence": 0.005, "lambda_val": 0.05, "two_sided_test": 0.0,
    }  # fmt: skip
