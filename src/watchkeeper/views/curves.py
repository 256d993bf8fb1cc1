"""How the answers stand to the labels, now beside the reference: curves and tables from the states of outcomes.

References
----------
Fawcett (2006), An introduction to ROC analysis, https://doi.org/10.1016/j.patrec.2005.10.010
Niculescu-Mizil and Caruana (2005), Predicting good probabilities, https://doi.org/10.1145/1102351.1102430
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from watchkeeper.core.schema import ALL, Role, Schema
from watchkeeper.core.state import State, StateKey
from watchkeeper.core.tasks import Labels
from watchkeeper.stats.calibration import CalibrationPart
from watchkeeper.stats.confusion import ConfusionPart
from watchkeeper.stats.row_sample import RowSamplePart
from watchkeeper.stats.score_histogram import ScoreHistogramPart
from watchkeeper.views.axes import WIDTH, Chart, Specification, layer, nominal, point_mark, quantitative, sheet
from watchkeeper.views.findings import Findings
from watchkeeper.views.theme import colour
from watchkeeper.views.wording import number, share, shown

__all__ = ["ConfusionTable", "Figure", "confusion_table", "outcome_figures"]

_HEIGHT, _MOST_POINTS, _MOST_CLASSES, _FEWEST, _BINS = 220, 120, 6, 30, 30

Curve = list[dict[str, Any]]
Part = TypeVar("Part")


@dataclass(frozen=True)
class Figure:
    """A chart with its title in words, and what the lines in it are."""

    title: str
    chart: Chart
    aside: str = ""


@dataclass(frozen=True)
class ConfusionTable:
    """Shares of the rows of each label that got each prediction, reference → now.

    Attributes
    ----------
    columns
        The predictions.
    rows
        A label with its rows now, and for each prediction both shares and whether that is right.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[str, str, tuple[tuple[str, str, bool], ...]], ...]


def outcome_figures(findings: Findings) -> tuple[Figure, ...]:
    """Return the curves that the states of both sides allow; one of a single side is drawn alone."""
    sides = tuple(_outcome(states) for states in (findings.reference, findings.current))
    drawn = [_roc(sides), _precision_recall(sides), _calibration(sides)]
    return tuple(one for one in (*drawn, _residuals(findings)) if one is not None)


def confusion_table(findings: Findings) -> ConfusionTable | None:
    """Return how often each label got each prediction; None without labels and predictions, or with many classes."""
    parts = [_part(_outcome(s), "confusion", ConfusionPart) for s in (findings.reference, findings.current)]
    known = next((part for part in reversed(parts) if part is not None and part.classes), None)
    if known is None or not 2 <= len(known.classes) <= _MOST_CLASSES:
        return None
    none = np.zeros((len(known.classes), len(known.classes) + 1), np.int64)
    before, now = (none if part is None or part.classes != known.classes else part.matrix() for part in parts)
    if not now.sum():
        return None
    names = tuple(shown(name, 30) for name in known.classes)
    rows = []
    for place, name in enumerate(names):
        cells = tuple(
            (_of_row(before[place], other), _of_row(now[place], other), other == place) for other in range(len(names))
        )
        rows.append((name, f"{int(now[place].sum()):,}", cells))
    return ConfusionTable(names, tuple(rows))


def _of_row(row: NDArray[np.int64], place: int) -> str:
    return share(float(row[place] / row.sum()) if row.sum() else None)


def _outcome(states: Mapping[StateKey, State]) -> State | None:
    found = [(key, state) for key, state in states.items() if key.column == "@outcome" and key.segment == ALL]
    found.sort(key=lambda one: one[0].window.start.timestamp() if one[0].window else 0.0)
    return found[-1][1] if found else None


def _part(state: State | None, name: str, kind: type[Part]) -> Part | None:
    part = state.parts.get(name) if state is not None else None
    return part if isinstance(part, kind) else None


def _scores(side: State | None) -> ScoreHistogramPart | None:
    part = _part(side, "score_histogram", ScoreHistogramPart)
    return part if part is not None and part.positives.sum() and part.negatives.sum() else None


def _roc(sides: tuple[State | None, ...]) -> Figure | None:
    def points(part: ScoreHistogramPart) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        _, positives, negatives = part.ties()
        hits, alarms = np.cumsum(positives[::-1]), np.cumsum(negatives[::-1])
        return np.append(0.0, alarms / alarms[-1]), np.append(0.0, hits / hits[-1])

    curves = _curves(sides, points)
    chance = [{"x": 0.0, "y": 0.0}, {"x": 1.0, "y": 1.0}]
    return _figure("ROC curve", curves, ("false positive rate", "true positive rate"), chance, "dashed: chance")


def _precision_recall(sides: tuple[State | None, ...]) -> Figure | None:
    def points(part: ScoreHistogramPart) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        _, positives, negatives = part.ties()
        hits, named = np.cumsum(positives[::-1]), np.cumsum((positives + negatives)[::-1])
        # A few rows at the top tell nothing of precision.
        kept = named >= min(_FEWEST, named[-1])
        return hits[kept] / hits[-1], hits[kept] / named[kept]

    return _figure("Precision–recall curve", _curves(sides, points), ("recall", "precision"))


