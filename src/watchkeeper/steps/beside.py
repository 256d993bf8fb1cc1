"""What is told beside a drift of the model's answers or labels, though it would raise no alarm by itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from watchkeeper.core.alert import Cause
from watchkeeper.core.schema import Role
from watchkeeper.core.signal import Basis, Signal, Zone
from watchkeeper.core.spec import Monitor, Spec

__all__ = ["confirmed"]

_ROLES = (Role.PREDICTION, Role.SCORE, Role.CLASS_SCORE, Role.QUANTILE, Role.LABEL)

Caused = list[tuple[Cause, Signal]]


def confirmed(signals: Sequence[Signal], caused: Caused, spec: Spec) -> tuple[list[Signal], Caused]:
    """Return the signals of a window, with those fired that a drift of answers or labels beside them confirms.

    Their p-value is at most the option ``beside`` of their monitor, and their value exceeds its tolerance. An alarm is
    raised by other signals alone, a serial gatekeeper: false alarms are as rare as without them.

    References
    ----------
    Westfall and Krishen (2001), Optimally weighted, fixed sequence and gatekeeper multiple testing procedures,
    doi:10.1016/S0378-3758(01)00077-5.
    """
    beside = [monitor for monitor in spec.monitors if monitor.options.get("beside")]
    if not beside:
        return list(signals), caused
    told = {column.name for column in spec.schema if column.role in _ROLES}
    drifted = {
        s.measurement.segment
        for cause, s in caused
        if cause is Cause.DRIFT and s.fired and s.measurement.column in told
    }
    fired = {
        id(s): _fired(s, float(monitor.options["beside"]))
        for s in signals
        for monitor in beside
        if s.measurement.segment in drifted and _concerns(monitor, s) and _far(s, monitor)
    }
    return [fired.get(id(s), s) for s in signals], [(cause, fired.get(id(s), s)) for cause, s in caused]


def _concerns(monitor: Monitor, signal: Signal) -> bool:
    measurement = signal.measurement
    same = (measurement.name, measurement.against, signal.chart) == (monitor.measure, monitor.against, monitor.chart)
    return same and measurement.column in monitor.columns and monitor.covers(measurement.segment)


def _far(signal: Signal, monitor: Monitor) -> bool:
    if signal.fired or signal.p_value is None or signal.measurement.value is None:
        return False
    return signal.p_value <= float(monitor.options["beside"]) and signal.measurement.value > (signal.upper or 0.0)


def _fired(signal: Signal, level: float) -> Signal:
    basis = Basis(signal.p_value, level, signal.upper or 0.0)
    return replace(signal, fired=True, zone=Zone.BEYOND, rule="significant_beside", basis=basis)
