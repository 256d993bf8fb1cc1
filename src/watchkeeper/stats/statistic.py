"""The protocol of a mergeable statistic, and the one way to fold rows into it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import reduce
from typing import Any, ClassVar, Protocol, runtime_checkable

from watchkeeper.core.schema import Column

__all__ = ["Accumulator", "Statistic", "fold", "fold_each", "merge_parts"]


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

    A class that sets ``optional = True`` is kept only where the spec asks for it by name, one that sets
    ``whole_only = True`` of whole windows and not of their segments. Where many parts at once merge faster than one
    after the other, a method ``merge_many(parts)`` says how; where the blocks of many segments fold faster at once into
    a part each, a method ``fold_each(blocks)``.
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


def fold(statistic: Statistic, column: Column, blocks: Iterable[Any]) -> Any:
    """Return the part of ``statistic`` over all rows of ``blocks``; no blocks give its zero."""
    work = statistic.start(column)
    for block in blocks:
        work.add(block)
    return work.part()


def fold_each(statistic: Statistic, column: Column, blocks: Sequence[Any]) -> list[Any]:
    """Return the part of ``statistic`` over the rows of each block."""
    each = getattr(statistic, "fold_each", None)
    return [fold(statistic, column, [block]) for block in blocks] if each is None else list(each(blocks))


def merge_parts(statistic: Statistic, parts: Sequence[Any]) -> Any:
    """Return the part of all rows of one or more parts."""
    many = getattr(statistic, "merge_many", None)
    return reduce(statistic.merge, parts) if many is None or len(parts) < 3 else many(parts)
