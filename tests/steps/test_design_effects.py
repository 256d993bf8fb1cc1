"""Texts and vectors that come in clusters raise no alarm where the reference shows how they cluster."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

import watchkeeper

WORDS = np.array(["order", "late", "refund", "thanks", "parcel", "BROKEN", "please", "help!", "invoice", "42"])
OWN = np.array([f"{a}{b}" for a in "bdfgklmnprst" for b in ("ano", "eku", "ilo", "ora", "umi")])
CLUSTER = 40


def mails(n: int, seed: int, moved: bool = False) -> pl.DataFrame:
    """Return mails as bots send them, forty alike but for three words, with what an embedder makes of them."""
    rng = np.random.default_rng(seed)
    texts = [" ".join(rng.choice(WORDS, k)) * (2 if moved else 1) for k in rng.integers(2, 12, n // CLUSTER)]
    mail = [
        f"{text} {' '.join(own)}" for text, own in zip(np.repeat(texts, CLUSTER), rng.choice(OWN, (n, 3)), strict=True)
    ]
    vectors = rng.normal(size=(n // CLUSTER, 12)) * np.arange(12, 0, -1) + 8.0 * moved
    start = datetime(2026, 1, 1, tzinfo=UTC)
    return pl.DataFrame(
        {
            "at": [start + timedelta(minutes=i) for i in range(n)],
            "mail": mail,
            "vector": pl.Series(np.repeat(vectors, CLUSTER, axis=0).tolist(), dtype=pl.Array(pl.Float64, 12)),
        }
    )


@pytest.fixture(scope="module")
def reference() -> pl.DataFrame:
    return mails(24_000, 0)


def test_clusters_of_texts_and_vectors_raise_no_alarm_where_the_reference_has_times(reference) -> None:
    found = watchkeeper.check(mails(2_000, 1), reference, time="at")
    assert not found.alerts
    effects = {m.column: m.evidence.size.design_effect for m in found.measurements if m.evidence.size.design_effect}
    assert 20 < effects["mail"] < 100
    assert 20 < effects["vector"] < 80
    assert any("mail (" in note and "vector (" in note for note in found.notes)


def test_a_change_is_found_all_the_same(reference) -> None:
    found = watchkeeper.check(mails(3_000, 2, moved=True), reference, time="at")
    assert {name for alert in found.alerts for name in alert.columns} >= {"mail", "vector"}


def test_without_times_they_are_taken_as_independent_and_alarm(reference) -> None:
    """What the design effect is for: the same rows, judged as if each were a mail of its own."""
    found = watchkeeper.check(mails(2_000, 1).drop("at"), reference.drop("at"))
    assert {name for alert in found.alerts for name in alert.columns} >= {"vector"}
