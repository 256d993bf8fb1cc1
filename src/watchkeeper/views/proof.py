"""What a set-up sees, as an object that shows itself."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from io import StringIO
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from watchkeeper.core.diagnosis import HypothesisKind
from watchkeeper.core.encode import as_values
from watchkeeper.core.proof import ProofResult, Tally, Trial, TrialOutcome
from watchkeeper.core.window import Window
from watchkeeper.views.framed import framed, wanted
from watchkeeper.views.proof_json import ProofDocument, proof_document, proofs_document
from watchkeeper.views.wording import CAUSES, count, moment, shown

__all__ = ["Proof"]

_KINDS: Mapping[HypothesisKind, str] = {
    HypothesisKind.DATA_FAULT: "faults of the data",
    HypothesisKind.COVARIATE_SHIFT: "shifts of features and answers",
    HypothesisKind.TRAFFIC_MIX: "another mix of rows",
    HypothesisKind.CONCEPT_SHIFT: "another truth",
    HypothesisKind.LABEL_FAULT: "faults of the labels",
    HypothesisKind.RUNTIME: "slow answers",
    HypothesisKind.RELEASE: "releases",
    HypothesisKind.UNKNOWN: "others",
}
_GOOD, _POOR = 0.9, 0.5
_MOST_NAMES, _MOST_ALARMS, _MOST_BLIND = 6, 5, 4
_HEIGHT = 640


@dataclass(frozen=True, repr=False)
class Proof:
    """What a set-up sees and what it does not: on a terminal, as a page, in a notebook and as JSON.

    Attributes
    ----------
    result
        What was planted, and what was found.
    required
        The share that has to be found, by kind, fault, or fault and size; not met by what could not be planted.
    """

    result: ProofResult
    required: Mapping[str, float] = field(default_factory=dict)

    @cached_property
    def met(self) -> dict[str, bool]:
        """Whether each requirement is met."""
        shares = {name: self.result.share(name) for name in self.required}
        return {name: share is not None and share >= self.required[name] for name, share in shares.items()}

    def document(self) -> ProofDocument:
        """Return it for programs."""
        return proof_document(self.result, self.met)

    def json(self) -> dict[str, Any]:
        """Return it as JSON values, with a ``schema_version``."""
        values: dict[str, Any] = as_values(proofs_document({self.result.model: self.document()}))
        return values

    def html(self) -> str:
        """Return it as one self-contained page."""
        from watchkeeper.views.page import whole_page

        return whole_page(f"{shown(self.result.model, 80)}: what this set-up sees", self._body())

    def brief(self) -> list[str]:
        """Return in three lines what this set-up sees, what it does not, and how often it cries wolf."""
        result = self.result
        if result.why:
            return [f"what this set-up sees could not be tried: {result.why}"]
        tallies = {says: t for says, t in result.by(lambda t: t.says).items() if t.planted}
        seen = [f"{says}" for says, t in tallies.items() if t.found == t.planted]
        unseen = [f"{says} ({t.found} of {t.planted})" for says, t in tallies.items() if t.found < t.planted]
        return [
            f"this set-up sees, in every column tried: {', '.join(seen) or 'none of what was tried'}",
            f"it does not see everywhere: {', '.join(unseen) or 'nothing of what was tried was missed'}",
            f"without faults: {self._alarms()}; more with watchkeeper prove",
        ]

    def __repr__(self) -> str:
        tally = Tally.of(self.result.trials)
        return f"<Proof of {self.result.model!r}: {tally.found} of {tally.planted} faults found>"

    def __str__(self) -> str:
        out = StringIO()
        Console(
            file=out, width=120, no_color=True, force_terminal=False, force_jupyter=False, legacy_windows=False
        ).print(self.__rich__())
        return "\n".join(line.rstrip() for line in out.getvalue().splitlines())

    def __rich__(self) -> RenderableType:
        result = self.result
        opening = Text.assemble((shown(result.model, 80), "bold"), "  ", self._headline())
        about = Text(self._about(), style="dim")
        if result.why:
            return Group(opening, about)
        parts: list[RenderableType] = [opening, about, Text(f"without faults: {self._alarms()}", style="dim")]
        for kind in result.by(lambda t: t.kind):
            parts += [Text(""), Text(_KINDS[kind], style="bold"), self._faults(kind)]
        blind = self._blind()
        if blind:
            parts += [
                Text(""),
                Text("nothing that was planted in these was found: " + ", ".join(blind), style="yellow"),
            ]
        parts += [Padding(Text(note, style="dim"), (1, 0, 0, 0)) for note in self._notes()]
        for name, met in self.met.items():
            sign, look = ("✓", "green") if met else ("✗", "red")
            parts.append(
                Text(f"{sign} {name}: {_percent(result.share(name))} found, {self.required[name]:.0%} required", look)
            )
        return Group(*parts)

    def _headline(self) -> str:
        tally = Tally.of(self.result.trials)
        if self.result.why:
            return "nothing could be tried"
        return f"{tally.found} of {tally.planted} planted faults found ({_percent(tally.share)})"

    def _about(self) -> str:
        result = self.result
        if not result.replayed:
            return shown(result.why, 300)
        span = f"{moment(result.replayed[0].start)} to {moment(result.replayed[-1].end)}"
        against = f", against {_span(result.reference)}" if result.reference else ""
        what = "windows of the log" if result.basis == "history" else "windows held out of the reference"
        said = f"{len(result.replayed)} {what} replayed, {span} ({count(result.rows, 'row')}){against}"
        return f"{said}. {shown(result.why, 300)}" if result.why else said

    def _alarms(self) -> str:
        alarms = self.result.false_alarms
        told = "; ".join(
            f"{CAUSES[one.cause]} since {moment(one.since.start)}"
            + (f" ({', '.join(shown(name, 40) for name in one.columns[:3])})" if one.columns else "")
            for one in alarms[:_MOST_ALARMS]
        )
        more = f" and {len(alarms) - _MOST_ALARMS} more" if len(alarms) > _MOST_ALARMS else ""
        said = f"{count(len(alarms), 'false alarm')} in {count(len(self.result.replayed), 'window')}"
        return f"{said}: {told}{more}" if alarms else said

    def _faults(self, kind: HypothesisKind) -> RenderableType:
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim", expand=False)
        table.add_column("", no_wrap=True)
        for head in ("found", "windows", "kind", "column"):
            table.add_column(head, justify="right", no_wrap=True)
        table.add_column("missed in", overflow="fold")
        for says, tally, missed in self._lines(kind):
            share = tally.share
            look = "dim" if share is None else "green" if share >= _GOOD else "yellow" if share >= _POOR else "red"
            table.add_row(
                Text(shown(says, 60)), Text(_of(tally), style=look), "–" if tally.delay is None else f"{tally.delay:g}",
                _percent(tally.kind_first), _percent(tally.column_first), Text(missed, style="dim"),
            )  # fmt: skip
        return Padding(table, (0, 0, 0, 2))

    def _lines(self, kind: HypothesisKind) -> list[tuple[str, Tally, str]]:
        lines = []
        own = [t for t in self.result.trials if t.kind is kind]
        for says in dict.fromkeys(t.says for t in own):
            trials = [t for t in own if t.says == says]
            missed = dict.fromkeys(t.column for t in trials if t.outcome is TrialOutcome.MISSED)
            lines.append((says, Tally.of(trials), _listed(missed)))
        return lines

    def _blind(self) -> list[str]:
        tallies = self.result.by(lambda t: t.column)
        return [shown(name, 40) for name, t in tallies.items() if t.planted >= _MOST_BLIND and not t.found]

    def _notes(self) -> list[str]:
        result, tally = self.result, Tally.of(self.result.trials)
        within = count(result.horizon, "window")
        how = f"A fault is found by a new alert that names its column and is not there without it, within {within}"
        told = "kind and column say in how many of the alerts the diagnosis named the right one first"
        notes = [f"{how}; windows counts from the first with the fault, {told}."]
        if tally.not_plantable:
            notes.append(
                f"{count(tally.not_plantable, 'trial')} could not be planted: the fault changes nothing there."
            )
        reasons = dict.fromkeys(t.reason for t in result.trials if t.outcome is TrialOutcome.FAILED)
        if reasons:
            notes.append(f"{count(tally.failed, 'trial')} failed: {shown('; '.join(reasons), 300)}")
        if result.untried:
            notes.append(f"{count(result.untried, 'trial')} left out by the limit of work.")
        return notes

    def _body(self) -> str:
        from watchkeeper.views.page import environment

        result = self.result
        columns = list(result.by(lambda t: t.column))
        kinds = []
        for kind in result.by(lambda t: t.kind):
            lines = []
            for says, tally, _ in self._lines(kind):
                own = [t for t in result.trials if t.kind is kind and t.says == says]
                cells = [_cell([t for t in own if t.column == name]) for name in columns]
                lines.append(
                    (shown(says, 60), _of(tally), "–" if tally.delay is None else f"{tally.delay:g}",
                     _percent(tally.kind_first), _percent(tally.column_first), cells)
                )  # fmt: skip
            kinds.append((_KINDS[kind], lines))
        return environment().get_template("proof.html").render(
            model=shown(result.model, 80), headline=self._headline(), about=self._about(), alarms=self._alarms(),
            columns=[shown(name, 40) for name in columns], kinds=kinds, notes=self._notes(), blind=self._blind(),
            required=[(n, met, _percent(result.share(n)), _percent(self.required[n])) for n, met in self.met.items()],
        )  # fmt: skip

    def _repr_mimebundle_(
        self, include: Collection[str] | None = None, exclude: Collection[str] | None = None
    ) -> dict[str, str]:
        makers = {"text/html": self._fragment, "text/plain": self.__str__}
        return {mime: make() for mime, make in makers.items() if wanted(mime, include, exclude)}

    def _fragment(self) -> str:
        from watchkeeper.views.page import style

        title = f"{shown(self.result.model, 80)}: what this set-up sees"
        return framed(f"<style>{style()}</style>{self._body()}", title, height=_HEIGHT)


def _cell(trials: list[Trial]) -> tuple[str, str]:
    """Return what a cell says, and how it looks."""
    tally = Tally.of(trials)
    if not trials:
        return "", "void"
    if not tally.planted:
        return ("×", "fault") if tally.failed else ("–", "void")
    share = tally.share or 0.0
    look = "calm" if share >= _GOOD else "middle" if share >= _POOR else "signal"
    return f"{tally.found}/{tally.planted}", look


def _of(tally: Tally) -> str:
    return f"{tally.found} of {tally.planted}" if tally.planted else "not plantable"


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.0f} %"


def _listed(names: Collection[str]) -> str:
    told = ", ".join(shown(name, 40) for name in list(names)[:_MOST_NAMES])
    return told + (f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else "")


def _span(window: Window) -> str:
    return f"{moment(window.start)} to {moment(window.end)}"
