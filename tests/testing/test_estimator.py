"""The conformance suite finds what is wrong with an estimator that another package brings, and says what it is."""

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
from watchkeeper.testing import check_estimator

found = {}
for name, estimator in plugins("estimator").items():
    if type(estimator).__module__ == "broken_estimators":
        try:
            check_estimator(estimator)
        except AssertionError as error:
            found[name] = str(error)
        else:
            found[name] = ""
print(json.dumps(found))
"""

TOLD = {
    "plain": "",
    "narrow_band": "bands of 95 % cover",
    "silent": "it does not say what it assumes",
    "chance_from_nothing": "a window without rows gives ok 0.5",
    "unbroken": "a broken state gives no_data",
}


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What the suite says of each estimator of an installed package."""
    site = tmp_path_factory.mktemp("site")
    info = site / "broken_estimators-0.1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: broken-estimators\nVersion: 0.1.0\n")
    (info / "entry_points.txt").write_text("[watchkeeper.estimator]\nbroken = broken_estimators\n")
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
    assert bool(told[name]) is (name != "plain")
