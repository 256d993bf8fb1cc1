"""``watchkeeper notify``: receivers are tried, and what has not arrived is shown and sent again."""

from __future__ import annotations

import socket
from pathlib import Path

from .conftest import Command

MODEL = "{reference: then.parquet, columns: {features: [x]}, notify: [%s]}"


def configure(folder: Path, **models: str) -> None:
    lines = [f"  {name}: {MODEL % receiver}\n" for name, receiver in models.items()]
    (folder / "watchkeeper.yaml").write_text("models:\n" + "".join(lines))


def test_one_kind_of_receiver_is_tried_for_the_models_that_have_it(watchkeeper: Command, tmp_path: Path) -> None:
    configure(tmp_path, a="{to: file, path: told.jsonl}", b="{to: console}")
    done = watchkeeper("notify", "test", "--to", "file")
    assert (done.returncode, done.stdout, done.stderr) == (0, "a: file took the message\n", "")
    assert "somebody tries this receiver" in (tmp_path / "told.jsonl").read_text()


def test_a_receiver_that_nobody_has_is_named(watchkeeper: Command, tmp_path: Path) -> None:
    configure(tmp_path, a="{to: file, path: told.jsonl}", b="{to: console}")
    done = watchkeeper("notify", "test", "--to", "consol")
    assert done.returncode == 2
    assert "no receiver 'consol' is configured; did you mean 'console'? Valid: console, file" in done.stderr
    assert not (tmp_path / "told.jsonl").exists()


def test_a_closed_port_is_called_one_in_the_words_of_the_system(watchkeeper: Command, tmp_path: Path) -> None:
    with socket.socket() as held:
        # Bound and not listened to: nobody else is given the port, and whoever calls it is refused.
        held.bind(("127.0.0.1", 0))
        configure(tmp_path, a=f"{{to: webhook, url: 'http://127.0.0.1:{held.getsockname()[1]}/s3cr3t'}}")
        done = watchkeeper("notify", "test")
    assert done.returncode == 3
    assert done.stdout == "a: webhook failed: 127.0.0.1 cannot be reached: connection refused\n"


def test_an_empty_outbox_says_so(watchkeeper: Command, tmp_path: Path) -> None:
    configure(tmp_path, a="{to: console}")
    for command in ("status", "retry"):
        done = watchkeeper("notify", command)
        assert (done.returncode, done.stdout) == (0, "No message is waiting.\n")
