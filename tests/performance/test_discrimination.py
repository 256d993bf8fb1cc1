import numpy as np
import pytest
import sklearn.metrics

from watchkeeper.core.measurement import Status
from watchkeeper.core.schema import NumericMap
from watchkeeper.stats.blocks import Outcomes

SKLEARN = {"auroc": sklearn.metrics.roc_auc_score, "average_precision": sklearn.metrics.average_precision_score}
names = pytest.mark.parametrize("name", sorted(SKLEARN))


def drawn(n, seed=0, rate=0.3, lift=1.0):
    rng = np.random.default_rng(seed)
    label = (rng.random(n) < rate).astype(np.int64)
    return label, 1 / (1 + np.exp(-(rng.normal(size=n) + lift * label - 1)))


@names
@pytest.mark.parametrize("n", [5, 300, 2_000])
@pytest.mark.parametrize("digits", [None, 1, 2])
def test_small_samples_equal_scikit_learn_ties_included(name, n, digits, binary, measure):
    label, score = drawn(n, seed=n)
    label[:2] = 0, 1
    score = score if digits is None else np.round(score, digits)
    found = measure(name, binary(label, score=score))
    assert found.value == pytest.approx(SKLEARN[name](label, score), abs=1e-12)
    assert found.evidence.bound == 0


@names
def test_few_distinct_scores_are_exact_however_many_rows_there_are(name, binary, measure):
    label, score = drawn(40_000, seed=2)
    for digits in (1, 3):
        found = measure(name, binary(label, score=np.round(score, digits)))
        assert found.value == pytest.approx(SKLEARN[name](label, np.round(score, digits)), abs=1e-12)
        assert found.evidence.bound == 0


@names
@pytest.mark.parametrize("n", [2_001, 30_000])
@pytest.mark.parametrize(("rate", "shift"), [(0.3, 0.0), (0.01, -6.0), (0.9, 5.0)])
def test_large_samples_are_within_the_bound_they_state(name, n, rate, shift, binary, measure):
    label, score = drawn(n, seed=n, rate=rate, lift=1.5)
    score = score * np.exp(shift) / (1 - score + score * np.exp(shift))
    found = measure(name, binary(label, score=score))
    exact = SKLEARN[name](label, score)
    assert abs(found.value - exact) <= found.evidence.bound + 1e-12
    assert found.evidence.bound < (2e-3 if name == "auroc" else 5e-2)
    assert found.interval[0] <= exact <= found.interval[1]


def test_the_auroc_bound_stays_small_where_all_scores_are_tiny(binary, measure):
    # With bins of equal width every score of such a rare-event model would share one of them: a bound of 1/2.
    label, score = drawn(50_000, seed=8, rate=0.02, lift=1.5)
    rare = score * 1e-4
    found = measure("auroc", binary(label, score=rare))
    assert found.evidence.bound < 0.03
    assert abs(found.value - SKLEARN["auroc"](label, rare)) <= found.evidence.bound


@names
def test_scores_that_are_no_probabilities_are_ranked_all_the_same(name, binary, measure):
    label, score = drawn(8_000, seed=3)
    logits = 40 * np.log(score / (1 - score)) + 250
    found = measure(name, binary(label, score=logits, scores=NumericMap(200.0, 60.0)))
    assert abs(found.value - SKLEARN[name](label, logits)) <= found.evidence.bound
    small = measure(name, binary(label[:900], score=logits[:900], scores=NumericMap(200.0, 60.0)))
    assert small.value == pytest.approx(SKLEARN[name](label[:900], logits[:900]), abs=1e-12)


def test_delongs_error_equals_its_definition_over_all_pairs(binary, measure):
    label, score = drawn(400, seed=6)
    score = np.round(score, 2)
    x, y = score[label == 1], score[label == 0]
    # DeLong, DeLong, Clarke-Pearson (1988), equations 2 to 5: kernel 1, 1/2, 0 and both placement variances.
    kernel = (x[:, None] > y[None, :]) + 0.5 * (x[:, None] == y[None, :])
    variance = kernel.mean(axis=1).var(ddof=1) / len(x) + kernel.mean(axis=0).var(ddof=1) / len(y)
    found = measure("auroc", binary(label, score=score))
    assert found.value == pytest.approx(kernel.mean(), abs=1e-12)
    assert found.error == pytest.approx(variance**0.5, rel=1e-10)


