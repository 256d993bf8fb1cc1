"""Whether a challenger may take the champion's place, judged on the same newer rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

import numpy as np
import polars as pl
from numpy.typing import NDArray

from watchkeeper.core.columns import series_named
from watchkeeper.core.errors import SchemaError, UsageError, near_miss
from watchkeeper.core.ground import Ground
from watchkeeper.core.metric import RowLoss
from watchkeeper.core.plugins import plugin
from watchkeeper.core.schema import ALL, Role, Schema, SegmentRule
from watchkeeper.core.spec import Maintenance
from watchkeeper.maintain.agreement import flips, miscalibration
from watchkeeper.maintain.leakage import leakage
from watchkeeper.maintain.losses import as_loss, choose_metric, losses
from watchkeeper.maintain.paired import Difference, auroc_difference, mcnemar, mean_difference, rows_needed
from watchkeeper.maintain.standard import Aim, Standard, healthy_loss, level_of_try, relative_margin
from watchkeeper.maintain.terms import days_of, read_answers
from watchkeeper.schema.kinds import as_text

__all__ = ["Check", "Decision", "GateResult", "gate"]

Floats = NDArray[np.float64]

_SEGMENT_ROWS = 200
_MARGIN = 0.01
_STANDARD = Standard()


class Decision(StrEnum):
    """What the gate says."""

    PASS = "pass"  # noqa: S105
    REFUSED = "refused"
    TOO_FEW = "too_few"
    LEAKAGE = "leakage"


@dataclass(frozen=True, slots=True)
class Check:
    """One metric on one segment, champion against challenger.

    Parameters
    ----------
    champion, challenger
        The metric of each.
    difference
        The gain: positive means that the challenger is better, whichever way the metric runs.
    lower
        Lower end of the one-sided interval of the gain at the level the check is held to.
    margin
        The margin the check is held to.
    p
        One-sided p-value of "no gain"; for accuracy not below the exact McNemar one.
    """

    metric: str
    segment: str
    champion: float
    challenger: float
    difference: Difference
    lower: float
    margin: float
    p: float

    @property
    def non_inferior(self) -> bool:
        """Whether the challenger is shown to be no worse than the margin allows."""
        return self.lower > -self.margin

    def ground(self, code: str, limit: float, needed: int = 0) -> Ground:
        """Return the check as a ground of a decision."""
        return Ground(
            code, self.metric, segment="" if self.segment == ALL else self.segment, before=self.champion,
            after=self.challenger, value=self.difference.gain, error=self.difference.error, lower=self.lower,
            limit=limit, p_value=self.p, n=self.difference.n, needed=needed,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class GateResult:
    """The gate's decision with the numbers it rests on.

    Parameters
    ----------
    decision
        ``pass`` only when the challenger is what its standard asks for overall, and non-inferior in every segment.
    grounds
        Why, with numbers; of a refusal every ground.
    checks
        The deciding metric overall, then on each segment with at least 200 rows.
    others
        The other metrics of the task overall, for information.
    n
        Rows judged; ``needed`` is how many rows show non-inferiority at the margin with power .8.
    skipped
        Segments with too few rows to be judged.
    flips
        Share of rows to which the two models answer another class; None where answers are no classes.
    standard, level
        What the challenger was held to, and the level that was left for it.
    """

    decision: Decision
    grounds: tuple[Ground, ...]
    n: int
    needed: int
    checks: tuple[Check, ...] = ()
    others: tuple[Check, ...] = ()
    skipped: tuple[str, ...] = ()
    flips: float | None = None
    standard: Standard = _STANDARD
    level: float = 0.0

    @property
    def passed(self) -> bool:
        """Whether the challenger may be promoted."""
        return self.decision is Decision.PASS

    def facts(self) -> dict[str, float | str]:
        """Return the numbers an action keeps."""
        found: dict[str, float | str] = {"decision": self.decision.value, "n": self.n, "needed": self.needed}
        found |= {"aim": self.standard.aim.value, "try": self.standard.tries, "level": self.level}
        found |= {} if self.flips is None else {"flips": self.flips}
        for check in (*self.checks[:1], *self.others):
            found[f"{check.metric}:champion"] = check.champion
            found[f"{check.metric}:challenger"] = check.challenger
            found[f"{check.metric}:gain"] = check.difference.gain
            found[f"{check.metric}:error"] = check.difference.error
        for check in self.checks[:1]:
            lost = as_loss(check.metric, check.champion)
            if lost > 0 and check.difference.error == check.difference.error:
                found["relative_gain"] = check.difference.gain / lost
                found["relative_error"] = check.difference.error / lost
        return found


@dataclass(frozen=True, slots=True)
class _Paired:
    """The two models' answers on the rows both answered and whose label is known."""

    label: Floats
    champion: Floats
    challenger: Floats
    groups: NDArray[np.int64] | None
    rows: pl.DataFrame = field(repr=False)


