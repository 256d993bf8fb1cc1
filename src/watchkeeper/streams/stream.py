"""Rows judged as they arrive, with memory that does not grow."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from watchkeeper.alerts.policy import Episode, decide
from watchkeeper.charts.e_detector import verdict
from watchkeeper.core.alert import Alert, AlertEnd, AlertState, Cause, Severity
from watchkeeper.core.columns import series_named
from watchkeeper.core.errors import STOPS, UsageError, WatchkeeperError, in_short, near_miss
from watchkeeper.core.evidence import Change, Quantity
from watchkeeper.core.measurement import Family, Measurement
from watchkeeper.core.schema import Role, Schema
from watchkeeper.core.signal import Signal, Zone
from watchkeeper.core.spec import AlertRule
from watchkeeper.core.state import State, StateKey
from watchkeeper.core.window import Window
from watchkeeper.ingest.door import OPEN, Door
from watchkeeper.stats.codec import merged
from watchkeeper.streams.arrivals import Arrived, arrived, by_segment, is_row, joined
from watchkeeper.streams.memory import Entrance, Saved, decode, encode, essence
from watchkeeper.streams.series import Series, series_of
from watchkeeper.streams.series_evidence import SeriesEvidence
from watchkeeper.words.alerts import WordedAlert

__all__ = ["Step", "Stream"]

_FAULTS = (Cause.DATA_FAULT, Cause.LABEL_FAULT)
_FORGIVEN = 1_000_000_000
"""Steps without a signal after which an alert would end by itself: a stream's alerts end when a person ends them."""


@dataclass(frozen=True, slots=True)
class Step:
    """What came of one update.

    Attributes
    ----------
    rows
        Rows that were judged; 0 while they are gathered.
    signals
        The signals of this step.
    alerts
        Alerts that are new, or that grew by a column, a segment or in severity.
    failed
        One failed measurement for each column that could not be judged.
    """

    rows: int = 0
    signals: tuple[Signal, ...] = ()
    alerts: tuple[WordedAlert, ...] = ()
    failed: tuple[Measurement, ...] = ()


