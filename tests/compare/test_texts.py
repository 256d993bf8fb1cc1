"""Comparisons of texts: values by hand and from scipy, chance by dealing texts out at random, and damage on purpose."""

from __future__ import annotations

import ast
import pydoc_data.topics
import re
import statistics
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from scipy import stats
from scipy.spatial.distance import jensenshannon

from watchkeeper.charts.tolerance import Tolerance
from watchkeeper.compare.adjusted_divergence import adjusted_divergence
from watchkeeper.compare.assess import assess_column
from watchkeeper.compare.character_mix import CharacterMix
from watchkeeper.compare.out_of_vocabulary import OutOfVocabulary
from watchkeeper.compare.text_length import TextLength
from watchkeeper.compare.token_drift import TokenDrift
from watchkeeper.core.measurement import Status
from watchkeeper.core.schema import Column, Kind, Role, Schema
from watchkeeper.core.state import State
from watchkeeper.stats.summarise import summarise_rows
from watchkeeper.stats.text_buckets import BucketsPart

NAMES = ("text_length", "character_mix", "encoding_damage", "out_of_vocabulary", "token_drift", "ngram_drift")
OPTIONS = {"run_length": 1_000.0, "series": 6.0, "tolerance": 0.05, "always": 0.05}
CORPORA = Path(__file__).resolve().parents[3] / "shared" / "data" / "nltk_sentences" / "sentences.parquet"

FRENCH = [
    "la commande est arrivée très tard", "le colis était mouillé et abîmé", "je n'ai jamais reçu la facture",
    "le prix a été débité deux fois", "merci, tout est réglé à présent", "où est passée ma deuxième boîte",
]  # fmt: skip
ENGLISH = [
    "the order arrived very late", "the parcel was wet and torn", "i never received the invoice",
    "the price was charged two times", "thank you, all is well by now", "where has my second box gone",
]  # fmt: skip


def state(texts) -> State:
    schema = Schema((Column("x", Role.FEATURE, Kind.TEXT, "String"),))
    frame = pl.DataFrame({"x": pl.Series(texts, dtype=pl.String)})
    return next(s for s in summarise_rows(frame, schema, keep=("text_ngrams",)) if s.key.column == "x")


def fired(reference: State, current: State) -> set[str]:
    signals = [Tolerance().step(None, m, OPTIONS)[1] for m in assess_column(reference, current, NAMES)]
    assert len(signals) == len(NAMES)
    assert all(s.measurement.status is Status.OK for s in signals)
    return {s.measurement.name for s in signals if s.fired}


def composed(sentences: list[str], n: int, seed: int) -> list[str]:
    rng = np.random.default_rng(seed)
    return [". ".join(rng.choice(sentences, rng.integers(1, 4))) for _ in range(n)]


def sentences(text: str) -> list[str]:
    """Sentences of more than five words, as a reader would log them."""
    parts = (" ".join(part.split()) for part in re.split(r"(?<=[.:])\s+", text))
    return [part for part in parts if len(part.split()) > 5]


@pytest.fixture(scope="module")
def manual() -> np.ndarray:
    """Sentences of the language reference that every Python carries."""
    return np.array(sentences(" ".join(pydoc_data.topics.topics.values())), object)


@pytest.fixture(scope="module")
def docstrings() -> list[str]:
    """Sentences of the docstrings of some modules of the standard library."""
    files = [Path(statistics.__file__).parent / f"{name}.py" for name in ("statistics", "_pydecimal", "tarfile", "ssl")]
    found = []
    for tree in (ast.parse(file.read_text(encoding="utf-8")) for file in files):
        found += [ast.get_docstring(n) or "" for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.ClassDef)]
    return sentences(" ".join(found))


def test_text_length_equals_the_two_sample_statistic_of_scipy():
    rng = np.random.default_rng(0)
    before, now = rng.poisson(40, 800), rng.poisson(47, 300)
    measured = TextLength().compare(state(["x" * int(n) for n in before]), state(["x" * int(n) for n in now]))
    assert measured.value == pytest.approx(stats.ks_2samp(before, now).statistic, abs=1e-12)
    assert measured.evidence.details["tokens"] == 0.0
    assert (measured.n, measured.evidence.size.n_reference) == (300, 800)


