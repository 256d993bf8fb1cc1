"""Whether another version of the model answers since the change."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from watchkeeper.core.columns import series_named
from watchkeeper.core.diagnosis import Onset
from watchkeeper.core.schema import Role as ColumnRole
from watchkeeper.core.schema import Schema
from watchkeeper.core.window import Window
from watchkeeper.diagnose.sampled import Sampled
from watchkeeper.stats.blocks import to_text

__all__ = ["Switch", "Versus", "same_versions", "switch_near", "versions_apart"]

_LEAST_SHARE = 0.2
_LEAST_ROWS = 30
_STRANGE = 0.1
_BEFORE = 5


@dataclass(frozen=True, slots=True)
class Switch:
    """Another mix of versions.

    Attributes
    ----------
    at
        Start of the first window with the other mix.
    version
        The version whose share rose most.
    share0, share
        Its share of the rows before and since.
    """

    at: datetime
    version: str
    share0: float
    share: float

    @property
    def rise(self) -> float:
        """By how much its share rose."""
        return self.share - self.share0


@dataclass(frozen=True, slots=True)
class Versus:
    """Mean losses of the new version and of the others side by side in one time.

    Attributes
    ----------
    error
        Standard error of their difference.
    """

    new: float
    others: float
    error: float

    @property
    def z(self) -> float:
        """The difference in standard errors."""
        return (self.new - self.others) / self.error if self.error > 0 else 0.0


def switch_near(versions: Mapping[Window, Mapping[str, int]], onset: Onset | None) -> Switch | None:
    """Return the change of versions that began in the interval of the onset, one window of slack on either side.

    Shares before are those of the last five windows before the interval, and shares since those of the windows from its
    end on; None where no version gained a fifth of the rows, or where it did so at another time.
    """
    windows = sorted(versions)
    if onset is None or len(windows) < 2:
        return None
    slack = windows[0].end - windows[0].start
    early = [w for w in windows if w.start < onset.earliest - slack][-_BEFORE:]
    before = _shares(versions[w] for w in early)
    since = _shares(versions[w] for w in windows if w.start >= onset.latest)
    if not before or not since:
        return None
    version = max(since, key=lambda v: since[v] - before.get(v, 0.0))
    share0, share = before.get(version, 0.0), since[version]
    if share - share0 < _LEAST_SHARE:
        return None
    half = (share + share0) / 2
    risen = [w.start for w in windows if _shares([versions[w]]).get(version, 0.0) >= half and share0 < half]
    starts = [s for s in risen if onset.earliest - slack <= s <= onset.latest + slack]
    if not starts or any(w.start in risen for w in early):
        return None
    return Switch(starts[0], version, share0, share)


def versions_apart(rows: Sampled, schema: Schema, version: str) -> Versus | None:
    """Compare the losses of a version with those of the others in the same windows; None where one of them is alone."""
    name = schema.name_of(ColumnRole.VERSION)
    if name is None or name not in rows.frame.columns or not len(rows):
        return None
    new = (to_text(series_named(rows.frame, name)) == version).fill_null(False).to_numpy()
    sides = rows.losses[new], rows.losses[~new]
    if min(map(len, sides)) < _LEAST_ROWS:
        return None
    error = float(np.sqrt(sum(side.var(ddof=1) / len(side) for side in sides)))
    means = [float(side.mean()) for side in sides]
    return Versus(means[0], means[1], error)


def same_versions(rows0: Sampled, rows: Sampled, schema: Schema) -> bool:
    """Return whether at most one of ten current rows is answered by a version that did not answer the reference."""
    name = schema.name_of(ColumnRole.VERSION)
    if name is None or any(name not in side.frame.columns for side in (rows0, rows)):
        return True
    known = to_text(series_named(rows0.frame, name)).unique()
    strange = ~to_text(series_named(rows.frame, name)).is_in(known.implode()).fill_null(False).to_numpy()
    return float(rows.weights[strange].sum()) <= _STRANGE


def _shares(counts: Iterable[Mapping[str, int]]) -> dict[str, float]:
    total: Counter[str] = Counter()
    for one in counts:
        total.update(one)
    rows = sum(total.values())
    return {version: count / rows for version, count in total.items()} if rows else {}
