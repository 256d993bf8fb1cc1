"""Alerts to a URL."""

from __future__ import annotations

import base64
import binascii
import hmac
from dataclasses import dataclass
from hashlib import sha256
from typing import ClassVar

from watchkeeper.alerts.credentials import credential
from watchkeeper.alerts.letter import Letter
from watchkeeper.alerts.payload import AlertPayload, SchemaVersion, sent
from watchkeeper.alerts.plain import plain
from watchkeeper.alerts.posting import post, post_json
from watchkeeper.core.alert import Alert
from watchkeeper.core.encode import SCHEMA_VERSION, as_json
from watchkeeper.core.errors import UsageError

__all__ = ["AlertsPayload", "Webhook", "signature"]

_WORST, _FEW = 12, 3


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertsPayload:
    """Many alerts in one message.

    Attributes
    ----------
    key
        The same for every try of the message.
    count
        How many alerts it is about; ``alerts`` holds the worst, with the first columns and segments of each.
    """

    schema_version: SchemaVersion
    key: str
    count: int
    alerts: tuple[AlertPayload, ...]


class Webhook:
    """Posts the alert as JSON to ``url``, once, within ``timeout`` seconds (5 by default), following no redirect.

    The headers ``webhook-id`` and ``Idempotency-Key`` hold the key of the message. With a ``secret`` (or
    ``secret_env``, ``secret_file``) it is signed as Standard Webhooks says: HMAC-SHA256 of id, time and body.

    References
    ----------
    Standard Webhooks, https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
    """

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
        post_json(self.name, _url(options), sent(alert), options)

    def send_letter(self, letter: Letter, options: dict[str, str]) -> None:
        """Post the alert, or a list of alerts; see ``send``."""
        body = as_json(_document(letter)).encode()
        headers = {"webhook-id": letter.key, "Idempotency-Key": letter.key}
        headers["webhook-timestamp"] = str(int(letter.at.timestamp()))
        secret = credential(self.name, "secret", options)
        if secret:
            signed = signature(secret, letter.key, headers["webhook-timestamp"], body)
            headers["webhook-signature"] = signed
        post(self.name, _url(options), body, options, headers)


def signature(secret: str, key: str, timestamp: str, body: bytes) -> str:
    """Return the signature of a message by Standard Webhooks.

    Parameters
    ----------
    secret
        ``whsec_`` and the key in base64.

    Raises
    ------
    UsageError
        When the secret is no such text.
    """
    try:
        raw = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except (binascii.Error, ValueError):
        raise UsageError(
            "the secret of the notifier 'webhook' must be 'whsec_' and 24 to 64 bytes in base64; "
            "make one with: openssl rand -base64 32"
        ) from None
    signed = hmac.new(raw, f"{key}.{timestamp}.".encode() + body, sha256).digest()
    return f"v1,{base64.b64encode(signed).decode()}"


def _document(letter: Letter) -> AlertPayload | AlertsPayload:
    if len(letter.alerts) == 1:
        return sent(letter.alerts[0])
    worst = tuple(sent(alert, _FEW) for alert in letter.alerts[:_WORST])
    return AlertsPayload(schema_version=SCHEMA_VERSION, key=letter.key, count=len(letter.alerts), alerts=worst)


def _url(options: dict[str, str]) -> str:
    return credential("webhook", "url", options) or plain(options.get("url", ""), 60)
