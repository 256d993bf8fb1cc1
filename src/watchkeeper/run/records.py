"""A configuration and what its store has recorded, for those who only read."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Self

from watchkeeper.config.arguments import typed
from watchkeeper.config.configuration import Config, load_config
from watchkeeper.core.errors import ConfigError, StoreError
from watchkeeper.core.query import Query
from watchkeeper.core.spec import Spec
from watchkeeper.core.store import AuditEvent
from watchkeeper.run.checkpoint import Checkpoint
from watchkeeper.store.audit import HEAD, audit_breaks
from watchkeeper.store.open import open_rehearsal, open_store

if TYPE_CHECKING:
    from watchkeeper.core.routes import Route
    from watchkeeper.core.state import State
    from watchkeeper.store.lake import LakeStore
    from watchkeeper.store.leases import LeasedStore
    from watchkeeper.store.memory import MemoryStore
    from watchkeeper.store.rehearsal import RehearsalStore

__all__ = ["Records", "artefacts_of", "open_records"]


@dataclass(frozen=True)
class Records:
    """A configuration, its folder and its open store: all that reading takes, at little cost of imports."""

    config: Config
    folder: Path
    store: LakeStore | MemoryStore | LeasedStore | RehearsalStore

    def routes(self, name: str) -> list[Route]:
        """Return whom to tell of the alerts of a model; files lie beside the configuration."""
        return [
            replace(route, options={k: self._beside(v) if _is_file(k) else v for k, v in route.options.items()})
            for route in self.config.routes(name)
        ]

    def _beside(self, place: str) -> str:
        return place if "://" in place else str(self.folder / place)

    def close(self) -> None:
        """Close the store."""
        self.store.close()

    def __enter__(self) -> Self:
        """Return it itself."""
        return self

    def __exit__(self, *exception: object) -> None:
        """Close the store."""
        self.close()

    def only(self, name: str | None) -> str:
        """Return the model a command means: the one named, or the only one there is.

        Raises
        ------
        ConfigError
            When the name is unknown, or none was given and there are several.
        """
        if name is not None:
            self.config.model(name)
            return name
        if len(self.config.models) != 1:
            listed = ", ".join(self.config.models) or "none; add one under models"
            raise ConfigError(f"name the model with --model; the configuration has: {listed}")
        return next(iter(self.config.models))

    def spec_in_force(self, name: str) -> Spec | None:
        """Return the specification that the last run of a model went by; None before the first."""
        return next(iter(self.store.recorded(name, Spec, Query(newest_first=True, limit=1))), None)

    def require_log(self, name: str, *, wholly: bool) -> None:
        """Make sure that the log is there which the records of a model were made from.

        Parameters
        ----------
        wholly
            Whether to look into it, table by table, and not for its folder alone.

        Raises
        ------
        StoreError
            When it is gone while the database stays: without it everything would begin anew and look fine.
        """
        cursor = Checkpoint.load(self.store, name).cursor
        if not cursor:
            return
        url = self.config.store.url
        folder = self.folder / url / "log"
        lost, snapshots = "://" not in url and not folder.is_dir(), getattr(self.store, "snapshots", None)
        gone = False
        if snapshots is not None and (wholly or lost):
            now = "p:{},l:{}".format(*(one.version for one in snapshots(name)))
            gone = any(a != b and b.endswith("-1") for a, b in zip(cursor.split(","), now.split(","), strict=True))
        if gone:
            where = url if "://" in url else folder
            raise StoreError(
                f"the log of model {name!r} is gone from {where}, while its records are still in the database; put it "
                "back from a copy, or move the database away too to begin anew"
            )

    def audit_breaks(self, name: str) -> list[int]:
        """Return the links of the model's audit trail that do not hold; empty when it is whole."""
        return audit_breaks(self.store.recorded(name, AuditEvent), self.store.pointer(name, HEAD))


def _is_file(option: str) -> bool:
    return option == "path" or option.endswith("_file")


def artefacts_of(records: Records) -> str:
    """Return where the model files lie: beside the log."""
    url = records.config.store.url
    return str(records.folder / url / "artefacts") if "://" not in url else f"{url.rstrip('/')}/artefacts"


@typed
def open_records(
    path: str | Path = "watchkeeper.yaml", environ: Mapping[str, str] | None = None, *, rehearsed: bool = False
) -> Records:
    """Read a configuration and open its store to read; names of plug-ins are not looked up.

    Parameters
    ----------
    rehearsed
        Whether the store only shows what would be written to it, and is left as it is.

    Raises
    ------
    ConfigError
        When the configuration is off.
    StoreError
        When the store cannot be opened.
    """
    config = load_config(path, environ=os.environ if environ is None else environ)
    folder = Path(path).absolute().parent
    url = config.store.url if "://" in config.store.url else str(folder / config.store.url)
    opened = open_rehearsal if rehearsed else open_store
    store = opened(url, sql_url=config.store.sql, storage_options=config.store.options, encode=_encode, decode=_decode)
    return Records(config, folder, store)


def _encode(state: State) -> bytes:
    from watchkeeper.stats.codec import encode_state

    return encode_state(state)


def _decode(data: bytes) -> State:
    from watchkeeper.stats.codec import decode_state

    return decode_state(data)
