"""A PostgreSQL server of the tests' own, on the loopback address."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_OWNER = "postgres"
_SECONDS = 600


def programs() -> Path | None:
    """Return the folder of PostgreSQL's programs, of the newest version there is, or None."""
    found = shutil.which("initdb")
    if found:
        return Path(found).resolve().parent
    folders = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    return max(folders, key=lambda folder: float(folder.parent.name), default=None)


@contextmanager
def server() -> Iterator[str]:
    """Start a server and return the URL of its database; the folder and the server are gone afterwards."""
    folder = programs()
    assert folder is not None
    # The server refuses to run as root; Debian's package brings a user for it.
    user = _OWNER if os.geteuid() == 0 else None
    home = Path(tempfile.mkdtemp(prefix="watchkeeper-postgres-"))
    try:
        if user:
            shutil.chown(home, user)
        data, port = home / "data", _free_port()

        def call(program: str, *arguments: str) -> None:
            command = [str(folder / program), "-D", str(data), *arguments]
            log = home / "programs.log"
            with log.open("a") as told:
                code = subprocess.run(
                    command, user=user, cwd=home, stdout=told, stderr=told, timeout=_SECONDS, check=False
                ).returncode
            assert code == 0, log.read_text()

        call("initdb", "--username=watchkeeper", "--auth=trust", "--no-sync")
        settings = f"-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories= -c fsync=off"
        call("pg_ctl", "start", "--wait", f"--options={settings}", f"--log={home / 'server.log'}")
        try:
            yield f"postgresql+psycopg://watchkeeper@127.0.0.1:{port}/postgres"
        finally:
            call("pg_ctl", "stop", "--wait", "--mode=immediate")
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
