"""Alerts by e-mail."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Mapping
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from html import escape
from typing import ClassVar, Literal

from watchkeeper.alerts.credentials import credential
from watchkeeper.alerts.letter import Letter, headline, lines
from watchkeeper.alerts.plain import plain
from watchkeeper.alerts.posting import reason_of, seconds_of
from watchkeeper.alerts.single import LetterSender
from watchkeeper.core.errors import DeliveryError, UsageError

__all__ = ["Email"]

_SUBJECT, _MOST_PORT = 150, 65_535
_SECURITIES = ("starttls", "tls", "none")
_HERE = ("localhost", "127.0.0.1", "::1")


class Email(LetterSender):
    """Sends a mail in text and HTML, with the chart of the worst alert as a picture where one is drawn.

    Options: ``host``, ``port`` (587), ``from``, ``to`` (addresses, separated by commas), ``user`` and ``password``
    (better ``password_env`` or ``password_file``), and ``security``: ``starttls``, ``tls``, or ``none``, which is
    refused with a password unless the server is on this machine. The key is the Message-ID, by which mail programs
    show a repetition once.

    References
    ----------
    RFC 5321, RFC 5322 and RFC 2387.
    """

    plugin: ClassVar[str] = "notifier"
    name: ClassVar[str] = "email"
    shows_pictures: ClassVar[bool] = True
    trial: ClassVar[Mapping[str, str]] = {
        "host": "127.0.0.1", "port": "{smtp}", "from": "watch@example.org", "to": "team@example.org",
        "security": "none",
    }  # fmt: skip

    def send_letter(self, letter: Letter, options: dict[str, str]) -> None:
        """Send one mail.

        Raises
        ------
        UsageError
            When an option is missing or off.
        DeliveryError
            When the server cannot be reached or takes no mail for one of the addresses.
        """
        host, port, security = _server(options)
        password, seconds = credential(self.name, "password", options), seconds_of(self.name, options)
        if password and security == "none" and host not in _HERE:
            raise UsageError("the notifier 'email' sends no password over a line that is not encrypted; set security")
        mail = self.mail(letter, _addresses("from", options)[0], _addresses("to", options))
        try:
            context = ssl.create_default_context()
            if security == "tls":
                server: smtplib.SMTP = smtplib.SMTP_SSL(host, port, timeout=seconds, context=context)
            else:
                server = smtplib.SMTP(host, port, timeout=seconds)
            with server:
                if security == "starttls":
                    server.starttls(context=context)
                if password:
                    server.login(options.get("user", ""), password)
                refused = server.send_message(mail)
        except smtplib.SMTPResponseException as error:
            raise DeliveryError(f"{plain(host, 60)} answered with status {error.smtp_code}") from error
        except (OSError, smtplib.SMTPException, ValueError) as error:
            raise DeliveryError(f"{plain(host, 60)} cannot be reached: {reason_of(error, seconds)}") from error
        if refused:
            raise DeliveryError(f"{plain(host, 60)} takes no mail for {len(refused)} of the addresses")

    @staticmethod
    def mail(letter: Letter, sender: str, receivers: list[str]) -> EmailMessage:
        """Return the mail."""
        mail, told = EmailMessage(), lines(letter, 50)
        mail["Subject"] = plain(headline(letter), _SUBJECT)
        mail["From"], mail["To"] = sender, ", ".join(receivers)
        mail["Date"] = format_datetime(letter.at)
        mail["Message-ID"] = f"<{letter.key}@watchkeeper.invalid>"
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content("\n\n".join(told) + "\n")
        items = "".join(f"<p>{escape(line)}</p>\n" for line in told)
        shown = "".join(
            f'<p><img src="cid:chart{n}@watchkeeper" alt="{escape(picture.words)}" width="600"></p>\n'
            for n, picture in enumerate(letter.pictures)
        )
        page = f"<!doctype html>\n<html><body>\n<h3>{escape(headline(letter))}</h3>\n{items}{shown}</body></html>\n"
        mail.add_alternative(page, subtype="html")
        html = list(mail.iter_parts())[1]
        for n, picture in enumerate(letter.pictures):
            assert isinstance(html, EmailMessage)  # noqa: S101 - the policy of a mail makes no other parts
            cid, name = f"<chart{n}@watchkeeper>", f"chart{n}.png"
            html.add_related(picture.png, "image", "png", cid=cid, disposition="inline", filename=name)
        return mail


def _server(options: Mapping[str, str]) -> tuple[str, int, Literal["starttls", "tls", "none"]]:
    host, port, security = options.get("host", ""), options.get("port", "587"), options.get("security", "starttls")
    if not host:
        raise UsageError("the notifier 'email' needs a host: the name of a mail server")
    if not port.isdecimal() or not 0 < int(port) <= _MOST_PORT:
        raise UsageError(f"the notifier 'email' takes a port such as 587, not {plain(port, 60)!r}")
    if security not in _SECURITIES:
        raise UsageError(f"the notifier 'email' knows no security {plain(security, 60)!r}; valid: {_SECURITIES}")
    return host, int(port), security  # type: ignore[return-value]


def _addresses(option: str, options: Mapping[str, str]) -> list[str]:
    found = [one.strip() for one in options.get(option, "").split(",") if one.strip()]
    for one in found:
        if "@" not in parseaddr(one)[1] or not one.isprintable():
            raise UsageError(f"the notifier 'email' takes an address such as team@example.org, not {plain(one, 60)!r}")
    if not found:
        raise UsageError(f"the notifier 'email' needs an address in {option}")
    return found
