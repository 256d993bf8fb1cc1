"""Gan's chart of counts."""

from __future__ import annotations

import numpy as np
import pytest

from tests.charts.points import point, run
from watchkeeper.charts.binomial_ewma import BinomialEwma
from watchkeeper.core.errors import StateError

GAN = {"share": 0.1, "limit": 18.0}


def counts(rng: np.random.Generator, share: float, windows: int):
    return [point(k / 150, None, 150) for k in rng.binomial(150, share, windows).tolist()]


def test_the_chart_has_the_run_length_of_the_reference_file() -> None:
    """n = 150, p0 = .1, λ = .165, limit 18: 13.01 windows at a share of .125."""
    rng, lengths = np.random.default_rng(100), []
    for _ in range(150):
        _, signals = run(BinomialEwma(), None, counts(rng, 0.125, 150), GAN)
        lengths.append(next((n for n, s in enumerate(signals, 1) if s.fired), 150))
    assert abs(np.mean(lengths) - 13.01) <= 3 * np.std(lengths) / np.sqrt(150)


def test_the_average_is_a_whole_number_worked_by_hand() -> None:
    """From 15: round(.835·15 + .165·30) = round(17.475) = 17, then round(.835·17 + .165·30) = round(19.145) = 19."""
    memory, first = run(BinomialEwma(), None, [point(0.2, None, 150)], GAN)
    assert memory is not None
    assert memory.numbers["average"] == 17
    assert not first[0].fired
    assert BinomialEwma().step(memory, point(0.2, None, 150), GAN)[1].fired


def test_windows_of_another_size_and_values_that_are_no_shares_are_refused() -> None:
    memory, _ = run(BinomialEwma(), None, [point(0.1, None, 150)], GAN)
    with pytest.raises(StateError, match="windows of 90 and 150 rows"):
        BinomialEwma().step(memory, point(0.1, None, 90), GAN)
    with pytest.raises(StateError, match="shares between 0 and 1"):
        BinomialEwma().step(memory, point(1.1, None, 150), GAN)
