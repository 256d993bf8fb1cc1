"""A run holds a lease on its model, renews it, gives it back, and stops writing once it has lost it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from tests.run import invented
from tests.run.invented import MODEL, day, deliver, everything, rows
from watchkeeper.core.errors import LeasedError, LeaseLostError
from watchkeeper.core.measurement import Measurement
from watchkeeper.run.lease import leased
from watchkeeper.run.once import run_once
from watchkeeper.store.leases import LeasedStore
from watchkeeper.store.memory import MemoryStore

LONG = timedelta(hours=1)
OTHER = {"host": "elsewhere", "process": 4711}


@pytest.fixture
def watched(tmp_path):
    store = MemoryStore()
    found = rows(0, 6)
    model = invented.watch(tmp_path, store)
    deliver(tmp_path, "0", found, found)
    return model


def test_a_run_takes_the_model_and_gives_it_back(watched):
    before = watched.store.lease(MODEL, timedelta(0), **OTHER)
    watched.run(MODEL, day(6).start)
    after = watched.store.lease(MODEL, LONG, **OTHER)
    # The run, its end, and this.
    assert after.number == before.number + 3


def test_a_model_that_another_worker_has_is_left_alone_and_who_has_it_is_said(watched):
    watched.store.lease(MODEL, LONG, **OTHER)
    with pytest.raises(LeasedError, match=r"process 4711 on elsewhere since .* UTC"):
        watched.run(MODEL, day(6).start)
    assert watched.store.recorded(MODEL, Measurement) == []
    with pytest.raises(LeasedError, match="4711"):
        run_once(watched.spec(MODEL), watched.store, day(6).start)


def test_a_lease_is_renewed_for_as_long_as_the_work_takes():
    class Counting(MemoryStore):
        renewed = 0

        def renew(self, lease, length):
            self.renewed += 1
            return super().renew(lease, length)

    store = Counting()
    with leased(store, MODEL, timedelta(milliseconds=30)) as held:
        assert isinstance(held, LeasedStore)
        while store.renewed < 4:
            pass
        held.record(MODEL, [], {"at": (None, "1")})
    store.lease(MODEL, LONG, **OTHER)


def test_a_worker_that_lost_its_model_in_the_midst_writes_nothing_more(watched, tmp_path):
    class Slow(MemoryStore):
        """Another worker takes over after the states were put, while this one knows nothing of it."""

        def put_states(self, model, states, **more):
            super().put_states(model, states, **more)
            held = self._leases[model]
            self._leases[model] = replace(held, number=held.number + 1, until=held.since, **OTHER)

    store = Slow()
    model = invented.project(tmp_path, store)
    with pytest.raises(LeaseLostError, match="was taken over"):
        model.run(MODEL, day(6).start)
    assert store.recorded(MODEL, Measurement) == []
    assert store.pointer(MODEL, "place") is None
    assert store._leases[MODEL].host == "elsewhere", "the lease of the other was ended"
    watched.run(MODEL, day(6).start)
    store.__class__ = MemoryStore
    model.run(MODEL, day(6).start)
    assert everything(model) == everything(watched)


def run_command(folder: Path) -> list[str]:
    script = Path(sys.executable).with_name("watchkeeper")
    return [str(script), "run", "--config", str(folder / "watchkeeper.yaml")]


WAITING = """\
import sys


def wait(label, prediction, score):
    print("waiting", flush=True)
    sys.stdin.readline()
    return label * 1.0
"""


def test_of_two_commands_at_once_the_second_says_who_is_first_and_comes_after_it_is_dead(tmp_path):
    place = invented.write(tmp_path)
    place.write_text(place.read_text() + "    metrics: {functions: [waiting:wait]}\n")
    (tmp_path / "waiting.py").write_text(WAITING)
    found = rows(0, 6)
    deliver(tmp_path, "0", found, found)
    command = run_command(tmp_path)
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as first:
        assert first.stdout is not None
        assert first.stdout.readline() == "waiting\n"
        second = subprocess.run(command, capture_output=True, text=True, check=False)
        assert second.returncode == 5, second
        said = [line for line in second.stderr.splitlines() if "another worker" in line]
        assert len(said) == 1
        assert f"process {first.pid} on " in said[0]
        assert second.stdout == f"{MODEL}: another worker is at work on it\n"
        os.kill(first.pid, signal.SIGKILL)
    invented.lapse(tmp_path)
    third = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert third.returncode == 0, third
    assert "10 windows judged" in third.stdout
