"""Other forms of a version: each is a version of its own, compared with it and held to the gate."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression

from tests.run.invented import MODEL, REFERENCE, day, deliver, rows, watch
from watchkeeper.core.action import Action, Outcome
from watchkeeper.core.errors import TrainingError, UsageError
from watchkeeper.core.provenance import VersionRole
from watchkeeper.core.spec import Maintenance
from watchkeeper.core.window import Window
from watchkeeper.maintain.compression import Fidelity, Weight, fewest_rounds
from watchkeeper.maintain.recipe import recipe_of
from watchkeeper.maintain.train import load_trainer, score_rows
from watchkeeper.run.compressing import compress
from watchkeeper.run.keep import Maintainer
from watchkeeper.words.actions import action_sentence

PARAMETERS: dict[str, dict[str, str | int | float | bool]] = {
    "xgboost": {"rounds": 60, "nthread": 1, "eta": 0.3, "max_depth": 3},
    "lightgbm": {"rounds": 60, "num_threads": 1},
    "torch": {"epochs": 15, "hidden": 64, "learning_rate": 0.01},
}
NOW = day(9).start


@pytest.fixture(scope="module")
def keeper(tmp_path_factory: pytest.TempPathFactory) -> Maintainer:
    """Return a keeper whose log has eight quiet days, and nobody in charge yet."""
    folder = tmp_path_factory.mktemp("compressed")
    project = watch(folder, retrain="never")
    whole = rows(0, 9)
    deliver(folder, "all", whole, whole)
    project.run(MODEL, NOW)
    return project.keeper(MODEL)


def still() -> float:
    """Return no time at all, so that size alone may be the gain."""
    return 0.0


def in_charge(keeper: Maintainer, model: Any) -> str:
    """Put a model in charge."""
    version = keeper.adopt(model, day(REFERENCE).start, trained=None, who="ada", why="mine")
    if keeper.champion != version:
        keeper.promote(version, who="ada", why="mine", at=NOW)
    return version


def fitted(keeper: Maintainer, framework: str) -> Any:
    rule = Maintenance(framework=framework, parameters=PARAMETERS[framework])
    schema = keeper.spec.schema
    return load_trainer("", ".", recipe_of(rule, schema)).train(rows(0, REFERENCE), schema)


def made(keeper: Maintainer, version: str, form: str) -> tuple[Any, Action]:
    registered, judged = compress(keeper, version, form, NOW, who="ada", why="", clock=still)
    return keeper.model(registered.version), judged


def apart(one: Any, other: Any, keeper: Maintainer) -> float:
    told = [score_rows(model, rows(20, 22), keeper.spec.schema)["score"].to_numpy() for model in (one, other)]
    return float(np.abs(told[0] - told[1]).max())


def test_a_net_of_pytorch_is_smaller_in_eight_bits_and_as_onnx_the_same(keeper: Maintainer) -> None:
    net = fitted(keeper, "torch")
    version = in_charge(keeper, net)
    converted, judged = made(keeper, version, "onnx")
    assert apart(net, converted, keeper) < 1e-5
    assert judged.outcome is Outcome.REFUSED
    assert judged.because[0].code == "compressed_no_gain"
    with pytest.raises(UsageError, match="was refused by the gate"):
        keeper.promote(judged.version, who="ada", why="", at=NOW)
    quantised, judged = made(keeper, version, "int8")
    assert judged.outcome is Outcome.DONE, action_sentence(judged)
    assert float(judged.facts["smaller"]) > 0.1
    assert 0 < apart(net, quantised, keeper) < 0.02
    # Its 8-bit form in ONNX is a form of a form.
    small, judged = made(keeper, keeper.versions()[-2].name, "int8")
    assert judged.facts["form"] == "int8"
    assert 0 < apart(net, small, keeper) < 0.05
    keeper.promote(judged.version, who="ada", why="smaller", at=NOW, force=True)
    keeper.roll_back(who="ada", why="no", at=NOW)
    assert keeper.registry.role(VersionRole.CHAMPION) == version
    assert apart(keeper.model(version), net, keeper) == 0


def test_trees_that_the_answers_do_not_need_are_left_out(keeper: Maintainer) -> None:
    for framework in ("xgboost", "lightgbm"):
        booster = fitted(keeper, framework)
        version = in_charge(keeper, booster)
        pruned, judged = made(keeper, version, "pruned")
        assert apart(booster, pruned, keeper) < 0.05
        assert (judged.outcome is Outcome.DONE) == (float(judged.facts["smaller"]) >= 0.1)


def test_a_forest_of_a_function_is_pruned_and_distilled(keeper: Maintainer) -> None:
    frame = rows(0, REFERENCE)
    forest = RandomForestClassifier(200, max_depth=4, random_state=0).fit(frame.select("x", "z"), frame["label"])
    version = in_charge(keeper, forest)
    pruned, judged = made(keeper, version, "pruned")
    assert judged.outcome is Outcome.DONE, action_sentence(judged)
    assert pruned.core.n_estimators < 200
    student, judged = made(keeper, version, "distilled")
    assert float(judged.facts["smaller"]) > 0.5
    assert apart(forest, student, keeper) < 0.3
    assert judged.outcome is Outcome.REFUSED
    assert "not shown to be non-inferior" in action_sentence(judged)
    registered = keeper.registry.provenance(judged.version)
    assert registered is not None
    assert registered.parameters == {"form": "distilled", "of": version}


def test_a_linear_model_as_onnx_answers_the_same_and_what_has_no_form_says_so(keeper: Maintainer) -> None:
    frame = rows(0, REFERENCE)
    linear = LogisticRegression().fit(frame.select("x", "z"), frame["label"])
    version = in_charge(keeper, linear)
    converted, _ = made(keeper, version, "onnx")
    assert apart(linear, converted, keeper) < 1e-5
    with pytest.raises(TrainingError, match="LogisticRegression has no form 'int8'"):
        made(keeper, version, "int8")
    with pytest.raises(UsageError, match="did you mean 'int8'"):
        made(keeper, version, "int9")


def test_a_form_is_not_judged_on_rows_that_the_version_may_have_learned_from(keeper: Maintainer) -> None:
    """A forest that half knows its rows by heart stood at the gate on the very rows it knows, and was called better."""
    learned = rows(0, 9)
    forest = RandomForestClassifier(100, min_samples_leaf=6, random_state=0)
    forest.fit(learned.select("x", "z"), learned["label"])
    quiet = rows(0, REFERENCE)
    in_charge(keeper, LogisticRegression(C=1e-3).fit(quiet.select("x", "z"), quiet["label"]))
    unknown = keeper.adopt(forest, day(REFERENCE).start, trained=None, who="ada", why="mine")
    with pytest.raises(UsageError, match=f"not known which rows {unknown} has learned from"):
        made(keeper, unknown, "pruned")
    known = keeper.adopt(forest, day(REFERENCE).start, trained=Window(day(0).start, NOW), who="ada", why="mine")
    _, judged = made(keeper, known, "pruned")
    assert judged.outcome is Outcome.REFUSED
    assert judged.facts["decision"] == "too_few"


def test_a_conversion_that_moves_a_probability_is_refused_though_few_answers_flip(keeper: Maintainer) -> None:
    """Single precision puts a value that lies on a split on its other side, as LightGBM's conversion did by .16."""
    rng = np.random.default_rng(0)
    # Two values that single precision does not tell apart stand on both sides of a split.
    x = np.where(rng.random(2_000) < 0.5, 16_777_216.0, 16_777_217.0)
    frame = rows(0, 7, count=300)[:2_000].with_columns(pl.Series("x", x))
    label = (rng.random(2_000) < np.where(x > 16_777_216.5, 0.58, 0.42)).astype(np.int64)
    frame = frame.with_columns(pl.Series("label", label))
    rule = Maintenance(framework="lightgbm", parameters={"rounds": 30, "num_threads": 1, "num_leaves": 2})
    schema = keeper.spec.schema
    model = load_trainer("", ".", recipe_of(rule, schema)).train(frame, schema)
    from watchkeeper.maintain.compression import compressed

    converted = compressed(model, "onnx", frame, ("x", "z", "plan"), 0)
    told = [one.predict_proba(frame)[:, 1] for one in (model, converted)]
    largest = float(np.abs(told[0] - told[1]).max())
    assert largest > 0.02
    weights = Weight(1_000, 1.0), Weight(100, 0.1)
    assert not Fidelity("onnx", largest, 0.0, 2_000, *weights).passed
    # A form that approximates may move a probability where no answer flips.
    assert Fidelity("int8", largest, 0.0, 2_000, *weights).passed
    assert not Fidelity("int8", largest, 0.006, 2_000, *weights).passed
    assert not Fidelity("int8", 0.0, 0.0, 2_000, weights[0], Weight(950, 0.95)).passed


def test_the_fewest_trees_are_found_that_answer_like_all() -> None:
    told = np.full((4, 2), 0.5)
    asked: list[int] = []

    def ask(rounds: int) -> np.ndarray[Any, Any]:
        asked.append(rounds)
        return told + (0.2 if rounds < 37 else 0.0)

    assert fewest_rounds(100, ask, told) == 37
    assert len(asked) <= 7
