"""Plug-ins of another package, each broken in one way, and what the conformance suites say of them."""

from __future__ import annotations

import json
from pathlib import Path

from tests.forked import run_forked

PACKAGE = Path(__file__).parent / "broken"

TRY_EACH = """
import json
import sys
import watchkeeper.testing
from watchkeeper.core.plugins import plugins

kind = sys.argv[1]
check = getattr(watchkeeper.testing, f"check_{kind}")
found = {}
for name, made in plugins(kind).items():
    if type(made).__module__ == f"broken_{kind}s":
        try:
            check(made)
        except AssertionError as error:
            found[name] = str(error)
        else:
            found[name] = ""
print(json.dumps(found))
"""


def told_of(kind: str, site: Path, *also: str) -> dict[str, str]:
    """Install the plug-ins of a kind in a folder and return by name which promise each breaks, in words.

    They are asked in a process of their own, for who is installed is read once in each.

    Parameters
    ----------
    also
        Other kinds of plug-ins that stand in the same module.
    """
    info = site / f"broken_{kind}s-0.1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: broken-{kind}s\nVersion: 0.1.0\n")
    (info / "entry_points.txt").write_text(
        "".join(f"[watchkeeper.{one}]\nbroken = broken_{kind}s\n" for one in (kind, *also))
    )
    done = run_forked("-c", TRY_EACH, kind, path=(site, PACKAGE), strict=True)
    assert done.returncode == 0, done.stderr
    found: dict[str, str] = json.loads(done.stdout)
    return found
