"""Rows that a statistic must be able to take in, in each of the forms in which statistics see them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from typing import Any

import numpy as np
import polars as pl

from watchkeeper.core.rule import Rule
from watchkeeper.core.schema import Column, Kind, NumericMap, Role, Schema, Task
from watchkeeper.schema.kinds import map_of
from watchkeeper.stats.blocks import Levels, Numbers, NumberSource, Outcomes, Rows
from watchkeeper.stats.hashing import hash_numbers
from watchkeeper.stats.joint import JOINT_COLUMN, Joint
from watchkeeper.stats.level_index import count_levels
from watchkeeper.stats.outcomes import outcomes
from watchkeeper.stats.rule_rows import RuleRows
from watchkeeper.stats.statistic import Statistic
from watchkeeper.stats.texts import Texts
from watchkeeper.stats.vectors import Vectors
from watchkeeper.testing.outcome_rows import outcome_rows

__all__ = ["Case", "cases_for"]

_N = 3_000
_BY_COLUMN = (Numbers, Levels, Texts, Vectors)
"""Forms of single columns: a statistic is kept for those that it applies to."""


@dataclass(frozen=True)
class Case:
    """Rows and how they are cut into blocks.

    Attributes
    ----------
    name
        What the rows are, for the message when a law is broken.
    column
        What the statistic is started with.
    frame
        The rows.
    blocks
        Turns any slice of the rows into blocks, which are only valid one after the other.
    """

    name: str
    column: Column
    frame: pl.DataFrame
    blocks: Callable[[pl.DataFrame], Iterator[Any]]


def cases_for(statistic: Statistic, seed: int = 0) -> list[Case]:
    """Return rows in every form that ``statistic`` reads.

    Raises
    ------
    AssertionError
        When it reads a form that is not known, or applies to no column of a form it reads.
    """
    makers = {
        Numbers: _numbers, Levels: _levels, Outcomes: _outcomes, Rows: _rows,
        Texts: _texts, Vectors: _vectors, Joint: _joint, RuleRows: _rule_rows,
    }  # fmt: skip
    rng = np.random.default_rng(seed)
    found: list[Case] = []
    for block in statistic.reads:
        assert block in makers, f"it reads {block.__name__}. Known: {', '.join(b.__name__ for b in makers)}"
        made = makers[block](rng)
        if block in _BY_COLUMN:
            made = [case for case in made if statistic.applies(case.column)]
            assert made, f"it reads {block.__name__} but applies to no kind of column that gives them"
        found.extend(made)
    assert found, "it reads nothing"
    return found


def _numbers(rng: np.random.Generator) -> list[Case]:
    plain = rng.lognormal(1.0, 0.7, _N)
    tied = np.where(rng.random(_N) < 0.4, 0.0, np.round(plain, 1))
    series = {
        "distinct numbers": pl.Series("x", plain),
        "tied numbers": pl.Series("x", tied),
        "whole numbers": pl.Series("x", rng.integers(-5, 6, _N)),
        "numbers with nulls, NaN and infinities": _hostile(plain.copy(), rng),
        "constant numbers": pl.Series("x", np.full(_N, 4.25)),
        "nulls only": pl.Series("x", [None] * 40, dtype=pl.Float64),
        "NaN only": pl.Series("x", np.full(40, np.nan)),
        "one number": pl.Series("x", [1.5]),
        "no rows": pl.Series("x", [], dtype=pl.Float64),
    }
    cases = []
    for name, values in series.items():
        column = Column("x", Role.FEATURE, Kind.NUMERIC, str(values.dtype), map_of(values))

        def blocks(piece: pl.DataFrame, column: Column = column) -> Iterator[Numbers]:
            return NumberSource(piece["x"], column).blocks()

        cases.append(Case(name, column, values.to_frame(), blocks))
    return cases


def _hostile(values: np.ndarray[Any, np.dtype[np.float64]], rng: np.random.Generator) -> pl.Series:
    for bad in (np.nan, np.inf, -np.inf):
        values[rng.integers(0, _N, 60)] = bad
    return pl.Series("x", values).set(pl.Series(rng.random(_N) < 0.1), None)


def _levels(rng: np.random.Generator) -> list[Case]:
    names = np.array(["", "a", "é", "<b>", "long " * 100, "NULL"])
    series = {
        "texts": pl.Series("x", names[rng.integers(0, len(names), _N)]),
        "texts with nulls": pl.Series("x", ["a", None, "b", "a"] * 20),
        "truth values": pl.Series("x", rng.random(_N) < 0.3),
        "codes": pl.Series("x", rng.integers(0, 7, _N)),
        "nulls only": pl.Series("x", [None] * 40, dtype=pl.String),
        "no rows": pl.Series("x", [], dtype=pl.String),
    }
    cases = []
    for name, values in series.items():
        kind = Kind.BOOLEAN if values.dtype == pl.Boolean else Kind.CATEGORICAL
        column = Column("x", Role.FEATURE, kind, str(values.dtype))
        cases.append(Case(name, column, values.to_frame(), lambda piece: iter([count_levels(piece, ["x"])["x"]])))
    return cases


def _outcomes(rng: np.random.Generator) -> list[Case]:
    score = rng.beta(2, 4, _N)
    label = pl.Series("label", (rng.random(_N) < score).astype(int)).set(pl.Series(rng.random(_N) < 0.1), None)
    binary = pl.DataFrame({"label": label, "prediction": (score > 0.4).astype(int), "score": score})
    worse = binary.with_columns(
        score=_hostile(score.copy(), rng).alias("score"), label=pl.Series(rng.choice([0, 1, 7], _N))
    )
    names = np.array(["a", "b", "c"])
    many = pl.DataFrame(
        {"label": names[rng.integers(0, 3, _N)], "prediction": names[rng.integers(0, 3, _N)], "score": score}
    )
    each = rng.dirichlet([1.0, 2.0, 3.0], _N)
    scored = many.with_columns(pl.Series(f"p_{name}", each[:, code]) for code, name in enumerate("abc"))
    odd = scored.with_columns(p_a=_hostile(each[:, 0].copy(), rng), label=pl.Series(rng.choice(["a", "b", "x"], _N)))
    three: dict[str, Any] = {"classes": ("a", "b", "c"), "class_scores": tuple((name, f"p_{name}") for name in "abc")}
    truth = 100 + 10 * rng.normal(size=_N)
    sums = pl.DataFrame({"label": truth, "prediction": truth + rng.normal(size=_N), "score": score})
    two = {"classes": ("0", "1"), "positive": "1"}
    return [
        _outcome_case("binary outcomes", binary, Task.BINARY, **two),
        _outcome_case("binary outcomes with bad scores and unseen labels", worse, Task.BINARY, **two),
        _outcome_case("binary outcomes without labels", binary.with_columns(label=None), Task.BINARY, **two),
        _outcome_case("binary outcomes without scores", binary.drop("score"), Task.BINARY, **two),
        _outcome_case("outcomes of many classes", many, Task.MULTICLASS, classes=("a", "b", "c")),
        _outcome_case("outcomes of many classes with the score of each", scored, Task.MULTICLASS, **three),
        _outcome_case("outcomes of many classes with bad scores", odd, Task.MULTICLASS, **three),
        _outcome_case("outcomes of a regression", sums, Task.REGRESSION),
        *(_more_outcomes(name, frame, schema) for name, frame, schema in outcome_rows(rng)),
        _outcome_case("no outcomes", binary.head(0), Task.BINARY, **two),
    ]


def _answered(piece: pl.DataFrame, schema: Schema) -> Outcomes:
    """Return the outcomes of rows; every statistic is asked of the same ones, cut in the same places."""
    content = BytesIO()
    piece.write_ipc(content)
    return _read(content.getvalue(), schema)


@lru_cache(maxsize=8_192)
def _read(content: bytes, schema: Schema) -> Outcomes:
    return outcomes(pl.read_ipc(BytesIO(content)), schema)


def _more_outcomes(name: str, frame: pl.DataFrame, schema: Schema) -> Case:
    started = schema.of(Role.SCORE) or Column("", Role.SCORE, Kind.NUMERIC)
    return Case(name, started, frame, lambda piece: iter([_answered(piece, schema)]))


def _outcome_case(name: str, frame: pl.DataFrame, task: Task, **known: Any) -> Case:
    score = Column("score", Role.SCORE, Kind.NUMERIC, "Float64", NumericMap(0.0, 1.0))
    kind = Kind.NUMERIC if task is Task.REGRESSION else Kind.CATEGORICAL
    columns = (Column("label", Role.LABEL, kind), Column("prediction", Role.PREDICTION, kind), score)
    schema = Schema(tuple(c for c in columns if c.name in frame.columns), task, **known)
    started = score if "score" in frame.columns else Column("", Role.SCORE, Kind.NUMERIC)
    return Case(name, started, frame, lambda piece: iter([_answered(piece, schema)]))


def _rows(rng: np.random.Generator) -> list[Case]:
    frame = pl.DataFrame({"id": np.arange(_N), "x": rng.normal(size=_N), "s": ["é"] * _N})
    column = Column("", Role.ID, Kind.IDENTIFIER)

    def blocks(piece: pl.DataFrame) -> Iterator[Rows]:
        return iter([Rows(piece, hash_numbers(piece["id"].to_numpy()))])

    def among(piece: pl.DataFrame) -> Iterator[Rows]:
        places = np.arange(piece.height, 2 * piece.height)
        return iter([Rows(pl.concat([piece.reverse(), piece]), hash_numbers(piece["id"].to_numpy()), places=places)])

    return [
        Case("rows", column, frame, blocks),
        Case("rows among others, as those of a segment are", column, frame, among),
        Case("few rows", column, frame.head(7), blocks),
        Case("no rows", column, frame.head(0), blocks),
    ]


def _rule_rows(rng: np.random.Generator) -> list[Case]:
    x = rng.normal(size=_N)
    frame = pl.DataFrame(
        {"place": np.arange(_N), "x": x, "id": [f"r{i}" for i in rng.integers(0, 2 * _N, _N)], "t": np.arange(_N)}
    ).with_columns(t=pl.Series(np.where(rng.random(_N) < 0.01, 0, np.arange(_N))), x=_hostile(x.copy(), rng))
    rules = (
        Rule("not_null", ("x",)), Rule("in_range", ("x",), {"upper": 2.0}), Rule("unique", ("id",)),
        Rule("ordered", ("t",)), Rule("not_null", ("gone",)),
        Rule("unique", ("id",), when=(Rule("in_range", ("x",), {"lower": 0.0}),)),
    )  # fmt: skip
    column = Column("", Role.ID, Kind.IDENTIFIER)

    def blocks(piece: pl.DataFrame) -> Iterator[RuleRows]:
        return iter([RuleRows(piece, rules, "", (0.0, int(piece["place"][0]) if piece.height else 0))])

    return [Case("rows under rules", column, frame, blocks), Case("no rows under rules", column, frame.head(0), blocks)]


def _texts(rng: np.random.Generator) -> list[Case]:
    words = np.array(["the", "parcel", "arrived", "späť", "配達", "😀", "a\u0301", "<b>", "e-mail@x.org", "12,50"])
    plain = [" ".join(rng.choice(words, length)) for length in rng.poisson(6, _N // 2)]
    series = {
        "sentences": pl.Series("x", plain),
        "sentences with nulls": pl.Series("x", plain).set(pl.Series(rng.random(len(plain)) < 0.1), None),
        "strange texts": pl.Series("x", ["", " ", "\n\t", "\x00", "\u2028", "\u200f", "é" * 5_000, "NULL", None] * 8),
        "one text over and over": pl.Series("x", ["the same"] * 200),
        "nulls only": pl.Series("x", [None] * 40, dtype=pl.String),
        "one text": pl.Series("x", ["alone"]),
        "no texts": pl.Series("x", [], dtype=pl.String),
    }
    return _by_column(series, Kind.TEXT, lambda piece: Texts.of(piece["x"]))


def _vectors(rng: np.random.Generator) -> list[Case]:
    plain = rng.normal(size=(_N // 3, 8)) @ rng.normal(size=(8, 8)) + rng.normal(size=8)
    broken = plain.copy()
    broken[::7, 3] = np.nan
    broken[::11, 0] = np.inf
    lists = pl.List(pl.Float64)
    lost = [None if row % 13 == 0 else values for row, values in enumerate(broken.tolist())]
    series = {
        "vectors": pl.Series("x", plain, dtype=pl.Array(pl.Float64, 8)),
        "vectors of small floats": pl.Series("x", plain.astype(np.float32).tolist(), dtype=pl.List(pl.Float32)),
        "vectors with nulls, NaN and infinities": pl.Series("x", lost, dtype=lists),
        "one vector over and over": pl.Series("x", [plain[0].tolist()] * 200, dtype=lists),
        "vectors of one number": pl.Series("x", plain[:, :1].tolist(), dtype=lists),
        "nulls only": pl.Series("x", [None] * 40, dtype=lists),
        "one vector": pl.Series("x", plain[:1].tolist(), dtype=lists),
        "no vectors": pl.Series("x", [], dtype=lists),
    }
    identity = hash_numbers(np.arange(_N))
    return _by_column(series, Kind.VECTOR, lambda piece: Vectors.of(piece["x"], identity[piece["row"]]))


def _by_column(series: dict[str, pl.Series], kind: Kind, block: Callable[[pl.DataFrame], Any]) -> list[Case]:
    def blocks(piece: pl.DataFrame) -> Iterator[Any]:
        return iter([block(piece)])

    columns = {name: Column("x", Role.FEATURE, kind, str(values.dtype)) for name, values in series.items()}
    frames = {name: values.to_frame().with_row_index("row") for name, values in series.items()}
    return [Case(name, columns[name], frames[name], blocks) for name in series]


def _joint(rng: np.random.Generator) -> list[Case]:
    # More rows than one block holds.
    base = rng.normal(size=(5_000, 4))
    plain = pl.DataFrame(
        {
            "a": base[:, 0],
            "b": 0.8 * base[:, 0] + 0.6 * base[:, 1],
            "c": np.exp(base[:, 2]),
            "d": rng.integers(0, 3, 5_000),
            "constant": np.full(5_000, 4.25),
        }
    )
    hostile = plain.with_columns(
        a=_hostile(base[:_N, 0].copy(), rng).extend_constant(None, 5_000 - _N), d=pl.lit(None, pl.Int64)
    )
    few = plain.select("a", "b")
    return [
        _joint_case("features together", plain),
        _joint_case("features together with nulls, NaN and infinities", hostile),
        _joint_case("two features", few.head(600)),
        _joint_case("constant features", pl.DataFrame({"a": [1.0] * 40, "b": [2.0] * 40})),
        _joint_case("one row", plain.head(1)),
        _joint_case("no rows", plain.head(0)),
    ]


def _joint_case(name: str, frame: pl.DataFrame) -> Case:
    columns = [Column(s.name, Role.FEATURE, Kind.NUMERIC, str(s.dtype), map_of(s)) for s in frame.iter_columns()]
    levels = pl.Series("level", ["a", "b", None, "é"]).gather(np.arange(frame.height) % 4)
    whole = frame.with_columns(levels, id=pl.int_range(frame.height))
    schema = Schema((Column("id", Role.ID, Kind.IDENTIFIER), *columns, Column("level", Role.FEATURE, Kind.CATEGORICAL)))
    return Case(name, JOINT_COLUMN, whole, lambda piece: Joint.blocks(piece, schema))
