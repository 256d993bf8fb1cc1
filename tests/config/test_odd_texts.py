"""Whatever a configuration holds, reading it ends with a configuration or with one of our errors, at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from watchkeeper.config.configuration import check_names, load_config
from watchkeeper.core.errors import UsageError

from .odd_texts import TEXTS

FINE = {
    "nothing", "blank", "comment", "null", "tilde", "bom", "carriage returns", "json", "question marks", "name number",
    "name null", "name true", "name date", "octal", "infinity", "name of dots", "name with slashes", "monitors null",
    "source null", "column twice", "rules number", "store url number", "open environment", "environment in itself",
    "train elsewhere",
}  # fmt: skip
"""Texts that are a configuration; what is wrong with the others is said."""


@pytest.mark.parametrize("name", TEXTS)
def test_a_text_is_a_configuration_or_one_of_our_errors(tmp_path: Path, name: str) -> None:
    path, text = tmp_path / "watchkeeper.yaml", TEXTS[name]
    path.write_bytes(text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text)
    if name in FINE:
        config = load_config(path, environ={})
        check_names(config)
        return
    with pytest.raises(UsageError) as raised:
        check_names(load_config(path, environ={}))
    message = str(raised.value)
    assert len(message) < 2_000
    assert message.isprintable() or "\n" in message


def test_there_are_eighty_and_more() -> None:
    assert len(TEXTS) >= 80
