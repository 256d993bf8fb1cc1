"""Every registered notifier, plug-ins included, obeys the laws."""

import pytest

from watchkeeper.core.plugins import plugins
from watchkeeper.testing.notifier import check_notifier


@pytest.mark.parametrize("name", list(plugins("notifier")))
def test_a_registered_notifier_keeps_its_promises(name):
    check_notifier(plugins("notifier")[name])
