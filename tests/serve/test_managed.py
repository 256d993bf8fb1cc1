"""A model that is served from a real store: routed, followed, shadowed, and never without an answer."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from subprocess import run
from threading import Event

import numpy as np
import polars as pl
import pytest

from tests.run.invented import MODEL, day, deliver, rows, write
from tests.test_imports import HEAVY_FOR_A_SERVICE, loaded_by
from watchkeeper.core.errors import ArtefactError, StoreError
from watchkeeper.core.schema import Role
from watchkeeper.maintain.recipe import recipe_of
from watchkeeper.maintain.store_registry import Draft
from watchkeeper.maintain.train import load_trainer
from watchkeeper.run.project import Project, open_project
from watchkeeper.serve import ManagedModel

WHOLE = rows(0, 12, count=120)
ASKED = WHOLE.select("x", "z", "plan").head(200).to_dicts()


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return a project with three versions, v1 in charge; they disagree about everything."""
    folder = tmp_path_factory.mktemp("served")
    write(folder)
    place = folder / "watchkeeper.yaml"
    place.write_text(place.read_text() + "      rollout: {stages: [shadow, 25%, 100%]}\n")
    deliver(folder, "all", WHOLE, WHOLE)
    sys.path.insert(0, str(folder))
    from training import train

    with open_project(place, {}) as opened:
        opened.take_in(MODEL)
        registry = opened.keeper(MODEL).registry
        opened.store.record(MODEL, [opened.spec(MODEL)])
        for seed, learned in enumerate((WHOLE, WHOLE.with_columns(label=1 - pl.col("label")), WHOLE.head(500))):
            registry.register(Draft(train(learned, seed), day(10).start, "me", "by hand"))
        registry.promote("v1", who="me", why="first", at=day(10).start)
    yield folder
    sys.path.remove(str(folder))
    sys.modules.pop("training", None)


@pytest.fixture
def folder(prepared: Path, tmp_path: Path) -> Path:
    from shutil import copytree

    return Path(copytree(prepared, tmp_path, dirs_exist_ok=True))


def opened(folder: Path) -> Project:
    return open_project(folder / "watchkeeper.yaml", {})


def served(folder: Path) -> ManagedModel:
    """Return the model; no test waits for its thread: each looks itself."""
    return ManagedModel(folder / "watchkeeper.yaml", poll_seconds=3_600)


def expected(folder: Path, version: str, asked: pl.DataFrame) -> list[float]:
    with opened(folder) as project:
        model = project.keeper(MODEL).model(version)
        return [float(p) for p in model.predict_proba(asked)[:, 1]]


def test_importing_it_loads_nothing_heavy() -> None:
    assert not loaded_by("import watchkeeper.serve") & set(HEAVY_FOR_A_SERVICE)


def test_the_champion_answers_and_what_it_answered_is_logged(folder: Path) -> None:
    with served(folder) as model:
        answers = model.predict_many(ASKED[:20], ids=[f"r{i}" for i in range(20)], time="2024-03-15T12:00:00Z")
        assert {answer.version for answer in answers} == {"v1"}
        one = model.predict(ASKED[0], id="one", time="2024-03-15T13:00:00Z")
    wanted = expected(folder, "v1", WHOLE.head(20))
    assert [answer.score for answer in answers] == pytest.approx(wanted)
    assert one.score == pytest.approx(wanted[0])
    with opened(folder) as project:
        taken = project.take_in(MODEL, day(13).start)
        assert sum(one.appended.rows for one in taken) == 21
        schema = project.spec(MODEL).schema
        logged = pl.concat(b.frame for b in project.store.read(MODEL, schema, day(11)))
        assert logged.filter(pl.col("id").str.starts_with("r")).height == 20
        assert schema.name_of(Role.SCORE) == "score"


