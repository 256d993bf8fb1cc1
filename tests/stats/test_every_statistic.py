"""Every registered statistic, plug-ins included, obeys the laws."""

import pytest

from watchkeeper.core.plugins import plugins
from watchkeeper.testing.statistic import check_statistic


@pytest.mark.parametrize("name", list(plugins("statistic")))
def test_a_registered_statistic_is_a_monoid_that_survives_storing(name):
    check_statistic(plugins("statistic")[name])
