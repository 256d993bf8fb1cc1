"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

__all__ = ["Html", "Id", "Label", "ModelName", "Prediction", "Score", "Segments", "Time", "Why", "column"]


def column(help: str) -> Any:
    """Return an option that names a column."""
    return typer.Option(metavar="COLUMN", help=help)


ModelName = Annotated[
    str | None, typer.Option("--model", "-m", metavar="NAME", help="The model; needed where there are several.")
]
Html = Annotated[Path | None, typer.Option("--html", metavar="FILE", help="Also write the report to this file.")]
Label = Annotated[str | None, column("What was true, where it is known.")]
Prediction = Annotated[str | None, column("What the model answered: a class or a number.")]
Score = Annotated[str | None, column("The probability that goes with the answer.")]
Time = Annotated[str | None, column("When the prediction was made.")]
Id = Annotated[str | None, column("What tells one prediction from another.")]
Segments = Annotated[list[str] | None, column("Also look at the rows of each of its values; repeatable.")]
Why = Annotated[str, typer.Option(metavar="WORDS", help="Why; it goes into the audit trail.")]
