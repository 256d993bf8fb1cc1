"""Words and embeddings of real prose: the language reference of Python against docstrings of its library.

Needs a small embedder whose weights lie in its package: pip install 'watchkeeper[text]'.
"""

from __future__ import annotations

import ast
import pydoc_data.topics
import re
import tarfile
from pathlib import Path

import numpy as np
import polars as pl

import watchkeeper

EMBED = {"text": "watchkeeper.integrations.wordllama:embed"}


def sentences(prose: str) -> np.ndarray:
    """Return the sentences of more than five words."""
    parts = (" ".join(part.split()) for part in re.split(r"(?<=[.:])\s+", prose))
    return np.array([part for part in parts if len(part.split()) > 5], object)


def docstrings() -> str:
    """Return the docstrings of some modules of the standard library."""
    folder, found = Path(tarfile.__file__).parent, []
    for name in ("_pydecimal", "statistics", "tarfile", "ssl"):
        tree = ast.parse((folder / f"{name}.py").read_text(encoding="utf-8"))
        found += [ast.get_docstring(n) or "" for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.ClassDef)]
    return " ".join(found)


def headline(current: np.ndarray, reference: np.ndarray) -> str:
    """Return what a check of the sentences says."""
    tables = (pl.DataFrame({"text": texts.tolist()}) for texts in (current, reference))
    return watchkeeper.check(*tables, embed=EMBED).headline


def main() -> None:
    """Compare one half of the manual with the other, and the docstrings with all of it."""
    manual = np.random.default_rng(0).permutation(sentences(" ".join(pydoc_data.topics.topics.values())))
    print("manual against manual:    ", headline(manual[:1_000], manual[1_000:]))
    print("docstrings against manual:", headline(sentences(docstrings()), manual))


if __name__ == "__main__":
    main()
