"""Reference and current of one column on one axis."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from math import ceil
from typing import Any

import numpy as np

from watchkeeper.core.schema import Kind
from watchkeeper.core.state import State
from watchkeeper.stats.atoms import AtomsPart
from watchkeeper.stats.count import CountPart
from watchkeeper.stats.histogram import HistogramPart
from watchkeeper.stats.levels import LevelsPart
from watchkeeper.views.axes import (
    WIDTH,
    Specification,
    label_expression,
    layer,
    nominal,
    point_mark,
    quantitative,
    sheet,
    temporal,
    time_axis,
)
from watchkeeper.views.lettering import fitted, text_width
from watchkeeper.views.shares import BinShares, LevelShares, bin_shares, level_shares
from watchkeeper.views.theme import colour
from watchkeeper.views.wording import count, number, share, shown

__all__ = ["Overlay", "overlay"]

_MOST_CUT = 2
_NAMES = 116
"""Pixels for the name of a level."""

_FIRST, _LAST = -62_135_596_800.0, 253_402_300_799.0
"""The first and the last second a calendar date can name."""

Written = Callable[[Any], float | str]


@dataclass(frozen=True)
class Overlay:
    """Both distributions as one chart, remarks on what it leaves out, and why there is none where there is none.

    Attributes
    ----------
    sizes
        Rows and missing values of both sides, in words.
    """

    chart: Specification | None
    remarks: tuple[str, ...] = ()
    problem: str = ""
    sizes: tuple[str, ...] = ()


def overlay(reference: State | None, current: State | None, *, width: int = WIDTH, height: int = 130) -> Overlay:
    """Lay the current distribution of a column over that of the reference.

    Numbers become shares of the rows in about 40 common bins between the 0.5 % and 99.5 % quantiles of both, with
    values that hold more than 2 % of the rows drawn as pins; categories become the shares of the twelve commonest
    levels.
    """
    if reference is None or current is None:
        side = "reference" if reference is None else "current data"
        return Overlay(None, problem=f"The {side} has no rows with this column.")
    if reference.problem or current.problem:
        return Overlay(None, problem=shown(reference.problem or current.problem))
    sizes, remarks = _missing(reference, current)
    numbers = [_numbers(state) for state in (reference, current)]
    if numbers[0] is not None and numbers[1] is not None:
        binned = bin_shares(numbers[0], numbers[1])
        if binned is None:
            return Overlay(None, remarks, "Neither side holds a finite value.", sizes)
        column = reference.spec or current.spec
        times = column is not None and column.kind is Kind.TIME
        drawn = sheet(_bin_layers(binned, times), width, height)
        problem = _empty(numbers[0][0].n, numbers[1][0].n)
        return Overlay(drawn, remarks + _outside(binned), problem, sizes)
    levels = [state.parts.get("levels") for state in (reference, current)]
    if isinstance(levels[0], LevelsPart) and isinstance(levels[1], LevelsPart):
        shares = level_shares(levels[0], levels[1])
        if shares is None:
            return Overlay(None, remarks, "Neither side holds a value.", sizes)
        tall = max(height, 15 * (len(shares.names) + bool(shares.others)) + 36)
        drawn, problem = sheet(_level_layers(shares), width, tall), _empty(levels[0].n, levels[1].n)
        return Overlay(drawn, remarks, problem, sizes)
    return Overlay(None, remarks, "No distribution is kept for this kind of column.", sizes)


def _numbers(state: State) -> tuple[HistogramPart, AtomsPart] | None:
    histogram, atoms = state.parts.get("histogram"), state.parts.get("atoms")
    if not isinstance(histogram, HistogramPart):
        return None
    return histogram, atoms if isinstance(atoms, AtomsPart) else AtomsPart(n=histogram.n)


def _empty(before: int, now: int) -> str:
    """Say which side holds nothing: an empty side is not drawn, because a line at zero would read as a value."""
    if before and now:
        return ""
    return f"The {'current data' if before else 'reference'} holds no value in this column."


def _missing(reference: State, current: State) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return rows and missing values of both sides in words, and their infinite values where there are some."""
    counts = [state.parts.get("count") for state in (reference, current)]
    if not all(isinstance(c, CountPart) for c in counts):
        return (), ()
    first, second = (c for c in counts if isinstance(c, CountPart))
    sizes = [f"{first.rows:,} reference and {count(second.rows, 'current row')}"]
    before, now = (c.missing / c.rows if c.rows else 0.0 for c in (first, second))
    sizes.append(f"missing {share(before)} → {share(now)}" if before or now else "nothing missing")
    infinite = [c.positive + c.negative for c in (first, second)]
    remarks = [f"infinite {infinite[0]:,} → {infinite[1]:,} rows"] if any(infinite) else []
    return tuple(sizes), tuple(remarks)


def _outside(shares: BinShares) -> tuple[str, ...]:
    if max(shares.outside) < 0.00005:
        return ()
    return (f"beyond the axis {share(shares.outside[0])} → {share(shares.outside[1])}",)


