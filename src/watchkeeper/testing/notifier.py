"""What every notifier must obey."""

from __future__ import annotations

import asyncio
import gc
import io
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, redirect_stderr, redirect_stdout, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email import message_from_bytes, policy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from watchkeeper.alerts.letter import Letter
from watchkeeper.alerts.notifier import LetterNotifier, Notifier, TriedNotifier
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
    """Where a notifier may send to: a file, an address, a mail server, and the two streams of a terminal."""

    path: Path
    url: str
    smtp: int = 0
    bodies: list[bytes] = field(default_factory=list)
    headers: list[str] = field(default_factory=list)
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
    it leaves neither open files nor threads behind. One that sends messages carries the key of each, the same at a
    second try, and sends 500 alerts as one message in at most 64 kB.

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
    if isinstance(notifier, LetterNotifier):
        _check_key(notifier)
        _check_storm(notifier)


def _options(notifier: Notifier, place: _Place) -> dict[str, str]:
    trial = notifier.trial if isinstance(notifier, TriedNotifier) else _PLAIN
    found = dict(trial)
    for sign, meant in {"{path}": str(place.path), "{url}": place.url, "{smtp}": str(place.smtp)}.items():
        found = {name: text.replace(sign, meant) for name, text in found.items()}
    return found


def _check_key(notifier: LetterNotifier) -> None:
    letter = Letter("wk_k3y0fth1sm3ss4g3", (_ALERT,), datetime(2013, 7, 9, tzinfo=UTC))
    with _place(smtp=_mails(notifier)) as place:
        for _ in range(2):
            notifier.send_letter(letter, _options(notifier, place))
        found, headers = place.delivered(), place.headers
    assert len(found) == 2, f"two tries of a message arrived {len(found)} times"
    for one in (0, 1):
        told = found[one].decode() + (headers[one] if headers else "")
        assert letter.key in told, f"try {one + 1} of a message does not carry its key"


def _check_storm(notifier: LetterNotifier) -> None:
    storm = tuple(replace(_HOSTILE, id=f"s{n}") for n in range(500))
    with _place(smtp=_mails(notifier)) as place:
        notifier.send_letter(Letter("wk_st0rm", storm, datetime(2013, 7, 9, tzinfo=UTC)), _options(notifier, place))
        found = place.delivered()
    assert len(found) == 1, f"500 alerts at once arrive as {len(found)} messages"
    assert b"500" in found[0], "a message about 500 alerts does not say how many there are"
    assert len(found[0]) <= _MOST_BYTES, f"a message about 500 alerts arrives as {len(found[0]):,} bytes"


def _mails(notifier: Notifier) -> bool:
    return isinstance(notifier, TriedNotifier) and any("{smtp}" in text for text in notifier.trial.values())


def _check_delivery(notifier: Notifier) -> None:
    with _place(smtp=_mails(notifier)) as place:
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
    with _place(smtp=_mails(notifier)) as place:
        notifier.send(_HOSTILE, _options(notifier, place))
        found = place.delivered()
    assert len(found) == 1, f"an alert with line breaks in its names arrives as {len(found)}"
    text = found[0].decode()
    raw = sorted({hex(ord(c)) for c in text if ord(c) < 32 or 127 <= ord(c) < 160})
    assert not raw, f"control characters of a name arrive as they are: {', '.join(raw)}"
    assert len(found[0]) <= _MOST_BYTES, f"an alert of many long names arrives as {len(found[0]):,} bytes"


def _check_failure(notifier: Notifier) -> None:
    with _place(broken=True, smtp=_mails(notifier)) as place:
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
    with _place(smtp=_mails(notifier)) as place:
        try:
            notifier.send(_ALERT, {})
        except UsageError:
            return
        except Exception as error:
            raise AssertionError(f"without options it raises {type(error).__name__}, not UsageError") from error
        assert place.delivered(), "without options it sends nothing and says nothing"


def _check_left_behind(notifier: Notifier) -> None:
    with _place(smtp=_mails(notifier)) as place:
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
def _place(*, broken: bool = False, smtp: bool = False) -> Iterator[_Place]:
    """Open a place to send to; one that is broken takes nothing."""

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            place.bodies.append(self.rfile.read(int(self.headers.get("Content-Length") or 0)))
            place.headers.append(str(self.headers))
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
            mail_server = _mail_server(place, broken=broken) if smtp else nullcontext()
            with mail_server, redirect_stderr(streams[0]), redirect_stdout(streams[1]):
                yield place
        finally:
            server.shutdown()
            thread.join()
            server.server_close()
            with suppress(OSError):
                path.unlink()


@contextmanager
def _mail_server(place: _Place, *, broken: bool) -> Iterator[None]:
    """Run a mail server on this machine; one that is broken takes no mail."""
    from aiosmtpd.smtp import SMTP

    class Receiver:
        async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - it is called so
            mail = message_from_bytes(envelope.content, policy=policy.default)
            body = mail.get_body(("plain",))
            text = str(body.get_content()) if body is not None else ""
            # Lines of a mail are no control characters of a name.
            place.bodies.append(f"{mail['Subject']} {text}".replace("\r", "").replace("\n", " ").encode())
            place.headers.append(str(mail["Message-ID"]))
            return "554 no mail today" if broken else "250 OK"

    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(loop.create_server(lambda: SMTP(Receiver(), loop=loop), "127.0.0.1", 0))
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    place.smtp = server.sockets[0].getsockname()[1]
    try:
        yield
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        server.close()
        left = asyncio.all_tasks(loop)
        for task in left:
            task.cancel()
        if left:
            loop.run_until_complete(asyncio.wait(left))
        loop.close()
