"""Model files: round trips, content addresses, and what is refused."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import numpy as np
import polars as pl
import pytest
import skops.io
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier

from watchkeeper.core.errors import ArtefactError, StoreError
from watchkeeper.maintain.artefact import load, save
from watchkeeper.maintain.canonical import canonical

PREDICTOR = "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor"


def columns() -> ColumnTransformer:
    numbers = make_pipeline(SimpleImputer(), StandardScaler())
    return ColumnTransformer([("n", numbers, ["x"]), ("c", OneHotEncoder(handle_unknown="ignore"), ["colour"])])


def codes() -> ColumnTransformer:
    encoder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    return ColumnTransformer([("c", encoder, ["colour"])], remainder="passthrough")


MODELS: dict[str, Callable[[], Any]] = {
    "logistic regression": lambda: make_pipeline(columns(), LogisticRegression()),
    "histogram boosting": lambda: make_pipeline(codes(), HistGradientBoostingClassifier(max_iter=8, random_state=0)),
    "histogram boosting with categories": lambda: make_pipeline(
        codes(), HistGradientBoostingClassifier(max_iter=5, categorical_features=[0], random_state=0)
    ),
    "forest": lambda: make_pipeline(columns(), RandomForestClassifier(5, random_state=0)),
    "calibrated tree": lambda: make_pipeline(
        columns(), CalibratedClassifierCV(DecisionTreeClassifier(max_depth=3, random_state=0))
    ),
}


class Homemade:
    """A model of a type nobody knows."""

    def predict(self, rows: pl.DataFrame) -> list[int]:
        return [0] * len(rows)


@pytest.fixture
def rows(log: Callable[..., pl.DataFrame]) -> pl.DataFrame:
    return log(300).select("x", "colour", "label")


@pytest.mark.parametrize("name", MODELS)
def test_a_model_that_was_saved_and_loaded_predicts_the_same(name: str, rows: pl.DataFrame, tmp_path: Path) -> None:
    model = MODELS[name]().fit(rows, rows["label"].to_numpy())
    loaded = load(save(model, str(tmp_path)), str(tmp_path))
    np.testing.assert_array_equal(loaded.predict_proba(rows), model.predict_proba(rows))


@pytest.mark.parametrize("name", MODELS)
def test_the_same_model_fitted_twice_has_one_address_and_one_file(
    name: str, rows: pl.DataFrame, tmp_path: Path
) -> None:
    addresses = {save(MODELS[name]().fit(rows, rows["label"].to_numpy()), str(tmp_path)) for _ in range(2)}
    assert [p.name for p in tmp_path.iterdir()] == [f"{address}.skops" for address in addresses]
    assert len(addresses) == 1


def test_the_address_is_the_same_in_another_process_with_other_hashes(tmp_path: Path) -> None:
    script = (
        "import numpy as np\n"
        "from sklearn.linear_model import LogisticRegression\n"
        "from watchkeeper.maintain.artefact import save\n"
        "model = LogisticRegression().fit(np.arange(20.0).reshape(10, 2), np.arange(10) > 4)\n"
        "model.notes_ = {'red', 'green', 'blue', 'violet'}\n"
        f"print(save(model, {str(tmp_path)!r}))\n"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "7"}
    told = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    model = LogisticRegression().fit(np.arange(20.0).reshape(10, 2), np.arange(10) > 4)
    model.notes_ = {"violet", "blue", "green", "red"}
    assert save(model, str(tmp_path)) == told.stdout.strip()


def test_another_model_has_another_address(rows: pl.DataFrame, tmp_path: Path) -> None:
    label = rows["label"].to_numpy()
    first = save(LogisticRegression().fit(rows.select("x"), label), str(tmp_path))
    second = save(LogisticRegression(C=0.5).fit(rows.select("x"), label), str(tmp_path))
    assert first != second


def test_objects_that_were_shared_are_shared_again() -> None:
    shared = np.arange(3.0)
    data = canonical(skops.io.dumps({"a": [shared, shared], "b": shared.copy()}))
    found = skops.io.loads(data)
    assert found["a"][0] is found["a"][1]
    assert found["a"][0] is not found["b"]


def test_any_file_system_will_do(rows: pl.DataFrame) -> None:
    model = LogisticRegression().fit(rows.select("x"), rows["label"].to_numpy())
    address = save(model, "memory://models/flights")
    assert load(address, "memory://models/flights").coef_ == pytest.approx(model.coef_)


def test_an_altered_file_is_refused(rows: pl.DataFrame, tmp_path: Path) -> None:
    address = save(LogisticRegression().fit(rows.select("x"), rows["label"].to_numpy()), str(tmp_path))
    path = tmp_path / f"{address}.skops"
    path.write_bytes(path.read_bytes()[:-1] + b"\x01")
    with pytest.raises(ArtefactError, match="altered or damaged"):
        load(address, str(tmp_path))


def test_a_model_is_unpacked_once_and_its_file_is_told_to_be_whole_each_time(
    rows: pl.DataFrame, tmp_path: Path
) -> None:
    label = rows["label"].to_numpy()
    addresses = [save(LogisticRegression(C=c).fit(rows.select("x"), label), str(tmp_path)) for c in (1.0, 2.0, 3.0)]
    first = load(addresses[0], str(tmp_path))
    assert load(addresses[0], str(tmp_path)) is first
    assert [load(address, str(tmp_path)).C for address in addresses] == [1.0, 2.0, 3.0]
    assert load(addresses[0], str(tmp_path)) is not first, "the memory has no bound"
    (tmp_path / f"{addresses[0]}.skops").write_bytes(b"")
    with pytest.raises(ArtefactError, match="altered or damaged"):
        load(addresses[0], str(tmp_path))


def test_a_damaged_file_is_mended_by_saving_again(rows: pl.DataFrame, tmp_path: Path) -> None:
    model = LogisticRegression().fit(rows.select("x"), rows["label"].to_numpy())
    address = save(model, str(tmp_path))
    (tmp_path / f"{address}.skops").write_bytes(b"")
    assert save(model, str(tmp_path)) == address
    assert load(address, str(tmp_path)).C == 1.0


def test_a_missing_file_and_a_wrong_address_are_said(tmp_path: Path) -> None:
    with pytest.raises(ArtefactError, match="there is no model file 000000000000"):
        load("0" * 64, str(tmp_path))
    with pytest.raises(ArtefactError, match="64 hexadecimal digits"):
        load("../../etc/passwd", str(tmp_path))


def test_a_type_that_is_not_on_the_list_is_refused_by_name_with_the_remedy(tmp_path: Path) -> None:
    wanted = rf"{__name__}\.Homemade.*maintain\.trusted: \["
    with pytest.raises(ArtefactError, match=wanted):
        save(Homemade(), str(tmp_path))
    assert list(tmp_path.iterdir()) == []
    address = save(Homemade(), str(tmp_path), trusted=[f"{__name__}.Homemade"])
    with pytest.raises(ArtefactError, match="not on the allow-list"):
        load(address, str(tmp_path))
    assert isinstance(load(address, str(tmp_path), trusted=[f"{__name__}.Homemade"]), Homemade)


def hostile(members: dict[str, bytes], schema: dict[str, Any], folder: Path) -> str:
    out = BytesIO()
    with ZipFile(out, "w") as packed:
        for name, body in members.items():
            packed.writestr(name, body)
        packed.writestr("schema.json", json.dumps(schema))
    address = sha256(out.getvalue()).hexdigest()
    (folder / f"{address}.skops").write_bytes(out.getvalue())
    return address


def test_a_file_that_would_run_a_command_is_refused_before_anything_is_built(tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    argument = {
        "__class__": "str",
        "__module__": "builtins",
        "__loader__": "JsonNode",
        "content": json.dumps(f"touch {mark}"),
    }
    arguments = {"__class__": "tuple", "__module__": "builtins", "__loader__": "TupleNode", "content": [argument]}
    schema = {
        "__class__": "system", "__module__": "os", "__loader__": "ConstructorFromReduceNode", "content": arguments,
        "protocol": 2, "_skops_version": "0.11",
    }  # fmt: skip
    address = hostile({}, schema, tmp_path)
    with pytest.raises(ArtefactError, match=r"os\.system"):
        load(address, str(tmp_path))
    assert not mark.exists()


@pytest.mark.parametrize(
    ("field", "value"), [("left", 10**6), ("right", 0), ("feature_idx", 99), ("feature_idx", -1), ("bitset_idx", 7)]
)
def test_a_tree_that_points_outside_itself_is_refused(
    field: str, value: int, rows: pl.DataFrame, tmp_path: Path
) -> None:
    model = HistGradientBoostingClassifier(max_iter=1, categorical_features=[0] if field == "bitset_idx" else None)
    model.fit(rows.select(x=pl.col("colour").rank("dense")), rows["x"].to_numpy() > 0)
    packed = ZipFile(BytesIO(skops.io.dumps(model)))
    members = {name: packed.read(name) for name in packed.namelist()}
    schema = json.loads(members.pop("schema.json"))
    for name, body in members.items():
        array = np.load(BytesIO(body))
        if field in (array.dtype.names or ()):
            array[field][array["is_leaf"] == 0] = value
            changed = BytesIO()
            np.save(changed, array)
            members[name] = changed.getvalue()
    with pytest.raises(ArtefactError, match="points outside itself"):
        load(hostile(members, schema, tmp_path), str(tmp_path))


def test_a_tree_of_a_forest_that_points_at_a_feature_it_does_not_have_is_refused(
    rows: pl.DataFrame, tmp_path: Path
) -> None:
    model = RandomForestClassifier(2, max_depth=2, random_state=0).fit(rows.select("x"), rows["label"].to_numpy())
    model.estimators_[1].tree_.feature[0] = 5
    with pytest.raises(ArtefactError, match="points outside itself"):
        save(model, str(tmp_path))


def test_a_pickle_is_neither_written_nor_read_unless_the_model_may(tmp_path: Path) -> None:
    model = LogisticRegression()
    model.callback_ = Homemade()
    with pytest.raises(ArtefactError, match="allow-list"):
        save(model, str(tmp_path))
    address = save(model, str(tmp_path), pickle_allowed=True)
    assert [p.name for p in tmp_path.iterdir()] == [f"{address}.pickle"]
    with pytest.raises(ArtefactError, match=r"is a pickle, which runs code.*maintain\.pickle: true"):
        load(address, str(tmp_path))
    assert isinstance(load(address, str(tmp_path), pickle_allowed=True).callback_, Homemade)


def test_skops_is_preferred_even_where_a_pickle_is_allowed(rows: pl.DataFrame, tmp_path: Path) -> None:
    model = LogisticRegression().fit(rows.select("x"), rows["label"].to_numpy())
    address = save(model, str(tmp_path), pickle_allowed=True)
    assert (tmp_path / f"{address}.skops").exists()


def test_a_folder_that_cannot_be_written_is_a_store_error_and_leaves_nothing(
    rows: pl.DataFrame, tmp_path: Path
) -> None:
    (tmp_path / "models").write_text("a file where the folder should be")
    model = LogisticRegression().fit(rows.select("x"), rows["label"].to_numpy())
    with pytest.raises(StoreError, match="cannot be written"):
        save(model, str(tmp_path / "models"))


@pytest.fixture
def fitted(rows: pl.DataFrame) -> LogisticRegression:
    return LogisticRegression().fit(rows.select("x"), rows["label"].to_numpy())


def test_a_model_file_is_the_users_alone(fitted: LogisticRegression, tmp_path: Path) -> None:
    folder = tmp_path / "artefacts"
    address = save(fitted, str(folder))
    assert oct(folder.stat().st_mode & 0o777) == "0o700"
    assert [(p.name, oct(p.stat().st_mode & 0o777)) for p in folder.iterdir()] == [(f"{address}.skops", "0o600")]


def test_a_model_file_is_written_under_a_name_that_nobody_knows_before(
    fitted: LogisticRegression, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = []
    replace = Path.replace
    monkeypatch.setattr(Path, "replace", lambda part, final: (names.append(part.name), replace(part, final))[1])
    for folder in ("one", "two"):
        save(fitted, str(tmp_path / folder))
    assert len(set(names)) == 2
    assert all(len(name) == len("..part") + 32 and name.endswith(".part") for name in names)


def test_a_link_in_the_place_of_a_model_file_is_not_followed(fitted: LogisticRegression, tmp_path: Path) -> None:
    address = save(fitted, str(tmp_path / "real"))
    (tmp_path / "links").mkdir()
    link = tmp_path / "links" / f"{address}.skops"
    link.symlink_to(tmp_path / "real" / link.name)
    with pytest.raises(ArtefactError, match="cannot be read"):
        load(address, str(tmp_path / "links"))
    before = (tmp_path / "real" / link.name).stat().st_ino
    assert save(fitted, str(tmp_path / "links")) == address
    assert not link.is_symlink()
    assert (tmp_path / "real" / link.name).stat().st_ino == before
    (tmp_path / "linked").symlink_to(tmp_path / "real")
    with pytest.raises(StoreError, match="link"):
        save(fitted, str(tmp_path / "linked"))


@pytest.mark.skipif(os.geteuid() != 0, reason="needs to give a file away")
def test_a_model_file_of_a_user_who_is_not_trusted_is_not_read(fitted: LogisticRegression, tmp_path: Path) -> None:
    folder = tmp_path / "artefacts"
    address = save(fitted, str(folder))
    os.chown(folder / f"{address}.skops", 12345, -1)
    with pytest.raises(ArtefactError, match="user 12345"):
        load(address, str(folder))
    os.chown(tmp_path, 12345, -1)
    assert load(address, str(folder)).coef_ == pytest.approx(fitted.coef_)


@pytest.mark.parametrize("kind", ["large", "many", "schema"])
def test_a_small_file_that_unpacks_to_a_large_one_is_refused_before_it_is_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    from zipfile import ZIP_DEFLATED

    for name, most in (("UNPACKED", 1 << 20), ("SCHEMA", 1 << 18), ("MEMBERS", 50)):
        monkeypatch.setattr(f"watchkeeper.maintain.artefact_files._MOST_{name}", most)
    members = {
        "large": {"a.npy": 8 << 20},
        "many": {f"{n}.npy": 1 for n in range(60)},
        "schema": {"schema.json": 1 << 19},
    }
    out = BytesIO()
    with ZipFile(out, "w", ZIP_DEFLATED) as packed:
        for name, size in members[kind].items():
            packed.writestr(name, b" " * size)
    address = sha256(out.getvalue()).hexdigest()
    (tmp_path / f"{address}.skops").write_bytes(out.getvalue())
    monkeypatch.setattr(ZipFile, "read", lambda *_: pytest.fail("it was unpacked"))
    with pytest.raises(ArtefactError, match="would unpack to"):
        load(address, str(tmp_path))
