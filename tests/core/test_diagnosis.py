"""Diagnoses as plain data, in alerts and in what is stored."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from watchkeeper.core.alert import Alert, AlertState, Cause, Severity
from watchkeeper.core.diagnosis import Attribution, Contribution, Hypothesis, HypothesisKind
from watchkeeper.store.nouns import from_json, to_json

ALERT = Alert("a", "m", Cause.DRIFT, Severity.WARNING, AlertState.FIRING, "x moved", datetime(2024, 1, 1, tzinfo=UTC))


def test_an_alert_is_stored_with_its_causes() -> None:
    cause = Hypothesis(HypothesisKind.COVARIATE_SHIFT, 0.8, ("x",), since=ALERT.since, evidence=("x moved",))
    alert = Alert(*(getattr(ALERT, name) for name in ALERT.__slots__[:-1]), (cause,))
    assert from_json(to_json(alert), Alert) == alert


def test_an_alert_stored_before_there_were_causes_is_read() -> None:
    stored = json.loads(to_json(ALERT))
    del stored["causes"]
    assert from_json(json.dumps(stored), Alert) == ALERT


def test_the_total_is_what_the_loss_rose_by() -> None:
    one = Attribution("brier", "causes", 0.25, 0.375, None, (Contribution("traffic mix", 0.125),), 10, 10)
    assert one.total == 0.125
