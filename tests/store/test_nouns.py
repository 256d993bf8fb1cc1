from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchkeeper.core.action import Action, ActionKind, Outcome
from watchkeeper.core.errors import StoreError
from watchkeeper.core.evidence import Evidence
from watchkeeper.core.ground import Ground, Observation
from watchkeeper.core.measurement import Family, Measurement
from watchkeeper.core.schema import Schema
from watchkeeper.core.spec import Maintenance, Spec
from watchkeeper.core.window import Window
from watchkeeper.store.nouns import from_json, identity, span_of, to_json
from watchkeeper.testing.ledger import every_noun


@pytest.mark.parametrize("noun", every_noun("m"), ids=lambda n: type(n).__name__)
def test_every_noun_comes_back_from_json_exactly(noun) -> None:
    text = to_json(noun)
    assert from_json(text, type(noun)) == noun
    assert to_json(from_json(text, type(noun))) == text


@pytest.mark.fuzz
@given(
    value=st.none() | st.floats(),
    interval=st.none() | st.tuples(st.floats(), st.floats()),
    details=st.dictionaries(st.text(), st.floats() | st.text()),
    n=st.integers(0, 2**62),
    reason=st.text(),
)
def test_a_measurement_with_any_numbers_comes_back(value, interval, details, n, reason) -> None:
    measured = Measurement(
        Family.METRIC, "x", value, n, interval=interval, evidence=Evidence(details=details), reason=reason
    )
    # repr tells 0.0 from -0.0 and 1 from 1.0, and holds NaN for NaN.
    details = dict(sorted(details.items()))
    assert repr(from_json(to_json(measured), Measurement)) == repr(
        replace(measured, evidence=Evidence(details=details))
    )


@pytest.mark.fuzz
@given(st.timedeltas())
def test_any_duration_comes_back(delay: timedelta) -> None:
    spec = Spec("m", Schema(()), maintenance=Maintenance(label_delay=delay))
    assert from_json(to_json(spec), Spec).maintenance.label_delay == delay


def test_numpy_numbers_and_whole_numbers_are_stored_as_the_numbers_they_are() -> None:
    details = {"a": np.float64(0.1), "b": np.int64(3), "c": 4, "d": True, "e": np.float32("inf")}
    measured = Measurement(Family.METRIC, "x", np.float64(math.nan), np.int64(7), evidence=Evidence(details=details))
    got = from_json(to_json(measured), Measurement)
    assert got.evidence.details == {"a": 0.1, "b": 3.0, "c": 4.0, "d": 1.0, "e": math.inf}
    assert math.isnan(got.value)
    assert got.n == 7


def test_times_in_any_zone_are_the_same_moment_afterwards() -> None:
    moment = datetime(2024, 7, 1, 12, tzinfo=UTC)
    for zone in (UTC, timezone(timedelta(hours=5, minutes=45)), ZoneInfo("Europe/Berlin")):
        action = Action("a", "m", ActionKind.HOLD, Outcome.DONE, "", "", moment.astimezone(zone))
        assert from_json(to_json(action), Action) == action


def test_a_measurement_is_the_same_whatever_its_number_and_revision() -> None:
    window = Window(datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 1, 2, tzinfo=UTC))
    first = Measurement(Family.METRIC, "auroc", 0.7, 10, window=window, column="x")
    same = replace(first, value=0.8, n=11, revision=3, evidence=Evidence(details={"a": 1.0}))
    assert identity(first) == identity(same)
    others = [
        replace(first, version="v2"),
        replace(first, window=None),
        replace(first, family=Family.QUALITY),
        replace(first, name="f1"),
        replace(first, column="y"),
        replace(first, segment="a=1"),
    ]
    assert len({identity(noun) for noun in [first, *others]}) == 7


def test_damaged_json_is_a_store_error() -> None:
    with pytest.raises(StoreError, match=r"a recorded Action cannot be read.*damaged or from a newer version"):
        from_json('{"id":"a"', Action)
    with pytest.raises(StoreError, match="a recorded Action cannot be read"):
        from_json('{"id":"a"}', Action)


def test_a_noun_that_json_cannot_hold_is_refused_before_it_is_written() -> None:
    action = Action("a", "m", ActionKind.HOLD, Outcome.DONE, "", "", facts={"x": object()})
    with pytest.raises(StoreError, match=r"an? Action cannot be recorded.*nothing was written"):
        to_json(action)


def test_a_naive_time_counts_as_utc() -> None:
    action = Action("a", "m", ActionKind.HOLD, Outcome.DONE, "", "", datetime(2024, 1, 1))  # noqa: DTZ001
    assert span_of(action).starts == datetime(2024, 1, 1, tzinfo=UTC)


def test_an_action_of_0_1_0_is_written_in_the_very_bytes_that_its_link_in_the_audit_chain_seals() -> None:
    """The text was written by version 0.1.0; a field that came later is left out where it has its default."""
    text = (
        '{"alert":"","at":"2024-01-01T00:00:00Z","facts":{"n":3.0},"id":"a","kind":"hold","model":"m",'
        '"outcome":"done","version":"","who":"me","why":"drift"}'
    )
    assert to_json(from_json(text, Action)) == text


def test_grounds_are_recorded_without_the_fields_they_do_not_use() -> None:
    ground = Ground("too_few_rows", n=3, needed=9)
    action = Action("a", "m", ActionKind.VALIDATE, Outcome.REFUSED, "", "", because=(ground,))
    assert '"because":[{"code":"too_few_rows","n":3,"needed":9}]' in to_json(action)
    assert from_json(to_json(action), Action) == action
    seen = (Observation("ks", value=math.inf, estimated=True),)
    rich = Ground("fault", observations=seen, at=datetime(2024, 1, 1, tzinfo=UTC))
    action = replace(action, because=(rich, ground))
    assert from_json(to_json(action), Action) == action
