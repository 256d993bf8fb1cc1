"""What one alert comes from, as an object that shows itself."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from io import StringIO
from typing import TYPE_CHECKING, Any

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from watchkeeper.core.alert import Alert
from watchkeeper.core.diagnosis import Diagnosis
from watchkeeper.core.encode import as_values
from watchkeeper.views.causes import Why
from watchkeeper.views.framed import framed, wanted
from watchkeeper.views.wording import CAUSES, shown
from watchkeeper.words.alerts import alert_sentence
from watchkeeper.words.causes import undiagnosed_sentence

if TYPE_CHECKING:
    from watchkeeper.views.diagnosis_json import ExplanationDocument

__all__ = ["Explanation"]

_HEIGHT = 480


@dataclass(frozen=True, repr=False)
class Explanation:
    """An alert with its ranked causes: shows itself on a terminal, in a notebook and as JSON.

    Attributes
    ----------
    diagnosis
        What it comes from; None where no run has recorded that.
    """

    alert: Alert
    diagnosis: Diagnosis | None

    def document(self) -> ExplanationDocument:
        """Return it for programs."""
        from watchkeeper.views.diagnosis_json import explanation_document

        return explanation_document(self.alert, self.diagnosis)

    def json(self) -> dict[str, Any]:
        """Return it as JSON values, with a ``schema_version``."""
        values: dict[str, Any] = as_values(self.document())
        return values

    def __repr__(self) -> str:
        kind = self.diagnosis.hypotheses[0].kind.value if self.diagnosis else "not diagnosed"
        return f"<Explanation of {self.alert.id}: {kind}>"

    def __str__(self) -> str:
        out = StringIO()
        Console(
            file=out, width=110, no_color=True, force_terminal=False, force_jupyter=False, legacy_windows=False
        ).print(self.__rich__())
        return "\n".join(line.rstrip() for line in out.getvalue().splitlines())

    def __rich__(self) -> RenderableType:
        alert = self.alert
        opening = Text.assemble((str(alert.severity), "bold"), "  ", shown(alert_sentence(alert), 400))
        about = [CAUSES[alert.cause], alert.state.value, f"alert {alert.id}"]
        parts: list[RenderableType] = [opening, Text(" · ".join(about), style="dim"), Text("")]
        if self.diagnosis is None:
            return Group(*parts, Text(shown(undiagnosed_sentence(alert), 300), style="dim"))
        why = Why.of(self.diagnosis, alert)
        parts.append(Text(f"what it comes from{f', since {why.since}' if why.since else ''}", style="dim"))
        parts.append(_causes(why))
        for told, lines in why.parts:
            parts += [Text(""), Text(told, style="dim"), _parts(lines)]
        if why.worst:
            parts += [Text(""), Text("worst segments found by search", style="dim")]
            parts += [Padding(Text.assemble(rule, "  ", (told, "dim")), (0, 0, 0, 2)) for rule, told in why.worst]
        if why.notes:
            parts += [Text(""), *(Padding(Text(note, style="dim"), (0, 0, 0, 2)) for note in why.notes)]
        return Group(*parts)

    def _repr_mimebundle_(
        self, include: Collection[str] | None = None, exclude: Collection[str] | None = None
    ) -> dict[str, str]:
        makers = {"text/html": self._html, "text/plain": self.__str__}
        return {mime: make() for mime, make in makers.items() if wanted(mime, include, exclude)}

    def _html(self) -> str:
        from watchkeeper.views.page import environment, style

        template = environment().get_template("explanation.html")
        known = self.diagnosis
        why = Why.of(known, self.alert) if known else Why("", (), (), (), (undiagnosed_sentence(self.alert),))
        body = template.render(message=shown(alert_sentence(self.alert), 400), why=why)
        return framed(f"<style>{style()}</style>{body}", "What an alert comes from", height=_HEIGHT)


def _causes(why: Why) -> RenderableType:
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0), expand=False)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(overflow="fold")
    for line in why.causes:
        told = Text(line.kind, style="bold")
        told.append(f"  {', '.join(line.names)}" if line.names else "", style="")
        for sentence in line.evidence:
            told.append(f"\n{sentence}", style="dim")
        table.add_row(Text(line.confidence), told)
    return Padding(table, (0, 0, 0, 2))


def _parts(lines: list[tuple[str, str, str]]) -> RenderableType:
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0), expand=False)
    table.add_column(overflow="fold", max_width=40)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    for name, value, margin in lines:
        table.add_row(Text(name), Text(value), Text(margin, style="dim"))
    return Padding(table, (0, 0, 0, 2))
