"""Metrics of ranked groups; expected values from scikit-learn group by group, by hand and by simulation."""

from itertools import permutations

import numpy as np
import polars as pl
import pytest
import sklearn.metrics

from watchkeeper.core.batch import Batch
from watchkeeper.core.measurement import Status
from watchkeeper.core.plugins import plugins
from watchkeeper.core.schema import Role, Task
from watchkeeper.core.spec import Spec
from watchkeeper.core.state import OUTCOME, State, StateKey
from watchkeeper.performance.assess import assess_performance
from watchkeeper.schema.inference import infer_schema
from watchkeeper.stats.blocks import Outcomes
from watchkeeper.stats.ranked_groups import MOST_ROWS, RankedGroups
from watchkeeper.stats.statistic import fold
from watchkeeper.stats.summarise import summarise

NAMES = ("ndcg", "ndcg_at_10", "map", "mrr", "hit_rate_at_1", "hit_rate_at_10")


def drawn(groups, seed=0, ties=True, rows=30):
    rng = np.random.default_rng(seed)
    query = np.repeat(np.arange(groups), rng.integers(2, rows, groups))
    label = rng.choice([0, 0, 0, 1, 2, 3], len(query))
    score = label + rng.normal(0, 2, len(query))
    frame = pl.DataFrame({"query": query, "label": label, "score": score.round() if ties else score})
    return frame.sample(fraction=1.0, shuffle=True, seed=seed)


def measured(frame, size=500):
    schema = infer_schema(frame, roles={Role.GROUP: "query"})
    batches = [Batch(frame[start : start + size], schema) for start in range(0, frame.height, size)]
    state = {k.column: s for k, s in summarise(batches, Spec("m", schema)).items()}[OUTCOME]
    return {m.name: m for m in assess_performance(state, schema)}


def by_group(frame, formula):
    return [formula(g["label"].to_numpy(), g["score"].to_numpy()) for g in frame.partition_by("query")]


@pytest.mark.parametrize("ties", [True, False])
def test_ndcg_and_average_precision_equal_scikit_learn_though_groups_are_split_between_batches(ties):
    frame = drawn(200, ties=ties)
    found = measured(frame)
    some = frame.filter((pl.col("label") > 0).any().over("query"))
    expected = {
        "ndcg": by_group(some, lambda y, s: sklearn.metrics.ndcg_score([y], [s])),
        "ndcg_at_10": by_group(some, lambda y, s: sklearn.metrics.ndcg_score([y], [s], k=10)),
        "map": by_group(some, lambda y, s: sklearn.metrics.average_precision_score(y > 0, s)),
    }
    for name, values in expected.items():
        m = found[name]
        assert m.value == pytest.approx(np.mean(values), rel=1e-9)
        assert m.error == pytest.approx(np.std(values, ddof=1) / np.sqrt(len(values)), rel=1e-6)
        assert m.evidence.details["groups"] == len(values)
        assert m.evidence.details["without_relevant"] == 200 - len(values)


def test_without_ties_reciprocal_rank_and_hits_are_read_off_the_order():
    frame = drawn(150, ties=False)

    def first(y, s):
        ranks = np.flatnonzero(y[np.argsort(-s)] > 0)
        return ranks[0] + 1 if len(ranks) else np.inf

    ranks = np.array(by_group(frame, first))
    found = measured(frame)
    assert found["mrr"].value == pytest.approx((1 / ranks).mean(), rel=1e-12)
    assert found["hit_rate_at_1"].value == pytest.approx((ranks <= 1).mean(), rel=1e-12)
    assert found["hit_rate_at_10"].value == pytest.approx((ranks <= 10).mean(), rel=1e-12)
    assert found["mrr"].evidence.details["groups"] == 150


def test_ties_count_as_the_mean_over_all_their_orders():
    label, score = np.array([0, 0, 1, 0, 2]), np.array([3.0, 2.0, 2.0, 2.0, 2.0])
    found = measured(pl.DataFrame({"query": ["q"] * 5, "label": label, "score": score}))
    orders = [np.r_[0, label[1:][list(p)]] for p in permutations(range(4))]
    ranks = np.array([np.flatnonzero(order > 0)[0] + 1 for order in orders])
    assert found["mrr"].value == pytest.approx((1 / ranks).mean())
    # Rank 1 is taken by the row that is not relevant.
    assert (found["hit_rate_at_1"].value, found["hit_rate_at_10"].value) == (0.0, 1.0)