class Stream:
    """A watch over rows as they arrive, by the stream rule, from a reference's states alone.

    It keeps the evidence of each column, ln M of the chart ``e_detector`` at up to 130 points, and nothing else that
    grows with the rows. Half of the budget is for what the model is asked, half for what it answers and for its errors.
    Evidence of a column starts anew when it signals; an alert stays until ``resolve``. A stream belongs to one thread.

    The rule holds for any cutting into batches. A batch is judged as a whole, so within it the moment of a change is
    not told; evidence of the same rows in other batches differs by what is credited to rows in advance, and agrees in
    what it concludes.

    Parameters
    ----------
    reference
        Its states, by whatever key: those of ``summarise``, of a project's ``reference_states`` or of a report. Those
        of several windows or versions are merged.
    schema
        The columns with their roles. The segments it declares are watched each by itself as well, as far as the
        reference has states with at least 100 rows of them, and share half of the budget.
    tolerance
        Change of a share that does not matter; never less than what the reference leaves open.
    margin
        Rise of the share of wrong answers that does not matter.
    run_length
        Rows of unchanged data, on average, to a false alert.
    every
        Rows that are gathered before they are judged.
    effects
        Design effect by column: by how much fewer independent rows the rows count.
    notes
        What a person should know, to be told with what is left out.
    door
        What is declared of the values, and how those of the reference were read: rows are read so too.

    Raises
    ------
    UsageError
        When an option is out of range or no column can be watched.
    """

    def __init__(
        self,
        reference: Mapping[Any, State] | Iterable[State],
        schema: Schema,
        *,
        tolerance: float = 0.05,
        margin: float = 0.02,
        run_length: float = 100_000.0,
        every: int = 10,
        effects: Mapping[str, float] | None = None,
        notes: Sequence[str] = (),
        model: str = "stream",
        door: Door = OPEN,
    ) -> None:
        if not 0 <= tolerance < 1 or not 0 <= margin < 1 or run_length < 1 or every < 1:
            raise UsageError(
                f"tolerance and margin must lie in [0, 1), run_length and every be at least 1; they are {tolerance:g}, "
                f"{margin:g}, {run_length:g} and {every:g}"
            )
        whole = merged(reference.values() if isinstance(reference, Mapping) else reference, None, model)
        self._series, left = series_of(whole, schema)
        if not self._series:
            raise UsageError(f"no column can be watched: {' '.join(left) or 'the schema has no features'}")
        self._door = door
        self._schema, self._model, self._notes = schema, model, tuple(dict.fromkeys([*notes, *left]))
        self._options = {
            "tolerance": tolerance, "margin": margin, "run_length": run_length, "every": float(every),
        }  # fmt: skip
        self._effects = dict(effects or {})
        self._essence = essence(whole, [(one.segment, one.column.name) for one in self._series])
        self._evidence = SeriesEvidence(self._series, self._options, self._effects)
        self._rows = 0
        self._waiting: list[Arrived] = []
        self._single: list[Mapping[str, Any]] = []
        self._episodes: dict[Cause, Episode] = {}

    @property
    def rows(self) -> int:
        """Rows that have been judged."""
        return self._rows

    @property
    def notes(self) -> tuple[str, ...]:
        """What is not watched and why, and what the rows of the reference allow."""
        return self._notes

    @property
    def alerts(self) -> tuple[WordedAlert, ...]:
        """The alerts that are open, gravest first."""
        found = [WordedAlert.of(episode.alert) for episode in self._episodes.values() if episode.alert is not None]
        return tuple(sorted(found, key=lambda alert: (-alert.severity, alert.cause)))

    @property
    def scores(self) -> dict[str, float]:
        """The evidence of each series as 3·ln(mean M)/ln(p·A): 3 is a signal, 0 none at all.

        The evidence of a column within a segment is under ``price in country=DE``.
        """
        found = 3 * np.maximum(self._evidence.together, 0.0) / self._evidence.needed
        return {one.place: float(score) for one, score in zip(self._series, found, strict=True)}

    @property
    def measurements(self) -> tuple[Measurement, ...]:
        """How far the rows judged last are from the reference, one for each series: values for any other chart."""
        return tuple(
            one.measurement(self._key(one), self._evidence.newest(number), int(self._evidence.judged[number]))
            for number, one in enumerate(self._series)
            if self._evidence.judged[number]
        )

    def update(self, rows: Any) -> Step:
        """Take rows in, and judge them once there are ``every``.

        What is wrong with rows is never raised: a column that is missing or has another type is one failed
        measurement and an alert, and so are rows that are no rows at all.

        Parameters
        ----------
        rows
            A Polars, pandas or Arrow table; a mapping of columns; one row as a mapping of column to value; or a
            sequence of rows. Columns that the reference does not have are left alone. Labels may be null until they
            are known.
        """
        if not is_row(rows):
            return self._take(rows)
        self._single.append(dict(rows))
        held = len(self._single) + sum(piece.rows for piece in self._waiting)
        return Step() if held < self._options["every"] else self.flush()

    def flush(self) -> Step:
        """Judge the rows that are gathered, however few."""
        before = self._settle()
        return _both(before, self._judge())

    def _take(self, rows: Any) -> Step:
        before = self._settle()
        try:
            piece = arrived(rows, self._schema, self._door)
        except STOPS:
            raise
        except BaseException as error:  # noqa: BLE001 - whatever is raised, a panic included, costs these rows
            return _both(before, self._unreadable(error))
        if not piece.rows:
            return before
        if self._waiting and set(piece.problems) != {name for one in self._waiting for name in one.problems}:
            # A column that is broken in some rows is still judged in the others.
            before = _both(before, self._judge())
        self._waiting.append(piece)
        ready = sum(one.rows for one in self._waiting) >= self._options["every"]
        return _both(before, self._judge()) if ready else before

    def _settle(self) -> Step:
        """Read the single rows that wait."""
        if not self._single:
            return Step()
        rows, self._single = self._single, []
        try:
            self._waiting.append(arrived(rows, self._schema, self._door))
        except STOPS:
            raise
        except BaseException as error:  # noqa: BLE001 - whatever is raised, a panic included, costs these rows
            return self._unreadable(error)
        return Step()

    def _unreadable(self, error: BaseException) -> Step:
        why = str(error) if isinstance(error, WatchkeeperError) else in_short(error)
        failed = Measurement.failed(StateKey(self._model), Family.QUALITY, "rows", f"rows cannot be read: {why}")
        return Step(failed=(failed,), alerts=self._alerted([(Cause.NO_DATA, _fault(failed))], None))

    def _judge(self) -> Step:
        if not self._waiting:
            return Step()
        piece, self._waiting = joined(self._waiting), []
        failed = self._count(piece)
        fired = self._evidence.add_up()
        caused = [self._signal(number) for number in fired]
        for number in fired:
            self._evidence.forget(number)
        self._rows += piece.rows
        broken = [(self._cause_of_fault(m.column), _fault(m)) for m in failed]
        alerts = self._alerted([*caused, *broken], _window(piece, self._schema)) if caused or broken else ()
        return Step(piece.rows, tuple(signal for _, signal in caused), alerts, tuple(failed))

    def _count(self, piece: Arrived) -> list[Measurement]:
        """Take the shares of the rows; return a failed measurement for each column that has none."""
        frames = by_segment(piece, self._schema)
        for number, one in enumerate(self._series):
            frame = frames.get(one.segment)
            if frame is None or one.column.name in piece.problems:
                self._evidence.take(number, one.reference, 0)
            else:
                self._evidence.take(number, *one.read(frame))
        # A column of segments may be none that is watched.
        names = dict.fromkeys([*(one.column.name for one in self._series), *(r.column for r in self._schema.segments)])
        keys = {name: StateKey(self._model, column=name.removeprefix("@")) for name in names if name in piece.problems}
        return [
            Measurement.failed(key, Family.COMPARISON, "shares", piece.problems[name], n=piece.rows)
            for name, key in keys.items()
        ]

    def _signal(self, number: int) -> tuple[Cause, Signal]:
        one, evidence = self._series[number], self._evidence
        rose, point = evidence.strongest(number)
        cause, what = one.moved(point)
        if not rose and cause in _FAULTS:
            # Fewer rows without a value, or fewer new levels, are a change and no fault.
            cause = Cause.DRIFT
        shares, rows = evidence.lately(number)
        found = one.measurement(self._key(one), shares, rows)
        before, now = float(one.reference[point]), float(shares[point])
        change = Change(Quantity.SHARE, before, now, levels=(what,))
        found = replace(found, evidence=replace(found.evidence, change=change))
        together, needed, delta = (float(v[number]) for v in (evidence.together, evidence.needed, evidence.delta))
        return cause, verdict(found, together, needed, delta, abs(now - before))

    def _cause_of_fault(self, column: str) -> Cause:
        return Cause.LABEL_FAULT if column == self._schema.name_of(Role.LABEL) else Cause.DATA_FAULT

    def _key(self, one: Series) -> StateKey:
        return StateKey(self._model, segment=one.segment, column=one.name)

    def _alerted(self, caused: list[tuple[Cause, Signal]], window: Window | None) -> tuple[WordedAlert, ...]:
        """Let the policy make alerts of signals; return those that are new or grew."""
        rule = AlertRule(k=1, n=1, clear=_FORGIVEN)
        before = {cause: episode.alert for cause, episode in self._episodes.items()}
        _, episodes = decide(self._model, window, caused, rule, self._episodes)
        changed: list[WordedAlert] = []
        for cause, episode in episodes.items():
            alert, known = episode.alert, before.get(cause)
            if alert is None:
                continue
            if known is None:
                alert = replace(alert, id=f"{alert.id}-{self._rows}")
            else:
                # Evidence starts anew after a signal, so that what signalled before is silent by now.
                alert = replace(alert, segments=tuple(dict.fromkeys([*known.segments, *alert.segments])))
            episodes[cause] = replace(episode, alert=alert)
            if known is None or _extent(alert) != _extent(known):
                changed.append(WordedAlert.of(alert))
        self._episodes = episodes
        return tuple(sorted(changed, key=lambda alert: (-alert.severity, alert.cause)))

    def resolve(self, alert: Alert | str) -> WordedAlert:
        """End an open alert, given itself or its id, and return it as ended.

        Raises
        ------
        UsageError
            When no such alert is open.
        """
        wanted = alert.id if isinstance(alert, Alert) else alert
        for cause, episode in self._episodes.items():
            if episode.alert is not None and episode.alert.id == wanted:
                self._episodes[cause] = Episode()
                return WordedAlert.of(replace(episode.alert, state=AlertState.ENDED, end=AlertEnd.CLEARED))
        raise UsageError(f"no alert {wanted!r} is open; {near_miss(wanted, [a.id for a in self.alerts])}")

    def save(self) -> bytes:
        """Return everything as bytes, in a versioned form without code; ``restore`` continues where it stood."""
        self._settle()
        evidence, ranked, numbers = self._evidence.pack()
        saved = Saved(
            self._model, self._schema, self._options, self._effects, self._notes, self._essence,
            evidence, ranked, numbers, self._rows, tuple(self._waiting), self._episodes, Entrance.of(self._door),
        )  # fmt: skip
        return encode(saved)

    @classmethod
    def restore(cls, data: bytes) -> Stream:
        """Return the stream that ``save`` wrote.

        Raises
        ------
        StateError
            When the bytes are damaged or were written by a newer version.
        """
        saved = decode(data)
        made = cls(
            saved.reference, saved.schema, tolerance=saved.options["tolerance"], margin=saved.options["margin"],
            run_length=saved.options["run_length"], every=int(saved.options["every"]), effects=saved.effects,
            notes=saved.notes, model=saved.model, door=saved.entrance.door,
        )  # fmt: skip
        made._evidence.unpack(saved.evidence, saved.ranked, saved.numbers)
        made._rows, made._waiting, made._episodes = saved.rows, list(saved.waiting), dict(saved.episodes)
        return made


def _both(first: Step, second: Step) -> Step:
    return Step(
        first.rows + second.rows,
        first.signals + second.signals,
        first.alerts + second.alerts,
        first.failed + second.failed,
    )


def _extent(alert: Alert) -> tuple[Severity, frozenset[str], frozenset[str]]:
    return alert.severity, frozenset(alert.columns), frozenset(alert.segments)


def _fault(measurement: Measurement) -> Signal:
    return Signal(measurement, "without a chart", zone=Zone.BEYOND, rule="not_measured", score=100.0, fired=True)


def _window(piece: Arrived, schema: Schema) -> Window | None:
    """Return the time of the rows, where they tell it."""
    name = schema.name_of(Role.TIME)
    if name is None or name not in piece.frame.columns:
        return None
    first, last = series_named(piece.frame, name).min(), series_named(piece.frame, name).max()
    if not isinstance(first, datetime) or not isinstance(last, datetime):
        return None
    return Window(first, last + timedelta(microseconds=1))