def _bin_layers(shares: BinShares, times: bool) -> list[Specification]:
    edges, tallest = shares.edges, float(shares.bins.max(initial=0.0))
    pins = float(shares.atom_shares.max(initial=0.0))
    # One heavy value would flatten everything else: its pin is cut at the top, and its share is written beside it.
    high = 2.5 * tallest
    heavy = int((shares.atom_shares.max(axis=0, initial=0.0) > high).sum())
    top = high if tallest > 0.004 and 0 < heavy <= _MOST_CUT else pins
    top = max(top, tallest) * 1.12 or 1.0
    written: Written = _as_time if times else float
    span = [written(edges[0]), written(edges[-1])]
    if times:
        x = temporal("x", axis=time_axis(), scale={"type": "utc", "domain": span})
    else:
        x = quantitative("x", axis=time_axis(), scale={"domain": span, "nice": False, "zero": False})
    axis = {"title": "share of rows", "tickCount": 3, "format": ".2~p"}
    y = quantitative("y", axis=axis, scale={"domain": [0, top], "nice": False})
    layers: list[Specification] = []
    before, now = (_outline(edges, side, written) if side.any() else [] for side in shares.bins)
    if before:
        area = {"type": "area", "interpolate": "step-after", "fill": colour("reference"), "fillOpacity": 0.75}
        layers.append(layer(before, area, x=x, y=y))
    if now:
        line = {"type": "line", "interpolate": "step-after", "stroke": colour("value"), "strokeWidth": 1.75}
        layers.append(layer(now, line, x=x, y=y))
    if before or now:
        dot = {"type": "point", "size": 1, "filled": True, "fill": colour("value"), "opacity": 1, "aria": True}
        layers.append(layer(_told(shares, written), dot, x=x, y=y, description=nominal("says")))
    return layers + _pins(shares, x, y, top, written)


def _outline(edges: Any, side: Any, written: Written) -> list[dict[str, Any]]:
    rows = [{"x": written(edge), "y": float(value)} for edge, value in zip(edges[:-1], side, strict=True)]
    return [*rows, {"x": written(edges[-1]), "y": rows[-1]["y"]}]


def _told(shares: BinShares, written: Written) -> list[dict[str, Any]]:
    """Return what a bin says when it is pointed at."""
    rows = []
    for position in np.flatnonzero(shares.bins.max(axis=0) > 0):
        low, high = shares.edges[position], shares.edges[position + 1]
        before, now = shares.bins[:, position]
        says = f"{_value(low, written)} to {_value(high, written)}: reference {share(before)}, current {share(now)}"
        rows.append({"x": written((low + high) / 2), "y": float(now), "says": says})
    return rows


def _pins(shares: BinShares, x: Specification, y: Specification, top: float, written: Written) -> list[Specification]:
    if not len(shares.atoms):
        return []
    shift = 0.008 * float(shares.edges[-1] - shares.edges[0])
    layers = []
    for side, (fill, size) in enumerate((("reference_edge", 34), ("value", 34))):
        if not shares.atom_shares[side].any():
            continue
        rows = []
        for value, own, both in zip(shares.atoms, shares.atom_shares[side], shares.atom_shares.T, strict=True):
            at = min(max(float(value) + (2 * side - 1) * shift, float(shares.edges[0])), float(shares.edges[-1]))
            says = f"exactly {_value(value, written)}: reference {share(both[0])}, current {share(both[1])}"
            cut = own > top
            rows.append({"x": written(at), "y": min(float(own), 0.9 * top if cut else top), "says": says,
                         "word": share(own) if cut else "", "foot": 0})  # fmt: skip
        pin = {"type": "rule", "stroke": colour(fill), "strokeWidth": 2}
        layers.append(layer(rows, pin, x=x, y=y, y2={"field": "foot"}))
        head = point_mark("circle" if side else "square", size, colour(fill))
        layers.append(layer(rows, head, x=x, y=y, description=nominal("says")))
        words = [r for r in rows if r["word"]]
        if words:
            middle = float(shares.edges[0] + shares.edges[-1]) / 2
            left = float(shares.atoms[shares.atom_shares[side].argmax()]) < middle
            beside = {"align": "left", "dx": 7} if left else {"align": "right", "dx": -7}
            text = {"type": "text", **beside, "dy": -5 + 12 * side, "fill": colour(fill)}
            layers.append(layer(words, text, x=x, y=y, text=nominal("word")))
    return layers


def _level_layers(shares: LevelShares) -> list[Specification]:
    names = [shown(name, 60) or "(empty)" for name in shares.names]
    both = shares.shares
    if shares.others:
        names.append(f"{count(shares.others, 'other')}")
        both = np.column_stack([both, np.array(shares.rest)])
    keys = [f"{position:02d}" for position in range(len(names))]
    beside = [fitted(name, _NAMES) for name in names]
    extent = ceil(max(map(text_width, beside)))
    layers = []
    axis = {"title": "share of rows", "tickCount": 4, "format": ".2~p", "grid": True}
    x = quantitative("y", axis=axis, scale={"domain": [0, float(both.max(initial=0.0)) * 1.05 or 1.0], "nice": False})
    labels = {"title": None, "labelLimit": 0, "minExtent": extent, "labelExpr": label_expression(keys, beside)}
    bands = {"domain": keys, "paddingInner": 0.25, "paddingOuter": 0.1}
    y = nominal("level", sort=keys, axis=labels, scale=bands)
    aside = nominal("side", scale={"domain": ["reference", "current"]})
    for side, (fill, word) in enumerate((("reference_edge", "reference"), ("value", "current"))):
        if not both[side].any():
            continue
        rows = [
            {"level": key, "side": word, "y": float(both[side, i]),
             "says": f"{names[i]}: reference {share(both[0, i])}, current {share(both[1, i])}"}
            for i, key in enumerate(keys)
        ]  # fmt: skip
        look = colour("reference" if side == 0 else fill)
        bar = {"type": "bar", "fill": look, "height": {"band": 0.92}, "aria": True}
        layers.append(layer(rows, bar, x=x, y=y, yOffset=aside, description=nominal("says")))
    return layers


def _as_time(seconds: float) -> str:
    return datetime.fromtimestamp(min(max(float(seconds), _FIRST), _LAST), UTC).isoformat()


def _value(value: float, written: Written) -> str:
    return str(written(value))[:16].replace("T", " ") if written is _as_time else number(float(value))
