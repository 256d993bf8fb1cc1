"""The log of a fitted scikit-learn model, day by day, with one cause planted from a day on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

Floats = NDArray[np.float64]

DAY = timedelta(days=1)
START = datetime(2024, 1, 1, tzinfo=UTC)
ROWS = 1_500
"""Rows of a day."""

REFERENCE, QUIET, CHANGED = 20, 8, 6
"""Days of the reference, of unchanged rows after it, and of changed rows."""

REGIONS, CHANNELS = ("north", "south", "east", "west"), ("web", "app", "shop")
NUMBERS = ("amount", "distance", "age", "balance", "noise")
_SHARES = np.array([0.4, 0.3, 0.2, 0.1])


@dataclass(frozen=True)
class Cause:
    """A cause to plant.

    Attributes
    ----------
    name
        What the tables call it.
    kind
        The hypothesis that is right.
    where
        The column or segment that is right; empty where there is none to name.
    size
        1 for what is planted in full, less for a fainter one, 0 for one that is left out of an otherwise equal log.
    also
        A fainter cause of another kind that begins on the same day; None where the cause is alone.
    """

    name: str
    kind: str
    where: str = ""
    size: float = 1.0
    also: Cause | None = None


KINDS = {
    "unit change": "data_fault",
    "null spike": "data_fault",
    "new category": "data_fault",
    "mix shift": "traffic_mix",
    "covariate shift": "covariate_shift",
    "concept shift in one segment": "concept_shift",
    "label delay": "label_fault",
    "version change": "release",
}
"""What is planted, and the hypothesis that is right."""

NOTHING = "nothing"
"""The name of a cause that is none: the strongest signal of quiet days is explained, as after a false alarm."""

FAINT = 0.5
"""Size of a fainter cause."""


class World:
    """People, their answers and two versions of a model, all from one seed.

    Of four seeds two have a classifier of boosted trees, one a logistic regression and one a regressor.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.draws = np.random.default_rng([seed, 1])
        self.regression = seed % 4 == 3
        self.model = self._fitted(self.people(self.draws, 6_000), faulty=False)
        # In every other log an equally good version took over on a day long before the cause.
        self.second = self._fitted(self.people(self.draws, 6_000), faulty=False) if seed % 2 else self.model
        self.bad = self._fitted(self.people(self.draws, 6_000), faulty=True)
        self.early = REFERENCE + 2 if seed % 2 else 10**6

    def people(self, rng: np.random.Generator, rows: int, shares: Floats = _SHARES) -> dict[str, Any]:
        """Draw rows; region bears on amount and age."""
        region = rng.choice(len(REGIONS), rows, p=shares)
        z = rng.normal(size=(rows, len(NUMBERS)))
        return {
            "region": region,
            "channel": rng.choice(3, rows, p=[0.5, 0.3, 0.2]),
            "amount": np.exp(3 + 0.5 * z[:, 0] + 0.25 * region),
            "distance": np.exp(1.5 + 0.6 * z[:, 1]),
            "age": 45 + 10 * z[:, 2] - 3 * region,
            "balance": 1_000 + 400 * z[:, 3] + 150 * z[:, 0],
            "noise": z[:, 4],
        }

    def signal(self, people: dict[str, Any]) -> Floats:
        """Return the part of the answer that features decide."""
        a, d = np.log(people["amount"]) - 3.2, np.log(people["distance"]) - 1.5
        age, balance = (people["age"] - 42) / 10, (people["balance"] - 1_000) / 400
        channel = np.array([0.6, -0.4, 0.0])[np.minimum(people["channel"], 2)]
        return np.asarray(1.8 * a + 1.4 * d - 0.9 * age + 0.7 * balance + channel + 0.5 * age * d - 0.4)

    def labels(self, rng: np.random.Generator, signal: Floats) -> Floats:
        """Draw what turns out to be true."""
        if self.regression:
            return np.asarray(20 + 5 * signal + 3 * rng.normal(size=len(signal)))
        return (rng.random(len(signal)) < 1 / (1 + np.exp(-1.4 * signal))).astype(float)

    def _fitted(self, people: dict[str, Any], *, faulty: bool) -> Any:
        from sklearn.compose import ColumnTransformer
        from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
        from sklearn.impute import SimpleImputer
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import OneHotEncoder, StandardScaler

        y = self.labels(self.draws, self.signal(people))
        table = _table(people)
        if faulty:
            # Trained on a table whose rows were joined wrongly: one or two columns belong to other rows.
            for name in ("amount", "distance")[: 1 + (self.seed % 4 > 0)]:
                table = table.with_columns(table[name].sample(fraction=1, shuffle=True, seed=self.seed))
        trees = HistGradientBoostingRegressor if self.regression else HistGradientBoostingClassifier
        last: Any = trees(max_iter=60, max_leaf_nodes=12, random_state=0)
        if self.seed % 4 == 2:
            last = LogisticRegression()
        numbers = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
        levels = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
        columns = ColumnTransformer([("n", numbers, list(NUMBERS)), ("l", levels, ["region", "channel"])])
        return make_pipeline(columns, last).fit(table, y)


