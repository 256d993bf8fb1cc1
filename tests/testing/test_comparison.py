"""The conformance suite finds what is wrong with a comparison that another package brings, and says what it is."""

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
from watchkeeper.testing import check_comparison

found = {}
for name, comparison in plugins("comparison").items():
    if type(comparison).__module__ == "broken_comparisons":
        try:
            check_comparison(comparison)
        except AssertionError as error:
            found[name] = str(error)
        else:
            found[name] = ""
print(json.dumps(found))
"""

TOLD = {
    "sound": "",
    "low_floor": "its floor is",
    "narrow_interval": "its 95 % intervals contain 0 in 0.0% of unchanged samples",
    "loose_level": "a test at 0.05 rejects",
    "no_power": "of the pairs only",
    "wrong_way": "is nearer",
    "not_mergeable": "merged states",
    "in_its_unit": "another unit",
    "number_from_nothing": "0 rows without a value give ok 0.0",
    "blind_to_constants": "a constant against another one gives ok 0.0",
    "never_applies": "it applies to none of boolean, categorical, joint, numeric, text, vector columns",
}


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What the suite says of each comparison of an installed package."""
    site = tmp_path_factory.mktemp("site")
    info = site / "broken_comparisons-0.1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: broken-comparisons\nVersion: 0.1.0\n")
    (info / "entry_points.txt").write_text("[watchkeeper.comparison]\nbroken = broken_comparisons\n")
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
    assert bool(told[name]) is (name != "sound")


def test_every_comparison_of_the_package_was_found(told: dict[str, str]) -> None:
    assert told.keys() == TOLD.keys()