def gate(
    champion_rows: pl.DataFrame,
    challenger_rows: pl.DataFrame,
    schema: Schema,
    rule: Maintenance,
    trained_until: datetime | None = None,
    standard: Standard = _STANDARD,
) -> GateResult:
    """Judge a challenger against the champion on the same labelled rows, all newer than any training row.

    Where harm is the cause the challenger has to be better overall (one-sided; for accuracy also by exact McNemar),
    else not worse than a margin, max(r·L, SE(L)) of the champion's healthy loss L; and in every segment with at least
    200 rows not worse than twice the margin. The level is what ``maintenance.alpha`` has left for this try. Days are
    groups of dependent rows; where there are under seven, how dependent comes from earlier rows. A mean score that
    misses the share of positives is refused. A challenger with less than half of what the champion loses now and lost
    when healthy raises the leakage alarm instead, and so does a feature that is new, or alone predicts the label that
    well: a champion that the world has turned against is no measure of what is too good.

    Parameters
    ----------
    champion_rows, challenger_rows
        The same rows in the same order, with the labels and each model's answers (see ``score_rows``).
    schema
        The roles of the columns.
    rule
        Metric, margin, level, smallest number of rows, segments and the embargo.
    trained_until
        End of the newest row either model was trained on; rows before it plus ``rule.label_delay`` are left out.
        None when the caller has left them out already.
    standard
        What the challenger is held to; without one it has to be better, in a first try.

    Raises
    ------
    UsageError
        When the two frames are not the same rows.
    SchemaError
        When a column the metric or a segment needs is missing.
    ConfigError
        When the metric does not fit the task.

    References
    ----------
    McNemar (1947), doi:10.1007/BF02295996. DeLong et al. (1988), doi:10.2307/2531595. Berger (1982), Multiparameter
    hypothesis testing and acceptance sampling, doi:10.1080/00401706.1982.10487790: where all have to pass, no level is
    parted.
    """
    metric = choose_metric(schema.task, rule.metric)
    champion, challenger = (_newer(r, schema, rule, trained_until) for r in (champion_rows, challenger_rows))
    _same_rows(champion, challenger, schema)
    paired, broken = _pair(champion, challenger, schema, metric)
    if broken:
        ground = Ground("no_answer", n=broken, needed=champion.height)
        return GateResult(Decision.REFUSED, (ground,), len(paired.label), rule.min_rows)
    n, level = len(paired.label), level_of_try(rule.alpha, standard.tries)
    fewest = rule.min_rows if standard.min_rows is None else standard.min_rows
    if n < fewest:
        ground = Ground("too_few_rows", n=n, needed=fewest)
        return GateResult(Decision.TOO_FEW, (ground,), n, fewest, standard=standard, level=level)
    healthy = standard.healthy or healthy_loss(champion, schema, metric)
    margin = rule.margin if rule.margin is not None else relative_margin(metric, healthy) if healthy else _MARGIN
    overall = _check(paired, metric, ALL, level, margin, standard.correlation)
    if np.isnan(overall.difference.error):
        one_day = paired.groups is not None and len(np.unique(paired.groups)) < 2
        code = "one_day" if one_day and _is_mean(metric) else "one_class"
        ground = Ground(code, metric, n=overall.difference.n)
        return GateResult(Decision.TOO_FEW, (ground,), overall.difference.n, fewest, standard=standard, level=level)
    segments, skipped = _segment_checks(paired, schema, rule, overall, level, standard.correlation)
    others = _other_checks(champion, challenger, schema, metric, level, standard.correlation)
    needed = rows_needed(overall.difference.sigma, overall.margin, alpha=level)
    lost = [as_loss(metric, value) for value in (overall.champion, overall.challenger)]
    leak = leakage(metric, lost[0], lost[1], _constant_loss(metric, paired.label), paired.rows, schema, standard)
    if leak is not None:
        decision: Decision = Decision.LEAKAGE
        grounds: tuple[Ground, ...] = (leak,)
    else:
        uncalibrated = miscalibration(champion, challenger, schema, level, standard.correlation)
        decision, grounds = _decide(overall, segments, needed, level, standard.aim, uncalibrated)
    return GateResult(
        decision, grounds, overall.difference.n, needed, (overall, *segments), others, skipped,
        flips(champion, challenger, schema), standard, level,
    )  # fmt: skip


