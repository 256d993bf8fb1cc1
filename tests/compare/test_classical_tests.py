"""The classical tests together: nobody gets one unasked, and who asks judges it by a lower limit."""

from __future__ import annotations

import inspect

import numpy as np
import polars as pl
import pytest

from watchkeeper.core.alert import AlertState
from watchkeeper.core.plugins import plugin, plugins
from watchkeeper.core.spec import AlertRule, Monitor, Spec
from watchkeeper.schema.inference import infer_schema
from watchkeeper.stats.codec import merged
from watchkeeper.stats.summarise import summarise_rows
from watchkeeper.steps.assess import assess
from watchkeeper.steps.judge import Judged, JudgeMemory, judge
from watchkeeper.steps.monitors import MEASURED, default_monitors

NUMERIC = ("ks_test", "cramer_von_mises_test", "anderson_darling_test", "t_test", "mann_whitney_test")
EVERY = (*NUMERIC, "chi_square_test", "proportion_test")


def rows(rng: np.random.Generator, n: int, shift: float = 0.0) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "x": rng.normal(shift, 1, n),
            "place": rng.choice(["a", "b", "c"], n, p=[0.5 - shift / 2, 0.3, 0.2 + shift / 2]),
            "new": rng.random(n) < 0.3 + shift / 2,
        }
    )


def judged(reference: pl.DataFrame, current: pl.DataFrame) -> Judged:
    """Judge one window by every classical test at .05."""
    schema = infer_schema(reference, roles={})
    monitors = tuple(Monitor(name, "fixed", options={"lower": 0.05}) for name in EVERY)
    spec = Spec("m", schema, monitors=monitors, alerts=AlertRule(k=1, n=1))
    before, now = (merged(summarise_rows(frame, schema, "m"), None, "m") for frame in (reference, current))
    return judge(assess(now, before, spec), spec, JudgeMemory(), None)


def test_a_specification_judges_them_by_the_fixed_chart() -> None:
    rng = np.random.default_rng(1)
    found = judged(rows(rng, 3_000), rows(rng, 1_500, 0.3))
    fired = {(s.measurement.name, s.measurement.column) for s in found.signals if s.fired}
    assert fired == {
        *((name, "x") for name in NUMERIC), ("proportion_test", "new"),
        *(("chi_square_test", column) for column in ("x", "place", "new")),
    }  # fmt: skip
    assert all((s.rule, s.lower) == ("below_lower", 0.05) for s in found.signals if s.fired)
    assert any(alert.state is AlertState.FIRING for alert in found.alerts)


def test_each_of_them_signals_about_one_clean_window_in_twenty() -> None:
    rng = np.random.default_rng(2)
    fired = dict.fromkeys(EVERY, 0)
    judgements = dict.fromkeys(EVERY, 0)
    for _ in range(120):
        for signal in judged(rows(rng, 500), rows(rng, 300)).signals:
            fired[signal.measurement.name] += signal.fired
            judgements[signal.measurement.name] += 1
    for name in EVERY:
        room = 3 * np.sqrt(0.05 * 0.95 / judgements[name])
        # The Kolmogorov–Smirnov test is the one that may stay below its level.
        assert fired[name] / judgements[name] <= 0.05 + room, name
        assert name == "ks_test" or fired[name] > 0, name


@pytest.mark.parametrize("name", EVERY)
def test_nobody_gets_one_unasked_and_each_says_that_it_inflates_with_n(name: str) -> None:
    rng = np.random.default_rng(3)
    schema = infer_schema(rows(rng, 200), roles={})
    assert name in plugins("comparison")
    assert name not in MEASURED
    for history in (True, False):
        assert name not in {monitor.measure for monitor in default_monitors(schema, AlertRule(), history=history)}
    told = " ".join((inspect.getdoc(type(plugin("comparison", name))) or "").split())
    assert "Inflates with n" in told
    assert "no alarm by default" in told
