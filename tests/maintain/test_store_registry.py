"""What a registry refuses before any pointer moves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

import numpy as np
import polars as pl
import pytest
from sklearn.linear_model import LogisticRegression

from watchkeeper.core.action import Action, ActionKind, Outcome
from watchkeeper.core.errors import ArtefactError, UsageError
from watchkeeper.core.provenance import Tenure
from watchkeeper.core.spec import Maintenance, Spec
from watchkeeper.maintain import registry
from watchkeeper.maintain.signature import signature_of
from watchkeeper.maintain.store_registry import Draft, StoreRegistry
from watchkeeper.store.memory import MemoryStore
from watchkeeper.testing.registry import SPEC, START, fitted_model


class Homemade(LogisticRegression):
    """A model of a type that nobody else knows."""


def kept_by(rule: Maintenance) -> Spec:
    return replace(SPEC, maintenance=rule)


@pytest.fixture
def versions(tmp_path: Path) -> StoreRegistry:
    """Return a registry whose v1 is in charge."""
    made = StoreRegistry(SPEC, MemoryStore(), str(tmp_path))
    made.register(Draft(fitted_model(0), START, "test", "the first"))
    made.promote("v1", who="test", why="the first", at=START)
    return made


def file_of(versions: StoreRegistry, name: str) -> Path:
    return next(Path(versions.artefacts).glob(f"{versions.version(name).artefact}.*"))


def by_hand(versions: StoreRegistry, data: bytes) -> StoreRegistry:
    """Register a file as v2 whose content is what its name says, as somebody who can write both could."""
    address = sha256(data).hexdigest()
    (Path(versions.artefacts) / f"{address}.skops").write_bytes(data)
    action = registry.register(versions.actions(), "m", address, who="mallory", why="trust me", at=START)
    assert isinstance(action, Action)
    versions.store.record("m", [action])
    return versions


def tampered(versions: StoreRegistry) -> StoreRegistry:
    versions.register(Draft(fitted_model(1), START, "test", "the second"))
    path = file_of(versions, "v2")
    path.write_bytes(path.read_bytes()[:-1] + b"!")
    return versions


def gone(versions: StoreRegistry) -> StoreRegistry:
    versions.register(Draft(fitted_model(1), START, "test", "the second"))
    file_of(versions, "v2").unlink()
    return versions


def pickled(versions: StoreRegistry) -> StoreRegistry:
    model = fitted_model(1)
    model.callback_ = Homemade()
    replace(versions, spec=kept_by(Maintenance(pickle=True))).register(Draft(model, START, "test", "the second"))
    assert file_of(versions, "v2").suffix == ".pickle"
    return versions


def unknown_type(versions: StoreRegistry) -> StoreRegistry:
    trusted = kept_by(Maintenance(trusted=(f"{__name__}.Homemade",)))
    model = Homemade().fit(pl.DataFrame({"x": [0.0, 1.0]}), np.array([0, 1]))
    replace(versions, spec=trusted).register(Draft(model, START, "test", "the second"))
    return versions


def other_signature(versions: StoreRegistry) -> StoreRegistry:
    """Let the record of v2 say that it takes another column than its file does."""
    versions.register(Draft(fitted_model(1), START, "test", "the second"))
    made = versions.provenance("v2")
    assert made is not None
    wider = LogisticRegression().fit(pl.DataFrame({"x": [0.0, 1.0], "z": [0.0, 1.0]}), np.array([0, 1]))
    versions.store.record("m", [replace(made, signature=signature_of(wider, SPEC.schema))])
    return versions


def bomb(versions: StoreRegistry) -> StoreRegistry:
    out = BytesIO()
    with ZipFile(out, "w", ZIP_DEFLATED) as packed:
        packed.writestr("a.npy", bytes(8 << 20))
    assert len(out.getvalue()) < 10_000
    return by_hand(versions, out.getvalue())


def no_file(versions: StoreRegistry) -> StoreRegistry:
    return by_hand(versions, b"not a model")


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (tampered, "was altered or damaged"),
        (gone, "there is no model file"),
        (pickled, "is a pickle, which runs code"),
        (unknown_type, r"not on the allow-list: .*\.Homemade"),
        (other_signature, "takes x, and was registered with x, z: it is another model"),
        (bomb, "would unpack to 8,388,608 bytes"),
        (no_file, "cannot be read"),
    ],
)
def test_a_file_that_may_not_be_loaded_is_refused_with_the_reason_before_any_pointer_moves(
    versions: StoreRegistry,
    spoil: Callable[[StoreRegistry], StoreRegistry],
    words: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # A real one unpacks to more than a gigabyte, which takes long to write.
    monkeypatch.setattr("watchkeeper.maintain.artefact_files._MOST_UNPACKED", 1 << 20)
    spoiled = spoil(versions)
    before: tuple[Any, ...] = (spoiled.actions(), spoiled.store.recorded("m", Tenure))
    with pytest.raises(ArtefactError, match=words):
        spoiled.promote("v2", who="ada", why="now", at=START)
    assert (spoiled.actions(), spoiled.store.recorded("m", Tenure)) == before
    # The same where v2 was in charge once, and is to be put back.
    moves = [("v2", ActionKind.PROMOTE, "v1"), ("v1", ActionKind.PROMOTE, "v2")]
    for number, (name, kind, old) in enumerate(moves):
        action = Action(f"a{number}", "m", kind, Outcome.DONE, "by hand", "ada", START, name)
        spoiled.store.record("m", [action], {"champion": (old, name)})
    with pytest.raises(ArtefactError, match=words):
        spoiled.roll_back("v2", who="ada", why="now", at=START)
    assert spoiled.store.pointer("m", "champion") == "v1"


def test_two_models_of_one_name_are_no_choice(versions: StoreRegistry) -> None:
    """Version 0.1.0 gave a number twice to those who registered at once."""
    for who in ("ada", "bob"):
        facts = {"artefact": sha256(who.encode()).hexdigest()}
        action = Action(f"r-{who}", "m", ActionKind.REGISTER, Outcome.DONE, "mine", who, START, "v2", facts=facts)
        versions.store.record("m", [action])
    with pytest.raises(UsageError, match="2 models are called v2, registered by ada, bob at the same time"):
        versions.promote("v2", who="ada", why="mine", at=START)
    assert versions.register(Draft(fitted_model(3), START, "ada", "mine")) == "v3"


def test_a_store_without_the_counter_goes_on_counting(versions: StoreRegistry) -> None:
    versions.store.record("m", [], {registry.VERSIONS: ("1", None)})
    assert versions.register(Draft(fitted_model(4), START, "ada", "mine")) == "v2"