def test_a_promotion_is_followed_while_it_serves_and_so_is_a_rollback(folder: Path) -> None:
    with served(folder) as model, opened(folder) as project:
        before = model.predict(ASKED[0], id=1)
        registry = project.keeper(MODEL).registry
        registry.promote("v2", who="me", why="try", at=day(11).start)
        assert model.predict(ASKED[0], id=1).version == "v1"
        assert model.refresh()
        after = model.predict(ASKED[0], id=1)
        assert (before.version, after.version) == ("v1", "v2")
        assert after.score != pytest.approx(before.score, abs=0.1)
        registry.roll_back(who="me", why="no", at=day(11).start)
        # It is loaded still: where the files are away it answers at once.
        for path in (folder / "data" / "artefacts").iterdir():
            path.unlink()
        assert model.refresh()
        assert model.predict(ASKED[0], id=1).version == "v1"


def test_the_thread_follows_by_itself(folder: Path) -> None:
    followed = Event()

    class Watched(ManagedModel):
        def refresh(self) -> bool:
            looked = super().refresh()
            if self.version == "v2":
                followed.set()
            return looked

    with Watched(folder / "watchkeeper.yaml", poll_seconds=0.01) as model, opened(folder) as project:
        project.keeper(MODEL).registry.promote("v2", who="me", why="try", at=day(11).start)
        # It ends as soon as the thread has followed; only one that never does is waited for so long.
        assert followed.wait(300)
        assert model.predict(ASKED[0], id=1).version == "v2"


def test_a_rollout_is_followed_from_shadow_to_its_share(folder: Path) -> None:
    with opened(folder) as project, served(folder) as model:
        rollouts = project.rollouts(MODEL)
        rollouts.start("v3", who="me", at=day(10).start)
        assert model.refresh()
        assert {a.version for a in model.predict_many(ASKED, ids=range(200))} == {"v1"}
        model._shadowed.join()
        assert model.shadowed == 200
        rollouts.advance(day(11).start)
        assert rollouts.newest is not None
        if rollouts.newest.stage == 0:
            from dataclasses import replace

            from watchkeeper.maintain.rollout import ROLLOUT, written

            held, later = project.store.pointer(MODEL, ROLLOUT), replace(rollouts.newest, stage=1)
            project.store.record(MODEL, [], {ROLLOUT: (held, written(later))})
        assert model.refresh()
        first = [a.version for a in model.predict_many(ASKED, ids=range(200))]
        assert 25 < first.count("v3") < 75
        assert [a.version for a in model.predict_many(ASKED, ids=range(200))] == first
        project.rollouts(MODEL).abort(who="me", why="enough", at=day(11).start)
        assert model.refresh()
        assert {a.version for a in model.predict_many(ASKED, ids=range(200))} == {"v1"}


def test_the_last_good_version_serves_while_the_store_is_away(folder: Path) -> None:
    with served(folder) as model:
        (folder / "data").rename(folder / "away")
        model._source.close()
        assert not model.refresh()
        assert model.predict(ASKED[0], id=1).version == "v1"
        assert any("is not there" in problem for problem in model.problems)
        (folder / "away").rename(folder / "data")
        assert model.refresh()
    (folder / "data").rename(folder / "gone")
    with pytest.raises(StoreError, match="is not there"):
        served(folder)


def test_a_version_whose_file_was_altered_does_not_take_over(folder: Path) -> None:
    with served(folder) as model, opened(folder) as project:
        registry = project.keeper(MODEL).registry
        registry.promote("v2", who="me", why="try", at=day(11).start)
        place = folder / "data" / "artefacts"
        (file,) = place.glob(f"{registry.version('v2').artefact}*")
        file.chmod(0o600)
        file.write_bytes(b"something else")
        assert not model.refresh()
        assert model.predict(ASKED[0], id=1).version == "v1"
        assert any("ArtefactError" in problem for problem in model.problems)


NETS = """
import torch


def build(inputs, outputs):
    return torch.nn.Linear(inputs, outputs)
"""

