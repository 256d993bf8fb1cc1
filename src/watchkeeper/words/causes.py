"""What a diagnosis states, in sentences."""

from __future__ import annotations

from collections.abc import Mapping

from watchkeeper.core.alert import Alert, AlertState
from watchkeeper.core.diagnosis import DiagnosisBasis, Incident
from watchkeeper.core.statement import Statement, StatementCode
from watchkeeper.words.alerts import alert_sentence

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
    return _SENTENCES[s.code].format(
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
        margin=s.margin or 0.0,
        n=s.n,
        since=f" since {s.at:%Y-%m-%d %H:%M}" if s.at else "",
        cause=s.kind.replace("_", " "),
        where=f" of {', '.join(map(repr, names))}" if names else "",
        because=sentence(s.because[0], alert) if s.because else "",
    )


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


_MOVED = "{column!r} moved by {value:.3f} (distance of the distribution functions)"
_TOGETHER = "{column!r} and {other!r} go together otherwise: correlation {before:.2f} → {after:.2f}"
_LIKE = "{value:.0%} of the reference's rows are like the current ones"

_SENTENCES: Mapping[StatementCode, str] = {
    Says.NO_ROWS: "no rows arrived: something upstream is missing",
    Says.WINDOWS_WITHOUT_ROWS: (
        "windows came without rows, or columns could not be measured: something upstream was missing"
    ),
    Says.ROWS_REPEATED: "{after:.1%} of the rows repeat an id of the same window, {before:.1%} did before: sent twice",
    Says.ROWS_REPLAYED: (
        "at least {after:.1%} of the sampled rows are rows of the reference: old rows were sent again"
    ),
    Says.COLUMN_MISSING: "column {column!r} did not arrive",
    Says.COLUMN_UNUSABLE: "{name}",
    Says.UNIT_CHANGE: (
        "all quantiles of {column!r} are {value:.4g} times those of the reference{brackets}: another unit"
    ),
    Says.CONSTANT: "{column!r} holds {value:g} in all {n} rows: it is stuck at one value",
    Says.NULL_RATE: "{after:.1%} of {column!r} is missing, {before:.1%} was in the reference",
    Says.SILENT_DEFAULT: "{after:.1%} of {column!r} is {name}, which stands in for a missing value",
    Says.ENCODING_CHANGE: "{value:.1%} of {column!r} is written in another way than in the reference",
    Says.UNSEEN_LEVELS: "{value:.1%} of {column!r} holds levels that the reference never showed: {listed}",
    Says.OUT_OF_RANGE: "{after:.1%} of {column!r} lies outside of all that was seen, {name}: now {second}",
    Says.REPEATED_VALUE: "{after:.1%} of {column!r} is {name}, {before:.1%} was: it is stuck, or filled in",
    Says.SEGMENT_SHARE: "{name} makes up {after:.1%} of the rows, {before:.1%} before",
    Says.MOVED_BY_MIX_ONLY: "{columns} moved only because of that: inside segments the rows are as before",
    Says.COLUMN_MOVED: _MOVED,
    Says.COLUMN_MOVED_IN_SEGMENTS: f"{_MOVED} inside segments",
    Says.CORRELATION: _TOGETHER,
    Says.CORRELATION_IN_SEGMENTS: f"{_TOGETHER} inside segments",
    Says.PART_OF_LOSS: "{second} makes up {value:+.4g} of the change of {change:+.4g} in {loss}",
    Says.NOT_COMPARABLE: f"{_LIKE}, so that concept shift is not told apart",
    Says.LOSS_AT_EQUAL_FEATURES: (
        "at equal features {loss} is {value:+.4g} ± {margin:.4g} from the reference's {before:.4g}: "
        "labels or answers are not as before"
    ),
    Says.SEGMENT_LOSS: "in {name} it is {after:.4g} where {before:.4g} was to be expected (± {margin:.4g})",
    Says.LOSS_IS_GUESS: f"only {_LIKE}, so this is a guess",
    Says.VERSION_SHARE: "version {name!r} answers {after:.0%} of the rows{since}, {before:.0%} before",
    Says.VERSION_LOSS: "side by side, {loss} is {after:.4g} for it and {before:.4g} for the others",
    Says.ANSWERS_DIFFER: "at equal features {column!r} differs by {value:.3f}",
    Says.ANSWERS_ALIKE: "but at equal features {column!r} is what it was",
    Says.NO_RELEASE_LOGGED: "no change of version is in the log: the model or an input that is not logged changed",
    Says.LABEL_MISSING: "label {column!r} did not arrive",
    Says.FEWER_LABELS: (
        "{after:.1%} of the rows have a label, {before:.1%} were to be expected: labels are late or lost"
    ),
    Says.LABEL_ENCODING: "{value:.1%} of the labels are written in another way than in the reference",
    Says.LABEL_LEVELS: "{value:.1%} of the labels are of a class that the reference never showed: {listed}",
    Says.LABELS_BEYOND: (
        "labels reach {after:.3g}, {before:.3g} at most in the reference: means and sums say nothing of them"
    ),
    Says.LABELS_TURNED: ("the AUROC is {after:.3f}, {before:.3f} before: positive and negative labels changed places"),
    Says.SLOWER: "the 95th percentile of {column!r} is {after:.4g}, {before:.4g} before",
    Says.LIMIT_PASSED: "a limit of the runtime was passed",
    Says.ALERT_ITSELF: "the alert says so itself",
    Says.MOVED_WITH_VERSION: (
        "{column!r} moved only in the rows that are answered by the new version: the same incident"
    ),
    Says.MOVED_WITH_FAULT: "{column!r} moved only in the rows where {other!r} is at fault: the same incident",
    Says.NOTHING_ELSE: "nothing in the log explains it as well",
    Says.LABELS_SPOILT: "the labels are at fault, so that the change of the loss is not taken apart",
    Says.FAULT_IN_ALL_ROWS: (
        "{column!r} is at fault in all rows, so that nothing can be said of labels at equal features"
    ),
    Says.FAULTY_ROWS_LEFT_OUT: "rows that a fault lies in were left out of what is said of the loss",
    Says.TOO_FEW_LABELS: "too few labels are in to tell what changed at equal features",
    Says.OTHER_CAUSE: "in the same windows, but not what this alert is about: {cause}{where}: {because}",
    Says.FAILED: "the alert could not be diagnosed: {name}",
}
"""The sentence of each code, to be filled in with what the statement holds."""
