"""What a model takes and gives, and whether that still fits the log."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from watchkeeper.core.errors import ArtefactError
from watchkeeper.core.provenance import Port, Signature
from watchkeeper.core.schema import Role, Schema
from watchkeeper.schema.kinds import as_text

__all__ = ["check_signature", "features_asked", "signature_of"]


def features_asked(model: Any, schema: Schema) -> list[str]:
    """Return the columns a model is asked with: those it was fitted on, but for what no model may see.

    A model that does not know the names of its columns is asked with all features, in the order of the schema.
    """
    fitted = getattr(model, "feature_names_in_", None)
    if fitted is None:
        return [column.name for column in schema.features]
    hidden = {column.name for column in schema if column.role is not Role.FEATURE}
    return [str(name) for name in fitted if str(name) not in hidden]


def signature_of(model: Any, schema: Schema) -> Signature:
    """Return what a fitted model takes and gives, in the terms of a schema."""
    inputs = tuple(Port(name, _kind(name, schema)) for name in features_asked(model, schema))
    classes: tuple[str, ...] = ()
    if schema.task.spec.scored and hasattr(model, "classes_"):
        classes = tuple(str(one) for one in as_text(pl.Series("class", np.asarray(model.classes_))).to_list())
    answers = [name for role in (Role.PREDICTION, Role.SCORE) if (name := schema.name_of(role))]
    return Signature(inputs, tuple(Port(name, _kind(name, schema), classes) for name in answers))


def check_signature(recorded: Signature, model: Any, schema: Schema, where: str) -> None:
    """Check that a model is what it was registered as, and that the log has what it takes.

    Parameters
    ----------
    where
        What to call the model in a message.

    Raises
    ------
    ArtefactError
        When it takes or gives something else than was recorded, or a column is gone or of another kind.
    """
    now = signature_of(model, schema)
    for what, held, said in (
        ("takes", _names(now.inputs), _names(recorded.inputs)),
        ("knows the classes", _classes(now), _classes(recorded)),
    ):
        if held != said:
            raise ArtefactError(
                f"{where} {what} {_listed(held)}, and was registered with {_listed(said)}: it is another model. "
                "Restore the file that was registered, or register this one as a version of its own"
            )
    for port in recorded.inputs:
        kind = _kind(port.name, schema)
        if kind != port.kind:
            held_kind = f"is {kind} now" if kind else "is no feature of the log any more"
            raise ArtefactError(
                f"{where} takes {port.name!r} as {port.kind or 'a column of its own'}, which {held_kind}; train a "
                "version on the log as it is"
            )


def _kind(name: str, schema: Schema) -> str:
    return schema[name].kind.value if name in schema else ""


def _names(ports: tuple[Port, ...]) -> tuple[str, ...]:
    return tuple(port.name for port in ports)


def _classes(signature: Signature) -> tuple[str, ...]:
    return signature.outputs[0].classes if signature.outputs else ()


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(names) or "none"
