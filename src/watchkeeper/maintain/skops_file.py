"""Objects of scikit-learn and the like as skops files, which run no code when they are read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from watchkeeper.core.errors import ArtefactError
from watchkeeper.maintain.allow_list import TRUSTED_TYPES, check_trees, refuse_untrusted
from watchkeeper.maintain.artefact_files import check_size
from watchkeeper.maintain.canonical import canonical

__all__ = ["packed", "unpacked"]


def packed(model: Any, trusted: Sequence[str], name: str) -> bytes:
    """Return an object as a skops file in one form, once it is found that it can be read again.

    Raises
    ------
    ArtefactError
        When it holds a type that is not allowed.
    Exception
        Whatever skops raises where it cannot hold it.
    """
    import skops.io

    data = canonical(skops.io.dumps(model))
    unpacked(data, trusted, name)
    return data


def unpacked(data: bytes, trusted: Sequence[str], where: str) -> Any:
    """Return the object in a skops file, once all its types are found on the allow-list.

    Raises
    ------
    ArtefactError
        When it cannot be read, would unpack to too much, or holds what is not allowed.
    """
    import skops.io

    check_size(data, where)
    try:
        found = skops.io.get_untrusted_types(data=data)
        refuse_untrusted(found, trusted, where)
        model = skops.io.loads(data, trusted=[*TRUSTED_TYPES, *trusted])
    except ArtefactError:
        raise
    except Exception as error:
        raise ArtefactError(f"{where} cannot be read: {error}") from error
    check_trees(model, where)
    return model
