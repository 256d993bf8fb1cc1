"""What an alert comes from, in words: for a page and a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from watchkeeper.core.alert import Alert
from watchkeeper.core.diagnosis import (
    Attribution,
    Diagnosis,
    Hypothesis,
    HypothesisKind,
    Onset,
    WorstSegment,
)
from watchkeeper.views.wording import moment, number, shown
from watchkeeper.words.causes import basis_sentence, sentence

__all__ = ["KINDS", "CauseLine", "Why", "cause_lines", "onset_words", "part_lines", "segment_lines"]

KINDS: Mapping[HypothesisKind, str] = {
    HypothesisKind.DATA_FAULT: "data fault",
    HypothesisKind.TRAFFIC_MIX: "traffic mix",
    HypothesisKind.COVARIATE_SHIFT: "covariate shift",
    HypothesisKind.CONCEPT_SHIFT: "concept shift",
    HypothesisKind.LABEL_FAULT: "label fault",
    HypothesisKind.RELEASE: "release",
    HypothesisKind.RUNTIME: "runtime",
    HypothesisKind.UNKNOWN: "something else",
}

_LEAST = 0.02
_MOST, _MOST_SENTENCES, _MOST_NAMES, _MOST_PARTS = 4, 3, 6, 10


@dataclass(frozen=True)
class CauseLine:
    """One possible cause in words."""

    kind: str
    confidence: str
    percent: int
    names: tuple[str, ...]
    evidence: tuple[str, ...]


@dataclass(frozen=True)
class Why:
    """A diagnosis in words.

    Attributes
    ----------
    since
        When the change began; empty where nothing is known.
    causes
        The likeliest causes.
    parts
        For each attribution what changed, and its parts as name, value and margin.
    worst
        Segments found by search: the rule, and how much worse the model is there.
    """

    since: str
    causes: tuple[CauseLine, ...]
    parts: tuple[tuple[str, list[tuple[str, str, str]]], ...]
    worst: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]

    @classmethod
    def of(cls, diagnosis: Diagnosis, alert: Alert) -> Why:
        """Return the diagnosis of an alert in words."""
        made = (basis_sentence(diagnosis.basis, alert),) if diagnosis.basis else ()
        return cls(
            onset_words(diagnosis.onset),
            tuple(cause_lines(diagnosis, alert)),
            tuple(part_lines(one) for one in diagnosis.attributions),
            tuple(segment_lines(diagnosis.worst)),
            tuple(shown(words, 300) for words in (*(sentence(note, alert) for note in diagnosis.notes), *made)),
        )


def cause_lines(diagnosis: Diagnosis, alert: Alert, most: int = _MOST) -> list[CauseLine]:
    """Return the likeliest causes; of those below 2 % only the first."""
    told = [h for place, h in enumerate(diagnosis.hypotheses) if place == 0 or h.confidence >= _LEAST]
    return [_line(hypothesis, alert) for hypothesis in told[:most]]


def _line(hypothesis: Hypothesis, alert: Alert) -> CauseLine:
    names = tuple(shown(name, 60) for name in (*hypothesis.columns, *hypothesis.segments))
    evidence = tuple(shown(sentence(one, alert), 240) for one in hypothesis.evidence[:_MOST_SENTENCES])
    percent = round(100 * hypothesis.confidence)
    return CauseLine(KINDS[hypothesis.kind], f"{percent} %", percent, names[:_MOST_NAMES], evidence)


def onset_words(onset: Onset | None) -> str:
    """Return when the change began, with the interval it is known within; empty where nothing is known."""
    if onset is None:
        return ""
    if onset.earliest == onset.latest:
        return moment(onset.at)
    return f"{moment(onset.at)} (95 %: {moment(onset.earliest)} to {moment(onset.latest)})"


def part_lines(attribution: Attribution) -> tuple[str, list[tuple[str, str, str]]]:
    """Return what changed, in words, and each part of it: its name, its value and twice its standard error."""
    loss = "1 - AUROC" if attribution.loss == "rank_loss" else attribution.loss.replace("_", " ")
    told = (
        f"{loss} {number(attribution.before)} → {number(attribution.after)} ({_signed(attribution.total)}), "
        f"by {attribution.over}"
    )
    parts = attribution.parts
    if attribution.over != "causes":
        parts = tuple(sorted(parts, key=lambda part: -abs(part.value)))
    rest = parts[_MOST_PARTS:]
    lines = [
        (shown(p.name, 60), _signed(p.value), f"± {number(2 * p.error, 2)}" if p.error else "")
        for p in parts[:_MOST_PARTS]
    ]
    if rest:
        lines.append((f"{len(rest)} others", _signed(sum(p.value for p in rest)), ""))
    return told, lines


def segment_lines(worst: tuple[WorstSegment, ...]) -> list[tuple[str, str]]:
    """Return the segments found by search: the rule, and how much worse the model is there."""
    return [(shown(one.rule, 160), _worse(one)) for one in worst]


def _worse(one: WorstSegment) -> str:
    ends = f"{number(one.interval[0], 3)} to {number(one.interval[1], 3)}"
    rest = f"{one.n:,} rows of the sample, p = {number(one.p_value, 2)}"
    return f"loss {_signed(one.effect)} ({ends}), {rest}"


def _signed(value: float) -> str:
    return f"+{number(value, 3)}" if value > 0 else number(value, 3)
