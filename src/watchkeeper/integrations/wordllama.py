"""A small embedder that comes whole from a package; it needs ``pip install 'watchkeeper[text]'``."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from watchkeeper.core.errors import UsageError

__all__ = ["embed"]


def embed(texts: list[str]) -> NDArray[np.float32]:
    """Return one vector of length 1 for each text, shape (len(texts), 256); an empty text gives zeros.

    The mean of static word vectors, distilled from the token embeddings of large models: topics and registers show,
    the order of words does not. Nothing is downloaded: the weights, 16 MB, lie in the package. Named as
    ``watchkeeper.integrations.wordllama:embed`` it serves the command line and the configuration.

    Raises
    ------
    UsageError
        When the package is not installed.

    References
    ----------
    https://github.com/dleemiller/WordLlama
    """
    vectors = np.zeros((len(texts), 256), np.float32)
    filled = [i for i, text in enumerate(texts) if text.strip()]
    if filled:
        vectors[filled] = _model().embed([texts[i] for i in filled], norm=True)
    return vectors


@cache
def _model() -> Any:
    found = find_spec("wordllama")
    if found is None or found.origin is None:
        raise UsageError("the embedder wordllama is not installed; install it with: pip install 'watchkeeper[text]'")
    from wordllama import WordLlama

    return WordLlama.load(cache_dir=Path(found.origin).parent, disable_download=True)
