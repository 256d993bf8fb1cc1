"""A configuration and its store: what the command line works on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec
import polars as pl

from watchkeeper.alerts.letter import Picture
from watchkeeper.config.arguments import typed
from watchkeeper.config.configuration import check_names
from watchkeeper.config.model import Model, columns_fingerprint
from watchkeeper.core.action import Action
from watchkeeper.core.alert import Alert
from watchkeeper.core.batch import Batch
from watchkeeper.core.columns import column_named, columns_named, series_named
from watchkeeper.core.errors import SourceError
from watchkeeper.core.fingerprint import fingerprint
from watchkeeper.core.plugins import plugins
from watchkeeper.core.rule import Rule
from watchkeeper.core.schema import Role, Schema
from watchkeeper.core.spec import ATTRIBUTION_DRIFT, DEPARTURE, Spec
from watchkeeper.core.store import Table
from watchkeeper.core.user_code import search_in
from watchkeeper.core.window import Window
from watchkeeper.ingest.door import Door, enter
from watchkeeper.ingest.intake import FileIntake, Taken, mark_of, near, take_files, take_segments
from watchkeeper.ingest.rules import load_rules
from watchkeeper.ingest.sources import normalise_time, open_table, rows_beside
from watchkeeper.ingest.spool import Spooled, SpoolFaults, peek, spooled
from watchkeeper.quality.rule_set import check_columns
from watchkeeper.run.behaviour import AttributionDrift, attributes
from watchkeeper.run.failures import remembers_failures
from watchkeeper.run.keep import Maintainer
from watchkeeper.run.known_again import renew_marks
from watchkeeper.run.lease import leased
from watchkeeper.run.notify import post_news
from watchkeeper.run.once import run_once
from watchkeeper.run.outbox import Courier
from watchkeeper.run.records import Records, artefacts_of, open_records
from watchkeeper.run.retention import apply_retention
from watchkeeper.run.rollouts import Rollouts
from watchkeeper.run.run_report import RunReport
from watchkeeper.run.watched import monitored, monitors_of
from watchkeeper.schema.inference import infer_schema
from watchkeeper.schema.names import without
from watchkeeper.schema.reading import Form, Reading
from watchkeeper.steps.embedding import Embedding
from watchkeeper.steps.first_marks import first_columns, first_rows
from watchkeeper.steps.reference import summarise_reference
from watchkeeper.store.nouns import from_json
from watchkeeper.store.rehearsal import RehearsalStore

__all__ = ["Project", "RunReport", "Taken", "open_project"]

_SAMPLE = 100_000

Progress = Callable[[str, int, int], None]


class _Frozen(msgspec.Struct):
    digest: str
    schema: Schema
    texts: dict[str, str] = {}
    """Of columns that came as text and are none, how they are read: the form, a blank, and how times are written."""


@dataclass(frozen=True)
class Project(Records):
    """A configuration, its folder and its open store: what a run works on.

    Attributes
    ----------
    draw
        Draws the chart of an alert for receivers that show pictures.
    """

    draw: Callable[[Alert], Picture | None] | None = None

    @cached_property
    def courier(self) -> Courier:
        """Who sends what is in the outbox; the same as long as the project is open."""
        return Courier(self.store, draw=self.draw)

    @property
    def rehearsed(self) -> bool:
        """Whether runs only show what they would do."""
        return isinstance(self.store, RehearsalStore)

    def spec(self, name: str) -> Spec:
        """Return the specification of a model; its schema is inferred once and then kept.

        The schema, with the maps of the histograms, is part of the identity of every state, so it is inferred again
        only when the configuration of columns, segments or reference changes.

        Raises
        ------
        SourceError
            When there are no rows yet to infer it from.
        """
        model = self.config.model(name)
        known, known_first = (of(*_about(model)) for of in (columns_fingerprint, first_columns))
        held = self.store.pointer(name, "schema")
        frozen = from_json(held, _Frozen) if held else None
        if frozen is None or frozen.digest not in (known, known_first):
            frozen = _Frozen(known, *self._infer(name, model))
            self.store.record(name, [], {"schema": (held, msgspec.json.encode(frozen).decode())})
        schema = frozen.schema
        spec = replace(model.spec(name, schema), rules=self._rules(name, model, schema))
        schema = spec.schema
        if schema.metrics or spec.maintenance.trusted_names:
            # Functions and types may lie beside the configuration, as embedders and training do.
            search_in(self.folder)
        embedding = self.embedding(spec)
        metrics = {*plugins("metric"), *model.own_measures} - {ATTRIBUTION_DRIFT, DEPARTURE}
        wide = replace(spec, schema=embedding.wide(schema))
        return monitored(spec, embedding, monitors_of(self.config, wide, metrics))

    def _rules(self, name: str, model: Model, schema: Schema) -> tuple[Rule, ...]:
        rules = load_rules(model.rules, self.folder)
        check_columns(rules, [column.name for column in schema], f"model {name!r}")
        return rules

    def embedding(self, spec: Spec) -> Embedding:
        """Return the embedders of a model; their modules may lie beside the configuration."""
        return Embedding(spec.embed, str(self.folder))

    def keeper(self, name: str) -> Maintainer:
        """Return the keeper of a model; its model files lie beside the log."""
        return Maintainer(self.spec(name), self.store, str(self.folder), artefacts_of(self))

    def rollouts(self, name: str, spec: Spec | None = None) -> Rollouts:
        """Return the rollouts of a model."""
        return Rollouts(spec or self.spec(name), self.store, str(self.folder), artefacts_of(self))

    def take_in(self, name: str, now: datetime | None = None, *, replaces: bool = False) -> list[Taken]:
        """Append what has arrived: finished spool segments of the logging SDK, and the configured tables.

        Each source is appended at most once, see ``take_files``; one that cannot be costs itself.

        Parameters
        ----------
        now
            What counts as now where it is later than the clock; rows beyond it are set aside.
        replaces
            Whether a file that was replaced by another replaces its rows, whatever the configuration says.
        """
        model, found = self.config.model(name), list[Taken]()
        schema = self.spec(name).schema
        faults, clock = SpoolFaults(), datetime.now(UTC)
        limits = model.intake.limits(max(clock, now or clock))
        door = self.door(name)
        found.extend(take_segments(self.store, name, schema, self._spooled(name, schema, faults), limits, door))
        found.extend(Taken("the spool", Table.PREDICTIONS, problem=problem) for problem in faults.unread)
        if faults.lost:
            found.append(Taken("the spool", Table.PREDICTIONS, lost=faults.lost))
        if faults.unnamed:
            found.append(Taken("the spool", Table.PREDICTIONS, unnamed=faults.unnamed))
        wanted = [(Table.PREDICTIONS, model.source), (Table.LABELS, model.labels.source if model.labels else None)]
        replaces, rule = replaces or model.intake.on_change == "replace", model.windows.rule()
        for table, place in wanted:
            if place is not None:
                intake = FileIntake(self.store, name, schema, table, self.folder, limits, rule, replaces, door)
                found.extend(take_files(intake, self._beside(place)))
        return found

    @remembers_failures
    def run(
        self,
        name: str,
        now: datetime,
        *,
        progress: Progress | None = None,
        stepwise: bool = False,
        replaces: bool = False,
        send: bool = True,
        wait: bool = True,
    ) -> RunReport:
        """Take in, summarise, judge, tell and respond, while no other worker does.

        Parameters
        ----------
        now
            The moment of the run: windows that end later wait, and nobody is told of anything after it.
        stepwise
            Whether to respond after each window, as a run at its time would have, and not to the newest alone.
        replaces
            Whether files that were replaced by others replace their rows.
        send
            Whether to send messages; else they stay in the outbox for another process.
        wait
            Whether to wait until people are told; else ``courier.collect`` tells later what became of the messages.

        Raises
        ------
        LeasedError
            When another worker is at work on the model.
        """
        self.require_log(name, wholly=True)
        with leased(self.store, name, self.config.store.lease) as store:
            leaseholder = replace(self, store=store)
            taken = leaseholder.take_in(name, now, replaces=replaces)
            leaseholder._renew_schema(name)  # noqa: SLF001 - it is the same class
            keeper = leaseholder.keeper(name)
            embedding = self.embedding(keeper.spec)
            leaseholder._reference_from_table(name, keeper.spec, embedding)  # noqa: SLF001 - it is the same class
            behaviour = AttributionDrift(keeper).measure if attributes(keeper.spec) else None
            rollouts, actions = leaseholder.rollouts(name, keeper.spec), list[Action]()

            def keep(moment: datetime) -> list[Action]:
                kept = keeper.keep(moment)
                return [*kept, *rollouts.advance(moment)]

            respond = keeper.propose if self.rehearsed else keep
            ran = run_once(
                keeper.spec, store, now, progress=progress, embedding=embedding, behaviour=behaviour,
                respond=(lambda moment: actions.extend(respond(moment))) if stepwise else None,
            )  # fmt: skip
            # Training may take long, or fail: people are told before.
            routes = self.routes(name)
            if not self.rehearsed:
                post_news(name, store, routes, self.courier.clock())
                self.courier.hand_over(name, routes if send else ())
            try:
                apply_retention(store, name, self.config.store.retention)
                actions.extend(respond(now))
            finally:
                problems = () if self.rehearsed else self.courier.collect(wait=wait).get(name, ())
            if not self.rehearsed:
                return RunReport(tuple(taken), ran, tuple(actions), tuple(problems))
            # Nothing that was proposed came to an end here, so that it is proposed again and again.
            first = {(action.kind, action.alert): action for action in reversed(actions)}
            told = tuple(dict.fromkeys(route.to for route in routes))
            return RunReport(tuple(taken), ran, tuple(reversed(first.values())), (), rehearsed=True, receivers=told)

    def retrain(
        self, name: str, now: datetime, *, who: str, why: str, progress: Callable[[str], None] | None = None
    ) -> list[Action]:
        """Retrain a model because a person asks, while no other worker does; see ``Maintainer.ask``."""
        with leased(self.store, name, self.config.store.lease) as store:
            return replace(self, store=store).keeper(name).ask(now, who=who, why=why, progress=progress)

    def _renew_schema(self, name: str) -> None:
        """Know the columns by today's fingerprint where 0.1.0 has stored another mark of the same ones."""
        about, held = _about(self.config.model(name)), self.store.pointer(name, "schema")
        frozen = from_json(held, _Frozen) if held else None
        if frozen is not None and frozen.digest == first_columns(*about):
            renewed = _Frozen(columns_fingerprint(*about), frozen.schema, frozen.texts)
            self.store.record(name, [], {"schema": (held, msgspec.json.encode(renewed).decode())})

    def _reference_from_table(self, name: str, spec: Spec, embedding: Embedding) -> None:
        reference = self.config.model(name).reference
        if reference is None or reference.source is None:
            return
        place = self._beside(reference.source)
        source = open_table(place, door=self.door(name).expecting(spec.schema, self.door(name).known))
        time = spec.schema.name_of(Role.TIME)

        def batches() -> Iterable[Batch]:
            for frame in source.batches():
                whole = normalise_time(frame, time)[0] if time and time in frame.columns else frame
                yield Batch(whole, spec.schema)

        marks = [
            (near(piece.name, self.folder), piece.mark or mark_of(piece.name) or piece.rows())
            for piece in source.pieces
        ]
        what = f"{reference.source} {fingerprint('files', 1, {'files': marks})}"
        wide = replace(spec, schema=embedding.wide(spec.schema))
        renew_marks(wide, self.store, {f"{reference.source} {first_rows(marks)}": what})
        summarise_reference(wide, self.store, batches(), what, embedding)

    def _spooled(self, name: str, schema: Schema | None, faults: SpoolFaults) -> Iterable[Spooled]:
        url = self.config.store.url
        return spooled(self.folder / url, name, schema, faults=faults, kept=self.rehearsed) if "://" not in url else ()

    def door(self, name: str) -> Door:
        """Return how values are read: as declared, and as the rows were that the schema was inferred from."""
        columns, held = self.config.model(name).column_options, self.store.pointer(name, "schema")
        frozen = from_json(held, _Frozen) if held else None
        known = {}
        for column, words in (frozen.texts if frozen else {}).items():
            form, _, pattern = words.partition(" ")
            known[column] = Reading(Form[form], pattern=pattern)
        return Door(columns.declared, known=known, answers=columns.answers)

    def _infer(self, name: str, model: Model) -> tuple[Schema, dict[str, str]]:
        columns = model.column_options
        rows, readings = self._sample(name, model)
        texts = {
            column: f"{reading.form.name} {reading.pattern}".rstrip()
            for column, reading in readings.items()
            if reading.typed and reading.form not in (Form.TEXT, Form.TYPED, Form.UNUSABLE)
        }
        return infer_schema(
            rows,
            roles=columns.roles(),
            features=columns.features,
            ignore=columns.ignore,
            segments=model.split_by,
            positive=model.positive,
            task=model.task,
            scores=columns.scores,
            quantiles=columns.quantiles,
            kinds=columns.kinds,
        ), texts

    def _sample(self, name: str, model: Model) -> tuple[pl.DataFrame, Mapping[str, Reading]]:
        """Return rows to infer the schema from, of the reference where it is a table, else of what arrives.

        With them comes how those columns were read that needed reading.
        """
        columns = model.column_options
        door = Door(columns.declared, answers=columns.answers)
        readings: Mapping[str, Reading] = {}
        if model.reference is not None and model.reference.source is not None:
            beside = rows_beside(self._beside(model.source)) if model.source is not None else None
            source = open_table(self._beside(model.reference.source), door=replace(door, beside=beside))
            return source.sample(_SAMPLE), source.first_readings
        if model.source is not None:
            source = open_table(self._beside(model.source), door=door)
            rows, readings = source.sample(_SAMPLE), source.first_readings
        else:
            found = peek(self.folder / self.config.store.url, name, kept=self.rehearsed)
            if found is None:
                raise SourceError(
                    f"model {name!r} has no source and nothing has been logged for it yet; "
                    f"log predictions with watchkeeper.log, or set models.{name}.source"
                )
            rows, readings = enter(found.head(_SAMPLE), door)
        return self._inside(self._labelled(rows, model), model.reference_window(), model), readings

    def _labelled(self, rows: pl.DataFrame, model: Model) -> pl.DataFrame:
        columns = model.column_options
        key, label = columns.id, columns.label
        if model.labels is None or key is None or label is None:
            return rows
        if label in rows.columns and series_named(rows, label).null_count() < rows.height:
            return rows
        door = Door(columns.declared.among((key, label)), answers=(label,))
        labels = open_table(self._beside(model.labels.source), door=door).sample(_SAMPLE, [key, label])
        return without(rows, [label]).join(
            labels.unique(columns_named([key]), keep="last"), on=column_named(key), how="left"
        )

    @staticmethod
    def _inside(rows: pl.DataFrame, window: Window | None, model: Model) -> pl.DataFrame:
        time = model.column_options.time
        if window is None or time is None or time not in rows.columns:
            return rows
        inside, _ = normalise_time(rows, time)
        held = inside.filter(series_named(inside, time).is_between(window.start, window.end, closed="left"))
        return held if held.height else rows


def _about(model: Model) -> tuple[Any, ...]:
    """Return what the schema of a model depends on; the same in both forms of its mark."""
    return model.columns, model.split_by, model.positive, model.task, model.reference


@typed
def open_project(
    path: str | Path = "watchkeeper.yaml", environ: Mapping[str, str] | None = None, *, rehearsed: bool = False
) -> Project:
    """Read a configuration and open its store.

    Parameters
    ----------
    rehearsed
        Whether runs only show what they would do: nothing is written, and nobody is told.

    Raises
    ------
    ConfigError
        When the configuration is off.
    StoreError
        When the store cannot be opened.
    """
    records = open_records(path, environ, rehearsed=rehearsed)
    try:
        check_names(records.config)
    except BaseException:
        records.close()
        raise
    return Project(records.config, records.folder, records.store)
