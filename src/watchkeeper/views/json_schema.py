"""The JSON Schema of a document, generated from its dataclass."""

from __future__ import annotations

import re
from collections.abc import Iterator
from inspect import cleandoc
from typing import Any

import msgspec

__all__ = ["json_schema"]

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_SUFFIX = "Document"


def json_schema(title: str, *documents: type[Any]) -> dict[str, Any]:
    """Return the schema of JSON that is one of some documents.

    Fields that are not in a schema may come with a later version: a schema says what is there, not what else may be.

    Parameters
    ----------
    title
        What is described.
    documents
        Dataclasses; what their docstrings say under ``Attributes`` describes their fields.

    Raises
    ------
    ValueError
        When a dataclass and another class have the same name but for the suffix ``Document``.
    """
    roots, parts = msgspec.json.schema_components(documents, ref_template="#/$defs/{name}")
    clashes = {name for name in parts if name.endswith(_SUFFIX) and name.removesuffix(_SUFFIX) in parts}
    if clashes:
        raise ValueError(f"two parts of the schema of {title} would have one name: {', '.join(sorted(clashes))}")
    body = dict(roots[0]) if len(roots) == 1 else {"anyOf": list(roots)}
    whole = {"$schema": _DIALECT, "title": title, **body, "$defs": {name: _described(parts[name]) for name in parts}}
    named: dict[str, Any] = _renamed(_nullable(whole))
    return named


def _described(part: dict[str, Any]) -> dict[str, Any]:
    """Take the descriptions of fields out of the description of the whole."""
    lead, _, attributes = cleandoc(part.get("description", "")).partition("\n\nAttributes\n----------\n")
    descriptions = dict(_attributes(attributes))
    fields = {
        name: {**field, "description": descriptions[name]} if name in descriptions else field
        for name, field in part.get("properties", {}).items()
    }
    own = {"description": " ".join(lead.split()).replace("``", "`")} if lead else {}
    return {**part, **own, **({"properties": fields} if fields else {})}


def _attributes(text: str) -> Iterator[tuple[str, str]]:
    for names, description in re.findall(r"^(\w[\w, ]*)\n((?:    .*\n?)+)", text, re.MULTILINE):
        for name in names.split(", "):
            yield name, " ".join(description.split()).replace("``", "`")


def _nullable(value: Any) -> Any:
    """Let every number be null as well: that is how one is written that is not finite."""
    if isinstance(value, list):
        return [_nullable(item) for item in value]
    if not isinstance(value, dict):
        return value
    inner = {key: _nullable(item) for key, item in value.items()}
    if inner.get("type") == "number":
        return inner | {"type": ["number", "null"]}
    if inner.get("anyOf") == [{"type": ["number", "null"]}, {"type": "null"}]:
        return {key: item for key, item in inner.items() if key != "anyOf"} | {"type": ["number", "null"]}
    return inner


def _renamed(value: Any) -> Any:
    """Leave out what tells a class of ours from the thing it stands for."""
    if isinstance(value, dict):
        return {key.removesuffix(_SUFFIX): _renamed(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_renamed(item) for item in value]
    is_name = isinstance(value, str) and re.fullmatch(rf"(#/\$defs/)?\w+{_SUFFIX}", value)
    return value.removesuffix(_SUFFIX) if is_name else value
