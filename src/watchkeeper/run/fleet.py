"""Many models: which of them a host takes, and runs of several at once, each in a process of its own."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from multiprocessing import connection, get_context
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path

from watchkeeper.core.errors import InternalError, UsageError, WatchkeeperError
from watchkeeper.run.project import Project, RunReport, open_project

__all__ = ["ModelRuns", "in_shard"]

_THREADS = ("POLARS_MAX_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")

Progress = Callable[[str, int, int], None]


def in_shard(names: Sequence[str], shard: str) -> list[str]:
    """Return the models of one of several shards: each model is in one, and stays there when others come or go.

    Parameters
    ----------
    shard
        ``i/n``: the i-th of n, counted from 1.

    Raises
    ------
    UsageError
        When that is no shard.
    """
    number, _, of = shard.partition("/")
    if not (number.isdecimal() and of.isdecimal() and 1 <= int(number) <= int(of)):
        raise UsageError(f"--shard is {shard!r}; write i/n with 1 ≤ i ≤ n, such as 1/4 for the first of four")
    return [name for name in names if _hash(name) % int(of) == int(number) - 1]


def _hash(name: str) -> int:
    return int.from_bytes(sha256(name.encode()).digest()[:8])


@dataclass(frozen=True)
class ModelRuns:
    """Runs of several models at once.

    Parameters
    ----------
    config
        The configuration.
    workers
        How many processes work at a time; each holds its share of the cores.
    until
        The moment to replay history up to; None for a run as of now.
    """

    config: Path
    workers: int
    until: datetime | None = None
    replaces: bool = False
    rehearsed: bool = False

    def of(self, project: Project, name: str, *, progress: Progress | None = None, send: bool = True) -> RunReport:
        """Run one model in this process; nobody waits for those who are told, see ``Project.run``."""
        now = self.until or datetime.now(UTC)
        stepwise = self.until is not None
        return project.run(
            name, now, progress=progress, stepwise=stepwise, replaces=self.replaces, send=send, wait=False
        )

    def __call__(self, names: Sequence[str]) -> Iterator[tuple[str, RunReport | WatchkeeperError]]:
        """Run the models and yield what each came to, as they are done.

        A model that fails, or whose process is killed, costs itself; the others are run.
        """
        left, at_work = list(reversed(names)), dict[Connection, tuple[str, BaseProcess]]()
        with _shared_cores(min(self.workers, len(names))):
            try:
                while left or at_work:
                    while left and len(at_work) < self.workers:
                        self._give(left.pop(), *self._started(), at_work)
                    for ready in [one for one in connection.wait(list(at_work)) if isinstance(one, Connection)]:
                        name, process = at_work.pop(ready)
                        try:
                            yield name, ready.recv()
                        except EOFError:
                            process.join()
                            yield name, _died(name, process.exitcode)
                            continue
                        if left:
                            self._give(left.pop(), ready, process, at_work)
                        else:
                            ready.close()
                            process.join()
            finally:
                for pipe, (_, process) in at_work.items():
                    process.terminate()
                    process.join()
                    pipe.close()

    def _started(self) -> tuple[Connection, BaseProcess]:
        context = get_context("spawn")
        mine, theirs = context.Pipe()
        process = context.Process(target=_work, args=(theirs, self), name="watchkeeper run")
        process.start()
        # What this end does not hold open closes when the process dies.
        theirs.close()
        return mine, process

    def _give(
        self, name: str, pipe: Connection, process: BaseProcess, at_work: dict[Connection, tuple[str, BaseProcess]]
    ) -> None:
        # A process that is gone already is found when its answer is waited for.
        with suppress(OSError):
            pipe.send(name)
        at_work[pipe] = name, process


def _work(orders: Connection, runs: ModelRuns) -> None:
    """Run the models that come, one after the other, until no more do."""
    with closing(open_project(runs.config, rehearsed=runs.rehearsed)) as project:
        while True:
            try:
                name = orders.recv()
            except EOFError:
                return
            try:
                # One process sends the messages of all, so that a storm is one.
                orders.send(runs.of(project, name, send=False))
            except WatchkeeperError as error:
                orders.send(error)


def _died(name: str, code: int | None) -> InternalError:
    how = f"was killed by signal {-code}" if code is not None and code < 0 else f"ended with code {code}"
    return InternalError(
        f"the process that ran {name} {how}. Where memory is short, run fewer at once (--workers). What it had done is "
        "kept; once its lease is over, the next run goes on from there"
    )


@contextmanager
def _shared_cores(workers: int) -> Iterator[None]:
    """Let each process that is started have its share of the cores."""
    share = str(max(1, (os.cpu_count() or 1) // workers))
    mine = {name: os.environ[name] for name in _THREADS if name in os.environ}
    os.environ.update({name: share for name in _THREADS if name not in mine})
    try:
        yield
    finally:
        for name in _THREADS:
            if name not in mine:
                os.environ.pop(name, None)
