"""Which columns belong to an alarm: ranking by the false discovery rate, never the alarm itself."""

from __future__ import annotations

from collections.abc import Sequence

from watchkeeper.core.signal import Signal

__all__ = ["ranked"]

_RATE = 0.05


def ranked(signals: Sequence[Signal]) -> list[Signal]:
    """Return the signals of one cause in one window that belong to its alarm, the surest first.

    Those that fired come first, by their score. Where any did, those whose own p-value stands at a false discovery rate
    of 5 % among all columns judged with it follow: too weak to raise an alarm alone, but moved with the others.

    References
    ----------
    Benjamini and Hochberg (1995), doi:10.1111/j.2517-6161.1995.tb02031.x.
    """
    fired = sorted((s for s in signals if s.fired), key=lambda s: -abs(s.score))
    rest = [s for s in signals if not s.fired and s.p_value is not None]
    if not fired or not rest:
        return fired
    from scipy.stats import false_discovery_control

    tested = [s for s in signals if s.p_value is not None]
    q = false_discovery_control([s.p_value for s in tested if s.p_value is not None])
    along = [(value, s) for value, s in zip(q, tested, strict=True) if not s.fired and value <= _RATE]
    return fired + [s for _, s in sorted(along, key=lambda item: (item[0], -abs(item[1].score)))]