def test_a_group_with_a_missing_label_is_left_out_and_counted():
    frame = drawn(50)
    late = frame.with_columns(pl.when(pl.col("query") < 20).then(None).otherwise(pl.col("label")).alias("label"))
    found, rest = measured(late), measured(frame.filter(pl.col("query") >= 20))
    assert found["mrr"].value == pytest.approx(rest["mrr"].value, rel=1e-12)
    assert found["mrr"].evidence.details["unlabelled_groups"] == 20
    assert found["label_coverage"].value == pytest.approx(1 - late["label"].null_count() / late.height)


def test_labels_below_zero_fail_and_none_at_all_are_no_data():
    frame = drawn(20)
    assert measured(frame.with_columns(pl.col("label") - 2))["ndcg"].status is Status.FAILED
    assert measured(frame.with_columns(label=pl.lit(None, pl.Int64)))["ndcg"].status is Status.NO_DATA
    zero = measured(frame.with_columns(label=pl.lit(0)))
    assert (zero["ndcg"].status, zero["mrr"].value) == (Status.NO_DATA, 0.0)
    assert zero["mrr"].error > 0


def test_perfect_order_is_one_and_not_certain():
    frame = pl.DataFrame({"query": [1, 1, 2, 2] * 10, "label": [1, 0, 2, 1] * 10, "score": [0.9, 0.1, 0.8, 0.2] * 10})
    found = measured(frame)["ndcg"]
    assert found.value == 1.0
    assert found.interval[0] < 1.0


def part_of(frame):
    groups = frame["query"].hash(seed=1).to_numpy()
    block = Outcomes(frame.height, frame["label"].to_numpy(), None, frame["score"].to_numpy(), groups=groups)
    return fold(RankedGroups(), None, [block])


def test_more_rows_than_fit_give_a_sample_of_whole_groups_that_any_split_gives_too():
    frame, statistic = drawn(700, rows=200), RankedGroups()
    assert frame.height > 2 * MOST_ROWS
    whole = part_of(frame)
    cut = [part_of(frame[start : start + 9_000]) for start in range(0, frame.height, 9_000)]
    merged = cut[0]
    for part in cut[1:]:
        merged = statistic.merge(part, merged)
    assert np.array_equal(merged.hashes, whole.hashes)
    assert np.array_equal(merged.labels, whole.labels)
    assert merged.end == whole.end
    assert MOST_ROWS - 200 <= len(whole.hashes) <= MOST_ROWS
    sizes = dict(frame["query"].hash(seed=1).value_counts().iter_rows())
    kept, counts = np.unique(whole.hashes, return_counts=True)
    assert all(sizes[h] == n for h, n in zip(kept.tolist(), counts.tolist(), strict=True))
    state = State(StateKey(column=OUTCOME), None, {"ranked_groups": whole})
    found = plugins("metric")["ndcg"].measure(state)
    some = frame.filter((pl.col("label") > 0).any().over("query"))
    truth = np.mean(by_group(some, lambda y, s: sklearn.metrics.ndcg_score([y], [s])))
    assert abs(found.value - truth) < 3 * found.error
    assert found.evidence.details["sampled"] == len(whole.hashes) / frame.height


@pytest.mark.parametrize("name", NAMES)
def test_standard_errors_are_the_spread_between_draws(name):
    states = [
        State(StateKey(column=OUTCOME), None, {"ranked_groups": part_of(drawn(80, seed, rows=15))})
        for seed in range(120)
    ]
    found = [plugins("metric")[name].measure(state) for state in states]
    # 120 draws tell a standard deviation to 6.5 %.
    assert np.std([m.value for m in found], ddof=1) == pytest.approx(np.mean([m.error for m in found]), rel=0.25)


def test_a_group_makes_the_task_a_ranking_whatever_the_labels_are():
    schema = infer_schema(drawn(20), roles={Role.GROUP: "query"})
    assert schema.task is Task.RANKING
    assert schema["label"].kind.value == "numeric"
    assert infer_schema(drawn(20)).task is not Task.RANKING


def test_a_group_of_nothing_but_ties_is_measured_in_no_time():
    n = 20_000
    frame = pl.DataFrame({"query": ["q"] * n, "label": np.arange(n) % 2, "score": [0.5] * n})
    found = measured(frame, size=n)
    # Of rows that are relevant every other time the first relevant one comes first, second, ... with 1/2, 1/4, ...
    assert found["mrr"].value == pytest.approx(np.log(2), abs=1e-4)
    assert found["hit_rate_at_10"].value == pytest.approx(1 - 0.5**10, abs=1e-3)
