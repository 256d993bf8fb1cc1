"""Alerts of Jira Service Management."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar
from urllib.parse import quote

from watchkeeper.alerts.credentials import needed
from watchkeeper.alerts.letter import Letter, headline, lines
from watchkeeper.alerts.plain import plain
from watchkeeper.alerts.posting import post_json
from watchkeeper.alerts.single import LetterSender
from watchkeeper.core.alert import Severity

__all__ = ["JiraServiceManagement"]

_URL = "https://api.atlassian.com/jsm/ops/integration/v2/alerts"
_MESSAGE, _ALIAS, _DESCRIPTION, _TAG = 130, 512, 15_000, 50
_PRIORITIES = {Severity.NOTICE: "P5", Severity.WARNING: "P3", Severity.PAGE: "P1"}


class JiraServiceManagement(LetterSender):
    """Makes an alert by the integration API of Jira Service Management, and closes it when it ends.

    It needs the ``api_key`` of an API integration, better ``api_key_env`` or ``api_key_file``; ``url`` is another
    address of the alerts, such as that of Opsgenie. An alert is known by the alias of model and alert; the key of the
    message stands in its details or note. Many alerts at once are one, which a person closes.

    References
    ----------
    https://developer.atlassian.com/cloud/jira/service-desk-ops/rest/v2/api-group-integration-events/
    """

    plugin: ClassVar[str] = "notifier"
    name: ClassVar[str] = "jira_service_management"
    trial: ClassVar[Mapping[str, str]] = {"url": "{url}", "api_key": "0123-4567-89ab-cdef"}

    def send_letter(self, letter: Letter, options: dict[str, str]) -> None:
        """Make or close one alert.

        Raises
        ------
        UsageError
            When there is no API key.
        DeliveryError
            When the service cannot be reached or takes no alert.
        """
        headers = {"Authorization": f"GenieKey {needed(self.name, 'api_key', options)}"}
        url = (options.get("url") or _URL).rstrip("/")
        if len(letter.alerts) == 1 and letter.over:
            alias = quote(self.alert(letter)["alias"], safe="")
            post_json(self.name, f"{url}/{alias}/close?identifierType=alias", self.closing(letter), options, headers)
        else:
            post_json(self.name, url, self.alert(letter), options, headers)

    @staticmethod
    def alert(letter: Letter) -> dict[str, Any]:
        """Return the alert as the service takes it."""
        worst, alone = letter.alerts[0], len(letter.alerts) == 1
        return {
            "message": plain(headline(letter), _MESSAGE),
            "alias": plain(f"{worst.model}/{worst.id}", _ALIAS) if alone else letter.key,
            "description": "\n".join(lines(letter))[:_DESCRIPTION],
            "priority": _PRIORITIES[letter.severity],
            "source": "watchkeeper",
            "entity": plain(worst.model, _ALIAS) if alone else "watchkeeper",
            "tags": sorted({plain(alert.cause.value, _TAG) for alert in letter.alerts}),
            "details": {"key": letter.key, "state": worst.state.value},
        }

    @staticmethod
    def closing(letter: Letter) -> dict[str, Any]:
        """Return what closes the alert."""
        return {"source": "watchkeeper", "note": plain(f"{'; '.join(lines(letter))} ({letter.key})", _DESCRIPTION)}
