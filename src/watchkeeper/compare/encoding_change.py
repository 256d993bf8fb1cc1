"""Levels that arrive written in another way."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from math import sqrt
from typing import ClassVar

import numpy as np

from watchkeeper.compare.cells import categorical, effective_size, lacking, sizes
from watchkeeper.core.evidence import Change, Evidence, Quantity
from watchkeeper.core.measurement import Family, Measurement
from watchkeeper.core.schema import Column
from watchkeeper.core.state import State
from watchkeeper.stats.levels import LevelsPart

__all__ = ["EncodingChange"]

_LISTED = 5
_CODES = ("cp1252", "latin-1", "cp1250", "cp1251")
_PAIRS = (
    frozenset({"y", "yes", "true", "t", "1", "on"}),
    frozenset({"n", "no", "false", "f", "0", "off"}),
    frozenset({"m", "male"}),
    frozenset({"f", "female"}),
)
_DISTANCE = 1.63
_CHANCE = 1e-5


class EncodingChange:
    """Share of the rows whose level the reference holds in another writing.

    A level that the reference lacks is put down, in this order, to

    - ``decoding``: it is a level of the reference in UTF-8 that was read as another code page, or the other way round,
      or has a question mark or U+FFFD where that has a letter beyond ASCII;
    - ``writing``: equal but for upper and lower case, white space, composed characters, or leading and trailing
      zeros of a number;
    - ``wording``: another word for the same, such as yes for Y, where the reference's word has gone;
    - ``relabelling``: no level is known, there are as many as before, and sorted by size their shares differ by no more
      than sampling explains, 1.63·√(1/n0 + 1/n) at the most, while the sizes tell every two levels apart.

    Rows of new levels that none of these explains do not count. Levels beyond the first 1,000 are not looked at.
    """

    plugin: ClassVar[str] = "comparison"
    name: ClassVar[str] = "encoding_change"
    identical: ClassVar[float] = 0.0
    narrow: ClassVar[bool] = True

    def applies(self, column: Column) -> bool:
        """Categorical and boolean columns."""
        return categorical(column)

    def compare(self, reference: State, current: State) -> Measurement:
        """Return the share, with what became what."""
        p, q = reference.part("levels", LevelsPart), current.part("levels", LevelsPart)
        missing = lacking(self.name, current, p.n, q.n)
        if missing:
            return missing
        known = set(p.names)
        now = q.as_dict()
        unseen = [] if p.other else [name for name in now if name not in known]
        found = _explained(unseen, p.names, set(now)) or (_relabelled(p, q) if len(unseen) == len(now) else {})
        value = sum(now[name] for name in found) / q.n
        listed = list(found.items())[:_LISTED]
        upper = min(1.0, -float(np.log(_CHANCE)) / p.n)
        return Measurement.of(
            current.key, Family.COMPARISON, self.name, value, q.n,
            error=sqrt(value * (1 - value) / q.n),
            floor=0.0,
            evidence=Evidence(
                Change(Quantity.SHARE, 0.0, value, upper, tuple(name for name, _ in listed)),
                sizes(p.n, q.n),
                details={
                    "by": ", ".join(dict.fromkeys(by for _, by in found.values())),
                    "levels": ", ".join(f"{before!r} → {name!r}" for name, (before, _) in listed),
                },
            ),
        )  # fmt: skip

    def describe(self, measurement: Measurement) -> str:
        """Say what became what."""
        details, share = measurement.evidence.details, f"{measurement.value or 0.0:.1%}"
        if not details.get("levels"):
            return ""
        return f"is written in another way ({details.get('by')}) in {share} of rows: {details['levels']}"


Found = dict[str, tuple[str, str]]


def _explained(unseen: Sequence[str], before: Sequence[str], now: set[str]) -> Found:
    """Return the level that each unseen one was, and by what."""
    found: Found = {}
    tries: tuple[tuple[str, Callable[[str], str]], ...] = (("writing", _folded), ("decoding", _blurred))
    tables = [(by, fold, {fold(name): name for name in before}) for by, fold in tries]
    gone = [name for name in before if name not in now]
    known = set(before)
    for name in unseen:
        misread = next((one for one in _misreadings(name) if one in known), None)
        if misread is not None:
            found[name] = (misread, "decoding")
            continue
        for by, fold, table in tables:
            was = table.get(fold(name))
            # A question mark may be a level of its own; only where it stands for letters is it damage.
            if was is not None and (by == "writing" or (_damaged(name) and not was.isascii())):
                found[name] = (was, by)
                break
        else:
            word = next((one for one in gone if _synonyms(one, name)), None)
            if word is not None:
                found[name] = (word, "wording")
    return found


def _misreadings(name: str) -> list[str]:
    """Return what a text may have been before it was read in the wrong code page."""
    found = []
    for code in _CODES:
        for wrong, right in ((code, "utf-8"), ("utf-8", code)):
            try:
                text = name.encode(wrong).decode(right)
            except UnicodeError:
                continue
            if text != name:
                found.append(text)
    return found


def _folded(name: str) -> str:
    text = " ".join(unicodedata.normalize("NFKC", name).casefold().split())
    number = re.fullmatch(r"([+-]?)0*(\d+?)(?:\.(\d*?)0*)?", text)
    if number is None:
        return text
    sign, whole, rest = number.groups()
    return f"{'-' if sign == '-' else ''}{whole}" + (f".{rest}" if rest else "")


def _blurred(name: str) -> str:
    """Return a text with one mark for each run of what a narrow code page cannot hold."""
    return re.sub(r"(?:[^\x00-\x7f]|\?)+", "\ufffd", name)


def _damaged(name: str) -> bool:
    return "?" in name or "\ufffd" in name


def _synonyms(one: str, other: str) -> bool:
    a, b = one.strip().casefold(), other.strip().casefold()
    return a != b and any(a in words and b in words for words in _PAIRS)


def _relabelled(p: LevelsPart, q: LevelsPart) -> Found:
    """Pair levels by size where all of them are new and the sizes speak for one and the same variable."""
    before, now = p.as_dict(), q.as_dict()
    if q.other or len(before) != len(now) or len(now) < 2:
        return {}
    a, b = _shares(before, p.n), _shares(now, q.n)
    room = _DISTANCE / sqrt(effective_size(p.n, q.n))
    apart = float(np.min(-np.diff(a)))
    if float(np.abs(a - b).max()) > room or apart < 2 * room:
        return {}
    return {new: (old, "relabelling") for old, new in zip(before, now, strict=True)}


def _shares(counts: Mapping[str, int], n: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.array(list(counts.values()), float) / n
