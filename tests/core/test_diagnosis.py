"""What diagnoses are made of."""

from __future__ import annotations

from watchkeeper.core.diagnosis import Attribution, Contribution


def test_the_total_is_what_the_loss_rose_by() -> None:
    one = Attribution("brier", "causes", 0.25, 0.375, None, (Contribution("traffic mix", 0.125),), 10, 10)
    assert one.total == 0.125
