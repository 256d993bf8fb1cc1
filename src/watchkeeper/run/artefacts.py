"""Model files that no version names."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from watchkeeper.core.action import Action, ActionKind, Outcome
from watchkeeper.core.errors import UsageError
from watchkeeper.core.query import Query
from watchkeeper.maintain.artefact_files import Unnamed, remove_unnamed
from watchkeeper.run.records import Records, artefacts_of
from watchkeeper.run.training import remove_leftovers
from watchkeeper.store.lake import LakeStore

__all__ = ["remove_unnamed_artefacts"]


def remove_unnamed_artefacts(records: Records, keep: timedelta, *, dry_run: bool = False) -> list[Unnamed]:
    """Remove model files that no version names and what killed trainings left, and return which they were.

    Models that are not in the configuration any more count as well: their versions may be asked for again.

    Parameters
    ----------
    keep
        Files that were written in this time stay: they may be about to be registered.
    dry_run
        Whether nothing is removed.

    Raises
    ------
    StoreError
        When the records or the files cannot be read, or a file cannot be removed.
    """
    if not isinstance(records.store, LakeStore):
        raise UsageError("a store in memory keeps no list of its models; set store.url to a folder")
    registered = Query(kinds=(ActionKind.REGISTER,), outcomes=(Outcome.DONE,))
    named = {
        str(action.facts.get("artefact", ""))
        for model in records.store.models()
        for action in records.store.recorded(model, Action, registered)
    }
    place, before = artefacts_of(records), datetime.now(UTC) - keep
    return [
        *remove_unnamed(place, named, before, dry_run=dry_run), *remove_leftovers(place, before, dry_run=dry_run),
    ]  # fmt: skip
