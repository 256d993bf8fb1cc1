"""Options that several commands share."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

__all__ = ["FailOn", "FailOnIfAsked", "Html", "ModelName", "Why"]


class FailOn(StrEnum):
    """The least severity of a firing alert that makes a command exit with 1."""

    NOTICE = "notice"
    WARNING = "warning"
    PAGE = "page"
    NEVER = "never"


ModelName = Annotated[
    str | None, typer.Option("--model", "-m", metavar="NAME", help="The model; needed where there are several.")
]
Html = Annotated[Path | None, typer.Option("--html", metavar="FILE", help="Also write the report to this file.")]
Why = Annotated[str, typer.Option(metavar="WORDS", help="Why; it goes into the audit trail.")]
FailOnIfAsked = Annotated[
    FailOn | None, typer.Option("--fail-on", help="Exit as check does: least severity that makes the exit code 1.")
]
