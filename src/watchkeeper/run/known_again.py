"""Marks that version 0.1.0 has stored, known again and written in today's form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from watchkeeper.core.spec import Spec
from watchkeeper.core.store import Store
from watchkeeper.core.window import WindowRule
from watchkeeper.run.checkpoint import Checkpoint
from watchkeeper.steps.first_marks import first_reference_basis, first_states_basis
from watchkeeper.steps.marks import reference_basis, states_basis
from watchkeeper.steps.stored_reference import REFERENCE, reference_mark

__all__ = ["renew_marks"]


def renew_marks(spec: Spec, store: Store, rows: Mapping[str, str] | None = None) -> None:
    """Write the marks of states and of the reference anew that are those of 0.1.0 for the same fields.

    Parameters
    ----------
    spec
        With the schema that states are made by, vectors of texts included.
    rows
        By what the rows of a reference were known by, what they are known by today.
    """
    before, mark = Checkpoint.load(store, spec.model), reference_mark(spec, store)
    rule = spec.windows or WindowRule()
    basis, known = before.basis, mark
    if basis == first_states_basis(spec, rule):
        basis = states_basis(spec, rule)
    made_by, _, made_of = mark.partition(" ")
    if made_by == first_reference_basis(spec):
        known = f"{reference_basis(spec)} {(rows or {}).get(made_of, made_of)}"
    after = replace(before, basis=basis, reference=known if before.reference == mark else before.reference)
    moves = after.moves(before)
    if known != mark:
        moves[REFERENCE] = (mark, known)
    if moves:
        store.record(spec.model, [], moves)
