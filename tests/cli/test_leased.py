"""A model that another worker has costs itself only, and the exit code tells it from a failure."""

from datetime import timedelta

import pytest

from tests.cli.conftest import parsed
from tests.run import invented
from tests.run.invented import MODEL, deliver, rows
from watchkeeper.run.project import open_project


@pytest.fixture
def folder(tmp_path):
    place = invented.write(tmp_path)
    head, model = place.read_text().split("  sales:\n")
    place.write_text(f"{head}  sales:\n{model}  copy:\n{model}")
    found = rows(0, 6)
    deliver(tmp_path, "0", found, found)
    project = open_project(place, {})
    project.store.lease("copy", timedelta(hours=1), host="elsewhere", process=4711)
    project.close()
    return tmp_path


def test_other_models_run_and_the_code_says_that_one_is_at_work_elsewhere(watchkeeper, folder):
    done = watchkeeper("run", "--json", folder=folder)
    assert done.returncode == 5, done.stderr
    models = parsed(done)["models"]
    assert models[MODEL]["rows"] > 0
    assert models["copy"]["error"]["kind"] == "leased"
    lines = [line for line in done.stderr.splitlines() if line.startswith("copy: ")]
    assert len(lines) == 1
    assert "process 4711 on elsewhere since " in lines[0]


def test_a_failure_weighs_more_than_a_model_that_is_at_work_elsewhere(watchkeeper, folder):
    place = folder / "watchkeeper.yaml"
    head, other = place.read_text().split("  copy:\n")
    place.write_text(f"{head.replace('incoming/predictions', 'nowhere')}  copy:\n{other}")
    done = watchkeeper("run", folder=folder)
    assert done.returncode == 3, done.stderr
    assert "copy: another worker is at work on it" in done.stdout
