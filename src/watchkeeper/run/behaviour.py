"""What the model in charge does with its features: on the rows of the reference and on those of now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import polars as pl

from watchkeeper.core.columns import series_named
from watchkeeper.core.errors import UsageError, WatchkeeperError
from watchkeeper.core.measurement import Family, Measurement
from watchkeeper.core.plugins import plugin
from watchkeeper.core.schema import ALL, Role
from watchkeeper.core.spec import ATTRIBUTION_DRIFT, Spec
from watchkeeper.core.state import JOINT, ROWS, State, StateKey
from watchkeeper.core.window import Window
from watchkeeper.explanation.attribution_drift import attribution_drift
from watchkeeper.explanation.behaviour import Behaviour, explain_model
from watchkeeper.explanation.explainer import (
    ExplainMethod,
    ExplainRequest,
    background_rows,
    feature_names,
    predict_function,
)
from watchkeeper.maintain.train import Trainer, load_trainer
from watchkeeper.run.checkpoint import Checkpoint
from watchkeeper.run.keep import Maintainer
from watchkeeper.stats.codec import merged
from watchkeeper.stats.row_sample import RowSamplePart
from watchkeeper.steps.stored_reference import reference_states

__all__ = ["AttributionDrift", "attributes", "explain_behaviour"]

_ROWS, _BACKGROUND = 150, 40
_EFFORT = {"exact": 6, "orders": 2}

States = Mapping[tuple[str, str], State]


def attributes(spec: Spec) -> bool:
    """Return whether a monitor watches attributions."""
    return any(monitor.measure == ATTRIBUTION_DRIFT for monitor in spec.monitors)


@dataclass
class AttributionDrift:
    """Measures how far the attributions of the model in charge moved since the reference.

    Parameters
    ----------
    keeper
        Loads the model.
    method
        Registry key of the explainer.
    seed
        Of what is drawn.
    """

    keeper: Maintainer
    method: str = "shapley"
    seed: int = 0
    _known: tuple[str, Any, Any] | None = None

    def measure(self, reference: States, current: States, key: StateKey) -> list[Measurement]:
        """Return the drift of the attributions of one window; without a model, or where it fails, that is said."""
        features = tuple(column.name for column in self.keeper.spec.schema.features)
        try:
            explainer, before = self._before(reference)
            now = explainer.explain(sample_of(current).head(_ROWS))
            return attribution_drift(before.features, before.values, now.values, key, seed=self.seed)
        except Exception as error:  # noqa: BLE001 - a model or an explainer of somebody else may raise anything
            make = Measurement.missing if isinstance(error, UsageError) else Measurement.failed
            words = str(error) if isinstance(error, WatchkeeperError) else f"{type(error).__name__}: {error}"
            # Whichever columns a monitor watches, each says why there is no number.
            return [
                make(replace(key, column=name), Family.COMPARISON, ATTRIBUTION_DRIFT, words)
                for name in (*features, JOINT)
            ]

    def _before(self, reference: States) -> tuple[Any, Any]:
        version = _version(self.keeper, None)
        if self._known is None or self._known[0] != version:
            model, schema, trainer = self.keeper.model(version), self.keeper.spec.schema, _trainer(self.keeper)
            rows, names = sample_of(reference), feature_names(model, schema)
            of = _positive(self.keeper.spec, "")
            predict = predict_function(model, schema, of=of, trainer=trainer)
            asked = ExplainRequest(model, schema, predict, background_rows(rows, names, _BACKGROUND), of)
            way: ExplainMethod = plugin("explainer", self.method)
            explainer = way.of(asked, **_EFFORT, seed=self.seed)
            self._known = version, explainer, explainer.explain(rows.head(_ROWS))
        return self._known[1], self._known[2]


def explain_behaviour(
    keeper: Maintainer,
    *,
    version: str | None = None,
    prediction: str = "",
    method: str = "shapley",
    of: str = "",
    seed: int = 0,
) -> Behaviour:
    """Explain what a version does with the rows of the newest window, and what it does with those of the reference.

    Parameters
    ----------
    version
        None for the one in charge.
    prediction
        Id of a prediction to explain; empty for the three whose scores lie farthest from the rest.
    method
        Registry key of the explainer.
    of
        The class that is explained of a multiclass model; empty for the first.

    Raises
    ------
    UsageError
        When there is no model to ask, no window yet, or no such prediction.
    """
    spec, store = keeper.spec, keeper.store
    model = keeper.model(_version(keeper, version))
    filled = Checkpoint.load(store, spec.model).filled
    if not filled:
        raise UsageError(f"no window of {spec.model} has been judged yet; watchkeeper run does that")
    window = max(filled)
    held = sorted(store.states(spec.model, window, [ROWS]).items())
    rows = sample_of(merged((state for _, state in held), window, spec.model))
    places = None
    if prediction:
        rows, places = _with_prediction(keeper, rows, prediction), (0,)
    return explain_model(
        model, spec.schema, sample_of(reference_states(spec, store)), rows, key=StateKey(spec.model, "", window),
        of=_positive(spec, of), trainer=_trainer(keeper), method=method, places=places, seed=seed,
    )  # fmt: skip


def sample_of(states: States) -> pl.DataFrame:
    """Return the sampled rows of a side; no rows where there are none."""
    state = states.get((ALL, ROWS))
    part = state.parts.get("row_sample") if state else None
    return part.frame if isinstance(part, RowSamplePart) else pl.DataFrame()


def _version(keeper: Maintainer, version: str | None) -> str:
    wanted = version or keeper.champion
    if wanted is None:
        raise UsageError(
            f"no version of {keeper.spec.model} is in charge, so there is no model to ask; register one with "
            "project.keeper(name).adopt(model, ...)"
        )
    return wanted


def _trainer(keeper: Maintainer) -> Trainer | None:
    train = keeper.spec.maintenance.train
    return load_trainer(train, keeper.folder) if train else None


def _positive(spec: Spec, of: str) -> str:
    """Return the class whose probability is explained: of a multiclass model the first, unless one is named."""
    return of or (spec.schema.classes[0] if spec.schema.task.spec.class_scores and spec.schema.classes else "")


def _with_prediction(keeper: Maintainer, rows: pl.DataFrame, prediction: str) -> pl.DataFrame:
    """Return the sampled rows with the one asked about in front."""
    spec = keeper.spec
    name = spec.schema.name_of(Role.ID)
    if name is None:
        raise UsageError("the log has no column of ids, so that no single prediction can be named")
    for found in _searched(keeper, name, prediction):
        others = rows.filter(series_named(rows, name).cast(pl.String) != prediction)
        return pl.concat([found, others], how="diagonal_relaxed")
    raise UsageError(f"there is no prediction {prediction!r} in the log of {spec.model}")


def _searched(keeper: Maintainer, name: str, prediction: str) -> Iterable[pl.DataFrame]:
    spec = keeper.spec
    for window in sorted(Checkpoint.load(keeper.store, spec.model).filled, reverse=True):
        for batch in keeper.store.read(spec.model, spec.schema, Window(window.start, window.end)):
            found = batch.frame.filter(series_named(batch.frame, name).cast(pl.String) == prediction)
            if found.height:
                yield found.head(1)
