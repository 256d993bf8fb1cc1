"""What version 0.1.0 has stored opens, is brought up to date and goes on as it would have gone on then."""

from __future__ import annotations

import json
import shutil
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.store.data import write_store
from watchkeeper.api import explain
from watchkeeper.compare.usual_rates import RATES
from watchkeeper.core.alert import Alert, AlertState
from watchkeeper.core.query import Query
from watchkeeper.core.spec import Spec
from watchkeeper.core.window import Window
from watchkeeper.run.project import Project, open_project
from watchkeeper.store.lake import LakeStore

DATA = Path(write_store.__file__).parent
MODEL = write_store.MODEL

RENAMED = {"blind": "no_data", "resolved": "ended", "silenced": "muted"}
"""Tags of 0.1.0 that have another name today: causes and states of alerts."""


@pytest.fixture(scope="module")
def then() -> dict[str, Any]:
    """What 0.1.0 said of its own store."""
    found = json.loads((DATA / "store-0.1.0.json").read_text(encoding="utf-8"))
    for part in found.values():
        part["alerts"] = [[RENAMED.get(word, word) for word in alert] for alert in part["alerts"]]
    return found


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("earlier")
    with tarfile.open(DATA / "store-0.1.0.tar.xz") as file:
        file.extractall(folder, filter="data")
    # The list of 0.1.0 replaced the default monitors, for which there is a word today.
    config = folder / "store-0.1.0" / "watchkeeper.yaml"
    config.write_text(config.read_text().replace("    monitors:\n", "    monitors:\n      only:\n", 1))
    return folder / "store-0.1.0"


@pytest.fixture
def project(archive: Path, tmp_path: Path) -> Iterator[Project]:
    folder = shutil.copytree(archive, tmp_path / "store")
    opened = open_project(folder / "watchkeeper.yaml", {})
    yield opened
    opened.close()


def test_a_store_of_0_1_0_opens_with_the_same_alerts_actions_and_states(project, then):
    found = write_store.stored(project.store)
    for kind, expected in then["stored"].items():
        assert as_json(found[kind]) == expected, kind
    assert project.audit_breaks(MODEL) == []
    assert {alert[3] for alert in found["alerts"]} == {"firing", "pending", "ended"}


def test_a_run_over_a_store_of_0_1_0_goes_on_as_0_1_0_would_have(project, then):
    folder = project.folder
    project.close()
    went_on = write_store.go_on(folder)
    for kind in ("alerts", "audit", "champion", "states"):
        assert as_json(went_on[kind]) == then["went_on"][kind], kind
    for day, expected in zip(went_on["signals"], then["went_on"]["signals"], strict=True):
        # A score was asked for a change of its unit then.
        asked = [signal for signal in expected if signal[2:4] != ["unit_change", "score"]]
        assert [signal[:4] for signal in day] == [signal[:4] for signal in asked]
        for signal, known in zip(day, asked, strict=True):
            # The rates of faults were judged by the design effect of the values then.
            if signal[2] in RATES:
                continue
            # A p-value had the limit of a change beside it then, and has its own now.
            compared = 3 if signal[0] == "significance" else 5
            assert numbers(signal)[:compared] == pytest.approx(numbers(known)[:compared], rel=1e-9), signal[:4]
    again = open_project(folder / "watchkeeper.yaml", {})
    assert again.audit_breaks(MODEL) == []
    again.close()


def test_nothing_of_0_1_0_is_inferred_summarised_or_judged_anew(project, monkeypatch):
    put, put_states = [], LakeStore.put_states

    def watched(store, model, states, **more):
        put.extend(states)
        put_states(store, model, states, **more)

    monkeypatch.setattr(LakeStore, "put_states", watched)
    monkeypatch.setattr("watchkeeper.run.project.infer_schema", None)
    marks = {name: project.store.pointer(MODEL, name) for name in ("schema", "reference", "place")}
    write_store.deliver(project.folder, write_store.END, write_store.END + 1)
    day = Window(*(write_store.START + n * write_store.DAY for n in (write_store.END, write_store.END + 1)))
    ran = project.run(MODEL, day.end).ran
    assert (ran.judged, ran.revised, put) == ((day,), (), [day])
    renewed = {name: project.store.pointer(MODEL, name) for name in marks}
    assert '"columns.1:' in renewed["schema"]
    # Version 0.1.0 knew of no calendar columns: none is made up for what it inferred.
    known = {**json.loads(marks["schema"])["schema"], "calendar": [], "counters": []}
    assert json.loads(renewed["schema"])["schema"] == known
    assert renewed["reference"].startswith("reference.1:")
    place = json.loads(renewed["place"])
    assert place["basis"].startswith("states.1:")
    assert place["reference"] == renewed["reference"]
    specs = project.store.recorded(MODEL, Spec)
    project.run(MODEL, day.end)
    assert {name: project.store.pointer(MODEL, name) for name in marks} == renewed
    assert project.store.recorded(MODEL, Spec) == specs


def numbers(signal: list[Any]) -> list[float]:
    return [-1e99 if part is None else float(part) for part in signal[4:]]


def as_json(value: Any) -> Any:
    return json.loads(json.dumps(value))


def test_an_alert_of_0_1_0_has_no_diagnosis_until_the_next_run_makes_one_where_it_still_fires(project):
    (open_one,) = project.store.recorded(MODEL, Alert, Query(states=(AlertState.FIRING,)))
    assert explain(project, open_one.id).diagnosis is None
    write_store.go_on(project.folder)
    assert explain(project, open_one.id).diagnosis is not None
