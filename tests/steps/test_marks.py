"""What states and references are known by, today and in version 0.1.0, whose values were taken from it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from watchkeeper.config.configuration import read_config
from watchkeeper.config.model import columns_fingerprint
from watchkeeper.core.rule import Rule
from watchkeeper.core.schema import Column, Kind, NumericMap, Role, Schema, SegmentRule, Task
from watchkeeper.core.spec import Spec
from watchkeeper.core.window import WindowRule
from watchkeeper.steps.first_marks import first_columns, first_reference_basis, first_rows, first_states_basis
from watchkeeper.steps.marks import reference_basis, states_basis

COLUMNS = (
    Column("id", Role.ID, Kind.IDENTIFIER, "String", why="named"),
    Column("it's", Role.FEATURE, Kind.NUMERIC, "Float64", NumericMap(-3.5, 1e-9), "a number"),
    Column("p_a", Role.CLASS_SCORE, Kind.NUMERIC, "Float64"),
    Column("label", Role.LABEL, Kind.CATEGORICAL, "String"),
)
SCHEMA = Schema(
    COLUMNS, Task.MULTICLASS, ("a", "b"), None, (SegmentRule("plan", ("x", "y")),), (("a", "p_a"),), ((0.1, "low"),),
    ("ours:regret",),
)  # fmt: skip
RULE = WindowRule(timedelta(days=7), timedelta(hours=12), datetime(2024, 1, 1, tzinfo=UTC))
RICH = Spec("m", SCHEMA, RULE, keep=("covariance",), reference_keep=("row_sample",))
BARE = Spec("m", Schema(COLUMNS[:2]), None)

CONFIG = """\
models:
  a:
    columns:
      {id: i, time: t, label_time: lt, features: [x, "it's"], scores: {a: b}, quantiles: {0.1: q}, embed: {txt: "m:f"}}
    segments: [s]
    fairness: [f]
    task: ranking
    reference: {from: 2024-03-04T02:00:00+02:00, to: 2024-03-26}
  b:
    columns: {features: []}
    positive: "1"
    reference: ref.parquet
  c: {source: in.parquet}
"""


def test_marks_of_0_1_0_are_known_again():
    assert first_states_basis(RICH, RULE) == "ca5651687000f3cf"
    assert first_reference_basis(RICH) == "ebec82ea8b9d9af6"
    assert first_states_basis(BARE, WindowRule()) == "f990467309796d47"
    assert first_reference_basis(BARE) == "a4fdda9f5f030d52"
    assert first_rows([("reference.parquet", "123:456"), ("s3://x", 7)]) == "4297e7f0a23874e3"
    models = read_config(CONFIG).models.values()
    about = [(m.columns, m.split_by, m.positive, m.task, m.reference) for m in models]
    assert [first_columns(*one) for one in about] == [
        "bf152a7d3cfb5a259819f3dd941a6c806a33c11b7f13db4db8610e413c56438c",
        "de7d778f76e4f1dd0c762d90f301e0a3847dfb497cd65adda791f0010b47509f",
        "e61a238118fe1697d26e7de3dc14c5af74a121bcd1335e86eb13a7e8e29992ed",
    ]


def test_rules_are_known_as_in_0_1_0_because_states_hold_what_they_are_known_by():
    inner = Rule("not_null", ("plan",))
    outer = Rule("in_range", ("x",), {"least": 0, "most": 1.5, "words": "it's"}, when=(inner,))
    assert (inner.digest, outer.digest) == ("3e8bbd05e80cb730", "ed335beb6b4f6ed0")


def test_marks_of_today_do_not_change_by_themselves():
    assert states_basis(RICH, RULE) == "states.1:2eb8d31ca5d0edda"
    assert reference_basis(RICH) == "reference.1:ea1956ac9fefd8fd"
    model = read_config(CONFIG).models["a"]
    assert (
        columns_fingerprint(model.columns, model.split_by, None, model.task, model.reference)
        == "columns.1:3bc14f221b287212"
    )


def changed(**fields):
    return replace(RICH, schema=replace(SCHEMA, **fields))


@pytest.mark.parametrize(
    "other",
    [
        changed(columns=COLUMNS[:3]),
        changed(columns=(replace(COLUMNS[0], dtype="Int64"), *COLUMNS[1:])),
        changed(columns=(COLUMNS[0], replace(COLUMNS[1], map=NumericMap(-3.5, 1.0)), *COLUMNS[2:])),
        changed(columns=(*COLUMNS[:3], replace(COLUMNS[3], kind=Kind.NUMERIC))),
        changed(segments=(SegmentRule("plan", ("x",)),)),
        changed(metrics=()),
        replace(RICH, keep=()),
        replace(RICH, windows=replace(RULE, grain=timedelta(days=7))),
    ],
)
def test_what_decides_what_states_hold_decides_what_they_are_known_by(other):
    assert states_basis(other, other.windows) != states_basis(RICH, RULE)
    assert reference_basis(other) != reference_basis(RICH)


def test_words_about_a_column_do_not_matter():
    worded = changed(columns=tuple(replace(column, why="other words") for column in COLUMNS))
    assert states_basis(worded, RULE) == states_basis(RICH, RULE)
    assert reference_basis(worded) == reference_basis(RICH)
