"""Model files named after their own content."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from hashlib import sha256
from io import BytesIO
from typing import Any

from watchkeeper.core.errors import ArtefactError
from watchkeeper.maintain.artefact_files import ending_of, read_artefact, write_artefact
from watchkeeper.maintain.framework import Trust
from watchkeeper.maintain.kept_file import framework_in, pack, unpack
from watchkeeper.maintain.kept_model import KeptModel
from watchkeeper.maintain.skops_file import packed, unpacked

__all__ = ["format_of", "load", "save"]

_MOST_KEPT = 2
_unpacked_last: OrderedDict[str, Any] = OrderedDict()
"""The models of library types alone that were unpacked last, by their address: a champion and a challenger."""


def format_of(address: str, folder: str) -> str:
    """Return how the model file of an address is written: the framework's name, skops or pickle; empty without one."""
    ending = ending_of(address, folder)
    return framework_in(read_artefact(folder, address)[0]) if ending == "zip" else ending


def save(model: Any, folder: str, *, trusted: Sequence[str] = (), pickle_allowed: bool = False) -> str:
    """Write a fitted model and return the SHA-256 of its file.

    The file is ``<sha256>.skops``, of a model of a framework ``<sha256>.zip``, which holds the framework's own files.
    Only a model that skops cannot hold, or that holds types not on the allow-list, is written as ``<sha256>.pickle``,
    and only when that is allowed for the model. Files are brought into one form first, so that a model fitted to the
    same numbers has the same address whenever and wherever it is saved with the same library versions (scikit-learn's
    GradientBoosting leaves unset bytes in its trees and may differ); a pickle has
    no such form. Saving a model again changes nothing. A reader never sees half a file. On a disk the file is this
    user's alone (0600, its folder 0700), and there for good when this returns.

    Parameters
    ----------
    model
        The fitted model.
    folder
        Path or any URL that fsspec knows.
    trusted
        Types beyond the allow-list that this model may hold.
    pickle_allowed
        Whether a pickle may be written.

    Raises
    ------
    ArtefactError
        When the model cannot be held in a skops file or holds a type that is not allowed.
    StoreError
        When the file cannot be written.
    """
    data, ending = _packed(model, trusted, pickle_allowed)
    address = sha256(data).hexdigest()
    write_artefact(folder, f"{address}.{ending}", data)
    return address


def load(address: str, folder: str, *, trusted: Sequence[str] = (), pickle_allowed: bool = False) -> Any:
    """Read the model that ``save`` wrote under ``address``.

    Nothing in the file is executed or even unpacked before its SHA-256 is found to be ``address`` and all its types
    are found on the allow-list; decision trees are checked to point inside themselves. The file is read and its SHA-256
    told each time; what was unpacked of the same bytes a moment ago is given again, the same object. What a file would
    unpack to is bounded before it is unpacked.

    Raises
    ------
    ArtefactError
        When the file is missing, altered, holds types that are not allowed, or is a pickle and those are not allowed.
    """
    if len(address) != 64 or set(address) - set("0123456789abcdef"):
        raise ArtefactError(f"{address!r} is not the address of a model: 64 hexadecimal digits were expected")
    data, ending = read_artefact(folder, address)
    where = f"the model file {address[:12]}….{ending} in {folder}"
    if sha256(data).hexdigest() != address:
        raise ArtefactError(f"{where} was altered or damaged: its content has another SHA-256. Restore it from a copy")
    if ending == "skops":
        return _unpacked_once(address, data, trusted, where)
    if ending == "zip":
        return unpack(data, Trust(trusted, pickle_allowed), where)
    if not pickle_allowed:
        raise ArtefactError(
            f"{where} is a pickle, which runs code when it is loaded. If you trust whoever wrote it, allow it for this "
            "model: maintain.pickle: true"
        )
    import joblib

    try:
        return joblib.load(BytesIO(data))
    except Exception as error:
        raise ArtefactError(f"{where} cannot be read: {error}") from error


def _packed(model: Any, trusted: Sequence[str], pickle_allowed: bool) -> tuple[bytes, str]:
    name = f"the {type(model).__name__}"
    if isinstance(model, KeptModel):
        return pack(model, Trust(trusted, pickle_allowed)), "zip"
    try:
        data = packed(model, trusted, name)
    except Exception as error:
        if pickle_allowed:
            return _pickled(model), "pickle"
        if isinstance(error, ArtefactError):
            raise
        raise ArtefactError(
            f"{name} cannot be held in a skops file: {error}. Use scikit-learn types, or allow a pickle for this "
            "model: maintain.pickle: true"
        ) from error
    return data, "skops"


def _pickled(model: Any) -> bytes:
    import joblib

    out = BytesIO()
    try:
        joblib.dump(model, out)
    except Exception as error:
        raise ArtefactError(f"the {type(model).__name__} cannot be pickled: {error}") from error
    return out.getvalue()


def _unpacked_once(address: str, data: bytes, trusted: Sequence[str], where: str) -> Any:
    """Return the model in bytes that are known to have this address."""
    if trusted:
        # A type of the user's own may change while it answers.
        return unpacked(data, trusted, where)
    model = _unpacked_last.pop(address, None)
    model = unpacked(data, (), where) if model is None else model
    _unpacked_last[address] = model
    while len(_unpacked_last) > _MOST_KEPT:
        _unpacked_last.popitem(last=False)
    return model
