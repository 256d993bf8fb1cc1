"""What a diagnosis states, in sentences."""

from __future__ import annotations

from collections.abc import Mapping

from watchkeeper.core.alert import Alert, AlertState
from watchkeeper.core.diagnosis import DiagnosisBasis, Incident
from watchkeeper.core.evidence import Transformation, TransformationKind
from watchkeeper.core.statement import Statement, StatementCode
from watchkeeper.words.alerts import alert_sentence
from watchkeeper.words.transformations import transformation_words

__all__ = ["basis_sentence", "incident_sentence", "loss_words", "sentence", "undiagnosed_sentence"]

Says = StatementCode


def sentence(statement: Statement, alert: Alert | None = None) -> str:
    """Return what is stated in one sentence.

    Parameters
    ----------
    alert
        The alert that is diagnosed; where nothing else explains it, its own message is the evidence.
    """
    if statement.code is Says.ALERT_ITSELF and alert is not None:
        return alert_sentence(alert)
    s, names = statement, statement.names
    if s.code is Says.UNIT_CHANGE and s.kind:
        return f"{''.join(s.columns[:1])!r} {transformation_words(_transformation(s))}: a fault of the data"
    told = _NOT_THE_DATES if s.code is Says.OUT_OF_RANGE and s.kind else _SENTENCES[s.code]
    return told.format(
        column="".join(s.columns[:1]),
        other="".join(s.columns[1:2]),
        columns=", ".join(map(repr, s.columns)),
        name="".join(names[:1]),
        second="".join(names[1:2]),
        listed=", ".join(names),
        loss=loss_words("".join(names[:1])),
        brackets=f" ({names[0]})" if names else "",
        value=s.value or 0.0,
        before=s.before or 0.0,
        after=s.after or 0.0,
        change=(s.after or 0.0) - (s.before or 0.0),
        now=(s.before or 0.0) + (s.value or 0.0),
        way="fell" if (s.value or 0.0) < 0 else "rose",
        margin=s.margin or 0.0,
        n=s.n,
        since=f" since {s.at:%Y-%m-%d %H:%M}" if s.at else "",
        cause=s.kind.replace("_", " "),
        where=f" of {', '.join(map(repr, names))}" if names else "",
        because=sentence(s.because[0], alert) if s.because else "",
    )


def _transformation(s: Statement) -> Transformation:
    other = "".join(s.columns[1:2])
    return Transformation(
        TransformationKind(s.kind), "".join(s.names[:1]), s.value or 1.0, s.before or 0.0, other, s.at
    )  # fmt: skip


def basis_sentence(basis: DiagnosisBasis, alert: Alert) -> str:
    """Say of which rows a diagnosis was made, and whether newer ones show the alert too."""
    start, end = basis.window.start, basis.window.end
    newer = "; newer windows show the alert too" if alert.last is not None and alert.last > end else ""
    return f"diagnosed on the rows from {start:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M}{newer}"


def undiagnosed_sentence(alert: Alert) -> str:
    """Say that no diagnosis is recorded, and how to get one."""
    when = {
        AlertState.FIRING: "the next run makes one",
        AlertState.PENDING: "the run in which it begins to fire makes one",
    }.get(alert.state, "runs make them for alerts that fire, and this one does no longer")
    return f"no diagnosis of this alert is recorded: {when}; watchkeeper explain {alert.id} --attribute makes one now"


def incident_sentence(incident: Incident) -> str:
    """Return an incident in one sentence."""
    models = incident.models
    about = f"{len(models)} models" if len(models) > 1 else f"model {models[0]}"
    shared = ", ".join(map(repr, incident.columns))
    return f"{len(incident.alerts)} alerts of {about} began together and share {shared}"


def loss_words(loss: str) -> str:
    """Return what a loss is called in a sentence."""
    return "1 - AUROC" if loss == "rank_loss" else f"the {loss.replace('_', ' ')}"


_NOT_THE_DATES = "{after:.1%} of {column!r} is not what the dates of the rows say, {name}: now {second}"
_MOVED = "the distribution of {column!r} changed (KS {value:.2f})"
_TOGETHER = "the correlation of {column!r} and {other!r} changed: {before:.2f} → {after:.2f}"
_LIKE = "{value:.0%} of the reference resembles the current rows"

