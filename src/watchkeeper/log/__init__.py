"""Logging from the serving process: light to import, bounded, and never in the way of the host.

Examples
--------
>>> from tempfile import mkdtemp
>>> log = Log(mkdtemp(), "flights", version="3")
>>> key = log.predict(features={"distance": 1400.0}, prediction=1, score=0.83, latency=0.004)
>>> _ = log.label(key, 0)
>>> log.close()
True
"""

from __future__ import annotations

from watchkeeper.log.log import Log

__all__ = ["Log"]