def test_character_mix_is_the_change_of_a_mean_share_with_the_error_of_scipy():
    before, now = ["ab12", "abcd", "a1"], ["ab", "abcdefgh", "1234", "abc1"]
    measured = CharacterMix().compare(state(before), state(now))
    letters = [np.array([sum(map(str.isalpha, t)) / len(t) for t in texts]) for texts in (before, now)]
    assert measured.value == pytest.approx(abs(letters[0].mean() - letters[1].mean()))
    assert measured.evidence.change.levels[0] == "other letters"
    assert measured.error == pytest.approx(np.hypot(stats.sem(letters[0], ddof=0), stats.sem(letters[1], ddof=0)))


def test_out_of_vocabulary_is_the_unseen_share_less_good_turing():
    # Reference: a in 3 texts, b in 2, c and d in 1: 7 pairs of text and token, of which 2 occur in one text only.
    # Now: a twice, e, f and g once: 3 of 5 pairs are new.
    measured = OutOfVocabulary().compare(state(["a b", "a b c", "a d"]), state(["a e", "a f g"]))
    assert measured.evidence.change.before == pytest.approx(2 / 7)
    assert measured.evidence.change.after == pytest.approx(3 / 5)
    assert measured.value == pytest.approx(3 / 5 - 2 / 7)
    assert measured.evidence.details["hidden"] == pytest.approx(4 / 65_536)


def test_good_turing_is_what_the_next_texts_show():
    rng = np.random.default_rng(1)
    zipf = 1 / np.arange(1, 5_001)
    words = np.array([f"w{i}" for i in range(5_000)])

    def texts(n: int) -> list[str]:
        return [" ".join(rng.choice(words, 12, p=zipf / zipf.sum())) for _ in range(n)]

    measured = [OutOfVocabulary().compare(state(texts(400)), state(texts(400))) for _ in range(20)]
    gaps = np.array([m.evidence.change.after - m.evidence.change.before for m in measured])
    assert np.mean([m.evidence.change.before for m in measured]) > 0.1  # so that there is something to be wrong about
    assert abs(gaps.mean()) < 4 * gaps.std() / np.sqrt(len(gaps)) + 0.002
    # The error is meant for texts whose tokens go together; here they do not, so it covers.
    assert np.mean([abs(gap) < 1.96 * m.error for gap, m in zip(gaps, measured, strict=True)]) >= 0.9


def test_token_drift_is_the_divergence_of_scipy_less_chance():
    before, now = state(["a b", "a c", "a b d", "b"] * 50), state(["a b", "c d", "c", "d a"] * 40)
    measured = TokenDrift().compare(before, now)
    shares = np.array([150, 150, 50, 50]) / 400, np.array([80, 40, 80, 80]) / 280
    assert measured.evidence.details["divergence"] == pytest.approx(jensenshannon(*shares, base=2) ** 2, abs=1e-12)
    # Four buckets of more than 64: (1/400 + 1/280)/(8 ln 2)·Σ(1 - t/360) over their totals t.
    chance = (1 / 400 + 1 / 280) / (8 * np.log(2)) * (4 - (230 + 190 + 130 + 130) / 360)
    assert measured.evidence.details["by_chance"] == pytest.approx(chance, rel=1e-9)
    expected = (measured.evidence.details["divergence"] - chance) / (1 - chance)
    assert measured.value == pytest.approx(np.sqrt(expected))


def test_chance_is_the_mean_over_texts_dealt_out_at_random(manual):
    rng = np.random.default_rng(2)
    a, b, gaps, spreads = 900, 300, [], []
    for _ in range(25):
        chosen = rng.choice(manual, a + b, replace=False)
        left, right = state(chosen[:a].tolist()), state(chosen[a:].tolist())
        told = adjusted_divergence(left.part("text_tokens", BucketsPart), right.part("text_tokens", BucketsPart))
        gaps.append(told.found - told.chance)
        spreads.append(told.spread)
        assert told.found > 0.1  # what an index without adjustment would call drift
    assert abs(np.mean(gaps)) < 4 * np.std(gaps) / np.sqrt(len(gaps))
    assert 0.8 * np.mean(spreads) < np.std(gaps) < 1.7 * np.mean(spreads)


