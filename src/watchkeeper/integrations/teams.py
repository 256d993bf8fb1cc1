"""Alerts to a channel of Microsoft Teams."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from watchkeeper.alerts.credentials import needed
from watchkeeper.alerts.letter import Letter, headline, lines
from watchkeeper.alerts.posting import post_json
from watchkeeper.alerts.single import LetterSender
from watchkeeper.core.alert import Severity

__all__ = ["Teams"]

_COLOURS = {Severity.NOTICE: "Accent", Severity.WARNING: "Warning", Severity.PAGE: "Attention"}
_LINE = 900


class Teams(LetterSender):
    """Posts an Adaptive Card to a workflow of Teams that "receives a webhook request": ``url``, better ``url_env``.

    A workflow takes no key that tells a repetition: it is the ``id`` of the card's text.

    References
    ----------
    https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using and
    http://adaptivecards.io/schemas/adaptive-card.json, version 1.4; a message has at most 28 kB.
    """

    plugin: ClassVar[str] = "notifier"
    name: ClassVar[str] = "teams"
    trial: ClassVar[Mapping[str, str]] = {"url": "{url}"}

    def send_letter(self, letter: Letter, options: dict[str, str]) -> None:
        """Post one card.

        Raises
        ------
        UsageError
            When there is no address.
        DeliveryError
            When the workflow cannot be reached or takes no message.
        """
        url = needed(self.name, "url", options)
        post_json(self.name, url, self.message(letter), options)

    @staticmethod
    def message(letter: Letter) -> dict[str, Any]:
        """Return the message as a workflow takes it."""
        colour = "Good" if letter.over else _COLOURS[letter.severity]
        heading = {
            "type": "TextBlock", "text": _plainly(headline(letter)), "weight": "Bolder", "size": "Medium",
            "color": colour, "wrap": True,
        }  # fmt: skip
        told = [{"type": "TextBlock", "text": _plainly(line), "wrap": True} for line in lines(letter)]
        card = {
            "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
            "type": "AdaptiveCard",
            "version": "1.4",
            "body": [heading, {"type": "Container", "id": letter.key, "items": told}],
        }
        content = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}
        return {"type": "message", "attachments": [content]}


def _plainly(text: str) -> str:
    """Return a text in which names are no Markdown, which a card reads; a link in a name would be one to follow."""
    shown = "".join(f"\\{sign}" if sign in "\\[]*`#" else sign for sign in text)
    return shown if len(shown) <= _LINE else f"{shown[: _LINE - 1]}…"
