"""Posting a document to an address, once and within bounded time."""

from __future__ import annotations

import math
import socket
import ssl
from collections.abc import Mapping
from contextlib import suppress
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from threading import Thread
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import HTTPHandler, HTTPRedirectHandler, HTTPSHandler, Request, build_opener

from watchkeeper.alerts.plain import plain
from watchkeeper.core.encode import as_json
from watchkeeper.core.errors import DeliveryError, UsageError

__all__ = ["post", "post_json", "reason_of", "seconds_of"]

_MOST_SECONDS = 3_600.0
_WAITS = (429, 503)
_REASON = 200


class _NoRedirect(HTTPRedirectHandler):
    def redirect_request(self, *args: object, **kwargs: object) -> None:
        return None


class _Call(Thread):
    """One call of a URL, which can be given up: the time-out of a socket bounds each of its steps, not all of them.

    A name that is looked up, or an answer that comes a byte at a time, takes as long as it likes; so the call is made
    beside the run, which goes on when its time is over.
    """

    def __init__(self, request: Request, seconds: float) -> None:
        super().__init__(name="watchkeeper-post", daemon=True)
        self.error: Exception | None = None
        self._request, self._seconds = request, seconds
        self._connections: list[HTTPConnection] = []
        self._over = False

    def run(self) -> None:
        """Make the call, and keep what goes wrong."""
        try:
            with build_opener(_NoRedirect, _Http(self), _Https(self)).open(
                self._request, timeout=self._seconds
            ) as answer:
                answer.read(1)
        except Exception as error:  # noqa: BLE001 - it is raised where the call was asked for
            self.error = error

    def made(self, connection: HTTPConnection) -> HTTPConnection:
        """Know a connection, to cut it off when time is over."""
        self._connections.append(connection)
        if self._over:
            raise TimeoutError
        return connection

    def wait(self) -> None:
        """Wait until it is done, and no longer than its seconds.

        Raises
        ------
        Exception
            What went wrong.
        """
        self.start()
        self.join(self._seconds)
        if self.is_alive():
            self._over = True
            for connection in self._connections:
                if connection.sock is not None:
                    with suppress(OSError):
                        connection.sock.shutdown(socket.SHUT_RDWR)
            raise TimeoutError
        if self.error is not None:
            raise self.error


class _Http(HTTPHandler):
    def __init__(self, call: _Call) -> None:
        super().__init__()
        self._call = call

    def http_open(self, request: Request) -> HTTPResponse:
        return self.do_open(lambda *a, **k: self._call.made(HTTPConnection(*a, **k)), request)


class _Https(HTTPSHandler):
    def __init__(self, call: _Call) -> None:
        super().__init__()
        self._call = call

    def https_open(self, request: Request) -> HTTPResponse:
        context = ssl.create_default_context()
        return self.do_open(lambda *a, **k: self._call.made(HTTPSConnection(*a, context=context, **k)), request)


def post_json(
    notifier: str, url: str, document: object, options: Mapping[str, str], headers: Mapping[str, str] | None = None
) -> None:
    """Post a document as JSON; see ``post``."""
    post(notifier, url, as_json(document).encode(), options, headers)


def post(
    notifier: str, url: str, body: bytes, options: Mapping[str, str], headers: Mapping[str, str] | None = None
) -> None:
    """Post a JSON document within ``timeout`` seconds (5 by default), following no redirect.

    The seconds are those of the whole call: the look-up of the name, the connection and the answer.

    Raises
    ------
    UsageError
        When the URL is not http or https, or the time-out is none.
    DeliveryError
        When the receiver cannot be reached or answers with an error; it names the host, for the rest of an address is
        often a secret.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UsageError(f"the notifier {notifier!r} needs an http or https url, not {plain(parts.geturl(), 60)!r}")
    seconds = seconds_of(notifier, options)
    given = {"Content-Type": "application/json", "User-Agent": "watchkeeper", **(headers or {})}
    # The scheme was checked above.
    request = Request(parts.geturl(), body, given, method="POST")  # noqa: S310
    try:
        _Call(request, seconds).wait()
    except HTTPError as error:
        error.close()
        failed = DeliveryError(f"{parts.hostname} answered with status {error.code}")
        failed.after = _asked(error) if error.code in _WAITS else None
        raise failed from error
    except (OSError, HTTPException, ValueError) as error:
        raise DeliveryError(f"{parts.hostname} cannot be reached: {reason_of(error, seconds)}") from error


def reason_of(error: Exception, seconds: float) -> str:
    """Say why a receiver cannot be reached: in the words of the system where it has some, which hold no address."""
    reason = error.reason if isinstance(error, URLError) else error
    if isinstance(reason, TimeoutError):
        return f"no answer within {seconds:g} s"
    words = plain(reason.strerror or "", _REASON) if isinstance(reason, OSError) else ""
    return words[:1].lower() + words[1:] if words else type(reason).__name__


def seconds_of(notifier: str, options: Mapping[str, str]) -> float:
    """Return the time-out among the options of a notifier, in seconds.

    Raises
    ------
    UsageError
        When it is no length of time.
    """
    given = options.get("timeout", "5")
    try:
        seconds = float(given.rstrip("s"))
    except ValueError:
        seconds = math.nan
    if not 0 < seconds <= _MOST_SECONDS:
        raise UsageError(f"the notifier {notifier!r} takes a timeout such as 5s, not {plain(given, 60)!r}")
    return seconds


def _asked(error: HTTPError) -> float | None:
    """Return how many seconds the receiver asks to wait for."""
    text = (error.headers.get("Retry-After") or "").strip()
    return min(float(text), _MOST_SECONDS) if text.isdecimal() else None
