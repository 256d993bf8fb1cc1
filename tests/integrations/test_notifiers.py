"""What notifiers send, held to the published schemas and limits of those who take it.

Slack, Teams, PagerDuty and Jira Service Management are fakes here: schemas written down from their documentation, and
a server that takes whatever is posted. The mail server, the receiver of webhooks and Alertmanager are real.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import logging
import shutil
import socket
import subprocess
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import jsonschema
import pytest

from tests.alerts.said import said
from watchkeeper.alerts.letter import Letter, Picture
from watchkeeper.alerts.webhook import Webhook, signature
from watchkeeper.core.alert import Alert, AlertEnd, AlertState, Cause, Severity
from watchkeeper.core.errors import DeliveryError, UsageError
from watchkeeper.core.secrets import without_secrets
from watchkeeper.integrations.alertmanager import Alertmanager
from watchkeeper.integrations.jira_service_management import JiraServiceManagement
from watchkeeper.integrations.pagerduty import PagerDuty
from watchkeeper.integrations.slack import Slack
from watchkeeper.integrations.smtp import Email
from watchkeeper.integrations.teams import Teams

AT = datetime(2024, 3, 4, 12, tzinfo=UTC)
FIRING = Alert(
    "a1", "flights", Cause.DATA_FAULT, Severity.PAGE, AlertState.FIRING, datetime(2024, 3, 3, tzinfo=UTC), AT,
    ("distance",), evidence=said("distance <@everyone> & [link](http://x.test) is 1.609 times what it was"),
)  # fmt: skip
ENDED = replace(FIRING, state=AlertState.ENDED, end=AlertEnd.CLEARED)
LONG = replace(FIRING, id="b" * 900, model="m" * 5_000, columns=("c" * 5_000,) * 500, evidence=said("w" * 9_000))
STORM = tuple(replace(LONG, id=f"{n}") for n in range(500))
LETTERS = [Letter(f"wk_{n:032}", alerts, AT) for n, alerts in enumerate([(FIRING,), (ENDED,), (LONG,), STORM])]


def text(most: int, least: int = 1) -> dict[str, Any]:
    return {"type": "string", "minLength": least, "maxLength": most}


def record(required: dict[str, Any], **optional: Any) -> dict[str, Any]:
    return {
        "type": "object", "required": sorted(required), "properties": {**required, **optional},
        "additionalProperties": False,
    }  # fmt: skip


# https://docs.slack.dev/reference/block-kit/blocks: header 150, section 3,000, block_id 255 characters, 50 blocks
SLACK = record(
    {
        "text": text(40_000),
        "blocks": {
            "type": "array", "maxItems": 50,
            "items": {
                "oneOf": [
                    record({"type": {"const": "header"}, "text": record(
                        {"type": {"const": "plain_text"}, "text": text(150)}, emoji={"type": "boolean"})}),
                    record({"type": {"const": "section"}, "text": record(
                        {"type": {"const": "mrkdwn"}, "text": text(3_000)}, verbatim={"type": "boolean"})},
                        block_id=text(255)),
                ]
            },
        },
    }
)  # fmt: skip
# http://adaptivecards.io/schemas/adaptive-card.json, the elements that are used; and the envelope of a workflow
_BLOCK = record(
    {"type": {"const": "TextBlock"}, "text": text(2_000)},
    weight={"enum": ["Default", "Lighter", "Bolder"]}, size={"enum": ["Small", "Default", "Medium", "Large"]},
    color={"enum": ["Default", "Dark", "Light", "Accent", "Good", "Warning", "Attention"]}, wrap={"type": "boolean"},
)  # fmt: skip
TEAMS = record(
    {
        "type": {"const": "message"},
        "attachments": {
            "type": "array", "minItems": 1, "maxItems": 1,
            "items": record({
                "contentType": {"const": "application/vnd.microsoft.card.adaptive"}, "contentUrl": {"type": "null"},
                "content": record({
                    "$schema": {"const": "http://adaptivecards.io/schemas/adaptive-card.json"},
                    "type": {"const": "AdaptiveCard"}, "version": {"const": "1.4"},
                    "body": {"type": "array", "items": {"oneOf": [_BLOCK, record(
                        {"type": {"const": "Container"}, "items": {"type": "array", "items": _BLOCK}}, id=text(255))]}},
                }),
            }),
        },
    }
)  # fmt: skip
# https://developer.pagerduty.com/docs/send-alert-event
PAGERDUTY = record(
    {
        "event_action": {"enum": ["trigger", "acknowledge", "resolve"]},
        "payload": record(
            {
                "summary": text(1_024), "source": text(255),
                "severity": {"enum": ["critical", "warning", "error", "info"]},
            },
            timestamp={"type": "string"}, component=text(255), group=text(255), custom_details={"type": "object"},
            **{"class": text(255)},
        ),
    },
    dedup_key=text(255), client={"type": "string"},
)  # fmt: skip
# https://developer.atlassian.com/cloud/jira/service-desk-ops/rest/v2/api-group-integration-events/
JIRA = record(
    {"message": text(130)},
    alias=text(512), description=text(15_000), entity=text(512), source=text(100), note=text(25_000),
    priority={"enum": ["P1", "P2", "P3", "P4", "P5"]},
    tags={"type": "array", "maxItems": 20, "items": text(50)},
    details={"type": "object", "additionalProperties": text(8_000)},
)  # fmt: skip


@pytest.mark.parametrize("letter", LETTERS, ids=["firing", "ended", "long", "storm"])
@pytest.mark.parametrize(
    ("made", "schema", "most_bytes"),
    [
        (Slack.message, SLACK, 65_536), (Teams.message, TEAMS, 28_000), (PagerDuty.event, PAGERDUTY, 512_000),
        (JiraServiceManagement.alert, JIRA, 65_536),
    ],
    ids=["slack", "teams", "pagerduty", "jira"],
)  # fmt: skip
def test_what_is_sent_is_what_the_receiver_documents(made: Any, schema: Any, most_bytes: int, letter: Letter) -> None:
    document = made(letter)
    jsonschema.Draft202012Validator(schema).validate(document)
    body = json.dumps(document)
    assert len(body.encode()) <= most_bytes
    assert letter.key in body


def test_names_are_neither_mentions_nor_links() -> None:
    slack = Slack.message(LETTERS[0])["blocks"][1]["text"]["text"]
    assert "<@everyone>" not in slack
    assert "&lt;@everyone&gt; &amp;" in slack
    card = Teams.message(LETTERS[0])["attachments"][0]["content"]["body"][1]["items"][0]["text"]
    assert "\\[link\\](http" in card


def test_an_incident_is_opened_and_resolved_under_one_key() -> None:
    opened, closed, storm = (PagerDuty.event(LETTERS[n]) for n in (0, 1, 3))
    assert [one["event_action"] for one in (opened, closed, storm)] == ["trigger", "resolve", "trigger"]
    assert opened["dedup_key"] == closed["dedup_key"] == "flights/a1"
    assert opened["payload"]["severity"] == "critical"
    assert storm["dedup_key"] == LETTERS[3].key


class _Server(HTTPServer):
    seen: list[tuple[str, dict[str, str], bytes]]
    status, retry_after = 200, ""


class _Takes(BaseHTTPRequestHandler):
    server: _Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.seen.append((self.path, dict(self.headers), body))
        self.send_response(self.server.status)
        if self.server.retry_after:
            self.send_header("Retry-After", self.server.retry_after)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def taker() -> Iterator[_Server]:
    with _Server(("127.0.0.1", 0), _Takes) as server:
        server.seen = []
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def address(server: _Server, path: str = "") -> str:
    return f"http://127.0.0.1:{server.server_port}{path}"


def test_an_alert_that_ends_is_closed_by_its_alias(taker: _Server) -> None:
    for letter in LETTERS[:2]:
        JiraServiceManagement().send_letter(letter, {"url": address(taker, "/v2/alerts"), "api_key": "k"})
    assert [path for path, _, _ in taker.seen] == [
        "/v2/alerts", "/v2/alerts/flights%2Fa1/close?identifierType=alias",
    ]  # fmt: skip
    assert taker.seen[0][1]["Authorization"] == "GenieKey k"


def test_a_signature_is_that_of_the_standard() -> None:
    # From the test vectors of the reference libraries of Standard Webhooks.
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    signed = signature(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", b'{"test": 2432232314}')
    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_webhook_is_signed_and_carries_its_key(taker: _Server, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = base64.b64encode(b"0123456789abcdef0123456789abcdef").decode()
    monkeypatch.setenv("HOOK_SECRET", f"whsec_{secret}")
    Webhook().send_letter(LETTERS[0], {"url": address(taker), "secret_env": "HOOK_SECRET"})
    ((_, headers, body),) = taker.seen
    told = {name.lower(): value for name, value in headers.items()}
    key, stamp = told["webhook-id"], told["webhook-timestamp"]
    assert key == told["idempotency-key"] == LETTERS[0].key
    by_hand = hmac.new(base64.b64decode(secret), f"{key}.{stamp}.".encode() + body, hashlib.sha256).digest()
    assert told["webhook-signature"] == f"v1,{base64.b64encode(by_hand).decode()}"
    assert int(stamp) == int(AT.timestamp())
    assert secret not in without_secrets(f"it was whsec_{secret} there")


def test_many_alerts_are_posted_as_their_schema_says(taker: _Server) -> None:
    Webhook().send_letter(LETTERS[3], {"url": address(taker)})
    document = json.loads(taker.seen[0][2])
    schema = json.loads((Path(__file__).parents[2] / "docs/schemas/alerts.json").read_text())
    jsonschema.Draft202012Validator(schema).validate(document)
    assert (document["count"], len(document["alerts"])) == (500, 12)


@pytest.mark.parametrize(("status", "asked", "after"), [(429, "120", 120.0), (503, "", None), (500, "9", None)])
def test_a_receiver_that_is_busy_says_how_long(taker: _Server, status: int, asked: str, after: float | None) -> None:
    taker.status, taker.retry_after = status, asked
    with pytest.raises(DeliveryError) as failed:
        Slack().send_letter(LETTERS[0], {"url": address(taker, "/services/T0/B0/s3cr3t123")})
    assert failed.value.after == after
    assert "s3cr3t123" not in str(failed.value)


def test_a_credential_comes_from_a_variable_or_a_file_and_is_told_nowhere(
    taker: _Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "key").write_text("from-a-file-0123456789\n")
    monkeypatch.setenv("PD_KEY", "from-a-variable-0123456789")
    with caplog.at_level(logging.DEBUG):
        for given in ({"routing_key_env": "PD_KEY"}, {"routing_key_file": str(tmp_path / "key")}):
            PagerDuty().send_letter(LETTERS[0], {"url": address(taker), **given})
    keys = [json.loads(body)["routing_key"] for _, _, body in taker.seen]
    assert keys == ["from-a-variable-0123456789", "from-a-file-0123456789"]
    assert not any(key in caplog.text or (key != "*****" and key in without_secrets(key)) for key in keys)
    for wrong, words in (({"routing_key_env": "NOT_SET"}, "not set"), ({"routing_key_file": "/no/such"}, "cannot be")):
        with pytest.raises(UsageError, match=words):
            PagerDuty().send_letter(LETTERS[0], {"url": address(taker), **wrong})


def test_a_mail_holds_text_and_html_and_the_chart() -> None:
    png = b"\x89PNG\r\n\x1a\n..."
    letter = replace(LETTERS[0], pictures=(Picture(png, "mean of distance over time"),))
    mail = Email.mail(letter, "watch@example.org", ["a@example.org", "b@example.org"])
    plain, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert plain is not None
    assert html is not None
    assert "distance <@everyone>" in plain.get_content()
    assert "distance &lt;@everyone&gt; &amp;" in html.get_content()
    (picture,) = [part for part in mail.walk() if part.get_content_type() == "image/png"]
    assert picture.get_content() == png
    assert f"cid:{picture['Content-ID'].strip('<>')}" in html.get_content()
    assert mail["To"] == "a@example.org, b@example.org"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"host": "", "from": "a@b.c", "to": "a@b.c"}, "needs a host"),
        ({"host": "h", "port": "0", "from": "a@b.c", "to": "a@b.c"}, "takes a port"),
        ({"host": "h", "security": "no", "from": "a@b.c", "to": "a@b.c"}, "knows no security"),
        ({"host": "h", "from": "a@b.c", "to": "a@b.c\nBcc: x@y.z"}, "takes an address"),
        ({"host": "h", "from": "a@b.c", "to": ""}, "needs an address in to"),
        ({"host": "mail.test", "from": "a@b.c", "to": "a@b.c", "security": "none", "password": "p"}, "not encrypted"),
    ],
)
def test_a_mail_that_cannot_be_is_refused(options: dict[str, str], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        Email().send_letter(LETTERS[0], options)


@pytest.fixture(scope="module")
def alertmanager(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real Alertmanager on this machine."""
    program = shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")
    if program is None:
        pytest.skip("no Alertmanager here: make test installs the package prometheus-alertmanager")
    folder = tmp_path_factory.mktemp("alertmanager")
    (folder / "am.yml").write_text("route: {receiver: nobody}\nreceivers: [{name: nobody}]\n")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    options = [f"--config.file={folder / 'am.yml'}", f"--storage.path={folder / 'data'}"]
    options += ["--cluster.listen-address=", f"--web.listen-address=127.0.0.1:{port}"]
    process = subprocess.Popen([program, *options], stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    try:
        assert any("Listening on" in line or "listening" in line.lower() for line in process.stderr), (
            "it does not start"
        )
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.communicate()


def test_a_real_alertmanager_takes_alerts_and_their_ends(alertmanager: str) -> None:
    def known() -> list[Any]:
        with urllib.request.urlopen(f"{alertmanager}/api/v2/alerts") as answer:
            return json.load(answer)

    now = replace(LETTERS[0], at=datetime.now(UTC))
    Alertmanager().send_letter(now, {"url": alertmanager})
    (found,) = known()
    assert found["labels"] == {
        "alertname": "Watchkeeper", "alert": "a1", "model": "flights", "cause": "data_fault", "severity": "page",
    }  # fmt: skip
    assert found["annotations"]["key"] == now.key
    assert found["status"]["state"] in ("active", "unprocessed")
    Alertmanager().send_letter(replace(now, alerts=(ENDED,), at=datetime.now(UTC)), {"url": alertmanager})
    assert known() == []
    Alertmanager().send_letter(replace(LETTERS[3], at=datetime.now(UTC)), {"url": alertmanager})
    assert len(known()) == 100
