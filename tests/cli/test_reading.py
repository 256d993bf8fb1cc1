"""Commands that read records import neither what fits models nor what draws."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = ("sklearn", "scipy", "altair", "jinja2", "pandas", "narwhals", "deltalake", "alembic")
DESCRIBES = ("numpy", "watchkeeper.compare", "watchkeeper.stats")
"""What is loaded where a comparison says of itself what changed."""
OURS = (
    "watchkeeper.diagnose.diagnose", "watchkeeper.run.once", "watchkeeper.run.check", "watchkeeper.steps.assess",
    "watchkeeper.steps.judge", "watchkeeper.maintain", "watchkeeper.explanation", "watchkeeper.streams",
    "watchkeeper.store.log", "watchkeeper.store.memory", "watchkeeper.performance",
)  # fmt: skip
LISTS = """
import atexit, json, sys
from watchkeeper.cli.app import main
atexit.register(lambda: print("\\n" + json.dumps(sorted(sys.modules)), file=sys.stderr))
sys.argv[0] = "watchkeeper"
main()
"""


@pytest.mark.parametrize("asked", [["status"], ["status", "--json"], ["explain"], ["report", "--json"]])
def test_what_only_reads_loads_nothing_that_fits_or_draws(judged_once: Path, asked: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LISTS, *asked], cwd=judged_once, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "no rows arrived" in done.stdout
    loaded = set(json.loads(done.stderr.splitlines()[-1]))
    assert not {name for name in loaded if name.split(".")[0] in HEAVY}
    assert not {name for name in loaded if f"{name}.".startswith(tuple(f"{one}." for one in OURS))}
    assert not {name for name in loaded if name.startswith("polars.")}
    assert "watchkeeper.run.explain" in loaded
    own = {name for name in loaded if f"{name}.".startswith(tuple(f"{one}." for one in DESCRIBES))}
    if asked == ["explain"]:
        assert own <= {"watchkeeper.compare", "watchkeeper.compare.rates", "watchkeeper.stats"}
    # 600 when this was written, 120 of them ours; 960 with Polars, NumPy, Delta and what fills their tables.
    assert len(loaded - own) < 640
    assert len([name for name in loaded - own if name.startswith("watchkeeper")]) < 145
