"""Descriptions of options: what is read from them, and what a function made from one says."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Annotated, Any, Literal

import pytest
from pydantic import create_model

from watchkeeper.config.fields import Part, part_fields
from watchkeeper.config.options import Option, check_options, described, takes
from watchkeeper.core.errors import UsageError


def even(value: int) -> None:
    if value % 2:
        raise ValueError(f"must be even; {value} is not")


@dataclass(frozen=True, kw_only=True)
class Walk:
    """A walk."""

    steps: Annotated[int, Option("How many steps.", "COUNT", lower=0, upper=10, check=even)] = 2
    pace: Annotated[Literal["slow", "quick"], Option("How quick.")] = "slow"
    past: Annotated[Sequence[str], Option("What is passed.", flag="--by", more="In this order.")] = ()
    names: Annotated[Mapping[str, str] | None, Option("What things are called.")] = None
    own: int = 3

    def __post_init__(self) -> None:
        check_options(self)


@takes(Walk)
def walk(current: Any, reference: Any, options: Walk) -> Walk:
    """Walk from one to the other.

    Parameters
    ----------
    current, reference
        Here and there.

    Raises
    ------
    UsageError
        When it is no walk.
    """
    return options


def test_a_field_without_an_option_is_no_option() -> None:
    assert [one.name for one in described(Walk)] == ["steps", "pace", "past", "names"]
    assert [one.flag for one in described(Walk)] == ["--steps", "--pace", "--by", "--names"]
    assert [one.repeats for one in described(Walk)] == [False, False, True, False]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"steps": 11}, "steps must be at most 10; this is 11"),
        ({"steps": -2}, "steps must be a number of at least 0; this is -2"),
        ({"steps": "2"}, "steps must be a number of at least 0; this is '2'"),
        ({"steps": 3}, "steps must be even; 3 is not"),
        ({"pace": "quikc"}, "pace cannot be 'quikc'; did you mean 'quick'?"),
        ({"past": 7}, "past must be a text or a list of texts; this is 7"),
        ({"stesp": 1}, r"walk\(\) has no option 'stesp'; did you mean 'steps'?"),
    ],
)
def test_what_is_not_valid_is_said_with_what_is(values: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        walk(0, 1, **values)


def test_a_function_takes_the_description_by_keyword_and_tables_by_place_or_name() -> None:
    assert walk(0, reference=1, steps=4, past=["tree"]) == Walk(steps=4, past=["tree"])
    assert walk(0, 1, past="tree") == walk(0, 1, past=["tree"]), "one name is a list of one"
    with pytest.raises(UsageError, match="what follows is given by keyword: 4"):
        walk(0, 1, 4)
    assert list(inspect.signature(walk).parameters) == ["current", "reference", *(one.name for one in fields(Walk))]
    assert inspect.signature(walk).parameters["steps"].default == 2
    told = inspect.getdoc(walk) or ""
    assert "steps : count, default 2\n    How many steps." in told
    assert told.index("pace : slow or quick") < told.index("In this order.") < told.index("Raises")


def test_a_part_of_the_configuration_reads_what_yaml_can_say() -> None:
    made = create_model("Made", __base__=Part, **part_fields(Walk))
    part = made.model_validate({"steps": 4, "past": ["tree", 7]})
    assert part.model_dump() == {"steps": 4, "pace": "slow", "past": ("tree", "7"), "names": {}}
    assert replace(Walk(), **dict(part)).past == ("tree", "7")
    assert made.model_validate({"past": "tree"}).model_dump()["past"] == ("tree",)
    for off in ({"steps": 12}, {"steps": 3}, {"pace": "quikc"}, {"past": 7}, {"own": 1}):
        with pytest.raises(ValueError, match=next(iter(off))):
            made.model_validate(off)
