"""How numbers, moments and names from outside are written for people."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from math import floor, isfinite, isnan, log10

from watchkeeper.core.action import ActionKind
from watchkeeper.core.measurement import Family, Measurement, Status
from watchkeeper.core.schema import ALL
from watchkeeper.core.window import Window
from watchkeeper.words.alerts import CAUSES
from watchkeeper.words.names import measure_words
from watchkeeper.words.performance import band_sentences, waiting_sentence

__all__ = [
    "ACTIONS",
    "CAUSES",
    "about",
    "age",
    "count",
    "estimated",
    "failure",
    "measure",
    "moment",
    "number",
    "period",
    "share",
    "shown",
    "subject",
]

_UNSEEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}

ACTIONS: Mapping[ActionKind, str] = {
    ActionKind.RETRAIN: "retrain",
    ActionKind.VALIDATE: "validate",
    ActionKind.REGISTER: "register",
    ActionKind.PROMOTE: "promote",
    ActionKind.ROLL_BACK: "roll back",
    ActionKind.ROLL_OUT: "roll out",
    ActionKind.HOLD: "hold",
    ActionKind.FORGET: "forget rows",
    ActionKind.RELEASE: "release rows",
    ActionKind.DROP: "drop rows",
    ActionKind.ACKNOWLEDGE: "acknowledge",
    ActionKind.MUTE: "mute",
    ActionKind.UNMUTE: "unmute",
}


def shown(text: object, most: int = 300) -> str:
    """Return text from outside fit for a line: nothing invisible, nothing that turns its direction, bounded in length.

    Examples
    --------
    >>> shown("a\\x00b\\u202ec")
    'a\\ufffdb\\ufffdc'
    """
    line = " ".join(str(text).split())
    clean = "".join("\ufffd" if unicodedata.category(c) in _UNSEEN else c for c in line)
    return clean if len(clean) <= most else clean[: most - 1] + "…"


def number(value: float | None, digits: int = 4) -> str:
    """Return a number with ``digits`` significant digits; an en dash where there is none.

    Examples
    --------
    >>> [number(v) for v in (0.012345, 1234.5, 15_000_000.0, None)]
    ['0.01235', '1,234', '1.5e7', '–']
    """
    if value is None or isnan(value):
        return "–"
    if not isfinite(value):
        return "∞" if value > 0 else "−∞"
    if value == 0:
        return "0"
    size = floor(log10(abs(value)))
    if size >= 6 or size < -4:
        head, _, tail = f"{value:.{digits - 1}e}".partition("e")
        text = f"{head.rstrip('0').rstrip('.') if '.' in head else head}e{int(tail)}"
    else:
        text = f"{value:,.{max(0, digits - 1 - size)}f}"
        text = text.rstrip("0").rstrip(".") if "." in text else text
    return text.replace("-", "−")


def share(value: float | None) -> str:
    """Return a share in per cent.

    Examples
    --------
    >>> share(0.1234), share(0.00004), share(1.0)
    ('12.3 %', '<0.01 %', '100 %')
    """
    if value is None or not isfinite(value):
        return "–"
    if value in (0.0, 1.0):
        return f"{value:.0%}".replace("%", " %")
    if abs(value) < 0.0001:
        return "<0.01 %"
    return f"{100 * value:.{1 if abs(value) >= 0.01 else 2}f} %"


def count(n: int, noun: str, plural: str = "") -> str:
    """Return a number with its noun.

    Examples
    --------
    >>> count(1, "alert"), count(1200, "row"), count(0, "series", "series")
    ('1 alert', '1,200 rows', '0 series')
    """
    return f"{n:,} {noun if n == 1 else plural or noun + 's'}"


def moment(at: datetime | None) -> str:
    """Return a day, or a day with minutes in UTC where it is not midnight."""
    if at is None:
        return "–"
    return f"{at:%Y-%m-%d}" if (at.hour, at.minute, at.second) == (0, 0, 0) else f"{at:%Y-%m-%d %H:%M} UTC"


def age(length: timedelta) -> str:
    """Return a length of time in the largest unit that it fills twice, or once exactly.

    Examples
    --------
    >>> age(timedelta(days=5, hours=3)), age(timedelta(hours=30)), age(timedelta(days=1)), age(timedelta(seconds=10))
    ('5 days', '30 hours', '1 day', '0 minutes')
    """
    for noun, unit in (("day", timedelta(days=1)), ("hour", timedelta(hours=1))):
        if length >= 2 * unit or length == unit:
            return count(length // unit, noun)
    return count(max(length, timedelta(0)) // timedelta(minutes=1), "minute")


def period(window: Window | None) -> str:
    """Return a window in words: its first and last day, or its start and end where these are not midnight."""
    if window is None:
        return "all rows"
    whole = all((t.hour, t.minute, t.second) == (0, 0, 0) for t in (window.start, window.end))
    if not whole:
        return f"{window.start:%Y-%m-%d %H:%M} to {window.end:%Y-%m-%d %H:%M} UTC"
    last = window.end - timedelta(days=1)
    return moment(window.start) if last == window.start else f"{moment(window.start)} to {moment(last)}"


def measure(measurement: Measurement) -> str:
    """Return the name of what was measured, in words; an estimate says that it is one."""
    name = measure_words(shown(measurement.name, 60))
    return f"{name}, estimated" if measurement.family is Family.ESTIMATE else name


def estimated(measurements: Iterable[Measurement], known: Sequence[str] = ()) -> list[str]:
    """Return by which methods the newest estimates of all rows were made, what they assume, lack and wait for.

    An assumption that is ``known``, part of a text that the reader has, is not told again.
    """
    listed = list(measurements)
    made = [m for m in listed if m.family is Family.ESTIMATE and m.value is not None and m.segment == ALL]
    newest = max((m.window for m in made if m.window is not None), default=None)
    methods: dict[str, dict[str, dict[str, None]]] = {}
    lacks: dict[str, None] = {}
    for one in made:
        made_by = one.evidence.estimate
        if one.window == newest and made_by is not None:
            method, assumes = shown(made_by.method, 200), shown(made_by.assumes, 200)
            metrics = methods.setdefault(assumes, {}).setdefault(method, {})
            metrics[measure(one).removesuffix(", estimated")] = None
            lacks |= {made_by.silent: None} if made_by.silent else {}
    told = []
    for assumes, by_method in methods.items():
        methods_named = ", ".join(f"{method} ({', '.join(metrics)})" for method, metrics in by_method.items())
        new = assumes and not any(assumes in text for text in known)
        told.append(f"Estimated by {methods_named}{f', as if {assumes}' if new else ''}.")
    told += [f"Methods that did not answer: {shown(why, 300)}." for why in lacks]
    waits = waiting_sentence(listed)
    return [*told, *([waits] if waits else []), *band_sentences(listed)]


def subject(measurement: Measurement) -> str:
    """Return what a measurement is about: its column, or itself where it is about the model, with its segment."""
    about = measurement.column
    if measurement.family in (Family.METRIC, Family.ESTIMATE) or not about or about.startswith("@"):
        about = measure(measurement)
    return shown(about if measurement.segment == ALL else f"{about} · {measurement.segment}", 120)


def about(measurement: Measurement) -> str:
    """Return what a row of a table is about: the column, or the model, with the segment."""
    if subject(replace(measurement, segment=ALL)) != measure(measurement):
        return subject(measurement)
    return "model" if measurement.segment == ALL else shown(f"model · {measurement.segment}", 120)


def failure(measurement: Measurement) -> tuple[Status, str]:
    """Return the status and its reason; a number that is not finite counts as failed, whatever it claims."""
    if measurement.status is not Status.OK:
        return measurement.status, shown(measurement.reason) or "no reason was given"
    if measurement.value is None or not isfinite(measurement.value):
        return Status.FAILED, "the value is not a finite number"
    return Status.OK, ""
