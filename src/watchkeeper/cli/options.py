"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["Html", "ModelName", "Why"]


ModelName = Annotated[
    str | None, typer.Option("--model", "-m", metavar="NAME", help="The model; needed where there are several.")
]
Html = Annotated[Path | None, typer.Option("--html", metavar="FILE", help="Also write the report to this file.")]
Why = Annotated[str, typer.Option(metavar="WORDS", help="Why; it goes into the audit trail.")]
