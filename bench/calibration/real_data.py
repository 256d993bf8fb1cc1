"""Real data: random halves must be quiet, and known changes found in two windows with the right columns."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import log, sqrt
from pathlib import Path

import numpy as np
import polars as pl
from scipy.stats import ks_2samp

from watchkeeper.config.check_options import CheckOptions
from watchkeeper.core.alert import AlertState
from watchkeeper.run.check import check_tables

FILES = {
    "electricity": "electricity/electricity.parquet",
    "bank_marketing, additional": "bank_marketing/bank_additional_full.parquet",
    "bank_marketing, full": "bank_marketing/bank_full.parquet",
    "bike_sharing": "bike_sharing/hour.parquet",
    "gas_sensor_drift": "gas_sensor_drift/gas_sensor_drift.parquet",
    "nannyml_car_loan, reference": "nannyml_car_loan/synthetic_car_loan_reference.parquet",
    "nannyml_car_loan, analysis": "nannyml_car_loan/synthetic_car_loan_analysis.parquet",
    "nannyml_car_loan, faults": "nannyml_car_loan/synthetic_car_loan_dq_analysis.parquet",
    "nannyml_car_price_regression": "nannyml_car_price_regression/regression_synthetic_analysis.parquet",
    "nannyml_multiclass_mc": "nannyml_multiclass_mc/mc_analysis.parquet",
    "uci_credit_default": "uci_credit_default/UCI_Credit_Card.parquet",
    "nltk_sentences": "nltk_sentences/sentences.parquet",
    "azure_llm_trace, code": "azure_llm_trace/code.parquet",
    "azure_llm_trace, conversations": "azure_llm_trace/conv.parquet",
}
SEEDS = 5
NAMED_WITHIN = 2
"""Windows from the change to the alert, at most."""

_TOLERANCE, _RUN_LENGTH = 0.05, 1_000.0


@dataclass(frozen=True)
class Case:
    """Rows in which something is known to change.

    Attributes
    ----------
    reference, windows
        What is compared: the windows in order.
    change
        Number of the first window that lies behind the change.
    right
        The columns that change: named by the source, or else moved by as much as one window can show, as scipy tells.
    faint
        Columns that moved by more than the tolerance, but by less than one window can show.
    given
        What ``check_tables`` is told of the columns.
    """

    name: str
    what: str
    reference: pl.DataFrame
    windows: Sequence[pl.DataFrame]
    change: int
    right: tuple[str, ...]
    given: CheckOptions
    faint: tuple[str, ...] = ()


@dataclass(frozen=True)
class Found:
    """What came of a case.

    Attributes
    ----------
    before
        Windows before the change in which an alert fired, and the columns it named.
    delay
        Windows from the change to an alert that names a right column, 1 for the first; None where there was none.
    named
        Right columns that were named in the first two windows.
    others
        Other columns named there.
    """

    case: Case
    before: tuple[tuple[int, tuple[str, ...]], ...]
    delay: int | None
    named: tuple[str, ...]
    others: tuple[str, ...]

    @property
    def kept(self) -> bool:
        """Whether an alert came in time and named every right column."""
        return self.delay is not None and self.delay <= NAMED_WITHIN and set(self.named) == set(self.case.right)


def halves(frame: pl.DataFrame, seed: int) -> list[tuple[str, ...]]:
    """Return the columns of each alert on one random half against the other."""
    order = np.random.default_rng(seed).permutation(frame.height)
    first, second = (frame[np.sort(part)] for part in np.array_split(order, 2))
    return _alerts(second, first, CheckOptions())


def _alerts(current: pl.DataFrame, reference: pl.DataFrame, given: CheckOptions) -> list[tuple[str, ...]]:
    checked = check_tables(current, reference, given)
    return [alert.columns for alert in checked.alerts if alert.state is AlertState.FIRING]


def follow(case: Case) -> Found:
    """Check every window of a case up to the second one after its change."""
    before, named, others, delay = [], dict[str, None](), dict[str, None](), None
    for number, window in enumerate(case.windows[: case.change + NAMED_WITHIN]):
        columns = tuple(dict.fromkeys(c for alert in _alerts(window, case.reference, case.given) for c in alert))
        if number < case.change:
            before += [(number + 1, columns)] if columns else []
            continue
        named |= dict.fromkeys(c for c in columns if c in case.right)
        others |= dict.fromkeys(c for c in columns if c not in case.right)
        if delay is None and any(c in case.right for c in columns):
            delay = number - case.change + 1
    return Found(case, tuple(before), delay, tuple(named), tuple(others))


def _cut(frame: pl.DataFrame, first: int, rows: int, count: int) -> list[pl.DataFrame]:
    return [frame[first + i * rows : first + (i + 1) * rows] for i in range(count)]


def _moved(before: pl.DataFrame, after: pl.DataFrame, names: Sequence[str], rows: int) -> list[tuple[str, ...]]:
    """Return the columns that moved by as much as a window of ``rows`` rows can show, and those that moved by less.

    What moves is the distribution function, or the share of a level; a column that moved by less than the tolerance is
    in neither. A window shows what is above δ + √(ln(2·p·A)/(2·n)), with two series for each column.
    """
    shown = _TOLERANCE + sqrt(log(4 * len(names) * _RUN_LENGTH) / (2 * rows))
    right, faint = [], []
    for name in names:
        a, b = before[name].drop_nulls(), after[name].drop_nulls()
        if a.dtype.is_numeric():
            moved = float(ks_2samp(a.to_numpy(), b.to_numpy(), method="asymp").statistic)
        else:
            shares = [dict(one.value_counts(normalize=True).iter_rows()) for one in (a, b)]
            moved = max(abs(shares[0].get(x, 0) - shares[1].get(x, 0)) for x in {*shares[0], *shares[1]})
        right += [name] if moved > shown else []
        faint += [name] if _TOLERANCE < moved <= shown else []
    return [tuple(right), tuple(faint)]


def electricity(data: Path) -> Iterator[Case]:
    """Half-hours since 7 May 1996: three columns stand still for 17,424 rows (363 days), then move."""
    frame = pl.read_parquet(data / FILES["electricity"])
    start = datetime(1996, 5, 7, tzinfo=UTC)
    times = pl.Series("at", [start + timedelta(minutes=30 * i) for i in range(frame.height)])
    frame = frame.with_columns(times).drop("date")
    change, rows = 17_424, 1_344
    yield Case(
        "electricity", "row 17,424, windows of four weeks", frame[: change - 2 * rows],
        _cut(frame, change - 2 * rows, rows, 4), 2, ("vicprice", "vicdemand", "transfer"),
        CheckOptions(time="at", label="class"),
    )  # fmt: skip


def bank_marketing(data: Path) -> Iterator[Case]:
    """Calls in order of their date: in autumn 2008 the economy's figures fall, in July the way of contact changes."""
    frame = pl.read_parquet(data / FILES["bank_marketing, additional"])
    given = CheckOptions(label="y", ignore=["duration", "month", "day_of_week"])
    figures = ("emp.var.rate", "cons.price.idx", "cons.conf.idx", "euribor3m", "nr.employed")
    november = 24_064
    yield Case(
        "bank_marketing, additional", "November 2008 (row 24,064), windows of 1,000 calls; reference July and August",
        frame[12_137 : november - 2_000], _cut(frame, november - 2_000, 1_000, 4), 2, figures, given,
    )  # fmt: skip
    frame = pl.read_parquet(data / FILES["bank_marketing, full"])
    july = 12_443
    names = [c for c in frame.columns if c not in ("duration", "month", "day", "y")]
    right, faint = _moved(frame[:july], frame[july : july + 2_000], names, 1_000)
    yield Case(
        "bank_marketing, full", "July 2008 (row 12,443), windows of 1,000 calls; reference May and June",
        frame[: july - 2_000], _cut(frame, july - 2_000, 1_000, 4), 2, right,
        CheckOptions(label="y", ignore=["duration", "month", "day"]), faint,
    )  # fmt: skip


