"""Packages of one module each, installed where an installer would put them, and Watchkeeper run with them."""

from __future__ import annotations

import shutil
import subprocess
import tomllib
from pathlib import Path

from tests.forked import run_forked

SUITE = """
import inspect, sys
from importlib import import_module

suite, name = sys.argv[1:]
for test in (one for _, one in inspect.getmembers(import_module(suite), inspect.isfunction)):
    for mark in getattr(test, "pytestmark", []):
        if mark.name == "parametrize" and name in [getattr(case, "values", (case,))[0] for case in mark.args[1]]:
            test(name)
            print("passed", name)
"""

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


def install(site: Path, package: str, *, distribution: str = "", module: str = "") -> None:
    """Put a package of this folder on a path: its one module, and what its metadata says of entry points."""
    described = tomllib.loads((HERE / package / "pyproject.toml").read_text())["project"]
    (source,) = (HERE / package).glob("*.py")
    distribution, module = distribution or described["name"].replace("-", "_"), module or source.stem
    info = site / f"{distribution}-{described['version']}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {described['version']}\n")
    lines = [f"[{group}]\n{name} = {module}\n" for group, e in described["entry-points"].items() for name in e]
    (info / "entry_points.txt").write_text("".join(lines))
    shutil.copy(source, site / f"{module}.py")


def run(site: Path, *command: str, folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Run Python with a path of packages, in a process of its own: who is installed is read once in each."""
    return run_forked(*command, folder=folder, path=(site,))


def check_suite_has(site: Path, suite: str, name: str) -> None:
    """Assert that one test of a suite is made for a plug-in of this name, and passes."""
    done = run_forked("-c", SUITE, suite, name, path=(site,), strict=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split("\n") == [f"passed {name}", ""]


def watchkeeper(site: Path, *given: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a command of Watchkeeper."""
    return run(site, "-c", "from watchkeeper.cli.app import main; main()", *given, folder=folder)
