"""The rows on which statistics are tried come in every form, with what makes each form hard."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import pytest

from watchkeeper.core.schema import Column, Kind
from watchkeeper.core.state import JOINT
from watchkeeper.stats.blocks import Levels, Numbers, Outcomes, Rows
from watchkeeper.stats.joint import Joint
from watchkeeper.stats.texts import Texts
from watchkeeper.stats.vectors import Vectors
from watchkeeper.testing.rows import Case, cases_for


class Reader:
    """As much of a statistic as choosing its rows needs."""

    plugin: ClassVar[str] = "statistic"
    name: ClassVar[str] = "reader"
    version: ClassVar[int] = 1
    part_type: ClassVar[type] = object

    def __init__(self, *reads: type, kinds: tuple[Kind, ...] = tuple(Kind)) -> None:
        self.reads, self.kinds = reads, kinds

    def applies(self, column: Column) -> bool:
        return column.kind in self.kinds

    def start(self, column: Column) -> Any:
        raise NotImplementedError

    def merge(self, a: Any, b: Any) -> Any:
        raise NotImplementedError

    def result(self, part: Any) -> Any:
        raise NotImplementedError


def blocks(case: Case) -> list[Any]:
    return list(case.blocks(case.frame))


@pytest.mark.parametrize("form", [Numbers, Levels, Outcomes, Rows, Texts, Vectors, Joint])
def test_every_form_has_cases_with_rows_and_one_without(form: type) -> None:
    cases = cases_for(Reader(form))
    assert {0} < {min(case.frame.height, 1) for case in cases}
    for case in cases:
        assert all(isinstance(block, form) for block in case.blocks(case.frame))
        assert all(isinstance(block, form) for block in case.blocks(case.frame.head(0)))


def test_texts_and_vectors_come_with_nulls_and_empty_ones() -> None:
    for form in (Texts, Vectors):
        found = {case.name: blocks(case)[0] for case in cases_for(Reader(form))}
        assert any(0 < block.nulls < block.rows for block in found.values())
        assert any(0 < block.nulls == block.rows for block in found.values())
        assert any(block.rows == 0 for block in found.values())
    texts = [text for case in cases_for(Reader(Texts)) for text in blocks(case)[0].texts.to_list()]
    assert "" in texts
    assert max(map(len, texts)) == 5_000


def test_features_together_come_in_several_blocks_within_their_limits() -> None:
    cases = cases_for(Reader(Joint))
    assert {case.column.name for case in cases} == {JOINT}
    assert max(len(blocks(case)) for case in cases) > 1
    for case in cases:
        for block in case.blocks(case.frame):
            assert np.isfinite(block.z).all()
            assert np.abs(block.z).max() <= 8.0


def test_a_statistic_that_applies_to_no_column_of_its_form_is_refused() -> None:
    with pytest.raises(AssertionError, match="reads Vectors but applies to no kind of column"):
        cases_for(Reader(Vectors, kinds=(Kind.TEXT,)))


def test_a_form_that_is_not_known_is_refused_with_the_known_ones() -> None:
    with pytest.raises(AssertionError, match=r"it reads int\. Known: Numbers, .*Joint"):
        cases_for(Reader(int))
