"""What stored states and references are known by: the fields that decide what they hold."""

from __future__ import annotations

from typing import Any

from watchkeeper.core.fingerprint import fingerprint
from watchkeeper.core.schema import NumericMap, Schema
from watchkeeper.core.spec import Spec
from watchkeeper.core.window import WindowRule

__all__ = ["reference_basis", "states_basis"]


def states_basis(spec: Spec, rule: WindowRule) -> str:
    """Say what states depend on: those made otherwise cannot be merged or compared."""
    s = spec.schema
    fields = {
        **_columns(s), "windows": _windows(rule), "keep": spec.keep, "metrics": s.metrics, "task": s.task,
        "classes": s.classes, "positive": s.positive, "class_scores": s.class_scores, "quantiles": s.quantiles,
    }  # fmt: skip
    return fingerprint("states", 1, fields)


def reference_basis(spec: Spec) -> str:
    """Say what the states of a reference depend on, beside its rows."""
    fields = {
        **_columns(spec.schema), "windows": _windows(spec.windows), "keep": spec.keep,
        "reference_keep": spec.reference_keep, "metrics": spec.schema.metrics,
    }  # fmt: skip
    return fingerprint("reference", 1, fields)


def _columns(schema: Schema) -> dict[str, Any]:
    columns = [
        {
            "name": c.name, "role": c.role, "kind": c.kind, "dtype": c.dtype,
            "map": None if c.map == NumericMap() else [c.map.anchor, c.map.scale],
        }
        for c in schema.columns
    ]  # fmt: skip
    return {"columns": columns, "segments": [{"column": s.column, "values": s.values} for s in schema.segments]}


def _windows(rule: WindowRule | None) -> dict[str, Any] | None:
    if rule is None:
        return None
    origin = None if rule.origin == WindowRule().origin else rule.origin
    return {"every": rule.every, "grain": rule.grain, "origin": origin}
