"""Projects: configurations with traps, logs that bring trouble, two runs at once, records changed by hand."""

from __future__ import annotations

import sqlite3
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from shutil import copytree

import polars as pl
import pytest

from watchkeeper.core.measurement import Measurement
from watchkeeper.core.query import Query
from watchkeeper.log import Log
from watchkeeper.run.project import open_project

from .conftest import SCRIPT, Command, environment, parsed, table

START = datetime(2024, 1, 1, tzinfo=UTC)


def log_of(n: int, seed: int, *, first: int = 0) -> pl.DataFrame:
    times = [START + timedelta(minutes=20 * (first + i)) for i in range(n)]
    return table(n, seed).with_columns(at=pl.Series(times))


def configure(folder: Path, text: str) -> None:
    (folder / "watchkeeper.yaml").write_text(text, encoding="utf-8")


CHURN = """\
models:
  churn:
    source: in/*.parquet
    labels: labels/*.parquet
    reference: then.parquet
    columns: {id: id, time: at, score: score, prediction: prediction, label: label}
"""


def write(folder: Path) -> Path:
    """Write a model with a reference, a week of predictions and their labels."""
    for name in ("in", "labels"):
        (folder / name).mkdir()
    log_of(2_000, 1).write_parquet(folder / "then.parquet")
    now = log_of(500, 2)
    now.drop("label").write_parquet(folder / "in" / "a.parquet")
    now.select("id", "label").write_parquet(folder / "labels" / "a.parquet")
    configure(folder, CHURN)
    return folder


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return the folder of a model with a reference, a week of predictions and their labels."""
    return write(tmp_path)


FAULTS = {
    "key": ("models:\n  a:\n    sorce: x\n", "watchkeeper.yaml:3: models.a.sorce: unknown key; did you mean 'source'?"),
    "twice": ("models:\n  a: {}\n  a: {}\n", "watchkeeper.yaml:3: models.a stands on line 2 already"),
    "tab": ("models:\n\ta: {}\n", "watchkeeper.yaml:2: this is no YAML"),
    "list": ("[1, 2]\n", "watchkeeper.yaml:1: the top must be a mapping"),
    "number": ("models: {a: {alerts: {k: two}}}\n", "models.a.alerts.k"),
    "budget": ("models: {a: {alerts: {budget: lots}}}\n", "the budget 'lots' is not understood. Valid: words such as"),
    "windows": ("models: {a: {windows: {every: 36h, grain: 1d}}}\n", "every (36h) must be a whole multiple of grain"),
    "notifier": ("models: {a: {notify: [{to: consol}]}}\n", "there is no notifier 'consol'; did you mean 'console'?"),
    "empty": ("", "the configuration has: none; add one under models"),
    "loop": ("models: &a [*a]\n", "aliases repeat without end"),
    "mapping": ("store: 5\n", "store: should be a mapping; this is 5"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_of_the_configuration_is_told_with_its_place(watchkeeper: Command, tmp_path: Path, fault: str) -> None:
    text, words = FAULTS[fault]
    configure(tmp_path, text)
    done = watchkeeper("run")
    assert done.returncode == 2
    assert words in done.stderr


def test_words_that_yaml_takes_for_truth_values_and_numbers_stay_words(watchkeeper: Command, tmp_path: Path) -> None:
    configure(tmp_path, "models:\n  NO:\n    source: on\n    segments: [yes, 1_000, 007]\n")
    shown = watchkeeper("config", "show").stdout
    assert "models.NO.source: on\n" in shown
    assert 'models.NO.segments: [yes, 1_000, "007"]' in shown or "models.NO.segments: [yes, 1_000, 007]" in shown


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        (
            "WATCHKEEPER__MODELS__CHURN__SORCE",
            "x",
            "env WATCHKEEPER__MODELS__CHURN__SORCE: models.churn.sorce: un",
        ),
        ("WATCHKEEPER__MODELS__CHRUN__SOURCE", "x", "there is no model 'CHRUN'; did you mean 'CHURN'?"),
        ("WATCHKEEPER__MODELS__CHURN__ALERTS__K", "two", "env WATCHKEEPER__MODELS__CHURN__ALERTS__K: models.churn"),
        ("WATCHKEEPER__MODELS__CHURN__SEGMENTS", "[a", "env WATCHKEEPER__MODELS__CHURN__SEGMENTS:1: this is no YAML"),
    ],
)
def test_a_wrong_override_is_told_by_its_variable(
    watchkeeper: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str, words: str
) -> None:
    configure(tmp_path, CHURN)
    monkeypatch.setenv(name, value)
    done = watchkeeper("run")
    assert done.returncode == 2
    assert words in done.stderr


def test_an_override_shows_its_origin(watchkeeper: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    configure(tmp_path, CHURN)
    monkeypatch.setenv("WATCHKEEPER__MODELS__CHURN__ALERTS__K", "1")
    shown = watchkeeper("config", "show", "--origin").stdout
    assert "models.churn.alerts.k: 1  # env WATCHKEEPER__MODELS__CHURN__ALERTS__K" in shown
    assert 'models.churn.source: "in/*.parquet"  # watchkeeper.yaml:3' in shown
    assert "store.url: ./watchkeeper-data  # default" in shown


def test_a_file_that_is_no_configuration_is_not_repeated_whole(watchkeeper: Command, tmp_path: Path) -> None:
    configure(tmp_path, "just words and words " * 10_000)
    done = watchkeeper("run")
    assert (done.returncode, len(done.stderr) < 300) == (2, True)


def test_with_two_models_the_one_meant_must_be_named(watchkeeper: Command, project: Path) -> None:
    configure(project, CHURN + "  other: {reference: then.parquet}\n")
    for words in (["versions"], ["report"], ["promote", "v1"], ["rollback"]):
        done = watchkeeper(*words)
        assert done.returncode == 2
        assert "name the model with --model; the configuration has: churn, other" in done.stderr
    done = watchkeeper("report", "--model", "chrun")
    assert (done.returncode, "did you mean 'churn'?" in done.stderr) == (2, True)


def test_a_model_that_cannot_run_does_not_keep_another_from_it(watchkeeper: Command, project: Path) -> None:
    configure(project, "models:\n  broken: {source: gone.parquet}\n" + CHURN.removeprefix("models:\n"))
    done = watchkeeper("run", "--json")
    assert done.returncode == 3
    found = parsed(done)["models"]
    assert "gone.parquet does not exist" in found["broken"]["error"]["message"]
    assert found["churn"]["rows"] == 1_000
    assert "broken: " in done.stderr


def test_csv_files_without_times_can_be_checked_but_not_run_and_that_is_told(
    watchkeeper: Command, tmp_path: Path
) -> None:
    for seed, name in enumerate(("now.csv", "then.csv")):
        table(1_000, seed).drop("id").write_csv(tmp_path / name)
    made = watchkeeper("init", "then.csv", "--source", "now.csv")
    assert made.returncode == 0
    assert "no time column was recognised" in made.stderr
    assert "watchkeeper check compares two tables without one" in made.stderr
    ran = watchkeeper("run")
    assert ran.returncode == 3
    assert "name it under columns.time" in ran.stderr
    assert watchkeeper("check", "now.csv", "-r", "then.csv").returncode == 0


def test_csv_files_without_ids_run(watchkeeper: Command, tmp_path: Path) -> None:
    for seed, name in enumerate(("now.csv", "then.csv")):
        log_of(400, seed).drop("id").write_csv(tmp_path / name)
    assert watchkeeper("init", "then.csv", "--source", "now.csv").returncode == 0
    found = parsed(watchkeeper("run", "--json"))["models"]["model"]
    assert (found["rows"], len(found["judged"])) == (400, 10)
    assert parsed(watchkeeper("run", "--json"))["models"]["model"]["rows"] == 0


def test_init_keeps_what_is_there(watchkeeper: Command, tmp_path: Path) -> None:
    table(100, 1).write_csv(tmp_path / "then.csv")
    configure(tmp_path, "# mine\n")
    refused = watchkeeper("init", "then.csv")
    assert (refused.returncode, "overwrite it with --force" in refused.stderr) == (2, True)
    assert watchkeeper("init", "then.csv", "--force", "--label", "labl").returncode == 2
    assert (tmp_path / "watchkeeper.yaml").read_text(encoding="utf-8") == "# mine\n"


def test_what_the_logging_sdk_wrote_is_all_a_run_needs(watchkeeper: Command, tmp_path: Path) -> None:
    configure(tmp_path, "models: {m: {}}\n")
    early = watchkeeper("run")
    assert early.returncode == 3
    assert "log predictions with watchkeeper.log, or set models.m.source" in early.stderr
    rows = table(300, 1)
    with Log(tmp_path / "watchkeeper-data", "m", version="v1") as log:
        for i, row in enumerate(rows.iter_rows(named=True)):
            features = {name: row[name] for name in ("amount", "plan")}
            at = START + timedelta(hours=i)
            log.predict(i, at, features=features, prediction=row["prediction"], score=row["score"])
            if i % 2:
                log.label(i, row["label"])
        log.label(999, 1)
    done = watchkeeper("run", "--json")
    assert done.returncode == 0, done.stderr
    found = parsed(done)["models"]["m"]
    assert (found["rows"], found["orphans"]) == (451, 1)
    assert "1 labels belong to no prediction so far; they are kept" in done.stderr
    assert "set models.m.reference" in done.stderr
    measured = parsed(watchkeeper("report", "--json"))["measurements"]
    assert sum(m["n"] for m in measured if m.get("metric") == "log_loss" and m["segment"] == "all") == 150


def test_trouble_in_one_file_is_told_and_the_rest_is_taken_in(watchkeeper: Command, project: Path) -> None:
    now = log_of(300, 3, first=500).drop("label")
    whole = (project / "in" / "a.parquet").read_bytes()
    pl.concat([now, now.head(20)]).write_parquet(project / "in" / "b.parquet")
    (project / "in" / "c.parquet").write_bytes(whole[: len(whole) // 2])
    (project / "in" / "d.parquet").touch()
    now.clear().write_parquet(project / "in" / "e.parquet")
    now.with_columns(id=pl.lit(None, dtype=pl.String)).head(7).write_parquet(project / "in" / "f.parquet")
    pl.DataFrame({"id": ["nobody", "nowhere"], "label": [1, 0]}).write_parquet(project / "labels" / "b.parquet")
    done = watchkeeper("run", "--json")
    assert done.returncode == 3
    found = parsed(done)["models"]["churn"]
    assert found["rows"] == 500 + 500 + 300 + 2
    assert found["orphans"] == 2
    for words in ("c.parquet cannot be read", "d.parquet is empty (0 bytes)", "20 rows", "7 rows set aside"):
        assert any(words in problem for problem in found["problems"]), (words, found["problems"])
        assert words in done.stderr
    # What could not be read comes when it is mended; nothing comes twice.
    log_of(100, 4, first=800).drop("label").write_parquet(project / "in" / "c.parquet")
    (project / "in" / "d.parquet").unlink()
    again = watchkeeper("run", "--json")
    assert again.returncode == 0, again.stderr
    assert parsed(again)["models"]["churn"]["rows"] == 100


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (pl.col("amount").alias("amount2"), "column 'amount' is missing"),
        (pl.lit("many").alias("amount"), "column 'amount' changed its type"),
        (pl.lit(None, dtype=pl.Float64).alias("amount"), "amount without a value: 0.0% → 100.0%"),
    ],
)
def test_a_fault_in_what_arrives_is_a_page(watchkeeper: Command, project: Path, change: pl.Expr, words: str) -> None:
    path = project / "in" / "a.parquet"
    frame = pl.read_parquet(path).with_columns(change)
    (frame.drop("amount") if "amount2" in frame.columns else frame).write_parquet(path)
    done = watchkeeper("run", "--json")
    assert done.returncode == 0, done.stderr
    alerts = [a for a in parsed(done)["models"]["churn"]["alerts"] if a["cause"] == "data_fault"]
    assert [(a["severity"], a["columns"]) for a in alerts] == [("page", ["amount"])]
    assert words in alerts[0]["message"]


def test_of_two_runs_at_once_one_does_the_work_and_nothing_is_lost(watchkeeper: Command, project: Path) -> None:
    both = [
        subprocess.Popen(
            [SCRIPT, "run"], cwd=project, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    ends = [(*one.communicate(), one.returncode) for one in both]
    assert min(code for *_, code in ends) == 0, ends
    for _, err, code in ends:
        assert code in (0, 5), err
        assert "Traceback" not in err
        assert code == 0 or ("another worker is at work on 'churn': process" in err and err.count("\n") == 1), err
    assert watchkeeper("run").returncode == 0
    opened = open_project(project / "watchkeeper.yaml", {})
    counted = opened.store.recorded("churn", Measurement, Query(names=("rows",)))
    opened.close()
    assert sum(measurement.value or 0 for measurement in counted) == 500


def alter(project: Path, sql: str) -> None:
    database = sqlite3.connect(project / "watchkeeper-data" / "watchkeeper.db")
    with database:
        assert database.execute(sql).rowcount
    database.close()


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("update audit set body = replace(body, 'because', 'be cause') where number = 1", "broken at record 1"),
        ("delete from audit where number = 1", "broken at record 2"),
        ("update pointers set value = 'v7' where name = 'champion'", "v7 is in charge, but the audit trail says v1"),
        ("update actions set body = replace(body, 'because', 'be cause')", "is not what the audit trail says of it"),
        ("update audit set body = 'no JSON'", "a recorded Action cannot be read"),
        ("update pointers set value = '{}' where name = 'place'", ""),
    ],
)
def test_records_changed_by_hand_are_noticed(watchkeeper: Command, promoted: Path, sql: str, words: str) -> None:
    assert watchkeeper("versions", folder=promoted).returncode == 0
    alter(promoted, sql)
    done = watchkeeper("versions" if words else "status", "--json", folder=promoted)
    assert done.returncode == 3
    parsed(done)
    assert words in done.stderr


@pytest.fixture(scope="module")
def promoted_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a project in which a version was registered and put in charge, to be copied."""
    from watchkeeper.api import open_project
    from watchkeeper.core.action import Action, ActionKind, Outcome

    folder = write(tmp_path_factory.mktemp("promoted"))
    opened = open_project(folder / "watchkeeper.yaml", environ={})
    now = datetime.now(UTC)
    opened.run("churn", now)
    action = Action("r1", "churn", ActionKind.REGISTER, Outcome.DONE, "because", "me", START, "v1")
    opened.store.record("churn", [action])
    opened.keeper("churn").promote("v1", who="me", why="because", at=now)
    opened.close()
    return folder


