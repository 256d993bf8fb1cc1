"""What one run of a model came to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from watchkeeper.core.action import Action
from watchkeeper.ingest.intake import Taken
from watchkeeper.run.once import RunResult
from watchkeeper.words.intake import (
    appended_sentences,
    copy_sentence,
    known_sentence,
    replaced_sentence,
    unnamed_sentence,
)
from watchkeeper.words.values import value_sentences

__all__ = ["RunReport"]


@dataclass(frozen=True)
class RunReport:
    """What one run of a model came to.

    Attributes
    ----------
    taken
        What was taken in, one entry per piece that was new.
    ran, actions
        What was judged, and what was done.
    problems
        Notifiers that failed; they are tried again at the next run.
    rehearsed
        Whether all of it only would have been: nothing was written, and nobody was told.
    receivers
        Of a rehearsal, the notifiers that would have been told of what has changed.
    """

    taken: tuple[Taken, ...]
    ran: RunResult
    actions: tuple[Action, ...]
    problems: tuple[str, ...]
    rehearsed: bool = False
    receivers: tuple[str, ...] = ()

    @property
    def unread(self) -> tuple[str, ...]:
        """What could not be taken in and is tried again at the next run; everything else was."""
        return tuple(one.problem for one in self.taken if one.problem)

    @property
    def all_set_aside(self) -> bool:
        """Whether rows came, and not one of them could be used."""
        came = [one.appended for one in self.taken]
        return any(rows.refused for rows in came) and not any(rows.rows or rows.known for rows in came)

    @property
    def intake(self) -> list[str]:
        """What a person should know about the rows that came in, in words."""
        found = []
        for one in self.taken:
            if one.problem:
                found.append(f"not taken in: {one.problem}")
            if one.lost:
                found.append(
                    f"{one.source}: {one.lost:,} {'row was' if one.lost == 1 else 'rows were'} lost in the serving "
                    "process, before they reached the disk: its log says why"
                )
            if one.unnamed:
                found.append(unnamed_sentence(one.source, one.unnamed))
            found += one.notes
            if one.copy_of:
                found.append(copy_sentence(one.source, one.copy_of))
            if one.replaced:
                found.append(replaced_sentence(one.source))
            if one.known:
                found.append(known_sentence(one.source, one.known))
            found += appended_sentences(one.source, one.appended)
        found += _of_files((one.source, told) for one in self.taken for v in one.values for told in value_sentences(v))
        if self.ran.orphans:
            found.append(f"{self.ran.orphans} labels belong to no prediction so far; they are kept")
        return found


def _of_files(pairs: Iterable[tuple[str, str]]) -> list[str]:
    """Return what is to be said of files, what several have in common once."""
    files: dict[str, list[str]] = {}
    for source, told in pairs:
        files.setdefault(told, []).append(source)
    more = {told: f" and {len(names) - 1:,} more" if len(names) > 1 else "" for told, names in files.items()}
    return [f"{names[0]}{more[told]}: {told}" for told, names in files.items()]
