"""What a notebook or a script calls: each function returns a report that shows itself.

Each is imported once it is asked for: those who only read records need not wait for what judges them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from watchkeeper.api.causes import behaviour, explain
    from watchkeeper.api.metric_functions import metrics
    from watchkeeper.api.models import report, standing
    from watchkeeper.api.proofs import prove
    from watchkeeper.api.tables import check, stream
    from watchkeeper.run.once import run_once
    from watchkeeper.run.project import open_project
    from watchkeeper.run.records import open_records
    from watchkeeper.streams.stream import Stream
    from watchkeeper.views.behaviour import ModelBehaviour
    from watchkeeper.views.explanation import Explanation
    from watchkeeper.views.proof import Proof

__all__ = [
    "Explanation",
    "ModelBehaviour",
    "Proof",
    "Stream",
    "behaviour",
    "check",
    "explain",
    "metrics",
    "open_project",
    "open_records",
    "prove",
    "report",
    "run_once",
    "standing",
    "stream",
]

_IN = {
    "Explanation": "watchkeeper.views.explanation",
    "ModelBehaviour": "watchkeeper.views.behaviour",
    "Proof": "watchkeeper.views.proof",
    "Stream": "watchkeeper.streams.stream",
    "behaviour": "watchkeeper.api.causes",
    "check": "watchkeeper.api.tables",
    "explain": "watchkeeper.api.causes",
    "metrics": "watchkeeper.api.metric_functions",
    "open_project": "watchkeeper.run.project",
    "open_records": "watchkeeper.run.records",
    "prove": "watchkeeper.api.proofs",
    "report": "watchkeeper.api.models",
    "run_once": "watchkeeper.run.once",
    "standing": "watchkeeper.api.models",
    "stream": "watchkeeper.api.tables",
}


def __getattr__(name: str) -> Any:
    if name in _IN:
        return getattr(import_module(_IN[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
