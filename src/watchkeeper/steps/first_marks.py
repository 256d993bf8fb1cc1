"""What version 0.1.0 knew stored things by: the text in which Python wrote its objects, hashed.

A run recognises such marks and writes fingerprints in their place, so that nothing is summarised anew. The texts are
spelt out field by field, because they must stay as they were when the objects get further fields.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import Any

from watchkeeper.core.schema import Schema
from watchkeeper.core.spec import Spec
from watchkeeper.core.window import WindowRule

__all__ = ["first_columns", "first_reference_basis", "first_rows", "first_states_basis"]

_COLUMNS = (
    "id", "time", "prediction", "score", "label", "latency", "version", "label_time", "group", "features", "ignore",
    "scores", "quantiles", "embed",
)  # fmt: skip
_LEFT_OUT_IF_EMPTY = {"label_time", "group", "scores", "quantiles"}


class _Written(str):
    """A text that stands for itself."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def first_columns(columns: Any, segments: Any, positive: Any, task: Any, reference: Any) -> str:
    """Return what the inferred schema was known by: the columns, segments and reference of the configuration."""
    every = {name: getattr(columns, name) for name in _COLUMNS}
    every = {name: _NOTHING.get(name) if value is None else value for name, value in every.items()}
    named = {name: value for name, value in every.items() if value or name not in _LEFT_OUT_IF_EMPTY}
    about = reference and _text("Reference", source=reference.source, from_=reference.from_, to=reference.to)
    return _hash((_text("Columns", **named), segments, positive, task, about))


_NOTHING: dict[str, Any] = {"ignore": (), "embed": {}}


def first_states_basis(spec: Spec, rule: WindowRule) -> str:
    """Return what states were known by."""
    s = spec.schema
    more = (*s.class_scores, *s.quantiles, *s.metrics)
    return _hash((*_schema(s), s.task, s.classes, s.positive, _windows(rule), spec.keep, *more))[:16]


def first_reference_basis(spec: Spec) -> str:
    """Return what the states of a reference were known by."""
    kept = (spec.keep, spec.reference_keep)
    return _hash((*_schema(spec.schema), _windows(spec.windows), *kept, *spec.schema.metrics))[:16]


def first_rows(marks: Sequence[tuple[str, Any]]) -> str:
    """Return what the files of a reference were known by."""
    return _hash(list(marks))[:16]


def _schema(schema: Schema) -> tuple[Any, Any]:
    columns = tuple(
        _text(
            "Column", name=c.name, role=c.role, kind=c.kind, dtype=c.dtype,
            map=_text("NumericMap", anchor=c.map.anchor, scale=c.map.scale), why=c.why,
        )
        for c in schema.columns
    )  # fmt: skip
    return columns, tuple(_text("SegmentRule", column=s.column, values=s.values) for s in schema.segments)


def _windows(rule: WindowRule | None) -> Any:
    return rule and _text("WindowRule", every=rule.every, grain=rule.grain, origin=rule.origin)


def _text(kind: str, /, **fields: Any) -> _Written:
    return _Written(f"{kind}({', '.join(f'{field}={value!r}' for field, value in fields.items())})")


def _hash(parts: Any) -> str:
    return sha256(repr(parts).encode()).hexdigest()
