"""A column's name is a name: neither our own calls nor those of a library read it as a pattern."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import watchkeeper
from watchkeeper.api import open_project
from watchkeeper.core.columns import column_named, columns_named
from watchkeeper.core.measurement import Measurement
from watchkeeper.core.schema import Kind, Role
from watchkeeper.run.anomalies import find_anomalies
from watchkeeper.run.offending import offending_rows
from watchkeeper.run.suggest import suggest_rules
from watchkeeper.schema.inference import infer_schema

SOURCE = Path(watchkeeper.__file__).parent
PATTERNS = ("*", "^a.*$", "^.*$", "^(at|id|label|score)$", "a*", "$", "^", "[a]", "a.b", "@all", "%", "{x}", "ä\n")
TAKES_PATTERNS = ("select", "drop", "unique", "drop_nulls", "group_by", "partition_by", "join")
NO_FRAMES = ("np", "sa", "os.path", "select", "candidate", "choice.candidate", "challenger.choice.candidate")
"""What has a method of such a name and is no frame of Polars."""

HARMLESS = (
    "frame.lazy().select(wanted)",
    "self.frame.lazy().select(exprs)",
    "files.select(day, rows.alias('rows'))",
    "part.filter(*inside).select(*wanted, *([key.ours.alias(_KEY)] if key else []))",
    "held.with_columns(key, *lacking).select(list(_EMPTY))",
    "rows.group_by(by, maintain_order=True)",
    "rows.select(*order, 'blob')",
)
"""Calls of which every argument is an expression, or a name of the store's own."""


def _texts(argument: ast.expr) -> bool:
    """Whether an argument may hold names that are not written in the source."""
    inner = argument.value if isinstance(argument, ast.Starred) else argument
    if isinstance(inner, ast.Name):
        return not inner.id.isupper()
    if isinstance(inner, ast.List | ast.Tuple):
        return any(map(_texts, inner.elts))
    named = isinstance(inner, ast.Call) and isinstance(inner.func, ast.Name) and inner.func.id in ("list", "tuple")
    return isinstance(inner, ast.ListComp | ast.GeneratorExp | ast.SetComp | ast.Attribute | ast.JoinedStr) or named


