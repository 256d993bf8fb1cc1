"""The protocol of a mergeable statistic, and the one way to fold rows into it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache, reduce
from typing import Any, ClassVar, Protocol, cast, runtime_checkable

from watchkeeper.core.schema import Column

__all__ = [
    "Accumulator",
    "FoldsEach",
    "MergesMany",
    "OptionalStatistic",
    "Sketch",
    "Statistic",
    "WholeOnly",
    "fold",
    "fold_each",
    "is_optional",
    "is_whole_only",
    "merge_parts",
]


class Accumulator(Protocol):
    """Mutable working memory of one fold; never shared and never stored."""

    def add(self, block: Any) -> None:
        """Take the rows of ``block`` in."""

    def part(self) -> Any:
        """Return what was taken in as an immutable part."""


@runtime_checkable
class Statistic(Protocol):
    """A monoid over parts: ``zero`` is its identity, ``merge`` its operation, and ``fold`` maps rows into it.

    Attributes
    ----------
    plugin
        Always ``"statistic"``.
    name
        Registry key, which is also the stored tag.
    version
        Version of the stored form.
    reads
        The block types it can take in.
    part_type
        The frozen dataclass of its part.

    What some can besides are abilities of their own: ``OptionalStatistic``, ``WholeOnly``, ``Sketch``, ``FoldsEach``
    and ``MergesMany``.
    """

    plugin: ClassVar[str]
    name: ClassVar[str]
    version: ClassVar[int]
    reads: ClassVar[tuple[type, ...]]
    part_type: ClassVar[type]

    def applies(self, column: Column) -> bool:
        """Return whether the statistic can be kept for ``column``."""

    def start(self, column: Column) -> Accumulator:
        """Return empty working memory for ``column``."""

    def merge(self, a: Any, b: Any) -> Any:
        """Return the part of all rows of ``a`` and ``b``; raise StateError when they do not belong together."""

    def result(self, part: Any) -> Any:
        """Return the value a person asks for."""


@runtime_checkable
class OptionalStatistic(Protocol):
    """A statistic that is kept only where the spec asks for it by name."""

    optional: ClassVar[bool]


@runtime_checkable
class WholeOnly(Protocol):
    """A statistic that is kept of whole windows and not of their segments."""

    whole_only: ClassVar[bool]


@runtime_checkable
class Sketch(Protocol):
    """A statistic whose result depends on how rows are cut: by at most ``error``, as a share of the rows."""

    error: ClassVar[float]


@runtime_checkable
class FoldsEach(Protocol):
    """A statistic that folds the blocks of many segments faster at once, into a part each."""

    def fold_each(self, blocks: Sequence[Any]) -> Iterable[Any]:
        """Return the part of each block."""


@runtime_checkable
class MergesMany(Protocol):
    """A statistic that merges many parts faster at once than one after the other."""

    def merge_many(self, parts: Sequence[Any]) -> Any:
        """Return the part of all rows."""


@cache
def _able(made: type, ability: type) -> bool:
    # Looked up once for each class: a check of a protocol costs more than folding a block of a few rows.
    return issubclass(made, ability)


@cache
def _flags(made: type) -> tuple[bool, bool]:
    """Return whether the statistics of a class are optional, and whether they are of whole windows only."""
    return isinstance(made, OptionalStatistic) and made.optional, isinstance(made, WholeOnly) and made.whole_only


def is_optional(statistic: Statistic) -> bool:
    """Return whether a statistic is kept only where the spec asks for it by name."""
    return _flags(type(statistic))[0]


def is_whole_only(statistic: Statistic) -> bool:
    """Return whether a statistic is kept of whole windows alone."""
    return _flags(type(statistic))[1]


def fold(statistic: Statistic, column: Column, blocks: Iterable[Any]) -> Any:
    """Return the part of ``statistic`` over all rows of ``blocks``; no blocks give its zero."""
    work = statistic.start(column)
    for block in blocks:
        work.add(block)
    return work.part()


def fold_each(statistic: Statistic, column: Column, blocks: Sequence[Any]) -> list[Any]:
    """Return the part of ``statistic`` over the rows of each block."""
    if _able(type(statistic), FoldsEach):
        return list(cast(FoldsEach, statistic).fold_each(blocks))
    return [fold(statistic, column, [block]) for block in blocks]


def merge_parts(statistic: Statistic, parts: Sequence[Any]) -> Any:
    """Return the part of all rows of one or more parts."""
    if len(parts) < 3 or not _able(type(statistic), MergesMany):
        return reduce(statistic.merge, parts)
    return cast(MergesMany, statistic).merge_many(parts)
