"""What a training works with: the rows of the log on disk, a process of its own, and a log that is kept."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from typing import Any
from urllib.parse import quote

import msgspec
import polars as pl
from numpy import float64
from numpy.typing import NDArray

from watchkeeper.core.columns import columns_named
from watchkeeper.core.errors import StoreError, TrainingError
from watchkeeper.core.provenance import DataLineage
from watchkeeper.core.spec import Spec
from watchkeeper.core.store import Store, Versioned
from watchkeeper.core.window import Window
from watchkeeper.log.trusted import make_folder
from watchkeeper.maintain.artefact_files import Unnamed
from watchkeeper.maintain.isolated import IsolatedTraining, can_isolate
from watchkeeper.maintain.recipe import recipe_of
from watchkeeper.maintain.train import Start, Trainer, load_trainer

__all__ = ["TrainingRoom", "remove_leftovers", "rows_digest", "training_room"]

Progress = Callable[[str], None]

_WORK = "work-"
_LEVELS = 2
_MOST_LOGS = 50
_MEGABYTE = 1_000_000
_SLICE = 65_536


class _Fits:
    """Fits in a process of its own, or in this one, and remembers the rows that were learned from last."""

    def __init__(self, trainer: Trainer, isolated: IsolatedTraining | None) -> None:
        self._trainer, self._isolated = trainer, isolated
        self.learned_from: pl.DataFrame | None = None

    def fit(
        self, trainer: str, rows: pl.DataFrame, seed: int, weights: NDArray[float64] | None, start: Start | None = None
    ) -> Any:
        """Return the fitted model."""
        self.learned_from = rows
        if self._isolated is not None:
            return self._isolated.fit(trainer, rows, seed, weights, start)
        return self._trainer.fit_here(rows, seed, weights, start)


@dataclass
class TrainingRoom:
    """What one retraining works with.

    Parameters
    ----------
    spec, store
        The model, and where its log is.
    work
        Folder for what is on its way.
    trainer
        The training function, which fits in a process of its own where that is wanted.
    """

    spec: Spec
    store: Store
    work: Path
    trainer: Trainer
    _log_version: str = ""

    def rows(self, window: Window) -> pl.DataFrame:
        """Return the rows of the log of a time, mapped from files: what is not looked at takes no memory.

        Raises
        ------
        TrainingError
            When there are none.
        """
        if isinstance(self.store, Versioned):
            self._log_version = self.store.log_version(self.spec.model)
        place = self.work / "log"
        place.mkdir(parents=True, mode=0o700, exist_ok=True)
        parts = []
        for number, batch in enumerate(self.store.read(self.spec.model, self.spec.schema, window)):
            parts.append(place / f"{number}.arrow")
            batch.frame.write_ipc(parts[-1], compression="uncompressed")
        if not parts:
            raise TrainingError(f"the log of {self.spec.model} holds no rows before {window.end:%Y-%m-%d %H:%M}")
        return pl.concat([pl.read_ipc(part) for part in parts], how="diagonal_relaxed")

    def lineage(self, trained: Window, window: str, excluded: Sequence[Window]) -> DataLineage:
        """Return which rows the last fit has learned from.

        Parameters
        ----------
        trained
            From its first to its last moment.
        window
            The training window that was chosen.
        excluded
            Windows whose rows were left out.
        """
        fits = self.trainer.elsewhere
        learned = fits.learned_from if isinstance(fits, _Fits) else None
        left_out = tuple(
            (one.start, one.end) for one in excluded if one.start < trained.end and trained.start < one.end
        )
        rows, digest = (learned.height, rows_digest(learned)) if learned is not None else (0, "")
        return DataLineage(self._log_version, trained.start, trained.end, left_out, window, rows, digest)


@contextmanager
def training_room(
    spec: Spec, store: Store, folder: str, artefacts: str, name: str, progress: Progress | None = None
) -> Iterator[TrainingRoom]:
    """Give what a retraining works with, and clear up after it.

    Parameters
    ----------
    folder
        Where the training module lies.
    artefacts
        Where the model files lie; what is on its way lies beside them, or in a new temporary folder where that is no
        local one.
    name
        What the log of this training is called.
    """
    beside = Path(mkdtemp(prefix="watchkeeper-")) if "://" in artefacts else Path(artefacts).parent
    place = beside / "training" / quote(spec.model, safe="")
    work = place / f"{_WORK}{os.getpid()}-{name}"
    try:
        make_folder(str(place), _LEVELS)
        _clear(place)
    except OSError as error:
        raise StoreError(f"there is no room for a training in {place}: {error.strerror or error}") from error
    isolated, rule = None, spec.maintenance
    recipe = recipe_of(rule, spec.schema)
    trainer = load_trainer(rule.train, folder, recipe)
    if rule.isolated and can_isolate():
        memory = None if rule.memory_limit is None else rule.memory_limit * _MEGABYTE
        isolated = IsolatedTraining(
            work / "fits", place / f"{name}.log", folder, rule.time_limit, memory, rule.trusted_names, rule.pickle,
            progress, recipe,
        )  # fmt: skip
    try:
        yield TrainingRoom(spec, store, work, replace(trainer, elsewhere=_Fits(trainer, isolated)))
    finally:
        rmtree(work, ignore_errors=True)


def remove_leftovers(artefacts: str, before: datetime, *, dry_run: bool = False) -> list[Unnamed]:
    """Remove the folders of trainings that were killed, and return which they were.

    Parameters
    ----------
    artefacts
        Where the model files lie; trainings work beside them where that is a local folder.
    before
        A folder in which something was written later may belong to a training that goes on.
    dry_run
        Whether they are only named.

    Raises
    ------
    StoreError
        When a folder cannot be removed.
    """
    if "://" in artefacts:
        return []
    gone = []
    for left in sorted((Path(artefacts).parent / "training").glob(f"*/{_WORK}*")):
        try:
            files = [left, *left.rglob("*")]
            newest = max(one.lstat().st_mtime for one in files)
            size = sum(one.lstat().st_size for one in files if one.is_file())
            if newest >= before.timestamp():
                continue
            if not dry_run:
                rmtree(left)
        except FileNotFoundError:
            continue  # the training has ended meanwhile
        except OSError as error:
            raise StoreError(f"{left} cannot be removed: {error.strerror or error}") from error
        gone.append(Unnamed(f"training/{left.parent.name}/{left.name}", size))
    return gone


def _clear(place: Path) -> None:
    """Remove what trainings that were killed have left, and the oldest logs."""
    for left in place.glob(f"{_WORK}*"):
        rmtree(left, ignore_errors=True)
    logs = sorted(place.glob("*.log"), key=lambda path: path.stat().st_mtime)
    for old in logs[:-_MOST_LOGS]:
        old.unlink(missing_ok=True)


def rows_digest(rows: pl.DataFrame) -> str:
    """Return the SHA-256 of the names and values of rows in their order, whatever their chunks.

    Examples
    --------
    >>> frame = pl.DataFrame({"x": [1.5, None], "plan": ["basic", ""]})
    >>> rows_digest(frame) == rows_digest(pl.concat([frame[:1], frame[1:]]))
    True
    >>> rows_digest(frame) == rows_digest(frame.with_columns(plan=pl.Series(["basic", None])))
    False
    """
    digest = sha256()
    nested = [name for name, dtype in rows.schema.items() if dtype.is_nested() or dtype == pl.Binary]
    flat = [name for name in rows.columns if name not in nested]
    digest.update(msgspec.json.encode([[name, str(dtype)] for name, dtype in rows.schema.items()]))
    for part in rows.iter_slices(_SLICE):
        digest.update(part.select(columns_named(flat)).write_csv().encode())
        for name in nested:
            digest.update(msgspec.json.encode(part.get_column(name).to_list(), enc_hook=str))
    return digest.hexdigest()
