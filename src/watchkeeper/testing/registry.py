"""What every registry must obey."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
from sklearn.linear_model import LogisticRegression

from watchkeeper.core.errors import ConflictError, UsageError, WatchkeeperError
from watchkeeper.core.provenance import VersionRole
from watchkeeper.core.schema import Column, Kind, Role, Schema, Task
from watchkeeper.core.spec import Maintenance, Spec
from watchkeeper.maintain.registry import Standing
from watchkeeper.maintain.store_registry import Draft, Registry

__all__ = ["SPEC", "START", "check_registry", "fitted_model"]

SPEC = Spec(
    "m",
    Schema(
        (
            Column("x", Role.FEATURE, Kind.NUMERIC),
            Column("score", Role.SCORE, Kind.NUMERIC),
            Column("label", Role.LABEL, Kind.CATEGORICAL),
        ),
        Task.BINARY, ("0", "1"), "1",
    ),
    maintenance=Maintenance("mod:train"),
)  # fmt: skip
"""What the models of the suite are: ``make_registry`` makes registries for this specification."""

START = datetime(2024, 3, 4, tzinfo=UTC)
_ROWS = pl.DataFrame({"x": np.linspace(-2.0, 2.0, 40)})
_WORKERS = 6


def fitted_model(number: int) -> LogisticRegression:
    """Return a small model; each number gives another one."""
    return LogisticRegression().fit(_ROWS, (_ROWS["x"] > 0.3 * number - 1.0).to_numpy().astype(int))


def _draft(number: int) -> Draft:
    return Draft(fitted_model(number), START + timedelta(days=number), f"person {number}", "trained")


def check_registry(make_registry: Callable[[], Registry]) -> None:
    """Assert that a registry obeys its contract.

    Checked: versions are numbered in the order of registration, and the same model is registered once; what is loaded
    answers as what was registered; a version is put in charge and back, with all roles following and a history of who
    served; of those who register at the same time each gets a number of its own and its own model under it; and of
    those who promote at the same time one wins, while the others are told of a conflict and nothing of theirs is
    recorded.

    Parameters
    ----------
    make_registry
        Opens the registry of ``SPEC`` in the same place every time; the place is new at each call of this function.

    Raises
    ------
    AssertionError
        Naming the law that is broken.
    """
    registry = make_registry()
    assert isinstance(registry, Registry), "it lacks a member of the protocol Registry"
    assert registry.versions() == [], "a new registry has versions"
    assert registry.role(VersionRole.CHAMPION) is None, "a new registry has a champion"
    _check_versions(registry)
    _check_roles(registry)
    _check_registering_at_once(make_registry)
    _check_promoting_at_once(make_registry)


def _check_versions(registry: Registry) -> None:
    names = [registry.register(_draft(number)) for number in (1, 2, 1)]
    assert names == ["v1", "v2", "v1"], f"two models, the first of them twice, are called {names}"
    assert [version.name for version in registry.versions()] == ["v1", "v2"], "versions are not listed in their order"
    for number, name in ((1, "v1"), (2, "v2")):
        answers = registry.load(name).predict_proba(_ROWS)
        assert np.array_equal(answers, fitted_model(number).predict_proba(_ROWS)), f"{name} is loaded as another model"
    _refused(UsageError, lambda: registry.load("v9"), "a version that is not there is loaded")


def _check_roles(registry: Registry) -> None:
    for name in ("v1", "v2"):
        registry.promote(name, who="ada", why="better", at=START)
    assert _roles(registry) == ("v2", "v1"), f"after v1 and v2, champion and previous are {_roles(registry)}"
    _refused(UsageError, lambda: registry.promote("v2", who="ada", why="", at=START), "the champion is promoted again")
    registry.roll_back(who="ada", why="worse", at=START)
    assert _roles(registry) == ("v1", "v2"), f"after a rollback champion and previous are {_roles(registry)}"
    standing = {version.name: version.standing for version in registry.versions()}
    assert standing == {"v1": Standing.CHAMPION, "v2": Standing.ROLLED_BACK}, f"after a rollback they stand {standing}"
    served = [one.version for one in registry.history() if one.role is VersionRole.CHAMPION]
    assert served == ["v1", "v2", "v1"], f"who served is told as {served}"
    times = [one.since for one in registry.history()]
    assert times == sorted(times), "the history is not in order"


def _roles(registry: Registry) -> tuple[str | None, str | None]:
    return registry.role(VersionRole.CHAMPION), registry.role(VersionRole.PREVIOUS)


def _check_registering_at_once(make_registry: Callable[[], Registry]) -> None:
    registries = [make_registry() for _ in range(_WORKERS)]
    drafts = [_draft(3 + number) for number in range(_WORKERS)]
    with ThreadPoolExecutor(_WORKERS) as pool:
        names = list(pool.map(lambda pair: pair[0].register(pair[1]), zip(registries, drafts, strict=True)))
    assert sorted(names) == [f"v{number}" for number in range(3, 3 + _WORKERS)], f"registered at once: {sorted(names)}"
    listed = [version.name for version in registries[0].versions()]
    assert listed == [f"v{number}" for number in range(1, 3 + _WORKERS)], f"after that the versions are {listed}"
    for name, draft in zip(names, drafts, strict=True):
        found = registries[0].load(name).coef_
        assert np.array_equal(found, draft.model.coef_), f"{name} is another person's model"


def _check_promoting_at_once(make_registry: Callable[[], Registry]) -> None:
    registries = [make_registry() for _ in range(_WORKERS)]
    before = registries[0].role(VersionRole.CHAMPION)
    served = len(registries[0].history())

    def promote(number: int) -> WatchkeeperError | None:
        try:
            who = f"person {number}"
            registries[number].promote(f"v{3 + number}", who=who, why="mine", at=START, instead_of=before)
        except WatchkeeperError as error:
            return error
        return None

    with ThreadPoolExecutor(_WORKERS) as pool:
        ended = list(pool.map(promote, range(_WORKERS)))
    others = [error for error in ended if error is not None]
    assert len(others) == _WORKERS - 1, f"of {_WORKERS} promotions at once {ended.count(None)} won"
    assert all(isinstance(error, ConflictError) for error in others), f"the others are told {others}"
    winner = f"v{3 + ended.index(None)}"
    assert registries[0].role(VersionRole.CHAMPION) == winner, "another version is in charge than the one that won"
    news = [one.version for one in registries[0].history()[served:] if one.role is VersionRole.CHAMPION]
    assert news == [winner], f"one promotion won, and the history says {news}"


def _refused(kind: type[WatchkeeperError], work: Callable[[], object], law: str) -> None:
    try:
        work()
    except kind:
        return
    raise AssertionError(law)
