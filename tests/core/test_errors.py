"""What the tail of an error message shows of valid words."""

from watchkeeper.core.errors import near_miss


def test_a_word_with_unclear_ends_is_quoted():
    assert near_miss("x", ["", " b", "a"]) == "Valid: '', ' b', a"


def test_control_characters_and_line_breaks_are_written_out():
    words = near_miss("red", ["\x1b[31mred", "a\nb"])
    assert "\x1b" not in words
    assert "\n" not in words


def test_a_long_word_is_cut():
    assert len(near_miss("x" * 9_999, ["x" * 10_000])) < 250


def test_where_nothing_is_valid_it_says_so():
    assert near_miss("v1", []) == "There is none to choose from"
