"""Where a served model comes from: the store that its versions are registered in."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from watchkeeper.serve.routing import Roles, roles_from

__all__ = ["Ask", "ModelSource", "StoreSource"]

Row = Mapping[str, Any]

Ask = Callable[[Sequence[Row]], list[tuple[Any, Any]]]
"""Asks a model about rows; returns the prediction and the score of each, None where it gives no score."""


class ModelSource(Protocol):
    """Says who answers, and loads versions. What goes wrong is raised; the last good version goes on serving."""

    def roles(self) -> Roles:
        """Return who answers."""

    def load(self, version: str) -> Ask:
        """Return what asks a version."""

    def close(self) -> None:
        """Let go of what is open."""


class StoreSource:
    """The store of a configuration, opened when it is first asked; another process opens it anew.

    Parameters
    ----------
    config
        Path of watchkeeper.yaml.
    model
        The model; empty for the only one.
    """

    def __init__(self, config: str | os.PathLike[str], model: str = "") -> None:
        self._config = os.path.abspath(os.fspath(config))
        self._name = model
        self._store: Any = None
        self._artefacts = ""

    def place(self) -> tuple[str, str]:
        """Return the name of the model, and the local folder that its log is spooled in; empty where there is none."""
        from watchkeeper.config.configuration import load_config
        from watchkeeper.core.errors import ConfigError

        config = load_config(self._config, environ=os.environ)
        name = self._name or (next(iter(config.models)) if len(config.models) == 1 else "")
        if not name:
            raise ConfigError(f"name the model: {self._config} has {', '.join(config.models) or 'none'}")
        config.model(name)
        url = config.store.url
        return name, "" if "://" in url else os.path.join(os.path.dirname(self._config), url)

    def roles(self) -> Roles:
        """Return who answers, by two pointers of the store.

        Raises
        ------
        StoreError
            When the store cannot be read, or names no champion.
        """
        from watchkeeper.core.errors import StoreError

        store = self._opened()
        champion = store.pointer(self._name, "champion")
        if not champion:
            raise StoreError(f"no version of {self._name} is in charge; watchkeeper promote VERSION puts one there")
        return roles_from(champion, store.pointer(self._name, "rollout"))

    def load(self, version: str) -> Ask:
        """Return what asks a version, once its file was found to be what was registered.

        What the file may hold is said by the configuration, and not by what the store keeps of it.

        Raises
        ------
        StoreError
            When the store cannot be read, or nothing was run yet.
        ArtefactError
            When the file is not what was registered.
        """
        from dataclasses import replace

        import polars as pl

        from watchkeeper.config.configuration import load_config
        from watchkeeper.core.errors import StoreError
        from watchkeeper.core.query import Query
        from watchkeeper.core.schema import Role
        from watchkeeper.core.spec import Spec
        from watchkeeper.core.user_code import search_in
        from watchkeeper.maintain.store_registry import StoreRegistry
        from watchkeeper.maintain.train import load_trainer, score_rows

        store = self._opened()
        specs = store.recorded(self._name, Spec, Query(newest_first=True, limit=1))
        if not specs:
            raise StoreError(f"nothing is known of the columns of {self._name} yet; watchkeeper run says what they are")
        rule = load_config(self._config, environ=os.environ).model(self._name).maintenance()
        spec: Spec = replace(specs[0], maintenance=rule)
        # Factories and types of the user's own may lie beside the configuration, as training does.
        folder = search_in(os.path.dirname(self._config))
        model = StoreRegistry(spec, store, self._artefacts).load(version)
        trainer = load_trainer(rule.train, folder) if rule.train else None
        prediction = spec.schema.name_of(Role.PREDICTION) or "prediction"
        score = spec.schema.name_of(Role.SCORE) or "score"

        def ask(rows: Sequence[Row]) -> list[tuple[Any, Any]]:
            frame = score_rows(model, pl.from_dicts(list(rows), infer_schema_length=None), spec.schema, trainer)
            scores = frame[score].to_list() if score in frame.columns else [None] * frame.height
            return list(zip(frame[prediction].to_list(), scores, strict=True))

        return ask

    def close(self) -> None:
        """Close the store; it is opened again when it is asked."""
        store, self._store = self._store, None
        if store is not None:
            store.close()

    def _opened(self) -> Any:
        if self._store is None:
            from watchkeeper.config.configuration import load_config
            from watchkeeper.core.errors import StoreError
            from watchkeeper.stats.codec import decode_state, encode_state
            from watchkeeper.store.open import open_store

            self._name, folder = self.place()
            config = load_config(self._config, environ=os.environ).store
            if folder and not os.path.isdir(folder):
                # Opening would make an empty one.
                raise StoreError(f"the store {folder} is not there")
            self._store = open_store(
                folder or config.url, sql_url=config.sql, storage_options=config.options, encode=encode_state,
                decode=decode_state,
            )  # fmt: skip
            self._artefacts = f"{(folder or config.url).rstrip('/')}/artefacts"
        return self._store
