"""How many rows a proof needs is told before a challenger is trained."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from math import ceil

import numpy as np
import polars as pl
import pytest
from scipy.stats import norm

from watchkeeper.core.action import Action, ActionKind, Outcome
from watchkeeper.core.schema import Schema
from watchkeeper.core.spec import Maintenance, Spec
from watchkeeper.maintain.challenger import Champion, Occasion
from watchkeeper.maintain.sample_size import SampleSize, sample_size
from watchkeeper.maintain.standard import Aim, level_of_try
from watchkeeper.words.actions import ground_sentence

START = datetime(2024, 6, 3)  # noqa: DTZ001
TURN = START + timedelta(days=28)
END = TURN + timedelta(days=7)


@pytest.fixture
def spec(binary: Schema) -> Spec:
    return Spec("m", binary, maintenance=Maintenance("mod:train"))


@pytest.fixture
def rows() -> pl.DataFrame:
    """Thirty-five days of which the last seven bring the label no answer foresees."""
    rng = np.random.default_rng(0)
    times = [START + timedelta(minutes=10 * i) for i in range(35 * 144)]
    score = np.where(rng.random(len(times)) < 0.5, 0.2, 0.8)
    truth = np.where(np.array(times) < TURN, rng.random(len(times)) < score, rng.random(len(times)) < 0.5)
    return pl.DataFrame({
        "id": [str(i) for i in range(len(times))], "time": pl.Series(times).dt.replace_time_zone("UTC"), "x": score,
        "colour": "red", "prediction": (score > 0.5).astype(int), "score": score, "label": truth.astype(int),
    })  # fmt: skip


def aware(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC)


def size(rows: pl.DataFrame, spec: Spec, occasion: Occasion, past: tuple[Action, ...] = ()) -> SampleSize:
    found = sample_size(Champion(lambda asked: asked), rows, spec, occasion, aware(END), past)
    assert found is not None
    return found


def test_a_repair_needs_rows_for_the_harm_that_it_is_to_mend(rows: pl.DataFrame, spec: Spec) -> None:
    found = size(rows, spec, Occasion(aware(TURN), Aim.SUPERIOR, tries=2))
    # Expected log loss: .2 and .8 cost .500 while they are right, and .916 where the label is a coin.
    assert found.gain == pytest.approx(0.416, abs=0.04)
    assert found.n == 7 * 144
    z = norm.ppf(1 - level_of_try(0.05, 2)) + norm.ppf(0.8)
    assert found.needed == ceil((z * found.sigma / found.gain) ** 2)
    assert ground_sentence(found.ground).startswith("to show a gain of 0.4")


def test_what_is_only_old_needs_rows_for_the_margin_and_the_last_proof_tells_how_rows_differ(
    rows: pl.DataFrame, spec: Spec
) -> None:
    facts = {"log_loss:error": 0.01, "n": 400}
    proof = Action("v", "m", ActionKind.VALIDATE, Outcome.REFUSED, "", "watchkeeper", facts=facts)
    found = size(rows, spec, Occasion(None, Aim.NON_INFERIOR), (proof,))
    assert (found.gain, found.sigma) == (0.0, pytest.approx(0.01 * 400**0.5))
    z = norm.ppf(1 - level_of_try(0.05, 1)) + norm.ppf(0.8)
    assert found.needed == ceil((z * found.sigma / found.margin) ** 2)


def test_under_a_hundred_labelled_rows_nothing_is_told(rows: pl.DataFrame, spec: Spec) -> None:
    assert sample_size(Champion(lambda asked: asked), rows[:50], spec, Occasion(), aware(END), ()) is None