_SENTENCES: Mapping[StatementCode, str] = {
    Says.NO_ROWS: "no rows arrived: something upstream has stopped",
    Says.WINDOWS_WITHOUT_ROWS: (
        "some windows had no rows, or columns that could not be measured: something upstream had stopped"
    ),
    Says.ROWS_REPEATED: (
        "rows were sent twice: {after:.1%} repeat an id of the same window ({before:.1%} in the reference)"
    ),
    Says.ROWS_REPLAYED: (
        "old rows were sent again: at least {after:.1%} of the sampled rows are rows of the reference"
    ),
    Says.COLUMN_MISSING: "column {column!r} did not arrive",
    Says.COLUMN_UNUSABLE: "{name}",
    Says.UNIT_CHANGE: (
        "another unit: all quantiles of {column!r} are {value:.4g} times those of the reference{brackets}"
    ),
    Says.CONSTANT: "{column!r} is stuck at {value:g} in all {n:,} rows",
    Says.NULL_RATE: "missing values in {column!r}: {before:.1%} → {after:.1%}",
    Says.SILENT_DEFAULT: "{name} stands in for missing values in {after:.1%} of {column!r}",
    Says.ENCODING_CHANGE: "{value:.1%} of {column!r} is spelled differently from the reference",
    Says.UNSEEN_LEVELS: "{value:.1%} of {column!r} are levels that the reference never had: {listed}",
    Says.OUT_OF_RANGE: "{after:.1%} of {column!r} lies outside the range seen so far, {name}: now {second}",
    Says.REPEATED_VALUE: "{column!r} is stuck, or filled in: {name} makes up {after:.1%} of it, up from {before:.1%}",
    Says.OTHER_STEPS: (
        "all values of {column!r} were multiples of {value:.4g}, {after:.1%} are none: another unit or rounding"
    ),
    Says.SEGMENT_SHARE: "share of {name}: {before:.1%} → {after:.1%} of the rows",
    Says.MOVED_BY_MIX_ONLY: "{columns} changed only because of that: within segments the rows are as before",
    Says.COLUMN_MOVED: _MOVED,
    Says.COLUMN_MOVED_IN_SEGMENTS: f"{_MOVED} within segments",
    Says.CORRELATION: _TOGETHER,
    Says.CORRELATION_IN_SEGMENTS: f"{_TOGETHER} within segments",
    Says.PART_OF_LOSS: "{second} accounts for {value:+.4g} of the change of {change:+.4g} in {loss}",
    Says.NOT_COMPARABLE: f"{_LIKE}: too little to tell a concept shift from other changes",
    Says.LOSS_AT_EQUAL_FEATURES: (
        "for the same inputs {loss} {way} from {before:.3g} to {now:.3g} (± {margin:.2g}): the relation of "
        "the inputs to the label changed"
    ),
    Says.SEGMENT_LOSS: "in {name} it is {after:.3g}, expected {before:.3g} (± {margin:.2g})",
    Says.LOSS_IS_GUESS: f"only {_LIKE}, so this is uncertain",
    Says.VERSION_SHARE: "version {name!r} answers {after:.0%} of the rows{since}, up from {before:.0%}",
    Says.VERSION_LOSS: "in the same windows {loss} is {after:.4g} for it and {before:.4g} for the others",
    Says.ANSWERS_DIFFER: "for the same inputs {column!r} differs by {value:.3f}",
    Says.ANSWERS_ALIKE: "but for the same inputs {column!r} is unchanged",
    Says.NO_RELEASE_LOGGED: "the log shows no new version: the model changed, or an input that is not logged",
    Says.LABEL_MISSING: "label {column!r} did not arrive",
    Says.FEWER_LABELS: ("labels are late or lost: {after:.1%} of the rows have one, expected {before:.1%}"),
    Says.LABEL_ENCODING: "{value:.1%} of the labels are spelled differently from the reference",
    Says.LABEL_LEVELS: "{value:.1%} of the labels are of a class that the reference never had: {listed}",
    Says.LABELS_BEYOND: (
        "labels reach {after:.3g}, in the reference {before:.3g} at most: their means and sums cannot be compared"
    ),
    Says.LABELS_TURNED: "positive and negative labels changed places: AUROC {before:.3f} → {after:.3f}",
    Says.LABELS_OPPOSITE: (
        "labels say the opposite of before: their association with the answers {before:+.2f} → {after:+.2f}"
    ),
    Says.LABELS_PERMUTED: (
        "classes of the labels changed places ({listed}): renamed they agree with the answers, "
        "as they stand no longer (kappa {before:.2f} → {after:.2f})"
    ),
    Says.SLOWER: "slower: 95th percentile of {column!r} {before:.4g} → {after:.4g}",
    Says.LIMIT_PASSED: "a runtime limit was exceeded",
    Says.ALERT_ITSELF: "the alert says so itself",
    Says.MOVED_WITH_VERSION: ("{column!r} changed only in rows answered by the new version: the same incident"),
    Says.MOVED_WITH_FAULT: "{column!r} changed only in rows where {other!r} is faulty: the same incident",
    Says.NOTHING_ELSE: "nothing in the log explains it as well",
    Says.LABELS_SPOILT: "the labels are faulty, so the change of the loss is not broken down",
    Says.FAULT_IN_ALL_ROWS: ("{column!r} is faulty in all rows, so labels cannot be compared for the same inputs"),
    Says.FAULTY_ROWS_LEFT_OUT: "faulty rows were left out where the loss is compared",
    Says.TOO_FEW_LABELS: "too few labels have arrived to tell what changed for the same inputs",
    Says.OTHER_CAUSE: "at the same time, but not the subject of this alert: {cause}{where}: {because}",
    Says.FAILED: "the alert could not be diagnosed: {name}",
}
"""The sentence of each code, to be filled in with what the statement holds."""
