"""Every registered metric, plug-ins included, obeys the laws."""

import pytest

from watchkeeper.core.plugins import plugins
from watchkeeper.testing.metric import check_metric


@pytest.mark.slow
@pytest.mark.parametrize("name", list(plugins("metric")))
def test_a_registered_metric_keeps_its_promises(name):
    check_metric(plugins("metric")[name])
