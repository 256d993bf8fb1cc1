"""Every registered kind of rule, plug-ins included, obeys the laws."""

import pytest

from watchkeeper.core.plugins import plugins
from watchkeeper.testing.rule import check_rule


@pytest.mark.parametrize("name", list(plugins("rule")))
def test_a_registered_kind_of_rule_keeps_its_promises(name):
    check_rule(plugins("rule")[name])
