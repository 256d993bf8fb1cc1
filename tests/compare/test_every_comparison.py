"""What every registered comparison must obey, plug-ins included."""

from __future__ import annotations

import pytest

from watchkeeper.core.plugins import plugins
from watchkeeper.testing.comparison import check_comparison


@pytest.mark.parametrize("name", list(plugins("comparison")))
def test_a_registered_comparison_obeys_the_contract(name: str) -> None:
    check_comparison(plugins("comparison")[name])