def _table(people: dict[str, Any]) -> pl.DataFrame:
    named = {name: pl.Series(people[name], dtype=pl.Float64) for name in NUMBERS}
    region = pl.Series(np.array(REGIONS)[people["region"]])
    channel = pl.Series(np.array([*CHANNELS, "kiosk"])[people["channel"]])
    return pl.DataFrame({"region": region, "channel": channel, **named})


def choose(name: str, seed: int, size: float = 1.0) -> Cause:
    """Return the cause of that name with the place that the seed chooses."""
    if name == NOTHING:
        return Cause(name, "unknown")
    rng = np.random.default_rng([seed, 2])
    column = str(rng.choice(["amount", "distance", "balance"]))
    where = {
        "unit change": column,
        "null spike": column,
        "new category": "channel",
        "mix shift": "region",
        "covariate shift": str(rng.choice(["amount", "distance", "age"])),
        "concept shift in one segment": f"region={rng.choice(REGIONS[:3])}",
        "label delay": "label",
        "version change": "version",
    }
    return Cause(name, KINDS[name], where[name], size)


def joined(name: str, seed: int) -> Cause:
    """Return the cause of that name with a fainter one of another kind, which the seed chooses."""
    others = [other for other, kind in KINDS.items() if kind != KINDS[name]]
    other = others[int(np.random.default_rng([seed, 5, list(KINDS).index(name)]).integers(len(others)))]
    return replace(choose(name, seed), also=choose(other, seed, FAINT))


def alone(cause: Cause) -> tuple[Cause, ...]:
    """Return each of two causes with the other one left out and all draws as they were."""
    other = cause.also
    if other is None:
        return (cause,)
    return replace(cause, also=replace(other, size=0.0)), replace(cause, size=0.0)


def day(world: World, number: int, cause: Cause | None = None) -> pl.DataFrame:
    """Return the log of a day; with a cause, one on which it is at work."""
    rng = np.random.default_rng([world.seed, 3, number])
    how = np.random.default_rng([world.seed, 4])
    planted = {one.name: one for one in (cause, cause.also if cause else None) if one and one.name != NOTHING}
    mix, shift, concept = (planted.get(n) for n in ("mix shift", "covariate shift", "concept shift in one segment"))
    people = world.people(rng, ROWS, _other_shares(how, mix.size) if mix else _SHARES)
    if planted and world.seed % 3 == 0:
        # Something else moves a little on the same day, which no model minds.
        people["noise"] = people["noise"] + 0.15
    if shift:
        amount = shift.size * float(how.uniform(0.4, 1.0))
        if amount:
            _shift(people, shift.where, amount)
    signal = world.signal(people)
    if concept:
        hit = np.array(REGIONS)[people["region"]] == concept.where.split("=")[1]
        # What spoke for it speaks for it no longer, or against it.
        signal = np.where(hit, (1 - concept.size * float(how.uniform(0.8, 1.6))) * signal, signal)
    y = world.labels(rng, signal)
    table = _faulty(people, planted, rng, how)
    held = _held(planted["label delay"].size if "label delay" in planted else 0.0, rng, how, y)
    new = rng.random(ROWS) < (planted["version change"].size if "version change" in planted else 0.0)
    return _log(world, table, y, number, rng, held, new)


