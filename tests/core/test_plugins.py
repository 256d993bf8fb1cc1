"""One plug-in by its name, without the imports of all."""

from __future__ import annotations

import subprocess
import sys

import pytest

from watchkeeper.core.plugins import KINDS, plugin_if_any, plugins


@pytest.mark.parametrize("kind", KINDS)
def test_a_single_plug_in_is_the_one_of_that_name_among_all(kind: str) -> None:
    for name, one in plugins(kind).items():
        assert type(plugin_if_any(kind, name)) is type(one)
    assert plugin_if_any(kind, "no such thing") is None


def test_a_single_plug_in_is_found_without_importing_the_others() -> None:
    looks = (
        "from watchkeeper.core.plugins import plugin_if_any\nassert plugin_if_any('comparison', 'ks').name == 'ks'\n"
    )
    counts = "import sys\nprint(sum(name.startswith('watchkeeper.compare.') for name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", looks + counts], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 10
