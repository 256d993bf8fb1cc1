"""The command ``watchkeeper check``."""

from __future__ import annotations

from typing import Annotated

import typer

from watchkeeper.cli.configuration import AsJson
from watchkeeper.cli.described import with_options
from watchkeeper.cli.options import FailOn, Html
from watchkeeper.cli.output import check_page, print_err, progress_bar, show, show_json, write_page
from watchkeeper.config.check_options import CheckOptions

__all__ = ["check"]


@with_options(CheckOptions)
def check(
    current: Annotated[
        str, typer.Argument(metavar="CURRENT", help="Rows to judge: a Parquet, CSV or Arrow file, a folder or a glob.")
    ],
    reference: Annotated[str, typer.Option("--reference", "-r", metavar="TABLE", help="Rows to compare with.")],
    options: CheckOptions,
    fail_on: Annotated[FailOn, typer.Option(help="Least severity that makes the exit code 1.")] = FailOn.WARNING,
    json: AsJson = False,
    html: Html = None,
) -> None:
    """Compare two tables; needs no configuration.

    Exit codes: 0 fine, 1 alerts, 2 usage or configuration, 3 could not run, 4 too little data, or too little seen.
    """
    from watchkeeper.api import check as check_rows
    from watchkeeper.cli.results import exit_code
    from watchkeeper.core.errors import WatchkeeperError

    check_page(html)
    with progress_bar() as progress:
        report = check_rows(current, reference, **{**vars(options), "progress": progress})
    show_json(report.document()) if json else show(report)
    if html is not None:
        try:
            write_page(html, report.html())
        except WatchkeeperError as error:
            # The result is out already, and standard output holds one JSON object and no second one.
            print_err(f"watchkeeper: {error}")
            raise typer.Exit(3) from error
    raise typer.Exit(exit_code(report.alerts, fail_on, report.verdict))
