"""Statistics over texts: expected values counted by hand, by Python's own str and re, or bounded by arithmetic."""

from __future__ import annotations

import re
import unicodedata

import numpy as np
import polars as pl
import pytest

from watchkeeper.core.schema import Column, Kind, Role, Schema
from watchkeeper.core.state import State
from watchkeeper.stats.count import CountPart
from watchkeeper.stats.statistic import fold
from watchkeeper.stats.summarise import summarise_rows
from watchkeeper.stats.text_alphabet import CLASSES
from watchkeeper.stats.text_buckets import BucketsPart
from watchkeeper.stats.text_characters import TextCharacters
from watchkeeper.stats.text_lengths import TextLengths, TextLengthsPart
from watchkeeper.stats.text_ngrams import TextNgrams
from watchkeeper.stats.text_tokens import TextTokens
from watchkeeper.stats.texts import MOST_CHARACTERS, Texts

COLUMN = Column("x", Role.FEATURE, Kind.TEXT, "String")


def folded(statistic, texts):
    return fold(statistic, COLUMN, Texts.blocks(pl.Series("x", texts, dtype=pl.String)))


def state(texts) -> State:
    frame = pl.DataFrame({"x": pl.Series(texts, dtype=pl.String)})
    return next(s for s in summarise_rows(frame, Schema((COLUMN,)), keep=("text_ngrams",)) if s.key.column == "x")


def test_lengths_are_those_of_str_and_of_a_regular_expression():
    rng = np.random.default_rng(0)
    words = ["parcel", "späť", "is", "ok", "!", "😀", "a\u0301"]
    texts = [" ".join(rng.choice(words, rng.integers(0, 30))) for _ in range(500)]
    part = folded(TextLengths(), texts)
    characters, tokens = np.zeros(257, int), np.zeros(257, int)
    for text in texts:
        characters[len(text)] += 1
        tokens[len(re.findall(r"[^\W_](?:[^\W_]|\u0301)*|[!😀]", text))] += 1
    for found, expected in ((part.characters, characters), (part.tokens, tokens)):
        lower, _ = found.edges()
        assert dict(zip(lower.astype(int).tolist(), found.counts.tolist(), strict=True)) == {
            length: count for length, count in enumerate(expected.tolist()) if count
        }


def test_every_character_of_a_long_text_counts_towards_its_length():
    part = folded(TextLengths(), ["x" * 100_000])
    lower, upper = part.characters.edges()
    assert lower[0] <= 100_000 < upper[0]
    assert (upper[0] - lower[0]) / 100_000 < 0.008


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("the parcel, the box", 4),  # the, parcel, "," and box: a text counts once for each
        ("don't", 3),
        ("a\u0301b c", 2),
        ("配達は明日", 5),
        ("ราคา", 3),  # ร า ค, of which า comes twice
        ("配a", 2),
        ("😀😀 :)", 3),
        (" \n\t", 0),
        ("", 0),
    ],
)
def test_tokens_are_words_symbols_and_letters_of_scripts_without_spaces(text, tokens):
    assert folded(TextTokens(), [text]).pairs == tokens


def test_a_word_has_one_bucket_wherever_it_stands():
    alone = folded(TextTokens(), ["parcel"]).buckets
    for text in ("the parcel came", "(parcel)", "parcel", "配parcel"):
        assert alone[0] in folded(TextTokens(), [text]).buckets
    assert folded(TextTokens(), ["Parcel"]).buckets[0] != alone[0]
    assert folded(TextTokens(), ["lecrap"]).buckets[0] != alone[0]


def test_words_fill_the_buckets_as_balls_fill_urns():
    words = [f"w{i:x}" for i in range(40_000)]
    part = folded(TextTokens(), [" ".join(words[i : i + 40]) for i in range(0, len(words), 40)])
    # 40,000 balls in 65,536 urns occupy 65536·(1 - (1 - 1/65536)^40000) = 29,938 of them, with a standard deviation of
    # √(65536·e^-a·(1 - (1 + a)·e^-a)), a = 40000/65536: 73.
    assert len(part.buckets) == pytest.approx(29_938, abs=4 * 73)


def test_the_weight_of_texts_is_kish_effective_number():
    part = folded(TextTokens(), ["a b c", "a", "b"])
    assert (part.texts, part.pairs, part.squares) == (3, 5, 11)
    assert part.weight == pytest.approx(25 / 11)


