"""Models of each framework: trained, registered, loaded elsewhere, gone on from, rolled back; and what is refused."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from watchkeeper.core.errors import ArtefactError, ConfigError, TrainingError
from watchkeeper.core.provenance import VersionRole
from watchkeeper.core.schema import Column, Kind, Role, Schema, Task
from watchkeeper.core.spec import Maintenance, Spec
from watchkeeper.maintain.artefact import format_of, load, save
from watchkeeper.maintain.isolated import IsolatedTraining, can_isolate
from watchkeeper.maintain.recipe import recipe_of
from watchkeeper.maintain.store_registry import Draft, StoreRegistry
from watchkeeper.maintain.train import Start, load_trainer, score_rows
from watchkeeper.store.memory import MemoryStore
from watchkeeper.testing.registry import START

SCHEMA = Schema(
    (
        Column("size", Role.FEATURE, Kind.NUMERIC),
        Column("age", Role.FEATURE, Kind.NUMERIC),
        Column("plan", Role.FEATURE, Kind.CATEGORICAL),
        Column("note", Role.FEATURE, Kind.TEXT),
        Column("score", Role.SCORE, Kind.NUMERIC),
        Column("label", Role.LABEL, Kind.CATEGORICAL),
    ),
    Task.BINARY, ("0", "1"), "1",
)  # fmt: skip
PARAMETERS: dict[str, dict[str, str | int | float | bool]] = {
    "xgboost": {"rounds": 30, "nthread": 1},
    "lightgbm": {"rounds": 30, "num_threads": 1},
    "torch": {"epochs": 30, "hidden": 16, "learning_rate": 0.01},
    "keras": {"epochs": 5, "hidden": 16, "learning_rate": 0.03, "continue_rate": 0.03},
    "river": {"passes": 2},
    "scikit-learn": {"max_iter": 30},
}
BOMB = b"stands for two gigabytes"
LOADS = """
import json, sys
import polars as pl
from watchkeeper.maintain.artefact import load

