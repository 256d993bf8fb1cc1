"""What a model does with its features, as an object that shows itself."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from io import StringIO
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from watchkeeper.core.encode import as_values
from watchkeeper.core.measurement import Status
from watchkeeper.core.state import JOINT
from watchkeeper.explanation.behaviour import Behaviour
from watchkeeper.explanation.dependence import Dependence
from watchkeeper.views.axes import Chart, Specification, layer, named_columns, quantitative, sheet
from watchkeeper.views.behaviour_json import BehaviourDocument, behaviour_document
from watchkeeper.views.framed import framed, wanted
from watchkeeper.views.theme import colour
from watchkeeper.views.wording import number, share, shown

__all__ = ["ModelBehaviour"]

_MOST, _MOST_PARTS = 15, 8
_WIDTH = 300
_HEIGHT = 640


@dataclass(frozen=True, repr=False)
class ModelBehaviour:
    """What a model does with its features, before and now: on a terminal, in a notebook and as JSON."""

    model: str
    found: Behaviour

    def document(self) -> BehaviourDocument:
        """Return it for programs."""
        return behaviour_document(self.model, self.found)

    def json(self) -> dict[str, Any]:
        """Return it as JSON values, with a ``schema_version``."""
        values: dict[str, Any] = as_values(self.document())
        return values

    def __repr__(self) -> str:
        return f"<ModelBehaviour of {self.model!r}: {len(self.found.features)} features>"

    def __str__(self) -> str:
        out = StringIO()
        Console(
            file=out, width=110, no_color=True, force_terminal=False, force_jupyter=False, legacy_windows=False
        ).print(self.__rich__())
        return "\n".join(line.rstrip() for line in out.getvalue().splitlines())

    def __rich__(self) -> RenderableType:
        found = self.found
        rows = f"{found.reference.rows.height} reference and {found.current.rows.height} current rows"
        opening = Text.assemble((shown(self.model, 80), "bold"), f"  {self._method}, {rows}")
        parts: list[RenderableType] = [opening, Text(""), self._features()]
        for k in range(len(found.places)):
            parts += [Text(""), *self._example(k)]
        return Group(*parts)

    @property
    def _method(self) -> str:
        scale = "logarithm of the odds" if self.found.current.scale == "log_odds" else "score"
        return f"attributions of the {scale} by {self.found.current.method.replace('_', ' ')}"

    def _features(self) -> Table:
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim", expand=False)
        table.add_column("feature", overflow="fold", min_width=14, max_width=40)
        heads = ("share before", "share now", "moved", "p", "loss without it")
        for head in heads:
            table.add_column(head, justify="right", no_wrap=True)
        drift = {m.column: m for m in self.found.drift if m.column != JOINT}
        cost = {one.feature: one for one in self.found.importance}
        for name in self.found.features[:_MOST]:
            moved, one = drift.get(name), cost.get(name)
            cells = ["–"] * 4
            if moved is not None and moved.status is Status.OK:
                change, p_value = moved.evidence.change, moved.evidence.p_value
                cells = [share(change.before), share(change.after), number(moved.value, 2), number(p_value, 2)]
            told = f"{_signed(one.value, 2)} ± {number((one.upper - one.lower) / 2, 1)}" if one else "–"
            table.add_row(shown(name, 60), *cells, told)
        return table

    def _example(self, k: int) -> list[RenderableType]:
        found = self.found.examples
        title = f"row {self.found.places[k]}: {number(float(found.base[k]))} → {number(float(found.scores[k]))}"
        table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0), expand=False)
        table.add_column(overflow="fold", max_width=60)
        table.add_column(justify="right", no_wrap=True)
        for part in found.of(k)[:_MOST_PARTS]:
            table.add_row(Text(f"{shown(part.feature, 40)} = {shown(part.held, 40)}"), _signed(part.value, 3))
        return [Text(title, style="dim"), table]

    def _repr_mimebundle_(
        self, include: Collection[str] | None = None, exclude: Collection[str] | None = None
    ) -> dict[str, str]:
        makers = {
            "text/html": lambda: framed(self.html(), f"What {shown(self.model, 80)} does", height=_HEIGHT),
            "text/plain": self.__str__,
        }
        return {mime: make() for mime, make in makers.items() if wanted(mime, include, exclude)}

    @property
    def charts(self) -> list[Chart]:
        """How the mean score changes with each of the features that add most."""
        return [Chart(f"Partial dependence on {shown(d.feature, 60)}", _curve(d)) for d in self.found.dependence]

    def html(self) -> str:
        """Return the explanation as a part of a page."""
        from watchkeeper.views.drawing import draw
        from watchkeeper.views.page import environment, style

        names = [shown(d.feature, 60) for d in self.found.dependence]
        curves = [(name, draw(curve)) for name, curve in zip(names, self.charts, strict=True)]
        template = environment().get_template("behaviour.html")
        body = template.render(model=shown(self.model, 80), text=str(self), charts=curves)
        return f"<style>{style()}</style>{body}"


def _signed(value: float, digits: int) -> str:
    return f"+{number(value, digits)}" if value > 0 else number(value, digits)


def _curve(d: Dependence) -> Specification:
    """Show how the mean score changes with a feature, with its interval over rows."""
    numeric = all(isinstance(v, int | float) and not isinstance(v, bool) for v in d.values)
    keys, named = named_columns([shown(v, 30) for v in d.values], 50)
    rows = [
        {"x": v if numeric else key, "y": float(m), "low": float(low), "high": float(high)}
        for key, v, m, low, high in zip(keys, d.values, d.mean, d.lower, d.upper, strict=True)
    ]
    x = quantitative("x", title=None, sort=None, scale={"zero": False}) if numeric else named
    y = quantitative("y", title=None, scale={"zero": False})
    ends = {"y": quantitative("low", title=None), "y2": {"field": "high"}}
    if numeric:
        band = layer(rows, {"type": "area", "fill": colour("band")}, x=x, **ends)
        line = layer(rows, {"type": "line", "stroke": colour("value")}, x=x, y=y)
        return sheet([band, line], _WIDTH, 120)
    bars = layer(rows, {"type": "rule", "stroke": colour("value")}, x=x, **ends)
    dot = {"type": "point", "filled": True, "fill": colour("value"), "opacity": 1, "size": 30}
    return sheet([bars, layer(rows, dot, x=x, y=y)], _WIDTH, 120)
