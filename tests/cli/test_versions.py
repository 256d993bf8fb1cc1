"""The commands about versions and the audit trail, as people type them."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from shutil import copytree

import polars as pl
import pytest

from tests.run.invented import MODEL, REFERENCE, day, deliver, rows, write
from watchkeeper.run.project import open_project

from .conftest import Command, parsed

HOUR = 3600


@pytest.fixture(scope="module")
def retrained_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return a project whose world has turned, and whose second version is in charge."""
    folder = tmp_path_factory.mktemp("retrained")
    whole = rows(0, 9, turn=6, count=200)
    write(folder)
    deliver(folder, "all", whole, whole)
    sys.path.insert(0, str(folder))
    from training import train

    opened = open_project(folder / "watchkeeper.yaml", {})
    first = whole.filter(pl.col("time") < day(REFERENCE).start)
    opened.keeper(MODEL).adopt(train(first, 0), day(REFERENCE).start, trained=None, who="test", why="the first")
    opened.run(MODEL, day(9).start)
    assert opened.keeper(MODEL).champion == "v2"
    opened.close()
    yield folder
    sys.path.remove(str(folder))
    sys.modules.pop("training", None)


@pytest.fixture
def retrained(tmp_path: Path, retrained_once: Path) -> Path:
    return Path(copytree(retrained_once, tmp_path, dirs_exist_ok=True))


def test_who_was_in_charge_at_a_time_is_one_command(watchkeeper: Command, retrained: Path) -> None:
    listed = parsed(watchkeeper("versions", "--json", folder=retrained))
    served = [one for one in listed["history"] if one["role"] == "champion"]
    assert [one["version"] for one in served] == ["v1", "v2"]
    assert listed["served"] is None
    first = watchkeeper("versions", "--at", served[0]["since"], folder=retrained)
    assert first.stdout.startswith("v1 was in charge of sales at ")
    assert parsed(watchkeeper("versions", "--at", served[1]["since"], "--json", folder=retrained))["served"] == "v2"
    before = watchkeeper("versions", "--at", "2024-03-01", folder=retrained)
    assert before.stdout == "No version was in charge of sales at 2024-03-01 00:00 UTC\n"
    later = watchkeeper("versions", "--at", "2999-01-01", folder=retrained)
    assert (later.returncode, "--at '2999-01-01' is yet to come" in later.stderr) == (2, True)


def test_the_story_of_a_version_is_told_in_a_dozen_plain_lines(watchkeeper: Command, retrained: Path) -> None:
    done = watchkeeper("why", "v2", folder=retrained)
    lines = [line[18:] for line in done.stdout.splitlines()]
    assert len(lines) <= 14
    told = [
        "an alert began (performance): ", "watchkeeper proposed to retrain: ", "it has learned from rows from 2024-03-",
        "made by training:train (code ", "watchkeeper registered v2 to take the place of v1, file ",
        "the gate passed it: ", "watchkeeper promoted it in place of v1", "v2 is champion now; in charge since 2024-",
    ]  # fmt: skip
    assert [words for words in told if not any(line.startswith(words) for line in lines)] == []
    assert watchkeeper("why", "v9", folder=retrained).returncode == 2
    story = parsed(watchkeeper("why", "v1", "--json", folder=retrained))["story"]
    assert story[-1]["text"].startswith("v1 is retired now; in charge from 2024-")
    assert any(line["text"].startswith("watchkeeper promoted v2 in its place") for line in story)
    for version in ("v1", "v2"):
        times = [one["at"] for one in parsed(watchkeeper("why", version, "--json", folder=retrained))["story"]]
        known = [at for at in times if at is not None]
        assert known == sorted(known)


def test_replayed_history_is_dated_by_its_deeds(watchkeeper: Command, retrained: Path) -> None:
    history = parsed(watchkeeper("versions", "--json", folder=retrained))["history"]
    assert {one["since"][:4] for one in history} == {"2024"}
    assert watchkeeper("versions", "--at", "2024-12-31", folder=retrained).stdout.startswith("v2 was in charge")


