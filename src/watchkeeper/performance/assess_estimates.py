"""Estimates of a model's performance: by named estimators, or by the one that is best for each metric."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from math import hypot, isfinite, sqrt

from watchkeeper.core.errors import WatchkeeperError
from watchkeeper.core.evidence import Estimation
from watchkeeper.core.measurement import Family, Measurement, Status
from watchkeeper.core.metric import Estimated
from watchkeeper.core.plugins import plugin, plugins
from watchkeeper.core.schema import Schema
from watchkeeper.core.state import JOINT, OUTCOME, State, StateKey
from watchkeeper.performance.between_blocks import BetweenBlocks
from watchkeeper.performance.estimator import Estimator, NeedsNow, band_of
from watchkeeper.performance.sampled import has_sample, is_sampled
from watchkeeper.stats.error_sums import ErrorSumsPart
from watchkeeper.stats.score_cells import ScoreCellsPart

__all__ = ["assess_estimates", "default_estimates", "estimators_for", "kept_for", "kept_now_for"]

_POWERED, _WEIGHTED = "prediction_powered", "pape"
_NO_BLOCKS = "the reference was not cut into blocks of time"
_LEAST_OVERLAP = 0.05


def estimators_for(schema: Schema) -> tuple[str, ...]:
    """Return the registered estimators that suit the task and the columns of the log."""
    return tuple(
        name for name, made in plugins("estimator").items() if schema.task in made.tasks and made.applies(schema)
    )


def kept_for(names: Iterable[str]) -> tuple[str, ...]:
    """Return the optional statistics of a reference that estimators rest on, for ``Spec.reference_keep``."""
    return tuple({need: None for name in names for need in plugin("estimator", name).needs})


def kept_now_for(names: Iterable[str]) -> tuple[str, ...]:
    """Return the optional statistics of the rows to judge that estimators rest on, for ``Spec.keep``."""
    made = [plugin("estimator", name) for name in names]
    return tuple({need: None for one in made for need in (one.needs_now if isinstance(one, NeedsNow) else one.needs)})


def assess_estimates(
    reference: Mapping[str, State], current: Mapping[str, State], schema: Schema, names: Sequence[str]
) -> list[Measurement]:
    """Estimate by every named estimator that suits the task and the columns.

    Parameters
    ----------
    reference, current
        The states of one segment by column.
    schema
        Gives task, roles and classes.
    names
        Registry keys of estimators.

    Returns
    -------
    list
        The measurements in the order of the names; one of family ``estimate`` under the metric's name, its method among
        its evidence. An estimator that raises is one failed measurement under its own name, never an error.
    """
    found: list[Measurement] = []
    for name in names:
        made: Estimator = plugin("estimator", name)
        found.extend(_estimate(name, made, reference, current, schema))
    return found


def default_estimates(
    reference: Mapping[str, State],
    current: Mapping[str, State],
    schema: Schema,
    between: BetweenBlocks | None = None,
) -> list[Measurement]:
    """Estimate each metric once, by the method that serves it best with what the states hold.

    Labels that have come are used as soon as there are enough (``prediction_powered``). Otherwise a regressor has
    ``dle``, and a classifier ``cbpe``; where rows are sampled, ``pape`` for recall and ``multicalibrated`` for all but
    recall and AUROC. How the rule was chosen, on other data than it is shown on, is told in docs/estimation.md. Where
    several methods can answer, the band is widened by ``between_methods``, d/√ESS: d is the largest distance between
    the chosen one and another, less what the weights of ``pape`` make by chance, and ESS the share of the reference
    that is left in weight. Methods agree unless the features have moved, and where little of the reference is like the
    window their distance says little of how far all of them are off. Of ``dle`` it is the distance from its second
    opinion, undivided. Which methods did not answer, and why, is ``silent`` in the evidence: nothing is known of what
    they would have said. The band is widened by ``between_blocks`` too: how far performance moves by itself in the
    reference; where that is not known ``blocks_lack`` says why.

    Parameters
    ----------
    reference, current
        The states of one segment by column. Without the state of sampled rows, as for segments, methods that need it
        are left out.
    schema
        Gives task, roles and classes.
    between
        How much performance moves between the blocks of the reference; None where nobody looked.

    Returns
    -------
    list
        At most one measurement per metric, in the order of their names.
    """
    rows = is_sampled(reference) and is_sampled(current)
    first, scored = schema.task.spec.estimator, not schema.task.spec.estimated_from_rows
    served = _served(schema)
    order = [first] if scored or rows else []
    if rows:
        order += sorted(set(served.values()))
    if _has_labels(current) and order:
        order.append(_POWERED)
    chosen: dict[str, Measurement] = {}
    told: dict[str, dict[str, Measurement]] = {}
    silent = _unasked(schema, served, reference, current) if scored and not rows else {}
    overlap = 1.0
    for name in order:
        for measurement in assess_estimates(reference, current, schema, [name]):
            metric = measurement.name
            if name != _POWERED and measurement.value is None:
                # One that raised answers under its own name, for all metrics.
                silent.setdefault("" if metric == name else metric, {})[name] = measurement.reason
            elif name != _POWERED:
                told.setdefault(metric, {})[name] = measurement
                ess = _estimation(measurement).ess
                overlap = overlap if ess is None else min(overlap, ess)
            if name in served.values() and served.get(metric) != name:
                continue
            if metric not in chosen or measurement.status is Status.OK:
                chosen[metric] = measurement
    found: list[Measurement] = []
    for metric in sorted(chosen):
        widened = _widened(chosen[metric], told.get(metric, {}), max(_LEAST_OVERLAP, overlap), between)
        found.append(_without(widened, {**silent.get("", {}), **silent.get(metric, {})}))
    return found


def _served(schema: Schema) -> dict[str, str]:
    """Return by metric the estimator that reads rows and serves it best, where it is not the one for the task."""
    known = plugins("estimator")
    found: dict[str, str] = {}
    for name, metric in plugins("metric").items():
        if isinstance(metric, Estimated) and schema.task in metric.tasks:
            best = next((one for one in metric.estimators if one in known), schema.task.spec.estimator)
            found.update({name: best} if best != schema.task.spec.estimator else {})
    return found


def _unasked(schema: Schema, served: Mapping[str, str], *sides: Mapping[str, State]) -> dict[str, dict[str, str]]:
    why = "no rows are sampled here" if has_sample(schema) else "rows are sampled where two features are numeric"
    why = next((side[JOINT].problem for side in sides if JOINT in side and side[JOINT].problem), why)
    return {"": dict.fromkeys(sorted(set(served.values())), why)}


def _estimation(measurement: Measurement) -> Estimation:
    return measurement.evidence.estimate or Estimation("")


def _with(measurement: Measurement, made: Estimation) -> Measurement:
    return replace(measurement, evidence=replace(measurement.evidence, estimate=made))


def _without(measurement: Measurement, silent: Mapping[str, str]) -> Measurement:
    """Tell which methods did not answer, beside one that did."""
    if measurement.value is None or _estimation(measurement).method == _POWERED or not silent:
        return measurement
    reasons: dict[str, list[str]] = {}
    for name, reason in silent.items():
        reasons.setdefault(reason, []).append(name)
    told = "; ".join(f"{', '.join(names)}: {reason}" for reason, names in reasons.items())
    return _with(measurement, replace(_estimation(measurement), silent=told))


def _widened(
    measurement: Measurement, told: Mapping[str, Measurement], overlap: float, between: BetweenBlocks | None
) -> Measurement:
    """Widen the band by what methods disagree about and by what the reference shows to move by itself."""
    if measurement.value is None or measurement.error is None or _estimation(measurement).method == _POWERED:
        return measurement
    made, apart, moved = _estimation(measurement), 0.0, 0.0
    if len(told) > 1 or made.second_opinion is not None:
        apart = sqrt(max(0.0, _disagreement(measurement, told)) / overlap)
        made = replace(made, between_methods=apart)
    lack = between.lack(measurement.name) if between else _NO_BLOCKS
    if between is None or lack:
        made = replace(made, blocks_lack=lack)
    else:
        moved = sqrt(between.variance(measurement.name))
        made = replace(made, between_blocks=moved, blocks=between.blocks)
    error = hypot(measurement.error, apart, moved)
    if not isfinite(error):
        words = f"the estimate is {measurement.value} ± {error}"
        return replace(measurement, status=Status.FAILED, reason=words, value=None, error=None, interval=None)
    band = band_of(measurement.name, measurement.value, error)
    return _with(replace(measurement, error=error, interval=band), made)


def _disagreement(chosen: Measurement, told: Mapping[str, Measurement]) -> float:
    """Return the largest squared distance of the chosen estimate from another, less what weights make by chance."""
    centre, made = chosen.value or 0.0, _estimation(chosen)
    if made.second_opinion is not None:
        away = made.second_opinion - centre
        return away * away  # which may overflow, where a power would raise
    values = {name: one.value or 0.0 for name, one in told.items()}
    if "multicalibrated" in told and "cbpe" in told:
        # It is the mean of the calibrated scores and of trees, which say this.
        values["trees"] = 2 * values["multicalibrated"] - values["cbpe"]
    noise = _estimation(told[_WEIGHTED]).calibration ** 2 if _WEIGHTED in told else 0.0
    weighted = made.method == _WEIGHTED
    return max(
        ((value - centre) ** 2 - (noise if weighted or name == _WEIGHTED else 0.0) for name, value in values.items()),
        default=0.0,
    )


def _estimate(
    name: str, made: Estimator, reference: Mapping[str, State], current: Mapping[str, State], schema: Schema
) -> list[Measurement]:
    key = current[OUTCOME].key if OUTCOME in current else StateKey(column=OUTCOME)
    try:
        if schema.task not in made.tasks or not made.applies(schema):
            return []
        return made.estimate(reference, current, schema)
    except WatchkeeperError as error:
        return [Measurement.failed(key, Family.ESTIMATE, name, str(error))]
    except Exception as error:  # noqa: BLE001 - an estimator of somebody else may raise anything
        words = f"{type(made).__name__} raised {type(error).__name__}: {error}"
        return [Measurement.failed(key, Family.ESTIMATE, name, words)]


def _has_labels(states: Mapping[str, State]) -> bool:
    """Return whether a label has come; what is broken is told by the estimators."""
    outcome = states.get(OUTCOME)
    part = outcome.parts.get("score_cells") if outcome else None
    if isinstance(part, ScoreCellsPart) and part.classes:
        return part.labelled() > 0
    errors = outcome.parts.get("error_sums") if outcome else None
    return isinstance(errors, ErrorSumsPart) and errors.n > 0
