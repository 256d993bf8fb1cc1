"""The command ``watchkeeper prove``."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from watchkeeper.cli.configuration import FILE, AsJson, ConfigFile
from watchkeeper.cli.described import with_options
from watchkeeper.cli.options import Html, ModelName
from watchkeeper.cli.output import check_page, print_err, progress_bar, show, show_json, write_page
from watchkeeper.config.check_options import CheckOptions

__all__ = ["prove", "tell_briefly"]

_ROLES = (
    "id",
    "time",
    "prediction",
    "score",
    "label",
    "latency",
    "version",
    "features",
    "ignore",
    "segments",
    "positive",
)
_MOST_ROWS = 500_000
"""Rows of a table up to which a proof of seconds takes seconds."""


@with_options(CheckOptions, only=_ROLES)
def prove(
    table: Annotated[
        str, typer.Argument(metavar="[TABLE]", help="Rows from when all was well; left out, the configured model.")
    ] = "",
    config: ConfigFile = FILE,
    model: ModelName = None,
    *,
    options: CheckOptions,
    every: Annotated[str, typer.Option(metavar="DURATION", help="Length of a window of a table, such as 1d.")] = "",
    fault: Annotated[
        list[str] | None,
        typer.Option(metavar="FAULT", help="Plant this fault only, or nulls@0.1 for one size; repeatable."),
    ] = None,
    column: Annotated[
        list[str] | None, typer.Option(metavar="COLUMN", help="Plant in this column only; repeatable.")
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, help="How often each is planted, beginning in another window.")] = 3,
    windows: Annotated[int, typer.Option(min=1, help="Windows to replay at most.")] = 60,
    within: Annotated[int, typer.Option(min=1, help="Windows after which a fault counts as missed.")] = 8,
    limit: Annotated[
        int | None, typer.Option(min=1, metavar="TRIALS", help="Faults to plant at most, drawn evenly.")
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Takes seconds: the faults that every set-up should find, once.")
    ] = False,
    require: Annotated[
        list[str] | None,
        typer.Option(
            metavar="WHAT=SHARE", help="Exit with 1 unless this share is found, such as data_fault=.9; repeatable."
        ),
    ] = None,
    html: Html = None,
    json: AsJson = False,
) -> None:
    """Plant faults into a replay, and tell which are found.

    Exit codes: 0 done, 1 a requirement is not met, 2 usage or configuration, 3 could not run, 4 nothing to replay.
    """
    from watchkeeper.api import open_project
    from watchkeeper.api import prove as prove_that
    from watchkeeper.views.proof_json import proofs_document

    check_page(html)
    with progress_bar() as progress:
        plant = partial(
            prove_that, faults=fault or (), columns=column or (), seeds=seeds, within=within, limit=limit, quick=quick,
            windows=windows, require=_required(require or ()), progress=progress,
        )  # fmt: skip
        if table:
            proof = plant(table, every=every or None, **{name: getattr(options, name) for name in _ROLES})
        else:
            project = open_project(config, rehearsed=True)
            try:
                proof = plant(project, model=project.only(model))
            finally:
                project.close()
    show_json(proofs_document({proof.result.model: proof.document()})) if json else show(proof)
    if html is not None:
        write_page(html, proof.html())
        print_err(f"wrote {html}")
    if not proof.result.tried:
        raise typer.Exit(4)
    if not all(proof.met.values()):
        raise typer.Exit(1)


def _required(words: list[str] | tuple[str, ...]) -> dict[str, float]:
    """Return the shares that are required by what they are required of."""
    from watchkeeper.core.diagnosis import HypothesisKind
    from watchkeeper.core.errors import UsageError, near_miss
    from watchkeeper.core.plugins import plugins

    found: dict[str, float] = {}
    for text in words:
        name, _, share = text.partition("=")
        known = [*(kind.value for kind in HypothesisKind), *plugins("fault")]
        if name.partition("@")[0] not in known:
            raise UsageError(f"--require {text!r}: there is no kind and no fault {name!r}; {near_miss(name, known)}")
        try:
            found[name] = float(share)
        except ValueError:
            found[name] = -1.0
        if not 0 <= found[name] <= 1:
            raise UsageError(f"--require {text!r}: the share lies between 0 and 1, as in data_fault=.9")
    return found


def tell_briefly(config: Path, model: str, reference: str) -> None:
    """Say in three lines what a set-up that was just written sees; whatever goes wrong costs only these lines."""
    from watchkeeper.api import open_project
    from watchkeeper.api import prove as prove_that
    from watchkeeper.core.errors import STOPS
    from watchkeeper.ingest.sources import open_table

    try:
        rows = open_table(reference).rows
        if rows > _MOST_ROWS:
            print_err(f"what it sees takes longer to try on {rows:,} rows: watchkeeper prove --quick")
            return
        with progress_bar() as progress:
            project = open_project(config, rehearsed=True)
            try:
                lines = prove_that(project, model=model, quick=True, progress=progress).brief()
            finally:
                project.close()
    except STOPS:
        raise
    except BaseException as error:  # noqa: BLE001 - the configuration is written, and this is an addition
        lines = [f"what this set-up sees could not be tried: {error}"]
    for line in lines:
        print_err(line)