def _curves(
    sides: tuple[State | None, ...],
    points: Callable[[ScoreHistogramPart], tuple[NDArray[np.float64], NDArray[np.float64]]],
) -> tuple[Curve, ...]:
    curves = []
    for side in sides:
        part = _scores(side)
        x, y = points(part) if part is not None else (np.empty(0), np.empty(0))
        chosen = np.unique(np.linspace(0, len(x) - 1, min(len(x), _MOST_POINTS)).round().astype(int))
        curves.append([{"x": round(float(x[i]), 4), "y": round(float(y[i]), 4), "place": int(i)} for i in chosen])
    return tuple(curves)


def _calibration(sides: tuple[State | None, ...]) -> Figure | None:
    curves: list[Curve] = []
    for side in sides:
        part = _part(side, "calibration", CalibrationPart)
        rows = zip(part.scores, part.positives, part.counts, strict=True) if part and part.probability else ()
        curves.append(
            [
                {"x": float(s / n), "y": float(p / n), "place": place, "n": int(n),
                 "says": f"{int(n):,} rows scored {number(float(s / n), 3)} on average: {share(float(p / n))} positive"}
                for place, (s, p, n) in enumerate(rows)
                if n >= _FEWEST
            ]
        )  # fmt: skip
    end = max((point[axis] for curve in curves for point in curve for axis in ("x", "y")), default=1.0)
    ideal: Curve = [{"x": 0.0, "y": 0.0}, {"x": end, "y": end}]
    titles = ("mean score of a bin", "share that is positive")
    return _figure("Calibration", tuple(curves), titles, ideal, "dashed: scores that keep their word", dots=True)


def _figure(
    title: str,
    curves: tuple[Curve, ...],
    axes: tuple[str, str],
    line: Curve | None = None,
    aside: str = "",
    *,
    dots: bool = False,
) -> Figure | None:
    if not any(curves):
        return None
    ends = [max([row[a] for rows in (*curves, line or []) for row in rows], default=1.0) for a in ("x", "y")]
    axis = {"tickCount": 5, "grid": True}
    x, y = (
        quantitative(name, axis=axis | {"title": said}, scale={"domain": [0, end * 1.02], "nice": False})
        for name, said, end in zip(("x", "y"), axes, ends, strict=True)
    )
    layers: list[Specification] = []
    if line:
        rule = {"type": "line", "stroke": colour("limit"), "strokeDash": [4, 3], "strokeWidth": 1}
        layers.append(layer(line, rule, x=x, y=y))
    for rows, fill, shape, width in zip(
        curves, ("reference_edge", "value"), ("square", "circle"), (2.5, 2), strict=True
    ):
        if rows:
            stroke = {"type": "line", "stroke": colour(fill), "strokeWidth": width, "interpolate": "linear"}
            layers.append(layer(rows, stroke, x=x, y=y, order=quantitative("place")))
        if rows and dots:
            layers.append(layer(rows, point_mark(shape, 30, colour(fill)), x=x, y=y, description=nominal("says")))
    return Figure(title, Chart(f"{title}, reference and current", sheet(layers, WIDTH, _HEIGHT)), aside)


def _residuals(findings: Findings) -> Figure | None:
    """Draw prediction less label of the rows that both sides keep, where labels are numbers."""
    found = [_errors(states, findings.schema) for states in (findings.reference, findings.current)]
    both = np.concatenate(found) if found else np.empty(0)
    if len(both) < _FEWEST:
        return None
    low, high = (float(v) for v in np.quantile(both, (0.01, 0.99)))
    if not low < high:
        return None
    edges = np.linspace(low, high, _BINS + 1)
    x = quantitative(
        "x", axis={"title": "prediction − label", "tickCount": 5}, scale={"domain": [low, high], "nice": False}
    )
    y = quantitative("y", axis={"title": "share of rows", "tickCount": 4, "format": ".2~p"})
    layers = []
    for errors, mark in zip(found, _SIDES, strict=True):
        if len(errors):
            counts = np.histogram(errors, edges)[0] / len(errors)
            rows = [{"x": float(e), "y": float(v)} for e, v in zip(edges, np.append(counts, counts[-1]), strict=True)]
            layers.append(layer(rows, mark, x=x, y=y))
    chart = Chart("Residuals, reference and current", sheet(layers, WIDTH, _HEIGHT))
    return Figure("Residuals", chart, f"from a sample of {len(found[1]):,} rows now and {len(found[0]):,} before")


_SIDES = (
    {"type": "area", "interpolate": "step-after", "fill": colour("reference"), "fillOpacity": 0.75},
    {"type": "line", "interpolate": "step-after", "stroke": colour("value"), "strokeWidth": 1.75},
)


def _errors(states: Mapping[StateKey, State], schema: Schema | None) -> NDArray[np.float64]:
    if schema is None or schema.task.spec.labels is not Labels.NUMBER:
        return np.empty(0)
    names = [schema.name_of(role) for role in (Role.PREDICTION, Role.LABEL)]
    part = next(
        (
            p
            for k, s in states.items()
            if k.segment == ALL and isinstance(p := s.parts.get("row_sample"), RowSamplePart)
        ),
        None,
    )
    if part is None or None in names or not set(names) <= set(part.frame.columns):
        return np.empty(0)
    prediction, label = (part.frame[str(name)] for name in names)
    if not (prediction.dtype.is_numeric() and label.dtype.is_numeric()):
        return np.empty(0)
    return _finite(prediction.to_numpy(), label.to_numpy())


def _finite(prediction: Any, label: Any) -> NDArray[np.float64]:
    errors = np.asarray(prediction, np.float64) - np.asarray(label, np.float64)
    return errors[np.isfinite(errors)]