def _faulty(
    people: dict[str, Any], planted: Mapping[str, Cause], rng: np.random.Generator, how: np.random.Generator
) -> pl.DataFrame:
    """Return the rows as a table, with the faults that are planted."""
    category, unit, nulls = (planted.get(name) for name in ("new category", "unit change", "null spike"))
    if category:
        new = rng.random(ROWS) < category.size * how.uniform(0.03, 0.3)
        people["channel"] = np.where(new, len(CHANNELS), people["channel"])
    table = _table(people)
    if unit:
        factor = float(how.choice([0.001, 1.609344, 100.0, 0.3048]))
        table = table.with_columns(pl.col(unit.where) * (factor if unit.size else 1.0))
    if nulls:
        lost = pl.Series(rng.random(ROWS) < nulls.size * how.uniform(0.06, 0.4))
        table = table.with_columns(pl.when(lost).then(None).otherwise(pl.col(nulls.where)).alias(nulls.where))
    return table


def _other_shares(how: np.random.Generator, size: float) -> Floats:
    """Return shares of the regions of which .15 to .35 (times the size) went from some to others."""
    while True:
        drawn = how.dirichlet(12 * _SHARES)
        if 0.15 <= np.abs(drawn - _SHARES).sum() / 2 <= 0.35:
            return np.asarray(_SHARES + size * (drawn - _SHARES))


def _shift(people: dict[str, Any], column: str, size: float) -> None:
    """Move a column and narrow it: rows of another kind, not the same rows in another unit."""
    if column == "age":
        people["age"] = 42 + 0.8 * (people["age"] - 42) + 10 * size
        return
    middle = {"amount": 3.2, "distance": 1.5}[column]
    people[column] = np.exp(middle + 0.75 * (np.log(people[column]) - middle) + 0.5 * size)


def _held(size: float, rng: np.random.Generator, how: np.random.Generator, y: Floats) -> NDArray[np.bool_]:
    """Return which labels are in; of every other seed the late ones are those of one kind."""
    share, choosy = 0.95 - size * (0.95 - float(how.uniform(0.25, 0.6))), how.random() < 0.5
    high = y > (np.median(y) if len(np.unique(y)) > 2 else 0.5)
    tilt = 0.5 * size * choosy
    return np.asarray(rng.random(len(y)) < np.where(high, (1 + tilt) * share, (1 - tilt) * share))


def _log(
    world: World,
    table: pl.DataFrame,
    y: Floats,
    number: int,
    rng: np.random.Generator,
    held: NDArray[np.bool_],
    new: NDArray[np.bool_],
) -> pl.DataFrame:
    """Return the rows as they are logged; ``new`` ones are answered by the bad version."""
    seconds = np.sort(rng.integers(0, 86_400, ROWS)) * np.timedelta64(1, "s")
    midnight = np.datetime64((START + number * DAY).replace(tzinfo=None), "us")
    at = pl.Series("at", midnight + seconds).dt.replace_time_zone("UTC")
    labels = pl.Series("label", y if world.regression else y.astype(int))
    labels = labels.zip_with(pl.Series(held), pl.Series("label", [None] * ROWS, dtype=labels.dtype))
    served, version = (world.second, "1.1") if number >= world.early else (world.model, "1.0")
    answer = _answered(served, table)
    if new.any():
        answer = np.where(new, _answered(world.bad, table), answer)
    columns = [pl.Series("prediction", answer if world.regression else (answer > 0.5).astype(int)), labels]
    if not world.regression:
        columns.append(pl.Series("score", answer))
    ids = pl.Series("id", np.arange(ROWS) + number * ROWS)
    return table.with_columns(ids, at, pl.Series("version", np.where(new, "2.0", version)), *columns)


def _answered(model: Any, table: pl.DataFrame) -> Floats:
    if hasattr(model, "predict_proba"):
        return np.asarray(model.predict_proba(table)[:, 1], float)
    return np.asarray(model.predict(table), float)


def days(world: World, first: int, count: int, cause: Cause | None = None) -> Sequence[pl.DataFrame]:
    """Return the log of days in a row."""
    return [day(world, number, cause) for number in range(first, first + count)]
