"""Models that serve already: a version of each, in charge where no other is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from watchkeeper.core.action import Action
from watchkeeper.core.errors import ArtefactError, UsageError, near_miss
from watchkeeper.core.provenance import VersionRole
from watchkeeper.maintain import registry
from watchkeeper.maintain.registry import Moves
from watchkeeper.maintain.signature import features_asked
from watchkeeper.maintain.store_registry import Draft, StoreRegistry

__all__ = ["adopted"]


def adopted(versions: StoreRegistry, draft: Draft) -> str:
    """Register a model that serves already, and put it in charge in the same transaction where no version is.

    Where two persons decide, it is proposed for the charge. Adopting the same again changes nothing.

    Parameters
    ----------
    draft
        The model, None where it is kept elsewhere; one without a file needs a name.

    Returns
    -------
    str
        Its version.

    Raises
    ------
    UsageError
        When there is neither a model nor a name, or another version has the name.
    ArtefactError
        When the model cannot be saved, or the log lacks a column that it takes.
    """
    schema, model = versions.spec.schema, versions.spec.model
    if draft.model is None and not draft.name:
        raise UsageError("a model that is kept elsewhere needs its name: --version NAME, as the log calls it")
    if draft.model is not None:
        gone = [name for name in features_asked(draft.model, schema) if name not in schema]
        if gone:
            known = near_miss(gone[0], (column.name for column in schema.features))
            raise ArtefactError(f"the model takes {gone[0]!r}, which the log does not have; {known}")
    before = versions.role(VersionRole.CHAMPION)
    # What was adopted once has the parent it had then.
    same = next((v for v in versions.versions() if draft.name and v.name == draft.name), None)
    draft = replace(draft, parent=before if same is None else same.parent or None)
    alone = before is None and not versions.spec.maintenance.second_person

    def in_charge(registered: Action) -> tuple[Sequence[Action], Moves]:
        done, moves = registry.promote(
            [*versions.actions(), registered], None, registered.version, model=model, who=draft.who, why=draft.why,
            at=draft.at,
        )  # fmt: skip
        return [registered, done], versions.moves(moves)

    version = versions.record(draft, in_charge if alone else None).version
    if before is None and not alone:
        versions.promote(version, who=draft.who, why=draft.why, at=draft.at)
    return version
