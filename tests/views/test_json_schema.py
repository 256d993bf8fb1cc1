"""Schemas are read off dataclasses, and what the encoder writes of these is valid."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import jsonschema
import pytest

from watchkeeper.core.encode import as_values
from watchkeeper.views.json_schema import json_schema


class Mark(StrEnum):
    GOOD = "good"


@dataclass(frozen=True)
class MarkDocument:
    """A mark."""

    mark: Mark


@dataclass(frozen=True)
class PointDocument:
    """A point,
    on a ``line``.

    Attributes
    ----------
    x, y
        Where it
        lies.
    """

    x: float
    y: float | None
    names: tuple[str, ...]
    more: dict[str, float | str | None]


def test_what_the_docstring_says_of_fields_describes_them() -> None:
    schema = json_schema("a point", PointDocument)
    assert (schema["title"], schema["$ref"]) == ("a point", "#/$defs/Point")
    point = schema["$defs"]["Point"]
    assert point["description"] == "A point, on a `line`."
    assert [point["properties"][name].get("description") for name in ("x", "y", "names")] == ["Where it lies."] * 2 + [
        None
    ]
    assert point["required"] == ["x", "y", "names", "more"]


def test_a_number_that_is_not_finite_is_valid_where_a_number_is() -> None:
    validator = jsonschema.Draft202012Validator(json_schema("a point", PointDocument))
    point = PointDocument(float("nan"), float("inf"), (), {"a": float("nan"), "b": "c", "d": 1.5})
    assert list(validator.iter_errors(as_values(point))) == []
    for wrong in ({"x": "1", "y": 2, "names": [], "more": {}}, {"x": 1, "y": 2, "names": [3], "more": {}}, {"x": 1}):
        assert not validator.is_valid(wrong)


def test_one_of_several_documents_is_valid_and_nothing_else() -> None:
    validator = jsonschema.Draft202012Validator(json_schema("either", PointDocument, Inner))
    assert validator.is_valid({"inner": "good"})
    assert not validator.is_valid({"inner": "bad"})
    assert not validator.is_valid({})


@dataclass(frozen=True)
class Inner:
    """A mark of its own."""

    inner: Mark


def test_two_parts_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="two parts of the schema of a mark would have one name: MarkDocument"):
        json_schema("a mark", MarkDocument)
