"""Alerts to Prometheus Alertmanager."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, ClassVar

from watchkeeper.alerts.credentials import credential, needed
from watchkeeper.alerts.letter import Letter, sentence
from watchkeeper.alerts.payload import severity_name
from watchkeeper.alerts.plain import plain
from watchkeeper.alerts.posting import post_json
from watchkeeper.alerts.single import LetterSender
from watchkeeper.core.alert import Alert, AlertState
from watchkeeper.core.encode import in_utc

__all__ = ["Alertmanager"]

_NAME, _MOST, _SHORT = 200, 100, 100
_KEPT = timedelta(days=7)


class Alertmanager(LetterSender):
    """Posts alerts to the API v2 of an Alertmanager, which groups, routes and silences them: ``url`` is its address.

    A ``token`` (``token_env``, ``token_file``) is sent as that of a bearer. An alert that fires ends by itself after a
    week unless it is sent again, so give this receiver a ``repeat`` of a day. The key stands in the annotations. Of
    more than a hundred alerts at once the worst hundred are sent, and the annotations say how many there are.

    References
    ----------
    https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml
    """

    plugin: ClassVar[str] = "notifier"
    name: ClassVar[str] = "alertmanager"
    trial: ClassVar[Mapping[str, str]] = {"url": "{url}"}

    def send_letter(self, letter: Letter, options: dict[str, str]) -> None:
        """Post all alerts of a message at once.

        Raises
        ------
        UsageError
            When there is no address.
        DeliveryError
            When Alertmanager cannot be reached or takes no alerts.
        """
        url = needed(self.name, "url", options).rstrip("/")
        token = credential(self.name, "token", options)
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        post_json(self.name, f"{url}/api/v2/alerts", self.alerts(letter), options, headers)

    @staticmethod
    def alerts(letter: Letter) -> list[dict[str, Any]]:
        """Return the alerts as Alertmanager takes them."""
        return [_posted(alert, letter) for alert in letter.alerts[:_MOST]]


def _posted(alert: Alert, letter: Letter) -> dict[str, Any]:
    many = len(letter.alerts) > 1
    told = {
        "summary": plain(sentence(alert), _SHORT) if many else sentence(alert),
        "state": alert.state.value,
        "key": letter.key,
    }
    if not many:
        told["columns"] = ", ".join(plain(name, _NAME) for name in alert.columns[:20])
    if len(letter.alerts) > _MOST:
        told["alerts"] = str(len(letter.alerts))
    ended = alert.state is AlertState.ENDED
    posted: dict[str, Any] = {
        "labels": {
            "alertname": "Watchkeeper",
            "model": plain(alert.model, _NAME),
            "cause": alert.cause.value,
            "severity": severity_name(alert.severity),
            "alert": plain(alert.id, _NAME),
        },
        "annotations": {name: text for name, text in told.items() if text},
        "endsAt": letter.at.isoformat() if ended else (letter.at + _KEPT).isoformat(),
    }
    if alert.since is not None and alert.since < letter.at:
        posted["startsAt"] = in_utc(alert.since).isoformat()
    return posted
