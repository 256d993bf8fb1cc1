"""Ids in any spelling and saved indexes are no features."""

from __future__ import annotations

from uuid import UUID

import numpy as np
import polars as pl
import pytest

from watchkeeper.core.schema import Kind, Role
from watchkeeper.schema.inference import infer_schema
from watchkeeper.schema.names import words_of

N = 400
RNG = np.random.default_rng(0)
OPEN = RNG.integers(1, 300, N)
UUIDS = [str(UUID(int=int(i))) for i in RNG.integers(1, 2**60, N // 4)] * 4


def column(name: str, values: object) -> tuple[Kind, Role]:
    frame = pl.DataFrame({"other": RNG.normal(size=N)}).with_columns(pl.Series(values=values).alias(name))
    found = infer_schema(frame)[name]
    return found.kind, found.role


@pytest.mark.parametrize(
    "name",
    ["CustomerID", "customer-id", "customerId", "customer id", "CUSTOMER_ID", "customerid", "id_cliente", "userUUID"],
)
@pytest.mark.parametrize(
    "values",
    [OPEN, OPEN.astype(float), [None, *OPEN[1:]], pl.Series(OPEN).cast(pl.Decimal(38, 0)), [f"C{i:04}" for i in OPEN]],
    ids=["whole", "floats", "with a null", "decimal", "text"],
)
def test_an_id_in_any_spelling_and_type_tells_things_apart(name: str, values: object) -> None:
    assert column(name, values)[0] is Kind.IDENTIFIER


def test_few_values_of_an_id_are_codes_and_no_quantities() -> None:
    assert column("store_id", RNG.integers(1, 9, N))[0] is Kind.CATEGORICAL


@pytest.mark.parametrize("name", ["reference", "x"])
def test_universally_unique_identifiers_are_ids_under_any_name(name: str) -> None:
    assert column(name, UUIDS)[0] is Kind.IDENTIFIER
    assert column(name, [text.replace("-", "").upper() for text in UUIDS])[0] is Kind.IDENTIFIER


@pytest.mark.parametrize("name", ["paid", "grid", "amountPaid", "valid", "humidity", "acid"])
def test_a_name_that_only_ends_like_one_is_no_id(name: str) -> None:
    assert column(name, OPEN)[0] is Kind.NUMERIC


@pytest.mark.parametrize("name", ["Unnamed: 0", "Unnamed: 0.1", "__index_level_0__", "level_0", "index", "row_number"])
def test_an_index_that_was_saved_is_left_alone(name: str) -> None:
    assert column(name, np.arange(N))[1] is Role.IGNORED
    assert column(name, np.arange(N) * 7)[1] is Role.IGNORED, "a sample of a long table has gaps"


@pytest.mark.parametrize(
    ("name", "values"), [("index", OPEN), ("Unnamed: 0", RNG.normal(size=N)), ("rows", np.arange(N))]
)
def test_what_does_not_count_or_is_not_called_so_is_a_feature(name: str, values: object) -> None:
    assert column(name, values)[1] is Role.FEATURE


@pytest.mark.parametrize(
    ("name", "role", "values"),
    [
        ("PredictionId", Role.ID, np.arange(N)),
        ("Request-ID", Role.ID, pl.Series(np.arange(N)).cast(pl.Decimal(38, 0))),
        ("yTrue", Role.LABEL, RNG.integers(0, 2, N)),
        ("Y Pred Proba", Role.SCORE, RNG.random(N)),
        ("ModelVersion", Role.VERSION, ["a", "b"] * (N // 2)),
    ],
)
def test_a_role_is_recognised_in_any_spelling(name: str, role: Role, values: object) -> None:
    assert column(name, values)[1] is role


def test_words_are_found_in_any_spelling() -> None:
    told = [words_of(name) for name in ("HTTPCode", "día_é", "a1b", "__x__", "")]
    assert told == [("http", "code"), ("día", "é"), ("a", "1", "b"), ("x",), ()]