NEXT = """
from watchkeeper.serve import ManagedModel

with ManagedModel("{place}", poll_seconds=3_600) as model:
    print(model.predict({{"x": 1.0, "z": 0.0, "plan": "a"}}, id=1).version)
"""

BY_HAND = """
from watchkeeper.run.project import open_project

with open_project("{place}", {{}}) as project:
    project.keeper("sales").promote("net", who="me", why="again", at=project.keeper("sales").versions()[0].registered)
"""


def elsewhere(code: str, folder: Path) -> str:
    """Run code in a fresh process that stands in another folder, and return what it prints."""
    (folder / "far").mkdir(exist_ok=True)
    text = code.format(place=folder / "watchkeeper.yaml")
    ran = run([sys.executable, "-P", "-c", text], cwd=folder / "far", capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.strip()


def test_a_factory_beside_the_configuration_is_found_wherever_the_process_stands(folder: Path) -> None:
    pytest.importorskip("torch")
    place = folder / "watchkeeper.yaml"
    (folder / "nets.py").write_text(NETS)
    text = place.read_text().replace("train: training:train", "framework: torch\n      factory: nets:build")
    place.write_text(text.replace("      windows:", "      parameters: {epochs: 2}\n      windows:"))
    with opened(folder) as project:
        spec = project.spec(MODEL)
        recipe = recipe_of(spec.maintenance, spec.schema)
        net = load_trainer("", folder, recipe).train(WHOLE.head(300), spec.schema)
        project.store.record(MODEL, [spec])
        project.keeper(MODEL).registry.register(Draft(net, day(11).start, "me", "by hand", name="net"))
    sys.path.remove(str(folder.resolve()))
    sys.modules.pop("nets", None)
    elsewhere(BY_HAND, folder)
    assert elsewhere(NEXT, folder) == "net"


def test_the_configuration_says_what_a_file_may_hold_and_not_the_store(folder: Path) -> None:
    """Whoever can write to the store would otherwise allow pickles, which run code in the process that serves."""
    with opened(folder) as project:
        spec = project.spec(MODEL)
        free = replace(spec, maintenance=replace(spec.maintenance, pickle=True))
        registry = replace(project.keeper(MODEL).registry, spec=free)
        registry.register(Draft(Homemade(), day(11).start, "me", "by hand", name="pickled"))
        registry.promote("pickled", who="me", why="by hand", at=day(11).start)
        project.store.record(MODEL, [free])
    with pytest.raises(ArtefactError, match="is a pickle"):
        served(folder)
    place = folder / "watchkeeper.yaml"
    place.write_text(place.read_text().replace("    maintain:\n", "    maintain:\n      pickle: true\n"))
    with served(folder) as model:
        assert model.predict(ASKED[0], id=1).score == 0.25


class Homemade:
    classes_ = np.array([0, 1])
    feature_names_in_ = np.array(["x", "z"])

    def __init__(self) -> None:
        self.callback = print

    def predict(self, rows: pl.DataFrame) -> np.ndarray:
        return np.zeros(rows.height)

    def predict_proba(self, rows: pl.DataFrame) -> np.ndarray:
        return np.tile([0.75, 0.25], (rows.height, 1))


def test_the_champion_answers_for_a_challenger_that_fails() -> None:
    from watchkeeper.serve.routing import Roles

    class Source:
        def roles(self) -> Roles:
            return Roles("v1", "v2", 1.0)

        def load(self, version: str) -> object:
            def ask(asked: list[object]) -> list[tuple[object, object]]:
                if version == "v2":
                    raise ValueError("no memory")
                return [(0, 0.25) for _ in asked]

            return ask

        def close(self) -> None: ...

    with ManagedModel(source=Source(), poll_seconds=3_600) as model:  # type: ignore[arg-type]
        answer = model.predict({"x": 1.0}, id=7)
        assert (answer.version, answer.score, model.problems) == ("v1", 0.25, {"v2 failed": 1})
