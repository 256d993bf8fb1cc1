"""What a set-up sees."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from watchkeeper.config.arguments import typed
from watchkeeper.config.check_options import CheckOptions
from watchkeeper.core.window import parse_duration
from watchkeeper.run.records import Records

if TYPE_CHECKING:
    from watchkeeper.views.proof import Proof

__all__ = ["prove"]


@typed
def prove(
    what: Any,
    model: str | None = None,
    *,
    faults: Sequence[str] = (),
    columns: Sequence[str] = (),
    seeds: int = 3,
    within: int = 8,
    limit: int | None = None,
    quick: bool = False,
    windows: int = 60,
    require: Mapping[str, float] | None = None,
    every: str | None = None,
    progress: Callable[[str, int, int | None], None] | None = None,
    **roles: Any,
) -> Proof:
    """Plant faults into a replay, one at a time, and return which of them are found.

    Parameters
    ----------
    what
        An open project, of which the log or else the reference is replayed; or a table from when all was well, of which
        the last third is replayed against the rest.
    model
        The model of a project; None where the configuration has only one.
    faults, columns
        What to plant, such as ``nulls`` or ``nulls@0.1``, and where; all where none is named.
    seeds
        How often each is planted, each time beginning in another window.
    within
        Windows after which a fault counts as missed.
    limit
        Faults to plant at most, drawn evenly from all.
    quick
        The faults that everybody should see, once and for two windows, in a few columns.
    windows
        Windows to replay at most.
    require
        The share that has to be found, by kind, fault, or fault and size; ``Proof.met`` says whether it was.
    every
        Length of a window of a table, such as ``1d``.
    progress
        Takes (what, done, total).
    roles
        Of a table: ``time``, ``label``, ``score``, ``prediction``, ``id``, ``latency``, ``version``, ``features``,
        ``ignore``, ``segments`` and ``positive``, as ``check`` takes them.

    Raises
    ------
    UsageError
        When there is no such fault, or no times to replay.
    SchemaError
        When there is no such column.

    Examples
    --------
    >>> from datetime import datetime, timedelta
    >>> import numpy as np, polars as pl
    >>> draws = np.random.default_rng(0)
    >>> times = [datetime(2024, 1, 1) + timedelta(minutes=20 * n) for n in range(40 * 72)]
    >>> rows = pl.DataFrame({"at": times, "fare": draws.normal(20, 5, len(times))})
    >>> proof = prove(rows, time="at", faults=["nulls@1"], seeds=1)
    >>> proof
    <Proof of 'table': 1 of 1 faults found>
    """
    from watchkeeper.run.proof_ground import ground_of_project, ground_of_table
    from watchkeeper.run.prove import ProofRequest, prove_on
    from watchkeeper.views.proof import Proof

    asked = ProofRequest(faults=faults, columns=columns, seeds=seeds, horizon=within, limit=limit, quick=quick)
    if isinstance(what, Records):
        ground = ground_of_project(what, what.only(model), most=windows, progress=progress)
    else:
        length = parse_duration(every) if every else None
        ground = ground_of_table(what, CheckOptions(**roles), every=length, most=windows, progress=progress)
    return Proof(prove_on(ground, asked, progress=progress), dict(require or {}))
