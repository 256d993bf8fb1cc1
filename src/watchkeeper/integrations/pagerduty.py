"""Alerts as incidents of PagerDuty."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from watchkeeper.alerts.credentials import needed
from watchkeeper.alerts.letter import Letter, headline, lines
from watchkeeper.alerts.plain import plain
from watchkeeper.alerts.posting import post_json
from watchkeeper.alerts.single import LetterSender
from watchkeeper.core.alert import Severity

__all__ = ["PagerDuty"]

_URL = "https://events.pagerduty.com/v2/enqueue"
_SUMMARY, _KEY, _NAME = 1_024, 255, 200
_SEVERITIES = {Severity.NOTICE: "info", Severity.WARNING: "warning", Severity.PAGE: "critical"}


class PagerDuty(LetterSender):
    """Sends an event to the Events API v2 of PagerDuty; an alert that ends resolves its incident.

    It needs a ``routing_key`` (the integration key of a service), better ``routing_key_env`` or ``routing_key_file``.
    ``url`` is another address, such as that of Europe. The incident of an alert is known by model and alert; the key
    of the message stands in the details. Many alerts at once are one incident, which a person closes.

    References
    ----------
    https://developer.pagerduty.com/docs/send-alert-event
    """

    plugin: ClassVar[str] = "notifier"
    name: ClassVar[str] = "pagerduty"
    trial: ClassVar[Mapping[str, str]] = {"url": "{url}", "routing_key": "0123456789abcdef0123456789abcdef"}

    def send_letter(self, letter: Letter, options: dict[str, str]) -> None:
        """Send one event.

        Raises
        ------
        UsageError
            When there is no routing key.
        DeliveryError
            When PagerDuty cannot be reached or takes no event.
        """
        event = {"routing_key": needed(self.name, "routing_key", options), **self.event(letter)}
        post_json(self.name, options.get("url") or _URL, event, options)

    @staticmethod
    def event(letter: Letter) -> dict[str, Any]:
        """Return the event as PagerDuty takes it, without the key of the service."""
        worst, alone = letter.alerts[0], len(letter.alerts) == 1
        known_by = plain(f"{worst.model}/{worst.id}", _KEY) if alone else letter.key
        details: dict[str, Any] = {"key": letter.key, "alerts": lines(letter)}
        if alone:
            details |= {
                "state": worst.state.value,
                "columns": [plain(name, _NAME) for name in worst.columns[:20]],
                "segments": [plain(name, _NAME) for name in worst.segments[:20]],
            }
        return {
            "event_action": "resolve" if alone and letter.over else "trigger",
            "dedup_key": known_by,
            "client": "Watchkeeper",
            "payload": {
                "summary": plain("; ".join((headline(letter), *lines(letter, 1)[:1])), _SUMMARY),
                "source": plain(worst.model, _NAME) if alone else "watchkeeper",
                "severity": _SEVERITIES[letter.severity],
                "timestamp": letter.at.isoformat(),
                "class": worst.cause.value,
                "component": plain(worst.model, _NAME),
                "custom_details": details,
            },
        }
