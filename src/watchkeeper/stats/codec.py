"""States as bytes: one versioned form for the store, the wire and the cluster."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields, replace
from io import BytesIO
from typing import Any

import msgspec
import numpy as np
import polars as pl
from numpy.typing import NDArray

from watchkeeper.core.errors import StateError
from watchkeeper.core.plugins import plugin
from watchkeeper.core.schema import Column
from watchkeeper.core.state import State, StateKey
from watchkeeper.core.window import Window
from watchkeeper.stats.statistic import merge_parts

__all__ = ["FORMAT", "decode_state", "encode_state", "merge_alike", "merge_states", "merged"]

FORMAT = 1
"""Version of the envelope; every statistic has a version of its own inside it."""

_ARRAY, _FRAME = 1, 2
_SIZES = (np.uint8, np.uint16, np.uint32, np.int64)


def _pack_array(array: NDArray[Any]) -> bytes:
    stored = array
    if array.dtype == np.int64 and array.size and array.min() >= 0:
        largest = int(array.max())
        stored = array.astype(next(t for t in _SIZES if largest <= np.iinfo(t).max))
    head = f"{array.dtype.name}|{stored.dtype.name}|{','.join(map(str, array.shape))}".encode()
    return bytes([len(head)]) + head + np.ascontiguousarray(stored).tobytes()


def _unpack_array(data: bytes) -> NDArray[Any]:
    size = data[0]
    wanted, stored, shape = data[1 : 1 + size].decode().split("|")
    flat = np.frombuffer(data[1 + size :], np.dtype(stored)).astype(np.dtype(wanted))
    return flat.reshape([int(s) for s in shape.split(",") if s])


def _out(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return msgspec.msgpack.Ext(_ARRAY, _pack_array(value))
    if isinstance(value, pl.DataFrame):
        buffer = BytesIO()
        value.write_ipc(buffer)
        return msgspec.msgpack.Ext(_FRAME, buffer.getvalue())
    if isinstance(value, np.generic):
        return value.item()
    raise StateError(f"a state cannot hold a {type(value).__name__}")


def _in(code: int, data: memoryview) -> Any:
    if code == _ARRAY:
        return _unpack_array(bytes(data))
    if code == _FRAME:
        return pl.read_ipc(BytesIO(bytes(data)))
    raise StateError(f"a stored state holds an unknown form {code}; it was written by a newer version")


def encode_state(state: State) -> bytes:
    """Return a state as bytes."""
    parts = {
        name: [plugin("statistic", name).version, {f.name: getattr(part, f.name) for f in fields(part)}]
        for name, part in state.parts.items()
    }
    body = {"format": FORMAT, "key": state.key, "spec": state.spec, "problem": state.problem, "parts": parts}
    return msgspec.msgpack.encode(body, enc_hook=_out)


def decode_state(data: bytes) -> State:
    """Return the state that ``encode_state`` wrote.

    Raises
    ------
    StateError
        When the bytes are damaged or were written by a newer version.
    """
    try:
        body = msgspec.msgpack.decode(data, ext_hook=_in)
        if body["format"] > FORMAT:
            raise StateError(f"the state has format {body['format']}, this version reads up to {FORMAT}; upgrade")
        parts = {}
        for name, (version, values) in body["parts"].items():
            statistic = plugin("statistic", name)
            if version != statistic.version:
                raise StateError(f"the stored {name} has version {version}, this is {statistic.version}; upgrade")
            typed = {f.name: values[f.name] for f in fields(statistic.part_type)}
            parts[name] = msgspec.convert(typed, statistic.part_type, dec_hook=_keep)
        spec = msgspec.convert(body["spec"], Column) if body["spec"] else None
        return State(msgspec.convert(body["key"], StateKey), spec, parts, body["problem"])
    except (msgspec.DecodeError, msgspec.ValidationError, KeyError, ValueError, TypeError) as error:
        raise StateError(f"a stored state is damaged: {error}") from error


def _keep(_wanted: type, value: Any) -> Any:
    return value


def merge_states(*states: State) -> State:
    """Return the state of all rows of one or more states; the key is that of the first.

    Raises
    ------
    StateError
        When the columns differ or a statistic was kept with another reference.
    """
    first = states[0]
    if len(states) == 1:
        return first
    held: dict[str, list[Any]] = {}
    for state in states:
        if state.key.column != first.key.column:
            raise StateError(f"states of {first.key.column!r} and {state.key.column!r} do not merge")
        for name, part in state.parts.items():
            held.setdefault(name, []).append(part)
    parts = {name: merge_parts(plugin("statistic", name), found) for name, found in held.items()}
    spec = next((state.spec for state in states if state.spec), None)
    return replace(first, spec=spec, parts=parts, problem=next((s.problem for s in states if s.problem), ""))


def merge_alike(states: Iterable[State]) -> dict[StateKey, State]:
    """Return one state for each key, of the rows of all states that have it.

    Raises
    ------
    StateError
        As ``merge_states``.
    """
    held: dict[StateKey, list[State]] = {}
    for state in states:
        held.setdefault(state.key, []).append(state)
    return {key: merge_states(*alike) for key, alike in held.items()}


def merged(states: Iterable[State], window: Window | None, model: str) -> dict[tuple[str, str], State]:
    """Merge states over versions and stored windows.

    Returns
    -------
    dict
        One state per (segment, column), keyed anew with ``window`` and no version.
    """
    moved = (replace(s, key=StateKey(model, "", window, s.key.segment, s.key.column)) for s in states)
    return {(key.segment, key.column): state for key, state in merge_alike(moved).items()}
