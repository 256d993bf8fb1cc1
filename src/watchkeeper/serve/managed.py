"""A model in the serving process that follows the store: who is in charge there answers here."""

from __future__ import annotations

import os
import threading
import time as _time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from queue import Empty, Full, Queue
from typing import Any

from watchkeeper.log import Log
from watchkeeper.serve.routing import Roles
from watchkeeper.serve.source import Ask, ModelSource, StoreSource

__all__ = ["Answer", "ManagedModel"]

_KEPT = 4
"""Versions that stay loaded: who is rolled back to answers at once."""

_MOST_PROBLEMS = 100

_WAITING = 1_000
"""Requests that may wait for the shadow; what comes beyond is left out, and counted."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered, by which version, and what the label will be joined by."""

    id: str | int
    prediction: Any
    score: Any
    version: str


@dataclass(frozen=True, slots=True)
class _Serving:
    roles: Roles
    asks: Mapping[str, Ask]


class ManagedModel:
    """Answers with the version in charge, and with the challenger where a rollout says so; logs what was answered.

    Requests are routed by a hash of their id, so that the same request gets the same version in every process. A thread
    looks at the store every ``poll_seconds``, loads what is put in charge there, and only then lets it answer: nothing
    is restarted, and no request waits. Where the store is away, or a file is not what was registered, the last good
    version goes on answering and ``problems`` counts it. A challenger that fails is answered for by the champion. The
    shadow of a rollout is asked by another thread after the answer was given.

    Parameters
    ----------
    config
        Path of watchkeeper.yaml.
    model
        The model; empty for the only one.
    poll_seconds
        How often one looks who is in charge.
    log
        Where answers are logged; made beside the store where None. A store that is no local folder needs one.
    source
        Where versions come from, in place of the store of the configuration.

    Raises
    ------
    WatchkeeperError
        When there is no version to begin with: the store cannot be read, or its file is not what was registered.
    """

    def __init__(
        self,
        config: str | os.PathLike[str] = "watchkeeper.yaml",
        model: str = "",
        *,
        poll_seconds: float = 1.0,
        log: Log | None = None,
        source: ModelSource | None = None,
    ) -> None:
        own = StoreSource(config, model)
        self._source: ModelSource = source or own
        self._log = log
        if log is None and source is None:
            name, folder = own.place()
            if not folder:
                from watchkeeper.core.errors import ConfigError

                raise ConfigError(f"the store of {name} is no local folder: give a log, as watchkeeper.log.Log(folder)")
            self._log = Log(folder, name)
        self._poll, self._problems = poll_seconds, dict[str, int]()
        self._loaded, self._in_shadow = dict[str, Ask](), 0
        self._lock, self._looking = threading.Lock(), threading.Lock()
        self._serving = self._look()
        self._begin()

    def _begin(self) -> None:
        """Start the threads; they are not there in a process that was forked."""
        self._process, self._done = os.getpid(), threading.Event()
        self._shadowed: Queue[tuple[str, Sequence[Mapping[str, Any]]]] = Queue(_WAITING)
        for work, name in ((self._follow, "follows"), (self._ask_shadows, "shadow")):
            threading.Thread(target=work, args=(self._done,), name=f"managed model {name}", daemon=True).start()

    def predict(self, features: Mapping[str, Any], *, id: str | int | None = None, time: Any = None) -> Answer:
        """Answer one request, and log the answer.

        Parameters
        ----------
        features
            By name.
        id
            What it is routed by, and what its label will be joined by; made where None.
        time
            When it was asked; now where None.
        """
        return self.predict_many([features], ids=None if id is None else [id], time=time)[0]

    def predict_many(
        self, rows: Sequence[Mapping[str, Any]], *, ids: Sequence[str | int] | None = None, time: Any = None
    ) -> list[Answer]:
        """Answer requests in their order, each by the version that its id leads to, and log the answers."""
        if self._process != os.getpid():
            with self._lock:
                if self._process != os.getpid():
                    self._looking = threading.Lock()
                    self._source.close()
                    self._begin()
        serving, keys = self._serving, list(ids) if ids is not None else [os.urandom(16).hex() for _ in rows]
        answers: list[Answer | None] = [None] * len(rows)
        by_version: dict[str, list[int]] = {}
        for place, key in enumerate(keys):
            by_version.setdefault(serving.roles.version_for(key), []).append(place)
        for version, places in by_version.items():
            asked = [rows[place] for place in places]
            answered_by, told, seconds = self._answered(serving, version, asked)
            for place, (prediction, score) in zip(places, told, strict=True):
                answers[place] = Answer(keys[place], prediction, score, answered_by)
                if self._log is not None:
                    self._log.predict(
                        keys[place], time, features=rows[place], prediction=prediction, score=score,
                        latency=seconds / len(places), version=answered_by,
                    )  # fmt: skip
        if serving.roles.shadow and rows:
            try:
                self._shadowed.put_nowait((serving.roles.shadow, list(rows)))
            except Full:
                self._note("the shadow is too slow")
        return [answer for answer in answers if answer is not None]

    def _answered(
        self, serving: _Serving, version: str, rows: Sequence[Mapping[str, Any]]
    ) -> tuple[str, list[tuple[Any, Any]], float]:
        began = _time.perf_counter()
        if version != serving.roles.champion:
            try:
                return version, serving.asks[version](rows), _time.perf_counter() - began
            except Exception:  # noqa: BLE001 - the champion answers for a challenger that fails
                self._note(f"{version} failed")
        told = serving.asks[serving.roles.champion](rows)
        return serving.roles.champion, told, _time.perf_counter() - began

    @property
    def version(self) -> str:
        """The version in charge here."""
        return self._serving.roles.champion

    @property
    def roles(self) -> Roles:
        """Who answers here."""
        return self._serving.roles

    @property
    def problems(self) -> dict[str, int]:
        """What went wrong so far, and how often."""
        with self._lock:
            return dict(self._problems)

    @property
    def shadowed(self) -> int:
        """Rows that a shadow was asked about so far."""
        return self._in_shadow

    def refresh(self) -> bool:
        """Look who is in charge now, without waiting for the thread; return whether that could be seen."""
        try:
            self._serving = self._look()
        except Exception as error:  # noqa: BLE001 - whatever is wrong with the store, the last good version serves
            self._note(f"{type(error).__name__}: {error}"[:300])
            return False
        return True

    def _look(self) -> _Serving:
        with self._looking:
            roles = self._source.roles()
            for name in roles.versions:
                if name not in self._loaded:
                    self._load(name, roles)
            present = [name for name in roles.versions if name in self._loaded]
            if roles.champion not in present:
                raise RuntimeError(f"{roles.champion} is not loaded")
            for name in present:  # who is asked lately stays longest
                self._loaded[name] = self._loaded.pop(name)
            while len(self._loaded) > _KEPT:
                del self._loaded[next(iter(self._loaded))]
            if roles.challenger not in ("", *present) or roles.shadow not in ("", *present):
                roles = Roles(roles.champion)
            return _Serving(roles, dict(self._loaded))

    def _load(self, name: str, roles: Roles) -> None:
        """Load a version; a challenger that cannot be loaded answers nobody, and the champion goes on."""
        try:
            self._loaded[name] = self._source.load(name)
        except Exception as error:
            if name == roles.champion:
                raise
            self._note(f"{name} cannot be loaded: {type(error).__name__}: {error}"[:300])

    def _follow(self, done: threading.Event) -> None:
        while not done.wait(self._poll):
            self.refresh()

    def _ask_shadows(self, done: threading.Event) -> None:
        while not done.is_set():
            try:
                version, rows = self._shadowed.get(timeout=0.2)
            except Empty:
                continue
            ask = self._serving.asks.get(version)
            try:
                if ask is not None:
                    ask(rows)
                    self._in_shadow += len(rows)
            except Exception:  # noqa: BLE001 - nobody waits for the shadow
                self._note(f"{version} failed in the shadow")
            finally:
                self._shadowed.task_done()

    def _note(self, problem: str) -> None:
        with self._lock:
            if problem in self._problems or len(self._problems) < _MOST_PROBLEMS:
                self._problems[problem] = self._problems.get(problem, 0) + 1

    def close(self) -> None:
        """Stop following, and put what was logged on the disk."""
        self._done.set()
        self._source.close()
        if self._log is not None:
            self._log.close()

    def __enter__(self) -> ManagedModel:
        """Return it itself."""
        return self

    def __exit__(self, *exception: object) -> None:
        """Close it."""
        self.close()
