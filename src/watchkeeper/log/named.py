"""Rows as lines, whatever the host passes: features by name, and a value that has no form costs itself alone."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["line_of", "named"]


def named(features: Any) -> Any:
    """Return features as a dict with names of text where they have names; others as they are, for the reader to count.

    A pandas or Polars Series with an index, a row of a frame and any other mapping have names; a list or an array has
    none.
    """
    if features is None or (type(features) is dict and all(type(name) is str for name in features)):
        return features
    if not isinstance(features, Mapping):
        for way in ("to_dict", "_asdict"):
            make = getattr(features, way, None)
            if make is not None and not isinstance(features, type):
                made = make()
                return named(made) if isinstance(made, Mapping) else features
        return features
    return {name if type(name) is str else str(name): features[name] for name in features}


def line_of(row: Mapping[str, Any], default: Callable[[Any], Any]) -> tuple[str, BaseException | None]:
    """Return a row as a line of JSON, and why a value in it could not be written and is null.

    Parameters
    ----------
    default
        Returns what JSON lacks as what it has.
    """
    try:
        if "features" in row:
            row = {**row, "features": named(row["features"])}
        return _json(row, default), None
    except BaseException as error:  # noqa: BLE001 - a panic of an extension is no Exception
        _reraise_wish(error)
        fields = {field: _kept(value, default) for field, value in row.items() if field != "features"}
        features = row.get("features")
        if isinstance(features, dict):
            fields["features"] = {name: _kept(value, default) for name, value in features.items()}
        return _json(fields, default), error


def _kept(value: Any, default: Callable[[Any], Any]) -> Any:
    try:
        return json.loads(_json(value, default))
    except BaseException as error:  # noqa: BLE001 - a panic of an extension is no Exception
        _reraise_wish(error)
        return None


def _json(value: Any, default: Callable[[Any], Any]) -> str:
    return json.dumps(value, default=default, separators=(",", ":"))


def _reraise_wish(error: BaseException) -> None:
    """Let go on what is a wish to end the process; a panic of an extension is none, and no Exception either."""
    if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
        raise error
