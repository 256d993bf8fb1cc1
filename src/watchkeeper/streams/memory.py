"""A stream as bytes: versioned, and without code."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from io import BytesIO

import msgspec
import polars as pl

from watchkeeper.alerts.policy import Episode
from watchkeeper.core.alert import Cause
from watchkeeper.core.errors import StateError
from watchkeeper.core.schema import Schema
from watchkeeper.core.state import OUTCOME, State
from watchkeeper.ingest.door import Door, known_by
from watchkeeper.schema.declared import Declared
from watchkeeper.stats.codec import decode_state, encode_state
from watchkeeper.store.migrations.decisions import episodes_of_0_1
from watchkeeper.streams.arrivals import Arrived

__all__ = ["FORMAT", "Entrance", "Saved", "decode", "encode", "essence"]

FORMAT = 3
"""Version of the form; states inside it have versions of their own."""

_WITH_CODES = 3
"""The format since which alerts and signals hold codes; before, sentences."""

_PARTS = ("count", "histogram", "levels", "confusion")


@dataclass(frozen=True, slots=True)
class Entrance:
    """How rows are read, as it is stored.

    Attributes
    ----------
    types, missing
        What is declared of the values, as it is written.
    forms
        The columns of the reference that needed reading, each with the form of its dates, empty for none.
    """

    types: dict[str, str] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    forms: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, door: Door) -> Entrance:
        """Return what a door is made of."""
        forms = {name: "" if reading.either else reading.pattern for name, reading in door.known.items()}
        return cls({name: one.text for name, one in door.declared.types.items()}, door.declared.missing, forms)

    @property
    def door(self) -> Door:
        """The door that is made of it."""
        return Door(Declared.of(self.types, self.missing), known=known_by(self.forms))


@dataclass(frozen=True, slots=True)
class Saved:
    """What a stream is made of.

    Attributes
    ----------
    reference
        States of the reference, with no more than a stream reads.
    evidence, ranked, numbers
        float64 in the order of memory; ``ranked`` is empty in streams of format 1.
    waiting
        Rows that are not judged yet.
    entrance
        How rows are read.
    """

    model: str
    schema: Schema
    options: dict[str, float]
    effects: dict[str, float]
    notes: tuple[str, ...]
    reference: tuple[State, ...]
    evidence: bytes
    ranked: bytes
    numbers: bytes
    rows: int
    waiting: tuple[Arrived, ...]
    episodes: Mapping[Cause, Episode]
    entrance: Entrance


@dataclass(frozen=True, slots=True)
class _Rows:
    frame: bytes
    problems: dict[str, str]
    rows: int


@dataclass(frozen=True, slots=True)
class _Form:
    format: int
    model: str
    schema: Schema
    options: dict[str, float]
    effects: dict[str, float]
    notes: tuple[str, ...]
    reference: tuple[bytes, ...]
    evidence: bytes
    numbers: bytes
    rows: int
    waiting: tuple[_Rows, ...]
    episodes: dict[Cause, Episode]
    ranked: bytes = b""
    entrance: Entrance = field(default_factory=Entrance)


@dataclass(frozen=True, slots=True)
class _Head:
    format: int


def essence(reference: Mapping[tuple[str, str], State], places: Iterable[tuple[str, str]]) -> tuple[State, ...]:
    """Return the states that a stream rests on, by segment and column, with no more than it reads."""
    wanted = {*places}
    wanted |= {(segment, OUTCOME) for segment, _ in wanted}
    return tuple(
        replace(state, parts={name: part for name, part in state.parts.items() if name in _PARTS})
        for place, state in reference.items()
        if place in wanted
    )


def encode(saved: Saved) -> bytes:
    """Return a stream as bytes."""
    form = _Form(
        FORMAT, saved.model, saved.schema, saved.options, saved.effects, saved.notes,
        tuple(encode_state(state) for state in saved.reference), saved.evidence, saved.numbers, saved.rows,
        tuple(_Rows(_packed(piece.frame), dict(piece.problems), piece.rows) for piece in saved.waiting),
        dict(saved.episodes), saved.ranked, saved.entrance,
    )  # fmt: skip
    return msgspec.msgpack.encode(form)


def decode(data: bytes) -> Saved:
    """Return the stream that ``encode`` wrote.

    Raises
    ------
    StateError
        When the bytes are damaged or were written by a newer version.
    """
    try:
        head = msgspec.msgpack.decode(data, type=_Head)
        if head.format > FORMAT:
            raise StateError(f"the stream has format {head.format}, this version reads up to {FORMAT}; upgrade")
        if head.format < _WITH_CODES:
            held = msgspec.msgpack.decode(data)
            data = msgspec.msgpack.encode({**held, "episodes": episodes_of_0_1(held["episodes"])})
        form = msgspec.msgpack.decode(data, type=_Form)
        waiting = tuple(Arrived(pl.read_ipc(BytesIO(p.frame)), p.problems, p.rows) for p in form.waiting)
    except (msgspec.DecodeError, msgspec.ValidationError, pl.exceptions.PolarsError, OSError) as error:
        raise StateError(f"a stored stream is damaged: {error}") from error
    return Saved(
        form.model, form.schema, form.options, form.effects, form.notes,
        tuple(decode_state(state) for state in form.reference), form.evidence, form.ranked, form.numbers, form.rows,
        waiting, form.episodes, form.entrance,
    )  # fmt: skip


def _packed(frame: pl.DataFrame) -> bytes:
    buffer = BytesIO()
    frame.write_ipc(buffer)
    return buffer.getvalue()
