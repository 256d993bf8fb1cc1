"""Embeddings of real texts by a small model, from the text to the alert."""

from __future__ import annotations

import ast
import pydoc_data.topics
import re
import statistics
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from watchkeeper.api import check
from watchkeeper.views.findings import Verdict

pytest.importorskip("wordllama", reason="the extra text is not installed")

from watchkeeper.integrations.wordllama import embed

EMBED = {"text": "watchkeeper.integrations.wordllama:embed"}
NAME = "text@embedding"
CORPORA = Path(__file__).resolve().parents[3] / "shared" / "data" / "nltk_sentences" / "sentences.parquet"


def sentences(text: str) -> list[str]:
    parts = (" ".join(part.split()) for part in re.split(r"(?<=[.:])\s+", text))
    return [part for part in parts if len(part.split()) > 5]


@pytest.fixture(scope="module")
def manual() -> np.ndarray:
    """Sentences of the language reference that every Python carries."""
    return np.array(sentences(" ".join(pydoc_data.topics.topics.values())), object)


def docstrings() -> list[str]:
    files = [Path(statistics.__file__).parent / f"{name}.py" for name in ("statistics", "_pydecimal", "tarfile", "ssl")]
    found = []
    for tree in (ast.parse(file.read_text(encoding="utf-8")) for file in files):
        found += [ast.get_docstring(n) or "" for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.ClassDef)]
    return sentences(" ".join(found))


def frame(texts) -> pl.DataFrame:
    return pl.DataFrame({"text": list(texts)}, schema={"text": pl.String})


def alerted(current, reference) -> dict[str, set[str]]:
    """Return the measures that signalled, by column."""
    report = check(frame(current), frame(reference), embed=EMBED)
    assert (report.verdict is Verdict.ALERT) == bool(report.alerts)
    found: dict[str, set[str]] = {}
    for signal in report.signals:
        if signal.fired:
            found.setdefault(signal.measurement.column, set()).add(signal.measurement.name)
    return found


def test_vectors_have_length_one_and_are_near_for_near_meanings():
    vectors = embed(["the dog runs in the garden", "a puppy plays on the lawn", "interest rates were raised", "", " "])
    assert vectors.shape == (5, 256)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx([1, 1, 1, 0, 0], abs=1e-5)
    assert vectors[0] @ vectors[1] > 2 * vectors[0] @ vectors[2]
    assert embed([]).shape == (0, 256)


def test_nothing_of_it_is_loaded_unless_it_is_asked_for():
    code = (
        "import polars as pl, sys\nfrom watchkeeper.api import check\n"
        "f = pl.DataFrame({'text': [f'number {i} of some words in a row' for i in range(60)]})\n"
        "check(f, f)\nassert not {'wordllama', 'tokenizers', 'watchkeeper.integrations.wordllama'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_example_tells_docstrings_from_the_manual():
    example = Path(__file__).resolve().parents[2] / "examples" / "embeddings.py"
    told = subprocess.run([sys.executable, str(example)], check=True, capture_output=True, text=True).stdout
    alike, other = told.splitlines()
    assert "within tolerance" in alike
    assert "text@embedding (mean of number" in other
    assert "likely cause: covariate shift of text@embedding" in other


def test_halves_of_a_manual_are_alike_and_docstrings_are_not(manual):
    rng = np.random.default_rng(0)
    for _ in range(4):
        mixed = rng.permutation(manual)
        assert alerted(mixed[2_000:2_600], mixed[:2_000]) == {}
    found = alerted(rng.permutation(docstrings())[:300], manual)
    assert "mean_shift" in found[NAME]
    assert "token_drift" in found["text"]


@pytest.fixture(scope="module")
def corpora() -> dict[str, np.ndarray]:
    if not CORPORA.exists():
        pytest.skip(f"{CORPORA.parent} is not there")
    whole = pl.read_parquet(CORPORA)
    names = ("polarity", "subjectivity", "trec_qc_train")
    return {name: whole.filter(pl.col("corpus") == name)["text"].to_numpy() for name in names}


@pytest.mark.validation
@pytest.mark.parametrize("corpus", ["polarity", "subjectivity", "trec_qc_train"])
def test_halves_of_a_corpus_raise_no_alert_over_ten_seeds(corpora, corpus):
    for seed in range(10):
        mixed = np.random.default_rng(seed).permutation(corpora[corpus])
        assert alerted(mixed[1_500 : 1_500 + (1_000, 200)[seed % 2]], mixed[:1_500]) == {}


@pytest.mark.validation
@pytest.mark.parametrize("corpus", ["subjectivity", "trec_qc_train"])
def test_a_switch_of_corpus_moves_words_and_embeddings(corpora, corpus):
    reference, current = (np.random.default_rng(7).permutation(corpora[name]) for name in ("polarity", corpus))
    found = alerted(current[:500], reference[:2_000])
    assert "token_drift" in found["text"]
    assert "mean_shift" in found[NAME]
