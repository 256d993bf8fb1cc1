"""The command ``watchkeeper check``."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from watchkeeper.cli.configuration import AsJson
from watchkeeper.cli.options import Html, Id, Label, Prediction, Score, Segments, Time, column
from watchkeeper.cli.output import check_page, progress_bar, say, show, show_json, write_page
from watchkeeper.cli.pairs import (
    EmbedOption,
    QuantileOption,
    ScoresOption,
    ValueOption,
    embedders,
    quantiles,
    scores,
    values,
)
from watchkeeper.cli.rules import RulesFile

__all__ = ["check"]


class FailOn(StrEnum):
    """The least severity of an alert that makes ``check`` exit with 1."""

    NOTICE = "notice"
    WARNING = "warning"
    PAGE = "page"
    NEVER = "never"


class Estimate(StrEnum):
    """What performance is estimated from where labels are missing."""

    AUTO = "auto"
    SCORES = "scores"
    ROWS = "rows"
    NEVER = "never"


def check(
    current: Annotated[
        str, typer.Argument(metavar="CURRENT", help="Rows to judge: a Parquet, CSV or Arrow file, a folder or a glob.")
    ],
    reference: Annotated[str, typer.Option("--reference", "-r", metavar="TABLE", help="Rows to compare with.")],
    label: Label = None,
    prediction: Prediction = None,
    score: Score = None,
    time: Time = None,
    id: Id = None,
    feature: Annotated[list[str] | None, column("Watch these features only; repeatable.")] = None,
    ignore: Annotated[list[str] | None, column("Leave this column alone; repeatable.")] = None,
    segment: Segments = None,
    positive: Annotated[str | None, typer.Option(metavar="CLASS", help="The class the score speaks of.")] = None,
    class_scores: ScoresOption = None,
    quantile: QuantileOption = None,
    group: Annotated[str | None, column("What was ranked together, such as a query; makes the task a ranking.")] = None,
    label_time: Annotated[str | None, column("When the label came in.")] = None,
    latency: Annotated[str | None, column("How long the answer took.")] = None,
    version: Annotated[str | None, column("Which version of the model answered.")] = None,
    fairness: Annotated[
        list[str] | None, column("A binary classifier should treat each of its values alike; repeatable.")
    ] = None,
    metric: Annotated[
        list[str] | None,
        typer.Option(
            metavar="MODULE:FUNCTION", help="Your own metric: one number a row of label, prediction, score; repeatable."
        ),
    ] = None,
    value: ValueOption = None,
    tolerance: Annotated[
        float, typer.Option(min=0.0, max=1.0, metavar="SHARE", help="Share of rows that may move without a word.")
    ] = 0.05,
    measure: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Also make this comparison, such as ks_test; repeatable, not judged."),
    ] = None,
    rules: RulesFile = None,
    embed: EmbedOption = None,
    attributed: Annotated[
        bool, typer.Option("--attribute", help="Say how much of a rise of the loss comes from where, for any alert.")
    ] = False,
    estimate: Annotated[Estimate, typer.Option(help="What performance is estimated from without labels.")] = (
        Estimate.AUTO
    ),
    fail_on: Annotated[FailOn, typer.Option(help="Least severity that makes the exit code 1.")] = FailOn.WARNING,
    json: AsJson = False,
    html: Html = None,
) -> None:
    """Compare two tables; needs no configuration.

    Exit codes: 0 fine, 1 alerts, 2 usage or configuration, 3 could not run, 4 too little data.
    """
    from watchkeeper.api import check as check_rows
    from watchkeeper.cli.results import any_firing
    from watchkeeper.core.errors import WatchkeeperError
    from watchkeeper.views.findings import Verdict

    check_page(html)
    with progress_bar() as progress:
        report = check_rows(
            current, reference, label=label, prediction=prediction, score=score, time=time, id=id,
            label_time=label_time, latency=latency, version=version, group=group, scores=scores(class_scores),
            quantiles=quantiles(quantile), fairness=fairness or (), metrics=metric or (), value=values(value),
            features=feature, ignore=ignore or (), segments=segment or (), positive=positive, tolerance=tolerance,
            measures=measure or (), rules=rules, embed=embedders(embed), attributed=attributed,
            estimate=estimate.value, progress=progress,
        )  # fmt: skip
    show_json(report.json()) if json else show(report)
    if html is not None:
        try:
            write_page(html, report.html())
        except WatchkeeperError as error:
            # The result is out already, and standard output holds one JSON object and no second one.
            say(f"watchkeeper: {error}")
            raise typer.Exit(3) from error
    if fail_on is not FailOn.NEVER and any_firing(report.alerts, fail_on.name):
        raise typer.Exit(1)
    if report.verdict is Verdict.FAILED:
        raise typer.Exit(3)
    if report.verdict is Verdict.NO_DATA:
        raise typer.Exit(4)