def gas_sensor_drift(data: Path) -> Iterator[Case]:
    """Sensors age from batch to batch: the first two are the reference."""
    frame = pl.read_parquet(data / FILES["gas_sensor_drift"])
    old, new = (frame.filter(pl.col("batch").is_in(some)) for some in ([1, 2], [3]))
    right, faint = _moved(old, new[:1_000], [c for c in frame.columns if c.startswith("s")], 500)
    yield Case(
        "gas_sensor_drift", "batch 3, windows of 500 rows; reference batches 1 and 2", old, _cut(new, 0, 500, 2), 0,
        right, CheckOptions(ignore=["batch", "concentration", "gas"]), faint,
    )  # fmt: skip


def nannyml_car_loan(data: Path) -> Iterator[Case]:
    """Blocks of 5,000 of the analysis file: covariates drift from block 6 on, and faults are injected."""
    given = CheckOptions(id="id", time="timestamp", label="repaid", score="y_pred_proba", prediction="y_pred")
    folder = data / "nannyml_car_loan"

    def read(name: str) -> pl.DataFrame:
        return pl.read_parquet(folder / f"synthetic_car_loan_{name}.parquet").with_columns(
            pl.col("timestamp").str.to_datetime()
        )

    reference, analysis = read("reference"), read("analysis")
    names = [c for c in analysis.columns if c not in ("id", "timestamp")]
    right, faint = _moved(reference, analysis[25_000:], names, 5_000)
    yield Case(
        "nannyml_car_loan", "block 6 of 10, 5,000 rows each", reference, _cut(analysis, 0, 5_000, 10), 5, right, given,
        faint,
    )  # fmt: skip
    yield Case(
        "nannyml_car_loan, faults", "block 6 of 10: missing and unseen values beside the drift", read("dq_reference"),
        _cut(read("dq_analysis"), 0, 5_000, 10), 5,
        tuple(dict.fromkeys(("salary_range", "size_of_downpayment", "driver_tenure", *right))), given, faint,
    )  # fmt: skip


CASES: tuple[Callable[[Path], Iterator[Case]], ...] = (electricity, bank_marketing, gas_sensor_drift, nannyml_car_loan)


def half_rows(name: str, data: Path) -> tuple[str, int, list[list[tuple[str, ...]]]]:
    """Return the rows of a data set, and the columns of every alert on its random halves by seed."""
    frame = pl.read_parquet(data / FILES[name])
    return name, frame.height, [halves(frame, seed) for seed in range(SEEDS)]


def found_in(number: int, data: Path) -> list[Found]:
    """Follow the cases of one data set."""
    return [follow(case) for case in CASES[number](data)]
