from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.error import URLError
from urllib.request import Request, urlopen

import pytest

from watchkeeper.core.store import Store
from watchkeeper.testing.store import check_store

_SECONDS = 600


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    """Start a server that speaks S3, with one bucket."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            url = f"http://127.0.0.1:{port}"
            _wait_for(f"{url}/bucket", process)
            yield url
        finally:
            process.terminate()


def _wait_for(bucket: str, process: subprocess.Popen[bytes]) -> None:
    for _ in range(10 * _SECONDS):
        assert process.poll() is None, "the server ended"
        try:
            with urlopen(Request(bucket, method="PUT"), timeout=_SECONDS) as answer:
                assert answer.status == 200
                return
        except URLError:
            time.sleep(0.1)
    raise AssertionError(f"no answer in {_SECONDS} seconds")


def test_the_store_obeys_its_contract_on_an_object_store(
    opened: Callable[..., Store], endpoint: str, tmp_path: Path
) -> None:
    options = {
        "AWS_ENDPOINT_URL": endpoint, "AWS_ALLOW_HTTP": "true", "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "reader", "AWS_SECRET_ACCESS_KEY": "of nothing",
    }  # fmt: skip
    database = f"sqlite:///{tmp_path / 'ledger.db'}"

    check_store(lambda: opened("s3://bucket/models", sql_url=database, storage_options=options))
