"""The commands ``watchkeeper explain`` and ``watchkeeper behaviour``."""

from __future__ import annotations

from typing import Annotated

import typer

from watchkeeper.cli.configuration import FILE, AsJson, ConfigFile
from watchkeeper.cli.options import ModelName
from watchkeeper.cli.output import show, show_json

__all__ = ["behaviour", "explain"]

Seed = Annotated[int, typer.Option(metavar="NUMBER", help="Random seed.")]
Attributed = Annotated[
    bool, typer.Option("--attribute", help="Diagnose it anew and attribute a rise of the loss; takes seconds.")
]


def explain(
    alert: Annotated[
        str,
        typer.Argument(
            metavar="[ALERT]", help="Its id, or the beginning of it; left out, the worst that fires, else the newest."
        ),
    ] = "",
    config: ConfigFile = FILE,
    model: ModelName = None,
    attributed: Attributed = False,
    seed: Seed = 0,
    json: AsJson = False,
) -> None:
    """Explain an alert: likely causes, since when, and where."""
    from watchkeeper.api import explain as explain_one
    from watchkeeper.api import open_records

    project = open_records(config)
    try:
        found = explain_one(project, alert, model, attributed=attributed, seed=seed)
    finally:
        project.close()
    if json:
        show_json(found.document())
    else:
        show(found)


def behaviour(
    prediction: Annotated[
        str, typer.Argument(metavar="[ID]", help="A prediction to explain; left out, the three most extreme ones.")
    ] = "",
    version: Annotated[
        str | None, typer.Option(metavar="VERSION", help="The version to explain; the champion by default.")
    ] = None,
    method: Annotated[
        str, typer.Option(metavar="NAME", help="How scores are attributed: shapley, lime, or shap if installed.")
    ] = "shapley",
    of: Annotated[str, typer.Option("--class", metavar="CLASS", help="The class to explain, of more than two.")] = "",
    config: ConfigFile = FILE,
    model: ModelName = None,
    seed: Seed = 0,
    json: AsJson = False,
) -> None:
    """Show how the model uses its features, before and now."""
    from watchkeeper.api import behaviour as explain_behaviour
    from watchkeeper.api import open_project

    project = open_project(config)
    try:
        found = explain_behaviour(project, prediction, model, version=version, method=method, of=of, seed=seed)
    finally:
        project.close()
    if json:
        show_json(found.document())
    else:
        show(found)