rows = pl.read_ipc(sys.argv[1])
told = {address: load(address, sys.argv[2]).predict_proba(rows).tolist() for address in sys.argv[3:]}
print(json.dumps(told))
"""


def rows(seed: int, count: int = 600, turned: float = 1.0) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    size, plan, note = rng.normal(size=count), rng.integers(0, 3, count), rng.integers(0, 2, count)
    log_odds = turned * 2 * size + np.array([-1.0, 0.0, 1.0])[plan] + 1.5 * (2 * note - 1)
    return pl.DataFrame(
        {
            "size": np.where(rng.random(count) < 0.1, np.nan, size),
            "age": rng.integers(20, 60, count),
            "plan": np.array(["basic", "plus", "pro"])[plan],
            "note": np.array(["thanks all good", "cancel it please"])[note],
            "label": (rng.random(count) < 1 / (1 + np.exp(-log_odds))).astype(int),
        },
    ).with_columns(pl.col("size").fill_nan(None))


def spec_of(framework: str, **more: Any) -> Spec:
    rule = Maintenance(framework=framework, parameters=PARAMETERS.get(framework, {}))
    return Spec("m", SCHEMA, maintenance=replace(rule, **more))


def trained(spec: Spec, frame: pl.DataFrame, start: Start | None = None) -> Any:
    return load_trainer("", ".", recipe_of(spec.maintenance, SCHEMA)).train(frame, SCHEMA, 3, None, start)


def loss(model: Any, frame: pl.DataFrame) -> float:
    chance = np.clip(score_rows(model, frame, SCHEMA)["score"].to_numpy(), 1e-6, 1 - 1e-6)
    label = frame["label"].to_numpy()
    return float(-np.mean(label * np.log(chance) + (1 - label) * np.log(1 - chance)))


@pytest.fixture(scope="module")
def champions() -> dict[str, Any]:
    """Return a model of each framework that trains, fitted to the same rows."""
    return {name: trained(spec_of(name), rows(0)) for name in PARAMETERS}


@pytest.mark.parametrize("name", PARAMETERS)
def test_a_model_prepares_its_rows_itself_and_beats_a_constant(name: str, champions: dict[str, Any]) -> None:
    fresh = rows(1).with_columns(plan=pl.lit("never seen").alias("plan"))
    assert loss(champions[name], rows(1)) < 0.6
    assert np.isfinite(loss(champions[name], fresh))


@pytest.mark.parametrize("name", PARAMETERS)
def test_a_model_is_registered_in_its_own_format_and_rolled_back(
    name: str, champions: dict[str, Any], tmp_path: Path
) -> None:
    spec, first = spec_of(name), champions[name]
    registry = StoreRegistry(spec, MemoryStore(), str(tmp_path))
    second = trained(spec, rows(2, turned=-1.0), Start(first, "continue"))
    names = [registry.register(Draft(model, START, "ada", f"model {n}")) for n, model in enumerate((first, second))]
    for version in names:
        registry.promote(version, who="ada", why="better", at=START)
    made = registry.provenance("v2")
    assert made is not None
    assert made.format == name
    assert [port.name for port in made.signature.inputs] == ["size", "age", "plan", "note"]  # type: ignore[union-attr]
    registry.roll_back(who="ada", why="worse", at=START)
    assert registry.role(VersionRole.CHAMPION) == "v1"
    asked = rows(1)
    assert np.array_equal(registry.load("v1").predict_proba(asked), first.predict_proba(asked))
    assert np.array_equal(registry.load("v2").predict_proba(asked), second.predict_proba(asked))


def test_models_answer_in_a_fresh_process_as_they_did_here(champions: dict[str, Any], tmp_path: Path) -> None:
    asked = rows(1, 50)
    asked.write_ipc(tmp_path / "rows.arrow")
    addresses = {save(model, str(tmp_path / "files")): model for model in champions.values()}
    command = [sys.executable, "-c", LOADS, str(tmp_path / "rows.arrow"), str(tmp_path / "files"), *addresses]
    told = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    for address, model in addresses.items():
        np.testing.assert_allclose(told[address], model.predict_proba(asked), atol=1e-6)


@pytest.mark.parametrize("name", PARAMETERS)
def test_going_on_learns_new_rows_and_leaves_the_champion_as_it_was(name: str, champions: dict[str, Any]) -> None:
    before, new = loss(champions[name], rows(3, turned=-1.0)), rows(2, turned=-1.0)
    after = trained(spec_of(name), new, Start(champions[name], "continue"))
    assert loss(after, rows(3, turned=-1.0)) < before
    assert loss(champions[name], rows(3, turned=-1.0)) == before


@pytest.mark.skipif(not can_isolate(), reason="this system cannot fork")
def test_a_process_of_its_own_trains_and_goes_on(tmp_path: Path) -> None:
    spec = spec_of("xgboost")
    recipe = recipe_of(spec.maintenance, SCHEMA)
    apart = IsolatedTraining(tmp_path / "work", tmp_path / "log", str(tmp_path), recipe=recipe)
    trainer = replace(load_trainer("", ".", recipe), elsewhere=apart)
    there = trainer.train(rows(0), SCHEMA, 3)
    assert loss(there, rows(1)) == loss(trained(spec, rows(0)), rows(1))
    further = trainer.train(rows(2), SCHEMA, 3, None, Start(there, "continue"))
    assert loss(further, rows(1)) == loss(trained(spec, rows(2), Start(there, "continue")), rows(1))


def test_leaves_are_learned_anew_where_that_is_asked(champions: dict[str, Any]) -> None:
    for name in ("xgboost", "lightgbm"):
        after = trained(spec_of(name), rows(2, turned=-1.0), Start(champions[name], "leaf_refit"))
        assert loss(after, rows(3, turned=-1.0)) < loss(champions[name], rows(3, turned=-1.0))


def test_nothing_goes_on_from_a_model_of_another_framework(champions: dict[str, Any]) -> None:
    with pytest.raises(TrainingError, match="the champion is a model of river"):
        trained(spec_of("torch"), rows(2), Start(champions["river"], "continue"))
    strange = rows(2).with_columns(pl.lit(2, pl.Int64).alias("label"))
    with pytest.raises(TrainingError, match="does not know the class '2'"):
        trained(spec_of("torch"), strange, Start(champions["torch"], "continue"))


def test_a_function_and_a_framework_do_not_both_train() -> None:
    with pytest.raises(ConfigError, match="set one of them only"):
        recipe_of(Maintenance("training:train", framework="xgboost"), SCHEMA)
    with pytest.raises(ConfigError, match="did you mean 'xgboost'"):
        recipe_of(Maintenance(framework="xgbost"), SCHEMA)


def test_a_function_may_return_a_booster_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "own_booster.py").write_text(
        "import xgboost\n"
        "def train(rows, seed):\n"
        "    model = xgboost.XGBClassifier(n_estimators=10, n_jobs=1, random_state=seed)\n"
        "    return model.fit(rows.select('size', 'age').to_numpy(), rows['label'].to_numpy())\n"
    )
    columns = tuple(column for column in SCHEMA if column.name not in ("plan", "note"))
    schema = replace(SCHEMA, columns=columns)
    rule = Maintenance("own_booster:train")
    model = load_trainer(rule.train, str(tmp_path), recipe_of(rule, schema)).train(rows(0), schema)
    address = save(model, str(tmp_path / "files"))
    assert format_of(address, str(tmp_path / "files")) == "xgboost"
    asked = score_rows(load(address, str(tmp_path / "files")), rows(1), schema)
    assert asked["score"].to_list() == score_rows(model, rows(1), schema)["score"].to_list()


def rewritten(folder: Path, address: str, change: Callable[[dict[str, bytes]], None]) -> str:
    """Put another file beside a model's, named by its own content as a registered one is."""
    with zipfile.ZipFile(folder / f"{address}.zip") as archive:
        held = {name: archive.read(name) for name in archive.namelist()}
    change(held)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in held.items():
            archive.writestr(name, data)
    data = bytearray(out.getvalue())
    if BOMB in held.values():
        # What the directory says that its first member unpacks to, in 24 bytes after the entry's mark.
        place = data.index(b"PK\x01\x02") + 24
        data[place : place + 4] = (2**31 - 1).to_bytes(4, "little")
    other = sha256(data).hexdigest()
    (folder / f"{other}.zip").write_bytes(data)
    return other


