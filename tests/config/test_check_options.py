"""The options of a check: one description, from which Python, the command line and the configuration are made."""

from __future__ import annotations

import ast
import inspect
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

import watchkeeper
from tests.cli.conftest import environment
from watchkeeper.config.check_options import CheckOptions, ColumnOptions
from watchkeeper.config.model import Columns, Model
from watchkeeper.config.options import described
from watchkeeper.core.errors import UsageError
from watchkeeper.core.schema import Role

ROOT = Path(watchkeeper.__file__).parent
NAMES = [one.name for one in described(CheckOptions)]


def test_python_takes_every_option_and_nothing_else() -> None:
    parameters = inspect.signature(watchkeeper.check).parameters
    assert list(parameters) == ["current", "reference", *NAMES]
    defaults = CheckOptions()
    assert all(parameters[name].default == getattr(defaults, name) for name in NAMES)
    told = inspect.getdoc(watchkeeper.check) or ""
    assert all(re.search(rf"^{name}( :|$)", told, re.MULTILINE) for name in NAMES)


def test_the_configuration_knows_the_same_columns_and_defaults() -> None:
    assert list(Columns.model_fields) == [one.name for one in described(ColumnOptions)]
    assert {role.value for role in Role if role.value in Columns.model_fields} == {
        "id", "time", "prediction", "score", "label", "latency", "version", "label_time", "group",
    }  # fmt: skip
    model, check = Model(), CheckOptions()
    for name in ("segments", "positive", "fairness", "estimate"):
        assert getattr(model, name) == getattr(check, name)
        assert Model.model_fields[name].description
    assert model.column_options.roles() == {}


def test_no_other_signature_repeats_the_options() -> None:
    # Streams and the inference of a schema ask for what they need themselves: fewer than a dozen names.
    repeated = {}
    for path in ROOT.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef):
                names = {one.arg for one in (*node.args.args, *node.args.kwonlyargs)} & set(NAMES)
                repeated[f"{path.relative_to(ROOT)}:{node.name}"] = len(names)
    assert {where for where, count in repeated.items() if count > 8} == {"api/tables.py:stream"}


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ({"tolerence": 0.1}, "did you mean 'tolerance'"),
        ({"tolerance": 2}, "tolerance must be at most 1; this is 2"),
        ({"run_length": 0}, "run_length must be a number of at least 1; this is 0"),
        ({"estimate": "row"}, "estimate cannot be 'row'; did you mean 'rows'"),
        ({"features": 7}, "features must be a text or a list of texts; this is 7"),
        ({"segments": [7]}, r"segments must be a text or a list of texts; this is \(7,\)"),
        ({"label": ["y"]}, r"label must be a text; this is \['y'\]"),
        ({"tolerance": "wide"}, "tolerance must be a number; this is 'wide'"),
        ({"tolerance": True}, "tolerance must be a number; this is True"),
        ({"attributed": 1}, "attributed must be True or False; this is 1"),
        ({"scores": ["a"]}, r"scores must be a mapping; this is \['a'\]"),
        ({"progress": 3}, "progress must be a function; this is 3"),
        ({"quantiles": {1.5: "high"}}, "greater than 0 and less than 1; 1.5 is not"),
    ],
)
def test_an_option_that_is_off_is_refused_before_anything_is_read(option: dict[str, object], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        watchkeeper.check("there is no such file", "nor this", **option)


LEAST = """
    least_rows: Annotated[
        int, Option("Current rows below which nothing is said.", "ROWS", lower=0)
    ] = 0
"""
TENANT = """
    tenant: Annotated[Name, Option("Whose prediction it was.", _COLUMN)] = None
"""


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return where a copy of the package lies whose check has two more options, each written in one or two files."""
    site = tmp_path_factory.mktemp("site")
    shutil.copytree(ROOT, site / "watchkeeper", ignore=shutil.ignore_patterns("__pycache__"))

    def insert(file: str, before: str, text: str) -> None:
        path = site / "watchkeeper" / file
        source = path.read_text(encoding="utf-8")
        assert source.count(before) == 1
        path.write_text(source.replace(before, text.lstrip("\n") + before), encoding="utf-8")

    insert("config/check_options.py", "    progress: Annotated", LEAST)
    insert("config/check_options.py", "    features: Annotated", TENANT)
    insert(
        "run/check.py",
        "    schema = replace(schema, metrics=own.functions)\n",
        '    if ours.rows < options.least_rows:\n        return CheckResult("no_data", Spec(model, Schema(())))\n',
    )
    return site


def changed_files(package: Path) -> set[str]:
    copies = {path.relative_to(package / "watchkeeper"): path for path in (package / "watchkeeper").rglob("*.py")}
    return {str(name) for name, path in copies.items() if path.read_bytes() != (ROOT / name).read_bytes()}


def run(package: Path, code: str, *words: str, folder: Path) -> subprocess.CompletedProcess[str]:
    started = f"import sys\nsys.path.insert(0, {str(package)!r})\n{code}"
    return subprocess.run(
        [sys.executable, "-c", started, *words],
        capture_output=True, text=True, cwd=folder, env=environment(PATH=os.environ["PATH"]), check=False,
    )  # fmt: skip


COMMAND = "from watchkeeper.cli.app import main\nmain()"


@pytest.fixture
def tables(tmp_path: Path) -> Path:
    frame = pl.DataFrame({"plan": ["a", "b"] * 500, "customer": ["x", "y"] * 500})
    frame.write_parquet(tmp_path / "rows.parquet")
    return tmp_path


def test_an_option_more_changes_no_more_than_three_files(package: Path) -> None:
    assert changed_files(package) == {"config/check_options.py", "run/check.py"}


def test_the_command_line_explains_it_and_keeps_to_it(package: Path, tables: Path) -> None:
    told = run(package, COMMAND, "check", "--help", folder=tables).stdout
    assert re.search(r"--least-rows ROWS +Current rows below which nothing is said\.", told)
    assert re.search(r"--tenant COLUMN +Whose prediction it was\.", told)
    words = ("check", "rows.parquet", "-r", "rows.parquet", "--least-rows")
    assert run(package, COMMAND, *words, "1000", folder=tables).returncode == 0
    assert run(package, COMMAND, *words, "1001", folder=tables).returncode == 4
    off = run(package, COMMAND, *words, "-1", folder=tables)
    assert off.returncode == 2
    assert "least-rows" in off.stderr


def test_python_takes_it_and_the_configuration_reads_the_column(package: Path, tables: Path) -> None:
    code = (
        "import watchkeeper\n"
        "from watchkeeper.config.configuration import read_config\n"
        "check = watchkeeper.check\n"
        "print(*(check('rows.parquet', 'rows.parquet', least_rows=n).verdict.value for n in (1000, 1001)))\n"
        "columns = read_config('models: {m: {columns: {tenant: customer}}}').model('m').columns\n"
        "print(columns.tenant)\n"
        "try:\n    check('rows.parquet', 'rows.parquet', least_row=1)\n"
        "except watchkeeper.WatchkeeperError as error:\n    print(error)\n"
    )
    done = run(package, code, folder=tables)
    assert done.stdout.splitlines()[:2] == ["ok no_data", "customer"], done.stderr
    assert "did you mean 'least_rows'?" in done.stdout