def test_a_model_card_is_a_page_and_a_document(watchkeeper: Command, retrained: Path) -> None:
    done = watchkeeper("model-card", "v2", folder=retrained)
    assert done.returncode == 0, done.stderr
    page = (retrained / "sales-v2-card.html").read_text()
    card = parsed(watchkeeper("model-card", "v2", "--json", folder=retrained))
    assert (card["version"], card["standing"], card["trainer"]) == ("v2", "champion", "training:train")
    for words in (card["artefact"], card["trained_on"]["digest"], card["inputs"][0]["name"], "How it was made"):
        assert words in page
    assert [one["end"] for one in card["reigned"]] == [None]
    assert watchkeeper("model-card", "v9", folder=retrained).returncode == 2


def test_an_audit_trail_is_verified_against_what_was_exported_of_it(
    watchkeeper: Command, retrained: Path, tmp_path: Path
) -> None:
    kept = tmp_path / "kept.jsonl"
    assert watchkeeper("audit", "export", "--to", kept, folder=retrained).returncode == 0
    assert watchkeeper("audit", "export", folder=retrained).stdout == kept.read_text()
    assert watchkeeper("rollback", folder=retrained).returncode == 0
    whole = watchkeeper("audit", "verify", "--against", kept, folder=retrained)
    assert (whole.returncode, whole.stdout[:7]) == (0, "whole: ")
    lines = kept.read_text().splitlines()
    other = {**json.loads(lines[1]), "hash": "0" * 64}
    kept.write_text("\n".join([lines[0], json.dumps(other)]))
    done = watchkeeper("audit", "verify", "--against", kept, "--json", folder=retrained)
    assert done.returncode == 3
    assert parsed(done)["faults"] == ["record 2 of the export does not hold by itself: the file was altered"]
    kept.write_text("no export\n")
    assert watchkeeper("audit", "verify", "--against", kept, folder=retrained).returncode == 3


def test_a_version_is_forced_only_with_words(watchkeeper: Command, retrained: Path) -> None:
    done = watchkeeper("promote", "v1", "--force", folder=retrained)
    assert (done.returncode, "say why: --why WORDS" in done.stderr) == (2, True)
    late = watchkeeper("promote", "v1", "--instead-of", "v7", folder=retrained)
    assert (late.returncode, "'champion'" in late.stderr, "somebody else moved it first" in late.stderr) == (
        3,
        True,
        True,
    )


def test_files_that_no_version_names_go_and_others_stay(watchkeeper: Command, retrained: Path) -> None:
    folder = retrained / "data" / "artefacts"
    named = {path.name for path in folder.iterdir()}
    assert len(named) == 2
    foreign, young = folder / "notes.txt", folder / f"{'1' * 64}.skops"
    old = [folder / f"{'0' * 64}.skops", folder / f"{'2' * 64}.pickle", folder / f".{'a' * 32}.part"]
    for path in (foreign, young, *old):
        path.write_bytes(b"1234")
    for path in (foreign, *old, *(folder / name for name in named)):
        os.utime(path, (time.time() - 2 * HOUR,) * 2)
    said = parsed(watchkeeper("gc", "--dry-run", "--json", folder=retrained))
    assert (said["files"], said["bytes"]) == (sorted(path.name for path in old), 12)
    assert all(path.exists() for path in old)
    done = watchkeeper("gc", folder=retrained)
    assert done.stdout.startswith("3 model files that no version names went, 12 bytes\n")
    assert {path.name for path in folder.iterdir()} == {*named, foreign.name, young.name}
    assert watchkeeper("gc", folder=retrained).stdout.startswith("0 model files")


def test_a_retraining_that_is_asked_for_stands_at_the_gate(watchkeeper: Command, retrained: Path) -> None:
    done = watchkeeper("retrain", "--why", "a new product", folder=retrained)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "retrain proposed: a new product"
    assert [line.split(":")[0] for line in lines[1:4]] == ["retrain v3 done", "register v3 done", "validate v3 refused"]
    assert "a new product" in watchkeeper("why", "v3", folder=retrained).stdout
