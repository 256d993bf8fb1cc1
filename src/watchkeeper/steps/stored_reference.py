"""What is stored of the rows that current ones are compared with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from watchkeeper.core.spec import Spec
from watchkeeper.core.state import State
from watchkeeper.core.store import Store
from watchkeeper.store.nouns import from_json

if TYPE_CHECKING:
    from watchkeeper.compare.usual_rates import UsualRates

__all__ = [
    "EFFECTS",
    "RATES",
    "REFERENCE",
    "reference_effects",
    "reference_mark",
    "reference_rates",
    "reference_states",
]

REFERENCE = "reference"
"""The pointer that says what the stored reference was made of."""

EFFECTS = "design_effects"
"""The pointer that holds the design effect of each column."""

RATES = "usual_rates"
"""The pointer that holds how large the rates of faults get by themselves in each column."""


def reference_states(spec: Spec, store: Store) -> dict[tuple[str, str], State]:
    """Return the reference's states, one per (segment, column)."""
    from watchkeeper.stats.codec import merged

    held = sorted(store.states(spec.model, None).items())
    return merged((state for _, state in held), None, spec.model)


def reference_mark(spec: Spec, store: Store) -> str:
    """Return what the stored reference was made of; empty where there is none."""
    return store.pointer(spec.model, REFERENCE) or ""


def reference_effects(spec: Spec, store: Store) -> dict[str, float]:
    """Return the design effect of each column that one could be told for."""
    held = store.pointer(spec.model, EFFECTS)
    return from_json(held, dict[str, float]) if held else {}


def reference_rates(spec: Spec, store: Store) -> dict[str, UsualRates]:
    """Return how large the rates of faults get by themselves, by column."""
    from watchkeeper.compare.usual_rates import UsualRates

    held = store.pointer(spec.model, RATES)
    return from_json(held, dict[str, UsualRates]) if held else {}
