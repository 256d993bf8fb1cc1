"""Every registered estimator, plug-ins included, obeys the laws."""

import pytest

from watchkeeper.core.plugins import plugins
from watchkeeper.testing.estimator import check_estimator


@pytest.mark.slow
@pytest.mark.parametrize("name", list(plugins("estimator")))
def test_a_registered_estimator_keeps_its_promises(name):
    check_estimator(plugins("estimator")[name])