def lost_tree(held: dict[str, bytes]) -> None:
    told = json.loads(held["model/model.json"])
    told["learner"]["gradient_booster"]["model"]["trees"][0]["left_children"][0] = 10**6
    held["model/model.json"] = json.dumps(told).encode()


def foreign_factory(held: dict[str, bytes]) -> None:
    told = json.loads(held["model/net.json"])
    held["model/net.json"] = json.dumps({**told, "factory": "os:system"}).encode()


def lambda_layer(held: dict[str, bytes]) -> None:
    told = json.loads(held["model/model.json"])
    told["config"]["layers"].append({"module": "keras.layers", "class_name": "Lambda", "config": {}})
    held["model/model.json"] = json.dumps(told).encode()


def bomb(held: dict[str, bytes]) -> None:
    held["model/zeros"] = BOMB


def pickled(held: dict[str, bytes]) -> None:
    held["model/model.pickle"] = b"cos\nsystem\n(S'true'\ntR."


def own_type(held: dict[str, bytes]) -> None:
    import skops.io

    class Homemade:
        pass

    Homemade.__module__, Homemade.__qualname__ = "tests.maintain.test_frameworks", "Homemade"
    held["preparation.skops"] = skops.io.dumps({"a": Homemade()})


REFUSED: dict[str, tuple[str, Callable[[dict[str, bytes]], None], str]] = {
    "a tree that points outside itself": ("xgboost", lost_tree, "points outside itself"),
    "a factory that nobody named": ("torch", foreign_factory, "'os:system', which the configuration does not name"),
    "a layer that holds code": ("keras", lambda_layer, "would run code"),
    "a bomb": ("xgboost", bomb, "would unpack to"),
    "a pickle": ("river", pickled, "maintain.pickle: true"),
    "an unknown type": ("torch", own_type, "not on the allow-list"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_file_is_refused_before_a_pointer_moves(what: str, champions: dict[str, Any], tmp_path: Path) -> None:
    name, change, said = REFUSED[what]
    registry = StoreRegistry(spec_of(name), MemoryStore(), str(tmp_path))
    registry.register(Draft(champions[name], START, "ada", "first"))
    registry.promote("v1", who="ada", why="first", at=START)
    other = rewritten(tmp_path, registry.version("v1").artefact, change)
    with pytest.raises(ArtefactError, match=said):
        load(other, str(tmp_path))
    (tmp_path / f"{other}.zip").replace(tmp_path / f"{registry.version('v1').artefact}.zip")
    registry.register(Draft(trained(spec_of(name), rows(4)), START, "ada", "second"))
    registry.promote("v2", who="ada", why="second", at=START)
    with pytest.raises(ArtefactError, match="altered or damaged"):
        registry.roll_back(who="ada", why="worse", at=START)
    assert registry.role(VersionRole.CHAMPION) == "v2"
