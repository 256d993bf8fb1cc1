"""Passwords, keys and signatures are masked wherever they stand, and everything else is left as it is."""

from __future__ import annotations

import pytest

from watchkeeper.core import secrets
from watchkeeper.core.errors import StoreError
from watchkeeper.core.secrets import known_secret, without_secrets

HIDDEN = [
    "postgresql+psycopg://me:hush@host/db",
    "postgresql://me:hu/sh@ss%20hush@host/db",
    "https://hush@host/path",
    "postgresql://host/db?user=me&password=hush",
    "s3://bucket/path?X-Amz-Signature=hush&X-Amz-Credential=hush/2024/eu",
    "az://c/p?sv=2024&sig=hush%3D&se=2024",
    "https://host/a#access_token=hush",
    "DefaultEndpointsProtocol=https;AccountName=me;AccountKey=hush+/==;EndpointSuffix=core",
    "host=db password=hush dbname=x",
    "{'aws_secret_access_key': 'hush', 'region': 'eu'}",
    '{"client_secret": "hu sh", "x": 1}',
    "options: {bearer_token: 'hush'}",
    "Authorization: Bearer hushhush.hush",
    "<AWSAccessKeyId>hush</AWSAccessKeyId><StringToSign>hush</StringToSign>",
    "https%3A%2F%2Fhost%2F%3Fapi_key%3Dhush",
]
SHOWN = [
    "cannot read s3://bucket/path/part-1.parquet: permission is denied",
    "models.m.columns: unknown key; did you mean 'score'? Valid: id, time, score",
    "token_drift of review: .31, limit .09 (key: none)",
    "the key 'a' and the token \"b\"",
    "a@b.de wrote to https://host/a/b?from=2024&until=2025",
    "cannot open postgresql://me:***@host/db",
    "x=3, key_columns=[a, b], monkey=1, compass=north",
]


@pytest.mark.parametrize("text", HIDDEN)
def test_a_secret_is_masked(text: str) -> None:
    shown = without_secrets(f"cannot open {text}: it failed")
    assert "hush" not in shown
    assert secrets.MASK in shown
    assert shown.startswith("cannot open ")
    assert shown.endswith(": it failed")
    assert without_secrets(shown) == shown


@pytest.mark.parametrize("text", SHOWN)
def test_everything_else_is_left_as_it_is(text: str) -> None:
    assert without_secrets(text) == text


def test_every_error_masks_what_it_says() -> None:
    assert str(StoreError("cannot open postgresql://me:hush@host/db")) == "cannot open postgresql://*****@host/db"


def test_what_the_configuration_keeps_secret_is_masked_wherever_it_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secrets, "_known", set())
    known_secret(["p/w 1+2", "alerts", "short"])
    assert without_secrets("it said p/w 1+2, p%2Fw%201%2B2 and p%2Fw+1%2B2 about alerts in short") == (
        "it said *****, ***** and ***** about alerts in short"
    )


def test_a_long_text_costs_time_in_proportion() -> None:
    # A pattern that goes back and forth over such a text would not end.
    for text in (
        "a" * 200_000,
        "a." * 100_000 + "secret",
        "://" * 50_000,
        "@" + "://" * 50_000,
        "key:" * 50_000,
        "key=" * 50_000,
    ):
        assert len(without_secrets(text)) > 0
