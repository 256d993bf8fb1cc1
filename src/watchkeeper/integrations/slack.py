"""Alerts to a channel of Slack."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from watchkeeper.alerts.credentials import needed
from watchkeeper.alerts.letter import Letter, headline, lines
from watchkeeper.alerts.posting import post_json
from watchkeeper.alerts.single import LetterSender
from watchkeeper.core.alert import Severity

__all__ = ["Slack"]

_HEADER, _SECTION, _TEXT = 150, 3_000, 4_000
_SIGNS = {Severity.NOTICE: "🔵", Severity.WARNING: "🟠", Severity.PAGE: "🔴"}
_OVER = "✅"


class Slack(LetterSender):
    """Posts a message in Block Kit to an incoming webhook of Slack: ``url``, better ``url_env`` or ``url_file``.

    Slack takes no key that tells a repetition: it stands in ``block_id``.

    References
    ----------
    https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks and
    https://docs.slack.dev/reference/block-kit/blocks
    """

    plugin: ClassVar[str] = "notifier"
    name: ClassVar[str] = "slack"
    trial: ClassVar[Mapping[str, str]] = {"url": "{url}"}

    def send_letter(self, letter: Letter, options: dict[str, str]) -> None:
        """Post one message.

        Raises
        ------
        UsageError
            When there is no address.
        DeliveryError
            When Slack cannot be reached or takes no message.
        """
        url = needed(self.name, "url", options)
        post_json(self.name, url, self.message(letter), options)

    @staticmethod
    def message(letter: Letter) -> dict[str, Any]:
        """Return the message as Slack takes it."""
        head = f"{_OVER if letter.over else _SIGNS[letter.severity]} {headline(letter)}"
        told = [_escaped(line) for line in lines(letter)]
        section = "\n".join(told)
        return {
            "text": _cut(_escaped(head), _TEXT),
            "blocks": [
                {"type": "header", "text": {"type": "plain_text", "text": _cut(head, _HEADER), "emoji": True}},
                {
                    "type": "section",
                    "block_id": letter.key,
                    "text": {"type": "mrkdwn", "text": _cut(section, _SECTION), "verbatim": True},
                },
            ],
        }


def _escaped(text: str) -> str:
    """Return a text in which names are neither links nor mentions."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
