"""One plug-in by its name, without the imports of all."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

import watchkeeper.core.plugins
from watchkeeper.core.plugins import KINDS, may_have, plugin_if_any, plugins


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


@pytest.mark.parametrize("kind", ["comparison", "metric"])
def test_what_has_a_method_may_have_it_and_most_others_may_not(kind: str) -> None:
    able = {name for name, one in plugins(kind).items() if hasattr(one, "describe")}
    likely = {name for name in plugins(kind) if may_have(kind, name, "describe")}
    assert able <= likely
    assert len(likely - able) <= len(plugins(kind)) // 10
    assert not may_have(kind, "no such thing", "describe")


def test_a_method_that_is_inherited_or_decorated_from_another_module_is_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    modules = {
        "speech": "class Speech:\n    def describe(self, m): ...\n",
        "between": "from saying.speech import Speech\nclass Between(Speech): ...\n",
        "inherits": "from saying.between import Between\nclass A(Between):\n    name = 'inherits'\n",
        "decorated": "from saying.speech import Speech as add\n@add\nclass B:\n    name = 'decorated'\n",
        "attribute": "import saying.speech\nclass C(saying.speech.Speech):\n    name = 'attribute'\n",
        "silent": "import math\nfrom saying.speech import Speech\nclass D:\n    name = 'silent'\n",
    }
    (tmp_path / "saying").mkdir()
    for name, text in {"__init__": "", **modules}.items():
        (tmp_path / "saying" / f"{name}.py").write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    entry = EntryPoint("saying", "saying", "watchkeeper.comparison")
    monkeypatch.setattr(watchkeeper.core.plugins, "entry_points", lambda group: [entry])
    asked = {name: may_have.__wrapped__("comparison", name, "describe") for name in modules}
    assert {name for name, may in asked.items() if may} == {"inherits", "decorated", "attribute"}
    assert not [name for name in sys.modules if name.startswith("saying.") and name != "saying"]
