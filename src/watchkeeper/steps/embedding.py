"""Vectors that an embedder makes of a column of text, batch by batch, on the way from the rows to the states."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from watchkeeper.config.check_options import Embed
from watchkeeper.core.batch import Batch
from watchkeeper.core.columns import series_named
from watchkeeper.core.errors import SchemaError, UsageError, WatchkeeperError, near_miss
from watchkeeper.core.schema import Column, Kind, Role, Schema
from watchkeeper.core.spec import Spec
from watchkeeper.core.state import State, StateKey
from watchkeeper.core.user_code import function_named, search_in, split_name
from watchkeeper.schema.kinds import type_name
from watchkeeper.stats.summarise import summarise

__all__ = ["SUFFIX", "Embedding"]

SUFFIX = "@embedding"
"""What the name of a column of text is followed by in the name of the column of its vectors."""

_WORDS = 160
_TEXTS = 4_096
"""Texts that an embedder is given at a time."""


@dataclass(frozen=True)
class Embedding:
    """Adds a column of vectors to every batch for each column of text that has an embedder.

    Nothing is imported before the first text needs it. An embedder that cannot be imported, raises, or returns
    anything but n finite or infinite vectors of one length costs its own column, which then says why, and nothing else.

    Parameters
    ----------
    embedders
        By column of text a function that takes a list of texts and returns an array of shape (n, d), or where to import
        it from, as ``module:function``.
    folder
        Put first on the import path for names, and left there.
    """

    embedders: Mapping[str, Embed | str] = field(default_factory=dict)
    folder: str = "."
    _known: dict[str, Embed] = field(default_factory=dict, init=False, repr=False, compare=False)
    _lengths: dict[str, int] = field(default_factory=dict, init=False, repr=False, compare=False)

    def wide(self, schema: Schema) -> Schema:
        """Return the schema with the columns of vectors.

        Raises
        ------
        SchemaError
            When a column of text does not exist, or its vectors have the name of another column.
        """
        columns = list(schema.columns)
        for source, embedder in self.embedders.items():
            if source not in schema:
                names = (column.name for column in schema)
                raise SchemaError(f"embed: there is no column {source!r}; {near_miss(source, names)}")
            if source + SUFFIX in schema:
                raise SchemaError(f"embed: there is a column {source + SUFFIX!r} already; rename it")
            why = f"feature: made of {source!r} by {_called(embedder)}; vector: an embedding"
            columns.append(Column(source + SUFFIX, Role.FEATURE, Kind.VECTOR, "List(Float32)", why=why))
        return schema.with_columns(tuple(columns))

    def summarise(
        self, batches: Iterable[Batch], spec: Spec, *, progress: Callable[[int], None] | None = None
    ) -> dict[StateKey, State]:
        """Summarise batches with their vectors; ``spec`` has the wide schema, the batches may have another.

        A column of vectors that could not be made is a state with a problem that names the reason.
        """
        problems: dict[str, str] = {}
        if not self.embedders:
            return summarise(batches, spec, progress=progress)
        states = summarise(self._widened(batches, spec.schema, problems), spec, progress=progress)
        return {key: _told(state, problems) for key, state in states.items()}

    def _widened(self, batches: Iterable[Batch], schema: Schema, problems: dict[str, str]) -> Iterator[Batch]:
        for batch in batches:
            frame = batch.frame
            for source in self.embedders:
                name = source + SUFFIX
                if name in problems or source not in frame.columns:
                    continue
                try:
                    frame = frame.with_columns(self._vectors(source, series_named(frame, source)).alias(name))
                except WatchkeeperError as error:
                    problems[name] = str(error)
            yield replace(batch, frame=frame, schema=schema)

    def _vectors(self, source: str, texts: pl.Series) -> pl.Series:
        if texts.dtype not in (pl.String, pl.Null):
            raise SchemaError(f"column {source!r} holds {type_name(texts.dtype)}, where texts were expected")
        there = np.flatnonzero(texts.is_not_null().to_numpy())
        found = [self._asked(source, texts.gather(there[i : i + _TEXTS])) for i in range(0, len(there), _TEXTS)]
        d = self._lengths.get(source, 1)
        # A row without a text has no vector: NaN stands for that.
        vectors = np.full((len(texts), d), np.nan, np.float32)
        if found:
            vectors[there] = np.concatenate(found)
        return pl.Series(source, vectors, dtype=pl.Array(pl.Float32, d))

    def _asked(self, source: str, texts: pl.Series) -> NDArray[np.float32]:
        name = _called(self.embedders[source])
        try:
            with np.errstate(all="ignore"):
                vectors = np.asarray(self._embedder(source)(texts.to_list()), np.float32)
        except WatchkeeperError:
            raise
        except Exception as error:
            # It may fail in any way, and say so with all the texts it was given.
            words = " ".join(str(error).split())
            told = f"{words[:_WORDS]}…" if len(words) > _WORDS else words
            raise SchemaError(f"the embedder {name} raised {type(error).__name__}: {told}") from error
        d = self._lengths.get(source, vectors.shape[1] if vectors.ndim == 2 else 0)
        if vectors.shape != (len(texts), d) or not d:
            wanted = f"({len(texts)}, {d or 'd'})"
            raise SchemaError(f"the embedder {name} returned an array of shape {vectors.shape}, not {wanted}")
        self._lengths[source] = d
        return vectors

    def _embedder(self, source: str) -> Embed:
        given = self.embedders[source]
        if callable(given):
            return given
        if source not in self._known:
            self._known[source] = _imported(given, self.folder)
        return self._known[source]


def _called(embedder: Embed | str) -> str:
    return embedder if isinstance(embedder, str) else str(getattr(embedder, "__name__", type(embedder).__name__))


def _imported(name: str, folder: str) -> Embed:
    try:
        split_name(name, "model:embed")
        search_in(folder)
        return function_named(name)
    except UsageError as error:
        raise SchemaError(str(error)) from None


def _told(state: State, problems: Mapping[str, str]) -> State:
    reason = problems.get(state.key.column)
    return replace(state, problem=reason) if reason and state.problem else state
