"""Model files that were written elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

from watchkeeper.core.errors import ArtefactError, UsageError
from watchkeeper.maintain.skops_file import unpacked

__all__ = ["read_model"]

_PICKLES = (".pickle", ".pkl", ".joblib")


def read_model(path: Path, *, trusted: Sequence[str] = (), pickle_allowed: bool = False) -> Any:
    """Return the fitted model in a file that was written elsewhere.

    A skops file is unpacked once all its types are found on the allow-list. A pickle runs code when it is loaded, so
    that it is loaded only where that is allowed for the model.

    Parameters
    ----------
    path
        A file of skops (``.skops``), or a pickle (``.pickle``, ``.pkl``, ``.joblib``).
    trusted
        Types beyond the allow-list that this model may hold.
    pickle_allowed
        Whether a pickle may be loaded.

    Raises
    ------
    UsageError
        When the file is of another kind.
    ArtefactError
        When it cannot be read, holds types that are not allowed, or is a pickle and those are not allowed.
    """
    ending = path.suffix.lower()
    if ending != ".skops" and ending not in _PICKLES:
        raise UsageError(
            f"{path} is not a model file that can be read; valid are .skops and {', '.join(_PICKLES)}. To adopt a "
            "model of another kind, leave the file out: its name is enough, and it is compared by its logged answers"
        )
    if ending in _PICKLES and not pickle_allowed:
        raise ArtefactError(
            f"{path} is a pickle, which runs code when it is loaded. If you trust whoever wrote it, allow it for this "
            "model: maintain.pickle: true"
        )
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ArtefactError(f"{path} cannot be read: {error.strerror or error}") from error
    if ending == ".skops":
        return unpacked(data, trusted, str(path))
    import joblib

    try:
        return joblib.load(BytesIO(data))
    except Exception as error:
        raise ArtefactError(f"{path} cannot be read: {error}") from error