def _decide(
    overall: Check, segments: Sequence[Check], needed: int, level: float, aim: Aim, uncalibrated: Ground | None
) -> tuple[Decision, tuple[Ground, ...]]:
    refusals = [] if uncalibrated is None else [uncalibrated]
    if not overall.non_inferior:
        refusals.append(overall.ground("not_non_inferior", overall.margin, needed))
    elif aim is Aim.SUPERIOR and overall.p >= level:
        refusals.append(overall.ground("not_better", level))
    for check in segments:
        if not check.non_inferior:
            wanted = rows_needed(check.difference.sigma, check.margin, alpha=level)
            refusals.append(check.ground("not_non_inferior", check.margin, wanted))
    if refusals:
        return Decision.REFUSED, tuple(refusals)
    if aim is Aim.NON_INFERIOR and overall.p >= level:
        return Decision.PASS, (overall.ground("not_worse", overall.margin, len(segments)),)
    return Decision.PASS, (overall.ground("better", level, len(segments)),)


def _is_mean(metric: str) -> bool:
    """Return whether a metric is a mean over rows; the one that is not, AUROC, ranks them."""
    return isinstance(plugin("metric", metric), RowLoss)


def _constant_loss(metric: str, label: Floats) -> float:
    """Return the loss of the best model that answers every row alike, which ranks half of the pairs right."""
    made = plugin("metric", metric)
    if not isinstance(made, RowLoss):
        return 0.5
    return float(made.row_losses(label, np.full(len(label), made.constant(label))).mean())


def _newer(rows: pl.DataFrame, schema: Schema, rule: Maintenance, trained_until: datetime | None) -> pl.DataFrame:
    if trained_until is None:
        return rows
    name = schema.name_of(Role.TIME)
    if name is None or name not in rows.columns:
        raise SchemaError("the gate needs the time column, to leave out rows the models were trained on")
    start = trained_until + rule.label_delay
    if getattr(rows.schema[name], "time_zone", None) is None:
        start = start.replace(tzinfo=None)
    return rows.filter(series_named(rows, name) >= start)


def _same_rows(champion: pl.DataFrame, challenger: pl.DataFrame, schema: Schema) -> None:
    if champion.height != challenger.height:
        raise UsageError(f"the gate compares the same rows: {champion.height} of the champion, {challenger.height}")
    for role in (Role.ID, Role.LABEL, Role.TIME):
        name = schema.name_of(role)
        if name and name in champion.columns and name in challenger.columns:
            same = champion[name].equals(challenger[name], null_equal=True)
            if not same:
                raise UsageError(f"the gate compares the same rows in the same order: column {name!r} differs")


