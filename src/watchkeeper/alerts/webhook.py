"""Alerts to a URL."""

from __future__ import annotations

from collections.abc import Mapping
from http.client import HTTPException
from typing import ClassVar
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from watchkeeper.alerts.payload import sent
from watchkeeper.alerts.plain import plain
from watchkeeper.core.alert import Alert
from watchkeeper.core.encode import as_json
from watchkeeper.core.errors import DeliveryError, UsageError

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
        DeliveryError
            When the receiver cannot be reached or answers with an error; it names the host, for the rest of an address
            is often a secret.
        """
        url = urlsplit(options.get("url", ""))
        if url.scheme not in ("http", "https") or not url.hostname:
            raise UsageError(f"the notifier 'webhook' needs an http or https url, not {plain(url.geturl(), 60)!r}")
        body = as_json(sent(alert)).encode()
        headers = {"Content-Type": "application/json", "User-Agent": "watchkeeper"}
        # The scheme was checked above.
        request = Request(url.geturl(), body, headers, method="POST")  # noqa: S310
        try:
            with build_opener(_NoRedirect).open(request, timeout=_seconds(options)) as answer:
                answer.read(1)
        except HTTPError as error:
            error.close()
            raise DeliveryError(f"{url.hostname} answered with status {error.code}") from error
        except (OSError, HTTPException, ValueError) as error:
            reason = error.reason if isinstance(error, URLError) else error
            raise DeliveryError(f"{url.hostname} cannot be reached: {type(reason).__name__}") from error


def _seconds(options: Mapping[str, str]) -> float:
    given = options.get("timeout", "5")
    try:
        return float(given.rstrip("s"))
    except ValueError:
        raise UsageError(f"the notifier 'webhook' takes a timeout such as 5s, not {plain(given, 60)!r}") from None
