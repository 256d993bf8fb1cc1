"""The command ``watchkeeper anomalies``."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from watchkeeper.cli.configuration import AsJson
from watchkeeper.cli.described import with_options
from watchkeeper.cli.output import progress_bar, show, show_json
from watchkeeper.config.check_options import CheckOptions

if TYPE_CHECKING:
    from rich.console import RenderableType

    from watchkeeper.cli.documents import AnomaliesDocument
    from watchkeeper.run.anomalies import Anomalies

__all__ = ["anomalies"]


class Method(StrEnum):
    """The detector."""

    ISOLATION_FOREST = "isolation_forest"
    LOCAL_OUTLIER_FACTOR = "local_outlier_factor"


@with_options(CheckOptions, only=("types", "missing"))
def anomalies(
    current: Annotated[str, typer.Argument(metavar="CURRENT", help="Rows to judge: a file, a folder or a glob.")],
    reference: Annotated[
        str, typer.Option("--reference", "-r", metavar="TABLE", help="Rows that are as they should be.")
    ],
    method: Annotated[Method, typer.Option(help="Detector.")] = Method.ISOLATION_FOREST,
    rate: Annotated[
        float,
        typer.Option(min=0.0, max=1.0, metavar="SHARE", help="Ordinary rows accepted among those called anomalous."),
    ] = 0.1,
    limit: Annotated[int, typer.Option(min=1, metavar="ROWS", help="Rows to list.")] = 20,
    label: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="Column with the true outcome; no row is judged by it.")
    ] = None,
    time: Annotated[str | None, typer.Option(metavar="COLUMN", help="Column with the time of each prediction.")] = None,
    id: Annotated[str | None, typer.Option(metavar="COLUMN", help="Column with the id of each row.")] = None,
    ignore: Annotated[list[str] | None, typer.Option(metavar="COLUMN", help="Ignore this column; repeatable.")] = None,
    *,
    options: CheckOptions,
    json: AsJson = False,
) -> None:
    """List the rows that are least like those of a reference.

    Exit codes: 0 no row is called anomalous, 1 some are, 2 usage, 3 could not run.
    """
    from watchkeeper.core.schema import Role
    from watchkeeper.run.anomalies import find_anomalies

    given = {Role.LABEL: label, Role.TIME: time, Role.ID: id}
    roles = {role: name for role, name in given.items() if name is not None}
    with progress_bar() as progress:
        found = find_anomalies(
            current, reference, roles=roles, ignore=ignore or (), method=method.value, discovery=rate, most=limit,
            declared=options.declared, progress=progress,
        )  # fmt: skip
    if json:
        show_json(_document(found))
    else:
        show(_table(found))
    if found.anomalous:
        raise typer.Exit(1)


def _document(found: Anomalies) -> AnomaliesDocument:
    from watchkeeper.cli.documents import AnomaliesDocument, AnomalyDocument
    from watchkeeper.core.encode import SCHEMA_VERSION

    rows = tuple(
        AnomalyDocument(
            row=one.row,
            score=one.score,
            p_value=one.p_value,
            adjusted=one.adjusted,
            features=dict(one.features),
            values={name: None if value is None else str(value) for name, value in values.items()},
        )
        for one, values in zip(found.found, found.values, strict=True)
    )
    return AnomaliesDocument(
        schema_version=SCHEMA_VERSION,
        method=found.method,
        rows=found.rows,
        judged=found.judged,
        rate=found.discovery,
        anomalous=len(found.anomalous),
        id=found.id or None,
        found=rows,
    )


def _table(found: Anomalies) -> RenderableType:
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    from watchkeeper.views.wording import count, number, shown

    called = len(found.anomalous)
    verb = "is" if called == 1 else "are"
    more = " at least" if called == len(found.found) and called else ""
    told = f"{count(called, 'row')}{more} of {found.judged:,} {verb} called anomalous by {found.method}"
    if found.judged < found.rows:
        told += f"; an even sample of {found.judged:,} of {found.rows:,} rows was judged"
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    # Of a sample the place says nothing of the place in the table.
    which = shown(found.id, 40) if found.id else "row" if found.judged == found.rows else "row of the sample"
    table.add_column("", no_wrap=True)
    table.add_column(which, justify="left" if found.id else "right", overflow="fold", max_width=36)
    for head in ("p", "adjusted"):
        table.add_column(head, justify="right", no_wrap=True)
    table.add_column("what stands out", overflow="fold")
    for one, values in zip(found.found, found.values, strict=True):
        marked = one.adjusted <= found.discovery
        features = ", ".join(f"{shown(name, 40)} = {shown(value, 40)}" for name, value in one.features)
        sign = Text("▲", style="red") if marked else Text("·", style="dim")
        place = shown(values[found.id], 60) if found.id else str(one.row)
        table.add_row(sign, Text(place), number(one.p_value, 2), number(one.adjusted, 2), Text(features))
    return Group(Text(told), table)
