"""Pairs of tables of any types, values, names and sizes: an answer or one of our errors, and never a blind "ok"."""

import time

import pytest

import watchkeeper
from tests.run.mutated_tables import pair
from watchkeeper.core.errors import WatchkeeperError
from watchkeeper.core.measurement import Status
from watchkeeper.core.schema import ALL, Kind, Role
from watchkeeper.views.findings import Verdict

LONGEST = 10.0
"""Seconds of processor time that no pair may take; looked at in the campaign alone."""


def answer(folder, seed):
    """Return the verdict on a pair, or the name of the error it is refused with."""
    case = pair(seed, folder)
    try:
        report = watchkeeper.check(case.current, case.reference, **case.options)
    except WatchkeeperError as error:
        return type(error).__name__
    if seed % 4 == 0:
        assert str(report), (seed, case.story)
        assert report.json(), (seed, case.story)
    if report.verdict is Verdict.OK:
        used = {c.name for c in report.schema if c.role is Role.FEATURE and c.kind is not Kind.UNUSABLE}
        unusable = [key.column for key, state in report.current.items() if key.segment == ALL and state.problem]
        failed = {m.column for m in report.measurements if m.status is Status.FAILED}
        assert not used & {*unusable, *failed}, (seed, case.story, unusable, failed)
        assert not case.lost, (seed, case.story)
    return report.verdict.value


@pytest.mark.parametrize("first", range(0, 150, 30))
def test_mutated_pairs_of_tables_get_an_answer_or_an_error_of_ours(tmp_path, first):
    answers = {answer(tmp_path, seed) for seed in range(first, first + 30)}
    # Neither says all of them the same.
    assert {"ok", "alert"} <= answers


@pytest.mark.fuzz
def test_every_mutated_pair_of_tables_gets_an_answer_or_an_error_of_ours_in_time(tmp_path, cases):
    for seed in range(1_000, 1_000 + cases(5, 20_000)):
        began = time.process_time()
        answer(tmp_path, seed)
        assert time.process_time() - began < LONGEST, seed
