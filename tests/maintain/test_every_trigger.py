"""Every registered trigger, plug-ins included, obeys the laws."""

import pytest

from watchkeeper.core.plugins import plugins
from watchkeeper.testing.trigger import check_trigger


@pytest.mark.parametrize("name", list(plugins("trigger")))
def test_a_registered_trigger_keeps_its_promises(name):
    check_trigger(plugins("trigger")[name])
