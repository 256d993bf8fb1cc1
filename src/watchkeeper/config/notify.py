"""What the configuration says of those who are told."""

from __future__ import annotations

from typing import Annotated, Literal, Union

from pydantic import BeforeValidator, Field, field_validator

from watchkeeper.config.fields import Duration, Part, Text, Texts
from watchkeeper.config.options import listed_names
from watchkeeper.core.alert import Cause, Severity
from watchkeeper.core.errors import UsageError
from watchkeeper.core.routes import QuietHours, Route, parse_quiet

__all__ = ["Notify"]

_Causes = Annotated[
    tuple[Cause, ...],
    BeforeValidator(listed_names, json_schema_input_type=Union[tuple[Cause, ...], Cause]),  # noqa: UP007
]


class Notify(Part):
    """Whom to tell what: the registry key of a notifier, what it needs to know, and which alerts it is for.

    Attributes
    ----------
    to
        The notifier: ``console``, ``file``, ``webhook``, or another one that is installed.
    path
        The file to write to, for ``file``.
    url
        The address to send to.
    timeout
        How long an answer may take.
    options
        What else the notifier takes, by name.
    models, tags
        Names of models, with ``*`` and ``?``, and tags of models it is told of; left out, of all.
    severity, causes
        The least severity, and the causes; left out, all.
    repeat
        After how long it is told again that an alert still fires.
    quiet
        A time of the day in which only pages are sent, such as ``22:00-07:00 Europe/Berlin``.
    digest
        How long notices are collected, to be sent in one message.
    """

    to: Text
    path: Text | None = None
    url: Text | None = None
    timeout: Duration | None = None
    options: dict[str, Text] = Field(default_factory=dict)
    models: Texts = ()
    tags: Texts = ()
    severity: Literal["notice", "warning", "page"] = "notice"
    causes: _Causes = ()
    repeat: Duration | None = None
    quiet: Text | None = None
    digest: Duration | None = None

    @field_validator("quiet")
    @classmethod
    def _understood(cls, text: str | None) -> str | None:
        try:
            if text is not None:
                parse_quiet(text)
        except UsageError as error:
            raise ValueError(str(error)) from None
        return text

    def route(self) -> Route:
        """Return the receiver for the outbox."""
        quiet: QuietHours | None = None if self.quiet is None else parse_quiet(self.quiet)
        return Route(
            self.to, self.arguments(), self.models, self.tags, Severity[self.severity.upper()], self.causes,
            self.repeat, quiet, self.digest,
        )  # fmt: skip

    def arguments(self) -> dict[str, str]:
        """Return what the notifier is called with."""
        seconds = None if self.timeout is None else f"{self.timeout.total_seconds():g}"
        named = {"path": self.path, "url": self.url, "timeout": seconds}
        return {**self.options, **{name: value for name, value in named.items() if value is not None}}
