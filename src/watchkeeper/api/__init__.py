"""What a notebook or a script calls: each function returns a report that shows itself."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from watchkeeper.api.causes import behaviour, explain
from watchkeeper.api.models import report, standing
from watchkeeper.api.proofs import prove
from watchkeeper.api.tables import check, stream
from watchkeeper.run.records import open_records
from watchkeeper.views.explanation import Explanation

if TYPE_CHECKING:
    from watchkeeper.run.once import run_once
    from watchkeeper.run.project import open_project
    from watchkeeper.streams.stream import Stream
    from watchkeeper.views.behaviour import ModelBehaviour
    from watchkeeper.views.proof import Proof

__all__ = [
    "Explanation",
    "ModelBehaviour",
    "Proof",
    "Stream",
    "behaviour",
    "check",
    "explain",
    "open_project",
    "open_records",
    "prove",
    "report",
    "run_once",
    "standing",
    "stream",
]

_ELSEWHERE = {
    "ModelBehaviour": "watchkeeper.views.behaviour",
    "Proof": "watchkeeper.views.proof",
    "Stream": "watchkeeper.streams.stream",
    "open_project": "watchkeeper.run.project",
    "run_once": "watchkeeper.run.once",
}
"""What takes many imports, which those who only read records need not wait for."""


def __getattr__(name: str) -> Any:
    if name in _ELSEWHERE:
        return getattr(import_module(_ELSEWHERE[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