def _pair(champion: pl.DataFrame, challenger: pl.DataFrame, schema: Schema, metric: str) -> tuple[_Paired, int]:
    """Return what both answered, and on how many rows only the challenger failed to answer."""
    label = read_answers(champion, schema).label
    days = days_of(champion, schema)
    if not _is_mean(metric):
        first, second = (_scores(rows, schema) for rows in (champion, challenger))
    else:
        first, second = (losses(rows, schema, metric) for rows in (champion, challenger))
    known = np.isfinite(label) & np.isfinite(first)
    broken = int(np.sum(known & ~np.isfinite(second)))
    kept = known & np.isfinite(second)
    groups = None if days is None else days[kept]
    return _Paired(label[kept], first[kept], second[kept], groups, champion.filter(pl.Series(kept))), broken


def _other_checks(
    champion: pl.DataFrame, challenger: pl.DataFrame, schema: Schema, metric: str, level: float,
    correlation: float | None,
) -> tuple[Check, ...]:  # fmt: skip
    found = []
    for name in schema.task.spec.gate:
        if name == metric:
            continue
        try:
            paired, _ = _pair(champion, challenger, schema, name)
        except SchemaError:
            continue  # a model without scores has no AUROC; the deciding metric has been checked already
        if len(paired.label):
            healthy = healthy_loss(champion, schema, name)
            margin = relative_margin(name, healthy) if healthy else _MARGIN
            found.append(_check(paired, name, ALL, level, margin, correlation))
    return tuple(found)


def _scores(rows: pl.DataFrame, schema: Schema) -> Floats:
    score = read_answers(rows, schema).score
    if score is None:
        raise SchemaError(f"auroc needs the score column {schema.name_of(Role.SCORE) or '(none declared)'!r}")
    return score


def _check(paired: _Paired, metric: str, segment: str, alpha: float, margin: float, correlation: float | None) -> Check:
    if not _is_mean(metric):
        difference, first, second = auroc_difference(
            paired.label, paired.champion, paired.challenger, paired.groups, correlation
        )
        return Check(metric, segment, first, second, difference, difference.lower(alpha), margin, difference.p)
    difference = mean_difference(paired.champion, paired.challenger, paired.groups, correlation)
    first, second = (float(x.mean()) if len(x) else float("nan") for x in (paired.champion, paired.challenger))
    p = difference.p
    if all(np.isin(one, (0.0, 1.0)).all() for one in (paired.champion, paired.challenger)):
        p = max(p, mcnemar(paired.champion, paired.challenger))
    # What turns a value into a loss turns a loss into the value.
    first, second = as_loss(metric, first), as_loss(metric, second)
    return Check(metric, segment, first, second, difference, difference.lower(alpha), margin, p)


def _segment_checks(
    paired: _Paired, schema: Schema, rule: Maintenance, overall: Check, level: float, correlation: float | None
) -> tuple[list[Check], tuple[str, ...]]:
    metric, margin = overall.metric, overall.margin
    large, skipped = [], []
    for name, mask in segments_of(paired.rows, schema, rule):
        groups = None if paired.groups is None else paired.groups[mask]
        part = _Paired(paired.label[mask], paired.champion[mask], paired.challenger[mask], groups, paired.rows.clear())
        judged = _is_mean(metric) or min(np.sum(part.label == 1), np.sum(part.label != 1)) >= 2
        if len(part.label) >= _SEGMENT_ROWS and judged:
            large.append((name, part))
        else:
            skipped.append(name)
    # Every one has to pass, so that none needs a part of the level: whichever is worse, it alone has to slip through.
    return [_check(part, metric, name, level, 2 * margin, correlation) for name, part in large], tuple(skipped)


def segments_of(rows: pl.DataFrame, schema: Schema, rule: Maintenance) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    """Yield the declared segments, and which rows lie in each."""
    declared = {r.column: r for r in schema.segments}
    for column in rule.segments or tuple(declared):
        if column not in rows.columns:
            raise SchemaError(f"segment column {column!r} is not in the rows; {near_miss(column, rows.columns)}")
        listed = declared.get(column, SegmentRule(column)).values
        text = as_text(series_named(rows, column))
        if listed:
            text = text.set(~text.is_in(list(listed)) & text.is_not_null(), "other")
        text = text.fill_null("null")
        for value in sorted(text.unique().to_list()):
            yield f"{column}={value}", (text == value).to_numpy()
