"""What commands write with ``--json`` is what their published schemas say, whatever the command."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args

import jsonschema
import polars as pl
import pytest
import typer

from tests.run.invented import MODEL, REFERENCE, day, deliver, rows, write
from watchkeeper.alerts.payload import SeverityName, payload, severity_name
from watchkeeper.api import open_project
from watchkeeper.cli.app import app
from watchkeeper.cli.documents import OUTPUTS, failure, output_schemas
from watchkeeper.core.alert import Alert, AlertState, Cause, Severity
from watchkeeper.core.encode import as_values
from watchkeeper.maintain.store_registry import Draft

from .conftest import Command, table

SCHEMAS = Path(__file__).parents[2] / "docs" / "schemas"
RULES = "rules:\n- {rule: in_range, column: amount, lower: 0, upper: 30}\n- {rule: unique, column: id}\n"


def closed(schema: Any) -> Any:
    """Return a schema that refuses fields it does not name, as a test of completeness needs and a reader does not."""
    if isinstance(schema, list):
        return [closed(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    inner = {key: closed(value) for key, value in schema.items()}
    return {**inner, "additionalProperties": False} if isinstance(inner.get("properties"), dict) else inner


def faults(command: str, document: Any) -> list[str]:
    """Return where a document is not what the published schema of a command says, with nothing beyond it."""
    schema = json.loads((SCHEMAS / f"{command.replace(' ', '-')}.json").read_text("utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(closed(schema))
    found = [deepest for error in validator.iter_errors(document) for deepest in (error.context or [error])]
    return [f"{command}: {error.json_path}: {error.message[:300]}" for error in found]


def commands(group: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every command with its words."""
    for name, command in getattr(group, "commands", {}).items():
        yield from commands(command, f"{path} {name}".strip())
    if path and not hasattr(group, "commands"):
        yield path, group


