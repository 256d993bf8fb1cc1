"""Fine-tuning by gradient descent: better than the champion, and than a module trained from nothing on the new rows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from watchkeeper.integrations.torch import Net, Torch
from watchkeeper.maintain.framework import Lesson

COLUMNS = 12


def world(rng: np.random.Generator, count: int, turned: float) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return rows of a world that is curved, and that has turned a little."""
    x = rng.normal(size=(count, COLUMNS))
    value = np.sin(1.5 * x[:, 0]) + x[:, 1] * x[:, 2] + 0.7 * x[:, 3] + turned * x[:, 4]
    return x, (rng.random(count) < 1 / (1 + np.exp(-3 * value))).astype(np.int64)


def losses(net: Net, x: NDArray[np.float64], y: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the log loss of each row."""
    return -np.log(np.clip(Torch().predict(net, x, 2)[np.arange(len(y)), y], 1e-9, 1.0))


def test_a_fine_tuned_module_beats_its_champion_and_one_trained_from_nothing_in_four_of_five_seeds() -> None:
    framework, clear = Torch(), 0
    parameters = {"epochs": 40, "patience": 6, "learning_rate": 0.005}
    for seed in range(5):
        rng = np.random.default_rng([7, seed])
        old, new, asked = world(rng, 3_000, -0.8), world(rng, 500, 0.8), world(rng, 4_000, 0.8)
        champion = framework.fit(Lesson(*old, 2, parameters=parameters, seed=seed))
        lesson = Lesson(*new, 2, parameters=parameters, seed=seed, way="continue")
        tuned, fresh = framework.continue_(champion, lesson), framework.fit(lesson)
        own = losses(tuned, *asked)
        lows = []
        for other in (champion, fresh):
            gain = losses(other, *asked) - own
            lows.append(gain.mean() - 1.96 * gain.std() / len(gain) ** 0.5)
        clear += min(lows) > 0
    assert clear >= 4
