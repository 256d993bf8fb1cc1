import json
from pathlib import Path

from tests.demo.window_states import FILE, digests

RENAMED: frozenset[str] = frozenset()
"""Windows and columns whose states hold a tag that was renamed on purpose since 0.1.0; each with the reason."""


def test_states_of_the_demo_are_those_of_0_1_0_byte_for_byte(tmp_path):
    then = json.loads(Path(__file__).with_name(FILE).read_text(encoding="utf-8"))
    now = digests(tmp_path)
    assert now.keys() == then.keys()
    assert {name for name in then if now[name] != then[name]} == RENAMED
