"""What two versions lose on the rows of the log, and which requests each has answered."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime

import numpy as np
import polars as pl
from numpy.typing import NDArray

from watchkeeper.core.columns import series_named
from watchkeeper.core.errors import SchemaError, TrainingError
from watchkeeper.core.schema import Role
from watchkeeper.core.spec import Spec
from watchkeeper.core.store import Store
from watchkeeper.core.window import Window
from watchkeeper.maintain.gate import segments_of
from watchkeeper.maintain.losses import choose_metric, losses, row_metric
from watchkeeper.maintain.rollout import Rollout
from watchkeeper.maintain.rollout_evidence import Seen
from watchkeeper.maintain.store_registry import StoreRegistry
from watchkeeper.maintain.terms import days_of
from watchkeeper.maintain.train import load_trainer, score_rows

__all__ = ["ChallengerFailed", "Compared", "RolloutRows", "day_number", "scale_of", "scaled"]

Floats = NDArray[np.float64]

_WIDEST = 0.995
"""The quantile of what the two differ by that counts as 1: what is beyond counts as no more."""


class ChallengerFailed(Exception):  # noqa: N818 - it is caught where it belongs, and reaches nobody
    """The challenger gives no answer."""


@dataclass(frozen=True, slots=True)
class Compared:
    """Labelled rows, and what each version loses on them."""

    rows: pl.DataFrame
    champion: Floats
    challenger: Floats
    days: NDArray[np.int64]


@dataclass(frozen=True)
class RolloutRows:
    """The rows that a rollout is judged by.

    Parameters
    ----------
    folder
        Where the user's training module lies.
    """

    spec: Spec
    store: Store
    registry: StoreRegistry
    folder: str

    @property
    def metric(self) -> str:
        """The metric whose loss of a row is compared."""
        return row_metric(choose_metric(self.spec.schema.task, self.spec.maintenance.metric))

    def read(self, start: datetime, end: datetime) -> pl.DataFrame | None:
        """Return the rows of a time; None where there are none."""
        if end <= start:
            return None
        frames = [batch.frame for batch in self.store.read(self.spec.model, self.spec.schema, Window(start, end))]
        rows = pl.concat(frames, how="diagonal_relaxed") if frames else None
        return rows if rows is not None and rows.height else None

    def compared(self, champion: str, challenger: str, start: datetime, end: datetime) -> Compared | None:
        """Return what both versions lose on the labelled rows of a time; None where there are none.

        A row that the challenger gives no answer to, and the champion does, is lost by it as far as a row can be.

        Raises
        ------
        ChallengerFailed
            When the challenger fails.
        """
        rows = self.read(start, end)
        if rows is None:
            return None
        if not self.registry.version(champion).artefact:
            # What is kept elsewhere cannot be asked: only rows that it has answered itself say anything.
            rows = rows.filter(~self._answered_by(rows, challenger))
        ours = self._losses(champion, rows)
        known = np.isfinite(ours)
        if not known.any():
            return None
        rows, ours = rows.filter(pl.Series(known)), ours[known]
        try:
            theirs = self._losses(challenger, rows)
        except (TrainingError, SchemaError) as error:
            raise ChallengerFailed(str(error)) from error
        days = days_of(rows, self.spec.schema)
        if days is None:
            return None
        return Compared(rows, ours, theirs, days)

    def seen(self, rollout: Rollout, labelled: datetime, served: datetime) -> Seen:
        """Return what is new: labelled rows up to one moment, and requests up to another."""
        found = self._paired(rollout, labelled) if rollout.paired else self._unpaired(rollout, labelled)
        return self._requests(rollout, served, found)

    def _paired(self, rollout: Rollout, end: datetime) -> Seen:
        both = self.compared(rollout.champion, rollout.challenger, rollout.until, end)
        if both is None:
            return Seen(np.empty(0), np.empty(0, np.int64))
        gains = scaled(both, rollout.scale)
        segments = dict(segments_of(both.rows, self.spec.schema, self.spec.maintenance))
        return Seen(gains, both.days, segments=segments)

    def _unpaired(self, rollout: Rollout, end: datetime) -> Seen:
        """Weigh the logged answer of each row by how likely it was that this version gave it."""
        nothing = Seen(np.empty(0), np.empty(0, np.int64))
        share = rollout.share
        rows = self.read(max(rollout.until, rollout.entered), end)
        if rows is None or not 0 < share < 1:
            return nothing
        lost = losses(rows, self.spec.schema, self.metric)
        known, days = np.isfinite(lost), days_of(rows, self.spec.schema)
        if days is None or not known.any():
            return nothing
        rows, days = rows.filter(pl.Series(known)), days[known]
        lost = np.clip(lost[known] / rollout.scale, 0.0, 1.0)
        ours = self._answered_by(rows, rollout.challenger).to_numpy()
        gains: Floats = np.where(ours, -lost / share, lost / (1 - share))
        segments = dict(segments_of(rows, self.spec.schema, self.spec.maintenance))
        return Seen(gains, days, (-1 / share, 1 / (1 - share)), segments)

    def _requests(self, rollout: Rollout, end: datetime, found: Seen) -> Seen:
        """Count the requests of this stage, and those of the challenger that took long."""
        if not 0 < rollout.share < 1 or self.spec.schema.name_of(Role.VERSION) is None:
            return found
        rows = self.read(max(rollout.served, rollout.entered), end)
        if rows is None:
            return found
        ours = self._answered_by(rows, rollout.challenger)
        chosen, asked = int(ours.sum()), rows.height
        slow, days = np.empty(0), np.empty(0, np.int64)
        times = self.latencies(rows.filter(ours))
        numbers = days_of(rows.filter(ours), self.spec.schema)
        if rollout.slow is not None and times is not None and numbers is not None:
            known = np.isfinite(times)
            slow, days = (times[known] > rollout.slow).astype(np.float64), numbers[known]
        return Seen(found.gains, found.days, found.bounds, found.segments, slow, days, chosen, asked)

    def days(self, rows: pl.DataFrame) -> NDArray[np.int64] | None:
        """Return the number of the day of each row."""
        return days_of(rows, self.spec.schema)

    def latencies(self, rows: pl.DataFrame) -> Floats | None:
        """Return how long each answer took; None where that is not logged."""
        name = self.spec.schema.name_of(Role.LATENCY)
        if name is None or name not in rows.columns:
            return None
        found: Floats = series_named(rows, name).cast(pl.Float64).fill_null(np.nan).to_numpy()
        return found

    def _answered_by(self, rows: pl.DataFrame, version: str) -> pl.Series:
        name = self.spec.schema.name_of(Role.VERSION)
        if name is None or name not in rows.columns:
            return pl.repeat(value=False, n=rows.height, eager=True)
        return (series_named(rows, name).cast(pl.String) == version).fill_null(value=False)

    def _losses(self, version: str, rows: pl.DataFrame) -> Floats:
        if self.registry.version(version).artefact:
            rule = self.spec.maintenance
            trainer = load_trainer(rule.train, self.folder) if rule.train else None
            rows = score_rows(self.registry.load(version), rows, self.spec.schema, trainer)
        return losses(rows, self.spec.schema, self.metric)


def scaled(both: Compared, scale: float) -> Floats:
    """Return d of each row: what the champion loses more than the challenger, in units of ``scale``, within [-1, 1]."""
    gains = np.clip((both.champion - both.challenger) / scale, -1.0, 1.0)
    found: Floats = np.where(np.isfinite(gains), gains, -1.0)
    return found


def scale_of(both: Compared) -> float:
    """Return what d is divided by: what all but one in 200 of the differing rows differ by; 1 where none differs."""
    found = np.abs(both.champion - both.challenger)
    found = found[np.isfinite(found) & (found > 0)]
    return float(np.quantile(found, _WIDEST)) if len(found) else 1.0


def day_number(moment: datetime) -> int:
    """Return the number of the day of a moment, as ``days_of`` counts them."""
    return moment.astimezone(UTC).date().toordinal() - date(1970, 1, 1).toordinal()
