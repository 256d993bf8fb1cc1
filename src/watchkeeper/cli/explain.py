"""The command ``watchkeeper explain``."""

from __future__ import annotations

from typing import Annotated

import typer

from watchkeeper.cli.configuration import FILE, AsJson, ConfigFile
from watchkeeper.cli.output import show, show_json

__all__ = ["explain"]


def explain(
    alert: Annotated[
        str,
        typer.Argument(
            metavar="[ALERT]", help="Its id, or the beginning of it; left out, the worst that fires, else the newest."
        ),
    ] = "",
    config: ConfigFile = FILE,
    model: Annotated[
        str | None, typer.Option("--model", "-m", metavar="NAME", help="The model; needed where there are several.")
    ] = None,
    seed: Annotated[int, typer.Option(metavar="NUMBER", help="Of what is drawn on the way.")] = 0,
    json: AsJson = False,
) -> None:
    """Say what an alert comes from, since when, and where."""
    from watchkeeper.api import explain as explain_one
    from watchkeeper.api import open_project

    project = open_project(config)
    try:
        found = explain_one(project, alert, model, seed=seed)
    finally:
        project.close()
    if json:
        show_json(found.json())
    else:
        show(found)
