"""Planted causes, and what is told about how they are found."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from scipy.stats import ks_2samp

from bench.diagnosis.confidence import fit, reliability, weights_of
from bench.diagnosis.pairs import Owned
from bench.diagnosis.planted import KINDS, NOTHING, Cause, World, choose, day
from bench.diagnosis.report import BEGIN, END, claims, placed_in, render
from bench.diagnosis.watched import Seen
from watchkeeper.core.alert import Alert, AlertState, Severity
from watchkeeper.core.alert import Cause as AlertCause
from watchkeeper.core.diagnosis import Diagnosis
from watchkeeper.core.diagnosis import HypothesisKind as Kind
from watchkeeper.diagnose.case import Finding
from watchkeeper.diagnose.diagnose import IN_DOUBT, ranked

WORLD = World(1)
QUIET = day(WORLD, 30)


@pytest.mark.parametrize("name", KINDS)
def test_a_cause_changes_its_own_place_and_what_follows_from_it_and_nothing_else(name: str) -> None:
    cause = choose(name, 1)
    with_cause = day(WORLD, 30, cause)
    inputs = ["amount", "distance", "age", "balance", "noise", "channel", "region"]
    changed = {c for c in inputs if not with_cause[c].equals(QUIET[c])}
    if name == "mix shift":
        # Amount and age depend on the region, and inside regions are as they were.
        assert {"region"} <= changed
        for region in ("north", "south"):
            sides = (f.filter(pl.col("region") == region)["amount"] for f in (with_cause, QUIET))
            assert ks_2samp(*sides).pvalue > 0.001
    else:
        assert changed == ({cause.where} & set(inputs))
    assert (with_cause["version"] == "2.0").all() == (name == "version change")
    lost = with_cause["label"].null_count() / QUIET["label"].null_count()
    assert (lost > 3) == (name == "label delay")


def test_a_log_without_a_cause_is_the_quiet_one() -> None:
    assert day(WORLD, 30, choose(NOTHING, 1)).equals(QUIET)


def made(kind: str, findings: list[Finding], size: float = 1.0) -> Seen:
    name = next((n for n, k in KINDS.items() if k == kind), NOTHING)
    cause = choose(name, 1, size)
    return Seen(cause, None, 0, Diagnosis("a", "m", tuple(ranked(findings))))


def test_weights_are_read_off_confidences() -> None:
    one = made("label_fault", [Finding(Kind.LABEL_FAULT, 4.0, ("label",)), Finding(Kind.RELEASE, 2.5)])
    weights, right = weights_of(one)
    assert weights == pytest.approx([4.0, 2.5])
    assert right.tolist() == [True, False]


def test_the_scale_that_made_the_cases_is_fitted() -> None:
    rng = np.random.default_rng(0)
    cases = []
    for _ in range(3_000):
        weights = rng.uniform(0, 5, 2)
        odds = np.exp(1.6 * np.append(weights, IN_DOUBT))
        truth = rng.choice(3, p=odds / odds.sum())
        kind = ("label_fault", "release", "unknown")[truth]
        findings = [Finding(Kind.LABEL_FAULT, weights[0], ("label",)), Finding(Kind.RELEASE, weights[1], ("version",))]
        cases.append(made(kind, findings))
    assert fit(cases) == pytest.approx(1.6, abs=0.25)


def test_reliability_counts_what_is_right() -> None:
    sure = [Finding(Kind.LABEL_FAULT, 9.0, ("label",))]
    cases = [made("label_fault", sure), made("label_fault", sure), made("release", sure)]
    (one,) = reliability(cases)
    assert (one.count, one.right) == (3, pytest.approx(2 / 3))


def test_the_tables_count_and_a_broken_promise_is_told() -> None:
    right = made("label_fault", [Finding(Kind.LABEL_FAULT, 9.0, ("label",))])
    wrong = made("release", [Finding(Kind.LABEL_FAULT, 9.0, ("label",))])
    lost = Seen(choose("mix shift", 1))
    quiet = made("unknown", [])
    text = render([right, wrong, lost, quiet, made("release", [Finding(Kind.RELEASE, 9.0)], size=0.5)], 1)
    assert text.startswith(BEGIN)
    assert text.endswith(END)
    assert "ranked first in 1 of 3" in text
    assert "1 of 1 were answered with `unknown`" in text
    assert claims([right]) == []
    assert len(claims([right, wrong, lost])) == 2


def told(kind: str, *owners: Cause) -> Owned:
    """An alert of a null spike with a covariate shift, whose diagnosis names the amount first."""
    finding = Finding(Kind(kind), 9.0, ("amount",))
    alert = Alert("a", "m", AlertCause.DRIFT, Severity.WARNING, AlertState.FIRING)
    pair = replace(NULLS, also=SHIFT)
    return Owned(Seen(pair, alert, 0, Diagnosis("a", "m", tuple(ranked([finding])))), owners)


NULLS = Cause("null spike", "data_fault", "amount")
SHIFT = Cause("covariate shift", "covariate_shift", "age", 0.5)


def test_alerts_of_two_causes_are_counted_by_the_cause_that_raises_them() -> None:
    right, elsewhere, wrong = told("data_fault", NULLS), told("covariate_shift", SHIFT), told("release", NULLS)
    assert [one.right for one in (right, elsewhere, wrong)] == [True, True, False]
    assert [one.placed for one in (right, elsewhere, wrong)] == [True, False, False]
    lone = made("label_fault", [Finding(Kind.LABEL_FAULT, 9.0, ("label",))])
    both, neither = told("data_fault", NULLS, SHIFT), told("data_fault")
    text = render([lone, right.seen], 1, [right, elsewhere, wrong, both, neither])
    assert "3 of 4 alerts" in text
    assert "2 (50%);" in text
    assert "1 more take both causes" in text
    assert "| drift | one of the two | 3 | 2 | 1 |" in text
    assert "| drift | either | 1 | 1 | 1 |" in text
    assert claims([lone], [right]) == []
    assert claims([lone], [right, wrong]) == ["50% of the alerts of two causes name their own, not 80 %"]


def test_tables_take_the_place_of_those_on_the_page_and_nothing_else() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "diagnosis.md").read_text(encoding="utf-8")
    written = placed_in(page, f"{BEGIN}\nnothing\n{END}")
    assert placed_in(written, "") == placed_in(page, "")
    assert "What it cannot see" in written.partition(END)[2]
    for damaged in (page.replace(BEGIN, ""), page.replace(END, ""), page + BEGIN):
        with pytest.raises(ValueError, match="each once"):
            placed_in(damaged)