@names
def test_the_error_agrees_with_the_bootstrap(name, binary, measure):
    label, score = drawn(700, seed=9)
    rng = np.random.default_rng(0)
    draws = [SKLEARN[name](label[rows], score[rows]) for rows in rng.integers(0, 700, (400, 700))]
    assert measure(name, binary(label, score=score)).error == pytest.approx(np.std(draws), rel=0.12)


@names
def test_the_error_from_bins_is_that_from_the_scores(name, binary, measure):
    label, score = drawn(4_000, seed=10)
    whole = measure(name, binary(label, score=score))
    halves = [measure(name, binary(label[half], score=score[half])) for half in (slice(2_000), slice(2_000, None))]
    # Errors shrink with √2 when the rows double; the halves are exact, the whole is binned.
    assert whole.error == pytest.approx(np.mean([half.error for half in halves]) / 2**0.5, rel=0.05)


@names
def test_a_perfect_order_is_not_certain(name, binary, measure):
    label = np.repeat([0, 1], [60, 40])
    found = measure(name, binary(label, score=label * 0.5 + 0.2))
    assert found.value == 1.0
    assert found.interval[1] == 1.0
    assert 0.85 < found.interval[0] < 0.98
    assert found.error > 0


def test_newcombes_interval_of_a_reversed_order_mirrors_that_of_a_perfect_one(binary, measure):
    label = np.repeat([0, 1], [60, 40])
    perfect, reverse = (measure("auroc", binary(label, score=s)) for s in (label * 0.5, 0.5 - label * 0.5))
    assert reverse.value == 0.0
    assert reverse.interval == (0.0, pytest.approx(1 - perfect.interval[0]))


@names
@pytest.mark.parametrize(
    ("label", "reason", "n"),
    [
        ([1, 1, -1], "all 2 labelled rows are positive", 2),
        ([0, 0, 0], "all 3 labelled rows are negative", 3),
        ([-1, -1, -2], "no row has both a label and a score", 0),
        ([], "no row has both a label and a score", 0),
    ],
)
def test_one_class_or_none_is_no_data(name, label, reason, n, binary, measure):
    found = measure(name, binary(label, score=[0.1, 0.2, 0.3][: len(label)]))
    assert (found.status, found.value, found.reason, found.n) == (Status.NO_DATA, None, reason, n)


@names
@pytest.mark.parametrize("n", [300, 6_000])
def test_rows_without_a_finite_score_are_left_out_and_counted(name, n, binary, measure):
    label, score = drawn(n, seed=1)
    holes = np.arange(0, n, 10)
    score[holes[::3]], score[holes[1::3]], score[holes[2::3]] = np.nan, np.inf, -np.inf
    kept = np.isfinite(score)
    found = measure(name, binary(label, score=score))
    assert found.evidence.details["unscored"] == len(holes)
    assert found.n == kept.sum()
    assert found.value == pytest.approx(SKLEARN[name](label[kept], score[kept]), abs=found.evidence.bound or 1e-12)


@names
def test_a_score_outside_zero_and_one_still_ranks(name, binary, measure):
    found = measure(name, binary([0, 1, 0, 1], score=[-3.0, 0.5, 0.6, 7.0]))
    assert found.value == pytest.approx(SKLEARN[name]([0, 1, 0, 1], [-3.0, 0.5, 0.6, 7.0]))


@names
def test_without_a_positive_class_there_is_no_data(name, state_of, measure):
    block = Outcomes(2, np.array([0, 1]), None, np.array([0.1, 0.2]), ("a", "b"), None)
    assert measure(name, state_of(block)).status is Status.NO_DATA
