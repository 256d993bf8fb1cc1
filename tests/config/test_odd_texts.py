"""Whatever a configuration holds, reading it ends with a configuration or with one of our errors, at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from watchkeeper.config.configuration import Config, check_names, load_config
from watchkeeper.core.errors import UsageError, WatchkeeperError

from .odd_texts import TEXTS

FINE = {
    "bom", "carriage returns", "json", "question marks", "name number", "octal", "name of dots",
    "name with slashes", "monitors null", "source null",
}  # fmt: skip
"""Texts that are a configuration; what is wrong with the others is said."""


@pytest.mark.parametrize("name", TEXTS)
def test_a_text_is_a_configuration_or_one_of_our_errors(tmp_path: Path, name: str) -> None:
    path, text = tmp_path / "watchkeeper.yaml", TEXTS[name]
    path.write_bytes(text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text)
    try:
        config = load_config(path, environ={})
        check_names(config)
    except WatchkeeperError as error:
        assert isinstance(error, UsageError)
        assert name not in FINE, error
        message = str(error)
        assert len(message) < 2_000
        assert message.isprintable() or "\n" in message
    else:
        assert isinstance(config, Config)


def test_there_are_eighty_and_more() -> None:
    assert len(TEXTS) >= 80
