"""Which columns may be meant by a role that nobody named, by what the reference holds of them."""

from __future__ import annotations

from collections.abc import Mapping

from watchkeeper.core.schema import ALL
from watchkeeper.core.state import State
from watchkeeper.stats.atoms import AtomsPart
from watchkeeper.stats.levels import LevelsPart
from watchkeeper.stats.moments import MomentsPart

__all__ = ["likely_columns"]


def likely_columns(states: Mapping[tuple[str, str], State]) -> dict[str, list[str]]:
    """Return the columns that hold two values, and those of numbers between 0 and 1, for ``unnamed_roles``."""
    found: dict[str, list[str]] = {"two_valued": [], "shares": []}
    for (segment, column), state in states.items():
        levels, atoms, moments = (state.parts.get(name) for name in ("levels", "atoms", "moments"))
        if segment != ALL:
            continue
        if isinstance(levels, LevelsPart) and len(levels.names) == 2 and not levels.other:
            found["two_valued"].append(column)
        elif isinstance(moments, MomentsPart) and isinstance(atoms, AtomsPart) and moments.n:
            whole = len(atoms.values) == 2 and int(atoms.counts.sum()) == atoms.n
            if whole and {*atoms.values.tolist()} == {0.0, 1.0}:
                found["two_valued"].append(column)
            elif moments.smallest >= 0 and moments.largest <= 1 and not whole:
                found["shares"].append(column)
    return found
