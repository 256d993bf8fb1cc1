"""The contract of frameworks, on each that is registered."""

from __future__ import annotations

import pytest

from watchkeeper.core.plugins import plugin, plugins
from watchkeeper.testing.framework import check_framework

SMALL = {
    "xgboost": {"rounds": 20, "nthread": 1, "max_depth": 3, "eta": 0.5},
    "lightgbm": {"rounds": 20, "num_threads": 1, "num_leaves": 6, "learning_rate": 0.3, "more": 10},
    "torch": {"epochs": 30, "hidden": 16, "learning_rate": 0.02, "continue_rate": 0.02},
    "keras": {"epochs": 6, "hidden": 16, "learning_rate": 0.1, "continue_rate": 0.1},
    "river": {"passes": 3},
    "scikit-learn": {"max_iter": 30},
}


@pytest.mark.parametrize("name", plugins("framework"))
def test_a_framework_obeys_the_contract(name: str) -> None:
    check_framework(plugin("framework", name), **SMALL.get(name, {}))
