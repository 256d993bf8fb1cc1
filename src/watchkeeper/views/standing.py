"""How far each newest value is on its way to its limit: the overview where there is one window."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from watchkeeper.views.axes import (
    WIDE,
    Frame,
    Specification,
    layer,
    named_rows,
    nominal,
    point_mark,
    quantitative,
    sheet,
)
from watchkeeper.views.series import Mark, Series, closeness
from watchkeeper.views.theme import colour
from watchkeeper.views.wording import count, number, shown

__all__ = ["standing"]

_MOST, _FAR = 24, 3.0


def standing(series: Sequence[Series], frame: Frame = WIDE) -> tuple[Specification, str] | None:
    """Show (value - centre) / (limit - centre) of each series, and say what is left out; None without any limit.

    A share of 1 is the limit itself, so that measures in different units stand on one axis.
    """
    placed = [(one, share) for one in series if (share := _share(one)) is not None]
    if not placed:
        return None
    kept = placed[:_MOST]
    keys, y = named_rows([_name(one) for one, _ in kept], frame.labels)
    rows = [_row(key, one, share) for key, (one, share) in zip(keys, kept, strict=True)]
    far = max(1.15, *(min(share, _FAR) for _, share in kept)) * 1.04
    scale = {"domain": [-0.02, far], "nice": False}
    axis = {"title": "share of the way to the limit", "tickCount": frame.ticks // 2 + 1, "grid": True}
    x, stem = quantitative("x", axis=axis, scale=scale), colour("limit")
    limit = {"type": "rule", "stroke": stem, "strokeDash": [5, 3], "strokeWidth": 1.5}
    layers = [
        layer(
            rows,
            {"type": "rule", "stroke": stem, "strokeWidth": 1},
            x=quantitative("zero", scale=scale),
            x2={"field": "x"},
            y=y,
        ),
        layer([{"x": 1}], limit, x=x),
    ]
    for fired, shape, size, fill in ((False, "circle", 50, "value"), (True, "diamond", 90, "signal")):
        chosen = [row for row in rows if (row["mark"] == Mark.SIGNAL.value) is fired]
        if chosen:
            layers.append(layer(chosen, point_mark(shape, size, colour(fill)), x=x, y=y, description=nominal("says")))
    words = [row for row in rows if row["word"]]
    if words:
        text = {"type": "text", "align": "right", "dx": -9, "dy": -6, "fill": colour("signal"), "fontWeight": "bold"}
        layers.append(layer(words, text, x=x, y=y, text=nominal("word")))
    left = len(placed) - len(kept)
    blind = sum(one.mark.numberless for one in series)
    remarks = [
        f"Shown are the worst {len(kept)} of {len(placed)}." if left else "",
        f"{count(blind, 'series has', 'series have')} no number and no place on this axis." if blind else "",
    ]
    return sheet(layers, frame.plot + frame.labels, frame.row * len(kept) + 40), " ".join(filter(None, remarks))


def _share(one: Series) -> float | None:
    return None if one.mark.numberless else closeness(one.newest)


def _name(one: Series) -> str:
    return shown(one.subject if one.subject == one.measure else f"{one.subject}, {one.measure}", 70)


def _row(key: str, one: Series, share: float) -> dict[str, Any]:
    value = number(one.newest.measurement.value)
    says = f"{_name(one)}: {value} is {share:.2f} of the way to its limit; {one.mark.value}"
    word = f"{share:.2g} ×" if share > _FAR else ""
    return {"row": key, "x": min(share, _FAR), "zero": 0, "mark": one.mark.value, "says": says, "word": word}
