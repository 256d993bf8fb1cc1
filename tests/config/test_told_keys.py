"""Every key of the configuration says in the schema what it is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from watchkeeper.config.configuration import Config
from watchkeeper.config.told_keys import told_keys
from watchkeeper.core.spec import Maintenance


def keys(schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for part, found in (("", schema), *schema.get("$defs", {}).items()):
        for key, value in found.get("properties", {}).items():
            yield f"{part}.{key}", value


def test_every_key_has_its_description() -> None:
    described = {path: value.get("description", "") for path, value in keys(Config.model_json_schema())}
    assert len(described) > 90
    assert [path for path, text in described.items() if len(text) < 10] == []
    assert described["Maintain.label_delay"].startswith("The embargo between")
    assert described["Alerts.budget"].startswith("How rarely")


def test_names_that_share_an_entry_are_all_told() -> None:
    told = told_keys(Maintenance)
    assert told["retrain"] == told["promote"] == "auto to do it, ask to propose it, never."
    assert "``" not in "".join(told.values())
