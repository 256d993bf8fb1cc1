"""What every registered way to explain must obey, plug-ins included."""

from __future__ import annotations

import pytest

from watchkeeper.core.errors import UsageError
from watchkeeper.core.plugins import plugins
from watchkeeper.testing.explainer import check_explainer


@pytest.mark.parametrize("name", list(plugins("explainer")))
def test_a_registered_explainer_obeys_the_contract(name: str) -> None:
    try:
        check_explainer(plugins("explainer")[name])
    except UsageError as error:
        if "is not installed" not in str(error):
            raise
        pytest.skip(str(error))