@pytest.fixture
def promoted(tmp_path: Path, promoted_once: Path) -> Path:
    """Return a project in which a version was registered and put in charge."""
    return Path(copytree(promoted_once, tmp_path, dirs_exist_ok=True))


def test_promote_and_rollback_name_the_versions_there_are(watchkeeper: Command, promoted: Path) -> None:
    for words, message in (
        (["promote", "v9"], "there is no version 'v9'; Valid: v1"),
        (["promote", "v1"], "v1 is the champion already"),
        (["rollback"], "there is nothing to roll back to: no champion came before v1"),
        (["rollback", "--to", "v9"], "there is nothing to roll back to"),
    ):
        done = watchkeeper(*words, folder=promoted)
        assert done.returncode == 2
        assert message in done.stderr
    listed = watchkeeper("versions", folder=promoted)
    assert "v1       champion" in listed.stdout


def test_history_is_replayed_up_to_a_moment(watchkeeper: Command, project: Path) -> None:
    done = watchkeeper("run", "--until", "2024-01-05", "--json", folder=project)
    assert done.returncode == 0, done.stderr
    ran = parsed(done)["models"]["churn"]
    assert [w["end"] for w in ran["judged"]][-1] == "2024-01-05T00:00:00Z"
    assert len(ran["judged"]) == 4
    assert not any(a["cause"] == "no_data" for a in ran["alerts"])
    # It goes on from there: what lies after is judged once it is asked for.
    later = parsed(watchkeeper("run", "--until", "2024-01-06T00:00", "--json", folder=project))["models"]["churn"]
    assert [w["end"] for w in later["judged"]] == ["2024-01-06T00:00:00Z"]


