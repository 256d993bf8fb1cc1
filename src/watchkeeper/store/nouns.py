"""The nouns as JSON, and what makes two of them the same."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Collection, Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Any, TypeVar

import msgspec

from watchkeeper.core.action import Action
from watchkeeper.core.alert import Alert
from watchkeeper.core.delivery import Delivery
from watchkeeper.core.diagnosis import Diagnosis
from watchkeeper.core.errors import StoreError, near_miss
from watchkeeper.core.evidence import (
    Change,
    Estimation,
    Evidence,
    Labels,
    RuleCheck,
    Size,
    SumOfSquares,
    Transformation,
    stated,
)
from watchkeeper.core.ground import Ground, Observation, Tried
from watchkeeper.core.measurement import Measurement
from watchkeeper.core.provenance import Provenance, Tenure
from watchkeeper.core.remembered import Remembered
from watchkeeper.core.signal import Signal
from watchkeeper.core.spec import Spec
from watchkeeper.core.store import AuditEvent, Noun
from watchkeeper.core.window import Window

__all__ = ["KINDS", "Span", "brief_json", "from_json", "identity", "kind_named", "span_of", "to_json"]

T = TypeVar("T")

KINDS: Mapping[str, type[Any]] = {
    "spec": Spec,
    "measurement": Measurement,
    "signal": Signal,
    "alert": Alert,
    "diagnosis": Diagnosis,
    "action": Action,
    "memory": Remembered,
    "provenance": Provenance,
    "delivery": Delivery,
}

_NUMBER = "@number"

_READ_ONLY: Mapping[type[Any], str] = {AuditEvent: "audit", Tenure: "tenure"}
"""What a store records by itself, with what it is told."""


def kind_named(kind: type[Any]) -> str:
    """Return the name of a kind of noun.

    Raises
    ------
    StoreError
        When a store does not record it.
    """
    if kind in _READ_ONLY:
        return _READ_ONLY[kind]
    for name, noun in KINDS.items():
        if noun is kind:
            return name
    valid = [noun.__name__ for noun in KINDS.values()] + [noun.__name__ for noun in _READ_ONLY]
    raise StoreError(f"a store records no {kind.__name__}; {near_miss(kind.__name__, valid)}")


def to_json(noun: Noun) -> str:
    """Return a noun as JSON with sorted keys: the same noun gives the same text.

    JSON has no NaN and no infinity, so these become ``{"@number": "nan"}``.
    """
    try:
        return msgspec.json.encode(_plain(noun), order="deterministic").decode()
    except (TypeError, ValueError) as error:
        raise StoreError(f"a {type(noun).__name__} cannot be recorded: {error}; nothing was written") from error


def brief_json(noun: Any, without: Collection[str] = ()) -> str:
    """Return the JSON of a record without the fields that hold their defaults or stand elsewhere.

    ``from_json`` reads it once the fields named in ``without`` are put back.
    """
    try:
        return msgspec.json.encode(_brief(noun, without), order="deterministic").decode()
    except (TypeError, ValueError) as error:
        raise StoreError(f"a {type(noun).__name__} cannot be recorded: {error}; nothing was written") from error


def from_json(text: str, kind: type[T]) -> T:
    """Return the noun that ``to_json`` wrote.

    Raises
    ------
    StoreError
        When the text is damaged or was written by a newer version.
    """
    try:
        if _NUMBER not in text:
            return msgspec.json.decode(text, type=kind)
        return msgspec.convert(_with_numbers(msgspec.json.decode(text)), kind)
    except (msgspec.DecodeError, msgspec.ValidationError, ValueError, TypeError) as error:
        raise StoreError(
            f"a recorded {kind.__name__.lstrip('_')} cannot be read: {error}; it is damaged or from a newer version"
        ) from error


def identity(noun: Noun) -> str:
    """Return what a noun has in common with the one that replaces it, as a SHA-256 in hex."""
    if isinstance(noun, Spec):
        parts: list[Any] = [to_json(noun)]
    elif isinstance(noun, Measurement):
        parts = _about(noun)
    elif isinstance(noun, Signal):
        parts = [*_about(noun.measurement), noun.chart]
    elif isinstance(noun, Remembered):
        parts = [noun.window.start.isoformat(), noun.window.end.isoformat()]
    elif isinstance(noun, Provenance):
        parts = [noun.version]
    else:
        parts = [noun.alert if isinstance(noun, Diagnosis) else noun.id]
    return hashlib.sha256(msgspec.json.encode(parts)).hexdigest()


def _about(measurement: Measurement) -> list[Any]:
    m = measurement
    window = (m.window.start.isoformat(), m.window.end.isoformat()) if m.window else None
    about = [m.version, window, m.family.value, m.name, m.column, m.segment]
    return [*about, m.against] if m.against else about


@dataclass(frozen=True, slots=True)
class Span:
    """The time a noun is about; None where it has none."""

    starts: datetime | None
    ends: datetime | None

    def meets(self, kind: str, window: Window) -> bool:
        """Return whether a noun of this time belongs to ``window``.

        Measurements and signals lie in it, alerts and diagnoses overlap it, actions happen in it; specs have no time
        and belong to all.
        """
        if kind == "spec":
            return True
        if self.starts is None or self.ends is None:
            return False
        if kind in ("measurement", "signal", "memory"):
            return window.start <= self.starts and self.ends <= window.end
        if kind in ("alert", "diagnosis"):
            return self.starts < window.end and (self.ends > window.start or self.starts >= window.start)
        return window.start <= self.starts < window.end


def span_of(noun: Noun | Tenure) -> Span:
    """Return the time a noun is about, in UTC."""
    if isinstance(noun, Signal):
        noun = noun.measurement
    if isinstance(noun, (Measurement, Remembered)):
        return Span(noun.window.start, noun.window.end) if noun.window else Span(None, None)
    if isinstance(noun, Diagnosis):
        return Span(noun.basis.window.start, noun.basis.window.end) if noun.basis else Span(None, None)
    if isinstance(noun, Alert):
        return Span(_utc(noun.since), _utc(noun.last or noun.since))
    if isinstance(noun, Delivery):
        return Span(_utc(noun.created), _utc(noun.ended or noun.created))
    if isinstance(noun, Tenure):
        return Span(_utc(noun.since), _utc(noun.since))
    return Span(_utc(noun.at), _utc(noun.at)) if isinstance(noun, Action) else Span(None, None)


def _utc(moment: datetime | None) -> datetime | None:
    if moment is None or moment.tzinfo is not None:
        return moment and moment.astimezone(UTC)
    return moment.replace(tzinfo=UTC)


def _plain(value: Any) -> Any:
    kind = type(value)
    if kind in _AS_THEY_ARE:
        return value
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else {_NUMBER: str(float(value))}
    names = _names(kind)
    if names:
        held = stated(value) if kind in _COMPACT else {name: getattr(value, name) for name in names}
        if kind is Action and not value.because:
            # Version 0.1.0 knew no grounds, and the audit chain seals its actions as it wrote them.
            del held["because"]
        return {name: _plain(item) for name, item in held.items()}
    if isinstance(value, Mapping):
        return {str(key): _plain(_fact(item)) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [_plain(item) for item in value]
    if hasattr(value, "item") and callable(value.item):
        return _plain(value.item())
    return value


def _brief(value: Any, without: Collection[str] = ()) -> Any:
    """Return a dataclass as a mapping of the fields that hold something else than their default."""
    if isinstance(value, (tuple, list)):
        return [_brief(item) for item in value]
    names = _names(type(value))
    if not names:
        return _plain(value)
    kept: dict[str, Any] = {}
    for name, default in _defaults(type(value)).items():
        item = getattr(value, name)
        # -0.0 is equal to 0.0, and True to 1.
        if name not in without and not (item == default and repr(item) == repr(default)):
            kept[name] = _brief(item)
    return kept


_DEFAULTS: dict[type[Any], dict[str, Any]] = {}


def _defaults(kind: type[Any]) -> dict[str, Any]:
    """Return the default of each recorded field; where there is none, what equals nothing."""
    if kind not in _DEFAULTS:
        _DEFAULTS[kind] = _defaults_of(kind)
    return _DEFAULTS[kind]


def _defaults_of(kind: type[Any]) -> dict[str, Any]:
    return {
        field.name: field.default_factory() if field.default_factory is not MISSING else field.default
        for field in fields(kind)
        if field.name in _names(kind)
    }


_AS_THEY_ARE = frozenset((str, int, bool, type(None), datetime))


_NAMES: dict[type[Any], tuple[str, ...]] = {}


def _names(kind: type[Any]) -> tuple[str, ...]:
    """Return the fields of a dataclass that are recorded; none of anything else."""
    if kind not in _NAMES:
        own = fields(kind) if is_dataclass(kind) else ()
        _NAMES[kind] = tuple(field.name for field in own if not field.name.startswith("_"))
    return _NAMES[kind]


_COMPACT = (
    Measurement, Evidence, Change, Size, SumOfSquares, Labels, Estimation, RuleCheck, Transformation, Ground,
    Observation, Tried,
)  # fmt: skip
"""Kinds of which only what differs from the default is written: a store holds very many, or seals them in the audit
chain, where a field that comes later must change no byte."""


def _fact(value: Any) -> Any:
    """Facts and options are numbers or text: a whole number or a truth value is stored as the number it is."""
    if isinstance(value, (bool, int)) and not isinstance(value, Enum):
        return float(value)
    if hasattr(value, "item") and callable(value.item):
        return _fact(value.item())
    return value


def _with_numbers(value: Any) -> Any:
    if isinstance(value, dict):
        if value.keys() == {_NUMBER}:
            return float(value[_NUMBER])
        return {key: _with_numbers(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_with_numbers(item) for item in value]
    return value