def test_character_shares_are_means_over_texts_of_the_unicode_categories():
    texts = ["Ab1 ", "é!", "", "№ Ñandú\ufffd", "日本 12", "x\x07"]
    part = folded(TextCharacters(), texts)
    kinds = {
        "upper case": lambda c: c < "\x80" and c.isupper(),
        "other letters": lambda c: c < "\x80" and c.islower(),
        "upper case beyond ASCII": lambda c: c > "\x7f" and c.isupper(),
        "other letters beyond ASCII": lambda c: c > "\x7f" and c.isalpha() and not c.isupper(),
        "digits": str.isdecimal,
        "punctuation": lambda c: c == "!",
        "symbols beyond ASCII": lambda c: c == "№",
        "white space": str.isspace,
        "control and unknown": lambda c: c in "\ufffd\x07",
    }
    found = TextCharacters().result(part)
    for name, belongs in kinds.items():
        shares = [sum(map(belongs, text)) / max(len(text), 1) for text in texts]
        assert found[name] == pytest.approx(np.mean(shares), abs=1e-12), name
    assert part.sums.sum() == pytest.approx(5)  # five texts that are not empty, each wholly divided


def test_every_code_point_of_the_first_planes_is_in_the_class_its_category_says():
    codes = [c for c in range(0x20000) if not 0xD800 <= c < 0xE000]
    part = folded(TextCharacters(), [chr(c) for c in codes])
    letters = sum(unicodedata.category(chr(c))[0] in "LM" for c in codes)
    found = dict(zip(CLASSES, part.sums.tolist(), strict=True))
    assert sum(found[name] for name in CLASSES[:4]) == pytest.approx(letters)
    assert found["digits"] == pytest.approx(sum(unicodedata.category(chr(c))[0] == "N" for c in codes))


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252"])
def test_utf8_read_as_another_encoding_is_damage_and_the_same_text_read_rightly_is_not(encoding):
    texts = ["Où est l’été ?", "«Ça va» – très bien…", "Größe: 5 m²", "naïve façade", "ÀÉÎÕÜ §3", "smørrebrød", "plain"]
    # Two letters have no place in cp1252, and the em dash none in Latin-1, so a byte may be lost.
    broken = [text.encode().decode(encoding, errors="replace") for text in texts]
    assert folded(TextCharacters(), texts).damaged == 0
    assert folded(TextCharacters(), broken).damaged == len(texts) - 1


def test_ngrams_of_a_text_end_with_it_and_do_not_run_into_the_next():
    two, joined = folded(TextNgrams(), ["abc", "xyz"]), folded(TextNgrams(), ["abc"])
    assert joined.pairs == 2  # "abc" and "bc" with the end
    assert set(joined.buckets) < set(two.buckets)
    assert two.pairs == 4
    assert folded(TextNgrams(), ["", "a", None]).pairs == 0


def test_only_the_beginning_of_a_long_text_gives_ngrams_and_tokens():
    long = " ".join(f"word{i}" for i in range(5_000))
    assert folded(TextNgrams(), [long]).pairs <= 250
    assert folded(TextNgrams(), [long]).pairs == folded(TextNgrams(), [long + " and more"]).pairs
    tokens = len(re.findall(r"\w+", long[:MOST_CHARACTERS]))
    # Two of 450 words share a bucket with a probability of 450²/2/65536, so one or another does.
    assert tokens - 8 <= folded(TextTokens(), [long]).pairs <= tokens


def test_any_cut_into_blocks_gives_the_same_parts():
    rng = np.random.default_rng(3)
    texts = [None if n % 9 == 0 else "é" * int(n) + " x" for n in rng.integers(0, 9_000, 300)]
    series = pl.Series("x", texts)
    assert len(list(Texts.blocks(series))) > 5
    for statistic in (TextLengths(), TextCharacters(), TextTokens(), TextNgrams()):
        pieces = statistic.result(fold(statistic, COLUMN, Texts.blocks(series)))
        assert pieces == pytest.approx(statistic.result(fold(statistic, COLUMN, [Texts.of(series)])))


def test_a_column_of_texts_keeps_its_nulls_lengths_classes_and_tokens():
    found = state(["one two", None, "three", ""])
    assert found.part("count", CountPart).nulls == 1
    assert found.part("text_lengths", TextLengthsPart).n == 3
    assert found.part("text_tokens", BucketsPart).texts == 3
    assert found.part("text_ngrams", BucketsPart).texts == 3


def test_ngrams_are_kept_only_where_they_are_asked_for():
    kept = next(s for s in summarise_rows(pl.DataFrame({"x": ["one two"]}), Schema((COLUMN,))) if s.key.column == "x")
    assert set(kept.parts) == {"count", "text_lengths", "text_characters", "text_tokens"}
