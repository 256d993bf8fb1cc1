"""What code costs, counted rather than timed: the same on any machine, however busy it is."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from types import FrameType
from typing import Any

_COUNTED = """
import sys
code, words = sys.argv[1], sys.argv[2:]
sys.argv[1:] = words
lines, before = [0], set(sys.modules)

def trace(frame, event, argument):
    if event == "line":
        lines[0] += 1
    return trace

sys.settrace(trace)
try:
    exec(compile(code, "<counted>", "exec"), {})
except SystemExit as stop:
    assert not stop.code, stop.code
finally:
    sys.settrace(None)
# A package that waits for its first use is registered, and not loaded.
waiting = {name for name, module in sys.modules.items() if type(module).__name__ == "_Unloaded"}
loaded = sorted(set(sys.modules) - before - waiting)
import json
print("\\n" + json.dumps({"lines": lines[0], "modules": loaded}))
"""


@dataclass(frozen=True)
class Cost:
    """What code came to in a fresh interpreter: lines of Python that were executed, and modules that were loaded."""

    lines: int
    modules: frozenset[str]

    @property
    def packages(self) -> set[str]:
        """The packages that the modules belong to."""
        return {name.partition(".")[0] for name in self.modules}


def cost_of(code: str, *words: str) -> Cost:
    """Return what ``code`` costs with ``words`` behind the name of its program."""
    done = subprocess.run([sys.executable, "-c", _COUNTED, code, *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    counted = json.loads(done.stdout.splitlines()[-1])
    return Cost(counted["lines"], frozenset(counted["modules"]))


def calls_of(function: Callable[[], Any]) -> tuple[int, Any]:
    """Return how many functions, ours and the libraries', were called from Python by ``function``, and its result."""
    calls = 0

    def count(frame: FrameType, event: str, argument: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        result = function()
    finally:
        sys.setprofile(before)
    return calls, result
