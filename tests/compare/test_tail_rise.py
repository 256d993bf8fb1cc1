"""Rise of the share beyond the 95th percentile: counted by hand, one-sided, level and power of its default monitor."""

from __future__ import annotations

import math
from datetime import timedelta

import numpy as np
import polars as pl
import pytest
from scipy import stats

from watchkeeper.config.check_options import CheckOptions
from watchkeeper.core.alert import AlertState, Cause
from watchkeeper.core.plugins import plugin
from watchkeeper.core.schema import Role
from watchkeeper.core.spec import AlertRule, Spec
from watchkeeper.run.check import check_tables
from watchkeeper.schema.inference import infer_schema
from watchkeeper.stats.codec import merged
from watchkeeper.stats.summarise import summarise_rows
from watchkeeper.steps.assess import assess
from watchkeeper.steps.monitors import default_monitors
from watchkeeper.words.alerts import alert_sentence

REFERENCE = pl.DataFrame({"latency": np.random.default_rng(0).lognormal(-3.0, 0.5, 20_000)})
SCHEMA = infer_schema(REFERENCE, roles={Role.LATENCY: "latency"})


def measured(values: object, schema=SCHEMA):
    states = [merged(summarise_rows(f, schema), None, "") for f in (REFERENCE, pl.DataFrame({"latency": values}))]
    return plugin("comparison", "tail_rise").compare(*(s["all", "latency"] for s in states))


def test_the_share_beyond_the_percentile_is_counted_as_in_the_rows() -> None:
    now = np.random.default_rng(1).lognormal(-2.8, 0.6, 5_000)
    found = measured(now)
    beyond = float(found.evidence.details["beyond"])
    # An edge of a bin that values were put in by single precision.
    before = REFERENCE["latency"].to_numpy()
    for side, share in ((before, found.evidence.change.before), (now, found.evidence.change.after)):
        assert (side > beyond * (1 + 1e-6)).mean() <= share <= (side > beyond * (1 - 1e-6)).mean()
    assert float(found.evidence.change.before) == pytest.approx(0.05, abs=0.002)
    assert float(found.evidence.details["p95_reference"]) == pytest.approx(np.quantile(before, 0.95), rel=1 / 128)
    assert found.value == pytest.approx(float(found.evidence.change.after) - float(found.evidence.change.before))


@pytest.mark.parametrize("lost", [300, 1_000])
def test_answers_that_never_came_are_beyond_every_percentile(lost: int) -> None:
    """By hand: of 1,000 rows as fast as the fastest of the reference so many are infinite, even all of them."""
    fastest = float(REFERENCE["latency"].min())
    found = measured([math.inf] * lost + [fastest] * (1_000 - lost))
    assert found.n == 1_000
    assert (found.evidence.change.before, found.evidence.change.after) == (pytest.approx(0.05, abs=0.002), lost / 1_000)
    assert float(found.evidence.details["p95"]) >= float(found.evidence.details["p95_reference"])


def test_a_reference_with_infinite_values_tells_when_there_are_more() -> None:
    """By hand: 10 % are infinite before, 50 % now, and 10 % exceed the largest finite value of before."""
    reference, now = [math.inf] * 100 + [0.1] * 900, [math.inf] * 50 + [0.2] * 10 + [-math.inf] * 40
    schema = infer_schema(pl.DataFrame({"latency": reference}), roles={Role.LATENCY: "latency"})
    states = [merged(summarise_rows(pl.DataFrame({"latency": v}), schema), None, "") for v in (reference, now)]
    found = plugin("comparison", "tail_rise").compare(*(s["all", "latency"] for s in states))
    assert (found.evidence.change.before, found.evidence.change.after, found.n) == (0.1, 0.6, 100)


def test_faster_answers_do_not_raise_it() -> None:
    value = measured(REFERENCE["latency"].to_numpy() / 3).value
    assert value is not None
    assert value < 0


def test_the_default_monitor_is_quiet_at_the_tolerated_share_and_finds_twice_the_latency() -> None:
    monitors = default_monitors(SCHEMA, AlertRule(budget=365.0), history=True, every=timedelta(days=1))
    (monitor,) = (m for m in monitors if m.measure == "tail_rise")
    assert (monitor.cause, monitor.columns) == (Cause.RUNTIME, ("latency",))
    chart, rng = plugin("chart", monitor.chart), np.random.default_rng(2)
    reference = merged(summarise_rows(REFERENCE, SCHEMA), None, "")
    spec = Spec("m", SCHEMA, monitors=monitors)
    sigma = 0.5
    # The whole shifted so that 7.5 % lie beyond the 95th percentile: z(.95) - z(.925) = 1.6449 - 1.4395.
    fired = dict.fromkeys((1.0, np.exp(sigma * 0.2054), 2.0), 0)
    for factor in fired:
        for _ in range(100):
            rows = pl.DataFrame({"latency": rng.lognormal(-3.0, sigma, 500) * factor})
            now = merged(summarise_rows(rows, SCHEMA), None, "")
            (m,) = (m for m in assess(now, reference, spec) if m.name == "tail_rise")
            fired[factor] += chart.step(None, m, monitor.options)[1].fired
    quiet, tolerated, slow = fired.values()
    assert quiet == 0
    assert tolerated <= 2  # 100 windows at a run length of 365 or more
    assert slow == 100


def test_few_reference_rows_do_not_use_the_budget_up() -> None:
    """50 rows tell their percentile badly; at a run length of 365 windows 1.1 of 400 unchanged ones may signal.

    More than 4 do once in 180 times. The limit is the share of which 50 rows have at most 2 once in a thousand times.
    """
    rng, chart, fired = np.random.default_rng(4), plugin("chart", "tolerance"), 0
    for _ in range(400):
        reference, now = (pl.DataFrame({"latency": rng.lognormal(-3.0, 0.5, n)}) for n in (50, 5_000))
        states = [merged(summarise_rows(f, SCHEMA), None, "") for f in (reference, now)]
        found = plugin("comparison", "tail_rise").compare(*(s["all", "latency"] for s in states))
        fired += chart.step(None, found, {"tolerance": 0.025, "always": 0.075, "run_length": 365.0})[1].fired
        assert stats.binom.cdf(
            50 * found.evidence.change.before, 50, found.evidence.change.before_upper
        ) == pytest.approx(0.001)
    assert fired <= 4


def test_a_check_pages_for_slower_answers_and_names_the_runtime() -> None:
    rng = np.random.default_rng(3)

    def log(n: int, factor: float) -> pl.DataFrame:
        return pl.DataFrame({"x": rng.normal(size=n), "latency": rng.lognormal(-3.0, 0.5, n) * factor})

    found = check_tables(log(3_000, 2.0), log(20_000, 1.0), CheckOptions(latency="latency"))
    (alert,) = found.alerts
    assert (alert.cause, alert.state, alert.columns) == (Cause.RUNTIME, AlertState.FIRING, ("latency",))
    assert "95th percentile" in alert_sentence(alert)
    (diagnosis,) = found.diagnoses
    assert diagnosis.hypotheses[0].kind.value == "runtime"
    assert not check_tables(log(3_000, 0.5), log(20_000, 1.0), CheckOptions(latency="latency")).alerts
