"""Which types a model file may hold, and whether the trees in a loaded model point inside themselves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from watchkeeper.core.errors import ArtefactError

__all__ = ["TRUSTED_TYPES", "check_trees", "refuse_untrusted"]

TRUSTED_TYPES = frozenset(
    {
        # A dtype is a description of numbers.
        "numpy.dtype",
        # Plain holders of attributes whose methods are scikit-learn's own.
        "sklearn.calibration._CalibratedClassifier",
        "sklearn.calibration._SigmoidCalibration",
        "sklearn.compose._column_transformer._RemainderColsList",
        "sklearn.compose._column_transformer.make_column_selector",
        "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
        "sklearn.neural_network._stochastic_optimizers.SGDOptimizer",
        "sklearn.utils._bunch.Bunch",
        # Binds arguments to a function that must itself be trusted; gradient boosting with categories binds this one.
        "functools.partial",
        "sklearn.utils.validation.check_array",
        # skops leaves trees out because scikit-learn follows their indices unchecked; ``check_trees`` checks them.
        "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
        "sklearn.tree._tree.Tree",
    }
)
"""Types that skops does not trust by itself and Watchkeeper does; each was read before it was listed."""


def refuse_untrusted(found: Iterable[str], trusted: Iterable[str], where: str) -> None:
    """Raise ArtefactError naming the types found that are neither on the list nor trusted for this model."""
    unknown = sorted(set(found) - TRUSTED_TYPES - set(trusted))
    if unknown:
        listed = ", ".join(unknown)
        raise ArtefactError(
            f"{where} holds types that are not on the allow-list: {listed}. If you know them and trust whoever wrote "
            f"the model, allow them for this model: maintain.trusted: [{listed}]"
        )


def check_trees(model: Any, where: str) -> None:
    """Check that every decision tree in a loaded model points forward, inside itself and at features it has.

    A file of trusted types may still hold a tree whose children or features lie outside their arrays; predicting with
    it would read foreign memory or never end.

    Raises
    ------
    ArtefactError
        When one does not.
    """
    for tree, features in _trees(model, None, set()):
        if not (_sound_tree(tree, features) if hasattr(tree, "children_left") else _sound_predictor(tree, features)):
            raise ArtefactError(f"{where} holds a decision tree that points outside itself; do not use this file")


def _trees(node: Any, features: int | None, seen: set[int]) -> Iterator[tuple[Any, int | None]]:
    """Walk the attributes of a model; ``features`` is what the estimator that holds ``node`` checks its rows for."""
    if id(node) in seen or isinstance(node, (str, bytes, int, float, bool, type(None), type)):
        return
    seen.add(id(node))
    if _is_tree(node):
        yield node, features
    elif isinstance(node, dict):
        for value in node.values():
            yield from _trees(value, features, seen)
    elif isinstance(node, (list, tuple, set)) or (isinstance(node, np.ndarray) and node.dtype == object):
        for value in node if not isinstance(node, np.ndarray) else node.ravel().tolist():
            yield from _trees(value, features, seen)
    elif hasattr(node, "__dict__") and not isinstance(node, np.ndarray):
        own = vars(node).get("n_features_in_")
        for name, value in vars(node).items():
            held = _least(own, features) if name in ("tree_", "_predictors", "estimators_") else own
            yield from _trees(value, held, seen)


def _is_tree(node: Any) -> bool:
    return hasattr(node, "children_left") or (hasattr(node, "nodes") and hasattr(node, "raw_left_cat_bitsets"))


def _least(own: Any, holder: int | None) -> int | None:
    known = [int(n) for n in (own, holder) if isinstance(n, (int, np.integer))]
    return min(known) if known else None


def _sound_tree(tree: Any, features: int | None) -> bool:
    left, right = np.asarray(tree.children_left), np.asarray(tree.children_right)
    inner = left != -1
    limit = _least(int(tree.n_features), features)
    return _forward(left, right, inner) and _within(np.asarray(tree.feature)[inner], limit)


def _sound_predictor(tree: Any, features: int | None) -> bool:
    nodes = tree.nodes
    inner = nodes["is_leaf"] == 0
    left, right = nodes["left"].astype(np.int64), nodes["right"].astype(np.int64)
    categorical = inner & (nodes["is_categorical"] != 0)
    sets = nodes["bitset_idx"].astype(np.int64)[categorical]
    return (
        _forward(left, right, inner)
        and _within(nodes["feature_idx"].astype(np.int64)[inner], features)
        and _within(sets, min(len(tree.raw_left_cat_bitsets), len(tree.binned_left_cat_bitsets)))
    )


def _forward(left: NDArray[Any], right: NDArray[Any], inner: NDArray[np.bool_]) -> bool:
    """Whether both children of every inner node come after it; that also rules out endless walks."""
    place = np.arange(len(left))[inner]
    return all(bool(np.all((c[inner] > place) & (c[inner] < len(left)))) for c in (left, right))


def _within(index: NDArray[Any], limit: int | None) -> bool:
    return not len(index) or (limit is not None and bool(index.min() >= 0) and bool(index.max() < limit))
