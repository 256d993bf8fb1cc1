"""The tables of docs/diagnosis.md."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from bench.diagnosis.confidence import reliability
from bench.diagnosis.pairs import Owned
from bench.diagnosis.planted import KINDS, NOTHING
from bench.diagnosis.watched import Seen

__all__ = ["BEGIN", "END", "claims", "placed_in", "render"]

BEGIN = "<!-- the tables below are written by `make bench-diagnosis` -->"
END = "<!-- end of the tables -->"

_SHORT = {
    "data_fault": "data fault",
    "traffic_mix": "traffic mix",
    "covariate_shift": "covariate shift",
    "concept_shift": "concept shift",
    "label_fault": "label fault",
    "release": "release",
    "unknown": "unknown",
    "": "no alert",
}


def render(cases: Sequence[Seen], seeds: int, alerts: Sequence[Owned] = ()) -> str:
    """Return the tables between their marks."""
    full = [one for one in cases if one.cause.size == 1.0 and not one.cause.also]
    faint = [one for one in cases if one.cause.size != 1.0]
    joined = [one for one in cases if one.cause.also]
    nothing = [one for one in full if one.cause.name == NOTHING]
    planted = [one for one in full if one.cause.name != NOTHING]
    right, placed = (sum(getattr(one, name) for one in planted) for name in ("right", "placed"))
    lines = [
        BEGIN,
        "",
        f"Each cause was planted in {seeds} logs. The right kind is ranked first in {right} of {len(planted)}",
        f"({right / len(planted):.0%}), the right column or segment is named first in {placed}",
        f"({placed / len(planted):.0%}); a cause that raised no alert counts as not found.",
        "",
        *_table(planted),
    ]
    if nothing:
        quiet = sum(one.right for one in nothing)
        told = f"{quiet} of {len(nothing)} were answered with `unknown` first."
        lines += ["", f"The strongest signals of quiet logs were explained as if they had been an alert: {told}"]
    if faint:
        fired = [one for one in faint if one.diagnosis]
        found = f"{sum(one.right for one in fired)} and the right place in {sum(one.placed for one in fired)}."
        lines += [
            "",
            f"At half the size, {len(fired)} of {len(faint)} raised an alert within six days. Of these the right kind",
            f"is first in {found}",
            "",
            *_table(faint),
        ]
    if joined:
        fired = [one for one in joined if one.diagnosis]
        either = sum(one.right or one.kind == (one.cause.also or one.cause).kind for one in fired)
        lines += [
            "",
            "With a second cause of another kind at half the size, beginning on the same day, what fires first names",
            f"the larger one first in {sum(one.right for one in fired)} of {len(joined)} logs, one of the two in",
            f"{either}. Which of the two it should name depends on what it is about:",
            "",
            *_table(joined),
            *_by_alert(alerts),
        ]
    lines += [
        "",
        "Confidence of the first hypothesis, over causes alone and what fires first of two, and how often it is right;",
        "of two causes only the larger counts as right here, whatever the alert is about:",
        "",
    ]
    lines += ["| confidence | diagnoses | mean confidence | right |", "|---|---|---|---|"]
    lines += [
        f"| {one.low:.2f} to {one.high:.2f} | {one.count} | {one.mean:.2f} | {one.right:.2f} |"
        for one in reliability(cases)
    ]
    return "\n".join([*lines, "", END])


def _by_alert(alerts: Sequence[Owned]) -> list[str]:
    """Return how often each alert of two causes names a cause that raises it."""
    known = [one for one in alerts if one.owners and one.seen.alert]
    if not known:
        return []
    lines = [
        "",
        "Every alert of these logs, diagnosed when it fires. Its right cause is the one that raises it with the other",
        "left out and all else drawn as it was; where either does, either is right. First is the right kind in",
        f"{sum(one.right for one in known)} of {len(known)} alerts, with the right column or segment in",
        f"{sum(one.placed for one in known)} ({sum(one.placed for one in known) / len(known):.0%});",
        f"{len(alerts) - len(known)} more take both causes, and are not counted.",
        "",
        "| alert | raised by | alerts | right kind | right place |",
        "|---|---|---|---|---|",
    ]
    for cause in dict.fromkeys(one.seen.alert.cause for one in known if one.seen.alert):
        for owners, words in ((1, "one of the two"), (2, "either")):
            own = [o for o in known if o.seen.alert and o.seen.alert.cause is cause and len(o.owners) == owners]
            if own:
                right, placed = sum(o.right for o in own), sum(o.placed for o in own)
                lines.append(f"| {cause.value.replace('_', ' ')} | {words} | {len(own)} | {right} | {placed} |")
    return lines


def placed_in(page: str, tables: str = "") -> str:
    """Return the page with other tables between its marks; ValueError where it has not each of them once, in order."""
    head, begin, rest = page.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end or BEGIN in rest or END in tail:
        raise ValueError(f"the page must hold {BEGIN!r} and then {END!r}, each once")
    return head + tables + tail


def _table(cases: Sequence[Seen]) -> list[str]:
    kinds = list(dict.fromkeys([*KINDS.values(), "unknown", ""]))
    lines = [
        f"| planted | {' | '.join(_SHORT[kind] for kind in kinds)} | place |",
        "|---" * (len(kinds) + 2) + "|",
    ]
    for name in KINDS:
        own = [one for one in cases if one.cause.name == name]
        times = Counter(one.kind for one in own)
        cells = [f"**{times[k]}**" if k == KINDS[name] else str(times[k] or "") for k in kinds]
        lines.append(f"| {name} | {' | '.join(cells)} | {sum(one.placed for one in own)} |")
    return lines


def claims(cases: Sequence[Seen], alerts: Sequence[Owned] = ()) -> list[str]:
    """Return which of the promises about causes planted in full, and about two at once, are broken, in words."""
    planted = [one for one in cases if one.cause.size == 1.0 and one.cause.name != NOTHING and not one.cause.also]
    right = sum(one.right for one in planted) / len(planted)
    placed = sum(one.placed for one in planted) / len(planted)
    broken = [] if right >= 0.9 else [f"the right kind is first in {right:.0%}, 90 % were promised"]
    broken += [] if placed >= 0.85 else [f"the right place is first in {placed:.0%}, 85 % were promised"]
    known = [one for one in alerts if one.owners]
    own = sum(one.placed for one in known) / len(known) if known else 1.0
    return broken + ([] if own >= 0.8 else [f"{own:.0%} of the alerts of two causes name their own, not 80 %"])
