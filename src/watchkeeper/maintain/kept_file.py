"""A model of a framework in one file: a description, its preparation in skops, and the files of the framework."""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from typing import Any
from zipfile import ZIP_DEFLATED, BadZipFile, ZipFile, ZipInfo

import msgspec
import numpy as np
from numpy.typing import NDArray

from watchkeeper.core.errors import ArtefactError, PluginError, WatchkeeperError
from watchkeeper.core.plugins import plugin
from watchkeeper.maintain.artefact_files import check_size
from watchkeeper.maintain.framework import Framework, Trust
from watchkeeper.maintain.kept_model import KeptClassifier, KeptModel
from watchkeeper.maintain.preparation import Preparation
from watchkeeper.maintain.skops_file import packed, unpacked

__all__ = ["framework_in", "pack", "unpack"]

_MANIFEST = "manifest.json"
_PREPARATION = "preparation.skops"
_CORE = "model/"
_PICKLES = (".pickle", ".pkl", ".joblib")
_KINDS: Mapping[str, Any] = {"i": np.int64, "u": np.int64, "f": np.float64, "b": np.bool_, "O": object, "U": object}


class _Manifest(msgspec.Struct, forbid_unknown_fields=True):
    framework: str
    features: list[str]
    uses: list[tuple[str, str]] = []
    widths: list[tuple[str, int]] = []
    classes: list[int | float | str | bool] | None = None
    kind: str = ""


def pack(model: KeptModel, trust: Trust) -> bytes:
    """Return a model as the bytes of its file; the same model gives the same ones.

    Raises
    ------
    ArtefactError
        When it cannot be written, or only in a way that is not allowed.
    """
    made: Framework = plugin("framework", model.framework)
    name = f"the {model.framework} model"
    try:
        files = {f"{_CORE}{file}": data for file, data in made.save(model.core, trust).items()}
        if model.preparation.transformer is not None:
            files[_PREPARATION] = packed(model.preparation.transformer, trust.names, name)
    except WatchkeeperError:
        raise
    except Exception as error:
        raise ArtefactError(f"{name} cannot be written to a file: {error}") from error
    _refuse_pickles(files, trust, name)
    manifest = _Manifest(
        model.framework, list(model.features), list(model.preparation.uses), list(model.preparation.widths)
    )
    if isinstance(model, KeptClassifier):
        manifest.classes, manifest.kind = model.classes_.tolist(), model.classes_.dtype.kind
    files[_MANIFEST] = msgspec.json.encode(manifest)
    out = BytesIO()
    with ZipFile(out, "w") as archive:
        for file in sorted(files):
            info = ZipInfo(file)  # its date is 1 January 1980
            info.compress_type = ZIP_DEFLATED
            info.create_system = 3
            archive.writestr(info, files[file])
    return out.getvalue()


def unpack(data: bytes, trust: Trust, where: str) -> KeptModel:
    """Return the model in the bytes of a file.

    Raises
    ------
    ArtefactError
        When it would unpack to too much, cannot be read, or holds what is not allowed.
    """
    files = _files(data, where)
    manifest = _manifest(files, where)
    try:
        made: Framework = plugin("framework", manifest.framework)
    except PluginError as error:
        raise ArtefactError(f"{where} cannot be read here: {error}") from error
    core = {file.removeprefix(_CORE): held for file, held in files.items() if file.startswith(_CORE)}
    _refuse_pickles(core, trust, where)
    held = files.get(_PREPARATION)
    transformer = None if held is None else unpacked(held, trust.names, f"the preparation in {where}")
    try:
        model = made.load(core, trust)
    except ArtefactError as error:
        raise ArtefactError(f"{where} is not loaded: {error}") from error
    except PluginError:
        raise
    except Exception as error:
        raise ArtefactError(f"{where} cannot be read: {type(error).__name__}: {error}") from error
    preparation = Preparation(tuple(manifest.uses), transformer, tuple(manifest.widths))
    features = tuple(manifest.features)
    if manifest.classes is None:
        return KeptModel(manifest.framework, model, preparation, features)
    return KeptClassifier(manifest.framework, model, preparation, features, _classes(manifest))


def framework_in(data: bytes) -> str:
    """Return the name of the framework of the model in a file; empty where that cannot be read."""
    try:
        return _manifest(_files(data, "the file"), "the file").framework
    except ArtefactError:
        return ""


def _files(data: bytes, where: str) -> dict[str, bytes]:
    check_size(data, where)
    try:
        with ZipFile(BytesIO(data)) as archive:
            return {name: archive.read(name) for name in archive.namelist()}
    except (BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise ArtefactError(f"{where} cannot be read: {error}") from error


def _manifest(files: Mapping[str, bytes], where: str) -> _Manifest:
    try:
        return msgspec.json.decode(files[_MANIFEST], type=_Manifest)
    except (KeyError, msgspec.MsgspecError) as error:
        raise ArtefactError(f"{where} does not say what it holds: {error}") from error


def _classes(manifest: _Manifest) -> NDArray[Any]:
    return np.array(manifest.classes, dtype=_KINDS.get(manifest.kind, object))


def _refuse_pickles(files: Mapping[str, bytes], trust: Trust, where: str) -> None:
    found = [file for file in files if file.endswith(_PICKLES)]
    if found and not trust.pickle:
        raise ArtefactError(
            f"{where} holds a pickle, which runs code when it is loaded. If you trust whoever wrote it, allow it for "
            "this model: maintain.pickle: true"
        )
