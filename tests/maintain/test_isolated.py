"""Training in a process of its own."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import IO, Any

import numpy as np
import polars as pl
import pytest

from watchkeeper.core.errors import ArtefactError, TrainingError
from watchkeeper.maintain import isolated
from watchkeeper.maintain.isolated import IsolatedTraining, can_isolate
from watchkeeper.maintain.train import TrainingData, load_trainer

pytestmark = pytest.mark.skipif(not can_isolate(), reason="this system cannot fork")

MODULE = """
import os, signal, subprocess, sys, time
import numpy as np
from sklearn.linear_model import LogisticRegression


def train(rows, seed, weights=None):
    print("fitting", rows.height, "rows in", os.getpid())
    return LogisticRegression(random_state=seed).fit(rows.select("x"), rows["label"], weights)


def lazily(data, seed):
    total = sum(part.height for part in data.batches(100))
    assert (data.columns, data.rows, total) == (["x", "label"], 400, 400)
    assert data.lazy().select("x").collect().height == 400
    return train(data.frame(), seed)


def fail(rows):
    raise ValueError("the warehouse has moved")


def sleep(rows):
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    open("child", "w").write(str(child.pid))
    print("waiting for", child.pid, flush=True)
    time.sleep(600)


def eat(rows):
    return np.ones(400_000_000)


def die(rows):
    print("about to die", flush=True)
    os.kill(os.getpid(), signal.SIGSEGV)


class Odd:
    def predict(self, rows):
        return rows


def odd(rows):
    return Odd()
"""


@pytest.fixture
def rows() -> pl.DataFrame:
    x = np.linspace(-1.0, 1.0, 400)
    return pl.DataFrame({"x": x, "label": (x > 0.2).astype(int)})


Make = Callable[..., IsolatedTraining]


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    (tmp_path / "isolated_training.py").write_text(MODULE, encoding="utf-8")
    monkeypatch.chdir(tmp_path)

    def made(**options: object) -> IsolatedTraining:
        return IsolatedTraining(tmp_path / "work", tmp_path / "training.log", str(tmp_path), **options)

    return made


def test_a_model_is_fitted_elsewhere_as_it_would_be_here(make: Make, rows: pl.DataFrame, tmp_path: Path) -> None:
    said: list[str] = []
    training = make(progress=said.append)
    weights = np.linspace(0.1, 1.0, rows.height)
    elsewhere = training.fit("isolated_training:train", rows, 0, weights)
    here = load_trainer("isolated_training:train", str(tmp_path)).function(rows, 0, weights)
    assert np.array_equal(elsewhere.coef_, here.coef_)
    words = (tmp_path / "training.log").read_text().split()
    assert words[:4] == ["fitting", "400", "rows", "in"]
    assert int(words[4]) != os.getpid()
    assert training.fit("isolated_training:lazily", rows, 0, None).coef_.shape == (1, 1)
    training.close()
    assert not (tmp_path / "work").exists()


def test_a_process_that_has_ended_before_anybody_looks_is_no_wait_for_ever(
    make: Make, rows: pl.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    running = type(isolated._server)._running

    class Slowly:
        """Writes an order, and comes back when it was carried out and both lines of the answer are there."""

        def __init__(self, orders: IO[bytes]) -> None:
            self._orders = orders

        def write(self, order: bytes) -> int:
            written = self._orders.write(order)
            time.sleep(4)
            return written

    def slowly(server: Any) -> tuple[Any, IO[bytes]]:
        orders, answers = running(server)
        return Slowly(orders), answers

    monkeypatch.setattr(type(isolated._server), "_running", slowly)
    training = make(time_limit=timedelta(seconds=20))
    assert training.fit("isolated_training:train", rows, 0, None).coef_.shape == (1, 1)


def test_what_a_function_raises_is_said_as_it_would_be_here(make: Make, rows: pl.DataFrame) -> None:
    words = r"(?s)isolated_training:fail failed on 400 rows: ValueError.*in fail: raise"
    with pytest.raises(TrainingError, match=words):
        make().fit("isolated_training:fail", rows, 0, None)


def test_a_training_that_takes_too_long_is_ended_with_all_it_has_started(
    make: Make, rows: pl.DataFrame, tmp_path: Path
) -> None:
    training = make(time_limit=timedelta(seconds=5))
    with pytest.raises(TrainingError, match=r"(?s)took longer than 0:00:05 \(maintain.time_limit\).*waiting for"):
        training.fit("isolated_training:sleep", rows, 0, None)
    child = int((tmp_path / "child").read_text())
    assert _ends(child)
    # The next one has a process of its own again.
    assert training.fit("isolated_training:train", rows, 0, None).coef_.shape == (1, 1)


def _ends(process: int) -> bool:
    for _ in range(200):
        try:
            state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return True
        if state == "Z":
            return True
        time.sleep(0.05)
    return False


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="limits of memory hold on Linux")
def test_a_training_that_takes_too_much_memory_is_refused_it(make: Make, rows: pl.DataFrame) -> None:
    training = make(memory=500_000_000)
    with pytest.raises(TrainingError, match=r"(?s)MemoryError.*may take 500,000,000 bytes \(maintain.memory_limit\)"):
        training.fit("isolated_training:eat", rows, 0, None)
    assert training.fit("isolated_training:train", rows, 0, None).coef_.shape == (1, 1)


def test_a_training_that_dies_says_by_what_and_what_it_wrote_last(make: Make, rows: pl.DataFrame) -> None:
    with pytest.raises(TrainingError, match=r"(?s)ended by SIGSEGV.*about to die"):
        make().fit("isolated_training:die", rows, 0, None)


def test_a_model_of_types_that_are_not_allowed_is_refused_by_name(make: Make, rows: pl.DataFrame) -> None:
    with pytest.raises(ArtefactError, match=r"isolated_training\.Odd"):
        make().fit("isolated_training:odd", rows, 0, None)


def test_rows_are_handed_over_lazily_in_this_process_too(rows: pl.DataFrame, tmp_path: Path) -> None:
    seen: list[TrainingData] = []

    def train(data: TrainingData) -> str:
        seen.append(data)
        return f"{data.rows} rows"

    from watchkeeper.maintain.train import Trainer

    assert Trainer("mod:train", train).fit_here(rows, 0, None) == "400 rows"
    assert isinstance(seen[0], TrainingData)