def test_every_command_with_json_has_a_schema_and_no_other() -> None:
    speaking = {
        path
        for path, command in commands(typer.main.get_command(app))
        if any("--json" in p.opts for p in command.params)
    }
    assert speaking == set(OUTPUTS)
    assert {path.replace(" ", "-") for path in speaking} | {"alert", "alerts"} == {
        path.stem for path in SCHEMAS.iterdir()
    }


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return a folder with a project whose world turned on day 7: two versions, alerts, refused and done actions."""
    folder = tmp_path_factory.mktemp("project")
    write(folder)
    whole = rows(0, 9, turn=7)
    first_day = pl.lit(datetime(1970, 1, 1, tzinfo=UTC)).cast(pl.Datetime("us", "UTC"))
    strange = whole.head(2).with_columns(id=pl.concat_str(pl.lit("strange "), "id"), time=first_day)
    deliver(folder, "all", pl.concat([whole, strange]), whole)
    (folder / "ids.txt").write_text(f"{whole['id'][-1]}\n", "utf-8")
    table(800, 3, shift=1.0).write_parquet(folder / "now.parquet")
    table(1_600, 2).write_parquet(folder / "then.parquet")
    (folder / "rules.yaml").write_text(RULES, "utf-8")
    (folder / "older.yaml").write_text(RULES.replace("30", "31").replace("- {rule: unique, column: id}\n", ""), "utf-8")
    sys.path.insert(0, str(folder))
    sys.modules.pop("training", None)
    opened = open_project(folder / "watchkeeper.yaml", environ={})
    from training import train

    keeper = opened.keeper(MODEL)
    first = whole.filter(pl.col("time") < day(REFERENCE).start)
    keeper.adopt(train(first, 0), day(REFERENCE).start, trained=None, who="test", why="the first")
    keeper.registry.register(Draft(train(first, 1), day(5).start, "me", "by hand"))
    opened.close()
    yield folder
    sys.path.remove(str(folder))
    sys.modules.pop("training", None)


# In this order: the later ones show what the earlier ones left behind.
CALLS = [
    "run", "status", "report", "explain", "ack", "mute --for 2d", "unmute", "behaviour", "versions",
    "adopt --version elsewhere",
    "promote v2", "rollback", "gc", "retrain", "compress v1 --to distilled", "why v2", "model-card v2", "audit verify",
    "rollout status", "rollout start v2", "rollout pause", "rollout resume", "rollout verdict", "rollout abort",
    "config show", "notify test", "notify status", "notify retry",
    "check now.parquet -r then.parquet --label label --attribute",
    "check now.parquet -r then.parquet --rules rules.yaml",
    "anomalies now.parquet -r then.parquet --id id", "rules suggest then.parquet", "rules diff older.yaml rules.yaml",
    "rules rows now.parquet --rules rules.yaml", "store info", "store compact", "store vacuum --dry-run", "store check",
    "store quarantine list", "store quarantine show", "store quarantine release --reason early",
    "store quarantine drop --all", "store forget --ids ids.txt",
    "prove incoming/predictions/all.parquet --time time --id id --every 6h --fault nulls@1 --column x --seeds 1",
]  # fmt: skip


def named(words: str) -> str:
    return next(name for name in sorted(OUTPUTS, key=len, reverse=True) if words.startswith(name))


def test_every_command_writes_what_its_schema_says(watchkeeper: Command, project: Path) -> None:
    written: dict[str, dict[str, Any]] = {}
    for words in CALLS:
        done = watchkeeper(*words.split(), "--json", folder=project)
        assert done.returncode in (0, 1), (words, done.stderr)
        document = json.loads(done.stdout)
        assert faults(named(words), document) == []
        assert "error" not in document
        # Values of the configuration are shown as they are written there.
        moments = [] if words == "config show" else re.findall(r'"(\d{4}-\d\d-\d\dT[^"]*)"', done.stdout)
        assert [at for at in moments if not re.fullmatch(r"[-\d]{10}T[:\d]{8}(\.\d+)?Z", at)] == [], words
        written[named(words)] = document
    assert set(written) == set(OUTPUTS)
    # The schemas were not met by empty lists alone.
    full = written["report"]
    assert all(full[name] for name in ("alerts", "actions", "measurements", "signals", "columns", "notes"))
    assert any(alert["evidence"] and alert["diagnosis"]["attributions"] for alert in full["alerts"])
    assert all(written["run"]["models"][MODEL][name] for name in ("judged", "alerts", "changed", "actions"))
    assert all(written["behaviour"][name] for name in ("drift", "importance", "dependence", "examples"))
    assert [rule["offending"] > 0 for rule in written["rules rows"]["rules"]] == [True, False]
    assert [change["what"] for change in written["rules diff"]["changes"]] == ["changed", "added"]


@pytest.mark.parametrize("name", sorted(OUTPUTS))
def test_a_command_that_cannot_run_says_so_as_its_schema_says(watchkeeper: Command, name: str) -> None:
    done = watchkeeper(*name.split(), "--no-such-option", "--json")
    assert done.returncode == 2
    document = json.loads(done.stdout)
    assert faults(name, document) == []
    assert (document["schema_version"], document["verdict"], document["error"]["kind"]) == (1, "failed", "usage")


def test_the_schemas_refuse_what_no_command_writes() -> None:
    for name in OUTPUTS:
        for wrong in ({}, {"schema_version": 1}, {**as_values(failure("usage", "no")), "schema_version": 2}):
            assert faults(name, wrong), (name, wrong)


@pytest.mark.parametrize("name", sorted(output_schemas()))
def test_every_part_of_a_schema_is_described(name: str) -> None:
    parts = output_schemas()[name]["$defs"]
    assert [part for part, schema in parts.items() if "enum" not in schema and not schema.get("description")] == []
    assert "----" not in json.dumps(parts)


def test_an_alert_is_sent_as_its_schema_says() -> None:
    alert = Alert("a1", "m", Cause.DRIFT, Severity.WARNING, AlertState.FIRING, day(1).start, None, ("x",))
    assert faults("alert", as_values(payload(alert))) == []


def test_severities_are_named_in_documents_as_they_are_in_words() -> None:
    assert [severity_name(s) for s in Severity] == [str(s) for s in Severity] == list(get_args(SeverityName))