def _calls(source: str) -> Iterator[str]:
    """Calls of Polars that would read a name as a pattern."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        whose, asked = ast.unparse(node.func.value), [*node.args]
        asked += [word.value for word in node.keywords if word.arg in ("on", "left_on", "right_on", "subset", "by")]
        if whose == "pl" and node.func.attr in ("col", "exclude"):
            risky = any(map(_texts, asked))
        else:
            asked = asked[1:] if node.func.attr == "join" else asked
            risky = node.func.attr in TAKES_PATTERNS and whose not in NO_FRAMES and any(map(_texts, asked))
        if risky:
            yield ast.unparse(node)


def test_no_call_reads_a_name_from_outside_as_a_pattern() -> None:
    seen = ["pl.col(name)", "x.select(names)", "x.select('a', *names)", "x.join(y, on=key)", "x.drop(list(names))"]
    assert [list(_calls(call)) for call in seen] == [[call] for call in seen]
    found = [
        f"{path.relative_to(SOURCE)}: {call}"
        for path in sorted(SOURCE.rglob("*.py"))
        if path.parent.name not in ("demo", "testing")
        for call in _calls(path.read_text())
        if call not in HARMLESS
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("name", PATTERNS)
def test_a_column_is_chosen_by_its_whole_name(name: str) -> None:
    frame = pl.DataFrame({name: [1, 2], "ab": [3, 4], "at": [5, 6]})
    assert frame.select(column_named(name) * 2).to_dict(as_series=False) == {name: [2, 4]}
    assert frame.select(columns_named(["at", name])).columns == ["at", name]
    assert frame.drop(columns_named([name])).columns == ["ab", "at"]


def _rows(names: Sequence[str], n: int, seed: int, shift: float = 0.0) -> pl.DataFrame:
    """A log in which every name stands for one role and kind."""
    rng = np.random.default_rng(seed)
    chance = rng.random(n)
    start = datetime(2026, 11, 1, tzinfo=UTC)
    columns = [
        rng.normal(shift, 1, n), rng.choice(["u", "v"], n), (rng.random(n) < chance).astype(int), chance,
        (chance > 0.5).astype(int), [f"{seed}-{i}" for i in range(n)],
        [start + timedelta(minutes=5 * i) for i in range(n)], rng.choice(["n", "s"], n), rng.normal(size=n),
    ]  # fmt: skip
    # Polars itself stumbles when it is to make times under such a name.
    return pl.DataFrame(dict(zip("abcdefghi", columns, strict=True))).rename(dict(zip("abcdefgh", names, strict=True)))


NAMES = tuple(f"^{letter}.*$" for letter in "abcdefgh")


def test_a_check_takes_columns_named_like_patterns_for_columns(tmp_path: Path) -> None:
    number, level, label, score, prediction, key, time, segment = NAMES
    roles = {"label": label, "score": score, "prediction": prediction, "id": key, "time": time, "segments": [segment]}
    before, now = _rows(NAMES, 1000, 0), _rows(NAMES, 1000, 1, shift=2.0)
    report = watchkeeper.check(now, before, **roles)
    assert [column for alert in report.alerts for column in alert.columns] == [number]
    before.write_csv(tmp_path / "before.csv")
    now.write_parquet(tmp_path / "now.parquet")
    again = watchkeeper.check(tmp_path / "now.parquet", tmp_path / "before.csv", **roles)
    assert [column for alert in again.alerts for column in alert.columns] == [number]
    assert level in [m.column for m in report.measurements if m.name == "l_infinity"]


def test_a_run_takes_columns_named_like_patterns_for_columns(tmp_path: Path) -> None:
    number, _, label, score, prediction, key, time, segment = NAMES
    _rows(NAMES, 1500, 0).write_parquet(tmp_path / "reference.parquet")
    (tmp_path / "in").mkdir()
    _rows(NAMES, 1500, 1, shift=2.0).write_parquet(tmp_path / "in" / "a.parquet")
    named = {"label": label, "score": score, "prediction": prediction, "id": key, "time": time}
    columns = "\n".join(f"      {role}: '{name}'" for role, name in named.items())
    (tmp_path / "watchkeeper.yaml").write_text(
        f"models:\n  m:\n    source: in/*.parquet\n    reference: reference.parquet\n    segments: ['{segment}']\n"
        f"    columns:\n{columns}\n"
    )
    project = open_project(tmp_path / "watchkeeper.yaml")
    result = project.run("m", datetime(2026, 11, 7, tzinfo=UTC))
    assert not result.problems
    assert sum(one.appended.rows for one in result.taken) == 1500
    firing = {column for alert in result.ran.alerts for column in alert.columns}
    assert number in firing, "the column that moved is named"
    failed = [m for m in project.store.recorded("m", Measurement) if m.status.value == "failed"]
    assert not failed
    project.close()


def test_rules_streams_and_anomalies_take_columns_named_like_patterns_for_columns() -> None:
    number, level, label, score, _, key, time, segment = NAMES
    before, now = _rows(NAMES, 1000, 0), _rows(NAMES, 300, 1, shift=9.0)
    schema = infer_schema(before, roles={Role.TIME: time, Role.ID: key, Role.LABEL: label, Role.SCORE: score})
    roles = {Role.TIME: time, Role.ID: key, Role.LABEL: label}
    rules = suggest_rules(before, roles=roles)
    asked = [
        {"rule": "in_range", "column": number, "lower": -5, "upper": 5}, {"rule": "not_null", "column": level},
        {"rule": "unique", "column": key}, {"rule": "ordered", "column": time},
        {"rule": "compares", "column": score, "other": number, "relation": "less"},
    ]  # fmt: skip
    report = watchkeeper.check(now, before, rules=asked, time=time, id=key, label=label)
    told = {m.name: m.status.value for m in report.measurements if m.family.value == "quality"}
    assert set(told.values()) == {"ok"}, told
    assert {rule.column for rule in rules} >= {number, level}
    assert max(one.broken for one in offending_rows(now, [rule for rule in rules if rule.column == number])) > 250
    watch = watchkeeper.stream(before, time=time, id=key, label=label, segments=[segment])
    alerts = watch.update(now).alerts
    assert number in [column for alert in alerts for column in alert.columns]
    assert watch.update(now.to_dicts()[:20]).rows == 20
    assert schema[number].kind is Kind.NUMERIC
    assert len(find_anomalies(now, before, roles=roles, most=300).anomalous) > 250
