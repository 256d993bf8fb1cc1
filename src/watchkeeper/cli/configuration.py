"""The commands that look at the configuration, and the options that name it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from watchkeeper.cli.output import print_out, show_json

__all__ = ["FILE", "AsJson", "ConfigFile", "config_app"]

config_app = typer.Typer(help="Show the configuration.", no_args_is_help=True, rich_markup_mode=None)

ConfigFile = Annotated[Path, typer.Option("--config", "-c", metavar="FILE", help="The configuration file.")]
AsJson = Annotated[bool, typer.Option("--json", help="Write JSON with a schema_version to standard output.")]
FILE = Path("watchkeeper.yaml")


@config_app.command("show")
def config_show(
    config: ConfigFile = FILE,
    origin: Annotated[bool, typer.Option("--origin", help="Also say where each value comes from.")] = False,
    json: AsJson = False,
) -> None:
    """Show the configuration in force, secrets masked."""
    import os

    from watchkeeper.config.configuration import load_config, origins

    found = origins(load_config(config, environ=os.environ))
    if json:
        from watchkeeper.cli.documents import ConfigDocument, SettingDocument
        from watchkeeper.core.encode import SCHEMA_VERSION

        show_json(ConfigDocument(SCHEMA_VERSION, tuple(SettingDocument(*setting) for setting in found)))
        return
    for path, value, place in found:
        print_out(f"{path}: {value}" + (f"  # {place}" if origin else ""))


@config_app.command("schema")
def config_schema() -> None:
    """Write the JSON Schema of watchkeeper.yaml."""
    from watchkeeper.config.configuration import json_schema

    show_json(json_schema())
