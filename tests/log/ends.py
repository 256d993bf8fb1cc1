"""Processes that log and then end in every way there is: python ends.py FOLDER END [METHOD].

Each logs the ids that ``LOGGED`` says; what it says to the standard output is the process's own count of lost rows.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from typing import Any

from watchkeeper.log import Log, open_writers, writer

ROWS = 100
HOUR = 3_600.0
_kept: list[Any] = []


def tell(*words: object) -> None:
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


def serve(folder: str, name: str, count: int = ROWS) -> Log:
    """Log so many rows in a way that nothing but the end of the process writes them."""
    served = Log(folder, "m", flush_seconds=HOUR)
    for number in range(count):
        served.predict(f"{name}-{number}", features={"x": 1.5}, prediction=1)
    return served


def forgotten(folder: str) -> None:
    serve(folder, "a")


def plain_end(folder: str) -> None:
    _kept.append(serve(folder, "a"))


def one_for_each_request(folder: str) -> None:
    for number in range(ROWS):
        Log(folder, "m").predict(f"a-{number}", prediction=1)
        assert threading.active_count() <= 2


def os_exit(folder: str) -> None:
    _kept.append(serve(folder, "a"))
    os._exit(0)


def os_exit_in_a_forked_child(folder: str) -> None:
    shared = serve(folder, "a")
    child = os.fork()
    if child == 0:
        for number in range(ROWS):
            shared.predict(f"b-{number}", prediction=1)
        os._exit(0)
    os.waitpid(child, 0)


def forked_while_threads_log(folder: str) -> None:
    shared = Log(folder, "m", flush_seconds=0.001)
    threads = [threading.Thread(target=serve_on, args=(shared, f"t{n}")) for n in range(2)]
    for thread in threads:
        thread.start()
    children = []
    for number in range(5):
        child = os.fork()
        if child == 0:
            serve_on(shared, f"c{number}")
            os._exit(0)
        children.append(child)
    for child in children:
        os.waitpid(child, 0)
    for thread in threads:
        thread.join()


def serve_on(shared: Log, name: str) -> None:
    for number in range(ROWS):
        shared.predict(f"{name}-{number}", prediction=1)


def sigterm(folder: str) -> None:
    _kept.append(serve(folder, "a"))
    os.kill(os.getpid(), signal.SIGTERM)


def sigkill(folder: str) -> None:
    _kept.append(serve(folder, "a"))
    os.kill(os.getpid(), signal.SIGKILL)


def sigkill_amid_writing(folder: str) -> None:
    serve(folder, "a").flush()
    _kept.append(serve(folder, "b"))
    os.kill(os.getpid(), signal.SIGKILL)


class Last:
    """Logs when the interpreter takes its modules apart."""

    def __init__(self, served: Log) -> None:
        self.served = served

    def __del__(self) -> None:
        serve_on(self.served, "b")
        self.served.flush()


def del_at_exit(folder: str) -> None:
    globals()["last"] = Last(serve(folder, "a"))


def del_at_exit_without_shared_memory(folder: str) -> None:
    from watchkeeper.log import tail

    tail.SHARED = "/nowhere"
    del_at_exit(folder)


def exception(folder: str) -> None:
    _kept.append(serve(folder, "a"))
    raise RuntimeError("the host fails")


def _worker(folder: str, name: str, given: Log) -> None:
    serve(folder, name)
    serve_on(given, f"{name}-given")


def processes(folder: str, method: str) -> None:
    context = multiprocessing.get_context(method)
    given = Log(folder, "m", version="2", flush_seconds=60)
    started = [context.Process(target=_worker, args=(folder, f"p{n}", given)) for n in range(2)]
    for process in started:
        process.start()
    for process in started:
        process.join()
        assert process.exitcode == 0


def _pooled(folder_name: tuple[str, str]) -> str:
    _kept.append(serve(*folder_name))
    return folder_name[1]


def pool(folder: str, method: str) -> None:
    # Leaving the pool terminates its workers.
    with multiprocessing.get_context(method).Pool(2) as workers:
        assert workers.map(_pooled, [(folder, "w0"), (folder, "w1"), (folder, "w2")]) == ["w0", "w1", "w2"]


def interrupted(folder: str) -> None:
    """Log from a signal handler that comes at any moment of a call in the same thread."""
    shared, came = Log(folder, "m", flush_seconds=0.001), []

    def handle(*_: object) -> None:
        came.append(len(came))
        shared.predict(f"h-{len(came) - 1}", prediction=1)
        if len(came) < 5 * ROWS:
            signal.setitimer(signal.ITIMER_REAL, 0.0001)

    signal.signal(signal.SIGALRM, handle)
    signal.setitimer(signal.ITIMER_REAL, 0.0001)
    number = 0
    while len(came) < 5 * ROWS:
        shared.predict(f"a-{number}", prediction=1)
        number += 1
    tell(number, len(came))


def hung_sync(folder: str) -> None:
    """Serve while the disk never answers, and end."""
    hangs = f"{folder}/hangs"
    os.mkfifo(hangs)
    os.fsync = lambda fd: os.close(os.open(hangs, os.O_RDONLY))
    writer.MOST_LINES, writer._CROWDED, writer.PATIENCE = 3_000, 500, 0.01
    open_writers.EXIT_SECONDS = 0.05
    shared = Log(folder, "m", flush_seconds=0.001)
    for number in range(8_000):
        shared.predict(f"a-{number}", features={"x": "y" * 100}, prediction=1)
    assert not shared.flush(timeout=0.01)
    assert not shared.close(timeout=0.01)
    tell(shared.lost)


def full_disk(folder: str, then: str = "") -> None:
    """Serve while the disk takes no more than a few bytes, and end."""
    import resource

    shared = Log(folder, "m", flush_seconds=0.001)
    shared.predict("first", prediction=1)
    assert shared.flush()
    resource.setrlimit(resource.RLIMIT_FSIZE, (2_000, resource.RLIM_INFINITY))
    writer.MOST_LINES, writer._CROWDED, writer.PATIENCE = 3_000, 500, 0.01
    for number in range(8_000):
        shared.predict(f"a-{number}", features={"x": "y" * 100}, prediction=1)
    assert not shared.flush()
    assert shared.lost
    tell(shared.lost)
    if then:
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        assert shared.flush()


def _watch_files() -> dict[int, list[str]]:
    """Return which calls on files each thread makes, from now on, but for those on shared memory."""
    seen: dict[int, list[str]] = {}

    def saw(event: str, arguments: tuple[Any, ...]) -> None:
        path = arguments[0] if arguments else ""
        on_files = event == "open" or event.startswith(("os.", "shutil."))
        if on_files and not str(path).startswith("/dev/"):
            seen.setdefault(threading.get_ident(), []).append(f"{event} {path}")

    sys.addaudithook(saw)
    for name in ("write", "fsync", "ftruncate", "stat", "lstat"):
        plain = getattr(os, name)

        def counted(*arguments: Any, _plain: Any = plain, _name: str = name, **named: Any) -> Any:
            saw(f"os.{_name}", (*arguments, ""))
            return _plain(*arguments, **named)

        setattr(os, name, counted)
    return seen


def calls_on_files(folder: str) -> None:
    """Print what the thread that logs calls on files, and what the other one does."""
    shared = Log(folder, "m", flush_seconds=0.001, max_bytes=20_000)
    seen = _watch_files()
    for number in range(5_000):
        shared.predict(f"a-{number}", features={"x": "y" * 100}, prediction=1)
    own = seen.pop(threading.get_ident(), [])
    shared.flush()
    tell(
        [call for call in own if "/dev/shm" not in call],
        any("os.fsync" in call for calls in seen.values() for call in calls),
    )


if __name__ == "__main__":
    globals()[sys.argv[2]](sys.argv[1], *sys.argv[3:4])
