"""What every registered chart must obey, plug-ins included."""

from __future__ import annotations

import pytest

from watchkeeper.core.plugins import plugins
from watchkeeper.testing.chart import check_chart


@pytest.mark.parametrize("name", list(plugins("chart")))
def test_a_registered_chart_obeys_the_contract(name: str) -> None:
    check_chart(plugins("chart")[name])
