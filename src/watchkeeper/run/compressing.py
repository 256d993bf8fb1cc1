"""A version in a smaller or faster form, as a version of its own that stands at the gate."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np
import polars as pl

from watchkeeper.core.action import Action, ActionKind, Outcome
from watchkeeper.core.errors import TrainingError, UsageError, near_miss
from watchkeeper.core.provenance import VersionRole
from watchkeeper.core.schema import Schema
from watchkeeper.core.window import Window
from watchkeeper.maintain.artefact import save
from watchkeeper.maintain.artefact_files import read_artefact
from watchkeeper.maintain.challenger import Challenger, Champion, Occasion, prove
from watchkeeper.maintain.compression import FORMS, Fidelity, Weight, compressed
from watchkeeper.maintain.gate import GateResult
from watchkeeper.maintain.registry import Moves, Version, action_id
from watchkeeper.maintain.signature import features_asked
from watchkeeper.maintain.standard import Aim, tries_since_promotion
from watchkeeper.maintain.store_registry import Draft, StoreRegistry
from watchkeeper.maintain.train import Trainer, score_rows
from watchkeeper.maintain.windows import between
from watchkeeper.run.checkpoint import Checkpoint
from watchkeeper.run.keep import Maintainer
from watchkeeper.run.label_age import immature
from watchkeeper.run.training import training_room

__all__ = ["compress"]

_MOST = 10_000
_TIMES = 7


def compress(
    keeper: Maintainer, version: str, form: str, now: datetime, *, who: str, why: str,
    clock: Callable[[], float] = perf_counter,
) -> list[Action]:  # fmt: skip
    """Register another form of a version, and record whether it may take the champion's place.

    It is compared with the version on the newest block of the log, and has to answer as that does and to be smaller or
    faster by a tenth; and it stands at the gate, where it must not be worse than the champion. What fails any of that
    is refused with the reason, and promoted only by force.

    Parameters
    ----------
    form
        ``onnx``, ``int8``, ``pruned`` or ``distilled``.
    clock
        What its latency is measured with.

    Raises
    ------
    UsageError
        When there is no such version or form, nothing has been judged yet, or it is not known what a version that is
        not in charge has learned from.
    TrainingError
        When a model of this kind has no such form.
    """
    spec, registry = keeper.spec, keeper.registry
    judged = Checkpoint.load(keeper.store, spec.model).filled
    if form not in FORMS:
        raise UsageError(f"there is no form {form!r}; {near_miss(form, FORMS)}")
    if not judged:
        raise UsageError(f"no window of {spec.model} has been judged yet; watchkeeper run does that")
    model, found, rule = registry.load(version), registry.version(version), spec.maintenance
    same = _learned_alike(registry, found)
    moment = min(now, max(judged).end)
    block = Window(moment - rule.label_delay - rule.holdout, moment - rule.label_delay)
    with training_room(spec, keeper.store, keeper.folder, keeper.artefacts, f"compress-{version}-{form}") as room:
        rows = room.rows(Window(min(Checkpoint.load(keeper.store, spec.model).judged).start, block.end))
        asked = between(rows, spec.schema, block.start, block.end)
        before = _thinned(between(rows, spec.schema, None, block.start))
        if not asked.height or not before.height:
            raise TrainingError(f"{version} cannot be compared: the log has no rows in {block} or none before it")
        made = compressed(model, form, before, tuple(features_asked(model, spec.schema)), rule.seed)
        address = save(made, keeper.artefacts, trusted=rule.trusted_names, pickle_allowed=rule.pickle)
        weights = [
            Weight(len(read_artefact(keeper.artefacts, one)[0]), _seconds(each, asked, spec.schema, clock))
            for one, each in ((found.artefact, model), (address, made))
        ]
        fidelity = _compared(form, model, made, asked, spec.schema, weights)
        occasion = Occasion(
            aim=Aim.NON_INFERIOR, tries=tries_since_promotion(registry.actions(), Aim.NON_INFERIOR) + 1,
            excluded=immature(rows, spec, keeper.store),
        )  # fmt: skip
        # The champion and a form of it have learned from the same rows: none of them speaks for either.
        earlier = Window(block.start - rule.label_delay - rule.holdout, block.start - rule.label_delay)
        trained = earlier if same or found.trained is None else found.trained
        offered = Challenger(made, None, trained, 0, block)
        result = prove(_champion(keeper, room.trainer, same=same), offered, rows, spec, room.trainer, occasion)
    return _recorded(keeper, made, version, moment, who, why or f"{version} as {form}", fidelity, result)


def _recorded(
    keeper: Maintainer, made: Any, version: str, moment: datetime, who: str, why: str, fidelity: Fidelity,
    result: GateResult,
) -> list[Action]:  # fmt: skip
    """Register a form, and whether it is faithful, a gain, and has passed the gate, in one transaction."""
    recorded: list[Action] = []
    passed = result.passed and fidelity.passed
    outcome = Outcome.DONE if passed else Outcome.REFUSED
    facts = {**result.facts(), "form": fidelity.form, "of": version, "largest": fidelity.largest}
    facts |= {"smaller": fidelity.smaller, "faster": fidelity.faster}
    refused = tuple(one for one in fidelity.grounds if one.code in ("compressed_apart", "compressed_no_gain"))
    grounds = (*(refused or fidelity.grounds), *result.grounds)

    def validated(registered: Action) -> tuple[Sequence[Action], Moves]:
        model, name = keeper.spec.model, registered.version
        identity = action_id(model, ActionKind.VALIDATE, name, moment, f"{fidelity.form} {outcome.value}")
        judged = Action(identity, model, ActionKind.VALIDATE, outcome, "", who, moment, name, "", facts, grounds)
        recorded[:] = [registered, judged]
        return recorded, {}

    trained = keeper.registry.version(version).trained
    parameters = {"form": fidelity.form, "of": version}
    draft = Draft(made, moment, who, why, trained=trained, parent=version, parameters=parameters)
    keeper.registry.record(draft, validated)
    return recorded


def _compared(
    form: str, model: Any, made: Any, rows: pl.DataFrame, schema: Schema, weights: Sequence[Weight]
) -> Fidelity:
    told, again = (_answers(one, rows, schema) for one in (model, made))
    if told.ndim == 1:
        spread = float(np.std(told)) or 1.0
        return Fidelity(form, float(np.abs(told - again).max()) / spread, -1.0, len(told), *weights)
    flips = float(np.mean(told.argmax(axis=1) != again.argmax(axis=1)))
    return Fidelity(form, float(np.abs(told - again).max()), flips, len(told), *weights)


def _answers(model: Any, rows: pl.DataFrame, schema: Schema) -> Any:
    asked = rows[features_asked(model, schema)]
    return np.asarray(model.predict_proba(asked) if schema.task.spec.scored else model.predict(asked), dtype=float)


def _seconds(model: Any, rows: pl.DataFrame, schema: Schema, clock: Callable[[], float]) -> float:
    """Return how long a model takes to answer rows: the median of seven times, after one that does not count."""
    ask = getattr(model, "predict_proba", model.predict)
    asked = rows[features_asked(model, schema)].head(1_000)
    ask(asked)
    took = []
    for _ in range(_TIMES):
        start = clock()
        ask(asked)
        took.append(clock() - start)
    return median(took)


def _learned_alike(registry: StoreRegistry, version: Version) -> bool:
    """Return whether a version has learned from the champion's rows, being it or a form of it, or both of one.

    Raises
    ------
    UsageError
        When it has not, and nobody knows from which: it would be judged on rows that may speak for it.
    """
    champion = registry.role(VersionRole.CHAMPION)
    alike = champion is not None and _origin(registry, version.name) == _origin(registry, champion)
    if version.trained is None and not alike:
        raise UsageError(
            f"it is not known which rows {version.name} has learned from, so that none can judge a form of it beside "
            "the champion; adopt it under another name and say so: watchkeeper adopt FILE --trained FROM..TO"
        )
    return alike


def _origin(registry: StoreRegistry, version: str) -> str:
    """Return the version that a form was made of in the first place; any other one is its own origin."""
    made = registry.provenance(version)
    of = made.parameters.get("of", "") if made and "form" in made.parameters else ""
    return _origin(registry, of) if of else version


def _champion(keeper: Maintainer, trainer: Trainer, *, same: bool) -> Champion:
    name = keeper.registry.role(VersionRole.CHAMPION)
    version = keeper.registry.version(name) if name else None
    if version is None or not version.artefact:
        return Champion(lambda rows: rows)
    model = keeper.registry.load(version.name)
    until = version.trained.end if version.trained and not same else None
    return Champion(lambda rows: score_rows(model, rows, keeper.spec.schema, trainer), until)


def _thinned(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.gather_every(-(-rows.height // _MOST)) if rows.height > _MOST else rows
