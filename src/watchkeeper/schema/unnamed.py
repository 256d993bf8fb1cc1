"""Which roles no column has, and which columns are likely to be meant."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from watchkeeper.core.role_gaps import UnnamedRole
from watchkeeper.core.schema import Column, Kind, Role, Schema
from watchkeeper.core.tasks import Labels
from watchkeeper.schema.names import words_of

__all__ = ["called_a_chance", "unnamed_roles"]

_ANSWERS = (Role.PREDICTION, Role.SCORE, Role.CLASS_SCORE, Role.QUANTILE)
_SINGLE = (Kind.BOOLEAN, Kind.CATEGORICAL, Kind.NUMERIC)
_MOST = 3
_TRUTHS = frozenset(
    {"actual", "approved", "attrition", "bought", "cancelled", "canceled", "churn", "churned", "class", "clicked",
     "click", "conversion", "converted", "default", "defaulted", "delayed", "died", "exited", "failed", "failure",
     "fraud", "fraudulent", "label", "labels", "late", "observed", "outcome", "paid", "purchased", "readmitted",
     "rejected", "repaid", "response", "result", "returned", "spam", "survived", "target", "true", "truth", "won", "y"}
)  # fmt: skip
_CHANCES = frozenset(
    {"chance", "confidence", "likelihood", "p", "phat", "prob", "proba", "probability", "probs", "propensity", "risk",
     "score", "scores", "pred", "prediction", "predicted"}
)  # fmt: skip
_PREDICTIONS = frozenset(
    {"answer", "decision", "estimate", "estimated", "forecast", "guess", "hat", "output", "pred", "predict",
     "predicted", "prediction", "predictions", "preds", "yhat"}
)  # fmt: skip
_TIMES = frozenset({"at", "date", "datetime", "day", "time", "timestamp", "ts", "when"})


def unnamed_roles(
    schema: Schema, *, two_valued: Collection[str] = (), shares: Collection[str] = ()
) -> tuple[UnnamedRole, ...]:
    """Return the label, score, prediction and time that a log lacks, with the columns that may be meant.

    A score is not missed where the model answers numbers, nor a prediction where there is a score.

    Parameters
    ----------
    two_valued
        Columns that hold two values: where no name speaks of a label, they may.
    shares
        Columns that hold numbers between 0 and 1, and more than two of them.
    """
    free = [c for c in schema if c.role in (Role.FEATURE, Role.SEGMENT, Role.IGNORED)]
    found = []
    if schema.of(Role.LABEL) is None:
        # The chance of it, and what was said of it, are named after it.
        true = [c for c in free if c.name not in shares and (_CHANCES | _PREDICTIONS).isdisjoint(words_of(c.name))]
        named = _called(true, _TRUTHS, _SINGLE) or tuple(c.name for c in true if c.name in two_valued)[:_MOST]
        found.append(UnnamedRole(Role.LABEL, named))
    answered = {column.role for column in schema if column.role in _ANSWERS}
    if not answered & {Role.SCORE, Role.CLASS_SCORE}:
        between = [c for c in free if c.name in shares]
        likely = _called(between, _CHANCES, _SINGLE) or (tuple(c.name for c in between) if len(between) == 1 else ())
        if not answered or (likely and schema.task.spec.labels is Labels.CLASS):
            found.append(UnnamedRole(Role.SCORE, likely))
    if not answered:
        found.append(UnnamedRole(Role.PREDICTION, _called(free, _PREDICTIONS, _SINGLE)))
    if schema.of(Role.TIME) is None:
        dated = tuple(c.name for c in free if c.kind is Kind.TIME)[:_MOST]
        found.append(UnnamedRole(Role.TIME, dated or tuple(c.name for c in free if _last(c) in _TIMES)[:_MOST]))
    return tuple(found)


def called_a_chance(column: Column) -> bool:
    """Return whether the name of a column speaks of a probability."""
    return not _CHANCES.isdisjoint(words_of(column.name))


def _called(columns: Iterable[Column], words: frozenset[str], kinds: Collection[Kind]) -> tuple[str, ...]:
    """Return the columns of some kinds that have one of the words in their name, those first that end with it."""
    likely = [c for c in columns if c.kind in kinds and not words.isdisjoint(words_of(c.name))]
    return tuple(c.name for c in sorted(likely, key=lambda c: _last(c) not in words))[:_MOST]


def _last(column: Column) -> str:
    return next(reversed(words_of(column.name)), "")