@pytest.mark.parametrize(("moment", "words"), [("soon", "is no moment; valid: 2024-03-31"), ("2999-01-01", "to come")])
def test_a_moment_that_is_none_or_to_come_is_refused(
    watchkeeper: Command, project: Path, moment: str, words: str
) -> None:
    done = watchkeeper("run", "--until", moment, folder=project)
    assert done.returncode == 2
    assert words in done.stderr
    assert not (project / "watchkeeper-data").exists()


def test_a_dry_run_shows_what_a_run_would_do_and_leaves_no_trace(watchkeeper: Command, project: Path) -> None:
    config = project / "watchkeeper.yaml"
    config.write_text(config.read_text() + "    notify: [{to: file, path: alerts.jsonl}]\n")
    before = sorted(path.relative_to(project) for path in project.rglob("*"))
    done = watchkeeper("run", "--dry-run", folder=project)
    assert done.returncode == 0, done.stderr
    assert "churn: a dry run: nothing was written, and nobody was told. A run would do this:" in done.stdout
    assert "churn: 500 rows taken in" in done.stdout or "churn: 1,000 rows taken in" in done.stdout
    assert "it would tell file about no_data (firing)" in done.stdout
    shown = parsed(watchkeeper("run", "--dry-run", "--until", "2024-01-05", "--json", folder=project))
    assert shown["models"]["churn"]["dry_run"] is True
    assert len(shown["models"]["churn"]["judged"]) == 4
    assert sorted(path.relative_to(project) for path in project.rglob("*")) == before
