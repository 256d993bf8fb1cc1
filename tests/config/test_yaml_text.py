"""YAML as people mean it; expected values from the YAML 1.2 core schema, https://yaml.org/spec/1.2.2/#103-core-schema."""

import pytest

from watchkeeper.config.yaml_text import quoted, read_scalar, read_yaml, shown
from watchkeeper.core.errors import ConfigError

TEXTS = ["NO", "no", "on", "Off", "yes", "y", "1_000", "12:30:00", "007", "0x1F", "0o17", "2013-01-01", "1.10", ".inf"]


@pytest.mark.parametrize("text", TEXTS)
def test_what_only_yaml_1_1_takes_for_something_else_stays_text(text):
    assert read_yaml(f"x: {text}", "f").values == {"x": text}


@pytest.mark.parametrize("key", ["NO", "on", "5", "true", "~", "2013-01-01"])
def test_a_key_is_always_text(key):
    assert read_yaml(f"{key}: 1", "f").values == {key: 1}


@pytest.mark.parametrize(
    ("text", "value"),
    [("true", True), ("False", False), ("~", None), ("null", None), ("", None), ("12", 12), ("-3", -3), ("0.5", 0.5)],
)
def test_null_truth_values_and_numbers_are_read(text, value):
    found = read_yaml(f"x: {text}", "f").values["x"]
    assert found == value
    assert type(found) is type(value)


def test_a_quoted_number_is_text():
    assert read_yaml("a: '5'\nb: \"true\"", "f").values == {"a": "5", "b": "true"}


def test_every_value_knows_its_line():
    lines = read_yaml("a:\n  b: 1\n  c:\n    - x\n    - y\n", "f").lines
    assert (lines["a",], lines["a", "b"], lines["a", "c", 1]) == (1, 2, 5)


def test_a_doubled_key_names_both_lines():
    with pytest.raises(ConfigError, match=r"f\.yaml:4: a\.b stands on line 2 already"):
        read_yaml("a:\n  b: 1\n  c: 2\n  b: 3\n", "f.yaml")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a: [1,\n", 2), ("a: 1\nb: c: d\n", 2), ("a: 1\n\tb: 2\n", 2), ("- 1\n", 1), ("a: 1\n---\nb: 2\n", 2),
        ("a: !!python/object/apply:os.system [ls]\n", 1), ("x: 1\n<<: {a: 1}\n", 2), ("x: &a [*a]\n", 1),
        ("? [1, 2]\n: 3\n", 1),
    ],
)  # fmt: skip
def test_what_cannot_be_read_names_file_and_line(text, line):
    with pytest.raises(ConfigError, match=rf"^f\.yaml:{line}: "):
        read_yaml(text, "f.yaml")


def test_aliases_that_multiply_are_refused_instead_of_filling_the_memory():
    rows = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    rows += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 12)]
    with pytest.raises(ConfigError, match="aliases"):
        read_yaml("\n".join(rows), "f")


def test_an_empty_file_is_an_empty_mapping():
    assert read_yaml("# nothing\n", "f").values == {}


@pytest.mark.parametrize(
    "text",
    ["", "NO", "5", "true", "a: b", "a #b", "é", "line\nbreak", "\u2028", "\x07", "😀", "'\"", "- x", "a:", "{a}", " "],
)
def test_a_text_that_is_shown_or_quoted_reads_back_as_itself(text):
    assert read_yaml(f"x: {quoted(text)}", "f").values["x"] == text
    assert read_yaml(f"x: {shown(text)}", "f").values["x"] == text


def test_a_single_value_is_read_like_a_value_in_a_file():
    assert read_scalar("[a, 5]") == ["a", 5]
    assert read_scalar("NO") == "NO"
    assert read_scalar("https://host/#x: y") == "https://host/#x: y"
