"""Runs Python in processes of their own that are forked from one where the imports are done already.

Such a process has its own arguments, folder, environment, path of modules and streams, and no plug-in was looked for
before it began: what a fresh interpreter would do, but for the second that importing takes.
"""

from __future__ import annotations

import atexit
import json
import os
import runpy
import subprocess
import sys
import tempfile
import traceback
import warnings
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from typing import Any, NoReturn

ROOT = Path(__file__).parents[1]
ALSO = ("scipy.stats", "skops.io", "sklearn.compose", "sklearn.ensemble", "sklearn.linear_model", "sklearn.pipeline")
LEFT_OUT = ("watchkeeper.integrations", "watchkeeper.store.migrations", "watchkeeper.demo")


def run_forked(
    *command: str,
    folder: Path = ROOT,
    path: tuple[Path, ...] = (),
    strict: bool = False,
    environ: Mapping[str, str] = os.environ,
) -> subprocess.CompletedProcess[str]:
    """Run ``-c code`` or ``-m module`` with arguments, like ``subprocess.run`` with text captured.

    Parameters
    ----------
    path
        Folders to look for modules and packages in, before all others.
    strict
        Whether a warning is an error.
    environ
        The variables of the environment; what an interpreter reads as it starts is not read again.
    """
    server = _server()
    assert server.stdin is not None
    assert server.stdout is not None
    with tempfile.TemporaryDirectory() as held:
        streams = [str(Path(held) / name) for name in ("out", "err")]
        ordered = {"command": command, "folder": str(folder), "path": list(map(str, path)), "strict": strict}
        print(json.dumps({**ordered, "streams": streams, "environ": dict(environ)}), file=server.stdin, flush=True)
        code = int(server.stdout.readline())
        out, err = (Path(stream).read_text(encoding="utf-8") for stream in streams)
    return subprocess.CompletedProcess(list(command), code, out, err)


@cache
def _server() -> subprocess.Popen[str]:
    started = subprocess.Popen(
        [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    atexit.register(started.communicate)
    return started


def _preload() -> None:
    """Import the package and what it fits models with; threads, which a fork would lose, are not started by that."""
    import watchkeeper

    for found in walk_packages(watchkeeper.__path__, "watchkeeper."):
        if not found.name.startswith(LEFT_OUT):
            import_module(found.name)
    for name in ALSO:
        import_module(name)


def _become(order: dict[str, Any]) -> None:
    """Be a process of one's own."""
    for number, stream in enumerate(order["streams"], 1):
        opened = os.open(stream, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(opened, number)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.chdir(order["folder"])
    os.environ.clear()
    os.environ.update(order["environ"])
    how, what, *arguments = order["command"]
    sys.path[:] = ["", *order["path"], *sys.path[1:]]
    sys.argv[:] = [how if how == "-c" else what, *arguments]
    if order["strict"]:
        warnings.simplefilter("error")
    if how == "-c":
        exec(compile(what, "<string>", "exec"), {"__name__": "__main__"})
    else:
        runpy.run_module(what, run_name="__main__", alter_sys=True)


def _serve() -> None:
    _preload()
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            _end(json.loads(line))
        sys.stdout.write(f"{os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])}\n")
        sys.stdout.flush()


def _end(order: dict[str, Any]) -> NoReturn:
    """Do what is ordered and end as an interpreter would."""
    code: Any = 0
    try:
        _become(order)
    except SystemExit as stop:
        code = stop.code or 0
        if not isinstance(code, int):
            sys.stderr.write(f"{code}\n")
            code = 1
    except BaseException:  # noqa: BLE001
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    _serve()
