"""What every registered comparison must obey, plug-ins included."""

from __future__ import annotations

import pytest

from watchkeeper.core.plugins import plugins
from watchkeeper.testing.comparison import check_comparison


def _named() -> list[object]:
    """Names of comparisons; those that train models or permute points on hundreds of pairs are slow."""
    samples = {"point_sample", "large_sample"}
    costly = {name for name, one in plugins("comparison").items() if samples & set(getattr(one, "needs", ()))}
    return [pytest.param(name, marks=pytest.mark.slow) if name in costly else name for name in plugins("comparison")]


@pytest.mark.parametrize("name", _named())
def test_a_registered_comparison_obeys_the_contract(name: str) -> None:
    check_comparison(plugins("comparison")[name])
