"""Which monitors a model has: the default ones, and what its configuration adds, changes or puts in their place."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from watchkeeper.config.chart_options import option_faults
from watchkeeper.config.configuration import Config
from watchkeeper.core.errors import ConfigError, UsageError
from watchkeeper.core.plugins import plugins
from watchkeeper.core.schema import Role
from watchkeeper.core.spec import Monitor, Spec
from watchkeeper.core.window import WindowRule
from watchkeeper.steps.embedding import Embedding
from watchkeeper.steps.estimates import kept_for_estimates
from watchkeeper.steps.monitors import changed, charted, default_monitors, kept, known_tolerances

__all__ = ["monitored", "monitors_of"]


def monitors_of(config: Config, spec: Spec, metrics: Collection[str]) -> tuple[Monitor, ...]:
    """Return the monitors of a model.

    Parameters
    ----------
    spec
        Its specification, with the schema that is watched.
    metrics
        What counts as a metric.

    Raises
    ------
    ConfigError
        When a comparison has no chart and no default monitor has one for it, an option is none of that chart's, or a
        tolerance is that of a column that does not exist.
    """
    model, every = config.model(spec.model), config.model(spec.model).windows.every
    above = ("models", spec.model)
    if model.monitors.only is not None:
        return charted((one.monitor() for _, one in model.monitors.listed), metrics, spec.alerts, every)
    try:
        tolerances = known_tolerances(model.tolerances, spec.schema, f"models.{spec.model}.tolerances")
    except UsageError as error:
        raise ConfigError(f"{config.origin((*above, 'tolerances'))}: {error}") from None
    defaults = default_monitors(
        spec.schema, spec.alerts, history=True, tolerance=model.tolerance, tolerances=tolerances, every=every
    )
    own: list[Monitor] = []
    for place, one in model.monitors.listed:
        path = (*above, "monitors", *place)
        default = next((m for m in defaults if m.measure == one.measure and _shares_columns(m, one.columns)), None)
        made = one.monitor(default)
        dotted, where = ".".join(map(str, path)), config.origin(path)
        if not made.chart and made.measure not in metrics:
            words = f"is missing; no default monitor measures {made.measure}, and a comparison needs a chart"
            raise ConfigError(f"{where}: {dotted}.chart: {words}, as tolerance is for most")
        chart = plugins("chart").get(made.chart)
        for option, words in option_faults(chart, one.options).items() if chart else ():
            raise ConfigError(f"{where}: {dotted}.options.{option}: {words}")
        own.append(made)
    return changed(defaults, charted(own, metrics, spec.alerts, every), spec.schema.name_of(Role.LABEL))


def _shares_columns(default: Monitor, columns: Collection[str]) -> bool:
    return not columns or not default.columns or not set(columns).isdisjoint(default.columns)


def monitored(spec: Spec, embedding: Embedding, monitors: Sequence[Monitor] | None = None) -> Spec:
    """Return a specification with the monitors it is watched by, and with what these need to be kept.

    Parameters
    ----------
    monitors
        Those of its configuration; None for the default ones.
    """
    every = (spec.windows or WindowRule()).every
    if monitors is None:
        monitors = default_monitors(embedding.wide(spec.schema), spec.alerts, history=True, every=every)
    sampled, learnt_from = kept_for_estimates(spec.schema, spec.estimate)
    keep, reference_keep = (tuple(sorted({*kept(monitors), *more})) for more in (sampled, learnt_from))
    return replace(spec, monitors=tuple(monitors), keep=keep, reference_keep=reference_keep)
