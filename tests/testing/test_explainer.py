"""The conformance suite finds what is wrong with a way to explain that another package brings, and says what it is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent / "broken"

TRY_EACH = """
import json
from watchkeeper.core.plugins import plugins
from watchkeeper.testing import check_explainer

found = {}
for name, explainer in plugins("explainer").items():
    if type(explainer).__module__ == "broken_explainers":
        try:
            check_explainer(explainer)
        except AssertionError as error:
            found[name] = str(error)
        else:
            found[name] = ""
print(json.dumps(found))
"""

TOLD = {
    "fair_values": "",
    "doubled": "base and values miss the score",
    "even_shares": "a feature that is not used adds",
    "unseeded": "the same seed gives other values",
    "first_comes_first": "values are not those of its coefficients",
    "boundless": "errors are not finite",
}


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What the suite says of each way to explain of an installed package."""
    site = tmp_path_factory.mktemp("site")
    info = site / "broken_explainers-0.1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: broken-explainers\nVersion: 0.1.0\n")
    (info / "entry_points.txt").write_text("[watchkeeper.explainer]\nbroken = broken_explainers\n")
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join((str(site), str(PACKAGE))), "COVERAGE_PROCESS_START": ""}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", TRY_EACH],
        capture_output=True, text=True, env=environ, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found: dict[str, str] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("name", list(TOLD))
def test_the_promise_that_is_broken_is_named(told: dict[str, str], name: str) -> None:
    assert TOLD[name] in told[name]
    assert bool(told[name]) is (name != "fair_values")
