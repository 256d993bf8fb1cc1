"""One form of a model file for one model, so that its content address is the same whenever it is saved."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from hashlib import sha256
from io import BytesIO
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

__all__ = ["canonical"]

_SCHEMA = "schema.json"
_VALUES = ("JsonNode", "TypeNode", "FunctionNode")
"""Nodes that stand for unchangeable values: whether two of them are one object makes no difference."""


def canonical(data: bytes) -> bytes:
    """Return a skops file without what depends on the moment and the memory it was written from.

    skops names arrays after memory addresses, keeps the addresses to tell shared objects, stamps the time and writes
    sets in the order of their hashes. Here arrays are named after their content, shared objects are numbered in the
    order in which they appear, the date is fixed, sets are sorted and members are written in the order of their names.
    """
    with ZipFile(BytesIO(data)) as packed:
        members = {name: packed.read(name) for name in packed.namelist()}
    schema = json.loads(members.pop(_SCHEMA))
    names = {name: f"{sha256(body).hexdigest()}.{name.rpartition('.')[2]}" for name, body in members.items()}
    schema = _renamed(schema, names)
    ids = Counter(node["__id__"] for node in _nodes(schema) if _marked(node))
    numbers: dict[int, int] = {}
    _renumber(schema, lambda old: None if ids[old] < 2 else numbers.setdefault(old, len(numbers) + 1))
    written = {names[name]: body for name, body in members.items()}
    written[_SCHEMA] = json.dumps(schema, separators=(",", ":")).encode()
    out = BytesIO()
    with ZipFile(out, "w") as packed:
        for name in sorted(written):
            info = ZipInfo(name)  # its date is 1 January 1980
            info.compress_type = ZIP_DEFLATED
            info.create_system = 3
            packed.writestr(info, written[name])
    return out.getvalue()


def _marked(node: Mapping[str, Any]) -> bool:
    return isinstance(node.get("__id__"), int) and node.get("__loader__") not in _VALUES


def _nodes(node: Any) -> Iterator[dict[str, Any]]:
    """Walk the nodes in the order of the file."""
    if isinstance(node, dict):
        yield node
        for value in node.values():
            yield from _nodes(value)
    elif isinstance(node, list):
        for value in node:
            yield from _nodes(value)


def _renamed(node: Any, names: Mapping[str, str]) -> Any:
    """Return the node with its arrays renamed and its sets sorted by what they hold."""
    if isinstance(node, list):
        return [_renamed(value, names) for value in node]
    if not isinstance(node, dict):
        return node
    made = {
        key: names.get(value, value) if key == "file" and isinstance(value, str) else _renamed(value, names)
        for key, value in node.items()
    }
    if made.get("__loader__") == "SetNode" and isinstance(made.get("content"), list):
        made["content"] = sorted(made["content"], key=_without_ids)
    return made


def _without_ids(node: Any) -> str:
    def bare(part: Any) -> Any:
        if isinstance(part, dict):
            return {k: bare(v) for k, v in part.items() if k != "__id__" or not isinstance(v, int)}
        return [bare(v) for v in part] if isinstance(part, list) else part

    return json.dumps(bare(node), sort_keys=True)


def _renumber(schema: Any, number: Callable[[int], int | None]) -> None:
    for node in _nodes(schema):
        if not isinstance(node.get("__id__"), int):
            continue
        new = number(node["__id__"]) if _marked(node) else None
        if new is None:
            del node["__id__"]
        else:
            node["__id__"] = new
