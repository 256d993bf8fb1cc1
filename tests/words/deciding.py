"""What a story decided, and whether another telling of it decided the same."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.forked import ROOT, run_forked
from tests.words import decided_run


def decided(story: str, folder: Path, *options: str) -> dict[str, Any]:
    """Return what was decided in a story, which is played if the folder is not there yet."""
    command = ("-m", decided_run.__name__, story, str(folder), *options)
    if options:
        # Sentences are emptied before anything else is imported, which may take hold of them.
        done = subprocess.run([sys.executable, *command], cwd=ROOT, capture_output=True, text=True, check=False)
    else:
        done = run_forked(*command)
    assert done.returncode == 0, done.stderr[-2_000:]
    found: dict[str, Any] = json.loads(Path(f"{folder}.json").read_text(encoding="utf-8"))
    return found


def check_same(told: dict[str, Any], silent: dict[str, Any]) -> None:
    """Assert that two tellings decided the same."""
    for kind in ("signal", "alert", "action"):
        assert silent["nouns"][kind] == told["nouns"][kind], kind
    assert plainly(silent["nouns"]["diagnosis"]) == plainly(told["nouns"]["diagnosis"])
    assert silent["exits"] == told["exits"]
    assert (told["broken"], silent["broken"]) == ([], [])


def plainly(texts: list[str]) -> list[Any]:
    """Nouns with nine digits: the sums behind a diagnosis depend in the last ones on the threads that add them up."""
    return [json.loads(text, parse_float=lambda number: f"{float(number):.9g}") for text in texts]
