"""An interrupt is heard wherever it comes, and never taken for something else."""

from __future__ import annotations

import subprocess
import sys

import pytest

SCRIPT = """
import signal, sys, time
from watchkeeper.cli import app
from watchkeeper.cli.interrupt import Interrupt

def in_import_lock():
    # What Python runs when the lock of a module is gone: an exception here would be printed and dropped.
    code = compile("def cb(call, number): call(number)", "<frozen importlib._bootstrap>", "exec")
    names = {}
    exec(code, names)
    names["cb"](signal.raise_signal, signal.SIGINT)
    print("went on")
    time.sleep(600)

def as_another_error():
    try:
        signal.raise_signal(signal.SIGINT)
        time.sleep(600)
    except KeyboardInterrupt:
        raise ImportError("initialization failed")

def as_a_failed_row():
    try:
        as_another_error()
    except ImportError:
        sys.exit(0)

def by_itself():
    raise ImportError("initialization failed")

app.app = globals()[sys.argv.pop()]
app.main()
"""


@pytest.mark.parametrize(
    ("where", "code", "told"),
    [
        ("in_import_lock", 130, "stopped; nothing is lost"), ("as_another_error", 130, "stopped; nothing is lost"),
        ("as_a_failed_row", 130, "stopped; nothing is lost"),
        ("by_itself", 3, "this is a fault of Watchkeeper itself"),
    ],
)  # fmt: skip
def test_an_interrupt_is_told_from_a_fault(where: str, code: int, told: str) -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT, where], capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr
    assert told in done.stderr
    assert ("Traceback" in done.stderr) is (code == 3)
    assert ("went on" in done.stdout) is (where == "in_import_lock")
