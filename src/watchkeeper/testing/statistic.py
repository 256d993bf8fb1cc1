"""What every statistic must obey."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from functools import reduce
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl

from watchkeeper.core.plugins import plugins
from watchkeeper.core.schema import Column, Kind, Role
from watchkeeper.core.state import State, StateKey
from watchkeeper.stats.codec import decode_state, encode_state
from watchkeeper.stats.statistic import Sketch, Statistic, fold, merge_parts
from watchkeeper.testing.cuts import CUTS, cut_tables, states_apart
from watchkeeper.testing.rows import Case, cases_for

__all__ = ["check_statistic"]

_RELATIVE, _ABSOLUTE = 1e-9, 1e-7


def check_statistic(statistic: Statistic, seed: int = 0) -> None:
    """Assert that a registered statistic is a monoid over its parts, on every form of rows it reads.

    Checked: the protocol; the part of no rows is the identity of ``merge``; ``merge`` is associative and commutative
    and leaves its arguments alone; any split, merged, and any chunking give what the whole gives; a part that was given
    out does not change when more rows come; a part that was stored and read back is the same; no rows, nulls only, NaN
    and infinities have a result. Counts and texts must be equal to the last unit, other numbers to 1e-9. Parts of a
    table that are summarised apart, each told where it begins, and merged in their order give what the whole gives.

    A sketch whose result depends on the splitting states by how much in a class attribute ``error``: the largest share
    of the rows by which a number in ``result`` may be off. It is then held to that instead.

    Raises
    ------
    AssertionError
        Naming the law that is broken and the rows that break it.
    """
    _check_protocol(statistic)
    for case in cases_for(statistic, seed):
        rng = np.random.default_rng(seed)
        whole = fold(statistic, case.column, case.blocks(case.frame))
        assert isinstance(whole, statistic.part_type), f"{case.name}: part is a {type(whole).__name__}"
        statistic.result(whole)
        _check_monoid(statistic, case, whole, rng)
        _check_chunks(statistic, case, whole, rng)
        _check_given_out(statistic, case)
        _check_stored(statistic, case, whole)
    _check_cuts(statistic, seed)


def _check_protocol(statistic: Statistic) -> None:
    assert isinstance(statistic, Statistic), "it lacks a member of the protocol Statistic"
    assert statistic.plugin == "statistic", f"plugin is {statistic.plugin!r}"
    registered = plugins("statistic").get(statistic.name)
    assert type(registered) is type(statistic), f"{statistic.name!r} is not registered by an entry point"
    assert type(statistic).__doc__, "it has no docstring"
    assert isinstance(statistic.version, int), "version is no whole number"
    parameters = getattr(statistic.part_type, "__dataclass_params__", None)
    assert parameters is not None, "its part is no dataclass"
    assert parameters.frozen, "its part is not frozen"


def _check_monoid(statistic: Statistic, case: Case, whole: Any, rng: np.random.Generator) -> None:
    zero = fold(statistic, case.column, ())
    statistic.result(zero)
    for merged in (statistic.merge(zero, whole), statistic.merge(whole, zero)):
        _agree(statistic, merged, whole, case, "no rows are the identity of merge")
    a, b, c = (fold(statistic, case.column, case.blocks(piece)) for piece in _pieces(case.frame, 3, rng))
    before = _frozen(a), _frozen(b)
    merge = statistic.merge
    _agree(statistic, merge(merge(a, b), c), merge(a, merge(b, c)), case, "merge is associative")
    _agree(statistic, merge(a, b), merge(b, a), case, "merge is commutative")
    assert _same((_frozen(a), _frozen(b)), before, exact=True), f"{case.name}: merge leaves its arguments alone"


def _check_chunks(statistic: Statistic, case: Case, whole: Any, rng: np.random.Generator) -> None:
    for count in (2, 5, 23):
        pieces = _pieces(case.frame, count, rng)
        parts = [fold(statistic, case.column, case.blocks(piece)) for piece in pieces]
        _agree(statistic, reduce(statistic.merge, parts), whole, case, f"{count} parts merged equal the whole")
        chunked = fold(statistic, case.column, _one_after_the_other(case, pieces))
        _agree(statistic, chunked, whole, case, f"{count} chunks equal the whole")
    shuffled = [fold(statistic, case.column, case.blocks(p)) for p in _pieces(case.frame, 4, rng)]
    _agree(statistic, merge_parts(statistic, shuffled), whole, case, "parts merged all at once equal the whole")
    backwards = reduce(statistic.merge, shuffled[::-1])
    _agree(statistic, backwards, whole, case, "parts merged backwards equal the whole")


def _check_given_out(statistic: Statistic, case: Case) -> None:
    work = statistic.start(case.column)
    for block in case.blocks(case.frame.head(case.frame.height // 2)):
        work.add(block)
    part = work.part()
    before = _frozen(part)
    for block in case.blocks(case.frame):
        work.add(block)
    assert _same(_frozen(part), before, exact=True), f"{case.name}: a part does not change once it is given out"


def _check_stored(statistic: Statistic, case: Case, whole: Any) -> None:
    state = State(StateKey("m", "1", None, "all", "x"), case.column, {statistic.name: whole})
    back = decode_state(encode_state(state))
    assert back.key == state.key, f"{case.name}: the key changed when it was stored and read back"
    read = back.parts[statistic.name]
    assert _same(_frozen(read), _frozen(whole), exact=True), f"{case.name}: the part changed when it was stored"
    _agree(statistic, statistic.merge(read, whole), statistic.merge(whole, whole), case, "a part read back merges")


def _check_cuts(statistic: Statistic, seed: int) -> None:
    for name, (frame, _) in cut_tables(seed).items():
        case = Case(name, Column("", Role.ID, Kind.IDENTIFIER), frame, lambda rows: iter([rows]))
        whole = states_apart(name, (0, frame.height), seed)
        for cuts in CUTS:
            apart = states_apart(name, cuts, seed)
            assert apart.keys() == whole.keys(), f"{name}: cut at {cuts[1:-1]} it has other states"
            for key, state in whole.items():
                if statistic.name in state.parts:
                    law = f"{key.column or key.segment}: parts cut at {cuts[1:-1]} and merged equal the whole"
                    _agree(statistic, apart[key].parts[statistic.name], state.parts[statistic.name], case, law)


def _pieces(frame: pl.DataFrame, count: int, rng: np.random.Generator) -> list[pl.DataFrame]:
    """Cut the rows at random places; pieces may be empty."""
    cuts = [0, *sorted(rng.integers(0, frame.height + 1, count - 1).tolist()), frame.height]
    return [frame.slice(start, end - start) for start, end in pairwise(cuts)]


def _one_after_the_other(case: Case, pieces: list[pl.DataFrame]) -> Iterator[Any]:
    for piece in pieces:
        yield from case.blocks(piece)


def _agree(statistic: Statistic, a: Any, b: Any, case: Case, law: str) -> None:
    error = statistic.error if isinstance(statistic, Sketch) else 0.0
    one, other = statistic.result(a), statistic.result(b)
    if error:
        assert _near(one, other, error * case.frame.height * 2 + 1), f"{case.name}: {law} does not hold"
        return
    assert _same(_counts(a), _counts(b), exact=True), f"{case.name}: {law} does not hold for the counts"
    assert _same(one, other), f"{case.name}: {law} does not hold: {one} is not {other}"


def _near(a: Any, b: Any, error: float) -> bool:
    if isinstance(a, Mapping):
        return all(abs(float(a.get(key, 0.0)) - float(b.get(key, 0.0))) <= error for key in {*a, *b})
    return bool(abs(float(a) - float(b)) <= error)


def _frozen(part: Any) -> dict[str, Any]:
    """Return a copy of everything a part holds."""
    held = {f.name: getattr(part, f.name) for f in fields(part)}
    return {name: value.copy() if isinstance(value, np.ndarray) else value for name, value in held.items()}


def _counts(part: Any) -> dict[str, Any]:
    """Return what a part holds besides floating numbers, whose last digits depend on the order of adding."""
    held = _frozen(part)
    return {name: value for name, value in held.items() if not _is_floating(value)}


def _is_floating(value: Any) -> bool:
    if isinstance(value, np.ndarray):
        return bool(value.dtype.kind == "f")
    return isinstance(value, float) or is_dataclass(value)


def _same(a: Any, b: Any, *, exact: bool = False) -> bool:
    if isinstance(a, pl.DataFrame):
        return isinstance(b, pl.DataFrame) and a.equals(b, null_equal=True)
    if isinstance(a, np.ndarray):
        return isinstance(b, np.ndarray) and a.dtype == b.dtype and _same_numbers(a, b, exact)
    if isinstance(a, float) and isinstance(b, float):
        return _same_numbers(np.array(a), np.array(b), exact)
    if is_dataclass(a) and is_dataclass(b):
        return type(a) is type(b) and _same(_frozen(a), _frozen(b), exact=exact)
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        return a.keys() == b.keys() and all(_same(a[k], b[k], exact=exact) for k in a)
    if isinstance(a, tuple | list) and isinstance(b, tuple | list):
        return len(a) == len(b) and all(_same(x, y, exact=exact) for x, y in zip(a, b, strict=True))
    return bool(a == b)


def _same_numbers(a: np.ndarray[Any, Any], b: np.ndarray[Any, Any], exact: bool) -> bool:
    if a.shape != b.shape:
        return False
    if exact or a.dtype.kind != "f":
        return bool(np.array_equal(a, b, equal_nan=a.dtype.kind == "f"))
    return bool(np.allclose(a, b, rtol=_RELATIVE, atol=_ABSOLUTE, equal_nan=True))
