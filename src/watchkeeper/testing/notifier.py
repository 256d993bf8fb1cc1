"""What every notifier must obey."""

from __future__ import annotations

import gc
import io
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from watchkeeper.alerts.notifier import Notifier, TriedNotifier
from watchkeeper.core.alert import Alert, AlertEnd, AlertState, Cause, Severity
from watchkeeper.core.errors import DeliveryError, UsageError
from watchkeeper.core.plugins import plugins

__all__ = ["check_notifier"]

_ALERT = Alert(
    "a1f0", "flights", Cause.DATA_FAULT, Severity.PAGE, AlertState.FIRING, since=datetime(2013, 7, 8, tzinfo=UTC),
    columns=("distance",),
)  # fmt: skip
_ENDED = replace(_ALERT, state=AlertState.ENDED, end=AlertEnd.CLEARED)
_LONG_NAMES = tuple(f"\x07\x9b{n}\r\n" + "x" * 5_000 for n in range(900))
_HOSTILE = replace(_ALERT, id="b2e1", model="fli\x1b[2Jghts\nfiring", columns=_LONG_NAMES)
_SECRET = "s3cr3t-t0k3n"  # noqa: S105
_MOST_BYTES = 65_536
_PLAIN = {"path": "{path}", "url": "{url}", "timeout": "5s"}


class _BrokenStream(io.StringIO):
    def write(self, text: str) -> int:
        raise OSError("the pipe is broken")


@dataclass
class _Place:
    """Where a notifier may send to: a file, an address, and the two streams of a terminal."""

    path: Path
    url: str
    bodies: list[bytes] = field(default_factory=list)
    streams: tuple[io.StringIO, io.StringIO] = field(default_factory=lambda: (io.StringIO(), io.StringIO()))

    def delivered(self) -> list[bytes]:
        """Return what has arrived, line by line or body by body."""
        written = self.path.read_bytes() if self.path.is_file() else b""
        shown = b"".join(stream.getvalue().encode() for stream in self.streams)
        return [*self.bodies, *(line for line in (written + shown).split(b"\n") if line)]


def check_notifier(notifier: Notifier) -> None:
    """Assert that a notifier obeys its contract against a real file, a real server on this machine and real streams.

    Checked: the protocol; every alert that is handed over is sent once, with model and state; one that cannot be sent
    raises DeliveryError, which tells no secret of the address; without options it raises UsageError, unless it needs
    none; names from outside are sent without control characters and in at most 64 kB; its options are left alone, and
    it leaves neither open files nor threads behind.

    Raises
    ------
    AssertionError
        Naming the law that is broken.
    """
    assert isinstance(notifier, Notifier), "it lacks a member of the protocol Notifier"
    assert notifier.plugin == "notifier", f"plugin is {notifier.plugin!r}"
    assert notifier.__doc__, "it has no docstring"
    assert type(plugins("notifier").get(notifier.name)) is type(notifier), f"{notifier.name!r} is not registered"
    _check_delivery(notifier)
    _check_hostile(notifier)
    _check_failure(notifier)
    _check_options(notifier)
    _check_left_behind(notifier)


def _options(notifier: Notifier, place: _Place) -> dict[str, str]:
    trial = notifier.trial if isinstance(notifier, TriedNotifier) else _PLAIN
    return {name: text.replace("{path}", str(place.path)).replace("{url}", place.url) for name, text in trial.items()}


def _check_delivery(notifier: Notifier) -> None:
    with _place() as place:
        options = _options(notifier, place)
        before = dict(options)
        for number, alert in enumerate((_ALERT, _ENDED), start=1):
            notifier.send(alert, options)
            found = place.delivered()
            assert len(found) == number, f"{number} alerts that were handed over arrived {len(found)} times"
            for word in (alert.model, alert.state.value):
                assert any(word.encode() in one for one in found), f"what arrives does not say {word!r}"
        assert options == before, "it changes its options"


def _check_hostile(notifier: Notifier) -> None:
    with _place() as place:
        notifier.send(_HOSTILE, _options(notifier, place))
        found = place.delivered()
    assert len(found) == 1, f"an alert with line breaks in its names arrives as {len(found)}"
    text = found[0].decode()
    raw = sorted({hex(ord(c)) for c in text if ord(c) < 32 or 127 <= ord(c) < 160})
    assert not raw, f"control characters of a name arrive as they are: {', '.join(raw)}"
    assert len(found[0]) <= _MOST_BYTES, f"an alert of many long names arrives as {len(found[0]):,} bytes"


def _check_failure(notifier: Notifier) -> None:
    with _place(broken=True) as place:
        try:
            notifier.send(_ALERT, _options(notifier, place))
        except DeliveryError as error:
            assert str(error), "its error says nothing"
            assert _SECRET not in str(error), f"its error tells the secret of an address: {error}"
        except Exception as error:
            raise AssertionError(f"what cannot be sent raises {type(error).__name__}, not DeliveryError") from error
        else:
            raise AssertionError("what cannot be sent raises nothing")


def _check_options(notifier: Notifier) -> None:
    with _place() as place:
        try:
            notifier.send(_ALERT, {})
        except UsageError:
            return
        except Exception as error:
            raise AssertionError(f"without options it raises {type(error).__name__}, not UsageError") from error
        assert place.delivered(), "without options it sends nothing and says nothing"


def _check_left_behind(notifier: Notifier) -> None:
    with _place() as place:
        options = _options(notifier, place)
        notifier.send(_ALERT, options)
        gc.collect()
        before = _resources()
        for _ in range(5):
            notifier.send(_ALERT, options)
        for _ in range(100):
            now = _resources()
            if now[0] <= before[0] and now[1] <= before[1]:
                return
            time.sleep(0.02)  # the server closes its side a moment later
    raise AssertionError(f"after five alerts {now[0] - before[0]} files and {now[1] - before[1]} threads more are open")


def _resources() -> tuple[int, int]:
    folder = next((path for path in (Path("/proc/self/fd"), Path("/dev/fd")) if path.is_dir()), None)
    return len(list(folder.iterdir())) if folder else 0, threading.active_count()


@contextmanager
def _place(*, broken: bool = False) -> Iterator[_Place]:
    """Open a place to send to; one that is broken takes nothing."""

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            place.bodies.append(self.rfile.read(int(self.headers.get("Content-Length") or 0)))
            self.send_response(500 if broken else 200)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    with tempfile.TemporaryDirectory() as folder:
        blocked = Path(folder) / "a file"
        blocked.write_text("")
        path = (blocked if broken else Path(folder)) / _SECRET / "alerts"
        streams = (_BrokenStream(), _BrokenStream()) if broken else (io.StringIO(), io.StringIO())
        place = _Place(path, f"http://127.0.0.1:{server.server_port}/{_SECRET}", streams=streams)
        thread.start()
        try:
            with redirect_stderr(streams[0]), redirect_stdout(streams[1]):
                yield place
        finally:
            server.shutdown()
            thread.join()
            server.server_close()
            with suppress(OSError):
                path.unlink()
