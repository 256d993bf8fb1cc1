"""``watchkeeper adopt``: a model that serves already becomes a version."""

from __future__ import annotations

import pickle
from pathlib import Path

import polars as pl
import pytest
import skops.io
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier

from tests.run.invented import MODEL, REFERENCE, day, deliver, rows, write
from watchkeeper.core.action import Action, ActionKind
from watchkeeper.run.audit import audit_faults
from watchkeeper.run.project import open_project

from .conftest import Command, parsed


@pytest.fixture
def serving(tmp_path: Path) -> Path:
    whole = rows(0, 4, count=120)
    write(tmp_path)
    deliver(tmp_path, "all", whole, whole)
    known = whole.drop_nulls("label")
    clf = LogisticRegression().fit(known.select("x", "z"), known["label"])
    skops.io.dump(clf, tmp_path / "model.skops")
    (tmp_path / "model.pkl").write_bytes(pickle.dumps(clf))
    stranger = pl.DataFrame({"nowhere": [0.0, 1.0]})
    skops.io.dump(DecisionTreeClassifier().fit(stranger, [0, 1]), tmp_path / "stranger.skops")
    return tmp_path


def test_a_model_that_serves_is_in_charge_under_the_name_the_log_knows(watchkeeper: Command, serving: Path) -> None:
    asked = ("adopt", "model.skops", "--version", "7", "--trained", "2024-02-01..2024-03-01", "--since", "2024-03-02")
    done = watchkeeper(*asked, "--why", "served by hand", "--json", folder=serving)
    assert done.returncode == 0, done.stderr
    told = parsed(done)
    assert (told["version"], told["standing"], len(told["artefact"])) == ("7", "champion", 64)
    assert told["trained"] == {"start": "2024-02-01T00:00:00Z", "end": "2024-03-01T00:00:00Z"}
    again = watchkeeper(*asked, folder=serving)
    assert again.stdout == f"7 is in charge of {MODEL}\n"
    opened = open_project(serving / "watchkeeper.yaml", {})
    keeper, actions = opened.keeper(MODEL), opened.store.recorded(MODEL, Action)
    assert [(a.kind, a.version) for a in actions] == [(ActionKind.REGISTER, "7"), (ActionKind.PROMOTE, "7")]
    assert {a.why for a in actions} == {"served by hand"}
    assert isinstance(keeper.model("7"), LogisticRegression)
    assert keeper.registry.served_at(day(REFERENCE).start) == "7"
    assert audit_faults(opened.store, MODEL) == []
    opened.close()


def test_a_second_one_waits_and_numbers_go_on(watchkeeper: Command, serving: Path) -> None:
    watchkeeper("adopt", "model.skops", "--version", "v7", folder=serving)
    waits = watchkeeper("adopt", "model.skops", "--trained", "2024-02-01..2024-02-20", folder=serving)
    assert waits.stdout == f"v8 of {MODEL} is registered. To put it in charge: watchkeeper promote v8\n"
    assert watchkeeper("promote", "v8", folder=serving).returncode == 0


def test_a_name_is_enough(watchkeeper: Command, serving: Path) -> None:
    done = watchkeeper("adopt", "--version", "churn-2024.1", folder=serving)
    told = "; its model is kept elsewhere, so it is compared by its logged answers\n"
    assert done.stdout == f"churn-2024.1 is in charge of {MODEL}{told}"
    again = parsed(watchkeeper("adopt", "--version", "churn-2024.1", "--json", folder=serving))
    assert (again["standing"], again["artefact"], again["trained"]) == ("champion", "", None)
    assert watchkeeper("audit", "verify", folder=serving).returncode == 0
    assert "churn-2024.1" in watchkeeper("why", "churn-2024.1", folder=serving).stdout


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("adopt",), 2, "needs its name: --version NAME"),
        (("adopt", "--version", "a b"), 2, "'a b' cannot name a version"),
        (("adopt", "model.onnx", "--version", "7"), 2, "To adopt a model of another kind, leave the file out"),
        (("adopt", "model.pkl", "--version", "7"), 3, "allow it for this model: maintain.pickle: true"),
        (("adopt", "gone.skops", "--version", "7"), 3, "gone.skops cannot be read: No such file"),
        (("adopt", "stranger.skops", "--version", "7"), 3, "takes 'nowhere', which the log does not have"),
        (("adopt", "model.skops", "--trained", "2024-02-01"), 2, "write it as in --trained 2026-01-01..2026-03-01"),
        (("adopt", "model.skops", "--trained", "2024-02-02..2024-02-01"), 2, "ends before it begins"),
    ],
)
def test_what_cannot_be_adopted_says_why_and_leaves_nothing(
    watchkeeper: Command, serving: Path, words: tuple[str, ...], code: int, said: str
) -> None:
    done = watchkeeper(*words, folder=serving)
    assert (done.returncode, said in done.stderr) == (code, True), done.stderr
    assert parsed(watchkeeper("versions", "--json", folder=serving))["versions"] == []


def test_a_name_that_another_model_has_is_refused(watchkeeper: Command, serving: Path) -> None:
    watchkeeper("adopt", "--version", "7", folder=serving)
    done = watchkeeper("adopt", "model.skops", "--version", "7", folder=serving)
    assert (done.returncode, "there is a version 7 already" in done.stderr) == (2, True)


def test_a_pickle_is_adopted_where_it_is_allowed(watchkeeper: Command, serving: Path) -> None:
    config = serving / "watchkeeper.yaml"
    text = config.read_text("utf-8")
    assert "maintain:" in text
    config.write_text(text.replace("maintain:", "maintain:\n      pickle: true"), "utf-8")
    done = watchkeeper("adopt", "model.pkl", "--version", "7", folder=serving)
    assert done.stdout == f"7 is in charge of {MODEL}\n", done.stderr