def test_halves_of_one_text_never_alarm_and_their_distances_are_near_the_floor(manual):
    rng = np.random.default_rng(3)
    for n0, n in [(2_000, 1_300), (2_000, 200), (150, 150)] * 4:
        mixed = rng.permutation(manual)
        reference, current = state(mixed[:n0].tolist()), state(mixed[n0 : n0 + n].tolist())
        assert fired(reference, current) == set()
        for m in assess_column(reference, current, ["token_drift", "ngram_drift"]):
            assert m.value < 8 * m.floor


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (str.upper, {"character_mix", "out_of_vocabulary", "token_drift", "ngram_drift"}),
        (str.title, {"out_of_vocabulary", "token_drift", "ngram_drift"}),
        (lambda s: s.encode().decode("latin-1"), {"encoding_damage", "token_drift"}),
        (lambda s: s.encode("ascii", "replace").decode(), {"out_of_vocabulary", "token_drift"}),
        (lambda s: s.encode("latin-1").decode("utf-8", "replace"), {"encoding_damage", "token_drift"}),
        (lambda s: s[:25], {"text_length"}),
        (lambda s: s.replace(" ", ""), {"out_of_vocabulary", "token_drift", "ngram_drift"}),
        (lambda s: "", {"text_length", "character_mix"}),
    ],
    ids=["upper case", "title case", "mojibake", "question marks", "replaced", "cut", "without spaces", "emptied"],
)
def test_a_change_of_texts_is_found_by_what_looks_for_it(change, expected):
    reference, current = state(composed(FRENCH, 1_500, 4)), composed(FRENCH, 600, 5)
    assert fired(reference, state(current)) == set()
    changed = state([change(text) for text in current])
    signals = [Tolerance().step(None, m, OPTIONS)[1] for m in assess_column(reference, changed, NAMES)]
    assert expected <= {s.measurement.name for s in signals if s.fired}


def test_another_language_is_found_by_words_and_by_runs_of_characters():
    reference = state(composed(ENGLISH, 1_500, 6))
    assert {"out_of_vocabulary", "token_drift", "ngram_drift"} <= fired(reference, state(composed(FRENCH, 300, 7)))


def test_other_prose_in_the_same_language_is_found(manual, docstrings):
    rng = np.random.default_rng(8)
    reference = state(rng.permutation(manual)[:2_000].tolist())
    assert "token_drift" in fired(reference, state(rng.permutation(docstrings)[:500].tolist()))


@pytest.fixture(scope="module")
def corpora() -> dict[str, np.ndarray]:
    if not CORPORA.exists():
        pytest.skip(f"{CORPORA.parent} is not there")
    frame = pl.read_parquet(CORPORA)
    names = ("polarity", "subjectivity", "trec_qc_train")
    return {name: frame.filter(pl.col("corpus") == name)["text"].to_numpy() for name in names}


@pytest.mark.validation
@pytest.mark.parametrize("corpus", ["polarity", "subjectivity", "trec_qc_train"])
def test_halves_of_a_corpus_are_alike_over_twelve_seeds(corpora, corpus):
    for seed in range(12):
        mixed = np.random.default_rng(seed).permutation(corpora[corpus])
        n = (2_500, 800, 120)[seed % 3]
        assert fired(state(mixed[:2_500].tolist()), state(mixed[2_500 : 2_500 + n].tolist())) == set()


@pytest.mark.validation
def test_a_switch_of_corpus_is_found(corpora):
    mixed = {name: np.random.default_rng(1).permutation(texts).tolist() for name, texts in corpora.items()}
    reference = state(mixed["polarity"][:4_000])
    # Reviews against plots of films, both of some twenty words: the words alone tell.
    assert "token_drift" in fired(reference, state(mixed["subjectivity"][:1_000]))
    questions = fired(reference, state(mixed["trec_qc_train"][:300]))
    assert {"text_length", "out_of_vocabulary", "token_drift", "ngram_drift"} <= questions
