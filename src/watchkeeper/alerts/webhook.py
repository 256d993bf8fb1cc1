"""Alerts to a URL."""

from __future__ import annotations

from typing import ClassVar
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from watchkeeper.alerts.payload import payload
from watchkeeper.core.alert import Alert
from watchkeeper.core.encode import as_json
from watchkeeper.core.errors import UsageError

__all__ = ["Webhook"]


class _NoRedirect(HTTPRedirectHandler):
    def redirect_request(self, *args: object, **kwargs: object) -> None:
        return None


class Webhook:
    """Posts the alert as JSON to ``url``, once, within ``timeout`` seconds (5 by default), following no redirect."""

    plugin: ClassVar[str] = "notifier"
    name: ClassVar[str] = "webhook"

    def send(self, alert: Alert, options: dict[str, str]) -> None:
        """Post the alert.

        Raises
        ------
        UsageError
            When the URL is missing or is not http or https.
        OSError
            When the receiver cannot be reached or answers with an error.
        """
        url = options.get("url", "")
        if urlsplit(url).scheme not in ("http", "https"):
            raise UsageError(f"the notifier 'webhook' needs an http or https url, not {url!r}")
        body = as_json(payload(alert)).encode()
        headers = {"Content-Type": "application/json", "User-Agent": "watchkeeper"}
        # The scheme was checked above.
        request = Request(url, body, headers, method="POST")  # noqa: S310
        with build_opener(_NoRedirect).open(request, timeout=float(options.get("timeout", "5").rstrip("s"))) as answer:
            answer.read(1)
