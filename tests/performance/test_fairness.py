"""Gaps between segments; expected values by hand, from SciPy and by simulation."""

import numpy as np
import pytest
from scipy import stats

from watchkeeper.core.measurement import Family, Status
from watchkeeper.core.spec import FAIRNESS
from watchkeeper.core.state import OUTCOME, State, StateKey
from watchkeeper.performance.fairness import fairness
from watchkeeper.stats.blocks import Outcomes
from watchkeeper.stats.confusion import Confusion
from watchkeeper.stats.statistic import fold


def segment(name, cells, unlabelled=(0, 0)):
    """Make a segment of TP, FP, FN, TN rows, and of rows without a label predicted positive and negative."""
    tp, fp, fn, tn = cells
    label = np.repeat([1, 0, 1, 0, -1, -1], [tp, fp, fn, tn, *unlabelled])
    prediction = np.repeat([1, 1, 0, 0, 1, 0], [tp, fp, fn, tn, *unlabelled])
    block = Outcomes(len(label), label, prediction, None, ("0", "1"), 1)
    return State(StateKey("m", "1", None, name, OUTCOME), None, {"confusion": fold(Confusion(), None, [block])})


def gaps(cells, **options):
    states = {f"sex={name}": segment(f"sex={name}", *found) for name, found in cells.items()}
    return {m.name: m for m in fairness({**states, "all": segment("all", (1, 1, 1, 1))}, "sex", **options)}


def test_the_three_gaps_by_hand():
    found = gaps({"f": [(30, 10, 20, 40)], "m": [(45, 30, 5, 20)]})
    assert list(found) == list(FAIRNESS)
    # 40/100 against 75/100; 30/50 against 45/50; 10/50 against 30/50.
    assert [m.value for m in found.values()] == pytest.approx([0.35, 0.30, 0.40])
    rate = found["selection_rate_gap"]
    assert rate.error == pytest.approx(np.sqrt(0.4 * 0.6 / 100 + 0.75 * 0.25 / 100))
    assert (rate.evidence.details["highest"], rate.evidence.details["lowest"]) == ("sex=m", "sex=f")
    assert (rate.family, rate.column, rate.segment, rate.n) == (Family.METRIC, "sex", "all", 200)
    table = [[40, 75], [60, 25]]
    assert rate.evidence.p_value == pytest.approx(stats.chi2_contingency(table, correction=False).pvalue)


def test_with_two_segments_the_interval_is_newcombes():
    # Newcombe (1998), table II, contrast a: 56/70 - 48/80, method 10 gives 0.0524 to 0.3339.
    found = gaps({"a": [(0, 56, 0, 14)], "b": [(0, 48, 0, 32)]})["selection_rate_gap"]
    assert found.value == pytest.approx(0.2)
    assert found.interval == pytest.approx((0.0524, 0.3339), abs=5e-5)


def test_the_selection_rate_needs_no_labels_and_the_other_gaps_do():
    found = gaps({"f": [(0, 0, 0, 0), (30, 70)], "m": [(0, 0, 0, 0), (60, 40)]})
    assert found["selection_rate_gap"].value == pytest.approx(0.3)
    for name in ("tpr_gap", "fpr_gap"):
        assert (found[name].status, found[name].value) == (Status.NO_DATA, None)
        assert "0 of 2 segments" in found[name].reason


def test_small_segments_are_counted_and_not_compared():
    cells = {"f": [(30, 10, 20, 40)], "m": [(45, 30, 5, 20)], "x": [(1, 0, 0, 0)]}
    found = gaps(cells)
    assert found["selection_rate_gap"].value == pytest.approx(0.35)
    assert found["selection_rate_gap"].evidence.details["too_small"] == 1
    assert gaps(cells, min_rows=1)["selection_rate_gap"].evidence.details["highest"] == "sex=x"


@pytest.mark.parametrize("segments", [2, 6])
def test_equal_segments_show_the_floor_and_the_interval_and_test_keep_their_level(segments):
    rng = np.random.default_rng(segments)
    sizes = np.array([200, 400, 800, 150, 300, 1_000])[:segments]
    found = []
    for _ in range(400):
        hits = rng.binomial(sizes, 0.3)
        cells = {str(i): [(0, int(k), 0, int(n - k))] for i, (k, n) in enumerate(zip(hits, sizes, strict=True))}
        found.append(gaps(cells)["selection_rate_gap"])
    values = np.array([m.value for m in found])
    assert values.mean() == pytest.approx(found[0].floor, abs=4 * values.std() / 20)
    # 400 draws: a share of .05 is known to .011.
    assert np.mean([m.evidence.p_value < 0.05 for m in found]) == pytest.approx(0.05, abs=0.03)
    assert np.mean([m.interval[0] > 0 for m in found]) <= 0.075


def test_the_interval_of_the_gap_holds_the_true_gap():
    rng = np.random.default_rng(9)
    rates, sizes = np.array([0.3, 0.45, 0.4]), np.array([300, 300, 300])
    held = []
    for _ in range(300):
        hits = rng.binomial(sizes, rates)
        cells = {str(i): [(0, int(k), 0, 300 - int(k))] for i, k in enumerate(hits)}
        lower, upper = gaps(cells)["selection_rate_gap"].interval
        held.append(lower <= 0.15 <= upper)
    assert np.mean(held) >= 0.93


def test_segments_nobody_selects_are_equal_and_not_certain():
    found = gaps({"f": [(0, 0, 50, 50)], "m": [(0, 0, 50, 50)]})["selection_rate_gap"]
    assert (found.value, found.floor, found.evidence.p_value) == (0.0, 0.0, 1.0)
    assert found.error > 0
    assert found.interval[1] > 0.03


def test_a_broken_segment_fails_the_gaps_with_its_reason():
    broken = State(StateKey("m", column=OUTCOME), problem="column 'p' is missing")
    found = fairness({"sex=f": broken, "sex=m": segment("sex=m", (1, 1, 1, 1))}, "sex")
    assert {(m.status, m.reason) for m in found} == {(Status.FAILED, "column 'p' is missing")}


def test_a_column_without_segments_has_no_data():
    assert {m.status for m in fairness({"all": segment("all", (1, 1, 1, 1))}, "sex")} == {Status.NO_DATA}
