"""What was and what is, of every kind of column, beside the rows themselves."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from watchkeeper.compare.assess import assess_column
from watchkeeper.compare.before_after import before_after
from watchkeeper.core.evidence import Change, Quantity
from watchkeeper.core.state import State
from watchkeeper.schema.inference import infer_schema
from watchkeeper.stats.codec import merged
from watchkeeper.stats.covariance import Covariance
from watchkeeper.stats.point_sample import PointSample
from watchkeeper.stats.summarise import summarise_rows

RNG = np.random.default_rng(0)
SPREAD = {"wide": 100.0, "narrow": 0.1}


def table(n: int, shift: float) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "wide": RNG.normal(1_000 + 10 * shift, SPREAD["wide"], n),
            "narrow": RNG.normal(5 + shift, SPREAD["narrow"], n),
            "plan": RNG.choice(["a", "b", "c"], n, p=[0.5 - 0.2 * shift, 0.3, 0.2 + 0.2 * shift]),
            "review": [" ".join(["word"] * int(k)) + f" {i}" for i, k in enumerate(RNG.integers(10, 20, n))],
        }
    )


REFERENCE, CURRENT = table(3_000, 0.0), table(2_000, 1.0)


def states(column: str, *keep: str) -> tuple[State, State]:
    schema = infer_schema(REFERENCE)
    made = [merged(summarise_rows(rows, schema, keep=keep), None, "m") for rows in (REFERENCE, CURRENT)]
    return made[0]["all", column], made[1]["all", column]


def test_numbers_have_their_means() -> None:
    change = before_after(*states("wide"))
    assert change is not None
    assert change.quantity is Quantity.MEAN
    assert (change.before, change.after) == pytest.approx((REFERENCE["wide"].mean(), CURRENT["wide"].mean()))


def test_levels_have_the_share_of_the_one_that_moved_most() -> None:
    change = before_after(*states("plan"))
    assert change is not None
    shares = {name: [(rows["plan"] == name).mean() for rows in (REFERENCE, CURRENT)] for name in "abc"}
    most = max(shares, key=lambda name: abs(shares[name][1] - shares[name][0]))
    assert change == Change(Quantity.SHARE, *map(pytest.approx, shares[most]), levels=(most,))


def test_texts_have_their_median_length() -> None:
    change = before_after(*states("review"))
    assert change is not None
    assert (change.quantity, change.unit) == (Quantity.MEDIAN, "characters")
    assert change.before == pytest.approx(REFERENCE["review"].str.len_chars().median(), abs=1)


@pytest.mark.parametrize("statistic", [Covariance.name, PointSample.name])
def test_features_together_have_the_mean_of_the_one_that_moved_most_for_its_spread(statistic: str) -> None:
    change = before_after(*states("@joint", statistic))
    assert change is not None
    assert (change.quantity, change.levels) == (Quantity.MEAN, ("narrow",))
    assert (change.before, change.after) == pytest.approx((5.0, 6.0), abs=0.05)


def test_a_comparison_that_says_nothing_of_it_is_given_what_was_and_what_is() -> None:
    before, now = states("wide")
    found = {m.name: m.evidence.change for m in assess_column(before, now, ["psi", "ks", "null_rate"])}
    assert found["psi"] == found["ks"] == before_after(before, now)
    assert found["null_rate"].quantity is Quantity.NULL_SHARE


def test_sides_without_values_have_nothing_to_show() -> None:
    before, _ = states("wide")
    assert before_after(before, State(before.key, before.spec)) is None
